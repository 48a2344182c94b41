//! What a change of policy gives to whom, and takes from whom.
//! Always: by meaning. A way in is a change only if some request takes it that the other policy does not give as much;
//! what two policies only say in other words is none. What could not be settled is kept, and said to be unsettled.

use super::deeds::{Arrival, Inputs, OnRecords};
use super::formula::{Formula, Leaf};
use super::given::path_label;
use super::objects;
use super::renames::{Rename, Renamed, bare_rules, renamed, says_the_same};
use super::report::{Caller, Extent, ON_MODELS, ON_PATHS, Resource, Settings};
use super::scene::{Link, Scene, Side};
use super::search::{BUDGET, Found, search};
use super::settled::MANY_TEXTS;
use super::shapes::{Known, Renaming, Shape, Special};
use super::terms::{MAX_WAYS, Term, terms, with_whole_tokens};
use super::ways::{OnModel, Way, Ways, custom_ways, is_plain, made_up, needs_no_record, said_of};
use crate::condition::Truth;
use crate::policy::{Bucket, CustomOperation, DataFunction, Keys, Model, Place, Policy, Rule, Who};
use crate::words::Words;
use admit_runtime::{Mode, Operation, Operations};
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
    /// Whether some request shows it; otherwise it could not be settled within the budget.
    pub certain: bool,
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
    /// What only has another name now; the rest speaks of the new names.
    pub renames: Vec<Rename>,
}

impl Difference {
    /// Whether somebody may gain something by it.
    pub fn widens(&self) -> bool {
        // Who holds a group's new name in his token gains what the old name had.
        let renamed = self.renames.iter().any(|rename| rename.what == Renamed::Group);
        let gained = self.changes.iter().any(|change| change.gained);
        gained || renamed || !self.settings.is_empty() || !self.cut.is_empty()
    }

    /// Whether nothing changes for anybody.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.settings.is_empty() && self.cut.is_empty() && self.renames.is_empty()
    }

    /// What changes from one policy to another.
    pub fn of(old: &Policy, new: &Policy) -> Difference {
        let (renames, old) = renamed(old, new);
        let old: &Policy = &old;
        let mut settings = settings(&Settings::of(old), &Settings::of(new), admit_alike(old, new));
        settings.extend(owners(old, new));
        let mut difference = Difference { settings, renames, ..Difference::default() };
        let (mut found, mut cut) = (Vec::new(), BTreeSet::new());
        on_models(old, new, &mut found, &mut cut);
        let (mut was, mut is) = (on_operations(old, new, &mut cut), on_operations(new, old, &mut cut));
        difference.cut.extend(cut);
        on_paths(old, new, &mut was, &mut is, &mut difference.cut);
        let none = Vec::new();
        let keys: BTreeSet<(Resource, Operation)> = was.keys().chain(is.keys()).cloned().collect();
        for key in keys {
            let (was, is) = (was.get(&key).unwrap_or(&none), is.get(&key).unwrap_or(&none));
            if was != is {
                let (resource, operation) = &key;
                let mut say = |policy: &Policy, all: Vec<Beyond>| {
                    found.extend(all.iter().flat_map(|one| one.changes(policy, resource)));
                };
                say(new, beyond(new, None, *operation, was, is, true));
                say(old, beyond(old, None, *operation, is, was, false));
            }
        }
        difference.changes = together(found);
        difference
    }
}

/// Whether what decides beside the rules is the same, so that what has the same rules says the same.
fn decide_alike(old: &Policy, new: &Policy) -> bool {
    let functions = |policy: &Policy| -> Vec<DataFunction> {
        policy.data_functions.iter().map(|of| DataFunction { place: Place::default(), ..of.clone() }).collect()
    };
    let (was, is) = (Settings::of(old), Settings::of(new));
    let rest = |policy: &'_ Policy| (policy.default_mode, policy.functions.clone());
    // Which groups there are besides those that rules name decides nothing.
    let same = Settings { groups: Vec::new(), ..was } == Settings { groups: Vec::new(), ..is };
    same && functions(old) == functions(new) && rest(old) == rest(new)
}

/// What changes on models. Those that differ only in which groups they name change alike.
fn on_models(old: &Policy, new: &Policy, found: &mut Vec<Change>, cut: &mut BTreeSet<String>) {
    let by_name = |policy: &'_ Policy| -> BTreeMap<String, usize> {
        policy.models.iter().enumerate().map(|(at, model)| (model.name.clone(), at)).collect()
    };
    let (before, after) = (by_name(old), by_name(new));
    let same = decide_alike(old, new);
    let special = Special::of(&[old, new]);
    let mut known: Known<'_, (Vec<Beyond>, Vec<Operation>)> = Known::default();
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names {
        let was = before.get(name).map(|at| &old.models[*at]);
        let is = after.get(name).map(|at| &new.models[*at]);
        if same && was.zip(is).is_some_and(|(was, is)| says_the_same(was, is)) {
            continue;
        }
        let both: Vec<&Model> = was.into_iter().chain(is).collect();
        // One model is not like the same one on the other side.
        let sides = usize::from(was.is_some()) + 2 * usize::from(is.is_some());
        let resource = Resource::Model(name.clone());
        let (all, operations) = match Shape::of(both, &special) {
            None => of_model((old, was), (new, is)),
            Some(shape) => match known.get(&shape, sides) {
                Some((from, (all, operations))) => {
                    let with = Renaming { from, to: shape.groups() };
                    let renamed = |one: &Beyond| Beyond { way: with.way(&one.way), ..one.clone() };
                    (all.iter().map(renamed).collect(), operations.clone())
                }
                None => {
                    let all = of_model((old, was), (new, is));
                    known.keep(shape, sides, all.clone());
                    all
                }
            },
        };
        found.extend(all.iter().flat_map(|one| one.changes(if one.gained { new } else { old }, &resource)));
        cut.extend(operations.into_iter().map(|operation| too_many(operation, &resource)));
    }
}

/// What changes on a model, and the operations with too many ways in.
fn of_model(
    (old, was): (&Policy, Option<&Model>),
    (new, is): (&Policy, Option<&Model>),
) -> (Vec<Beyond>, Vec<Operation>) {
    let ways = |policy: &Policy, model: Option<&Model>| {
        let found = model.map_or_else(OnModel::default, |model| OnModel::of(policy, model));
        (found.ways.into_iter().collect::<BTreeMap<Operation, Vec<Way>>>(), found.closed, found.cut)
    };
    let ((before, were_closed, mut cut), (after, are_closed, more)) = (ways(old, was), ways(new, is));
    cut.extend(more);
    let (none, mut found) = (Vec::new(), Vec::new());
    // A way that only what its input may name opens or closes is no change of its own: that other field's is.
    let with_closed = |ways: &[Way], closed: &[(Operation, Way)], operation: Operation| -> Vec<Way> {
        let closed = closed.iter().filter(|(of, _)| *of == operation).map(|(_, way)| way);
        ways.iter().chain(closed).cloned().collect()
    };
    for operation in ON_MODELS {
        let (less, more) = (before.get(&operation).unwrap_or(&none), after.get(&operation).unwrap_or(&none));
        if less != more {
            found.extend(beyond(new, is, operation, &with_closed(less, &were_closed, operation), more, true));
            found.extend(beyond(old, was, operation, &with_closed(more, &are_closed, operation), less, false));
        }
    }
    (found, cut)
}

fn too_many(operation: Operation, resource: &Resource) -> String {
    format!("{} {resource}: more than {MAX_WAYS} ways in", operation.name())
}

/// The ways in to the custom operations of one policy that the other has not just so.
fn on_operations(policy: &Policy, other: &Policy, cut: &mut BTreeSet<String>) -> Ways {
    let same = decide_alike(policy, other);
    let says_the_same = |custom: &CustomOperation, of: &CustomOperation| {
        (custom.kind, &custom.name) == (of.kind, &of.name)
            && bare_rules(&custom.rules) == bare_rules(&of.rules)
            && bare_rules(&custom.denies) == bare_rules(&of.denies)
    };
    let changed: BTreeSet<&String> = policy
        .operations
        .iter()
        .filter(|custom| !(same && other.operations.iter().any(|of| says_the_same(custom, of))))
        .map(|custom| &custom.name)
        .collect();
    let (ways, too_many) = custom_ways(policy, &|name| changed.contains(name));
    cut.extend(too_many);
    ways
}

/// What a way gives beyond others.
#[derive(Clone)]
struct Beyond {
    way: Way,
    operation: Operation,
    gained: bool,
    fields: Option<BTreeSet<String>>,
    certain: bool,
    /// Whether only tokens that hold a part of the identity tell.
    in_part: bool,
}

impl Beyond {
    /// In words: a change for each group.
    fn changes(&self, policy: &Policy, resource: &Resource) -> Vec<Change> {
        let mut said = said_of(policy, &self.way);
        if self.in_part {
            let when = said.when.map(|when| format!("{when}, ")).unwrap_or_default();
            said.when = Some(format!("{when}with a token that holds a part of the identity"));
        }
        let change = |whos: Vec<Who>| Change {
            resource: resource.clone(),
            caller: Caller::of(Words::of(policy), &whos),
            gained: self.gained,
            operations: vec![self.operation],
            fields: self.fields.clone(),
            when: said.when.clone(),
            certain: self.certain,
        };
        super::report::each_group(&said.whos).into_iter().map(change).collect()
    }
}

/// What `more` gives beyond `less`, way by way, and there group by group: of a list that grows, those who join it.
fn beyond(
    policy: &Policy,
    model: Option<&Model>,
    operation: Operation,
    less: &[Way],
    more: &[Way],
    gained: bool,
) -> Vec<Beyond> {
    let mut found = Vec::new();
    for way in more {
        let others: Vec<&Way> = less.iter().filter(|other| other.arrival == way.arrival).collect();
        if others.contains(&way) {
            continue;
        }
        let Some(new) = new_in(policy, model, operation, way, &others) else { continue };
        let whole_others: Vec<Way> = others.iter().map(|other| with_whole_token(other)).collect();
        let alone = each_group_alone(way);
        let is_one = alone.len() == 1;
        for way in alone {
            let new = if is_one { Some(new.clone()) } else { new_in(policy, model, operation, &way, &others) };
            let Some((fields, certain)) = new else { continue };
            // Reads compare each claim that the token has; where tokens that have all of them change nothing, that is
            // said.
            let whole = with_whole_token(&way);
            let in_part = whole != way
                && new_in(policy, model, operation, &whole, &whole_others.iter().collect::<Vec<_>>()).is_none();
            found.push(Beyond { way, operation, gained, fields, certain, in_part });
        }
    }
    found
}

/// A way for each choice of one group of each list that it asks for.
fn each_group_alone(way: &Way) -> Vec<Way> {
    let mut all: Vec<Term> = vec![Vec::new()];
    for part in &way.term {
        let each: Vec<Formula> = match part {
            Formula::Leaf(Leaf::Groups { claim, names }, wanted) if wanted.is_positive() => {
                let leaf = |name: &String| Leaf::Groups { claim: claim.clone(), names: vec![name.clone()] };
                names.iter().map(|name| Formula::Leaf(leaf(name), *wanted)).collect()
            }
            Formula::Leaf(Leaf::Best { names }, wanted) if wanted.is_positive() && !names.is_empty() => {
                names.iter().map(|name| Formula::Leaf(Leaf::Best { names: vec![name.clone()] }, *wanted)).collect()
            }
            part => vec![part.clone()],
        };
        let with = |known: &Term| -> Vec<Term> {
            each.iter().map(|part| [known.as_slice(), std::slice::from_ref(part)].concat()).collect()
        };
        all = all.iter().flat_map(with).collect();
    }
    all.into_iter().map(|term| Way { term, ..way.clone() }).collect()
}

/// Whether who is in the groups of one leaf is always in those of another.
fn implies(one: &Formula, other: &Formula) -> bool {
    match (one, other) {
        (Formula::Leaf(one, wanted), Formula::Leaf(other, asked)) if wanted == asked && wanted.is_positive() => {
            match (one, other) {
                (Leaf::Groups { claim, names }, Leaf::Groups { claim: of, names: wider }) => {
                    claim == of && names.iter().all(|name| wider.contains(name))
                }
                (Leaf::Best { names }, Leaf::Best { names: wider }) => {
                    !names.is_empty() && names.iter().all(|name| wider.contains(name))
                }
                _ => false,
            }
        }
        _ => false,
    }
}

/// A way for callers whose tokens hold all claims of the owners that it compares.
fn with_whole_token(way: &Way) -> Way {
    Way { term: way.term.iter().map(with_whole_tokens).collect(), ..way.clone() }
}

/// The fields that a way reaches and no other one does for all who take it: none for all of them; and whether that is
/// certain. Nothing if there are none.
fn new_in(
    policy: &Policy,
    model: Option<&Model>,
    operation: Operation,
    way: &Way,
    others: &[&Way],
) -> Option<(Option<BTreeSet<String>>, bool)> {
    let mut certain = true;
    let mut is_new = |covering: &[&Way]| match exceeds(policy, model, operation, way, covering) {
        Found::No => false,
        Found::Yes => true,
        Found::OutOfSteps | Found::Unconfirmed => {
            certain = false;
            true
        }
    };
    let whole: Vec<&Way> = others.iter().filter(|other| other.extent == Extent::Whole).copied().collect();
    match &way.extent {
        // A whole is what several ways may reach together, but for the key of what is created and for a deletion.
        Extent::Whole => {
            let together = !matches!(operation, Operation::Create | Operation::Delete);
            let fields = model.map(|model| &model.fields).filter(|fields| together && !fields.is_empty());
            match fields {
                _ if !is_new(&whole) => None,
                None => Some((None, certain)),
                Some(fields) => {
                    let is_key = |name: &String| {
                        operation == Operation::Update && model.is_some_and(|model| model.identifier.contains(name))
                    };
                    let names: BTreeSet<String> =
                        fields.iter().map(|field| field.name.clone()).filter(|name| !is_key(name)).collect();
                    let (new, any) = new_fields(&names, others, &mut is_new);
                    let all = new == names;
                    (any || !new.is_empty()).then_some((if all { None } else { Some(new) }, certain))
                }
            }
        }
        Extent::Fields(fields) => {
            let (new, any) = new_fields(fields, others, &mut is_new);
            (any || !new.is_empty()).then_some((Some(new), certain))
        }
    }
}

/// Of fields, those that others do not reach; and whether they do not get in at all.
fn new_fields(
    fields: &BTreeSet<String>,
    others: &[&Way],
    is_new: &mut dyn FnMut(&[&Way]) -> bool,
) -> (BTreeSet<String>, bool) {
    let mut by_covering: BTreeMap<Vec<usize>, BTreeSet<String>> = BTreeMap::new();
    for field in fields {
        let covers = |other: &Way| match &other.extent {
            Extent::Whole => true,
            Extent::Fields(fields) => fields.contains(field),
        };
        let covering = (0..others.len()).filter(|at| covers(others[*at])).collect();
        by_covering.entry(covering).or_default().insert(field.clone());
    }
    let mut new = BTreeSet::new();
    for (covering, names) in by_covering {
        let covering: Vec<&Way> = covering.into_iter().map(|at| others[at]).collect();
        if is_new(&covering) {
            new.extend(names);
        }
    }
    // Records of which nothing but the key is shown are something too.
    let any = new.is_empty() && fields.is_empty() && is_new(others);
    (new, any)
}

/// Whether some request takes a way and none of the others.
fn exceeds(policy: &Policy, model: Option<&Model>, operation: Operation, way: &Way, others: &[&Way]) -> Found {
    // Whether anybody takes the way at all, the matrix may have left open.
    if others.is_empty() && is_plain(policy, Some(operation), &way.term) {
        return Found::Yes;
    }
    let is_met = |part: &Formula| way.term.iter().any(|own| own == part || implies(own, part));
    let within = |other: &&Way| other.term.iter().all(is_met);
    if others.iter().any(within) {
        return Found::No;
    }
    let none = others.iter().map(|other| Formula::all(other.term.iter().cloned()).negated());
    let formula = Formula::all(way.term.iter().cloned().chain(none));
    if formula.is_never() {
        return Found::No;
    }
    let found = sought(policy, model, operation, way, &formula);
    // Of a write what rules read of its input must be allowed to stand there.
    let inputs = Inputs::Some;
    let named = model
        .filter(|_| found != Found::No && !needs_no_record(&way.term))
        .map(|model| OnRecords { policy, model, operation, arrival: &way.arrival, side: 0, inputs }.proposals());
    match named {
        Some(named) if !named.is_always() => sought(policy, model, operation, way, &formula.and(named)),
        _ => found,
    }
}

/// Whether some request that arrives as a way does makes a formula true.
fn sought(policy: &Policy, model: Option<&Model>, operation: Operation, way: &Way, formula: &Formula) -> Found {
    let side = made_up(&way.arrival, model.map(|model| (model, operation)));
    let mut scene = Scene::new(policy, vec![side], Link::Apart, formula, BTreeSet::new());
    match search(&mut scene, formula, BUDGET, &mut |_| true) {
        Found::No if !scene.opaque.is_empty() => Found::OutOfSteps,
        Found::Yes if !scene.opaque.is_empty() => Found::Unconfirmed,
        found => found,
    }
}

/// Changes with operations that are given and taken alike together.
fn together(found: Vec<Change>) -> Vec<Change> {
    type Key = (Resource, Caller, bool, Option<String>);
    type Fields = Option<BTreeSet<String>>;
    // Fields of one who, operation and condition are one change.
    let mut by_operation: BTreeMap<(Key, Operation), (Fields, bool)> = BTreeMap::new();
    for change in found {
        for operation in change.operations {
            let key: Key = (change.resource.clone(), change.caller.clone(), !change.gained, change.when.clone());
            let known = by_operation.entry((key, operation)).or_insert_with(|| (Some(BTreeSet::new()), false));
            known.1 |= change.certain;
            match (&mut known.0, &change.fields) {
                (Some(known), Some(more)) => known.extend(more.iter().cloned()),
                (fields, _) => *fields = None,
            }
        }
    }
    let mut all: BTreeMap<(Key, Fields, bool), Vec<Operation>> = BTreeMap::new();
    for ((key, operation), (fields, certain)) in by_operation {
        all.entry((key, fields, certain)).or_default().push(operation);
    }
    let changes = all.into_iter().map(|(((resource, caller, lost, when), fields, certain), mut operations)| {
        let order = if matches!(resource, Resource::Model(_)) { &ON_MODELS[..] } else { &ON_PATHS[..] };
        operations.sort_by_key(|operation| order.iter().position(|known| known == operation));
        Change { resource, caller, gained: !lost, operations, fields, when, certain }
    });
    changes.collect()
}

// ---- paths

/// The ways on every kind of key that the paths of either policy tell apart.
fn on_paths(old: &Policy, new: &Policy, was: &mut Ways, is: &mut Ways, cut: &mut Vec<String>) {
    let names: BTreeSet<&String> = old.buckets.iter().chain(&new.buckets).map(|bucket| &bucket.name).collect();
    for name in names {
        let of = |policy: &'_ Policy| -> Option<Bucket> {
            policy.buckets.iter().find(|bucket| bucket.name == *name).cloned()
        };
        let (before, after) = (of(old), of(new));
        if before.as_ref().map(rules_of) == after.as_ref().map(rules_of) && old.groups == new.groups {
            continue;
        }
        let Some(mut both) = before.clone().or_else(|| after.clone()) else { continue };
        for path in after.iter().flat_map(|bucket| &bucket.paths) {
            if !both.paths.iter().any(|known| (&known.prefix, known.entity) == (&path.prefix, path.entity)) {
                both.paths.push(path.clone());
            }
        }
        for arrival in Arrival::all(new).iter().filter(|arrival| super::ways::of_storage(arrival.mode)) {
            for place in objects::places(&[old, new], &both, &Keys::All, arrival) {
                // Callers whose identity is not known are told apart where that decides.
                let is_like = |another: &objects::Place| {
                    ON_PATHS.iter().all(|operation| {
                        [(old, &before), (new, &after)].into_iter().all(|(policy, bucket)| {
                            let on = |bucket: &Bucket, place: &objects::Place| {
                                objects::on_object(policy, bucket, operation.needs(), place)
                            };
                            bucket.as_ref().is_none_or(|bucket| on(bucket, &place) == on(bucket, another))
                        })
                    })
                };
                if place.of_another().is_some_and(|another| is_like(&another)) {
                    continue;
                }
                let resource = path_label(new, &both, &place);
                if place.is_partial {
                    cut.push(format!("{resource}: {MANY_TEXTS}"));
                }
                for operation in ON_PATHS {
                    for (policy, bucket, ways) in [(old, &before, &mut *was), (new, &after, &mut *is)] {
                        let Some(bucket) = bucket else { continue };
                        let formula = objects::on_object(policy, bucket, operation.needs(), &place);
                        let Some(terms) = terms(&formula) else {
                            cut.push(too_many(operation, &resource));
                            continue;
                        };
                        let key = (resource.clone(), operation);
                        let all = ways.entry(key).or_default();
                        all.extend(
                            terms
                                .into_iter()
                                .map(|term| way(arrival, term))
                                .filter(|way| !all.contains(way))
                                .collect::<Vec<_>>(),
                        );
                    }
                }
            }
        }
    }
}

fn way(arrival: &Arrival, term: Term) -> Way {
    Way { arrival: arrival.clone(), term, extent: Extent::Whole }
}

/// What of a bucket decides, without places.
fn rules_of(bucket: &Bucket) -> Vec<String> {
    let rule = |rule: &Rule| format!("{:?}", (&rule.who, &rule.and, rule.operations, &rule.condition));
    let mut all: Vec<String> = bucket
        .paths
        .iter()
        .map(|path| {
            let of = |rules: &[Rule]| rules.iter().map(rule).collect::<Vec<_>>();
            format!("{:?}", (&path.prefix, path.entity, of(&path.rules), of(&path.denies)))
        })
        .collect();
    all.sort();
    all
}

// ---- what decides besides

/// Whether requests may arrive in the same modes: a bucket brings some, and the identity pool its guests.
fn admit_alike(old: &Policy, new: &Policy) -> bool {
    Mode::ALL.into_iter().all(|mode| old.admits(mode) == new.admits(mode))
}

/// What decides besides the rules, and differs.
fn settings(old: &Settings, new: &Settings, admit_alike: bool) -> Vec<String> {
    let mut settings = Vec::new();
    let roles = |of: &Settings| if of.preferred { "preferred" } else { "union" };
    if roles(old) != roles(new) {
        settings.push(format!("roles in storage: \"{}\", was \"{}\"", roles(new), roles(old)));
    }
    if old.modes != new.modes && !admit_alike {
        settings.push(format!("modes: {}; were {}", new.modes.join(", "), old.modes.join(", ")));
    }
    if old.group_claim != new.group_claim {
        settings.push(format!("groups come in the claim `{}`, came in `{}`", new.group_claim, old.group_claim));
    }
    let common = |of: &[String], other: &[String]| -> Vec<String> {
        let known: BTreeSet<&String> = other.iter().collect();
        of.iter().filter(|group| known.contains(group)).cloned().collect()
    };
    if new.preferred && common(&old.groups, &new.groups) != common(&new.groups, &old.groups) {
        settings.push(format!("precedence of groups: {}; was {}", new.groups.join(", "), old.groups.join(", ")));
    }
    let names: BTreeSet<&String> = old.acts_as.keys().chain(new.acts_as.keys()).collect();
    for name in names {
        let of = |settings: &Settings| {
            settings.acts_as.get(name).map_or("nobody else".to_owned(), |others| others.join(", "))
        };
        if of(old) != of(new) {
            settings.push(format!("members of {name} count as members of {}; did of {}", of(new), of(old)));
        }
    }
    if old.exclusive != new.exclusive {
        settings.push("which groups exclude each other".into());
    }
    settings
}

/// The models of both whose `create` records other owners: there what the same words say differs.
fn owners(old: &Policy, new: &Policy) -> Vec<String> {
    let mut all = Vec::new();
    let known: BTreeMap<&String, &Model> = old.models.iter().map(|model| (&model.name, model)).collect();
    for model in &new.models {
        let Some(before) = known.get(&model.name) else { continue };
        if !record_alike((old, before), (new, model)) {
            let (was, is) = (recording(old, before), recording(new, model));
            all.push(format!("create {} records as owner: {is}; recorded {was}", model.name));
        }
    }
    all
}

/// The rules by which `create` records owners.
fn recording_rules(model: &Model) -> impl Iterator<Item = &Rule> {
    model.ruling().filter(|rule| {
        rule.operations.meets(Operations::CREATE) && rule.whos().any(|who| matches!(who, Who::Owner { .. }))
    })
}

/// The same, in words.
fn recording(policy: &Policy, model: &Model) -> String {
    let words = Words::of(policy);
    let said = |rule: &Rule| {
        let whos = rule.whos().map(|who| words.caller(who)).collect::<Vec<_>>().join(" and ");
        let when = rule.condition.as_ref().map_or(String::new(), |of| format!(" when {}", crate::words::condition(of)));
        whos + &when
    };
    let all: BTreeSet<String> = recording_rules(model).map(said).collect();
    if all.is_empty() { "nobody".to_owned() } else { all.into_iter().collect::<Vec<_>>().join("; ") }
}

/// Whether `create` records the same owners, of every request that one of both allows. What cannot be settled differs.
fn record_alike(before: (&Policy, &Model), after: (&Policy, &Model)) -> bool {
    let rules = |model: &'_ Model| -> BTreeSet<(BTreeSet<Who>, Formula)> {
        let when = |rule: &Rule| Formula::all(rule.condition.iter().map(|of| Formula::condition(of, true, 0)));
        let all = recording_rules(model).map(|rule| (rule.whos().cloned().collect(), when(rule).ordered()));
        all.filter(|(_, when): &(_, Formula)| !when.is_never()).collect()
    };
    let (was, is) = (rules(before.1), rules(after.1));
    if was == is {
        return true;
    }
    let all = was.iter().chain(&is).flat_map(|(whos, _)| whos).flat_map(crate::matrix::roles);
    let modes: BTreeSet<Mode> = all.map(|role| role.mode()).collect();
    let differ = Formula::is(Leaf::RecordsAlike { side: 0 }, Truth::False);
    modes.into_iter().all(|mode| {
        let arrival = Arrival { mode, function: None };
        let never = |(policy, model): (&Policy, &Model), beside: (&Policy, &Model), formula: &Formula| {
            let side = Side { beside: Some(beside), ..made_up(&arrival, Some((model, Operation::Create))) };
            let mut scene = Scene::new(policy, vec![side], Link::Apart, formula, BTreeSet::new());
            search(&mut scene, formula, BUDGET, &mut |_| true) == Found::No && scene.opaque.is_empty()
        };
        let never_allowed = |one: (&Policy, &Model), beside: (&Policy, &Model)| {
            let (policy, model) = one;
            let (operation, inputs) = (Operation::Create, Inputs::Some);
            let on = OnRecords { policy, model, operation, arrival: &arrival, side: 0, inputs };
            never(one, beside, &on.on_whole().and(differ.clone()))
        };
        never(after, before, &differ) || (never_allowed(after, before) && never_allowed(before, after))
    })
}
