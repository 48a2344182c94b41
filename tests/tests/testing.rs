//! What `admit test` says of itself: assertions that are offered hold and cover, and changes are judged on the whole.

use admit_compiler::policy::Policy;
use admit_compiler::testing::coverage::Coverage;
use admit_compiler::testing::{self, Asserted, Defined, mutate};
use admit_compiler::{Source, check, table};
use admit_tests::generate::{self, Forms};
use proptest::prelude::*;

fn policy(text: &str) -> Policy {
    let checked = check(&[Source { name: "a.policy".into(), text: text.into() }]);
    checked.policy.unwrap_or_else(|| panic!("{:#?}\n{text}", checked.diagnostics))
}

fn tested<T>(policy: &Policy, read: impl FnOnce(&[Asserted<'_>], Coverage) -> T) -> T {
    let bytes = table(policy, false).unwrap();
    let loaded = admit_runtime::Policy::from_bytes(&bytes).unwrap();
    let asserted = testing::run(policy, &loaded, |_| true);
    let coverage = Coverage::of(policy, &loaded, &asserted);
    read(&asserted, coverage)
}

/// Every kind of place that rules stand on.
const EVERYTHING: &str = r#"
auth { groups: ["ADMINS", "EDITORS"]  claimGroups: { "teams": ["red"] } }
data { authorizationModes: ["userPool", "oidc", "identityPool", "apiKey", "lambda"]  defaultAuthorizationMode: "userPool"
  allow.resource(indexer).to(["query", "listen"]) }
function indexer
model Post {
  title: string!
  state: enum ["draft", "published"]
  owner: string { allow.owner().to(["read", "create", "delete"])  allow.groups(["ADMINS"]) }
  team: string
  editors: string[]
  notes: string { allow.groups(["ADMINS", "EDITORS"])  allow.ownersDefinedIn("editors") }
  allow.groups(["ADMINS"])
  allow.groups(["EDITORS"]).to(["read", "update"])
  allow.group("red").withClaimIn("teams").to(["read"])
  allow.owner()
  allow.ownersDefinedIn("editors").to(["read", "update", "delete"])
  allow.groupDefinedIn("team").to(["read"])
  allow.guest().to(["read"])
  allow.authenticated("oidc").to(["get"])
  allow.authenticated("identityPool").to(["list"])
  allow.publicApiKey().to(["listen"])
  allow.custom().to(["create"])
}
mutation publish(id: id!): Post { allow.group("EDITORS")  allow.publicApiKey() }
storage articles {
  "drafts/*": [allow.groups(["EDITORS"]).to(["read", "write"]), allow.guest.to(["get"])]
  "drafts/old/*": [allow.groups(["EDITORS"]).to(["read"]), allow.resource(indexer).to(["read"])]
  "mine/{entity_id}/*": [allow.entity("identity").to(["read", "write", "delete"])]
}
"#;

/// Whole policies: [`EVERYTHING`], and the examples without their tests and invariants.
fn sources() -> Vec<String> {
    let examples = admit_tests::examples().into_iter().map(|(_, sources)| {
        let texts = sources.iter().map(|source| String::from_utf8(source.text.clone()).unwrap());
        texts.map(|text| rules_of(&text)).collect::<String>()
    });
    examples.chain([EVERYTHING.to_owned(), GUARDED.to_owned()]).collect()
}

/// A file's declarations that say who may do what, as part of one file: in the one layout a block ends with its line.
fn rules_of(text: &str) -> String {
    let (mut kept, mut skips) = (String::new(), false);
    for line in text.lines() {
        skips |= line.starts_with("test ") || line.starts_with("invariant ");
        if !skips && !line.starts_with("use ") {
            kept.push_str(line);
            kept.push('\n');
        }
        skips &= line != "}";
    }
    kept
}

/// A policy with the assertions that its coverage offers.
fn completed(text: &str) -> String {
    let missing = tested(&policy(text), |_, coverage| {
        let lines = coverage.rules.into_iter().flat_map(|rule| rule.missing).filter(|line| !line.starts_with("//"));
        // One assertion may be offered for several rules.
        lines.collect::<std::collections::BTreeSet<String>>()
    });
    let tests = missing.iter().enumerate().map(|(number, line)| format!("test \"{number}\" {{ {line} }}\n"));
    text.to_owned() + &tests.collect::<String>()
}

#[test]
fn assertions_that_are_offered_hold_and_cover() {
    for text in sources() {
        let policy = policy(&completed(&text));
        tested(&policy, |asserted, coverage| {
            assert_eq!(testing::run(&policy, &Defined(&policy), |_| true), asserted, "by the definition, by the table");
            let failing: Vec<_> = asserted.iter().filter(|one| !one.holds()).collect();
            assert!(failing.is_empty(), "{failing:#?}");
            let missing = coverage.rules.iter().flat_map(|rule| &rule.missing);
            let open: Vec<_> = missing.filter(|line| !line.starts_with("//")).collect();
            assert!(open.is_empty(), "{open:#?}");
            assert!(coverage.percent() > 97.0, "{}: {coverage:#?}", coverage.percent());
        });
    }
}

#[test]
fn tests_that_cover_every_cell_notice_nearly_every_change() {
    for text in sources() {
        let policy = policy(&completed(&text));
        tested(&policy, |asserted, coverage| {
            let mutation = mutate::run(&policy, asserted, mutate::DEFAULT_BUDGET);
            let unnoticed: Vec<_> = mutation.changes.iter().filter(|change| !change.is_noticed).collect();
            assert!(
                mutation.percent() > 75.0,
                "{} of {} cells: {unnoticed:#?}",
                mutation.percent(),
                coverage.percent()
            );
            assert_eq!(mutation.untried, 0);
        });
    }
}

#[test]
fn a_budget_leaves_changes_over_and_says_so() {
    let policy = policy(&completed(EVERYTHING));
    tested(&policy, |asserted, _| {
        let all = mutate::run(&policy, asserted, mutate::DEFAULT_BUDGET);
        let some = mutate::run(&policy, asserted, 10);
        assert!(some.untried > 0);
        assert_eq!(some.changes.len() + some.untried, all.changes.len());
    });
}

/// Rules with conditions, `.and` and denies, in every place where they may stand.
const GUARDED: &str = r#"
auth {
  groups: ["ADMINS", "EDITORS", "SUSPENDED"]
  claims: { "custom:tenant": string, level: integer, mfa: boolean }
}
data { authorizationModes: ["userPool", "identityPool"]  defaultAuthorizationMode: "userPool" }
model Post {
  title: string
  state: enum ["draft", "published"]
  tenant: string
  count: integer
  tags: string[]
  due: datetime
  notes: string {
    allow.group("ADMINS")
    allow.groups(["EDITORS"]).to(["read", "update"]).when(record.state == "draft")
    deny.group("SUSPENDED").to(["read"])
  }
  allow.group("ADMINS").when(record.tenant == claims["custom:tenant"])
  allow.groups(["EDITORS"]).to(["read", "update"]).when(record.state == "draft" && !(record.count > 3))
  allow.owner().and(group("EDITORS")).to(["create", "read", "update"])
  allow.guest().to(["read"]).when(record.state == "published")
  allow.authenticated().to(["get"]).when("open" in record.tags || claims.mfa)
  allow.authenticated("identityPool").to(["list"]).when(record.due < "2026-01-01T00:00:00Z")
  allow.groupDefinedIn("tenant").to(["create"]).when(input.title.startsWith("A"))
  deny.group("SUSPENDED").to(["update", "delete"]).when(record.state != "draft")
}
mutation publish(id: id!): Post {
  allow.group("EDITORS").when(claims.level >= 3)
  deny.group("SUSPENDED")
}
storage articles {
  "drafts/*": [
    allow.groups(["EDITORS"]).to(["read", "write"]).when(claims.mfa),
    deny.groups(["SUSPENDED"]).to(["write"])
  ]
}
"#;

/// The same as [`completed`], by the definition: the rules decide, whatever the table makes of them.
#[test]
fn conditions_ands_and_denies_have_cells_that_assertions_cover() {
    let text = GUARDED.to_owned();
    let before = policy(&text);
    let missing: std::collections::BTreeSet<String> = {
        let coverage = Coverage::of(&before, &Defined(&before), &[]);
        assert!(coverage.covered() == 0 && coverage.cells() > 90, "{}", coverage.cells());
        coverage.rules.into_iter().flat_map(|rule| rule.missing).collect()
    };
    let (open, missing): (Vec<String>, Vec<String>) = missing.into_iter().partition(|line| line.starts_with("//"));
    assert!(open.is_empty(), "{open:#?}");
    let tests = missing.iter().enumerate().map(|(number, line)| format!("test \"{number}\" {{ {line} }}\n"));
    let after = policy(&(text + &tests.collect::<String>()));
    let asserted = testing::run(&after, &Defined(&after), |_| true);
    assert!(asserted.iter().all(Asserted::holds));
    assert!(Coverage::of(&after, &Defined(&after), &asserted).percent() == 100.0);
}

/// The verdict of the one assertion of a test, by the definition.
fn verdict(rules: &str, assertion: &str) -> testing::Verdict {
    let fields = "title: string  note: string  state: string";
    let text = format!("auth {{}}\nmodel Post {{ {fields} {rules} }}\ntest \"it\" {{ {assertion} }}");
    let policy = policy(&text);
    testing::run(&policy, &Defined(&policy), |_| true)[0].outcomes[0].verdict
}

#[test]
fn a_cannot_is_decided_over_every_input_or_undecided() {
    use testing::Verdict::{Fails, Holds, Undecided};
    let update = "user { sub: \"1\" } cannot [\"update\"] Post { state: \"draft\" }";
    let rule = |condition: &str| format!("allow.authenticated().to([\"update\"]).when({condition})");
    // Some input makes it true, though most do not.
    assert_eq!(verdict(&rule("input.title.startsWith(\"A\") && input.note == input.title"), update), Fails);
    // None does, for the stored record says otherwise.
    assert_eq!(verdict(&rule("input.title == \"A\" && record.state == \"published\""), update), Holds);
    assert_eq!(
        verdict(&rule("input.title == \"A\" && input.title == input.note && input.note != \"A\""), update),
        Holds
    );
    // Nobody enumerates texts that are looked for in each other.
    assert_eq!(verdict(&rule("input.title.contains(input.note) && record.state == \"published\""), update), Undecided);
    // What is named alone decides.
    let named = "user { sub: \"1\" } cannot [\"update\"] Post { state: \"draft\" } with { title: \"B\" }";
    assert_eq!(verdict(&rule("input.title.contains(input.note)"), named), Holds);
}

#[test]
fn an_update_that_changes_nothing_is_no_update() {
    let cannot = "user { sub: \"1\" } cannot [\"update\"] Post {}";
    assert_eq!(verdict("allow.authenticated().to([\"delete\"])", cannot), testing::Verdict::Holds);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(admit_tests::cases(12)))]

    /// Of any policy, what the table and the definition offer for the cells that nothing covers is the same, and of
    /// what is offered nothing is a fault of the checker's: it says what to write.
    #[test]
    fn what_is_offered_is_so_by_definition_and_table(policy in generate::policy(Forms::All)) {
        let bytes = table(&policy, false).unwrap();
        let loaded = admit_runtime::Policy::from_bytes(&bytes).unwrap();
        let by_table = Coverage::of(&policy, &loaded, &[]);
        prop_assert_eq!(&by_table, &Coverage::of(&policy, &Defined(&policy), &[]));
        let offered = by_table.rules.iter().flat_map(|rule| &rule.missing).filter(|line| !line.starts_with("//"));
        prop_assert!(offered.count() > 0);
    }
}
