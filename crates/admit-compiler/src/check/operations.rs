//! Custom operations: their types, what they are fed from, and rules that can be true without a record.
//! Always: an operation that comes out has static rules only.

use super::auth::quote;
use super::conditions::{Ground, reads_record};
use super::data::Schema;
use super::lists::Word;
use super::models::Types;
use super::rules::{Site, Written};
use super::{Checker, either};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::policy::{CustomOperation, Rule, Who};
use admit_runtime::{Mode, Operations, Provider};
use admit_syntax::ast::{self, Call, OperationKind, Setting, Value, ValueKind};
use admit_syntax::nearest;

/// What runs an operation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Handler {
    /// A function: what a policy need not say.
    Function,
    /// AppSync's own resolvers.
    Custom,
    /// Nothing.
    None,
}

const SETTINGS: [&str; 2] = ["handler", "for"];

fn kind_name(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::Query => "query",
        OperationKind::Mutation => "mutation",
        OperationKind::Subscription => "subscription",
    }
}

impl<'a> Checker<'a> {
    pub(super) fn read_operations(&mut self, schema: &Schema<'a>) -> Vec<CustomOperation> {
        let types = self.types();
        let mut operations = Vec::new();
        for (file, operation) in self.declared.operations.clone() {
            self.operation_types(file, operation, &types);
            let (handler, said) = self.operation_settings(file, operation);
            let own = self.rules_of(Site::Operation, file, &operation.rules);
            let inherits = !own.allows_somebody;
            let allows = if inherits { self.inherited(file, operation, schema, handler) } else { own.allows };
            let call = |written: &Written<'a>| {
                let rule = Rule { operations: Operations::CALL, ..written.rule.clone() };
                Written { rule, ..written.clone() }
            };
            let of_schema = schema.denies.iter().filter(|deny| !reads_record(deny)).map(call);
            let denies: Vec<Written<'a>> = own.denies.into_iter().chain(of_schema).collect();
            self.rule_and_handler(file, operation, schema, handler, said, inherits);
            let ground = Ground::without_record(Site::Operation);
            let (rules, denies) = (self.finished(&ground, allows), self.finished(&ground, denies));
            if handler == Handler::Custom {
                rules.iter().chain(&denies).for_each(|rule| self.custom_handler(rule));
            }
            let place = self.place(file, operation.name.span);
            operations.push(CustomOperation {
                kind: operation.kind,
                name: operation.name.text.clone(),
                rules,
                denies,
                place,
            });
        }
        operations
    }

    fn operation_types(&mut self, file: usize, operation: &ast::Operation, types: &Types<'_>) {
        self.once("argument", operation.args.iter().map(|arg| (file, &arg.name)).collect());
        for arg in &operation.args {
            self.field_type(file, &arg.ty, types);
        }
        if let Some(returns) = &operation.returns {
            self.field_type(file, returns, types);
        }
    }

    fn operation_settings(&mut self, file: usize, operation: &ast::Operation) -> (Handler, bool) {
        self.settings_once(file, &operation.settings);
        let mut handler = None;
        for setting in &operation.settings {
            match (setting.key.text.as_str(), &setting.value.kind) {
                ("handler", ValueKind::Name(name)) if name == "function" => handler = Some(Handler::Function),
                ("handler", ValueKind::Name(name)) if name == "custom" => handler = Some(Handler::Custom),
                ("handler", ValueKind::Name(name)) if name == "none" => handler = Some(Handler::None),
                ("handler", _) => self.wrong_value(file, &setting.value, "`function`, `custom` or `none`"),
                ("for", _) if operation.kind == OperationKind::Subscription => self.sources(file, setting),
                ("for", _) => {
                    let message = format!("a {} has no source", kind_name(operation.kind));
                    let error = Diagnostic::new(codes::SOURCE, file, setting.key.span, message);
                    self.say(error.label("only subscriptions have one").help("remove `for`"));
                }
                _ => self.unknown_setting(file, setting, kind_name(operation.kind), &SETTINGS),
            }
        }
        (handler.unwrap_or(Handler::Function), handler.is_some())
    }

    /// `for: publish`, `for: [publish, Post.mutations(["create"])]`
    fn sources(&mut self, file: usize, setting: &Setting) {
        match &setting.value.kind {
            ValueKind::List(sources) if sources.is_empty() => {
                let error = Diagnostic::new(codes::EMPTY_LIST, file, setting.value.span, "a subscription to nothing");
                self.say(error.label("an empty list").help("name what it is fed from, such as `for: publish`"));
            }
            ValueKind::List(sources) => sources.iter().for_each(|source| self.source(file, source)),
            _ => self.source(file, &setting.value),
        }
    }

    fn source(&mut self, file: usize, value: &Value) {
        if self.is_broken {
            return;
        }
        let error = |message: String| Diagnostic::new(codes::SOURCE, file, value.span, message);
        match &value.kind {
            ValueKind::Name(name) => {
                let operation = self.declared.operations.iter().find(|(_, of)| of.name.text == *name);
                match operation.map(|(_, of)| of.kind) {
                    Some(OperationKind::Mutation) => (),
                    Some(kind) => {
                        let message = format!("the {} `{name}` is no source", kind_name(kind));
                        self.say(error(message).label("not a mutation").help("a subscription is fed by mutations"));
                    }
                    None if self.is_model(name) => {
                        let message = format!("the model `{name}` stands without `.mutations`");
                        let help = format!("write `{name}.mutations([\"create\"])`");
                        self.say(error(message).label("which of its mutations?").help(help));
                    }
                    None => self.no_source(file, value, name),
                }
            }
            ValueKind::Calls(calls) => match calls.as_slice() {
                [Call { name: model, args: None, .. }, mutations] if mutations.name.text == "mutations" => {
                    match self.is_model(&model.text) {
                        true => self.mutations(file, mutations),
                        false if self.declared.operations.iter().any(|(_, of)| of.name.text == model.text) => {
                            let message = format!("`{}` is no model", model.text);
                            let help = format!("write `{}` alone", model.text);
                            self.say(error(message).label("only models have `.mutations`").help(help));
                        }
                        false => self.no_source(file, value, &model.text),
                    }
                }
                _ => self.say(error("this is no source".into()).label("not a mutation").help(EXAMPLE)),
            },
            _ => self.say(error("this is no source".into()).label("not a mutation").help(EXAMPLE)),
        }
    }

    fn is_model(&self, name: &str) -> bool {
        self.declared.models.iter().any(|(_, model)| model.name().text == name)
    }

    fn no_source(&mut self, file: usize, value: &Value, name: &str) {
        let error = Diagnostic::new(codes::SOURCE, file, value.span, format!("unknown source `{name}`"));
        let error = error.label("no such mutation or model");
        let mutations = self.declared.operations.iter().filter(|(_, of)| of.kind == OperationKind::Mutation);
        let known = mutations.map(|(_, of)| of.name.text.as_str());
        self.say(match nearest(name, known) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help(EXAMPLE),
        });
    }

    fn mutations(&mut self, file: usize, call: &Call) {
        const KNOWN: [&str; 3] = ["create", "update", "delete"];
        let Some([value]) = call.args.as_deref() else {
            let error = Diagnostic::new(codes::SOURCE, file, call.span, "`.mutations` takes one list");
            return self.say(error.label("expected a list").help(EXAMPLE));
        };
        let Some(words) = self.texts(file, value, "a list of mutations, such as `[\"create\"]`") else { return };
        if words.is_empty() {
            let error = Diagnostic::new(codes::EMPTY_LIST, file, value.span, "no mutation feeds this subscription");
            self.say(error.label("an empty list").help("name one, such as `\"create\"`"));
        }
        for Word { text: word, file, span } in words.iter().filter(|word| !KNOWN.contains(&word.text.as_str())) {
            let error = Diagnostic::new(codes::UNKNOWN_OPERATION, *file, *span, format!("unknown mutation `{word}`"));
            let error = error.label("a model has `create`, `update` and `delete`");
            self.say(match nearest(word, KNOWN) {
                Some(near) => error.help(format!("did you mean `{near}`?")).edit(*span, quote(near)),
                None => error.help(EXAMPLE),
            });
        }
    }

    /// The rules that an operation takes from the schema; those that it cannot have are reported here.
    fn inherited(
        &mut self,
        file: usize,
        operation: &ast::Operation,
        schema: &Schema<'a>,
        handler: Handler,
    ) -> Vec<Written<'a>> {
        let name = &operation.name;
        let mut rules = Vec::new();
        if handler == Handler::None {
            return rules;
        }
        for written in &schema.rules {
            let rule = &written.rule;
            let dynamic = reads_record(written);
            let fault = match () {
                () if dynamic => Some("reads a record, and an operation has none"),
                () if handler == Handler::Function && rule.operations != Operations::ALL => {
                    Some("says `.to`, and an operation is called or it is not")
                }
                () => None,
            };
            match fault {
                None => {
                    let rule = Rule { operations: Operations::CALL, ..rule.clone() };
                    rules.push(Written { rule, ..written.clone() });
                }
                Some(why) => {
                    let message = format!("the operation `{}` inherits a rule that it cannot have", name.text);
                    let error = Diagnostic::new(codes::INHERITED, file, name.span, message);
                    let error = error.label("has no rules of its own");
                    let error = error.related(rule.place.file as usize, rule.place.span, format!("this one {why}"));
                    self.say(error.help("give the operation rules of its own"));
                }
            }
        }
        rules
    }

    fn rule_and_handler(
        &mut self,
        file: usize,
        operation: &ast::Operation,
        schema: &Schema<'_>,
        handler: Handler,
        said: bool,
        inherits: bool,
    ) {
        let name = &operation.name;
        let none = inherits && !schema.allows_somebody && !self.is_broken;
        if handler == Handler::None && !none {
            let message = format!("the operation `{}` has rules and no handler", name.text);
            let error = Diagnostic::new(codes::RULE_AND_HANDLER, file, name.span, message);
            self.say(error.label("`handler: none`").help("say `handler: function` or `handler: custom`"));
        } else if none && said && handler != Handler::None {
            let message = format!("the operation `{}` has no rule", name.text);
            let error = Diagnostic::new(codes::RULE_AND_HANDLER, file, name.span, message);
            self.say(error.label("nobody may call it").help("add a rule, such as `allow.authenticated()`"));
        } else if none {
            let message = format!("nobody may call the operation `{}`", name.text);
            let warning = Diagnostic::new(codes::UNREACHABLE_OPERATION, file, name.span, message);
            let help = "add a rule, such as `allow.authenticated()`; functions call it by `allow.resource` in `data`";
            self.say(warning.label("no rule here or in `data`").help(help));
        }
    }

    /// AppSync's own resolvers know the user pool's groups, signed-in users, keys and the authorizer.
    fn custom_handler(&mut self, rule: &Rule) {
        let what = match &rule.who {
            Who::Guest => "guests",
            Who::Authenticated(Mode::IdentityPool) => "callers of the identity pool",
            Who::Groups { provider: Provider::Oidc, .. } => "groups of an oidc issuer",
            _ => return,
        };
        let (file, span) = (rule.place.file as usize, rule.place.span);
        let message = format!("a custom handler cannot recognise {what}");
        let error = Diagnostic::new(codes::CUSTOM_HANDLER, file, span, message);
        let fitting = either(["authenticated", "group", "publicApiKey", "custom"]);
        self.say(error.label("not with `handler: custom`").help(format!("use `handler: function`, or {fitting}")));
    }
}

const EXAMPLE: &str = "write a mutation's name, or `Post.mutations([\"create\"])`";
