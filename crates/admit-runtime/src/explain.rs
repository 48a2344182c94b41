//! The rules as written: which one made a decision, and which would have.
//! Always: read from the table's rules section, which decisions themselves never touch and `--strip` leaves out.

use crate::cells::Resource;
use crate::claim::Groups;
use crate::decide::Outcome;
use crate::decision::Decision;
use crate::filter::Spelling;
use crate::format::{self, Clause, NONE, clause, scope, who};
use crate::load::Policy;
use crate::program::Counts;
use crate::request::{Stored, Target};
use crate::words::{Mode, Operation, Operations};
use core::fmt;

/// A rule as the policy's author wrote it.
#[derive(Clone, Copy)]
pub struct Rule<'a> {
    policy: &'a Policy<'a>,
    number: u32,
    rule: format::Rule,
}

/// What a rule came to in a decision: [`Decision::considered`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is true of this request: an allow gives, a deny takes.
    True,
    /// It is not.
    False,
    /// Something that it reads is not known: an allow does not give, a deny takes.
    Unknown,
    /// It is about callers of another mode.
    OtherMode,
}

impl Verdict {
    /// The verdict's name in answers: `true`, `false`, `unknown`, `mode`.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::True => "true",
            Verdict::False => "false",
            Verdict::Unknown => "unknown",
            Verdict::OtherMode => "mode",
        }
    }
}

/// What a rule stands in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope<'a> {
    /// A model.
    Model(&'a str),
    /// A field of a model.
    Field(&'a str, &'a str),
    /// A custom operation.
    Operation(&'a str),
    /// A path of a bucket.
    Path(&'a str),
    /// The `data` block.
    Data,
}

impl<'a> Rule<'a> {
    /// The file, as it was given to the compiler.
    pub fn file(&self) -> &'a str {
        self.policy.rule_strings.get(self.rule.file)
    }

    /// The line, from 1.
    pub fn line(&self) -> u32 {
        self.rule.line
    }

    /// The bytes of the file.
    pub fn span(&self) -> core::ops::Range<usize> {
        self.rule.start as usize..self.rule.end as usize
    }

    /// What it stands in.
    pub fn scope(&self) -> Scope<'a> {
        let policy = &self.policy;
        match self.rule.scope_kind {
            scope::MODEL => Scope::Model(policy.model_name(self.rule.scope)),
            scope::FIELD => {
                Scope::Field(policy.model_name(self.rule.scope), policy.rule_strings.get(self.rule.field_scope))
            }
            scope::CUSTOM => Scope::Operation(policy.custom_name(self.rule.scope)),
            scope::PATH => Scope::Path(policy.strings.get(policy.nodes.at(self.rule.scope as usize).prefix)),
            _ => Scope::Data,
        }
    }

    /// The mode whose callers it admits.
    pub fn mode(&self) -> Mode {
        Mode::from_number(self.rule.mode).unwrap_or(Mode::Iam)
    }

    /// What it says beside who and operations, where its resource has such rules.
    fn guard(&self) -> Option<format::RuleGuard> {
        let guards = &self.policy.rule_guards;
        let at = guards.lower_bound(0, NONE, |guard| guard.rule < self.number);
        let guard = guards.at(at);
        (at < guards.len() && guard.rule == self.number).then_some(guard)
    }

    /// Whether it is a `deny`.
    pub fn is_deny(&self) -> bool {
        self.guard().is_some_and(|guard| guard.deny == 1)
    }

    /// Its condition as the policy writes it, if it has one.
    pub fn condition(&self) -> Option<&'a str> {
        self.optional(self.guard()?.when)
    }

    /// Its operations.
    pub fn operations(&self) -> Operations {
        Operations(self.rule.operations)
    }

    /// Whom it admits, in a few words: `group ADMINS`, `the owner`.
    pub fn whom(&self) -> impl fmt::Display + use<'a> {
        Whom(*self)
    }

    fn optional(&self, number: u32) -> Option<&'a str> {
        (number != NONE).then(|| self.policy.rule_strings.get(number))
    }

    fn names(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        let policy = self.policy;
        let first = self.rule.names as usize;
        (first..first + self.rule.name_count as usize).map(move |at| policy.rule_strings.get(policy.rule_parts.at(at)))
    }
}

/// A rule's text in the one layout, without the effect's modifiers that a default stands for.
impl fmt::Display for Rule<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = self.optional(self.rule.field).unwrap_or("");
        let provider = match (self.rule.who, self.mode()) {
            (who::AUTHENTICATED, Mode::IdentityPool) if self.rule.scope_kind != scope::PATH => Some("identityPool"),
            (_, Mode::Oidc) => Some("oidc"),
            _ => None,
        };
        let (word, first) = match self.rule.who {
            who::API_KEY => ("publicApiKey", None),
            who::GUEST => ("guest", None),
            who::AUTHENTICATED => ("authenticated", None),
            who::CUSTOM => ("custom", None),
            who::GROUPS => ("groups", None),
            who::OWNER if field == "owner" => ("owner", None),
            who::OWNER => ("ownerDefinedIn", Some(field)),
            who::OWNERS => ("ownersDefinedIn", Some(field)),
            who::GROUP_IN => ("groupDefinedIn", Some(field)),
            who::GROUPS_IN => ("groupsDefinedIn", Some(field)),
            who::ENTITY => ("entity", Some("identity")),
            _ => ("resource", None),
        };
        write!(f, "{}.{word}(", if self.is_deny() { "deny" } else { "allow" })?;
        match self.rule.who {
            who::GROUPS => list(f, self.names())?,
            who::FUNCTION => f.write_str(self.names().next().unwrap_or(""))?,
            _ => first.map_or(Ok(()), |first| quoted(f, first))?,
        }
        if let Some(provider) = provider {
            let comma = if first.is_some() || self.rule.who == who::GROUPS { ", " } else { "" };
            write!(f, "{comma}\"{provider}\"")?;
        }
        f.write_str(")")?;
        if let Some(claim) = self.optional(self.rule.claim) {
            let modifier = if self.rule.who <= who::OWNERS && self.rule.who >= who::OWNER {
                "identityClaim"
            } else {
                "withClaimIn"
            };
            write!(f, ".{modifier}(")?;
            quoted(f, claim)?;
            f.write_str(")")?;
        }
        let guard = self.guard();
        f.write_str(guard.and_then(|guard| self.optional(guard.and)).unwrap_or(""))?;
        self.write_operations(f)?;
        self.condition().map_or(Ok(()), |condition| write!(f, ".when({condition})"))
    }
}

impl Rule<'_> {
    fn write_operations(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DATA: [(Operations, &str); 9] = [
            (Operations::CREATE, "create"),
            (Operations::READ, "read"),
            (Operations::GET, "get"),
            (Operations::LIST, "list"),
            (Operations::SYNC, "sync"),
            (Operations::LISTEN, "listen"),
            (Operations::SEARCH, "search"),
            (Operations::UPDATE, "update"),
            (Operations::DELETE, "delete"),
        ];
        const STORAGE: [(Operations, &str); 5] = [
            (Operations::STORAGE_READ, "read"),
            (Operations::GET, "get"),
            (Operations::LIST, "list"),
            (Operations::WRITE, "write"),
            (Operations::DELETE, "delete"),
        ];
        const FUNCTION: [(Operations, &str); 3] =
            [(Operations::GET, "query"), (Operations::CREATE, "mutate"), (Operations::LISTEN, "listen")];
        let words: &[(Operations, &str)] = match self.rule.scope_kind {
            scope::CUSTOM => return Ok(()),
            scope::DATA => &FUNCTION,
            scope::PATH => &STORAGE,
            _ if self.operations() == Operations::ALL => return Ok(()),
            _ => &DATA,
        };
        let mut left = self.operations();
        let chosen = words.iter().filter(|(operations, _)| {
            let fits = left.contains(*operations);
            left = if fits { left.without(*operations) } else { left };
            fits
        });
        f.write_str(".to([")?;
        for (at, (_, word)) in chosen.enumerate() {
            write!(f, "{}\"{word}\"", if at == 0 { "" } else { ", " })?;
        }
        f.write_str("])")
    }
}

fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            c if (c as u32) < 0x20 => write!(f, "\\u{:04x}", c as u32)?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}

fn list<'a>(f: &mut fmt::Formatter<'_>, names: impl Iterator<Item = &'a str>) -> fmt::Result {
    f.write_str("[")?;
    for (at, name) in names.enumerate() {
        f.write_str(if at == 0 { "" } else { ", " })?;
        quoted(f, name)?;
    }
    f.write_str("]")
}

struct Whom<'a>(Rule<'a>);

impl fmt::Display for Whom<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = &self.0;
        let field = rule.optional(rule.rule.field).unwrap_or("");
        match rule.rule.who {
            who::API_KEY => f.write_str("whoever has the API key"),
            who::GUEST => f.write_str("guests"),
            who::AUTHENTICATED if rule.mode() == Mode::IdentityPool => {
                f.write_str("everybody signed in through the identity pool")
            }
            who::AUTHENTICATED => f.write_str("everybody signed in"),
            who::CUSTOM => f.write_str("whom the host's authorizer lets in"),
            who::GROUPS => {
                f.write_str(if rule.rule.name_count == 1 { "group" } else { "groups" })?;
                let mut sep = " ";
                rule.names().try_for_each(|name| {
                    let result = write!(f, "{sep}{name}");
                    sep = ", ";
                    result
                })
            }
            who::OWNER => match field {
                "owner" => f.write_str("the owner"),
                _ => write!(f, "the owner in `{field}`"),
            },
            who::OWNERS => write!(f, "the owners in `{field}`"),
            who::GROUP_IN => write!(f, "the group in `{field}`"),
            who::GROUPS_IN => write!(f, "the groups in `{field}`"),
            who::ENTITY => f.write_str("the identity whose folder it is"),
            _ => write!(f, "function {}", rule.names().next().unwrap_or("")),
        }?;
        if rule.mode() == Mode::Oidc { f.write_str(" (oidc)") } else { Ok(()) }
    }
}

impl<'t> Policy<'t> {
    /// The rules, in source order; none if the table was stripped.
    pub fn rules<'a>(&'a self) -> impl Iterator<Item = Rule<'a>> + use<'a, 't> {
        (0..).zip(self.rules.run(0, NONE)).map(move |(number, rule)| Rule { policy: self, number, rule })
    }

    /// Whether some class of that provider has the operation on the resource.
    pub(crate) fn has_cell_of(&self, resource: &Resource, provider: u32, needs: Operations) -> bool {
        let of = |class: u16| {
            let class = u32::from(class);
            self.sources.run(0, NONE).any(|source| {
                source.provider == provider && (source.first..source.first + source.count).contains(&class)
            })
        };
        self.cells.each(resource.head).any(|cell| Operations(cell.operations).meets(needs) && of(cell.class))
    }
}

impl<'a> Decision<'a> {
    /// The rule that allows this: the first in source order that does so whatever the record, or else the first;
    /// none for a denial, or where several rules allow it only together, or in a stripped table.
    pub fn rule(&self) -> Option<Rule<'a>> {
        let reads_record = |rule: &Rule<'a>| (who::OWNER..=who::GROUPS_IN).contains(&rule.rule.who);
        let holding = || self.candidates().filter(|rule| self.holds(rule));
        match self.outcome {
            Outcome::Deny(_) => None,
            _ => holding().find(|rule| !reads_record(rule)).or_else(|| holding().next()),
        }
    }

    /// The rules that give this operation to somebody, in source order: for a denial, the ways in.
    pub fn nearest(&self) -> impl Iterator<Item = Rule<'a>> + use<'a> {
        let decision = *self;
        // A record goes as a whole: the rule of one field lets nobody delete it.
        let deletes = self.asked.action.operation == crate::words::Operation::Delete;
        let of_field = move |rule: &Rule<'a>| deletes && rule.rule.scope_kind == scope::FIELD;
        self.candidates().filter(move |rule| !decision.holds(rule) && !of_field(rule))
    }

    /// The rules about the resource that give the operation: the model's before its fields'.
    fn candidates(&self) -> impl Iterator<Item = Rule<'a>> + use<'a> {
        self.rules_about().filter(|rule| !rule.is_deny())
    }

    /// The denies that take this operation from the caller here, in source order.
    pub fn denies(&self) -> impl Iterator<Item = Rule<'a>> + use<'a> {
        let decision = *self;
        let rules = self.rules_about().filter(|rule| rule.is_deny());
        rules.filter(move |rule| decision.counts(rule, Counts::UnlessFalse).unwrap_or(false))
    }

    /// The rules that would give this operation to the caller here if their conditions were true, in source order.
    pub fn failing(&self) -> impl Iterator<Item = Rule<'a>> + use<'a> {
        let decision = *self;
        let all_but = move |rule: &Rule<'a>| decision.counts(rule, Counts::ButForCondition).unwrap_or(false);
        self.candidates().filter(move |rule| rule.condition().is_some() && !decision.holds(rule) && all_but(rule))
    }

    /// Every rule about what was asked, in source order, and what it came to here. Nothing of it is worked out before it
    /// is asked for. A record that was not given leaves rules that read it [`Verdict::Unknown`] or false.
    pub fn considered(&self) -> impl Iterator<Item = (Rule<'a>, Verdict)> + use<'a> {
        let decision = *self;
        self.rules_about().map(move |rule| (rule, decision.verdict(&rule)))
    }

    fn verdict(&self, rule: &Rule<'a>) -> Verdict {
        let caller = self.asked.asker.caller.mode;
        // In storage a user of the pool acts through the identity pool.
        let pool = rule.rule.scope_kind == scope::PATH && caller == Mode::UserPool && rule.mode() == Mode::IdentityPool;
        let function = rule.rule.scope_kind == scope::DATA;
        if !(pool || function || caller == rule.mode()) {
            return Verdict::OtherMode;
        }
        let perhaps = || self.counts(rule, Counts::UnlessFalse).unwrap_or(false);
        match rule.is_deny() {
            true if self.counts(rule, Counts::IfTrue).unwrap_or(false) => Verdict::True,
            true if perhaps() => Verdict::Unknown,
            true => Verdict::False,
            false if self.holds(rule) => Verdict::True,
            false if perhaps() => Verdict::Unknown,
            false => Verdict::False,
        }
    }

    /// For a guarded filter ([`crate::Filter::is_guarded`]): the allows that are true of some record, or may be, and the
    /// denies that are not false of every one, in source order.
    pub fn filter_rules(&self) -> impl Iterator<Item = Rule<'a>> + use<'a> {
        let decision = *self;
        let may = move |rule: &Rule<'a>, counts: Counts| decision.counts(rule, counts).unwrap_or(false);
        self.rules_about()
            .filter(move |rule| may(rule, Counts::IfTrue) || (rule.is_deny() && may(rule, Counts::UnlessFalse)))
    }

    fn rules_about(&self) -> impl Iterator<Item = Rule<'a>> + use<'a> {
        let decision = *self;
        let rules = move |fields: bool| {
            decision
                .asked
                .policy
                .rules()
                .filter(move |rule| (rule.rule.scope_kind == scope::FIELD) == fields && decision.is_about(rule))
        };
        rules(false).chain(rules(true))
    }

    fn is_about(&self, rule: &Rule<'a>) -> bool {
        let operation = self.asked.action.operation;
        let needs = match (rule.rule.scope_kind, operation) {
            (scope::DATA, Operation::Call) => return self.function_may_call(rule),
            (_, operation) => operation.needs(),
        };
        let place = match (rule.rule.scope_kind, self.asked.action.target) {
            (scope::MODEL | scope::FIELD, Target::Model(number)) => rule.rule.scope == number,
            (scope::CUSTOM, Target::Custom(number)) => rule.rule.scope == number,
            (scope::PATH, Target::Bucket(bucket)) => self.is_path_of_key(rule.rule.scope, bucket),
            (scope::DATA, Target::Model(_)) => true,
            _ => false,
        };
        place && rule.operations().meets(needs)
    }

    fn function_may_call(&self, rule: &Rule<'a>) -> bool {
        let Target::Custom(number) = self.asked.action.target else { return false };
        let needs = match self.asked.policy.customs.at(number as usize).kind {
            0 => Operations::GET,
            1 => Operations::CREATE,
            _ => Operations::LISTEN,
        };
        rule.operations().meets(needs)
    }

    fn is_path_of_key(&self, node: u32, bucket: u32) -> bool {
        let (Some(key), policy) = (self.asked.request.key, &self.asked.policy) else { return false };
        let node = policy.nodes.at(node as usize);
        if let Some(places) = self.asked.places() {
            return places.covers(policy.strings.get(node.prefix));
        }
        self.asked.path(bucket, key).is_some_and(|resource| resource == node.everyone || resource == node.mine)
    }

    /// Whether the rule is true for this caller and record.
    fn holds(&self, rule: &Rule<'a>) -> bool {
        if let Some(counts) = self.counts(rule, Counts::IfTrue) {
            return counts;
        }
        let caller = self.asked.asker.caller;
        let storage = rule.rule.scope_kind == scope::PATH;
        let pool = storage && caller.mode == Mode::UserPool && rule.mode() == Mode::IdentityPool;
        if !(pool || caller.mode == rule.mode()) {
            return false;
        }
        let one_role = storage && self.asked.policy.preferred;
        match rule.rule.who {
            who::GROUPS if one_role => self.is_role(rule),
            who::GROUPS if self.is_of_pool(rule) => self.groups_of(rule).any(|name| self.counts_as(name, rule)),
            who::GROUPS => self.groups_of(rule).any(|name| rule.names().any(|group| group == name)),
            who::AUTHENTICATED if storage => !(one_role && self.asked.asker.in_group(self.asked.policy)),
            who::AUTHENTICATED => !(rule.mode() == Mode::IdentityPool && self.asked.asker.in_group(self.asked.policy)),
            who::ENTITY => !(one_role && self.asked.asker.in_group(self.asked.policy)) && self.is_mine(rule),
            who::FUNCTION => caller.function.is_some_and(|name| rule.names().any(|function| function == name)),
            who::OWNER..=who::GROUPS_IN => self.record_names_caller(rule),
            who::CUSTOM => caller.authorizer != crate::principal::Authorizer::No,
            _ => true,
        }
    }

    /// Whether a rule counts that is judged with its guard; none for one that is not.
    fn counts(&self, rule: &Rule<'a>, counts: Counts) -> Option<bool> {
        let guard = rule.guard()?.guard;
        if let Some(places) = self.asked.places() {
            let prefix = self.asked.policy.strings.get(self.asked.policy.nodes.at(rule.rule.scope as usize).prefix);
            let gives = counts == Counts::UnlessFalse || rule.is_deny() || self.is_role(rule);
            return Some(gives && places.rule_counts(guard, counts, prefix, rule.rule.who == who::ENTITY));
        }
        // What is allowed without a filter is allowed by a rule that asks nothing of the record.
        Some(self.special()?.rule_counts(guard, counts, rule.is_deny(), self.outcome == Outcome::Allow))
    }

    /// Whether a rule's groups are the user pool's, which may act as others.
    fn is_of_pool(&self, rule: &Rule<'a>) -> bool {
        let claim = rule.optional(rule.rule.claim);
        rule.mode() != Mode::Oidc && claim.is_none_or(|claim| claim == self.default_group_claim())
    }

    /// Whether a group of the user pool is one of a rule's, or acts as one.
    fn counts_as(&self, group: &str, rule: &Rule<'a>) -> bool {
        let policy = self.asked.policy;
        let named = |group: &str| rule.names().any(|name| name == group);
        let class = |class: u16| policy.class_name(class.into());
        let mut acting = policy.acting.run(0, NONE);
        named(group) || acting.any(|acting| class(acting.class) == group && named(class(acting.other)))
    }

    /// Whether the one role in which a caller acts in storage, where roles go by precedence, is one of the rule's.
    fn is_role(&self, rule: &Rule<'a>) -> bool {
        let (policy, asker) = (self.asked.policy, self.asked.asker);
        match rule.rule.who {
            _ if !policy.preferred => true,
            who::GROUPS => {
                asker.preferred(policy).is_some_and(|best| self.counts_as(policy.class_name(best.into()), rule))
            }
            who::AUTHENTICATED | who::ENTITY => !asker.in_group(policy),
            _ => true,
        }
    }

    fn is_mine(&self, rule: &Rule<'a>) -> bool {
        let (Some(key), Target::Bucket(bucket)) = (self.asked.request.key, self.asked.action.target) else {
            return false;
        };
        let mine = self.asked.policy.nodes.at(rule.rule.scope as usize).mine;
        mine != NONE && self.asked.path(bucket, key) == Some(mine)
    }

    fn groups_of(&self, rule: &Rule<'a>) -> Groups<'a> {
        let policy = &self.asked.policy;
        let caller = self.asked.asker.caller;
        match (rule.optional(rule.rule.claim), caller.groups) {
            (None, Some(groups)) if caller.mode == Mode::IdentityPool => Groups::of(crate::Value::List(groups)),
            (Some(claim), _) => Groups::of(caller.claims.get(claim)),
            (None, _) if policy.group_claim == NONE => Groups::None,
            (None, _) => Groups::of(caller.claims.get(policy.strings.get(policy.group_claim))),
        }
    }

    /// The rule's own clause on the model, asked again.
    fn record_names_caller(&self, rule: &Rule<'a>) -> bool {
        let Some(model) = self.model() else { return false };
        let resource = self.asked.whole(&model);
        let same = |part: &Clause| self.is_clause_of(part, rule);
        let operation = self.asked.action.operation;
        self.asked.policy.clauses_of(&resource).filter(same).any(|part| {
            let spelling = match operation {
                Operation::Create | Operation::Update | Operation::Delete => Spelling::Complete,
                Operation::Listen => Spelling::Last,
                _ => Spelling::Any,
            };
            let condition = self.asked.policy.condition(&part, &self.asked.asker, spelling);
            condition.is_some_and(|condition| match (operation, self.asked.request.stored) {
                (Operation::Create, _) => self.asked.grants_create(&model, &part),
                (_, Stored::Given(record)) => condition.matches(record),
                (Operation::Update | Operation::Delete, _) => false,
                _ => condition.is_usable(),
            })
        })
    }

    fn is_clause_of(&self, part: &Clause, rule: &Rule<'a>) -> bool {
        let policy = &self.asked.policy;
        let kind = match rule.rule.who {
            who::OWNER => clause::OWNER,
            who::OWNERS => clause::OWNERS,
            who::GROUP_IN => clause::GROUP,
            _ => clause::GROUPS,
        };
        let claim = rule.optional(rule.rule.claim);
        let parts = || policy.parts.run(part.parts, part.part_count).map(|part| policy.strings.get(part));
        let same_claim = match claim {
            Some(claim) => claim.split("::").eq(parts()),
            None if kind >= clause::GROUP => parts().eq(Some(self.default_group_claim())),
            None => parts().eq(["sub", "username"]),
        };
        part.kind == kind && Some(policy.strings.get(part.field)) == rule.optional(rule.rule.field) && same_claim
    }

    fn default_group_claim(&self) -> &'a str {
        self.asked.policy.group_claim()
    }
}
