//! Groups and models that a change only renames: so that a reviewer reads one line, not the loss and the gain of all.
//! Always: a rename is one only if all that is said of the old name is said of the new one, and of no other.

use crate::condition::Condition;
use crate::policy::{Field, Model, Policy, Rule, Who};
use admit_runtime::Operations;

/// A name that became another.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Rename {
    /// Whether it is a group's; otherwise a model's.
    pub is_group: bool,
    /// The old name.
    pub from: String,
    /// The new name.
    pub to: String,
}

/// The renames between two policies, and the old one with the new names.
pub(crate) fn renamed(old: &Policy, new: &Policy) -> (Vec<Rename>, Policy) {
    let (mut found, mut old) = (Vec::new(), old.clone());
    for (from, to) in pairs(&names_of_groups(&old), &names_of_groups(new), &|from, to| {
        let with = with_group(&old, from, to);
        let says = said_of_group(new, to);
        !says.is_empty() && said_of_group(&with, to) == says
    }) {
        old = with_group(&old, &from, &to);
        found.push(Rename { is_group: true, from, to });
    }
    let models = |policy: &Policy| policy.models.iter().map(|model| model.name.clone()).collect::<Vec<String>>();
    for (from, to) in pairs(&models(&old), &models(new), &|from, to| {
        let of = |policy: &'_ Policy, name: &str| policy.models.iter().find(|model| model.name == name).map(bare_model);
        of(&old, from) == of(new, to)
    }) {
        old.models.iter_mut().filter(|model| model.name == from).for_each(|model| model.name.clone_from(&to));
        found.push(Rename { is_group: false, from, to });
    }
    (found, old)
}

/// Names that are gone and names that are new, where just one of each goes with the other.
fn pairs(before: &[String], after: &[String], goes: &dyn Fn(&str, &str) -> bool) -> Vec<(String, String)> {
    const MOST: usize = 64;
    let known: std::collections::BTreeSet<&String> = before.iter().collect();
    let kept: std::collections::BTreeSet<&String> = after.iter().collect();
    let gone: Vec<&String> = before.iter().filter(|name| !kept.contains(name)).collect();
    let new: Vec<&String> = after.iter().filter(|name| !known.contains(name)).collect();
    if gone.len() > MOST || new.len() > MOST {
        return Vec::new(); // not renames but another policy
    }
    let goes_with: Vec<Vec<bool>> = gone.iter().map(|from| new.iter().map(|to| goes(from, to)).collect()).collect();
    let mut pairs = Vec::new();
    for (at, row) in goes_with.iter().enumerate() {
        let mut fits = (0..new.len()).filter(|to| row[*to]);
        if let (Some(to), None) = (fits.next(), fits.next())
            && goes_with.iter().filter(|other| other[to]).count() == 1
        {
            pairs.push((gone[at].clone(), new[to].clone()));
        }
    }
    pairs
}

fn names_of_groups(policy: &Policy) -> Vec<String> {
    policy.groups.iter().map(|group| group.name.clone()).collect()
}

type Bare = (Who, Vec<Who>, Operations, Option<Condition>);

/// A rule without its place.
fn bare(rule: &Rule) -> Bare {
    (rule.who.clone(), rule.and.clone(), rule.operations, rule.condition.clone())
}

fn bare_field(field: &Field) -> impl PartialEq + use<> {
    let of = |rules: &[Rule]| rules.iter().map(bare).collect::<Vec<Bare>>();
    (field.name.clone(), field.ty.clone(), field.list, of(&field.rules), of(&field.denies))
}

fn bare_model(model: &Model) -> impl PartialEq + use<> {
    let of = |rules: &[Rule]| rules.iter().map(bare).collect::<Vec<Bare>>();
    let fields: Vec<_> = model.fields.iter().map(bare_field).collect();
    (fields, model.identifier.clone(), of(&model.rules), of(&model.denies), model.disabled)
}

fn names(who: &Who, name: &str) -> bool {
    matches!(who, Who::Groups { names, .. } if names.iter().any(|known| known == name))
}

/// The rules that name a group, in order.
fn said_of_group(policy: &Policy, name: &str) -> Vec<Bare> {
    let mut all: Vec<Bare> = policy
        .rules()
        .chain(policy.denies())
        .filter(|rule| rule.whos().any(|who| names(who, name)))
        .map(bare)
        .collect();
    all.iter_mut().for_each(|(who, ..)| sort(who));
    all
}

fn sort(who: &mut Who) {
    if let Who::Groups { names, .. } = who {
        names.sort();
    }
}

/// The policy with a group under another name.
fn with_group(policy: &Policy, from: &str, to: &str) -> Policy {
    let mut policy = policy.clone();
    let change = |name: &mut String| {
        if name == from {
            to.clone_into(name);
        }
    };
    let in_who = |who: &mut Who| {
        if let Who::Groups { names, .. } = who {
            names.iter_mut().for_each(change);
        }
    };
    let in_rules = |rules: &mut Vec<Rule>| {
        rules.iter_mut().for_each(|rule| [&mut rule.who].into_iter().chain(&mut rule.and).for_each(in_who));
    };
    for group in &mut policy.groups {
        change(&mut group.name);
        group.acts_as.iter_mut().for_each(change);
    }
    policy.exclusive.iter_mut().flatten().for_each(change);
    for model in &mut policy.models {
        [&mut model.rules, &mut model.denies].into_iter().for_each(in_rules);
        model.fields.iter_mut().flat_map(|field| [&mut field.rules, &mut field.denies]).for_each(in_rules);
    }
    policy.operations.iter_mut().flat_map(|custom| [&mut custom.rules, &mut custom.denies]).for_each(in_rules);
    let paths = policy.buckets.iter_mut().flat_map(|bucket| &mut bucket.paths);
    paths.flat_map(|path| [&mut path.rules, &mut path.denies]).for_each(in_rules);
    policy
}
