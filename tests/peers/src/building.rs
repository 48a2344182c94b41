//! From text to table: how long, with how much memory, and whether both grow with the policy and no faster.
//! Always: processor time, not the clock's, since others share the machine; memory of a process that does nothing else.

use crate::measure::processor_time;
use crate::report::Report;
use crate::work::{SIZES, Size, Work};
use admit_compiler::Source;
use std::hint::black_box;
use std::process::Command;
use std::time::Duration;

/// Numbers of rules, about ten a model.
const RULES: [usize; 5] = [100, 1_000, 10_000, 100_000, 1_000_000];

/// What one child process found.
struct Built {
    rules: usize,
    text: usize,
    took: Duration,
    /// The most memory that the process had, text and table included; 0 if the system does not say.
    peak: usize,
}

fn sources(work: &Work) -> Vec<Source> {
    let files = work.files(1_000).into_iter().enumerate();
    files.map(|(at, text)| Source { name: format!("{at}.policy"), text: text.into_bytes() }).collect()
}

fn build(sources: &[Source]) -> Vec<u8> {
    let checked = admit_compiler::check(sources);
    let policy = checked.policy.unwrap_or_else(|| panic!("{:?}", checked.diagnostics));
    admit_compiler::table(&policy, false).expect("not too large")
}

/// What the child process does: builds one policy, and prints rules, bytes of text, nanoseconds and bytes of memory.
pub fn child(what: &str) {
    let size = SIZES.into_iter().find(|size| size.name == what);
    let work = Work::new(size.unwrap_or_else(|| Size::of_rules(what.parse().expect("a number of rules"))), 0);
    let (sources, rules) = (sources(&work), work.rules());
    drop(work);
    let start = processor_time();
    black_box(build(&sources));
    let took = processor_time() - start;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
    let text: usize = sources.iter().map(|source| source.text.len()).sum();
    println!("{rules} {text} {} {}", took.as_nanos(), peak.unwrap_or(0usize) * 1024);
}

fn run(what: &str) -> Option<Built> {
    let output = Command::new(std::env::current_exe().ok()?).args(["--build", what]).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    let numbers: Vec<u64> = said.split_whitespace().map_while(|number| number.parse().ok()).collect();
    let [rules, text, took, peak] = numbers.as_slice() else { return None };
    let (rules, text, peak) = (*rules as usize, *text as usize, *peak as usize);
    Some(Built { rules, text, took: Duration::from_nanos(*took), peak })
}

/// The quickest of several runs: what the code costs where nothing else disturbs it.
fn best(what: &str, runs: usize) -> Option<Built> {
    (0..runs).filter_map(|_| run(what)).min_by_key(|built| built.took)
}

fn processor<T>(runs: usize, mut run: impl FnMut() -> T) -> Duration {
    let one = |_| {
        let start = processor_time();
        black_box(run());
        processor_time() - start
    };
    (0..runs).map(one).min().unwrap_or_default()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// All figures; the largest policies, and Cedar, only if there is time.
pub fn measure(quick: bool, ours: bool, report: &mut Report) {
    if let Some(built) = best("large", if quick { 3 } else { 7 }) {
        let took = milliseconds(built.took);
        report.at_most(format!("large: from {} bytes of text to the table, ms", built.text), took, 400.0);
        report.at_most("large: memory at the peak, MB".into(), built.peak as f64 / 1e6, 20.0);
        let times = built.peak as f64 / built.text as f64;
        report.at_most("large: memory at the peak, times the text".into(), times, 25.0);
        if !ours {
            let permits = crate::cedar::permits(&Work::new(SIZES[2], 0));
            let cedar = processor(2, || permits.parse::<cedar_policy::PolicySet>().is_ok());
            report.at_least(
                "large: times faster than Cedar parses its permits".into(),
                milliseconds(cedar) / took,
                1.0,
            );
        }
    }
    let page = thousand_lines();
    let source = [Source { name: "page.policy".into(), text: page.into_bytes() }];
    let took = processor(20, || admit_compiler::check(&source).policy.is_some());
    report.at_most("checking a file of 1,000 lines, cold, ms".into(), milliseconds(took), 25.0);
    // The compiler keeps nothing between two checks: the second goal is held by the first way, or it is missed.
    report.at_most("checking it again after a change (nothing is reused), ms".into(), milliseconds(took), 10.0);
    linear(quick, report);
}

/// A policy of a thousand lines, a few of which differ from all others.
fn thousand_lines() -> String {
    let text = Work::new(Size::of_rules(900), 0).policy();
    let lines: Vec<&str> = text.lines().take(1_000).collect();
    let whole = lines.iter().rposition(|line| *line == "}").map_or(0, |last| last + 1);
    lines[..whole].join("\n")
}

fn linear(quick: bool, report: &mut Report) {
    let most = if quick { RULES.len() - 1 } else { RULES.len() };
    if quick {
        report.left_out.push("a policy of 1,000,000 rules".into());
    }
    let built: Vec<Built> = RULES[..most]
        .iter()
        .filter_map(|rules| best(&rules.to_string(), if *rules > 100_000 { 1 } else { 3 }))
        .collect();
    for one in &built {
        let what = format!("{} rules, {} bytes of text: microseconds a rule", one.rules, one.text);
        report.plain(what, one.took.as_secs_f64() * 1e6 / one.rules as f64);
        report.plain(format!("{} rules: memory, times the text", one.rules), one.peak as f64 / one.text as f64);
    }
    // The smallest is mostly what every policy costs; from ten thousand rules on it is the rules.
    if let [_, _, few, .., many] = built.as_slice() {
        let a_rule = |built: &Built| built.took.as_secs_f64() / built.rules as f64;
        report.at_most("cost of a rule, largest policy over 10,000 rules".into(), a_rule(many) / a_rule(few), 1.5);
    }
}
