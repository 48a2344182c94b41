//! Which of the three values a condition can come to, over everything that its terms may hold.
//! Always: what is said to be out of reach is out of reach. Values are tried that stand for all others: each that the
//! condition names, some between, some outside, null and none at all. What cannot be covered so (texts within texts,
//! elements of lists) may come to anything, so that less is said, and never too much.

use super::conditions::Shape;
use crate::condition::{Condition, Found, Kind, Literal, Operand, Term, Test, Truth};
use crate::definition::Value;

/// The most combinations that are tried; who needs more is told nothing.
const MAX_TRIES: usize = 50_000;

/// Some of the three values.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Reach(u8);

impl Reach {
    const ALL: u8 = 7;

    pub(super) fn has(self, truth: Truth) -> bool {
        self.0 & (1 << truth as u8) != 0
    }

    fn add(&mut self, truth: Truth) {
        self.0 |= 1 << truth as u8;
    }
}

/// What a condition can come to; nothing if that would take too long to find out.
pub(super) fn reach(condition: &Condition, shapes: &[Shape]) -> Option<Reach> {
    Space::of(condition, shapes, true).reach(condition)
}

/// The same if each of its tests could come to anything, independent of all others: what its form alone says.
pub(super) fn reach_by_form(condition: &Condition) -> Option<Reach> {
    Space::of(condition, &[], false).reach(condition)
}

/// What it can come to where one term is null and everything else is known.
pub(super) fn reach_of_null(condition: &Condition, shapes: &[Shape], term: &Term) -> Option<Reach> {
    let mut space = Space::of(condition, shapes, true);
    for (of, candidates) in &mut space.terms {
        match of == term {
            true => *candidates = vec![Some(Value::Null)],
            false => candidates.retain(|value| !matches!(value, None | Some(Value::Null))),
        }
    }
    for (test, truths) in &mut space.free {
        let of_null = test.terms().contains(&term);
        truths.retain(|truth| (*truth == Truth::Unknown) == of_null);
    }
    space.reach(condition)
}

/// Whether one condition is true wherever another one is; false also if that would take too long to find out.
pub(super) fn implies(narrow: &Condition, wide: &Condition, shapes: &[Shape]) -> bool {
    let both = Condition::All(vec![narrow.clone(), wide.clone()]);
    let space = Space::of(&both, shapes, true);
    let mut holds = true;
    let tried = space.each(&mut |at| {
        holds = space.truth(narrow, at) != Truth::True || space.truth(wide, at) == Truth::True;
        holds
    });
    tried.is_some() && holds
}

/// Everything that is tried.
struct Space {
    /// Terms with what they may hold; none is "not there".
    terms: Vec<(Term, Vec<Option<Value>>)>,
    /// Tests that may come to anything.
    free: Vec<(Test, Vec<Truth>)>,
}

impl Space {
    fn of(condition: &Condition, shapes: &[Shape], by_value: bool) -> Space {
        let mut tests = Vec::new();
        collect(condition, &mut tests);
        let mut space = Space { terms: Vec::new(), free: Vec::new() };
        let (valued, free): (Vec<&Test>, Vec<&Test>) = tests.into_iter().partition(|test| by_value && is_valued(test));
        for test in free {
            if space.free.iter().all(|(known, _)| known != test) {
                space.free.push((test.clone(), vec![Truth::False, Truth::Unknown, Truth::True]));
            }
        }
        for term in valued.iter().flat_map(|test| test.terms()) {
            if space.terms.iter().all(|(known, _)| known != term) {
                space.terms.push((term.clone(), candidates(term, &valued, shapes)));
            }
        }
        space
    }

    fn reach(&self, condition: &Condition) -> Option<Reach> {
        let mut reached = Reach::default();
        self.each(&mut |at| {
            reached.add(self.truth(condition, at));
            reached.0 != Reach::ALL
        })?;
        Some(reached)
    }

    /// Goes through all combinations until one says that it is enough; nothing if there are too many.
    fn each(&self, goes_on: &mut dyn FnMut(&[usize]) -> bool) -> Option<()> {
        let sizes: Vec<usize> =
            self.terms.iter().map(|(_, all)| all.len()).chain(self.free.iter().map(|(_, all)| all.len())).collect();
        let tries = sizes.iter().try_fold(1_usize, |all, size| all.checked_mul(*size))?;
        if tries > MAX_TRIES {
            return None;
        }
        let mut at = vec![0; sizes.len()];
        for _ in 0..tries {
            if !goes_on(&at) {
                break;
            }
            for (place, size) in at.iter_mut().zip(&sizes) {
                *place += 1;
                if *place < *size {
                    break;
                }
                *place = 0;
            }
        }
        Some(())
    }

    fn truth(&self, condition: &Condition, at: &[usize]) -> Truth {
        match condition {
            Condition::Test(test) => self.truth_of(test, at),
            Condition::Not(of) => match self.truth(of, at) {
                Truth::True => Truth::False,
                Truth::False => Truth::True,
                Truth::Unknown => Truth::Unknown,
            },
            Condition::All(parts) => parts.iter().map(|part| self.truth(part, at)).fold(Truth::True, Ord::min),
            Condition::Any(parts) => parts.iter().map(|part| self.truth(part, at)).fold(Truth::False, Ord::max),
        }
    }

    fn truth_of(&self, test: &Test, at: &[usize]) -> Truth {
        if let Some(number) = self.free.iter().position(|(known, _)| known == test) {
            return self.free[number].1[at[self.terms.len() + number]];
        }
        let find = |term: &Term| {
            let number = self.terms.iter().position(|(known, _)| known == term);
            let value = number.and_then(|number| self.terms[number].1[at[number]].as_ref());
            value.map_or(Found::Absent, Found::Value)
        };
        // The definition's own comparison; every term is found, so that there is one answer.
        let truths = Condition::Test(test.clone()).truths(&find);
        [Truth::False, Truth::True].into_iter().find(|truth| truths.contains(*truth)).unwrap_or(Truth::Unknown)
    }
}

fn collect<'c>(condition: &'c Condition, tests: &mut Vec<&'c Test>) {
    match condition {
        Condition::Test(test) => tests.push(test),
        Condition::Not(of) => collect(of, tests),
        Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| collect(part, tests)),
    }
}

/// Whether a test is about whole values, of which some stand for all.
fn is_valued(test: &Test) -> bool {
    matches!(test, Test::Holds(_) | Test::Null(_) | Test::Compare(..)) && test.terms().iter().all(|term| !term.list)
}

/// What a term may hold, as far as these tests can tell it apart.
fn candidates(term: &Term, tests: &[&Test], shapes: &[Shape]) -> Vec<Option<Value>> {
    let shape = shapes.iter().find(|shape| shape.term == *term);
    let meets = |test: &&&Test| matches!(test, Test::Compare(_, _, Operand::Term(_)));
    // Terms that are compared with each other must be able to be equal, and to differ from each other.
    let is_paired = tests.iter().filter(meets).any(|test| test.terms().contains(&term));
    let fresh = match is_paired {
        true => shapes.iter().filter(|shape| shape.term.kind.meets(term.kind)).count().max(1),
        false => 1,
    };
    let literals: Vec<&Literal> = tests
        .iter()
        .filter_map(|test| match test {
            Test::Compare(of, _, Operand::Literal(literal))
                if of == term || (is_paired && of.kind.meets(term.kind)) =>
            {
                Some(literal)
            }
            _ => None,
        })
        .collect();
    let mut values: Vec<Option<Value>> = vec![None];
    values.extend(shape.filter(|shape| shape.nullable).map(|_| Some(Value::Null)));
    let known: Vec<Value> = match (term.kind, shape.and_then(|shape| shape.values.as_ref())) {
        (Kind::Text, Some(all)) => all.iter().cloned().map(Value::Text).collect(),
        (Kind::Text, None) => {
            let named = literals.into_iter().filter_map(text);
            let of_enums = shapes.iter().filter(|_| is_paired).flat_map(|shape| shape.values.iter().flatten());
            let other = (0..fresh).map(|number| format!("\u{1}{number}"));
            named.chain(of_enums.cloned()).chain(other).map(Value::Text).collect()
        }
        (Kind::Boolean, _) => vec![Value::Bool(false), Value::Bool(true)],
        (Kind::Integer, _) => numbers(&literals, fresh, false),
        (Kind::Float, _) => numbers(&literals, fresh, true),
        (kind @ (Kind::Date | Kind::DateTime), _) => moments(&literals, fresh, kind),
    };
    for value in known {
        if !values.contains(&Some(value.clone())) {
            values.push(Some(value));
        }
    }
    values
}

fn text(literal: &Literal) -> Option<String> {
    match literal {
        Literal::Text(text) => Some(text.clone()),
        _ => None,
    }
}

/// Whole numbers lie between these.
const MAX_WHOLE: i128 = 1 << 53;

fn numbers(literals: &[&Literal], fresh: usize, fractions: bool) -> Vec<Value> {
    let mut points: Vec<f64> = literals
        .iter()
        .filter_map(|literal| match literal {
            Literal::Number(number) => Some(number.value()),
            _ => None,
        })
        .collect();
    points.sort_by(f64::total_cmp);
    points.dedup();
    // Whole numbers around and between; a point that is no whole one lies between two.
    let around = points.iter().flat_map(|point| [point.floor() as i128, point.ceil() as i128]).collect();
    let whole = between(around, fresh, -MAX_WHOLE + 1, MAX_WHOLE - 1);
    let mut values: Vec<f64> = whole.into_iter().map(|number| number as f64).collect();
    if fractions {
        for pair in points.windows(2) {
            let step = (pair[1] - pair[0]) / (fresh + 1) as f64;
            values.extend((1..=fresh).map(|number| pair[0] + step * number as f64));
        }
        values.extend(points);
    }
    values.into_iter().map(Value::Number).collect()
}

fn moments(literals: &[&Literal], fresh: usize, kind: Kind) -> Vec<Value> {
    let points = literals.iter().filter_map(|literal| ordinal(&text(literal)?, kind)).collect();
    let last = if kind == Kind::Date { DAYS - 1 } else { DAYS * NANOS - 1 };
    between(points, fresh, 0, last).into_iter().map(|number| Value::Text(written(number, kind))).collect()
}

/// The points, and so many whole numbers between each two, below the first and above the last.
fn between(mut points: Vec<i128>, fresh: usize, least: i128, most: i128) -> Vec<i128> {
    points.sort_unstable();
    points.dedup();
    let fresh = fresh as i128;
    let (Some(first), Some(last)) = (points.first().copied(), points.last().copied()) else {
        return (0..fresh).collect();
    };
    let mut all: Vec<i128> = (first - fresh..first).chain(last + 1..=last + fresh).collect();
    for pair in points.windows(2) {
        all.extend((pair[0] + 1..pair[1]).take(fresh as usize));
    }
    all.extend(points);
    all.retain(|number| (least..=most).contains(number));
    all
}

/// Days as the language compares them: 31 in each month of the years 0 to 9999.
const DAYS: i128 = 10_000 * 12 * 31;
const NANOS: i128 = 86_400 * 1_000_000_000;

/// The place of a day, or of an instant, in the order of time; nothing for what is neither.
fn ordinal(text: &str, kind: Kind) -> Option<i128> {
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<i128>().ok();
    let day = (part(0, 4)? * 12 + part(5, 7)? - 1) * 31 + part(8, 10)? - 1;
    if kind == Kind::Date {
        return Some(day);
    }
    let seconds = (part(11, 13)? * 60 + part(14, 16)?) * 60 + part(17, 19)?;
    let digits = text.get(19..)?.trim_start_matches('.').trim_end_matches('Z');
    let nanos = format!("{digits:0<9}").parse::<i128>().ok()?;
    Some(day * NANOS + seconds * 1_000_000_000 + nanos)
}

fn written(number: i128, kind: Kind) -> String {
    let day = if kind == Kind::Date { number } else { number / NANOS };
    let date = format!("{:04}-{:02}-{:02}", day / 31 / 12, day / 31 % 12 + 1, day % 31 + 1);
    if kind == Kind::Date {
        return date;
    }
    let (seconds, nanos) = (number % NANOS / 1_000_000_000, number % 1_000_000_000);
    format!("{date}T{:02}:{:02}:{:02}.{nanos:09}Z", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::condition::is_moment;

    #[test]
    fn instants_have_a_place_and_are_written_from_it() {
        for text in
            ["0000-01-01T00:00:00.000000000Z", "2026-11-25T10:07:09.500000001Z", "9999-12-31T23:59:59.999999999Z"]
        {
            assert!(is_moment(text, Kind::DateTime), "{text}");
            assert_eq!(
                ordinal(text, Kind::DateTime).map(|number| written(number, Kind::DateTime)).as_deref(),
                Some(text)
            );
        }
        assert_eq!(ordinal("2026-02-28T00:00:00Z", Kind::DateTime), ordinal("2026-02-28T00:00:00.0Z", Kind::DateTime));
        assert_eq!(
            ordinal("2026-11-25", Kind::Date).map(|day| written(day, Kind::Date)).as_deref(),
            Some("2026-11-25")
        );
    }
}
