//! A built table as a checked policy that decides the same: for reports on tables without their sources.
//! Always: read off what loading has checked. Rules stand where they decide, not where they were written: those that a
//! field inherits stand on the field.

use crate::policy::{
    Bucket, CustomOperation, DataFunction, Field, FieldType, Group, Model, Path, Place, Policy, Roles, Rule,
};
use admit_runtime::{Access, CustomKind, Mode, Operations};
use admit_syntax::ast::OperationKind;
use std::collections::{BTreeMap, BTreeSet};

impl Policy {
    /// The policy that a table decides by; none if rules with guards, denies or groups that act as others are in it,
    /// which tables do not give back.
    pub fn of_table(table: &admit_runtime::Policy<'_>) -> Option<Policy> {
        if table.is_guarded() {
            return None;
        }
        let mut functions = BTreeMap::new();
        let models: Vec<Model> = table.models().map(|name| model(table, name, &mut functions)).collect();
        let operations =
            table.custom_operations().map(|(kind, name)| custom(table, kind, name, &mut functions)).collect();
        let buckets: Vec<Bucket> = table.buckets().map(|name| bucket(table, name, &mut functions)).collect();
        Some(Policy {
            files: Vec::new(),
            has_auth: true,
            groups: table
                .groups()
                .map(|of| Group {
                    name: of.name.to_owned(),
                    acts_as: Vec::new(),
                    precedence: of.precedence,
                    role: of.role().map(str::to_owned),
                    grants: Vec::new(),
                    place: Place::default(),
                })
                .collect(),
            roles: if table.is_preferred() { Roles::Preferred } else { Roles::Union },
            group_claim: table.group_claim().to_owned(),
            exclusive: Vec::new(),
            claims: Vec::new(),
            modes: table.modes().filter(|mode| !matches!(mode, Mode::Function | Mode::Iam)).collect(),
            default_mode: Mode::UserPool,
            models,
            operations,
            functions: functions.keys().cloned().collect(),
            data_functions: functions.into_iter().filter_map(|(name, of)| data_function(name, of)).collect(),
            auth_functions: Vec::new(),
            buckets,
            tests: Vec::new(),
            invariants: Vec::new(),
        })
    }
}

/// A function that no policy can declare, so that nobody arrives as it.
const NOBODY: &str = "";

/// What functions have on the data.
type Functions = BTreeMap<String, Operations>;

fn data_function(function: String, of: Operations) -> Option<DataFunction> {
    let query = of.meets(Operations::READ.without(Operations::LISTEN));
    let mutate = of.meets(Operations::CREATE.with(Operations::UPDATE).with(Operations::DELETE));
    let listen = of.meets(Operations::LISTEN);
    (query || mutate || listen).then_some(DataFunction { function, query, mutate, listen, place: Place::default() })
}

fn who_of(who: &admit_runtime::Who<'_>) -> crate::policy::Who {
    use crate::policy::Who;
    match who {
        admit_runtime::Who::Everyone(mode) => super::terms::everybody(*mode).unwrap_or(Who::Authenticated(*mode)),
        admit_runtime::Who::Function(name) => Who::Function((*name).to_owned()),
        admit_runtime::Who::Group { provider, claim, name } => {
            Who::Groups { names: vec![(*name).to_owned()], provider: *provider, claim: (*claim).to_owned() }
        }
        admit_runtime::Who::Named { provider, is_owner, is_list, field, claim } => {
            let mut parts = claim.iter().filter(|part| !part.is_empty()).map(|part| (*part).to_owned());
            let (provider, field, list) = (*provider, (*field).to_owned(), *is_list);
            match is_owner {
                true => Who::Owner { field, list, provider, claim: parts.collect() },
                false => Who::GroupsIn { field, list, provider, claim: parts.next().unwrap_or_default() },
            }
        }
    }
}

fn rule(who: crate::policy::Who, operations: Operations) -> Rule {
    Rule { who, and: Vec::new(), operations, condition: None, place: Place::default() }
}

/// Rules of the accesses that are no function's; those add to what functions have.
fn rules<'t>(access: impl Iterator<Item = Access<'t>>, functions: &mut Functions) -> Vec<Rule> {
    let mut all = Vec::new();
    for access in access {
        match access.who {
            admit_runtime::Who::Function(name) => {
                let known = functions.entry(name.to_owned()).or_default();
                *known = known.with(access.operations);
            }
            who => all.push(rule(who_of(&who), access.operations)),
        }
    }
    all
}

fn model(table: &admit_runtime::Policy<'_>, name: &str, functions: &mut Functions) -> Model {
    let mut model = Model {
        name: name.to_owned(),
        fields: Vec::new(),
        identifier: vec!["id".to_owned()],
        rules: Vec::new(),
        denies: Vec::new(),
        disabled: Operations::NONE,
        place: Place::default(),
    };
    let Some(access) = table.model(name) else { return model };
    model.disabled = access.disabled();
    let whole = rules(access.whole(), functions);
    // What a class says of reads is what it shows; what one may read at all the whole says.
    let class_rules = |class: usize, functions: &mut Functions| -> Vec<Rule> {
        let mut own = rules(access.class(class), functions);
        for rule in &mut own {
            let reads =
                whole.iter().filter(|of| of.who == rule.who).fold(Operations::NONE, |all, of| all.with(of.operations));
            let hidden = Operations::READ.without(reads);
            rule.operations = rule.operations.without(hidden);
        }
        own.retain(|rule| !rule.operations.is_empty());
        own
    };
    let lists: BTreeSet<String> = lists_of(&access);
    let fields: Vec<(&str, usize)> = access.fields().collect();
    for (name, class) in &fields {
        model.fields.push(Field {
            name: (*name).to_owned(),
            ty: FieldType::String,
            list: lists.contains(*name),
            required: false,
            rules: class_rules(*class, functions),
            denies: Vec::new(),
            place: Place::default(),
        });
    }
    // Fields that are judged alike by rules of their own say no more than the model's would.
    let alike = model.fields.windows(2).all(|two| two[0].rules == two[1].rules);
    if fields.is_empty() || alike {
        model.rules = class_rules(0, functions);
        model.fields.iter_mut().for_each(|field| field.rules.clear());
    }
    model
}

fn lists_of(access: &admit_runtime::ModelAccess<'_, '_>) -> BTreeSet<String> {
    let each = access.whole().chain((0..access.classes()).flat_map(|class| access.class(class)));
    let list = |access: Access<'_>| match access.who {
        admit_runtime::Who::Named { is_list: true, field, .. } => Some(field.to_owned()),
        _ => None,
    };
    each.filter_map(list).collect()
}

fn custom(table: &admit_runtime::Policy<'_>, kind: &str, name: &str, functions: &mut Functions) -> CustomOperation {
    let (kind, of, needs) = match kind {
        "query" => (OperationKind::Query, CustomKind::Query, Operations::GET),
        "mutation" => (OperationKind::Mutation, CustomKind::Mutation, Operations::UPDATE),
        _ => (OperationKind::Subscription, CustomKind::Subscription, Operations::LISTEN),
    };
    let mut calls = Functions::new();
    let rules = rules(table.custom_access(of, name), &mut calls);
    for (function, _) in calls {
        let known = functions.entry(function).or_default();
        *known = known.with(needs);
    }
    CustomOperation { kind, name: name.to_owned(), rules, denies: Vec::new(), place: Place::default() }
}

fn bucket(table: &admit_runtime::Policy<'_>, name: &str, functions: &mut Functions) -> Bucket {
    let mut paths = Vec::new();
    for path in table.paths(name) {
        let all: Vec<Access<'_>> = path.everyone().collect();
        let mut rules: Vec<Rule> = all.iter().map(|access| rule(who_of(&access.who), access.operations)).collect();
        // In one's own folder everybody has what all have there, and more.
        let own: Vec<Access<'_>> = path.own().collect();
        for access in &own {
            let known =
                all.iter().filter(|of| of.who == access.who).fold(Operations::NONE, |all, of| all.with(of.operations));
            let more = access.operations.without(known);
            if !more.is_empty() && matches!(access.who, admit_runtime::Who::Everyone(Mode::IdentityPool)) {
                rules.push(rule(crate::policy::Who::Entity, more));
            }
        }
        for access in all.iter().chain(&own) {
            if let admit_runtime::Who::Function(name) = access.who {
                functions.entry(name.to_owned()).or_default();
            }
        }
        // A path without rules would leave its keys to the path above; one of which nothing is left keeps them.
        if all.is_empty() && own.is_empty() {
            rules.push(rule(crate::policy::Who::Function(NOBODY.to_owned()), Operations::GET));
        }
        paths.push(Path {
            prefix: path.prefix.to_owned(),
            claims: Vec::new(),
            entity: !own.is_empty(),
            rules,
            denies: Vec::new(),
            place: Place::default(),
        });
    }
    Bucket { name: name.to_owned(), paths, place: Place::default() }
}
