//! What a decision says of the rules that it considered is what each of them comes to, and what is decided by them: on
//! generated policies, each verdict is the definition's of that rule alone, who is allowed has a true rule, and who is
//! denied has none that nothing takes away.

use admit_compiler::condition::{Condition, Truth};
use admit_compiler::definition::{self, Caller, Question, Stored, Target, Value, parts};
use admit_compiler::policy::{Model, Path, Policy, Roles, Rule, Who};
use admit_runtime::{Effect, Mode, Operation, Reason, Verdict};
use admit_tests::asked::decided;
use admit_tests::generate::{self, Forms};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Gives every rule a line of its own, and every mode, as the checker asks for those that rules name.
fn numbered(mut policy: Policy) -> Policy {
    policy.modes = vec![Mode::UserPool, Mode::Oidc, Mode::ApiKey, Mode::Guest, Mode::IdentityPool, Mode::Lambda];
    let mut line = 0;
    let mut number = |rules: &mut Vec<Rule>| {
        for rule in rules {
            line += 1;
            rule.place.line = line;
        }
    };
    for model in &mut policy.models {
        number(&mut model.rules);
        number(&mut model.denies);
        model.fields.iter_mut().flat_map(|field| [&mut field.rules, &mut field.denies]).for_each(&mut number);
    }
    policy.operations.iter_mut().flat_map(|custom| [&mut custom.rules, &mut custom.denies]).for_each(&mut number);
    let paths = policy.buckets.iter_mut().flat_map(|bucket| &mut bucket.paths);
    paths.flat_map(|path| [&mut path.rules, &mut path.denies]).for_each(&mut number);
    policy
}

/// A rule where it stands: whether it is a deny, and on which path.
type Standing<'p> = (&'p Rule, bool, Option<&'p Path>);

fn by_line(policy: &Policy) -> BTreeMap<u32, Standing<'_>> {
    let mut lists: Vec<(&Vec<Rule>, bool, Option<&Path>)> = Vec::new();
    for model in &policy.models {
        lists.extend([(&model.rules, false, None), (&model.denies, true, None)]);
        lists.extend(model.fields.iter().flat_map(|of| [(&of.rules, false, None), (&of.denies, true, None)]));
    }
    for custom in &policy.operations {
        lists.extend([(&custom.rules, false, None), (&custom.denies, true, None)]);
    }
    for path in policy.buckets.iter().flat_map(|bucket| &bucket.paths) {
        lists.extend([(&path.rules, false, Some(path)), (&path.denies, true, Some(path))]);
    }
    lists
        .into_iter()
        .flat_map(|(rules, denies, path)| rules.iter().map(move |rule| (rule.place.line, (rule, denies, path))))
        .collect()
}

fn model<'p>(policy: &'p Policy, question: &Question) -> Option<&'p Model> {
    let Target::Model(name, _) = &question.target else { return None };
    policy.models.iter().find(|model| model.name == *name)
}

/// Whether rules are judged on one record, that is known as far as it can be.
fn is_of_one(question: &Question) -> bool {
    match &question.target {
        Target::Model(_, Operation::Get | Operation::Update | Operation::Delete) => {
            matches!(question.stored, Stored::Given(_)) && question.args.is_empty()
        }
        Target::Model(_, Operation::Create) => question.input.is_some(),
        Target::Model(..) => false,
        _ => true,
    }
}

/// Everything with conditions of allows that are always true.
fn unconditional(mut policy: Policy) -> Policy {
    let bare = |rules: &mut Vec<Rule>| {
        let conditions = rules.iter_mut().filter_map(|rule| rule.condition.as_mut());
        conditions.for_each(|condition| **condition = Condition::All(Vec::new()));
    };
    for model in &mut policy.models {
        bare(&mut model.rules);
        model.fields.iter_mut().map(|field| &mut field.rules).for_each(bare);
    }
    policy.operations.iter_mut().map(|custom| &mut custom.rules).for_each(bare);
    policy.buckets.iter_mut().flat_map(|bucket| &mut bucket.paths).map(|path| &mut path.rules).for_each(bare);
    policy
}

/// Whether other rules say as well what an owner rule comes to where a record is created: one that fills the same field
/// in another way, or one whose own condition says whether it fills its field.
fn depends_on_others(policy: &Policy, rule: &Rule) -> bool {
    let owners = |rule: &'_ Rule| -> Vec<(String, Who)> {
        let owner = |who: &Who| match who {
            Who::Owner { field, .. } => Some((field.clone(), who.clone())),
            _ => None,
        };
        rule.whos().filter_map(owner).collect()
    };
    let own = owners(rule);
    let guarded = policy.rules().any(|other| other.is_guarded() && !owners(other).is_empty());
    guarded
        || policy.rules().flat_map(owners).any(|(field, who)| own.iter().any(|(of, one)| *of == field && *one != who))
}

/// Whether it is a rule of a model of which every field has rules of its own.
fn governs_nothing(model: &Model, rule: &Rule) -> bool {
    let every = !model.fields.is_empty() && model.fields.iter().all(|field| !field.rules.is_empty());
    every && model.rules.iter().any(|of| of.place == rule.place)
}

/// Whether some part of a condition is always true, or never.
fn has_constant(condition: &Condition) -> bool {
    match condition {
        Condition::Test(_) => false,
        Condition::Not(of) => has_constant(of),
        Condition::All(parts) | Condition::Any(parts) => parts.is_empty() || parts.iter().any(has_constant),
    }
}

struct Said {
    effect: Effect,
    reason: Option<Reason>,
    /// By line.
    verdicts: BTreeMap<u32, Verdict>,
    failing: Vec<u32>,
}

fn said(loaded: &admit_runtime::Policy<'_>, question: &Question) -> Option<Said> {
    decided(loaded, question, |decision| Said {
        effect: decision.effect(),
        reason: decision.reason(),
        verdicts: decision
            .considered()
            .filter(|(rule, _)| rule.line() > 0)
            .map(|(rule, verdict)| (rule.line(), verdict))
            .collect(),
        failing: decision.failing().map(|rule| rule.line()).collect(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: admit_tests::cases(300), max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn each_verdict_is_the_rules_own(
        policy in prop_oneof![generate::policy(Forms::All), generate::policy(Forms::Amplify)],
        questions in proptest::collection::vec(generate::question(), 40),
    ) {
        let policy = numbered(policy);
        let rules = by_line(&policy);
        let bytes = admit_compiler::table(&policy, false).unwrap();
        let loaded = admit_runtime::Policy::from_bytes(&bytes).unwrap();
        let bare = unconditional(policy.clone());
        let constant = policy.rules().filter_map(|rule| rule.condition.as_deref()).any(has_constant);
        // What a query fixes besides, its arguments and the keys of its index, narrows what owners may read; no rule says so.
        let plain = |one: &Question| Question { args: Default::default(), index: Vec::new(), ..one.clone() };
        for question in questions.iter().map(plain) {
            let Some(said) = said(&loaded, &question) else { continue };
            let denied_fields = matches!(said.reason, Some(Reason::Fields | Reason::Unknown));
            if let (Some(Reason::Condition | Reason::Unauthorized), false) = (said.reason, denied_fields) {
                let without = definition::decide(&bare, &question);
                let would = without.allowed || without.ask || !without.denied_fields.is_empty();
                prop_assert!(would || said.reason == Some(Reason::Unauthorized), "{:?}", question);
                // A rule whose condition can never be true is in no table.
                prop_assert!(!would || constant || said.reason == Some(Reason::Condition), "{:?}", question);
            }
            if !is_of_one(&question) || matches!(question.caller.mode, Mode::Iam | Mode::Function) {
                continue;
            }
            let truths: BTreeMap<u32, Truth> = said
                .verdicts
                .keys()
                .map(|line| {
                    let (rule, is_deny, path) = rules[line];
                    (*line, parts(&policy, &question, rule, path, is_deny).truth())
                })
                .collect();
            for (line, verdict) in &said.verdicts {
                let (rule, is_deny, _) = rules[line];
                let truth = truths[line];
                if matches!(question.target, Target::Model(_, Operation::Create)) && depends_on_others(&policy, rule) {
                    continue;
                }
                if model(&policy, &question).is_some_and(|model| governs_nothing(model, rule)) {
                    continue;
                }
                let same = match verdict {
                    Verdict::True => truth == Truth::True,
                    Verdict::False if is_deny => truth == Truth::False,
                    // Of an allow that has no guard it is enough that it is not true.
                    Verdict::False | Verdict::Unknown => truth != Truth::True,
                    Verdict::OtherMode => truth != Truth::True,
                };
                prop_assert!(same, "{:?} where the definition says {:?}: {:?}\n{:?}", verdict, truth, rule, question);
            }
            let creates = matches!(question.target, Target::Model(_, Operation::Create));
            for line in &said.failing {
                let (rule, _, path) = rules[line];
                if creates && depends_on_others(&policy, rule) {
                    continue;
                }
                let alone = parts(&policy, &question, rule, path, false);
                let all_but = alone.and.iter().copied().chain([alone.who]).fold(Truth::True, Ord::min);
                let is = alone.condition != Truth::True && all_but == Truth::True;
                prop_assert!(is, "only by its condition, and {:?}: {:?}\n{:?}", alone, rule, question);
            }
            decides(&policy, &rules, &question, &said)?;
        }
    }
}

/// What was decided follows from the verdicts.
fn decides(
    policy: &Policy,
    rules: &BTreeMap<u32, Standing<'_>>,
    question: &Question,
    said: &Said,
) -> Result<(), TestCaseError> {
    let has = |denies: bool, is: &dyn Fn(Verdict) -> bool| {
        said.verdicts.iter().any(|(line, verdict)| rules[line].1 == denies && is(*verdict))
    };
    let gives = has(false, &|verdict| verdict == Verdict::True);
    let takes = has(true, &|verdict| matches!(verdict, Verdict::True | Verdict::Unknown));
    let model = model(policy, question);
    // An update of nothing asks nothing of `update`.
    let changes =
        question.input.iter().flatten().any(|(name, _)| model.is_some_and(|model| !model.identifier.contains(name)));
    let counts = !matches!(question.target, Target::Model(_, Operation::Update)) || changes;
    if said.effect != Effect::Deny && counts {
        prop_assert!(gives, "allowed without a rule: {:?}\n{:?}", said.verdicts, question);
    }
    // Where fields have rules of their own one rule is not enough, nor in storage with roles by precedence, or below a
    // path that takes away.
    let plain = match &question.target {
        Target::Model(..) => model
            .is_some_and(|model| model.fields.iter().all(|field| field.rules.is_empty() && field.denies.is_empty())),
        Target::Custom(..) => true,
        Target::Storage { .. } => {
            policy.roles == Roles::Union && policy.buckets.iter().all(|bucket| bucket.paths.len() == 1)
        }
    };
    let refused = matches!(said.reason, Some(Reason::Fields | Reason::Unknown));
    if said.effect == Effect::Deny && plain && !refused {
        prop_assert!(!gives || takes, "denied ({:?}), and {:?}\n{:?}", said.reason, said.verdicts, question);
    }
    if said.reason == Some(Reason::Denied) {
        prop_assert!(takes, "no deny takes it: {:?}\n{:?}", said.verdicts, question);
    }
    // Rules that give `delete` are near an update of nothing too.
    if said.reason == Some(Reason::Condition) && !matches!(question.target, Target::Model(_, Operation::Update)) {
        prop_assert!(!said.failing.is_empty(), "no condition is said: {:?}\n{:?}", said.verdicts, question);
    }
    Ok(())
}

fn verdicts(text: &str, question: &Question) -> Vec<Verdict> {
    let source = admit_compiler::Source { name: "a.policy".into(), text: text.into() };
    let policy = admit_compiler::check(&[source]).policy.unwrap();
    let bytes = admit_compiler::table(&policy, false).unwrap();
    let loaded = admit_runtime::Policy::from_bytes(&bytes).unwrap();
    decided(&loaded, question, |decision| decision.considered().map(|(_, verdict)| verdict).collect()).unwrap()
}

fn gets(groups: &str, key: &str) -> Question {
    let mut caller = Caller::new(Mode::UserPool);
    caller.claims.insert("cognito:groups".to_owned(), Value::Text(groups.to_owned()));
    caller.claims.insert("tenant".to_owned(), Value::Text("a/b".to_owned()));
    let target = Target::Storage { bucket: "files".to_owned(), operation: Operation::Get, key: key.to_owned() };
    let (input, args, index) = (None, Default::default(), Vec::new());
    Question { caller, target, stored: Stored::NotGiven, input, args, index }
}

/// With roles by precedence, and without guards, a rule of the group that the caller's acts as once was not true.
#[test]
fn a_rule_of_a_group_that_one_acts_as_is_true() {
    for roles in ["union", "preferred"] {
        for more in ["", "\"q/*\": [deny.group(\"A\"), allow.authenticated.to([\"read\"])]"] {
            let text = format!(
                "auth {{ loginWith: {{ email: true }} groups: [\"A\", \"B\"] roles: \"{roles}\" }}
                group A {{ actsAs: [\"B\"] }}
                storage files {{ \"a/*\": [allow.groups([\"B\"]).to([\"read\"])] {more} }}"
            );
            assert_eq!(verdicts(&text, &gets("A", "a/f")), [Verdict::True], "{text}");
        }
    }
}

/// A claim that stands for no segment leaves a rule below it unknown; once it was said to be true.
#[test]
fn a_rule_below_a_claim_that_is_not_known_is_unknown() {
    let text =
        "auth { loginWith: { email: true } groups: [\"A\"] claims: { tenant: string } readOnlyClaims: [\"tenant\"] }
        storage files { \"q/{claims['tenant']}/*\": [allow.groups([\"A\"]).to([\"read\"])] }";
    assert_eq!(verdicts(text, &gets("A", "q/b/f")), [Verdict::Unknown]);
}

/// A deny looks at every spelling of its owner, also where it is said what it came to; once a part of a token left it
/// unknown.
#[test]
fn a_deny_of_an_owner_is_true_by_a_part_of_the_token() {
    let text = "auth { loginWith: { email: true } }
        model P { a: string allow.authenticated() deny.ownerDefinedIn(\"author\") author: string }";
    let mut caller = Caller::new(Mode::UserPool);
    caller.claims.insert("sub".to_owned(), Value::Text("u1".to_owned()));
    let record = [("author".to_owned(), Value::Text("u1".to_owned()))].into_iter().collect();
    let question = Question {
        caller,
        target: Target::Model("P".to_owned(), Operation::Update),
        stored: Stored::Given(record),
        input: None,
        args: Default::default(),
        index: Vec::new(),
    };
    assert_eq!(verdicts(text, &question), [Verdict::True, Verdict::True]);
}
