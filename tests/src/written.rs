//! Generated policies as text, so that the checker reads them: comments between the rules, and no care for layout.
//! Always: most of what is written checks. What the checker would refuse of a generated policy is left out.

use admit_compiler::condition::{Condition, Source, Term};
use admit_compiler::policy::{Field, FieldType, Model, Place, Policy, Roles, Rule, Who};
use admit_compiler::words::{Words, on_models, on_paths};
use admit_runtime::{Mode, Operations};
use admit_syntax::ast::OperationKind;
use std::collections::BTreeSet;
use std::fmt::Write;

/// The text of a policy. Comments stand between the rules, numbered, so that one that is lost is noticed.
pub fn text(policy: &Policy) -> String {
    let policy = &mended(policy.clone());
    let mut writer = Writer { out: String::new(), comments: 0, words: Words::of(policy) };
    writer.auth(policy);
    policy.functions.iter().for_each(|name| writer.line(&format!("function {name}")));
    writer.data(policy);
    policy.models.iter().for_each(|model| writer.model(model));
    for operation in &policy.operations {
        let kind = format!("{:?}", operation.kind).to_lowercase();
        writer.line(&format!("{kind} {}: string {{", operation.name));
        writer.rules(&operation.rules, &operation.denies, &|of, deny, words| {
            words.rule(&Rule { operations: Operations::ALL, ..of.clone() }, deny, Operations::ALL, &on_models)
        });
        writer.line("  handler: function");
        writer.line("}");
    }
    for bucket in &policy.buckets {
        writer.line(&format!("storage {} {{", bucket.name));
        for path in &bucket.paths {
            let entity = if path.entity { "{entity_id}/" } else { "" };
            writer.line(&format!("  \"{}{entity}*\": [", path.prefix));
            let rules = path.rules.iter().map(|rule| (rule, false)).chain(path.denies.iter().map(|rule| (rule, true)));
            for (rule, deny) in rules {
                let text = writer.words.rule(rule, deny, Operations::ALL, &on_paths);
                let text = text.replace("authenticated(\"identityPool\")", "authenticated");
                writer.comment();
                writer.line(&format!("    {text},"));
            }
            writer.line("  ]");
        }
        writer.line("}");
    }
    writer.out
}

/// With rules that say again, and less, what others say.
pub fn repeating(mut policy: Policy, seed: u64) -> Policy {
    let again = |rules: &mut Vec<Rule>, mask: u8| {
        let picked = rules.iter().enumerate().filter(|(at, _)| seed >> (at % 16) & 1 == 1);
        let masked = |rule: &Rule| Rule { operations: rule.operations.both(Operations(mask)), ..rule.clone() };
        let mut copies: Vec<Rule> = picked.map(|(_, rule)| masked(rule)).collect();
        for copy in &mut copies {
            // Some ask for more: what another rule asks as well.
            let other = rules
                .iter()
                .filter_map(|rule| rule.condition.as_deref())
                .find(|of| !reads_input(of) && Some(*of) != copy.condition.as_deref())
                .cloned();
            if let (Some(one), 0) = (copy.condition.as_deref().cloned(), seed >> 24 & 1) {
                let known = Condition::Any(vec![one.clone(), Condition::Not(Box::new(one.clone()))]);
                copy.condition = Some(Box::new(Condition::All(vec![one, other.unwrap_or(known)])));
            }
        }
        if seed >> 25 & 1 == 0 {
            // And some are said again group by group, with more operations.
            let all =
                |rule: &Rule| Operations(if rule.condition.as_deref().is_some_and(reads_input) { 0b11 } else { 255 });
            for rule in rules.iter() {
                if let Who::Groups { names, provider, claim } = &rule.who {
                    let alone = |name: &String| Who::Groups {
                        names: vec![name.clone()],
                        provider: *provider,
                        claim: claim.clone(),
                    };
                    copies.extend(
                        names
                            .iter()
                            .map(|name| Rule { who: alone(name), operations: all(rule), ..rule.clone() })
                            .skip(names.len() % 2),
                    );
                }
            }
        }
        copies.retain(|of| !of.operations.is_empty());
        match seed & 0x1_0000 {
            0 => rules.extend(copies),
            _ => drop(rules.splice(0..0, copies)),
        }
    };
    let masks = [255, Operations::READ.0, Operations::READ.0 | 1, 0b11];
    let mask = masks[(seed >> 20) as usize % masks.len()];
    for model in &mut policy.models {
        again(&mut model.rules, mask);
        again(&mut model.denies, mask);
        model.fields.iter_mut().for_each(|field| again(&mut field.rules, mask));
    }
    policy.operations.iter_mut().for_each(|of| again(&mut of.rules, 255));
    policy
}

fn reads_input(condition: &Condition) -> bool {
    let mut reads = false;
    condition.each_term(&mut |term| reads |= term.source == Source::Input);
    reads
}

/// Without the rules that the checker refuses.
fn mended(mut policy: Policy) -> Policy {
    let has_claims = |condition: &Option<Box<Condition>>| {
        let mut reads = false;
        condition.iter().for_each(|of| of.each_term(&mut |term| reads |= term.source == Source::Claim));
        reads
    };
    let keep = |rule: &Rule, fields: &[String]| {
        let declared = |who: &Who| match who {
            Who::Owner { field, list: true, .. } | Who::GroupsIn { field, .. } => fields.contains(field),
            _ => true,
        };
        let nobody = matches!(rule.who, Who::Guest | Who::ApiKey | Who::Custom);
        let function = matches!(rule.who, Who::Function(_)) && rule.is_guarded();
        rule.whos().all(declared) && !(nobody && has_claims(&rule.condition)) && !function
    };
    for model in &mut policy.models {
        let fields: Vec<String> = model.fields.iter().map(|field| field.name.clone()).collect();
        let of_fields = model.fields.iter_mut().flat_map(|field| [&mut field.rules, &mut field.denies]);
        for rules in [&mut model.rules, &mut model.denies].into_iter().chain(of_fields) {
            rules.retain(|rule| keep(rule, &fields));
        }
        if model.rules.is_empty() {
            let who = Who::Authenticated(Mode::UserPool);
            let place = Place::default();
            model.rules.push(Rule { who, and: Vec::new(), operations: Operations::ALL, condition: None, place });
        }
        model.disabled = model.disabled.without(Operations::LISTEN.with(Operations::SYNC).with(Operations::SEARCH));
    }
    let operations = policy.operations.iter_mut().flat_map(|of| [&mut of.rules, &mut of.denies]);
    let paths = policy.buckets.iter_mut().flat_map(|bucket| &mut bucket.paths);
    for rules in operations.chain(paths.flat_map(|path| [&mut path.rules, &mut path.denies])) {
        rules.retain(|rule| keep(rule, &[]));
    }
    policy.operations.retain(|of| !of.rules.is_empty() && of.kind != OperationKind::Subscription);
    policy
}

struct Writer<'p> {
    out: String,
    comments: usize,
    words: Words<'p>,
}

impl Writer<'_> {
    fn line(&mut self, line: &str) {
        let _ = writeln!(self.out, "{line}");
    }

    fn comment(&mut self) {
        self.comments += 1;
        let _ = writeln!(self.out, "  // comment {}", self.comments);
    }

    fn auth(&mut self, policy: &Policy) {
        let names: Vec<String> = policy.groups.iter().map(|group| format!("{:?}", group.name)).collect();
        let roles = if policy.roles == Roles::Preferred { "preferred" } else { "union" };
        self.line(&format!("auth {{ loginWith: {{ email: true }} groups: [{}] roles: \"{roles}\"", names.join(", ")));
        self.line("  claimGroups: { \"teams\": [\"A\", \"B\", \"C\"], \"cognito:groups\": [\"A\", \"B\", \"C\"] }");
        let mut claims: BTreeSet<(String, String)> = BTreeSet::new();
        let mut read = |term: &Term| {
            if term.source == Source::Claim {
                let kind = format!("{:?}", term.kind).to_lowercase();
                let kind = if kind == "text" { "string".to_owned() } else { kind };
                claims.insert((term.name.clone(), format!("{kind}{}", if term.list { "[]" } else { "" })));
            }
        };
        conditions(policy).for_each(|condition| condition.each_term(&mut read));
        if policy.buckets.iter().flat_map(|bucket| &bucket.paths).any(|path| !path.claims.is_empty()) {
            claims.insert(("tenant".to_owned(), "string".to_owned()));
        }
        let claims: Vec<String> = claims.iter().map(|(name, kind)| format!("{name:?}: {kind}")).collect();
        self.line(&format!("  claims: {{ {} }}", claims.join(", ")));
        for list in &policy.exclusive {
            self.line(&format!("  exclusive: [{list:?}]"));
        }
        self.line("}");
        for group in policy.groups.iter().filter(|group| !group.acts_as.is_empty()) {
            self.line(&format!("group {} {{ actsAs: {:?} }}", group.name, group.acts_as));
        }
    }

    fn data(&mut self, policy: &Policy) {
        let modes = ["userPool", "identityPool", "oidc", "apiKey", "lambda"];
        self.line(&format!(
            "data {{ authorizationModes: {modes:?} defaultAuthorizationMode: {:?}",
            policy.default_mode.name()
        ));
        for of in &policy.data_functions {
            let words = [("query", of.query), ("mutate", of.mutate), ("listen", of.listen)];
            let words: Vec<&str> = words.iter().filter(|(_, has)| *has).map(|(word, _)| *word).collect();
            if !words.is_empty() {
                self.line(&format!("  allow.resource({}).to({words:?})", of.function));
            }
        }
        self.line("}");
    }

    fn model(&mut self, model: &Model) {
        self.line(&format!("model {} {{", model.name));
        for field in &model.fields {
            let list = if field.list { "[]" } else { "" };
            match field.rules.is_empty() && field.denies.is_empty() {
                true => self.line(&format!("  {}: {}{list}", field.name, kind(field))),
                false => {
                    self.line(&format!("  {}: {}{list} {{", field.name, kind(field)));
                    self.rules(&field.rules, &field.denies, &|rule, deny, words| {
                        let all = Operations(
                            Operations::CREATE.0 | Operations::UPDATE.0 | Operations::DELETE.0 | Operations::READ.0,
                        );
                        words.rule(rule, deny, all, &on_models)
                    });
                    self.line("  }");
                }
            }
        }
        if model.identifier != ["id"] {
            self.line(&format!("  identifier({:?})", model.identifier));
        }
        if !model.disabled.is_empty() {
            self.line(&format!("  disableOperations({:?})", on_models(model.disabled)));
        }
        self.rules(&model.rules, &model.denies, &|rule, deny, words| {
            words.rule(rule, deny, Operations::ALL, &on_models)
        });
        self.line("}");
    }

    fn rules(&mut self, allows: &[Rule], denies: &[Rule], text: &dyn Fn(&Rule, bool, Words<'_>) -> String) {
        let rules = allows.iter().map(|rule| (rule, false)).chain(denies.iter().map(|rule| (rule, true)));
        for (rule, deny) in rules {
            let text = text(rule, deny, self.words);
            self.comment();
            self.line(&format!("  {text}"));
        }
    }
}

fn kind(field: &Field) -> &'static str {
    match field.ty {
        FieldType::Integer => "integer",
        FieldType::Float => "float",
        FieldType::Boolean => "boolean",
        FieldType::DateTime => "datetime",
        _ => "string",
    }
}

fn conditions(policy: &Policy) -> impl Iterator<Item = &Condition> {
    policy.rules().chain(policy.denies()).filter_map(|rule| rule.condition.as_deref())
}
