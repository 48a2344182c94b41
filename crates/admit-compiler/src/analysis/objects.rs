//! When a caller may touch an object of a bucket, as a formula, and which keys and callers must be looked at.
//! Always: binds paths by the definition's own code, for callers whose identity and path claims are fixed.

use super::deeds::Arrival;
use super::formula::{Formula, Leaf};
use super::settled::{Choice, Settled, segment_of};
use crate::condition::Truth;
use crate::definition::{Caller, StorageRole, Touch, Value};
use crate::policy::{Bucket, Keys, Path, Policy, Roles, Rule, Who};
use admit_runtime::{Mode, Operations};
use std::collections::{BTreeMap, BTreeSet};

/// A key, and a caller of whom identity and path claims are settled.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Place {
    pub key: String,
    pub caller: Caller,
    /// The claims that are settled, given or missing.
    pub claims: BTreeSet<String>,
    /// Whether they may hold more than is tried.
    pub is_partial: bool,
}

/// The identity of callers that are made up.
const ME: &str = "me";
/// Another, who owns no folder of any key.
const ANOTHER: &str = "~another";
/// What ends made-up keys.
const FILE: &str = "~";

impl Place {
    /// The same for a caller who is known, if this one's identity is not: one who owns none of the folders.
    pub fn of_another(&self) -> Option<Place> {
        let unknown = self.caller.mode == Mode::IdentityPool && self.caller.identity_id.is_none();
        let caller = Caller { identity_id: Some(ANOTHER.to_owned()), ..self.caller.clone() };
        unknown.then(|| Place { caller, ..self.clone() })
    }
}

/// Something that stands in a path's place.
enum Segment<'p> {
    Literal(&'p str),
    Claim(&'p str),
    Own,
    Others,
}

/// Every kind of key that the paths tell apart among `keys`, with the callers who are settled in each way.
pub(crate) fn places(policies: &[&Policy], bucket: &Bucket, keys: &Keys, arrival: &Arrival) -> Vec<Place> {
    let settled = Settled::of(policies, bucket);
    let claims: BTreeSet<String> = settled.values.keys().cloned().collect();
    let mut places = Vec::new();
    for choice in settled.choices() {
        let mut add = |key: String, own: BTreeMap<&str, String>, identity: Option<String>| {
            let mut caller = arrival.caller();
            if matches!(arrival.mode, Mode::UserPool | Mode::IdentityPool) {
                caller.identity_id = identity;
            }
            for (claim, value) in choice.iter().filter(|_| arrival.mode != Mode::Function) {
                let own = own.get(claim).map(|text| Value::Text(text.clone()));
                if let Some(value) = own.or_else(|| value.cloned()) {
                    caller.claims.insert((*claim).to_owned(), value);
                }
            }
            let place = Place { key, caller, claims: claims.clone(), is_partial: settled.is_partial };
            if !places.contains(&place) {
                places.push(place);
            }
        };
        let asked = match keys {
            Keys::All => "",
            Keys::One(key) | Keys::Below(key) => key,
        };
        let base = if matches!(keys, Keys::One(_)) { asked.to_owned() } else { format!("{asked}{FILE}") };
        add(base, BTreeMap::new(), Some(ME.to_owned()));
        for path in &bucket.paths {
            for segments in shapes(path) {
                if let Some((key, own, identity)) = unified(&segments, asked, matches!(keys, Keys::One(_)), &choice) {
                    let identity = Some(identity.unwrap_or_else(|| ME.to_owned()));
                    // A claim that is no segment of a key leaves open whether the path is its own.
                    let is_own = |claim: &&str| choice.get(claim).is_none_or(|value| segment_of(*value).is_some());
                    let segments: BTreeMap<&str, String> = own
                        .iter()
                        .filter(|(claim, _)| is_own(claim))
                        .map(|(claim, text)| (*claim, text.clone()))
                        .collect();
                    if segments.len() < own.len() {
                        add(key.clone(), segments, identity.clone());
                    }
                    add(key, own, identity);
                }
            }
        }
    }
    // A caller whose identity nobody knows may own any folder, which denies take from him.
    if bucket.paths.iter().any(|path| path.entity) {
        for place in places.clone().into_iter().filter(|place| place.caller.identity_id.is_some()) {
            let caller = Caller { identity_id: None, ..place.caller.clone() };
            let unknown = Place { caller, ..place };
            if !places.contains(&unknown) {
                places.push(unknown);
            }
        }
    }
    places
}

/// Keys on a path, or in the caller's `own` folder of it, of callers who have what the path asks for: one for each choice of
/// what its claims hold.
pub(crate) fn on_path(policy: &Policy, bucket: &Bucket, path: &Path, arrival: &Arrival, own: bool) -> Vec<Place> {
    let settled = Settled::of(&[policy], bucket);
    let place = |choice: &Choice<'_>| {
        let mut shapes = shapes(path);
        let segments = if path.entity && !own { shapes.pop() } else { shapes.into_iter().next() };
        let unified = segments.and_then(|segments| unified(&segments, "", false, choice));
        let (key, claims, identity) = unified.unwrap_or_default();
        let mut caller = arrival.caller();
        if arrival.mode == Mode::IdentityPool {
            caller.identity_id = Some(identity.unwrap_or_else(|| ME.to_owned()));
        }
        if arrival.mode != Mode::Function {
            caller.claims =
                claims.iter().map(|(name, value)| ((*name).to_owned(), Value::Text(value.clone()))).collect();
        }
        let claims = claims.into_keys().map(str::to_owned).collect();
        Place { key, caller, claims, is_partial: settled.is_partial }
    };
    let mut places = Vec::new();
    for place in settled.choices().iter().map(place) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

/// The path's segments; one that ends in the caller's folder once as the caller's own and once as another's.
fn shapes(path: &Path) -> Vec<Vec<Segment<'_>>> {
    let base = || -> Vec<Segment<'_>> {
        let segments = path.prefix.split('/').filter(|segment| !segment.is_empty()).enumerate();
        segments
            .map(|(number, text)| match path.claims.iter().find(|(at, _)| *at == number) {
                Some((_, claim)) => Segment::Claim(claim),
                None => Segment::Literal(text),
            })
            .collect()
    };
    match path.entity {
        false => vec![base()],
        true => {
            [Segment::Own, Segment::Others].into_iter().map(|last| base().into_iter().chain([last]).collect()).collect()
        }
    }
}

/// A key of a path that begins with what is asked (or, `whole`, is it), and the claims and identity that it then needs.
type Unified<'p> = (String, BTreeMap<&'p str, String>, Option<String>);

fn unified<'p>(segments: &[Segment<'p>], asked: &str, whole: bool, choice: &Choice<'_>) -> Option<Unified<'p>> {
    let mut asked_segments = asked.split('/').collect::<Vec<&str>>();
    let partial = asked_segments.pop().unwrap_or_default();
    if whole && segments.len() > asked_segments.len() {
        return None;
    }
    let (mut key, mut own, mut identity) = (Vec::new(), BTreeMap::new(), None);
    for (number, segment) in segments.iter().enumerate() {
        let settled = asked_segments.get(number).copied();
        let start = if number == asked_segments.len() { partial } else { "" };
        let made_up = |text: &str| if text.starts_with(start) { text.to_owned() } else { format!("{start}{text}") };
        let text = match (segment, settled) {
            (Segment::Literal(text), Some(settled)) if *text == settled => settled.to_owned(),
            (Segment::Literal(text), None) if text.starts_with(start) => (*text).to_owned(),
            (Segment::Literal(_), _) => return None,
            (Segment::Claim(claim), settled) => {
                let known = own.get(claim).cloned();
                let text = known.unwrap_or_else(|| {
                    // What is no segment leads to no key; the path then covers none.
                    let chosen = choice.get(claim).and_then(|value| segment_of(*value)).unwrap_or(ME);
                    settled.map_or_else(|| made_up(chosen), str::to_owned)
                });
                own.insert(*claim, text.clone());
                text
            }
            (Segment::Own, settled) => {
                let text = settled.map_or_else(|| made_up(ME), str::to_owned);
                identity = Some(text.clone());
                text
            }
            (Segment::Others, settled) => {
                let text = settled.map_or_else(|| made_up("other"), str::to_owned);
                identity = Some(if text == ME { "you" } else { ME }.to_owned());
                text
            }
        };
        if settled.is_some_and(|settled| settled != text) {
            return None;
        }
        key.push(text);
    }
    let rest = if asked_segments.len() >= segments.len() {
        let left = asked_segments[segments.len()..].iter().map(|part| format!("{part}/")).collect::<String>();
        left + partial + if whole { "" } else { FILE }
    } else {
        FILE.to_owned()
    };
    Some((format!("{}/{rest}", key.join("/")).trim_start_matches('/').to_owned(), own, identity))
}

/// What a rule came to grant, as in the definition.
struct Grant {
    prefix: String,
    inserted_in: Option<String>,
    role: StorageRole,
    operations: Operations,
    holds: Formula,
}

/// When the caller of a place may touch its key.
pub(crate) fn on_object(policy: &Policy, bucket: &Bucket, needs: Operations, place: &Place) -> Formula {
    let (caller, key) = (&place.caller, place.key.as_str());
    if !policy.admits(caller.mode) {
        return Formula::never();
    }
    let touch = Touch { policy, bucket, caller, key };
    let (grants, alike) = grants(&touch);
    let mut by_grants: BTreeMap<Vec<bool>, Vec<String>> = BTreeMap::new();
    let mut plain = Vec::new();
    let roles: BTreeSet<&StorageRole> = grants.iter().map(|grant| &grant.role).collect();
    for role in roles {
        match role {
            StorageRole::Group(name) => {
                let has: Vec<bool> = grants.iter().map(|grant| grant.role == *role).collect();
                // Groups of one rule have the same grants, each its own copy: compared by what they say.
                let key = same_as(&grants, &has);
                by_grants.entry(key).or_default().extend(alike.get(name).into_iter().flatten().cloned());
            }
            role => plain.push(role.clone()),
        }
    }
    let allowed = Formula::either(
        plain.iter().map(|role| is_role(policy, caller, role).and(role_may(&grants, role, needs, key))).chain(
            by_grants.into_values().map(|mut names| {
                let role = StorageRole::Group(names[0].clone());
                names.sort();
                match role_may(&grants, &role, needs, key) {
                    may if may.is_never() => may,
                    may => in_groups(policy, caller, names).and(may),
                }
            }),
        ),
    );
    if allowed.is_never() { allowed } else { allowed.and(not_denied(&touch, needs)) }
}

/// For each grant, whether a role has one that says the same: equal for roles that may be judged together.
fn same_as(grants: &[Grant], has: &[bool]) -> Vec<bool> {
    let says = |one: &Grant, other: &Grant| {
        (&one.prefix, &one.inserted_in, one.operations, &one.holds)
            == (&other.prefix, &other.inserted_in, other.operations, &other.holds)
    };
    let mine: Vec<&Grant> = grants.iter().zip(has).filter(|(_, has)| **has).map(|(grant, _)| grant).collect();
    grants.iter().map(|grant| mine.iter().any(|own| says(own, grant))).collect()
}

/// What rules grant. Groups of the same rules are granted the same: the first of them stands for all, who are named.
fn grants(touch: &Touch<'_>) -> (Vec<Grant>, BTreeMap<String, Vec<String>>) {
    let mut rules_of: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, rule) in touch.bucket.paths.iter().flat_map(|path| &path.rules).enumerate() {
        for role in touch.rule_roles(rule) {
            if let StorageRole::Group(name) = role {
                rules_of.entry(name).or_default().push(at);
            }
        }
    }
    let mut by_rules: BTreeMap<Vec<usize>, Vec<String>> = BTreeMap::new();
    for (name, rules) in rules_of {
        by_rules.entry(rules).or_default().push(name);
    }
    let alike: BTreeMap<String, Vec<String>> = by_rules.into_values().map(|names| (names[0].clone(), names)).collect();
    let mut all = Vec::new();
    for path in &touch.bucket.paths {
        let Some((bound, certain)) = touch.bind(path) else { continue };
        for rule in &path.rules {
            let holds = if certain { guard(touch, rule) } else { Formula::never() };
            let (prefix, inserted_in) = match (&rule.who, touch.own_folder(path, &bound)) {
                (Who::Entity, Some(folder)) => (folder, Some(bound.clone())),
                (Who::Entity, None) => (format!("{bound}\0/"), Some(bound.clone())),
                _ => (bound.clone(), None),
            };
            let first = |role: &StorageRole| !matches!(role, StorageRole::Group(name) if !alike.contains_key(name));
            for role in touch.rule_roles(rule).into_iter().filter(first) {
                let (prefix, inserted_in, holds) = (prefix.clone(), inserted_in.clone(), holds.clone());
                all.push(Grant { prefix, inserted_in, role, operations: rule.operations, holds });
            }
        }
    }
    (all, alike)
}

/// Whether the caller may act in a role that is no group's.
fn is_role(policy: &Policy, caller: &Caller, role: &StorageRole) -> Formula {
    let signed_in = matches!(caller.mode, Mode::UserPool | Mode::IdentityPool);
    match role {
        StorageRole::Guest => Formula::of(caller.mode == Mode::Guest),
        StorageRole::Function(name) => {
            Formula::of(caller.mode == Mode::Function && caller.function.as_ref() == Some(name))
        }
        StorageRole::Authenticated if !signed_in => Formula::never(),
        StorageRole::Authenticated if policy.roles == Roles::Union => Formula::always(),
        StorageRole::Authenticated => Formula::is(Leaf::Best { names: Vec::new() }, Truth::True),
        StorageRole::Group(_) => Formula::never(),
    }
}

fn in_groups(policy: &Policy, caller: &Caller, names: Vec<String>) -> Formula {
    let claim = policy.group_claim.clone();
    match (caller.mode, policy.roles) {
        (Mode::UserPool | Mode::IdentityPool, Roles::Union) => Formula::is(Leaf::Groups { claim, names }, Truth::True),
        (Mode::UserPool | Mode::IdentityPool, Roles::Preferred) => Formula::is(Leaf::Best { names }, Truth::True),
        _ => Formula::never(),
    }
}

/// Rules of a path replace those above it for whoever has the operation above, true or not.
fn role_may(grants: &[Grant], role: &StorageRole, needs: Operations, key: &str) -> Formula {
    let of = |prefix: &str| -> Option<Formula> {
        let of_role = grants.iter().filter(|grant| grant.role == *role && grant.operations.meets(needs));
        let mut of_role = of_role.filter(|grant| grant.prefix == prefix).map(|grant| grant.holds.clone()).peekable();
        of_role.peek().is_some().then(|| Formula::any(of_role))
    };
    let covering: BTreeSet<&str> =
        grants.iter().filter(|grant| key.starts_with(&grant.prefix)).map(|grant| grant.prefix.as_str()).collect();
    let allowed = Formula::any(covering.iter().filter_map(|prefix| of(prefix)));
    let replaced = |child: &Grant| {
        grants.iter().any(|parent| {
            let under = child.prefix != parent.prefix && child.prefix.starts_with(&parent.prefix);
            under && child.inserted_in.as_ref() != Some(&parent.prefix) && of(&parent.prefix).is_some()
        })
    };
    let children = grants.iter().filter(|grant| key.starts_with(&grant.prefix) && replaced(grant));
    let prefixes: BTreeSet<&str> = children.map(|grant| grant.prefix.as_str()).collect();
    let each = prefixes.into_iter().map(|prefix| of(prefix).unwrap_or_else(Formula::never));
    if allowed.is_never() { allowed } else { allowed.and(Formula::all(each)) }
}

/// No deny above or at the key holds.
fn not_denied(touch: &Touch<'_>, needs: Operations) -> Formula {
    let mut all = Vec::new();
    for path in &touch.bucket.paths {
        let Some((bound, _)) = touch.bind(path) else { continue };
        for deny in path.denies.iter().filter(|deny| deny.operations.meets(needs)) {
            let prefix = match (&deny.who, touch.identity()) {
                (Who::Entity, Some(_)) => touch.own_folder(path, &bound),
                _ => Some(bound.clone()),
            };
            if prefix.is_some_and(|prefix| touch.key.starts_with(&prefix)) {
                let whos = deny.whos().map(|who| who_is(touch, who, Truth::False));
                let condition = deny.condition.iter().map(|of| Formula::condition(of, false, 0));
                all.push(Formula::any(whos.chain(condition)));
            }
        }
    }
    Formula::all(all)
}

fn guard(touch: &Touch<'_>, rule: &Rule) -> Formula {
    let whos = rule.and.iter().map(|who| who_is(touch, who, Truth::True));
    let condition = rule.condition.iter().map(|of| Formula::condition(of, true, 0));
    Formula::all(whos.chain(condition))
}

/// That a who is, or certainly is not, the caller in storage.
pub(crate) fn who_is(touch: &Touch<'_>, who: &Who, truth: Truth) -> Formula {
    let (policy, caller) = (touch.policy, touch.caller);
    let plain = |is: bool| Formula::of(is == (truth == Truth::True));
    let signed_in = matches!(caller.mode, Mode::UserPool | Mode::IdentityPool);
    match who {
        Who::Guest => plain(caller.mode == Mode::Guest),
        Who::Authenticated(_) | Who::Entity => plain(signed_in),
        Who::Groups { names, .. } if signed_in => {
            Formula::is(Leaf::Groups { claim: policy.group_claim.clone(), names: names.clone() }, truth)
        }
        Who::Function(name) => plain(caller.mode == Mode::Function && caller.function.as_ref() == Some(name)),
        _ => plain(false),
    }
}
