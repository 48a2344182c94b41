//! What the assertions exercised: cells of the rules, not lines.
//!
//! Every allow has a cell for each of its operations and each who that it names, covered where an assertion saw the
//! operation allowed to such a caller while the rule was true; and one for each of its operations, covered where an
//! assertion saw it denied to a caller who is not its who. Every condition and every `.and` of an allow has a cell,
//! covered where an assertion saw a denial of somebody whom that part alone kept out. Every deny has a cell for each of
//! its operations, covered where an assertion saw it take away what an allow gives; and each condition and `.and` of a
//! deny has one, covered where an assertion saw it let somebody through.
//!
//! Always: the assertion that is offered for a missing cell holds, and covers it.

use super::sites::{Site, Standing, standing};
use super::{Ask, Asserted, Outcome, Verdict, candidates, every_input, outcome, write};
use crate::condition::{Source, Truth};
use crate::definition::{self, Parts, Question};
use crate::policy::{Assertion, Place, Policy, Rule, Who};
use admit_runtime::Operation;
use std::collections::BTreeMap;

/// The most inputs of one `cannot` that are looked at.
const MAX_INPUTS: usize = 2_000;

/// What was exercised of each rule, in the order of the sources.
#[derive(Clone, PartialEq, Debug)]
pub struct Coverage {
    /// By rule.
    pub rules: Vec<Exercised>,
}

/// What was exercised of one rule. A schema-wide one, or one of a named list, is one rule wherever it counts.
#[derive(Clone, PartialEq, Debug)]
pub struct Exercised {
    /// Where it stands.
    pub place: Place,
    /// Its cells.
    pub cells: Vec<Cell>,
    /// Assertions that cover those of its cells that none covers yet, as they are to be written.
    pub missing: Vec<String>,
}

/// A cell of a rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cell {
    /// What of the rule.
    pub kind: CellKind,
    /// How many operations of assertions covered it.
    pub hits: usize,
}

/// What a cell is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CellKind {
    /// Of an allow: the operation, allowed; to members of this group, if it names groups.
    Allowed(Operation, Option<String>),
    /// Of an allow: the operation, denied to somebody else.
    Others(Operation),
    /// Of a deny: the operation, which some allow gives, taken away.
    Denied(Operation),
    /// The condition, deciding: of an allow a denial, of a deny the opposite.
    Condition,
    /// The `.and` of that number, deciding so.
    And(usize),
}

impl CellKind {
    fn operation(&self) -> Option<Operation> {
        match self {
            CellKind::Allowed(operation, _) | CellKind::Others(operation) | CellKind::Denied(operation) => {
                Some(*operation)
            }
            CellKind::Condition | CellKind::And(_) => None,
        }
    }
}

impl Coverage {
    /// What `asserted` exercised of the rules of a policy.
    pub fn of(policy: &Policy, table: &impl Ask, asserted: &[Asserted<'_>]) -> Coverage {
        let standing = standing(policy);
        let mut rules: BTreeMap<Place, BTreeMap<CellKind, usize>> = BTreeMap::new();
        for one in &standing {
            let cells = rules.entry(one.rule.place).or_default();
            cells.extend(cells_of(policy, one).into_iter().map(|kind| (kind, 0)));
        }
        for (assertion, outcome) in asserted.iter().flat_map(|one| one.outcomes.iter().map(|of| (one.assertion, of))) {
            for one in &standing {
                let cells = rules.entry(one.rule.place).or_default();
                let mut kinds = covered(policy, &standing, one, assertion, outcome);
                kinds.extend(kept_out(policy, &standing, one, assertion, outcome));
                kinds.dedup();
                for kind in kinds {
                    cells.entry(kind).and_modify(|hits| *hits += 1);
                }
            }
        }
        let exercised = |(place, cells): (Place, BTreeMap<CellKind, usize>)| {
            let cells: Vec<Cell> = cells.into_iter().map(|(kind, hits)| Cell { kind, hits }).collect();
            Exercised { place, missing: missing(policy, table, &standing, place, &cells), cells }
        };
        Coverage { rules: rules.into_iter().map(exercised).filter(|rule| !rule.cells.is_empty()).collect() }
    }

    /// How many cells there are.
    pub fn cells(&self) -> usize {
        self.rules.iter().map(|rule| rule.cells.len()).sum()
    }

    /// How many of them some assertion covered.
    pub fn covered(&self) -> usize {
        self.rules.iter().flat_map(|rule| &rule.cells).filter(|cell| cell.hits > 0).count()
    }

    /// The same as a part of a hundred; of a policy without rules, all.
    pub fn percent(&self) -> f64 {
        percent(self.covered(), self.cells())
    }
}

/// A part of a hundred; of nothing, all.
pub(super) fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 100.0 } else { 100.0 * part as f64 / whole as f64 }
}

impl Exercised {
    /// How many operations of assertions the rule decided: that it allowed, or as a deny took away.
    pub fn hits(&self) -> usize {
        let decides = |kind: &CellKind| matches!(kind, CellKind::Allowed(..) | CellKind::Denied(_));
        self.cells.iter().filter(|cell| decides(&cell.kind)).map(|cell| cell.hits).sum()
    }

    /// Whether each of its cells is covered.
    pub fn is_covered(&self) -> bool {
        self.cells.iter().all(|cell| cell.hits > 0)
    }
}

fn cells_of(policy: &Policy, one: &Standing<'_>) -> Vec<CellKind> {
    let mut cells = Vec::new();
    for operation in one.operations() {
        match (&one.rule.who, one.is_deny) {
            (_, true) => cells.push(CellKind::Denied(operation)),
            (Who::Groups { names, .. }, false) => {
                cells.extend(names.iter().map(|name| CellKind::Allowed(operation, Some(name.clone()))));
            }
            (_, false) => cells.push(CellKind::Allowed(operation, None)),
        }
        if !one.is_deny && !one.is_for_everybody(policy, operation) {
            cells.push(CellKind::Others(operation));
        }
    }
    cells.extend(one.rule.condition.iter().map(|_| CellKind::Condition));
    cells.extend((0..one.rule.and.len()).map(CellKind::And));
    cells
}

/// The cells of a rule that an operation of an assertion covers.
fn covered(
    policy: &Policy,
    all: &[Standing<'_>],
    one: &Standing<'_>,
    assertion: &Assertion,
    outcome: &Outcome,
) -> Vec<CellKind> {
    let Outcome { operation, verdict, question } = outcome;
    if *verdict == Verdict::Undecided || !one.is_about(policy, assertion, question) {
        return Vec::new();
    }
    let allowed = (*verdict == Verdict::Holds) == assertion.can;
    let parts = parts(policy, one, question);
    let guards = [(CellKind::Condition, parts.condition)].into_iter();
    let ands = parts.and.iter().enumerate().map(|(at, truth)| (CellKind::And(at), *truth));
    let guards: Vec<(CellKind, Truth)> = guards.chain(ands).collect();
    match (one.is_deny, allowed) {
        (false, true) if parts.truth() == Truth::True => match parts.groups.as_slice() {
            [] => vec![CellKind::Allowed(*operation, None)],
            groups => groups.iter().map(|group| CellKind::Allowed(*operation, Some(group.clone()))).collect(),
        },
        (false, false) if parts.who != Truth::True => vec![CellKind::Others(*operation)],
        (false, false) => {
            let kept_out: Vec<_> = guards.into_iter().filter(|(_, truth)| *truth != Truth::True).collect();
            match kept_out.as_slice() {
                [(kind, _)] if is_known(&one.rule, question) => vec![kind.clone()],
                _ => Vec::new(),
            }
        }
        (true, false) if parts.truth() != Truth::False => {
            let gives = |other: &Standing<'_>| {
                !other.is_deny
                    && other.is_about(policy, assertion, question)
                    && self::parts(policy, other, question).truth() == Truth::True
            };
            if all.iter().any(gives) { vec![CellKind::Denied(*operation)] } else { Vec::new() }
        }
        (true, true) if parts.who != Truth::False => {
            let through: Vec<_> = guards.into_iter().filter(|(_, truth)| *truth == Truth::False).collect();
            match through.as_slice() {
                [(kind, _)] => vec![kind.clone()],
                _ => Vec::new(),
            }
        }
        _ => Vec::new(),
    }
}

/// The guards of an allow that a `cannot` over every input covers: of what it denies, some input is kept out by one of
/// them alone.
fn kept_out(
    policy: &Policy,
    all: &[Standing<'_>],
    one: &Standing<'_>,
    assertion: &Assertion,
    outcome: &Outcome,
) -> Vec<CellKind> {
    let guarded = !one.is_deny && one.rule.is_guarded() && one.is_about(policy, assertion, &outcome.question);
    let Some(every) = every_input(policy, assertion, outcome.operation).filter(|_| guarded) else { return Vec::new() };
    if assertion.can || outcome.verdict != Verdict::Holds {
        return Vec::new();
    }
    let mut kinds: Vec<CellKind> = Vec::new();
    let guards = one.rule.and.len() + usize::from(one.rule.condition.is_some());
    let mut tried = 0;
    every.find(policy, &outcome.question, &mut |question| {
        tried += 1;
        let named = Outcome { question: question.clone(), ..outcome.clone() };
        for kind in covered(policy, all, one, assertion, &named) {
            if matches!(kind, CellKind::Condition | CellKind::And(_)) && !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        // None of them is allowed; there is no need to look at more.
        kinds.len() == guards || tried == MAX_INPUTS
    });
    kinds
}

/// Whether the request says what the rule's condition reads: a denial of every input says nothing of one condition.
fn is_known(rule: &Rule, question: &Question) -> bool {
    let mut known = true;
    let creates = matches!(question.target, definition::Target::Model(_, Operation::Create));
    if let (Some(condition), None) = (&rule.condition, &question.input) {
        condition.each_term(&mut |term| {
            known &= !(term.source == Source::Input || (creates && term.source == Source::Record));
        });
    }
    known
}

fn parts(policy: &Policy, one: &Standing<'_>, question: &Question) -> Parts {
    match (one.site, &one.rule.who) {
        // A function's rule in `data` names nothing but the function.
        (Site::Data, Who::Function(name)) => Parts {
            who: Truth::from(question.caller.function.as_ref() == Some(name)),
            groups: Vec::new(),
            and: Vec::new(),
            condition: Truth::True,
        },
        _ => definition::parts(policy, question, &one.rule, one.path(), one.is_deny),
    }
}

/// The assertions to write for the cells of a rule that none covers.
fn missing(policy: &Policy, table: &impl Ask, all: &[Standing<'_>], place: Place, cells: &[Cell]) -> Vec<String> {
    let mut offered: Vec<Assertion> = Vec::new();
    let mut without: Vec<&CellKind> = Vec::new();
    for cell in cells.iter().filter(|cell| cell.hits == 0) {
        let mut steps = 0;
        let mut covers = |one: &Standing<'_>, assertion: &Assertion, past: bool| {
            let operation = assertion.operations.first().copied().unwrap_or(Operation::Call);
            let outcome = outcome(policy, table, assertion, operation, &mut steps);
            let covers = || {
                covered(policy, all, one, assertion, &outcome).contains(&cell.kind)
                    || kept_out(policy, all, one, assertion, &outcome).contains(&cell.kind)
            };
            // Whom the condition lets past and who is somebody else shows more than whom both keep out.
            let spared = |deny: &Standing<'_>| {
                let is_here = deny.is_deny && deny.is_about(policy, assertion, &outcome.question);
                !is_here || parts(policy, deny, &outcome.question).truth() == Truth::False
            };
            let is_past = || parts(policy, one, &outcome.question).condition == Truth::True && all.iter().all(spared);
            outcome.verdict == Verdict::Holds && (!past || is_past()) && covers()
        };
        let here = all.iter().filter(|one| one.rule.place == place);
        let places: Vec<(&Standing<'_>, Operation)> = here
            .flat_map(|one| {
                // A rule of `data` stands on models and on operations, which do not have the same.
                let mut operations = one.operations();
                operations.retain(|operation| cell.kind.operation().is_none_or(|of| of == *operation));
                operations.into_iter().map(move |operation| (one, operation))
            })
            .collect();
        let mut find = |past: bool| {
            places.iter().find_map(|(one, operation)| {
                let mut wanted = candidates::assertions(policy, one, &cell.kind, *operation).into_iter();
                wanted.find(|assertion| covers(one, assertion, past))
            })
        };
        let is_others = matches!(cell.kind, CellKind::Others(_));
        let found = is_others.then(|| find(true)).flatten().or_else(|| find(false));
        match found {
            Some(assertion) => offer(&mut offered, assertion),
            None => without.push(&cell.kind),
        }
    }
    let mut lines: Vec<String> = offered.iter().map(|assertion| write::assertion(policy, assertion)).collect();
    if !without.is_empty() {
        lines.push(format!("// {}: no assertion was found", describe(&without)));
    }
    lines
}

/// One assertion for several operations reads better than one for each.
fn offer(offered: &mut Vec<Assertion>, assertion: Assertion) {
    let same = |other: &&mut Assertion| {
        let apart = Assertion { operations: assertion.operations.clone(), ..(**other).clone() };
        apart == assertion
    };
    match offered.iter_mut().find(same) {
        Some(other) => other.operations.extend(assertion.operations),
        None => offered.push(assertion),
    }
}

fn describe(cells: &[&CellKind]) -> String {
    let word = |kind: &&CellKind| match kind {
        CellKind::Allowed(operation, None) => format!("`{}` allowed", operation.name()),
        CellKind::Allowed(operation, Some(group)) => format!("`{}` allowed to {group}", operation.name()),
        CellKind::Others(operation) => format!("`{}` denied to others", operation.name()),
        CellKind::Denied(operation) => format!("`{}` taken away", operation.name()),
        CellKind::Condition => "the condition, deciding".to_owned(),
        CellKind::And(_) => "the `.and`, deciding".to_owned(),
    };
    cells.iter().map(word).collect::<Vec<_>>().join(", ")
}
