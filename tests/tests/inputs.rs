//! `cannot` without an input: what the search says against the definition, on inputs that are simply enumerated.
//! Always: an input that is found is allowed; where none is found, none of the enumerated is.

use admit_compiler::definition::{self, Items, Question, Record, Stored, Target, Value};
use admit_compiler::policy::{FieldType, Model};
use admit_compiler::testing::{Found, Wanted, find_allowed};
use admit_runtime::Operation;
use admit_tests::generate::{self, Forms};
use proptest::prelude::*;

/// Values that a field may be given; none leaves it out.
fn values(ty: &FieldType, list: bool) -> Vec<Option<Value>> {
    let texts = |texts: &[&str]| texts.iter().map(|text| Value::Text((*text).to_owned())).collect::<Vec<_>>();
    let scalars = match ty {
        FieldType::Integer => [-1.0, 0.0, 1.0, 2.0, 3.0].map(Value::Number).to_vec(),
        FieldType::Float => [0.0, 0.5, 1.0, 2.0].map(Value::Number).to_vec(),
        FieldType::Boolean => [true, false].map(Value::Bool).to_vec(),
        FieldType::DateTime => texts(&["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.5Z", "2030-01-01T00:00:00Z"]),
        _ => texts(&["A", "B", "u1", "n1", "u1::n1", "t1", "", "zz"]),
    };
    let mut all = vec![None, Some(Value::Null)];
    match list {
        false => all.extend(scalars.into_iter().map(Some)),
        true => {
            all.push(Some(Value::List(Items(Vec::new()))));
            all.extend(scalars.iter().map(|one| Some(Value::List(Items(vec![one.clone()])))));
            all.push(Some(Value::List(Items(scalars))));
        }
    }
    all
}

/// Every input of some fields.
fn inputs(model: &Model, names: &[&str]) -> Vec<Record> {
    let mut all = vec![Record::new()];
    for field in model.fields.iter().filter(|field| names.contains(&field.name.as_str())) {
        let values = values(&field.ty, field.list);
        let with = |input: &Record| -> Vec<Record> {
            let one = |value: &Option<Value>| {
                let value = value.clone().map(|value| (field.name.clone(), value));
                input.clone().into_iter().chain(value).collect()
            };
            values.iter().map(one).collect()
        };
        all = all.iter().flat_map(with).collect();
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: admit_tests::cases(300), max_shrink_iters: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_input_that_is_enumerated_is_allowed_where_none_is_found(
        policy in generate::policy(Forms::All),
        questions in prop::collection::vec((generate::question(), any::<bool>()), 3),
        wanted in 0..3usize,
        picked in prop::sample::subsequence(vec![0usize, 1, 2, 3, 4], 3),
    ) {
        let model = &policy.models[0];
        for (question, creates) in questions {
            let operation = if creates { Operation::Create } else { Operation::Update };
            let target = Target::Model(model.name.clone(), operation);
            let stored = if creates { Stored::NotGiven } else { question.stored };
            let question = Question { target, stored, args: Record::new(), index: Vec::new(), ..question };
            let one = model.fields.first().map(|field| field.name.as_str());
            let wanted = match (wanted, one) {
                (0, Some(field)) => Wanted::Field(field),
                _ if creates => Wanted::Anything,
                _ => Wanted::SomeField,
            };
            let is_wanted = |input: &Record| match wanted {
                Wanted::Anything => true,
                Wanted::Field(field) => input.contains_key(field),
                Wanted::SomeField => {
                    model.fields.is_empty() || input.keys().any(|name| !model.identifier.contains(name))
                }
            };
            let mut allowed = |question: &Question| definition::decide(&policy, question).allowed;
            let found = find_allowed(&policy, &question, &Record::new(), wanted, &mut allowed);
            match &found {
                Found::Undecided => continue,
                Found::Input(input) => {
                    let asked = Question { input: Some(input.clone()), ..question.clone() };
                    prop_assert!(is_wanted(input) && definition::decide(&policy, &asked).allowed, "{input:?} of {asked:?}");
                }
                Found::None => {
                    let names: Vec<&str> =
                        picked.iter().filter_map(|at| model.fields.get(*at)).map(|field| field.name.as_str()).collect();
                    for input in inputs(model, &names).into_iter().filter(is_wanted) {
                        let asked = Question { input: Some(input), ..question.clone() };
                        prop_assert!(!definition::decide(&policy, &asked).allowed, "allowed: {asked:#?} by {model:#?}");
                    }
                }
            }
        }
    }
}
