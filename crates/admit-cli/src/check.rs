//! `admit check`: every problem of every file.

use crate::render::{Findings, Format};
use crate::{Failure, Outcome, files, render};
use admit_compiler::Checked;
use admit_compiler::diagnostic::Severity;
use clap::{Args, ValueEnum};

/// Find every problem of every file
#[derive(Args)]
#[command(after_help = "Examples:
  admit check app.policy
  admit check policies/                 # every *.policy below; several files are one policy
  admit check app.policy --fail-on warning
  admit check app.policy --format json | jq '.diagnostics[].code'
  admit check policies/ --format sarif > admit.sarif    # for code scanning; docs/ci.md has whole workflows
  cat app.policy | admit check -")]
pub struct Check {
    /// Policy files, directories, or `-` for standard input
    #[arg(required = true)]
    files: Vec<String>,
    /// How to write the problems
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// What makes the command fail
    #[arg(long, value_enum, default_value_t)]
    fail_on: FailOn,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum FailOn {
    /// Errors.
    #[default]
    Error,
    /// Errors and warnings.
    Warning,
}

impl Check {
    pub fn run(&self) -> Result<Outcome, Failure> {
        let sources = files::read_sources(&self.files)?;
        let Checked { diagnostics, accepted, .. } = files::working("checking", || admit_compiler::check(&sources));
        let fails = |severity: Severity| severity == Severity::Error || self.fail_on == FailOn::Warning;
        let count = sources.len();
        let plural = if count == 1 { "" } else { "s" };
        let summary = format!("{} in {count} file{plural}", render::summary(&diagnostics, &accepted));
        match Findings::new(&sources, &diagnostics).accepted(&accepted).written(self.format, fails)? {
            Some(text) if self.format == Format::Github => crate::print(&format!("{text}{summary}"))?,
            Some(text) => crate::print(&text)?,
            None => {
                render::to_stderr(&sources, &diagnostics);
                crate::print(&summary)?;
            }
        }
        match diagnostics.iter().any(|one| fails(one.severity)) {
            true => Ok(Outcome::Problems),
            false => Ok(Outcome::Clean),
        }
    }
}
