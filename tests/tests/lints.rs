//! What the checker says can be left out can be left out: on generated policies, each fix of such a warning, applied alone
//! and proved by nobody, changes no answer.

use admit_compiler::definition::{self, Caller, Items, Question, Record, Stored, Target, Value};
use admit_compiler::diagnostic::Diagnostic;
use admit_compiler::policy::{Policy, Rule, Who};
use admit_compiler::{Source, check};
use admit_runtime::{Mode, Operation};
use admit_tests::generate::{self, Forms};
use admit_tests::written;
use proptest::prelude::*;

/// The warnings that say that something means nothing.
const IDLE: [&str; 9] = ["W0702", "W0703", "W0712", "W0721", "W0723", "W0724", "W1401", "W1402", "W1403"];

fn source(text: &str) -> Vec<Source> {
    vec![Source { name: "generated.policy".into(), text: text.into() }]
}

/// The text with the fix of a diagnostic; none if it has none.
fn mended(text: &str, diagnostics: &[&Diagnostic]) -> String {
    let mut edits: Vec<_> = diagnostics.iter().flat_map(|one| one.fix.iter().flat_map(|fix| &fix.edits)).collect();
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.span));
    let mut bytes = text.as_bytes().to_vec();
    for edit in edits {
        bytes.splice(edit.span.range(), edit.replacement.bytes());
    }
    String::from_utf8(bytes).unwrap()
}

fn same(was: &Policy, is: &Policy, questions: &[Question]) -> Result<(), Box<Question>> {
    let differs = |question: &&Question| definition::decide(was, question) != definition::decide(is, question);
    questions.iter().find(differs).map_or(Ok(()), |question| Err(Box::new(question.clone())))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: admit_tests::cases(120), max_shrink_iters: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_means_nothing_can_be_left_out(
        policy in prop_oneof![1 => generate::policy(Forms::Amplify), 2 => generate::policy(Forms::All)],
        seed in any::<u64>(),
        questions in prop::collection::vec(generate::question(), 60),
    ) {
        let text = written::text(&written::repeating(policy, seed));
        let checked = check(&source(&text));
        let Some(was) = checked.policy else { return Ok(()) };
        let idle: Vec<&Diagnostic> =
            checked.diagnostics.iter().filter(|one| IDLE.contains(&one.code) && one.fix.is_some()).collect();
        for one in &idle {
            let without = mended(&text, &[one]);
            // The last rule of something cannot be left out, whatever it means.
            let Some(is) = check(&source(&without)).policy else { continue };
            if let Err(question) = same(&was, &is, &questions) {
                prop_assert!(false, "{text}\nis told {} {} at {:?}\nbut without it answers {question:#?}\n{:#?}\ninstead of\n{:#?}",
                    one.code, one.message, &text[one.label.span.range()],
                    definition::decide(&is, &question), definition::decide(&was, &question));
            }
        }
    }
}

/// Without this the property above would hold of nothing.
#[test]
fn generated_policies_are_told_all_of_it() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    use std::collections::BTreeMap;
    let mut runner = TestRunner::deterministic();
    let mut told: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 0..1_200_u64 {
        let forms = if seed % 3 == 0 { Forms::Amplify } else { Forms::All };
        let policy = generate::policy(forms).new_tree(&mut runner).unwrap().current();
        let checked =
            check(&source(&written::text(&written::repeating(policy, seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)))));
        if checked.policy.is_some() {
            checked.diagnostics.iter().for_each(|one| *told.entry(one.code).or_default() += 1);
        }
    }
    for _ in 0..100 {
        let mut policy = generate::policy(Forms::All).new_tree(&mut runner).unwrap().current();
        together(&mut policy, true, true);
        let checked = check(&source(&written::text(&policy)));
        let alike = checked.diagnostics.iter().filter(|one| one.code == "W1405").count();
        *told.entry("W1405").or_default() += alike;
    }
    for code in ["W1405", "W0702", "W0703", "W0723", "W0724", "W1401", "W1402", "W1403"] {
        assert!(told.get(code).is_some_and(|count| *count > 1), "{code} is hardly told: {told:?}");
    }
}

/// Few policies name two groups always together, and records' groups tell all apart: policies that do, and do not.
fn together(policy: &mut Policy, without_dynamic: bool, both: bool) {
    let mend = |who: &mut Who| {
        let Who::Groups { names, .. } = who else { return };
        if both && names.iter().any(|name| name != "C") {
            let c = names.iter().filter(|name| *name == "C").cloned();
            *names = ["A", "B"].iter().map(|name| (*name).to_owned()).chain(c).collect();
        }
    };
    let is_dynamic = |who: &Who| matches!(who, Who::GroupsIn { .. });
    let mend_all = |rules: &mut Vec<Rule>| {
        rules.retain(|rule| !without_dynamic || !rule.whos().any(is_dynamic));
        rules.iter_mut().for_each(|rule| [&mut rule.who].into_iter().chain(&mut rule.and).for_each(mend));
    };
    for model in &mut policy.models {
        [&mut model.rules, &mut model.denies].into_iter().for_each(mend_all);
        model.fields.iter_mut().for_each(|field| [&mut field.rules, &mut field.denies].into_iter().for_each(mend_all));
    }
    policy.operations.iter_mut().for_each(|of| [&mut of.rules, &mut of.denies].into_iter().for_each(mend_all));
    for path in policy.buckets.iter_mut().flat_map(|bucket| &mut bucket.paths) {
        [&mut path.rules, &mut path.denies].into_iter().for_each(mend_all);
    }
}

/// A question whose caller is in one group where he was in the other.
fn swapped(question: &Question, one: &str, other: &str) -> Question {
    let swap = |text: &str| -> String {
        let letter = |c: char| {
            if one.starts_with(c) {
                other.to_owned()
            } else if other.starts_with(c) {
                one.to_owned()
            } else {
                c.to_string()
            }
        };
        text.chars().map(letter).collect()
    };
    fn each(value: &Value, swap: &dyn Fn(&str) -> String) -> Value {
        match value {
            Value::Text(text) => Value::Text(swap(text)),
            Value::List(items) => Value::List(Items(items.0.iter().map(|item| each(item, swap)).collect())),
            other => other.clone(),
        }
    }
    let mut question = question.clone();
    if let Some(groups) = &mut question.caller.groups {
        groups.iter_mut().for_each(|group| *group = swap(group));
    }
    if let Some(claim) = question.caller.claims.get_mut("cognito:groups").filter(|_| question.caller.mode != Mode::Oidc)
    {
        *claim = each(claim, &swap);
    }
    question
}

proptest! {
    #![proptest_config(ProptestConfig { cases: admit_tests::cases(100), max_shrink_iters: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn groups_that_are_said_to_be_alike_are(
        mut policy in prop_oneof![1 => generate::policy(Forms::Amplify), 1 => generate::policy(Forms::All)],
        questions in prop::collection::vec(generate::question(), 60),
        without_dynamic in prop::bool::weighted(0.8),
        both in prop::bool::weighted(0.7),
    ) {
        together(&mut policy, without_dynamic, both);
        let text = written::text(&policy);
        let checked = check(&source(&text));
        let Some(policy) = checked.policy else { return Ok(()) };
        for one in checked.diagnostics.iter().filter(|one| one.code == "W1405") {
            let name = |span: admit_syntax::ast::Span| text[span.range()].trim_matches('"').to_owned();
            let (first, second) = (name(one.related[0].span), name(one.label.span));
            for question in &questions {
                let (as_first, as_second) = (definition::decide(&policy, question), definition::decide(&policy, &swapped(question, &first, &second)));
                prop_assert_eq!(as_first, as_second, "{}\n{}: {:#?}", text, one.message, question);
            }
        }
    }
}

/// Every pair of a few rules on parent and child: the warning is there if and only if some reader of the relation may, by
/// the definition, follow it to no record at all.
#[test]
fn relations_are_unread_exactly_where_it_is_said() {
    const PARENT: [(&str, &[&str], Mode); 4] = [
        ("allow.group(\"A\").to([\"read\"])", &["A"], Mode::UserPool),
        ("allow.group(\"B\")", &["B"], Mode::UserPool),
        ("allow.authenticated().to([\"get\"])", &[], Mode::UserPool),
        ("allow.guest().to([\"list\"])", &[], Mode::Guest),
    ];
    const CHILD: [&str; 6] = [
        "allow.group(\"A\").to([\"read\"])",
        "allow.group(\"B\").to([\"listen\"])",
        "allow.group(\"B\").to([\"update\"])",
        "allow.authenticated().to([\"create\", \"get\"])",
        "allow.owner().to([\"read\"])",
        "allow.guest()",
    ];
    let mut told = 0;
    for (acts, parents, children) in
        [false, true].into_iter().flat_map(|acts| (1..16_u32).flat_map(move |p| (1..64_u32).map(move |c| (acts, p, c))))
    {
        let pick = |all: &[&str], mask: u32| -> String {
            all.iter()
                .enumerate()
                .filter(|(at, _)| mask >> at & 1 == 1)
                .map(|(_, rule)| format!("  {rule}\n"))
                .collect()
        };
        let parent: Vec<&str> = PARENT.iter().map(|(rule, ..)| *rule).collect();
        let acts = if acts { "group B { actsAs: [\"A\"] }" } else { "" };
        let text = format!(
            "auth {{ groups: [\"A\", \"B\"] }}\n{acts}\nmodel Blog {{\n  posts: Post[]\n{}}}\nmodel Post {{\n  text: string\n{}}}\n",
            pick(&parent, parents),
            pick(&CHILD, children)
        );
        let checked = check(&source(&text));
        let policy = checked.policy.expect("a right policy");
        let reads_nothing = |(_, groups, mode): &(&str, &[&str], Mode)| {
            let groups: Vec<Value> = groups.iter().map(|name| Value::Text((*name).to_owned())).collect();
            let text = |of: &str| Value::Text(of.to_owned());
            let mut claims = Record::from([("sub".to_owned(), text("1")), ("username".to_owned(), text("eve"))]);
            if !groups.is_empty() {
                claims.insert("cognito:groups".to_owned(), Value::List(Items(groups)));
            }
            let claims = if *mode == Mode::Guest { Record::new() } else { claims };
            let caller = Caller { claims, ..Caller::new(*mode) };
            [None, Some("1::eve"), Some("2")].iter().all(|owner| {
                let record: Record = owner.iter().map(|owner| ("owner".to_owned(), text(owner))).collect();
                let question = Question {
                    caller: caller.clone(),
                    target: Target::Model("Post".to_owned(), Operation::Relation),
                    stored: Stored::Given(record),
                    input: None,
                    args: Record::new(),
                    index: Vec::new(),
                };
                !definition::decide(&policy, &question).allowed
            })
        };
        let expected = PARENT.iter().enumerate().any(|(at, of)| parents >> at & 1 == 1 && reads_nothing(of));
        let is_told = checked.diagnostics.iter().any(|one| one.code == "W1406");
        assert_eq!(is_told, expected, "{text}");
        told += usize::from(is_told);
    }
    assert!(told > 300, "only {told}");
}

/// Requests by which somebody in a mode might change something: of each model and field, of keys under each path.
fn changes(policy: &Policy, mode: Mode) -> Vec<Question> {
    let caller = Caller::new(mode);
    let question = |target: Target, stored: Stored, input: Option<Record>| Question {
        caller: caller.clone(),
        target,
        stored,
        input,
        args: Record::new(),
        index: Vec::new(),
    };
    let mut all = Vec::new();
    for model in &policy.models {
        let one =
            |value: Value| model.fields.iter().map(move |field| Record::from([(field.name.clone(), value.clone())]));
        let inputs: Vec<Record> =
            std::iter::once(Record::new()).chain(one(Value::Text("A".into()))).chain(one(Value::Null)).collect();
        for operation in [Operation::Create, Operation::Update, Operation::Delete] {
            let target = || Target::Model(model.name.clone(), operation);
            let stored = if operation == Operation::Create { Stored::NotGiven } else { Stored::Given(Record::new()) };
            // An update of nothing but the key changes nothing; who has `delete` on some field may send one.
            let changes = |input: &Record| input.keys().any(|name| !model.identifier.contains(name));
            let inputs = inputs.iter().filter(|input| operation != Operation::Update || changes(input));
            all.extend(inputs.map(|input| question(target(), stored.clone(), Some(input.clone()))));
        }
    }
    for bucket in &policy.buckets {
        for path in &bucket.paths {
            for operation in [Operation::Write, Operation::Delete] {
                let key = format!(
                    "{}{}",
                    path.prefix.replace("{claims['tenant']}", "t1"),
                    if path.entity { "me/f" } else { "f" }
                );
                let target = Target::Storage { bucket: bucket.name.clone(), operation, key };
                all.push(question(target, Stored::NotGiven, None));
            }
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: admit_tests::cases(400), max_shrink_iters: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// A guest who is said to write does write something; where nothing has a guard, one who writes is said to.
    #[test]
    fn the_public_writes_where_it_is_said(policy in prop_oneof![1 => generate::policy(Forms::Amplify), 1 => generate::policy(Forms::All)]) {
        let text = written::text(&policy);
        let checked = check(&source(&text));
        let Some(policy) = checked.policy else { return Ok(()) };
        for (mode, words) in [(Mode::Guest, "everybody, signed in or not,"), (Mode::ApiKey, "whoever has the API key")] {
            let is_told = checked.diagnostics.iter().any(|one| one.code == "W0705" && one.message.starts_with(words));
            let writes = changes(&policy, mode).into_iter().find(|question| definition::decide(&policy, question).allowed);
            let guarded = policy.rules().any(|rule| rule.is_guarded());
            prop_assert!(!is_told || writes.is_some(), "{text}\nsays that {words} may write");
            prop_assert!(is_told || guarded || writes.is_none(), "{text}\ndoes not say that {words} may write: {writes:#?}");
        }
    }
}

/// An owner's request to give away a record that names him and nobody else.
fn gift(model: &str, field: &str, list: bool, mode: Mode, claims: Record) -> Question {
    let owned = |who: &str| {
        let who = Value::Text(who.to_owned());
        Record::from([(field.to_owned(), if list { Value::List(Items(vec![who])) } else { who })])
    };
    let caller = Caller { claims, ..Caller::new(mode) };
    Question {
        caller,
        target: Target::Model(model.to_owned(), Operation::Update),
        stored: Stored::Given(owned("me")),
        input: Some(owned("you")),
        args: Record::new(),
        index: Vec::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: admit_tests::cases(400), max_shrink_iters: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// An owner who is said to give records away can, and where no other callers may change the field, one who can is
    /// said to.
    #[test]
    fn owners_give_away_where_it_is_said(policy in prop_oneof![1 => generate::policy(Forms::Amplify), 1 => generate::policy(Forms::All)]) {
        let text = written::text(&policy);
        let checked = check(&source(&text));
        let Some(policy) = checked.policy else { return Ok(()) };
        for model in policy.models.iter().filter(|model| !model.rules.iter().chain(model.fields.iter().flat_map(|field| &field.rules)).any(|rule| rule.is_guarded())) {
            for field in &model.fields {
                let is_told = checked.diagnostics.iter().any(|one| one.code == "W0704" && one.label.span == field.place.span);
                let governing = if field.rules.is_empty() { &model.rules } else { &field.rules };
                let owners = governing.iter().filter_map(|rule| match &rule.who {
                    Who::Owner { field: of, provider, claim, .. } if *of == field.name => Some((provider.mode(), claim)),
                    _ => None,
                });
                let mut gives = None;
                for (mode, claim) in owners {
                    // One claim, or a pair of which each part alone is the owner's name too.
                    let claims: Record = claim.iter().map(|part| (part.clone(), Value::Text("me".to_owned()))).collect();
                    let mut question = gift(&model.name, &field.name, field.list, mode, claims.clone());
                    if claim.len() > 1 {
                        let full = Value::Text("me::me".to_owned());
                        let value = if field.list { Value::List(Items(vec![full])) } else { full };
                        question.stored = Stored::Given(Record::from([(field.name.clone(), value)]));
                    }
                    if definition::decide(&policy, &question).allowed {
                        gives = Some(question);
                    }
                }
                prop_assert!(!is_told || gives.is_some(), "{text}\nsays that the owner in {} gives {} away", field.name, model.name);
                let others = governing.iter().any(|rule| matches!(rule.who, Who::Authenticated(_) | Who::Groups { .. } | Who::GroupsIn { .. }));
                prop_assert!(is_told || others || gives.is_none(), "{text}\ndoes not say that the owner in {} gives {} away: {gives:#?}", field.name, model.name);
            }
        }
    }
}
