//! The values that are settled for a claim of a path before anything else is tried: with them it is known which paths
//! cover which keys.
//! Always: whatever the claim holds, some value of these answers every condition of the policy alike.

use super::values::{Pool, Sort};
use crate::condition::{Condition, Kind, Literal, Operand, Source, Term, Test};
use crate::definition::{Record, Value, is_segment};
use crate::policy::{Bucket, Deed, DeedTarget, Policy, RequirementKind, Who};
use std::collections::{BTreeMap, BTreeSet};

/// A claim, or a field of any record.
type Slot<'p> = (bool, &'p str);

/// What the claims of a bucket's paths may hold, by claim.
pub(crate) struct Settled {
    /// The values, a new text first; none where the claim is not given.
    pub values: BTreeMap<String, Vec<Option<Value>>>,
    /// Whether these are not all that matter.
    pub is_partial: bool,
}

/// A value for each claim.
pub(crate) type Choice<'s> = BTreeMap<&'s str, Option<&'s Value>>;

/// The text of a claim that can stand in a path.
pub(crate) fn segment_of(value: Option<&Value>) -> Option<&str> {
    match value {
        Some(Value::Text(text)) if is_segment(text) => Some(text),
        _ => None,
    }
}

/// What a report says of places whose claims are not tried with every value that matters.
pub(crate) const MANY_TEXTS: &str = "its claims are compared with more texts than are tried";
/// The most combinations of values that are settled; more is told as what an answer rests on.
const MAX_CHOICES: usize = 1_000;

impl Settled {
    pub fn of(policies: &[&Policy], bucket: &Bucket) -> Settled {
        let claims: BTreeSet<&str> =
            bucket.paths.iter().flat_map(|path| &path.claims).map(|(_, claim)| claim.as_str()).collect();
        let mut settled = Settled { values: BTreeMap::new(), is_partial: false };
        for claim in claims {
            let (pool, is_tested) = pool(policies, claim);
            settled.is_partial |= pool.is_beyond();
            let new = format!("own-{}", claim.chars().filter(char::is_ascii_alphanumeric).collect::<String>());
            let text = |text: String| Some(Value::Text(text));
            let mut values = vec![text(new)];
            // Without a literal to tell values apart, one new value is like any other.
            if !pool.texts.is_empty() || !pool.starts.is_empty() || !pool.parts.is_empty() {
                let others = pool.values(Sort { kind: Kind::Text, list: false }, claim, &[], &[], 1);
                values.extend(others.into_iter().filter(|value| matches!(value, Some(Value::Text(_)))));
            }
            // What is no segment of a key stands in no path, and is tested all the same.
            if is_tested {
                let segments = values.iter().filter_map(|value| segment_of(value.as_ref()));
                let beside: Vec<Option<Value>> = segments.map(|segment| text(format!("{segment}/"))).collect();
                values.extend(beside);
                values.extend([Some(Value::Null), Some(Value::Object)]);
            }
            values.push(None);
            settled.values.insert(claim.to_owned(), values);
        }
        // Claims that are compared with each other may be equal.
        let new: Vec<Option<Value>> = settled.values.values().map(|values| values[0].clone()).collect();
        for values in settled.values.values_mut().filter(|_| new.len() > 1) {
            let missing: Vec<Option<Value>> = new.iter().filter(|text| !values.contains(text)).cloned().collect();
            values.extend(missing);
        }
        settled.is_partial |= settled.values.values().map(Vec::len).product::<usize>() > MAX_CHOICES;
        settled
    }

    /// Each choice of a value a claim, as far as they are tried.
    pub fn choices(&self) -> Vec<Choice<'_>> {
        let mut all: Vec<Choice<'_>> = vec![BTreeMap::new()];
        for (claim, values) in &self.values {
            let mut next = Vec::new();
            for choice in &all {
                for value in values {
                    let mut choice = choice.clone();
                    choice.insert(claim.as_str(), value.as_ref());
                    next.push(choice);
                }
            }
            next.truncate(MAX_CHOICES);
            all = next;
        }
        all
    }
}

/// Every text that a claim is compared with, by whichever claims and fields that stand between; and whether some test
/// reads it at all.
fn pool(policies: &[&Policy], claim: &str) -> (Pool, bool) {
    let mut tests: Vec<&Test> = Vec::new();
    let kinds = || {
        let invariants = policies.iter().flat_map(|policy| &policy.invariants);
        invariants.flat_map(|of| &of.requirements).map(|of| &of.kind)
    };
    let whoms = || kinds().flat_map(RequirementKind::whoms);
    let rules = || policies.iter().flat_map(|policy| policy.rules().chain(policy.denies()));
    let conditions = rules().filter_map(|rule| rule.condition.as_ref());
    conditions
        .chain(whoms().filter_map(|whom| whom.condition.as_ref()))
        .for_each(|condition| each_test(condition, &mut tests));
    let whos: Vec<&Who> = rules()
        .flat_map(|rule| rule.whos())
        .chain(whoms().flat_map(|whom| [&whom.who].into_iter().chain(&whom.and)))
        .collect();
    let mut slots: BTreeSet<Slot<'_>> = BTreeSet::from([(true, claim)]);
    loop {
        let before = slots.len();
        for test in &tests {
            let terms: Vec<Slot<'_>> = test.terms().into_iter().map(slot).collect();
            if terms.iter().any(|term| slots.contains(term)) {
                slots.extend(terms);
            }
        }
        for who in &whos {
            if let Who::Owner { field, claim, .. } = who {
                let mut parts = claim.iter().map(|part| (true, part.as_str())).chain([(false, field.as_str())]);
                if parts.clone().any(|part| slots.contains(&part)) {
                    slots.extend(parts.by_ref());
                }
            }
        }
        if slots.len() == before {
            break;
        }
    }
    let mut pool = Pool::default();
    for test in tests.iter().filter(|test| test.terms().into_iter().any(|term| slots.contains(&slot(term)))) {
        let Some(Operand::Literal(Literal::Text(text))) = test.operand() else { continue };
        match test {
            Test::HasText(..) => pool.parts.push(text.clone()),
            Test::StartsWith(..) => pool.starts.push(text.clone()),
            _ => drop(pool.texts.insert(text.clone())),
        }
    }
    for record in kinds().flat_map(RequirementKind::deeds).filter_map(record) {
        let named = record.iter().filter(|(name, _)| slots.contains(&(false, name.as_str())));
        named.for_each(|(_, value)| texts(value, &mut pool.texts));
    }
    pool.settle();
    let is_tested = tests.iter().any(|test| test.terms().into_iter().any(|term| slot(term) == (true, claim)));
    (pool, is_tested)
}

fn record(deed: &Deed) -> Option<&Record> {
    match &deed.target {
        DeedTarget::Record { record, .. } => Some(record),
        DeedTarget::Custom(..) | DeedTarget::Objects { .. } => None,
    }
}

fn texts(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Text(text) => drop(into.insert(text.clone())),
        Value::List(items) => items.0.iter().for_each(|item| texts(item, into)),
        _ => (),
    }
}

fn slot(term: &Term) -> Slot<'_> {
    (term.source == Source::Claim, term.name.as_str())
}

fn each_test<'c>(condition: &'c Condition, into: &mut Vec<&'c Test>) {
    match condition {
        Condition::Test(test) => into.push(test),
        Condition::Not(of) => each_test(of, into),
        Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| each_test(part, into)),
    }
}

impl RequirementKind {
    /// Whom it names.
    fn whoms(&self) -> &[crate::policy::Whom] {
        match self {
            RequirementKind::Only(whoms, _) => whoms,
            RequirementKind::No(whom, _) => std::slice::from_ref(whom),
            RequirementKind::Whoever(..) | RequirementKind::NoOne(..) => &[],
        }
    }

    /// The deeds that it speaks of.
    fn deeds(&self) -> Vec<&Deed> {
        match self {
            RequirementKind::Only(_, deed) | RequirementKind::No(_, deed) => vec![deed],
            RequirementKind::Whoever(one, other) | RequirementKind::NoOne(one, other) => vec![one, other],
        }
    }
}
