//! What stands beside a rule's who: `.and(WHO)`, and where `.when(…)` may stand.
//! Always: the whos of one rule can be one caller, for they are of one mode.

use super::rules::{Builder, Reading, Site, Takes};
use super::{Checker, either};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::policy::Who;
use admit_runtime::Mode;
use admit_syntax::ast::{self, Call, Name, Value, ValueKind, When};

/// The most whos beside the first.
const MAX_AND: usize = 4;

impl Checker<'_> {
    /// The whos of every `.and(…)`; none if one is wrong.
    pub(super) fn and_whos(&mut self, reading: &Reading<'_>, first: Option<&Who>) -> Option<Vec<Who>> {
        let calls: Vec<&Call> = reading.rule.modifiers.iter().filter(|call| call.name.text == "and").collect();
        if reading.builder.takes == Takes::Function && !calls.is_empty() {
            return None; // said with the modifiers
        }
        if let Some(call) = calls.get(MAX_AND) {
            let message = format!("a rule with {} times `.and`; the limit is {MAX_AND}", calls.len());
            let error = Diagnostic::new(codes::AND, reading.file, call.name.span, message).label("one too many");
            self.say(error.help("make a group of those whom you mean, or a claim that conditions read"));
            return None;
        }
        let mut whos: Vec<Who> = Vec::new();
        let mut fine = true;
        for call in calls {
            let Some(who) = self.and_who(reading, call) else {
                fine = false;
                continue;
            };
            fine &= first.is_none_or(|first| self.meet(reading, call, first, &who));
            match first == Some(&who) || whos.contains(&who) {
                true => self.said_already(reading, call),
                false => whos.push(who),
            }
        }
        fine.then_some(whos)
    }

    fn and_who(&mut self, reading: &Reading<'_>, call: &Call) -> Option<Who> {
        let file = reading.file;
        let (who, modifiers) = match call.args.as_deref() {
            Some([Value { kind: ValueKind::Calls(calls), .. }]) => {
                let (who, modifiers) = calls.split_first()?;
                (who.clone(), modifiers.to_vec())
            }
            Some([Value { kind: ValueKind::Name(name), span }]) => {
                let name = Name { text: name.clone(), span: *span };
                (Call { name, args: None, span: *span }, Vec::new())
            }
            _ => {
                let error = Diagnostic::new(codes::AND, file, call.span, "`.and` takes one who");
                self.say(error.label("expected something like `group(\"EDITORS\")`").help(EXAMPLE));
                return None;
            }
        };
        if matches!(who.name.text.as_str(), "allow" | "deny") {
            let error = Diagnostic::new(codes::AND, file, who.name.span, "a rule inside a rule");
            self.say(error.label("a who is expected").help(EXAMPLE));
            return None;
        }
        let builder: &'static Builder = self.builder(reading.site, file, &who)?;
        if matches!(builder.takes, Takes::Function | Takes::Entity) {
            let message = format!("`{}` cannot stand in `.and`", builder.name);
            let error = Diagnostic::new(codes::AND, file, who.name.span, message).label("not here");
            self.say(error.help(match builder.takes {
                Takes::Entity => "begin the rule with it: `allow.entity(\"identity\").and(group(\"EDITORS\"))`",
                _ => "a function is nothing else besides: write a rule of its own for it",
            }));
            return None;
        }
        let effect = Name { text: "allow".into(), span: who.span };
        let rule = ast::Rule { effect, who, modifiers, conditions: Vec::new(), span: call.span };
        let inner = Reading { rule: &rule, builder, inside: true, ..*reading };
        let modifiers = self.modifiers(&inner);
        let who = self.who(&inner);
        modifiers?;
        who
    }

    /// Whether two whos can be one caller.
    fn meet(&mut self, reading: &Reading<'_>, call: &Call, first: &Who, other: &Who) -> bool {
        let (one, two) = (mode_in(reading.site, first), mode_in(reading.site, other));
        if one == two {
            return true;
        }
        let message = "nobody can be both";
        let error = Diagnostic::new(codes::AND_MODE, reading.file, call.span, message);
        let error = error.label(format!("of mode `{}`", two.name()));
        let error = error.related(
            reading.file,
            reading.rule.who.span,
            format!("callers of this one are of mode `{}`", one.name()),
        );
        self.say(error.help("all whos of a rule are of one provider: write two rules if one of both is enough"));
        false
    }

    fn said_already(&mut self, reading: &Reading<'_>, call: &Call) {
        let warning = Diagnostic::new(codes::NAMED_TWICE, reading.file, call.span, "this who is named twice");
        let removed = self.with_its_dot(reading.file, call.span);
        self.say(warning.label("again here").help("once is enough").edit(removed, ""));
    }

    /// Whether a condition may stand on a rule at all.
    pub(super) fn when_fits(&mut self, reading: &Reading<'_>, when: &When) -> Option<()> {
        if reading.builder.takes != Takes::Function {
            return Some(());
        }
        let message = format!("`.when` does not go with `{}`", reading.builder.name);
        let error = Diagnostic::new(codes::MODIFIER_PLACE, reading.file, when.span, message).label("not here");
        let removed = self.with_its_dot(reading.file, when.span);
        self.say(
            error.help("a function has no claims, and it has all data or none: leave `.when` out").edit(removed, ""),
        );
        None
    }
}

const EXAMPLE: &str = "write it as in `allow.owner().and(group(\"EDITORS\"))`";

/// The mode whose callers a who is about; in storage, whoever is signed in is of one.
pub(super) fn mode_in(site: Site, who: &Who) -> Mode {
    match (site, who) {
        (_, Who::Guest) => Mode::Guest,
        (_, Who::Function(_)) => Mode::Function,
        (Site::Storage, _) | (_, Who::Entity) => Mode::IdentityPool,
        (_, Who::ApiKey) => Mode::ApiKey,
        (_, Who::Authenticated(mode)) => *mode,
        (_, Who::Custom) => Mode::Lambda,
        (_, Who::Groups { provider, .. } | Who::Owner { provider, .. } | Who::GroupsIn { provider, .. }) => {
            provider.mode()
        }
    }
}

/// The builders that callers of a claimless mode are named by, in words.
pub(super) fn without_claims(who: &Who) -> Option<String> {
    match who {
        Who::Guest => Some(either(["guest"])),
        Who::ApiKey => Some(either(["publicApiKey"])),
        _ => None,
    }
}
