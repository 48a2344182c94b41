//! Buckets: their paths, and rules for the roles that callers have there.
//! Always: a path that comes out can be matched as a prefix, `{entity_id}` last in it.

use super::claims;
use super::conditions::Ground;
use super::models::same_guard;
use super::rules::{Ruled, Site};
use super::{Checker, Declared};
use crate::codes;
use crate::condition::Kind;
use crate::diagnostic::Diagnostic;
use crate::policy::{Bucket, Path, Rule, Who};
use admit_runtime::Operations;
use admit_syntax::ast::{self, Span};
use std::collections::HashMap;

const ENTITY: &str = "{entity_id}";
const CLAIMS: &str = "{claims";

impl<'a> Checker<'a> {
    pub(super) fn read_storages(&mut self) -> Vec<Bucket> {
        self.declared.storages.clone().into_iter().map(|storage| self.bucket(storage)).collect()
    }

    fn bucket(&mut self, (file, of): Declared<'a, ast::Storage>) -> Bucket {
        self.bucket_name(file, &of.name);
        let names: Vec<ast::Name> = of
            .paths
            .iter()
            .map(|path| ast::Name { text: one_spelling(&path.path.value), span: path.path.span })
            .collect();
        self.once("path", names.iter().map(|name| (file, name)).collect());
        let all: HashMap<&str, Span> = names.iter().map(|name| (prefix(&name.text), name.span)).collect();
        self.one_parameter(file, &names);
        let mut paths = Vec::new();
        for (path, name) in of.paths.iter().zip(&names) {
            let (rules, denies) = self.path_rules(file, path);
            let claims = self.path_claims(file, name);
            if !claims.as_ref().is_none_or(Vec::is_empty) {
                self.without_claim(&rules);
            }
            if self.path_form(file, path, name, &all)
                && let Some(claims) = claims
            {
                let prefix = prefix(&name.text);
                let entity = prefix.contains(ENTITY);
                let prefix = prefix.strip_suffix("{entity_id}/").unwrap_or(prefix).to_owned();
                paths.push(Path { prefix, claims, entity, rules, denies, place: self.place(file, path.path.span) });
            }
        }
        self.listed_children(&of.name.text, &paths);
        Bucket { name: of.name.text.clone(), paths, place: self.place(file, of.name.span) }
    }

    /// Paths whose keys are named to those who may list the path above, and not this one: S3 cannot hide them.
    fn listed_children(&mut self, bucket: &str, paths: &[Path]) {
        // Of everybody's own folders, nobody lists another's.
        let shared = paths.iter().filter(|path| !path.entity);
        let by_prefix: HashMap<&str, &Path> = shared.map(|path| (path.prefix.as_str(), path)).collect();
        for path in paths {
            let Some(above) = ancestors(&path.prefix).find_map(|above| by_prefix.get(above)) else { continue };
            let lists = |path: &Path| -> Vec<String> {
                let rules = path.rules.iter().filter(|rule| rule.operations.meets(Operations::LIST));
                rules.flat_map(|rule| who_names(&rule.who)).collect()
            };
            let here = lists(path);
            // A path that allows nothing replaces nothing: only what it denies is hidden.
            let hidden: Vec<String> = match path.rules.is_empty() {
                true => {
                    let denies = path.denies.iter().filter(|deny| deny.operations.meets(Operations::LIST));
                    denies.flat_map(|deny| who_names(&deny.who)).collect()
                }
                false => lists(above).into_iter().filter(|who| !here.contains(who)).collect(),
            };
            if let Some(who) = hidden.first() {
                let message = format!("the keys of `{bucket}` under `{}` are named to {who}", path.prefix);
                let place = path.place;
                let warning = Diagnostic::new(codes::LISTED_CHILD, place.file as usize, place.span, message);
                let warning = warning.label("may not be listed, but is named by a list of what stands above");
                let warning = warning.related(above.place.file as usize, above.place.span, "this path may be listed");
                self.say(warning.help("if even the keys are secret, move them to a path that stands under no other"));
            }
        }
    }

    fn bucket_name(&mut self, file: usize, name: &ast::Name) {
        let mut chars = name.text.chars();
        let first = chars.next().is_some_and(|c| c.is_ascii_alphabetic());
        if !(first && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ' '))) {
            let message = format!("`{}` cannot be a bucket's name", name.text);
            let error = Diagnostic::new(codes::BUCKET_NAME, file, name.span, message);
            let help = "a letter from A to Z first, then letters, digits, `-`, `_` or blanks";
            self.say(error.label("Amplify refuses it").help(help));
        }
    }

    /// Whether a path has a form that can be matched. The first fault is reported.
    fn path_form(&mut self, file: usize, path: &ast::Path, name: &ast::Name, all: &HashMap<&str, Span>) -> bool {
        let (value, span) = (name.text.as_str(), name.span);
        let fault = match () {
            () if value.starts_with('/') => Some(("it must not begin with `/`", "leave the first `/` out")),
            () if !value.ends_with("/*") => Some(("it must end with `/*`", "write `/*` at its end: `\"drafts/*\"`")),
            () if value.contains("//") => Some(("no part of it may be empty", "write one `/`")),
            () if value[..value.len() - 1].contains('*') => {
                Some(("`*` may stand only at its end", "name the folder, and let `/*` cover what is in it"))
            }
            () => None,
        };
        if let Some((message, help)) = fault {
            let message = format!("the path `{value}` is malformed: {message}");
            let error = Diagnostic::new(codes::PATH_FORM, file, span, message);
            self.say(error.label("here").help(help));
            return false;
        }
        let ancestors: Vec<Span> = ancestors(prefix(value)).filter_map(|above| all.get(above).copied()).collect();
        if value.contains(ENTITY) {
            return self.entity_form(file, path, value, &ancestors);
        }
        if let [_, first, ..] = ancestors.as_slice() {
            let message = format!("the path `{value}` lies under more than one other path");
            let warning = Diagnostic::new(codes::NESTED_PATHS, file, span, message).label("nested twice");
            let warning = warning.related(file, *first, "under this one, and under one above it");
            self.say(warning.help("Admit decides it; Amplify, whose paths nest once, cannot be given it"));
        }
        self.literal_path(file, name);
        true
    }

    fn entity_form(&mut self, file: usize, path: &ast::Path, value: &str, ancestors: &[Span]) -> bool {
        let span = path.path.span;
        if let Some(above) = ancestors.first() {
            let message = format!("another path would cover everybody's folder in `{value}`");
            let error = Diagnostic::new(codes::PATH_OVER_ENTITY, file, span, message);
            let error = error.label("holds each caller's own folder").related(file, *above, "this one stands above it");
            self.say(error.help("move one of them, so that no path is above the folders"));
            return false;
        }
        let parts: Vec<&str> = value.split('/').collect();
        let fault = match () {
            () if value.matches(ENTITY).count() > 1 => Some("`{entity_id}` may stand in it once"),
            () if !value.ends_with("{entity_id}/*") => {
                match parts.iter().any(|part| part.contains(ENTITY) && *part != ENTITY) {
                    true => Some("`{entity_id}` must be a whole part of it"),
                    false => Some("`{entity_id}` must stand directly before `/*`"),
                }
            }
            () if parts.first() == Some(&ENTITY) => Some("`{entity_id}` must not be its first part"),
            () if !parts.contains(&ENTITY) => Some("`{entity_id}` must be a whole part of it"),
            () => None,
        };
        if let Some(message) = fault {
            let error =
                Diagnostic::new(codes::ENTITY_PLACE, file, span, format!("the path `{value}` is malformed: {message}"));
            self.say(error.label("here").help("write it as in `\"avatars/{entity_id}/*\"`"));
            return false;
        }
        let rules = self.written(file, &path.rules);
        let other = |rule: &&Declared<'_, ast::Rule>| {
            rule.1.effect.text != "deny" && !matches!(rule.1.who.name.text.as_str(), "entity" | "resource")
        };
        if let Some((file, rule)) = rules.into_iter().find(|rule| other(&rule)) {
            let message = "this rule covers everybody's own folder";
            let warning = Diagnostic::new(codes::EVERYBODYS_FOLDER, file, rule.span, message);
            let help = "`{entity_id}` means the caller's own folder for `allow.entity(\"identity\")` alone";
            self.say(warning.label("not only the caller's").help(help));
        }
        true
    }

    // ---- claims in paths

    /// The claims of a path by the number of their segment; nothing if one has another form or is unknown.
    fn path_claims(&mut self, file: usize, path: &ast::Name) -> Option<Vec<(usize, String)>> {
        let mut claims = Some(Vec::new());
        for (number, part) in prefix(&path.text).split('/').enumerate().filter(|(_, part)| part.contains(CLAIMS)) {
            let known = match claim_of(part) {
                Some(claim) => self.path_claim(file, path.span, claim).map(|()| claim.to_owned()),
                None => {
                    let message = format!("the path `{}` is malformed: a claim must be a whole part of it", path.text);
                    let error = Diagnostic::new(codes::CLAIM_PLACE, file, path.span, message).label("here");
                    self.say(error.help(
                        "write it as in `\"tenants/{claims['custom:tenant']}/*\"`; a name with `/` cannot stand there",
                    ));
                    None
                }
            };
            match known {
                Some(claim) => claims.iter_mut().for_each(|claims| claims.push((number, claim.clone()))),
                None => claims = None,
            }
        }
        claims
    }

    fn path_claim(&mut self, file: usize, span: Span, name: &str) -> Option<()> {
        let claim = self.claim_named(file, span, name, None)?;
        if claims::kind(&claim.ty) == Some(Kind::Text) && !claim.list {
            return Some(());
        }
        let message = format!("the claim `{name}` cannot be a part of a path");
        let error = Diagnostic::new(codes::CLAIM_PLACE, file, span, message).label("no text");
        let error = match claim.place {
            Some((of, at)) => error.related(of, at, "declared here"),
            None => error,
        };
        self.say(error.help("a part of a path is one text: name a claim that is declared as `string`"));
        None
    }

    /// Allows that a claim in their path leaves without effect.
    fn without_claim(&mut self, rules: &[Rule]) {
        for rule in rules.iter().filter(|rule| matches!(rule.who, Who::Guest | Who::Function(_))) {
            let who = if rule.who == Who::Guest { "guests have" } else { "a function has" };
            let message = format!("{who} no claims, so this rule allows nothing");
            let error = Diagnostic::new(codes::CLAIM_PLACE, rule.place.file as usize, rule.place.span, message);
            let error = error.label("on a path with a claim");
            self.say(error.help("write the rule on the path above, which holds everybody's keys"));
        }
    }

    /// At each place of sibling paths stands one parameter at most, or a key would belong to two of them.
    fn one_parameter(&mut self, file: usize, paths: &[ast::Name]) {
        let mut first: HashMap<&str, (&str, Span)> = HashMap::new();
        for path in paths {
            let mut end = 0;
            for part in path.text.split_inclusive('/') {
                let above = &path.text[..end];
                end += part.len();
                let part = part.trim_end_matches('/');
                if !(part == ENTITY || claim_of(part).is_some()) {
                    continue;
                }
                let (other, span) = *first.entry(above).or_insert((part, path.span));
                if other != part {
                    let message = format!("`{part}` and `{other}` stand at the same place");
                    let error = Diagnostic::new(codes::TWO_PARAMETERS, file, path.span, message);
                    let error =
                        error.label("a key there could be of both").related(file, span, "the other one is here");
                    self.say(error.help("put one of them below a folder of its own"));
                }
            }
        }
    }

    /// Characters that look like a pattern, and are taken as they stand.
    fn literal_path(&mut self, file: usize, path: &ast::Name) {
        let value = &path.text;
        let is_odd =
            |part: &str| part.contains(['{', '}', '$', '?']) || matches!(part, "." | "..") || part.trim() != part;
        let odd = value.split('/').any(|part| !part.contains(CLAIMS) && is_odd(part));
        if odd {
            let message = format!("the path `{value}` is taken literally");
            let warning = Diagnostic::new(codes::LITERAL_PATH, file, path.span, message);
            let warning = warning.label("keys are compared with it byte for byte");
            let part = value.split('/').find(|part| is_odd(part)).unwrap_or_default();
            let inner = part.trim_start_matches('$').trim_matches(['{', '}']);
            let meant = self
                .claims
                .declared
                .keys()
                .find(|claim| *claim == inner || claim.strip_prefix("custom:") == Some(inner));
            self.say(match meant {
                Some(claim) => warning.help(format!("did you mean `{{claims['{claim}']}}`?")),
                None => warning.help("what has a meaning is `{entity_id}`, `{claims['x']}`, and `*` at the end"),
            });
        }
    }

    /// The allows and the denies of a path.
    fn path_rules(&mut self, file: usize, path: &'a ast::Path) -> (Vec<Rule>, Vec<Rule>) {
        if path.rules.is_empty() {
            let message = format!("the path `{}` has no rule", path.path.value);
            let error =
                Diagnostic::new(codes::EMPTY_LIST, file, path.span, message).label("an empty list does nothing");
            self.say(error.help("write a rule, or remove the path"));
        }
        let ground = Ground::without_record(Site::Storage);
        let (mut rules, mut denies): (Vec<Rule>, Vec<Rule>) = (Vec::new(), Vec::new());
        for (file, written) in self.written(file, &path.rules) {
            let Some(Ruled::Rule(written)) = self.rule(Site::Storage, file, written) else { continue };
            let is_deny = written.denies;
            let Some(rule) = self.with_condition(&ground, written) else { continue };
            self.needs_auth(file, &rule);
            if rule.who == Who::Entity && !path.path.value.contains(ENTITY) {
                let error = Diagnostic::new(
                    codes::ENTITY_RULE,
                    file,
                    rule.place.span,
                    "an `entity` rule on a path without `{entity_id}`",
                );
                let error = error.label("whose folder?").related(file, path.path.span, "this path");
                self.say(error.help("end the path with `{entity_id}/*`, or allow `authenticated`"));
            }
            let of = if is_deny { &mut denies } else { &mut rules };
            self.who_once(file, &rule, of);
            of.push(rule);
        }
        (rules, denies)
    }

    fn needs_auth(&mut self, file: usize, rule: &Rule) {
        if !self.groups.has_auth && !matches!(rule.who, Who::Function(_)) && !self.is_broken {
            let error = Diagnostic::new(
                codes::NO_AUTH,
                file,
                rule.place.span,
                "a rule for users or guests, and there is no `auth`",
            );
            self.say(error.label("nobody has a role").help("add `auth { loginWith: { email: true } }`"));
        }
    }

    /// In storage each who stands once on a path, as in Amplify.
    fn who_once(&mut self, file: usize, rule: &Rule, before: &[Rule]) {
        let own = who_names(&rule.who);
        // Two of which one has a condition say two things.
        let certain = |before: &&Rule| !(rule.is_guarded() || before.is_guarded()) || same_guard(before, rule);
        let first = before.iter().filter(certain).find_map(|before| {
            who_names(&before.who).into_iter().find(|name| own.contains(name)).map(|name| (name, before.place.span))
        });
        if let Some((name, span)) = first {
            let message = format!("two rules for {name} on one path");
            let error = Diagnostic::new(codes::WHO_TWICE, file, rule.place.span, message);
            let error = error.label("again here").related(file, span, "the first is here");
            self.say(
                error.help(format!("give {name} one rule with all that it may do here, and leave it out of the other")),
            );
        }
    }
}

/// The roles of a who, in words.
fn who_names(who: &Who) -> Vec<String> {
    match who {
        Who::Groups { names, .. } => names.iter().map(|name| format!("group `{name}`")).collect(),
        Who::Guest => vec!["`guest`".into()],
        Who::Authenticated(_) => vec!["`authenticated`".into()],
        Who::Entity => vec!["`entity(\"identity\")`".into()],
        _ => Vec::new(),
    }
}

/// The claim that a part of a path stands for, in the one spelling.
fn claim_of(part: &str) -> Option<&str> {
    let name = part.strip_prefix("{claims['")?.strip_suffix("']}")?;
    (!name.is_empty() && !name.contains(['\'', '"', '{', '}'])).then_some(name)
}

/// A path with its claims in single quotes, however they were written.
fn one_spelling(path: &str) -> String {
    let part = |part: &str| match part.strip_prefix("{claims[\"").and_then(|rest| rest.strip_suffix("\"]}")) {
        Some(name) => format!("{{claims['{name}']}}"),
        None => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// A path without its `*`.
fn prefix(path: &str) -> &str {
    path.strip_suffix('*').unwrap_or(path)
}

/// Every shorter prefix that ends with `/`, longest first.
fn ancestors(prefix: &str) -> impl Iterator<Item = &str> {
    let inner = prefix.strip_suffix('/').unwrap_or(prefix);
    inner.rmatch_indices('/').map(|(at, _)| &prefix[..=at])
}
