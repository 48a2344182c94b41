//! Who may do what: the access matrix, and the ways in to one thing.
//! Always: complete. A way that no request can take is left out, and so is one that says nothing beyond another.

use super::ways::{Way, Ways, said_of};
use crate::policy::{Model, Policy, Roles, Who};
use crate::words::Words;
use admit_runtime::{Mode, Operation};
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
#[derive(Clone, Debug, Default)]
pub struct Matrix {
    /// What is allowed. What is not here is denied. Cells of one operation are alternatives.
    pub rows: BTreeMap<(Resource, Caller), BTreeMap<Operation, Vec<Cell>>>,
    /// Every resource, those that nobody may use included.
    pub resources: BTreeSet<Resource>,
    /// What decides besides.
    pub settings: Settings,
    /// What was too much to tell apart: it is not in the rows.
    pub cut: Vec<String>,
    /// The same before it is put in words.
    pub(super) ways: Ways,
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

/// Those who get in to one operation in the same way.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct WayIn {
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
    pub(super) fn of(policy: &Policy) -> Settings {
        let acts = policy.groups.iter().filter(|group| !group.acts_as.is_empty());
        Settings {
            modes: Mode::ALL
                .iter()
                .filter(|mode| policy.modes.contains(mode))
                .map(|mode| mode.name().to_owned())
                .collect(),
            preferred: policy.roles == Roles::Preferred,
            group_claim: policy.group_claim.clone(),
            groups: policy.groups.iter().map(|group| group.name.clone()).collect(),
            acts_as: acts.map(|group| (group.name.clone(), group.acts_as.clone())).collect(),
            exclusive: policy.exclusive.clone(),
        }
    }
}

impl Matrix {
    /// Puts the ways in to a resource in rows and words.
    pub(super) fn put(
        &mut self,
        policy: &Policy,
        resource: &Resource,
        model: Option<&Model>,
        by_operation: &[(Operation, Vec<Way>)],
    ) {
        // Callers, each once: in the order in which they were met, and by the whos of a way.
        let mut callers: Vec<Caller> = Vec::new();
        let mut rows: Vec<BTreeMap<Operation, Vec<Cell>>> = Vec::new();
        let mut known: BTreeMap<Vec<Who>, usize> = BTreeMap::new();
        let mut of_whos: BTreeMap<Vec<Who>, Vec<usize>> = BTreeMap::new();
        for (operation, ways) in by_operation {
            let mut found: BTreeMap<usize, BTreeMap<Option<String>, Extent>> = BTreeMap::new();
            for way in ways {
                let said = said_of(policy, way);
                let numbers = of_whos.entry(said.whos).or_insert_with_key(|whos| {
                    let each = each_group(whos).into_iter().map(|whos| {
                        *known.entry(whos).or_insert_with_key(|whos| {
                            callers.push(Caller::of(Words::of(policy), whos));
                            rows.push(BTreeMap::new());
                            callers.len() - 1
                        })
                    });
                    each.collect()
                });
                for number in numbers {
                    let cells = found.entry(*number).or_default();
                    let extent = cells.entry(said.when.clone()).or_insert_with(|| Extent::Fields(BTreeSet::new()));
                    match (&mut *extent, &way.extent) {
                        (Extent::Fields(known), Extent::Fields(more)) => known.extend(more.iter().cloned()),
                        (known, Extent::Whole) => *known = Extent::Whole,
                        (Extent::Whole, _) => (),
                    }
                }
            }
            let all = all_fields(model, *operation);
            for (caller, mut cells) in found {
                let is_all = |extent: &Extent| matches!(extent, Extent::Fields(fields) if all.as_ref() == Some(fields));
                cells.values_mut().filter(|extent| is_all(extent)).for_each(|extent| *extent = Extent::Whole);
                let plain = cells.get(&None).cloned();
                let cells = cells.into_iter().filter_map(|(when, extent)| {
                    let extent = match &plain {
                        Some(plain) if when.is_some() => beyond(plain, extent)?,
                        _ => extent,
                    };
                    Some(Cell { when, extent })
                });
                rows[caller].insert(*operation, cells.collect());
            }
        }
        let all = callers.into_iter().zip(rows);
        self.rows.extend(all.map(|(caller, row)| ((resource.clone(), caller), row)));
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
    pub fn ways(&self, operation: Operation, resource: &Resource) -> Vec<WayIn> {
        let mut by_rest: Vec<(Vec<String>, String, &Cell, Vec<String>)> = Vec::new();
        let rows = self.who_can(operation, resource);
        for (caller, cells) in &rows {
            for cell in cells.iter().filter(|cell| !self.is_everybodys(resource, &rows, caller, cell)) {
                let at = caller.words.iter().position(|word| word.starts_with("group ") && !word.contains(" in "));
                let rest: Vec<String> = caller
                    .words
                    .iter()
                    .enumerate()
                    .filter(|(other, _)| Some(*other) != at)
                    .map(|(_, word)| word.clone())
                    .collect();
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
                WayIn { who, when: cell.when.clone(), extent: cell.extent.clone() }
            })
            .collect()
    }
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

/// What an extent has that a plain one has not.
fn beyond(plain: &Extent, extent: Extent) -> Option<Extent> {
    match (plain, extent) {
        (Extent::Whole, _) => None,
        (Extent::Fields(known), Extent::Fields(fields)) => {
            let more: BTreeSet<String> = fields.difference(known).cloned().collect();
            (!more.is_empty()).then_some(Extent::Fields(more))
        }
        (Extent::Fields(_), Extent::Whole) => Some(Extent::Whole),
    }
}

/// The whos of a way, once for each group of a list.
pub(super) fn each_group(whos: &[Who]) -> Vec<Vec<Who>> {
    let mut all: Vec<Vec<Who>> = vec![Vec::new()];
    for who in whos {
        let each: Vec<Who> = match who {
            Who::Groups { names, provider, claim } => names
                .iter()
                .map(|name| Who::Groups { names: vec![name.clone()], provider: *provider, claim: claim.clone() })
                .collect(),
            who => vec![who.clone()],
        };
        all = all
            .iter()
            .flat_map(|known| each.iter().map(move |who| [known.as_slice(), std::slice::from_ref(who)].concat()))
            .collect();
    }
    all.into_iter()
        .map(|mut whos| {
            whos.sort();
            whos.dedup();
            whos
        })
        .collect()
}

/// The fields that are all of what an operation reaches; none where it may reach more than fields.
fn all_fields(model: Option<&Model>, operation: Operation) -> Option<BTreeSet<String>> {
    let model = model.filter(|model| !model.fields.is_empty())?;
    let is_key = |name: &String| operation == Operation::Update && model.identifier.contains(name);
    let names = model.fields.iter().map(|field| &field.name).filter(|name| !is_key(name)).cloned().collect();
    (!matches!(operation, Operation::Create | Operation::Delete)).then_some(names)
}
