//! Cells of every form: short runs, long ones, and pages; of each the first, the last and what lies between.
//! Always: every group is asked about every model, and what it should have is said beside the rules.

use admit_compiler::{Source, check, table};
use admit_runtime::{Policy, Request, Value, Who};
use std::fmt::Write;

const GROUPS: usize = 3_000;

/// A model's name, and the groups that may read it.
type Model = (&'static str, fn(usize) -> bool);

const MODELS: [Model; 9] = [
    ("Every", |_| true),
    ("EveryToo", |_| true),
    ("Half", |group| group % 2 == 0),
    ("Sparse", |group| group % 40 == 7),
    ("Short", |group| group % 50 == 0),
    ("JustShort", |group| group < 63),
    ("JustLong", |group| group < 64),
    ("Late", |group| group > GROUPS - 70),
    ("Ends", |group| group == 0 || group == GROUPS - 1),
];

fn bytes() -> Vec<u8> {
    let name = |group: usize| format!("\"G{group}\"");
    let list =
        |has: &dyn Fn(usize) -> bool| (0..GROUPS).filter(|group| has(*group)).map(name).collect::<Vec<_>>().join(", ");
    let mut text = format!("auth {{ groups: [{}] }}\n", list(&|_| true));
    for (model, reads) in MODELS {
        let _ = writeln!(text, "model {model} {{\n  allow.groups([{}]).to([\"read\"])", list(&reads));
        let _ = writeln!(text, "  allow.groups([\"G0\", \"G1\", \"G2999\"]).to([\"delete\"])\n}}");
    }
    let checked = check(&[Source { name: "a.policy".into(), text: text.into() }]);
    table(&checked.policy.unwrap_or_else(|| panic!("{:?}", checked.diagnostics)), true).unwrap()
}

#[test]
fn every_group_has_on_every_model_what_the_rules_say() {
    let bytes = bytes();
    let policy = Policy::from_bytes(&bytes).unwrap();
    for group in 0..GROUPS {
        let name = format!("G{group}");
        let groups = [name.as_str(), "unknown"];
        let claims = [("cognito:groups", Value::List(&groups))];
        let user = policy.user(&claims).unwrap();
        for (model, reads) in MODELS {
            let may = |operation| {
                policy.decide(&user, policy.action(model, operation).unwrap(), &Request::new()).is_allowed()
            };
            assert_eq!(may("get"), reads(group), "G{group} get {model}");
            assert_eq!(may("delete"), [0, 1, 2_999].contains(&group), "G{group} delete {model}");
            assert!(!may("create"), "G{group} create {model}");
        }
    }
}

#[test]
fn reports_say_the_same() {
    let bytes = bytes();
    let policy = Policy::from_bytes(&bytes).unwrap();
    for (model, reads) in MODELS {
        let readers: Vec<usize> = policy
            .model(model)
            .unwrap()
            .whole()
            .filter(|access| access.operations.meets(admit_runtime::Operations::GET))
            .filter_map(|access| match access.who {
                Who::Group { name, .. } => name.strip_prefix('G')?.parse().ok(),
                _ => None,
            })
            .collect();
        assert_eq!(readers, (0..GROUPS).filter(|group| reads(*group)).collect::<Vec<_>>(), "{model}");
    }
}

#[test]
fn dense_runs_are_pages_and_sparse_ones_are_not() {
    let bytes = bytes();
    let policy = Policy::from_bytes(&bytes).unwrap();
    let of = |section: &str| policy.sections().find(|(name, ..)| *name == section).unwrap().1;
    // Every and EveryToo are one run; Half, Sparse, JustLong and Late are long too.
    assert_eq!(of("long runs"), 5);
    assert!(of("pages") < 20 && of("page numbers") > GROUPS / 64, "pages are shared");
    assert!(of("cell classes") < 400, "{} cells", of("cell classes"));
}
