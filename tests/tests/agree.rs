//! The table against the definition: on every generated policy and request both must say the same.
//! Always: compares the effect, the refused fields, the recorded owners, the records shown and the fields shown.

use admit_compiler::definition::{self, AsFields, Question, Record, Stored, Target, Value};
use admit_compiler::policy::Policy;
use admit_compiler::table;
use admit_runtime::{Action, Caller, CustomKind, Decision, Effect, List, Operation, Request, Shown};
use admit_syntax::ast::OperationKind;
use admit_tests::generate::{self, Forms, Layout};
use proptest::prelude::*;
use std::collections::BTreeSet;

proptest! {
    #![proptest_config(ProptestConfig { cases: admit_tests::cases(4000), max_shrink_iters: 100_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_table_says_what_the_definition_says(
        policy in prop_oneof![generate::policy(Forms::Amplify), generate::policy(Forms::All)],
        layout in generate::layout(),
        questions in prop::collection::vec(generate::question(), 8),
        records in prop::collection::vec(generate::record(), 4),
    ) {
        let policy = generate::laid_out(policy, layout);
        let bytes = table(&policy, false).expect("small");
        let loaded = admit_runtime::Policy::from_bytes(&bytes).expect("what the writer writes loads");
        for question in questions.iter().chain(&without_input(&questions)) {
            compare(&policy, &loaded, question, &records)?;
        }
    }

    /// How a table lays out cells changes no decision, and no reason of one.
    #[test]
    fn every_layout_says_the_same(
        policy in prop_oneof![generate::policy(Forms::Amplify), generate::policy(Forms::All)],
        questions in prop::collection::vec(generate::question(), 8),
    ) {
        let layouts = [Layout::Grids, Layout::Cells, Layout::Long];
        let tables = layouts.map(|layout| table(&generate::laid_out(policy.clone(), layout), true).expect("small"));
        for question in questions.iter().chain(&without_input(&questions)) {
            let said = tables.each_ref().map(|bytes| {
                let loaded = admit_runtime::Policy::from_bytes(bytes).expect("what the writer writes loads");
                admit_tests::asked::decided(&loaded, question, |decision| {
                    let mut denied = Vec::new();
                    decision.each_denied_field(&mut |name| denied.push(name.to_owned()));
                    (format!("{decision:?}"), denied)
                })
            });
            prop_assert!(said[0] == said[1] && said[1] == said[2], "{question:?}: {said:?}");
        }
    }

    #[test]
    fn rules_in_another_order_give_the_same_decisions_byte_for_byte(policy in prop_oneof![generate::policy(Forms::Amplify), generate::policy(Forms::All)], seed in any::<u64>()) {
        let before = table(&policy, true).expect("small");
        let after = table(&shuffled(policy, seed), true).expect("small");
        prop_assert_eq!(before, after);
    }
}

/// The same requests, of writes that do not say what they propose.
fn without_input(questions: &[Question]) -> Vec<Question> {
    let given = questions.iter().filter(|question| question.input.is_some());
    given.map(|question| Question { input: None, ..question.clone() }).collect()
}

fn shuffled(mut policy: Policy, seed: u64) -> Policy {
    fn turn<T>(items: &mut [T], seed: u64) {
        if !items.is_empty() {
            items.rotate_left(seed as usize % items.len());
            if seed % 2 == 1 {
                items.reverse();
            }
        }
    }
    turn(&mut policy.models, seed);
    for model in &mut policy.models {
        turn(&mut model.rules, seed / 3);
        turn(&mut model.denies, seed / 17);
        turn(&mut model.fields, seed / 7);
        model.fields.iter_mut().for_each(|field| turn(&mut field.rules, seed / 5));
    }
    for bucket in &mut policy.buckets {
        turn(&mut bucket.paths, seed / 11);
        for path in &mut bucket.paths {
            turn(&mut path.rules, seed / 13);
            turn(&mut path.denies, seed / 19);
        }
    }
    policy
}

fn action(loaded: &admit_runtime::Policy<'_>, target: &Target) -> Option<Action> {
    match target {
        Target::Model(name, operation) => loaded.action(name, operation.name()).ok(),
        Target::Custom(kind, name) => {
            let kind = match kind {
                OperationKind::Query => CustomKind::Query,
                OperationKind::Mutation => CustomKind::Mutation,
                OperationKind::Subscription => CustomKind::Subscription,
            };
            loaded.custom_operation(kind, name).ok()
        }
        Target::Storage { bucket, operation, .. } => loaded.storage(bucket, operation.name()).ok(),
    }
}

fn compare(
    policy: &Policy,
    loaded: &admit_runtime::Policy<'_>,
    question: &Question,
    records: &[Record],
) -> Result<(), TestCaseError> {
    let expected = definition::decide(policy, question);
    let Some(action) = action(loaded, &question.target) else {
        prop_assert!(!expected.allowed && !expected.ask, "an unknown name is denied");
        return Ok(());
    };
    let groups: Vec<&str> = question.caller.groups.iter().flatten().map(String::as_str).collect();
    let groups = groups.as_slice();
    let claims = AsFields(&question.caller.claims);
    let caller = Caller {
        mode: question.caller.mode,
        claims: &claims,
        groups: question.caller.groups.is_some().then_some(&groups as &dyn List),
        identity_id: question.caller.identity_id.as_deref(),
        function: question.caller.function.as_deref(),
        authorizer: question.caller.authorizer,
        trusted: question.caller.trusted,
    };
    let principal = match loaded.principal(caller) {
        Ok(principal) => principal,
        Err(error) => {
            prop_assert_eq!(error, admit_runtime::PrincipalError::ExclusiveGroups);
            let once = loaded.decide_once(&caller, action, &Request::new());
            prop_assert_eq!(once.map(|decision| decision.effect()), Err(error));
            prop_assert!(!expected.allowed && !expected.ask, "nobody may hold these groups: {:?}", question);
            return Ok(());
        }
    };
    let stored = match &question.stored {
        Stored::Given(record) => Some(AsFields(record)),
        _ => None,
    };
    let input = question.input.as_ref().map(AsFields);
    let args = AsFields(&question.args);
    let index: Vec<&str> = question.index.iter().map(String::as_str).collect();
    let index = index.as_slice();
    let mut request = match &question.target {
        Target::Storage { key, .. } => Request::key(key),
        _ => Request::new(),
    };
    request = request.args(&args).index(&index).stored(match (&stored, &question.stored) {
        (Some(record), _) => admit_runtime::Stored::Given(record),
        (None, Stored::Missing) => admit_runtime::Stored::Missing,
        _ => admit_runtime::Stored::NotGiven,
    });
    if let Some(input) = &input {
        request = request.input(input);
    }
    let once = loaded.decide_once(&caller, action, &request).expect("who is a principal may ask once");
    compare_decision(policy, question, &once, &expected, records)?;
    compare_decision(policy, question, &loaded.decide(&principal, action, &request), &expected, records)
}

fn compare_decision(
    policy: &Policy,
    question: &Question,
    decision: &Decision<'_>,
    expected: &definition::Answer,
    records: &[Record],
) -> Result<(), TestCaseError> {
    let effect = match (expected.allowed, expected.ask) {
        (true, _) => Effect::Allow,
        (false, true) => Effect::Ask,
        (false, false) => Effect::Deny,
    };
    prop_assert_eq!(decision.effect(), effect, "{:?}", question);
    let mut denied = BTreeSet::new();
    decision.each_denied_field(&mut |name| {
        denied.insert(name.to_owned());
    });
    prop_assert_eq!(&denied, &expected.denied_fields, "{:?}", question);
    let mut owners = Record::new();
    decision.each_recorded_owner(&mut |name, list, pieces| {
        let owner = Value::Text(pieces.concat());
        let owner = if list { Value::List(definition::Items(vec![owner])) } else { owner };
        owners.insert(name.to_owned(), owner);
    });
    prop_assert_eq!(&owners, &expected.owners, "{:?}", question);
    if effect == Effect::Allow {
        compare_shown(policy, question, decision, records, &owners)?;
    }
    Ok(())
}

fn compare_shown(
    policy: &Policy,
    question: &Question,
    decision: &Decision<'_>,
    records: &[Record],
    owners: &Record,
) -> Result<(), TestCaseError> {
    let Target::Model(_, operation) = &question.target else { return Ok(()) };
    let input = question.input.clone().unwrap_or_default();
    match (operation, &question.stored) {
        (Operation::Create, _) => {
            let after: Record = input.into_iter().chain(owners.clone()).collect();
            compare_fields(policy, question, decision, &after)
        }
        (Operation::Update, Stored::Given(record)) => {
            let mut after = record.clone();
            after.extend(input);
            compare_fields(policy, question, decision, &after)
        }
        (Operation::Get | Operation::Delete | Operation::Relation, Stored::Given(record)) => {
            compare_fields(policy, question, decision, record)
        }
        (Operation::Update | Operation::Delete | Operation::Get, _) => Ok(()),
        _ => {
            for record in records {
                let shown = decision.filter().is_none_or(|filter| filter.matches(&AsFields(record)));
                prop_assert_eq!(shown, definition::shows(policy, question, record), "{:?} {:?}", question, record);
                if shown {
                    compare_fields(policy, question, decision, record)?;
                }
            }
            Ok(())
        }
    }
}

fn compare_fields(
    policy: &Policy,
    question: &Question,
    decision: &Decision<'_>,
    record: &Record,
) -> Result<(), TestCaseError> {
    for name in ["title", "note", "owner", "author", "team", "editors", "count", "at", "id", "createdAt", "nothing"] {
        let shown = match decision.field(name) {
            Shown::Always => true,
            Shown::Never => false,
            Shown::If(filter) => filter.matches(&AsFields(record)),
        };
        let expected = definition::shows_field(policy, question, record, name);
        prop_assert_eq!(shown, expected, "field {} of {:?} in {:?}", name, record, question);
    }
    Ok(())
}
