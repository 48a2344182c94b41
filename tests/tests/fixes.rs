//! `admit check --fix`, on generated policies: it changes no answer, loses no comment, and changes nothing twice.

use admit_compiler::definition::{self, Question};
use admit_compiler::fix::{Why, fix};
use admit_compiler::policy::Policy;
use admit_compiler::{Checked, Source, check};
use admit_tests::generate::{self, Forms};
use admit_tests::written;
use proptest::prelude::*;

fn source(text: &str) -> Vec<Source> {
    vec![Source { name: "generated.policy".into(), text: text.into() }]
}

fn comments(source: &Source) -> Vec<String> {
    let text = String::from_utf8_lossy(&source.text);
    text.lines().map(str::trim).filter(|line| line.starts_with("// comment")).map(str::to_owned).collect()
}

/// Whether two policies give one answer.
fn agree(one: &Policy, other: &Policy, question: &Question) -> bool {
    definition::decide(one, question) == definition::decide(other, question)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: admit_tests::cases(100), max_shrink_iters: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fixing_changes_no_answer(
        policy in prop_oneof![2 => generate::policy(Forms::Amplify), 1 => generate::policy(Forms::All)],
        questions in prop::collection::vec(generate::question(), 24),
        is_laid_out in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let mut text = written::text(&written::repeating(policy, seed));
        if is_laid_out {
            text = admit_syntax::format(&text).unwrap();
        }
        let before = source(&text);
        let fixed = fix(&before, &|_| true);
        let Some(was) = &fixed.before.policy else {
            prop_assert!(fixed.sources == before && fixed.mended.is_empty(), "an error has no meaning to keep");
            return Ok(());
        };
        let after = String::from_utf8(fixed.sources[0].text.clone()).unwrap();
        let now = check(&fixed.sources);
        prop_assert_eq!(&now, &fixed.after);
        let is = now.policy.as_ref().expect("no fix adds an error");
        for question in &questions {
            prop_assert!(agree(was, is, question), "{text}\nbecame\n{after}\nwhich answers {question:?} otherwise");
        }
        prop_assert_eq!(comments(&before[0]), comments(&fixed.sources[0]), "{}\nbecame\n{}", text, after);
        prop_assert_eq!(fixed.mended.is_empty(), fixed.sources == before);
        let fixable = |checked: &Checked| checked.diagnostics.iter().filter(|one| one.fix.is_some()).count();
        prop_assert!(fixed.mended.is_empty() || fixable(&now) < fixable(&fixed.before));
        if is_laid_out {
            prop_assert_eq!(admit_syntax::format(&after).unwrap(), after.clone());
        }
        let again = fix(&fixed.sources, &|_| true);
        prop_assert!(again.mended.is_empty() && again.sources == fixed.sources, "{}\nis mended twice", after);
        prop_assert!(fixed.left.iter().all(|(_, why)| *why == Why::Meaning));
    }
}

#[test]
fn generated_policies_are_checked_and_mended() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut checked, mut mended) = (0, 0);
    for at in 0..120_u64 {
        let forms = if at % 3 == 0 { Forms::All } else { Forms::Amplify };
        let policy = generate::policy(forms).new_tree(&mut runner).unwrap().current();
        let text = written::text(&written::repeating(policy, 0x1111 * at));
        let fixed = fix(&source(&text), &|_| true);
        checked += usize::from(fixed.before.policy.is_some());
        mended += fixed.mended.len();
    }
    assert!(checked > 40 && mended > 60, "{checked} of 120 checked, {mended} mended");
}
