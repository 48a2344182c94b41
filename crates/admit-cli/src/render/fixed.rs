//! What `admit check --fix` mended, and what it left.
//! Always: each mended problem is named, with the line that it stood on; each fix that was left, with the reason.

use super::Findings;
use admit_compiler::fix::{Fixed, Why};
use serde_json::{Value, json};
use std::fmt::Write;

/// The most lines that are shown to a person of each kind.
const SHOWN: usize = 20;

impl Findings<'_> {
    pub(super) fn fixed_lines(&self) -> String {
        let Some(fixed) = self.fixed else { return String::new() };
        let mut out = String::new();
        for one in fixed.mended.iter().take(SHOWN) {
            let diagnostic = &one.diagnostic;
            let file = &self.sources[diagnostic.label.file].name;
            let _ = writeln!(out, "fixed  {file}:{}  {} {}", one.line, diagnostic.code, diagnostic.message);
        }
        rest(&mut out, fixed.mended.len(), "fixed");
        if fixed.left.iter().any(|(_, why)| *why == Why::Errors) {
            let _ = writeln!(out, "left   all as it is: {}", Why::Errors.words());
            return out;
        }
        for (number, why) in fixed.left.iter().take(SHOWN) {
            let one = &self.diagnostics[*number];
            let line = self.texts[one.label.file].place(one.label.span.start).0;
            let file = &self.sources[one.label.file].name;
            let _ = writeln!(out, "left   {file}:{line}  {}: {}", one.code, why.words());
        }
        rest(&mut out, fixed.left.len(), "left");
        out
    }

    pub(super) fn json_fixed(&self, fixed: &Fixed) -> Value {
        let mended = fixed.mended.iter().map(|one| {
            let diagnostic = &one.diagnostic;
            json!({"code": diagnostic.code, "message": diagnostic.message,
                "file": self.sources[diagnostic.label.file].name, "line": one.line})
        });
        mended.collect()
    }
}

fn rest(out: &mut String, all: usize, what: &str) {
    if all > SHOWN {
        let _ = writeln!(out, "… and {} more {what} (`--format json` shows all)", all - SHOWN);
    }
}
