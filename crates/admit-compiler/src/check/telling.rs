//! What decisions do not tell apart, and what they give and withhold at once: groups that are one, relations that lead to
//! records which their readers may not read.
//! Always: exact. What is said of groups holds of every request, and is asked in a property test; where a condition, a
//! deny or a record's own groups might tell them apart, nothing is said.

use super::Checker;
use crate::codes;
use crate::condition::Source;
use crate::diagnostic::Diagnostic;
use crate::matrix::{Matrix, Role, describe};
use crate::policy::{FieldType, Group, Model, Policy, Roles, Who};
use admit_runtime::{Operations, Provider};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The most groups that a message names.
const NAMED: usize = 4;

/// The rules that name a group, by number, and the groups that it acts as.
type Signature<'p> = (Vec<u32>, &'p [String]);

impl Checker<'_> {
    // ---- groups

    /// Groups of the user pool whose members are allowed the same, whatever they ask.
    pub(super) fn groups_alike(&mut self, policy: &Policy) {
        if reads_group_names(policy) {
            return;
        }
        let mut named: HashMap<&str, Vec<u32>> = HashMap::new();
        for (number, rule) in (0_u32..).zip(policy.rules().chain(policy.denies())) {
            for who in rule.whos() {
                let Who::Groups { names, provider: Provider::UserPools, claim } = who else { continue };
                if *claim == policy.group_claim {
                    names.iter().for_each(|name| named.entry(name).or_default().push(number));
                }
            }
        }
        // A block of its own says something that is not about decisions here, such as a role on AWS.
        let blocks: BTreeSet<&str> = self.declared.groups.iter().map(|(_, of)| of.name.text.as_str()).collect();
        let ordered = policy.roles == Roles::Preferred && !policy.buckets.is_empty();
        let mut alike: BTreeMap<(Signature<'_>, Vec<usize>, usize), Vec<&Group>> = BTreeMap::new();
        let (mut run, mut last) = (0, None);
        for group in &policy.groups {
            let rules = named.remove(group.name.as_str()).unwrap_or_default();
            let signature: Signature<'_> = (rules, &group.acts_as);
            // Where the order of groups decides, only neighbours are alike.
            if ordered && last.as_ref() != Some(&signature) {
                run += 1;
            }
            let exclusive: Vec<usize> = policy
                .exclusive
                .iter()
                .enumerate()
                .filter(|(_, list)| list.contains(&group.name))
                .map(|(at, _)| at)
                .collect();
            let is_unused = signature.0.is_empty() && signature.1.is_empty();
            if !is_unused && !blocks.contains(group.name.as_str()) {
                alike.entry((signature.clone(), exclusive, run)).or_default().push(group);
            }
            last = Some(signature);
        }
        let mut classes: Vec<Vec<&Group>> = alike.into_values().filter(|groups| groups.len() > 1).collect();
        classes.sort_by_key(|groups| groups[0].place);
        for groups in classes {
            // Of one more than that many, all.
            let shown = if groups.len() > NAMED + 1 { NAMED } else { groups.len() };
            let mut names: Vec<String> = groups.iter().take(shown).map(|group| format!("`{}`", group.name)).collect();
            if groups.len() > shown {
                names.push(format!("{} others", groups.len() - shown));
            }
            let last = names.pop().unwrap_or_default();
            let message = format!("no decision tells the groups {} and {last} apart", names.join(", "));
            let (first, second) = (groups[0].place, groups[1].place);
            let warning = Diagnostic::new(codes::GROUPS_ALIKE, second.file as usize, second.span, message);
            let warning = warning.label("every rule that names one of them names all of them");
            let warning = warning.related(first.file as usize, first.span, "like this one");
            self.say(warning.help("make them one group, or write the rule in which they differ"));
        }
    }

    // ---- relations

    /// Relations whose readers may read nothing of what they lead to.
    pub(super) fn unread_relations(&mut self, policy: &Policy) {
        let by_name: HashMap<&str, &Model> = policy.models.iter().map(|model| (model.name.as_str(), model)).collect();
        let leads = |model: &&Model| model.fields.iter().any(|field| matches!(field.ty, FieldType::Model(_)));
        for model in policy.models.iter().filter(leads) {
            // What a deny takes from readers of the parent is not looked at: then they are no readers.
            if !model.denies.is_empty() || model.disabled.meets(Operations::READ) {
                continue;
            }
            let matrix = Matrix::of(model);
            for (field, class) in model.fields.iter().zip(&matrix.class_of) {
                let FieldType::Model(child) = &field.ty else { continue };
                let Some(child) = by_name.get(child.as_str()).filter(|_| field.denies.is_empty()) else { continue };
                let readable = readers(child);
                let reads = |(role, operations): &(&Role, &Operations)| {
                    let is_static = !matches!(role, Role::Dynamic(_));
                    is_static && operations.meets(Operations::READ) && !may_read(policy, role, &readable)
                };
                let who: Vec<&Role> = matrix.classes[*class].iter().filter(reads).map(|(role, _)| role).collect();
                let Some(first) = who.first() else { continue };
                let more = if who.len() > 1 { format!(" and {} more", who.len() - 1) } else { String::new() };
                let message =
                    format!("{}{more} may read `{}` and nothing of its `{}`", describe(first), model.name, field.name);
                let (file, span) = (field.place.file as usize, field.place.span);
                let warning = Diagnostic::new(codes::UNREAD_RELATION, file, span, message);
                let place = child.place;
                let warning = warning
                    .label(format!("leads to `{}`, which no rule lets them read", child.name))
                    .related(place.file as usize, place.span, "this model");
                let help = format!(
                    "let them read `{}`, or give `{}` rules of its own for those who may follow it",
                    child.name, field.name
                );
                self.say(warning.help(help));
            }
        }
    }
}

/// Whether a record, or a condition on claims, may name groups: then every name is one of its own.
fn reads_group_names(policy: &Policy) -> bool {
    policy.rules().chain(policy.denies()).any(|rule| {
        let in_record = |who: &Who| {
            matches!(who, Who::GroupsIn { provider: Provider::UserPools, claim, .. } if *claim == policy.group_claim)
        };
        let mut in_claims = false;
        let mut look = |term: &crate::condition::Term| in_claims |= term.source == Source::Claim && term.name == policy.group_claim;
        rule.condition.iter().for_each(|condition| condition.each_term(&mut look));
        in_claims || rule.whos().any(in_record)
    }) || policy.buckets.iter().flat_map(|bucket| &bucket.paths).any(|path| path.claims.iter().any(|(_, claim)| *claim == policy.group_claim))
}

/// Whoever some rule of a model lets read something. A relation may be followed by any read, one that is disabled too.
fn readers(model: &Model) -> BTreeSet<Role> {
    let matrix = Matrix::of(model);
    matrix.roles.keys().filter(|role| matrix.some(role).meets(Operations::READ)).cloned().collect()
}

/// Whether somebody who has one role, and no group beside it, may be one of these.
fn may_read(policy: &Policy, role: &Role, readers: &BTreeSet<Role>) -> bool {
    let everyone = Role::Everyone(role.mode());
    let dynamic = |reader: &Role| matches!(reader, Role::Dynamic(_)) && reader.mode() == role.mode();
    let acts = |reader: &Role| match (role, reader) {
        (
            Role::Group { provider: Provider::UserPools, claim, name },
            Role::Group { provider: Provider::UserPools, claim: other, name: of },
        ) => claim == other && *claim == policy.group_claim && policy.acts_as(name).any(|acts| acts == of),
        _ => false,
    };
    // Everybody signed in has members of groups among them; whoever is in none of the readers' groups is meant.
    readers.contains(role)
        || readers.contains(&everyone)
        || readers.iter().any(|reader| dynamic(reader) || acts(reader))
}
