//! One request of a case: asked of Admit through its JSON contract, and compared with what the real stack answered.
//! Always: compares what `README.md` of the cases says to compare, and builds the question from the case alone.

use crate::translate::object;
use admit_runtime::Policy;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What both sides said, where they differ.
#[derive(Debug)]
pub struct Mismatch {
    /// Which part differs.
    pub what: &'static str,
    /// What the real stack said.
    pub expected: String,
    /// What Admit said.
    pub actual: String,
    /// What Admit was asked, and its whole answer.
    pub exchange: String,
}

/// The table of a policy's text.
///
/// # Errors
/// Its errors, if it has any.
pub fn policy_of(text: &str) -> Result<Vec<u8>, String> {
    let checked = admit_compiler::check(&[admit_compiler::Source { name: "case.policy".into(), text: text.into() }]);
    let policy = checked.policy.ok_or_else(|| format!("{:?}", checked.diagnostics))?;
    admit_compiler::table(&policy, false).map_err(|error| error.to_string())
}

/// A case with its table.
pub struct Bench<'p> {
    /// The case.
    pub case: &'p Value,
    /// Its policy, loaded.
    pub policy: &'p Policy<'p>,
}

type Fields = Map<String, Value>;

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

fn names(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// A question and its answer, kept for the report.
struct Exchange {
    question: Value,
    answer: Value,
}

impl Exchange {
    fn allowed(&self) -> bool {
        self.answer["decision"] == "allow"
    }

    fn differs(&self, what: &'static str, expected: impl ToString, actual: impl ToString) -> Result<(), Mismatch> {
        let (expected, actual) = (expected.to_string(), actual.to_string());
        match expected == actual {
            true => Ok(()),
            false => Err(Mismatch { what, expected, actual, exchange: format!("{}\n{}", self.question, self.answer) }),
        }
    }

    /// Whether a record's field may be shown, by the answer's `fields` and `fieldFilters`.
    fn shows(&self, field: &str, record: &Fields) -> bool {
        let Some(fields) = self.answer.get("fields") else { return true };
        names(fields).contains(&field) || passes(self.answer["fieldFilters"].get(field), record, false)
    }
}

/// Whether a record passes a filter of the JSON contract; without a filter, `otherwise`.
pub fn passes(filter: Option<&Value>, record: &Fields, otherwise: bool) -> bool {
    let Some(filter) = filter else { return otherwise };
    filter["or"].as_array().into_iter().flatten().any(|condition| {
        let value = text(condition, "field").and_then(|field| record.get(field)).unwrap_or(&Value::Null);
        let among =
            |values: &Value, value: &Value| value.is_string() && names(values).contains(&value.as_str().unwrap_or(""));
        match (condition.get("in"), condition.get("containsAny")) {
            (Some(values), None) => among(values, value),
            (None, Some(values)) => value.as_array().into_iter().flatten().any(|value| among(values, value)),
            _ => false,
        }
    })
}

impl Bench<'_> {
    /// Asks one request and compares.
    ///
    /// # Errors
    /// What differs.
    pub fn check(&self, request: &Value) -> Result<(), Mismatch> {
        match (text(request, "model"), text(request, "operation")) {
            (Some(model), Some(operation)) => self.check_model(request, model, operation),
            (None, Some(kind)) => {
                let question = json!({"principal": principal(request), kind: request["field"]});
                self.decision(request, question).map(drop)
            }
            _ => {
                let question = json!({"principal": storage_principal(request), "storage": self.case["policy"]["storage"]["name"],
                    "operation": request["action"], "key": request["path"]});
                self.decision(request, question).map(drop)
            }
        }
    }

    /// Everything that Admit says of a request, so that two ways to ask can be compared.
    pub fn answers(&self, request: &Value) -> Vec<Value> {
        let (model, operation) = (text(request, "model"), text(request, "operation"));
        let (Some(model), Some(operation)) = (model, operation) else { return Vec::new() };
        let operation = if operation.starts_with("on") { "listen" } else { operation };
        let (args, input) = (object(request, "args"), object(request, "input"));
        let key = if input.is_empty() { &args } else { &input };
        let question = |operation: &str, record: Option<&Fields>| {
            let mut question = json!({"principal": principal(request), "operation": operation, "model": model});
            if let Some(record) = record {
                question["record"] = json!(record);
            }
            if matches!(operation, "create" | "update") {
                question["input"] = json!(input.as_ref());
            }
            self.ask(question).answer
        };
        let stored = self.stored(model, key);
        let mut answers = vec![question(operation, stored)];
        answers.extend(self.items(model).into_iter().map(|item| question("get", Some(item))));
        answers
    }

    /// The item that a mismatch of redactions is about.
    pub fn item_of(&self, request: &Value, mismatch: &Mismatch) -> Option<&Fields> {
        let model = text(request, "model")?;
        match text(request, "operation")? {
            "get" => self.stored(model, &object(request, "args")),
            _ => {
                let id = mismatch.actual.split(' ').next()?;
                self.items(model).into_iter().find(|item| item.get("id").and_then(Value::as_str) == Some(id))
            }
        }
    }

    /// Whether a request selects a field.
    pub fn is_selected(&self, request: &Value, field: &str) -> bool {
        self.selected(request, text(request, "model").unwrap_or_default()).contains(&field)
    }

    fn ask(&self, question: Value) -> Exchange {
        let answer = admit_cli::requests::answer(self.policy, &question.to_string());
        Exchange { question, answer }
    }

    fn decision(&self, request: &Value, question: Value) -> Result<Exchange, Mismatch> {
        let exchange = self.ask(question);
        let expected = text(&request["expect"], "decision").unwrap_or_default();
        exchange.differs("decision", expected, text(&exchange.answer, "decision").unwrap_or("error"))?;
        let mut denied: Vec<&str> = names(&request["expect"]["deniedFields"]);
        let mut actual: Vec<&str> = names(&exchange.answer["deniedFields"]);
        denied.sort_unstable();
        actual.sort_unstable();
        // Where the real stack refuses for another reason, it names no fields.
        if request["expect"].get("deniedFields").is_some() {
            exchange.differs("deniedFields", denied.join(", "), actual.join(", "))?;
        }
        Ok(exchange)
    }

    fn check_model(&self, request: &Value, model: &str, operation: &str) -> Result<(), Mismatch> {
        match operation {
            "get" => self.check_get(request, model),
            "list" => self.check_list(request, model),
            "create" => self.check_create(request, model),
            "update" | "delete" => self.check_change(request, model, operation),
            _ => self.check_listen(request, model),
        }
    }

    fn definition(&self, model: &str) -> &Value {
        &self.case["policy"]["schema"]["types"][model]
    }

    fn key(&self, model: &str) -> Vec<&str> {
        match self.definition(model).get("identifier") {
            Some(identifier) => names(identifier),
            None => vec!["id"],
        }
    }

    fn items(&self, model: &str) -> Vec<&Fields> {
        let items = self.case["items"][model].as_array();
        items.into_iter().flatten().filter_map(Value::as_object).collect()
    }

    fn stored(&self, model: &str, by: &Fields) -> Option<&Fields> {
        let key = self.key(model);
        self.items(model).into_iter().find(|item| key.iter().all(|name| item.get(*name) == by.get(*name)))
    }

    /// The fields that the request selects: scalars unless it says, and the relations that it nests.
    fn selected<'r>(&'r self, request: &'r Value, model: &str) -> Vec<&'r str> {
        let nested = request["nested"].as_object().into_iter().flatten().map(|(name, _)| name.as_str());
        match request.get("select") {
            Some(select) => names(select).into_iter().chain(nested).collect(),
            None => {
                let scalar = |of: &Value| of.get("relation").is_none() && of.get("ref").is_none();
                let fields = self.definition(model)["fields"].as_object().into_iter().flatten();
                fields.filter(|(_, of)| scalar(of)).map(|(name, _)| name.as_str()).chain(nested).collect()
            }
        }
    }

    fn check_get(&self, request: &Value, model: &str) -> Result<(), Mismatch> {
        let args = object(request, "args");
        let item = self.stored(model, &args);
        let question = json!({"principal": principal(request), "operation": "get", "model": model, "record": item, "args": args.as_ref()});
        let exchange = self.decision(request, question)?;
        let (true, Some(item)) = (exchange.allowed(), item) else { return Ok(()) };
        let expected: BTreeSet<&str> = names(&request["expect"]["redacted"]).into_iter().collect();
        let actual = self.redacted(request, model, &exchange, item);
        exchange.differs("redacted", format!("{expected:?}"), format!("{actual:?}"))?;
        self.check_nested(request, model, &exchange, item, &request["expect"]["result"])
    }

    fn redacted<'r>(
        &'r self,
        request: &'r Value,
        model: &str,
        exchange: &Exchange,
        item: &Fields,
    ) -> BTreeSet<&'r str> {
        let hidden = |field: &&str| !exchange.shows(field, item) || self.relation_denied(request, model, field, item);
        self.selected(request, model).into_iter().filter(hidden).collect()
    }

    /// The records that a relation field reaches, and whether it reaches at most one.
    fn related(&self, model: &str, field: &str, item: &Fields) -> Option<(String, Vec<&Fields>, bool)> {
        let of = &self.definition(model)["fields"][field];
        let (kind, target, by) = (text(of, "relation")?, text(of, "model")?, text(of, "references")?);
        let equal = |a: Option<&Value>, b: Option<&Value>| a.is_some() && a == b && a != Some(&Value::Null);
        let reached = self.items(target).into_iter().filter(|other| match kind {
            "belongsTo" => equal(other.get("id"), item.get(by)),
            _ => equal(other.get(by), item.get("id")),
        });
        Some((target.to_owned(), reached.collect(), kind != "hasMany"))
    }

    fn relation_question(&self, request: &Value, target: &str, record: Option<&Fields>) -> Exchange {
        let mut question = json!({"principal": principal(request), "operation": "relation", "model": target});
        if let Some(record) = record {
            question["record"] = Value::Object(record.clone());
        }
        self.ask(question)
    }

    fn relation_denied(&self, request: &Value, model: &str, field: &str, item: &Fields) -> bool {
        match self.related(model, field, item) {
            Some((target, reached, true)) => {
                reached.first().is_some_and(|record| !self.relation_question(request, &target, Some(record)).allowed())
            }
            Some((target, _, false)) => !self.relation_question(request, &target, None).allowed(),
            None => false,
        }
    }

    /// Which related records a result shows.
    fn check_nested(
        &self,
        request: &Value,
        model: &str,
        exchange: &Exchange,
        item: &Fields,
        result: &Value,
    ) -> Result<(), Mismatch> {
        for (field, _) in request["nested"].as_object().into_iter().flatten() {
            let Some((target, reached, single)) = self.related(model, field, item) else { continue };
            let hidden = !exchange.shows(field, item) || self.relation_denied(request, model, field, item);
            let filtered = self.relation_question(request, &target, None);
            let shown = reached.into_iter().filter(|record| {
                !hidden && (single || passes(filtered.answer.get("filter"), record, filtered.allowed()))
            });
            let id = |record: &Value| record.get("id").cloned().unwrap_or(Value::Null).to_string();
            let mut actual: Vec<String> = shown.map(|record| id(&Value::Object(record.clone()))).collect();
            let mut expected: Vec<String> = match &result[field] {
                Value::Null => Vec::new(),
                one if single => vec![id(one)],
                many => many["items"].as_array().into_iter().flatten().map(id).collect(),
            };
            actual.sort();
            expected.sort();
            filtered.differs("nested records", expected.join(", "), actual.join(", "))?;
        }
        Ok(())
    }

    fn check_list(&self, request: &Value, model: &str) -> Result<(), Mismatch> {
        let args = object(request, "args");
        let fixed: Fields = args
            .iter()
            .filter(|(name, _)| *name != "filter")
            .map(|(name, value)| (name.clone(), value.get("eq").unwrap_or(value).clone()))
            .collect();
        let mut question = json!({"principal": principal(request), "operation": "list", "model": model, "args": fixed});
        if let Some(index) = self.index(request, model, &fixed) {
            question["index"] = index;
        }
        let exchange = self.decision(request, question)?;
        if !exchange.allowed() {
            return Ok(());
        }
        let wanted = |item: &&Fields| {
            let fixed = fixed.iter().all(|(name, value)| item.get(name) == Some(value));
            fixed && begins(&args, item) && passes(exchange.answer.get("filter"), item, true)
        };
        let items: Vec<&Fields> = self.items(model).into_iter().filter(wanted).collect();
        let key = self.key(model);
        let identity = |item: &Fields| -> String {
            key.iter().map(|name| shortened(item.get(*name))).collect::<Vec<_>>().join("/")
        };
        let expected: BTreeMap<String, &Value> = request["expect"]["items"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|item| Some((identity(item.as_object()?), item)))
            .collect();
        let actual: BTreeSet<String> = items.iter().map(|item| identity(item)).collect();
        exchange.differs(
            "items",
            format!("{:?}", expected.keys().collect::<BTreeSet<_>>()),
            format!("{:?}", actual.iter().collect::<BTreeSet<_>>()),
        )?;
        for item in items {
            let id = text(&Value::Object(item.clone()), "id").unwrap_or_default().to_owned();
            let redacted = &request["expect"]["redacted"][id.as_str()];
            let expected_fields: BTreeSet<&str> = names(redacted).into_iter().collect();
            let actual = self.redacted(request, model, &exchange, item);
            exchange.differs("redacted", format!("{id} {expected_fields:?}"), format!("{id} {actual:?}"))?;
            self.check_nested(request, model, &exchange, item, expected[&identity(item)])?;
        }
        Ok(())
    }

    /// The key fields of the index that a list goes through.
    fn index(&self, request: &Value, model: &str, fixed: &Fields) -> Option<Value> {
        let definition = self.definition(model);
        let Some(index) = text(request, "index") else {
            let identifier = names(definition.get("identifier")?);
            return fixed.contains_key(*identifier.first()?).then(|| json!(identifier));
        };
        let fields = |of: &Value| -> Vec<String> {
            let sort = names(&of["sk"]).into_iter().map(str::to_owned);
            text(of, "pk").map(str::to_owned).into_iter().chain(sort).collect()
        };
        let capital = |name: &String| name[..1].to_uppercase() + &name[1..];
        let name =
            |fields: &[String]| format!("list{model}By{}", fields.iter().map(capital).collect::<Vec<_>>().join("And"));
        let named = definition["indexes"].as_array().into_iter().flatten().map(fields);
        named.into_iter().find(|fields| name(fields) == index).map(|fields| json!(fields))
    }

    fn check_create(&self, request: &Value, model: &str) -> Result<(), Mismatch> {
        let input = object(request, "input");
        let question =
            json!({"principal": principal(request), "operation": "create", "model": model, "input": input.as_ref()});
        let exchange = self.decision(request, question)?;
        let (true, Some(expected)) = (exchange.allowed(), request["expect"]["stored"].as_object()) else {
            return Ok(());
        };
        let mut stored = input.into_owned();
        stored.extend(object(&exchange.answer, "set").into_owned());
        let known = |(name, value): &(&String, &Value)| !(name.as_str() == "id" && **value == "<generated id>");
        let expected: BTreeMap<_, _> = expected.iter().filter(known).collect();
        stored.retain(|name, _| name != "id" || expected.contains_key(name));
        let stored: BTreeMap<_, _> = stored.iter().collect();
        exchange.differs("stored", format!("{expected:?}"), format!("{stored:?}"))
    }

    fn check_change(&self, request: &Value, model: &str, operation: &str) -> Result<(), Mismatch> {
        let input = object(request, "input");
        let record = self.stored(model, &input);
        let mut question = json!({"principal": principal(request), "operation": operation, "model": model,
            "record": record, "input": input.as_ref()});
        if operation == "delete" {
            question.as_object_mut().map(|question| question.remove("input"));
        }
        let exchange = self.decision(request, question)?;
        let (true, Some(expected)) = (exchange.allowed(), request["expect"]["stored"].as_object()) else {
            return Ok(());
        };
        let mut stored = record.cloned().unwrap_or_default();
        stored.extend(input.into_owned());
        stored.retain(|_, value| !value.is_null());
        let expected: BTreeMap<_, _> = expected.iter().filter(|(_, value)| !value.is_null()).collect();
        let stored: BTreeMap<_, _> = stored.iter().collect();
        exchange.differs("stored", format!("{expected:?}"), format!("{stored:?}"))
    }

    fn check_listen(&self, request: &Value, model: &str) -> Result<(), Mismatch> {
        let args = object(request, "args");
        let question =
            json!({"principal": principal(request), "operation": "listen", "model": model, "args": args.as_ref()});
        let exchange = self.decision(request, question)?;
        let (true, Some(expected)) = (exchange.allowed(), request["expect"].get("delivered")) else { return Ok(()) };
        let published = request["published"].as_array().into_iter().flatten().filter_map(Value::as_object);
        let delivered = published.map(|payload| {
            let asked = args.iter().all(|(name, value)| payload.get(name) == Some(value));
            Value::Bool(asked && passes(exchange.answer.get("filter"), payload, true))
        });
        exchange.differs("delivered", expected, Value::Array(delivered.collect()))
    }
}

/// The caller's own filter: the only operator that the cases use.
fn begins(args: &Fields, item: &Fields) -> bool {
    args.get("filter").and_then(Value::as_object).into_iter().flatten().all(|(name, of)| {
        match (item.get(name).and_then(Value::as_str), of.get("beginsWith").and_then(Value::as_str)) {
            (Some(value), Some(start)) => value.starts_with(start),
            _ => false,
        }
    })
}

/// An owner's value as the real stack displays it.
fn shortened(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.rsplit("::").next().unwrap_or_default().to_owned(),
        Some(value) => value.to_string(),
        None => String::new(),
    }
}

fn principal(request: &Value) -> Value {
    let identity = &request["identity"];
    match (text(identity, "mode"), text(identity, "role"), text(identity, "function")) {
        (Some("identityPool"), Some("unauthenticated"), _) => json!({"mode": "guest"}),
        (Some("identityPool"), Some(role), _) => {
            let groups: Vec<&str> = role.strip_prefix("group:").into_iter().collect();
            json!({"mode": "identityPool", "groups": groups})
        }
        (Some("iam"), _, Some(function)) => json!({"mode": "function", "name": function}),
        (Some("iam"), ..) => json!({"mode": "iam", "trusted": true}),
        (mode, ..) => match identity.get("claims") {
            Some(claims) => json!({"mode": mode, "claims": claims}),
            None => json!({"mode": mode}),
        },
    }
}

fn storage_principal(request: &Value) -> Value {
    let identity = &request["identity"];
    match (text(identity, "function"), identity.get("guest")) {
        (Some(function), _) => json!({"mode": "function", "name": function}),
        (None, Some(Value::Bool(true))) => json!({"mode": "guest"}),
        _ => json!({"mode": "identityPool", "groups": identity["groups"], "identityId": identity["identityId"]}),
    }
}
