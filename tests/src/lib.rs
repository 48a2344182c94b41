//! The end-to-end tests' own library: generated policies, and cases of the real Amplify stack.

pub mod asked;
pub mod aws;
pub mod cases;
pub mod compare;
pub mod counts;
pub mod generate;
pub mod iam;
pub mod large;
pub mod requests;
pub mod rows;
pub mod translate;
pub mod written;

use admit_compiler::Source;
use std::path::{Path, PathBuf};

/// The files of a program in a document: the first is called as given; a line `// file: NAME` begins another.
pub fn sources(program: &str, first: &str) -> Vec<Source> {
    let mut sources = vec![Source { name: first.into(), text: Vec::new() }];
    for line in program.split_inclusive('\n') {
        if let Some(name) = line.strip_prefix("// file: ") {
            sources.push(Source { name: name.trim().into(), text: Vec::new() });
        }
        if let Some(last) = sources.last_mut() {
            last.text.extend(line.bytes());
        }
    }
    sources
}

/// How many cases a property is tried with: as many as usual, or as the variable `ADMIT_CASES` says, for a long hunt.
pub fn cases(usual: u32) -> u32 {
    std::env::var("ADMIT_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

/// The policies of `docs/examples`, each with its name there: a file, or a folder with all its files.
///
/// # Panics
/// If the folder cannot be read.
pub fn examples() -> Vec<(String, Vec<Source>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples");
    let within = |folder: &Path| {
        let entries = std::fs::read_dir(folder).expect("docs/examples can be read");
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("and its entries").path()).collect();
        paths.sort();
        paths
    };
    let name = |path: &Path| path.strip_prefix(&folder).unwrap_or(path).to_string_lossy().replace('\\', "/");
    let source =
        |path: &PathBuf| Source { name: name(path), text: std::fs::read(path).expect("a file that can be read") };
    let policies = within(&folder).into_iter();
    policies
        .map(|path| {
            let files = if path.is_dir() { within(&path) } else { vec![path.clone()] };
            (name(&path), files.iter().map(source).collect())
        })
        .collect()
}
