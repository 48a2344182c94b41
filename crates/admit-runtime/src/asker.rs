//! Whom a decision is about: a principal, or a caller whose groups are looked up as the decision needs them.
//! Always: both give the same decisions; only what they cost differs.

use crate::cells::Resource;
use crate::error::PrincipalError;
use crate::format::{Head, NONE};
use crate::load::Policy;
use crate::names::Scope;
use crate::principal::{Caller, Held, NO_CLASS, Principal, ROOM};
use crate::value::{List, Value};
use crate::words::{Mode, Provider};

/// Whom a decision is about.
#[derive(Clone, Copy)]
pub(crate) struct Asker<'a> {
    pub caller: &'a Caller<'a>,
    /// His groups, if they have been looked up.
    principal: Option<&'a Principal<'a>>,
    /// Otherwise, if they all stand in one list and each counts as itself alone: that list, and what its names are.
    list: Option<(&'a Lone<'a>, &'a dyn List)>,
}

/// The one claim that a provider's groups are read from, where it is one: nearly always.
#[derive(Clone, Copy)]
pub(crate) struct Lone<'t> {
    pub claim: &'t str,
    pub scope: Scope,
    /// The first of its classes.
    pub first: u32,
}

impl<'a> From<&'a Principal<'a>> for Asker<'a> {
    #[inline]
    fn from(principal: &'a Principal<'a>) -> Asker<'a> {
        Asker { caller: &principal.caller, principal: Some(principal), list: None }
    }
}

impl<'a> Asker<'a> {
    /// A caller whose groups are not looked up yet.
    ///
    /// # Errors
    /// Those of [`Policy::principal`].
    #[inline]
    pub fn once(policy: &'a Policy<'a>, caller: &'a Caller<'a>) -> Result<Asker<'a>, PrincipalError> {
        let provider = match caller.mode {
            Mode::UserPool => Provider::UserPools,
            Mode::Oidc => Provider::Oidc,
            Mode::ApiKey | Mode::Guest | Mode::Lambda | Mode::Iam => {
                return Ok(Asker { caller, principal: None, list: None }); // they hold nothing
            }
            Mode::IdentityPool | Mode::Function => return Asker::unusual(policy, caller),
        };
        let lone = &policy.lone[provider as usize];
        if let Some(lone) = lone
            && policy.each_group_is_itself()
            && let Value::List(list) = caller.claims.get(lone.claim)
            && list.len() <= ROOM
        {
            return Ok(Asker { caller, principal: None, list: Some((lone, list)) });
        }
        // Nor does anybody where no rule is about groups.
        match lone.is_none() && policy.sources_of(provider as u32).next().is_none() {
            true => Ok(Asker { caller, principal: None, list: None }),
            false => Asker::unusual(policy, caller),
        }
    }

    /// A principal is made to learn whether one can be.
    #[cold]
    fn unusual(policy: &Policy<'_>, caller: &'a Caller<'a>) -> Result<Asker<'a>, PrincipalError> {
        policy.principal(*caller).map(|_| Asker { caller, principal: None, list: None })
    }

    /// Whether he is in some group of the user pool, named by the policy or not.
    pub fn in_group(&self, policy: &Policy<'_>) -> bool {
        match self.principal {
            Some(principal) => principal.in_group,
            None => policy.membership(self.caller).in_group,
        }
    }

    /// The class of his best group, if any group is one of the pool's.
    pub fn preferred(&self, policy: &Policy<'_>) -> Option<u16> {
        let best = match self.principal {
            Some(principal) => principal.best,
            None => policy.membership(self.caller).best,
        };
        (best != NO_CLASS).then_some(best)
    }
}

impl Policy<'_> {
    /// What cells give an asker on a resource, and what is open anyway; as soon as that is all of `wanted`, no more.
    #[inline(always)]
    pub(crate) fn open_to(&self, asker: &Asker<'_>, resource: &Resource, open: u8, wanted: u8) -> u8 {
        if open & wanted == wanted {
            return open;
        }
        match asker.principal {
            Some(principal) if !principal.held.is_over => {
                open | self.cells.open(&resource.head, &principal.held, wanted & !open)
            }
            _ => self.open_to_unresolved(asker, resource, open, wanted),
        }
    }

    /// The same for one whose groups are to be looked up.
    #[inline(never)]
    fn open_to_unresolved(&self, asker: &Asker<'_>, resource: &Resource, open: u8, wanted: u8) -> u8 {
        if let Some((lone, list)) = asker.list {
            return self.open_to_list(lone, list, resource, open, wanted);
        }
        let mut open = open;
        self.any_held(asker, &mut |held| {
            open |= self.cells.open(&resource.head, held, wanted & !open);
            open & wanted == wanted
        });
        open
    }

    /// The same for groups in a list. The sieve of the resource lets few of those pass that have nothing there, so that
    /// most names are hashed, and neither found nor compared.
    #[inline]
    fn open_to_list(&self, lone: &Lone<'_>, list: &dyn List, resource: &Resource, open: u8, wanted: u8) -> u8 {
        let mut open = open;
        for at in 0..list.len() {
            let Value::Text(name) = list.at(at) else { continue };
            let hash = self.names.hash(lone.scope, name);
            if resource.head.may_hold(crate::format::sieve_bit(hash)) {
                open |= self.open_to_group(lone, hash, name, &resource.head, wanted);
                if open & wanted == wanted {
                    break;
                }
            }
        }
        open
    }

    /// What one group has on a resource. Measured: apart, so that the loop over the names keeps nothing ready for it.
    #[inline(never)]
    fn open_to_group(&self, lone: &Lone<'_>, hash: u64, name: &str, head: &Head, wanted: u8) -> u8 {
        let place = self.names.candidate(lone.scope, hash);
        if place >= lone.scope.count {
            return 0;
        }
        // Most groups that pass a sieve wrongly have no cell: their names need not be compared.
        let open = self.cells.one(head, lone.first.wrapping_add(place) as u16, wanted);
        if open != 0 && self.names.is(lone.scope, place, name) { open } else { 0 }
    }

    /// Calls `visit` with the classes that an asker holds, some at a time, until it answers true; says whether it did.
    /// They are in no order, and one may stand there twice.
    pub(crate) fn any_held(&self, asker: &Asker<'_>, visit: &mut dyn FnMut(&Held) -> bool) -> bool {
        match asker.principal {
            Some(principal) if !principal.held.is_over => visit(&principal.held),
            _ => self.any_of_many(asker.caller, visit),
        }
    }

    /// The same for those that do not stand in a principal: they are looked up again.
    #[cold]
    fn any_of_many(&self, caller: &Caller<'_>, visit: &mut dyn FnMut(&Held) -> bool) -> bool {
        let (mut part, mut found) = (Held::NONE, false);
        let all = self.each_class(caller, |class| {
            part.add(class);
            if part.is_over {
                found = found || visit(&part);
                part = Held::NONE;
                part.add(class);
            }
        });
        // A caller that could not be read is no asker.
        all.is_ok() && (found || visit(&part))
    }

    /// The same, one at a time.
    pub(crate) fn any_class(&self, asker: &Asker<'_>, mut visit: impl FnMut(u16) -> bool) -> bool {
        self.any_held(asker, &mut |held| held.classes().iter().any(|class| visit(*class)))
    }

    /// Whether an asker holds the class.
    pub(crate) fn holds(&self, asker: &Asker<'_>, class: u16) -> bool {
        self.any_class(asker, |held| held == class)
    }

    /// Calls `visit` with the names of the pool's groups that an asker counts as a member of, until it answers true; says
    /// whether it did.
    pub(crate) fn any_pool_name(&self, asker: &Asker<'_>, mut visit: impl FnMut(&str) -> bool) -> bool {
        let Some(pool) = self.sources.run(0, NONE).find(|source| self.is_pool(source)) else { return false };
        let classes = pool.first..pool.first + pool.count;
        self.any_class(asker, |class| {
            let class = u32::from(class);
            classes.contains(&class) && visit(self.class_name(class))
        })
    }

    /// Whether no group acts as another, and none excludes another.
    fn each_group_is_itself(&self) -> bool {
        self.acting.is_empty() && self.exclusive.is_empty()
    }
}
