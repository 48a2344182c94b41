//! The reports say what the decisions say, on generated policies: what the ways of the matrix give to a request is what
//! the definition gives, for every request over the values that rules tell apart and for random ones; a difference names
//! what some request is given by one policy and not by the other, and nothing else.

use admit_compiler::analysis::{Difference, Extent, Given, Matrix, Rename, Renamed, Resource};
use admit_compiler::definition::{self, Question, Record, Stored, Target, Value};
use admit_compiler::policy::{Group, Model, Policy, Who};
use admit_runtime::{Authorizer, Mode, Operation};
use admit_tests::generate::{self, Forms};
use admit_tests::requests;
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::BTreeSet;

/// With every mode, as the checker asks for those that rules name.
fn admitting(policy: Policy) -> Policy {
    let modes = vec![Mode::UserPool, Mode::Oidc, Mode::ApiKey, Mode::Guest, Mode::IdentityPool, Mode::Lambda];
    Policy { modes, ..policy }
}

const KEYS: [&str; 16] = [
    "a/f",
    "a/b/f",
    "a/b/c/f",
    "ab/f",
    "p/me/f",
    "p/x/f",
    "p/w/z/f",
    "q/r/f",
    "a/b/t1/f",
    "a/b/A/f",
    "q/t1/f",
    "q/t1/d/f",
    "q/t1/o/me/f",
    "q/t1/o/x/f",
    "elsewhere/f",
    "p/you/f",
];

/// A request as the reports know them: without arguments, and with the record, the input and the authorizer's yes.
fn known(question: &Question) -> Option<Question> {
    let mut known = Question { args: Record::new(), index: Vec::new(), ..question.clone() };
    known.caller.authorizer = Authorizer::Yes;
    if known.caller.mode == Mode::Function {
        known.caller.claims.clear(); // a function has no token
    }
    let on_model = matches!(known.target, Target::Model(..));
    let is_known = !on_model || matches!(known.stored, Stored::Given(_));
    let counts = known.caller.mode != Mode::Iam && !matches!(known.target, Target::Model(_, Operation::Relation));
    (is_known && counts).then_some(known)
}

/// Whether the matrix gives a request what the definition gives; what differs, if it does.
fn differs(policy: &Policy, matrix: &Matrix, question: &Question) -> Option<String> {
    let decided = definition::decide(policy, question).allowed;
    let asked = |operation: Operation| matrix.given(policy, question, operation);
    let (allowed, given) = match &question.target {
        Target::Model(name, operation) => {
            let model = policy.models.iter().find(|model| model.name == *name)?;
            let given = asked(*operation)?;
            let none = Record::new();
            let writes = matches!(operation, Operation::Create | Operation::Update);
            let input = question.input.as_ref().filter(|_| writes).unwrap_or(&none);
            if input.keys().any(|name| !model.is_writable(name)) || (writes && question.input.is_none()) {
                return None; // a field that there is not; an input left out
            }
            match operation {
                Operation::Create => (given.allowed && input.keys().all(|name| reaches(&given, name)), given),
                Operation::Update => {
                    let is_key = |name: &String| model.identifier.contains(name);
                    if input.keys().all(is_key) {
                        return None; // an update of nothing changes nothing
                    }
                    let clears = asked(Operation::Delete)?;
                    let may = |(name, value): (&String, &Value)| {
                        is_key(name) && *value != Value::Null
                            || (is_key(name) || reaches(&given, name))
                                && (*value != Value::Null || reaches(&clears, name))
                    };
                    if input.iter().any(|(name, value)| is_key(name) && *value == Value::Null) {
                        return None; // a key is never null
                    }
                    (given.allowed && input.iter().all(may), given)
                }
                Operation::Delete => (given.whole, given),
                _ => {
                    let Stored::Given(record) = &question.stored else { return None };
                    let shown =
                        decided && (*operation == Operation::Get || definition::shows(policy, question, record));
                    for field in model.fields.iter().filter(|_| shown) {
                        let shows = definition::shows_field(policy, question, record, &field.name);
                        if shows != reaches(&given, &field.name) {
                            return Some(format!("{} is shown: {shows}, not as {given:?} says", field.name));
                        }
                    }
                    return (shown != given.allowed).then(|| format!("allowed: {shown}, not as {given:?} says"));
                }
            }
        }
        _ => match asked(operation_of(&question.target)) {
            Some(given) => (given.allowed, given),
            None if is_open(policy) || !matches!(question.target, Target::Storage { .. }) => return None,
            None => return decided.then(|| "allowed where no path is".to_owned()),
        },
    };
    (allowed != decided).then(|| format!("allowed: {decided}, not as {given:?} says"))
}

/// Whether the report leaves some callers out: those without a claim or an identity that a path asks for.
fn is_open(policy: &Policy) -> bool {
    let mut paths = policy.buckets.iter().flat_map(|bucket| &bucket.paths);
    paths.any(|path| !path.claims.is_empty() || path.entity)
}

fn operation_of(target: &Target) -> Operation {
    match target {
        Target::Model(_, operation) | Target::Storage { operation, .. } => *operation,
        Target::Custom(..) => Operation::Call,
    }
}

fn reaches(given: &Given, field: &str) -> bool {
    given.allowed && (given.whole || given.fields.contains(field))
}

/// One rule less, or one deny.
fn without_one(policy: &Policy, which: Index) -> Policy {
    let mut changed = policy.clone();
    let models = changed.models.iter_mut().flat_map(|model| {
        let fields = model.fields.iter_mut().flat_map(|field| [&mut field.rules, &mut field.denies]);
        [&mut model.rules, &mut model.denies].into_iter().chain(fields)
    });
    let customs = changed.operations.iter_mut().flat_map(|custom| [&mut custom.rules, &mut custom.denies]);
    let paths = changed.buckets.iter_mut().flat_map(|bucket| &mut bucket.paths);
    let paths = paths.flat_map(|path| [&mut path.rules, &mut path.denies]);
    let mut lists: Vec<_> = models.chain(customs).chain(paths).filter(|list| !list.is_empty()).collect();
    let at = which.index(lists.len());
    let count = lists[at].len();
    lists[at].remove(which.index(count));
    changed
}

/// The lists of groups in a policy's allow rules.
fn group_lists(policy: &mut Policy) -> Vec<&mut Vec<String>> {
    let models = policy.models.iter_mut();
    let models = models
        .flat_map(|model| [&mut model.rules].into_iter().chain(model.fields.iter_mut().map(|field| &mut field.rules)));
    let customs = policy.operations.iter_mut().map(|custom| &mut custom.rules);
    let paths = policy.buckets.iter_mut().flat_map(|bucket| &mut bucket.paths).map(|path| &mut path.rules);
    let rules = models.chain(customs).chain(paths).flatten();
    let whos = rules.flat_map(|rule| [&mut rule.who].into_iter().chain(&mut rule.and));
    let names = whos.filter_map(|who| match who {
        Who::Groups { names, .. } => Some(names),
        _ => None,
    });
    names.collect()
}

/// Two of the fields that a model's rules read.
fn two(model: &Model, which: &(Index, Index)) -> Vec<String> {
    let mut fields = requests::read_fields(model);
    let mut take = |which: &Index| (!fields.is_empty()).then(|| fields.remove(which.index(fields.len())));
    take(&which.0).into_iter().chain(take(&which.1)).collect()
}

/// What a request is given by the definition: nothing, or something with the fields that are shown or named.
fn gives(policy: &Policy, question: &Question) -> Option<BTreeSet<String>> {
    let answer = definition::decide(policy, question);
    let Target::Model(name, operation) = &question.target else { return answer.allowed.then(BTreeSet::new) };
    let reads = !matches!(operation, Operation::Create | Operation::Update | Operation::Delete);
    let Stored::Given(record) = &question.stored else { return None };
    let model = policy.models.iter().find(|model| model.name == *name)?;
    let shown = match operation {
        _ if !reads => BTreeSet::new(),
        Operation::Get => BTreeSet::new(),
        _ if !definition::shows(policy, question, record) => return None,
        _ => BTreeSet::new(),
    };
    let fields = model.fields.iter().filter(|_| reads).map(|field| field.name.clone());
    let fields = fields.filter(|field| definition::shows_field(policy, question, record, field));
    answer.allowed.then(|| shown.into_iter().chain(fields).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: admit_tests::cases(8), max_shrink_iters: 40, ..ProptestConfig::default() })]

    /// Every request of a small policy: on every model, with two of the fields that it reads, another two each time.
    #[test]
    fn the_matrix_gives_every_request_what_the_definition_gives(
        policy in generate::policy(Forms::All),
        which in any::<(Index, Index)>(),
    ) {
        let policy = admitting(policy);
        let matrix = Matrix::of(&policy);
        prop_assert!(matrix.cut.is_empty(), "{:?}", matrix.cut);
        let on_models = policy.models.iter().flat_map(|model| requests::on_model(model, &two(model, &which)));
        for question in on_models.chain(requests::on_the_rest(&policy, &KEYS)) {
            let differs = differs(&policy, &matrix, &question);
            prop_assert!(differs.is_none(), "{}\n{question:?}", differs.unwrap_or_default());
        }
    }

    /// A difference names who gains and who loses; nobody else does.
    #[test]
    fn a_difference_is_what_some_request_shows(
        policy in generate::policy(Forms::All),
        which in any::<Index>(),
        read in any::<(Index, Index)>(),
    ) {
        let policy = admitting(policy);
        let less = without_one(&policy, which);
        let difference = Difference::of(&policy, &less);
        if !difference.settings.is_empty() {
            return Ok(()); // what the same words say differs
        }
        let said = |gains: bool| -> BTreeSet<&str> {
            let changes = difference.changes.iter().filter(|change| change.gained == gains);
            changes.flat_map(|change| &change.operations).map(|operation| operation.name()).collect()
        };
        let (gains, losses) = (said(true), said(false));
        let changed = policy.models.iter().zip(&less.models).filter(|(before, after)| before != after);
        let on_models = changed.flat_map(|(model, _)| requests::on_model(model, &two(model, &read)));
        for question in on_models.chain(requests::on_the_rest(&policy, &KEYS)).filter_map(|one| known(&one)) {
            let is_update = matches!(&question.target, Target::Model(_, Operation::Update));
            let is_key = |name: &String| match &question.target {
                Target::Model(of, _) => {
                    policy.models.iter().any(|model| model.name == *of && model.identifier.contains(name))
                }
                _ => false,
            };
            if is_update && question.input.iter().flatten().all(|(name, _)| is_key(name)) {
                continue; // an update of nothing
            }
            let (before, after) = (gives(&policy, &question), gives(&less, &question));
            let size = |given: &Option<BTreeSet<String>>| given.as_ref().map_or(0, |fields| fields.len() + 1);
            let name = operation_of(&question.target).name();
            // An update that sets a field to null is said as a deletion of that field.
            let is_said = |said: &BTreeSet<&str>| said.contains(name) || (is_update && said.contains("delete"));
            let gained = size(&after) > size(&before);
            prop_assert!(!gained || is_said(&gains), "gained, and said {difference:?}\n{question:?}");
            let lost = size(&before) > size(&after);
            prop_assert!(!lost || is_said(&losses), "lost, and said {difference:?}\n{question:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: admit_tests::cases(60), max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_matrix_gives_random_requests_what_the_definition_gives(
        policy in generate::policy(Forms::All),
        questions in proptest::collection::vec(generate::question(), 300),
    ) {
        let policy = admitting(policy);
        let matrix = Matrix::of(&policy);
        for question in questions.iter().filter_map(known) {
            let differs = differs(&policy, &matrix, &question);
            prop_assert!(differs.is_none(), "{}\n{question:?}", differs.unwrap_or_default());
        }
    }

    /// Who joins a list of groups gains by it, or loses what a rule of a path above gave; nobody else does, but for owners
    /// whose tokens hold a part of their identity.
    #[test]
    fn a_list_that_grows_concerns_who_joins_it(policy in generate::policy(Forms::All), which in any::<Index>()) {
        let mut policy = admitting(policy);
        let Some(group) = policy.groups.first().cloned() else { return Ok(()) };
        let precedence = policy.groups.len() as u32;
        policy.groups.push(Group { name: "JOINS".into(), acts_as: Vec::new(), precedence, ..group });
        let mut more = policy.clone();
        let lists = group_lists(&mut more);
        if lists.is_empty() {
            return Ok(());
        }
        let at = which.index(lists.len());
        lists.into_iter().nth(at).into_iter().for_each(|names| names.push("JOINS".into()));
        let difference = Difference::of(&policy, &more);
        for change in &difference.changes {
            // A field that not everybody who reads is shown any more needs the whole token of others.
            let in_part = change.when.as_ref().is_some_and(|when| when.contains("a part of the identity"));
            let joins = format!("{:?}", change.caller).contains("JOINS");
            prop_assert!(joins || (in_part && !change.gained), "{change:?}");
        }
    }

    /// Where requests that both allow record other owners, that is said.
    #[test]
    fn other_owners_that_create_records_are_said(
        policy in generate::policy(Forms::All),
        which in any::<Index>(),
        questions in proptest::collection::vec(generate::question(), 300),
    ) {
        let policy = admitting(policy);
        let less = without_one(&policy, which);
        let said = Difference::of(&policy, &less).settings;
        for question in questions.iter().filter_map(known) {
            let (before, after) = (definition::decide(&policy, &question), definition::decide(&less, &question));
            let same = before.owners == after.owners || !before.allowed || !after.allowed;
            prop_assert!(same || !said.is_empty(), "{question:?}");
        }
    }

    #[test]
    fn a_policy_does_not_differ_from_itself(policy in generate::policy(Forms::All)) {
        let difference = Difference::of(&policy, &policy);
        prop_assert!(difference.is_empty(), "{difference:?}");
    }
}

/// A path whose rules a path two above takes away keeps its keys from the path between them; in a table too.
#[test]
fn a_path_of_which_nothing_is_left_belongs_to_nobody() {
    let text = "auth { loginWith: { email: true } groups: [\"B\"] roles: \"union\" }
        storage files {
          \"a/*\": [allow.authenticated.to([\"get\"])]
          \"a/b/*\": [allow.groups([\"B\"]).to([\"get\"])]
          \"a/b/c/*\": [allow.authenticated.to([\"get\"])]
        }";
    let policy = checked(text);
    let lifted = of_table(&policy);
    for matrix in [Matrix::of(&policy), Matrix::of(&lifted)] {
        assert_eq!(matrix.who_can(Operation::Get, &Resource::Path("files".into(), "a/b/c/*".into())), []);
        assert_ne!(matrix.who_can(Operation::Get, &Resource::Path("files".into(), "a/b/*".into())), []);
    }
}

/// A policy as its table says it.
fn of_table(policy: &Policy) -> Policy {
    let bytes = admit_compiler::table(policy, true).unwrap();
    Policy::of_table(&admit_runtime::Policy::from_bytes(&bytes).unwrap()).unwrap()
}

fn checked(text: &str) -> Policy {
    let checked = admit_compiler::check(&[admit_compiler::Source { name: "a.policy".into(), text: text.into() }]);
    checked.policy.unwrap_or_else(|| panic!("{:?}", checked.diagnostics))
}

/// To set a field to null is an update: whoever may do so may where `delete` is disabled too, and not where `update` is.
/// Once the matrix said otherwise.
#[test]
fn where_delete_is_disabled_fields_can_be_set_to_null() {
    let text = "auth { loginWith: { email: true } groups: [\"A\"] }
        model P {
          a: string
          disableOperations([\"delete\"])
          allow.groups([\"A\"]).to([\"read\", \"update\", \"delete\"])
        }";
    let matrix = Matrix::of(&checked(text));
    let delete = matrix.who_can(Operation::Delete, &Resource::Model("P".into()));
    let only_a = Extent::Fields(BTreeSet::from(["a".to_owned()]));
    assert!(matches!(delete.as_slice(), [(_, [cell])] if cell.extent == only_a), "{delete:?}");
}

/// Who may get a record in some way is shown its fields in every way, but for what a deny takes. Once a deny of another
/// read hid them from the matrix.
#[test]
fn a_deny_of_one_read_hides_nothing_from_the_others() {
    let policy = checked(
        "auth { loginWith: { email: true } }
        model P {
          a: string
          b: string { allow.authenticated() }
          allow.authenticated().to([\"get\"])
          deny.authenticated().to([\"search\"])
        }",
    );
    let matrix = Matrix::of(&policy);
    let list = matrix.who_can(Operation::List, &Resource::Model("P".into()));
    assert!(matches!(list.as_slice(), [(_, [cell])] if cell.extent == Extent::Whole), "{list:?}");
    for question in requests::on_model(&policy.models[0], &[]) {
        assert_eq!(differs(&policy, &matrix, &question), None, "{question:?}");
    }
}

/// A group that counts as two that exclude each other has no members, so that nobody gains by what it is given. The
/// checker refuses such a group.
#[test]
fn what_a_group_without_members_is_given_is_no_change() {
    let text = |groups: &str| {
        format!(
            "auth {{ loginWith: {{ email: true }} groups: [\"A\", \"B\", \"C\", \"D\"] exclusive: [[\"B\", \"C\"]] }}
            model P {{ a: string allow.groups([{groups}]).to([\"read\"]) }}"
        )
    };
    let with_no_members = |groups: &str| {
        let mut policy = checked(&text(groups));
        policy.groups[0].acts_as = vec!["B".into(), "C".into()];
        policy
    };
    let nobody = with_no_members("\"A\"");
    assert_eq!(Matrix::of(&nobody).who_can(Operation::Get, &Resource::Model("P".into())), []);
    let difference = Difference::of(&nobody, &with_no_members("\"A\", \"D\""));
    let gains: Vec<String> = difference.changes.iter().map(|change| change.caller.to_string()).collect();
    assert_eq!(gains, ["group D"]);
}

/// Where every field has rules of its own, the model's do nothing: they record no owner, and nobody is named by a field
/// that no input can name.
#[test]
fn rules_that_hold_on_no_field_record_no_owner() {
    let mut policy = checked(
        "auth { loginWith: { email: true } groups: [\"A\"] claims: { username: string } }
        model P {
          at: datetime {
            allow.group(\"A\")
            allow.groupDefinedIn(\"author\")
          }
          author: string
          allow.ownerDefinedIn(\"author\").and(groupDefinedIn(\"author\"))
        }",
    );
    policy.models[0].fields.retain(|field| field.name == "at");
    let difference = Difference::of(&policy, &of_table(&policy));
    assert!(difference.is_empty(), "{difference:?}");
    let create = Matrix::of(&policy).who_can(Operation::Create, &Resource::Model("P".into())).len();
    assert_eq!(create, 1, "group A alone");
}

/// A way in is no change of its own where only what its input may name besides is new: that is said of whoever may name
/// it. Once it was said of those who could take the way all along.
#[test]
fn a_way_that_another_field_opens_is_no_change_of_its_own() {
    let text = |who: &str| {
        format!(
            "auth {{ loginWith: {{ email: true }} groups: [\"A\", \"B\"] claims: {{ teams: string[] }} claimGroups: {{ teams: [\"C\"] }} }}
            model P {{
              title: string
              tags: string[] {{ {who} }}
              team: string {{ allow.groups([\"C\"]).withClaimIn(\"teams\").when(\"x\" in record.tags) }}
              allow.group(\"A\").to([\"read\"])
            }}"
        )
    };
    let old = checked(&text("allow.group(\"A\").to([\"read\"])"));
    let new = checked(&text("allow.groups([\"A\", \"B\"]).to([\"create\"])"));
    let difference = Difference::of(&old, &new);
    let creates = difference.changes.iter().filter(|change| change.operations.contains(&Operation::Create));
    let gains: Vec<String> = creates.map(|change| change.caller.to_string()).collect();
    assert_eq!(gains, ["group A", "group B"], "{difference:?}");
}

/// A claim of a path may hold what is no segment of a key: it then stands in no path, and conditions read it all the same.
/// Once such values were not tried.
#[test]
fn a_claim_of_a_path_may_be_no_segment() {
    let text = |when: &str| {
        format!(
            "auth {{ loginWith: {{ email: true }} groups: [\"A\"] claims: {{ tenant: string }} }}
            storage files {{
              \"q/{{claims['tenant']}}/*\": [allow.groups([\"A\"]).to([\"read\"])]
              \"q/r/*\": [allow.groups([\"A\"]).to([\"write\"]) {when}]
            }}"
        )
    };
    let old = checked(&text(""));
    for value in ["\"\"", "\"a/b\""] {
        let new = checked(&text(&format!(", allow.authenticated.to([\"get\"]).when(claims.tenant == {value})")));
        let gained = Difference::of(&old, &new).changes;
        let gets = gained.iter().any(|change| change.gained && change.operations.contains(&Operation::Get));
        assert!(gets, "{value}: {gained:?}");
    }
}

/// A caller whose identity nobody knows may own any folder, so that what denies take from owners is taken from him
/// everywhere below. Once only callers with an identity were looked at.
#[test]
fn a_deny_of_owners_takes_from_callers_without_an_identity() {
    let text = |deny: &str| {
        format!(
            "auth {{ loginWith: {{ email: true }} }}
            storage files {{
              \"p/{{entity_id}}/*\": [allow.entity(\"identity\").to([\"read\", \"delete\"]) {deny}]
              \"p/w/z/*\": [allow.authenticated.to([\"get\"])]
            }}"
        )
    };
    let old = checked(&text(", deny.entity(\"identity\").to([\"get\"])"));
    let difference = Difference::of(&old, &checked(&text("")));
    let of = |path: &str| {
        let mut changes = difference.changes.iter().filter(|change| change.resource.to_string().ends_with(path));
        changes.any(|change| change.gained && change.operations == [Operation::Get])
    };
    assert!(of("p/w/z/* without an identity") && of("p/{entity_id}/*") && !of("p/w/z/*"), "{difference:?}");
}

/// A field that everybody who reads is shown is shown to owners with a part of a token too. Who joins a list of groups that
/// reads another field ends that, and diff says so.
#[test]
fn a_group_that_reads_one_field_takes_the_others_from_parts_of_tokens() {
    let text = |groups: &str| {
        format!(
            "auth {{ loginWith: {{ email: true }} groups: [\"A\", \"J\"] }}
            model P {{
              a: string
              note: string {{ allow.groups([{groups}]).to([\"read\"]) }}
              allow.group(\"A\").to([\"read\"])
              allow.owner()
            }}"
        )
    };
    let (old, new) = (checked(&text("\"A\"")), checked(&text("\"A\", \"J\"")));
    let record = Record::from([("owner".to_owned(), Value::Text("u1".into()))]);
    let mut caller = definition::Caller::new(Mode::UserPool);
    caller.claims.insert("sub".into(), Value::Text("u1".into()));
    let question = Question {
        caller,
        target: Target::Model("P".into(), Operation::Get),
        stored: Stored::Given(record.clone()),
        input: None,
        args: Record::new(),
        index: Vec::new(),
    };
    let is_shown = |policy: &Policy| definition::shows_field(policy, &question, &record, "a");
    assert!(is_shown(&old) && !is_shown(&new));
    let difference = Difference::of(&old, &new);
    let mut lost = difference.changes.iter().filter(|change| !change.gained);
    let in_part = |when: &Option<String>| when.as_ref().is_some_and(|when| when.contains("a part of the identity"));
    assert!(
        lost.any(|change| change.caller.to_string() == "owner in owner" && in_part(&change.when)),
        "{difference:?}"
    );
}

/// Which owners are recorded is compared by meaning: what conditions say in other words, what never holds and what
/// another rule records anyway is no change; who is recorded by another claim, or under another condition, is.
#[test]
fn recorded_owners_are_compared_by_meaning() {
    let text = |rules: &str| {
        format!(
            "auth {{ loginWith: {{ email: true }} groups: [\"A\"] }}
            model P {{ title: string a: string {{ allow.group(\"A\") }} {rules} }}"
        )
    };
    let settings = |old: &str, new: &str| Difference::of(&checked(&text(old)), &checked(&text(new))).settings;
    let own = "allow.owner().to([\"create\"])";
    let same = [
        (own, "allow.owner().to([\"create\"]).when(true)"),
        (own, "allow.owner().to([\"create\"]) allow.owner().to([\"create\"]).when(record.title == \"x\")"),
        (
            "allow.owner().to([\"create\"]).when(record.title == \"x\" && record.owner != null)",
            "allow.owner().to([\"create\"]).when(record.owner != null && record.title == \"x\")",
        ),
    ];
    for (old, new) in same {
        assert_eq!(settings(old, new), Vec::<String>::new(), "{new}");
        assert_eq!(settings(new, old), Vec::<String>::new(), "{new}");
    }
    let other = [
        "allow.owner().identityClaim(\"email\").to([\"create\"])",
        "allow.ownerDefinedIn(\"author\").to([\"create\"])",
        "allow.owner().to([\"create\"]).when(record.title == \"x\") allow.authenticated()",
    ];
    for new in other {
        assert_eq!(settings(own, new).len(), 1, "{new}");
    }
}

/// Nobody creates a record that names a group in a field that no input can name. Once the matrix said somebody does, if
/// nothing else was read of the input.
#[test]
fn nobody_creates_what_a_field_must_say_that_no_input_can_name() {
    let mut policy = checked(
        "auth { loginWith: { email: true } }
        model P {
          a: string
          team: string
          allow.authenticated().and(groupDefinedIn(\"team\")).to([\"create\"])
        }",
    );
    let create = |policy: &Policy| Matrix::of(policy).who_can(Operation::Create, &Resource::Model("P".into())).len();
    assert_eq!(create(&policy), 1);
    policy.models[0].fields.retain(|field| field.name == "a");
    assert_eq!(create(&policy), 0);
}

/// A field that no input may name is who creates the record, who may be in a group of that name.
#[test]
fn an_owner_that_is_recorded_may_name_a_group() {
    let mut policy = checked(
        "auth { loginWith: { email: true } }
        model P {
          a: string
          author: string
          allow.ownerDefinedIn(\"author\").identityClaim(\"sub\").and(groupDefinedIn(\"author\")).to([\"create\"])
        }",
    );
    policy.models[0].fields.retain(|field| field.name == "a");
    let matrix = Matrix::of(&policy);
    let mut question = requests::on_model(&policy.models[0], &[]).into_iter().find(|question| {
        question.caller.mode == Mode::UserPool && matches!(question.target, Target::Model(_, Operation::Create))
    });
    let question = question.as_mut().expect("somebody signed in creates");
    let sub = Value::Text("u1".into());
    question.caller.claims.insert("sub".into(), sub.clone());
    question.caller.claims.insert("cognito:groups".into(), Value::List(definition::Items(vec![sub])));
    question.input = Some(Record::new());
    assert!(definition::decide(&policy, question).allowed);
    assert_eq!(differs(&policy, &matrix, question), None, "{question:?}");
}

#[test]
fn a_resource_that_nobody_may_use_is_listed() {
    let text =
        "auth { loginWith: { email: true } groups: [\"A\"] }\nmodel P { a: string allow.group(\"A\").to([\"read\"]) }";
    let policy = checked(text);
    let matrix = Matrix::of(&policy);
    assert_eq!(matrix.who_can(Operation::Delete, &Resource::Model("P".into())), []);
    assert!(matrix.resources.contains(&Resource::Model("P".into())));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: admit_tests::cases(60), max_shrink_iters: 40, ..ProptestConfig::default() })]

    /// A table says the same as its policy.
    #[test]
    fn a_policy_and_its_table_give_the_same(
        policy in prop_oneof![1 => generate::policy(Forms::Amplify), 3 => generate::policy(Forms::All)],
        questions in proptest::collection::vec(generate::question(), 200),
    ) {
        let policy = admitting(policy);
        let lifted = of_table(&policy);
        let (matrix, of_table) = (Matrix::of(&policy), Matrix::of(&lifted));
        // A table keeps no rule for an owner's folder that gives him what he has anyway, and then no line of its own for it.
        let listed = |matrix: &Matrix| {
            let is_folder = |of: &&Resource| matches!(of, Resource::Path(_, path) if path.ends_with("{entity_id}/*"));
            matrix.resources.iter().filter(|of| !is_folder(of)).cloned().collect::<Vec<Resource>>()
        };
        prop_assert_eq!(listed(&matrix), listed(&of_table));
        for question in questions.iter().filter_map(known) {
            let operation = operation_of(&question.target);
            let given = |matrix: &Matrix, policy: &Policy| matrix.given(policy, &question, operation);
            if let (Some(given), Some(of_table)) = (given(&matrix, &policy), given(&of_table, &lifted)) {
                prop_assert_eq!(given.allowed, of_table.allowed, "{:?}", question);
                // Rules that together give every field of the model give the whole of it.
                let declared = |model: &Model| model.fields.iter().map(|field| field.name.clone()).collect::<Vec<_>>();
                let all = match &question.target {
                    Target::Model(name, _) => policy.models.iter().find(|model| model.name == *name).map(declared),
                    _ => None,
                };
                let has_all = |given: &Given| {
                    all.as_ref().is_some_and(|all| all.iter().all(|name| given.fields.contains(name)))
                };
                let fields = |given: &Given| (!given.whole && !has_all(given)).then(|| given.fields.clone());
                prop_assert_eq!(fields(&given), fields(&of_table), "{:?}", question);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: admit_tests::cases(60), max_shrink_iters: 200, ..ProptestConfig::default() })]

    /// No request is given by one what it is not by the other; and what a table says makes one table.
    #[test]
    fn a_policy_does_not_differ_from_its_table(policy in generate::policy(Forms::All)) {
        let policy = admitting(policy);
        let lifted = of_table(&policy);
        let difference = Difference::of(&policy, &lifted);
        prop_assert!(difference.is_empty(), "{difference:?}");
        let again = admit_compiler::table(&lifted, true).unwrap();
        prop_assert_eq!(again, admit_compiler::table(&of_table(&lifted), true).unwrap());
    }
}

/// What `create` records of owners reads much; a condition that never holds is seen before all of that is tried, so that
/// the difference is settled within the budget.
#[test]
fn what_create_records_is_settled_within_the_budget() {
    let text = r#"
        auth { loginWith: { email: true } groups: ["A", "B", "C"] claims: { username: string } claimGroups: { teams: ["C"] } }
        model Post {
            title: string
            note: string
            owner: string
            author: string
            teams: string[]
            editors: string[]
                allow.ownersDefinedIn("editors").identityClaim("email").when(!(record.owner == claims.username))
            allow.ownerDefinedIn("author").identityClaim("sub").and(groupsDefinedIn("teams"))
            allow.groups(["C"]).withClaimIn("teams")
        }"#;
    let mut policy = admitting(checked(text));
    policy.groups[2].acts_as = vec!["A".into(), "B".into()];
    policy.models[0].fields.retain(|field| ["title", "note", "editors"].contains(&field.name.as_str()));
    let lifted = of_table(&policy);
    let difference = Difference::of(&policy, &lifted);
    assert!(difference.changes.is_empty(), "{difference:?}");
}

/// The examples' reports are the same word for word.
#[test]
fn the_reports_of_the_examples_and_of_their_tables_are_the_same() {
    for (name, sources) in admit_tests::examples() {
        let Some(policy) = admit_compiler::check(&sources).policy else { continue };
        let lifted = of_table(&policy);
        let (matrix, of_table) = (Matrix::of(&policy), Matrix::of(&lifted));
        let words = |matrix: &Matrix| {
            let rows = matrix.rows.iter();
            rows.map(|((of, who), row)| (of.to_string(), who.to_string(), row.clone())).collect::<Vec<_>>()
        };
        assert_eq!(words(&matrix), words(&of_table), "{name}");
        assert_eq!(matrix.resources, of_table.resources, "{name}");
    }
}

/// A field of which the same is said under another name is a rename, wherever rules name it; one of which something else
/// is said is not.
#[test]
fn a_renamed_field_is_one_line() {
    let text = |field: &str, ty: &str, value: &str| {
        format!(
            "auth {{ loginWith: {{ email: true }} groups: [\"A\"] }}
            model P {{
              title: string
              {field}: {ty} {{ allow.group(\"A\") }}
              allow.group(\"A\").when(record.{field} == {value})
              allow.ownerDefinedIn(\"title\").to([\"read\"])
            }}"
        )
    };
    let old = checked(&text("state", "string", "\"x\""));
    let difference = Difference::of(&old, &checked(&text("phase", "string", "\"x\"")));
    let rename = Rename { what: Renamed::Field("P".into()), from: "state".into(), to: "phase".into() };
    assert_eq!(difference.renames, [rename]);
    assert!(difference.changes.is_empty() && !difference.widens(), "{difference:?}");
    for other in [text("phase", "integer", "1"), text("phase", "string", "\"y\"")] {
        let difference = Difference::of(&old, &checked(&other));
        assert!(difference.renames.is_empty() && !difference.changes.is_empty(), "{difference:?}");
    }
}
