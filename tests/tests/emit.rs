//! What is written for AWS, against the definition, the recorded cases and readers of the written forms.

use admit_amplify::emit::{Account, Emitted, Form, emit};
use admit_compiler::definition::{self, Caller, Question, Record, Stored, Target};
use admit_compiler::diagnostic::Severity;
use admit_compiler::policy::{Policy, Roles};
use admit_compiler::{Source, check};
use admit_runtime::{Authorizer, Mode, Operation};
use admit_tests::aws::Written;
use admit_tests::generate::{self, Forms};
use admit_tests::iam::Effect;
use admit_tests::translate::translate;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

const SMALL: &str = include_str!("../aws/small.policy");
const LARGE: &str = include_str!("../aws/large.policy");

fn source(text: &str) -> [Source; 1] {
    [Source { name: "a.policy".into(), text: text.into() }]
}

fn emitted(text: &str, form: Form, account: &Account) -> Emitted {
    let sources = source(text);
    let checked = check(&sources);
    let policy = checked.policy.unwrap_or_else(|| panic!("{:#?}\n{text}", checked.diagnostics));
    emit(&policy, &sources, form, account)
}

fn text_of(emitted: &Emitted) -> &str {
    emitted.text.as_deref().unwrap_or_else(|| panic!("{:#?}", emitted.diagnostics))
}

/// The text, what it comes from, and what is said beside.
fn shown(form: Form) -> String {
    let account = Account {
        buckets: BTreeMap::from([("media".to_owned(), "media-7f3a".to_owned())]),
        user_pool: Some("arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_a1".into()),
        identity_pool: Some("eu-central-1:00000000-0000-0000-0000-000000000000".into()),
        api: Some("arn:aws:appsync:eu-central-1:123456789012:apis/abc".into()),
        region: Some("eu-central-1".into()),
        ..Account::default()
    };
    let emitted = emitted(SMALL, form, &account);
    let mut out = format!("{SMALL}\n---\n{}", text_of(&emitted));
    for one in &emitted.diagnostics {
        let _ = writeln!(
            out,
            "--- {} {}: {} ({})",
            one.code,
            one.message,
            one.label.text,
            one.help.as_deref().unwrap_or("")
        );
    }
    out
}

macro_rules! forms {
    ($($name:ident: $form:expr;)*) => {
        $(#[test] fn $name() {
            insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(shown($form)); });
        })*
    };
}

forms! {
    as_iam: Form::Iam;
    as_cloudformation: Form::CloudFormation;
    as_amplify_outputs: Form::AmplifyOutputs;
    as_graphql: Form::GraphQl;
}

// ---- IAM against the definition

/// The callers that tell roles apart, each with what the evaluator takes.
fn callers() -> Vec<(Caller, Value)> {
    let caller = |mode, groups: Option<&[&str]>, function: Option<&str>| {
        let groups: Option<Vec<String>> = groups.map(|all| all.iter().map(|name| (*name).to_owned()).collect());
        let function = function.map(str::to_owned);
        let identity = match (&function, &groups) {
            (Some(name), _) => json!({"function": name}),
            (None, None) => json!({"guest": true}),
            (None, Some(groups)) => json!({"groups": groups, "identityId": "me"}),
        };
        let identity_id = groups.is_some().then(|| "me".to_owned());
        let claims = Record::new();
        let authorizer = Authorizer::NotAsked;
        (Caller { mode, claims, groups, identity_id, function, authorizer, trusted: false }, identity)
    };
    let of = |groups: &[&str]| caller(Mode::IdentityPool, Some(groups), None);
    let users = [&[][..], &["A"], &["B"], &["C"], &["C", "B"], &["B", "A"], &["X"]].map(of);
    let others = [caller(Mode::Guest, None, None), caller(Mode::Function, None, Some("resizer"))];
    users.into_iter().chain(others).collect()
}

const KEYS: [&str; 21] = [
    "", "a", "a/", "a/f", "a//f", "a/../b/f", "a%2Ff", "a/b", "a/b/f", "a/b/c/f", "a/bb", "ab/f", "p/me", "p/me/",
    "p/me/f", "p/you/f", "p/x/f", "p/w/f", "p/w/z/f", "q/r/f", "q/t1/d/f",
];
const OPERATIONS: [(Operation, &str); 4] =
    [(Operation::Get, "get"), (Operation::List, "list"), (Operation::Write, "write"), (Operation::Delete, "delete")];

/// Each caller, operation and key, with what the definition and IAM say.
fn both(
    policy: &Policy,
    mut look: impl FnMut(&Caller, &str, bool, Effect) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    let written = Written::of_policy(policy, &[]).map_err(TestCaseError::fail)?;
    for (caller, identity) in callers().into_iter().filter(|(caller, _)| may_be(policy, caller)) {
        for (operation, word) in OPERATIONS {
            for key in KEYS {
                let target = Target::Storage { bucket: "files".into(), operation, key: key.into() };
                let (stored, args) = (Stored::NotGiven, Record::new());
                let caller = caller.clone();
                let question = Question { caller, target, stored, input: None, args, index: Vec::new() };
                let allowed = definition::decide(policy, &question).allowed;
                let effect = written.storage("files", &identity, word, key).map_err(TestCaseError::fail)?;
                look(&question.caller, &format!("{word} {key:?} by {identity}"), allowed, effect)?;
            }
        }
    }
    Ok(())
}

/// Whether somebody may hold these groups. Admit refuses whoever does not keep to `exclusive`; AWS does not know of it.
fn may_be(policy: &Policy, caller: &Caller) -> bool {
    let groups = || caller.groups.iter().flatten();
    let counts = |name: &String| groups().any(|held| policy.acts_as(held).any(|acting| acting == name));
    policy.exclusive.iter().all(|list| list.iter().filter(|name| counts(name)).count() < 2)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: admit_tests::cases(150), max_shrink_iters: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn iam_decides_as_the_definition_does(policy in generate::policy(Forms::Amplify)) {
        let policy = Policy { roles: Roles::Preferred, ..policy };
        both(&policy, |_, what, allowed, effect| {
            prop_assert_eq!(allowed, effect == Effect::Allowed, "{} {:?}", what, effect);
            Ok(())
        })?;
    }

    /// With conditions, denies and claims in paths: what IAM cannot hold is denied, and where a user of several groups
    /// would escape a deny for one of them, nothing is written.
    #[test]
    fn iam_never_allows_more(policy in generate::policy(Forms::All), roles in prop::sample::select(vec![Roles::Preferred, Roles::Union])) {
        let policy = Policy { roles, ..policy };
        let refused = emit(&policy, &[], Form::Iam, &Account::default()).text.is_none();
        prop_assume!(!refused);
        both(&policy, |_, what, allowed, effect| {
            prop_assert!(allowed || effect != Effect::Allowed, "{}", what);
            Ok(())
        })?;
    }
}

// ---- limits

#[test]
fn roles_that_are_too_large_are_split_and_decide_the_same() {
    let emitted = emitted(LARGE, Form::Iam, &Account::default());
    let roles: Value = serde_json::from_str(text_of(&emitted)).unwrap();
    let policies = roles["roles"]["group:WRITERS"]["policies"].as_array().unwrap();
    assert!(policies.len() > 1);
    for policy in policies {
        let size = policy.to_string().chars().filter(|c| !c.is_whitespace()).count();
        assert!(size <= 6_144, "{size}");
    }
    let written = Written::of(LARGE).unwrap();
    for (group, key, action, effect) in [
        ("WRITERS", "archive/of/the/year/and/month/000/x", "write", Effect::Allowed),
        ("WRITERS", "archive/of/the/year/and/month/119/x", "get", Effect::Allowed),
        ("WRITERS", "archive/of/the/year/and/month/119/x", "delete", Effect::ImplicitlyDenied),
        ("READERS", "archive/of/the/year/and/month/060/x", "write", Effect::ImplicitlyDenied),
    ] {
        assert_eq!(written.storage("archive", &json!({"groups": [group]}), action, key), Ok(effect), "{group} {key}");
    }
}

/// A policy with many long paths.
fn wide(paths: usize, length: usize) -> String {
    let mut text = "auth { groups: [\"A\"] }\nstorage s {\n".to_owned();
    for number in 0..paths {
        let _ = writeln!(text, "  \"{number:04}{}/*\": [allow.group(\"A\").to([\"get\"])]", "x".repeat(length));
    }
    text + "}\n"
}

#[test]
fn what_does_not_fit_is_an_error() {
    let codes = |text: &str, form, account: &Account| -> Vec<&'static str> {
        let emitted = emitted(text, form, account);
        assert_eq!(emitted.text.is_none(), emitted.diagnostics.iter().any(|one| one.severity == Severity::Error));
        emitted.diagnostics.iter().map(|one| one.code).filter(|code| code.starts_with('E')).collect()
    };
    let more = Account { managed_policies: 20, ..Account::default() };
    assert_eq!(codes(&wide(200, 300), Form::Iam, &Account::default()), ["E0905"]);
    assert_eq!(codes(&wide(200, 300), Form::Iam, &more), [""; 0]);
    assert_eq!(codes(&wide(2, 7000), Form::Iam, &Account::default()), ["E0905"]);
    let groups = |count: usize| {
        let names: Vec<String> = (0..count).map(|number| format!("\"G{number}\"")).collect();
        format!("auth {{ groups: [{}] }}", names.join(", "))
    };
    assert_eq!(codes(&groups(248), Form::CloudFormation, &Account::default()), [""; 0]);
    assert_eq!(codes(&groups(249), Form::CloudFormation, &Account::default()), ["E0905"]);
}

// ---- Amplify's outputs

/// The cases' own definition of storage says what the outputs must say.
#[test]
fn outputs_say_who_has_what_on_every_path() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut compared = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_storage = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("storage-"));
        if !is_storage {
            continue;
        }
        let cases: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for case in cases.as_array().unwrap() {
            let text = translate(&case["policy"], &BTreeSet::new());
            if check(&source(&text)).policy.is_none() {
                continue;
            }
            let outputs: Value =
                serde_json::from_str(text_of(&emitted(&text, Form::AmplifyOutputs, &Account::default()))).unwrap();
            let groups: Vec<&str> = strings(&case["policy"]["auth"]["groups"]);
            let said: Vec<Value> = outputs["auth"]["groups"].as_array().cloned().unwrap_or_default();
            let expected: Vec<Value> =
                (0..).zip(groups).map(|(number, name): (u32, _)| json!({name: {"precedence": number}})).collect();
            assert_eq!(said, expected);
            let bucket = &outputs["storage"]["buckets"][0];
            assert_eq!(bucket["name"], case["policy"]["storage"]["name"]);
            assert_eq!(bucket["paths"], paths(&case["policy"]["storage"]["access"]), "{text}");
            compared += 1;
        }
    }
    assert!(compared > 20, "only {compared} cases");
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn paths(access: &Value) -> Value {
    let mut all = json!({});
    for (path, rules) in access.as_object().unwrap() {
        let path = path.replace("{entity_id}", "${cognito-identity.amazonaws.com:sub}");
        for rule in rules.as_array().unwrap() {
            let keys: Vec<String> = match rule["allow"].as_str().unwrap() {
                "groups" => strings(&rule["groups"]).into_iter().map(|name| format!("groups{name}")).collect(),
                "entity" => vec!["entityidentity".into()],
                "resource" => continue,
                who => vec![who.into()],
            };
            let words = strings(&rule["to"]);
            let has =
                |word: &&str| words.contains(word) || (matches!(*word, "get" | "list") && words.contains(&"read"));
            let words: Vec<&str> = ["get", "list", "write", "delete"].into_iter().filter(has).collect();
            keys.into_iter().for_each(|key| all[&path][key] = json!(words));
        }
    }
    all
}

// ---- GraphQL

/// The rules that stand on models, read back: by model and field, each as its arguments.
fn read_back(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    use apollo_parser::cst::{CstNode, Definition, Directives};
    let tree = apollo_parser::Parser::new(text).parse();
    assert_eq!(tree.errors().count(), 0, "{:?}\n{text}", tree.errors().collect::<Vec<_>>());
    let rules = |directives: Option<Directives>| -> BTreeSet<String> {
        let all = directives.into_iter().flat_map(|all| all.directives());
        let auth = all.filter(|one| one.name().is_some_and(|name| name.text() == "auth"));
        let lists = auth.filter_map(|auth| auth.arguments()).flat_map(|arguments| arguments.arguments());
        let values = lists.filter_map(|argument| match argument.value() {
            Some(apollo_parser::cst::Value::ListValue(list)) => Some(list.values()),
            _ => None,
        });
        values.flatten().map(|rule| rule.source_string()).collect()
    };
    let mut all = BTreeMap::new();
    for definition in tree.document().definitions() {
        let Definition::ObjectTypeDefinition(of) = definition else { continue };
        let name = of.name().map(|name| name.text().to_string()).unwrap_or_default();
        let fields = of.fields_definition().into_iter().flat_map(|fields| fields.field_definitions());
        for field in fields {
            let field_name = field.name().map(|name| name.text().to_string()).unwrap_or_default();
            all.insert(format!("{name}.{field_name}"), rules(field.directives()));
        }
        all.insert(name, rules(of.directives()));
    }
    all
}

/// On every accepted schema of the cases: it parses, and each model and field has rules where the policy has some.
#[test]
fn graphql_is_graphql_and_has_every_rule() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut schemas = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "json") {
            continue;
        }
        let cases: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for case in cases.as_array().unwrap() {
            let text = translate(&case["policy"], &BTreeSet::new());
            let policy = check(&source(&text)).policy;
            let has_data = |policy: &Policy| !policy.models.is_empty() || !policy.operations.is_empty();
            let Some(policy) = policy.filter(has_data) else { continue };
            let emitted = emitted(&text, Form::GraphQl, &Account::default());
            let read = read_back(text_of(&emitted));
            let left_out = emitted.diagnostics.iter().any(|one| one.code == "W0752");
            for model in &policy.models {
                assert!(!read[&model.name].is_empty(), "{text}");
                for field in &model.fields {
                    let here = &read[&format!("{}.{}", model.name, field.name)];
                    assert_eq!(here.is_empty(), field.rules.is_empty(), "{text}");
                }
                if !left_out {
                    let expected = groups(&policy, &model.name);
                    let named =
                        |group: &String| read[&model.name].iter().any(|rule| rule.contains(&format!("{group:?}")));
                    assert!(expected.iter().all(named), "{expected:?}\n{:?}\n{text}", read[&model.name]);
                }
            }
            for operation in &policy.operations {
                let root = match operation.kind {
                    admit_syntax::ast::OperationKind::Query => "Query",
                    admit_syntax::ast::OperationKind::Mutation => "Mutation",
                    admit_syntax::ast::OperationKind::Subscription => "Subscription",
                };
                let here = read.get(&format!("{root}.{}", operation.name));
                assert_eq!(here.is_none(), operation.rules.is_empty(), "{text}");
                assert!(here.is_none_or(|rules| !rules.is_empty()), "{text}");
            }
            schemas += usize::from(!policy.models.is_empty());
        }
    }
    assert!(schemas > 90, "only {schemas} schemas");
}

/// The groups that a model's rules name.
fn groups(policy: &Policy, model: &str) -> BTreeSet<String> {
    let model = policy.models.iter().find(|known| known.name == model).unwrap();
    let names = model.rules.iter().filter_map(|rule| match &rule.who {
        admit_compiler::policy::Who::Groups { names, .. } => Some(names.clone()),
        _ => None,
    });
    names.flatten().collect()
}

/// What `actsAs` gives stands in the rules; an operation of which no rule can be written is not there at all.
#[test]
fn graphql_spells_acting_groups_out_and_leaves_no_operation_open() {
    let text = "auth { groups: [\"A\", \"B\"]\n claims: { \"mfa\": boolean } }
group A { actsAs: [\"B\"] }
model Post {
  title: string
  allow.group(\"B\").to([\"read\"])
}
mutation publish(id: id!): Post { allow.group(\"B\").when(claims.mfa) }
mutation retract(id: id!): Post { allow.group(\"B\") }
";
    let emitted = emitted(text, Form::GraphQl, &Account::default());
    let read = read_back(text_of(&emitted));
    let trimmed: Vec<&str> = read["Post"].iter().map(|rule| rule.trim()).collect();
    assert_eq!(trimmed, ["{allow: groups, groups: [\"B\", \"A\"], operations: [read]}"]);
    assert!(!read.contains_key("Mutation.publish") && !read["Mutation.retract"].is_empty());
    assert!(emitted.diagnostics.iter().any(|one| one.message.contains("`publish`")));
}

/// Rules of one role are one rule, as Amplify demands; groups with equal operations stand together.
#[test]
fn graphql_has_one_rule_a_role() {
    let text = "auth { groups: [\"A\", \"B\", \"C\"] }
model Post {
  title: string
  allow.groups([\"A\", \"B\"]).to([\"read\"])
  allow.group(\"A\").to([\"update\"])
  allow.groups([\"B\", \"C\"]).to([\"get\", \"list\"])
  allow.owner().to([\"read\"])
  allow.owner().to([\"create\"])
}
";
    let read = read_back(text_of(&emitted(text, Form::GraphQl, &Account::default())));
    let expected = [
        "{allow: groups, groups: [\"A\"], operations: [read, update]}",
        "{allow: groups, groups: [\"B\"], operations: [read]}",
        "{allow: groups, groups: [\"C\"], operations: [get, list]}",
        "{allow: owner, ownerField: \"owner\", operations: [create, read]}",
    ];
    let trimmed: BTreeSet<&str> = read["Post"].iter().map(|rule| rule.trim()).collect();
    assert_eq!(trimmed, expected.into_iter().collect());
}

// ---- the runtime

#[test]
fn the_runtime_knows_precedence_and_role_of_groups() {
    let text = "auth { groups: [\"A\", \"B\", \"C\"] }
group A { precedence: 7 }
group C { role: \"arn:aws:iam::123456789012:role/c\" }
model Post { title: string\n allow.groups([\"A\", \"B\", \"C\"]) }
";
    let policy = check(&source(text)).policy.unwrap();
    for strip in [false, true] {
        let bytes = admit_compiler::table(&policy, strip).unwrap();
        let table = admit_runtime::Policy::from_bytes(&bytes).unwrap();
        let groups: Vec<(&str, u32, Option<&str>)> =
            table.groups().map(|group| (group.name, group.precedence, group.role())).collect();
        assert_eq!(groups, [("B", 1, None), ("C", 2, Some("arn:aws:iam::123456789012:role/c")), ("A", 7, None)]);
        assert_eq!(table.group("C").unwrap().role(), groups[1].2);
        assert_eq!(table.group("D").unwrap_err(), admit_runtime::Unknown::Group);
    }
}

/// Settings of groups that the writer never writes.
#[test]
fn forged_settings_of_groups_do_not_load() {
    use admit_runtime::format::{GroupSetting, NONE};
    let forged = |settings: &[(u32, u32, u32)]| {
        let group_settings =
            settings.iter().map(|&(group, precedence, role)| GroupSetting { group, precedence, role }).collect();
        let rows = admit_runtime::write::Rows {
            names: vec![
                (admit_runtime::format::scope_of::CLASS, "A".into()),
                (admit_runtime::format::scope_of::CLASS, "B".into()),
            ],
            texts: vec!["cognito:groups".into()],
            group_claim: 2,
            sources: vec![admit_runtime::format::Source { provider: 0, claim: 2, first: 0, count: 2 }],
            groups: 2,
            group_settings,
            ..Default::default()
        };
        admit_runtime::Policy::from_bytes(&rows.to_bytes().unwrap()).map(|_| ()).map_err(|error| error.to_string())
    };
    for sound in [&[][..], &[(0, 0, 2)], &[(1, 9, NONE)], &[(0, 3, NONE), (1, 4, 2)]] {
        assert_eq!(forged(sound), Ok(()), "{sound:?}");
    }
    let wrong: [&[(u32, u32, u32)]; 7] = [
        &[(0, 1, NONE)],
        &[(0, 5, NONE)],
        &[(0, 5, NONE), (1, 5, NONE)],
        &[(1, 2, NONE), (0, 0, NONE)],
        &[(1, 2, NONE), (1, 3, NONE)],
        &[(2, 2, NONE)],
        &[(1, 1, 90)],
    ];
    for wrong in wrong {
        assert!(forged(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn groups_that_exclude_each_other_are_told_of() {
    let text = "auth { groups: [\"A\", \"B\"]\n exclusive: [[\"A\", \"B\"]] }
storage s { \"x/*\": [allow.group(\"A\").to([\"get\"]), deny.group(\"B\")] }
";
    let said = |text: &str, form| -> Vec<&'static str> {
        emitted(text, form, &Account::default()).diagnostics.iter().map(|one| one.code).collect()
    };
    let apart = |form| said(text, form);
    assert!(apart(Form::Iam).contains(&"W0752") && !apart(Form::Iam).contains(&"E1301"));
    assert!(said(&text.replace("exclusive: [[\"A\", \"B\"]]", ""), Form::Iam).contains(&"E1301"));
}
