//! Formulas as the ways in which they are true, and those in words.
//! Always: the ways together are exactly the formula; what is said of one is true of it.

use super::formula::{Formula, Leaf, Wanted};
use super::scene::{Link, Scene, Side};
use super::search::{Found, SMALL, search};
use crate::condition::{Condition, Truth};
use crate::definition::Spelling;
use crate::matrix::{Dynamic, DynamicKind};
use crate::policy::{Policy, Who};
use crate::words::{self, Words};
use admit_runtime::{Mode, Provider};
use std::collections::BTreeSet;

/// The most ways that are told apart.
pub(crate) const MAX_WAYS: usize = 512;

/// One way in which a formula is true: each of these is.
pub(crate) type Term = Vec<Formula>;

/// The ways in which a formula is true; none if there are too many.
pub(crate) fn terms(formula: &Formula) -> Option<Vec<Term>> {
    let all = match formula {
        Formula::Leaf(..) => vec![vec![formula.clone()]],
        // A condition stays as it is written, and so does what excepts somebody.
        Formula::Any(parts) if !parts.is_empty() && !says_who_somewhere(formula) => vec![vec![formula.clone()]],
        Formula::Any(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(terms(part)?);
            }
            all
        }
        Formula::All(parts) => {
            let mut all: Vec<Term> = vec![Vec::new()];
            for part in parts {
                let each = terms(part)?;
                if all.len() * each.len() > MAX_WAYS {
                    return None;
                }
                all = all.iter().flat_map(|one| each.iter().map(move |more| joined(one, more))).collect();
            }
            all
        }
    };
    (all.len() <= MAX_WAYS).then(|| fewest(all))
}

fn joined(one: &Term, more: &Term) -> Term {
    let new = more.iter().filter(|part| !one.contains(part)).cloned();
    one.iter().cloned().chain(new).collect()
}

/// Without ways that need all that another one needs, and more. What everybody has is said of groups and owners too.
fn fewest(all: Vec<Term>) -> Vec<Term> {
    let named = |term: &Term| term.iter().any(says_who);
    let within =
        |small: &Term, large: &Term| small.iter().all(|part| large.contains(part)) && (named(small) || !named(large));
    let mut kept: Vec<Term> = Vec::new();
    for term in all {
        if kept.iter().any(|known| within(known, &term)) {
            continue;
        }
        kept.retain(|known| !within(&term, known));
        kept.push(term);
    }
    kept
}

/// Whether a formula says somewhere who the caller is, not only who it is not.
fn says_who_somewhere(formula: &Formula) -> bool {
    match formula {
        Formula::All(parts) | Formula::Any(parts) => parts.iter().any(says_who_somewhere),
        // Everybody of the identity pool is asked not to be in a group.
        Formula::Leaf(Leaf::SomeGroup, wanted) => !wanted.has(Truth::True),
        Formula::Leaf(leaf, wanted) => is_who(leaf) && wanted.has(Truth::True),
    }
}

/// Whether a part is what a deny leaves: somebody whom it does not mean, or something that is not so.
fn is_exception(formula: &Formula) -> bool {
    let (mut positive, mut negative_who) = (false, false);
    formula.each_leaf_wanted(&mut |leaf, wanted| {
        let is = wanted.has(Truth::True) != (*leaf == Leaf::SomeGroup);
        positive |= is;
        negative_who |= !is && is_who(leaf);
    });
    negative_who || !positive
}

/// Whether a part of a way says who the caller is.
pub(crate) fn says_who(part: &Formula) -> bool {
    match part {
        Formula::Leaf(Leaf::SomeGroup, _) => false,
        Formula::Leaf(leaf, wanted) => is_who(leaf) && wanted.has(Truth::True),
        _ => false,
    }
}

fn is_who(leaf: &Leaf) -> bool {
    matches!(
        leaf,
        Leaf::Groups { .. } | Leaf::Best { .. } | Leaf::Named { .. } | Leaf::Creates { .. } | Leaf::SomeGroup
    )
}

impl Formula {
    fn each_leaf_wanted(&self, visit: &mut dyn FnMut(&Leaf, Wanted)) {
        match self {
            Formula::All(parts) | Formula::Any(parts) => parts.iter().for_each(|part| part.each_leaf_wanted(visit)),
            Formula::Leaf(leaf, wanted) => visit(leaf, *wanted),
        }
    }
}

/// Whom a way is about, and what must be true besides.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Said {
    /// Each must be the caller.
    pub whos: Vec<Who>,
    /// In the policy's words.
    pub when: Option<String>,
}

/// A way in words, for callers of a mode.
pub(crate) fn said(policy: &Policy, mode: Mode, term: &Term) -> Said {
    let words = Words::of(policy);
    let (mut whos, mut conditions, mut exceptions) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for part in term {
        match part {
            // Not to be in any group is what the identity pool asks of everybody.
            Formula::Leaf(Leaf::SomeGroup, wanted) if !wanted.has(Truth::True) => (),
            Formula::Leaf(leaf, wanted) if is_who(leaf) && wanted.has(Truth::True) => {
                whos.extend(who_of(policy, mode, leaf))
            }
            Formula::Leaf(leaf, _) if !is_who(leaf) => drop(conditions.insert(in_words(policy, words, mode, part))),
            part if is_exception(part) => drop(exceptions.insert(in_words(policy, words, mode, &part.negated()))),
            part => drop(conditions.insert(in_words(policy, words, mode, part))),
        }
    }
    whos.sort();
    whos.dedup();
    if whos.is_empty() {
        whos.extend(everybody(mode));
    }
    let only = conditions.len() == 1;
    let condition =
        conditions.into_iter().map(|one| if one.contains(" || ") && !only { format!("({one})") } else { one });
    let condition = condition.collect::<Vec<_>>().join(" && ");
    let exceptions: Vec<String> = exceptions.into_iter().collect();
    let unless = if exceptions.is_empty() { String::new() } else { format!("unless {}", exceptions.join(" or ")) };
    let when = match (condition.is_empty(), unless.is_empty()) {
        (true, true) => None,
        (false, true) => Some(condition),
        (true, false) => Some(unless),
        (false, false) => Some(format!("{condition}, {unless}")),
    };
    Said { whos, when }
}

/// Everybody of a mode, as a who.
pub(crate) fn everybody(mode: Mode) -> Option<Who> {
    match mode {
        Mode::ApiKey => Some(Who::ApiKey),
        Mode::Guest => Some(Who::Guest),
        Mode::Lambda => Some(Who::Custom),
        Mode::UserPool | Mode::Oidc | Mode::IdentityPool => Some(Who::Authenticated(mode)),
        Mode::Function | Mode::Iam => None,
    }
}

fn provider(mode: Mode) -> Provider {
    if mode == Mode::Oidc { Provider::Oidc } else { Provider::UserPools }
}

fn who_of(policy: &Policy, mode: Mode, leaf: &Leaf) -> Option<Who> {
    match leaf {
        Leaf::Groups { claim, names } => {
            Some(Who::Groups { names: names.clone(), provider: provider(mode), claim: claim.clone() })
        }
        Leaf::Best { names } if names.is_empty() => everybody(mode),
        Leaf::Best { names } => {
            Some(Who::Groups { names: names.clone(), provider: provider(mode), claim: policy.group_claim.clone() })
        }
        Leaf::Named { who, .. } => Some(who.clone()),
        Leaf::Creates { role, .. } => Some(of_role(role)),
        _ => None,
    }
}

/// The who that a role came from.
pub(crate) fn of_role(role: &Dynamic) -> Who {
    let Dynamic { provider, kind, list, field, claim } = role.clone();
    match kind {
        DynamicKind::Owner => Who::Owner { field, list, provider, claim },
        DynamicKind::Group => {
            Who::GroupsIn { field, list, provider, claim: claim.into_iter().next().unwrap_or_default() }
        }
    }
}

/// A formula in words. What is only not false is said as if it were true: what is unknown denies.
fn in_words(policy: &Policy, words: Words<'_>, mode: Mode, formula: &Formula) -> String {
    let joined = |parts: &[Formula], with: &str| {
        let each = parts.iter().map(|part| match part {
            Formula::Leaf(..) => in_words(policy, words, mode, part),
            part => format!("({})", in_words(policy, words, mode, part)),
        });
        each.collect::<Vec<_>>().join(with)
    };
    match formula {
        Formula::All(parts) => joined(parts, if has_who(formula) { " and " } else { " && " }),
        Formula::Any(parts) => joined(parts, if has_who(formula) { " or " } else { " || " }),
        Formula::Leaf(Leaf::Test { test, .. }, wanted) => {
            let test = Condition::Test(test.clone());
            words::condition(&if wanted.has(Truth::True) { test } else { Condition::Not(Box::new(test)) })
        }
        Formula::Leaf(leaf, wanted) => {
            let who = match who_of(policy, mode, leaf) {
                Some(who) => words.caller(&who),
                None => match leaf {
                    Leaf::SomeGroup => "in a group".into(),
                    Leaf::Proposes { field, .. } => format!("{field} is proposed"),
                    Leaf::ProposesNull { field, .. } => format!("{field} is set to null"),
                    _ => String::new(),
                },
            };
            if wanted.has(Truth::True) { who } else { format!("not {who}") }
        }
    }
}

fn has_who(formula: &Formula) -> bool {
    let mut has = false;
    formula.each_leaf(&mut |leaf| has |= is_who(leaf));
    has
}

/// Whether some request of these sides makes a formula true; what cannot be settled may be.
pub(crate) fn is_possible(policy: &Policy, sides: Vec<Side<'_>>, formula: &Formula) -> bool {
    if formula.is_never() {
        return false;
    }
    let fixed = BTreeSet::new();
    let mut scene = Scene::new(policy, sides, Link::Apart, formula, fixed);
    search(&mut scene, formula, SMALL, &mut |_| true) != Found::No || !scene.opaque.is_empty()
}

/// The same for callers whose tokens say all of who they are, so that every spelling of an owner is known.
pub(crate) fn with_whole_tokens(formula: &Formula) -> Formula {
    match formula {
        Formula::All(parts) => Formula::All(parts.iter().map(with_whole_tokens).collect()),
        Formula::Any(parts) => Formula::Any(parts.iter().map(with_whole_tokens).collect()),
        Formula::Leaf(Leaf::Named { side, who, spelling: Spelling::Any }, wanted) => {
            let leaf = Leaf::Named { side: *side, who: who.clone(), spelling: Spelling::Complete };
            Formula::Leaf(leaf, *wanted)
        }
        leaf => leaf.clone(),
    }
}
