//! A small evaluator of IAM policies: what the documents of one role say of a request.
//! Always: as AWS documents its evaluation logic: a deny that matches counts first, then an allow, and otherwise the
//! request is denied; what this evaluator does not know is an error and never a guess.

use serde_json::Value;
use std::collections::BTreeMap;

/// A request as IAM sees it.
pub struct Request<'r> {
    /// `s3:GetObject`
    pub action: &'r str,
    /// The ARN that it acts on.
    pub resource: &'r str,
    /// The condition keys, and what policy variables stand for.
    pub context: BTreeMap<&'r str, &'r str>,
}

/// What came of it, in the words of IAM's simulator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Some statement allows it, and none denies it.
    Allowed,
    /// No statement is about it.
    ImplicitlyDenied,
    /// Some statement denies it.
    ExplicitlyDenied,
}

/// Evaluates the policy documents of a role together.
///
/// # Errors
/// If a document holds something that this evaluator does not know.
pub fn evaluate(documents: &[&Value], request: &Request<'_>) -> Result<Effect, String> {
    let mut effect = Effect::ImplicitlyDenied;
    for document in documents {
        if document["Version"] != "2012-10-17" {
            return Err(format!("version {}", document["Version"]));
        }
        for statement in document["Statement"].as_array().ok_or("no statements")? {
            if !matches(statement, request)? {
                continue;
            }
            match statement["Effect"].as_str() {
                Some("Deny") => effect = Effect::ExplicitlyDenied,
                Some("Allow") if effect == Effect::ImplicitlyDenied => effect = Effect::Allowed,
                Some("Allow") => (),
                other => return Err(format!("effect {other:?}")),
            }
        }
    }
    Ok(effect)
}

fn matches(statement: &Value, request: &Request<'_>) -> Result<bool, String> {
    let known = ["Effect", "Action", "Resource", "Condition", "Sid"];
    let members = statement.as_object().ok_or("a statement that is no object")?;
    if let Some(other) = members.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(format!("`{other}` in a statement"));
    }
    let action = texts(&statement["Action"])?.iter().any(|pattern| {
        let lower = |text: &str| text.to_ascii_lowercase();
        like(&lower(pattern), &lower(request.action), &request.context)
    });
    let resource = texts(&statement["Resource"])?.iter().any(|arn| like(arn, request.resource, &request.context));
    Ok(action && resource && conditions(&statement["Condition"], request)?)
}

/// Every operator and every key must hold; of a key's values one.
fn conditions(condition: &Value, request: &Request<'_>) -> Result<bool, String> {
    for (operator, keys) in condition.as_object().into_iter().flatten() {
        for (key, values) in keys.as_object().into_iter().flatten() {
            let values = texts(values)?;
            let holds = match (operator.as_str(), request.context.get(key.as_str())) {
                ("StringLike", None) => false,
                ("StringLike", Some(actual)) => values.iter().any(|value| like(value, actual, &request.context)),
                _ => return Err(format!("the operator `{operator}`")),
            };
            if !holds {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn texts(value: &Value) -> Result<Vec<&str>, String> {
    match value {
        Value::String(text) => Ok(vec![text]),
        Value::Array(all) => {
            all.iter().map(|one| one.as_str().ok_or_else(|| format!("{one} where a text is meant"))).collect()
        }
        other => Err(format!("{other} where texts are meant")),
    }
}

/// One part of a pattern.
#[derive(Clone, Copy, PartialEq)]
enum Token {
    Char(char),
    One,
    Many,
}

/// A pattern's parts, its variables replaced. One with a variable that has no value matches nothing.
fn tokens(pattern: &str, context: &BTreeMap<&str, &str>) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        if let Some((name, behind)) = rest.strip_prefix("${").and_then(|inner| inner.split_once('}')) {
            match name {
                "*" | "?" | "$" => tokens.extend(name.chars().map(Token::Char)),
                name => tokens.extend(context.get(name)?.chars().map(Token::Char)),
            }
            rest = behind;
            continue;
        }
        tokens.push(match c {
            '*' => Token::Many,
            '?' => Token::One,
            c => Token::Char(c),
        });
        rest = &rest[c.len_utf8()..];
    }
    Some(tokens)
}

/// `*` is any characters, `?` any one.
fn like(pattern: &str, text: &str, context: &BTreeMap<&str, &str>) -> bool {
    let Some(tokens) = tokens(pattern, context) else { return false };
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut in_text) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while in_text < text.len() {
        match tokens.get(at) {
            Some(Token::Many) => {
                back = Some((at, in_text));
                at += 1;
            }
            Some(Token::One) => (at, in_text) = (at + 1, in_text + 1),
            Some(Token::Char(c)) if *c == text[in_text] => (at, in_text) = (at + 1, in_text + 1),
            _ => match back {
                Some((many, from)) => {
                    back = Some((many, from + 1));
                    (at, in_text) = (many + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    tokens[at..].iter().all(|token| *token == Token::Many)
}

#[cfg(test)]
mod tests {
    use super::{Effect, Request, evaluate, like};
    use serde_json::json;
    use std::collections::BTreeMap;

    #[test]
    fn patterns_are_iams() {
        let context = BTreeMap::from([("cognito-identity.amazonaws.com:sub", "eu:*")]);
        for (pattern, text, matches) in [
            ("a/*", "a/b/c", true),
            ("a/*", "a", false),
            ("*c", "abc", true),
            ("a?c", "abc", true),
            ("a${?}c", "abc", false),
            ("a${?}c", "a?c", true),
            ("${*}", "x", false),
            ("p/${cognito-identity.amazonaws.com:sub}/*", "p/eu:*/k", true),
            ("p/${cognito-identity.amazonaws.com:sub}/*", "p/eu:x/k", false), // a value is no pattern
            ("${aws:username}", "${aws:username}", false),
        ] {
            assert_eq!(like(pattern, text, &context), matches, "{pattern} {text}");
        }
    }

    #[test]
    fn a_deny_counts_first_and_nothing_is_guessed() {
        let statement = |effect: &str, on: &str| json!({"Effect": effect, "Action": "s3:*", "Resource": on});
        let document = |all: Vec<serde_json::Value>| json!({"Version": "2012-10-17", "Statement": all});
        let request = |resource| Request { action: "s3:GetObject", resource, context: BTreeMap::new() };
        let policy = document(vec![statement("Deny", "a/b/*"), statement("Allow", "a/*")]);
        assert_eq!(evaluate(&[&policy], &request("a/c")), Ok(Effect::Allowed));
        assert_eq!(evaluate(&[&policy], &request("a/b/c")), Ok(Effect::ExplicitlyDenied));
        assert_eq!(evaluate(&[&policy], &request("b")), Ok(Effect::ImplicitlyDenied));
        let odd = document(vec![json!({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"})]);
        assert!(evaluate(&[&odd], &request("a")).is_err());
    }
}
