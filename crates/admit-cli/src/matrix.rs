//! `admit matrix`, `who-can` and `what-can`: who may do what, complete.

use crate::inspect::table_of;
use crate::unguarded;
use crate::{Failure, Outcome};
use admit_compiler::analysis::{Caller, Extent, Matrix, Resource};
use admit_runtime::{Operation, Policy};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Print who may do what, complete
#[derive(Args)]
#[command(after_help = "Examples:
  admit matrix app.policy
  admit matrix app.table --format md > ACCESS.md
  admit matrix app.policy --format csv | grep guests

What is not in the matrix is denied. A caller has what any of his rows has: a signed-in user in the group
EDITORS those of `signed in`, of `group EDITORS`, and of what the record says of him.")]
pub struct PrintMatrix {
    /// A built table, or policy files
    #[arg(required = true)]
    policy: Vec<String>,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    format: MatrixFormat,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum MatrixFormat {
    /// For people.
    #[default]
    Human,
    /// One line an allowed operation.
    Csv,
    /// A table for a page or a pull request.
    Md,
    /// For programs.
    Json,
}

/// Print who may do one thing
#[derive(Args)]
#[command(after_help = "Examples:
  admit who-can delete Post app.policy
  admit who-can write articles app.policy     # every path of the bucket
  admit who-can call publish app.policy")]
pub struct WhoCan {
    /// The operation; `call` for custom operations
    operation: String,
    /// A model, a bucket or a custom operation
    resource: String,
    /// A built table, or policy files
    #[arg(required = true)]
    policy: Vec<String>,
}

/// Print what one caller may do
#[derive(Args)]
#[command(after_help = "Examples:
  admit what-can groups=EDITORS app.policy
  admit what-can guest app.policy
  admit what-can 'function name=resizer' app.policy")]
pub struct WhatCan {
    /// The caller: `[mode] key=value …`, as in `admit decide --as`
    caller: String,
    /// A built table, or policy files
    #[arg(required = true)]
    policy: Vec<String>,
}

impl PrintMatrix {
    pub fn run(&self) -> Result<Outcome, Failure> {
        with_table(&self.policy, |policy| {
            unguarded(policy)?;
            let matrix = Matrix::of(policy);
            crate::print(
                match self.format {
                    MatrixFormat::Human => human(&matrix, |_| true),
                    MatrixFormat::Csv => csv(&matrix),
                    MatrixFormat::Md => md(&matrix),
                    MatrixFormat::Json => json(&matrix).to_string(),
                }
                .trim_end(),
            )?;
            Ok(())
        })
    }
}

impl WhoCan {
    pub fn run(&self) -> Result<Outcome, Failure> {
        with_table(&self.policy, |policy| {
            unguarded(policy)?;
            let matrix = Matrix::of(policy);
            let resources = self.resources(&matrix)?;
            let operation = self.operation(&resources)?;
            let mut out = String::new();
            for resource in resources {
                let _ = writeln!(out, "{} {resource}", self.operation);
                let who = matrix.who_can(operation, resource);
                for (caller, extent) in &who {
                    let _ = writeln!(out, "  {caller}{}", fields(extent));
                }
                if who.is_empty() {
                    out.push_str("  nobody\n");
                }
            }
            crate::print(out.trim_end())?;
            Ok(())
        })
    }

    fn resources<'m>(&self, matrix: &'m Matrix) -> Result<Vec<&'m Resource>, Failure> {
        let is = |resource: &&Resource| name_of(resource) == self.resource;
        let found: Vec<&Resource> = matrix.resources.iter().filter(is).collect();
        if found.is_empty() {
            let near = admit_syntax::nearest(&self.resource, matrix.resources.iter().map(name_of));
            let hint =
                near.map_or("`admit matrix` lists what there is".into(), |near| format!("did you mean `{near}`?"));
            return Err(Failure::Usage(format!("unknown resource `{}`: {hint}", self.resource)));
        }
        Ok(found)
    }

    fn operation(&self, resources: &[&Resource]) -> Result<Operation, Failure> {
        let known = resources.first().map_or(&[][..], |resource| resource.operations());
        known.iter().copied().find(|operation| operation.name() == self.operation).ok_or_else(|| {
            let names: Vec<&str> = known.iter().map(|operation| operation.name()).collect();
            Failure::Usage(format!("unknown operation `{}`: here there are {}", self.operation, names.join(", ")))
        })
    }
}

impl WhatCan {
    pub fn run(&self) -> Result<Outcome, Failure> {
        with_table(&self.policy, |policy| {
            unguarded(policy)?;
            let matrix = Matrix::of(policy);
            let described = crate::decide::caller(policy, &self.caller)?;
            let words = words_of(policy, &described);
            let is = |caller: &Caller| {
                let words_match = words.contains(&caller.to_string());
                let oidc = caller.to_string().ends_with("(oidc)");
                words_match
                    || (caller.depends_on_record() && tokens(&words, oidc) && may_be_named(caller, &words, &described))
            };
            let out = human(&matrix, is);
            crate::print(if out.is_empty() { "nothing" } else { out.trim_end() })?;
            Ok(())
        })
    }
}

/// Whether a record could name this caller: as an owner if the token says who it is, in a group if it is in one.
fn may_be_named(caller: &Caller, words: &[String], described: &Value) -> bool {
    let groups = caller.to_string().starts_with("group");
    match groups {
        true => words.iter().any(|word| word.starts_with("group ")) || caller.to_string().contains(" by "),
        false => {
            described["claims"].as_object().is_some_and(|claims| claims.keys().any(|claim| claim != "cognito:groups"))
        }
    }
}

/// Whether these are the words of somebody with a token of that issuer.
fn tokens(words: &[String], oidc: bool) -> bool {
    words.iter().any(|word| word == if oidc { "signed in (oidc)" } else { "signed in" })
}

/// The callers of the matrix that a described caller is.
pub fn words_of(policy: &Policy<'_>, caller: &Value) -> Vec<String> {
    let mode = caller["mode"].as_str().unwrap_or_default();
    let list = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut words: Vec<String> = match mode {
        "guest" => vec!["guests".into()],
        "apiKey" => vec!["the API key".into()],
        "userPool" => vec!["signed in".into(), "signed in (identity pool)".into()],
        "oidc" => vec!["signed in (oidc)".into()],
        "identityPool" => vec!["signed in (identity pool)".into()],
        "lambda" => vec!["by the authorizer".into()],
        "function" => vec![format!("function {}", caller["name"].as_str().unwrap_or_default())],
        _ => Vec::new(),
    };
    let claim = if mode == "oidc" { "cognito:groups" } else { policy.group_claim() };
    let end = if mode == "oidc" { " (oidc)" } else { "" };
    let groups = list(&caller["claims"][claim]).into_iter().chain(list(&caller["groups"]));
    words.extend(groups.map(|group| format!("group {group}{end}")));
    words
}

/// Runs a report over a table, built from sources if need be.
pub fn with_table(
    paths: &[String],
    report: impl FnOnce(&Policy<'_>) -> Result<(), Failure>,
) -> Result<Outcome, Failure> {
    let Some((path, bytes)) = table_of(paths)? else { return Ok(Outcome::Problems) };
    let policy = Policy::from_bytes(&bytes).map_err(|error| Failure::Table { path, error })?;
    report(&policy).map(|()| Outcome::Clean)
}

/// The model, operation or bucket that a resource is, or is a path of.
pub fn name_of(resource: &Resource) -> &str {
    match resource {
        Resource::Model(name) | Resource::Custom(_, name) | Resource::Path(name, _) => name,
    }
}

/// The fields of an extent that is not all, in brackets.
pub fn fields(extent: &Extent) -> String {
    match extent {
        Extent::Whole => String::new(),
        Extent::Fields(fields) if fields.is_empty() => " (key and time stamps)".into(),
        Extent::Fields(fields) => format!(" ({})", fields.iter().map(String::as_str).collect::<Vec<_>>().join(", ")),
    }
}

/// The operations to show: sync and search only where they differ from list.
fn columns(matrix: &Matrix, resource: &Resource) -> Vec<Operation> {
    let rows = || matrix.rows.iter().filter(|((of, _), _)| of == resource).map(|(_, row)| row);
    let as_list = |operation: Operation| rows().all(|row| row.get(&operation) == row.get(&Operation::List));
    let silent =
        |operation: &Operation| matches!(operation, Operation::Sync | Operation::Search) && as_list(*operation);
    resource.operations().iter().copied().filter(|operation| !silent(operation)).collect()
}

fn human(matrix: &Matrix, wanted: impl Fn(&Caller) -> bool) -> String {
    let mut out = String::new();
    for resource in &matrix.resources {
        let rows: Vec<(&Caller, &BTreeMap<Operation, Extent>)> = matrix
            .rows
            .iter()
            .filter(|((of, caller), _)| of == resource && wanted(caller))
            .map(|((_, caller), row)| (caller, row))
            .collect();
        let columns = columns(matrix, resource);
        let width = rows.iter().map(|(caller, _)| caller.to_string().chars().count()).max().unwrap_or(0).max(12);
        let heads: Vec<&str> = columns.iter().map(|operation| operation.name()).collect();
        if !rows.is_empty() || wanted_all(&wanted, matrix) {
            let _ = writeln!(out, "{resource}");
        }
        if rows.is_empty() {
            if wanted_all(&wanted, matrix) {
                out.push_str("  nobody\n\n");
            }
            continue;
        }
        let _ = writeln!(out, "  {:<width$}  {}", "", heads.join("  "));
        for (caller, row) in &rows {
            let cells: Vec<String> = columns
                .iter()
                .map(|operation| {
                    let cell = match row.get(operation) {
                        None => "-",
                        Some(Extent::Whole) => "yes",
                        Some(Extent::Fields(_)) => "some",
                    };
                    format!("{cell:<width$}", width = operation.name().len())
                })
                .collect();
            let line = format!("  {:<width$}  {}", caller.to_string(), cells.join("  "));
            let _ = writeln!(out, "{}", line.trim_end());
        }
        for (caller, row) in &rows {
            for (operation, extent) in columns.iter().filter_map(|operation| Some((operation, row.get(operation)?))) {
                if *extent != Extent::Whole {
                    let _ = writeln!(out, "  {caller}: {}{}", operation.name(), fields(extent));
                }
            }
        }
        out.push('\n');
    }
    out
}

/// Whether a report is about everybody.
fn wanted_all(wanted: &impl Fn(&Caller) -> bool, matrix: &Matrix) -> bool {
    matrix.rows.keys().all(|(_, caller)| wanted(caller))
}

fn extent_json(extent: &Extent) -> Value {
    match extent {
        Extent::Whole => json!("all"),
        Extent::Fields(fields) => json!(fields),
    }
}

fn json(matrix: &Matrix) -> Value {
    let rows = matrix.rows.iter().map(|((resource, caller), row)| {
        let operations: serde_json::Map<String, Value> =
            row.iter().map(|(operation, extent)| (operation.name().to_owned(), extent_json(extent))).collect();
        json!({"resource": resource.to_string(), "who": caller.to_string(), "operations": operations})
    });
    let resources: Vec<String> = matrix.resources.iter().map(Resource::to_string).collect();
    json!({"resources": resources, "rows": rows.collect::<Vec<Value>>()})
}

/// A field of a line of CSV.
fn quoted(text: &str) -> String {
    match text.contains([',', '"', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

fn csv(matrix: &Matrix) -> String {
    let mut out = String::from("resource,who,operation,fields\n");
    for ((resource, caller), row) in &matrix.rows {
        for (operation, extent) in row {
            let fields = match extent {
                Extent::Whole => "*".to_owned(),
                Extent::Fields(fields) => fields.iter().map(String::as_str).collect::<Vec<_>>().join(" "),
            };
            let cells = [&resource.to_string(), &caller.to_string(), operation.name(), &fields].map(quoted);
            let _ = writeln!(out, "{}", cells.join(","));
        }
    }
    out
}

fn md(matrix: &Matrix) -> String {
    let mut out = String::new();
    for resource in &matrix.resources {
        let columns = columns(matrix, resource);
        let heads: Vec<&str> = columns.iter().map(|operation| operation.name()).collect();
        let _ = write!(out, "### {resource}\n\n| who | {} |\n|---|{}\n", heads.join(" | "), "---|".repeat(heads.len()));
        let rows: Vec<_> = matrix.rows.iter().filter(|((of, _), _)| of == resource).collect();
        for ((_, caller), row) in &rows {
            let cells: Vec<String> = columns
                .iter()
                .map(|operation| match row.get(operation) {
                    None => String::new(),
                    Some(Extent::Whole) => "✓".into(),
                    Some(extent) => fields(extent).trim().to_owned(),
                })
                .collect();
            let _ = writeln!(out, "| {} | {} |", caller.to_string().replace('|', "\\|"), cells.join(" | "));
        }
        if rows.is_empty() {
            let _ = writeln!(out, "| nobody |{}", " |".repeat(heads.len()));
        }
        out.push('\n');
    }
    out
}
