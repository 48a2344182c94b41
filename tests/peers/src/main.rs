//! Admit beside the engines that people would pick instead, beside a program written by hand, and beside the limit.
//! Always: every engine gives the expected answer to every request before it is timed.
//!
//! `cargo run --release --manifest-path tests/peers/Cargo.toml -- [--quick] [--json]`: prints the ratios and writes the
//! measured part of `docs/performance.md`. `--quick` leaves out what is hopelessly slow, says so, and writes nothing;
//! `--json` prints a line a measurement and nothing else (what is left out goes to standard error), and writes nothing.

mod building;
mod casbins;
mod cedar;
mod measure;
mod ours;
mod rego;
mod report;
mod rows;
mod work;

use admit_runtime::{Action, Policy, Principal};
use measure::{BATCH, Engine, Times};
use report::Report;
use std::time::Duration;
use work::{SIZES, Work};

/// How many requests of the large size an engine is asked that reads every rule.
const SLOW: usize = 256;

/// A policy's table.
fn table(text: &str, strip: bool) -> Vec<u8> {
    let checked = admit_compiler::check(&[admit_compiler::Source { name: "work.policy".into(), text: text.into() }]);
    let policy = checked.policy.unwrap_or_else(|| panic!("{:?}", checked.diagnostics));
    admit_compiler::table(&policy, strip).expect("not too large")
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, what] = arguments.as_slice()
        && first == "--build"
    {
        return building::child(what);
    }
    let (mut quick, mut json, mut ours) = (false, false, false);
    for argument in &arguments {
        match argument.as_str() {
            "--quick" => quick = true,
            "--json" => json = true,
            "--ours" => ours = true,
            _ => {
                eprintln!("usage: peers [--quick] [--json] [--ours]   (--ours: no other engine)");
                std::process::exit(2);
            }
        }
    }
    let mut report = Report::default();
    for size in SIZES {
        let work = Work::new(size, if quick { 1_024 } else { 4_096 });
        let bytes = table(&work.policy(), true);
        let best = ours_in_turns(&work, &bytes, &mut report);
        if !ours {
            peers(&work, quick, best, &mut report);
        }
        if size.name == "large" {
            sizes(&work, &bytes, &mut report);
        }
    }
    for (case, times) in rows::all() {
        report.time("admit", "rows", case, times);
    }
    building::measure(quick, ours, &mut report);
    report.figures.extend(report::code_size());
    if json {
        print!("{}", report.json());
        report.left_out.iter().for_each(|what| eprintln!("left out: {what}"));
        return;
    }
    print!("{}", report.text());
    if !(quick || ours) {
        report.write();
    }
}

/// Everything that will be timed must be decided as expected.
fn agree(name: &str, work: &Work, asked: usize, engine: &dyn Engine) {
    for (number, request) in work.requests.iter().take(asked).enumerate() {
        let said = engine.decide(number);
        assert_eq!(said, request.expected, "{name}, {}: request {number} is decided otherwise", work.size.name);
    }
}

/// Admit, the program by hand and the limit, in turns. Answers what Admit takes from strings.
fn ours_in_turns(work: &Work, bytes: &[u8], report: &mut Report) -> Times {
    let policy = Policy::from_bytes(bytes).expect("it loads");
    let (by_hand, limit, numbered) = (ours::ByHand::new(work), ours::Limit::new(work), ours::Limit::number(work));
    let tokens: Vec<ours::Token<'_>> = work.requests.iter().map(ours::token).collect();
    let users: Vec<Principal<'_>> = tokens.iter().map(|token| policy.user(token).expect("few groups")).collect();
    let actions: Vec<Option<Action>> = work
        .requests
        .iter()
        .map(|request| policy.action(&request.model, work::OPERATIONS[request.operation]).ok())
        .collect();
    let full = |at: usize| ours::full(&policy, &work.requests[at]);
    let with_principal = |at: usize| ours::with_principal(&policy, &work.requests[at]);
    let resolved = |at: usize| ours::resolved(&policy, &users[at], actions[at], &work.requests[at]);
    let hand = |at: usize| by_hand.allows(&work.requests[at]);
    let bare = |at: usize| limit.allows(&numbered[at], &work.requests[at]);
    let action =
        |at: usize| policy.action(&work.requests[at].model, work::OPERATIONS[work.requests[at].operation]).is_ok();
    let principal = |at: usize| policy.user(&tokens[at]).is_ok();
    let engines: [(&str, &str, &dyn Engine); 5] = [
        ("admit", "full", &full),
        ("admit", "resolved", &resolved),
        ("hashmap", "full", &hand),
        ("limit", "resolved", &bare),
        ("admit", "with-principal", &with_principal),
    ];
    engines.iter().for_each(|(name, _, engine)| agree(name, work, work.requests.len(), *engine));
    // The same requests for all, few enough that callers stay in the caches, as those of a server do that is busy.
    let timed = 512.min(work.requests.len());
    let parts: [(&str, &str, &dyn Engine); 2] = [("admit", "action", &action), ("admit", "principal", &principal)];
    let all: Vec<_> = engines.iter().chain(&parts).collect();
    let only: Vec<&dyn Engine> = all.iter().map(|(.., engine)| *engine).collect();
    let times = measure::in_turns(&only, timed, 150);
    for ((engine, case, _), times) in all.iter().zip(&times) {
        report.time(engine, work.size.name, case, *times);
    }
    let size = work.size.name;
    let wanted = if size == "small" { 2.5 } else { 3.0 };
    report.at_least(
        format!("{size}: from strings, times faster than by hand"),
        times[2].median / times[0].median,
        wanted,
    );
    report.at_most(format!("{size}: resolved, times the limit"), times[1].median / times[3].median, 2.0);
    let spread = |times: Times| times.p99 / times.median;
    report.at_most(format!("{size}: from strings, p99 over median"), spread(times[0]), spread(times[2]));
    if size == "large" {
        threads(&full, timed, report);
        hundred_groups(work, &policy, report);
    }
    times[0]
}

fn threads(full: &(dyn Fn(usize) -> bool + Sync), requests: usize, report: &mut Report) {
    let mut ratios: Vec<f64> = (0..5)
        .map(|_| {
            let each = Duration::from_millis(300);
            measure::throughput(full, requests, 2, each) / measure::throughput(full, requests, 1, each)
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    report.at_least("large: throughput of two threads over that of one".into(), ratios[2], 1.9);
}

/// A principal from claims as serde_json parses them, with a hundred groups of the policy.
fn hundred_groups(work: &Work, policy: &Policy<'_>, report: &mut Report) {
    let claims: Vec<serde_json::Value> = (0..BATCH)
        .map(|at| {
            let groups: Vec<&str> =
                (0..100).map(|group| work.groups[(at * 131 + group * 97) % work.groups.len()].as_str()).collect();
            serde_json::json!({"sub": "5f0c", "iss": "https://x", "exp": 1, "cognito:groups": groups})
        })
        .collect();
    let one = |at: usize| policy.user(&claims[at]).is_ok();
    let times = measure::in_turns(&[&one], BATCH, 400)[0];
    report.time("admit", work.size.name, "principal-100-groups", times);
    report.at_most("large: a principal from claims with 100 groups, ns".into(), times.median, 2_000.0);
}

/// The other engines.
fn peers(work: &Work, quick: bool, best: Times, report: &mut Report) {
    let size = work.size.name;
    let large = size == "large";
    let mut evaluating: Vec<Times> = Vec::new();
    // These two read every rule of a large policy, a tenth of a second a decision: they are asked a part of the requests.
    let slow = |name: &str| large && matches!(name, "cedar-idiomatic" | "casbin");
    let run = |name: &str, engine: &dyn Engine, report: &mut Report| {
        let asked = work.requests.len().min(if slow(name) { SLOW } else { usize::MAX });
        agree(name, work, asked, engine);
        let times = measure::singly(engine, asked, Duration::from_secs(if quick { 2 } else { 10 }));
        report.time(name, size, "full", times);
        times
    };
    if quick && size != "small" {
        report.left_out.push(format!("cedar-idiomatic, {size}"));
    } else {
        let cedar = cedar::Cedar::idiomatic(work);
        let times = run("cedar-idiomatic", &|at: usize| cedar.allows(&work.requests[at]), report);
        evaluating.push(times);
        if size == "small" {
            let ratio = times.median / best.median;
            report.at_least("small: times faster than Cedar's idiomatic permits".into(), ratio, 1_000.0);
        }
    }
    let cedar = cedar::Cedar::data(work);
    evaluating.push(run("cedar-data", &|at: usize| cedar.allows(&work.requests[at]), report));
    let cedar = cedar::Cedar::sliced(work);
    evaluating.push(run("cedar-sliced", &|at: usize| cedar.allows(&work.requests[at]), report));
    let rego = rego::Rego::new(work);
    evaluating.push(run("regorus-data", &|at: usize| rego.allows(&work.requests[at]), report));
    if quick && large {
        report.left_out.push(format!("casbin, {size}, without its cache"));
    } else {
        let casbin = casbins::enforcer(work);
        evaluating.push(run("casbin", &|at: usize| casbins::allows(&casbin, &work.requests[at]), report));
    }
    let casbin = casbins::cached(work);
    let times = run("casbin-cached", &|at: usize| casbins::allows(&casbin, &work.requests[at]), report);
    let quickest = evaluating.iter().map(|times| times.median).fold(f64::INFINITY, f64::min);
    report.at_least(format!("{size}: times faster than the best that evaluates"), quickest / best.median, 50.0);
    report.at_least(format!("{size}: times faster than casbin's cache of results"), times.median / best.median, 8.0);
}

/// The table's bytes, and how fast it loads.
fn sizes(work: &Work, stripped: &[u8], report: &mut Report) {
    let whole = table(&work.policy(), false);
    for (what, bytes) in [("stripped", stripped), ("with rules", whole.as_slice())] {
        let took = measure::quickest(400, || assert!(std::hint::black_box(Policy::from_bytes(bytes)).is_ok()));
        let rate = bytes.len() as f64 / took.as_secs_f64() / 1e9;
        report.at_least(format!("large: loading, {what}, GB/s"), rate, 1.5);
    }
    let policy = Policy::from_bytes(&whole).expect("it loads");
    let sections: Vec<(&str, usize, usize)> = policy.sections().collect();
    let bytes = |names: &[&str]| -> usize {
        sections.iter().filter(|(name, ..)| names.contains(name)).map(|(.., bytes)| bytes).sum()
    };
    let strings = sections.iter().find(|(name, ..)| *name == "strings").map_or(0, |(_, records, _)| *records);
    let index = bytes(&["strings", "pilots", "slots"]);
    let names = bytes(&["text", "strings", "pilots", "slots"]);
    report.at_most("large: table without rules, bytes".into(), stripped.len() as f64, 450_000.0);
    report.at_most("large: bytes a name beyond its own".into(), index as f64 / strings as f64, 9.0);
    let rest = (stripped.len() - names) as f64;
    report.at_most("large: bytes a rule, without names and rules".into(), rest / work.rules() as f64, 9.0);
    report.sections = sections.into_iter().map(|(name, records, bytes)| (name.to_owned(), records, bytes)).collect();
    report.counts = format!(
        "{} groups, {} models, {} rules, {} bytes of text",
        work.groups.len(),
        work.models.len(),
        work.rules(),
        work.policy().len()
    );
}
