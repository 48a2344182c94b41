//! The values that are worth trying for what is compared with each other.
//! Always: of texts, those that are named, those already in use, and a new one of each form that prefixes and parts
//! can give it; of numbers and moments, the named ones and enough points in every gap between them.

use crate::condition::{Kind, Literal};
use crate::definition::{Items, Value};
use std::collections::BTreeSet;

/// What a value is read as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sort {
    pub kind: Kind,
    pub list: bool,
}

/// What values are compared with in one set of fields and claims that belong together.
#[derive(Clone, Default, Debug)]
pub(crate) struct Pool {
    pub texts: BTreeSet<String>,
    pub starts: Vec<String>,
    pub parts: Vec<String>,
    /// Numbers in the order of their value, by their bits made comparable.
    numbers: Vec<f64>,
    moments: BTreeSet<String>,
    /// How many tests read it: at least as many different values may matter.
    pub terms: usize,
    /// Whether some of them compare two terms with each other.
    pub is_mutual: bool,
    /// What no named text has in it.
    mark: String,
}

/// The most elements of which every set is tried as a list.
const MAX_ELEMENTS: usize = 5;
/// The most parts of texts of which every choice is tried.
const MAX_PARTS: usize = 6;
/// The most values that are tried in one gap between numbers.
const MAX_POINTS: usize = 6;

impl Pool {
    /// Takes in what another one has.
    pub fn absorb(&mut self, other: Pool) {
        self.texts.extend(other.texts);
        self.starts.extend(other.starts);
        self.parts.extend(other.parts);
        self.numbers.extend(other.numbers);
        self.moments.extend(other.moments);
        self.terms += other.terms;
        self.is_mutual |= other.is_mutual;
    }

    /// Whether more is compared than every combination can be tried of.
    pub fn is_beyond(&self) -> bool {
        self.parts.len() > MAX_PARTS || (self.is_mutual && self.terms > MAX_POINTS)
    }

    /// How many different values in one gap may matter.
    fn room(&self) -> usize {
        if self.is_mutual { self.terms.clamp(2, MAX_POINTS) } else { 1 }
    }

    /// Adds a literal that something of a kind is compared with.
    pub fn name(&mut self, literal: &Literal, kind: Kind) {
        match literal {
            Literal::Text(text) if kind == Kind::Text => self.texts.extend([text.clone()]),
            Literal::Text(text) => self.moments.extend([text.clone()]),
            Literal::Number(number) => self.numbers.push(number.value()),
            Literal::Boolean(_) => (),
        }
    }

    /// To be called once everything is in.
    pub fn settle(&mut self) {
        self.numbers.sort_by(f64::total_cmp);
        self.numbers.dedup();
        self.starts.sort();
        self.starts.dedup();
        self.parts.sort();
        self.parts.dedup();
        self.mark = "~".to_owned();
        while self.texts.iter().chain(&self.starts).chain(&self.parts).any(|text| text.contains(&self.mark)) {
            self.mark.push('~');
        }
    }

    /// The values for something of a sort: with those that are `given` already, whole owners, and of how many parts
    /// a new owner may be.
    pub fn values(
        &self,
        sort: Sort,
        name: &str,
        given: &[&Value],
        whole: &[String],
        parts: usize,
    ) -> Vec<Option<Value>> {
        let single = match sort.kind {
            Kind::Text => self.texts_for(name, given, whole, parts),
            Kind::Boolean => vec![Value::Bool(true), Value::Bool(false)],
            Kind::Integer | Kind::Float => self.numbers_for(sort.kind == Kind::Integer, given),
            Kind::Date | Kind::DateTime => self.moments_for(sort.kind, given),
        };
        let values = if sort.list { lists(&single) } else { single };
        let others = [Some(Value::Null), Some(Value::Object)];
        [None].into_iter().chain(values.into_iter().map(Some)).chain(others).collect()
    }

    fn texts_for(&self, name: &str, given: &[&Value], whole: &[String], parts: usize) -> Vec<Value> {
        let mut texts: Vec<String> = self.texts.iter().cloned().collect();
        for value in given {
            match value {
                Value::Text(text) => texts.push(text.clone()),
                Value::List(items) => texts.extend(items.0.iter().filter_map(|item| match item {
                    Value::Text(text) => Some(text.clone()),
                    _ => None,
                })),
                _ => (),
            }
        }
        texts.extend_from_slice(whole);
        // An owner of several parts is compared part by part too.
        if parts > 1 {
            let pieces: Vec<String> = texts.iter().flat_map(|text| pieces(text)).collect();
            texts.extend(pieces);
            let fresh: Vec<String> = (1..=parts).map(|part| format!("{}{name}{part}", self.mark)).collect();
            texts.push(fresh.join("::"));
        }
        texts.extend(self.fresh(name));
        let mut seen = BTreeSet::new();
        texts.retain(|text| seen.insert(text.clone()));
        texts.into_iter().map(Value::Text).collect()
    }

    /// New texts: of each prefix, with each choice of parts in it.
    fn fresh(&self, name: &str) -> Vec<String> {
        let mark = if self.mark.is_empty() { "~" } else { &self.mark };
        let own = format!("{mark}{name}{mark}");
        let count = self.parts.len().min(MAX_PARTS);
        let starts = [""].into_iter().chain(self.starts.iter().map(String::as_str));
        let mut all = Vec::new();
        for start in starts {
            for choice in 0..1usize << count {
                let chosen = self.parts.iter().take(count).enumerate().filter(|(at, _)| choice & (1 << at) != 0);
                let parts: String = chosen.map(|(_, part)| format!("{part}{mark}")).collect();
                all.push(format!("{start}{own}{parts}"));
            }
        }
        // The plainest first, and without the marks that only part it from parts.
        if let [plain, ..] = all.as_mut_slice() {
            *plain = format!("{mark}{name}");
        }
        all
    }

    fn numbers_for(&self, whole: bool, given: &[&Value]) -> Vec<Value> {
        let named = self.numbers.iter().copied();
        let used = given.iter().filter_map(|value| match value {
            Value::Number(number) => Some(*number),
            _ => None,
        });
        let mut all: Vec<f64> = named.chain(used).collect();
        let room = self.room() as i32;
        let integers: Vec<f64> = all
            .iter()
            .flat_map(|number| {
                (1..=room).flat_map(|step| [number.floor() + f64::from(step), number.ceil() - f64::from(step)])
            })
            .collect();
        all.extend(integers);
        all.push(0.0);
        all.sort_by(f64::total_cmp);
        all.dedup();
        if whole {
            all.retain(|number| number.fract() == 0.0);
        } else {
            let between: Vec<f64> = all.windows(2).map(|pair| pair[0] + (pair[1] - pair[0]) / 2.0).collect();
            all.extend(between);
            all.sort_by(f64::total_cmp);
            all.dedup();
        }
        all.into_iter().map(Value::Number).collect()
    }

    fn moments_for(&self, kind: Kind, given: &[&Value]) -> Vec<Value> {
        let used = given.iter().filter_map(|value| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        });
        let named: BTreeSet<&str> = self.moments.iter().map(String::as_str).chain(used).collect();
        let named: Vec<&str> = named.into_iter().filter(|text| crate::condition::is_moment(text, kind)).collect();
        let room = self.room() as i64;
        let mut all: BTreeSet<String> = named.iter().map(|text| (*text).to_owned()).collect();
        for text in &named {
            for step in 1..=room {
                all.extend(moved(text, kind, step));
                all.extend(moved(text, kind, -step));
            }
        }
        if all.is_empty() {
            all.insert(if kind == Kind::Date { "2026-01-01" } else { "2026-01-01T00:00:00Z" }.to_owned());
        }
        all.into_iter().map(Value::Text).collect()
    }
}

/// What a text is made of, if it is an owner of several parts.
fn pieces(text: &str) -> Vec<String> {
    let cuts = text.match_indices("::").map(|(at, _)| at);
    cuts.flat_map(|at| [text[..at].to_owned(), text[at + 2..].to_owned()]).filter(|piece| !piece.is_empty()).collect()
}

/// Lists of the values: every set of a few, with and without an element of another type.
fn lists(values: &[Value]) -> Vec<Value> {
    let few = values.len().min(MAX_ELEMENTS);
    let mut sets: Vec<Vec<Value>> = (0..1usize << few)
        .map(|set| (0..few).filter(|at| set & (1 << at) != 0).map(|at| values[at].clone()).collect())
        .collect();
    sets.extend(values.iter().skip(few).map(|value| vec![value.clone()]));
    sets.sort_by_key(Vec::len);
    let with = |set: &Vec<Value>| {
        let mut set = set.clone();
        set.push(Value::Null);
        set
    };
    let more: Vec<Vec<Value>> = sets.iter().map(with).collect();
    sets.into_iter().chain(more).map(|set| Value::List(Items(set))).collect()
}

/// A day so many days later, or an instant so many nanoseconds; none beyond what the language writes.
fn moved(text: &str, kind: Kind, step: i64) -> Option<String> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    // Months of 31 days, as the language orders them.
    let day = (number(0, 4)? * 12 + number(5, 7)? - 1) * 31 + number(8, 10)? - 1;
    let spelled = |day: i64| {
        let (year, month, day) = (day.div_euclid(372), day.rem_euclid(372) / 31 + 1, day.rem_euclid(31) + 1);
        (0..=9999).contains(&year).then(|| format!("{year:04}-{month:02}-{day:02}"))
    };
    if kind == Kind::Date {
        return spelled(day + step);
    }
    let seconds = (number(11, 13)? * 60 + number(14, 16)?) * 60 + number(17, 19)?;
    let digits: String = text.get(19..)?.trim_start_matches('.').trim_end_matches('Z').chars().take(9).collect();
    let nanos: i64 = format!("{digits:0<9}").parse().ok()?;
    let total = (i128::from(day) * 86_400 + i128::from(seconds)) * 1_000_000_000 + i128::from(nanos) + i128::from(step);
    let (seconds, nanos) = (total.div_euclid(1_000_000_000), total.rem_euclid(1_000_000_000));
    let day = spelled(i64::try_from(seconds.div_euclid(86_400)).ok()?)?;
    let of_day = seconds.rem_euclid(86_400);
    let clock = format!("{:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60);
    let fraction = if nanos == 0 { String::new() } else { format!(".{nanos:09}").trim_end_matches('0').to_owned() };
    Some(format!("{day}T{clock}{fraction}Z"))
}
