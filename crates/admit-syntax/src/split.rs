//! Splits a file into declarations, so that one bad rule cannot hide the next.
//! Always: the pieces, in order, cover every token but blanks and comments between them exactly once.

use crate::ast::Span;
use crate::error::{self, SyntaxError};
use crate::lexer::{Token, TokenKind};
use std::ops::Range;

/// The deepest that brackets may nest.
pub const MAX_DEPTH: usize = 64;

/// The words that begin a declaration.
pub const DECLARATIONS: [&str; 15] = [
    "use",
    "let",
    "auth",
    "group",
    "data",
    "model",
    "type",
    "enum",
    "query",
    "mutation",
    "subscription",
    "function",
    "storage",
    "test",
    "invariant",
];

/// A run of tokens that is one declaration, or that cannot be one.
pub struct Piece {
    /// Its tokens, from the first that is not blank to the last.
    pub tokens: Range<usize>,
    /// Why it is no declaration; none if the grammar is to judge.
    pub error: Option<SyntaxError>,
}

/// Splits tokens into pieces.
pub fn pieces(text: &str, tokens: &[Token]) -> Vec<Piece> {
    let solid = (0..tokens.len() as u32).filter(|at| !tokens[*at as usize].kind.is_trivia()).collect();
    let splitter = Splitter { text, tokens, solid };
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < splitter.solid.len() {
        let (end, error) = splitter.piece(at);
        let tokens = splitter.token(at)..splitter.token(end - 1) + 1;
        pieces.push(Piece { tokens, error });
        at = end;
    }
    pieces
}

struct Splitter<'t> {
    text: &'t str,
    tokens: &'t [Token],
    /// The tokens that are no trivia; numbers of four bytes, since there is one for every few bytes of the text.
    solid: Vec<u32>,
}

impl<'t> Splitter<'t> {
    fn token(&self, at: usize) -> usize {
        self.solid[at] as usize
    }

    fn kind(&self, at: usize) -> Option<TokenKind> {
        self.solid.get(at).map(|token| self.tokens[*token as usize].kind)
    }

    fn span(&self, at: usize) -> Span {
        self.tokens[self.token(at)].span
    }

    fn text(&self, at: usize) -> &'t str {
        &self.text[self.span(at).range()]
    }

    fn is_keyword(&self, at: usize) -> bool {
        self.kind(at) == Some(TokenKind::Word) && DECLARATIONS.contains(&self.text(at))
    }

    /// Whether a declaration, and nothing that could stand inside one, begins here.
    fn begins(&self, at: usize) -> bool {
        if !self.is_keyword(at) || (at > 0 && self.kind(at - 1) == Some(TokenKind::Colon)) {
            return false;
        }
        use TokenKind::{Colon, LBrace, LParen, Operator, String, Word};
        let next = (self.kind(at + 1), self.kind(at + 2));
        match self.text(at) {
            "auth" | "data" => next.0 == Some(LBrace),
            "query" | "mutation" | "subscription" => {
                matches!(next, (Some(Word), Some(Colon | LParen | LBrace)))
            }
            "function" => next.0 == Some(Word) && !matches!(next.1, Some(Colon | LParen | LBrace)),
            "storage" | "group" => matches!(next, (Some(Word | String), Some(LBrace))),
            "use" => next.0 == Some(String),
            "test" | "invariant" => matches!(next, (Some(String), Some(LBrace))),
            "let" => matches!(next, (Some(Word), Some(Operator))),
            _ => matches!(next, (Some(Word), Some(LBrace))),
        }
    }

    /// Whether the words here may be part of the declaration that begins at `start`: `function x` and `use "y"` as
    /// two values of an enum, `let x =` and the caller `function x` in a test.
    fn may_stand_inside(&self, start: usize, at: usize) -> bool {
        match self.text(at) {
            "function" | "use" => true,
            "let" => self.text(start) == "test",
            _ => false,
        }
    }

    fn is_first_on_line(&self, at: usize) -> bool {
        let before = &self.text[..self.span(at).start as usize];
        before.bytes().rev().take_while(|byte| *byte != b'\n').all(|byte| byte.is_ascii_whitespace())
    }

    /// Where the piece that begins here ends, and why it is no declaration.
    fn piece(&self, start: usize) -> (usize, Option<SyntaxError>) {
        let mut error = self.no_declaration(start);
        let whole = match self.text(start) {
            "function" => Some(TokenKind::Word),
            "use" => Some(TokenKind::String),
            _ => None,
        };
        if error.is_none() && whole.is_some() && self.kind(start + 1) == whole {
            return (start + 2, None);
        }
        // The bracket whose closing ends the declaration.
        let last = if self.text(start) == "let" { TokenKind::RBracket } else { TokenKind::RBrace };
        let mut open: Vec<usize> = Vec::new();
        let mut at = start;
        while at < self.solid.len() {
            // The word after the keyword is the declaration's name, whatever word it is.
            let may_begin = at > start + 1 || (at == start + 1 && error.is_some());
            let inside = || self.is_first_on_line(at) && !self.may_stand_inside(start, at);
            if may_begin && self.begins(at) && (open.is_empty() || inside()) {
                break;
            }
            let kind = self.kind(at).unwrap_or(TokenKind::Unknown);
            if kind.closer().is_some() {
                open.push(at);
                if open.len() == MAX_DEPTH + 1 {
                    error.get_or_insert_with(|| self.too_deep(at));
                }
            } else if kind.is_closer() {
                self.close(&mut open, at, &mut error);
                if open.is_empty() && kind == last {
                    return (at + 1, error);
                }
            }
            at += 1;
        }
        if let Some(opener) = open.last() {
            error.get_or_insert_with(|| self.unclosed(*opener, at));
        }
        (at, error)
    }

    fn close(&self, open: &mut Vec<usize>, at: usize, error: &mut Option<SyntaxError>) {
        let partner = open.iter().rposition(|opener| self.closer(*opener) == self.kind(at));
        match partner {
            Some(partner) => {
                if partner + 1 < open.len() {
                    let opener = open[open.len() - 1];
                    error.get_or_insert_with(|| self.unclosed(opener, at));
                }
                open.truncate(partner);
            }
            None => {
                error.get_or_insert_with(|| {
                    let closer = self.text(at);
                    SyntaxError::new(error::UNBALANCED, self.span(at), format!("`{closer}` closes nothing"))
                        .label("no bracket is open here that it could close")
                        .help(format!("remove the `{closer}`, or write its partner before it"))
                });
            }
        }
    }

    fn closer(&self, opener: usize) -> Option<TokenKind> {
        self.kind(opener).and_then(TokenKind::closer)
    }

    fn unclosed(&self, opener: usize, found: usize) -> SyntaxError {
        let bracket = self.text(opener);
        let closer = match bracket {
            "{" => "}",
            "[" => "]",
            _ => ")",
        };
        let error = SyntaxError::new(error::UNBALANCED, self.span(opener), format!("`{bracket}` is never closed"))
            .label(format!("opened here, and no `{closer}` follows for it"));
        match found < self.solid.len() {
            true => error
                .related(self.span(found), format!("`{closer}` is missing before this"))
                .help(format!("write `{closer}` before `{}`", self.text(found))),
            false => error.help(format!("write `{closer}` where it ends")),
        }
    }

    fn too_deep(&self, at: usize) -> SyntaxError {
        SyntaxError::new(error::TOO_DEEP, self.span(at), format!("brackets nest deeper than {MAX_DEPTH}"))
            .label(format!("this one is number {}", MAX_DEPTH + 1))
            .help("no rule needs that; look for a bracket that should have been closed")
    }

    /// Why no declaration can begin here.
    fn no_declaration(&self, at: usize) -> Option<SyntaxError> {
        if self.is_keyword(at) {
            return None;
        }
        let (text, span) = (self.text(at), self.span(at));
        if self.kind(at) != Some(TokenKind::Word) {
            let error = SyntaxError::new(error::UNEXPECTED, span, format!("expected a declaration, found `{text}`"));
            return Some(error.label("no declaration begins so").help(every_declaration()));
        }
        let error = SyntaxError::new(error::NO_DECLARATION, span, format!("unknown declaration `{text}`"))
            .label("no declaration begins so");
        Some(match nearest(text, DECLARATIONS) {
            Some(near) => error.help(format!("did you mean `{near}`?")).fix(span, near),
            None if matches!(text, "allow" | "deny") => {
                error.help("a rule stands inside a declaration, such as `model Post { … }`")
            }
            None => error.help(every_declaration()),
        })
    }
}

fn every_declaration() -> String {
    let [first @ .., last] = DECLARATIONS.map(|word| format!("`{word}`"));
    format!("a declaration begins with {} or {last}", first.join(", "))
}

/// The nearest word, if one is near: at most two edits away, one for words under six letters, none for words under
/// three. Of several the first. Capitals are no edit: `Read` is near `read`.
pub fn nearest<'w>(word: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let limit = match word.chars().count() {
        0..3 => 0,
        3..6 => 1,
        _ => 2,
    };
    let lower = word.to_lowercase();
    let distance = |known: &str| strsim::osa_distance(&lower, &known.to_lowercase());
    let near = words.into_iter().filter(|known| known.len().abs_diff(word.len()) <= 4 * limit.max(1));
    let near = near.map(|known| (distance(known), known)).filter(|(distance, _)| *distance <= limit);
    near.min_by_key(|(distance, _)| *distance).map(|(_, known)| known)
}
