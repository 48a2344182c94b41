//! Diagnostics as JUnit's XML: a suite a file, a case a diagnostic; a file without one has a case that says so.
//! Always: what makes the command fail is a failure, and nothing else is; what is accepted is skipped; no time of day, no duration.

use super::{Findings, said};
use crate::Failure;
use admit_compiler::diagnostic::{Accepted, Diagnostic, Severity};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

impl Findings<'_> {
    /// The report; `fails` says which severities make the command fail.
    pub(super) fn junit(&self, fails: impl Fn(Severity) -> bool) -> Result<String, Failure> {
        let mut report = Report::new("admit");
        report.add_test_suites((0..self.sources.len()).map(|file| self.suite(file, &fails)));
        report.to_string().map_err(|error| Failure::Output(std::io::Error::other(error)))
    }

    fn suite(&self, file: usize, fails: &impl Fn(Severity) -> bool) -> TestSuite {
        let name = self.sources[file].name.as_str();
        let mut suite = TestSuite::new(name);
        suite.extra.insert("file".into(), name.into());
        let here: Vec<&Diagnostic> = self.diagnostics.iter().filter(|one| one.label.file == file).collect();
        suite.add_test_cases(here.iter().map(|one| self.case(one, fails(one.severity))));
        let accepted: Vec<&Accepted> = self.accepted.iter().filter(|one| one.diagnostic.label.file == file).collect();
        suite.add_test_cases(accepted.iter().map(|one| self.accepted_case(one)));
        if here.is_empty() && accepted.is_empty() {
            let mut case = TestCase::new("no problems", TestCaseStatus::success());
            case.set_classname(name);
            suite.add_test_case(case);
        }
        suite
    }

    /// A case that is skipped: what is accepted is neither a failure nor gone.
    fn accepted_case(&self, one: &Accepted) -> TestCase {
        let mut case = self.case(&one.diagnostic, false);
        case.status = TestCaseStatus::skipped();
        case.status.set_description(format!("accepted because {}", one.reason));
        case
    }

    fn case(&self, one: &Diagnostic, fails: bool) -> TestCase {
        let name = &self.sources[one.label.file].name;
        let at = |file: usize, span: admit_syntax::ast::Span| {
            let (line, column) = self.texts[file].place(span.start);
            format!("{}:{line}:{column}", self.sources[file].name)
        };
        let text = format!("{}: {} {}", at(one.label.file, one.label.span), one.code, said(one, at));
        let mut status = TestCaseStatus::success();
        if fails {
            status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(&one.message).set_type(one.code).set_description(&text);
        }
        let line = self.texts[one.label.file].place(one.label.span.start).0;
        let mut case = TestCase::new(format!("{} line {line}: {}", one.code, one.message), status);
        case.set_classname(name.as_str());
        case.extra.insert("file".into(), name.as_str().into());
        case.extra.insert("line".into(), line.to_string().into());
        if !fails {
            case.set_system_out(&text);
        }
        case
    }
}
