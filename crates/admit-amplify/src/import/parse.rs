//! TypeScript text to a [`Module`]. The one module that knows oxc.
//! Always: never panics and never overflows the stack; what it does not understand is computed, or a fault.

use super::tree::{DEFINITIONS, Either, Element, Export, Expr, Function, HIDDEN, Import, Kind, MAX_DEPTH, Member};
use super::tree::{Module, Parameter};
use admit_syntax::ast::Span;
use oxc_allocator::Allocator;
use oxc_ast::ast;
use oxc_ast_visit::{Visit, walk};
use oxc_parser::Parser;
use oxc_span::{GetSpan, SourceType};

/// The largest module that is read, in bytes.
pub const MAX_MODULE: usize = 1024 * 1024;
/// The most words and signs that a module may have.
const MAX_TOKENS: usize = 250_000;
/// What the parser needs of the stack for each. It recurses, and its costliest form, `((((`, takes 2,400 bytes a sign
/// in a debug build.
const STACK_PER_TOKEN: usize = 4096;
const STACK: usize = 8 * 1024 * 1024;

/// Reads one module. Faults are in it.
pub fn parse(text: &str) -> Module {
    if text.len() > MAX_MODULE {
        return fault(Span::default(), "this file is larger than 1 MiB".into());
    }
    let tokens = tokens(text);
    if tokens > MAX_TOKENS {
        return fault(Span::default(), "this file has more than 250,000 words and signs".into());
    }
    let read = std::thread::scope(|scope| {
        // Only the pages that are used are ever taken from the system.
        let thread = std::thread::Builder::new().stack_size(STACK + tokens * STACK_PER_TOKEN);
        thread.spawn_scoped(scope, || on_this_stack(text)).ok().and_then(|reader| reader.join().ok())
    });
    read.unwrap_or_else(|| fault(Span::default(), "this file cannot be parsed".into()))
}

fn fault(span: Span, message: String) -> Module {
    Module { faults: vec![(span, message)], ..Module::default() }
}

/// How many words and signs a text has, those in comments and texts included: no expression nests deeper.
fn tokens(text: &str) -> usize {
    let mut in_word = false;
    let mut tokens = 0;
    for byte in text.bytes() {
        let word = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80;
        let goes_on = (word && in_word) || byte.is_ascii_whitespace();
        tokens += usize::from(!goes_on);
        in_word = word;
    }
    tokens
}

fn on_this_stack(text: &str) -> Module {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, SourceType::ts()).parse();
    if parsed.panicked || !parsed.diagnostics.is_empty() {
        let faults = parsed.diagnostics.iter().map(|one| {
            let at = one.labels.iter().next().map_or(0, |label| label.offset() as usize);
            let length = one.labels.iter().next().map_or(0, |label| label.len() as usize);
            let end = text.len().min(at.saturating_add(length));
            (Span::new(at.min(text.len()), end.max(at.min(text.len()))), one.message.to_string())
        });
        let mut faults: Vec<(Span, String)> = faults.take(10).collect();
        if faults.is_empty() {
            faults.push((Span::default(), "this file cannot be parsed".into()));
        }
        return Module { faults, ..Module::default() };
    }
    let mut module = Module::default();
    let mut changes = Changes { module: &mut module };
    changes.visit_program(&parsed.program);
    for statement in &parsed.program.body {
        read_statement(&mut module, statement);
    }
    module
}

fn span(of: &impl GetSpan) -> Span {
    let span = of.span();
    Span::new(span.start as usize, span.end as usize)
}

// ---- statements

fn read_statement(module: &mut Module, statement: &ast::Statement<'_>) {
    match statement {
        ast::Statement::ImportDeclaration(import) if import.import_kind.is_value() => read_import(module, import),
        ast::Statement::ExportDeclaration(export) => {
            for name in declare(module, &export.declaration) {
                module.exports.insert(name.clone(), Export::Local(name));
            }
        }
        ast::Statement::ExportNamedDeclaration(export) if export.export_kind.is_value() => {
            for one in &export.specifiers {
                module.exports.insert(one.exported.name().to_string(), Export::Local(one.local.name().to_string()));
            }
        }
        ast::Statement::ExportFromDeclaration(export) if export.export_kind.is_value() => {
            for one in &export.specifiers {
                let from = import(&export.source, one.local.name().as_str());
                module.exports.insert(one.exported.name().to_string(), Export::From(from));
            }
        }
        ast::Statement::ExportAllDeclaration(export) if export.export_kind.is_value() => match &export.exported {
            Some(name) => {
                let from = import(&export.source, "*");
                module.exports.insert(name.name().to_string(), Export::From(from));
            }
            None => module.stars.push(export.source.value.to_string()),
        },
        ast::Statement::ExportDefaultDeclaration(export) => read_default(module, export),
        ast::Statement::ExpressionStatement(statement) => module.statements.push(expression(&statement.expression, 0)),
        ast::Statement::ImportDeclaration(_)
        | ast::Statement::ExportNamedDeclaration(_)
        | ast::Statement::ExportFromDeclaration(_)
        | ast::Statement::ExportAllDeclaration(_)
        | ast::Statement::EmptyStatement(_) => (),
        other => match other.as_declaration() {
            Some(declaration) => drop(declare(module, declaration)),
            None => module.statements.push(Expr { kind: Kind::Computed("a statement"), span: span(other) }),
        },
    }
}

fn import(source: &ast::StringLiteral<'_>, name: &str) -> Import {
    Import { source: source.value.to_string(), name: name.to_owned() }
}

fn read_import(module: &mut Module, of: &ast::ImportDeclaration<'_>) {
    for specifier in of.specifiers.iter().flatten() {
        let (local, name) = match specifier {
            ast::ImportDeclarationSpecifier::ImportSpecifier(one) => (&one.local, one.imported.name().to_string()),
            ast::ImportDeclarationSpecifier::ImportDefaultSpecifier(one) => (&one.local, "default".to_owned()),
            ast::ImportDeclarationSpecifier::ImportNamespaceSpecifier(one) => (&one.local, "*".to_owned()),
        };
        module.imports.insert(local.name.to_string(), import(&of.source, &name));
    }
}

fn read_default(module: &mut Module, export: &ast::ExportDefaultDeclaration<'_>) {
    let expr = match &export.declaration {
        ast::ExportDefaultDeclarationKind::FunctionDeclaration(function) => function_of(function, 0),
        other => match other.as_expression() {
            Some(of) => expression(of, 0),
            None => return,
        },
    };
    module.bindings.insert("default".into(), expr); // no name in a module can be `default`
    module.exports.insert("default".into(), Export::Local("default".into()));
}

/// Binds what a declaration declares, and gives the names.
fn declare(module: &mut Module, declaration: &ast::Declaration<'_>) -> Vec<String> {
    let computed = |what, at| Expr { kind: Kind::Computed(what), span: at };
    let mut names = Vec::new();
    match declaration {
        ast::Declaration::VariableDeclaration(variables) => {
            let mut bound = Vec::new();
            variables.declarations.iter().for_each(|one| bind_variable(one, 0, &mut bound));
            names.extend(bound.iter().map(|(name, _)| name.clone()).filter(|name| !name.starts_with(HIDDEN)));
            module.bindings.extend(bound);
        }
        ast::Declaration::FunctionDeclaration(function) => {
            if let Some(name) = &function.id {
                module.bindings.insert(name.name.to_string(), function_of(function, 0));
                names.push(name.name.to_string());
            }
        }
        ast::Declaration::ClassDeclaration(class) => {
            if let Some(name) = &class.id {
                module.bindings.insert(name.name.to_string(), computed("a class", span(&**class)));
                names.push(name.name.to_string());
            }
        }
        ast::Declaration::TSEnumDeclaration(of) => {
            let members = of.body.members.iter().map(|one| {
                let value = match &one.initializer {
                    Some(value) => expression(value, 0),
                    None => computed("a number", span(one)),
                };
                Member::Named(one.id.static_name().to_string(), span(&one.id), value)
            });
            let kind = Kind::Object(members.collect());
            module.bindings.insert(of.id.name.to_string(), Expr { kind, span: span(&**of) });
            names.push(of.id.name.to_string());
        }
        _ => (),
    }
    names
}

/// Binds what a declaration of variables binds, in order.
fn bind_variable(of: &ast::VariableDeclarator<'_>, depth: usize, bound: &mut Vec<(String, Expr)>) {
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
fn hidden(at: Span) -> String {
    format!("{HIDDEN}{}", at.start)
}

/// Binds the names of a pattern to parts of a value.
fn take_apart(pattern: &ast::BindingPattern<'_>, of: &Expr, depth: usize, bound: &mut Vec<(String, Expr)>) {
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

// ---- expressions

fn expression(of: &ast::Expression<'_>, depth: usize) -> Expr {
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

fn plain(of: Option<&ast::Expression<'_>>, at: Span, depth: usize) -> Element {
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

fn arrow_of(arrow: &ast::ArrowFunctionExpression<'_>, depth: usize) -> Expr {
    let at = span(arrow);
    let body = match &arrow.body {
        ast::ArrowFunctionBody::FunctionBody(body) => block(body, at, depth),
        other => Body { locals: Vec::new(), value: plain(other.as_expression(), at, depth).expr },
    };
    function_expr(&arrow.params, body, at, depth)
}

fn function_of(function: &ast::Function<'_>, depth: usize) -> Expr {
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

// ---- what changes after its declaration

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

struct Changes<'m> {
    module: &'m mut Module,
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
