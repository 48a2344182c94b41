//! Conditions, denies, `.and`, groups that act as others and claims in paths, from text to decision.

use admit_compiler::definition::{self, Caller, Question, Record, Stored, Target, Value};
use admit_compiler::policy::Policy;
use admit_compiler::{Source, check};
use admit_runtime::{Authorizer, Mode, Operation};

const POLICY: &str = r#"
auth {
  loginWith: { email: true }
  groups: ["ADMINS", "EDITORS", "SUSPENDED"]
  claims: { "custom:tenant": string, mfa: boolean }
  readOnlyClaims: ["custom:tenant"]
}
group ADMINS { actsAs: ["EDITORS"] }
data { deny.group("SUSPENDED").to(["update", "delete"]) }
model Post {
  title: string
  state: enum ["draft", "published"]!
  secret: string { deny.authenticated().to(["update"]).when(record.state == "published") }
  allow.group("EDITORS").to(["read", "update"]).when(record.state == "draft")
  allow.group("ADMINS").to(["delete"]).when(claims.mfa)
  allow.owner().and(group("EDITORS")).to(["create", "delete"])
}
storage files {
  "tenants/{claims['custom:tenant']}/*": [allow.authenticated.to(["read"]), deny.group("SUSPENDED")]
  "tenants/shared/*": [allow.authenticated.to(["read"]).when(claims.mfa)]
}
"#;

fn policy() -> Policy {
    let checked = check(&[Source { name: "guards.policy".into(), text: POLICY.into() }]);
    checked.policy.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics))
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn record(fields: &[(&str, Value)]) -> Record {
    fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn user(group: &str, claims: &[(&str, Value)]) -> Caller {
    let own = [("sub", text("1")), ("username", text("eve")), ("cognito:groups", text(group))];
    let claims = record(&own).into_iter().chain(record(claims)).collect();
    Caller {
        mode: Mode::UserPool,
        claims,
        groups: None,
        identity_id: None,
        function: None,
        authorizer: Authorizer::NotAsked,
        trusted: false,
    }
}

fn may(caller: Caller, operation: Operation, stored: &[(&str, Value)], input: &[(&str, Value)]) -> bool {
    let question = Question {
        caller,
        target: Target::Model("Post".into(), operation),
        stored: Stored::Given(record(stored)),
        input: Some(record(input)),
        args: Record::new(),
        index: Vec::new(),
    };
    definition::decide(&policy(), &question).allowed
}

fn reads(caller: Caller, key: &str) -> bool {
    let question = Question {
        caller,
        target: Target::Storage { bucket: "files".into(), operation: Operation::Get, key: key.into() },
        stored: Stored::NotGiven,
        input: None,
        args: Record::new(),
        index: Vec::new(),
    };
    definition::decide(&policy(), &question).allowed
}

#[test]
fn a_condition_must_be_true() {
    let update =
        |state: Value| may(user("EDITORS", &[]), Operation::Update, &[("state", state)], &[("title", text("x"))]);
    assert!(update(text("draft")));
    assert!(!update(text("published")));
    assert!(!update(Value::Null), "what is unknown allows nothing");
    assert!(!may(user("EDITORS", &[]), Operation::Update, &[], &[("title", text("x"))]));
}

#[test]
fn a_deny_wins_and_counts_where_it_is_unknown() {
    let draft = [("state", text("draft"))];
    let both = text("[\"EDITORS\", \"SUSPENDED\"]");
    assert!(!may(user("", &[("cognito:groups", both)]), Operation::Update, &draft, &[("title", text("x"))]));
    let secret =
        |stored: &[(&str, Value)]| may(user("EDITORS", &[]), Operation::Update, stored, &[("secret", text("x"))]);
    assert!(secret(&draft));
    assert!(!secret(&[]));
}

#[test]
fn groups_act_as_others() {
    let draft = [("state", text("draft"))];
    assert!(may(user("ADMINS", &[]), Operation::Update, &draft, &[("title", text("x"))]));
    assert_eq!(policy().groups[0].acts_as, ["EDITORS"]);
}

#[test]
fn claims_may_be_texts() {
    let delete =
        |mfa: Value| may(user("ADMINS", &[("mfa", mfa)]), Operation::Delete, &[("state", text("published"))], &[]);
    assert!(delete(Value::Bool(true)));
    assert!(delete(text("true")));
    assert!(!delete(text("yes")) && !delete(Value::Null) && !delete(Value::Bool(false)));
}

#[test]
fn every_who_of_a_rule_is_needed() {
    let input = [("title", text("x")), ("state", text("draft"))];
    assert!(may(user("EDITORS", &[]), Operation::Create, &[], &input));
    assert!(!may(user("OTHERS", &[]), Operation::Create, &[], &input));
}

#[test]
fn a_claim_in_a_path_is_the_callers() {
    let of = |tenant: &str| user("EDITORS", &[("custom:tenant", text(tenant))]);
    assert!(reads(of("acme"), "tenants/acme/a.md"));
    assert!(!reads(of("acme"), "tenants/other/a.md"));
    assert!(
        !reads(of("acme/x"), "tenants/acme/x/a.md")
            && !reads(of(""), "tenants//a.md")
            && !reads(of(".."), "tenants/../a.md")
    );
    assert!(!reads(of("shared"), "tenants/shared/a.md"), "what a path says literally is not meant by the claim");
    assert!(!reads(user("SUSPENDED", &[("custom:tenant", text("acme"))]), "tenants/acme/a.md"));
}
