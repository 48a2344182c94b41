//! Warnings about conditions and denies: those that do not limit, take away or protect what they seem to.
//! Always: a condition is judged by its three values, and what is not certain is not said.

use super::claims::is_writable;
use super::conditions::{Shape, Typed};
use super::guards::mode_in;
use super::lints::reads_input;
use super::models::same_guard;
use super::reach::{reach, reach_by_form, reach_of_null};
use super::readers::governing;
use super::rules::{DATA, Site};
use super::{Checker, either};
use crate::codes;
use crate::condition::{Condition, Source, Truth};
use crate::diagnostic::{Diagnostic, Severity};
use crate::matrix::{Role, describe, roles};
use crate::policy::{Field, Model, Place, Policy, Rule, Who};
use admit_runtime::{Mode, Operations, Provider};
use std::collections::{BTreeMap, BTreeSet};

/// A deny, wherever it holds, with the allows beside it.
struct Beside<'p> {
    site: Site,
    deny: &'p Rule,
    allows: Vec<&'p Rule>,
}

impl Checker<'_> {
    pub(super) fn doubts(&mut self, policy: &Policy) {
        for typed in self.typed.clone() {
            self.constant_condition(&typed);
            if typed.denies {
                self.reads_optional(&typed);
            }
        }
        self.writable_claims(policy);
        // Where a rule was refused, what a deny takes away is not known.
        if self.diagnostics.iter().all(|one| one.severity == Severity::Warning) {
            self.denies(policy);
        }
        self.denies_acting(policy);
        self.exclusive_whos(policy);
        for model in &policy.models {
            self.writes_condition(model);
        }
    }

    // ---- conditions

    fn constant_condition(&mut self, typed: &Typed) {
        let Some(reached) = reach(&typed.condition, &typed.shapes) else { return };
        let (is_true, is_false) = (reached.has(Truth::True), reached.has(Truth::False));
        let known = reached.has(Truth::Unknown);
        let warning = |code, message: &str| Diagnostic::new(code, typed.file, typed.span, message);
        if !is_true {
            let label = match (typed.denies, known) {
                (false, _) => "so the rule allows nothing",
                (true, false) => "so the deny takes nothing away",
                (true, true) => "so the deny counts only where what it reads is not known",
            };
            let help =
                "two of its parts contradict each other: write `||` if one of them is enough, or remove the rule";
            self.say(warning(codes::ALWAYS_FALSE, "this condition is never true").label(label).help(help));
            return;
        }
        if is_false {
            return;
        }
        // That something is known may be just what is asked.
        let by_form = reach_by_form(&typed.condition).is_none_or(|reached| reached.has(Truth::False));
        let removed = self.with_its_dot(typed.file, typed.span);
        match (typed.denies, known) {
            (false, true) if !by_form => (),
            (false, true) => {
                let warning = warning(codes::ALWAYS_TRUE, "this condition is false for no value");
                let help = "leave out a value that is not meant; to ask for a value at all, write `!= null`";
                self.say(warning.label("asks only whether what it reads is known").help(help));
            }
            (false, false) => {
                let warning = warning(codes::ALWAYS_TRUE, "this condition is always true");
                self.say(warning.label("limits nothing").help("leave it out").edit(removed, ""));
            }
            (true, _) => {
                let warning = warning(codes::ALWAYS_TRUE, "this condition is never false");
                let warning = warning.label("and a deny counts unless it is false");
                self.say(warning.help("leave it out, or say what the deny is to spare").edit(removed, ""));
            }
        }
    }

    /// A null makes a comparison unknown, and then a deny counts.
    fn reads_optional(&mut self, typed: &Typed) {
        for shape in typed.shapes.iter().filter(|shape| shape.nullable) {
            let holds = reach_of_null(&typed.condition, &typed.shapes, &shape.term);
            if holds.is_some_and(|reached| reached.has(Truth::Unknown)) {
                let name = format!("{}.{}", shape.term.source.name(), shape.term.name);
                let message = format!("this deny also holds where `{name}` is null");
                let warning = Diagnostic::new(codes::DENY_OPTIONAL, typed.file, shape.span, message);
                let warning = warning.label("may be null, and then a condition is unknown");
                self.say(
                    warning.help(format!("make the field required, or write `{name} != null && …` to spare these")),
                );
            }
        }
    }

    /// Attributes of the user pool that the app client lets its users write, each told once.
    fn writable_claims(&mut self, policy: &Policy) {
        let mut found: BTreeMap<String, (usize, admit_syntax::ast::Span)> = BTreeMap::new();
        let mut rests = |claim: &str, file: usize, span| {
            let first = found.entry(claim.to_owned()).or_insert((file, span));
            *first = (*first).min((file, span));
        };
        for typed in self.typed.iter().filter(|typed| matches!(typed.mode, Mode::UserPool | Mode::IdentityPool)) {
            for shape in typed.shapes.iter().filter(|shape| shape.term.source == Source::Claim) {
                rests(&shape.term.name, typed.file, shape.span);
            }
        }
        for path in policy.buckets.iter().flat_map(|bucket| &bucket.paths) {
            path.claims.iter().for_each(|(_, claim)| rests(claim, path.place.file as usize, path.place.span));
        }
        for (claim, (file, span)) in found {
            if !is_writable(&claim) || self.claims.read_only.contains(&claim) {
                continue;
            }
            let message = format!("users can write the claim `{claim}` themselves");
            let mut warning = Diagnostic::new(codes::WRITABLE_CLAIM, file, span, message)
                .label("a user attribute, which a Cognito app client lets them change unless it is told otherwise");
            if let Some((of, at)) = self.claims.declared.get(&claim).and_then(|claim| claim.place) {
                warning = warning.related(of, at, "declared here");
            }
            let name = super::auth::quote(&claim);
            let help = format!(
                "take it out of the app client's write attributes, and say so: `auth {{ readOnlyClaims: [{name}] }}`"
            );
            self.say(warning.help(help));
        }
    }

    // ---- denies

    fn denies(&mut self, policy: &Policy) {
        let mut idle: BTreeMap<Place, bool> = BTreeMap::new();
        let mut others: BTreeMap<Place, (Mode, Operations, Place)> = BTreeMap::new();
        for Beside { site, deny, allows } in beside(policy) {
            let mode = mode_in(site, &deny.who);
            let meets = |allow: &&&Rule| allow.operations.meets(deny.operations);
            let same = |allow: &&&Rule| mode_in(site, &allow.who) == mode && may_be_one(policy, &deny.who, &allow.who);
            let taken = allows.iter().filter(meets).filter(same);
            let taken = taken.fold(Operations::NONE, |all, rule| all.with(rule.operations.both(deny.operations)));
            *idle.entry(deny.place).or_insert(true) &= taken.is_empty();
            let other = allows.iter().filter(|allow| allow.operations.meets(taken)).find(|allow| {
                let of = mode_in(site, &allow.who);
                of != mode && of != Mode::Function && (!allow.is_guarded() || same_guard(allow, deny))
            });
            if let Some(other) = other {
                let what = other.operations.both(taken);
                others.entry(deny.place).or_insert((mode_in(site, &other.who), what, other.place));
            }
        }
        for (place, _) in idle.into_iter().filter(|(_, idle)| *idle) {
            let message = "this deny takes nothing away";
            let warning = Diagnostic::new(codes::DENIES_NOTHING, place.file as usize, place.span, message);
            let warning = warning.label("no allow gives these callers any of it");
            let removed = self.followed_by_comma(place.file as usize, place.span);
            let help = "remove it, or name the operations and the callers that are meant";
            self.say(warning.help(help).edit(removed, ""));
        }
        for (place, (mode, operations, other)) in others {
            let who = describe(&Role::Everyone(mode));
            let message = format!("{who} may do what this deny takes away");
            let warning = Diagnostic::new(codes::DENY_OTHER_MODE, place.file as usize, place.span, message);
            let warning = warning.label("holds for callers of its own mode, and they may come in another one");
            let warning = warning.related(other.file as usize, other.span, "allowed here");
            let words =
                DATA.iter().filter(|(word, of)| *word != "read" && operations.contains(*of)).map(|(word, _)| *word);
            let words = if operations.contains(Operations::READ) { either(["read"]) } else { either(words) };
            self.say(warning.help(match words.as_str() {
                "" => "limit the other rule, or name in the deny only what it really takes".to_owned(),
                words => format!("limit the other rule, or leave {words} out of the deny").replace(" or `", " and `"),
            }));
        }
    }

    /// Groups that a deny reaches because they act as the one that it names.
    fn denies_acting(&mut self, policy: &Policy) {
        for deny in policy.denies() {
            let Who::Groups { names, provider: Provider::UserPools, claim } = &deny.who else { continue };
            if *claim != policy.group_claim {
                continue;
            }
            let reached = policy.groups.iter().filter(|group| !names.contains(&group.name));
            let reached: Vec<&str> = reached
                .filter(|group| group.acts_as.iter().any(|other| names.contains(other)))
                .map(|group| group.name.as_str())
                .collect();
            if !reached.is_empty() {
                let who = either(reached.iter().copied()).replace(" or ", " and ");
                let message = format!("this deny also reaches {who}");
                let warning = Diagnostic::new(codes::DENY_REACHES, deny.place.file as usize, deny.place.span, message);
                let warning = warning.label("their members count as members of the group that it names");
                self.say(warning.help(format!("if it is meant, name {who} in the deny as well; else change `actsAs`")));
            }
        }
    }

    /// Rules that need two groups which nobody may hold together.
    fn exclusive_whos(&mut self, policy: &Policy) {
        for rule in policy.rules().chain(policy.denies()) {
            let whos: Vec<&Who> = rule.whos().collect();
            let alone = |at: usize| whos[at + 1..].iter().any(|other| !may_be_one(policy, whos[at], other));
            if (0..whos.len()).any(alone) {
                let message = "nobody can satisfy this rule";
                let warning = Diagnostic::new(codes::NOBODY, rule.place.file as usize, rule.place.span, message);
                let warning = warning.label("needs groups that exclude each other");
                self.say(warning.help("write two rules if one of the groups is enough, or change `exclusive`"));
            }
        }
    }

    // ---- what a rule rests on

    /// Whether one rule may be true where another is not: only then its callers gain by making that one true. A rule
    /// that the first one covers anyway is reported as such.
    fn gains(&self, rule: &Rule, by: &Rule) -> bool {
        let Some(condition) = &rule.condition else { return false };
        if same_guard(rule, by) || (!by.is_guarded() && by.operations.contains(rule.operations)) {
            return false;
        }
        let conditions = [Some(&**condition), by.condition.as_deref()];
        let read = |typed: &&Typed| conditions.contains(&Some(&typed.condition));
        let shapes: Vec<Shape> = self.typed.iter().filter(read).flat_map(|typed| typed.shapes.clone()).collect();
        let can_be_true = |condition: &Condition| reach(condition, &shapes).is_some_and(|reach| reach.has(Truth::True));
        let fails = Condition::Not(condition.clone());
        let only_by = Condition::All(by.condition.as_deref().cloned().into_iter().chain([fails]).collect());
        can_be_true(condition) && can_be_true(&only_by)
    }

    /// Conditions on fields that the same callers may change by another rule, whatever the condition says.
    fn writes_condition(&mut self, model: &Model) {
        let of_fields = model.fields.iter().flat_map(|field| &field.rules);
        for rule in model.rules.iter().chain(of_fields) {
            let Some(condition) = rule.condition.as_ref().filter(|_| rule.operations != Operations::CREATE) else {
                continue;
            };
            for field in model.fields.iter().filter(|field| reads_record(condition, &field.name)) {
                let Some((role, by)) = writer(model, rule, field, &|by| self.gains(rule, by)) else { continue };
                let message = format!("{} may change `{}`, on which this rule rests", describe(&role), field.name);
                let place = rule.place;
                let warning = Diagnostic::new(codes::WRITES_CONDITION, place.file as usize, place.span, message);
                let warning = warning.label("they make its condition true, and then it allows them more");
                let warning = warning.related(by.place.file as usize, by.place.span, "this rule lets them");
                let help = format!(
                    "give `{0}` rules of its own without their `update`, or say there what it may become: `input.{0} == …`",
                    field.name
                );
                self.say(warning.help(help));
                break;
            }
        }
    }
}

/// Every deny with the allows that it may take from.
fn beside(policy: &Policy) -> Vec<Beside<'_>> {
    let mut all = Vec::new();
    for model in &policy.models {
        let of_fields = || model.fields.iter().flat_map(|field| &field.rules);
        for deny in &model.denies {
            all.push(Beside { site: Site::Model, deny, allows: model.rules.iter().chain(of_fields()).collect() });
        }
        for field in &model.fields {
            let allows: Vec<&Rule> = governing(model, field).iter().collect();
            all.extend(field.denies.iter().map(|deny| Beside { site: Site::Field, deny, allows: allows.clone() }));
        }
    }
    for operation in &policy.operations {
        let allows: Vec<&Rule> = operation.rules.iter().collect();
        all.extend(operation.denies.iter().map(|deny| Beside { site: Site::Operation, deny, allows: allows.clone() }));
    }
    for bucket in &policy.buckets {
        for path in &bucket.paths {
            let near = |other: &&crate::policy::Path| {
                other.prefix.starts_with(&path.prefix) || path.prefix.starts_with(&other.prefix)
            };
            let allows: Vec<&Rule> = bucket.paths.iter().filter(near).flat_map(|path| &path.rules).collect();
            all.extend(path.denies.iter().map(|deny| Beside { site: Site::Storage, deny, allows: allows.clone() }));
        }
    }
    all
}

/// Whether one caller can be both: not two functions, nor members of groups that exclude each other.
fn may_be_one(policy: &Policy, one: &Who, other: &Who) -> bool {
    match (one, other) {
        (Who::Function(one), Who::Function(other)) => one == other,
        (Who::Groups { names, .. }, Who::Groups { names: others, .. }) => {
            let excludes = |one: &str, other: &str| {
                one != other
                    && policy
                        .exclusive
                        .iter()
                        .any(|list| [one, other].iter().all(|name| list.iter().any(|of| of == name)))
            };
            let held = |name: &String| -> BTreeSet<String> { policy.acts_as(name).map(str::to_owned).collect() };
            let exclude = |one: &String, other: &String| {
                held(one).iter().any(|one| held(other).iter().any(|other| excludes(one, other)))
            };
            !names.iter().all(|one| others.iter().all(|other| exclude(one, other)))
        }
        _ => true,
    }
}

fn reads_record(condition: &Condition, field: &str) -> bool {
    let mut reads = false;
    condition.each_term(&mut |term| reads |= term.source == Source::Record && term.name == field);
    reads
}

/// Another rule by which callers of a rule may change a field, and as whom.
fn writer<'m>(
    model: &'m Model,
    rule: &Rule,
    field: &'m Field,
    gains: &dyn Fn(&Rule) -> bool,
) -> Option<(Role, &'m Rule)> {
    if model.identifier.contains(&field.name) {
        return None;
    }
    let denied = |role: &Role| {
        let mut denies = model.denies.iter().chain(&field.denies);
        denies.any(|deny| {
            let of = roles(&deny.who);
            let reaches = of.contains(role) || of.contains(&Role::Everyone(role.mode()));
            deny.operations.meets(Operations::UPDATE) && !deny.is_guarded() && reaches
        })
    };
    for role in roles(&rule.who).into_iter().filter(|role| !denied(role)) {
        let lets = |other: &&Rule| {
            let of = roles(&other.who);
            let says = other.condition.as_ref().is_some_and(|condition| reads_input(condition, &field.name));
            let reaches = of.contains(&role) || of.contains(&Role::Everyone(role.mode()));
            reaches && other.operations.meets(Operations::UPDATE) && !says && gains(other)
        };
        if let Some(other) = governing(model, field).iter().find(|other| other.place != rule.place && lets(other)) {
            return Some((role, other));
        }
    }
    None
}
