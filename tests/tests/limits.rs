//! The limits: each breach is an error that names the limit. What the command says of odd files is tested with it.

use admit_compiler::{Source, check, table};
use admit_tests::large;

fn first_error(text: &[u8]) -> (&'static str, String) {
    let checked = check(&[Source { name: "a.policy".into(), text: text.to_vec() }]);
    let error = checked.diagnostics.iter().find(|one| one.code.starts_with('E'));
    error.map(|one| (one.code, one.message.clone())).unwrap_or_default()
}

#[test]
fn ten_thousand_groups_and_no_more() {
    let policy = |count: usize| {
        let names: Vec<String> = (0..count).map(|number| format!("\"G{number}\"")).collect();
        format!("auth {{ groups: [{}] }}", names.join(", ")).into_bytes()
    };
    assert_eq!(first_error(&policy(10_000)), ("", String::new()));
    assert_eq!(first_error(&policy(10_001)), ("E0903", "more than 10,000 groups".into()));
}

#[test]
fn no_more_classes_than_a_table_numbers() {
    let names: Vec<String> = (0..66_000).map(|number| format!("\"G{number}\"")).collect();
    let names = names.join(", ");
    let text = format!(
        "auth {{ loginWith: {{}} claimGroups: {{ \"c\": [{names}] }} }}\nmodel A {{ allow.groups([{names}]).withClaimIn(\"c\") }}"
    );
    assert_eq!(first_error(text.as_bytes()).0, "E0904");
}

#[test]
fn functions_are_classes_too() {
    let text: String = (0..66_000).map(|number| format!("function f{number}\n")).collect();
    let rules: String = (0..66_000).map(|number| format!("allow.resource(f{number})\n")).collect();
    let text = format!("{text}data {{\n{rules}allow.publicApiKey().to([\"read\"])\n}}\nmodel A {{ a: string }}");
    assert_eq!(first_error(text.as_bytes()).0, "E0904");
}

/// Numbers of field classes once were cut to 16 bits, so that fields shared the rules of others.
#[test]
fn no_more_field_classes_than_a_table_numbers() {
    // Each field is for another pair of groups.
    let names: Vec<String> = (0..370).map(|group| format!("\"{group}\"")).collect();
    let pairs = || (0..370).flat_map(|a| (0..a).map(move |b| (a, b)));
    let policy = |count: usize| {
        let field = |(number, (a, b)): (usize, (usize, usize))| {
            format!("f{number}:string{{allow.groups([{},{}])}}\n", names[a], names[b])
        };
        let fields: String = pairs().take(count).enumerate().map(field).collect();
        format!("auth {{ groups: [{}] }}\nmodel A {{\n{fields}allow.group(\"0\")\n}}", names.join(", "))
    };
    assert_eq!(first_error(policy(65_536).as_bytes()).0, "E0904");
    assert_eq!(first_error(policy(1_000).as_bytes()).0, "");
}

#[test]
fn a_very_large_policy_builds() {
    let text = large::policy(10_000, 2_000);
    let checked = check(&[Source { name: "large.policy".into(), text: text.into_bytes() }]);
    let policy = checked.policy.expect("it has no error");
    assert_eq!((policy.groups.len(), policy.models.len()), (10_000, 2_000));
    assert_eq!(policy.rules().count(), 20_000);
    let bytes = table(&policy, false).unwrap();
    let loaded = admit_runtime::Policy::from_bytes(&bytes).unwrap();
    let groups = ["GROUP_24"];
    let claims = [("cognito:groups", admit_runtime::Value::List(&groups))];
    let user = loaded.user(&claims).unwrap();
    let may = |model: &str, operation: &str| {
        let action = loaded.action(model, operation).unwrap();
        loaded.decide(&user, action, &admit_runtime::Request::new()).is_allowed()
    };
    assert!(may("Model1", "get"));
    assert!(!may("Model1", "delete"));
    assert!(!may("Model2", "update"));
}

/// Far more than a condition can have are counted, and nothing else is done with them.
#[test]
fn a_condition_has_a_most_of_tests() {
    let policy = |count: usize| {
        let values: Vec<String> = (0..count).map(|number| number.to_string()).collect();
        let values = values.join(", ");
        format!("auth {{}}\nmodel A {{ n: integer, allow.owner().when(record.n in [{values}]) }}").into_bytes()
    };
    assert_eq!(first_error(&policy(256)), ("", String::new()));
    assert_eq!(first_error(&policy(257)), ("E0904", "a condition of 257 tests; the limit is 256".into()));
    assert_eq!(first_error(&policy(300_000)).0, "E0904");
}
