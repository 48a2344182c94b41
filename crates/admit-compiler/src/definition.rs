//! What a policy means: a plain walk over its rules, one request at a time. Slow, obvious, never optimised.
//! Always: decision tables must agree with this on every request; the property tests hold them to it. The section
//! numbers are those of the observations of the real Amplify stack that `docs/semantics.md` retells.

use crate::matrix::{Dynamic, DynamicKind, Role, roles};
use crate::policy::{Bucket, CustomOperation, Field, Model, Path, Policy, Roles, Rule, Who};
use admit_runtime::{Authorizer, Mode, Operation, Operations};
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
    if !policy.admits(caller.mode) {
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
#[derive(Clone, Copy, PartialEq)]
enum Spelling {
    Any,
    Complete,
    Last,
    Whole,
}

struct OnModel<'a> {
    policy: &'a Policy,
    model: &'a Model,
    question: &'a Question,
    operation: Operation,
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
            Operation::Listen if !self.is_open() && self.subscribes_to_own().is_some() => {
                Answer::of(self.subscribes_to_own() == Some(true))
            }
            _ => Answer::of(self.is_open() || self.dynamic_readers().iter().any(|role| self.usable(role))),
        }
    }

    fn is_iam(&self) -> bool {
        self.question.caller.mode == Mode::Iam
    }

    // ---- the matrix (§3.4)

    /// Every role of the model, by its own rules and its fields'.
    fn roles(&self) -> BTreeSet<Role> {
        let fields = self.model.fields.iter().flat_map(|field| &field.rules);
        self.model.rules.iter().chain(fields).flat_map(|rule| roles(&rule.who)).collect()
    }

    /// can(role, field, ·): a field with rules has no others.
    fn can(&self, role: &Role, field: Option<&Field>) -> Operations {
        let own = field.map(|field| &field.rules).filter(|rules| !rules.is_empty());
        let rules = own.unwrap_or(&self.model.rules);
        let mine = rules.iter().filter(|rule| roles(&rule.who).contains(role));
        mine.fold(Operations::NONE, |all, rule| all.with(rule.operations))
    }

    /// What a role is shown of a field: one that may get records on some field, and read this one in some way, is
    /// shown it in every way (§6); one that may only list records, as its rules say (§16).
    fn displays(&self, role: &Role, field: Option<&Field>) -> Operations {
        let own = self.can(role, field);
        match own.meets(Operations::READ) && self.on_some_field(role, Operations::GET) {
            true => own.with(Operations::READ),
            false => own,
        }
    }

    /// The declared fields; a model without any is judged as if it had one without rules.
    fn fields(&self) -> Vec<Option<&Field>> {
        match self.model.fields.is_empty() {
            true => vec![None],
            false => self.model.fields.iter().map(Some).collect(),
        }
    }

    fn on_some_field(&self, role: &Role, operation: Operations) -> bool {
        self.fields().into_iter().any(|field| self.can(role, field).meets(operation))
    }

    fn on_every_field(&self, role: &Role, operation: Operations) -> bool {
        self.fields().into_iter().all(|field| self.can(role, field).meets(operation))
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
                DynamicKind::Group => values.extend(groups(claims.get(&role.claim[0]))),
            }
        }
        Condition { field: role.field.clone(), list: role.list, values }
    }

    // ---- reads (§4.1, §7, §10)

    /// Whether some role that needs no record gives the operation on some field.
    fn is_open(&self) -> bool {
        let needs = self.operation.needs();
        self.roles().iter().any(|role| self.has_role(role) && self.on_some_field(role, needs))
    }

    fn dynamic_readers(&self) -> Vec<Dynamic> {
        let reads = |role: Role| match role {
            Role::Dynamic(dynamic) => {
                self.on_some_field(&Role::Dynamic(dynamic.clone()), self.operation.needs()).then_some(dynamic)
            }
            _ => None,
        };
        self.roles().into_iter().filter_map(reads).collect()
    }

    /// §7: an owner argument of a subscription must be the caller, and then is filter enough.
    fn subscribes_to_own(&self) -> Option<bool> {
        let mut own = None;
        for role in self.dynamic_readers() {
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
        let is_caller = |role: &Dynamic| self.reading(role).holds(record);
        self.is_iam()
            || self.function_may(self.operation.needs())
            || self.is_open()
            || (self.operation == Operation::Listen && self.subscribes_to_own() == Some(true))
            || self.dynamic_readers().iter().any(is_caller)
    }

    fn get(&self) -> Answer {
        let readers = self.dynamic_readers();
        Answer::of(
            self.is_open()
                || match &self.question.stored {
                    Stored::Given(record) => readers.iter().any(|role| self.reading(role).holds(record)),
                    Stored::Missing => readers.iter().any(|role| self.usable(role)),
                    Stored::NotGiven => false,
                },
        )
    }

    /// §6 with §16: a field is shown if some role that matches the record has the operation on it. Where every role
    /// with the operation has it on this field, whoever has the record matches.
    fn shows_field(&self, record: &Record, name: &str) -> bool {
        let mutation = matches!(self.operation, Operation::Create | Operation::Update | Operation::Delete);
        let needs = if mutation { Operations::GET } else { self.operation.needs() };
        if self.is_iam() || self.function_may(needs) {
            return self.is_known(name);
        }
        let reads = |role: &Role, field: Option<&Field>, spelling: Spelling| {
            self.displays(role, field).meets(needs) && self.matches(role, record, spelling)
        };
        let roles = self.roles();
        let gets_back =
            || self.fields().into_iter().any(|field| roles.iter().any(|role| reads(role, field, Spelling::Any)));
        if !self.is_known(name) || (mutation && !gets_back()) {
            return false;
        }
        let Some(field) = self.model.fields.iter().find(|field| field.name == name) else { return true };
        self.is_open_to_readers(field, needs) || roles.iter().any(|role| reads(role, Some(field), Spelling::Complete))
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

    fn is_open_to_readers(&self, field: &Field, needs: Operations) -> bool {
        let each = [Operations::GET, Operations::LIST, Operations::LISTEN, Operations::SYNC, Operations::SEARCH];
        each.into_iter().filter(|read| needs.meets(*read)).all(|read| {
            let everyone = |mode| self.displays(&Role::Everyone(mode), Some(field)).meets(read);
            self.roles().iter().filter(|role| self.on_some_field(role, read)).all(|role| {
                let covered = matches!(role.mode(), Mode::UserPool | Mode::Oidc) && everyone(role.mode());
                covered || self.displays(role, Some(field)).meets(read)
            })
        })
    }

    // ---- writes (§4.2 – §4.4)

    fn create(&self) -> Answer {
        let input = &self.question.input;
        let mut owners = Record::new();
        let (mut everything, mut some) = (false, BTreeSet::new());
        for role in self.roles() {
            if !self.on_some_field(&role, Operations::CREATE) {
                continue;
            }
            let grants = match &role {
                Role::Dynamic(dynamic) if dynamic.kind == DynamicKind::Owner => self.owner_grants(dynamic, &mut owners),
                Role::Dynamic(dynamic) => {
                    let condition = self.condition(dynamic, Spelling::Complete);
                    input.as_ref().is_some_and(|input| condition.holds(input))
                }
                _ => self.has_role(&role),
            };
            if grants {
                everything |= self.on_every_field(&role, Operations::CREATE);
                some.extend(self.names_with(&role, Operations::CREATE));
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

    /// Whether an owner rule holds for the input. Where the input leaves the owner out, the caller becomes it; of
    /// several rules on one field, the first whose claims the token has says how.
    fn owner_grants(&self, role: &Dynamic, owners: &mut Record) -> bool {
        let claims = &self.question.caller.claims;
        let condition = self.condition(role, Spelling::Complete);
        if condition.values.is_empty() {
            return false;
        }
        let declared = self.model.fields.iter().any(|field| field.name == role.field);
        match &self.question.input {
            Some(input) if input.contains_key(&role.field) => condition.holds(input),
            None if declared => false,
            _ if owners.contains_key(&role.field) => false,
            _ => {
                let whole = whole_owner(claims, &role.claim).map(Value::Text);
                let whole = whole.map(|whole| if role.list { Value::List(Items(vec![whole])) } else { whole });
                owners.extend(whole.map(|whole| (role.field.clone(), whole)));
                true
            }
        }
    }

    fn names_with(&self, role: &Role, operation: Operations) -> BTreeSet<String> {
        let has = |field: &&Field| self.can(role, Some(*field)).meets(operation);
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
        let (mut matched, mut updates, mut deletes) = (false, BTreeSet::new(), BTreeSet::new());
        let (mut every_update, mut every_delete) = (false, false);
        for role in self.roles().iter().filter(|role| self.holds_now(role)) {
            let (update, delete) = (Operations::UPDATE, Operations::DELETE);
            matched |= self.on_some_field(role, update) || self.on_some_field(role, delete);
            every_update |= self.on_every_field(role, update);
            every_delete |= self.on_every_field(role, delete);
            updates.extend(self.names_with(role, update));
            deletes.extend(self.names_with(role, delete));
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

    /// §4, check (c), and the last lines of §4.3. The identity pool always passes it.
    fn passes_update_gate(&self) -> bool {
        let mode = self.question.caller.mode;
        let roles = self.roles();
        let mut updaters = roles.iter().filter(|role| self.on_some_field(role, Operations::UPDATE)).peekable();
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
        let deletes = |role: &Role| self.on_every_field(role, Operations::DELETE) && self.holds_now(role);
        Answer::of(self.roles().iter().any(deletes))
    }

    // ---- names

    fn is_known(&self, name: &str) -> bool {
        let implied = self.roles().into_iter().any(|role| match role {
            Role::Dynamic(role) => role.kind == DynamicKind::Owner && role.field == name,
            _ => false,
        });
        self.is_writable(name) || implied || name == "createdAt" || name == "updatedAt"
    }

    fn is_writable(&self, name: &str) -> bool {
        let declared = self.model.fields.iter().any(|field| field.name == name);
        declared || self.model.identifier.iter().any(|key| key == name)
    }

    fn names_unknown_fields(&self) -> bool {
        !self.unknown_fields().is_empty()
    }

    fn unknown_fields(&self) -> BTreeSet<String> {
        let writes = matches!(self.operation, Operation::Create | Operation::Update);
        let input = self.question.input.iter().filter(|_| writes).flat_map(|input| input.keys());
        input.filter(|name| !self.is_writable(name)).cloned().collect()
    }

    // ---- functions (§8)

    fn function_may(&self, needs: Operations) -> bool {
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
            caller.mode == provider.mode() && groups(caller.claims.get(claim)).contains(name)
        }
        Role::Dynamic(_) => false,
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

fn whole_owner(claims: &Record, parts: &[String]) -> Option<String> {
    let parts: Option<Vec<String>> = parts.iter().map(|part| identity(claims, part)).collect();
    Some(parts?.join("::"))
}

/// A claim of an identity; an empty one is nobody's. `username` stands under another name in ID tokens.
fn identity(claims: &Record, name: &str) -> Option<String> {
    let text = |name: &str| match claims.get(name) {
        Some(Value::Text(text)) if !text.is_empty() => Some(text.clone()),
        _ => None,
    };
    if name == "username" { text(name).or_else(|| text("cognito:username")) } else { text(name) }
}

/// The claim of the user pool's groups as far as it is known: a claim that is neither list nor string is unknown,
/// and then the caller counts as in some group.
fn in_a_group(policy: &Policy, caller: &Caller) -> bool {
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
fn may_call(policy: &Policy, custom: &CustomOperation, caller: &Caller) -> bool {
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
            let mut all = custom.rules.iter().flat_map(|rule| roles(&rule.who));
            all.any(|role| has_static_role(policy, caller, &role))
        }
    }
}

// ---- storage (§11.3, §11.4)

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum StorageRole {
    Guest,
    Authenticated,
    Group(String),
    Function(String),
}

/// §11.4: the roles in which the caller acts. Each is judged alone; one that is allowed is enough.
fn storage_roles(policy: &Policy, caller: &Caller) -> Vec<StorageRole> {
    match caller.mode {
        Mode::Guest => vec![StorageRole::Guest],
        Mode::Function => caller.function.iter().cloned().map(StorageRole::Function).collect(),
        Mode::UserPool | Mode::IdentityPool => {
            let claimed = groups(caller.claims.get(&policy.group_claim));
            let held: BTreeSet<String> = match (&caller.groups, caller.mode) {
                (Some(groups), Mode::IdentityPool) => groups.iter().cloned().collect(),
                _ => claimed,
            };
            let known = policy.groups.iter().filter(|group| held.contains(&group.name));
            let groups = known.map(|group| StorageRole::Group(group.name.clone()));
            match policy.roles {
                Roles::Union => groups.chain([StorageRole::Authenticated]).collect(),
                Roles::Preferred if in_a_group(policy, caller) => groups.take(1).collect(),
                Roles::Preferred => vec![StorageRole::Authenticated],
            }
        }
        _ => Vec::new(),
    }
}

fn may_touch(policy: &Policy, bucket: &Bucket, caller: &Caller, operation: Operation, key: &str) -> bool {
    let grants: Vec<Grant> = bucket.paths.iter().flat_map(|path| grants(bucket, path, caller)).collect();
    match caller.mode {
        Mode::Iam => caller.trusted && grants.iter().any(|grant| key.starts_with(&grant.prefix)),
        _ => storage_roles(policy, caller).iter().any(|role| role_may(&grants, role, operation.needs(), key)),
    }
}

/// A prefix that a rule came to grant something on.
struct Grant {
    prefix: String,
    /// The caller's own folder: its prefix is another one's with the identity inserted.
    inserted_in: Option<String>,
    role: StorageRole,
    operations: Operations,
}

fn grants(bucket: &Bucket, path: &Path, caller: &Caller) -> Vec<Grant> {
    let mut all = Vec::new();
    // A folder that another path names is nobody's own, whatever identities look like.
    let is_named = |folder: &str| bucket.paths.iter().any(|other| other.prefix.starts_with(folder));
    for rule in &path.rules {
        let identity = caller.identity_id.as_ref();
        let identity = identity.filter(|id| !matches!(id.as_str(), "" | "." | "..") && !id.contains('/'));
        let (prefix, inserted_in) = match (&rule.who, identity) {
            (Who::Entity, Some(id)) if !is_named(&format!("{}{id}/", path.prefix)) => {
                (format!("{}{id}/", path.prefix), Some(path.prefix.clone()))
            }
            // An identity that nobody has: the rule still is there.
            (Who::Entity, _) => (format!("{}\0/", path.prefix), Some(path.prefix.clone())),
            _ => (path.prefix.clone(), None),
        };
        for role in rule_roles(rule) {
            let (prefix, inserted_in) = (prefix.clone(), inserted_in.clone());
            all.push(Grant { prefix, inserted_in, role, operations: rule.operations });
        }
    }
    all
}

fn rule_roles(rule: &Rule) -> Vec<StorageRole> {
    match &rule.who {
        Who::Guest => vec![StorageRole::Guest],
        Who::Authenticated(_) | Who::Entity => vec![StorageRole::Authenticated],
        Who::Groups { names, .. } => names.iter().cloned().map(StorageRole::Group).collect(),
        Who::Function(name) => vec![StorageRole::Function(name.clone())],
        _ => Vec::new(),
    }
}

fn role_may(grants: &[Grant], role: &StorageRole, operation: Operations, key: &str) -> bool {
    let has = |prefix: &str| {
        grants.iter().any(|grant| grant.prefix == prefix && grant.role == *role && grant.operations.meets(operation))
    };
    let covers_key = |grant: &&Grant| key.starts_with(&grant.prefix);
    let denies = |child: &Grant| {
        let parent = |parent: &Grant| {
            let under = child.prefix != parent.prefix && child.prefix.starts_with(&parent.prefix);
            under && child.inserted_in.as_ref() != Some(&parent.prefix) && has(&parent.prefix)
        };
        grants.iter().any(parent) && !has(&child.prefix)
    };
    let allowed = grants.iter().filter(covers_key).any(|grant| has(&grant.prefix));
    allowed && !grants.iter().filter(covers_key).any(denies)
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
