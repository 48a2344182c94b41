//! Warnings: policies that compile, and probably do not mean what was meant.
//! Always: a warning names one cause, and is silent where an error already speaks.

use super::data::Schema;
use super::models::same_guard;
use super::rules::DATA;
use super::{Checker, Declared, either};
use crate::codes;
use crate::condition::{Condition, Source};
use crate::diagnostic::{Diagnostic, Severity};
use crate::matrix::{Matrix, Role, describe, roles};
use crate::policy::{Model, Policy, Rule, Who};
use admit_runtime::{Mode, Operations};
use admit_syntax::ast::{self, Span, Value, ValueKind};
use admit_syntax::nearest;
use std::collections::{BTreeMap, HashMap, HashSet};

impl<'a> Checker<'a> {
    pub(super) fn lint(&mut self, policy: &Policy, schema: &Schema<'_>) {
        if self.is_broken {
            return;
        }
        self.unused_groups();
        self.unused_lists();
        let of_schema = |rules: &[Rule]| {
            let is_from = |rule: &Rule| schema.rules.iter().any(|of_schema| of_schema.rule.place == rule.place);
            !rules.is_empty() && rules.iter().all(is_from)
        };
        let heirs = policy.models.iter().map(|model| &model.rules);
        match heirs.chain(policy.operations.iter().map(|operation| &operation.rules)).find(|rules| of_schema(rules)) {
            Some(rules) => self.repeated(rules, false),
            None => {
                let unconditional = schema.rules.iter().filter(|written| written.when.is_none());
                self.repeated(&unconditional.map(|written| written.rule.clone()).collect::<Vec<_>>(), false);
            }
        }
        for (model, (file, written)) in policy.models.iter().zip(self.declared.models.clone()) {
            let field_rules = model.fields.iter().any(|field| !field.rules.is_empty());
            if !of_schema(&model.rules) {
                self.repeated(&model.rules, !field_rules);
            }
            model.fields.iter().for_each(|field| self.repeated(&field.rules, false));
            if !self.has_errors_in(file, written.span) {
                self.model_lints(model);
            }
        }
        for operation in &policy.operations {
            if !of_schema(&operation.rules) {
                self.repeated(&operation.rules, true);
            }
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

    /// Groups that no rule names; a rule with an error names its groups all the same.
    fn unused_groups(&mut self) {
        let mut named: HashSet<&'a str> = HashSet::new();
        for (_, list) in &self.declared.lets {
            if let ast::Named::Texts(value) = &list.list {
                collect_texts(value, &mut named);
            }
        }
        for (_, rule) in self.written_rules() {
            let beside = rule.modifiers.iter().filter(|call| call.name.text == "and").flat_map(|call| &call.args);
            let beside = beside.flatten().filter_map(|value| match &value.kind {
                ValueKind::Calls(calls) => calls.first(),
                _ => None,
            });
            for who in [&rule.who].into_iter().chain(beside) {
                if matches!(who.name.text.as_str(), "group" | "groups") {
                    who.args.iter().flatten().for_each(|value| collect_texts(value, &mut named));
                }
            }
        }
        for group in self.groups.declared.clone() {
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

    fn written_rules(&self) -> Vec<Declared<'a, ast::Rule>> {
        let mut rules = Vec::new();
        let of = |file: usize, rules: &'a ast::Rules| rules.rules.iter().map(move |rule| (file, rule));
        for (file, list) in &self.declared.lets {
            if let ast::Named::Rules(inner) = &list.list {
                rules.extend(of(*file, inner));
            }
        }
        self.declared.auth.iter().for_each(|(file, one)| rules.extend(of(*file, &one.rules)));
        self.declared.data.iter().for_each(|(file, one)| rules.extend(of(*file, &one.rules)));
        self.declared.operations.iter().for_each(|(file, one)| rules.extend(of(*file, &one.rules)));
        for (file, model) in &self.declared.models {
            rules.extend(of(*file, &model.rules));
            let fields = model.fields.iter().filter_map(|field| field.rules.as_ref());
            fields.for_each(|field| rules.extend(of(*file, field)));
        }
        for (file, storage) in &self.declared.storages {
            storage.paths.iter().for_each(|path| rules.extend(of(*file, &path.rules)));
        }
        rules
    }

    // ---- rules that repeat each other

    /// Rules of one place that others cover, or that could be one. `alone`: nothing else depends on these roles, so
    /// that `authenticated` covers the groups of its users.
    fn repeated(&mut self, rules: &[Rule], alone: bool) {
        let mut by_role: HashMap<Role, Vec<usize>> = HashMap::new();
        for (number, rule) in rules.iter().enumerate() {
            roles(&rule.who).into_iter().for_each(|role| by_role.entry(role).or_default().push(number));
        }
        let mut gone: HashSet<usize> = HashSet::new();
        for (number, rule) in rules.iter().enumerate() {
            let own = roles(&rule.who);
            let Some(first) = own.first() else { continue };
            let mut near: Vec<usize> = by_role.get(first).cloned().unwrap_or_default();
            if alone {
                near.extend(by_role.get(&Role::Everyone(first.mode())).into_iter().flatten());
                let beside = rule.and.iter().flat_map(roles);
                near.extend(beside.flat_map(|role| by_role.get(&role)).flatten());
            }
            let covers = |other: &usize| {
                let by = &rules[*other];
                let guarded = by.is_guarded() && !same_guard(by, rule);
                // Beside its who, a rule needs others: who one of them is may do it already.
                let all = rule.whos().take(if alone { usize::MAX } else { 1 });
                let all = all.into_iter().any(|who| by.who == *who || covers_who(&by.who, who, alone));
                let same =
                    by.operations == rule.operations && same_guard(by, rule) && covers_who(&rule.who, &by.who, alone);
                !guarded && all && by.operations.contains(rule.operations) && (!same || *other < number)
            };
            let mergeable =
                |other: &usize| *other < number && rules[*other].who == rule.who && same_guard(&rules[*other], rule);
            let near: Vec<usize> = near.into_iter().filter(|other| *other != number && !gone.contains(other)).collect();
            if let Some(by) = near.iter().copied().find(covers) {
                gone.insert(number);
                self.useless(rule, &rules[by]);
            } else if let Some(with) = near.iter().copied().find(mergeable) {
                gone.insert(number);
                self.mergeable(rule, &rules[with]);
            }
        }
    }

    fn useless(&mut self, rule: &Rule, by: &Rule) {
        let is_narrower = rule.is_guarded() && !same_guard(rule, by);
        let (code, message) = match is_narrower {
            true => (codes::COVERED_CONDITION, "this rule limits nothing"),
            false => (codes::USELESS_RULE, "this rule adds nothing"),
        };
        let warning = Diagnostic::new(code, rule.place.file as usize, rule.place.span, message);
        let label = if is_narrower { "already allowed, whatever it asks" } else { "already allowed" };
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
    fn with_comma(&self, rule: &Rule) -> Span {
        let after = &self.parsed[rule.place.file as usize].tree().text()[rule.place.span.end as usize..];
        let blanks = after.len() - after.trim_start_matches([' ', '\t']).len();
        let comma = if after[blanks..].starts_with(',') { blanks + 1 } else { 0 };
        Span { start: rule.place.span.start, end: rule.place.span.end + comma as u32 }
    }

    // ---- models

    fn model_lints(&mut self, model: &Model) {
        let matrix = Matrix::of(model);
        self.owners_give_away(model);
        self.near_owners(model);
        if !model.fields.is_empty() && model.fields.iter().all(|field| !field.rules.is_empty()) {
            self.reaches_no_field(model);
        }
        if matrix.classes.len() > 1 || model.fields.iter().any(|field| !field.rules.is_empty()) {
            self.cannot_delete(model, &matrix);
            self.fields_reach(model);
        }
    }

    fn owners_give_away(&mut self, model: &Model) {
        for field in &model.fields {
            let governing = if field.rules.is_empty() { &model.rules } else { &field.rules };
            let owns = |who: &Who| matches!(who, Who::Owner { field: of, .. } if *of == field.name);
            let gives = |rule: &&Rule| {
                // A condition that reads what is proposed says whom it may go to.
                let says = rule.condition.as_ref().is_some_and(|condition| reads_input(condition, &field.name));
                rule.operations.meets(Operations::UPDATE) && rule.whos().any(owns) && !says
            };
            let denied = |rule: &Rule| {
                let mut denies = model.denies.iter().chain(&field.denies);
                denies
                    .any(|deny| deny.operations.meets(Operations::UPDATE) && !deny.is_guarded() && deny.who == rule.who)
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

    /// Who may delete by the model's rules, and may not because a field's rules leave it out.
    fn cannot_delete(&mut self, model: &Model, matrix: &Matrix) {
        let mut by_field: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        let own: HashSet<Role> = model
            .rules
            .iter()
            .filter(|rule| rule.operations.meets(Operations::DELETE))
            .flat_map(|rule| roles(&rule.who))
            .collect();
        for role in matrix.roles.keys().filter(|role| own.contains(role)) {
            let lacks =
                |class: &usize| !matrix.classes[*class].get(role).is_some_and(|of| of.meets(Operations::DELETE));
            if let Some(field) = matrix.class_of.iter().position(lacks) {
                by_field.entry(field).or_default().push(describe(role));
            }
        }
        for (field, who) in by_field {
            let field = &model.fields[field];
            let who = either(who.iter().map(String::as_str)).replace('`', "").replace(" or ", " and ");
            let message = format!("{who} cannot delete {} because of the field `{}`", a(&model.name), field.name);
            let warning = Diagnostic::new(codes::CANNOT_DELETE, field.place.file as usize, field.place.span, message);
            let help = "deleting needs `delete` on every field: give it here, or take it from the model's rule";
            self.say(warning.label("these rules leave `delete` out").help(help));
        }
    }

    /// Model rules where every field has rules of its own: they give nothing.
    fn reaches_no_field(&mut self, model: &Model) {
        let fields: HashSet<Role> =
            model.fields.iter().flat_map(|field| &field.rules).flat_map(|rule| roles(&rule.who)).collect();
        for rule in &model.rules {
            if roles(&rule.who).iter().all(|role| !fields.contains(role)) {
                let (file, span) = (rule.place.file as usize, rule.place.span);
                let message = format!("this rule gives nothing on `{}`", model.name);
                let warning = Diagnostic::new(codes::REACHES_NOTHING, file, span, message);
                let warning = warning.label("every field has rules of its own, which replace it");
                let place = model.place;
                let warning = warning.related(place.file as usize, place.span, "the model");
                self.say(warning.help("name these callers in the fields' rules, or leave a field without rules"));
            }
        }
    }

    /// Field rules for somebody whom the model's rules do not know: they open the record.
    fn fields_reach(&mut self, model: &Model) {
        for rule in model.fields.iter().flat_map(|field| &field.rules) {
            // A rule of the model that asks for more lets fewer in.
            let as_wide = |other: &&Rule| !other.is_guarded() || same_guard(other, rule);
            let known: HashSet<Role> = model.rules.iter().filter(as_wide).flat_map(|rule| roles(&rule.who)).collect();
            let reads = |rule: &&Rule| rule.operations.meets(Operations::READ);
            let everyone: HashSet<Role> =
                model.rules.iter().filter(reads).filter(as_wide).flat_map(|rule| roles(&rule.who)).collect();
            let is_new = |role: &Role| !known.contains(role) && !everyone.contains(&Role::Everyone(role.mode()));
            let new = roles(&rule.who).into_iter().find(is_new);
            let warning = |message: String| {
                let (file, span) = (rule.place.file as usize, rule.place.span);
                Diagnostic::new(codes::FIELD_REACHES, file, span, message).label("the model's rules do not say so")
            };
            let creates = |rule: &Rule| rule.operations.meets(Operations::CREATE);
            let creators: HashSet<Role> = model
                .rules
                .iter()
                .filter(as_wide)
                .filter(|rule| creates(rule))
                .flat_map(|rule| roles(&rule.who))
                .collect();
            let may_create = |role: &Role| creators.contains(role) || creators.contains(&Role::Everyone(role.mode()));
            let creator = roles(&rule.who).into_iter().find(|role| creates(rule) && !may_create(role));
            if let Some(role) = new.filter(|_| rule.operations.meets(Operations::READ)) {
                let which = match (&role, rule.is_guarded()) {
                    (_, true) => format!("{} that its condition lets through", a(&model.name)),
                    (Role::Dynamic(_), false) => format!("the `{}`", model.name),
                    _ => format!("every `{}`", model.name),
                };
                let message = format!("this field rule lets {} reach {which}", describe(&role));
                let help = "they see its key, its time stamps and this field; add them to the model's rules to say so";
                self.say(warning(message).help(help));
            } else if let Some(role) = creator {
                let message =
                    format!("this field rule lets {} create {} with this field", describe(&role), a(&model.name));
                let help =
                    "if that is not meant, write `.to([…])` without `create`; else add `create` to the model's rules";
                self.say(warning(message).help(help));
            }
        }
    }

    // ---- everybody and nobody

    fn public_writes(&mut self, policy: &Policy) {
        let changes = Operations::CREATE.with(Operations::UPDATE).with(Operations::DELETE);
        let fields = policy.models.iter().flat_map(|model| &model.fields).flat_map(|field| &field.rules);
        let models = policy.models.iter().flat_map(|model| &model.rules).chain(fields);
        let paths = policy.buckets.iter().flat_map(|bucket| &bucket.paths).flat_map(|path| &path.rules);
        for rule in models.chain(paths) {
            let who = match rule.who {
                Who::ApiKey => "whoever has the API key",
                Who::Guest => "everybody, signed in or not,",
                _ => continue,
            };
            if rule.operations.meets(changes) && !rule.is_guarded() {
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

/// A model's name with its article.
fn a(name: &str) -> String {
    let vowel = name.starts_with(['A', 'E', 'I', 'O', 'U', 'a', 'e', 'i', 'o', 'u']);
    format!("{} `{name}`", if vowel { "an" } else { "a" })
}

/// Whether a condition reads what a field will hold.
pub(super) fn reads_input(condition: &Condition, field: &str) -> bool {
    let mut reads = false;
    condition.each_term(&mut |term| reads |= term.source == Source::Input && term.name == field);
    reads
}

fn collect_texts<'v>(value: &'v Value, texts: &mut HashSet<&'v str>) {
    match &value.kind {
        ValueKind::Text(text) | ValueKind::Name(text) => drop(texts.insert(text)),
        ValueKind::List(values) => values.iter().for_each(|value| collect_texts(value, texts)),
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
