//! `admit check`: every problem of every file.

use crate::render::{Findings, Format};
use crate::{Failure, Outcome, files};
use admit_compiler::diagnostic::{Diagnostic, Severity};
use admit_compiler::{Checked, Source, fix};
use clap::{Args, ValueEnum};
use std::io::Write;

/// Find every problem of every file
#[derive(Args)]
#[command(after_help = "Examples:
  admit check app.policy
  admit check policies/                 # every *.policy below; several files are one policy
  admit check app.policy --fail-on warning
  admit check app.policy --fix          # mends what changes nothing, and proves it
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
    /// Mend what can be mended without changing what the policy means, and say what was left
    #[arg(long)]
    fix: bool,
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
        let given = files::read_each(&self.files)?;
        let sources = files::with_used(given.clone())?;
        if self.fix {
            return self.fixed(&sources, given.len());
        }
        let Checked { diagnostics, accepted, .. } = files::working("checking", || admit_compiler::check(&sources));
        self.say(&Findings::new(&sources, &diagnostics).accepted(&accepted))?;
        Ok(self.outcome(&diagnostics))
    }

    /// Mends the given files, the first of all sources.
    fn fixed(&self, sources: &[Source], given: usize) -> Result<Outcome, Failure> {
        let fixed = files::working("fixing", || fix::fix(sources, &|file| file < given));
        for (source, before) in fixed.sources.iter().zip(sources) {
            match source.name.as_str() {
                "<stdin>" => std::io::stdout().lock().write_all(&source.text)?,
                _ if source.text == before.text => (),
                name => std::fs::write(name, &source.text)
                    .map_err(|error| Failure::File { path: name.to_owned(), error })?,
            }
        }
        let Checked { diagnostics, accepted, .. } = &fixed.after;
        self.say(&Findings::new(&fixed.sources, diagnostics).accepted(accepted).fixed(&fixed))?;
        Ok(self.outcome(diagnostics))
    }

    fn say(&self, findings: &Findings<'_>) -> Result<(), Failure> {
        let is_plain = self.format == Format::Human;
        let text = findings.written(self.format, |severity| self.fails(severity))?;
        if is_plain {
            findings.to_stderr();
        }
        let summary = matches!(self.format, Format::Human | Format::Github).then(|| findings.summary());
        let text = [text, summary].into_iter().flatten().collect::<String>();
        // What was mended of standard input is standard output.
        match self.fix && self.files.iter().any(|file| file == "-") {
            true => eprintln!("{text}"),
            false => crate::print(&text)?,
        }
        Ok(())
    }

    fn fails(&self, severity: Severity) -> bool {
        severity == Severity::Error || self.fail_on == FailOn::Warning
    }

    fn outcome(&self, diagnostics: &[Diagnostic]) -> Outcome {
        let fails = diagnostics.iter().any(|one| self.fails(one.severity));
        if fails { Outcome::Problems } else { Outcome::Clean }
    }
}
