//! What a policy means: a plain walk over its rules, one request at a time. Slow, obvious, never optimised.
//! Always: decision tables must agree with this on every request; the property tests hold them to it. The section
//! numbers are those of the observations of the real Amplify stack that `docs/semantics.md` retells.

use crate::condition::{Found, Source, Term, Truth, Truths};
use crate::matrix::{Dynamic, DynamicKind, Role, has_role, roles};
use crate::policy::{Bucket, CustomOperation, Field, Model, Path, Place, Policy, Roles, Rule, Who, Whom};
use admit_runtime::{Authorizer, Mode, Operation, Operations, Provider};
use admit_syntax::ast::OperationKind;
use std::collections::{BTreeMap, BTreeSet};

/// A value of a claim, a record or an input.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Items),
    Object,
}

/// The values of a list.
#[derive(Clone, PartialEq, Debug)]
pub struct Items(pub Vec<Value>);

/// Named values. A key that is not there is absent, which is not the same as null.
pub type Record = BTreeMap<String, Value>;

/// A caller as the host knows it.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)] // as in `admit_runtime::Caller`
pub struct Caller {
    pub mode: Mode,
    pub claims: Record,
    pub groups: Option<Vec<String>>,
    pub identity_id: Option<String>,
    pub function: Option<String>,
    pub authorizer: Authorizer,
    pub trusted: bool,
}

impl Caller {
    /// A caller of that mode of whom nothing else is known.
    pub fn new(mode: Mode) -> Caller {
        Caller {
            mode,
            claims: Record::new(),
            groups: None,
            identity_id: None,
            function: None,
            authorizer: Authorizer::Yes,
            trusted: false,
        }
    }
}

/// What the host knows of the stored record.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)] // as in `admit_runtime::Stored`
pub enum Stored {
    NotGiven,
    Missing,
    Given(Record),
}

/// What is asked about.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub enum Target {
    Model(String, Operation),
    Custom(OperationKind, String),
    Storage { bucket: String, operation: Operation, key: String },
}

/// One request.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)] // as in `admit_runtime::Request`
pub struct Question {
    pub caller: Caller,
    pub target: Target,
    pub stored: Stored,
    pub input: Option<Record>,
    pub args: Record,
    pub index: Vec<String>,
}

/// The answer to it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Answer {
    /// Whether it is allowed: for operations on many records, for those that [`shows`] says.
    pub allowed: bool,
    /// Whether that rests on the host's authorizer, which has not been asked.
    pub ask: bool,
    /// The fields that were refused.
    pub denied_fields: BTreeSet<String>,
    /// The owners to record.
    pub owners: Record,
}

/// Decides one request.
pub fn decide(policy: &Policy, question: &Question) -> Answer {
    let caller = &question.caller;
    if !policy.admits(caller.mode) || holds_exclusive_groups(policy, caller) {
        return Answer::default();
    }
    let mut answer = match &question.target {
        Target::Model(name, operation) => match policy.models.iter().find(|model| model.name == *name) {
            Some(model) => OnModel { policy, model, question, operation: *operation }.decide(),
            None => Answer::default(),
        },
        Target::Custom(kind, name) => {
            let named = |custom: &&CustomOperation| custom.kind == *kind && custom.name == *name;
            let custom = policy.operations.iter().find(named);
            Answer::of(custom.is_some_and(|custom| may_call(policy, custom, caller)))
        }
        Target::Storage { bucket, operation, key } => {
            let bucket = policy.buckets.iter().find(|known| known.name == *bucket);
            Answer::of(bucket.is_some_and(|bucket| may_touch(policy, bucket, caller, *operation, key)))
        }
    };
    if answer.allowed && caller.mode == Mode::Lambda && caller.authorizer == Authorizer::NotAsked {
        answer.allowed = false;
        answer.ask = true;
    }
    answer
}

/// Operations on many records: whether this one is among those that the decision gives (§4.1, §7).
pub fn shows(policy: &Policy, question: &Question, record: &Record) -> bool {
    let Target::Model(name, operation) = &question.target else { return false };
    let model = policy.models.iter().find(|model| model.name == *name);
    model.is_some_and(|model| OnModel { policy, model, question, operation: *operation }.shows(record))
}

/// Whether a field of such a record may be shown (§6 with §16); for mutations, of the record as it then stands.
pub fn shows_field(policy: &Policy, question: &Question, record: &Record, field: &str) -> bool {
    let Target::Model(name, operation) = &question.target else { return false };
    let model = policy.models.iter().find(|model| model.name == *name);
    model.is_some_and(|model| OnModel { policy, model, question, operation: *operation }.shows_field(record, field))
}

impl Answer {
    fn of(allowed: bool) -> Answer {
        Answer { allowed, ..Answer::default() }
    }
}

impl Policy {
    /// Whether requests may arrive in that mode at all. Functions and IAM callers always may ask.
    pub fn admits(&self, mode: Mode) -> bool {
        let pool = matches!(mode, Mode::UserPool | Mode::IdentityPool | Mode::Guest);
        match mode {
            Mode::Function | Mode::Iam => true,
            _ if pool && !self.buckets.is_empty() => true,
            Mode::Guest => self.modes.contains(&Mode::Guest) || self.modes.contains(&Mode::IdentityPool),
            mode => self.modes.contains(&mode),
        }
    }
}

/// How an owner's value is compared (§5.1): reads accept any available part, everything else needs a token with all
/// parts; published payloads hold the last part; an open sort key is filled in with the whole value (§10).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Spelling {
    Any,
    Complete,
    Last,
    Whole,
}

/// The record that rules are judged on.
#[derive(Clone, Copy)]
pub(crate) enum Ground<'r> {
    /// One that is not known yet: whatever it holds.
    Any,
    /// None was given.
    None,
    /// This one.
    Record(&'r Record),
}

/// A request for a model's records.
pub(crate) struct OnModel<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) model: &'a Model,
    pub(crate) question: &'a Question,
    pub(crate) operation: Operation,
}

impl OnModel<'_> {
    fn decide(&self) -> Answer {
        if self.operation != Operation::Relation && self.model.disabled.meets(self.operation.needs()) {
            return Answer::default();
        }
        if self.names_unknown_fields() {
            return Answer { denied_fields: self.unknown_fields(), ..Answer::default() };
        }
        if self.is_iam() {
            return Answer::of(self.question.caller.trusted);
        }
        if self.question.caller.mode == Mode::Function {
            return Answer::of(self.function_may(self.operation.needs()));
        }
        match self.operation {
            Operation::Create => self.create(),
            Operation::Update => self.update(),
            Operation::Delete => self.delete(),
            Operation::Get => self.get(),
            Operation::Relation if matches!(self.question.stored, Stored::Given(_)) => self.get(),
            Operation::Listen if !self.is_open(Ground::Any) && self.subscribes_to_own(Ground::Any).is_some() => {
                Answer::of(self.subscribes_to_own(Ground::Any) == Some(true))
            }
            _ => Answer::of(self.is_open(Ground::Any) || self.has_usable_reader()),
        }
    }

    fn is_iam(&self) -> bool {
        self.question.caller.mode == Mode::Iam
    }

    // ---- the matrix (§3.4)

    /// Every role of the model, by its own rules and its fields'.
    pub(crate) fn roles(&self) -> BTreeSet<Role> {
        let fields = self.model.fields.iter().flat_map(|field| &field.rules);
        self.model.rules.iter().chain(fields).flat_map(|rule| roles(&rule.who)).collect()
    }

    /// can(role, field, ·) here: a field with allows has no others; a rule whose guard is not true gives nothing; what
    /// a deny takes, no role has.
    fn can(&self, role: &Role, field: Option<&Field>, ground: Ground<'_>) -> Operations {
        let mine =
            self.governing(field).iter().filter(|rule| has_role(&rule.who, role) && self.guard_holds(rule, ground));
        let given = mine.fold(Operations::NONE, |all, rule| all.with(rule.operations));
        given.without(self.denied(field, ground))
    }

    /// The allows that hold on a field: its own, or else the model's.
    pub(crate) fn governing<'s>(&'s self, field: Option<&'s Field>) -> &'s [Rule] {
        field.map(|field| &field.rules).filter(|rules| !rules.is_empty()).unwrap_or(&self.model.rules)
    }

    /// What the denies of the model and of a field take from this caller: those that are not false.
    fn denied(&self, field: Option<&Field>, ground: Ground<'_>) -> Operations {
        let denies = self.model.denies.iter().chain(field.into_iter().flat_map(|field| &field.denies));
        let holding = denies.filter(|deny| !self.deny_truths(deny, ground).contains(Truth::False));
        holding.fold(Operations::NONE, |all, deny| all.with(deny.operations))
    }

    /// Whether what stands beside a rule's who may be true.
    fn guard_holds(&self, rule: &Rule, ground: Ground<'_>) -> bool {
        self.guard_truths(rule, ground, self.spelling()).contains(Truth::True)
    }

    pub(crate) fn guard_truths(&self, rule: &Rule, ground: Ground<'_>, spelling: Spelling) -> Truths {
        let find = |term: &Term| self.find(term, ground);
        let condition = rule.condition.as_ref().map(|condition| condition.truths(&find));
        let whos = rule.and.iter().map(|who| self.who_truths(who, ground, spelling));
        whos.chain(condition).fold(Truths::of(Truth::True), Truths::and)
    }

    /// A deny looks at every spelling of its owner.
    fn deny_truths(&self, deny: &Rule, ground: Ground<'_>) -> Truths {
        self.who_truths(&deny.who, ground, Spelling::Any).and(self.guard_truths(deny, ground, Spelling::Any))
    }

    /// Whether a who is the caller.
    pub(crate) fn who_truths(&self, who: &Who, ground: Ground<'_>, spelling: Spelling) -> Truths {
        let caller = &self.question.caller;
        let (field, list, provider) = match who {
            Who::Owner { field, list, provider, .. } | Who::GroupsIn { field, list, provider, .. } => {
                (field, *list, *provider)
            }
            _ => return Truths::of(static_truth(self.policy, caller, who)),
        };
        if provider.mode() != caller.mode {
            return Truths::of(Truth::False);
        }
        let (values, complete) = match who {
            Who::Owner { claim, .. } => {
                (owner_values(&caller.claims, claim, spelling), whole_owner(&caller.claims, claim).is_some())
            }
            Who::GroupsIn { claim, .. } => {
                (self.policy.groups_of(&caller.claims, provider, claim), !is_unknown(caller.claims.get(claim)))
            }
            _ => (BTreeSet::new(), false),
        };
        let record = match ground {
            Ground::Any if values.is_empty() && complete => return Truths::of(Truth::False),
            Ground::Any if values.is_empty() => return Truths::of(Truth::Unknown),
            Ground::Any => return Truths::ANY,
            Ground::None => return Truths::of(Truth::Unknown),
            Ground::Record(record) => record,
        };
        let condition = Condition { field: field.clone(), list, values };
        Truths::of(match record.get(field) {
            _ if condition.holds(record) => Truth::True,
            Some(_) if complete => Truth::False,
            _ => Truth::Unknown,
        })
    }

    /// What a condition's term is here.
    pub(crate) fn find<'v>(&'v self, term: &Term, ground: Ground<'v>) -> Found<'v> {
        let value = match (term.source, self.operation, &self.question.input) {
            (Source::Claim, ..) => return find_claim(&self.question.caller, &term.name),
            (Source::Input, Operation::Update, Some(input)) if input.contains_key(&term.name) => input.get(&term.name),
            // An input left out proposes every declared field, with values that nobody knows.
            (Source::Input, Operation::Update, None) => None,
            (Source::Input, ..) | (Source::Record, ..) => match ground {
                Ground::Any => return Found::Open,
                Ground::None => None,
                Ground::Record(record) => record.get(&term.name),
            },
        };
        value.map_or(Found::Absent, Found::Value)
    }

    /// The stored record, as far as it was given.
    fn stored(&self) -> Ground<'_> {
        match &self.question.stored {
            Stored::Given(record) => Ground::Record(record),
            Stored::NotGiven | Stored::Missing => Ground::None,
        }
    }

    /// How allows compare owners in this operation.
    pub(crate) fn spelling(&self) -> Spelling {
        match self.operation {
            Operation::Create | Operation::Update | Operation::Delete => Spelling::Complete,
            Operation::Listen => Spelling::Last,
            _ => Spelling::Any,
        }
    }

    /// Whether some rule has a guard, or some deny is there: then what a role has depends on the request.
    pub(crate) fn is_guarded(&self) -> bool {
        let fields = &self.model.fields;
        let mut rules = self.model.rules.iter().chain(fields.iter().flat_map(|field| &field.rules));
        let denies = !self.model.denies.is_empty() || fields.iter().any(|field| !field.denies.is_empty());
        denies || rules.any(Rule::is_guarded)
    }

    /// What a role is shown of a field: one that may get records on some field, and read this one in some way, is
    /// shown it in every way (§6); one that may only list records, as its rules say (§16).
    fn displays(&self, role: &Role, field: Option<&Field>, ground: Ground<'_>) -> Operations {
        let own = self.can(role, field, ground);
        let taken = self.denied(field, ground);
        match own.meets(Operations::READ) && self.on_some_field(role, Operations::GET, ground) {
            true => own.with(Operations::READ).without(taken),
            false => own,
        }
    }

    /// The declared fields; a model without any is judged as if it had one without rules.
    pub(crate) fn fields(&self) -> Vec<Option<&Field>> {
        match self.model.fields.is_empty() {
            true => vec![None],
            false => self.model.fields.iter().map(Some).collect(),
        }
    }

    fn on_some_field(&self, role: &Role, operation: Operations, ground: Ground<'_>) -> bool {
        self.fields().into_iter().any(|field| self.can(role, field, ground).meets(operation))
    }

    /// Whether the rules give a role an operation on some field, whatever their guards and the denies.
    pub(crate) fn is_written(&self, role: &Role, operation: Operations) -> bool {
        self.fields().into_iter().any(|field| {
            let mut rules = self.governing(field).iter();
            rules.any(|rule| rule.operations.meets(operation) && has_role(&rule.who, role))
        })
    }

    fn on_every_field(&self, role: &Role, operation: Operations, ground: Ground<'_>) -> bool {
        self.fields().into_iter().all(|field| self.can(role, field, ground).meets(operation))
    }

    // ---- who the caller is (§1, §5)

    fn has_role(&self, role: &Role) -> bool {
        has_static_role(self.policy, &self.question.caller, role)
    }

    fn condition(&self, role: &Dynamic, spelling: Spelling) -> Condition {
        let claims = &self.question.caller.claims;
        let mut values = BTreeSet::new();
        if self.question.caller.mode == role.provider.mode() {
            match role.kind {
                DynamicKind::Owner => values = owner_values(claims, &role.claim, spelling),
                DynamicKind::Group => {
                    values.extend(self.policy.groups_of(claims, role.provider, &role.claim[0]));
                }
            }
        }
        Condition { field: role.field.clone(), list: role.list, values }
    }

    // ---- reads (§4.1, §7, §10)

    /// Whether some role that the caller has, whatever the record, gives the operation on some field.
    fn is_open(&self, ground: Ground<'_>) -> bool {
        let needs = self.operation.needs();
        self.roles().iter().any(|role| self.has_role(role) && self.on_some_field(role, needs, ground))
    }

    fn dynamic_readers(&self, ground: Ground<'_>) -> Vec<Dynamic> {
        let needs = self.operation.needs();
        let reads = |role: Role| match self.on_some_field(&role, needs, ground) {
            true => role.into_dynamic(),
            false => None,
        };
        self.roles().into_iter().filter_map(reads).collect()
    }

    fn has_usable_reader(&self) -> bool {
        self.dynamic_readers(Ground::Any).iter().any(|role| self.usable(role))
    }

    /// §7: an owner argument of a subscription must be the caller, and then is filter enough.
    fn subscribes_to_own(&self, ground: Ground<'_>) -> Option<bool> {
        let mut own = None;
        for role in self.dynamic_readers(ground) {
            let of_caller = role.provider.mode() == self.question.caller.mode;
            let argument = self.question.args.get(&role.field).filter(|value| **value != Value::Null);
            if let (true, DynamicKind::Owner, false, Some(value)) = (of_caller, role.kind, role.list, argument) {
                let values = self.condition(&role, Spelling::Complete).values;
                let is_own = matches!(value, Value::Text(text) if values.contains(text));
                own = Some(own.unwrap_or(true) && is_own);
            }
        }
        own
    }

    fn reading(&self, role: &Dynamic) -> Condition {
        let fixed = self.question.args.get(&role.field).filter(|value| **value != Value::Null);
        let in_sort_key = self.question.index.iter().skip(1).any(|field| *field == role.field);
        let spelling = match self.operation {
            Operation::Listen => Spelling::Last,
            _ if in_sort_key && fixed.is_none() => Spelling::Whole,
            _ => Spelling::Any,
        };
        let mut condition = self.condition(role, spelling);
        // A value that the query fixes must be the caller's.
        match fixed {
            Some(Value::Text(value)) if condition.values.contains(value) => (),
            Some(_) => condition.values.clear(),
            None => (),
        }
        condition
    }

    fn usable(&self, role: &Dynamic) -> bool {
        !self.reading(role).values.is_empty()
    }

    fn shows(&self, record: &Record) -> bool {
        let ground = Ground::Record(record);
        let is_caller = |role: &Dynamic| self.reading(role).holds(record);
        self.is_iam()
            || self.function_may(self.operation.needs())
            || self.is_open(ground)
            || (self.operation == Operation::Listen && self.subscribes_to_own(ground) == Some(true))
            || self.dynamic_readers(ground).iter().any(is_caller)
    }

    fn get(&self) -> Answer {
        Answer::of(match &self.question.stored {
            Stored::Given(record) => {
                let ground = Ground::Record(record);
                let is_caller = |role: &Dynamic| self.reading(role).holds(record);
                self.is_open(ground) || self.dynamic_readers(ground).iter().any(is_caller)
            }
            // Where there is none, nothing is shown.
            Stored::Missing => self.is_open(Ground::Any) || self.has_usable_reader(),
            Stored::NotGiven => self.is_open(Ground::None),
        })
    }

    /// §6 with §16: a field is shown if some role that matches the record has the operation on it. Where every role
    /// with the operation has it on this field, whoever has the record matches. Where rules have guards, and where
    /// there are denies, each field is judged by itself.
    fn shows_field(&self, record: &Record, name: &str) -> bool {
        let mutation = matches!(self.operation, Operation::Create | Operation::Update | Operation::Delete);
        let needs = if mutation { Operations::GET } else { self.operation.needs() };
        if self.is_iam() || self.function_may(needs) {
            return self.is_known(name);
        }
        let ground = Ground::Record(record);
        let reads = |role: &Role, field: Option<&Field>, spelling: Spelling| {
            self.displays(role, field, ground).meets(needs) && self.matches(role, record, spelling)
        };
        let roles = self.roles();
        let gets_back =
            || self.fields().into_iter().any(|field| roles.iter().any(|role| reads(role, field, Spelling::Any)));
        if !self.is_known(name) || (mutation && !gets_back()) {
            return false;
        }
        let Some(field) = self.model.fields.iter().find(|field| field.name == name) else { return true };
        let open = !self.is_guarded() && self.is_open_to_readers(field, needs);
        open || roles.iter().any(|role| reads(role, Some(field), Spelling::Complete))
    }

    fn matches(&self, role: &Role, record: &Record, spelling: Spelling) -> bool {
        match role {
            Role::Dynamic(dynamic) => {
                let mutation = matches!(self.operation, Operation::Create | Operation::Update | Operation::Delete);
                let mut condition = self.condition(dynamic, spelling);
                let fixed = self.question.args.get(&dynamic.field).filter(|value| !mutation && **value != Value::Null);
                match fixed {
                    Some(Value::Text(value)) if condition.values.contains(value) => (),
                    Some(_) => condition.values.clear(),
                    None => (),
                }
                condition.holds(record)
            }
            _ => self.has_role(role),
        }
    }

    pub(crate) fn is_open_to_readers(&self, field: &Field, needs: Operations) -> bool {
        let each = [Operations::GET, Operations::LIST, Operations::LISTEN, Operations::SYNC, Operations::SEARCH];
        each.into_iter().filter(|read| needs.meets(*read)).all(|read| {
            let shows = |role: &Role| self.displays(role, Some(field), Ground::None).meets(read);
            self.roles().iter().filter(|role| self.on_some_field(role, read, Ground::None)).all(|role| {
                let covered = matches!(role.mode(), Mode::UserPool | Mode::Oidc) && shows(&Role::Everyone(role.mode()));
                covered || shows(role)
            })
        })
    }

    // ---- writes (§4.2 – §4.4)

    /// The owner is set first, by the owner rules that are then true; every rule is judged on what comes of it.
    fn create(&self) -> Answer {
        let owners = self.recorded_owners();
        let input: Option<Record> = self.question.input.as_ref().map(|input| {
            let set = owners.iter().map(|(name, owner)| (name.clone(), owner.clone()));
            input.clone().into_iter().chain(set).collect()
        });
        let ground = input.as_ref().map_or(Ground::None, Ground::Record);
        let (mut everything, mut some) = (false, BTreeSet::new());
        for role in self.roles() {
            if self.on_some_field(&role, Operations::CREATE, ground) && self.grants_create(&role, &owners, ground) {
                everything |= self.on_every_field(&role, Operations::CREATE, ground);
                some.extend(self.names_with(&role, Operations::CREATE, ground));
                // A model without fields: having the operation at all is having some of it.
                some.extend(self.model.fields.is_empty().then(String::new));
            }
        }
        let denied = |name: &String| !everything && !some.contains(name);
        let denied_fields: BTreeSet<String> = self.proposed_names().into_iter().filter(denied).collect();
        if some.is_empty() && !everything {
            return Answer::default();
        }
        match denied_fields.is_empty() {
            true => Answer { allowed: true, owners, ..Answer::default() },
            false => Answer { denied_fields, ..Answer::default() },
        }
    }

    /// Whether the caller has a role on what is created.
    pub(crate) fn grants_create(&self, role: &Role, owners: &Record, ground: Ground<'_>) -> bool {
        let Role::Dynamic(dynamic) = role else { return self.has_role(role) };
        let caller = &self.question.caller;
        if dynamic.provider.mode() != caller.mode {
            return false;
        }
        let whole = || whole_owner(&caller.claims, &dynamic.claim).map(Value::Text);
        match (owners.get(&dynamic.field), ground) {
            // Another owner rule says how that field is set.
            (Some(recorded), _) if dynamic.kind == DynamicKind::Owner => match recorded {
                Value::List(items) => items.0.first() == whole().as_ref(),
                recorded => Some(recorded) == whole().as_ref(),
            },
            (None, Ground::Record(record)) => self.condition(dynamic, Spelling::Complete).holds(record),
            _ => false,
        }
    }

    /// The owners that `create` records, by field: where the input leaves the owner out, the caller becomes it, if an
    /// owner rule is true once it is set. Of several rules on one field, the first that is true says how.
    pub(crate) fn recorded_owners(&self) -> Record {
        let mut setting: Vec<(Dynamic, &Rule)> = Vec::new();
        for rule in self.fields().into_iter().flat_map(|field| self.governing(field)) {
            let owner = |role: Role| role.into_dynamic().filter(|dynamic| dynamic.kind == DynamicKind::Owner);
            if rule.operations.meets(Operations::CREATE) {
                let owners = rule.whos().filter(|who| matches!(who, Who::Owner { .. }));
                setting.extend(owners.flat_map(roles).filter_map(owner).map(|owner| (owner, rule)));
            }
        }
        setting.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut owners = Record::new();
        for (owner, rule) in setting {
            if let Some(whole) = self.owner_to_set(&owner)
                && !owners.contains_key(&owner.field)
                && self.is_true_with_its_owners(rule)
            {
                owners.insert(owner.field, whole);
            }
        }
        owners
    }

    /// The owner that a rule would set, if the input leaves it out and the token has all its claims.
    fn owner_to_set(&self, owner: &Dynamic) -> Option<Value> {
        let declared = self.model.fields.iter().any(|field| field.name == owner.field);
        let is_proposed = match &self.question.input {
            Some(input) => input.contains_key(&owner.field),
            None => declared,
        };
        if is_proposed || self.question.caller.mode != owner.provider.mode() {
            return None;
        }
        let whole = Value::Text(whole_owner(&self.question.caller.claims, &owner.claim)?);
        Some(if owner.list { Value::List(Items(vec![whole])) } else { whole })
    }

    /// Whether a rule is true on the input with the owners that it sets itself.
    fn is_true_with_its_owners(&self, rule: &Rule) -> bool {
        let record = self.with_owners_of(rule, self.question.input.clone().unwrap_or_default());
        let ground = Ground::Record(&record);
        let who = self.who_truths(&rule.who, ground, Spelling::Complete);
        who.and(self.guard_truths(rule, ground, Spelling::Complete)).contains(Truth::True)
    }

    /// What is created, with the owners that a rule sets where nothing stands yet.
    fn with_owners_of(&self, rule: &Rule, mut record: Record) -> Record {
        // Of two owners of one rule on one field, the first in the order of roles is set.
        let owners: BTreeSet<Dynamic> = rule.whos().flat_map(roles).filter_map(Role::into_dynamic).collect();
        for owner in owners {
            if let Some(whole) = (owner.kind == DynamicKind::Owner).then(|| self.owner_to_set(&owner)).flatten() {
                record.entry(owner.field).or_insert(whole);
            }
        }
        record
    }

    fn names_with(&self, role: &Role, operation: Operations, ground: Ground<'_>) -> BTreeSet<String> {
        let has = |field: &&Field| self.can(role, Some(*field), ground).meets(operation);
        self.model.fields.iter().filter(has).map(|field| field.name.clone()).collect()
    }

    /// The keys of the input; an input left out proposes every declared field.
    fn proposed_names(&self) -> BTreeSet<String> {
        match &self.question.input {
            Some(input) => input.keys().cloned().collect(),
            None => self.model.fields.iter().map(|field| field.name.clone()).collect(),
        }
    }

    fn update(&self) -> Answer {
        if !self.passes_update_gate() {
            return Answer::default();
        }
        let ground = self.stored();
        let (mut matched, mut updates, mut deletes) = (false, BTreeSet::new(), BTreeSet::new());
        let (mut every_update, mut every_delete) = (false, false);
        for role in self.roles().iter().filter(|role| self.holds_now(role)) {
            let (update, delete) = (Operations::UPDATE, Operations::DELETE);
            matched |= self.on_some_field(role, update, ground) || self.on_some_field(role, delete, ground);
            every_update |= self.on_every_field(role, update, ground);
            every_delete |= self.on_every_field(role, delete, ground);
            updates.extend(self.names_with(role, update, ground));
            deletes.extend(self.names_with(role, delete, ground));
        }
        if !matched {
            return Answer::default();
        }
        let input = self.question.input.as_ref();
        let denied = |name: &String| {
            let key = self.model.identifier.contains(name);
            let null = input.is_some_and(|input| input.get(name) == Some(&Value::Null));
            !(key || every_update || updates.contains(name)) || (null && !(every_delete || deletes.contains(name)))
        };
        let denied_fields: BTreeSet<String> = self.proposed_names().into_iter().filter(denied).collect();
        Answer { allowed: denied_fields.is_empty(), denied_fields, ..Answer::default() }
    }

    /// §4, check (c), and the last lines of §4.3. The identity pool always passes it. It asks what the rules say, not
    /// what is true here.
    pub(crate) fn passes_update_gate(&self) -> bool {
        let mode = self.question.caller.mode;
        let roles = self.roles();
        let mut updaters = roles.iter().filter(|role| self.is_written(role, Operations::UPDATE)).peekable();
        match (mode, updaters.peek()) {
            (Mode::Guest | Mode::IdentityPool, _) => true,
            (_, None) => mode == self.policy.default_mode,
            _ => updaters.any(|role| role.mode() == mode),
        }
    }

    /// Whether the caller has the role on the stored record.
    fn holds_now(&self, role: &Role) -> bool {
        match (role, &self.question.stored) {
            (Role::Dynamic(dynamic), Stored::Given(record)) => {
                self.condition(dynamic, Spelling::Complete).holds(record)
            }
            (Role::Dynamic(_), _) => false,
            _ => self.has_role(role),
        }
    }

    fn delete(&self) -> Answer {
        let ground = self.stored();
        let deletes = |role: &Role| self.on_every_field(role, Operations::DELETE, ground) && self.holds_now(role);
        Answer::of(self.roles().iter().any(deletes))
    }

    // ---- names

    pub(crate) fn is_known(&self, name: &str) -> bool {
        let fields = self.model.fields.iter().flat_map(|field| &field.rules);
        let mut whos = self.model.rules.iter().chain(fields).flat_map(Rule::whos);
        let implied = whos.any(|who| matches!(who, Who::Owner { field, .. } if field == name));
        self.model.is_writable(name) || implied || name == "createdAt" || name == "updatedAt"
    }

    fn names_unknown_fields(&self) -> bool {
        !self.unknown_fields().is_empty()
    }

    fn unknown_fields(&self) -> BTreeSet<String> {
        let writes = matches!(self.operation, Operation::Create | Operation::Update);
        let input = self.question.input.iter().filter(|_| writes).flat_map(|input| input.keys());
        input.filter(|name| !self.model.is_writable(name)).cloned().collect()
    }

    // ---- functions (§8)

    pub(crate) fn function_may(&self, needs: Operations) -> bool {
        let caller = &self.question.caller;
        caller.mode == Mode::Function
            && self.policy.data_functions.iter().any(|rule| {
                let listens = needs == Operations::LISTEN && rule.listen;
                let queries = needs.meets(Operations::READ.without(Operations::LISTEN)) && rule.query;
                let mutates = needs.without(Operations::READ) != Operations::NONE && rule.mutate;
                Some(&rule.function) == caller.function.as_ref() && (listens || queries || mutates)
            })
    }
}

/// A field of a record, and the values of which it must be, or hold, one.
struct Condition {
    field: String,
    list: bool,
    values: BTreeSet<String>,
}

impl Condition {
    fn holds(&self, record: &Record) -> bool {
        match (record.get(&self.field), self.list) {
            (Some(Value::Text(value)), false) => self.values.contains(value),
            (Some(Value::List(items)), true) => {
                items.0.iter().any(|item| matches!(item, Value::Text(value) if self.values.contains(value)))
            }
            _ => false,
        }
    }
}

/// §1: whether a caller has a role that no record is needed for.
fn has_static_role(policy: &Policy, caller: &Caller, role: &Role) -> bool {
    match role {
        Role::Everyone(mode) if *mode != caller.mode => false,
        // A group's role has no policy for data.
        Role::Everyone(Mode::IdentityPool) => !in_a_group(policy, caller),
        Role::Everyone(Mode::Lambda) => caller.authorizer != Authorizer::No,
        Role::Everyone(_) => true,
        Role::Group { provider, claim, name } => {
            caller.mode == provider.mode() && policy.groups_of(&caller.claims, *provider, claim).contains(name)
        }
        Role::Dynamic(_) => false,
    }
}

/// Whether a who that no record is needed for is the caller. Whoever may be in a group, for all that is known, is not
/// certainly out of it.
pub(crate) fn static_truth(policy: &Policy, caller: &Caller, who: &Who) -> Truth {
    let held = roles(who).iter().any(|role| has_static_role(policy, caller, role));
    match who {
        _ if held => Truth::True,
        Who::Groups { provider, claim, .. }
            if provider.mode() == caller.mode && is_unknown(caller.claims.get(claim)) =>
        {
            Truth::Unknown
        }
        _ => Truth::False,
    }
}

/// Whether a user is in two groups that nobody may hold together: such a one is refused whatever he asks.
pub(crate) fn holds_exclusive_groups(policy: &Policy, caller: &Caller) -> bool {
    let held: BTreeSet<String> = match caller.mode {
        Mode::UserPool | Mode::IdentityPool => {
            let held = pool_groups(policy, caller).0;
            held.iter().flat_map(|name| policy.acts_as(name)).map(str::to_owned).collect()
        }
        _ => return false,
    };
    policy.exclusive.iter().any(|list| list.iter().filter(|name| held.contains(*name)).count() > 1)
}

/// Whether a group claim is neither a list nor a string: it may name any group.
fn is_unknown(claim: Option<&Value>) -> bool {
    !matches!(claim, None | Some(Value::Null | Value::List(_) | Value::Text(_)))
}

/// A claim that a condition reads; `username` stands under another name in ID tokens.
pub(crate) fn find_claim<'v>(caller: &'v Caller, name: &str) -> Found<'v> {
    let claims = &caller.claims;
    let value = match name {
        "username" => claims.get("username").or_else(|| claims.get("cognito:username")),
        name => claims.get(name),
    };
    value.map_or(Found::Absent, Found::Value)
}

impl Policy {
    /// The groups that a claim gives. Those of the user pool act as others.
    pub(crate) fn groups_of(&self, claims: &Record, provider: Provider, claim: &str) -> BTreeSet<String> {
        let held = groups(claims.get(claim));
        match provider == Provider::UserPools && claim == self.group_claim {
            true => held.iter().flat_map(|name| self.acts_as(name)).map(str::to_owned).collect(),
            false => held,
        }
    }
}

/// §5.2 with §16: a list is its strings; a string is a JSON list of groups, or else one group.
fn groups(claim: Option<&Value>) -> BTreeSet<String> {
    match claim {
        Some(Value::List(items)) => items
            .0
            .iter()
            .filter_map(|item| match item {
                Value::Text(name) => Some(name.clone()),
                _ => None,
            })
            .collect(),
        Some(Value::Text(text)) if text.is_empty() => BTreeSet::new(),
        Some(Value::Text(text)) => match json_strings(text) {
            Some(names) => names.into_iter().collect(),
            None => BTreeSet::from([text.clone()]),
        },
        _ => BTreeSet::new(),
    }
}

/// The strings of a JSON list, if the text is one.
fn json_strings(text: &str) -> Option<Vec<String>> {
    let items = serde_json::from_str::<Vec<serde_json::Value>>(text).ok()?;
    Some(items.into_iter().filter_map(|item| item.as_str().map(str::to_owned)).collect())
}

/// §5.1: the values that belong to the caller.
fn owner_values(claims: &Record, parts: &[String], spelling: Spelling) -> BTreeSet<String> {
    let whole = whole_owner(claims, parts);
    let each = || parts.iter().filter_map(|part| identity(claims, part));
    match (spelling, whole) {
        (Spelling::Any, whole) => each().chain(whole).collect(),
        (Spelling::Complete, Some(whole)) => each().chain([whole]).collect(),
        (Spelling::Last, Some(_)) => each().next_back().into_iter().collect(),
        (Spelling::Whole, Some(whole)) => BTreeSet::from([whole]),
        (_, None) => BTreeSet::new(),
    }
}

pub(crate) fn whole_owner(claims: &Record, parts: &[String]) -> Option<String> {
    let parts: Option<Vec<String>> = parts.iter().map(|part| identity(claims, part)).collect();
    Some(parts?.join("::"))
}

/// A claim of an identity; an empty one is nobody's. `username` stands under another name in ID tokens.
pub(crate) fn identity(claims: &Record, name: &str) -> Option<String> {
    let text = |name: &str| match claims.get(name) {
        Some(Value::Text(text)) if !text.is_empty() => Some(text.clone()),
        _ => None,
    };
    if name == "username" { text(name).or_else(|| text("cognito:username")) } else { text(name) }
}

/// The claim of the user pool's groups as far as it is known: a claim that is neither list nor string is unknown,
/// and then the caller counts as in some group.
pub(crate) fn in_a_group(policy: &Policy, caller: &Caller) -> bool {
    match (&caller.groups, caller.claims.get(&policy.group_claim)) {
        (Some(groups), _) if caller.mode == Mode::IdentityPool => !groups.is_empty(),
        (_, None | Some(Value::Null)) => false,
        (_, Some(Value::List(items))) => !items.0.is_empty(),
        (_, Some(Value::Text(text))) => {
            let elements = serde_json::from_str::<Vec<serde_json::Value>>(text);
            elements.map_or(!text.is_empty(), |elements| !elements.is_empty())
        }
        _ => true,
    }
}

/// §8: custom operations.
pub(crate) fn may_call(policy: &Policy, custom: &CustomOperation, caller: &Caller) -> bool {
    let function = || {
        policy.data_functions.iter().any(|rule| {
            let may = match custom.kind {
                OperationKind::Query => rule.query,
                OperationKind::Mutation => rule.mutate,
                OperationKind::Subscription => rule.listen,
            };
            may && Some(&rule.function) == caller.function.as_ref()
        })
    };
    match caller.mode {
        Mode::Iam => caller.trusted,
        Mode::Function => function(),
        _ => {
            let truth = |rule: &Rule| static_rule_truth(policy, caller, rule);
            custom.rules.iter().any(|rule| truth(rule) == Truth::True)
                && custom.denies.iter().all(|deny| truth(deny) == Truth::False)
        }
    }
}

/// Whether a rule that reads no record is true of the caller.
fn static_rule_truth(policy: &Policy, caller: &Caller, rule: &Rule) -> Truth {
    let whos = rule.whos().map(|who| static_truth(policy, caller, who));
    whos.chain([condition_truth(caller, rule)]).fold(Truth::True, Ord::min)
}

/// What a condition that reads claims only comes to.
fn condition_truth(caller: &Caller, rule: &Rule) -> Truth {
    let Some(condition) = &rule.condition else { return Truth::True };
    let find = |term: &Term| match term.source {
        Source::Claim => find_claim(caller, &term.name),
        Source::Record | Source::Input => Found::Absent,
    };
    let truths = condition.truths(&find);
    [Truth::False, Truth::Unknown, Truth::True]
        .into_iter()
        .find(|truth| truths.contains(*truth))
        .unwrap_or(Truth::Unknown)
}

// ---- storage (§11.3, §11.4)

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum StorageRole {
    Guest,
    Authenticated,
    Group(String),
    Function(String),
}

/// The user pool's groups of a caller in storage, as far as they are known, and whether they are.
fn pool_groups(policy: &Policy, caller: &Caller) -> (BTreeSet<String>, bool) {
    match (&caller.groups, caller.mode) {
        (Some(groups), Mode::IdentityPool) => (groups.iter().cloned().collect(), true),
        _ => {
            let claim = caller.claims.get(&policy.group_claim);
            (groups(claim), !is_unknown(claim))
        }
    }
}

/// §11.4: the roles in which the caller acts. Each is judged alone; one that is allowed is enough.
pub(crate) fn storage_roles(policy: &Policy, caller: &Caller) -> Vec<StorageRole> {
    match caller.mode {
        Mode::Guest => vec![StorageRole::Guest],
        Mode::Function => caller.function.iter().cloned().map(StorageRole::Function).collect(),
        Mode::UserPool | Mode::IdentityPool => {
            let held = pool_groups(policy, caller).0;
            let is = |group: &str| held.contains(group);
            let counts_as = |name: &str| held.iter().any(|group| policy.acts_as(group).any(|other| other == name));
            let known = policy.groups.iter().map(|group| group.name.as_str());
            let role = |name: &str| StorageRole::Group(name.to_owned());
            match policy.roles {
                Roles::Union => {
                    known.filter(|name| counts_as(name)).map(role).chain([StorageRole::Authenticated]).collect()
                }
                Roles::Preferred if in_a_group(policy, caller) => {
                    known.filter(|name| is(name)).take(1).map(role).collect()
                }
                Roles::Preferred => vec![StorageRole::Authenticated],
            }
        }
        _ => Vec::new(),
    }
}

fn may_touch(policy: &Policy, bucket: &Bucket, caller: &Caller, operation: Operation, key: &str) -> bool {
    let touch = Touch { policy, bucket, caller, key };
    let grants = touch.grants();
    match caller.mode {
        Mode::Iam => caller.trusted && grants.iter().any(|grant| key.starts_with(&grant.prefix)),
        _ => {
            let mut roles = storage_roles(policy, caller).into_iter();
            roles.any(|role| role_may(&grants, &role, operation.needs(), key)) && !touch.is_denied(operation.needs())
        }
    }
}

/// A prefix that a rule came to grant something on.
struct Grant {
    prefix: String,
    /// The caller's own folder: its prefix is another one's with the identity inserted.
    inserted_in: Option<String>,
    role: StorageRole,
    operations: Operations,
    /// Whether the rule is true here. One that is not still is the rule of its path.
    holds: bool,
}

/// A caller at a key.
pub(crate) struct Touch<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) bucket: &'a Bucket,
    pub(crate) caller: &'a Caller,
    pub(crate) key: &'a str,
}

impl Touch<'_> {
    fn grants(&self) -> Vec<Grant> {
        let mut all = Vec::new();
        for path in &self.bucket.paths {
            let Some((bound, certain)) = self.bind(path) else { continue };
            for rule in &path.rules {
                let holds = certain && self.guard_truth(rule) == Truth::True;
                let (prefix, inserted_in) = match (&rule.who, self.own_folder(path, &bound)) {
                    (Who::Entity, Some(folder)) => (folder, Some(bound.clone())),
                    // An identity that nobody has: the rule still is there.
                    (Who::Entity, None) => (format!("{bound}\0/"), Some(bound.clone())),
                    _ => (bound.clone(), None),
                };
                for role in self.rule_roles(rule) {
                    let (prefix, inserted_in) = (prefix.clone(), inserted_in.clone());
                    all.push(Grant { prefix, inserted_in, role, operations: rule.operations, holds });
                }
            }
        }
        all
    }

    /// Whether some deny above or at the key is not false.
    fn is_denied(&self, operation: Operations) -> bool {
        self.bucket.paths.iter().any(|path| {
            let Some((bound, _)) = self.bind(path) else { return false };
            let mut denies = path.denies.iter().filter(|deny| deny.operations.meets(operation));
            denies.any(|deny| {
                let prefix = match (&deny.who, self.identity()) {
                    (Who::Entity, Some(_)) => self.own_folder(path, &bound),
                    // An identity that nobody knows may be any.
                    _ => Some(bound.clone()),
                };
                let truth = self.who_truth(&deny.who).min(self.guard_truth(deny));
                prefix.is_some_and(|prefix| self.key.starts_with(&prefix)) && truth != Truth::False
            })
        })
    }

    /// A path with the caller's claims in it, and whether they are known: a claim that is not matches every segment,
    /// where it grants nothing. None if a claim is what another path says literally: that one is meant.
    pub(crate) fn bind(&self, path: &Path) -> Option<(String, bool)> {
        let (mut bound, mut certain) = (String::new(), true);
        let is_iam = self.caller.mode == Mode::Iam; // to whom claims say nothing
        let mut key = self.key.split('/');
        for (number, segment) in path.prefix.split_inclusive('/').enumerate() {
            let here = key.next();
            let Some((_, claim)) = path.claims.iter().find(|(at, _)| *at == number) else {
                bound += segment;
                continue;
            };
            let value = match find_claim(self.caller, claim) {
                Found::Value(Value::Text(text)) if is_segment(text) && !is_iam => text.as_str(),
                _ => {
                    certain = false;
                    here?
                }
            };
            if self.is_literal(path, number, value) {
                return None;
            }
            bound = bound + value + "/";
        }
        Some((bound, certain))
    }

    /// Whether a path with the same segments as this one up to there has this very segment in its place.
    fn is_literal(&self, path: &Path, number: usize, segment: &str) -> bool {
        let above = |of: &Path| of.prefix.split('/').take(number).map(str::to_owned).collect::<Vec<_>>();
        self.bucket.paths.iter().any(|other| {
            let is_claim = other.claims.iter().any(|(at, _)| *at == number);
            let same = other.prefix.split('/').nth(number) == Some(segment) && above(other) == above(path);
            same && !is_claim && other.prefix.split('/').count() > number + 1
        })
    }

    pub(crate) fn identity(&self) -> Option<&str> {
        self.caller.identity_id.as_deref().filter(|id| is_segment(id))
    }

    /// The caller's folder below a path. One that another path names is nobody's own, whatever identities look like.
    pub(crate) fn own_folder(&self, path: &Path, bound: &str) -> Option<String> {
        let id = self.identity()?;
        let number = path.prefix.split('/').count() - 1;
        (!self.is_literal(path, number, id)).then(|| format!("{bound}{id}/"))
    }

    /// The roles that a rule grants to. Groups that act as one that it names have its rules too.
    pub(crate) fn rule_roles(&self, rule: &Rule) -> Vec<StorageRole> {
        match &rule.who {
            Who::Guest => vec![StorageRole::Guest],
            Who::Authenticated(_) | Who::Entity => vec![StorageRole::Authenticated],
            Who::Groups { names, .. } => {
                self.policy.counting_as(names).map(|name| StorageRole::Group(name.to_owned())).collect()
            }
            Who::Function(name) => vec![StorageRole::Function(name.clone())],
            _ => Vec::new(),
        }
    }

    /// What stands beside a rule's who.
    fn guard_truth(&self, rule: &Rule) -> Truth {
        let whos = rule.and.iter().map(|who| self.who_truth(who));
        whos.chain([condition_truth(self.caller, rule)]).fold(Truth::True, Ord::min)
    }

    pub(crate) fn who_truth(&self, who: &Who) -> Truth {
        let signed_in = matches!(self.caller.mode, Mode::UserPool | Mode::IdentityPool);
        match who {
            Who::Guest => Truth::from(self.caller.mode == Mode::Guest),
            Who::Authenticated(_) | Who::Entity => Truth::from(signed_in),
            Who::Groups { names, .. } if signed_in => {
                let (held, known) = pool_groups(self.policy, self.caller);
                let counts =
                    |name: &String| held.iter().any(|group| self.policy.acts_as(group).any(|other| other == name));
                match names.iter().any(counts) {
                    true => Truth::True,
                    false if known => Truth::False,
                    false => Truth::Unknown,
                }
            }
            Who::Function(name) => {
                Truth::from(self.caller.mode == Mode::Function && self.caller.function.as_ref() == Some(name))
            }
            _ => Truth::False,
        }
    }
}

/// Whether a text is one plain segment of a key.
pub(crate) fn is_segment(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && !text.contains('/') && text.len() <= admit_runtime::MAX_CLAIM
}

/// Rules of a path replace those above it for whoever has the operation above, true or not.
fn role_may(grants: &[Grant], role: &StorageRole, operation: Operations, key: &str) -> bool {
    let of = |prefix: &str| {
        let of_role = grants.iter().filter(|grant| grant.role == *role && grant.operations.meets(operation));
        of_role.filter(|grant| grant.prefix == prefix).map(|grant| grant.holds).reduce(|one, other| one || other)
    };
    let has = |prefix: &str| of(prefix) == Some(true);
    let covers_key = |grant: &&Grant| key.starts_with(&grant.prefix);
    let denies = |child: &Grant| {
        let parent = |parent: &Grant| {
            let under = child.prefix != parent.prefix && child.prefix.starts_with(&parent.prefix);
            under && child.inserted_in.as_ref() != Some(&parent.prefix) && of(&parent.prefix).is_some()
        };
        grants.iter().any(parent) && !has(&child.prefix)
    };
    let allowed = grants.iter().filter(covers_key).any(|grant| has(&grant.prefix));
    allowed && !grants.iter().filter(covers_key).any(denies)
}

// ---- one rule at a time

/// What the parts of one rule come to: it is true if all of them are; a deny holds unless one is false.
#[derive(Clone, PartialEq, Debug)]
pub struct Parts {
    /// Its who.
    pub who: Truth,
    /// Of its groups, those that the caller is in.
    pub groups: Vec<String>,
    /// Those that must hold as well, in its order.
    pub and: Vec<Truth>,
    /// Its condition; true if it has none.
    pub condition: Truth,
}

impl Parts {
    /// What the rule comes to.
    pub fn truth(&self) -> Truth {
        self.and.iter().copied().chain([self.who, self.condition]).fold(Truth::True, Ord::min)
    }
}

/// What the parts of a rule come to here. On operations on many records: for the record that `stored` gives. `path` is
/// the one that a rule in storage stands on. `is_deny`: denies look at every spelling of an owner.
pub fn parts(policy: &Policy, question: &Question, rule: &Rule, path: Option<&Path>, is_deny: bool) -> Parts {
    let caller = &question.caller;
    let one = |truths: Truths| {
        let each = [Truth::False, Truth::Unknown, Truth::True];
        each.into_iter().find(|truth| truths.contains(*truth)).unwrap_or(Truth::Unknown)
    };
    let held = |provider: Provider, claim: &str| policy.groups_of(&caller.claims, provider, claim);
    let groups = match (&rule.who, &question.target) {
        (Who::Groups { names, .. }, Target::Storage { .. }) => {
            let held = pool_groups(policy, caller).0;
            let counts = |name: &&String| held.iter().any(|group| policy.acts_as(group).any(|other| other == *name));
            names.iter().filter(counts).cloned().collect()
        }
        (Who::Groups { names, provider, claim }, _) if provider.mode() == caller.mode => {
            let held = held(*provider, claim);
            names.iter().filter(|name| held.contains(*name)).cloned().collect()
        }
        _ => Vec::new(),
    };
    match &question.target {
        Target::Custom(..) => Parts {
            who: static_truth(policy, caller, &rule.who),
            groups,
            and: rule.and.iter().map(|who| static_truth(policy, caller, who)).collect(),
            condition: condition_truth(caller, rule),
        },
        Target::Model(name, operation) => {
            let Some(model) = policy.models.iter().find(|model| model.name == *name) else {
                return Parts { who: Truth::False, groups, and: Vec::new(), condition: Truth::Unknown };
            };
            let on = OnModel { policy, model, question, operation: *operation };
            let created = (*operation == Operation::Create).then(|| {
                let mut record = question.input.clone().unwrap_or_default();
                record.extend(on.recorded_owners());
                // What an allow comes to is what it would come to with the owner that it sets.
                if is_deny { record } else { on.with_owners_of(rule, record) }
            });
            let ground = created.as_ref().map_or_else(|| on.stored(), Ground::Record);
            let spelling = if is_deny { Spelling::Any } else { on.spelling() };
            let find = |term: &Term| on.find(term, ground);
            Parts {
                who: one(on.who_truths(&rule.who, ground, spelling)),
                groups,
                and: rule.and.iter().map(|who| one(on.who_truths(who, ground, spelling))).collect(),
                condition: rule.condition.as_ref().map_or(Truth::True, |condition| one(condition.truths(&find))),
            }
        }
        Target::Storage { bucket, key, .. } => {
            let bucket = policy.buckets.iter().find(|known| known.name == *bucket);
            let (Some(bucket), Some(path)) = (bucket, path) else {
                return Parts { who: Truth::False, groups, and: Vec::new(), condition: Truth::Unknown };
            };
            let touch = Touch { policy, bucket, caller, key };
            Parts {
                who: touch.who_here(rule, path, is_deny),
                groups,
                and: rule.and.iter().map(|who| touch.who_truth(who)).collect(),
                condition: condition_truth(caller, rule),
            }
        }
    }
}

/// Whether the caller is one whom an invariant speaks of: all of its whos, and its condition is true. An owner in any
/// spelling; on objects `entity` is the owner of the folder that the key lies in, and everybody else is judged by all
/// groups.
pub fn is_whom(policy: &Policy, question: &Question, whom: &Whom) -> bool {
    let caller = &question.caller;
    let of = |who: &Who, condition: &Option<Box<crate::condition::Condition>>| Rule {
        who: who.clone(),
        and: Vec::new(),
        operations: Operations::NONE,
        condition: condition.clone(),
        place: Place::default(),
    };
    let asked = of(&whom.who, &whom.condition);
    let condition = match &question.target {
        Target::Storage { .. } => condition_truth(caller, &asked),
        _ => parts(policy, question, &asked, None, true).condition,
    };
    let mut whos = [&whom.who].into_iter().chain(&whom.and);
    let is_all = whos.all(|who| match (who, &question.target) {
        (Who::Function(name), _) => caller.mode == Mode::Function && caller.function.as_ref() == Some(name),
        (who, Target::Storage { bucket, key, .. }) => {
            let Some(bucket) = policy.buckets.iter().find(|known| known.name == *bucket) else { return false };
            let touch = Touch { policy, bucket, caller, key };
            match who {
                Who::Entity => touch.is_own(),
                who => touch.who_truth(who) == Truth::True,
            }
        }
        (who, _) => parts(policy, question, &of(who, &None), None, true).who == Truth::True,
    });
    is_all && condition == Truth::True
}

/// Whether a path covers a key for this caller, claims put in.
pub fn covers(policy: &Policy, question: &Question, path: &Path) -> bool {
    let Target::Storage { bucket, key, .. } = &question.target else { return false };
    let Some(bucket) = policy.buckets.iter().find(|known| known.name == *bucket) else { return false };
    let touch = Touch { policy, bucket, caller: &question.caller, key };
    touch.bind(path).is_some_and(|(bound, _)| key.starts_with(&bound))
}

impl Touch<'_> {
    /// Whether the key lies in the caller's own folder.
    pub(crate) fn is_own(&self) -> bool {
        self.bucket.paths.iter().filter(|path| path.entity).any(|path| {
            let folder = self.bind(path).and_then(|(bound, certain)| self.own_folder(path, &bound).filter(|_| certain));
            folder.is_some_and(|folder| self.key.starts_with(&folder))
        })
    }

    /// Whether the rule of a path is about this caller at this key; `entity` in one's own folder only.
    fn who_here(&self, rule: &Rule, path: &Path, is_deny: bool) -> Truth {
        let Some((bound, certain)) = self.bind(path) else { return Truth::False };
        let own = || match self.own_folder(path, &bound) {
            Some(folder) => Truth::from(self.key.starts_with(&folder)),
            // A folder that another path says literally is nobody's own.
            None if self.identity().is_some() => Truth::False,
            None => Truth::Unknown,
        };
        let known = if certain { Truth::True } else { Truth::Unknown };
        let who = match &rule.who {
            _ if is_deny => self.who_truth(&rule.who),
            // Rules admit roles, of which `roles: "preferred"` leaves a caller one.
            _ => {
                let roles = storage_roles(self.policy, self.caller);
                Truth::from(self.rule_roles(rule).iter().any(|role| roles.contains(role)))
            }
        };
        let folder = if rule.who == Who::Entity { own() } else { Truth::True };
        who.min(folder).min(known)
    }
}

// ---- the definition's records, as the runtime reads them

impl admit_runtime::List for Items {
    fn len(&self) -> usize {
        self.0.len()
    }
    fn at(&self, index: usize) -> admit_runtime::Value<'_> {
        self.0.get(index).map_or(admit_runtime::Value::Absent, Value::as_runtime)
    }
}

impl Value {
    fn as_runtime(&self) -> admit_runtime::Value<'_> {
        match self {
            Value::Null => admit_runtime::Value::Null,
            Value::Bool(flag) => admit_runtime::Value::Bool(*flag),
            Value::Number(number) => admit_runtime::Value::Number(*number),
            Value::Text(text) => admit_runtime::Value::Text(text),
            Value::List(items) => admit_runtime::Value::List(items),
            Value::Object => admit_runtime::Value::Other,
        }
    }
}

/// [`Record`] as the runtime's `Fields`, so that both can be asked the same question.
pub struct AsFields<'r>(pub &'r Record);

impl admit_runtime::Fields for AsFields<'_> {
    fn get(&self, name: &str) -> admit_runtime::Value<'_> {
        self.0.get(name).map_or(admit_runtime::Value::Absent, Value::as_runtime)
    }
    fn each_key(&self, visit: &mut dyn FnMut(&str)) {
        self.0.keys().for_each(|key| visit(key));
    }
}
