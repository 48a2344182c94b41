//! Small random policies, and requests that hit them: few names, so that they meet often.
//! Always: what comes out is a policy as the checker would hand it on.

use admit_compiler::definition::{Caller, Items, Question, Record, Stored, Target, Value};
use admit_compiler::policy::{
    Bucket, CustomOperation, DataFunction, Field, FieldType, Group, Model, Path, Place, Policy, Roles, Rule, Who,
};
use admit_runtime::{Authorizer, Mode, Operation, Operations, Provider};
use admit_syntax::ast::OperationKind;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

const GROUPS: [&str; 3] = ["A", "B", "C"];
const FUNCTIONS: [&str; 2] = ["resizer", "auditor"];
const FIELDS: [(&str, bool); 7] = [
    ("title", false),
    ("note", false),
    ("owner", false),
    ("author", false),
    ("team", false),
    ("editors", true),
    ("teams", true),
];
/// Paths, and whether they end in the caller's own folder. None stands above one that does.
const PATHS: [(&str, bool); 8] = [
    ("a/", false),
    ("a/b/", false),
    ("a/b/c/", false),
    ("ab/", false),
    ("p/", true),
    ("p/x/", false),
    ("p/w/z/", false),
    ("q/r/", false),
];

fn provider() -> impl Strategy<Value = Provider> {
    select(vec![Provider::UserPools, Provider::UserPools, Provider::UserPools, Provider::Oidc])
}

fn group_claim() -> impl Strategy<Value = String> {
    select(vec!["cognito:groups", "cognito:groups", "teams"]).prop_map(str::to_owned)
}

fn identity_claim() -> impl Strategy<Value = Vec<String>> {
    let texts = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>();
    select(vec![texts(&["sub", "username"]), texts(&["sub"]), texts(&["email"])])
}

fn names() -> impl Strategy<Value = Vec<String>> {
    subsequence(GROUPS.to_vec(), 1..=2).prop_map(|names| names.into_iter().map(str::to_owned).collect())
}

fn groups_who() -> impl Strategy<Value = Who> {
    (names(), provider(), group_claim()).prop_map(|(names, provider, claim)| Who::Groups { names, provider, claim })
}

fn static_who() -> impl Strategy<Value = Who> {
    prop_oneof![
        1 => Just(Who::ApiKey),
        1 => Just(Who::Guest),
        1 => Just(Who::Custom),
        1 => select(vec![Mode::UserPool, Mode::Oidc, Mode::IdentityPool]).prop_map(Who::Authenticated),
        4 => groups_who()]
}

fn dynamic_who() -> impl Strategy<Value = Who> {
    let owner = |fields: Vec<&'static str>, list: bool| {
        (select(fields), provider(), identity_claim()).prop_map(move |(field, provider, claim)| Who::Owner {
            field: field.to_owned(),
            list,
            provider,
            claim,
        })
    };
    let group = |field: &'static str, list: bool| {
        (provider(), group_claim()).prop_map(move |(provider, claim)| Who::GroupsIn {
            field: field.to_owned(),
            list,
            provider,
            claim,
        })
    };
    prop_oneof![
        3 => owner(vec!["owner", "owner", "author"], false),
        1 => owner(vec!["editors"], true),
        1 => group("team", false),
        1 => group("teams", true)]
}

fn rule(who: impl Strategy<Value = Who>, operations: impl Strategy<Value = u8>) -> impl Strategy<Value = Rule> {
    (who, operations).prop_map(|(who, operations)| Rule {
        who,
        operations: Operations(operations),
        place: Place::default(),
    })
}

fn model_operations() -> impl Strategy<Value = u8> {
    prop_oneof![3 => Just(255u8), 2 => Just(Operations::READ.0), 1 => Just(0b111), 4 => 1..=255u8]
}

fn field_operations() -> impl Strategy<Value = u8> {
    let read = Operations::READ.0;
    let all = vec![1, 2, 4, read];
    prop_oneof![Just(255u8), subsequence(all, 1..=4).prop_map(|some| some.into_iter().fold(0, |all, one| all | one))]
}

fn any_who() -> impl Strategy<Value = Who> {
    prop_oneof![static_who(), dynamic_who()]
}

fn model(name: &'static str) -> impl Strategy<Value = Model> {
    let field_rules = prop_oneof![2 => Just(Vec::new()), 1 => vec(rule(any_who(), field_operations()), 1..3)];
    let fields = (subsequence(FIELDS.to_vec(), 0..=5), vec(field_rules, FIELDS.len()));
    let disabled = prop_oneof![4 => Just(0u8), 1 => any::<u8>()].prop_map(Operations);
    (fields, vec(rule(any_who(), model_operations()), 1..5), any::<bool>(), disabled).prop_map(
        move |((fields, field_rules), rules, own_key, disabled)| {
            let fields: Vec<Field> = fields
                .into_iter()
                .zip(field_rules)
                .map(|((name, list), rules)| Field {
                    name: name.to_owned(),
                    ty: FieldType::String,
                    list,
                    required: false,
                    rules,
                    place: Place::default(),
                })
                .collect();
            let titled = own_key && fields.iter().any(|field| field.name == "title");
            let identifier = vec![if titled { "title" } else { "id" }.to_owned()];
            Model { name: name.to_owned(), fields, identifier, rules, disabled, place: Place::default() }
        },
    )
}

fn custom() -> impl Strategy<Value = CustomOperation> {
    let kind = select(vec![OperationKind::Query, OperationKind::Mutation, OperationKind::Subscription]);
    (kind, vec(rule(static_who(), Just(Operations::CALL.0)), 1..3)).prop_map(|(kind, rules)| CustomOperation {
        kind,
        name: "publish".to_owned(),
        rules,
        place: Place::default(),
    })
}

fn data_function() -> impl Strategy<Value = DataFunction> {
    (select(FUNCTIONS.to_vec()), any::<[bool; 3]>()).prop_map(|(function, [query, mutate, listen])| DataFunction {
        function: function.to_owned(),
        query,
        mutate,
        listen,
        place: Place::default(),
    })
}

fn storage_operations() -> impl Strategy<Value = u8> {
    select(vec![1u8, 4, 8, 16, 24, 29, 25])
}

fn path((prefix, entity): (&'static str, bool)) -> impl Strategy<Value = Path> {
    let group = (names(), Just(())).prop_map(|(names, ())| Who::Groups {
        names,
        provider: Provider::UserPools,
        claim: "cognito:groups".to_owned(),
    });
    let function = select(FUNCTIONS.to_vec()).prop_map(|name| Who::Function(name.to_owned()));
    let own = if entity { Who::Entity } else { Who::Authenticated(Mode::IdentityPool) };
    let who = prop_oneof![
        1 => Just(Who::Guest),
        1 => Just(Who::Authenticated(Mode::IdentityPool)),
        3 => group,
        1 => function,
        2 => Just(own)
    ];
    vec(rule(who, storage_operations()), 1..4).prop_map(move |rules| Path {
        prefix: prefix.to_owned(),
        entity,
        rules,
        place: Place::default(),
    })
}

fn bucket() -> impl Strategy<Value = Bucket> {
    subsequence(PATHS.to_vec(), 1..=PATHS.len())
        .prop_flat_map(|paths| paths.into_iter().map(path).collect::<Vec<_>>())
        .prop_map(|paths| Bucket { name: "files".to_owned(), paths, place: Place::default() })
}

/// A random policy.
pub fn policy() -> impl Strategy<Value = Policy> {
    let modes = vec![Mode::UserPool, Mode::IdentityPool, Mode::Oidc, Mode::ApiKey, Mode::Lambda];
    let settings = (subsequence(modes.clone(), 3..=5), select(modes), any::<bool>());
    let data = (model("Post"), option::of(model("Note")), option::of(custom()), vec(data_function(), 0..2));
    (settings, data, option::of(bucket())).prop_map(|((modes, default_mode, preferred), data, bucket)| {
        let (post, note, custom, data_functions) = data;
        Policy {
            files: vec!["generated.policy".to_owned()],
            has_auth: true,
            groups: GROUPS.iter().map(|name| Group { name: (*name).to_owned(), place: Place::default() }).collect(),
            roles: if preferred { Roles::Preferred } else { Roles::Union },
            group_claim: "cognito:groups".to_owned(),
            modes,
            default_mode,
            models: [post].into_iter().chain(note).collect(),
            operations: custom.into_iter().collect(),
            functions: FUNCTIONS.iter().map(|name| (*name).to_owned()).collect(),
            data_functions,
            auth_functions: Vec::new(),
            buckets: bucket.into_iter().collect(),
        }
    })
}

fn text(texts: &[&'static str]) -> impl Strategy<Value = Value> + use<> {
    select(texts.to_vec()).prop_map(|text| Value::Text(text.to_owned()))
}

fn list(texts: &'static [&'static str]) -> impl Strategy<Value = Value> {
    vec(prop_oneof![8 => text(texts), 1 => Just(Value::Number(1.0))], 0..3).prop_map(|items| Value::List(Items(items)))
}

const OWNERS: [&str; 8] = ["u1::n1", "u1", "n1", "u2::n2", "u2", "e1", "", "u1::n2"];

fn group_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => list(&["A", "B", "C", "X"]),
        2 => text(&["A", "B", "AB", "", "[\"A\", \"B\"]", "[\"C\"]", "[\"A\"", "[]", "[1, \"B\"]"]),
        1 => Just(Value::Null),
        1 => Just(Value::Number(3.0)),
        1 => Just(Value::Object),
    ]
}

/// Claims of a token; each may be missing or malformed.
pub fn claims() -> impl Strategy<Value = Record> {
    let or = |value: BoxedStrategy<Value>| prop_oneof![6 => value.prop_map(Some), 1 => Just(None), 1 => Just(Some(Value::Number(7.0)))];
    let user = (
        or(text(&["u1", "u2", ""]).boxed()),
        or(text(&["n1", "n2"]).boxed()),
        or(text(&["n1"]).boxed()),
        or(text(&["e1"]).boxed()),
        option::of(group_value()),
        option::of(group_value()),
    );
    user.prop_map(|(sub, username, pool_name, email, groups, teams)| {
        let all = [
            ("sub", sub),
            ("username", username),
            ("cognito:username", pool_name),
            ("email", email),
            ("cognito:groups", groups),
            ("teams", teams),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    })
}

fn caller() -> impl Strategy<Value = Caller> {
    let mode = prop_oneof![
        5 => Just(Mode::UserPool),
        3 => select(Mode::ALL.to_vec()),
        2 => Just(Mode::IdentityPool)];
    let groups = option::of(vec(select(vec!["A", "B", "C", "X"]).prop_map(str::to_owned), 0..3));
    let identity = option::of(select(vec!["me", "x", "w", "..", "a/b", ""]).prop_map(str::to_owned));
    let authorizer = select(vec![Authorizer::Yes, Authorizer::Yes, Authorizer::No, Authorizer::NotAsked]);
    let function = select(vec!["resizer", "auditor", "nobody"]).prop_map(str::to_owned);
    (mode, claims(), groups, identity, authorizer, function, any::<bool>()).prop_map(
        |(mode, claims, groups, identity_id, authorizer, function, trusted)| Caller {
            mode,
            claims,
            groups,
            identity_id,
            function: Some(function),
            authorizer,
            trusted,
        },
    )
}

fn field_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        5 => text(&OWNERS),
        2 => text(&["A", "B", "C"]),
        2 => list(&OWNERS),
        1 => list(&["A", "B", "C"]),
        1 => Just(Value::Null),
        1 => Just(Value::Bool(true)),
        1 => Just(Value::Object)]
}

/// A record of the generated models, or an input for one.
pub fn record() -> impl Strategy<Value = Record> {
    let name = select(vec!["title", "note", "owner", "author", "team", "editors", "teams", "id"]);
    btree_map(name.prop_map(str::to_owned), field_value(), 0..6)
}

fn target() -> impl Strategy<Value = Target> {
    let operation = select(vec![
        Operation::Create,
        Operation::Create,
        Operation::Update,
        Operation::Update,
        Operation::Delete,
        Operation::Get,
        Operation::List,
        Operation::Listen,
        Operation::Sync,
        Operation::Search,
        Operation::Relation,
    ]);
    let storage = select(vec![Operation::Get, Operation::List, Operation::Write, Operation::Delete]);
    let keys = vec![
        "a/f", "a/", "a", "a/b/f", "a/b/c/f", "a/bb", "ab/f", "p/me/f", "p/x/f", "p/w/f", "p/w/z/f", "p/you/f", "p/me",
        "p/../f", "q/f", "q/r/f", "", "p/a/b/f",
    ];
    let kind = select(vec![OperationKind::Query, OperationKind::Mutation, OperationKind::Subscription]);
    prop_oneof![
    8 => (select(vec!["Post", "Post", "Note", "Nothing"]), operation).prop_map(|(name, op)| Target::Model(name.to_owned(), op)),
    1 => (kind, select(vec!["publish", "other"])).prop_map(|(kind, name)| Target::Custom(kind, name.to_owned())),
    3 => (storage, select(keys)).prop_map(|(operation, key)| Target::Storage {
        bucket: "files".to_owned(),
        operation,
        key: key.to_owned(),
    })]
}

/// A random request.
pub fn question() -> impl Strategy<Value = Question> {
    let stored = prop_oneof![
        6 => record().prop_map(Stored::Given),
        1 => Just(Stored::Missing),
        1 => Just(Stored::NotGiven)
    ];
    let args = prop_oneof![
        3 => Just(Record::new()),
        1 => btree_map(select(vec!["owner", "author", "team", "title"]).prop_map(str::to_owned), field_value(), 0..3)
    ];
    let index = prop_oneof![3 => Just(Vec::new()), 1 => Just(vec!["title".to_owned(), "owner".to_owned()])];
    (caller(), target(), stored, option::weighted(0.9, record()), args, index).prop_map(
        |(caller, target, stored, input, args, index)| Question { caller, target, stored, input, args, index },
    )
}
