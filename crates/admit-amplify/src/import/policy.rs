//! What was read of a project, before it is text.
//! Always: names are identifiers of the policy language; everything else is quoted when it is written.

use super::value::At;
use std::collections::{BTreeMap, BTreeSet};

/// A whole project.
#[derive(Default)]
pub struct Policy {
    /// `defineAuth`.
    pub auth: Option<Auth>,
    /// `defineData`.
    pub data: Option<Data>,
    /// `defineStorage`, each.
    pub buckets: Vec<Bucket>,
    /// `defineFunction`, those that rules name: the policy's name, and Amplify's if it is another.
    pub functions: BTreeMap<String, Option<String>>,
}

/// Users.
#[derive(Default)]
pub struct Auth {
    /// How users sign in.
    pub login: Vec<String>,
    /// The groups, the first has precedence.
    pub groups: Vec<String>,
    /// Groups that rules name and `defineAuth` does not, which come last.
    pub more_groups: Vec<String>,
    /// More about some groups.
    pub about: BTreeMap<String, Group>,
    /// What functions may do.
    pub rules: Vec<Rule>,
    /// What is not carried over.
    pub notes: Vec<String>,
}

/// More about a group.
#[derive(Default)]
pub struct Group {
    /// Its precedence, if it is not its place in the list.
    pub precedence: Option<u64>,
    /// Its role.
    pub role: Option<Role>,
}

/// The IAM role of a group.
pub enum Role {
    /// One that exists, by its ARN.
    Given(String),
    /// The generated one, and what it may do more: actions, on resources.
    Extended(Vec<(Vec<String>, Vec<String>)>),
}

/// The data API.
#[derive(Default)]
pub struct Data {
    /// The modes; none if they cannot be read.
    pub modes: Option<Vec<&'static str>>,
    /// The default mode.
    pub default: Option<String>,
    /// Rules for everything without rules, and those of functions.
    pub rules: Vec<Rule>,
    /// Models, types and operations.
    pub types: Vec<Type>,
    /// What is not carried over.
    pub notes: Vec<String>,
}

/// A declaration of a schema.
pub enum Type {
    /// A model.
    Model(Model),
    /// A custom type.
    Custom(String, Vec<Field>),
    /// An enum.
    Enum(String, Vec<String>),
    /// A custom operation.
    Operation(Operation),
}

impl Type {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Type::Model(model) => &model.name,
            Type::Custom(name, _) | Type::Enum(name, _) => name,
            Type::Operation(operation) => &operation.name,
        }
    }
}

/// A model.
pub struct Model {
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub at: At,
    /// Its fields, in order.
    pub fields: Vec<Field>,
    /// The fields of its key.
    pub identifier: Option<Vec<String>>,
    /// What is disabled.
    pub disabled: Option<Vec<String>>,
    /// Its own rules.
    pub rules: Vec<Rule>,
    /// Whether it has rules of its own, readable or not.
    pub has_rules: bool,
    /// What is not carried over.
    pub notes: Vec<String>,
}

/// A field, a parameter, or a result.
pub struct Field {
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub at: At,
    /// The type without marks: a scalar, or the name of a type.
    pub base: String,
    /// Whether the base is the name of something in the schema.
    pub is_named: bool,
    /// `!` and `[]`, in order.
    pub marks: String,
    /// Its own rules; none if it has none.
    pub rules: Option<Vec<Rule>>,
    /// What is not carried over.
    pub notes: Vec<String>,
}

/// A custom operation.
pub struct Operation {
    /// `query`, `mutation` or `subscription`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub at: At,
    /// Its parameters.
    pub args: Vec<Field>,
    /// Its result.
    pub returns: Option<Field>,
    /// `function`, `custom` or `none`.
    pub handler: &'static str,
    /// What feeds a subscription: a name, and the mutations of a model.
    pub sources: Option<Vec<(String, Option<Vec<String>>)>>,
    /// Its own rules.
    pub rules: Vec<Rule>,
    /// Whether it has rules of its own, readable or not.
    pub has_rules: bool,
}

/// A bucket.
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// Its paths, in order.
    pub paths: Vec<Path>,
    /// What is not carried over.
    pub notes: Vec<String>,
}

/// A path of a bucket.
pub struct Path {
    /// As written.
    pub path: String,
    /// Where.
    pub at: At,
    /// Its rules.
    pub rules: Vec<Rule>,
    /// Whether something of it could not be read.
    pub is_partial: bool,
}

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Where.
    pub at: At,
    /// `owner`, `groups`, …
    pub builder: String,
    /// Whether it is called: `guest()` and `guest`.
    pub is_called: bool,
    /// Its arguments.
    pub args: Vec<Arg>,
    /// Its modifiers, in order.
    pub modifiers: Vec<(String, Vec<Arg>)>,
}

/// An argument.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Arg {
    /// A text.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
    /// A function's name.
    Name(String),
}

impl Rule {
    fn modifier(&self, name: &str) -> Option<&Arg> {
        self.modifiers.iter().find(|(known, _)| known == name).and_then(|(_, args)| args.first())
    }

    /// The operations of `.to`; none without it.
    pub fn operations(&self) -> Option<&[String]> {
        match self.modifier("to")? {
            Arg::Texts(texts) => Some(texts),
            _ => None,
        }
    }

    /// Puts other operations in the place of those of `.to`.
    pub fn set_operations(&mut self, operations: Vec<String>) {
        self.modifiers.retain(|(name, _)| name != "to");
        self.modifiers.push(("to".into(), vec![Arg::Texts(operations)]));
    }

    /// The text of a modifier; an empty one is none, as in Amplify.
    pub fn claim(&self, modifier: &str) -> Option<&str> {
        match self.modifier(modifier)? {
            Arg::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// The groups that it names.
    pub fn groups(&self) -> Vec<&str> {
        match (self.builder.as_str(), self.args.first()) {
            ("group", Some(Arg::Text(name))) => vec![name],
            ("groups", Some(Arg::Texts(names))) => names.iter().map(String::as_str).collect(),
            ("groups", Some(Arg::Text(name))) => vec![name],
            _ => Vec::new(),
        }
    }

    /// Keeps the groups that pass, and says whether any is left. A rule of other builders stays.
    pub fn keep_groups(&mut self, keep: impl Fn(&str) -> bool) -> bool {
        match (self.builder.as_str(), self.args.first_mut()) {
            ("group", Some(Arg::Text(name))) => keep(name),
            ("groups", Some(Arg::Texts(names))) => {
                let before = names.len();
                names.retain(|name| keep(name));
                !names.is_empty() || before == 0
            }
            _ => true,
        }
    }

    /// The provider, the default filled in.
    pub fn provider(&self) -> &str {
        let at = match self.builder.as_str() {
            "authenticated" | "owner" | "custom" => 0,
            "guest" => return "identityPool",
            "publicApiKey" => return "apiKey",
            _ => 1,
        };
        match self.args.get(at) {
            Some(Arg::Text(provider)) => provider,
            _ if self.builder == "custom" => "function",
            _ => "userPools",
        }
    }

    /// The record's field that it reads.
    pub fn field(&self) -> Option<&str> {
        let named = match self.args.first() {
            Some(Arg::Text(field)) => field.as_str(),
            _ => "",
        };
        match self.builder.as_str() {
            "owner" => Some("owner"),
            "ownerDefinedIn" | "ownersDefinedIn" if named.is_empty() => Some("owner"),
            "ownerDefinedIn" | "ownersDefinedIn" | "groupDefinedIn" | "groupsDefinedIn" => Some(named),
            _ => None,
        }
    }

    /// The claim that holds the groups, for rules that name groups.
    pub fn group_claim(&self) -> &str {
        self.claim("withClaimIn").unwrap_or("cognito:groups")
    }

    /// Whether its groups are those of the user pool itself.
    pub fn is_of_pool(&self) -> bool {
        self.provider() != "oidc" && self.group_claim() == "cognito:groups"
    }

    /// Whom it admits, as Amplify tells roles apart; one for each group.
    pub fn roles(&self) -> BTreeSet<String> {
        let provider = self.provider();
        let groups = self.groups();
        if !groups.is_empty() {
            let claim = self.group_claim();
            return groups.iter().map(|group| format!("group {provider} {claim} {group}")).collect();
        }
        let role = match (self.builder.as_str(), self.field()) {
            ("owner" | "ownerDefinedIn" | "ownersDefinedIn", Some(field)) => {
                let claim = self.claim("identityClaim").unwrap_or("sub::username");
                format!("owner {provider} {field} {claim}")
            }
            (_, Some(field)) => format!("group in {provider} {field} {}", self.group_claim()),
            (builder, None) => format!("{builder} {provider}"),
        };
        BTreeSet::from([role])
    }
}
