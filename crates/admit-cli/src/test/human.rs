//! The results for a person: each test a line, each failure with the places that it is about.

use super::{Report, Run, count, percent};
use crate::render;
use admit_compiler::diagnostic::{Diagnostic, Label, Severity};
use admit_compiler::policy::{Place, Target};
use admit_compiler::testing::{self, Asserted, Explained, Line, MAX_TRIED, Outcome, Verdict, write};
use admit_runtime::Operation;
use admit_syntax::ast::Span;
use std::fmt::Write;
use std::io::IsTerminal;

/// The most rules that a failure points at.
const NEAREST: usize = 3;

impl Run<'_> {
    pub(super) fn human(&self) -> String {
        self.with(|report, failures| {
            let is_plain = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            format!("\n{}", render::human(report.sources, failures, std::io::stdout().is_terminal() && is_plain))
        })
    }

    /// The same, each failure as an annotation for GitHub Actions.
    pub(super) fn github(&self) -> String {
        self.with(|report, failures| render::github(report.sources, failures))
    }

    fn with(&self, failed: impl Fn(&Report<'_>, &[Diagnostic]) -> String) -> String {
        let mut out = String::new();
        let tests = || self.reports.iter().flat_map(Report::tests);
        for (test, all) in tests() {
            let word = if all.iter().all(|one| one.holds()) { "ok    " } else { "failed" };
            // A line each, and no line that is a command to somebody: the name is whatever its author wrote.
            let _ = writeln!(out, "{word}  {}", test.name.replace(|of: char| of.is_control(), " "));
        }
        for report in &self.reports {
            let failures = report.failures();
            if !failures.is_empty() {
                out.push_str(&failed(report, &failures));
            }
        }
        self.write_coverage(&mut out);
        self.write_mutation(&mut out);
        let (all, fails) = (tests().count(), tests().filter(|(_, all)| !all.iter().all(|one| one.holds())).count());
        let assertions: usize = self.reports.iter().map(|report| report.asserted.len()).sum();
        let failing = if fails == 0 { String::new() } else { format!(", {fails} failed") };
        let passed = all - fails;
        let _ = write!(out, "\n{}: {passed} passed{failing} ({})", count(all, "test"), count(assertions, "assertion"));
        out.trim_start().to_owned()
    }

    fn write_coverage(&self, out: &mut String) {
        let Some(cells) = self.cells() else { return };
        let _ = writeln!(out, "\ncoverage  {} of {} ({:.1} %)", cells.0, count(cells.1, "cell"), percent(cells));
        for report in &self.reports {
            let rules = report.coverage.iter().flat_map(|coverage| &coverage.rules);
            for rule in rules.filter(|rule| !rule.is_covered()) {
                let covered = rule.cells.iter().filter(|cell| cell.hits > 0).count();
                let (place, all) = (report.at(rule.place), rule.cells.len());
                let _ = writeln!(out, "  {place}  {covered} of {all}: {}", report.source_text(rule.place));
                for line in &rule.missing {
                    let _ = writeln!(out, "    {line}");
                }
            }
        }
    }

    fn write_mutation(&self, out: &mut String) {
        let Some(changes) = self.changes() else {
            if self.mutates {
                let _ = writeln!(out, "\nmutation  not tried: which changes a failing test notices says nothing");
            }
            return;
        };
        let all = || self.reports.iter().filter_map(|report| Some((report, report.mutation.as_ref()?)));
        let equal = match all().map(|(_, mutation)| mutation.equal).sum() {
            0 => String::new(),
            equal => format!("; {equal} more change no decision"),
        };
        let (noticed, changed) = (changes.0, count(changes.1, "change"));
        let _ = writeln!(out, "\nmutation  {noticed} of {changed} noticed ({:.1} %){equal}", percent(changes));
        for (report, mutation) in all() {
            for change in mutation.changes.iter().filter(|change| !change.is_noticed) {
                let (at, text) = (report.at(change.place), report.source_text(change.place));
                let _ = writeln!(out, "  {at}  {}: {text}", change.what);
            }
        }
        let untried = all().map(|(_, mutation)| mutation.untried).sum();
        if untried > 0 {
            let _ = writeln!(out, "  {} left over when the budget ended", count(untried, "change"));
        }
    }
}

impl Report<'_> {
    /// `app.policy:12`
    fn at(&self, place: Place) -> String {
        format!("{}:{}", self.file(place), place.line)
    }

    fn source_text(&self, place: Place) -> String {
        let source = self.sources.get(place.file as usize).map_or(&[][..], |source| &source.text);
        let text = String::from_utf8_lossy(source.get(place.span.range()).unwrap_or_default()).into_owned();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    // ---- failures

    /// One for each assertion and way in which it fails: operations that fail alike are told together.
    fn failures(&self) -> Vec<Diagnostic> {
        let mut all = Vec::new();
        for one in &self.asserted {
            let mut ways: Vec<(Vec<&Outcome>, Explained)> = Vec::new();
            for outcome in one.outcomes.iter().filter(|outcome| outcome.verdict != Verdict::Holds) {
                let explained = testing::explain(self.table, outcome, testing::field(one.assertion));
                let alike = |(outcomes, other): &&mut (Vec<&Outcome>, Explained)| {
                    let same = (explained.allowed, explained.reason, &explained.rule)
                        == (other.allowed, other.reason, &other.rule);
                    same && outcomes[0].verdict == outcome.verdict
                        && outcomes[0].question.input == outcome.question.input
                };
                match ways.iter_mut().find(alike) {
                    Some((outcomes, _)) => outcomes.push(outcome),
                    None => ways.push((vec![outcome], explained)),
                }
            }
            all.extend(ways.iter().map(|(outcomes, explained)| self.failure(one, outcomes, explained)));
        }
        all
    }

    fn failure(&self, one: &Asserted<'_>, outcomes: &[&Outcome], explained: &Explained) -> Diagnostic {
        let outcome = outcomes[0];
        let what = named(outcomes);
        let are = if outcomes.len() == 1 { "is" } else { "are" };
        let (message, label) = match (outcome.verdict, explained.allowed) {
            (Verdict::Undecided, _) => {
                (format!("whether some input allows {what} is not decided"), "asserted of every input".to_owned())
            }
            (_, true) => (format!("{what} {are} allowed"), allowed_label(one, outcome)),
            (_, false) => (format!("{what} {are} denied"), because(explained)),
        };
        let place = one.assertion.place;
        Diagnostic {
            code: "test",
            severity: Severity::Error,
            message: format!("{}: {message}", one.test.name),
            label: Label { file: place.file as usize, span: place.span, text: label },
            related: if outcome.verdict == Verdict::Undecided { Vec::new() } else { self.rules(one, explained) },
            help: help(one, outcome, explained),
            fix: None,
        }
    }

    /// The rule that made the decision, and where it is a denial those that come near.
    fn rules(&self, one: &Asserted<'_>, explained: &Explained) -> Vec<Label> {
        let by = match (explained.allowed, explained.reason) {
            (true, _) => "this rule allows it",
            (_, Some("hidden")) => "this rule gives the record",
            (_, Some("filter")) => "this rule gives other records",
            _ => "this rule denies it",
        };
        let mut related: Vec<Label> = explained.rule.iter().map(|rule| self.label(rule, by)).collect();
        match explained.reason {
            None => (),
            Some("hidden") => related.extend(self.field_rules(one)),
            Some(_) => {
                let near = explained.nearest.iter().filter(|rule| Some(*rule) != explained.rule.as_ref());
                related.extend(near.take(NEAREST).map(|rule| self.label(rule, "this rule allows it to others")));
            }
        }
        related
    }

    /// The rules of the field that an assertion is about.
    fn field_rules(&self, one: &Asserted<'_>) -> Vec<Label> {
        let Target::Record { model, field: Some(field), .. } = &one.assertion.target else { return Vec::new() };
        let model = self.policy.models.iter().find(|known| known.name == *model);
        let field = model.and_then(|model| model.fields.iter().find(|known| known.name == *field));
        let rules = field.into_iter().flat_map(|field| field.rules.iter().chain(&field.denies)).take(NEAREST);
        let text = "this is a rule of the field".to_owned();
        rules.map(|rule| Label { file: rule.place.file as usize, span: rule.place.span, text: text.clone() }).collect()
    }

    fn label(&self, rule: &Line, text: &str) -> Label {
        let file = self.policy.files.iter().position(|file| *file == rule.file).unwrap_or(0);
        Label { file, span: Span { start: rule.start, end: rule.end }, text: text.to_owned() }
    }
}

/// `get`, `list` and `sync`, in backticks
fn named(outcomes: &[&Outcome]) -> String {
    let word = |outcome: &&Outcome| match outcome.operation {
        Operation::Call => "the call".to_owned(),
        operation => format!("`{}`", operation.name()),
    };
    let words: Vec<String> = outcomes.iter().map(word).collect();
    match words.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        words => words.concat(),
    }
}

/// Of a `cannot` that fails: allowed with which input.
fn allowed_label(one: &Asserted<'_>, outcome: &Outcome) -> String {
    match (&outcome.question.input, &one.assertion.input) {
        (Some(input), None) => format!("allowed with {}", write::record(input)),
        _ => "allowed".to_owned(),
    }
}

fn because(explained: &Explained) -> String {
    let nobody = explained.rule.is_none() && explained.nearest.is_empty();
    match explained.reason {
        Some("mode" | "unauthorized") if nobody => "no rule gives it to anybody".to_owned(),
        Some("mode") => "no rule for callers of this kind gives it".to_owned(),
        Some("fields") => format!("these fields may not be written: {}", explained.denied_fields.join(", ")),
        Some("unknown") if !explained.denied_fields.is_empty() => {
            format!("nobody can write {}", explained.denied_fields.join(", "))
        }
        Some("unknown") => "the policy has no such operation".to_owned(),
        Some("condition") => "a rule that gives it to this caller has a condition that is not true here".to_owned(),
        Some("deny-rule") => "a deny takes it away".to_owned(),
        Some("filter") => "allowed, but this record is not among those that the caller is given".to_owned(),
        Some("hidden") => "the record is allowed, and this field of it is not shown".to_owned(),
        _ => "no rule that gives it is true here".to_owned(),
    }
}

fn help(one: &Asserted<'_>, outcome: &Outcome, explained: &Explained) -> Option<String> {
    let without_input = one.assertion.can && outcome.question.input.is_none();
    match (outcome.verdict, explained.reason) {
        (Verdict::Undecided, _) => Some(format!(
            "name the input with `with {{ … }}`: more than {MAX_TRIED} inputs, or texts that are looked for in each other"
        )),
        (_, Some("fields")) if without_input => {
            Some("without `with { … }` every field is proposed; name those that are meant".to_owned())
        }
        (_, None) if explained.rule.is_none() => {
            Some("several rules allow it together: narrow one of them, or write a `deny`".to_owned())
        }
        (_, None) => Some("narrow this rule, or take it away with a `deny`; if it is meant, write `can`".to_owned()),
        (_, Some("mode" | "unauthorized")) if explained.nearest.is_empty() && explained.rule.is_none() => {
            Some("write a rule that gives it; if none should, write `cannot`".to_owned())
        }
        (_, Some("deny-rule")) => Some("narrow the deny; if it is meant, write `cannot`".to_owned()),
        (_, Some("hidden")) => {
            Some("name the caller in a rule of the field; if it is not meant, write `cannot`".to_owned())
        }
        (_, Some("unknown")) => None,
        (_, Some(_)) => Some("widen one of these rules, or add one; if it is not meant, write `cannot`".to_owned()),
    }
}
