//! The matrix says what the decisions say: on generated policies, for every kind of caller that a table tells apart.

use admit_compiler::analysis::{Extent, Matrix, ON_MODELS, ON_PATHS, Resource};
use admit_compiler::policy::Policy;
use admit_compiler::table;
use admit_runtime::{Action, Caller, Mode, Operation, Request, Value};
use admit_tests::generate::{self, Forms};
use proptest::prelude::*;

/// A caller who is exactly one kind of who in storage and, in the data, one beside those that everybody signed in is.
struct Asker {
    mode: Mode,
    groups: Vec<&'static str>,
    /// The rows of the matrix that are about the asker.
    rows: Vec<String>,
}

fn askers(storage: bool) -> Vec<Asker> {
    let asker = |mode, groups: &[&'static str], rows: &[&str]| Asker {
        mode,
        groups: groups.to_vec(),
        rows: rows.iter().map(|row| (*row).to_owned()).collect(),
    };
    let mut askers = vec![asker(Mode::Guest, &[], &["guests"])];
    if storage {
        askers.push(asker(Mode::IdentityPool, &[], &["signed in (identity pool)"]));
        for group in ["A", "B"] {
            let row = format!("group {group}");
            askers.push(Asker { mode: Mode::IdentityPool, groups: vec![group], rows: vec![row] });
        }
    } else {
        askers.push(asker(Mode::ApiKey, &[], &["the API key"]));
        askers.push(asker(Mode::Lambda, &[], &["by the authorizer"]));
        askers.push(asker(Mode::IdentityPool, &[], &["signed in (identity pool)"]));
        askers.push(asker(Mode::UserPool, &[], &["signed in"]));
        askers.push(asker(Mode::UserPool, &["A"], &["signed in", "group A"]));
        askers.push(asker(Mode::UserPool, &["A", "B"], &["signed in", "group A", "group B"]));
        askers.push(asker(Mode::Oidc, &["B"], &["signed in (oidc)", "group B (oidc)"]));
    }
    askers
}

fn allowed(loaded: &admit_runtime::Policy<'_>, asker: &Asker, action: Action, request: &Request<'_>) -> bool {
    let groups = asker.groups.as_slice();
    // No `sub` and no `username`: nobody's records, so that no rule about a record is true.
    let claims = [("cognito:groups", Value::List(&groups))];
    let caller = Caller { claims: &claims, ..Caller::new(asker.mode) };
    let principal = loaded.principal(caller).unwrap();
    loaded.decide(&principal, action, request).is_allowed()
}

/// Whether the asker's rows give the operation, on every field if `every`.
fn given(matrix: &Matrix, asker: &Asker, resource: &Resource, operation: Operation, fields: &[String]) -> bool {
    let extents: Vec<&Extent> = matrix
        .who_can(operation, resource)
        .into_iter()
        .filter(|(caller, _)| asker.rows.contains(&caller.to_string()))
        .map(|(_, extent)| extent)
        .collect();
    let on_field = |field: &String| {
        extents.iter().any(|extent| match extent {
            Extent::Whole => true,
            Extent::Fields(some) => some.contains(field),
        })
    };
    match operation {
        Operation::Create | Operation::Update => !extents.is_empty() && (fields.iter().all(on_field)),
        _ => !extents.is_empty(),
    }
}

fn check_models(policy: &Policy, loaded: &admit_runtime::Policy<'_>, matrix: &Matrix) -> Result<(), TestCaseError> {
    for model in &policy.models {
        let resource = Resource::Model(model.name.clone());
        let fields: Vec<String> = model.fields.iter().map(|field| field.name.clone()).collect();
        // A rule about the record holds for whoever creates one: such models are left to the other property.
        let dynamic = model.rules.iter().chain(model.fields.iter().flat_map(|field| &field.rules)).any(|rule| {
            matches!(rule.who, admit_compiler::policy::Who::Owner { .. } | admit_compiler::policy::Who::GroupsIn { .. })
        });
        for operation in ON_MODELS {
            let Ok(action) = loaded.action(&model.name, operation.name()) else {
                prop_assert!(matrix.who_can(operation, &resource).is_empty(), "{operation:?} is disabled");
                continue;
            };
            // An update of nothing passes for whoever may delete: no matter of who may update what.
            // The key only says which record, so whoever may update any of it may name the key.
            let fields: Vec<String> = match operation {
                Operation::Update => fields.iter().filter(|field| !model.identifier.contains(field)).cloned().collect(),
                _ => fields.clone(),
            };
            let of_nothing = fields.is_empty() || matrix.who_can(operation, &resource).is_empty();
            if dynamic || operation == Operation::Update && of_nothing {
                continue;
            }
            for asker in askers(false).iter().filter(|asker| policy.admits(asker.mode)) {
                let is = allowed(loaded, asker, action, &Request::new());
                let said = given(matrix, asker, &resource, operation, &fields);
                prop_assert_eq!(is, said, "{:?} by {:?} on {}", operation, asker.rows, model.name);
            }
        }
    }
    Ok(())
}

fn check_paths(policy: &Policy, loaded: &admit_runtime::Policy<'_>, matrix: &Matrix) -> Result<(), TestCaseError> {
    for bucket in &policy.buckets {
        let prefixes: Vec<&str> = bucket.paths.iter().map(|path| path.prefix.as_str()).collect();
        for prefix in &prefixes {
            // A key of this path and of none below it, in nobody's own folder.
            let key = format!("{prefix}~");
            let resource = Resource::Path(bucket.name.clone(), format!("{prefix}*"));
            if !matrix.rows.keys().any(|(of, _)| *of == resource) {
                continue; // only folders of one's own have rules here
            }
            for operation in ON_PATHS {
                let action = loaded.storage(&bucket.name, operation.name()).unwrap();
                for asker in askers(true) {
                    // With `roles: "union"` a member of a group is also signed in.
                    let mut asker = asker;
                    let union = policy.roles == admit_compiler::policy::Roles::Union;
                    if union && asker.mode == Mode::IdentityPool && !asker.groups.is_empty() {
                        asker.rows.push("signed in (identity pool)".into());
                    }
                    let is = allowed(loaded, &asker, action, &Request::key(&key));
                    let said = given(matrix, &asker, &resource, operation, &[]);
                    prop_assert_eq!(is, said, "{:?} by {:?} on {}", operation, asker.rows, key);
                }
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_matrix_says_what_the_decisions_say(policy in generate::policy(Forms::Amplify)) {
        let bytes = table(&policy, false).unwrap();
        let loaded = admit_runtime::Policy::from_bytes(&bytes).unwrap();
        let matrix = Matrix::of(&loaded);
        check_models(&policy, &loaded, &matrix)?;
        check_paths(&policy, &loaded, &matrix)?;
    }

    #[test]
    fn a_policy_does_not_differ_from_itself(policy in generate::policy(Forms::Amplify)) {
        let bytes = table(&policy, false).unwrap();
        let stripped = table(&policy, true).unwrap();
        let (a, b) = (admit_runtime::Policy::from_bytes(&bytes).unwrap(), admit_runtime::Policy::from_bytes(&stripped).unwrap());
        prop_assert!(admit_compiler::analysis::Difference::between(&a, &b).is_empty());
    }
}
