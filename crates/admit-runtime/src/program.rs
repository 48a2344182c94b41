//! Conditions of rules: tests in three values, and steps that go forward from one to the next.
//! Always: no allocation; a condition takes each of its steps at most once. What is absent, null, of another type or
//! over a cap is unknown, and unknown helps nobody: an allow counts only if it is true, a deny unless it is false.

use crate::claim::{MAX_CLAIM, MAX_LIST, is_json_number};
use crate::format::{FALSE, NONE, Step, TRUE, Term, Test, form, kind, operand, source};
use crate::load::Policy;
use crate::value::Value;
use core::cmp::Ordering;

/// One of the three values.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Truth {
    False,
    Unknown,
    True,
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Truth {
        if holds { Truth::True } else { Truth::False }
    }
}

/// Which way the unknown falls.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counts {
    /// An allow.
    IfTrue,
    /// A deny.
    UnlessFalse,
    /// An allow, its condition left aside: whether that is all that keeps it from counting.
    ButForCondition,
}

/// The answer to a question about a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is about a record that is not known yet: any of the three.
    Open,
    Is(Truth),
}

impl Answer {
    /// Whether a rule counts that asks just this. Where records are not known yet: whether it counts for some record,
    /// and a deny whether it does for every one.
    pub fn counts(self, counts: Counts) -> bool {
        match (self, counts) {
            (Answer::Open, counts) => counts != Counts::UnlessFalse,
            (Answer::Is(truth), Counts::IfTrue | Counts::ButForCondition) => truth == Truth::True,
            (Answer::Is(truth), Counts::UnlessFalse) => truth != Truth::False,
        }
    }

    fn negated(self) -> Answer {
        match self {
            Answer::Is(Truth::True) => Answer::Is(Truth::False),
            Answer::Is(Truth::False) => Answer::Is(Truth::True),
            other => other,
        }
    }
}

/// A text that need not stand in one piece.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a> {
    pieces: [&'a str; 7],
    count: usize,
}

/// The longest text in several pieces that is searched.
const MAX_PIECES: usize = 4096;

impl<'a> Text<'a> {
    pub fn of(text: &'a str) -> Text<'a> {
        Text { pieces: [text, "", "", "", "", "", ""], count: 1 }
    }

    pub fn joined((pieces, count): ([&'a str; 7], usize)) -> Text<'a> {
        Text { pieces, count }
    }

    pub fn pieces(&self) -> &[&'a str] {
        self.pieces.get(..self.count).unwrap_or(&[])
    }

    fn len(&self) -> usize {
        self.pieces().iter().map(|piece| piece.len()).sum()
    }

    fn bytes(&self) -> impl Iterator<Item = u8> + Clone + '_ {
        self.pieces().iter().flat_map(|piece| piece.bytes())
    }

    /// The text, if it stands in one piece.
    fn whole(&self) -> Option<&'a str> {
        (self.count == 1).then_some(self.pieces[0])
    }

    pub fn is(&self, other: &Text<'_>) -> bool {
        match (self.whole(), other.whole()) {
            (Some(a), Some(b)) => a == b,
            _ => self.len() == other.len() && self.bytes().eq(other.bytes()),
        }
    }

    /// Whether it is these pieces, joined.
    pub fn is_pieces(&self, pieces: &[&str]) -> bool {
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        self.len() == length && self.bytes().eq(pieces.iter().flat_map(|piece| piece.bytes()))
    }

    fn starts_with(&self, other: &Text<'_>) -> bool {
        self.len() >= other.len() && self.bytes().zip(other.bytes()).all(|(a, b)| a == b)
    }

    fn contains(&self, other: &Text<'_>) -> bool {
        if let (Some(text), Some(part)) = (self.whole(), other.whole()) {
            return text.contains(part);
        }
        let (mut from, length) = (self.bytes(), other.len());
        (0..=self.len().saturating_sub(length)).any(|_| {
            let here = from.clone().zip(other.bytes()).filter(|(a, b)| a == b).count() == length;
            from.next();
            here
        })
    }
}

/// What a term is found to be.
#[derive(Clone, Copy)]
pub(crate) enum Read<'a> {
    /// Of a record that is not known yet.
    Open,
    /// This; absent too.
    Value(Value<'a>),
    /// The owner that `create` records, perhaps as the one element of a list.
    Owner { owner: Text<'a>, list: bool },
}

/// A value as it is compared.
enum Known<'a> {
    Text(Text<'a>),
    Number(f64),
    Boolean(bool),
    /// Seconds, as text in the order of time, and the digits of their fraction without zeros behind.
    Moment(&'a str, &'a str),
}

impl Known<'_> {
    /// How two values of one kind stand to each other; texts are only equal or not.
    fn order(&self, other: &Known<'_>) -> Option<Ordering> {
        match (self, other) {
            (Known::Text(a), Known::Text(b)) => Some(if a.is(b) { Ordering::Equal } else { Ordering::Less }),
            (Known::Number(a), Known::Number(b)) => a.partial_cmp(b),
            (Known::Boolean(a), Known::Boolean(b)) => Some(a.cmp(b)),
            (Known::Moment(a, fraction), Known::Moment(b, other)) => Some((a, fraction).cmp(&(b, other))),
            _ => None,
        }
    }

    fn equals(&self, other: &Known<'_>) -> bool {
        self.order(other) == Some(Ordering::Equal)
    }
}

/// Finds what a term reads.
pub(crate) type Find<'f, 'a> = &'f dyn Fn(&Term) -> Read<'a>;

impl<'t> Policy<'t> {
    /// The steps of a condition.
    pub(crate) fn steps(&self, program: u32) -> (u32, u32) {
        let start = if program == 0 { 0 } else { self.programs.at(program as usize - 1) };
        (start, self.programs.at(program as usize).saturating_sub(start))
    }

    /// Whether a condition counts. One without steps is never true.
    pub(crate) fn condition_counts<'a>(&'a self, program: u32, counts: Counts, find: Find<'_, 'a>) -> bool {
        if program == NONE {
            return true;
        }
        let (start, count) = self.steps(program);
        let mut at = 0;
        while u32::from(at) < count {
            let Step { test, yes, no } = self.code.at(start as usize + usize::from(at));
            let next = match self.ask(&self.tests.at(test as usize), find).counts(counts) {
                true => yes,
                false => no,
            };
            match next {
                TRUE => return true,
                FALSE => return false,
                next if next <= at => return false, // loading has checked that steps go forward
                next => at = next,
            }
        }
        false
    }

    fn ask<'a>(&'a self, test: &Test, find: Find<'_, 'a>) -> Answer {
        let term = self.terms.at(test.term as usize);
        let read = find(&term);
        let other = match test.operand {
            operand::TERM => Some(self.terms.at(test.value as usize)),
            _ => None,
        };
        let other = other.map(|other| (other, find(&other)));
        let answer = match (read, &other) {
            (Read::Open, _) | (_, Some((_, Read::Open))) => Answer::Open,
            _ => {
                let operand = || match &other {
                    Some((other, read)) => one(other, *read),
                    None => self.literal(test, &term),
                };
                Answer::Is(truth(test.form, &term, read, operand).unwrap_or(Truth::Unknown))
            }
        };
        if test.negated == 1 { answer.negated() } else { answer }
    }

    /// A number that conditions name.
    pub(crate) fn number_at(&self, number: u32) -> f64 {
        let number = self.numbers.at(number as usize);
        f64::from_bits(u64::from(number.high) << 32 | u64::from(number.low))
    }

    /// The value that the policy names; a text is of the kind that it is compared with.
    fn literal<'a>(&'a self, test: &Test, term: &Term) -> Option<Known<'a>> {
        match test.operand {
            operand::TEXT if term.kind == kind::TEXT => Some(Known::Text(Text::of(self.strings.get(test.value)))),
            operand::TEXT => moment(self.strings.get(test.value), term.kind),
            operand::NUMBER => Some(Known::Number(self.number_at(test.value))),
            operand::BOOLEAN => Some(Known::Boolean(test.value == 1)),
            _ => None,
        }
    }
}

/// None is unknown.
fn truth<'a>(form: u8, term: &Term, read: Read<'_>, operand: impl Fn() -> Option<Known<'a>>) -> Option<Truth> {
    Some(match form {
        form::HOLDS => Truth::from(matches!(one(term, read)?, Known::Boolean(true))),
        form::NULL => match read {
            Read::Value(Value::Absent) | Read::Open => return None,
            Read::Value(value) => Truth::from(matches!(value, Value::Null)),
            Read::Owner { .. } => Truth::False,
        },
        form::CONTAINS => return contains(term, read, &operand()?),
        form::HAS_TEXT | form::STARTS_WITH => match (one(term, read)?, operand()?) {
            (Known::Text(text), Known::Text(part)) if form == form::HAS_TEXT => Truth::from(text.contains(&part)),
            (Known::Text(text), Known::Text(part)) => Truth::from(text.starts_with(&part)),
            _ => return None,
        },
        relation => {
            let order = one(term, read)?.order(&operand()?)?;
            Truth::from(match relation {
                form::EQUAL => order.is_eq(),
                form::LESS => order.is_lt(),
                form::LESS_OR_EQUAL => order.is_le(),
                form::GREATER => order.is_gt(),
                _ => order.is_ge(),
            })
        }
    })
}

/// True if an element is equal, else unknown if one is null or of another type.
fn contains(term: &Term, read: Read<'_>, wanted: &Known<'_>) -> Option<Truth> {
    if term.list == 0 {
        return None;
    }
    match read {
        Read::Owner { owner, list: true } => {
            let owner = (term.kind == kind::TEXT).then_some(Known::Text(owner))?;
            Some(Truth::from(owner.equals(wanted)))
        }
        Read::Value(Value::List(list)) if list.len() <= MAX_LIST => {
            let element = |at: usize| match known(list.at(at), term.kind, false) {
                Some(element) => Truth::from(element.equals(wanted)),
                None => Truth::Unknown,
            };
            Some((0..list.len()).map(element).fold(Truth::False, Ord::max))
        }
        _ => None,
    }
}

/// The value of a term that is no list.
fn one<'a>(term: &Term, read: Read<'a>) -> Option<Known<'a>> {
    match read {
        _ if term.list == 1 => None,
        Read::Value(value) => known(value, term.kind, term.source == source::CLAIM),
        Read::Owner { owner, list: false } if term.kind == kind::TEXT => {
            let length = if owner.count == 1 { MAX_CLAIM } else { MAX_PIECES };
            (owner.len() <= length).then_some(Known::Text(owner))
        }
        Read::Owner { .. } | Read::Open => None,
    }
}

/// 2^53: up to there no whole number is rounded to another.
const MAX_INTEGER: f64 = 9_007_199_254_740_992.0;

fn is_integer(number: f64) -> bool {
    number.abs() < MAX_INTEGER && (number as i64) as f64 == number
}

/// A value of a kind; a claim's may be the text of a number or a boolean, for Cognito sends attributes as texts.
fn known(value: Value<'_>, kind: u8, may_be_text: bool) -> Option<Known<'_>> {
    match (kind, value) {
        (kind::TEXT, Value::Text(text)) if text.len() <= MAX_CLAIM => Some(Known::Text(Text::of(text))),
        (kind::INTEGER, Value::Number(number)) if is_integer(number) => Some(Known::Number(number)),
        (kind::FLOAT, Value::Number(number)) if number.is_finite() => Some(Known::Number(number)),
        (kind::BOOLEAN, Value::Bool(flag)) => Some(Known::Boolean(flag)),
        (kind::DATE | kind::DATE_TIME, Value::Text(text)) => moment(text, kind),
        (kind::BOOLEAN, Value::Text("true")) if may_be_text => Some(Known::Boolean(true)),
        (kind::BOOLEAN, Value::Text("false")) if may_be_text => Some(Known::Boolean(false)),
        (kind::INTEGER | kind::FLOAT, Value::Text(text)) if may_be_text && is_json_number(text) => {
            let number: f64 = text.parse().ok()?;
            let fits = if kind == kind::INTEGER { is_integer(number) } else { number.is_finite() };
            fits.then_some(Known::Number(number))
        }
        _ => None,
    }
}

/// A day `2026-11-25`, or an instant `2026-11-25T10:00:00Z`, perhaps with up to nine digits of a second's fraction.
fn moment(text: &str, kind: u8) -> Option<Known<'_>> {
    let bytes = text.as_bytes();
    let digits = |from: usize, to: usize, least: u32, most: u32| {
        let part = bytes.get(from..to)?;
        let number = part
            .iter()
            .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0')))?;
        (least..=most).contains(&number).then_some(())
    };
    let mark = |at: usize, byte: u8| (bytes.get(at) == Some(&byte)).then_some(());
    digits(0, 4, 0, 9999)?;
    mark(4, b'-')?;
    digits(5, 7, 1, 12)?;
    mark(7, b'-')?;
    digits(8, 10, 1, 31)?;
    if kind == kind::DATE {
        return (text.len() == 10).then_some(Known::Moment(text, ""));
    }
    mark(10, b'T')?;
    digits(11, 13, 0, 23)?;
    mark(13, b':')?;
    digits(14, 16, 0, 59)?;
    mark(16, b':')?;
    digits(17, 19, 0, 59)?;
    let rest = text.get(19..)?.strip_suffix('Z')?;
    let fraction = match rest.strip_prefix('.') {
        None => rest.is_empty().then_some("")?,
        Some(fraction) => {
            let plain = (1..=9).contains(&fraction.len()) && fraction.bytes().all(|byte| byte.is_ascii_digit());
            plain.then_some(fraction.trim_end_matches('0'))?
        }
    };
    Some(Known::Moment(text.get(..19)?, fraction))
}
