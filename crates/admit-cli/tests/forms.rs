//! What `admit check` writes for programs: each form is what its reader's schema or manual says, whatever the policy
//! holds.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A policy with errors, warnings, fixes, other places, and text that each form must quote.
const ODD: &str = "auth { groups: [\"ADMINS\", \"Ä,:%\"] }
model Post {
  title: string
  allow.groups([\"ADMIN\"])
  allow.guest()
  allow.guest().to([\"read\"])
  allow.group(\"<&>\\u0001]]>\")
  allow.owner().to([
    \"read\", \"read\"
  ])
}
model Post { allow.gest() }
";

/// A folder of its own, gone when the test is.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Folder {
        let folder = Folder(std::env::temp_dir().join(format!("admit-forms-{name}-{}", std::process::id())));
        std::fs::create_dir_all(&folder.0).unwrap();
        for (name, text) in files {
            std::fs::write(folder.0.join(name), text).unwrap();
        }
        folder
    }

    fn admit(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_admit")).args(args).current_dir(&self.0).output().unwrap()
    }

    fn text(&self, args: &[&str]) -> String {
        String::from_utf8(self.admit(args).stdout).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A policy that accepts a warning.
const ACCEPTING: &str = "model Guestbook {
  // admit: allow W0705 because everybody may sign the <guestbook>
  allow.publicApiKey().to([\"create\", \"read\"])
}
";

fn odd(name: &str) -> Folder {
    let plain = "enum State { draft }\n";
    Folder::new(name, &[("odd, 100%:.policy", ODD), ("plain.policy", plain), ("book.policy", ACCEPTING)])
}

const CHECK: [&str; 3] = ["check", ".", "--format"];

fn with(format: &'static str) -> Vec<&'static str> {
    CHECK.into_iter().chain([format]).collect()
}

macro_rules! snapshots {
    ($($name:ident: $args:expr;)*) => {
        $(#[test] fn $name() {
            let folder = odd(stringify!($name));
            let said = format!("{ODD}--- book.policy\n{ACCEPTING}--- admit {}\n{}", $args.join(" "), folder.text(&$args));
            insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(said) });
        })*
    };
}

snapshots! {
    problems_as_annotations: with("github");
    problems_as_junit: with("junit");
    warnings_that_fail_as_junit: [with("junit"), vec!["--fail-on", "warning"]].concat();
    accepted_as_json: ["check", "book.policy", "--fail-on", "warning", "--format", "json"];
    accepted_for_a_person: ["check", "book.policy", "--fail-on", "warning"];
    problems_of_a_build_as_annotations: ["build", ".", "-o", "x.table", "--format", "github"];
}

// ---- SARIF

/// SARIF's own schema, from the package that `Cargo.toml` names for it.
fn schema() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "serde-sarif").unwrap();
    let manifest = Path::new(package["manifest_path"].as_str().unwrap());
    let text = std::fs::read_to_string(manifest.parent().unwrap().join("src/schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&text).unwrap();
    assert!(schema["title"].as_str().unwrap().contains("Version 2.1.0"), "{}", schema["title"]);
    schema
}

fn faults(schema: &Value, log: &Value) -> Vec<String> {
    // Its pattern of languages has a stray bracket, which strict readers of patterns refuse; nothing of ours is one.
    let mut schema = schema.clone();
    for of in ["run", "toolComponent"] {
        schema["definitions"][of]["properties"]["language"].as_object_mut().unwrap().remove("pattern");
    }
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    validator.iter_errors(log).map(|fault| format!("{}: {fault}", fault.instance_path())).collect()
}

#[test]
fn sarif_is_what_its_schema_says() {
    let schema = schema();
    let folder = odd("sarif");
    for args in [
        &with("sarif")[..],
        &["build", ".", "-o", "x.table", "--format", "sarif"],
        &["check", "plain.policy", "--format", "sarif"],
    ] {
        let log: Value = serde_json::from_str(&folder.text(args)).unwrap();
        assert_eq!(faults(&schema, &log), [""; 0], "{args:?}: {log:#}");
    }
    // The schema is one that can say no.
    let mut log: Value = serde_json::from_str(&folder.text(&with("sarif"))).unwrap();
    log["runs"][0]["results"][0]["level"] = "fatal".into();
    assert_eq!(faults(&schema, &log).len(), 1);
}

/// What the schema cannot say: indices lead to what they name, and regions hold what the problem is about.
#[test]
fn sarif_points_at_what_it_names() {
    let folder = odd("points");
    let json: Value = serde_json::from_str(&folder.text(&with("json"))).unwrap();
    let log: Value = serde_json::from_str(&folder.text(&with("sarif"))).unwrap();
    let run = &log["runs"][0];
    let results = run["results"].as_array().unwrap();
    let (told, accepted) = (json["diagnostics"].as_array().unwrap(), json["accepted"].as_array().unwrap());
    assert_eq!(results.len(), told.len() + accepted.len());
    let suppressed = &results[told.len()];
    assert_eq!(suppressed["suppressions"][0]["justification"], "everybody may sign the <guestbook>");
    assert_eq!((&suppressed["ruleId"], &accepted[0]["code"]), (&"W0705".into(), &"W0705".into()));
    let mut fixes = 0;
    for (result, one) in results.iter().zip(told) {
        let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!((&rule["id"], &result["ruleId"]), (&one["code"], &one["code"]));
        let physical = &result["locations"][0]["physicalLocation"];
        assert_eq!(physical["artifactLocation"]["uri"], "odd%2C%20100%25%3A.policy");
        let place = |place: &Value| (place["line"].as_u64(), place["column"].as_u64());
        let region = &physical["region"];
        assert_eq!((region["startLine"].as_u64(), region["startColumn"].as_u64()), place(&one["at"]["start"]));
        assert_eq!((region["endLine"].as_u64(), region["endColumn"].as_u64()), place(&one["at"]["end"]));
        let edits: Vec<&Value> = result["fixes"][0]["artifactChanges"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|change| change["replacements"].as_array().unwrap())
            .collect();
        let wanted: Vec<&Value> =
            one["fix"].as_array().into_iter().flatten().map(|edit| &edit["replacement"]).collect();
        assert_eq!(edits.iter().map(|edit| &edit["insertedContent"]["text"]).collect::<Vec<_>>(), wanted);
        fixes += edits.len();
    }
    assert!(fixes > 1);
}

// ---- what is in the way of what

#[test]
fn one_stream_holds_one_document() {
    let folder = Folder::new("streams", &[("a.policy", "model Post { allow.publicApiKey().to([\"read\"]) }\n")]);
    let output = folder.admit(&["build", "a.policy", "-o", "-", "--format", "json"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    let output = folder.admit(&["build", "a.policy", "-o", "a.table", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((json["errors"].as_u64(), output.stderr.len()), (Some(0), 0));
    assert!(folder.0.join("a.table").exists());
}

/// A name is text; it must not become a command of the workflow that prints it.
#[test]
fn no_text_of_a_policy_is_a_workflow_command() {
    let policy = "model Post { allow.publicApiKey().to([\"read\"]) }
test \"a\\n::error::b\" { apiKey can [\"delete\"] Post {} }
test \"c\\n::stop-commands::d\" { apiKey can [\"get\"] Post {} }\n";
    let folder = Folder::new("commands", &[("a.policy", policy)]);
    let text = folder.text(&["test", "a.policy", "--format", "github"]);
    let commands: Vec<&str> = text.lines().filter(|line| line.starts_with("::")).collect();
    assert_eq!(commands.len(), 1, "{text}");
    assert!(commands[0].starts_with("::error file=a.policy,line=2,endLine=2,col="), "{text}");
}

// ---- docs/ci.md

/// The lines of `docs/ci.md` that run `admit`, as a shell is given them.
fn commands() -> Vec<String> {
    let page = include_str!("../../../docs/ci.md");
    let blocks = page.split("```").skip(1).step_by(2);
    let lines = blocks.filter(|block| !block.starts_with("policy")).flat_map(str::lines);
    let command = |line: &str| {
        let line = line.trim().trim_start_matches("- ").trim_start_matches("run: ");
        line.starts_with("admit ").then(|| line.to_owned())
    };
    lines.filter_map(command).collect()
}

#[test]
fn the_commands_of_the_page_do_what_it_says() {
    let folder = Folder::new("page", &[]);
    let policies = folder.0.join("policies");
    std::fs::create_dir_all(&policies).unwrap();
    let tested =
        "model Post {\n  allow.publicApiKey().to([\"read\"])\n}\n\ntest \"t\" {\n  apiKey can [\"read\"] Post {}\n}\n";
    let wrong = tested.replace("apiKey can", "apiKey cannot");
    let binary = Path::new(env!("CARGO_BIN_EXE_admit")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap_or_default());
    let run = |line: &str, policy: &str| {
        std::fs::write(policies.join("app.policy"), policy).unwrap();
        let output = Command::new("sh").args(["-c", line]).env("PATH", &path).current_dir(&folder.0).output().unwrap();
        assert!(output.status.code() != Some(2) && output.status.code() != Some(127), "{line}: {output:?}");
        output.status.code()
    };
    let commands = commands();
    assert!(commands.len() > 8, "{commands:?}");
    for line in commands {
        assert_eq!(run(&line, tested), Some(0), "{line}");
        let odd =
            if line.contains("fmt") { tested.replace("  ", " ") } else { tested.replace("publicApiKey", "publicKey") };
        assert_eq!(run(&line, &odd), Some(1), "{line}");
        if line.contains(" test ") {
            assert_eq!(run(&line, &wrong), Some(1), "{line}");
        }
    }
    assert!(folder.0.join("admit.sarif").exists() && folder.0.join("app.table").exists());
}

// ---- fixing

/// What can be mended, what is left, and what is an error.
const MENDABLE: &str = r#"auth {
  groups: ["ADMINS", "EDITORS"]
}

let OLD = ["ADMINS"]

model Post {
  title: string
  allow.groups(["ADMINS", "EDITORS", "EDITORS"])

  // readers
  allow.groups(["ADMINS"]).to(["read"])
  allow.owner().to(["read"])
  allow.owner().to(["update"])
  deny.authenticated("identityPool").to(["delete"])
}
"#;

#[test]
fn what_changes_nothing_is_mended_and_the_rest_is_told() {
    let folder = Folder::new("mended", &[("app.policy", MENDABLE)]);
    let first = folder.text(&["check", "app.policy", "--fix"]);
    let mended = std::fs::read_to_string(folder.0.join("app.policy")).unwrap();
    let json = folder.text(&["check", "app.policy", "--fix", "--format", "json"]);
    let again = std::fs::read_to_string(folder.0.join("app.policy")).unwrap();
    assert_eq!(mended, again);
    insta::with_settings!({ omit_expression => true }, {
        insta::assert_snapshot!(format!("{MENDABLE}--- --fix\n{first}--- now\n{mended}--- again, as json\n{json}"));
    });
}

#[test]
fn an_error_is_not_guessed_at() {
    let wrong = MENDABLE.replace("allow.owner().to([\"read\"])", "allow.groups([\"EDITOR\"])");
    let folder = Folder::new("guess", &[("app.policy", &wrong)]);
    let text = folder.text(&["check", "app.policy", "--fix"]);
    assert_eq!(std::fs::read_to_string(folder.0.join("app.policy")).unwrap(), wrong);
    assert!(
        text.contains("left   all as it is: a policy with an error has no meaning that a fix could keep"),
        "{text}"
    );
}

#[test]
fn standard_input_is_mended_to_standard_output() {
    let folder = Folder::new("stdin", &[("app.policy", MENDABLE)]);
    let output = Command::new("sh")
        .args(["-c", "\"$0\" check - --fix < app.policy", env!("CARGO_BIN_EXE_admit")])
        .current_dir(&folder.0)
        .output()
        .unwrap();
    folder.admit(&["check", "app.policy", "--fix"]);
    let mended = std::fs::read_to_string(folder.0.join("app.policy")).unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), mended);
    assert!(String::from_utf8(output.stderr).unwrap().contains("4 fixed"));
}

/// Another policy may use the list as well.
#[test]
fn a_file_that_is_only_used_is_not_changed() {
    let list = "let ALL = [allow.group(\"A\"), allow.group(\"A\").to([\"read\"])]\n";
    let policy = "use \"list.policy\"\nauth { groups: [\"A\"] }\nmodel Post { ...ALL }\n";
    let folder = Folder::new("used", &[("list.policy", list), ("app.policy", policy)]);
    let text = folder.text(&["check", "app.policy", "--fix"]);
    assert!(text.contains("left   list.policy:1  W0702: it changes a file that was not named"), "{text}");
    assert_eq!(std::fs::read_to_string(folder.0.join("list.policy")).unwrap(), list);
    let text = folder.text(&["check", "app.policy", "list.policy", "--fix"]);
    assert!(text.contains("1 fixed, no problems in 2 files"), "{text}");
}
