//! A TypeScript module, as far as importing needs it: what it imports, exports and binds, as static expressions.
//! Always: no deeper than [`MAX_DEPTH`]; whatever is not static stands as [`Kind::Computed`], with its place.

use admit_syntax::ast::Span;
use std::collections::{BTreeMap, BTreeSet};

/// How deep an expression may nest; deeper ones are computed.
pub const MAX_DEPTH: usize = 200;

/// The functions that define what a policy is made of.
pub const DEFINITIONS: [&str; 4] = ["defineAuth", "referenceAuth", "defineData", "defineStorage"];

/// One module.
#[derive(Default, Debug)]
pub struct Module {
    /// Local names that come from other modules.
    pub imports: BTreeMap<String, Import>,
    /// Local names of `const`, `let`, functions and enums. What is declared in another way is computed.
    pub bindings: BTreeMap<String, Expr>,
    /// Exported names.
    pub exports: BTreeMap<String, Export>,
    /// Modules whose exports are exported again.
    pub stars: Vec<String>,
    /// What runs when the module is loaded, and declares nothing.
    pub statements: Vec<Expr>,
    /// Names whose value is changed somewhere after its declaration.
    pub changed: BTreeSet<String>,
    /// Names that are handed to a function, and the function's name; none if it has none.
    pub passed: Vec<(String, Option<String>)>,
    /// Where a property called `precedence` is set.
    pub precedences: Vec<Span>,
    /// Calls of the functions that define parts of a backend, wherever they stand, and their names.
    pub definitions: Vec<(Span, String)>,
    /// Syntax errors: where, and what the parser says. A module with one has nothing else.
    pub faults: Vec<(Span, String)>,
}

/// Where an imported name comes from.
#[derive(Clone, Debug)]
pub struct Import {
    /// The module, as written: `./schema`, `@aws-amplify/backend`.
    pub source: String,
    /// The name there; `*` is the whole module.
    pub name: String,
}

/// What an exported name is.
#[derive(Clone, Debug)]
pub enum Export {
    /// A local name.
    Local(String),
    /// A name of another module.
    From(Import),
}

/// An expression and its place.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub span: Span,
}

/// The static expressions. `as const`, `satisfies`, `!` and parentheses are gone.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A text without expressions in it.
    Text(String),
    /// Texts joined by `+`.
    Sum(Vec<Expr>),
    /// A template: texts and numbers.
    Template(Vec<Expr>),
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(f64),
    /// `null`
    Null,
    /// `undefined`
    Undefined,
    /// `[…]`
    List(Vec<Element>),
    /// `{…}`
    Object(Vec<Member>),
    /// A name. Those that begin with a NUL stand for values without one: see [`HIDDEN`].
    Name(String),
    /// `object.name`
    Get(Box<Expr>, String),
    /// `object[key]`
    At(Box<Expr>, Box<Expr>),
    /// `callee(arguments)`
    Call(Box<Expr>, Vec<Element>),
    /// `new Class(arguments)`
    New(Box<Expr>, Vec<Element>),
    /// A function that does nothing but return.
    Function(Box<Function>),
    /// `test ? yes : no`
    If(Box<[Expr; 3]>),
    /// `left && right`, `left || right`, `left ?? right`
    Either(Either, Box<[Expr; 2]>),
    /// `!value`
    Not(Box<Expr>),
    /// `left === right`, or its opposite.
    Equal(bool, Box<[Expr; 2]>),
    /// `place = value`
    Set(Box<[Expr; 2]>),
    /// Something else, and its name.
    Computed(&'static str),
}

/// What chooses between two values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Either {
    /// `&&`
    And,
    /// `||`
    Or,
    /// `??`
    Coalesce,
}

/// Begins the names of values that have none, such as the right side of `const { a } = value`.
pub const HIDDEN: char = '\0';

/// An element of a list, or an argument.
#[derive(Clone, Debug)]
pub struct Element {
    /// `...` stands before it.
    pub spread: bool,
    /// The element.
    pub expr: Expr,
}

/// A part of an object.
#[derive(Clone, Debug)]
pub enum Member {
    /// `name: value`
    Named(String, Span, Expr),
    /// `[key]: value`
    At(Expr, Expr),
    /// `...object`
    Spread(Expr),
}

/// `(parameters) => { locals; return body }`
#[derive(Clone, Debug)]
pub struct Function {
    /// Parameters, in order.
    pub parameters: Vec<Parameter>,
    /// `const`s of the body and parts of parameters, in order.
    pub locals: Vec<(String, Expr)>,
    /// What it returns.
    pub body: Expr,
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name; hidden if it is taken apart.
    pub name: String,
    /// What it is without an argument.
    pub default: Option<Expr>,
}
