//! The `auth` and `storage` parts of `amplify_outputs.json`, as far as a policy knows them.
//! Always: what only the deployed account knows stands in it if it was given, and is left out otherwise.
//!
//! The shape is that of `@aws-amplify/client-config`, version 1.4: groups with their precedence, and by path who has
//! which operations, where `groupsX` is the group `X` and `entityidentity` the owner of a folder.

use super::arn::IDENTITY;
use super::{Account, Says};
use admit_compiler::Source;
use admit_compiler::policy::{Bucket, Path, Policy, Rule, Who};
use admit_runtime::Operations;
use admit_syntax::ast::{Item, ValueKind};
use serde_json::{Map, Value, json};

pub(super) fn write(policy: &Policy, sources: &[Source], account: &Account, says: &mut Says) -> String {
    let mut outputs = json!({"version": "1.4"});
    if policy.has_auth {
        outputs["auth"] = auth(policy, sources, account);
    }
    if !policy.buckets.is_empty() {
        outputs["storage"] = storage(policy, account, says);
    }
    super::json_text(&outputs)
}

fn auth(policy: &Policy, sources: &[Source], account: &Account) -> Value {
    let mut auth = Map::new();
    let mut put = |key: &str, value: Option<Value>| auth.extend(value.map(|value| (key.to_owned(), value)));
    put("aws_region", account.region.clone().map(Value::from));
    // `arn:aws:cognito-idp:REGION:ACCOUNT:userpool/ID`
    let pool = account.user_pool.as_deref().and_then(|arn| arn.rsplit('/').next());
    put("user_pool_id", pool.map(Value::from));
    put("identity_pool_id", account.identity_pool.clone().map(Value::from));
    let logins = logins(sources);
    put("username_attributes", (!logins.is_empty()).then(|| logins.into()));
    let group = |group: &admit_compiler::policy::Group| {
        let mut one = Map::new();
        one.insert(group.name.clone(), json!({"precedence": group.precedence}));
        Value::from(one)
    };
    put("groups", (!policy.groups.is_empty()).then(|| policy.groups.iter().map(group).collect()));
    auth.into()
}

/// What users sign in with, of `loginWith`.
fn logins(sources: &[Source]) -> Vec<&'static str> {
    let parsed: Vec<_> = sources.iter().map(|source| admit_syntax::parse_bytes(&source.text)).collect();
    let items = parsed.iter().flat_map(|parsed| &parsed.file().items);
    let settings = items.filter_map(|item| if let Item::Auth(auth) = item { Some(&auth.settings) } else { None });
    let login = settings.flatten().filter(|setting| setting.key.text == "loginWith");
    let ways = login.filter_map(|setting| match &setting.value.kind {
        ValueKind::Object(ways) => Some(ways),
        _ => None,
    });
    let on = ways.flatten().filter(|way| way.value.kind != ValueKind::Bool(false));
    on.filter_map(|way| match way.key.text.as_str() {
        "email" => Some("email"),
        "phone" => Some("phone_number"),
        _ => None,
    })
    .collect()
}

fn storage(policy: &Policy, account: &Account, says: &mut Says) -> Value {
    let mut storage = Map::new();
    let buckets: Vec<Value> = policy.buckets.iter().map(|bucket| of_bucket(policy, bucket, account, says)).collect();
    // The first bucket is the default one.
    for key in ["aws_region", "bucket_name"] {
        storage.extend(buckets.first().and_then(|first| first.get(key)).map(|value| (key.to_owned(), value.clone())));
    }
    storage.insert("buckets".into(), buckets.into());
    storage.into()
}

fn of_bucket(policy: &Policy, bucket: &Bucket, account: &Account, says: &mut Says) -> Value {
    let mut out = Map::new();
    out.insert("name".into(), bucket.name.as_str().into());
    out.extend(account.buckets.get(&bucket.name).map(|name| ("bucket_name".to_owned(), name.as_str().into())));
    out.extend(account.region.as_ref().map(|region| ("aws_region".to_owned(), region.as_str().into())));
    let mut paths = Map::new();
    for path in &bucket.paths {
        let mut access = Map::new();
        for deny in &path.denies {
            let help = "what clients are told is wider than what they have; `admit emit iam` holds the deny";
            says.not_on_aws(deny.place, "Amplify's outputs know no deny", "left out", help);
        }
        for rule in path.rules.iter().filter(|rule| is_sayable(path, rule, says)) {
            for who in whos(policy, &rule.who) {
                access.insert(who, words(rule.operations).into());
            }
        }
        if path.claims.is_empty() && !access.is_empty() {
            let own = if path.entity { format!("{IDENTITY}/") } else { String::new() };
            paths.insert(format!("{}{own}*", path.prefix), access.into());
        }
    }
    out.insert("paths".into(), paths.into());
    out.into()
}

fn is_sayable(path: &Path, rule: &Rule, says: &mut Says) -> bool {
    let sayable = !rule.is_guarded() && path.claims.is_empty();
    if !sayable {
        let message = "Amplify's outputs cannot hold what this rule depends on";
        says.not_on_aws(rule.place, message, "left out", "clients are not told of it; Admit's decisions do not change");
    }
    sayable
}

/// The keys of a who. Functions are no clients, and have none.
fn whos(policy: &Policy, who: &Who) -> Vec<String> {
    match who {
        Who::Guest => vec!["guest".into()],
        Who::Authenticated(_) => vec!["authenticated".into()],
        Who::Entity => vec!["entityidentity".into()],
        Who::Groups { names, .. } => {
            let counts = |group: &str| policy.acts_as(group).any(|acting| names.iter().any(|name| name == acting));
            let groups = policy.groups.iter().filter(|group| counts(&group.name));
            groups.map(|group| format!("groups{}", group.name)).collect()
        }
        _ => Vec::new(),
    }
}

fn words(operations: Operations) -> Vec<&'static str> {
    let all = [
        (Operations::GET, "get"),
        (Operations::LIST, "list"),
        (Operations::WRITE, "write"),
        (Operations::DELETE, "delete"),
    ];
    all.into_iter().filter(|(one, _)| operations.meets(*one)).map(|(_, word)| word).collect()
}
