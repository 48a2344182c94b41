//! What was measured, as lines of JSON, as text, and as the measured part of `docs/performance.md`.
//! Always: a goal that was missed is marked as missed.

use crate::measure::Times;
use serde_json::json;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

pub struct Measurement {
    engine: String,
    size: &'static str,
    case: String,
    times: Times,
}

/// A figure that has a goal, or none.
pub struct Figure {
    what: String,
    value: f64,
    goal: Option<Goal>,
}

#[derive(Clone, Copy)]
enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

#[derive(Default)]
pub struct Report {
    pub measurements: Vec<Measurement>,
    pub figures: Vec<Figure>,
    /// Of the large table: name, records, bytes.
    pub sections: Vec<(String, usize, usize)>,
    pub counts: String,
    pub left_out: Vec<String>,
}

impl Figure {
    fn is_met(&self) -> bool {
        match self.goal {
            Some(Goal::AtLeast(goal)) => self.value >= goal,
            Some(Goal::AtMost(goal)) => self.value <= goal,
            None => true,
        }
    }

    fn verdict(&self) -> &'static str {
        match (self.goal, self.is_met()) {
            (None, _) => "",
            (_, true) => "met",
            (_, false) => "**missed**",
        }
    }

    fn goal(&self) -> String {
        match self.goal {
            Some(Goal::AtLeast(goal)) => format!("≥ {}", number(goal)),
            Some(Goal::AtMost(goal)) => format!("≤ {}", number(goal)),
            None => String::new(),
        }
    }
}

/// Three digits, or all before the point.
fn number(value: f64) -> String {
    let digits = match value {
        value if value < 10.0 => 2,
        value if value < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let mut out = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    match rest {
        Some(rest) => format!("{out}.{rest}"),
        None => out,
    }
}

impl Report {
    pub fn time(&mut self, engine: &str, size: &'static str, case: &str, times: Times) {
        eprintln!("{engine:<18}{size:<8}{case:<24}{:>14}", number(times.median));
        self.measurements.push(Measurement { engine: engine.into(), size, case: case.into(), times });
    }

    pub fn at_least(&mut self, what: String, value: f64, goal: f64) {
        self.figures.push(Figure { what, value, goal: Some(Goal::AtLeast(goal)) });
    }

    pub fn at_most(&mut self, what: String, value: f64, goal: f64) {
        self.figures.push(Figure { what, value, goal: Some(Goal::AtMost(goal)) });
    }

    /// A figure without a goal.
    pub fn plain(&mut self, what: String, value: f64) {
        self.figures.push(Figure { what, value, goal: None });
    }

    /// A line a measurement.
    pub fn json(&self) -> String {
        let mut out = String::new();
        for one in &self.measurements {
            let (median, p99) = (round(one.times.median), round(one.times.p99));
            let line =
                json!({"engine": one.engine, "size": one.size, "case": one.case, "median_ns": median, "p99_ns": p99});
            let _ = writeln!(out, "{line}");
        }
        out
    }

    /// What is printed, and written into the page.
    pub fn text(&self) -> String {
        let mut out = String::from("Nanoseconds a decision, medians (p99 behind them):\n\n");
        out += "| engine | case | small | medium | large |\n| --- | --- | --- | --- | --- |\n";
        let mut done: Vec<(&str, &str)> = vec![];
        for one in self.measurements.iter().filter(|one| one.size != "rows") {
            if done.contains(&(&one.engine, &one.case)) {
                continue;
            }
            done.push((&one.engine, &one.case));
            let _ = write!(out, "| {} | {} |", one.engine, one.case);
            for size in ["small", "medium", "large"] {
                let same =
                    |other: &&Measurement| (&other.engine, &other.case, other.size) == (&one.engine, &one.case, size);
                let cell = self.measurements.iter().find(same);
                let cell =
                    cell.map_or("–".into(), |it| format!("{} ({})", number(it.times.median), number(it.times.p99)));
                let _ = write!(out, " {cell} |");
            }
            out.push('\n');
        }
        out += "\nRows that groups alone do not decide, resolved:\n\n| row | median | p99 |\n| --- | --- | --- |\n";
        for one in self.measurements.iter().filter(|one| one.size == "rows") {
            let _ = writeln!(out, "| {} | {} | {} |", one.case, number(one.times.median), number(one.times.p99));
        }
        out += "\n| figure | measured | goal | |\n| --- | --- | --- | --- |\n";
        for one in &self.figures {
            let _ = writeln!(out, "| {} | {} | {} | {} |", one.what, number(one.value), one.goal(), one.verdict());
        }
        let _ = writeln!(out, "\nThe large table ({}):\n", self.counts);
        out += "| section | records | bytes |\n| --- | --- | --- |\n";
        for (name, records, bytes) in &self.sections {
            let _ = writeln!(out, "| {name} | {} | {} |", number(*records as f64), number(*bytes as f64));
        }
        for what in &self.left_out {
            let _ = writeln!(out, "\nLeft out: {what}.");
        }
        out
    }

    /// Writes the measured part of the page.
    pub fn write(&self) {
        const BEGIN: &str = "<!-- measured: written by tests/peers -->\n";
        const END: &str = "<!-- end of what is measured -->";
        let path = root().join("docs/performance.md");
        let page = std::fs::read_to_string(&path).expect("docs/performance.md");
        let (before, rest) = page.split_once(BEGIN).expect("the page says where");
        let (_, after) = rest.split_once(END).expect("the page says where");
        std::fs::write(&path, format!("{before}{BEGIN}\n{}\n{END}{after}", self.text())).expect("docs/performance.md");
    }
}

fn round(nanoseconds: f64) -> f64 {
    (nanoseconds * 10.0).round() / 10.0
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The machine code of a program that embeds a table, makes principals and decides: `tests/no_std`, optimised for size
/// and stripped, which holds nothing besides the runtime that counts.
pub fn code_size() -> Option<Figure> {
    let folder = std::env::temp_dir().join(format!("admit-size-{}", std::process::id()));
    std::fs::create_dir_all(&folder).ok()?;
    let table = folder.join("bulletin.table");
    let policy = std::fs::read_to_string(root().join("docs/examples/bulletin.policy")).ok()?;
    std::fs::write(&table, crate::table(&policy, true)).ok()?;
    let built = Command::new(std::env::var("CARGO").unwrap_or("cargo".into()))
        .args(["build", "--release", "--quiet"])
        .current_dir(root().join("tests/no_std"))
        .env("ADMIT_TABLE", &table)
        .env("CARGO_TARGET_DIR", &folder)
        .envs([("CARGO_PROFILE_RELEASE_OPT_LEVEL", "z"), ("CARGO_PROFILE_RELEASE_LTO", "fat")])
        .envs([("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"), ("CARGO_PROFILE_RELEASE_STRIP", "symbols")])
        .status();
    let sections = Command::new("size").arg("-A").arg(folder.join("release/no_std")).output();
    let _ = std::fs::remove_dir_all(&folder);
    if !built.ok()?.success() {
        return None;
    }
    let sections = String::from_utf8(sections.ok()?.stdout).ok()?;
    let code = sections.lines().find_map(|line| line.strip_prefix(".text")?.split_whitespace().next()?.parse().ok());
    Some(Figure {
        what: "code of load, principal, action and decide: optimised for size, stripped, bytes".into(),
        value: code?,
        goal: None,
    })
}
