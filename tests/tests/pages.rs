//! Every diagnostic has a page, and the programs on it are what they say: the wrong one is told this code, the right
//! one compiles.

use admit_amplify::emit::{Account, Form, emit};
use admit_amplify::import::import;
use admit_compiler::diagnostic::{Diagnostic, Severity};
use admit_compiler::{check, codes, page};
use std::path::Path;

/// Codes whose wrong program cannot stand on a page: too large, or no text. `limits.rs` shows them.
const TOO_LARGE_FOR_A_PAGE: [&str; 5] = ["E0108", "E0901", "E0903", "E0904", "E0905"];

/// Codes that only writing for AWS says.
const OF_OUTPUTS: [&str; 4] = ["E0905", "E0906", "E1301", "W0752"];

/// What is said of a program: by the checker; for the codes of importing by that, for those of outputs by both.
fn said(code: &str, text: &str) -> Vec<Diagnostic> {
    if is_of_import(code) {
        return import(&["page.ts".into()], &|path| (path == "page.ts").then(|| text.into())).diagnostics;
    }
    let sources = admit_tests::sources(text, "page.policy");
    let checked = check(&sources);
    let mut all = checked.diagnostics;
    if let Some(policy) = checked.policy.filter(|_| OF_OUTPUTS.contains(&code)) {
        let forms = [Form::Iam, Form::CloudFormation, Form::AmplifyOutputs, Form::GraphQl];
        all.extend(forms.into_iter().flat_map(|form| emit(&policy, &sources, form, &Account::default()).diagnostics));
    }
    all
}

fn is_of_import(code: &str) -> bool {
    code[1..].starts_with("12")
}

/// The programs under a heading.
fn programs<'p>(code: &str, page: &'p str, heading: &str) -> Vec<&'p str> {
    let fence = if is_of_import(code) { "```ts\n" } else { "```policy\n" };
    let start = page.find(heading).map_or(page.len(), |at| at + heading.len());
    let rest = &page[start..];
    let section = &rest[..rest.find("\n## ").unwrap_or(rest.len())];
    section.split(fence).skip(1).filter_map(|block| block.split("```").next()).collect()
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
        let (wrong, right) = (programs(code, page, "\n## Wrong\n"), programs(code, page, "\n## Right\n"));
        if right.is_empty() || (wrong.is_empty() && !TOO_LARGE_FOR_A_PAGE.contains(&code)) {
            faults.push(format!("{code}: a program is missing"));
        }
        for program in wrong {
            let found: Vec<&str> = said(code, program).iter().map(|one| one.code).collect();
            // What importing leaves out has another cause beside it, or follows from one.
            let other = |other: &str| other.starts_with('E') && other != code && !is_of_import(other);
            if !found.contains(&code) || found.iter().any(|one| other(one)) {
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
