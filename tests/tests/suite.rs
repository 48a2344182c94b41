//! Runs the suite: programs that carry what the checker says of them as comments, so that each is documentation too.
//! Always: a program is told exactly what its comments say, no more and no less.
//!
//! `--- name ---` begins a program, and `// file: NAME` another file of it. Under a line, `//   ^^^^ E0203 message` is a diagnostic of that place.
//! `ADMIT_BLESS=1 cargo test -p admit-tests --test suite` writes the comments anew; read the difference before you
//! commit it.

use admit_compiler::check;
use admit_compiler::diagnostic::Diagnostic;
use admit_tests::sources;
use std::path::{Path, PathBuf};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("suite");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn is_annotation(line: &str) -> bool {
    let rest = line.trim_start().strip_prefix("//").map(str::trim_start);
    rest.is_some_and(|rest| rest.starts_with('^'))
}

/// A diagnostic's comment, to stand under its line.
fn annotation(line_start: usize, line: &str, diagnostic: &Diagnostic) -> String {
    let span = diagnostic.label.span;
    let column = line[..span.start as usize - line_start].chars().count();
    let in_line = &line[span.start as usize - line_start..line.len().min(span.end as usize - line_start)];
    let mark = "^".repeat(in_line.chars().count().max(1));
    let help = diagnostic.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    let said = format!("{mark} {} {}{help}", diagnostic.code, diagnostic.message);
    // Where the place is left of the comment's own slashes, the marks stand at its first column.
    format!("//{}{said}", " ".repeat(column.saturating_sub(2)))
}

/// A program with what the checker says of it.
fn annotated(program: &str) -> String {
    let bare: Vec<&str> = program.lines().filter(|line| !is_annotation(line)).collect();
    let said = check(&sources(&bare.join("\n"), "suite.policy")).diagnostics;
    let mut out = String::new();
    let (mut file, mut start) = (0, 0);
    for line in bare {
        if line.starts_with("// file: ") {
            (file, start) = (file + 1, 0);
        }
        out.push_str(line);
        out.push('\n');
        let end = start + line.len();
        let here =
            |one: &&Diagnostic| one.label.file == file && (start..=end).contains(&(one.label.span.start as usize));
        for one in said.iter().filter(here) {
            out.push_str(&annotation(start, line, one));
            out.push('\n');
        }
        start = end + 1;
    }
    out
}

/// The file with every program annotated.
fn annotate(file: &str) -> String {
    let mut out = String::new();
    let mut program = String::new();
    for line in file.lines() {
        if line.starts_with("--- ") {
            out.push_str(&annotated(&program));
            program.clear();
            out.push_str(line);
            out.push('\n');
        } else {
            program.push_str(line);
            program.push('\n');
        }
    }
    out.push_str(&annotated(&program));
    out
}

#[test]
fn the_checker_says_what_the_suite_says() {
    for path in files() {
        let file = std::fs::read_to_string(&path).unwrap();
        let actual = annotate(&file);
        if std::env::var_os("ADMIT_BLESS").is_some() {
            std::fs::write(&path, &actual).unwrap();
        } else {
            assert!(actual == file, "{}: the checker now says\n{actual}", path.display());
        }
    }
}

/// Every fix that a diagnostic of the suite offers, applied, takes the diagnostic away and adds no error.
#[test]
fn fixes_mend() {
    let mut applied = 0;
    for path in files() {
        let file = std::fs::read_to_string(&path).unwrap();
        for program in file.split("\n--- ") {
            let program: String = program.lines().skip(1).map(|line| format!("{line}\n")).collect();
            let before = check(&sources(&program, "suite.policy")).diagnostics;
            for one in before.iter().filter(|one| one.fix.is_some()) {
                let mut edits = one.fix.clone().unwrap().edits;
                edits.sort_by_key(|edit| std::cmp::Reverse(edit.span));
                let mut mended = sources(&program, "suite.policy");
                for edit in edits {
                    mended[edit.file].text.splice(edit.span.range(), edit.replacement.bytes());
                }
                let after = check(&mended).diagnostics;
                let mended: String = mended.into_iter().map(|source| String::from_utf8(source.text).unwrap()).collect();
                let same = |other: &Diagnostic| (other.code, &other.message) == (one.code, &one.message);
                let count = |all: &[Diagnostic]| all.iter().filter(|other| same(other)).count();
                assert!(count(&after) < count(&before), "the fix of {one:#?} leaves it in\n{mended}");
                let broken = |all: &[Diagnostic]| all.iter().filter(|other| other.code.starts_with("E01")).count();
                assert!(broken(&after) <= broken(&before), "the fix of {one:#?} breaks the program\n{mended}");
                applied += 1;
            }
        }
    }
    assert!(applied > 30, "only {applied} fixes were tried");
}
