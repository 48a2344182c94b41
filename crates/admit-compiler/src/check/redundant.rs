//! Rules that can be left out: those that others cover, alone or together, and those that can allow nothing.
//! Always: exact. What is said of a rule stays true when every rule that is named with it is left out as well, for a rule
//! that was left out never covers another; a property test leaves them out and asks.

use super::Checker;
use super::conditions::Shape;
use super::reach::implies;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::matrix::{Role, roles};
use crate::policy::{Model, Place, Rule, Who};
use admit_runtime::Operations;
use std::collections::{HashMap, HashSet};

/// Where the conditions of rules were read, by place.
pub(super) struct Conditions {
    /// File, first byte, number among the conditions.
    by_place: Vec<(usize, u32, usize)>,
}

impl Checker<'_> {
    pub(super) fn conditions_by_place(&self) -> Conditions {
        let places = self.typed.iter().enumerate().map(|(at, typed)| (typed.file, typed.span.start, at));
        let mut by_place: Vec<(usize, u32, usize)> = places.collect();
        by_place.sort_unstable();
        Conditions { by_place }
    }

    /// What is known of the terms of a rule's condition.
    fn shapes(&self, conditions: &Conditions, rule: &Rule) -> Vec<Shape> {
        let (file, span) = (rule.place.file as usize, rule.place.span);
        let first = conditions.by_place.partition_point(|(of, at, _)| (*of, *at) < (file, span.start));
        let inside = conditions.by_place[first..].iter().take_while(|(of, at, _)| *of == file && *at < span.end);
        inside.flat_map(|(_, _, at)| self.typed[*at].shapes.clone()).collect()
    }

    /// Whether whoever comes in by a rule meets what another one asks beside its who.
    pub(super) fn asks_no_more(&self, conditions: &Conditions, by: &Rule, rule: &Rule) -> bool {
        let needs = by.and.iter().all(|who| rule.whos().any(|of| of == who));
        needs
            && match (&by.condition, &rule.condition) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(wide), Some(narrow)) if wide == narrow => true,
                (Some(wide), Some(narrow)) => {
                    let shapes = [self.shapes(conditions, by), self.shapes(conditions, rule)].concat();
                    implies(narrow, wide, &shapes)
                }
            }
    }

    /// Rules that others allow together, of those that are not gone already.
    pub(super) fn covered_together(
        &mut self,
        conditions: &Conditions,
        rules: &[Rule],
        all: &[Vec<Role>],
        by_role: &HashMap<&Role, Vec<usize>>,
        gone: &mut HashSet<usize>,
    ) {
        for (number, (rule, own)) in rules.iter().zip(all).enumerate() {
            if gone.contains(&number) || rule.operations.is_empty() {
                continue;
            }
            let mut by: Vec<usize> = Vec::new();
            let mut has = |role: &Role| {
                let mut left = rule.operations;
                for other in by_role.get(role).into_iter().flatten().copied() {
                    let of = &rules[other];
                    let helps = other != number && !gone.contains(&other) && of.operations.meets(left);
                    if helps && records_as_much(of, rule) && self.asks_no_more(conditions, of, rule) {
                        left = left.without(of.operations);
                        by.push(other);
                    }
                }
                left.is_empty()
            };
            if !own.is_empty() && own.iter().all(&mut has) {
                gone.insert(number);
                by.sort_unstable();
                by.dedup();
                let (file, span) = (rule.place.file as usize, rule.place.span);
                let message = "other rules together allow all that this one allows";
                let mut warning = Diagnostic::new(codes::COVERED_TOGETHER, file, span, message).label("adds nothing");
                for other in by.iter().take(4) {
                    let place = rules[*other].place;
                    warning = warning.related(place.file as usize, place.span, "this one allows a part of it");
                }
                let removed = self.with_comma(rule);
                self.say(warning.help("remove it, or the others").edit(removed, ""));
            }
        }
    }

    // ---- rules that allow nothing

    /// Rules of a model that its denies, or the operations that it does not have, leave nothing of.
    pub(super) fn dead_rules(&mut self, model: &Model) {
        let mut dead: Vec<(&Rule, Option<Place>)> = Vec::new();
        let of_fields = model.fields.iter().flat_map(|field| {
            let denies = model.denies.iter().chain(&field.denies);
            field.rules.iter().map(move |rule| (rule, denies.clone().collect::<Vec<_>>()))
        });
        let of_model = model.rules.iter().map(|rule| (rule, model.denies.iter().collect::<Vec<_>>()));
        for (rule, denies) in of_model.chain(of_fields) {
            if rule.operations.is_empty() {
                continue;
            }
            if let Some(deny) = denies.into_iter().find(|deny| takes_all(deny, rule)) {
                dead.push((rule, Some(deny.place)));
            } else if has_none(model.disabled, rule.operations) {
                dead.push((rule, None));
            }
        }
        for (rule, deny) in dead {
            let (file, span) = (rule.place.file as usize, rule.place.span);
            let warning = Diagnostic::new(codes::DEAD_RULE, file, span, "this rule can allow nothing");
            let removed = self.with_comma(rule);
            self.say(match deny {
                Some(place) => warning
                    .label("a deny takes all of it away")
                    .related(place.file as usize, place.span, "this deny")
                    .help("remove one of both: a deny wins over every allow")
                    .edit(removed, ""),
                None => warning
                    .label(format!("`{}` does not have these operations", model.name))
                    .help("remove it, or take the operations out of `disableOperations`")
                    .edit(removed, ""),
            });
        }
    }

    /// Records that callers may write and nobody may read.
    pub(super) fn nobody_reads(&mut self, model: &Model, queried: bool) {
        let rules = || model.rules.iter().chain(model.fields.iter().flat_map(|field| &field.rules));
        let writes = rules().any(|rule| rule.operations.meets(Operations::CREATE.with(Operations::UPDATE)));
        let is_meant = queried || model.disabled.contains(Operations::READ);
        if is_meant || !writes || rules().any(|rule| rule.operations.meets(Operations::READ)) {
            return;
        }
        let place = model.place;
        let message = format!("nobody may read `{}`", model.name);
        let warning = Diagnostic::new(codes::NOBODY_READS, place.file as usize, place.span, message);
        let help = "add a rule with `.to([\"read\"])`, or `allow.resource(fn).to([\"query\"])` in `data` for the function that reads it";
        self.say(warning.label("rules let it be written, and none lets it be read").help(help));
    }
}

/// Whether leaving a rule out leaves no owner unrecorded: on `create` a rule records whom it names.
pub(super) fn records_as_much(by: &Rule, rule: &Rule) -> bool {
    let owner = |who: &&Who| matches!(who, Who::Owner { .. });
    !rule.operations.meets(Operations::CREATE) || rule.whos().filter(owner).all(|who| by.whos().any(|of| of == who))
}

/// Whether a deny counts for everybody whom a rule is about, in all that it allows.
fn takes_all(deny: &Rule, rule: &Rule) -> bool {
    let denied = roles(&deny.who);
    // A dynamic deny reads the record as the rule does, and counts where that is not known.
    let reaches = |role: &Role| denied.contains(role) || denied.contains(&Role::Everyone(role.mode()));
    let own = roles(&rule.who);
    !deny.is_guarded() && deny.operations.contains(rule.operations) && !own.is_empty() && own.iter().all(reaches)
}

/// Whether of these operations a model has none. Who may delete may also set a field to null, and reads of one kind
/// open relations, so that these are never all gone.
fn has_none(disabled: Operations, operations: Operations) -> bool {
    let simple = Operations::CREATE.with(Operations::UPDATE);
    simple.contains(operations) && disabled.contains(operations)
}
