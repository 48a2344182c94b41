//! Who gets what on AWS: the roles of a policy, and the statements of each.
//! Always: statements allow what the policy allows to a caller in that role, and nothing else; what they cannot say is
//! denied there and reported.
//!
//! How rules of paths come to statements is Amplify's way (`@aws-amplify/backend-storage`): a path below another one
//! takes from whoever has the upper one what it does not give again.

use super::Says;
use super::arn::{Arn, Segment, Thing};
use admit_compiler::OUTRANKED_DENY;
use admit_compiler::diagnostic::Diagnostic;
use admit_compiler::policy::{Bucket, Grant, Path, Policy, Rule, Who};
use admit_runtime::Operations;
use std::collections::{BTreeMap, BTreeSet};

/// A role that a session on AWS can have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Role<'p> {
    /// The identity pool's role for whoever is not signed in.
    Guest,
    /// Its role for users in no group.
    Authenticated,
    /// A group's, by its place in the policy.
    Group(usize, &'p str),
    /// A backend function's.
    Function(&'p str),
}

impl Role<'_> {
    /// `group:EDITORS`
    pub fn name(&self) -> String {
        match self {
            Role::Guest => "unauthenticated".into(),
            Role::Authenticated => "authenticated".into(),
            Role::Group(_, name) => format!("group:{name}"),
            Role::Function(name) => format!("function:{name}"),
        }
    }
}

/// One statement. Of an allow and a deny on the same thing the deny counts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Statement<'p> {
    pub deny: bool,
    /// `s3:GetObject`
    pub actions: Vec<String>,
    pub on: On<'p>,
}

/// What a statement is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum On<'p> {
    /// These.
    Things(Vec<Arn<'p>>),
    /// The lists of a bucket that ask for these prefixes.
    Lists(&'p str, Vec<Vec<Segment>>),
}

/// The roles of a policy, best known first, each with its statements.
pub(super) fn of<'p>(policy: &'p Policy, says: &mut Says) -> Vec<(Role<'p>, Vec<Statement<'p>>)> {
    let mut roles: Vec<Role<'p>> = Vec::new();
    if policy.has_auth {
        roles.extend([Role::Authenticated, Role::Guest]);
        roles.extend(policy.groups.iter().enumerate().map(|(at, group)| Role::Group(at, group.name.as_str())));
    }
    let mut statements: BTreeMap<Role<'p>, Vec<Statement<'p>>> = BTreeMap::new();
    for bucket in &policy.buckets {
        for (role, more) in OfBucket::of(policy, bucket, says).statements() {
            statements.entry(role).or_default().extend(more);
        }
    }
    for (at, group) in policy.groups.iter().enumerate() {
        let more = group.grants.iter().map(granted);
        statements.entry(Role::Group(at, &group.name)).or_default().extend(more);
    }
    for (role, more) in functions(policy) {
        statements.entry(role).or_default().extend(more);
    }
    roles.extend(policy.functions.iter().map(|name| Role::Function(name)).filter(|role| statements.contains_key(role)));
    roles.into_iter().map(|role| (role, statements.remove(&role).unwrap_or_default())).collect()
}

/// What a group's own block gives its role.
fn granted(grant: &Grant) -> Statement<'_> {
    let things = grant.resources.iter().map(|arn| Arn::Written(arn.clone())).collect();
    Statement { deny: false, actions: grant.actions.clone(), on: On::Things(things) }
}

/// What functions may do with the user pool and the API.
fn functions(policy: &Policy) -> BTreeMap<Role<'_>, Vec<Statement<'_>>> {
    let mut all: BTreeMap<Role<'_>, Vec<Statement<'_>>> = BTreeMap::new();
    let mut actions: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for rule in &policy.auth_functions {
        let of_rule = rule.actions.iter().flat_map(|action| admit_compiler::cognito_actions(action));
        let known = actions.entry(&rule.function).or_default();
        for action in of_rule.map(|action| format!("cognito-idp:{action}")) {
            if !known.contains(&action) {
                known.push(action);
            }
        }
    }
    for (function, actions) in actions {
        let on = On::Things(vec![Arn::Thing(Thing::UserPool)]);
        all.entry(Role::Function(function)).or_default().push(Statement { deny: false, actions, on });
    }
    for rule in &policy.data_functions {
        let kinds = [(rule.query, "Query"), (rule.mutate, "Mutation"), (rule.listen, "Subscription")];
        let things = kinds.into_iter().filter(|(given, _)| *given).map(|(_, kind)| Arn::Thing(Thing::Api(kind)));
        let things: Vec<Arn<'_>> = things.collect();
        let role = all.entry(Role::Function(&rule.function)).or_default();
        match role.iter_mut().find(|known| known.actions == ["appsync:GraphQL"]) {
            Some(Statement { on: On::Things(known), .. }) => {
                known.extend(things);
                known.sort();
                known.dedup();
            }
            _ => role.push(Statement { deny: false, actions: vec!["appsync:GraphQL".into()], on: On::Things(things) }),
        }
    }
    all
}

/// The operations of storage, each with its action, in the order in which they are written.
const ACTIONS: [(Operations, &str); 4] = [
    (Operations::GET, "s3:GetObject"),
    (Operations::LIST, "s3:ListBucket"),
    (Operations::WRITE, "s3:PutObject"),
    (Operations::DELETE, "s3:DeleteObject"),
];

type Prefix = Vec<Segment>;

/// One role's operation on one prefix, by some rule.
struct Given<'p> {
    prefix: Prefix,
    role: Role<'p>,
    operations: Operations,
    /// Whether the rule can be written. One that cannot still is the rule of its path.
    holds: bool,
}

struct OfBucket<'p> {
    bucket: &'p Bucket,
    given: Vec<Given<'p>>,
    /// What denies take away.
    denied: Vec<Given<'p>>,
}

impl<'p> OfBucket<'p> {
    fn of(policy: &'p Policy, bucket: &'p Bucket, says: &mut Says) -> OfBucket<'p> {
        let mut of = OfBucket { bucket, given: Vec::new(), denied: Vec::new() };
        for path in &bucket.paths {
            let folder = folder(path);
            for rule in &path.rules {
                let holds = is_sayable(path, rule, says);
                let prefix = rule_prefix(&folder, &rule.who);
                for role in roles_of(policy, &rule.who) {
                    of.given.push(Given { prefix: prefix.clone(), role, operations: rule.operations, holds });
                }
            }
            for deny in &path.denies {
                of.deny(policy, path, deny, says);
            }
        }
        of.claims();
        of.outranked(policy, says);
        of
    }

    /// A deny reaches every role in which somebody of its who may act; guards are left out, so that it always counts.
    fn deny(&mut self, policy: &'p Policy, path: &'p Path, deny: &'p Rule, says: &mut Says) {
        if deny.is_guarded() || !path.claims.is_empty() {
            let message = "IAM cannot hold what this deny depends on";
            let help = "on AWS it counts always, for everybody whom it names; Admit's own decisions do not change";
            says.not_on_aws(deny.place, message, "written wider than it is", help);
        }
        let prefix = rule_prefix(&folder(path), &deny.who);
        let roles = match &deny.who {
            Who::Authenticated(_) | Who::Entity => signed_in(policy),
            who => roles_of(policy, who),
        };
        for role in roles {
            let prefix = prefix.clone();
            self.denied.push(Given { prefix, role, operations: deny.operations, holds: true });
        }
    }

    /// Refuses denies that users with a better group escape: a session has that group's role, which knows nothing of
    /// the other.
    fn outranked(&self, policy: &'p Policy, says: &mut Says) {
        let denies = self.bucket.paths.iter().flat_map(|path| path.denies.iter().map(move |deny| (path, deny)));
        for (path, deny) in denies.filter(|(_, deny)| matches!(deny.who, Who::Groups { .. })) {
            let denied = roles_of(policy, &deny.who);
            let prefix = rule_prefix(&folder(path), &deny.who);
            let escapes = |role: Role<'p>| {
                !denied.contains(&role)
                    && denied.iter().any(|other| role < *other && may_be_both(policy, role, *other))
                    && self.given.iter().any(|given| {
                        let same = given.role == role && given.operations.meets(deny.operations);
                        given.holds && same && may_meet(&given.prefix, &prefix)
                    })
            };
            let groups = policy.groups.iter().enumerate().map(|(at, group)| (group, Role::Group(at, &group.name)));
            if let Some((better, _)) = groups.into_iter().find(|(_, role)| escapes(*role)) {
                let message = format!("AWS would not deny this to users who are also in `{}`", better.name);
                let error = Diagnostic::new(OUTRANKED_DENY, deny.place.file as usize, deny.place.span, message);
                let help = "give the denied group the better precedence: name it before the others in `groups`";
                says.say(error.label("a session has one role, that of the best group").help(help));
            }
        }
    }

    /// Below a path with a claim IAM does not know whose folder is whose: what stands above gives nothing there.
    fn claims(&mut self) {
        let folders: BTreeSet<Prefix> =
            self.bucket.paths.iter().filter(|path| !path.claims.is_empty()).map(folder).collect();
        for folder in folders {
            let above = self.given.iter().filter(|given| is_under(&folder, &given.prefix));
            let roles: BTreeSet<(Role<'p>, u8)> = above.map(|given| (given.role, given.operations.0)).collect();
            for (role, operations) in roles {
                let prefix = folder.clone();
                self.denied.push(Given { prefix, role, operations: Operations(operations), holds: true });
            }
        }
    }

    fn statements(&self) -> BTreeMap<Role<'p>, Vec<Statement<'p>>> {
        let roles: BTreeSet<Role<'p>> = self.given.iter().map(|given| given.role).collect();
        roles.into_iter().map(|role| (role, self.of_role(role))).collect()
    }

    /// Operations on the same keys stand in one statement.
    fn of_role(&self, role: Role<'p>) -> Vec<Statement<'p>> {
        let mut keys: Vec<(bool, Vec<String>, Vec<Prefix>)> = Vec::new();
        let mut lists = Vec::new();
        for (operation, action) in ACTIONS {
            let (allowed, denied) = self.prefixes(role, operation);
            for (deny, prefixes) in [(false, allowed), (true, denied)] {
                if prefixes.is_empty() {
                    continue;
                }
                if operation == Operations::LIST {
                    let on = On::Lists(&self.bucket.name, prefixes);
                    lists.push(Statement { deny, actions: vec![action.into()], on });
                    continue;
                }
                match keys.iter_mut().find(|(known, _, on)| *known == deny && *on == prefixes) {
                    Some((_, actions, _)) => actions.push(action.into()),
                    None => keys.push((deny, vec![action.into()], prefixes)),
                }
            }
        }
        let things = |prefixes: Vec<Prefix>| {
            On::Things(prefixes.into_iter().map(|prefix| Arn::Keys(&self.bucket.name, prefix)).collect())
        };
        let keys = keys.into_iter().map(|(deny, actions, prefixes)| Statement { deny, actions, on: things(prefixes) });
        let mut all: Vec<Statement<'p>> = keys.chain(lists).collect();
        all.sort_by_key(|statement| statement.deny);
        all
    }

    /// The prefixes on which a role has an operation, and those below them on which it has not.
    fn prefixes(&self, role: Role<'p>, operation: Operations) -> (Vec<Prefix>, Vec<Prefix>) {
        let mine = || self.given.iter().filter(move |given| given.role == role && given.operations.meets(operation));
        let has: BTreeSet<&Prefix> = mine().filter(|given| given.holds).map(|given| &given.prefix).collect();
        let named: BTreeSet<&Prefix> = mine().map(|given| &given.prefix).collect();
        let replaces = |child: &Prefix| named.iter().any(|parent| is_under(child, parent) && !is_own(child, parent));
        let all: BTreeSet<&Prefix> = self.given.iter().map(|given| &given.prefix).collect();
        let replaced = all.into_iter().filter(|child| replaces(child) && !has.contains(child));
        let taken = self.denied.iter().filter(|given| given.role == role && given.operations.meets(operation));
        let denied: BTreeSet<&Prefix> = replaced.chain(taken.map(|given| &given.prefix)).collect();
        let allowed = outermost(&has);
        let meets = |deny: &&Prefix| allowed.iter().any(|allow| may_meet(deny, allow));
        let denied: BTreeSet<&Prefix> = denied.into_iter().filter(meets).collect();
        (allowed, outermost(&denied))
    }
}

/// Whether IAM can hold a rule; what it cannot is said.
fn is_sayable(path: &Path, rule: &Rule, says: &mut Says) -> bool {
    let left_out = "left out: whom it admits is denied on AWS";
    if rule.is_guarded() {
        let help = "conditions and `.and` are for Admit's own decisions";
        says.not_on_aws(rule.place, "IAM cannot hold what this rule depends on", left_out, help);
        return false;
    }
    if !path.claims.is_empty() {
        let help = "IAM knows the caller's identity alone: use `{entity_id}`, or a group and a path a tenant";
        says.not_on_aws(rule.place, "IAM cannot hold a claim in a path", left_out, help);
        return false;
    }
    true
}

/// Whether somebody may be in both groups.
fn may_be_both(policy: &Policy, one: Role<'_>, other: Role<'_>) -> bool {
    let (Role::Group(_, one), Role::Group(_, other)) = (one, other) else { return true };
    let counts = |name: &String| [one, other].iter().any(|held| policy.acts_as(held).any(|acting| acting == name));
    policy.exclusive.iter().all(|list| list.iter().filter(|name| counts(name)).count() < 2)
}

fn signed_in(policy: &Policy) -> Vec<Role<'_>> {
    let groups = policy.groups.iter().enumerate().map(|(at, group)| Role::Group(at, group.name.as_str()));
    [Role::Authenticated].into_iter().chain(groups).collect()
}

/// The roles that have a who's rules. Groups that act as one of its groups have them too.
fn roles_of<'p>(policy: &'p Policy, who: &'p Who) -> Vec<Role<'p>> {
    match who {
        Who::Guest => vec![Role::Guest],
        Who::Authenticated(_) | Who::Entity => vec![Role::Authenticated],
        Who::Function(name) => vec![Role::Function(name)],
        Who::Groups { names, .. } => {
            let counts = |group: &str| policy.acts_as(group).any(|acting| names.iter().any(|name| name == acting));
            let groups = policy.groups.iter().enumerate().filter(|(_, group)| counts(&group.name));
            groups.map(|(at, group)| Role::Group(at, group.name.as_str())).collect()
        }
        _ => Vec::new(),
    }
}

/// A path's folder, without `{entity_id}`.
fn folder(path: &Path) -> Prefix {
    let segments = path.prefix.split_terminator('/').enumerate();
    let is_claim = |at: usize| path.claims.iter().any(|(claim, _)| *claim == at);
    segments.map(|(at, text)| if is_claim(at) { Segment::Any } else { Segment::Text(text.into()) }).collect()
}

/// What a rule of a path covers: the caller's own folder, for `entity`; for any other everybody's.
fn rule_prefix(folder: &[Segment], who: &Who) -> Prefix {
    let own = (*who == Who::Entity).then_some(Segment::Own);
    folder.iter().cloned().chain(own).collect()
}

fn is_under(child: &[Segment], parent: &[Segment]) -> bool {
    child.len() > parent.len() && child.starts_with(parent)
}

/// Whether a prefix is another one with the caller's identity inserted.
fn is_own(child: &[Segment], parent: &[Segment]) -> bool {
    child.len() == parent.len() + 1 && child.last() == Some(&Segment::Own) && child.starts_with(parent)
}

/// Whether some key may lie under both.
fn may_meet(a: &[Segment], b: &[Segment]) -> bool {
    a.iter().zip(b).all(|pair| !matches!(pair, (Segment::Text(a), Segment::Text(b)) if a != b))
}

/// Those that lie under no other.
fn outermost(prefixes: &BTreeSet<&Prefix>) -> Vec<Prefix> {
    let outer = |prefix: &&&Prefix| !prefixes.iter().any(|other| is_under(prefix, other));
    prefixes.iter().filter(outer).map(|prefix| (*prefix).clone()).collect()
}
