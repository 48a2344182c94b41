//! The access matrix as a built table says it, for tables without their sources.
//! Always: read off what loading has checked; conditions do not stand in the entries that it reads.

use super::report::{Caller, Cell, Extent, Matrix, ON_MODELS, ON_PATHS, Resource, Settings};
use admit_runtime::{CustomKind, Mode, Operation, Operations, Policy, Provider, Who};
use std::collections::{BTreeMap, BTreeSet};

impl Caller {
    /// A who of the table, in words; `claim` is the one that groups come from if nothing else is said.
    fn of_table(who: &Who<'_>, claim: &str) -> Caller {
        let oidc = |provider: Provider| if provider == Provider::Oidc { " (oidc)" } else { "" };
        let (kind, words) = match who {
            Who::Everyone(Mode::Guest) => (0, "guests".into()),
            Who::Everyone(Mode::ApiKey) => (1, "the API key".into()),
            Who::Everyone(Mode::UserPool) => (2, "signed in".into()),
            Who::Everyone(Mode::Oidc) => (2, "signed in (oidc)".into()),
            Who::Everyone(Mode::IdentityPool) => (2, "signed in (identity pool)".into()),
            Who::Everyone(_) => (3, "by the authorizer".into()),
            Who::Group { provider, claim: of, name } => {
                let default = if *provider == Provider::Oidc { "cognito:groups" } else { claim };
                let claim = if *of == default { String::new() } else { format!(" in {of}") };
                (4, format!("group {name}{claim}{}", oidc(*provider)))
            }
            Who::Named { provider, is_owner, is_list, field, claim: parts } => {
                let what = match (is_owner, is_list) {
                    (true, false) => "owner",
                    (true, true) => "owners",
                    (false, false) => "group",
                    (false, true) => "groups",
                };
                let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
                let (parts, default) = (parts.join("::"), if *is_owner { "sub::username" } else { claim });
                let by = if parts == default { String::new() } else { format!(" by {parts}") };
                (5, format!("{what} in {field}{by}{}", oidc(*provider)))
            }
            Who::Function(name) => (6, format!("function {name}")),
        };
        Caller::new(kind, vec![words])
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

    fn put_entry(&mut self, policy: &Policy<'_>, resource: &Resource, who: &Who<'_>, operation: Operation, extent: Extent) {
        let caller = Caller::of_table(who, policy.group_claim());
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
