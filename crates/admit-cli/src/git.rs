//! Sources as a revision of git has them, by the `git` command.
//! Always: a revision is looked up first, and only its hash is used then; nothing in the working tree changes.

use crate::Failure;
use admit_compiler::Source;
use std::collections::BTreeSet;
use std::process::Command;

fn git(args: &[&str]) -> Result<Option<Vec<u8>>, Failure> {
    let output = Command::new("git").args(args).output();
    let output = output.map_err(|error| Failure::File { path: "git".into(), error })?;
    Ok(output.status.success().then_some(output.stdout))
}

/// The hash of a revision, if there is one of that name.
pub fn revision(name: &str) -> Result<Option<String>, Failure> {
    let found = git(&["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{name}^{{commit}}")])?;
    Ok(found.map(|hash| String::from_utf8_lossy(&hash).trim().to_owned()))
}

/// The `*.policy` files of a revision at a path, and those that they use. They are called as they are in the working tree.
pub fn sources(hash: &str, path: &str) -> Result<Vec<Source>, Failure> {
    let listed = git(&["ls-tree", "-r", "-z", "--name-only", hash, "--", path])?.unwrap_or_default();
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let mut sources = Vec::new();
    for name in listed.split('\0').filter(|name| name.ends_with(".policy")) {
        sources.extend(file(hash, name)?);
    }
    if sources.is_empty() {
        return Err(Failure::Usage(format!("{path}: that revision has no `*.policy` file there")));
    }
    let mut tried = BTreeSet::new();
    loop {
        let wanted: Vec<String> =
            admit_compiler::wanted(&sources).into_iter().filter(|name| tried.insert(name.clone())).collect();
        if wanted.is_empty() {
            return Ok(sources);
        }
        for name in wanted.iter().filter(|name| sources.iter().all(|known| known.name != **name)).collect::<Vec<_>>() {
            sources.extend(file(hash, name)?);
        }
    }
}

fn file(hash: &str, name: &str) -> Result<Option<Source>, Failure> {
    let text = git(&["show", &format!("{hash}:./{name}")])?;
    Ok(text.map(|text| Source { name: name.to_owned(), text }))
}
