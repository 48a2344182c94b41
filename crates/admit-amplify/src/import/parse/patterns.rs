//! Variables, and values that are taken apart: `const { a, b: [c] } = value`.
//! Always: every name of a pattern is bound, to a part of the value or to something computed.

use super::expressions::expression;
use super::span;
use crate::import::tree::{Expr, HIDDEN, Kind, MAX_DEPTH};
use admit_syntax::ast::Span;
use oxc_ast::ast;
use oxc_ast_visit::Visit;

/// Binds what a declaration of variables binds, in order.
pub(super) fn bind_variable(of: &ast::VariableDeclarator<'_>, depth: usize, bound: &mut Vec<(String, Expr)>) {
    match (&of.id, &of.init) {
        (ast::BindingPattern::BindingIdentifier(name), Some(init)) => {
            bound.push((name.name.to_string(), expression(init, depth)));
        }
        (pattern, Some(init)) => {
            let hidden = hidden(span(of));
            bound.push((hidden.clone(), expression(init, depth)));
            take_apart(pattern, &Expr { kind: Kind::Name(hidden), span: span(of) }, depth, bound);
        }
        (pattern, None) => all_computed(pattern, "a variable without a value", span(of), bound),
    }
}

/// The name of a value that has none.
pub(super) fn hidden(at: Span) -> String {
    format!("{HIDDEN}{}", at.start)
}

/// Binds the names of a pattern to parts of a value.
pub(super) fn take_apart(pattern: &ast::BindingPattern<'_>, of: &Expr, depth: usize, bound: &mut Vec<(String, Expr)>) {
    let at = span(pattern);
    let boxed = || Box::new(of.clone());
    match pattern {
        _ if depth > MAX_DEPTH => all_computed(pattern, "a pattern nested very deep", at, bound),
        ast::BindingPattern::BindingIdentifier(name) => {
            bound.push((name.name.to_string(), Expr { kind: of.kind.clone(), span: at }));
        }
        ast::BindingPattern::ObjectPattern(object) => {
            for one in &object.properties {
                let key = match &one.key {
                    ast::PropertyKey::StaticIdentifier(name) => Some(name.name.to_string()),
                    ast::PropertyKey::StringLiteral(text) => Some(text.value.to_string()),
                    _ => None,
                };
                match key {
                    Some(key) => {
                        let part = Expr { kind: Kind::Get(boxed(), key), span: span(&one.value) };
                        take_apart(&one.value, &part, depth + 1, bound);
                    }
                    None => all_computed(&one.value, "a part of a value by a computed name", at, bound),
                }
            }
            if let Some(rest) = &object.rest {
                all_computed(&rest.argument, "the rest of a value", at, bound);
            }
        }
        ast::BindingPattern::ArrayPattern(list) => {
            for (number, one) in list.elements.iter().enumerate() {
                if let Some(one) = one {
                    let number = Expr { kind: Kind::Number(number as f64), span: span(one) };
                    let part = Expr { kind: Kind::At(boxed(), Box::new(number)), span: span(one) };
                    take_apart(one, &part, depth + 1, bound);
                }
            }
            if let Some(rest) = &list.rest {
                all_computed(&rest.argument, "the rest of a list", at, bound);
            }
        }
        ast::BindingPattern::AssignmentPattern(_) => {
            all_computed(pattern, "a part of a value with a default", at, bound);
        }
    }
}

/// Binds each name of a pattern to something computed.
fn all_computed(pattern: &ast::BindingPattern<'_>, what: &'static str, at: Span, bound: &mut Vec<(String, Expr)>) {
    let mut found = Names(Vec::new());
    found.visit_binding_pattern(pattern);
    bound.extend(found.0.into_iter().map(|name| (name, Expr { kind: Kind::Computed(what), span: at })));
}

struct Names(Vec<String>);

impl<'a> Visit<'a> for Names {
    fn visit_binding_identifier(&mut self, it: &ast::BindingIdentifier<'a>) {
        self.0.push(it.name.to_string());
    }
}
