//! Models and custom operations whose rules have guards (`.and`, `.when`), or that have denies: their rules are judged
//! one by one, for each role of the caller.
//! Always: as the plain resources are, in constant memory; a guard that is unknown helps nobody.

use crate::cells::Resource;
use crate::decide::{Asked, Known, Outcome};
use crate::decision::Reason;
use crate::filter::{Condition, Filter, Spelling, Wanted, What};
use crate::format::{self, Clause, Grant, NONE, SPECIAL, Term, Who, clause, source, subject};
use crate::model::Model;
use crate::principal::Authorizer;
use crate::program::{Answer, Counts, Find, Read, Text, Truth};
use crate::request::{Stored, Target};
use crate::value::{Fields, Overlay, Value};
use crate::words::{Mode, Operation, Operations};

/// The record that rules are judged on.
#[derive(Clone, Copy)]
pub(crate) enum Ground<'r> {
    /// One that is not known yet.
    Any,
    /// None was given.
    None,
    /// This one.
    Record(&'r dyn Fields),
    /// `create`: the input, with the owners that are recorded. Without an input it holds nothing.
    Created,
    /// `create`, as it then stands: an input left out is empty.
    After,
    /// `create`: the input, with the owners that this rule would record.
    Proposed(Grant),
}

/// A model or custom operation with guarded rules or denies.
#[derive(Clone, Copy)]
pub(crate) struct Special<'a> {
    asked: Asked<'a>,
    special: format::Special,
    /// None for a custom operation.
    model: Option<Model>,
    /// When an allow counts.
    gives: Counts,
}

impl<'a> Asked<'a> {
    /// What there is to judge rule by rule on a resource, if there is something. Functions and IAM callers are not judged
    /// by rules.
    #[inline]
    pub fn special(&self, resource: &Resource, number: u32, model: Option<Model>) -> Option<Special<'a>> {
        let judged =
            resource.common.gate & SPECIAL != 0 && !matches!(self.asker.caller.mode, Mode::Function | Mode::Iam);
        if !judged {
            return None;
        }
        let specials = &self.policy.specials;
        let at = specials.lower_bound(0, NONE, |special| special.resource < number);
        Some(Special { asked: *self, special: specials.at(at), model, gives: Counts::IfTrue })
    }

    pub fn special_model(&self, model: &Model) -> Option<Special<'a>> {
        self.special(&self.whole(model), model.number, Some(*model))
    }

    // ---- whos and guards

    /// Whether a who is the caller.
    pub fn who_is(&self, number: u32, ground: Ground<'_>, spelling: Spelling, of: Option<&Special<'a>>) -> Answer {
        let who = self.policy.whos.at(number as usize);
        let caller = self.asker.caller;
        let storage = matches!(self.action.target, Target::Bucket(_));
        let signed_in = matches!(caller.mode, Mode::UserPool | Mode::IdentityPool);
        let is = |holds: bool| Answer::Is(Truth::from(holds));
        match who.kind {
            subject::ENTITY => is(signed_in),
            subject::EVERYONE if storage && who.mode == Mode::IdentityPool as u8 => is(signed_in),
            subject::EVERYONE if who.mode != caller.mode as u8 => is(false),
            subject::EVERYONE => is(match caller.mode {
                // A group's role has no policy for data.
                Mode::IdentityPool => !self.asker.in_group(self.policy),
                Mode::Lambda => caller.authorizer != Authorizer::No,
                _ => true,
            }),
            subject::CLASSES => {
                let of_mode =
                    who.mode == caller.mode as u8 || (storage && signed_in && who.mode == Mode::UserPool as u8);
                let held = || {
                    let mut classes = self.policy.who_classes.run(who.first, who.class_count);
                    classes.any(|class| self.policy.holds(&self.asker, class as u16))
                };
                match of_mode {
                    false => is(false),
                    true if held() => is(true),
                    true if self.groups_unknown(&who) => Answer::Is(Truth::Unknown),
                    true => is(false),
                }
            }
            _ => self.record_names(&who, ground, spelling, of),
        }
    }

    /// Whether the claim that a who's groups stand in is neither a list nor a string.
    fn groups_unknown(&self, who: &Who) -> bool {
        let caller = self.asker.caller;
        let source = self.policy.sources.at(who.field as usize);
        let given = caller.mode == Mode::IdentityPool && caller.groups.is_some();
        let groups = || crate::claim::Groups::of(caller.claims.get(self.policy.strings.get(source.claim)));
        !given && source.provider != format::FUNCTIONS && matches!(groups(), crate::claim::Groups::Unknown)
    }

    /// The condition that a who puts on records; none if it is another mode's.
    fn named(&self, who: &Who, spelling: Spelling) -> Option<Condition<'a>> {
        self.policy.condition(&clause_of(who), &self.asker, spelling)
    }

    fn record_names(&self, who: &Who, ground: Ground<'_>, spelling: Spelling, of: Option<&Special<'a>>) -> Answer {
        let Some(condition) = self.named(who, spelling) else { return Answer::Is(Truth::False) };
        let complete = condition.is_complete();
        let read = match (ground, of) {
            (Ground::Any, _) if condition.is_usable() => return Answer::Open,
            (Ground::Any, _) if complete => return Answer::Is(Truth::False),
            (Ground::Any | Ground::None, _) | (_, None) => return Answer::Is(Truth::Unknown),
            (_, Some(special)) => special.read(condition.field, ground),
        };
        Answer::Is(match read {
            read if condition.accepts_read(read) => Truth::True,
            Read::Open | Read::Value(Value::Absent) => Truth::Unknown,
            Read::Value(Value::List(list)) if list.len() > crate::claim::MAX_LIST => Truth::Unknown,
            _ if complete => Truth::False,
            _ => Truth::Unknown,
        })
    }

    /// Whether everything beside a rule's who counts.
    pub fn guard_counts(
        &self,
        guard: u32,
        counts: Counts,
        ground: Ground<'_>,
        spelling: Spelling,
        of: Option<&Special<'a>>,
    ) -> bool {
        if guard == NONE {
            return true;
        }
        let guard = self.policy.guards.at(guard as usize);
        let find = |term: &Term| self.find(term, ground, of);
        let mut whos = self.policy.guard_whos.run(guard.whos, guard.who_count);
        whos.all(|who| self.who_is(who, ground, spelling, of).counts(counts))
            && (counts == Counts::ButForCondition || self.condition(guard.program, counts, &find))
    }

    fn condition<'r>(&self, program: u32, counts: Counts, find: Find<'_, 'r>) -> bool
    where
        'a: 'r,
    {
        self.policy.condition_counts(program, counts, find)
    }

    /// What a term is here.
    pub fn find<'r>(&self, term: &Term, ground: Ground<'r>, of: Option<&Special<'a>>) -> Read<'r>
    where
        'a: 'r,
    {
        let name: &'a str = self.policy.strings.get(term.name);
        match (term.source, self.action.operation, self.request.input) {
            (source::CLAIM, ..) => {
                let claims = self.asker.caller.claims;
                Read::Value(match (name, claims.get(name)) {
                    // It stands under another name in ID tokens.
                    ("username", Value::Absent) => claims.get("cognito:username"),
                    (_, value) => value,
                })
            }
            // What an input left out proposes, nobody knows.
            (source::INPUT, Operation::Update, None) => Read::Value(Value::Absent),
            (source::INPUT, Operation::Update, Some(input)) if !matches!(input.get(name), Value::Absent) => {
                Read::Value(input.get(name))
            }
            _ => match (of, ground) {
                (_, Ground::Any) => Read::Open,
                (Some(special), ground) => special.read(name, ground),
                (None, _) => Read::Value(Value::Absent),
            },
        }
    }

    /// How allows compare owners in this operation.
    pub fn spelling(&self) -> Spelling {
        match self.action.operation {
            Operation::Create | Operation::Update | Operation::Delete => Spelling::Complete,
            Operation::Listen => Spelling::Last,
            _ => Spelling::Any,
        }
    }
}

pub(crate) fn clause_of(who: &Who) -> Clause {
    Clause {
        operations: 0,
        any: 0,
        kind: who.kind,
        provider: who.mode, // user pool or OpenID Connect, which are the providers' numbers too
        field: who.field,
        parts: who.first,
        part_count: u32::from(who.part_count),
    }
}

impl<'a> Special<'a> {
    // ---- what rules give

    fn roles(&self) -> impl Iterator<Item = u32> + use<'a> {
        self.asked.policy.special_roles.run(self.special.roles, self.special.role_count)
    }

    fn classes(&self) -> u32 {
        self.model.map_or(1, |model| model.classes())
    }

    fn grants(&self, class: u32) -> impl Iterator<Item = Grant> + use<'a> {
        self.asked.policy.grant_run(self.special.runs + class)
    }

    fn all_grants(&self) -> impl Iterator<Item = Grant> + use<'a> {
        let special = *self;
        (0..self.classes()).flat_map(move |class| special.grants(class))
    }

    /// What a role has on a class of fields here.
    fn has(&self, role: u32, class: u32, ground: Ground<'_>) -> Operations {
        let spelling = self.asked.spelling();
        let mine = self.grants(class).filter(|grant| grant.deny == 0 && grant.who == role);
        let counting = mine.filter(|grant| self.guard(grant, self.gives, ground, spelling));
        let given = counting.fold(Operations::NONE, |all, grant| all.with(Operations(grant.operations)));
        if given.is_empty() { given } else { given.without(self.denied(class, ground)) }
    }

    /// What the denies take on a class of fields. They look at every spelling of an owner.
    fn denied(&self, class: u32, ground: Ground<'_>) -> Operations {
        let denies = self.grants(class).filter(|grant| grant.deny == 1);
        let counting = denies.filter(|grant| self.guard(grant, Counts::UnlessFalse, ground, Spelling::Any));
        counting.fold(Operations::NONE, |all, grant| all.with(Operations(grant.operations)))
    }

    fn guard(&self, grant: &Grant, counts: Counts, ground: Ground<'_>, spelling: Spelling) -> bool {
        self.asked.guard_counts(grant.guard, counts, ground, spelling, Some(self))
    }

    fn on_some(&self, role: u32, operations: Operations, ground: Ground<'_>) -> bool {
        (0..self.classes()).any(|class| self.has(role, class, ground).meets(operations))
    }

    fn on_every(&self, role: u32, operations: Operations, ground: Ground<'_>) -> bool {
        (0..self.classes()).all(|class| self.has(role, class, ground).meets(operations))
    }

    fn is_dynamic(&self, role: u32) -> bool {
        self.asked.policy.whos.at(role as usize).kind <= clause::GROUPS
    }

    /// Whether the caller has a role that no record is needed for.
    fn is_held(&self, role: u32) -> bool {
        let holds = || self.asked.who_is(role, Ground::None, Spelling::Any, Some(self));
        !self.is_dynamic(role) && holds() == Answer::Is(Truth::True)
    }

    // ---- the record

    pub fn read<'r>(&self, name: &str, ground: Ground<'r>) -> Read<'r>
    where
        'a: 'r,
    {
        let input = match (self.asked.request.input, ground) {
            (input, Ground::Created | Ground::After | Ground::Proposed(_)) => {
                input.map_or(Value::Absent, |input| input.get(name))
            }
            _ => Value::Absent,
        };
        let owner = |found: Option<(Text<'a>, bool)>| {
            found.map_or(Read::Value(Value::Absent), |(owner, list)| Read::Owner { owner, list })
        };
        match ground {
            Ground::Any => Read::Open,
            Ground::None => Read::Value(Value::Absent),
            Ground::Record(record) => Read::Value(record.get(name)),
            _ if !matches!(input, Value::Absent) => Read::Value(input),
            Ground::Created if self.asked.request.input.is_none() => Read::Value(Value::Absent),
            Ground::Created | Ground::After => owner(self.recorded(name).and_then(|who| self.owner_to_set(who))),
            Ground::Proposed(grant) => {
                let own = self.owners(&grant).filter(|who| self.field_of(*who) == name);
                owner(
                    own.filter_map(|who| Some((who, self.owner_to_set(who)?)))
                        .min_by_key(|(who, _)| *who)
                        .map(|(_, own)| own),
                )
            }
        }
    }

    fn field_of(&self, who: u32) -> &'a str {
        self.asked.policy.strings.get(self.asked.policy.whos.at(who as usize).field)
    }

    // ---- create: who is recorded as the owner

    /// The whos of a rule that are owners.
    fn owners(&self, grant: &Grant) -> impl Iterator<Item = u32> + use<'a> {
        let policy = self.asked.policy;
        let guard = if grant.guard == NONE { format::Guard::default() } else { policy.guards.at(grant.guard as usize) };
        let whos = [grant.who].into_iter().chain(policy.guard_whos.run(guard.whos, guard.who_count));
        whos.filter(|who| policy.whos.at(*who as usize).kind <= clause::OWNERS)
    }

    /// The owner that a who would set, if the input leaves it out and the token has all its claims; and whether as a list.
    fn owner_to_set(&self, who: u32) -> Option<(Text<'a>, bool)> {
        let who = self.asked.policy.whos.at(who as usize);
        let condition = self.asked.named(&who, Spelling::Complete)?;
        let left_out = || {
            let model = self.model?;
            matches!(self.asked.proposed(&model, condition.field), Value::Absent).then_some(())
        };
        match condition.wanted {
            Wanted::Identity(identity) if condition.is_complete() => {
                left_out()?;
                Some((Text::joined(identity.joined()), condition.many))
            }
            _ => None,
        }
    }

    /// The who that fills an owner field: the first, in the order of the table, of a rule that is then true.
    fn recorded(&self, name: &str) -> Option<u32> {
        let creating =
            self.all_grants().filter(|grant| grant.deny == 0 && Operations(grant.operations).meets(Operations::CREATE));
        let setting = creating.filter_map(|grant| {
            let here =
                self.owners(&grant).filter(|who| self.field_of(*who) == name && self.owner_to_set(*who).is_some());
            let first = here.min()?;
            let ground = Ground::Proposed(grant);
            let who = self.asked.who_is(grant.who, ground, Spelling::Complete, Some(self));
            (who.counts(Counts::IfTrue) && self.guard(&grant, self.gives, ground, Spelling::Complete)).then_some(first)
        });
        setting.min()
    }

    /// Calls `visit` with each owner that `create` records.
    pub fn each_recorded_owner(&self, visit: &mut dyn FnMut(&str, bool, &[&str])) {
        let policy = self.asked.policy;
        let creating = || {
            self.all_grants().filter(|grant| grant.deny == 0 && Operations(grant.operations).meets(Operations::CREATE))
        };
        let all = || creating().flat_map(|grant| self.owners(&grant));
        for (at, who) in all().enumerate() {
            let name = policy.strings.get(policy.whos.at(who as usize).field);
            let is_first = !all().take(at).any(|earlier| earlier == who);
            if let (true, Some((owner, list))) = (is_first && self.recorded(name) == Some(who), self.owner_to_set(who))
            {
                visit(name, list, owner.pieces());
            }
        }
    }

    /// Whether the caller has a role on what is created.
    fn grants_create(&self, role: u32) -> bool {
        if !self.is_dynamic(role) {
            return self.is_held(role);
        }
        let who = self.asked.policy.whos.at(role as usize);
        let Some(condition) = self.asked.named(&who, Spelling::Complete) else { return false };
        match self.recorded(condition.field) {
            // Another owner rule may say how that field is set.
            Some(recorded) if who.kind <= clause::OWNERS => {
                match (self.owner_to_set(recorded), self.owner_to_set(role)) {
                    (Some((recorded, _)), Some((own, _))) => recorded.is(&own),
                    _ => false,
                }
            }
            Some(_) => false,
            None => self.asked.request.input.is_some_and(|input| condition.matches(input)),
        }
    }

    // ---- decisions

    pub fn outcome(&self) -> Outcome {
        let needs = self.asked.action.operation.needs();
        let allowed = match (self.asked.action.operation, self.asked.request.stored) {
            (Operation::Call, _) => self.is_open(needs, Ground::None),
            (Operation::Create, _) => return self.create(),
            (Operation::Update, _) => return self.update(),
            (Operation::Delete, _) => {
                self.roles().any(|role| self.holds_now(role) && self.on_every(role, Operations::DELETE, self.stored()))
            }
            (Operation::Get | Operation::Relation, Stored::Given(record)) => {
                let ground = Ground::Record(record);
                self.is_open(needs, ground) || self.readers(ground).any(|condition| condition.matches(record))
            }
            (Operation::Get, Stored::Missing) => self.may_read(),
            (Operation::Get, Stored::NotGiven) => self.is_open(needs, Ground::None),
            _ => return self.many(),
        };
        if allowed { Outcome::Allow } else { Outcome::Deny(Reason::Unauthorized) }
    }

    fn stored(&self) -> Ground<'a> {
        match self.asked.request.stored {
            Stored::Given(record) => Ground::Record(record),
            Stored::Missing | Stored::NotGiven => Ground::None,
        }
    }

    /// Whether some role that the caller has, whatever the record, gives the operation on some field.
    fn is_open(&self, needs: Operations, ground: Ground<'_>) -> bool {
        self.roles().any(|role| self.is_held(role) && self.on_some(role, needs, ground))
    }

    /// The conditions of the roles that a record's field names and that give the operation there.
    fn readers(&self, ground: Ground<'a>) -> impl Iterator<Item = Condition<'a>> + use<'a> {
        let special = *self;
        let needs = self.asked.action.operation.needs();
        self.roles().filter(move |role| special.is_dynamic(*role) && special.on_some(*role, needs, ground)).filter_map(
            move |role| {
                let clause = clause_of(&special.asked.policy.whos.at(role as usize));
                special.asked.asks(&clause, special.asked.spelling())
            },
        )
    }

    /// Whether there may be a record that the caller may read.
    fn may_read(&self) -> bool {
        self.is_open(self.asked.action.operation.needs(), Ground::Any) || self.readers(Ground::Any).next().is_some()
    }

    fn many(&self) -> Outcome {
        let needs = self.asked.action.operation.needs();
        if self.asked.action.operation == Operation::Listen && !self.is_open(needs, Ground::Any) {
            match self.subscribes_to_own(Ground::Any) {
                Some(true) => return Outcome::Filtered,
                Some(false) => return Outcome::Deny(Reason::Unauthorized),
                None => (),
            }
        }
        match self.may_read() {
            true if self.is_open(needs, Ground::None) => Outcome::Allow,
            true => Outcome::Filtered,
            false => Outcome::Deny(Reason::Unauthorized),
        }
    }

    /// As for plain models, by the owner rules that give `listen` here.
    fn subscribes_to_own(&self, ground: Ground<'_>) -> Option<bool> {
        let args = self.asked.request.args?;
        let mut own = None;
        for role in self.roles() {
            let who = self.asked.policy.whos.at(role as usize);
            if who.kind != clause::OWNER || !self.on_some(role, Operations::LISTEN, ground) {
                continue;
            }
            let Some(condition) = self.asked.named(&who, Spelling::Complete) else { continue };
            let is_own = match args.get(condition.field) {
                Value::Absent | Value::Null => continue,
                Value::Text(text) => condition.is(text),
                _ => false,
            };
            own = Some(own.unwrap_or(true) && is_own);
        }
        own
    }

    /// Whether a record is among those that the decision gives.
    pub fn shows(&self, record: &dyn Fields) -> bool {
        let ground = Ground::Record(record);
        let needs = self.asked.action.operation.needs();
        let listens =
            || self.asked.action.operation == Operation::Listen && self.subscribes_to_own(ground) == Some(true);
        let names = |role: u32| {
            let clause = clause_of(&self.asked.policy.whos.at(role as usize));
            self.asked.asks(&clause, self.asked.spelling()).is_some_and(|condition| condition.matches(record))
        };
        self.is_open(needs, ground)
            || listens()
            || self.roles().any(|role| self.is_dynamic(role) && names(role) && self.on_some(role, needs, ground))
    }

    fn create(&self) -> Outcome {
        let ground = Ground::Created;
        let granting =
            || self.roles().filter(|role| self.on_some(*role, Operations::CREATE, ground) && self.grants_create(*role));
        match granting().next() {
            None => Outcome::Deny(Reason::Unauthorized),
            Some(_) if granting().any(|role| self.on_every(role, Operations::CREATE, ground)) => Outcome::Allow,
            Some(_) => self.unless_fields_denied(),
        }
    }

    fn update(&self) -> Outcome {
        let Some(model) = self.model else { return Outcome::Deny(Reason::Unauthorized) };
        if !self.asked.passes_update_gate(&self.asked.whole(&model)) {
            return Outcome::Deny(Reason::Unauthorized);
        }
        let (ground, either) = (self.stored(), Operations::UPDATE.with(Operations::DELETE));
        match self.roles().any(|role| self.holds_now(role) && self.on_some(role, either, ground)) {
            true => self.unless_fields_denied(),
            false => Outcome::Deny(Reason::Unauthorized),
        }
    }

    fn unless_fields_denied(&self) -> Outcome {
        let Some(model) = self.model else { return Outcome::Deny(Reason::Unauthorized) };
        self.asked.unless_fields_denied(&model)
    }

    /// Whether the caller has the role on the stored record.
    fn holds_now(&self, role: u32) -> bool {
        match (self.is_dynamic(role), self.asked.request.stored) {
            (false, _) => self.is_held(role),
            (true, Stored::Given(record)) => {
                let who = self.asked.policy.whos.at(role as usize);
                self.asked.named(&who, Spelling::Complete).is_some_and(|condition| condition.matches(record))
            }
            (true, _) => false,
        }
    }

    /// Whether `create` or `update` may touch a field.
    pub fn may_write(&self, known: Known, null: bool) -> bool {
        if self.asked.action.operation == Operation::Create {
            let ground = Ground::Created;
            let creates = |class: Option<u32>| {
                let mut roles = self.roles().filter(|role| self.grants_create(*role));
                roles.any(|role| match class {
                    Some(class) => {
                        self.has(role, class, ground).meets(Operations::CREATE)
                            || self.on_every(role, Operations::CREATE, ground)
                    }
                    None => self.on_every(role, Operations::CREATE, ground),
                })
            };
            return match known {
                Known::Declared { class, .. } => creates(Some(class as u32)),
                Known::Key => creates(None),
                Known::System | Known::No => false,
            };
        }
        let ground = self.stored();
        let holds = |class: Option<u32>, operation: Operations| {
            let mut roles = self.roles().filter(|role| self.holds_now(*role));
            roles.any(|role| match class {
                Some(class) => self.has(role, class, ground).meets(operation),
                None => self.on_every(role, operation, ground),
            })
        };
        match known {
            Known::Declared { class, key } => {
                let class = Some(class as u32);
                (key || holds(class, Operations::UPDATE)) && (!null || holds(class, Operations::DELETE))
            }
            Known::Key => !null || holds(None, Operations::DELETE),
            Known::System | Known::No => false,
        }
    }

    // ---- what is shown

    fn is_mutation(&self) -> bool {
        matches!(self.asked.action.operation, Operation::Create | Operation::Update | Operation::Delete)
    }

    /// Whether the caller, by some role that matches this record, is shown a class of its fields.
    fn shows_class(&self, class: u32, ground: Ground<'_>, spelling: Spelling) -> bool {
        let needs = if self.is_mutation() { Operations::GET } else { self.asked.action.operation.needs() };
        self.roles().any(|role| {
            let own = self.has(role, class, ground);
            // Who may get records, and read this in some way, is shown it in every way.
            let wide = || own.meets(Operations::READ) && self.on_some(role, Operations::GET, ground);
            let shown =
                own.meets(needs) || (wide() && Operations::READ.without(self.denied(class, ground)).meets(needs));
            shown && self.matches(role, ground, spelling)
        })
    }

    fn matches(&self, role: u32, ground: Ground<'_>, spelling: Spelling) -> bool {
        if !self.is_dynamic(role) {
            return self.is_held(role);
        }
        let who = self.asked.policy.whos.at(role as usize);
        let Some(condition) = self.asked.named(&who, spelling) else { return false };
        let fits = self.is_mutation() || self.asked.fits_args(&condition);
        fits && condition.accepts_read(self.read(condition.field, ground))
    }

    fn shows_on(&self, class: Option<usize>, ground: Ground<'_>) -> bool {
        let gets_back = || (0..self.classes()).any(|class| self.shows_class(class, ground, Spelling::Any));
        (!self.is_mutation() || gets_back())
            && class.is_none_or(|class| self.shows_class(class as u32, ground, Spelling::Complete))
    }

    /// Whether a field of this record is shown; none stands for what no rule is about.
    pub fn shows_field(&self, class: Option<usize>, record: &dyn Fields) -> bool {
        self.shows_on(class, Ground::Record(record))
    }

    /// The same for the one record that the request is about, as it stands afterwards; None where it
    /// takes each record to say.
    pub fn shows_field_now(&self, class: Option<usize>) -> Option<bool> {
        let input: &dyn Fields = self.asked.request.input.unwrap_or(&());
        Some(match (self.asked.action.operation, self.asked.request.stored) {
            (Operation::Create, _) => self.shows_on(class, Ground::After),
            (Operation::Update, Stored::Given(record)) => {
                self.shows_field(class, &Overlay { over: input, under: record })
            }
            (Operation::Delete | Operation::Get | Operation::Relation, Stored::Given(record)) => {
                self.shows_field(class, record)
            }
            (Operation::Update | Operation::Delete | Operation::Get, _) => false,
            // Of many records: shown in each, if no record is needed to say so.
            _ => return self.shows_on(class, Ground::None).then_some(true),
        })
    }

    /// The filter of an operation on many records, or of one class of their fields.
    pub fn filter(&self, what: What) -> Filter<'a> {
        Filter { what, ..self.asked.filter(0, self.asked.spelling()) }
    }

    // ---- reasons

    /// Whether some rule for callers of this mode gives the operation.
    pub fn mode_has_rules(&self) -> bool {
        let needs = self.asked.action.operation.needs();
        let mode = self.asked.asker.caller.mode as u8;
        self.all_grants().any(|grant| {
            let gives = grant.deny == 0 && Operations(grant.operations).meets(needs);
            gives && self.asked.policy.whos.at(grant.who as usize).mode == mode
        })
    }

    /// Whether what was denied would not be, if the conditions of the allows were true.
    pub fn fails_by_condition(&self) -> bool {
        Special { gives: Counts::ButForCondition, ..*self }.outcome() != Outcome::Deny(Reason::Unauthorized)
    }

    /// Whether a deny takes what some allow gives this caller here.
    pub fn is_taken(&self) -> bool {
        let needs = self.asked.action.operation.needs();
        let ground = match self.asked.action.operation {
            Operation::Create => Ground::Created,
            _ => self.stored(),
        };
        let spelling = self.asked.spelling();
        (0..self.classes()).any(|class| {
            self.denied(class, ground).meets(needs)
                && self.grants(class).any(|grant| {
                    let gives = grant.deny == 0 && Operations(grant.operations).meets(needs);
                    let who = || self.asked.who_is(grant.who, ground, spelling, Some(self)).counts(Counts::IfTrue);
                    gives && who() && self.guard(&grant, Counts::IfTrue, ground, spelling)
                })
        })
    }

    /// Whether a rule as written counts, by its guard, which names its who too. A deny looks at every spelling of its
    /// owner. Of many records: for some, or for `every` one.
    pub fn rule_counts(&self, guard: u32, counts: Counts, is_deny: bool, every: bool) -> bool {
        let (ground, spelling) = match self.ground(counts) {
            (Ground::Any, spelling) if every => (Ground::None, spelling),
            other => other,
        };
        let spelling = if is_deny { Spelling::Any } else { spelling };
        let gives = if counts == Counts::ButForCondition { counts } else { self.gives };
        self.asked.guard_counts(guard, counts, ground, spelling, Some(&Special { gives, ..*self }))
    }

    /// What rules are judged on, to explain the decision.
    fn ground(&self, counts: Counts) -> (Ground<'a>, Spelling) {
        let spelling = if counts == Counts::UnlessFalse { Spelling::Any } else { self.asked.spelling() };
        let ground = match (self.asked.action.operation, self.asked.request.stored) {
            (Operation::Create, _) => Ground::Created,
            (Operation::Call, _) => Ground::None,
            (Operation::Update | Operation::Delete | Operation::Get, _) => self.stored(),
            (Operation::Relation, Stored::Given(_)) => self.stored(),
            _ => Ground::Any,
        };
        (ground, spelling)
    }
}

impl<'t> crate::load::Policy<'t> {
    /// The grants of a run, then its denies.
    pub(crate) fn grant_run(&self, run: u32) -> impl Iterator<Item = Grant> + use<'t> {
        let start = if run == 0 { 0 } else { self.grant_runs.at(run as usize - 1) };
        self.grants.run(start, self.grant_runs.at(run as usize).saturating_sub(start))
    }
}
