//! Tables of earlier builds: each of the current version still loads, and decides what it decided; each of an older
//! version is refused for its version. They are never written anew; a new layout is a new version, in a folder of its
//! own beside the others.
//!
//! `NAME.table` is the table, `NAME.requests` one request a line, `NAME.answers` one answer a line.

use admit_runtime::format::VERSION;
use admit_runtime::{LoadError, Policy};
use std::path::{Path, PathBuf};

fn tables(version: u16) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tables/v{version}"));
    let mut tables: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    tables.retain(|path| path.extension().is_some_and(|end| end == "table"));
    tables.sort();
    assert!(!tables.is_empty(), "version {version} has no table");
    tables
}

#[test]
fn tables_of_older_versions_are_refused_for_their_version() {
    for version in 1..VERSION {
        for path in tables(version) {
            let error = Policy::from_bytes(&std::fs::read(&path).unwrap()).unwrap_err();
            assert_eq!(error, LoadError::Version { found: version, supported: VERSION }, "{path:?}");
        }
    }
}

/// What decides in an answer; which rules are named may improve.
fn decided(mut answer: serde_json::Value) -> serde_json::Value {
    if let Some(answer) = answer.as_object_mut() {
        for key in ["rules", "nearest", "conditions"] {
            answer.remove(key);
        }
    }
    answer
}

#[test]
fn earlier_tables_decide_what_they_decided() {
    let mut asked = 0;
    for path in tables(VERSION) {
        let bytes = std::fs::read(&path).unwrap();
        let policy = Policy::from_bytes(&bytes).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        let requests = std::fs::read_to_string(path.with_extension("requests")).unwrap();
        let answers = std::fs::read_to_string(path.with_extension("answers")).unwrap();
        assert_eq!(requests.lines().count(), answers.lines().count(), "{path:?}");
        for (request, answer) in requests.lines().zip(answers.lines()) {
            let said = admit_cli::requests::answer(&policy, request);
            let said_then: serde_json::Value = serde_json::from_str(answer).unwrap();
            assert_eq!(decided(said), decided(said_then), "{path:?}: {request}");
            asked += 1;
        }
    }
    assert!(asked > 100, "only {asked} requests");
}
