//! The results for a program. `docs/testing.md` is the reference.

use super::{PolicyTest, Report, Run, percent};
use crate::requests;
use admit_compiler::policy::Place;
use admit_compiler::testing::coverage::{Cell, CellKind, Exercised};
use admit_compiler::testing::mutate::Change;
use admit_compiler::testing::{self, Asserted, Line, Outcome, Verdict, write};
use serde_json::{Map, Value, json};

impl Run<'_> {
    pub(super) fn json(&self) -> Value {
        let tests: Vec<Value> = self.reports.iter().flat_map(Report::json_tests).collect();
        let passed = tests.iter().filter(|test| test["passed"] == true).count();
        let mut json = json!({"passed": passed, "failed": tests.len() - passed, "tests": tests});
        if let Some(cells) = self.cells() {
            let rules: Vec<Value> = self.reports.iter().flat_map(Report::json_rules).collect();
            json["coverage"] = json!({"covered": cells.0, "cells": cells.1, "percent": percent(cells), "rules": rules});
        }
        if let Some(noticed) = self.changes() {
            let each = || self.reports.iter().filter_map(|report| report.mutation.as_ref());
            let changes: Vec<Value> = self.reports.iter().flat_map(Report::json_changes).collect();
            json["mutation"] = json!({"noticed": noticed.0, "changes": changes, "percent": percent(noticed),
                "equal": each().map(|of| of.equal).sum::<usize>(), "untried": each().map(|of| of.untried).sum::<usize>()});
        }
        json
    }
}

impl Report<'_> {
    fn json_tests(&self) -> Vec<Value> {
        let test = |(test, all): (&PolicyTest, Vec<&Asserted<'_>>)| {
            let assertions: Vec<Value> = all.iter().map(|one| self.assertion(one)).collect();
            json!({"name": test.name, "at": self.json_place(test.place), "passed": all.iter().all(|one| one.holds()),
                "assertions": assertions})
        };
        self.tests().into_iter().map(test).collect()
    }

    fn json_rules(&self) -> Vec<Value> {
        let cell = |cell: &Cell| json!({"cell": cell_words(&cell.kind), "hits": cell.hits});
        let rule = |rule: &Exercised| {
            let cells: Vec<Value> = rule.cells.iter().map(cell).collect();
            json!({"at": self.json_place(rule.place), "cells": cells, "missing": rule.missing})
        };
        self.coverage.iter().flat_map(|coverage| &coverage.rules).map(rule).collect()
    }

    fn json_changes(&self) -> Vec<Value> {
        let change = |change: &Change| json!({"at": self.json_place(change.place), "change": change.what, "noticed": change.is_noticed});
        self.mutation.iter().flat_map(|mutation| &mutation.changes).map(change).collect()
    }

    fn json_place(&self, place: Place) -> Value {
        json!({"file": self.file(place), "line": place.line})
    }

    fn assertion(&self, one: &Asserted<'_>) -> Value {
        let operations: Vec<Value> = one.outcomes.iter().map(|outcome| self.operation(one, outcome)).collect();
        json!({"at": self.json_place(one.assertion.place), "text": self.text(one), "passed": one.holds(),
            "operations": operations})
    }

    fn operation(&self, one: &Asserted<'_>, outcome: &Outcome) -> Value {
        let verdict = match outcome.verdict {
            Verdict::Holds => "holds",
            Verdict::Fails => "fails",
            Verdict::Undecided => "undecided",
        };
        let mut answer = Map::new();
        answer.insert("operation".into(), outcome.operation.name().into());
        answer.insert("verdict".into(), verdict.into());
        if outcome.verdict == Verdict::Fails {
            let explained = testing::explain(self.table, outcome, testing::field(one.assertion));
            answer.insert("decision".into(), if explained.allowed { "allow" } else { "deny" }.into());
            if let Some(reason) = explained.reason {
                answer.insert("reason".into(), reason.into());
            }
            if !explained.denied_fields.is_empty() {
                answer.insert("deniedFields".into(), json!(explained.denied_fields));
            }
            answer.insert("rules".into(), explained.rule.iter().map(line).collect());
            answer.insert("nearest".into(), explained.nearest.iter().map(line).take(requests::NEAREST).collect());
            if let (Some(input), None) = (&outcome.question.input, &one.assertion.input) {
                answer.insert("input".into(), write::record(input).into());
            }
        }
        answer.into()
    }
}

fn line(rule: &Line) -> Value {
    json!({"file": rule.file, "line": rule.line, "text": rule.text})
}

/// A cell in a few words: `allowed read EDITORS`, `others get`, `condition`.
fn cell_words(kind: &CellKind) -> String {
    match kind {
        CellKind::Allowed(operation, None) => format!("allowed {}", operation.name()),
        CellKind::Allowed(operation, Some(group)) => format!("allowed {} {group}", operation.name()),
        CellKind::Others(operation) => format!("others {}", operation.name()),
        CellKind::Denied(operation) => format!("denied {}", operation.name()),
        CellKind::Condition => "condition".to_owned(),
        CellKind::And(at) => format!("and {at}"),
    }
}
