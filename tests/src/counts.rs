//! How many instructions decisions take, counted by valgrind: a clock is noisy, and this is not.
//! Always: a case that takes over 5 % more than `tests/counts.txt` says fails; `--update` writes that file anew.

use crate::{compare, large};
use admit_runtime::{Action, Caller, Mode, Policy, Principal, Request, Value};
use std::fmt::Write;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;

/// How often each case runs.
const TIMES: usize = 256;
/// More than this share above the baseline fails.
const MARGIN: f64 = 0.05;

/// The largest policy, and a model and a bucket with every other kind of row.
fn policy() -> String {
    large::policy(10_000, 2_000)
        + r#"
model Note {
  text: string
  secret: string { allow.groups(["GROUP_1"]) }
  team: string
  allow.owner().to(["create", "read", "update"])
  allow.groupDefinedIn("team").to(["read"])
}
storage files {
  "shared/*": [allow.groups(["GROUP_1"]).to(["read"]), allow.guest().to(["get"])]
  "shared/deep/*": [allow.groups(["GROUP_2"]).to(["read"])]
  "own/{entity_id}/*": [allow.entity("identity").to(["read", "write"])]
}
"#
}

/// What is counted, and nothing else: valgrind is told this name.
#[inline(never)]
fn counted(one: &mut dyn FnMut(usize)) {
    (0..TIMES).for_each(one);
}

type Case = (&'static str, fn(&Policy<'_>));

const CASES: [Case; 11] = [
    ("load", load),
    ("principal, 5 groups", principal),
    ("principal, 100 groups", principal_of_many),
    ("action", action),
    ("decide by groups", decide),
    ("from strings", full),
    ("from strings, once", once),
    ("owner", owner),
    ("group in record", group_in_record),
    ("update of fields", update),
    ("storage", storage),
];

fn group_names(count: usize, seed: usize) -> Vec<String> {
    (0..count).map(|at| format!("GROUP_{}", (seed * 24 + at * 1_009) % 10_000)).collect()
}

fn load(policy: &Policy<'_>) {
    let bytes = policy.as_bytes();
    let mut once = true;
    counted(&mut |_| {
        if std::mem::take(&mut once) {
            black_box(Policy::from_bytes(black_box(bytes)).is_ok());
        }
    });
}

fn principals(policy: &Policy<'_>, count: usize) {
    let names: Vec<Vec<String>> = (0..TIMES).map(|at| group_names(count, at)).collect();
    let lists: Vec<Vec<&str>> = names.iter().map(|names| names.iter().map(String::as_str).collect()).collect();
    let slices: Vec<&[&str]> = lists.iter().map(Vec::as_slice).collect();
    let claims: Vec<_> = slices.iter().map(|slice| [("cognito:groups", Value::List(slice))]).collect();
    counted(&mut |at| {
        black_box(policy.user(black_box(&claims[at])).is_ok());
    });
}

fn principal(policy: &Policy<'_>) {
    principals(policy, 5);
}

fn principal_of_many(policy: &Policy<'_>) {
    principals(policy, 100);
}

fn action(policy: &Policy<'_>) {
    let names: Vec<String> = (0..TIMES).map(|at| format!("Model{}", at * 7)).collect();
    counted(&mut |at| {
        black_box(policy.action(black_box(&names[at]), "update").is_ok());
    });
}

/// The claims of a caller: his groups.
type Claims<'c> = [(&'c str, Value<'c>); 1];

/// Calls `visit` with callers in groups of theirs, of which every other may read the model at hand.
fn with_groups(visit: &mut dyn FnMut(&[Claims<'_>])) {
    let names: Vec<Vec<String>> = (0..TIMES).map(|at| group_names(4 + at % 2, at * 7)).collect();
    let lists: Vec<Vec<&str>> = names.iter().map(|names| names.iter().map(String::as_str).collect()).collect();
    let slices: Vec<&[&str]> = lists.iter().map(Vec::as_slice).collect();
    let claims: Vec<_> = slices.iter().map(|slice| [("cognito:groups", Value::List(slice))]).collect();
    visit(&claims);
}

fn model(at: usize) -> String {
    format!("Model{}", if at.is_multiple_of(2) { at * 7 } else { at })
}

fn decide(policy: &Policy<'_>) {
    with_groups(&mut |claims| {
        let users: Vec<Principal<'_>> = claims.iter().map(|claims| policy.user(claims).expect("few groups")).collect();
        let actions: Vec<Action> = (0..TIMES).map(|at| policy.action(&model(at), "get").expect("a model")).collect();
        counted(&mut |at| {
            black_box(policy.decide(&users[at], actions[at], &Request::new()).is_allowed());
        });
    });
}

fn full(policy: &Policy<'_>) {
    let names: Vec<String> = (0..TIMES).map(model).collect();
    with_groups(&mut |claims| {
        counted(&mut |at| {
            let user = policy.user(black_box(&claims[at])).expect("few groups");
            let action = policy.action(black_box(&names[at]), "get").expect("a model");
            black_box(policy.decide(&user, action, &Request::new()).is_allowed());
        });
    });
}

fn once(policy: &Policy<'_>) {
    let names: Vec<String> = (0..TIMES).map(model).collect();
    with_groups(&mut |claims| {
        counted(&mut |at| {
            let caller = Caller { claims: black_box(&claims[at]), ..Caller::new(Mode::UserPool) };
            let action = policy.action(black_box(&names[at]), "get").expect("a model");
            let decision = policy.decide_once(&caller, action, &Request::new());
            black_box(decision.is_ok_and(|decision| decision.is_allowed()));
        });
    });
}

fn on_note(policy: &Policy<'_>, operation: &str, request: impl Fn(usize, &mut dyn FnMut(&Request<'_>))) {
    let groups = ["GROUP_7", "TEAM"];
    let claims =
        [("sub", Value::Text("1")), ("username", Value::Text("eve")), ("cognito:groups", Value::List(&groups))];
    let eve = policy.user(&claims).expect("few groups");
    let action = policy.action("Note", operation).expect("a model");
    counted(&mut |at| {
        request(at, &mut |request| {
            black_box(policy.decide(&eve, action, black_box(request)).is_allowed());
        });
    });
}

fn owner(policy: &Policy<'_>) {
    on_note(policy, "get", |at, ask| {
        ask(&Request::on(&[("owner", Value::Text(if at % 2 == 0 { "1::eve" } else { "2::bob" }))]));
    });
}

fn group_in_record(policy: &Policy<'_>) {
    on_note(policy, "get", |at, ask| {
        ask(&Request::on(&[("team", Value::Text(if at % 2 == 0 { "TEAM" } else { "OTHER" }))]));
    });
}

fn update(policy: &Policy<'_>) {
    on_note(policy, "update", |at, ask| {
        let record = [("owner", Value::Text("1::eve"))];
        let input = [(if at % 2 == 0 { "text" } else { "secret" }, Value::Text("new"))];
        ask(&Request::on(&record).input(&input));
    });
}

fn storage(policy: &Policy<'_>) {
    let groups = ["GROUP_1"];
    let claims = [("cognito:groups", Value::List(&groups))];
    let caller = Caller { claims: &claims, identity_id: Some("me"), ..Caller::new(Mode::UserPool) };
    let user = policy.principal(caller).expect("few groups");
    let action = policy.storage("files", "get").expect("a bucket");
    let keys = ["shared/a.txt", "shared/deep/b.txt", "own/me/c.txt", "own/you/d.txt"];
    counted(&mut |at| {
        black_box(policy.decide(&user, action, &Request::key(black_box(keys[at % 4]))).is_allowed());
    });
}

/// What valgrind runs: one case, on the table in a file.
///
/// # Errors
/// If there is no such case, or the file is no table.
pub fn run(case: &str, table: &str) -> Result<String, String> {
    let bytes = std::fs::read(table).map_err(|error| error.to_string())?;
    let policy = Policy::from_bytes(&bytes).map_err(|error| error.to_string())?;
    let (_, run) = CASES.iter().find(|(name, _)| *name == case).ok_or("no such case")?;
    run(&policy);
    Ok(String::new())
}

/// Counts every case and compares it with the baseline, or writes the baseline.
///
/// # Errors
/// If some case takes over 5 % more instructions than the baseline says, or valgrind does not run.
pub fn measure(update: bool) -> Result<String, String> {
    let table = std::env::temp_dir().join(format!("admit-counts-{}.table", std::process::id()));
    let bytes = compare::policy_of(&policy())?;
    std::fs::write(&table, bytes).map_err(|error| error.to_string())?;
    let counts: Result<Vec<(&str, u64)>, String> =
        CASES.iter().map(|(case, _)| Ok((*case, count(case, &table)?))).collect();
    let _ = std::fs::remove_file(&table);
    let (counts, file) = (counts?, Path::new(env!("CARGO_MANIFEST_DIR")).join("counts.txt"));
    if update {
        let lines: String = counts.iter().map(|(case, count)| format!("{count:>9}  {case}\n")).collect();
        std::fs::write(&file, lines).map_err(|error| error.to_string())?;
    }
    let baseline = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    compared(&counts, &baseline)
}

/// The instructions of one case; per decision, where it decides.
fn count(case: &str, table: &Path) -> Result<u64, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=admit_tests::counts::counted"])
        .arg(program)
        .args(["count", case])
        .arg(table)
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let count = said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse::<u64>().ok());
    match count {
        Some(count) if count > TIMES as u64 => Ok(if case == "load" { count } else { count / TIMES as u64 }),
        _ => Err(format!("{case}: valgrind counts nothing:\n{said}")),
    }
}

fn compared(counts: &[(&str, u64)], baseline: &str) -> Result<String, String> {
    let before = |case: &str| {
        let lines = baseline.lines().filter_map(|line| line.trim().split_once("  "));
        lines.into_iter().find(|(_, name)| *name == case).and_then(|(count, _)| count.parse::<u64>().ok())
    };
    let mut out = format!("{:<24}{:>12}{:>12}\n", "instructions", "baseline", "now");
    let mut worse = Vec::new();
    for (case, now) in counts {
        let before =
            before(case).ok_or_else(|| format!("tests/counts.txt does not know `{case}`: run with --update"))?;
        let change = *now as f64 / before as f64 - 1.0;
        let _ = writeln!(out, "{case:<24}{before:>12}{now:>12} {:>+7.1} %", 100.0 * change);
        if change > MARGIN {
            worse.push(*case);
        }
    }
    match worse.is_empty() {
        true => Ok(out),
        false => Err(format!("{out}more than 5 % more instructions: {}", worse.join(", "))),
    }
}
