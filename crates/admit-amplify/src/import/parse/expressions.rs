//! Expressions.
//! Always: no deeper than `MAX_DEPTH`; what is not static is computed, by a name that people understand.

use super::functions::{arrow_of, function_of};
use super::span;
use crate::import::tree::{Either, Element, Expr, Kind, MAX_DEPTH, Member};
use admit_syntax::ast::Span;
use oxc_ast::ast;

pub(super) fn expression(of: &ast::Expression<'_>, depth: usize) -> Expr {
    let at = span(of);
    if depth > MAX_DEPTH {
        return Expr { kind: Kind::Computed("an expression nested very deep"), span: at };
    }
    let next = |of: &ast::Expression<'_>| Box::new(expression(of, depth + 1));
    let kind = match of {
        ast::Expression::StringLiteral(text) => Kind::Text(text.value.to_string()),
        ast::Expression::TemplateLiteral(template) => template_of(template, depth),
        ast::Expression::BinaryExpression(binary) => match binary.operator {
            ast::BinaryOperator::Addition => Kind::Sum(vec![*next(&binary.left), *next(&binary.right)]),
            ast::BinaryOperator::StrictEquality => Kind::Equal(true, pair(&binary.left, &binary.right, depth)),
            ast::BinaryOperator::StrictInequality => Kind::Equal(false, pair(&binary.left, &binary.right, depth)),
            _ => Kind::Computed("an expression"),
        },
        ast::Expression::BooleanLiteral(of) => Kind::Bool(of.value),
        ast::Expression::NumericLiteral(of) => Kind::Number(of.value),
        ast::Expression::NullLiteral(_) => Kind::Null,
        ast::Expression::BigIntLiteral(_) => Kind::Computed("a number"),
        ast::Expression::RegExpLiteral(_) => Kind::Computed("a regular expression"),
        ast::Expression::UnaryExpression(of) => match (of.operator, &of.argument) {
            (ast::UnaryOperator::LogicalNot, argument) => Kind::Not(next(argument)),
            (ast::UnaryOperator::UnaryNegation, ast::Expression::NumericLiteral(of)) => Kind::Number(-of.value),
            (ast::UnaryOperator::Void, ast::Expression::NumericLiteral(_)) => Kind::Undefined,
            _ => Kind::Computed("an expression"),
        },
        ast::Expression::Identifier(name) if name.name == "undefined" => Kind::Undefined,
        ast::Expression::Identifier(name) => Kind::Name(name.name.to_string()),
        ast::Expression::ArrayExpression(list) => Kind::List(list.elements.iter().map(|e| element(e, depth)).collect()),
        ast::Expression::ObjectExpression(object) => {
            Kind::Object(object.properties.iter().map(|one| member(one, depth)).collect())
        }
        ast::Expression::StaticMemberExpression(get) if !get.optional => {
            Kind::Get(next(&get.object), get.property.name.to_string())
        }
        ast::Expression::ComputedMemberExpression(at) if !at.optional => {
            Kind::At(next(&at.object), next(&at.expression))
        }
        ast::Expression::CallExpression(call) if !call.optional => {
            Kind::Call(next(&call.callee), call.arguments.iter().map(|one| argument(one, depth)).collect())
        }
        ast::Expression::ArrowFunctionExpression(arrow) if arrow.r#async => Kind::Computed("an asynchronous function"),
        ast::Expression::ArrowFunctionExpression(arrow) => return arrow_of(arrow, depth),
        ast::Expression::FunctionExpression(function) => return function_of(function, depth),
        ast::Expression::ParenthesizedExpression(inner) => return expression(&inner.expression, depth + 1),
        ast::Expression::TSAsExpression(inner) => return expression(&inner.expression, depth + 1),
        ast::Expression::TSSatisfiesExpression(inner) => return expression(&inner.expression, depth + 1),
        ast::Expression::TSNonNullExpression(inner) => return expression(&inner.expression, depth + 1),
        ast::Expression::TSTypeAssertion(inner) => return expression(&inner.expression, depth + 1),
        ast::Expression::ConditionalExpression(of) => {
            Kind::If(Box::new([*next(&of.test), *next(&of.consequent), *next(&of.alternate)]))
        }
        ast::Expression::LogicalExpression(of) => {
            let either = match of.operator {
                ast::LogicalOperator::And => Either::And,
                ast::LogicalOperator::Or => Either::Or,
                ast::LogicalOperator::Coalesce => Either::Coalesce,
            };
            Kind::Either(either, pair(&of.left, &of.right, depth))
        }
        ast::Expression::NewExpression(of) => {
            Kind::New(next(&of.callee), of.arguments.iter().map(|one| argument(one, depth)).collect())
        }
        ast::Expression::ClassExpression(_) => Kind::Computed("a class"),
        ast::Expression::AwaitExpression(_) => Kind::Computed("an awaited value"),
        ast::Expression::AssignmentExpression(of) => {
            let place = match (of.operator, &of.left) {
                (ast::AssignmentOperator::Assign, ast::AssignmentTarget::StaticMemberExpression(get)) => {
                    Some(Kind::Get(next(&get.object), get.property.name.to_string()))
                }
                (ast::AssignmentOperator::Assign, ast::AssignmentTarget::ComputedMemberExpression(at)) => {
                    Some(Kind::At(next(&at.object), next(&at.expression)))
                }
                _ => None,
            };
            match place {
                Some(kind) => Kind::Set(Box::new([Expr { kind, span: span(&of.left) }, *next(&of.right)])),
                None => Kind::Computed("an assignment"),
            }
        }
        ast::Expression::ChainExpression(_) => Kind::Computed("an optional value"),
        _ => Kind::Computed("an expression"),
    };
    Expr { kind, span: at }
}

fn pair(left: &ast::Expression<'_>, right: &ast::Expression<'_>, depth: usize) -> Box<[Expr; 2]> {
    Box::new([expression(left, depth + 1), expression(right, depth + 1)])
}

fn template_of(template: &ast::TemplateLiteral<'_>, depth: usize) -> Kind {
    let text = |part: &ast::TemplateElement<'_>| match &part.value.cooked {
        Some(text) => Expr { kind: Kind::Text(text.to_string()), span: span(part) },
        None => Expr { kind: Kind::Computed("a text with a wrong escape"), span: span(part) },
    };
    let mut parts = Vec::new();
    for (number, part) in template.quasis.iter().enumerate() {
        parts.push(text(part));
        parts.extend(template.expressions.get(number).map(|of| expression(of, depth + 1)));
    }
    match parts.len() {
        1 => parts.remove(0).kind,
        _ => Kind::Template(parts),
    }
}

fn element(of: &ast::ArrayExpressionElement<'_>, depth: usize) -> Element {
    match of {
        ast::ArrayExpressionElement::SpreadElement(spread) => {
            Element { spread: true, expr: expression(&spread.argument, depth + 1) }
        }
        other => plain(other.as_expression(), span(other), depth),
    }
}

fn argument(of: &ast::Argument<'_>, depth: usize) -> Element {
    match of {
        ast::Argument::SpreadElement(spread) => Element { spread: true, expr: expression(&spread.argument, depth + 1) },
        other => plain(other.as_expression(), span(other), depth),
    }
}

pub(super) fn plain(of: Option<&ast::Expression<'_>>, at: Span, depth: usize) -> Element {
    let expr = match of {
        Some(of) => expression(of, depth + 1),
        None => Expr { kind: Kind::Computed("an empty place"), span: at },
    };
    Element { spread: false, expr }
}

fn member(of: &ast::ObjectPropertyKind<'_>, depth: usize) -> Member {
    let property = match of {
        ast::ObjectPropertyKind::SpreadProperty(spread) => {
            return Member::Spread(expression(&spread.argument, depth + 1));
        }
        ast::ObjectPropertyKind::ObjectProperty(property) => property,
    };
    let value = match property.kind {
        ast::PropertyKind::Init => expression(&property.value, depth + 1),
        _ => Expr { kind: Kind::Computed("a getter"), span: span(&**property) },
    };
    let at = span(&property.key);
    match &property.key {
        ast::PropertyKey::StaticIdentifier(name) => Member::Named(name.name.to_string(), at, value),
        ast::PropertyKey::StringLiteral(text) => Member::Named(text.value.to_string(), at, value),
        ast::PropertyKey::NumericLiteral(number) => Member::Named(number.value.to_string(), at, value),
        other => match other.as_expression() {
            Some(key) => Member::At(expression(key, depth + 1), value),
            None => Member::At(Expr { kind: Kind::Computed("a private name"), span: at }, value),
        },
    }
}
