//! The `auth` block: the groups, the claims that hold them, and functions that manage users.
//! Always: after this, [`Groups`] says of every group name whether a rule may use it.

use super::lists::Word;
use super::rules::{Ruled, Site};
use super::{Checker, MAX_GROUPS, either, names};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::policy::{AuthFunction, Group, Roles};
use admit_runtime::Provider;
use admit_syntax::ast::{Setting, Span, Value, ValueKind};
use admit_syntax::nearest;
use std::collections::{HashMap, HashSet};

/// What the `auth` block says.
pub(super) struct Groups {
    /// Whether there is a user pool.
    pub has_auth: bool,
    pub declared: Vec<Group>,
    pub known: HashSet<String>,
    /// Those that a misspelt name seems to mean.
    pub meant: HashSet<String>,
    /// Those that the rules of models name, with an error or without.
    pub named: HashSet<String>,
    /// By claim, the groups that may arrive in it.
    claims: HashMap<String, HashSet<String>>,
    pub group_claim: String,
    pub identity_claim: Vec<String>,
    pub roles: Roles,
    /// Groups that nobody may hold together.
    pub exclusive: Vec<Vec<String>>,
}

impl Default for Groups {
    fn default() -> Groups {
        Groups {
            has_auth: false,
            declared: Vec::new(),
            known: HashSet::new(),
            meant: HashSet::new(),
            named: HashSet::new(),
            claims: HashMap::new(),
            group_claim: "cognito:groups".into(),
            identity_claim: vec!["sub".into(), "username".into()],
            roles: Roles::Union,
            exclusive: Vec::new(),
        }
    }
}

const SETTINGS: [&str; 9] = [
    "loginWith",
    "groups",
    "groupClaim",
    "identityClaim",
    "claims",
    "readOnlyClaims",
    "claimGroups",
    "roles",
    "exclusive",
];
const LOGIN: [&str; 3] = ["email", "phone", "externalProviders"];
const RESERVED: [&str; 2] = ["authenticatedUserIamRole", "unauthenticatedUserIamRole"];

impl Groups {
    /// Whether a rule may name this group: one of the user pool, or one that the rule's claim is said to hold.
    fn has(&self, provider: Provider, claim: &str, name: &str) -> bool {
        let pool = provider == Provider::UserPools && claim == self.group_claim;
        let listed = self.claims.get(claim).is_some_and(|names| names.contains(name));
        self.known.contains(name) || (!pool && listed)
    }
}

impl Checker<'_> {
    pub(super) fn read_auth(&mut self) {
        for (file, auth) in self.declared.auth.clone() {
            self.settings_once(file, &auth.settings);
            for setting in &auth.settings {
                self.auth_setting(file, setting);
            }
            let names_claims = |key: &str| matches!(key, "claimGroups" | "claims" | "readOnlyClaims");
            let makes_pool = |setting: &Setting| !names_claims(&setting.key.text);
            let only_claims = auth.rules.is_empty() && !auth.settings.is_empty();
            self.groups.has_auth |= !only_claims || auth.settings.iter().any(makes_pool);
        }
    }

    /// The rules of the block, which name functions only.
    pub(super) fn read_auth_rules(&mut self) -> Vec<AuthFunction> {
        let mut functions = Vec::new();
        for (file, auth) in self.declared.auth.clone() {
            for (file, rule) in self.written(file, &auth.rules) {
                if let Some(Ruled::Auth(function)) = self.rule(Site::Auth, file, rule) {
                    functions.push(function);
                }
            }
        }
        functions
    }

    fn auth_setting(&mut self, file: usize, setting: &Setting) {
        let value = &setting.value;
        match setting.key.text.as_str() {
            "loginWith" => self.login_with(file, value),
            "groups" => self.groups(file, value),
            "groupClaim" => {
                if let Some(claim) = self.setting_text(file, value, "the name of a claim, such as `\"cognito:groups\"`")
                {
                    self.groups.group_claim = claim;
                }
            }
            "identityClaim" => {
                if let Some(claim) = self.setting_text(file, value, "the name of a claim, such as `\"sub::username\"`")
                {
                    self.groups.identity_claim = self.identity_parts(file, value.span, &claim);
                }
            }
            "claimGroups" => self.claim_groups(file, value),
            "roles" => match &value.kind {
                ValueKind::Text(text) if text == "preferred" => self.groups.roles = Roles::Preferred,
                ValueKind::Text(text) if text == "union" => self.groups.roles = Roles::Union,
                _ => self.wrong_value(file, value, "`\"preferred\"` or `\"union\"`"),
            },
            "claims" => self.read_claims(file, value),
            "readOnlyClaims" => self.read_only_claims(file, value),
            // Read when every group is known: see `read_acting`.
            "exclusive" => (),
            _ => self.unknown_setting(file, setting, "auth", &SETTINGS),
        }
    }

    fn login_with(&mut self, file: usize, value: &Value) {
        let ValueKind::Object(ways) = &value.kind else {
            return self.wrong_value(file, value, "how users sign in, such as `{ email: true }`");
        };
        self.settings_once(file, ways);
        for way in ways {
            if !LOGIN.contains(&way.key.text.as_str()) {
                self.unknown_setting(file, way, "loginWith", &LOGIN);
            } else if !matches!(way.value.kind, ValueKind::Bool(_) | ValueKind::Object(_)) {
                self.wrong_value(file, &way.value, "`true`, `false` or `{ … }`");
            }
        }
    }

    fn groups(&mut self, file: usize, value: &Value) {
        let Some(texts) = self.texts(file, value, "a list of groups, such as `[\"ADMINS\", \"EDITORS\"]`") else {
            return;
        };
        let mut first: HashMap<String, (usize, Span)> = HashMap::new();
        for (number, Word { text: name, file, span }) in texts.into_iter().enumerate() {
            if number == MAX_GROUPS {
                let message = "more than 10,000 groups";
                self.say(
                    Diagnostic::new(codes::TOO_MANY_GROUPS, file, span, message)
                        .label("this one is number 10,001")
                        .help("a Cognito user pool has at most 10,000 groups"),
                );
            }
            self.group_name(file, span, &name);
            if let Some((of, before)) = first.insert(name.clone(), (file, span)) {
                let message = format!("the group `{name}` is listed twice");
                self.say(
                    Diagnostic::new(codes::DECLARED_TWICE, file, span, message)
                        .label("again here")
                        .related(of, before, "listed here")
                        .help("the first place is its precedence; remove the other"),
                );
                continue;
            }
            self.groups.known.insert(name.clone());
            let place = self.place(file, span);
            let (acts_as, grants) = (Vec::new(), Vec::new());
            self.groups.declared.push(Group { name, acts_as, precedence: 0, role: None, grants, place });
        }
    }

    fn group_name(&mut self, file: usize, span: Span, name: &str) {
        if RESERVED.contains(&name) {
            let message = format!("the group name `{name}` is reserved");
            self.say(
                Diagnostic::new(codes::RESERVED_GROUP, file, span, message)
                    .label("the name of a built-in role")
                    .help("on AWS, storage rules for this group would go to every user; choose another name"),
            );
        }
        match names::group_name_fault(name) {
            Some(why) => {
                let message = match name {
                    "" => "a group needs a name".to_owned(),
                    _ => format!("`{name}` cannot be a group's name: {why}"),
                };
                let help = "1 to 128 letters, marks, symbols, numbers or punctuation, without blanks, `\"` and `\\`";
                self.say(
                    Diagnostic::new(codes::GROUP_NAME, file, span, message).label("Cognito refuses it").help(help),
                );
            }
            None => self.look_at(file, span, name),
        }
    }

    fn claim_groups(&mut self, file: usize, value: &Value) {
        let ValueKind::Object(claims) = &value.kind else {
            return self.wrong_value(file, value, "groups by claim, such as `{ \"user_groups\": [\"Moderator\"] }`");
        };
        self.settings_once(file, claims);
        for claim in claims {
            let Some(texts) = self.texts(file, &claim.value, "a list of groups, such as `[\"Moderator\"]`") else {
                continue;
            };
            for Word { text: name, file, span } in texts {
                self.group_name(file, span, &name);
                self.groups.claims.entry(claim.key.text.clone()).or_default().insert(name);
            }
        }
    }

    /// Reports a group that a rule names and nothing declares.
    pub(super) fn group_known(&mut self, word: &Word, provider: Provider, claim: &str) {
        let Word { text: name, file, span } = word;
        let (file, span) = (*file, *span);
        if self.is_broken || self.groups.has(provider, claim, name) {
            return;
        }
        let pool = provider == Provider::UserPools && claim == self.groups.group_claim;
        let mut known: Vec<&str> = self.groups.declared.iter().map(|group| group.name.as_str()).collect();
        if let (false, Some(names)) = (pool, self.groups.claims.get(claim)) {
            let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
            names.sort_unstable();
            known.extend(names);
        }
        let near = if self.diagnostics.len() < 100 { nearest(name, known).map(str::to_owned) } else { None };
        self.groups.meant.extend(near.clone());
        let error = Diagnostic::new(codes::UNKNOWN_GROUP, file, span, format!("unknown group `{name}`"));
        let error = error.label("no such group");
        let mut others: Vec<&String> =
            self.groups.claims.iter().filter(|(_, names)| names.contains(name)).map(|(claim, _)| claim).collect();
        others.sort();
        if let Some(other) = others.first().filter(|_| near.is_none()) {
            let help = format!("it arrives in the claim `{other}`: write `.withClaimIn({})`", quote(other));
            self.say(error.help(help));
            return;
        }
        self.say(match (near, pool) {
            (Some(near), _) => error.help(format!("did you mean `{near}`?")).edit(span, quote(&near)),
            (None, true) => error.help(format!("declare it: `auth {{ groups: [{}] }}`", quote(name))),
            (None, false) => {
                error.help(format!("declare it: `auth {{ claimGroups: {{ {}: [{}] }} }}`", quote(claim), quote(name)))
            }
        });
    }

    // ---- settings, of any block

    pub(super) fn settings_once(&mut self, file: usize, settings: &[Setting]) {
        self.once("setting", settings.iter().map(|setting| (file, &setting.key)).collect());
    }

    pub(super) fn unknown_setting(&mut self, file: usize, setting: &Setting, block: &str, known: &[&str]) {
        let key = &setting.key;
        let error = Diagnostic::new(codes::UNKNOWN_SETTING, file, key.span, format!("unknown setting `{}`", key.text));
        let error = error.label(format!("`{block}` has no such setting"));
        self.say(match nearest(&key.text, known.iter().copied()) {
            Some(near) => error.help(format!("did you mean `{near}`?")).edit(key.span, near),
            None => error.help(format!("the settings are {}", either(known.iter().copied()).replace(" or ", " and "))),
        });
    }

    pub(super) fn wrong_value(&mut self, file: usize, value: &Value, expected: &str) {
        let error = Diagnostic::new(codes::SETTING_VALUE, file, value.span, format!("expected {expected}"));
        self.say(error.label("this is something else").help("`admit explain E0206` shows the form of the settings"));
    }

    /// A text that is not empty.
    fn setting_text(&mut self, file: usize, value: &Value, expected: &str) -> Option<String> {
        match &value.kind {
            ValueKind::Text(text) if !text.is_empty() => Some(text.clone()),
            _ => {
                self.wrong_value(file, value, expected);
                None
            }
        }
    }
}

/// A text as a literal.
pub(crate) fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
