//! The actions of Amplify Auth, and the Cognito actions that IAM grants for each (`@aws-amplify/backend-auth`).
//! Always: the one list of these words; the checker takes no other.

/// Bundles first, then single actions.
pub(crate) const ACTIONS: [(&str, &[&str]); 30] = [
    (
        "manageUsers",
        &[
            "AdminConfirmSignUp",
            "AdminCreateUser",
            "AdminDeleteUser",
            "AdminDeleteUserAttributes",
            "AdminDisableUser",
            "AdminEnableUser",
            "AdminGetUser",
            "AdminListGroupsForUser",
            "AdminRespondToAuthChallenge",
            "AdminSetUserMFAPreference",
            "AdminSetUserSettings",
            "AdminUpdateUserAttributes",
            "AdminUserGlobalSignOut",
        ],
    ),
    ("manageGroups", &["GetGroup", "ListGroups", "CreateGroup", "DeleteGroup", "UpdateGroup"]),
    ("manageGroupMembership", &["AdminAddUserToGroup", "AdminRemoveUserFromGroup"]),
    ("manageUserDevices", &["AdminForgetDevice", "AdminGetDevice", "AdminListDevices", "AdminUpdateDeviceStatus"]),
    ("managePasswordRecovery", &["AdminResetUserPassword", "AdminSetUserPassword"]),
    ("addUserToGroup", &["AdminAddUserToGroup"]),
    ("createGroup", &["CreateGroup"]),
    ("createUser", &["AdminCreateUser"]),
    ("deleteGroup", &["DeleteGroup"]),
    ("deleteUser", &["AdminDeleteUser"]),
    ("deleteUserAttributes", &["AdminDeleteUserAttributes"]),
    ("disableUser", &["AdminDisableUser"]),
    ("enableUser", &["AdminEnableUser"]),
    ("forgetDevice", &["AdminForgetDevice"]),
    ("getDevice", &["AdminGetDevice"]),
    ("getGroup", &["GetGroup"]),
    ("getUser", &["AdminGetUser"]),
    ("listUsers", &["ListUsers"]),
    ("listUsersInGroup", &["ListUsersInGroup"]),
    ("listDevices", &["AdminListDevices"]),
    ("listGroups", &["ListGroups"]),
    ("listGroupsForUser", &["AdminListGroupsForUser"]),
    ("removeUserFromGroup", &["AdminRemoveUserFromGroup"]),
    ("resetUserPassword", &["AdminResetUserPassword"]),
    ("setUserMfaPreference", &["AdminSetUserMFAPreference"]),
    ("setUserPassword", &["AdminSetUserPassword"]),
    ("setUserSettings", &["AdminSetUserSettings"]),
    ("updateDeviceStatus", &["AdminUpdateDeviceStatus"]),
    ("updateGroup", &["UpdateGroup"]),
    ("updateUserAttributes", &["AdminUpdateUserAttributes"]),
];

/// The Cognito actions behind an action of Amplify Auth, without `cognito-idp:`; none for a word that is none.
///
/// ```
/// assert_eq!(admit_compiler::cognito_actions("createUser"), ["AdminCreateUser"]);
/// assert_eq!(admit_compiler::cognito_actions("doEverything"), [""; 0]);
/// ```
pub fn cognito_actions(action: &str) -> &'static [&'static str] {
    ACTIONS.iter().find(|(name, _)| *name == action).map_or(&[], |(_, actions)| actions)
}
