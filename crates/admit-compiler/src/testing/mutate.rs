//! Which changes of the rules the tests notice: each rule is dropped or weakened, one change at a time.
//!
//! Exact, for each change is lowered to a table of its own and asked the assertions again; fast, for only what the rule
//! stands on is lowered, only assertions about it are asked, and the first that fails ends it. A change whose table
//! decides by the same bytes changes nothing, and is not counted.
//!
//! Always: counts the requests that it decides, and stops where the budget ends; what is left over is said.

use super::coverage::percent;
use super::sites::{Site, Standing, standing};
use super::{Asserted, Verdict, outcome};
use crate::policy::{Bucket, Path, Place, Policy, Rule, Target, Who};
use admit_runtime::{Mode, Operations};
use std::collections::{BTreeMap, BTreeSet};

/// The most requests that are decided, unless somebody says otherwise.
pub const DEFAULT_BUDGET: usize = 2_000_000;

/// What came of changing the rules.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Mutation {
    /// The changes that were tried and do change something, in the order of the sources.
    pub changes: Vec<Change>,
    /// How many change no decision.
    pub equal: usize,
    /// How many were left over when the budget ended.
    pub untried: usize,
}

/// A change of one rule.
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    /// The rule.
    pub place: Place,
    /// What was changed: `without this rule`, `without "delete"`.
    pub what: String,
    /// Whether some assertion no longer holds.
    pub is_noticed: bool,
}

impl Mutation {
    /// How many changes some assertion notices.
    pub fn noticed(&self) -> usize {
        self.changes.iter().filter(|change| change.is_noticed).count()
    }

    /// The same as a part of a hundred; of no changes, all.
    pub fn percent(&self) -> f64 {
        percent(self.noticed(), self.changes.len())
    }
}

/// What kind of thing a rule stands on, which decides the words of its operations.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    Records,
    Paths,
    Functions,
}

/// One way to change a rule.
enum Edit {
    Drop,
    DropCondition,
    DropAnd(usize),
    DropOperations(Operations),
    DropGroup(String),
    /// To everybody signed in.
    Widen(Mode),
}

/// Changes each rule of a policy, whose assertions all hold, deciding at most `budget` requests.
pub fn run(policy: &Policy, asserted: &[Asserted<'_>], budget: usize) -> Mutation {
    let mut mutation = Mutation::default();
    let mut steps = 0;
    let mut rules: BTreeMap<Place, (Rule, On)> = BTreeMap::new();
    for one in standing(policy) {
        let site = on(&one);
        rules.entry(one.rule.place).or_insert((one.rule, site));
    }
    for (place, (rule, site)) in rules {
        let part = Part::of(policy, place);
        let before = crate::lower::table(&part.policy, true);
        let about: Vec<&Asserted<'_>> = asserted.iter().filter(|one| part.is_about(one)).collect();
        for (what, edit) in edits(&rule, site) {
            let changed = part.changed(place, &edit);
            let (Ok(before), Ok(after)) = (&before, crate::lower::table(&changed, true)) else {
                mutation.untried += 1;
                continue;
            };
            match admit_runtime::Policy::from_bytes(&after) {
                _ if *before == after => mutation.equal += 1,
                Ok(table) if steps < budget => {
                    let is_noticed = !about.iter().all(|one| holds(&changed, &table, one, &mut steps));
                    mutation.changes.push(Change { place, what, is_noticed });
                }
                _ => mutation.untried += 1,
            }
        }
    }
    mutation
}

fn on(one: &Standing<'_>) -> On {
    match one.site {
        Site::Model(..) | Site::Custom(_) => On::Records,
        Site::Path(..) => On::Paths,
        Site::Data => On::Functions,
    }
}

fn holds(policy: &Policy, table: &admit_runtime::Policy<'_>, one: &Asserted<'_>, steps: &mut usize) -> bool {
    let mut operations = one.assertion.operations.iter();
    operations.all(|operation| outcome(policy, table, one.assertion, *operation, steps).verdict == Verdict::Holds)
}

/// The ways to change a rule, each in words.
fn edits(rule: &Rule, site: On) -> Vec<(String, Edit)> {
    let mut all = vec![("without this rule".to_owned(), Edit::Drop)];
    if rule.condition.is_some() {
        all.push(("without its condition".to_owned(), Edit::DropCondition));
    }
    for at in 0..rule.and.len() {
        let number = if rule.and.len() == 1 { String::new() } else { format!(" number {}", at + 1) };
        all.push((format!("without its `.and`{number}"), Edit::DropAnd(at)));
    }
    let words = words(rule, site);
    if words.len() > 1 {
        all.extend(words.into_iter().map(|(word, of)| (format!("without `{word}`"), Edit::DropOperations(of))));
    }
    if let Who::Groups { names, provider, .. } = &rule.who {
        if names.len() > 1 {
            all.extend(names.iter().map(|name| (format!("without group {name}"), Edit::DropGroup(name.clone()))));
        }
        let mode = if site == On::Paths { Mode::IdentityPool } else { provider.mode() };
        all.push(("for everybody signed in".to_owned(), Edit::Widen(mode)));
    }
    all
}

/// A rule's operations, in the words that it is written with.
fn words(rule: &Rule, site: On) -> Vec<(&'static str, Operations)> {
    let writes = Operations::CREATE.with(Operations::UPDATE).with(Operations::DELETE);
    let functions: [(&str, Operations); 3] =
        [("query", Operations::READ.without(Operations::LISTEN)), ("mutate", writes), ("listen", Operations::LISTEN)];
    let known: &[(&str, Operations)] = match site {
        On::Records => &crate::words::ON_MODELS,
        On::Paths => &crate::words::ON_PATHS,
        On::Functions => &functions,
    };
    let mut left = rule.operations;
    let mut words = Vec::new();
    for (word, operations) in known {
        if left.contains(*operations) {
            left = left.without(*operations);
            words.push((*word, *operations));
        }
    }
    words
}

/// What a rule stands on, with all that its decisions need.
struct Part {
    policy: Policy,
    models: BTreeSet<String>,
    operations: BTreeSet<String>,
    buckets: BTreeSet<String>,
    /// It is a function's rule in `data`.
    is_data: bool,
}

impl Part {
    fn of(policy: &Policy, place: Place) -> Part {
        let here = |rules: &[Rule]| rules.iter().any(|rule| rule.place == place);
        let is_data = policy.data_functions.iter().any(|rule| rule.place == place);
        let model = |of: &&crate::policy::Model| {
            let fields = of.fields.iter().any(|field| here(&field.rules) || here(&field.denies));
            is_data || here(&of.rules) || here(&of.denies) || fields
        };
        let bucket = |of: &Bucket| of.paths.iter().any(|path| here(&path.rules) || here(&path.denies));
        let models: Vec<_> = policy.models.iter().filter(model).cloned().collect();
        let custom = |of: &&crate::policy::CustomOperation| is_data || here(&of.rules) || here(&of.denies);
        let operations: Vec<_> = policy.operations.iter().filter(custom).cloned().collect();
        // That there are buckets decides who may ask at all: those that do not count here are emptied.
        let emptied = |of: &Bucket| match bucket(of) {
            true => of.clone(),
            false => Bucket { name: of.name.clone(), paths: Vec::new(), place: of.place },
        };
        Part {
            models: models.iter().map(|model| model.name.clone()).collect(),
            operations: operations.iter().map(|operation| operation.name.clone()).collect(),
            buckets: policy.buckets.iter().filter(|of| bucket(of)).map(|of| of.name.clone()).collect(),
            is_data,
            policy: Policy {
                models,
                operations,
                buckets: policy.buckets.iter().map(emptied).collect(),
                tests: Vec::new(),
                invariants: Vec::new(),
                files: policy.files.clone(),
                groups: policy.groups.clone(),
                group_claim: policy.group_claim.clone(),
                exclusive: policy.exclusive.clone(),
                claims: policy.claims.clone(),
                modes: policy.modes.clone(),
                functions: policy.functions.clone(),
                data_functions: policy.data_functions.clone(),
                auth_functions: Vec::new(),
                ..*policy
            },
        }
    }

    fn is_about(&self, one: &Asserted<'_>) -> bool {
        let of_function = one.assertion.caller.mode == Mode::Function;
        let here = match &one.assertion.target {
            Target::Record { model, .. } => self.models.contains(model),
            Target::Custom(_, name) => self.operations.contains(name),
            Target::Object { bucket, .. } => self.buckets.contains(bucket),
        };
        here && (of_function || !self.is_data)
    }

    /// The part with one change of the rule at that place.
    fn changed(&self, place: Place, edit: &Edit) -> Policy {
        let mut policy = self.policy.clone();
        for model in &mut policy.models {
            change(&mut model.rules, place, edit);
            change(&mut model.denies, place, edit);
            for field in &mut model.fields {
                change(&mut field.rules, place, edit);
                change(&mut field.denies, place, edit);
            }
        }
        for operation in &mut policy.operations {
            change(&mut operation.rules, place, edit);
            change(&mut operation.denies, place, edit);
        }
        for path in policy.buckets.iter_mut().flat_map(|bucket| &mut bucket.paths) {
            change(&mut path.rules, place, edit);
            change(&mut path.denies, place, edit);
        }
        match edit {
            Edit::Drop => {
                policy.data_functions.retain(|rule| rule.place != place);
                // A path that says nothing of anybody is none.
                let says = |path: &Path| !path.rules.is_empty() || !path.denies.is_empty();
                policy.buckets.iter_mut().for_each(|bucket| bucket.paths.retain(says));
            }
            Edit::DropOperations(operations) => {
                for rule in policy.data_functions.iter_mut().filter(|rule| rule.place == place) {
                    rule.query &= !operations.meets(Operations::GET);
                    rule.mutate &= !operations.meets(Operations::CREATE);
                    rule.listen &= !operations.meets(Operations::LISTEN);
                }
            }
            _ => (),
        }
        policy
    }
}

fn change(rules: &mut Vec<Rule>, place: Place, edit: &Edit) {
    if matches!(edit, Edit::Drop) {
        return rules.retain(|rule| rule.place != place);
    }
    for rule in rules.iter_mut().filter(|rule| rule.place == place) {
        match edit {
            Edit::Drop => (),
            Edit::DropCondition => rule.condition = None,
            Edit::DropAnd(at) => drop(rule.and.remove(*at)),
            Edit::DropOperations(operations) => rule.operations = rule.operations.without(*operations),
            Edit::DropGroup(name) => {
                if let Who::Groups { names, .. } = &mut rule.who {
                    names.retain(|known| known != name);
                }
            }
            Edit::Widen(mode) => rule.who = Who::Authenticated(*mode),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Source, check};

    /// Everything, so that a change is lowered and asked as a whole.
    fn whole(policy: &Policy) -> Part {
        let mut part = Part::of(policy, Place::default());
        part.policy = Policy { tests: Vec::new(), invariants: Vec::new(), ..policy.clone() };
        part
    }

    const PLAIN: &str = r#"
            auth { groups: ["A", "B"] }
            data { allow.group("A").to(["read"])  allow.owner()  allow.resource(f).to(["query", "mutate"]) }
            function f
            model One { title: string  note: string { allow.group("A")  allow.owner() } }
            model Two { title: string  allow.groups(["A", "B"]).to(["read", "update"])  allow.guest().to(["get"]) }
            query find: One { allow.groups(["A", "B"]) }
            query other: One { allow.authenticated() }
            storage files {
              "a/*": [allow.groups(["A", "B"]).to(["read", "write"])]
              "a/b/*": [allow.guest.to(["get"])]
            }
            storage more { "a/*": [allow.authenticated.to(["read"])] }
            test "some" {
              let a = user { sub: "1", username: "n", groups: ["A"] }
              a can ["read"] One {}
              a can ["read"] One.note {}
              a can ["update"] Two {}
              a cannot ["update"] One.title {}
              user { groups: ["B"] } can ["get"] Two {}
              user {} cannot find
              a can find
              guest can ["get"] files "a/b/c"
              a can ["write"] files "a/x"
              function f can ["create"] One { title: "x" }
            }"#;

    const GUARDED: &str = r#"
            auth {
              groups: ["A", "B", "C"]
              claims: { "custom:tenant": string, mfa: boolean }
              readOnlyClaims: ["custom:tenant"]
            }
            group A { actsAs: ["B"] }
            data { deny.group("C").to(["update", "delete"])  allow.authenticated().to(["read"]) }
            model One {
              title: string
              state: enum ["draft", "done"]
              note: string {
                allow.group("A")
                allow.group("B").to(["read"]).when(record.state == "draft")
                deny.group("C").to(["read"])
              }
              allow.group("B").to(["read", "update"]).when(record.state == "draft")
              allow.owner().and(group("B")).to(["create", "read", "delete"])
              deny.authenticated().to(["delete"]).when(record.state == "done")
            }
            model Two { title: string }
            query find: One { allow.groups(["A", "B"]).when(claims.mfa)  deny.group("C") }
            storage files {
              "t/{claims['custom:tenant']}/*": [
                allow.groups(["A", "B"]).to(["read", "write"]).when(claims.mfa),
                deny.group("C").to(["write"]),
              ]
            }
            test "some" {
              let a = user { sub: "1", username: "n", groups: ["A"], "custom:tenant": "x", mfa: true }
              let b = user { sub: "2", username: "m", groups: ["B"] }
              let c = user { sub: "3", username: "o", groups: ["B", "C"], "custom:tenant": "x", mfa: true }
              a can ["read"] One { state: "draft" }
              a can ["read", "update"] One.note { state: "done" }
              b can ["read"] One.note { state: "draft" }
              b cannot ["read"] One.note { state: "done" }
              b can ["create"] One { title: "x" }
              b cannot ["delete"] One { state: "done", owner: "2::m" }
              c cannot ["update"] One { state: "draft" }
              c cannot ["read"] One.note { state: "draft" }
              c can ["read"] Two {}
              a can find
              b cannot find
              c cannot find
              a can ["read", "write"] files "t/x/f"
              b cannot ["read"] files "t/x/f"
              c cannot ["write"] files "t/x/f"
            }"#;

    #[test]
    fn a_change_of_a_part_is_noticed_where_it_is_noticed_in_the_whole() {
        let (compared, noticed) = compare(PLAIN);
        assert!(compared > 15 && noticed > 8 && noticed < compared, "{noticed} of {compared}");
        let (compared, noticed) = compare(GUARDED);
        assert!(compared > 25 && noticed > 15 && noticed < compared, "{noticed} of {compared}");
    }

    /// How many changes of a policy's rules are judged, and how many noticed: the same in part and whole.
    fn compare(text: &str) -> (usize, usize) {
        let checked = check(&[Source { name: "a.policy".into(), text: text.into() }]);
        let policy = checked.policy.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics));
        let bytes = crate::table(&policy, false).unwrap();
        let asserted = super::super::run(&policy, &admit_runtime::Policy::from_bytes(&bytes).unwrap(), |_| true);
        let failing: Vec<_> = asserted.iter().filter(|one| !one.holds()).collect();
        assert!(failing.is_empty(), "{failing:#?}");
        let changes = run(&policy, &asserted, DEFAULT_BUDGET).changes;
        let mut rules: BTreeMap<Place, (Rule, On)> = BTreeMap::new();
        for one in standing(&policy) {
            rules.entry(one.rule.place).or_insert((one.rule.clone(), on(&one)));
        }
        let (mut noticed, mut compared) = (0, 0);
        for (place, (rule, site)) in rules {
            for (what, edit) in edits(&rule, site) {
                let changed = whole(&policy).changed(place, &edit);
                let bytes = crate::lower::table(&changed, true).unwrap();
                let table = admit_runtime::Policy::from_bytes(&bytes).unwrap();
                let expected = !asserted.iter().all(|one| holds(&changed, &table, one, &mut 0));
                let Some(change) = changes.iter().find(|one| (one.place, &one.what) == (place, &what)) else {
                    assert!(!expected, "{what} at line {} changes nothing in the part", place.line);
                    continue;
                };
                assert_eq!(change.is_noticed, expected, "{what} at line {}", place.line);
                compared += 1;
                noticed += usize::from(expected);
            }
        }
        (compared, noticed)
    }
}
