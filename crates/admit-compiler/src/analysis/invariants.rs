//! Whether invariants hold: for every possible request, in every mode; functions count, `iam` does not.
//! Always: "holds" only after every request was looked at, "broken" only with a request that the definition confirms,
//! and "undecided" with what it rests on.

use super::acts::{Act, On, acts};
use super::deeds::{Arrival, Inputs};
use super::formula::Formula;
use super::plain;
use super::scene::{Link, Scene, Side, may_hold, relinked};
use super::search::{BUDGET, Found, search};
use crate::definition::{Question, Stored, Value};
use crate::policy::{Deed, DeedTarget, Place, Policy, Requirement, RequirementKind, Whom};
use admit_runtime::Operation;

/// What an answer is.
#[derive(Clone, PartialEq, Debug)]
pub enum Answer {
    /// It is so for every request.
    Holds,
    /// It is not: this shows it.
    Broken(Box<Broken>),
    /// It could not be settled: what it rests on.
    Undecided(Vec<String>),
}

/// What shows that an invariant is broken.
#[derive(Clone, PartialEq, Debug)]
pub struct Broken {
    /// The request that is allowed; of [`RequirementKind::NoOne`] both; of [`RequirementKind::Whoever`] the one that is
    /// allowed, and then the one that is not. Nothing can be left out of them.
    pub requests: Vec<Question>,
    /// The rule that allows the first.
    pub rule: Option<Place>,
    /// The rules that allow the others, where they are allowed.
    pub others: Vec<Place>,
}

/// Whether a requirement holds.
pub fn holds(policy: &Policy, requirement: &Requirement) -> Answer {
    let mut doubts = Vec::new();
    for arrival in Arrival::all(policy) {
        for query in queries(policy, &requirement.kind, &arrival, &mut doubts) {
            match ask(policy, &query) {
                Answer::Holds => (),
                Answer::Undecided(of) => doubts.extend(of),
                broken => return broken,
            }
        }
    }
    doubts.sort();
    doubts.dedup();
    if doubts.is_empty() { Answer::Holds } else { Answer::Undecided(doubts) }
}

/// One way in which a requirement could be broken.
struct Query<'p> {
    /// Acts that are done.
    done: Vec<Act<'p>>,
    /// An act that is not done.
    not_done: Option<Act<'p>>,
    /// The caller is none of these.
    none_of: Vec<Whom>,
    /// The caller is this.
    is: Option<Whom>,
    link: Link,
}

fn queries<'p>(
    policy: &'p Policy,
    kind: &RequirementKind,
    arrival: &Arrival,
    doubts: &mut Vec<String>,
) -> Vec<Query<'p>> {
    let one = |deed: &Deed, side: usize| acts(policy, deed, arrival, side, Inputs::Some);
    let query = |done: Vec<Act<'p>>| Query { done, not_done: None, none_of: Vec::new(), is: None, link: Link::Apart };
    match kind {
        RequirementKind::Only(whos, deed) => {
            let each = one(deed, 0).into_iter();
            each.map(|act| Query { none_of: whos.clone(), ..query(vec![act]) }).collect()
        }
        RequirementKind::No(whom, deed) => {
            let each = one(deed, 0).into_iter();
            each.map(|act| Query { is: Some(whom.clone()), ..query(vec![act]) }).collect()
        }
        RequirementKind::NoOne(first, second) => {
            let seconds = one(second, 1);
            let mut all = Vec::new();
            for first in one(first, 0) {
                for second in &seconds {
                    match with_caller(&first, second) {
                        Some((first, second)) => all.push(query(vec![first, second])),
                        None if first.formula.is_never() || second.formula.is_never() => (),
                        None => doubts.push("the same caller with two identities".into()),
                    }
                }
            }
            all
        }
        RequirementKind::Whoever(first, second) => {
            let link = if same_records(first, second) { Link::Same } else { Link::Apart };
            let seconds = acts(policy, second, arrival, 1, Inputs::Plain);
            let mut all = Vec::new();
            for first in one(first, 0) {
                for second in &seconds {
                    if let Some((mut first, second)) = same_object(&first, second) {
                        if link == Link::Same && !first.take_record(&second) {
                            continue;
                        }
                        all.push(Query { not_done: Some(second), link, ..query(vec![first]) });
                    }
                }
            }
            all
        }
    }
}

fn same_records(first: &Deed, second: &Deed) -> bool {
    matches!((&first.target, &second.target),
        (DeedTarget::Record { model, .. }, DeedTarget::Record { model: other, .. }) if model == other)
}

/// Both acts with what is settled of one caller; none if it is settled in two ways.
fn with_caller<'p>(first: &Act<'p>, second: &Act<'p>) -> Option<(Act<'p>, Act<'p>)> {
    let (mut first, mut second) = (first.clone(), second.clone());
    match (&first.on, &second.on) {
        (On::Object(_, one), On::Object(_, other)) => {
            let same = one.caller.identity_id == other.caller.identity_id;
            let mut all = one.claims.intersection(&other.claims);
            let agree = all.all(|claim| one.caller.claims.get(claim) == other.caller.claims.get(claim));
            if !same || !agree {
                return None;
            }
            let claims: crate::definition::Record =
                one.caller.claims.clone().into_iter().chain(other.caller.claims.clone()).collect();
            first.side.question.caller.claims.clone_from(&claims);
            second.side.question.caller.claims = claims;
        }
        (On::Object(_, one), _) => second.side.question.caller = one.caller.clone(),
        (_, On::Object(_, other)) => first.side.question.caller = other.caller.clone(),
        _ => (),
    }
    Some((first, second))
}

/// Of two acts on objects, both only if they are on the same one.
fn same_object<'p>(first: &Act<'p>, second: &Act<'p>) -> Option<(Act<'p>, Act<'p>)> {
    match (&first.on, &second.on) {
        (On::Object(bucket, one), On::Object(of, other)) if bucket.name == of.name => {
            (one == other).then(|| (first.clone(), second.clone()))
        }
        _ => with_caller(first, second),
    }
}

fn ask(policy: &Policy, query: &Query<'_>) -> Answer {
    let Some(first) = query.done.first() else { return Answer::Holds };
    let mut parts: Vec<Formula> = query.done.iter().map(|act| act.formula.clone()).collect();
    parts.extend(query.not_done.iter().map(|act| act.formula.negated()));
    parts.extend(query.none_of.iter().map(|whom| first.is_whom(whom).negated()));
    parts.extend(query.is.iter().map(|whom| first.is_whom(whom)));
    let formula = Formula::all(parts);
    if formula.is_never() {
        return Answer::Holds;
    }
    let acts: Vec<&Act<'_>> = query.done.iter().chain(&query.not_done).collect();
    let sides: Vec<Side<'_>> = acts.iter().map(|act| act.side.clone()).collect();
    let fixed = acts.iter().flat_map(|act| act.fixed.iter().cloned()).collect();
    let mut scene = Scene::new(policy, sides, query.link, &formula, fixed);
    scene.relink();
    if acts.iter().any(|act| matches!(&act.on, On::Object(_, place) if place.is_partial)) {
        scene.opaque.insert("the many values that the claims of a path are compared with".to_owned());
    }
    let mut confirm = |scene: &mut Scene<'_>| {
        let mut requests: Vec<Question> = scene.sides.iter().map(|side| side.question.clone()).collect();
        let is = shows(policy, query, &mut requests);
        scene.sides.iter_mut().zip(requests).for_each(|(side, request)| side.question = request);
        is
    };
    let rests_on = |scene: &Scene<'_>, what: &str| {
        Answer::Undecided(scene.opaque.iter().cloned().chain([what.to_owned()]).filter(|of| !of.is_empty()).collect())
    };
    match search(&mut scene, &formula, BUDGET, &mut confirm) {
        Found::No if scene.opaque.is_empty() => Answer::Holds,
        Found::No => rests_on(&scene, ""),
        Found::OutOfSteps => rests_on(&scene, &format!("more than {BUDGET} steps")),
        Found::Unconfirmed => rests_on(&scene, "a request that the rules seem to allow and do not"),
        Found::Yes => {
            let mut requests = scene.sides.iter().map(|side| side.question.clone()).collect();
            if query.not_done.as_ref().is_some_and(reads_input) {
                return rests_on(&scene, "what the input changes");
            }
            shrink(policy, query, &mut requests);
            plain::written(&mut requests, &mut |requests| shows(policy, query, requests));
            let rules: Vec<Option<Place>> =
                query.done.iter().zip(&requests).map(|(act, request)| act.allowing(request)).collect();
            let others = rules.iter().skip(1).flatten().copied().collect();
            Answer::Broken(Box::new(Broken { requests, rule: rules.first().copied().flatten(), others }))
        }
    }
}

/// Whether an update's rules read what it changes.
fn reads_input(act: &Act<'_>) -> bool {
    let On::Records(model, _) = &act.on else { return false };
    let fields = model.fields.iter().flat_map(|field| field.rules.iter().chain(&field.denies));
    let mut reads = false;
    for rule in
        model.rules.iter().chain(&model.denies).chain(fields).filter(|_| act.side.operation == Operation::Update)
    {
        let mut visit = |term: &crate::condition::Term| reads |= term.source == crate::condition::Source::Input;
        rule.condition.iter().for_each(|condition| condition.each_term(&mut visit));
    }
    reads
}

/// Whether requests show, by the definition, that the requirement is broken.
fn shows(policy: &Policy, query: &Query<'_>, requests: &mut [Question]) -> bool {
    let models: Vec<_> = query.done.iter().chain(&query.not_done).map(|act| act.side.clone()).collect();
    if query.link == Link::Same {
        relinked(policy, &models, requests);
    }
    let held = |request: &Question| match request.caller.claims.get(&policy.group_claim) {
        Some(Value::List(items)) => may_hold(
            policy,
            items.0.iter().filter_map(|item| match item {
                Value::Text(text) => Some(text.as_str()),
                _ => None,
            }),
        ),
        _ => true,
    };
    let count = query.done.len();
    query.done.iter().zip(requests.iter_mut()).all(|(act, request)| act.is_about(request) && act.is_done(request))
        && query
            .not_done
            .iter()
            .zip(&requests[count..])
            .all(|(act, request)| (query.link == Link::Same || act.is_about(request)) && !act.can_be_done(request))
        && query.none_of.iter().all(|whom| !query.done[0].was_by(&requests[0], whom))
        && query.is.iter().all(|whom| query.done[0].was_by(&requests[0], whom))
        && held(&requests[0])
}

/// Leaves out of requests whatever they show it without.
fn shrink(policy: &Policy, query: &Query<'_>, requests: &mut Vec<Question>) {
    loop {
        let smaller = smaller(requests, query.link == Link::Same);
        let found = smaller.into_iter().find_map(|mut fewer| shows(policy, query, &mut fewer).then_some(fewer));
        match found {
            // An update that proposes nothing is given something again: no smaller.
            Some(fewer) if size(&fewer) < size(requests) => *requests = fewer,
            _ => return,
        }
    }
}

fn size(requests: &[Question]) -> usize {
    let of_value = |value: &Value| match value {
        Value::List(items) => 1 + items.0.len(),
        _ => 1,
    };
    let of = |record: &crate::definition::Record| record.values().map(of_value).sum::<usize>();
    let each = requests.iter().map(|request| {
        let stored = if let Stored::Given(record) = &request.stored { of(record) } else { 0 };
        of(&request.caller.claims)
            + stored
            + request.input.as_ref().map_or(0, of)
            + usize::from(request.caller.identity_id.is_some())
    });
    each.sum()
}

/// Every request with one thing left out.
fn smaller(requests: &[Question], linked: bool) -> Vec<Vec<Question>> {
    let mut all = Vec::new();
    let mut change = |edit: &dyn Fn(&mut [Question])| {
        let mut fewer = requests.to_vec();
        edit(&mut fewer);
        all.push(fewer);
    };
    for (name, value) in &requests[0].caller.claims {
        change(&|fewer| fewer.iter_mut().for_each(|one| drop(one.caller.claims.remove(name))));
        if let Value::List(items) = value {
            for at in 0..items.0.len() {
                change(&|fewer| fewer.iter_mut().for_each(|one| drop_item(one.caller.claims.get_mut(name), at)));
            }
        }
    }
    change(&|fewer| fewer.iter_mut().for_each(|one| one.caller.identity_id = None));
    for side in 0..requests.len() {
        if linked && side > 0 {
            continue;
        }
        if let Stored::Given(record) = &requests[side].stored {
            for (name, value) in record {
                change(&|fewer| with_stored(&mut fewer[side], |record| drop(record.remove(name))));
                let items = if let Value::List(items) = value { items.0.len() } else { 0 };
                for at in 0..items {
                    change(&|fewer| with_stored(&mut fewer[side], |record| drop_item(record.get_mut(name), at)));
                }
            }
        }
        for (name, value) in requests[side].input.iter().flatten() {
            change(&|fewer| drop(fewer[side].input.as_mut().and_then(|input| input.remove(name))));
            let items = if let Value::List(items) = value { items.0.len() } else { 0 };
            for at in 0..items {
                change(&|fewer| drop_item(fewer[side].input.as_mut().and_then(|input| input.get_mut(name)), at));
            }
        }
    }
    all
}

fn with_stored(question: &mut Question, change: impl FnOnce(&mut crate::definition::Record)) {
    if let Stored::Given(record) = &mut question.stored {
        change(record);
    }
}

fn drop_item(value: Option<&mut Value>, at: usize) {
    if let Some(Value::List(items)) = value
        && at < items.0.len()
    {
        items.0.remove(at);
    }
}
