//! Static values: names followed through modules and functions, spreads opened, chains unwound.
//! Always: what is not static is a [`Problem`] with its place, and never a value; it ends, also for cycles.

use super::project::{Project, Target};
use super::tree::{Element, Expr, Function, Kind, Member};
use admit_syntax::ast::Span;
use std::cell::Cell;
use std::rc::Rc;

/// How deep names and calls are followed.
const MAX_DEPTH: usize = 160;
/// How many steps all of it may take.
const MAX_STEPS: u32 = 2_000_000;

/// Names that every module has.
const GLOBALS: [&str; 8] = ["process", "undefined", "globalThis", "Object", "Array", "String", "JSON", "console"];

/// A place in a module.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct At {
    /// Index of the module.
    pub file: usize,
    /// The bytes.
    pub span: Span,
}

/// Why something has no static value.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Where.
    pub at: At,
    /// What stands there.
    pub why: Why,
    /// What led there from elsewhere, if something did.
    pub used: Option<At>,
}

impl Problem {
    fn new(at: At, why: Why) -> Problem {
        Problem { at, why, used: None }
    }

    /// The same, met while an expression at this place is followed.
    fn seen_from(mut self, at: At) -> Problem {
        let span = self.at.span;
        let inside = at.file == self.at.file && at.span.start <= span.start && span.end <= at.span.end;
        self.used = (!inside).then_some(at);
        self
    }
}

/// The kinds of problems.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Why {
    /// Worked out when the program runs: what it is.
    Computed(String),
    /// A name that leads to nothing that was read.
    Unknown(String),
    /// Something of a module that is reported for itself.
    Reported,
}

/// Names that a function binds.
pub struct Frame<'p> {
    names: Vec<(&'p str, Value<'p>)>,
    outer: Scope<'p>,
}

/// Where names are looked up.
#[derive(Clone)]
pub enum Scope<'p> {
    /// In a module.
    Module(usize),
    /// In a function, then around it.
    Function(Rc<Frame<'p>>),
}

impl Scope<'_> {
    fn module(&self) -> usize {
        let mut scope = self;
        loop {
            match scope {
                Scope::Module(module) => return *module,
                Scope::Function(frame) => scope = &frame.outer,
            }
        }
    }
}

/// An expression where its names mean something, or a thing without text.
#[derive(Clone)]
pub enum Value<'p> {
    /// An expression.
    Expr(&'p Expr, Scope<'p>),
    /// What a package gives: the package, and the name.
    Package(&'p str, &'p str, At),
    /// A whole module.
    Module(usize, At),
    /// What a function of Amplify is called with: `allow`, `index`.
    Given(&'static str, At),
}

impl Value<'_> {
    /// Where it stands.
    pub fn at(&self) -> At {
        match self {
            Value::Expr(expr, scope) => At { file: scope.module(), span: expr.span },
            Value::Package(_, _, at) | Value::Module(_, at) | Value::Given(_, at) => *at,
        }
    }

    /// That it is computed, where something static must stand.
    pub fn computed(&self) -> Problem {
        let what = match self {
            Value::Expr(Expr { kind: Kind::Computed(what), .. }, _) => (*what).to_owned(),
            Value::Expr(Expr { kind: Kind::Call(..), .. }, _) => "the result of a call".into(),
            Value::Expr(Expr { kind: Kind::Function(_), .. }, _) => "a function".into(),
            Value::Expr(Expr { kind: Kind::Object(_), .. }, _) => "an object".into(),
            Value::Expr(Expr { kind: Kind::List(_), .. }, _) => "a list".into(),
            Value::Expr(Expr { kind: Kind::Text(text), .. }, _) => format!("the text {text:?}"),
            Value::Package(package, name, _) => format!("`{name}` of the package `{package}`"),
            Value::Given(what, _) => format!("`{what}`"),
            _ => "a value".into(),
        };
        Problem::new(self.at(), Why::Computed(what))
    }
}

/// One `.name` or `.name(arguments)` of a chain.
pub struct Link<'p> {
    /// The name; empty for a call of the root itself.
    pub name: &'p str,
    /// Where the name's call or access stands, up to its end.
    pub at: At,
    /// The arguments, if it is called.
    pub args: Option<Vec<Value<'p>>>,
}

/// A chain of accesses and calls, such as `a.model({…}).authorization(…)`.
pub struct Chain<'p> {
    /// What it begins with.
    pub root: Value<'p>,
    /// The rest, from the left.
    pub links: Vec<Link<'p>>,
    /// The whole.
    pub at: At,
}

impl<'p> Chain<'p> {
    /// Whether it begins with this name of an Amplify package.
    pub fn begins(&self, wanted: &str) -> bool {
        matches!(self.root, Value::Package(package, name, _) if name == wanted && package.starts_with("@aws-amplify/"))
    }

    /// The name of the `define…` that it calls, and its argument.
    pub fn definition(&self) -> Option<(&'p str, Option<&Value<'p>>)> {
        let Value::Package(package, name, _) = self.root else { return None };
        let first = self.links.first().filter(|_| package.starts_with("@aws-amplify/"))?;
        let args = first.args.as_ref()?;
        first.name.is_empty().then_some((name, args.first()))
    }
}

/// Works values out.
pub struct Values<'p> {
    project: &'p Project,
    steps: Cell<u32>,
}

type Result<T> = std::result::Result<T, Problem>;

impl<'p> Values<'p> {
    /// For the values of a project.
    pub fn new(project: &'p Project) -> Values<'p> {
        Values { project, steps: Cell::new(0) }
    }

    /// The value, with names, accesses and static calls followed as far as they go.
    pub fn resolve(&self, value: &Value<'p>) -> Result<Value<'p>> {
        self.follow(value.clone(), 0)
    }

    fn follow(&self, value: Value<'p>, depth: usize) -> Result<Value<'p>> {
        let at = value.at();
        let Value::Expr(expr, scope) = &value else { return Ok(value) };
        self.steps.set(self.steps.get() + 1);
        if depth > MAX_DEPTH || self.steps.get() > MAX_STEPS {
            return Err(Problem::new(at, Why::Computed("a value that takes too long to follow".into())));
        }
        let followed = match &expr.kind {
            Kind::Computed(_) => Err(value.computed()),
            Kind::Name(name) => self.name(name, scope, at, depth),
            Kind::Get(object, name) => self.get(value.clone(), object, name, scope, depth),
            Kind::At(object, key) => {
                let key = Value::Expr(key, scope.clone());
                match self.joined(&key, depth + 1) {
                    Ok(name) => self.get(value.clone(), object, &name, scope, depth),
                    Err(_) => Err(Problem::new(at, Why::Computed("an element".into()))),
                }
            }
            Kind::Call(callee, args) => self.call(value.clone(), callee, args, scope, depth),
            _ => Ok(value),
        };
        followed.map_err(|problem| problem.seen_from(at))
    }

    fn name(&self, name: &str, scope: &Scope<'p>, at: At, depth: usize) -> Result<Value<'p>> {
        let mut around = scope;
        let module = loop {
            match around {
                Scope::Module(module) => break *module,
                Scope::Function(frame) => {
                    if let Some((_, value)) = frame.names.iter().rev().find(|(known, _)| *known == name) {
                        return self.follow(value.clone(), depth + 1);
                    }
                    around = &frame.outer;
                }
            }
        };
        match self.project.lookup(module, name) {
            Some(target) => self.target(target, name, at, depth),
            None if GLOBALS.contains(&name) => Err(Problem::new(at, Why::Computed(format!("`{name}`")))),
            None => Err(Problem::new(at, Why::Unknown(name.to_owned()))),
        }
    }

    fn target(&self, target: Target<'p>, name: &str, at: At, depth: usize) -> Result<Value<'p>> {
        match target {
            Target::Binding(module, local, _) if self.project.is_changed(module, local) => {
                let what = format!("`{local}`, which is changed after its declaration,");
                Err(Problem::new(at, Why::Computed(what)))
            }
            Target::Binding(module, _, expr) => self.follow(Value::Expr(expr, Scope::Module(module)), depth + 1),
            Target::Module(module) => Ok(Value::Module(module, at)),
            Target::Package(package, name) => Ok(Value::Package(package, name, at)),
            Target::Missing => Err(Problem::new(at, Why::Unknown(name.to_owned()))),
            Target::Broken => Err(Problem::new(at, Why::Reported)),
        }
    }

    fn get(&self, whole: Value<'p>, of: &'p Expr, name: &str, scope: &Scope<'p>, depth: usize) -> Result<Value<'p>> {
        match self.follow(Value::Expr(of, scope.clone()), depth + 1)? {
            Value::Module(module, at) => self.target(self.project.export(module, name), name, at, depth),
            Value::Expr(Expr { kind: Kind::Object(members), .. }, inner) => {
                match self.member(members, &inner, name, depth + 1)? {
                    Some(value) => self.follow(value, depth + 1),
                    None => Err(Problem::new(whole.at(), Why::Unknown(name.to_owned()))),
                }
            }
            // `import * as backend from "@aws-amplify/backend"`
            Value::Package(package, "*", at) => match &whole {
                Value::Expr(Expr { kind: Kind::Get(_, name), .. }, _) => Ok(Value::Package(package, name, at)),
                _ => Ok(whole),
            },
            _ => Ok(whole),
        }
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
                    other => return Err(other.computed()),
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
        match self.follow(Value::Expr(callee, scope.clone()), depth + 1)? {
            Value::Expr(Expr { kind: Kind::Function(function), .. }, inner) => {
                if args.iter().any(|one| one.spread) {
                    return Err(whole.computed());
                }
                let args = args.iter().map(|one| Value::Expr(&one.expr, scope.clone())).collect();
                self.apply(function, inner, args, depth + 1)
            }
            _ => Ok(whole),
        }
    }

    fn apply(&self, function: &'p Function, scope: Scope<'p>, args: Vec<Value<'p>>, depth: usize) -> Result<Value<'p>> {
        let none = Value::Given("undefined", At { file: scope.module(), span: function.body.span });
        let args = args.into_iter().chain(std::iter::repeat(none));
        let names = function.parameters.iter().map(String::as_str).zip(args).collect();
        let mut scope = Scope::Function(Rc::new(Frame { names, outer: scope }));
        for (name, expr) in &function.locals {
            let local = (name.as_str(), Value::Expr(expr, scope.clone()));
            scope = Scope::Function(Rc::new(Frame { names: vec![local], outer: scope }));
        }
        self.follow(Value::Expr(&function.body, scope), depth + 1)
    }

    /// What a function gives for Amplify's own argument; a value that is no function is itself.
    pub fn given(&self, value: &Value<'p>, what: &'static str) -> Result<Value<'p>> {
        match self.resolve(value)? {
            Value::Expr(Expr { kind: Kind::Function(function), .. }, scope) => {
                self.apply(function, scope, vec![Value::Given(what, value.at())], 0)
            }
            other => Ok(other),
        }
    }

    /// A text.
    pub fn text(&self, value: &Value<'p>) -> Result<String> {
        self.joined(value, 0)
    }

    fn joined(&self, value: &Value<'p>, depth: usize) -> Result<String> {
        match self.follow(value.clone(), depth)? {
            Value::Expr(Expr { kind: Kind::Text(text), .. }, _) => Ok(text.clone()),
            Value::Expr(Expr { kind: Kind::Join(parts), .. }, scope) => {
                let texts = parts.iter().map(|part| self.joined(&Value::Expr(part, scope.clone()), depth + 1));
                let text = texts.collect::<Result<String>>()?;
                match text.len() > 4096 {
                    true => Err(Problem::new(value.at(), Why::Computed("a very long text".into()))),
                    false => Ok(text),
                }
            }
            other => Err(other.computed()),
        }
    }

    /// The elements of a list, spreads opened; what is not static stands as a problem in its place.
    pub fn sequence(&self, value: &Value<'p>) -> Result<Vec<Result<Value<'p>>>> {
        let mut found = Vec::new();
        match self.resolve(value)? {
            Value::Expr(Expr { kind: Kind::List(elements), .. }, scope) => {
                self.elements(elements, &scope, 0, &mut found);
                Ok(found)
            }
            other => Err(other.computed()),
        }
    }

    /// The elements of a list, and apart from them what is not static.
    pub fn list(&self, value: &Value<'p>) -> Result<(Vec<Value<'p>>, Vec<Problem>)> {
        let mut list = (Vec::new(), Vec::new());
        for element in self.sequence(value)? {
            match element {
                Ok(element) => list.0.push(element),
                Err(problem) => list.1.push(problem),
            }
        }
        Ok(list)
    }

    fn elements(&self, elements: &'p [Element], scope: &Scope<'p>, depth: usize, found: &mut Vec<Result<Value<'p>>>) {
        for element in elements {
            let value = Value::Expr(&element.expr, scope.clone());
            if !element.spread {
                found.push(Ok(value));
                continue;
            }
            match self.follow(value, depth + 1) {
                Ok(Value::Expr(Expr { kind: Kind::List(elements), .. }, inner)) => {
                    self.elements(elements, &inner, depth + 1, found)
                }
                Ok(other) => found.push(Err(other.computed())),
                Err(problem) => found.push(Err(problem)),
            }
        }
    }

    /// Every element of a list of texts.
    pub fn texts(&self, value: &Value<'p>) -> Result<Vec<String>> {
        let (values, problems) = self.list(value)?;
        match problems.into_iter().next() {
            Some(problem) => Err(problem),
            None => values.iter().map(|value| self.text(value)).collect(),
        }
    }

    /// The members of an object, spreads opened, later ones in place of earlier ones; and what is not static.
    pub fn object(&self, value: &Value<'p>) -> Result<(Vec<Property<'p>>, Vec<Problem>)> {
        let mut found = (Vec::new(), Vec::new());
        match self.resolve(value)? {
            Value::Expr(Expr { kind: Kind::Object(members), .. }, scope) => {
                self.members(members, &scope, 0, &mut found);
                Ok(found)
            }
            other => Err(other.computed()),
        }
    }

    fn members(
        &self,
        members: &'p [Member],
        scope: &Scope<'p>,
        depth: usize,
        found: &mut (Vec<Property<'p>>, Vec<Problem>),
    ) {
        for member in members {
            let (name, at, expr) = match member {
                Member::Named(name, span, expr) => (name.clone(), At { file: scope.module(), span: *span }, expr),
                Member::At(key, expr) => {
                    let key = Value::Expr(key, scope.clone());
                    match self.text(&key) {
                        Ok(name) => (name, key.at(), expr),
                        Err(problem) => {
                            found.1.push(problem);
                            continue;
                        }
                    }
                }
                Member::Spread(expr) => {
                    match self.follow(Value::Expr(expr, scope.clone()), depth + 1) {
                        Ok(Value::Expr(Expr { kind: Kind::Object(members), .. }, inner)) => {
                            self.members(members, &inner, depth + 1, found)
                        }
                        Ok(other) => found.1.push(other.computed()),
                        Err(problem) => found.1.push(problem),
                    }
                    continue;
                }
            };
            let property = Property { name, at, value: Value::Expr(expr, scope.clone()) };
            match found.0.iter_mut().find(|known| known.name == property.name) {
                Some(known) => *known = property, // an object keeps the place of the first
                None => found.0.push(property),
            }
        }
    }

    /// A value as a chain.
    pub fn chain(&self, value: &Value<'p>) -> Result<Chain<'p>> {
        let at = value.at();
        let mut links = Vec::new();
        let mut value = self.resolve(value)?;
        while let Value::Expr(expr, scope) = &value {
            let inner = match &expr.kind {
                Kind::Get(object, name) => {
                    links.push(Link { name, at: value.at(), args: None });
                    Value::Expr(object, scope.clone())
                }
                Kind::Call(callee, args) => {
                    let args = args.iter().map(|one| argument(one, scope)).collect();
                    match &callee.kind {
                        Kind::Get(object, name) if !self.is_package(object, scope) => {
                            links.push(Link { name, at: value.at(), args: Some(args) });
                            Value::Expr(object, scope.clone())
                        }
                        _ => {
                            links.push(Link { name: "", at: value.at(), args: Some(args) });
                            Value::Expr(callee, scope.clone())
                        }
                    }
                }
                _ => break,
            };
            value = self.resolve(&inner)?;
            if links.len() > super::tree::MAX_DEPTH {
                return Err(Problem::new(at, Why::Computed("a chain that does not end".into())));
            }
        }
        links.reverse();
        Ok(Chain { root: value, links, at })
    }

    /// Whether an expression is a package as a whole: `backend` in `backend.defineAuth`.
    fn is_package(&self, object: &'p Expr, scope: &Scope<'p>) -> bool {
        matches!(&object.kind, Kind::Name(_))
            && matches!(self.follow(Value::Expr(object, scope.clone()), 0), Ok(Value::Package(_, "*", _)))
    }
}

/// An argument; one that is spread has no value of its own.
fn argument<'p>(of: &'p Element, scope: &Scope<'p>) -> Value<'p> {
    match of.spread {
        true => Value::Given("...", At { file: scope.module(), span: of.expr.span }),
        false => Value::Expr(&of.expr, scope.clone()),
    }
}

/// A member of an object.
pub struct Property<'p> {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub at: At,
    /// Its value.
    pub value: Value<'p>,
}
