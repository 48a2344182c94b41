//! The decision: which rules of the caller's mode are true here, and what they open together.
//! Always: constant memory, no panic, and a deny wherever nothing says otherwise.

use crate::asker::Asker;
use crate::cells::Resource;
use crate::decision::{Decision, Effect, Reason};
use crate::error::PrincipalError;
use crate::filter::{Filter, Spelling, What};
use crate::format::{Clause, Field, NONE, SPECIAL, field};
use crate::load::Policy;
use crate::model::Model;
use crate::principal::{Authorizer, Caller, Principal};
use crate::request::{Action, Request, Stored, Target};
use crate::value::{List, Value};
use crate::words::{Mode, Operation, Operations};

impl<'t> Policy<'t> {
    /// Decides one request. Never panics, never allocates; whatever is unknown is denied.
    ///
    /// A principal or an action of another table is denied with [`Reason::OtherTable`].
    #[inline]
    pub fn decide<'a>(&'a self, principal: &'a Principal<'a>, action: Action, request: &Request<'a>) -> Decision<'a> {
        let asked = Asked { policy: self, asker: Asker::from(principal), action, request: *request };
        let mut decision = Decision { asked, outcome: Outcome::Deny(Reason::OtherTable), effect: Effect::Deny };
        if principal.tag == self.tag {
            decision.settle();
        }
        decision
    }

    /// Decides one request of a caller of whom no other is asked: the same decision as [`Policy::principal`] and
    /// [`Policy::decide`] give, in less time than making a principal takes, since of his groups only those are looked up
    /// that the resource may know. Where several requests of one caller are decided, or rules have guards, a principal
    /// is the quicker way.
    ///
    /// ```no_run
    /// # fn load(bytes: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
    /// use admit_runtime::{Caller, Mode, Policy, Request, Value};
    /// let policy = Policy::from_bytes(bytes)?;
    /// let groups = ["EDITORS"];
    /// let claims = [("sub", Value::Text("1")), ("cognito:groups", Value::List(&groups))];
    /// let eve = Caller { claims: &claims, ..Caller::new(Mode::UserPool) };
    /// let update = policy.action("Article", "update")?;
    /// assert!(policy.decide_once(&eve, update, &Request::new())?.is_allowed());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Those of [`Policy::principal`].
    #[inline]
    pub fn decide_once<'a>(
        &'a self,
        caller: &'a Caller<'a>,
        action: Action,
        request: &Request<'a>,
    ) -> Result<Decision<'a>, PrincipalError> {
        let asker = Asker::once(self, caller)?;
        let asked = Asked { policy: self, asker, action, request: *request };
        let mut decision = Decision { asked, outcome: Outcome::Deny(Reason::OtherTable), effect: Effect::Deny };
        decision.settle();
        Ok(decision)
    }

    pub(crate) fn clauses_of(&self, resource: &Resource) -> impl ExactSizeIterator<Item = Clause> + use<'t> {
        self.clauses.run(resource.common.clauses, resource.common.clause_count)
    }
}

/// What a request comes to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Allowed outright.
    Allow,
    /// Allowed for the records that pass the filter.
    Filtered,
    /// Denied. [`Reason::Unauthorized`] may turn out to be [`Reason::Mode`] for whoever asks.
    Deny(Reason),
}

/// A request with all that belongs to it.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub policy: &'a Policy<'a>,
    pub asker: Asker<'a>,
    pub action: Action,
    pub request: Request<'a>,
}

/// A field that somebody named, as the model knows it.
pub(crate) enum Known {
    No,
    Key,
    System,
    Declared { class: usize, key: bool },
}

impl Known {
    fn of(column: &Field) -> Known {
        let key = column.flags & field::KEY != 0;
        match (column.flags & field::DECLARED != 0, key) {
            (true, key) => Known::Declared { class: usize::from(column.class), key },
            (false, true) => Known::Key,
            (false, false) => Known::System,
        }
    }
}

/// What a mutation may do on the classes of a model's fields; that of the last one is kept, since fields of a class
/// often follow one another.
struct Granted<'r, 'a> {
    asked: &'r Asked<'a>,
    model: &'r Model,
    special: Option<crate::special::Special<'a>>,
    last: Option<(u32, Operations)>,
}

impl Granted<'_, '_> {
    fn on(&mut self, resource: u32) -> Operations {
        if let Some((last, granted)) = self.last
            && last == resource
        {
            return granted;
        }
        let (asked, model) = (self.asked, self.model);
        let read = asked.policy.resource(resource);
        let granted = match asked.action.operation {
            Operation::Create => asked.granted(&read, |clause| asked.grants_create(model, clause)),
            _ => asked.granted(&read, |clause| asked.owns(clause)),
        };
        self.last = Some((resource, granted));
        granted
    }

    fn may_write(&mut self, known: Known, null: bool) -> bool {
        if let Some(special) = &self.special {
            return special.may_write(known, null);
        }
        let (whole, class) = (self.model.number, |class| self.model.class(class));
        match (known, self.asked.action.operation == Operation::Create) {
            (Known::Declared { class: at, .. }, true) => self.on(class(at)).contains(Operations::CREATE),
            (Known::Declared { class: at, key }, false) => {
                let granted = self.on(class(at));
                let update = key || granted.contains(Operations::UPDATE);
                update && (!null || granted.contains(Operations::DELETE))
            }
            // The key belongs to no field rule: setting it on create is for those who may set every field.
            (Known::Key, true) => self.on(whole).contains(Operations::CREATE),
            (Known::Key, false) => !null || self.on(whole).contains(Operations::DELETE),
            (Known::System | Known::No, _) => false,
        }
    }
}

impl Decision<'_> {
    /// Decides where it stands, so that it is moved once and not twice. The principal is of this table.
    #[inline]
    fn settle(&mut self) {
        self.outcome = match self.asked.action.tag == self.asked.policy.tag {
            true => self.asked.outcome(),
            false => Outcome::Deny(Reason::OtherTable),
        };
        let caller = self.asked.asker.caller;
        self.effect = match self.outcome {
            Outcome::Deny(_) => Effect::Deny,
            _ if caller.mode == Mode::Lambda && caller.authorizer == Authorizer::NotAsked => Effect::Ask,
            _ => Effect::Allow,
        };
    }
}

impl<'a> Asked<'a> {
    fn is_of_a_configured_mode(&self) -> bool {
        self.policy.modes & (1 << self.asker.caller.mode as u8) != 0
    }

    fn outcome(&self) -> Outcome {
        match self.action.target {
            _ if !self.is_of_a_configured_mode() => Outcome::Deny(Reason::Mode),
            Target::Model(number) => self.on_model(number),
            Target::Custom(_) | Target::Bucket(_) => self.on_others(),
        }
    }

    #[inline(never)]
    fn on_others(&self) -> Outcome {
        let allowed = match self.action.target {
            Target::Model(number) => return self.on_model(number),
            Target::Custom(number) => {
                let number = self.policy.customs.at(number as usize).head;
                let resource = self.policy.resource(number);
                match self.special(&resource, number, None) {
                    Some(special) => return special.outcome(),
                    None => self.open(&resource),
                }
            }
            Target::Bucket(_) => match self.places() {
                Some(places) => return places.outcome(),
                None => self.storage_open(),
            },
        };
        match allowed.meets(self.action.operation.needs()) {
            true => Outcome::Allow,
            false => Outcome::Deny(Reason::Unauthorized),
        }
    }

    /// Where nothing but mode and groups counts, all is decided here, without a call: most requests are of this kind.
    #[inline]
    fn on_model(&self, number: u32) -> Outcome {
        let operation = self.action.operation;
        if (self.request.fields.is_some() || self.request.input.is_some()) && self.names_unknown_fields(number) {
            return Outcome::Deny(Reason::Unknown);
        }
        let whole = self.policy.resource(number);
        if whole.common.gate & SPECIAL != 0
            && let Some(outcome) = self.on_special(&whole, number)
        {
            return outcome;
        }
        // What the model as a whole gives, each class of its fields gives.
        let (enough, some) = match operation {
            Operation::Create => (Operations::CREATE, Operations::CREATE),
            Operation::Update => (self.enough_for_update(), Operations::REPLACE),
            _ => (Operations::NONE, operation.needs()),
        };
        let writes = !enough.is_empty();
        let open = self.open_for(&whole, enough.with(some));
        let is_open = open.contains(enough) && open.meets(some);
        if is_open && (operation != Operation::Update || self.passes_update_gate(&whole)) {
            return Outcome::Allow;
        }
        let alone = whole.common.clause_count == 0 && (!writes || self.policy.model_at(number).is_one_class());
        match alone && !open.meets(some) {
            true => Outcome::Deny(Reason::Unauthorized),
            false => self.by_record_or_field(number, &whole, open),
        }
    }

    #[inline(never)]
    fn on_special(&self, whole: &Resource, number: u32) -> Option<Outcome> {
        self.special(whole, number, Some(self.policy.model_at(number))).map(|special| special.outcome())
    }

    /// What those who are not let in by mode and groups may do with this record, or these fields.
    #[inline(never)]
    fn by_record_or_field(&self, number: u32, whole: &Resource, open: Operations) -> Outcome {
        let model = self.policy.model_at(number);
        match self.action.operation {
            Operation::Create => self.create(&model, whole, open),
            Operation::Update => self.update(&model, whole, open),
            Operation::Delete => self.delete(whole, open),
            Operation::Listen => self.listen(whole),
            Operation::Get => self.get(whole),
            Operation::Relation if matches!(self.request.stored, Stored::Given(_)) => self.get(whole),
            _ => self.filtered(whole, Spelling::Any),
        }
    }

    /// What the caller's mode and groups open on a resource of the data.
    pub fn open(&self, resource: &Resource) -> Operations {
        self.open_for(resource, Operations::ALL)
    }

    /// The same; as soon as that is all of `wanted`, no more.
    #[inline]
    fn open_for(&self, resource: &Resource, wanted: Operations) -> Operations {
        let caller = self.asker.caller;
        let cells = |open: u8| self.policy.open_to(&self.asker, resource, open, wanted.0);
        Operations(match caller.mode {
            Mode::UserPool => cells(resource.common.user_pool),
            Mode::Oidc => cells(resource.common.oidc),
            Mode::ApiKey => resource.common.api_key,
            Mode::Guest => resource.common.guest,
            // A group's role has no policy for data.
            Mode::IdentityPool if self.asker.in_group(self.policy) => 0,
            Mode::IdentityPool => resource.common.identity_pool,
            Mode::Lambda if caller.authorizer == Authorizer::No => 0,
            Mode::Lambda => resource.common.lambda,
            // To be told of changes is not to read records through relations.
            Mode::Function if self.action.operation == Operation::Relation => cells(0) & !Operations::LISTEN.0,
            Mode::Function => cells(0),
            Mode::Iam if caller.trusted => u8::MAX,
            Mode::Iam => 0,
        })
    }

    pub fn whole(&self, model: &Model) -> Resource {
        self.policy.resource(model.number)
    }

    pub fn class(&self, model: &Model, class: usize) -> Resource {
        self.policy.resource(model.class(class))
    }

    fn clauses(&self, resource: &Resource) -> impl Iterator<Item = Clause> + use<'a> {
        self.policy.clauses_of(resource)
    }

    /// What the caller may do on a resource, record or input considered.
    fn granted(&self, resource: &Resource, grants: impl Fn(&Clause) -> bool) -> Operations {
        self.with_clauses(resource, self.open(resource), grants)
    }

    /// What is open, and what clauses add to it.
    #[inline]
    fn with_clauses(&self, resource: &Resource, open: Operations, grants: impl Fn(&Clause) -> bool) -> Operations {
        self.clauses(resource)
            .filter(|clause| grants(clause))
            .fold(open, |all, clause| all.with(Operations(clause.operations)))
    }

    /// Whether the caller may do some of this on some class of fields.
    fn on_some_class(&self, model: &Model, wanted: Operations, grants: impl Fn(&Clause) -> bool) -> bool {
        let mut classes = 0..model.classes() as usize;
        classes.any(|class| self.granted(&self.class(model, class), &grants).meets(wanted))
    }

    fn create(&self, model: &Model, whole: &Resource, open: Operations) -> Outcome {
        let grants = |clause: &Clause| self.grants_create(model, clause);
        if self.with_clauses(whole, open, grants).contains(Operations::CREATE) {
            return Outcome::Allow;
        }
        match !model.is_one_class() && self.on_some_class(model, Operations::CREATE, grants) {
            true => self.unless_fields_denied(model),
            false => Outcome::Deny(Reason::Unauthorized),
        }
    }

    /// Whether a rule about the record's field holds for the input, the owner recorded.
    pub fn grants_create(&self, model: &Model, clause: &Clause) -> bool {
        let Some(condition) = self.policy.condition(clause, &self.asker, Spelling::Complete) else { return false };
        if clause.kind > crate::format::clause::OWNERS {
            return self.request.input.is_some_and(|input| condition.matches(input));
        }
        match self.proposed(model, condition.field) {
            Value::Absent => condition.is_usable() && self.records(model, clause),
            value => condition.accepts(value),
        }
    }

    /// The value that the input proposes; an input left out proposes every declared field, with unknown values.
    pub fn proposed(&self, model: &Model, name: &str) -> Value<'a> {
        match self.request.input {
            Some(input) => input.get(name),
            None if matches!(self.known(model, name), Known::Declared { .. }) => Value::Other,
            None => Value::Absent,
        }
    }

    /// Whether it is this owner rule that fills its field on `create`: the first of those on that field whose
    /// claims the token has, in the order of the table.
    pub fn records(&self, model: &Model, clause: &Clause) -> bool {
        self.recording(model).find(|first| first.field == clause.field).is_some_and(|first| first.parts == clause.parts)
    }

    /// The owner rules that may create and whose claims the token has.
    pub fn recording(&self, model: &Model) -> impl Iterator<Item = Clause> + use<'a> {
        let asked = *self;
        self.clauses(&self.whole(model)).filter(move |clause| {
            let owner =
                clause.kind <= crate::format::clause::OWNERS && Operations(clause.any).meets(Operations::CREATE);
            let usable = || asked.policy.condition(clause, &asked.asker, Spelling::Complete);
            owner && usable().is_some_and(|condition| condition.is_usable())
        })
    }

    fn update(&self, model: &Model, whole: &Resource, open: Operations) -> Outcome {
        if !self.passes_update_gate(whole) {
            return Outcome::Deny(Reason::Unauthorized);
        }
        let wanted = Operations::REPLACE;
        let grants = |clause: &Clause| self.owns(clause);
        let granted = self.with_clauses(whole, open, grants);
        if granted.contains(self.enough_for_update()) {
            return Outcome::Allow;
        }
        let some = if model.is_one_class() { granted.meets(wanted) } else { self.on_some_class(model, wanted, grants) };
        if some { self.unless_fields_denied(model) } else { Outcome::Deny(Reason::Unauthorized) }
    }

    /// What is enough for an update, given on every field. A value that is set to null is deleted.
    #[inline]
    fn enough_for_update(&self) -> Operations {
        if self.request.input.is_none() { Operations::UPDATE } else { Operations::REPLACE }
    }

    /// Whether callers of this mode get as far as the rules for an update.
    pub fn passes_update_gate(&self, whole: &Resource) -> bool {
        let mode = self.asker.caller.mode;
        let gated = matches!(mode, Mode::UserPool | Mode::Oidc | Mode::ApiKey | Mode::Lambda);
        // The bits of the mode's number: `SPECIAL` is none of them.
        !gated || whole.common.gate & (1 << mode as u8) != 0
    }

    /// Whether a rule about the record's field holds for the stored record.
    fn owns(&self, clause: &Clause) -> bool {
        let Stored::Given(record) = self.request.stored else { return false };
        if let Some(holds) = self.policy.names_caller(clause, &self.asker, Spelling::Complete, record) {
            return holds;
        }
        let condition = self.policy.condition(clause, &self.asker, Spelling::Complete);
        condition.is_some_and(|condition| condition.matches(record))
    }

    fn delete(&self, whole: &Resource, open: Operations) -> Outcome {
        match self.with_clauses(whole, open, |clause| self.owns(clause)).contains(Operations::DELETE) {
            true => Outcome::Allow,
            false => Outcome::Deny(Reason::Unauthorized),
        }
    }

    pub fn unless_fields_denied(&self, model: &Model) -> Outcome {
        let mut denied = false;
        self.each_denied_field(model, &mut |_| denied = true);
        if denied { Outcome::Deny(Reason::Fields) } else { Outcome::Allow }
    }

    /// Calls `visit` with each field that `create` or `update` may not touch, as the input names them.
    pub fn each_denied_field(&self, model: &Model, visit: &mut dyn FnMut(&str)) {
        let mut granted = Granted { asked: self, model, special: self.special_model(model), last: None };
        match self.request.input {
            Some(input) => input.each_key(&mut |name| {
                if !granted.may_write(self.known(model, name), matches!(input.get(name), Value::Null)) {
                    visit(name);
                }
            }),
            None => {
                for column in self.policy.columns(model).filter(|column| column.flags & field::DECLARED != 0) {
                    if !granted.may_write(Known::of(&column), false) {
                        visit(self.policy.strings.get(column.name));
                    }
                }
            }
        }
    }

    fn get(&self, whole: &Resource) -> Outcome {
        let needs = self.action.operation.needs();
        let seen = match self.request.stored {
            Stored::Given(record) => self.passes(whole, needs, Spelling::Any, record),
            Stored::Missing => self.could_pass(whole, needs, Spelling::Any),
            Stored::NotGiven => false,
        };
        if seen { Outcome::Allow } else { Outcome::Deny(Reason::Unauthorized) }
    }

    /// Filtered, if some record could pass.
    fn filtered(&self, whole: &Resource, spelling: Spelling) -> Outcome {
        match self.could_pass(whole, self.action.operation.needs(), spelling) {
            true => Outcome::Filtered,
            false => Outcome::Deny(Reason::Unauthorized),
        }
    }

    fn listen(&self, whole: &Resource) -> Outcome {
        match self.subscribes_to_own(whole) {
            Some(true) => Outcome::Allow,
            Some(false) => Outcome::Deny(Reason::Unauthorized),
            None => self.filtered(whole, Spelling::Last),
        }
    }

    /// Whether the owner arguments of a subscription are the caller: then it needs no filter, since the argument is
    /// one. One that is somebody else is refused, whatever other rules say. None if there is no such argument.
    fn subscribes_to_own(&self, whole: &Resource) -> Option<bool> {
        let args = self.request.args?;
        let mut own = None;
        for clause in self.clauses(whole) {
            let owner = clause.kind == crate::format::clause::OWNER;
            if !owner || !Operations(clause.operations).meets(Operations::LISTEN) {
                continue;
            }
            let Some(condition) = self.policy.condition(&clause, &self.asker, Spelling::Complete) else { continue };
            let is_own = match args.get(condition.field) {
                Value::Absent | Value::Null => continue,
                Value::Text(text) => condition.is(text),
                _ => false,
            };
            own = Some(own.unwrap_or(true) && is_own);
        }
        own
    }

    /// The filter of an operation on a resource.
    pub fn filter(&self, resource: u32, spelling: Spelling) -> Filter<'a> {
        Filter { asked: *self, what: What::Clauses, resource, needs: self.action.operation.needs(), spelling }
    }

    pub fn known(&self, model: &Model, name: &str) -> Known {
        self.column(model, name).map_or(Known::No, |column| Known::of(&column))
    }

    fn column(&self, model: &Model, name: &str) -> Option<Field> {
        let name = self.policy.field_name(name)?;
        let (first, count) = (model.shape.fields, model.shape.field_count);
        let at = self.policy.fields.lower_bound(first, count, |column| column.name < name);
        let column = self.policy.fields.at(at);
        (at < (first + count) as usize && column.name == name).then_some(column)
    }

    /// Whether the request names a field, or proposes a value for one, that clients do not know.
    #[inline(never)]
    fn names_unknown_fields(&self, number: u32) -> bool {
        let (model, mut unknown) = (&self.policy.model_at(number), false);
        if let Some(fields) = self.request.fields {
            unknown = (0..fields.len()).any(|at| self.is_unknown(model, fields, at));
        }
        let writes = matches!(self.action.operation, Operation::Create | Operation::Update);
        if let (true, Some(input)) = (writes, self.request.input) {
            input.each_key(&mut |name| {
                unknown = unknown || matches!(self.known(model, name), Known::No | Known::System);
            });
        }
        unknown
    }

    fn is_unknown(&self, model: &Model, fields: &dyn List, at: usize) -> bool {
        match fields.at(at) {
            Value::Text(name) => matches!(self.known(model, name), Known::No),
            _ => true,
        }
    }
}

/// Storage.
impl Asked<'_> {
    fn storage_open(&self) -> Operations {
        let (Target::Bucket(bucket), Some(key)) = (self.action.target, self.request.key) else {
            return Operations::NONE;
        };
        match self.path(bucket, key) {
            Some(resource) => self.storage_role(&self.policy.resource(resource)),
            None => Operations::NONE,
        }
    }

    /// The resource of a key: its deepest path, and there the caller's own folder before everybody's.
    pub fn path(&self, bucket: u32, key: &str) -> Option<u32> {
        let bucket = self.policy.buckets.at(bucket as usize);
        let strings = self.policy.strings;
        let below = |node: &crate::format::Node| strings.get(node.prefix) <= key;
        let after = self.policy.nodes.lower_bound(bucket.nodes, bucket.node_count, below);
        let mut number = match after > bucket.nodes as usize {
            true => self.policy.covering(after - 1, key),
            false => NONE,
        };
        while number != NONE {
            let node = self.policy.nodes.at(number as usize);
            let rest = key.strip_prefix(strings.get(node.prefix)).unwrap_or("");
            let own = if node.mine == NONE { None } else { self.own_folder(rest) };
            if let Some(length) = own {
                let folder = key.get(..key.len() - rest.len() + length).unwrap_or(key);
                if !self.is_named(&bucket, folder) {
                    return Some(node.mine);
                }
            }
            if node.everyone != NONE {
                return Some(node.everyone);
            }
            number = node.parent;
        }
        None
    }

    /// The bytes of the caller's identity, as one whole segment with its `/`, if `rest` starts with it.
    fn own_folder(&self, rest: &str) -> Option<usize> {
        let signed_in = matches!(self.asker.caller.mode, Mode::UserPool | Mode::IdentityPool);
        let identity = self.asker.caller.identity_id.filter(|id| !matches!(*id, "" | "." | "..") && !id.contains('/'));
        let identity =
            identity.filter(|id| signed_in && rest.strip_prefix(*id).is_some_and(|rest| rest.starts_with('/')));
        identity.map(|id| id.len() + 1)
    }

    /// Whether a path names this folder, or one in it: then it is nobody's own, whatever identities look like.
    fn is_named(&self, bucket: &crate::format::Bucket, folder: &str) -> bool {
        let strings = self.policy.strings;
        let end = (bucket.nodes + bucket.node_count) as usize;
        let before = |node: &crate::format::Node| strings.get(node.prefix) < folder;
        let at = self.policy.nodes.lower_bound(bucket.nodes, bucket.node_count, before);
        at < end && strings.get(self.policy.nodes.at(at).prefix).starts_with(folder)
    }

    fn storage_role(&self, resource: &Resource) -> Operations {
        let caller = self.asker.caller;
        let cells = |open: u8| self.policy.open_to(&self.asker, resource, open, self.action.operation.needs().0);
        Operations(match caller.mode {
            Mode::Guest => resource.common.guest,
            Mode::Function => cells(0),
            Mode::Iam if caller.trusted => u8::MAX,
            Mode::UserPool | Mode::IdentityPool if !self.policy.preferred => cells(resource.common.identity_pool),
            Mode::UserPool | Mode::IdentityPool if self.asker.in_group(self.policy) => self
                .asker
                .preferred(self.policy)
                .map_or(0, |class| self.policy.cells.one(&resource.head, class, self.action.operation.needs().0)),
            Mode::UserPool | Mode::IdentityPool => resource.common.identity_pool,
            _ => 0,
        })
    }
}

/// Whether a storage key is plain: no empty, `.` or `..` segment, no backslash, no NUL. Keys are compared byte for
/// byte, as S3 does, so a host that resolves paths asks this first.
///
/// ```
/// assert!(admit_runtime::is_plain_key("drafts/a/b.md"));
/// assert!(!admit_runtime::is_plain_key("drafts/../secret"));
/// ```
pub fn is_plain_key(key: &str) -> bool {
    let folder = key.strip_suffix('/').unwrap_or(key);
    !key.contains(['\\', '\0']) && folder.split('/').all(|segment| !matches!(segment, "" | "." | ".."))
}
