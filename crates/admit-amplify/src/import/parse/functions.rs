//! Functions that do nothing but return.
//! Always: a body that does more is computed.

use super::expressions::{expression, plain};
use super::patterns::{bind_variable, hidden, take_apart};
use super::span;
use crate::import::tree::{Expr, Function, Kind, MAX_DEPTH, Parameter};
use admit_syntax::ast::Span;
use oxc_ast::ast;

pub(super) fn arrow_of(arrow: &ast::ArrowFunctionExpression<'_>, depth: usize) -> Expr {
    let at = span(arrow);
    let body = match &arrow.body {
        ast::ArrowFunctionBody::FunctionBody(body) => block(body, at, depth),
        other => Body { locals: Vec::new(), value: plain(other.as_expression(), at, depth).expr },
    };
    function_expr(&arrow.params, body, at, depth)
}

pub(super) fn function_of(function: &ast::Function<'_>, depth: usize) -> Expr {
    let at = span(function);
    match &function.body {
        Some(body) if !function.r#async && !function.generator => {
            function_expr(&function.params, block(body, at, depth), at, depth)
        }
        _ => Expr { kind: Kind::Computed(DOES_MORE), span: at },
    }
}

fn function_expr(params: &ast::FormalParameters<'_>, body: Body, at: Span, depth: usize) -> Expr {
    let Body { locals: in_body, value: body } = body;
    let mut parameters = Vec::new();
    let mut locals = Vec::new();
    for one in &params.items {
        let default = one.initializer.as_ref().map(|of| expression(of, depth + 1));
        let name = match &one.pattern {
            ast::BindingPattern::BindingIdentifier(name) => name.name.to_string(),
            pattern => {
                let hidden = hidden(span(one));
                let value = Expr { kind: Kind::Name(hidden.clone()), span: span(one) };
                take_apart(pattern, &value, depth + 1, &mut locals);
                hidden
            }
        };
        parameters.push(Parameter { name, default });
    }
    locals.extend(in_body);
    let kind = match params.rest {
        None => Kind::Function(Box::new(Function { parameters, locals, body })),
        Some(_) => Kind::Computed("a function of any number of parameters"),
    };
    Expr { kind, span: at }
}

/// What a function does.
struct Body {
    locals: Vec<(String, Expr)>,
    value: Expr,
}

const DOES_MORE: &str = "a function that does more than return";

/// The `const`s and the value of a body that does nothing else than return it, perhaps one of several.
fn block(body: &ast::FunctionBody<'_>, at: Span, depth: usize) -> Body {
    let mut locals = Vec::new();
    let value = returned(&body.statements, at, depth, &mut locals);
    Body { locals, value }
}

fn returned(statements: &[ast::Statement<'_>], at: Span, depth: usize, locals: &mut Vec<(String, Expr)>) -> Expr {
    let does_more = |at| Expr { kind: Kind::Computed(DOES_MORE), span: at };
    if depth > MAX_DEPTH {
        return does_more(at);
    }
    for (number, statement) in statements.iter().enumerate() {
        match statement {
            ast::Statement::VariableDeclaration(variables) if variables.kind.is_const() => {
                variables.declarations.iter().for_each(|one| bind_variable(one, depth + 1, locals));
            }
            ast::Statement::ReturnStatement(of) => {
                return match &of.argument {
                    Some(of) => expression(of, depth + 1),
                    None => Expr { kind: Kind::Undefined, span: span(&**of) },
                };
            }
            // `if (…) return …;`, and the rest for when it is not so.
            ast::Statement::IfStatement(of) => {
                let Some(yes) = only_return(&of.consequent, depth + 1) else { return does_more(span(statement)) };
                let no = match &of.alternate {
                    Some(no) => only_return(no, depth + 1).unwrap_or_else(|| does_more(span(no))),
                    None => returned(&statements[number + 1..], at, depth + 1, locals),
                };
                let test = expression(&of.test, depth + 1);
                return Expr { kind: Kind::If(Box::new([test, yes, no])), span: span(statement) };
            }
            other => return does_more(span(other)),
        }
    }
    Expr { kind: Kind::Computed("a function that returns nothing"), span: at }
}

/// What a statement returns that does nothing else.
fn only_return(of: &ast::Statement<'_>, depth: usize) -> Option<Expr> {
    match of {
        ast::Statement::ReturnStatement(of) => of.argument.as_ref().map(|of| expression(of, depth + 1)),
        ast::Statement::BlockStatement(block) => match block.body.as_slice() {
            [one] if depth <= MAX_DEPTH => only_return(one, depth + 1),
            _ => None,
        },
        _ => None,
    }
}
