//! `a.schema`: models, fields, types and custom operations.
//! Always: a model or an operation of which something may take access away unread is left out as a whole.

use super::Reader;
use super::policy::{Model, Rule, Type};
use super::report::{NOT_SAID, Read, UNKNOWN_WORD};
use super::rules::{Rules, plain};
use super::value::{Chain, Link, Property, Value};
use std::collections::BTreeSet;

/// One `a.schema({…})`: what it declares, and the rules for what has none.
#[derive(Default)]
pub(super) struct Schema {
    pub types: Vec<Type>,
    pub rules: Vec<Rule>,
    /// Whether some of its rules could not be read.
    pub is_partial: bool,
    /// The names of what is declared and could not be read.
    pub left_out: BTreeSet<String>,
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
            Some(("schema", _)) => self.schema(&chain.links).into_iter().collect(),
            // `configure({ database: … }).schema({ … })`, for databases of SQL.
            Some(("configure", _)) => self.schema(&chain.links[1..]).into_iter().collect(),
            None if chain.begins("configure") => {
                self.schema(chain.links.get(1..).unwrap_or_default()).into_iter().collect()
            }
            _ if self.values.text(value).is_ok() => {
                let means =
                    "it is left out: every request for it is denied; write its models and rules into the policy";
                self.report.say(NOT_SAID, chain.at, "this schema is GraphQL, and not TypeScript", means);
                Vec::new()
            }
            _ => {
                self.report.problem(&value.computed(), lost);
                Vec::new()
            }
        }
    }

    /// One schema, from the call that makes it on.
    fn schema(&mut self, links: &[Link<'p>]) -> Option<Schema> {
        let lost = "what it declares is left out: every request for it is denied";
        let (first, methods) = links.split_first().filter(|(first, _)| first.name == "schema")?;
        let mut schema = Schema::default();
        let declared = first.args.as_deref().unwrap_or_default().first();
        let (declared, problems) = match declared.map(|value| self.values.object(value)) {
            Some(Ok(object)) => object,
            Some(Err(problem)) => {
                self.report.problem(&problem, lost);
                return None;
            }
            None => (Vec::new(), Vec::new()),
        };
        self.report.problems(&problems, lost);
        self.declare_all(&mut schema, &declared);
        for link in methods {
            self.amend(&mut schema, link).ok()?;
        }
        Some(schema)
    }

    pub(super) fn declaration(&mut self, property: &Property<'p>, more: &mut Vec<Type>) -> Read<Type> {
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
            ("generation", _) => self.operation("generation", property, &chain, more),
            ("conversation", _) => {
                let means = format!(
                    "`{name}` is left out: in Amplify every user of the pool may talk, each in own conversations; \
                     a policy has no rule for these"
                );
                Err(self.report.say(
                    NOT_SAID,
                    chain.at,
                    format!("`{name}` is a conversation with a model of AI"),
                    means,
                ))
            }
            (word, _) => Err(self.report.say(UNKNOWN_WORD, chain.at, format!("unknown `a.{}`", plain(word)), lost)),
        }
    }

    pub(super) fn chain(&mut self, value: &Value<'p>, lost: &str) -> Read<Chain<'p>> {
        self.values.chain(value).map_err(|problem| self.report.problem(&problem, lost))
    }

    pub(super) fn values_of(&mut self, value: &Value<'p>, lost: &str) -> Read<Vec<String>> {
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
                ("authorization", [rules, ..]) => self.model_rules(&mut model, rules, &lost)?,
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
    pub(super) fn own_rules(&mut self, value: &Value<'p>, has_rules: &mut bool) -> Rules {
        let is_empty = self
            .values
            .given(value, &["allow"])
            .and_then(|given| self.values.list(&given))
            .is_ok_and(|(elements, problems)| elements.is_empty() && problems.is_empty());
        *has_rules = !is_empty;
        self.rules(value)
    }

    /// The indexes as a note.
    fn indexes(&self, value: &Value<'p>) -> Option<String> {
        let given = self.values.given(value, &["index"]).ok()?;
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
}

/// Whether a text can stand as a name in a policy.
pub(super) fn is_identifier(text: &str) -> bool {
    let starts = |c: char| c.is_alphabetic() || c == '_';
    text.chars().next().is_some_and(starts) && text.chars().all(|c| starts(c) || c.is_numeric())
}

/// With a capital first letter.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}
