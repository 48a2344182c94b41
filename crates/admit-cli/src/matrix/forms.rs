//! The matrix for programs and pages: CSV, JSON and Markdown.

use super::{columns, fields, named, rows};
use admit_compiler::analysis::{Caller, Cell, Extent, Matrix, Resource};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;

pub fn extent_json(extent: &Extent) -> Value {
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

pub fn json(matrix: &Matrix) -> String {
    json_of(matrix, |_| true)
}

/// The same for some callers: with the resources that these have something on.
pub fn json_of(matrix: &Matrix, wanted: impl Fn(&Caller) -> bool) -> String {
    let mine = || matrix.rows.iter().filter(|((_, caller), _)| wanted(caller));
    let named: BTreeSet<&Resource> = mine().map(|((resource, _), _)| resource).collect();
    let all = matrix.rows.keys().all(|(_, caller)| wanted(caller));
    let listed = matrix.resources.iter().filter(|resource| all || named.contains(resource));
    let resources: Vec<String> = listed.map(Resource::to_string).collect();
    // Row by row: all rows as values take several times the room of the text.
    let mut out = format!("{{\"resources\":{},\"rows\":[", json!(resources));
    for (number, ((resource, caller), row)) in mine().enumerate() {
        let operations: serde_json::Map<String, Value> =
            row.iter().map(|(operation, cells)| (operation.name().to_owned(), cells_json(cells))).collect();
        let row = json!({"resource": resource.to_string(), "who": caller.to_string(), "operations": operations});
        let _ = write!(out, "{}{row}", if number == 0 { "" } else { "," });
    }
    out + "]}"
}

/// A field of a line of CSV.
fn quoted(text: &str) -> String {
    match text.contains([',', '"', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

pub fn csv(matrix: &Matrix) -> String {
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

pub fn md(matrix: &Matrix) -> String {
    let mut out = String::new();
    for resource in &matrix.resources {
        let columns = columns(matrix, resource);
        let heads: Vec<&str> = columns.iter().map(|operation| operation.name()).collect();
        let _ = write!(out, "### {resource}\n\n| who | {} |\n|---|{}\n", heads.join(" | "), "---|".repeat(heads.len()));
        let rows = rows(matrix, resource, &|_| true);
        for (callers, row) in &rows {
            let cells: Vec<String> = columns.iter().map(|operation| md_cell(row.get(operation))).collect();
            let _ = writeln!(out, "| {} | {} |", named(callers, usize::MAX).replace('|', "\\|"), cells.join(" | "));
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
