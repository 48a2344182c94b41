//! `admit inspect`: what a table holds.

use crate::files::{self, Input};
use crate::{Failure, Format, Outcome};
use admit_runtime::Policy;
use clap::Args;
use serde_json::{Value, json};
use std::fmt::Write;

/// Show what a table holds
#[derive(Args)]
#[command(after_help = "Examples:
  admit inspect app.table
  admit inspect app.table --format json | jq .groups
  admit inspect app.policy              # sources are compiled first")]
pub struct Inspect {
    /// A built table, or policy files
    #[arg(required = true)]
    policy: Vec<String>,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Inspect {
    pub fn run(&self) -> Result<Outcome, Failure> {
        let Some((path, bytes)) = table_of(&self.policy)? else { return Ok(Outcome::Problems) };
        let policy = Policy::from_bytes(&bytes).map_err(|error| Failure::Table { path, error })?;
        crate::print(&match self.format {
            Format::Human => human(&policy),
            Format::Json => json(&policy).to_string(),
        })?;
        Ok(Outcome::Clean)
    }
}

/// The bytes of a table, built from sources if need be; none if those have errors, which are shown.
pub fn table_of(paths: &[String]) -> Result<Option<(String, Vec<u8>)>, Failure> {
    match files::read(paths)? {
        Input::Table(path, bytes) => Ok(Some((path, bytes))),
        Input::Sources(sources) => {
            let Some(policy) = files::compile(&sources, false) else { return Ok(None) };
            let bytes = admit_compiler::table(&policy, false).map_err(Failure::TooLarge)?;
            Ok(Some((paths.join(" "), bytes)))
        }
    }
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    names.collect()
}

fn human(policy: &Policy<'_>) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "table       {} bytes, tag {:016x}", policy.as_bytes().len(), policy.tag());
    let modes = names(policy.modes().map(admit_runtime::Mode::name));
    let _ = writeln!(out, "modes       {}", modes.join(", "));
    let _ = writeln!(out, "roles       {}", if policy.is_preferred() { "preferred" } else { "union" });
    let mut list = |title: &str, names: Vec<String>| {
        let shown: Vec<&str> = names.iter().take(20).map(String::as_str).collect();
        let more = if names.len() > 20 { format!(", … {} more", names.len() - 20) } else { String::new() };
        let _ = writeln!(out, "{title:<12}{} {}{more}", names.len(), shown.join(", "));
    };
    list("groups", policy.groups().map(|group| group.name.to_owned()).collect());
    list("models", policy.models().map(str::to_owned).collect());
    list("operations", policy.custom_operations().map(|(kind, name)| format!("{kind} {name}")).collect());
    list("buckets", policy.buckets().map(str::to_owned).collect());
    let _ = writeln!(out, "\n{:<18}{:>10}{:>12}", "section", "records", "bytes");
    for (name, records, bytes) in policy.sections() {
        let _ = writeln!(out, "{name:<18}{records:>10}{bytes:>12}");
    }
    let rules = policy.rules().count();
    let _ = write!(out, "\n{rules} rules");
    for rule in policy.rules().take(20) {
        let _ = write!(out, "\n  {rule}  {}:{}", rule.file(), rule.line());
    }
    if rules > 20 {
        let _ = write!(out, "\n  … {} more (`--format json` shows all)", rules - 20);
    }
    out
}

fn json(policy: &Policy<'_>) -> Value {
    let sections =
        policy.sections().map(|(name, records, bytes)| json!({"name": name, "records": records, "bytes": bytes}));
    let models = policy.models().map(|model| json!({"name": model, "fields": names(policy.fields(model))}));
    let groups = policy.groups().map(|group| json!({"name": group.name, "precedence": group.precedence}));
    let operations = policy.custom_operations().map(|(kind, name)| json!({"kind": kind, "name": name}));
    let rules = policy.rules().map(|rule| crate::requests::rule(&rule));
    json!({
        "bytes": policy.as_bytes().len(),
        "tag": format!("{:016x}", policy.tag()),
        "modes": names(policy.modes().map(admit_runtime::Mode::name)),
        "roles": if policy.is_preferred() { "preferred" } else { "union" },
        "groups": groups.collect::<Vec<Value>>(),
        "models": models.collect::<Vec<Value>>(),
        "operations": operations.collect::<Vec<Value>>(),
        "buckets": names(policy.buckets()),
        "sections": sections.collect::<Vec<Value>>(),
        "rules": rules.collect::<Vec<Value>>(),
    })
}
