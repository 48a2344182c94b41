//! The bytes of a table: the header, the sections in their order, and the records in them.
//! Always: little-endian, no padding inside a section, and each record's reader and writer come from one
//! declaration. `docs/table-format.md` is the same in words.

/// The first bytes of every table.
pub const MAGIC: [u8; 8] = *b"admit\r\n\x1a";
/// The version of the format that this crate reads and writes.
pub const VERSION: u16 = 2;
/// "There is none", where a number would name something.
pub const NONE: u32 = u32::MAX;
/// Magic, version, settings, length, then one u32 a section.
pub(crate) const HEADER: usize = 24 + 4 * SECTIONS;
/// The checksum at the end.
pub(crate) const TRAILER: usize = 8;
/// The smallest table there can be.
pub(crate) const SMALLEST: usize = HEADER + TRAILER;

/// How many sections there are.
pub const SECTIONS: usize = 38;

/// The sections, in the order in which they stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Section {
    /// The decision's strings, UTF-8, one behind the other.
    Text,
    /// Where each string ends: u32. Strings ascend, so an equal name is an equal number.
    Strings,
    /// [`Source`]: the claims that groups are read from.
    Sources,
    /// [`Class`]: the groups that rules name.
    Classes,
    /// [`Resource`]: whatever can be asked about.
    Resources,
    /// [`Cell`]: which class may do what.
    Cells,
    /// Where each run of cells ends: u32. A resource names a run, and resources with equal cells share one.
    CellRuns,
    /// [`Clause`]: which owner or group in a record may do what.
    Clauses,
    /// Where each run of clauses ends: u32.
    ClauseRuns,
    /// u32 string numbers: the parts of identity claims.
    Parts,
    /// [`Model`]
    Models,
    /// [`Field`]
    Fields,
    /// [`Custom`]: custom operations.
    Customs,
    /// [`Bucket`]
    Buckets,
    /// [`Node`]: paths of buckets.
    Nodes,
    /// [`Group`]: the groups of the user pool, best precedence first.
    Groups,
    /// [`Acting`]: which group acts as which others.
    Acting,
    /// [`Exclusive`]: the groups that nobody may hold together.
    Exclusive,
    /// [`Term`]: what conditions read.
    Terms,
    /// [`Number64`]: the numbers that conditions name.
    Numbers,
    /// [`Test`]: the questions that conditions ask.
    Tests,
    /// [`Step`]: the conditions of rules, one behind the other.
    Code,
    /// Where each condition's steps end.
    Programs,
    /// [`Who`]: whom guarded rules are about.
    Whos,
    /// Class numbers: the groups of a who.
    WhoClasses,
    /// [`Guard`]: what must be true beside a rule's who.
    Guards,
    /// Who numbers: the whos of a guard.
    GuardWhos,
    /// [`Grant`]: what guarded rules give, and what denies take.
    Grants,
    /// Where each run of grants ends.
    GrantRuns,
    /// [`Special`]: the resources of the data whose rules have guards, or that have denies.
    Specials,
    /// Who numbers: the roles of a special.
    SpecialRoles,
    /// [`Place`]: the paths of buckets whose rules have guards, denies or claims in paths.
    Places,
    /// [`PlaceClaim`]: the claims in these paths.
    PlaceClaims,
    /// The explanations' strings, UTF-8.
    RuleText,
    /// Where each of them ends: u32.
    RuleStrings,
    /// [`Rule`], in source order.
    Rules,
    /// u32 numbers of explanations' strings: group names, parts of claims.
    RuleParts,
    /// [`RuleGuard`]: what rules say beside who and operations.
    RuleGuards,
}

impl Section {
    /// Every section, in order.
    pub const ALL: [Section; SECTIONS] = [
        Section::Text,
        Section::Strings,
        Section::Sources,
        Section::Classes,
        Section::Resources,
        Section::Cells,
        Section::CellRuns,
        Section::Clauses,
        Section::ClauseRuns,
        Section::Parts,
        Section::Models,
        Section::Fields,
        Section::Customs,
        Section::Buckets,
        Section::Nodes,
        Section::Groups,
        Section::Acting,
        Section::Exclusive,
        Section::Terms,
        Section::Numbers,
        Section::Tests,
        Section::Code,
        Section::Programs,
        Section::Whos,
        Section::WhoClasses,
        Section::Guards,
        Section::GuardWhos,
        Section::Grants,
        Section::GrantRuns,
        Section::Specials,
        Section::SpecialRoles,
        Section::Places,
        Section::PlaceClaims,
        Section::RuleText,
        Section::RuleStrings,
        Section::Rules,
        Section::RuleParts,
        Section::RuleGuards,
    ];

    /// The section's name in reports and errors.
    pub const fn name(self) -> &'static str {
        match self {
            Section::Text => "text",
            Section::Strings => "strings",
            Section::Sources => "sources",
            Section::Classes => "classes",
            Section::Resources => "resources",
            Section::Cells => "cells",
            Section::CellRuns => "cell runs",
            Section::Clauses => "clauses",
            Section::ClauseRuns => "clause runs",
            Section::Parts => "parts",
            Section::Models => "models",
            Section::Fields => "fields",
            Section::Customs => "custom operations",
            Section::Buckets => "buckets",
            Section::Nodes => "paths",
            Section::Groups => "groups",
            Section::Acting => "acting groups",
            Section::Exclusive => "exclusive groups",
            Section::Terms => "terms",
            Section::Numbers => "numbers",
            Section::Tests => "tests",
            Section::Code => "code",
            Section::Programs => "programs",
            Section::Whos => "whos",
            Section::WhoClasses => "who classes",
            Section::Guards => "guards",
            Section::GuardWhos => "guard whos",
            Section::Grants => "grants",
            Section::GrantRuns => "grant runs",
            Section::Specials => "specials",
            Section::SpecialRoles => "special roles",
            Section::Places => "places",
            Section::PlaceClaims => "place claims",
            Section::RuleText => "rule text",
            Section::RuleStrings => "rule strings",
            Section::Rules => "rules",
            Section::RuleParts => "rule parts",
            Section::RuleGuards => "rule guards",
        }
    }

    /// The size of one record, in bytes.
    pub const fn record(self) -> usize {
        match self {
            Section::Text | Section::RuleText => 1,
            Section::Strings
            | Section::CellRuns
            | Section::ClauseRuns
            | Section::Parts
            | Section::RuleStrings
            | Section::Programs
            | Section::WhoClasses
            | Section::GuardWhos
            | Section::GrantRuns
            | Section::SpecialRoles
            | Section::RuleParts => 4,
            Section::Sources => Source::SIZE,
            Section::Classes => Class::SIZE,
            Section::Resources => Resource::SIZE,
            Section::Cells => Cell::SIZE,
            Section::Clauses => Clause::SIZE,
            Section::Models => Model::SIZE,
            Section::Fields => Field::SIZE,
            Section::Customs => Custom::SIZE,
            Section::Buckets => Bucket::SIZE,
            Section::Nodes => Node::SIZE,
            Section::Groups => Group::SIZE,
            Section::Acting => Acting::SIZE,
            Section::Exclusive => Exclusive::SIZE,
            Section::Terms => Term::SIZE,
            Section::Numbers => Number64::SIZE,
            Section::Tests => Test::SIZE,
            Section::Code => Step::SIZE,
            Section::Whos => Who::SIZE,
            Section::Guards => Guard::SIZE,
            Section::Grants => Grant::SIZE,
            Section::Specials => Special::SIZE,
            Section::Places => Place::SIZE,
            Section::PlaceClaims => PlaceClaim::SIZE,
            Section::Rules => Rule::SIZE,
            Section::RuleGuards => RuleGuard::SIZE,
        }
    }
}

/// A number that a record holds.
trait Number: Copy {
    const SIZE: usize;
    fn read(bytes: &[u8], at: usize) -> Self;
    #[cfg(feature = "write")]
    fn write(self, out: &mut alloc::vec::Vec<u8>);
}

macro_rules! number {
    ($($ty:ty)*) => {$(
        impl Number for $ty {
            const SIZE: usize = size_of::<$ty>();
            fn read(bytes: &[u8], at: usize) -> $ty {
                bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |chunk| <$ty>::from_le_bytes(*chunk))
            }
            #[cfg(feature = "write")]
            fn write(self, out: &mut alloc::vec::Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}
number!(u8 u16 u32);

/// Something of a fixed size that a section is a row of.
pub trait Record: Copy {
    /// Bytes of one record.
    const SIZE: usize;
    /// Reads the record that starts at `at`; past the end it is all zeros, which admits nobody.
    fn read(bytes: &[u8], at: usize) -> Self;
    /// Appends the record.
    #[cfg(feature = "write")]
    fn write(self, out: &mut alloc::vec::Vec<u8>);
}

impl Record for u32 {
    const SIZE: usize = 4;
    fn read(bytes: &[u8], at: usize) -> u32 {
        Number::read(bytes, at)
    }
    #[cfg(feature = "write")]
    fn write(self, out: &mut alloc::vec::Vec<u8>) {
        Number::write(self, out);
    }
}

macro_rules! record {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $ty:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
        pub struct $name { $($(#[$field_doc])* pub $field: $ty,)* }

        impl $name {
            /// Bytes of one record.
            pub const SIZE: usize = 0 $(+ size_of::<$ty>())*;
        }

        impl Record for $name {
            const SIZE: usize = $name::SIZE;
            fn read(bytes: &[u8], at: usize) -> $name {
                let mut at = at;
                $(
                    let $field = <$ty as Number>::read(bytes, at);
                    at += <$ty as Number>::SIZE;
                )*
                let _ = at;
                $name { $($field,)* }
            }
            #[cfg(feature = "write")]
            fn write(self, out: &mut alloc::vec::Vec<u8>) {
                $(Number::write(self.$field, out);)*
            }
        }
    };
}

/// `provider` of a [`Source`] whose classes are functions, not groups.
pub const FUNCTIONS: u32 = 2;

record! {
    /// A claim that groups are read from, and its run of classes. Sorted by provider, then claim.
    Source {
        /// 0 user pool, 1 OpenID Connect, 2 the names of functions.
        provider: u32,
        /// The claim's name; none for functions.
        claim: u32,
        /// The first class.
        first: u32,
        /// How many.
        count: u32,
    }
}

record! {
    /// A group (or function) that rules name. Sorted by name within its source.
    Class {
        /// Its name.
        name: u32,
        /// Its place in [`Section::Groups`] if it is a group of the user pool in the pool's claim, else none.
        precedence: u32,
    }
}

record! {
    /// Something that can be asked about: a model as a whole, one class of its fields, a custom operation, a path.
    ///
    /// A model as a whole says of each who: read operations it has on some field; create, update and delete that
    /// it has on every field. The resources of its field classes follow it.
    Resource {
        /// Operations of every signed-in user of the user pool.
        user_pool: u8,
        /// Operations of every OpenID Connect user.
        oidc: u8,
        /// Operations of whoever has the API key.
        api_key: u8,
        /// Operations of guests.
        guest: u8,
        /// Operations of the identity pool's authenticated role.
        identity_pool: u8,
        /// Operations of whom the host's authorizer lets in.
        lambda: u8,
        /// A field class: the read operations whose every who sees these fields.
        shown: u8,
        /// A model: of the modes user pool, OpenID Connect, API key and lambda, one bit each, those whose callers may
        /// ask for an update at all. It binds no other mode. A model or custom operation: [`SPECIAL`] too.
        gate: u8,
        /// Its run of cells.
        cells: u32,
        /// Its run of clauses.
        clauses: u32,
    }
}

record! {
    /// A class's operations on a resource. Sorted by class within a resource.
    Cell {
        /// The class.
        class: u16,
        /// Its operations; never none.
        operations: u8,
        /// Zero.
        reserved: u8,
    }
}

/// The kinds of a [`Clause`]: what the record's field holds.
pub mod clause {
    /// One owner.
    pub const OWNER: u8 = 0;
    /// Several owners.
    pub const OWNERS: u8 = 1;
    /// One group.
    pub const GROUP: u8 = 2;
    /// Several groups.
    pub const GROUPS: u8 = 3;
}

record! {
    /// Operations of whomever a field of the record names. Within a run in the order in which owners are recorded:
    /// by provider, owners before groups, single before list, field, claim.
    Clause {
        /// The operations, as a resource says them.
        operations: u8,
        /// A model as a whole: the operations on some field. A field class: the same as `operations`.
        any: u8,
        /// What the field holds ([`clause`]).
        kind: u8,
        /// 0 user pool, 1 OpenID Connect.
        provider: u8,
        /// The field's name.
        field: u32,
        /// The first part of the identity claim, or the group claim.
        parts: u32,
        /// How many parts: 1 to 4, for groups 1.
        part_count: u32,
    }
}

record! {
    /// A model. Sorted by name.
    Model {
        /// Its name.
        name: u32,
        /// Its first field.
        fields: u32,
        /// How many.
        field_count: u32,
        /// The resource that is the model as a whole.
        resource: u32,
        /// How many field classes follow it: at least 1.
        classes: u32,
        /// The operations that it does not have at all (`disableOperations`), at most one byte.
        disabled: u32,
    }
}

/// Bits of [`Field::flags`].
pub mod field {
    /// The policy declares it.
    pub const DECLARED: u16 = 1;
    /// It is part of the primary key.
    pub const KEY: u16 = 2;
}

record! {
    /// A field of a model. Sorted by name within the model.
    Field {
        /// Its name.
        name: u32,
        /// Its field class, from 0; 0 too for what is always shown.
        class: u16,
        /// [`field`]. What is not declared (the key, time stamps, an implicit owner) is shown to whoever has the record.
        flags: u16,
    }
}

record! {
    /// A custom operation. Sorted by kind, then name.
    Custom {
        /// 0 query, 1 mutation, 2 subscription.
        kind: u32,
        /// Its name.
        name: u32,
        /// Its resource.
        resource: u32,
    }
}

record! {
    /// A bucket. Sorted by name.
    Bucket {
        /// Its name.
        name: u32,
        /// Its first path.
        nodes: u32,
        /// How many.
        node_count: u32,
    }
}

record! {
    /// A path of a bucket. Sorted by prefix.
    Node {
        /// What keys start with.
        prefix: u32,
        /// The longest other path that is a prefix of this one, or none; always an earlier node of the bucket.
        parent: u32,
        /// The resource of keys under it, or none if only `{entity_id}` has rules.
        everyone: u32,
        /// The resource of keys in the caller's own folder under it, or none.
        mine: u32,
    }
}

record! {
    /// A group of the user pool. Sorted by precedence.
    Group {
        /// Its name.
        name: u32,
        /// Its precedence in the user pool: the lower, the better.
        precedence: u32,
        /// The ARN of the role that it brings, or none.
        role: u32,
    }
}

record! {
    /// A class whose members count as members of another. Sorted; every step of a chain is there.
    Acting {
        /// The class.
        class: u16,
        /// What it acts as.
        other: u16,
    }
}

record! {
    /// A class of a list of which nobody may hold two. Sorted.
    Exclusive {
        /// The number of the list.
        list: u32,
        /// The class.
        class: u32,
    }
}

/// Where a [`Term`] is read.
#[allow(missing_docs)]
pub mod source {
    pub const RECORD: u8 = 0;
    pub const INPUT: u8 = 1;
    pub const CLAIM: u8 = 2;
}

/// What a [`Term`], or each of its elements, is.
#[allow(missing_docs)]
pub mod kind {
    pub const TEXT: u8 = 0;
    pub const INTEGER: u8 = 1;
    pub const FLOAT: u8 = 2;
    pub const BOOLEAN: u8 = 3;
    pub const DATE: u8 = 4;
    pub const DATE_TIME: u8 = 5;
}

record! {
    /// Something that conditions read.
    Term {
        /// [`source`]
        source: u8,
        /// [`kind`]
        kind: u8,
        /// 1 for a list.
        list: u8,
        /// Zero.
        reserved: u8,
        /// The field, or the claim.
        name: u32,
    }
}

record! {
    /// A number that conditions name: the bits of a finite double.
    Number64 {
        /// The lower half.
        low: u32,
        /// The upper half.
        high: u32,
    }
}

/// The forms of a [`Test`].
pub mod form {
    /// The boolean is true.
    pub const HOLDS: u8 = 0;
    /// The value is null.
    pub const NULL: u8 = 1;
    /// The two are equal; the next four are `<`, `<=`, `>` and `>=`.
    pub const EQUAL: u8 = 2;
    #[allow(missing_docs)]
    pub const LESS: u8 = 3;
    #[allow(missing_docs)]
    pub const LESS_OR_EQUAL: u8 = 4;
    #[allow(missing_docs)]
    pub const GREATER: u8 = 5;
    #[allow(missing_docs)]
    pub const GREATER_OR_EQUAL: u8 = 6;
    /// Some element of the list is equal.
    pub const CONTAINS: u8 = 7;
    /// The text holds that one.
    pub const HAS_TEXT: u8 = 8;
    /// The text begins with that one.
    pub const STARTS_WITH: u8 = 9;
}

/// What a [`Test`] compares its term with.
#[allow(missing_docs)]
pub mod operand {
    pub const NOTHING: u8 = 0;
    /// `value` is the number of a term.
    pub const TERM: u8 = 1;
    /// `value` is the number of a string.
    pub const TEXT: u8 = 2;
    /// `value` is the number of a number.
    pub const NUMBER: u8 = 3;
    /// `value` is 0 or 1.
    pub const BOOLEAN: u8 = 4;
}

record! {
    /// One question about a request.
    Test {
        /// [`form`]
        form: u8,
        /// [`operand`]
        operand: u8,
        /// 1 if the answer is turned round: false where it is true.
        negated: u8,
        /// Zero.
        reserved: u8,
        /// The term.
        term: u32,
        /// What it is compared with.
        value: u32,
    }
}

/// [`Step::yes`], [`Step::no`]: the condition is true.
pub const TRUE: u16 = u16::MAX;
/// [`Step::yes`], [`Step::no`]: the condition is false.
pub const FALSE: u16 = u16::MAX - 1;
/// The most steps of one condition.
pub const MAX_STEPS: u32 = 256;

record! {
    /// A step of a condition: a test, and where to go on, always forward.
    Step {
        /// The test.
        test: u32,
        /// The step after it holds, counted from the condition's first, or [`TRUE`] or [`FALSE`].
        yes: u16,
        /// The step after it does not.
        no: u16,
    }
}

/// The kinds of a [`Who`]; below them those of [`clause`].
pub mod subject {
    /// Every caller of a mode: `mode`.
    pub const EVERYONE: u8 = 4;
    /// The members of classes; of the functions' source, these functions.
    pub const CLASSES: u8 = 5;
    /// Storage: whoever is signed in, in his own folder.
    pub const ENTITY: u8 = 6;
}

record! {
    /// Whom a guarded rule is about. Those that a record's field names come first, in the order in which owners are recorded.
    Who {
        /// [`clause`] or [`subject`]
        kind: u8,
        /// The mode whose callers it is about ([`crate::Mode`]).
        mode: u8,
        /// How many parts of the identity claim: 1 to 4, for a field's groups 1, else 0.
        part_count: u8,
        /// Zero.
        reserved: u8,
        /// The record's field, or for classes their source; else none.
        field: u32,
        /// The first part of the identity claim or the group claim, or the first class; else none.
        first: u32,
        /// How many classes.
        class_count: u32,
    }
}

record! {
    /// What must be true beside a rule's who: every who and the condition.
    Guard {
        /// The first of its whos.
        whos: u32,
        /// How many.
        who_count: u32,
        /// The condition, or none.
        program: u32,
    }
}

record! {
    /// What a rule gives to a role, or what a deny takes. In a run the grants come first, by role, then the denies.
    Grant {
        /// The operations.
        operations: u8,
        /// 1 for a deny, whose guard names its who too.
        deny: u8,
        /// Zero.
        reserved: u16,
        /// The role's who. For a deny [`subject::ENTITY`] if it is one, else none.
        who: u32,
        /// What else must be true, or none.
        guard: u32,
    }
}

/// The bit of [`Resource::gate`] that tells of a [`Special`].
pub const SPECIAL: u8 = 0x80;

record! {
    /// A model or custom operation whose rules have guards, or that has denies. Sorted by resource; the resource itself
    /// then says only what functions have.
    Special {
        /// The resource: a model as a whole, or a custom operation.
        resource: u32,
        /// The first of its roles.
        roles: u32,
        /// How many.
        role_count: u32,
        /// The run of grants of its first field class; the other classes' follow.
        runs: u32,
    }
}

record! {
    /// A path of a bucket whose rules have guards, denies or claims in paths. Sorted by bucket, then by prefix, so that
    /// a path stands behind those above it.
    Place {
        /// The bucket.
        bucket: u32,
        /// The prefix as written, claims included.
        prefix: u32,
        /// The first of its claims.
        claims: u32,
        /// How many.
        claim_count: u32,
        /// Its run of grants. Their whos are the roles of storage; those of kind [`subject::ENTITY`] count in the caller's
        /// own folder below it.
        run: u32,
    }
}

record! {
    /// A segment of a path that stands for a claim.
    PlaceClaim {
        /// Which segment, from 0.
        segment: u32,
        /// The claim.
        claim: u32,
    }
}

/// The kinds of a [`Rule`]'s scope.
pub mod scope {
    /// A model; `scope` is its number.
    pub const MODEL: u8 = 0;
    /// A field; `scope` is its model's number, `field_scope` its name among the explanations' strings.
    pub const FIELD: u8 = 1;
    /// A custom operation.
    pub const CUSTOM: u8 = 2;
    /// A path; `scope` is the node's number.
    pub const PATH: u8 = 3;
    /// Every model and custom operation: `allow.resource(fn)`.
    pub const DATA: u8 = 4;
}

/// The kinds of a [`Rule`]'s who.
#[allow(missing_docs)]
pub mod who {
    pub const API_KEY: u8 = 0;
    pub const GUEST: u8 = 1;
    pub const AUTHENTICATED: u8 = 2;
    pub const CUSTOM: u8 = 3;
    pub const GROUPS: u8 = 4;
    pub const OWNER: u8 = 5;
    pub const OWNERS: u8 = 6;
    pub const GROUP_IN: u8 = 7;
    pub const GROUPS_IN: u8 = 8;
    pub const ENTITY: u8 = 9;
    pub const FUNCTION: u8 = 10;
    pub const LAST: u8 = FUNCTION;
}

record! {
    /// A rule as written, for explanations.
    Rule {
        /// [`scope`]
        scope_kind: u8,
        /// [`who`]
        who: u8,
        /// The mode whose callers it admits ([`crate::Mode`]).
        mode: u8,
        /// Its operations.
        operations: u8,
        /// What it stands in.
        scope: u32,
        /// The field it stands on, among the explanations' strings, or none.
        field_scope: u32,
        /// The file's name, among the explanations' strings.
        file: u32,
        /// The line, from 1.
        line: u32,
        /// The first byte.
        start: u32,
        /// One past the last byte.
        end: u32,
        /// The record's field that it reads, among the explanations' strings, or none.
        field: u32,
        /// The claim that it reads, `::` between parts, or none.
        claim: u32,
        /// Its first name: of groups, or of the function.
        names: u32,
        /// How many.
        name_count: u32,
    }
}

record! {
    /// What a rule says beside who and operations. Sorted by rule; a rule without any of it has none.
    RuleGuard {
        /// The rule.
        rule: u32,
        /// 1 for a deny.
        deny: u32,
        /// Its guard (for a deny with its who), or none.
        guard: u32,
        /// The text of its `.and(…)`, among the explanations' strings, or none.
        and: u32,
        /// The text of its `.when(…)`, or none.
        when: u32,
    }
}

/// The checksum of `bytes`, whose length is a multiple of 8. A change inside one word is always found.
pub(crate) const fn checksum(bytes: &[u8], words: usize) -> u64 {
    let mut sum = 0x9E37_79B9_7F4A_7C15u64;
    let mut word = 0;
    let mut rest = bytes;
    while word < words {
        let Some((chunk, behind)) = rest.split_first_chunk::<8>() else { return 0 };
        rest = behind;
        sum = (sum.rotate_left(23) ^ u64::from_le_bytes(*chunk)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        word += 1;
    }
    sum
}
