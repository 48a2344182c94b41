//! Applies the fixes of warnings that change nothing: `admit check --fix`.
//! Always: the policy means the same before and after, proved and not assumed; errors are never fixed, for a policy with
//! an error means nothing yet; comments stay, and a file in the one layout stays in it; fixing again changes nothing.

use crate::analysis::Difference;
use crate::check::{Checked, Source, check};
use crate::diagnostic::{Diagnostic, Edit};
use crate::lower::table;
use crate::policy::{Assertion, Deed, Invariant, Place, Policy, RequirementKind, Test, Who};
use admit_runtime::Operations;

/// The most policies that are checked on the way; what is left then is kept as it is, and said to be untried.
pub const BUDGET: usize = 500;

/// What an exact difference costs of it: on a large policy it takes that much longer.
const DIFFERENCE: usize = 9;

/// What came of fixing.
#[derive(Clone, PartialEq, Debug)]
pub struct Fixed {
    /// The sources as they are now.
    pub sources: Vec<Source>,
    /// What was found in them before the first change.
    pub before: Checked,
    /// What is found in them now.
    pub after: Checked,
    /// What was mended. Places are those of the text that it was mended in: each round of changes makes a new one.
    pub mended: Vec<Mended>,
    /// What of [`Fixed::after`] has a fix and was left, by its number there, and why.
    pub left: Vec<(usize, Why)>,
}

/// A diagnostic whose fix was applied.
#[derive(Clone, PartialEq, Debug)]
pub struct Mended {
    /// The diagnostic.
    pub diagnostic: Diagnostic,
    /// The line that it stood on, from 1.
    pub line: usize,
}

/// Why a fix was not applied.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Why {
    /// The policy has an error, so that there is no meaning which a change could keep.
    Errors,
    /// It is not proved that the policy would mean the same.
    Meaning,
    /// It would change a file that was not to be changed.
    Elsewhere,
    /// There was no budget left to try it.
    Untried,
}

impl Why {
    /// In words, to stand behind what is left.
    pub fn words(self) -> &'static str {
        match self {
            Why::Errors => "a policy with an error has no meaning that a fix could keep",
            Why::Meaning => "not proved to change nothing, so it is yours to judge",
            Why::Elsewhere => "it changes a file that was not named",
            Why::Untried => "not tried; run the command again",
        }
    }
}

/// Applies every fix that changes no meaning, until there is none left. `may_change` says of each source whether it may
/// be changed.
///
/// # Panics
/// Never, for any sources.
pub fn fix(sources: &[Source], may_change: &dyn Fn(usize) -> bool) -> Fixed {
    let before = check(sources);
    let mut run = Run { sources: sources.to_vec(), now: before.clone(), budget: BUDGET, mended: Vec::new() };
    let mut untried = false;
    if before.policy.is_some() {
        loop {
            match run.round(may_change) {
                Round::Changed => (),
                Round::Done => break,
                Round::Spent => {
                    untried = true;
                    break;
                }
            }
        }
    }
    run.lay_out(sources);
    let after = run.now;
    let why = |one: &Diagnostic| match one.fix.as_ref() {
        None => None,
        Some(_) if after.policy.is_none() => Some(Why::Errors),
        Some(fix) if !fix.edits.iter().all(|edit| may_change(edit.file)) => Some(Why::Elsewhere),
        Some(_) if untried => Some(Why::Untried),
        Some(_) => Some(Why::Meaning),
    };
    let left = after.diagnostics.iter().enumerate().filter_map(|(at, one)| why(one).map(|why| (at, why))).collect();
    Fixed { sources: run.sources, before, after, mended: run.mended, left }
}

enum Round {
    Changed,
    Done,
    Spent,
}

struct Run {
    sources: Vec<Source>,
    now: Checked,
    budget: usize,
    mended: Vec<Mended>,
}

impl Run {
    /// One round: of all fixes of the present text that do not overlap, those that together change nothing.
    fn round(&mut self, may_change: &dyn Fn(usize) -> bool) -> Round {
        let candidates = apart(&self.now, may_change);
        let Some(policy) = self.now.policy.clone() else { return Round::Done };
        let mut proof = Proof::of(&self.sources, &self.now, &policy);
        let mut chosen: Vec<usize> = Vec::new();
        // Halves of halves: what does no harm is found in few steps, however much there is.
        let mut batches: Vec<Vec<usize>> = vec![candidates];
        let mut best: Option<(Vec<Source>, Checked)> = None;
        let mut is_spent = false;
        while let Some(mut batch) = batches.pop() {
            if batch.is_empty() {
                continue;
            }
            if self.budget == 0 {
                is_spent = true;
                break;
            }
            self.budget -= 1;
            let together: Vec<usize> = chosen.iter().chain(&batch).copied().collect();
            match proof.keeps(&together, &mut self.budget) {
                Some(result) => {
                    chosen = together;
                    best = Some(result);
                }
                None if batch.len() == 1 => (),
                None => {
                    let second = batch.split_off(batch.len() / 2);
                    batches.extend([second, batch]);
                }
            }
        }
        match best {
            Some((sources, checked)) => {
                let line = |one: &Diagnostic| {
                    let text = &self.sources[one.label.file].text;
                    let before = text.get(..one.label.span.start as usize).unwrap_or_default();
                    before.iter().filter(|byte| **byte == b'\n').count() + 1
                };
                chosen.sort_unstable();
                let mended = chosen.iter().map(|at| &self.now.diagnostics[*at]);
                let mended: Vec<Mended> =
                    mended.map(|one| Mended { line: line(one), diagnostic: one.clone() }).collect();
                self.mended.extend(mended);
                (self.sources, self.now) = (sources, checked);
                if is_spent { Round::Spent } else { Round::Changed }
            }
            None if is_spent => Round::Spent,
            None => Round::Done,
        }
    }

    /// Files that were in the one layout are so again.
    fn lay_out(&mut self, given: &[Source]) {
        let formatted = |source: &Source| {
            let text = std::str::from_utf8(&source.text).ok()?;
            admit_syntax::format(text).ok().map(String::into_bytes)
        };
        let mut changed = false;
        for (source, before) in self.sources.iter_mut().zip(given).filter(|(now, before)| now.text != before.text) {
            if formatted(before).as_ref() == Some(&before.text)
                && let Some(text) = formatted(source)
            {
                changed |= text != source.text;
                source.text = text;
            }
        }
        if changed {
            self.now = check(&self.sources);
        }
    }
}

/// The warnings whose fixes may be applied together, by number: no two edits touch.
fn apart(checked: &Checked, may_change: &dyn Fn(usize) -> bool) -> Vec<usize> {
    let mut taken: Vec<&Edit> = Vec::new();
    let mut candidates = Vec::new();
    for (number, one) in checked.diagnostics.iter().enumerate() {
        let Some(fix) = &one.fix else { continue };
        let touches = |edit: &Edit| {
            let near = |other: &&Edit| {
                other.file == edit.file && other.span.start <= edit.span.end && edit.span.start <= other.span.end
            };
            // Problems come by place, so that the last edits are the near ones.
            taken.iter().rev().take(64).any(near) || !may_change(edit.file)
        };
        if !fix.edits.iter().any(touches) {
            taken.extend(&fix.edits);
            candidates.push(number);
        }
    }
    candidates
}

/// What must stay as it is.
struct Proof<'r> {
    sources: &'r [Source],
    checked: &'r Checked,
    policy: &'r Policy,
    table: Option<Vec<u8>>,
    beside: Beside,
    accepted: Vec<String>,
    /// How many problems that have a fix were left by what was found to keep everything.
    problems: usize,
}

impl<'r> Proof<'r> {
    fn of(sources: &'r [Source], checked: &'r Checked, policy: &'r Policy) -> Proof<'r> {
        let (table, beside) = (table(policy, true).ok(), Beside::of(policy));
        let (accepted, problems) = (accepted(sources, checked), fixable(checked));
        Proof { sources, checked, policy, table, beside, accepted, problems }
    }

    /// The sources with the fixes of these diagnostics, if nothing changes by them but that there is less to mend.
    fn keeps(&mut self, chosen: &[usize], budget: &mut usize) -> Option<(Vec<Source>, Checked)> {
        let fixes = chosen.iter().filter_map(|at| self.checked.diagnostics[*at].fix.as_ref());
        let sources = edited(self.sources, fixes.flat_map(|fix| &fix.edits).collect())?;
        let after = check(&sources);
        let policy = after.policy.as_ref()?;
        // Equal decision sections are equal decisions. What the table does not hold is compared by itself.
        let beside = Beside::of(policy) == self.beside;
        let equal = || self.table.is_some() && table(policy, true).ok() == self.table;
        let same = beside
            && (equal() || {
                *budget = budget.saturating_sub(DIFFERENCE);
                nothing_differs(self.policy, policy)
            });
        // An acceptance must not come to stand above something else.
        let fine = same && fixable(&after) < self.problems && accepted(&sources, &after) == self.accepted;
        if fine {
            self.problems = fixable(&after);
        }
        fine.then_some((sources, after))
    }
}

/// How many problems have a fix. What has none may come to light by one: that groups are alike, once a rule that meant
/// nothing no longer names one of them.
fn fixable(checked: &Checked) -> usize {
    checked.diagnostics.iter().filter(|one| one.fix.is_some()).count()
}

/// Whether the exact difference of two policies is empty, in all that it speaks of and in what it does not: the owners that
/// a `create` records, and reads that are disabled and still open relations.
fn nothing_differs(old: &Policy, new: &Policy) -> bool {
    let records = |policy: &Policy| {
        let mut all: Vec<String> = Vec::new();
        for model in &policy.models {
            let rules = model.rules.iter().chain(model.fields.iter().flat_map(|field| &field.rules));
            for rule in rules.filter(|rule| rule.operations.meets(Operations::CREATE)) {
                if rule.whos().any(|who| matches!(who, Who::Owner { .. })) {
                    all.push(format!("{} {:?} {:?} {:?}", model.name, rule.who, rule.and, rule.condition));
                }
            }
        }
        all.sort();
        all
    };
    let relations = |policy: &Policy| policy.models.iter().all(|model| !model.disabled.meets(Operations::READ));
    relations(old) && records(old) == records(new) && Difference::of(old, new).is_empty()
}

/// What is accepted, each with its reason and the text that it is about.
fn accepted(sources: &[Source], checked: &Checked) -> Vec<String> {
    let about = |one: &crate::diagnostic::Accepted| {
        let label = &one.diagnostic.label;
        let text = sources[label.file].text.get(label.span.range()).unwrap_or_default();
        format!("{} {} {} {}", one.diagnostic.code, one.diagnostic.message, one.reason, String::from_utf8_lossy(text))
    };
    let mut all: Vec<String> = checked.accepted.iter().map(about).collect();
    all.sort();
    all
}

/// What a policy says that its decision sections do not hold.
#[derive(PartialEq)]
struct Beside {
    groups: Vec<(String, Vec<String>)>,
    exclusive: Vec<Vec<String>>,
    claims: Vec<String>,
    functions: Vec<String>,
    auth: Vec<(String, Vec<String>)>,
    tests: Vec<Test>,
    invariants: Vec<Invariant>,
}

impl Beside {
    fn of(policy: &Policy) -> Beside {
        let sorted = |mut list: Vec<String>| {
            list.sort();
            list.dedup();
            list
        };
        let mut auth: Vec<(String, Vec<String>)> =
            policy.auth_functions.iter().map(|of| (of.function.clone(), sorted(of.actions.clone()))).collect();
        auth.sort();
        Beside {
            groups: policy.groups.iter().map(|group| (group.name.clone(), group.acts_as.clone())).collect(),
            exclusive: policy.exclusive.iter().map(|list| sorted(list.clone())).collect(),
            claims: sorted(policy.claims.iter().map(|claim| format!("{claim:?}")).collect()),
            functions: sorted(policy.functions.clone()),
            auth,
            tests: policy.tests.iter().map(test).collect(),
            invariants: policy.invariants.iter().map(invariant).collect(),
        }
    }
}

/// A test without places; what it asserts twice, once.
fn test(of: &Test) -> Test {
    let mut assertions: Vec<Assertion> = Vec::new();
    for one in &of.assertions {
        let one = Assertion { place: Place::default(), ..one.clone() };
        if !assertions.contains(&one) {
            assertions.push(one);
        }
    }
    Test { name: of.name.clone(), assertions, place: Place::default() }
}

/// An invariant without places.
fn invariant(of: &Invariant) -> Invariant {
    let mut of = Invariant { place: Place::default(), ..of.clone() };
    let forget = |deed: &mut Deed| deed.place = Place::default();
    for requirement in &mut of.requirements {
        requirement.place = Place::default();
        match &mut requirement.kind {
            RequirementKind::Only(whos, deed) => {
                whos.iter_mut().for_each(|whom| whom.place = Place::default());
                forget(deed);
            }
            RequirementKind::No(whom, deed) => {
                whom.place = Place::default();
                forget(deed);
            }
            RequirementKind::Whoever(one, two) | RequirementKind::NoOne(one, two) => {
                [one, two].into_iter().for_each(forget)
            }
        }
    }
    of
}

/// The sources after edits that do not overlap; none if they do. A line that an edit leaves empty goes with it.
fn edited(sources: &[Source], mut edits: Vec<&Edit>) -> Option<Vec<Source>> {
    edits.sort_by_key(|edit| (edit.file, edit.span));
    let overlap = |pair: &[&Edit]| pair[0].file == pair[1].file && pair[1].span.start < pair[0].span.end;
    if edits.windows(2).any(overlap) {
        return None;
    }
    let mut sources = sources.to_vec();
    for edit in edits.iter().rev() {
        let text = &mut sources.get_mut(edit.file)?.text;
        let range = edit.span.range();
        text.get(range.clone())?;
        let range = if edit.replacement.is_empty() { with_line(text, range) } else { range };
        text.splice(range, edit.replacement.bytes());
    }
    Some(sources)
}

/// Bytes to remove, with the rest of their line if nothing else is on it, or the blanks before the line's end.
fn with_line(text: &[u8], range: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r');
    let blanks_before = text[..range.start].iter().rev().take_while(|byte| is_blank(byte)).count();
    let blanks_after = text[range.end..].iter().take_while(|byte| is_blank(byte)).count();
    let (start, end) = (range.start - blanks_before, range.end + blanks_after);
    let begins = start == 0 || text[start - 1] == b'\n';
    let ends = end == text.len() || text[end] == b'\n';
    match (begins, ends) {
        (true, true) => start..(end + 1).min(text.len()),
        (false, true) => start..end,
        _ => range,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(text: &str) -> String {
        let sources = [Source { name: "a.policy".into(), text: text.into() }];
        let fixed = fix(&sources, &|_| true);
        String::from_utf8(fixed.sources[0].text.clone()).unwrap()
    }

    #[test]
    fn a_rule_that_adds_nothing_goes_with_its_line() {
        let text = "auth { groups: [\"A\"] }\nmodel Post {\n  allow.group(\"A\")\n  // a comment\n  allow.group(\"A\").to([\"read\"])\n}\n";
        assert_eq!(fixed(text), text.replace("  allow.group(\"A\").to([\"read\"])\n", ""));
    }

    #[test]
    fn of_two_rules_that_cover_each_other_one_stays() {
        let text =
            "auth { groups: [\"A\"] }\nmodel Post { allow.group(\"A\") allow.group(\"A\") allow.group(\"A\") }\n";
        assert_eq!(fixed(text).matches("allow").count(), 1);
    }

    #[test]
    fn a_misspelt_name_is_not_guessed() {
        let text =
            "auth { groups: [\"A\"] }\nmodel Post { allow.group(\"A\") allow.group(\"A\") allow.gruop(\"A\") }\n";
        assert_eq!(fixed(text), text);
    }

    #[test]
    fn a_rule_that_an_acceptance_is_about_stays() {
        let text = "model Post {\n  allow.publicApiKey()\n  // admit: allow W0705 because it is meant\n  allow.publicApiKey().to([\"create\"])\n  allow.guest()\n}\nauth {}\n";
        assert_eq!(fixed(text), text);
    }
}
