//! From rules to who may do what, before any request: roles, field classes and what each role has on each.
//! Always: `semantics.md` §3.4 with §16 applied: field rules replace the model's on their field, and rules of one
//! role on one resource are OR-ed. Lowering starts from here; the definition walks the rules itself.

use crate::policy::{Field, Model, Rule, Who};
use admit_runtime::{Mode, Operations, Provider};
use std::collections::BTreeMap;

/// Whom one entry of the matrix is about: a rule's who, with a `groups` rule split by group.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    /// Everybody in that mode: API key, guests, the authenticated, those the authorizer lets in.
    Everyone(Mode),
    /// The members of a group.
    Group {
        /// Whose token.
        provider: Provider,
        /// The claim that names the groups.
        claim: String,
        /// The group.
        name: String,
    },
    /// Whoever a field of the record names.
    Dynamic(Dynamic),
}

/// A role that depends on the record. The order is the order in which owners are recorded.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Dynamic {
    /// Whose token.
    pub provider: Provider,
    /// Whether the field holds an owner or a group.
    pub kind: DynamicKind,
    /// Whether the field holds several.
    pub list: bool,
    /// The record's field.
    pub field: String,
    /// The parts of the identity claim, or the group claim.
    pub claim: Vec<String>,
}

/// What a [`Dynamic`] role's field holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs)]
pub enum DynamicKind {
    Owner,
    Group,
}

impl Role {
    /// The mode whose callers can have this role.
    pub fn mode(&self) -> Mode {
        match self {
            Role::Everyone(mode) => *mode,
            Role::Group { provider, .. } => provider.mode(),
            Role::Dynamic(dynamic) => dynamic.provider.mode(),
        }
    }

    /// What it reads in the record, if it does.
    pub fn into_dynamic(self) -> Option<Dynamic> {
        match self {
            Role::Dynamic(dynamic) => Some(dynamic),
            Role::Everyone(_) | Role::Group { .. } => None,
        }
    }
}

/// A role in words: `group EDITORS`, `the owner in author`.
pub fn describe(role: &Role) -> String {
    let oidc = if role.mode() == Mode::Oidc { " (oidc)" } else { "" };
    let text = match role {
        Role::Everyone(Mode::ApiKey) => "whoever has the API key".to_owned(),
        Role::Everyone(Mode::Guest) => "guests".to_owned(),
        Role::Everyone(Mode::Lambda) => "whom the authorizer lets in".to_owned(),
        Role::Everyone(Mode::IdentityPool) => "everybody signed in through the identity pool".to_owned(),
        Role::Everyone(_) => "everybody signed in".to_owned(),
        Role::Group { name, .. } => format!("group {name}"),
        Role::Dynamic(Dynamic { kind: DynamicKind::Owner, field, list, .. }) => match (field.as_str(), list) {
            ("owner", false) => "the owner".to_owned(),
            (field, false) => format!("the owner in {field}"),
            (field, true) => format!("the owners in {field}"),
        },
        Role::Dynamic(Dynamic { field, list: false, .. }) => format!("the group in {field}"),
        Role::Dynamic(Dynamic { field, .. }) => format!("the groups in {field}"),
    };
    text + oidc
}

/// The roles of a who on a model or a custom operation. Storage has its own reading.
pub fn roles(who: &Who) -> Vec<Role> {
    match who {
        Who::ApiKey => vec![Role::Everyone(Mode::ApiKey)],
        Who::Guest => vec![Role::Everyone(Mode::Guest)],
        Who::Custom => vec![Role::Everyone(Mode::Lambda)],
        Who::Authenticated(mode) => vec![Role::Everyone(*mode)],
        Who::Groups { names, provider, claim } => names
            .iter()
            .map(|name| Role::Group { provider: *provider, claim: claim.clone(), name: name.clone() })
            .collect(),
        Who::Owner { field, list, provider, claim } => vec![Role::Dynamic(Dynamic {
            provider: *provider,
            kind: DynamicKind::Owner,
            list: *list,
            field: field.clone(),
            claim: claim.clone(),
        })],
        Who::GroupsIn { field, list, provider, claim } => vec![Role::Dynamic(Dynamic {
            provider: *provider,
            kind: DynamicKind::Group,
            list: *list,
            field: field.clone(),
            claim: vec![claim.clone()],
        })],
        Who::Entity | Who::Function(_) => Vec::new(),
    }
}

/// Whether a role is one of a who's [`roles`].
pub fn has_role(who: &Who, role: &Role) -> bool {
    match (who, role) {
        (Who::ApiKey, role) => *role == Role::Everyone(Mode::ApiKey),
        (Who::Guest, role) => *role == Role::Everyone(Mode::Guest),
        (Who::Custom, role) => *role == Role::Everyone(Mode::Lambda),
        (Who::Authenticated(mode), role) => *role == Role::Everyone(*mode),
        (Who::Groups { names, provider, claim }, Role::Group { provider: of, claim: from, name }) => {
            (provider, claim) == (of, from) && names.contains(name)
        }
        (Who::Owner { field, list, provider, claim }, Role::Dynamic(of)) => {
            let Dynamic { provider: whose, kind, list: several, field: named, claim: parts } = of;
            *kind == DynamicKind::Owner && (provider, list, field, claim) == (whose, several, named, parts)
        }
        (Who::GroupsIn { field, list, provider, claim }, Role::Dynamic(of)) => {
            let Dynamic { provider: whose, kind, list: several, field: named, claim: parts } = of;
            let same = (provider, list, field) == (whose, several, named);
            *kind == DynamicKind::Group && same && parts.as_slice() == std::slice::from_ref(claim)
        }
        _ => false,
    }
}

/// What each role has, by the rules of one resource.
pub fn operations(rules: &[Rule]) -> BTreeMap<Role, Operations> {
    let mut all = BTreeMap::new();
    for rule in rules {
        for role in roles(&rule.who) {
            let entry: &mut Operations = all.entry(role).or_default();
            *entry = entry.with(rule.operations);
        }
    }
    all.retain(|_, operations| !operations.is_empty());
    all
}

/// The matrix of a model: its field classes, and what each role has on each.
pub struct Matrix {
    /// The class of each field, in the model's order.
    pub class_of: Vec<usize>,
    /// By class, what each role has.
    pub classes: Vec<BTreeMap<Role, Operations>>,
    /// Every role, with its operations by class.
    pub roles: BTreeMap<Role, Vec<Operations>>,
}

impl Matrix {
    /// The matrix of a model. A model without fields is judged as if it had one without rules.
    pub fn of(model: &Model) -> Matrix {
        let own = operations(&model.rules);
        let by_rules = |field: &Field| (!field.rules.is_empty()).then(|| operations(&field.rules));
        let by_field: Vec<Option<BTreeMap<Role, Operations>>> = model.fields.iter().map(by_rules).collect();
        // Sorted, so that equal rules in any order give equal tables.
        let inherits = by_field.is_empty() || by_field.iter().any(Option::is_none);
        let mut distinct: Vec<&BTreeMap<Role, Operations>> = by_field.iter().flatten().collect();
        distinct.extend(inherits.then_some(&own));
        distinct.sort();
        distinct.dedup();
        let number = |rules: &BTreeMap<Role, Operations>| distinct.partition_point(|class| *class < rules);
        let own_number = number(&own);
        let class_of = by_field.iter().map(|rules| rules.as_ref().map_or(own_number, number)).collect();
        let classes: Vec<BTreeMap<Role, Operations>> = distinct.into_iter().cloned().collect();
        let mut roles: BTreeMap<Role, Vec<Operations>> = BTreeMap::new();
        if let [class] = classes.as_slice() {
            roles = class.iter().map(|(role, operations)| (role.clone(), vec![*operations])).collect();
            return Matrix { class_of, classes, roles };
        }
        for (at, class) in classes.iter().enumerate() {
            for (role, operations) in class {
                roles.entry(role.clone()).or_insert_with(|| vec![Operations::NONE; classes.len()])[at] = *operations;
            }
        }
        Matrix { class_of, classes, roles }
    }

    /// What a role has on some class.
    pub fn some(&self, role: &Role) -> Operations {
        some(&self.roles[role])
    }

    /// The read operations for which a class is open: every role that has the operation on some field has it on
    /// this class, so whoever has the record may see these fields (§6). Where all users of a provider have it, the
    /// provider's other roles do not count.
    pub fn open(&self, class: usize) -> Operations {
        let everyone = |mode: Mode| {
            let by_class = self.roles.get(&Role::Everyone(mode));
            by_class.map_or(Operations::NONE, |by_class| shown(by_class, class))
        };
        let (pool, oidc) = (everyone(Mode::UserPool), everyone(Mode::Oidc));
        let mut open = Operations::READ;
        for (role, by_class) in &self.roles {
            let covered = match role.mode() {
                Mode::UserPool => pool,
                Mode::Oidc => oidc,
                _ => Operations::NONE,
            };
            let unseen = some(by_class).without(shown(by_class, class)).without(covered);
            open = open.without(unseen);
        }
        open
    }

    /// Whether callers of that mode get as far as the rules for an update: some role of the mode has update; or
    /// nobody has, and it is the default mode (§4, check c).
    pub fn admits_updates_of(&self, mode: Mode, default: Mode) -> bool {
        let mut updaters = self.roles.keys().filter(|role| self.some(role).meets(Operations::UPDATE)).peekable();
        match updaters.peek() {
            Some(_) => updaters.any(|role| role.mode() == mode),
            None => mode == default,
        }
    }
}

/// Of a role's operations by class: those that it has on some.
pub fn some(by_class: &[Operations]) -> Operations {
    by_class.iter().fold(Operations::NONE, |all, operations| all.with(*operations))
}

/// Those that it has on every class.
pub fn every(by_class: &[Operations]) -> Operations {
    by_class.iter().fold(Operations::ALL, |all, operations| all.both(*operations))
}

/// What it has on a class, as far as what it is shown goes: a role that may get records and read this class in some way
/// is shown it in every way (§6); one that may only list them, as its rules say (§16).
pub fn shown(by_class: &[Operations], class: usize) -> Operations {
    let own = by_class[class];
    match own.meets(Operations::READ) && some(by_class).meets(Operations::GET) {
        true => own.with(Operations::READ),
        false => own,
    }
}
