//! Conditions read back from the steps that a table holds of them.
//! Always: the condition comes to what the steps do, whichever way the unknown falls: only steps that are a condition's
//! parts one after the other are read, as the compiler writes them.

use crate::condition::{Condition, Kind, Literal, Number, Operand, Relation, Source, Term, Test};
use admit_runtime::format::{FALSE, TRUE, form, kind, source};
use admit_runtime::{Step, Steps};

/// The condition of some steps; none if they are not written as the compiler does.
pub(crate) fn condition(steps: &Steps<'_, '_>) -> Option<Condition> {
    let steps: Vec<Step<'_>> = steps.each().collect();
    if steps.is_empty() {
        return Some(Condition::Any(Vec::new())); // never true
    }
    part(&steps, (0, steps.len()), TRUE, FALSE)
}

/// The steps from one to another that leave to `yes` or to `no`.
fn part(steps: &[Step<'_>], (start, end): (usize, usize), yes: u16, no: u16) -> Option<Condition> {
    if end == start + 1 {
        let step = &steps[start];
        let test = Condition::Test(test(step)?);
        let test = if step.negated { Condition::Not(Box::new(test)) } else { test };
        return (step.yes == yes && step.no == no).then_some(test);
    }
    // Of several parts, the steps of all but the last leave to `no` or behind themselves, or else to `yes` or there.
    let all = parts(steps, (start, end), no);
    let any = if all.is_none() { parts(steps, (start, end), yes) } else { None };
    let is_all = all.is_some();
    let ends = all.or(any)?;
    let mut read = Vec::new();
    let mut from = start;
    for (number, to) in ends.iter().copied().enumerate() {
        let behind = if number + 1 < ends.len() { to as u16 } else { if is_all { yes } else { no } };
        read.push(if is_all { part(steps, (from, to), behind, no) } else { part(steps, (from, to), yes, behind) }?);
        from = to;
    }
    Some(if is_all { Condition::All(read) } else { Condition::Any(read) })
}

/// Where parts end of which each but the last leaves to `out` or behind itself; none if there is only one.
fn parts(steps: &[Step<'_>], (start, end): (usize, usize), out: u16) -> Option<Vec<usize>> {
    let mut ends = Vec::new();
    let mut from = start;
    while from < end {
        // The shortest piece that nothing leaves but to `out` and behind it.
        let closed = |to: &usize| {
            let leaves = |target: u16| target == out || (usize::from(target) > from && usize::from(target) <= *to);
            steps[from..*to].iter().all(|step| leaves(step.yes) && leaves(step.no))
        };
        match (from + 1..end).find(closed) {
            Some(to) => {
                ends.push(to);
                from = to;
            }
            None => {
                ends.push(end);
                from = end;
            }
        }
    }
    (ends.len() > 1).then_some(ends)
}

fn test(step: &Step<'_>) -> Option<Test> {
    let of = term(&step.test.term)?;
    let with = || operand(&step.test.operand);
    Some(match step.test.form {
        form::HOLDS => Test::Holds(of),
        form::NULL => Test::Null(of),
        form::EQUAL => Test::Compare(of, Relation::Equal, with()?),
        form::LESS => Test::Compare(of, Relation::Less, with()?),
        form::LESS_OR_EQUAL => Test::Compare(of, Relation::LessOrEqual, with()?),
        form::GREATER => Test::Compare(of, Relation::Greater, with()?),
        form::GREATER_OR_EQUAL => Test::Compare(of, Relation::GreaterOrEqual, with()?),
        form::CONTAINS => Test::Contains(of, with()?),
        form::HAS_TEXT => Test::HasText(of, with()?),
        form::STARTS_WITH => Test::StartsWith(of, with()?),
        _ => return None,
    })
}

fn operand(operand: &admit_runtime::Operand<'_>) -> Option<Operand> {
    Some(match operand {
        admit_runtime::Operand::Nothing => return None,
        admit_runtime::Operand::Term(other) => Operand::Term(term(other)?),
        admit_runtime::Operand::Text(text) => Operand::Literal(Literal::Text((*text).to_owned())),
        admit_runtime::Operand::Number(number) => Operand::Literal(Literal::Number(Number::new(*number)?)),
        admit_runtime::Operand::Boolean(flag) => Operand::Literal(Literal::Boolean(*flag)),
    })
}

fn term(of: &admit_runtime::Term<'_>) -> Option<Term> {
    let source = match of.source {
        source::RECORD => Source::Record,
        source::INPUT => Source::Input,
        source::CLAIM => Source::Claim,
        _ => return None,
    };
    let kind = match of.kind {
        kind::TEXT => Kind::Text,
        kind::INTEGER => Kind::Integer,
        kind::FLOAT => Kind::Float,
        kind::BOOLEAN => Kind::Boolean,
        kind::DATE => Kind::Date,
        kind::DATE_TIME => Kind::DateTime,
        _ => return None,
    };
    Some(Term { source, name: of.name.to_owned(), kind, list: of.list })
}
