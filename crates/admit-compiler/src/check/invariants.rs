//! `invariant` blocks: whom they speak of, and the deeds.
//! Always: a who that comes out could stand in a rule on the deed's target, or is a function.

use super::conditions::Ground;
use super::deeds::{Known, Thing};
use super::models::{columns, implied_owners};
use super::rules::{Ruled, Site};
use super::{Checker, Declared};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::policy::{Deed, DeedTarget, Invariant, Keys, Model, Requirement, RequirementKind, Rule, Who, Whom};
use admit_runtime::Operations;
use admit_syntax::ast::{self, Call, Name, Span, Value, ValueKind};

impl Checker<'_> {
    pub(super) fn read_invariants(&mut self, known: Known<'_>) -> Vec<Invariant> {
        let all = self.declared.invariants.clone();
        self.named_once("invariant", all.iter().map(|(file, of)| (*file, &of.name)).collect());
        all.into_iter().map(|declared| self.invariant(declared, known)).collect()
    }

    fn invariant(&mut self, (file, of): Declared<'_, ast::Invariant>, known: Known<'_>) -> Invariant {
        if of.requirements.is_empty() {
            self.asserts_nothing("invariant", file, &of.name);
        }
        let mut requirements = Vec::new();
        for requirement in &of.requirements {
            requirements.extend(self.requirement(file, requirement, known));
        }
        Invariant { name: of.name.value.clone(), requirements, place: self.place(file, of.name.span) }
    }

    fn requirement(&mut self, file: usize, of: &ast::Requirement, known: Known<'_>) -> Option<Requirement> {
        let kind = match &of.kind {
            ast::RequirementKind::Only(whos, deed) => {
                let (deed, thing) = self.deed(file, deed, known)?;
                let whoms: Vec<Option<Whom>> = whos.iter().map(|who| self.whom(file, who, thing, &deed)).collect();
                RequirementKind::Only(whoms.into_iter().collect::<Option<Vec<Whom>>>()?, deed)
            }
            ast::RequirementKind::No(who, deed) => {
                let (deed, thing) = self.deed(file, deed, known)?;
                RequirementKind::No(self.whom(file, who, thing, &deed)?, deed)
            }
            ast::RequirementKind::Whoever(one, other) => {
                let (one, other) = (self.deed(file, one, known), self.deed(file, other, known));
                RequirementKind::Whoever(one?.0, other?.0)
            }
            ast::RequirementKind::NoOne(one, other) => {
                let (one, other) = (self.deed(file, one, known), self.deed(file, other, known));
                RequirementKind::NoOne(one?.0, other?.0)
            }
        };
        Some(Requirement { kind, place: self.place(file, of.span) })
    }

    // ---- deeds

    fn deed<'p>(&mut self, file: usize, deed: &ast::Deed, known: Known<'p>) -> Option<(Deed, Thing<'p>)> {
        let subject = &deed.target;
        let Some(thing) = known.thing(subject) else {
            let names: Vec<&str> = known.names().collect();
            self.unknown_subject(file, &subject.name, &names);
            return None;
        };
        self.only_parts(file, subject, thing)?;
        let field = subject.member.is_some();
        let operations = self.deed_operations(file, deed.operations.as_ref(), subject, thing, field)?;
        let target = match thing {
            Thing::Custom(custom) => DeedTarget::Custom(custom.kind, custom.name.clone()),
            Thing::Model(model) => {
                let field = match &subject.member {
                    Some(member) => Some(self.field_of(file, model, member)?),
                    None => None,
                };
                let object = subject.object.as_deref().unwrap_or_default();
                DeedTarget::Record {
                    model: model.name.clone(),
                    field,
                    record: self.record(file, model, object, false)?,
                }
            }
            Thing::Bucket(bucket) => {
                let keys = match subject.key.as_ref().map(|key| key.value.as_str()) {
                    None | Some("*") => Keys::All,
                    Some(key) => match key.strip_suffix('*').filter(|prefix| prefix.ends_with('/')) {
                        Some(prefix) => Keys::Below(prefix.to_owned()),
                        None => Keys::One(key.to_owned()),
                    },
                };
                DeedTarget::Objects { bucket: bucket.name.clone(), keys }
            }
        };
        let start = deed.operations.as_ref().map_or(subject.span, |operations| operations.span);
        Some((Deed { operations, target, place: self.place(file, start.to(subject.span)) }, thing))
    }

    // ---- whos

    fn whom(&mut self, file: usize, of: &ast::Who, thing: Thing<'_>, deed: &Deed) -> Option<Whom> {
        let value = &of.who;
        let span = value.span;
        let calls: &[Call] = match &value.kind {
            ValueKind::Calls(calls) => calls,
            ValueKind::Name(name) => &[Call { name: Name { text: name.clone(), span }, args: None, span }],
            _ => {
                let error = Diagnostic::new(codes::WHOM, file, span, "expected a who");
                self.say(
                    error.label("not a who").help("write it as in a rule, such as `group(\"ADMINS\")` or `owner()`"),
                );
                return None;
            }
        };
        let (who, modifiers) = calls.split_first()?;
        if let Some(call) = modifiers.iter().find(|call| call.name.text == "to") {
            let error =
                Diagnostic::new(codes::WHOM, file, call.span, "`.to` says nothing of who it is").label("not here");
            self.say(
                error.help("operations stand behind `can`; who it is may be narrowed with `.and(…)` and `.when(…)`"),
            );
            return None;
        }
        let site = match thing {
            Thing::Model(_) => Site::Model,
            Thing::Custom(_) => Site::Operation,
            Thing::Bucket(_) => Site::Storage,
        };
        if who.name.text == "resource" && site != Site::Storage {
            return self.function_whom(file, who, modifiers, &of.conditions, span);
        }
        // What remains of a rule that says who, and everything else as rules of this place must.
        let mut modifiers = modifiers.to_vec();
        if site == Site::Storage {
            let read = Value { kind: ValueKind::Text("read".into()), span };
            let list = Value { kind: ValueKind::List(vec![read]), span };
            modifiers.push(Call { name: Name { text: "to".into(), span }, args: Some(vec![list]), span });
        }
        let effect = Name { text: "allow".into(), span };
        let rule = ast::Rule { effect, who: who.clone(), modifiers, conditions: of.conditions.clone(), span };
        let Some(Ruled::Rule(mut written)) = self.rule(site, file, &rule) else { return None };
        if let Thing::Model(model) = thing {
            let (rules, fields) = (vec![written.rule.clone()], without_rules(model));
            self.dynamic_fields(&Model { rules, denies: Vec::new(), fields, ..model.clone() }, &[]);
        }
        written.rule.operations =
            deed.operations.iter().fold(Operations::NONE, |all, operation| all.with(operation.needs()));
        let ground = match thing {
            Thing::Model(model) => ground_of(model, &written.rule),
            Thing::Custom(_) | Thing::Bucket(_) => Ground::without_record(site),
        };
        // What an invariant asks is no rule, and no warning about rules concerns it.
        let before = self.typed.len();
        let rule = self.with_condition(&ground, written);
        self.typed.truncate(before);
        let Rule { who, and, condition, place, .. } = rule?;
        Some(Whom { who, and, condition, place })
    }

    /// Functions have all data or none, so that rules on models do not name them; invariants may.
    fn function_whom(
        &mut self,
        file: usize,
        who: &Call,
        modifiers: &[Call],
        conditions: &[ast::When],
        span: Span,
    ) -> Option<Whom> {
        let name = match (who.args.as_deref(), modifiers, conditions) {
            (Some([Value { kind: ValueKind::Name(name), span }]), [], []) => {
                self.known_function(file, *span, name);
                self.functions.contains_key(name.as_str()).then(|| name.clone())
            }
            _ => {
                let error = Diagnostic::new(codes::WHOM, file, span, "`resource` takes one function");
                self.say(
                    error
                        .label("expected `resource(NAME)`")
                        .help("write `resource(NAME)`, and declare `function NAME`"),
                );
                None
            }
        };
        Some(Whom { who: Who::Function(name?), and: Vec::new(), condition: None, place: self.place(file, span) })
    }
}

/// What a condition of a whom reads: the record of a model, with the owner fields that rules bring.
fn ground_of(model: &Model, whom: &Rule) -> Ground {
    let of_fields = model.fields.iter().flat_map(|field| &field.rules);
    let owners = implied_owners(model.rules.iter().chain(of_fields).chain([whom]));
    Ground { site: Site::Model, record: Some(columns(model, &owners)) }
}

fn without_rules(model: &Model) -> Vec<crate::policy::Field> {
    model
        .fields
        .iter()
        .cloned()
        .map(|field| crate::policy::Field { rules: Vec::new(), denies: Vec::new(), ..field })
        .collect()
}
