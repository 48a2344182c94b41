//! Admit, the hand-written program, and the bare limit.

use crate::work::{OPERATIONS, Request, Work};
use admit_runtime::{Action, Caller, Decision, Fields, List, Mode, Policy, Principal, Value};
use std::collections::{HashMap, HashSet};

/// A token: what a host has once it has verified one.
#[derive(Clone, Copy)]
pub struct Token<'r> {
    sub: &'r str,
    groups: Groups<'r>,
}

#[derive(Clone, Copy)]
struct Groups<'r>(&'r [String]);

impl List for Groups<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }
    fn at(&self, index: usize) -> Value<'_> {
        self.0.get(index).map_or(Value::Absent, |group| Value::Text(group))
    }
}

impl Fields for Token<'_> {
    fn get(&self, name: &str) -> Value<'_> {
        match name {
            "sub" => Value::Text(self.sub),
            "cognito:groups" => Value::List(&self.groups),
            _ => Value::Absent,
        }
    }
    fn each_key(&self, visit: &mut dyn FnMut(&str)) {
        ["sub", "cognito:groups"].into_iter().for_each(visit);
    }
}

/// A record that has an owner, or not.
pub struct Record<'r>(Option<&'r str>);

impl Fields for Record<'_> {
    fn get(&self, name: &str) -> Value<'_> {
        match (name, self.0) {
            ("owner", Some(owner)) => Value::Text(owner),
            _ => Value::Absent,
        }
    }
    fn each_key(&self, visit: &mut dyn FnMut(&str)) {
        self.0.iter().for_each(|_| visit("owner"));
    }
}

pub fn token(request: &Request) -> Token<'_> {
    Token { sub: &request.sub, groups: Groups(&request.groups) }
}

/// Whether this record may be had: for `list`, whether it is one of those that the filter lets through.
fn allows(decision: &Decision<'_>, record: &Record<'_>) -> bool {
    decision.is_allowed() && decision.filter().is_none_or(|filter| filter.matches(record))
}

fn asked<'r>(record: &'r Record<'_>, request: &Request) -> admit_runtime::Request<'r> {
    match OPERATIONS[request.operation] {
        "create" => admit_runtime::Request::new().input(record),
        _ => admit_runtime::Request::on(record),
    }
}

fn ask(policy: &Policy<'_>, user: &Principal<'_>, action: Action, request: &Request) -> bool {
    let record = Record(request.owner.as_deref());
    allows(&policy.decide(user, action, &asked(&record, request)), &record)
}

/// Everything from strings: the token's groups, the model and the operation.
pub fn full(policy: &Policy<'_>, request: &Request) -> bool {
    let token = token(request);
    let caller = Caller { claims: &token, ..Caller::new(Mode::UserPool) };
    let Ok(action) = policy.action(&request.model, OPERATIONS[request.operation]) else { return false };
    let record = Record(request.owner.as_deref());
    policy.decide_once(&caller, action, &asked(&record, request)).is_ok_and(|decision| allows(&decision, &record))
}

/// Everything from strings, with a principal as for several requests of one token.
pub fn with_principal(policy: &Policy<'_>, request: &Request) -> bool {
    let token = token(request);
    let Ok(user) = policy.user(&token) else { return false };
    let Ok(action) = policy.action(&request.model, OPERATIONS[request.operation]) else { return false };
    ask(policy, &user, action, request)
}

/// Principal and action known; none if the policy has no such model.
pub fn resolved(policy: &Policy<'_>, user: &Principal<'_>, action: Option<Action>, request: &Request) -> bool {
    action.is_some_and(|action| ask(policy, user, action, request))
}

/// What a user would write by hand.
#[derive(Default)]
struct Access {
    groups: HashMap<String, HashSet<String>>,
    owner: HashSet<String>,
    signed_in: HashSet<String>,
}

pub struct ByHand(HashMap<String, Access>);

impl ByHand {
    pub fn new(work: &Work) -> ByHand {
        let mut models = HashMap::new();
        for model in &work.models {
            let mut access = Access::default();
            for rule in &model.rules {
                for operation in crate::work::names(rule.operations) {
                    let names = rule.groups.iter().map(|group| work.groups[*group].clone());
                    access.groups.entry(operation.to_owned()).or_default().extend(names);
                }
            }
            access.owner.extend(crate::work::names(model.owner).map(str::to_owned));
            access.signed_in.extend(crate::work::names(model.signed_in).map(str::to_owned));
            models.insert(model.name.clone(), access);
        }
        ByHand(models)
    }

    pub fn allows(&self, request: &Request) -> bool {
        let operation = OPERATIONS[request.operation];
        let Some(access) = self.0.get(&request.model) else { return false };
        access.groups.get(operation).is_some_and(|allowed| request.groups.iter().any(|group| allowed.contains(group)))
            || (access.owner.contains(operation) && request.owner.as_ref() == Some(&request.sub))
            || access.signed_in.contains(operation)
    }
}

/// One row of bits a model and operation, a bit a group.
pub struct Limit {
    rows: Vec<u64>,
    words: usize,
    models: Vec<(u8, u8)>,
}

/// A request whose names are numbers.
pub struct Numbered {
    model: Option<u32>,
    operation: u32,
    groups: [u32; 8],
    count: usize,
}

impl Limit {
    pub fn new(work: &Work) -> Limit {
        let words = work.groups.len().div_ceil(64);
        let mut rows = vec![0; words * OPERATIONS.len() * work.models.len()];
        for (number, model) in work.models.iter().enumerate() {
            for rule in &model.rules {
                for operation in (0..OPERATIONS.len()).filter(|at| rule.operations >> at & 1 == 1) {
                    for group in &rule.groups {
                        rows[(number * OPERATIONS.len() + operation) * words + group / 64] |= 1 << (group % 64);
                    }
                }
            }
        }
        Limit { rows, words, models: work.models.iter().map(|model| (model.owner, model.signed_in)).collect() }
    }

    pub fn number(work: &Work) -> Vec<Numbered> {
        let groups: HashMap<&str, u32> = work.groups.iter().map(String::as_str).zip(0..).collect();
        let models: HashMap<&str, u32> = work.models.iter().map(|model| model.name.as_str()).zip(0..).collect();
        work.requests
            .iter()
            .map(|request| {
                let mut numbered = Numbered {
                    model: models.get(request.model.as_str()).copied(),
                    operation: request.operation as u32,
                    groups: [0; 8],
                    count: 0,
                };
                for number in request.groups.iter().filter_map(|group| groups.get(group.as_str())) {
                    numbered.groups[numbered.count] = *number;
                    numbered.count += 1;
                }
                numbered
            })
            .collect()
    }

    pub fn allows(&self, numbered: &Numbered, request: &Request) -> bool {
        let Some(model) = numbered.model else { return false };
        let (model, operation) = (model as usize, numbered.operation as usize);
        let row = (model * OPERATIONS.len() + operation) * self.words;
        let probe = |group: &u32| self.rows[row + *group as usize / 64] >> (group % 64) & 1 == 1;
        let (owner, signed_in) = self.models[model];
        signed_in >> operation & 1 == 1
            || numbered.groups[..numbered.count].iter().any(probe)
            || (owner >> operation & 1 == 1 && request.owner.as_ref() == Some(&request.sub))
    }
}
