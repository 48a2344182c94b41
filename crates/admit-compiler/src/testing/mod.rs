//! Runs the tests of a policy: each assertion is asked of the decision table, as a host would ask.
//! Always: `cannot` is decided over every input, or is undecided and then does not hold; nothing is sampled.
//!
//! `ask` asks one request, `inputs` finds the input that is allowed if there is one, `coverage` says what the
//! assertions exercised, `mutate` which changes of the rules they notice.

mod ask;
mod candidates;
pub mod coverage;
mod inputs;
pub mod mutate;
mod sites;
mod values;
pub mod write;

pub use ask::{Ask, Defined, Explained, Line, explain};
pub use inputs::{Found, MAX_TRIED, Wanted, find_allowed};

use crate::definition::{self, Items, Question, Record, Stored, Value};
use crate::policy::{Assertion, Field, FieldType, Model, Policy, Target, Test, Who};
use admit_runtime::Operation;

/// What came of asking one operation of an assertion.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome {
    /// The operation.
    pub operation: Operation,
    /// Whether the assertion holds for it.
    pub verdict: Verdict,
    /// The request that shows it: of `cannot`, the one that is allowed, if one is.
    pub question: Question,
}

/// Whether an assertion holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It does.
    Holds,
    /// It does not; the request shows it.
    Fails,
    /// There are more inputs than could be tried, or some that compare in ways nobody enumerates. Counts as failed.
    Undecided,
}

/// An assertion, and what came of each of its operations.
#[derive(Clone, PartialEq, Debug)]
pub struct Asserted<'p> {
    /// The test that it stands in.
    pub test: &'p Test,
    /// The assertion.
    pub assertion: &'p Assertion,
    /// By operation.
    pub outcomes: Vec<Outcome>,
}

impl Asserted<'_> {
    /// Whether it holds for every operation.
    pub fn holds(&self) -> bool {
        self.outcomes.iter().all(|outcome| outcome.verdict == Verdict::Holds)
    }
}

/// Runs the tests that `chosen` takes, in the order of the policy.
///
/// ```
/// use admit_compiler::{Source, check, table, testing};
/// let text = "model Post { allow.publicApiKey().to([\"read\"]) }
///     test \"keys\" { apiKey can [\"read\"] Post {}  apiKey cannot [\"create\"] Post }";
/// let policy = check(&[Source { name: "a.policy".into(), text: text.into() }]).policy.unwrap();
/// let bytes = table(&policy, false).unwrap();
/// let loaded = admit_runtime::Policy::from_bytes(&bytes).unwrap();
/// let asserted = testing::run(&policy, &loaded, |_| true);
/// assert!(asserted.len() == 2 && asserted.iter().all(|one| one.holds()));
/// ```
pub fn run<'p>(policy: &'p Policy, table: &impl Ask, chosen: impl Fn(&Test) -> bool) -> Vec<Asserted<'p>> {
    let mut steps = 0;
    let tests = policy.tests.iter().filter(|test| chosen(test));
    let assertions = tests.flat_map(|test| test.assertions.iter().map(move |assertion| (test, assertion)));
    assertions
        .map(|(test, assertion)| {
            let operations = assertion.operations.iter();
            let outcomes = operations.map(|of| outcome(policy, table, assertion, *of, &mut steps)).collect();
            Asserted { test, assertion, outcomes }
        })
        .collect()
}

/// Asks one operation of an assertion. `steps` counts the requests that were decided.
fn outcome(
    policy: &Policy,
    table: &impl Ask,
    assertion: &Assertion,
    operation: Operation,
    steps: &mut usize,
) -> Outcome {
    let field = field(assertion);
    let question = question(policy, assertion, operation);
    let Some(every) = every_input(policy, assertion, operation) else {
        let field = field.filter(|_| matches!(assertion.target, Target::Record { .. }));
        return asked(table, assertion.can, operation, question, field, steps);
    };
    let found = every.find(policy, &question, &mut |question| {
        *steps += 1;
        table.allows(question, field)
    });
    match found {
        Found::Input(input) => {
            let question = Question { input: Some(input), ..question };
            Outcome { operation, verdict: Verdict::Fails, question }
        }
        Found::None => Outcome { operation, verdict: Verdict::Holds, question },
        Found::Undecided => Outcome { operation, verdict: Verdict::Undecided, question },
    }
}

/// What the inputs of a write have in common of which a `cannot` says that none is allowed.
struct EveryInput<'a> {
    fixed: Record,
    wanted: Wanted<'a>,
}

impl EveryInput<'_> {
    fn find(&self, policy: &Policy, question: &Question, allowed: &mut dyn FnMut(&Question) -> bool) -> Found {
        find_allowed(policy, question, &self.fixed, self.wanted, allowed)
    }
}

/// The inputs that an operation of an assertion speaks of, if it speaks of every one.
fn every_input<'a>(policy: &Policy, assertion: &'a Assertion, operation: Operation) -> Option<EveryInput<'a>> {
    let writes = matches!(operation, Operation::Create | Operation::Update);
    let Target::Record { model, record, .. } = &assertion.target else { return None };
    if !writes || assertion.can || assertion.input.is_some() {
        return None;
    }
    // What a create's record says is said of its input, whatever else that holds; as far as callers can say it.
    let model = policy.models.iter().find(|known| known.name == *model);
    let is_written = |name: &str| operation == Operation::Create && model.is_some_and(|model| model.is_writable(name));
    let said = record.iter().flatten().filter(|(name, _)| is_written(name));
    let fixed: Record = said.map(|(name, value)| (name.clone(), value.clone())).collect();
    let wanted = match (field(assertion), operation) {
        (Some(field), _) => Wanted::Field(field),
        (None, Operation::Create) => Wanted::Anything,
        (None, _) => Wanted::SomeField,
    };
    Some(EveryInput { fixed, wanted })
}

fn asked(
    table: &impl Ask,
    can: bool,
    operation: Operation,
    question: Question,
    field: Option<&str>,
    steps: &mut usize,
) -> Outcome {
    *steps += 1;
    let verdict = if table.allows(&question, field) == can { Verdict::Holds } else { Verdict::Fails };
    Outcome { operation, verdict, question }
}

/// The field alone that an assertion is about.
pub fn field(assertion: &Assertion) -> Option<&str> {
    match &assertion.target {
        Target::Record { field, .. } => field.as_deref(),
        Target::Custom(..) | Target::Object { .. } => None,
    }
}

/// The request that an operation of an assertion asks.
fn question(policy: &Policy, assertion: &Assertion, operation: Operation) -> Question {
    let (target, stored, input) = match &assertion.target {
        Target::Custom(kind, name) => (definition::Target::Custom(*kind, name.clone()), Stored::NotGiven, None),
        Target::Object { bucket, key } => {
            let target = definition::Target::Storage { bucket: bucket.clone(), operation, key: key.clone() };
            (target, Stored::NotGiven, None)
        }
        Target::Record { model: name, field, record } => {
            let model = policy.models.iter().find(|model| model.name == *name);
            let sample = || {
                let declared = model.and_then(|model| model.fields.iter().find(|of| Some(&of.name) == field.as_ref()));
                declared.map(|declared| (declared.name.clone(), sample(declared)))
            };
            let stored = match (record, model) {
                (Some(record), Some(model)) if operation == Operation::Listen => {
                    Stored::Given(published(model, record))
                }
                (Some(record), _) if operation != Operation::Create => Stored::Given(record.clone()),
                _ => Stored::NotGiven,
            };
            let input = match (operation, &assertion.input) {
                (Operation::Create | Operation::Update, Some(input)) => Some(input.clone()),
                (Operation::Create, None) => match (record, sample()) {
                    (None, None) => None,
                    (record, one) => Some(one.into_iter().chain(record.clone().unwrap_or_default()).collect()),
                },
                (Operation::Update, None) => sample().map(|one| Record::from_iter([one])),
                _ => None,
            };
            (definition::Target::Model(name.clone(), operation), stored, input)
        }
    };
    let caller = assertion.caller.clone();
    Question { caller, target, stored, input, args: Record::new(), index: Vec::new() }
}

/// A record as subscribers get it: owners are shortened to the last part of their identity (`docs/amplify.md`).
fn published(model: &Model, record: &Record) -> Record {
    let rules = model.rules.iter().chain(&model.denies);
    let own = model.fields.iter().flat_map(|field| field.rules.iter().chain(&field.denies));
    let owners: Vec<&str> = rules
        .chain(own)
        .flat_map(|rule| rule.whos())
        .filter_map(|who| match who {
            Who::Owner { field, claim, .. } if claim.len() > 1 => Some(field.as_str()),
            _ => None,
        })
        .collect();
    let last = |text: &str| Value::Text(text.rsplit("::").next().unwrap_or(text).to_owned());
    let short = |value: &Value| match value {
        Value::Text(text) => last(text),
        Value::List(items) => Value::List(Items(
            items.0.iter().map(|item| if let Value::Text(text) = item { last(text) } else { item.clone() }).collect(),
        )),
        other => other.clone(),
    };
    let shortened = |(name, value): (&String, &Value)| {
        (name.clone(), if owners.contains(&name.as_str()) { short(value) } else { value.clone() })
    };
    record.iter().map(shortened).collect()
}

/// A value that a field may hold, where none matters.
pub(crate) fn sample(field: &Field) -> Value {
    let one = match &field.ty {
        FieldType::Integer | FieldType::Float | FieldType::Timestamp => Value::Number(1.0),
        FieldType::Boolean => Value::Bool(true),
        FieldType::Type(_) | FieldType::Model(_) => Value::Object,
        FieldType::Enum(values) => Value::Text(values.first().cloned().unwrap_or_default()),
        FieldType::Date => Value::Text("2026-01-01".to_owned()),
        FieldType::DateTime => Value::Text("2026-01-01T00:00:00Z".to_owned()),
        _ => Value::Text("x".to_owned()),
    };
    if field.list { Value::List(Items(vec![one])) } else { one }
}
