//! Who may do what, as the table says it: for reports that answer every request at once.
//! Always: reads what loading has checked. What a caller may do is what these entries give to any of the callers that
//! he is, through the rules of `decide`.

use crate::format::{Clause, FUNCTIONS, NONE, clause, field};
use crate::load::Policy;
use crate::model::Model;
use crate::request::CustomKind;
use crate::words::{Mode, Operations, Provider};

/// What one who has on one thing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access<'t> {
    /// Who.
    pub who: Who<'t>,
    /// The operations.
    pub operations: Operations,
}

/// Whom an [`Access`] is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Who<'t> {
    /// Every caller of a mode.
    Everyone(Mode),
    /// The members of a group.
    Group {
        /// Whose token says so.
        provider: Provider,
        /// In which claim.
        claim: &'t str,
        /// The group.
        name: &'t str,
    },
    /// A backend function.
    Function(&'t str),
    /// Whoever a field of the record names.
    Named {
        /// Whose token is compared.
        provider: Provider,
        /// Whether it names owners, not groups.
        is_owner: bool,
        /// Whether it holds several.
        is_list: bool,
        /// The field.
        field: &'t str,
        /// The parts of the identity claim, or the group claim; unused ones are empty.
        claim: [&'t str; 4],
    },
}

/// A model's entries: [`Policy::model`].
#[derive(Clone, Copy)]
pub struct ModelAccess<'a, 't> {
    pub(crate) policy: &'a Policy<'t>,
    pub(crate) model: Model,
}

/// A path's entries: [`Policy::paths`].
#[derive(Clone, Copy)]
pub struct PathAccess<'a, 't> {
    policy: &'a Policy<'t>,
    /// What its keys start with.
    pub prefix: &'t str,
    everyone: u32,
    mine: u32,
}

impl<'t> Policy<'t> {
    /// A model's entries; none for a model that the policy does not have.
    pub fn model<'a>(&'a self, name: &str) -> Option<ModelAccess<'a, 't>> {
        self.model_number(name).map(|number| ModelAccess { policy: self, model: self.model_at(number) })
    }

    /// A custom operation's entries; none for one that the policy does not have. Their operation is
    /// [`Operations::CALL`].
    pub fn custom_access<'a>(&'a self, kind: CustomKind, name: &str) -> impl Iterator<Item = Access<'t>> + use<'a, 't> {
        let found = self.custom_number(kind as u32, name);
        found.into_iter().flat_map(|number| self.access(self.customs.at(number as usize).head))
    }

    /// The paths of a bucket, in byte order.
    pub fn paths<'a>(&'a self, bucket: &str) -> impl Iterator<Item = PathAccess<'a, 't>> + use<'a, 't> {
        let found = self.bucket_number(bucket).map(|number| self.buckets.at(number as usize));
        let nodes = found.into_iter().flat_map(|bucket| self.nodes.run(bucket.nodes, bucket.node_count));
        nodes.map(move |node| PathAccess {
            policy: self,
            prefix: self.strings.get(node.prefix),
            everyone: node.everyone,
            mine: node.mine,
        })
    }

    fn access<'a>(&'a self, resource: u32) -> impl Iterator<Item = Access<'t>> + use<'a, 't> {
        let exists = resource != NONE;
        let resource = self.resource(if exists { resource } else { 0 });
        let common = resource.common;
        let everyone = [
            (Mode::UserPool, common.user_pool),
            (Mode::Oidc, common.oidc),
            (Mode::ApiKey, common.api_key),
            (Mode::Guest, common.guest),
            (Mode::IdentityPool, common.identity_pool),
            (Mode::Lambda, common.lambda),
        ];
        let everyone = everyone
            .into_iter()
            .map(|(mode, operations)| Access { who: Who::Everyone(mode), operations: Operations(operations) });
        let cells = self.cells.each(resource.head).filter_map(|cell| {
            let who = self.class_who(cell.class)?;
            Some(Access { who, operations: Operations(cell.operations) })
        });
        let clauses = self
            .clauses_of(&resource)
            .map(|clause| Access { who: self.clause_who(&clause), operations: Operations(clause.operations) });
        everyone.chain(cells).chain(clauses).filter(move |access| exists && !access.operations.is_empty())
    }

    pub(crate) fn class_who(&self, class: u16) -> Option<Who<'t>> {
        let class = u32::from(class);
        let name = self.class_name(class);
        let source =
            self.sources.run(0, NONE).find(|source| (source.first..source.first + source.count).contains(&class))?;
        Some(match source.provider {
            FUNCTIONS => Who::Function(name),
            provider => {
                Who::Group { provider: provider_of(provider as u8), claim: self.strings.get(source.claim), name }
            }
        })
    }

    pub(crate) fn clause_who(&self, clause: &Clause) -> Who<'t> {
        let mut claim = [""; 4];
        for (slot, part) in claim.iter_mut().zip(self.parts.run(clause.parts, clause.part_count)) {
            *slot = self.strings.get(part);
        }
        Who::Named {
            provider: provider_of(clause.provider),
            is_owner: clause.kind <= clause::OWNERS,
            is_list: clause.kind == clause::OWNERS || clause.kind == clause::GROUPS,
            field: self.strings.get(clause.field),
            claim,
        }
    }
}

fn provider_of(number: u8) -> Provider {
    if number == 0 { Provider::UserPools } else { Provider::Oidc }
}

impl<'a, 't> ModelAccess<'a, 't> {
    /// The operations that the model does not have at all.
    pub fn disabled(&self) -> Operations {
        self.model.disabled()
    }

    /// The declared fields, each with the number of its class.
    pub fn fields(&self) -> impl Iterator<Item = (&'t str, usize)> + use<'a, 't> {
        let policy = self.policy;
        let declared = |column: &crate::format::Field| column.flags & field::DECLARED != 0;
        let columns = policy.columns(&self.model).filter(declared);
        columns.map(|column| (policy.strings.get(column.name), usize::from(column.class)))
    }

    /// How many classes of fields it has: at least 1.
    pub fn classes(&self) -> usize {
        self.model.classes() as usize
    }

    /// On the model as a whole: reads that a who has on some field; create, update and delete on every field.
    pub fn whole(&self) -> impl Iterator<Item = Access<'t>> + use<'a, 't> {
        self.policy.access(self.model.number)
    }

    /// On one class of fields: what may be written there and, of the reads, what is shown.
    pub fn class(&self, class: usize) -> impl Iterator<Item = Access<'t>> + use<'a, 't> {
        let exists = class < self.classes();
        self.policy.access(if exists { self.model.class(class) } else { NONE })
    }
}

impl<'a, 't> PathAccess<'a, 't> {
    /// On keys in anybody's folder; none if only the caller's own folder has rules.
    pub fn everyone(&self) -> impl Iterator<Item = Access<'t>> + use<'a, 't> {
        self.policy.access(self.everyone)
    }

    /// On keys in the caller's own folder (`{entity_id}`); none if it has no rules of its own.
    pub fn own(&self) -> impl Iterator<Item = Access<'t>> + use<'a, 't> {
        self.policy.access(self.mine)
    }
}
