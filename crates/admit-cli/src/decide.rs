//! `admit decide`: one decision for a person, or many for a program.

use crate::files::{self, Input};
use crate::matrix::{fields as fields_of, when, words_of};
use crate::{Failure, Format, Outcome, requests, trace};
use admit_compiler::analysis::{Extent, Matrix, Resource};
use admit_compiler::policy as checked;
use admit_runtime::{Mode, Policy};
use clap::Args;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};

/// The longest line of a request file.
const MAX_REQUEST: u64 = 8 * 1024 * 1024;

/// Decide: may this caller do this?
#[derive(Args)]
#[command(after_help = "Examples:
  admit decide app.policy --as groups=EDITORS --can update Article
  admit decide app.policy --as 'sub=1 username=eve' --can update Post --record '{\"owner\":\"1::eve\"}'
  admit decide app.policy --as guest --can get Post
  admit decide app.policy --as groups=EDITORS --can write articles --key drafts/a.md
  admit decide app.policy --as '{\"sub\":\"1\",\"cognito:groups\":[\"EDITORS\"]}' --can publish
  admit decide app.table --requests requests.jsonl > answers.jsonl

Callers (--as): a mode, then what is known of the caller.
  modes         userPool (if none is named), oidc, apiKey, guest, identityPool, lambda, function, iam
  groups=A,B    fills the claim that holds groups
  identityId=…  serves storage; name=… is a function's name; every other key is a claim")]
pub struct Decide {
    /// A built table, or policy files
    #[arg(required = true)]
    policy: Vec<String>,
    /// The caller: `[mode] key=value …`, or a token's claims as JSON
    #[arg(long = "as", value_name = "CALLER", required_unless_present = "requests")]
    caller: Option<String>,
    /// The operation and the resource, or a custom operation alone
    #[arg(long, value_names = ["OPERATION", "RESOURCE"], num_args = 1..=2, required_unless_present = "requests")]
    can: Vec<String>,
    /// The stored record, as JSON; `null` if there is none
    #[arg(long, value_name = "JSON")]
    record: Option<String>,
    /// What `create` or `update` proposes, as JSON
    #[arg(long, value_name = "JSON")]
    input: Option<String>,
    /// The fields asked for
    #[arg(long, value_delimiter = ',', value_name = "FIELD,…")]
    fields: Option<Vec<String>>,
    /// The values that the query fixes, as JSON
    #[arg(long, value_name = "JSON")]
    args: Option<String>,
    /// The key fields of the index that is queried, partition key first
    #[arg(long, value_delimiter = ',', value_name = "FIELD,…")]
    index: Option<Vec<String>>,
    /// The object's key, or for `list` the prefix
    #[arg(long)]
    key: Option<String>,
    /// What the host's own authorizer says of a caller in mode `lambda`: yes, no or ask
    #[arg(long, value_name = "ANSWER")]
    authorizer: Option<String>,
    /// Take the IAM policies of a caller in mode `iam` for enough, as Amplify does
    #[arg(long)]
    trusted: bool,
    /// Say what each rule came to, and the values that its condition read
    #[arg(long)]
    trace: bool,
    /// How to write the decision
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// One JSON request a line; `-` for standard input. Writes one JSON answer a line
    #[arg(long, value_name = "FILE", conflicts_with_all = ["caller", "can", "record", "input", "fields", "args", "index", "key", "authorizer", "trusted", "trace"])]
    requests: Option<String>,
}

impl Decide {
    pub fn run(&self) -> Result<Outcome, Failure> {
        let (path, bytes, checked) = match files::read(&self.policy)? {
            Input::Table(path, bytes) => (path, bytes, None),
            Input::Sources(sources) => {
                let Some(checked) = files::compile(&sources, false) else { return Ok(Outcome::Problems) };
                let bytes = admit_compiler::table(&checked, false).map_err(Failure::TooLarge)?;
                ("the new table".to_owned(), bytes, Some(checked))
            }
        };
        let policy = Policy::from_bytes(&bytes).map_err(|error| Failure::Table { path, error })?;
        match &self.requests {
            Some(requests) => many(&policy, requests),
            None => self.one(&policy, checked),
        }
    }

    fn one(&self, policy: &Policy<'_>, checked: Option<checked::Policy>) -> Result<Outcome, Failure> {
        let question = self.question(policy)?;
        let answer = requests::answer(policy, &question.to_string());
        if let Some(error) = answer.get("error").and_then(Value::as_str) {
            return Err(Failure::Usage(error.to_owned()));
        }
        crate::print(&match self.format {
            Format::Json => answer.to_string(),
            Format::Human => {
                self.human(policy, checked.or_else(|| checked::Policy::of_table(policy)).as_ref(), &answer)
            }
        })?;
        Ok(if answer["decision"] == "allow" { Outcome::Clean } else { Outcome::Problems })
    }

    // ---- the question

    fn question(&self, policy: &Policy<'_>) -> Result<Value, Failure> {
        let mut question = Map::new();
        question.insert("principal".into(), self.principal(policy)?);
        self.resource(policy, &mut question)?;
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                question.insert(key.to_owned(), value);
            }
        };
        put("record", object("--record", self.record.as_deref(), true)?);
        put("input", object("--input", self.input.as_deref(), false)?);
        put("args", object("--args", self.args.as_deref(), false)?);
        put("fields", self.fields.as_ref().map(|fields| json!(fields)));
        put("index", self.index.as_ref().map(|index| json!(index)));
        put("key", self.key.as_ref().map(|key| json!(key)));
        // What people read says the values of conditions.
        put("trace", (self.trace || self.format == Format::Human).then_some(json!(true)));
        Ok(question.into())
    }

    /// `--can update Post`, `--can write articles`, `--can publish`.
    fn resource(&self, policy: &Policy<'_>, question: &mut Map<String, Value>) -> Result<(), Failure> {
        match self.can.as_slice() {
            [name] => match policy.custom_operations().find(|(_, known)| known == name) {
                Some((kind, _)) => drop(question.insert(kind.to_owned(), json!(name))),
                None => {
                    let known: Vec<&str> = policy.custom_operations().map(|(_, name)| name).collect();
                    let near = admit_syntax::nearest(name, known);
                    return Err(unknown(
                        "custom operation",
                        name,
                        near,
                        "name an operation and a resource: `--can update Post`",
                    ));
                }
            },
            [operation, resource] => {
                let kind = match () {
                    () if policy.models().any(|model| model == resource) => "model",
                    () if policy.buckets().any(|bucket| bucket == resource) => "storage",
                    () => {
                        let near = admit_syntax::nearest(resource, policy.models().chain(policy.buckets()));
                        return Err(unknown("model or bucket", resource, near, "`admit inspect` lists what there is"));
                    }
                };
                let known = match kind {
                    "model" => policy.action(resource, operation).is_ok(),
                    _ => policy.storage(resource, operation).is_ok(),
                };
                if !known {
                    let words: &[&str] = match kind {
                        "model" => {
                            &["create", "update", "delete", "get", "list", "sync", "listen", "search", "relation"]
                        }
                        _ => &["get", "list", "write", "delete"],
                    };
                    if words.contains(&operation.as_str()) {
                        let message =
                            format!("`{resource}` has no operation `{operation}`: `disableOperations` says so");
                        return Err(Failure::Usage(message));
                    }
                    let near = admit_syntax::nearest(operation, words.iter().copied());
                    let help = format!("the operations are {}", words.join(", "));
                    return Err(unknown("operation", operation, near, &help));
                }
                question.insert("operation".into(), json!(operation));
                question.insert(kind.into(), json!(resource));
            }
            _ => return Err(Failure::Usage("`--can` needs an operation and a resource".into())),
        }
        Ok(())
    }

    fn principal(&self, policy: &Policy<'_>) -> Result<Value, Failure> {
        let text = self.caller.as_deref().unwrap_or_default().trim();
        let mut principal = if text.starts_with('{') {
            let claims = object("--as", Some(text), false)?;
            json!({"mode": "userPool", "claims": claims})
        } else {
            caller(policy.group_claim(), text)?
        };
        if let Some(authorizer) = &self.authorizer {
            principal["authorizer"] = json!(authorizer);
        }
        if self.trusted {
            principal["trusted"] = json!(true);
        }
        Ok(principal)
    }

    // ---- the answer

    fn human(&self, policy: &Policy<'_>, checked: Option<&checked::Policy>, answer: &Value) -> String {
        let what = self.can.join(" ");
        let mut out = match answer["decision"].as_str() {
            Some("allow") => format!("allowed   {what}"),
            Some("ask") => {
                format!("ask       {what}\n  the host's authorizer decides: its yes allows this, its no denies it")
            }
            _ => format!("denied    {what}"),
        };
        if let Some(key) = &self.key {
            let _ = write!(out, " {key}");
        }
        for rule in answer["rules"].as_array().into_iter().flatten() {
            let _ =
                write!(out, "\n  by      {}\n          {}:{}", text(rule, "text"), text(rule, "file"), rule["line"]);
        }
        if let Some(filter) = answer.get("filter") {
            let _ = write!(out, "\n  where   {}", conditions(filter));
        }
        if let Some(set) = answer.get("set") {
            let _ = write!(out, "\n  record  {set}");
        }
        if let Some(fields) = answer.get("fields") {
            let _ = write!(out, "\n  fields  {}", words(fields));
        }
        for (field, filter) in answer["fieldFilters"].as_object().into_iter().flatten() {
            let _ = write!(out, "\n  {field} where {}", conditions(filter));
        }
        if answer["decision"] == "deny" {
            let _ = write!(out, "\n  because {}", self.because(policy, answer));
            self.ways_in(policy, checked, answer, &mut out);
        }
        if self.trace {
            traced(answer, &mut out);
        }
        out
    }

    fn because(&self, policy: &Policy<'_>, answer: &Value) -> String {
        let mode = self.principal(policy).ok().and_then(|principal| principal["mode"].as_str().map(str::to_owned));
        match text(answer, "reason") {
            "mode" => format!("no rule for callers of mode `{}` allows it", mode.unwrap_or_default()),
            "deny-rule" => match answer["denies"].as_array().and_then(|denies| denies.first()) {
                Some(deny) => format!(
                    "a deny takes it away: {}\n          {}:{}",
                    text(deny, "text"),
                    text(deny, "file"),
                    deny["line"]
                ),
                None => "a deny takes it away".into(),
            },
            "condition" => match answer["conditions"].as_array().and_then(|rules| rules.first()) {
                Some(rule) => {
                    let unknown = self.record.is_none()
                        && rule["missing"]
                            .as_array()
                            .into_iter()
                            .flatten()
                            .any(|term| term.as_str().is_some_and(|term| term.starts_with("record")));
                    let known = if unknown { " without knowing the record (`--record`)" } else { "" };
                    let (text, file) = (text(rule, "text"), text(rule, "file"));
                    let values = trace::values(rule);
                    format!("a condition is not true{known}: {values}\n          {text}  {file}:{}", rule["line"])
                }
                None => "a condition is not true".into(),
            },
            "fields" => format!("these fields may not be written: {}", words(&answer["deniedFields"])),
            "unknown" if answer.get("deniedFields").is_some() => {
                format!("there are no such fields: {}", words(&answer["deniedFields"]))
            }
            "unknown" => "the policy knows no such thing".into(),
            _ if self.record.is_none() && self.looks_at_record(mode.as_deref()) && self.reads_record(answer) => {
                "no rule for this caller allows it without knowing the record (`--record`)".into()
            }
            _ => "no rule that allows it is true for this caller".into(),
        }
    }

    /// Whether the stored record could make this caller's operation right.
    fn looks_at_record(&self, mode: Option<&str>) -> bool {
        let operation = self.can.first().map(String::as_str);
        matches!(mode, Some("userPool" | "oidc")) && matches!(operation, Some("get" | "update" | "delete" | "relation"))
    }

    /// Whether some way in reads the record.
    fn reads_record(&self, answer: &Value) -> bool {
        let rules = answer["nearest"].as_array().into_iter().flatten();
        rules
            .into_iter()
            .any(|rule| ["owner", "DefinedIn", "record"].iter().any(|word| text(rule, "text").contains(word)))
    }

    /// Who may do it, and the rules that give it.
    fn ways_in(&self, policy: &Policy<'_>, checked: Option<&checked::Policy>, answer: &Value, out: &mut String) {
        if answer["reason"] == "unknown" {
            return; // nobody can ask for what there is not
        }
        let has_rules = answer["nearest"].as_array().is_some_and(|rules| !rules.is_empty());
        match checked.map(|checked| self.who_may(policy, checked, answer)) {
            // A built table with guards does not say who is allowed; its rules do.
            None => out.push_str(if has_rules { "\n  the rules that give it" } else { "" }),
            Some(whom) if whom.is_empty() => out.push_str("\n  nobody is allowed to"),
            Some(whom) => drop(write!(out, "\n  would be allowed for {}", whom.join("; for "))),
        }
        let is = |one: &Value, other: &Value| ["file", "line", "text"].iter().all(|key| one[*key] == other[*key]);
        // The condition that is the reason has been said.
        let said = answer["conditions"].as_array().and_then(|rules| rules.first());
        let nearest = answer["nearest"].as_array().into_iter().flatten();
        for rule in nearest.filter(|rule| !said.is_some_and(|said| is(said, rule))) {
            let _ = write!(out, "\n          {}  {}:{}", text(rule, "text"), text(rule, "file"), rule["line"]);
            let same = |traced: &&Value| is(traced, rule);
            let values = answer["trace"].as_array().into_iter().flatten().find(same).map(trace::values);
            if let Some(values) = values.filter(|values| !values.is_empty()) {
                let _ = write!(out, "\n            {values}");
            }
        }
    }

    /// The callers that have the operation; where fields were refused, those that have it on all of these.
    fn who_may(&self, policy: &Policy<'_>, checked: &checked::Policy, answer: &Value) -> Vec<String> {
        let name = self.can.last().map_or("", String::as_str);
        let matrix = Matrix::of_resource(checked, name);
        let refused: Vec<&str> =
            answer["deniedFields"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let operation = if self.can.len() == 1 { "call" } else { self.can.first().map_or("", String::as_str) };
        // Who asks has these already, and they did not do. In storage only one of several may count.
        let own_words = self.principal(policy).map(|asker| words_of(&matrix.settings, &asker)).unwrap_or_default();
        let mut whom = Vec::new();
        for resource in matrix.resources.iter().filter(|of| self.is_path_of_key(&matrix, of)) {
            let known = resource.operations().iter().find(|known| known.name() == operation);
            let own = matches!(resource, Resource::Path(_, path) if path.ends_with("{entity_id}/*"));
            for way in known.map(|known| matrix.ways(*known, resource)).unwrap_or_default() {
                let is_path = matches!(resource, Resource::Path(..));
                if !is_path && way.when.is_none() && own_words.contains(&way.who) {
                    continue;
                }
                let reaches = match &way.extent {
                    Extent::Whole => true,
                    Extent::Fields(fields) => refused.iter().all(|field| fields.contains(*field)),
                };
                let place = if own { ", in a folder of one's own" } else { "" };
                let words = format!("{}{place}{}{}", way.who, fields_of(&way.extent), when(way.when.as_deref()));
                if reaches && !whom.contains(&words) {
                    whom.push(words);
                }
            }
        }
        whom
    }

    /// Whether a resource is the deepest path of the key that is asked about, or no path at all.
    fn is_path_of_key(&self, matrix: &Matrix, resource: &Resource) -> bool {
        let Resource::Path(bucket, _) = resource else { return true };
        let key = self.key.as_deref().unwrap_or_default();
        let folder = |path: &str| path.trim_end_matches('*').trim_end_matches("{entity_id}/").to_owned();
        let covers = |of: &Resource| match of {
            Resource::Path(other, path) if other == bucket && key.starts_with(&folder(path)) => {
                Some(folder(path).len())
            }
            _ => None,
        };
        let deepest = matrix.resources.iter().filter_map(covers).max();
        deepest.is_some() && deepest == covers(resource)
    }
}

/// Each rule that was considered, and what it came to.
fn traced(answer: &Value, out: &mut String) {
    let rules = answer["trace"].as_array();
    out.push_str(if rules.is_none_or(Vec::is_empty) { "\n  no rule is about this" } else { "\n  considered" });
    for rule in rules.into_iter().flatten() {
        let (verdict, place) = (text(rule, "verdict"), text(rule, "file"));
        let _ = write!(out, "\n    {verdict:<9}{}  {place}:{}", text(rule, "text"), rule["line"]);
        match trace::values(rule) {
            values if values.is_empty() => (),
            values => drop(write!(out, "\n             {values}")),
        }
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn words(value: &Value) -> String {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

/// `owner is one of "1::eve", "1", or teams holds one of "red"`
fn conditions(filter: &Value) -> String {
    if filter["guarded"] == true {
        let rules = |key: &str| -> Vec<&str> {
            filter[key].as_array().into_iter().flatten().map(|rule| text(rule, "text")).collect()
        };
        let mut words = match rules("allows").as_slice() {
            [] => "the rules say so of the record".to_owned(),
            allows => allows.join("; or "),
        };
        for deny in rules("denies") {
            let _ = write!(words, "; not where {deny}");
        }
        return words;
    }
    let conditions = filter["or"].as_array().map(Vec::as_slice).unwrap_or_default().iter().map(|condition| {
        let (verb, values) = match condition.get("in") {
            Some(values) => ("is one of", values),
            None => ("holds one of", &condition["containsAny"]),
        };
        let values: Vec<String> = values.as_array().into_iter().flatten().map(Value::to_string).collect();
        format!("{} {verb} {}", text(condition, "field"), values.join(", "))
    });
    let conditions: Vec<String> = conditions.collect();
    if conditions.is_empty() { "(no record)".into() } else { conditions.join("; or ") }
}

fn unknown(what: &str, name: &str, near: Option<&str>, otherwise: &str) -> Failure {
    Failure::Usage(match near {
        Some(near) => format!("unknown {what} `{name}`: did you mean `{near}`?"),
        None => format!("unknown {what} `{name}`: {otherwise}"),
    })
}

/// The object in an argument; `null` where there may be none.
fn object(flag: &str, text: Option<&str>, or_null: bool) -> Result<Option<Value>, Failure> {
    let Some(text) = text else { return Ok(None) };
    match serde_json::from_str::<Value>(text) {
        Ok(value @ Value::Object(_)) => Ok(Some(value)),
        Ok(Value::Null) if or_null => Ok(Some(Value::Null)),
        Ok(_) => Err(Failure::Usage(format!("{flag}: expected a JSON object, such as '{{\"owner\":\"1::eve\"}}'"))),
        Err(error) => Err(Failure::Usage(format!("{flag}: this is no JSON: {error}"))),
    }
}

/// `[mode] key=value …`
pub fn caller(group_claim: &str, text: &str) -> Result<Value, Failure> {
    let mut mode = None;
    let mut claims = Map::new();
    let (mut groups, mut identity, mut name) = (None, None, None);
    for (number, word) in text.split_whitespace().enumerate() {
        match word.split_once('=') {
            None if number == 0 => match Mode::from_name(word) {
                Some(known) => mode = Some(known),
                None => {
                    let near = admit_syntax::nearest(word, Mode::ALL.map(Mode::name));
                    return Err(unknown("mode", word, near, "write `[mode] key=value …`, such as `groups=EDITORS`"));
                }
            },
            None => return Err(Failure::Usage(format!("--as: `{word}` is no `key=value`"))),
            Some(("groups", value)) => {
                groups = Some(value.split(',').filter(|name| !name.is_empty()).collect::<Vec<_>>())
            }
            Some(("identityId", value)) => identity = Some(value),
            Some(("name", value)) if mode == Some(Mode::Function) => name = Some(value),
            Some((key, value)) => drop(claims.insert(key.to_owned(), json!(value))),
        }
    }
    let mode = mode.unwrap_or(Mode::UserPool);
    let mut principal = json!({"mode": mode.name()});
    if let Some(groups) = groups {
        match mode {
            Mode::UserPool => drop(claims.insert(group_claim.to_owned(), json!(groups))),
            Mode::Oidc => drop(claims.insert("cognito:groups".to_owned(), json!(groups))),
            _ => principal["groups"] = json!(groups),
        }
    }
    if !claims.is_empty() || matches!(mode, Mode::UserPool | Mode::Oidc) {
        principal["claims"] = claims.into();
    }
    if let Some(identity) = identity {
        principal["identityId"] = json!(identity);
    }
    if let Some(name) = name {
        principal["name"] = json!(name);
    }
    Ok(principal)
}

/// Answers a file of requests, line by line. A blank line is no request, and is an error in its place.
fn many(policy: &Policy<'_>, path: &str) -> Result<Outcome, Failure> {
    let reader: Box<dyn Read> = match path {
        "-" => Box::new(std::io::stdin()),
        _ => Box::new(File::open(path).map_err(|error| Failure::File { path: path.to_owned(), error })?),
    };
    let mut reader = BufReader::new(reader);
    let mut out = BufWriter::new(std::io::stdout().lock());
    let (mut failed, mut all) = (0, 0);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.by_ref().take(MAX_REQUEST).read_until(b'\n', &mut line);
        let read = read.map_err(|error| Failure::File { path: path.to_owned(), error })?;
        if read == 0 {
            break;
        }
        all += 1;
        let answer = if line.len() as u64 == MAX_REQUEST && line.last() != Some(&b'\n') {
            reader.skip_until(b'\n').map_err(|error| Failure::File { path: path.to_owned(), error })?;
            json!({"error": format!("this request is longer than {MAX_REQUEST} bytes")})
        } else {
            match std::str::from_utf8(&line) {
                Ok(text) => requests::answer(policy, text),
                Err(_) => json!({"error": "this request is not UTF-8"}),
            }
        };
        failed += usize::from(answer.get("error").is_some());
        writeln!(out, "{answer}")?;
    }
    out.flush()?;
    match failed {
        0 => Ok(Outcome::Clean),
        _ => Err(Failure::Requests { failed, all }),
    }
}
