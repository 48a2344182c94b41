//! A checked policy: what the checker hands to the definition, to lowering and to analysis.
//! Always: every name is resolved, every default is filled in, every rule fits its place. Order is source order,
//! except that groups stand in the order of their precedence.

use crate::condition::{Condition, Kind};
use crate::definition::{Caller, Record};
use admit_runtime::{Mode, Operation, Operations, Provider};
use admit_syntax::ast::{OperationKind, Span};

/// Where something stands in the sources.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Place {
    /// Index into [`Policy::files`].
    pub file: u32,
    /// The bytes.
    pub span: Span,
    /// The line of `span.start`, from 1.
    pub line: u32,
}

/// A whole policy that has no error.
#[derive(Clone, PartialEq, Debug)]
pub struct Policy {
    /// The names of the sources, `/`-separated, as given.
    pub files: Vec<String>,
    /// Whether there is an `auth` block.
    pub has_auth: bool,
    /// The groups of the user pool; the first has the best precedence.
    pub groups: Vec<Group>,
    /// How a user's several roles meet in storage.
    pub roles: Roles,
    /// The claim that holds the user's groups unless a rule names another.
    pub group_claim: String,
    /// Lists of groups that nobody may hold together.
    pub exclusive: Vec<Vec<String>>,
    /// The claims that conditions may read, by name: what each, or each element of it, is, and whether it is a list.
    pub claims: Vec<(String, Kind, bool)>,
    /// The modes that requests may arrive in.
    pub modes: Vec<Mode>,
    /// The API's default mode.
    pub default_mode: Mode,
    /// The models.
    pub models: Vec<Model>,
    /// The custom operations.
    pub operations: Vec<CustomOperation>,
    /// The declared functions.
    pub functions: Vec<String>,
    /// `allow.resource(fn)` of the `data` block.
    pub data_functions: Vec<DataFunction>,
    /// `allow.resource(fn)` of the `auth` block.
    pub auth_functions: Vec<AuthFunction>,
    /// The buckets.
    pub buckets: Vec<Bucket>,
    /// The tests.
    pub tests: Vec<Test>,
    /// The invariants.
    pub invariants: Vec<Invariant>,
}

impl Policy {
    /// Every allow on models, fields, operations and paths. A schema-wide rule comes once for each that inherits it.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.governed().flat_map(|(rules, _)| rules)
    }

    /// Every deny on models, fields, operations and paths. A schema-wide one comes once for each model and operation.
    pub fn denies(&self) -> impl Iterator<Item = &Rule> {
        self.governed().flat_map(|(_, denies)| denies)
    }

    /// The allows and denies of everything that has some.
    fn governed(&self) -> impl Iterator<Item = (&Vec<Rule>, &Vec<Rule>)> {
        let fields = self.models.iter().flat_map(|model| &model.fields).map(|field| (&field.rules, &field.denies));
        let models = self.models.iter().map(|model| (&model.rules, &model.denies));
        let operations = self.operations.iter().map(|operation| (&operation.rules, &operation.denies));
        let paths = self.buckets.iter().flat_map(|bucket| &bucket.paths).map(|path| (&path.rules, &path.denies));
        models.chain(fields).chain(operations).chain(paths)
    }

    /// The groups whose members count as members of one of these.
    pub fn counting_as<'p>(&'p self, names: &'p [String]) -> impl Iterator<Item = &'p str> {
        let names: std::collections::BTreeSet<&String> = names.iter().collect();
        let counts = move |group: &&Group| {
            names.contains(&group.name) || group.acts_as.iter().any(|other| names.contains(other))
        };
        self.groups.iter().filter(counts).map(|group| group.name.as_str())
    }

    /// A who as it is written inside `.and(…)`.
    pub fn who_text(&self, who: &Who, storage: bool) -> String {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let list = |names: &[String]| names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
        let oidc = |provider: Provider, first: bool| match (provider, first) {
            (Provider::UserPools, _) => "",
            (Provider::Oidc, true) => "\"oidc\"",
            (Provider::Oidc, false) => ", \"oidc\"",
        };
        let groups_claim = |claim: &String| match *claim == self.group_claim {
            true => String::new(),
            false => format!(".withClaimIn({})", quoted(claim)),
        };
        match who {
            Who::ApiKey => "publicApiKey()".to_owned(),
            Who::Guest => "guest()".to_owned(),
            Who::Custom => "custom()".to_owned(),
            Who::Authenticated(Mode::Oidc) => "authenticated(\"oidc\")".to_owned(),
            Who::Authenticated(Mode::IdentityPool) if !storage => "authenticated(\"identityPool\")".to_owned(),
            Who::Authenticated(_) => "authenticated()".to_owned(),
            Who::Groups { names, provider, claim } => {
                let (provider, claim) = (oidc(*provider, false), groups_claim(claim));
                match names.as_slice() {
                    [name] => format!("group({}{provider}){claim}", quoted(name)),
                    names => format!("groups([{}]{provider}){claim}", list(names)),
                }
            }
            Who::Owner { field, list, provider, claim } => {
                let claim = match claim.join("::") {
                    claim if claim == "sub::username" => String::new(),
                    claim => format!(".identityClaim({})", quoted(&claim)),
                };
                match (field.as_str(), list) {
                    ("owner", false) => format!("owner({}){claim}", oidc(*provider, true)),
                    (_, false) => format!("ownerDefinedIn({}{}){claim}", quoted(field), oidc(*provider, false)),
                    (_, true) => format!("ownersDefinedIn({}{}){claim}", quoted(field), oidc(*provider, false)),
                }
            }
            Who::GroupsIn { field, list, provider, claim } => {
                let word = if *list { "groupsDefinedIn" } else { "groupDefinedIn" };
                format!("{word}({}{}){}", quoted(field), oidc(*provider, false), groups_claim(claim))
            }
            Who::Entity => "entity(\"identity\")".to_owned(),
            Who::Function(name) => format!("resource({name})"),
        }
    }

    /// A group and every group that it acts as, however far; any other name is itself.
    pub fn acts_as<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p str> {
        let group = self.groups.iter().find(|group| group.name == name);
        [name].into_iter().chain(group.into_iter().flat_map(|group| group.acts_as.iter().map(String::as_str)))
    }
}

/// A group of the user pool.
#[derive(Clone, PartialEq, Debug)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// The other groups that its members count as members of, however far, each once, in byte order.
    pub acts_as: Vec<String>,
    /// Its precedence: the lower, the better.
    pub precedence: u32,
    /// The ARN of the role that it brings: `role: "arn:…"`.
    pub role: Option<String>,
    /// What its role may do beside what the rules give it: `role: { allow.actions([…]).on([…]) }`.
    pub grants: Vec<Grant>,
    /// Where `auth.groups` names it.
    pub place: Place,
}

/// `allow.actions(["s3:GetObject"]).on(["arn:aws:s3:::reports/*"])`, for AWS alone: it decides nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// IAM's actions.
    pub actions: Vec<String>,
    /// ARNs, or `*`.
    pub resources: Vec<String>,
    /// Where the rule stands.
    pub place: Place,
}

/// How a user's several roles meet in storage.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Roles {
    /// What some one of the caller's roles may do.
    #[default]
    Union,
    /// What the role of the caller's best group may do, or the authenticated role for a user in no group.
    Preferred,
}

/// A data model.
#[derive(Clone, PartialEq, Debug)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// The declared fields, relations included.
    pub fields: Vec<Field>,
    /// The fields of its primary key: `["id"]` unless `identifier([…])` says otherwise.
    pub identifier: Vec<String>,
    /// The allows that govern it: its own, or else the schema's.
    pub rules: Vec<Rule>,
    /// The denies that hold on it and on each of its fields: its own and the schema's.
    pub denies: Vec<Rule>,
    /// The operations that it does not have at all: `disableOperations([…])`.
    pub disabled: Operations,
    /// Where its name stands.
    pub place: Place,
}

impl Model {
    /// Whether callers can name a field in an input: those that are declared, and the key's.
    pub fn is_writable(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name) || self.identifier.iter().any(|key| key == name)
    }

    /// The allows that say something of some field. The model's own hold where a field has none, and so do nothing where
    /// every field has some.
    pub fn ruling(&self) -> impl Iterator<Item = &Rule> {
        let holds = self.fields.is_empty() || self.fields.iter().any(|field| field.rules.is_empty());
        let own = self.rules.iter().filter(move |_| holds);
        own.chain(self.fields.iter().flat_map(|field| &field.rules))
    }
}

/// A field of a model.
#[derive(Clone, PartialEq, Debug)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it, or each element of it, is.
    pub ty: FieldType,
    /// `[]`
    pub list: bool,
    /// May not be null.
    pub required: bool,
    /// The allows of its own; none means that the model's hold.
    pub rules: Vec<Rule>,
    /// The denies of its own, which hold beside the model's.
    pub denies: Vec<Rule>,
    /// Where its name stands.
    pub place: Place,
}

/// What a field holds.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum FieldType {
    Id,
    String,
    Integer,
    Float,
    Boolean,
    Date,
    Time,
    DateTime,
    Timestamp,
    Email,
    Json,
    Phone,
    Url,
    IpAddress,
    /// One of these values.
    Enum(Vec<String>),
    /// A custom type.
    Type(String),
    /// A relation to a model.
    Model(String),
}

/// One rule: an allow where it stands among `rules`, a deny among `denies`.
#[derive(Clone, PartialEq, Debug)]
pub struct Rule {
    /// Whom it is about.
    pub who: Who,
    /// What they must be as well: `.and(…)`. Of the same provider.
    pub and: Vec<Who>,
    /// To what; for custom operations [`Operations::CALL`].
    pub operations: Operations,
    /// What must be true: `.when(…)`. Boxed, since few of many rules have one, and it is as large as the rest.
    pub condition: Option<Box<Condition>>,
    /// Where it stands.
    pub place: Place,
}

impl Rule {
    /// Its who, and those that must hold as well.
    pub fn whos(&self) -> impl Iterator<Item = &Who> {
        [&self.who].into_iter().chain(&self.and)
    }

    /// Whether something beside its who decides whether it counts.
    pub fn is_guarded(&self) -> bool {
        !self.and.is_empty() || self.condition.is_some()
    }
}

/// Whom a rule is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Who {
    /// `publicApiKey()`
    ApiKey,
    /// `guest()`
    Guest,
    /// `authenticated()`; the mode is UserPool, Oidc or IdentityPool.
    Authenticated(Mode),
    /// `custom()`
    Custom,
    /// `group("X")`, `groups(["X", "Y"])`
    Groups {
        /// The groups, as written, without repetition.
        names: Vec<String>,
        /// Whose token.
        provider: Provider,
        /// Which claim holds the caller's groups.
        claim: String,
    },
    /// `owner()`, `ownerDefinedIn(field)`, `ownersDefinedIn(field)`
    Owner {
        /// The field that holds the owner, or the owners.
        field: String,
        /// Whether it holds several.
        list: bool,
        /// Whose token.
        provider: Provider,
        /// The parts of the identity claim: `["sub", "username"]`.
        claim: Vec<String>,
    },
    /// `groupDefinedIn(field)`, `groupsDefinedIn(field)`
    GroupsIn {
        /// The field that holds the group, or the groups.
        field: String,
        /// Whether it holds several.
        list: bool,
        /// Whose token.
        provider: Provider,
        /// Which claim holds the caller's groups.
        claim: String,
    },
    /// `entity("identity")`
    Entity,
    /// `resource(fn)`, in storage.
    Function(String),
}

/// A custom query, mutation or subscription.
#[derive(Clone, PartialEq, Debug)]
pub struct CustomOperation {
    /// Which kind.
    pub kind: OperationKind,
    /// Its name.
    pub name: String,
    /// The allows that govern it: its own, or else the schema's static ones.
    pub rules: Vec<Rule>,
    /// The denies that hold on it: its own and the schema's static ones.
    pub denies: Vec<Rule>,
    /// Where its name stands.
    pub place: Place,
}

/// `allow.resource(fn).to(["query"])` in the `data` block.
#[derive(Clone, PartialEq, Debug)]
pub struct DataFunction {
    /// The function.
    pub function: String,
    /// Reads of every model, and custom queries.
    pub query: bool,
    /// Writes of every model, and custom mutations.
    pub mutate: bool,
    /// `listen` on every model, and custom subscriptions.
    pub listen: bool,
    /// Where the rule stands.
    pub place: Place,
}

/// `allow.resource(fn).to(["addUserToGroup"])` in the `auth` block.
#[derive(Clone, PartialEq, Debug)]
pub struct AuthFunction {
    /// The function.
    pub function: String,
    /// The Amplify Auth actions, as written.
    pub actions: Vec<String>,
    /// Where the rule stands.
    pub place: Place,
}

/// A bucket.
#[derive(Clone, PartialEq, Debug)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// Its paths.
    pub paths: Vec<Path>,
    /// Where its name stands.
    pub place: Place,
}

/// A path of a bucket.
#[derive(Clone, PartialEq, Debug)]
pub struct Path {
    /// The path without its `*`, and without `{entity_id}/` if it ends so: `drafts/`. Claims stand in it as
    /// `{claims['x']}`, however they were quoted.
    pub prefix: String,
    /// The segments of the prefix, counted from 0, that stand for a claim, and which.
    pub claims: Vec<(usize, String)>,
    /// Whether it ends in `{entity_id}/*`.
    pub entity: bool,
    /// Its allows.
    pub rules: Vec<Rule>,
    /// Its denies, which hold on everything below it too.
    pub denies: Vec<Rule>,
    /// Where the path stands.
    pub place: Place,
}

/// `test "…" { … }`: examples that must hold. Its `let` names are put in.
#[derive(Clone, PartialEq, Debug)]
pub struct Test {
    /// What it is called.
    pub name: String,
    /// What it asserts.
    pub assertions: Vec<Assertion>,
    /// Where its name stands.
    pub place: Place,
}

/// `eve can ["read"] draft`: each of the operations is allowed; with `cannot`, none is.
#[derive(Clone, PartialEq, Debug)]
pub struct Assertion {
    /// Who asks.
    pub caller: Caller,
    /// `can` rather than `cannot`.
    pub can: bool,
    /// The operations, each once, in the order written; `read` stands for its parts. Of an operation of one's own:
    /// [`Operation::Call`].
    pub operations: Vec<Operation>,
    /// On what.
    pub target: Target,
    /// `with { … }`: what `create` or `update` proposes.
    pub input: Option<Record>,
    /// Where it stands.
    pub place: Place,
}

/// What an assertion asks about.
#[derive(Clone, PartialEq, Debug)]
pub enum Target {
    /// A record of a model, or one field of it.
    Record {
        /// The model.
        model: String,
        /// The field alone: `draft.notes`.
        field: Option<String>,
        /// The stored record, or what `create` proposes; none where it says nothing of the record: `can ["create"] Post`.
        record: Option<Record>,
    },
    /// A custom operation.
    Custom(OperationKind, String),
    /// An object of a bucket.
    Object {
        /// The bucket.
        bucket: String,
        /// The object's key, or for `list` a prefix of keys.
        key: String,
    },
}

/// `invariant "…" { … }`: what must hold for every possible request.
#[derive(Clone, PartialEq, Debug)]
pub struct Invariant {
    /// What it is called.
    pub name: String,
    /// What it requires.
    pub requirements: Vec<Requirement>,
    /// Where its name stands.
    pub place: Place,
}

/// One thing that an invariant requires.
#[derive(Clone, PartialEq, Debug)]
pub struct Requirement {
    /// Which form.
    pub kind: RequirementKind,
    /// Where it stands.
    pub place: Place,
}

/// The forms of a [`Requirement`]. Several operations of a deed are "some one of them", except in the second deed of
/// [`RequirementKind::Whoever`], where they are "each of them".
#[derive(Clone, PartialEq, Debug)]
pub enum RequirementKind {
    /// `only [group("ADMINS"), owner()] can ["delete"] Post`: whoever can is one of these.
    Only(Vec<Whom>, Deed),
    /// `no guest() can ["read"] Post`: whoever is this cannot.
    No(Whom, Deed),
    /// `whoever can ["update"] Post can ["get"] Post`: of one principal, on one record.
    Whoever(Deed, Deed),
    /// `no one can both ["create"] Payment and approvePayment`: the same principal, on any two records.
    NoOne(Deed, Deed),
}

/// Whom an invariant speaks of: `group("ADMINS")`, `owner().and(group("EDITORS"))`, `resource(resizer)`,
/// `authenticated().when(record.tenant == claims["custom:tenant"])`.
#[derive(Clone, PartialEq, Debug)]
pub struct Whom {
    /// The who. A function may stand on every target.
    pub who: Who,
    /// What they must be as well.
    pub and: Vec<Who>,
    /// What must be true of them and of what they touch: `.when(…)`.
    pub condition: Option<Box<Condition>>,
    /// Where it stands.
    pub place: Place,
}

/// Operations on something.
#[derive(Clone, PartialEq, Debug)]
pub struct Deed {
    /// The operations, each once, in the order written; `read` stands for its parts. Of an operation of one's own:
    /// [`Operation::Call`].
    pub operations: Vec<Operation>,
    /// On what.
    pub target: DeedTarget,
    /// Where it stands: the operations and the target.
    pub place: Place,
}

/// What an invariant speaks of.
#[derive(Clone, PartialEq, Debug)]
pub enum DeedTarget {
    /// Records of a model, or one field of them.
    Record {
        /// The model.
        model: String,
        /// The field alone: `Post.notes`.
        field: Option<String>,
        /// Only records that hold these values: `Post { state: "draft" }`. Of `create`: only inputs that do.
        record: Record,
    },
    /// A custom operation.
    Custom(OperationKind, String),
    /// Objects of a bucket.
    Objects {
        /// The bucket.
        bucket: String,
        /// Which of its keys.
        keys: Keys,
    },
}

/// Keys of a bucket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Keys {
    /// `articles`
    All,
    /// `articles "drafts/a.md"`
    One(String),
    /// `articles "drafts/*"`: all that begin with this. `{entity_id}` and claims do not stand in it.
    Below(String),
}
