//! Warnings: policies that compile, and probably do not mean what was meant.
//! Always: a warning names one cause, and is silent where an error already speaks.

use super::data::Schema;
use super::models::same_guard;
use super::redundant::{Conditions, records_as_much};
use super::rules::DATA;
use super::{Checker, Declared};
use crate::codes;
use crate::condition::{Condition, Source};
use crate::diagnostic::{Diagnostic, Severity};
use crate::matrix::{Matrix, Role, every, roles};
use crate::policy::{Field, Model, Policy, Rule, Who};
use admit_runtime::{Mode, Operations};
use admit_syntax::ast::{self, Span, Value, ValueKind};
use admit_syntax::nearest;
use std::collections::{HashMap, HashSet};

impl<'a> Checker<'a> {
    pub(super) fn lint(&mut self, policy: &Policy, schema: &Schema<'_>) {
        if self.is_broken {
            return;
        }
        self.unused_groups(policy);
        self.unused_lists();
        let of_schema = |rules: &[Rule]| {
            let is_from = |rule: &Rule| schema.rules.iter().any(|of_schema| of_schema.rule.place == rule.place);
            !rules.is_empty() && rules.iter().all(is_from)
        };
        let heirs = policy.models.iter().map(|model| &model.rules);
        let conditions = self.conditions_by_place();
        match heirs.chain(policy.operations.iter().map(|operation| &operation.rules)).find(|rules| of_schema(rules)) {
            Some(rules) => self.repeated(&conditions, rules, false),
            None => {
                let unconditional = schema.rules.iter().filter(|written| written.when.is_none());
                self.repeated(
                    &conditions,
                    &unconditional.map(|written| written.rule.clone()).collect::<Vec<_>>(),
                    false,
                );
            }
        }
        for (model, (file, found)) in policy.models.iter().zip(self.declared.models.clone()) {
            let field_rules = model.fields.iter().any(|field| !field.rules.is_empty());
            if !of_schema(&model.rules) {
                self.repeated(&conditions, &model.rules, !field_rules);
            }
            model.fields.iter().for_each(|field| self.repeated(&conditions, &field.rules, false));
            if !self.has_errors_in(file, found.span()) {
                self.model_lints(model);
                self.nobody_reads(model, policy.data_functions.iter().any(|of| of.query));
            }
        }
        for operation in &policy.operations {
            if !of_schema(&operation.rules) {
                self.repeated(&conditions, &operation.rules, true);
            }
        }
        if !self.diagnostics.iter().any(|one| one.severity == Severity::Error) {
            self.groups_alike(policy);
            self.unread_relations(policy);
        }
        self.public_writes(policy);
        self.nobody(policy);
        self.doubts(policy);
    }

    fn has_errors_in(&self, file: usize, span: Span) -> bool {
        let in_span = |one: &Diagnostic| {
            let at = one.label.span.start;
            one.label.file == file && span.start <= at && at < span.end && one.severity == Severity::Error
        };
        self.diagnostics.iter().any(in_span)
    }

    // ---- groups

    /// Keeps the groups that the rules of a model name.
    pub(super) fn names_groups(&mut self, model: &ast::Model) {
        let of_fields = model.fields.iter().filter_map(|field| field.rules.as_ref());
        let mut named = Vec::new();
        for rule in of_fields.chain([&model.rules]).flat_map(|rules| &rules.rules) {
            groups_of(rule, &mut |name| named.push(name));
        }
        for name in named {
            if !self.groups.named.contains(name) {
                self.groups.named.insert(name.to_owned());
            }
        }
    }

    /// Groups that no rule names; a rule with an error names its groups all the same.
    fn unused_groups(&mut self, policy: &Policy) {
        let of_models = std::mem::take(&mut self.groups.named);
        let mut named: HashSet<&str> = of_models.iter().map(String::as_str).collect();
        for (_, list) in &self.declared.lets {
            if let ast::Named::Texts(value) = &list.list {
                each_text(value, &mut |text| named.extend([text]));
            }
        }
        self.written_rules().for_each(|rule| groups_of(rule, &mut |name| named.extend([name])));
        for group in &policy.groups {
            let has_role = group.role.is_some() || !group.grants.is_empty();
            // Who counts as another gains by its rules.
            let counts = group.acts_as.iter().any(|other| named.contains(other.as_str()));
            if !counts && !has_role && !named.contains(group.name.as_str()) && !self.groups.meant.contains(&group.name)
            {
                let message = format!("no rule names the group `{}`", group.name);
                let warning =
                    Diagnostic::new(codes::UNUSED_GROUP, group.place.file as usize, group.place.span, message);
                self.say(
                    warning
                        .label("its members gain nothing by it")
                        .help("remove it, or write the rule that is missing"),
                );
            }
        }
    }

    /// The rules that stand elsewhere than in models.
    fn written_rules(&self) -> impl Iterator<Item = &'a ast::Rule> {
        let declared = &self.declared;
        let lists = declared.lets.iter().filter_map(|(_, list)| match &list.list {
            ast::Named::Rules(rules) => Some(rules),
            ast::Named::Texts(_) => None,
        });
        let blocks = declared.auth.iter().map(|(_, of)| &of.rules);
        let blocks = blocks.chain(declared.data.iter().map(|(_, of)| &of.rules));
        let operations = declared.operations.iter().map(|(_, of)| &of.rules);
        let paths = declared.storages.iter().flat_map(|(_, of)| &of.paths).map(|path| &path.rules);
        lists.chain(blocks).chain(operations).chain(paths).flat_map(|rules| &rules.rules)
    }

    // ---- rules that repeat each other

    /// Rules of one place that others cover, or that could be one. `alone`: nothing else depends on these roles, so
    /// that `authenticated` covers the groups of its users.
    fn repeated(&mut self, conditions: &Conditions, rules: &[Rule], alone: bool) {
        let all: Vec<Vec<Role>> = rules.iter().map(|rule| roles(&rule.who)).collect();
        let mut by_role: HashMap<&Role, Vec<usize>> = HashMap::new();
        for (number, own) in all.iter().enumerate() {
            own.iter().for_each(|role| by_role.entry(role).or_default().push(number));
        }
        let mut gone: HashSet<usize> = HashSet::new();
        for (number, (rule, own)) in rules.iter().zip(&all).enumerate() {
            let Some(first) = own.first() else { continue };
            let mut near: Vec<usize> = by_role.get(first).cloned().unwrap_or_default();
            if alone {
                near.extend(by_role.get(&Role::Everyone(first.mode())).into_iter().flatten());
                let beside = rule.and.iter().flat_map(roles);
                near.extend(beside.flat_map(|role| by_role.get(&role)).flatten());
            }
            let covers = |other: &usize| {
                let by = &rules[*other];
                let asks_more = !self.asks_no_more(conditions, by, rule);
                // Beside its who, a rule needs others: who one of them is may do it already.
                let all = rule.whos().take(if alone { usize::MAX } else { 1 });
                let all = all.into_iter().any(|who| by.who == *who || covers_who(&by.who, who, alone));
                let same =
                    by.operations == rule.operations && same_guard(by, rule) && covers_who(&rule.who, &by.who, alone);
                all && by.operations.contains(rule.operations)
                    && (!same || *other < number)
                    && records_as_much(by, rule)
                    && !asks_more
            };
            // A list is spread elsewhere too, and there stands nothing to merge its rules with.
            let list = self.list_of(rule);
            let mergeable = |other: &usize| {
                let with = &rules[*other];
                *other < number && with.who == rule.who && same_guard(with, rule) && self.list_of(with) == list
            };
            let near: Vec<usize> = near.into_iter().filter(|other| *other != number && !gone.contains(other)).collect();
            if let Some(by) = near.iter().copied().find(covers) {
                gone.insert(number);
                if list.is_none() || self.list_of(&rules[by]) == list {
                    self.useless(rule, &rules[by]);
                }
            } else if let Some(with) = near.iter().copied().find(mergeable) {
                gone.insert(number);
                self.mergeable(rule, &rules[with]);
            }
        }
        self.covered_together(conditions, rules, &all, &by_role, &mut gone);
    }

    /// Which named list a rule stands in, if it stands in one.
    fn list_of(&self, rule: &Rule) -> Option<usize> {
        let (file, span) = (rule.place.file as usize, rule.place.span);
        let holds = |(of, list): &Declared<'_, ast::Let>| {
            *of == file && list.span.start <= span.start && span.end <= list.span.end
        };
        self.declared.lets.iter().position(holds)
    }

    fn useless(&mut self, rule: &Rule, by: &Rule) {
        let is_narrower = rule.is_guarded() && !same_guard(rule, by);
        let (code, message) = match is_narrower {
            true if by.is_guarded() => (codes::NARROWER, "this rule allows only what a wider one allows"),
            true => (codes::COVERED_CONDITION, "this rule limits nothing"),
            false => (codes::USELESS_RULE, "this rule adds nothing"),
        };
        let warning = Diagnostic::new(code, rule.place.file as usize, rule.place.span, message);
        let label = match is_narrower {
            true if by.is_guarded() => "wherever this is true, the other one is",
            true => "already allowed, whatever it asks",
            false => "already allowed",
        };
        let warning = warning.label(label).related(by.place.file as usize, by.place.span, "this one covers it");
        let help = match is_narrower {
            true => "remove it; if it was meant as a limit, remove the other one, or deny what it must not allow",
            false => "remove it",
        };
        self.say(warning.help(help).edit(self.with_comma(rule), ""));
    }

    fn mergeable(&mut self, rule: &Rule, with: &Rule) {
        let (file, span) = (rule.place.file as usize, rule.place.span);
        let warning = Diagnostic::new(codes::MERGE_RULES, file, span, "two rules for the same callers");
        let warning =
            warning.label("again here").related(with.place.file as usize, with.place.span, "the first is here");
        let words = words(rule.operations.with(with.operations));
        let help = match words.as_str() {
            "" => "write one rule, without `.to`".to_owned(),
            words => format!("write one rule, with `{words}`"),
        };
        let warning = warning.help(help);
        self.say(match self.to_of(with).filter(|_| with.place.file == rule.place.file) {
            Some(to) => warning.edit(to, words).edit(self.with_comma(rule), ""),
            None => warning,
        });
    }

    /// The bytes of a rule's `.to(…)`, dot included, if it has one and nothing else follows.
    fn to_of(&self, rule: &Rule) -> Option<Span> {
        if rule.is_guarded() {
            return None;
        }
        let text = self.text(rule.place.file as usize, rule.place.span);
        let at = text.rfind(".to(").filter(|at| !text[at + 1..].contains(").") && !text.contains("//"))?;
        let start = rule.place.span.start as usize + at;
        Some(Span::new(start, rule.place.span.end as usize))
    }

    /// A rule's bytes, with the comma behind it.
    pub(super) fn with_comma(&self, rule: &Rule) -> Span {
        self.followed_by_comma(rule.place.file as usize, rule.place.span)
    }

    // ---- models

    fn model_lints(&mut self, model: &Model) {
        self.dead_rules(model);
        self.owners_give_away(model);
        self.near_owners(model);
        if !model.fields.is_empty() && model.fields.iter().all(|field| !field.rules.is_empty()) {
            self.reaches_no_field(model);
        }
        if model.fields.iter().any(|field| !field.rules.is_empty()) {
            self.cannot_delete(model, &Matrix::of(model));
            self.fields_reach(model);
        }
        model.fields.iter().for_each(|field| self.denies_delete(model, field));
    }

    fn owners_give_away(&mut self, model: &Model) {
        for field in model.fields.iter().filter(|_| !model.disabled.meets(Operations::UPDATE)) {
            let governing = if field.rules.is_empty() { &model.rules } else { &field.rules };
            let owns = |who: &Who| matches!(who, Who::Owner { field: of, .. } if *of == field.name);
            let gives = |rule: &&Rule| {
                // A condition that reads what is proposed says whom it may go to.
                let says = rule.condition.as_ref().is_some_and(|condition| reads_input(condition, &field.name));
                rule.operations.meets(Operations::UPDATE) && rule.whos().any(owns) && !says
            };
            let denied = |rule: &Rule| {
                let mut denies = model.denies.iter().chain(&field.denies);
                let everyone = |deny: &Rule| {
                    roles(&rule.who).iter().all(|role| roles(&deny.who).contains(&Role::Everyone(role.mode())))
                };
                denies.any(|deny| {
                    let reaches = deny.who == rule.who || everyone(deny);
                    deny.operations.meets(Operations::UPDATE) && !deny.is_guarded() && reaches
                })
            };
            if governing.iter().filter(gives).any(|rule| !denied(rule)) {
                let whom = if field.list { "one of the owners" } else { "the owner" };
                let message = format!("{whom} in `{}` may give {} away", field.name, a(&model.name));
                let warning =
                    Diagnostic::new(codes::OWNER_GIVES_AWAY, field.place.file as usize, field.place.span, message);
                let help =
                    "if that is not meant, give the field rules of its own: the model's, the owner's without `update`";
                self.say(warning.label("whom it names may change it").help(help));
            }
        }
    }

    /// Owner fields that are not declared, where a declared one has nearly the same name.
    fn near_owners(&mut self, model: &Model) {
        let field_rules = model.fields.iter().flat_map(|field| &field.rules);
        let rules = model.rules.iter().chain(field_rules);
        for (rule, who) in rules.flat_map(|rule| rule.whos().map(move |who| (rule, who))) {
            let Who::Owner { field, list: false, .. } = who else { continue };
            let names = || model.fields.iter().filter(|field| !field.list).map(|field| field.name.as_str());
            if names().any(|name| name == field) {
                continue;
            }
            if let Some(near) = nearest(field, names()) {
                let message = format!("the field `{field}` is not declared on `{}`", model.name);
                let warning = Diagnostic::new(codes::NEAR_OWNER, rule.place.file as usize, rule.place.span, message);
                let warning = warning.label("it is added, and holds the owner");
                self.say(warning.help(format!("did you mean `{near}`? Otherwise declare `{field}: string`")));
            }
        }
    }

    // ---- everybody and nobody

    fn public_writes(&mut self, policy: &Policy) {
        let mut all: Vec<(&Rule, Operations)> = Vec::new();
        for model in &policy.models {
            let changes = DATA_CHANGES.without(model.disabled);
            let denies = || model.denies.iter();
            // A key is not updated, it says which record is.
            let is_key = |field: &Field| model.identifier.contains(&field.name);
            let of = |is_key: bool| if is_key { changes.without(Operations::UPDATE) } else { changes };
            for rule in &model.rules {
                // Where every field has rules of its own, the model's reach nothing.
                let inheriting = model.fields.iter().filter(|field| field.rules.is_empty());
                let on_fields = inheriting.map(|field| left_of(rule, of(is_key(field)), denies().chain(&field.denies)));
                let none = if model.fields.is_empty() { left_of(rule, of(true), denies()) } else { Operations::NONE };
                all.push((rule, really(model, rule, on_fields.fold(none, Operations::with))));
            }
            for field in &model.fields {
                let denies = || denies().chain(&field.denies);
                let rules = field.rules.iter().map(|rule| (rule, left_of(rule, of(is_key(field)), denies())));
                all.extend(rules.map(|(rule, left)| (rule, really(model, rule, left))));
            }
        }
        for bucket in &policy.buckets {
            for path in &bucket.paths {
                // A deny of a path holds on all below it.
                let above = bucket.paths.iter().filter(|other| path.prefix.starts_with(&other.prefix));
                let denies: Vec<&Rule> = above.flat_map(|other| &other.denies).collect();
                let changes = Operations::WRITE.with(Operations::DELETE);
                all.extend(path.rules.iter().map(|rule| (rule, left_of(rule, changes, denies.iter().copied()))));
            }
        }
        for (rule, left) in all {
            let who = match rule.who {
                Who::ApiKey => "whoever has the API key",
                Who::Guest => "everybody, signed in or not,",
                _ => continue,
            };
            if !left.is_empty() && !rule.is_guarded() {
                let message = format!("{who} may write");
                let warning = Diagnostic::new(codes::PUBLIC_WRITE, rule.place.file as usize, rule.place.span, message);
                let help = "if only reading is meant, write `.to([\"read\"])`";
                self.say(warning.label("public write access").help(help));
            }
        }
    }

    /// Rules for the identity pool where nobody can sign in.
    fn nobody(&mut self, policy: &Policy) {
        if policy.has_auth {
            return;
        }
        for rule in policy.rules() {
            if matches!(rule.who, Who::Guest | Who::Authenticated(Mode::IdentityPool)) {
                let message = "nobody can satisfy this rule";
                let warning = Diagnostic::new(codes::NOBODY, rule.place.file as usize, rule.place.span, message);
                let help = "add `auth { loginWith: { email: true } }`, which brings the identity pool";
                self.say(warning.label("without `auth` there are no guests and no identity pool").help(help));
            }
        }
    }
}

/// What changes records.
const DATA_CHANGES: Operations = Operations(Operations::CREATE.0 | Operations::UPDATE.0 | Operations::DELETE.0);

/// Of some operations, those that a rule gives and that no deny takes from all its callers.
fn left_of<'r>(rule: &Rule, operations: Operations, denies: impl Iterator<Item = &'r Rule>) -> Operations {
    let takes = |deny: &&Rule| !deny.is_guarded() && deny.who == rule.who;
    denies.filter(takes).fold(rule.operations.both(operations), |left, deny| left.without(deny.operations))
}

/// Without `delete`, which needs it on every field, where a rule's callers lack it on some.
fn really(model: &Model, rule: &Rule, left: Operations) -> Operations {
    let is_public = matches!(rule.who, Who::ApiKey | Who::Guest);
    if !is_public || !left.meets(Operations::DELETE) {
        return left;
    }
    let matrix = Matrix::of(model);
    let everywhere = |role: &Role| matrix.roles.get(role).map_or(Operations::NONE, |by_class| every(by_class));
    let deletes = roles(&rule.who).iter().all(|role| everywhere(role).meets(Operations::DELETE));
    let taken = model
        .fields
        .iter()
        .flat_map(|field| &field.denies)
        .any(|deny| !deny.is_guarded() && deny.who == rule.who && deny.operations.meets(Operations::DELETE));
    if deletes && !taken { left } else { left.without(Operations::DELETE) }
}

/// A model's name with its article.
pub(super) fn a(name: &str) -> String {
    let vowel = name.starts_with(['A', 'E', 'I', 'O', 'U', 'a', 'e', 'i', 'o', 'u']);
    format!("{} `{name}`", if vowel { "an" } else { "a" })
}

/// Whether a condition reads what a field will hold.
pub(super) fn reads_input(condition: &Condition, field: &str) -> bool {
    let mut reads = false;
    condition.each_term(&mut |term| reads |= term.source == Source::Input && term.name == field);
    reads
}

/// The groups that a rule names.
fn groups_of<'r>(rule: &'r ast::Rule, visit: &mut impl FnMut(&'r str)) {
    let beside = rule.modifiers.iter().filter(|call| call.name.text == "and").flat_map(|call| &call.args);
    let beside = beside.flatten().filter_map(|value| match &value.kind {
        ValueKind::Calls(calls) => calls.first(),
        _ => None,
    });
    for who in [&rule.who].into_iter().chain(beside) {
        if matches!(who.name.text.as_str(), "group" | "groups") {
            who.args.iter().flatten().for_each(|value| each_text(value, visit));
        }
    }
}

fn each_text<'v>(value: &'v Value, visit: &mut impl FnMut(&'v str)) {
    match &value.kind {
        ValueKind::Text(text) | ValueKind::Name(text) => visit(text),
        ValueKind::List(values) => values.iter().for_each(|value| each_text(value, visit)),
        _ => (),
    }
}

/// Whether every caller that `a` admits is admitted by `by` as well.
fn covers_who(by: &Who, a: &Who, alone: bool) -> bool {
    match (by, a) {
        (
            Who::Groups { names: more, provider, claim },
            Who::Groups { names, provider: other_provider, claim: other_claim },
        ) => provider == other_provider && claim == other_claim && names.iter().all(|name| more.contains(name)),
        (Who::Authenticated(mode), Who::Groups { provider, .. }) => alone && *mode == provider.mode(),
        _ => by == a,
    }
}

/// `.to([…])` for these operations; nothing for all.
fn words(operations: Operations) -> String {
    if operations == Operations::ALL {
        return String::new();
    }
    let mut left = operations;
    let mut words = Vec::new();
    for (word, of) in DATA {
        if left.contains(of) && !of.is_empty() {
            left = left.without(of);
            words.push(format!("\"{word}\""));
        }
    }
    format!(".to([{}])", words.join(", "))
}
