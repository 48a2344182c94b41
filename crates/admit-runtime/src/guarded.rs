//! Guarded rules as the table says them: for reports that answer every request at once.
//! Always: reads what loading has checked, and decides nothing.

use crate::access::{ModelAccess, Who};
use crate::format::{self, NONE, SPECIAL, clause, field, operand, subject};
use crate::load::Policy;
use crate::request::CustomKind;
use crate::words::{Mode, Operations};

/// A rule of a resource whose rules have guards, or that has denies, for one role.
#[derive(Clone, Copy)]
pub struct GuardedRule<'a, 't> {
    policy: &'a Policy<'t>,
    grant: format::Grant,
}

/// Whom a [`GuardedRule`] is about.
#[derive(Clone, Copy)]
pub struct GuardedWho<'a, 't> {
    policy: &'a Policy<'t>,
    who: format::Who,
}

/// A condition: steps that go forward, the first first.
#[derive(Clone, Copy)]
pub struct Steps<'a, 't> {
    policy: &'a Policy<'t>,
    first: u32,
    count: u32,
}

/// One step of a condition.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Step<'t> {
    /// What is asked.
    pub test: Test<'t>,
    /// Whether the answer is turned round.
    pub negated: bool,
    /// Where to go on if the answer counts: the number of a later step, [`format::TRUE`] or [`format::FALSE`].
    pub yes: u16,
    /// Where to go on if not.
    pub no: u16,
}

/// A question about a request.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Test<'t> {
    /// [`format::form`]
    pub form: u8,
    /// What is read.
    pub term: Term<'t>,
    /// What it is compared with.
    pub operand: Operand<'t>,
}

/// Something that conditions read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Term<'t> {
    /// [`format::source`]
    pub source: u8,
    /// [`format::kind`]
    pub kind: u8,
    /// Whether it is a list.
    pub list: bool,
    /// The field, or the claim.
    pub name: &'t str,
}

/// What a [`Test`] compares its term with.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Operand<'t> {
    /// Nothing.
    Nothing,
    /// Another term.
    Term(Term<'t>),
    /// A text, or a moment as a text.
    Text(&'t str),
    /// A number.
    Number(f64),
    /// A boolean.
    Boolean(bool),
}

/// A path of a bucket whose rules have guards, denies or claims in paths.
#[derive(Clone, Copy)]
pub struct GuardedPath<'a, 't> {
    policy: &'a Policy<'t>,
    place: format::Place,
}

impl<'a, 't> GuardedRule<'a, 't> {
    /// Whether it is a deny.
    pub fn is_deny(&self) -> bool {
        self.grant.deny == 1
    }

    /// The operations.
    pub fn operations(&self) -> Operations {
        Operations(self.grant.operations)
    }

    /// The role that it gives to; of a deny none, unless it is about one's own folder.
    pub fn who(&self) -> Option<GuardedWho<'a, 't>> {
        (self.grant.who != NONE)
            .then(|| GuardedWho { policy: self.policy, who: self.policy.whos.at(self.grant.who as usize) })
    }

    fn guard(&self) -> format::Guard {
        let none = format::Guard { program: NONE, ..format::Guard::default() };
        if self.grant.guard == NONE { none } else { self.policy.guards.at(self.grant.guard as usize) }
    }

    /// Those who must be the caller as well; of a deny all of whom it is about.
    pub fn and(&self) -> impl Iterator<Item = GuardedWho<'a, 't>> + use<'a, 't> {
        let (policy, guard) = (self.policy, self.guard());
        let whos = policy.guard_whos.run(guard.whos, guard.who_count);
        whos.map(move |who| GuardedWho { policy, who: policy.whos.at(who as usize) })
    }

    /// Its condition, if it has one.
    pub fn condition(&self) -> Option<Steps<'a, 't>> {
        let program = self.guard().program;
        (program != NONE).then(|| {
            let (first, count) = self.policy.steps(program);
            Steps { policy: self.policy, first, count }
        })
    }
}

impl<'a, 't> GuardedWho<'a, 't> {
    /// Whether it is whoever is signed in, in his own folder.
    pub fn is_own_folder(&self) -> bool {
        self.who.kind == subject::ENTITY
    }

    /// Whom it is about: several for groups or functions of which one is enough, none for one's own folder.
    pub fn each(&self) -> impl Iterator<Item = Who<'t>> + use<'a, 't> {
        let (policy, who) = (self.policy, self.who);
        let one = match who.kind {
            subject::EVERYONE => Mode::from_number(who.mode).map(Who::Everyone),
            kind if kind <= clause::GROUPS => Some(policy.clause_who(&crate::special::clause_of(&who))),
            _ => None,
        };
        let count = if who.kind == subject::CLASSES { who.class_count } else { 0 };
        let classes = policy.who_classes.run(who.first, count);
        one.into_iter().chain(classes.filter_map(move |class| policy.class_who(class as u16)))
    }
}

impl<'a, 't> Steps<'a, 't> {
    /// The steps, in order.
    pub fn each(&self) -> impl Iterator<Item = Step<'t>> + use<'a, 't> {
        let policy = self.policy;
        policy.code.run(self.first, self.count).map(move |step| {
            let test = policy.tests.at(step.test as usize);
            let operand = match test.operand {
                operand::TERM => Operand::Term(policy.term(test.value)),
                operand::TEXT => Operand::Text(policy.strings.get(test.value)),
                operand::NUMBER => Operand::Number(policy.number_at(test.value)),
                operand::BOOLEAN => Operand::Boolean(test.value == 1),
                _ => Operand::Nothing,
            };
            let asked = Test { form: test.form, term: policy.term(test.term), operand };
            Step { test: asked, negated: test.negated == 1, yes: step.yes, no: step.no }
        })
    }
}

impl<'a, 't> GuardedPath<'a, 't> {
    /// What its keys start with, claims as they are written.
    pub fn prefix(&self) -> &'t str {
        self.policy.strings.get(self.place.prefix)
    }

    /// The segments that stand for claims: which, from 0, and the claim.
    pub fn claims(&self) -> impl Iterator<Item = (usize, &'t str)> + use<'a, 't> {
        let policy = self.policy;
        let claims = policy.place_claims.run(self.place.claims, self.place.claim_count);
        claims.map(move |claim| (claim.segment as usize, policy.strings.get(claim.claim)))
    }

    /// Its rules, then its denies.
    pub fn rules(&self) -> impl Iterator<Item = GuardedRule<'a, 't>> + use<'a, 't> {
        let policy = self.policy;
        policy.grant_run(self.place.run).map(move |grant| GuardedRule { policy, grant })
    }
}

impl<'t> Policy<'t> {
    fn term(&self, number: u32) -> Term<'t> {
        let term = self.terms.at(number as usize);
        Term { source: term.source, kind: term.kind, list: term.list == 1, name: self.strings.get(term.name) }
    }

    fn special_run<'a>(&'a self, head: u32, class: u32) -> impl Iterator<Item = GuardedRule<'a, 't>> + use<'a, 't> {
        let at = self.specials.lower_bound(0, NONE, |special| special.resource < head);
        let found = at < self.specials.len() && self.specials.at(at).resource == head;
        let runs = if found { self.specials.at(at).runs } else { 0 };
        let rules = found.then(|| self.grant_run(runs + class)).into_iter().flatten();
        rules.map(move |grant| GuardedRule { policy: self, grant })
    }

    fn is_special(&self, head: u32) -> bool {
        self.resource(head).common.gate & SPECIAL != 0
    }

    /// The rules of a custom operation that are judged one by one, its denies last; none where that is not so.
    pub fn guarded_operation<'a>(
        &'a self,
        kind: CustomKind,
        name: &str,
    ) -> Option<impl Iterator<Item = GuardedRule<'a, 't>> + use<'a, 't>> {
        let head = self.customs.at(self.custom_number(kind as u32, name)? as usize).head;
        self.is_special(head).then(|| self.special_run(head, 0))
    }

    /// The paths of a bucket whose rules are judged one by one; none for another bucket.
    pub fn guarded_paths<'a>(&'a self, bucket: &str) -> impl Iterator<Item = GuardedPath<'a, 't>> + use<'a, 't> {
        let number = self.bucket_number(bucket);
        let places = self.places.run(0, NONE).filter(move |place| Some(place.bucket) == number);
        places.map(move |place| GuardedPath { policy: self, place })
    }

    /// The groups that act as others: each, and one that it acts as.
    pub fn acting(&self) -> impl Iterator<Item = (&'t str, &'t str)> + use<'t> {
        let policy = *self;
        let acting = policy.acting.run(0, NONE);
        acting.map(move |acting| (policy.class_name(acting.class.into()), policy.class_name(acting.other.into())))
    }

    /// The groups of lists of which nobody may hold two: the number of the list, and the group.
    pub fn exclusive_groups(&self) -> impl Iterator<Item = (u32, &'t str)> + use<'t> {
        let policy = *self;
        let exclusive = policy.exclusive.run(0, NONE);
        exclusive.map(move |exclusive| (exclusive.list, policy.class_name(exclusive.class)))
    }
}

impl<'a, 't> ModelAccess<'a, 't> {
    /// Whether its rules are judged one by one; then [`ModelAccess::class`] says only what functions have.
    pub fn is_guarded(&self) -> bool {
        self.policy.is_special(self.model.number)
    }

    /// The rules of one class of fields that are judged one by one, the denies last.
    pub fn guarded(&self, class: usize) -> impl Iterator<Item = GuardedRule<'a, 't>> + use<'a, 't> {
        let policy = self.policy;
        let exists = class < self.classes() && self.is_guarded();
        exists.then(|| policy.special_run(self.model.number, class as u32)).into_iter().flatten()
    }

    /// The declared fields of its key.
    pub fn key(&self) -> impl Iterator<Item = &'t str> + use<'a, 't> {
        let policy = self.policy;
        let is_key = |column: &format::Field| column.flags & field::KEY != 0;
        policy.columns(&self.model).filter(is_key).map(|column| policy.strings.get(column.name))
    }
}
