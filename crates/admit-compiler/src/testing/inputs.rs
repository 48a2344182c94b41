//! Whether some input is allowed at all: what `cannot ["update"] draft` says that none is.
//!
//! Caller and stored record are fixed; what is open is which fields an input names, and their values. Why it is enough
//! to try the inputs that are tried here:
//!
//! - A decision reads an input in three ways only: which fields it names (each must be one that may be written), whether
//!   one is null (which takes `delete`), and what the parts of rules come to (owners and groups that `create` reads in
//!   the input, and the conditions that read it). Values that no part of a rule reads decide nothing.
//! - Naming a field that no rule reads can only add a refusal. So of these none is named, or just the one that is asked
//!   about; for `update` of a record as a whole, which must change something, each kind of field alone is tried.
//! - What a rule reads is compared with constants: of the policy, of the caller's identity and groups, of the stored
//!   record; or with another field of the input. `Compared` gives values for every way to compare.
//! - Values of a wrong type make parts of rules unknown, and what is unknown never allows: so each value is of its
//!   field's type, and an enum's is one of its values.
//! - A list is read only by which elements it holds, so each choice of the elements that anything is compared with is
//!   tried.
//!
//! Always: an input that comes out is allowed; [`Found::None`] means that every one was covered.

use super::sample;
use super::values::Compared;
use crate::condition::{Condition, Kind, Literal, Operand, Source, Term, Test};
use crate::definition::{self, Items, Question, Record, Stored, Target, Value};
use crate::policy::{Field, FieldType, Model, Policy, Rule, Who};
use admit_runtime::{Operation, Operations};

/// The most inputs that are tried for one operation of an assertion.
pub const MAX_TRIED: usize = 50_000;
/// The most elements of which every list is tried.
const MAX_ELEMENTS: usize = 8;

/// What an input must name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted<'f> {
    /// Nothing: a record without values is created too.
    Anything,
    /// Some field beside the key, for an update that names none changes nothing. Of a model that declares no fields,
    /// nothing.
    SomeField,
    /// This field.
    Field(&'f str),
}

/// What was found.
#[derive(Clone, PartialEq, Debug)]
pub enum Found {
    /// An input that is allowed.
    Input(Record),
    /// There is none.
    None,
    /// Nobody knows: more than [`MAX_TRIED`], or texts that are looked for in each other.
    Undecided,
}

/// A field of the input that some rule reads.
struct Variable<'p> {
    name: &'p str,
    field: Option<&'p Field>,
    kind: Kind,
    /// What it is compared with: a number that those which are compared with each other share.
    group: usize,
    /// Some condition asks whether it is null.
    may_be_null: bool,
    list: bool,
}

/// Finds an input of a `create` or `update` that `allowed` allows, if there is one. It holds `fixed`, and what is
/// `wanted`.
pub fn find_allowed(
    policy: &Policy,
    question: &Question,
    fixed: &Record,
    wanted: Wanted<'_>,
    allowed: &mut dyn FnMut(&Question) -> bool,
) -> Found {
    let Target::Model(name, operation) = &question.target else { return Found::None };
    let Some(model) = policy.models.iter().find(|model| model.name == *name) else { return Found::None };
    let mut reading = Reading {
        policy,
        model,
        question,
        fixed,
        creates: *operation == Operation::Create,
        variables: Vec::new(),
        compared: Vec::new(),
    };
    reading.rules();
    reading.search(wanted, allowed)
}

/// What the rules of a model read of an input.
struct Reading<'p> {
    policy: &'p Policy,
    model: &'p Model,
    question: &'p Question,
    fixed: &'p Record,
    creates: bool,
    variables: Vec<Variable<'p>>,
    /// By the variables' `group`.
    compared: Vec<Compared>,
}

impl<'p> Reading<'p> {
    // ---- what is read

    fn rules(&mut self) {
        let model = self.model;
        let needs = match self.creates {
            true => Operations::CREATE,
            false => Operations::UPDATE.with(Operations::DELETE),
        };
        let allows = model.rules.iter().chain(model.fields.iter().flat_map(|field| &field.rules));
        let denies = model.denies.iter().chain(model.fields.iter().flat_map(|field| &field.denies));
        let all = allows.map(|rule| (rule, false)).chain(denies.map(|rule| (rule, true)));
        for (rule, is_deny) in all.filter(|(rule, _)| rule.operations.meets(needs)) {
            if self.may_count(rule, is_deny) {
                rule.whos().for_each(|who| self.who(who));
                if let Some(condition) = &rule.condition {
                    self.condition(condition);
                }
            }
        }
        for variable in &self.variables {
            self.compared[variable.group].variables += 1;
        }
    }

    /// Whether a rule can be about this caller, whatever the input.
    fn may_count(&self, rule: &Rule, is_deny: bool) -> bool {
        let reads_record = matches!(rule.who, Who::Owner { .. } | Who::GroupsIn { .. });
        let mode = match &rule.who {
            Who::Owner { provider, .. } | Who::GroupsIn { provider, .. } => provider.mode(),
            _ => self.question.caller.mode,
        };
        let who = || definition::parts(self.policy, self.question, rule, None, is_deny).who;
        mode == self.question.caller.mode && (reads_record || who() != crate::condition::Truth::False)
    }

    /// `create` reads owners and groups in the input.
    fn who(&mut self, who: &'p Who) {
        let claims = &self.question.caller.claims;
        let (name, list, values): (&str, bool, Vec<String>) = match who {
            Who::Owner { field, list, claim, .. } => {
                let parts = claim.iter().filter_map(|part| definition::identity(claims, part));
                (field, *list, parts.chain(definition::whole_owner(claims, claim)).collect())
            }
            Who::GroupsIn { field, list, provider, claim } => {
                (field, *list, self.policy.groups_of(claims, *provider, claim).into_iter().collect())
            }
            _ => return,
        };
        if self.creates {
            let group = self.variable(name, Kind::Text, list).map(|at| self.variables[at].group);
            if let Some(group) = group {
                self.compared[group].texts.extend(values);
            }
        }
    }

    fn condition(&mut self, condition: &'p Condition) {
        match condition {
            Condition::Test(test) => self.test(test),
            Condition::Not(of) => self.condition(of),
            Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| self.condition(part)),
        }
    }

    fn test(&mut self, test: &'p Test) {
        match test {
            Test::Holds(term) => drop(self.term(term)),
            Test::Null(term) => {
                if let Some(at) = self.term(term) {
                    self.variables[at].may_be_null = true;
                }
            }
            Test::Compare(term, _, operand) | Test::Contains(term, operand) => {
                self.operand(term, operand, |compared, text| compared.texts.extend([text]));
            }
            Test::HasText(term, operand) => {
                self.operand(term, operand, |compared, text| compared.parts.extend([text]));
                self.open_texts(operand);
            }
            Test::StartsWith(term, operand) => {
                self.operand(term, operand, |compared, text| compared.starts.extend([text]));
                self.open_texts(operand);
            }
        }
    }

    /// A term and what it is compared with; texts are kept by `keep`.
    fn operand(&mut self, term: &'p Term, operand: &'p Operand, keep: impl Fn(&mut Compared, String)) {
        let left = self.term(term).map(|at| self.variables[at].group);
        let (right, constant) = match operand {
            Operand::Literal(literal) => (None, Some(of_literal(literal))),
            Operand::Term(other) => (self.term(other).map(|at| self.variables[at].group), self.constant(other)),
        };
        match (left, right) {
            (Some(one), Some(other)) => self.join(one, other),
            (Some(one), None) => constant.iter().for_each(|value| self.compared[one].add(value, &keep)),
            (None, Some(other)) => {
                let constant = self.constant(term);
                constant.iter().for_each(|value| self.compared[other].add(value, &keep));
            }
            (None, None) => (),
        }
    }

    /// A text that is looked for in another and is unknown itself: nobody enumerates these.
    fn open_texts(&mut self, operand: &'p Operand) {
        if let Operand::Term(other) = operand
            && let Some(at) = self.term(other)
        {
            let group = self.variables[at].group;
            self.compared[group].is_open = true;
        }
    }

    /// The variable that a term reads; none if its value is known.
    fn term(&mut self, term: &'p Term) -> Option<usize> {
        let reads = match term.source {
            Source::Claim => false,
            Source::Input => true,
            Source::Record => self.creates,
        };
        if reads { self.variable(&term.name, term.kind, term.list) } else { None }
    }

    fn variable(&mut self, name: &'p str, kind: Kind, list: bool) -> Option<usize> {
        if self.fixed.contains_key(name) {
            return None;
        }
        if let Some(at) = self.variables.iter().position(|variable| variable.name == name) {
            // Of two kinds at once: what is tried for one need not do for the other.
            let Variable { kind: other, list: many, group, .. } = self.variables[at];
            self.compared[group].is_open |= (other, many) != (kind, list);
            return Some(at);
        }
        let field = self.model.fields.iter().find(|field| field.name == name);
        // What callers cannot write is never in an input.
        if !self.model.is_writable(name) {
            return None;
        }
        let group = self.compared.len();
        self.compared.push(Compared::default());
        self.variables.push(Variable { name, field, kind, group, may_be_null: false, list });
        Some(self.variables.len() - 1)
    }

    /// The value of a term that no input changes.
    fn constant(&self, term: &Term) -> Option<Value> {
        let value = match term.source {
            Source::Claim if term.name == "username" => {
                let claims = &self.question.caller.claims;
                claims.get("username").or_else(|| claims.get("cognito:username"))
            }
            Source::Claim => self.question.caller.claims.get(&term.name),
            _ if self.creates => self.fixed.get(&term.name),
            Source::Record | Source::Input => match &self.question.stored {
                Stored::Given(record) => record.get(&term.name),
                Stored::NotGiven | Stored::Missing => None,
            },
        };
        match value {
            // Cognito sends numbers as their texts.
            Some(Value::Text(text)) if matches!(term.kind, Kind::Integer | Kind::Float) => {
                text.parse().ok().map(Value::Number)
            }
            value => value.cloned(),
        }
    }

    fn join(&mut self, one: usize, other: usize) {
        if one == other {
            return;
        }
        let moved = std::mem::take(&mut self.compared[other]);
        let kept = &mut self.compared[one];
        kept.texts.extend(moved.texts);
        kept.starts.extend(moved.starts);
        kept.parts.extend(moved.parts);
        kept.numbers.extend(moved.numbers);
        kept.is_open |= moved.is_open;
        self.variables.iter_mut().filter(|variable| variable.group == other).for_each(|variable| variable.group = one);
    }

    // ---- what is tried

    fn search(&self, wanted: Wanted<'_>, allowed: &mut dyn FnMut(&Question) -> bool) -> Found {
        let mut is_open = self.compared.iter().any(|compared| compared.is_open);
        let mut choices: Vec<Vec<Option<Value>>> = Vec::new();
        for variable in &self.variables {
            let (values, complete) = self.choices(variable, wanted);
            is_open |= !complete;
            choices.push(values);
        }
        let extras = self.extras(wanted);
        let mut tried = 0;
        let mut at = vec![0; choices.len()];
        loop {
            let named = self.variables.iter().zip(&choices).zip(&at);
            let chosen: Record = named
                .filter_map(|((variable, values), at)| Some((variable.name.to_owned(), values[*at].clone()?)))
                .chain(self.fixed.clone())
                .collect();
            let names_one = |name: &String| !self.model.identifier.contains(name);
            for extra in &extras {
                let changes = wanted != Wanted::SomeField || extra.is_some() || chosen.keys().any(names_one);
                if !changes && !self.model.fields.is_empty() {
                    continue;
                }
                if tried == MAX_TRIED {
                    return Found::Undecided;
                }
                tried += 1;
                let extra = extra.iter().map(|field| (field.name.clone(), sample(field)));
                let input: Record = extra.chain(chosen.clone()).collect();
                let asked = Question { input: Some(input.clone()), ..self.question.clone() };
                if allowed(&asked) {
                    return Found::Input(input);
                }
            }
            // The next choice, like a number whose digits have as many values as there are choices.
            let Some(next) = (0..at.len()).find(|digit| at[*digit] + 1 < choices[*digit].len()) else { break };
            at[next] += 1;
            at[..next].fill(0);
        }
        if is_open { Found::Undecided } else { Found::None }
    }

    /// Fields that no rule reads and that are named for their own sake: none, and one of each kind of rules.
    fn extras(&self, wanted: Wanted<'_>) -> Vec<Option<&'p Field>> {
        let is_read = |field: &&Field| self.variables.iter().any(|variable| variable.name == field.name);
        let free = || self.model.fields.iter().filter(|field| !is_read(field) && !self.fixed.contains_key(&field.name));
        match wanted {
            Wanted::Anything => vec![None],
            Wanted::Field(name) => vec![free().find(|field| field.name == name)],
            Wanted::SomeField => {
                let mut kinds: Vec<&Field> = Vec::new();
                for field in free().filter(|field| !self.model.identifier.contains(&field.name)) {
                    let same = |other: &&Field| (&other.rules, &other.denies) == (&field.rules, &field.denies);
                    if !kinds.iter().any(same) {
                        kinds.push(field);
                    }
                }
                [None].into_iter().chain(kinds.into_iter().map(Some)).collect()
            }
        }
    }

    /// What a variable may be; not named comes first. And whether that is all.
    fn choices(&self, variable: &Variable<'_>, wanted: Wanted<'_>) -> (Vec<Option<Value>>, bool) {
        let compared = &self.compared[variable.group];
        let (scalars, mut complete) = match (compared.values(variable.kind), variable.field.map(|field| &field.ty)) {
            (_, Some(FieldType::Enum(values))) => (values.iter().cloned().map(Value::Text).collect(), true),
            (Some(values), _) => (values, true),
            (None, _) => (Vec::new(), false),
        };
        let mut all: Vec<Option<Value>> = Vec::new();
        if wanted != Wanted::Field(variable.name) {
            all.push(None);
        }
        if variable.may_be_null {
            all.push(Some(Value::Null));
        }
        if !variable.list {
            all.extend(scalars.into_iter().map(Some));
            return (all, complete);
        }
        let elements: Vec<Value> = scalars.into_iter().filter(|value| self.is_compared(compared, value)).collect();
        complete &= elements.len() <= MAX_ELEMENTS;
        for choice in 0..1usize << elements.len().min(MAX_ELEMENTS) {
            let items = elements.iter().enumerate().filter(|(at, _)| choice & (1 << at) != 0);
            all.push(Some(Value::List(Items(items.map(|(_, item)| item.clone()).collect()))));
        }
        (all, complete)
    }

    /// Whether a list that holds this may be told from one that does not.
    fn is_compared(&self, compared: &Compared, value: &Value) -> bool {
        compared.variables > 1
            || match value {
                Value::Text(text) => compared.texts.contains(text),
                Value::Number(number) => compared.numbers.contains(number),
                _ => true,
            }
    }
}

impl Compared {
    fn add(&mut self, value: &Value, keep: &impl Fn(&mut Compared, String)) {
        match value {
            Value::Text(text) => keep(self, text.clone()),
            Value::Number(number) => self.numbers.push(*number),
            Value::List(items) => items.0.iter().for_each(|item| self.add(item, keep)),
            Value::Null | Value::Bool(_) | Value::Object => (),
        }
    }
}

fn of_literal(literal: &Literal) -> Value {
    match literal {
        Literal::Text(text) => Value::Text(text.clone()),
        Literal::Number(number) => Value::Number(number.value()),
        Literal::Boolean(flag) => Value::Bool(*flag),
    }
}
