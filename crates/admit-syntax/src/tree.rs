//! The lossless tree: nodes of the grammar over the tokens of the lexer.
//! Always: every token is in the tree exactly once, so the tree's text is the file; a node begins and ends with a
//! token that is no blank and no comment.

use crate::ast::Span;
use crate::error::SyntaxError;
use crate::grammar::{Kind, fault};
use crate::lexer::{Token, TokenKind};
use pest::iterators::Pair;
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
pub struct Tree {
    pub(crate) text: String,
    pub(crate) tokens: Vec<Token>,
    /// The declarations that the grammar could read.
    pub(crate) declarations: Vec<Node>,
}

impl Tree {
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
    pub fn elements<'t>(&self, node: &'t Node) -> Vec<Element<'t>> {
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
}

/// The node of a declaration: pest's nodes with the lexer's tokens as leaves.
pub fn merge(pair: Pair<'_, Kind>, tokens: &[Token], offset: usize) -> Result<Node, Box<SyntaxError>> {
    let span = Span::new(pair.as_span().start() + offset, pair.as_span().end() + offset);
    let kind = pair.as_rule();
    let start =
        tokens.binary_search_by_key(&span.start, |token| token.span.start).map_err(|_| Box::new(fault(span)))?;
    let mut end = tokens.partition_point(|token| token.span.end <= span.end);
    // The grammar skips blanks before an optional part that is not there; they are not the node's.
    let solid = |token: &Token| !token.kind.is_trivia();
    let covered = end > start && (tokens[end - 1].span.end == span.end);
    while end > start && !solid(&tokens[end - 1]) {
        end -= 1;
    }
    if !covered || end <= start {
        return Err(Box::new(fault(span)));
    }
    let inner = pair.into_inner().map(|inner| merge(inner, tokens, offset)).collect::<Result<Vec<Node>, _>>()?;
    let children = inner.into_iter().filter(|node| !is_mark(node.kind)).collect();
    Ok(Node { kind, tokens: start..end, children })
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
