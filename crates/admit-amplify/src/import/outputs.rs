//! `amplify_outputs.json`: the groups, modes, models and paths that a deployed project tells its clients.
//! Always: what the file does not say is said to be missing; what cannot be read is left out, so that it is denied.
//!
//! The file holds data rules as the introspection of models has them (`@aws-amplify/appsync-modelgen-plugin`), and
//! storage rules by role, where `groupsX` is the group `X` and `entityidentity` the owner of a folder.

use super::policy::{Arg, Auth, Bucket, Data, Field, Model, Path, Rule, Type};
use super::report::{FOLLOWS, LeftOut, NOT_SAID, REWRITTEN, Read, SYNTAX, UNKNOWN_WORD, WITHOUT_EFFECT};
use super::rules::plain;
use super::schema::{Schema, is_identifier};
use super::value::At;
use super::{Reader, json};
use admit_syntax::ast::Span;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The types of AppSync, and the words for them.
const SCALARS: [(&str, &str); 14] = [
    ("ID", "id"),
    ("String", "string"),
    ("Int", "integer"),
    ("Float", "float"),
    ("Boolean", "boolean"),
    ("AWSDate", "date"),
    ("AWSTime", "time"),
    ("AWSDateTime", "datetime"),
    ("AWSTimestamp", "timestamp"),
    ("AWSEmail", "email"),
    ("AWSJSON", "json"),
    ("AWSPhone", "phone"),
    ("AWSURL", "url"),
    ("AWSIPAddress", "ipAddress"),
];
/// How IAM writes the caller's identity in a path.
const IDENTITY: &str = "${cognito-identity.amazonaws.com:sub}";
const OPERATIONS: [&str; 9] = ["create", "update", "delete", "read", "get", "list", "sync", "listen", "search"];
const LEFT_OUT: &str = "the rule is left out, so whom it admits is denied";

/// Reads the text of such a file into the reader's policy.
pub(super) fn read(reader: &mut Reader<'_>, text: &[u8]) {
    let text = String::from_utf8_lossy(text);
    let whole = At { file: 0, span: Span::default() };
    let outputs: Map<String, Value> = match serde_json::from_str(&text) {
        Ok(outputs) => outputs,
        Err(error) => {
            let means = "nothing of it is in the policy";
            reader.report.say(SYNTAX, whole, format!("no outputs of Amplify's: {error}"), means);
            return;
        }
    };
    let mut reading = Outputs { reader, text: &text };
    reading.auth(&outputs);
    reading.data(&outputs);
    reading.storage(&outputs);
    let means = "if the project has `allow.resource`, import its TypeScript instead, or add these rules; \
                 mind paths of storage that only functions have";
    reading.reader.report.say(WITHOUT_EFFECT, whole, "the outputs do not say what functions may do", means);
}

struct Outputs<'o, 'r, 'p> {
    reader: &'r mut Reader<'p>,
    text: &'o str,
}

/// A path, made longer.
fn below(path: &[String], steps: &[&str]) -> Vec<String> {
    path.iter().cloned().chain(steps.iter().map(|step| (*step).to_owned())).collect()
}

fn path(steps: &[&str]) -> Vec<String> {
    below(&[], steps)
}

/// Where the introspection of a model or type stands.
fn introspected(kind: &str, name: &str) -> Vec<String> {
    path(&["data", "model_introspection", kind, name])
}

fn entries<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = (&'v String, &'v Value)> {
    value.get(key).and_then(Value::as_object).into_iter().flatten()
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

fn strings(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|one| one.as_str().map(str::to_owned)).collect()
}

impl Outputs<'_, '_, '_> {
    fn at(&self, path: &[String]) -> At {
        At { file: 0, span: json::place(self.text, path) }
    }

    fn say(
        &mut self,
        code: &'static str,
        path: &[String],
        message: impl Into<String>,
        means: impl Into<String>,
    ) -> LeftOut {
        let at = self.at(path);
        self.reader.report.say(code, at, message, means)
    }

    // ---- auth

    fn auth(&mut self, outputs: &Map<String, Value>) {
        let Some(of) = outputs.get("auth") else { return };
        let mut auth = Auth::default();
        for word in of.get("username_attributes").and_then(strings).unwrap_or_default() {
            match word.as_str() {
                "email" => auth.login.push("email".into()),
                "phone_number" | "phone" => auth.login.push("phone".into()),
                _ => (),
            }
        }
        if of.get("oauth").and_then(|oauth| oauth.get("identity_providers")).is_some() {
            auth.login.push("externalProviders".into());
        }
        let mut groups: Vec<(Option<u64>, String)> = Vec::new();
        let listed = of.get("groups").and_then(Value::as_array).into_iter().flatten();
        for (number, group) in listed.enumerate() {
            for (name, settings) in group.as_object().into_iter().flatten() {
                let at = self.at(&path(&["auth", "groups", &number.to_string(), name]));
                if self.reader.is_group_name(name, at) {
                    groups.push((settings.get("precedence").and_then(Value::as_u64), name.clone()));
                }
            }
        }
        groups.sort_by_key(|(precedence, _)| precedence.unwrap_or(u64::MAX));
        let known = groups.windows(2).all(|pair| pair[0].0 != pair[1].0) && groups.iter().all(|(of, _)| of.is_some());
        if !known && groups.len() > 1 {
            let means = "rules of storage for groups are left out; list the groups by precedence and add them";
            self.say(
                NOT_SAID,
                &path(&["auth", "groups"]),
                "the outputs do not say the precedence of these groups",
                means,
            );
            self.reader.is_precedence_known = false;
        }
        auth.groups = groups.into_iter().map(|(_, name)| name).collect();
        self.reader.policy.auth = Some(auth);
    }

    // ---- data

    fn data(&mut self, outputs: &Map<String, Value>) {
        let Some(of) = outputs.get("data") else { return };
        let mut data = Data { modes: Some(Vec::new()), ..Data::default() };
        let mode = |name: &str| match name {
            "API_KEY" => Some("apiKey"),
            "AMAZON_COGNITO_USER_POOLS" => Some("userPool"),
            "OPENID_CONNECT" => Some("oidc"),
            "AWS_LAMBDA" => Some("lambda"),
            "AWS_IAM" => Some("iam"),
            _ => None,
        };
        let default = text(of, "default_authorization_type");
        let types = of.get("authorization_types").and_then(strings).unwrap_or_default();
        let mut modes: Vec<&'static str> = Vec::new();
        for name in types.iter().map(String::as_str).chain(default) {
            match mode(name) {
                // What `auth` brings is added to them.
                Some("userPool" | "iam") => (),
                Some(mode) if !modes.contains(&mode) => modes.push(mode),
                Some(_) => (),
                None => {
                    let message = format!("unknown authorization type `{}`", plain(name));
                    self.say(UNKNOWN_WORD, &path(&["data", "authorization_types"]), message, "it is left out");
                }
            }
        }
        data.modes = Some(modes);
        data.default = default.and_then(mode).map(str::to_owned);
        if let Some(introspection) = of.get("model_introspection") {
            let schema = self.introspection(introspection);
            self.reader.schemas.push(schema);
        } else {
            let means = "the data has no model; import the TypeScript of the project";
            self.say(NOT_SAID, &path(&["data"]), "the outputs hold no models", means);
        }
        self.reader.policy.data = Some(data);
    }

    fn introspection(&mut self, of: &Value) -> Schema {
        let mut schema = Schema::default();
        for (name, model) in entries(of, "models") {
            if let Ok(model) = self.model(name, model) {
                schema.types.push(Type::Model(model));
            }
        }
        for (name, custom) in entries(of, "nonModels") {
            let fields = entries(custom, "fields")
                .map(|(field, of)| self.field(&introspected("nonModels", name), field, of))
                .collect();
            if let (Ok(fields), true) = (fields, is_identifier(name)) {
                schema.types.push(Type::Custom(name.clone(), fields));
            }
        }
        for (name, of) in entries(of, "enums") {
            if let (Some(values), true) = (of.get("values").and_then(strings), is_identifier(name)) {
                schema.types.push(Type::Enum(name.clone(), values));
            }
        }
        for kind in ["queries", "mutations", "subscriptions"] {
            for (name, _) in entries(of, kind) {
                let message = format!("the outputs do not say who may call `{}`", plain(name));
                self.say(NOT_SAID, &introspected(kind, name), message, "it is left out: nobody may call it");
            }
        }
        schema
    }

    fn model(&mut self, name: &str, of: &Value) -> Read<Model> {
        let lost = format!("the model `{}` is left out: every request for it is denied", plain(name));
        let here = introspected("models", name);
        let at = self.at(&here);
        if !is_identifier(name) {
            return Err(self.say(NOT_SAID, &here, format!("`{}` cannot be a name", plain(name)), lost));
        }
        let mut model = Model {
            name: name.to_owned(),
            at,
            fields: Vec::new(),
            identifier: None,
            disabled: None,
            rules: Vec::new(),
            has_rules: true,
            notes: Vec::new(),
        };
        let key = &of["primaryKeyInfo"];
        let mut key_fields: Vec<String> = text(key, "primaryKeyFieldName").map(str::to_owned).into_iter().collect();
        key_fields.extend(key.get("sortKeyFieldNames").and_then(strings).unwrap_or_default());
        let plain_key = key_fields.is_empty() || key_fields == ["id"];
        for (field, of) in entries(of, "fields") {
            let implicit = of["isReadOnly"] == true || (field == "id" && plain_key);
            if !implicit {
                let field = self.field(&here, field, of)?;
                model.fields.push(field);
            }
        }
        model.identifier = (!plain_key).then_some(key_fields);
        for (number, attribute) in of["attributes"].as_array().into_iter().flatten().enumerate() {
            let inside = below(&here, &["attributes", &number.to_string(), "properties"]);
            match text(attribute, "type") {
                Some("auth") => {
                    let rules = self.rules(&inside, &model.fields, &attribute["properties"]["rules"]);
                    model.rules.extend(rules);
                }
                Some("model") => model.disabled = Some(self.disabled(name, &inside, &attribute["properties"])?),
                Some("key") => {
                    if let Some(index) = text(&attribute["properties"], "name") {
                        model.notes.push(format!("secondary index {}", plain(index)));
                    }
                }
                _ => (),
            }
        }
        if model.rules.is_empty() {
            return Err(self.say(FOLLOWS, &here, format!("no rule of `{name}` could be read"), lost));
        }
        // Rules of fields were read before the types of the fields that they name were known.
        for number in 0..model.fields.len() {
            let field = &model.fields[number].name;
            let Some((attribute, rules)) = field_rules(of, field) else { continue };
            let inside = below(&here, &["fields", field, "attributes", &attribute.to_string(), "properties"]);
            let rules = self.rules(&inside, &model.fields, rules);
            if rules.is_empty() {
                let message = format!("no rule of the field `{}` could be read", model.fields[number].name);
                return Err(self.say(FOLLOWS, &here, message, lost));
            }
            model.fields[number].rules = Some(rules);
        }
        Ok(model)
    }

    /// What `@model` disables: `{"queries": null}`, `{"mutations": {"delete": null}}`.
    fn disabled(&mut self, name: &str, inside: &[String], properties: &Value) -> Read<Vec<String>> {
        let mut disabled = Vec::new();
        for (kind, of) in properties.as_object().into_iter().flatten() {
            let known = matches!(kind.as_str(), "queries" | "mutations" | "subscriptions");
            match of {
                Value::Null if known => disabled.push(kind.clone()),
                Value::Object(of) if known && of.get("level") == Some(&"off".into()) => disabled.push(kind.clone()),
                Value::Object(of) if known => {
                    disabled.extend(of.iter().filter(|(_, of)| of.is_null()).map(|(word, _)| word.clone()));
                }
                _ if kind == "timestamps" => (),
                _ => {
                    let message = format!("unknown `{}` of the model `{name}`", plain(kind));
                    let means = format!("the model `{name}` is left out: every request for it is denied");
                    return Err(self.say(UNKNOWN_WORD, &below(inside, &[kind]), message, means));
                }
            }
        }
        Ok(disabled)
    }

    fn field(&mut self, owner: &[String], name: &str, of: &Value) -> Read<Field> {
        let at = self.at(&below(owner, &["fields", name]));
        if !is_identifier(name) {
            let means = "what has this field is left out: every request for it is denied";
            let message = format!("`{}` cannot be the name of a field", plain(name));
            return Err(self.reader.report.say(NOT_SAID, at, message, means));
        }
        let named = |word: &str| text(&of["type"], word).map(str::to_owned);
        let scalar = of["type"].as_str().and_then(|ty| SCALARS.iter().find(|(known, _)| *known == ty));
        let (base, is_named) = match scalar {
            Some((_, word)) => ((*word).to_owned(), false),
            None => match ["enum", "model", "nonModel"].iter().find_map(|word| named(word)) {
                Some(name) => (name, true),
                None => ("json".to_owned(), false),
            },
        };
        let required = of["isRequired"] == true;
        let marks = match (of["isArray"] == true, required, of["isArrayNullable"] == false) {
            (true, elements, list) => {
                format!("{}[]{}", if elements { "!" } else { "" }, if list { "!" } else { "" })
            }
            (false, true, _) => "!".to_owned(),
            (false, false, _) => String::new(),
        };
        Ok(Field { name: name.to_owned(), at, base, is_named, marks, rules: None, notes: Vec::new() })
    }

    fn rules(&mut self, inside: &[String], fields: &[Field], rules: &Value) -> Vec<Rule> {
        let rules = rules.as_array().map(Vec::as_slice).unwrap_or_default();
        let place = |number: usize| below(inside, &["rules", &number.to_string()]);
        let rules = rules.iter().enumerate();
        rules.filter_map(|(number, rule)| self.rule(&place(number), fields, rule).ok()).collect()
    }

    fn rule(&mut self, here: &[String], fields: &[Field], of: &Value) -> Read<Rule> {
        let at = self.at(here);
        let mut rule = Rule { at, builder: String::new(), is_called: true, args: Vec::new(), modifiers: Vec::new() };
        let provider = text(of, "provider").unwrap_or("userPools");
        let is_list = |name: &str| fields.iter().any(|field| field.name == name && field.marks.contains("[]"));
        let field_of = |keys: &[&str]| keys.iter().find_map(|key| text(of, key)).map(str::to_owned);
        match (text(of, "allow").unwrap_or_default(), provider) {
            ("public", "apiKey") => rule.builder = "publicApiKey".into(),
            ("public", "iam" | "identityPool") => rule.builder = "guest".into(),
            ("private", "userPools") => rule.builder = "authenticated".into(),
            ("private", "iam" | "identityPool") => {
                rule.builder = "authenticated".into();
                rule.args = vec![Arg::Text("identityPool".into())];
            }
            ("private", "oidc") => {
                rule.builder = "authenticated".into();
                rule.args = vec![Arg::Text("oidc".into())];
            }
            ("custom", "function") => rule.builder = "custom".into(),
            ("owner", "userPools" | "oidc") => {
                let field = field_of(&["ownerField"]).unwrap_or_else(|| "owner".into());
                rule.builder = if is_list(&field) { "ownersDefinedIn" } else { "ownerDefinedIn" }.into();
                match field == "owner" && !is_list(&field) {
                    true => rule.builder = "owner".into(),
                    false => rule.args = vec![Arg::Text(field)],
                }
            }
            ("groups", "userPools" | "oidc") => match of.get("groups").and_then(strings) {
                Some(groups) => {
                    rule.builder = "groups".into();
                    rule.args = vec![Arg::Texts(groups)];
                }
                None => {
                    let field = field_of(&["groupsField", "groupField"]).unwrap_or_else(|| "groups".into());
                    rule.builder = if is_list(&field) { "groupsDefinedIn" } else { "groupDefinedIn" }.into();
                    rule.args = vec![Arg::Text(field)];
                }
            },
            (allow, provider) => {
                let message = format!("unknown rule: `{}` by `{}`", plain(allow), plain(provider));
                return Err(self.say(UNKNOWN_WORD, here, message, LEFT_OUT));
            }
        }
        if provider == "oidc" && rule.builder != "authenticated" {
            rule.args.push(Arg::Text("oidc".into()));
        }
        self.claims(here, &mut rule, of);
        self.operations(here, &mut rule, of)?;
        Ok(rule)
    }

    fn claims(&mut self, here: &[String], rule: &mut Rule, of: &Value) {
        if let Some(claim) = text(of, "groupClaim").filter(|claim| *claim != "cognito:groups")
            && rule.builder.starts_with("group")
        {
            rule.modifiers.push(("withClaimIn".into(), vec![Arg::Text(claim.to_owned())]));
        }
        match text(of, "identityClaim").filter(|_| rule.builder.starts_with("owner")) {
            // What the introspection writes where the project says nothing.
            Some("cognito:username" | "username") => {
                let means = "read as Amplify's default, `sub::username`, which the outputs write in this way; \
                             if the project says `.identityClaim(\"cognito:username\")`, add it";
                self.say(REWRITTEN, here, "the outputs do not say by which claim owners are known", means);
            }
            Some("sub::username") | None => (),
            Some(claim) => rule.modifiers.push(("identityClaim".into(), vec![Arg::Text(claim.to_owned())])),
        }
    }

    fn operations(&mut self, here: &[String], rule: &mut Rule, of: &Value) -> Read<()> {
        let Some(operations) = of.get("operations").filter(|operations| !operations.is_null()) else { return Ok(()) };
        let operations = strings(operations).unwrap_or_default();
        let unknown = operations.iter().find(|one| !OPERATIONS.contains(&one.as_str()));
        if operations.is_empty() || unknown.is_some() {
            let what = unknown.map_or("none".into(), |one| format!("`{}`", plain(one)));
            return Err(self.say(UNKNOWN_WORD, here, format!("unknown operations: {what}"), LEFT_OUT));
        }
        let all = ["create", "update", "delete", "read"].iter().all(|word| operations.iter().any(|one| one == word));
        if !all {
            rule.modifiers.push(("to".into(), vec![Arg::Texts(operations)]));
        }
        Ok(())
    }

    // ---- storage

    fn storage(&mut self, outputs: &Map<String, Value>) {
        let Some(of) = outputs.get("storage") else { return };
        let buckets = of.get("buckets").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for (number, bucket) in buckets.iter().enumerate() {
            let inside = path(&["storage", "buckets", &number.to_string(), "paths"]);
            let name = text(bucket, "name").unwrap_or_default();
            let mut read = Bucket { name: name.to_owned(), paths: Vec::new(), notes: Vec::new() };
            for (written, access) in entries(bucket, "paths") {
                let of = self.path(&inside, written, access);
                read.paths.push(of);
            }
            self.reader.policy.buckets.push(read);
        }
        if buckets.is_empty() {
            let means = "the bucket is left out: every request for it is denied; import the TypeScript";
            self.say(NOT_SAID, &path(&["storage"]), "the outputs do not say who may use the bucket", means);
        }
    }

    fn path(&mut self, inside: &[String], written: &str, access: &Value) -> Path {
        let here = below(inside, &[written]);
        let at = self.at(&here);
        let mut path =
            Path { path: written.replace(IDENTITY, "{entity_id}"), at, rules: Vec::new(), is_partial: false };
        let groups = self.reader.policy.auth.as_ref().map_or(Vec::new(), |auth| auth.groups.clone());
        let mut by_group: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        for (who, words) in access.as_object().into_iter().flatten() {
            let rule = |builder: &str, is_called, args| Rule {
                at,
                builder: builder.to_owned(),
                is_called,
                args,
                modifiers: Vec::new(),
            };
            let group = who.strip_prefix("groups").filter(|name| groups.iter().any(|group| group == name));
            let read = match (who.as_str(), group) {
                ("guest", _) => Some(rule("guest", false, Vec::new())),
                ("authenticated", _) => Some(rule("authenticated", false, Vec::new())),
                ("entityidentity", _) => Some(rule("entity", true, vec![Arg::Text("identity".into())])),
                (_, Some(name)) => Some(rule("groups", true, vec![Arg::Texts(vec![name.to_owned()])])),
                _ => None,
            };
            let operations = strings(words).filter(|words| {
                let known = |word: &String| matches!(word.as_str(), "read" | "get" | "list" | "write" | "delete");
                !words.is_empty() && words.iter().all(known)
            });
            let (Some(mut rule), Some(operations)) = (read, operations) else {
                path.is_partial = true;
                self.say(UNKNOWN_WORD, &below(&here, &[who]), format!("unknown access `{}`", plain(who)), LEFT_OUT);
                continue;
            };
            let operations = with_read(operations);
            // Groups that may do the same stand in one rule.
            if let (Some(name), Some(known)) = (group, by_group.get(&operations)) {
                if let Some(Arg::Texts(names)) = path.rules[*known].args.first_mut() {
                    names.push(name.to_owned());
                }
                continue;
            }
            if group.is_some() {
                by_group.insert(operations.clone(), path.rules.len());
            }
            rule.set_operations(operations);
            path.rules.push(rule);
        }
        path
    }
}

/// The rules of a field, as the introspection has them, and the number of their attribute.
fn field_rules<'v>(model: &'v Value, field: &str) -> Option<(usize, &'v Value)> {
    let attributes = model["fields"][field]["attributes"].as_array()?;
    let number = attributes.iter().position(|one| one["type"] == "auth")?;
    Some((number, &attributes[number]["properties"]["rules"]))
}

/// `get` and `list` as `read`.
fn with_read(operations: Vec<String>) -> Vec<String> {
    let has = |word: &str| operations.iter().any(|one| one == word);
    if has("read") || !(has("get") && has("list")) {
        return operations;
    }
    let others = operations.iter().filter(|one| !matches!(one.as_str(), "get" | "list")).cloned();
    std::iter::once("read".to_owned()).chain(others).collect()
}
