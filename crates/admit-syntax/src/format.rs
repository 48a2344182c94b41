//! Prints a file in the one layout.
//! Always: only blanks, commas and quotes change; every run proves it, and gives the file back unchanged otherwise.
//!
//! The layout: two blanks a level, lines of at most 100 columns where that can be, one member a line without commas,
//! one blank line between declarations, double quotes. Lists and arguments stand on one line if they fit, else one
//! element a line with a comma behind each. Blank lines between members are kept, at most one.

use crate::error::SyntaxError;
use crate::grammar::Kind;
use crate::lexer::TokenKind;
use crate::tree::{Element, Node, Tree};
use crate::view::unescape;
use crate::{Parsed, parse};
use std::ops::Range;

const WIDTH: usize = 100;

/// Why a file was not formatted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FormatError {
    /// It has syntax errors; what it means is not known.
    Syntax(Vec<SyntaxError>),
    /// The new text would not say the same: a fault of ours.
    Changed,
}

impl std::fmt::Display for FormatError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FormatError::Syntax(_) => f.write_str("the file has syntax errors, so it is left as it is"),
            FormatError::Changed => f.write_str("formatting would change the file's meaning, a fault in admit"),
        }
    }
}

impl std::error::Error for FormatError {}

/// The text in the one layout.
///
/// ```
/// let text = admit_syntax::format("model Post{allow.groups(['A',]).to(['read'])}").unwrap();
/// assert_eq!(text, "model Post {\n  allow.groups([\"A\"]).to([\"read\"])\n}\n");
/// ```
///
/// # Errors
/// If the text has syntax errors, or if the result would not say the same.
///
/// # Panics
/// Never.
pub fn format(text: &str) -> Result<String, FormatError> {
    let before = parse(text);
    if !before.errors().is_empty() {
        return Err(FormatError::Syntax(before.errors().to_vec()));
    }
    let mut printer = Printer { tree: before.tree(), out: String::new(), column: 0 };
    printer.file();
    let out = printer.out;
    let after = parse(&out);
    match after.errors().is_empty() && meaningful(&before) == meaningful(&after) {
        true => Ok(out),
        false => Err(FormatError::Changed),
    }
}

/// All that must not change: every token but blanks and commas, strings by value, comments by text.
fn meaningful(parsed: &Parsed<'_>) -> Vec<(TokenKind, String)> {
    let tree = parsed.tree();
    let solid = |kind: TokenKind| !kind.is_blank() && kind != TokenKind::Comma;
    let tokens = tree.tokens().iter().enumerate().filter(|(_, token)| solid(token.kind));
    tokens
        .map(|(number, token)| {
            let text = tree.token_text(number);
            match token.kind {
                TokenKind::String => (token.kind, unescape(text).unwrap_or_else(|_| text.to_owned())),
                kind if kind.is_comment() => (kind, comment(text)),
                kind => (kind, text.to_owned()),
            }
        })
        .collect()
}

fn comment(text: &str) -> String {
    text.trim_end().replace("\r\n", "\n")
}

/// A part of a member, to be laid out.
enum Doc {
    Token(String),
    Comment(String),
    Group(Group),
}

/// Brackets and what they hold.
struct Group {
    open: char,
    close: char,
    entries: Vec<Entry>,
    layout: Layout,
    /// A blank before the opener.
    apart: bool,
    /// A comma behind each entry that has a line of its own.
    commas: bool,
}

/// How brackets may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// One line if it fits.
    Fits,
    /// One line if it fits and holds one member.
    One,
    /// One member a line.
    Lines,
}

enum Entry {
    /// A comment of its own, or one that trails what stands before it on the line.
    Comment {
        text: String,
        trails: bool,
        blank_before: bool,
    },
    Member {
        docs: Vec<Doc>,
        blank_before: bool,
        ends: Ends,
    },
}

/// How a top-level member sets itself off.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Line,
    Block,
}

struct Printer<'t> {
    tree: &'t Tree<'t>,
    out: String,
    column: usize,
}

fn layout(kind: Kind) -> Layout {
    match kind {
        Kind::auth
        | Kind::data
        | Kind::model
        | Kind::type_declaration
        | Kind::storage
        | Kind::test
        | Kind::invariant => Layout::Lines,
        Kind::field_rules | Kind::operation | Kind::role_rules | Kind::group => Layout::One,
        _ => Layout::Fits,
    }
}

// ---- from the tree to docs

impl Printer<'_> {
    /// The comments in a gap between members, and whether a blank line stands before what follows.
    fn gap(&self, gap: Range<usize>, after_member: bool, entries: &mut Vec<Entry>) -> bool {
        let mut lines = 0;
        let mut same_line = after_member;
        for at in gap.clone() {
            let token = self.tree.tokens[at];
            let text = self.tree.token_text(at);
            if token.kind.is_comment() {
                let alone = !text.starts_with("/*") || self.ends_its_line(at + 1);
                entries.push(Entry::Comment {
                    text: comment(text),
                    trails: same_line && lines == 0 && alone,
                    blank_before: lines > 1,
                });
                // A comment on its own line starts the next one.
                same_line = false;
                lines = 0;
            } else if token.kind.is_blank() {
                lines += text.matches('\n').count();
            }
        }
        lines > 1
    }

    /// Whether a comma, a closer or a line's end comes before any member.
    fn ends_its_line(&self, from: usize) -> bool {
        let next = self.tree.tokens[from..].iter().find(|token| match token.kind {
            TokenKind::Blank => self.tree.text[token.span.range()].contains('\n'),
            kind => !kind.is_trivia(),
        });
        next.is_none_or(|token| token.kind.is_blank() || token.kind == TokenKind::Comma || token.kind.is_closer())
    }

    fn docs(&self, node: &Node) -> Vec<Doc> {
        let mut docs = Vec::new();
        let elements = self.tree.elements(node);
        let mut at = 0;
        while at < elements.len() {
            match elements[at] {
                Element::Node(child) => docs.extend(self.docs(child)),
                Element::Token(number) => {
                    let kind = self.tree.tokens[number].kind;
                    let text = self.tree.token_text(number);
                    if kind.closer().is_some() {
                        let inside = &elements[at + 1..elements.len() - 1];
                        docs.push(Doc::Group(self.group(node.kind, number, inside)));
                        break; // in every production the brackets come last
                    } else if kind.is_comment() {
                        docs.push(Doc::Comment(comment(text)));
                    } else if !kind.is_blank() {
                        docs.push(Doc::Token(self.quoted(kind, text)));
                    }
                }
            }
            at += 1;
        }
        docs
    }

    fn group(&self, kind: Kind, opener: usize, inside: &[Element<'_>]) -> Group {
        let (open, close) = match self.tree.tokens[opener].kind {
            TokenKind::LBrace => ('{', '}'),
            TokenKind::LBracket => ('[', ']'),
            _ => ('(', ')'),
        };
        let mut entries = Vec::new();
        let mut gap = opener + 1..opener + 1;
        let mut after_member = false;
        for element in inside {
            match element {
                Element::Token(number) => gap.end = number + 1,
                Element::Node(child) => {
                    let blank_before = self.gap(gap, after_member, &mut entries);
                    entries.push(Entry::Member { docs: self.docs(child), blank_before, ends: Ends::Line });
                    gap = child.tokens.end..child.tokens.end;
                    after_member = true;
                }
            }
        }
        self.gap(gap, after_member, &mut entries);
        let apart = open == '{' || matches!(kind, Kind::enum_type | Kind::operations | Kind::operands);
        let commas = open != '{' && !matches!(kind, Kind::when | Kind::parenthesized | Kind::asking | Kind::index);
        Group { open, close, entries, layout: layout(kind), apart, commas }
    }

    fn quoted(&self, kind: TokenKind, text: &str) -> String {
        match (kind, text.starts_with('\'')) {
            (TokenKind::String, true) => quote(&unescape(text).unwrap_or_default()),
            _ => text.to_owned(),
        }
    }
}

/// A text as a literal in double quotes.
fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

// ---- flat

/// The docs on one line, or nothing if they cannot stand on one.
fn flat(docs: &[Doc], out: &mut String) -> Option<()> {
    docs.iter().try_for_each(|doc| match doc {
        Doc::Token(text) => {
            out.push_str(between(out, text));
            out.push_str(text);
            Some(())
        }
        Doc::Comment(text) => {
            one_line(text)?;
            out.push_str(if out.is_empty() { "" } else { " " });
            out.push_str(text);
            out.push(' ');
            Some(())
        }
        Doc::Group(group) => flat_group(group, out),
    })
}

fn one_line(text: &str) -> Option<()> {
    (text.starts_with("/*") && !text.contains('\n')).then_some(())
}

fn flat_group(group: &Group, out: &mut String) -> Option<()> {
    let members = group.entries.iter().filter(|entry| matches!(entry, Entry::Member { .. })).count();
    if !group.entries.is_empty() && (group.layout == Layout::Lines || (group.layout == Layout::One && members > 1)) {
        return None;
    }
    opening(group, out);
    let pad = if group.open == '{' && !group.entries.is_empty() { " " } else { "" };
    out.push_str(pad);
    let mut seen = 0;
    for entry in &group.entries {
        match entry {
            Entry::Comment { text, trails, .. } => {
                one_line(text)?;
                // A leading comment comes after the comma of the member before it.
                let comma = if !trails && seen > 0 { "," } else { "" };
                let blank = if out.ends_with([' ', '[', '(']) { "" } else { " " };
                out.push_str(comma);
                out.push_str(blank);
                out.push_str(text);
                out.push_str(if *trails { "" } else { " " });
            }
            Entry::Member { docs, .. } => {
                if seen > 0 && !out.ends_with("*/ ") {
                    out.push_str(", ");
                }
                let mut text = String::new();
                flat(docs, &mut text)?;
                out.push_str(&text);
                seen += 1;
            }
        }
    }
    out.push_str(pad);
    out.push(group.close);
    Some(())
}

fn opening(group: &Group, out: &mut String) {
    let apart = match out.chars().last() {
        None | Some('(' | '[' | ' ' | '\n') => false,
        Some(':' | ',' | '=' | '&' | '|') => true,
        Some(_) => group.apart || out.ends_with("only"),
    };
    out.push_str(if apart { " " } else { "" });
    out.push(group.open);
}

/// The blank between what is written and a token.
fn between(out: &str, next: &str) -> &'static str {
    let tight = matches!(next, "," | ":" | "." | "!" | ")" | "]");
    match out.chars().last() {
        None | Some('(' | '[' | '.' | ' ' | '\n' | '!') => "",
        Some('=' | '&' | '|' | '<' | '>') => " ",
        Some(_) if tight => "",
        Some(_) => " ",
    }
}

/// Whether a requirement that is too long goes on here on a new line: what may be done, or the second of two deeds.
fn breaks(docs: &[Doc], at: usize) -> bool {
    let is = |at: usize, text: &str| matches!(docs.get(at), Some(Doc::Token(token)) if token == text);
    let no_one = is(0, "no") && is(1, "one");
    match (no_one, at) {
        (_, 0) => false,
        (true, _) => is(at, "and"),
        (false, 1) => false,
        (false, _) => is(at, "can") && !is(at - 1, ".") && (is(0, "only") || is(0, "no") || is(0, "whoever")),
    }
}

// ---- lines

impl Printer<'_> {
    fn write(&mut self, text: &str) {
        self.out.push_str(text);
        self.column = match text.rfind('\n') {
            Some(at) => text[at + 1..].chars().count(),
            None => self.column + text.chars().count(),
        };
    }

    fn line(&mut self, indent: usize) {
        self.write("\n");
        self.write(&" ".repeat(indent));
    }

    fn file(&mut self) {
        let mut entries = Vec::new();
        let mut start = 0;
        for node in self.tree.declarations() {
            let blank_before = self.gap(start..node.tokens.start, start > 0, &mut entries);
            let line =
                matches!(node.kind, Kind::function | Kind::use_declaration | Kind::let_declaration | Kind::group);
            let ends = if line { Ends::Line } else { Ends::Block };
            entries.push(Entry::Member { docs: self.docs(node), blank_before, ends });
            start = node.tokens.end;
        }
        self.gap(start..self.tree.tokens.len(), start > 0, &mut entries);
        self.entries(&entries, 0, None);
        if !self.out.is_empty() {
            self.write("\n");
        }
    }

    /// Entries, one a line, from the beginning of a line; `comma` goes behind each member.
    fn entries(&mut self, entries: &[Entry], indent: usize, comma: Option<&str>) {
        let mut last = None;
        for (number, entry) in entries.iter().enumerate() {
            if let Entry::Comment { text, trails: true, .. } = entry {
                self.write(" ");
                self.write(text);
                continue;
            }
            let (own, asked) = match entry {
                Entry::Comment { blank_before, .. } => (Self::next_ends(&entries[number..]), *blank_before),
                Entry::Member { blank_before, ends, .. } => (Some(*ends), *blank_before),
            };
            let above = number.checked_sub(1).map(|before| &entries[before]);
            let after_comment = matches!(above, Some(Entry::Comment { trails: false, .. }));
            let set_off = !after_comment && last.is_some() && (own == Some(Ends::Block) || last == Some(Ends::Block));
            if number > 0 {
                if (asked && comma.is_none()) || set_off {
                    self.write("\n");
                }
                self.line(indent);
            }
            match entry {
                Entry::Comment { text, .. } => self.write(text),
                Entry::Member { docs, ends, .. } => {
                    self.docs_in_lines(docs, indent, comma.map_or(0, str::len));
                    self.write(comma.unwrap_or(""));
                    last = Some(*ends);
                }
            }
        }
    }

    fn next_ends(entries: &[Entry]) -> Option<Ends> {
        entries.iter().find_map(|entry| match entry {
            Entry::Member { ends, .. } => Some(*ends),
            Entry::Comment { .. } => None,
        })
    }

    fn docs_in_lines(&mut self, docs: &[Doc], indent: usize, comma: usize) {
        let mut whole = String::new();
        if flat(docs, &mut whole).is_some() && self.column + whole.chars().count() + comma <= WIDTH {
            return self.write(&whole);
        }
        let start = self.out.len();
        for (number, doc) in docs.iter().enumerate() {
            match doc {
                // A long condition goes on with its operator on a new line.
                Doc::Token(text) if text == "&&" || text == "||" => {
                    if !self.out.ends_with(' ') {
                        self.line(indent + 2);
                    }
                    self.write(text);
                }
                Doc::Token(text) if breaks(docs, number) && !self.out[start..].contains('\n') => {
                    self.line(indent + 2);
                    self.write(text);
                }
                Doc::Token(text) => {
                    let blank = if self.out.len() == start { "" } else { between(&self.out, text) };
                    self.write(blank);
                    self.write(text);
                }
                Doc::Comment(text) => {
                    self.write(" ");
                    self.write(text);
                    if text.starts_with("/*") {
                        self.write(" ");
                    } else {
                        self.line(indent + 2);
                    }
                }
                Doc::Group(group) => {
                    let mut text = String::new();
                    let fits = flat_group(group, &mut text).is_some();
                    let tail = Self::tail(&docs[number + 1..]) + comma;
                    let apart = usize::from(group.apart);
                    match fits && self.column + apart + text.chars().count() + tail <= WIDTH {
                        true => self.group_flat(group),
                        false => self.group_in_lines(group, indent),
                    }
                }
            }
        }
    }

    /// The columns up to the next place where a line can break.
    fn tail(docs: &[Doc]) -> usize {
        let mut tail = 0;
        for doc in docs {
            match doc {
                Doc::Token(text) => tail += text.chars().count(),
                Doc::Comment(_) => (),
                Doc::Group(_) => return tail + 1,
            }
        }
        tail
    }

    fn group_flat(&mut self, group: &Group) {
        let before = self.out.len();
        let mut out = std::mem::take(&mut self.out);
        let _ = flat_group(group, &mut out);
        self.column += out[before..].chars().count();
        self.out = out;
    }

    fn group_in_lines(&mut self, group: &Group, indent: usize) {
        let mut out = std::mem::take(&mut self.out);
        let before = out.len();
        opening(group, &mut out);
        self.column += out[before..].chars().count();
        self.out = out;
        // `groups([` … `])`: brackets in brackets open and close together.
        if let ('(', [Entry::Member { docs, .. }]) = (group.open, group.entries.as_slice())
            && let [Doc::Group(inner)] = docs.as_slice()
        {
            self.group_in_lines(inner, indent);
        } else if !group.entries.is_empty() {
            self.line(indent + 2);
            let comma = group.commas.then_some(",");
            self.entries(&group.entries, indent + 2, comma);
            self.line(indent);
        }
        self.write(&group.close.to_string());
    }
}
