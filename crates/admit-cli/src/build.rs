//! `admit build`: the decision table of a policy. The same input gives the same bytes.

use crate::render::Format;
use crate::{Failure, Outcome, files};
use clap::Args;
use std::io::Write;

/// Compile a policy to its decision table
#[derive(Args)]
#[command(after_help = "Examples:
  admit build app.policy -o app.table
  admit build policies/ -o app.table --strip    # without rules, files and lines: decisions cannot name them
  admit build app.policy -o - | sha256sum       # the same input gives the same bytes")]
pub struct Build {
    /// Policy files, directories, or `-` for standard input
    #[arg(required = true)]
    files: Vec<String>,
    /// Where to write the table; `-` for standard output
    #[arg(short, long)]
    output: String,
    /// Leave out the rules as written: smaller, and decisions no longer name the rule
    #[arg(long)]
    strip: bool,
    /// How to write the problems; all but `human` go to standard output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Build {
    pub fn run(&self) -> Result<Outcome, Failure> {
        let sources = files::read_sources(&self.files)?;
        if self.output == "-" && self.format != Format::Human {
            let why = "the table and the problems cannot both go to standard output: name a file for the table";
            return Err(Failure::Usage(why.to_owned()));
        }
        let Some(policy) = files::compile_for(&sources, true, self.format)? else { return Ok(Outcome::Problems) };
        let table = files::working("building", || admit_compiler::table(&policy, self.strip));
        let table = table.map_err(Failure::TooLarge)?;
        if self.output == "-" {
            std::io::stdout().lock().write_all(&table)?;
            return Ok(Outcome::Clean);
        }
        write(&self.output, &table).map_err(|error| Failure::File { path: self.output.clone(), error })?;
        if !matches!(self.format, Format::Human | Format::Github) {
            return Ok(Outcome::Clean); // what stands on stdout is one document
        }
        let models = policy.models.len();
        crate::print(&format!(
            "{}: {} bytes, {models} model{}",
            self.output,
            table.len(),
            if models == 1 { "" } else { "s" }
        ))?;
        Ok(Outcome::Clean)
    }
}

/// Writes a file whole or not at all: a reader never sees half of it.
pub fn write(path: &str, bytes: &[u8]) -> std::io::Result<()> {
    let beside = format!("{path}.{}.new", std::process::id());
    let written = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written
}
