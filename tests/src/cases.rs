//! The runner of case files: every case of a folder, and how many passed, failed or differ on purpose.
//! Always: no case is skipped in silence; a difference counts as named only where the case carries its label, and
//! then Admit's own answer is checked too.

use crate::aws::{self, Written};
use crate::compare::{Bench, Mismatch};
use crate::rows::LEFT_OUT;
use crate::translate::{Mend, translate};
use admit_compiler::diagnostic::{Diagnostic, Severity};
use admit_compiler::{Source, check, table};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

/// What became of the cases of a folder.
#[derive(Default)]
pub struct Report {
    families: BTreeMap<String, Tally>,
    differences: BTreeMap<String, usize>,
    failures: Vec<String>,
    /// Requests that the written IAM decided as the table and the real stack do.
    by_iam: usize,
}

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    different: usize,
}

impl Report {
    /// Whether nothing failed, and something ran.
    pub fn passed(&self) -> bool {
        self.failures.is_empty() && self.families.values().any(|tally| tally.passed > 0)
    }

    /// The failures, each with its policy, request, expected and actual answer.
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// How many requests the written IAM decided as well.
    pub fn by_iam(&self) -> usize {
        self.by_iam
    }

    /// How often each named difference applied.
    pub fn differences(&self) -> &BTreeMap<String, usize> {
        &self.differences
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failures {
            writeln!(f, "{failure}\n")?;
        }
        writeln!(f, "{:<14}{:>8}{:>8}{:>18}", "family", "passed", "failed", "named difference")?;
        for (family, tally) in &self.families {
            writeln!(f, "{family:<14}{:>8}{:>8}{:>18}", tally.passed, tally.failed, tally.different)?;
        }
        writeln!(f, "\nnamed differences (docs/amplify.md)")?;
        for (name, count) in &self.differences {
            writeln!(f, "{count:>6}  {name}")?;
        }
        writeln!(f, "\n{} decisions of the written IAM, too", self.by_iam)?;
        let sum = |of: fn(&Tally) -> usize| self.families.values().map(of).sum::<usize>();
        writeln!(f, "\n{} passed, {} failed", sum(|tally| tally.passed + tally.different), sum(|tally| tally.failed))
    }
}

/// Where the policy of a case comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// From its neutral definition, by [`translate`].
    Translated,
    /// From its TypeScript, by `admit import`.
    Imported,
}

/// Runs every `*.json` of a folder, with policies from the neutral definitions.
///
/// # Errors
/// As [`run_by`].
pub fn run(folder: &Path) -> Result<Report, Box<dyn std::error::Error>> {
    run_by(folder, Way::Translated)
}

/// Runs every `*.json` of a folder.
///
/// # Errors
/// If the folder or a file cannot be read, is no JSON, or holds no case.
pub fn run_by(folder: &Path, way: Way) -> Result<Report, Box<dyn std::error::Error>> {
    let mut files: Vec<_> =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|file| file.extension().is_some_and(|end| end == "json"));
    files.sort();
    let mut report = Report::default();
    for file in &files {
        let name = file.display();
        let cases: Value =
            serde_json::from_str(&std::fs::read_to_string(file)?).map_err(|error| format!("{name}: {error}"))?;
        for case in cases.as_array().ok_or_else(|| format!("{name}: not a list of cases"))? {
            run_case(case, way, &mut report);
        }
    }
    match report.families.is_empty() {
        true => Err("there is no case in this folder".into()),
        false => Ok(report),
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn run_case(case: &Value, way: Way, report: &mut Report) {
    match text(case, "family") {
        "definitions" => run_definition(case, way, report),
        "auth" => run_auth(case, way, report),
        _ => run_requests(case, way, report),
    }
}

/// The TypeScript of a case as a policy.
pub fn imported(case: &Value) -> admit_amplify::import::Imported {
    let files = case["typescript"].as_object();
    let paths: Vec<String> = files.into_iter().flatten().map(|(path, _)| path.clone()).collect();
    admit_amplify::import::import(&paths, &|path| Some(case["typescript"][path].as_str()?.into()))
}

/// The text of a policy of several files.
fn joined(imported: &admit_amplify::import::Imported) -> String {
    imported.files.iter().map(|file| file.text.as_str()).collect::<Vec<_>>().join("\n")
}

/// The codes of the errors in a policy text; none if it is accepted.
fn errors(source: &str) -> BTreeSet<&'static str> {
    let checked = check(&[Source { name: "case.policy".into(), text: source.into() }]);
    error_codes(&checked.diagnostics)
}

fn error_codes(diagnostics: &[Diagnostic]) -> BTreeSet<&'static str> {
    diagnostics.iter().filter(|one| one.severity == Severity::Error).map(|one| one.code).collect()
}

fn explain(source: &str) -> String {
    let checked = check(&[Source { name: "case.policy".into(), text: source.into() }]);
    let lines = checked.diagnostics.iter().map(|one| format!("  {} {}", one.code, one.message));
    lines.collect::<Vec<_>>().join("\n")
}

// ---- definitions

fn run_definition(case: &Value, way: Way, report: &mut Report) {
    let (source, errors) = match way {
        Way::Translated => {
            let source = translate(&case["policy"], &BTreeSet::new());
            let errors = errors(&source);
            (source, errors)
        }
        Way::Imported => {
            let imported = imported(case);
            (joined(&imported), error_codes(&imported.diagnostics))
        }
    };
    let accepted = case["expect"]["accepted"] == true;
    let code = text(&case["expect"]["error"], "code");
    let stricter = errors.iter().map(|code| stricter(code)).collect::<Option<BTreeSet<_>>>();
    let laxer = crate::rows::LAXER.iter().find(|(name, _)| *name == code).map(|(_, row)| *row);
    let tally = report.families.entry("definitions".into()).or_default();
    let different = match (accepted, errors.is_empty(), stricter, laxer) {
        (true, true, ..) | (false, false, ..) => {
            let written = if accepted { written(case, &source) } else { Ok(()) };
            match written {
                Ok(()) => tally.passed += 1,
                Err(fault) => {
                    tally.failed += 1;
                    report.failures.push(format!("FAILED {}: {fault}\n{source}", text(case, "id")));
                }
            }
            return;
        }
        (true, false, Some(rows), _) => rows.into_iter().next(),
        (false, true, _, row) => row,
        _ => None,
    };
    match different {
        Some(row) => {
            tally.different += 1;
            *report.differences.entry(row.into()).or_default() += 1;
        }
        None => {
            tally.failed += 1;
            let said = if accepted { "accepted".into() } else { format!("rejected: {code}") };
            let (id, title) = (text(case, "id"), text(case, "title"));
            report
                .failures
                .push(format!("FAILED {id} ({title})\n{source}Amplify: {said}\nAdmit:\n{}", explain(&source)));
        }
    }
}

/// Whether the IAM that is written for a case has what the real stack has.
fn written(case: &Value, source: &str) -> Result<(), String> {
    let is_auth = text(&case["policy"], "kind") == "auth";
    if case.get("roles").is_none() && !is_auth {
        return Ok(());
    }
    let written = Written::of(source)?;
    written.same_statements(text(&case["policy"]["storage"], "name"), &case["roles"])?;
    if is_auth { written.same_auth(case) } else { Ok(()) }
}

/// The row of `docs/amplify.md` by which Admit rejects with this code what Amplify takes.
fn stricter(code: &str) -> Option<&'static str> {
    crate::rows::STRICTER.iter().chain(LEFT_OUT).find(|(known, _)| *known == code).map(|(_, row)| *row)
}

// ---- auth

/// Which role a session has, and what functions may do with the user pool: what AWS is told is all that decides.
fn run_auth(case: &Value, way: Way, report: &mut Report) {
    let source = match way {
        Way::Translated => translate(&case["policy"], &BTreeSet::new()),
        Way::Imported => joined(&imported(case)),
    };
    let tally = report.families.entry("auth".into()).or_default();
    let requests = case["requests"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of_case = written(case, &source).and_then(|()| Written::of(&source));
    let written = match of_case {
        Ok(written) => written,
        Err(fault) => {
            tally.failed += requests.len();
            return report.failures.push(format!("FAILED {}: {fault}\n{source}", text(case, "id")));
        }
    };
    for request in requests {
        let (identity, expect) = (&request["identity"], &request["expect"]);
        let said = match text(request, "what") {
            "role" => Ok((text(expect, "role").to_owned(), written.role(identity))),
            "userPoolAction" => written
                .user_pool(text(identity, "function"), text(request, "action"))
                .map(|effect| (text(expect, "decision").to_owned(), aws::decision(effect).to_owned())),
            other => Err(format!("unknown request `{other}`")),
        };
        match said {
            Ok((expected, actual)) if expected == actual => {
                tally.passed += 1;
                report.by_iam += 1;
            }
            said => {
                tally.failed += 1;
                report.failures.push(format!("FAILED {}: {said:?}\n{source}{request}", text(request, "id")));
            }
        }
    }
}

// ---- requests

/// What a label means for an answer, and whether Admit's own answer is then the opposite of a rejected policy.
fn run_requests(case: &Value, way: Way, report: &mut Report) {
    let family = text(case, "family").to_owned();
    let family = if family == "surprises" { format!("surprises/{}", text(&case["policy"], "kind")) } else { family };
    let (source, mends) = match way {
        Way::Translated => accepted_source(case, report),
        Way::Imported => imported_source(case, report),
    };
    let checked = check(&[Source { name: "case.policy".into(), text: source.clone().into() }]);
    let requests = case["requests"].as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(policy) = checked.policy else {
        let tally = report.families.entry(family).or_default();
        tally.failed += requests.len();
        report.failures.push(format!("FAILED {} is rejected\n{source}{}", text(case, "id"), explain(&source)));
        return;
    };
    let bytes = table(&policy, false).unwrap_or_default(); // an empty table does not load, which is reported
    let loaded = match admit_runtime::Policy::from_bytes(&bytes) {
        Ok(loaded) => loaded,
        Err(error) => {
            report.families.entry(family).or_default().failed += requests.len();
            report.failures.push(format!("FAILED {}: the table does not load: {error}", text(case, "id")));
            return;
        }
    };
    let bench = Bench { case, policy: &loaded };
    let iam = match text(&case["policy"], "kind") {
        "storage" => Some(Written::of(&source)),
        _ => None,
    };
    // Where the policy had to be mended, the statements are not those of the real stack; the decisions are compared.
    if let (true, Some(Err(fault))) = (iam.is_some(), mends.is_empty().then(|| written(case, &source))) {
        report.families.entry(family.clone()).or_default().failed += 1;
        report.failures.push(format!("FAILED {}: {fault}\n{source}", text(case, "id")));
    }
    for request in requests {
        let result = bench.check(request);
        if let Some(iam) = &iam {
            let expected = match &result {
                Ok(()) => text(&request["expect"], "decision"),
                Err(mismatch) => &mismatch.actual,
            };
            if let Err(fault) = as_iam(iam, case, request, expected, mends.is_empty()) {
                report.families.entry(family.clone()).or_default().failed += 1;
                report.failures.push(format!("FAILED {} by IAM: {fault}\n{source}{request}", text(request, "id")));
            } else {
                report.by_iam += 1;
            }
        }
        let tally = report.families.entry(family.clone()).or_default();
        match result {
            Ok(()) => tally.passed += 1,
            Err(mismatch) => match named(&bench, request, &mends, &mismatch) {
                Some(label) => {
                    tally.different += 1;
                    *report.differences.entry(label).or_default() += 1;
                }
                None => {
                    tally.failed += 1;
                    report.failures.push(failure(&source, request, &mismatch));
                }
            },
        }
    }
}

/// Whether the written IAM decides a request of storage as the table does, in the role that the real stack gave it and
/// by the same effect.
fn as_iam(
    iam: &Result<Written, String>,
    case: &Value,
    request: &Value,
    expected: &str,
    as_written: bool,
) -> Result<(), String> {
    let iam = iam.as_ref().map_err(Clone::clone)?;
    let (identity, expect) = (&request["identity"], &request["expect"]);
    let bucket = text(&case["policy"]["storage"], "name");
    let effect = iam.storage(bucket, identity, text(request, "action"), text(request, "path"))?;
    let role = iam.role(identity);
    let same_role = !as_written || role == text(expect, "role");
    let same_effect = !as_written || format!("{effect:?}") == text(expect, "effect");
    match expected == aws::decision(effect) && same_role && same_effect {
        true => Ok(()),
        false => Err(format!("expected {expected} {expect}, written: {effect:?} in {role}")),
    }
}

/// The policy as written if Admit takes it; otherwise with the mends that it needs, each a named difference.
fn accepted_source(case: &Value, report: &mut Report) -> (String, BTreeSet<Mend>) {
    let mut mends = BTreeSet::new();
    let mut source = translate(&case["policy"], &mends);
    for mend in Mend::ALL {
        let before = errors(&source);
        if before.is_empty() {
            break;
        }
        let more: BTreeSet<Mend> = mends.iter().copied().chain([mend]).collect();
        let mended = translate(&case["policy"], &more);
        // A mend counts only if it takes an error away, by a row that makes Admit stricter.
        let gone: Vec<&str> = before.difference(&errors(&mended)).copied().collect();
        if let Some(row) = gone.iter().find_map(|code| stricter(code)) {
            *report.differences.entry(format!("rejected as written: {row}")).or_default() += 1;
            (mends, source) = (more, mended);
        }
    }
    (source, mends)
}

/// The policy as imported. What importing leaves out is counted, and marked as the mend that does the same.
fn imported_source(case: &Value, report: &mut Report) -> (String, BTreeSet<Mend>) {
    let imported = imported(case);
    let mut mends = BTreeSet::new();
    for code in error_codes(&imported.diagnostics) {
        if LEFT_OUT.iter().any(|(known, _)| *known == code) {
            mends.insert(Mend::NoReservedGroups);
            *report.differences.entry(format!("left out and reported: {code}")).or_default() += 1;
        }
    }
    (joined(&imported), mends)
}

/// The row that explains why this request differs, if one of its labels does.
fn named(bench: &Bench<'_>, request: &Value, mends: &BTreeSet<Mend>, mismatch: &Mismatch) -> Option<String> {
    let mut holes = request["holes"].as_array().into_iter().flatten().filter_map(Value::as_str);
    holes.find_map(|hole| crate::rows::explains(hole, bench, mends, request, mismatch)).map(str::to_owned)
}

fn failure(source: &str, request: &Value, mismatch: &Mismatch) -> String {
    let Mismatch { what, expected, actual, exchange } = mismatch;
    format!(
        "FAILED {}: {what}\n{source}request  {request}\nexchange {exchange}\nexpected {expected}\nactual   {actual}",
        text(request, "id")
    )
}
