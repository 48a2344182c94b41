//! Warnings about rules of fields beside those of their model: who can no longer delete, who reaches what.
//! Always: who counts as somebody else, by `actsAs` or by an `.and`, is judged as that one too.

use super::lints::a;
use super::{Checker, either};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::matrix::{Matrix, Role, describe, roles};
use crate::policy::{Field, Model, Rule};
use admit_runtime::Operations;
use std::collections::{BTreeMap, HashSet};

impl Checker<'_> {
    /// Who may delete by the model's rules, and may not because a field's rules leave it out.
    pub(super) fn cannot_delete(&mut self, model: &Model, matrix: &Matrix) {
        let mut by_field: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        let own = deleters(model);
        for role in matrix.roles.keys().filter(|role| own.contains(role)) {
            // One role must have it on every field: what others give it on single ones does not count.
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

    /// Denies of a field that take `delete` from the whole record, where the model's denies do not say so.
    pub(super) fn denies_delete(&mut self, model: &Model, field: &Field) {
        let own = deleters(model);
        for deny in field.denies.iter().filter(|deny| deny.operations.meets(Operations::DELETE)) {
            let of_model = |other: &&Rule| other.operations.meets(Operations::DELETE);
            let said =
                |role: &Role| model.denies.iter().filter(of_model).any(|other| self.is_within(role, deny, other));
            let taken = |role: &&Role| own.iter().any(|other| other.mode() == role.mode()) && !said(role);
            let of = roles(&deny.who);
            let who: Vec<String> = of.iter().filter(taken).map(describe).collect();
            if who.is_empty() {
                continue;
            }
            let who = either(who.iter().map(String::as_str)).replace('`', "").replace(" or ", " and ");
            let message = format!("{who} cannot delete {} because of this deny", a(&model.name));
            let (file, span) = (deny.place.file as usize, deny.place.span);
            let warning = Diagnostic::new(codes::CANNOT_DELETE, file, span, message);
            let warning = match deny.operations == Operations::ALL {
                true => warning.label("without `.to` it takes `delete`, which deleting needs on every field"),
                false => warning.label("takes `delete`, which deleting needs on every field"),
            };
            self.say(warning.help("write `.to([…])` without `delete`; if it is meant, deny `delete` on the model"));
        }
    }

    /// Model rules where every field has rules of its own: they give nothing.
    pub(super) fn reaches_no_field(&mut self, model: &Model) {
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
    pub(super) fn fields_reach(&mut self, model: &Model) {
        for rule in model.fields.iter().flat_map(|field| &field.rules) {
            let known = |role: &Role| {
                model.rules.iter().any(|other| {
                    let knows = other.operations.meets(Operations::READ) || roles(&other.who).contains(role);
                    knows && self.is_within(role, rule, other)
                })
            };
            let creates = |rule: &Rule| rule.operations.meets(Operations::CREATE);
            let may_create =
                |role: &Role| model.rules.iter().any(|other| creates(other) && self.is_within(role, rule, other));
            let new = roles(&rule.who).into_iter().find(|role| !known(role));
            let creator = roles(&rule.who).into_iter().find(|role| creates(rule) && !may_create(role));
            let warning = |message: String| {
                let (file, span) = (rule.place.file as usize, rule.place.span);
                Diagnostic::new(codes::FIELD_REACHES, file, span, message).label("the model's rules do not say so")
            };
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
}

/// The roles that may delete by the model's rules.
fn deleters(model: &Model) -> HashSet<Role> {
    let rules = model.rules.iter().filter(|rule| rule.operations.meets(Operations::DELETE));
    rules.flat_map(|rule| roles(&rule.who)).collect()
}
