//! Sources and tables from files, directories and standard input.
//! Always: names are as given, `/`-separated; a directory's files come in byte order; nothing above a limit is read;
//! nothing that `use` names is read from outside of the project, not through links either.

use crate::{Failure, render};
use admit_compiler::diagnostic::Severity;
use admit_compiler::policy::Policy;
use admit_compiler::{Checked, Source};
use admit_syntax::ast::Item;
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What tables begin with.
const MAGIC: &[u8] = b"admit\r\n";

/// What `POLICY` turned out to be.
pub enum Input {
    /// Source files.
    Sources(Vec<Source>),
    /// The bytes of a built table, and its file's name.
    Table(String, Vec<u8>),
}

/// Reads files, directories and `-`, and the files that those use.
pub fn read(paths: &[String]) -> Result<Input, Failure> {
    Ok(match read_given(paths)? {
        Input::Sources(sources) => Input::Sources(with_used(sources)?),
        table => table,
    })
}

/// Reads files, directories and `-`, and nothing else.
fn read_given(paths: &[String]) -> Result<Input, Failure> {
    let mut sources = Vec::new();
    for path in paths {
        for file in expand(path)? {
            let text = read_source(&file)?;
            if text.starts_with(MAGIC) {
                return match paths {
                    [_] => Ok(Input::Table(file.clone(), read_whole(&file, text)?)),
                    _ => Err(Failure::TableHere(file)),
                };
            }
            let name = if file == "-" { "<stdin>".into() } else { file.replace('\\', "/") };
            sources.push(Source { name, text });
        }
    }
    Ok(Input::Sources(sources))
}

/// Reads source files only, and the files that those use.
pub fn read_sources(paths: &[String]) -> Result<Vec<Source>, Failure> {
    with_used(read_each(paths)?)
}

/// Reads source files that may be several policies: one, unless several of them have an `auth` or a `data` block, of
/// which a policy has one at most. Then each that no other uses is a policy of its own, with what it uses.
pub fn read_policies(paths: &[String]) -> Result<Vec<Vec<Source>>, Failure> {
    let all = read_sources(paths)?;
    let holding = |is_block: fn(&Item) -> bool| {
        all.iter().filter(|source| admit_syntax::parse_bytes(&source.text).file().items.iter().any(is_block)).count()
    };
    if holding(|item| matches!(item, Item::Auth(_))) < 2 && holding(|item| matches!(item, Item::Data(_))) < 2 {
        return Ok(vec![all]);
    }
    let mut policies: Vec<Vec<Source>> = Vec::new();
    for given in read_each(paths)? {
        policies.push(with_used(vec![given])?);
    }
    let used: Vec<String> = policies.iter().flat_map(|of| of.iter().skip(1)).map(|one| one.name.clone()).collect();
    policies.retain(|of| of.first().is_some_and(|first| !used.contains(&first.name)));
    Ok(policies)
}

/// Reads just these source files.
pub fn read_each(paths: &[String]) -> Result<Vec<Source>, Failure> {
    match read_given(paths)? {
        Input::Sources(sources) => Ok(sources),
        Input::Table(path, _) => Err(Failure::TableHere(path)),
    }
}

/// Adds the files that sources use, and those that these use. A file that is not there is left to the checker, who
/// says where it is used; one that is there already, under whatever name, counts once.
pub fn with_used(mut sources: Vec<Source>) -> Result<Vec<Source>, Failure> {
    let mut tried = std::collections::BTreeSet::new();
    let mut real: Vec<Option<PathBuf>> = sources.iter().map(|source| real_path(&source.name)).collect();
    let roots: Vec<PathBuf> = project(&real);
    loop {
        let wanted: Vec<String> =
            admit_compiler::wanted(&sources).into_iter().filter(|name| tried.insert(name.clone())).collect();
        if wanted.is_empty() {
            return Ok(sources);
        }
        for name in wanted {
            let Some(path) = real_path(&name) else { continue };
            if !roots.iter().any(|root| path.starts_with(root)) {
                return Err(Failure::Usage(format!("{name}: this link leads out of the project")));
            }
            match real.iter().position(|known| known.as_ref() == Some(&path)) {
                Some(at) => sources[at].name = name,
                None => {
                    sources.push(Source { text: read_source(&name)?, name });
                    real.push(Some(path));
                }
            }
        }
    }
}

/// A file without links in its path; nothing if there is none.
fn real_path(name: &str) -> Option<PathBuf> {
    std::fs::canonicalize(name).ok().filter(|path| path.is_file())
}

/// The folders that used files may lie in: the working directory, and the closest one that holds the files given from
/// elsewhere.
fn project(given: &[Option<PathBuf>]) -> Vec<PathBuf> {
    let here = std::env::current_dir().and_then(std::fs::canonicalize).ok();
    let outside = |path: &&PathBuf| here.as_ref().is_none_or(|here| !path.starts_with(here));
    let folders = given.iter().flatten().filter(outside).filter_map(|path| path.parent()).map(Path::to_owned);
    let common = folders.reduce(|one, other| {
        one.components().zip(other.components()).take_while(|(a, b)| a == b).map(|(part, _)| part).collect()
    });
    here.into_iter().chain(common).collect()
}

/// The files that a path stands for: itself, or every `*.policy` below a directory.
fn expand(path: &str) -> Result<Vec<String>, Failure> {
    if path == "-" || !Path::new(path).is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(path).sort_by_file_name() {
        let entry = entry.map_err(|error| {
            let error = error.into_io_error().unwrap_or_else(|| std::io::Error::other("a cycle of links"));
            Failure::File { path: path.to_owned(), error }
        })?;
        if entry.file_type().is_file() && entry.path().extension().is_some_and(|end| end == "policy") {
            files.push(entry.path().to_string_lossy().into_owned());
        }
    }
    match files.is_empty() {
        true => Err(Failure::NoPolicy(path.to_owned())),
        false => Ok(files),
    }
}

/// A source's bytes; of a file above the limit only so many that the limit is seen to be passed.
fn read_source(path: &str) -> Result<Vec<u8>, Failure> {
    let limit = admit_syntax::MAX_FILE as u64 + 1;
    let failure = |error| Failure::File { path: path.to_owned(), error };
    let mut bytes = Vec::new();
    match path {
        "-" => std::io::stdin().lock().take(limit).read_to_end(&mut bytes),
        _ => File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)),
    }
    .map_err(failure)?;
    Ok(bytes)
}

/// The rest of a table that is larger than a source may be.
fn read_whole(path: &str, mut begun: Vec<u8>) -> Result<Vec<u8>, Failure> {
    if begun.len() <= admit_syntax::MAX_FILE {
        return Ok(begun);
    }
    let failure = |error| Failure::File { path: path.to_owned(), error };
    match path {
        "-" => std::io::stdin().lock().read_to_end(&mut begun).map(|_| begun),
        _ => std::fs::read(path),
    }
    .map_err(failure)
}

/// Checks sources, says on stderr what is wrong (and with `warnings` what is odd), and gives the policy if there is
/// no error.
pub fn compile(sources: &[Source], warnings: bool) -> Option<Policy> {
    let Checked { mut diagnostics, policy, .. } = working("checking", || admit_compiler::check(sources));
    diagnostics.retain(|one| warnings || one.severity == Severity::Error);
    render::to_stderr(sources, &diagnostics);
    policy
}

/// The policy that a table decides by.
pub fn policy_of_table(path: String, bytes: &[u8]) -> Result<Policy, Failure> {
    let table = admit_runtime::Policy::from_bytes(bytes).map_err(|error| Failure::Table { path, error })?;
    Policy::of_table(&table).ok_or(Failure::Unreadable)
}

/// The same; in another form than the one for people on stdout.
///
/// # Errors
/// If the output cannot be written.
pub fn compile_for(sources: &[Source], warnings: bool, format: render::Format) -> Result<Option<Policy>, Failure> {
    let mut checked = working("checking", || admit_compiler::check(sources));
    checked.diagnostics.retain(|one| warnings || one.severity == Severity::Error);
    let fails = |severity: Severity| severity == Severity::Error;
    match render::Findings::new(sources, &checked.diagnostics).accepted(&checked.accepted).written(format, fails)? {
        None => render::to_stderr(sources, &checked.diagnostics),
        Some(text) if text.is_empty() => (),
        Some(text) => crate::print(text.trim_end())?,
    }
    Ok(checked.policy)
}

/// Runs a job; one that takes more than a second shows that it is alive, if somebody watches.
pub fn working<T>(what: &'static str, job: impl FnOnce() -> T) -> T {
    let bar = ProgressBar::new_spinner().with_message(what);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        bar.set_style(style);
    }
    let watched = bar.clone();
    let (done, waiting) = std::sync::mpsc::channel::<()>();
    let watcher = std::thread::spawn(move || {
        if waiting.recv_timeout(Duration::from_secs(1)).is_err_and(|e| e == std::sync::mpsc::RecvTimeoutError::Timeout)
        {
            watched.enable_steady_tick(Duration::from_millis(100));
        }
    });
    let result = job();
    drop(done);
    let _ = watcher.join();
    bar.finish_and_clear();
    result
}
