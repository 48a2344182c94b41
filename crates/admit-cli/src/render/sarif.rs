//! Diagnostics as SARIF 2.1.0, which code scanning and editors read.
//! Always: what the standard's schema accepts; places count characters, and a file is named from the folder that the
//! command ran in.

use super::Findings;
use admit_compiler::diagnostic::{Diagnostic, Label, Severity};
use admit_syntax::ast::Span;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The folder that files are named from.
const ROOT: &str = "%SRCROOT%";

impl Findings<'_> {
    /// One log with one run: the rules that are broken, each with its page, and the results; what is accepted is
    /// suppressed.
    pub(super) fn sarif(&self) -> Value {
        let accepted = || self.accepted.iter().map(|one| &one.diagnostic);
        let codes: BTreeSet<&str> = self.diagnostics.iter().chain(accepted()).map(|one| one.code).collect();
        let codes: Vec<&str> = codes.into_iter().collect();
        let rules: Vec<Value> = codes.iter().map(|code| rule(code)).collect();
        let mut results: Vec<Value> = self.diagnostics.iter().map(|one| self.result(one, &codes)).collect();
        results.extend(self.accepted.iter().map(|one| {
            let mut result = self.result(&one.diagnostic, &codes);
            let by = self.location(&one.by, None);
            result["suppressions"] = json!([{"kind": "inSource", "justification": one.reason, "location": by}]);
            result
        }));
        let artifacts: Vec<Value> =
            self.sources.iter().map(|source| json!({"location": artifact(&source.name)})).collect();
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": {"driver": {"name": "admit", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules}},
                "columnKind": "unicodeCodePoints",
                "artifacts": artifacts,
                "results": results,
            }],
        })
    }

    fn result(&self, one: &Diagnostic, codes: &[&str]) -> Value {
        let index = codes.binary_search(&one.code).unwrap_or_default();
        let help = one.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
        let mut result = json!({"ruleId": one.code, "ruleIndex": index, "level": level(one.severity),
            "message": {"text": format!("{}{help}", one.message)}, "locations": [self.location(&one.label, None)]});
        if !one.related.is_empty() {
            let related = one.related.iter().enumerate().map(|(id, other)| self.location(other, Some(id)));
            result["relatedLocations"] = related.collect();
        }
        if let Some(fix) = &one.fix {
            let files: BTreeSet<usize> = fix.edits.iter().map(|edit| edit.file).collect();
            let change = |file: usize| {
                let edits = fix.edits.iter().filter(|edit| edit.file == file);
                let replacements = edits.map(|edit| {
                    json!({"deletedRegion": self.region(file, edit.span), "insertedContent": {"text": edit.replacement}})
                });
                json!({"artifactLocation": artifact(&self.sources[file].name),
                    "replacements": replacements.collect::<Vec<Value>>()})
            };
            let changes: Vec<Value> = files.into_iter().map(change).collect();
            let what = one.help.as_deref().unwrap_or(&one.message);
            result["fixes"] = json!([{"description": {"text": what}, "artifactChanges": changes}]);
        }
        result
    }

    fn location(&self, label: &Label, id: Option<usize>) -> Value {
        let physical = json!({"artifactLocation": artifact(&self.sources[label.file].name),
            "region": self.region(label.file, label.span)});
        let mut location = Map::new();
        location.extend(id.map(|id| ("id".to_owned(), id.into())));
        location.insert("physicalLocation".into(), physical);
        if !label.text.is_empty() {
            location.insert("message".into(), json!({"text": label.text}));
        }
        location.into()
    }

    fn region(&self, file: usize, span: Span) -> Value {
        let (start, end) = self.texts[file].places(span);
        json!({"startLine": start.0, "startColumn": start.1, "endLine": end.0, "endColumn": end.1})
    }
}

/// A code with its page.
fn rule(code: &str) -> Value {
    let page = admit_compiler::page(code).unwrap_or_default();
    let (title, body) = page.split_once('\n').unwrap_or((page, ""));
    let title = title.split_once(": ").map_or(title, |(_, title)| title);
    let body = body.trim();
    let what = body.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    let level = if code.starts_with('W') { "warning" } else { "error" };
    json!({"id": code, "shortDescription": {"text": title}, "fullDescription": {"text": what},
        "help": {"text": body, "markdown": body}, "defaultConfiguration": {"level": level}})
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// A file as SARIF names it: a relative one from the root, an absolute one by itself.
fn artifact(name: &str) -> Value {
    let is_letter = |drive: &str| drive.len() == 1 && drive.bytes().all(|byte| byte.is_ascii_alphabetic());
    match name.split_once(':') {
        _ if name.starts_with('/') => json!({"uri": format!("file://{}", uri(name))}),
        Some((drive, path)) if is_letter(drive) => json!({"uri": format!("file:///{drive}:{}", uri(path))}),
        _ => json!({"uri": uri(name.trim_start_matches("./")), "uriBaseId": ROOT}),
    }
}

/// A path as the path of a URI: what is neither a letter, a digit nor plain punctuation as `%XX`.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let part = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    path.bytes().map(part).collect()
}
