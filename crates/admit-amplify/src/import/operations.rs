//! Custom operations: queries, mutations, subscriptions, and what generates an answer.
//! Always: an operation of which something cannot be read is left out, so that nobody may call it.

use super::Reader;
use super::policy::{Operation, Type};
use super::report::{FOLLOWS, LeftOut, Read, UNKNOWN_WORD};
use super::rules::{Rules, plain};
use super::schema::{capital, is_identifier};
use super::value::{Chain, Property, Value};

/// The handler of what a model of AI answers, until it is known whether rules hold for it.
pub(super) const GENERATION: &str = "generation";

impl<'p> Reader<'p> {
    pub(super) fn operation(
        &mut self,
        word: &'static str,
        property: &Property<'p>,
        chain: &Chain<'p>,
        more: &mut Vec<Type>,
    ) -> Read<Type> {
        let name = property.name.clone();
        // What a model of AI answers is a query, for all that decides.
        let is_generation = word == "generation";
        let kind = if is_generation { "query" } else { word };
        let lost = format!("the {kind} `{name}` is left out: nobody may call it");
        let sources = (kind == "subscription").then(Vec::new);
        let (at, handler) = (property.at, if is_generation { GENERATION } else { "none" });
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
                ("handler", [handler, ..]) if !is_generation => operation.handler = self.handler(handler),
                ("for", [source, ..]) => operation.sources = Some(self.sources(source, &lost)?),
                ("authorization", [rules, ..]) => {
                    let Rules { rules, is_partial, .. } = self.own_rules(rules, &mut operation.has_rules);
                    operation.rules = self.with_operations(rules);
                    if operation.rules.is_empty() && is_partial {
                        let message = format!("no rule of `{}` could be read", operation.name);
                        return Err(self.report.say(FOLLOWS, at, message, lost));
                    }
                }
                _ => {
                    let message = format!("unknown `.{}` of a {word}", plain(link.name));
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
            word == Some("custom")
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
