//! `admit diff`: what a change of policy gives to whom, and takes from whom.

use crate::inspect::table_of;
use crate::{Failure, Format, Outcome, unguarded};
use admit_compiler::analysis::{Change, Difference};
use admit_runtime::Policy;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::fmt::Write;

/// Show what a change of policy gives to whom, and takes from whom
#[derive(Args)]
#[command(after_help = "Examples:
  admit diff old.policy new.policy
  admit diff deployed.table app.policy --forbid widening     # exit 1 if anybody gains anything
  admit diff old/ new/ --format json

Files are compared by meaning: moved, merged or reordered rules are no difference.")]
pub struct Diff {
    /// The policy before: a table, a file or a directory
    old: String,
    /// The policy after
    new: String,
    /// What makes the command fail
    #[arg(long, value_enum)]
    forbid: Option<Forbid>,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Forbid {
    /// Somebody gains something, or may.
    Widening,
}

impl Diff {
    pub fn run(&self) -> Result<Outcome, Failure> {
        let (Some(old), Some(new)) =
            (table_of(std::slice::from_ref(&self.old))?, table_of(std::slice::from_ref(&self.new))?)
        else {
            return Ok(Outcome::Problems);
        };
        let load = |(path, bytes): &'_ (String, Vec<u8>)| {
            Policy::from_bytes(bytes).map(drop).map_err(|error| Failure::Table { path: path.clone(), error })
        };
        load(&old)?;
        load(&new)?;
        let (Ok(before), Ok(after)) = (Policy::from_bytes(&old.1), Policy::from_bytes(&new.1)) else {
            return Ok(Outcome::Problems);
        };
        if old.1 != new.1 {
            unguarded(&before)?;
            unguarded(&after)?;
        }
        let difference = Difference::between(&before, &after);
        crate::print(&match self.format {
            Format::Human => human(&difference),
            Format::Json => json(&difference).to_string(),
        })?;
        match self.forbid {
            Some(Forbid::Widening) if difference.widens() => Ok(Outcome::Problems),
            _ => Ok(Outcome::Clean),
        }
    }
}

fn operations(change: &Change) -> String {
    change.operations.iter().map(|operation| operation.name()).collect::<Vec<_>>().join(", ")
}

fn human(difference: &Difference) -> String {
    if difference.is_empty() {
        return "nothing changes for anybody".into();
    }
    let mut out = String::new();
    for setting in &difference.settings {
        let _ = writeln!(out, "! {setting}");
    }
    let mut last = None;
    for change in &difference.changes {
        if last != Some(&change.resource) {
            let _ = writeln!(out, "{}", change.resource);
            last = Some(&change.resource);
        }
        let sign = if change.gained { '+' } else { '-' };
        let fields = change.fields.as_ref().map_or(String::new(), |fields| {
            format!(" on {}", fields.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
        });
        let _ = writeln!(out, "  {sign} {}: {}{fields}", change.caller, operations(change));
    }
    let count = |gained: bool| difference.changes.iter().filter(|change| change.gained == gained).count();
    let _ = write!(out, "{} gained, {} lost", count(true), count(false));
    out
}

fn json(difference: &Difference) -> Value {
    let changes = difference.changes.iter().map(|change| {
        let operations: Vec<&str> = change.operations.iter().map(|operation| operation.name()).collect();
        json!({"resource": change.resource.to_string(), "who": change.caller.to_string(), "gained": change.gained,
            "operations": operations, "fields": change.fields})
    });
    json!({"widens": difference.widens(), "changes": changes.collect::<Vec<Value>>(), "settings": difference.settings})
}
