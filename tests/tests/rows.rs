//! The differences on purpose: each row of the table in `docs/amplify.md` is held by a test here.

use admit_compiler::{Source, check};
use admit_tests::compare::policy_of;
use serde_json::{Value, json};

/// The answer to a request.
fn ask(policy: &str, request: Value) -> Value {
    let bytes = policy_of(policy).unwrap();
    let loaded = admit_runtime::Policy::from_bytes(&bytes).unwrap();
    let answer = admit_cli::requests::answer(&loaded, &request.to_string());
    assert!(answer.get("error").is_none(), "{answer}");
    answer
}

fn allowed(policy: &str, request: Value) -> bool {
    ask(policy, request)["decision"] == "allow"
}

/// The codes that a policy is told.
fn codes(policy: &str) -> Vec<&'static str> {
    let checked = check(&[Source { name: "row.policy".into(), text: policy.into() }]);
    checked.diagnostics.iter().map(|one| one.code).collect()
}

fn user(claims: Value) -> Value {
    json!({"mode": "userPool", "claims": claims})
}

fn string_claims() {
    let policy = "auth { groups: [\"Admin\"] }\nmodel A { teams: string[]  allow.group(\"Admin\").withClaimIn(\"role\").to([\"read\"])  allow.groupsDefinedIn(\"teams\").withClaimIn(\"role\").to([\"read\"]) }";
    let get = |role: Value| {
        allowed(policy, json!({"principal": user(json!({"role": role})), "operation": "get", "model": "A"}))
    };
    assert!(!get(json!("SuperAdmins")) && !get(json!("Admin,Other")));
    assert!(get(json!("Admin")) && get(json!("[\"Admin\"]")) && get(json!(["Admin"])));
    let list = ask(policy, json!({"principal": user(json!({"role": "Red"})), "operation": "list", "model": "A"}));
    assert_eq!(list["filter"], json!({"or": [{"field": "teams", "containsAny": ["Red"]}]}));
}

const LISTED: &str = "auth { groups: [\"B\"] }\nmodel A { title: string  note: string { allow.owner() }  allow.owner()  allow.group(\"B\").to([\"list\"]) }";

fn list_only_roles() {
    let member = user(json!({"sub": "1", "username": "b", "cognito:groups": ["B"]}));
    let list = ask(LISTED, json!({"principal": member, "operation": "list", "model": "A"}));
    let fields = list["fields"].as_array().unwrap();
    assert!(fields.contains(&json!("title")) && !fields.contains(&json!("note")), "{list}");
}

fn roles_that_get() {
    let policy = "auth { groups: [\"B\"] }\nmodel A { title: string  note: string { allow.group(\"B\") }  allow.group(\"B\").to([\"get\"]) }";
    let member = user(json!({"cognito:groups": ["B"]}));
    let list = ask(policy, json!({"principal": member, "operation": "list", "model": "A"}));
    assert!(list["fields"].as_array().unwrap().contains(&json!("title")), "it may get it, so a list shows it: {list}");
}

fn mutation_results() {
    let policy =
        "auth { groups: [\"E\"] }\nmodel A { title: string  allow.owner()  allow.group(\"E\").to([\"update\"]) }";
    let editor = user(json!({"sub": "1", "username": "e", "cognito:groups": ["E"]}));
    let update = |owner: &str| {
        let request = json!({"principal": editor, "operation": "update", "model": "A", "record": {"owner": owner}, "input": {"title": "x"}});
        ask(policy, request)
    };
    assert_eq!(update("2::other")["fields"], json!([]), "who may write need not be shown the record");
    assert!(update("1::e").get("fields").is_none(), "its owner is");
}

fn rules_are_or_ed() {
    let policy = "auth {}\nmodel A { title: string  note: string { allow.owner().to([\"read\"])  allow.owner().to([\"create\"]) }  allow.owner() }";
    let owner = user(json!({"sub": "1", "username": "o"}));
    let get = ask(policy, json!({"principal": owner, "operation": "get", "model": "A", "record": {"owner": "o"}}));
    assert!(get["fields"].as_array().unwrap().contains(&json!("note")), "{get}");
    assert!(codes(policy).contains(&"W0703"));
    assert!(codes("auth {}\nmodel A { allow.owner()  allow.owner().to([\"read\"]) }").contains(&"W0702"));
    assert_eq!(
        codes("auth {}\nstorage s { \"a/*\": [allow.guest.to([\"get\"]), allow.guest.to([\"list\"])] }"),
        ["E0605"]
    );
}

fn unknown_groups() {
    assert_eq!(codes("auth { groups: [] }\nmodel A { allow.group(\"NOBODY\") }"), ["E0203"]);
}

fn empty_lists() {
    assert_eq!(codes("auth {}\nmodel A { allow.groups([]) }"), ["E0311"]);
    assert_eq!(codes("auth {}\nmodel A { allow.owner().to([]) }"), ["E0311"]);
    assert_eq!(codes("auth {}\nstorage s { \"a/*\": [] }"), ["E0311"]);
}

fn dropped_rules() {
    assert_eq!(codes("auth {}\ntype T { a: string { allow.owner() } }"), ["E0407"]);
    assert_eq!(codes("auth {}\ndata { allow.owner() }\nquery q: string { handler: function }"), ["E0411"]);
    let modes = "data { authorizationModes: [\"apiKey\"] }\n";
    assert_eq!(codes(&format!("{modes}model A {{ allow.guest().to([\"read\"]) }}")), ["E0505"]);
    assert_eq!(codes(&format!("{modes}model A {{ allow.owner() }}")), ["E0502"]);
    assert_eq!(codes("model A { allow.guest().to([\"read\"]) }"), ["W0706"]);
}

fn undeclared_fields() {
    for rule in ["ownersDefinedIn", "groupDefinedIn", "groupsDefinedIn"] {
        assert_eq!(codes(&format!("auth {{}}\nmodel A {{ title: string  allow.{rule}(\"who\") }}")), ["E0403"]);
    }
    assert_eq!(codes("auth {}\nmodel A { title: string  allow.ownerDefinedIn(\"who\") }"), [""; 0]);
}

fn reserved_names() {
    let policy = "auth { groups: [\"authenticatedUserIamRole\"] }\nstorage s { \"a/*\": [allow.groups([\"authenticatedUserIamRole\"]).to([\"read\"])] }";
    assert_eq!(codes(policy), ["E0205"]);
}

fn two_owners_of_one_field() {
    let policy = "auth {}\nmodel A { title: string  allow.owner()  allow.owner().identityClaim(\"email\") }";
    let get = |claims: Value, owner: &str| {
        let request = json!({"principal": user(claims), "operation": "get", "model": "A", "record": {"owner": owner}});
        allowed(policy, request)
    };
    assert!(get(json!({"sub": "1", "username": "o"}), "1::o"));
    assert!(get(json!({"email": "o@example.com"}), "o@example.com"));
    assert!(!get(json!({"sub": "2", "username": "p", "email": "p@example.com"}), "1::o"));
}

fn refused_early() {
    assert_eq!(codes("auth { groups: [\"my group\"] }"), ["E0204"]);
    assert_eq!(codes("auth {}\nstorage s { \"a/*\": [allow.entity(\"identity\").to([\"read\"])] }"), ["E0607"]);
    assert_eq!(codes("auth {}\nstorage s { \"a/{entity_id}/*\": [allow.entity(\"user\").to([\"read\"])] }"), ["E0607"]);
    assert_eq!(
        codes("function f\ndata { allow.resource(f).to([\"read\"])  allow.publicApiKey().to([\"get\"]) }"),
        ["E0309"]
    );
    assert_eq!(codes("auth {}\nmodel A { a: string {}  allow.owner() }"), ["E0406"]);
}

fn literal_paths() {
    let policy = "auth {}\nstorage s { \"a/{identity_id}/*\": [allow.guest.to([\"read\"])] }";
    assert_eq!(codes(policy), ["W0709"]);
    let get = |key: &str| {
        allowed(policy, json!({"principal": {"mode": "guest"}, "operation": "get", "storage": "s", "key": key}))
    };
    assert!(get("a/{identity_id}/x") && !get("a/1/x"));
}

fn limits_of_generators() {
    let policy = "auth {}\nstorage s { \"a/*\": [allow.guest.to([\"get\"])]  \"a/b/*\": [allow.guest.to([\"get\"])]  \"a/b/c/*\": [allow.guest.to([\"get\"])] }";
    assert_eq!(codes(policy), ["W0710"]);
    let names: Vec<String> = (0..300).map(|number| format!("\"G{number}\"")).collect();
    let names = names.join(", ");
    assert_eq!(codes(&format!("auth {{ groups: [{names}] }}\nmodel A {{ allow.groups([{names}]) }}")), ["W1405"]);
}

fn one_role_or_all() {
    let policy = |roles: &str| {
        format!(
            "auth {{ groups: [\"A\", \"B\"] {roles} }}\nstorage s {{ \"a/*\": [allow.authenticated.to([\"read\"])] \"b/*\": [allow.groups([\"B\"]).to([\"read\"])] \"c/*\": [allow.groups([\"A\"]).to([\"read\"])] }}"
        )
    };
    let get = |roles: &str, key: &str| {
        let caller = json!({"mode": "identityPool", "groups": ["B", "A"]});
        allowed(&policy(roles), json!({"principal": caller, "operation": "get", "storage": "s", "key": key}))
    };
    let keys = ["a/x", "b/x", "c/x"];
    assert_eq!(keys.map(|key| get("", key)), [true, true, true]);
    assert_eq!(keys.map(|key| get("roles: \"preferred\"", key)), [false, false, true]);
}

fn iam_callers() {
    let policy = "function f\nfunction g\ndata { allow.resource(f).to([\"query\"]) }\nmodel A { allow.publicApiKey().to([\"read\"]) }";
    let may = |principal: Value, operation: &str| {
        allowed(policy, json!({"principal": principal, "operation": operation, "model": "A"}))
    };
    assert!(
        may(json!({"mode": "function", "name": "f"}), "get")
            && !may(json!({"mode": "function", "name": "f"}), "delete")
    );
    assert!(!may(json!({"mode": "function", "name": "g"}), "get"));
    assert!(!may(json!({"mode": "iam"}), "get") && may(json!({"mode": "iam", "trusted": true}), "delete"));
}

fn owners_give_away() {
    let policy = "auth {}\nmodel A { owner: string  allow.owner() }";
    let owner = user(json!({"sub": "1", "username": "o"}));
    let give = json!({"principal": owner, "operation": "update", "model": "A", "record": {"owner": "1::o"}, "input": {"owner": "2::p"}});
    assert!(allowed(policy, give));
    assert_eq!(codes(policy), ["W0704"]);
}

fn listed_children() {
    let policy = "auth { groups: [\"A\"] }\nstorage s { \"m/*\": [allow.authenticated.to([\"read\"])]  \"m/p/*\": [allow.groups([\"A\"]).to([\"read\"])] }";
    let caller = json!({"mode": "identityPool"});
    let may = |operation: &str, key: &str| {
        allowed(policy, json!({"principal": caller, "operation": operation, "storage": "s", "key": key}))
    };
    assert!(may("list", "m/") && !may("list", "m/p/") && !may("get", "m/p/x"));
    assert_eq!(codes(policy), ["W0719"]);
}

/// Each row of the table, by how its first cell begins, and what holds it.
const ROWS: [(&str, fn()); 18] = [
    ("A group claim that is a string", string_claims),
    ("A role that may list and not get", list_only_roles),
    ("A role that may get records", roles_that_get),
    ("`create`, `update` and `delete` return", mutation_results),
    ("One role in two rules of a model", rules_are_or_ed),
    ("A data rule may name a group", unknown_groups),
    ("`groups([])`, `.to([])`", empty_lists),
    ("Rules on scalar fields of custom types", dropped_rules),
    ("An undeclared field of `ownersDefinedIn`", undeclared_fields),
    ("Storage rules for a group called", reserved_names),
    ("Two owner rules with different claims", two_owners_of_one_field),
    ("The synthesizer takes what Cognito", refused_early),
    ("Paths such as `a/{identity_id}/*`", literal_paths),
    ("AWS's generators have limits", limits_of_generators),
    ("A user acts in storage through one role", one_role_or_all),
    ("A caller with IAM credentials", iam_callers),
    ("An owner may put another name", owners_give_away),
    ("`list` of a folder also names", listed_children),
];

#[test]
fn every_row_is_held() {
    let page = include_str!("../../docs/amplify.md");
    let table = page.split("## Where Admit differs on purpose").nth(1).unwrap();
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ")).skip(2).collect();
    assert_eq!(rows.len(), ROWS.len(), "{rows:#?}");
    for ((begins, holds), row) in ROWS.iter().zip(rows) {
        assert!(row[2..].starts_with(begins), "{begins} / {row}");
        holds();
    }
}
