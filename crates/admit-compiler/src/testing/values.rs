//! Values that conditions can tell apart: enough of them to stand for all.
//! Always: for every way in which some values of `variables` compare with the constants and with each other, the
//! values that are given here hold some that compare in the same way.

use crate::condition::Kind;
use crate::definition::Value;
use std::collections::BTreeSet;

/// What some variables are compared with, and how many of them there are.
#[derive(Clone, Default, Debug)]
pub struct Compared {
    /// Texts that they may equal; dates and instants too.
    pub texts: BTreeSet<String>,
    /// Texts that they may begin with.
    pub starts: BTreeSet<String>,
    /// Texts that may stand in them.
    pub parts: BTreeSet<String>,
    /// Numbers that they are compared with.
    pub numbers: Vec<f64>,
    /// How many variables are compared with each other: so many values must find place between two constants.
    pub variables: usize,
    /// Some comparison is not among these: two unknown texts, of which one stands in the other.
    pub is_open: bool,
}

/// The most parts of texts of which every choice is tried.
const MAX_PARTS: usize = 6;

impl Compared {
    /// The values of a kind. None if there are more than anybody tries.
    pub fn values(&self, kind: Kind) -> Option<Vec<Value>> {
        match kind {
            Kind::Text => self.texts(),
            Kind::Boolean => Some(vec![Value::Bool(false), Value::Bool(true)]),
            Kind::Integer => {
                let whole = self.numbers().into_iter().filter(|number| number.fract() == 0.0);
                Some(whole.map(Value::Number).collect())
            }
            Kind::Float => Some(self.numbers().into_iter().map(Value::Number).collect()),
            Kind::Date | Kind::DateTime => Some(self.moments(kind)),
        }
    }

    /// Each constant, and texts that equal none: for each start that there may be and each choice of parts, one that
    /// begins and holds just so. A text of the policy holds no `\u{1}` between, so that nothing else stands in it.
    fn texts(&self) -> Option<Vec<Value>> {
        if self.parts.len() > MAX_PARTS {
            return None;
        }
        let mut all: Vec<String> = self.texts.iter().cloned().collect();
        let parts: Vec<&String> = self.parts.iter().collect();
        for start in [""].into_iter().chain(self.starts.iter().map(String::as_str)) {
            for choice in 0..1usize << parts.len() {
                for copy in 1..=self.variables.max(1) {
                    let mut text = format!("{start}{}", "\u{1}".repeat(copy));
                    for (_, part) in parts.iter().enumerate().filter(|(at, _)| choice & (1 << at) != 0) {
                        text = text + part + "\u{1}";
                    }
                    all.push(text);
                }
            }
        }
        // What a person would write reads better, where it does as well.
        if self.starts.is_empty() && self.parts.is_empty() {
            all.retain(|text| !text.contains('\u{1}'));
            let free = (0..).map(|at| if at == 0 { "x".to_owned() } else { format!("x{at}") });
            all.extend(free.filter(|text| !self.texts.contains(text)).take(self.variables.max(1)));
        }
        Some(all.into_iter().map(Value::Text).collect())
    }

    /// Each constant, and as many numbers as there are variables below, above and between any two.
    fn numbers(&self) -> Vec<f64> {
        let mut constants = self.numbers.clone();
        constants.retain(|number| number.is_finite());
        constants.sort_by(f64::total_cmp);
        constants.dedup();
        let steps = self.variables.max(1);
        let (Some(first), Some(last)) = (constants.first().copied(), constants.last().copied()) else {
            return (0..=steps).map(|step| step as f64).collect();
        };
        let mut all = constants.clone();
        for step in 1..=steps {
            all.extend([first.floor() - step as f64, last.ceil() + step as f64]);
        }
        for pair in constants.windows(2) {
            let (low, high) = (pair[0], pair[1]);
            for step in 1..=steps {
                let (step, parts) = (step as f64, steps as f64 + 1.0);
                let between = [low.floor() + step, high.ceil() - step, low + (high - low) * step / parts];
                all.extend(between.into_iter().filter(|number| low < *number && *number < high));
            }
        }
        all.sort_by(f64::total_cmp);
        all.dedup();
        all
    }

    /// The same for days and instants, by the smallest steps that they have.
    fn moments(&self, kind: Kind) -> Vec<Value> {
        let mut constants: Vec<Moment> = self.texts.iter().filter_map(|text| Moment::read(text, kind)).collect();
        constants.sort_unstable();
        constants.dedup();
        let steps = self.variables.max(1);
        let mut all: BTreeSet<Moment> = constants.iter().copied().collect();
        let mut low = Moment::FIRST;
        all.insert(low);
        for _ in 1..steps {
            low = low.next(kind);
            all.insert(low);
        }
        for constant in constants {
            let mut next = constant;
            for _ in 0..steps {
                next = next.next(kind);
                all.insert(next);
            }
        }
        all.into_iter().map(|moment| Value::Text(moment.write(kind))).collect()
    }
}

/// Year, month, day, hour, minute, second and nanosecond.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Moment([u32; 7]);

impl Moment {
    const FIRST: Moment = Moment([0, 1, 1, 0, 0, 0, 0]);
    const LAST: Moment = Moment([9999, 12, 31, 23, 59, 59, 999_999_999]);

    fn read(text: &str, kind: Kind) -> Option<Moment> {
        if !crate::condition::is_moment(text, kind) {
            return None;
        }
        let number = |from: usize, to: usize| text.get(from..to).and_then(|digits| digits.parse().ok()).unwrap_or(0);
        let fraction = text.get(20..).unwrap_or("").trim_end_matches('Z');
        let nanos = format!("{fraction:0<9}").parse().unwrap_or(0);
        Some(match kind {
            Kind::Date => Moment([number(0, 4), number(5, 7), number(8, 10), 0, 0, 0, 0]),
            _ => Moment([
                number(0, 4),
                number(5, 7),
                number(8, 10),
                number(11, 13),
                number(14, 16),
                number(17, 19),
                nanos,
            ]),
        })
    }

    /// The next one that can be written; the last is its own.
    fn next(self, kind: Kind) -> Moment {
        let mut parts = self.0;
        let last = if kind == Kind::Date { 2 } else { 6 };
        for at in (0..=last).rev() {
            if parts[at] < Moment::LAST.0[at] {
                parts[at] += 1;
                return Moment(parts);
            }
            parts[at] = Moment::FIRST.0[at];
        }
        self
    }

    fn write(self, kind: Kind) -> String {
        let [year, month, day, hour, minute, second, nanos] = self.0;
        let date = format!("{year:04}-{month:02}-{day:02}");
        match (kind, nanos) {
            (Kind::Date, _) => date,
            (_, 0) => format!("{date}T{hour:02}:{minute:02}:{second:02}Z"),
            _ => format!("{date}T{hour:02}:{minute:02}:{second:02}.{nanos:09}Z"),
        }
    }
}
