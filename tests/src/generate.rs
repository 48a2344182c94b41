//! Small random policies, and requests that hit them: few names, so that they meet often.
//! Always: what comes out is a policy as the checker would hand it on.

use admit_compiler::condition::{Condition, Kind, Literal, Number, Operand, Relation, Source, Term, Test};
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
const FIELDS: [(&str, FieldType, bool); 11] = [
    ("title", FieldType::String, false),
    ("note", FieldType::String, false),
    ("owner", FieldType::String, false),
    ("author", FieldType::String, false),
    ("team", FieldType::String, false),
    ("editors", FieldType::String, true),
    ("teams", FieldType::String, true),
    ("count", FieldType::Integer, false),
    ("flag", FieldType::Boolean, false),
    ("at", FieldType::DateTime, false),
    ("scores", FieldType::Float, true),
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
/// Paths with claims in them, for policies with everything.
const CLAIM_PATHS: [(&str, bool); 4] = [
    ("a/b/{claims['tenant']}/", false),
    ("q/{claims['tenant']}/", false),
    ("q/{claims['tenant']}/d/", false),
    ("q/{claims['tenant']}/o/", true),
];

/// What generated rules have beside a who and operations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Forms {
    /// What Amplify has.
    Amplify,
    /// Conditions, `.and`, denies, groups that act as others, and claims in paths too.
    All,
}

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
        // Who owns a record, and which group it is of, may stand in one field.
        1 => group("author", false),
        1 => group("teams", true)]
}

/// Where a rule stands: that says what its guards may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    Model,
    Operation,
    Path,
}

fn rule(
    forms: Forms,
    stands: Stands,
    who: impl Strategy<Value = Who>,
    operations: impl Strategy<Value = u8>,
) -> impl Strategy<Value = Rule> {
    let guards = match forms {
        Forms::Amplify => Just((Vec::new(), None)).boxed(),
        Forms::All => {
            let also = match stands {
                Stands::Model => any_who().boxed(),
                Stands::Operation => static_who().boxed(),
                Stands::Path => storage_who(false).boxed(),
            };
            let more = also.clone();
            let condition = option::weighted(0.4, condition(stands == Stands::Model));
            (prop_oneof![4 => vec(also, 0..1), 1 => vec(more, 1..3)], condition).boxed()
        }
    };
    (who, operations, guards).prop_map(|(who, operations, (and, condition))| {
        // `input` is read by rules for create and update only.
        let mut reads = false;
        let mut visit = |term: &Term| reads |= term.source == Source::Input;
        condition.iter().for_each(|condition| condition.each_term(&mut visit));
        let operations = Operations(if reads { operations & 0b11 } else { operations });
        let and = and.into_iter().filter(|also| mode_of(also) == mode_of(&who)).collect();
        Rule { who, and, operations, condition: condition.map(Box::new), place: Place::default() }
    })
}

/// The mode whose callers a who is about: all of a rule's whos share it.
fn mode_of(who: &Who) -> Mode {
    match who {
        Who::ApiKey => Mode::ApiKey,
        Who::Guest => Mode::Guest,
        Who::Custom => Mode::Lambda,
        Who::Authenticated(mode) => *mode,
        Who::Groups { provider, .. } | Who::Owner { provider, .. } | Who::GroupsIn { provider, .. } => provider.mode(),
        Who::Entity => Mode::IdentityPool,
        Who::Function(_) => Mode::Function,
    }
}

/// Denies, where there may be some.
fn denies(
    forms: Forms,
    stands: Stands,
    who: impl Strategy<Value = Who> + 'static,
    operations: impl Strategy<Value = u8> + 'static,
) -> BoxedStrategy<Vec<Rule>> {
    match forms {
        Forms::Amplify => Just(Vec::new()).boxed(),
        Forms::All => option::weighted(0.25, vec(rule(forms, stands, who, operations), 1..3))
            .prop_map(Option::unwrap_or_default)
            .boxed(),
    }
}

fn term(with_record: bool) -> impl Strategy<Value = Term> {
    let claims = vec![
        ("tenant", Kind::Text, false),
        ("level", Kind::Integer, false),
        ("mfa", Kind::Boolean, false),
        ("roles", Kind::Text, true),
        ("username", Kind::Text, false),
    ];
    let claim = select(claims).prop_map(|(name, kind, list)| (Source::Claim, name.to_owned(), kind, list));
    let source = select(vec![Source::Record, Source::Record, Source::Input]);
    let field = (source, select(FIELDS.to_vec())).prop_map(|(source, (name, ty, list))| {
        let kind = match ty {
            FieldType::Integer => Kind::Integer,
            FieldType::Float => Kind::Float,
            FieldType::Boolean => Kind::Boolean,
            FieldType::DateTime => Kind::DateTime,
            _ => Kind::Text,
        };
        (source, name.to_owned(), kind, list)
    });
    let any = if with_record { prop_oneof![1 => claim, 3 => field].boxed() } else { claim.boxed() };
    any.prop_map(|(source, name, kind, list)| Term { source, name, kind, list })
}

fn literal(kind: Kind) -> BoxedStrategy<Literal> {
    let texts = |texts: &[&'static str]| select(texts.to_vec()).prop_map(|text| Literal::Text(text.to_owned())).boxed();
    match kind {
        Kind::Text => texts(&TEXTS),
        Kind::Integer | Kind::Float => {
            let number = |number| Literal::Number(Number::new(f64::from(number)).expect("finite"));
            (0..3i32).prop_map(number).boxed()
        }
        Kind::Boolean => any::<bool>().prop_map(Literal::Boolean).boxed(),
        Kind::Date => texts(&["2026-01-02"]),
        Kind::DateTime => texts(&INSTANTS),
    }
}

fn test(with_record: bool) -> impl Strategy<Value = Test> {
    let relations = vec![
        Relation::Equal,
        Relation::Equal,
        Relation::Less,
        Relation::LessOrEqual,
        Relation::Greater,
        Relation::GreaterOrEqual,
    ];
    (term(with_record), term(with_record), select(relations), 0..6u8).prop_flat_map(|(term, other, relation, form)| {
        let relation = if term.kind.is_ordered() { relation } else { Relation::Equal };
        literal(term.kind).prop_map(move |literal| {
            let (term, other) = (term.clone(), other.clone());
            let fits = !other.list && term.kind.meets(other.kind) && form == 5;
            let operand = if fits { Operand::Term(other) } else { Operand::Literal(literal) };
            match (term.list, form) {
                (true, _) => Test::Contains(term, operand),
                (false, 0) => Test::Null(term),
                (false, 1) if term.kind == Kind::Boolean => Test::Holds(term),
                (false, 1) if term.kind == Kind::Text => Test::HasText(term, operand),
                (false, 2) if term.kind == Kind::Text => Test::StartsWith(term, operand),
                _ => Test::Compare(term, relation, operand),
            }
        })
    })
}

/// A condition on what a rule may read there.
fn condition(with_record: bool) -> impl Strategy<Value = Condition> {
    test(with_record).prop_map(Condition::Test).prop_recursive(3, 6, 3, |inner| {
        prop_oneof![
            1 => inner.clone().prop_map(|of| Condition::Not(Box::new(of))),
            1 => vec(inner.clone(), 0..3).prop_map(Condition::All),
            1 => vec(inner, 0..3).prop_map(Condition::Any)]
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

fn model(forms: Forms, name: &'static str) -> impl Strategy<Value = Model> {
    let on = Stands::Model;
    let some = vec(rule(forms, on, any_who(), field_operations()), 1..3);
    let field_rules = prop_oneof![2 => Just(Vec::new()), 1 => some];
    let field_denies = prop_oneof![3 => Just(Vec::new()), 1 => denies(forms, on, any_who(), field_operations())];
    let fields = (subsequence(FIELDS.to_vec(), 0..=5), vec((field_rules, field_denies), FIELDS.len()));
    let rules = vec(rule(forms, on, any_who(), model_operations()), 1..5);
    let denies = denies(forms, on, any_who(), model_operations());
    let disabled = prop_oneof![4 => Just(0u8), 1 => any::<u8>()].prop_map(Operations);
    (fields, rules, denies, any::<bool>(), disabled).prop_map(
        move |((fields, field_rules), rules, denies, own_key, disabled)| {
            let fields: Vec<Field> = fields
                .into_iter()
                .zip(field_rules)
                .map(|((name, ty, list), (rules, denies))| Field {
                    name: name.to_owned(),
                    ty,
                    list,
                    required: false,
                    rules,
                    denies,
                    place: Place::default(),
                })
                .collect();
            let titled = own_key && fields.iter().any(|field| field.name == "title");
            let identifier = vec![if titled { "title" } else { "id" }.to_owned()];
            Model { name: name.to_owned(), fields, identifier, rules, denies, disabled, place: Place::default() }
        },
    )
}

fn custom(forms: Forms) -> impl Strategy<Value = CustomOperation> {
    let kind = select(vec![OperationKind::Query, OperationKind::Mutation, OperationKind::Subscription]);
    let rules = vec(rule(forms, Stands::Operation, static_who(), Just(Operations::CALL.0)), 1..3);
    let denies = denies(forms, Stands::Operation, static_who(), Just(Operations::CALL.0));
    (kind, rules, denies).prop_map(|(kind, rules, denies)| CustomOperation {
        kind,
        name: "publish".to_owned(),
        rules,
        denies,
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

fn storage_who(entity: bool) -> impl Strategy<Value = Who> + Clone {
    let group = names().prop_map(|names| Who::Groups {
        names,
        provider: Provider::UserPools,
        claim: "cognito:groups".to_owned(),
    });
    let function = select(FUNCTIONS.to_vec()).prop_map(|name| Who::Function(name.to_owned()));
    let own = if entity { Who::Entity } else { Who::Authenticated(Mode::IdentityPool) };
    prop_oneof![
        1 => Just(Who::Guest),
        1 => Just(Who::Authenticated(Mode::IdentityPool)),
        3 => group,
        1 => function,
        2 => Just(own)
    ]
}

fn path(forms: Forms, (prefix, entity): (&'static str, bool)) -> impl Strategy<Value = Path> {
    let rules = vec(rule(forms, Stands::Path, storage_who(entity), storage_operations()), 1..4);
    let denies = denies(forms, Stands::Path, storage_who(entity), storage_operations());
    let claims = (0..).zip(prefix.split('/')).filter(|(_, segment)| segment.starts_with('{'));
    let claims: Vec<(usize, String)> = claims.map(|(at, _)| (at, "tenant".to_owned())).collect();
    (rules, denies).prop_map(move |(rules, denies)| Path {
        prefix: prefix.to_owned(),
        claims: claims.clone(),
        entity,
        rules,
        denies,
        place: Place::default(),
    })
}

fn bucket(forms: Forms) -> impl Strategy<Value = Bucket> {
    let claims: &[_] = if forms == Forms::All { &CLAIM_PATHS } else { &[] };
    let paths: Vec<_> = PATHS.iter().chain(claims).copied().collect();
    let most = paths.len();
    subsequence(paths, 1..=most)
        .prop_flat_map(move |paths| paths.into_iter().map(|of| path(forms, of)).collect::<Vec<_>>())
        .prop_map(|paths| Bucket { name: "files".to_owned(), paths, place: Place::default() })
}

/// The groups: none acts as another, or they do in a chain, or one as both others.
fn groups(forms: Forms) -> impl Strategy<Value = Vec<Group>> {
    let none: [&[&str]; 3] = [&[], &[], &[]];
    let some = match forms {
        Forms::Amplify => vec![none],
        Forms::All => vec![none, none, [&["B"], &[], &[]], [&["B", "C"], &["C"], &[]], [&[], &[], &["A", "B"]]],
    };
    select(some).prop_map(|all| {
        let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let group = |(precedence, (name, others)): (u32, (&&str, &[&str]))| Group {
            name: (*name).to_owned(),
            acts_as: texts(others),
            precedence,
            role: None,
            grants: Vec::new(),
            place: Place::default(),
        };
        (0..).zip(GROUPS.iter().zip(all)).map(group).collect()
    })
}

/// A random policy.
pub fn policy(forms: Forms) -> impl Strategy<Value = Policy> {
    let modes = vec![Mode::UserPool, Mode::IdentityPool, Mode::Oidc, Mode::ApiKey, Mode::Lambda];
    let exclusive = match forms {
        Forms::Amplify => Just(Vec::new()).boxed(),
        Forms::All => {
            let pair = vec!["B".to_owned(), "C".to_owned()];
            option::weighted(0.2, Just(pair)).prop_map(|pair| pair.into_iter().collect()).boxed()
        }
    };
    let settings = (subsequence(modes.clone(), 3..=5), select(modes), any::<bool>(), exclusive);
    let data =
        (model(forms, "Post"), option::of(model(forms, "Note")), option::of(custom(forms)), vec(data_function(), 0..2));
    (settings, data, option::of(bucket(forms)), groups(forms)).prop_map(
        |((modes, default_mode, preferred, exclusive), data, bucket, groups)| {
            let (post, note, custom, data_functions) = data;
            Policy {
                files: vec!["generated.policy".to_owned()],
                has_auth: true,
                groups,
                roles: if preferred { Roles::Preferred } else { Roles::Union },
                group_claim: "cognito:groups".to_owned(),
                exclusive,
                claims: Vec::new(),
                modes,
                default_mode,
                models: [post].into_iter().chain(note).collect(),
                operations: custom.into_iter().collect(),
                functions: FUNCTIONS.iter().map(|name| (*name).to_owned()).collect(),
                data_functions,
                auth_functions: Vec::new(),
                buckets: bucket.into_iter().collect(),
                tests: Vec::new(),
                invariants: Vec::new(),
            }
        },
    )
}

const TEXTS: [&str; 6] = ["A", "u1", "u1::n1", "n1", "t1", ""];
const INSTANTS: [&str; 5] = [
    "2026-01-02T03:04:05Z",
    "2026-01-02T03:04:05.5Z",
    "2026-01-02T03:04:05.50Z",
    "2026-01-02T03:04:05.000Z",
    "2027-01-01T00:00:00Z",
];

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
        (
            or(text(&["t1", "A", "b", "..", "t/1", "", "me"]).boxed()),
            or(prop_oneof![(0..3i32).prop_map(|level| Value::Number(f64::from(level))), text(&["1", "2.0", "x"])]
                .boxed()),
            or(prop_oneof![any::<bool>().prop_map(Value::Bool), text(&["true", "no"])].boxed()),
            or(list(&["A", "u1", "t1"]).boxed()),
        ),
    );
    user.prop_map(|(sub, username, pool_name, email, groups, teams, (tenant, level, mfa, roles))| {
        let all = [
            ("sub", sub),
            ("username", username),
            ("cognito:username", pool_name),
            ("email", email),
            ("cognito:groups", groups),
            ("teams", teams),
            ("tenant", tenant),
            ("level", level),
            ("mfa", mfa),
            ("roles", roles),
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

/// The fields that hold no texts.
const TYPED: [&str; 4] = ["count", "flag", "at", "scores"];

/// A value for one of them, and sometimes one of another type.
fn typed_value(name: &str) -> BoxedStrategy<Value> {
    let number = || (0..3i32).prop_map(|number| Value::Number(f64::from(number)));
    let numbers = || vec(prop_oneof![5 => number(), 1 => Just(Value::Null)], 0..3);
    let fitting = match name {
        "count" => number().boxed(),
        "flag" => any::<bool>().prop_map(Value::Bool).boxed(),
        "at" => text(&INSTANTS).boxed(),
        _ => numbers().prop_map(|items| Value::List(Items(items))).boxed(),
    };
    let other = select(vec![Value::Null, Value::Text("1".to_owned()), Value::Number(0.5)]);
    prop_oneof![6 => fitting, 3 => other].boxed()
}

/// A record of the generated models, or an input for one.
pub fn record() -> impl Strategy<Value = Record> {
    let name = select(vec!["title", "note", "owner", "author", "team", "editors", "teams", "id"]);
    let texts = btree_map(name.prop_map(str::to_owned), field_value(), 0..6);
    let typed = TYPED.map(|name| option::of(typed_value(name)).prop_map(move |value| (name, value)));
    (texts, Vec::from(typed)).prop_map(|(mut record, typed)| {
        record.extend(typed.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        record
    })
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
        "a/f",
        "a/",
        "a",
        "a/b/f",
        "a/b/c/f",
        "a/bb",
        "ab/f",
        "p/me/f",
        "p/x/f",
        "p/w/f",
        "p/w/z/f",
        "p/you/f",
        "p/me",
        "p/../f",
        "q/f",
        "q/r/f",
        "",
        "p/a/b/f",
        "a/b/t1/f",
        "q/t1/f",
        "q/t1/d/f",
        "q/t2/d/f",
        "q/t1/o/me/f",
        "q//d/f",
        "a/b/A/f",
        "q/t1",
        "q/t1/o/x/f",
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

/// How a table lays out what classes may do: a policy of few groups has grids, one of many has cells.
#[derive(Clone, Copy, Debug)]
pub enum Layout {
    /// As it is.
    Grids,
    /// More groups, in a model of their own.
    Cells,
    /// Runs of cells that are long, or pages.
    Long,
}

/// Any layout.
pub fn layout() -> impl Strategy<Value = Layout> {
    prop_oneof![Just(Layout::Grids), Just(Layout::Cells), Just(Layout::Long)]
}

/// The same policy with a hundred groups more, whom a model of their own lets in, or every rule that lets in groups.
pub fn laid_out(mut policy: Policy, layout: Layout) -> Policy {
    if matches!(layout, Layout::Grids) {
        return policy;
    }
    let (crowd, place) = ((0..100).map(|number| format!("Crowd{number}")).collect::<Vec<String>>(), Place::default());
    let last = policy.groups.last().map_or(0, |group| group.precedence);
    policy.groups.extend(crowd.iter().zip(last + 1..).map(|(name, precedence)| Group {
        name: name.clone(),
        acts_as: Vec::new(),
        precedence,
        role: None,
        grants: Vec::new(),
        place,
    }));
    if matches!(layout, Layout::Long) {
        let on_models = policy.models.iter_mut().flat_map(|model| &mut model.rules);
        let in_buckets =
            policy.buckets.iter_mut().flat_map(|bucket| &mut bucket.paths).flat_map(|path| &mut path.rules);
        for rule in on_models.chain(in_buckets) {
            if let Who::Groups { names, provider: Provider::UserPools, claim } = &mut rule.who
                && *claim == policy.group_claim
            {
                names.extend(crowd.iter().cloned());
            }
        }
    }
    let who = Who::Groups { names: crowd, provider: Provider::UserPools, claim: policy.group_claim.clone() };
    let rule = Rule { who, and: Vec::new(), operations: Operations::READ, condition: None, place };
    policy.models.push(Model {
        name: "Crowd".to_owned(),
        fields: Vec::new(),
        identifier: vec!["id".to_owned()],
        rules: vec![rule],
        denies: Vec::new(),
        disabled: Operations::NONE,
        place,
    });
    policy
}
