//! Rules with guards (`.and`, `.when`), denies and claims in paths, as rows: what cannot be folded into cells.
//! Always: equal rules in any order give equal rows: whos, guards and grants are sorted before they get numbers.

use super::{Lowering, Openings, intern};
use crate::condition::{Condition, Kind, Literal, Operand, Relation, Source, Term, Test};
use crate::matrix::{Dynamic, DynamicKind, Matrix, Role, roles};
use crate::policy::{Bucket, CustomOperation, Field, Model, Path, Policy, Rule, Who};
use admit_runtime::format::{self, FALSE, FUNCTIONS, NONE, SPECIAL, TRUE, clause, form, operand, subject};
use admit_runtime::{Mode, Operations, Provider};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A who before it has a number. Those that a record names come first, in the order in which owners are recorded.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Subject {
    Named(Dynamic),
    Everyone(Mode),
    /// Classes of one source: its provider and claim.
    Classes(u32, String, BTreeSet<u16>),
    Entity,
}

/// What must be true beside a who.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
struct Guard {
    whos: BTreeSet<Subject>,
    /// True if there is none.
    condition: Option<Normal>,
}

impl Guard {
    fn is_never_true(&self) -> bool {
        self.condition == Some(Normal::Any(BTreeSet::new()))
    }
}

/// A condition with its negations on the tests, and without order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Normal {
    Test(Test, bool),
    All(BTreeSet<Normal>),
    Any(BTreeSet<Normal>),
}

impl Normal {
    fn of(condition: &Condition, negated: bool) -> Normal {
        let parts = |parts: &[Condition]| parts.iter().map(|part| Normal::of(part, negated)).collect::<Vec<_>>();
        match (condition, negated) {
            (Condition::Test(test), _) => Normal::Test(test.clone(), negated),
            (Condition::Not(of), _) => Normal::of(of, !negated),
            (Condition::All(of), false) | (Condition::Any(of), true) => Normal::all(parts(of)),
            (Condition::Any(of), false) | (Condition::All(of), true) => Normal::any(parts(of)),
        }
    }

    fn all(parts: Vec<Normal>) -> Normal {
        let mut all = BTreeSet::new();
        for part in parts {
            match part {
                Normal::All(inner) => all.extend(inner),
                Normal::Any(none) if none.is_empty() => return Normal::Any(none),
                part => {
                    all.insert(part);
                }
            }
        }
        if all.len() == 1 { all.pop_first().expect("one") } else { Normal::All(all) }
    }

    fn any(parts: Vec<Normal>) -> Normal {
        let mut any = BTreeSet::new();
        for part in parts {
            match part {
                Normal::Any(inner) => any.extend(inner),
                Normal::All(none) if none.is_empty() => return Normal::All(none),
                part => {
                    any.insert(part);
                }
            }
        }
        if any.len() == 1 { any.pop_first().expect("one") } else { Normal::Any(any) }
    }

    fn steps(&self) -> usize {
        match self {
            Normal::Test(..) => 1,
            Normal::All(parts) | Normal::Any(parts) => parts.iter().map(Normal::steps).sum(),
        }
    }
}

/// The key of a grant: grants come before denies, by role.
type GrantKey = (bool, Option<Subject>, Option<Guard>);
/// The grants and denies of one class of fields, or of one path.
type Grants = BTreeMap<GrantKey, Operations>;

/// What special rows have been numbered.
#[derive(Default)]
pub(super) struct Numbers {
    whos: HashMap<Subject, u32>,
    terms: HashMap<Term, u32>,
    numbers: HashMap<u64, u32>,
    tests: HashMap<format::Test, u32>,
    programs: HashMap<Vec<format::Step>, u32>,
    guards: HashMap<Guard, u32>,
    runs: HashMap<Vec<format::Grant>, u32>,
}

/// Whether a model has rules with guards, or denies.
pub(super) fn is_special(model: &Model) -> bool {
    let fields = || model.fields.iter();
    let mut rules = model.rules.iter().chain(fields().flat_map(|field| &field.rules));
    !model.denies.is_empty() || fields().any(|field| !field.denies.is_empty()) || rules.any(Rule::is_guarded)
}

pub(super) fn is_special_operation(custom: &CustomOperation) -> bool {
    !custom.denies.is_empty() || custom.rules.iter().any(Rule::is_guarded)
}

pub(super) fn is_special_bucket(bucket: &Bucket) -> bool {
    bucket
        .paths
        .iter()
        .any(|path| !path.denies.is_empty() || !path.claims.is_empty() || path.rules.iter().any(Rule::is_guarded))
}

/// The names and texts that guards read.
pub(super) fn guard_names(rule: &Rule) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    if let Some(condition) = &rule.condition {
        condition.each_term(&mut |term| names.push(&term.name));
        condition.each_literal(&mut |literal| {
            if let Literal::Text(text) = literal {
                names.push(text);
            }
        });
    }
    names
}

impl<'p> Lowering<'p> {
    /// Numbers every who of special resources, in order.
    pub(super) fn number_whos(&mut self) {
        let policy: &'p Policy = self.policy;
        let models = policy.models.iter().filter(|model| is_special(model));
        let of_models = models.flat_map(|model| {
            let fields = model.fields.iter().flat_map(|field| field.rules.iter().chain(&field.denies));
            fields.chain(&model.rules).chain(&model.denies)
        });
        let customs = policy.operations.iter().filter(|custom| is_special_operation(custom));
        let of_customs = customs.flat_map(|custom| custom.rules.iter().chain(&custom.denies));
        let mut all: BTreeSet<Subject> = BTreeSet::new();
        for rule in of_models.chain(of_customs) {
            all.extend(roles(&rule.who).iter().map(|role| self.role(role)));
            all.extend(rule.whos().filter_map(|who| self.subject(who)));
        }
        for bucket in policy.buckets.iter().filter(|bucket| is_special_bucket(bucket)) {
            for rule in bucket.paths.iter().flat_map(|path| path.rules.iter().chain(&path.denies)) {
                all.extend(self.storage_role(&rule.who));
                all.extend(rule.whos().filter_map(|who| self.storage_subject(who)));
            }
        }
        for subject in all {
            let row = self.who_row(&subject);
            let number = self.rows.whos.len() as u32;
            self.rows.whos.push(row);
            self.special.whos.insert(subject, number);
        }
    }

    fn role(&self, role: &Role) -> Subject {
        match role {
            Role::Everyone(mode) => Subject::Everyone(*mode),
            Role::Dynamic(dynamic) => Subject::Named(dynamic.clone()),
            Role::Group { provider, claim, name } => {
                Subject::Classes(*provider as u32, claim.clone(), [self.group_class(*provider, claim, name)].into())
            }
        }
    }

    /// A who of a guard. Groups are one who together.
    fn subject(&self, who: &Who) -> Option<Subject> {
        Some(match who {
            Who::Groups { names, provider, claim } => {
                let classes = names.iter().map(|name| self.group_class(*provider, claim, name)).collect();
                Subject::Classes(*provider as u32, claim.clone(), classes)
            }
            Who::Entity => Subject::Entity,
            Who::Function(name) => Subject::Classes(FUNCTIONS, String::new(), [self.function_class(name)].into()),
            who => return roles(who).first().map(|role| self.role(role)),
        })
    }

    fn storage_subject(&self, who: &Who) -> Option<Subject> {
        match who {
            Who::Authenticated(_) => Some(Subject::Everyone(Mode::IdentityPool)),
            who => self.subject(who),
        }
    }

    /// The roles that a rule grants to in storage. Groups that act as one that it names have its rules too.
    fn storage_role(&self, who: &Who) -> Option<Subject> {
        match who {
            Who::Groups { names, .. } => {
                let (provider, claim) = (Provider::UserPools, &self.policy.group_claim);
                let groups = self.policy.counting_as(names);
                let classes = groups.map(|name| self.group_class(provider, claim, name)).collect();
                Some(Subject::Classes(provider as u32, claim.clone(), classes))
            }
            who => self.storage_subject(who),
        }
    }

    fn who_row(&mut self, subject: &Subject) -> format::Who {
        let bare = format::Who { field: NONE, first: NONE, ..format::Who::default() };
        match subject {
            Subject::Everyone(mode) => format::Who { kind: subject::EVERYONE, mode: *mode as u8, ..bare },
            Subject::Entity => format::Who { kind: subject::ENTITY, mode: Mode::IdentityPool as u8, ..bare },
            Subject::Classes(provider, claim, classes) => {
                let claim_number = if *provider == FUNCTIONS { NONE } else { self.text(claim) };
                let is = |source: &format::Source| (source.provider, source.claim) == (*provider, claim_number);
                let source = self.rows.sources.iter().position(is).expect("every class has a source") as u32;
                let first = self.rows.who_classes.len() as u32;
                self.rows.who_classes.extend(classes.iter().map(|class| u32::from(*class)));
                let mode = [Mode::UserPool, Mode::Oidc, Mode::Function][(*provider as usize).min(2)];
                let class_count = classes.len() as u32;
                format::Who { kind: subject::CLASSES, mode: mode as u8, field: source, first, class_count, ..bare }
            }
            Subject::Named(dynamic) => {
                let (first, count) = self.parts_of(dynamic);
                let kind = match (dynamic.kind, dynamic.list) {
                    (DynamicKind::Owner, false) => clause::OWNER,
                    (DynamicKind::Owner, true) => clause::OWNERS,
                    (DynamicKind::Group, false) => clause::GROUP,
                    (DynamicKind::Group, true) => clause::GROUPS,
                };
                let mode = dynamic.provider.mode() as u8;
                let field = self.text(&dynamic.field);
                format::Who { kind, mode, part_count: count as u8, field, first, ..bare }
            }
        }
    }

    // ---- guards

    /// What must be true beside a rule's who; with it, if `whole`.
    fn guard(&self, rule: &Rule, whole: bool, storage: bool) -> Guard {
        let subject = |who: &Who| if storage { self.storage_subject(who) } else { self.subject(who) };
        let first = if whole { subject(&rule.who) } else { None };
        let condition = rule.condition.as_ref().map(|condition| Normal::of(condition, false));
        let is_true = |normal: &Normal| *normal == Normal::All(BTreeSet::new());
        Guard {
            whos: first.into_iter().chain(rule.and.iter().filter_map(subject)).collect(),
            condition: condition.filter(|condition| !is_true(condition)),
        }
    }

    fn guard_number(&mut self, guard: &Guard) -> u32 {
        if *guard == Guard::default() {
            return NONE;
        }
        if let Some(number) = self.special.guards.get(guard) {
            return *number;
        }
        let whos = self.rows.guard_whos.len() as u32;
        let numbers: Vec<u32> = guard.whos.iter().map(|who| self.special.whos[who]).collect();
        self.rows.guard_whos.extend(numbers);
        let who_count = guard.whos.len() as u32;
        let program = guard.condition.as_ref().map_or(NONE, |condition| self.program(condition));
        let number = self.rows.guards.len() as u32;
        self.rows.guards.push(format::Guard { whos, who_count, program });
        self.special.guards.insert(guard.clone(), number);
        number
    }

    fn program(&mut self, condition: &Normal) -> u32 {
        let mut steps = Vec::new();
        self.emit(condition, 0, TRUE, FALSE, &mut steps);
        self.rows.longest_condition = self.rows.longest_condition.max(steps.len());
        intern(steps, &mut self.special.programs, &mut self.rows.code, &mut self.rows.programs)
    }

    fn emit(&mut self, condition: &Normal, at: usize, yes: u16, no: u16, out: &mut Vec<format::Step>) {
        match condition {
            Normal::Test(test, negated) => {
                let test = self.test(test, *negated);
                out.push(format::Step { test, yes, no });
            }
            Normal::All(parts) | Normal::Any(parts) => {
                let all = matches!(condition, Normal::All(_));
                let mut start = at;
                for (number, part) in parts.iter().enumerate() {
                    let next = start + part.steps();
                    let behind = (number + 1 < parts.len()).then_some(next as u16);
                    match all {
                        true => self.emit(part, start, behind.unwrap_or(yes), no, out),
                        false => self.emit(part, start, yes, behind.unwrap_or(no), out),
                    }
                    start = next;
                }
            }
        }
    }

    fn test(&mut self, test: &Test, negated: bool) -> u32 {
        let nothing = (operand::NOTHING, 0);
        let (form, term, (operand, value)) = match test {
            Test::Holds(term) => (form::HOLDS, term, nothing),
            Test::Null(term) => (form::NULL, term, nothing),
            Test::Compare(term, relation, of) => (
                match relation {
                    Relation::Equal => form::EQUAL,
                    Relation::Less => form::LESS,
                    Relation::LessOrEqual => form::LESS_OR_EQUAL,
                    Relation::Greater => form::GREATER,
                    Relation::GreaterOrEqual => form::GREATER_OR_EQUAL,
                },
                term,
                self.operand(of),
            ),
            Test::Contains(term, of) => (form::CONTAINS, term, self.operand(of)),
            Test::HasText(term, of) => (form::HAS_TEXT, term, self.operand(of)),
            Test::StartsWith(term, of) => (form::STARTS_WITH, term, self.operand(of)),
        };
        let term = self.term(term);
        let row = format::Test { form, operand, negated: u8::from(negated), reserved: 0, term, value };
        number(row, &mut self.special.tests, &mut self.rows.tests)
    }

    fn operand(&mut self, of: &Operand) -> (u8, u32) {
        match of {
            Operand::Term(term) => (operand::TERM, self.term(term)),
            Operand::Literal(Literal::Text(text)) => (operand::TEXT, self.text(text)),
            Operand::Literal(Literal::Boolean(flag)) => (operand::BOOLEAN, u32::from(*flag)),
            Operand::Literal(Literal::Number(of)) => {
                let bits = of.value().to_bits();
                let next = self.rows.numbers.len() as u32;
                let number = *self.special.numbers.entry(bits).or_insert(next);
                if number == next {
                    self.rows.numbers.push(format::Number64 { low: bits as u32, high: (bits >> 32) as u32 });
                }
                (operand::NUMBER, number)
            }
        }
    }

    fn term(&mut self, term: &Term) -> u32 {
        if let Some(number) = self.special.terms.get(term) {
            return *number;
        }
        let source = match term.source {
            Source::Record => format::source::RECORD,
            Source::Input => format::source::INPUT,
            Source::Claim => format::source::CLAIM,
        };
        let kind = match term.kind {
            Kind::Text => format::kind::TEXT,
            Kind::Integer => format::kind::INTEGER,
            Kind::Float => format::kind::FLOAT,
            Kind::Boolean => format::kind::BOOLEAN,
            Kind::Date => format::kind::DATE,
            Kind::DateTime => format::kind::DATE_TIME,
        };
        let number = self.rows.terms.len() as u32;
        let name = self.text(&term.name);
        self.rows.terms.push(format::Term { source, kind, list: u8::from(term.list), reserved: 0, name });
        self.special.terms.insert(term.clone(), number);
        number
    }

    // ---- the data

    /// What rules give and denies take, role by role.
    fn grants(&self, rules: &[Rule], denies: &[&Rule]) -> Grants {
        let mut all = Grants::new();
        let mut add = |key: GrantKey, operations: Operations| {
            let never = key.2.as_ref().is_some_and(Guard::is_never_true);
            if !never && !operations.is_empty() {
                let entry = all.entry(key).or_default();
                *entry = entry.with(operations);
            }
        };
        for rule in rules {
            let guard = self.guard(rule, false, false);
            for role in roles(&rule.who) {
                add((false, Some(self.role(&role)), Some(guard.clone())), rule.operations);
            }
        }
        for deny in denies {
            add((true, None, Some(self.guard(deny, true, false))), deny.operations);
        }
        all
    }

    fn grant_rows(&mut self, grants: &Grants) -> Vec<format::Grant> {
        let mut rows = Vec::new();
        for ((deny, who, guard), operations) in grants {
            let who = who.as_ref().map_or(NONE, |who| self.special.whos[who]);
            let guard = guard.as_ref().map_or(NONE, |guard| self.guard_number(guard));
            rows.push(format::Grant { operations: operations.0, deny: u8::from(*deny), reserved: 0, who, guard });
        }
        rows
    }

    /// A model's special rows; the class of each of its fields, and how many classes there are.
    pub(super) fn special_model(&mut self, model: &'p Model, resource: u32) -> (Vec<usize>, usize) {
        let of = |field: Option<&Field>| {
            let own = field.map(|field| &field.rules).filter(|rules| !rules.is_empty());
            let denies = model.denies.iter().chain(field.into_iter().flat_map(|field| &field.denies));
            self.grants(own.unwrap_or(&model.rules), &denies.collect::<Vec<_>>())
        };
        let mut by_field: Vec<Grants> = model.fields.iter().map(|field| of(Some(field))).collect();
        if by_field.is_empty() {
            by_field.push(of(None));
        }
        let distinct: BTreeSet<Grants> = by_field.iter().cloned().collect();
        let number: BTreeMap<&Grants, usize> = distinct.iter().zip(0..).collect();
        let class_of = by_field.iter().take(model.fields.len()).map(|grants| number[grants]).collect();
        self.special_rows(resource, &distinct.iter().collect::<Vec<_>>());
        (class_of, distinct.len())
    }

    pub(super) fn special_operation(&mut self, custom: &'p CustomOperation, resource: u32) {
        let grants = self.grants(&custom.rules, &custom.denies.iter().collect::<Vec<_>>());
        self.special_rows(resource, &[&grants]);
    }

    fn special_rows(&mut self, resource: u32, classes: &[&Grants]) {
        let roles: BTreeSet<u32> = classes
            .iter()
            .flat_map(|grants| grants.keys())
            .filter(|(deny, ..)| !deny)
            .filter_map(|(_, who, _)| who.as_ref().map(|who| self.special.whos[who]))
            .collect();
        let first = self.rows.special_roles.len() as u32;
        let role_count = roles.len() as u32;
        self.rows.special_roles.extend(roles);
        // The runs of a model's classes lie one behind the other, so none is shared.
        let runs = self.rows.grant_runs.len() as u32;
        for grants in classes {
            let rows = self.grant_rows(grants);
            self.rows.grants.extend(rows);
            self.rows.grant_runs.push(self.rows.grants.len() as u32);
        }
        self.rows.specials.push(format::Special { resource, roles: first, role_count, runs });
    }

    /// What a special model's own resource says: what functions have, and whose updates get as far as its rules.
    pub(super) fn special_whole(&self, model: &Model) -> Openings {
        let matrix = Matrix::of(model);
        let mut openings = Openings { gate: SPECIAL, ..self.functions_on_models() };
        openings.gate |= self.update_gate(&matrix);
        openings
    }

    // ---- storage

    pub(super) fn place(&mut self, bucket: u32, path: &Path) {
        let mut all = Grants::new();
        for rule in &path.rules {
            if let Some(role) = self.storage_role(&rule.who) {
                let key = (false, Some(role), Some(self.guard(rule, false, true)));
                let entry = all.entry(key).or_default();
                *entry = entry.with(rule.operations);
            }
        }
        for deny in &path.denies {
            let guard = self.guard(deny, true, true);
            if !guard.is_never_true() {
                let entity = (deny.who == Who::Entity).then_some(Subject::Entity);
                let entry = all.entry((true, entity, Some(guard))).or_default();
                *entry = entry.with(deny.operations);
            }
        }
        let rows = self.grant_rows(&all);
        let run = intern(rows, &mut self.special.runs, &mut self.rows.grants, &mut self.rows.grant_runs);
        let claims = self.rows.place_claims.len() as u32;
        for (segment, claim) in &path.claims {
            let claim = self.text(claim);
            self.rows.place_claims.push(format::PlaceClaim { segment: *segment as u32, claim });
        }
        let (prefix, claim_count) = (self.text(&path.prefix), path.claims.len() as u32);
        self.rows.places.push(format::Place { bucket, prefix, claims, claim_count, run });
    }

    // ---- rules as written

    /// What a rule says beside who and operations, if it stands where that matters.
    pub(super) fn rule_guard(&mut self, rule: &Rule, number: u32, denies: bool, storage: bool) {
        let guard = self.guard(rule, true, storage);
        let guard = self.guard_number(&guard);
        let and: String = rule.and.iter().map(|who| format!(".and({})", self.policy.who_text(who, storage))).collect();
        let and = if and.is_empty() { NONE } else { self.rule_string(&and) };
        let when = rule.condition.as_ref().map_or(NONE, |condition| self.rule_string(&condition.to_string()));
        self.rows.rule_guards.push(format::RuleGuard { rule: number, deny: u32::from(denies), guard, and, when });
    }
}

fn number<R: Copy + Eq + std::hash::Hash>(row: R, known: &mut HashMap<R, u32>, rows: &mut Vec<R>) -> u32 {
    let next = rows.len() as u32;
    let number = *known.entry(row).or_insert(next);
    if number == next {
        rows.push(row);
    }
    number
}
