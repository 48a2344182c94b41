//! Every diagnostic has a page, and the programs on it are what they say: the wrong one is told this code, the right
//! one compiles.

use admit_amplify::emit::{Account, Form, emit};
use admit_compiler::diagnostic::{Diagnostic, Severity};
use admit_compiler::{Checked, check, codes, page};
use std::path::Path;

/// Codes whose wrong program cannot stand on a page: too large, or no text. `limits.rs` shows them.
const TOO_LARGE_FOR_A_PAGE: [&str; 5] = ["E0108", "E0901", "E0903", "E0904", "E0905"];

fn checked(text: &str) -> Checked {
    check(&admit_tests::sources(text, "page.policy"))
}

/// Codes that only writing for AWS says.
const OF_OUTPUTS: [&str; 4] = ["E0905", "E0906", "W0752", "W0753"];

/// What the checker says; on the page of a code of outputs, also what is said when everything for AWS is written.
fn said(code: &str, text: &str) -> Vec<Diagnostic> {
    let mut all = checked(text).diagnostics;
    if OF_OUTPUTS.contains(&code) {
        all.extend(written(text));
    }
    all
}

fn written(text: &str) -> Vec<Diagnostic> {
    let sources = admit_tests::sources(text, "page.policy");
    let Some(policy) = checked(text).policy else { return Vec::new() };
    let forms = [Form::Iam, Form::CloudFormation, Form::AmplifyOutputs, Form::GraphQl];
    forms.into_iter().flat_map(|form| emit(&policy, &sources, form, &Account::default()).diagnostics).collect()
}

/// The programs under a heading.
fn programs<'p>(page: &'p str, heading: &str) -> Vec<&'p str> {
    let start = page.find(heading).map_or(page.len(), |at| at + heading.len());
    let rest = &page[start..];
    let section = &rest[..rest.find("\n## ").unwrap_or(rest.len())];
    section.split("```policy\n").skip(1).filter_map(|block| block.split("```").next()).collect()
}

#[test]
fn the_programs_on_every_page_are_what_they_say() {
    let mut faults = Vec::new();
    for code in codes() {
        let page = page(code).unwrap();
        let title = page.lines().next().unwrap_or_default();
        if !title.starts_with(&format!("# {code}: ")) {
            faults.push(format!("{code}: the title is `{title}`"));
        }
        let (wrong, right) = (programs(page, "\n## Wrong\n"), programs(page, "\n## Right\n"));
        if right.is_empty() || (wrong.is_empty() && !TOO_LARGE_FOR_A_PAGE.contains(&code)) {
            faults.push(format!("{code}: a program is missing"));
        }
        for program in wrong {
            let all = said(code, program);
            let found: Vec<&str> = all.iter().map(|one| one.code).collect();
            if !found.contains(&code) || found.iter().any(|other| other.starts_with('E') && *other != code) {
                faults.push(format!("{code}: the wrong program is told {found:?}\n{program}"));
            }
        }
        for program in right {
            let all = said(code, program);
            let errors: Vec<_> = all.iter().filter(|one| one.severity == Severity::Error || one.code == code).collect();
            if !errors.is_empty() {
                faults.push(format!("{code}: the right program is told {errors:#?}\n{program}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

#[test]
fn every_page_belongs_to_a_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors");
    let mut pages: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().trim_end_matches(".md").to_owned())
        .collect();
    pages.sort();
    assert_eq!(pages, codes());
}
