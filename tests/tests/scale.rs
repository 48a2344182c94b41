//! Reports on large policies: models that are alike are looked at together, with the same answers as one by one, and
//! what a report costs stays in proportion to checking the policy.

use admit_compiler::analysis::{Change, Difference, Matrix, Resource};
use admit_compiler::policy::{Model, Policy, Rule, Who};
use admit_compiler::{Source, check};
use admit_tests::generate::{self, Forms};
use admit_tests::large;
use proptest::prelude::*;
use proptest::sample::Index;
use std::time::{Duration, Instant};

/// Groups in other places: two keep the order of the names, one does not.
const PLACES: [[&str; 3]; 3] = [["B", "C", "D"], ["A", "C", "D"], ["C", "A", "B"]];

fn with_groups(model: &Model, number: usize) -> Model {
    let mut model = model.clone();
    let rename = |rules: &mut Vec<Rule>| {
        for who in rules.iter_mut().flat_map(|rule| [&mut rule.who].into_iter().chain(&mut rule.and)) {
            if let Who::Groups { names, .. } = who {
                for name in names {
                    let at = ["A", "B", "C"].iter().position(|known| known == name);
                    *name = at.map_or(name.clone(), |at| PLACES[number][at].to_owned());
                }
            }
        }
    };
    [&mut model.rules, &mut model.denies].into_iter().for_each(rename);
    model.fields.iter_mut().flat_map(|field| [&mut field.rules, &mut field.denies]).for_each(rename);
    model.name = format!("{}{number}", model.name);
    model
}

/// A policy with more models, like its own but for their groups.
fn grown(policy: &Policy) -> Policy {
    let more: Vec<Model> = (0..PLACES.len())
        .flat_map(|number| policy.models.iter().map(move |model| with_groups(model, number)))
        .collect();
    let mut grown = policy.clone();
    grown.models.extend(more);
    grown
}

/// The policy with one model alone.
fn alone(policy: &Policy, name: &str) -> Policy {
    let mut alone = policy.clone();
    alone.models.retain(|model| model.name == name);
    alone
}

proptest! {
    #![proptest_config(ProptestConfig { cases: admit_tests::cases(40), max_shrink_iters: 60, ..ProptestConfig::default() })]

    #[test]
    fn models_that_are_alike_have_the_rows_that_each_has_alone(
        policy in prop_oneof![generate::policy(Forms::All), generate::policy(Forms::Amplify)],
    ) {
        let policy = grown(&policy);
        let all = Matrix::of(&policy);
        for model in &policy.models {
            let one = Matrix::of_resource(&policy, &model.name);
            let rows = |matrix: &Matrix| {
                let mine = |(of, _): &&(Resource, _)| *of == Resource::Model(model.name.clone());
                matrix.rows.iter().filter(|(key, _)| mine(key)).map(|(key, row)| (key.clone(), row.clone())).collect::<Vec<_>>()
            };
            prop_assert_eq!(rows(&all), rows(&one));
        }
    }

    #[test]
    fn models_that_change_alike_change_as_each_does_alone(
        policy in prop_oneof![generate::policy(Forms::All), generate::policy(Forms::Amplify)],
        which in any::<Index>(),
    ) {
        let mut less = policy.clone();
        let model = which.index(less.models.len());
        if less.models[model].rules.pop().is_none() {
            return Ok(());
        }
        let (old, new) = (grown(&policy), grown(&less));
        let all = Difference::of(&old, &new);
        for model in &old.models {
            let one = Difference::of(&alone(&old, &model.name), &alone(&new, &model.name));
            let mine = |difference: &Difference| -> Vec<Change> {
                let is = |change: &&Change| change.resource == Resource::Model(model.name.clone());
                difference.changes.iter().filter(is).cloned().collect()
            };
            prop_assert_eq!(mine(&all), mine(&one));
        }
    }
}

fn checked(text: String) -> Policy {
    check(&[Source { name: "large.policy".into(), text: text.into_bytes() }]).policy.unwrap()
}

/// The least of a few measurements: what disturbs one only makes it longer.
fn least<T>(mut job: impl FnMut() -> T) -> Duration {
    let mut once = || {
        let start = Instant::now();
        let _kept = job();
        start.elapsed()
    };
    (0..4).map(|_| once()).min().unwrap_or_default()
}

/// Checking takes about as long as the matrix. Before models that are alike were looked at together, and groups that the
/// same rules name, the matrix took thirty times as long, and a difference fifty times.
#[test]
fn reports_cost_no_more_than_a_few_times_the_check() {
    let text = large::policy(2_000, 400);
    let changed = text.replace("\"update\"", "\"delete\"");
    let (old, new) = (checked(text.clone()), checked(changed));
    let check = least(|| checked(text.clone()));
    let matrix = least(|| Matrix::of(&old));
    assert!(matrix < check * 6, "the matrix took {matrix:?}, the check {check:?}");
    let difference = least(|| Difference::of(&old, &new));
    assert!(difference < check * 6, "the difference took {difference:?}, the check {check:?}");
}
