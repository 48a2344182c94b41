//! Diagnostics as workflow commands, which GitHub Actions shows beside the lines of a pull request.
//! Always: one line a diagnostic, whatever its text holds.

use super::{Findings, said};
use admit_compiler::diagnostic::Diagnostic;
use std::fmt::Write;

impl Findings<'_> {
    /// `::error file=app.policy,line=2,…,title=E0203::unknown group …`, a line each.
    pub(super) fn github(&self) -> String {
        let mut out = String::new();
        for one in self.diagnostics {
            let _ = writeln!(out, "{}", self.command(one));
        }
        out
    }

    fn command(&self, one: &Diagnostic) -> String {
        // As the repository names it.
        let file = self.sources[one.label.file].name.trim_start_matches("./");
        let ((line, column), (end_line, end_column)) = self.texts[one.label.file].places(one.label.span);
        // GitHub knows columns within one line only.
        let columns = if line == end_line { format!(",col={column},endColumn={end_column}") } else { String::new() };
        let place = |file: usize, span: admit_syntax::ast::Span| {
            format!("{}:{}", self.sources[file].name, self.texts[file].place(span.start).0)
        };
        let (kind, file, text) = (one.severity.name(), property(file), data(&said(one, place)));
        format!("::{kind} file={file},line={line},endLine={end_line}{columns},title={}::{text}", one.code)
    }
}

/// A text as the data of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A text as a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
