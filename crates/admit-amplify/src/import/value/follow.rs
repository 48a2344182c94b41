//! Names, members and calls, followed as far as they are static.

use super::{At, Frame, Made, Problem, Result, Scope, Value, Values, Why};
use crate::import::project::{Project, Target};
use crate::import::tree::{Either, Element, Expr, Function, Kind, Member};
use std::cell::Cell;
use std::rc::Rc;

/// How deep names and calls are followed.
const MAX_DEPTH: usize = 160;
/// How many steps all of it may take.
const MAX_STEPS: u32 = 4_000_000;

/// Names that every module has.
const GLOBALS: [&str; 10] =
    ["process", "globalThis", "Object", "Array", "String", "Number", "Boolean", "JSON", "console", "Math"];

impl<'p> Values<'p> {
    /// For the values of a project.
    pub fn new(project: &'p Project) -> Values<'p> {
        Values { project, steps: Cell::new(0) }
    }

    /// The value, with names, accesses and static calls followed as far as they go.
    pub fn resolve(&self, value: &Value<'p>) -> Result<Value<'p>> {
        self.follow(value.clone(), 0)
    }

    /// Counts elements as steps; the next step sees whether there were too many.
    pub(super) fn cost(&self, elements: usize) {
        self.steps.set(self.steps.get().saturating_add(u32::try_from(elements).unwrap_or(u32::MAX)));
    }

    /// Counts a step, or says that there were too many.
    pub(super) fn step(&self, at: At, depth: usize) -> Result<()> {
        self.steps.set(self.steps.get().saturating_add(1));
        match depth > MAX_DEPTH || self.steps.get() > MAX_STEPS {
            true => Err(Problem::computed(at, "a value that takes too long to follow")),
            false => Ok(()),
        }
    }

    pub(super) fn follow(&self, value: Value<'p>, depth: usize) -> Result<Value<'p>> {
        let at = value.at();
        let Value::Expr(expr, scope) = &value else { return Ok(value) };
        self.step(at, depth)?;
        let part = |expr: &'p Expr| Value::Expr(expr, scope.clone());
        let followed = match &expr.kind {
            Kind::Computed(_) => Err(value.computed()),
            Kind::Name(name) => self.name(name, scope, at, depth),
            Kind::Get(object, name) => self.get(value.clone(), object, name, scope, depth),
            Kind::At(object, key) => self.element(value.clone(), object, key, scope, depth),
            Kind::Call(callee, args) => self.call(value.clone(), callee, args, scope, depth),
            Kind::If(parts) => match self.truth(&part(&parts[0]), depth + 1) {
                Ok(true) => self.follow(part(&parts[1]), depth + 1),
                Ok(false) => self.follow(part(&parts[2]), depth + 1),
                Err(problem) => Err(problem),
            },
            Kind::Either(either, parts) => {
                let right = match (either, self.follow(part(&parts[0]), depth + 1)) {
                    (_, Err(problem)) => Err(problem),
                    (Either::Coalesce, Ok(left)) => Ok(left.is_nothing().then_some(()).ok_or(left)),
                    (Either::And, Ok(left)) => self.truth(&left, depth + 1).map(|yes| yes.then_some(()).ok_or(left)),
                    (Either::Or, Ok(left)) => self.truth(&left, depth + 1).map(|yes| (!yes).then_some(()).ok_or(left)),
                };
                match right {
                    Ok(Ok(())) => self.follow(part(&parts[1]), depth + 1),
                    Ok(Err(left)) => Ok(left),
                    Err(problem) => Err(problem),
                }
            }
            Kind::Not(of) => self.truth(&part(of), depth + 1).map(|yes| Value::Made(Made::Bool(!yes), at)),
            Kind::Equal(wanted, parts) => self
                .equal(&part(&parts[0]), &part(&parts[1]), depth + 1)
                .map(|same| Value::Made(Made::Bool(same == *wanted), at)),
            _ => Ok(value),
        };
        followed.map_err(|problem| problem.seen_from(at))
    }

    /// What a name is bound to; none if it is not bound.
    fn bound(&self, name: &str, scope: &Scope<'p>) -> Option<std::result::Result<Value<'p>, Target<'p>>> {
        let mut around = scope;
        let module = loop {
            match around {
                Scope::Module(module) => break *module,
                Scope::Function(frame) => {
                    if let Some((_, value)) = frame.names.iter().rev().find(|(known, _)| *known == name) {
                        return Some(Ok(value.clone()));
                    }
                    around = &frame.outer;
                }
            }
        };
        self.project.lookup(module, name).map(Err)
    }

    fn name(&self, name: &str, scope: &Scope<'p>, at: At, depth: usize) -> Result<Value<'p>> {
        match self.bound(name, scope) {
            Some(Ok(value)) => self.follow(value, depth + 1),
            Some(Err(target)) => self.target(target, name, at, depth),
            None if GLOBALS.contains(&name) => Err(Problem::computed(at, format!("`{name}`"))),
            None => Err(Problem::new(at, Why::Unknown(name.to_owned()))),
        }
    }

    /// Whether an expression is this global of the language.
    pub(super) fn is_global(&self, expr: &Expr, scope: &Scope<'p>, wanted: &str) -> bool {
        matches!(&expr.kind, Kind::Name(name) if name == wanted && self.bound(name, scope).is_none())
    }

    pub(super) fn target(&self, target: Target<'p>, name: &str, at: At, depth: usize) -> Result<Value<'p>> {
        match target {
            Target::Binding(module, local, _) if self.project.is_changed(module, local) => {
                let shown = if local.starts_with(crate::import::tree::HIDDEN) { name } else { local };
                Err(Problem::computed(at, format!("`{shown}`, which is changed after its declaration,")))
            }
            Target::Binding(module, _, expr) => self.follow(Value::Expr(expr, Scope::Module(module)), depth + 1),
            Target::Module(module) => Ok(Value::Module(module, at)),
            Target::Package(package, name) => Ok(Value::Package(package, name, at)),
            Target::Missing => Err(Problem::new(at, Why::Unknown(name.to_owned()))),
            Target::Broken => Err(Problem::new(at, Why::Reported)),
        }
    }

    fn get(&self, whole: Value<'p>, of: &'p Expr, name: &str, scope: &Scope<'p>, depth: usize) -> Result<Value<'p>> {
        match self.follow(Value::Expr(of, scope.clone()), depth + 1) {
            Ok(object) => self.member_of(object, whole, name, depth),
            // `process.env.STAGE`, and not only `process`
            Err(problem) => Err(match self.of_global(of, scope) {
                Some(object) => Problem::computed(whole.at(), format!("`{object}.{name}`")),
                None => problem,
            }),
        }
    }

    /// A name of the language with members of it, as written.
    fn of_global(&self, expr: &Expr, scope: &Scope<'p>) -> Option<String> {
        match &expr.kind {
            Kind::Name(name) if GLOBALS.contains(&name.as_str()) && self.bound(name, scope).is_none() => {
                Some(name.clone())
            }
            Kind::Get(object, name) => Some(format!("{}.{name}", self.of_global(object, scope)?)),
            _ => None,
        }
    }

    fn member_of(&self, object: Value<'p>, whole: Value<'p>, name: &str, depth: usize) -> Result<Value<'p>> {
        let missing = |at| Problem::new(at, Why::Unknown(name.to_owned()));
        match object {
            Value::Module(module, at) => self.target(self.project.export(module, name), name, at, depth),
            Value::Expr(Expr { kind: Kind::Object(members), .. }, inner) => {
                match self.member(members, &inner, name, depth + 1)? {
                    Some(value) => self.follow(value, depth + 1),
                    None => Err(missing(whole.at())),
                }
            }
            Value::Made(Made::Object(members), _) => match members.iter().rev().find(|one| one.name == name) {
                Some(found) => self.follow(found.value.clone(), depth + 1),
                None => Err(missing(whole.at())),
            },
            // `import * as backend from "@aws-amplify/backend"`
            Value::Package(package, "*", at) => match &whole {
                Value::Expr(Expr { kind: Kind::Get(_, name), .. }, _) => Ok(Value::Package(package, name, at)),
                _ => Ok(whole),
            },
            _ => Ok(whole),
        }
    }

    /// `object[key]`, by a text, or a number for lists.
    fn element(
        &self,
        whole: Value<'p>,
        of: &'p Expr,
        key: &'p Expr,
        scope: &Scope<'p>,
        depth: usize,
    ) -> Result<Value<'p>> {
        let key = self.follow(Value::Expr(key, scope.clone()), depth + 1)?;
        let object = self.follow(Value::Expr(of, scope.clone()), depth + 1)?;
        match self.list_of(&object, depth + 1) {
            Some(elements) => {
                let number = key.number().filter(|number| number.fract() == 0.0 && *number >= 0.0);
                let number = number.ok_or_else(|| key.computed())?;
                self.nth(elements, number as usize, whole.at(), depth)
            }
            None => {
                let name = self.joined(&key, depth + 1)?;
                self.member_of(object, whole, &name, depth)
            }
        }
    }

    /// The element at a place of a list, if nothing before it is of unknown length.
    pub(super) fn nth(
        &self,
        elements: Vec<Result<Value<'p>>>,
        number: usize,
        at: At,
        depth: usize,
    ) -> Result<Value<'p>> {
        let length = elements.len();
        for (place, element) in elements.into_iter().enumerate().take(number.saturating_add(1)) {
            let element = element?;
            if place == number {
                return self.follow(element, depth + 1);
            }
        }
        Err(Problem::new(at, Why::Unknown(format!("element {number} of a list of {length}"))))
    }

    /// The last member of that name; a problem if one that is not static may be it.
    fn member(&self, members: &'p [Member], scope: &Scope<'p>, name: &str, depth: usize) -> Result<Option<Value<'p>>> {
        for member in members.iter().rev() {
            match member {
                Member::Named(known, _, expr) if known == name => return Ok(Some(Value::Expr(expr, scope.clone()))),
                Member::Named(..) => (),
                Member::At(key, expr) => {
                    if self.joined(&Value::Expr(key, scope.clone()), depth + 1)? == name {
                        return Ok(Some(Value::Expr(expr, scope.clone())));
                    }
                }
                Member::Spread(expr) => match self.follow(Value::Expr(expr, scope.clone()), depth + 1)? {
                    Value::Expr(Expr { kind: Kind::Object(members), .. }, inner) => {
                        if let Some(found) = self.member(members, &inner, name, depth + 1)? {
                            return Ok(Some(found));
                        }
                    }
                    other => {
                        let members = self.opened(&other).ok_or_else(|| other.computed())?;
                        if let Some(found) = members?.into_iter().rev().find(|one| one.name == name) {
                            return Ok(Some(found.value));
                        }
                    }
                },
            }
        }
        Ok(None)
    }

    fn call(
        &self,
        whole: Value<'p>,
        callee: &'p Expr,
        args: &'p [Element],
        scope: &Scope<'p>,
        depth: usize,
    ) -> Result<Value<'p>> {
        let values = || -> Option<Vec<Value<'p>>> {
            args.iter().map(|one| (!one.spread).then(|| Value::Expr(&one.expr, scope.clone()))).collect()
        };
        if let Kind::Get(object, method) = &callee.kind {
            if self.is_global(object, scope, "Object") {
                return self.of_objects(&whole, method, values(), depth);
            }
            let object = self.follow(Value::Expr(object, scope.clone()), depth + 1)?;
            if let Some(made) = self.method(&whole, &object, method, values(), depth) {
                return made;
            }
        }
        match self.follow(Value::Expr(callee, scope.clone()), depth + 1)? {
            Value::Expr(Expr { kind: Kind::Function(function), .. }, inner) => match values() {
                Some(args) => self.apply(function, inner, args, depth + 1),
                None => Err(whole.computed()),
            },
            _ => Ok(whole),
        }
    }

    fn apply(&self, function: &'p Function, scope: Scope<'p>, args: Vec<Value<'p>>, depth: usize) -> Result<Value<'p>> {
        let at = At { file: scope.module(), span: function.body.span };
        let mut args = args.into_iter();
        let mut names = Vec::new();
        let mut defaults = Vec::new();
        for parameter in &function.parameters {
            let arg = args.next().unwrap_or(Value::Made(Made::Undefined, at));
            match &parameter.default {
                Some(default) if self.is_undefined(&arg, depth + 1)? => {
                    defaults.push((parameter.name.as_str(), default))
                }
                _ => names.push((parameter.name.as_str(), arg)),
            }
        }
        let mut scope = Scope::Function(Rc::new(Frame { names, outer: scope }));
        let locals = function.locals.iter().map(|(name, expr)| (name.as_str(), expr));
        for (name, expr) in defaults.into_iter().chain(locals) {
            let local = (name, Value::Expr(expr, scope.clone()));
            scope = Scope::Function(Rc::new(Frame { names: vec![local], outer: scope }));
        }
        self.follow(Value::Expr(&function.body, scope), depth + 1)
    }

    /// Whether an argument counts as left out. One that cannot be followed is one that is there.
    fn is_undefined(&self, value: &Value<'p>, depth: usize) -> Result<bool> {
        match self.follow(value.clone(), depth) {
            Ok(Value::Made(Made::Undefined, _)) => Ok(true),
            Ok(Value::Expr(Expr { kind: Kind::Undefined, .. }, _)) => Ok(true),
            Ok(left @ Value::Expr(Expr { kind: Kind::Call(..) | Kind::Get(..) | Kind::At(..), .. }, _)) => {
                match self.chain(&left)?.root {
                    Value::Package(..) | Value::Given(..) => Ok(false),
                    _ => Err(value.computed()),
                }
            }
            Ok(_) => Ok(false),
            Err(problem) => Err(problem),
        }
    }

    /// What a function gives for these arguments; none if the value is no function.
    pub(super) fn called(&self, value: &Value<'p>, args: Vec<Value<'p>>, depth: usize) -> Option<Result<Value<'p>>> {
        match self.follow(value.clone(), depth) {
            Ok(Value::Expr(Expr { kind: Kind::Function(function), .. }, scope)) => {
                Some(self.apply(function, scope, args, depth + 1))
            }
            Ok(_) => None,
            Err(problem) => Some(Err(problem)),
        }
    }

    /// What a function gives for Amplify's own arguments; a value that is no function is itself.
    pub fn given(&self, value: &Value<'p>, what: &[&'static str]) -> Result<Value<'p>> {
        let args = what.iter().map(|what| Value::Given(what, value.at())).collect();
        match self.called(value, args, 0) {
            Some(result) => result,
            None => self.resolve(value),
        }
    }
}
