//! Where the one role that a session has on AWS gives less than all the roles of its user: §11.4 of the observations.
//! Always: names every path, every operation and the smallest sets of groups; larger sets lose by the same pairs.

use crate::check::quote;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::policy::{Bucket, Path, Policy, Rule, Who};
use admit_runtime::Operations;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The most names that one warning lists of a kind.
const NAMED: usize = 12;

/// Warnings, one a path, of what users lose in storage by joining a group, with the rules that would give it back.
pub fn group_takes_away(policy: &Policy) -> Vec<Diagnostic> {
    if policy.groups.is_empty() {
        return Vec::new();
    }
    policy.buckets.iter().flat_map(|bucket| OfBucket::of(policy, bucket).warnings()).collect()
}

/// A role that users have, as far as paths tell roles apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role<'p> {
    Authenticated,
    Group(&'p str),
}

struct OfBucket<'p> {
    policy: &'p Policy,
    bucket: &'p Bucket,
    by_prefix: HashMap<&'p str, &'p Path>,
}

/// What one group's members lose on a path: what whom had gave them.
type Losses<'p> = BTreeMap<(usize, &'p str), Vec<(String, Operations)>>;

impl<'p> OfBucket<'p> {
    fn of(policy: &'p Policy, bucket: &'p Bucket) -> OfBucket<'p> {
        let by_prefix = bucket.paths.iter().map(|path| (path.prefix.as_str(), path)).collect();
        OfBucket { policy, bucket, by_prefix }
    }

    fn warnings(&self) -> Vec<Diagnostic> {
        self.bucket.paths.iter().filter_map(|path| self.warning(path)).collect()
    }

    fn warning(&self, path: &'p Path) -> Option<Diagnostic> {
        let chain = self.chain(path);
        let mut losses = Losses::new();
        let mut own = Operations::NONE;
        let signed_in = self.may(Role::Authenticated, &chain, true);
        for rule in path.rules.iter().filter(|rule| rule.who == Who::Entity) {
            own = own.with(rule.operations);
        }
        let held: Vec<(usize, &str, Operations)> = self
            .groups(&chain)
            .into_iter()
            .map(|(at, name)| (at, name, self.may(Role::Group(name), &chain, true)))
            .collect();
        for (at, group) in self.policy.groups.iter().enumerate() {
            let has = self.may(Role::Group(&group.name), &chain, false);
            let mut lost = |from: String, what: Operations| {
                if !what.is_empty() {
                    losses.entry((at, group.name.as_str())).or_default().push((from, what));
                }
            };
            lost("users in no group".into(), signed_in.without(has));
            for (_, other, theirs) in held.iter().filter(|(other, ..)| *other > at) {
                lost(format!("users of `{other}`"), theirs.without(has).without(signed_in));
            }
            lost("owners of a folder".into(), own.without(has).without(signed_in));
        }
        (!losses.is_empty()).then(|| self.say(path, &chain, &losses, own))
    }

    /// The paths above a path, shortest first, and itself.
    fn chain(&self, path: &'p Path) -> Vec<&'p Path> {
        let inner = path.prefix.strip_suffix('/').unwrap_or(&path.prefix);
        let above = inner.match_indices('/').filter_map(|(at, _)| self.by_prefix.get(&path.prefix[..=at]).copied());
        above.chain([path]).collect()
    }

    /// The groups that rules of these paths are about, with their precedence.
    fn groups(&self, chain: &[&'p Path]) -> BTreeSet<(usize, &'p str)> {
        let named: BTreeSet<&str> =
            chain.iter().flat_map(|path| &path.rules).flat_map(|rule| names(&rule.who)).collect();
        let groups = self.policy.groups.iter().enumerate();
        let is_about = |name: &'p str| self.policy.acts_as(name).any(|acting| named.contains(acting));
        groups.filter(|(_, group)| is_about(&group.name)).map(|(at, group)| (at, group.name.as_str())).collect()
    }

    /// What a role may do below the last path: from the first path that gives it, every longer one must. `perhaps`
    /// counts rules that depend on something as true.
    fn may(&self, role: Role<'_>, chain: &[&Path], perhaps: bool) -> Operations {
        let mut given = Operations::NONE;
        let mut open = Operations::NONE;
        let mut taken = Operations::NONE;
        for path in chain {
            if !path.rules.iter().any(|rule| rule.who != Who::Entity) {
                continue;
            }
            let mine = || path.rules.iter().filter(|rule| self.is_of(role, rule));
            let named = mine().fold(Operations::NONE, |all, rule| all.with(rule.operations));
            let holding = mine().filter(|rule| perhaps || !rule.is_guarded());
            let here = holding.fold(Operations::NONE, |all, rule| all.with(rule.operations));
            open = here.without(given.without(open));
            given = given.with(named);
            let denies = path.denies.iter().filter(|deny| self.is_of(role, deny) && !deny.is_guarded());
            taken = denies.fold(taken, |all, deny| all.with(deny.operations));
        }
        open.without(taken)
    }

    fn is_of(&self, role: Role<'_>, rule: &Rule) -> bool {
        match (role, &rule.who) {
            (Role::Authenticated, Who::Authenticated(_)) => true,
            (Role::Group(name), who @ Who::Groups { .. }) => {
                self.policy.acts_as(name).any(|acting| names(who).any(|named| named == acting))
            }
            _ => false,
        }
    }

    fn say(&self, path: &Path, chain: &[&Path], losses: &Losses<'_>, own: Operations) -> Diagnostic {
        let written = format!("{}{}*", path.prefix, if path.entity { "{entity_id}/" } else { "" });
        let message = format!("joining a group takes access to `{written}` away");
        // Groups that lose the same are named together.
        let mut together: BTreeMap<(String, u8), Vec<String>> = BTreeMap::new();
        let mut rules: BTreeMap<u8, Vec<&str>> = BTreeMap::new();
        for ((_, name), of) in losses {
            for (from, what) in of {
                together.entry((from.clone(), what.0)).or_default().push(format!("`{name}`"));
            }
            let mendable = of.iter().filter(|(from, _)| from != "owners of a folder");
            let lost = mendable.fold(Operations::NONE, |all, (_, what)| all.with(*what));
            if !lost.is_empty() {
                let all = lost.with(self.may(Role::Group(name), &chain[chain.len() - 1..], false));
                rules.entry(all.0).or_default().push(name);
            }
        }
        let lost = together.iter().map(|((from, what), groups)| {
            format!("{from} who join {} lose {}", listed(groups, "or"), words(Operations(*what)).join(", "))
        });
        let label = lost.collect::<Vec<_>>().join("; ");
        let rules = rules.iter().map(|(what, groups)| {
            let to: Vec<String> = words(Operations(*what)).into_iter().map(quote).collect();
            let names: Vec<String> = groups.iter().map(|name| quote(name)).collect();
            match names.as_slice() {
                [one] => format!("`allow.group({one}).to([{}])`", to.join(", ")),
                names => format!("`allow.groups([{}]).to([{}])`", names.join(", "), to.join(", ")),
            }
        });
        let rules: Vec<String> = rules.collect();
        let mut help = Vec::new();
        if !rules.is_empty() {
            help.push(format!("to give it back, let this path say {}", rules.join(" and ")));
        }
        if !own.is_empty() {
            help.push("no rule gives the members of a group their own folders".into());
        }
        let warning = Diagnostic::new(codes::GROUP_TAKES_AWAY, path.place.file as usize, path.place.span, message);
        warning.label(label).help(help.join("; "))
    }
}

fn names(who: &Who) -> impl Iterator<Item = &str> {
    let names: &[String] = if let Who::Groups { names, .. } = who { names } else { &[] };
    names.iter().map(String::as_str)
}

/// The words of storage operations.
fn words(operations: Operations) -> Vec<&'static str> {
    let (reads, rest) = match operations.contains(Operations::STORAGE_READ) {
        true => (vec!["read"], operations.without(Operations::STORAGE_READ)),
        false => (Vec::new(), operations),
    };
    let each = [
        (Operations::GET, "get"),
        (Operations::LIST, "list"),
        (Operations::WRITE, "write"),
        (Operations::DELETE, "delete"),
    ];
    reads.into_iter().chain(each.into_iter().filter(|(one, _)| rest.meets(*one)).map(|(_, word)| word)).collect()
}

fn listed(names: &[String], word: &str) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        names if names.len() > NAMED => {
            format!("{} {word} one of {} more groups", names[..NAMED].join(", "), names.len() - NAMED)
        }
        [first @ .., last] => format!("{} {word} {last}", first.join(", ")),
    }
}
