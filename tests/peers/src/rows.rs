//! Rows that groups alone do not decide: owners, groups in the record, storage. A kind of row is one entry of [`all`].
//! Always: resolved; half of the requests are allowed, and each answer is checked before anything is timed.

use crate::measure::{self, Times};
use admit_runtime::{Action, Caller, Mode, Policy, Principal, Request, Value};

const COUNT: usize = 256;

/// The policy: a model and a path for each kind of row.
fn policy() -> String {
    let mut out = String::from("auth {\n  loginWith: { email: true }\n  groups: [\"A\", \"B\", \"C\"]\n}\n");
    for at in 0..64 {
        out += &format!("model Owned{at} {{\n  owner: string\n  allow.owner().identityClaim(\"sub\")\n}}\n");
        out += &format!("model Team{at} {{\n  team: string\n  allow.groupDefinedIn(\"team\")\n}}\n");
    }
    out += "storage files {\n";
    for at in 0..64 {
        out += &format!("  \"area{at}/*\": [allow.groups([\"A\"]).to([\"read\"])]\n");
    }
    out + "  \"own/{entity_id}/*\": [allow.entity(\"identity\").to([\"read\"])]\n}\n"
}

/// The time a decision takes, a kind of row each.
pub fn all() -> Vec<(&'static str, Times)> {
    let bytes = crate::table(&policy(), true);
    let policy = Policy::from_bytes(&bytes).expect("it loads");
    let groups = ["A", "C"];
    let claims = [("sub", Value::Text("5f0c-1")), ("cognito:groups", Value::List(&groups))];
    let caller = Caller { claims: &claims, identity_id: Some("eu:5f0c-1"), ..Caller::new(Mode::UserPool) };
    let user = policy.principal(caller).expect("few groups");
    let models = |kind: &str| -> Vec<Action> {
        (0..COUNT).map(|at| policy.action(&format!("{kind}{}", at % 64), "get").expect("a model")).collect()
    };
    let record = |field: &'static str, right: &'static str| {
        move |at: usize| [(field, Value::Text(if at.is_multiple_of(2) { right } else { "somebody" }))]
    };
    let files = policy.storage("files", "get").expect("a bucket");
    let keys = |area: fn(usize) -> String| -> Vec<String> { (0..COUNT).map(area).collect() };
    let areas = keys(|at| if at % 2 == 0 { format!("area{}/a/b.txt", at % 64) } else { format!("none{at}/b.txt") });
    let own = keys(|at| format!("own/eu:5f0c-{}/a.txt", 1 + at % 2));
    let (owned, teams) = (models("Owned"), models("Team"));
    vec![
        ("owner", on_records(&policy, &user, &owned, record("owner", "5f0c-1"))),
        ("dynamic-group", on_records(&policy, &user, &teams, record("team", "C"))),
        ("storage", on_keys(&policy, &user, files, &areas)),
        ("storage-own", on_keys(&policy, &user, files, &own)),
    ]
}

fn on_records(
    policy: &Policy<'_>,
    user: &Principal<'_>,
    actions: &[Action],
    record: impl Fn(usize) -> [(&'static str, Value<'static>); 1],
) -> Times {
    let ask = |at: usize| policy.decide(user, actions[at], &Request::on(&record(at))).is_allowed();
    time(&ask)
}

fn on_keys(policy: &Policy<'_>, user: &Principal<'_>, action: Action, keys: &[String]) -> Times {
    time(&|at: usize| policy.decide(user, action, &Request::key(&keys[at])).is_allowed())
}

fn time(ask: &dyn Fn(usize) -> bool) -> Times {
    assert!((0..COUNT).all(|at| ask(at) == (at % 2 == 0)), "every other request is allowed");
    measure::in_turns(&[&ask], COUNT, 200)[0]
}
