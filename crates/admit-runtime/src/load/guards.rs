//! The checks of what guarded rules put into a table: conditions, whos, grants, specials and places.
//! Always: each relies only on what stands before it, as in `load`.

use super::{Policy, Rows};
use crate::error::LoadError;
use crate::format::{
    FALSE, MAX_STEPS, NONE, SPECIAL, Section, TRUE, Who, clause, form, kind, operand, source, subject,
};
use crate::words::Mode;

impl Policy<'_> {
    pub(super) fn check_acting(&self) -> Result<(), LoadError> {
        for (record, acting) in self.acting.run(0, NONE).enumerate() {
            self.in_order(Section::Acting, record, |at| self.acting.at(at))?;
            self.class(Section::Acting, record, u32::from(acting.class))?;
            self.class(Section::Acting, record, u32::from(acting.other))?;
        }
        for (record, exclusive) in self.exclusive.run(0, NONE).enumerate() {
            self.in_order(Section::Exclusive, record, |at| self.exclusive.at(at))?;
            self.class(Section::Exclusive, record, exclusive.class)?;
        }
        Ok(())
    }

    pub(super) fn check_conditions(&self) -> Result<(), LoadError> {
        for (record, term) in self.terms.run(0, NONE).enumerate() {
            self.name(Section::Terms, record, term.name)?;
            let sound = term.source <= source::CLAIM && term.kind <= kind::DATE_TIME && term.list <= 1;
            self.sound(Section::Terms, record, sound && term.reserved == 0)?;
        }
        for (record, number) in self.numbers.run(0, NONE).enumerate() {
            let number = f64::from_bits(u64::from(number.high) << 32 | u64::from(number.low));
            self.sound(Section::Numbers, record, number.is_finite())?;
        }
        for record in 0..self.tests.len() {
            self.check_test(record)?;
        }
        self.check_ends(Section::Programs, self.programs, Section::Code)?;
        let mut start = 0;
        for (record, end) in self.programs.run(0, NONE).enumerate() {
            self.sound(Section::Programs, record, end - start <= MAX_STEPS)?;
            for at in start..end {
                self.check_step(start, end, at)?;
            }
            start = end;
        }
        Ok(())
    }

    fn check_test(&self, record: usize) -> Result<(), LoadError> {
        let test = self.tests.at(record);
        self.number(Section::Tests, record, test.term, Section::Terms)?;
        let target = match test.operand {
            operand::TERM => Some(Section::Terms),
            operand::TEXT => Some(Section::Strings),
            operand::NUMBER => Some(Section::Numbers),
            _ => None,
        };
        if let Some(target) = target {
            self.number(Section::Tests, record, test.value, target)?;
        }
        let alone = test.form <= form::NULL;
        let operand = match test.operand {
            operand::NOTHING => alone && test.value == 0,
            operand::BOOLEAN => !alone && test.value <= 1,
            operand => !alone && operand < operand::BOOLEAN,
        };
        let sound = test.form <= form::STARTS_WITH && test.negated <= 1 && test.reserved == 0;
        self.sound(Section::Tests, record, sound && operand)
    }

    /// A step goes forward, and not past the condition's end.
    fn check_step(&self, start: u32, end: u32, at: u32) -> Result<(), LoadError> {
        let step = self.code.at(at as usize);
        self.number(Section::Code, at as usize, step.test, Section::Tests)?;
        let forward =
            |next: u16| matches!(next, TRUE | FALSE) || (at < start + u32::from(next) && start + u32::from(next) < end);
        self.sound(Section::Code, at as usize, forward(step.yes) && forward(step.no))
    }

    pub(super) fn check_guards(&self) -> Result<(), LoadError> {
        for record in 0..self.who_classes.len() {
            self.class(Section::WhoClasses, record, self.who_classes.at(record))?;
        }
        for (record, who) in self.whos.run(0, NONE).enumerate() {
            self.check_who(record, &who)?;
        }
        for record in 0..self.guard_whos.len() {
            self.number(Section::GuardWhos, record, self.guard_whos.at(record), Section::Whos)?;
        }
        for (record, guard) in self.guards.run(0, NONE).enumerate() {
            self.run(Section::Guards, record, guard.whos, guard.who_count, Section::GuardWhos)?;
            if guard.program != NONE {
                self.number(Section::Guards, record, guard.program, Section::Programs)?;
            }
        }
        self.check_ends(Section::GrantRuns, self.grant_runs, Section::Grants)?;
        for (record, grant) in self.grants.run(0, NONE).enumerate() {
            if grant.guard != NONE {
                self.number(Section::Grants, record, grant.guard, Section::Guards)?;
            }
            let denies = grant.deny == 1;
            if grant.who != NONE {
                self.number(Section::Grants, record, grant.who, Section::Whos)?;
            }
            let sound =
                grant.operations != 0 && grant.reserved == 0 && (denies || (grant.deny == 0 && grant.who != NONE));
            self.sound(Section::Grants, record, sound)?;
        }
        Ok(())
    }

    fn check_who(&self, record: usize, who: &Who) -> Result<(), LoadError> {
        let section = Section::Whos;
        let mode = Mode::from_number(who.mode).is_some() && who.reserved == 0;
        match who.kind {
            clause::OWNER..=clause::GROUPS => {
                self.name(section, record, who.field)?;
                self.run(section, record, who.first, u32::from(who.part_count), Section::Parts)?;
                let most = if who.kind <= clause::OWNERS { 4 } else { 1 };
                let parts = (1..=most).contains(&who.part_count) && who.class_count == 0;
                let provider = who.mode <= Mode::Oidc as u8;
                self.sound(section, record, mode && parts && provider)
            }
            subject::CLASSES => {
                self.number(section, record, who.field, Section::Sources)?;
                self.run(section, record, who.first, who.class_count, Section::WhoClasses)?;
                let source = self.sources.at(who.field as usize);
                let of_source = |class: u32| (source.first..source.first + source.count).contains(&class);
                let within = self.who_classes.run(who.first, who.class_count).all(of_source);
                self.sound(section, record, mode && within && who.class_count > 0 && who.part_count == 0)
            }
            subject::EVERYONE | subject::ENTITY => {
                let bare = who.field == NONE && who.first == NONE && who.class_count == 0 && who.part_count == 0;
                self.sound(section, record, mode && bare)
            }
            _ => self.sound(section, record, false),
        }
    }

    pub(super) fn check_specials(&self) -> Result<(), LoadError> {
        let section = Section::Specials;
        for record in 0..self.special_roles.len() {
            self.number(Section::SpecialRoles, record, self.special_roles.at(record), Section::Whos)?;
        }
        let mut customs = self.customs.run(0, NONE);
        for (record, special) in self.specials.run(0, NONE).enumerate() {
            self.in_order(section, record, |at| self.specials.at(at).resource)?;
            self.number(section, record, special.resource, Section::Heads)?;
            // The models' heads come first, then those of custom operations, in their order.
            let runs = match (special.resource as usize) < self.models.len() {
                true => self.model_at(special.resource).classes(),
                false if customs.any(|custom| custom.head == special.resource) => 1,
                false => return self.sound(section, record, false),
            };
            self.run(section, record, special.runs, runs, Section::GrantRuns)?;
            self.run(section, record, special.roles, special.role_count, Section::SpecialRoles)?;
            let marked = self.resource(special.resource).common.gate & SPECIAL != 0;
            self.sound(section, record, marked)?;
        }
        // Heads of field classes may say the same as a model that is marked; no decision asks them.
        let models = (0..self.models.len() as u32).filter(|model| self.is_marked(*model)).count();
        let customs = self.customs.run(0, NONE).filter(|custom| self.is_marked(custom.head)).count();
        self.sound(section, self.specials.len(), models + customs == self.specials.len())
    }

    fn is_marked(&self, head: u32) -> bool {
        self.resource(head).common.gate & SPECIAL != 0
    }

    pub(super) fn check_places(&self) -> Result<(), LoadError> {
        let section = Section::Places;
        for (record, claim) in self.place_claims.run(0, NONE).enumerate() {
            self.name(Section::PlaceClaims, record, claim.claim)?;
        }
        for (record, place) in self.places.run(0, NONE).enumerate() {
            self.number(section, record, place.bucket, Section::Buckets)?;
            self.name(section, record, place.prefix)?;
            self.in_order(section, record, |at| {
                let place = self.places.at(at);
                (place.bucket, self.strings.get(place.prefix))
            })?;
            self.run(section, record, place.claims, place.claim_count, Section::PlaceClaims)?;
            self.number(section, record, place.run, Section::GrantRuns)?;
        }
        Ok(())
    }

    pub(super) fn check_rule_guards(&self) -> Result<(), LoadError> {
        let section = Section::RuleGuards;
        for (record, guard) in self.rule_guards.run(0, NONE).enumerate() {
            self.in_order(section, record, |at| self.rule_guards.at(at).rule)?;
            self.number(section, record, guard.rule, Section::Rules)?;
            if guard.guard != NONE {
                self.number(section, record, guard.guard, Section::Guards)?;
            }
            for text in [guard.and, guard.when].into_iter().filter(|text| *text != NONE) {
                self.number(section, record, text, Section::RuleStrings)?;
            }
            self.sound(section, record, guard.deny <= 1)?;
        }
        Ok(())
    }

    fn sound(&self, section: Section, record: usize, sound: bool) -> Result<(), LoadError> {
        if sound { Ok(()) } else { Err(LoadError::Value { section, record }) }
    }
}

impl<R: crate::format::Record> Rows<'_, R> {
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
