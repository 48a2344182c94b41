//! The requests that a formula can tell apart: what it reads of them, and the values that are worth trying.
//! Always: whatever a request holds, some request made of these values answers every leaf alike. Texts matter only by
//! which of the named ones they equal, start with and hold, and by which others they equal; numbers and moments by
//! where they lie among the named ones and each other.

use super::formula::{Formula, Leaf};
use super::values::{Pool, Sort};
use crate::condition::{Condition, Kind, Literal, Operand, Source, Term, Test, Truth, Truths};
use crate::definition::{Caller, Ground, Items, OnModel, Question, Record, Stored, Value, static_truth};
use crate::matrix::roles;
use crate::policy::{Model, Policy, Roles, Rule, Who};
use admit_runtime::{Mode, Operation, Provider};
use std::collections::{BTreeMap, BTreeSet};

/// Something that a leaf reads of a request, and that is tried with several values.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Var {
    /// A claim that is compared with something.
    Claim(String),
    /// What the stored record of a side holds.
    Record(usize, String),
    /// What the input of a side proposes.
    Input(usize, String),
    /// Whether a claim names a group: the index of [`Scene::groups`].
    Group(usize),
    /// Whether the claim names the group that a field of a side's record holds.
    GroupOf(String, usize, String),
    /// Whether the claim is neither a list nor a text.
    Malformed(String),
    /// Whether an identity-pool caller is in some group.
    SomeGroup,
}

/// A request of one side.
#[derive(Clone, Debug)]
pub(crate) struct Side<'p> {
    pub question: Question,
    pub model: Option<&'p Model>,
    /// What the owners that `create` records are compared with.
    pub beside: Option<(&'p Policy, &'p Model)>,
    pub operation: Operation,
}

/// How the records of two sides belong together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Link {
    /// Not at all.
    Apart,
    /// The second is about the same record as the first, which for `create` is the input with its owners.
    Same,
}

/// A set of names that belong together: values are compared across it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Slot {
    Claim(String),
    Field(String),
    Groups(String),
}

/// Everything that a query about one formula tries.
pub(crate) struct Scene<'p> {
    pub policy: &'p Policy,
    pub sides: Vec<Side<'p>>,
    pub link: Link,
    /// Groups that some leaf tells apart: the claim, and one name of each kind.
    pub groups: Vec<(String, String)>,
    /// By claim, the groups of it.
    of_claim: BTreeMap<String, Vec<usize>>,
    pools: Vec<Pool>,
    pool_of: BTreeMap<Slot, usize>,
    sorts: BTreeMap<Slot, Sort>,
    /// The parts of identity claims of several parts, as some leaf compares them.
    wholes: Vec<Vec<String>>,
    pub assigned: BTreeSet<Var>,
    /// What no answer can rest on, in words: forms that are compared with each other as texts.
    pub opaque: BTreeSet<String>,
    /// By leaf, what it reads.
    support: BTreeMap<Leaf, Vec<Var>>,
    /// By `groups` leaf, which of [`Scene::groups`] count.
    counted: BTreeMap<(String, Vec<String>), Vec<usize>>,
}

impl<'p> Scene<'p> {
    /// What a formula reads, over these requests. `fixed` variables keep the values that the requests have.
    pub fn new(
        policy: &'p Policy,
        sides: Vec<Side<'p>>,
        link: Link,
        formula: &Formula,
        fixed: BTreeSet<Var>,
    ) -> Scene<'p> {
        let mut scene = Scene {
            policy,
            sides,
            link,
            groups: Vec::new(),
            of_claim: BTreeMap::new(),
            pools: Vec::new(),
            pool_of: BTreeMap::new(),
            sorts: BTreeMap::new(),
            wholes: Vec::new(),
            assigned: fixed,
            opaque: BTreeSet::new(),
            support: BTreeMap::new(),
            counted: BTreeMap::new(),
        };
        let mut leaves: BTreeSet<Leaf> = BTreeSet::new();
        formula.each_leaf(&mut |leaf| {
            leaves.insert(leaf.clone());
        });
        let setting: Vec<Leaf> = (0..scene.sides.len()).flat_map(|side| scene.setting_leaves(side)).collect();
        leaves.extend(setting);
        leaves.iter().for_each(|leaf| scene.join(leaf));
        scene.pools.iter_mut().for_each(Pool::settle);
        let many = scene.pool_of.iter().filter(|(_, at)| scene.pools[**at].is_beyond()).map(|(slot, _)| slot.words());
        scene
            .opaque
            .extend(many.map(|slot| format!("the many values that {slot} is compared with")).collect::<Vec<_>>());
        scene.find_groups(&leaves);
        for leaf in &leaves {
            let support = scene.support_of(leaf);
            scene.support.insert(leaf.clone(), support);
        }
        scene
    }

    fn mode(&self) -> Mode {
        self.sides[0].question.caller.mode
    }

    // ---- what belongs together

    /// The rules that may set an owner on create, as leaves, so that what they read is tried too.
    fn setting_leaves(&self, side: usize) -> Vec<Leaf> {
        let mut leaves = Vec::new();
        for rule in self.setting_rules(side) {
            for who in rule.whos().filter(|who| mode_of(who) == Some(self.mode())) {
                leaves.push(match who {
                    Who::Groups { claim, names, .. } => Leaf::Groups { claim: claim.clone(), names: names.clone() },
                    who => Leaf::Named { side, who: who.clone(), spelling: crate::definition::Spelling::Complete },
                });
            }
            let mut tests = Vec::new();
            rule.condition.iter().for_each(|condition| each_test(condition, &mut |test| tests.push(test.clone())));
            leaves.extend(tests.into_iter().map(|test| Leaf::Test { side, test }));
        }
        leaves
    }

    fn setting_rules(&self, side: usize) -> Vec<&'p Rule> {
        let (Some(model), Operation::Create) = (self.sides[side].model, self.sides[side].operation) else {
            return Vec::new();
        };
        let sets = |rule: &&Rule| {
            let owner = |who: &Who| matches!(who, Who::Owner { provider, .. } if provider.mode() == self.mode());
            // A rule that can never be true fills nothing.
            let can = rule.condition.iter().all(|of| !Formula::condition(of, true, side).is_never());
            can && rule.operations.meets(admit_runtime::Operations::CREATE) && rule.whos().any(owner)
        };
        let beside = self.sides[side].beside.into_iter().flat_map(|(_, model)| model.ruling());
        model.ruling().chain(beside).filter(sets).collect()
    }

    /// The owner fields that `create` may set on a side.
    fn set_fields(&self, side: usize) -> BTreeSet<&'p str> {
        let whos = self.setting_rules(side).into_iter().flat_map(|rule| rule.whos());
        whos.filter_map(|who| match who {
            Who::Owner { field, .. } => Some(field.as_str()),
            _ => None,
        })
        .collect()
    }

    fn pool(&mut self, slot: Slot, sort: Sort) -> usize {
        let known = self.sorts.entry(slot.clone()).or_insert(sort);
        if *known != sort && known.kind != sort.kind {
            self.opaque.insert(format!("{} is read as values of two kinds", slot.words()));
        }
        let next = self.pools.len();
        let at = *self.pool_of.entry(slot).or_insert(next);
        if at == next {
            self.pools.push(Pool::default());
        }
        at
    }

    fn unite(&mut self, one: usize, other: usize) {
        if one != other {
            let moved = std::mem::take(&mut self.pools[other]);
            self.pools[one].absorb(moved);
            self.pool_of.values_mut().filter(|at| **at == other).for_each(|at| *at = one);
        }
    }

    fn slot_of(&self, term: &Term) -> Slot {
        match term.source {
            Source::Claim => Slot::Claim(term.name.clone()),
            Source::Record | Source::Input => Slot::Field(term.name.clone()),
        }
    }

    fn join(&mut self, leaf: &Leaf) {
        match leaf {
            Leaf::Test { test, .. } => self.join_test(test),
            Leaf::Named { who: Who::Owner { field, list, claim, .. }, .. } => self.join_owner(field, *list, claim),
            Leaf::Named { who: Who::GroupsIn { field, list, claim, .. }, .. } => self.join_group(field, *list, claim),
            Leaf::Creates { role, .. } => match role.kind {
                crate::matrix::DynamicKind::Owner => self.join_owner(&role.field, role.list, &role.claim),
                crate::matrix::DynamicKind::Group => self.join_group(&role.field, role.list, &role.claim[0]),
            },
            Leaf::Groups { .. } | Leaf::SomeGroup | Leaf::Best { .. } | Leaf::Named { .. } => (),
            Leaf::Proposes { .. } | Leaf::ProposesNull { .. } | Leaf::RecordsAlike { .. } => (),
        }
    }

    fn join_test(&mut self, test: &Test) {
        let slots: Vec<(Slot, Sort)> = test
            .terms()
            .into_iter()
            .map(|term| (self.slot_of(term), Sort { kind: term.kind, list: term.list }))
            .collect();
        let pools: Vec<usize> = slots.into_iter().map(|(slot, sort)| self.pool(slot, sort)).collect();
        let at = pools[0];
        self.pools[at].terms += 1;
        if let Some(other) = pools.get(1) {
            if matches!(test, Test::HasText(..) | Test::StartsWith(..)) {
                self.opaque.insert(format!("`{}`", crate::words::test(test)));
            }
            self.unite(at, *other);
        }
        let at = self.pool_of[&self.slot_of(test.terms()[0])];
        self.pools[at].is_mutual |= pools.len() > 1;
        match test {
            Test::Compare(term, _, Operand::Literal(of)) | Test::Contains(term, Operand::Literal(of)) => {
                self.pools[at].name(of, term.kind);
            }
            Test::HasText(_, Operand::Literal(Literal::Text(text))) => self.pools[at].parts.push(text.clone()),
            Test::StartsWith(_, Operand::Literal(Literal::Text(text))) => self.pools[at].starts.push(text.clone()),
            _ => (),
        }
    }

    fn join_owner(&mut self, field: &str, list: bool, parts: &[String]) {
        self.pool(Slot::Field(field.to_owned()), Sort { kind: Kind::Text, list });
        for part in parts {
            let other = self.pool(Slot::Claim(part.clone()), Sort { kind: Kind::Text, list: false });
            let at = self.pool_of[&Slot::Field(field.to_owned())];
            self.unite(at, other);
        }
        if parts.len() > 1 && !self.wholes.iter().any(|known| known == parts) {
            if !self.wholes.is_empty() {
                self.opaque.insert("owners by different claims of several parts".into());
            }
            self.wholes.push(parts.to_vec());
        }
    }

    fn join_group(&mut self, field: &str, list: bool, claim: &str) {
        let one = self.pool(Slot::Field(field.to_owned()), Sort { kind: Kind::Text, list });
        let other = self.pool(Slot::Groups(claim.to_owned()), Sort { kind: Kind::Text, list: true });
        self.unite(one, other);
    }

    // ---- groups

    /// Groups fall into kinds by which leaves they satisfy; one name of each kind stands for all of it.
    fn find_groups(&mut self, leaves: &BTreeSet<Leaf>) {
        let policy = self.policy;
        let mut named: BTreeMap<&str, BTreeSet<&Vec<String>>> = BTreeMap::new();
        for leaf in leaves {
            match leaf {
                Leaf::Groups { claim, names } => named.entry(claim).or_default().insert(names),
                Leaf::Best { names } => named.entry(&policy.group_claim).or_default().insert(names),
                _ => false,
            };
        }
        let mut claims: BTreeSet<String> = named.keys().map(|claim| (*claim).to_owned()).collect();
        claims.extend(self.pool_of.keys().filter_map(|slot| match slot {
            Slot::Groups(claim) => Some(claim.clone()),
            _ => None,
        }));
        for claim in claims {
            let lists: Vec<&Vec<String>> = named.get(claim.as_str()).into_iter().flatten().copied().collect();
            self.groups_of_claim(&claim, &lists);
        }
    }

    fn groups_of_claim(&mut self, claim: &str, lists: &[&Vec<String>]) {
        let policy = self.policy;
        let acts = self.acts_as_others(claim);
        let pool = self.pool_of.get(&Slot::Groups(claim.to_owned())).copied();
        let compared = pool.map(|at| self.pools[at].texts.clone()).unwrap_or_default();
        let mut member: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, names) in lists.iter().enumerate() {
            names.iter().for_each(|name| member.entry(name).or_default().push(at));
        }
        let kind_of = |all: &[&str]| {
            let counts: BTreeSet<usize> = all.iter().filter_map(|name| member.get(name)).flatten().copied().collect();
            let excludes = policy.exclusive.iter().enumerate().filter(|_| acts);
            let excludes = excludes
                .flat_map(|(at, list)| {
                    all.iter().filter(|name| list.iter().any(|of| of == **name)).map(move |name| (at, *name))
                })
                .map(|(at, name)| (at, name.to_owned()))
                .collect();
            let texts = all.iter().filter(|name| compared.contains(**name)).map(|name| (*name).to_owned()).collect();
            let own = all.iter().filter(|_| pool.is_some() && all.len() > 1).map(|name| (*name).to_owned()).collect();
            Kinds { counts, excludes, texts, own }
        };
        let mut kinds: BTreeMap<Kinds, Vec<String>> = BTreeMap::new();
        for (name, all) in self.groups_to_sort(acts, &member, &compared) {
            let kind = kind_of(&all);
            if kind.counts.is_empty() && kind.texts.is_empty() && kind.own.is_empty() {
                continue;
            }
            kinds.entry(kind).or_default().push(name.to_owned());
        }
        let preferred = policy.roles == Roles::Preferred && self.sides.iter().any(|side| side.model.is_none());
        let mut counted: Vec<Vec<usize>> = vec![Vec::new(); lists.len()];
        let mut texts = BTreeSet::new();
        for (kind, names) in kinds {
            let last = names.last().filter(|_| preferred && names.len() > 1);
            for name in names.first().into_iter().chain(last) {
                let at = self.groups.len();
                kind.counts.iter().for_each(|list| counted[*list].push(at));
                self.groups.push((claim.to_owned(), name.clone()));
                self.of_claim.entry(claim.to_owned()).or_default().push(at);
                texts.insert(name.clone());
                texts.extend(kind.own.iter().cloned());
            }
        }
        self.of_claim.entry(claim.to_owned()).or_default();
        for (names, counts) in lists.iter().zip(counted) {
            self.counted.insert((claim.to_owned(), (*names).clone()), counts);
        }
        // Fields that name groups may name these, and what they act as.
        if let Some(at) = pool {
            self.pools[at].texts.extend(texts);
            self.pools[at].settle();
        }
    }

    /// The groups that a leaf may tell apart, each with all that it acts as; the policy's in their order.
    fn groups_to_sort<'n>(
        &self,
        acts: bool,
        member: &BTreeMap<&'n str, Vec<usize>>,
        compared: &'n BTreeSet<String>,
    ) -> Vec<(&'n str, Vec<&'n str>)>
    where
        'p: 'n,
    {
        let mut left: BTreeSet<&str> = member.keys().copied().chain(compared.iter().map(String::as_str)).collect();
        let acting = acts && self.policy.groups.iter().any(|group| !group.acts_as.is_empty());
        let mut all: Vec<(&str, Vec<&str>)> = Vec::new();
        if acting || self.policy.roles == Roles::Preferred {
            for group in &self.policy.groups {
                let named = left.remove(group.name.as_str());
                let others = group.acts_as.iter().filter(|_| acts).map(String::as_str);
                let names: Vec<&str> = [group.name.as_str()].into_iter().chain(others).collect();
                if named || names.len() > 1 {
                    all.push((&group.name, names));
                }
            }
        }
        all.extend(left.into_iter().filter(|name| !name.is_empty()).map(|name| (name, vec![name])));
        all
    }

    fn acts_as_others(&self, claim: &str) -> bool {
        claim == self.policy.group_claim && matches!(self.mode(), Mode::UserPool | Mode::IdentityPool)
    }

    // ---- what a leaf reads

    fn support_of(&self, leaf: &Leaf) -> Vec<Var> {
        let mut vars = Vec::new();
        match leaf {
            Leaf::Groups { claim, names } => {
                let counted = self.counted.get(&(claim.clone(), names.clone()));
                vars.extend(counted.into_iter().flatten().map(|at| Var::Group(*at)));
                vars.push(Var::Malformed(claim.clone()));
            }
            Leaf::SomeGroup => vars.push(Var::SomeGroup),
            Leaf::Best { .. } => self.reads_claims(std::slice::from_ref(&self.policy.group_claim), &mut vars),
            Leaf::Named { side, who, .. } => match who {
                Who::Owner { field, claim, .. } => {
                    self.reads_claims(claim, &mut vars);
                    self.reads_field(*side, field, &mut vars);
                }
                Who::GroupsIn { field, claim, .. } => {
                    self.reads_field(*side, field, &mut vars);
                    self.reads_groups(claim, *side, field, &mut vars);
                }
                _ => (),
            },
            Leaf::Creates { side, role } => {
                match role.kind {
                    crate::matrix::DynamicKind::Owner => self.reads_claims(&role.claim, &mut vars),
                    crate::matrix::DynamicKind::Group => (),
                }
                self.reads_field(*side, &role.field, &mut vars);
                if role.kind == crate::matrix::DynamicKind::Group {
                    self.reads_groups(&role.claim[0], *side, &role.field, &mut vars);
                }
            }
            Leaf::Test { side, test } => {
                for term in test.terms() {
                    match term.source {
                        Source::Claim => self.reads_claims(std::slice::from_ref(&term.name), &mut vars),
                        Source::Input if self.sides[*side].operation == Operation::Update => {
                            vars.extend((!self.is_second(*side)).then(|| Var::Input(*side, term.name.clone())));
                            self.reads_field(*side, &term.name, &mut vars);
                        }
                        Source::Input | Source::Record => self.reads_field(*side, &term.name, &mut vars),
                    }
                }
            }
            Leaf::RecordsAlike { side } => self.reads_setting(*side, &mut vars),
            Leaf::Proposes { side, field } | Leaf::ProposesNull { side, field } => {
                vars.push(match self.sides[*side].operation {
                    Operation::Create => self.given_by(*side, field),
                    _ => Var::Input(*side, field.clone()),
                });
            }
        }
        let mut seen = BTreeSet::new();
        vars.retain(|var| seen.insert(var.clone()));
        // Which groups a field names is known once the field is, which may be an owner that `create` sets.
        vars.sort_by_key(|var| match var {
            Var::GroupOf(..) => 1,
            Var::Malformed(_) => 2,
            _ => 0,
        });
        vars
    }

    fn reads_claims(&self, names: &[String], vars: &mut Vec<Var>) {
        for name in names {
            match self.of_claim.contains_key(name) {
                true => {
                    vars.extend(self.of_claim[name].iter().map(|at| Var::Group(*at)));
                    vars.push(Var::Malformed(name.clone()));
                }
                false => vars.push(Var::Claim(name.clone())),
            }
        }
    }

    fn reads_groups(&self, claim: &str, side: usize, field: &str, vars: &mut Vec<Var>) {
        vars.extend(self.of_claim.get(claim).into_iter().flatten().map(|at| Var::Group(*at)));
        let first = if self.is_second(side) { 0 } else { side };
        vars.push(Var::GroupOf(claim.to_owned(), first, field.to_owned()));
        vars.push(Var::Malformed(claim.to_owned()));
    }

    /// Whether a side speaks of the first one's record.
    fn is_second(&self, side: usize) -> bool {
        self.link == Link::Same && side > 0
    }

    /// What gives a field its value: of the record or, on create, of the input.
    fn given_by(&self, side: usize, field: &str) -> Var {
        let first = if self.is_second(side) { 0 } else { side };
        match self.sides[first].operation {
            Operation::Create => Var::Input(first, field.to_owned()),
            _ => Var::Record(first, field.to_owned()),
        }
    }

    /// What a field of a side's record comes from.
    fn reads_field(&self, side: usize, field: &str, vars: &mut Vec<Var>) {
        let first = if self.is_second(side) { 0 } else { side };
        match self.sides[first].operation {
            Operation::Create if !self.is_written(first, field) => (),
            Operation::Create => vars.push(Var::Input(first, field.to_owned())),
            _ => vars.push(Var::Record(first, field.to_owned())),
        }
        for creates in BTreeSet::from([first, side]) {
            if self.set_fields(creates).contains(field) {
                self.reads_setting(creates, vars);
            }
        }
    }

    fn is_written(&self, side: usize, field: &str) -> bool {
        self.sides[side].model.is_some_and(|model| model.is_writable(field))
    }

    /// What decides which owners `create` sets.
    fn reads_setting(&self, side: usize, vars: &mut Vec<Var>) {
        let mut fields: BTreeSet<String> = self.set_fields(side).into_iter().map(str::to_owned).collect();
        for rule in self.setting_rules(side) {
            for who in rule.whos() {
                match who {
                    Who::Owner { field, claim, .. } => {
                        fields.insert(field.clone());
                        self.reads_claims(claim, vars);
                    }
                    Who::GroupsIn { field, claim, .. } => {
                        fields.insert(field.clone());
                        self.reads_groups(claim, side, field, vars);
                    }
                    Who::Groups { claim, names, .. } => {
                        let counted = self.counted.get(&(claim.clone(), names.clone()));
                        vars.extend(counted.into_iter().flatten().map(|at| Var::Group(*at)));
                        vars.push(Var::Malformed(claim.clone()));
                    }
                    _ => (),
                }
            }
            let mut visit = |term: &Term| match term.source {
                Source::Claim => self.reads_claims(std::slice::from_ref(&term.name), vars),
                Source::Record | Source::Input => fields.extend([term.name.clone()]),
            };
            rule.condition.iter().for_each(|condition| condition.each_term(&mut visit));
        }
        let written = fields.into_iter().filter(|field| self.is_written(side, field));
        vars.extend(written.map(|field| self.given_by(side, &field)));
    }

    // ---- answers

    /// Whether one leaf is true wherever another is: of more groups, or of an owner in more spellings.
    pub fn follows(&self, leaf: &Leaf, from: &Leaf) -> bool {
        use crate::definition::Spelling;
        match (leaf, from) {
            (Leaf::Groups { claim, names }, Leaf::Groups { claim: of, names: fewer }) => {
                let counts = |name: &String| match self.acts_as_others(claim) {
                    true => self.policy.acts_as(name).any(|other| names.iter().any(|known| known == other)),
                    false => names.contains(name),
                };
                claim == of && fewer.iter().all(counts)
            }
            (
                Leaf::Named { side, who, spelling: Spelling::Any },
                Leaf::Named { side: at, who: by, spelling: Spelling::Complete | Spelling::Last | Spelling::Whole },
            ) => side == at && who == by && matches!(who, Who::Owner { .. }),
            _ => false,
        }
    }

    /// The first thing that a leaf reads and that has no value yet.
    pub fn unassigned(&self, leaf: &Leaf) -> Option<&Var> {
        self.support.get(leaf)?.iter().find(|var| !self.assigned.contains(*var))
    }

    /// How many things that a leaf reads have no value yet.
    pub fn open(&self, leaf: &Leaf) -> usize {
        self.support.get(leaf).map_or(0, |vars| vars.iter().filter(|var| !self.assigned.contains(*var)).count())
    }

    /// What a leaf comes to; none while that is open.
    pub fn truth(&self, leaf: &Leaf) -> Option<Truth> {
        if let Leaf::Groups { claim, names } = leaf {
            let counted = self.counted.get(&(claim.clone(), names.clone()))?;
            if counted.iter().any(|at| self.holds_group(*at)) {
                return Some(Truth::True);
            }
        }
        self.unassigned(leaf).is_none().then(|| self.answer(leaf))
    }

    fn holds_group(&self, at: usize) -> bool {
        self.assigned.contains(&Var::Group(at)) && {
            let (claim, name) = &self.groups[at];
            has_text(self.sides[0].question.caller.claims.get(claim), name)
        }
    }

    fn answer(&self, leaf: &Leaf) -> Truth {
        match leaf {
            Leaf::Groups { claim, names } => {
                let caller = &self.sides[0].question.caller;
                let provider = if caller.mode == Mode::Oidc { Provider::Oidc } else { Provider::UserPools };
                // In storage the groups of the pool count in the identity pool's mode too.
                let mode = if caller.mode == Mode::IdentityPool { Mode::UserPool } else { caller.mode };
                let who = Who::Groups { names: names.clone(), provider, claim: claim.clone() };
                static_truth(self.policy, &Caller { mode, ..caller.clone() }, &who)
            }
            Leaf::SomeGroup => {
                let caller = &self.sides[0].question.caller;
                Truth::from(caller.claims.contains_key(&self.policy.group_claim) || caller.groups.is_some())
            }
            Leaf::Best { names } => {
                let caller = &self.sides[0].question.caller;
                let held = texts_of(caller.claims.get(&self.policy.group_claim));
                let best = self.policy.groups.iter().find(|group| held.contains(&group.name.as_str()));
                Truth::from(match best {
                    Some(best) => names.contains(&best.name),
                    None => names.is_empty() && !crate::definition::in_a_group(self.policy, caller),
                })
            }
            Leaf::Proposes { side, field } => {
                let input = &self.sides[*side].question.input;
                Truth::from(input.as_ref().is_some_and(|input| input.contains_key(field)))
            }
            Leaf::ProposesNull { side, field } => {
                let input = &self.sides[*side].question.input;
                Truth::from(input.as_ref().is_some_and(|input| input.get(field) == Some(&Value::Null)))
            }
            Leaf::RecordsAlike { side } => self.on(*side, |on, _| match self.sides[*side].beside {
                Some((policy, model)) => {
                    let other = OnModel { policy, model, question: on.question, operation: on.operation };
                    Truth::from(on.recorded_owners() == other.recorded_owners())
                }
                None => Truth::Unknown,
            }),
            Leaf::Named { side, who, spelling } => {
                self.on(*side, |on, ground| single(on.who_truths(who, ground, *spelling)))
            }
            Leaf::Creates { side, role } => self.on(*side, |on, ground| {
                let owners = on.recorded_owners();
                Truth::from(on.grants_create(&crate::matrix::Role::Dynamic(role.clone()), &owners, ground))
            }),
            Leaf::Test { side, test } => {
                let condition = Condition::Test(test.clone());
                match self.sides[*side].model {
                    None => {
                        let caller = &self.sides[*side].question.caller;
                        single(condition.truths(&|term| crate::definition::find_claim(caller, &term.name)))
                    }
                    Some(_) => self.on(*side, |on, ground| single(condition.truths(&|term| on.find(term, ground)))),
                }
            }
        }
    }

    /// Asks the definition on a side's record.
    fn on(&self, side: usize, ask: impl FnOnce(&OnModel<'_>, Ground<'_>) -> Truth) -> Truth {
        let of = &self.sides[side];
        let Some(model) = of.model else { return Truth::Unknown };
        let on = OnModel { policy: self.policy, model, question: &of.question, operation: of.operation };
        let record = ground_record(&on);
        ask(&on, Ground::Record(&record))
    }

    // ---- trying

    /// The values that are worth trying for something, the plainest first.
    pub fn candidates(&self, var: &Var) -> Vec<Option<Value>> {
        let truth = |values: &[bool]| values.iter().map(|flag| flag.then_some(Value::Bool(true))).collect();
        match var {
            Var::Group(at) => {
                let malformed = self.claim_is_malformed(&self.groups[*at].0);
                truth(if malformed || self.is_excluded(*at) { &[false] } else { &[false, true] })
            }
            Var::GroupOf(claim, side, field) => {
                let new = self.new_groups(claim, *side, field);
                let can = !self.claim_is_malformed(claim) && !new.is_empty() && !self.is_refused(claim, &new);
                truth(if can { &[false, true] } else { &[false] })
            }
            Var::Malformed(claim) => {
                let held = self.sides[0].question.caller.claims.contains_key(claim);
                truth(if held { &[false] } else { &[false, true] })
            }
            Var::SomeGroup => truth(&[false, true]),
            Var::Claim(name) => self.values(Slot::Claim(name.clone()), name),
            Var::Record(_, name) | Var::Input(_, name) => self.values(Slot::Field(name.clone()), name),
        }
    }

    fn claim_is_malformed(&self, claim: &str) -> bool {
        matches!(self.sides[0].question.caller.claims.get(claim), Some(Value::Number(_)))
    }

    /// Whether the caller already is in a group that excludes this one.
    fn is_excluded(&self, at: usize) -> bool {
        let (claim, name) = &self.groups[at];
        if !self.acts_as_others(claim) || self.policy.exclusive.is_empty() {
            return false;
        }
        let mut held: Vec<&str> = texts_of(self.sides[0].question.caller.claims.get(claim));
        held.push(name);
        !may_hold(self.policy, held.into_iter())
    }

    /// Whether it is settled already that the caller is not in one of these, by another field that names it.
    fn is_refused(&self, claim: &str, names: &[String]) -> bool {
        self.assigned.iter().any(|var| match var {
            Var::GroupOf(of, side, field) if of == claim => {
                self.new_groups(claim, *side, field).iter().any(|name| names.contains(name))
            }
            _ => false,
        })
    }

    /// The texts of a field that no group of the claim has as its name, and the caller is not in yet.
    fn new_groups(&self, claim: &str, side: usize, field: &str) -> Vec<String> {
        let mut texts = self.on_record(side, |record| {
            texts_of(record.get(field)).into_iter().map(str::to_owned).collect::<Vec<String>>()
        });
        texts.extend(self.owners_to_set(side, field));
        let held = texts_of(self.sides[0].question.caller.claims.get(claim));
        let known = |text: &String| {
            let named = |at: &usize| self.groups[*at].1 == *text;
            held.contains(&text.as_str()) || self.of_claim.get(claim).into_iter().flatten().any(named)
        };
        // A group that the policy knows by a name that no leaf tells apart may exclude others.
        let may = |text: &String| {
            let held = texts_of(self.sides[0].question.caller.claims.get(claim)).into_iter().chain([text.as_str()]);
            !self.acts_as_others(claim) || may_hold(self.policy, held)
        };
        texts.into_iter().filter(|text| !known(text) && !text.is_empty() && may(text)).collect()
    }

    /// The owners that `create` would set in a field if their rules were true, as far as the claims are given.
    fn owners_to_set(&self, side: usize, field: &str) -> Vec<String> {
        let question = &self.sides[side].question;
        if question.input.as_ref().is_some_and(|input| input.contains_key(field)) {
            return Vec::new();
        }
        let claims = &question.caller.claims;
        let whos = self.setting_rules(side).into_iter().flat_map(Rule::whos);
        let owner = |who: &Who| match who {
            Who::Owner { field: of, claim, .. } if of == field => crate::definition::whole_owner(claims, claim),
            _ => None,
        };
        whos.filter_map(owner).collect()
    }

    fn on_record<T>(&self, side: usize, ask: impl FnOnce(&Record) -> T) -> T {
        let of = &self.sides[side];
        match of.model {
            Some(model) => {
                let on = OnModel { policy: self.policy, model, question: &of.question, operation: of.operation };
                ask(&ground_record(&on))
            }
            None => ask(&Record::new()),
        }
    }

    /// The values of a slot: those that the pool names, those already given in it, and a new one.
    fn values(&self, slot: Slot, name: &str) -> Vec<Option<Value>> {
        let sort = self.sorts.get(&slot).copied().unwrap_or(Sort { kind: Kind::Text, list: false });
        let empty = Pool::default();
        let pool = self.pool_of.get(&slot).map_or(&empty, |at| &self.pools[*at]);
        let mut given: Vec<&Value> = Vec::new();
        if let Some(at) = self.pool_of.get(&slot) {
            let others = self.pool_of.iter().filter(|(other, of)| **of == *at && !matches!(other, Slot::Groups(_)));
            others.for_each(|(other, _)| self.given(other, &mut given));
        }
        let whole = self.given_wholes();
        let identity = matches!(&slot, Slot::Claim(name) if self.wholes.iter().flatten().any(|part| part == name));
        let is_owner = matches!(&slot, Slot::Field(_)) || identity;
        let whole = if is_owner { whole } else { Vec::new() };
        let parts = self.wholes.iter().map(Vec::len).max().unwrap_or(1);
        pool.values(sort, name, &given, &whole, if is_owner { parts } else { 1 })
    }

    /// The values that a slot has so far, on every side.
    fn given<'s>(&'s self, slot: &Slot, into: &mut Vec<&'s Value>) {
        match slot {
            Slot::Claim(name) => into.extend(self.sides[0].question.caller.claims.get(name)),
            Slot::Field(name) => {
                for side in &self.sides {
                    if let Stored::Given(record) = &side.question.stored {
                        into.extend(record.get(name));
                    }
                    into.extend(side.question.input.as_ref().and_then(|input| input.get(name)));
                }
            }
            Slot::Groups(_) => (),
        }
    }

    /// Owners as they are recorded whole, as far as the claims are given.
    fn given_wholes(&self) -> Vec<String> {
        let claims = &self.sides[0].question.caller.claims;
        self.wholes.iter().filter_map(|parts| crate::definition::whole_owner(claims, parts)).collect()
    }

    /// Gives something a value, on every side that it stands on.
    pub fn assign(&mut self, var: &Var, value: Option<Value>) {
        self.assigned.insert(var.clone());
        match var {
            Var::Claim(name) => self.each_caller(|caller| set(&mut caller.claims, name, value.clone())),
            Var::Group(at) if value.is_some() => {
                let (claim, name) = self.groups[*at].clone();
                self.each_caller(|caller| add_group(caller, &claim, &name));
            }
            Var::GroupOf(claim, side, field) if value.is_some() => {
                for name in self.new_groups(claim, *side, field) {
                    self.each_caller(|caller| add_group(caller, claim, &name));
                }
            }
            Var::Malformed(claim) if value.is_some() => {
                self.each_caller(|caller| set(&mut caller.claims, claim, Some(Value::Number(1.0))));
            }
            Var::SomeGroup if value.is_some() => {
                let claim = self.policy.group_claim.clone();
                let name = self.policy.groups.first().map_or("someGroup", |group| group.name.as_str()).to_owned();
                self.each_caller(|caller| add_group(caller, &claim, &name));
            }
            Var::Group(_) | Var::GroupOf(..) | Var::Malformed(_) | Var::SomeGroup => (),
            Var::Record(side, name) => {
                if let Stored::Given(record) = &mut self.sides[*side].question.stored {
                    set(record, name, value);
                }
            }
            Var::Input(side, name) => {
                set(self.sides[*side].question.input.get_or_insert_with(Record::new), name, value);
            }
        }
        self.relink();
    }

    fn each_caller(&mut self, change: impl Fn(&mut Caller)) {
        self.sides.iter_mut().for_each(|side| change(&mut side.question.caller));
    }

    /// Makes the second side speak of the first one's record.
    pub fn relink(&mut self) {
        if self.link == Link::Same {
            link(self.policy, &mut self.sides);
        }
    }

    /// The requests as they stand, to come back to.
    pub fn save(&self) -> (Vec<Question>, BTreeSet<Var>) {
        (self.sides.iter().map(|side| side.question.clone()).collect(), self.assigned.clone())
    }

    pub fn restore(&mut self, (questions, assigned): (Vec<Question>, BTreeSet<Var>)) {
        self.assigned = assigned;
        self.sides.iter_mut().zip(questions).for_each(|(side, question)| side.question = question);
    }
}

impl Slot {
    fn words(&self) -> String {
        match self {
            Slot::Claim(name) | Slot::Groups(name) => format!("the claim `{name}`"),
            Slot::Field(name) => format!("the field `{name}`"),
        }
    }
}

/// What tells groups of one claim apart: the lists that they count in, the lists by which they exclude others, the
/// texts that they are compared as, what they act as where records name groups.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Kinds {
    counts: BTreeSet<usize>,
    excludes: BTreeSet<(usize, String)>,
    texts: BTreeSet<String>,
    own: BTreeSet<String>,
}

/// Whether the policy lets somebody be in all these groups.
pub(crate) fn may_hold<'n>(policy: &Policy, held: impl Iterator<Item = &'n str>) -> bool {
    if policy.exclusive.is_empty() {
        return true;
    }
    let mut all: BTreeSet<String> = BTreeSet::new();
    held.for_each(|name| all.extend(policy.acts_as(name).map(str::to_owned)));
    policy.exclusive.iter().all(|list| list.iter().filter(|name| all.contains(*name)).count() < 2)
}

/// What rules are judged on: the stored record or, on create, the input with its owners.
pub(crate) fn ground_record(on: &OnModel<'_>) -> Record {
    match (on.operation, &on.question.stored) {
        (Operation::Create, _) => {
            let mut record = on.question.input.clone().unwrap_or_default();
            record.extend(on.recorded_owners());
            record
        }
        (_, Stored::Given(record)) => record.clone(),
        _ => Record::new(),
    }
}

/// Makes the second side speak of the first one's record: what it creates, or what is stored.
fn link(policy: &Policy, sides: &mut [Side<'_>]) {
    let [first, second, ..] = sides else { return };
    let Some(model) = first.model else { return };
    let on = OnModel { policy, model, question: &first.question, operation: first.operation };
    let record = match (first.operation, second.operation) {
        (Operation::Create, Operation::Create) => first.question.input.clone().unwrap_or_default(),
        _ => ground_record(&on),
    };
    match second.operation {
        Operation::Create => {
            second.question.input = Some(record.into_iter().filter(|(name, _)| model.is_writable(name)).collect());
        }
        _ => second.question.stored = Stored::Given(record),
    }
}

/// The same for requests beside the sides that they are of.
pub(crate) fn relinked(policy: &Policy, sides: &[Side<'_>], requests: &mut [Question]) {
    let mut sides: Vec<Side<'_>> = sides.to_vec();
    sides.iter_mut().zip(requests.iter()).for_each(|(side, request)| side.question = request.clone());
    link(policy, &mut sides);
    requests.iter_mut().zip(sides).for_each(|(request, side)| *request = side.question);
}

/// The mode whose callers a who of a model is about.
fn mode_of(who: &Who) -> Option<Mode> {
    roles(who).first().map(crate::matrix::Role::mode)
}

fn each_test<'c>(condition: &'c Condition, visit: &mut dyn FnMut(&'c Test)) {
    match condition {
        Condition::Test(test) => visit(test),
        Condition::Not(of) => each_test(of, visit),
        Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| each_test(part, visit)),
    }
}

/// The one value that something has where everything is known; where it is not, unknown.
fn single(truths: Truths) -> Truth {
    let one = |truth: Truth| truths == Truths::of(truth);
    [Truth::False, Truth::True].into_iter().find(|truth| one(*truth)).unwrap_or(Truth::Unknown)
}

fn set(record: &mut Record, name: &str, value: Option<Value>) {
    match value {
        Some(value) => drop(record.insert(name.to_owned(), value)),
        None => drop(record.remove(name)),
    }
}

fn texts_of(value: Option<&Value>) -> Vec<&str> {
    let items: &[Value] = match value {
        Some(Value::List(items)) => &items.0,
        Some(value) => std::slice::from_ref(value),
        None => &[],
    };
    items.iter().filter_map(as_text).collect()
}

fn as_text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn has_text(value: Option<&Value>, wanted: &str) -> bool {
    texts_of(value).contains(&wanted)
}

fn add_group(caller: &mut Caller, claim: &str, name: &str) {
    match caller.claims.entry(claim.to_owned()).or_insert_with(|| Value::List(Items(Vec::new()))) {
        Value::List(items) if !items.0.iter().any(|item| as_text(item) == Some(name)) => {
            items.0.push(Value::Text(name.to_owned()));
        }
        _ => (),
    }
}
