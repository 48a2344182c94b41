//! When a request is allowed, as a formula: for one operation on one thing, in one mode.
//! Always: mirrors the definition's composition of rules; a property test and every answer hold it to the definition.

use super::formula::{Formula, Leaf};
use crate::condition::{Source, Term, Truth};
use crate::definition::{Caller, OnModel, Question, Record, Spelling, Stored, Target};
use crate::matrix::{Role, has_role, roles};
use crate::policy::{CustomOperation, DataFunction, Field, Model, Policy, Rule, Who};
use admit_runtime::{Mode, Operation, Operations, Provider};
use admit_syntax::ast::OperationKind;
use std::collections::{BTreeMap, BTreeSet};

/// How the caller of a query arrives.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Arrival {
    /// The mode.
    pub mode: Mode,
    /// The function, in mode `function`.
    pub function: Option<String>,
}

impl Arrival {
    /// Every way in which requests may arrive, `iam` not counted: by mode, and each function by itself.
    pub fn all(policy: &Policy) -> Vec<Arrival> {
        let modes = Mode::ALL.into_iter().filter(|mode| !matches!(mode, Mode::Function | Mode::Iam));
        let modes = modes.filter(|mode| policy.admits(*mode)).map(|mode| Arrival { mode, function: None });
        let function = |name: &String| Arrival { mode: Mode::Function, function: Some(name.clone()) };
        modes.chain(policy.functions.iter().map(function)).collect()
    }

    /// A caller who arrives so, and of whom nothing else is known.
    pub(crate) fn caller(&self) -> Caller {
        Caller { function: self.function.clone(), ..Caller::new(self.mode) }
    }
}

/// What is asked of the input of a write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Inputs {
    /// Some input does it, and all that it names is covered.
    Some,
    /// As it is: an update changes nothing that a rule reads, so that it must be allowed whatever the input.
    Plain,
    /// Left aside: what the input may name is asked field by field.
    Apart,
}

/// A role; of groups, all that the same rules name, which are judged alike.
struct Kind {
    role: Role,
    names: Vec<String>,
}

/// A model's operation in one mode, on the record of one side of a query.
pub(crate) struct OnRecords<'p, 'a> {
    pub policy: &'p Policy,
    pub model: &'p Model,
    pub operation: Operation,
    pub arrival: &'a Arrival,
    pub side: usize,
    pub inputs: Inputs,
}

impl<'p> OnRecords<'p, '_> {
    fn mode(&self) -> Mode {
        self.arrival.mode
    }

    pub fn needs(&self) -> Operations {
        self.operation.needs()
    }

    /// Asks the definition about a request of which nothing but the mode counts.
    fn asked<T>(&self, ask: impl FnOnce(&OnModel<'_>) -> T) -> T {
        let question = Question {
            caller: self.arrival.caller(),
            target: Target::Model(self.model.name.clone(), self.operation),
            stored: Stored::Given(Record::new()),
            input: Some(Record::new()),
            args: Record::new(),
            index: Vec::new(),
        };
        let (policy, model, operation) = (self.policy, self.model, self.operation);
        ask(&OnModel { policy, model, question: &question, operation })
    }

    /// When the operation is allowed: of reads, on a record that is then shown; of writes, with some input.
    pub fn on_whole(&self) -> Formula {
        if let Some(plain) = self.plain(self.needs()) {
            return plain;
        }
        match self.operation {
            Operation::Create => {
                let some = self.on_some_field(Operations::CREATE);
                some.and(self.proposals())
            }
            Operation::Update => {
                let key = |field: &&Field| self.model.identifier.contains(&field.name);
                let fields: Vec<&Field> = self.model.fields.iter().filter(|field| !key(field)).collect();
                match fields.is_empty() {
                    // Nothing but the key: an update of nothing.
                    true => self.gate().and(self.updates_something()).and(self.proposals()),
                    false => {
                        let each = self.classes(&fields).into_iter().map(|field| self.update_of(field));
                        self.gate().and(Formula::any(each)).and(self.proposals())
                    }
                }
            }
            Operation::Delete => self.on_every_field(Operations::DELETE),
            _ => self.on_some_field(self.needs()),
        }
    }

    /// When the operation is allowed on one field: of reads, the field is shown; create and update name it in the
    /// input; delete sets it to null.
    pub fn on_field(&self, field: &'p Field) -> Formula {
        // To set a field to null is an update.
        let really = if self.operation == Operation::Delete { Operations::UPDATE } else { self.needs() };
        if let Some(plain) = self.plain(really) {
            return plain;
        }
        let proposes = match self.inputs {
            Inputs::Plain | Inputs::Apart => Formula::always(),
            Inputs::Some => Formula::is(Leaf::Proposes { side: self.side, field: field.name.clone() }, Truth::True),
        };
        match self.operation {
            Operation::Create => {
                let covered = self.covered(field, Operations::CREATE);
                proposes.and(covered).and(self.proposals())
            }
            Operation::Update => self.gate().and(proposes).and(self.covers_update(field)).and(self.proposals()),
            Operation::Delete => {
                let null = match self.inputs {
                    Inputs::Plain | Inputs::Apart => Formula::always(),
                    Inputs::Some => {
                        Formula::is(Leaf::ProposesNull { side: self.side, field: field.name.clone() }, Truth::True)
                    }
                };
                let (gate, update) = (self.gate(), self.covers_update(field));
                let delete = self.covered(field, Operations::DELETE);
                Formula::all([gate, null, update, delete, self.proposals()])
            }
            _ => self.on_some_field(self.needs()).and(self.shown(field)),
        }
    }

    /// What needs no rule: a disabled operation, a function.
    fn plain(&self, needs: Operations) -> Option<Formula> {
        let disabled = self.model.disabled.meets(needs);
        match self.mode() {
            _ if disabled => Some(Formula::never()),
            Mode::Function => Some(Formula::of(self.asked(|on| on.function_may(needs)))),
            mode if !self.policy.admits(mode) => Some(Formula::never()),
            _ => None,
        }
    }

    pub fn fields(&self) -> Vec<Option<&'p Field>> {
        match self.model.fields.is_empty() {
            true => vec![None],
            false => self.classes(&self.model.fields.iter().collect::<Vec<_>>()).into_iter().map(Some).collect(),
        }
    }

    /// One field of each kind: those with the same rules and denies are judged alike.
    fn classes(&self, fields: &[&'p Field]) -> Vec<&'p Field> {
        let mut classes: Vec<&Field> = Vec::new();
        for field in fields {
            let same = |other: &&Field| other.rules == field.rules && other.denies == field.denies;
            if !classes.iter().any(same) {
                classes.push(field);
            }
        }
        classes
    }

    pub fn governing(&self, field: Option<&'p Field>) -> &'p [Rule] {
        field.map(|field| &field.rules).filter(|rules| !rules.is_empty()).unwrap_or(&self.model.rules)
    }

    /// The roles of this mode; groups that the same rules name are one.
    fn kinds(&self) -> Vec<Kind> {
        let fields = self.model.fields.iter().flat_map(|field| &field.rules);
        let mut others: BTreeSet<Role> = BTreeSet::new();
        let mut named: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
        let mut order: Vec<(&str, &str)> = Vec::new();
        for (at, rule) in self.model.rules.iter().chain(fields).enumerate() {
            match &rule.who {
                Who::Groups { names, provider, claim } if provider.mode() == self.mode() => {
                    for name in names {
                        let by = named.entry((claim, name)).or_insert_with(|| {
                            order.push((claim, name));
                            Vec::new()
                        });
                        by.push(at);
                    }
                }
                Who::Groups { .. } => (),
                who => others.extend(roles(who).into_iter().filter(|role| role.mode() == self.mode())),
            }
        }
        let mut groups: Vec<Kind> = Vec::new();
        let mut known: BTreeMap<(&str, &[usize]), usize> = BTreeMap::new();
        for (claim, name) in order {
            let at = *known.entry((claim, &named[&(claim, name)])).or_insert(groups.len());
            match groups.get_mut(at) {
                Some(kind) => kind.names.push(name.to_owned()),
                None => {
                    let provider = if self.mode() == Mode::Oidc { Provider::Oidc } else { Provider::UserPools };
                    let role = Role::Group { provider, claim: claim.to_owned(), name: name.to_owned() };
                    groups.push(Kind { role, names: vec![name.to_owned()] });
                }
            }
        }
        let (everyone, dynamic): (Vec<Role>, Vec<Role>) =
            others.into_iter().partition(|role| matches!(role, Role::Everyone(_)));
        let plain = |role: Role| Kind { role, names: Vec::new() };
        everyone.into_iter().map(plain).chain(groups).chain(dynamic.into_iter().map(plain)).collect()
    }

    fn spelling(&self) -> Spelling {
        match self.operation {
            Operation::Create | Operation::Update | Operation::Delete => Spelling::Complete,
            Operation::Listen => Spelling::Last,
            _ => Spelling::Any,
        }
    }

    fn has_kind(&self, kind: &Kind, spelling: Spelling) -> Formula {
        match &kind.role {
            Role::Group { claim, .. } => {
                Formula::is(Leaf::Groups { claim: claim.clone(), names: kind.names.clone() }, Truth::True)
            }
            role => self.has(role, spelling),
        }
    }

    fn has(&self, role: &Role, spelling: Spelling) -> Formula {
        match role {
            Role::Everyone(Mode::IdentityPool) => Formula::is(Leaf::SomeGroup, Truth::False),
            Role::Everyone(_) => Formula::always(),
            Role::Group { claim, name, .. } => {
                Formula::is(Leaf::Groups { claim: claim.clone(), names: vec![name.clone()] }, Truth::True)
            }
            Role::Dynamic(role) if self.operation == Operation::Create => {
                Formula::is(Leaf::Creates { side: self.side, role: role.clone() }, Truth::True)
            }
            Role::Dynamic(role) => {
                Formula::is(Leaf::Named { side: self.side, who: super::terms::of_role(role), spelling }, Truth::True)
            }
        }
    }

    /// That a who is, or is not, the caller.
    pub fn who(&self, who: &Who, truth: Truth, spelling: Spelling) -> Formula {
        who_is(self.mode(), who, truth, spelling, self.side)
    }

    /// What stands beside a rule's who is true.
    fn guard(&self, rule: &Rule) -> Formula {
        let whos = rule.and.iter().map(|who| self.who(who, Truth::True, self.spelling()));
        let condition = rule.condition.iter().map(|of| Formula::condition(of, true, self.side));
        Formula::all(whos.chain(condition))
    }

    /// No deny of the operation on the field holds.
    fn not_denied(&self, field: Option<&Field>, needs: Operations) -> Formula {
        let denies = self.model.denies.iter().chain(field.into_iter().flat_map(|field| &field.denies));
        Formula::all(denies.filter(|deny| deny.operations.meets(needs)).map(|deny| self.is_false(deny)))
    }

    /// A deny is false: one of its parts is.
    pub fn is_false(&self, deny: &Rule) -> Formula {
        let whos = deny.whos().map(|who| self.who(who, Truth::False, Spelling::Any));
        let condition = deny.condition.iter().map(|of| Formula::condition(of, false, self.side));
        Formula::any(whos.chain(condition))
    }

    fn gives(&self, role: &Role, field: Option<&'p Field>, needs: Operations) -> Formula {
        let mine =
            self.governing(field).iter().filter(|rule| rule.operations.meets(needs) && has_role(&rule.who, role));
        Formula::any(mine.map(|rule| self.guard(rule)))
    }

    fn can(&self, role: &Role, field: Option<&'p Field>, needs: Operations) -> Formula {
        match self.gives(role, field, needs) {
            gives if gives.is_never() => gives,
            gives => gives.and(self.not_denied(field, needs)),
        }
    }

    /// Some role of the caller has the operation on the field. Rule by rule, for roles do not matter here.
    pub fn covered(&self, field: &'p Field, needs: Operations) -> Formula {
        self.by_some_rule(Some(field), needs, self.spelling())
    }

    fn by_some_rule(&self, field: Option<&'p Field>, needs: Operations, spelling: Spelling) -> Formula {
        let mine = self.governing(field).iter().filter(|rule| rule.operations.meets(needs));
        let rules = mine.map(|rule| self.has_one(rule, spelling).and(self.guard(rule)));
        match Formula::either(rules) {
            given if given.is_never() => given,
            given => given.and(self.not_denied(field, needs)),
        }
    }

    /// A rule's who is the caller.
    fn has_one(&self, rule: &Rule, spelling: Spelling) -> Formula {
        match &rule.who {
            Who::Groups { .. } => self.who(&rule.who, Truth::True, spelling),
            who => {
                let mine = roles(who).into_iter().filter(|role| role.mode() == self.mode());
                Formula::any(mine.map(|role| self.has(&role, spelling)))
            }
        }
    }

    /// Some role of the caller has the operation on some field.
    pub fn on_some_field(&self, needs: Operations) -> Formula {
        Formula::either(self.fields().into_iter().map(|field| self.by_some_rule(field, needs, self.spelling())))
    }

    pub fn on_every_field(&self, needs: Operations) -> Formula {
        let fields = self.fields();
        Formula::either(self.kinds().into_iter().map(|kind| {
            let fields = || fields.iter().copied();
            if fields().any(|field| self.gives(&kind.role, field, needs).is_never()) {
                return Formula::never();
            }
            let each = fields().map(|field| self.can(&kind.role, field, needs));
            self.has_kind(&kind, self.spelling()).and(Formula::all(each))
        }))
    }

    /// §4, check (c): what the rules of the mode say, whoever asks.
    pub fn gate(&self) -> Formula {
        Formula::of(self.asked(|on| on.passes_update_gate()))
    }

    fn updates_something(&self) -> Formula {
        Formula::any([self.on_some_field(Operations::UPDATE), self.on_some_field(Operations::DELETE)])
    }

    /// An update that proposes the field, and has what it needs.
    fn update_of(&self, field: &'p Field) -> Formula {
        let covered = self.covered(field, Operations::UPDATE);
        match self.inputs == Inputs::Some && self.inputs().contains(&field.name) {
            true => {
                Formula::is(Leaf::Proposes { side: self.side, field: field.name.clone() }, Truth::True).and(covered)
            }
            false => covered,
        }
    }

    fn covers_update(&self, field: &'p Field) -> Formula {
        match self.model.identifier.contains(&field.name) {
            true => self.updates_something(),
            false => self.covered(field, Operations::UPDATE),
        }
    }

    /// Whatever the input names must be covered; only fields that something reads are ever named for their own sake.
    pub fn proposals(&self) -> Formula {
        if matches!(self.operation, Operation::Get | Operation::Delete) || Operations::READ.contains(self.needs()) {
            return Formula::always();
        }
        let named = match (self.inputs, self.operation) {
            (Inputs::Some, _) | (Inputs::Plain, Operation::Create) => true,
            (Inputs::Plain | Inputs::Apart, _) => false,
        };
        let names = if named { self.inputs() } else { BTreeSet::new() };
        Formula::all(names.into_iter().map(|name| {
            let no = |leaf: Leaf| Formula::is(leaf, Truth::False);
            let absent = no(Leaf::Proposes { side: self.side, field: name.clone() });
            let field = self.model.fields.iter().find(|field| field.name == name);
            match (self.operation, field) {
                (Operation::Create, Some(field)) => Formula::any([absent, self.covered(field, Operations::CREATE)]),
                (Operation::Create, None) => Formula::any([absent, self.on_every_field(Operations::CREATE)]),
                (_, None) => Formula::always(),
                (_, Some(field)) => {
                    let delete = self.covered(field, Operations::DELETE);
                    let not_null = no(Leaf::ProposesNull { side: self.side, field: name.clone() });
                    let may = self.covers_update(field).and(Formula::any([not_null, delete]));
                    Formula::any([absent, may])
                }
            }
        }))
    }

    /// The fields of the input that something reads: conditions and, on create, owners too.
    fn inputs(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        let create = self.operation == Operation::Create;
        for rule in self.every_rule() {
            let mut visit = |term: &Term| {
                let of_input = term.source == Source::Input || (create && term.source == Source::Record);
                names.extend(of_input.then(|| term.name.clone()));
            };
            rule.condition.iter().for_each(|condition| condition.each_term(&mut visit));
            let fields = rule.whos().filter_map(|who| match who {
                Who::Owner { field, .. } | Who::GroupsIn { field, .. } => Some(field.clone()),
                _ => None,
            });
            names.extend(fields.filter(|_| create));
        }
        names.retain(|name| self.model.is_writable(name));
        names
    }

    fn every_rule(&self) -> impl Iterator<Item = &'p Rule> {
        let fields = self.model.fields.iter().flat_map(|field| field.rules.iter().chain(&field.denies));
        self.model.rules.iter().chain(&self.model.denies).chain(fields)
    }

    /// §6 with §16: when the field of a record that is shown is shown too.
    pub fn shown(&self, field: &'p Field) -> Formula {
        let (own, more) = self.shown_apart(field);
        Formula::any([own, more])
    }

    /// The same in two parts: where a role has this very read on the field, so that the record is shown too; and where
    /// it does not have to be.
    pub fn shown_apart(&self, field: &'p Field) -> (Formula, Formula) {
        let needs = self.needs();
        if self.asked(|on| !on.is_guarded() && on.is_open_to_readers(field, needs)) {
            return (Formula::never(), Formula::always());
        }
        let taken = || self.not_denied(Some(field), needs);
        let (mut owns, mut more) = (Vec::new(), Vec::new());
        let fields = self.fields();
        for kind in self.kinds() {
            let role = &kind.role;
            let has = || self.has_kind(&kind, Spelling::Complete);
            let own = self.can(role, Some(field), needs);
            let reads = Formula::any([8u8, 16, 32, 64, 128].map(|read| self.can(role, Some(field), Operations(read))));
            let gets = Formula::any(fields.iter().map(|field| self.can(role, *field, Operations::GET)));
            let display = Formula::all([reads, gets, taken()]);
            // Where the rules give it by any read what they give it by this one, being shown in every way adds nothing.
            let more_ways = self.gives(role, Some(field), needs) != self.gives(role, Some(field), Operations::READ);
            if !display.is_never() && more_ways {
                more.push(has().and(display));
            }
            if !own.is_never() {
                owns.push(has().and(own));
            }
        }
        (Formula::either(owns), Formula::any(more))
    }
}

/// That a who is (true), or is certainly not (false), a caller of that mode, on a side's record.
pub(crate) fn who_is(mode: Mode, who: &Who, truth: Truth, spelling: Spelling, side: usize) -> Formula {
    let plain = |is: bool| Formula::of(is == (truth == Truth::True));
    match who {
        Who::Owner { provider, .. } | Who::GroupsIn { provider, .. } if provider.mode() == mode => {
            Formula::is(Leaf::Named { side, who: who.clone(), spelling }, truth)
        }
        Who::Groups { provider, claim, names } if provider.mode() == mode => {
            Formula::is(Leaf::Groups { claim: claim.clone(), names: names.clone() }, truth)
        }
        Who::Authenticated(Mode::IdentityPool) if mode == Mode::IdentityPool => {
            let in_one = if truth == Truth::True { Truth::False } else { Truth::True };
            Formula::is(Leaf::SomeGroup, in_one)
        }
        Who::Authenticated(of) => plain(*of == mode),
        Who::ApiKey => plain(mode == Mode::ApiKey),
        Who::Guest => plain(mode == Mode::Guest),
        Who::Custom => plain(mode == Mode::Lambda),
        Who::Owner { .. } | Who::GroupsIn { .. } | Who::Groups { .. } | Who::Entity | Who::Function(_) => plain(false),
    }
}

/// When a custom operation may be called.
pub(crate) fn on_custom(policy: &Policy, custom: &CustomOperation, arrival: &Arrival) -> Formula {
    let mode = arrival.mode;
    if mode == Mode::Function {
        let may = |rule: &DataFunction| match custom.kind {
            OperationKind::Query => rule.query,
            OperationKind::Mutation => rule.mutate,
            OperationKind::Subscription => rule.listen,
        };
        let mine = |rule: &&DataFunction| Some(&rule.function) == arrival.function.as_ref();
        return Formula::of(policy.data_functions.iter().filter(mine).any(may));
    }
    if !policy.admits(mode) {
        return Formula::never();
    }
    let of = |who: &Who, truth: Truth| who_is(mode, who, truth, Spelling::Any, 0);
    let holds = |rule: &Rule| {
        let condition = rule.condition.iter().map(|of| Formula::condition(of, true, 0));
        Formula::all(rule.whos().map(|who| of(who, Truth::True)).chain(condition))
    };
    let is_false = |rule: &Rule| {
        let condition = rule.condition.iter().map(|of| Formula::condition(of, false, 0));
        Formula::any(rule.whos().map(|who| of(who, Truth::False)).chain(condition))
    };
    Formula::either(custom.rules.iter().map(holds)).and(Formula::all(custom.denies.iter().map(is_false)))
}
