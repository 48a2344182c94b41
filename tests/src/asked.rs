//! Questions of the definition, asked of a table.
//! Always: what the question says is what the runtime is given.

use admit_compiler::definition::{AsFields, Question, Stored, Target};
use admit_runtime::{Action, Caller, CustomKind, Decision, List, Policy, Request};
use admit_syntax::ast::OperationKind;

fn action(loaded: &Policy<'_>, target: &Target) -> Option<Action> {
    match target {
        Target::Model(name, operation) => loaded.action(name, operation.name()).ok(),
        Target::Custom(kind, name) => {
            let kind = match kind {
                OperationKind::Query => CustomKind::Query,
                OperationKind::Mutation => CustomKind::Mutation,
                OperationKind::Subscription => CustomKind::Subscription,
            };
            loaded.custom_operation(kind, name).ok()
        }
        Target::Storage { bucket, operation, .. } => loaded.storage(bucket, operation.name()).ok(),
    }
}

/// What is read of a table's decision; none if the table does not have what is asked, or refuses the caller.
pub fn decided<T>(loaded: &Policy<'_>, question: &Question, read: impl FnOnce(&Decision<'_>) -> T) -> Option<T> {
    let action = action(loaded, &question.target)?;
    let groups: Vec<&str> = question.caller.groups.iter().flatten().map(String::as_str).collect();
    let groups = groups.as_slice();
    let claims = AsFields(&question.caller.claims);
    let caller = Caller {
        mode: question.caller.mode,
        claims: &claims,
        groups: question.caller.groups.is_some().then_some(&groups as &dyn List),
        identity_id: question.caller.identity_id.as_deref(),
        function: question.caller.function.as_deref(),
        authorizer: question.caller.authorizer,
        trusted: question.caller.trusted,
    };
    let principal = loaded.principal(caller).ok()?;
    let stored = match &question.stored {
        Stored::Given(record) => Some(AsFields(record)),
        _ => None,
    };
    let input = question.input.as_ref().map(AsFields);
    let args = AsFields(&question.args);
    let index: Vec<&str> = question.index.iter().map(String::as_str).collect();
    let index = index.as_slice();
    let mut request = match &question.target {
        Target::Storage { key, .. } => Request::key(key),
        _ => Request::new(),
    };
    request = request.args(&args).index(&index).stored(match (&stored, &question.stored) {
        (Some(record), _) => admit_runtime::Stored::Given(record),
        (None, Stored::Missing) => admit_runtime::Stored::Missing,
        _ => admit_runtime::Stored::NotGiven,
    });
    if let Some(input) = &input {
        request = request.input(input);
    }
    Some(read(&loaded.decide(&principal, action, &request)))
}
