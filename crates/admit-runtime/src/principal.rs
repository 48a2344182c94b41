//! Who asks: a caller whose groups have been turned into classes, once, for every decision that follows.
//! Always: a principal holds only what the table names; groups that no rule names admit to nothing.

use crate::claim::Groups;
use crate::error::PrincipalError;
use crate::format::{FUNCTIONS, NONE, Source};
use crate::load::Policy;
use crate::value::{Fields, List, Value};
use crate::words::{Mode, Provider};

/// The most classes that a principal can hold. Cognito allows a user 100 groups.
pub const MAX_HELD: usize = 1024;

/// So many classes need no more than a cache line.
const FEW: usize = 28;

/// The classes that a principal holds: nearly always few, and then the room for many is not even written to.
#[allow(clippy::large_enum_variant)] // there is no allocator to box with
#[derive(Clone)]
enum Held {
    /// In the order of the token, perhaps some twice.
    Few { len: u8, classes: [u16; FEW] },
    /// Each once.
    Many { len: u16, classes: [u16; MAX_HELD] },
}

impl Held {
    fn classes(&self) -> &[u16] {
        let (len, classes) = match self {
            Held::Few { len, classes } => (usize::from(*len), classes.as_slice()),
            Held::Many { len, classes } => (usize::from(*len), classes.as_slice()),
        };
        classes.get(..len).unwrap_or(&[])
    }

    #[inline]
    fn add(&mut self, class: u16) -> Result<(), PrincipalError> {
        if let Held::Few { len, classes } = self
            && let Some(slot) = classes.get_mut(usize::from(*len))
        {
            *slot = class;
            *len += 1;
            return Ok(());
        }
        self.add_to_many(class)
    }

    #[inline(never)]
    fn add_to_many(&mut self, class: u16) -> Result<(), PrincipalError> {
        if let Held::Few { classes: few, .. } = self {
            let few = *few;
            *self = Held::Many { len: 0, classes: [0; MAX_HELD] };
            few.into_iter().try_for_each(|class| self.add_to_many(class))?;
        }
        let Held::Many { len, classes } = self else { return Ok(()) };
        if classes[..usize::from(*len)].contains(&class) {
            return Ok(());
        }
        let slot = classes.get_mut(usize::from(*len)).ok_or(PrincipalError::TooManyGroups { limit: MAX_HELD })?;
        *slot = class;
        *len += 1;
        Ok(())
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
    /// The class of the caller's best group, if any group is one of the pool's.
    pub(crate) preferred: Option<u16>,
    held: Held,
}

impl Principal<'_> {
    /// The classes held, in no order; one may stand there twice.
    #[inline]
    pub(crate) fn classes(&self) -> &[u16] {
        self.held.classes()
    }

    /// Whether the class is one of them.
    pub(crate) fn holds(&self, class: u16) -> bool {
        self.classes().contains(&class)
    }

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
        // Filled where it is returned: moving it would copy the room for many classes.
        let mut made = Ok(self.bare(caller));
        if let Ok(principal) = &mut made
            && let Err(error) = self.hold(principal).and_then(|()| self.check_exclusive(principal))
        {
            made = Err(error);
        }
        made
    }

    fn bare<'c>(&self, caller: Caller<'c>) -> Principal<'c> {
        let held = Held::Few { len: 0, classes: [0; FEW] };
        Principal { tag: self.tag, caller, in_group: false, preferred: None, held }
    }

    fn hold(&self, principal: &mut Principal<'_>) -> Result<(), PrincipalError> {
        match principal.caller.mode {
            Mode::UserPool => self.hold_claims(principal, Provider::UserPools),
            Mode::Oidc => self.hold_claims(principal, Provider::Oidc),
            Mode::IdentityPool => self.hold_pool_groups(principal),
            Mode::Function => {
                let name = principal.caller.function.ok_or(PrincipalError::NoFunction)?;
                let mut classes = self.sources_of(FUNCTIONS);
                classes.try_for_each(|(number, source)| match self.class_number(number, &source, name) {
                    Some(class) => principal.held.add(class as u16),
                    None => Ok(()),
                })
            }
            Mode::ApiKey | Mode::Guest | Mode::Lambda | Mode::Iam => Ok(()),
        }
    }

    /// The names of the pool's groups that a principal counts as a member of.
    pub(crate) fn pool_names<'p>(&self, principal: &'p Principal<'_>) -> impl Iterator<Item = &'t str> + use<'p, 't> {
        let policy = *self;
        let pool = self.sources.run(0, NONE).find(|source| self.is_pool(source));
        let of_pool = move |class: &u16| {
            let class = u32::from(*class);
            pool.is_some_and(|source| (source.first..source.first + source.count).contains(&class))
        };
        let held = principal.classes().iter().copied().filter(of_pool);
        held.map(move |class| policy.class_name(u32::from(class)))
    }

    /// A token's groups, from every claim that rules read.
    fn hold_claims(&self, principal: &mut Principal<'_>, provider: Provider) -> Result<(), PrincipalError> {
        let claims = principal.caller.claims;
        let mut pool_has_classes = false;
        for (number, source) in self.sources_of(provider as u32) {
            let groups = Groups::of(claims.get(self.strings.get(source.claim)));
            if self.is_pool(&source) {
                principal.in_group = groups.is_member();
                pool_has_classes = true;
            }
            self.hold_groups(principal, number, &source, groups)?;
        }
        if provider == Provider::UserPools && !pool_has_classes && self.group_claim != NONE {
            principal.in_group = Groups::of(claims.get(self.strings.get(self.group_claim))).is_member();
        }
        Ok(())
    }

    /// The groups of a session of the identity pool: those that the host gave, or else the token's.
    fn hold_pool_groups(&self, principal: &mut Principal<'_>) -> Result<(), PrincipalError> {
        let groups = match principal.caller.groups {
            Some(list) => Groups::of(Value::List(list)),
            None if self.group_claim == NONE => Groups::None,
            None => Groups::of(principal.caller.claims.get(self.strings.get(self.group_claim))),
        };
        principal.in_group = groups.is_member();
        match self.sources_of(0).find(|(_, source)| self.is_pool(source)) {
            Some((number, source)) => self.hold_groups(principal, number, &source, groups),
            None => Ok(()),
        }
    }

    fn hold_groups(
        &self,
        principal: &mut Principal<'_>,
        number: usize,
        source: &Source,
        groups: Groups<'_>,
    ) -> Result<(), PrincipalError> {
        let mut result = Ok(());
        groups.any(|name| {
            if let Some(class) = self.class_number(number, source, name) {
                result = self.hold_with_others(principal, class);
                self.prefer(principal, class);
            }
            result.is_err()
        });
        result
    }

    /// Holds a class, and every class that it acts as.
    #[inline]
    fn hold_with_others(&self, principal: &mut Principal<'_>, class: u32) -> Result<(), PrincipalError> {
        let class = class as u16; // at most u16::MAX classes: checked at load
        principal.held.add(class)?;
        if self.acting.is_empty() { Ok(()) } else { self.hold_others(principal, class) }
    }

    #[inline(never)]
    fn hold_others(&self, principal: &mut Principal<'_>, class: u16) -> Result<(), PrincipalError> {
        let first = self.acting.lower_bound(0, NONE, |acting| acting.class < class);
        let others = (first..self.acting.len()).map(|at| self.acting.at(at));
        let mut others = others.take_while(|acting| acting.class == class);
        others.try_for_each(|acting| principal.held.add(acting.other))
    }

    /// Nobody may hold two groups of an exclusive list.
    fn check_exclusive(&self, principal: &Principal<'_>) -> Result<(), PrincipalError> {
        let mut before = None;
        for exclusive in self.exclusive.run(0, NONE) {
            if principal.holds(exclusive.class as u16) {
                if before == Some(exclusive.list) {
                    return Err(PrincipalError::ExclusiveGroups);
                }
                before = Some(exclusive.list);
            }
        }
        Ok(())
    }

    /// The first classes are the pool's groups, the best first.
    fn prefer(&self, principal: &mut Principal<'_>, class: u32) {
        let best = principal.preferred.map_or(self.groups, u32::from);
        if class < best {
            principal.preferred = Some(class as u16); // at most u16::MAX classes: checked at load
        }
    }

    /// The sources of a provider, with their numbers.
    fn sources_of(&self, provider: u32) -> impl Iterator<Item = (usize, Source)> + use<'t> {
        self.sources.run(0, NONE).enumerate().filter(move |(_, source)| source.provider == provider)
    }
}
