//! Reads one declaration by `grammar/policy.pest`, and says in the language's words where it does not fit.
//! Always: no rule name of the grammar reaches the user.

use crate::ast::Span;
use crate::error::{self, SyntaxError};
use crate::lexer::{Token, TokenKind};
use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pair;
use std::ops::Range;

/// The parser that pest makes of the grammar.
#[allow(missing_docs)]
mod generated {
    #[derive(pest_derive::Parser)]
    #[grammar = "../../../grammar/policy.pest"]
    pub struct Grammar;
}

use generated::Grammar;
/// What a node is: a production of `grammar/policy.pest`, under its name there.
pub use generated::Rule as Kind;

/// Reads the declaration that the tokens of `piece` hold.
pub fn read<'t>(text: &'t str, tokens: &[Token], piece: Range<usize>) -> Result<Pair<'t, Kind>, Box<SyntaxError>> {
    let (start, end) = (tokens[piece.start].span.start as usize, tokens[piece.end - 1].span.end as usize);
    let parsed = Grammar::parse(Kind::declaration, &text[start..end]);
    let declaration = parsed.ok().and_then(|mut pairs| pairs.next()).and_then(|pair| pair.into_inner().next());
    // A second run for the message: the first one is spared its cost.
    declaration.ok_or_else(|| {
        Box::new(match Grammar::parse(Kind::declaration, &text[start..end]) {
            Err(error) => Misfit { text, tokens, piece }.explain(&error, start),
            Ok(_) => fault(Span::new(start, end)),
        })
    })
}

/// The lexer and the grammar disagree: a fault of ours, and never silent.
pub fn fault(span: Span) -> SyntaxError {
    SyntaxError::new(error::UNEXPECTED, span, "this text is read in two ways, which is a fault in admit")
        .label("here")
        .help("please report it with this file")
}

struct Misfit<'a> {
    text: &'a str,
    tokens: &'a [Token],
    piece: Range<usize>,
}

impl Misfit<'_> {
    fn explain(&self, error: &pest::error::Error<Kind>, start: usize) -> SyntaxError {
        let position = start
            + match error.location {
                InputLocation::Pos(position) => position,
                InputLocation::Span((position, _)) => position,
            };
        let solid = |at: &usize| !self.tokens[*at].kind.is_trivia();
        let found = self.piece.clone().filter(solid).find(|at| self.tokens[*at].span.end as usize > position);
        let before = self.piece.clone().filter(solid).take_while(|at| Some(*at) != found).last();
        let positives: &[Kind] = match &error.variant {
            ErrorVariant::ParsingError { positives, .. } => positives,
            ErrorVariant::CustomError { .. } => &[],
        };
        let expected = self.expected(positives, before);
        let (span, what) = match found {
            Some(at) => (self.tokens[at].span, format!("`{}`", short(&self.text[self.tokens[at].span.range()]))),
            None => (self.tokens[self.piece.end - 1].span, "the end of the declaration".to_owned()),
        };
        let error = SyntaxError::new(error::UNEXPECTED, span, format!("expected {expected}, found {what}"))
            .label(format!("expected {expected}"));
        match self.help(found, before) {
            Some(help) => error.help(help),
            None => error,
        }
    }

    fn token(&self, at: Option<usize>) -> &str {
        at.map_or("", |at| &self.text[self.tokens[at].span.range()])
    }

    /// What the user may have meant.
    fn help(&self, found: Option<usize>, before: Option<usize>) -> Option<String> {
        match (self.token(before), self.token(found)) {
            ("let", "=") => Some("a list has a name: `let STAFF = [\"ADMINS\"]`".into()),
            (_, "=") if self.is_in_a_condition(found) => Some("write `==`".into()),
            (_, "and") if self.is_in_a_condition(found) => Some("write `&&`".into()),
            (_, "or") if self.is_in_a_condition(found) => Some("write `||`".into()),
            (_, "=") => Some("write `:`".into()),
            (before, _) if found.is_some_and(|at| self.tokens[at].kind == TokenKind::String) && before.len() > 1 => {
                Some(format!("inside `[ ]` and `( )` a comma goes between: `{before}, {}`", self.token(found)))
                    .filter(|_| before.starts_with(['"', '\'']))
            }
            (",", ",") => Some("one comma is enough".into()),
            (_, word) if found.is_some_and(|at| self.is_in_a_list(at)) && word.starts_with(char::is_alphabetic) => {
                Some(format!("inside `[ ]` and `( )` a comma goes between: write `,` before `{word}`"))
            }
            _ => None,
        }
    }

    /// Whether a place is within brackets or parentheses, behind something that stands there.
    fn is_in_a_list(&self, found: usize) -> bool {
        let mut open = Vec::new();
        let mut last = None;
        for token in self.piece.clone().take_while(|at| *at < found).map(|at| &self.tokens[at]) {
            match token.kind {
                kind if kind.is_trivia() => continue,
                kind if kind.closer().is_some() => open.push(kind),
                kind if kind.is_closer() => drop(open.pop()),
                _ => (),
            }
            last = Some(token.kind);
        }
        let is_behind = last.is_some_and(|kind| kind.is_closer() || kind == TokenKind::String);
        is_behind && open.last().is_some_and(|kind| *kind != TokenKind::LBrace)
    }

    /// Whether `when(` is open at a place.
    fn is_in_a_condition(&self, found: Option<usize>) -> bool {
        let solid = |at: &usize| !self.tokens[*at].kind.is_trivia();
        let before = self.piece.start..found.unwrap_or(self.piece.end);
        let mut open = Vec::new();
        let mut word = "";
        for at in before.filter(solid) {
            match self.tokens[at].kind {
                kind if kind.closer().is_some() => open.push(word),
                kind if kind.is_closer() => drop(open.pop()),
                _ => (),
            }
            word = self.token(Some(at));
        }
        open.contains(&"when")
    }

    fn expected(&self, positives: &[Kind], before: Option<usize>) -> String {
        let has = |kind: Kind| positives.contains(&kind);
        if has(Kind::colon) && has(Kind::dot) {
            return "`:` for a field or `.` for a rule".into();
        }
        if has(Kind::comparator) {
            return "a comparison such as `==`, `&&`, `||` or `)`".into();
        }
        if has(Kind::kw_can) && has(Kind::kw_cannot) {
            return "`can` or `cannot`".into();
        }
        let mut words: Vec<&str> = positives.iter().filter_map(|kind| self.word(*kind, before)).collect();
        words.sort_by_key(|word| (word.starts_with('`'), *word));
        words.dedup();
        if words.len() > 2 && words.iter().any(|word| !word.starts_with('`')) {
            words.retain(|word| *word != "`,`");
        }
        match words.split_last() {
            None => "something else".into(),
            Some((last, [])) => (*last).into(),
            Some((last, rest)) if rest.iter().any(|word| word.contains(", ")) => {
                format!("{}, or {last}", rest.join(", "))
            }
            Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        }
    }

    /// What the values in the brackets around a place are, if a word before the brackets says so.
    fn element(&self, before: Option<usize>) -> Option<&'static str> {
        let mut depth = 0;
        for at in (self.piece.start..=before?).rev().filter(|at| !self.tokens[*at].kind.is_trivia()) {
            match self.tokens[at].kind {
                kind if kind.is_closer() => depth += 1,
                TokenKind::LBrace if depth == 0 => return None,
                kind if kind.closer().is_some() && depth > 0 => depth -= 1,
                TokenKind::Word if depth == 0 => match self.token(Some(at)) {
                    "to" => return Some("an operation, such as `\"read\"`"),
                    "groups" | "group" => return Some("a group, such as `\"EDITORS\"`"),
                    _ => return None,
                },
                _ => (),
            }
        }
        None
    }

    /// What may stand where a subject may.
    fn subject(&self, before: Option<usize>) -> &'static str {
        match self.token(before) {
            "can" | "cannot" | "]" | "and" | "both" => "what it acts on, such as `Post`",
            "=" => "a caller or a record",
            _ => "a caller, such as `guest`",
        }
    }

    /// What may stand where an operand may: the first of a condition, or the second of a comparison.
    fn compared(&self, before: Option<usize>) -> &'static str {
        match self.token(before) {
            "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" => "a value to compare with",
            _ => "a condition",
        }
    }

    fn word(&self, kind: Kind, before: Option<usize>) -> Option<&'static str> {
        use Kind::*;
        Some(match kind {
            declaration | use_declaration | let_declaration | auth | group | data | model | type_declaration
            | enum_declaration | operation | function | storage | test | invariant | kw_use | kw_auth | kw_group
            | kw_data | kw_model | kw_type | kw_storage | kw_test | kw_invariant | operation_kind => "a declaration",
            kw_function if self.token(Some(self.piece.start)) != "test" => "a declaration",
            kw_let if self.token(Some(self.piece.start)) != "test" => "a declaration",
            kw_let | test_let => "`let`",
            kw_function | assertion | subject => self.subject(before),
            requirement | only | no | whoever | no_one | kw_only | kw_no | kw_whoever => {
                "`only`, `no`, `whoever` or `no one`"
            }
            kw_can => "`can`",
            kw_cannot => "`cannot`",
            kw_with | with => "`with`",
            kw_both => "`both`",
            kw_one => "`one`",
            kw_and => "`and`",
            condition | conjunction | negation | parenthesized | comparison | reading | not => "a condition",
            operand | operands => self.compared(before),
            comparator => "`==` or another comparison",
            operations => "operations, such as `[\"read\"]`",
            who => "a who, such as `group(\"ADMINS\")`",
            whos => "whos, such as `[owner()]`",
            and => "`&&`",
            or => "`||`",
            index => "`[`",
            when | kw_when | asking => "a name",
            spread | dots => return None,
            equals => "`=`",
            role_rules => "a setting",
            field | parameter => "a field",
            field_rules | lbrace => "`{`",
            call_member | name | call | calls if kind != calls => "a name",
            setting | key => "a setting",
            path => "a path, such as `\"drafts/*\"`",
            rules | list | lbracket if self.token(before) == "=" => "a list, such as `[\"ADMINS\"]`",
            rules | lbracket | brackets => "`[`",
            parameters | arguments | lparen => "`(`",
            r#type | enum_type | kw_enum => "a type",
            enum_value => "a value of the enum",
            rule => "a rule, such as `allow.owner()`",
            value | list | object | number | calls | string => self.element(before).unwrap_or(match kind {
                string if self.token(Some(self.piece.start)) == "storage" => "a path, such as `\"drafts/*\"`",
                string => "a quoted text",
                _ => "a value",
            }),
            rbrace => "`}`",
            rbracket => "`]`",
            rparen => "`)`",
            colon => "`:`",
            comma => "`,`",
            dot => "`.`",
            bang => "`!`",
            EOI => "the end of the declaration",
            _ => return None,
        })
    }
}

/// The first characters of a long text.
fn short(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
