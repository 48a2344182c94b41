//! Fields: of models, types and parameters.
//! Always: a field of which something cannot be read takes what holds it along.

use super::Reader;
use super::policy::{Field, Rule, Type};
use super::report::{COMPUTED, FOLLOWS, LeftOut, NOT_SAID, Read, UNKNOWN_WORD, WITHOUT_EFFECT};
use super::rules::{Rules, plain};
use super::schema::{capital, is_identifier};
use super::value::{Link, Property, Value};

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

impl<'p> Reader<'p> {
    /// The fields of a model, a type or the parameters of an operation.
    pub(super) fn fields(
        &mut self,
        owner: &str,
        value: &Value<'p>,
        lost: &str,
        more: &mut Vec<Type>,
    ) -> Read<Vec<Field>> {
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

    pub(super) fn field(
        &mut self,
        owner: &str,
        property: &Property<'p>,
        lost: &str,
        more: &mut Vec<Type>,
    ) -> Read<Field> {
        if !is_identifier(&property.name) {
            let message = format!("`{}` cannot be the name of a field", plain(&property.name));
            return Err(self.report.say(NOT_SAID, property.at, message, lost));
        }
        self.typed(&format!("{owner}{}", capital(&property.name)), property, &property.value, lost, more)
    }

    /// A type with its marks and rules. A type that is written on the spot gets the name `inner`.
    pub(super) fn typed(
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

    pub(super) fn field_link(&mut self, field: &mut Field, link: &Link<'p>, lost: &str) -> Read<()> {
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

    pub(super) fn custom_type(&mut self, name: &str, value: &Value<'p>, more: &mut Vec<Type>) -> Read<Type> {
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
    pub(super) fn nested<T>(
        &mut self,
        value: &Value<'p>,
        lost: &str,
        read: impl FnOnce(&mut Self) -> Read<T>,
    ) -> Read<T> {
        if self.nesting >= MAX_NESTING {
            return Err(self.report.say(COMPUTED, value.at(), "this holds itself, or nests very deep", lost));
        }
        self.nesting += 1;
        let result = read(self);
        self.nesting -= 1;
        result
    }
}
