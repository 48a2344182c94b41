//! Who may use whom, and what we take from others, as `docs/architecture.md` and `.deny.toml` say.

use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;

fn metadata(args: &[&str]) -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(args)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn names(values: &Value, wanted: impl Fn(&Value) -> bool) -> Vec<&str> {
    values.as_array().unwrap().iter().filter(|value| wanted(value)).filter_map(|value| value["name"].as_str()).collect()
}

#[test]
fn arrows_point_one_way() {
    let metadata = metadata(&["--no-deps"]);
    let ours: BTreeMap<&str, Vec<&str>> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let of_ours = |dependency: &Value| dependency["name"].as_str().unwrap().starts_with("admit-");
            (package["name"].as_str().unwrap(), names(&package["dependencies"], of_ours))
        })
        .collect();
    assert_eq!(ours["admit-runtime"], [""; 0]);
    assert_eq!(ours["admit-syntax"], [""; 0]);
    assert_eq!(ours["admit-compiler"], ["admit-runtime", "admit-syntax"]);
    assert_eq!(ours["admit-amplify"], ["admit-compiler", "admit-runtime", "admit-syntax"]);
    assert_eq!(ours["admit-cli"], ["admit-amplify", "admit-compiler", "admit-runtime", "admit-syntax"]);
    assert_eq!(ours.len(), 6, "a crate that docs/architecture.md does not show: {ours:?}");
}

#[test]
fn the_runtime_needs_nothing_by_default() {
    let metadata = metadata(&["--no-deps"]);
    let packages = metadata["packages"].as_array().unwrap();
    let runtime = packages.iter().find(|package| package["name"] == "admit-runtime").unwrap();
    let needed =
        names(&runtime["dependencies"], |dependency| dependency["optional"] == false && dependency["kind"].is_null());
    assert_eq!(needed, [""; 0]);
    assert!(runtime["features"].get("default").is_none_or(|default| default.as_array().unwrap().is_empty()));
}

#[test]
fn packages_stay_where_they_belong() {
    let metadata = metadata(&["--no-deps"]);
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let uses = names(&package["dependencies"], |dependency| dependency["kind"].is_null());
        let belongs = |dependency: &str, crates: &[&str]| !uses.contains(&dependency) || crates.contains(&name);
        assert!(belongs("logos", &["admit-syntax"]) && belongs("pest", &["admit-syntax"]), "{name}");
        assert!(belongs("clap", &["admit-cli"]) && belongs("miette", &["admit-cli"]), "{name}");
        assert!(belongs("serde", &["admit-cli"]), "{name}");
        assert!(belongs("oxc_parser", &["admit-amplify"]) && belongs("oxc_ast", &["admit-amplify"]), "{name}");
    }
}

#[test]
fn licences_are_those_that_the_policy_allows() {
    let policy = include_str!("../../.deny.toml");
    let metadata = metadata(&[]);
    for package in metadata["packages"].as_array().unwrap() {
        let licence = package["license"].as_str().unwrap_or_default();
        // `A OR B`, `A/B`: one of them will do; `A AND B`: each must.
        let allowed = |one: &str| policy.contains(&format!("\"{}\"", one.trim_matches(['(', ')', ' '])));
        let fine = licence.replace('/', " OR ").split(" OR ").any(|choice| choice.split(" AND ").all(allowed));
        assert!(fine, "{} has the licence `{licence}`, which .deny.toml does not allow", package["name"]);
        let source = package["source"].as_str().unwrap_or("registry+");
        assert!(source.starts_with("registry+"), "{} comes from {source}", package["name"]);
    }
}
