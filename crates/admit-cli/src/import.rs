//! `admit import`: an Amplify project as policy files.

use crate::{Failure, Format, Outcome, files, render};
use admit_amplify::import::{Imported, import};
use clap::Args;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Read an Amplify project into policy files
#[derive(Args)]
#[command(after_help = "Examples:
  admit import .                               # the project's amplify/ folder; prints the policy
  admit import . --out policy/                 # writes auth.policy, data.policy, storage.policy
  admit import amplify/data/resource.ts        # one file, and what it imports
  admit import amplify_outputs.json            # what a deployed project tells its clients
  admit import . --format json | jq '.diagnostics[].code'

What cannot be read is reported and left out, so that it is denied. The exit code is 1 if anything was
left out that decides access, or if the policy does not compile.")]
pub struct Import {
    /// An Amplify project, one TypeScript file of it, or an `amplify_outputs.json`
    path: String,
    /// Write the files into this directory, instead of printing them
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How to write the result: the policy and reports for people, or one JSON object with both
    #[arg(long, value_enum, default_value_t, conflicts_with = "out")]
    format: Format,
}

impl Import {
    pub fn run(&self) -> Result<Outcome, Failure> {
        let paths = sources(&self.path)?;
        let imported = files::working("importing", || import(&paths, &|path| read(Path::new(path))));
        let outcome = if imported.has_errors() { Outcome::Problems } else { Outcome::Clean };
        if self.format == Format::Json {
            let mut result = render::json(&imported.sources, &imported.diagnostics);
            result["files"] = imported.files.iter().map(|file| (file.name, file.text.as_str())).collect();
            crate::print(&result.to_string())?;
            return Ok(outcome);
        }
        render::to_stderr(&imported.sources, &imported.diagnostics);
        if imported.files.is_empty() {
            return match outcome {
                Outcome::Problems => Ok(outcome),
                Outcome::Clean => Err(Failure::NoProject(self.path.clone())),
            };
        }
        match &self.out {
            Some(folder) => write(folder, &imported)?,
            None => {
                let texts: Vec<&str> = imported.files.iter().map(|file| file.text.trim_end()).collect();
                crate::print(&texts.join("\n\n"))?;
            }
        }
        if !imported.diagnostics.is_empty() {
            eprintln!("{}", render::summary(&imported.diagnostics, &[]));
        }
        Ok(outcome)
    }
}

/// The files that a path stands for: itself, or the TypeScript of the project that defines a backend.
fn sources(path: &str) -> Result<Vec<String>, Failure> {
    let given = Path::new(path);
    if !given.is_dir() {
        return match File::open(given) {
            Ok(_) => Ok(vec![path.replace('\\', "/")]),
            Err(error) => Err(Failure::File { path: path.to_owned(), error }),
        };
    }
    let amplify = given.join("amplify");
    let root = if amplify.is_dir() { &amplify } else { given };
    let is_hidden = |name: &str| name.starts_with('.') || matches!(name, "node_modules" | "dist");
    let walk = walkdir::WalkDir::new(root).sort_by_file_name().into_iter();
    let walk = walk.filter_entry(|entry| entry.depth() == 0 || !is_hidden(&entry.file_name().to_string_lossy()));
    let mut found = Vec::new();
    for entry in walk {
        let entry = entry.map_err(|error| {
            let error = error.into_io_error().unwrap_or_else(|| std::io::Error::other("a cycle of links"));
            Failure::File { path: path.to_owned(), error }
        })?;
        let name = entry.path().to_string_lossy().replace('\\', "/");
        let is_code = [".ts", ".mts", ".js", ".mjs"].iter().any(|end| name.ends_with(end)) && !name.ends_with(".d.ts");
        if entry.file_type().is_file() && is_code && read(entry.path()).is_some_and(|text| defines(&text)) {
            found.push(name);
        }
    }
    let outputs = given.join("amplify_outputs.json");
    match (found.is_empty(), outputs.is_file()) {
        (false, _) => Ok(found),
        (true, true) => Ok(vec![outputs.to_string_lossy().replace('\\', "/")]),
        (true, false) => Err(Failure::NoProject(path.to_owned())),
    }
}

/// Whether a module may define something of a backend.
fn defines(text: &[u8]) -> bool {
    let has = |word: &[u8]| text.windows(word.len()).any(|part| part == word);
    has(b"@aws-amplify/") && ["define", "reference"].iter().any(|word| has(word.as_bytes()))
}

/// A file's bytes; of one above the limit only so many that the limit is seen to be passed.
fn read(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).ok().filter(|file| file.metadata().is_ok_and(|about| about.is_file()))?;
    file.take(admit_syntax::MAX_FILE as u64 + 1).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn write(folder: &Path, imported: &Imported) -> Result<(), Failure> {
    let failure = |path: &Path| {
        let path = path.to_string_lossy().into_owned();
        move |error| Failure::File { path, error }
    };
    for file in &imported.files {
        let path = folder.join(file.name);
        if std::fs::read(&path).is_ok_and(|there| there != file.text.as_bytes()) {
            let message = format!("{}: there is another text in this file; remove it first", path.display());
            return Err(Failure::Usage(message));
        }
    }
    std::fs::create_dir_all(folder).map_err(failure(folder))?;
    for file in &imported.files {
        let path = folder.join(file.name);
        std::fs::write(&path, &file.text).map_err(failure(&path))?;
        crate::print(&path.to_string_lossy().replace('\\', "/"))?;
    }
    Ok(())
}
