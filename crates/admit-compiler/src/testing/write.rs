//! Callers, records and assertions as they are written in tests.
//! Always: what is written here reads back as what it was.

use crate::definition::{Caller, Record, Value};
use crate::policy::{Assertion, Policy, Target};
use admit_runtime::{Mode, Operation};

/// A value as it is written.
pub fn value(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Text(text) => quoted(text),
        Value::List(items) => format!("[{}]", items.0.iter().map(self::value).collect::<Vec<_>>().join(", ")),
        Value::Object => "{}".to_owned(),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn name(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_');
    if first && chars.all(|c| c.is_alphanumeric() || c == '_') { name.to_owned() } else { quoted(name) }
}

/// The values of a record, in braces.
pub fn record(record: &Record) -> String {
    let values: Vec<String> =
        record.iter().map(|(name, value)| format!("{}: {}", self::name(name), self::value(value))).collect();
    if values.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", values.join(", ")) }
}

/// A caller: `guest`, `user { sub: "1", groups: ["EDITORS"] }`
pub fn caller(policy: &Policy, caller: &Caller) -> String {
    let (word, claim) = match caller.mode {
        Mode::Guest => return "guest".to_owned(),
        Mode::ApiKey => return "apiKey".to_owned(),
        Mode::Lambda => return "lambda".to_owned(),
        Mode::Function => return format!("function {}", caller.function.as_deref().unwrap_or_default()),
        Mode::Oidc => ("oidcUser", "cognito:groups"),
        Mode::IdentityPool => ("poolUser", policy.group_claim.as_str()),
        Mode::UserPool | Mode::Iam => ("user", policy.group_claim.as_str()),
    };
    let identity = caller.identity_id.iter().map(|id| format!("identityId: {}", quoted(id)));
    let claims = caller.claims.iter().map(|(key, of)| match key == claim {
        true => format!("groups: {}", value(of)),
        false => format!("{}: {}", name(key), value(of)),
    });
    let mut all: Vec<String> = claims.chain(identity).collect();
    // As people say it: who first, then what else is known.
    all.sort_by_key(|one| !(one.starts_with("sub:") || one.starts_with("username:")));
    if all.is_empty() { format!("{word} {{}}") } else { format!("{word} {{ {} }}", all.join(", ")) }
}

/// What an assertion acts on: `Post { state: "draft" }`, `articles "drafts/a.md"`, `publish`
pub fn target(target: &Target) -> String {
    match target {
        Target::Custom(_, name) => name.clone(),
        Target::Object { bucket, key } => format!("{} {}", name(bucket), quoted(key)),
        Target::Record { model, field, record } => {
            let field = field.as_ref().map(|field| format!(".{field}")).unwrap_or_default();
            let record = record.as_ref().map(|record| format!(" {}", self::record(record))).unwrap_or_default();
            format!("{model}{field}{record}")
        }
    }
}

/// An assertion on one line.
pub fn assertion(policy: &Policy, of: &Assertion) -> String {
    let verb = if of.can { "can" } else { "cannot" };
    let operations = match of.operations.as_slice() {
        [Operation::Call] => String::new(),
        operations => {
            format!("[{}] ", words(operations, &of.target).into_iter().map(quoted).collect::<Vec<_>>().join(", "))
        }
    };
    let input = of.input.as_ref().map(|input| format!(" with {}", record(input))).unwrap_or_default();
    format!("{} {verb} {operations}{}{input}", caller(policy, &of.caller), target(&of.target))
}

/// The words of operations: all reads together are `read`.
fn words(operations: &[Operation], target: &Target) -> Vec<&'static str> {
    const DATA: [Operation; 5] =
        [Operation::Get, Operation::List, Operation::Sync, Operation::Listen, Operation::Search];
    const STORAGE: [Operation; 2] = [Operation::Get, Operation::List];
    let reads: &[Operation] = if matches!(target, Target::Object { .. }) { &STORAGE } else { &DATA };
    let all = reads.iter().all(|read| operations.contains(read));
    let rest = operations.iter().filter(|one| !(all && reads.contains(one))).map(|one| one.name());
    let mut words: Vec<&str> = all.then_some("read").into_iter().chain(rest).collect();
    words.dedup();
    words
}
