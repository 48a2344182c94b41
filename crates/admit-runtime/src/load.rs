//! From bytes to a policy. Nothing is copied, and everything is checked before the first decision.
//! Always: a `Policy` exists only if every offset, number, reference and searched order in its table is one that a
//! writer writes. `docs/table-format.md` lists what a forged table may still say otherwise: its meaning, never memory.

use crate::asker::Lone;
use crate::cells::Cells;
use crate::error::LoadError;
use crate::format::{
    Acting, Bucket, Clause, Common, Custom, Exclusive, FUNCTIONS, Field, GRID, GRID_CLASSES, Grant, GroupSetting,
    Guard, HEADER, Head, LENGTHS, LONG, MAGIC, Model, NONE, Node, Number64, PAGE, Place, PlaceClaim, Record, Rule,
    RuleGuard, SECTIONS, SHORT, SMALLEST, Section, Shape, Source, Special, Step, TRAILER, Term, Test, VERSION, Who,
    checksum, clause, field, scope, scope_of, sieve_bit, who,
};
use crate::names::{Names, Scope, Strings};
use crate::principal::{Class, NO_CLASS};
use crate::words::Mode;

mod guards;

/// A row of records, read where they stand.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'t, R: Record> {
    rows: &'t [R::Bytes],
}

impl<'t, R: Record> Rows<'t, R> {
    #[inline]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The record with that number; one of zeros, which admits nobody, if there is none.
    #[inline]
    pub fn at(&self, number: usize) -> R {
        self.rows.get(number).map_or_else(R::default, R::read)
    }

    /// The bytes of a run; none if it is not all there.
    pub fn part(&self, first: u32, count: u32) -> &'t [R::Bytes] {
        self.rows.get(first as usize..).and_then(|rest| rest.get(..count as usize)).unwrap_or(&[])
    }

    /// All records, as bytes.
    #[inline]
    pub fn bytes(&self) -> &'t [R::Bytes] {
        self.rows
    }

    pub fn run(self, first: u32, count: u32) -> impl DoubleEndedIterator<Item = R> + ExactSizeIterator + use<'t, R> {
        let first = (first as usize).min(self.len());
        let end = (first + count as usize).min(self.len());
        self.rows[first..end].iter().map(R::read)
    }

    /// The first number in a run for which `below` is false. The run ascends by whatever `below` asks.
    pub fn lower_bound(&self, first: u32, count: u32, below: impl Fn(&R) -> bool) -> usize {
        let (mut low, mut high) = (first as usize, (first as usize + count as usize).min(self.len()));
        while low < high {
            let middle = low + (high - low) / 2;
            if below(&self.at(middle)) { low = middle + 1 } else { high = middle }
        }
        low
    }
}

/// A table, loaded: what answers every request.
///
/// ```no_run
/// # fn load(bytes: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
/// use admit_runtime::{Policy, Request, Value};
/// let policy = Policy::from_bytes(bytes)?;
/// let update = policy.action("Article", "update")?;
/// let groups = ["EDITORS"];
/// let claims = [("sub", Value::Text("1")), ("cognito:groups", Value::List(&groups))];
/// let eve = policy.user(&claims)?;
/// assert!(policy.decide(&eve, update, &Request::new()).is_allowed());
/// # Ok(()) }
/// ```
#[derive(Clone, Copy)]
pub struct Policy<'t> {
    pub(crate) bytes: &'t [u8],
    pub(crate) tag: u64,
    pub(crate) preferred: bool,
    pub(crate) modes: u8,
    pub(crate) names: Names<'t>,
    /// The strings of `names`, by number.
    pub(crate) strings: Strings<'t>,
    /// How many names of fields there are.
    field_names: u32,
    /// How many groups of the user pool there are: the first classes, by precedence.
    pub(crate) groups: u32,
    /// How many classes there are.
    pub(crate) classes: u32,
    pub(crate) sources: Rows<'t, Source>,
    pub(crate) heads: Rows<'t, Head>,
    pub(crate) common: Rows<'t, Common>,
    pub(crate) cells: Cells<'t>,
    pub(crate) clauses: Rows<'t, Clause>,
    pub(crate) parts: Rows<'t, u32>,
    pub(crate) models: Rows<'t, Model>,
    pub(crate) shapes: Rows<'t, Shape>,
    pub(crate) fields: Rows<'t, Field>,
    pub(crate) customs: Rows<'t, Custom>,
    pub(crate) buckets: Rows<'t, Bucket>,
    pub(crate) nodes: Rows<'t, Node>,
    pub(crate) acting: Rows<'t, Acting>,
    pub(crate) exclusive: Rows<'t, Exclusive>,
    pub(crate) terms: Rows<'t, Term>,
    pub(crate) numbers: Rows<'t, Number64>,
    pub(crate) tests: Rows<'t, Test>,
    pub(crate) code: Rows<'t, Step>,
    pub(crate) programs: Rows<'t, u32>,
    pub(crate) whos: Rows<'t, Who>,
    pub(crate) who_classes: Rows<'t, u32>,
    pub(crate) guards: Rows<'t, Guard>,
    pub(crate) guard_whos: Rows<'t, u32>,
    pub(crate) grants: Rows<'t, Grant>,
    pub(crate) grant_runs: Rows<'t, u32>,
    pub(crate) specials: Rows<'t, Special>,
    pub(crate) special_roles: Rows<'t, u32>,
    pub(crate) places: Rows<'t, Place>,
    pub(crate) place_claims: Rows<'t, PlaceClaim>,
    pub(crate) group_settings: Rows<'t, GroupSetting>,
    pub(crate) rule_strings: Strings<'t>,
    pub(crate) rules: Rows<'t, Rule>,
    pub(crate) rule_parts: Rows<'t, u32>,
    pub(crate) rule_guards: Rows<'t, RuleGuard>,
    pub(crate) group_claim: u32,
    /// The string that names the first class.
    first_class: u32,
    /// Whether some model disables operations.
    pub(crate) disables: bool,
    /// By provider, the one claim that groups are read from, if it is one.
    pub(crate) lone: [Option<Lone<'t>>; 2],
}

impl core::fmt::Debug for Policy<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Policy({:016x}, {} models)", self.tag, self.models.len())
    }
}

/// Checks magic, version, length and checksum; at compile time too (see [`crate::include_table!`]).
///
/// # Errors
/// If the bytes are no table of this version, or were damaged.
pub const fn check_envelope(bytes: &[u8]) -> Result<(), LoadError> {
    let count = bytes.len();
    if count < SMALLEST {
        return Err(LoadError::TooShort { bytes: count });
    }
    let mut at = 0;
    while at < MAGIC.len() {
        if bytes[at] != MAGIC[at] {
            return Err(LoadError::NotATable);
        }
        at += 1;
    }
    let found = u16::from_le_bytes([bytes[8], bytes[9]]);
    if found != VERSION {
        return Err(LoadError::Version { found, supported: VERSION });
    }
    let said = word(bytes, 16);
    if said != count as u64 || !count.is_multiple_of(8) {
        return Err(LoadError::Length { said, bytes: count as u64 });
    }
    let said = word(bytes, count - TRAILER);
    let found = checksum(bytes, (count - TRAILER) / 8);
    if said != found { Err(LoadError::Checksum { said, found }) } else { Ok(()) }
}

const fn word(bytes: &[u8], at: usize) -> u64 {
    let mut eight = [0; 8];
    let mut i = 0;
    while i < 8 {
        eight[i] = bytes[at + i];
        i += 1;
    }
    u64::from_le_bytes(eight)
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::read(&u32::bytes_at(bytes, at))
}

/// The sections of a table whose envelope is sound.
pub(crate) struct Sections<'t> {
    bytes: [&'t [u8]; SECTIONS],
}

impl<'t> Sections<'t> {
    pub fn bytes(&self, section: Section) -> &'t [u8] {
        self.bytes[section as usize]
    }

    pub fn rows<R: Record>(&self, section: Section) -> Rows<'t, R> {
        Rows { rows: R::rows(self.bytes(section)) }
    }

    fn read(table: &'t [u8]) -> Result<Sections<'t>, LoadError> {
        check_envelope(table)?;
        let mut rest = &table[HEADER..table.len() - TRAILER];
        let mut sections = Sections { bytes: [&[]; SECTIONS] };
        for section in Section::ALL {
            let bytes = number(table, LENGTHS + 4 * section as usize) as usize;
            let wrong = LoadError::SectionLength { section, bytes };
            if !bytes.is_multiple_of(section.record()) {
                return Err(wrong);
            }
            (sections.bytes[section as usize], rest) = rest.split_at_checked(bytes).ok_or(wrong)?;
        }
        // What is left pads to a multiple of 8.
        if rest.len() >= 8 || rest.iter().any(|byte| *byte != 0) {
            return Err(LoadError::SectionLength { section: Section::RuleGuards, bytes: rest.len() });
        }
        Ok(sections)
    }
}

impl<'t> Policy<'t> {
    /// Loads a table from the bytes the compiler wrote. Nothing is copied.
    ///
    /// # Errors
    /// If a length, checksum, number, order or reference is not what the writer writes.
    ///
    /// # Panics
    /// Never, for any input.
    pub fn from_bytes(bytes: &'t [u8]) -> Result<Policy<'t>, LoadError> {
        let sections = Sections::read(bytes)?;
        let (preferred, modes) = (bytes[10], bytes[11]);
        if preferred > 1 {
            return Err(LoadError::Setting { at: 10, value: preferred });
        }
        let names = Names::read(&sections, number(bytes, 24))?;
        let sources: Rows<'_, Source> = sections.rows(Section::Sources);
        let mut policy = Policy {
            bytes,
            tag: word(bytes, bytes.len() - TRAILER),
            preferred: preferred == 1,
            modes,
            names,
            strings: names.strings,
            field_names: number(bytes, 28),
            groups: number(bytes, 32),
            classes: sources.run(0, NONE).fold(0u32, |all, source| all.saturating_add(source.count)),
            sources,
            heads: sections.rows(Section::Heads),
            common: sections.rows(Section::Common),
            cells: Cells {
                classes: sections.rows(Section::CellClasses),
                operations: sections.rows(Section::CellOperations),
                long: sections.rows(Section::Long),
                page_numbers: sections.rows(Section::PageNumbers),
                pages: sections.rows(Section::Pages),
                grids: sections.rows(Section::Grids),
            },
            clauses: sections.rows(Section::Clauses),
            parts: sections.rows(Section::Parts),
            models: sections.rows(Section::Models),
            shapes: sections.rows(Section::Shapes),
            fields: sections.rows(Section::Fields),
            customs: sections.rows(Section::Customs),
            buckets: sections.rows(Section::Buckets),
            nodes: sections.rows(Section::Nodes),
            acting: sections.rows(Section::Acting),
            exclusive: sections.rows(Section::Exclusive),
            terms: sections.rows(Section::Terms),
            numbers: sections.rows(Section::Numbers),
            tests: sections.rows(Section::Tests),
            code: sections.rows(Section::Code),
            programs: sections.rows(Section::Programs),
            whos: sections.rows(Section::Whos),
            who_classes: sections.rows(Section::WhoClasses),
            guards: sections.rows(Section::Guards),
            guard_whos: sections.rows(Section::GuardWhos),
            grants: sections.rows(Section::Grants),
            grant_runs: sections.rows(Section::GrantRuns),
            specials: sections.rows(Section::Specials),
            special_roles: sections.rows(Section::SpecialRoles),
            places: sections.rows(Section::Places),
            place_claims: sections.rows(Section::PlaceClaims),
            rule_strings: Strings::read(&sections, Section::RuleText, Section::RuleStrings)?,
            rules: sections.rows(Section::Rules),
            rule_parts: sections.rows(Section::RuleParts),
            rule_guards: sections.rows(Section::RuleGuards),
            group_settings: sections.rows(Section::GroupSettings),
            group_claim: number(bytes, 12),
            first_class: 0,
            disables: false,
            lone: [None; 2],
        };
        let customs = policy.custom_names();
        policy.first_class = customs.first.saturating_add(customs.count);
        policy.check()?;
        policy.disables = policy.shapes.run(0, NONE).any(|shape| shape.disabled != 0);
        policy.lone = [policy.lone_source(0), policy.lone_source(1)];
        Ok(policy)
    }

    /// The table's bytes.
    pub fn as_bytes(&self) -> &'t [u8] {
        self.bytes
    }

    /// A name's number within its kind of thing: among the models, the classes, …; that of a field is its string's.
    #[inline]
    pub(crate) fn model_number(&self, name: &str) -> Option<u32> {
        self.names.find(self.model_names(), name)
    }

    pub(crate) fn bucket_number(&self, name: &str) -> Option<u32> {
        self.names.find(self.bucket_names(), name)
    }

    pub(crate) fn field_name(&self, name: &str) -> Option<u32> {
        let names = self.field_names();
        self.names.find(names, name).map(|place| names.first + place)
    }

    pub(crate) fn custom_number(&self, kind: u32, name: &str) -> Option<u32> {
        let found = self.names.find(Scope { scope: scope_of::CUSTOM + kind, ..self.custom_names() }, name)?;
        (self.customs.at(found as usize).kind == kind).then_some(found)
    }

    fn lone_source(&self, provider: u32) -> Option<Lone<'t>> {
        let mut sources = self.sources.run(0, NONE).enumerate().filter(|(_, source)| source.provider == provider);
        let ((number, source), None) = (sources.next()?, sources.next()) else { return None };
        let (claim, scope) = (self.strings.get(source.claim), self.class_names(number, &source));
        Some(Lone { claim, scope, first: source.first })
    }

    /// A class by its source's number and its name; [`NO_CLASS`] if there is none.
    pub(crate) fn class_of(&self, number: usize, source: &Source, name: &str) -> Class {
        self.class_in(self.class_names(number, source), source.first, name)
    }

    /// The same, where the scope and the first class of a source are known.
    #[inline(always)]
    pub(crate) fn class_in(&self, scope: Scope, first: u32, name: &str) -> Class {
        let hash = self.names.hash(scope, name);
        // There are at most u16::MAX classes: checked at load.
        let number =
            self.names.find_hashed(scope, hash, name).map_or(NO_CLASS, |place| first.wrapping_add(place) as u16);
        Class { number, bit: sieve_bit(hash) }
    }

    pub(crate) fn model_name(&self, number: u32) -> &'t str {
        self.strings.get(number)
    }

    pub(crate) fn bucket_name(&self, number: u32) -> &'t str {
        self.strings.get(self.bucket_names().first + number)
    }

    pub(crate) fn custom_name(&self, number: u32) -> &'t str {
        self.strings.get(self.custom_names().first + number)
    }

    pub(crate) fn class_name(&self, number: u32) -> &'t str {
        self.strings.get(self.first_class + number)
    }

    fn model_names(&self) -> Scope {
        Scope { scope: scope_of::MODEL, first: 0, count: self.models.len() as u32 }
    }

    fn bucket_names(&self) -> Scope {
        Scope { scope: scope_of::BUCKET, first: self.models.len() as u32, count: self.buckets.len() as u32 }
    }

    fn field_names(&self) -> Scope {
        let before = self.bucket_names();
        Scope { scope: scope_of::FIELD, first: before.first + before.count, count: self.field_names }
    }

    /// Those of all three kinds.
    fn custom_names(&self) -> Scope {
        let before = self.field_names();
        Scope {
            scope: scope_of::CUSTOM,
            first: before.first.saturating_add(before.count),
            count: self.customs.len() as u32,
        }
    }

    pub(crate) fn class_names(&self, number: usize, source: &Source) -> Scope {
        let first = self.first_class.saturating_add(source.first);
        Scope { scope: scope_of::CLASS + number as u32, first, count: source.count }
    }
}

/// The checks, section by section. Each relies only on what stands before it.
impl Policy<'_> {
    fn check(&self) -> Result<(), LoadError> {
        self.check_sources()?;
        self.check_names()?;
        if self.group_claim != NONE {
            self.name(Section::Sources, 0, self.group_claim)?;
        }
        self.check_parts()?;
        self.check_clauses()?;
        self.check_cells()?;
        self.check_heads()?;
        self.check_models()?;
        self.check_customs()?;
        self.check_buckets()?;
        self.check_acting()?;
        self.check_conditions()?;
        self.check_guards()?;
        self.check_specials()?;
        self.check_places()?;
        self.check_rules()?;
        self.check_group_settings()
    }

    fn check_sources(&self) -> Result<(), LoadError> {
        let mut next = 0;
        for (record, source) in self.sources.run(0, NONE).enumerate() {
            let wrong = LoadError::Value { section: Section::Sources, record };
            match source.provider {
                0 | 1 => self.name(Section::Sources, record, source.claim)?,
                FUNCTIONS if source.claim == NONE => (),
                _ => return Err(wrong),
            }
            if source.first != next || source.count == 0 || source.count > u32::from(u16::MAX) - next {
                return Err(wrong);
            }
            self.in_order(Section::Sources, record, |at| {
                let source = self.sources.at(at);
                (source.provider, !self.is_pool(&source), source.claim)
            })?;
            next = source.first + source.count;
        }
        let first = self.sources.at(0);
        match self.groups == 0 || (self.is_pool(&first) && self.groups <= first.count) {
            true => Ok(()),
            false => Err(LoadError::Value { section: Section::Sources, record: 0 }),
        }
    }

    /// Whether its classes are the groups of the user pool.
    pub(crate) fn is_pool(&self, source: &Source) -> bool {
        source.provider == 0 && source.claim == self.group_claim
    }

    fn check_names(&self) -> Result<(), LoadError> {
        let all = u64::from(self.first_class) + u64::from(self.classes);
        if all > self.strings.len() as u64 {
            let (section, target) = (Section::Slots, Section::Strings);
            return Err(LoadError::OutOfRange { section, record: 0, names: all, target, count: self.strings.len() });
        }
        self.names.check_slots(all as usize)?;
        self.names.check(self.model_names())?;
        self.names.check(self.bucket_names())?;
        self.names.check(self.field_names())?;
        for (number, source) in self.sources.run(0, NONE).enumerate() {
            self.names.check(self.class_names(number, &source))?;
        }
        for (record, custom) in self.customs.run(0, NONE).enumerate() {
            if custom.kind > 2
                || self.custom_number(custom.kind, self.custom_name(record as u32)) != Some(record as u32)
            {
                return Err(LoadError::Value { section: Section::Customs, record });
            }
        }
        self.names.check_order(all as u32)
    }

    fn check_parts(&self) -> Result<(), LoadError> {
        (0..self.parts.len()).try_for_each(|at| self.name(Section::Parts, at, self.parts.at(at)))
    }

    fn check_clauses(&self) -> Result<(), LoadError> {
        for (record, rule) in self.clauses.run(0, NONE).enumerate() {
            self.name(Section::Clauses, record, rule.field)?;
            self.run(Section::Clauses, record, rule.parts, rule.part_count, Section::Parts)?;
            let most = if rule.kind <= clause::OWNERS { 4 } else { 1 };
            let parts = (1..=most).contains(&rule.part_count);
            let operations = rule.any != 0 && rule.operations & !rule.any == 0;
            if !parts || !operations || rule.kind > clause::GROUPS || rule.provider > 1 {
                return Err(LoadError::Value { section: Section::Clauses, record });
            }
        }
        Ok(())
    }

    /// Runs lie one behind the other and end where their records end.
    pub(in crate::load) fn check_ends(
        &self,
        section: Section,
        ends: Rows<u32>,
        target: Section,
    ) -> Result<(), LoadError> {
        let mut start = 0;
        for (record, end) in ends.run(0, NONE).enumerate() {
            if end < start {
                return Err(LoadError::Order { section, record });
            }
            start = end;
        }
        self.ends_at(section, start, target)
    }

    fn check_cells(&self) -> Result<(), LoadError> {
        let cells = &self.cells;
        if cells.classes.len() != cells.operations.len() {
            return Err(LoadError::Value { section: Section::CellOperations, record: cells.operations.len() });
        }
        if let Some(record) = cells.operations.run(0, NONE).position(|operations| operations == 0) {
            return Err(LoadError::Value { section: Section::CellOperations, record });
        }
        for (record, number) in cells.page_numbers.run(0, NONE).enumerate() {
            self.number(Section::PageNumbers, record, u32::from(number), Section::Pages)?;
        }
        // Each cell and page number belongs to one long run at most, so that checking them is linear.
        let mut next = [0, 0];
        for (record, long) in cells.long.run(0, NONE).enumerate() {
            let wrong = LoadError::Value { section: Section::Long, record };
            let next = next.get_mut(long.paged as usize).ok_or(wrong)?;
            let most = if long.paged == 0 { self.classes } else { self.classes.div_ceil(PAGE as u32) };
            if long.first < *next || long.count > most {
                return Err(wrong);
            }
            match long.paged {
                0 => self.check_run(Section::Long, record, long.first, long.count)?,
                _ => self.run(Section::Long, record, long.first, long.count, Section::PageNumbers)?,
            }
            *next = long.first + long.count;
        }
        // No class that there is not; where there are more than a grid holds, no grid.
        let classes =
            if self.classes > GRID_CLASSES { 0 } else { u64::MAX.checked_shr(64 - self.classes).unwrap_or(0) };
        match cells.grids.run(0, NONE).position(|grid| grid.classes() & !classes != 0 || classes == 0) {
            Some(record) => Err(LoadError::Value { section: Section::Grids, record }),
            None => Ok(()),
        }
    }

    /// A run of cells: they are there, their classes ascend and exist.
    fn check_run(&self, section: Section, record: usize, first: u32, count: u32) -> Result<(), LoadError> {
        self.run(section, record, first, count, Section::CellClasses)?;
        let classes = self.cells.classes.part(first, count);
        let ascends = |pair: &[[u8; 2]]| u16::from_le_bytes(pair[0]) < u16::from_le_bytes(pair[1]);
        if !classes.windows(2).fold(true, |all, pair| all & ascends(pair)) {
            return Err(LoadError::Order { section: Section::CellClasses, record: first as usize });
        }
        match classes.last().is_none_or(|last| u32::from(u16::from_le_bytes(*last)) < self.classes) {
            true => Ok(()),
            false => Err(LoadError::Value { section: Section::CellClasses, record: (first + count) as usize - 1 }),
        }
    }

    fn check_heads(&self) -> Result<(), LoadError> {
        for (record, common) in self.common.run(0, NONE).enumerate() {
            self.run(Section::Common, record, common.clauses, common.clause_count, Section::Clauses)?;
        }
        for (record, head) in self.heads.run(0, NONE).enumerate() {
            self.number(Section::Heads, record, head.common.get(), Section::Common)?;
            match head.count {
                LONG => self.number(Section::Heads, record, head.cells.get(), Section::Long)?,
                GRID => self.number(Section::Heads, record, head.cells.get(), Section::Grids)?,
                count if usize::from(count) <= SHORT => {
                    self.check_run(Section::Heads, record, head.cells.get(), u32::from(count))?;
                }
                _ => return Err(LoadError::Value { section: Section::Heads, record }),
            }
        }
        Ok(())
    }

    fn check_models(&self) -> Result<(), LoadError> {
        let mut next = 0;
        for (record, shape) in self.shapes.run(0, NONE).enumerate() {
            self.run(Section::Shapes, record, shape.fields, shape.field_count, Section::Fields)?;
            if shape.classes == 0 || shape.classes > 1 << 16 || shape.fields != next || shape.disabled > 255 {
                return Err(LoadError::Value { section: Section::Shapes, record });
            }
            next += shape.field_count;
            self.check_fields(&shape)?;
        }
        self.ends_at(Section::Shapes, next, Section::Fields)?;
        self.run(Section::Models, 0, 0, self.models.len() as u32, Section::Heads)?;
        for (record, model) in self.models.run(0, NONE).enumerate() {
            self.number(Section::Models, record, model.shape.get(), Section::Shapes)?;
            let classes = self.shapes.at(model.shape.get() as usize).classes;
            self.run(Section::Models, record, model.heads.get(), classes, Section::Heads)?;
        }
        Ok(())
    }

    fn check_fields(&self, shape: &Shape) -> Result<(), LoadError> {
        let (first, names) = (shape.fields as usize, self.field_names());
        for at in first..first + shape.field_count as usize {
            let column = self.fields.at(at);
            if at > first && self.fields.at(at - 1).name >= column.name {
                return Err(LoadError::Order { section: Section::Fields, record: at });
            }
            let named = (names.first..names.first + names.count).contains(&column.name);
            let flags = column.flags & !(field::DECLARED | field::KEY) == 0;
            if !named || u32::from(column.class) >= shape.classes || !flags {
                return Err(LoadError::Value { section: Section::Fields, record: at });
            }
        }
        Ok(())
    }

    fn ends_at(&self, section: Section, next: u32, target: Section) -> Result<(), LoadError> {
        match next as usize == self.count(target) {
            true => Ok(()),
            false => Err(LoadError::Value { section, record: self.count(section) }),
        }
    }

    fn check_customs(&self) -> Result<(), LoadError> {
        for (record, custom) in self.customs.run(0, NONE).enumerate() {
            self.number(Section::Customs, record, custom.head, Section::Heads)?;
        }
        Ok(())
    }

    fn check_buckets(&self) -> Result<(), LoadError> {
        let mut next = 0;
        for (record, bucket) in self.buckets.run(0, NONE).enumerate() {
            self.run(Section::Buckets, record, bucket.nodes, bucket.node_count, Section::Nodes)?;
            if bucket.nodes != next {
                return Err(LoadError::Value { section: Section::Buckets, record });
            }
            next += bucket.node_count;
            let first = bucket.nodes as usize;
            for at in first..first + bucket.node_count as usize {
                self.check_node(first, at)?;
            }
        }
        self.ends_at(Section::Buckets, next, Section::Nodes)
    }

    fn check_node(&self, first: usize, at: usize) -> Result<(), LoadError> {
        let node = self.nodes.at(at);
        self.name(Section::Nodes, at, node.prefix)?;
        if at > first && self.nodes.at(at - 1).prefix >= node.prefix {
            return Err(LoadError::Order { section: Section::Nodes, record: at });
        }
        let prefix = self.strings.get(node.prefix);
        let parent = match at > first {
            true => self.covering(at - 1, prefix),
            false => NONE,
        };
        if node.parent != parent || (node.everyone == NONE && node.mine == NONE) {
            return Err(LoadError::Value { section: Section::Nodes, record: at });
        }
        for resource in [node.everyone, node.mine] {
            if resource != NONE {
                self.number(Section::Nodes, at, resource, Section::Heads)?;
            }
        }
        Ok(())
    }

    /// The longest prefix of `key` among the node `from` and the nodes above it, or none.
    pub(crate) fn covering(&self, from: usize, key: &str) -> u32 {
        let mut number = from as u32;
        while number != NONE {
            let node = self.nodes.at(number as usize);
            if key.starts_with(self.strings.get(node.prefix)) {
                return number;
            }
            // Parents come first, so this ends.
            number = node.parent;
        }
        NONE
    }

    /// Each stands for a group, in their order, and the precedences of all groups ascend.
    fn check_group_settings(&self) -> Result<(), LoadError> {
        let (mut record, mut last) = (0, None);
        for group in 0..self.groups {
            let setting = self.group_settings.at(record);
            let precedence = match record < self.group_settings.len() && setting.group == group {
                true => {
                    if setting.role != NONE {
                        self.name(Section::GroupSettings, record, setting.role)?;
                    }
                    record += 1;
                    setting.precedence
                }
                false => group,
            };
            if last.is_some_and(|last| precedence <= last) {
                return Err(LoadError::Value { section: Section::GroupSettings, record });
            }
            last = Some(precedence);
        }
        match record == self.group_settings.len() {
            true => Ok(()),
            false => Err(LoadError::Order { section: Section::GroupSettings, record }),
        }
    }

    fn check_rules(&self) -> Result<(), LoadError> {
        let texts = self.rule_strings.len() as u64;
        let text = |record: usize, number: u32, optional: bool| match number {
            NONE if optional => Ok(()),
            number if u64::from(number) < texts => Ok(()),
            number => Err(LoadError::OutOfRange {
                section: Section::Rules,
                record,
                names: u64::from(number),
                target: Section::RuleStrings,
                count: texts as usize,
            }),
        };
        for (record, rule) in self.rules.run(0, NONE).enumerate() {
            text(record, rule.file, false)?;
            text(record, rule.field, true)?;
            text(record, rule.claim, true)?;
            text(record, rule.field_scope, rule.scope_kind != scope::FIELD)?;
            self.run(Section::Rules, record, rule.names, rule.name_count, Section::RuleParts)?;
            if rule.who > who::LAST || rule.start > rule.end || Mode::from_number(rule.mode).is_none() {
                return Err(LoadError::Value { section: Section::Rules, record });
            }
            match rule.scope_kind {
                scope::MODEL | scope::FIELD => self.number(Section::Rules, record, rule.scope, Section::Models)?,
                scope::CUSTOM => self.number(Section::Rules, record, rule.scope, Section::Customs)?,
                scope::PATH => self.number(Section::Rules, record, rule.scope, Section::Nodes)?,
                scope::DATA if rule.scope == NONE => (),
                _ => return Err(LoadError::Value { section: Section::Rules, record }),
            }
        }
        for record in 0..self.rule_parts.len() {
            let names = self.rule_parts.at(record);
            if u64::from(names) >= texts {
                let (names, count) = (u64::from(names), texts as usize);
                let (section, target) = (Section::RuleParts, Section::RuleStrings);
                return Err(LoadError::OutOfRange { section, record, names, target, count });
            }
        }
        self.check_rule_guards()
    }

    fn class(&self, section: Section, record: usize, class: u32) -> Result<(), LoadError> {
        if class < self.classes { Ok(()) } else { Err(LoadError::Value { section, record }) }
    }

    fn name(&self, section: Section, record: usize, number: u32) -> Result<(), LoadError> {
        self.number(section, record, number, Section::Strings)
    }

    fn number(&self, section: Section, record: usize, names: u32, target: Section) -> Result<(), LoadError> {
        self.run(section, record, names, 1, target)
    }

    fn run(&self, section: Section, record: usize, first: u32, count: u32, target: Section) -> Result<(), LoadError> {
        let names = u64::from(first) + u64::from(count);
        let there = self.count(target);
        match names <= there as u64 {
            true => Ok(()),
            false => Err(LoadError::OutOfRange { section, record, names: names.max(1) - 1, target, count: there }),
        }
    }

    fn in_order<K: Ord>(&self, section: Section, record: usize, key: impl Fn(usize) -> K) -> Result<(), LoadError> {
        match record > 0 && key(record - 1) >= key(record) {
            true => Err(LoadError::Order { section, record }),
            false => Ok(()),
        }
    }

    /// How many records a section has.
    pub(crate) fn count(&self, section: Section) -> usize {
        number(self.bytes, LENGTHS + 4 * section as usize) as usize / section.record()
    }
}
