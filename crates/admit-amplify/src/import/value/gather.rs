//! Whole texts, lists, objects and chains of static values.

use super::{At, Chain, Link, Made, Problem, Property, Result, Scope, Value, Values};
use crate::import::tree::{Element, Expr, Kind, Member};
use std::collections::HashMap;

/// The longest text, in bytes.
const MAX_TEXT: usize = 4096;

/// A text, unless it is very long.
pub(super) fn limited(text: String, at: At) -> Result<String> {
    match text.len() > MAX_TEXT {
        true => Err(Problem::computed(at, "a very long text")),
        false => Ok(text),
    }
}

impl Value<'_> {
    /// A text, for a value that was followed.
    pub(super) fn is_text(&self) -> bool {
        matches!(
            self,
            Value::Expr(Expr { kind: Kind::Text(_) | Kind::Sum(_) | Kind::Template(_), .. }, _)
                | Value::Made(Made::Text(_), _)
        )
    }
}

/// Members of an object, as they are found.
#[derive(Default)]
pub(super) struct Members<'p> {
    pub all: Vec<Property<'p>>,
    problems: Vec<Problem>,
    places: HashMap<String, usize>,
}

impl<'p> Members<'p> {
    /// Adds a member; one of that name keeps its place.
    pub fn put(&mut self, property: Property<'p>) {
        match self.places.get(&property.name) {
            Some(place) => self.all[*place] = property,
            None => {
                self.places.insert(property.name.clone(), self.all.len());
                self.all.push(property);
            }
        }
    }
}

impl<'p> Values<'p> {
    /// A text.
    pub fn text(&self, value: &Value<'p>) -> Result<String> {
        self.joined(value, 0)
    }

    pub(super) fn joined(&self, value: &Value<'p>, depth: usize) -> Result<String> {
        let value = self.follow(value.clone(), depth)?;
        let at = value.at();
        match &value {
            Value::Expr(Expr { kind: Kind::Text(text), .. }, _) => Ok(text.clone()),
            Value::Expr(Expr { kind: Kind::Sum(parts), .. }, scope) => {
                let texts = parts.iter().map(|part| self.joined(&Value::Expr(part, scope.clone()), depth + 1));
                limited(texts.collect::<Result<String>>()?, at)
            }
            Value::Expr(Expr { kind: Kind::Template(parts), .. }, scope) => {
                let texts = parts.iter().map(|part| self.shown(&Value::Expr(part, scope.clone()), depth + 1));
                limited(texts.collect::<Result<String>>()?, at)
            }
            Value::Made(Made::Text(text), _) => Ok(text.to_string()),
            other => Err(other.computed()),
        }
    }

    /// A text, or a whole number as one.
    fn shown(&self, value: &Value<'p>, depth: usize) -> Result<String> {
        let value = self.follow(value.clone(), depth)?;
        match value.number() {
            Some(number) if number.fract() == 0.0 && number.abs() < 1e15 => Ok(format!("{}", number as i64)),
            _ => self.joined(&value, depth),
        }
    }

    /// The elements of a list, spreads opened; what is not static stands as a problem in its place.
    pub fn sequence(&self, value: &Value<'p>) -> Result<Vec<Result<Value<'p>>>> {
        let value = self.resolve(value)?;
        self.list_of(&value, 0).ok_or_else(|| value.computed())
    }

    /// The same for a value that was followed; none if it is no list.
    pub(super) fn list_of(&self, value: &Value<'p>, depth: usize) -> Option<Vec<Result<Value<'p>>>> {
        match value {
            Value::Expr(Expr { kind: Kind::List(elements), .. }, scope) => {
                let mut found = Vec::new();
                self.elements(elements, scope, depth, &mut found);
                Some(found)
            }
            Value::Made(Made::List(elements), _) => {
                self.cost(elements.len());
                Some(elements.to_vec())
            }
            _ => None,
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
        self.cost(elements.len());
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
                Ok(Value::Made(Made::List(elements), _)) => {
                    self.cost(elements.len());
                    found.extend(elements.iter().cloned());
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
        let value = self.resolve(value)?;
        let mut found = Members::default();
        match self.open(&value, 0, &mut found) {
            true => Ok((found.all, found.problems)),
            false => Err(value.computed()),
        }
    }

    /// Every member of an object or module, if that is what a value is that was followed.
    pub(super) fn opened(&self, value: &Value<'p>) -> Option<Result<Vec<Property<'p>>>> {
        let mut found = Members::default();
        let is_open = self.open(value, 0, &mut found);
        is_open.then(|| found.problems.into_iter().next().map_or(Ok(found.all), Err))
    }

    fn open(&self, value: &Value<'p>, depth: usize, found: &mut Members<'p>) -> bool {
        match value {
            Value::Expr(Expr { kind: Kind::Object(members), .. }, scope) => self.members(members, scope, depth, found),
            Value::Made(Made::Object(members), _) => members.iter().cloned().for_each(|one| found.put(one)),
            // `import * as models from "./models"`
            Value::Module(module, at) => match self.project.export_names(*module) {
                Some(names) => {
                    for name in names {
                        let target = self.project.export(*module, name);
                        match self.target(target, name, *at, depth) {
                            Ok(value) => found.put(Property { name: name.to_owned(), at: value.at(), value }),
                            Err(problem) => found.problems.push(problem),
                        }
                    }
                }
                None => found.problems.push(value.computed()),
            },
            _ => return false,
        }
        true
    }

    fn members(&self, members: &'p [Member], scope: &Scope<'p>, depth: usize, found: &mut Members<'p>) {
        self.cost(members.len());
        for member in members {
            let (name, at, expr) = match member {
                Member::Named(name, span, expr) => (name.clone(), At { file: scope.module(), span: *span }, expr),
                Member::At(key, expr) => {
                    let key = Value::Expr(key, scope.clone());
                    match self.text(&key) {
                        Ok(name) => (name, key.at(), expr),
                        Err(problem) => {
                            found.problems.push(problem);
                            continue;
                        }
                    }
                }
                Member::Spread(expr) => {
                    match self.follow(Value::Expr(expr, scope.clone()), depth + 1) {
                        // `...(FLAG && { … })`
                        Ok(other) if other.is_nothing() || self.truth(&other, depth + 1).is_ok_and(|yes| !yes) => (),
                        Ok(other) => {
                            if !self.open(&other, depth + 1, found) {
                                found.problems.push(other.computed());
                            }
                        }
                        Err(problem) => found.problems.push(problem),
                    }
                    continue;
                }
            };
            found.put(Property { name, at, value: Value::Expr(expr, scope.clone()) });
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
            if links.len() > crate::import::tree::MAX_DEPTH {
                return Err(Problem::computed(at, "a chain that does not end"));
            }
        }
        links.reverse();
        // A method that was taken first and called later: `({ owner }) => [owner()]`.
        let mut joined: Vec<Link<'p>> = Vec::with_capacity(links.len());
        for link in links {
            match joined.last_mut() {
                Some(last) if link.name.is_empty() && last.args.is_none() => {
                    (last.args, last.at) = (link.args, link.at)
                }
                _ => joined.push(link),
            }
        }
        Ok(Chain { root: value, links: joined, at })
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
