//! Methods of a schema: rules, and what changes its models after they were declared, as schemas of SQL databases do.
//! Always: a method that is not understood takes the whole schema along, since it may change any rule.

use super::Reader;
use super::policy::{Model, Rule, Type};
use super::report::{FOLLOWS, LeftOut, NOT_SAID, Read, UNKNOWN_WORD};
use super::rules::{Rules, plain};
use super::schema::{Schema, is_identifier};
use super::value::{At, Chain, Link, Property, Value};

const LOST: &str = "the schema is left out, since it may change any rule: every request for it is denied";

impl<'p> Reader<'p> {
    /// Does to a schema what a method does.
    pub(super) fn amend(&mut self, schema: &mut Schema, link: &Link<'p>) -> Read<()> {
        let args = link.args.as_deref();
        match (link.name, args) {
            ("authorization", Some([rules, ..])) => self.schema_rules(schema, rules),
            ("addToSchema" | "addQueries" | "addMutations" | "addSubscriptions", Some([types, ..])) => {
                let (declared, problems) =
                    self.values.object(types).map_err(|problem| self.report.problem(&problem, LOST))?;
                self.report.problems(&problems, "what it declares is left out: every request for it is denied");
                self.declare_all(schema, &declared);
            }
            ("setAuthorization", Some([change, ..])) => {
                for chain in self.steps(change, &["models", "schema"])? {
                    self.set_authorization(schema, &chain)?;
                }
            }
            ("setRelationships", Some([change, ..])) => {
                for chain in self.steps(change, &["models"])? {
                    self.set_relationships(schema, &chain)?;
                }
            }
            ("renameModels", Some([names, ..])) => self.rename(schema, names)?,
            (name, _) => {
                let message = format!("unknown `.{}` of a schema", plain(name));
                return Err(self.report.say(UNKNOWN_WORD, link.at, message, LOST));
            }
        }
        Ok(())
    }

    fn schema_rules(&mut self, schema: &mut Schema, rules: &Value<'p>) {
        let read = self.rules(rules);
        schema.is_partial = read.is_partial;
        let rules = self.with_operations(read.rules);
        schema.rules = rules.into_iter().filter(|rule| self.is_schema_rule(rule)).collect();
    }

    /// Whether a rule of a function has operations that functions have; others have no effect in Amplify.
    fn is_schema_rule(&mut self, rule: &Rule) -> bool {
        let known = |one: &String| matches!(one.as_str(), "query" | "mutate" | "listen");
        let fine = rule.builder != "resource" || rule.operations().is_none_or(|all| all.iter().all(known));
        if !fine {
            let means = "the rule is left out; functions have `query`, `mutate` and `listen`";
            self.report.say(NOT_SAID, rule.at, "operations that a function cannot have", means);
        }
        fine
    }

    /// What a function does, as the chains of the list that it returns.
    fn steps(&mut self, change: &Value<'p>, given: &[&'static str]) -> Read<Vec<Chain<'p>>> {
        let given = self.values.given(change, given).map_err(|problem| self.report.problem(&problem, LOST))?;
        let steps = match self.values.list(&given) {
            Ok((steps, problems)) if problems.is_empty() => steps,
            Ok((_, problems)) => {
                self.report.problems(&problems, LOST);
                return Err(LeftOut);
            }
            Err(_) => vec![given], // one step
        };
        steps.iter().map(|step| self.chain(step, LOST)).collect()
    }

    /// `models.Post.authorization(…)`, `models.Post.fields.title.authorization(…)` or `schema.authorization(…)`.
    fn set_authorization(&mut self, schema: &mut Schema, chain: &Chain<'p>) -> Read<()> {
        let root = match chain.root {
            Value::Given(root, _) => root,
            _ => "",
        };
        let links: Vec<(&str, &[Value<'p>])> =
            chain.links.iter().map(|link| (link.name, link.args.as_deref().unwrap_or_default())).collect();
        match (root, links.as_slice()) {
            ("schema", [("authorization", [rules, ..])]) => {
                self.schema_rules(schema, rules);
                Ok(())
            }
            ("models", [(name, []), ("authorization", [rules, ..])]) => {
                self.amend_model(schema, name, chain.at, |reader, model| {
                    let lost = format!("the model `{}` is left out: every request for it is denied", model.name);
                    reader.model_rules(model, rules, &lost)
                })
            }
            ("models", [(name, []), ("fields", []), (field, []), ("authorization", [_, ..])]) => {
                self.amend_model(schema, name, chain.at, |reader, model| {
                    let lost = format!("the model `{}` is left out: every request for it is denied", model.name);
                    match model.fields.iter_mut().find(|known| known.name == *field) {
                        Some(field) => {
                            field.rules = None;
                            reader.field_link(field, &chain.links[3], &lost)
                        }
                        None => {
                            let message = format!("the model `{}` has no field `{}`", model.name, plain(field));
                            Err(reader.report.say(NOT_SAID, chain.at, message, lost))
                        }
                    }
                })
            }
            _ => Err(self.report.say(UNKNOWN_WORD, chain.at, "unknown step of `setAuthorization`", LOST)),
        }
    }

    /// `models.Post.relationships({ … })`
    fn set_relationships(&mut self, schema: &mut Schema, chain: &Chain<'p>) -> Read<()> {
        match (&chain.root, chain.links.as_slice()) {
            (Value::Given("models", _), [model, Link { name: "relationships", args: Some(args), .. }])
                if model.args.is_none() && !args.is_empty() =>
            {
                let mut more = Vec::new();
                self.amend_model(schema, model.name, chain.at, |reader, model| {
                    let lost = format!("the model `{}` is left out: every request for it is denied", model.name);
                    let fields = reader.fields(&model.name, &args[0], &lost, &mut more)?;
                    model.fields.retain(|known| !fields.iter().any(|field| field.name == known.name));
                    model.fields.extend(fields);
                    Ok(())
                })
            }
            _ => Err(self.report.say(UNKNOWN_WORD, chain.at, "unknown step of `setRelationships`", LOST)),
        }
    }

    /// Changes a model; one that then cannot be read in full is left out. One that was left out stays so.
    fn amend_model(
        &mut self,
        schema: &mut Schema,
        name: &str,
        at: At,
        change: impl FnOnce(&mut Self, &mut Model) -> Read<()>,
    ) -> Read<()> {
        let place = schema.types.iter().position(|one| matches!(one, Type::Model(model) if model.name == name));
        let Some(place) = place else {
            if !schema.left_out.contains(name) {
                let message = format!("the schema has no model `{}`", plain(name));
                return Err(self.report.say(NOT_SAID, at, message, LOST));
            }
            return Ok(());
        };
        if let Type::Model(model) = &mut schema.types[place]
            && change(self, model).is_err()
        {
            schema.types.remove(place);
            schema.left_out.insert(name.to_owned());
        }
        Ok(())
    }

    /// `renameModels(() => [["old", "New"]])`
    fn rename(&mut self, schema: &mut Schema, names: &Value<'p>) -> Read<()> {
        let given = self.values.given(names, &[]).map_err(|problem| self.report.problem(&problem, LOST))?;
        let (pairs, problems) = self.values.list(&given).map_err(|problem| self.report.problem(&problem, LOST))?;
        self.report.problems(&problems, LOST);
        if !problems.is_empty() {
            return Err(LeftOut);
        }
        for pair in pairs {
            let names = self.values_of(&pair, LOST)?;
            let [old, new] = names.as_slice() else {
                return Err(self.report.say(NOT_SAID, pair.at(), "this is no pair of an old and a new name", LOST));
            };
            if !is_identifier(new) {
                let message = format!("`{}` cannot be a name", plain(new));
                return Err(self.report.say(NOT_SAID, pair.at(), message, LOST));
            }
            if schema.left_out.remove(old) {
                schema.left_out.insert(new.clone());
                continue;
            }
            match schema.types.iter_mut().find(|one| one.name() == old) {
                Some(Type::Model(model)) => {
                    model.notes.push(format!("renamed from {}", plain(old)));
                    model.name.clone_from(new);
                }
                _ => {
                    let message = format!("the schema has no model `{}`", plain(old));
                    return Err(self.report.say(NOT_SAID, pair.at(), message, LOST));
                }
            }
        }
        Ok(())
    }

    /// The rules of a model, in place of those that it had.
    pub(super) fn model_rules(&mut self, model: &mut Model, rules: &Value<'p>, lost: &str) -> Read<()> {
        let Rules { rules, is_partial, .. } = self.own_rules(rules, &mut model.has_rules);
        model.rules = self.with_operations(rules);
        if model.rules.is_empty() && is_partial {
            let message = format!("no rule of `{}` could be read", model.name);
            return Err(self.report.say(FOLLOWS, model.at, message, lost));
        }
        Ok(())
    }

    /// Reads declarations into a schema.
    pub(super) fn declare_all(&mut self, schema: &mut Schema, declared: &[Property<'p>]) {
        for property in declared {
            let mut more = Vec::new();
            match self.declaration(property, &mut more) {
                Ok(found) => schema.types.push(found),
                Err(LeftOut) => drop(schema.left_out.insert(property.name.clone())),
            }
            schema.types.extend(more);
        }
    }
}
