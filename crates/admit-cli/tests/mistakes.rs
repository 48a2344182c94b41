//! Mistakes in the sample policies, each caught by the checker, a test or an invariant, with a message that names the
//! fix: `mistakes/*.txt` has the mistakes, the snapshots what is said.
//! Always: a mistake is caught by what its entry says, and the sample without it has no problem.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One entry of `mistakes/*.txt`.
struct Mistake {
    name: String,
    /// A code, `test "…"` or `invariant "…"`.
    caught_by: String,
    /// The file of the sample, if it is a folder.
    file: Option<String>,
    before: String,
    after: String,
}

fn mistakes(sample: &str) -> Vec<Mistake> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mistakes").join(format!("{sample}.txt"));
    let text = std::fs::read_to_string(path).unwrap();
    text.split("\n== ").skip(1).map(read).collect()
}

fn read(entry: &str) -> Mistake {
    let mut lines = entry.lines();
    let name = lines.next().unwrap_or_default().to_owned();
    let mut mistake =
        Mistake { name, caught_by: String::new(), file: None, before: String::new(), after: String::new() };
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for line in lines.filter(|line| !line.is_empty()) {
        match line.split_at(1.min(line.len())) {
            ("-", text) => before.push(text.strip_prefix(' ').unwrap_or(text)),
            ("+", text) => after.push(text.strip_prefix(' ').unwrap_or(text)),
            _ => match line.split_once(": ") {
                Some(("caught by", by)) => by.clone_into(&mut mistake.caught_by),
                Some(("in", file)) => mistake.file = Some(file.to_owned()),
                _ => panic!("{}: `{line}` is no part of a mistake", mistake.name),
            },
        }
    }
    assert!(!before.is_empty() && !mistake.caught_by.is_empty(), "{}: incomplete", mistake.name);
    mistake.before = before.join("\n");
    mistake.after = after.join("\n");
    mistake
}

/// The files of a sample, by name.
fn files(sample: &str) -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples");
    let single = folder.join(format!("{sample}.policy"));
    let paths: Vec<PathBuf> = match single.exists() {
        true => vec![single],
        false => std::fs::read_dir(folder.join(sample)).unwrap().map(|entry| entry.unwrap().path()).collect(),
    };
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.into_iter().map(|path| (name(&path), std::fs::read_to_string(&path).unwrap())).collect()
}

fn admit(folder: &Path, verb: &[&str], files: &BTreeMap<String, String>) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_admit"));
    let output = command.current_dir(folder).args(verb).args(files.keys()).env("NO_COLOR", "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    (output.status.success(), said)
}

/// What `admit check` says of the files and, if that is nothing, `admit test`; nothing if both are content.
fn said(sample: &str, files: &BTreeMap<String, String>) -> Option<String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mistakes-{sample}"));
    std::fs::create_dir_all(&folder).unwrap();
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    for verb in [&["check", "--fail-on", "warning"][..], &["test"]] {
        let (is_fine, said) = admit(&folder, verb, files);
        if !is_fine {
            let kept = said.lines().filter(|line| !line.starts_with("ok  ")).map(str::trim_end);
            return Some(kept.collect::<Vec<_>>().join("\n").trim().to_owned());
        }
    }
    None
}

/// Whether what was said names what is to catch the mistake, and no other error comes before it.
fn catches(by: &str, said: &str) -> bool {
    // Long messages go on in the next line.
    let words: Vec<&str> = said.split_whitespace().filter(|word| *word != "│").collect();
    let whole = words.join(" ");
    let first = |of: char| said.lines().filter(|line| is_code(line)).find(|line| line.starts_with(of));
    match by.split_once(' ') {
        Some(("test", name)) => whole.contains(&format!("failed {}", name.trim_matches('"'))),
        Some(("invariant", _)) => first('E') == Some("E1101") && whole.contains(&format!("the {by} is broken")),
        _ => first('E').or_else(|| first('W')) == Some(by),
    }
}

/// Whether a line is the code of a message.
fn is_code(line: &str) -> bool {
    line.len() == 5 && line.starts_with(['E', 'W']) && line[1..].bytes().all(|byte| byte.is_ascii_digit())
}

/// The first two messages; the others say more of the same.
fn shortened(said: &str) -> String {
    let mut starts: Vec<usize> = vec![0];
    for code in said.match_indices('\n').map(|(at, _)| at + 1) {
        let line = said[code..].lines().next().unwrap_or_default();
        if is_code(line) || line == "test" {
            starts.push(code);
        }
    }
    match starts.get(3) {
        Some(end) => format!("{}\n… {} more", said[..*end].trim_end(), starts.len() - 3),
        None => said.to_owned(),
    }
}

fn are_caught(sample: &str) {
    let files = files(sample);
    assert_eq!(said(sample, &files), None, "the sample itself");
    let (mut shown, mut wrong) = (String::new(), Vec::new());
    for mistake in mistakes(sample) {
        let Mistake { name, caught_by, file, before, after } = &mistake;
        let file = file.clone().unwrap_or_else(|| files.keys().next().unwrap().clone());
        let mut changed = files.clone();
        let text = changed.get_mut(&file).unwrap_or_else(|| panic!("{name}: no file {file}"));
        assert!(text.contains(before.as_str()), "{name}: {file} does not have\n{before}");
        *text = text.replacen(before.as_str(), after, 1);
        let said = said(sample, &changed).unwrap_or_else(|| "nothing".to_owned());
        if !catches(caught_by, &said) {
            wrong.push(format!("{name}: not caught by {caught_by}\n{said}"));
        }
        let lines = |sign: char, text: &str| text.lines().map(|line| format!("{sign} {line}\n")).collect::<String>();
        let change = lines('-', before) + &lines('+', after);
        let _ = writeln!(shown, "== {name}\n{change}\n{}\n\n", shortened(&said));
    }
    assert!(wrong.is_empty(), "{} are not caught:\n\n{}", wrong.len(), wrong.join("\n\n"));
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(format!("mistakes_{sample}"), shown) });
}

#[test]
fn in_the_newsroom() {
    are_caught("newsroom");
}

#[test]
fn on_the_ward() {
    are_caught("hospital");
}

#[test]
fn among_tenants() {
    are_caught("saas");
}

#[test]
fn in_the_back_office() {
    are_caught("payments");
}

#[test]
fn there_are_many() {
    let all: Vec<Mistake> = ["newsroom", "hospital", "saas", "payments"].into_iter().flat_map(mistakes).collect();
    let by = |what: &str| all.iter().filter(|one| one.caught_by.starts_with(what)).count();
    let (tests, invariants) = (by("test "), by("invariant "));
    assert!(all.len() >= 50 && tests >= 10 && invariants >= 10, "{} {tests} {invariants}", all.len());
}
