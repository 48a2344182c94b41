//! Tables of earlier builds: those of this version load, and decide what they decided; those of an earlier one are refused
//! by their version. They are never written anew; a new layout is a new version, in a folder of its own.
//!
//! `NAME.table` is the table, `NAME.requests` one request a line, `NAME.answers` one answer a line.

use std::path::{Path, PathBuf};

fn tables(version: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tables").join(version);
    let mut tables: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    tables.retain(|path| path.extension().is_some_and(|end| end == "table"));
    tables.sort();
    tables
}

/// What decides in an answer; which rules are named may improve.
fn decided(mut answer: serde_json::Value) -> serde_json::Value {
    answer.as_object_mut().map(|answer| (answer.remove("rules"), answer.remove("nearest")));
    answer
}

#[test]
fn earlier_tables_decide_what_they_decided() {
    let mut asked = 0;
    for path in tables("v2") {
        let bytes = std::fs::read(&path).unwrap();
        let policy = admit_runtime::Policy::from_bytes(&bytes).unwrap_or_else(|error| panic!("{path:?}: {error}"));
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

#[test]
fn tables_of_an_earlier_version_are_refused() {
    for path in tables("v1") {
        let bytes = std::fs::read(&path).unwrap();
        let error = admit_runtime::Policy::from_bytes(&bytes).unwrap_err();
        assert_eq!(error, admit_runtime::LoadError::Version { found: 1, supported: 2 }, "{path:?}");
    }
    assert!(!tables("v1").is_empty());
}
