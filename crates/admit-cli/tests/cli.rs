//! The command as its users see it: arguments in; output, diagnostics and exit status out.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn admit(args: &[&str], stdin: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_admit"))
        .args(args)
        .current_dir(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let bytes = stdin.to_vec();
    // A limit may end the reading early, which closes the pipe.
    let writer = std::thread::spawn(move || drop(input.write_all(&bytes)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

/// A command and all that came of it.
fn session(args: &[&str], stdin: &str) -> String {
    let output = admit(args, stdin.as_bytes());
    let quoted = args.iter().map(|arg| if arg.contains([' ', '{']) { format!("'{arg}'") } else { (*arg).to_owned() });
    let mut out = format!("$ admit {}\n", quoted.collect::<Vec<_>>().join(" "));
    if !stdin.is_empty() {
        out.push_str(&format!("--- stdin\n{stdin}\n"));
    }
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if !bytes.is_empty() {
            out.push_str(&format!("--- {name}\n{}", String::from_utf8_lossy(bytes)));
        }
    }
    out.push_str(&format!("--- exit {}\n", output.status.code().unwrap_or(-1)));
    out
}

/// A folder of its own, gone when the test is.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("admit-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_string_lossy().into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A policy with a condition and a deny.
const GUARDED: &str = r#"auth { groups: ["EDITORS"] }
model Post {
  state: enum ["draft", "published"]
  owner: string
  allow.owner()
  allow.groups(["EDITORS"]).to(["read", "update"]).when(record.state == "draft")
  deny.groups(["EDITORS"]).to(["delete"])
}
"#;

const BULLETIN: &str = "docs/examples/bulletin.policy";

macro_rules! sessions {
    ($($name:ident: $args:expr, $stdin:expr;)*) => {
        $(#[test] fn $name() {
            insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(session(&$args, $stdin)); });
        })*
    };
}

sessions! {
    an_editor_updates: ["decide", BULLETIN, "--as", "groups=EDITORS", "--can", "update", "Article"], "";
    an_editor_does_not_delete: ["decide", BULLETIN, "--as", "groups=EDITORS", "--can", "delete", "Article"], "";
    an_editor_does_not_create: ["decide", BULLETIN, "--as", "groups=EDITORS", "--can", "create", "Article"], "";
    an_admin_does_not_touch_articles: ["decide", BULLETIN, "--as", "groups=ADMINS", "--can", "update", "Article"], "";
    an_editor_writes_drafts: ["decide", BULLETIN, "--as", "groups=EDITORS", "--can", "write", "articles", "--key", "drafts/a/b.md"], "";
    an_editor_does_not_write_elsewhere: ["decide", BULLETIN, "--as", "groups=EDITORS", "--can", "write", "articles", "--key", "published/x"], "";
    near_the_path_is_not_on_it: ["decide", BULLETIN, "--as", "groups=EDITORS", "--can", "write", "articles", "--key", "draft/x"], "";
    a_guest_does_nothing: ["decide", BULLETIN, "--as", "guest", "--can", "get", "articles", "--key", "drafts/a.md"], "";
    an_owner_lists_what_is_his: ["decide", BULLETIN, "--as", "sub=1 username=eve", "--can", "list", "Post"], "";
    an_owner_is_recorded: ["decide", BULLETIN, "--as", "sub=1 username=eve", "--can", "create", "Post", "--input", r#"{"title":"x"}"#], "";
    fields_are_refused: ["decide", BULLETIN, "--as", "groups=EDITORS", "--can", "update", "Post", "--record", "{}", "--input", r#"{"title":"x","notes":null}"#], "";
    without_the_record: ["decide", BULLETIN, "--as", "sub=1 username=eve", "--can", "delete", "Post"], "";
    claims_as_json: ["decide", BULLETIN, "--as", r#"{"sub":"1","cognito:groups":["EDITORS"]}"#, "--can", "get", "Post"], "";
    a_decision_as_json: ["decide", BULLETIN, "--as", "groups=EDITORS", "--can", "update", "Article", "--format", "json"], "";
    a_condition_is_a_filter: ["decide", "-", "--as", "groups=EDITORS", "--can", "list", "Post"], GUARDED;
    a_guarded_filter_as_json: ["decide", "-", "--as", "groups=EDITORS", "--can", "list", "Post", "--format", "json"], GUARDED;
    a_condition_is_no_filter_where_another_rule_opens_all: ["decide", "-", "--as", "groups=EDITORS", "--can", "list", "Post"], "auth { groups: [\"EDITORS\"] }\nmodel Post {\n  title: string\n  allow.groups([\"EDITORS\"]).to([\"read\"]).when(record.title == \"x\")\n  allow.authenticated().to([\"read\"])\n}\n";
    a_condition_is_false: ["decide", "-", "--as", "groups=EDITORS", "--can", "get", "Post", "--record", r#"{"state":"published"}"#], GUARDED;
    a_deny_takes_it_away: ["decide", "-", "--as", "sub=1 username=eve groups=EDITORS", "--can", "delete", "Post", "--record", r#"{"owner":"1::eve"}"#], GUARDED;
    the_matrix_with_guards: ["matrix", "-"], GUARDED;
    who_can_with_guards: ["who-can", "update", "Post", "-"], GUARDED;
    an_unknown_operation: ["decide", BULLETIN, "--as", "groups=EDITORS", "--can", "updat", "Article"], "";
    an_unknown_model: ["decide", BULLETIN, "--as", "groups=EDITORS", "--can", "update", "Artikel"], "";
    an_unknown_mode: ["decide", BULLETIN, "--as", "quest", "--can", "update", "Article"], "";
    an_operation_of_ones_own: ["decide", "-", "--as", "lambda", "--authorizer", "ask", "--can", "publish"], "mutation publish: string { allow.custom() }";
    a_wrong_policy: ["check", "-"], "auth {\n  groups: [\"ADMINS\", \"EDITORS\"]\n}\n\nmodel Article {\n  title: string\n  allow.groups([\"EDITOR\"]).to([\"read\", \"update\"])\n}\n";
    a_wrong_policy_as_json: ["check", "-", "--format", "json"], "auth { groups: [\"EDITORS\"] }\nmodel Article { allow.groups([\"EDITOR\"]) }\n";
    a_wrong_policy_does_not_decide: ["decide", "-", "--as", "guest", "--can", "get", "A"], "model A { allow.gest() }";
    a_right_policy: ["check", BULLETIN], "";
    warnings_fail_if_asked: ["check", "-", "--fail-on", "warning"], "model A { allow.publicApiKey() }";
    a_page: ["explain", "e0203"], "";
    no_page: ["explain", "E9999"], "";
    what_a_table_holds: ["inspect", BULLETIN], "";
    what_a_table_holds_as_json: ["inspect", BULLETIN, "--format", "json"], "";
    formatted: ["fmt", "-"], "model A{allow.publicApiKey().to(['read',])}";
    not_formatted: ["fmt", "-", "--check"], "model A{allow.publicApiKey()}";
    broken_is_not_formatted: ["fmt", "-"], "model A {";
    a_project: ["import", "tests/projects/blog"], "";
    a_file_of_a_project: ["import", "tests/projects/photos/amplify/storage/resource.ts"], "";
    a_project_as_json: ["import", "tests/projects/saas/amplify/auth/resource.ts", "--format", "json"], "";
    outputs: ["import", "tests/projects/outputs"], "";
    no_project: ["import", "docs/examples"], "";
    no_path: ["import", "tests/projects/none"], "";
    help_of_import: ["import", "--help"], "";
    the_matrix: ["matrix", BULLETIN], "";
    the_matrix_as_csv: ["matrix", BULLETIN, "--format", "csv"], "";
    the_matrix_as_md: ["matrix", BULLETIN, "--format", "md"], "";
    the_matrix_as_json: ["matrix", "-", "--format", "json"], "model A { title: string { allow.publicApiKey().to([\"read\"]) }  body: string  allow.publicApiKey() }";
    who_can_delete: ["who-can", "delete", "Post", BULLETIN], "";
    who_can_write_to_a_bucket: ["who-can", "write", "articles", BULLETIN], "";
    who_can_do_what_there_is_not: ["who-can", "fly", "Post", BULLETIN], "";
    who_can_touch_what_there_is_not: ["who-can", "delete", "Pots", BULLETIN], "";
    nobody_can: ["who-can", "delete", "Article", BULLETIN], "";
    what_an_editor_can: ["what-can", "groups=EDITORS", BULLETIN], "";
    what_a_guest_can: ["what-can", "guest", BULLETIN], "";
    somebody_elses_folder: ["decide", "docs/examples/photos.policy", "--as", "identityPool identityId=b", "--can", "write", "photos", "--key", "own/a/x"], "";
    who_may_delete_a_post: ["decide", BULLETIN, "--as", "groups=EDITORS", "--can", "delete", "Post", "--record", "{}"], "";
    what_somebody_without_groups_can: ["what-can", "sub=1 username=eve", "docs/examples/workspaces.policy"], "";
    what_the_key_can: ["what-can", "apiKey", BULLETIN], "";
    help: ["--help"], "";
    help_of_decide: ["decide", "--help"], "";
    no_verb: [], "";
    requests: ["decide", BULLETIN, "--requests", "-"], concat!(
        r#"{"principal": {"mode": "userPool", "claims": {"cognito:groups": ["EDITORS"]}}, "operation": "update", "model": "Article"}"#, "\n",
        r#"{"principal": {"mode": "userPool", "claims": {"sub": "1", "username": "eve"}}, "operation": "list", "model": "Post"}"#, "\n",
        r#"{"principal": {"mode": "userPool", "claims": {"sub": "1", "username": "eve"}}, "operation": "get", "model": "Post", "record": null}"#, "\n",
        r#"{"principal": {"mode": "guest"}, "operation": "get", "storage": "articles", "key": "drafts/x"}"#, "\n",
        r#"{"principal": {"mode": "guest"}, "operation": "fly", "model": "Post"}"#, "\n",
        r#"{"principal": {"mode": "guest"}, "operation": "get", "model": "Pots"}"#,
    );
    requests_with_errors: ["decide", BULLETIN, "--requests", "-"], concat!(
        "nonsense\n\n",
        r#"{"principal": {"mode": "guests"}, "operation": "get", "model": "Post"}"#, "\n",
        r#"{"principal": {"mode": "guest"}, "operation": "get", "model": "Post", "recrd": {}}"#, "\n",
        r#"{"principal": {"mode": "guest"}, "operation": "get", "model": "Post", "key": "a"}"#, "\n",
        r#"{"principal": {"mode": "guest", "claims": {}}, "operation": "get", "model": "Post"}"#, "\n",
        r#"{"principal": {"mode": "function"}, "operation": "get", "model": "Post"}"#, "\n",
        r#"{"principal": {"mode": "guest"}, "operation": "get", "storage": "articles"}"#, "\n",
        r#"{"principal": {"mode": "guest"}, "model": "Post"}"#, "\n",
        r#"{"principal": {"mode": "guest"}, "operation": "get"}"#, "\n",
        r#"{"principal": {"mode": "guest"}, "operation": "get", "model": "Post"}"#,
    );
}

#[test]
fn a_built_table_decides_as_its_sources() {
    let folder = Folder::new("table");
    let table = folder.0.join("bulletin.table").to_string_lossy().into_owned();
    let built = admit(&["build", BULLETIN, "-o", &table], b"");
    assert_eq!(built.status.code(), Some(0), "{}", String::from_utf8_lossy(&built.stderr));
    let question = ["--as", "groups=EDITORS", "--can", "update", "Article"];
    let of = |policy: &str| admit(&[&["decide", policy], question.as_slice()].concat(), b"");
    assert_eq!(of(&table).stdout, of(BULLETIN).stdout);
    let beside = admit(&["decide", &table, BULLETIN, "--as", "guest", "--can", "get", "Post"], b"");
    assert_eq!(beside.status.code(), Some(2), "a table stands alone");
    assert_eq!(admit(&["check", &table], b"").status.code(), Some(2), "a table is no source");
}

#[test]
fn building_twice_gives_the_same_bytes_and_stripping_fewer() {
    let build = |more: &[&str]| admit(&[&["build", BULLETIN, "-o", "-"], more].concat(), b"").stdout;
    assert_eq!(build(&[]), build(&[]));
    assert!(build(&["--strip"]).len() < build(&[]).len());
}

#[test]
fn a_directory_is_one_policy() {
    let folder = Folder::new("directory");
    folder.file("a.policy", "auth { groups: [\"EDITORS\"] }\n");
    folder.file("b.policy", "model Article { allow.groups([\"EDITORS\"]) }\n");
    folder.file("c.txt", "not a policy\n");
    let output = admit(&["check", &folder.0.to_string_lossy()], b"");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "no problems in 2 files\n");
}

#[test]
fn files_are_formatted_in_place() {
    let folder = Folder::new("fmt");
    let file = folder.file("a.policy", "model A{allow.publicApiKey()}");
    assert_eq!(admit(&["fmt", &file, "--check"], b"").status.code(), Some(1));
    assert_eq!(admit(&["fmt", &file], b"").status.code(), Some(0));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "model A {\n  allow.publicApiKey()\n}\n");
    assert_eq!(admit(&["fmt", &file, "--check"], b"").status.code(), Some(0));
}

/// What `diff` says of a change to the bulletin board, and its exit status with `--forbid widening`.
fn difference(from: &str, to: &str) -> (String, i32) {
    let bulletin = std::fs::read_to_string(root().join(BULLETIN)).unwrap();
    let changed = bulletin.replace(from, to);
    assert_ne!(bulletin, changed);
    let folder = Folder::new(&format!("diff-{}", from.len() * 1000 + to.len()));
    let (old, new) = (folder.file("old.policy", &bulletin), folder.file("new.policy", &changed));
    let output = admit(&["diff", &old, &new, "--forbid", "widening"], b"");
    (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code().unwrap())
}

#[test]
fn a_change_shows_whom_it_gives_what() {
    let editors = "  allow.groups([\"EDITORS\"]).to([\"read\", \"update\"])\n}";
    let (said, status) = difference(editors, "  allow.groups([\"EDITORS\"])\n}");
    assert_eq!((said.as_str(), status), ("Article\n  + group EDITORS: create, delete\n1 gained, 0 lost\n", 1));
    let (said, status) = difference(editors, "  allow.groups([\"EDITORS\"]).to([\"read\"])\n}");
    assert_eq!((said.as_str(), status), ("Article\n  - group EDITORS: update\n0 gained, 1 lost\n", 0));
    let (said, status) = difference("  allow.guest().to([\"read\"])\n", "");
    // Without guests every reader sees the notes, so that they are no longer held back from half a token (semantics §6).
    let taken = "Post\n  - guests: read on body, title\n  \
                 + owner in owner: get, list, sync, search on notes, with a token that holds a part of the identity\n\
                 1 gained, 1 lost\n";
    assert_eq!((said.as_str(), status), (taken, 1));
}

#[test]
fn a_change_of_words_alone_is_none() {
    let reordered = "  allow.groups([\"EDITORS\"]).to([\"read\", \"update\"])\n  allow.owner()";
    let (said, status) =
        difference(reordered, "  allow.owner()\n  allow.group(\"EDITORS\").to([\"update\", \"read\"])");
    assert_eq!((said.as_str(), status), ("nothing changes for anybody: both make the same table\n", 0));
}

#[test]
fn settings_that_decide_are_part_of_a_change() {
    let (said, status) = difference("  groups:", "  roles: \"preferred\"\n  groups:");
    assert_eq!((said.as_str(), status), ("! roles in storage: \"preferred\", was \"union\"\n0 gained, 0 lost\n", 1));
}

/// What is allowed under another condition is a gain: `--forbid widening` must not pass by it.
#[test]
fn a_difference_in_guards_is_not_left_out() {
    let folder = Folder::new("guards");
    let old = folder.file("old.policy", GUARDED);
    let new = folder.file("new.policy", &GUARDED.replace("draft\")", "published\")"));
    let differs = admit(&["diff", &old, &new, "--forbid", "widening"], b"");
    assert_eq!(differs.status.code(), Some(1), "{}", String::from_utf8_lossy(&differs.stderr));
    let said = String::from_utf8_lossy(&differs.stdout).into_owned();
    assert!(said.contains("+ group EDITORS: read, update, when record.state == \"published\""), "{said}");
    assert!(said.contains("- group EDITORS: read, update, when record.state == \"draft\""), "{said}");
    let same = admit(&["diff", &old, &old, "--forbid", "widening"], b"");
    assert_eq!(same.status.code(), Some(0), "{}", String::from_utf8_lossy(&same.stderr));
}

/// The words of a command line, quoted with `'…'` as in a shell.
fn shell_words(line: &str) -> Vec<String> {
    let quoted = line.split('\'').enumerate();
    let words = quoted.flat_map(|(number, part)| match number % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.collect()
}

/// The sessions that docs/amplify.md shows, run with the policy that it shows before them.
#[test]
fn the_sessions_of_the_migration_guide_are_true() {
    let page = std::fs::read_to_string(root().join("docs/amplify.md")).unwrap();
    let folder = Folder::new("guide");
    let mut policy = "";
    let mut run = 0;
    for block in page.split("\n```").collect::<Vec<_>>().chunks(2).filter_map(|pair| pair.get(1)) {
        if let Some(text) = block.strip_prefix("policy\n") {
            policy = text;
        }
        let Some(sessions) = block.strip_prefix("console\n") else { continue };
        folder.file("app.policy", policy);
        for session in sessions.split("$ admit ").skip(1).filter(|session| !session.contains(" | ")) {
            let (line, said) = session.split_once('\n').unwrap_or((session, ""));
            let output = Command::new(env!("CARGO_BIN_EXE_admit"))
                .args(shell_words(line))
                .current_dir(&folder.0)
                .output()
                .unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), said.trim_end(), "$ admit {line}");
            run += 1;
        }
    }
    assert!(run > 5, "only {run} sessions");
}

#[test]
fn examples_are_formatted() {
    let output = admit(&["fmt", "docs/examples", "--check"], b"");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
}

#[test]
fn every_verb_has_examples_in_its_help() {
    for verb in ["check", "build", "decide", "inspect", "explain", "fmt", "matrix", "who-can", "what-can", "diff"] {
        let output = admit(&[verb, "--help"], b"");
        let help = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && help.contains(&format!("Examples:\n  admit {verb}")), "{help}");
    }
}

#[test]
fn odd_inputs_get_a_clear_error_quickly() {
    let deep = format!("model A {{ allow.groups({}", "[".repeat(100_000));
    let huge = vec![b' '; 100 * 1024 * 1024];
    let garbage: Vec<u8> = (0..1_000_000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let ascii: Vec<u8> = garbage.iter().map(|byte| byte % 95 + 32).collect();
    let inputs: [(&str, &[u8], i32, &str); 6] = [
        ("garbage", &garbage, 1, "E0108"),
        ("garbage that is text", &ascii, 1, "E010"),
        ("an empty file", b"", 0, "no problems"),
        ("100 MB", &huge, 1, "E0901"),
        ("invalid UTF-8", b"model Post \xff {", 1, "E0108"),
        ("100,000 nested brackets", deep.as_bytes(), 1, "E0902"),
    ];
    for (what, input, status, said) in inputs {
        let start = Instant::now();
        let output = admit(&["check", "-"], input);
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(status), "{what}: {text}");
        assert!(text.contains(said), "{what}: {text}");
        assert!(start.elapsed() < Duration::from_secs(20), "{what} took {:?}", start.elapsed());
    }
}

#[test]
fn files_that_cannot_be_used_are_errors_of_usage() {
    let missing = admit(&["check", "no-such.policy"], b"");
    assert_eq!(missing.status.code(), Some(2));
    let folder: PathBuf = std::env::temp_dir().join(format!("admit-none-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let none = admit(&["check", &folder.to_string_lossy()], b"");
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(none.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&none.stderr).contains("no `*.policy` file"));
    let table = admit(&["inspect", "-"], b"admit\r\n\x1a and then nothing");
    assert_eq!(table.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&table.stderr).contains("does not load"));
}

/// `use` reads other files, once each, whatever they are called; nothing from outside of the project.
#[test]
fn used_files_are_read() {
    let folder = Folder::new("use");
    std::fs::create_dir_all(folder.0.join("app/common")).unwrap();
    let model = |used: &str| format!("{used}\nmodel Post {{ title: string, allow.group(\"A\") }}");
    let main = folder.file("app/main.policy", &model("use \"common/groups.policy\""));
    let groups = folder.file("app/common/groups.policy", "use \"lists.policy\"\nauth { groups: ALL }");
    folder.file("app/common/lists.policy", "let ALL = [\"A\"]");
    folder.file("secret.policy", "auth { groups: [\"A\"] }");
    let status = |args: &[&str]| admit(args, b"").status.code();
    assert_eq!(status(&["check", &main]), Some(0));
    assert_eq!(status(&["check", &main, &groups]), Some(0), "a file that is given and used counts once");
    let same = folder.0.join("app/./common/../common/groups.policy").to_string_lossy().into_owned();
    assert_eq!(status(&["check", &main, &same]), Some(0), "under another name too");
    let outside = folder.file("app/outside.policy", &model("use \"../secret.policy\""));
    let said = admit(&["check", &outside, "--format", "json"], b"");
    assert!(String::from_utf8_lossy(&said.stdout).contains("E0225"));
    let missing = folder.file("app/missing.policy", &model("use \"nothing.policy\""));
    assert!(String::from_utf8_lossy(&admit(&["check", &missing, "--format", "json"], b"").stdout).contains("E0223"));
    let mistaken = folder.file("app/mistaken.policy", "use \"bad.policy\"\nauth { groups: [\"A\"] }");
    folder.file("app/bad.policy", "model Post { title: string, allow.group(\"B\") }");
    let said = admit(&["check", &mistaken, "--format", "json"], b"");
    assert!(String::from_utf8_lossy(&said.stdout).contains("bad.policy"), "a mistake is told in its own file");
}

/// A link is no way out of the project.
#[cfg(unix)]
#[test]
fn links_do_not_lead_out() {
    let folder = Folder::new("use-link");
    std::fs::create_dir_all(folder.0.join("app")).unwrap();
    folder.file("secret.policy", "auth { groups: [\"A\"] }");
    std::os::unix::fs::symlink(folder.0.join("secret.policy"), folder.0.join("app/link.policy")).unwrap();
    let main = folder.file("app/main.policy", "use \"link.policy\"\nmodel Post { title: string, allow.group(\"A\") }");
    let said = admit(&["check", &main], b"");
    assert_eq!(said.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&said.stderr).contains("leads out of the project"));
}

#[test]
fn an_imported_project_is_written_once_and_never_over_another_text() {
    let folder = Folder::new("import");
    let out = folder.0.join("policy").to_string_lossy().into_owned();
    let run = || admit(&["import", "tests/projects/photos", "--out", &out], b"");
    let first = run();
    assert_eq!(first.status.code(), Some(0), "{}", String::from_utf8_lossy(&first.stderr));
    let files = ["auth.policy", "data.policy", "storage.policy"].map(|name| format!("{out}/{name}"));
    assert_eq!(String::from_utf8_lossy(&first.stdout), files.join("\n") + "\n");
    assert_eq!(admit(&["check", &out], b"").status.code(), Some(0));
    assert_eq!(admit(&["fmt", &out, "--check"], b"").status.code(), Some(0));
    assert_eq!(run().status.code(), Some(0)); // the same text is no other text
    std::fs::write(&files[1], "mine").unwrap();
    let again = run();
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("there is another text in this file"));
    assert_eq!(std::fs::read_to_string(&files[1]).unwrap(), "mine");
}
