//! Groups that count as others, and groups that exclude each other: `group X { actsAs: […] }`, `auth.exclusive`.
//! Always: what a group acts as is closed, so that nobody has to look twice; no cycle, and no way around `exclusive`.

use super::Checker;
use super::auth::quote;
use super::lists::Word;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::matrix::{Role, roles};
use crate::policy::{Rule, Who};
use admit_runtime::{Mode, Provider};
use admit_syntax::ast::{self, Setting, ValueKind};
use std::collections::{BTreeMap, BTreeSet};

/// What each group says of itself: the groups that it acts as, with the places where it says so.
type Direct = BTreeMap<String, Vec<Word>>;

impl Checker<'_> {
    /// Whether whoever has one role has the other as well.
    pub(super) fn counts_as(&self, role: &Role, other: &Role) -> bool {
        if role == other {
            return true;
        }
        match (role, other) {
            (role, Role::Everyone(mode @ (Mode::UserPool | Mode::Oidc))) => role.mode() == *mode,
            (
                Role::Group { provider: Provider::UserPools, claim, name },
                Role::Group { provider: Provider::UserPools, claim: of, name: wanted },
            ) if claim == of && *claim == self.groups.group_claim => {
                self.groups.declared.iter().any(|group| group.name == *name && group.acts_as.contains(wanted))
            }
            _ => false,
        }
    }

    /// Whether everybody whom `rule` lets through as `role` is let through by `by` too: its condition is the same or
    /// none, and each of its whos is one that they are.
    pub(super) fn is_within(&self, role: &Role, rule: &Rule, by: &Rule) -> bool {
        let is = |role: &Role, wanted: &Who| roles(wanted).iter().any(|other| self.counts_as(role, other));
        let all_are = |who: &Who, wanted: &Who| {
            let all = roles(who);
            !all.is_empty() && all.iter().all(|role| is(role, wanted))
        };
        let mut wanted = by.whos();
        (by.condition.is_none() || by.condition == rule.condition)
            && wanted.all(|wanted| is(role, wanted) || rule.and.iter().any(|who| all_are(who, wanted)))
    }

    pub(super) fn read_acting(&mut self) {
        let blocks = self.declared.groups.clone();
        self.once("group block", blocks.iter().map(|(file, of)| (*file, &of.name)).collect());
        let mut direct = Direct::new();
        for (file, of) in blocks {
            let word = Word { text: of.name.text.clone(), file, span: of.name.span };
            self.group_of_pool(&word);
            let acts = of.settings.iter().filter(|setting| setting.key.text == "actsAs");
            let acts: Vec<Word> = acts.flat_map(|setting| self.acts_as(file, of, setting)).collect();
            direct.entry(of.name.text.clone()).or_default().extend(acts);
        }
        let closed = self.closed(&direct);
        for group in &mut self.groups.declared {
            group.acts_as = closed.get(&group.name).into_iter().flatten().cloned().collect();
        }
        self.read_exclusive(&direct, &closed);
    }

    fn group_of_pool(&mut self, word: &Word) {
        let claim = self.groups.group_claim.clone();
        self.group_known(word, Provider::UserPools, &claim);
    }

    fn acts_as(&mut self, file: usize, of: &ast::Group, setting: &Setting) -> Vec<Word> {
        let empty = matches!(&setting.value.kind, ValueKind::List(elements) if elements.is_empty());
        if empty {
            let error = Diagnostic::new(codes::EMPTY_LIST, file, setting.value.span, "a group that acts as no other");
            self.say(error.label("an empty list").help("name a group, or leave `actsAs` out"));
        }
        let words = self.texts(file, &setting.value, "a list of groups, such as `[\"EDITORS\"]`").unwrap_or_default();
        let mut kept: Vec<Word> = Vec::new();
        for word in words {
            self.group_of_pool(&word);
            if word.text == of.name.text {
                let message = format!("the group `{}` acts as itself", word.text);
                let error = Diagnostic::new(codes::ACTING_CYCLE, word.file, word.span, message);
                self.say(error.label("is that group already").help("leave it out"));
            } else if kept.iter().any(|known| known.text == word.text) {
                let message = format!("`{}` is named twice", word.text);
                let warning = Diagnostic::new(codes::NAMED_TWICE, word.file, word.span, message);
                let removed = self.listed(word.file, word.span);
                self.say(warning.label("again here").help("once is enough").edit(removed, ""));
            } else {
                kept.push(word);
            }
        }
        kept
    }

    /// Every group that one acts as, however far. A cycle is reported, once, with its path.
    fn closed(&mut self, direct: &Direct) -> BTreeMap<String, BTreeSet<String>> {
        let mut closed = BTreeMap::new();
        let mut reported: BTreeSet<&str> = BTreeSet::new();
        for name in direct.keys() {
            let mut ways: BTreeMap<&str, Vec<&Word>> = BTreeMap::new();
            let mut next: Vec<Vec<&Word>> = direct[name].iter().map(|word| vec![word]).collect();
            while let Some(way) = next.pop() {
                let Some(last) = way.last().copied() else { continue };
                if ways.contains_key(last.text.as_str()) {
                    continue;
                }
                let more = direct.get(&last.text).into_iter().flatten();
                next.extend(more.map(|word| way.iter().copied().chain([word]).collect()));
                ways.insert(&last.text, way);
            }
            if let Some(way) = ways.remove(name.as_str()).filter(|_| !reported.contains(name.as_str())) {
                reported.extend(way.iter().map(|word| word.text.as_str()));
                let names: Vec<&str> =
                    [name.as_str()].into_iter().chain(way.iter().map(|word| word.text.as_str())).collect();
                let message = format!("the group `{name}` acts as itself, by way of others");
                let error = Diagnostic::new(codes::ACTING_CYCLE, way[0].file, way[0].span, message);
                let error = error.label(names.join(" → "));
                let error = way[1..].iter().fold(error, |error, word| {
                    error.related(word.file, word.span, format!("`{}` is named here", word.text))
                });
                self.say(error.help("leave one of these out; groups that are the same are one group"));
            }
            ways.remove(name.as_str());
            closed.insert(name.clone(), ways.into_keys().map(str::to_owned).collect());
        }
        closed
    }

    // ---- exclusive

    /// `exclusive: [["CLERKS", "APPROVERS"]]`
    fn read_exclusive(&mut self, direct: &Direct, closed: &BTreeMap<String, BTreeSet<String>>) {
        for (file, auth) in self.declared.auth.clone() {
            for setting in auth.settings.iter().filter(|setting| setting.key.text == "exclusive") {
                let ValueKind::List(lists) = &setting.value.kind else {
                    self.wrong_value(file, &setting.value, "lists of groups, such as `[[\"CLERKS\", \"APPROVERS\"]]`");
                    continue;
                };
                if matches!(lists.first().map(|list| &list.kind), Some(ValueKind::Text(_))) {
                    let written = format!("[{}]", self.text(file, setting.value.span));
                    let error = "expected lists of groups, such as `[[\"CLERKS\", \"APPROVERS\"]]`";
                    let error = Diagnostic::new(codes::SETTING_VALUE, file, setting.value.span, error);
                    self.say(
                        error.label("one list").help(format!("write `{written}`")).edit(setting.value.span, written),
                    );
                    continue;
                }
                for list in lists {
                    self.exclusive_list(file, list, direct, closed);
                }
            }
        }
    }

    fn exclusive_list(
        &mut self,
        file: usize,
        list: &ast::Value,
        direct: &Direct,
        closed: &BTreeMap<String, BTreeSet<String>>,
    ) {
        let Some(words) = self.texts(file, list, "a list of groups, such as `[\"CLERKS\", \"APPROVERS\"]`") else {
            return;
        };
        let mut names: Vec<String> = Vec::new();
        for word in &words {
            self.group_of_pool(word);
            if names.contains(&word.text) {
                let message = format!("`{}` is named twice", word.text);
                let warning = Diagnostic::new(codes::NAMED_TWICE, word.file, word.span, message);
                let removed = self.listed(word.file, word.span);
                self.say(warning.label("again here").help("once is enough").edit(removed, ""));
            } else {
                names.push(word.text.clone());
            }
        }
        if names.len() < 2 {
            let error =
                Diagnostic::new(codes::EXCLUSIVE, file, list.span, "a group excludes another, and none is named");
            self.say(error.label("fewer than two groups").help("name two groups that nobody may hold together"));
            return;
        }
        for (name, reached) in closed {
            let held: Vec<&String> = names.iter().filter(|group| *group == name || reached.contains(*group)).collect();
            if let [one, two, ..] = held.as_slice() {
                let Some(word) = direct.get(name).and_then(|words| words.first()) else { continue };
                let message =
                    format!("members of `{name}` count as members of `{one}` and `{two}`, which exclude each other");
                let error = Diagnostic::new(codes::EXCLUSIVE, word.file, word.span, message);
                let error = error.label("so nobody could be a member").related(
                    file,
                    list.span,
                    "nobody may hold these together",
                );
                let help = format!("leave it out of `actsAs`, or take {} out of `exclusive`", quote(two));
                self.say(error.help(help));
            }
        }
        names.sort();
        if !self.groups.exclusive.contains(&names) {
            self.groups.exclusive.push(names);
        }
    }
}
