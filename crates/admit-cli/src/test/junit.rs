//! The results as JUnit's XML: a suite a test, a case an assertion.
//! Always: no time of day, no duration, so that equal results are equal bytes.

use super::{PolicyTest, Report, Run};
use crate::Failure;
use admit_compiler::testing::{self, Asserted, Explained, Outcome, Verdict};
use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};

impl Run<'_> {
    pub(super) fn junit(&self) -> Result<String, Failure> {
        let mut junit = Junit::new("admit");
        junit.add_test_suites(self.reports.iter().flat_map(Report::suites));
        junit.to_string().map_err(|error| Failure::Output(std::io::Error::other(error)))
    }
}

impl Report<'_> {
    fn suites(&self) -> Vec<TestSuite> {
        let suite = |(test, all): (&PolicyTest, Vec<&Asserted<'_>>)| {
            let mut suite = TestSuite::new(&test.name);
            suite.extra.insert("file".into(), self.file(test.place).into());
            suite.add_test_cases(all.iter().map(|one| self.case(one)));
            suite
        };
        self.tests().into_iter().map(suite).collect()
    }

    fn case(&self, one: &Asserted<'_>) -> TestCase {
        let failed: Vec<&Outcome> = one.outcomes.iter().filter(|outcome| outcome.verdict != Verdict::Holds).collect();
        let mut status = TestCaseStatus::success();
        if let Some(first) = failed.first() {
            status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let lines: Vec<String> = failed.iter().map(|outcome| self.line(one, outcome)).collect();
            let word = if first.verdict == Verdict::Undecided { "undecided" } else { "assertion" };
            status.set_message(lines[0].clone()).set_type(word).set_description(lines.join("\n"));
        }
        let mut case = TestCase::new(self.text(one), status);
        let place = one.assertion.place;
        case.set_classname(&one.test.name);
        case.extra.insert("file".into(), self.file(place).into());
        case.extra.insert("line".into(), place.line.to_string().into());
        case
    }

    /// One operation that came out otherwise, with the rule that made it so or the nearest one.
    fn line(&self, one: &Asserted<'_>, outcome: &Outcome) -> String {
        let name = outcome.operation.name();
        if outcome.verdict == Verdict::Undecided {
            return format!("{name}: not decided over every input");
        }
        let Explained { allowed, reason, rule, nearest, .. } =
            testing::explain(self.table, outcome, testing::field(one.assertion));
        let by = |word: &str, rule: &testing::Line| format!("; {word} {}:{} {}", rule.file, rule.line, rule.text);
        let rule = rule.map(|rule| by("by", &rule)).or_else(|| nearest.first().map(|rule| by("nearest", rule)));
        let why = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
        format!("{name}: {}{why}{}", if allowed { "allowed" } else { "denied" }, rule.unwrap_or_default())
    }
}
