//! What `admit emit iam` writes, against what the real stack has and does.
//! Always: takes the policy's text to the written JSON and reads that alone; the decision is the evaluator's.

use crate::iam::{Effect, Request, evaluate};
use admit_amplify::emit::{Account, Emitted, Form, emit};
use admit_compiler::policy::Policy;
use admit_compiler::{Source, check};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const POOL: &str = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_pool";
const IDENTITY: &str = "cognito-identity.amazonaws.com:sub";

/// The roles that are written for a policy.
pub struct Written {
    roles: Value,
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        value => value.as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
    }
}

impl Written {
    /// # Errors
    /// If the policy has an error, or AWS cannot be told of it.
    pub fn of(source: &str) -> Result<Written, String> {
        let sources = [Source { name: "case.policy".into(), text: source.into() }];
        let checked = check(&sources);
        let policy = checked.policy.ok_or_else(|| format!("{:?}", checked.diagnostics))?;
        Written::of_policy(&policy, &sources)
    }

    /// # Errors
    /// If AWS cannot be told of it.
    pub fn of_policy(policy: &Policy, sources: &[Source]) -> Result<Written, String> {
        let identity_pool = Some("identity-pool".into());
        let account = Account { user_pool: Some(POOL.into()), identity_pool, ..Account::default() };
        let Emitted { text, diagnostics } = emit(policy, sources, Form::Iam, &account);
        let text = text.ok_or_else(|| format!("{diagnostics:?}"))?;
        let mut written: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        Ok(Written { roles: written["roles"].take() })
    }

    /// The role of a session: §11.4 of the observations, by what is written alone.
    pub fn role(&self, identity: &Value) -> String {
        if let Some(function) = identity.get("function").and_then(Value::as_str) {
            return format!("function:{function}");
        }
        if identity["guest"] == true {
            return "unauthenticated".into();
        }
        let held = strings(&identity["groups"]).into_iter().map(|group| format!("group:{group}"));
        let mut known: Vec<(u64, String)> =
            held.filter_map(|name| Some((self.roles.get(&name)?["precedence"].as_u64()?, name))).collect();
        known.sort();
        match known.into_iter().next() {
            Some((_, name)) => name,
            None if strings(&identity["groups"]).is_empty() => "authenticated".into(),
            None => "none".into(),
        }
    }

    fn documents(&self, role: &str) -> Vec<&Value> {
        self.roles[role]["policies"].as_array().into_iter().flatten().collect()
    }

    /// What AWS says of a request on a bucket.
    ///
    /// # Errors
    /// If something is written that the evaluator does not know.
    pub fn storage(&self, bucket: &str, identity: &Value, action: &str, key: &str) -> Result<Effect, String> {
        let action = s3(action);
        let bucket = format!("arn:aws:s3:::{bucket}");
        let is_list = action == "s3:ListBucket";
        let resource = if is_list { bucket } else { format!("{bucket}/{key}") };
        let mut context = BTreeMap::new();
        if is_list && !key.is_empty() {
            context.insert("s3:prefix", key);
        }
        context.extend(identity.get("identityId").and_then(Value::as_str).map(|id| (IDENTITY, id)));
        evaluate(&self.documents(&self.role(identity)), &Request { action, resource: &resource, context })
    }

    /// What AWS says of a function's action on the user pool.
    ///
    /// # Errors
    /// If something is written that the evaluator does not know.
    pub fn user_pool(&self, function: &str, action: &str) -> Result<Effect, String> {
        let role = format!("function:{function}");
        evaluate(&self.documents(&role), &Request { action, resource: POOL, context: BTreeMap::new() })
    }

    /// Every statement as effect, action and what it is on, of the roles that the real stack has statements for.
    fn statements(&self, role: &str, bucket: &str) -> BTreeSet<(String, String, String)> {
        let mut all = BTreeSet::new();
        let plain = |text: &str| text.replace("${*}", "*").replace("${?}", "?").replace("${$}", "$");
        let keys = format!("arn:aws:s3:::{bucket}/");
        let statements = self.documents(role).into_iter().filter_map(|document| document["Statement"].as_array());
        for statement in statements.flatten() {
            let prefixes = strings(&statement["Condition"]["StringLike"]["s3:prefix"]);
            let on = if prefixes.is_empty() { strings(&statement["Resource"]) } else { prefixes };
            for action in strings(&statement["Action"]) {
                all.extend(on.iter().map(|on| {
                    let on = plain(on.strip_prefix(&keys).unwrap_or(on));
                    (text(statement, "Effect").to_owned(), action.to_owned(), on)
                }));
            }
        }
        all
    }

    /// Whether each role has exactly the statements that the real stack gives it.
    ///
    /// # Errors
    /// The first role that has others.
    pub fn same_statements(&self, bucket: &str, recorded: &Value) -> Result<(), String> {
        for (role, statements) in recorded.as_object().into_iter().flatten() {
            let mut expected = BTreeSet::new();
            for statement in statements.as_array().into_iter().flatten() {
                let effect = if text(statement, "effect") == "allow" { "Allow" } else { "Deny" };
                let on = strings(&statement["keys"]).into_iter().chain(strings(&statement["prefixes"]));
                let action = s3(text(statement, "action"));
                expected.extend(on.map(|on| (effect.to_owned(), action.to_owned(), on.to_owned())));
            }
            let actual = self.statements(role, bucket);
            if actual != expected {
                return Err(format!("the role {role}\nexpected {expected:?}\nactual   {actual:?}"));
            }
        }
        Ok(())
    }

    /// Whether groups, trust and functions are those of the real stack.
    ///
    /// # Errors
    /// What differs.
    pub fn same_auth(&self, case: &Value) -> Result<(), String> {
        let same = |what: &str, expected: Value, actual: Value| match expected == actual {
            true => Ok(()),
            false => Err(format!("{what}\nexpected {expected}\nactual   {actual}")),
        };
        for group in case["groups"].as_array().into_iter().flatten() {
            let role = &self.roles[text(group, "role")];
            same(text(group, "name"), group["precedence"].clone(), role["precedence"].clone())?;
        }
        let count =
            |of: &str| self.roles.as_object().into_iter().flatten().filter(|(name, _)| name.starts_with(of)).count();
        if let Some(groups) = case["groups"].as_array() {
            same("groups", groups.len().into(), count("group:").into())?;
        }
        for (role, trust) in case["trust"].as_object().into_iter().flatten() {
            same(role, trust.clone(), self.roles[role]["trust"].clone())?;
        }
        let functions = case["functionActions"].as_object();
        same("functions", functions.map_or(0, |all| all.len()).into(), count("function:").into())?;
        for (function, actions) in functions.into_iter().flatten() {
            let documents = self.documents(&format!("function:{function}"));
            let statements = documents.iter().filter_map(|document| document["Statement"].as_array()).flatten();
            let actual: BTreeSet<&str> = statements.flat_map(|statement| strings(&statement["Action"])).collect();
            let expected: BTreeSet<&str> = strings(actions).into_iter().collect();
            same(function, json!(expected), json!(actual))?;
        }
        Ok(())
    }
}

/// The action behind an operation of storage.
fn s3(action: &str) -> &'static str {
    match action {
        "get" => "s3:GetObject",
        "list" => "s3:ListBucket",
        "write" => "s3:PutObject",
        _ => "s3:DeleteObject",
    }
}

/// Whether the decision is the effect, `allow` or `deny`.
pub fn decision(effect: Effect) -> &'static str {
    if effect == Effect::Allowed { "allow" } else { "deny" }
}
