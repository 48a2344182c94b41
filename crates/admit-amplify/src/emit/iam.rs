//! IAM: per role its policies, of a size that AWS takes, and the trust policy that says who may have it.
//! Always: statements stand in the order of the policy; what is too large inline becomes managed policies, and what is
//! too large for those is an error.

use super::arn::{Arn, Segment, Thing, pattern};
use super::roles::{self, On, Role, Statement};
use super::{Account, Says};
use admit_compiler::policy::{Place, Policy};
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// The most characters of the policies inline in one role, together; IAM does not count blanks.
const INLINE: usize = 10_240;
/// The most characters of one managed policy.
const MANAGED: usize = 6_144;

/// How an output names things.
pub(super) trait Names {
    /// The ARN of a thing, with more behind it: a text, or something that comes to one when it is deployed.
    fn arn(&self, thing: Thing<'_>, more: &str) -> Value;
    /// The identity pool's id.
    fn identity_pool(&self) -> Value;
}

/// Where the policies of a role stand.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Policies<'p> {
    /// In the role itself.
    Inline(Vec<Statement<'p>>),
    /// Attached to it.
    Managed(Vec<Vec<Statement<'p>>>),
}

/// The role of an output: what it may do, and where that stands.
pub(super) struct Written<'p> {
    pub role: Role<'p>,
    pub policies: Policies<'p>,
    /// In characters, as IAM counts.
    pub size: usize,
}

/// The roles of a policy, each with policies of a size that AWS takes.
pub(super) fn roles<'p>(policy: &'p Policy, account: &Account, says: &mut Says) -> Vec<Written<'p>> {
    let longest = Longest(account);
    let roles = roles::of(policy, says).into_iter();
    roles.map(|(role, statements)| written(policy, role, statements, &longest, account, says)).collect()
}

fn written<'p>(
    policy: &'p Policy,
    role: Role<'p>,
    statements: Vec<Statement<'p>>,
    names: &dyn Names,
    account: &Account,
    says: &mut Says,
) -> Written<'p> {
    let size = if statements.is_empty() { 0 } else { size(&document(&statements, names)) };
    if size <= INLINE && !is_brought(policy, role) {
        return Written { role, policies: Policies::Inline(statements), size };
    }
    let managed = packed(statements, names);
    let most = account.managed_policies;
    let place = place(policy, role);
    if managed.iter().any(|statements| self::size(&document(statements, names)) > MANAGED) {
        let message = format!("one statement of `{}` is larger than a managed policy may be", role.name());
        says.limit(place, message, format!("IAM takes {MANAGED} characters: shorten the path, or the list of actions"));
    } else if managed.len() > most {
        let message =
            format!("`{}` needs {} managed policies, and IAM attaches {most} to a role", role.name(), managed.len());
        let help = match most {
            20.. => "give it fewer and shorter paths, or one above many",
            _ => "give it fewer and shorter paths, or ask AWS for more and say `--managed-policies 20`",
        };
        says.limit(place, message, help);
    }
    Written { role, policies: Policies::Managed(managed), size }
}

/// Whether the role is made elsewhere, so that policies are attached to it.
pub(super) fn is_brought(policy: &Policy, role: Role<'_>) -> bool {
    match role {
        Role::Group(at, _) => policy.groups.get(at).is_some_and(|group| group.role.is_some()),
        Role::Function(_) => true,
        Role::Guest | Role::Authenticated => false,
    }
}

/// Where the policy speaks of a role, as near as that is one place.
fn place(policy: &Policy, role: Role<'_>) -> Place {
    let first = || policy.buckets.first().map(|bucket| bucket.place);
    match role {
        Role::Group(at, _) => policy.groups.get(at).map(|group| group.place),
        Role::Function(name) => {
            let rule = policy.auth_functions.iter().find(|rule| rule.function == name).map(|rule| rule.place);
            let of_data = || policy.data_functions.iter().find(|rule| rule.function == name).map(|rule| rule.place);
            rule.or_else(of_data).or_else(first)
        }
        Role::Guest | Role::Authenticated => first(),
    }
    .unwrap_or_default()
}

// ---- sizes

/// A document's size as IAM counts it.
pub(super) fn size(document: &Value) -> usize {
    latin(&document.to_string()).chars().filter(|c| !c.is_whitespace()).count()
}

/// IAM takes no character above U+00FF: those are escaped.
pub(super) fn latin(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\0'..='\u{ff}' => out.push(c),
            _ => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                let _ = write!(out, "\\u{unit:04x}");
            }),
        }
    }
    out
}

/// Statements in as few documents as their order allows; one that is too large is cut where its list allows.
fn packed<'p>(statements: Vec<Statement<'p>>, names: &dyn Names) -> Vec<Vec<Statement<'p>>> {
    let fits = |statements: &[Statement<'p>]| size(&document(statements, names)) <= MANAGED;
    let mut documents: Vec<Vec<Statement<'p>>> = Vec::new();
    let mut rest: Vec<Statement<'p>> = statements;
    rest.reverse();
    while let Some(statement) = rest.pop() {
        if !fits(std::slice::from_ref(&statement))
            && let Some((first, second)) = halves(&statement)
        {
            rest.extend([second, first]);
            continue;
        }
        match documents.last_mut() {
            Some(last) => {
                last.push(statement);
                if !fits(last) {
                    let moved: Vec<Statement<'p>> = last.pop().into_iter().collect();
                    documents.push(moved);
                }
            }
            None => documents.push(vec![statement]),
        }
    }
    documents
}

/// A statement as two, with half of its list each.
fn halves<'p>(statement: &Statement<'p>) -> Option<(Statement<'p>, Statement<'p>)> {
    fn cut<T: Clone>(list: &[T]) -> Option<(Vec<T>, Vec<T>)> {
        (list.len() > 1).then(|| list.split_at(list.len() / 2)).map(|(first, second)| (first.to_vec(), second.to_vec()))
    }
    let with = |on: On<'p>| Statement { on, ..statement.clone() };
    match &statement.on {
        On::Things(things) => cut(things).map(|(first, second)| (with(On::Things(first)), with(On::Things(second)))),
        On::Lists(bucket, prefixes) => {
            cut(prefixes).map(|(first, second)| (with(On::Lists(bucket, first)), with(On::Lists(bucket, second))))
        }
    }
}

// ---- documents

/// A policy document.
pub(super) fn document(statements: &[Statement<'_>], names: &dyn Names) -> Value {
    let statements: Vec<Value> = statements.iter().map(|one| statement(one, names)).collect();
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn statement(of: &Statement<'_>, names: &dyn Names) -> Value {
    let effect = if of.deny { "Deny" } else { "Allow" };
    let one_or_all = |mut list: Vec<Value>| if list.len() == 1 { list.remove(0) } else { list.into() };
    let actions = one_or_all(of.actions.iter().map(|action| action.as_str().into()).collect());
    match &of.on {
        On::Things(things) => {
            let things = one_or_all(things.iter().map(|thing| resource(thing, names)).collect());
            json!({"Effect": effect, "Action": actions, "Resource": things})
        }
        On::Lists(bucket, prefixes) => {
            let asked = prefixes.iter().flat_map(|prefix| list_patterns(prefix)).map(Value::from).collect();
            json!({"Effect": effect, "Action": actions, "Resource": names.arn(Thing::Bucket(bucket), ""),
                "Condition": {"StringLike": {"s3:prefix": one_or_all(asked)}}})
        }
    }
}

/// A list may ask for the folder, or for anything in it.
fn list_patterns(prefix: &[Segment]) -> [String; 2] {
    let pattern = pattern(prefix);
    [format!("{pattern}*"), pattern]
}

fn resource(of: &Arn<'_>, names: &dyn Names) -> Value {
    match of {
        Arn::Keys(bucket, prefix) => names.arn(Thing::Bucket(bucket), &format!("/{}*", pattern(prefix))),
        Arn::Thing(thing) => names.arn(*thing, ""),
        Arn::Written(arn) => arn.as_str().into(),
    }
}

/// Who may have a role: whoever comes through the identity pool, signed in or (`guest`) not. As Amplify writes it.
pub(super) fn trust(guest: bool, names: &dyn Names) -> Value {
    let amr = if guest { "unauthenticated" } else { "authenticated" };
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"Federated": "cognito-identity.amazonaws.com"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {"cognito-identity.amazonaws.com:aud": names.identity_pool()},
            "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": amr},
        },
    }]})
}

// ---- as JSON

/// The names that the account gives, or those of the policy.
struct Given<'a>(&'a Account);

impl Names for Given<'_> {
    fn arn(&self, thing: Thing<'_>, more: &str) -> Value {
        let or = |given: &Option<String>, otherwise: &str| given.clone().unwrap_or_else(|| otherwise.into());
        let arn = match thing {
            Thing::Bucket(name) => {
                format!("arn:aws:s3:::{}", self.0.buckets.get(name).map_or(name, String::as_str))
            }
            Thing::UserPool => or(&self.0.user_pool, "USER-POOL-ARN"),
            Thing::Api(kind) => format!("{}/types/{kind}/*", or(&self.0.api, "API-ARN")),
        };
        (arn + more).into()
    }

    fn identity_pool(&self) -> Value {
        self.0.identity_pool.as_deref().unwrap_or("IDENTITY-POOL-ID").into()
    }
}

/// The given names, or else the longest that AWS allows: what is counted with.
struct Longest<'a>(&'a Account);

impl Names for Longest<'_> {
    fn arn(&self, thing: Thing<'_>, more: &str) -> Value {
        let long = |text: &str, most: usize| format!("{text}{}", "x".repeat(most));
        let arn = match thing {
            Thing::Bucket(name) => match self.0.buckets.get(name) {
                Some(bucket) => format!("arn:aws-us-gov:s3:::{bucket}"),
                None => long("arn:aws-us-gov:s3:::", 63),
            },
            Thing::UserPool => {
                self.0.user_pool.clone().unwrap_or_else(|| long("arn:aws-us-gov:cognito-idp:", 14 + 13 + 10 + 55))
            }
            Thing::Api(kind) => {
                let api = self.0.api.clone().unwrap_or_else(|| long("arn:aws-us-gov:appsync:", 14 + 13 + 6 + 26));
                format!("{api}/types/{kind}/*")
            }
        };
        (arn + more).into()
    }

    fn identity_pool(&self) -> Value {
        "x".repeat(55).into()
    }
}

/// Every role with its policies and its trust.
pub(super) fn write(policy: &Policy, account: &Account, says: &mut Says) -> String {
    let names = Given(account);
    let mut all = Map::new();
    for written in roles(policy, account, says) {
        let (kind, limit, documents) = match written.policies {
            Policies::Inline(statements) if statements.is_empty() => ("inline", INLINE, Vec::new()),
            Policies::Inline(statements) => ("inline", INLINE, vec![document(&statements, &names)]),
            Policies::Managed(all) => {
                ("managed", MANAGED, all.iter().map(|statements| document(statements, &names)).collect())
            }
        };
        let mut role = Map::new();
        if let Role::Group(at, _) = written.role
            && let Some(group) = policy.groups.get(at)
        {
            role.insert("precedence".into(), group.precedence.into());
            role.extend(group.role.clone().map(|arn| ("arn".to_owned(), Value::from(arn))));
        }
        if !matches!(written.role, Role::Function(_)) {
            role.insert("trust".into(), trust(written.role == Role::Guest, &names));
        }
        role.insert("kind".into(), kind.into());
        role.insert("size".into(), json!({"characters": written.size, "limit": limit}));
        role.insert("policies".into(), documents.into());
        all.insert(written.role.name(), role.into());
    }
    latin(&super::json_text(&json!({"roles": all})))
}
