//! What is not known is denied: leaving data out never turns a denial into an allow.
//! Always: takes away claims, keys of the record or the record itself. Group claims are not among them, for no claim
//! is the empty list; nor is an owner's identity on `create`, where the next owner rule takes over (§4.2).

use admit_compiler::definition::{self, Question, Record, Stored, Target};
use admit_runtime::Operation;
use admit_tests::generate::{self, Forms};
use proptest::prelude::*;

const OF_IDENTITIES: [&str; 4] = ["sub", "username", "cognito:username", "email"];
const OF_CONDITIONS: [&str; 4] = ["tenant", "level", "mfa", "roles"];

/// Takes away each key whose bit is set; the two spellings of `username` go together.
fn without(record: &Record, keys: &[&str], bits: u16) -> Record {
    let gone = |name: &str| {
        let at = keys.iter().position(|key| *key == name);
        at.is_some_and(|at| bits & (1 << at) != 0)
    };
    let both = |name: &str| gone(if name == "cognito:username" { "username" } else { name });
    record.iter().filter(|(name, _)| !both(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn less(question: &Question, claims: u16, fields: u16) -> Question {
    let mut less = question.clone();
    let creates = matches!(question.target, Target::Model(_, Operation::Create));
    less.caller.claims = without(&less.caller.claims, &OF_CONDITIONS, claims);
    if !creates {
        less.caller.claims = without(&less.caller.claims, &OF_IDENTITIES, claims >> 4);
    }
    if let Stored::Given(record) = &question.stored {
        let keys: Vec<&str> = record.keys().map(String::as_str).collect();
        // Without a record, a relation is asked as a list is.
        let many = matches!(question.target, Target::Model(_, Operation::Relation));
        less.stored = match fields & 0x8000 {
            fields if fields == 0 || many => Stored::Given(without(record, &keys, fields)),
            _ => Stored::NotGiven,
        };
    }
    less
}

proptest! {
    #![proptest_config(ProptestConfig { cases: admit_tests::cases(3000), max_shrink_iters: 100_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn leaving_data_out_opens_nothing(
        policy in generate::policy(Forms::All),
        questions in prop::collection::vec((generate::question(), any::<u16>(), any::<u16>()), 8),
    ) {
        for (question, claims, fields) in &questions {
            let full = definition::decide(&policy, question);
            let less = less(question, *claims, *fields);
            let answer = definition::decide(&policy, &less);
            let opened = (answer.allowed && !full.allowed) || (answer.ask && !full.ask && !full.allowed);
            prop_assert!(!opened, "denied: {question:?}\nallowed: {less:?}");
        }
    }

    #[test]
    fn leaving_data_out_shows_nothing(
        policy in generate::policy(Forms::All),
        question in generate::question(),
        record in generate::record(),
        claims in any::<u16>(),
        fields in any::<u16>(),
    ) {
        let creates = matches!(question.target, Target::Model(_, Operation::Create));
        let less = Question { stored: question.stored.clone(), ..less(&question, claims, 0) };
        let keys: Vec<&str> = record.keys().map(String::as_str).collect();
        let left = without(&record, &keys, fields & 0x7fff);
        let shows = |question: &Question, record: &Record| definition::shows(&policy, question, record);
        prop_assert!(!shows(&less, &left) || shows(&question, &record), "{less:?} {left:?}");
        for name in ["title", "note", "owner", "author", "team", "editors", "count", "flag"] {
            let shows = |question: &Question, record: &Record| definition::shows_field(&policy, question, record, name);
            prop_assert!(creates || !shows(&less, &left) || shows(&question, &record), "{name} of {less:?} {left:?}");
        }
    }
}
