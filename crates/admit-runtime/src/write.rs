//! The table writer, for the compiler: rows of records to bytes.
//! Always: what it writes, [`crate::Policy::from_bytes`] accepts, provided that the rows keep the orders that
//! [`crate::format`] states.

use crate::format::{
    Acting, Bucket, Clause, Common, Custom, Exclusive, Field, GRID, Grant, Grid, GroupSetting, Guard, HEADER, Head,
    LENGTHS, LONG, Long, MAGIC, Model, NAMES_A_PILOT, NO_NAME, Node, Number64, Page, Place, PlaceClaim, Record, Rule,
    RuleGuard, SECTIONS, Section, Shape, Source, Special, Step, TRAILER, Term, Test, U24, VERSION, Who, bucket,
    checksum, hash, scope_of, sieve_bit, slot,
};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// The rows of a table, section by section.
#[derive(Clone, Default, Debug)]
#[allow(missing_docs)] // the fields are the sections of `format`
pub struct Rows {
    pub preferred: bool,
    /// One bit a mode.
    pub modes: u8,
    /// The steps of the longest condition: at most [`crate::format::MAX_STEPS`].
    pub longest_condition: usize,
    /// String number of the user pool's group claim, or [`crate::format::NONE`].
    pub group_claim: u32,
    /// How many names of fields there are.
    pub field_names: u32,
    /// How many groups of the user pool there are: the first classes.
    pub groups: u32,
    /// The names that requests look up, each with its scope ([`crate::format::scope_of`]), in the order of the scopes.
    pub names: Vec<(u32, String)>,
    /// The other strings, ascending, each once.
    pub texts: Vec<String>,
    pub sources: Vec<Source>,
    pub heads: Vec<Head>,
    pub common: Vec<Common>,
    pub cell_classes: Vec<u16>,
    pub cell_operations: Vec<u8>,
    pub long: Vec<Long>,
    pub page_numbers: Vec<u16>,
    pub pages: Vec<Page>,
    pub grids: Vec<Grid>,
    pub clauses: Vec<Clause>,
    pub parts: Vec<u32>,
    pub models: Vec<Model>,
    pub shapes: Vec<Shape>,
    pub fields: Vec<Field>,
    pub customs: Vec<Custom>,
    pub buckets: Vec<Bucket>,
    pub nodes: Vec<Node>,
    pub acting: Vec<Acting>,
    pub exclusive: Vec<Exclusive>,
    pub terms: Vec<Term>,
    pub numbers: Vec<Number64>,
    pub tests: Vec<Test>,
    pub code: Vec<Step>,
    pub programs: Vec<u32>,
    pub whos: Vec<Who>,
    pub who_classes: Vec<u32>,
    pub guards: Vec<Guard>,
    pub guard_whos: Vec<u32>,
    pub grants: Vec<Grant>,
    pub grant_runs: Vec<u32>,
    pub specials: Vec<Special>,
    pub special_roles: Vec<u32>,
    pub places: Vec<Place>,
    pub place_claims: Vec<PlaceClaim>,
    pub group_settings: Vec<GroupSetting>,
    /// The explanations' strings.
    pub rule_strings: Vec<String>,
    pub rules: Vec<Rule>,
    pub rule_parts: Vec<u32>,
    pub rule_guards: Vec<RuleGuard>,
}

/// A table would exceed what its format can hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooLarge {
    /// The section.
    pub section: Section,
}

impl core::fmt::Display for TooLarge {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "section `{}` exceeds what a table can hold", self.section.name())
    }
}

impl core::error::Error for TooLarge {}

impl Rows {
    /// The table.
    ///
    /// # Errors
    /// If a section exceeds 4 GiB, strings exceed 16 MiB, or there is more of something than the format numbers.
    pub fn to_bytes(&self) -> Result<Vec<u8>, TooLarge> {
        let index = Index::of(&self.names).ok_or(TooLarge { section: Section::Slots })?;
        let numbered = [
            (Section::Common, self.common.len()),
            (Section::CellClasses, self.cell_classes.len()),
            (Section::Long, self.long.len()),
            (Section::Grids, self.grids.len()),
            (Section::Shapes, self.shapes.len()),
            (Section::Heads, self.heads.len()),
        ];
        if let Some((section, _)) = numbered.into_iter().find(|(_, count)| *count > NO_NAME as usize) {
            return Err(TooLarge { section });
        }
        let is_long = |strings: &mut dyn Iterator<Item = &String>| strings.map(String::len).sum::<usize>() > MAX_TEXT;
        if is_long(&mut self.names.iter().map(|(_, name)| name).chain(&self.texts)) {
            return Err(TooLarge { section: Section::Text });
        }
        if is_long(&mut self.rule_strings.iter()) {
            return Err(TooLarge { section: Section::RuleText });
        }
        let mut out = Vec::with_capacity(HEADER);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&[u8::from(self.preferred), self.modes]);
        out.extend_from_slice(&self.group_claim.to_le_bytes());
        out.extend_from_slice(&[0; 8]); // the length
        for number in [index.seed, self.field_names, self.groups] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.resize(HEADER, 0);
        let mut lengths = [0u32; SECTIONS];
        for section in Section::ALL {
            let start = out.len();
            self.write(section, &index, &mut out);
            lengths[section as usize] = u32::try_from(out.len() - start).map_err(|_| TooLarge { section })?;
        }
        out.resize(out.len().next_multiple_of(8), 0);
        let length = (out.len() + TRAILER) as u64;
        out[16..24].copy_from_slice(&length.to_le_bytes());
        for (at, bytes) in lengths.into_iter().enumerate() {
            out[LENGTHS + 4 * at..LENGTHS + 4 * at + 4].copy_from_slice(&bytes.to_le_bytes());
        }
        let sum = checksum(&out, out.len() / 8);
        out.extend_from_slice(&sum.to_le_bytes());
        Ok(out)
    }

    /// A head, and the bits of the classes that it has cells of.
    fn with_sieve(&self, head: Head, index: &Index) -> Head {
        let run = |first: u32, count: u32| {
            let classes = self.cell_classes.get(first as usize..).and_then(|rest| rest.get(..count as usize));
            classes.unwrap_or(&[]).iter().fold(0, |sieve, class| sieve | 1 << index.class_bit(*class))
        };
        let sieve = match self.long.get(head.cells.get() as usize) {
            Some(long) if head.count == LONG && long.paged == 0 => run(long.first, long.count),
            _ if head.count == LONG => u32::MAX, // pages hold many
            _ if head.count == GRID => {
                let classes = self.grids.get(head.cells.get() as usize).map_or(0, Grid::classes);
                let held = (0..64u16).filter(|class| classes >> class & 1 == 1);
                held.fold(0, |sieve, class| sieve | 1 << index.class_bit(class))
            }
            _ => run(head.cells.get(), u32::from(head.count)),
        };
        Head { sieve, ..head }
    }

    fn write(&self, section: Section, index: &Index, out: &mut Vec<u8>) {
        let strings = || self.names.iter().map(|(_, name)| name).chain(&self.texts);
        match section {
            Section::Text => text(strings(), out),
            Section::Strings => ends(strings(), out),
            Section::Pilots => rows(&index.pilots, out),
            Section::Slots => rows(&index.slots, out),
            Section::Sources => rows(&self.sources, out),
            Section::Heads => self.heads.iter().for_each(|head| self.with_sieve(*head, index).write(out)),
            Section::Common => rows(&self.common, out),
            Section::CellClasses => rows(&self.cell_classes, out),
            Section::CellOperations => rows(&self.cell_operations, out),
            Section::Long => rows(&self.long, out),
            Section::PageNumbers => rows(&self.page_numbers, out),
            Section::Pages => rows(&self.pages, out),
            Section::Grids => rows(&self.grids, out),
            Section::Clauses => rows(&self.clauses, out),
            Section::Parts => rows(&self.parts, out),
            Section::Models => rows(&self.models, out),
            Section::Shapes => rows(&self.shapes, out),
            Section::Fields => rows(&self.fields, out),
            Section::Customs => rows(&self.customs, out),
            Section::Buckets => rows(&self.buckets, out),
            Section::Nodes => rows(&self.nodes, out),
            Section::Acting => rows(&self.acting, out),
            Section::Exclusive => rows(&self.exclusive, out),
            Section::Terms => rows(&self.terms, out),
            Section::Numbers => rows(&self.numbers, out),
            Section::Tests => rows(&self.tests, out),
            Section::Code => rows(&self.code, out),
            Section::Programs => rows(&self.programs, out),
            Section::Whos => rows(&self.whos, out),
            Section::WhoClasses => rows(&self.who_classes, out),
            Section::Guards => rows(&self.guards, out),
            Section::GuardWhos => rows(&self.guard_whos, out),
            Section::Grants => rows(&self.grants, out),
            Section::GrantRuns => rows(&self.grant_runs, out),
            Section::Specials => rows(&self.specials, out),
            Section::SpecialRoles => rows(&self.special_roles, out),
            Section::Places => rows(&self.places, out),
            Section::PlaceClaims => rows(&self.place_claims, out),
            Section::GroupSettings => rows(&self.group_settings, out),
            Section::RuleText => text(self.rule_strings.iter(), out),
            Section::RuleStrings => ends(self.rule_strings.iter(), out),
            Section::Rules => rows(&self.rules, out),
            Section::RuleParts => rows(&self.rule_parts, out),
            Section::RuleGuards => rows(&self.rule_guards, out),
        }
    }
}

/// The most bytes of strings whose ends a table can hold.
const MAX_TEXT: usize = 0xFF_FFFF;

/// A perfect hash of names: where each of them is found.
struct Index {
    seed: u32,
    pilots: Vec<u16>,
    slots: Vec<U24>,
    /// By class, its bit in sieves.
    class_bits: Vec<u8>,
}

/// A seed fails once in a few hundred tables; that many fail only if there are two equal names in a scope.
const SEEDS: u32 = 64;

impl Index {
    /// The index, always the same for the same names; none if there are too many of them.
    fn of(names: &[(u32, String)]) -> Option<Index> {
        if names.len() >= NO_NAME as usize {
            return None;
        }
        (0..SEEDS).find_map(|seed| Index::with(seed, names))
    }

    /// Buckets find a pilot that moves their names to free slots, the fullest first: it has the most to place, and
    /// the most free slots then. One slot in 32 stays free, for the last.
    fn with(seed: u32, names: &[(u32, String)]) -> Option<Index> {
        let bucket_count = names.len().div_ceil(NAMES_A_PILOT);
        let slot_count = if names.is_empty() { 0 } else { names.len() + names.len() / 32 + 1 };
        let mut buckets: Vec<Vec<(u64, u32)>> = vec![Vec::new(); bucket_count];
        for ((scope, name), number) in names.iter().zip(0..) {
            let hash = hash(seed, *scope, name.as_bytes());
            buckets[bucket(hash, bucket_count)].push((hash, number));
        }
        let mut order: Vec<usize> = (0..bucket_count).collect();
        order.sort_by_key(|at| (core::cmp::Reverse(buckets[*at].len()), *at));
        let mut slots = vec![U24::new(NO_NAME); slot_count];
        let mut pilots = vec![0; bucket_count];
        for at in order {
            pilots[at] = (0..=u16::MAX).find(|pilot| place(&buckets[at], *pilot, &mut slots))?;
        }
        let classes = names.iter().filter(|(scope, _)| *scope >= scope_of::CLASS);
        let class_bits = classes.map(|(scope, name)| sieve_bit(hash(seed, *scope, name.as_bytes()))).collect();
        Some(Index { seed, pilots, slots, class_bits })
    }

    fn class_bit(&self, class: u16) -> u8 {
        self.class_bits.get(usize::from(class)).copied().unwrap_or(0)
    }
}

/// Puts the names of a bucket where the pilot moves them, if these slots are free.
fn place(bucket: &[(u64, u32)], pilot: u16, slots: &mut [U24]) -> bool {
    let count = slots.len();
    for (at, (hash, number)) in bucket.iter().enumerate() {
        let here = &mut slots[slot(*hash, pilot, count)];
        if here.get() != NO_NAME {
            bucket[..at].iter().for_each(|(hash, _)| slots[slot(*hash, pilot, count)] = U24::new(NO_NAME));
            return false;
        }
        *here = U24::new(*number);
    }
    true
}

fn rows<R: Record>(records: &[R], out: &mut Vec<u8>) {
    records.iter().for_each(|record| record.write(out));
}

fn text<'s>(strings: impl Iterator<Item = &'s String>, out: &mut Vec<u8>) {
    strings.for_each(|string| out.extend_from_slice(string.as_bytes()));
}

fn ends<'s>(strings: impl Iterator<Item = &'s String>, out: &mut Vec<u8>) {
    let mut end = 0u32;
    for string in strings {
        end = end.wrapping_add(string.len() as u32);
        U24::new(end).write(out); // at most `MAX_TEXT`: checked before
    }
}
