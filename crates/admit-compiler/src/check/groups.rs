//! A group's place among the others and its role on AWS: `group X { precedence: 0  role: "arn:…" }`.
//! Always: no two groups have one precedence, the groups stand in its order, and what is said of IAM has IAM's form.

use super::lists::Word;
use super::{Checker, Declared};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::policy::{Grant, Place};
use admit_syntax::ast::{self, Call, Setting, Span, Value, ValueKind};
use std::collections::{BTreeMap, HashMap};

/// What the block of a group says of its role.
#[derive(Default)]
struct Said {
    precedence: Option<(u32, Place)>,
    role: Option<String>,
    grants: Vec<Grant>,
}

const ROLE: &str =
    "a role's ARN, such as `\"arn:aws:iam::123456789012:role/editors\"`, or `{ allow.actions([…]).on([…]) }`";
const ARN: &str = "an ARN has six parts: `arn:aws:service:region:account:resource`";

impl Checker<'_> {
    /// Reads what the blocks of groups say beside `actsAs`, and brings the groups into their order.
    pub(super) fn read_group_blocks(&mut self) {
        let blocks = self.declared.groups.clone();
        let mut said: HashMap<String, Said> = HashMap::new();
        for block in blocks {
            let of_group = self.group_block(block);
            said.insert(block.1.name.text.clone(), of_group);
        }
        let mut by_precedence: BTreeMap<u32, (String, Place)> = BTreeMap::new();
        let mut declared = std::mem::take(&mut self.groups.declared);
        for (number, group) in (0..).zip(&mut declared) {
            let of = said.remove(&group.name).unwrap_or_default();
            let (precedence, place) = of.precedence.unwrap_or((number, group.place));
            (group.precedence, group.role, group.grants) = (precedence, of.role, of.grants);
            if let Some((other, first)) = by_precedence.insert(precedence, (group.name.clone(), place)) {
                let message = format!("`{other}` and `{}` have the precedence {precedence}", group.name);
                let error = Diagnostic::new(codes::EQUAL_PRECEDENCE, place.file as usize, place.span, message);
                let error = error.label("the same").related(first.file as usize, first.span, "as this one");
                self.say(error.help("without `precedence` a group has its place in `groups`, from 0"));
            }
        }
        declared.sort_by_key(|group| group.precedence);
        self.groups.declared = declared;
    }

    fn group_block(&mut self, (file, of): Declared<'_, ast::Group>) -> Said {
        let roles = of.roles.iter().map(|(key, _)| (file, key));
        self.once("setting", of.settings.iter().map(|setting| (file, &setting.key)).chain(roles).collect());
        let mut said = Said::default();
        for setting in &of.settings {
            match setting.key.text.as_str() {
                "precedence" => said.precedence = self.precedence(file, setting),
                "role" => said.role = self.role_arn(file, &setting.value),
                "actsAs" => (), // `acting` reads it
                _ => self.unknown_setting(file, setting, "group", &["precedence", "actsAs", "role"]),
            }
        }
        for (key, rules) in &of.roles {
            match key.text.as_str() {
                "role" => said.grants.extend(rules.iter().filter_map(|rule| self.role_rule(file, rule))),
                _ => {
                    let value = Value { kind: ValueKind::Bool(false), span: key.span };
                    let setting = Setting { key: key.clone(), value };
                    self.unknown_setting(file, &setting, "group", &["precedence", "actsAs", "role"]);
                }
            }
        }
        said
    }

    /// A whole number that Cognito takes.
    fn precedence(&mut self, file: usize, setting: &Setting) -> Option<(u32, Place)> {
        let number = match &setting.value.kind {
            ValueKind::Number(digits) => digits.parse().ok().filter(|number| *number <= i32::MAX as u32),
            _ => None,
        };
        if number.is_none() {
            self.wrong_value(file, &setting.value, "a whole number from 0 to 2147483647");
        }
        Some((number?, self.place(file, setting.value.span)))
    }

    fn role_arn(&mut self, file: usize, value: &Value) -> Option<String> {
        let ValueKind::Text(arn) = &value.kind else {
            self.wrong_value(file, value, ROLE);
            return None;
        };
        if !is_role_arn(arn) {
            let help = "a role's ARN is `arn:aws:iam::ACCOUNT:role/NAME`, the account of twelve digits";
            self.no_arn(file, value.span, arn, "cannot be a role's ARN", help);
        }
        Some(arn.clone())
    }

    /// `allow.actions(["s3:GetObject"]).on(["arn:aws:s3:::reports/*"])`
    fn role_rule(&mut self, file: usize, rule: &ast::Rule) -> Option<Grant> {
        let form = "a group's role is extended by `allow.actions([…]).on([…])`";
        if rule.effect.text != "allow" {
            let message = format!("expected `allow`, found `{}`", rule.effect.text);
            let error = Diagnostic::new(codes::EFFECT, file, rule.effect.span, message);
            self.say(error.label("not a rule of a role").help(form));
            return None;
        }
        if rule.who.name.text != "actions" {
            let message = format!("`{}` has no place in a group's role", rule.who.name.text);
            let error = Diagnostic::new(codes::BUILDER_PLACE, file, rule.who.name.span, message);
            self.say(error.label("not here").help(form));
            return None;
        }
        let [on] = rule.modifiers.as_slice() else {
            let error = Diagnostic::new(codes::ARGUMENTS, file, rule.span, "expected `.on([…])`, once");
            self.say(error.label("on what?").help(form));
            return None;
        };
        if on.name.text != "on" || !rule.conditions.is_empty() {
            let span = rule.conditions.first().map_or(on.name.span, |when| when.span);
            let error = Diagnostic::new(codes::MODIFIER_PLACE, file, span, "only `.on` goes with `actions`");
            self.say(error.label("not here").help(form));
            return None;
        }
        let actions = self.iam_texts(file, &rule.who, "actions, such as `[\"s3:GetObject\"]`", Checker::action)?;
        let resources = self.iam_texts(file, on, "ARNs, such as `[\"arn:aws:s3:::reports/*\"]`", Checker::resource)?;
        Some(Grant { actions, resources, place: self.place(file, rule.span) })
    }

    /// The list of a call, each text looked at.
    fn iam_texts(&mut self, file: usize, call: &Call, what: &str, check: fn(&mut Self, &Word)) -> Option<Vec<String>> {
        let Some([value]) = call.args.as_deref() else {
            let message = format!("`{}` takes one list", call.name.text);
            let error = Diagnostic::new(codes::ARGUMENTS, file, call.span, message);
            self.say(error.label("expected a list").help(format!("a list of {what}")));
            return None;
        };
        let words = self.texts(file, value, &format!("a list of {what}"))?;
        if words.is_empty() {
            let error = Diagnostic::new(codes::EMPTY_LIST, file, value.span, "a rule that allows nothing");
            self.say(error.label("nothing in it").help("name something, or remove the rule"));
        }
        words.iter().for_each(|word| check(self, word));
        Some(words.into_iter().map(|word| word.text).collect())
    }

    fn action(&mut self, word: &Word) {
        if is_action(&word.text) {
            return;
        }
        let message = format!("`{}` cannot be an IAM action", word.text);
        let error = Diagnostic::new(codes::ACTION_FORM, word.file, word.span, message);
        self.say(error.label("not `service:Action`").help("an action names its service: `s3:GetObject`, `s3:Get*`"));
    }

    fn resource(&mut self, word: &Word) {
        if word.text != "*" && !is_arn(&word.text) {
            self.no_arn(word.file, word.span, &word.text, "cannot be an ARN", ARN);
        }
    }

    fn no_arn(&mut self, file: usize, span: Span, arn: &str, fault: &str, help: &str) {
        let error = Diagnostic::new(codes::ARN_FORM, file, span, format!("`{arn}` {fault}"));
        self.say(error.label("AWS has no such name").help(help));
    }
}

/// `service:Action`: a service's prefix, then a name in which `*` and `?` may stand.
fn is_action(text: &str) -> bool {
    let Some((service, name)) = text.split_once(':') else { return false };
    let of_service = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '*' | '?');
    let filled = !service.is_empty() && !name.is_empty() && text.len() <= 128;
    filled && service.chars().all(of_service) && name.chars().all(of_name)
}

/// `arn:partition:service:region:account:resource`, as IAM takes it in `Resource`.
fn is_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [arn, partition, service, region, account, resource] = parts.as_slice() else { return false };
    let word =
        |part: &str| part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '*'));
    let named = *arn == "arn" && is_partition(partition) && !service.is_empty() && !resource.is_empty();
    let account = account.is_empty() || *account == "*" || *account == "aws" || is_account(account);
    // What IAM takes in a policy: no control characters, nothing above Latin-1 that JSON would not escape.
    named && word(service) && word(region) && account && !text.chars().any(|c| c.is_control())
}

fn is_partition(text: &str) -> bool {
    text.strip_prefix("aws").is_some_and(|rest| {
        rest.is_empty() || (rest.starts_with('-') && rest[1..].chars().all(|c| c.is_ascii_lowercase() || c == '-'))
    })
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `arn:aws:iam::123456789012:role/path/name`: the name at most 64 characters, the path at most 512.
fn is_role_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = parts.as_slice() else { return false };
    let Some(role) = resource.strip_prefix("role/") else { return false };
    let (path, name) = role.rsplit_once('/').unwrap_or(("", role));
    let of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '=' | ',' | '.' | '@' | '-' | '_');
    let is_name = (1..=64).contains(&name.len()) && name.chars().all(of_name);
    is_partition(partition)
        && is_account(account)
        && is_name
        && path.len() <= 512
        && path.bytes().all(|b| b.is_ascii_graphic())
}
