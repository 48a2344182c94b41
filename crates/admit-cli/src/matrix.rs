//! `admit matrix`, `who-can` and `what-can`: who may do what, complete.

mod forms;
mod html;
mod human;

use crate::files::{self, Input};
use crate::{Failure, Format, Outcome};
use admit_compiler::analysis::{Caller, Cell, Extent, Matrix, Resource, Settings};
use admit_compiler::policy::Policy;
use admit_runtime::Operation;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Print who may do what, complete
#[derive(Args)]
#[command(after_help = "Examples:
  admit matrix app.policy
  admit matrix app.policy --format md > ACCESS.md
  admit matrix app.policy --check ACCESS.md                # in CI: exit 1 if it is stale
  admit matrix app.policy --format html > access.html
  admit matrix app.policy --format csv | grep guests

What is not in the matrix is denied. A caller has what any of his rows has: a signed-in user in the group
EDITORS those of `signed in`, of `group EDITORS`, and of what the record says of him.")]
pub struct PrintMatrix {
    /// A built table, or policy files
    #[arg(required = true)]
    policy: Vec<String>,
    /// How to write it
    #[arg(long, value_enum)]
    format: Option<MatrixFormat>,
    /// Compare with a file that was written before, as Markdown if no format is named; exit 1 if it is stale
    #[arg(long, value_name = "FILE")]
    check: Option<String>,
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
    /// One page to look at, search and print.
    Html,
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
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl PrintMatrix {
    pub fn run(&self) -> Result<Outcome, Failure> {
        let Some(policy) = policy_of(&self.policy)? else { return Ok(Outcome::Problems) };
        let matrix = files::working("looking at every request", || Matrix::of(&policy));
        let default = if self.check.is_some() { MatrixFormat::Md } else { MatrixFormat::Human };
        let text = match self.format.unwrap_or(default) {
            MatrixFormat::Human => human::human(&matrix, |_| true, width(), "`--format csv`"),
            MatrixFormat::Csv => forms::csv(&matrix),
            MatrixFormat::Md => forms::md(&matrix),
            MatrixFormat::Json => forms::json(&matrix),
            MatrixFormat::Html => html::html(&matrix, &policy),
        };
        let outcome = match &self.check {
            Some(file) => is_current(file, &text)?,
            None => {
                crate::print(text.trim_end())?;
                Outcome::Clean
            }
        };
        say_cut(&matrix);
        Ok(outcome)
    }
}

/// Whether a file holds just what would be written now.
fn is_current(file: &str, text: &str) -> Result<Outcome, Failure> {
    let failure = |error| Failure::File { path: file.to_owned(), error };
    let known = std::fs::read_to_string(file).map_err(failure)?;
    let differs = |(one, other): &(&str, &str)| one.trim_end() != other.trim_end();
    let lines = || known.trim_end().lines().zip(text.trim_end().lines());
    if known.trim_end().replace("\r\n", "\n") == text.trim_end() {
        return Ok(Outcome::Clean);
    }
    let at = lines().position(|both| differs(&both)).unwrap_or_else(|| lines().count()) + 1;
    eprintln!("admit: {file}:{at}: stale: the policy gives other access than this file says; write it anew");
    Ok(Outcome::Problems)
}

/// How wide the terminal is; without one, as wide as it takes.
fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    columns.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))).unwrap_or(usize::MAX / 2)
}

impl WhoCan {
    pub fn run(&self) -> Result<Outcome, Failure> {
        // A name that nothing has is looked up among all names.
        let of = |policy: &Policy| match Matrix::of_resource(policy, &self.resource) {
            part if part.resources.is_empty() => Matrix::of(policy),
            part => part,
        };
        report(&self.policy, of, |matrix| {
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
            let ways =
                ways.map(|way| json!({"who": way.who, "when": way.when, "fields": forms::extent_json(&way.extent)}));
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
        report(&self.policy, Matrix::of, |matrix| {
            let described = crate::decide::caller(&matrix.settings.group_claim, &self.caller)?;
            let words = words_of(&matrix.settings, &described);
            let is_part = |part: &String| {
                let named =
                    part.starts_with("owner") || part.starts_with("group in ") || part.starts_with("groups in ");
                let oidc = part.ends_with("(oidc)");
                words.contains(part) || (named && tokens(&words, oidc) && may_be_named(part, &words, &described))
            };
            let is = |caller: &Caller| caller.parts().iter().all(is_part);
            if self.format == Format::Json {
                return Ok(forms::json_of(matrix, is));
            }
            let out = human::human(matrix, is, width(), "`--format json`");
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

/// A policy, of its sources or of a table; none if the sources have errors, which are shown.
fn policy_of(paths: &[String]) -> Result<Option<Policy>, Failure> {
    match files::read(paths)? {
        Input::Table(path, bytes) => files::policy_of_table(path, &bytes).map(Some),
        Input::Sources(sources) => Ok(files::compile(&sources, false)),
    }
}

/// Runs a report over the matrix of a policy, or of one thing of it if that is all there is to say.
fn report(
    paths: &[String],
    of: impl FnOnce(&Policy) -> Matrix,
    report: impl FnOnce(&Matrix) -> Result<String, Failure>,
) -> Result<Outcome, Failure> {
    let Some(policy) = policy_of(paths)? else { return Ok(Outcome::Problems) };
    let matrix = files::working("looking at every request", || of(&policy));
    crate::print(report(&matrix)?.trim_end())?;
    say_cut(&matrix);
    Ok(Outcome::Clean)
}

/// What was too much to tell apart, said on stderr.
fn say_cut(matrix: &Matrix) {
    for cut in &matrix.cut {
        eprintln!("admit: left out: {cut}");
    }
}

/// What somebody of whom one part is known is, in the words of the matrix.
fn words_of_caller(settings: &Settings, part: &str) -> Vec<String> {
    let mut words = vec![part.to_owned()];
    let oidc = part.ends_with("(oidc)");
    if let Some(name) = part.strip_prefix("group ") {
        let acts = settings.acts_as.get(name).into_iter().flatten().map(|other| format!("group {other}"));
        words.extend(acts);
    }
    let named = ["group", "owner", "one of", "the folder"].iter().any(|start| part.starts_with(start));
    match (named, oidc) {
        (true, true) => words.push("signed in (oidc)".into()),
        (true, false) => words.extend(["signed in".into(), "signed in (identity pool)".into()]),
        (false, _) => (),
    }
    words
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

/// Callers who have the same on a resource, and what they have.
type Row<'m> = (Vec<&'m Caller>, &'m BTreeMap<Operation, Vec<Cell>>);

/// The rows of a resource, those that are equal folded into one.
fn rows<'m>(matrix: &'m Matrix, resource: &Resource, wanted: &impl Fn(&Caller) -> bool) -> Vec<Row<'m>> {
    let all = matrix.rows.range((resource.clone(), Caller::first())..).take_while(|((of, _), _)| of == resource);
    let mut rows: Vec<Row<'m>> = Vec::new();
    for ((_, caller), row) in all.filter(|((_, caller), _)| wanted(caller)) {
        match rows.iter_mut().find(|(_, known)| *known == row) {
            Some((callers, _)) => callers.push(caller),
            None => rows.push((vec![caller], row)),
        }
    }
    rows
}

/// The most names of one row that people are shown.
const SHOWN: usize = 12;

/// Callers in words: groups that have the same together. With `most`, only so many, and how many more there are.
fn named(callers: &[&Caller], most: usize) -> String {
    let words: Vec<String> = callers.iter().map(|caller| caller.to_string()).collect();
    let plain = |word: &String| word.strip_prefix("group ").filter(|name| !name.contains(' ')).map(str::to_owned);
    let mut groups: Vec<String> = words.iter().filter_map(plain).collect();
    let mut others: Vec<String> = words.into_iter().filter(|word| plain(word).is_none()).collect();
    let more = (groups.len() + others.len()).saturating_sub(most);
    others.truncate(most);
    groups.truncate(most - others.len());
    let groups = match groups.as_slice() {
        [] => None,
        [name] => Some(format!("group {name}")),
        names => Some(format!("groups {}", names.join(", "))),
    };
    let mut said = others.into_iter().chain(groups).collect::<Vec<_>>().join(", ");
    if more > 0 {
        let _ = write!(said, " and {more} more");
    }
    said
}

/// The operations to show: sync and search only where they differ from list.
fn columns(matrix: &Matrix, resource: &Resource) -> Vec<Operation> {
    let all = matrix.rows.range((resource.clone(), Caller::first())..).take_while(|((of, _), _)| of == resource);
    let rows: Vec<&BTreeMap<Operation, Vec<Cell>>> = all.map(|(_, row)| row).collect();
    let as_list = |operation: Operation| rows.iter().all(|row| row.get(&operation) == row.get(&Operation::List));
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
