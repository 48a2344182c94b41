//! The matrix for people: a table that fits the terminal, equal rows folded, and below it what the marks mean.

use super::{SHOWN, columns, details, mark, named, rows};
use admit_compiler::analysis::{Caller, Matrix};
use std::fmt::Write;

/// The least room for callers beside the operations.
const LEAST: usize = 14;

/// The most resources that people are shown, and the most rows of one.
const RESOURCES: usize = 200;
const ROWS: usize = 50;

/// The matrix, or the rows of some callers, in at most `width` columns. What is cut is said last, with `whole`: how to get
/// all of it.
pub fn human(matrix: &Matrix, wanted: impl Fn(&Caller) -> bool, width: usize, whole: &str) -> String {
    let all = matrix.rows.keys().all(|(_, caller)| wanted(caller));
    let (mut out, mut cut) = (String::new(), 0);
    let (mut shown, mut more_resources, mut more_rows) = (0, 0, 0);
    for resource in &matrix.resources {
        let mut rows = rows(matrix, resource, &wanted);
        if rows.is_empty() && !all {
            continue;
        }
        if shown == RESOURCES {
            more_resources += 1;
            continue;
        }
        shown += 1;
        more_rows += rows.len().saturating_sub(ROWS);
        rows.truncate(ROWS);
        if rows.is_empty() {
            let _ = write!(out, "{resource}\n  nobody\n\n");
            continue;
        }
        let columns = columns(matrix, resource);
        let heads: Vec<&str> = columns.iter().map(|operation| operation.name()).collect();
        let heads = heads.join("  ");
        cut += rows.iter().filter(|(callers, _)| callers.len() > SHOWN).count();
        let names: Vec<String> = rows.iter().map(|(callers, _)| named(callers, SHOWN)).collect();
        let widest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(12);
        let room = widest.min(width.saturating_sub(heads.len() + 4).max(LEAST));
        let _ = writeln!(out, "{resource}\n  {:<room$}  {heads}", "");
        for (name, (_, row)) in names.iter().zip(&rows) {
            let mut cells = String::new();
            for operation in &columns {
                let _ = write!(cells, "{:<width$}  ", mark(row.get(operation)), width = operation.name().len());
            }
            for (number, line) in wrapped(name, room).iter().enumerate() {
                let line = format!("  {line:<room$}  {}", if number == 0 { cells.as_str() } else { "" });
                let _ = writeln!(out, "{}", line.trim_end());
            }
        }
        for (name, (_, row)) in names.iter().zip(&rows) {
            for (said, operations) in details(row, &columns) {
                let line = format!("{name}: {}{said}", operations.join(", "));
                for (number, line) in wrapped(&line, width.saturating_sub(6).max(20)).iter().enumerate() {
                    let _ = writeln!(out, "  {}{line}", if number == 0 { "" } else { "    " });
                }
            }
        }
        out.push('\n');
    }
    if cut > 0 {
        let rows = if cut == 1 { "row is" } else { "rows are" };
        let _ = writeln!(out, "{cut} {rows} for more than {SHOWN} callers: {whole} names each");
    }
    if more_rows > 0 {
        let _ = writeln!(out, "{more_rows} more rows of resources with more than {ROWS}: {whole} has all");
    }
    if more_resources > 0 {
        let _ = writeln!(out, "{more_resources} more resources, after the first {RESOURCES}: {whole} has all");
    }
    out
}

/// A text in lines of at most `width`, broken between words; a longer word is a line of its own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        match line.is_empty() {
            true => line.push_str(word),
            false if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            false => lines.push(word.to_owned()),
        }
    }
    lines
}
