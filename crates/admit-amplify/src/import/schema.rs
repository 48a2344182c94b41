//! `a.schema`: models, fields, types and custom operations.
//! Always: a model or an operation of which something may take access away unread is left out as a whole.

use super::Reader;
use super::policy::{Field, Model, Operation, Rule, Type};
use super::report::{COMPUTED, FOLLOWS, LeftOut, NOT_SAID, Read, UNKNOWN_WORD, WITHOUT_EFFECT};
use super::rules::{Rules, plain};
use super::value::{Chain, Link, Property, Value};

const SCALARS: [&str; 14] = [
    "id",
    "string",
    "integer",
    "float",
    "boolean",
    "date",
    "time",
    "datetime",
    "timestamp",
    "email",
    "json",
    "phone",
    "url",
    "ipAddress",
];

/// How deep types and schemas may hold each other.
const MAX_NESTING: usize = 8;

/// One `a.schema({…})`: what it declares, and the rules for what has none.
#[derive(Default)]
pub(super) struct Schema {
    pub types: Vec<Type>,
    pub rules: Vec<Rule>,
    /// Whether some of its rules could not be read.
    pub is_partial: bool,
}

impl<'p> Reader<'p> {
    /// The schemas that a value stands for: one, or those of `a.combine`.
    pub(super) fn schemas(&mut self, value: &Value<'p>) -> Vec<Schema> {
        let lost = "what it declares is left out: every request for it is denied";
        let chain = match self.values.chain(value) {
            Ok(chain) => chain,
            Err(problem) => {
                self.report.problem(&problem, lost);
                return Vec::new();
            }
        };
        let first = chain.links.first().filter(|_| chain.begins("a"));
        match first.map(|link| (link.name, link.args.as_deref().unwrap_or_default())) {
            Some(("combine", [schemas, ..])) if chain.links.len() == 1 => match self.values.list(schemas) {
                Ok((schemas, problems)) => {
                    self.report.problems(&problems, lost);
                    let all = self.nested(value, lost, |reader| {
                        Ok(schemas.iter().flat_map(|schema| reader.schemas(schema)).collect())
                    });
                    all.unwrap_or_default()
                }
                Err(problem) => {
                    self.report.problem(&problem, lost);
                    Vec::new()
                }
            },
            Some(("schema", _)) => self.schema(&chain).into_iter().collect(),
            _ => {
                self.report.problem(&value.computed(), lost);
                Vec::new()
            }
        }
    }

    fn schema(&mut self, chain: &Chain<'p>) -> Option<Schema> {
        let mut schema = Schema::default();
        for link in &chain.links[1..] {
            match (link.name, link.args.as_deref()) {
                ("authorization", Some([rules, ..])) => {
                    let read = self.rules(rules);
                    schema.is_partial |= read.is_partial;
                    schema.rules = self.with_operations(read.rules);
                }
                (name, _) => {
                    let message = format!("unknown `.{}` of a schema", plain(name));
                    let means = "the schema is left out, since it may change any rule: every request for it is denied";
                    self.report.say(UNKNOWN_WORD, link.at, message, means);
                    return None;
                }
            }
        }
        schema.rules.retain(|rule| rule.builder != "resource" || self.is_function_rule(rule));
        let lost = "what it declares is left out: every request for it is denied";
        let declared = chain.links[0].args.as_deref().unwrap_or_default().first();
        let (declared, problems) = match declared.map(|value| self.values.object(value)) {
            Some(Ok(object)) => object,
            Some(Err(problem)) => {
                self.report.problem(&problem, lost);
                return None;
            }
            None => (Vec::new(), Vec::new()),
        };
        self.report.problems(&problems, lost);
        for property in &declared {
            let mut more = Vec::new();
            if let Ok(found) = self.declaration(property, &mut more) {
                schema.types.push(found);
            }
            schema.types.extend(more);
        }
        Some(schema)
    }

    /// A rule of a function with the operations that functions have; others have no effect in Amplify.
    fn is_function_rule(&mut self, rule: &Rule) -> bool {
        let known = |one: &String| matches!(one.as_str(), "query" | "mutate" | "listen");
        let fine = rule.operations().is_none_or(|operations| operations.iter().all(known));
        if !fine {
            let means = "the rule is left out; functions have `query`, `mutate` and `listen`";
            self.report.say(NOT_SAID, rule.at, "operations that a function cannot have", means);
        }
        fine
    }

    fn declaration(&mut self, property: &Property<'p>, more: &mut Vec<Type>) -> Read<Type> {
        let name = plain(&property.name);
        let lost = format!("`{name}` is left out: every request for it is denied");
        if !is_identifier(&property.name) {
            let message = format!("`{name}` cannot be a name");
            return Err(self.report.say(NOT_SAID, property.at, message, lost));
        }
        let chain = self.chain(&property.value, &lost)?;
        let Some(first) = chain.links.first().filter(|_| chain.begins("a")) else {
            return Err(self.report.problem(&property.value.computed(), lost));
        };
        let args = first.args.as_deref().unwrap_or_default();
        match (first.name, args) {
            ("model", [fields, ..]) => self.model(property, fields, &chain, more).map(Type::Model),
            ("customType", [fields, ..]) => self.custom_type(&property.name, fields, more),
            ("enum", [values, ..]) => self.values_of(values, &lost).map(|values| Type::Enum(name, values)),
            ("query", _) => self.operation("query", property, &chain, more),
            ("mutation", _) => self.operation("mutation", property, &chain, more),
            ("subscription", _) => self.operation("subscription", property, &chain, more),
            (word, _) => Err(self.report.say(UNKNOWN_WORD, chain.at, format!("unknown `a.{}`", plain(word)), lost)),
        }
    }

    fn chain(&mut self, value: &Value<'p>, lost: &str) -> Read<Chain<'p>> {
        self.values.chain(value).map_err(|problem| self.report.problem(&problem, lost))
    }

    fn values_of(&mut self, value: &Value<'p>, lost: &str) -> Read<Vec<String>> {
        self.values.texts(value).map_err(|problem| self.report.problem(&problem, lost))
    }

    // ---- models

    fn model(
        &mut self,
        property: &Property<'p>,
        fields: &Value<'p>,
        chain: &Chain<'p>,
        more: &mut Vec<Type>,
    ) -> Read<Model> {
        let lost = format!("the model `{}` is left out: every request for it is denied", property.name);
        let mut model = Model {
            name: property.name.clone(),
            at: property.at,
            fields: self.fields(&property.name, fields, &lost, more)?,
            identifier: None,
            disabled: None,
            rules: Vec::new(),
            has_rules: false,
            notes: Vec::new(),
        };
        for link in &chain.links[1..] {
            match (link.name, link.args.as_deref().unwrap_or_default()) {
                ("authorization", [rules, ..]) => {
                    let Rules { rules, is_partial, .. } = self.own_rules(rules, &mut model.has_rules);
                    model.rules = self.with_operations(rules);
                    if model.rules.is_empty() && is_partial {
                        let message = format!("no rule of `{}` could be read", model.name);
                        return Err(self.report.say(FOLLOWS, model.at, message, lost));
                    }
                }
                ("identifier", [fields, ..]) => model.identifier = Some(self.values_of(fields, &lost)?),
                ("disableOperations", [words, ..]) => model.disabled = Some(self.values_of(words, &lost)?),
                ("secondaryIndexes", [indexes, ..]) => {
                    let indexes = self.indexes(indexes).unwrap_or_else(|| "some".into());
                    model.notes.push(format!("secondaryIndexes: {indexes}"));
                }
                (name, _) => {
                    let message = format!("unknown `.{}` of a model", plain(name));
                    return Err(self.report.say(UNKNOWN_WORD, link.at, message, lost));
                }
            }
        }
        Ok(model)
    }

    /// Rules of a model, field or operation; `has_rules` if these are its own, readable or not.
    fn own_rules(&mut self, value: &Value<'p>, has_rules: &mut bool) -> Rules {
        let is_empty = self
            .values
            .given(value, "allow")
            .and_then(|given| self.values.list(&given))
            .is_ok_and(|(elements, problems)| elements.is_empty() && problems.is_empty());
        *has_rules = !is_empty;
        self.rules(value)
    }

    /// The indexes as a note.
    fn indexes(&self, value: &Value<'p>) -> Option<String> {
        let given = self.values.given(value, "index").ok()?;
        let (indexes, _) = self.values.list(&given).ok()?;
        let one = |index: &Value<'p>| {
            let chain = self.values.chain(index).ok()?;
            let partition = self.values.text(chain.links.first()?.args.as_ref()?.first()?).ok()?;
            let sort = chain.links.iter().find(|link| link.name == "sortKeys");
            let sort = sort.and_then(|link| self.values.texts(link.args.as_ref()?.first()?).ok());
            Some(plain(&[vec![partition], sort.unwrap_or_default()].concat().join(" + ")))
        };
        indexes.iter().map(one).collect::<Option<Vec<String>>>().map(|all| all.join(", "))
    }

    /// The fields of a model, a type or the parameters of an operation.
    fn fields(&mut self, owner: &str, value: &Value<'p>, lost: &str, more: &mut Vec<Type>) -> Read<Vec<Field>> {
        let (properties, problems) =
            self.values.object(value).map_err(|problem| self.report.problem(&problem, lost))?;
        let mut failed = !problems.is_empty();
        self.report.problems(&problems, lost);
        let mut fields = Vec::new();
        for property in &properties {
            match self.field(owner, property, lost, more) {
                Ok(field) => fields.push(field),
                Err(LeftOut) => failed = true,
            }
        }
        if failed { Err(LeftOut) } else { Ok(fields) }
    }

    fn field(&mut self, owner: &str, property: &Property<'p>, lost: &str, more: &mut Vec<Type>) -> Read<Field> {
        if !is_identifier(&property.name) {
            let message = format!("`{}` cannot be the name of a field", plain(&property.name));
            return Err(self.report.say(NOT_SAID, property.at, message, lost));
        }
        self.typed(&format!("{owner}{}", capital(&property.name)), property, &property.value, lost, more)
    }

    /// A type with its marks and rules. A type that is written on the spot gets the name `inner`.
    fn typed(
        &mut self,
        inner: &str,
        property: &Property<'p>,
        value: &Value<'p>,
        lost: &str,
        more: &mut Vec<Type>,
    ) -> Read<Field> {
        let chain = self.chain(value, lost)?;
        let Some(first) = chain.links.first().filter(|_| chain.begins("a")) else {
            return Err(self.report.problem(&value.computed(), lost));
        };
        let mut field = Field {
            name: property.name.clone(),
            at: property.at,
            base: String::new(),
            is_named: false,
            marks: String::new(),
            rules: None,
            notes: Vec::new(),
        };
        match (first.name, first.args.as_deref().unwrap_or_default()) {
            (word, _) if SCALARS.contains(&word) => field.base = word.to_owned(),
            ("enum", [values, ..]) => {
                let values: Vec<String> =
                    self.values_of(values, lost)?.iter().map(|value| super::write::quoted(value)).collect();
                field.base = format!("enum [{}]", values.join(", "));
            }
            (word @ ("ref" | "hasMany" | "hasOne" | "belongsTo"), [name, ..]) => {
                field.is_named = true;
                field.base = self.values.text(name).map_err(|problem| self.report.problem(&problem, lost))?;
                field.marks = if word == "hasMany" { "[]".into() } else { String::new() };
            }
            ("customType", [fields, ..]) => {
                let of = self.custom_type(inner, fields, more)?;
                more.push(of);
                field.is_named = true;
                field.base = inner.to_owned();
            }
            (word, _) => {
                let message = format!("unknown type `a.{}`", plain(word));
                return Err(self.report.say(UNKNOWN_WORD, chain.at, message, lost));
            }
        }
        for link in &chain.links[1..] {
            self.field_link(&mut field, link, lost)?;
        }
        Ok(field)
    }

    fn field_link(&mut self, field: &mut Field, link: &Link<'p>, lost: &str) -> Read<()> {
        match (link.name, link.args.as_deref()) {
            ("required", Some(_)) => field.marks.push('!'),
            ("array", Some(_)) => field.marks.push_str("[]"),
            ("valueRequired", Some(_)) => field.marks = field.marks.replacen("[]", "![]", 1),
            (name @ ("default" | "validate"), Some(_)) => field.notes.push(name.to_owned()),
            ("authorization", Some([rules, ..])) => {
                let mut has_rules = false;
                let Rules { mut rules, is_partial, before_lost } = self.own_rules(rules, &mut has_rules);
                // One that was lost may be the last of any role, which holds in Amplify.
                rules.drain(..before_lost);
                let rules = self.last_of_each_role(rules);
                let rules = self.with_operations(rules);
                if !has_rules {
                    let means = "the model's rules hold for the field, as in Amplify";
                    self.report.say(WITHOUT_EFFECT, link.at, "an empty list of rules on a field", means);
                } else if rules.is_empty() {
                    let message = match is_partial {
                        true => format!("no rule of the field `{}` could be read", field.name),
                        false => format!("no rule of the field `{}` gives anything", field.name),
                    };
                    return Err(self.report.say(FOLLOWS, field.at, message, lost));
                } else {
                    field.rules = Some(rules);
                }
            }
            (name, _) => {
                let message = format!("unknown `.{}` of a field", plain(name));
                return Err(self.report.say(UNKNOWN_WORD, link.at, message, lost));
            }
        }
        Ok(())
    }

    /// In Amplify the last of two field rules for one role holds, and not both.
    fn last_of_each_role(&mut self, rules: Vec<Rule>) -> Vec<Rule> {
        let mut seen = std::collections::BTreeSet::new();
        let mut kept = Vec::new();
        for mut rule in rules.into_iter().rev() {
            let roles = rule.roles();
            if !roles.is_disjoint(&seen) {
                let means = "left out where it is repeated: in Amplify the last rule of a field holds for a role";
                self.report.say(WITHOUT_EFFECT, rule.at, "a later rule of this field is for the same role", means);
                let prefix = format!("group {} {} ", rule.provider(), rule.group_claim());
                let again = |name: &str| seen.contains(&format!("{prefix}{name}"));
                if rule.groups().is_empty() || !rule.keep_groups(|name| !again(name)) {
                    continue;
                }
            }
            seen.extend(roles);
            kept.push(rule);
        }
        kept.reverse();
        kept
    }

    fn custom_type(&mut self, name: &str, value: &Value<'p>, more: &mut Vec<Type>) -> Read<Type> {
        let lost = format!("the type `{}` is left out, and what has it becomes `json`", plain(name));
        let fields = self.nested(value, &lost, |reader| reader.fields(name, value, &lost, more));
        let mut fields = fields?;
        for field in &mut fields {
            if field.rules.take().is_some() {
                let means = "they are left out; Amplify drops them too, so put them on the field that holds the type";
                self.report.say(WITHOUT_EFFECT, field.at, "rules on a field of a custom type", means);
            }
        }
        Ok(Type::Custom(name.to_owned(), fields))
    }

    /// Reads something that may hold itself, by names.
    fn nested<T>(&mut self, value: &Value<'p>, lost: &str, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.nesting >= MAX_NESTING {
            return Err(self.report.say(COMPUTED, value.at(), "this holds itself, or nests very deep", lost));
        }
        self.nesting += 1;
        let result = read(self);
        self.nesting -= 1;
        result
    }

    // ---- custom operations

    fn operation(
        &mut self,
        kind: &'static str,
        property: &Property<'p>,
        chain: &Chain<'p>,
        more: &mut Vec<Type>,
    ) -> Read<Type> {
        let name = property.name.clone();
        let lost = format!("the {kind} `{name}` is left out: nobody may call it");
        let sources = (kind == "subscription").then(Vec::new);
        let (at, handler) = (property.at, "none");
        let mut operation = Operation {
            kind,
            name,
            at,
            args: Vec::new(),
            returns: None,
            handler,
            sources,
            rules: Vec::new(),
            has_rules: false,
        };
        for link in &chain.links[1..] {
            let args = link.args.as_deref().unwrap_or_default();
            match (link.name, args) {
                ("arguments", [fields, ..]) => {
                    operation.args = self.fields(&capital(&operation.name), fields, &lost, more)?;
                }
                ("returns", [result, ..]) => {
                    let inner = format!("{}ReturnType", capital(&operation.name));
                    operation.returns = Some(self.typed(&inner, property, result, &lost, more)?);
                }
                ("handler", [handler, ..]) => operation.handler = self.handler(handler),
                ("for", [source, ..]) => operation.sources = Some(self.sources(source, &lost)?),
                ("authorization", [rules, ..]) => {
                    let Rules { rules, is_partial, .. } = self.own_rules(rules, &mut operation.has_rules);
                    operation.rules = self.with_operations(rules);
                    if operation.rules.is_empty() && is_partial {
                        let message = format!("no rule of `{}` could be read", operation.name);
                        return Err(self.report.say(FOLLOWS, at, message, lost));
                    }
                }
                (word, _) => {
                    let message = format!("unknown `.{}` of a {kind}", plain(word));
                    return Err(self.report.say(UNKNOWN_WORD, link.at, message, lost));
                }
            }
        }
        Ok(Type::Operation(operation))
    }

    /// Who does the work. A function, where it cannot be read: a handler gives nobody a right.
    fn handler(&mut self, value: &Value<'p>) -> &'static str {
        let handlers = match self.values.list(value) {
            Ok((handlers, _)) => handlers,
            Err(_) => vec![value.clone()],
        };
        let by_appsync = |handler: &Value<'p>| {
            let chain = self.values.chain(handler).ok().filter(|chain| chain.begins("a"));
            let word = chain.and_then(|chain| chain.links.get(1).map(|link| link.name));
            matches!(word, Some("custom" | "inlineSql" | "sqlReference"))
        };
        if handlers.iter().any(by_appsync) { "custom" } else { "function" }
    }

    fn sources(&mut self, value: &Value<'p>, lost: &str) -> Read<Vec<(String, Option<Vec<String>>)>> {
        let sources = match self.values.list(value) {
            Ok((sources, problems)) => {
                self.report.problems(&problems, lost);
                if problems.is_empty() { sources } else { return Err(LeftOut) }
            }
            Err(_) => vec![value.clone()],
        };
        sources.iter().map(|source| self.source(source, lost)).collect()
    }

    fn source(&mut self, value: &Value<'p>, lost: &str) -> Read<(String, Option<Vec<String>>)> {
        let chain = self.chain(value, lost)?;
        let named = chain.links.first().filter(|link| chain.begins("a") && link.name == "ref");
        let Some(name) = named.and_then(|link| link.args.as_ref()?.first()) else {
            return Err(self.report.problem(&value.computed(), lost));
        };
        let name = self.values.text(name).map_err(|problem| self.report.problem(&problem, lost))?;
        if !is_identifier(&name) {
            return Err(self.report.problem(&value.computed(), lost));
        }
        let mutations = chain.links.get(1).filter(|link| link.name == "mutations");
        let mutations = match mutations.and_then(|link| link.args.as_ref()?.first()) {
            Some(words) => Some(self.values_of(words, lost)?),
            None => None,
        };
        Ok((name, mutations))
    }

    /// The name in the policy of a function of Amplify; none if the value is none.
    pub(super) fn function(&mut self, value: &Value<'p>) -> Option<String> {
        let chain = self.values.chain(value).ok()?;
        let (word, settings) = chain.definition().filter(|_| chain.links.len() == 1)?;
        let call = chain.links[0].at;
        if word != "defineFunction" {
            return None;
        }
        let own = settings.and_then(|settings| self.values.object(settings).ok());
        let own = own.and_then(|(settings, _)| settings.into_iter().find(|one| one.name == "name"));
        let own = own.and_then(|name| self.values.text(&name.value).ok());
        Some(self.function_name(call, own))
    }
}

/// Whether a text can stand as a name in a policy.
pub(super) fn is_identifier(text: &str) -> bool {
    let starts = |c: char| c.is_alphabetic() || c == '_';
    text.chars().next().is_some_and(starts) && text.chars().all(|c| starts(c) || c.is_numeric())
}

/// With a capital first letter.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}
