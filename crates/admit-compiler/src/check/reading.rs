//! Reading models one by one says what reading whole files says.

use super::{Source, check, checked, parse};
use proptest::prelude::*;

const POLICIES: [&str; 2] = [
    include_str!("../../../admit-syntax/tests/everything.policy"),
    include_str!("../../../admit-syntax/tests/constructs.policy"),
];

fn same(texts: &[String]) {
    let sources: Vec<Source> = (0..)
        .zip(texts)
        .map(|(at, text)| Source { name: format!("{at}.policy"), text: text.clone().into_bytes() })
        .collect();
    assert_eq!(check(&sources), checked(&sources, &parse(&sources, false)).0);
}

#[test]
fn whole_policies() {
    POLICIES.iter().for_each(|text| same(&[(*text).to_owned()]));
    same(&POLICIES.map(str::to_owned));
}

proptest! {
    /// A policy with some of its text gone, or doubled: with errors of every kind, in models and elsewhere.
    #[test]
    fn damaged_policies(policy in 0..POLICIES.len(), start in 0.0..1.0, length in 0_usize..40, doubled: bool) {
        let characters: Vec<char> = POLICIES[policy].chars().collect();
        let start = (start * characters.len() as f64) as usize;
        let end = (start + length).min(characters.len());
        let (first, rest) = if doubled { (end, start) } else { (start, end) };
        let text: String = characters[..first].iter().chain(&characters[rest..]).collect();
        same(&[text]);
    }
}
