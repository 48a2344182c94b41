//! Models that differ only in which groups they name are judged alike, so that one of them is enough.
//! Always: groups are numbered in the order of their names, so that what goes by that order goes alike. A model whose
//! groups count as others, exclude others or may be compared with other texts is like no other.

use super::formula::{Formula, Leaf};
use super::ways::Way;
use crate::condition::Source;
use crate::policy::{Field, Model, Policy, Roles, Rule, Who};
use std::collections::{BTreeMap, BTreeSet};

/// The groups of a policy that are more than a name.
pub(crate) struct Special<'p> {
    groups: BTreeSet<&'p str>,
    /// Whether the order of all groups counts.
    ordered: bool,
}

impl<'p> Special<'p> {
    /// Of one policy or several.
    pub fn of(policies: &[&'p Policy]) -> Special<'p> {
        let mut groups: BTreeSet<&str> = BTreeSet::new();
        for policy in policies {
            for group in policy.groups.iter().filter(|group| !group.acts_as.is_empty()) {
                groups.extend([&group.name].into_iter().chain(&group.acts_as).map(String::as_str));
            }
            groups.extend(policy.exclusive.iter().flatten().map(String::as_str));
        }
        Special { groups, ordered: policies.iter().any(|policy| policy.roles == Roles::Preferred) }
    }
}

/// One model, or several that are looked at together, by what they say of groups whose names do not matter.
pub(crate) struct Shape<'p> {
    models: Vec<&'p Model>,
    groups: Vec<&'p str>,
}

fn rules_of(model: &Model) -> impl Iterator<Item = &Rule> {
    let fields = model.fields.iter().flat_map(|field| field.rules.iter().chain(&field.denies));
    model.rules.iter().chain(&model.denies).chain(fields)
}

impl<'p> Shape<'p> {
    /// The shape of models; none if the names of their groups matter.
    pub fn of(models: Vec<&'p Model>, special: &Special<'_>) -> Option<Shape<'p>> {
        let mut named: BTreeSet<&str> = BTreeSet::new();
        let mut claims: BTreeSet<&str> = BTreeSet::new();
        let (mut compares, mut in_records) = (false, false);
        for rule in models.iter().flat_map(|model| rules_of(model)) {
            for who in rule.whos() {
                match who {
                    Who::Groups { names, claim, .. } => {
                        named.extend(names.iter().map(String::as_str));
                        claims.insert(claim);
                    }
                    Who::GroupsIn { .. } => in_records = true,
                    _ => (),
                }
            }
            compares |= rule.condition.is_some();
        }
        let mut reads_groups = false;
        for rule in models.iter().flat_map(|model| rules_of(model)) {
            rule.condition.iter().for_each(|condition| {
                condition.each_term(&mut |term| {
                    reads_groups |= term.source == Source::Claim && claims.contains(term.name.as_str());
                });
            });
        }
        let guarded = || models.iter().flat_map(|model| rules_of(model)).any(Rule::is_guarded);
        let denies = || models.iter().any(|model| has_denies(model));
        let matters =
            reads_groups || (compares && in_records) || named.iter().any(|name| special.groups.contains(name));
        if matters || (special.ordered && (guarded() || denies())) {
            return None;
        }
        Some(Shape { models, groups: named.into_iter().collect() })
    }

    /// The groups that the models name, in the order of their names.
    pub fn groups(&self) -> &[&'p str] {
        &self.groups
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.groups.binary_search(&name).ok()
    }

    /// Equal for shapes that are alike, and rarely for others.
    fn summary(&self) -> Vec<usize> {
        let mut all = vec![self.groups.len()];
        for model in &self.models {
            all.extend([model.fields.len(), model.rules.len(), model.denies.len()]);
            for rule in rules_of(model) {
                all.push(usize::from(rule.operations.0));
                for who in rule.whos() {
                    match who {
                        Who::Groups { names, .. } => all.extend(names.iter().filter_map(|name| self.number(name))),
                        _ => all.push(usize::MAX),
                    }
                }
            }
        }
        all
    }

    fn is_like(&self, other: &Shape<'_>) -> bool {
        let model = |one: &Model, of: &Model| {
            (&one.identifier, one.disabled) == (&of.identifier, of.disabled)
                && self.rules_are_like(&one.rules, other, &of.rules)
                && self.rules_are_like(&one.denies, other, &of.denies)
                && one.fields.len() == of.fields.len()
                && one.fields.iter().zip(&of.fields).all(|(one, of)| self.field_is_like(one, other, of))
        };
        self.groups.len() == other.groups.len()
            && self.models.len() == other.models.len()
            && self.models.iter().zip(&other.models).all(|(one, of)| model(one, of))
    }

    fn field_is_like(&self, one: &Field, other: &Shape<'_>, of: &Field) -> bool {
        (&one.name, &one.ty, one.list, one.required) == (&of.name, &of.ty, of.list, of.required)
            && self.rules_are_like(&one.rules, other, &of.rules)
            && self.rules_are_like(&one.denies, other, &of.denies)
    }

    fn rules_are_like(&self, rules: &[Rule], other: &Shape<'_>, others: &[Rule]) -> bool {
        let who = |one: &Who, of: &Who| match (one, of) {
            (Who::Groups { names, provider, claim }, Who::Groups { names: named, provider: whose, claim: from }) => {
                (provider, claim) == (whose, from)
                    && names.len() == named.len()
                    && names.iter().zip(named).all(|(name, named)| self.number(name) == other.number(named))
            }
            (one, of) => one == of,
        };
        let rule = |one: &Rule, of: &Rule| {
            (one.operations, &one.condition, one.and.len()) == (of.operations, &of.condition, of.and.len())
                && one.whos().zip(of.whos()).all(|(one, of)| who(one, of))
        };
        rules.len() == others.len() && rules.iter().zip(others).all(|(one, of)| rule(one, of))
    }
}

fn has_denies(model: &Model) -> bool {
    !model.denies.is_empty() || model.fields.iter().any(|field| !field.denies.is_empty())
}

/// What was found of the shapes that were looked at, by what they are besides.
pub(crate) struct Known<'p, T>(BTreeMap<Key, Vec<(Shape<'p>, T)>>);

/// What a shape is besides, and its summary.
type Key = (usize, Vec<usize>);

impl<T> Default for Known<'_, T> {
    fn default() -> Self {
        Known(BTreeMap::new())
    }
}

impl<'p, T> Known<'p, T> {
    /// What was found of a shape like this one, with the groups that it was found for.
    pub fn get(&self, shape: &Shape<'_>, besides: usize) -> Option<(&[&'p str], &T)> {
        let alike = self.0.get(&(besides, shape.summary()))?;
        alike.iter().find(|(known, _)| known.is_like(shape)).map(|(known, found)| (known.groups(), found))
    }

    /// Keeps what was found.
    pub fn keep(&mut self, shape: Shape<'p>, besides: usize, found: T) {
        self.0.entry((besides, shape.summary())).or_default().push((shape, found));
    }
}

/// Some groups' names, and those that stand in their places.
#[derive(Clone, Copy)]
pub(crate) struct Renaming<'a> {
    /// In the order of their names.
    pub from: &'a [&'a str],
    pub to: &'a [&'a str],
}

impl Renaming<'_> {
    fn names(self, names: &[String]) -> Vec<String> {
        let name = |name: &String| {
            self.from.binary_search(&name.as_str()).map_or_else(|_| name.clone(), |at| self.to[at].to_owned())
        };
        names.iter().map(name).collect()
    }

    fn formula(self, formula: &Formula) -> Formula {
        let each = |parts: &[Formula]| parts.iter().map(|part| self.formula(part)).collect();
        match formula {
            Formula::All(parts) => Formula::All(each(parts)),
            Formula::Any(parts) => Formula::Any(each(parts)),
            Formula::Leaf(Leaf::Groups { claim, names }, wanted) => {
                Formula::Leaf(Leaf::Groups { claim: claim.clone(), names: self.names(names) }, *wanted)
            }
            leaf => leaf.clone(),
        }
    }

    /// A way in with the other groups.
    pub fn way(self, way: &Way) -> Way {
        let term = way.term.iter().map(|part| self.formula(part)).collect();
        Way { arrival: way.arrival.clone(), term, extent: way.extent.clone() }
    }
}
