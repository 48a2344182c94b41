//! `admit test`: the `test` blocks of a policy, asked of its table.
//! Always: a test that is undecided counts as failed; without `--watch`, one run and its exit status.

mod human;
mod json;
mod junit;
mod lcov;
mod watch;

use crate::{Failure, Outcome, files};
use admit_compiler::Source;
use admit_compiler::policy::{Policy, Test as PolicyTest};
use admit_compiler::testing::coverage::Coverage;
use admit_compiler::testing::mutate::{self, Mutation};
use admit_compiler::testing::{self, Asserted};
use clap::{Args, ValueEnum};

/// Run the tests of a policy
#[derive(Args)]
#[command(after_help = "Examples:
  admit test app.policy
  admit test policies/ --filter drafts
  admit test app.policy --coverage --fail-under 100
  admit test app.policy --mutate                       # which changes of the rules no test notices
  admit test app.policy --format junit > report.xml
  admit test app.policy --lcov lcov.info
  admit test app.policy --watch")]
pub struct Test {
    /// Policy files, directories, or `-` for standard input
    #[arg(required = true)]
    files: Vec<String>,
    /// How to write the results
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Only the tests whose names hold this text
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Say which cells of the rules no test exercised, each as the assertion to write
    #[arg(long)]
    coverage: bool,
    /// Change each rule in turn, and say which changes no test notices
    #[arg(long)]
    mutate: bool,
    /// The most requests that are decided for `--mutate`; changes left over then are an error
    #[arg(long, value_name = "STEPS", default_value_t = mutate::DEFAULT_BUDGET, requires = "mutate")]
    budget: usize,
    /// Fail if the coverage, or with `--mutate` the part of the changes that is noticed, is less
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    fail_under: Option<u8>,
    /// Write how often each line of a rule decided, for editors
    #[arg(long, value_name = "FILE")]
    lcov: Option<String>,
    /// Run again whenever a file changes
    #[arg(long)]
    watch: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
    /// For services that show test reports: JUnit's XML.
    Junit,
}

/// All that one run came to.
struct Report<'p> {
    sources: &'p [Source],
    policy: &'p Policy,
    table: &'p admit_runtime::Policy<'p>,
    asserted: Vec<Asserted<'p>>,
    coverage: Option<Coverage>,
    mutation: Option<Mutation>,
    /// Whether the score was asked for; it is not worked out where an assertion fails.
    mutates: bool,
    fail_under: Option<u8>,
}

impl Test {
    pub fn run(&self) -> Result<Outcome, Failure> {
        if self.watch { watch::run(&self.files, || self.once()) } else { self.once() }
    }

    fn once(&self) -> Result<Outcome, Failure> {
        let sources = files::read_sources(&self.files)?;
        let Some(policy) = files::compile(&sources, false) else { return Ok(Outcome::Problems) };
        let bytes = admit_compiler::table(&policy, false).map_err(Failure::TooLarge)?;
        let table = admit_runtime::Policy::from_bytes(&bytes)
            .map_err(|error| Failure::Table { path: self.files.join(" "), error })?;
        let chosen = |test: &PolicyTest| self.filter.as_ref().is_none_or(|text| test.name.contains(text));
        if let (Some(text), false) = (&self.filter, policy.tests.iter().any(chosen)) {
            return Err(Failure::Usage(format!("no test has `{text}` in its name")));
        }
        let asserted = files::working("testing", || testing::run(&policy, &table, chosen));
        let wants_coverage = self.coverage || self.lcov.is_some() || (self.fail_under.is_some() && !self.mutate);
        let coverage = wants_coverage.then(|| Coverage::of(&policy, &table, &asserted));
        if let (Some(path), Some(coverage)) = (&self.lcov, &coverage) {
            let text = lcov::text(&policy, coverage);
            std::fs::write(path, text).map_err(|error| Failure::File { path: path.clone(), error })?;
        }
        let all_hold = asserted.iter().all(Asserted::holds);
        // Which changes a failing test notices says nothing.
        let mutation = (self.mutate && all_hold)
            .then(|| files::working("changing rules", || mutate::run(&policy, &asserted, self.budget)));
        let report = Report {
            sources: &sources,
            policy: &policy,
            table: &table,
            asserted,
            coverage: coverage.filter(|_| self.coverage || self.fail_under.is_some()),
            mutation,
            mutates: self.mutate,
            fail_under: self.fail_under,
        };
        match self.format {
            Format::Human => crate::print(report.human().trim_end())?,
            Format::Json => crate::print(&report.json().to_string())?,
            Format::Junit => crate::print(report.junit()?.trim_end())?,
        }
        Ok(if report.is_fine() { Outcome::Clean } else { Outcome::Problems })
    }
}

impl Report<'_> {
    /// Whether every assertion holds, every change could be tried, and nothing is less than `--fail-under`.
    fn is_fine(&self) -> bool {
        let under = |percent: f64| self.fail_under.is_some_and(|least| percent < f64::from(least));
        let coverage = self.coverage.as_ref().is_none_or(|coverage| !under(coverage.percent()));
        let mutation = self.mutation.as_ref().is_none_or(|of| of.untried == 0 && !under(of.percent()));
        self.asserted.iter().all(Asserted::holds) && coverage && mutation
    }

    /// The tests that were run, each with its assertions.
    fn tests(&self) -> Vec<(&PolicyTest, Vec<&Asserted<'_>>)> {
        let mut tests: Vec<(&PolicyTest, Vec<&Asserted<'_>>)> = Vec::new();
        for one in &self.asserted {
            match tests.last_mut() {
                Some((test, all)) if std::ptr::eq(*test, one.test) => all.push(one),
                _ => tests.push((one.test, vec![one])),
            }
        }
        tests
    }

    fn file(&self, place: admit_compiler::policy::Place) -> &str {
        &self.policy.files[place.file as usize]
    }

    /// An assertion as it is written, on one line.
    fn text(&self, one: &Asserted<'_>) -> String {
        let place = one.assertion.place;
        let source = self.sources.get(place.file as usize).map_or(&[][..], |source| &source.text);
        let text = source.get(place.span.range()).unwrap_or_default();
        String::from_utf8_lossy(text).split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// `1 test`, `2 tests`
fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
