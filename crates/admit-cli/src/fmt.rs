//! `admit fmt`: the one layout.

use crate::{Failure, Outcome, files, render};
use admit_compiler::Source;
use admit_syntax::FormatError;
use clap::Args;

/// Lay out policy files in the one way
#[derive(Args)]
#[command(after_help = "Examples:
  admit fmt app.policy             # rewrites the file
  admit fmt policies/ --check      # names the files that are not formatted; exit 1 if there are any
  admit fmt - < app.policy         # prints the formatted text")]
pub struct Fmt {
    /// Policy files, directories, or `-` for standard input
    #[arg(required = true)]
    files: Vec<String>,
    /// Change nothing; name what would change
    #[arg(long)]
    check: bool,
}

impl Fmt {
    pub fn run(&self) -> Result<Outcome, Failure> {
        let mut outcome = Outcome::Clean;
        for source in files::read_each(&self.files)? {
            if self.file(&source)? == Outcome::Problems {
                outcome = Outcome::Problems;
            }
        }
        Ok(outcome)
    }

    fn file(&self, source: &Source) -> Result<Outcome, Failure> {
        let formatted = match std::str::from_utf8(&source.text) {
            Ok(text) => files::working("formatting", || admit_syntax::format(text)),
            Err(_) => Err(FormatError::Syntax(Vec::new())),
        };
        let text = match formatted {
            Ok(text) => text,
            Err(error) => {
                if let FormatError::Syntax(_) = error {
                    render::syntax_to_stderr(source);
                }
                eprintln!("{}: {error}", source.name);
                return Ok(Outcome::Problems);
            }
        };
        let same = text.as_bytes() == source.text.as_slice();
        if self.check {
            if !same {
                crate::print(&format!("{} is not formatted", source.name))?;
            }
            return Ok(if same { Outcome::Clean } else { Outcome::Problems });
        }
        if source.name == "<stdin>" {
            crate::print(text.strip_suffix('\n').unwrap_or(&text))?;
        } else if !same {
            std::fs::write(&source.name, text).map_err(|error| Failure::File { path: source.name.clone(), error })?;
            crate::print(&format!("{} formatted", source.name))?;
        }
        Ok(Outcome::Clean)
    }
}
