//! Which changes of the rules the tests notice: each rule is dropped or weakened, one change at a time.
//!
//! Exact, for each change is lowered to a table of its own and asked the assertions again; fast, for only what the rule
//! stands on is lowered, only assertions about it are asked, and the first that fails ends it. A change whose table
//! decides by the same bytes changes nothing, and is not counted.
//!
//! Always: counts the requests that it decides, and stops where the budget ends; what is left over is said.

use super::coverage::percent;
use super::sites::{Site, standing};
use super::{Asserted, Verdict, outcome};
use crate::policy::{Bucket, Place, Policy, Rule, Target, Who};
use admit_runtime::{Mode, Operations};
use std::collections::{BTreeMap, BTreeSet};

/// The most requests that are decided, unless somebody says otherwise.
pub const DEFAULT_BUDGET: usize = 2_000_000;

/// What came of changing the rules.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Mutation {
    /// The changes that were tried and do change something, in the order of the sources.
    pub changes: Vec<Change>,
    /// How many change no decision.
    pub equal: usize,
    /// How many were left over when the budget ended.
    pub untried: usize,
}

/// A change of one rule.
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    /// The rule.
    pub place: Place,
    /// What was changed: `without this rule`, `without "delete"`.
    pub what: String,
    /// Whether some assertion no longer holds.
    pub is_noticed: bool,
}

impl Mutation {
    /// How many changes some assertion notices.
    pub fn noticed(&self) -> usize {
        self.changes.iter().filter(|change| change.is_noticed).count()
    }

    /// The same as a part of a hundred; of no changes, all.
    pub fn percent(&self) -> f64 {
        percent(self.noticed(), self.changes.len())
    }
}

/// What kind of thing a rule stands on, which decides the words of its operations.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    Records,
    Paths,
    Functions,
}

/// One way to change a rule.
enum Edit {
    Drop,
    DropCondition,
    DropAnd(usize),
    DropOperations(Operations),
    DropGroup(String),
    /// To everybody signed in.
    Widen(Mode),
}

/// Changes each rule of a policy, whose assertions all hold, deciding at most `budget` requests.
pub fn run(policy: &Policy, asserted: &[Asserted<'_>], budget: usize) -> Mutation {
    let mut mutation = Mutation::default();
    let mut steps = 0;
    let mut rules: BTreeMap<Place, (Rule, On)> = BTreeMap::new();
    for one in standing(policy) {
        let site = match one.site {
            Site::Model(..) | Site::Custom(_) => On::Records,
            Site::Path(..) => On::Paths,
            Site::Data => On::Functions,
        };
        rules.entry(one.rule.place).or_insert((one.rule, site));
    }
    for (place, (rule, site)) in rules {
        let part = Part::of(policy, place);
        let before = crate::lower::table(&part.policy, true);
        let about: Vec<&Asserted<'_>> = asserted.iter().filter(|one| part.is_about(one)).collect();
        for (what, edit) in edits(&rule, site) {
            let changed = part.changed(place, &edit);
            // A policy that has a table has one with less in it.
            let (Ok(before), Ok(after)) = (&before, crate::lower::table(&changed, true)) else {
                mutation.untried += 1;
                continue;
            };
            if *before == after {
                mutation.equal += 1;
            } else if steps >= budget {
                mutation.untried += 1;
            } else if let Ok(table) = admit_runtime::Policy::from_bytes(&after) {
                let is_noticed = !about.iter().all(|one| holds(&changed, &table, one, &mut steps));
                mutation.changes.push(Change { place, what, is_noticed });
            }
        }
    }
    mutation
}

fn holds(policy: &Policy, table: &admit_runtime::Policy<'_>, one: &Asserted<'_>, steps: &mut usize) -> bool {
    let mut operations = one.assertion.operations.iter();
    operations.all(|operation| outcome(policy, table, one.assertion, *operation, steps).verdict == Verdict::Holds)
}

/// The ways to change a rule, each in words.
fn edits(rule: &Rule, site: On) -> Vec<(String, Edit)> {
    let mut all = vec![("without this rule".to_owned(), Edit::Drop)];
    if rule.condition.is_some() {
        all.push(("without its condition".to_owned(), Edit::DropCondition));
    }
    for at in 0..rule.and.len() {
        let number = if rule.and.len() == 1 { String::new() } else { format!(" number {}", at + 1) };
        all.push((format!("without its `.and`{number}"), Edit::DropAnd(at)));
    }
    let words = words(rule, site);
    if words.len() > 1 {
        all.extend(words.into_iter().map(|(word, of)| (format!("without `{word}`"), Edit::DropOperations(of))));
    }
    if let Who::Groups { names, provider, .. } = &rule.who {
        if names.len() > 1 {
            all.extend(names.iter().map(|name| (format!("without group {name}"), Edit::DropGroup(name.clone()))));
        }
        let mode = if site == On::Paths { Mode::IdentityPool } else { provider.mode() };
        all.push(("for everybody signed in".to_owned(), Edit::Widen(mode)));
    }
    all
}

/// A rule's operations, in the words that it is written with.
fn words(rule: &Rule, site: On) -> Vec<(&'static str, Operations)> {
    const DATA: [(&str, Operations); 9] = [
        ("create", Operations::CREATE),
        ("read", Operations::READ),
        ("get", Operations::GET),
        ("list", Operations::LIST),
        ("sync", Operations::SYNC),
        ("listen", Operations::LISTEN),
        ("search", Operations::SEARCH),
        ("update", Operations::UPDATE),
        ("delete", Operations::DELETE),
    ];
    const STORAGE: [(&str, Operations); 5] = [
        ("read", Operations::STORAGE_READ),
        ("get", Operations::GET),
        ("list", Operations::LIST),
        ("write", Operations::WRITE),
        ("delete", Operations::DELETE),
    ];
    let writes = Operations::CREATE.with(Operations::UPDATE).with(Operations::DELETE);
    let functions: [(&str, Operations); 3] =
        [("query", Operations::READ.without(Operations::LISTEN)), ("mutate", writes), ("listen", Operations::LISTEN)];
    let known: &[(&str, Operations)] = match site {
        On::Records => &DATA,
        On::Paths => &STORAGE,
        On::Functions => &functions,
    };
    let mut left = rule.operations;
    let mut words = Vec::new();
    for (word, operations) in known {
        if left.contains(*operations) {
            left = left.without(*operations);
            words.push((*word, *operations));
        }
    }
    words
}

/// What a rule stands on, with all that its decisions need.
struct Part {
    policy: Policy,
    models: BTreeSet<String>,
    operations: BTreeSet<String>,
    buckets: BTreeSet<String>,
    /// It is a function's rule in `data`.
    is_data: bool,
}

impl Part {
    fn of(policy: &Policy, place: Place) -> Part {
        let here = |rules: &[Rule]| rules.iter().any(|rule| rule.place == place);
        let is_data = policy.data_functions.iter().any(|rule| rule.place == place);
        let model = |of: &&crate::policy::Model| {
            let fields = of.fields.iter().any(|field| here(&field.rules) || here(&field.denies));
            is_data || here(&of.rules) || here(&of.denies) || fields
        };
        let bucket = |of: &Bucket| of.paths.iter().any(|path| here(&path.rules) || here(&path.denies));
        let models: Vec<_> = policy.models.iter().filter(model).cloned().collect();
        let custom = |of: &&crate::policy::CustomOperation| is_data || here(&of.rules) || here(&of.denies);
        let operations: Vec<_> = policy.operations.iter().filter(custom).cloned().collect();
        // That there are buckets decides who may ask at all: those that do not count here are emptied.
        let emptied = |of: &Bucket| match bucket(of) {
            true => of.clone(),
            false => Bucket { name: of.name.clone(), paths: Vec::new(), place: of.place },
        };
        Part {
            models: models.iter().map(|model| model.name.clone()).collect(),
            operations: operations.iter().map(|operation| operation.name.clone()).collect(),
            buckets: policy.buckets.iter().filter(|of| bucket(of)).map(|of| of.name.clone()).collect(),
            is_data,
            policy: Policy {
                models,
                operations,
                buckets: policy.buckets.iter().map(emptied).collect(),
                tests: Vec::new(),
                invariants: Vec::new(),
                files: policy.files.clone(),
                groups: policy.groups.clone(),
                group_claim: policy.group_claim.clone(),
                exclusive: policy.exclusive.clone(),
                claims: policy.claims.clone(),
                modes: policy.modes.clone(),
                functions: policy.functions.clone(),
                data_functions: policy.data_functions.clone(),
                auth_functions: Vec::new(),
                ..*policy
            },
        }
    }

    fn is_about(&self, one: &Asserted<'_>) -> bool {
        let of_function = one.assertion.caller.mode == Mode::Function;
        let here = match &one.assertion.target {
            Target::Record { model, .. } => self.models.contains(model),
            Target::Custom(_, name) => self.operations.contains(name),
            Target::Object { bucket, .. } => self.buckets.contains(bucket),
        };
        here && (of_function || !self.is_data)
    }

    /// The part with one change of the rule at that place.
    fn changed(&self, place: Place, edit: &Edit) -> Policy {
        let mut policy = self.policy.clone();
        for model in &mut policy.models {
            change(&mut model.rules, place, edit);
            change(&mut model.denies, place, edit);
            for field in &mut model.fields {
                change(&mut field.rules, place, edit);
                change(&mut field.denies, place, edit);
            }
        }
        for operation in &mut policy.operations {
            change(&mut operation.rules, place, edit);
            change(&mut operation.denies, place, edit);
        }
        for path in policy.buckets.iter_mut().flat_map(|bucket| &mut bucket.paths) {
            change(&mut path.rules, place, edit);
            change(&mut path.denies, place, edit);
        }
        match edit {
            Edit::Drop => policy.data_functions.retain(|rule| rule.place != place),
            Edit::DropOperations(operations) => {
                for rule in policy.data_functions.iter_mut().filter(|rule| rule.place == place) {
                    rule.query &= !operations.meets(Operations::GET);
                    rule.mutate &= !operations.meets(Operations::CREATE);
                    rule.listen &= !operations.meets(Operations::LISTEN);
                }
            }
            _ => (),
        }
        policy
    }
}

fn change(rules: &mut Vec<Rule>, place: Place, edit: &Edit) {
    if matches!(edit, Edit::Drop) {
        return rules.retain(|rule| rule.place != place);
    }
    for rule in rules.iter_mut().filter(|rule| rule.place == place) {
        match edit {
            Edit::Drop => (),
            Edit::DropCondition => rule.condition = None,
            Edit::DropAnd(at) => drop(rule.and.remove(*at)),
            Edit::DropOperations(operations) => rule.operations = rule.operations.without(*operations),
            Edit::DropGroup(name) => {
                if let Who::Groups { names, .. } = &mut rule.who {
                    names.retain(|known| known != name);
                }
            }
            Edit::Widen(mode) => rule.who = Who::Authenticated(*mode),
        }
    }
}
