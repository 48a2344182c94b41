//! `admit matrix`, `who-can` and `what-can`: who may do what, complete.

use crate::files::{self, Input};
use crate::{Failure, Format, Outcome};
use admit_compiler::analysis::{Caller, Cell, Extent, Matrix, Resource, Settings};
use admit_runtime::Operation;
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
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
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
        report(&self.policy, |matrix| {
            Ok(match self.format {
                MatrixFormat::Human => human(matrix, |_| true),
                MatrixFormat::Csv => csv(matrix),
                MatrixFormat::Md => md(matrix),
                MatrixFormat::Json => json(matrix).to_string(),
            })
        })
    }
}

impl WhoCan {
    pub fn run(&self) -> Result<Outcome, Failure> {
        report(&self.policy, |matrix| {
            let resources = self.resources(matrix)?;
            let operation = self.operation(&resources)?;
            Ok(match self.format {
                Format::Human => self.human(matrix, operation, &resources),
                Format::Json => self.json(matrix, operation, &resources).to_string(),
            })
        })
    }

    fn human(&self, matrix: &Matrix, operation: Operation, resources: &[&Resource]) -> String {
        let mut out = String::new();
        for resource in resources {
            let _ = writeln!(out, "{} {resource}", self.operation);
            let ways = matrix.ways(operation, resource);
            for way in &ways {
                let _ = writeln!(out, "  {}{}{}", way.who, fields(&way.extent), when(way.when.as_deref()));
            }
            if ways.is_empty() {
                out.push_str("  nobody\n");
            }
        }
        out
    }

    fn json(&self, matrix: &Matrix, operation: Operation, resources: &[&Resource]) -> Value {
        let of = |resource: &&Resource| {
            let ways = matrix.ways(operation, resource).into_iter();
            let ways = ways.map(|way| json!({"who": way.who, "when": way.when, "fields": extent_json(&way.extent)}));
            json!({"resource": resource.to_string(), "operation": self.operation, "ways": ways.collect::<Vec<Value>>()})
        };
        resources.iter().map(of).collect()
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
        report(&self.policy, |matrix| {
            let described = crate::decide::caller(&matrix.settings.group_claim, &self.caller)?;
            let words = words_of(&matrix.settings, &described);
            let is_part = |part: &String| {
                let named =
                    part.starts_with("owner") || part.starts_with("group in ") || part.starts_with("groups in ");
                let oidc = part.ends_with("(oidc)");
                words.contains(part) || (named && tokens(&words, oidc) && may_be_named(part, &words, &described))
            };
            let is = |caller: &Caller| caller.parts().iter().all(is_part);
            let out = human(matrix, is);
            Ok(if out.is_empty() { "nothing".into() } else { out })
        })
    }
}

/// Whether a record could name this caller: as an owner if the token says who it is, in a group if it is in one.
fn may_be_named(part: &str, words: &[String], described: &Value) -> bool {
    match part.starts_with("group") {
        true => words.iter().any(|word| word.starts_with("group ")) || part.contains(" by "),
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
pub fn words_of(settings: &Settings, caller: &Value) -> Vec<String> {
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
    let claim = if mode == "oidc" { "cognito:groups" } else { settings.group_claim.as_str() };
    let end = if mode == "oidc" { " (oidc)" } else { "" };
    let groups: Vec<String> = list(&caller["claims"][claim]).into_iter().chain(list(&caller["groups"])).collect();
    let others = groups.iter().filter(|_| mode != "oidc").filter_map(|group| settings.acts_as.get(group)).flatten();
    words.extend(groups.iter().chain(others).map(|group| format!("group {group}{end}")));
    words
}

/// The matrix of a policy, of its sources or of a table; none if the sources have errors, which are shown.
pub fn matrix_of(paths: &[String]) -> Result<Option<Matrix>, Failure> {
    let policy = match files::read(paths)? {
        Input::Table(path, bytes) => files::policy_of_table(path, &bytes)?,
        Input::Sources(sources) => match files::compile(&sources, false) {
            Some(policy) => policy,
            None => return Ok(None),
        },
    };
    Ok(Some(files::working("looking at every request", || Matrix::of(&policy))))
}

/// Runs a report over the matrix of a policy.
fn report(paths: &[String], report: impl FnOnce(&Matrix) -> Result<String, Failure>) -> Result<Outcome, Failure> {
    let Some(matrix) = matrix_of(paths)? else { return Ok(Outcome::Problems) };
    crate::print(report(&matrix)?.trim_end())?;
    for cut in &matrix.cut {
        eprintln!("admit: left out: {cut}");
    }
    Ok(Outcome::Clean)
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

/// `, when record.state == "draft"`
pub fn when(condition: Option<&str>) -> String {
    match condition {
        None => String::new(),
        Some(other) if other.starts_with("unless ") || other.starts_with("with ") => format!(", {other}"),
        Some(condition) => format!(", when {condition}"),
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

/// What stands for a cell in a table for people: the rest is said below.
fn mark(cells: Option<&Vec<Cell>>) -> &'static str {
    let whole = |cell: &Cell| cell.extent == Extent::Whole;
    match cells {
        None => "-",
        Some(cells) if cells.iter().any(|cell| whole(cell) && cell.when.is_none()) => "yes",
        Some(cells) if cells.iter().any(|cell| cell.when.is_none()) => "some",
        Some(_) => "if",
    }
}

/// What cells say beyond their marks: by condition and fields, the operations.
fn details(row: &BTreeMap<Operation, Vec<Cell>>, columns: &[Operation]) -> Vec<(String, Vec<&'static str>)> {
    let mut all: Vec<(String, Vec<&str>)> = Vec::new();
    for operation in columns {
        for cell in row.get(operation).into_iter().flatten() {
            let null = *operation == Operation::Delete && cell.extent != Extent::Whole;
            let to = if null { " to null" } else { "" };
            let said = format!("{}{to}{}", fields(&cell.extent), when(cell.when.as_deref()));
            match all.iter_mut().find(|(known, _)| *known == said) {
                Some((_, operations)) => operations.push(operation.name()),
                None => all.push((said, vec![operation.name()])),
            }
        }
    }
    all.retain(|(said, _)| !said.is_empty());
    all
}

fn human(matrix: &Matrix, wanted: impl Fn(&Caller) -> bool) -> String {
    let mut out = String::new();
    for resource in &matrix.resources {
        let rows: Vec<(&Caller, &BTreeMap<Operation, Vec<Cell>>)> = matrix
            .rows
            .range((resource.clone(), Caller::first())..)
            .take_while(|((of, _), _)| of == resource)
            .filter(|((_, caller), _)| wanted(caller))
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
                .map(|operation| format!("{:<width$}", mark(row.get(operation)), width = operation.name().len()))
                .collect();
            let line = format!("  {:<width$}  {}", caller.to_string(), cells.join("  "));
            let _ = writeln!(out, "{}", line.trim_end());
        }
        for (caller, row) in &rows {
            for (said, operations) in details(row, &columns) {
                let _ = writeln!(out, "  {caller}: {}{said}", operations.join(", "));
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

/// What is allowed without a condition as `"all"` or the fields; with conditions as a list of alternatives.
fn cells_json(cells: &[Cell]) -> Value {
    match cells {
        [Cell { when: None, extent }] => extent_json(extent),
        cells => {
            cells.iter().map(|cell| json!({"when": cell.when, "fields": extent_json(&cell.extent)})).collect::<Value>()
        }
    }
}

fn json(matrix: &Matrix) -> Value {
    let rows = matrix.rows.iter().map(|((resource, caller), row)| {
        let operations: serde_json::Map<String, Value> =
            row.iter().map(|(operation, cells)| (operation.name().to_owned(), cells_json(cells))).collect();
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
    let mut out = String::from("resource,who,operation,fields,when\n");
    for ((resource, caller), row) in &matrix.rows {
        for (operation, cell) in
            row.iter().flat_map(|(operation, cells)| cells.iter().map(move |cell| (operation, cell)))
        {
            let fields = match &cell.extent {
                Extent::Whole => "*".to_owned(),
                Extent::Fields(fields) => fields.iter().map(String::as_str).collect::<Vec<_>>().join(" "),
            };
            let when = cell.when.as_deref().unwrap_or_default();
            let cells = [&resource.to_string(), &caller.to_string(), operation.name(), &fields, when].map(quoted);
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
            let cells: Vec<String> = columns.iter().map(|operation| md_cell(row.get(operation))).collect();
            let _ = writeln!(out, "| {} | {} |", caller.to_string().replace('|', "\\|"), cells.join(" | "));
        }
        if rows.is_empty() {
            let _ = writeln!(out, "| nobody |{}", " |".repeat(heads.len()));
        }
        out.push('\n');
    }
    out
}

fn md_cell(cells: Option<&Vec<Cell>>) -> String {
    let one = |cell: &Cell| {
        let condition = cell.when.as_ref().map(|when| format!("`{}`", when.replace('|', "\\|")));
        match (&cell.extent, condition) {
            (Extent::Whole, None) => "✓".to_owned(),
            (Extent::Whole, Some(condition)) => format!("if {condition}"),
            (extent, None) => fields(extent).trim().to_owned(),
            (extent, Some(condition)) => format!("{} if {condition}", fields(extent).trim()),
        }
    };
    cells.into_iter().flatten().map(one).collect::<Vec<_>>().join("; ")
}
