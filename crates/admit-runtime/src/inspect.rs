//! What a table holds: for reports, and for hosts that want to know before they ask.
//! Always: reads what loading has checked, and decides nothing.

use crate::error::Unknown;
use crate::format::{NONE, Section};
use crate::load::Policy;
use crate::words::Mode;

/// A group of the user pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Group<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its precedence in the user pool: the lower, the better.
    pub precedence: u32,
    role: Option<&'a str>,
}

impl<'a> Group<'a> {
    /// The ARN of the role that the policy says its members have on AWS; none if the policy leaves the role to whoever
    /// deploys it.
    pub fn role(&self) -> Option<&'a str> {
        self.role
    }
}

impl<'t> Policy<'t> {
    /// The table's tag: a checksum of all of its bytes.
    pub fn tag(&self) -> u64 {
        self.tag
    }

    /// Each section's name, records and bytes.
    pub fn sections(&self) -> impl Iterator<Item = (&'static str, usize, usize)> + use<'t> {
        let policy = *self;
        Section::ALL.into_iter().map(move |section| {
            let records = policy.count(section);
            (section.name(), records, records * section.record())
        })
    }

    /// Whether a user acts in storage through the role of the best group alone (`roles: "preferred"`).
    pub fn is_preferred(&self) -> bool {
        self.preferred
    }

    /// Whether some rule has a condition or an `.and`, a path a claim, a group acts as another, or there is a deny. Then
    /// the entries that [`Policy::model`] and its like give are not all that decides.
    pub fn is_guarded(&self) -> bool {
        !(self.specials.is_empty() && self.places.is_empty() && self.acting.is_empty())
    }

    /// The modes that requests may arrive in. Requests of other modes are denied.
    pub fn modes(&self) -> impl Iterator<Item = Mode> + use<> {
        let modes = self.modes;
        Mode::ALL.into_iter().filter(move |mode| modes & (1 << *mode as u8) != 0)
    }

    /// The claim that holds the groups of the user pool's tokens.
    pub fn group_claim(&self) -> &'t str {
        if self.group_claim == NONE { "cognito:groups" } else { self.strings.get(self.group_claim) }
    }

    /// The groups of the user pool, best precedence first.
    pub fn groups(&self) -> impl Iterator<Item = Group<'t>> + use<'t> {
        let policy = *self;
        (0..self.groups).map(move |number| policy.group_at(number))
    }

    /// A group of the user pool by its name.
    ///
    /// # Errors
    /// If the policy declares no such group.
    pub fn group(&self, name: &str) -> Result<Group<'t>, Unknown> {
        self.groups().find(|group| group.name == name).ok_or(Unknown::Group)
    }

    fn group_at(&self, number: u32) -> Group<'t> {
        let (mut low, mut high) = (0, self.group_settings.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.group_settings.at(middle).group < number {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        let setting = Some(self.group_settings.at(low));
        let setting = setting.filter(|setting| low < self.group_settings.len() && setting.group == number);
        let role = setting.filter(|setting| setting.role != NONE).map(|setting| self.strings.get(setting.role));
        Group { name: self.class_name(number), precedence: setting.map_or(number, |of| of.precedence), role }
    }

    /// The models' names, in byte order.
    pub fn models(&self) -> impl Iterator<Item = &'t str> + use<'t> {
        let policy = *self;
        (0..self.models.len() as u32).map(move |number| policy.model_name(number))
    }

    /// The custom operations' kinds (`query`, `mutation`, `subscription`) and names.
    pub fn custom_operations(&self) -> impl Iterator<Item = (&'static str, &'t str)> + use<'t> {
        let policy = *self;
        (0..).zip(self.customs.run(0, NONE)).map(move |(number, custom)| {
            let kind = ["query", "mutation", "subscription"][(custom.kind as usize).min(2)];
            (kind, policy.custom_name(number))
        })
    }

    /// The buckets' names, in byte order.
    pub fn buckets(&self) -> impl Iterator<Item = &'t str> + use<'t> {
        let policy = *self;
        (0..self.buckets.len() as u32).map(move |number| policy.bucket_name(number))
    }

    /// The names of a model's fields that the policy declares or implies, in byte order; none for an unknown model.
    pub fn fields(&self, model: &str) -> impl Iterator<Item = &'t str> + use<'t> {
        let policy = *self;
        let found = self.model_number(model).map(|number| self.model_at(number));
        found.into_iter().flat_map(move |model| policy.columns(&model)).map(move |field| policy.strings.get(field.name))
    }
}
