//! Text of `.policy` files to a lossless tree and errors, and back to text in one layout.
//! Always: parsing never fails, never panics and never loses a byte.
//!
//! ```
//! let parsed = admit_syntax::parse("model Post { allow.group(\"ADMINS\" }\nmodel Note { allow.owner() }");
//! assert_eq!(parsed.errors().len(), 1);
//! assert!(parsed.file().model("Note").is_some()); // still there, and usable
//! assert_eq!(parsed.errors()[0].message, "`(` is never closed");
//! ```
pub mod ast;
mod error;
mod format;
mod grammar;
mod lexer;
mod split;
mod tree;
mod view;

pub use error::{CODES, SyntaxError};
pub use format::{FormatError, format};
pub use grammar::Kind;
pub use lexer::{Token, TokenKind};
pub use split::{DECLARATIONS, MAX_DEPTH, nearest};
pub use tree::{Element, Node, Tree};

use ast::{File, Name, Span};
use std::borrow::Cow;

/// The largest file, in bytes: 8 MiB.
pub const MAX_FILE: usize = 8 * 1024 * 1024;

/// The most errors that are reported of one file; who has more has no policy file.
pub const MAX_ERRORS: usize = 100;

/// A file, read: a tree and errors, never one or the other.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Parsed<'t> {
    tree: Tree<'t>,
    errors: Vec<SyntaxError>,
    file: File,
    unread: Vec<Unread>,
}

/// A model that was found and not read: see [`outline_bytes`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unread {
    /// The model's name.
    pub name: Name,
    /// The whole declaration, without its description.
    pub span: Span,
    /// Where the text begins that only blanks and comments part from the declaration.
    from: u32,
}

impl Parsed<'_> {
    /// What is wrong, by place; empty for a file that is right.
    pub fn errors(&self) -> &[SyntaxError] {
        &self.errors
    }

    /// The lossless tree.
    pub fn tree(&self) -> &Tree<'_> {
        &self.tree
    }

    /// The declarations that have no error, typed.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The models that were found and not read, in source order.
    pub fn unread(&self) -> &[Unread] {
        &self.unread
    }

    /// Reads one of them; nothing if it has an error.
    pub fn model(&self, unread: &Unread) -> Option<ast::Model> {
        let text = &self.tree.text;
        let part = Span { start: unread.from, end: unread.span.end };
        let tokens = lexer::tokens_in(text, part);
        let first = tokens.partition_point(|token| token.span.start < unread.span.start);
        let (piece, text) = (first..tokens.len(), Cow::Borrowed(text.as_ref()));
        match declaration(&Tree { text, tokens, declarations: Vec::new() }, piece) {
            Ok((_, ast::Item::Model(model))) => Some(model),
            _ => None,
        }
    }
}

/// What is kept of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// Everything.
    Nodes,
    /// The typed view of the declarations, but no nodes.
    View,
    /// The typed view of the declarations that are no models, but neither nodes nor tokens.
    Outline,
}

/// Reads a text. What it cannot read it reports, and goes on with the next declaration.
///
/// # Panics
/// Never, for any text. A text above [`MAX_FILE`] is reported and not read.
pub fn parse(text: &str) -> Parsed<'_> {
    read(text, Keep::Nodes)
}

fn read(text: &str, keep: Keep) -> Parsed<'_> {
    if text.len() > MAX_FILE {
        return Parsed { errors: vec![too_large()], ..Parsed::default() };
    }
    let mut tree = Tree { text: Cow::Borrowed(text), tokens: lexer::tokens(text), declarations: Vec::new() };
    let (mut errors, damaged) = damage(text, &tree.tokens);
    let (mut file, mut unread) = (File::default(), Vec::new());
    for piece in split::pieces(text, &tree.tokens) {
        // One cause, one error: a damaged token says enough about its declaration.
        if damaged.iter().any(|token| piece.tokens.contains(token)) {
            file.is_broken = true;
            continue;
        }
        let read = match piece.error {
            Some(error) => Err(vec![error]),
            None => match unread_model(&tree, &piece.tokens).filter(|_| keep == Keep::Outline) {
                Some(model) => {
                    unread.push(model);
                    continue;
                }
                None => declaration(&tree, piece.tokens),
            },
        };
        match read {
            Ok((node, item)) => {
                if keep == Keep::Nodes {
                    tree.declarations.push(node);
                }
                file.items.push(item);
            }
            Err(more) => errors.extend(more),
        }
    }
    errors.sort_by_key(|error| error.span);
    errors.truncate(MAX_ERRORS);
    file.is_broken |= !errors.is_empty();
    if keep == Keep::Outline {
        tree.tokens = Vec::new();
    }
    Parsed { tree, errors, file, unread }
}

/// A piece as a model to be read later, if it is one by its first two words.
fn unread_model(tree: &Tree<'_>, piece: &std::ops::Range<usize>) -> Option<Unread> {
    let solid = |token: &usize| !tree.tokens[*token].kind.is_trivia();
    let mut words = piece.clone().filter(solid);
    let name = words.next().filter(|first| tree.token_text(*first) == "model").and_then(|_| words.next())?;
    let (text, span) = (tree.token_text(name).to_owned(), tree.tokens[name].span);
    let whole = tree.tokens[piece.start].span.to(tree.tokens[piece.end - 1].span);
    let from = (0..piece.start).rev().find(solid).map_or(0, |before| tree.tokens[before].span.end);
    Some(Unread { name: Name { text, span }, span: whole, from })
}

/// Reads bytes: as [`parse`], and reports bytes that are not UTF-8.
///
/// # Panics
/// Never.
pub fn parse_bytes(bytes: &[u8]) -> Parsed<'_> {
    read_bytes(bytes, Keep::Nodes)
}

/// Reads bytes for who wants no nodes: as [`parse_bytes`], but of the tree there are only text and tokens. The nodes of a
/// declaration are gone before the next one is read: they take ten times the memory of the text.
///
/// # Panics
/// Never.
pub fn view_bytes(bytes: &[u8]) -> Parsed<'_> {
    read_bytes(bytes, Keep::View)
}

/// Reads bytes for who looks at one model after the other: as [`view_bytes`], but models are only found, and
/// [`Parsed::model`] reads each of them. Of the tree there is only the text. What stands in a model that has an error is
/// not reported: who meets one reads all of the file.
///
/// # Panics
/// Never.
pub fn outline_bytes(bytes: &[u8]) -> Parsed<'_> {
    read_bytes(bytes, Keep::Outline)
}

fn read_bytes(bytes: &[u8], keep: Keep) -> Parsed<'_> {
    if bytes.len() > MAX_FILE {
        return Parsed { errors: vec![too_large()], ..Parsed::default() };
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => read(text, keep),
        Err(error) => {
            let good = error.valid_up_to();
            let text = String::from_utf8_lossy(bytes);
            let error = SyntaxError::new(error::NOT_UTF8, Span::new(good, good + 3), "this file is not UTF-8")
                .label(format!("byte {good} begins no character"))
                .help("save the file as UTF-8");
            let tree = Tree { text, ..Tree::default() };
            let file = File { is_broken: true, ..File::default() };
            Parsed { tree, errors: vec![error], file, unread: Vec::new() }
        }
    }
}

fn too_large() -> SyntaxError {
    let message = "this file is larger than 8 MiB (8,388,608 bytes)";
    SyntaxError::new(error::TOO_LARGE, Span::default(), message).help("split it: several files are one policy")
}

type Declared = (Node, ast::Item);

fn declaration(tree: &Tree<'_>, piece: std::ops::Range<usize>) -> Result<Declared, Vec<SyntaxError>> {
    let first = piece.start;
    let pair = grammar::read(&tree.text, &tree.tokens, piece).map_err(|error| vec![*error])?;
    let node = tree::merge(pair, &tree.tokens, first).map_err(|error| vec![*error])?;
    let item = view::item(tree, &node)?;
    Ok((node, item))
}

/// The tokens that are wrong by themselves, and what to say of them.
fn damage(text: &str, tokens: &[Token]) -> (Vec<SyntaxError>, Vec<usize>) {
    let mut errors = Vec::new();
    let mut damaged = Vec::new();
    for (number, token) in tokens.iter().enumerate() {
        if let Some(error) = token_error(text, token) {
            damaged.push(number);
            if errors.len() < MAX_ERRORS {
                errors.push(error);
            }
        }
    }
    (errors, damaged)
}

fn token_error(text: &str, token: &Token) -> Option<SyntaxError> {
    let written = &text[token.span.range()];
    match token.kind {
        TokenKind::OpenString => {
            let quote = &written[..1];
            let error = SyntaxError::new(error::UNTERMINATED, token.span, "this text is not closed on its line");
            let help =
                format!("write `{quote}` where the text ends; the one that is missing may stand before this one");
            Some(error.label(format!("opened with `{quote}`")).help(help))
        }
        TokenKind::OpenComment => {
            let opener = Span::new(token.span.start as usize, token.span.start as usize + 2);
            let error = SyntaxError::new(error::UNTERMINATED, opener, "this comment is never closed");
            Some(error.label("opened here").help("write `*/` where the comment ends"))
        }
        TokenKind::Unknown => Some(strange(written, token.span)),
        _ => {
            let control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
            let (at, c) = written.char_indices().find(|(_, c)| control(*c))?;
            let start = token.span.start as usize + at;
            Some(strange(&c.to_string(), Span::new(start, start + c.len_utf8())))
        }
    }
}

fn strange(written: &str, span: Span) -> SyntaxError {
    let first = written.chars().next().unwrap_or_default();
    let shown = match first.is_control() || !first.is_ascii() {
        true => format!("the character U+{:04X}", first as u32),
        false => format!("`{first}`"),
    };
    let error = SyntaxError::new(error::STRANGE_CHARACTER, span, format!("{shown} has no meaning here"))
        .label("not a character of the language");
    match first {
        ';' => error.help("no semicolons: members end with their line or with a comma").fix(span, ""),
        '“' | '”' | '„' | '‘' | '’' => error.help("write straight quotes: `\"`"),
        '#' => error.help("comments begin with `//`"),
        '`' => error.help("write `\"`"),
        '?' => error.help("a field without `!` is optional; leave the `?` out").fix(span, ""),
        _ => error.help("remove it"),
    }
}

impl File {
    /// The model of that name, if the file declares one.
    pub fn model(&self, name: &str) -> Option<&ast::Model> {
        self.items.iter().find_map(|item| match item {
            ast::Item::Model(model) if model.name.text == name => Some(model),
            _ => None,
        })
    }
}
