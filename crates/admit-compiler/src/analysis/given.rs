//! What the ways of a report give to one request, so that a report can be compared with decisions.
//! Always: every leaf is answered by the definition's own code.

use super::formula::{Formula, Leaf};
use super::report::{Extent, Matrix, Resource};
use super::ways::{Way, path_resource, resource_of};
use crate::condition::{Condition, Truth, Truths};
use crate::definition::{self, Ground, OnModel, Question, StorageRole, Target, Touch};
use crate::matrix::Role;
use crate::policy::{Bucket, Model, Path, Policy, Who};
use admit_runtime::{Mode, Operation, Provider};
use std::collections::BTreeSet;

/// What a request is given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Given {
    /// On what, as the report lists it.
    pub resource: Resource,
    /// Whether some way is true of it.
    pub allowed: bool,
    /// Whether some way reaches everything.
    pub whole: bool,
    /// The fields that some way reaches.
    pub fields: BTreeSet<String>,
}

impl Matrix {
    /// What the ways of an operation give to a request, which may be another operation's: nulls of an update are asked
    /// of `delete`. None where the report does not speak of it: in mode `iam`, on a key that no path covers, and on
    /// paths with a claim, or a folder of one's own, for a caller without it.
    pub fn given(&self, policy: &Policy, question: &Question, operation: Operation) -> Option<Given> {
        let caller = &question.caller;
        if caller.mode == Mode::Iam {
            return None;
        }
        // Whoever holds groups that exclude each other is refused whatever he asks.
        let refused = definition::holds_exclusive_groups(policy, caller);
        let (resource, of, mode) = match &question.target {
            Target::Model(name, operation) => {
                let model = policy.models.iter().find(|model| model.name == *name)?;
                (Resource::Model(name.clone()), On::Model(model, *operation), caller.mode)
            }
            Target::Custom(kind, name) => {
                let custom = policy.operations.iter().find(|custom| custom.kind == *kind && custom.name == *name)?;
                (resource_of(custom), On::Caller, caller.mode)
            }
            Target::Storage { bucket, key, .. } => {
                let bucket = policy.buckets.iter().find(|known| known.name == *bucket)?;
                let touch = Touch { policy, bucket, caller, key };
                let (path, own) = path_of(&touch)?;
                let mode = if caller.mode == Mode::UserPool { Mode::IdentityPool } else { caller.mode };
                (path_resource(bucket, path, own), On::Object(bucket, key), mode)
            }
        };
        let function = (mode == Mode::Function).then(|| caller.function.clone()).flatten();
        let mut given = Given { resource: resource.clone(), allowed: false, whole: false, fields: BTreeSet::new() };
        for way in self.ways.get(&(resource, operation)).into_iter().flatten() {
            let arrives = way.arrival.mode == mode && way.arrival.function == function;
            if arrives && !refused && is_true(policy, question, &of, way) {
                given.allowed = true;
                match &way.extent {
                    Extent::Whole => given.whole = true,
                    Extent::Fields(fields) => given.fields.extend(fields.iter().cloned()),
                }
            }
        }
        Some(given)
    }
}

/// The path that governs a key, and whether in the caller's own folder of it; none if no path does, or if it depends on
/// a claim that is not known.
fn path_of<'p>(touch: &Touch<'p>) -> Option<(&'p Path, bool)> {
    let mut best: Option<(usize, &Path, bool)> = None;
    for path in &touch.bucket.paths {
        let Some((bound, certain)) = touch.bind(path) else { continue };
        // What is everybody's own folder is nobody's without an identity.
        let nobody = path.entity && touch.identity().is_none() && touch.caller.mode != Mode::Guest;
        if (!certain || nobody) && touch.key.starts_with(&bound) {
            return None;
        }
        if certain && touch.key.starts_with(&bound) && best.is_none_or(|(length, ..)| length < bound.len()) {
            let rules = path.rules.iter().chain(&path.denies);
            let has_own = path.entity && rules.into_iter().any(|rule| rule.who == Who::Entity);
            let own = touch.own_folder(path, &bound).is_some_and(|folder| touch.key.starts_with(&folder));
            best = Some((bound.len(), path, own && has_own));
        }
    }
    best.map(|(_, path, own)| (path, own))
}

/// What a place of a bucket is called in reports.
pub(crate) fn path_label(policy: &Policy, bucket: &Bucket, place: &super::objects::Place) -> Resource {
    let touch = Touch { policy, bucket, caller: &place.caller, key: &place.key };
    match path_of(&touch) {
        Some((path, own)) => path_resource(bucket, path, own),
        None => {
            let covering = bucket.paths.iter().filter_map(|path| Some((touch.bind(path)?.0, path)));
            let covering =
                covering.filter(|(bound, _)| place.key.starts_with(bound)).max_by_key(|(bound, _)| bound.len());
            let lacks = if place.of_another().is_some() { "an identity" } else { "the claim" };
            let path = covering.map_or("elsewhere".to_owned(), |(_, path)| format!("{}* without {lacks}", path.prefix));
            Resource::Path(bucket.name.clone(), path)
        }
    }
}

enum On<'p, 'q> {
    Model(&'p Model, Operation),
    Caller,
    Object(&'p Bucket, &'q str),
}

fn is_true(policy: &Policy, question: &Question, of: &On<'_, '_>, way: &Way) -> bool {
    way.term.iter().all(|part| holds(policy, question, of, part))
}

fn holds(policy: &Policy, question: &Question, of: &On<'_, '_>, formula: &Formula) -> bool {
    match formula {
        Formula::All(parts) => parts.iter().all(|part| holds(policy, question, of, part)),
        Formula::Any(parts) => parts.iter().any(|part| holds(policy, question, of, part)),
        Formula::Leaf(leaf, wanted) => wanted.has(truth(policy, question, of, leaf)),
    }
}

fn truth(policy: &Policy, question: &Question, of: &On<'_, '_>, leaf: &Leaf) -> Truth {
    let caller = &question.caller;
    let on = |ask: &dyn Fn(&OnModel<'_>, Ground<'_>) -> Truth| match of {
        On::Model(model, operation) => {
            let on = OnModel { policy, model, question, operation: *operation };
            let record = super::scene::ground_record(&on);
            ask(&on, Ground::Record(&record))
        }
        _ => Truth::Unknown,
    };
    match (leaf, of) {
        (Leaf::Groups { names, .. }, On::Object(bucket, key)) => {
            let provider = Provider::UserPools;
            let who = Who::Groups { names: names.clone(), provider, claim: policy.group_claim.clone() };
            Touch { policy, bucket, caller, key }.who_truth(&who)
        }
        (Leaf::Groups { claim, names }, _) => {
            let provider = if caller.mode == Mode::Oidc { Provider::Oidc } else { Provider::UserPools };
            let who = Who::Groups { names: names.clone(), provider, claim: claim.clone() };
            definition::static_truth(policy, caller, &who)
        }
        (Leaf::SomeGroup, _) => Truth::from(definition::in_a_group(policy, caller)),
        (Leaf::Best { names }, _) => {
            let is = |role: &StorageRole| match role {
                StorageRole::Authenticated => names.is_empty(),
                StorageRole::Group(name) => names.contains(name),
                _ => false,
            };
            Truth::from(definition::storage_roles(policy, caller).iter().any(is))
        }
        (Leaf::Named { who, spelling, .. }, _) => on(&|on, ground| single(on.who_truths(who, ground, *spelling))),
        (Leaf::Creates { role, .. }, _) => {
            on(&|on, ground| Truth::from(on.grants_create(&Role::Dynamic(role.clone()), &on.recorded_owners(), ground)))
        }
        (Leaf::Test { test, .. }, On::Model(..)) => {
            let condition = Condition::Test(test.clone());
            on(&|on, ground| single(condition.truths(&|term| on.find(term, ground))))
        }
        (Leaf::Test { test, .. }, _) => {
            single(Condition::Test(test.clone()).truths(&|term| definition::find_claim(caller, &term.name)))
        }
        (Leaf::Proposes { field, .. }, _) => {
            Truth::from(question.input.as_ref().is_some_and(|input| input.contains_key(field)))
        }
        (Leaf::ProposesNull { field, .. }, _) => {
            let null = |input: &definition::Record| input.get(field) == Some(&definition::Value::Null);
            Truth::from(question.input.as_ref().is_some_and(null))
        }
        (Leaf::RecordsAlike { .. }, _) => Truth::Unknown,
    }
}

fn single(truths: Truths) -> Truth {
    let one = |truth: &Truth| truths == Truths::of(*truth);
    [Truth::False, Truth::True].into_iter().find(one).unwrap_or(Truth::Unknown)
}
