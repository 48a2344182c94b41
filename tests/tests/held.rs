//! Callers of many groups: those that stand in a principal, those that are looked up again, and those that are refused.

use admit_runtime::{Caller, MAX_HELD, Mode, Policy, PrincipalError, Request, Value};
use std::fmt::Write;

/// More groups than anybody may hold. `LAST` opens `Last`; the guarded models need two of the groups.
const GROUPS: usize = MAX_HELD + 100;

fn policy() -> Vec<u8> {
    let names: Vec<String> = (0..GROUPS).map(|number| format!("G{number}")).collect();
    let list = names.iter().fold(String::new(), |mut all, name| {
        let _ = write!(all, "\"{name}\", ");
        all
    });
    let last = names.last().expect("there are groups");
    let text = format!(
        "auth {{\n  loginWith: {{ email: true }}\n  groups: [{list}\"LEAD\", \"STAFF\", \"RED\", \"BLUE\"]\n  \
         exclusive: [[\"RED\", \"BLUE\"]]\n}}\n\
         group \"LEAD\" {{ actsAs: [\"STAFF\"] }}\n\
         model Last {{\n  text: string\n  allow.group(\"{last}\").to([\"read\"])\n}}\n\
         model Both {{\n  text: string\n  allow.group(\"G0\").and(group(\"{last}\")).to([\"read\"])\n}}\n\
         model Staff {{\n  text: string\n  allow.group(\"STAFF\").to([\"read\"])\n}}\n"
    );
    let checked = admit_compiler::check(&[admit_compiler::Source { name: "many.policy".into(), text: text.into() }]);
    let policy = checked.policy.unwrap_or_else(|| panic!("{:?}", checked.diagnostics));
    admit_compiler::table(&policy, true).expect("fits")
}

/// Whether somebody of these groups may get a record of each model.
fn gets(policy: &Policy<'_>, groups: &[&str]) -> Result<[bool; 3], PrincipalError> {
    let claims = [("sub", Value::Text("1")), ("cognito:groups", Value::List(&groups))];
    let caller = Caller { claims: &claims, ..Caller::new(Mode::UserPool) };
    let gets = ["Last", "Both", "Staff"].map(|model| policy.action(model, "get").expect("there is such a model"));
    let once = gets.map(|get| policy.decide_once(&caller, get, &Request::on(&())).map(|one| one.is_allowed()));
    let user = policy.user(&claims);
    let all = gets.map(|get| user.as_ref().map(|user| policy.decide(user, get, &Request::on(&())).is_allowed()));
    assert_eq!(once, all.map(|one| one.map_err(|error| *error)), "asked once it is the same");
    user.map(|user| gets.map(|get| policy.decide(&user, get, &Request::on(&())).is_allowed()))
}

#[test]
fn nobody_loses_a_group_by_holding_many() {
    let table = policy();
    let policy = Policy::from_bytes(&table).expect("sound");
    let names: Vec<String> = (0..GROUPS).map(|number| format!("G{number}")).collect();
    let last = names.last().expect("there are groups").as_str();
    for count in [0, 1, 7, 8, 9, 27, 28, 29, 99, 100, 111, 112, 113, 225, 500, MAX_HELD - 2] {
        let others: Vec<&str> = names[..count].iter().map(String::as_str).collect();
        assert_eq!(gets(&policy, &others), Ok([false; 3]), "{count} groups");
        for first in [false, true] {
            // Those that decide stand first, or behind all others.
            let with = |more: &[&'static str], last: &[&str]| -> Vec<String> {
                let all = more.iter().chain(last).map(|name| (*name).to_owned());
                let others = others.iter().map(|name| (*name).to_owned());
                if first { all.chain(others).collect() } else { others.chain(all).collect() }
            };
            let ask = |groups: &[String]| gets(&policy, &groups.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(ask(&with(&[], &[last])), Ok([true, count > 0, false]), "{count} groups and the last");
            assert_eq!(ask(&with(&["LEAD"], &[])), Ok([false, false, true]), "{count} groups and the lead");
            assert_eq!(ask(&with(&["unknown"], &[])), Ok([false; 3]), "{count} groups and one that is none");
            assert_eq!(ask(&with(&["RED"], &[])), Ok([false; 3]), "{count} groups and one of the exclusive");
            assert_eq!(ask(&with(&["RED", "BLUE"], &[])), Err(PrincipalError::ExclusiveGroups), "{count} groups");
        }
    }
}

#[test]
fn a_group_that_stands_twice_counts_once_and_too_many_are_refused() {
    let table = policy();
    let policy = Policy::from_bytes(&table).expect("sound");
    let names: Vec<String> = (0..GROUPS).map(|number| format!("G{number}")).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(gets(&policy, &all[..MAX_HELD]), Ok([false; 3]));
    assert_eq!(gets(&policy, &all[..=MAX_HELD]), Err(PrincipalError::TooManyGroups { limit: MAX_HELD }));
    let twice = [&all[..MAX_HELD], &all[..MAX_HELD]].concat();
    assert_eq!(gets(&policy, &twice), Ok([false; 3]));
}

#[test]
fn an_operation_is_its_name_and_nothing_else() {
    let table = policy();
    let policy = Policy::from_bytes(&table).expect("sound");
    for name in ["get", "list", "sync", "listen", "search", "create", "update", "delete", "relation"] {
        assert!(policy.action("Last", name).is_ok(), "{name}");
        for other in [format!("{name}\0"), format!("{name}\0\0\0\0"), format!("\0{name}"), name[1..].to_owned()] {
            assert!(policy.action("Last", &other).is_err(), "{other:?}");
        }
    }
    for name in ["", "\0", "\0\0\0\0\0\0\0\0", "GET", "write", "call", "relations"] {
        assert!(policy.action("Last", name).is_err(), "{name:?}");
    }
    assert!(policy.action("Last\0", "get").is_err());
}
