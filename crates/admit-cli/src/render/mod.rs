//! Diagnostics in every form: for people, for programs, and for the services that show what a check found.
//! Always: the same diagnostics give the same bytes.

mod fixed;
mod github;
mod human;
mod json;
mod junit;
mod sarif;

pub use human::{human, summary, syntax_to_stderr, to_stderr};

use crate::Failure;
use admit_compiler::Source;
use admit_compiler::diagnostic::{Accepted, Diagnostic, Severity};
use admit_compiler::fix::Fixed;
use admit_syntax::ast::Span;
use std::borrow::Cow;

/// How diagnostics are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
    /// For code scanning and editors: SARIF 2.1.0.
    Sarif,
    /// For GitHub Actions: annotations of a pull request.
    Github,
    /// For services that show test reports: JUnit's XML.
    Junit,
}

/// The diagnostics of some sources.
pub struct Findings<'a> {
    sources: &'a [Source],
    texts: Vec<Text<'a>>,
    diagnostics: &'a [Diagnostic],
    accepted: &'a [Accepted],
    fixed: Option<&'a Fixed>,
}

/// A source's text, and where its lines begin.
struct Text<'a> {
    text: Cow<'a, str>,
    lines: Vec<usize>,
}

/// A place as people count: line and column from 1, the column in characters.
type Position = (usize, usize);

impl<'a> Text<'a> {
    fn of(sources: &'a [Source]) -> Vec<Text<'a>> {
        sources.iter().map(|source| Text::new(&source.text)).collect()
    }

    fn new(bytes: &'a [u8]) -> Text<'a> {
        let text = String::from_utf8_lossy(bytes);
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(ends).collect();
        Text { text, lines }
    }

    fn place(&self, at: u32) -> Position {
        let at = (at as usize).min(self.text.len());
        let line = self.lines.partition_point(|start| *start <= at);
        let column = self.text.get(self.lines[line - 1]..at).map_or(0, |before| before.chars().count()) + 1;
        (line, column)
    }

    fn places(&self, span: Span) -> (Position, Position) {
        (self.place(span.start), self.place(span.end))
    }
}

impl<'a> Findings<'a> {
    /// What was found in these sources.
    pub fn new(sources: &'a [Source], diagnostics: &'a [Diagnostic]) -> Findings<'a> {
        Findings { sources, texts: Text::of(sources), diagnostics, accepted: &[], fixed: None }
    }

    /// And what is accepted of it.
    pub fn accepted(mut self, accepted: &'a [Accepted]) -> Findings<'a> {
        self.accepted = accepted;
        self
    }

    /// And what was mended, so that these findings are what is left.
    pub fn fixed(mut self, fixed: &'a Fixed) -> Findings<'a> {
        self.fixed = Some(fixed);
        self
    }

    /// Says to a person on stderr what was found.
    pub fn to_stderr(&self) {
        to_stderr(self.sources, self.diagnostics);
    }

    /// What it comes to, in a line; where something was to be mended, with a line for each that was or was not.
    pub fn summary(&self) -> String {
        let (count, lines) = (self.sources.len(), self.fixed_lines());
        let mended = self.fixed.map(|fixed| format!("{} fixed, ", fixed.mended.len())).unwrap_or_default();
        let found = human::summary(self.diagnostics, self.accepted);
        format!("{lines}{mended}{found} in {count} file{}", if count == 1 { "" } else { "s" })
    }

    /// The findings in a form for programs; nothing for people, to whom [`to_stderr`] speaks.
    ///
    /// # Errors
    /// If the form cannot hold them.
    pub fn written(&self, format: Format, fails: impl Fn(Severity) -> bool) -> Result<Option<String>, Failure> {
        Ok(Some(match format {
            Format::Human => return Ok(None),
            Format::Json => self.json().to_string(),
            Format::Sarif => self.sarif().to_string(),
            Format::Github => self.github(),
            Format::Junit => self.junit(fails)?.trim_end().to_owned(),
        }))
    }
}

/// The diagnostics for a program.
pub fn json(sources: &[Source], diagnostics: &[Diagnostic]) -> serde_json::Value {
    Findings::new(sources, diagnostics).json()
}

/// The diagnostics as annotations for GitHub Actions, a line each.
pub fn github(sources: &[Source], diagnostics: &[Diagnostic]) -> String {
    Findings::new(sources, diagnostics).github()
}

/// What a diagnostic says, on lines: the message, what is true at its place, other places, what to write instead.
fn said(diagnostic: &Diagnostic, place: impl Fn(usize, Span) -> String) -> String {
    let label = Some(&diagnostic.label.text).filter(|text| !text.is_empty()).cloned();
    let related = diagnostic.related.iter().map(|other| format!("{}: {}", place(other.file, other.span), other.text));
    let help = diagnostic.help.iter().map(|help| format!("help: {help}"));
    std::iter::once(diagnostic.message.clone()).chain(label).chain(related).chain(help).collect::<Vec<_>>().join("\n")
}
