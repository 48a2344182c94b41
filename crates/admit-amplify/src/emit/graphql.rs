//! GraphQL: the schema, with its rules as `@auth`, for Amplify's transformer.
//! Always: the shape is that of the sources, the rules are those of the checked policy, inherited ones in place. A rule
//! that `@auth` cannot hold is left out only where that allows less; otherwise nothing is written.

use super::Says;
use admit_compiler::Source;
use admit_compiler::policy::{Model, Place, Policy, Rule, Who};
use admit_compiler::words::on_models;
use admit_runtime::{Mode, Operations, Provider};
use admit_syntax::ast::{self, BaseType, Item, OperationKind, Span, Type};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The built-in types, and AppSync's.
const SCALARS: [(&str, &str); 14] = [
    ("id", "ID"),
    ("string", "String"),
    ("integer", "Int"),
    ("float", "Float"),
    ("boolean", "Boolean"),
    ("date", "AWSDate"),
    ("time", "AWSTime"),
    ("datetime", "AWSDateTime"),
    ("timestamp", "AWSTimestamp"),
    ("email", "AWSEmail"),
    ("json", "AWSJSON"),
    ("phone", "AWSPhone"),
    ("url", "AWSURL"),
    ("ipAddress", "AWSIPAddress"),
];

pub(super) fn write(policy: &Policy, sources: &[Source], says: &mut Says) -> String {
    let parsed: Vec<_> = sources.iter().map(|source| admit_syntax::parse_bytes(&source.text)).collect();
    let items = parsed.iter().enumerate().flat_map(|(file, parsed)| parsed.file().items.iter().map(move |i| (file, i)));
    let items: Vec<(usize, &Item)> = items.collect();
    let models = policy.models.iter().map(|model| (model.name.as_str(), model)).collect();
    let mut writer = Writer { policy, models, says, file: 0, types: Vec::new(), enums: BTreeMap::new() };
    writer.functions();
    for (file, item) in &items {
        writer.file = *file;
        match item {
            Item::Model(model) => writer.model(model),
            Item::Type(of) => writer.custom_type(of),
            Item::Enum(of) => {
                let values: Vec<&ast::Text> = of.values.iter().collect();
                writer.declare_enum(&of.name.text, &values, of.name.span);
            }
            _ => (),
        }
    }
    writer.roots(&items);
    writer.types.join("\n")
}

struct Writer<'p, 's> {
    policy: &'p Policy,
    models: BTreeMap<&'p str, &'p Model>,
    says: &'s mut Says,
    /// The file of what is being written.
    file: usize,
    types: Vec<String>,
    /// Whether an enum could be written.
    enums: BTreeMap<String, bool>,
}

/// Something that rules stand on.
enum On<'n> {
    Model(&'n str),
    Field(&'n str),
    Operation(&'n str),
}

impl Writer<'_, '_> {
    fn place(&self, span: Span) -> Place {
        Place { file: self.file as u32, span, line: 0 }
    }

    /// A name of GraphQL, or why not.
    fn is_name(&mut self, name: &str, span: Span) -> bool {
        let is = is_name(name);
        if !is {
            let message = format!("GraphQL has no name `{name}`");
            let help = "GraphQL's names are letters from A to Z, digits and `_`, and do not begin with `__`";
            self.says.not_on_aws(self.place(span), message, "left out", help);
        }
        is
    }

    fn functions(&mut self) {
        for rule in &self.policy.data_functions {
            let message = "`@auth` knows no function";
            let help = "`admit emit iam` writes what the function's role needs for this";
            self.says.not_on_aws(rule.place, message, "stands in IAM, not here", help);
        }
    }

    // ---- shapes

    fn model(&mut self, of: &ast::Model) {
        let Some(model) = self.models.get(of.name.text.as_str()).copied() else { return };
        if !self.is_name(&of.name.text, of.name.span) {
            return;
        }
        let on = On::Model(&of.name.text);
        let rules = self.auth(&on, &model.rules, &model.denies, model.place);
        let mut out = described(&of.doc, "");
        let _ = writeln!(out, "type {} @model{}{rules} {{", of.name.text, disabled(model.disabled));
        let (key, sort) = model.identifier.split_first().map_or(("id", &[][..]), |(key, sort)| (key.as_str(), sort));
        if key != "id" || !sort.is_empty() {
            let declared = of.fields.iter().any(|field| field.name.text == key);
            if !declared {
                let _ = writeln!(out, "  {key}: ID!{}", primary_key(sort));
            }
        }
        for field in &of.fields {
            if !self.is_name(&field.name.text, field.name.span) {
                continue;
            }
            let checked = model.fields.iter().find(|known| known.name == field.name.text);
            let rules = match checked.filter(|checked| !checked.rules.is_empty() || !checked.denies.is_empty()) {
                Some(of) => self.auth(&On::Field(&field.name.text), &of.rules, &of.denies, of.place),
                None => String::new(),
            };
            let is_key = field.name.text == key && (key != "id" || !sort.is_empty());
            let key = if is_key { primary_key(sort) } else { String::new() };
            let in_key = is_key || sort.contains(&field.name.text);
            let mut ty = self.ty(&format!("{}{}", of.name.text, capital(&field.name.text)), &field.ty);
            if in_key && !ty.ends_with('!') {
                ty.push('!'); // a key is never null
            }
            let relation = self.relation(&of.name.text, &field.ty);
            out += &described(&field.doc, "  ");
            let _ = writeln!(out, "  {}: {ty}{key}{relation}{rules}", field.name.text);
        }
        if of.fields.is_empty() {
            out += "  id: ID!\n";
        }
        self.types.push(out + "}\n");
    }

    fn custom_type(&mut self, of: &ast::TypeDecl) {
        if !self.is_name(&of.name.text, of.name.span) {
            return;
        }
        let mut out = described(&of.doc, "");
        let _ = writeln!(out, "type {} {{", of.name.text);
        for field in &of.fields {
            if self.is_name(&field.name.text, field.name.span) {
                let ty = self.ty(&format!("{}{}", of.name.text, capital(&field.name.text)), &field.ty);
                let _ = writeln!(out, "  {}: {ty}", field.name.text);
            }
        }
        self.types.push(out + "}\n");
    }

    /// Declares an enum, and says whether GraphQL can hold it.
    fn declare_enum(&mut self, name: &str, values: &[&ast::Text], span: Span) -> bool {
        if let Some(known) = self.enums.get(name) {
            return *known;
        }
        let names: Vec<&str> = values.iter().map(|value| value.value.as_str()).collect();
        let fits =
            is_name(name) && names.iter().all(|value| is_name(value) && !matches!(*value, "true" | "false" | "null"));
        if fits {
            self.types.push(format!("enum {name} {{\n  {}\n}}\n", names.join("\n  ")));
        } else {
            let help = "the values of GraphQL's enums are names; rules do not depend on it";
            self.says.not_on_aws(
                self.place(span),
                format!("GraphQL cannot hold the enum `{name}`"),
                "written as `String`",
                help,
            );
        }
        self.enums.insert(name.to_owned(), fits);
        fits
    }

    /// A type; `name` is for an enum that has none of its own.
    fn ty(&mut self, name: &str, of: &Type) -> String {
        let base = match &of.base {
            BaseType::Enum(values) => {
                let values: Vec<&ast::Text> = values.iter().collect();
                if self.declare_enum(name, &values, of.span) { name.to_owned() } else { "String".into() }
            }
            BaseType::Named(named) => match SCALARS.iter().find(|(word, _)| *word == named.text) {
                Some((_, scalar)) => (*scalar).to_owned(),
                None if self.enums.get(&named.text) == Some(&false) => "String".into(),
                None => named.text.clone(),
            },
        };
        let bang = |required: bool| if required { "!" } else { "" };
        match of.list {
            true => format!("[{base}{}]{}", bang(of.required), bang(of.list_required)),
            false => format!("{base}{}", bang(of.required)),
        }
    }

    /// How a field reaches another model: many, the one that has many of these, or one.
    fn relation(&self, from: &str, of: &Type) -> &'static str {
        let BaseType::Named(named) = &of.base else { return "" };
        let Some(target) = self.models.get(named.text.as_str()) else { return "" };
        let back = |field: &admit_compiler::policy::Field| {
            field.ty == admit_compiler::policy::FieldType::Model(from.to_owned())
        };
        match of.list {
            true => " @hasMany",
            false if target.fields.iter().any(back) => " @belongsTo",
            false => " @hasOne",
        }
    }

    fn roots(&mut self, items: &[(usize, &Item)]) {
        for (kind, root) in [
            (OperationKind::Query, "Query"),
            (OperationKind::Mutation, "Mutation"),
            (OperationKind::Subscription, "Subscription"),
        ] {
            let mut out = String::new();
            for (file, item) in items {
                self.file = *file;
                if let Item::Operation(of) = item
                    && of.kind == kind
                {
                    self.operation(of, &mut out);
                }
            }
            if !out.is_empty() {
                self.types.push(format!("type {root} {{\n{out}}}\n"));
            }
        }
    }

    fn operation(&mut self, of: &ast::Operation, out: &mut String) {
        let named =
            |known: &&admit_compiler::policy::CustomOperation| known.kind == of.kind && known.name == of.name.text;
        let Some(checked) = self.policy.operations.iter().find(named) else { return };
        if !self.is_name(&of.name.text, of.name.span) {
            return;
        }
        let rules = self.auth(&On::Operation(&of.name.text), &checked.rules, &checked.denies, checked.place);
        if rules.is_empty() {
            // Without `@auth` everybody of the default mode could call it.
            let message = format!("`@auth` can hold no rule of `{}`", of.name.text);
            self.says.not_on_aws(checked.place, message, "left out: AWS has no such operation", "give it a plain rule");
            return;
        }
        let name = capital(&of.name.text);
        let mut args = Vec::new();
        for arg in &of.args {
            if self.is_name(&arg.name.text, arg.name.span) {
                args.push(format!(
                    "{}: {}",
                    arg.name.text,
                    self.ty(&format!("{name}{}", capital(&arg.name.text)), &arg.ty)
                ));
            }
        }
        let args = if args.is_empty() { String::new() } else { format!("({})", args.join(", ")) };
        let returns = of.returns.as_ref().map_or("AWSJSON".into(), |ty| self.ty(&format!("{name}Result"), ty));
        *out += &described(&of.doc, "  ");
        let _ = writeln!(out, "  {}{args}: {returns}{rules}", of.name.text);
    }

    // ---- rules

    /// The rules of something, as `@auth`.
    fn auth(&mut self, on: &On<'_>, rules: &[Rule], denies: &[Rule], place: Place) -> String {
        if let Some(deny) = denies.first() {
            let help = "without it more would be allowed on AWS than here; write the rules without `deny`";
            self.says.widens(deny.place, "`@auth` has no deny", help);
        }
        let mut roles: Vec<(Who, Operations)> = Vec::new();
        for rule in rules {
            if !self.is_sayable(rule, &roles) {
                continue;
            }
            for who in each(self.policy, &rule.who) {
                match roles.iter_mut().find(|(known, _)| *known == who) {
                    Some((_, operations)) => *operations = operations.with(rule.operations),
                    None => roles.push((who, rule.operations)),
                }
            }
        }
        if roles.is_empty() {
            if !matches!(on, On::Operation(_)) {
                let (On::Model(name) | On::Field(name) | On::Operation(name)) = on;
                let message = format!("`@auth` can hold no rule of `{name}`");
                self.says.widens(place, message, "without one others would hold, or none at all");
            }
            return String::new();
        }
        let written = joined(roles).into_iter().map(|(who, operations)| rule_text(&who, operations, on));
        let written: Vec<String> = written.collect();
        match (on, written.as_slice()) {
            (On::Model(_), [_, _, ..]) => format!(" @auth(rules: [\n  {}\n])", written.join("\n  ")),
            _ => format!(" @auth(rules: [{}])", written.join(", ")),
        }
    }

    fn is_sayable(&mut self, rule: &Rule, before: &[(Who, Operations)]) -> bool {
        let left_out = "left out: whom it admits is denied on AWS";
        if rule.is_guarded() {
            let help = "conditions and `.and` are for Admit's own decisions";
            self.says.not_on_aws(rule.place, "`@auth` cannot hold what this rule depends on", left_out, help);
            return false;
        }
        if let Who::Owner { field, .. } | Who::GroupsIn { field, .. } = &rule.who
            && !is_name(field)
        {
            let message = format!("GraphQL has no name `{field}`");
            self.says.not_on_aws(
                rule.place,
                message,
                left_out,
                "name the field with letters from A to Z, digits and `_`",
            );
            return false;
        }
        let other = |who: &Who| match (who, &rule.who) {
            (
                Who::Owner { field, claim, provider, .. },
                Who::Owner { field: mine, claim: my_claim, provider: my_provider, .. },
            ) => field == mine && provider == my_provider && claim != my_claim,
            _ => false,
        };
        if before.iter().any(|(who, _)| other(who)) {
            let message = "`@auth` cannot read two identities of one owner field";
            self.says.not_on_aws(rule.place, message, left_out, "let both rules read the same claim, or two fields");
            return false;
        }
        true
    }
}

impl Says {
    /// Something without which the output would allow more.
    fn widens(&mut self, place: Place, message: impl Into<String>, help: &str) {
        let code = admit_compiler::WIDENS;
        let error = admit_compiler::diagnostic::Diagnostic::new(code, place.file as usize, place.span, message);
        self.say(error.label("nothing is written").help(help));
    }
}

/// A who as roles: each group by itself, and after them those that act as one of them.
fn each(policy: &Policy, who: &Who) -> Vec<Who> {
    match who {
        Who::Groups { names, provider, claim } => {
            let mut all: Vec<&str> = names.iter().map(String::as_str).collect();
            if *provider == Provider::UserPools && *claim == policy.group_claim {
                let acting: Vec<&str> = policy.counting_as(names).filter(|name| !all.contains(name)).collect();
                all.extend(acting);
            }
            let one =
                |name: &str| Who::Groups { names: vec![name.to_owned()], provider: *provider, claim: claim.clone() };
            all.into_iter().map(one).collect()
        }
        who => vec![who.clone()],
    }
}

/// Groups of one claim with the same operations as one rule.
fn joined(roles: Vec<(Who, Operations)>) -> Vec<(Who, Operations)> {
    let mut rules: Vec<(Who, Operations)> = Vec::new();
    for (who, operations) in roles {
        let same = rules.iter_mut().find_map(|(known, of)| match (known, &who) {
            (
                Who::Groups { names, provider, claim },
                Who::Groups { names: more, provider: my_provider, claim: my_claim },
            ) if *of == operations && provider == my_provider && claim == my_claim => Some((names, more)),
            _ => None,
        });
        match same {
            Some((names, more)) => names.extend(more.iter().cloned()),
            None => rules.push((who, operations)),
        }
    }
    rules
}

fn rule_text(who: &Who, operations: Operations, on: &On<'_>) -> String {
    let mut parts: Vec<String> = Vec::new();
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let provider_of = |provider: &Provider| if *provider == Provider::Oidc { Some("oidc") } else { None };
    let (allow, provider) = match who {
        Who::ApiKey => ("public", Some("apiKey")),
        Who::Guest => ("public", Some("identityPool")),
        Who::Authenticated(Mode::IdentityPool) => ("private", Some("identityPool")),
        Who::Authenticated(Mode::Oidc) => ("private", Some("oidc")),
        Who::Authenticated(_) => ("private", None),
        Who::Custom => ("custom", Some("function")),
        Who::Groups { provider, .. } | Who::GroupsIn { provider, .. } => ("groups", provider_of(provider)),
        Who::Owner { provider, .. } => ("owner", provider_of(provider)),
        Who::Entity | Who::Function(_) => ("", None), // in storage alone
    };
    parts.push(format!("allow: {allow}"));
    parts.extend(provider.map(|provider| format!("provider: {provider}")));
    match who {
        Who::Groups { names, claim, .. } => {
            let names: Vec<String> = names.iter().map(|name| text(name)).collect();
            parts.push(format!("groups: [{}]", names.join(", ")));
            parts.extend((claim != "cognito:groups").then(|| format!("groupClaim: {}", text(claim))));
        }
        Who::GroupsIn { field, claim, .. } => {
            parts.push(format!("groupsField: {}", text(field)));
            parts.extend((claim != "cognito:groups").then(|| format!("groupClaim: {}", text(claim))));
        }
        Who::Owner { field, claim, .. } => {
            parts.push(format!("ownerField: {}", text(field)));
            let claim = claim.join("::");
            parts.extend((claim != "sub::username").then(|| format!("identityClaim: {}", text(&claim))));
        }
        _ => (),
    }
    let all = match on {
        On::Operation(_) => true,
        On::Model(_) => operations.contains(Operations::ALL),
        On::Field(_) => operations.contains(Operations::ALL),
    };
    if !all {
        parts.push(format!("operations: [{}]", on_models(operations).join(", ")));
    }
    format!("{{{}}}", parts.join(", "))
}

/// What of a model's API is not made.
fn disabled(operations: Operations) -> String {
    let group = |name: &str, parts: &[(Operations, &str)], all: Operations| {
        if operations.contains(all) {
            return Some(format!("{name}: null"));
        }
        let off = parts.iter().filter(|(of, _)| operations.meets(*of)).map(|(_, word)| format!("{word}: null"));
        let off: Vec<String> = off.collect();
        (!off.is_empty()).then(|| format!("{name}: {{{}}}", off.join(", ")))
    };
    let reads = [(Operations::GET, "get"), (Operations::LIST, "list"), (Operations::SYNC, "sync")];
    let writes = [(Operations::CREATE, "create"), (Operations::UPDATE, "update"), (Operations::DELETE, "delete")];
    let all_writes = Operations::CREATE.with(Operations::UPDATE).with(Operations::DELETE);
    let parts: Vec<String> = [
        group("queries", &reads, Operations::READ.without(Operations::LISTEN)),
        group("mutations", &writes, all_writes),
        group("subscriptions", &[], Operations::LISTEN),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() { String::new() } else { format!("({})", parts.join(", ")) }
}

fn primary_key(sort: &[String]) -> String {
    let names: Vec<String> = sort.iter().map(|name| serde_json::Value::from(name.as_str()).to_string()).collect();
    match names.is_empty() {
        true => " @primaryKey".into(),
        false => format!(" @primaryKey(sortKeyFields: [{}])", names.join(", ")),
    }
}

fn is_name(text: &str) -> bool {
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first && !text.starts_with("__") && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn capital(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A description, as GraphQL has them.
fn described(doc: &[String], indent: &str) -> String {
    match doc {
        [] => String::new(),
        lines => format!("{indent}{}\n", serde_json::Value::from(lines.join("\n"))),
    }
}
