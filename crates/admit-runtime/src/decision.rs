//! What a decision says: the effect, and on demand the reason, the fields, the owner to record and the filter.
//! Always: nothing is stored; each answer is worked out from the request when it is asked for.

use crate::cells::Resource;
use crate::decide::{Asked, Known, Outcome};
use crate::filter::{Condition, Filter, Spelling, Wanted, What};
use crate::format::{Clause, field};
use crate::model::Model;
use crate::request::{Stored, Target};
use crate::value::{Fields, Overlay, Value};
use crate::words::{Mode, Operation, Operations};

/// What a request comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Go ahead (for `list` and its like: with the filter, if there is one).
    Allow,
    /// Do not.
    Deny,
    /// Ask the host's authorizer; its yes allows this, its no denies it.
    Ask,
}

/// Why a request is denied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// No rule for callers of this mode gives the operation.
    Mode,
    /// There are rules for this mode, but none that is true for this caller and record.
    Unauthorized,
    /// A rule for this caller would allow it if its condition were true ([`Decision::failing`]).
    Condition,
    /// A rule allows it, and a deny takes it away.
    Denied,
    /// Some of the fields may not be written ([`Decision::each_denied_field`]).
    Fields,
    /// A field that the model does not have, or that clients cannot write.
    Unknown,
    /// The principal or the action belongs to another table.
    OtherTable,
}

impl Reason {
    /// The reason's name in answers: `unauthorized`, …
    pub const fn name(self) -> &'static str {
        match self {
            Reason::Mode => "mode",
            Reason::Unauthorized => "unauthorized",
            Reason::Condition => "condition",
            Reason::Denied => "deny-rule",
            Reason::Fields => "fields",
            Reason::Unknown => "unknown",
            Reason::OtherTable => "other-table",
        }
    }
}

/// Whether a field of the answer may be shown.
#[allow(clippy::large_enum_variant)] // there is no allocator to box with
#[derive(Clone, Copy)]
pub enum Shown<'a> {
    /// In every record that the decision allows.
    Always,
    /// In none: blank it.
    Never,
    /// In the records that pass this filter.
    If(Filter<'a>),
}

/// The answer to one request.
#[derive(Clone, Copy)]
pub struct Decision<'a> {
    pub(crate) asked: Asked<'a>,
    pub(crate) outcome: Outcome,
    pub(crate) effect: Effect,
}

impl core::fmt::Debug for Decision<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:?}", self.effect)?;
        self.reason().map_or(Ok(()), |reason| write!(f, "({})", reason.name()))
    }
}

impl<'a> Decision<'a> {
    /// Allow, deny, or ask.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// Whether the effect is [`Effect::Allow`]. Then a [`Decision::filter`] may still narrow which records.
    pub fn is_allowed(&self) -> bool {
        self.effect == Effect::Allow
    }

    /// Why not, if it is denied.
    pub fn reason(&self) -> Option<Reason> {
        match self.outcome {
            Outcome::Deny(Reason::Unauthorized) if self.is_taken() => Some(Reason::Denied),
            Outcome::Deny(Reason::Unauthorized) if !self.mode_has_rules() => Some(Reason::Mode),
            Outcome::Deny(Reason::Unauthorized) if self.fails_by_condition() => Some(Reason::Condition),
            Outcome::Deny(reason) => Some(reason),
            _ => None,
        }
    }

    /// `list`, `sync`, `search`, `listen`, `relation`: the condition on records. None means every record.
    pub fn filter(&self) -> Option<Filter<'a>> {
        let listens = self.asked.action.operation == Operation::Listen;
        let spelling = if listens { Spelling::Last } else { Spelling::Any };
        match (self.outcome, self.model()) {
            (Outcome::Filtered, Some(_)) if self.special().is_some() => {
                self.special().map(|special| special.filter(What::Records))
            }
            (Outcome::Filtered, Some(model)) => Some(self.asked.filter(model.number, spelling)),
            _ => None,
        }
    }

    /// Calls `visit` with each field that was refused, if the reason is [`Reason::Fields`] or [`Reason::Unknown`].
    pub fn each_denied_field(&self, visit: &mut dyn FnMut(&str)) {
        let Some(model) = self.model() else { return };
        match self.outcome {
            Outcome::Deny(Reason::Fields) => self.asked.each_denied_field(&model, visit),
            Outcome::Deny(Reason::Unknown) => self.each_unknown_field(&model, visit),
            _ => (),
        }
    }

    fn each_unknown_field(&self, model: &Model, visit: &mut dyn FnMut(&str)) {
        if let Some(fields) = self.asked.request.fields {
            for at in 0..fields.len() {
                match fields.at(at) {
                    Value::Text(name) if matches!(self.asked.known(model, name), Known::No) => visit(name),
                    _ => (),
                }
            }
        }
        if let (true, Some(input)) = (self.writes(), self.asked.request.input) {
            input.each_key(&mut |name| {
                if matches!(self.asked.known(model, name), Known::No | Known::System) {
                    visit(name);
                }
            });
        }
    }

    /// `create`: calls `visit` with each owner field that the host must record, whether it is a list of owners, and
    /// the owner in pieces to be joined (`["sub", "::", "name"]`).
    pub fn each_recorded_owner(&self, visit: &mut dyn FnMut(&str, bool, &[&str])) {
        let (Some(model), Operation::Create) = (self.model(), self.asked.action.operation) else { return };
        if self.effect == Effect::Deny {
            return;
        }
        if let Some(special) = self.special() {
            return special.each_recorded_owner(visit);
        }
        for clause in self.asked.recording(&model).filter(|clause| self.is_recorded(&model, clause)) {
            let condition = self.asked.policy.condition(&clause, &self.asked.asker, Spelling::Complete);
            if let Some(Condition { field, many, wanted: Wanted::Identity(identity) }) = condition {
                let (pieces, count) = identity.joined();
                visit(field, many, &pieces[..count]);
            }
        }
    }

    fn is_recorded(&self, model: &Model, clause: &Clause) -> bool {
        let name = self.asked.policy.strings.get(clause.field);
        matches!(self.asked.proposed(model, name), Value::Absent) && self.asked.records(model, clause)
    }

    /// Whether a field of the records that this decision is about may be shown to the caller. For a mutation: of
    /// the record as it stands afterwards (for `delete`, as it stood).
    pub fn field(&self, name: &str) -> Shown<'a> {
        let Some(model) = self.model().filter(|_| self.effect != Effect::Deny) else { return Shown::Never };
        let known = self.asked.known(&model, name);
        if let Some(special) = self.special() {
            let class = match known {
                Known::No => return Shown::Never,
                Known::Declared { class, .. } => Some(class),
                Known::Key | Known::System => None,
            };
            return match special.shows_field_now(class) {
                Some(true) => Shown::Always,
                Some(false) => Shown::Never,
                None if class.is_none() => Shown::Always,
                None => Shown::If(special.filter(What::Field(class))),
            };
        }
        if matches!(known, Known::No) || (self.is_mutation() && !self.may_get_back(&model)) {
            return Shown::Never;
        }
        match known {
            Known::Declared { class, .. } => self.class_shown(&model, class),
            _ => Shown::Always,
        }
    }

    /// Calls `visit` with each field asked for (every field of the model, if none was named) and whether it may
    /// be shown.
    pub fn each_field(&self, visit: &mut dyn FnMut(&str, Shown<'a>)) {
        let Some(model) = self.model() else { return };
        match self.asked.request.fields {
            Some(fields) => {
                for at in 0..fields.len() {
                    if let Value::Text(name) = fields.at(at) {
                        visit(name, self.field(name));
                    }
                }
            }
            None => {
                for column in self.asked.policy.columns(&model) {
                    let name = self.asked.policy.strings.get(column.name);
                    visit(name, self.field(name));
                }
            }
        }
    }

    /// Whether the model has field rules, so that [`Decision::field`] may differ from field to field.
    pub fn has_field_rules(&self) -> bool {
        self.model().is_some_and(|model| model.classes() > 1)
    }

    /// Whether the policy declares the field on the model asked about; keys, time stamps and implicit owners may
    /// be undeclared.
    pub fn is_declared(&self, name: &str) -> bool {
        self.model().is_some_and(|model| matches!(self.asked.known(&model, name), Known::Declared { .. }))
    }

    /// Calls `visit` with every declared field of the model asked about.
    pub fn each_declared_field(&self, visit: &mut dyn FnMut(&str)) {
        let Some(model) = self.model() else { return };
        let declared = |column: &crate::format::Field| column.flags & field::DECLARED != 0;
        for column in self.asked.policy.columns(&model).filter(declared) {
            visit(self.asked.policy.strings.get(column.name));
        }
    }

    /// What there is to judge rule by rule, if there is something.
    pub(crate) fn special(&self) -> Option<crate::special::Special<'a>> {
        match self.asked.action.target {
            _ if self.outcome == Outcome::Deny(Reason::OtherTable) => None,
            Target::Model(_) => self.model().and_then(|model| self.asked.special_model(&model)),
            Target::Custom(number) => {
                let number = self.asked.policy.customs.at(number as usize).head;
                self.asked.special(&self.asked.policy.resource(number), number, None)
            }
            Target::Bucket(_) => None,
        }
    }

    /// Whether a deny takes what some allow gives.
    fn is_taken(&self) -> bool {
        self.special().is_some_and(|special| special.is_taken())
            || (self.outcome != Outcome::Deny(Reason::OtherTable)
                && self.asked.places().is_some_and(|places| places.is_taken()))
    }

    fn fails_by_condition(&self) -> bool {
        self.special().is_some_and(|special| special.fails_by_condition())
            || self.asked.places().is_some_and(|places| places.fails_by_condition())
    }

    pub(crate) fn model(&self) -> Option<Model> {
        match self.asked.action.target {
            Target::Model(number) if self.outcome != Outcome::Deny(Reason::OtherTable) => {
                Some(self.asked.policy.model_at(number))
            }
            _ => None,
        }
    }

    fn is_mutation(&self) -> bool {
        matches!(self.asked.action.operation, Operation::Create | Operation::Update | Operation::Delete)
    }

    fn is_of_one_record(&self) -> bool {
        matches!(self.asked.action.operation, Operation::Get | Operation::Relation)
    }

    fn writes(&self) -> bool {
        matches!(self.asked.action.operation, Operation::Create | Operation::Update)
    }

    fn class_shown(&self, model: &Model, class: usize) -> Shown<'a> {
        let resource = self.asked.class(model, class);
        let needs = if self.is_mutation() { Operations::GET } else { self.asked.action.operation.needs() };
        if Operations(resource.common.shown).contains(needs) || self.asked.open(&resource).meets(needs) {
            return Shown::Always;
        }
        if self.is_mutation() {
            return self.by_record(|| self.mutated_matches(&resource, Spelling::Complete));
        }
        let filter = self.asked.filter(model.class(class), Spelling::Complete);
        match self.asked.request.stored {
            Stored::Given(record) if self.is_of_one_record() => self.by_record(|| filter.matches(record)),
            _ if filter.conditions().next().is_none() => Shown::Never,
            _ => Shown::If(filter),
        }
    }

    fn by_record(&self, matches: impl Fn() -> bool) -> Shown<'a> {
        if matches() { Shown::Always } else { Shown::Never }
    }

    /// Whether the caller of a mutation may read the record that it leaves behind.
    fn may_get_back(&self, model: &Model) -> bool {
        let whole = self.asked.whole(model);
        self.asked.open(&whole).meets(Operations::GET) || self.mutated_matches(&whole, Spelling::Any)
    }

    /// Whether a rule that gives `get` on the resource names the caller in the record as it stands afterwards.
    fn mutated_matches(&self, resource: &Resource, spelling: Spelling) -> bool {
        let gets = |clause: &Clause| Operations(clause.operations).meets(Operations::GET);
        let request = &self.asked.request;
        let input: &dyn Fields = request.input.unwrap_or(&());
        let clauses = self.asked.policy.clauses_of(resource).filter(gets);
        let mut clauses =
            clauses.filter_map(|clause| self.asked.policy.condition(&clause, &self.asked.asker, spelling));
        match (self.asked.action.operation, request.stored) {
            (Operation::Create, _) => {
                clauses.any(|condition| condition.matches(input) || self.recorded_meets(&condition))
            }
            (Operation::Update, Stored::Given(record)) => {
                clauses.any(|condition| condition.matches(&Overlay { over: input, under: record }))
            }
            (_, Stored::Given(record)) => clauses.any(|condition| condition.matches(record)),
            _ => false,
        }
    }

    /// Whether the owner that `create` records meets a condition on that field.
    fn recorded_meets(&self, condition: &Condition<'_>) -> bool {
        let mut meets = false;
        self.each_recorded_owner(&mut |field, many, recorded| {
            if field == condition.field && many == condition.many {
                condition.each_value(&mut |value| meets = meets || same_text(value, recorded));
            }
        });
        meets
    }

    /// Whether any rule for callers of this mode gives the operation on the resource.
    fn mode_has_rules(&self) -> bool {
        if let Some(special) = self.special() {
            return special.mode_has_rules();
        }
        let policy = &self.asked.policy;
        let resource = match self.asked.action.target {
            Target::Model(number) => number,
            Target::Custom(number) => policy.customs.at(number as usize).head,
            Target::Bucket(bucket) => {
                let key = self.asked.request.key.unwrap_or("");
                if self.asked.places().is_some() {
                    return true;
                }
                match self.asked.path(bucket, key) {
                    Some(resource) => resource,
                    None => return true,
                }
            }
        };
        // Rules of single fields give create and update too, and only their class says so.
        let classes = |model: Model| (0..model.classes() as usize).any(|at| self.mode_has_rules_on(model.class(at)));
        self.mode_has_rules_on(resource) || self.model().is_some_and(classes)
    }

    fn mode_has_rules_on(&self, resource: u32) -> bool {
        let policy = &self.asked.policy;
        let resource = policy.resource(resource);
        let needs = self.asked.action.operation.needs();
        let storage = matches!(self.asked.action.target, Target::Bucket(_));
        let (own, provider) = match self.asked.asker.caller.mode {
            Mode::UserPool | Mode::IdentityPool if storage => (resource.common.identity_pool, Some(0)),
            Mode::UserPool => (resource.common.user_pool, Some(0)),
            Mode::Oidc => (resource.common.oidc, Some(1)),
            Mode::ApiKey => (resource.common.api_key, None),
            Mode::Guest => (resource.common.guest, None),
            Mode::IdentityPool => (resource.common.identity_pool, None),
            Mode::Lambda => (resource.common.lambda, None),
            Mode::Function => (0, Some(crate::format::FUNCTIONS)),
            Mode::Iam => (0, None),
        };
        Operations(own).meets(needs)
            || provider.is_some_and(|provider| {
                self.asked
                    .policy
                    .clauses_of(&resource)
                    .any(|clause| u32::from(clause.provider) == provider && Operations(clause.any).meets(needs))
                    || policy.has_cell_of(&resource, provider, needs)
            })
    }
}

/// Whether two texts in pieces are one text.
fn same_text(a: &[&str], b: &[&str]) -> bool {
    let bytes = |pieces: &'_ [&str]| -> usize { pieces.iter().map(|piece| piece.len()).sum() };
    bytes(a) == bytes(b) && a.iter().flat_map(|piece| piece.bytes()).eq(b.iter().flat_map(|piece| piece.bytes()))
}
