//! Conditions: names resolved, types checked, forms reduced to the few that [`Condition`] knows.
//! Always: both sides of a test are of one kind, and what comes out reads only what its place has.

use super::auth::quote;
use super::claims::kind;
use super::guards::mode_in;
use super::rules::{Site, Written};
use super::{Checker, either};
use crate::codes;
use crate::condition::{Condition, Kind, Literal, Number, Operand, Relation, Source, Term, Test, is_moment};
use crate::diagnostic::Diagnostic;
use crate::policy::{FieldType, Place, Rule, Who};
use admit_runtime::{Mode, Operations};
use admit_syntax::ast::{self, Comparator, ConditionKind, Name, OperandKind, Read, Span};
use admit_syntax::nearest;

/// The most tests of one condition: what the table's code has room for.
pub const MAX_TESTS: usize = 256;

/// The largest whole number that is told from its neighbours: 2^53.
const MAX_WHOLE: f64 = 9_007_199_254_740_992.0;

/// What stands where a condition stands.
pub(super) struct Ground {
    pub site: Site,
    /// The record, where it is known which.
    pub record: Option<Columns>,
}

/// The fields of a record that conditions may read.
#[derive(Clone)]
pub(super) struct Columns {
    pub model: String,
    pub place: Place,
    pub fields: Vec<Column>,
}

/// One of them.
#[derive(Clone)]
pub(super) struct Column {
    pub name: String,
    pub ty: FieldType,
    pub list: bool,
    /// Never null.
    pub required: bool,
    /// Whether inputs can hold it.
    pub proposed: bool,
}

/// A condition that was read, and what the checker knows of its terms.
#[derive(Clone)]
pub(super) struct Typed {
    pub denies: bool,
    /// Of whose mode.
    pub mode: Mode,
    /// Where `.when(…)` stands.
    pub file: usize,
    pub span: Span,
    pub condition: Condition,
    /// The terms that the condition reads, each once, in order of places.
    pub shapes: Vec<Shape>,
}

/// What is known of a term beside its kind.
#[derive(Clone, PartialEq)]
pub(super) struct Shape {
    pub term: Term,
    /// The values of an enum.
    pub values: Option<Vec<String>>,
    pub nullable: bool,
    pub span: Span,
}

/// A condition while it is read.
struct Reader<'t> {
    file: usize,
    ground: &'t Ground,
    rule: &'t Rule,
    tests: usize,
    shapes: Vec<Shape>,
}

/// What stands at one side of a comparison.
enum Side<'t> {
    Term(Typing),
    Text(&'t str),
    Number(&'t str),
    Bool(bool),
    Null,
    List(&'t [ast::Operand]),
}

/// A term, and what it is.
#[derive(Clone)]
struct Typing {
    term: Term,
    ty: FieldType,
    span: Span,
}

impl Checker<'_> {
    /// A rule with its condition; nothing if that has an error.
    pub(super) fn with_condition(&mut self, ground: &Ground, written: Written<'_>) -> Option<Rule> {
        let Some((file, when)) = written.when else { return Some(written.rule) };
        let mut reader = Reader { file, ground, rule: &written.rule, tests: 0, shapes: Vec::new() };
        let condition = self.condition(&mut reader, &when.condition);
        if reader.tests > MAX_TESTS {
            let message = format!("a condition of {} tests; the limit is {MAX_TESTS}", reader.tests);
            let error = Diagnostic::new(codes::TABLE_LIMIT, file, when.span, message);
            self.say(error.label("too long").help("split it into several rules, or put what it asks into a field"));
            return None;
        }
        let denies = written.denies;
        let condition = condition?;
        let shapes = reader.shapes;
        let mode = mode_in(ground.site, &written.rule.who);
        let typed = Typed { denies, mode, file, span: when.span, condition: condition.clone(), shapes };
        self.typed.push(typed);
        let condition = Some(condition).filter(|condition| *condition != Condition::All(Vec::new()));
        Some(Rule { condition: condition.map(Box::new), ..written.rule })
    }

    fn condition(&mut self, reader: &mut Reader<'_>, of: &ast::Condition) -> Option<Condition> {
        match &of.kind {
            ConditionKind::Or(parts) => Some(any(self.conditions(reader, parts)?)),
            ConditionKind::And(parts) => Some(all(self.conditions(reader, parts)?)),
            ConditionKind::Not(of) => Some(not(self.condition(reader, of)?)),
            ConditionKind::Compare(left, comparator, right) => {
                self.comparison(reader, of.span, left, *comparator, right)
            }
            ConditionKind::Operand(operand) => self.bare(reader, operand),
        }
    }

    /// Every part is read, so that all that is wrong is said.
    fn conditions(&mut self, reader: &mut Reader<'_>, parts: &[ast::Condition]) -> Option<Vec<Condition>> {
        let read: Vec<Option<Condition>> = parts.iter().map(|part| self.condition(reader, part)).collect();
        read.into_iter().collect()
    }

    /// `record.locked`, `record.tags.contains("x")`, `true`
    fn bare(&mut self, reader: &mut Reader<'_>, operand: &ast::Operand) -> Option<Condition> {
        match &operand.kind {
            OperandKind::Bool(flag) => Some(constant(*flag)),
            OperandKind::Reading(root, steps) => {
                if let Some((Read::Ask(question, argument), path)) = steps.split_last() {
                    let span = Span { end: question.span.start.saturating_sub(1), ..operand.span };
                    let typing = self.reading(reader, root, path, span)?;
                    return self.question(reader, &typing, question, argument);
                }
                let typing = self.reading(reader, root, steps, operand.span)?;
                if typing.term.kind == Kind::Boolean && !typing.term.list {
                    return reader.test(Test::Holds(typing.term));
                }
                let error = self.no_condition(reader, operand.span);
                let example = match (&typing.ty, typing.term.list) {
                    (_, true) => "`.contains(…)`".to_owned(),
                    (FieldType::Enum(values), _) if !values.is_empty() => format!("`== {}`", quote(&values[0])),
                    _ => "`== …`".to_owned(),
                };
                let what = described(&typing);
                self.say(error.label(format!("is {what}, neither true nor false")).help(format!("add {example}")));
                None
            }
            _ => {
                let error = self.no_condition(reader, operand.span);
                self.say(error.label("neither true nor false").help("compare a field or a claim with it, with `==`"));
                None
            }
        }
    }

    fn no_condition(&self, reader: &Reader<'_>, span: Span) -> Diagnostic {
        let written = self.text(reader.file, span);
        Diagnostic::new(codes::CONDITION_TYPE, reader.file, span, format!("`{written}` is no condition"))
    }

    // ---- what is read

    fn reading(&mut self, reader: &mut Reader<'_>, root: &Name, steps: &[Read], span: Span) -> Option<Typing> {
        let source = match root.text.as_str() {
            "record" => Source::Record,
            "input" => Source::Input,
            "claims" => Source::Claim,
            _ => {
                self.unknown_root(reader, root, steps);
                return None;
            }
        };
        let (name, at) = match steps {
            [Read::Member(name)] => (name.text.as_str(), name.span),
            [Read::Index(text)] if source == Source::Claim => (text.value.as_str(), text.span),
            _ => {
                self.wrong_steps(reader, root, steps, span);
                return None;
            }
        };
        self.may_read(reader, source, span)?;
        let (ty, list, nullable) = match source {
            Source::Claim => {
                let claim = self.claim_named(reader.file, at, name, Some(span))?;
                (claim.ty, claim.list, false)
            }
            _ => self.column(reader, source, name, at)?,
        };
        let Some(kind) = kind(&ty) else {
            let message = format!("a condition cannot read `{}.{name}`", source.name());
            let error = Diagnostic::new(codes::CONDITION_TYPE, reader.file, span, message);
            let label = match &ty {
                FieldType::Model(model) => format!("a relation to `{model}`"),
                FieldType::Type(of) => format!("a custom type, `{of}`"),
                _ => "json, which has no one value".to_owned(),
            };
            self.say(
                error.label(label).help("conditions read fields that hold texts, numbers, dates, booleans or enums"),
            );
            return None;
        };
        let term = Term { source, name: name.to_owned(), kind, list };
        let values = match &ty {
            FieldType::Enum(values) => Some(values.clone()),
            _ => None,
        };
        if !reader.shapes.iter().any(|shape| shape.term == term) {
            reader.shapes.push(Shape { term: term.clone(), values, nullable, span });
        }
        Some(Typing { term, ty, span })
    }

    fn unknown_root(&mut self, reader: &Reader<'_>, root: &Name, steps: &[Read]) {
        let message = format!("unknown word `{}`", root.text);
        let error = Diagnostic::new(codes::UNKNOWN_WORD, reader.file, root.span, message);
        let error = error.label("conditions read `record`, `input` and `claims`");
        let is_field = |columns: &Columns| columns.fields.iter().any(|column| column.name == root.text);
        let known = reader.ground.record.as_ref().is_some_and(is_field);
        let meant = match root.text.as_str() {
            "claim" | "token" | "user" | "identity" | "ctx" => Some("claims"),
            "args" | "arguments" | "new" => Some("input"),
            "old" | "stored" | "item" | "resource" | "this" | "self" => Some("record"),
            word => nearest(word, ["record", "input", "claims"]),
        };
        self.say(match (known && steps.is_empty(), meant) {
            (true, _) => {
                let written = format!("record.{}", root.text);
                error.help(format!("write `{written}`")).edit(root.span, written)
            }
            (false, Some(near)) => error.help(format!("did you mean `{near}`?")).edit(root.span, near),
            (false, None) if steps.is_empty() => error.help(format!("a text has quotes: `{}`", quote(&root.text))),
            (false, None) => error.help("write `record.x`, `input.x` or `claims.x`"),
        });
    }

    fn wrong_steps(&mut self, reader: &Reader<'_>, root: &Name, steps: &[Read], span: Span) {
        let word = root.text.as_str();
        let (message, help) = match steps {
            [] => (format!("`{word}` alone says nothing"), format!("name what is read: `{word}.x`")),
            [Read::Index(text)] => {
                let written = format!("{word}.{}", text.value);
                (format!("a field of `{word}` is named behind a dot"), format!("write `{written}`"))
            }
            [.., Read::Ask(question, _)] | [Read::Ask(question, _), ..] | [_, Read::Ask(question, _), ..] => {
                let message = format!("`.{}(…)` is an answer, of which nothing can be asked", question.text);
                (message, "write two conditions, with `&&` between them".to_owned())
            }
            _ => (
                "a condition reads one value, and not what is in it".to_owned(),
                "put what the rule rests on into a field of the model itself".to_owned(),
            ),
        };
        let error = Diagnostic::new(codes::UNKNOWN_WORD, reader.file, span, message);
        self.say(error.label("not a field, nor a claim").help(help));
    }

    /// Whether a rule there has such a thing to read.
    fn may_read(&mut self, reader: &Reader<'_>, source: Source, span: Span) -> Option<()> {
        let (site, rule) = (reader.ground.site, reader.rule);
        let place = |message: String| Diagnostic::new(codes::CONDITION_PLACE, reader.file, span, message);
        let writes = Operations::CREATE.with(Operations::UPDATE);
        match source {
            Source::Claim => {
                let Some(who) = super::guards::without_claims(&rule.who) else { return Some(()) };
                let error =
                    place(format!("a condition of {who} cannot read claims")).label("these callers have no token");
                self.say(error.help("leave this part out, or write the rule for users who are signed in"));
                None
            }
            _ if matches!(site, Site::Operation | Site::Storage) => {
                let error = place(format!("a condition {} cannot read `{}`", site.words(), source.name()));
                let label = if site == Site::Storage { "a key has no fields" } else { "an operation has no record" };
                self.say(error.label(label).help("read claims, as in `claims.email_verified`"));
                None
            }
            Source::Input if !writes.contains(rule.operations) => {
                let error = place("`input` is there for `create` and `update` alone".to_owned());
                let error = error.label("this rule is about other operations too");
                let error = error.related(rule.place.file as usize, rule.place.span, "the rule");
                self.say(error.help("write `.to([\"create\", \"update\"])`, or read `record`"));
                None
            }
            _ => Some(()),
        }
    }

    /// A field of the record: what it is, whether it is a list, whether it can be null.
    fn column(&mut self, reader: &Reader<'_>, source: Source, name: &str, at: Span) -> Option<(FieldType, bool, bool)> {
        // In `data` it is not known yet which record; each model is asked later.
        let columns = reader.ground.record.as_ref()?;
        if let Some(column) = columns.fields.iter().find(|column| column.name == name) {
            if source == Source::Input && !column.proposed {
                let message = format!("`{name}` is never in an input");
                let error = Diagnostic::new(codes::CONDITION_PLACE, reader.file, at, message);
                self.say(error.label("the server sets it").help(format!("read `record.{name}`")));
                return None;
            }
            return Some((column.ty.clone(), column.list, !column.required));
        }
        let message = format!("the model `{}` has no field `{name}`", columns.model);
        let error = Diagnostic::new(codes::NO_FIELD, reader.file, at, message).label("no such field");
        let error = error.related(columns.place.file as usize, columns.place.span, "the model");
        let near = nearest(name, columns.fields.iter().map(|column| column.name.as_str()));
        self.say(match near {
            Some(near) => error.help(format!("did you mean `{near}`?")).edit(at, near),
            None => error.help(format!("declare it in the model, such as `{name}: string`")),
        });
        None
    }

    // ---- tests

    fn question(
        &mut self,
        reader: &mut Reader<'_>,
        of: &Typing,
        word: &Name,
        argument: &ast::Operand,
    ) -> Option<Condition> {
        let is_text = of.term.kind == Kind::Text && !matches!(of.ty, FieldType::Enum(_));
        match (word.text.as_str(), of.term.list) {
            ("contains", true) => {
                let operand = self.operand(reader, of, argument)?;
                reader.test(Test::Contains(of.term.clone(), operand))
            }
            ("contains", false) if is_text => {
                let operand = self.operand(reader, of, argument)?;
                reader.test(Test::HasText(of.term.clone(), operand))
            }
            ("startsWith", false) if is_text => {
                let operand = self.operand(reader, of, argument)?;
                reader.test(Test::StartsWith(of.term.clone(), operand))
            }
            ("contains" | "startsWith", _) => {
                let message = format!("`.{}` does not go with {}", word.text, described(of));
                let error = Diagnostic::new(codes::CONDITION_TYPE, reader.file, word.span, message).label("not here");
                self.say(error.help(match of.term.list {
                    true => "write `.contains(…)`, which asks for a whole element",
                    false => "`.contains` goes with texts and lists, `.startsWith` with texts; compare with `==`",
                }));
                None
            }
            (other, _) => {
                let error =
                    Diagnostic::new(codes::UNKNOWN_WORD, reader.file, word.span, format!("unknown question `{other}`"));
                let error = error.label("no such question");
                let meant = match other {
                    "includes" | "has" | "include" => Some("contains"),
                    "beginsWith" | "hasPrefix" => Some("startsWith"),
                    _ => nearest(other, ["contains", "startsWith"]),
                };
                self.say(match meant {
                    Some(near) => error.help(format!("did you mean `{near}`?")).edit(word.span, near),
                    None => error.help("the questions are `.contains(…)` and `.startsWith(…)`"),
                });
                None
            }
        }
    }

    fn comparison(
        &mut self,
        reader: &mut Reader<'_>,
        span: Span,
        left: &ast::Operand,
        comparator: Comparator,
        right: &ast::Operand,
    ) -> Option<Condition> {
        let (one, two) = (self.side(reader, left), self.side(reader, right));
        let (one, two) = (one?, two?);
        if comparator == Comparator::In {
            return self.within(reader, span, left, &one, &two);
        }
        let (typing, other, operand, turned) = match (&one, &two) {
            (Side::Term(typing), other) => (typing, other, right, false),
            (other, Side::Term(typing)) => (typing, other, left, true),
            _ => {
                let written = self.text(reader.file, span).to_owned();
                let message = format!("`{written}` reads nothing");
                let error = Diagnostic::new(codes::CONDITION_TYPE, reader.file, span, message);
                self.say(error.label("always the same").help("compare with `record.x`, `input.x` or `claims.x`"));
                return None;
            }
        };
        let (relation, negated) = match comparator {
            Comparator::Equal => (Relation::Equal, false),
            Comparator::NotEqual => (Relation::Equal, true),
            Comparator::Less => (Relation::Less, false),
            Comparator::LessOrEqual => (Relation::LessOrEqual, false),
            Comparator::Greater => (Relation::Greater, false),
            _ => (Relation::GreaterOrEqual, false),
        };
        let relation = if turned { relation.turned() } else { relation };
        let test = match other {
            Side::Null => self.null(reader, typing, relation, operand.span)?,
            Side::Bool(flag)
                if typing.term.kind == Kind::Boolean && relation == Relation::Equal && !typing.term.list =>
            {
                let holds = reader.test(Test::Holds(typing.term.clone()))?;
                return Some(if *flag == negated { not(holds) } else { holds });
            }
            _ => {
                self.scalar(reader, typing)?;
                self.ordered(reader, typing, relation, span)?;
                let operand = self.operand(reader, typing, operand)?;
                Test::Compare(typing.term.clone(), relation, operand)
            }
        };
        let test = reader.test(test)?;
        Some(if negated { not(test) } else { test })
    }

    /// `record.note == null`
    fn null(&mut self, reader: &Reader<'_>, typing: &Typing, relation: Relation, span: Span) -> Option<Test> {
        let nullable = reader.shapes.iter().any(|shape| shape.term == typing.term && shape.nullable);
        let written = self.text(reader.file, typing.span).to_owned();
        let error = |message: String| Diagnostic::new(codes::NEVER_NULL, reader.file, span, message);
        let error = match (relation, typing.term.source) {
            (Relation::Equal, _) if nullable => return Some(Test::Null(typing.term.clone())),
            (Relation::Equal, Source::Claim) => error(format!("the claim `{}` is never null", typing.term.name))
                .label("a claim that is missing is unknown")
                .help("leave this out: a condition that reads a missing claim never allows anything"),
            (Relation::Equal, _) => error(format!("`{written}` is never null"))
                .label("a required field")
                .help("leave this out, or make the field optional by removing its `!`"),
            _ => error("null is neither less nor greater".to_owned())
                .label("has no order")
                .help("write `== null` or `!= null`"),
        };
        self.say(error);
        None
    }

    /// `record.state in ["draft", "review"]`, `"x" in record.tags`
    fn within(
        &mut self,
        reader: &mut Reader<'_>,
        span: Span,
        left: &ast::Operand,
        one: &Side<'_>,
        two: &Side<'_>,
    ) -> Option<Condition> {
        match (one, two) {
            (Side::Term(typing), Side::List(elements)) => {
                self.scalar(reader, typing)?;
                if elements.is_empty() {
                    let error = Diagnostic::new(codes::EMPTY_LIST, reader.file, span, "nothing is in this list");
                    self.say(error.label("never true").help("name a value, or leave this part out"));
                    return None;
                }
                let read: Vec<Option<Condition>> = elements
                    .iter()
                    .map(|element| {
                        let operand = self.operand(reader, typing, element)?;
                        reader.test(Test::Compare(typing.term.clone(), Relation::Equal, operand))
                    })
                    .collect();
                Some(any(read.into_iter().collect::<Option<_>>()?))
            }
            (_, Side::Term(typing)) if typing.term.list => {
                let operand = self.operand(reader, typing, left)?;
                reader.test(Test::Contains(typing.term.clone(), operand))
            }
            (_, Side::Term(typing)) => {
                let message = format!("`in` needs a list, and this is {}", described(typing));
                let error = Diagnostic::new(codes::CONDITION_TYPE, reader.file, typing.span, message);
                self.say(error.label("no list").help("write `==`; a part of a text is asked for with `.contains(…)`"));
                None
            }
            _ => {
                let error = Diagnostic::new(codes::CONDITION_TYPE, reader.file, span, "`in` reads nothing here");
                let help = "write a field or a claim before `in`, or a field that is a list behind it";
                self.say(error.label("always the same").help(help));
                None
            }
        }
    }

    fn side<'t>(&mut self, reader: &mut Reader<'_>, operand: &'t ast::Operand) -> Option<Side<'t>> {
        Some(match &operand.kind {
            OperandKind::Text(text) => Side::Text(text),
            OperandKind::Number(digits) => Side::Number(digits),
            OperandKind::Bool(flag) => Side::Bool(*flag),
            OperandKind::Null => Side::Null,
            OperandKind::List(elements) => Side::List(elements),
            OperandKind::Reading(_, steps) if matches!(steps.last(), Some(Read::Ask(..))) => {
                let error = self.no_operand(reader, operand.span, "an answer cannot be compared");
                self.say(error.label("true or false already").help("leave the comparison out, or write `!` before it"));
                return None;
            }
            OperandKind::Reading(root, steps) => Side::Term(self.reading(reader, root, steps, operand.span)?),
        })
    }

    fn no_operand(&self, reader: &Reader<'_>, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(codes::CONDITION_TYPE, reader.file, span, message)
    }

    fn scalar(&mut self, reader: &Reader<'_>, typing: &Typing) -> Option<()> {
        if !typing.term.list {
            return Some(());
        }
        let written = self.text(reader.file, typing.span).to_owned();
        let error = self.no_operand(reader, typing.span, format!("`{written}` is a list"));
        self.say(error.label("has no one value").help(format!("write `{written}.contains(…)`")));
        None
    }

    fn ordered(&mut self, reader: &Reader<'_>, typing: &Typing, relation: Relation, span: Span) -> Option<()> {
        if relation == Relation::Equal || typing.term.kind.is_ordered() {
            return Some(());
        }
        let message = format!("{} has no order", described(typing));
        let error = self.no_operand(reader, span, message);
        let help = "`<` and its like compare numbers, time stamps, dates and datetimes; write `==`, `!=` or `in`";
        self.say(error.label(format!("`{}` cannot be asked", relation.name())).help(help));
        None
    }

    /// What a term, or each element of it, is compared with.
    fn operand(&mut self, reader: &mut Reader<'_>, with: &Typing, operand: &ast::Operand) -> Option<Operand> {
        let span = operand.span;
        let kind = with.term.kind;
        Some(match self.side(reader, operand)? {
            Side::Term(other) => {
                self.scalar(reader, &other)?;
                if !kind.meets(other.term.kind) {
                    let message = format!("{} is compared with {}", described(with), described(&other));
                    let error = self.no_operand(reader, other.span, message);
                    self.say(error.label("never equal").help("compare values of one type"));
                    return None;
                }
                Operand::Term(other.term)
            }
            Side::Text(text) if kind == Kind::Text => {
                self.enum_value(reader, with, text, span)?;
                Operand::Literal(Literal::Text(text.to_owned()))
            }
            Side::Text(text) if matches!(kind, Kind::Date | Kind::DateTime) => {
                self.moment(reader, kind, text, span)?;
                Operand::Literal(Literal::Text(text.to_owned()))
            }
            Side::Number(digits) if matches!(kind, Kind::Integer | Kind::Float) => {
                Operand::Literal(Literal::Number(self.number(reader, digits, span)?))
            }
            Side::Bool(flag) if kind == Kind::Boolean => Operand::Literal(Literal::Boolean(flag)),
            Side::Null => {
                let error =
                    Diagnostic::new(codes::NEVER_NULL, reader.file, span, "null stands beside `==` and `!=` alone");
                self.say(error.label("no value").help("add `|| record.x == null` where that is meant"));
                return None;
            }
            side => {
                self.other_kind(reader, with, &side, span);
                return None;
            }
        })
    }

    fn other_kind(&mut self, reader: &Reader<'_>, with: &Typing, side: &Side<'_>, span: Span) {
        let (what, inner) = match side {
            Side::Text(text) => ("a text", Some((*text).to_owned())),
            Side::Number(digits) => ("a number", Some(quote(digits))),
            Side::Bool(flag) => ("a boolean", Some(quote(&flag.to_string()))),
            _ => ("a list", None),
        };
        let error = self.no_operand(reader, span, format!("{} is compared with {what}", described(with)));
        let error = error.label("never equal");
        let fits = |text: &str| match with.term.kind {
            Kind::Integer | Kind::Float => {
                text.parse::<f64>().is_ok_and(f64::is_finite) && !text.contains(['e', 'E', '+'])
            }
            Kind::Boolean => matches!(text, "true" | "false"),
            Kind::Text => text.starts_with('"') && !matches!(with.ty, FieldType::Enum(_)),
            _ => false,
        };
        self.say(match inner.filter(|inner| fits(inner)) {
            Some(written) => error.help(format!("write `{written}`")).edit(span, written),
            None if what == "a list" => error.help("write `in` to compare with several"),
            None => error.help(format!("write {}", example(with))),
        });
    }

    fn enum_value(&mut self, reader: &Reader<'_>, with: &Typing, text: &str, span: Span) -> Option<()> {
        let FieldType::Enum(values) = &with.ty else { return Some(()) };
        if values.iter().any(|value| value == text) {
            return Some(());
        }
        let written = self.text(reader.file, with.span).to_owned();
        let message = format!("`{written}` is never `{text}`");
        let error = Diagnostic::new(codes::ENUM_VALUE, reader.file, span, message).label("no value of the enum");
        self.say(match nearest(text, values.iter().map(String::as_str)) {
            Some(near) => error.help(format!("did you mean `{near}`?")).edit(span, quote(near)),
            None => error.help(format!("it is {}", either(values.iter().map(String::as_str)))),
        });
        None
    }

    fn moment(&mut self, reader: &Reader<'_>, kind: Kind, text: &str, span: Span) -> Option<()> {
        if is_moment(text, kind) {
            return Some(());
        }
        let (what, form) = match kind {
            Kind::Date => ("date", "2026-11-25"),
            _ => ("datetime", "2026-11-25T10:00:00Z"),
        };
        let error = Diagnostic::new(codes::MALFORMED_LITERAL, reader.file, span, format!("`{text}` is no {what}"));
        let zulu = format!("{text}Z");
        let midnight = format!("{text}T00:00:00Z");
        let error = error.label(format!("a {what} is written `\"{form}\"`"));
        self.say(match [zulu, midnight].into_iter().find(|mended| kind == Kind::DateTime && is_moment(mended, kind)) {
            Some(mended) => {
                let help = format!("instants end in `Z`, in universal time: write `{}`", quote(&mended));
                error.help(help).edit(span, quote(&mended))
            }
            None if kind == Kind::DateTime => error.help("write it in universal time, which ends in `Z`"),
            None => error.help("write year, month and day"),
        });
        None
    }

    fn number(&mut self, reader: &Reader<'_>, digits: &str, span: Span) -> Option<Number> {
        let value = digits.parse::<f64>().ok().filter(|value| value.is_finite() && value.abs() < MAX_WHOLE);
        let number = value.and_then(Number::new);
        if number.is_none() {
            let error = Diagnostic::new(codes::MALFORMED_LITERAL, reader.file, span, "this number is too large");
            self.say(error.label("not told from its neighbours").help("numbers lie between -2^53 and 2^53"));
        }
        number
    }
}

impl Reader<'_> {
    /// A test, counted; nothing where there are far too many already.
    fn test(&mut self, test: Test) -> Option<Condition> {
        self.tests += 1;
        (self.tests <= MAX_TESTS).then_some(Condition::Test(test))
    }
}

impl Ground {
    /// Where nothing is known of a record.
    pub(super) fn without_record(site: Site) -> Ground {
        Ground { site, record: None }
    }
}

/// What a term is, in words.
fn described(typing: &Typing) -> String {
    let what = match (&typing.ty, typing.term.kind) {
        (FieldType::Enum(_), _) => "enum value",
        (FieldType::Timestamp, _) => "time stamp",
        (_, Kind::Text) => "text",
        (_, Kind::Integer) => "whole number",
        (_, Kind::Float) => "number",
        (_, Kind::Boolean) => "boolean",
        (_, Kind::Date) => "date",
        (_, Kind::DateTime) => "datetime",
    };
    match (typing.term.list, what) {
        (true, _) => format!("a list of {what}s"),
        (false, "enum value") => format!("an {what}"),
        _ => format!("a {what}"),
    }
}

/// A literal that a term can be compared with.
fn example(typing: &Typing) -> String {
    match (&typing.ty, typing.term.kind) {
        (FieldType::Enum(values), _) if !values.is_empty() => format!("`{}`", quote(&values[0])),
        (_, Kind::Text) => "a text in quotes".into(),
        (_, Kind::Integer) => "a whole number, such as `3`".into(),
        (_, Kind::Float) => "a number, such as `1.5`".into(),
        (_, Kind::Boolean) => "`true` or `false`".into(),
        (_, Kind::Date) => "a date, such as `\"2026-11-25\"`".into(),
        (_, Kind::DateTime) => "a datetime, such as `\"2026-11-25T10:00:00Z\"`".into(),
    }
}

/// Whether a who may read a record at all: used by callers that split static rules from others.
pub(super) fn reads_record(rule: &Written<'_>) -> bool {
    let dynamic = rule.rule.whos().any(|who| matches!(who, Who::Owner { .. } | Who::GroupsIn { .. }));
    dynamic || rule.when.is_some_and(|(_, when)| mentions_record(&when.condition))
}

fn mentions_record(condition: &ast::Condition) -> bool {
    let reads = |operand: &ast::Operand| operand_mentions(operand);
    match &condition.kind {
        ConditionKind::Or(parts) | ConditionKind::And(parts) => parts.iter().any(mentions_record),
        ConditionKind::Not(of) => mentions_record(of),
        ConditionKind::Compare(left, _, right) => reads(left) || reads(right),
        ConditionKind::Operand(operand) => reads(operand),
    }
}

fn operand_mentions(operand: &ast::Operand) -> bool {
    match &operand.kind {
        OperandKind::Reading(root, steps) => {
            let asked = |step: &Read| matches!(step, Read::Ask(_, argument) if operand_mentions(argument));
            matches!(root.text.as_str(), "record" | "input") || steps.iter().any(asked)
        }
        OperandKind::List(elements) => elements.iter().any(operand_mentions),
        _ => false,
    }
}

// ---- conditions, as simple as they are

fn constant(holds: bool) -> Condition {
    if holds { Condition::All(Vec::new()) } else { Condition::Any(Vec::new()) }
}

fn not(of: Condition) -> Condition {
    match of {
        Condition::Not(of) => *of,
        Condition::All(parts) if parts.is_empty() => constant(false),
        Condition::Any(parts) if parts.is_empty() => constant(true),
        other => Condition::Not(Box::new(other)),
    }
}

/// Nested ones are flat, each part stands once, and what cannot matter is gone: `false && x` is false, whatever x is.
fn all(parts: Vec<Condition>) -> Condition {
    let mut flat: Vec<Condition> = Vec::new();
    for part in parts {
        match part {
            Condition::All(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    if flat.contains(&constant(false)) {
        return constant(false);
    }
    match once(flat) {
        mut one if one.len() == 1 => one.remove(0),
        parts => Condition::All(parts),
    }
}

fn any(parts: Vec<Condition>) -> Condition {
    let mut flat: Vec<Condition> = Vec::new();
    for part in parts {
        match part {
            Condition::Any(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    if flat.contains(&constant(true)) {
        return constant(true);
    }
    match once(flat) {
        mut one if one.len() == 1 => one.remove(0),
        parts => Condition::Any(parts),
    }
}

fn once(parts: Vec<Condition>) -> Vec<Condition> {
    let mut kept: Vec<Condition> = Vec::new();
    for part in parts {
        if !kept.contains(&part) {
            kept.push(part);
        }
    }
    kept
}
