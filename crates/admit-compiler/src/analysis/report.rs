//! Who may do what: the access matrix, and the ways in to one thing.
//! Always: complete. A way that no request can take is left out, and so is one that says nothing beyond another.

use super::deeds::{Arrival, Inputs, OnRecords, on_custom};
use super::formula::Formula;
use super::objects;
use super::scene::Side;
use super::terms::{Said, Term, is_possible, said, terms, with_whole_tokens};
use crate::definition::{Question, Record, Stored, Target};
use crate::matrix::{self, Role};
use crate::policy::{Bucket, CustomOperation, DataFunction, Field, Model, Path, Policy, Roles, Who};
use crate::words::Words;
use admit_runtime::{Mode, Operation, Operations};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Something that one can have access to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Resource {
    /// A model, by name.
    Model(String),
    /// A custom operation: `query`, `mutation` or `subscription`, and its name.
    Custom(&'static str, String),
    /// A path of a bucket: `drafts/*`, `mine/{entity_id}/*`.
    Path(String, String),
}

/// Who: a kind of caller that the policy tells apart, in words. Of several parts each must be the caller.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Caller {
    kind: u8,
    words: Vec<String>,
    whos: Vec<Who>,
}

/// What a caller may do in one operation, under one condition.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Cell {
    /// What must be true, in the policy's words; none if nothing.
    pub when: Option<String>,
    /// What it reaches.
    pub extent: Extent,
}

/// Who may do what: every resource, every caller, every operation that is allowed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Matrix {
    /// What is allowed. What is not here is denied. Cells of one operation are alternatives.
    pub rows: BTreeMap<(Resource, Caller), BTreeMap<Operation, Vec<Cell>>>,
    /// Every resource, those that nobody may use included.
    pub resources: BTreeSet<Resource>,
    /// What decides besides.
    pub settings: Settings,
    /// What was too much to tell apart: it is not in the rows.
    pub cut: Vec<String>,
}

/// What decides besides the rules.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs)]
pub struct Settings {
    pub modes: Vec<String>,
    pub preferred: bool,
    pub group_claim: String,
    /// In the order of their precedence.
    pub groups: Vec<String>,
    /// The groups that count as others, with those.
    pub acts_as: BTreeMap<String, Vec<String>>,
    pub exclusive: Vec<Vec<String>>,
}

/// One way in.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Way {
    /// Who, in words: `group EDITORS`, `one of the groups A, B and owner in owner`.
    pub who: String,
    /// What must be true, in the policy's words.
    pub when: Option<String>,
    /// What it reaches.
    pub extent: Extent,
}

/// The operations on models, in the order of reports.
pub const ON_MODELS: [Operation; 8] = [
    Operation::Create,
    Operation::Get,
    Operation::List,
    Operation::Update,
    Operation::Delete,
    Operation::Listen,
    Operation::Sync,
    Operation::Search,
];
/// The operations on paths, in the order of reports.
pub const ON_PATHS: [Operation; 4] = [Operation::Get, Operation::List, Operation::Write, Operation::Delete];

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Resource::Model(name) => f.write_str(name),
            Resource::Custom(kind, name) => write!(f, "{kind} {name}"),
            Resource::Path(bucket, path) => write!(f, "{bucket} {path}"),
        }
    }
}

impl Resource {
    /// The operations that there are on it.
    pub fn operations(&self) -> &'static [Operation] {
        match self {
            Resource::Model(_) => &ON_MODELS,
            Resource::Custom(..) => &[Operation::Call],
            Resource::Path(..) => &ON_PATHS,
        }
    }
}

/// Of a record's fields, those that an operation reaches.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Extent {
    /// All of it.
    Whole,
    /// These fields.
    Fields(BTreeSet<String>),
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words.join(" and "))
    }
}

impl Caller {
    pub(super) fn of(words: Words<'_>, whos: &[Who]) -> Caller {
        let kind = |who: &Who| match who {
            Who::Guest => 0,
            Who::ApiKey => 1,
            Who::Authenticated(_) => 2,
            Who::Custom => 3,
            Who::Groups { .. } => 4,
            Who::Owner { .. } | Who::GroupsIn { .. } | Who::Entity => 5,
            Who::Function(_) => 6,
        };
        Caller {
            kind: whos.iter().map(kind).max().unwrap_or(2),
            words: whos.iter().map(|who| words.caller(who)).collect(),
            whos: whos.to_vec(),
        }
    }

    /// Its parts: each must be the caller.
    pub fn whos(&self) -> &[Who] {
        &self.whos
    }

    /// The one before all others, to find rows by.
    pub fn first() -> Caller {
        Caller { kind: 0, words: Vec::new(), whos: Vec::new() }
    }

    /// Its parts, in words: each must be the caller.
    pub fn parts(&self) -> &[String] {
        &self.words
    }

    /// Whether this is about whomever a record names.
    pub fn depends_on_record(&self) -> bool {
        self.kind == 5
    }
}

impl Settings {
    fn of(policy: &Policy) -> Settings {
        let acts = policy.groups.iter().filter(|group| !group.acts_as.is_empty());
        Settings {
            modes: Mode::ALL.iter().filter(|mode| policy.modes.contains(mode)).map(|mode| mode.name().to_owned()).collect(),
            preferred: policy.roles == Roles::Preferred,
            group_claim: policy.group_claim.clone(),
            groups: policy.groups.iter().map(|group| group.name.clone()).collect(),
            acts_as: acts.map(|group| (group.name.clone(), group.acts_as.clone())).collect(),
            exclusive: policy.exclusive.clone(),
        }
    }
}

/// An allowed operation before it is put in words: who, under which condition, on which fields.
struct Entry {
    said: Said,
    extent: Extent,
}

impl Matrix {
    /// The matrix of a checked policy, by its conditions.
    pub fn of(policy: &Policy) -> Matrix {
        let mut matrix = Matrix { settings: Settings::of(policy), ..Matrix::default() };
        for model in &policy.models {
            matrix.model(policy, model);
        }
        for custom in &policy.operations {
            let resource = resource_of(custom);
            matrix.resources.insert(resource.clone());
            for arrival in Arrival::all(policy) {
                let entries = matrix.entries(policy, &resource, &arrival, on_custom(policy, custom, &arrival));
                matrix.put(policy, &resource, Operation::Call, entries);
            }
        }
        for bucket in &policy.buckets {
            for path in &bucket.paths {
                matrix.path(policy, bucket, path);
            }
        }
        matrix
    }

    /// What an operation's formula says, group by group.
    fn entries(&mut self, policy: &Policy, resource: &Resource, arrival: &Arrival, formula: Formula) -> Vec<Entry> {
        let Some(terms) = terms(&formula) else {
            self.cut.push(format!("{resource}: more than {} ways in", super::terms::MAX_WAYS));
            return Vec::new();
        };
        let possible = terms.into_iter().filter(|term| possible(policy, arrival, None, term));
        possible
            .map(|term| {
                let said = said_by(policy, arrival, &needed(policy, arrival, None, &term));
                Entry { said, extent: Extent::Whole }
            })
            .collect()
    }

    fn put(&mut self, policy: &Policy, resource: &Resource, operation: Operation, entries: Vec<Entry>) {
        for Entry { said, extent } in entries {
            for whos in each_group(&said.whos) {
                let key = (resource.clone(), Caller::of(Words::of(policy), &whos));
                let cells = self.rows.entry(key).or_default().entry(operation).or_default();
                let cell = Cell { when: said.when.clone(), extent: extent.clone() };
                add(cells, cell);
            }
        }
    }

    // ---- paths

    fn path(&mut self, policy: &Policy, bucket: &Bucket, path: &Path) {
        let arrivals = Arrival::all(policy).into_iter().filter(|arrival| of_storage(arrival.mode));
        let arrivals: Vec<Arrival> = arrivals.collect();
        let mut own = vec![(false, "*")];
        let entity = |rule: &crate::policy::Rule| rule.who == Who::Entity;
        let has_own = path.entity && path.rules.iter().chain(&path.denies).any(entity);
        own.extend(has_own.then_some((true, "{entity_id}/*")));
        for (own, end) in own {
            let resource = Resource::Path(bucket.name.clone(), format!("{}{end}", path.prefix));
            self.resources.insert(resource.clone());
            for arrival in &arrivals {
                let place = objects::place(path, arrival, own);
                for operation in ON_PATHS {
                    let formula = objects::on_object(policy, bucket, operation.needs(), &place);
                    let entries = self.entries(policy, &resource, arrival, formula);
                    self.put(policy, &resource, operation, entries);
                }
            }
        }
    }

    // ---- models

    fn model(&mut self, policy: &Policy, model: &Model) {
        let resource = Resource::Model(model.name.clone());
        self.resources.insert(resource.clone());
        for function in &policy.data_functions {
            let given = of_function(function);
            for operation in ON_MODELS.into_iter().filter(|operation| given.meets(operation.needs())) {
                if !model.disabled.meets(operation.needs()) {
                    let whos = vec![Who::Function(function.function.clone())];
                    let said = Said { whos, when: None };
                    self.put(policy, &resource, operation, vec![Entry { said, extent: Extent::Whole }]);
                }
            }
        }
        if !is_guarded(model) {
            return self.plain_model(policy, model, &resource);
        }
        for arrival in Arrival::all(policy).iter().filter(|arrival| arrival.mode != Mode::Function) {
            for operation in ON_MODELS.into_iter().filter(|operation| !model.disabled.meets(operation.needs())) {
                let entries = self.guarded(policy, model, &resource, arrival, operation);
                self.put(policy, &resource, operation, entries);
            }
        }
    }

    /// A model without guards: what each role has, whatever the request.
    fn plain_model(&mut self, policy: &Policy, model: &Model, resource: &Resource) {
        let matrix = matrix::Matrix::of(model);
        let admitted = |role: &&Role| policy.admits(role.mode());
        for role in matrix.roles.keys().filter(admitted) {
            for operation in ON_MODELS.into_iter().filter(|operation| !model.disabled.meets(operation.needs())) {
                let needs = operation.needs();
                let reads = Operations::READ.contains(needs);
                let whole = if reads { matrix.some(role) } else { matrix.every(role) }.meets(needs);
                let on = |class: usize| match reads {
                    true => matrix.shown(role, class).meets(needs),
                    false => matrix.classes[class].get(role).is_some_and(|of| of.meets(needs)),
                };
                let every = (0..matrix.classes.len()).all(on);
                let named = || {
                    let fields = model.fields.iter().zip(&matrix.class_of).filter(|(_, class)| on(**class));
                    fields.map(|(field, _)| field.name.clone()).collect::<BTreeSet<String>>()
                };
                let extent = match (whole, reads) {
                    (true, true) if every => Extent::Whole,
                    (true, true) => Extent::Fields(named()),
                    (true, false) => Extent::Whole,
                    (false, false) if operation != Operation::Delete => match named() {
                        some if some.is_empty() => continue,
                        some => Extent::Fields(some),
                    },
                    _ => continue,
                };
                let said = Said { whos: vec![who_of(role)], when: None };
                self.put(policy, resource, operation, vec![Entry { said, extent }]);
            }
        }
    }

    /// A model with guards: each way in, and the fields that it certainly reaches.
    fn guarded(
        &mut self,
        policy: &Policy,
        model: &Model,
        resource: &Resource,
        arrival: &Arrival,
        operation: Operation,
    ) -> Vec<Entry> {
        let on = OnRecords { policy, model, operation, arrival, side: 0, inputs: Inputs::Apart };
        let fields = on.fields();
        let reach: Vec<(Option<&Field>, Formula)> = fields.iter().map(|field| (*field, reach(&on, *field))).collect();
        let Some(ways) = ways_in(&on, &reach) else {
            self.cut.push(format!("{} {resource}: more than {} ways in", operation.name(), super::terms::MAX_WAYS));
            return Vec::new();
        };
        let side = || Some((model, operation));
        let mut entries = Vec::new();
        // What rules read of an input it must be allowed to name.
        let named = OnRecords { policy, model, operation, arrival, side: 0, inputs: Inputs::Some }.proposals();
        let takes = |way: &Term| {
            possible(policy, arrival, side(), way)
                && (named.is_always()
                    || is_possible(policy, vec![made_up(arrival, side())], &Formula::all(way.iter().cloned()).and(named.clone())))
        };
        for (way, own) in ways.iter().filter(|(way, _)| takes(way)) {
            let whole = with_whole_tokens(&Formula::all(way.iter().cloned()));
            let lacks = |formula: &Formula| {
                is_possible(policy, vec![made_up(arrival, side())], &whole.clone().and(formula.negated()))
            };
            let has = |at: &usize| operation == Operation::Delete || own.contains(at) || !lacks(&reach[*at].1);
            let reached: Vec<Option<&Field>> = (0..reach.len()).filter(has).map(|at| reach[at].0).collect();
            let extent = match reached.len() == fields.len() {
                true => Extent::Whole,
                false => {
                    let like = |field: &&Field| {
                        reached.iter().flatten().any(|of| of.rules == field.rules && of.denies == field.denies)
                    };
                    Extent::Fields(model.fields.iter().filter(like).map(|field| field.name.clone()).collect())
                }
            };
            let way = needed(policy, arrival, side(), way);
            entries.push(Entry { said: said_by(policy, arrival, &way), extent });
        }
        entries
    }

    /// Who has an operation on a resource, with what it reaches.
    pub fn who_can(&self, operation: Operation, resource: &Resource) -> Vec<(&Caller, &[Cell])> {
        let rows = self.rows.range((resource.clone(), Caller::first())..).take_while(|((of, _), _)| of == resource);
        rows.filter_map(|((_, caller), row)| row.get(&operation).map(|cells| (caller, cells.as_slice()))).collect()
    }

    /// Whether everybody of the caller's mode has what a cell says.
    fn is_everybodys(&self, resource: &Resource, rows: &[(&Caller, &[Cell])], caller: &Caller, cell: &Cell) -> bool {
        let mode = |who: &Who| match (who, resource) {
            (Who::Groups { .. }, Resource::Path(..)) => Some(Mode::IdentityPool),
            (Who::Groups { provider, .. } | Who::Owner { provider, .. } | Who::GroupsIn { provider, .. }, _) => {
                Some(provider.mode())
            }
            _ => None,
        };
        // In storage a member of a group acts for it alone if the policy says so.
        let alone = matches!(resource, Resource::Path(..)) && self.settings.preferred;
        let Some(mode) = caller.whos.first().and_then(mode).filter(|_| !alone) else { return false };
        let is_all = |other: &Caller| other.whos == [Who::Authenticated(mode)];
        rows.iter().any(|(other, cells)| is_all(other) && cells.iter().any(|known| covers(known, cell)))
    }

    /// The ways in to one operation: groups that have the same are said together.
    pub fn ways(&self, operation: Operation, resource: &Resource) -> Vec<Way> {
        let mut by_rest: Vec<(Vec<String>, String, &Cell, Vec<String>)> = Vec::new();
        let rows = self.who_can(operation, resource);
        for (caller, cells) in &rows {
            for cell in cells.iter().filter(|cell| !self.is_everybodys(resource, &rows, caller, cell)) {
                let at = caller.words.iter().position(|word| word.starts_with("group ") && !word.contains(" in "));
                let rest: Vec<String> =
                    caller.words.iter().enumerate().filter(|(other, _)| Some(*other) != at).map(|(_, word)| word.clone()).collect();
                let name = at.map(|at| caller.words[at].trim_start_matches("group ").to_owned()).unwrap_or_default();
                let end = if name.ends_with(" (oidc)") { " (oidc)" } else { "" };
                let name = name.trim_end_matches(" (oidc)").to_owned();
                let same = |known: &&mut (Vec<String>, String, &Cell, Vec<String>)| {
                    known.0 == rest && known.1 == end && known.2 == cell && at.is_some() && !known.3.is_empty()
                };
                match by_rest.iter_mut().find(same) {
                    Some(known) => known.3.push(name),
                    None => by_rest.push((rest, end.to_owned(), cell, at.map(|_| name).into_iter().collect())),
                }
            }
        }
        by_rest
            .into_iter()
            .map(|(rest, end, cell, groups)| {
                let groups = match groups.as_slice() {
                    [] => None,
                    [name] => Some(format!("group {name}{end}")),
                    names => Some(format!("one of the groups {}{end}", names.join(", "))),
                };
                let who = groups.into_iter().chain(rest).collect::<Vec<_>>().join(" and ");
                Way { who, when: cell.when.clone(), extent: cell.extent.clone() }
            })
            .collect()
    }
}

/// The ways in to a model's operation, each with the fields, by number, that it was found to write.
fn ways_in(on: &OnRecords<'_, '_>, reach: &[(Option<&Field>, Formula)]) -> Option<Vec<(Term, BTreeSet<usize>)>> {
    let whole = match on.operation {
        Operation::Delete => on.on_every_field(Operations::DELETE),
        Operation::Create | Operation::Update => {
            let gate = if on.operation == Operation::Update { on.gate() } else { Formula::always() };
            let mut ways: Vec<(Term, BTreeSet<usize>)> = Vec::new();
            // The key only says which record.
            let is_key = |field: &Option<&Field>| field.is_some_and(|field| on.model.identifier.contains(&field.name));
            let names_it = on.operation == Operation::Update && !reach.iter().all(|(field, _)| is_key(field));
            for (at, (_, formula)) in reach.iter().enumerate().filter(|(_, (field, _))| !(names_it && is_key(field))) {
                for term in terms(&gate.clone().and(formula.clone()))? {
                    match ways.iter_mut().find(|(known, _)| *known == term) {
                        Some((_, own)) => own.extend([at]),
                        None => ways.push((term, BTreeSet::from([at]))),
                    }
                }
            }
            return Some(ways);
        }
        _ => on.on_some_field(on.needs()),
    };
    Some(terms(&whole)?.into_iter().map(|term| (term, BTreeSet::new())).collect())
}

/// Whether a cell says all that another one does, under no more conditions.
fn covers(one: &Cell, other: &Cell) -> bool {
    let reaches = match (&one.extent, &other.extent) {
        (Extent::Whole, _) => true,
        (Extent::Fields(_), Extent::Whole) => false,
        (Extent::Fields(more), Extent::Fields(fewer)) => fewer.is_subset(more),
    };
    reaches && (one.when.is_none() || one.when == other.when)
}

/// Adds a cell, unless another one says as much under fewer conditions.
fn add(cells: &mut Vec<Cell>, cell: Cell) {
    if cells.iter().any(|known| covers(known, &cell)) {
        return;
    }
    // Two rules of one who and condition reach the fields of both.
    let twin = cells.iter_mut().find(|known| known.when == cell.when);
    match (twin, cell) {
        (Some(Cell { extent: Extent::Fields(known), .. }), Cell { extent: Extent::Fields(more), .. }) => known.extend(more),
        (_, cell) => {
            cells.retain(|known| !covers(&cell, known));
            cells.push(cell);
        }
    }
    cells.sort();
}

/// The whos of a way, once for each group of a list.
fn each_group(whos: &[Who]) -> Vec<Vec<Who>> {
    let mut all: Vec<Vec<Who>> = vec![Vec::new()];
    for who in whos {
        let each: Vec<Who> = match who {
            Who::Groups { names, provider, claim } => names
                .iter()
                .map(|name| Who::Groups { names: vec![name.clone()], provider: *provider, claim: claim.clone() })
                .collect(),
            who => vec![who.clone()],
        };
        all = all.iter().flat_map(|known| each.iter().map(move |who| [known.as_slice(), std::slice::from_ref(who)].concat())).collect();
    }
    all.into_iter()
        .map(|mut whos| {
            whos.sort();
            whos.dedup();
            whos
        })
        .collect()
}

fn said_by(policy: &Policy, arrival: &Arrival, term: &Term) -> Said {
    match &arrival.function {
        Some(name) => Said { whos: vec![Who::Function(name.clone())], ..said(policy, arrival.mode, term) },
        None => said(policy, arrival.mode, term),
    }
}

/// Whether some request takes a way; plain ones are not looked at closer.
fn possible(policy: &Policy, arrival: &Arrival, of: Option<(&Model, Operation)>, term: &Term) -> bool {
    let tests = |part: &Formula| {
        let mut plain = 0;
        part.each_leaf(&mut |_| plain += 1);
        plain
    };
    let leaves: usize = term.iter().map(tests).sum();
    leaves < 2 || is_possible(policy, vec![made_up(arrival, of)], &Formula::all(term.iter().cloned()))
}

/// A way without what the rest of it makes true anyway; who it is stays said in full.
fn needed(policy: &Policy, arrival: &Arrival, of: Option<(&Model, Operation)>, term: &Term) -> Term {
    let mut kept = term.clone();
    for part in term.iter().filter(|part| !super::terms::says_who(part)) {
        let rest: Term = kept.iter().filter(|other| *other != part).cloned().collect();
        let without = Formula::all(rest.iter().cloned()).and(part.negated());
        if !is_possible(policy, vec![made_up(arrival, of)], &without) {
            kept = rest;
        }
    }
    kept
}

/// A request of which nothing is known yet.
fn made_up<'p>(arrival: &Arrival, of: Option<(&'p Model, Operation)>) -> Side<'p> {
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
    Side { question, model: of.map(|(model, _)| model), operation }
}

/// What reaching a field asks.
fn reach<'p>(on: &OnRecords<'p, '_>, field: Option<&'p Field>) -> Formula {
    match (on.operation, field) {
        (Operation::Create | Operation::Update, Some(field)) => on.covered(field, on.needs()),
        (Operation::Create | Operation::Update | Operation::Delete, None) => on.on_some_field(on.needs()),
        (Operation::Delete, Some(_)) => on.on_every_field(Operations::DELETE),
        (_, Some(field)) => on.shown(field),
        (_, None) => Formula::always(),
    }
}

fn is_guarded(model: &Model) -> bool {
    let fields = || model.fields.iter();
    let mut rules = model.rules.iter().chain(fields().flat_map(|field| &field.rules));
    !model.denies.is_empty() || fields().any(|field| !field.denies.is_empty()) || rules.any(crate::policy::Rule::is_guarded)
}

fn who_of(role: &Role) -> Who {
    match role {
        Role::Everyone(mode) => super::terms::everybody(*mode).unwrap_or(Who::Authenticated(*mode)),
        Role::Group { provider, claim, name } => {
            Who::Groups { names: vec![name.clone()], provider: *provider, claim: claim.clone() }
        }
        Role::Dynamic(dynamic) => super::terms::of_role(dynamic),
    }
}

fn of_function(function: &DataFunction) -> Operations {
    let when = |given: bool, operations: Operations| if given { operations } else { Operations::NONE };
    let writes = Operations::CREATE.with(Operations::UPDATE).with(Operations::DELETE);
    when(function.query, Operations::READ.without(Operations::LISTEN))
        .with(when(function.mutate, writes))
        .with(when(function.listen, Operations::LISTEN))
}

fn of_storage(mode: Mode) -> bool {
    // The user pool's callers act through the identity pool.
    matches!(mode, Mode::Guest | Mode::IdentityPool | Mode::Function)
}

fn resource_of(custom: &CustomOperation) -> Resource {
    let kind = match custom.kind {
        admit_syntax::ast::OperationKind::Query => "query",
        admit_syntax::ast::OperationKind::Mutation => "mutation",
        admit_syntax::ast::OperationKind::Subscription => "subscription",
    };
    Resource::Custom(kind, custom.name.clone())
}
