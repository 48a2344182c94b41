//! Answers about every request at once: the access matrix, and what a change gives to whom and takes from whom.
//! Always: read off the table, which is finite, so every answer is complete; a property test compares it with the
//! decisions.

use admit_runtime::{CustomKind, Mode, Operation, Operations, Policy, Provider, Who};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Something that one can have access to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Resource {
    /// A model, by name.
    Model(String),
    /// A custom operation: `query`, `mutation` or `subscription`, and its name.
    Custom(&'static str, String),
    /// A path of a bucket: `drafts/*`, `mine/{entity_id}/*`.
    Path(String, String),
}

/// Who: a kind of caller that the policy tells apart, in words.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Caller {
    kind: u8,
    words: String,
}

/// Of a record's fields, those that an operation reaches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Extent {
    /// All of it.
    Whole,
    /// These fields.
    Fields(BTreeSet<String>),
}

/// Who may do what: every resource, every caller, every operation that is allowed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Matrix {
    /// What is allowed. What is not here is denied.
    pub rows: BTreeMap<(Resource, Caller), BTreeMap<Operation, Extent>>,
    /// Every resource, those that nobody may use included.
    pub resources: BTreeSet<Resource>,
}

/// The operations on models, in the order of reports.
pub const ON_MODELS: [Operation; 8] = [
    Operation::Create,
    Operation::Get,
    Operation::List,
    Operation::Update,
    Operation::Delete,
    Operation::Listen,
    Operation::Sync,
    Operation::Search,
];
/// The operations on paths, in the order of reports.
pub const ON_PATHS: [Operation; 4] = [Operation::Get, Operation::List, Operation::Write, Operation::Delete];

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Resource::Model(name) => f.write_str(name),
            Resource::Custom(kind, name) => write!(f, "{kind} {name}"),
            Resource::Path(bucket, path) => write!(f, "{bucket} {path}"),
        }
    }
}

impl Resource {
    /// The operations that there are on it.
    pub fn operations(&self) -> &'static [Operation] {
        match self {
            Resource::Model(_) => &ON_MODELS,
            Resource::Custom(..) => &[Operation::Call],
            Resource::Path(..) => &ON_PATHS,
        }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl Caller {
    /// A who of the table, in words; `claim` is the one that groups come from if nothing else is said.
    fn of(who: &Who<'_>, claim: &str) -> Caller {
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
        Caller { kind, words }
    }

    /// Whether this is about whomever a record names.
    pub fn depends_on_record(&self) -> bool {
        self.kind == 5
    }
}

impl Matrix {
    /// The matrix of a table.
    pub fn of(policy: &Policy<'_>) -> Matrix {
        let mut matrix = Matrix::default();
        let models: Vec<String> = policy.models().map(str::to_owned).collect();
        models.iter().for_each(|name| matrix.model(policy, name));
        for (kind, name) in policy.custom_operations() {
            let resource = Resource::Custom(kind, name.to_owned());
            matrix.resources.insert(resource.clone());
            let of = match kind {
                "query" => CustomKind::Query,
                "mutation" => CustomKind::Mutation,
                _ => CustomKind::Subscription,
            };
            for access in policy.custom_access(of, name) {
                matrix.put(policy, &resource, &access.who, Operation::Call, Extent::Whole);
            }
        }
        for bucket in policy.buckets() {
            for path in policy.paths(bucket) {
                let of = |end: &str| Resource::Path(bucket.to_owned(), format!("{}{end}", path.prefix));
                matrix.path(policy, of("*"), path.everyone().collect());
                matrix.path(policy, of("{entity_id}/*"), path.own().collect());
            }
        }
        matrix
    }

    fn put(&mut self, policy: &Policy<'_>, resource: &Resource, who: &Who<'_>, operation: Operation, extent: Extent) {
        let caller = Caller::of(who, policy.group_claim());
        let row = self.rows.entry((resource.clone(), caller)).or_default();
        row.insert(operation, extent);
    }

    fn path(&mut self, policy: &Policy<'_>, resource: Resource, access: Vec<admit_runtime::Access<'_>>) {
        if access.is_empty() && matches!(&resource, Resource::Path(_, path) if path.ends_with("{entity_id}/*")) {
            return; // a path without folders of one's own
        }
        self.resources.insert(resource.clone());
        for access in access {
            for operation in ON_PATHS.into_iter().filter(|operation| access.operations.meets(operation.needs())) {
                self.put(policy, &resource, &access.who, operation, Extent::Whole);
            }
        }
    }

    fn model(&mut self, policy: &Policy<'_>, name: &str) {
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
                self.put(policy, &resource, &who, operation, extent);
            }
        }
    }

    /// Who has an operation on a resource, with what it reaches.
    pub fn who_can(&self, operation: Operation, resource: &Resource) -> Vec<(&Caller, &Extent)> {
        let rows = self.rows.iter().filter(|((of, _), _)| of == resource);
        rows.filter_map(|((_, caller), row)| row.get(&operation).map(|extent| (caller, extent))).collect()
    }
}

fn named(fields: &[(&str, usize)], on: impl Fn(usize) -> bool) -> BTreeSet<String> {
    fields.iter().filter(|(_, class)| on(*class)).map(|(name, _)| (*name).to_owned()).collect()
}

// ---- what a change means

/// One thing that changes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Change {
    /// On what.
    pub resource: Resource,
    /// For whom.
    pub caller: Caller,
    /// Whether it is given, not taken.
    pub gained: bool,
    /// Which operations.
    pub operations: Vec<Operation>,
    /// Which fields, if not all.
    pub fields: Option<BTreeSet<String>>,
}

/// What a change of policy means.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Difference {
    /// What is given and taken, by resource and caller.
    pub changes: Vec<Change>,
    /// What else decides and has changed, in words: modes, precedence, how roles meet. Each may give or take.
    pub settings: Vec<String>,
}

impl Difference {
    /// Whether somebody may gain something by it.
    pub fn widens(&self) -> bool {
        !self.settings.is_empty() || self.changes.iter().any(|change| change.gained)
    }

    /// Whether nothing changes for anybody.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.settings.is_empty()
    }

    /// What changes from the old policy to the new one.
    pub fn between(old: &Policy<'_>, new: &Policy<'_>) -> Difference {
        let (before, after) = (Matrix::of(old), Matrix::of(new));
        let mut changes = Vec::new();
        let keys: BTreeSet<&(Resource, Caller)> = before.rows.keys().chain(after.rows.keys()).collect();
        let nothing = BTreeMap::new();
        for key in keys {
            let (was, is) = (before.rows.get(key).unwrap_or(&nothing), after.rows.get(key).unwrap_or(&nothing));
            changes.extend(changes_of(key, was, is, true));
            changes.extend(changes_of(key, is, was, false));
        }
        Difference { changes, settings: settings(old, new) }
    }
}

/// What `more` has beyond `less`, operations with the same fields together.
fn changes_of(
    (resource, caller): &(Resource, Caller),
    less: &BTreeMap<Operation, Extent>,
    more: &BTreeMap<Operation, Extent>,
    gained: bool,
) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    for operation in resource.operations() {
        let fields = match (less.get(operation), more.get(operation)) {
            (_, None) | (Some(Extent::Whole), _) => continue,
            (None, Some(Extent::Whole)) | (Some(Extent::Fields(_)), Some(Extent::Whole)) => None,
            (None, Some(Extent::Fields(fields))) => Some(fields.clone()),
            (Some(Extent::Fields(had)), Some(Extent::Fields(has))) => {
                let beyond: BTreeSet<String> = has.difference(had).cloned().collect();
                if beyond.is_empty() {
                    continue;
                }
                Some(beyond)
            }
        };
        match changes.iter_mut().find(|change| change.fields == fields) {
            Some(change) => change.operations.push(*operation),
            None => changes.push(Change {
                resource: resource.clone(),
                caller: caller.clone(),
                gained,
                operations: vec![*operation],
                fields,
            }),
        }
    }
    changes
}

/// What decides besides the matrix, and differs.
fn settings(old: &Policy<'_>, new: &Policy<'_>) -> Vec<String> {
    let mut settings = Vec::new();
    let roles = |policy: &Policy<'_>| if policy.is_preferred() { "preferred" } else { "union" };
    if roles(old) != roles(new) {
        settings.push(format!("roles in storage: \"{}\", was \"{}\"", roles(new), roles(old)));
    }
    let modes = |policy: &Policy<'_>| -> Vec<&str> { policy.modes().map(Mode::name).collect() };
    if modes(old) != modes(new) {
        settings.push(format!("modes: {}; were {}", modes(new).join(", "), modes(old).join(", ")));
    }
    if old.group_claim() != new.group_claim() {
        settings.push(format!("groups come in the claim `{}`, came in `{}`", new.group_claim(), old.group_claim()));
    }
    let groups = |policy: &Policy<'_>| -> Vec<String> { policy.groups().map(|group| group.name.to_owned()).collect() };
    let (before, after) = (groups(old), groups(new));
    let common = |of: &[String], other: &[String]| -> Vec<String> {
        of.iter().filter(|group| other.contains(group)).cloned().collect()
    };
    if new.is_preferred() && common(&before, &after) != common(&after, &before) {
        settings.push(format!("precedence of groups: {}; was {}", after.join(", "), before.join(", ")));
    }
    settings
}
