//! Deeds taken apart: one operation on one thing, by callers who arrive in one way; and what the definition says of one.
//! Always: an act's formula is true of exactly the requests that [`Act::is_done`] finds done.

use super::deeds::{Arrival, Inputs, OnRecords, on_custom, who_is};
use super::formula::Formula;
use super::objects;
use super::scene::{Side, Var};
use crate::condition::Truth;
use crate::definition::{self, Question, Record, Spelling, Stored, Target, Touch, Value};
use crate::policy::{Bucket, Deed, DeedTarget, Field, Keys, Model, Place, Policy, Rule, Who, Whom};
use crate::testing::sample;
use admit_runtime::{Mode, Operation};
use std::collections::BTreeSet;

/// One operation on one thing, in one mode.
#[derive(Clone)]
pub(crate) struct Act<'p> {
    pub policy: &'p Policy,
    pub operation: Operation,
    pub on: On<'p>,
    pub side: Side<'p>,
    /// What of the request is settled.
    pub fixed: BTreeSet<Var>,
    /// When it is done.
    pub formula: Formula,
    at: usize,
}

/// What an act is on.
#[derive(Clone)]
pub(crate) enum On<'p> {
    Records(&'p Model, Option<&'p Field>),
    Custom(&'p crate::policy::CustomOperation),
    Object(&'p Bucket, objects::Place),
}

/// The acts that a deed is made of, for callers who arrive so, on the record of one side.
pub(crate) fn acts<'p>(
    policy: &'p Policy,
    deed: &Deed,
    arrival: &Arrival,
    side: usize,
    inputs: Inputs,
) -> Vec<Act<'p>> {
    deed.operations
        .iter()
        .flat_map(|operation| acts_of(policy, *operation, &deed.target, arrival, side, inputs))
        .collect()
}

/// The acts of one operation on a target.
pub(crate) fn acts_of<'p>(
    policy: &'p Policy,
    operation: Operation,
    target: &DeedTarget,
    arrival: &Arrival,
    side: usize,
    inputs: Inputs,
) -> Vec<Act<'p>> {
    match target {
        DeedTarget::Record { model, field, record } => {
            let Some(model) = policy.models.iter().find(|known| known.name == *model) else { return Vec::new() };
            let field = field.as_ref().and_then(|name| model.fields.iter().find(|field| field.name == *name));
            vec![on_records(policy, operation, (model, field), record, arrival, side, inputs)]
        }
        DeedTarget::Custom(kind, name) => {
            let is = |custom: &&crate::policy::CustomOperation| custom.kind == *kind && custom.name == *name;
            let custom = policy.operations.iter().find(is);
            custom.into_iter().map(|custom| on_operation(policy, custom, arrival, side)).collect()
        }
        DeedTarget::Objects { bucket, keys } => {
            let bucket = policy.buckets.iter().find(|known| known.name == *bucket);
            bucket.into_iter().flat_map(|bucket| on_objects(policy, operation, bucket, keys, arrival, side)).collect()
        }
    }
}

fn asked(arrival: &Arrival, target: Target) -> Question {
    Question {
        caller: arrival.caller(),
        target,
        stored: Stored::Given(Record::new()),
        input: None,
        args: Record::new(),
        index: Vec::new(),
    }
}

fn on_records<'p>(
    policy: &'p Policy,
    operation: Operation,
    (model, field): (&'p Model, Option<&'p Field>),
    record: &Record,
    arrival: &Arrival,
    side: usize,
    inputs: Inputs,
) -> Act<'p> {
    // To delete a field is to set it to null.
    let really = if field.is_some() && operation == Operation::Delete { Operation::Update } else { operation };
    let mut question = asked(arrival, Target::Model(model.name.clone(), really));
    let is_write = matches!(really, Operation::Create | Operation::Update);
    question.input = is_write.then(Record::new);
    let mut fixed = BTreeSet::new();
    for (name, value) in record {
        match really {
            Operation::Create => {
                question.input.get_or_insert_with(Record::new).insert(name.clone(), value.clone());
                fixed.insert(Var::Input(side, name.clone()));
            }
            _ => {
                if let Stored::Given(stored) = &mut question.stored {
                    stored.insert(name.clone(), value.clone());
                }
                fixed.insert(Var::Record(side, name.clone()));
            }
        }
    }
    let on = OnRecords { policy, model, operation, arrival, side, inputs };
    let formula = match field {
        Some(_) if model.disabled.meets(really.needs()) => Formula::never(),
        Some(field) => on.on_field(field),
        None => on.on_whole(),
    };
    let side_of = Side { question, model: Some(model), beside: None, operation: really };
    Act { policy, operation, on: On::Records(model, field), side: side_of, fixed, formula, at: side }
}

fn on_operation<'p>(
    policy: &'p Policy,
    custom: &'p crate::policy::CustomOperation,
    arrival: &Arrival,
    at: usize,
) -> Act<'p> {
    let question = asked(arrival, Target::Custom(custom.kind, custom.name.clone()));
    let side = Side { question, model: None, beside: None, operation: Operation::Call };
    let formula = on_custom(policy, custom, arrival);
    Act { policy, operation: Operation::Call, on: On::Custom(custom), side, fixed: BTreeSet::new(), formula, at }
}

fn on_objects<'p>(
    policy: &'p Policy,
    operation: Operation,
    bucket: &'p Bucket,
    keys: &Keys,
    arrival: &Arrival,
    at: usize,
) -> Vec<Act<'p>> {
    let places = objects::places(&[policy], bucket, keys, arrival).into_iter();
    places
        .map(|place| {
            let target = Target::Storage { bucket: bucket.name.clone(), operation, key: place.key.clone() };
            let question = Question { caller: place.caller.clone(), ..asked(arrival, target) };
            let side = Side { question, model: None, beside: None, operation };
            let fixed = place.claims.iter().cloned().map(Var::Claim).collect();
            let formula = objects::on_object(policy, bucket, operation.needs(), &place);
            Act { policy, operation, on: On::Object(bucket, place), side, fixed, formula, at }
        })
        .collect()
}

impl<'p> Act<'p> {
    fn mode(&self) -> Mode {
        self.side.question.caller.mode
    }

    /// That the caller is whom an invariant, or a report, speaks of.
    pub fn is_by(&self, who: &Who, and: &[Who]) -> Formula {
        Formula::all([who].into_iter().chain(and).map(|who| self.is_who(who)))
    }

    /// The same, where a condition must be true as well.
    pub fn is_whom(&self, whom: &Whom) -> Formula {
        let condition = whom.condition.iter().map(|condition| Formula::condition(condition, true, self.at));
        Formula::all(condition.chain([self.is_by(&whom.who, &whom.and)]))
    }

    fn is_who(&self, who: &Who) -> Formula {
        let caller = &self.side.question.caller;
        match (who, &self.on) {
            (Who::Function(name), _) => Formula::of(caller.function.as_ref() == Some(name)),
            (Who::Entity, On::Object(bucket, place)) => {
                let touch = Touch { policy: self.policy, bucket, caller: &place.caller, key: &place.key };
                Formula::of(touch.is_own())
            }
            (who, On::Object(bucket, place)) => {
                let touch = Touch { policy: self.policy, bucket, caller: &place.caller, key: &place.key };
                objects::who_is(&touch, who, Truth::True)
            }
            (who, _) => who_is(self.mode(), who, Truth::True, Spelling::Any, self.at),
        }
    }

    /// Whether the definition allows it; an update that proposes nothing yet is given something to propose.
    pub fn is_done(&self, question: &mut Question) -> bool {
        let On::Records(model, field) = &self.on else { return definition::decide(self.policy, question).allowed };
        match (self.side.operation, field) {
            (Operation::Create | Operation::Update, Some(field)) => {
                let input = question.input.get_or_insert_with(Record::new);
                match self.operation {
                    Operation::Delete => drop(input.insert(field.name.clone(), Value::Null)),
                    _ => drop(input.entry(field.name.clone()).or_insert_with(|| sample(field)).clone()),
                }
                definition::decide(self.policy, question).allowed
            }
            (Operation::Update, None) => self.updates_something(model, question),
            (Operation::Create | Operation::Delete | Operation::Get, None) => {
                definition::decide(self.policy, question).allowed
            }
            (_, field) => {
                let Stored::Given(record) = &question.stored else { return false };
                let shown = definition::shows(self.policy, question, record);
                let shows = |field: &&Field| definition::shows_field(self.policy, question, record, &field.name);
                definition::decide(self.policy, question).allowed && shown && field.as_ref().is_none_or(shows)
            }
        }
    }

    /// Whether a request holds what the deed speaks of alone.
    pub fn is_about(&self, question: &Question) -> bool {
        let holds = |record: &Record, part: &Record| part.iter().all(|(name, value)| record.get(name) == Some(value));
        let stored = match (&question.stored, &self.side.question.stored) {
            (Stored::Given(record), Stored::Given(part)) => holds(record, part),
            _ => true,
        };
        let none = Record::new();
        let input = self.side.question.input.as_ref().unwrap_or(&none);
        stored && holds(question.input.as_ref().unwrap_or(&none), input)
    }

    /// Takes over what another act on the same record speaks of alone; false if it cannot be the same record.
    pub fn take_record(&mut self, other: &Act<'_>) -> bool {
        let of = |side: &Side<'_>| match (&side.question.stored, side.operation) {
            (_, Operation::Create) => side.question.input.clone().unwrap_or_default(),
            (Stored::Given(record), _) => record.clone(),
            _ => Record::new(),
        };
        let (mine, theirs) = (of(&self.side), of(&other.side));
        if mine.iter().any(|(name, value)| theirs.get(name).is_some_and(|other| other != value)) {
            return false;
        }
        let create = self.side.operation == Operation::Create;
        for (name, value) in theirs {
            match &mut self.side.question.stored {
                _ if create => {
                    drop(self.side.question.input.get_or_insert_with(Record::new).insert(name.clone(), value))
                }
                Stored::Given(record) => drop(record.insert(name.clone(), value)),
                _ => (),
            }
            self.fixed.insert(if create { Var::Input(self.at, name) } else { Var::Record(self.at, name) });
        }
        true
    }

    /// Whether the definition allows it with some input that changes one field, or as it is.
    pub fn can_be_done(&self, question: &Question) -> bool {
        let mut question = question.clone();
        self.is_done(&mut question)
    }

    fn updates_something(&self, model: &Model, question: &mut Question) -> bool {
        let key = |name: &String| model.identifier.contains(name);
        let mut fields = model.fields.iter().filter(|field| !key(&field.name)).peekable();
        let proposed = |question: &Question| question.input.iter().flatten().any(|(name, _)| !key(name));
        if proposed(question) || fields.peek().is_none() {
            return definition::decide(self.policy, question).allowed;
        }
        let plain = question.input.clone().unwrap_or_default();
        for field in fields {
            let mut input = plain.clone();
            input.insert(field.name.clone(), sample(field));
            question.input = Some(input);
            if definition::decide(self.policy, question).allowed {
                return true;
            }
        }
        question.input = Some(plain);
        false
    }

    /// Whether the definition takes the caller for one whom an invariant speaks of.
    pub fn was_by(&self, question: &Question, whom: &Whom) -> bool {
        definition::is_whom(self.policy, question, whom)
    }

    /// The first rule that allows the request, by the definition.
    pub fn allowing(&self, question: &Question) -> Option<Place> {
        let needs = self.operation.needs();
        let of = |rules: &[Rule], path: Option<&crate::policy::Path>| {
            let holds = |rule: &&Rule| {
                rule.operations.meets(needs)
                    && definition::parts(self.policy, question, rule, path, false).truth() == Truth::True
            };
            rules.iter().find(holds).map(|rule| rule.place)
        };
        match &self.on {
            On::Records(model, field) => {
                let fields = model.fields.iter().map(|field| field.rules.as_slice());
                let governing = match field {
                    Some(field) if !field.rules.is_empty() => of(&field.rules, None),
                    Some(_) => of(&model.rules, None),
                    None => [model.rules.as_slice()].into_iter().chain(fields).find_map(|rules| of(rules, None)),
                };
                governing.or_else(|| self.of_function(question))
            }
            On::Custom(custom) => of(&custom.rules, None).or_else(|| self.of_function(question)),
            On::Object(bucket, _) => {
                let mut paths: Vec<&crate::policy::Path> = bucket.paths.iter().collect();
                paths.sort_by_key(|path| std::cmp::Reverse(path.prefix.len()));
                paths.into_iter().find_map(|path| of(&path.rules, Some(path)))
            }
        }
    }

    /// The `data` rule that gives a function everything.
    fn of_function(&self, question: &Question) -> Option<Place> {
        let mine = |rule: &&crate::policy::DataFunction| Some(&rule.function) == question.caller.function.as_ref();
        self.policy.data_functions.iter().find(mine).map(|rule| rule.place)
    }
}
