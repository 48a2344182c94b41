//! Conditions of rules: resolved, typed, and what they mean.
//! Always: three values. What is not given, absent, null or of another type is unknown; an allow counts only if it is
//! true, a deny unless it is false. So leaving data out never turns a denial into an allow.

use crate::definition::Value;

/// A condition. The order of parts never matters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Condition {
    /// One question about the request.
    Test(Test),
    /// True where it is false, false where it is true.
    Not(Box<Condition>),
    /// True if each is true; of none, true.
    All(Vec<Condition>),
    /// True if one is true; of none, false.
    Any(Vec<Condition>),
}

/// A question about a request.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Test {
    /// `record.locked`: a boolean that is true.
    Holds(Term),
    /// `record.note == null`: the key is there, and its value is null.
    Null(Term),
    /// `record.state == "draft"`, `record.count < 3`. Both sides are of one kind.
    Compare(Term, Relation, Operand),
    /// `record.tags.contains("x")`, `"x" in record.tags`: some element is equal.
    Contains(Term, Operand),
    /// `record.title.contains("x")`: the text stands in it.
    HasText(Term, Operand),
    /// `record.title.startsWith("x")`
    StartsWith(Term, Operand),
}

/// How two values are compared. `!=` is the negation of [`Relation::Equal`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs)]
pub enum Relation {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Relation {
    /// The relation as it is written.
    pub fn name(self) -> &'static str {
        match self {
            Relation::Equal => "==",
            Relation::Less => "<",
            Relation::LessOrEqual => "<=",
            Relation::Greater => ">",
            Relation::GreaterOrEqual => ">=",
        }
    }

    /// The same with its sides exchanged.
    pub fn turned(self) -> Relation {
        match self {
            Relation::Equal => Relation::Equal,
            Relation::Less => Relation::Greater,
            Relation::LessOrEqual => Relation::GreaterOrEqual,
            Relation::Greater => Relation::Less,
            Relation::GreaterOrEqual => Relation::LessOrEqual,
        }
    }

    fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Relation::Equal => order.is_eq(),
            Relation::Less => order.is_lt(),
            Relation::LessOrEqual => order.is_le(),
            Relation::Greater => order.is_gt(),
            Relation::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// What a condition reads.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Term {
    /// Where it is read.
    pub source: Source,
    /// The field, or the claim.
    pub name: String,
    /// What it, or each element of it, is.
    pub kind: Kind,
    /// Whether it is a list.
    pub list: bool,
}

/// Where a term is read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Source {
    /// The stored record; on `create` the input, after the owner was set.
    Record,
    /// What the field will hold after the `create` or `update`.
    Input,
    /// The token.
    Claim,
}

impl Source {
    /// The word of the language.
    pub fn name(self) -> &'static str {
        match self {
            Source::Record => "record",
            Source::Input => "input",
            Source::Claim => "claims",
        }
    }
}

/// What a value is, as far as comparing it goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// A text, compared byte for byte: strings, ids, enums, times of day and their like.
    Text,
    /// A whole number between -2^53 and 2^53; time stamps too.
    Integer,
    /// A number.
    Float,
    /// True or false.
    Boolean,
    /// A day, `2026-11-25`.
    Date,
    /// An instant, `2026-11-25T10:00:00.5Z`; only those that end in `Z` can be compared.
    DateTime,
}

impl Kind {
    /// Whether two kinds can be compared with each other.
    pub fn meets(self, other: Kind) -> bool {
        let number = |kind: Kind| matches!(kind, Kind::Integer | Kind::Float);
        self == other || (number(self) && number(other))
    }

    /// Whether `<` and its like compare it.
    pub fn is_ordered(self) -> bool {
        !matches!(self, Kind::Text | Kind::Boolean)
    }
}

/// What a term is compared with.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Operand {
    /// Another term.
    Term(Term),
    /// A value of the policy.
    Literal(Literal),
}

/// A value that a policy names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Literal {
    /// `"draft"`; dates and instants too
    Text(String),
    /// `12`, `-1.5`
    Number(Number),
    /// `true`
    Boolean(bool),
}

/// A finite number that a policy names; negative zero is zero.
#[derive(Clone, Copy, Debug)]
pub struct Number(f64);

impl Number {
    /// The number, if it is finite.
    pub fn new(number: f64) -> Option<Number> {
        number.is_finite().then_some(Number(if number == 0.0 { 0.0 } else { number }))
    }

    /// Its value.
    pub fn value(self) -> f64 {
        self.0
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.0.total_cmp(&other.0).is_eq()
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Number) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl std::hash::Hash for Number {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

/// One of the three values.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[allow(missing_docs)]
pub enum Truth {
    False,
    Unknown,
    True,
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Truth {
        if holds { Truth::True } else { Truth::False }
    }
}

/// Which of the three values something may have: one, unless records are asked about that are not known yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Truths(u8);

impl Truths {
    /// Any of them.
    pub const ANY: Truths = Truths(7);

    /// Just this one.
    pub fn of(truth: Truth) -> Truths {
        Truths(1 << truth as u8)
    }

    /// Whether it may be that one.
    pub fn contains(self, truth: Truth) -> bool {
        self.0 & (1 << truth as u8) != 0
    }

    /// The values that a combination may have.
    fn with(self, other: Truths, combine: fn(Truth, Truth) -> Truth) -> Truths {
        const EACH: [Truth; 3] = [Truth::False, Truth::Unknown, Truth::True];
        let mut all = 0;
        for a in EACH.into_iter().filter(|a| self.contains(*a)) {
            for b in EACH.into_iter().filter(|b| other.contains(*b)) {
                all |= Truths::of(combine(a, b)).0;
            }
        }
        Truths(all)
    }

    /// Both.
    pub fn and(self, other: Truths) -> Truths {
        self.with(other, Ord::min)
    }

    /// One of both.
    pub fn or(self, other: Truths) -> Truths {
        self.with(other, Ord::max)
    }

    /// True and false exchanged.
    pub fn negated(self) -> Truths {
        Truths((self.0 & 1) << 2 | self.0 & 2 | self.0 >> 2)
    }
}

/// What a term is found to be.
pub enum Found<'v> {
    /// Of a record that is not known yet: it may be anything.
    Open,
    /// Not there, or nobody gave it.
    Absent,
    /// This.
    Value(&'v Value),
}

/// Finds terms.
pub type Find<'f, 'v> = &'f dyn Fn(&Term) -> Found<'v>;

/// The value of a term as it is compared: of its kind, or nothing.
#[derive(Clone, PartialEq, Debug)]
enum Known {
    Text(String),
    Number(f64),
    Boolean(bool),
    /// The text of a day, or of an instant: seconds, and the digits of their fraction.
    Moment(String, String),
}

impl Condition {
    /// What it may come to, given what each term is found to be.
    pub fn truths(&self, find: Find<'_, '_>) -> Truths {
        match self {
            Condition::Test(test) => test.truths(find),
            Condition::Not(of) => of.truths(find).negated(),
            Condition::All(parts) => parts.iter().fold(Truths::of(Truth::True), |all, part| all.and(part.truths(find))),
            Condition::Any(parts) => parts.iter().fold(Truths::of(Truth::False), |all, part| all.or(part.truths(find))),
        }
    }

    /// Calls `visit` with every literal that it names.
    pub fn each_literal<'c>(&'c self, visit: &mut dyn FnMut(&'c Literal)) {
        match self {
            Condition::Test(test) => {
                if let Some(Operand::Literal(literal)) = test.operand() {
                    visit(literal);
                }
            }
            Condition::Not(of) => of.each_literal(visit),
            Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| part.each_literal(visit)),
        }
    }

    /// Calls `visit` with every term that it reads.
    pub fn each_term<'c>(&'c self, visit: &mut dyn FnMut(&'c Term)) {
        match self {
            Condition::Test(test) => test.terms().into_iter().for_each(visit),
            Condition::Not(of) => of.each_term(visit),
            Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| part.each_term(visit)),
        }
    }
}

impl Test {
    /// What its term is compared with.
    pub fn operand(&self) -> Option<&Operand> {
        match self {
            Test::Holds(_) | Test::Null(_) => None,
            Test::Compare(_, _, operand)
            | Test::Contains(_, operand)
            | Test::HasText(_, operand)
            | Test::StartsWith(_, operand) => Some(operand),
        }
    }

    /// The terms that it reads, one or two.
    pub fn terms(&self) -> Vec<&Term> {
        match self {
            Test::Holds(term) | Test::Null(term) => vec![term],
            Test::Compare(term, _, operand)
            | Test::Contains(term, operand)
            | Test::HasText(term, operand)
            | Test::StartsWith(term, operand) => match operand {
                Operand::Term(other) => vec![term, other],
                Operand::Literal(_) => vec![term],
            },
        }
    }

    fn truths(&self, find: Find<'_, '_>) -> Truths {
        if self.terms().into_iter().any(|term| matches!(find(term), Found::Open)) {
            return Truths::ANY;
        }
        Truths::of(self.truth(find).unwrap_or(Truth::Unknown))
    }

    /// None is unknown.
    fn truth(&self, find: Find<'_, '_>) -> Option<Truth> {
        Some(match self {
            Test::Holds(term) => Truth::from(one(term, find)? == Known::Boolean(true)),
            Test::Null(term) => match find(term) {
                Found::Value(value) => Truth::from(*value == Value::Null),
                Found::Open | Found::Absent => return None,
            },
            Test::Compare(term, relation, operand) => {
                let (left, right) = (one(term, find)?, operand.known(term.kind, find)?);
                Truth::from(relation.holds(left.order(&right)?))
            }
            Test::Contains(term, operand) => {
                let (elements, wanted) = (many(term, find)?, operand.known(term.kind, find)?);
                let truth = |element: Option<Known>| match element {
                    Some(element) => Truth::from(element.order(&wanted).is_some_and(std::cmp::Ordering::is_eq)),
                    None => Truth::Unknown,
                };
                elements.into_iter().map(truth).fold(Truth::False, Ord::max)
            }
            Test::HasText(term, operand) => {
                let (text, part) = (one(term, find)?, operand.known(term.kind, find)?);
                Truth::from(matches!((text, part), (Known::Text(text), Known::Text(part)) if text.contains(&part)))
            }
            Test::StartsWith(term, operand) => {
                let (text, part) = (one(term, find)?, operand.known(term.kind, find)?);
                Truth::from(matches!((text, part), (Known::Text(text), Known::Text(part)) if text.starts_with(&part)))
            }
        })
    }
}

impl Operand {
    /// Its value; a literal is of the kind that it is compared with.
    fn known(&self, kind: Kind, find: Find<'_, '_>) -> Option<Known> {
        match self {
            Operand::Term(term) => one(term, find),
            Operand::Literal(Literal::Text(text)) if kind == Kind::Text => Some(Known::Text(text.clone())),
            Operand::Literal(Literal::Text(text)) => moment(text, kind),
            Operand::Literal(Literal::Number(number)) => Some(Known::Number(number.value())),
            Operand::Literal(Literal::Boolean(flag)) => Some(Known::Boolean(*flag)),
        }
    }
}

impl Known {
    fn order(&self, other: &Known) -> Option<std::cmp::Ordering> {
        match (self, other) {
            (Known::Text(a), Known::Text(b)) => Some(a.cmp(b)),
            (Known::Number(a), Known::Number(b)) => a.partial_cmp(b),
            (Known::Boolean(a), Known::Boolean(b)) => Some(a.cmp(b)),
            (Known::Moment(a, fraction), Known::Moment(b, other)) => Some((a, fraction).cmp(&(b, other))),
            _ => None,
        }
    }
}

/// The value of a term that is no list.
fn one(term: &Term, find: Find<'_, '_>) -> Option<Known> {
    match find(term) {
        Found::Value(value) if !term.list => known(value, term.kind, term.source == Source::Claim),
        _ => None,
    }
}

/// The elements of a term that is a list; those of another type are nothing.
fn many(term: &Term, find: Find<'_, '_>) -> Option<Vec<Option<Known>>> {
    match find(term) {
        Found::Value(Value::List(items)) if term.list && items.0.len() <= admit_runtime::MAX_LIST => {
            let element = |value| known(value, term.kind, false);
            Some(items.0.iter().map(element).collect())
        }
        _ => None,
    }
}

/// The largest whole number that no other is rounded to.
const MAX_INTEGER: f64 = 9_007_199_254_740_992.0;

/// A value of a kind; a claim's value may be the text of a number or a boolean, for Cognito sends attributes as texts.
fn known(value: &Value, kind: Kind, may_be_text: bool) -> Option<Known> {
    let integer = |number: f64| number.fract() == 0.0 && number.abs() < MAX_INTEGER;
    match (kind, value) {
        (Kind::Text, Value::Text(text)) if text.len() <= admit_runtime::MAX_CLAIM => Some(Known::Text(text.clone())),
        (Kind::Integer, Value::Number(number)) if integer(*number) => Some(Known::Number(*number)),
        (Kind::Float, Value::Number(number)) if number.is_finite() => Some(Known::Number(*number)),
        (Kind::Boolean, Value::Bool(flag)) => Some(Known::Boolean(*flag)),
        (Kind::Date | Kind::DateTime, Value::Text(text)) => moment(text, kind),
        (kind, Value::Text(text)) if may_be_text => match (kind, text.as_str()) {
            (Kind::Boolean, "true") => Some(Known::Boolean(true)),
            (Kind::Boolean, "false") => Some(Known::Boolean(false)),
            (Kind::Integer | Kind::Float, text) => {
                let number = json_number(text)?;
                let fits = if kind == Kind::Integer { integer(number) } else { number.is_finite() };
                fits.then_some(Known::Number(number))
            }
            _ => None,
        },
        _ => None,
    }
}

/// The number of which a text is the JSON text.
fn json_number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    if !plain || text.len() > 64 {
        return None;
    }
    serde_json::from_str::<f64>(text).ok()?; // for the form: it rounds some numbers otherwise
    text.parse().ok()
}

/// A day `2026-11-25`, or an instant `2026-11-25T10:00:00Z`, perhaps with a fraction of seconds. Each part must be in
/// its range (a month has days up to 31, a minute seconds up to 59), so that texts are in the order of time.
fn moment(text: &str, kind: Kind) -> Option<Known> {
    let digits = |from: usize, to: usize, least: u32, most: u32| {
        let part = text.get(from..to)?;
        let number = part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<u32>().ok())??;
        (least..=most).contains(&number).then_some(())
    };
    let mark = |at: usize, byte: u8| (text.as_bytes().get(at) == Some(&byte)).then_some(());
    digits(0, 4, 0, 9999)?;
    mark(4, b'-')?;
    digits(5, 7, 1, 12)?;
    mark(7, b'-')?;
    digits(8, 10, 1, 31)?;
    if kind == Kind::Date {
        return (text.len() == 10).then(|| Known::Moment(text.to_owned(), String::new()));
    }
    mark(10, b'T')?;
    digits(11, 13, 0, 23)?;
    mark(13, b':')?;
    digits(14, 16, 0, 59)?;
    mark(16, b':')?;
    digits(17, 19, 0, 59)?;
    let rest = text.get(19..)?.strip_suffix('Z')?;
    let fraction = match rest.strip_prefix('.') {
        None => (rest.is_empty()).then_some("")?,
        Some(fraction) => {
            let plain = (1..=9).contains(&fraction.len()) && fraction.bytes().all(|byte| byte.is_ascii_digit());
            plain.then_some(fraction.trim_end_matches('0'))?
        }
    };
    Some(Known::Moment(text[..19].to_owned(), fraction.to_owned()))
}

/// Whether a text is a day or an instant that can be compared.
pub fn is_moment(text: &str, kind: Kind) -> bool {
    moment(text, kind).is_some()
}

/// The condition as a policy writes it.
impl std::fmt::Display for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.write(f, false)
    }
}

impl Condition {
    /// Writes it, in parentheses where it stands within `&&`, `||` or `!` and is of another kind.
    fn write(&self, f: &mut std::fmt::Formatter<'_>, within: bool) -> std::fmt::Result {
        match self {
            Condition::Test(test) => write!(f, "{test}"),
            Condition::Not(of) => match of.as_ref() {
                Condition::Test(Test::Compare(term, Relation::Equal, operand)) => write!(f, "{term} != {operand}"),
                Condition::Test(Test::Null(term)) => write!(f, "{term} != null"),
                of => {
                    f.write_str("!")?;
                    let plain = matches!(of, Condition::Test(test) if test.is_one_word());
                    if plain { of.write(f, true) } else { parenthesised(f, of) }
                }
            },
            Condition::All(parts) if parts.is_empty() => f.write_str("true"),
            Condition::Any(parts) if parts.is_empty() => f.write_str("false"),
            Condition::All(parts) | Condition::Any(parts) if parts.len() == 1 => parts[0].write(f, within),
            Condition::All(parts) | Condition::Any(parts) => {
                let word = if matches!(self, Condition::All(_)) { " && " } else { " || " };
                if within {
                    return parenthesised(f, self);
                }
                for (at, part) in parts.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { word })?;
                    part.write(f, true)?;
                }
                Ok(())
            }
        }
    }
}

fn parenthesised(f: &mut std::fmt::Formatter<'_>, condition: &Condition) -> std::fmt::Result {
    f.write_str("(")?;
    condition.write(f, false)?;
    f.write_str(")")
}

impl Test {
    /// Whether `!` may stand before it without parentheses.
    fn is_one_word(&self) -> bool {
        !matches!(self, Test::Compare(..) | Test::Null(_))
    }
}

impl std::fmt::Display for Test {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Test::Holds(term) => write!(f, "{term}"),
            Test::Null(term) => write!(f, "{term} == null"),
            Test::Compare(term, relation, operand) => write!(f, "{term} {} {operand}", relation.name()),
            Test::Contains(term, operand) | Test::HasText(term, operand) => write!(f, "{term}.contains({operand})"),
            Test::StartsWith(term, operand) => write!(f, "{term}.startsWith({operand})"),
        }
    }
}

impl std::fmt::Display for Term {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let plain = self.name.chars().all(word) && !self.name.starts_with(|c: char| c.is_ascii_digit());
        match plain && !self.name.is_empty() {
            true => write!(f, "{}.{}", self.source.name(), self.name),
            false => write!(f, "{}[{}]", self.source.name(), serde_json::Value::from(self.name.as_str())),
        }
    }
}

impl std::fmt::Display for Operand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Operand::Term(term) => write!(f, "{term}"),
            Operand::Literal(Literal::Text(text)) => write!(f, "{}", serde_json::Value::from(text.as_str())),
            Operand::Literal(Literal::Number(number)) => write!(f, "{}", number.value()),
            Operand::Literal(Literal::Boolean(flag)) => write!(f, "{flag}"),
        }
    }
}
