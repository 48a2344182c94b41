//! Models and their fields, custom types and enums.
//! Always: in a model that comes out every type is known, and every field that a rule reads can hold what it reads.

use super::conditions::{Column, Columns, Ground};
use super::data::Schema;
use super::lists::Word;
use super::rules::{Ruled, Site, Written};
use super::{Checker, Declared, Found, either};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::policy::{Field, FieldType, Model, Rule, Who};
use admit_runtime::Operations;
use admit_syntax::ast::{self, BaseType, Call};
use admit_syntax::nearest;
use std::borrow::Cow;
use std::collections::HashMap;

/// What the names of types stand for.
pub(super) type Types<'a> = HashMap<&'a str, FieldType>;

const BUILTIN: [(&str, FieldType); 14] = [
    ("id", FieldType::Id),
    ("string", FieldType::String),
    ("integer", FieldType::Integer),
    ("float", FieldType::Float),
    ("boolean", FieldType::Boolean),
    ("date", FieldType::Date),
    ("time", FieldType::Time),
    ("datetime", FieldType::DateTime),
    ("timestamp", FieldType::Timestamp),
    ("email", FieldType::Email),
    ("json", FieldType::Json),
    ("phone", FieldType::Phone),
    ("url", FieldType::Url),
    ("ipAddress", FieldType::IpAddress),
];

/// What people write for a type, and mean.
const NEAR_TYPES: [(&str, &str); 10] = [
    ("int", "integer"),
    ("Int", "integer"),
    ("bool", "boolean"),
    ("number", "float"),
    ("double", "float"),
    ("text", "string"),
    ("uuid", "id"),
    ("uri", "url"),
    ("ip", "ipAddress"),
    ("dateTime", "datetime"),
];

/// The members of a model that are called.
const MEMBERS: [&str; 2] = ["identifier", "disableOperations"];
/// What `disableOperations` may name.
const DISABLED: [(&str, Operations); 8] = [
    ("queries", Operations(8 | 16 | 64 | 128)),
    ("mutations", Operations(1 | 2 | 4)),
    ("subscriptions", Operations::LISTEN),
    ("create", Operations::CREATE),
    ("update", Operations::UPDATE),
    ("delete", Operations::DELETE),
    ("get", Operations::GET),
    ("list", Operations::LIST),
];
/// Events that Amplify disables one by one.
const EVENTS: [&str; 3] = ["onCreate", "onUpdate", "onDelete"];

/// The type that a word means which is none.
pub(super) fn meant_type(name: &str) -> Option<&'static str> {
    NEAR_TYPES.iter().find(|(word, _)| *word == name).map(|(_, meant)| *meant)
}

/// Whether the language has a type of this name.
pub(super) fn is_builtin(name: &str) -> bool {
    BUILTIN.iter().any(|(known, _)| *known == name)
}

impl<'a> Checker<'a> {
    pub(super) fn types(&self) -> Types<'a> {
        let mut types: Types<'a> = BUILTIN.into_iter().collect();
        for (_, of) in &self.declared.enums {
            let values = of.values.iter().map(|value| value.value.clone()).collect();
            types.insert(&of.name.text, FieldType::Enum(values));
        }
        types.extend(
            self.declared.types.iter().map(|(_, of)| (of.name.text.as_str(), FieldType::Type(of.name.text.clone()))),
        );
        let models = self.declared.models.iter().map(|(_, of)| of.name().text.as_str());
        types.extend(models.map(|name| (name, FieldType::Model(name.to_owned()))));
        types
    }

    pub(super) fn read_models(&mut self, schema: &Schema<'a>) -> Vec<Model> {
        let types = self.types();
        for (file, of) in self.declared.enums.clone() {
            let values: Vec<ast::Name> =
                of.values.iter().map(|value| ast::Name { text: value.value.clone(), span: value.span }).collect();
            self.once("value", values.iter().map(|value| (file, value)).collect());
        }
        for declared in self.declared.types.clone() {
            self.custom_type(declared, &types);
        }
        let mut models = Vec::with_capacity(self.declared.models.len());
        for (file, found) in self.declared.models.clone() {
            let read = match found {
                Found::Read(of) => Some(Cow::Borrowed(of)),
                Found::Unread(of) => self.parsed[file].model(of).map(Cow::Owned),
            };
            let Some(of) = read else {
                (self.is_whole, self.is_broken) = (false, true);
                break;
            };
            self.names_groups(&of);
            models.push(self.model((file, &of), schema, &types));
        }
        models
    }

    fn custom_type(&mut self, (file, of): Declared<'_, ast::TypeDecl>, types: &Types<'_>) {
        self.once("field", of.fields.iter().map(|field| (file, &field.name)).collect());
        let mut misplaced = Vec::new();
        for field in &of.fields {
            self.field_type(file, &field.ty, types);
            misplaced.extend(field.braces);
        }
        misplaced.extend(of.rules.rules.iter().map(|rule| rule.span));
        misplaced.extend(of.rules.spreads.iter().map(|name| name.span));
        for span in misplaced {
            let message = format!("the custom type `{}` cannot have rules", of.name.text);
            let error = Diagnostic::new(codes::TYPE_RULES, file, span, message).label("would not be enforced");
            self.say(error.help("who sees a custom type is said by the models and operations that hold it"));
        }
    }

    /// The type that is meant; a text for one that is not known, which is reported.
    pub(super) fn field_type(&mut self, file: usize, ty: &ast::Type, types: &Types<'_>) -> FieldType {
        match &ty.base {
            BaseType::Enum(values) => {
                let names: Vec<ast::Name> =
                    values.iter().map(|value| ast::Name { text: value.value.clone(), span: value.span }).collect();
                self.once("value", names.iter().map(|name| (file, name)).collect());
                FieldType::Enum(values.iter().map(|value| value.value.clone()).collect())
            }
            BaseType::Named(name) => match types.get(name.text.as_str()) {
                Some(known) => known.clone(),
                None => {
                    self.unknown_type(file, name, types);
                    FieldType::String
                }
            },
        }
    }

    fn unknown_type(&mut self, file: usize, name: &ast::Name, types: &Types<'_>) {
        if self.is_broken {
            return;
        }
        let error = Diagnostic::new(codes::UNKNOWN_TYPE, file, name.span, format!("unknown type `{}`", name.text));
        let error = error.label("no such type");
        let meant = meant_type(&name.text);
        let mut known: Vec<&str> = types.keys().copied().collect();
        known.sort_unstable();
        self.say(match meant.or_else(|| nearest(&name.text, known)) {
            Some(near) => error.help(format!("did you mean `{near}`?")).edit(name.span, near),
            None => error.help(format!(
                "the built-in types are {}; others are declared with `enum`, `type` or `model`",
                either(BUILTIN.iter().map(|(known, _)| *known)).replace(" or ", " and ")
            )),
        });
    }

    fn model<'m>(&mut self, (file, of): Declared<'m, ast::Model>, schema: &Schema<'m>, types: &Types<'_>) -> Model
    where
        'a: 'm,
    {
        self.once("field", of.fields.iter().map(|field| (file, &field.name)).collect());
        let fields: Vec<Field> = of.fields.iter().map(|field| self.field(file, field, types)).collect();
        let own = self.rules_of(Site::Model, file, &of.rules);
        let of_fields: Vec<Block<'m>> = of
            .fields
            .iter()
            .map(|field| field.rules.as_ref().map(|rules| self.rules_of(Site::Field, file, rules)).unwrap_or_default())
            .collect();
        let has_own = own.allows_somebody;
        if !has_own && !schema.allows_somebody && !self.is_broken {
            self.no_rules(file, of, schema);
        }
        let (identifier, disabled) = self.members(file, of, &fields);
        let place = self.place(file, of.name.span);
        let allows: Vec<Written<'m>> = if has_own { own.allows } else { schema.rules.clone() };
        let denies: Vec<Written<'m>> = own.denies.into_iter().chain(schema.denies.iter().cloned()).collect();
        let mut model = Model {
            name: of.name.text.clone(),
            fields,
            identifier,
            rules: Vec::new(),
            denies: Vec::new(),
            disabled,
            place,
        };
        let owners = allows.iter().chain(of_fields.iter().flat_map(|rules| &rules.allows));
        let owners = implied_owners(owners.map(|written| &written.rule));
        let mut ground = Ground { site: Site::Model, record: Some(columns(&model, &owners)) };
        // Where a rule was refused, who may read what is not known.
        let count = allows.len();
        model.rules = self.finished(&ground, allows);
        model.denies = self.finished(&ground, denies);
        let mut all_read = count == model.rules.len() && !(own.refused && has_own);
        ground.site = Site::Field;
        for (field, rules) in model.fields.iter_mut().zip(of_fields) {
            let count = rules.allows.len();
            field.rules = self.finished(&ground, rules.allows);
            field.denies = self.finished(&ground, rules.denies);
            all_read &= !rules.refused && count == field.rules.len();
        }
        self.dynamic_fields(&model, &owners);
        if all_read {
            self.required_fields(&model);
        }
        model
    }

    /// The rules of a block, read but for their conditions.
    pub(super) fn rules_of<'r>(&mut self, site: Site, file: usize, rules: &'r ast::Rules) -> Block<'r>
    where
        'a: 'r,
    {
        let written = self.written(file, rules);
        // What is spread and unknown, or no list of rules, was meant to be some.
        let allows_somebody = written.is_empty() && !rules.is_empty();
        let mut read = Block { allows_somebody, ..Block::default() };
        for (file, rule) in written {
            read.allows_somebody |= rule.effect.text != "deny";
            match self.rule(site, file, rule) {
                Some(Ruled::Rule(written)) if written.denies => read.denies.push(written),
                Some(Ruled::Rule(written)) => read.allows.push(written),
                _ => read.refused = true,
            }
        }
        read
    }

    /// Rules with their conditions; those with an error are left out.
    pub(super) fn finished(&mut self, ground: &Ground, rules: Vec<Written<'_>>) -> Vec<Rule> {
        // Room for all at once: a vector that grows may end with a third of it unused, a tenth of the whole policy.
        let mut finished = Vec::with_capacity(rules.len());
        finished.extend(rules.into_iter().filter_map(|written| self.with_condition(ground, written)));
        finished
    }

    fn no_rules(&mut self, file: usize, of: &ast::Model, schema: &Schema<'_>) {
        let what = if of.rules.is_empty() { "rule" } else { "rule that allows" };
        let message = format!("the model `{}` has no {what}", of.name.text);
        let error = Diagnostic::new(codes::NO_RULES, file, of.name.span, message).label("nobody may use it");
        self.say(match schema.functions.is_empty() {
            true => error.help("add a rule to it, such as `allow.owner()`, or one for all models to `data { … }`"),
            false => error.help("`allow.resource` in `data` gives models no rule; add one, such as `allow.owner()`"),
        });
    }

    fn field(&mut self, file: usize, field: &ast::Field, types: &Types<'_>) -> Field {
        let ty = self.field_type(file, &field.ty, types);
        if let (Some(true), Some(braces)) = (field.rules.as_ref().map(ast::Rules::is_empty), field.braces) {
            let message = format!("the field `{}` has braces and no rule", field.name.text);
            let error = Diagnostic::new(codes::EMPTY_BRACES, file, braces, message);
            let error = error.label("no rule in here, so the model's would apply");
            self.say(error.help("remove the braces, or write a rule").edit(braces, ""));
        }
        let required = if field.ty.list { field.ty.list_required } else { field.ty.required };
        let place = self.place(file, field.name.span);
        let (rules, denies) = (Vec::new(), Vec::new());
        Field { name: field.name.text.clone(), ty, list: field.ty.list, required, rules, denies, place }
    }

    /// `identifier(["team", "slug"])`, `disableOperations(["subscriptions"])`
    fn members(&mut self, file: usize, of: &ast::Model, fields: &[Field]) -> (Vec<String>, Operations) {
        let (mut identifier, mut disabled) = (vec!["id".to_owned()], Operations::NONE);
        for (number, call) in of.calls.iter().enumerate() {
            let name = &call.name;
            let before = of.calls[..number].iter().find(|before| before.name.text == name.text);
            if !MEMBERS.contains(&name.text.as_str()) {
                let message = format!("unknown member `{}`", name.text);
                let error = Diagnostic::new(codes::MEMBER, file, name.span, message).label("no such member");
                self.say(match nearest(&name.text, MEMBERS) {
                    Some(near) => error.help(format!("did you mean `{near}`?")).edit(name.span, near),
                    None => error.help("a model holds fields, rules, `identifier([…])` and `disableOperations([…])`"),
                });
            } else if let Some(before) = before {
                let error = Diagnostic::new(codes::MEMBER, file, call.span, format!("`{}` stands twice", name.text));
                self.say(error.label("again here").related(file, before.span, "the first is here").help("remove one"));
            } else if name.text == "identifier" {
                identifier = self.identifier_names(file, call, fields).unwrap_or(identifier);
            } else {
                disabled = self.disabled(file, call);
            }
        }
        (identifier, disabled)
    }

    /// The operations that a model does not have at all, in Amplify's words.
    fn disabled(&mut self, file: usize, call: &Call) -> Operations {
        let Some([value]) = call.args.as_deref() else {
            let error = Diagnostic::new(codes::MEMBER, file, call.span, "`disableOperations` takes one list");
            self.say(error.label("expected a list").help("write `disableOperations([\"subscriptions\"])`"));
            return Operations::NONE;
        };
        let words = self.texts(file, value, "a list of operations, such as `[\"subscriptions\"]`").unwrap_or_default();
        if matches!(&value.kind, ast::ValueKind::List(words) if words.is_empty()) {
            let error = Diagnostic::new(codes::EMPTY_LIST, file, value.span, "no operation is disabled");
            self.say(error.label("an empty list").help("name one, or leave `disableOperations` out"));
        }
        let mut disabled = Operations::NONE;
        for Word { text: word, file, span } in &words {
            match DISABLED.iter().find(|(known, _)| known == word) {
                Some((_, operations)) => disabled = disabled.with(*operations),
                None if EVENTS.contains(&word.as_str()) => (),
                None => {
                    let error =
                        Diagnostic::new(codes::UNKNOWN_OPERATION, *file, *span, format!("unknown operation `{word}`"));
                    let error = error.label("no such operation");
                    let known = || DISABLED.iter().map(|(known, _)| *known).chain(EVENTS);
                    self.say(match nearest(word, known()) {
                        Some(near) => error.help(format!("did you mean `{near}`?")).edit(*span, format!("\"{near}\"")),
                        None => error.help(format!("allowed here: {}", either(known()))),
                    });
                }
            }
        }
        let has = |event: &str| words.iter().any(|word| word.text == event);
        if EVENTS.into_iter().all(has) {
            return disabled.with(Operations::LISTEN);
        }
        if let Some(Word { text: word, file, span }) = words.iter().find(|word| EVENTS.contains(&word.text.as_str()))
            && !disabled.contains(Operations::LISTEN)
        {
            let message = format!("disabling `{word}` has no effect without the other two events");
            let warning = Diagnostic::new(codes::ONE_EVENT, *file, *span, message);
            let warning = warning.label("`listen` is one operation for all three events");
            self.say(warning.help("do not publish these events in the host, or disable `subscriptions`"));
        }
        disabled
    }

    fn identifier_names(&mut self, file: usize, call: &Call, fields: &[Field]) -> Option<Vec<String>> {
        let Some([value]) = call.args.as_deref() else {
            let error = Diagnostic::new(codes::MEMBER, file, call.span, "`identifier` takes one list of fields");
            self.say(error.label("expected a list").help("write `identifier([\"id\"])`"));
            return None;
        };
        let names = self.texts(file, value, "a list of fields, such as `[\"id\"]`")?;
        if names.is_empty() {
            let error = Diagnostic::new(codes::EMPTY_LIST, file, value.span, "an identifier of no field");
            self.say(error.label("an empty list").help("name a field, or leave `identifier` out"));
            return None;
        }
        let mut known: Vec<String> = Vec::new();
        for Word { text: name, file, span } in names {
            let fault = match fields.iter().find(|field| field.name == name) {
                _ if known.contains(&name) => Some("it stands twice"),
                None if name == "id" => None,
                None => Some("there is no such field"),
                Some(field) if field.list => Some("it is a list"),
                Some(field) if matches!(field.ty, FieldType::Model(_) | FieldType::Type(_)) => {
                    Some("it is no single value")
                }
                Some(_) => None,
            };
            if let Some(why) = fault {
                let message = format!("`{name}` cannot be part of the identifier: {why}");
                let error = Diagnostic::new(codes::MEMBER, file, span, message).label(why);
                let near = nearest(&name, fields.iter().map(|field| field.name.as_str()));
                self.say(match near.filter(|near| *near != name) {
                    Some(near) => error.help(format!("did you mean `{near}`?")).edit(span, format!("\"{near}\"")),
                    None => error.help("name fields of the model that hold one value each"),
                });
            }
            known.push(name);
        }
        Some(known)
    }

    // ---- fields that rules read

    /// Every field that a who names is there and can hold what it names. An undeclared owner field is there because
    /// of the allow that names it; a deny adds none.
    pub(super) fn dynamic_fields(&mut self, model: &Model, owners: &[String]) {
        let allows = model.rules.iter().chain(model.fields.iter().flat_map(|field| &field.rules));
        let denies = model.denies.iter().chain(model.fields.iter().flat_map(|field| &field.denies));
        for (rule, denies) in allows.map(|rule| (rule, false)).chain(denies.map(|rule| (rule, true))) {
            for who in rule.whos() {
                let (name, list, owner) = match who {
                    Who::Owner { field, list, .. } => (field, *list, true),
                    Who::GroupsIn { field, list, .. } => (field, *list, false),
                    _ => continue,
                };
                let implied = owner && !list && is_identifier(name) && (!denies || owners.contains(name));
                match model.fields.iter().find(|field| field.name == *name) {
                    Some(field) => self.dynamic_field(model, rule, field, list, owner),
                    None if implied => (),
                    None => self.no_field(model, rule, name, list),
                }
            }
        }
    }

    fn no_field(&mut self, model: &Model, rule: &Rule, name: &str, list: bool) {
        let (file, span) = (rule.place.file as usize, rule.place.span);
        let message = format!("the model `{}` has no field `{name}`", model.name);
        let error = Diagnostic::new(codes::NO_FIELD, file, span, message).label("this rule reads it");
        let error = error.related(model.place.file as usize, model.place.span, "the model");
        let ty = if list { "string[]" } else { "string" };
        let near = nearest(name, model.fields.iter().filter(|field| can_hold(field)).map(|field| field.name.as_str()));
        self.say(match near {
            Some(near) => error.help(format!("did you mean `{near}`? Otherwise declare `{name}: {ty}`")),
            None if is_identifier(name) => error.help(format!("declare it: `{name}: {ty}`")),
            None => error.help("name a field of the model"),
        });
    }

    fn dynamic_field(&mut self, model: &Model, rule: &Rule, field: &Field, list: bool, owner: bool) {
        let what = if owner { "an owner" } else { "a group" };
        let builder = match (owner, field.list) {
            (true, false) => "ownerDefinedIn",
            (true, true) => "ownersDefinedIn",
            (false, false) => "groupDefinedIn",
            (false, true) => "groupsDefinedIn",
        };
        let name = &field.name;
        let (why, help) = match (can_hold(field), field.list == list) {
            (true, true) => return,
            (true, false) if field.list => ("is a list".to_owned(), format!("write `{builder}(\"{name}\")`")),
            (true, false) => {
                ("is no list".to_owned(), format!("write `{builder}(\"{name}\")`, or declare `{name}: string[]`"))
            }
            (false, _) => {
                let ty = if list { "string[]" } else { "string" };
                (format!("cannot hold {what}"), format!("declare `{name}: {ty}`, or name another field"))
            }
        };
        let (file, span) = (rule.place.file as usize, rule.place.span);
        let message = format!("the field `{name}` of `{}` {why}", model.name);
        let error = Diagnostic::new(codes::FIELD_TYPE, file, span, message).label("this rule reads it");
        self.say(error.related(field.place.file as usize, field.place.span, "declared here").help(help));
    }
}

/// Whether two rules ask the same beside their whos.
pub(super) fn same_guard(one: &Rule, other: &Rule) -> bool {
    one.condition == other.condition && one.and == other.and
}

/// The fields that exist because an owner rule names them.
pub(super) fn implied_owners<'r>(allows: impl Iterator<Item = &'r Rule>) -> Vec<String> {
    let owner = |who: &Who| match who {
        Who::Owner { field, list: false, .. } => Some(field.clone()),
        _ => None,
    };
    allows.flat_map(|rule| rule.whos().filter_map(owner).collect::<Vec<_>>()).collect()
}

/// What conditions on a model may read: the declared fields, the key, the owner fields that rules bring, and the time
/// stamps, which no input holds.
pub(super) fn columns(model: &Model, owners: &[String]) -> Columns {
    let mut fields: Vec<Column> = Vec::new();
    for Field { name, ty, list, required, .. } in &model.fields {
        let required = *required || model.identifier.contains(name);
        fields.push(Column { name: name.clone(), ty: ty.clone(), list: *list, required, proposed: true });
    }
    let implied = |name: &str, ty: FieldType, required: bool, proposed: bool| Column {
        name: name.to_owned(),
        ty,
        list: false,
        required,
        proposed,
    };
    let key = model.identifier.iter().map(|name| implied(name, FieldType::Id, true, true));
    let owners = owners.iter().map(|name| implied(name, FieldType::String, false, true));
    let stamps = ["createdAt", "updatedAt"].map(|name| implied(name, FieldType::DateTime, true, false));
    for column in key.chain(owners).chain(stamps) {
        if fields.iter().all(|known| known.name != column.name) {
            fields.push(column);
        }
    }
    Columns { model: model.name.clone(), place: model.place, fields }
}

/// The rules of one block, read but for their conditions.
#[derive(Default)]
pub(super) struct Block<'r> {
    pub allows: Vec<Written<'r>>,
    pub denies: Vec<Written<'r>>,
    /// Whether a rule is meant to allow something, read or not.
    pub allows_somebody: bool,
    /// Whether one could not be read.
    pub refused: bool,
}

/// Whether a field, or each element of it, can hold an owner or a group.
fn can_hold(field: &Field) -> bool {
    use FieldType::{Date, DateTime, Email, Id, IpAddress, Phone, String, Time, Url};
    matches!(field.ty, String | Id | Email | Date | Time | DateTime | Phone | Url | IpAddress)
}

fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    let first = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_');
    first && chars.all(|c| c.is_alphanumeric() || c == '_')
}
