//! `defineBackend`, and the code beside the definitions, which may change what they say.
//! Always: such code is imported as a whole, known to decide nothing, or reported with its place.

use super::Reader;
use super::hatches::{Step, decides, decides_nothing, is_harmless_path, is_of_function, shown, subject};
use super::policy::Role;
use super::project::Target;
use super::report::{NOT_SAID, Read, WITHOUT_EFFECT};
use super::rules::plain;
use super::tree::{Element, Expr, Kind, Module};
use super::value::{At, Scope, Value};

/// Actions, on resources.
type Statement = (Vec<String>, Vec<String>);

impl<'p> Reader<'p> {
    pub(super) fn backend(&mut self, value: &Value<'p>) -> Read<()> {
        let Some((_, argument, at)) = self.defines(value) else { return Ok(()) };
        let lost = "what it names is left out: every request for it is denied";
        let Some(argument) = argument else {
            return Err(self.report.say(NOT_SAID, at, "`defineBackend` without parts", lost));
        };
        let (parts, problems) = self.values.object(&argument).map_err(|problem| self.report.problem(&problem, lost))?;
        self.report.problems(&problems, lost);
        for part in parts {
            let _ = match self.values.chain(&part.value) {
                Ok(_) if self.defines(&part.value).is_some() => self.define(&part.value),
                Ok(chain) => {
                    let message = format!("the part `{}` is no definition of Amplify's", plain(&part.name));
                    Err(self.report.say(NOT_SAID, chain.at, message, lost))
                }
                Err(problem) => Err(self.report.problem(&problem, lost)),
            };
        }
        Ok(())
    }

    /// What runs beside the definitions may change what they say.
    pub(super) fn statements(&mut self) {
        let modules: &'p [Module] = &self.project.modules;
        for (file, module) in modules.iter().enumerate() {
            let mut all: Vec<(&'p Expr, bool)> = module.statements.iter().map(|expr| (expr, true)).collect();
            all.extend(module.bindings.values().map(|expr| (expr, false)));
            all.sort_by_key(|(expr, _)| expr.span);
            for (expr, is_statement) in all {
                self.beside(expr, file, is_statement);
            }
        }
        self.precedences();
    }

    /// One expression of a module: a statement, or the value of a constant.
    fn beside(&mut self, expr: &'p Expr, file: usize, is_statement: bool) {
        let at = At { file, span: expr.span };
        let (place, value) = match &expr.kind {
            Kind::Set(parts) => (&parts[0], Some(&parts[1])),
            _ => (expr, None),
        };
        if !is_statement {
            let has_effect = match &expr.kind {
                Kind::New(class, _) => self.may_construct(class, file),
                Kind::Call(_, args) => match self.steps_of(expr, file, 0) {
                    Some(steps) => !is_harmless_path(&steps),
                    // What is handed a part of the backend may change it.
                    None => args.iter().any(|one| self.steps_of(&one.expr, file, 0).is_some()),
                },
                _ => false,
            };
            if has_effect {
                let means = "what it changes is not in the policy; see whether it allows or forbids something";
                self.report.say(NOT_SAID, at, "this constant may change the backend", means);
            }
            return;
        }
        if self.defines(&Value::Expr(expr, Scope::Module(file))).is_some() || is_console(expr) {
            return;
        }
        let steps = self.steps_of(place, file, 0);
        let said = match &steps {
            Some(steps) if value.is_none() && is_harmless_path(steps) => return,
            Some(steps) if decides_nothing(steps) => {
                let means = "it is left out, and decides nothing about access";
                self.report.say(WITHOUT_EFFECT, at, format!("{} is set in code", subject(steps)), means);
                return;
            }
            Some(steps) => match self.of_group(steps, value, file, at) {
                true => return,
                // Reported below, with what follows.
                false if steps.last().is_some_and(|step| step.word() == "precedence") && value.is_some() => return,
                false => match self.given_by(steps) {
                    Some(given) => {
                        let actions: Vec<String> = given.into_iter().flat_map(|(actions, _)| actions).collect();
                        let said = format!("code gives {} to {}", shown(&actions), subject(steps));
                        if is_of_function(steps) && !actions.iter().any(|action| decides(action)) {
                            let means = "it is left out: a policy says nothing about other services";
                            self.report.say(WITHOUT_EFFECT, at, said, means);
                            return;
                        }
                        said
                    }
                    None => format!("code changes {}", subject(steps)),
                },
            },
            None => "code that runs beside the definitions".to_owned(),
        };
        let means = "what it changes is not in the policy: add to the policy what it allows, and remove what it \
                     takes away";
        self.report.say(NOT_SAID, at, said, means);
    }

    /// Whether a class may change the backend by being made an object of.
    fn may_construct(&self, class: &'p Expr, file: usize) -> bool {
        let chain = self.values.chain(&Value::Expr(class, Scope::Module(file)));
        match chain {
            Ok(chain) => match chain.root {
                Value::Package(package, name, _) => {
                    let last = chain.links.last().map_or(name, |link| link.name);
                    !package.starts_with("@aws-sdk/") && !matches!(last, "PolicyStatement" | "PolicyDocument")
                }
                _ => true,
            },
            // `Map`, `Date` and their like are no names of the project.
            Err(_) => match &class.kind {
                Kind::Name(name) => self.project.lookup(file, name).is_some(),
                _ => true,
            },
        }
    }

    /// The way from the backend to an expression, whatever was changed on it; none if it does not begin there.
    fn steps_of(&self, expr: &'p Expr, file: usize, depth: usize) -> Option<Vec<Step<'p>>> {
        if depth > super::tree::MAX_DEPTH {
            return None;
        }
        match &expr.kind {
            Kind::Name(name) => match self.project.lookup(file, name)? {
                Target::Binding(module, _, expr) => self.steps_of(expr, module, depth + 1),
                _ => None,
            },
            Kind::Get(object, name) => {
                let mut steps = self.steps_of(object, file, depth + 1)?;
                steps.push(Step::Get(name.clone()));
                Some(steps)
            }
            Kind::At(object, key) => {
                let mut steps = self.steps_of(object, file, depth + 1)?;
                let key = self.values.text(&Value::Expr(key, Scope::Module(file))).ok();
                steps.push(Step::Get(key.unwrap_or_else(|| "…".into())));
                Some(steps)
            }
            Kind::Call(callee, args) => {
                if let Kind::Get(object, name) = &callee.kind
                    && let Some(mut steps) = self.steps_of(object, file, depth + 1)
                {
                    let first = args.first().map(|one| Value::Expr(&one.expr, Scope::Module(file)));
                    let first = first.and_then(|first| self.values.text(&first).ok());
                    steps.push(Step::Call(name, args, file, first));
                    return Some(steps);
                }
                let defined = self.defines(&Value::Expr(expr, Scope::Module(file)));
                defined.filter(|(word, ..)| *word == "defineBackend").map(|_| Vec::new())
            }
            _ => None,
        }
    }

    // ---- groups

    /// Imports the precedence of a group, or what its role may do more. False if it is something else, or not static.
    fn of_group(&mut self, steps: &[Step<'p>], value: Option<&'p Expr>, file: usize, at: At) -> bool {
        let words: Vec<&str> = steps.iter().map(Step::word).collect();
        let (group, rest) = match words.as_slice() {
            [_, "resources", "groups", group, rest @ ..] => (*group, rest),
            _ => return false,
        };
        let is_group = self.policy.auth.as_ref().is_some_and(|auth| auth.groups.iter().any(|one| one == group));
        if !is_group {
            return false;
        }
        match (rest, steps.last(), value) {
            (["cfnUserGroup", "precedence"], _, Some(value)) => {
                let number = self.values.whole_number(&Value::Expr(value, Scope::Module(file)));
                let Some(number) = number.filter(|_| self.is_precedence_known) else { return false };
                self.read_precedences.insert(at);
                self.group(group).precedence = Some(number);
                true
            }
            (["role", "addToPrincipalPolicy" | "addToPolicy" | "attachInlinePolicy"], _, None) => {
                // What reaches data or files by IAM alone is no rule of the policy, and is reported.
                let given = self.given_by(steps);
                let given = given.filter(|all| !all.iter().flat_map(|(actions, _)| actions).any(|one| decides(one)));
                let Some(given) = given else { return false };
                match &mut self.group(group).role {
                    Some(Role::Extended(statements)) => statements.extend(given),
                    Some(Role::Given(_)) => return false,
                    none => *none = Some(Role::Extended(given)),
                }
                true
            }
            _ => false,
        }
    }

    /// What a call of `addToPrincipalPolicy` or its like gives, if all of it can be read.
    fn given_by(&self, steps: &[Step<'p>]) -> Option<Vec<Statement>> {
        let Step::Call(method, [Element { spread: false, expr }], file, _) = steps.last()? else { return None };
        let value = Value::Expr(expr, Scope::Module(*file));
        match *method {
            "addToPrincipalPolicy" | "addToPolicy" | "addToRolePolicy" => Some(vec![self.statement(&value)?]),
            "attachInlinePolicy" => {
                let [.., settings] =
                    self.constructed(&value, "Policy")?.try_into().ok().map(|all: [Value<'p>; 3]| all)?;
                let (settings, problems) = self.values.object(&settings).ok()?;
                let known = |name: &str| matches!(name, "statements" | "policyName");
                if !problems.is_empty() || !settings.iter().all(|one| known(&one.name)) {
                    return None;
                }
                let statements = settings.iter().find(|one| one.name == "statements")?;
                let (statements, problems) = self.values.list(&statements.value).ok()?;
                let read = statements.iter().map(|one| self.statement(one)).collect::<Option<Vec<Statement>>>()?;
                (problems.is_empty() && !read.is_empty()).then_some(read)
            }
            _ => None,
        }
    }

    /// The arguments of an object of a class of IAM in the CDK.
    fn constructed(&self, value: &Value<'p>, wanted: &str) -> Option<Vec<Value<'p>>> {
        let value = self.values.resolve(value).ok()?;
        let Value::Expr(Expr { kind: Kind::New(class, args), .. }, scope) = &value else { return None };
        let class = self.values.chain(&Value::Expr(class, scope.clone())).ok()?;
        let name = match (&class.root, class.links.last()) {
            (Value::Package(package, name, _), None) if package.starts_with("aws-cdk-lib") => *name,
            (Value::Package(package, ..), Some(link)) if package.starts_with("aws-cdk-lib") => link.name,
            _ => return None,
        };
        let args = args.iter().map(|one| (!one.spread).then(|| Value::Expr(&one.expr, scope.clone())));
        if name == wanted { args.collect() } else { None }
    }

    fn group(&mut self, name: &str) -> &mut super::policy::Group {
        let auth = self.policy.auth.get_or_insert_default();
        auth.about.entry(name.to_owned()).or_default()
    }

    /// The actions and resources of a `PolicyStatement` that allows them without conditions.
    fn statement(&self, value: &Value<'p>) -> Option<Statement> {
        let args = self.constructed(value, "PolicyStatement")?;
        let [settings] = args.as_slice() else { return None };
        let (settings, problems) = self.values.object(settings).ok()?;
        if !problems.is_empty() {
            return None;
        }
        let (mut actions, mut resources) = (Vec::new(), Vec::new());
        for setting in settings {
            match setting.name.as_str() {
                "actions" => actions = self.values.texts(&setting.value).ok()?,
                "resources" => resources = self.values.texts(&setting.value).ok()?,
                "sid" => (),
                "effect" => {
                    let effect = self.values.chain(&setting.value).ok()?;
                    effect.links.last().filter(|link| link.name == "ALLOW")?;
                }
                _ => return None,
            }
        }
        (!actions.is_empty() && !resources.is_empty()).then_some((actions, resources))
    }

    /// Where code sets a precedence that was not read, none is known.
    fn precedences(&mut self) {
        for (file, module) in self.project.modules.iter().enumerate() {
            for span in &module.precedences {
                let at = At { file, span: *span };
                if !self.read_precedences.contains(&at) {
                    let means = "rules of storage for groups are left out, since the order of the groups decides there";
                    self.report.say(NOT_SAID, at, "a precedence that cannot be read", means);
                    self.is_precedence_known = false;
                }
            }
        }
    }
}

/// Writing to the terminal.
fn is_console(expr: &Expr) -> bool {
    let Kind::Call(callee, _) = &expr.kind else { return false };
    matches!(&callee.kind, Kind::Get(object, _) if matches!(&object.kind, Kind::Name(name) if name == "console"))
}
