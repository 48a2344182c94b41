//! What Amplify does without saying so, written out, so that the policy compiles and decides the same.
//! Always: nothing gets wider by it; what has no exact form is left out and reported.

use super::Reader;
use super::operations::GENERATION;
use super::policy::{Data, Field, Model, Operation, Path, Rule, Type};
use super::report::{FOLLOWS, NOT_SAID, REWRITTEN, WITHOUT_EFFECT};
use super::rules::plain;
use super::schema::Schema;
use std::collections::BTreeSet;

impl Reader<'_> {
    /// Brings what was read into the form that a policy has.
    pub(super) fn settle(&mut self) {
        let schemas = std::mem::take(&mut self.schemas);
        if let Some(mut data) = self.policy.data.take() {
            self.join(&mut data, schemas);
            self.settle_modes(&mut data);
            self.without_pool(&mut data);
            self.read_fields(&mut data);
            self.inherited(&mut data);
            self.without_rules(&mut data);
            self.missing_types(&mut data);
            self.more_groups(&data);
            self.policy.data = Some(data);
        }
        self.settle_storage();
        self.without_unused_functions();
    }

    /// One schema keeps its rules in `data`. Several have them on what they declare, since there is one `data`.
    fn join(&mut self, data: &mut Data, schemas: Vec<Schema>) {
        let many = schemas.len() > 1;
        for mut schema in schemas {
            let by_schema = schema.rules.iter().any(|rule| rule.builder != "resource");
            for one in &mut schema.types {
                if let Type::Operation(of) = one
                    && of.handler == GENERATION
                {
                    // Without a rule nobody has it but callers of IAM.
                    of.handler = if of.has_rules || by_schema { "function" } else { "none" };
                }
            }
            let (functions, rules): (Vec<Rule>, Vec<Rule>) =
                schema.rules.into_iter().partition(|rule| rule.builder == "resource");
            data.rules.extend(functions);
            if schema.is_partial && rules.is_empty() {
                schema.types.retain(|one| match one {
                    Type::Model(Model { has_rules: false, at, name, .. })
                    | Type::Operation(Operation { has_rules: false, at, name, .. }) => {
                        let means = "it is left out: every request for it is denied";
                        let message = format!("`{name}` takes the schema's rules, and none could be read");
                        self.report.say(FOLLOWS, *at, message, means);
                        false
                    }
                    _ => true,
                });
            }
            if many {
                schema.types.iter_mut().for_each(|one| give(one, &rules));
            } else {
                data.rules.splice(0..0, rules);
            }
            data.types.extend(schema.types);
        }
    }

    /// The modes that `auth` brings, and Amplify's defaults.
    fn settle_modes(&mut self, data: &mut Data) {
        let has_auth = self.policy.auth.is_some();
        let by_default = data.default.as_deref() == Some("");
        if let Some(modes) = &mut data.modes {
            if has_auth {
                modes.splice(0..0, ["userPool", "identityPool"]);
            } else if by_default {
                modes.push("apiKey");
            }
        }
        if by_default {
            data.default = Some(if has_auth { "userPool" } else { "apiKey" }.into());
        }
    }

    /// Without `defineAuth` there is no identity pool, and Amplify takes rules for it that admit nobody.
    fn without_pool(&mut self, data: &mut Data) {
        if self.policy.auth.is_some() || !self.has_backend {
            return;
        }
        let means = "the rule is left out, since nobody can be such a caller";
        let report = &mut self.report;
        every_list(data, &mut |rules| {
            rules.retain(|rule| {
                let pool = rule.builder != "resource" && rule.provider() == "identityPool";
                if pool {
                    report.say(WITHOUT_EFFECT, rule.at, "there is no `defineAuth` for this rule", means);
                }
                !pool
            });
        });
    }

    // ---- fields that rules read

    fn read_fields(&mut self, data: &mut Data) {
        let inherited: Vec<Rule> = data.rules.iter().filter(|rule| rule.builder != "resource").cloned().collect();
        for one in &mut data.types {
            if let Type::Model(model) = one {
                self.fields_of(model, &inherited);
            }
        }
    }

    /// Declares what rules on groups read, and makes owners of one value of lists that are not declared.
    fn fields_of(&mut self, model: &mut Model, inherited: &[Rule]) {
        let declared: BTreeSet<String> = model.fields.iter().map(|field| field.name.clone()).collect();
        let missing = |rule: &Rule| rule.field().is_some_and(|field| !declared.contains(field));
        // One field for one and for several is an error in Amplify, and stays one.
        let in_fields = model.fields.iter().filter_map(|field| field.rules.as_ref()).flatten();
        let one = |rule: &&Rule| matches!(rule.builder.as_str(), "owner" | "ownerDefinedIn" | "groupDefinedIn");
        let of_model = if model.has_rules { model.rules.as_slice() } else { inherited };
        let singles = of_model.iter().chain(in_fields).filter(one).filter_map(Rule::field);
        let singles: BTreeSet<String> = singles.map(str::to_owned).collect();
        let missing = |rule: &Rule| missing(rule) && !rule.field().is_some_and(|field| singles.contains(field));
        let many = |rule: &Rule| matches!(rule.builder.as_str(), "ownersDefinedIn" | "groupsDefinedIn");
        if !model.has_rules && inherited.iter().any(|rule| missing(rule) && many(rule)) {
            model.rules = inherited.to_vec();
            model.has_rules = true;
        }
        let fields = model.fields.iter_mut().filter_map(|field| field.rules.as_mut()).flatten();
        for rule in model.rules.iter_mut().chain(fields).filter(|rule| missing(rule) && many(rule)) {
            let single = if rule.builder == "ownersDefinedIn" { "ownerDefinedIn" } else { "groupDefinedIn" };
            let message = format!("the list `{}` is not declared", plain(rule.field().unwrap_or_default()));
            let means = format!("written as `{single}`, which is what Amplify makes of it");
            self.report.say(REWRITTEN, rule.at, message, means);
            rule.builder = single.into();
        }
        let of_model = if model.has_rules { model.rules.clone() } else { inherited.to_vec() };
        let in_fields = model.fields.iter().filter_map(|field| field.rules.as_ref()).flatten();
        let undeclared = |rule: &&Rule| rule.field().is_some_and(|field| !declared.contains(field));
        let groups = of_model.iter().chain(in_fields).filter(undeclared);
        let groups = groups.filter(|rule| rule.builder == "groupDefinedIn");
        let groups: Vec<Rule> = groups.cloned().collect();
        for rule in groups {
            self.declare_group_field(model, &of_model, &rule);
        }
    }

    /// A field of groups that is not declared: clients cannot write it in Amplify, so its rules give no writing here.
    fn declare_group_field(&mut self, model: &mut Model, of_model: &[Rule], rule: &Rule) {
        let Some(name) = rule.field().filter(|name| super::schema::is_identifier(name)) else { return };
        if model.fields.iter().any(|field| field.name == name) {
            return;
        }
        let message = format!("the field `{name}` is not declared");
        match of_model.iter().map(without_writing).collect::<Option<Vec<Option<Rule>>>>() {
            Some(rules) => {
                let means = "declared as a text that nobody writes, since clients of Amplify cannot write it";
                self.report.say(REWRITTEN, rule.at, message, means);
                model.fields.push(Field {
                    name: name.to_owned(),
                    at: rule.at,
                    base: "string".into(),
                    is_named: false,
                    marks: String::new(),
                    rules: Some(rules.into_iter().flatten().collect()),
                    notes: Vec::new(),
                });
            }
            None => {
                let means = "the rule is left out, so whom it admits is denied; declare the field";
                self.report.say(NOT_SAID, rule.at, message, means);
                if !model.has_rules {
                    model.rules = of_model.to_vec();
                    model.has_rules = true;
                }
                let reads = |other: &Rule| other.field() == Some(name) && other.builder == "groupDefinedIn";
                model.rules.retain(|other| !reads(other));
                model.fields.iter_mut().filter_map(|field| field.rules.as_mut()).for_each(|rules| {
                    rules.retain(|other| !reads(other));
                });
            }
        }
    }

    // ---- what takes the rules of the schema

    /// In Amplify an operation of a function loses the owner rules that it inherits.
    fn inherited(&mut self, data: &mut Data) {
        let inherited: Vec<Rule> = data.rules.iter().filter(|rule| rule.builder != "resource").cloned().collect();
        let dynamic = inherited.iter().any(|rule| rule.field().is_some());
        for one in &mut data.types {
            let Type::Operation(operation) = one else { continue };
            let inherits = !operation.has_rules && dynamic && operation.handler == "function";
            let lost = operation.rules.iter().any(|rule| rule.field().is_some()) && !operation.has_rules;
            if inherits {
                operation.rules = inherited.clone();
            }
            if inherits || lost {
                operation.has_rules = true;
                operation.rules.retain(|rule| rule.field().is_none());
                let message = format!("`{}` inherits rules that an operation cannot have", operation.name);
                let means = "only the others are written; Amplify drops these without a word";
                self.report.say(WITHOUT_EFFECT, operation.at, message, means);
            }
        }
    }

    /// What has rules of its own, none of which gives anything, must not take those of the schema.
    fn without_rules(&mut self, data: &mut Data) {
        data.types.retain(|one| {
            let (name, at, empty) = match one {
                Type::Model(model) => (&model.name, model.at, model.has_rules && model.rules.is_empty()),
                Type::Operation(of) => (&of.name, of.at, of.has_rules && of.rules.is_empty()),
                _ => return true,
            };
            let gives_nothing = |one: &Type| match one {
                Type::Model(model) => model.fields.iter().any(|f| f.rules.as_ref().is_some_and(Vec::is_empty)),
                _ => false,
            };
            if empty || gives_nothing(one) {
                let means = "it is left out: every request for it is denied, also to functions";
                self.report.say(FOLLOWS, at, format!("no rule of `{name}` gives anything"), means);
            }
            !(empty || gives_nothing(one))
        });
    }

    /// A type that is not there any more becomes `json`: types of fields decide nothing.
    fn missing_types(&mut self, data: &mut Data) {
        let known: BTreeSet<String> = data.types.iter().map(|one| one.name().to_owned()).collect();
        let report = &mut self.report;
        let mut mend = |field: &mut Field| {
            if field.is_named && !known.contains(&field.base) {
                let message = format!("the type `{}` is not here", plain(&field.base));
                report.say(REWRITTEN, field.at, message, "written as `json`: the type of a field decides nothing");
                field.notes.push(format!("type {}", plain(&field.base)));
                field.base = "json".into();
            }
        };
        for one in &mut data.types {
            match one {
                Type::Model(model) => model.fields.iter_mut().for_each(&mut mend),
                Type::Custom(_, fields) => fields.iter_mut().for_each(&mut mend),
                Type::Operation(of) => {
                    of.args.iter_mut().chain(&mut of.returns).for_each(&mut mend);
                    if let Some(sources) = &mut of.sources {
                        sources.retain(|(name, _)| known.contains(name));
                    }
                }
                Type::Enum(..) => (),
            }
        }
        data.types.retain(|one| match one {
            Type::Operation(Operation { sources: Some(sources), at, name, .. }) if sources.is_empty() => {
                let means = "it is left out: nobody may call it";
                self.report.say(FOLLOWS, *at, format!("nothing feeds `{name}`"), means);
                false
            }
            _ => true,
        });
    }

    // ---- groups

    /// Groups that rules of data name and `defineAuth` does not: in Amplify the token alone counts.
    fn more_groups(&mut self, data: &Data) {
        let mut more = Vec::new();
        let Some(auth) = &mut self.policy.auth else { return };
        for rule in every_rule(data).into_iter().filter(|rule| rule.is_of_pool()) {
            for name in rule.groups() {
                let known = |list: &[String]| list.iter().any(|one| one == name);
                if !known(&auth.groups) && !known(&auth.more_groups) {
                    auth.more_groups.push(name.to_owned());
                    more.push((rule.at, name.to_owned()));
                }
            }
        }
        for (at, name) in more {
            let means = "listed last in `groups`: a token may hold it all the same; correct it if it is a typo";
            self.report.say(REWRITTEN, at, format!("`defineAuth` has no group `{}`", plain(&name)), means);
        }
    }

    // ---- storage

    fn settle_storage(&mut self) {
        let groups: Vec<String> = self.policy.auth.as_ref().map_or(Vec::new(), |auth| auth.groups.clone());
        let (precedence, all) = (self.is_precedence_known, self.are_groups_known);
        let mut buckets = std::mem::take(&mut self.policy.buckets);
        for bucket in &mut buckets {
            for path in &mut bucket.paths {
                self.storage_groups(path, |name| precedence && (all || groups.iter().any(|one| one == name)));
            }
            bucket.paths = self.without_unread(std::mem::take(&mut bucket.paths));
        }
        self.policy.buckets = buckets;
    }

    /// Leaves out the groups whose place among the others is not known.
    fn storage_groups(&mut self, path: &mut Path, has_place: impl Fn(&str) -> bool) {
        path.rules.retain_mut(|rule| {
            if rule.groups().iter().all(|name| has_place(name)) {
                return true;
            }
            path.is_partial = true;
            let means = "these groups are left out of the rule, so their members are denied here";
            self.report.say(FOLLOWS, rule.at, "this rule names groups of unknown precedence", means);
            rule.keep_groups(&has_place)
        });
    }

    fn without_unused_functions(&mut self) {
        let mut used: BTreeSet<String> = BTreeSet::new();
        let mut take = |rules: &[Rule]| {
            for arg in rules.iter().flat_map(|rule| &rule.args) {
                if let super::policy::Arg::Name(name) = arg {
                    used.insert(name.clone());
                }
            }
        };
        self.policy.auth.iter().for_each(|auth| take(&auth.rules));
        self.policy.data.iter().for_each(|data| take(&data.rules));
        self.policy.buckets.iter().flat_map(|bucket| &bucket.paths).for_each(|path| take(&path.rules));
        self.policy.functions.retain(|name, _| used.contains(name));
    }
}

/// Gives rules to what has none of its own.
fn give(one: &mut Type, rules: &[Rule]) {
    match one {
        Type::Model(model) if !model.has_rules && !rules.is_empty() => {
            model.rules = rules.to_vec();
            model.has_rules = true;
        }
        // Inherited rules, until it is said which of them an operation can have.
        Type::Operation(of) if !of.has_rules && of.handler != "none" => {
            of.rules = rules.to_vec();
            if of.handler == "custom" {
                of.rules.iter_mut().for_each(|rule| rule.modifiers.retain(|(name, _)| name != "to"));
            }
        }
        _ => (),
    }
}

/// A rule of a model as one of a field, without the right to write; none where a field's rule cannot say it, and
/// an empty place where nothing is left.
fn without_writing(rule: &Rule) -> Option<Option<Rule>> {
    const READS: [&str; 5] = ["get", "list", "sync", "listen", "search"];
    let mut rule = rule.clone();
    let operations: Vec<String> = match rule.operations() {
        None => vec!["read".into(), "delete".into()],
        Some(operations) => {
            let has = |word: &str| operations.iter().any(|one| one == word);
            let parts = READS.iter().filter(|read| has(read)).count();
            if parts != 0 && parts != READS.len() {
                return None;
            }
            let reads = has("read") || parts > 0;
            let kept = [("read", reads), ("delete", has("delete"))];
            kept.iter().filter(|(_, kept)| *kept).map(|(word, _)| (*word).to_owned()).collect()
        }
    };
    if operations.is_empty() {
        return Some(None);
    }
    rule.set_operations(operations);
    Some(Some(rule))
}

/// Calls on every list of rules of the data.
fn every_list(data: &mut Data, call: &mut dyn FnMut(&mut Vec<Rule>)) {
    call(&mut data.rules);
    for one in &mut data.types {
        match one {
            Type::Model(model) => {
                call(&mut model.rules);
                model.fields.iter_mut().filter_map(|field| field.rules.as_mut()).for_each(&mut *call);
            }
            Type::Operation(operation) => call(&mut operation.rules),
            _ => (),
        }
    }
}

/// Every rule of the data.
pub(super) fn every_rule(data: &Data) -> Vec<&Rule> {
    let mut rules: Vec<&Rule> = data.rules.iter().collect();
    for one in &data.types {
        match one {
            Type::Model(model) => {
                rules.extend(&model.rules);
                rules.extend(model.fields.iter().filter_map(|field| field.rules.as_ref()).flatten());
            }
            Type::Operation(operation) => rules.extend(&operation.rules),
            _ => (),
        }
    }
    rules
}
