//! Acceptances: every warning of the suite can be accepted where it stands, only it is, and the formatter keeps it so.

use admit_compiler::diagnostic::{Diagnostic, Severity};
use admit_compiler::{Source, check};
use std::path::Path;

/// The programs of the suite that are one file.
fn programs() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("suite");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut programs = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        let own = text.split("\n--- ").map(|program| {
            let lines = program.lines().skip(1).filter(|line| !line.trim_start().starts_with("//"));
            lines.map(|line| format!("{line}\n")).collect::<String>()
        });
        programs.extend(own.zip(text.split("\n--- ")).filter(|(_, all)| !all.contains("// file:")).map(|(own, _)| own));
    }
    programs
}

fn source(text: &str) -> Vec<Source> {
    vec![Source { name: "suite.policy".into(), text: text.into() }]
}

fn said(diagnostics: &[Diagnostic]) -> Vec<(&'static str, String)> {
    let mut said: Vec<_> = diagnostics.iter().map(|one| (one.code, one.message.clone())).collect();
    said.sort();
    said
}

/// A line put above the line of a byte.
fn above(text: &str, at: usize, line: &str) -> String {
    let start = text[..at].rfind('\n').map_or(0, |at| at + 1);
    format!("{}{line}\n{}", &text[..start], &text[start..])
}

#[test]
fn each_warning_can_be_accepted_and_formatting_keeps_it() {
    let mut tried = 0;
    for program in programs() {
        let before = check(&source(&program));
        if before.has_errors() {
            continue;
        }
        for one in &before.diagnostics {
            assert_eq!(one.severity, Severity::Warning);
            let comment = format!("// admit: allow {} because it is meant", one.code);
            let text = above(&program, one.label.span.start as usize, &comment);
            let after = check(&source(&text));
            // A line may hold several declarations, and then the one above which it stands is the first.
            let taken: Vec<_> = after.accepted.iter().map(|one| one.diagnostic.code).collect();
            if taken.is_empty() {
                assert!(after.diagnostics.iter().any(|one| one.code == "W1501"), "{text}");
                continue;
            }
            assert_eq!(
                (taken.as_slice(), after.accepted[0].reason.as_str()),
                (&[one.code][..], "it is meant"),
                "{text}"
            );
            let all: Vec<Diagnostic> = after
                .diagnostics
                .iter()
                .cloned()
                .chain(after.accepted.iter().map(|one| one.diagnostic.clone()))
                .collect();
            assert_eq!(said(&all), said(&before.diagnostics), "{text}");
            assert_eq!(after.policy.is_some(), before.policy.is_some());
            let laid_out = admit_syntax::format(&text).unwrap();
            let again = check(&source(&laid_out));
            assert_eq!(said(&again.diagnostics), said(&after.diagnostics), "{text}\nbecame\n{laid_out}");
            assert_eq!(again.accepted.len(), 1, "{laid_out}");
            tried += 1;
        }
    }
    assert!(tried > 60, "only {tried} were accepted");
}
