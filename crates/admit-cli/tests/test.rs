//! `admit test`: its formats, its exit statuses, and that `--watch` sees changes.

use quick_xml::events::{BytesStart, Event};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const TESTED: &str = include_str!("tested.policy");

/// A folder with a policy, gone when the test is.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, policy: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("admit-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        let folder = Folder(path);
        folder.write(policy);
        folder
    }

    fn write(&self, policy: &str) {
        std::fs::write(self.0.join("desk.policy"), policy).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_admit"));
        command.args(["test", "desk.policy"]).args(args).current_dir(&self.0);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A command with all that came of it.
fn session(folder: &Folder, args: &[&str]) -> String {
    let output = folder.run(args);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    format!(
        "$ admit test desk.policy {}\n{}{}--- exit {}\n",
        args.join(" "),
        text(&output.stdout),
        text(&output.stderr),
        output.status.code().unwrap_or(-1)
    )
}

macro_rules! sessions {
    ($($name:ident: $policy:expr, $args:expr;)*) => {
        $(#[test] fn $name() {
            let folder = Folder::new(stringify!($name), $policy);
            insta::with_settings!({ omit_expression => true }, {
                insta::assert_snapshot!(session(&folder, &$args));
            });
        })*
    };
}

const PASSING: [&str; 2] = ["--filter", "publish"];

sessions! {
    what_holds: TESTED, PASSING;
    what_does_not_hold: TESTED, ["--filter", "not hold"];
    results_as_json: TESTED, ["--filter", "not hold", "--format", "json"];
    results_as_junit: TESTED, ["--format", "junit"];
    no_test_of_that_name: TESTED, ["--filter", "nothing"];
    a_policy_without_tests: "model Post { allow.publicApiKey().to([\"read\"]) }", [];
    a_wrong_policy: "model Post { allow.gest() }", [];
    coverage: TESTED, ["--filter", "publish", "--coverage"];
    coverage_under_what_is_asked: TESTED, ["--filter", "publish", "--fail-under", "90"];
    changes_that_nobody_notices: TESTED, ["--filter", "publish", "--mutate"];
    changes_left_over: TESTED, ["--filter", "publish", "--mutate", "--budget", "5"];
    no_score_where_a_test_fails: TESTED, ["--filter", "not hold", "--mutate"];
    a_budget_for_nothing: TESTED, ["--budget", "5"];
    standard_input_does_not_change: TESTED, ["-", "--watch"];
}

#[test]
fn lines_of_rules_for_editors() {
    let folder = Folder::new("lcov", TESTED);
    folder.run(&["--filter", "publish", "--lcov", "lcov.info"]);
    let text = std::fs::read_to_string(folder.0.join("lcov.info")).unwrap();
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(text) });
    let sum = |key: &str| -> usize {
        let values = text.lines().filter_map(|line| line.strip_prefix(key));
        values.map(|value| value.rsplit(',').next().unwrap().parse::<usize>().unwrap()).sum()
    };
    let count = |key: &str| text.lines().filter(|line| line.starts_with(key)).count();
    let hit = |key: &str| text.lines().filter(|line| line.starts_with(key) && !line.ends_with(",0")).count();
    assert_eq!((sum("LF:"), sum("LH:")), (count("DA:"), hit("DA:")));
    assert_eq!((sum("BRF:"), sum("BRH:")), (count("BRDA:"), hit("BRDA:")));
}

// ---- JUnit's XML

/// The attributes that the schema gives an element (`junit-10.xsd`, which Jenkins checks reports by), with `!` those
/// that it requires; and, beyond it, `file` and `line` of a case and `skipped` of the whole, which readers know.
fn attributes(element: &str) -> &'static [&'static str] {
    match element {
        "testsuites" => &["name", "time", "tests", "failures", "disabled", "errors", "skipped"],
        "testsuite" => &[
            "name!",
            "tests",
            "failures",
            "errors",
            "group",
            "time",
            "skipped",
            "timestamp",
            "hostname",
            "id",
            "package",
            "file",
            "log",
            "url",
            "version",
        ],
        "testcase" => &["name!", "classname", "time", "group", "assertions", "status", "file", "line"],
        "failure" => &["message", "type"],
        other => panic!("an element `{other}` that the schema does not have here"),
    }
}

/// Which elements may stand in which.
fn parent(element: &str) -> Option<&'static str> {
    match element {
        "testsuites" => None,
        "testsuite" => Some("testsuites"),
        "testcase" => Some("testsuite"),
        _ => Some("testcase"),
    }
}

fn read(element: &BytesStart<'_>) -> (String, BTreeMap<String, String>) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let values = element.attributes().map(|attribute| {
        let attribute = attribute.unwrap();
        let value = text(&attribute.value);
        assert!(!value.contains('<'), "a bare `<` in an attribute: {value}");
        (text(attribute.key.as_ref()), value)
    });
    (text(element.name().as_ref()), values.collect())
}

#[test]
fn junit_is_what_its_schema_says() {
    let folder = Folder::new("junit-schema", TESTED);
    let output = String::from_utf8(folder.run(&["--format", "junit"]).stdout).unwrap();
    assert!(output.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"));
    let mut reader = quick_xml::Reader::from_str(&output);
    let mut open: Vec<(String, BTreeMap<String, String>)> = Vec::new();
    // Of the suite and the whole: cases and failures counted.
    let (mut counted, mut all) = ((0, 0), (0, 0));
    let number = |of: &BTreeMap<String, String>, key: &str| of[key].parse::<usize>().unwrap();
    loop {
        let event = reader.read_event().unwrap();
        match &event {
            Event::Start(element) | Event::Empty(element) => {
                let (name, values) = read(element);
                assert_eq!(open.last().map(|(name, _)| name.as_str()), parent(&name), "{name} stands elsewhere");
                let known = attributes(&name);
                for key in values.keys() {
                    assert!(known.iter().any(|of| of.trim_end_matches('!') == key), "{name} has no `{key}`");
                }
                for key in known.iter().filter_map(|key| key.strip_suffix('!')) {
                    assert!(values.get(key).is_some_and(|value| !value.is_empty()), "{name} needs `{key}`");
                }
                match name.as_str() {
                    "testcase" => counted.0 += 1,
                    "failure" => counted.1 += 1,
                    _ => (),
                }
                if matches!(event, Event::Start(_)) {
                    open.push((name, values));
                }
            }
            Event::End(_) => {
                let (name, values) = open.pop().unwrap();
                match name.as_str() {
                    "testsuite" => {
                        assert_eq!((number(&values, "tests"), number(&values, "failures")), counted);
                        all = (all.0 + counted.0, all.1 + counted.1);
                        counted = (0, 0);
                    }
                    "testsuites" => assert_eq!((number(&values, "tests"), number(&values, "failures")), all),
                    _ => (),
                }
            }
            Event::Eof => break,
            _ => (),
        }
    }
    assert!(open.is_empty() && all == (13, 6), "{all:?}");
}

// ---- watching

#[test]
fn watching_runs_again_when_a_policy_changes() {
    let folder = Folder::new(
        "watch",
        "model Post { allow.publicApiKey().to([\"read\"]) }\ntest \"first\" { apiKey can [\"read\"] Post {} }",
    );
    let mut child = folder.command(&["--watch"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(|line| line.unwrap());
    let mut until = |what: &str| lines.by_ref().take(200).any(|line| line.contains(what));
    let first = until("watching");
    folder.write(
        "model Post { allow.publicApiKey().to([\"read\"]) }\ntest \"second\" { apiKey cannot [\"update\"] Post {} }",
    );
    let second = until("ok      second");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(first && second);
}

/// What is not about a test of the policy is still an error of the policy.
#[test]
fn a_folder_is_one_policy() {
    let folder = Folder::new("folder", TESTED);
    let more = "test \"more\" { guest cannot publish }";
    std::fs::write(folder.0.join("more.policy"), more).unwrap();
    let path: &Path = &folder.0;
    let output =
        Command::new(env!("CARGO_BIN_EXE_admit")).args(["test", ".", "--filter", "more"]).current_dir(path).output();
    assert_eq!(output.unwrap().status.code(), Some(0));
}

/// Files that each have an `auth` block cannot be one policy. Each is one, with what it uses.
#[test]
fn a_folder_of_policies_is_tested_one_by_one() {
    let folder = Folder::new(
        "folders",
        "use \"common.policy\"\nauth { groups: [\"A\"] }\nmodel Post { ...ALL }\n\
        test \"one\" { user { groups: [\"A\"] } can [\"read\"] Post {} }",
    );
    let write = |name: &str, text: &str| std::fs::write(folder.0.join(name), text).unwrap();
    write("common.policy", "let ALL = [allow.group(\"A\")]");
    write(
        "other.policy",
        "auth { groups: [\"B\"] }\nmodel Post { allow.group(\"B\") }\n\
        test \"two\" { user { groups: [\"B\"] } cannot [\"read\"] Post {} }",
    );
    let output = Command::new(env!("CARGO_BIN_EXE_admit")).args(["test", "."]).current_dir(&folder.0).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("ok      one\nfailed  two\n"), "{text}");
    assert!(text.contains("2 tests: 1 passed, 1 failed (2 assertions)"), "{text}");
    assert_eq!(output.status.code(), Some(1));
}
