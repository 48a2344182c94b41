//! What changes after its declaration: assignments, methods that change in place, statements that call a method.
//! Always: whatever may change a name's value marks it, in any scope.

use super::span;
use crate::import::tree::{DEFINITIONS, Module};
use oxc_ast::ast;
use oxc_ast_visit::{Visit, walk};

/// Methods that change a list or an object in place.
const CHANGING: [&str; 13] = [
    "push",
    "pop",
    "shift",
    "unshift",
    "splice",
    "sort",
    "reverse",
    "fill",
    "copyWithin",
    "assign",
    "defineProperty",
    "defineProperties",
    "setPrototypeOf",
];

/// Methods that a statement may call on a value, and leave it as it is.
const READING: [&str; 10] =
    ["forEach", "map", "filter", "some", "every", "find", "includes", "keys", "values", "entries"];

pub(super) struct Changes<'m> {
    pub module: &'m mut Module,
}

/// The name at the left end of a chain.
fn root<'e, 'a>(mut of: &'e ast::Expression<'a>) -> Option<&'e str> {
    loop {
        of = match of {
            ast::Expression::Identifier(name) => return Some(name.name.as_str()),
            ast::Expression::StaticMemberExpression(get) => &get.object,
            ast::Expression::ComputedMemberExpression(at) => &at.object,
            ast::Expression::CallExpression(call) => &call.callee,
            ast::Expression::ParenthesizedExpression(inner) => &inner.expression,
            ast::Expression::TSNonNullExpression(inner) => &inner.expression,
            ast::Expression::TSAsExpression(inner) => &inner.expression,
            _ => return None,
        };
    }
}

impl Changes<'_> {
    fn changed(&mut self, of: Option<&str>) {
        self.module.changed.extend(of.map(str::to_owned));
    }

    fn all_names(&mut self, of: &ast::Expression<'_>) {
        let mut found = Used(Vec::new());
        found.visit_expression(of);
        self.module.changed.extend(found.0);
    }
}

struct Used(Vec<String>);

impl<'a> Visit<'a> for Used {
    fn visit_identifier_reference(&mut self, it: &ast::IdentifierReference<'a>) {
        self.0.push(it.name.to_string());
    }
}

impl<'a> Visit<'a> for Changes<'_> {
    fn visit_assignment_expression(&mut self, it: &ast::AssignmentExpression<'a>) {
        let mut found = Used(Vec::new());
        found.visit_assignment_target(&it.left);
        self.module.changed.extend(found.0);
        if matches!(&it.left, ast::AssignmentTarget::StaticMemberExpression(get) if get.property.name == "precedence") {
            self.module.precedences.push(span(it));
        }
        walk::walk_assignment_expression(self, it);
    }

    /// A call that is made for what it does: `schema.authorization(…);`
    fn visit_expression_statement(&mut self, it: &ast::ExpressionStatement<'a>) {
        if let ast::Expression::CallExpression(call) = &it.expression
            && let ast::Expression::StaticMemberExpression(get) = &call.callee
            && !READING.contains(&get.property.name.as_str())
        {
            self.changed(root(&get.object));
        }
        walk::walk_expression_statement(self, it);
    }

    fn visit_update_expression(&mut self, it: &ast::UpdateExpression<'a>) {
        let mut found = Used(Vec::new());
        found.visit_simple_assignment_target(&it.argument);
        self.module.changed.extend(found.0);
        walk::walk_update_expression(self, it);
    }

    fn visit_unary_expression(&mut self, it: &ast::UnaryExpression<'a>) {
        if it.operator == ast::UnaryOperator::Delete {
            self.changed(root(&it.argument));
        }
        walk::walk_unary_expression(self, it);
    }

    fn visit_for_of_statement(&mut self, it: &ast::ForOfStatement<'a>) {
        self.all_names(&it.right);
        walk::walk_for_of_statement(self, it);
    }

    fn visit_call_expression(&mut self, it: &ast::CallExpression<'a>) {
        let called = match &it.callee {
            ast::Expression::Identifier(name) => name.name.as_str(),
            ast::Expression::StaticMemberExpression(get) => get.property.name.as_str(),
            _ => "",
        };
        if DEFINITIONS.contains(&called) {
            self.module.definitions.push((span(it), called.to_owned()));
        }
        if let ast::Expression::StaticMemberExpression(get) = &it.callee
            && CHANGING.contains(&called)
        {
            self.changed(root(&get.object));
            it.arguments.iter().filter_map(|one| one.as_expression()).for_each(|one| self.changed(root(one)));
        }
        // A chain on `a`, `allow` or a `define…` is Amplify's, and changes nothing that it is given.
        for name in it.arguments.iter().filter_map(|one| match one.as_expression() {
            Some(ast::Expression::Identifier(name)) => Some(name.name.to_string()),
            _ => None,
        }) {
            self.module.passed.push((name, root(&it.callee).map(str::to_owned)));
        }
        walk::walk_call_expression(self, it);
    }
}
