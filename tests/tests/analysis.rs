//! The reports say what the decisions say, on generated policies: the matrix of a policy and of its table, the ways in
//! as the exact answers know them, and differences as the definition decides.

use admit_compiler::analysis::{Answer, Difference, Matrix, Resource, holds};
use admit_compiler::definition::{self, Question, Record, Stored, Target};
use admit_compiler::policy::{Deed, DeedTarget, Keys, Place, Policy, Requirement, RequirementKind, Who, Whom};
use admit_compiler::table;
use admit_runtime::{Authorizer, Mode, Operation};
use admit_syntax::ast::OperationKind;
use admit_tests::generate::{self, Forms};
use proptest::prelude::*;
use proptest::sample::Index;

/// With every mode, as the checker asks for those that rules name.
fn admitting(policy: Policy) -> Policy {
    let modes = vec![Mode::UserPool, Mode::Oidc, Mode::ApiKey, Mode::Guest, Mode::IdentityPool, Mode::Lambda];
    Policy { modes, ..policy }
}

fn deed_on(resource: &Resource, operation: Operation) -> Option<Deed> {
    let target = match resource {
        Resource::Model(model) => {
            DeedTarget::Record { model: model.clone(), field: None, record: Record::new() }
        }
        Resource::Custom(kind, name) => {
            let kind = match *kind {
                "query" => OperationKind::Query,
                "mutation" => OperationKind::Mutation,
                _ => OperationKind::Subscription,
            };
            DeedTarget::Custom(kind, name.clone())
        }
        Resource::Path(bucket, path) => {
            let plain = path.strip_suffix('*').filter(|path| !path.contains('{'))?;
            DeedTarget::Objects { bucket: bucket.clone(), keys: Keys::One(format!("{plain}~")) }
        }
    };
    Some(Deed { operations: vec![operation], target, place: Place::default() })
}

fn answer(policy: &Policy, kind: RequirementKind) -> Answer {
    holds(policy, &Requirement { kind, place: Place::default() })
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

/// Whether a request gives anything: of reads of many, whether the record is among them.
fn gives(policy: &Policy, question: &Question) -> bool {
    let many = matches!(question.target,
        Target::Model(_, Operation::List | Operation::Listen | Operation::Sync | Operation::Search));
    let shown = match (&question.stored, many) {
        (_, false) => true,
        (Stored::Given(record), true) => definition::shows(policy, question, record),
        _ => false,
    };
    shown && definition::decide(policy, question).allowed
}

/// A request as the reports know them: without arguments, and with the record, the input and the authorizer's yes.
fn known(question: &Question) -> Option<Question> {
    let mut known = Question { args: Record::new(), index: Vec::new(), ..question.clone() };
    known.caller.authorizer = Authorizer::Yes;
    let is_known = matches!(known.stored, Stored::Given(_)) && known.input.is_some();
    let counts = known.caller.mode != Mode::Iam && !matches!(known.target, Target::Model(_, Operation::Relation));
    // An update of nothing changes nothing.
    let nothing = matches!(&known.target, Target::Model(_, Operation::Update))
        && known.input.iter().flatten().all(|(name, _)| name == "id" || name == "title");
    (is_known && counts && !nothing).then_some(known)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_policy_and_its_table_have_one_matrix(policy in generate::policy(Forms::Amplify)) {
        let policy = admitting(policy);
        let bytes = table(&policy, false).unwrap();
        let of_table = Matrix::of_table(&admit_runtime::Policy::from_bytes(&bytes).unwrap());
        let of_policy = Matrix::of(&policy);
        for key in of_policy.rows.keys().chain(of_table.rows.keys()) {
            prop_assert_eq!(of_policy.rows.get(key), of_table.rows.get(key), "{:?}", key);
        }
        prop_assert_eq!(of_policy.resources, of_table.resources);
    }

    #[test]
    fn a_policy_does_not_differ_from_itself(policy in generate::policy(Forms::All)) {
        prop_assert!(Difference::of(&policy, &policy).is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Nobody has an operation but those whom the matrix names, and each of them has it in some request.
    #[test]
    fn the_matrix_names_everybody_and_nobody_else(policy in generate::policy(Forms::All)) {
        let policy = admitting(policy);
        let matrix = Matrix::of(&policy);
        for resource in &matrix.resources {
            for operation in resource.operations() {
                let Some(deed) = deed_on(resource, *operation) else { continue };
                let rows = matrix.who_can(*operation, resource);
                let whoms: Vec<Whom> = rows
                    .iter()
                    .filter_map(|(caller, _)| {
                        let (who, and) = caller.whos().split_first()?;
                        Some(Whom { who: who.clone(), and: and.to_vec(), place: Place::default() })
                    })
                    .collect();
                let only = answer(&policy, RequirementKind::Only(whoms.clone(), deed.clone()));
                prop_assert!(!matches!(only, Answer::Broken(_)), "{} {resource}: {only:?}\n{rows:?}", operation.name());
                // Rows of models without guards are by role: one who may name the key of a record and change nothing of
                // it is in them, and one whom a field names that he may not propose.
                let keyed = policy.models.iter().any(|model| model.identifier != ["id"]);
                let writes = matches!(operation, Operation::Create | Operation::Update);
                let by_role = |whom: &Whom| {
                    let named = matches!(whom.who, Who::Owner { .. } | Who::GroupsIn { .. });
                    writes && (named || keyed)
                };
                for whom in whoms.into_iter().filter(|whom| !by_role(whom)) {
                    let no = answer(&policy, RequirementKind::No(whom.clone(), deed.clone()));
                    prop_assert!(no != Answer::Holds, "{} {resource}: {whom:?} cannot", operation.name());
                }
            }
        }
    }

    /// What one policy gives and the other does not is in their difference.
    #[test]
    fn no_change_is_missed(
        policy in generate::policy(Forms::All),
        which in any::<Index>(),
        questions in proptest::collection::vec(generate::question(), 200),
    ) {
        let less = without_one(&policy, which);
        let difference = Difference::of(&policy, &less);
        for question in questions.iter().filter_map(known) {
            let (before, after) = (gives(&policy, &question), gives(&less, &question));
            let has = |gained: bool| difference.changes.iter().any(|change| change.gained == gained);
            prop_assert!(before || !after || has(true), "given and not said: {question:?}\n{difference:?}");
            prop_assert!(after || !before || has(false), "taken and not said: {question:?}\n{difference:?}");
        }
    }
}
