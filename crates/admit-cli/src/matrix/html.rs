//! The matrix as one page: no network, readable without its script, on a phone and in print.
//! Always: everything that the policy names is escaped; the page may load nothing (its own policy says so).

use super::{columns, details, mark, named, rows, words_of_caller};
use admit_compiler::analysis::{Behind, Caller, Matrix, Resource, RuleBehind};
use admit_compiler::policy::Policy;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// What the script needs to know, each thing once.
#[derive(Default)]
struct Numbers {
    /// Callers, by their parts.
    callers: BTreeMap<Vec<String>, usize>,
    parts: Vec<Vec<String>>,
    rules: BTreeMap<(String, String), usize>,
    texts: Vec<(String, String)>,
}

impl Numbers {
    fn caller(&mut self, caller: &Caller) -> usize {
        let next = self.parts.len();
        let number = *self.callers.entry(caller.parts().to_vec()).or_insert(next);
        if number == next {
            self.parts.push(caller.parts().to_vec());
        }
        number
    }

    fn rule(&mut self, text: String, place: String) -> usize {
        let next = self.texts.len();
        let number = *self.rules.entry((text.clone(), place.clone())).or_insert(next);
        if number == next {
            self.texts.push((text, place));
        }
        number
    }
}

/// The page. A policy that was lifted from a table has no rules to show.
pub fn html(matrix: &Matrix, policy: &Policy) -> String {
    let title = match policy.files.as_slice() {
        [] => "a built table".to_owned(),
        [file] => file.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    };
    let (mut numbers, mut body) = (Numbers::default(), String::new());
    let behind = Behind::of(policy);
    for resource in &matrix.resources {
        section(&mut body, &mut numbers, matrix, (policy, &behind), resource);
    }
    let is: BTreeMap<&String, Vec<String>> =
        numbers.parts.iter().flatten().map(|part| (part, words_of_caller(&matrix.settings, part))).collect();
    let options: String = is.keys().map(|part| format!("<option>{}</option>", escaped(part))).collect();
    let data = json!({"parts": numbers.parts, "is": is, "rules": numbers.texts});
    let cut: String = matrix.cut.iter().map(|cut| format!("<p>Left out: {}</p>", escaped(cut))).collect();
    let title = escaped(&title);
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>Access: {title}</title>
<style>
{STYLE}</style>
</head>
<body>
<header>
<h1>Who may do what: {title}</h1>
<p>What is not here is denied. A caller has what any of his rows has. <b>yes</b>: always; <b>some</b>: some fields;
<b>if</b>: under a condition, said below the table; –: never. A cell opens the rules behind it.</p>{cut}
<div class="tools" role="search" hidden>
<label>Search <input id="search" type="search" placeholder="a model, a path, a field, a condition" autocomplete="off"></label>
<label>What does … see <select id="who"><option value="">everybody</option>{options}</select></label>
</div>
<p id="count" aria-live="polite"></p>
</header>
<main>
{body}</main>
<footer><p>Written by <code>admit matrix --format html</code>.</p></footer>
<dialog id="detail" aria-labelledby="detail-title"><h2 id="detail-title"></h2><ul></ul>
<form method="dialog"><button>Close</button></form></dialog>
<script type="application/json" id="rules">{data}</script>
<script>
{SCRIPT}</script>
</body>
</html>
"#,
        data = embedded(&data)
    )
}

fn section(
    out: &mut String,
    numbers: &mut Numbers,
    matrix: &Matrix,
    (policy, behind): (&Policy, &Behind<'_>),
    resource: &Resource,
) {
    let _ = write!(out, "<section><h2>{}</h2>", escaped(&resource.to_string()));
    let rows = rows(matrix, resource, &|_| true);
    if rows.is_empty() {
        out.push_str("<p>nobody</p></section>\n");
        return;
    }
    let columns = columns(matrix, resource);
    out.push_str("<div class=\"scroll\"><table><thead><tr><th scope=\"col\">who</th>");
    for operation in &columns {
        let _ = write!(out, "<th scope=\"col\">{}</th>", operation.name());
    }
    out.push_str("</tr></thead><tbody>\n");
    let mut notes = String::new();
    for (callers, row) in &rows {
        let who: Vec<String> = callers.iter().map(|caller| numbers.caller(caller).to_string()).collect();
        let (who, name) = (who.join(" "), escaped(&named(callers, usize::MAX)));
        let _ = write!(out, "<tr data-who=\"{who}\"><th scope=\"row\">{name}</th>");
        for operation in &columns {
            let mark = mark(row.get(operation));
            if mark == "-" {
                out.push_str("<td class=\"no\">–</td>");
                continue;
            }
            let rules = rules_of(numbers, &policy.files, behind.rules(resource, callers, *operation));
            let class = if mark == "yes" { "yes" } else { "part" };
            let label =
                format!("{} {resource}: {name}, {mark}", operation.name(), resource = escaped(&resource.to_string()));
            let _ = write!(
                out,
                "<td><button class=\"{class}\" data-rules=\"{rules}\" aria-haspopup=\"dialog\" aria-label=\"{label}\">{mark}</button></td>"
            );
        }
        out.push_str("</tr>\n");
        for (said, operations) in details(row, &columns) {
            let said = escaped(&format!("{}{said}", operations.join(", ")));
            let _ = writeln!(notes, "<li data-who=\"{who}\"><b>{name}</b>: {said}</li>");
        }
    }
    out.push_str("</tbody></table></div>");
    if !notes.is_empty() {
        let _ = write!(out, "<ul>\n{notes}</ul>");
    }
    out.push_str("</section>\n");
}

/// The numbers of the rules behind a cell.
fn rules_of(numbers: &mut Numbers, files: &[String], rules: Vec<RuleBehind>) -> String {
    let mut all: Vec<usize> = Vec::new();
    for rule in rules {
        let Some(file) = files.get(rule.place.file as usize) else { continue };
        let field = rule.field.map_or(String::new(), |field| format!(", on field {field}"));
        let number = numbers.rule(rule.text, format!("{file}:{}{field}", rule.place.line));
        if !all.contains(&number) {
            all.push(number);
        }
    }
    all.iter().map(usize::to_string).collect::<Vec<_>>().join(" ")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// JSON that may stand in a script: nothing in it ends the script or begins a comment.
fn embedded(data: &Value) -> String {
    data.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}
