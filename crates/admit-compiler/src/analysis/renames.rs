//! Groups, models and fields that a change only renames: so that a reviewer reads one line, not the loss and the gain
//! of all.
//! Always: a rename is one only if all that is said of the old name is said of the new one, and of no other.

use crate::condition::{Condition, Operand, Source, Term, Test};
use crate::policy::{Field, Model, Policy, Rule, Who};
use admit_runtime::Operations;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// What has another name now.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Renamed {
    /// A group.
    Group,
    /// A model.
    Model,
    /// A field of the model of that name, which is the new one.
    Field(String),
}

/// A name that became another.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Rename {
    /// What it names.
    pub what: Renamed,
    /// The old name.
    pub from: String,
    /// The new name.
    pub to: String,
}

/// Old names and the new ones in their places.
type Names = BTreeMap<String, String>;

/// The renames between two policies, and the old one with the new names.
pub(crate) fn renamed<'p>(old: &'p Policy, new: &Policy) -> (Vec<Rename>, Cow<'p, Policy>) {
    let (mut found, mut old) = (Vec::new(), Cow::Borrowed(old));
    let mut tell = |what: Renamed, names: &Names| {
        let rename = |(from, to): (&String, &String)| Rename { what: what.clone(), from: from.clone(), to: to.clone() };
        found.extend(names.iter().map(rename));
    };
    let groups = groups(&old, new);
    if !groups.is_empty() {
        old = Cow::Owned(with_groups(old.into_owned(), &groups));
        tell(Renamed::Group, &groups);
    }
    let models = models(&old, new);
    if !models.is_empty() {
        old.to_mut().models.iter_mut().for_each(|model| change(&mut model.name, &models));
        tell(Renamed::Model, &models);
    }
    let after: BTreeMap<&String, &Model> = new.models.iter().map(|model| (&model.name, model)).collect();
    for at in 0..old.models.len() {
        let fields = after.get(&old.models[at].name).map(|after| fields(&old.models[at], after)).unwrap_or_default();
        if !fields.is_empty() {
            let model = &mut old.to_mut().models[at];
            *model = with_fields(model, &fields);
            tell(Renamed::Field(model.name.clone()), &fields);
        }
    }
    (found, old)
}

fn groups(old: &Policy, new: &Policy) -> Names {
    let names = |policy: &'_ Policy| policy.groups.iter().map(|group| group.name.clone()).collect::<Vec<String>>();
    let (before, after) = (names(old), names(new));
    let says = |policy: &'_ Policy, name: &str| -> Vec<Bare> {
        let names = Names::from([(name.to_owned(), String::new())]);
        let about = |rule: &&Rule| rule.whos().any(|who| is_in(who, name));
        let mut all: Vec<Bare> = policy.rules().chain(policy.denies()).filter(about).map(bare).collect();
        for (who, and, ..) in &mut all {
            [who].into_iter().chain(and).for_each(|who| change_groups(who, &names));
        }
        all.iter_mut().for_each(|(who, ..)| sort(who));
        all
    };
    let mut known: BTreeMap<(String, bool), Vec<Bare>> = BTreeMap::new();
    pairs(&before, &after, &mut |from, to| {
        // Both under one name, so that they can be compared: an empty one, which no group has.
        let mut of = |policy: &Policy, name: &str, is_new: bool| {
            known.entry((name.to_owned(), is_new)).or_insert_with(|| says(policy, name)).clone()
        };
        let is = of(new, to, true);
        !is.is_empty() && of(old, from, false) == is
    })
}

fn models(old: &Policy, new: &Policy) -> Names {
    let names = |policy: &'_ Policy| policy.models.iter().map(|model| model.name.clone()).collect::<Vec<String>>();
    pairs(&names(old), &names(new), &mut |from, to| {
        let before = old.models.iter().find(|model| model.name == from);
        let after = new.models.iter().find(|model| model.name == to);
        before.zip(after).is_some_and(|(before, after)| says_the_same(before, after))
    })
}

/// The fields of a model that are gone, each with the new one of which the same is said: the same type, and the same
/// rules where it or what it holds is named.
fn fields(before: &Model, after: &Model) -> Names {
    let names = |model: &Model| model.fields.iter().map(|field| field.name.clone()).collect::<Vec<String>>();
    let (was, is) = (names(before), names(after));
    if was == is {
        return Names::new();
    }
    pairs(&was, &is, &mut |from, to| {
        let names = Names::from([(from.to_owned(), to.to_owned())]);
        let with = with_fields(before, &names);
        let field = |model: &'_ Model| model.fields.iter().find(|field| field.name == to).cloned();
        let same = field(&with).zip(field(after)).is_some_and(|(one, other)| field_says_the_same(&one, &other));
        let key = |model: &Model| model.identifier.iter().position(|name| name == to);
        same && key(&with) == key(after) && said_of_field(&with, to) == said_of_field(after, to)
    })
}

/// Names that are gone and names that are new, where just one of each goes with the other.
fn pairs(before: &[String], after: &[String], goes: &mut dyn FnMut(&str, &str) -> bool) -> Names {
    const MOST: usize = 64;
    let known: BTreeSet<&String> = before.iter().collect();
    let kept: BTreeSet<&String> = after.iter().collect();
    let gone: Vec<&String> = before.iter().filter(|name| !kept.contains(name)).collect();
    let new: Vec<&String> = after.iter().filter(|name| !known.contains(name)).collect();
    if gone.len() > MOST || new.len() > MOST {
        return Names::new(); // not renames but another policy
    }
    let goes_with: Vec<Vec<bool>> = gone.iter().map(|from| new.iter().map(|to| goes(from, to)).collect()).collect();
    let mut pairs = Names::new();
    for (at, row) in goes_with.iter().enumerate() {
        let mut fits = (0..new.len()).filter(|to| row[*to]);
        if let (Some(to), None) = (fits.next(), fits.next())
            && goes_with.iter().filter(|other| other[to]).count() == 1
        {
            pairs.insert(gone[at].clone(), new[to].clone());
        }
    }
    pairs
}

type Bare = (Who, Vec<Who>, Operations, Option<Box<Condition>>);

/// A rule without its place.
fn bare(rule: &Rule) -> Bare {
    (rule.who.clone(), rule.and.clone(), rule.operations, rule.condition.clone())
}

/// Rules without their places.
pub(crate) fn bare_rules(rules: &[Rule]) -> impl PartialEq + use<'_> {
    rules.iter().map(|rule| (&rule.who, &rule.and, rule.operations, &rule.condition)).collect::<Vec<_>>()
}

/// Whether two models have the same fields and rules, in the same order.
pub(crate) fn says_the_same(one: &Model, other: &Model) -> bool {
    (&one.identifier, one.disabled) == (&other.identifier, other.disabled)
        && bare_rules(&one.rules) == bare_rules(&other.rules)
        && bare_rules(&one.denies) == bare_rules(&other.denies)
        && one.fields.len() == other.fields.len()
        && one.fields.iter().zip(&other.fields).all(|(one, other)| field_says_the_same(one, other))
}

fn field_says_the_same(one: &Field, other: &Field) -> bool {
    (&one.name, &one.ty, one.list) == (&other.name, &other.ty, other.list)
        && bare_rules(&one.rules) == bare_rules(&other.rules)
        && bare_rules(&one.denies) == bare_rules(&other.denies)
}

/// The rules of a model that name a field, wherever they stand, each with where that is.
fn said_of_field(model: &Model, name: &str) -> Vec<(Option<String>, bool, Bare)> {
    let whole = [(None, false, &model.rules), (None, true, &model.denies)];
    let fields = model
        .fields
        .iter()
        .flat_map(|field| [(Some(&field.name), false, &field.rules), (Some(&field.name), true, &field.denies)]);
    let all = whole.into_iter().chain(fields);
    let about = |rule: &&Rule| {
        let mut is = rule
            .whos()
            .any(|who| matches!(who, Who::Owner { field, .. } | Who::GroupsIn { field, .. } if field == name));
        let mut visit = |term: &Term| is |= term.source != Source::Claim && term.name == name;
        rule.condition.iter().for_each(|condition| condition.each_term(&mut visit));
        is
    };
    let of = |(field, denies, rules): (Option<&String>, bool, &Vec<Rule>)| {
        let field = field.cloned();
        rules.iter().filter(about).map(move |rule| (field.clone(), denies, bare(rule))).collect::<Vec<_>>()
    };
    all.flat_map(of).collect()
}

fn is_in(who: &Who, name: &str) -> bool {
    matches!(who, Who::Groups { names, .. } if names.iter().any(|known| known == name))
}

fn sort(who: &mut Who) {
    if let Who::Groups { names, .. } = who {
        names.sort();
    }
}

fn change(name: &mut String, names: &Names) {
    if let Some(to) = names.get(name) {
        name.clone_from(to);
    }
}

fn change_groups(who: &mut Who, with: &Names) {
    if let Who::Groups { names, .. } = who {
        names.iter_mut().for_each(|name| change(name, with));
    }
}

/// The policy with groups under other names.
fn with_groups(mut policy: Policy, with: &Names) -> Policy {
    let in_rules = |rules: &mut Vec<Rule>| {
        let whos = rules.iter_mut().flat_map(|rule| [&mut rule.who].into_iter().chain(&mut rule.and));
        whos.for_each(|who| change_groups(who, with));
    };
    for group in &mut policy.groups {
        change(&mut group.name, with);
        group.acts_as.iter_mut().for_each(|name| change(name, with));
    }
    policy.exclusive.iter_mut().flatten().for_each(|name| change(name, with));
    for model in &mut policy.models {
        [&mut model.rules, &mut model.denies].into_iter().for_each(in_rules);
        model.fields.iter_mut().flat_map(|field| [&mut field.rules, &mut field.denies]).for_each(in_rules);
    }
    policy.operations.iter_mut().flat_map(|custom| [&mut custom.rules, &mut custom.denies]).for_each(in_rules);
    let paths = policy.buckets.iter_mut().flat_map(|bucket| &mut bucket.paths);
    paths.flat_map(|path| [&mut path.rules, &mut path.denies]).for_each(in_rules);
    policy
}

/// A model with fields under other names, wherever its rules name them.
fn with_fields(model: &Model, with: &Names) -> Model {
    let mut model = model.clone();
    let in_rules = |rules: &mut Vec<Rule>| {
        for rule in rules {
            for who in [&mut rule.who].into_iter().chain(&mut rule.and) {
                if let Who::Owner { field, .. } | Who::GroupsIn { field, .. } = who {
                    change(field, with);
                }
            }
            rule.condition.iter_mut().for_each(|condition| in_condition(condition, with));
        }
    };
    model.identifier.iter_mut().for_each(|name| change(name, with));
    [&mut model.rules, &mut model.denies].into_iter().for_each(in_rules);
    for field in &mut model.fields {
        change(&mut field.name, with);
        [&mut field.rules, &mut field.denies].into_iter().for_each(in_rules);
    }
    model
}

fn in_condition(condition: &mut Condition, with: &Names) {
    let in_term = |term: &mut Term| {
        if term.source != Source::Claim {
            change(&mut term.name, with);
        }
    };
    match condition {
        Condition::Not(of) => in_condition(of, with),
        Condition::All(parts) | Condition::Any(parts) => parts.iter_mut().for_each(|part| in_condition(part, with)),
        Condition::Test(Test::Holds(term) | Test::Null(term)) => in_term(term),
        Condition::Test(
            Test::Compare(term, _, operand)
            | Test::Contains(term, operand)
            | Test::HasText(term, operand)
            | Test::StartsWith(term, operand),
        ) => {
            in_term(term);
            if let Operand::Term(other) = operand {
                in_term(other);
            }
        }
    }
}
