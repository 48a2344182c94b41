//! Rules: `(allow) => [allow.owner().to(["read"]), …]`.
//! Always: a rule is read as a whole or left out, and then reported.

use super::Reader;
use super::policy::{Arg, Rule};
use super::report::{LeftOut, NOT_SAID, Read, UNKNOWN_WORD, WITHOUT_EFFECT};
use super::value::{At, Value};

/// The builders.
const BUILDERS: [&str; 13] = [
    "publicApiKey",
    "guest",
    "authenticated",
    "group",
    "groups",
    "owner",
    "ownerDefinedIn",
    "ownersDefinedIn",
    "groupDefinedIn",
    "groupsDefinedIn",
    "custom",
    "entity",
    "resource",
];
const MODIFIERS: [&str; 3] = ["to", "withClaimIn", "identityClaim"];
const LEFT_OUT: &str = "the rule is left out, so whom it admits is denied; write it out, or add it to the policy";

/// Rules that were read, and whether some were not.
#[derive(Default)]
pub(super) struct Rules {
    pub rules: Vec<Rule>,
    /// Whether something was left out that may admit somebody.
    pub is_partial: bool,
    /// How many of the rules stand before something that was left out.
    pub before_lost: usize,
}

impl<'p> Reader<'p> {
    /// The rules that a function of `allow` gives: a list, or one.
    pub(super) fn rules(&mut self, value: &Value<'p>) -> Rules {
        let given = match self.values.given(value, &["allow"]) {
            Ok(given) => given,
            Err(problem) => {
                self.report.problem(&problem, "all the rules here are left out, so whom they admit is denied");
                return Rules { is_partial: true, ..Rules::default() };
            }
        };
        self.rule_list(&given)
    }

    /// The rules of a list, or one rule.
    pub(super) fn rule_list(&mut self, value: &Value<'p>) -> Rules {
        let mut read = Rules::default();
        // Rules that are no list are one rule.
        let elements = self.values.sequence(value).unwrap_or_else(|_| vec![Ok(value.clone())]);
        for element in elements {
            let rule = match element {
                Ok(element) => self.rule(&element),
                Err(problem) => {
                    let means = "the rules in it are left out, so whom they admit is denied";
                    Err(self.report.problem(&problem, means))
                }
            };
            match rule {
                Ok(rule) => read.rules.push(rule),
                Err(LeftOut) => {
                    read.is_partial = true;
                    read.before_lost = read.rules.len();
                }
            }
        }
        read
    }

    fn rule(&mut self, value: &Value<'p>) -> Read<Rule> {
        let chain = match self.values.chain(value) {
            Ok(chain) => chain,
            Err(problem) => return Err(self.report.problem(&problem, LEFT_OUT)),
        };
        if !matches!(chain.root, Value::Given("allow", _)) {
            return Err(self.report.problem(&value.computed(), LEFT_OUT));
        }
        let Some(builder) = chain.links.first() else {
            return Err(self.report.problem(&value.computed(), LEFT_OUT));
        };
        if !BUILDERS.contains(&builder.name) {
            self.report.say(UNKNOWN_WORD, chain.at, format!("unknown rule `allow.{}`", plain(builder.name)), LEFT_OUT);
            return Err(LeftOut);
        }
        let mut rule = Rule {
            at: chain.at,
            builder: builder.name.to_owned(),
            is_called: builder.args.is_some(),
            args: self.args(builder.args.as_deref().unwrap_or_default())?,
            modifiers: Vec::new(),
        };
        for modifier in &chain.links[1..] {
            let (Some(args), true) = (&modifier.args, MODIFIERS.contains(&modifier.name)) else {
                let message = format!("unknown modifier `.{}` of a rule", plain(modifier.name));
                self.report.say(UNKNOWN_WORD, chain.at, message, LEFT_OUT);
                return Err(LeftOut);
            };
            let args = self.args(args)?;
            rule.modifiers.push((modifier.name.to_owned(), args));
        }
        self.with_names(rule)
    }

    fn args(&mut self, values: &[Value<'p>]) -> Read<Vec<Arg>> {
        values.iter().map(|value| self.arg(value)).collect()
    }

    fn arg(&mut self, value: &Value<'p>) -> Read<Arg> {
        if let Ok(text) = self.values.text(value) {
            return Ok(Arg::Text(text));
        }
        if let Some(name) = self.function(value) {
            return Ok(Arg::Name(name));
        }
        match self.values.texts(value) {
            Ok(texts) => Ok(Arg::Texts(texts)),
            Err(problem) => Err(self.report.problem(&problem, LEFT_OUT)),
        }
    }

    /// The rules of data without those that have no operations. In storage these are an error, as in Amplify.
    pub(super) fn with_operations(&mut self, mut rules: Vec<Rule>) -> Vec<Rule> {
        rules.retain(|rule| {
            let empty = rule.operations().is_some_and(<[String]>::is_empty);
            if empty {
                let means = "the rule is left out; Amplify gives nothing by it either";
                self.report.say(WITHOUT_EFFECT, rule.at, "this rule has no operations", means);
            }
            !empty
        });
        rules
    }

    /// Leaves out groups whose names no policy can hold.
    fn with_names(&mut self, mut rule: Rule) -> Read<Rule> {
        let refused: Vec<String> = rule.groups().into_iter().filter(|name| refused(name)).map(str::to_owned).collect();
        for name in &refused {
            let means = "it is left out of the rule, so whoever has it gains nothing here";
            self.report.say(NOT_SAID, rule.at, format!("`{}` cannot be the name of a group", plain(name)), means);
        }
        match rule.keep_groups(|name| !refused.iter().any(|one| one == name)) {
            true => Ok(rule),
            false => Err(LeftOut),
        }
    }

    /// Whether a group's name can stand in a policy; reports it if not.
    pub(super) fn is_group_name(&mut self, name: &str, at: At) -> bool {
        if refused(name) {
            let means = "the group is left out, and so is whatever rules give it";
            self.report.say(NOT_SAID, at, format!("`{}` cannot be the name of a group", plain(name)), means);
        }
        !refused(name)
    }
}

/// Names that Cognito refuses, and those of the built-in roles.
fn refused(name: &str) -> bool {
    let form = (1..=128).contains(&name.chars().count());
    let wrong = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\\');
    let reserved = matches!(name, "authenticatedUserIamRole" | "unauthenticatedUserIamRole");
    !form || name.contains(wrong) || reserved
}

/// A text that can stand in one line of a message or a comment.
pub(super) fn plain(text: &str) -> String {
    let shown: String = text.chars().take(80).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().count() > 80 { format!("{shown}…") } else { shown }
}
