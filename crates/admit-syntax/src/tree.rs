//! The lossless tree: nodes of the grammar over the tokens of the lexer.
//! Always: every token is in the tree exactly once, so the tree's text is the file; a node begins and ends with a
//! token that is no blank and no comment.

use crate::ast::Span;
use crate::error::SyntaxError;
use crate::grammar::{Kind, fault};
use crate::lexer::{Token, TokenKind};
use pest::iterators::Pair;
use std::borrow::Cow;
use std::ops::Range;

/// A node: a production of the grammar, and the tokens that it covers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Node {
    /// Which production.
    pub kind: Kind,
    /// Its tokens, numbers into [`Tree::tokens`].
    pub tokens: Range<usize>,
    /// The nodes in it, in order. Tokens that no child covers are the node's own.
    pub children: Vec<Node>,
}

/// A part of a node, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Element<'t> {
    /// A node in it.
    Node(&'t Node),
    /// A token of its own, by number.
    Token(usize),
}

/// A whole file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tree<'t> {
    pub(crate) text: Cow<'t, str>,
    pub(crate) tokens: Vec<Token>,
    /// The declarations that the grammar could read.
    pub(crate) declarations: Vec<Node>,
}

impl Tree<'_> {
    /// The text, byte for byte.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its tokens: together they are the text.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The declarations that could be read, in order.
    pub fn declarations(&self) -> &[Node] {
        &self.declarations
    }

    /// The text of a token.
    pub fn token_text(&self, token: usize) -> &str {
        &self.text[self.tokens[token].span.range()]
    }

    /// The bytes of a node.
    pub fn span(&self, node: &Node) -> Span {
        self.tokens[node.tokens.start].span.to(self.tokens[node.tokens.end - 1].span)
    }

    /// The parts of a node, tokens and nodes, in order.
    pub fn elements<'n>(&self, node: &'n Node) -> Vec<Element<'n>> {
        let mut elements = Vec::new();
        let mut at = node.tokens.start;
        for child in &node.children {
            elements.extend((at..child.tokens.start).map(Element::Token));
            elements.push(Element::Node(child));
            at = child.tokens.end;
        }
        elements.extend((at..node.tokens.end).map(Element::Token));
        elements
    }

    /// The description before a token: the `///` lines, without the slashes and one blank.
    pub fn description(&self, token: usize) -> Vec<String> {
        let before = self.tokens[..token].iter().rev().take_while(|token| token.kind.is_trivia());
        let docs = before.filter(|token| token.kind == TokenKind::Doc);
        let mut lines: Vec<String> = docs
            .map(|token| {
                let line = self.text[token.span.range()].trim_start_matches("///").trim_end();
                line.strip_prefix(' ').unwrap_or(line).to_owned()
            })
            .collect();
        lines.reverse();
        lines
    }

    /// The bytes of a node, with the `///` lines before it.
    pub fn described(&self, node: &Node) -> Span {
        let before = self.tokens[..node.tokens.start].iter().rev();
        let docs = before.take_while(|token| token.kind.is_blank() || token.kind == TokenKind::Doc);
        let first = docs.filter(|token| token.kind == TokenKind::Doc).last();
        let span = self.span(node);
        first.map_or(span, |token| token.span.to(span))
    }
}

/// The node of a declaration: pest's nodes with the lexer's tokens as leaves. `first` is the declaration's first token.
///
/// Nodes come in the order of the text, so the tokens are walked once. Searching them for each node took an eighth of
/// the time from text to table.
pub fn merge(pair: Pair<'_, Kind>, tokens: &[Token], first: usize) -> Result<Node, Box<SyntaxError>> {
    let offset = tokens.get(first).map_or(0, |token| token.span.start as usize);
    Merge { tokens, offset, at: first }.node(pair)
}

struct Merge<'t> {
    tokens: &'t [Token],
    /// Where the text that pest read begins in the file.
    offset: usize,
    /// Every token before this one ends before whatever comes next.
    at: usize,
}

impl Merge<'_> {
    fn node(&mut self, pair: Pair<'_, Kind>) -> Result<Node, Box<SyntaxError>> {
        let (kind, span) = (pair.as_rule(), self.span(&pair));
        let start = self.skip_to(span)?;
        let mut children = Vec::new();
        for inner in pair.into_inner() {
            if is_mark(inner.as_rule()) {
                let span = self.span(&inner);
                let start = self.skip_to(span)?;
                self.end(start, span)?;
            } else {
                children.push(self.node(inner)?);
            }
        }
        Ok(Node { kind, tokens: start..self.end(start, span)?, children })
    }

    fn span(&self, pair: &Pair<'_, Kind>) -> Span {
        let span = pair.as_span();
        Span::new(span.start() + self.offset, span.end() + self.offset)
    }

    /// The token that begins where the span does.
    fn skip_to(&mut self, span: Span) -> Result<usize, Box<SyntaxError>> {
        while self.tokens.get(self.at).is_some_and(|token| token.span.start < span.start) {
            self.at += 1;
        }
        match self.tokens.get(self.at).is_some_and(|token| token.span.start == span.start) {
            true => Ok(self.at),
            false => Err(Box::new(fault(span))),
        }
    }

    /// One past the last token in the span that is no blank and no comment; some token must end where the span does.
    fn end(&mut self, start: usize, span: Span) -> Result<usize, Box<SyntaxError>> {
        while self.tokens.get(self.at).is_some_and(|token| token.span.end <= span.end) {
            self.at += 1;
        }
        let mut end = self.at;
        let covered = end > start && self.tokens[end - 1].span.end == span.end;
        // The grammar skips blanks before an optional part that is not there; they are not the node's.
        while end > start && self.tokens[end - 1].kind.is_trivia() {
            end -= 1;
        }
        if covered && end > start { Ok(end) } else { Err(Box::new(fault(span))) }
    }
}

/// Punctuation and keywords: tokens are enough for them.
fn is_mark(kind: Kind) -> bool {
    use Kind::*;
    matches!(
        kind,
        kw_use
            | kw_let
            | kw_group
            | kw_test
            | kw_invariant
            | kw_when
            | kw_can
            | kw_cannot
            | kw_with
            | kw_only
            | kw_no
            | kw_one
            | kw_both
            | kw_and
            | kw_whoever
            | kw_auth
            | kw_data
            | kw_model
            | kw_type
            | kw_enum
            | kw_function
            | kw_storage
            | lbrace
            | rbrace
            | lbracket
            | rbracket
            | lparen
            | rparen
            | colon
            | comma
            | dot
            | bang
            | not
            | dots
            | equals
            | and
            | or
    )
}
