//! The rows of `docs/amplify.md` where Admit differs from Amplify on purpose, and how far each one reaches.
//! Always: a difference that no row explains is a failure, and so is one where Admit does not say what the row says.

use crate::compare::{Bench, Mismatch, policy_of};
use crate::translate::{Mend, translate};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Codes of errors with which Admit rejects what Amplify takes, and the row that says so.
pub const STRICTER: &[(&str, &str)] = &[
    ("E0203", "unknown groups"),
    ("E0204", "refused later, or without effect"),
    ("E0205", "reserved names"),
    ("E0309", "refused later, or without effect"),
    ("E0311", "empty lists"),
    ("E0403", "undeclared dynamic fields"),
    ("E0406", "refused later, or without effect"),
    ("E0407", "rules dropped silently"),
    ("E0411", "rules dropped silently"),
    ("E0505", "rules dropped silently"),
    ("E0607", "refused later, or without effect"),
];

/// Codes with which `admit import` leaves out what Amplify takes, and the row that says so.
pub const LEFT_OUT: &[(&str, &str)] =
    &[("E1205", "refused later, or without effect"), ("E1206", "refused later, or without effect")];

/// What Amplify rejects and Admit takes: Amplify's error by its short name, and the row.
pub const LAXER: &[(&str, &str)] = &[
    ("duplicate-role", "a role met twice"),
    ("owner-roles-share-field", "two owner rules on one field"),
    ("path-nesting", "limits of AWS's generators"),
];

/// The row that explains a mismatch on a request with this label, if Admit's answer is the one that the row gives.
pub fn explains(
    hole: &str,
    bench: &Bench<'_>,
    mends: &BTreeSet<Mend>,
    request: &Value,
    mismatch: &Mismatch,
) -> Option<&'static str> {
    let (holds, row) = match hole {
        "string-claim-substring" | "string-claim-not-listed" => (as_with_lists(bench, request), "string claims"),
        "last-field-rule-wins" => (as_with_one_rule(bench, mends, request), "a role met twice"),
        "list-only-role-and-fields" => {
            (mismatch.what == "redacted" && as_roles_say(bench, request, mismatch), "what each read operation shows")
        }
        "group-named-like-a-role" => {
            (mends.contains(&Mend::NoReservedGroups) && mismatch.expected == "allow", "reserved names")
        }
        _ => (false, ""),
    };
    holds.then_some(row)
}

/// A string claim is a JSON list of groups, or else one group: with that list in its place, Admit says the same.
fn as_with_lists(bench: &Bench<'_>, request: &Value) -> bool {
    let mut listed = request.clone();
    let Some(claims) = listed["identity"]["claims"].as_object_mut() else { return false };
    let mut changed = false;
    for (name, claim) in claims.iter_mut().filter(|(name, _)| !IDENTITY.contains(&name.as_str())) {
        if let (Value::String(text), false) = (&*claim, name.is_empty()) {
            let groups: Vec<Value> = serde_json::from_str(text).unwrap_or_else(|_| vec![text.as_str().into()]);
            *claim = groups.into();
            changed = true;
        }
    }
    changed && bench.answers(request) == bench.answers(&listed)
}

/// The claims that identify a caller, and never hold groups in these cases.
const IDENTITY: [&str; 9] =
    ["sub", "username", "cognito:username", "email", "token_use", "user_id", "preferred_username", "iss", "aud"];

/// Rules are OR-ed: with the rules of each role on a field made one, Admit says the same.
fn as_with_one_rule(bench: &Bench<'_>, mends: &BTreeSet<Mend>, request: &Value) -> bool {
    let mends: BTreeSet<Mend> = mends.iter().copied().chain([Mend::MergedFieldRules]).collect();
    let Ok(bytes) = policy_of(&translate(&bench.case["policy"], &mends)) else { return false };
    let Ok(policy) = admit_runtime::Policy::from_bytes(&bytes) else { return false };
    let merged = Bench { case: bench.case, policy: &policy };
    let decision = |answers: Vec<Value>| -> Vec<Value> {
        // The rule that is named has another text and place.
        let strip = |mut answer: Value| {
            answer.as_object_mut().map(|answer| (answer.remove("rules"), answer.remove("nearest")));
            answer
        };
        answers.into_iter().map(strip).collect()
    };
    decision(bench.answers(request)) == decision(merged.answers(request))
}

// ---- what each read operation shows: the row, worked out from the neutral policy alone

/// Whether the fields that Admit blanks in an item are those that no role of the caller reads.
fn as_roles_say(bench: &Bench<'_>, request: &Value, mismatch: &Mismatch) -> bool {
    let operation = request["operation"].as_str().unwrap_or_default();
    let model = &bench.case["policy"]["schema"]["types"][request["model"].as_str().unwrap_or_default()];
    let Some(item) = bench.item_of(request, mismatch) else { return false };
    let own = model["authorization"].as_array().filter(|rules| !rules.is_empty());
    let schema = bench.case["policy"]["schema"]["authorization"].as_array();
    let model_rules: Vec<&Value> = own.or(schema).into_iter().flatten().collect();
    let fields: Vec<(&String, &Value)> = model["fields"].as_object().into_iter().flatten().collect();
    let of = |field: &Value| -> Vec<Value> {
        let own = field["authorization"].as_array().filter(|rules| !rules.is_empty());
        own.map_or_else(|| model_rules.iter().map(|rule| (*rule).clone()).collect(), Clone::clone)
    };
    let gets_somewhere: Vec<Value> =
        fields.iter().flat_map(|(_, field)| of(field)).filter(|rule| reads(rule, "get")).map(who).collect();
    let shown = |field: &Value| {
        of(field).iter().any(|rule| {
            let any_read = ["get", "list", "listen", "sync", "search"].iter().any(|read| reads(rule, read));
            let fits = reads(rule, operation) || (any_read && gets_somewhere.contains(&who(rule.clone())));
            fits && is_caller(rule, &request["identity"], item)
        })
    };
    let blanked: BTreeSet<&str> = fields
        .iter()
        .filter(|(name, field)| bench.is_selected(request, name) && !shown(field))
        .map(|(name, _)| name.as_str())
        .collect();
    mismatch.actual.ends_with(&format!("{blanked:?}"))
}

fn who(mut rule: Value) -> Value {
    rule.as_object_mut().map(|rule| rule.remove("to"));
    rule
}

fn reads(rule: &Value, operation: &str) -> bool {
    let words = rule.get("to").and_then(Value::as_array);
    words.is_none_or(|words| words.iter().any(|word| word == operation || word == "read"))
}

/// Whether a rule's who is the caller, on this item.
fn is_caller(rule: &Value, identity: &Value, item: &Map<String, Value>) -> bool {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let (mode, role) = (text(identity, "mode").unwrap_or_default(), text(identity, "role"));
    let claims = &identity["claims"];
    let provider = text(rule, "provider").unwrap_or_else(|| "userPools".into());
    let of_token = (provider == "userPools" && mode == "userPool") || (provider == "oidc" && mode == "oidc");
    let groups: Vec<String> = match &claims[text(rule, "withClaimIn").unwrap_or_else(|| "cognito:groups".into())] {
        Value::Array(names) => names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        Value::String(name) => serde_json::from_str(name).unwrap_or_else(|_| vec![name.clone()]),
        _ => Vec::new(),
    };
    let field = text(rule, "field").filter(|field| !field.is_empty()).unwrap_or_else(|| "owner".into());
    let held: Vec<String> = match item.get(&field) {
        Some(Value::Array(values)) => values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect(),
        Some(Value::String(value)) => vec![value.clone()],
        _ => Vec::new(),
    };
    match rule["allow"].as_str().unwrap_or_default() {
        "publicApiKey" => mode == "apiKey",
        "custom" => mode == "lambda",
        "guest" => mode == "identityPool" && role.as_deref() == Some("unauthenticated"),
        "authenticated" if provider == "identityPool" => {
            mode == "identityPool" && role.as_deref() == Some("authenticated")
        }
        "authenticated" => of_token,
        "group" => of_token && groups.iter().any(|group| Some(group) == text(rule, "group").as_ref()),
        "groups" => {
            of_token
                && rule["groups"].as_array().into_iter().flatten().any(|name| groups.iter().any(|group| name == group))
        }
        "groupDefinedIn" | "groupsDefinedIn" => of_token && held.iter().any(|value| groups.contains(value)),
        _ => {
            let claim =
                text(rule, "identityClaim").filter(|claim| !claim.is_empty()).unwrap_or_else(|| "sub::username".into());
            let part = |name: &str| match (name, text(claims, name)) {
                ("username", None) => text(claims, "cognito:username"),
                (_, part) => part,
            };
            let parts: Option<Vec<String>> = claim.split("::").map(part).collect();
            let parts = parts.unwrap_or_default();
            let whole = parts.join("::");
            of_token && !parts.is_empty() && held.iter().any(|value| *value == whole || parts.contains(value))
        }
    }
}
