//! One request, asked of the decision table.
//! Always: what the table does not know, and whom it cannot make a principal of, is denied.

use super::Outcome;
use crate::definition::{self, AsFields, Question, Stored, Target};
use crate::policy::Policy;
use admit_runtime::{Action, Caller, CustomKind, Decision, List, Operation, Operations, Request, Shown};
use admit_syntax::ast::OperationKind;

/// Asks a request, and shows its decision; none if the table does not know what is asked.
fn ask<T>(table: &admit_runtime::Policy<'_>, question: &Question, read: impl FnOnce(Option<&Decision<'_>>) -> T) -> T {
    let Some(action) = action(table, &question.target) else { return read(None) };
    let groups: Vec<&str> = question.caller.groups.iter().flatten().map(String::as_str).collect();
    let groups = groups.as_slice();
    let claims = AsFields(&question.caller.claims);
    let caller = Caller {
        claims: &claims,
        groups: question.caller.groups.is_some().then_some(&groups as &dyn List),
        identity_id: question.caller.identity_id.as_deref(),
        function: question.caller.function.as_deref(),
        authorizer: question.caller.authorizer,
        trusted: question.caller.trusted,
        ..Caller::new(question.caller.mode)
    };
    let Ok(principal) = table.principal(caller) else { return read(None) };
    let stored = match &question.stored {
        Stored::Given(record) => Some(AsFields(record)),
        Stored::NotGiven | Stored::Missing => None,
    };
    let input = question.input.as_ref().map(AsFields);
    let mut request = match (&question.target, &stored) {
        (Target::Storage { key, .. }, _) => Request::key(key),
        (_, Some(record)) => Request::on(record),
        (_, None) => Request::new(),
    };
    if let Some(input) = &input {
        request = request.input(input);
    }
    read(Some(&table.decide(&principal, action, &request)))
}

fn action(table: &admit_runtime::Policy<'_>, target: &Target) -> Option<Action> {
    match target {
        Target::Model(name, operation) => table.action(name, operation.name()).ok(),
        Target::Custom(kind, name) => {
            let kind = match kind {
                OperationKind::Query => CustomKind::Query,
                OperationKind::Mutation => CustomKind::Mutation,
                OperationKind::Subscription => CustomKind::Subscription,
            };
            table.custom_operation(kind, name).ok()
        }
        Target::Storage { bucket, operation, .. } => table.storage(bucket, operation.name()).ok(),
    }
}

/// Whoever answers requests: a decision table, as hosts ask it, or the definition.
pub trait Ask {
    /// Whether a request is allowed: of operations on many records, for the record that it gives; of reads of one
    /// field, whether that is shown.
    fn allows(&self, question: &Question, field: Option<&str>) -> bool;
}

impl Ask for admit_runtime::Policy<'_> {
    fn allows(&self, question: &Question, field: Option<&str>) -> bool {
        ask(self, question, |decision| decision.is_some_and(|decision| grants(decision, question, field)))
    }
}

/// The definition of a policy, to compare with its table.
pub struct Defined<'p>(pub &'p Policy);

impl Ask for Defined<'_> {
    fn allows(&self, question: &Question, field: Option<&str>) -> bool {
        let Defined(policy) = self;
        let (record, operation) = match (&question.stored, &question.target) {
            (Stored::Given(record), Target::Model(_, operation)) => (record, *operation),
            _ => return definition::decide(policy, question).allowed,
        };
        let many = matches!(operation, Operation::List | Operation::Listen | Operation::Sync | Operation::Search);
        let reads = operation.needs().meets(Operations::READ);
        definition::decide(policy, question).allowed
            && (!many || definition::shows(policy, question, record))
            && field.is_none_or(|field| !reads || definition::shows_field(policy, question, record, field))
    }
}

fn grants(decision: &Decision<'_>, question: &Question, field: Option<&str>) -> bool {
    let passes = |filter: &admit_runtime::Filter<'_>| match &question.stored {
        Stored::Given(record) => filter.matches(&AsFields(record)),
        Stored::NotGiven | Stored::Missing => false,
    };
    let reads = |operation: Operation| operation.needs().meets(Operations::READ);
    let shown = match (&question.target, field) {
        (Target::Model(_, operation), Some(field)) if reads(*operation) => match decision.field(field) {
            Shown::Always => true,
            Shown::Never => false,
            Shown::If(filter) => passes(&filter),
        },
        _ => true,
    };
    decision.is_allowed() && decision.filter().is_none_or(|filter| passes(&filter)) && shown
}

/// Why a request came out as it did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Explained {
    /// Whether it is allowed.
    pub allowed: bool,
    /// Why not, in the words of decisions: `mode`, `unauthorized`, `fields`, …; `filter` where the record is not among
    /// those that the caller is given, `hidden` where the field is not shown.
    pub reason: Option<&'static str>,
    /// The fields that were refused.
    pub denied_fields: Vec<String>,
    /// The rule that made the decision, if one did.
    pub rule: Option<Line>,
    /// The rules that give the operation to others, or on other records.
    pub nearest: Vec<Line>,
}

/// A rule, and where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// The file, as it was given to the compiler.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The bytes of the file.
    pub start: u32,
    /// One past the last of them.
    pub end: u32,
    /// The rule in the one layout.
    pub text: String,
}

/// Lines, each once: a rule of a list stands on many things.
fn once(lines: impl Iterator<Item = Line>) -> Vec<Line> {
    let mut all: Vec<Line> = Vec::new();
    for line in lines {
        if !all.iter().any(|known| (&known.file, known.start, known.end) == (&line.file, line.start, line.end)) {
            all.push(line);
        }
    }
    all
}

/// Why an outcome came out as it did: asked again, of a table that holds its rules.
pub fn explain(table: &admit_runtime::Policy<'_>, outcome: &Outcome, field: Option<&str>) -> Explained {
    let question = &outcome.question;
    ask(table, question, |decision| {
        let Some(decision) = decision else { return Explained { reason: Some("unknown"), ..Explained::default() } };
        let line = |rule: admit_runtime::Rule<'_>| Line {
            file: rule.file().to_owned(),
            line: rule.line(),
            start: rule.span().start as u32,
            end: rule.span().end as u32,
            text: rule.to_string(),
        };
        let allowed = grants(decision, question, field);
        let reason = match decision.reason() {
            Some(reason) => Some(reason.name()),
            None if allowed => None,
            None if decision.filter().is_some() && !grants(decision, question, None) => Some("filter"),
            None => Some("hidden"),
        };
        let mut denied_fields = Vec::new();
        decision.each_denied_field(&mut |name| denied_fields.push(name.to_owned()));
        Explained {
            allowed,
            reason,
            denied_fields,
            rule: decision.rule().map(line),
            nearest: once(decision.nearest().map(line)),
        }
    })
}
