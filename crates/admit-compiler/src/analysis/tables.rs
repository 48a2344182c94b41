//! The access matrix as a built table says it, for tables without their sources.
//! Always: read off what loading has checked; conditions do not stand in the entries that it reads.

use super::report::{Caller, Cell, Extent, Matrix, ON_MODELS, ON_PATHS, Resource, Settings};
use crate::policy;
use crate::words::Words;
use admit_runtime::{CustomKind, Operation, Operations, Policy, Who};
use std::collections::{BTreeMap, BTreeSet};

/// A who of a table as the policy has it.
fn who_of(who: &Who<'_>) -> policy::Who {
    match who {
        Who::Everyone(mode) => super::terms::everybody(*mode).unwrap_or(policy::Who::Authenticated(*mode)),
        Who::Function(name) => policy::Who::Function((*name).to_owned()),
        Who::Group { provider, claim, name } => {
            policy::Who::Groups { names: vec![(*name).to_owned()], provider: *provider, claim: (*claim).to_owned() }
        }
        Who::Named { provider, is_owner, is_list, field, claim } => {
            let mut parts = claim.iter().filter(|part| !part.is_empty()).map(|part| (*part).to_owned());
            let (provider, field, list) = (*provider, (*field).to_owned(), *is_list);
            match is_owner {
                true => policy::Who::Owner { field, list, provider, claim: parts.collect() },
                false => policy::Who::GroupsIn { field, list, provider, claim: parts.next().unwrap_or_default() },
            }
        }
    }
}

impl Matrix {
    /// The matrix of a table.
    pub fn of_table(policy: &Policy<'_>) -> Matrix {
        let mut matrix = Matrix { settings: settings(policy), ..Matrix::default() };
        let models: Vec<String> = policy.models().map(str::to_owned).collect();
        models.iter().for_each(|name| matrix.model_of_table(policy, name));
        for (kind, name) in policy.custom_operations() {
            let resource = Resource::Custom(kind, name.to_owned());
            matrix.resources.insert(resource.clone());
            let of = match kind {
                "query" => CustomKind::Query,
                "mutation" => CustomKind::Mutation,
                _ => CustomKind::Subscription,
            };
            for access in policy.custom_access(of, name) {
                matrix.put_entry(policy, &resource, &access.who, Operation::Call, Extent::Whole);
            }
        }
        for bucket in policy.buckets() {
            for path in policy.paths(bucket) {
                let of = |end: &str| Resource::Path(bucket.to_owned(), format!("{}{end}", path.prefix));
                matrix.path_of_table(policy, of("*"), path.everyone().collect());
                matrix.path_of_table(policy, of("{entity_id}/*"), path.own().collect());
            }
        }
        matrix
    }

    fn put_entry(
        &mut self,
        policy: &Policy<'_>,
        resource: &Resource,
        who: &Who<'_>,
        operation: Operation,
        extent: Extent,
    ) {
        let caller = Caller::of(Words::with_group_claim(policy.group_claim()), &[who_of(who)]);
        let row = self.rows.entry((resource.clone(), caller)).or_default();
        row.insert(operation, vec![Cell { when: None, extent }]);
    }

    fn path_of_table(&mut self, policy: &Policy<'_>, resource: Resource, access: Vec<admit_runtime::Access<'_>>) {
        if access.is_empty() && matches!(&resource, Resource::Path(_, path) if path.ends_with("{entity_id}/*")) {
            return; // a path without folders of one's own
        }
        self.resources.insert(resource.clone());
        for access in access {
            for operation in ON_PATHS.into_iter().filter(|operation| access.operations.meets(operation.needs())) {
                self.put_entry(policy, &resource, &access.who, operation, Extent::Whole);
            }
        }
    }

    fn model_of_table(&mut self, policy: &Policy<'_>, name: &str) {
        let Some(model) = policy.model(name) else { return };
        let resource = Resource::Model(name.to_owned());
        self.resources.insert(resource.clone());
        let classes: Vec<BTreeMap<Who<'_>, Operations>> = (0..model.classes())
            .map(|class| model.class(class).map(|access| (access.who, access.operations)).collect())
            .collect();
        let whole: BTreeMap<Who<'_>, Operations> =
            model.whole().map(|access| (access.who, access.operations)).collect();
        let fields: Vec<(&str, usize)> = model.fields().collect();
        let callers: BTreeSet<Who<'_>> = classes.iter().flat_map(BTreeMap::keys).chain(whole.keys()).copied().collect();
        for who in callers {
            let on_whole = whole.get(&who).copied().unwrap_or_default();
            for operation in ON_MODELS.into_iter().filter(|operation| !model.disabled().meets(operation.needs())) {
                let needs = operation.needs();
                let on = |class: usize| classes[class].get(&who).is_some_and(|operations| operations.meets(needs));
                let reads = Operations::READ.contains(needs);
                let every = (0..classes.len()).all(on);
                let extent = match (on_whole.meets(needs), reads) {
                    (true, true) if every => Extent::Whole,
                    (true, true) => Extent::Fields(named(&fields, on)),
                    (true, false) => Extent::Whole,
                    // Part of a record can be written, but none of it be deleted or, without any right, be read.
                    (false, false) if operation != Operation::Delete => match named(&fields, on) {
                        some if some.is_empty() => continue,
                        some => Extent::Fields(some),
                    },
                    _ => continue,
                };
                self.put_entry(policy, &resource, &who, operation, extent);
            }
        }
    }
}

fn named(fields: &[(&str, usize)], on: impl Fn(usize) -> bool) -> BTreeSet<String> {
    fields.iter().filter(|(_, class)| on(*class)).map(|(name, _)| (*name).to_owned()).collect()
}

/// What decides besides the rules, as far as a table says it.
fn settings(policy: &Policy<'_>) -> Settings {
    Settings {
        modes: policy.modes().map(|mode| mode.name().to_owned()).collect(),
        preferred: policy.is_preferred(),
        group_claim: policy.group_claim().to_owned(),
        groups: policy.groups().map(|group| group.name.to_owned()).collect(),
        ..Settings::default()
    }
}
