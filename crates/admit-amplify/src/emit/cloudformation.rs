//! CloudFormation: the groups of a user pool, every role with its policies, and the roles' attachment to the identity
//! pool.
//! Always: what the policy does not make (pools, buckets, functions, the API) is a parameter; names of resources
//! depend on what they stand for, not on their order.

use super::arn::Thing;
use super::iam::{self, Names, Policies, Written};
use super::roles::Role;
use super::{Account, Says};
use admit_compiler::policy::{Place, Policy};
use serde_json::{Map, Value, json};

/// The most resources of a template, and the most parameters.
const RESOURCES: usize = 500;
const PARAMETERS: usize = 200;

/// Parameters stand for what only the account knows.
struct Parameters;

impl Names for Parameters {
    fn arn(&self, thing: Thing<'_>, more: &str) -> Value {
        let mut parts: Vec<Value> = vec!["arn:".into(), json!({"Ref": "AWS::Partition"})];
        match thing {
            Thing::Bucket(name) => {
                parts.extend([":s3:::".into(), json!({"Ref": bucket_parameter(name)}), more.into()]);
            }
            Thing::UserPool => {
                parts.extend([":cognito-idp:".into(), json!({"Ref": "AWS::Region"}), ":".into()]);
                let account = json!({"Ref": "AWS::AccountId"});
                parts.extend([account, ":userpool/".into(), json!({"Ref": "UserPoolId"}), more.into()]);
            }
            Thing::Api(kind) => {
                parts.extend([":appsync:".into(), json!({"Ref": "AWS::Region"}), ":".into()]);
                let (account, api) = (json!({"Ref": "AWS::AccountId"}), json!({"Ref": "ApiId"}));
                parts.extend([account, ":apis/".into(), api, format!("/types/{kind}/*{more}").into()]);
            }
        }
        parts.retain(|part| part != "");
        json!({"Fn::Join": ["", parts]})
    }

    fn identity_pool(&self) -> Value {
        json!({"Ref": "IdentityPoolId"})
    }
}

/// A name that CloudFormation takes: letters and digits, and something of the whole name where others are left out.
fn logical(prefix: &str, name: &str, suffix: &str) -> String {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    if plain == name {
        return format!("{prefix}{name}{suffix}");
    }
    // FNV-1a: not to hide anything, only so that names which differ in other characters stay apart.
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{prefix}{plain}X{hash:016X}{suffix}")
}

fn bucket_parameter(name: &str) -> String {
    logical("Bucket", name, "Name")
}

fn function_parameter(name: &str) -> String {
    logical("Function", name, "RoleName")
}

/// The resource that is a role, or for one that is made elsewhere the stem of what is attached to it.
fn role_resource(role: Role<'_>) -> String {
    match role {
        Role::Authenticated => "AuthenticatedRole".into(),
        Role::Guest => "UnauthenticatedRole".into(),
        Role::Group(_, name) => logical("Group", name, "Role"),
        Role::Function(name) => logical("Function", name, "Role"),
    }
}

pub(super) fn write(policy: &Policy, account: &Account, says: &mut Says) -> String {
    let mut resources = Map::new();
    for written in iam::roles(policy, account, says) {
        add_role(policy, &written, &mut resources);
        if let Role::Group(at, name) = written.role {
            let arn = match policy.groups.get(at).and_then(|group| group.role.as_deref()) {
                Some(arn) => arn.into(),
                None => json!({"Fn::GetAtt": [role_resource(written.role), "Arn"]}),
            };
            let group = json!({"Type": "AWS::Cognito::UserPoolGroup", "Properties": {
                "GroupName": name,
                "Precedence": policy.groups.get(at).map(|group| group.precedence),
                "RoleArn": arn,
                "UserPoolId": {"Ref": "UserPoolId"},
            }});
            resources.insert(logical("Group", name, ""), group);
        }
    }
    if policy.has_auth {
        resources.insert("IdentityPoolRoles".into(), attachment());
    }
    let parameters = parameters(policy, &resources);
    let place = policy.groups.last().map_or_else(Place::default, |group| group.place);
    if resources.len() > RESOURCES {
        let message = format!("the template has {} resources, and CloudFormation takes {RESOURCES}", resources.len());
        says.limit(place, message, "a group is two of them: declare fewer groups, or make some in another stack");
    }
    if parameters.len() > PARAMETERS {
        let message =
            format!("the template has {} parameters, and CloudFormation takes {PARAMETERS}", parameters.len());
        says.limit(place, message, "a bucket or a function is one of them: split the policy");
    }
    let mut template = json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Groups, roles and what they may do, written by admit.",
        "Parameters": parameters,
        "Resources": resources,
    });
    if policy.has_auth {
        let arn = |name: &str| json!({"Value": {"Fn::GetAtt": [name, "Arn"]}});
        template["Outputs"] = json!({
            "AuthenticatedRoleArn": arn("AuthenticatedRole"),
            "UnauthenticatedRoleArn": arn("UnauthenticatedRole"),
        });
    }
    super::json_text(&template)
}

fn add_role(policy: &Policy, written: &Written<'_>, resources: &mut Map<String, Value>) {
    let resource = role_resource(written.role);
    let managed = match &written.policies {
        Policies::Inline(statements) => {
            let mut properties =
                json!({"AssumeRolePolicyDocument": iam::trust(written.role == Role::Guest, &Parameters)});
            if !statements.is_empty() {
                let document = iam::document(statements, &Parameters);
                properties["Policies"] = json!([{"PolicyName": "admit", "PolicyDocument": document}]);
            }
            resources.insert(resource, json!({"Type": "AWS::IAM::Role", "Properties": properties}));
            return;
        }
        Policies::Managed(managed) => managed,
    };
    let role = match written.role {
        Role::Function(name) => json!({"Ref": function_parameter(name)}),
        role if iam::is_brought(policy, role) => brought_name(policy, role).into(),
        role => {
            let properties = json!({"AssumeRolePolicyDocument": iam::trust(role == Role::Guest, &Parameters)});
            resources.insert(resource.clone(), json!({"Type": "AWS::IAM::Role", "Properties": properties}));
            json!({"Ref": resource})
        }
    };
    for (number, statements) in (1..).zip(managed) {
        let document = iam::document(statements, &Parameters);
        let attached = json!({"Type": "AWS::IAM::ManagedPolicy", "Properties": {
            "PolicyDocument": document,
            "Roles": [role],
        }});
        resources.insert(format!("{resource}Policy{number}"), attached);
    }
}

/// The name of a role that a group brings, without its path.
fn brought_name<'p>(policy: &'p Policy, role: Role<'_>) -> &'p str {
    let Role::Group(at, _) = role else { return "" };
    let arn = policy.groups.get(at).and_then(|group| group.role.as_deref()).unwrap_or_default();
    arn.rsplit('/').next().unwrap_or_default()
}

/// Tokens choose the role: that of the user's best group, or authenticated.
fn attachment() -> Value {
    let provider = json!({"Fn::Join": ["", [
        "cognito-idp.", {"Ref": "AWS::Region"}, ".", {"Ref": "AWS::URLSuffix"}, "/", {"Ref": "UserPoolId"}, ":",
        {"Ref": "UserPoolClientId"},
    ]]});
    json!({"Type": "AWS::Cognito::IdentityPoolRoleAttachment", "Properties": {
        "IdentityPoolId": {"Ref": "IdentityPoolId"},
        "Roles": {
            "authenticated": {"Fn::GetAtt": ["AuthenticatedRole", "Arn"]},
            "unauthenticated": {"Fn::GetAtt": ["UnauthenticatedRole", "Arn"]},
        },
        "RoleMappings": {
            "UserPoolWebClientRoleMapping": {
                "IdentityProvider": provider,
                "Type": "Token",
                "AmbiguousRoleResolution": "AuthenticatedRole",
            },
        },
    }})
}

/// The parameters that the resources name.
fn parameters(policy: &Policy, resources: &Map<String, Value>) -> Map<String, Value> {
    let described = |what: String| json!({"Type": "String", "Description": what});
    let mut all: Vec<(String, Value)> = vec![
        ("UserPoolId".into(), described("The user pool's id".into())),
        ("UserPoolClientId".into(), described("The id of the app client that signs users in".into())),
        ("IdentityPoolId".into(), described("The identity pool's id".into())),
        ("ApiId".into(), described("The id of the GraphQL API".into())),
    ];
    let buckets = policy.buckets.iter().map(|bucket| bucket.name.as_str());
    all.extend(buckets.map(|name| (bucket_parameter(name), described(format!("The name of the bucket {name}")))));
    let functions = policy.functions.iter();
    all.extend(functions.map(|name| {
        (function_parameter(name), described(format!("The name of the role that the function {name} runs with")))
    }));
    let mut named = std::collections::BTreeSet::new();
    resources.values().for_each(|resource| collect(resource, &mut named));
    all.into_iter().filter(|(name, _)| named.contains(name)).collect()
}

/// What `Ref` names.
fn collect(value: &Value, named: &mut std::collections::BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            named.extend(map.get("Ref").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|value| collect(value, named));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, named)),
        _ => (),
    }
}
