//! What the checker says about a policy: data that a terminal, an editor or a program renders.
//! Always: a code is stable and has a page in `docs/errors/`; one cause, one diagnostic.

use admit_syntax::ast::Span;

/// One problem of a policy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// `E0203`. Stable; `admit explain` prints its page.
    pub code: &'static str,
    /// Whether the policy can be compiled all the same.
    pub severity: Severity,
    /// What is wrong: lower case, no full stop, the user's words in backticks.
    pub message: String,
    /// The place, and what is true there.
    pub label: Label,
    /// Other places that matter.
    pub related: Vec<Label>,
    /// What to write instead.
    pub help: Option<String>,
    /// The same as an edit, where it is certain.
    pub fix: Option<Fix>,
}

/// How bad a problem is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// The policy does not compile.
    Error,
    /// It compiles, and probably does not mean what was meant.
    Warning,
}

/// A place and what is true there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label {
    /// Index of the source.
    pub file: usize,
    /// The bytes.
    pub span: Span,
    /// What is true there; may be empty for the main place.
    pub text: String,
}

/// An edit that mends a problem.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fix {
    /// Index of the source.
    pub file: usize,
    /// The bytes to replace.
    pub span: Span,
    /// What stands there afterwards.
    pub replacement: String,
}
