//! Runs again whenever a file changes, until it is interrupted.

use crate::{Failure, Outcome};
use notify::{RecursiveMode, Watcher};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

/// How long files must be still before a run: editors write in several steps.
const STILL: Duration = Duration::from_millis(100);

/// Runs once, and again after each change of the files or in the directories named.
pub fn run(files: &[String], mut once: impl FnMut() -> Result<Outcome, Failure>) -> Result<Outcome, Failure> {
    if files.iter().any(|file| file == "-") {
        return Err(Failure::Usage("`--watch` needs files; standard input does not change".into()));
    }
    let (sender, changes) = mpsc::channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading a file is an event too, and each run reads them.
        if let Ok(event) = event
            && !event.kind.is_access()
        {
            let _ = sender.send(event.paths);
        }
    })
    .map_err(failure)?;
    for file in files {
        let path = Path::new(file);
        // Editors replace files: the directory sees that, the file does not.
        let (watched, mode) = match path.is_dir() {
            true => (path.to_owned(), RecursiveMode::Recursive),
            false => (parent(path), RecursiveMode::NonRecursive),
        };
        watcher.watch(&watched, mode).map_err(failure)?;
    }
    loop {
        if let Err(failure) = once() {
            eprintln!("admit: {failure}");
        }
        crate::print("\nwatching; ^C ends")?;
        wait(files, &changes);
    }
}

/// Returns when a policy has changed, and nothing has for a moment.
fn wait(files: &[String], changes: &mpsc::Receiver<Vec<PathBuf>>) {
    let is_policy = |path: &PathBuf| {
        let named = files.iter().any(|file| Path::new(file).file_name() == path.file_name());
        named || path.extension().is_some_and(|end| end == "policy")
    };
    while changes.recv().is_ok_and(|paths| !paths.iter().any(is_policy)) {}
    while changes.recv_timeout(STILL).is_ok() {}
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn failure(error: notify::Error) -> Failure {
    Failure::Output(std::io::Error::other(format!("the files cannot be watched: {error}")))
}
