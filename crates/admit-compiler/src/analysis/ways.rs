//! The ways in to each operation on each thing: what must be true of a request, and the fields that it then reaches.
//! Always: complete and exact. A request is given just what the ways that are true of it reach together; a property test
//! holds that to the definition. A way that provably no request can take is left out.

use super::deeds::{Arrival, Inputs, OnRecords, on_custom};
use super::formula::{Formula, Leaf};
use super::objects;
use super::report::{Extent, Matrix, ON_MODELS, ON_PATHS, Resource, Settings};
use super::scene::{Side, may_hold};
use super::settled::MANY_TEXTS;
use super::shapes::{Known, Renaming, Shape, Special};
use super::terms::{MAX_WAYS, Said, Term, is_possible, said, says_who, terms};
use crate::definition::{Question, Record, Stored, Target};
use crate::policy::{Bucket, CustomOperation, DataFunction, Field, Model, Path, Policy, Rule, Who};
use admit_runtime::{Mode, Operation, Operations};
use std::collections::{BTreeMap, BTreeSet};

/// One way in, before it is put in words.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Way {
    /// How the caller arrives.
    pub arrival: Arrival,
    /// Each of these must be true.
    pub term: Term,
    /// What it reaches; of `delete` without the record: the fields that an update may set to null.
    pub extent: Extent,
}

/// By resource and operation.
pub(crate) type Ways = BTreeMap<(Resource, Operation), Vec<Way>>;

impl Matrix {
    /// The matrix of a checked policy, by its conditions.
    pub fn of(policy: &Policy) -> Matrix {
        Matrix::of_those(policy, &|_| true)
    }

    /// The part of it that is about one model, custom operation or bucket.
    pub fn of_resource(policy: &Policy, name: &str) -> Matrix {
        Matrix::of_those(policy, &|known| known == name)
    }

    fn of_those(policy: &Policy, wanted: &dyn Fn(&str) -> bool) -> Matrix {
        let mut found = Finding { policy, arrivals: Arrival::all(policy), ways: Ways::new(), cut: BTreeSet::new() };
        let mut matrix = Matrix { settings: Settings::of(policy), ..Matrix::default() };
        let special = Special::of(&[policy]);
        let mut known: Known<'_, OnModel> = Known::default();
        for model in policy.models.iter().filter(|model| wanted(&model.name)) {
            let resource = Resource::Model(model.name.clone());
            let on_model = match Shape::of(vec![model], &special) {
                None => found.model(model),
                Some(shape) => match known.get(&shape, 0) {
                    Some((from, on_model)) => on_model.renamed(Renaming { from, to: shape.groups() }),
                    None => {
                        let on_model = found.model(model);
                        known.keep(shape, 0, on_model.clone());
                        on_model
                    }
                },
            };
            on_model.cut.iter().for_each(|operation| found.too_many(*operation, &resource));
            matrix.put(policy, &resource, Some(model), &on_model.ways);
            let ways = on_model.ways.into_iter();
            found.ways.extend(ways.map(|(operation, ways)| ((resource.clone(), operation), ways)));
            matrix.resources.insert(resource);
        }
        let mut others = BTreeSet::new();
        for custom in policy.operations.iter().filter(|custom| wanted(&custom.name)) {
            others.insert(found.custom(custom));
        }
        for bucket in policy.buckets.iter().filter(|bucket| wanted(&bucket.name)) {
            for path in &bucket.paths {
                others.extend(found.path(bucket, path));
            }
        }
        for resource in others {
            let of = |operation: &Operation| {
                found.ways.get(&(resource.clone(), *operation)).map(|ways| (*operation, ways.clone()))
            };
            let ways: Vec<(Operation, Vec<Way>)> = resource.operations().iter().filter_map(of).collect();
            matrix.put(policy, &resource, None, &ways);
            matrix.resources.insert(resource);
        }
        matrix.cut.extend(found.cut);
        matrix.ways = found.ways;
        matrix
    }
}

/// What was found of a model.
#[derive(Clone, Default)]
pub(crate) struct OnModel {
    /// The ways in to each operation that there are some to.
    pub ways: Vec<(Operation, Vec<Way>)>,
    /// Those that nobody takes, because what they read of the input nobody may name: whoever may one day takes them.
    pub closed: Vec<(Operation, Way)>,
    /// The operations with more ways in than are told apart.
    pub cut: Vec<Operation>,
}

impl OnModel {
    /// Of one model alone.
    pub fn of(policy: &Policy, model: &Model) -> OnModel {
        let found = Finding { policy, arrivals: Arrival::all(policy), ways: Ways::new(), cut: BTreeSet::new() };
        found.model(model)
    }

    fn renamed(&self, with: Renaming<'_>) -> OnModel {
        let each = |ways: &[Way]| ways.iter().map(|way| with.way(way)).collect();
        OnModel {
            ways: self.ways.iter().map(|(operation, ways)| (*operation, each(ways))).collect(),
            closed: self.closed.iter().map(|(operation, way)| (*operation, with.way(way))).collect(),
            cut: self.cut.clone(),
        }
    }
}

/// The ways in to some custom operations, and what is cut.
pub(crate) fn custom_ways(policy: &Policy, wanted: &dyn Fn(&String) -> bool) -> (Ways, BTreeSet<String>) {
    let mut found = Finding { policy, arrivals: Arrival::all(policy), ways: Ways::new(), cut: BTreeSet::new() };
    for custom in policy.operations.iter().filter(|custom| wanted(&custom.name)) {
        found.custom(custom);
    }
    (found.ways, found.cut)
}

struct Finding<'p> {
    policy: &'p Policy,
    arrivals: Vec<Arrival>,
    ways: Ways,
    cut: BTreeSet<String>,
}

/// What a way that was found names of a model: by number of the class of fields, and whether it reaches all there is.
type Reached = (BTreeSet<usize>, bool);

impl<'p> Finding<'p> {
    fn add(&mut self, resource: &Resource, operation: Operation, way: Way) {
        self.ways.entry((resource.clone(), operation)).or_default().push(way);
    }

    fn too_many(&mut self, operation: Operation, resource: &Resource) {
        self.cut.insert(format!("{} {resource}: more than {MAX_WAYS} ways in", operation.name()));
    }

    /// An operation that reaches all or nothing.
    fn plain(&mut self, resource: &Resource, operation: Operation, arrival: &Arrival, formula: Formula) {
        let Some(terms) = terms(&formula) else { return self.too_many(operation, resource) };
        for term in terms.into_iter().filter(|term| possible(self.policy, arrival, None, term)) {
            let term = needed(self.policy, arrival, None, &term);
            self.add(resource, operation, Way { arrival: arrival.clone(), term, extent: Extent::Whole });
        }
    }

    fn custom(&mut self, custom: &CustomOperation) -> Resource {
        let resource = resource_of(custom);
        for arrival in self.arrivals.clone() {
            self.plain(&resource, Operation::Call, &arrival, on_custom(self.policy, custom, &arrival));
        }
        resource
    }

    fn path(&mut self, bucket: &Bucket, path: &Path) -> Vec<Resource> {
        let entity = |rule: &Rule| rule.who == Who::Entity;
        let has_own = path.entity && path.rules.iter().chain(&path.denies).any(entity);
        let mut resources = Vec::new();
        for own in [false, true].into_iter().filter(|own| has_own || !own) {
            let resource = path_resource(bucket, path, own);
            for arrival in self.arrivals.clone().iter().filter(|arrival| of_storage(arrival.mode)) {
                for place in objects::on_path(self.policy, bucket, path, arrival, own) {
                    if place.is_partial {
                        self.cut.insert(format!("{resource}: {MANY_TEXTS}"));
                    }
                    for operation in ON_PATHS {
                        let formula = objects::on_object(self.policy, bucket, operation.needs(), &place);
                        self.plain(&resource, operation, arrival, formula);
                    }
                }
            }
            resources.push(resource);
        }
        resources
    }

    fn model(&self, model: &'p Model) -> OnModel {
        // To set a field to null is an update, which may be left where `delete` is disabled.
        let nulls = !model.disabled.meets(Operations::UPDATE);
        let is_enabled = |operation: &Operation| {
            !model.disabled.meets(operation.needs()) || (*operation == Operation::Delete && nulls)
        };
        let mut all: Vec<(Operation, Vec<Way>)> =
            ON_MODELS.into_iter().filter(is_enabled).map(|operation| (operation, Vec::new())).collect();
        let (mut cut, mut closed) = (Vec::new(), Vec::new());
        for function in &self.policy.data_functions {
            let arrival = Arrival { mode: Mode::Function, function: Some(function.function.clone()) };
            let given = of_function(function);
            for (operation, ways) in all.iter_mut().filter(|(operation, _)| given.meets(operation.needs())) {
                let extent = if model.disabled.meets(operation.needs()) { nullable(model) } else { Extent::Whole };
                ways.push(Way { arrival: arrival.clone(), term: Vec::new(), extent });
            }
        }
        let named = modes_of(model);
        let like: Vec<Option<usize>> = all.iter().map(|(operation, _)| read_like(model, *operation, &all)).collect();
        for arrival in self.arrivals.iter().filter(|arrival| named.contains(&arrival.mode)) {
            let mut found: Vec<Option<Vec<Way>>> = Vec::new();
            for (at, (operation, ways)) in all.iter_mut().enumerate() {
                let more = like[at].map(|other| found[other].clone());
                let more = more.unwrap_or_else(|| self.on_model(model, arrival, *operation, &mut closed));
                match &more {
                    Some(more) => ways.extend(more.iter().cloned()),
                    None => cut.push(*operation),
                }
                found.push(more);
            }
        }
        all.retain(|(_, ways)| !ways.is_empty());
        OnModel { ways: all, closed, cut }
    }

    /// The ways in for those who arrive in one way; none if there are too many.
    fn on_model(
        &self,
        model: &'p Model,
        arrival: &Arrival,
        operation: Operation,
        closed: &mut Vec<(Operation, Way)>,
    ) -> Option<Vec<Way>> {
        let on = OnRecords { policy: self.policy, model, operation, arrival, side: 0, inputs: Inputs::Apart };
        Some(self.on_records(&on, reaches(&on)?, closed))
    }

    fn on_records(
        &self,
        on: &OnRecords<'p, '_>,
        ways: Vec<(Term, Reached)>,
        closed: &mut Vec<(Operation, Way)>,
    ) -> Vec<Way> {
        let of = Some((on.model, on.operation));
        // What rules read of an input it must be allowed to name.
        let named = OnRecords { inputs: Inputs::Some, ..*on }.proposals();
        let is_open = |term: &Term| {
            let with_input = || Formula::all(term.iter().cloned()).and(named.clone());
            needs_no_record(term)
                || named.is_always()
                || is_possible(on.policy, vec![made_up(on.arrival, of)], &with_input())
        };
        let classes = on.fields();
        let mut all = Vec::new();
        for (term, (reached, whole)) in ways.into_iter().filter(|(term, _)| possible(on.policy, on.arrival, of, term)) {
            let extent = match whole {
                true => Extent::Whole,
                false => {
                    let changes = matches!(on.operation, Operation::Update | Operation::Delete);
                    let like = |field: &&Field| {
                        let is_key = changes && on.model.identifier.contains(&field.name);
                        !is_key && reached.iter().filter_map(|at| classes[*at]).any(|of| alike(of, field))
                    };
                    Extent::Fields(on.model.fields.iter().filter(like).map(|field| field.name.clone()).collect())
                }
            };
            let way = Way { arrival: on.arrival.clone(), term: needed(on.policy, on.arrival, of, &term), extent };
            match is_open(&term) {
                true => all.push(way),
                false => closed.push((on.operation, way)),
            }
        }
        all
    }
}

/// The fields that an update may set to null.
fn nullable(model: &Model) -> Extent {
    let names = model.fields.iter().map(|field| &field.name).filter(|name| !model.identifier.contains(name));
    Extent::Fields(names.cloned().collect())
}

/// The read among earlier ones that the rules do not tell from this one: it has the same ways in.
fn read_like(model: &Model, operation: Operation, among: &[(Operation, Vec<Way>)]) -> Option<usize> {
    let is_read = |operation: Operation| {
        matches!(operation, Operation::Get | Operation::List | Operation::Sync | Operation::Search)
    };
    let fields = model.fields.iter().flat_map(|field| field.rules.iter().chain(&field.denies));
    let rules = || model.rules.iter().chain(&model.denies).chain(fields.clone());
    let same = |other: Operation| {
        rules().all(|rule| rule.operations.meets(operation.needs()) == rule.operations.meets(other.needs()))
    };
    let mut earlier = among.iter().take_while(|(other, _)| *other != operation);
    earlier.position(|(other, _)| is_read(operation) && is_read(*other) && same(*other))
}

/// Each way in to an operation on records, with what it reaches; none if there are too many.
fn reaches(on: &OnRecords<'_, '_>) -> Option<Vec<(Term, Reached)>> {
    let mut ways: Vec<(Term, Reached)> = Vec::new();
    let classes = on.fields();
    let mut find = |formula: Formula, class: Option<usize>, whole: bool| -> Option<()> {
        for term in terms(&formula)? {
            let at = ways.iter().position(|(known, _)| *known == term).unwrap_or_else(|| {
                ways.push((term, (BTreeSet::new(), false)));
                ways.len() - 1
            });
            ways[at].1.0.extend(class);
            ways[at].1.1 |= whole;
        }
        Some(())
    };
    // The key only says which record; fields that are judged like it may be more.
    let is_key = |field: &Option<&Field>| {
        let key = |of: &Field| on.model.identifier.contains(&of.name);
        field.is_some_and(|field| on.model.fields.iter().filter(|of| alike(of, field)).all(key))
    };
    let fields = || classes.iter().copied().enumerate();
    match on.operation {
        Operation::Delete => {
            if !on.model.disabled.meets(Operations::DELETE) {
                find(on.on_every_field(Operations::DELETE), None, true)?;
            }
            let nulls = !on.model.disabled.meets(Operations::UPDATE);
            for (at, field) in fields().filter(|(_, field)| nulls && !is_key(field)) {
                if let Some(field) = field.filter(|field| !on.covered(field, Operations::UPDATE).is_never()) {
                    find(on.covered(field, Operations::DELETE), Some(at), false)?;
                }
            }
        }
        Operation::Create => {
            for (at, field) in fields() {
                find(
                    field.map_or_else(|| on.on_some_field(on.needs()), |field| on.covered(field, on.needs())),
                    Some(at),
                    false,
                )?;
            }
            find(on.on_every_field(Operations::CREATE), None, true)?;
        }
        Operation::Update => {
            let gate = on.gate();
            for (at, field) in fields().filter(|(_, field)| !is_key(field)) {
                let covered = field.map_or_else(|| on.on_some_field(on.needs()), |field| on.covered(field, on.needs()));
                find(gate.clone().and(covered), Some(at), false)?;
            }
        }
        _ => {
            let some = on.on_some_field(on.needs());
            for (at, field) in fields() {
                match field {
                    None => find(some.clone(), Some(at), false)?,
                    Some(field) => {
                        let (own, more) = on.shown_apart(field);
                        // Published records are compared in another way than their fields.
                        let implied = on.operation != Operation::Listen;
                        find(if implied { own } else { own.and(some.clone()) }, Some(at), false)?;
                        find(more.and(some.clone()), Some(at), false)?;
                    }
                }
            }
            find(some, None, false)?;
        }
    }
    let every = |reached: &BTreeSet<usize>| {
        let mut fields = fields().filter(|(_, field)| on.operation != Operation::Update || !is_key(field));
        fields.all(|(at, _)| reached.contains(&at))
    };
    let all_fields = !matches!(on.operation, Operation::Create | Operation::Delete) || classes == [None];
    ways.iter_mut().for_each(|(_, (reached, whole))| *whole |= all_fields && every(reached));
    Some(ways)
}

/// Whether two fields are judged alike.
fn alike(one: &Field, other: &Field) -> bool {
    one.rules == other.rules && one.denies == other.denies
}

/// The modes whose callers some rule of a model admits.
fn modes_of(model: &Model) -> BTreeSet<Mode> {
    let rules = model.rules.iter().chain(model.fields.iter().flat_map(|field| &field.rules));
    rules.flat_map(|rule| crate::matrix::roles(&rule.who)).map(|role| role.mode()).collect()
}

/// Whom a way is about, in words.
pub(crate) fn said_of(policy: &Policy, way: &Way) -> Said {
    match &way.arrival.function {
        Some(name) => Said { whos: vec![Who::Function(name.clone())], ..said(policy, way.arrival.mode, &way.term) },
        None => said(policy, way.arrival.mode, &way.term),
    }
}

/// Whether some request takes a way; one without tests and with one part needs no closer look.
fn possible(policy: &Policy, arrival: &Arrival, of: Option<(&Model, Operation)>, term: &Term) -> bool {
    let operation = of.map(|(_, operation)| operation);
    is_plain(policy, operation, term)
        || is_possible(policy, vec![made_up(arrival, of)], &Formula::all(term.iter().cloned()))
}

/// Whether a way asks nothing of the record: then the input may leave out what is read of it.
pub(crate) fn needs_no_record(term: &Term) -> bool {
    let mut none = true;
    for part in term {
        part.each_leaf(&mut |leaf| none &= matches!(leaf, Leaf::Groups { .. } | Leaf::SomeGroup));
    }
    none
}

/// Whether a way has one part at most, and one that some request makes true for certain.
pub(crate) fn is_plain(policy: &Policy, operation: Option<Operation>, term: &Term) -> bool {
    let mut leaves = 0;
    let mut tests = false;
    for part in term {
        part.each_leaf(&mut |leaf| {
            leaves += 1;
            tests |= match leaf {
                Leaf::Test { .. } | Leaf::Creates { .. } => true,
                // What is created may not name every field.
                Leaf::Named { .. } => operation == Some(Operation::Create),
                // Who is in a group that counts as two that exclude each other is refused.
                Leaf::Groups { names, .. } | Leaf::Best { names } if !names.is_empty() => {
                    !names.iter().any(|name| may_hold(policy, std::iter::once(name.as_str())))
                }
                _ => false,
            };
        });
    }
    leaves < 2 && !tests
}

/// A way without what the rest of it makes true anyway; who it is stays said in full.
fn needed(policy: &Policy, arrival: &Arrival, of: Option<(&Model, Operation)>, term: &Term) -> Term {
    let mut kept = term.clone();
    for part in term.iter().filter(|part| !says_who(part) && term.len() > 1) {
        let rest: Term = kept.iter().filter(|other| *other != part).cloned().collect();
        let without = Formula::all(rest.iter().cloned()).and(part.negated());
        if !is_possible(policy, vec![made_up(arrival, of)], &without) {
            kept = rest;
        }
    }
    kept
}

/// A request of which nothing is known yet.
pub(crate) fn made_up<'p>(arrival: &Arrival, of: Option<(&'p Model, Operation)>) -> Side<'p> {
    let target = match of {
        Some((model, operation)) => Target::Model(model.name.clone(), operation),
        None => Target::Custom(admit_syntax::ast::OperationKind::Query, String::new()),
    };
    let operation = of.map_or(Operation::Call, |(_, operation)| operation);
    let is_write = matches!(operation, Operation::Create | Operation::Update);
    let question = Question {
        caller: arrival.caller(),
        target,
        stored: Stored::Given(Record::new()),
        input: is_write.then(Record::new),
        args: Record::new(),
        index: Vec::new(),
    };
    Side { question, model: of.map(|(model, _)| model), beside: None, operation }
}

fn of_function(function: &DataFunction) -> Operations {
    let when = |given: bool, operations: Operations| if given { operations } else { Operations::NONE };
    let writes = Operations::CREATE.with(Operations::UPDATE).with(Operations::DELETE);
    when(function.query, Operations::READ.without(Operations::LISTEN))
        .with(when(function.mutate, writes))
        .with(when(function.listen, Operations::LISTEN))
}

pub(crate) fn of_storage(mode: Mode) -> bool {
    // The user pool's callers act through the identity pool.
    matches!(mode, Mode::Guest | Mode::IdentityPool | Mode::Function)
}

pub(crate) fn path_resource(bucket: &Bucket, path: &Path, own: bool) -> Resource {
    Resource::Path(bucket.name.clone(), format!("{}{}", path.prefix, if own { "{entity_id}/*" } else { "*" }))
}

pub(crate) fn resource_of(custom: &CustomOperation) -> Resource {
    let kind = match custom.kind {
        admit_syntax::ast::OperationKind::Query => "query",
        admit_syntax::ast::OperationKind::Mutation => "mutation",
        admit_syntax::ast::OperationKind::Subscription => "subscription",
    };
    Resource::Custom(kind, custom.name.clone())
}
