//! Acceptances: `// admit: allow W0705 because …`, a comment above what it is about.
//! Always: one acceptance takes one warning, no acceptance takes an error, and one that takes nothing is reported.

use super::sorted;
use crate::codes;
use crate::diagnostic::{Accepted, Diagnostic, Label, Severity};
use admit_syntax::ast::Span;
use admit_syntax::{Node, Parsed, TokenKind, Tree, nearest, outline_bytes, parse_bytes, view_bytes};

/// What a comment begins with, after its slashes, to be an acceptance.
const MARK: &str = "admit:";

/// One acceptance that says what it must.
struct Acceptance<'a> {
    file: usize,
    /// The comment.
    span: Span,
    code: &'static str,
    reason: &'a str,
    /// What stands below it, as far as its acceptance reaches.
    scope: Option<Span>,
}

/// Reads a source. What stands below an acceptance is found among the nodes; nobody else needs them, so a file without the
/// mark is read without, and its models are only found if that is wanted.
pub(super) fn parse(text: &[u8], outline: bool) -> Parsed<'_> {
    match std::str::from_utf8(text).is_ok_and(|text| text.contains(MARK)) {
        true => parse_bytes(text),
        false if outline => outline_bytes(text),
        false => view_bytes(text),
    }
}

/// Takes from the diagnostics those that are accepted, and adds what is wrong with acceptances.
pub(super) fn accept(parsed: &[Parsed<'_>], mut diagnostics: Vec<Diagnostic>) -> (Vec<Diagnostic>, Vec<Accepted>) {
    let mut acceptances = Vec::new();
    let mut wrong = Vec::new();
    for (file, parsed) in parsed.iter().enumerate() {
        for token in comments(parsed.tree()) {
            match read(parsed.tree(), file, token) {
                Ok(acceptance) => acceptances.push(acceptance),
                Err(diagnostic) => wrong.push(*diagnostic),
            }
        }
    }
    // Of two that reach a place, the one further in takes what is there; of two above one thing, the first the first.
    acceptances.sort_by_key(|one| (one.file, std::cmp::Reverse(one.scope.map(|scope| scope.start)), one.span));
    let mut accepted = Vec::new();
    for one in &acceptances {
        let reached = |other: &Diagnostic| {
            let at = (other.label.file, other.label.span.start);
            other.code == one.code && one.scope.is_some_and(|scope| at.0 == one.file && scope.holds(at.1))
        };
        match diagnostics.iter().position(reached) {
            Some(at) => accepted.push(Accepted {
                diagnostic: diagnostics.remove(at),
                reason: one.reason.to_owned(),
                by: Label { file: one.file, span: one.span, text: String::new() },
            }),
            None => wrong.push(unused(parsed[one.file].tree(), one)),
        }
    }
    // Where something is wrong, warnings may be missing, so that what takes nothing now may do so then.
    let errors = diagnostics.iter().chain(&wrong).any(|one| one.severity == Severity::Error);
    wrong.retain(|one| one.severity == Severity::Error || !errors);
    accepted.sort_by_key(|one| (one.diagnostic.label.file, one.diagnostic.label.span));
    match wrong.is_empty() {
        true => (diagnostics, accepted),
        false => {
            diagnostics.extend(wrong);
            (sorted(diagnostics), accepted)
        }
    }
}

/// The comments that mean to be acceptances, by their tokens' numbers.
fn comments(tree: &Tree<'_>) -> impl Iterator<Item = usize> {
    let is_meant =
        |token: &usize| tree.tokens()[*token].kind == TokenKind::LineComment && body(tree.token_text(*token)).is_some();
    (0..tree.tokens().len()).filter(is_meant)
}

/// What stands behind the mark.
fn body(comment: &str) -> Option<&str> {
    comment.trim_start_matches('/').trim_start().strip_prefix(MARK).map(str::trim)
}

fn read<'t>(tree: &'t Tree<'_>, file: usize, token: usize) -> Result<Acceptance<'t>, Box<Diagnostic>> {
    let text = tree.token_text(token);
    let span = tree.tokens()[token].span;
    let span = Span { start: span.start, end: span.start + text.trim_end().len() as u32 };
    let malformed = |message: &str, label: &str, help: &str| {
        Box::new(Diagnostic::new(codes::ACCEPTANCE, file, span, message).label(label).help(help))
    };
    let form = "write `// admit: allow W0705 because …`, with the code that is accepted and the reason";
    if !is_alone(tree, token) {
        let help = "put it on a line of its own, above what it is about";
        return Err(malformed("an acceptance stands behind something", "not on a line of its own", help));
    }
    let words = body(text).unwrap_or_default();
    let Some(rest) = word(words, "allow") else {
        return Err(malformed("this comment to admit says nothing that it knows", "does not begin with `allow`", form));
    };
    let written = rest.split_whitespace().next().unwrap_or_default();
    if written.is_empty() || written == "because" {
        return Err(malformed("this acceptance does not say what it accepts", "no code", form));
    }
    let code = code(written).map_err(|(message, help)| {
        let start = span.start as usize + (written.as_ptr() as usize - text.as_ptr() as usize);
        let place = Span::new(start, start + written.len());
        let error = Diagnostic::new(codes::ACCEPTED_CODE, file, place, message).label("not a warning's code");
        Box::new(error.help(help))
    })?;
    let reason = word(rest[written.len()..].trim_start(), "because").unwrap_or_default();
    if reason.is_empty() {
        let help = format!("say why: `// admit: allow {code} because …`");
        return Err(malformed("this acceptance gives no reason", "no `because`, or nothing behind it", &help));
    }
    Ok(Acceptance { file, span, code, reason, scope: scope(tree, token) })
}

/// What follows a word that stands alone.
fn word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let rest = text.strip_prefix(word)?;
    let trimmed = rest.trim_start();
    (trimmed.is_empty() || trimmed.len() < rest.len()).then_some(trimmed)
}

/// The code that may be accepted; else what is wrong, and what to do.
fn code(written: &str) -> Result<&'static str, (String, String)> {
    let all = codes::codes();
    match all.iter().copied().find(|code| code.eq_ignore_ascii_case(written)) {
        Some(codes::UNUSED_ACCEPTANCE) => {
            let message = format!("`{}` cannot be accepted", codes::UNUSED_ACCEPTANCE);
            Err((message, "remove the acceptance that accepts nothing".to_owned()))
        }
        Some(code) if code.starts_with('W') => Ok(code),
        Some(code) => {
            let message = format!("`{code}` is an error, and no error can be accepted");
            Err((message, format!("mend it: `admit explain {code}` shows how")))
        }
        None => {
            let warnings = all.iter().copied().filter(|code| code.starts_with('W'));
            let near = nearest(&written.to_ascii_uppercase(), warnings);
            let help = near.map(|near| format!("did you mean `{near}`?"));
            let help = help.unwrap_or_else(|| "`admit explain` lists all".to_owned());
            Err((format!("there is no diagnostic `{written}`"), help))
        }
    }
}

/// Whether nothing stands before a comment on its line.
fn is_alone(tree: &Tree<'_>, token: usize) -> bool {
    let text = &tree.text()[..tree.tokens()[token].span.start as usize];
    let line = text.rsplit('\n').next().unwrap_or_default();
    line.trim_start_matches('\u{feff}').trim().is_empty()
}

/// What stands below a comment: the declaration, the member or the element that begins there, whole.
fn scope(tree: &Tree<'_>, comment: usize) -> Option<Span> {
    let next = (comment + 1..tree.tokens().len()).find(|token| !tree.tokens()[*token].kind.is_trivia())?;
    if tree.tokens()[next].kind.is_closer() {
        return None;
    }
    let in_it = |nodes: &[Node]| {
        let at = nodes.partition_point(|node| node.tokens.end <= next);
        (at < nodes.len() && nodes[at].tokens.contains(&next)).then_some(at)
    };
    let mut nodes = tree.declarations();
    while let Some(at) = in_it(nodes) {
        if nodes[at].tokens.start == next {
            return Some(tree.span(&nodes[at]));
        }
        nodes = &nodes[at].children;
    }
    Some(tree.tokens()[next].span)
}

fn unused(tree: &Tree<'_>, one: &Acceptance<'_>) -> Diagnostic {
    let message = "this acceptance accepts nothing";
    let label = match one.scope {
        Some(_) => format!("what stands below has no {} that is not accepted already", one.code),
        None => "nothing stands below it".to_owned(),
    };
    let warning = Diagnostic::new(codes::UNUSED_ACCEPTANCE, one.file, one.span, message).label(label);
    warning.help("remove it").edit(whole_line(tree.text(), one.span), "")
}

/// A comment that stands alone, with the blanks before it and the end of its line.
fn whole_line(text: &str, span: Span) -> Span {
    let start = text[..span.start as usize].rfind('\n').map_or(span.start as usize, |at| at + 1);
    let end = text[span.end as usize..].find('\n').map_or(text.len(), |at| span.end as usize + at + 1);
    Span::new(start, end)
}
