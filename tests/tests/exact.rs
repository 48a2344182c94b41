//! The exact answers, held to the definition: what holds is broken by no request, and what is broken is shown by one.

use admit_compiler::analysis::{Answer, holds};
use admit_compiler::condition::{Condition, Source};
use admit_compiler::definition::{self, Question, Record, Stored, Target};
use admit_compiler::policy::{Deed, DeedTarget, Keys, Place, Policy, Requirement, RequirementKind, Rule, Who, Whom};
use admit_runtime::{Authorizer, Mode, Operation};
use admit_tests::generate::{self, Forms};
use proptest::prelude::*;
use proptest::sample::Index;

/// Keys under every kind of path, and beside them.
const KEYS: [&str; 10] =
    ["a/f", "a/b/f", "a/b/c/f", "ab/f", "p/me/f", "p/x/f", "q/t1/d/f", "q/t1/o/me/f", "a/b/t1/f", "q/r/f"];

/// A deed on something that the policy has.
fn deed(policy: &Policy, which: Index, operation: Index, key: Index) -> Deed {
    let mut targets: Vec<(DeedTarget, Vec<Operation>)> = Vec::new();
    const DATA: [Operation; 6] =
        [Operation::Create, Operation::Get, Operation::List, Operation::Update, Operation::Delete, Operation::Listen];
    for model in &policy.models {
        let fields = model.fields.iter().map(|field| Some(field.name.clone()));
        for field in [None, None].into_iter().chain(fields) {
            let target = DeedTarget::Record { model: model.name.clone(), field, record: Record::new() };
            targets.push((target, DATA.to_vec()));
        }
    }
    for custom in &policy.operations {
        targets.push((DeedTarget::Custom(custom.kind, custom.name.clone()), vec![Operation::Call]));
    }
    for bucket in &policy.buckets {
        let key = KEYS[key.index(KEYS.len())];
        let below = Keys::Below(key.rsplit_once('/').map_or(String::new(), |(above, _)| format!("{above}/")));
        for keys in [Keys::All, Keys::One(key.to_owned()), below] {
            let operations = vec![Operation::Get, Operation::List, Operation::Write, Operation::Delete];
            targets.push((DeedTarget::Objects { bucket: bucket.name.clone(), keys }, operations));
        }
    }
    let (target, operations) = targets.swap_remove(which.index(targets.len()));
    Deed { operations: vec![operations[operation.index(operations.len())]], target, place: Place::default() }
}

/// A who that some rule on the target has.
fn whom(policy: &Policy, deed: &Deed, which: Index) -> Whom {
    let rules: Vec<&Rule> = match &deed.target {
        DeedTarget::Record { model, .. } => {
            let model = policy.models.iter().find(|known| known.name == *model).unwrap();
            model.rules.iter().chain(model.fields.iter().flat_map(|field| &field.rules)).collect()
        }
        DeedTarget::Custom(..) => policy.operations.iter().flat_map(|custom| &custom.rules).collect(),
        DeedTarget::Objects { .. } => {
            let paths = policy.buckets.iter().flat_map(|bucket| &bucket.paths);
            paths.flat_map(|path| &path.rules).filter(|rule| rule.who != Who::Entity).collect()
        }
    };
    let of = |who: &Who, and: &[Who], condition: Option<&Condition>| Whom {
        who: who.clone(),
        and: and.to_vec(),
        condition: condition.cloned().map(Box::new),
        place: Place::default(),
    };
    let mut all: Vec<Whom> = rules.iter().map(|rule| of(&rule.who, &rule.and, None)).collect();
    all.extend(rules.iter().map(|rule| of(&rule.who, &[], None)));
    let writes = matches!(deed.operations[0], Operation::Create | Operation::Update);
    let reads_input = |condition: &Condition| {
        let mut reads = false;
        condition.each_term(&mut |term| reads |= term.source == Source::Input);
        reads
    };
    for rule in &rules {
        let condition = rule.condition.as_ref().filter(|condition| writes || !reads_input(condition));
        all.extend(condition.map(|condition| of(&rule.who, &rule.and, Some(condition))));
    }
    all.extend(policy.functions.iter().map(|name| of(&Who::Function(name.clone()), &[], None)));
    all.retain(|whom| !whom.and.contains(&Who::Entity));
    all.swap_remove(which.index(all.len()))
}

/// A random request as a request of the deed; none if it cannot be one.
fn asked(policy: &Policy, deed: &Deed, question: &Question) -> Option<Question> {
    let mut asked = Question { args: Record::new(), index: Vec::new(), ..question.clone() };
    asked.caller.authorizer = Authorizer::Yes;
    // Claims that hold groups as texts, and identities that are unknown, are other spellings of the same callers.
    let operation = deed.operations[0];
    match &deed.target {
        DeedTarget::Record { model, field, .. } => {
            let of = policy.models.iter().find(|known| known.name == *model)?;
            let set_null = field.is_some() && operation == Operation::Delete;
            asked.target = Target::Model(model.clone(), if set_null { Operation::Update } else { operation });
            if let (Operation::Update, None) = (operation, field) {
                let keys = |name: &String| of.identifier.contains(name);
                let proposes = asked.input.as_ref().is_some_and(|input| input.keys().any(|name| !keys(name)));
                if !proposes && of.fields.iter().any(|field| !keys(&field.name)) {
                    return None;
                }
            }
            if let Some(field) = field {
                let proposed = asked.input.as_ref().and_then(|input| input.get(field));
                match operation {
                    Operation::Create | Operation::Update if proposed.is_none() => return None,
                    Operation::Delete if proposed != Some(&definition::Value::Null) => return None,
                    _ => (),
                }
            }
        }
        DeedTarget::Custom(kind, name) => asked.target = Target::Custom(*kind, name.clone()),
        DeedTarget::Objects { bucket, keys } => {
            let Target::Storage { key, .. } = &question.target else { return None };
            let is = match keys {
                Keys::All => true,
                Keys::One(one) => key == one,
                Keys::Below(above) => key.starts_with(above),
            };
            if !is {
                return None;
            }
            asked.target = Target::Storage { bucket: bucket.clone(), operation, key: key.clone() };
        }
    }
    Some(asked)
}

fn is_done(policy: &Policy, deed: &Deed, question: &Question) -> bool {
    if question.caller.mode == Mode::Iam || !definition::decide(policy, question).allowed {
        return false;
    }
    let DeedTarget::Record { field, .. } = &deed.target else { return true };
    if matches!(deed.operations[0], Operation::Create | Operation::Update | Operation::Delete) {
        return true;
    }
    let Stored::Given(record) = &question.stored else { return false };
    definition::shows(policy, question, record)
        && field.as_ref().is_none_or(|field| definition::shows_field(policy, question, record, field))
}

fn is_whom(policy: &Policy, question: &Question, whom: &Whom) -> bool {
    definition::is_whom(policy, question, whom)
}

/// Whether a random request shows that the requirement is broken.
fn breaks(policy: &Policy, kind: &RequirementKind, question: &Question, other: &Question) -> bool {
    let done = |deed: &Deed| asked(policy, deed, question).filter(|asked| is_done(policy, deed, asked));
    match kind {
        RequirementKind::Only(whos, deed) => {
            done(deed).is_some_and(|asked| whos.iter().all(|whom| !is_whom(policy, &asked, whom)))
        }
        RequirementKind::No(whom, deed) => done(deed).is_some_and(|asked| is_whom(policy, &asked, whom)),
        RequirementKind::NoOne(one, two) => {
            let same = Question { caller: question.caller.clone(), ..other.clone() };
            let second = asked(policy, two, &same).filter(|asked| is_done(policy, two, asked));
            done(one).is_some() && second.is_some()
        }
        RequirementKind::Whoever(one, two) => {
            let reads =
                |deed: &Deed| matches!(deed.operations[0], Operation::Get | Operation::List | Operation::Delete);
            // Writes are asked with the input that fits them best: left to the analysis.
            let plain = reads(one) && reads(two) && one.target == two.target;
            let field = matches!(&one.target, DeedTarget::Record { field: Some(_), .. });
            let storage = matches!(&one.target, DeedTarget::Objects { .. });
            if (!plain || field) && !storage {
                return false;
            }
            let second = asked(policy, two, question);
            let given = storage || matches!(question.stored, Stored::Given(_));
            given && done(one).is_some() && second.is_some_and(|asked| !is_done(policy, two, &asked))
        }
    }
}

fn requirement() -> impl Strategy<Value = [Index; 11]> {
    any::<[Index; 11]>()
}

fn kind(policy: &Policy, at: &[Index; 11]) -> RequirementKind {
    let one = deed(policy, at[0], at[1], at[2]);
    match at[3].index(4) {
        0 => {
            let count = at[4].index(4);
            let whos = [at[5], at[6], at[7]].into_iter().take(count).map(|which| whom(policy, &one, which)).collect();
            RequirementKind::Only(whos, one)
        }
        1 => RequirementKind::No(whom(policy, &one, at[5]), one),
        2 => RequirementKind::NoOne(one, deed(policy, at[8], at[9], at[2])),
        _ => {
            let two = deed(policy, at[0], at[9], at[2]);
            RequirementKind::Whoever(one, two)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(admit_tests::cases(400)))]

    #[test]
    fn what_holds_no_request_breaks(
        policy in generate::policy(Forms::All),
        at in requirement(),
        questions in proptest::collection::vec(generate::question(), 100),
    ) {
        let kind = kind(&policy, &at);
        let requirement = Requirement { kind, place: Place::default() };
        if holds(&policy, &requirement) == Answer::Holds {
            for (question, other) in questions.iter().zip(questions.iter().skip(1)) {
                prop_assert!(!breaks(&policy, &requirement.kind, question, other), "{requirement:?}\nbroken by\n{question:?}\n{other:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(admit_tests::cases(400)))]

    /// The same of objects alone, with every caller at every key.
    #[test]
    fn what_holds_of_objects_no_request_breaks(
        mut policy in generate::policy(Forms::All).prop_filter("a bucket", |policy| !policy.buckets.is_empty()),
        at in requirement(),
        questions in proptest::collection::vec(generate::question(), 60),
    ) {
        let models = std::mem::take(&mut policy.models);
        policy.operations.clear();
        let kind = kind(&policy, &at);
        policy.models = models;
        let requirement = Requirement { kind, place: Place::default() };
        if holds(&policy, &requirement) == Answer::Holds {
            for question in &questions {
                for key in KEYS {
                    let target = Target::Storage { bucket: "files".into(), operation: Operation::Get, key: key.into() };
                    let mut asked = Question { target, ..question.clone() };
                    if asked.caller.mode == Mode::Function {
                        // A function has no token.
                        asked.caller.claims.clear();
                    }
                    prop_assert!(!breaks(&policy, &requirement.kind, &asked, &asked), "{requirement:?}\nbroken by\n{asked:?}");
                }
            }
        }
    }
}

/// Nearly every question gets an answer, and both answers are given often enough to mean something.
#[test]
fn few_answers_are_undecided() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut holding, mut broken, mut undecided) = (0, 0, Vec::new());
    for _ in 0..300 {
        let made = (generate::policy(Forms::All), requirement()).new_tree(&mut runner).unwrap();
        let (policy, at) = proptest::strategy::ValueTree::current(&made);
        let requirement = Requirement { kind: kind(&policy, &at), place: Place::default() };
        match holds(&policy, &requirement) {
            Answer::Holds => holding += 1,
            Answer::Broken(_) => broken += 1,
            Answer::Undecided(of) => {
                println!(
                    "UND {requirement:?} {of:?} {:?} {:?}",
                    policy
                        .models
                        .iter()
                        .map(|m| (
                            &m.name,
                            &m.rules,
                            &m.denies,
                            m.fields.iter().map(|f| (&f.name, &f.rules, &f.denies)).collect::<Vec<_>>()
                        ))
                        .collect::<Vec<_>>(),
                    policy.buckets
                );
                undecided.push(of)
            }
        }
    }
    println!("{holding} hold, {broken} are broken, undecided: {undecided:#?}");
    assert!(holding > 60 && broken > 60 && undecided.len() < 10, "{holding}, {broken}, {undecided:#?}");
}
