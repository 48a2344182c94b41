//! What importing says about a project: the checker's own diagnostics, on its TypeScript.
//! Always: whatever is left out and decides access is an error, which says what it means for the policy.

use super::value::{At, Problem, Why};
use admit_compiler::diagnostic::{Diagnostic, Label, Severity};
use std::collections::BTreeSet;

/// TypeScript that cannot be parsed.
pub const SYNTAX: &str = "E1201";
/// A value that is worked out when the program runs.
pub const COMPUTED: &str = "E1202";
/// A name that leads to nothing that was read.
pub const UNRESOLVED: &str = "E1203";
/// A word of Amplify that importing does not know.
pub const UNKNOWN_WORD: &str = "E1204";
/// Something that decides access and that a policy cannot say.
pub const NOT_SAID: &str = "E1205";
/// Something that is left out because another thing is.
pub const FOLLOWS: &str = "E1206";
/// Something left out that decides nothing.
pub const WITHOUT_EFFECT: &str = "W1201";
/// Something written in another way, with the same decisions.
pub const REWRITTEN: &str = "W1202";

/// That something is left out, and that it has been said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LeftOut;

/// What was read, unless it is left out.
pub type Read<T> = Result<T, LeftOut>;

/// The diagnostics of one import.
#[derive(Default)]
pub struct Report {
    /// All of them, in the order of finding.
    pub diagnostics: Vec<Diagnostic>,
    seen: BTreeSet<(&'static str, usize, usize, String)>,
}

impl Report {
    /// Says something once: the code, the place, what is there, and what it means for the policy.
    pub fn say(&mut self, code: &'static str, at: At, message: impl Into<String>, means: impl Into<String>) -> LeftOut {
        let (message, means) = (message.into(), means.into());
        let key = (code, at.file, at.span.start as usize, message.clone());
        if !self.seen.insert(key) {
            return LeftOut;
        }
        self.diagnostics.push(Diagnostic {
            code,
            severity: if code.starts_with('W') { Severity::Warning } else { Severity::Error },
            message,
            label: Label { file: at.file, span: at.span, text: label(code).into() },
            related: Vec::new(),
            help: Some(means),
            fix: None,
        });
        LeftOut
    }

    /// Says why something has no static value, and what that means for the policy: where it is used, and where the
    /// cause stands.
    pub fn problem(&mut self, problem: &Problem, means: impl Into<String>) -> LeftOut {
        let at = problem.used.unwrap_or(problem.at);
        let before = self.diagnostics.len();
        match &problem.why {
            Why::Computed(what) => self.say(COMPUTED, at, format!("{what} is not a static value"), means),
            Why::Unknown(name) => self.say(UNRESOLVED, at, format!("`{name}` leads to nothing that was read"), means),
            Why::Reported => LeftOut, // the module's syntax error is the cause
        };
        if let (Some(_), Some(said)) = (problem.used, self.diagnostics[before..].last_mut()) {
            let text = "this is why".to_owned();
            said.related.push(Label { file: problem.at.file, span: problem.at.span, text });
        }
        LeftOut
    }
}

impl Report {
    /// Says each of several problems.
    pub fn problems(&mut self, problems: &[Problem], means: &str) {
        for problem in problems {
            self.problem(problem, means);
        }
    }
}

/// What is true at the place.
fn label(code: &str) -> &'static str {
    match code {
        COMPUTED => "worked out when the program runs",
        UNRESOLVED => "not found",
        UNKNOWN_WORD => "not known to `admit import`",
        REWRITTEN => "written in another way",
        _ => "left out",
    }
}
