//! The `data` block: modes, the schema-wide rules, and what functions may do with the data.
//! Always: after this, every rule's mode is either configured or reported.

use super::Checker;
use super::conditions::Ground;
use super::lists::Word;
use super::rules::{Ruled, Site, Written, mode_of};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::policy::{CustomOperation, DataFunction, Model, Rule, Who};
use admit_runtime::Mode;
use admit_syntax::ast::{Setting, Span, ValueKind};
use admit_syntax::nearest;

/// What the `data` block says.
pub(super) struct Schema<'r> {
    /// The modes that are configured; none if the block does not say.
    pub modes: Option<Vec<Mode>>,
    pub default_mode: Mode,
    /// The allows, for whatever has none of its own.
    pub rules: Vec<Written<'r>>,
    /// The denies, for everything.
    pub denies: Vec<Written<'r>>,
    /// Whether some rule is meant to allow something, read or not.
    pub allows_somebody: bool,
    pub functions: Vec<DataFunction>,
}

/// The modes that an API can be configured with, in Amplify's words.
const MODES: [(&str, Mode); 5] = [
    ("userPool", Mode::UserPool),
    ("oidc", Mode::Oidc),
    ("apiKey", Mode::ApiKey),
    ("identityPool", Mode::IdentityPool),
    ("lambda", Mode::Lambda),
];

/// What people write for a mode, and mean.
const NEAR_MODES: [(&str, &str); 6] = [
    ("userPools", "userPool"),
    ("iam", "identityPool"),
    ("AMAZON_COGNITO_USER_POOLS", "userPool"),
    ("API_KEY", "apiKey"),
    ("OPENID_CONNECT", "oidc"),
    ("function", "lambda"),
];

impl<'a> Checker<'a> {
    pub(super) fn read_data(&mut self) -> Schema<'a> {
        let mut schema = Schema {
            modes: None,
            default_mode: Mode::ApiKey,
            rules: Vec::new(),
            denies: Vec::new(),
            allows_somebody: false,
            functions: Vec::new(),
        };
        let mut default = None;
        for (file, data) in self.declared.data.clone() {
            self.settings_once(file, &data.settings);
            for setting in &data.settings {
                match setting.key.text.as_str() {
                    "authorizationModes" => schema.modes = self.read_modes(file, setting),
                    "defaultAuthorizationMode" => default = self.read_default(file, setting),
                    _ => {
                        self.unknown_setting(file, setting, "data", &["authorizationModes", "defaultAuthorizationMode"])
                    }
                }
            }
            for (file, rule) in self.written(file, &data.rules) {
                let read = self.rule(Site::Data, file, rule);
                if let Some(Ruled::Rule(written)) = &read {
                    // What needs no record is said here once; the rest, of each model.
                    let before = self.typed.len();
                    self.with_condition(&Ground::without_record(Site::Data), written.clone());
                    self.typed.truncate(before);
                }
                match read {
                    Some(Ruled::Rule(written)) if written.denies => schema.denies.push(written),
                    Some(Ruled::Rule(written)) => schema.rules.push(written),
                    Some(Ruled::Data(function)) => schema.functions.push(function),
                    _ => (),
                }
            }
        }
        schema.allows_somebody = !schema.rules.is_empty();
        self.check_default(&schema, default);
        schema.default_mode = match (default, &schema.modes) {
            (Some((mode, ..)), _) => mode,
            (None, Some(modes)) if modes.len() == 1 => modes[0],
            _ if self.groups.has_auth => Mode::UserPool,
            _ => Mode::ApiKey,
        };
        // A default of an API key, or one where nothing lists the modes, configures itself.
        let configures = |mode: &Mode| matches!(mode, Mode::ApiKey | Mode::IdentityPool);
        if let (Some((mode, ..)), Some(modes)) = (default, &mut schema.modes)
            && configures(&mode)
            && !modes.contains(&mode)
        {
            modes.push(mode);
        }
        schema
    }

    fn read_modes(&mut self, file: usize, setting: &Setting) -> Option<Vec<Mode>> {
        let texts = self.texts(file, &setting.value, "a list of modes, such as `[\"userPool\", \"apiKey\"]`")?;
        let mut modes = Vec::new();
        for Word { text, file, span } in texts {
            let Some(mode) = self.mode(file, span, &text) else { continue };
            if modes.contains(&mode) {
                let message = format!("the mode `{text}` is listed twice");
                let warning = Diagnostic::new(codes::NAMED_TWICE, file, span, message);
                let removed = self.listed(file, span);
                self.say(warning.label("again here").help("once is enough").edit(removed, ""));
            } else {
                modes.push(mode);
            }
            if mode == Mode::UserPool && !self.groups.has_auth && !self.is_broken {
                let message = "the mode `userPool` needs an `auth`";
                let error = Diagnostic::new(codes::DEFAULT_MODE, file, span, message);
                self.say(error.label("there is no user pool").help("add `auth { loginWith: { email: true } }`"));
            }
        }
        Some(modes)
    }

    fn mode(&mut self, file: usize, span: Span, text: &str) -> Option<Mode> {
        let known = MODES.iter().find(|(name, _)| *name == text).map(|(_, mode)| *mode);
        if known.is_none() {
            let error = Diagnostic::new(codes::UNKNOWN_MODE, file, span, format!("unknown mode `{text}`"));
            let error = error.label("no such mode");
            let meant = NEAR_MODES.iter().find(|(name, _)| *name == text).map(|(_, mode)| *mode);
            let meant = meant.or_else(|| nearest(text, MODES.map(|(name, _)| name)));
            self.say(match meant {
                Some(near) => error.help(format!("did you mean `{near}`?")).edit(span, format!("\"{near}\"")),
                None => error.help("the modes are `userPool`, `oidc`, `apiKey`, `identityPool` and `lambda`"),
            });
            // Read as what is meant: what follows from the word is no second cause.
            return MODES.iter().find(|(name, _)| Some(*name) == meant).map(|(_, mode)| *mode);
        }
        known
    }

    fn read_default(&mut self, file: usize, setting: &Setting) -> Option<(Mode, usize, Span)> {
        let span = setting.value.span;
        match &setting.value.kind {
            // Amplify's own word for callers with IAM credentials, of the identity pool or not.
            ValueKind::Text(text) if text == "iam" => Some((Mode::Iam, file, span)),
            ValueKind::Text(text) => self.mode(file, span, text).map(|mode| (mode, file, span)),
            _ => {
                self.wrong_value(file, &setting.value, "a mode, such as `\"userPool\"`");
                None
            }
        }
    }

    fn check_default(&mut self, schema: &Schema<'_>, default: Option<(Mode, usize, Span)>) {
        if self.is_broken {
            return;
        }
        let setting = self.declared.data.iter().find_map(|(file, data)| {
            data.settings.iter().find(|one| one.key.text == "authorizationModes").map(|one| (*file, one.key.span))
        });
        match (default, &schema.modes) {
            (None, Some(modes)) if modes.len() > 1 => {
                let Some((file, span)) = setting else { return };
                self.say(
                    Diagnostic::new(
                        codes::NO_DEFAULT_MODE,
                        file,
                        span,
                        "several modes and no `defaultAuthorizationMode`",
                    )
                    .label("which one is the default?")
                    .help(format!("add `defaultAuthorizationMode: \"{}\"`", modes[0].name())),
                );
            }
            (Some((mode @ (Mode::UserPool | Mode::Oidc | Mode::Lambda), file, span)), modes) => {
                let listed = modes.as_ref().is_none_or(|modes| modes.contains(&mode));
                let pool = mode != Mode::UserPool || self.groups.has_auth;
                if !listed || !pool {
                    let message = format!("the default mode `{}` is not configured", mode.name());
                    let help = match pool {
                        true => format!("add `\"{}\"` to `authorizationModes`", mode.name()),
                        false => "add `auth { loginWith: { email: true } }`".into(),
                    };
                    let error = Diagnostic::new(codes::DEFAULT_MODE, file, span, message);
                    let label = if pool { "not among the modes" } else { "there is no user pool" };
                    self.say(error.label(label).help(help));
                }
            }
            _ => (),
        }
    }

    /// The modes that requests may arrive in, after reporting the rules of others.
    pub(super) fn modes(
        &mut self,
        configured: Option<Vec<Mode>>,
        models: &[Model],
        operations: &[CustomOperation],
    ) -> Vec<Mode> {
        let fields = models.iter().flat_map(|model| &model.fields).flat_map(|field| &field.rules);
        let rules = models.iter().flat_map(|model| &model.rules).chain(fields);
        let rules: Vec<&Rule> = rules.chain(operations.iter().flat_map(|operation| &operation.rules)).collect();
        let mut modes = match &configured {
            Some(modes) => modes.clone(),
            None if self.groups.has_auth => vec![Mode::UserPool, Mode::IdentityPool],
            None => vec![Mode::ApiKey],
        };
        let denies =
            models.iter().flat_map(|model| model.denies.iter().chain(model.fields.iter().flat_map(|f| &f.denies)));
        let denies: Vec<&Rule> = denies.chain(operations.iter().flat_map(|operation| &operation.denies)).collect();
        // A deny opens no mode that would be closed without it.
        for deny in denies.into_iter().filter(|_| configured.is_some()) {
            if let Some(mode) = mode_of(&deny.who).filter(|mode| !modes.contains(mode)) {
                self.mode_missing(deny, mode);
            }
        }
        for rule in rules {
            let Some(mode) = mode_of(&rule.who) else { continue };
            if modes.contains(&mode) {
                continue;
            }
            let needs_auth = mode == Mode::UserPool && !self.groups.has_auth;
            match configured.is_some() || needs_auth {
                true => self.mode_missing(rule, mode),
                false => modes.push(mode),
            }
        }
        modes
    }

    fn mode_missing(&mut self, rule: &Rule, mode: Mode) {
        if self.is_broken {
            return;
        }
        let (file, span) = (rule.place.file as usize, rule.place.span);
        let name = mode.name();
        let pool = mode == Mode::UserPool || mode == Mode::IdentityPool;
        let code = if mode == Mode::IdentityPool { codes::NO_POOL } else { codes::MODE };
        let message = match mode {
            Mode::IdentityPool => "the identity pool is not configured".to_owned(),
            _ => format!("the mode `{name}` is not configured"),
        };
        let error = Diagnostic::new(code, file, span, message);
        let who = match &rule.who {
            Who::Guest => "guests arrive in this mode".into(),
            _ => format!("this rule is for callers of mode `{name}`"),
        };
        let help = match pool && !self.groups.has_auth {
            true => "add `auth { loginWith: { email: true } }`, where users sign in".into(),
            false => format!("add `\"{name}\"` to `authorizationModes` in `data`, or remove the rule"),
        };
        self.say(error.label(who).help(help));
    }
}
