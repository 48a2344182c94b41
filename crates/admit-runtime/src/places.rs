//! Buckets whose rules have guards, denies or claims in paths: each path that covers the key is judged by itself.
//! Always: keys are compared byte for byte; a claim stands for one whole segment, and one that cannot, for none.

use crate::claim::MAX_CLAIM;
use crate::decide::{Asked, Outcome};
use crate::decision::Reason;
use crate::filter::Spelling;
use crate::format::{Grant, NONE, Place, subject};
use crate::program::Counts;
use crate::request::Target;
use crate::special::Ground;
use crate::value::Value;
use crate::words::{Mode, Operations};

/// A role in which a caller acts in storage. Each is judged alone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Guest,
    Authenticated,
    /// A group, or a function.
    Class(u16),
}

/// A path that covers the key.
struct Covering {
    place: Place,
    /// The bytes of the key that it covers.
    length: usize,
    /// Whether its claims are known. If not it grants nothing, and takes all the same.
    certain: bool,
}

/// A key in such a bucket.
#[derive(Clone, Copy)]
pub(crate) struct Places<'a> {
    asked: Asked<'a>,
    key: &'a str,
    first: u32,
    count: u32,
    /// When an allow counts.
    gives: Counts,
}

impl<'a> Asked<'a> {
    /// What there is to judge path by path, if there is something.
    pub fn places(&self) -> Option<Places<'a>> {
        let (Target::Bucket(bucket), Some(key)) = (self.action.target, self.request.key) else { return None };
        let places = &self.policy.places;
        if places.is_empty() {
            return None;
        }
        let first = places.lower_bound(0, NONE, |place| place.bucket < bucket);
        let end = places.lower_bound(0, NONE, |place| place.bucket <= bucket);
        let (first, count) = (first as u32, end.saturating_sub(first) as u32);
        (count > 0).then_some(Places { asked: *self, key, first, count, gives: Counts::IfTrue })
    }
}

impl<'a> Places<'a> {
    fn all(&self) -> impl Iterator<Item = Place> + use<'a> {
        self.asked.policy.places.run(self.first, self.count)
    }

    /// The paths that cover the key, from the outermost.
    fn covering(&self) -> impl Iterator<Item = Covering> + use<'a> {
        let places = *self;
        self.all().filter_map(move |place| places.cover(place))
    }

    fn prefix(&self, place: &Place) -> &'a str {
        self.asked.policy.strings.get(place.prefix)
    }

    fn cover(&self, place: Place) -> Option<Covering> {
        let (mut rest, mut certain) = (self.key, true);
        for (number, segment) in self.prefix(&place).split_inclusive('/').enumerate() {
            let Some(claim) = self.claim_at(&place, number) else {
                rest = rest.strip_prefix(segment)?;
                continue;
            };
            let (here, behind) = rest.split_once('/')?;
            match self.segment(claim) {
                Some(value) if value != here => return None,
                Some(_) => (),
                None => certain = false,
            }
            // What another path says literally is that path's.
            if self.is_literal(&place, number, here) {
                return None;
            }
            rest = behind;
        }
        Some(Covering { place, length: self.key.len() - rest.len(), certain })
    }

    fn claim_at(&self, place: &Place, segment: usize) -> Option<&'a str> {
        let policy = self.asked.policy;
        let mut claims = policy.place_claims.run(place.claims, place.claim_count);
        let claim = claims.find(|claim| claim.segment as usize == segment)?;
        Some(policy.strings.get(claim.claim))
    }

    /// The segment that a claim of the caller stands for. To an IAM caller claims say nothing.
    fn segment(&self, claim: &str) -> Option<&'a str> {
        let caller = self.asked.asker.caller;
        let value = match caller.claims.get(claim) {
            Value::Absent if claim == "username" => caller.claims.get("cognito:username"),
            value => value,
        };
        match value {
            Value::Text(text) if caller.mode != Mode::Iam && is_segment(text) => Some(text),
            _ => None,
        }
    }

    /// Whether a path with the same segments as this one up to there has this very segment in its place.
    fn is_literal(&self, place: &Place, number: usize, segment: &str) -> bool {
        let prefix = self.prefix(place);
        self.all().any(|other| {
            let text = self.prefix(&other);
            let mut segments = text.split('/');
            let same = segments.by_ref().take(number).eq(prefix.split('/').take(number));
            // The last piece is the empty one behind the last slash.
            let here = segments.next().filter(|_| segments.next().is_some());
            same && here == Some(segment) && self.claim_at(&other, number).is_none()
        })
    }

    /// Whether the key lies in the caller's own folder below a path.
    fn is_own(&self, covering: &Covering) -> bool {
        let Some(identity) = self.identity() else { return false };
        let prefix = self.prefix(&covering.place);
        let rest = self.key.get(covering.length..).unwrap_or("");
        let inside = rest.strip_prefix(identity).is_some_and(|rest| rest.starts_with('/'));
        inside && !self.is_literal(&covering.place, prefix.split('/').count() - 1, identity)
    }

    fn identity(&self) -> Option<&'a str> {
        self.asked.asker.caller.identity_id.filter(|id| is_segment(id))
    }

    fn is_entity(&self, grant: &Grant) -> bool {
        grant.who != NONE && self.asked.policy.whos.at(grant.who as usize).kind == subject::ENTITY
    }

    fn guard(&self, grant: &Grant, counts: Counts) -> bool {
        self.asked.guard_counts(grant.guard, counts, Ground::None, Spelling::Any, None)
    }

    // ---- decisions

    pub fn outcome(&self) -> Outcome {
        match self.may() && !self.is_denied() {
            true => Outcome::Allow,
            false => Outcome::Deny(Reason::Unauthorized),
        }
    }

    fn needs(&self) -> Operations {
        self.asked.action.operation.needs()
    }

    /// Whether a deny takes what some allow gives.
    pub fn is_taken(&self) -> bool {
        self.may() && self.is_denied()
    }

    /// Whether what was denied would not be, if the conditions of the allows were true.
    pub fn fails_by_condition(&self) -> bool {
        Places { gives: Counts::ButForCondition, ..*self }.may() && !self.is_denied()
    }

    fn may(&self) -> bool {
        let (policy, asker) = (self.asked.policy, self.asked.asker);
        let a_class_may = || policy.any_class(&asker, |class| self.role_may(Role::Class(class)));
        match asker.caller.mode {
            Mode::Iam => asker.caller.trusted && self.covering().any(|covering| self.has_rules(&covering)),
            Mode::Guest => self.role_may(Role::Guest),
            Mode::Function => a_class_may(),
            Mode::UserPool | Mode::IdentityPool if !policy.preferred => {
                self.role_may(Role::Authenticated) || a_class_may()
            }
            Mode::UserPool | Mode::IdentityPool if asker.in_group(policy) => {
                asker.preferred(policy).is_some_and(|class| self.role_may(Role::Class(class)))
            }
            Mode::UserPool | Mode::IdentityPool => self.role_may(Role::Authenticated),
            _ => false,
        }
    }

    fn allows(&self, covering: &Covering) -> impl Iterator<Item = Grant> + use<'a> {
        self.asked.policy.grant_run(covering.place.run).filter(|grant| grant.deny == 0)
    }

    fn has_rules(&self, covering: &Covering) -> bool {
        let own = self.is_own(covering);
        self.allows(covering).any(|grant| own || !self.is_entity(&grant))
    }

    fn is_of(&self, grant: &Grant, role: Role) -> bool {
        let who = self.asked.policy.whos.at(grant.who as usize);
        match role {
            Role::Guest => who.kind == subject::EVERYONE && who.mode == Mode::Guest as u8,
            Role::Authenticated => {
                who.kind == subject::ENTITY || (who.kind == subject::EVERYONE && who.mode == Mode::IdentityPool as u8)
            }
            Role::Class(class) => {
                let mut classes = self.asked.policy.who_classes.run(who.first, who.class_count);
                who.kind == subject::CLASSES && classes.any(|of| of == u32::from(class))
            }
        }
    }

    /// Rules of a path replace those above it for whoever has the operation above, true or not. The caller's own folder
    /// does not replace the rules of the path that it stands in.
    fn role_may(&self, role: Role) -> bool {
        let (mut above, mut allowed) = (false, false);
        for covering in self.covering() {
            let own = self.is_own(&covering);
            let mut here = above;
            for level in [false, true] {
                let rules = || self.allows(&covering).filter(|grant| self.is_entity(grant) == level);
                if (level && !own) || rules().next().is_none() {
                    continue;
                }
                let mut given =
                    rules().filter(|grant| Operations(grant.operations).meets(self.needs()) && self.is_of(grant, role));
                let mut is_given = false;
                let holds = given.any(|grant| {
                    is_given = true;
                    covering.certain && self.guard(&grant, self.gives)
                });
                if above && !holds {
                    return false;
                }
                allowed |= holds;
                here |= is_given;
            }
            above = here;
        }
        allowed
    }

    /// Whether some deny above or at the key is not false.
    fn is_denied(&self) -> bool {
        if self.asked.asker.caller.mode == Mode::Iam {
            return false;
        }
        self.covering().any(|covering| {
            let denies = self.asked.policy.grant_run(covering.place.run).filter(|grant| grant.deny == 1);
            let mut denies = denies.filter(|grant| Operations(grant.operations).meets(self.needs()));
            denies.any(|grant| {
                // An identity that nobody knows may be any.
                let here = !self.is_entity(&grant) || self.identity().is_none() || self.is_own(&covering);
                here && self.guard(&grant, Counts::UnlessFalse)
            })
        })
    }

    // ---- explanations

    /// Whether the path with that prefix covers the key.
    pub fn covers(&self, prefix: &str) -> bool {
        self.covering().any(|covering| self.prefix(&covering.place) == prefix)
    }

    /// Whether a rule as written counts, by its guard, which names its who too, on the path with that prefix. One of
    /// `own` folders is about the caller's.
    pub fn rule_counts(&self, guard: u32, counts: Counts, prefix: &str, own: bool) -> bool {
        let Some(covering) = self.covering().find(|covering| self.prefix(&covering.place) == prefix) else {
            return false;
        };
        // Claims that are not known, and an identity, give nothing and take all the same.
        let here = match counts {
            Counts::UnlessFalse => !own || self.identity().is_none() || self.is_own(&covering),
            Counts::IfTrue | Counts::ButForCondition => covering.certain && (!own || self.is_own(&covering)),
        };
        here && self.asked.guard_counts(guard, counts, Ground::None, Spelling::Any, None)
    }
}

/// Whether a text is one plain segment of a key.
fn is_segment(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && !text.contains('/') && text.len() <= MAX_CLAIM
}
