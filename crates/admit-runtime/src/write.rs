//! The table writer, for the compiler: rows of records to bytes.
//! Always: what it writes, [`crate::Policy::from_bytes`] accepts, provided that the rows keep the orders that
//! [`crate::format`] states.

use crate::format::{
    Acting, Bucket, Cell, Class, Clause, Custom, Exclusive, Field, Grant, Group, Guard, HEADER, MAGIC, Model, Node,
    Number64, Place, PlaceClaim, Record, Resource, Rule, RuleGuard, SECTIONS, Section, Source, Special, Step, TRAILER,
    Term, Test, VERSION, Who, checksum,
};
use alloc::string::String;
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
    /// The decision's strings, ascending, each once.
    pub strings: Vec<String>,
    pub sources: Vec<Source>,
    pub classes: Vec<Class>,
    pub resources: Vec<Resource>,
    pub cells: Vec<Cell>,
    pub cell_runs: Vec<u32>,
    pub clauses: Vec<Clause>,
    pub clause_runs: Vec<u32>,
    pub parts: Vec<u32>,
    pub models: Vec<Model>,
    pub fields: Vec<Field>,
    pub customs: Vec<Custom>,
    pub buckets: Vec<Bucket>,
    pub nodes: Vec<Node>,
    pub groups: Vec<Group>,
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
        write!(f, "section `{}` exceeds 4 GiB", self.section.name())
    }
}

impl core::error::Error for TooLarge {}

impl Rows {
    /// The table.
    ///
    /// # Errors
    /// If a section exceeds 4 GiB.
    pub fn to_bytes(&self) -> Result<Vec<u8>, TooLarge> {
        let mut out = Vec::with_capacity(HEADER);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&[u8::from(self.preferred), self.modes]);
        out.extend_from_slice(&self.group_claim.to_le_bytes());
        out.resize(HEADER, 0);
        let mut lengths = [0u32; SECTIONS];
        for section in Section::ALL {
            let start = out.len();
            self.write(section, &mut out);
            lengths[section as usize] = u32::try_from(out.len() - start).map_err(|_| TooLarge { section })?;
        }
        out.resize(out.len().next_multiple_of(8), 0);
        let length = (out.len() + TRAILER) as u64;
        out[16..24].copy_from_slice(&length.to_le_bytes());
        for (at, bytes) in lengths.into_iter().enumerate() {
            out[24 + 4 * at..28 + 4 * at].copy_from_slice(&bytes.to_le_bytes());
        }
        let sum = checksum(&out, out.len() / 8);
        out.extend_from_slice(&sum.to_le_bytes());
        Ok(out)
    }

    fn write(&self, section: Section, out: &mut Vec<u8>) {
        match section {
            Section::Text => text(&self.strings, out),
            Section::Strings => ends(&self.strings, out),
            Section::Sources => rows(&self.sources, out),
            Section::Classes => rows(&self.classes, out),
            Section::Resources => rows(&self.resources, out),
            Section::Cells => rows(&self.cells, out),
            Section::CellRuns => rows(&self.cell_runs, out),
            Section::Clauses => rows(&self.clauses, out),
            Section::ClauseRuns => rows(&self.clause_runs, out),
            Section::Parts => rows(&self.parts, out),
            Section::Models => rows(&self.models, out),
            Section::Fields => rows(&self.fields, out),
            Section::Customs => rows(&self.customs, out),
            Section::Buckets => rows(&self.buckets, out),
            Section::Nodes => rows(&self.nodes, out),
            Section::Groups => rows(&self.groups, out),
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
            Section::RuleText => text(&self.rule_strings, out),
            Section::RuleStrings => ends(&self.rule_strings, out),
            Section::Rules => rows(&self.rules, out),
            Section::RuleParts => rows(&self.rule_parts, out),
            Section::RuleGuards => rows(&self.rule_guards, out),
        }
    }
}

fn rows<R: Record>(records: &[R], out: &mut Vec<u8>) {
    records.iter().for_each(|record| record.write(out));
}

fn text(strings: &[String], out: &mut Vec<u8>) {
    strings.iter().for_each(|string| out.extend_from_slice(string.as_bytes()));
}

fn ends(strings: &[String], out: &mut Vec<u8>) {
    let mut end = 0u32;
    for string in strings {
        end = end.wrapping_add(string.len() as u32); // `text` is over 4 GiB then, and rejected
        Record::write(end, out);
    }
}
