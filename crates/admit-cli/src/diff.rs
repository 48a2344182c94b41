//! `admit diff`: what a change of policy gives to whom, and takes from whom.

use crate::files::{self, Input};
use crate::matrix::when;
use crate::{Failure, Outcome, git};
use admit_compiler::analysis::{Change, Difference, Rename, Renamed, Resource};
use admit_compiler::policy;
use admit_runtime::Operation;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt::Write;

/// Show what a change of policy gives to whom, and takes from whom
#[derive(Args)]
#[command(after_help = "Examples:
  admit diff old.policy new.policy
  admit diff deployed.table app.policy --forbid widening     # exit 1 if anybody gains anything
  admit diff old/ new/ --format md                           # for a comment on a pull request
  admit diff main                                            # the working tree, compared with a revision of git
  admit diff HEAD~1 policies/                                # only what is in there

Policies are compared by meaning: moved, merged or reordered rules are no difference.")]
pub struct Diff {
    /// The policy before: a table, a file or a directory; or a revision of git
    old: String,
    /// The policy after; with a revision, where its files are in both, the working directory if it is not named
    new: Option<String>,
    /// What makes the command fail
    #[arg(long, value_enum)]
    forbid: Option<Forbid>,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    format: DiffFormat,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Forbid {
    /// Somebody gains something, or may.
    Widening,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum DiffFormat {
    /// For people.
    #[default]
    Human,
    /// A list for a page or a pull request.
    Md,
    /// For programs.
    Json,
}

/// One side: its sources checked, or a table.
enum Read {
    Sources(Box<policy::Policy>),
    Table(Box<policy::Policy>),
}

fn read(path: &str) -> Result<Option<Read>, Failure> {
    Ok(match files::read(&[path.to_owned()])? {
        Input::Sources(sources) => files::compile(&sources, false).map(|policy| Read::Sources(Box::new(policy))),
        Input::Table(path, bytes) => Some(Read::Table(Box::new(files::policy_of_table(path, &bytes)?))),
    })
}

/// Both sides as policies; sources that are compared with a table as their own table says them.
fn comparable(old: Read, new: Read) -> Result<(policy::Policy, policy::Policy), Failure> {
    let as_table = |policy: &policy::Policy| {
        let bytes = admit_compiler::table(policy, true).map_err(Failure::TooLarge)?;
        files::policy_of_table("the sources' table".into(), &bytes)
    };
    Ok(match (old, new) {
        (Read::Sources(old), Read::Sources(new)) | (Read::Table(old), Read::Table(new)) => (*old, *new),
        (Read::Sources(old), Read::Table(new)) => (as_table(&old)?, *new),
        (Read::Table(old), Read::Sources(new)) => (*old, as_table(&new)?),
    })
}

impl Diff {
    pub fn run(&self) -> Result<Outcome, Failure> {
        let Some((old, new)) = self.sides()? else { return Ok(Outcome::Problems) };
        let (old, new) = comparable(old, new)?;
        let difference = files::working("comparing", || Difference::of(&old, &new));
        // A request that one gives and the other does not is answer enough: their tables differ.
        let shown = difference.changes.iter().any(|change| change.certain);
        let same = old == new || (!shown && tag(&old)? == tag(&new)?);
        crate::print(&match self.format {
            DiffFormat::Human => human(&difference, same),
            DiffFormat::Md => md(&difference, same),
            DiffFormat::Json => json(&difference, same).to_string(),
        })?;
        match self.forbid {
            Some(Forbid::Widening) if difference.widens() => Ok(Outcome::Problems),
            _ => Ok(Outcome::Clean),
        }
    }
}

impl Diff {
    /// Both sides; none if the sources of one have errors, which are shown.
    fn sides(&self) -> Result<Option<(Read, Read)>, Failure> {
        let is_here = self.old == "-" || std::path::Path::new(&self.old).exists();
        let (old, new) = match (is_here, &self.new) {
            (true, Some(new)) => (read(&self.old)?, new.as_str()),
            (true, None) => return Err(Failure::Usage("name the policy after as well, or a revision of git".into())),
            (false, new) => {
                let new = new.as_deref().unwrap_or(".");
                let Some(hash) = git::revision(&self.old)? else {
                    return Err(Failure::Usage(format!("{}: no such file, and no revision of git", self.old)));
                };
                let policy = files::compile(&git::sources(&hash, new)?, false);
                (policy.map(|policy| Read::Sources(Box::new(policy))), new)
            }
        };
        Ok(old.zip(read(new)?))
    }
}

/// What tells one table from another: the tag of the part that decides.
fn tag(policy: &policy::Policy) -> Result<u64, Failure> {
    let bytes = admit_compiler::table(policy, true).map_err(Failure::TooLarge)?;
    let table = admit_runtime::Policy::from_bytes(&bytes);
    Ok(table.map_err(|error| Failure::Table { path: "the new table".into(), error })?.tag())
}

/// That nothing changes, and whether the tables say so too.
fn nothing(same: bool) -> &'static str {
    match same {
        true => "nothing changes for anybody: both make the same table",
        false => "nothing changes for anybody: the tables differ in words only, no request is answered otherwise",
    }
}

/// The words of operations, `read` for all that it stands for.
fn operations(resource: &Resource, operations: &[Operation]) -> String {
    let reads: &[Operation] = match resource {
        Resource::Model(_) => &[Operation::Get, Operation::List, Operation::Listen, Operation::Sync, Operation::Search],
        Resource::Path(..) => &[Operation::Get, Operation::List],
        Resource::Custom(..) => &[],
    };
    let all = !reads.is_empty() && reads.iter().all(|read| operations.contains(read));
    let mut words: Vec<&str> = Vec::new();
    for operation in operations {
        let word = if all && reads.contains(operation) { "read" } else { operation.name() };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words.join(", ")
}

/// A line of a report: what is gained or lost, and the callers for whom.
struct Line {
    gained: bool,
    what: String,
    callers: Vec<String>,
}

/// The changes of resources that change alike, callers with the same change together.
fn lines(difference: &Difference) -> Vec<(Vec<String>, Vec<Line>)> {
    let mut all: Vec<(Vec<String>, Vec<Line>)> = Vec::new();
    let mut known: BTreeMap<Vec<(bool, String, Vec<String>)>, usize> = BTreeMap::new();
    let mut changes = difference.changes.iter().peekable();
    while let Some(first) = changes.peek() {
        let resource = first.resource.clone();
        let mut lines: Vec<Line> = Vec::new();
        while let Some(change) = changes.next_if(|change| change.resource == resource) {
            let (what, caller) = (said(change), change.caller.to_string());
            match lines.iter_mut().find(|line| line.gained == change.gained && line.what == what) {
                Some(line) => line.callers.push(caller),
                None => lines.push(Line { gained: change.gained, what, callers: vec![caller] }),
            }
        }
        let key = lines.iter().map(|line| (line.gained, line.what.clone(), line.callers.clone())).collect();
        match known.entry(key) {
            Entry::Occupied(at) => all[*at.get()].0.push(resource.to_string()),
            Entry::Vacant(at) => {
                at.insert(all.len());
                all.push((vec![resource.to_string()], lines));
            }
        }
    }
    all
}

fn said(change: &Change) -> String {
    let fields = change.fields.as_ref().map_or(String::new(), |fields| match fields.is_empty() {
        true => " on the key and time stamps".to_owned(),
        false => format!(" on {}", fields.iter().map(String::as_str).collect::<Vec<_>>().join(", ")),
    });
    let doubt = if change.certain { "" } else { " (perhaps: not settled within the budget)" };
    format!("{}{fields}{}{doubt}", operations(&change.resource, &change.operations), when(change.when.as_deref()))
}

/// Names with a limit, so that a reviewer reads a line and not a page.
fn few(names: &[String]) -> String {
    const SHOWN: usize = 8;
    match names.len() {
        0..=SHOWN => names.join(", "),
        all => format!("{} and {} more (`--format json` names all)", names[..SHOWN].join(", "), all - SHOWN),
    }
}

fn count(difference: &Difference) -> String {
    let count = |gained: bool| difference.changes.iter().filter(|change| change.gained == gained).count();
    format!("{} gained, {} lost", count(true), count(false))
}

fn human(difference: &Difference, same: bool) -> String {
    if difference.is_empty() {
        return nothing(same).into();
    }
    let mut out = String::new();
    for rename in &difference.renames {
        let _ = writeln!(out, "~ {}", said_rename(rename));
    }
    for setting in difference.settings.iter().chain(&difference.cut) {
        let _ = writeln!(out, "! {setting}");
    }
    for (resources, lines) in lines(difference) {
        let _ = writeln!(out, "{}", few(&resources));
        for line in lines {
            let sign = if line.gained { '+' } else { '-' };
            let _ = writeln!(out, "  {sign} {}: {}", few(&line.callers), line.what);
        }
    }
    out + &count(difference)
}

fn said_rename(rename: &Rename) -> String {
    match &rename.what {
        Renamed::Group => format!("group {} is {} now", rename.from, rename.to),
        Renamed::Model => format!("model {} is {} now", rename.from, rename.to),
        Renamed::Field(model) => format!("field {} of {model} is {} now", rename.from, rename.to),
    }
}

fn md(difference: &Difference, same: bool) -> String {
    if difference.is_empty() {
        return format!("{}.", nothing(same).replacen('n', "N", 1));
    }
    let mut out = String::new();
    for rename in &difference.renames {
        let _ = writeln!(out, "- {}", said_rename(rename));
    }
    let code = |text: &str| format!("`{}`", text.replace('`', "'"));
    for setting in difference.settings.iter().chain(&difference.cut) {
        let _ = writeln!(out, "- ⚠️ {setting}");
    }
    for (resources, lines) in lines(difference) {
        let _ = writeln!(out, "- **{}**", few(&resources));
        for line in lines {
            let verb = if line.gained { "➕ gains" } else { "➖ loses" };
            let _ = writeln!(out, "  - {} {verb} {}", few(&line.callers), code(&line.what));
        }
    }
    out + "\n" + &count(difference)
}

fn json(difference: &Difference, same: bool) -> Value {
    let changes = difference.changes.iter().map(|change| {
        let operations: Vec<&str> = change.operations.iter().map(|operation| operation.name()).collect();
        json!({"resource": change.resource.to_string(), "who": change.caller.to_string(), "gained": change.gained,
            "operations": operations, "fields": change.fields, "when": change.when, "certain": change.certain})
    });
    let renames = difference.renames.iter().map(|rename| {
        let mut said = json!({"group": rename.what == Renamed::Group, "from": rename.from, "to": rename.to});
        if let Renamed::Field(model) = &rename.what {
            said["fieldOf"] = json!(model);
        }
        said
    });
    json!({"widens": difference.widens(), "sameTable": same, "renames": renames.collect::<Vec<Value>>(),
        "cut": difference.cut, "changes": changes.collect::<Vec<Value>>(), "settings": difference.settings})
}
