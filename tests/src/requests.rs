//! Every request of a small policy: each caller, each record and each input over the values that its rules can tell
//! apart, for some of the fields that they read.
//! Always: the same requests for the same policy.

use admit_compiler::condition::{Source, Term};
use admit_compiler::definition::{Caller, Items, Question, Record, Stored, Target, Value};
use admit_compiler::policy::{FieldType, Model, Policy, Rule, Who};
use admit_runtime::{Mode, Operation};
use std::collections::BTreeSet;

/// Callers of every mode: in every set of two groups, with whole tokens, parts of them, and none.
pub fn callers() -> Vec<Caller> {
    let text = |text: &str| Value::Text(text.to_owned());
    let list = |names: &[&str]| Value::List(Items(names.iter().map(|name| text(name)).collect()));
    let mut all = vec![Caller::new(Mode::Guest), Caller::new(Mode::ApiKey), Caller::new(Mode::Lambda)];
    for name in ["resizer", "auditor"] {
        all.push(Caller { function: Some(name.to_owned()), ..Caller::new(Mode::Function) });
    }
    let whole = [("sub", text("u1")), ("username", text("n1")), ("email", text("e1"))];
    let tokens: [&[(&str, Value)]; 2] = [&whole, &whole[..1]];
    let more: [&[(&str, Value)]; 3] = [
        &[],
        &[("tenant", text("t1")), ("level", Value::Number(1.0)), ("mfa", Value::Bool(true)), ("roles", list(&["A"]))],
        &[("tenant", text("A")), ("level", Value::Number(2.0)), ("mfa", Value::Bool(false)), ("roles", list(&["u1"]))],
    ];
    for mode in [Mode::UserPool, Mode::Oidc, Mode::IdentityPool] {
        for groups in [&[][..], &["A"], &["B"], &["A", "C"]] {
            for (token, more) in tokens.iter().flat_map(|token| more.iter().map(move |more| (token, more))) {
                let mut caller = Caller::new(mode);
                let claims = token.iter().chain(more.iter());
                caller.claims = claims.map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
                caller.claims.insert("cognito:groups".to_owned(), list(groups));
                caller.claims.insert("teams".to_owned(), list(groups));
                caller.identity_id = (mode == Mode::IdentityPool).then(|| "me".to_owned());
                all.push(caller);
            }
        }
    }
    all
}

/// The fields that a model's rules read of records, in byte order.
pub fn read_fields(model: &Model) -> Vec<String> {
    let fields = model.fields.iter().flat_map(|field| field.rules.iter().chain(&field.denies));
    let mut names = BTreeSet::new();
    for rule in model.rules.iter().chain(&model.denies).chain(fields) {
        names.extend(of_rule(rule));
    }
    names.into_iter().collect()
}

fn of_rule(rule: &Rule) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = rule
        .whos()
        .filter_map(|who| match who {
            Who::Owner { field, .. } | Who::GroupsIn { field, .. } => Some(field.clone()),
            _ => None,
        })
        .collect();
    let mut visit = |term: &Term| names.extend((term.source != Source::Claim).then(|| term.name.clone()));
    rule.condition.iter().for_each(|condition| condition.each_term(&mut visit));
    names
}

/// The values of a field that are worth telling apart; none is its absence.
fn values(name: &str) -> Vec<Option<Value>> {
    let text = |text: &str| Value::Text(text.to_owned());
    let list = |names: &[&str]| Value::List(Items(names.iter().map(|name| text(name)).collect()));
    let numbers = |all: &[f64]| all.iter().map(|one| Value::Number(*one)).collect::<Vec<_>>();
    let some: Vec<Value> = match name {
        "count" => numbers(&[0.0, 1.0, 2.0]),
        "flag" => vec![Value::Bool(true), Value::Bool(false)],
        "at" => vec![text("2026-01-02T03:04:05Z"), text("2027-01-01T00:00:00Z")],
        "scores" => vec![Value::List(Items(numbers(&[1.0]))), Value::List(Items(Vec::new()))],
        "editors" | "teams" => vec![list(&["u1"]), list(&["A"]), list(&["u1::n1", "t1"])],
        _ => ["A", "u1", "u1::n1", "n1", "t1", ""].iter().map(|one| text(one)).collect(),
    };
    some.into_iter().chain([Value::Null]).map(Some).chain([None]).collect()
}

/// Every record over the values of these fields.
pub fn records(fields: &[String]) -> Vec<Record> {
    let mut all = vec![Record::new()];
    for name in fields {
        let values = values(name);
        let with = |record: &Record, value: &Option<Value>| {
            let more = value.iter().map(|value| (name.clone(), value.clone()));
            record.clone().into_iter().chain(more).collect::<Record>()
        };
        all =
            all.iter().flat_map(|record| values.iter().map(|value| with(record, value)).collect::<Vec<_>>()).collect();
    }
    all
}

/// Every request for a model's records: reads, deletions, creations over every record, and updates of each one field.
/// Records hold these fields, or some of them.
pub fn on_model(model: &Model, fields: &[String]) -> Vec<Question> {
    let records = records(fields);
    let ask = |caller: &Caller, operation: Operation, stored: &Record, input: Option<Record>| Question {
        caller: caller.clone(),
        target: Target::Model(model.name.clone(), operation),
        stored: Stored::Given(stored.clone()),
        input,
        args: Record::new(),
        index: Vec::new(),
    };
    let mut all = Vec::new();
    for caller in callers() {
        for record in &records {
            for operation in [Operation::Get, Operation::List, Operation::Listen, Operation::Delete] {
                all.push(ask(&caller, operation, record, None));
            }
            let writable = record.clone().into_iter().filter(|(name, _)| model.is_writable(name)).collect();
            all.push(ask(&caller, Operation::Create, &Record::new(), Some(writable)));
            for field in &model.fields {
                let value =
                    if field.ty == FieldType::Boolean { Value::Bool(true) } else { Value::Text("t1".to_owned()) };
                for value in [value, Value::Null] {
                    let input = Record::from([(field.name.clone(), value)]);
                    all.push(ask(&caller, Operation::Update, record, Some(input)));
                }
            }
        }
    }
    all
}

/// Every request for a policy's own operations and its objects, at these keys.
pub fn on_the_rest(policy: &Policy, keys: &[&str]) -> Vec<Question> {
    let mut targets: Vec<Target> =
        policy.operations.iter().map(|custom| Target::Custom(custom.kind, custom.name.clone())).collect();
    for bucket in &policy.buckets {
        for operation in [Operation::Get, Operation::List, Operation::Write, Operation::Delete] {
            let of = |key: &&str| Target::Storage { bucket: bucket.name.clone(), operation, key: (*key).to_owned() };
            targets.extend(keys.iter().map(of));
        }
    }
    let ask = |caller: &Caller, target: &Target| Question {
        caller: caller.clone(),
        target: target.clone(),
        stored: Stored::NotGiven,
        input: None,
        args: Record::new(),
        index: Vec::new(),
    };
    callers().iter().flat_map(|caller| targets.iter().map(move |target| ask(caller, target))).collect()
}
