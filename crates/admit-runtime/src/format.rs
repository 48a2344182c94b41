//! The bytes of a table: the header, the sections in their order, and the records in them.
//! Always: little-endian, no padding inside a section, and each record's reader and writer come from one
//! declaration. `docs/table-format.md` is the same in words.

/// The first bytes of every table.
pub const MAGIC: [u8; 8] = *b"admit\r\n\x1a";
/// The version of the format that this crate reads and writes.
pub const VERSION: u16 = 4;
/// "There is none", where a number would name something.
pub const NONE: u32 = u32::MAX;
/// Where the header's u32 section lengths begin: behind magic, version, settings, length, seed and counts.
pub(crate) const LENGTHS: usize = 36;
/// The header.
pub(crate) const HEADER: usize = LENGTHS + 4 * SECTIONS;
/// The checksum at the end.
pub(crate) const TRAILER: usize = 8;
/// The smallest table there can be.
pub(crate) const SMALLEST: usize = HEADER + TRAILER;

macro_rules! sections {
    ($($(#[$doc:meta])* $section:ident $name:literal: $record:ty,)*) => {
        /// The sections, in the order in which they stand.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(usize)]
        pub enum Section { $($(#[$doc])* $section,)* }

        /// How many sections there are.
        pub const SECTIONS: usize = [$($name),*].len();

        impl Section {
            /// Every section, in order.
            pub const ALL: [Section; SECTIONS] = [$(Section::$section),*];

            /// The section's name in reports and errors.
            pub const fn name(self) -> &'static str {
                match self { $(Section::$section => $name,)* }
            }

            /// The size of one record, in bytes.
            pub const fn record(self) -> usize {
                match self { $(Section::$section => <$record as Record>::SIZE,)* }
            }
        }
    };
}

sections! {
    /// The decision's strings, UTF-8, one behind the other.
    Text "text": u8,
    /// Where each string ends. First the names that requests look up ([`scope_of`] tells their order), then the others,
    /// ascending.
    Strings "strings": U24,
    /// A number a bucket of names, which moves them to free slots.
    Pilots "pilots": u16,
    /// The string in each slot, or [`NO_NAME`].
    Slots "slots": U24,
    /// [`Source`]: the claims that groups are read from.
    Sources "sources": Source,
    /// [`Head`]: whatever can be asked about. First the models, in their order.
    Heads "heads": Head,
    /// [`Common`]: what many heads have in common.
    Common "common": Common,
    /// The classes of cells.
    CellClasses "cell classes": u16,
    /// What each of these classes may do: a set of operations a cell.
    CellOperations "cell operations": u8,
    /// [`Long`]: runs of more than [`SHORT`] cells.
    Long "long runs": Long,
    /// The pages of long runs.
    PageNumbers "page numbers": u16,
    /// [`Page`]
    Pages "pages": Page,
    /// [`Grid`]: all cells of a head, where the table has few classes.
    Grids "grids": Grid,
    /// [`Clause`]: which owner or group in a record may do what.
    Clauses "clauses": Clause,
    /// String numbers: the parts of identity claims.
    Parts "parts": u32,
    /// [`Model`]
    Models "models": Model,
    /// [`Shape`]: the fields that models have.
    Shapes "shapes": Shape,
    /// [`Field`]
    Fields "fields": Field,
    /// [`Custom`]: custom operations.
    Customs "custom operations": Custom,
    /// [`Bucket`]
    Buckets "buckets": Bucket,
    /// [`Node`]: paths of buckets.
    Nodes "paths": Node,
    /// [`Acting`]: which group acts as which others.
    Acting "acting groups": Acting,
    /// [`Exclusive`]: the groups that nobody may hold together.
    Exclusive "exclusive groups": Exclusive,
    /// [`Term`]: what conditions read.
    Terms "terms": Term,
    /// [`Number64`]: the numbers that conditions name.
    Numbers "numbers": Number64,
    /// [`Test`]: the questions that conditions ask.
    Tests "tests": Test,
    /// [`Step`]: the conditions of rules, one behind the other.
    Code "code": Step,
    /// Where each condition's steps end.
    Programs "programs": u32,
    /// [`Who`]: whom guarded rules are about.
    Whos "whos": Who,
    /// Class numbers: the groups of a who.
    WhoClasses "who classes": u32,
    /// [`Guard`]: what must be true beside a rule's who.
    Guards "guards": Guard,
    /// Who numbers: the whos of a guard.
    GuardWhos "guard whos": u32,
    /// [`Grant`]: what guarded rules give, and what denies take.
    Grants "grants": Grant,
    /// Where each run of grants ends.
    GrantRuns "grant runs": u32,
    /// [`Special`]: the resources of the data whose rules have guards, or that have denies.
    Specials "specials": Special,
    /// Who numbers: the roles of a special.
    SpecialRoles "special roles": u32,
    /// [`Place`]: the paths of buckets whose rules have guards, denies or claims in paths.
    Places "places": Place,
    /// [`PlaceClaim`]: the claims in these paths.
    PlaceClaims "place claims": PlaceClaim,
    /// The explanations' strings, UTF-8.
    RuleText "rule text": u8,
    /// Where each of them ends.
    RuleStrings "rule strings": U24,
    /// [`Rule`], in source order.
    Rules "rules": Rule,
    /// Numbers of explanations' strings: group names, parts of claims.
    RuleParts "rule parts": u32,
    /// [`RuleGuard`]: what rules say beside who and operations.
    RuleGuards "rule guards": RuleGuard,
    /// [`GroupSetting`]: what groups of the user pool are on AWS. It decides nothing.
    GroupSettings "group settings": GroupSetting,
}

/// Something of a fixed size: a section is a row of it, and a record is a row of others.
pub trait Record: Copy + Default {
    /// Bytes of one.
    const SIZE: usize;
    /// These bytes.
    type Bytes: Copy;
    /// A section's bytes as records; what is left at the end is none.
    fn rows(bytes: &[u8]) -> &[Self::Bytes];
    /// Reads one.
    fn read(bytes: &Self::Bytes) -> Self;
    /// The bytes that start at `at`, or zeros.
    fn bytes_at(bytes: &[u8], at: usize) -> Self::Bytes;
    /// Appends it.
    #[cfg(feature = "write")]
    fn write(self, out: &mut alloc::vec::Vec<u8>);
}

macro_rules! number {
    ($($ty:ty)*) => {$(
        impl Record for $ty {
            const SIZE: usize = size_of::<$ty>();
            type Bytes = [u8; size_of::<$ty>()];
            fn rows(bytes: &[u8]) -> &[Self::Bytes] {
                bytes.as_chunks().0
            }
            fn read(bytes: &Self::Bytes) -> $ty {
                <$ty>::from_le_bytes(*bytes)
            }
            fn bytes_at(bytes: &[u8], at: usize) -> Self::Bytes {
                bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default()
            }
            #[cfg(feature = "write")]
            fn write(self, out: &mut alloc::vec::Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}
number!(u8 u16 u32 u64 U24);

/// A number of three bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct U24([u8; 3]);

impl U24 {
    /// The number; its upper byte is lost.
    pub const fn new(number: u32) -> U24 {
        let [a, b, c, _] = number.to_le_bytes();
        U24([a, b, c])
    }

    /// The number.
    pub const fn get(self) -> u32 {
        u32::from_le_bytes([self.0[0], self.0[1], self.0[2], 0])
    }

    const fn from_le_bytes(bytes: [u8; 3]) -> U24 {
        U24(bytes)
    }

    #[cfg(feature = "write")]
    const fn to_le_bytes(self) -> [u8; 3] {
        self.0
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
            type Bytes = [u8; $name::SIZE];
            fn rows(bytes: &[u8]) -> &[Self::Bytes] {
                bytes.as_chunks().0
            }
            #[inline]
            fn read(bytes: &Self::Bytes) -> $name {
                let mut at = 0;
                $(
                    let $field = <$ty as Record>::read(&<$ty as Record>::bytes_at(bytes, at));
                    at += size_of::<$ty>();
                )*
                let _ = at;
                $name { $($field,)* }
            }
            fn bytes_at(bytes: &[u8], at: usize) -> Self::Bytes {
                bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; $name::SIZE])
            }
            #[cfg(feature = "write")]
            fn write(self, out: &mut alloc::vec::Vec<u8>) {
                $(Record::write(self.$field, out);)*
            }
        }
    };
}

/// What kind of thing a name names, and within what: the names that requests look up are sorted by this, then by their
/// bytes (the pool's own groups by precedence), so that a model's name is as many strings behind the first model's
/// as the model is behind the first model.
pub mod scope_of {
    /// A model.
    pub const MODEL: u32 = 1;
    /// A bucket.
    pub const BUCKET: u32 = 2;
    /// A field of some model.
    pub const FIELD: u32 = 3;
    /// A query; a mutation and a subscription are the next two.
    pub const CUSTOM: u32 = 4;
    /// A class of the first source; those of the next sources are the next ones.
    pub const CLASS: u32 = 8;
}

/// Of [`Section::Slots`]: the slot is free.
pub const NO_NAME: u32 = 0xFF_FFFF;
/// Names a pilot, on average.
#[cfg(feature = "write")]
pub(crate) const NAMES_A_PILOT: usize = 4;

/// The hash of a name in a scope. Words are little-endian, the last one padded with zeros, or if the name has
/// eight bytes or more its last eight bytes.
#[inline(always)] // measured: the loop over a caller's groups keeps in registers what the call would read again
pub(crate) fn hash(seed: u32, scope: u32, name: &[u8]) -> u64 {
    let start = (u64::from(scope) << 32 | u64::from(seed)) ^ name.len() as u64;
    let (Some((first, rest)), Some(last)) = (name.split_first_chunk::<8>(), name.last_chunk::<8>()) else {
        return fold(start ^ padded(name), SPREAD);
    };
    let (first, last) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
    // One multiplication for most names. `SPREAD` as bytes is no UTF-8, so that neither factor is zero for certain names.
    if rest.len() <= 8 {
        return fold(start ^ first, SPREAD ^ last);
    }
    hash_long(start ^ first, rest, last)
}

/// The hash of what stands behind the first word of a name of more than two.
#[inline(never)]
fn hash_long(first: u64, rest: &[u8], last: u64) -> u64 {
    let middle = rest.as_chunks::<8>().0.get(..(rest.len() - 1) / 8).unwrap_or(&[]);
    let hash = middle.iter().fold(first, |hash, word| fold(hash, SPREAD) ^ u64::from_le_bytes(*word));
    fold(hash, SPREAD ^ last)
}

/// Up to eight bytes, as a word padded with zeros.
pub(crate) const fn padded(bytes: &[u8]) -> u64 {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let last = (u32::from_le_bytes(*last) as u64) << (8 * (bytes.len() - 4));
        return u32::from_le_bytes(*first) as u64 | last;
    }
    let (mut word, mut rest) = (0, bytes);
    while let [before @ .., last] = rest {
        (word, rest) = (word << 8 | *last as u64, before);
    }
    word
}

/// What names are multiplied by: two to the 64th, divided by the golden ratio.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// Both halves of a product.
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a).wrapping_mul(u128::from(b));
    (product as u64) ^ (product >> 64) as u64
}

/// The bit that stands for a name in the sieve of a [`Head`], by its hash.
#[inline(always)]
pub(crate) fn sieve_bit(hash: u64) -> u8 {
    (hash & 31) as u8
}

/// The bucket of a hash, among `count`.
pub(crate) fn bucket(hash: u64, count: usize) -> usize {
    ((hash >> 32).wrapping_mul(count as u64) >> 32) as usize
}

/// The slot of a hash, among `count`, as its bucket's pilot moves it.
pub(crate) fn slot(hash: u64, pilot: u16, count: usize) -> usize {
    let moved = hash ^ u64::from(pilot).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    let moved = moved.wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
    ((moved >> 32).wrapping_mul(count as u64) >> 32) as usize
}

/// `provider` of a [`Source`] whose classes are functions, not groups.
pub const FUNCTIONS: u32 = 2;

record! {
    /// A claim that groups are read from, and its run of classes. Sorted by provider, then claim, but the user pool's own
    /// claim first.
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

/// The most cells of a run that is no long one.
pub const SHORT: usize = 64;
/// [`Head::count`] of a long run: `cells` is its number.
pub const LONG: u8 = 255;
/// [`Head::count`] of a head whose cells are a grid: `cells` is its number.
pub const GRID: u8 = 254;
/// A table of so many classes has its cells in grids, and only such a one.
pub const GRID_CLASSES: u32 = 64;
/// Classes a page.
pub const PAGE: usize = 64;

record! {
    /// Something that can be asked about: a model as a whole, one class of its fields, a custom operation, a path.
    ///
    /// A model as a whole says of each who: read operations it has on some field; create, update and delete that
    /// it has on every field.
    Head {
        /// Its first cell, or its long run.
        cells: U24,
        /// How many cells: at most [`SHORT`], or [`LONG`], or [`GRID`].
        count: u8,
        /// The number of its [`Common`].
        common: U24,
        /// A bit for each class that has a cell here, by the lowest bits of its name's hash: a class whose bit is
        /// not set has nothing here. The writer works it out.
        sieve: u32,
    }
}

record! {
    /// What a head says besides its cells. Many heads share one.
    Common {
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
        /// Its first clause.
        clauses: u32,
        /// How many.
        clause_count: u32,
    }
}

record! {
    /// A run of more than [`SHORT`] cells, or the same as pages if these take fewer bytes.
    Long {
        /// 0: cells; 1: pages.
        paged: u32,
        /// The first cell, or page number.
        first: u32,
        /// How many.
        count: u32,
    }
}

/// The operations of [`PAGE`] classes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Page(pub [u8; PAGE]);

impl Default for Page {
    fn default() -> Page {
        Page([0; PAGE])
    }
}

impl Record for Page {
    const SIZE: usize = PAGE;
    type Bytes = [u8; PAGE];
    fn rows(bytes: &[u8]) -> &[Self::Bytes] {
        bytes.as_chunks().0
    }
    fn read(bytes: &Self::Bytes) -> Page {
        Page(*bytes)
    }
    fn bytes_at(bytes: &[u8], at: usize) -> Self::Bytes {
        bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; PAGE])
    }
    #[cfg(feature = "write")]
    fn write(self, out: &mut alloc::vec::Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
}

record! {
    /// The cells of a head, in a table of at most [`GRID_CLASSES`] classes: by operation, in the order of their bits, the
    /// classes that have it, bit *n* for class *n*. To decide is then to look at one word.
    Grid {
        /// Create, write or call.
        create: u64,
        /// Update.
        update: u64,
        /// Delete.
        delete: u64,
        /// Get.
        get: u64,
        /// List.
        list: u64,
        /// Listen.
        listen: u64,
        /// Sync.
        sync: u64,
        /// Search.
        search: u64,
    }
}

impl Grid {
    /// The rows, in the order of the operations' bits.
    #[inline]
    pub fn rows(&self) -> [u64; 8] {
        [self.create, self.update, self.delete, self.get, self.list, self.listen, self.sync, self.search]
    }

    /// The grid of these rows.
    pub fn of_rows([create, update, delete, get, list, listen, sync, search]: [u64; 8]) -> Grid {
        Grid { create, update, delete, get, list, listen, sync, search }
    }

    /// The classes that have some cell.
    pub fn classes(&self) -> u64 {
        self.rows().into_iter().fold(0, |all, row| all | row)
    }

    /// What one class may do.
    pub fn of_class(&self, class: u32) -> u8 {
        let rows = self.rows().into_iter().zip(0..);
        rows.fold(0, |all, (row, bit)| all | ((row >> (class & 63) & 1) as u8) << bit)
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
    /// A model. Sorted by name; its number is that of its head.
    Model {
        /// Its shape.
        shape: U24,
        /// The head of its first field class; the others follow. Its own head, if that says the same.
        heads: U24,
    }
}

record! {
    /// The fields of models: those that have the same share one.
    Shape {
        /// The first field.
        fields: u32,
        /// How many.
        field_count: u32,
        /// How many classes they fall into: at least 1.
        classes: u32,
        /// The operations that models of this shape do not have at all (`disableOperations`), at most one byte.
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
    /// A field of a shape. Sorted by name within the shape.
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
        /// Its head.
        head: u32,
    }
}

record! {
    /// A bucket. Sorted by name.
    Bucket {
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
        /// The head of keys under it, or none if only `{entity_id}` has rules.
        everyone: u32,
        /// The head of keys in the caller's own folder under it, or none.
        mine: u32,
    }
}

record! {
    /// A group of the user pool whose precedence is not its place, or that brings a role. Sorted by group.
    GroupSetting {
        /// The class, one of the pool's groups.
        group: u32,
        /// Its precedence in the user pool: the lower, the better. Those of all groups ascend.
        precedence: u32,
        /// The ARN of the role that it brings, a string, or none.
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

/// The bit of [`Common::gate`] that tells of a [`Special`].
pub const SPECIAL: u8 = 0x80;

record! {
    /// A model or custom operation whose rules have guards, or that has denies. Sorted by resource; the head itself
    /// then says only what functions have.
    Special {
        /// The head: of a model as a whole, or of a custom operation.
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
