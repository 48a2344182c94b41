//! What the checker says can be left out can be left out: on generated policies, each fix of such a warning, applied alone
//! and proved by nobody, changes no answer.

use admit_compiler::definition::{self, Question};
use admit_compiler::diagnostic::Diagnostic;
use admit_compiler::policy::Policy;
use admit_compiler::{Source, check};
use admit_tests::generate::{self, Forms};
use admit_tests::written;
use proptest::prelude::*;

/// The warnings that say that something means nothing.
const IDLE: [&str; 9] = ["W0702", "W0703", "W0712", "W0721", "W0723", "W0724", "W1401", "W1402", "W1403"];

fn source(text: &str) -> Vec<Source> {
    vec![Source { name: "generated.policy".into(), text: text.into() }]
}

/// The text with the fix of a diagnostic; none if it has none.
fn mended(text: &str, diagnostics: &[&Diagnostic]) -> String {
    let mut edits: Vec<_> = diagnostics.iter().flat_map(|one| one.fix.iter().flat_map(|fix| &fix.edits)).collect();
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.span));
    let mut bytes = text.as_bytes().to_vec();
    for edit in edits {
        bytes.splice(edit.span.range(), edit.replacement.bytes());
    }
    String::from_utf8(bytes).unwrap()
}

fn same(was: &Policy, is: &Policy, questions: &[Question]) -> Result<(), Box<Question>> {
    let differs = |question: &&Question| definition::decide(was, question) != definition::decide(is, question);
    questions.iter().find(differs).map_or(Ok(()), |question| Err(Box::new(question.clone())))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, max_shrink_iters: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_means_nothing_can_be_left_out(
        policy in prop_oneof![1 => generate::policy(Forms::Amplify), 2 => generate::policy(Forms::All)],
        seed in any::<u64>(),
        questions in prop::collection::vec(generate::question(), 60),
    ) {
        let text = written::text(&written::repeating(policy, seed));
        let checked = check(&source(&text));
        let Some(was) = checked.policy else { return Ok(()) };
        let idle: Vec<&Diagnostic> =
            checked.diagnostics.iter().filter(|one| IDLE.contains(&one.code) && one.fix.is_some()).collect();
        for one in &idle {
            let without = mended(&text, &[one]);
            // The last rule of something cannot be left out, whatever it means.
            let Some(is) = check(&source(&without)).policy else { continue };
            if let Err(question) = same(&was, &is, &questions) {
                prop_assert!(false, "{text}\nis told {} {} at {:?}\nbut without it answers {question:#?}\n{:#?}\ninstead of\n{:#?}",
                    one.code, one.message, &text[one.label.span.range()],
                    definition::decide(&is, &question), definition::decide(&was, &question));
            }
        }
    }
}

/// Without this the property above would hold of nothing.
#[test]
fn generated_policies_are_told_all_of_it() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    use std::collections::BTreeMap;
    let mut runner = TestRunner::deterministic();
    let mut told: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 0..400_u64 {
        let forms = if seed % 3 == 0 { Forms::Amplify } else { Forms::All };
        let policy = generate::policy(forms).new_tree(&mut runner).unwrap().current();
        let checked =
            check(&source(&written::text(&written::repeating(policy, seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)))));
        if checked.policy.is_some() {
            checked.diagnostics.iter().for_each(|one| *told.entry(one.code).or_default() += 1);
        }
    }
    for code in ["W0702", "W0703", "W0723", "W0724", "W1401", "W1402", "W1403"] {
        assert!(told.get(code).is_some_and(|count| *count > 1), "{code} is hardly told: {told:?}");
    }
}
