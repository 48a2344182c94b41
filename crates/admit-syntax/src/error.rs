//! What is wrong with a text, in the words of the language.
//! Always: a code is stable and has a page in `docs/errors/`; one cause, one error.

use crate::ast::Span;

/// One syntax error.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyntaxError {
    /// `E0101`: stable.
    pub code: &'static str,
    /// What is wrong: lower case, no full stop, the user's words in backticks.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What is true at that place.
    pub label: String,
    /// What to write instead.
    pub help: Option<String>,
    /// Other places that matter, and what is true there.
    pub related: Vec<(Span, String)>,
    /// What would mend it: the bytes to replace, and with what.
    pub fix: Option<(Span, String)>,
}

/// Something else stands where the language expects something.
pub const UNEXPECTED: &str = "E0101";
/// A bracket without its partner.
pub const UNBALANCED: &str = "E0102";
/// A declaration that does not exist.
pub const NO_DECLARATION: &str = "E0103";
/// A quote or a comment that does not end.
pub const UNTERMINATED: &str = "E0104";
/// A character that the language does not use.
pub const STRANGE_CHARACTER: &str = "E0105";
/// An escape that JSON does not have.
pub const BAD_ESCAPE: &str = "E0106";
/// The file is not UTF-8.
pub const NOT_UTF8: &str = "E0108";
/// The file is larger than [`crate::MAX_FILE`].
pub const TOO_LARGE: &str = "E0901";
/// Brackets nest deeper than [`crate::MAX_DEPTH`].
pub const TOO_DEEP: &str = "E0902";

/// Every code of this crate.
pub const CODES: [&str; 9] = [
    UNEXPECTED,
    UNBALANCED,
    NO_DECLARATION,
    UNTERMINATED,
    STRANGE_CHARACTER,
    BAD_ESCAPE,
    NOT_UTF8,
    TOO_LARGE,
    TOO_DEEP,
];

impl SyntaxError {
    pub(crate) fn new(code: &'static str, span: Span, message: impl Into<String>) -> SyntaxError {
        SyntaxError {
            code,
            message: message.into(),
            span,
            label: String::new(),
            help: None,
            related: Vec::new(),
            fix: None,
        }
    }

    pub(crate) fn label(self, label: impl Into<String>) -> SyntaxError {
        SyntaxError { label: label.into(), ..self }
    }

    pub(crate) fn help(self, help: impl Into<String>) -> SyntaxError {
        SyntaxError { help: Some(help.into()), ..self }
    }

    pub(crate) fn related(mut self, span: Span, text: impl Into<String>) -> SyntaxError {
        self.related.push((span, text.into()));
        self
    }

    pub(crate) fn fix(self, span: Span, replacement: impl Into<String>) -> SyntaxError {
        SyntaxError { fix: Some((span, replacement.into())), ..self }
    }
}

impl std::fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SyntaxError {}
