//! Damaged tables: each is refused, and none makes the runtime panic or decide otherwise.

use admit_compiler::{Source, check, table};
use admit_runtime::format::{SECTIONS, Section};
use admit_runtime::{Caller, LoadError, Mode, Policy, Request, Value};
use proptest::prelude::*;

const POLICIES: [&str; 4] = [
    "model Post { allow.publicApiKey().to([\"read\"]) }",
    include_str!("../../docs/examples/bulletin.policy"),
    include_str!("../../crates/admit-syntax/tests/everything.policy"),
    include_str!("../tables/v4/guarded.policy"),
];

/// So many groups that what they may do stands in short and long runs of cells, and in pages, not in grids.
fn pages() -> String {
    let list = |step: usize| (0..67).step_by(step).map(|at| format!("\"G{at}\"")).collect::<Vec<_>>().join(", ");
    let all = list(1);
    let models = ["A", "B"].map(|name| format!("model {name} {{ allow.groups([{all}]).to([\"read\"]) }}\n"));
    let half = format!("model C {{ allow.groups([{}]) allow.groups([{all}]).to([\"get\"]) }}\n", list(2));
    let few = "model D { allow.groups([\"G3\", \"G66\"]) }\n";
    format!("auth {{ groups: [{all}, \"ADMINS\"] }}\n{}{half}{few}", models.concat())
}

/// The tables of all these, built once.
fn tables() -> Vec<Vec<u8>> {
    static TABLES: std::sync::LazyLock<Vec<Vec<u8>>> = std::sync::LazyLock::new(build);
    TABLES.clone()
}

fn build() -> Vec<Vec<u8>> {
    let build = |text: String| {
        let checked = check(&[Source { name: "a.policy".into(), text: text.into() }]);
        table(&checked.policy.unwrap_or_else(|| panic!("{:?}", checked.diagnostics)), false).unwrap()
    };
    POLICIES.into_iter().map(String::from).chain([pages()]).map(build).collect()
}

#[test]
fn every_change_of_a_byte_is_found() {
    for table in tables() {
        assert!(Policy::from_bytes(&table).is_ok());
        // Every value in the smallest table, every bit and some values in the others.
        let values: Vec<u8> =
            if table.len() < 800 { (1..=255).collect() } else { vec![1, 2, 4, 8, 16, 32, 64, 128, 255, 3, 90] };
        for at in 0..table.len() {
            for value in &values {
                let mut damaged = table.clone();
                damaged[at] ^= value;
                assert!(Policy::from_bytes(&damaged).is_err(), "byte {at} changed by {value} goes unnoticed");
            }
        }
    }
}

#[test]
fn every_truncation_and_extension_is_found() {
    for table in tables() {
        for length in 0..table.len() {
            assert!(Policy::from_bytes(&table[..length]).is_err(), "{length} of {} bytes load", table.len());
        }
        for extra in [1, 7, 8, 64] {
            let longer = [table.as_slice(), &vec![0; extra]].concat();
            assert!(Policy::from_bytes(&longer).is_err());
        }
    }
}

#[test]
fn errors_say_what_is_wrong() {
    let table = tables().remove(0);
    let error = |bytes: &[u8]| Policy::from_bytes(bytes).unwrap_err().to_string();
    let mut version = table.clone();
    version[8] = 9;
    let mut damaged = table.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    let said = [error(b"not a table"), error(&version), error(&damaged), error(&table[..table.len() - 8])];
    insta::assert_snapshot!(said.join("\n"));
}

/// Asks a policy all kinds of things.
fn ask_everything(policy: &Policy<'_>) {
    let groups = ["ADMINS", "EDITORS", "G3"];
    let claims =
        [("sub", Value::Text("1")), ("username", Value::Text("eve")), ("cognito:groups", Value::List(&groups))];
    let record = [("owner", Value::Text("eve")), ("title", Value::Text("t"))];
    for mode in Mode::ALL {
        let caller =
            Caller { claims: &claims, function: Some("resizer"), identity_id: Some("me"), ..Caller::new(mode) };
        let Ok(principal) = policy.principal(caller) else { continue };
        for model in policy.models() {
            for operation in ["create", "update", "delete", "get", "list", "listen", "relation"] {
                let Ok(action) = policy.action(model, operation) else { continue };
                let request = Request::on(&record).input(&record);
                let once = policy.decide_once(&caller, action, &request).expect("who is a principal may ask once");
                let _ = once.filter().map(|filter| filter.matches(&record));
                let decision = policy.decide(&principal, action, &request);
                decision.each_field(&mut |_, _| ());
                decision.each_denied_field(&mut |_| ());
                decision.each_recorded_owner(&mut |_, _, _| ());
                let _ = decision.rule().map(|rule| rule.to_string());
                let _ = decision.nearest().count();
                let _ = decision.filter().map(|filter| filter.conditions().count());
            }
        }
        for bucket in policy.buckets() {
            for operation in ["get", "list", "write", "delete"] {
                let Ok(action) = policy.storage(bucket, operation) else { continue };
                let _ = policy.decide(&principal, action, &Request::key("drafts/a/b.md")).is_allowed();
            }
        }
    }
    policy.rules().for_each(|rule| drop(rule.to_string()));
}

/// What a table says of a section, forged and with the checksum mended.
fn forged(table: &[u8], section: Section, at: usize, value: u8) -> Result<(), LoadError> {
    let end = table.len() - 8;
    let length = |section: usize| {
        let at = 36 + 4 * section; // behind magic, version, settings, length, seed and counts
        u32::from_le_bytes([table[at], table[at + 1], table[at + 2], table[at + 3]]) as usize
    };
    let start = 36 + 4 * SECTIONS + (0..section as usize).map(length).sum::<usize>();
    let mut forged = table.to_vec();
    forged[start + at] = value;
    if let Err(LoadError::Checksum { found, .. }) = Policy::from_bytes(&forged) {
        forged[end..].copy_from_slice(&found.to_le_bytes());
    }
    Policy::from_bytes(&forged).map(drop)
}

#[test]
fn a_grid_holds_no_class_that_there_is_not() {
    let table = &tables()[1]; // two classes
    let wrong = Err(LoadError::Value { section: Section::Grids, record: 0 });
    assert_eq!(forged(table, Section::Grids, 0, 0b100), wrong);
    assert_eq!(forged(table, Section::Grids, 7, 0x80), wrong);
    assert_eq!(forged(table, Section::Grids, 0, 0b11), Ok(()));
}

#[test]
fn a_head_names_a_grid_that_there_is() {
    let table = &tables()[1];
    let beyond = forged(table, Section::Heads, 0, 200);
    assert!(
        matches!(beyond, Err(LoadError::OutOfRange { section: Section::Heads, record: 0, names: 200, target, .. })
            if target == Section::Grids),
        "{beyond:?}"
    );
    // Of a table of many classes no head has a grid, since there is none.
    let many = tables().pop().expect("some");
    let grid = forged(&many, Section::Heads, 4, admit_runtime::format::GRID);
    assert!(matches!(grid, Err(LoadError::OutOfRange { section: Section::Heads, .. })), "{grid:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(admit_tests::cases(2000)))]

    #[test]
    fn random_bytes_do_not_load(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(Policy::from_bytes(&bytes).is_err());
    }

    /// Somebody who also mends the checksum gets what is checked beyond it: an error, or a table that never panics.
    #[test]
    fn a_forged_table_never_panics(which in 0usize..5, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut table = tables().remove(which);
        for (at, value) in changes {
            let at = at.index(table.len() - 8);
            table[at] = value;
        }
        if let Err(LoadError::Checksum { found, .. }) = Policy::from_bytes(&table) {
            let end = table.len();
            table[end - 8..].copy_from_slice(&found.to_le_bytes());
        }
        if let Ok(policy) = Policy::from_bytes(&table) {
            ask_everything(&policy);
        }
    }
}
