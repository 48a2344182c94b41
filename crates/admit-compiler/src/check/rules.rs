//! One rule, wherever it stands: its builder, its modifiers and its operations.
//! Always: what comes out fits its place; what does not is reported, with what would. The condition is typed later,
//! where it is known what the rule stands on.

use super::auth::quote;
use super::lists::Word;
use super::{Checker, Declared, either};
use crate::codes;
use crate::cognito::ACTIONS;
use crate::diagnostic::Diagnostic;
use crate::policy::{AuthFunction, DataFunction, Rule, Who};
use admit_runtime::{Mode, Operations, Provider};
use admit_syntax::ast::{self, Call, Span, Value, ValueKind};
use admit_syntax::nearest;

/// The most parts of an identity claim: `sub::username` has two.
const MAX_PARTS: usize = 4;

/// Where a rule stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Site {
    Model,
    Field,
    Operation,
    Storage,
    Data,
    Auth,
}

/// What a rule came to.
pub(super) enum Ruled<'r> {
    Rule(Written<'r>),
    Data(DataFunction),
    Auth(AuthFunction),
}

/// A rule but for its condition.
#[derive(Clone)]
pub(super) struct Written<'r> {
    pub rule: Rule,
    /// A deny.
    pub denies: bool,
    pub when: Option<Declared<'r, ast::When>>,
}

impl Site {
    pub(super) fn words(self) -> &'static str {
        match self {
            Site::Model => "on a model",
            Site::Field => "on a field",
            Site::Operation => "on a custom operation",
            Site::Storage => "on a storage path",
            Site::Data => "in `data`",
            Site::Auth => "in `auth`",
        }
    }

    /// The operations that a rule here can name.
    fn operations(self) -> &'static [(&'static str, Operations)] {
        match self {
            Site::Model | Site::Data => &DATA,
            Site::Field => &FIELD,
            Site::Storage => &STORAGE,
            Site::Operation | Site::Auth => &[],
        }
    }
}

pub(super) use crate::words::{ON_MODELS as DATA, ON_PATHS as STORAGE};

const FIELD: [(&str, Operations); 4] = [
    ("create", Operations::CREATE),
    ("read", Operations::READ),
    ("update", Operations::UPDATE),
    ("delete", Operations::DELETE),
];
const FUNCTION: [(&str, Operations); 3] =
    [("query", Operations::GET), ("mutate", Operations::CREATE), ("listen", Operations::LISTEN)];

/// What a builder takes before the provider.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    Group,
    Groups,
    Field,
    Entity,
    Function,
}

pub(super) struct Builder {
    pub name: &'static str,
    pub takes: Takes,
    providers: &'static [&'static str],
    sites: &'static [Site],
    modifier: Option<&'static str>,
}

const EVERYWHERE: &[Site] = &[Site::Model, Site::Field, Site::Operation, Site::Storage, Site::Data];
const ALL_DATA: &[Site] = &[Site::Model, Site::Field, Site::Operation, Site::Data];
const RECORDS: &[Site] = &[Site::Model, Site::Field, Site::Data];
const TOKENS: &[&str] = &["userPools", "oidc"];

const fn builder(
    name: &'static str,
    takes: Takes,
    providers: &'static [&'static str],
    sites: &'static [Site],
    modifier: Option<&'static str>,
) -> Builder {
    Builder { name, takes, providers, sites, modifier }
}

const BUILDERS: [Builder; 12] = [
    builder("publicApiKey", Takes::Nothing, &[], ALL_DATA, None),
    builder("guest", Takes::Nothing, &[], EVERYWHERE, None),
    builder("authenticated", Takes::Nothing, &["userPools", "identityPool", "oidc"], EVERYWHERE, None),
    builder("group", Takes::Group, TOKENS, EVERYWHERE, Some("withClaimIn")),
    builder("groups", Takes::Groups, TOKENS, EVERYWHERE, Some("withClaimIn")),
    builder("owner", Takes::Nothing, TOKENS, RECORDS, Some("identityClaim")),
    builder("ownerDefinedIn", Takes::Field, TOKENS, RECORDS, Some("identityClaim")),
    builder("ownersDefinedIn", Takes::Field, TOKENS, RECORDS, Some("identityClaim")),
    builder("groupDefinedIn", Takes::Field, TOKENS, RECORDS, Some("withClaimIn")),
    builder("groupsDefinedIn", Takes::Field, TOKENS, RECORDS, Some("withClaimIn")),
    builder("custom", Takes::Nothing, &["function"], ALL_DATA, None),
    builder("entity", Takes::Entity, &[], &[Site::Storage], None),
];
const RESOURCE: Builder = builder("resource", Takes::Function, &[], &[Site::Storage, Site::Data, Site::Auth], None);

const MODIFIERS: [&str; 5] = ["to", "withClaimIn", "identityClaim", "and", "when"];
/// What people write for a deny, and mean.
const NEAR_DENY: [&str; 7] = ["forbid", "disallow", "reject", "refuse", "block", "prohibit", "except"];

/// The mode whose callers a who admits; none in storage, where only roles count, and for functions.
pub(super) fn mode_of(who: &Who) -> Option<Mode> {
    match who {
        Who::ApiKey => Some(Mode::ApiKey),
        Who::Guest => Some(Mode::IdentityPool),
        Who::Authenticated(mode) => Some(*mode),
        Who::Custom => Some(Mode::Lambda),
        Who::Groups { provider, .. } | Who::Owner { provider, .. } | Who::GroupsIn { provider, .. } => {
            Some(provider.mode())
        }
        Who::Entity | Who::Function(_) => None,
    }
}

/// One rule while it is read.
pub(super) struct Reading<'r> {
    pub site: Site,
    pub file: usize,
    pub rule: &'r ast::Rule,
    pub builder: &'static Builder,
    /// A deny.
    pub denies: bool,
    /// Inside `.and(…)`.
    pub inside: bool,
}

impl Checker<'_> {
    /// Reads a rule; nothing if it does not fit its place.
    pub(super) fn rule<'r>(&mut self, site: Site, file: usize, rule: &'r ast::Rule) -> Option<Ruled<'r>> {
        let denies = self.effect(file, rule)?;
        let builder = self.builder(site, file, &rule.who)?;
        let reading = Reading { site, file, rule, builder, denies, inside: false };
        let modifiers = self.modifiers(&reading);
        let who = self.who(&reading);
        let place = self.place(file, rule.span);
        match (builder.takes, site) {
            (Takes::Function, Site::Data | Site::Auth) => {
                let Some(Who::Function(function)) = who else { return None };
                self.function_effect(&reading)?;
                let words = self.function_words(&reading)?;
                modifiers?;
                Some(match site {
                    Site::Auth => Ruled::Auth(AuthFunction { function, actions: words, place }),
                    _ => {
                        let has = |word: &str| words.iter().any(|known| known == word);
                        let (query, mutate, listen) = (has("query"), has("mutate"), has("listen"));
                        Ruled::Data(DataFunction { function, query, mutate, listen, place })
                    }
                })
            }
            _ => {
                let and = self.and_whos(&reading, who.as_ref());
                let operations = self.operations(&reading);
                modifiers?;
                let rule = Rule { who: who?, and: and?, operations: operations?, condition: None, place };
                let when = reading.rule.conditions.first().map(|when| (file, when));
                Some(Ruled::Rule(Written { rule, denies, when }))
            }
        }
    }

    /// Whether a rule denies.
    fn effect(&mut self, file: usize, rule: &ast::Rule) -> Option<bool> {
        let effect = &rule.effect;
        let other = match effect.text.as_str() {
            "allow" => return Some(false),
            "deny" => return Some(true),
            other => other,
        };
        let error = Diagnostic::new(codes::EFFECT, file, effect.span, format!("unknown effect `{other}`"));
        let error = error.label("a rule begins with `allow` or `deny`");
        // A word for forbidding must not become a grant.
        let meant = if NEAR_DENY.contains(&other) { Some("deny") } else { nearest(other, ["allow", "deny"]) };
        self.say(match meant {
            Some(near) => error.help(format!("did you mean `{near}`?")).edit(effect.span, near),
            None => error.help("`allow` says what is allowed, and `deny` what is taken away again"),
        });
        None
    }

    /// Functions of `data` and `auth` are allowed what they are allowed, and nothing is taken away from them.
    fn function_effect(&mut self, reading: &Reading<'_>) -> Option<()> {
        if !reading.denies {
            return Some(());
        }
        let error = Diagnostic::new(codes::EFFECT, reading.file, reading.rule.effect.span, "a function is not denied");
        let error = error.label(format!("`deny.resource` has no place {}", reading.site.words()));
        self.say(error.help("say in `allow.resource(…).to([…])` what the function may do; it may do nothing else"));
        None
    }

    pub(super) fn builder(&mut self, site: Site, file: usize, who: &Call) -> Option<&'static Builder> {
        let (name, span) = (who.name.text.as_str(), who.name.span);
        let every = || BUILDERS.iter().chain([&RESOURCE]);
        let fitting = || every().filter(|builder| builder.sites.contains(&site)).map(|builder| builder.name);
        if let Some(builder) = every().find(|builder| builder.name == name) {
            if builder.sites.contains(&site) {
                return Some(builder);
            }
            let message = format!("`{name}` cannot stand {}", site.words());
            let error = Diagnostic::new(codes::BUILDER_PLACE, file, span, message).label("not here");
            self.say(error.help(match (name, site) {
                ("resource", _) => "functions get all data or none: write `allow.resource(…)` in `data { … }`".into(),
                (_, Site::Operation) => {
                    format!(
                        "an operation has no record whose fields could say that; allowed here: {}",
                        either(fitting())
                    )
                }
                _ => format!("allowed here: {}", either(fitting())),
            }));
            return None;
        }
        let error = Diagnostic::new(codes::UNKNOWN_BUILDER, file, span, format!("unknown builder `{name}`"));
        let error = error.label("no such builder");
        let meant = match name {
            "public" | "apiKey" => Some("publicApiKey"),
            "private" | "signedIn" | "user" | "users" => Some("authenticated"),
            "unauthenticated" | "anonymous" => Some("guest"),
            "function" => Some("resource"),
            _ => nearest(name, fitting()),
        };
        self.say(match meant.filter(|meant| fitting().any(|known| known == *meant)) {
            Some(near) => error.help(format!("did you mean `{near}`?")).edit(span, near),
            None => error.help(format!("allowed here: {}", either(fitting()))),
        });
        None
    }

    // ---- who

    pub(super) fn who(&mut self, reading: &Reading<'_>) -> Option<Who> {
        let Reading { builder, rule, .. } = *reading;
        let args = rule.who.args.as_deref().unwrap_or_default();
        let own = usize::from(builder.takes != Takes::Nothing);
        let parentheses = rule.who.args.is_some() || matches!(builder.name, "guest" | "authenticated");
        let most = own + usize::from(!reading.providers().is_empty());
        if !parentheses || args.len() < own || args.len() > most {
            self.wrong_arguments(reading, args.get(most).map(|value| value.span));
            return None;
        }
        let provider = self.provider(reading, args.get(own));
        match builder.name {
            "publicApiKey" => Some(Who::ApiKey),
            "guest" => Some(Who::Guest),
            "custom" => provider.map(|_| Who::Custom),
            "authenticated" if reading.site == Site::Storage => Some(Who::Authenticated(Mode::IdentityPool)),
            "authenticated" => Some(Who::Authenticated(match provider? {
                "identityPool" => Mode::IdentityPool,
                "oidc" => Mode::Oidc,
                _ => Mode::UserPool,
            })),
            "group" | "groups" => {
                let names = self.group_names(reading, &args[0]);
                let provider = token(provider?);
                let claim = self.claim(reading, provider)?;
                let names = names?;
                for word in &names {
                    self.group_known(word, provider, &claim);
                }
                // Collecting would keep the words' memory, half of it unused: a tenth of the whole policy.
                let mut texts = Vec::with_capacity(names.len());
                texts.extend(names.into_iter().map(|word| word.text));
                Some(Who::Groups { names: texts, provider, claim })
            }
            "entity" => self.entity(reading, &args[0]),
            "resource" => self.function(reading, &args[0]).map(Who::Function),
            "owner" => self.owner(reading, "owner".into(), provider),
            "ownerDefinedIn" | "ownersDefinedIn" => {
                let field = self.field_name(reading, &args[0])?;
                self.owner(reading, field, provider)
            }
            _ => {
                let field = self.field_name(reading, &args[0])?;
                let provider = token(provider?);
                let claim = self.claim(reading, provider)?;
                Some(Who::GroupsIn { field, list: builder.name == "groupsDefinedIn", provider, claim })
            }
        }
    }

    fn owner(&mut self, reading: &Reading<'_>, field: String, provider: Option<&'static str>) -> Option<Who> {
        let claim = match reading.modifier("identityClaim") {
            None => self.groups.identity_claim.clone(),
            Some(call) => match self.modifier_text(reading, call)?.as_str() {
                "" => {
                    let removed = self.with_its_dot(reading.file, call.span);
                    let meaning = "the identity claim of `auth`, `sub::username` by default";
                    self.empty_text(reading.file, call.span, meaning, Some(removed));
                    self.groups.identity_claim.clone()
                }
                text => self.identity_parts(reading.file, call.span, text),
            },
        };
        let list = reading.builder.name == "ownersDefinedIn";
        Some(Who::Owner { field, list, provider: token(provider?), claim })
    }

    /// The parts of `sub::username`.
    pub(super) fn identity_parts(&mut self, file: usize, span: Span, claim: &str) -> Vec<String> {
        let parts: Vec<String> = claim.split("::").map(str::to_owned).collect();
        if parts.iter().any(String::is_empty) || parts.len() > MAX_PARTS {
            let message = match parts.len() > MAX_PARTS {
                true => format!("an identity of {} claims; the limit is {MAX_PARTS}", parts.len()),
                false => format!("a claim without a name in `{claim}`"),
            };
            let error = Diagnostic::new(codes::ARGUMENTS, file, span, message);
            self.say(
                error
                    .label("not an identity")
                    .help("write one claim, or several between `::`, such as `\"sub::username\"`"),
            );
            return vec!["sub".into()];
        }
        parts
    }

    /// The claim that holds the caller's groups.
    fn claim(&mut self, reading: &Reading<'_>, provider: Provider) -> Option<String> {
        let default = match provider {
            Provider::UserPools => self.groups.group_claim.clone(),
            Provider::Oidc => "cognito:groups".into(),
        };
        let Some(call) = reading.modifier("withClaimIn") else { return Some(default) };
        match self.modifier_text(reading, call)? {
            text if text.is_empty() => {
                let removed = self.with_its_dot(reading.file, call.span);
                self.empty_text(reading.file, call.span, "the group claim", Some(removed));
                Some(default)
            }
            text => Some(text),
        }
    }

    fn empty_text(&mut self, file: usize, span: Span, meaning: &str, removed: Option<Span>) {
        let warning = Diagnostic::new(codes::EMPTY_TEXT, file, span, "an empty text stands for the default");
        let warning = warning.label(format!("means {meaning}")).help("leave it out, or say what you mean");
        self.say(match removed {
            Some(removed) => warning.edit(removed, ""),
            None => warning,
        });
    }

    fn provider(&mut self, reading: &Reading<'_>, value: Option<&Value>) -> Option<&'static str> {
        let known = reading.providers();
        let Some(value) = value else { return Some(known.first().copied().unwrap_or("userPools")) };
        let text = match &value.kind {
            ValueKind::Text(text) => text.as_str(),
            _ => "",
        };
        if let Some(provider) = known.iter().find(|provider| **provider == text) {
            return Some(provider);
        }
        let name = reading.builder.name;
        let message = match text {
            "" => "expected a provider".to_owned(),
            "userPools" | "oidc" | "identityPool" | "apiKey" | "function" => {
                format!("`{name}` does not take the provider `{text}`")
            }
            _ => format!("unknown provider `{text}`"),
        };
        let error = Diagnostic::new(codes::PROVIDER, reading.file, value.span, message);
        let error = error.label(format!("`{name}` takes {}", either(known.iter().copied())));
        let meant = match text {
            "userPool" | "cognito" => Some("userPools"),
            "iam" => Some("identityPool"),
            _ => nearest(text, known.iter().copied()),
        };
        self.say(match meant.filter(|meant| known.contains(meant)) {
            Some(near) => error.help(format!("did you mean `{near}`?")).edit(value.span, quote(near)),
            None => error.help(format!("write {}, or leave it out", either(known.iter().copied()))),
        });
        None
    }

    fn wrong_arguments(&mut self, reading: &Reading<'_>, extra: Option<Span>) {
        let (name, site) = (reading.builder.name, reading.site);
        let example = reading.example();
        let message = match (extra, site) {
            (Some(_), Site::Storage) if !reading.builder.providers.is_empty() => {
                format!("`{name}` takes no provider in storage")
            }
            (Some(_), _) => format!("too many arguments for `{name}`"),
            (None, _) if reading.rule.who.args.is_none() => format!("`{name}` needs parentheses"),
            (None, _) => format!("`{name}` needs an argument"),
        };
        let span = extra.unwrap_or(reading.rule.who.span);
        let error = Diagnostic::new(codes::ARGUMENTS, reading.file, span, message);
        let help = match (extra, site) {
            (Some(_), Site::Storage) => "leave it out".to_owned(),
            _ => format!("write it as in `{example}`"),
        };
        self.say(error.label(format!("expected something like `{example}`")).help(help));
    }

    /// The names in `group("X")` or `groups(["X", "Y"])`, each once.
    fn group_names(&mut self, reading: &Reading<'_>, value: &Value) -> Option<Vec<Word>> {
        let file = reading.file;
        let written = self.text(file, value.span);
        let what = if reading.builder.takes == Takes::Group { "one name" } else { "a list of names" };
        let message = format!("`{}` takes {what}", reading.builder.name);
        let error = Diagnostic::new(codes::ARGUMENTS, file, value.span, message);
        match (reading.builder.takes, &value.kind) {
            (Takes::Group, ValueKind::Text(name)) => {
                return Some(vec![Word { text: name.clone(), file, span: value.span }]);
            }
            (Takes::Group, ValueKind::List(_)) => {
                let span = reading.rule.who.name.span;
                self.say(error.label("a list").help("write `groups`, which takes a list").edit(span, "groups"));
                return None;
            }
            (_, ValueKind::Text(_)) => {
                let list = format!("[{written}]");
                self.say(error.label("not a list").help(format!("write `{list}`")).edit(value.span, list));
                return None;
            }
            (Takes::Groups, ValueKind::List(names)) if names.is_empty() => {
                let error = Diagnostic::new(codes::EMPTY_LIST, file, value.span, "a rule for no group");
                self.say(error.label("nobody is in this list").help("name a group, or remove the rule"));
                return None;
            }
            _ => (),
        }
        if reading.builder.takes == Takes::Group {
            self.say(error.label("expected a text").help("write a group's name in quotes, such as `\"EDITORS\"`"));
            return None;
        }
        let texts = self.texts(file, value, "a list of groups, such as `[\"EDITORS\"]`")?;
        let mut names: Vec<Word> = Vec::new();
        for word in texts {
            let Word { text: name, file, span } = &word;
            match names.iter().find(|known| known.text == *name).map(|first| (first.file, first.span)) {
                Some((of, first)) if reading.site == Site::Storage => {
                    let message = format!("two rules for group `{name}` on one path");
                    let error = Diagnostic::new(codes::WHO_TWICE, *file, *span, message);
                    self.say(error.label("again here").related(of, first, "the first is here").help("name it once"));
                }
                Some(_) => self.named_twice(*file, *span, name),
                None => names.push(word),
            }
        }
        (!names.is_empty()).then_some(names)
    }

    fn named_twice(&mut self, file: usize, span: Span, name: &str) {
        let warning = Diagnostic::new(codes::NAMED_TWICE, file, span, format!("`{name}` is named twice"));
        let removed = self.listed(file, span);
        self.say(warning.label("again here").help("once is enough").edit(removed, ""));
    }

    fn entity(&mut self, reading: &Reading<'_>, value: &Value) -> Option<Who> {
        if matches!(&value.kind, ValueKind::Text(text) if text == "identity") {
            return Some(Who::Entity);
        }
        let error = Diagnostic::new(codes::ENTITY_RULE, reading.file, value.span, "unknown entity");
        let error = error.label("the one entity is `\"identity\"`").help("write `\"identity\"`");
        self.say(error.edit(value.span, "\"identity\""));
        None
    }

    fn function(&mut self, reading: &Reading<'_>, value: &Value) -> Option<String> {
        let file = reading.file;
        let name = match &value.kind {
            ValueKind::Name(name) => name,
            ValueKind::Text(text) => {
                let error = Diagnostic::new(codes::ARGUMENTS, file, value.span, "a function is named without quotes");
                self.say(error.label("a text").help(format!("write `{text}`")).edit(value.span, text));
                return None;
            }
            _ => {
                let error = Diagnostic::new(codes::ARGUMENTS, file, value.span, "expected the name of a function");
                self.say(error.label("not a name").help("write `resource(NAME)`, and declare `function NAME`"));
                return None;
            }
        };
        self.known_function(file, value.span, name);
        Some(name.clone())
    }

    /// Reports a function that is not declared.
    pub(super) fn known_function(&mut self, file: usize, span: Span, name: &str) {
        if self.functions.contains_key(name) || self.is_broken {
            return;
        }
        let error = Diagnostic::new(codes::UNKNOWN_FUNCTION, file, span, format!("unknown function `{name}`"));
        let error = error.label("no such function");
        let mut known: Vec<&str> = self.functions.keys().copied().collect();
        known.sort_unstable();
        self.say(match nearest(name, known) {
            Some(near) => error.help(format!("did you mean `{near}`?")).edit(span, near),
            None => error.help(format!("declare it: `function {name}`")),
        });
    }

    /// The field in `ownerDefinedIn("author")`. An empty text is `owner`, as in Amplify.
    fn field_name(&mut self, reading: &Reading<'_>, value: &Value) -> Option<String> {
        match &value.kind {
            ValueKind::Text(text) if text.is_empty() && reading.builder.name == "ownerDefinedIn" => {
                self.empty_text(reading.file, value.span, "the field `owner`", None);
                Some("owner".into())
            }
            ValueKind::Text(text) if !text.is_empty() => Some(text.clone()),
            _ => {
                let message = format!("`{}` needs the name of a field", reading.builder.name);
                let error = Diagnostic::new(codes::ARGUMENTS, reading.file, value.span, message);
                let error = error.label("not the name of a field");
                self.say(match &value.kind {
                    ValueKind::Name(name) => {
                        error.help(format!("write `{}`", quote(name))).edit(value.span, quote(name))
                    }
                    _ => error.help(format!("write `{}`", reading.example())),
                });
                None
            }
        }
    }

    // ---- modifiers

    pub(super) fn modifiers(&mut self, reading: &Reading<'_>) -> Option<()> {
        let mut fine = Some(());
        if let [first, rest @ ..] = reading.rule.conditions.as_slice() {
            fine = self.when_fits(reading, first);
            for again in rest {
                let error = Diagnostic::new(codes::MODIFIER_TWICE, reading.file, again.span, "`.when` stands twice");
                let error = error.label("again here").related(reading.file, first.span, "the first is here");
                self.say(error.help("put both into one, with `&&` between them"));
                fine = None;
            }
        }
        for (number, call) in reading.rule.modifiers.iter().enumerate() {
            let before = reading.rule.modifiers[..number].iter().find(|before| before.name.text == call.name.text);
            if self.modifier(reading, call, before).is_none() {
                fine = None;
            }
        }
        fine
    }

    fn modifier(&mut self, reading: &Reading<'_>, call: &Call, before: Option<&Call>) -> Option<()> {
        let (file, site) = (reading.file, reading.site);
        let (name, span) = (call.name.text.as_str(), call.name.span);
        if name == "when" {
            let error = Diagnostic::new(codes::ARGUMENTS, file, call.span, "`.when` takes one condition");
            self.say(error.label("expected a condition").help("write it as in `.when(record.state == \"draft\")`"));
            return None;
        }
        if !MODIFIERS.contains(&name) {
            let error = Diagnostic::new(codes::UNKNOWN_MODIFIER, file, span, format!("unknown modifier `.{name}`"));
            let error = error.label("no such modifier");
            self.say(match nearest(name, MODIFIERS) {
                Some(near) => error.help(format!("did you mean `.{near}`?")).edit(span, near),
                None => error.help("the modifiers are `.to`, `.when`, `.and`, `.withClaimIn` and `.identityClaim`"),
            });
            return None;
        }
        let removed = self.with_its_dot(file, call.span);
        if let Some(before) = before.filter(|_| name != "and") {
            let error = Diagnostic::new(codes::MODIFIER_TWICE, file, span, format!("`.{name}` stands twice"));
            let error = error.label("again here").related(file, before.name.span, "the first is here");
            self.say(error.help("put both into one"));
            return None;
        }
        let fits = match name {
            "to" => site != Site::Operation && !reading.inside,
            "and" => reading.builder.takes != Takes::Function && !reading.inside,
            _ => reading.builder.modifier == Some(name) && site != Site::Storage,
        };
        if !fits {
            let who = reading.builder.name;
            let (message, help) = match (name, site) {
                ("and", _) if reading.inside => (
                    "`.and` cannot stand in `.and`".to_owned(),
                    "write one after the other: `.and(…).and(…)`".to_owned(),
                ),
                ("and", _) => (
                    format!("`.and` does not go with `{who}`"),
                    "a function is nothing else besides: leave `.and` out".to_owned(),
                ),
                ("to", _) if reading.inside => (
                    "`.to` cannot stand in `.and`".to_owned(),
                    "the operations are those of the whole rule: write `.to` behind `.and(…)`".to_owned(),
                ),
                ("to", _) => (
                    "`.to` cannot stand on a custom operation".to_owned(),
                    "an operation is called or it is not: leave `.to` out".to_owned(),
                ),
                (_, Site::Storage) => (
                    format!("`.{name}` cannot stand on a storage path"),
                    "in storage AWS knows roles, not claims: leave it out".to_owned(),
                ),
                _ => {
                    let fitting = BUILDERS.iter().filter(|one| one.modifier == Some(name)).map(|one| one.name);
                    (format!("`.{name}` does not go with `{who}`"), format!("it goes with {}", either(fitting)))
                }
            };
            let error = Diagnostic::new(codes::MODIFIER_PLACE, file, span, message);
            self.say(error.label("not here").help(help).edit(removed, ""));
            return None;
        }
        Some(())
    }

    /// A call's bytes with the dot before it.
    pub(super) fn with_its_dot(&self, file: usize, span: Span) -> Span {
        let before = &self.parsed[file].tree().text()[..span.start as usize];
        Span { start: before.rfind('.').unwrap_or(span.start as usize) as u32, end: span.end }
    }

    /// The one text that a modifier takes.
    fn modifier_text(&mut self, reading: &Reading<'_>, call: &Call) -> Option<String> {
        match call.args.as_deref() {
            Some([Value { kind: ValueKind::Text(text), .. }]) => Some(text.clone()),
            _ => {
                let name = &call.name.text;
                let example = if name == "withClaimIn" { "user_groups" } else { "sub" };
                let error =
                    Diagnostic::new(codes::ARGUMENTS, reading.file, call.span, format!("`.{name}` takes one text"));
                let help = format!("write `.{name}(\"{example}\")`");
                self.say(error.label("expected the name of a claim").help(help));
                None
            }
        }
    }

    // ---- operations

    fn operations(&mut self, reading: &Reading<'_>) -> Option<Operations> {
        if reading.site == Site::Operation {
            return Some(Operations::CALL);
        }
        let known = reading.site.operations();
        let Some(words) = self.operation_words(reading)? else { return Some(Operations::ALL) };
        let mut all = Operations::NONE;
        let mut fine = true;
        for word in &words {
            match known.iter().find(|(name, _)| *name == word.text) {
                Some((_, operations)) => all = all.with(*operations),
                None => {
                    self.no_operation(reading, word);
                    fine = false;
                }
            }
        }
        self.read_and_parts(reading, &words);
        (fine && !all.is_empty()).then_some(all)
    }

    /// The words of `.to([…])`; `Some(None)` where it is left out and may be.
    fn operation_words(&mut self, reading: &Reading<'_>) -> Option<Option<Vec<Word>>> {
        let file = reading.file;
        let Some(to) = reading.modifier("to") else {
            // A deny without it takes everything away, which is never more than is meant.
            let optional = reading.denies || matches!(reading.site, Site::Model | Site::Field | Site::Data);
            if !optional {
                let message = format!("a rule {} must say what it allows", reading.site.words());
                let example = if reading.site == Site::Storage { ".to([\"read\"])" } else { ".to([\"listUsers\"])" };
                let error = Diagnostic::new(codes::NO_OPERATIONS, file, reading.rule.span, message);
                self.say(error.label("no `.to`").help(format!("add `{example}`")));
            }
            return optional.then_some(None);
        };
        let value = match to.args.as_deref() {
            Some([value]) => value,
            _ => {
                let error = Diagnostic::new(codes::ARGUMENTS, file, to.span, "`.to` takes one list of operations");
                self.say(error.label("expected a list").help("write `.to([\"read\"])`"));
                return None;
            }
        };
        let words = self.texts(file, value, "a list of operations, such as `[\"read\"]`")?;
        if words.iter().all(|word| word.text.is_empty()) {
            let message = if reading.denies { "a rule that denies nothing" } else { "a rule that allows nothing" };
            let error = Diagnostic::new(codes::EMPTY_LIST, file, value.span, message);
            self.say(error.label("no operation in it").help("name an operation, or remove the rule"));
            return None;
        }
        Some(Some(words))
    }

    fn no_operation(&mut self, reading: &Reading<'_>, word: &Word) {
        let site = reading.site;
        let (word, file, span) = (word.text.as_str(), word.file, word.span);
        if word.is_empty() {
            let error = Diagnostic::new(codes::EMPTY_LIST, file, span, "an operation without a name");
            return self.say(error.label("allows nothing").help("remove it, or name an operation"));
        }
        let known = || site.operations().iter().map(|(name, _)| *name);
        let elsewhere = DATA.iter().chain(&STORAGE).chain(&FUNCTION).any(|(name, _)| *name == word);
        let (code, message) = match elsewhere {
            true => (codes::OPERATION_PLACE, format!("the operation `{word}` has no place {}", site.words())),
            false => (codes::UNKNOWN_OPERATION, format!("unknown operation `{word}`")),
        };
        let error = Diagnostic::new(code, file, span, message);
        let error = error.label(if elsewhere { "not here" } else { "no such operation" });
        let error = match file == reading.file {
            true => error,
            false => error.related(reading.file, reading.rule.span, "used by this rule"),
        };
        let read = || error.clone().edit(span, "\"read\"");
        self.say(match (site, word) {
            (Site::Field, "get" | "list" | "listen" | "sync" | "search") => {
                read().help("a field is read in every way or in none: write `read`")
            }
            (Site::Model | Site::Data, "write") => error.help("write `create`, `update` or both"),
            (Site::Storage, "create" | "update") => error.help("write `write`").edit(span, "\"write\""),
            _ => match nearest(word, known()) {
                Some(near) => error.help(format!("did you mean `{near}`?")).edit(span, quote(near)),
                None => error.help(format!("allowed here: {}", either(known()))),
            },
        });
    }

    /// `read` beside one of its parts, and words that stand twice.
    fn read_and_parts(&mut self, reading: &Reading<'_>, words: &[Word]) {
        let known = reading.site.operations();
        let parts = known.iter().find(|(name, _)| *name == "read").map_or(Operations::NONE, |(_, parts)| *parts);
        let reads = words.iter().any(|word| word.text == "read");
        for (number, Word { text: word, file, span }) in words.iter().enumerate() {
            let twice = words[..number].iter().any(|before| before.text == *word);
            let of = known.iter().find(|(name, _)| name == word).map(|(_, operations)| *operations);
            let is_part = word != "read" && of.is_some_and(|of| parts.contains(of));
            if reads && is_part {
                let error =
                    Diagnostic::new(codes::READ_AND_PART, *file, *span, format!("`{word}` stands beside `read`"));
                let error = error.label("a part of `read`");
                self.say(error.help(format!("leave `{word}` out for all reads, or `read` for this one alone")));
            } else if twice && word == "read" && reading.site != Site::Storage {
                let error = Diagnostic::new(codes::READ_AND_PART, *file, *span, "`read` stands twice");
                self.say(error.label("again here").help("once is enough"));
            } else if twice && of.is_some() {
                self.named_twice(*file, *span, word);
            }
        }
    }

    /// The words of a function's rule in `data` or `auth`.
    fn function_words(&mut self, reading: &Reading<'_>) -> Option<Vec<String>> {
        let known: Vec<&str> = match reading.site {
            Site::Auth => ACTIONS.iter().map(|(word, _)| *word).collect(),
            _ => FUNCTION.iter().map(|(word, _)| *word).collect(),
        };
        let Some(words) = self.operation_words(reading)? else {
            return Some(known.into_iter().map(str::to_owned).collect());
        };
        let mut fine = true;
        for (number, Word { text: word, file, span }) in words.iter().enumerate() {
            if words[..number].iter().any(|before| before.text == *word) {
                self.named_twice(*file, *span, word);
            }
            if known.contains(&word.as_str()) {
                continue;
            }
            fine = false;
            let place = DATA.iter().any(|(name, _)| name == word) && reading.site == Site::Data;
            let (code, message) = match place {
                true => (codes::OPERATION_PLACE, format!("`{word}` is an operation of models, not of functions")),
                false => (codes::UNKNOWN_OPERATION, format!("unknown action `{word}`")),
            };
            let label = if place { "not here" } else { "no such action" };
            let error = Diagnostic::new(code, *file, *span, message).label(label);
            let example = || either(known.iter().copied().take(6));
            self.say(match nearest(word, known.iter().copied()) {
                Some(near) if !place => error.help(format!("did you mean `{near}`?")).edit(*span, quote(near)),
                _ if known.len() > 6 => error.help(format!("an action is one of Amplify's, such as {}", example())),
                _ => error.help(format!("allowed here: {}", example())),
            });
        }
        fine.then(|| words.into_iter().map(|word| word.text).collect())
    }
}

impl Reading<'_> {
    /// The providers that may be named here.
    fn providers(&self) -> &'static [&'static str] {
        if self.site == Site::Storage { &[] } else { self.builder.providers }
    }

    fn modifier(&self, name: &str) -> Option<&Call> {
        self.rule.modifiers.iter().find(|call| call.name.text == name)
    }

    fn example(&self) -> String {
        let argument = match self.builder.takes {
            Takes::Nothing => "",
            Takes::Group => "\"EDITORS\"",
            Takes::Groups => "[\"EDITORS\"]",
            Takes::Field if self.builder.name.starts_with("group") => "\"team\"",
            Takes::Field => "\"author\"",
            Takes::Entity => "\"identity\"",
            Takes::Function => "resizer",
        };
        format!("{}({argument})", self.builder.name)
    }
}

fn token(provider: &str) -> Provider {
    if provider == "oidc" { Provider::Oidc } else { Provider::UserPools }
}
