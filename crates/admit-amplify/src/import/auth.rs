//! `defineAuth`: groups, sign-in, and what functions may do with users.
//! Always: the groups are a beginning of the list as written, so that no precedence is guessed.

use super::Reader;
use super::policy::{Auth, Group, Role};
use super::report::{NOT_SAID, Read, UNKNOWN_WORD};
use super::value::{At, Property, Value};

/// What says nothing about who may do what.
const WITHOUT_ACCESS: [&str; 7] =
    ["multifactor", "userAttributes", "triggers", "senders", "accountRecovery", "name", "passwordlessOptions"];

impl<'p> Reader<'p> {
    /// Reads the argument of `defineAuth` or `referenceAuth`.
    pub(super) fn auth(&mut self, value: Option<&Value<'p>>, at: At, is_reference: bool) -> Read<()> {
        if self.policy.auth.is_some() {
            let means = "the second one is left out: a policy has one `auth`";
            return Err(self.report.say(NOT_SAID, at, "a second `defineAuth`", means));
        }
        let mut auth = Auth::default();
        let lost = "what it says is left out: groups, sign-in and functions";
        let properties = self.properties(value, at, lost);
        self.are_groups_known = properties.is_ok();
        for property in properties.unwrap_or_default() {
            match property.name.as_str() {
                "loginWith" => self.login(&property, &mut auth),
                "groups" if is_reference => self.referenced_groups(&property, &mut auth),
                "groups" => auth.groups = self.groups(&property),
                "access" => auth.rules = self.rules(&property.value).rules,
                name if WITHOUT_ACCESS.contains(&name) => auth.notes.push(name.to_owned()),
                _ if is_reference => (), // identifiers of what exists
                name => {
                    let message = format!("unknown setting `{}` of `defineAuth`", super::rules::plain(name));
                    self.report.say(UNKNOWN_WORD, property.at, message, "it is left out");
                }
            }
        }
        self.policy.auth = Some(auth);
        Ok(())
    }

    fn login(&mut self, property: &Property<'p>, auth: &mut Auth) {
        let Ok((ways, problems)) = self.values.object(&property.value) else {
            return auth.notes.push("loginWith".into());
        };
        if !problems.is_empty() {
            auth.notes.push("loginWith, in part".into());
        }
        for way in ways {
            match way.name.as_str() {
                name @ ("email" | "phone" | "externalProviders") => match self.values.is_true(&way.value) {
                    Some(true) => auth.login.push(name.to_owned()),
                    Some(false) => (),
                    None => {
                        auth.login.push(name.to_owned());
                        auth.notes.push(format!("settings of loginWith.{name}"));
                    }
                },
                name => auth.notes.push(format!("loginWith.{}", super::rules::plain(name))),
            }
        }
    }

    fn groups(&mut self, property: &Property<'p>) -> Vec<String> {
        let lost = "the groups from here on are left out, since their precedence is not known; \
                    so are the rules of storage that name them";
        let mut groups = Vec::new();
        let elements = self.values.sequence(&property.value).unwrap_or_else(|problem| vec![Err(problem)]);
        for element in elements {
            let named = element.and_then(|value| Ok((self.values.text(&value)?, value.at())));
            match named {
                Ok((name, at)) if self.is_group_name(&name, at) => groups.push(name),
                Ok(_) => (),
                Err(problem) => {
                    // What follows has no known precedence.
                    self.report.problem(&problem, lost);
                    self.are_groups_known = false;
                    break;
                }
            }
        }
        groups
    }

    /// `referenceAuth` names groups by role, and the user pool alone knows their precedence.
    fn referenced_groups(&mut self, property: &Property<'p>, auth: &mut Auth) {
        let Ok(groups) = self.properties(Some(&property.value), property.at, "the groups are left out") else {
            return;
        };
        if groups.len() > 1 {
            let means = "the groups may be named in data, and rules of storage for them are left out; \
                         list them in `auth` by precedence and add these rules";
            self.report.say(NOT_SAID, property.at, "the precedence of these groups stands in the user pool", means);
            self.is_precedence_known = false;
        }
        for group in groups {
            if self.is_group_name(&group.name, group.at) {
                // A role that is made in code has no ARN in the text.
                match self.values.text(&group.value) {
                    Ok(arn) => {
                        let about = Group { role: Some(Role::Given(arn)), ..Group::default() };
                        auth.about.insert(group.name.clone(), about);
                    }
                    Err(_) => auth.notes.push(format!("role of {}", super::rules::plain(&group.name))),
                }
                auth.groups.push(group.name);
            }
        }
    }
}
