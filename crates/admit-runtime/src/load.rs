//! From bytes to a policy. Nothing is copied, and everything is checked before the first decision.
//! Always: a `Policy` exists only if every offset, number, reference and searched order in its table is one that a
//! writer writes. `docs/table-format.md` lists what a forged table may still say otherwise: its meaning, never memory.

use crate::error::LoadError;
use crate::format::{
    Acting, Bucket, Cell, Class, Clause, Custom, Exclusive, FUNCTIONS, Field, Grant, Group, Guard, HEADER, MAGIC,
    Model, NONE, Node, Number64, Place, PlaceClaim, Record, Resource, Rule, RuleGuard, SECTIONS, SMALLEST, Section,
    Source, Special, Step, TRAILER, Term, Test, VERSION, Who, checksum, clause, field, scope, who,
};
use crate::words::Mode;
use core::marker::PhantomData;

mod guards;

/// A row of records, read where they stand.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'t, R> {
    bytes: &'t [u8],
    of: PhantomData<R>,
}

impl<'t, R: Record> Rows<'t, R> {
    fn new(bytes: &'t [u8]) -> Rows<'t, R> {
        Rows { bytes, of: PhantomData }
    }

    pub fn len(&self) -> usize {
        self.bytes.len() / R::SIZE
    }

    /// The record with that number; one of zeros, which admits nobody, if there is none.
    pub fn at(&self, number: usize) -> R {
        R::read(self.bytes, number.saturating_mul(R::SIZE))
    }

    pub fn run(self, first: u32, count: u32) -> impl DoubleEndedIterator<Item = R> + ExactSizeIterator + use<'t, R> {
        let first = (first as usize).min(self.len());
        let end = (first + count as usize).min(self.len());
        (first..end).map(move |number| self.at(number))
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

/// Strings, by number.
#[derive(Clone, Copy)]
pub(crate) struct Strings<'t> {
    text: &'t str,
    ends: Rows<'t, u32>,
}

impl<'t> Strings<'t> {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The string with that number; the empty one if there is none.
    pub fn get(&self, number: u32) -> &'t str {
        let end = self.ends.at(number as usize) as usize;
        let start = if number == 0 { 0 } else { self.ends.at(number as usize - 1) as usize };
        self.text.get(start..end).unwrap_or("")
    }

    fn read(sections: &Sections<'t>, text: Section, ends: Section) -> Result<Strings<'t>, LoadError> {
        let bytes = sections.bytes(text);
        let text = core::str::from_utf8(bytes).map_err(|_| LoadError::Text { section: text })?;
        let strings = Strings { text, ends: Rows::new(sections.bytes(ends)) };
        let mut start = 0;
        for number in 0..strings.len() {
            let end = strings.ends.at(number) as usize;
            if end < start || !text.is_char_boundary(end) {
                return Err(LoadError::Value { section: ends, record: number });
            }
            start = end;
        }
        if start != text.len() {
            return Err(LoadError::Value { section: ends, record: strings.len() });
        }
        Ok(strings)
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
    pub(crate) strings: Strings<'t>,
    pub(crate) sources: Rows<'t, Source>,
    pub(crate) classes: Rows<'t, Class>,
    pub(crate) resources: Rows<'t, Resource>,
    pub(crate) cells: Rows<'t, Cell>,
    pub(crate) cell_runs: Rows<'t, u32>,
    pub(crate) clauses: Rows<'t, Clause>,
    pub(crate) clause_runs: Rows<'t, u32>,
    pub(crate) parts: Rows<'t, u32>,
    pub(crate) models: Rows<'t, Model>,
    pub(crate) fields: Rows<'t, Field>,
    pub(crate) customs: Rows<'t, Custom>,
    pub(crate) buckets: Rows<'t, Bucket>,
    pub(crate) nodes: Rows<'t, Node>,
    pub(crate) groups: Rows<'t, Group>,
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
    pub(crate) rule_strings: Strings<'t>,
    pub(crate) rules: Rows<'t, Rule>,
    pub(crate) rule_parts: Rows<'t, u32>,
    pub(crate) rule_guards: Rows<'t, RuleGuard>,
    pub(crate) group_claim: u32,
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

/// The sections of a table whose envelope is sound.
struct Sections<'t> {
    bytes: [&'t [u8]; SECTIONS],
}

impl<'t> Sections<'t> {
    fn bytes(&self, section: Section) -> &'t [u8] {
        self.bytes[section as usize]
    }

    fn rows<R: Record>(&self, section: Section) -> Rows<'t, R> {
        Rows::new(self.bytes(section))
    }

    fn read(table: &'t [u8]) -> Result<Sections<'t>, LoadError> {
        check_envelope(table)?;
        let mut rest = &table[HEADER..table.len() - TRAILER];
        let mut sections = Sections { bytes: [&[]; SECTIONS] };
        for section in Section::ALL {
            let bytes = <u32 as Record>::read(table, 24 + 4 * section as usize) as usize;
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
        let policy = Policy {
            bytes,
            tag: word(bytes, bytes.len() - TRAILER),
            preferred: preferred == 1,
            modes,
            strings: Strings::read(&sections, Section::Text, Section::Strings)?,
            sources: sections.rows(Section::Sources),
            classes: sections.rows(Section::Classes),
            resources: sections.rows(Section::Resources),
            cells: sections.rows(Section::Cells),
            cell_runs: sections.rows(Section::CellRuns),
            clauses: sections.rows(Section::Clauses),
            clause_runs: sections.rows(Section::ClauseRuns),
            parts: sections.rows(Section::Parts),
            models: sections.rows(Section::Models),
            fields: sections.rows(Section::Fields),
            customs: sections.rows(Section::Customs),
            buckets: sections.rows(Section::Buckets),
            nodes: sections.rows(Section::Nodes),
            groups: sections.rows(Section::Groups),
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
            group_claim: Record::read(bytes, 12),
        };
        policy.check()?;
        Ok(policy)
    }

    /// The table's bytes.
    pub fn as_bytes(&self) -> &'t [u8] {
        self.bytes
    }

    /// The number of `name` among the decision's strings.
    pub(crate) fn string(&self, name: &str) -> Option<u32> {
        let (mut low, mut high) = (0, self.strings.len() as u32);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.strings.get(middle).cmp(name) {
                core::cmp::Ordering::Less => low = middle + 1,
                core::cmp::Ordering::Equal => return Some(middle),
                core::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }
}

/// The checks, section by section. Each relies only on what stands before it.
impl Policy<'_> {
    fn check(&self) -> Result<(), LoadError> {
        self.check_strings()?;
        if self.group_claim != NONE {
            self.name(Section::Sources, 0, self.group_claim)?;
        }
        self.check_classes()?;
        self.check_parts()?;
        self.check_resources()?;
        self.check_models()?;
        self.check_customs()?;
        self.check_buckets()?;
        self.check_acting()?;
        self.check_conditions()?;
        self.check_guards()?;
        self.check_specials()?;
        self.check_places()?;
        self.check_rules()
    }

    fn check_strings(&self) -> Result<(), LoadError> {
        let ascending = |at: usize| self.strings.get(at as u32 - 1) < self.strings.get(at as u32);
        match (1..self.strings.len()).find(|at| !ascending(*at)) {
            Some(record) => Err(LoadError::Order { section: Section::Strings, record }),
            None => Ok(()),
        }
    }

    fn check_classes(&self) -> Result<(), LoadError> {
        if self.classes.len() > usize::from(u16::MAX) {
            return Err(LoadError::Value { section: Section::Classes, record: self.classes.len() });
        }
        let mut next = 0;
        for (record, source) in self.sources.run(0, NONE).enumerate() {
            let wrong = LoadError::Value { section: Section::Sources, record };
            match source.provider {
                0 | 1 => self.name(Section::Sources, record, source.claim)?,
                FUNCTIONS if source.claim == NONE => (),
                _ => return Err(wrong),
            }
            if source.first != next || source.count == 0 {
                return Err(wrong);
            }
            self.in_order(Section::Sources, record, |at| {
                let source = self.sources.at(at);
                (source.provider, source.claim)
            })?;
            self.run(Section::Sources, record, source.first, source.count, Section::Classes)?;
            for class in source.first..source.first + source.count {
                self.check_class(class as usize, class == source.first)?;
            }
            next = source.first + source.count;
        }
        match next as usize == self.classes.len() {
            true => self.groups.run(0, NONE).enumerate().try_for_each(|(record, group)| {
                self.name(Section::Groups, record, group.name)?;
                if record > 0 && self.groups.at(record - 1).precedence >= group.precedence {
                    return Err(LoadError::Order { section: Section::Groups, record });
                }
                if group.role == NONE { Ok(()) } else { self.name(Section::Groups, record, group.role) }
            }),
            false => Err(LoadError::Value { section: Section::Sources, record: self.sources.len() }),
        }
    }

    fn check_class(&self, record: usize, first: bool) -> Result<(), LoadError> {
        let class = self.classes.at(record);
        self.name(Section::Classes, record, class.name)?;
        if !first && self.classes.at(record - 1).name >= class.name {
            return Err(LoadError::Order { section: Section::Classes, record });
        }
        if class.precedence == NONE {
            return Ok(());
        }
        self.number(Section::Classes, record, class.precedence, Section::Groups)?;
        match self.groups.at(class.precedence as usize).name == class.name {
            true => Ok(()),
            false => Err(LoadError::Value { section: Section::Classes, record }),
        }
    }

    fn check_parts(&self) -> Result<(), LoadError> {
        (0..self.parts.len()).try_for_each(|at| self.name(Section::Parts, at, self.parts.at(at)))
    }

    fn check_resources(&self) -> Result<(), LoadError> {
        self.check_ends(Section::CellRuns, self.cell_runs, Section::Cells)?;
        self.check_ends(Section::ClauseRuns, self.clause_runs, Section::Clauses)?;
        for (record, resource) in self.resources.run(0, NONE).enumerate() {
            self.number(Section::Resources, record, resource.cells, Section::CellRuns)?;
            self.number(Section::Resources, record, resource.clauses, Section::ClauseRuns)?;
        }
        let mut start = 0;
        for end in self.cell_runs.run(0, NONE) {
            let ascends = |at: &u32| self.cells.at(*at as usize - 1).class < self.cells.at(*at as usize).class;
            if let Some(record) = (start + 1..end).find(|at| !ascends(at)) {
                return Err(LoadError::Order { section: Section::Cells, record: record as usize });
            }
            start = end;
        }
        for (record, cell) in self.cells.run(0, NONE).enumerate() {
            if cell.operations == 0 || cell.reserved != 0 {
                return Err(LoadError::Value { section: Section::Cells, record });
            }
            self.number(Section::Cells, record, u32::from(cell.class), Section::Classes)?;
        }
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

    fn check_models(&self) -> Result<(), LoadError> {
        let mut next = 0;
        for (record, model) in self.models.run(0, NONE).enumerate() {
            self.name(Section::Models, record, model.name)?;
            self.in_order(Section::Models, record, |at| self.models.at(at).name)?;
            self.run(Section::Models, record, model.fields, model.field_count, Section::Fields)?;
            self.run(Section::Models, record, model.resource, model.classes.saturating_add(1), Section::Resources)?;
            if model.classes == 0 || model.classes > 1 << 16 || model.fields != next || model.disabled > 255 {
                return Err(LoadError::Value { section: Section::Models, record });
            }
            next += model.field_count;
            let first = model.fields as usize;
            for at in first..first + model.field_count as usize {
                let column = self.fields.at(at);
                self.name(Section::Fields, at, column.name)?;
                if at > first && self.fields.at(at - 1).name >= column.name {
                    return Err(LoadError::Order { section: Section::Fields, record: at });
                }
                if u32::from(column.class) >= model.classes || column.flags & !(field::DECLARED | field::KEY) != 0 {
                    return Err(LoadError::Value { section: Section::Fields, record: at });
                }
            }
        }
        self.ends_at(Section::Models, next, Section::Fields)
    }

    fn ends_at(&self, section: Section, next: u32, target: Section) -> Result<(), LoadError> {
        match next as usize == self.count(target) {
            true => Ok(()),
            false => Err(LoadError::Value { section, record: self.count(section) }),
        }
    }

    fn check_customs(&self) -> Result<(), LoadError> {
        for (record, custom) in self.customs.run(0, NONE).enumerate() {
            self.name(Section::Customs, record, custom.name)?;
            self.in_order(Section::Customs, record, |at| (self.customs.at(at).kind, self.customs.at(at).name))?;
            self.number(Section::Customs, record, custom.resource, Section::Resources)?;
            if custom.kind > 2 {
                return Err(LoadError::Value { section: Section::Customs, record });
            }
        }
        Ok(())
    }

    fn check_buckets(&self) -> Result<(), LoadError> {
        let mut next = 0;
        for (record, bucket) in self.buckets.run(0, NONE).enumerate() {
            self.name(Section::Buckets, record, bucket.name)?;
            self.in_order(Section::Buckets, record, |at| self.buckets.at(at).name)?;
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
                self.number(Section::Nodes, at, resource, Section::Resources)?;
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
        <u32 as Record>::read(self.bytes, 24 + 4 * section as usize) as usize / section.record()
    }
}
