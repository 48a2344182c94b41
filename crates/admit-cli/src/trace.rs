//! What each rule came to in one decision, with the values that its condition read.
//! Always: the verdict is the runtime's; values are those of the request, as it gives them.

use admit_runtime::{Decision, Rule};
use serde_json::{Map, Value, json};

/// What a request gives for conditions to read.
pub struct Given<'q> {
    /// The stored record.
    pub record: Option<&'q Map<String, Value>>,
    /// What is proposed.
    pub input: Option<&'q Map<String, Value>>,
    /// The caller's claims.
    pub claims: Option<&'q Map<String, Value>>,
    /// Whether a record is created: then what conditions call the record is the input.
    pub creates: bool,
}

impl Given<'_> {
    fn find(&self, source: &str, name: &str) -> Option<&Value> {
        match source {
            "claims" if name == "username" => {
                let claims = self.claims?;
                claims.get(name).or_else(|| claims.get("cognito:username"))
            }
            "claims" => self.claims?.get(name),
            _ if self.creates => self.input?.get(name),
            "input" => self.input.and_then(|input| input.get(name)).or_else(|| self.record?.get(name)),
            _ => self.record?.get(name),
        }
    }
}

/// Each rule that was considered: `{"file", "line", "text", "verdict", "values": {"record.state": "draft"}, "missing": […]}`.
pub fn trace(decision: &Decision<'_>, given: &Given<'_>) -> Value {
    let one = |(rule, verdict): (Rule<'_>, admit_runtime::Verdict)| {
        let mut said = crate::requests::rule(&rule);
        said["verdict"] = json!(verdict.name());
        read(&rule, given, &mut said);
        said
    };
    decision.considered().map(one).collect()
}

/// The rules that only their conditions keep from allowing this, with what these read.
pub fn failing(decision: &Decision<'_>, given: &Given<'_>, most: usize) -> Value {
    let one = |rule: Rule<'_>| {
        let mut said = crate::requests::rule(&rule);
        read(&rule, given, &mut said);
        said
    };
    decision.failing().take(most).map(one).collect()
}

/// The values that a rule's condition reads, and what is missing of them.
fn read(rule: &Rule<'_>, given: &Given<'_>, said: &mut Value) {
    let (mut values, mut missing) = (Map::new(), Vec::new());
    for (term, source, name) in terms(rule.condition().unwrap_or_default()) {
        match given.find(source, &name) {
            Some(value) => drop(values.insert(term, value.clone())),
            None => missing.push(json!(term)),
        }
    }
    if !values.is_empty() {
        said["values"] = values.into();
    }
    if !missing.is_empty() {
        said["missing"] = missing.into();
    }
}

/// The values that a traced rule read, for people: `record.state is "published"`.
pub fn values(rule: &Value) -> String {
    let values = rule["values"].as_object().into_iter().flatten();
    let missing = rule["missing"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let said = values.map(|(term, value)| format!("{term} is {value}"));
    said.chain(missing.map(|term| format!("{term} is not given"))).collect::<Vec<_>>().join(", ")
}

/// What a condition reads, as it writes it, each once: the text, where from, and the name.
fn terms(condition: &str) -> Vec<(String, &'static str, String)> {
    let mut found: Vec<(String, &'static str, String)> = Vec::new();
    let mut rest = condition;
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        if first == '"' {
            rest = &rest[quoted(rest)..];
            before = '"';
            continue;
        }
        let starts = !(before.is_ascii_alphanumeric() || before == '_' || before == '.');
        let source = ["record", "input", "claims"].into_iter().find(|source| starts && rest.starts_with(source));
        if let Some((source, behind)) = source.and_then(|source| Some((source, rest.strip_prefix(source)?)))
            && let Some((length, name)) = named(behind)
        {
            let text = rest[..source.len() + length].to_owned();
            if !found.iter().any(|(known, ..)| *known == text) {
                found.push((text, source, name));
            }
            rest = &behind[length..];
            before = ']';
            continue;
        }
        before = first;
        rest = &rest[first.len_utf8()..];
    }
    found
}

/// `.name` or `["name"]`: how long it is, and the name.
fn named(text: &str) -> Option<(usize, String)> {
    if let Some(name) = text.strip_prefix('.') {
        let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(name.len());
        return (end > 0).then(|| (1 + end, name[..end].to_owned()));
    }
    let inner = text.strip_prefix('[')?;
    let length = quoted(inner);
    let name: String = serde_json::from_str(inner.get(..length)?).ok()?;
    inner[length..].starts_with(']').then_some((length + 2, name))
}

/// How long the quoted text is that a text begins with.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_condition_reads_is_found_outside_of_its_texts() {
        let texts = |condition: &str| terms(condition).into_iter().map(|(text, ..)| text).collect::<Vec<_>>();
        assert_eq!(
            texts(r#"record.state == "record.x" && !claims["custom:t"].contains("a\"claims.b")"#),
            ["record.state", r#"claims["custom:t"]"#]
        );
        assert_eq!(texts("input.record == record.input || record.input"), ["input.record", "record.input"]);
        assert!(texts("").is_empty());
        assert!(texts("\"unclosed record.x").is_empty());
    }
}
