//! What the checker says about a policy: data that a terminal, an editor or a program renders.
//! Always: a code is stable and has a page in `docs/errors/`; one cause, one diagnostic.

use admit_syntax::SyntaxError;
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
    /// The same as edits, where it is certain.
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

impl Severity {
    /// `error` or `warning`.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
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

/// A warning that the policy accepts: `// admit: allow W0705 because …`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accepted {
    /// What is accepted.
    pub diagnostic: Diagnostic,
    /// Why.
    pub reason: String,
    /// The comment that says so.
    pub by: Label,
}

/// Edits that together mend a problem.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fix {
    /// The edits, which do not overlap.
    pub edits: Vec<Edit>,
}

/// One edit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edit {
    /// Index of the source.
    pub file: usize,
    /// The bytes to replace.
    pub span: Span,
    /// What stands there afterwards.
    pub replacement: String,
}

impl Diagnostic {
    /// A problem at a place. A code that begins with `W` is a warning.
    pub fn new(code: &'static str, file: usize, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity: if code.starts_with('W') { Severity::Warning } else { Severity::Error },
            message: message.into(),
            label: Label { file, span, text: String::new() },
            related: Vec::new(),
            help: None,
            fix: None,
        }
    }

    /// With what is true at the place.
    pub fn label(mut self, text: impl Into<String>) -> Diagnostic {
        self.label.text = text.into();
        self
    }

    /// With what to write instead.
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// With another place that matters.
    pub fn related(mut self, file: usize, span: Span, text: impl Into<String>) -> Diagnostic {
        self.related.push(Label { file, span, text: text.into() });
        self
    }

    /// An edit in the file of the problem; several make one fix.
    pub(crate) fn edit(mut self, span: Span, replacement: impl Into<String>) -> Diagnostic {
        let edit = Edit { file: self.label.file, span, replacement: replacement.into() };
        self.fix.get_or_insert_with(|| Fix { edits: Vec::new() }).edits.push(edit);
        self
    }

    pub(crate) fn of_syntax(file: usize, error: &SyntaxError) -> Diagnostic {
        let mut diagnostic = Diagnostic::new(error.code, file, error.span, &error.message).label(&error.label);
        diagnostic.help.clone_from(&error.help);
        for (span, text) in &error.related {
            diagnostic = diagnostic.related(file, *span, text);
        }
        match &error.fix {
            Some((span, replacement)) => diagnostic.edit(*span, replacement),
            None => diagnostic,
        }
    }
}
