//! `defineStorage`: buckets, paths and their rules.
//! Always: a path that cannot be read takes the paths above it along, since its rules replace theirs.

use super::Reader;
use super::policy::{Arg, Bucket, Path, Rule};
use super::report::{FOLLOWS, NOT_SAID, REWRITTEN, Read, UNKNOWN_WORD, WITHOUT_EFFECT};
use super::value::{At, Property, Value};

const WITHOUT_ACCESS: [&str; 3] = ["isDefault", "versioned", "triggers"];

impl<'p> Reader<'p> {
    /// Reads the argument of `defineStorage`.
    pub(super) fn storage(&mut self, value: Option<&Value<'p>>, at: At) -> Read<()> {
        let lost = "the bucket is left out: every request for it is denied";
        let properties = self.properties(value, at, lost)?;
        let mut bucket = Bucket { name: String::new(), paths: Vec::new(), notes: Vec::new() };
        for property in &properties {
            match property.name.as_str() {
                "name" => match self.values.text(&property.value) {
                    Ok(name) => bucket.name = name,
                    Err(problem) => match self.declared.get(&at).cloned() {
                        Some(name) => {
                            let means = format!("the bucket is called `{name}` here, as the constant that holds it");
                            self.report.problem(&problem, means);
                            bucket.name = name;
                        }
                        None => return Err(self.report.problem(&problem, lost)),
                    },
                },
                "access" => bucket.paths = self.paths(property)?,
                name if WITHOUT_ACCESS.contains(&name) => bucket.notes.push(name.to_owned()),
                name => {
                    let message = format!("unknown setting `{}` of `defineStorage`", super::rules::plain(name));
                    self.report.say(UNKNOWN_WORD, property.at, message, "it is left out");
                }
            }
        }
        self.policy.buckets.push(bucket);
        Ok(())
    }

    /// The paths, unless one cannot be read that may lie anywhere.
    fn paths(&mut self, property: &Property<'p>) -> Read<Vec<Path>> {
        let lost = "the bucket is left out, since this may be a path below any other: every request for it is denied";
        let given = self.values.given(&property.value, &["allow"]);
        let given = given.map_err(|problem| self.report.problem(&problem, lost))?;
        let properties = self.properties(Some(&given), property.at, lost)?;
        let mut paths = Vec::new();
        for property in properties {
            let read = self.rule_list(&property.value);
            let rules = self.storage_rules(read.rules, &property.name);
            paths.push(Path { path: property.name, at: property.at, rules, is_partial: read.is_partial });
        }
        Ok(paths)
    }

    /// The rules of one path, as Admit takes them.
    fn storage_rules(&mut self, rules: Vec<Rule>, path: &str) -> Vec<Rule> {
        let mut kept: Vec<Rule> = Vec::new();
        let mut entities = 0;
        for mut rule in rules {
            if rule.builder == "groups" && rule.groups().is_empty() {
                let means = "the rule is left out; Amplify gives nothing by it either";
                self.report.say(WITHOUT_EFFECT, rule.at, "this rule names no group", means);
                continue;
            }
            if rule.builder == "entity" && rule.args != [Arg::Text("identity".into())] {
                let means = "the rule is left out: the only entity is `identity`";
                self.report.say(NOT_SAID, rule.at, "an entity that is not `identity`", means);
                continue;
            }
            if rule.builder == "entity" && !path.contains("{entity_id}") {
                let means = "written as `authenticated`, which is what Amplify makes of it";
                self.report.say(REWRITTEN, rule.at, "`entity` on a path without `{entity_id}`", means);
                rule.builder = "authenticated".into();
                rule.is_called = false;
                rule.args = Vec::new();
                entities += 1;
            }
            kept.push(rule);
        }
        match entities == 1 {
            true => merged(kept),
            false => kept, // one who twice is an error of the policy, as in Amplify
        }
    }

    /// The paths without those that have no rules. One whose rules could not be read takes the paths above along.
    pub(super) fn without_unread(&mut self, paths: Vec<Path>) -> Vec<Path> {
        let unread: Vec<(String, At)> = paths
            .iter()
            .filter(|path| path.rules.is_empty() && path.is_partial)
            .map(|path| (path.path.clone(), path.at))
            .collect();
        let mut kept = Vec::new();
        for path in paths {
            if path.rules.is_empty() && !path.is_partial {
                let means = "the path is left out; Amplify takes nothing away by it either, and the path above holds";
                self.report.say(WITHOUT_EFFECT, path.at, "this path has no rules", means);
                continue;
            }
            if let Some((below, _)) = unread.iter().find(|(below, _)| below != &path.path && lies_under(below, &path)) {
                let message = format!("`{}` lies above a path that is left out", super::rules::plain(&path.path));
                let means =
                    format!("it is left out too, since its rules would hold for `{}`", super::rules::plain(below));
                self.report.say(FOLLOWS, path.at, message, means);
                continue;
            }
            if !path.rules.is_empty() {
                kept.push(path);
            }
        }
        kept
    }
}

/// Whether rules of a path may hold for another. Those for all but `entity` take `a/{entity_id}/*` for `a/*`.
fn lies_under(below: &str, path: &Path) -> bool {
    let above = path.path.split("{entity_id}").next().unwrap_or_default();
    below.starts_with(above.strip_suffix('*').unwrap_or(above))
}

/// The rules with those of `authenticated` as one.
fn merged(rules: Vec<Rule>) -> Vec<Rule> {
    let mut kept: Vec<Rule> = Vec::new();
    for rule in rules {
        match kept.iter_mut().find(|known| known.builder == "authenticated" && rule.builder == "authenticated") {
            Some(known) => merge(known, &rule),
            None => kept.push(rule),
        }
    }
    kept
}

/// Adds the operations of one rule to those of another.
fn merge(into: &mut Rule, from: &Rule) {
    let mut all: Vec<String> = into.operations().unwrap_or_default().to_vec();
    all.extend(from.operations().unwrap_or_default().iter().cloned());
    let reads = all.iter().any(|one| one == "read");
    let mut merged: Vec<String> = Vec::new();
    for one in all {
        let covered = reads && matches!(one.as_str(), "get" | "list");
        if !covered && !merged.contains(&one) {
            merged.push(one);
        }
    }
    into.set_operations(merged);
}
