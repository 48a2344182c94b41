//! What tests and invariants speak of: operations on records, objects and operations of one's own.
//! Always: a target that comes out exists, its operations are ones that it has, and its values are of the fields' types.

use super::auth::quote;
use super::lists::Word;
use super::rules::{DATA, STORAGE};
use super::{Checker, either};
use crate::codes;
use crate::definition::{Items, Record, Value as Given};
use crate::diagnostic::Diagnostic;
use crate::policy::{Bucket, CustomOperation, Field, FieldType, Model, Who};
use admit_runtime::{Operation, Operations};
use admit_syntax::ast::{Name, Setting, Span, Subject, Value, ValueKind};
use admit_syntax::nearest;

/// What there is to speak of.
#[derive(Clone, Copy)]
pub(super) struct Known<'p> {
    pub models: &'p [Model],
    pub operations: &'p [CustomOperation],
    pub buckets: &'p [Bucket],
}

/// What a subject names.
#[derive(Clone, Copy)]
pub(super) enum Thing<'p> {
    Model(&'p Model),
    Custom(&'p CustomOperation),
    Bucket(&'p Bucket),
}

/// The operations that a word stands for, in the order in which they are tried.
const EACH: [Operation; 8] = [
    Operation::Create,
    Operation::Update,
    Operation::Delete,
    Operation::Get,
    Operation::List,
    Operation::Sync,
    Operation::Listen,
    Operation::Search,
];
const EACH_OF_STORAGE: [Operation; 4] = [Operation::Get, Operation::List, Operation::Write, Operation::Delete];

impl<'p> Known<'p> {
    /// The names of everything.
    pub fn names(self) -> impl Iterator<Item = &'p str> {
        let models = self.models.iter().map(|model| model.name.as_str());
        let operations = self.operations.iter().map(|operation| operation.name.as_str());
        models.chain(operations).chain(self.buckets.iter().map(|bucket| bucket.name.as_str()))
    }

    /// What a subject names. A bucket may have a model's name; behind it stands a key.
    pub fn thing(self, subject: &Subject) -> Option<Thing<'p>> {
        let name = &subject.name.text;
        let bucket = || self.buckets.iter().find(|bucket| bucket.name == *name).map(Thing::Bucket);
        let model = || self.models.iter().find(|model| model.name == *name).map(Thing::Model);
        let custom = || self.operations.iter().find(|custom| custom.name == *name).map(Thing::Custom);
        match subject.key {
            Some(_) => bucket().or_else(model).or_else(custom),
            None => model().or_else(custom).or_else(bucket),
        }
    }
}

/// The fields that callers can see or name in a record of a model, with the declaration of those that have one.
fn columns(model: &Model) -> Vec<(&str, Option<&Field>)> {
    let rules = model.rules.iter().chain(model.fields.iter().flat_map(|field| &field.rules));
    let owners = rules.flat_map(|rule| rule.whos()).filter_map(|who| match who {
        Who::Owner { field, .. } => Some(field.as_str()),
        _ => None,
    });
    let mut all: Vec<(&str, Option<&Field>)> =
        model.fields.iter().map(|field| (field.name.as_str(), Some(field))).collect();
    let keys = model.identifier.iter().map(String::as_str);
    for name in keys.chain(owners).chain(["createdAt", "updatedAt"]) {
        if all.iter().all(|(known, _)| *known != name) {
            all.push((name, None));
        }
    }
    all
}

impl Checker<'_> {
    /// Says that something is unknown, with what is near.
    pub(super) fn unknown_subject(&mut self, file: usize, name: &Name, known: &[&str]) {
        if self.is_broken {
            return;
        }
        let message = format!("nothing is called `{}`", name.text);
        let error = Diagnostic::new(codes::UNKNOWN_SUBJECT, file, name.span, message).label("unknown");
        self.say(match nearest(&name.text, known.iter().copied()) {
            Some(near) => error.help(format!("did you mean `{near}`?")).edit(name.span, near),
            None => error.help("name a model, an operation, a bucket, or what a `let` of this test names"),
        });
    }

    pub(super) fn subject_form(&mut self, file: usize, span: Span, message: String, label: &str, help: String) {
        let error = Diagnostic::new(codes::SUBJECT_FORM, file, span, message);
        self.say(error.label(label).help(help));
    }

    // ---- operations

    /// The operations of an assertion or a deed, each once. `field`: of one field.
    pub(super) fn deed_operations(
        &mut self,
        file: usize,
        operations: Option<&Value>,
        target: &Subject,
        thing: Thing<'_>,
        field: bool,
    ) -> Option<Vec<Operation>> {
        let (known, each): (&[(&str, Operations)], &[Operation]) = match thing {
            Thing::Custom(_) => return self.no_operations(file, operations, target),
            Thing::Model(_) => (&DATA, &EACH),
            Thing::Bucket(_) => (&STORAGE, &EACH_OF_STORAGE),
        };
        let Some(value) = operations else {
            let message = format!("what can be done to `{}`?", target.name.text);
            let error = Diagnostic::new(codes::NO_OPERATIONS, file, target.span, message);
            self.say(error.label("no operations before it").help("name them before it, such as `[\"read\"]`"));
            return None;
        };
        let words = self.texts(file, value, "a list of operations, such as `[\"read\"]`")?;
        if words.is_empty() {
            let error = Diagnostic::new(codes::EMPTY_LIST, file, value.span, "no operation is asked about");
            self.say(error.label("an empty list").help("name an operation, such as `\"read\"`"));
            return None;
        }
        let mut all: Vec<Operation> = Vec::new();
        let mut fine = true;
        for (number, word) in words.iter().enumerate() {
            let of = known.iter().find(|(name, _)| *name == word.text).map(|(_, of)| *of);
            let before = || words[..number].iter().any(|before| before.text == word.text);
            let reads = word.text != "read" && words.iter().any(|other| other.text == "read");
            let read = known.iter().find(|(name, _)| *name == "read").map_or(Operations::NONE, |(_, of)| *of);
            match of {
                None => {
                    self.no_such_operation(word, known);
                    fine = false;
                }
                Some(of) if field && of == Operations::DELETE => {
                    let message = "a field is not deleted".to_owned();
                    let error = Diagnostic::new(codes::OPERATION_PLACE, word.file, word.span, message);
                    let help = "to empty it is an update: `can [\"update\"] draft with { notes: null }`";
                    self.say(error.label("not on one field").help(help));
                    fine = false;
                }
                Some(of) if reads && read.contains(of) => {
                    let message = format!("`{}` stands beside `read`", word.text);
                    let error = Diagnostic::new(codes::READ_AND_PART, word.file, word.span, message);
                    let help = format!("leave `{}` out for all reads, or `read` for this one alone", word.text);
                    self.say(error.label("a part of `read`").help(help));
                }
                Some(_) if before() => {
                    let message = format!("`{}` is named twice", word.text);
                    let warning = Diagnostic::new(codes::NAMED_TWICE, word.file, word.span, message);
                    let removed = self.listed(word.file, word.span);
                    self.say(warning.label("again here").help("once is enough").edit(removed, ""));
                }
                Some(of) => all.extend(each.iter().filter(|one| of.contains(one.needs()))),
            }
        }
        fine.then_some(all)
    }

    /// An operation of one's own is called, and that is all.
    fn no_operations(&mut self, file: usize, operations: Option<&Value>, target: &Subject) -> Option<Vec<Operation>> {
        let Some(value) = operations else { return Some(vec![Operation::Call]) };
        let message = format!("`{}` is an operation itself", target.name.text);
        let error = Diagnostic::new(codes::OPERATION_PLACE, file, value.span, message);
        self.say(error.label("not before an operation").help(format!("write `can {}`", target.name.text)));
        None
    }

    fn no_such_operation(&mut self, word: &Word, known: &[(&'static str, Operations)]) {
        let names = || known.iter().map(|(name, _)| *name);
        let elsewhere = DATA.iter().chain(&STORAGE).any(|(name, _)| *name == word.text);
        let (code, message) = match elsewhere {
            true => (codes::OPERATION_PLACE, format!("the operation `{}` has no place here", word.text)),
            false => (codes::UNKNOWN_OPERATION, format!("unknown operation `{}`", word.text)),
        };
        let error = Diagnostic::new(code, word.file, word.span, message).label("no such operation on this");
        self.say(match nearest(&word.text, names()) {
            Some(near) => error.help(format!("did you mean `{near}`?")).edit(word.span, quote(near)),
            None => error.help(format!("allowed here: {}", either(names()))),
        });
    }

    // ---- records

    /// One field of a model, by name.
    pub(super) fn field_of(&mut self, file: usize, model: &Model, name: &Name) -> Option<String> {
        match model.fields.iter().any(|field| field.name == name.text) {
            true => Some(name.text.clone()),
            false => {
                let known = model.fields.iter().map(|field| field.name.as_str()).collect();
                self.unknown_field(file, model, name, known);
                None
            }
        }
    }

    fn unknown_field(&mut self, file: usize, model: &Model, name: &Name, known: Vec<&str>) {
        let message = format!("the model `{}` has no field `{}`", model.name, name.text);
        let error = Diagnostic::new(codes::NO_FIELD, file, name.span, message).label("no such field");
        let error = error.related(model.place.file as usize, model.place.span, "the model");
        self.say(match nearest(&name.text, known.iter().copied()) {
            Some(near) => error.help(format!("did you mean `{near}`?")).edit(name.span, near),
            None if known.len() > 8 => error.help("name a field of the model"),
            None => error.help(format!("its fields are {}", either(known).replace(" or ", " and "))),
        });
    }

    /// The values of a record, or (`writes`) of an input: of fields that the model has, each of its type.
    pub(super) fn record(&mut self, file: usize, model: &Model, object: &[Setting], writes: bool) -> Option<Record> {
        self.once("field", object.iter().map(|setting| (file, &setting.key)).collect());
        let columns = columns(model);
        let mut record = Record::new();
        let mut fine = true;
        for Setting { key, value } in object {
            let column = columns.iter().find(|(name, _)| *name == key.text);
            let known = match column {
                None => {
                    self.unknown_field(file, model, key, columns.iter().map(|(name, _)| *name).collect());
                    fine = false;
                    continue;
                }
                Some((_, field)) => field,
            };
            if writes && !model.is_writable(&key.text) {
                let message =
                    format!("nobody can write `{}`: the model `{}` does not declare it", key.text, model.name);
                let error =
                    Diagnostic::new(codes::RECORD_VALUE, file, key.span, message).label("not a field of inputs");
                let error = error.related(model.place.file as usize, model.place.span, "the model");
                self.say(error.help(format!("leave it out, or declare `{}: string` in the model", key.text)));
                fine = false;
                continue;
            }
            let given = match known {
                Some(field) => self.field_value(file, field, value),
                None => self.column_value(file, &key.text, value),
            };
            match given {
                Some(given) => drop(record.insert(key.text.clone(), given)),
                None => fine = false,
            }
        }
        fine.then_some(record)
    }

    /// The value of a key or an owner field that the model does not declare: a text.
    fn column_value(&mut self, file: usize, name: &str, value: &Value) -> Option<Given> {
        match &value.kind {
            ValueKind::Text(text) => Some(Given::Text(text.clone())),
            ValueKind::Name(word) if word == "null" => Some(Given::Null),
            _ => self.wrong_type(file, name, value, "a text"),
        }
    }

    /// The value of a declared field. Any may be null: stored records and inputs may be so, whatever the type says.
    fn field_value(&mut self, file: usize, field: &Field, value: &Value) -> Option<Given> {
        match &value.kind {
            ValueKind::Name(word) if word == "null" => Some(Given::Null),
            ValueKind::List(elements) if field.list => {
                let mut items = Vec::new();
                for element in elements {
                    items.push(match &element.kind {
                        ValueKind::Name(word) if word == "null" => Given::Null,
                        _ => self.element_value(file, field, element)?,
                    });
                }
                Some(Given::List(Items(items)))
            }
            _ if field.list => self.wrong_type(file, &field.name, value, "a list"),
            _ => self.element_value(file, field, value),
        }
    }

    fn element_value(&mut self, file: usize, field: &Field, value: &Value) -> Option<Given> {
        let expected = match (&field.ty, &value.kind) {
            (FieldType::Enum(values), ValueKind::Text(text)) if !values.contains(text) => {
                return self.no_such_value(file, field, value.span, text, values);
            }
            (FieldType::Json, _) => return self.free_value(file, value),
            (FieldType::Type(_), ValueKind::Object(_)) => return Some(Given::Object),
            (FieldType::Type(name), _) => &format!("an object of the type `{name}`"),
            (FieldType::Model(_), _) => "nothing: a relation is no part of the record",
            (FieldType::Integer | FieldType::Timestamp, ValueKind::Number(digits)) if !digits.contains('.') => {
                return Some(Given::Number(digits.parse().ok()?));
            }
            (FieldType::Integer | FieldType::Timestamp, _) => "a whole number",
            (FieldType::Float, ValueKind::Number(digits)) => return Some(Given::Number(digits.parse().ok()?)),
            (FieldType::Float, _) => "a number",
            (FieldType::Boolean, ValueKind::Bool(flag)) => return Some(Given::Bool(*flag)),
            (FieldType::Boolean, _) => "`true` or `false`",
            (_, ValueKind::Text(text)) => return Some(Given::Text(text.clone())),
            _ => "a text",
        };
        self.wrong_type(file, &field.name, value, expected)
    }

    fn no_such_value(
        &mut self,
        file: usize,
        field: &Field,
        span: Span,
        text: &str,
        values: &[String],
    ) -> Option<Given> {
        let message = format!("`{}` has no value `{text}`", field.name);
        let error = Diagnostic::new(codes::RECORD_VALUE, file, span, message).label("not a value of the enum");
        let error = error.related(field.place.file as usize, field.place.span, "the field");
        self.say(match nearest(text, values.iter().map(String::as_str)) {
            Some(near) => error.help(format!("did you mean `{near}`?")).edit(span, quote(near)),
            None => error.help(format!("its values are {}", either(values.iter().map(String::as_str)))),
        });
        None
    }

    fn wrong_type(&mut self, file: usize, name: &str, value: &Value, expected: &str) -> Option<Given> {
        let message = format!("`{name}` holds {expected}");
        let error = Diagnostic::new(codes::RECORD_VALUE, file, value.span, message);
        let error = error.label("this is something else");
        let written = self.text(file, value.span);
        self.say(match (expected, &value.kind) {
            ("a text", ValueKind::Name(word)) => {
                error.help(format!("write `{}`", quote(word))).edit(value.span, quote(word))
            }
            ("a text", ValueKind::Number(digits)) => {
                error.help(format!("write `{}`", quote(digits))).edit(value.span, quote(digits))
            }
            ("a list", ValueKind::Text(_)) => {
                error.help(format!("write `[{written}]`")).edit(value.span, format!("[{written}]"))
            }
            ("nothing: a relation is no part of the record", _) => error.help("leave it out"),
            _ => error.help(format!("write {expected}, or `null`")),
        });
        None
    }

    /// A value of no declared type: of a claim, or a json field.
    pub(super) fn free_value(&mut self, file: usize, value: &Value) -> Option<Given> {
        Some(match &value.kind {
            ValueKind::Text(text) => Given::Text(text.clone()),
            ValueKind::Bool(flag) => Given::Bool(*flag),
            ValueKind::Number(digits) => Given::Number(digits.parse().ok()?),
            ValueKind::Object(_) => Given::Object,
            ValueKind::Name(word) if word == "null" => Given::Null,
            ValueKind::List(elements) => {
                let mut items = Vec::new();
                for element in elements {
                    items.push(self.free_value(file, element)?);
                }
                Given::List(Items(items))
            }
            ValueKind::Name(word) => {
                let error = Diagnostic::new(codes::SETTING_VALUE, file, value.span, format!("`{word}` needs quotes"));
                self.say(
                    error.label("a bare word").help(format!("write `{}`", quote(word))).edit(value.span, quote(word)),
                );
                return None;
            }
            _ => {
                self.wrong_value(file, value, "a text, a number, `true`, `false`, `null`, a list or an object");
                return None;
            }
        })
    }

    /// Reports what a target must not have behind its name.
    pub(super) fn only_parts(&mut self, file: usize, subject: &Subject, thing: Thing<'_>) -> Option<()> {
        let of = match thing {
            Thing::Model(_) => "a model",
            Thing::Custom(_) => "an operation",
            Thing::Bucket(_) => "a bucket",
        };
        let is_model = matches!(thing, Thing::Model(_));
        let name = &subject.name.text;
        let mut fine = Some(());
        if let (Some(key), false) = (&subject.key, matches!(thing, Thing::Bucket(_))) {
            let message = format!("{of} has no keys");
            self.subject_form(file, key.span, message, "not here", format!("leave it out: `{name}` stands alone"));
            fine = None;
        }
        if let (Some(_), false) = (&subject.object, is_model) {
            let message = format!("{of} holds no values");
            let help = if of == "a bucket" { format!("write `{name} \"a/key\"`") } else { format!("write `{name}`") };
            self.subject_form(file, subject.span, message, "with braces", help);
            fine = None;
        }
        if let (Some(member), false) = (&subject.member, is_model) {
            let message = format!("{of} has no fields");
            self.subject_form(file, member.span, message, "not here", format!("write `{name}`"));
            fine = None;
        }
        if subject.is_function {
            let message = "a function is a caller, and nothing can be done to it".to_owned();
            self.subject_form(
                file,
                subject.span,
                message,
                "a function",
                "name a model, an operation or a bucket".into(),
            );
            fine = None;
        }
        fine
    }
}
