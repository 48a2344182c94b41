//! Required fields that some reader of the record may not read: such a record could not be shown (semantics §6).
//! Always: who counts as somebody else that reads the field, by `actsAs` or by an `.and`, is not told.

use super::models::same_guard;
use super::{Checker, either};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::matrix::{Matrix, Role, describe, roles};
use crate::policy::{Field, Model, Place, Rule};
use admit_runtime::{Mode, Operations};

/// Somebody who gets a record and does not read the field, with the rule that lets them, if one does.
type Blind = (Role, Option<Place>);

impl Checker<'_> {
    pub(super) fn required_fields(&mut self, model: &Model) {
        if model.fields.iter().all(|field| !field.required) {
            return;
        }
        let matrix = Matrix::of(model);
        let simple = !is_guarded(model);
        let mut found = Vec::new();
        for (field, class) in model.fields.iter().zip(&matrix.class_of).filter(|(field, _)| field.required) {
            let blind = match simple {
                true => self.blind_readers(&matrix, *class).into_iter().map(|role| (role, None)).collect(),
                false => self.blind_to(model, field),
            };
            if !blind.is_empty() {
                found.push((field, blind));
            }
        }
        for (field, blind) in found {
            self.cannot_be_shown(model, field, &blind);
        }
    }

    fn cannot_be_shown(&mut self, model: &Model, field: &Field, blind: &[Blind]) {
        let who: Vec<String> = blind.iter().map(|(role, _)| describe(role)).collect();
        let who = either(who.iter().map(String::as_str)).replace('`', "");
        let message = format!("the required field `{}` cannot be read by {who}", field.name);
        let error = Diagnostic::new(codes::REQUIRED_PROTECTED, field.place.file as usize, field.place.span, message);
        let mut error = error.label("required, so whoever reads the record must be able to read it");
        let by = blind.iter().find_map(|(_, by)| *by).or_else(|| gets(model, &blind[0].0));
        if let Some(by) = by {
            let who = describe(&blind[0].0);
            error = error.related(by.file as usize, by.span, format!("lets {who} read the record"));
        }
        let they = if blind.len() == 1 { who } else { "them".to_owned() };
        let denied =
            |(role, by): &Blind| by.is_none() && field.denies.iter().any(|deny| roles(&deny.who).contains(role));
        if blind.iter().all(denied) {
            self.say(error.help("leave `read` out of the field's deny, deny it on the model as well, or remove `!`"));
            return;
        }
        self.say(error.help(format!(
            "give {they} `read` on `{0}` by a rule of it or of the model, or make it optional by removing `!`",
            field.name
        )));
    }
}

/// The first rule that gives a role records.
fn gets(model: &Model, role: &Role) -> Option<Place> {
    let of_fields = model.fields.iter().flat_map(|field| &field.rules);
    let gives = |rule: &&Rule| rule.operations.meets(Operations::GET) && roles(&rule.who).contains(role);
    model.rules.iter().chain(of_fields).find(gives).map(|rule| rule.place)
}

impl Checker<'_> {
    /// The roles that can get the record and cannot read the class.
    fn blind_readers(&self, matrix: &Matrix, class: usize) -> Vec<Role> {
        let on_class = &matrix.classes[class];
        let getters = matrix.roles.keys().filter(|role| matrix.some(role).meets(Operations::GET));
        let sees = |role: &Role| {
            on_class.iter().any(|(other, operations)| match other == role {
                true => operations.meets(Operations::READ),
                false => operations.contains(Operations::READ) && self.counts_as(role, other),
            })
        };
        getters.filter(|role| !sees(role)).cloned().collect()
    }

    /// The roles that get some record, and not this field of it, for all that is certain: a condition counts as
    /// "cannot" unless it is the very one that gives the record, and so does a deny of the field.
    fn blind_to(&self, model: &Model, field: &Field) -> Vec<Blind> {
        let here = governing(model, field);
        let mut blind: Vec<Blind> = Vec::new();
        let mut getters: Vec<Mode> = Vec::new();
        for rule in model.fields.iter().flat_map(|field| governing(model, field)) {
            if !rule.operations.meets(Operations::GET) {
                continue;
            }
            for role in roles(&rule.who) {
                getters.push(role.mode());
                if !self.reads(rule, &role, here) && blind.iter().all(|(known, _)| *known != role) {
                    blind.push((role, Some(rule.place)));
                }
            }
        }
        for deny in field.denies.iter().filter(|deny| deny.operations.meets(Operations::READ)) {
            let of_record = model.denies.iter().any(|other| covers_deny(other, deny));
            for role in roles(&deny.who).into_iter().filter(|role| getters.contains(&role.mode()) && !of_record) {
                if blind.iter().all(|(known, _)| *known != role) {
                    blind.push((role, None));
                }
            }
        }
        blind.sort_by(|one, other| one.0.cmp(&other.0));
        blind
    }

    /// Whether whoever gets records by `rule` as `role` reads the field by some rule of `here`.
    fn reads(&self, rule: &Rule, role: &Role, here: &[Rule]) -> bool {
        let reads = |other: &&Rule| other.operations.meets(Operations::READ);
        here.iter().filter(reads).any(|other| self.is_within(role, rule, other))
    }
}

/// The allows that decide about a field.
pub(super) fn governing<'m>(model: &'m Model, field: &'m Field) -> &'m [Rule] {
    if field.rules.is_empty() { &model.rules } else { &field.rules }
}

/// Whether some rule has a guard, or a field has a deny.
fn is_guarded(model: &Model) -> bool {
    let mut rules = model.rules.iter().chain(model.fields.iter().flat_map(|field| &field.rules));
    rules.any(Rule::is_guarded) || model.fields.iter().any(|field| !field.denies.is_empty())
}

/// Whether what one deny takes from a field, another takes from the record.
fn covers_deny(record: &Rule, field: &Rule) -> bool {
    record.who == field.who
        && record.operations.contains(field.operations.both(Operations::READ))
        && (!record.is_guarded() || same_guard(record, field))
}
