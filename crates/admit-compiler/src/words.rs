//! Rules and conditions in the policy's own words, and callers in prose: for reports, explanations and coverage.
//! Always: what is written reads back as the same rule; equal rules give equal texts.

use crate::condition::{Condition, Literal, Operand, Relation, Term, Test};
use crate::policy::{Policy, Rule, Who};
use admit_runtime::{Mode, Operations, Provider};

/// A condition as the language writes it: `record.state == "draft" && !record.locked`.
pub fn condition(condition: &Condition) -> String {
    spelled(condition, Tightness::Loose)
}

/// How tightly the place binds that a condition stands in: what needs brackets there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tightness {
    Loose,
    And,
    Not,
}

fn spelled(condition: &Condition, place: Tightness) -> String {
    let (text, own) = match condition {
        Condition::Test(test) => (self::test(test), Tightness::Not),
        Condition::Not(of) => return negated(of),
        Condition::All(parts) if parts.is_empty() => ("true".to_owned(), Tightness::Not),
        Condition::Any(parts) if parts.is_empty() => ("false".to_owned(), Tightness::Not),
        Condition::All(parts) | Condition::Any(parts) if parts.len() == 1 => return spelled(&parts[0], place),
        Condition::All(parts) => (joined(parts, " && ", Tightness::And), Tightness::And),
        Condition::Any(parts) => (joined(parts, " || ", Tightness::Loose), Tightness::Loose),
    };
    if own < place { format!("({text})") } else { text }
}

fn joined(parts: &[Condition], with: &str, place: Tightness) -> String {
    // One level tighter inside, so that `a || b` in `&&` has brackets, and `a && b` in `||` has none.
    let inner = if place == Tightness::And { Tightness::And } else { Tightness::Loose };
    parts.iter().map(|part| spelled(part, inner)).collect::<Vec<_>>().join(with)
}

/// `!=` where the language has it, `!` before everything else.
fn negated(of: &Condition) -> String {
    match of {
        Condition::Test(Test::Null(term)) => format!("{} != null", self::term(term)),
        Condition::Test(Test::Compare(left, Relation::Equal, right)) => {
            format!("{} != {}", self::term(left), operand(right))
        }
        Condition::Test(Test::Compare(..)) => format!("!({})", spelled(of, Tightness::Loose)),
        of => format!("!{}", spelled(of, Tightness::Not)),
    }
}

/// One test: `record.count < 3`, `record.tags.contains("x")`.
pub fn test(test: &Test) -> String {
    match test {
        Test::Holds(of) => term(of),
        Test::Null(of) => format!("{} == null", term(of)),
        Test::Compare(left, relation, right) => format!("{} {} {}", term(left), relation.name(), operand(right)),
        Test::Contains(of, part) | Test::HasText(of, part) => format!("{}.contains({})", term(of), operand(part)),
        Test::StartsWith(of, part) => format!("{}.startsWith({})", term(of), operand(part)),
    }
}

/// `record.state`, `claims["custom:tenant"]`
pub fn term(term: &Term) -> String {
    let plain = term.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match plain {
        true => format!("{}.{}", term.source.name(), term.name),
        false => format!("{}[{}]", term.source.name(), quoted(&term.name)),
    }
}

fn operand(operand: &Operand) -> String {
    match operand {
        Operand::Term(of) => term(of),
        Operand::Literal(of) => literal(of),
    }
}

/// A value as the language writes it.
pub fn literal(literal: &Literal) -> String {
    match literal {
        Literal::Text(text) => quoted(text),
        Literal::Number(number) => number.value().to_string(),
        Literal::Boolean(flag) => flag.to_string(),
    }
}

/// A text in quotes, with JSON's escapes.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn list(names: &[String]) -> String {
    format!("[{}]", names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", "))
}

/// What tells a who from its defaults: the policy's group claim.
#[derive(Clone, Copy)]
pub struct Words<'p> {
    group_claim: &'p str,
}

impl<'p> Words<'p> {
    /// The words of a policy.
    pub fn of(policy: &'p Policy) -> Words<'p> {
        Words { group_claim: &policy.group_claim }
    }

    /// The words of a policy whose groups come in that claim.
    pub fn with_group_claim(group_claim: &'p str) -> Words<'p> {
        Words { group_claim }
    }

    fn default_claim(self, provider: Provider) -> &'p str {
        if provider == Provider::Oidc { "cognito:groups" } else { self.group_claim }
    }

    /// A who as the language writes it, without what it acts on: `group("EDITORS")`, `ownerDefinedIn("author")`.
    pub fn who(self, who: &Who) -> String {
        let oidc = |provider: Provider| if provider == Provider::Oidc { ", \"oidc\"" } else { "" };
        match who {
            Who::ApiKey => "publicApiKey()".into(),
            Who::Guest => "guest()".into(),
            Who::Custom => "custom()".into(),
            Who::Entity => "entity(\"identity\")".into(),
            Who::Authenticated(Mode::Oidc) => "authenticated(\"oidc\")".into(),
            Who::Authenticated(Mode::IdentityPool) => "authenticated(\"identityPool\")".into(),
            Who::Authenticated(_) => "authenticated()".into(),
            Who::Function(name) => format!("resource({name})"),
            Who::Groups { names, provider, claim } => {
                let of = match names.as_slice() {
                    [name] => format!("group({}{})", quoted(name), oidc(*provider)),
                    names => format!("groups({}{})", list(names), oidc(*provider)),
                };
                of + &self.claim_in(claim, *provider)
            }
            Who::GroupsIn { field, list, provider, claim } => {
                let builder = if *list { "groupsDefinedIn" } else { "groupDefinedIn" };
                let of = format!("{builder}({}{})", quoted(field), oidc(*provider));
                of + &self.claim_in(claim, *provider)
            }
            Who::Owner { field, list, provider, claim } => {
                let of = match (field.as_str(), list, provider) {
                    ("owner", false, Provider::UserPools) => "owner()".into(),
                    ("owner", false, Provider::Oidc) => "owner(\"oidc\")".into(),
                    (field, list, provider) => {
                        let builder = if *list { "ownersDefinedIn" } else { "ownerDefinedIn" };
                        format!("{builder}({}{})", quoted(field), oidc(*provider))
                    }
                };
                let claim = claim.join("::");
                let default = claim == "sub::username";
                if default { of } else { format!("{of}.identityClaim({})", quoted(&claim)) }
            }
        }
    }

    fn claim_in(self, claim: &str, provider: Provider) -> String {
        let default = claim == self.default_claim(provider);
        if default { String::new() } else { format!(".withClaimIn({})", quoted(claim)) }
    }

    /// A who in prose: `guests`, `group EDITORS`, `the owner in author`.
    pub fn caller(self, who: &Who) -> String {
        let oidc = |provider: Provider| if provider == Provider::Oidc { " (oidc)" } else { "" };
        match who {
            Who::ApiKey => "the API key".into(),
            Who::Guest => "guests".into(),
            Who::Custom => "by the authorizer".into(),
            Who::Authenticated(Mode::Oidc) => "signed in (oidc)".into(),
            Who::Authenticated(Mode::IdentityPool) => "signed in (identity pool)".into(),
            Who::Authenticated(_) => "signed in".into(),
            Who::Entity => "the folder's owner".into(),
            Who::Function(name) => format!("function {name}"),
            Who::Groups { names, provider, claim } => {
                let by = self.by(claim, *provider, " in ");
                let of = match names.as_slice() {
                    [name] => format!("group {name}"),
                    names => format!("one of the groups {}", names.join(", ")),
                };
                format!("{of}{by}{}", oidc(*provider))
            }
            Who::GroupsIn { field, list, provider, claim } => {
                let what = if *list { "groups" } else { "group" };
                format!("{what} in {field}{}{}", self.by(claim, *provider, " by "), oidc(*provider))
            }
            Who::Owner { field, list, provider, claim } => {
                let (what, claim) = (if *list { "owners" } else { "owner" }, claim.join("::"));
                let by = if claim == "sub::username" { String::new() } else { format!(" by {claim}") };
                format!("{what} in {field}{by}{}", oidc(*provider))
            }
        }
    }

    fn by(self, claim: &str, provider: Provider, word: &str) -> String {
        if claim == self.default_claim(provider) { String::new() } else { format!("{word}{claim}") }
    }

    /// A whole rule of a model or a path: `allow.group("EDITORS").to(["read"]).when(record.state == "draft")`.
    pub fn rule(
        self,
        rule: &Rule,
        is_deny: bool,
        all: Operations,
        names: &dyn Fn(Operations) -> Vec<&'static str>,
    ) -> String {
        let mut text = format!("{}.{}", if is_deny { "deny" } else { "allow" }, self.who(&rule.who));
        for who in &rule.and {
            text += &format!(".and({})", self.who(who));
        }
        if rule.operations.both(all) != all {
            let names: Vec<String> = names(rule.operations).into_iter().map(str::to_owned).collect();
            text += &format!(".to({})", list(&names));
        }
        if let Some(of) = &rule.condition {
            text += &format!(".when({})", condition(of));
        }
        text
    }
}

/// The words of operations on records, in the order in which rules are written; `read` stands for those after it.
pub const ON_MODELS: [(&str, Operations); 9] = [
    ("create", Operations::CREATE),
    ("read", Operations::READ),
    ("get", Operations::GET),
    ("list", Operations::LIST),
    ("sync", Operations::SYNC),
    ("listen", Operations::LISTEN),
    ("search", Operations::SEARCH),
    ("update", Operations::UPDATE),
    ("delete", Operations::DELETE),
];

/// The words of operations on paths, in the same way.
pub const ON_PATHS: [(&str, Operations); 5] = [
    ("read", Operations::STORAGE_READ),
    ("get", Operations::GET),
    ("list", Operations::LIST),
    ("write", Operations::WRITE),
    ("delete", Operations::DELETE),
];

/// The words of operations on models, `read` standing for its parts.
pub fn on_models(operations: Operations) -> Vec<&'static str> {
    of_words(operations, &ON_MODELS, Operations::READ)
}

/// The words of operations on paths, `read` standing for its parts.
pub fn on_paths(operations: Operations) -> Vec<&'static str> {
    of_words(operations, &ON_PATHS, Operations::STORAGE_READ)
}

fn of_words(operations: Operations, each: &[(&'static str, Operations)], read: Operations) -> Vec<&'static str> {
    let whole = operations.contains(read);
    let is = |part: Operations| operations.contains(part) && (part == read || !(whole && read.contains(part)));
    each.iter().filter(|(_, part)| is(*part)).map(|(name, _)| *name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::condition::{Kind, Source};

    fn field(name: &str) -> Term {
        Term { source: Source::Record, name: name.into(), kind: Kind::Text, list: false }
    }

    fn is(name: &str, value: &str) -> Condition {
        let value = Operand::Literal(Literal::Text(value.into()));
        Condition::Test(Test::Compare(field(name), Relation::Equal, value))
    }

    #[test]
    fn brackets_stand_where_they_are_needed() {
        let either = Condition::Any(vec![is("a", "1"), is("b", "2")]);
        let both = Condition::All(vec![either.clone(), Condition::Not(Box::new(is("c", "3")))]);
        assert_eq!(condition(&both), r#"(record.a == "1" || record.b == "2") && record.c != "3""#);
        let neither = Condition::Not(Box::new(either));
        assert_eq!(condition(&neither), r#"!(record.a == "1" || record.b == "2")"#);
        let deep = Condition::Any(vec![both, is("d", "4")]);
        assert!(condition(&deep).ends_with(r#"record.c != "3" || record.d == "4""#));
    }
}
