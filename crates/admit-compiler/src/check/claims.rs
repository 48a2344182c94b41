//! Claims that conditions and storage paths may read: those of `auth.claims`, and those that Cognito and OIDC define.
//! Always: a claim has one type; a declared one goes before a standard one of the same name.

use super::auth::quote;
use super::models::Types;
use super::{Checker, either};
use crate::codes;
use crate::condition::Kind;
use crate::diagnostic::Diagnostic;
use crate::policy::FieldType;
use admit_syntax::ast::{Span, Value, ValueKind};
use admit_syntax::nearest;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a claim.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Claim {
    pub ty: FieldType,
    pub list: bool,
    /// Where it is declared.
    pub place: Option<(usize, Span)>,
}

/// The claims of `auth`.
#[derive(Default)]
pub(super) struct Claims {
    pub declared: BTreeMap<String, Claim>,
    /// Attributes that users cannot write, as the policy says.
    pub read_only: BTreeSet<String>,
}

impl Claims {
    /// The declared claims, as the policy keeps them.
    pub(super) fn of_policy(&self) -> Vec<(String, Kind, bool)> {
        let typed = |(name, claim): (&String, &Claim)| kind(&claim.ty).map(|kind| (name.clone(), kind, claim.list));
        self.declared.iter().filter_map(typed).collect()
    }
}

/// Standard claims that are texts: of OIDC's core specification §2 and §5.1, and of Cognito's ID and access tokens.
const TEXTS: [&str; 34] = [
    "acr",
    "aud",
    "azp",
    "birthdate",
    "client_id",
    "cognito:preferred_role",
    "cognito:username",
    "email",
    "event_id",
    "family_name",
    "gender",
    "given_name",
    "iss",
    "jti",
    "locale",
    "middle_name",
    "name",
    "nickname",
    "nonce",
    "origin_jti",
    "phone_number",
    "picture",
    "preferred_username",
    "profile",
    "scope",
    "sid",
    "sub",
    "token_use",
    "username",
    "website",
    "zoneinfo",
    "at_hash",
    "c_hash",
    "device_key",
];
const LISTS: [&str; 3] = ["amr", "cognito:groups", "cognito:roles"];
const BOOLEANS: [&str; 2] = ["email_verified", "phone_number_verified"];
const TIMES: [&str; 4] = ["auth_time", "exp", "iat", "updated_at"];

/// The attributes that a Cognito app client lets users write unless it is told otherwise, beside custom ones
/// (Cognito developer guide, "Attribute permissions and scopes").
const WRITABLE: [&str; 17] = [
    "birthdate",
    "email",
    "family_name",
    "gender",
    "given_name",
    "locale",
    "middle_name",
    "name",
    "nickname",
    "phone_number",
    "picture",
    "preferred_username",
    "profile",
    "updated_at",
    "website",
    "zoneinfo",
    "address",
];

/// What a standard claim is: its kind, and whether it is a list.
pub(super) fn standard(name: &str) -> Option<Claim> {
    let (ty, list) = match name {
        name if TEXTS.contains(&name) => (FieldType::String, false),
        name if LISTS.contains(&name) => (FieldType::String, true),
        name if BOOLEANS.contains(&name) => (FieldType::Boolean, false),
        name if TIMES.contains(&name) => (FieldType::Timestamp, false),
        _ => return None,
    };
    Some(Claim { ty, list, place: None })
}

/// What a value of a type is compared as; nothing for what conditions cannot read.
pub(super) fn kind(ty: &FieldType) -> Option<Kind> {
    Some(match ty {
        FieldType::Id | FieldType::String | FieldType::Time | FieldType::Email | FieldType::Phone => Kind::Text,
        FieldType::Url | FieldType::IpAddress | FieldType::Enum(_) => Kind::Text,
        FieldType::Integer | FieldType::Timestamp => Kind::Integer,
        FieldType::Float => Kind::Float,
        FieldType::Boolean => Kind::Boolean,
        FieldType::Date => Kind::Date,
        FieldType::DateTime => Kind::DateTime,
        FieldType::Json | FieldType::Type(_) | FieldType::Model(_) => return None,
    })
}

const CLAIM_TYPES: [&str; 7] = ["string", "integer", "float", "boolean", "date", "datetime", "timestamp"];
const EXAMPLE: &str = "typed claims, such as `{ \"custom:tenant\": string, mfa: boolean }`";

impl Checker<'_> {
    /// `claims: { "custom:tenant": string, mfa: boolean, roles: string[] }`
    pub(super) fn read_claims(&mut self, file: usize, value: &Value) {
        let ValueKind::Object(claims) = &value.kind else { return self.wrong_value(file, value, EXAMPLE) };
        self.settings_once(file, claims);
        let types = self.types();
        for claim in claims {
            let (name, list) = match &claim.value.kind {
                ValueKind::Name(name) => (name, false),
                ValueKind::ListOf(name) => (name, true),
                ValueKind::Text(name) if types.contains_key(name.as_str()) => {
                    let error = Diagnostic::new(codes::SETTING_VALUE, file, claim.value.span, "a type has no quotes");
                    self.say(error.label("a text").help(format!("write `{name}`")).edit(claim.value.span, name));
                    (name, false)
                }
                _ => {
                    self.wrong_value(file, &claim.value, "a type, such as `string` or `string[]`");
                    continue;
                }
            };
            let ty = self.claim_type(file, claim.value.span, name, list, &types);
            if claim.key.text.is_empty() {
                let error = Diagnostic::new(codes::SETTING_VALUE, file, claim.key.span, "a claim without a name");
                self.say(error.label("no name").help("write the claim's name, such as `\"custom:tenant\"`"));
            }
            let place = Some((file, claim.key.span));
            self.claims.declared.entry(claim.key.text.clone()).or_insert(Claim { ty, list, place });
        }
    }

    fn claim_type(&mut self, file: usize, span: Span, name: &str, list: bool, types: &Types<'_>) -> FieldType {
        match types.get(name) {
            Some(ty) if kind(ty).is_some() => return ty.clone(),
            Some(_) => {
                let message = format!("a claim cannot be a `{name}`");
                let error = Diagnostic::new(codes::SETTING_VALUE, file, span, message);
                let help = format!("a claim is {}, a list of these, or an enum", either(CLAIM_TYPES));
                self.say(error.label("conditions cannot read such a value").help(help));
            }
            None if self.is_broken => (),
            None => {
                let error = Diagnostic::new(codes::UNKNOWN_TYPE, file, span, format!("unknown type `{name}`"));
                let error = error.label("no such type");
                let meant = super::models::meant_type(name).or_else(|| nearest(name, CLAIM_TYPES));
                self.say(match meant {
                    Some(near) => {
                        let written = if list { format!("{near}[]") } else { near.to_owned() };
                        error.help(format!("did you mean `{near}`?")).edit(span, written)
                    }
                    None => error.help(format!("a claim is {}, or a list of these", either(CLAIM_TYPES))),
                });
            }
        }
        FieldType::String
    }

    /// `readOnlyClaims: ["custom:tenant"]`: attributes that the app client does not let users write.
    pub(super) fn read_only_claims(&mut self, file: usize, value: &Value) {
        let Some(words) = self.texts(file, value, "a list of claims, such as `[\"custom:tenant\"]`") else { return };
        for word in words {
            if !is_writable(&word.text) {
                let message = format!("users cannot write `{}` in any case", word.text);
                let warning = Diagnostic::new(codes::NAMED_TWICE, word.file, word.span, message);
                let removed = self.listed(word.file, word.span);
                self.say(warning.label("no attribute that users write").help("leave it out").edit(removed, ""));
            }
            self.claims.read_only.insert(word.text);
        }
    }

    /// What a claim is; one that nobody knows is reported, with what was meant.
    pub(super) fn claim_named(&mut self, file: usize, span: Span, name: &str, whole: Option<Span>) -> Option<Claim> {
        let claim = self.claims.declared.get(name).cloned().or_else(|| standard(name));
        if claim.is_some() || self.is_broken {
            return claim;
        }
        let error = Diagnostic::new(codes::UNKNOWN_CLAIM, file, span, format!("unknown claim `{name}`"));
        let error = error.label("neither declared nor standard");
        let all = || TEXTS.into_iter().chain(LISTS).chain(BOOLEANS).chain(TIMES);
        let declared: Vec<&str> = self.claims.declared.keys().map(String::as_str).collect();
        let custom = format!("custom:{name}");
        let near = declared.iter().copied().find(|known| *known == custom);
        let near = near.or_else(|| nearest(name, declared.iter().copied())).or_else(|| nearest(name, all()));
        self.say(match near.map(str::to_owned) {
            Some(near) => {
                let error = error.help(format!("did you mean `{near}`?"));
                whole.map_or(error.clone(), |whole| error.edit(whole, reading(&near)))
            }
            None => error.help(format!("declare it: `auth {{ claims: {{ {}: string }} }}`", quote(name))),
        });
        None
    }
}

/// How a condition reads a claim: a name that is no word stands in brackets.
fn reading(name: &str) -> String {
    let is_word = name.chars().all(|c| c.is_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_numeric());
    if is_word { format!("claims.{name}") } else { format!("claims[{}]", quote(name)) }
}

/// Whether users of a user pool can write the attribute behind a claim, unless its app client forbids it.
pub(super) fn is_writable(name: &str) -> bool {
    name.starts_with("custom:") || WRITABLE.contains(&name)
}
