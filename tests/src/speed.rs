//! How long decisions take on the largest policy, beside a program that a user would write by hand with `HashMap`s.
//! Always: both give the same answer to every request before anything is timed, and both are timed in the same run.

use crate::large;
use admit_runtime::{Action, Policy, Principal, Request, Value};
use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::hint::black_box;
use std::time::Instant;

const BATCH: usize = 64;
const ROUNDS: usize = 2_000;

/// What a user would write by hand: model and operation to the groups that have it.
struct ByHand(HashMap<(String, String), HashSet<String>>);

impl ByHand {
    fn of(policy: &admit_compiler::policy::Policy) -> ByHand {
        let mut map: HashMap<(String, String), HashSet<String>> = HashMap::new();
        for model in &policy.models {
            for rule in &model.rules {
                let admit_compiler::policy::Who::Groups { names, .. } = &rule.who else { continue };
                for operation in OPERATIONS {
                    if rule.operations.meets(bits(operation)) {
                        let groups = map.entry((model.name.clone(), operation.to_owned())).or_default();
                        groups.extend(names.iter().cloned());
                    }
                }
            }
        }
        ByHand(map)
    }

    fn allows(&self, groups: &[&str], model: &str, operation: &str) -> bool {
        let allowed = self.0.get(&(model.to_owned(), operation.to_owned()));
        allowed.is_some_and(|allowed| groups.iter().any(|group| allowed.contains(*group)))
    }
}

const OPERATIONS: [&str; 4] = ["create", "get", "update", "delete"];

fn bits(operation: &str) -> admit_runtime::Operations {
    match operation {
        "create" => admit_runtime::Operations::CREATE,
        "get" => admit_runtime::Operations::GET,
        "update" => admit_runtime::Operations::UPDATE,
        _ => admit_runtime::Operations::DELETE,
    }
}

/// One request: a caller's groups, a model, an operation.
struct Asked {
    groups: Vec<String>,
    model: String,
    operation: &'static str,
}

/// Requests that hit and miss, always the same.
fn requests(groups: usize, models: usize) -> Vec<Asked> {
    let mut state = 0x2545_F491_4F6C_DD1Du64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    (0..BATCH * 16)
        .map(|_| {
            let model = next(models);
            // Every other caller holds a group of the model; all hold a few others.
            let own = (model * 24 + next(24)) % groups;
            let mut held: Vec<String> = (0..4).map(|_| format!("GROUP_{}", next(groups))).collect();
            if next(2) == 0 {
                held.push(format!("GROUP_{own}"));
            }
            Asked { groups: held, model: format!("Model{model}"), operation: OPERATIONS[next(4)] }
        })
        .collect()
}

/// The median and the 99th percentile, in nanoseconds a request, of batches.
fn time(mut one: impl FnMut(usize) -> bool, requests: usize) -> (f64, f64) {
    let mut batches: Vec<f64> = (0..ROUNDS)
        .map(|round| {
            let from = round * BATCH % requests;
            let start = Instant::now();
            for at in from..from + BATCH {
                black_box(one(at % requests));
            }
            start.elapsed().as_nanos() as f64 / BATCH as f64
        })
        .collect();
    batches.sort_by(f64::total_cmp);
    (batches[ROUNDS / 2], batches[ROUNDS * 99 / 100])
}

/// Compares and times; a line a case.
///
/// # Errors
/// If the two do not agree, or the policy does not build.
pub fn measure() -> Result<String, String> {
    let mut out = format!("{:<8}{:<34}{:>12}{:>12}{:>10}\n", "size", "case", "median ns", "p99 ns", "by hand");
    for (size, groups, models) in [("small", 20, 10), ("medium", 500, 100), ("large", 10_000, 2_000)] {
        let text = large::policy(groups, models);
        let checked = admit_compiler::check(&[admit_compiler::Source { name: "x.policy".into(), text: text.into() }]);
        let policy = checked.policy.ok_or_else(|| format!("{:?}", checked.diagnostics))?;
        let bytes = admit_compiler::table(&policy, true).map_err(|error| error.to_string())?;
        let loaded = Policy::from_bytes(&bytes).map_err(|error| error.to_string())?;
        let (by_hand, asked) = (ByHand::of(&policy), requests(groups, models));
        let held: Vec<Vec<&str>> = asked.iter().map(|one| one.groups.iter().map(String::as_str).collect()).collect();
        let lists: Vec<&[&str]> = held.iter().map(Vec::as_slice).collect();
        let claims: Vec<[(&str, Value<'_>); 1]> =
            lists.iter().map(|list| [("cognito:groups", Value::List(list))]).collect();
        let full = |at: usize| {
            let Ok(user) = loaded.user(&claims[at]) else { return false };
            let Ok(action) = loaded.action(&asked[at].model, asked[at].operation) else { return false };
            loaded.decide(&user, action, &Request::new()).is_allowed()
        };
        let hand = |at: usize| by_hand.allows(&held[at], &asked[at].model, asked[at].operation);
        // `create` is by `ownerDefinedIn` open to everybody: by hand one knows only groups.
        let comparable: Vec<usize> = (0..asked.len()).filter(|at| asked[*at].operation != "create").collect();
        if let Some(at) = comparable.iter().find(|at| full(**at) != hand(**at)) {
            return Err(format!("{size}: request {at} is decided in two ways"));
        }
        let users: Vec<Principal<'_>> = claims
            .iter()
            .map(|claims| loaded.user(claims))
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())?;
        let actions: Vec<Action> = asked
            .iter()
            .map(|one| loaded.action(&one.model, one.operation))
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())?;
        let count = comparable.len();
        let base = time(|at| hand(comparable[at % count]), count);
        let mut say = |case: &str, (median, p99): (f64, f64)| {
            let ratio = base.0 / median;
            let _ = writeln!(out, "{size:<8}{case:<34}{median:>12.0}{p99:>12.0}{ratio:>9.1}x");
        };
        say("by hand, HashMap, from strings", base);
        say("admit, from claims and names", time(|at| full(comparable[at % count]), count));
        let resolved = |at: usize| loaded.decide(&users[at], actions[at], &Request::new()).is_allowed();
        say("admit, caller and action resolved", time(|at| resolved(comparable[at % count]), count));
        say("admit, a caller from its claims", time(|at| loaded.user(&claims[at]).is_ok(), asked.len()));
    }
    Ok(out)
}
