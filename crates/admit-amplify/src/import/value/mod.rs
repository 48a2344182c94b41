//! Static values: names followed through modules and functions, spreads opened, chains unwound.
//! Always: what is not static is a [`Problem`] with its place, and never a value; it ends, also for cycles.

mod choose;
mod follow;
mod gather;
mod made;

use super::project::Project;
use super::tree::{Expr, Kind};
use admit_syntax::ast::Span;
use std::cell::Cell;
use std::rc::Rc;

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

    fn computed(at: At, what: impl Into<String>) -> Problem {
        Problem::new(at, Why::Computed(what.into()))
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
    /// What a method of the language gives, such as `LIST.map(…)`.
    Made(Made<'p>, At),
}

/// A value that stands nowhere in the text.
#[derive(Clone)]
pub enum Made<'p> {
    /// A text.
    Text(Rc<str>),
    /// A number.
    Number(f64),
    /// `true` or `false`.
    Bool(bool),
    /// An argument that is not there.
    Undefined,
    /// A list; what is not static stands as a problem in its place.
    List(Rc<Vec<Result<Value<'p>>>>),
    /// An object.
    Object(Rc<Vec<Property<'p>>>),
}

impl<'p> Value<'p> {
    /// Where it stands.
    pub fn at(&self) -> At {
        match self {
            Value::Expr(expr, scope) => At { file: scope.module(), span: expr.span },
            Value::Package(_, _, at) | Value::Module(_, at) | Value::Given(_, at) | Value::Made(_, at) => *at,
        }
    }

    /// That it is computed, where something static must stand.
    pub fn computed(&self) -> Problem {
        let kind = match self {
            Value::Expr(expr, _) => Some(&expr.kind),
            _ => None,
        };
        let what = match (self, kind) {
            (_, Some(Kind::Computed(what))) => (*what).to_owned(),
            (_, Some(Kind::Set(..))) => "an assignment".into(),
            (_, Some(Kind::Call(..))) => "the result of a call".into(),
            (_, Some(Kind::New(..))) => "a new object".into(),
            (_, Some(Kind::Function(_))) => "a function".into(),
            (_, Some(Kind::Object(_))) | (Value::Made(Made::Object(_), _), _) => "an object".into(),
            (_, Some(Kind::List(_))) | (Value::Made(Made::List(_), _), _) => "a list".into(),
            (_, Some(Kind::Text(text))) => format!("the text {text:?}"),
            (_, Some(Kind::Number(_))) | (Value::Made(Made::Number(_), _), _) => "a number".into(),
            (_, Some(Kind::Bool(_))) | (Value::Made(Made::Bool(_), _), _) => "a boolean".into(),
            (_, Some(Kind::Null)) => "`null`".into(),
            (_, Some(Kind::Undefined)) | (Value::Made(Made::Undefined, _), _) => "`undefined`".into(),
            (Value::Made(Made::Text(text), _), _) => format!("the text {text:?}"),
            (Value::Package(package, "*", _), _) => format!("the package `{package}`"),
            (Value::Package(package, name, _), _) => format!("`{name}` of the package `{package}`"),
            (Value::Module(..), _) => "a whole module".into(),
            (Value::Given(what, _), _) => format!("`{what}`"),
            _ => "a value".into(),
        };
        Problem::computed(self.at(), what)
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

/// A member of an object.
#[derive(Clone)]
pub struct Property<'p> {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub at: At,
    /// Its value.
    pub value: Value<'p>,
}

/// Works values out.
pub struct Values<'p> {
    project: &'p Project,
    steps: Cell<u32>,
}

/// A static value, or why there is none.
type Result<T> = std::result::Result<T, Problem>;
