//! What code does to parts of a backend, in words, and what of it decides nothing about access.
//! Always: what is not listed as deciding nothing may decide.

use super::rules::plain;
use super::tree::Element;

/// Methods of a backend and its parts that concern what clients are told, or how something runs.
const HARMLESS: [&str; 12] = [
    "addOutput",
    "createStack",
    "addEnvironment",
    "addHttpDataSource",
    "addDynamoDbDataSource",
    "addLambdaDataSource",
    "addEventBridgeDataSource",
    "addOpenSearchDataSource",
    "addElasticsearchDataSource",
    "addRdsDataSource",
    "addNoneDataSource",
    "addTags",
];

/// Constructs of the CDK, and those of their properties that decide nothing about access. None listed: all of them.
const DECIDES_NOTHING: [(&str, &[&str]); 7] = [
    ("amplifyDynamoDbTables", &[]),
    (
        "cfnUserPool",
        &[
            "policies",
            "adminCreateUserConfig",
            "accountRecoverySetting",
            "deletionProtection",
            "deviceConfiguration",
            "emailConfiguration",
            "emailVerificationMessage",
            "emailVerificationSubject",
            "smsAuthenticationMessage",
            "smsConfiguration",
            "smsVerificationMessage",
            "verificationMessageTemplate",
            "mfaConfiguration",
            "enabledMfas",
            "userPoolAddOns",
            "userPoolName",
            "userPoolTags",
            "userPoolTier",
        ],
    ),
    (
        "cfnUserPoolClient",
        &[
            "accessTokenValidity",
            "idTokenValidity",
            "refreshTokenValidity",
            "tokenValidityUnits",
            "enableTokenRevocation",
            "explicitAuthFlows",
            "preventUserExistenceErrors",
            "callbackUrLs",
            "logoutUrLs",
        ],
    ),
    (
        "cfnBucket",
        &[
            "accelerateConfiguration",
            "bucketEncryption",
            "corsConfiguration",
            "intelligentTieringConfigurations",
            "lifecycleConfiguration",
            "loggingConfiguration",
            "tags",
            "versioningConfiguration",
        ],
    ),
    ("cfnGraphqlApi", &["logConfig", "name", "xrayEnabled"]),
    ("cfnFunction", &["ephemeralStorage", "memorySize", "timeout", "tracingConfig"]),
    ("cfnTable", &[]),
];

/// One step from the backend to something of it.
pub(super) enum Step<'p> {
    Get(String),
    /// A method, its arguments, their module, and the first if it is a text.
    Call(&'p str, &'p [Element], usize, Option<String>),
}

impl<'p> Step<'p> {
    pub(super) fn word(&self) -> &str {
        match self {
            Step::Get(name) => name,
            Step::Call(name, ..) => name,
        }
    }
}

/// Whether an action of IAM reaches data, files or users, about which rules speak.
pub(super) fn decides(action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    ["s3:", "appsync:", "cognito-idp:", "cognito-identity:", "iam:", "sts:"].iter().any(|own| action.starts_with(own))
        || action.split(':').next().is_none_or(|service| service.contains(['*', '?']))
}

/// Whether a way leads to a function of the backend.
pub(super) fn is_of_function(steps: &[Step<'_>]) -> bool {
    let words: Vec<&str> = steps.iter().map(Step::word).collect();
    matches!(words.as_slice(), [_, "resources", "lambda", ..])
}

/// Some actions, in words.
pub(super) fn shown(actions: &[String]) -> String {
    let first: Vec<String> = actions.iter().take(3).map(|action| format!("`{}`", plain(action))).collect();
    let more = if actions.len() > 3 { ", …" } else { "" };
    format!("{}{more}", first.join(", "))
}

/// Whether nothing is called on the way but what decides nothing.
pub(super) fn is_harmless_path(steps: &[Step<'_>]) -> bool {
    steps.iter().all(|step| match step {
        Step::Get(_) => true,
        Step::Call(name, ..) => HARMLESS.contains(name),
    })
}

/// Whether a property is set that decides nothing about access.
pub(super) fn decides_nothing(steps: &[Step<'_>]) -> bool {
    let words: Vec<&str> = steps.iter().map(Step::word).collect();
    DECIDES_NOTHING.iter().any(|(construct, properties)| {
        let Some(place) = words.iter().position(|word| word == construct) else { return false };
        let property = match steps.get(place + 1..).unwrap_or_default() {
            // `addPropertyOverride("Policies.PasswordPolicy.MinimumLength", 12)`
            [Step::Call("addPropertyOverride", _, _, Some(path))] => {
                let first = path.split('.').next().unwrap_or_default();
                let mut chars = first.chars();
                chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
            }
            [Step::Get(name), rest @ ..] if rest.iter().all(|step| matches!(step, Step::Get(_))) => name.clone(),
            _ => return false,
        };
        properties.is_empty() || properties.contains(&property.as_str())
    })
}

/// What a way from the backend leads to, in words.
pub(super) fn subject(steps: &[Step<'_>]) -> String {
    let words: Vec<&str> = steps.iter().map(Step::word).collect();
    let call = match steps.last() {
        Some(Step::Call("addToPrincipalPolicy" | "addToPolicy" | "addToRolePolicy" | "attachInlinePolicy", ..)) => {
            String::new()
        }
        Some(Step::Call(name, ..)) => format!(", by `{}`", plain(name)),
        _ => String::new(),
    };
    match words.as_slice() {
        [_, "resources", "groups", group, "role", ..] => format!("the role of the group `{}`{call}", plain(group)),
        [_, "resources", "groups", group, ..] => format!("the group `{}`{call}", plain(group)),
        [_, "resources", "authenticatedUserIamRole", ..] => format!("the role of users without a group{call}"),
        [_, "resources", "unauthenticatedUserIamRole", ..] => format!("the role of guests{call}"),
        [part, "resources", "lambda", ..] => format!("the function `{}`{call}", plain(part)),
        [part, "resources", "bucket", ..] => format!("the bucket `{}`{call}", plain(part)),
        words => format!("`{}`", plain(&words.join("."))),
    }
}
