//! What a change of policy gives to whom, and takes from whom.
//! Always: by meaning. What two policies only say in other words is no change; where the settings of both are equal,
//! every change that is left is one that some request shows.

use super::acts::{Act, acts_of};
use super::deeds::{Arrival, Inputs};
use super::report::{Caller, Cell, Extent, Matrix, ON_MODELS, Resource, Settings};
use super::scene::{Link, Scene};
use super::search::{BUDGET, Found, search};
use crate::policy::{DeedTarget, Keys, Policy};
use admit_runtime::Operation;
use admit_syntax::ast::OperationKind;
use std::collections::{BTreeMap, BTreeSet};

/// One thing that changes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Change {
    /// On what.
    pub resource: Resource,
    /// For whom.
    pub caller: Caller,
    /// Whether it is given, not taken.
    pub gained: bool,
    /// Which operations.
    pub operations: Vec<Operation>,
    /// Which fields, if not all.
    pub fields: Option<BTreeSet<String>>,
    /// Under which condition, in the policy's words.
    pub when: Option<String>,
}

/// What a change of policy means.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Difference {
    /// What is given and taken, by resource and caller.
    pub changes: Vec<Change>,
    /// What else decides and has changed, in words: modes, precedence, how roles meet. Each may give or take.
    pub settings: Vec<String>,
    /// What was too much to tell apart in one of both.
    pub cut: Vec<String>,
}

impl Difference {
    /// Whether somebody may gain something by it.
    pub fn widens(&self) -> bool {
        !self.settings.is_empty() || !self.cut.is_empty() || self.changes.iter().any(|change| change.gained)
    }

    /// Whether nothing changes for anybody.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.settings.is_empty() && self.cut.is_empty()
    }

    /// What changes from the old matrix to the new one, as they are written.
    pub fn between(before: &Matrix, after: &Matrix) -> Difference {
        let mut changes = Vec::new();
        let keys: BTreeSet<&(Resource, Caller)> = before.rows.keys().chain(after.rows.keys()).collect();
        let nothing = BTreeMap::new();
        for key in keys {
            let (was, is) = (before.rows.get(key).unwrap_or(&nothing), after.rows.get(key).unwrap_or(&nothing));
            changes.extend(changes_of(key, was, is, true));
            changes.extend(changes_of(key, is, was, false));
        }
        let cut = before.cut.iter().chain(&after.cut).cloned().collect::<BTreeSet<String>>().into_iter().collect();
        Difference { changes, settings: settings(&before.settings, &after.settings), cut }
    }

    /// What changes from one policy to another: what is only written in other words is left out.
    pub fn of(old: &Policy, new: &Policy) -> Difference {
        let mut difference = Difference::between(&Matrix::of(old), &Matrix::of(new));
        // What the same words mean depends on these.
        if difference.settings.is_empty() {
            difference.changes.retain_mut(|change| {
                let (from, to) = if change.gained { (old, new) } else { (new, old) };
                let operations = change.operations.clone();
                change.operations = operations.into_iter().filter(|operation| gives(from, to, change, *operation)).collect();
                !change.operations.is_empty()
            });
        }
        difference
    }
}

/// Whether some request is allowed by one policy and not by the other, on what a change is about.
fn gives(from: &Policy, to: &Policy, change: &Change, operation: Operation) -> bool {
    targets(change).into_iter().any(|target| {
        Arrival::all(to).iter().any(|arrival| {
            let of = |policy| acts_of(policy, operation, &target, arrival, 0, Inputs::Some);
            let (before, after) = (of(from), of(to));
            let twin = |act: &Act<'_>| before.iter().find(|other| other.side.question == act.side.question).cloned();
            // What the old policy does not have at all, and what is asked of it in another way, is new.
            after.iter().any(|act| match twin(act) {
                None => !act.formula.is_never(),
                Some(old) => is_new(to, act, &old),
            })
        })
    })
}

fn is_new(policy: &Policy, new: &Act<'_>, old: &Act<'_>) -> bool {
    let formula = new.formula.clone().and(old.formula.negated());
    if formula.is_never() {
        return false;
    }
    let mut scene = Scene::new(policy, vec![new.side.clone()], Link::Apart, &formula, new.fixed.clone());
    let found = search(&mut scene, &formula, BUDGET, &mut |scene| {
        let mut question = scene.sides[0].question.clone();
        new.is_done(&mut question) && !old.is_done(&mut question)
    });
    // What cannot be settled is kept.
    !(found == Found::No && scene.opaque.is_empty())
}

/// The targets that a change is about.
fn targets(change: &Change) -> Vec<DeedTarget> {
    match &change.resource {
        Resource::Model(model) => {
            let of = |field: Option<&String>| DeedTarget::Record {
                model: model.clone(),
                field: field.cloned(),
                record: Default::default(),
            };
            match &change.fields {
                Some(fields) => fields.iter().map(|field| of(Some(field))).chain([of(None)]).collect(),
                None => vec![of(None)],
            }
        }
        Resource::Custom(kind, name) => {
            let kind = match *kind {
                "query" => OperationKind::Query,
                "mutation" => OperationKind::Mutation,
                _ => OperationKind::Subscription,
            };
            vec![DeedTarget::Custom(kind, name.clone())]
        }
        Resource::Path(bucket, _) => vec![DeedTarget::Objects { bucket: bucket.clone(), keys: Keys::All }],
    }
}

/// What `more` has beyond `less`, operations with the same fields together.
fn changes_of(
    (resource, caller): &(Resource, Caller),
    less: &BTreeMap<Operation, Vec<Cell>>,
    more: &BTreeMap<Operation, Vec<Cell>>,
    gained: bool,
) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    let none = Vec::new();
    let order: &[Operation] = if matches!(resource, Resource::Model(_)) { &ON_MODELS } else { resource.operations() };
    for operation in order {
        let had = less.get(operation).unwrap_or(&none);
        for cell in more.get(operation).unwrap_or(&none) {
            let Some(fields) = beyond(had, cell) else { continue };
            match changes.iter_mut().find(|change| change.fields == fields && change.when == cell.when) {
                Some(change) => change.operations.push(*operation),
                None => changes.push(Change {
                    resource: resource.clone(),
                    caller: caller.clone(),
                    gained,
                    operations: vec![*operation],
                    fields,
                    when: cell.when.clone(),
                }),
            }
        }
    }
    changes
}

/// What a cell reaches beyond those that say as much: nothing, or these fields, or all.
fn beyond(had: &[Cell], cell: &Cell) -> Option<Option<BTreeSet<String>>> {
    let comparable: Vec<&Cell> = had.iter().filter(|known| known.when.is_none() || known.when == cell.when).collect();
    if comparable.iter().any(|known| known.extent == Extent::Whole) {
        return None;
    }
    match &cell.extent {
        Extent::Whole => Some(None),
        Extent::Fields(has) => {
            let known = |field: &&String| {
                comparable.iter().any(|cell| matches!(&cell.extent, Extent::Fields(fields) if fields.contains(*field)))
            };
            let beyond: BTreeSet<String> = has.iter().filter(|field| !known(field)).cloned().collect();
            // Records of which nothing but the key is shown are something too.
            (!beyond.is_empty() || comparable.is_empty()).then_some(Some(beyond))
        }
    }
}

/// What decides besides the matrix, and differs.
fn settings(old: &Settings, new: &Settings) -> Vec<String> {
    let mut settings = Vec::new();
    let roles = |of: &Settings| if of.preferred { "preferred" } else { "union" };
    if roles(old) != roles(new) {
        settings.push(format!("roles in storage: \"{}\", was \"{}\"", roles(new), roles(old)));
    }
    if old.modes != new.modes {
        settings.push(format!("modes: {}; were {}", new.modes.join(", "), old.modes.join(", ")));
    }
    if old.group_claim != new.group_claim {
        settings.push(format!("groups come in the claim `{}`, came in `{}`", new.group_claim, old.group_claim));
    }
    let common = |of: &[String], other: &[String]| -> Vec<String> {
        of.iter().filter(|group| other.contains(group)).cloned().collect()
    };
    if new.preferred && common(&old.groups, &new.groups) != common(&new.groups, &old.groups) {
        settings.push(format!("precedence of groups: {}; was {}", new.groups.join(", "), old.groups.join(", ")));
    }
    let names: BTreeSet<&String> = old.acts_as.keys().chain(new.acts_as.keys()).collect();
    for name in names {
        let of = |settings: &Settings| settings.acts_as.get(name).map_or("nobody else".to_owned(), |others| others.join(", "));
        if of(old) != of(new) {
            settings.push(format!("members of {name} count as members of {}; did of {}", of(new), of(old)));
        }
    }
    if old.exclusive != new.exclusive {
        settings.push("which groups exclude each other".into());
    }
    settings
}
