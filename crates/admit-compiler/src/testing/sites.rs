//! Every rule of a policy with where it stands, and which requests it is about.
//! Always: a schema-wide rule comes once for each model and operation that inherits it, with one place.

use super::field;
use crate::definition::{self, Question, Target, Value};
use crate::policy::{Assertion, Bucket, CustomOperation, Field, Model, Path, Policy, Rule, Who};
use admit_runtime::{Mode, Operation, Operations};

/// What a rule stands on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Site<'p> {
    /// A model, or one field of it.
    Model(&'p Model, Option<&'p Field>),
    Custom(&'p CustomOperation),
    Path(&'p Bucket, &'p Path),
    /// The `data` block: functions on all data.
    Data,
}

/// A rule where it stands.
#[derive(Clone, Debug)]
pub(super) struct Standing<'p> {
    pub rule: Rule,
    pub site: Site<'p>,
    pub is_deny: bool,
}

/// Every rule.
pub(super) fn standing(policy: &Policy) -> Vec<Standing<'_>> {
    let mut all = Vec::new();
    let mut add = |site, rules: &[Rule], denies: &[Rule]| {
        all.extend(rules.iter().map(|rule| Standing { rule: rule.clone(), site, is_deny: false }));
        all.extend(denies.iter().map(|rule| Standing { rule: rule.clone(), site, is_deny: true }));
    };
    for model in &policy.models {
        add(Site::Model(model, None), &model.rules, &model.denies);
        for field in &model.fields {
            add(Site::Model(model, Some(field)), &field.rules, &field.denies);
        }
    }
    for custom in &policy.operations {
        add(Site::Custom(custom), &custom.rules, &custom.denies);
    }
    for bucket in &policy.buckets {
        for path in &bucket.paths {
            add(Site::Path(bucket, path), &path.rules, &path.denies);
        }
    }
    let functions: Vec<Rule> = policy.data_functions.iter().map(crate::lower::data_rule).collect();
    add(Site::Data, &functions, &[]);
    all
}

const ON_MODELS: [Operation; 8] = [
    Operation::Create,
    Operation::Get,
    Operation::List,
    Operation::Sync,
    Operation::Listen,
    Operation::Search,
    Operation::Update,
    Operation::Delete,
];
const ON_PATHS: [Operation; 4] = [Operation::Get, Operation::List, Operation::Write, Operation::Delete];

impl<'p> Standing<'p> {
    /// The operations that it speaks of; a model's disabled ones are none.
    pub fn operations(&self) -> Vec<Operation> {
        let (each, disabled): (&[Operation], Operations) = match self.site {
            Site::Model(model, _) => (&ON_MODELS, model.disabled),
            Site::Data => (&ON_MODELS, Operations::NONE),
            Site::Custom(_) => (&[Operation::Call], Operations::NONE),
            Site::Path(..) => (&ON_PATHS, Operations::NONE),
        };
        let has = |operation: &&Operation| {
            self.rule.operations.meets(operation.needs()) && !disabled.meets(operation.needs())
        };
        each.iter().filter(has).copied().collect()
    }

    /// Whether whoever may arrive at all is allowed an operation here, so that it can be denied to nobody.
    pub fn is_for_everybody(&self, policy: &Policy, operation: Operation) -> bool {
        let none: &[Rule] = &[];
        let (rules, denies): (&[Rule], Vec<&Rule>) = match self.site {
            Site::Model(model, field) => {
                let own = field.filter(|field| !field.rules.is_empty()).map_or(&model.rules, |field| &field.rules);
                (own, model.denies.iter().chain(field.map_or(none, |field| &field.denies)).collect())
            }
            Site::Custom(custom) => (&custom.rules, custom.denies.iter().collect()),
            Site::Path(bucket, path) => {
                let is_literal = |other: &Path| !other.entity && other.claims.is_empty();
                let above = |other: &&Path| !is_literal(other) || path.prefix.starts_with(&other.prefix);
                (&path.rules, bucket.paths.iter().filter(above).flat_map(|path| &path.denies).collect())
            }
            Site::Data => return false,
        };
        let in_storage = matches!(self.site, Site::Path(..));
        let admits = |mode: Mode| {
            let is = |rule: &&Rule| match (&rule.who, mode) {
                (Who::Authenticated(_), Mode::UserPool | Mode::IdentityPool) if in_storage => true,
                (Who::Authenticated(of), mode) => *of == mode && mode != Mode::IdentityPool,
                (Who::Guest, Mode::Guest) | (Who::ApiKey, Mode::ApiKey) | (Who::Custom, Mode::Lambda) => true,
                _ => false,
            };
            rules.iter().filter(is).any(|rule| rule.operations.meets(operation.needs()) && !rule.is_guarded())
        };
        let modes = Mode::ALL.into_iter().filter(|mode| !matches!(mode, Mode::Function | Mode::Iam));
        let mut modes = modes.filter(|mode| policy.admits(*mode));
        denies.iter().all(|deny| !deny.operations.meets(operation.needs()))
            && policy.functions.is_empty()
            && modes.all(admits)
    }

    pub fn path(&self) -> Option<&'p Path> {
        match self.site {
            Site::Path(_, path) => Some(path),
            _ => None,
        }
    }

    /// Whether a request asks for something that the rule is about: its operation on what it stands on. An assertion
    /// about a record as a whole reads none of its fields, creates and updates those that the input names, and deletes
    /// them all.
    pub fn is_about(&self, policy: &Policy, assertion: &Assertion, question: &Question) -> bool {
        match (self.site, &question.target) {
            (Site::Model(model, of), Target::Model(name, operation)) if model.name == *name => {
                self.covers(*operation, question) && self.reaches(model, of, field(assertion), question)
            }
            (Site::Custom(custom), Target::Custom(kind, name)) => (custom.kind, &custom.name) == (*kind, name),
            (Site::Path(bucket, path), Target::Storage { bucket: name, operation, .. }) => {
                bucket.name == *name
                    && self.rule.operations.meets(operation.needs())
                    && definition::covers(policy, question, path)
                    && (self.is_deny || is_deepest(policy, bucket, path, question))
            }
            (Site::Data, Target::Model(_, operation)) => self.rule.operations.meets(operation.needs()),
            (Site::Data, Target::Custom(kind, _)) => {
                use admit_syntax::ast::OperationKind;
                self.rule.operations.meets(match kind {
                    OperationKind::Query => Operations::GET,
                    OperationKind::Mutation => Operations::CREATE,
                    OperationKind::Subscription => Operations::LISTEN,
                })
            }
            _ => false,
        }
    }

    /// Whether the rule covers the operation; setting a field to null takes `delete` on it.
    fn covers(&self, operation: Operation, question: &Question) -> bool {
        let empties = match (self.site, &question.input) {
            (Site::Model(_, Some(field)), Some(input)) => input.get(&field.name) == Some(&Value::Null),
            _ => false,
        };
        let deletes = operation == Operation::Update && empties && self.rule.operations.meets(Operations::DELETE);
        deletes || self.rule.operations.meets(operation.needs())
    }

    fn reaches(&self, model: &Model, of: Option<&Field>, asked: Option<&str>, question: &Question) -> bool {
        let Target::Model(_, operation) = &question.target else { return false };
        match (of, asked) {
            (None, None) => true,
            // A field with rules of its own is not the model's rules' any more.
            (None, Some(asked)) => {
                self.is_deny || model.fields.iter().any(|field| field.name == asked && field.rules.is_empty())
            }
            (Some(of), Some(asked)) => of.name == asked,
            (Some(of), None) => match operation {
                Operation::Create | Operation::Update => {
                    question.input.as_ref().is_none_or(|input| input.contains_key(&of.name))
                }
                Operation::Delete => true,
                _ => false,
            },
        }
    }
}

/// A sub-path does not inherit its parent's rules.
fn is_deepest(policy: &Policy, bucket: &Bucket, path: &Path, question: &Question) -> bool {
    let deeper = |other: &&Path| other.prefix.len() > path.prefix.len();
    !bucket.paths.iter().filter(deeper).any(|other| definition::covers(policy, question, other))
}
