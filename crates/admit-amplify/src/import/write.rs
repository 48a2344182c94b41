//! The policy's text, in the one layout.
//! Always: whatever is no name is quoted, and comments are of one line, so that no project can write a declaration.

use super::File;
use super::policy::{Arg, Auth, Bucket, Data, Field, Group, Model, Operation, Policy, Role, Rule, Type};
use super::rules::plain;
use super::settle::every_rule;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// The files of a policy; those with something to say.
pub fn files(policy: &Policy) -> Vec<File> {
    let mut functions: BTreeSet<&str> = policy.functions.keys().map(String::as_str).collect();
    let mut files = Vec::new();
    let mut add = |name, text: String, rules: &[&Rule]| {
        let named = rules.iter().flat_map(|rule| &rule.args).filter_map(|arg| match arg {
            Arg::Name(name) => Some(name.as_str()),
            _ => None,
        });
        let mut text = text;
        // A function is declared where it is named first.
        for name in named.collect::<BTreeSet<&str>>() {
            if functions.remove(name) {
                function(&mut text, name, policy.functions.get(name).and_then(Option::as_deref));
            }
        }
        if !text.is_empty() {
            // Text that the formatter refuses has an error, which the checker reports.
            files.push(File { name, text: admit_syntax::format(&text).unwrap_or(text) });
        }
    };
    let auth_rules: Vec<&Rule> = policy.auth.iter().flat_map(|auth| &auth.rules).collect();
    add("auth.policy", auth(policy), &auth_rules);
    if let Some(of) = &policy.data {
        add("data.policy", data(of), &every_rule(of));
    }
    let storage_rules: Vec<&Rule> =
        policy.buckets.iter().flat_map(|bucket| &bucket.paths).flat_map(|path| &path.rules).collect();
    let buckets: Vec<String> = policy.buckets.iter().map(bucket).collect();
    add("storage.policy", buckets.join("\n"), &storage_rules);
    files
}

fn function(out: &mut String, name: &str, own: Option<&str>) {
    if let Some(own) = own {
        let _ = write!(out, "\n// Amplify calls it `{}`.", plain(own));
    }
    let _ = writeln!(out, "\nfunction {name}");
}

/// A text as a literal.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn list<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let texts: Vec<String> = texts.into_iter().map(quoted).collect();
    format!("[{}]", texts.join(", "))
}

fn owned(texts: &[String]) -> String {
    list(texts.iter().map(String::as_str))
}

fn notes(out: &mut String, indent: &str, notes: &[String]) {
    if !notes.is_empty() {
        let _ = writeln!(out, "{indent}// Not carried over, and decides nothing: {}.", plain_all(notes));
    }
}

fn plain_all(notes: &[String]) -> String {
    notes.iter().map(|note| plain(note)).collect::<Vec<_>>().join(", ")
}

// ---- auth

fn auth(policy: &Policy) -> String {
    let claims = claim_groups(policy);
    let none = Auth::default();
    let (auth, has_pool) = match &policy.auth {
        Some(auth) => (auth, true),
        None if claims.is_empty() => return String::new(),
        None => (&none, false),
    };
    let mut out = String::from("auth {\n");
    notes(&mut out, "  ", &auth.notes);
    if has_pool && !auth.login.is_empty() {
        let ways: Vec<String> = auth.login.iter().map(|way| format!("{way}: true")).collect();
        let _ = writeln!(out, "  loginWith: {{ {} }}", ways.join(", "));
    }
    let groups: Vec<&str> = auth.groups.iter().chain(&auth.more_groups).map(String::as_str).collect();
    if !auth.more_groups.is_empty() {
        let named: Vec<String> = auth.more_groups.iter().map(|name| plain(&quoted(name))).collect();
        let _ = writeln!(out, "  // Named by rules alone, and not by `defineAuth`: {}.", named.join(", "));
    }
    if !groups.is_empty() {
        let _ = writeln!(out, "  groups: {}", list(groups));
    }
    if !claims.is_empty() {
        let claims: Vec<String> =
            claims.iter().map(|(claim, names)| format!("{}: {}", quoted(claim), list(names.iter().copied()))).collect();
        let _ = writeln!(out, "  claimGroups: {{ {} }}", claims.join(", "));
    }
    if has_pool {
        let _ = writeln!(out, "  roles: \"preferred\"");
    }
    rules(&mut out, &auth.rules);
    out.push_str("}\n");
    auth.about.iter().for_each(|(name, of)| group(&mut out, name, of));
    out
}

fn group(out: &mut String, name: &str, of: &Group) {
    let name = if super::schema::is_identifier(name) { name.to_owned() } else { quoted(name) };
    let _ = writeln!(out, "\ngroup {name} {{");
    if let Some(precedence) = of.precedence {
        let _ = writeln!(out, "  precedence: {precedence}");
    }
    match &of.role {
        Some(Role::Given(arn)) => drop(writeln!(out, "  role: {}", quoted(arn))),
        Some(Role::Extended(statements)) => {
            out.push_str("  role: {\n");
            for (actions, resources) in statements {
                let _ = writeln!(out, "    allow.actions({}).on({})", owned(actions), owned(resources));
            }
            out.push_str("  }\n");
        }
        None => (),
    }
    out.push_str("}\n");
}

/// The groups that arrive in other claims, or in another issuer's tokens.
fn claim_groups(policy: &Policy) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut claims: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for rule in policy.data.iter().flat_map(every_rule).filter(|rule| !rule.is_of_pool()) {
        let names = rule.groups();
        if !names.is_empty() {
            claims.entry(rule.group_claim()).or_default().extend(names);
        }
    }
    claims
}

// ---- data

fn data(data: &Data) -> String {
    let mut out = String::from("data {\n");
    notes(&mut out, "  ", &data.notes);
    if let Some(modes) = &data.modes {
        let _ = writeln!(out, "  authorizationModes: {}", list(modes.iter().copied()));
    }
    if let Some(default) = &data.default {
        let _ = writeln!(out, "  defaultAuthorizationMode: {}", quoted(default));
    }
    rules(&mut out, &data.rules);
    out.push_str("}\n");
    for one in &data.types {
        out.push('\n');
        match one {
            Type::Model(of) => model(&mut out, of),
            Type::Custom(name, fields) => {
                let _ = writeln!(out, "type {name} {{");
                notes(&mut out, "  ", &field_notes(fields));
                fields.iter().for_each(|one| field(&mut out, one));
                out.push_str("}\n");
            }
            Type::Enum(name, values) => {
                let values: Vec<String> = values.iter().map(|value| enum_value(value)).collect();
                let _ = writeln!(out, "enum {name} {{ {} }}", values.join(", "));
            }
            Type::Operation(of) => operation(&mut out, of),
        }
    }
    out
}

fn enum_value(value: &str) -> String {
    if super::schema::is_identifier(value) { value.to_owned() } else { quoted(value) }
}

/// The notes of fields, each with its field.
fn field_notes(fields: &[Field]) -> Vec<String> {
    let of = |field: &Field| field.notes.iter().map(|note| format!("{note} of {}", field.name)).collect::<Vec<_>>();
    fields.iter().flat_map(of).collect()
}

fn model(out: &mut String, model: &Model) {
    let _ = writeln!(out, "model {} {{", model.name);
    notes(out, "  ", &[field_notes(&model.fields), model.notes.clone()].concat());
    model.fields.iter().for_each(|one| field(out, one));
    if let Some(identifier) = &model.identifier {
        let _ = writeln!(out, "  identifier({})", owned(identifier));
    }
    if let Some(disabled) = model.disabled.as_ref().filter(|disabled| !disabled.is_empty()) {
        let _ = writeln!(out, "  disableOperations({})", owned(disabled));
    }
    rules(out, &model.rules);
    out.push_str("}\n");
}

fn ty(field: &Field) -> String {
    format!("{}{}", field.base, field.marks)
}

fn field(out: &mut String, field: &Field) {
    let _ = write!(out, "  {}: {}", field.name, ty(field));
    if let Some(rules) = &field.rules {
        let rules: Vec<String> = rules.iter().map(rule).collect();
        let _ = write!(out, " {{\n    {}\n  }}", rules.join("\n    "));
    }
    out.push('\n');
}

fn operation(out: &mut String, of: &Operation) {
    let args: Vec<String> = of.args.iter().map(|field| format!("{}: {}", field.name, ty(field))).collect();
    let args = if args.is_empty() { String::new() } else { format!("({})", args.join(", ")) };
    let returns = of.returns.as_ref().map_or(String::new(), |field| format!(": {}", ty(field)));
    let _ = writeln!(out, "{} {}{args}{returns} {{", of.kind, of.name);
    notes(out, "  ", &field_notes(&of.args));
    if of.handler != "function" || of.rules.is_empty() {
        let _ = writeln!(out, "  handler: {}", of.handler);
    }
    if let Some(sources) = &of.sources {
        let sources: Vec<String> = sources
            .iter()
            .map(|(name, mutations)| match mutations {
                Some(words) => format!("{name}.mutations({})", owned(words)),
                None => name.clone(),
            })
            .collect();
        let _ = match sources.as_slice() {
            [one] => writeln!(out, "  for: {one}"),
            many => writeln!(out, "  for: [{}]", many.join(", ")),
        };
    }
    rules(out, &of.rules);
    out.push_str("}\n");
}

// ---- storage

fn bucket(bucket: &Bucket) -> String {
    let name = match super::schema::is_identifier(&bucket.name) {
        true => bucket.name.clone(),
        false => quoted(&bucket.name),
    };
    let mut out = format!("storage {name} {{\n");
    notes(&mut out, "  ", &bucket.notes);
    for path in &bucket.paths {
        let rules: Vec<String> = path.rules.iter().map(rule).collect();
        let _ = writeln!(out, "  {}: [{}]", quoted(&path.path), rules.join(", "));
    }
    out.push_str("}\n");
    out
}

// ---- rules

fn rule(rule: &Rule) -> String {
    let mut out = format!("allow.{}", rule.builder);
    if rule.is_called {
        let _ = write!(out, "({})", args(&rule.args));
    }
    for (name, values) in &rule.modifiers {
        let _ = write!(out, ".{name}({})", args(values));
    }
    out
}

fn rules(out: &mut String, rules: &[Rule]) {
    for one in rules {
        let _ = writeln!(out, "  {}", rule(one));
    }
}

fn args(args: &[Arg]) -> String {
    let one = |arg: &Arg| match arg {
        Arg::Text(text) => quoted(text),
        Arg::Texts(texts) => owned(texts),
        Arg::Name(name) => name.clone(),
    };
    args.iter().map(one).collect::<Vec<_>>().join(", ")
}
