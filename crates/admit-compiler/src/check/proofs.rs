//! Invariants that do not hold: an error at the rule that breaks them, with the request that shows it.
//! Always: asked only of a policy without another error; what could not be settled is an error too.

use super::auth::quote;
use crate::analysis::{self, Answer, Broken};
use crate::codes;
use crate::definition::{self, Question, Stored};
use crate::diagnostic::Diagnostic;
use crate::policy::{Invariant, Place, Policy, Requirement, RequirementKind, Target};
use crate::testing::write;
use admit_runtime::Operation;

/// What is wrong with the policy's invariants.
pub(super) fn broken(policy: &Policy) -> Vec<Diagnostic> {
    let requirements = policy.invariants.iter().flat_map(|of| of.requirements.iter().map(move |one| (of, one)));
    requirements
        .filter_map(|(invariant, requirement)| match analysis::holds(policy, requirement) {
            Answer::Holds => None,
            Answer::Broken(by) => Some(is_broken(policy, invariant, requirement, &by)),
            Answer::Undecided(rests_on) => Some(is_undecided(invariant, requirement, &rests_on)),
        })
        .collect()
}

fn is_broken(policy: &Policy, invariant: &Invariant, requirement: &Requirement, by: &Broken) -> Diagnostic {
    let place = by.rule.unwrap_or(requirement.place);
    let message = format!("the invariant {} is broken", quote(&invariant.name));
    let who = format!("`{}`", write::caller(policy, &by.requests[0].caller));
    let deeds: Vec<String> = by.requests.iter().map(deed).collect();
    let label = match (&requirement.kind, deeds.as_slice()) {
        (RequirementKind::Whoever(..), [first, second, ..]) => format!("by this {who} can {first}, but not {second}"),
        (_, [first, second, ..]) => format!("by this {who} can {first}, and also {second}"),
        (_, deeds) => format!("by this {who} can {}", deeds.join(", ")),
    };
    let mut error = Diagnostic::new(codes::BROKEN_INVARIANT, place.file as usize, place.span, message).label(label);
    for other in by.others.iter().filter(|other| **other != place) {
        error = error.related(other.file as usize, other.span, "and the other by this");
    }
    if place != requirement.place {
        error = error.related(requirement.place.file as usize, requirement.place.span, "required here");
    }
    error.help(match &requirement.kind {
        RequirementKind::Only(..) => "narrow the rule, or add whom it lets in to the invariant's list",
        RequirementKind::No(..) => "narrow the rule, or take this from it with a `deny`",
        RequirementKind::Whoever(..) => "allow the second wherever the first is allowed, or narrow the rule",
        RequirementKind::NoOne(..) => {
            "narrow one of the rules, or say in `auth.exclusive` that nobody is in both groups"
        }
    })
}

/// What a request is about: `delete Post { state: "draft" }`.
fn deed(question: &Question) -> String {
    let (operation, target) = match &question.target {
        definition::Target::Model(model, operation) => {
            let stored = match &question.stored {
                Stored::Given(record) if *operation != Operation::Create && !record.is_empty() => Some(record.clone()),
                _ => None,
            };
            (Some(*operation), Target::Record { model: model.clone(), field: None, record: stored })
        }
        definition::Target::Custom(kind, name) => (None, Target::Custom(*kind, name.clone())),
        definition::Target::Storage { bucket, operation, key } => {
            (Some(*operation), Target::Object { bucket: bucket.clone(), key: key.clone() })
        }
    };
    let verb = operation.map(|operation| format!("{} ", operation.name())).unwrap_or_default();
    let input = question.input.iter().filter(|input| !input.is_empty());
    let input: String = input.map(|input| format!(" with {}", write::record(input))).collect();
    format!("`{verb}{}{input}`", write::target(&target))
}

fn is_undecided(invariant: &Invariant, requirement: &Requirement, rests_on: &[String]) -> Diagnostic {
    let Place { file, span, .. } = requirement.place;
    let message = format!("whether the invariant {} holds could not be settled", quote(&invariant.name));
    Diagnostic::new(codes::UNDECIDED_INVARIANT, file as usize, span, message)
        .label(format!("rests on {}", rests_on.join("; ")))
        .help("compare with values that the policy names, or say less in one invariant")
}
