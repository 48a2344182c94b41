//! The JSON contract: one request a line in, one answer a line out. `docs/cli.md` is its reference.
//! Always: a request is answered or is an error; a key that the contract does not have is an error, since a
//! misspelt `record` must not decide without the record.

use admit_runtime::{
    Action, Authorizer, Caller, Condition, CustomKind, Decision, Effect, Filter, List, Mode, Policy, Request, Rule,
    Shown, Stored,
};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

/// The most rules that a denial names as ways in.
pub const NEAREST: usize = 10;

type Object = Map<String, Value>;

/// One request. Exactly one of `model`, `query`, `mutation`, `subscription` and `storage` is there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    principal: Principal,
    operation: Option<String>,
    model: Option<String>,
    query: Option<String>,
    mutation: Option<String>,
    subscription: Option<String>,
    storage: Option<String>,
    key: Option<String>,
    /// Left out: not known. Null: there is none.
    #[serde(default, deserialize_with = "some")]
    record: Option<Option<Object>>,
    input: Option<Object>,
    fields: Option<Vec<String>>,
    args: Option<Object>,
    index: Option<Vec<String>>,
    /// Whether the answer says what each rule came to.
    #[serde(default)]
    trace: bool,
}

/// Who asks.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Principal {
    mode: String,
    claims: Option<Object>,
    groups: Option<Vec<String>>,
    identity_id: Option<String>,
    name: Option<String>,
    authorizer: Option<String>,
    trusted: Option<bool>,
}

/// A key that is there, even if it is null.
fn some<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Answers one request, a line of JSON.
///
/// ```
/// # use admit_compiler::{Source, check, table};
/// let source = Source { name: "a.policy".into(), text: "model Post { allow.publicApiKey().to([\"read\"]) }".into() };
/// let bytes = table(&check(&[source]).policy.unwrap(), false).unwrap();
/// let policy = admit_runtime::Policy::from_bytes(&bytes).unwrap();
/// let answer = admit_cli::requests::answer(&policy, r#"{"principal":{"mode":"apiKey"},"operation":"get","model":"Post"}"#);
/// assert_eq!(answer["decision"], "allow");
/// let answer = admit_cli::requests::answer(&policy, "nonsense");
/// assert!(answer["error"].is_string());
/// ```
///
/// # Panics
/// Never.
pub fn answer(policy: &Policy<'_>, line: &str) -> Value {
    match serde_json::from_str::<Question>(line.trim()) {
        Ok(question) => question.answer(policy).unwrap_or_else(|error| json!({ "error": error })),
        Err(error) => json!({"error": format!("this is no request: {error}")}),
    }
}

/// A rule in an answer: its place and its text.
pub fn rule(rule: &Rule<'_>) -> Value {
    json!({"file": rule.file(), "line": rule.line(), "text": rule.to_string()})
}

impl Question {
    fn answer(&self, policy: &Policy<'_>) -> Result<Value, String> {
        let texts = |list: &Option<Vec<String>>| list.as_ref().map(|list| Texts(list.clone()));
        let groups = texts(&self.principal.groups);
        let (fields, index) = (texts(&self.fields), texts(&self.index));
        let nothing = Object::new();
        let caller = self.principal.caller(&nothing, groups.as_ref())?;
        let principal = policy.principal(caller).map_err(|error| error.to_string())?;
        let Some(action) = self.action(policy)? else {
            return Ok(json!({"decision": "deny", "reason": "unknown", "nearest": []}));
        };
        let request = self.request(fields.as_ref(), index.as_ref());
        let decision = policy.decide(&principal, action, &request);
        let mut answer = describe(&decision, self.model.is_some());
        if decision.reason() == Some(admit_runtime::Reason::Condition) {
            answer["conditions"] = crate::trace::failing(&decision, &self.given(), NEAREST);
        }
        if self.trace {
            answer["trace"] = crate::trace::trace(&decision, &self.given());
        }
        Ok(answer)
    }

    /// What conditions may read.
    fn given(&self) -> crate::trace::Given<'_> {
        crate::trace::Given {
            record: self.record.as_ref().and_then(Option::as_ref),
            input: self.input.as_ref(),
            claims: self.principal.claims.as_ref(),
            creates: self.operation.as_deref() == Some("create"),
        }
    }

    /// What is asked; none if the policy does not have it.
    fn action(&self, policy: &Policy<'_>) -> Result<Option<Action>, String> {
        let custom = [
            (CustomKind::Query, &self.query),
            (CustomKind::Mutation, &self.mutation),
            (CustomKind::Subscription, &self.subscription),
        ];
        let custom: Vec<(CustomKind, &String)> =
            custom.into_iter().filter_map(|(kind, name)| name.as_ref().map(|name| (kind, name))).collect();
        if custom.len() + usize::from(self.model.is_some()) + usize::from(self.storage.is_some()) != 1 {
            return Err("a request names one of `model`, `query`, `mutation`, `subscription` and `storage`".into());
        }
        let stray = |given: bool, key: &str, of: &str| match given {
            true => Err(format!("`{key}` belongs to {of}")),
            false => Ok(()),
        };
        let model = self.model.is_some();
        stray(!model && self.record.is_some(), "record", "requests with a `model`")?;
        stray(!model && self.input.is_some(), "input", "requests with a `model`")?;
        stray(!model && self.fields.is_some(), "fields", "requests with a `model`")?;
        stray(!model && self.args.is_some(), "args", "requests with a `model`")?;
        stray(!model && self.index.is_some(), "index", "requests with a `model`")?;
        stray(self.storage.is_none() && self.key.is_some(), "key", "requests with a `storage`")?;
        if let [(kind, name)] = custom.as_slice() {
            stray(self.operation.is_some(), "operation", "models and storage; an operation of one's own is its name")?;
            return Ok(policy.custom_operation(*kind, name).ok());
        }
        let operation = self.operation.as_deref().ok_or("a request on a model or a bucket names its `operation`")?;
        match (&self.model, &self.storage) {
            (Some(model), _) => Ok(policy.action(model, operation).ok()),
            (None, Some(_)) if self.key.is_none() => Err("a request on a bucket names its `key`".into()),
            (None, bucket) => Ok(policy.storage(bucket.as_deref().unwrap_or_default(), operation).ok()),
        }
    }

    fn request<'r>(&'r self, fields: Option<&'r Texts>, index: Option<&'r Texts>) -> Request<'r> {
        let stored = match &self.record {
            None => Stored::NotGiven,
            Some(None) => Stored::Missing,
            Some(Some(record)) => Stored::Given(record),
        };
        let mut request = match &self.key {
            Some(key) => Request::key(key),
            None => Request::new().stored(stored),
        };
        if let Some(input) = &self.input {
            request = request.input(input);
        }
        if let Some(args) = &self.args {
            request = request.args(args);
        }
        if let Some(fields) = fields {
            request = request.fields(fields);
        }
        match index {
            Some(index) => request.index(index),
            None => request,
        }
    }
}

impl Principal {
    fn caller<'c>(&'c self, nothing: &'c Object, groups: Option<&'c Texts>) -> Result<Caller<'c>, String> {
        let mode = Mode::from_name(&self.mode).ok_or_else(|| {
            let known = Mode::ALL.map(|mode| format!("`{}`", mode.name())).join(", ");
            format!("unknown mode `{}`; the modes are {known}", self.mode)
        })?;
        let only = |given: bool, key: &str, modes: &[Mode]| match given && !modes.contains(&mode) {
            true => Err(format!("`{key}` has no meaning in mode `{}`", mode.name())),
            false => Ok(()),
        };
        only(self.claims.is_some(), "claims", &[Mode::UserPool, Mode::Oidc, Mode::IdentityPool])?;
        only(self.groups.is_some(), "groups", &[Mode::IdentityPool])?;
        only(self.identity_id.is_some(), "identityId", &[Mode::IdentityPool, Mode::UserPool])?;
        only(self.name.is_some(), "name", &[Mode::Function])?;
        only(self.authorizer.is_some(), "authorizer", &[Mode::Lambda])?;
        only(self.trusted.is_some(), "trusted", &[Mode::Iam])?;
        let authorizer = match self.authorizer.as_deref() {
            None | Some("yes") => Authorizer::Yes,
            Some("no") => Authorizer::No,
            Some("ask") => Authorizer::NotAsked,
            Some(other) => return Err(format!("unknown authorizer `{other}`; it is `yes`, `no` or `ask`")),
        };
        Ok(Caller {
            claims: self.claims.as_ref().unwrap_or(nothing),
            groups: groups.map(|groups| groups as &dyn List),
            identity_id: self.identity_id.as_deref(),
            function: self.name.as_deref(),
            authorizer,
            trusted: self.trusted.unwrap_or(false),
            ..Caller::new(mode)
        })
    }
}

/// Texts as a list of the runtime.
struct Texts(Vec<String>);

impl List for Texts {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn at(&self, index: usize) -> admit_runtime::Value<'_> {
        self.0.get(index).map_or(admit_runtime::Value::Absent, |text| admit_runtime::Value::Text(text))
    }
}

/// A decision as an answer.
fn describe(decision: &Decision<'_>, of_model: bool) -> Value {
    let mut answer = Object::new();
    let mut put = |key: &str, value: Value| drop(answer.insert(key.to_owned(), value));
    match decision.effect() {
        Effect::Deny => {
            put("decision", "deny".into());
            put("reason", decision.reason().map_or("unauthorized", admit_runtime::Reason::name).into());
            let mut denied: Vec<Value> = Vec::new();
            decision.each_denied_field(&mut |field| denied.push(field.into()));
            if !denied.is_empty() {
                put("deniedFields", denied.into());
            }
            let denies: Vec<Value> = decision.denies().take(NEAREST).map(|deny| rule(&deny)).collect();
            if !denies.is_empty() {
                put("denies", denies.into());
            }
            let nearest: Vec<Value> = decision.nearest().take(NEAREST).map(|near| rule(&near)).collect();
            put("nearest", nearest.into());
            return answer.into();
        }
        Effect::Allow => put("decision", "allow".into()),
        Effect::Ask => put("decision", "ask".into()),
    }
    let rules: Vec<Value> = decision.rule().iter().map(rule).collect();
    put("rules", rules.into());
    if let Some(condition) = decision.filter() {
        let mut filter = filter(&condition);
        if let (true, Some(filter)) = (condition.is_guarded(), filter.as_object_mut()) {
            let (denies, allows): (Vec<_>, Vec<_>) = decision.filter_rules().partition(|rule| rule.is_deny());
            filter.insert("allows".to_owned(), allows.iter().map(rule).collect());
            filter.insert("denies".to_owned(), denies.iter().map(rule).collect());
        }
        put("filter", filter);
    }
    let set = recorded(decision);
    if !set.is_empty() {
        put("set", set.into());
    }
    let (mut fields, mut filters, mut all) = (Vec::new(), Object::new(), true);
    decision.each_field(&mut |field, shown| match shown {
        Shown::Always => fields.push(Value::from(field)),
        Shown::Never => all = false,
        Shown::If(condition) => {
            all = false;
            filters.insert(field.to_owned(), filter(&condition));
        }
    });
    // Whoever may write need not be shown what he wrote: then the list is there without field rules too.
    if of_model && (decision.has_field_rules() || !all) {
        put("fields", fields.into());
        if !filters.is_empty() {
            put("fieldFilters", filters.into());
        }
    }
    answer.into()
}

/// What the host must record on `create`.
pub fn recorded(decision: &Decision<'_>) -> Object {
    let mut set = Object::new();
    decision.each_recorded_owner(&mut |field, many, pieces| {
        let owner = Value::from(pieces.concat());
        set.insert(field.to_owned(), if many { Value::from(vec![owner]) } else { owner });
    });
    set
}

/// A filter: `{"or": [{"field": "owner", "in": ["1::eve", "1", "eve"]}, {"field": "teams", "containsAny": ["red"]}]}`.
/// A record passes if one of the conditions holds; with none, no record does. A guarded filter, `{"guarded": true}`, is
/// more than such conditions: each record is asked about by itself.
pub fn filter(filter: &Filter<'_>) -> Value {
    if filter.is_guarded() {
        return json!({ "guarded": true });
    }
    let conditions: Vec<Value> = filter.conditions().map(|condition| self::condition(&condition)).collect();
    json!({ "or": conditions })
}

fn condition(condition: &Condition<'_>) -> Value {
    let mut values: Vec<Value> = Vec::new();
    condition.each_value(&mut |pieces| {
        let value = Value::from(pieces.concat());
        if !values.contains(&value) {
            values.push(value);
        }
    });
    let operator = if condition.is_list() { "containsAny" } else { "in" };
    json!({"field": condition.field(), operator: values})
}
