//! A built table as a checked policy that decides the same: for reports on tables without their sources.
//! Always: read off what loading has checked. Rules stand where they decide, not where they were written: those that a
//! field inherits stand on the field; conditions say the same in the table's order.

use crate::policy::{
    Bucket, CustomOperation, DataFunction, Field, FieldType, Group, Model, Path, Place, Policy, Roles, Rule,
};
use admit_runtime::{Access, CustomKind, Mode, Operations};
use admit_syntax::ast::OperationKind;
use std::collections::{BTreeMap, BTreeSet};

impl Policy {
    /// The policy that a table decides by; none if a condition of it is not written as the compiler writes conditions.
    pub fn of_table(table: &admit_runtime::Policy<'_>) -> Option<Policy> {
        let mut functions = BTreeMap::new();
        let models = table.models().map(|name| model(table, name, &mut functions)).collect::<Option<Vec<Model>>>()?;
        let operations = table
            .custom_operations()
            .map(|(kind, name)| custom(table, kind, name, &mut functions))
            .collect::<Option<_>>()?;
        let buckets =
            table.buckets().map(|name| bucket(table, name, &mut functions)).collect::<Option<Vec<Bucket>>>()?;
        let mut acting: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (group, other) in table.acting() {
            acting.entry(group).or_default().push(other.to_owned());
        }
        let mut exclusive: BTreeMap<u32, Vec<String>> = BTreeMap::new();
        for (list, group) in table.exclusive_groups() {
            exclusive.entry(list).or_default().push(group.to_owned());
        }
        Some(Policy {
            files: Vec::new(),
            has_auth: true,
            groups: table
                .groups()
                .map(|of| Group {
                    name: of.name.to_owned(),
                    acts_as: acting.get(of.name).cloned().unwrap_or_default(),
                    precedence: of.precedence,
                    role: of.role().map(str::to_owned),
                    grants: Vec::new(),
                    place: Place::default(),
                })
                .collect(),
            roles: if table.is_preferred() { Roles::Preferred } else { Roles::Union },
            group_claim: table.group_claim().to_owned(),
            exclusive: exclusive.into_values().collect(),
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

/// Rules for groups that differ only in these, as one.
fn together(rules: Vec<Rule>) -> Vec<Rule> {
    use crate::policy::Who;
    let mut kept: Vec<Rule> = Vec::new();
    for rule in rules {
        let Who::Groups { names: more, provider, claim } = &rule.who else {
            kept.push(rule);
            continue;
        };
        let like = |known: &&mut Rule| {
            let same =
                (known.operations, &known.and, &known.condition) == (rule.operations, &rule.and, &rule.condition);
            let of = |who: &Who| matches!(who, Who::Groups { provider: whose, claim: from, .. } if (whose, from) == (provider, claim));
            same && of(&known.who)
        };
        match kept.iter_mut().find(like).map(|known| &mut known.who) {
            Some(Who::Groups { names, .. }) => {
                let new: Vec<String> = more.iter().filter(|name| !names.contains(name)).cloned().collect();
                names.extend(new);
            }
            _ => kept.push(rule),
        }
    }
    kept
}

/// Who a who of a guarded rule is: groups of one are one who.
fn guarded_who(who: &admit_runtime::GuardedWho<'_, '_>) -> Option<crate::policy::Who> {
    use crate::policy::Who;
    if who.is_own_folder() {
        return Some(Who::Entity);
    }
    let mut each = who.each().map(|one| who_of(&one));
    let first = each.next()?;
    Some(match first {
        Who::Groups { mut names, provider, claim } => {
            for other in each {
                if let Who::Groups { names: more, .. } = other {
                    names.extend(more);
                }
            }
            Who::Groups { names, provider, claim }
        }
        first => first,
    })
}

/// A guarded rule; none if its condition cannot be read.
fn guarded_rule(rule: &admit_runtime::GuardedRule<'_, '_>) -> Option<Rule> {
    let condition = match rule.condition() {
        Some(steps) => Some(super::steps::condition(&steps)?),
        None => None,
    };
    let mut and: Vec<crate::policy::Who> = rule.and().map(|who| guarded_who(&who)).collect::<Option<_>>()?;
    let who = match rule.who() {
        Some(who) => guarded_who(&who)?,
        None if and.is_empty() => return None,
        None => and.remove(0),
    };
    // One's own folder stands among all of whom a deny is about.
    and.retain(|other| !(rule.is_deny() && *other == who));
    Some(Rule { who, and, operations: rule.operations(), condition: condition.map(Box::new), place: Place::default() })
}

/// Guarded rules and denies; none if a condition cannot be read.
fn guarded<'a, 't: 'a>(
    rules: impl Iterator<Item = admit_runtime::GuardedRule<'a, 't>>,
) -> Option<(Vec<Rule>, Vec<Rule>)> {
    let (mut allows, mut denies) = (Vec::new(), Vec::new());
    for rule in rules {
        let to = if rule.is_deny() { &mut denies } else { &mut allows };
        to.push(guarded_rule(&rule)?);
    }
    Some((together(allows), denies))
}

/// A deny that takes nothing, so that what was judged rule by rule still is where no guard is left.
fn marker() -> Rule {
    let never = Some(Box::new(crate::condition::Condition::Any(Vec::new())));
    Rule { condition: never, ..rule(crate::policy::Who::Authenticated(Mode::UserPool), Operations::NONE) }
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

fn model(table: &admit_runtime::Policy<'_>, name: &str, functions: &mut Functions) -> Option<Model> {
    let mut model = Model {
        name: name.to_owned(),
        fields: Vec::new(),
        identifier: vec!["id".to_owned()],
        rules: Vec::new(),
        denies: Vec::new(),
        disabled: Operations::NONE,
        place: Place::default(),
    };
    let Some(access) = table.model(name) else { return Some(model) };
    model.disabled = access.disabled();
    let key: Vec<String> = access.key().map(str::to_owned).collect();
    if !key.is_empty() {
        model.identifier = key;
    }
    let whole = rules(access.whole(), functions);
    if access.is_guarded() {
        return guarded_model(&access, model);
    }
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
            rules: together(class_rules(*class, functions)),
            denies: Vec::new(),
            place: Place::default(),
        });
    }
    // Fields that are judged alike by rules of their own say no more than the model's would.
    let alike = model.fields.windows(2).all(|two| two[0].rules == two[1].rules);
    if fields.is_empty() || alike {
        model.rules = together(class_rules(0, functions));
        model.fields.iter_mut().for_each(|field| field.rules.clear());
    }
    Some(model)
}

/// A model whose rules are judged one by one; none if a condition cannot be read.
fn guarded_model(access: &admit_runtime::ModelAccess<'_, '_>, mut model: Model) -> Option<Model> {
    let classes: Vec<(Vec<Rule>, Vec<Rule>)> =
        (0..access.classes()).map(|class| guarded(access.guarded(class))).collect::<Option<_>>()?;
    let lists: BTreeSet<String> =
        classes.iter().flat_map(|(rules, denies)| rules.iter().chain(denies)).flat_map(lists_in).collect();
    let on_fields = classes.len() > 1;
    for (name, class) in access.fields() {
        let (rules, denies) = if on_fields { classes[class].clone() } else { Default::default() };
        model.fields.push(Field {
            name: name.to_owned(),
            ty: FieldType::String,
            list: lists.contains(name),
            required: false,
            rules,
            denies,
            place: Place::default(),
        });
    }
    if let (false, Some((rules, denies))) = (on_fields, classes.into_iter().next()) {
        (model.rules, model.denies) = (rules, denies);
    }
    model.denies.push(marker());
    Some(model)
}

/// The fields that a rule reads as lists.
fn lists_in(rule: &Rule) -> Vec<String> {
    use crate::policy::Who;
    let mut names: Vec<String> = rule
        .whos()
        .filter_map(|who| match who {
            Who::Owner { field, list: true, .. } | Who::GroupsIn { field, list: true, .. } => Some(field.clone()),
            _ => None,
        })
        .collect();
    let mut visit = |term: &crate::condition::Term| {
        names.extend((term.list && term.source != crate::condition::Source::Claim).then(|| term.name.clone()));
    };
    rule.condition.iter().for_each(|condition| condition.each_term(&mut visit));
    names
}

fn lists_of(access: &admit_runtime::ModelAccess<'_, '_>) -> BTreeSet<String> {
    let each = access.whole().chain((0..access.classes()).flat_map(|class| access.class(class)));
    let list = |access: Access<'_>| match access.who {
        admit_runtime::Who::Named { is_list: true, field, .. } => Some(field.to_owned()),
        _ => None,
    };
    each.filter_map(list).collect()
}

fn custom(
    table: &admit_runtime::Policy<'_>,
    kind: &str,
    name: &str,
    functions: &mut Functions,
) -> Option<CustomOperation> {
    let (kind, of, needs) = match kind {
        "query" => (OperationKind::Query, CustomKind::Query, Operations::GET),
        "mutation" => (OperationKind::Mutation, CustomKind::Mutation, Operations::UPDATE),
        _ => (OperationKind::Subscription, CustomKind::Subscription, Operations::LISTEN),
    };
    let mut calls = Functions::new();
    let mut rules = together(rules(table.custom_access(of, name), &mut calls));
    let mut denies = Vec::new();
    if let Some(judged) = table.guarded_operation(of, name) {
        (rules, denies) = guarded(judged)?;
    }
    for (function, _) in calls {
        let known = functions.entry(function).or_default();
        *known = known.with(needs);
    }
    Some(CustomOperation { kind, name: name.to_owned(), rules, denies, place: Place::default() })
}

fn bucket(table: &admit_runtime::Policy<'_>, name: &str, functions: &mut Functions) -> Option<Bucket> {
    let mut paths = Vec::new();
    for path in table.guarded_paths(name) {
        let (rules, denies) = guarded(path.rules())?;
        let is_own = |rule: &Rule| rule.who == crate::policy::Who::Entity;
        for rule in rules.iter().chain(&denies) {
            for who in rule.whos() {
                if let crate::policy::Who::Function(name) = who {
                    functions.entry(name.clone()).or_default();
                }
            }
        }
        paths.push(Path {
            prefix: path.prefix().to_owned(),
            claims: path.claims().map(|(segment, claim)| (segment, claim.to_owned())).collect(),
            entity: rules.iter().chain(&denies).any(is_own),
            rules,
            denies,
            place: Place::default(),
        });
    }
    if !paths.is_empty() {
        return Some(Bucket { name: name.to_owned(), paths, place: Place::default() });
    }
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
            rules: together(rules),
            denies: Vec::new(),
            place: Place::default(),
        });
    }
    Some(Bucket { name: name.to_owned(), paths, place: Place::default() })
}
