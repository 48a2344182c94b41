//! Assertions that may cover a cell: callers and records made from what a rule says.
//! Always: only offers; whoever takes one asks whether it holds and covers.

use super::coverage::CellKind;
use super::sample;
use super::sites::{Site, Standing};
use super::values::Compared;
use crate::condition::{Condition, Kind, Literal, Operand, Source, Term, Test};
use crate::definition::{Caller, Items, Record, Value};
use crate::policy::{Assertion, Field, FieldType, Model, Path, Place, Policy, Rule, Target, Who};
use admit_runtime::{Mode, Operation};

/// The most choices of values that are made for a condition.
const MAX_CHOICES: usize = 500;

/// A caller and what is asked, while they are made.
#[derive(Clone)]
struct Scene {
    caller: Caller,
    record: Record,
    input: Record,
}

/// Assertions about a rule and one of its operations, likely ones first.
pub(super) fn assertions(policy: &Policy, one: &Standing<'_>, kind: &CellKind, operation: Operation) -> Vec<Assertion> {
    let can = match kind {
        CellKind::Allowed(..) => true,
        CellKind::Others(_) | CellKind::Denied(_) => false,
        CellKind::Condition | CellKind::And(_) => one.is_deny,
    };
    let group = match kind {
        CellKind::Allowed(_, group) => group.as_deref(),
        _ => None,
    };
    let mut all = Vec::new();
    for (base, conditions) in scenes(policy, one, kind, group) {
        for scene in with_values(one, &base, &conditions) {
            all.extend(assertion(policy, one, operation, can, scene));
        }
    }
    all
}

fn condition_of(rule: &Rule) -> Option<&Condition> {
    rule.condition.as_deref()
}

/// Scenes, each with the conditions whose values it is to be tried with.
fn scenes<'s>(
    policy: &'s Policy,
    one: &'s Standing<'s>,
    kind: &CellKind,
    group: Option<&str>,
) -> Vec<(Scene, Vec<&'s Condition>)> {
    let rule = &one.rule;
    let without = if let CellKind::And(at) = kind { Some(*at) } else { None };
    let own: Vec<&Condition> = condition_of(rule).into_iter().collect();
    match kind {
        CellKind::Others(_) => {
            // The record is somebody's, and the caller is somebody else.
            let theirs = scene(policy, rule, group, None).record;
            let others = strangers(policy).into_iter();
            let past = beside(one).1.iter().filter_map(condition_of);
            let all: Vec<&Condition> = own.iter().copied().chain(past).collect();
            others.map(|caller| (Scene { caller, record: theirs.clone(), input: Record::new() }, all.clone())).collect()
        }
        // A deny takes from its who what some allow gives them: who both are, where both conditions are true.
        _ if one.is_deny => {
            let base = with_claims(one, scene(policy, rule, group, without));
            let (allows, denies) = beside(one);
            let past = || denies.iter().filter_map(condition_of);
            let beside = allows.iter().flat_map(|allow| {
                let mut both = base.clone();
                allow.whos().for_each(|who| be(policy, who, None, &mut both));
                let with: Vec<&Condition> = own.iter().copied().chain(condition_of(allow)).collect();
                let all = with.iter().copied().chain(past()).collect();
                [(both.clone(), with), (both, all)]
            });
            beside.collect()
        }
        // By itself; past the denies beside it; and where every field is needed, with what the others say.
        _ => {
            let base = with_claims(one, scene(policy, rule, group, without));
            let (allows, denies) = beside(one);
            let with = |rules: &'s [Rule]| own.iter().copied().chain(rules.iter().filter_map(condition_of));
            let denied = with(denies).collect();
            let same = |allow: &&Rule| allow.who == rule.who;
            let others = allows.iter().filter(same).filter_map(condition_of);
            let all = own.iter().copied().chain(others).chain(denies.iter().filter_map(condition_of)).collect();
            vec![(base.clone(), own.clone()), (base.clone(), denied), (base, all)]
        }
    }
}

/// The claims that a path names, where the caller has none yet.
fn with_claims(one: &Standing<'_>, mut scene: Scene) -> Scene {
    if !matches!(scene.caller.mode, Mode::Guest | Mode::Function) {
        for (_, claim) in one.path().iter().flat_map(|path| &path.claims) {
            scene.caller.claims.entry(claim.clone()).or_insert_with(|| Value::Text("acme".to_owned()));
        }
    }
    scene
}

/// The allows and denies that decide beside a rule.
fn beside<'s>(one: &Standing<'s>) -> (&'s [Rule], &'s [Rule]) {
    match one.site {
        Site::Model(model, Some(field)) if one.is_deny && !field.rules.is_empty() => (&field.rules, &model.denies),
        Site::Model(model, _) => (&model.rules, &model.denies),
        Site::Custom(custom) => (&custom.rules, &custom.denies),
        Site::Path(_, path) => (&path.rules, &path.denies),
        Site::Data => (&[], &[]),
    }
}

/// A caller who is the who of a rule and, but for that of one number, each `.and`, with a record that says so.
fn scene(policy: &Policy, rule: &Rule, group: Option<&str>, without: Option<usize>) -> Scene {
    let mode = match &rule.who {
        Who::ApiKey => Mode::ApiKey,
        Who::Guest => Mode::Guest,
        Who::Custom => Mode::Lambda,
        Who::Authenticated(mode) => *mode,
        Who::Groups { provider, .. } | Who::Owner { provider, .. } | Who::GroupsIn { provider, .. } => provider.mode(),
        Who::Entity => Mode::IdentityPool,
        Who::Function(_) => Mode::Function,
    };
    let mut scene = Scene { caller: Caller::new(mode), record: Record::new(), input: Record::new() };
    if matches!(mode, Mode::UserPool | Mode::Oidc | Mode::IdentityPool) {
        scene.caller.claims.insert("sub".to_owned(), Value::Text("1".to_owned()));
    }
    be(policy, &rule.who, group, &mut scene);
    for (_, who) in rule.and.iter().enumerate().filter(|(at, _)| Some(*at) != without) {
        be(policy, who, None, &mut scene);
    }
    // Somebody else's, so that it is only the caller who is not it.
    if let Some(who) = without.and_then(|at| rule.and.get(at)) {
        let mut other = Scene { caller: Caller::new(mode), record: Record::new(), input: Record::new() };
        other.caller.claims.insert("sub".to_owned(), Value::Text("2".to_owned()));
        other.caller.claims.insert("username".to_owned(), Value::Text("bob".to_owned()));
        be(policy, who, None, &mut other);
        let free = other.record.into_iter().filter(|(name, _)| !scene.record.contains_key(name)).collect::<Vec<_>>();
        scene.record.extend(free);
    }
    scene
}

/// Makes the caller that who.
fn be(policy: &Policy, who: &Who, group: Option<&str>, scene: &mut Scene) {
    match who {
        Who::Groups { names, claim, .. } => {
            let name = group.or(names.first().map(String::as_str)).unwrap_or_default();
            let claim = if scene.caller.mode == Mode::IdentityPool { &policy.group_claim } else { claim };
            join(&mut scene.caller, claim, name);
        }
        Who::Owner { field, list, claim, .. } => {
            for part in claim {
                let known = if part == "username" { "eve" } else { "1" };
                scene.caller.claims.entry(part.clone()).or_insert_with(|| Value::Text(known.to_owned()));
            }
            let whole = crate::definition::whole_owner(&scene.caller.claims, claim).unwrap_or_default();
            put(&mut scene.record, field, *list, &whole);
        }
        Who::GroupsIn { field, list, claim, .. } => {
            let name = policy.groups.first().map_or("red", |group| group.name.as_str());
            join(&mut scene.caller, claim, name);
            put(&mut scene.record, field, *list, name);
        }
        Who::Entity => scene.caller.identity_id = Some("id-1".to_owned()),
        Who::Function(name) => scene.caller.function = Some(name.clone()),
        Who::ApiKey | Who::Guest | Who::Authenticated(_) | Who::Custom => (),
    }
}

fn put(record: &mut Record, field: &str, list: bool, text: &str) {
    let value = Value::Text(text.to_owned());
    record.insert(field.to_owned(), if list { Value::List(Items(vec![value])) } else { value });
}

fn join(caller: &mut Caller, claim: &str, name: &str) {
    let name = Value::Text(name.to_owned());
    match caller.claims.get_mut(claim) {
        Some(Value::List(items)) if !items.0.contains(&name) => items.0.push(name),
        Some(Value::List(_)) => (),
        _ => drop(caller.claims.insert(claim.to_owned(), Value::List(Items(vec![name])))),
    }
}

/// Callers who are nobody in particular, of each mode.
fn strangers(policy: &Policy) -> Vec<Caller> {
    let user = |mode: Mode| {
        let mut caller = Caller::new(mode);
        caller.claims.insert("sub".to_owned(), Value::Text("2".to_owned()));
        caller
    };
    let modes = [Mode::UserPool, Mode::Guest, Mode::ApiKey, Mode::Oidc, Mode::IdentityPool, Mode::Lambda];
    let known = modes.into_iter().filter(|mode| policy.admits(*mode));
    let mut all: Vec<Caller> = known
        .map(|mode| match mode {
            Mode::UserPool | Mode::Oidc | Mode::IdentityPool => user(mode),
            mode => Caller::new(mode),
        })
        .collect();
    let functions = policy.functions.iter().cloned();
    all.extend(functions.map(|name| Caller { function: Some(name), ..Caller::new(Mode::Function) }));
    // Members of other groups are strangers too.
    all.extend(policy.groups.iter().map(|group| {
        let mut caller = user(Mode::UserPool);
        join(&mut caller, &policy.group_claim, &group.name);
        caller
    }));
    all
}

// ---- values for conditions

/// The scene with each choice of values for what some conditions read; not set comes first.
fn with_values(one: &Standing<'_>, base: &Scene, conditions: &[&Condition]) -> Vec<Scene> {
    let mut terms: Vec<&Term> = Vec::new();
    let mut compared = Compared::default();
    for condition in conditions {
        condition.each_term(&mut |term| {
            if !terms.iter().any(|known| (known.source, &known.name) == (term.source, &term.name)) {
                terms.push(term);
            }
        });
        gather(condition, &mut compared);
    }
    for value in base.caller.claims.values().chain(base.record.values()) {
        if let Value::Text(text) = value {
            compared.texts.insert(text.clone());
        }
    }
    compared.variables = 1;
    let mut all = vec![base.clone()];
    for term in terms {
        let choices = choices(one, term, &compared);
        let with = |scene: &Scene| -> Vec<Scene> {
            let is_set = match term.source {
                Source::Claim => scene.caller.claims.contains_key(&term.name),
                Source::Record | Source::Input => false,
            };
            if is_set {
                return vec![scene.clone()];
            }
            let each = choices.iter().map(|value| set(scene.clone(), term, value.clone()));
            [scene.clone()].into_iter().chain(each).collect()
        };
        all = all.iter().flat_map(with).take(MAX_CHOICES).collect();
    }
    all
}

fn set(mut scene: Scene, term: &Term, value: Value) -> Scene {
    match term.source {
        Source::Claim => scene.caller.claims.insert(term.name.clone(), value),
        Source::Record => scene.record.insert(term.name.clone(), value),
        Source::Input => scene.input.insert(term.name.clone(), value),
    };
    scene
}

fn choices(one: &Standing<'_>, term: &Term, compared: &Compared) -> Vec<Value> {
    let field = match (one.site, term.source) {
        (Site::Model(model, _), Source::Record | Source::Input) => {
            model.fields.iter().find(|field| field.name == term.name)
        }
        _ => None,
    };
    let mut scalars: Vec<Value> = match field.map(|field| &field.ty) {
        Some(FieldType::Enum(values)) => values.iter().cloned().map(Value::Text).collect(),
        _ => compared.values(term.kind).unwrap_or_default(),
    };
    // A text that nothing is compared with would only frighten.
    scalars.retain(|value| !matches!(value, Value::Text(text) if text.contains('\u{1}')));
    if term.kind == Kind::Text && field.is_none_or(|field| !matches!(field.ty, FieldType::Enum(_))) {
        let built = compared.starts.iter().chain(&compared.parts).cloned();
        scalars.extend(built.chain(["other".to_owned()]).map(Value::Text));
    }
    match term.list {
        false => scalars,
        true => {
            let lists = scalars.into_iter().map(|value| Value::List(Items(vec![value])));
            lists.chain([Value::List(Items(Vec::new()))]).collect()
        }
    }
}

fn gather(condition: &Condition, compared: &mut Compared) {
    let mut literal = |operand: &Operand, texts: fn(&mut Compared, String)| match operand {
        Operand::Literal(Literal::Text(text)) => texts(compared, text.clone()),
        Operand::Literal(Literal::Number(number)) => compared.numbers.push(number.value()),
        Operand::Literal(Literal::Boolean(_)) | Operand::Term(_) => (),
    };
    match condition {
        Condition::Test(Test::Holds(_) | Test::Null(_)) => (),
        Condition::Test(Test::Compare(_, _, operand) | Test::Contains(_, operand)) => {
            literal(operand, |compared, text| compared.texts.extend([text]));
        }
        Condition::Test(Test::HasText(_, operand)) => literal(operand, |compared, text| compared.parts.extend([text])),
        Condition::Test(Test::StartsWith(_, operand)) => {
            literal(operand, |compared, text| compared.starts.extend([text]));
        }
        Condition::Not(of) => gather(of, compared),
        Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| gather(part, compared)),
    }
}

// ---- the assertion

fn assertion(policy: &Policy, one: &Standing<'_>, operation: Operation, can: bool, scene: Scene) -> Vec<Assertion> {
    let Scene { caller, record, input } = scene;
    let make = |target: Target, input: Option<Record>| Assertion {
        caller: caller.clone(),
        can,
        operations: vec![operation],
        target,
        input,
        place: Place::default(),
    };
    match one.site {
        Site::Custom(custom) => vec![make(Target::Custom(custom.kind, custom.name.clone()), None)],
        Site::Path(bucket, path) => {
            let key = key(path, &one.rule, &caller);
            vec![make(Target::Object { bucket: bucket.name.clone(), key }, None)]
        }
        Site::Model(model, field) => on_model(model, field, operation, can, record, input)
            .into_iter()
            .map(|(target, input)| make(target, input))
            .collect(),
        // A function's rule is about all data; one model shows it.
        Site::Data => policy
            .models
            .iter()
            .take(1)
            .flat_map(|model| on_model(model, None, operation, can, Record::new(), Record::new()))
            .map(|(target, input)| make(target, input))
            .collect(),
    }
}

/// What is done to a record, or one field of it.
fn on_model(
    model: &Model,
    field: Option<&Field>,
    operation: Operation,
    can: bool,
    mut record: Record,
    mut input: Record,
) -> Vec<(Target, Option<Record>)> {
    let on = |field: Option<&Field>, record: Option<Record>| Target::Record {
        model: model.name.clone(),
        field: field.map(|field| field.name.clone()),
        record,
    };
    match operation {
        Operation::Create => {
            // What the record is to hold is what is proposed; an owner that nobody can write is recorded.
            record.retain(|name, _| model.is_writable(name));
            record.append(&mut input);
            if let Some(field) = field {
                record.entry(field.name.clone()).or_insert_with(|| sample(field));
            }
            vec![(on(None, Some(record.clone())), None), (on(field, Some(record)), None)]
        }
        Operation::Update => {
            let free = field.or_else(|| model.fields.iter().find(|field| field.rules.is_empty()));
            let one = free.map(|field| (field.name.clone(), sample(field)));
            let input: Record = one.into_iter().chain(input).collect();
            // What nobody at all may do is said without an input.
            let bare = (!can && field.is_none()).then(|| (on(None, Some(record.clone())), None));
            bare.into_iter().chain([(on(None, Some(record)), Some(input))]).collect()
        }
        Operation::Delete => vec![(on(None, Some(record)), None)],
        _ => vec![(on(field, Some(record)), None)],
    }
}

/// A key below a path: the caller's claims and folder put in.
fn key(path: &Path, rule: &Rule, caller: &Caller) -> String {
    let mut key = String::new();
    for (number, segment) in path.prefix.split_inclusive('/').enumerate() {
        match path.claims.iter().find(|(at, _)| *at == number) {
            None => key.push_str(segment),
            Some((_, claim)) => {
                let text = match caller.claims.get(claim) {
                    Some(Value::Text(text)) => text.as_str(),
                    _ => "acme",
                };
                key = key + text + "/";
            }
        }
    }
    if path.entity && rule.who == Who::Entity {
        key = key + caller.identity_id.as_deref().unwrap_or("id-2") + "/";
    }
    key + "file"
}
