//! Diagnostics as text for people.
//! Always: colour only on a terminal and without `NO_COLOR`.

use super::Text;
use admit_compiler::Source;
use admit_compiler::diagnostic::{Accepted, Diagnostic, Severity};
use admit_syntax::ast::Span;
use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, NamedSource, SourceCode,
    SourceSpan, SpanContents,
};
use std::fmt::{self, Write};
use std::io::IsTerminal;

/// The most diagnostics that are shown to a person at once.
const SHOWN: usize = 50;
/// The longest line that is shown with its text.
const MAX_LINE: usize = 500;

/// Labels this many lines apart are shown in one piece.
const NEAR: usize = 10;

/// A source whose pieces say how long they are: miette takes the lines before a piece for lines of it, and so shows
/// everything between two labels that are far from each other.
struct Pieces(NamedSource<String>);

impl SourceCode for Pieces {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let piece = self.0.read_span(span, before, after)?;
        let lines = piece.data().iter().filter(|byte| **byte == b'\n').count();
        let (name, line, column) = (self.0.name().to_owned(), piece.line(), piece.column());
        let count = piece.line_count().min(lines + NEAR);
        Ok(Box::new(MietteSpanContents::new_named(name, piece.data(), *piece.span(), line, column, count)))
    }
}

/// One diagnostic, as miette wants it.
struct Report<'a> {
    diagnostic: &'a Diagnostic,
    source: &'a Pieces,
    help: Option<String>,
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for Report<'_> {}

fn label(span: Span, text: &str) -> LabeledSpan {
    let text = Some(text.to_owned()).filter(|text| !text.is_empty());
    LabeledSpan::new(text, span.start as usize, span.range().len())
}

impl miette::Diagnostic for Report<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.diagnostic.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let main = label(self.diagnostic.label.span, &self.diagnostic.label.text);
        let here = self.diagnostic.related.iter().filter(|other| other.file == self.diagnostic.label.file);
        Some(Box::new(std::iter::once(main).chain(here.map(|other| label(other.span, &other.text)))))
    }
}

fn has_long_line(text: &str, span: Span) -> bool {
    let start = text.get(..span.start as usize).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let end = text
        .get(span.start as usize..)
        .and_then(|after| after.find('\n'))
        .map_or(text.len(), |at| span.start as usize + at);
    end - start > MAX_LINE || span.range().len() > MAX_LINE
}

/// The diagnostics for a person; `colour` says whether the text may be coloured.
pub fn human(sources: &[Source], diagnostics: &[Diagnostic], colour: bool) -> String {
    let texts = Text::of(sources);
    let named: Vec<Pieces> = sources
        .iter()
        .zip(&texts)
        .map(|(source, text)| Pieces(NamedSource::new(&source.name, text.text.to_string())))
        .collect();
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100).with_links(false);
    let mut out = String::new();
    for diagnostic in diagnostics.iter().take(SHOWN) {
        let file = diagnostic.label.file;
        if has_long_line(&texts[file].text, diagnostic.label.span) {
            let (line, column) = texts[file].place(diagnostic.label.span.start);
            let (name, code, message) = (&sources[file].name, diagnostic.code, &diagnostic.message);
            let _ = writeln!(out, "{name}:{line}:{column}: {code} {message}\n");
            continue;
        }
        let elsewhere = diagnostic.related.iter().filter(|other| other.file != file).map(|other| {
            let (line, _) = texts[other.file].place(other.span.start);
            format!("{}:{line}: {}", sources[other.file].name, other.text)
        });
        let help: Vec<String> = elsewhere.chain(diagnostic.help.clone()).collect();
        let help = (!help.is_empty()).then(|| help.join("\n"));
        let report = Report { diagnostic, source: &named[file], help };
        let _ = handler.render_report(&mut out, &report);
        out.push('\n');
    }
    if diagnostics.len() > SHOWN {
        let _ = writeln!(out, "… and {} more (`--format json` shows all)\n", diagnostics.len() - SHOWN);
    }
    out
}

/// `2 errors, 1 warning, 3 accepted`
pub fn summary(diagnostics: &[Diagnostic], accepted: &[Accepted]) -> String {
    let count = |severity: Severity| diagnostics.iter().filter(|one| one.severity == severity).count();
    let say = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let mut parts = Vec::new();
    parts.extend((errors > 0).then(|| say(errors, "error")));
    parts.extend((warnings > 0).then(|| say(warnings, "warning")));
    parts.extend(parts.is_empty().then(|| "no problems".to_owned()));
    parts.extend((!accepted.is_empty()).then(|| format!("{} accepted", accepted.len())));
    parts.join(", ")
}

/// Writes diagnostics for a person to stderr.
pub fn to_stderr(sources: &[Source], diagnostics: &[Diagnostic]) {
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    eprint!("{}", human(sources, diagnostics, colour));
}

/// Writes the syntax errors of one source to stderr.
pub fn syntax_to_stderr(source: &Source) {
    let sources = std::slice::from_ref(source);
    let checked = admit_compiler::check(sources);
    let syntax: Vec<Diagnostic> =
        checked.diagnostics.into_iter().filter(|one| admit_syntax::CODES.contains(&one.code)).collect();
    to_stderr(sources, &syntax);
}
