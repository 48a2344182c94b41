//! The results for a program. `docs/testing.md` is the reference.

use super::Report;
use crate::requests;
use admit_compiler::policy::Place;
use admit_compiler::testing::coverage::CellKind;
use admit_compiler::testing::{self, Asserted, Line, Outcome, Verdict, write};
use serde_json::{Map, Value, json};

impl Report<'_> {
    pub(super) fn json(&self) -> Value {
        let tests: Vec<Value> = self
            .tests()
            .into_iter()
            .map(|(test, all)| {
                let assertions: Vec<Value> = all.iter().map(|one| self.assertion(one)).collect();
                json!({"name": test.name, "at": self.json_place(test.place),
                    "passed": all.iter().all(|one| one.holds()), "assertions": assertions})
            })
            .collect();
        let passed = tests.iter().filter(|test| test["passed"] == true).count();
        let mut report = json!({"passed": passed, "failed": tests.len() - passed, "tests": tests});
        if let Some(coverage) = &self.coverage {
            let rules: Vec<Value> = coverage
                .rules
                .iter()
                .map(|rule| {
                    let cells: Vec<Value> = rule
                        .cells
                        .iter()
                        .map(|cell| json!({"cell": cell_words(&cell.kind), "hits": cell.hits}))
                        .collect();
                    json!({"at": self.json_place(rule.place), "cells": cells, "missing": rule.missing})
                })
                .collect();
            report["coverage"] = json!({"covered": coverage.covered(), "cells": coverage.cells(), "percent": coverage.percent(), "rules": rules});
        }
        if let Some(mutation) = &self.mutation {
            let changes: Vec<Value> = mutation
                .changes
                .iter()
                .map(|change| json!({"at": self.json_place(change.place), "change": change.what, "noticed": change.is_noticed}))
                .collect();
            report["mutation"] = json!({"noticed": mutation.noticed(), "changes": changes, "equal": mutation.equal,
                "untried": mutation.untried, "percent": mutation.percent()});
        }
        report
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
pub(super) fn cell_words(kind: &CellKind) -> String {
    match kind {
        CellKind::Allowed(operation, None) => format!("allowed {}", operation.name()),
        CellKind::Allowed(operation, Some(group)) => format!("allowed {} {group}", operation.name()),
        CellKind::Others(operation) => format!("others {}", operation.name()),
        CellKind::Denied(operation) => format!("denied {}", operation.name()),
        CellKind::Condition => "condition".to_owned(),
        CellKind::And(at) => format!("and {at}"),
    }
}
