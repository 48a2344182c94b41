//! The recorded decisions of the real Amplify stack, through text, checker, table and runtime.

use admit_tests::cases;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")
}

#[test]
fn every_recorded_decision_holds() {
    let report = cases::run(&folder()).unwrap();
    assert!(report.passed(), "{report}");
    assert!(report.by_iam() > 450, "the written IAM decided only {} requests", report.by_iam());
    let rows = [
        "a role met twice",
        "empty lists",
        "refused later, or without effect",
        "reserved names",
        "string claims",
        "two owner rules on one field",
        "unknown groups",
        "what each read operation shows",
    ];
    for row in rows {
        assert!(report.differences().get(row).is_some_and(|count| *count > 0), "no case shows the row `{row}`");
    }
}

/// A harness that cannot fail proves nothing: with every answer turned round, every one must fail.
#[test]
fn answers_turned_round_fail() {
    let turned = std::env::temp_dir().join(format!("admit-turned-{}", std::process::id()));
    std::fs::create_dir_all(&turned).unwrap();
    let mut decisions = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "json") {
            continue;
        }
        let mut cases: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for case in cases.as_array_mut().unwrap() {
            let case_of_storage = case["policy"]["kind"] == "storage";
            for request in case["requests"].as_array_mut().into_iter().flatten() {
                let allowed = request["expect"]["decision"] == "allow";
                request["expect"]["decision"] = if allowed { "deny".into() } else { "allow".into() };
                if request["what"] == "role" {
                    request["expect"]["role"] = "another".into();
                }
                if case_of_storage && request["expect"].get("effect").is_some() {
                    request["expect"]["effect"] = if allowed { "ImplicitlyDenied".into() } else { "Allowed".into() };
                }
                request.as_object_mut().unwrap().remove("holes");
                decisions += 1;
            }
        }
        std::fs::write(turned.join(path.file_name().unwrap()), cases.to_string()).unwrap();
    }
    let report = cases::run(&turned);
    std::fs::remove_dir_all(&turned).unwrap();
    let report = report.unwrap();
    assert!(!report.passed());
    let of_iam = report.failures().iter().filter(|failure| failure.contains(" by IAM: ")).count();
    let failures = report.failures().len() - of_iam;
    // The few that stay right are those where Admit differs on purpose.
    assert!(failures >= decisions - 10, "only {failures} of {decisions} failed");
    // Where a policy had to be mended, the effects are not compared: 409 of 498 are.
    assert!(of_iam >= 400, "only {of_iam} failed by IAM");
}

#[test]
fn a_folder_without_cases_is_an_error() {
    let empty = std::env::temp_dir().join(format!("admit-empty-{}", std::process::id()));
    std::fs::create_dir_all(&empty).unwrap();
    let ran = cases::run(&empty);
    std::fs::remove_dir_all(&empty).unwrap();
    assert!(ran.is_err());
}
