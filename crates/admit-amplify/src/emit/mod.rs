//! From a checked policy to what AWS enforces: IAM, CloudFormation, Amplify's outputs, GraphQL with `@auth`.
//! Always: what is written never allows more than the policy does; whatever cannot be written is said, with its place;
//! the same policy gives the same text.

pub mod arn;
mod cloudformation;
mod graphql;
mod iam;
mod outputs;
mod roles;

use admit_compiler::diagnostic::{Diagnostic, Severity};
use admit_compiler::policy::{Place, Policy, Roles};
use admit_compiler::{NOT_ON_AWS, OUTPUT_LIMIT, Source};
use std::collections::BTreeMap;

/// What can be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Per role the IAM policies and the trust policy, as JSON.
    Iam,
    /// A template of user pool groups, roles and their attachment, as JSON.
    CloudFormation,
    /// The `auth` and `storage` parts of `amplify_outputs.json`.
    AmplifyOutputs,
    /// The schema with its rules as `@auth`.
    GraphQl,
}

/// What the account calls things, and what it grants; left out, IAM names are derived from the policy's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// Buckets by their name in the policy.
    pub buckets: BTreeMap<String, String>,
    /// The user pool's ARN.
    pub user_pool: Option<String>,
    /// The identity pool's id.
    pub identity_pool: Option<String>,
    /// The GraphQL API's ARN.
    pub api: Option<String>,
    /// Where buckets and pools are.
    pub region: Option<String>,
    /// How many managed policies a role may have: 10, or on request up to 20.
    pub managed_policies: usize,
}

impl Default for Account {
    fn default() -> Account {
        Account {
            buckets: BTreeMap::new(),
            user_pool: None,
            identity_pool: None,
            api: None,
            region: None,
            managed_policies: 10,
        }
    }
}

/// What came of writing.
#[derive(Clone, PartialEq, Debug)]
pub struct Emitted {
    /// The text, which ends with a line end; none if some diagnostic is an error.
    pub text: Option<String>,
    /// What cannot be written, or does not fit.
    pub diagnostics: Vec<Diagnostic>,
}

/// Writes a checked policy in one form. `sources` are those that it was checked from.
///
/// ```
/// use admit_amplify::emit::{Account, Form, emit};
/// use admit_compiler::{Source, check};
/// let text = "auth {}\nstorage media { \"public/*\": [allow.guest.to([\"get\"])] }";
/// let sources = [Source { name: "a.policy".into(), text: text.into() }];
/// let policy = check(&sources).policy.expect("it has no error");
/// let emitted = emit(&policy, &sources, Form::Iam, &Account::default());
/// assert!(emitted.text.is_some_and(|text| text.contains("arn:aws:s3:::media/public/*")));
/// ```
///
/// # Panics
/// Never, for a policy that the checker made of these sources.
pub fn emit(policy: &Policy, sources: &[Source], form: Form, account: &Account) -> Emitted {
    let mut says = Says::default();
    let text = match form {
        Form::Iam => iam::write(policy, account, &mut says),
        Form::CloudFormation => cloudformation::write(policy, account, &mut says),
        Form::AmplifyOutputs => outputs::write(policy, sources, account, &mut says),
        Form::GraphQl => graphql::write(policy, sources, &mut says),
    };
    if form != Form::AmplifyOutputs {
        says.exclusive(policy);
    }
    let mut diagnostics = says.0;
    if policy.roles == Roles::Union && matches!(form, Form::Iam | Form::CloudFormation) {
        diagnostics.extend(admit_compiler::group_takes_away(policy));
    }
    diagnostics.sort_by_key(|one| (one.label.file, one.label.span, one.code, one.message.clone()));
    diagnostics.dedup();
    let failed = diagnostics.iter().any(|one| one.severity == Severity::Error);
    Emitted { text: (!failed).then_some(text), diagnostics }
}

/// What there is to say of a policy.
#[derive(Default)]
struct Says(Vec<Diagnostic>);

impl Says {
    fn say(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// A rule that cannot be written as it is.
    fn not_on_aws(&mut self, place: Place, message: impl Into<String>, instead: &str, help: &str) {
        let warning = Diagnostic::new(NOT_ON_AWS, place.file as usize, place.span, message);
        self.say(warning.label(instead).help(help));
    }

    /// AWS lets one user be in any groups.
    fn exclusive(&mut self, policy: &Policy) {
        for list in &policy.exclusive {
            let place = policy.groups.iter().find(|group| list.contains(&group.name)).map(|group| group.place);
            let names: Vec<String> = list.iter().map(|name| format!("`{name}`")).collect();
            let message = format!("AWS does not refuse a user who is in more than one of {}", names.join(", "));
            let help = "Admit refuses such a user; keep to `exclusive` where users are put into groups";
            self.not_on_aws(place.unwrap_or_default(), message, "not enforced on AWS", help);
        }
    }

    /// Something that AWS takes only so much of.
    fn limit(&mut self, place: Place, message: impl Into<String>, help: impl Into<String>) {
        let error = Diagnostic::new(OUTPUT_LIMIT, place.file as usize, place.span, message);
        self.say(error.label("nothing is written").help(help));
    }
}

/// JSON as text, indented.
fn json_text(value: &serde_json::Value) -> String {
    let mut text = format!("{value:#}");
    text.push('\n');
    text
}
