//! The rules behind a cell of the matrix: those that give it, and the denies that may take it.
//! Always: every rule that can make the cell true is among them.

use super::report::{Caller, Resource};
use crate::policy::{Model, Place, Policy, Rule, Who};
use crate::words::{Words, on_models, on_paths};
use admit_runtime::{Mode, Operation, Operations};
use std::collections::BTreeMap;

/// A rule behind a cell.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RuleBehind {
    /// Where it stands.
    pub place: Place,
    /// The rule, in the language's words.
    pub text: String,
    /// The field that it stands on.
    pub field: Option<String>,
}

/// Finds the rules behind cells, of which a report has many.
pub struct Behind<'p> {
    policy: &'p Policy,
    models: BTreeMap<&'p str, &'p Model>,
    /// The groups that count as others, and as which.
    acts_as: BTreeMap<&'p str, &'p [String]>,
}

impl<'p> Behind<'p> {
    /// For the cells of a policy's matrix.
    pub fn of(policy: &'p Policy) -> Behind<'p> {
        let acting = policy.groups.iter().filter(|group| !group.acts_as.is_empty());
        Behind {
            policy,
            models: policy.models.iter().map(|model| (model.name.as_str(), model)).collect(),
            acts_as: acting.map(|group| (group.name.as_str(), group.acts_as.as_slice())).collect(),
        }
    }

    /// The rules behind what callers have on a resource in one operation.
    pub fn rules(&self, resource: &Resource, callers: &[&Caller], operation: Operation) -> Vec<RuleBehind> {
        let policy = self.policy;
        let mut all = Vec::new();
        let mut add = |rules: &[Rule], denies: bool, field: Option<&str>, all_of: Operations, names: Names| {
            for rule in rules.iter().filter(|rule| rule.operations.meets(operation.needs())) {
                let concerns =
                    |caller: &&Caller| if denies { same_mode(rule, caller) } else { self.is_about(rule, caller) };
                if callers.iter().any(concerns) {
                    let text = Words::of(policy).rule(rule, denies, all_of, &names);
                    all.push(RuleBehind { place: rule.place, text, field: field.map(str::to_owned) });
                }
            }
        };
        match resource {
            Resource::Model(name) => {
                if let Some(model) = self.models.get(name.as_str()) {
                    add(&model.rules, false, None, Operations(255), on_models);
                    add(&model.denies, true, None, Operations(255), on_models);
                    for field in &model.fields {
                        add(&field.rules, false, Some(&field.name), Operations(255), on_models);
                        add(&field.denies, true, Some(&field.name), Operations(255), on_models);
                    }
                }
            }
            Resource::Custom(_, name) => {
                for custom in policy.operations.iter().filter(|custom| custom.name == *name) {
                    add(&custom.rules, false, None, Operations::CALL, on_models);
                    add(&custom.denies, true, None, Operations::CALL, on_models);
                }
            }
            Resource::Path(bucket, path) => {
                let prefix = path.trim_end_matches('*').trim_end_matches("{entity_id}/");
                let buckets = policy.buckets.iter().filter(|known| known.name == *bucket);
                for of in buckets.flat_map(|bucket| &bucket.paths).filter(|of| prefix.starts_with(&of.prefix)) {
                    add(&of.denies, true, None, Operations(29), on_paths);
                    if of.prefix == prefix {
                        add(&of.rules, false, None, Operations(29), on_paths);
                    }
                }
            }
        }
        for caller in callers.iter().filter(|_| !matches!(resource, Resource::Path(..))) {
            if let [Who::Function(name)] = caller.whos() {
                for rule in policy.data_functions.iter().filter(|rule| rule.function == *name) {
                    all.push(RuleBehind { place: rule.place, text: format!("allow.resource({name})"), field: None });
                }
            }
        }
        all.sort();
        all.dedup();
        all
    }

    /// Whether each who of a rule is one of the caller's.
    fn is_about(&self, rule: &Rule, caller: &Caller) -> bool {
        let counts_as = |name: &String, other: &String| {
            name == other || self.acts_as.get(name.as_str()).is_some_and(|acts| acts.contains(other))
        };
        let is = |who: &Who| {
            caller.whos().iter().any(|known| match (who, known) {
                (Who::Groups { names, provider, claim }, Who::Groups { names: held, provider: of, claim: from }) => {
                    let counts = |name: &String| names.iter().any(|other| counts_as(name, other));
                    (provider, claim) == (of, from) && held.iter().any(counts)
                }
                (Who::Entity, Who::Authenticated(_)) => true,
                (who, known) => who == known,
            })
        };
        rule.whos().all(|who| is(who) || matches!(who, Who::Authenticated(mode) if mode_of(caller) == Some(*mode)))
    }
}

type Names = fn(Operations) -> Vec<&'static str>;

fn same_mode(rule: &Rule, caller: &Caller) -> bool {
    let mode = mode_of_who(&rule.who);
    mode == mode_of(caller) || (mode == Some(Mode::UserPool) && mode_of(caller) == Some(Mode::IdentityPool))
}

fn mode_of(caller: &Caller) -> Option<Mode> {
    caller.whos().first().and_then(mode_of_who)
}

fn mode_of_who(who: &Who) -> Option<Mode> {
    match who {
        Who::ApiKey => Some(Mode::ApiKey),
        Who::Guest => Some(Mode::Guest),
        Who::Custom => Some(Mode::Lambda),
        Who::Authenticated(mode) => Some(*mode),
        Who::Groups { provider, .. } | Who::Owner { provider, .. } | Who::GroupsIn { provider, .. } => {
            Some(provider.mode())
        }
        Who::Entity => Some(Mode::IdentityPool),
        Who::Function(_) => Some(Mode::Function),
    }
}
