//! `admit test`: the `test` blocks of a policy, asked of its table.
//! Always: a test that is undecided counts as failed; without `--watch`, one run and its exit status.

mod human;
mod json;
mod junit;
mod lcov;
mod watch;

use crate::{Failure, Outcome, files, render};
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
    /// For GitHub Actions: annotations of a pull request, then what a person reads.
    Github,
}

/// What one policy came to.
struct Report<'p> {
    sources: &'p [Source],
    policy: &'p Policy,
    table: &'p admit_runtime::Policy<'p>,
    asserted: Vec<Asserted<'p>>,
    coverage: Option<Coverage>,
    mutation: Option<Mutation>,
}

/// All that one run came to.
struct Run<'p> {
    reports: Vec<Report<'p>>,
    /// Whether the mutation score was asked for; it is not worked out where an assertion fails.
    mutates: bool,
    fail_under: Option<u8>,
}

impl Test {
    pub fn run(&self) -> Result<Outcome, Failure> {
        if self.watch { watch::run(&self.files, || self.once()) } else { self.once() }
    }

    fn once(&self) -> Result<Outcome, Failure> {
        let policies = files::read_policies(&self.files)?;
        let compile = |sources: &Vec<Source>| match self.format {
            Format::Github => files::compile_for(sources, false, render::Format::Github),
            _ => Ok(files::compile(sources, false)),
        };
        let compiled = policies.iter().map(compile).collect::<Result<Vec<Option<Policy>>, Failure>>()?;
        let Some(compiled) = compiled.into_iter().collect::<Option<Vec<Policy>>>() else {
            return Ok(Outcome::Problems);
        };
        let bytes = compiled.iter().map(|policy| admit_compiler::table(policy, false).map_err(Failure::TooLarge));
        let bytes = bytes.collect::<Result<Vec<_>, _>>()?;
        let loaded = bytes.iter().map(|bytes| {
            let failure = |error| Failure::Table { path: self.files.join(" "), error };
            admit_runtime::Policy::from_bytes(bytes).map_err(failure)
        });
        let tables = loaded.collect::<Result<Vec<_>, _>>()?;
        let chosen = |test: &PolicyTest| self.filter.as_ref().is_none_or(|text| test.name.contains(text));
        let mut tests = compiled.iter().flat_map(|policy| &policy.tests);
        if let (Some(text), false) = (&self.filter, tests.any(chosen)) {
            return Err(Failure::Usage(format!("no test has `{text}` in its name")));
        }
        let each = policies.iter().zip(&compiled).zip(&tables);
        let reports = each.map(|((sources, policy), table)| self.report(sources, policy, table, &chosen)).collect();
        let run = Run { reports, mutates: self.mutate, fail_under: self.fail_under };
        if let Some(path) = &self.lcov {
            std::fs::write(path, run.lcov()).map_err(|error| Failure::File { path: path.clone(), error })?;
        }
        let shows = self.coverage || (self.fail_under.is_some() && !self.mutate);
        let run = if shows { run } else { run.without_coverage() };
        match self.format {
            Format::Human => crate::print(run.human().trim_end())?,
            Format::Github => crate::print(run.github().trim_end())?,
            Format::Json => crate::print(&run.json().to_string())?,
            Format::Junit => crate::print(run.junit()?.trim_end())?,
        }
        Ok(if run.is_fine() { Outcome::Clean } else { Outcome::Problems })
    }

    fn report<'p>(
        &self,
        sources: &'p [Source],
        policy: &'p Policy,
        table: &'p admit_runtime::Policy<'p>,
        chosen: &impl Fn(&PolicyTest) -> bool,
    ) -> Report<'p> {
        let asserted = files::working("testing", || testing::run(policy, table, chosen));
        let wants_coverage = self.coverage || self.lcov.is_some() || (self.fail_under.is_some() && !self.mutate);
        let coverage = wants_coverage.then(|| Coverage::of(policy, table, &asserted));
        // Which changes a failing test notices says nothing.
        let tries = self.mutate && asserted.iter().all(Asserted::holds);
        let mutation = tries.then(|| files::working("changing rules", || mutate::run(policy, &asserted, self.budget)));
        Report { sources, policy, table, asserted, coverage, mutation }
    }
}

impl Run<'_> {
    /// Whether every assertion holds, every change could be tried, and nothing is less than `--fail-under`.
    fn is_fine(&self) -> bool {
        let under = |(part, whole): (usize, usize)| {
            self.fail_under.is_some_and(|least| part * 100 < usize::from(least) * whole)
        };
        let holds = self.reports.iter().all(|report| report.asserted.iter().all(Asserted::holds));
        let untried = self.reports.iter().filter_map(|report| report.mutation.as_ref()).any(|of| of.untried > 0);
        holds && !untried && !self.cells().is_some_and(under) && !self.changes().is_some_and(under)
    }

    /// How many cells of how many are covered.
    fn cells(&self) -> Option<(usize, usize)> {
        let each = self.reports.iter().map(|report| report.coverage.as_ref().map(|of| (of.covered(), of.cells())));
        sum(each)
    }

    /// How many changes of how many are noticed.
    fn changes(&self) -> Option<(usize, usize)> {
        sum(self.reports.iter().map(|report| report.mutation.as_ref().map(|of| (of.noticed(), of.changes.len()))))
    }

    fn without_coverage(mut self) -> Self {
        self.reports.iter_mut().for_each(|report| report.coverage = None);
        self
    }

    fn lcov(&self) -> String {
        let each = self.reports.iter();
        each.filter_map(|of| of.coverage.as_ref().map(|coverage| lcov::text(of.policy, coverage))).collect()
    }
}

/// The sum of parts and wholes, if each policy has one.
fn sum(mut each: impl Iterator<Item = Option<(usize, usize)>>) -> Option<(usize, usize)> {
    each.try_fold((0, 0), |all, one| one.map(|one| (all.0 + one.0, all.1 + one.1)))
}

/// A part of a hundred; of nothing, all.
fn percent((part, whole): (usize, usize)) -> f64 {
    if whole == 0 { 100.0 } else { 100.0 * part as f64 / whole as f64 }
}

impl Report<'_> {
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
