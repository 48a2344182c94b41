//! The end-to-end tests' own library: generated policies, and cases of the real Amplify stack.

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

use admit_compiler::Source;

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
