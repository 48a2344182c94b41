//! Who asks: a caller whose groups have been turned into classes, once, for every decision that follows.
//! Always: a principal holds only what the table names; groups that no rule names admit to nothing.

use crate::asker::Asker;
use crate::claim::Groups;
use crate::error::PrincipalError;
use crate::format::{FUNCTIONS, NONE, Source, sieve_bit};
use crate::load::Policy;
use crate::names::Scope;
use crate::value::{Fields, List, Value};
use crate::words::{Mode, Provider};

/// The most classes that a principal can hold: groups of the token that the policy names, and those that they act as.
/// Cognito allows a user 100 groups. More than 112 classes do not stand in the principal; each decision then looks the
/// token's groups up again, some 50 ns each.
pub const MAX_HELD: usize = 1024;

/// No class has this number: there are at most so many.
pub(crate) const NO_CLASS: u16 = u16::MAX;

/// So many classes stand in a principal itself: more than the 100 groups that Cognito allows a user.
pub(crate) const ROOM: usize = 112;

/// A class that a name stands for, or [`NO_CLASS`]; and the name's bit in sieves.
#[derive(Clone, Copy)]
pub(crate) struct Class {
    pub number: u16,
    pub bit: u8,
}

/// The classes that a principal holds, in the order of the token, perhaps some twice; or that there are too many to
/// stand here. A principal is copied where it is made: room for all that it may hold would cost each of them more than
/// looking up its groups does.
#[derive(Clone)]
pub(crate) struct Held {
    classes: [u16; ROOM],
    /// By class, its bit in sieves.
    bits: [u8; ROOM],
    /// The first 64 classes, a bit each.
    pub low: u64,
    count: u16,
    pub is_over: bool,
}

impl Held {
    pub const NONE: Held = Held { classes: [NO_CLASS; ROOM], bits: [0; ROOM], low: 0, count: 0, is_over: false };

    #[inline]
    pub fn classes(&self) -> &[u16] {
        self.classes.get(..usize::from(self.count)).unwrap_or(&[])
    }

    /// The classes and their bits.
    #[inline]
    pub fn each(&self) -> impl Iterator<Item = Class> + '_ {
        self.classes().iter().zip(&self.bits).map(|(number, bit)| Class { number: *number, bit: *bit })
    }

    /// Adds a class, or nothing if it is [`NO_CLASS`]: without a branch, since nobody foresees which groups are known.
    #[inline(always)]
    pub fn add(&mut self, class: Class) {
        let at = usize::from(self.count);
        match (self.classes.get_mut(at), self.bits.get_mut(at)) {
            (Some(slot), Some(bit)) => {
                (*slot, *bit) = (class.number, class.bit);
                let is_known = class.number != NO_CLASS;
                self.count = self.count.wrapping_add(u16::from(is_known));
                self.low |= u64::from(is_known && class.number < 64) << (class.number & 63);
            }
            _ => self.is_over |= class.number != NO_CLASS,
        }
    }
}

/// What the host's own authorizer says of a caller in mode `lambda`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Authorizer {
    /// It said yes.
    #[default]
    Yes,
    /// It said no.
    No,
    /// It has not been asked: where its yes would decide, the decision is [`crate::Effect::Ask`].
    NotAsked,
}

/// A caller as the host knows it.
///
/// ```
/// use admit_runtime::{Caller, Mode};
/// let guest = Caller::new(Mode::Guest);
/// let resizer = Caller { function: Some("resizer"), ..Caller::new(Mode::Function) };
/// ```
#[derive(Clone, Copy)]
pub struct Caller<'c> {
    /// How the request arrived.
    pub mode: Mode,
    /// The claims of the verified token.
    pub claims: &'c dyn Fields,
    /// Mode `identityPool`: the user's groups, where the host knows them without a claim.
    pub groups: Option<&'c dyn List>,
    /// The identity-pool identity, which `{entity_id}` stands for.
    pub identity_id: Option<&'c str>,
    /// Mode `function`: the function's name.
    pub function: Option<&'c str>,
    /// Mode `lambda`: what the host's authorizer says.
    pub authorizer: Authorizer,
    /// Mode `iam`: the host takes this caller's IAM policies for enough, as Amplify does.
    pub trusted: bool,
}

impl<'c> Caller<'c> {
    /// A caller of that mode of whom nothing else is known.
    pub fn new(mode: Mode) -> Caller<'c> {
        Caller {
            mode,
            claims: &(),
            groups: None,
            identity_id: None,
            function: None,
            authorizer: Authorizer::Yes,
            trusted: false,
        }
    }
}

/// A caller, ready for decisions by one policy.
#[derive(Clone)]
pub struct Principal<'c> {
    pub(crate) tag: u64,
    pub(crate) caller: Caller<'c>,
    /// In some group of the user pool, named by the policy or not.
    pub(crate) in_group: bool,
    /// The class of the caller's best group; [`NO_CLASS`] if no group is one of the pool's.
    pub(crate) best: u16,
    pub(crate) held: Held,
}

impl Principal<'_> {
    /// How the request arrived.
    pub fn mode(&self) -> Mode {
        self.caller.mode
    }
}

impl<'t> Policy<'t> {
    /// A signed-in user of the user pool, from the claims of the verified token.
    ///
    /// # Errors
    /// If the token holds more than [`MAX_HELD`] of the policy's groups.
    pub fn user<'c>(&self, claims: &'c dyn Fields) -> Result<Principal<'c>, PrincipalError> {
        self.principal(Caller { claims, ..Caller::new(Mode::UserPool) })
    }

    /// Somebody who is not signed in.
    pub fn guest(&self) -> Principal<'static> {
        self.bare(Caller::new(Mode::Guest))
    }

    /// Somebody with the API key.
    pub fn api_key(&self) -> Principal<'static> {
        self.bare(Caller::new(Mode::ApiKey))
    }

    /// Any caller.
    ///
    /// # Errors
    /// If it holds more than [`MAX_HELD`] of the policy's groups (those that its groups act as count too), or two groups
    /// of an exclusive list, or a function has no name.
    pub fn principal<'c>(&self, caller: Caller<'c>) -> Result<Principal<'c>, PrincipalError> {
        let mut principal = self.bare(caller);
        let held = &mut principal.held;
        let membership = self.each_class(&caller, |class| held.add(class))?;
        (principal.in_group, principal.best) = (membership.in_group, membership.best);
        if principal.held.is_over {
            self.check_count(&principal)?;
        }
        if !self.exclusive.is_empty() {
            self.check_exclusive(&principal)?;
        }
        Ok(principal)
    }

    fn bare<'c>(&self, caller: Caller<'c>) -> Principal<'c> {
        Principal { tag: self.tag, caller, in_group: false, best: NO_CLASS, held: Held::NONE }
    }

    /// What a caller's groups say besides the classes: of nobody, if he is no principal.
    #[cold]
    pub(crate) fn membership(&self, caller: &Caller<'_>) -> Membership {
        self.each_class(caller, |_| ()).unwrap_or(Membership::NONE)
    }

    /// Calls `hold` with each class that a caller holds and with each that it acts as, and with [`NO_CLASS`] for what is
    /// none.
    #[inline]
    pub(crate) fn each_class(
        &self,
        caller: &Caller<'_>,
        hold: impl FnMut(Class),
    ) -> Result<Membership, PrincipalError> {
        match caller.mode {
            Mode::UserPool => Ok(self.each_class_of_claims(caller, Provider::UserPools, hold)),
            Mode::Oidc => Ok(self.each_class_of_claims(caller, Provider::Oidc, hold)),
            Mode::IdentityPool => Ok(self.each_class_of_session(caller, hold)),
            Mode::Function => {
                let name = caller.function.ok_or(PrincipalError::NoFunction)?;
                let classes = self.sources_of(FUNCTIONS).map(|(number, source)| self.class_of(number, &source, name));
                classes.for_each(hold);
                Ok(Membership::NONE)
            }
            Mode::ApiKey | Mode::Guest | Mode::Lambda | Mode::Iam => Ok(Membership::NONE),
        }
    }

    /// A token's groups, from every claim that rules read.
    #[inline]
    fn each_class_of_claims(&self, caller: &Caller<'_>, provider: Provider, mut hold: impl FnMut(Class)) -> Membership {
        let mut membership = Membership::NONE;
        let mut pool_has_classes = false;
        for (number, source) in self.sources_of(provider as u32) {
            let groups = Groups::of(caller.claims.get(self.strings.get(source.claim)));
            let best = self.each_class_of_groups(self.class_names(number, &source), source.first, groups, &mut hold);
            if self.is_pool(&source) {
                membership = Membership { in_group: groups.is_member(), best };
                pool_has_classes = true;
            }
        }
        if provider == Provider::UserPools && !pool_has_classes && self.group_claim != NONE {
            let groups = Groups::of(caller.claims.get(self.strings.get(self.group_claim)));
            membership.in_group = groups.is_member();
        }
        membership
    }

    /// The groups of a session of the identity pool: those that the host gave, or else the token's.
    fn each_class_of_session(&self, caller: &Caller<'_>, mut hold: impl FnMut(Class)) -> Membership {
        let groups = match caller.groups {
            Some(list) => Groups::of(Value::List(list)),
            None if self.group_claim == NONE => Groups::None,
            None => Groups::of(caller.claims.get(self.strings.get(self.group_claim))),
        };
        let pool = self.sources_of(0).find(|(_, source)| self.is_pool(source));
        let best = pool.map_or(NO_CLASS, |(number, source)| {
            self.each_class_of_groups(self.class_names(number, &source), source.first, groups, &mut hold)
        });
        Membership { in_group: groups.is_member(), best }
    }

    /// The classes of one claim's groups. Says which is the best group of the pool: the first classes are the pool's
    /// groups, by precedence.
    #[inline]
    fn each_class_of_groups(&self, scope: Scope, first: u32, groups: Groups<'_>, hold: &mut impl FnMut(Class)) -> u16 {
        let acts = !self.acting.is_empty();
        let Groups::List(list) = groups else {
            return self.each_class_of_text(scope, first, groups, hold);
        };
        let mut best = NO_CLASS;
        for at in 0..list.len() {
            let Value::Text(name) = list.at(at) else { continue };
            let class = self.class_in(scope, first, name);
            hold(class);
            best = best.min(self.of_pool(class.number));
            if acts {
                self.each_other(class.number, hold);
            }
        }
        best
    }

    /// The same of groups that do not stand in a list. Measured: apart from lists, so that their loop calls nothing.
    #[inline(never)]
    fn each_class_of_text(&self, scope: Scope, first: u32, groups: Groups<'_>, hold: &mut impl FnMut(Class)) -> u16 {
        let mut best = NO_CLASS;
        groups.any(|name| {
            let class = self.class_in(scope, first, name);
            hold(class);
            best = best.min(self.of_pool(class.number));
            self.each_other(class.number, hold);
            false
        });
        best
    }

    /// A class, if it is one of the pool's groups: those are the first.
    #[inline]
    fn of_pool(&self, class: u16) -> u16 {
        if u32::from(class) < self.groups { class } else { NO_CLASS }
    }

    /// The classes that one acts as.
    #[inline(never)]
    fn each_other(&self, class: u16, hold: &mut impl FnMut(Class)) {
        let first = self.acting.lower_bound(0, NONE, |acting| acting.class < class);
        let others = (first..self.acting.len()).map(|at| self.acting.at(at));
        others.take_while(|acting| acting.class == class).for_each(|acting| hold(self.class_numbered(acting.other)));
    }

    /// A class of which only the number is known.
    fn class_numbered(&self, number: u16) -> Class {
        let sources = self.sources.run(0, NONE).enumerate();
        let mut of = sources.filter(|(_, source)| (source.first..source.first + source.count).contains(&number.into()));
        let hash = of
            .next()
            .map_or(0, |(at, source)| self.names.hash(self.class_names(at, &source), self.class_name(number.into())));
        Class { number, bit: sieve_bit(hash) }
    }

    /// Whether a principal that holds more than fit into it holds too many.
    #[cold]
    fn check_count(&self, principal: &Principal<'_>) -> Result<(), PrincipalError> {
        let (mut distinct, mut count) = ([NO_CLASS; MAX_HELD], 0);
        let too_many = self.any_class(&Asker::from(principal), |class| {
            let is_known = distinct.get(..count).is_some_and(|distinct| distinct.contains(&class));
            match (is_known, distinct.get_mut(count)) {
                (true, _) => false,
                (false, None) => true,
                (false, Some(slot)) => {
                    *slot = class;
                    count += 1;
                    false
                }
            }
        });
        if too_many { Err(PrincipalError::TooManyGroups { limit: MAX_HELD }) } else { Ok(()) }
    }

    /// Nobody may hold two groups of an exclusive list.
    #[inline(never)]
    fn check_exclusive(&self, principal: &Principal<'_>) -> Result<(), PrincipalError> {
        let mut before = None;
        for exclusive in self.exclusive.run(0, NONE) {
            if self.holds(&Asker::from(principal), exclusive.class as u16) {
                if before == Some(exclusive.list) {
                    return Err(PrincipalError::ExclusiveGroups);
                }
                before = Some(exclusive.list);
            }
        }
        Ok(())
    }

    /// The sources of a provider, with their numbers.
    pub(crate) fn sources_of(&self, provider: u32) -> impl Iterator<Item = (usize, Source)> + use<'t> {
        self.sources.run(0, NONE).enumerate().filter(move |(_, source)| source.provider == provider)
    }
}

/// What a caller's groups say besides the classes.
pub(crate) struct Membership {
    /// In some group of the user pool, named by the policy or not.
    pub in_group: bool,
    /// The class of the best group of the pool, or [`NO_CLASS`].
    pub best: u16,
}

impl Membership {
    const NONE: Membership = Membership { in_group: false, best: NO_CLASS };
}
