//! What is asked: an action on a resource, and what the host knows of the record, the input and the query.
//! Always: what is left out is unknown, and unknown never widens a decision.

use crate::error::Unknown;
use crate::load::Policy;
use crate::value::{Fields, List};
use crate::words::Operation;

/// Which kind of custom operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum CustomKind {
    /// A query.
    Query = 0,
    /// A mutation.
    Mutation = 1,
    /// A subscription.
    Subscription = 2,
}

/// An operation on a resource, resolved once. It belongs to the table that resolved it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Action {
    pub(crate) tag: u64,
    pub(crate) target: Target,
    pub(crate) operation: Operation,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Target {
    Model(u32),
    Custom(u32),
    Bucket(u32),
}

impl Policy<'_> {
    /// An operation on a model, by name: `create update delete get list sync listen search`, or `relation` for
    /// records reached through a relation field.
    ///
    /// # Errors
    /// If the policy has no such model, or the model no such operation. Deny then.
    pub fn action(&self, model: &str, operation: &str) -> Result<Action, Unknown> {
        let model = self.model_number(model).ok_or(Unknown::Model)?;
        let operation = Operation::on_models(operation).ok_or(Unknown::Operation)?;
        let disabled = || self.model_at(model).disabled().meets(operation.needs());
        match self.disables && operation != Operation::Relation && disabled() {
            true => Err(Unknown::Operation),
            false => Ok(Action { tag: self.tag, target: Target::Model(model), operation }),
        }
    }

    /// A custom query, mutation or subscription, by name.
    ///
    /// # Errors
    /// If the policy has none of that kind and name. Deny then.
    pub fn custom_operation(&self, kind: CustomKind, name: &str) -> Result<Action, Unknown> {
        let number = self.custom_number(kind as u32, name).ok_or(Unknown::CustomOperation)?;
        Ok(Action { tag: self.tag, target: Target::Custom(number), operation: Operation::Call })
    }

    /// An operation on a bucket, by name: `get list write delete`.
    ///
    /// # Errors
    /// If the policy has no such bucket, or buckets no such operation. Deny then.
    pub fn storage(&self, bucket: &str, operation: &str) -> Result<Action, Unknown> {
        const OPERATIONS: [Operation; 4] = [Operation::Get, Operation::List, Operation::Write, Operation::Delete];
        let bucket = self.bucket_number(bucket).ok_or(Unknown::Bucket)?;
        let operation = OPERATIONS.into_iter().find(|known| known.name() == operation).ok_or(Unknown::Operation)?;
        Ok(Action { tag: self.tag, target: Target::Bucket(bucket), operation })
    }
}

/// What the host knows of the stored record.
#[derive(Clone, Copy, Default)]
pub enum Stored<'r> {
    /// It did not look: no rule that reads the record is true.
    #[default]
    NotGiven,
    /// It looked, and there is none. A `get` then reveals only that.
    Missing,
    /// Here it is.
    Given(&'r dyn Fields),
}

/// What is asked, besides who and which action. Built step by step; every part may be left out.
///
/// ```
/// use admit_runtime::{Request, Value};
/// let post = [("owner", Value::Text("1::eve"))];
/// let change = [("title", Value::Text("New"))];
/// let request = Request::on(&post).input(&change);
/// ```
#[derive(Clone, Copy, Default)]
pub struct Request<'r> {
    pub(crate) stored: Stored<'r>,
    pub(crate) input: Option<&'r dyn Fields>,
    pub(crate) fields: Option<&'r dyn List>,
    pub(crate) args: Option<&'r dyn Fields>,
    pub(crate) index: Option<&'r dyn List>,
    pub(crate) key: Option<&'r str>,
}

impl<'r> Request<'r> {
    /// Nothing but the action.
    pub fn new() -> Request<'r> {
        Request::default()
    }

    /// About this stored record.
    pub fn on(record: &'r dyn Fields) -> Request<'r> {
        Request { stored: Stored::Given(record), ..Request::default() }
    }

    /// About a key in storage, or for `list` a prefix of keys.
    pub fn key(key: &'r str) -> Request<'r> {
        Request { key: Some(key), ..Request::default() }
    }

    /// What is known of the stored record.
    pub fn stored(self, stored: Stored<'r>) -> Request<'r> {
        Request { stored, ..self }
    }

    /// What `create` or `update` proposes. Left out, it proposes every declared field.
    pub fn input(self, input: &'r dyn Fields) -> Request<'r> {
        Request { input: Some(input), ..self }
    }

    /// The fields asked for. Left out, every one.
    pub fn fields(self, fields: &'r dyn List) -> Request<'r> {
        Request { fields: Some(fields), ..self }
    }

    /// The values that the query fixes: of key fields for `get` and `list`, of owner fields for `listen`.
    pub fn args(self, args: &'r dyn Fields) -> Request<'r> {
        Request { args: Some(args), ..self }
    }

    /// `list`: the key fields of the index that is queried, partition key first.
    pub fn index(self, index: &'r dyn List) -> Request<'r> {
        Request { index: Some(index), ..self }
    }
}
