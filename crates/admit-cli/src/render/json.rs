//! Diagnostics for a program. `docs/cli.md` is the reference.

use super::Findings;
use admit_compiler::diagnostic::{Diagnostic, Severity};
use admit_syntax::ast::Span;
use serde_json::{Value, json};

impl Findings<'_> {
    /// One object: counts, and each diagnostic with its places and edits, those that are accepted apart.
    pub(super) fn json(&self) -> Value {
        let list: Vec<Value> = self.diagnostics.iter().map(|one| self.json_of(one)).collect();
        let count = |severity: Severity| self.diagnostics.iter().filter(|one| one.severity == severity).count();
        let accepted = self.accepted.iter().map(|one| {
            let mut json = self.json_of(&one.diagnostic);
            json["accepted"] = self.json_place(one.by.file, one.by.span, "because", &one.reason);
            json
        });
        let accepted: Vec<Value> = accepted.collect();
        let mut json = json!({"diagnostics": list, "accepted": accepted, "errors": count(Severity::Error), "warnings": count(Severity::Warning)});
        if let Some(fixed) = self.fixed {
            json["fixed"] = self.json_fixed(fixed);
            for (number, why) in &fixed.left {
                json["diagnostics"][*number]["notFixed"] = why.words().into();
            }
        }
        json
    }

    fn json_of(&self, one: &Diagnostic) -> Value {
        let related = one.related.iter().map(|other| self.json_place(other.file, other.span, "label", &other.text));
        let fix = one.fix.as_ref().map(|fix| {
            let edits = fix.edits.iter();
            let edits = edits.map(|edit| self.json_place(edit.file, edit.span, "replacement", &edit.replacement));
            edits.collect::<Vec<Value>>()
        });
        json!({"code": one.code, "severity": one.severity.name(), "message": one.message,
            "at": self.json_place(one.label.file, one.label.span, "label", &one.label.text),
            "related": related.collect::<Vec<Value>>(), "help": one.help, "fix": fix})
    }

    fn json_place(&self, file: usize, span: Span, key: &str, value: &str) -> Value {
        let (start, end) = self.texts[file].places(span);
        json!({"file": self.sources[file].name,
            "start": {"line": start.0, "column": start.1, "offset": span.start},
            "end": {"line": end.0, "column": end.1, "offset": span.end}, key: value})
    }
}
