//! A case's neutral policy as `.policy` text.
//! Always: writes what the definition says and nothing it does not; a [`Mend`] is the one exception, and each stands
//! for a named difference of `docs/amplify.md`.

use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Something that Amplify accepts and Admit rejects, written as Amplify takes it, so that the rest of the policy can
/// be compared. Each is used only after the policy as written was rejected.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Mend {
    /// Undeclared fields that dynamic rules read: one string, as Amplify makes of them, declared if it holds groups.
    DeclareFields,
    /// Give operations the static schema rules that they inherit, and no others.
    StaticOperations,
    /// Leave out rules on fields of custom types.
    PlainTypes,
    /// Leave out storage paths without rules.
    NoEmptyPaths,
    /// Leave out groups with reserved names, and their rules.
    NoReservedGroups,
    /// Declare the groups that data rules name.
    DeclareGroups,
    /// Leave out rules of callers that cannot exist without `auth`.
    NoPoolWithoutAuth,
    /// `entity` on a path without `{entity_id}`: the authenticated role, as Amplify makes of it.
    EntityIsAuthenticated,
    /// The rules of one role on one field as one rule. Not for rejected policies: for the row that rules are OR-ed.
    MergedFieldRules,
}

impl Mend {
    /// Those that make a rejected policy acceptable.
    pub const ALL: [Mend; 8] = [
        Mend::DeclareFields,
        Mend::StaticOperations,
        Mend::PlainTypes,
        Mend::NoEmptyPaths,
        Mend::NoReservedGroups,
        Mend::DeclareGroups,
        Mend::NoPoolWithoutAuth,
        Mend::EntityIsAuthenticated,
    ];
}

const RESERVED: [&str; 2] = ["authenticatedUserIamRole", "unauthenticatedUserIamRole"];

/// The text of a neutral policy.
pub fn translate(policy: &Value, mends: &BTreeSet<Mend>) -> String {
    let mut writer = Writer { policy, mends, out: String::new() };
    writer.auth();
    writer.data();
    writer.types();
    writer.functions();
    writer.storage();
    writer.out
}

struct Writer<'p> {
    policy: &'p Value,
    mends: &'p BTreeSet<Mend>,
    out: String,
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn list<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let texts: Vec<String> = texts.into_iter().map(quoted).collect();
    format!("[{}]", texts.join(", "))
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// Every rule of the data schema.
fn data_rules(policy: &Value) -> Vec<&Value> {
    let mut rules = Vec::new();
    collect(&policy["schema"], &mut rules);
    rules
}

fn collect<'v>(value: &'v Value, rules: &mut Vec<&'v Value>) {
    match value {
        Value::Object(map) => {
            rules.extend(map.get("authorization").and_then(Value::as_array).into_iter().flatten());
            map.values().for_each(|value| collect(value, rules));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, rules)),
        _ => (),
    }
}

fn rule_groups(rule: &Value) -> Vec<&str> {
    let one = text(rule, "group").into_iter();
    one.chain(strings(&rule["groups"])).collect()
}

impl Writer<'_> {
    fn has(&self, mend: Mend) -> bool {
        self.mends.contains(&mend)
    }

    fn line(&mut self, line: impl AsRef<str>) {
        self.out.push_str(line.as_ref());
        self.out.push('\n');
    }

    fn groups(&self) -> Vec<String> {
        let mut groups: Vec<String> = strings(&self.policy["auth"]["groups"]).into_iter().map(str::to_owned).collect();
        if self.has(Mend::DeclareGroups) {
            let plain = |rule: &&&Value| rule.get("withClaimIn").is_none() && text(rule, "provider") != Some("oidc");
            for name in data_rules(self.policy).iter().filter(plain).flat_map(|rule| rule_groups(rule)) {
                if !groups.iter().any(|known| known == name) {
                    groups.push(name.to_owned());
                }
            }
        }
        groups.retain(|name| !(self.has(Mend::NoReservedGroups) && RESERVED.contains(&name.as_str())));
        groups
    }

    fn auth(&mut self) {
        let pool = self.policy.get("auth").is_some();
        if !pool && self.claim_groups().is_empty() {
            return;
        }
        self.line("auth {");
        if pool {
            self.line("  loginWith: { email: true }");
        }
        let groups = self.groups();
        if !groups.is_empty() {
            self.line(format!("  groups: {}", list(groups.iter().map(String::as_str))));
        }
        let claims = self.claim_groups();
        if !claims.is_empty() {
            let claims: Vec<String> =
                claims.into_iter().map(|(claim, names)| format!("{}: {}", quoted(claim), list(names))).collect();
            self.line(format!("  claimGroups: {{ {} }}", claims.join(", ")));
        }
        if self.policy.get("storage").is_some() {
            self.line("  roles: \"preferred\"");
        }
        for rule in self.policy["auth"]["access"].as_array().into_iter().flatten() {
            let rule = self.rule(rule, true).unwrap_or_default();
            self.line(format!("  {rule}"));
        }
        self.line("}");
    }

    /// The groups that arrive in other claims, or in another issuer's tokens.
    fn claim_groups(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut claims: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for rule in data_rules(self.policy) {
            let oidc = text(rule, "provider") == Some("oidc");
            let claim = text(rule, "withClaimIn").or(oidc.then_some("cognito:groups"));
            let names = rule_groups(rule);
            if let (Some(claim), false) = (claim, names.is_empty()) {
                claims.entry(claim).or_default().extend(names);
            }
        }
        claims
    }

    fn data(&mut self) {
        if self.policy.get("schema").is_none() {
            return;
        }
        self.line("data {");
        let modes = &self.policy["authorizationModes"];
        let default = text(modes, "default");
        if modes.is_object() {
            let auth = self.policy.get("auth").is_some();
            let mut all: Vec<&str> = if auth { vec!["userPool", "identityPool"] } else { vec![] };
            for mode in ["apiKey", "oidc", "lambda"] {
                if modes.get(mode) == Some(&Value::Bool(true)) || (mode == "apiKey" && default == Some("apiKey")) {
                    all.push(mode);
                }
            }
            self.line(format!("  authorizationModes: {}", list(all)));
        }
        if let Some(default) = default {
            self.line(format!("  defaultAuthorizationMode: {}", quoted(default)));
        }
        self.rules(&self.policy["schema"]["authorization"], "  ");
        self.line("}");
    }

    /// The rules that govern a model: its own, or else the schema's. Each with its dynamic field made single if it
    /// is a list that the model does not declare.
    fn model_rules(&self, model: &Value) -> Option<Value> {
        let own = model["authorization"].as_array().is_some_and(|rules| !rules.is_empty());
        let rules = if own { &model["authorization"] } else { &self.policy["schema"]["authorization"] };
        let undeclared = |rule: &Value| {
            let field = text(rule, "field").filter(|field| model["fields"].get(*field).is_none());
            field.is_some() && matches!(text(rule, "allow"), Some("ownersDefinedIn" | "groupsDefinedIn"))
        };
        let mends = self.has(Mend::DeclareFields) && rules.as_array().is_some_and(|rules| rules.iter().any(undeclared));
        match (own, mends) {
            (true, false) => Some(rules.clone()),
            (false, false) => None,
            (_, true) => Some(rules.as_array()?.iter().map(|rule| self.single(model, rule)).collect()),
        }
    }

    /// A rule on a list that the model does not declare works as one on a single value there.
    fn single(&self, model: &Value, rule: &Value) -> Value {
        let mut rule = rule.clone();
        let declared = text(&rule, "field").is_none_or(|field| model["fields"].get(field).is_some());
        if self.has(Mend::DeclareFields) && !declared {
            match text(&rule, "allow") {
                Some("ownersDefinedIn") => rule["allow"] = "ownerDefinedIn".into(),
                Some("groupsDefinedIn") => rule["allow"] = "groupDefinedIn".into(),
                _ => (),
            }
        }
        rule
    }

    fn rules(&mut self, rules: &Value, indent: &str) {
        for rule in rules.as_array().into_iter().flatten() {
            if let Some(rule) = self.rule(rule, false) {
                self.line(format!("{indent}{rule}"));
            }
        }
    }

    fn types(&mut self) {
        for (name, of) in entries(&self.policy["schema"]["types"]) {
            match text(of, "kind") {
                Some("model") => self.model(name, of),
                Some("customType") => self.custom_type(name, of),
                Some("enum") => self.line(format!("enum {name} {{ {} }}", strings(&of["values"]).join(", "))),
                _ => self.operation(name, of),
            }
        }
    }

    fn model(&mut self, name: &str, model: &Value) {
        self.line(format!("model {name} {{"));
        for (field, of) in entries(&model["fields"]) {
            let mut of = of.clone();
            if let Some(rules) = of["authorization"].as_array() {
                let rules: Vec<Value> = rules.iter().map(|rule| self.single(model, rule)).collect();
                of["authorization"] = if self.has(Mend::MergedFieldRules) { merged(rules) } else { rules.into() };
            }
            self.field(field, &of);
        }
        if self.has(Mend::DeclareFields) {
            for (field, ty) in self.undeclared(model) {
                self.line(format!("  {field}: {ty}"));
            }
        }
        if let Some(identifier) = model.get("identifier") {
            self.line(format!("  identifier({})", list(strings(identifier))));
        }
        if let Some(disabled) = model.get("disable") {
            self.line(format!("  disableOperations({})", list(strings(disabled))));
        }
        if let Some(rules) = self.model_rules(model) {
            self.rules(&rules, "  ");
        }
        self.line("}");
    }

    /// The fields that dynamic rules of the model, its fields or, if it has none, the schema read.
    fn undeclared<'v>(&self, model: &'v Value) -> BTreeMap<&'v str, &'static str>
    where
        Self: 'v,
    {
        let mut fields = BTreeMap::new();
        let mut rules = Vec::new();
        collect(model, &mut rules);
        let own = model["authorization"].as_array().is_some_and(|rules| !rules.is_empty());
        let inherited: Vec<&Value> =
            self.policy["schema"]["authorization"].as_array().into_iter().flatten().filter(|_| !own).collect();
        for rule in rules.into_iter().chain(inherited) {
            let ty = match text(rule, "allow") {
                Some("groupDefinedIn" | "groupsDefinedIn") => "string",
                _ => continue,
            };
            if let Some(field) = text(rule, "field").filter(|field| model["fields"].get(*field).is_none()) {
                fields.insert(field, ty);
            }
        }
        fields
    }

    fn field(&mut self, name: &str, field: &Value) {
        let mut line = format!("  {name}: {}", ty(field));
        let rules: Vec<String> =
            field["authorization"].as_array().into_iter().flatten().filter_map(|rule| self.rule(rule, false)).collect();
        if field.get("authorization").is_some() {
            let _ = write!(line, " {{ {} }}", rules.join(", "));
        }
        self.line(line);
    }

    fn custom_type(&mut self, name: &str, of: &Value) {
        self.line(format!("type {name} {{"));
        for (field, of) in entries(&of["fields"]) {
            let mut of = of.clone();
            if let (true, Some(of)) = (self.has(Mend::PlainTypes), of.as_object_mut()) {
                of.remove("authorization");
            }
            self.field(field, &of);
        }
        self.line("}");
    }

    fn operation(&mut self, name: &str, of: &Value) {
        let kind = text(of, "kind").unwrap_or("query");
        let args: Vec<String> = entries(&of["arguments"]).map(|(name, of)| format!("{name}: {}", ty(of))).collect();
        let args = if args.is_empty() { String::new() } else { format!("({})", args.join(", ")) };
        let returns = of.get("returns").map_or(String::new(), |of| format!(": {}", ty(of)));
        let own = of["authorization"].as_array().is_some_and(|rules| !rules.is_empty());
        let fixed = self.has(Mend::StaticOperations) && !own;
        let inherited = self.policy["schema"]["authorization"].clone();
        let rules = if fixed { only_static(&inherited) } else { of["authorization"].clone() };
        if fixed && rules.as_array().is_none_or(Vec::is_empty) {
            return; // nobody is left who may call it
        }
        self.line(format!("{kind} {name}{args}{returns} {{"));
        self.line(format!("  handler: {}", text(of, "handler").unwrap_or("none")));
        let sources: Vec<String> = of["for"].as_array().into_iter().flatten().filter_map(source).collect();
        if !sources.is_empty() || kind == "subscription" {
            self.line(format!("  for: [{}]", sources.join(", ")));
        }
        self.rules(&rules, "  ");
        self.line("}");
    }

    fn functions(&mut self) {
        let mut names: BTreeSet<&str> = strings(&self.policy["functions"]).into_iter().collect();
        let mut all = data_rules(self.policy);
        all.extend(self.policy["auth"]["access"].as_array().into_iter().flatten());
        all.extend(
            entries(&self.policy["storage"]["access"]).flat_map(|(_, rules)| rules.as_array().into_iter().flatten()),
        );
        names.extend(all.into_iter().filter_map(|rule| text(rule, "resource")));
        for name in names {
            self.line(format!("function {name}"));
        }
    }

    fn storage(&mut self) {
        let Some(storage) = self.policy.get("storage") else { return };
        self.line(format!("storage {} {{", quoted(text(storage, "name").unwrap_or_default())));
        for (path, rules) in entries(&storage["access"]) {
            let rules = match self.has(Mend::EntityIsAuthenticated) && !path.contains("{entity_id}") {
                true => merged(rules.as_array().into_iter().flatten().map(entity_is_authenticated).collect()),
                false => rules.clone(),
            };
            let written: Vec<String> =
                rules.as_array().into_iter().flatten().filter_map(|rule| self.rule(rule, true)).collect();
            if written.is_empty() && (self.has(Mend::NoEmptyPaths) || self.has(Mend::NoReservedGroups)) {
                continue;
            }
            self.line(format!("  {}: [{}],", quoted(path), written.join(", ")));
        }
        self.line("}");
    }

    /// One rule; none if a mend leaves it out.
    fn rule(&self, rule: &Value, words_for_storage: bool) -> Option<String> {
        let builder = text(rule, "allow").unwrap_or("resource");
        let reserved = rule_groups(rule).iter().any(|name| RESERVED.contains(name));
        let pool = builder == "guest" || text(rule, "provider") == Some("identityPool");
        let without_auth = self.policy.get("auth").is_none() && pool;
        if (self.has(Mend::NoReservedGroups) && reserved) || (self.has(Mend::NoPoolWithoutAuth) && without_auth) {
            return None;
        }
        let mut args: Vec<String> = Vec::new();
        match builder {
            "group" => args.push(quoted(text(rule, "group").unwrap_or_default())),
            "groups" => args.push(list(strings(&rule["groups"]))),
            "entity" => args.push(quoted(text(rule, "entity").unwrap_or("identity"))),
            "resource" => args.push(text(rule, "resource").unwrap_or_default().to_owned()),
            _ => args.extend(text(rule, "field").map(quoted)),
        }
        args.extend(text(rule, "provider").map(quoted));
        let bare = words_for_storage && matches!(builder, "guest" | "authenticated") && args.is_empty();
        let call = if bare { String::new() } else { format!("({})", args.join(", ")) };
        let mut out = format!("allow.{builder}{call}");
        for modifier in ["identityClaim", "withClaimIn"] {
            if let Some(claim) = text(rule, modifier) {
                let _ = write!(out, ".{modifier}({})", quoted(claim));
            }
        }
        if rule.get("to").is_some() {
            let _ = write!(out, ".to({})", list(strings(&rule["to"])));
        }
        Some(out)
    }
}

fn entity_is_authenticated(rule: &Value) -> Value {
    match text(rule, "allow") {
        Some("entity") => serde_json::json!({"allow": "authenticated", "to": rule["to"]}),
        _ => rule.clone(),
    }
}

/// The rules with those of one who made one: all of their operations together.
fn merged(rules: Vec<Value>) -> Value {
    let mut merged: Vec<Value> = Vec::new();
    // One rule a group, so that rules of different groups are compared group by group.
    let each = rules.into_iter().flat_map(|rule| {
        let names: Vec<String> = rule_groups(&rule).into_iter().map(str::to_owned).collect();
        match names.is_empty() {
            true => vec![rule],
            false => names
                .into_iter()
                .map(|name| {
                    let mut one = rule.clone();
                    one.as_object_mut().map(|one| one.remove("group"));
                    one["allow"] = "groups".into();
                    one["groups"] = vec![name].into();
                    one
                })
                .collect(),
        }
    });
    for rule in each {
        let who = |rule: &Value| {
            let mut who = rule.clone();
            who.as_object_mut().map(|who| who.remove("to"));
            who
        };
        match merged.iter_mut().find(|known| who(known) == who(&rule)) {
            None => merged.push(rule),
            Some(known) => {
                match (known.get("to").and_then(Value::as_array), rule.get("to").and_then(Value::as_array)) {
                    (Some(a), Some(b)) => {
                        let reads = a.iter().chain(b).any(|word| word == "read");
                        let part = |word: &Value| matches!(word.as_str(), Some("get" | "list"));
                        let mut all: Vec<Value> = Vec::new();
                        for word in a.iter().chain(b).filter(|word| !(reads && part(word))) {
                            if !all.contains(word) {
                                all.push(word.clone());
                            }
                        }
                        known["to"] = all.into();
                    }
                    _ => drop(known.as_object_mut().map(|known| known.remove("to"))),
                }
            }
        }
    }
    merged.into()
}

/// The rules of the schema that a custom operation can have.
fn only_static(rules: &Value) -> Value {
    let is_static = |rule: &&Value| {
        !matches!(
            text(rule, "allow"),
            Some("owner" | "ownerDefinedIn" | "ownersDefinedIn" | "groupDefinedIn" | "groupsDefinedIn" | "resource")
        )
    };
    rules.as_array().into_iter().flatten().filter(is_static).cloned().collect()
}

fn source(of: &Value) -> Option<String> {
    let name = text(of, "ref")?;
    match of.get("mutations") {
        Some(mutations) => Some(format!("{name}.mutations({})", list(strings(mutations)))),
        None => Some(name.to_owned()),
    }
}

fn ty(field: &Value) -> String {
    let many = field.get("array") == Some(&Value::Bool(true)) || text(field, "relation") == Some("hasMany");
    let base = text(field, "type").or(text(field, "ref")).or(text(field, "model")).unwrap_or("string");
    let base = match field.get("values") {
        Some(values) => format!("enum {}", list(strings(values))),
        None => base.to_owned(),
    };
    let required = field.get("required") == Some(&Value::Bool(true));
    let flag = |given: bool, text: &'static str| if given { text } else { "" };
    match many {
        true => format!("{base}[]{}", flag(required, "!")),
        false => format!("{base}{}", flag(required, "!")),
    }
}

/// The object under `key`, or an empty one.
pub fn object<'v>(value: &'v Value, key: &str) -> std::borrow::Cow<'v, Map<String, Value>> {
    match value.get(key) {
        Some(Value::Object(map)) => std::borrow::Cow::Borrowed(map),
        _ => std::borrow::Cow::Owned(Map::new()),
    }
}
