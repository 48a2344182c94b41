//! What the checker hands on is what `policy.rs` says it is, for every text; and what it says of conditions is true.
//! Always: policies as texts, made of pieces that mostly fit and sometimes do not.

use admit_compiler::condition::{Condition, Found, Kind, Operand, Source as Read, Term, Test, Truth};
use admit_compiler::definition::{Items, Record, Value};
use admit_compiler::policy::{FieldType, Model, Path, Policy, Rule, Who};
use admit_compiler::{Checked, MAX_TESTS, Source, check};
use admit_runtime::{Mode, Operations};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

const FIELDS: &str =
    "s: string!  o: string  e: enum [\"a\", \"b\", \"c\"]!  n: integer!  m: integer  f: float!  b: boolean!
  d: date!  t: datetime!  l: string[]  j: json  who: string";

const AUTH: &str = "auth {
  loginWith: { email: true }
  groups: [\"A\", \"B\", \"C\"]
  claims: { tenant: string, level: integer, mfa: boolean, roles: string[] }
  exclusive: [[\"A\", \"C\"]]
}
";

/// A comparison: mostly of values of one type.
fn comparison() -> impl Strategy<Value = String> {
    let texts = (
        "record.s|record.o|record.e|claims.tenant|input.s|record.owner",
        "\"a\"|\"b\"|\"x\"|record.o|record.s|claims.sub",
    );
    let numbers = ("record.n|record.m|record.f|claims.level|input.n|1", "0|1|2|1.5|-3|record.n|record.f");
    let days = ("record.d", "\"2026-01-01\"|\"2026-01-02\"|\"2026-01-04\"");
    let instants =
        ("record.t|record.createdAt", "\"2026-01-01T00:00:00Z\"|\"2026-01-01T00:00:00.000000001Z\"|record.t");
    let pick = |of: &'static str| select(of.split('|').collect::<Vec<_>>());
    let equal = || select(vec!["==", "!="]);
    let order = || select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let written = |(a, by, b): (&str, &str, &str)| format!("{a} {by} {b}");
    prop_oneof![
        4 => (pick(texts.0), equal(), pick(texts.1)).prop_map(written),
        4 => (pick(numbers.0), order(), pick(numbers.1)).prop_map(written),
        2 => (pick(days.0), order(), pick(days.1)).prop_map(written),
        2 => (pick(instants.0), order(), pick(instants.1)).prop_map(written),
        3 => pick("record.b|!record.b|claims.mfa|record.b == true|record.b != true|true|false").prop_map(str::to_owned),
        3 => pick("record.e in [\"a\", \"b\"]|record.e in [\"a\", \"b\", \"c\"]|record.n in [1, 2]|record.s in claims.roles")
            .prop_map(str::to_owned),
        2 => pick("record.o == null|record.l != null|record.l.contains(\"a\")|\"a\" in record.l|record.s.startsWith(\"a\")")
            .prop_map(str::to_owned),
        1 => pick("record.x|record.j == 1|claims.nope|record.e == \"z\"|record.s < \"a\"|record.s == null|record.l == \"a\"")
            .prop_map(str::to_owned),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    comparison().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" && "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" || "))),
            inner.prop_map(|of| format!("!({of})")),
        ]
    })
}

fn rule(
    whos: &'static [&'static str],
    ands: &'static [&'static str],
    operations: &'static [&'static str],
) -> BoxedStrategy<String> {
    let effect = select(vec!["allow", "allow", "deny"]);
    let and = prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(select(ands), 1..3)];
    let when = prop::option::of(condition());
    (effect, select(whos), and, select(operations), when)
        .prop_map(|(effect, who, and, to, when)| {
            let and: String = and.iter().map(|and| format!(".and({and})")).collect();
            let when = when.map(|when| format!(".when({when})")).unwrap_or_default();
            format!("{effect}.{who}{and}{to}{when}")
        })
        .boxed()
}

fn on_records() -> BoxedStrategy<String> {
    const WHOS: &[&str] = &[
        "group(\"A\")",
        "groups([\"A\", \"B\"])",
        "owner()",
        "ownerDefinedIn(\"who\")",
        "ownersDefinedIn(\"l\")",
        "groupDefinedIn(\"o\")",
        "authenticated()",
        "guest()",
        "publicApiKey()",
        "authenticated(\"oidc\")",
        "custom()",
    ];
    const ANDS: &[&str] =
        &["group(\"B\")", "owner()", "ownersDefinedIn(\"l\")", "authenticated", "group(\"A\", \"oidc\")"];
    const TO: &[&str] =
        &["", ".to([\"read\"])", ".to([\"create\", \"update\"])", ".to([\"update\"])", ".to([\"delete\"])"];
    rule(WHOS, ANDS, TO)
}

fn program() -> impl Strategy<Value = String> {
    let on_model = prop::collection::vec(on_records(), 1..3);
    let on_field = prop::option::of(on_records());
    let on_schema = prop::option::of(on_records());
    let call =
        rule(&["group(\"A\")", "authenticated()", "guest()"], &["group(\"B\")", "owner()"], &["", ".to([\"read\"])"]);
    let stored = rule(
        &["group(\"A\")", "authenticated", "guest", "entity(\"identity\")", "resource(fn)"],
        &["group(\"B\")", "authenticated"],
        &[".to([\"read\"])", ".to([\"write\", \"get\"])", ""],
    );
    let path = select(vec![
        "a/*",
        "b/*",
        "a/{claims['tenant']}/*",
        "a/{claims['tenant']}/d/*",
        "a/{claims['level']}/*",
        "a/{claims[\\\"tenant\\\"]}/d/{entity_id}/*",
        "a/{claims['sub']}/*",
        "{claims['tenant']}/x/*",
    ]);
    let acting = select(vec![
        "",
        "",
        "",
        "group A { actsAs: [\"B\"] }",
        "group B { actsAs: [\"C\"] }\ngroup A { actsAs: [\"B\"] }",
        "group B { actsAs: [\"A\", \"C\"] }",
        "group A { actsAs: [\"B\"] }\ngroup B { actsAs: [\"A\"] }",
        "group C { actsAs: [\"B\"] }",
    ]);
    let paths = prop::collection::vec((path, prop::collection::vec(stored, 1..3)), 1..3);
    let on_model = (on_model, on_field).prop_map(|(on_model, on_field)| {
        let field = on_field.map(|rule| format!("  x: string {{ {rule} }}\n")).unwrap_or_default();
        let rules = on_model.join("\n  ");
        format!("model Post {{\n  {FIELDS}\n{field}  allow.group(\"B\").to([\"get\"])\n  {rules}\n}}")
    });
    let on_schema = (on_schema, prop::option::of(call)).prop_map(|(on_schema, call)| {
        let schema = on_schema.map(|rule| format!("data {{ allow.group(\"B\"), {rule} }}\n")).unwrap_or_default();
        let call = call.map(|rule| format!("query ask {{ allow.group(\"A\"), {rule} }}\n")).unwrap_or_default();
        format!("{schema}{call}model Post {{\n  {FIELDS}\n  deny.owner().to([\"read\"])\n  owner: string\n}}")
    });
    let paths = paths.prop_map(|paths| {
        let path = |(path, rules): &(&str, Vec<String>)| format!("  \"{path}\": [{}]\n", rules.join(", "));
        format!("storage files {{\n{}}}", paths.iter().map(path).collect::<String>())
    });
    (prop_oneof![on_model, on_schema, paths], acting)
        .prop_map(|(declarations, acting)| format!("{AUTH}{acting}\nfunction fn\n{declarations}\n"))
}

fn checked(text: &str) -> Checked {
    check(&[Source { name: "generated.policy".into(), text: text.into() }])
}

// ---- what `policy.rs` and `condition.rs` say

fn kind_of(model: &Model, name: &str) -> Option<(Option<Kind>, bool)> {
    let field = model.fields.iter().find(|field| field.name == name);
    Some(match (field, name) {
        (Some(field), _) => {
            let kind = match &field.ty {
                FieldType::String | FieldType::Enum(_) => Some(Kind::Text),
                FieldType::Integer => Some(Kind::Integer),
                FieldType::Float => Some(Kind::Float),
                FieldType::Boolean => Some(Kind::Boolean),
                FieldType::Date => Some(Kind::Date),
                FieldType::DateTime => Some(Kind::DateTime),
                _ => None,
            };
            (kind, field.list)
        }
        (None, "owner" | "id") => (Some(Kind::Text), false),
        (None, "createdAt" | "updatedAt") => (Some(Kind::DateTime), false),
        _ => return None,
    })
}

fn tests<'c>(condition: &'c Condition, nested: bool, found: &mut Vec<&'c Test>) {
    match condition {
        Condition::Test(test) => found.push(test),
        Condition::Not(of) => {
            assert!(!matches!(**of, Condition::Not(_)), "twice not is nothing");
            tests(of, true, found);
        }
        Condition::All(parts) | Condition::Any(parts) => {
            assert!(parts.len() != 1, "one part alone is that part");
            assert!(!parts.is_empty() || !nested, "a constant stands alone");
            for part in parts {
                let same = std::mem::discriminant(part) == std::mem::discriminant(condition);
                assert!(!same, "nested ones are flat");
                tests(part, true, found);
            }
        }
    }
}

fn well_formed_condition(policy: &Policy, model: Option<&Model>, rule: &Rule) {
    let Some(condition) = &rule.condition else { return };
    assert_ne!(**condition, Condition::All(Vec::new()), "what is always true is no condition");
    let mut found = Vec::new();
    tests(condition, false, &mut found);
    assert!(found.len() <= MAX_TESTS);
    for test in found {
        for term in test.terms() {
            match term.source {
                Read::Claim => {
                    assert!(!matches!(rule.who, Who::Guest | Who::ApiKey), "no token, no claims");
                    let declared = policy.claims.iter().find(|(name, ..)| *name == term.name);
                    assert!(declared.is_none_or(|(_, kind, list)| (*kind, *list) == (term.kind, term.list)));
                }
                Read::Record | Read::Input => {
                    let known = model.and_then(|model| kind_of(model, &term.name));
                    assert_eq!(known, Some((Some(term.kind), term.list)), "{term:?}");
                    let writes = Operations::CREATE.with(Operations::UPDATE);
                    assert!(term.source == Read::Record || writes.contains(rule.operations));
                }
            }
        }
        let (term, operand) = match test {
            Test::Holds(term) => {
                assert!(term.kind == Kind::Boolean && !term.list);
                continue;
            }
            Test::Null(_) => continue,
            Test::Compare(term, relation, operand) => {
                assert!(!term.list && (relation.name() == "==" || term.kind.is_ordered()));
                (term, operand)
            }
            Test::Contains(term, operand) => {
                assert!(term.list);
                (term, operand)
            }
            Test::HasText(term, operand) | Test::StartsWith(term, operand) => {
                assert!(!term.list && term.kind == Kind::Text);
                (term, operand)
            }
        };
        if let Operand::Term(other) = operand {
            assert!(!other.list && term.kind.meets(other.kind));
        }
    }
}

fn mode(who: &Who) -> Mode {
    match who {
        Who::ApiKey => Mode::ApiKey,
        Who::Guest => Mode::Guest,
        Who::Authenticated(mode) => *mode,
        Who::Custom => Mode::Lambda,
        Who::Groups { provider, .. } | Who::Owner { provider, .. } | Who::GroupsIn { provider, .. } => provider.mode(),
        Who::Entity => Mode::IdentityPool,
        Who::Function(_) => Mode::Function,
    }
}

fn well_formed_rule(policy: &Policy, model: Option<&Model>, in_storage: bool, rule: &Rule) {
    assert!(!rule.operations.is_empty());
    assert!(rule.and.len() <= 4 && !rule.and.contains(&rule.who));
    let signed_in = |who: &Who| in_storage && matches!(mode(who), Mode::UserPool | Mode::IdentityPool);
    for who in rule.whos() {
        assert!(mode(who) == mode(&rule.who) || (signed_in(who) && signed_in(&rule.who)), "{rule:?}");
        assert!(model.is_some() || !matches!(who, Who::Owner { .. } | Who::GroupsIn { .. }));
        if let Who::Groups { names, .. } = who {
            assert!(
                !names.is_empty() && names.iter().all(|name| policy.groups.iter().any(|group| group.name == *name))
            );
        }
    }
    assert!(!rule.and.iter().any(|who| matches!(who, Who::Entity | Who::Function(_))));
    well_formed_condition(policy, model, rule);
}

fn well_formed_path(path: &Path) {
    let parts: Vec<&str> = path.prefix.split('/').collect();
    for (number, part) in parts.iter().enumerate() {
        let claim = path.claims.iter().find(|(at, _)| *at == number).map(|(_, claim)| format!("{{claims['{claim}']}}"));
        assert_eq!(part.starts_with("{claims"), claim.is_some());
        assert!(claim.is_none_or(|claim| claim == *part));
        assert!(!part.contains("{entity_id}"));
    }
    assert!(path.prefix.ends_with('/'));
    let claimless = |rule: &Rule| matches!(rule.who, Who::Guest | Who::Function(_));
    assert!(path.claims.is_empty() || !path.rules.iter().any(claimless));
}

fn well_formed(policy: &Policy) {
    for group in &policy.groups {
        assert!(group.acts_as.is_sorted() && !group.acts_as.contains(&group.name));
        for other in &group.acts_as {
            let further = policy.groups.iter().find(|known| known.name == *other).expect("a known group");
            assert!(further.acts_as.iter().all(|name| group.acts_as.contains(name)), "closed");
        }
    }
    for model in &policy.models {
        let of_fields = model.fields.iter().flat_map(|field| field.rules.iter().chain(&field.denies));
        let rules = model.rules.iter().chain(&model.denies).chain(of_fields);
        rules.for_each(|rule| well_formed_rule(policy, Some(model), false, rule));
        assert!(!model.rules.is_empty());
    }
    for operation in &policy.operations {
        operation.rules.iter().chain(&operation.denies).for_each(|rule| {
            assert_eq!(rule.operations, Operations::CALL);
            well_formed_rule(policy, None, false, rule);
        });
    }
    for path in policy.buckets.iter().flat_map(|bucket| &bucket.paths) {
        well_formed_path(path);
        path.rules.iter().chain(&path.denies).for_each(|rule| well_formed_rule(policy, None, true, rule));
    }
}

// ---- what is said of conditions

fn value() -> impl Strategy<Value = Value> {
    let texts = ["a", "b", "c", "x", "ab", "2026-01-01", "2026-01-02", "2026-01-03", "2026-01-01T00:00:00Z"];
    let text = || select(texts.to_vec()).prop_map(|text| Value::Text(text.to_owned()));
    prop_oneof![
        4 => text(),
        4 => select(vec![-4.0, -3.0, 0.0, 0.5, 1.0, 1.25, 1.5, 2.0, 3.0]).prop_map(Value::Number),
        2 => any::<bool>().prop_map(Value::Bool),
        1 => Just(Value::Null),
        1 => prop::collection::vec(text(), 0..2).prop_map(|items| Value::List(Items(items))),
    ]
}

fn values() -> impl Strategy<Value = Record> {
    let names = [
        "s",
        "o",
        "e",
        "n",
        "m",
        "f",
        "b",
        "d",
        "t",
        "l",
        "owner",
        "tenant",
        "level",
        "mfa",
        "roles",
        "sub",
        "createdAt",
    ];
    prop::collection::btree_map(select(names.to_vec()).prop_map(str::to_owned), value(), 0..20)
}

/// Whether a record holds in `e` what its enum has, so that it is one of those that the checker speaks of.
fn fits(record: &Record) -> bool {
    let of_enum = |value: &Value| matches!(value, Value::Text(text) if matches!(text.as_str(), "a" | "b" | "c"));
    record.get("e").is_none_or(of_enum)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: admit_tests::cases(600), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_checked_is_well_formed(program in program()) {
        if let Some(policy) = checked(&program).policy {
            well_formed(&policy);
        }
    }

    #[test]
    fn a_condition_that_is_called_constant_is(condition in condition(), records in prop::collection::vec(values(), 24)) {
        let program = with_condition(&condition);
        let Checked { diagnostics, policy, .. } = checked(&program);
        let Some(policy) = policy else { return Ok(()) };
        let said = |code: &str| diagnostics.iter().any(|one| one.code == code);
        let condition = policy.models[0].rules[1].condition.as_deref().cloned().unwrap_or(Condition::All(Vec::new()));
        for record in records.iter().filter(|record| fits(record)) {
            let find = |term: &Term| record.get(&term.name).map_or(Found::Absent, Found::Value);
            let truths = condition.truths(&find);
            prop_assert!(!(said("W0722") && truths.contains(Truth::True)), "{record:?} makes it true\n{program}");
            prop_assert!(!(said("W0721") && truths.contains(Truth::False)), "{record:?} makes it false\n{program}");
        }
    }
}

/// Enough of the programs check for the properties above to say something.
#[test]
fn enough_of_the_programs_check() {
    let mut runner = TestRunner::deterministic();
    let mut count = |strategy: BoxedStrategy<String>| {
        let texts = (0..200).map(|_| strategy.new_tree(&mut runner).unwrap().current());
        texts.filter(|text| checked(text).policy.is_some()).count()
    };
    let programs = count(program().boxed());
    let conditions = count(condition().prop_map(|condition| with_condition(&condition)).boxed());
    assert!(programs > 20 && conditions > 80, "{programs} programs and {conditions} conditions of 200");
}

fn with_condition(condition: &str) -> String {
    format!(
        "{AUTH}model Post {{\n  {FIELDS}\n  allow.group(\"A\")\n  allow.owner().to([\"update\"]).when({condition})\n}}\n"
    )
}
