//! The `admit` command: arguments, files, rendering, exit codes.
//! Always: results on stdout, diagnostics on stderr; 0 clean or allowed, 1 problems or denied, 2 could not be done.

mod build;
mod check;
mod decide;
mod diff;
mod emit;
mod explain;
mod files;
mod fmt;
mod git;
mod import;
mod inspect;
mod matrix;
mod render;
pub mod requests;
mod test;
mod trace;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Who may do what: checks policies, compiles them to decision tables, and decides.
#[derive(Parser)]
#[command(
    name = "admit",
    version,
    about = "Who may do what: checks policies, compiles them to decision tables, and decides",
    max_term_width = 100,
    arg_required_else_help = true
)]
pub struct Command {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Check(check::Check),
    Build(build::Build),
    Decide(Box<decide::Decide>),
    Inspect(inspect::Inspect),
    Explain(explain::Explain),
    Test(Box<test::Test>),
    Fmt(fmt::Fmt),
    Import(import::Import),
    Matrix(matrix::PrintMatrix),
    WhoCan(matrix::WhoCan),
    WhatCan(matrix::WhatCan),
    Diff(diff::Diff),
    Emit(Box<emit::Emit>),
}

/// What a verb came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Clean, allowed, done.
    Clean,
    /// Problems were found, or the answer is no.
    Problems,
}

/// Why a job could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A file that cannot be read or written.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// A directory without policies.
    #[error("{0}: there is no `*.policy` file in this directory")]
    NoPolicy(String),
    /// Nothing of an Amplify project.
    #[error("{0}: there is no `defineAuth`, `defineData` or `defineStorage` here")]
    NoProject(String),
    /// A table that does not load.
    #[error("{path}: this table does not load: {error}")]
    Table {
        /// The file.
        path: String,
        /// Why.
        error: admit_runtime::LoadError,
    },
    /// A table where only sources serve, or beside other files.
    #[error("{0}: a built table stands alone, and serves `decide`, `inspect` and the reports")]
    TableHere(String),
    /// A report on a table that would leave out what decides.
    #[error(
        "this table holds a condition that is not written as `admit build` writes conditions, so that it cannot be read \
         back: give the report the policy's sources"
    )]
    Unreadable,
    /// A policy too large for the format.
    #[error("the table would be too large: {0}")]
    TooLarge(admit_compiler::TooLarge),
    /// An argument that says nothing sensible.
    #[error("{0}")]
    Usage(String),
    /// Output that cannot be written.
    #[error("the output cannot be written: {0}")]
    Output(#[from] std::io::Error),
    /// Lines of a request file that were not answered.
    #[error("{failed} of {all} requests could not be answered")]
    Requests {
        /// How many.
        failed: usize,
        /// Of how many.
        all: usize,
    },
    /// A diagnostic that does not exist.
    #[error("there is no diagnostic `{0}`")]
    NoDiagnostic(String),
}

/// How results are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
}

/// Diagnostics as `admit check` shows them to a person, without colour.
pub fn rendered(sources: &[admit_compiler::Source], diagnostics: &[admit_compiler::diagnostic::Diagnostic]) -> String {
    render::human(sources, diagnostics, false)
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let command = match Command::try_parse() {
        Ok(command) => command,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let outcome = match &command.verb {
        Verb::Check(check) => check.run(),
        Verb::Build(build) => build.run(),
        Verb::Decide(decide) => decide.run(),
        Verb::Inspect(inspect) => inspect.run(),
        Verb::Explain(explain) => explain.run(),
        Verb::Test(test) => test.run(),
        Verb::Fmt(fmt) => fmt.run(),
        Verb::Import(import) => import.run(),
        Verb::Matrix(matrix) => matrix.run(),
        Verb::WhoCan(who) => who.run(),
        Verb::WhatCan(what) => what.run(),
        Verb::Diff(diff) => diff.run(),
        Verb::Emit(emit) => emit.run(),
    };
    match outcome {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Problems) => ExitCode::from(1),
        // Whoever reads the output has seen enough: not a failure of the job.
        Err(Failure::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("admit: {failure}");
            ExitCode::from(2)
        }
    }
}

/// Writes one line, or several, to stdout.
fn print(text: &str) -> std::io::Result<()> {
    use std::io::Write;
    writeln!(std::io::stdout().lock(), "{text}")
}
