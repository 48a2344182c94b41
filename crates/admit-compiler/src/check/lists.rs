//! Named lists (`let`): spread among rules, and in place of lists of texts.
//! Always: what a list holds is reported where it is written, in the list's own file; a cycle ends.

use super::auth::quote;
use super::{Checker, Declared, either};
use crate::codes;
use crate::diagnostic::Diagnostic;
use admit_syntax::ast::{self, Name, Named, Span, Value, ValueKind};
use admit_syntax::nearest;
use std::collections::{HashMap, HashSet};

/// A text of a list, and where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Word {
    pub text: String,
    pub file: usize,
    pub span: Span,
}

/// What a list is expected to hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Rules,
    Texts,
}

impl Holds {
    fn words(self) -> &'static str {
        match self {
            Holds::Rules => "rules",
            Holds::Texts => "texts",
        }
    }
}

/// The named lists, and which of them something uses.
#[derive(Default)]
pub(super) struct Lists<'a> {
    by_name: HashMap<&'a str, Declared<'a, ast::Let>>,
    used: HashSet<&'a str>,
}

impl<'a> Checker<'a> {
    pub(super) fn read_lists(&mut self) {
        let lists = self.declared.lets.clone();
        self.once("list", lists.iter().map(|(file, of)| (*file, &of.name)).collect());
        for (file, of) in &lists {
            self.lists.by_name.entry(&of.name.text).or_insert((*file, *of));
        }
        for (file, of) in &lists {
            self.lists.used.extend(spreads(of));
            self.empty(*file, of);
            self.cycle(of);
        }
    }

    /// Lists that no rule and no other list uses.
    pub(super) fn unused_lists(&mut self) {
        for (file, of) in self.declared.lets.clone() {
            if !self.lists.used.contains(of.name.text.as_str()) && !self.is_broken {
                let message = format!("nothing uses the list `{}`", of.name.text);
                let warning = Diagnostic::new(codes::UNUSED_LIST, file, of.name.span, message);
                let spread = format!("...{}", of.name.text);
                let warning = warning.label("declared here").help(format!("remove it, or spread it with `{spread}`"));
                self.say(warning.edit(of.described, ""));
            }
        }
    }

    /// The rules of a block, with those of the lists that are spread among them; each with its file.
    pub(super) fn written<'r>(&mut self, file: usize, rules: &'r ast::Rules) -> Vec<Declared<'r, ast::Rule>>
    where
        'a: 'r,
    {
        let mut all = Vec::new();
        self.gather(file, rules, &mut Vec::new(), &mut all);
        all
    }

    fn gather<'r>(
        &mut self,
        file: usize,
        rules: &'r ast::Rules,
        open: &mut Vec<&'a str>,
        all: &mut Vec<Declared<'r, ast::Rule>>,
    ) where
        'a: 'r,
    {
        all.extend(rules.rules.iter().map(|rule| (file, rule)));
        for name in &rules.spreads {
            let Some((of, list)) = self.list(file, name.span, &name.text, Holds::Rules) else { continue };
            if let (Named::Rules(inner), false) = (&list.list, open.contains(&list.name.text.as_str())) {
                open.push(&list.name.text);
                self.gather(of, inner, open, all);
                open.pop();
            }
        }
    }

    /// A list of texts, each with its place. Bare words in it are reported, and read as if they were quoted.
    pub(super) fn texts(&mut self, file: usize, value: &Value, expected: &str) -> Option<Vec<Word>> {
        let mut words = Vec::new();
        match &value.kind {
            ValueKind::List(elements) => {
                elements.iter().for_each(|element| self.element(file, element, expected, &mut words));
            }
            ValueKind::Name(name) if self.lists.by_name.contains_key(name.as_str()) => {
                self.named_texts(file, value.span, name, &mut words)?;
            }
            // What is meant is clear: what follows from it is no second cause.
            ValueKind::Text(text) => {
                let error = Diagnostic::new(codes::SETTING_VALUE, file, value.span, format!("expected {expected}"));
                let list = format!("[{}]", self.text(file, value.span));
                self.say(error.label("not a list").help(format!("write `{list}`")).edit(value.span, list));
                words.push(Word { text: text.clone(), file, span: value.span });
            }
            ValueKind::Name(name) => {
                self.list(file, value.span, name, Holds::Texts);
                return None;
            }
            _ => {
                let error = Diagnostic::new(codes::SETTING_VALUE, file, value.span, format!("expected {expected}"));
                self.say(error.label("not a list").help(format!("write {expected}")));
                return None;
            }
        }
        Some(words)
    }

    fn element(&mut self, file: usize, element: &Value, expected: &str, words: &mut Vec<Word>) {
        let span = element.span;
        match &element.kind {
            ValueKind::Text(text) => words.push(Word { text: text.clone(), file, span }),
            ValueKind::Spread(name) => drop(self.named_texts(file, span, name, words)),
            ValueKind::Name(name) => {
                let error = Diagnostic::new(codes::SETTING_VALUE, file, span, format!("`{name}` needs quotes"));
                let error = error.label("a bare word");
                if self.lists.by_name.contains_key(name.as_str()) {
                    self.lists.used.insert(self.lists.by_name[name.as_str()].1.name.text.as_str());
                    let spread = format!("...{name}");
                    self.say(
                        error.help(format!("the list of that name is written `{spread}` here")).edit(span, spread),
                    );
                } else {
                    self.say(error.help(format!("write `{}`", quote(name))).edit(span, quote(name)));
                    words.push(Word { text: name.clone(), file, span });
                }
            }
            _ => {
                let error = Diagnostic::new(codes::SETTING_VALUE, file, span, "expected a quoted text");
                self.say(error.label("not a text").help(format!("write {expected}")));
            }
        }
    }

    /// The texts of a named list, those of the lists in it included.
    fn named_texts(&mut self, file: usize, span: Span, name: &str, words: &mut Vec<Word>) -> Option<()> {
        let (of, list) = self.list(file, span, name, Holds::Texts)?;
        if self.is_cyclic(list) {
            return Some(());
        }
        let elements = texts_of(list);
        elements.iter().for_each(|element| self.element(of, element, "a quoted text", words));
        Some(())
    }

    /// The list of that name, if it holds what is expected.
    fn list(&mut self, file: usize, span: Span, name: &str, holds: Holds) -> Option<Declared<'a, ast::Let>> {
        let Some((of, list)) = self.lists.by_name.get(name).copied() else {
            if !self.is_broken {
                self.unknown_list(file, span, name);
            }
            return None;
        };
        self.lists.used.insert(&list.name.text);
        match self.holds(list) {
            Some(other) if other != holds => {
                let message = format!("`{name}` is a list of {}", other.words());
                let error = Diagnostic::new(codes::LIST_KIND, file, span, message);
                let error = error.label(format!("{} are expected here", holds.words()));
                self.say(error.related(of, list.name.span, "the list").help("name a list that holds what stands here"));
                None
            }
            _ => Some((of, list)),
        }
    }

    fn unknown_list(&mut self, file: usize, span: Span, name: &str) {
        let mut known: Vec<&str> = self.lists.by_name.keys().copied().collect();
        known.sort_unstable();
        let error = Diagnostic::new(codes::UNKNOWN_LIST, file, span, format!("unknown list `{name}`"));
        let error = error.label("no such list");
        let dots = if self.text(file, span).starts_with("...") { "..." } else { "" };
        self.say(match nearest(name, known.iter().copied()) {
            Some(near) => error.help(format!("did you mean `{near}`?")).edit(span, format!("{dots}{near}")),
            None if known.is_empty() || known.len() > 6 => {
                error.help(format!("declare it: `let {name} = [\"ADMINS\"]`"))
            }
            None => error.help(format!("a list is one of {}", either(known))),
        });
    }

    /// What a list holds; unknown if it is only lists in a cycle, or lists that do not exist.
    fn holds(&self, list: &'a ast::Let) -> Option<Holds> {
        let mut seen: Vec<&str> = Vec::new();
        let mut next = vec![list];
        while let Some(list) = next.pop() {
            if seen.contains(&list.name.text.as_str()) {
                continue;
            }
            seen.push(&list.name.text);
            match &list.list {
                Named::Texts(_) => return Some(Holds::Texts),
                Named::Rules(rules) if !rules.rules.is_empty() => return Some(Holds::Rules),
                Named::Rules(rules) => next.extend(self.known(&rules.spreads)),
            }
        }
        None
    }

    fn known(&self, names: &[Name]) -> Vec<&'a ast::Let> {
        names.iter().filter_map(|name| self.lists.by_name.get(name.text.as_str())).map(|(_, list)| *list).collect()
    }

    fn is_cyclic(&self, list: &'a ast::Let) -> bool {
        self.way_back(list).is_some()
    }

    /// The names from a list back to itself.
    fn way_back(&self, list: &'a ast::Let) -> Option<Vec<&'a str>> {
        let mut seen: Vec<&str> = Vec::new();
        let mut ways: Vec<Vec<&'a ast::Let>> = vec![vec![list]];
        while let Some(way) = ways.pop() {
            for next in spreads(way[way.len() - 1]) {
                let Some((_, next)) = self.lists.by_name.get(next) else { continue };
                if next.name.text == list.name.text {
                    return Some(
                        way.iter().map(|list| list.name.text.as_str()).chain([next.name.text.as_str()]).collect(),
                    );
                }
                if !seen.contains(&next.name.text.as_str()) {
                    seen.push(&next.name.text);
                    ways.push(way.iter().copied().chain([*next]).collect());
                }
            }
        }
        None
    }

    fn empty(&mut self, file: usize, list: &ast::Let) {
        let is_empty = match &list.list {
            Named::Rules(rules) => rules.is_empty(),
            Named::Texts(value) => matches!(&value.kind, ValueKind::List(elements) if elements.is_empty()),
        };
        if is_empty {
            let message = format!("the list `{}` is empty", list.name.text);
            let error = Diagnostic::new(codes::EMPTY_LIST, file, list.name.span, message);
            self.say(error.label("nothing is in it").help("put something into it, or remove it and what uses it"));
        }
    }

    fn cycle(&mut self, list: &'a ast::Let) {
        let Some(way) = self.way_back(list) else { return };
        // One cause, one error: at the first of the cycle by name.
        if way.iter().min() != Some(&list.name.text.as_str()) {
            return;
        }
        let Some((file, _)) = self.lists.by_name.get(list.name.text.as_str()).copied() else { return };
        let message = format!("the list `{}` holds itself", list.name.text);
        let error = Diagnostic::new(codes::LIST_CYCLE, file, list.name.span, message);
        self.say(error.label(way.join(" → ")).help("leave one of these spreads out"));
    }
}

/// The elements of a list of texts. A list of nothing but spreads is read as one of rules; here it is one of texts.
fn texts_of(list: &ast::Let) -> Vec<Value> {
    match &list.list {
        Named::Texts(Value { kind: ValueKind::List(elements), .. }) => elements.clone(),
        Named::Texts(value) => vec![value.clone()],
        Named::Rules(rules) => {
            let spread = |name: &Name| Value { kind: ValueKind::Spread(name.text.clone()), span: name.span };
            rules.spreads.iter().map(spread).collect()
        }
    }
}

/// The lists that a list spreads.
fn spreads(list: &ast::Let) -> Vec<&str> {
    match &list.list {
        Named::Rules(rules) => rules.spreads.iter().map(|name| name.text.as_str()).collect(),
        Named::Texts(Value { kind: ValueKind::List(elements), .. }) => elements
            .iter()
            .filter_map(|element| match &element.kind {
                ValueKind::Spread(name) => Some(name.as_str()),
                _ => None,
            })
            .collect(),
        Named::Texts(_) => Vec::new(),
    }
}
