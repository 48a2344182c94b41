//! Conditions that a record must meet: what a decision about many records gives instead of yes or no.
//! Always: a filter is an OR of conditions on one field each, and a field that is absent, null or of another type
//! meets none. Applying a filter to records gives those that deciding one by one gives.

use crate::asker::Asker;
use crate::cells::Resource;
use crate::claim::{Groups, MAX_LIST};
use crate::decide::Asked;
use crate::format::{Clause, NONE, clause};
use crate::load::Policy;
use crate::program::Read;
use crate::request::Target;
use crate::value::{Fields, List, Value};
use crate::words::{Mode, Operations};

/// How a caller's identity is spelt in the records that it is compared with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Spelling {
    /// The whole identity, and each part that the token has: what `get` and `list` accept.
    Any,
    /// The same, for a token that has every part: what writes and field rules accept.
    Complete,
    /// The last part alone: how published payloads show owners.
    Last,
    /// The whole identity alone: how the sort key of an index is filled in.
    Whole,
}

/// The parts of a caller's identity, as an owner rule names them: at most 4.
#[derive(Clone, Copy)]
pub struct Identity<'a> {
    parts: [Option<&'a str>; 4],
    count: usize,
    spelling: Spelling,
}

impl<'a> Identity<'a> {
    fn parts(&self) -> impl DoubleEndedIterator<Item = Option<&'a str>> + '_ {
        self.parts.iter().take(self.count).copied()
    }

    fn is_complete(&self) -> bool {
        self.parts().all(|part| part.is_some())
    }

    /// Whether there is a value that it could equal.
    fn is_usable(&self) -> bool {
        match self.spelling {
            Spelling::Any => self.parts().any(|part| part.is_some()),
            _ => self.is_complete(),
        }
    }

    fn is(&self, value: &str) -> bool {
        let part = || self.parts().flatten().any(|part| part == value);
        match self.spelling {
            Spelling::Any => self.is_whole(value) || part(),
            Spelling::Complete => self.is_complete() && (self.is_whole(value) || part()),
            Spelling::Last => self.is_complete() && self.parts().next_back().flatten() == Some(value),
            Spelling::Whole => self.is_whole(value),
        }
    }

    fn is_whole(&self, value: &str) -> bool {
        let mut rest = Some(value);
        for (at, part) in self.parts().enumerate() {
            let behind = if at == 0 { rest } else { rest.and_then(|rest| rest.strip_prefix("::")) };
            rest = behind.zip(part).and_then(|(rest, part)| rest.strip_prefix(part));
        }
        rest == Some("")
    }

    /// Calls `visit` with each value that belongs to the caller, in pieces to be joined.
    fn each(&self, visit: &mut dyn FnMut(&[&str])) {
        let whole = self.is_complete().then(|| self.joined());
        match (self.spelling, whole) {
            (Spelling::Last, Some(_)) => self.parts().next_back().flatten().into_iter().for_each(|part| visit(&[part])),
            (Spelling::Whole, Some((pieces, count))) => visit(&pieces[..count]),
            (Spelling::Any | Spelling::Complete, Some((pieces, count))) => {
                visit(&pieces[..count]);
                if self.count > 1 {
                    self.parts().flatten().for_each(|part| visit(&[part]));
                }
            }
            (Spelling::Any, None) => self.parts().flatten().for_each(|part| visit(&[part])),
            _ => (),
        }
    }

    /// The whole identity, in pieces to be joined: what is recorded as the owner.
    pub(crate) fn joined(&self) -> ([&'a str; 7], usize) {
        let mut pieces = ["::"; 7];
        for (at, part) in self.parts().enumerate() {
            pieces[2 * at] = part.unwrap_or("");
        }
        (pieces, (2 * self.count).max(1) - 1)
    }
}

/// What a record's field is compared with.
#[derive(Clone, Copy)]
pub(crate) enum Wanted<'a> {
    Identity(Identity<'a>),
    Groups(Groups<'a>),
    /// The groups of the user pool, of which some act as others: a principal holds those too.
    Acting(Groups<'a>, &'a Policy<'a>, Asker<'a>),
}

/// One condition of a filter: the field is, or holds, one of these values.
#[derive(Clone, Copy)]
pub struct Condition<'a> {
    pub(crate) field: &'a str,
    pub(crate) many: bool,
    pub(crate) wanted: Wanted<'a>,
}

impl<'a> Condition<'a> {
    /// The record's field.
    pub fn field(&self) -> &'a str {
        self.field
    }

    /// Whether the field holds a list, of which one element must be among the values.
    pub fn is_list(&self) -> bool {
        self.many
    }

    /// Calls `visit` with each value, in pieces to be joined (`["sub", "::", "name"]`).
    pub fn each_value(&self, visit: &mut dyn FnMut(&[&str])) {
        match self.wanted {
            Wanted::Identity(identity) => identity.each(visit),
            Wanted::Groups(groups) => {
                groups.any(|name| {
                    visit(&[name]);
                    false
                });
            }
            Wanted::Acting(groups, policy, asker) => {
                groups.any(|name| {
                    visit(&[name]);
                    false
                });
                policy.any_pool_name(&asker, |name| {
                    if !groups.any(|other| other == name) {
                        visit(&[name]);
                    }
                    false
                });
            }
        }
    }

    /// Whether this record meets it.
    pub fn matches(&self, record: &dyn Fields) -> bool {
        self.accepts(record.get(self.field))
    }

    pub(crate) fn accepts(&self, value: Value<'_>) -> bool {
        match (value, self.many) {
            (Value::Text(text), false) => self.is(text),
            (Value::List(list), true) => self.is_one_of(list),
            _ => false,
        }
    }

    fn is_one_of(&self, list: &dyn List) -> bool {
        list.len() <= MAX_LIST && (0..list.len()).any(|at| matches!(list.at(at), Value::Text(text) if self.is(text)))
    }

    pub(crate) fn is(&self, value: &str) -> bool {
        match self.wanted {
            Wanted::Identity(identity) => identity.is(value),
            Wanted::Groups(groups) => groups.any(|name| name == value),
            Wanted::Acting(groups, policy, asker) => {
                groups.any(|name| name == value) || policy.any_pool_name(&asker, |name| name == value)
            }
        }
    }

    /// Whether the owner that is to be recorded, or a value, meets it.
    pub(crate) fn accepts_read(&self, read: Read<'_>) -> bool {
        match read {
            Read::Value(value) => self.accepts(value),
            Read::Owner { owner, list } => {
                let mut meets = false;
                self.each_value(&mut |value| meets = meets || owner.is_pieces(value));
                meets && list == self.many
            }
            Read::Open => false,
        }
    }

    /// Whether the caller is known well enough to say that a record names somebody else.
    pub(crate) fn is_complete(&self) -> bool {
        match self.wanted {
            Wanted::Identity(identity) => identity.is_complete(),
            Wanted::Groups(groups) | Wanted::Acting(groups, ..) => !matches!(groups, Groups::Unknown),
        }
    }

    /// Whether any value at all could meet it.
    pub(crate) fn is_usable(&self) -> bool {
        match self.wanted {
            Wanted::Identity(identity) => identity.is_usable(),
            Wanted::Groups(groups) | Wanted::Acting(groups, ..) => !groups.is_empty(),
        }
    }
}

impl<'t> Policy<'t> {
    /// The condition that a clause puts on records, or none if it is another mode's.
    pub(crate) fn condition<'a>(
        &'a self,
        clause: &Clause,
        asker: &Asker<'a>,
        spelling: Spelling,
    ) -> Option<Condition<'a>> {
        let mode = mode_of(clause);
        if asker.caller.mode != mode {
            return None;
        }
        let claims = asker.caller.claims;
        let wanted = if clause.kind <= clause::OWNERS {
            let mut parts = [None; 4];
            for (slot, part) in parts.iter_mut().zip(self.parts.run(clause.parts, clause.part_count)) {
                *slot = identity_claim(claims, self.strings.get(part));
            }
            let count = (clause.part_count as usize).min(parts.len());
            Wanted::Identity(Identity { parts, count, spelling })
        } else {
            let claim = self.parts.at(clause.parts as usize);
            let groups = Groups::of(claims.get(self.strings.get(claim)));
            match mode == Mode::UserPool && claim == self.group_claim && claim != NONE && !self.acting.is_empty() {
                true => Wanted::Acting(groups, self, *asker),
                false => Wanted::Groups(groups),
            }
        };
        let many = clause.kind == clause::OWNERS || clause.kind == clause::GROUPS;
        Some(Condition { field: self.strings.get(clause.field), many, wanted })
    }
}

impl Policy<'_> {
    /// Whether the record names the caller, for a clause about a field that holds one owner or one group, in a spelling
    /// that takes each part of an identity; none for other clauses. Measured: most clauses are so, and a condition costs
    /// three times as much to make.
    #[inline]
    pub(crate) fn names_caller(
        &self,
        clause: &Clause,
        asker: &Asker<'_>,
        spelling: Spelling,
        record: &dyn Fields,
    ) -> Option<bool> {
        let is_plain = matches!(spelling, Spelling::Any | Spelling::Complete);
        if !is_plain || !(clause.kind == clause::OWNER || clause.kind == clause::GROUP && self.acting.is_empty()) {
            return None;
        }
        if asker.caller.mode != mode_of(clause) {
            return Some(false);
        }
        let Value::Text(named) = record.get(self.strings.get(clause.field)) else { return Some(false) };
        let claims = asker.caller.claims;
        let mut parts = self.parts.run(clause.parts, clause.part_count).map(|part| self.strings.get(part));
        if clause.kind == clause::GROUP {
            let groups = Groups::of(claims.get(parts.next().unwrap_or("")));
            return Some(groups.any(|name| name == named));
        }
        let (mut rest, mut is_part, mut is_complete) = (Some(named), false, true);
        for (at, part) in parts.enumerate() {
            let behind = if at == 0 { rest } else { rest.and_then(|rest| rest.strip_prefix("::")) };
            let part = identity_claim(claims, part);
            rest = behind.zip(part).and_then(|(rest, part)| rest.strip_prefix(part));
            is_part |= part == Some(named);
            is_complete &= part.is_some();
        }
        Some((rest == Some("") || is_part) && (is_complete || spelling == Spelling::Any))
    }
}

/// The mode in which the callers arrive whom a clause is about.
fn mode_of(clause: &Clause) -> Mode {
    if clause.provider == 0 { Mode::UserPool } else { Mode::Oidc }
}

/// A claim of an identity. `username` stands under another name in ID tokens of the user pool.
fn identity_claim<'a>(claims: &'a dyn Fields, name: &str) -> Option<&'a str> {
    let value = claims.get(name).identity();
    match name {
        "username" => value.or_else(|| claims.get("cognito:username").identity()),
        _ => value,
    }
}

/// What a filter is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// The clauses of a resource.
    Clauses,
    /// Rules with guards, or denies: the records that they give.
    Records,
    /// The same, for one class of fields; none for what no rule is about.
    Field(Option<usize>),
}

/// The condition under which records may be shown: one of these must hold.
///
/// Where rules have guards (`.when`, `.and`), or there are denies, a filter is more than such conditions
/// ([`Filter::is_guarded`]): then ask [`Filter::matches`].
#[derive(Clone, Copy)]
pub struct Filter<'a> {
    pub(crate) asked: Asked<'a>,
    pub(crate) what: What,
    pub(crate) resource: u32,
    pub(crate) needs: Operations,
    pub(crate) spelling: Spelling,
}

impl<'a> Filter<'a> {
    /// The conditions, of which one must hold. None: no record passes.
    pub fn conditions(&self) -> impl Iterator<Item = Condition<'a>> + use<'a> {
        let filter = *self;
        let policy = filter.asked.policy;
        let clauses = (filter.what == What::Clauses).then(|| policy.clauses_of(&policy.resource(filter.resource)));
        clauses.into_iter().flatten().filter_map(move |clause| {
            let meets = Operations(clause.operations).meets(filter.needs);
            filter.asked.asks(&clause, filter.spelling).filter(|_| meets)
        })
    }

    /// Whether this record passes.
    pub fn matches(&self, record: &dyn Fields) -> bool {
        match self.what {
            What::Clauses => {
                let whole = self.asked.policy.resource(self.resource);
                self.asked.passes(&whole, self.needs, self.spelling, record)
            }
            What::Records => self.special().is_some_and(|special| special.shows(record)),
            What::Field(class) => self.special().is_some_and(|special| special.shows_field(class, record)),
        }
    }

    /// Whether it is more than [`Filter::conditions`] say.
    pub fn is_guarded(&self) -> bool {
        self.what != What::Clauses
    }

    fn special(&self) -> Option<crate::special::Special<'a>> {
        let Target::Model(number) = self.asked.action.target else { return None };
        self.asked.special_model(&self.asked.policy.model_at(number))
    }
}

impl<'a> Asked<'a> {
    /// The condition that a clause puts on the records of a query; none if no record can meet it.
    pub(crate) fn asks(&self, clause: &Clause, spelling: Spelling) -> Option<Condition<'a>> {
        let condition = self.policy.condition(clause, &self.asker, self.spelling_of(clause, spelling))?;
        (condition.is_usable() && self.fits_args(&condition)).then_some(condition)
    }

    /// Whether some clause of a resource lets a record pass.
    pub(crate) fn passes(
        &self,
        resource: &Resource,
        needs: Operations,
        spelling: Spelling,
        record: &dyn Fields,
    ) -> bool {
        let is_free = self.request.args.is_none() && self.request.index.is_none();
        self.policy.clauses_of(resource).filter(|clause| Operations(clause.operations).meets(needs)).any(|clause| {
            match self.policy.names_caller(&clause, &self.asker, spelling, record).filter(|_| is_free) {
                Some(holds) => holds,
                None => self.asks(&clause, spelling).is_some_and(|condition| condition.matches(record)),
            }
        })
    }

    /// Whether some clause of a resource could let a record pass.
    pub(crate) fn could_pass(&self, resource: &Resource, needs: Operations, spelling: Spelling) -> bool {
        let mut clauses = self.policy.clauses_of(resource).filter(|clause| Operations(clause.operations).meets(needs));
        clauses.any(|clause| self.asks(&clause, spelling).is_some())
    }

    /// A sort key that the query leaves open is filled in with the whole identity.
    pub(crate) fn spelling_of(&self, clause: &Clause, spelling: Spelling) -> Spelling {
        let Some(index) = self.request.index.filter(|_| spelling == Spelling::Any) else { return spelling };
        let field = self.policy.strings.get(clause.field);
        let in_sort_key =
            (1..index.len().min(MAX_LIST)).any(|at| matches!(index.at(at), Value::Text(name) if name == field));
        let open = self.request.args.is_none_or(|args| matches!(args.get(field), Value::Absent | Value::Null));
        if in_sort_key && open { Spelling::Whole } else { spelling }
    }

    /// A value that the query fixes must be the caller's.
    pub(crate) fn fits_args(&self, condition: &Condition<'_>) -> bool {
        match self.request.args.map_or(Value::Absent, |args| args.get(condition.field)) {
            Value::Absent | Value::Null => true,
            Value::Text(text) => condition.is(text),
            _ => false,
        }
    }
}
