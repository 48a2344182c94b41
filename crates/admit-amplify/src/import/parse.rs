//! TypeScript text to a [`Module`]. The one module that knows oxc.
//! Always: never panics and never overflows the stack; what it does not understand is computed, or a fault.

use super::tree::{DEFINITIONS, Element, Export, Expr, Function, Import, Kind, MAX_DEPTH, Member, Module};
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
            for one in &variables.declarations {
                match (&one.id, &one.init) {
                    (ast::BindingPattern::BindingIdentifier(name), Some(init)) if variables.kind.is_const() => {
                        module.bindings.insert(name.name.to_string(), expression(init, 0));
                        names.push(name.name.to_string());
                    }
                    (pattern, _) => {
                        let what = if variables.kind.is_const() { "a part of a value" } else { "a variable" };
                        for (name, expr) in parts(pattern, what, span(one)) {
                            module.bindings.insert(name.clone(), expr);
                            names.push(name);
                        }
                    }
                }
            }
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

/// The names of a pattern, each computed.
fn parts(pattern: &ast::BindingPattern<'_>, what: &'static str, at: Span) -> Vec<(String, Expr)> {
    let mut found = Names(Vec::new());
    found.visit_binding_pattern(pattern);
    found.0.into_iter().map(|name| (name, Expr { kind: Kind::Computed(what), span: at })).collect()
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
        ast::Expression::BinaryExpression(sum) if sum.operator == ast::BinaryOperator::Addition => {
            Kind::Join(vec![*next(&sum.left), *next(&sum.right)])
        }
        ast::Expression::BooleanLiteral(_)
        | ast::Expression::NullLiteral(_)
        | ast::Expression::NumericLiteral(_)
        | ast::Expression::BigIntLiteral(_)
        | ast::Expression::RegExpLiteral(_) => Kind::Literal,
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
        ast::Expression::ArrowFunctionExpression(arrow) if !arrow.r#async => return arrow_of(arrow, depth),
        ast::Expression::FunctionExpression(function) => return function_of(function, depth),
        ast::Expression::ParenthesizedExpression(inner) => return expression(&inner.expression, depth + 1),
        ast::Expression::TSAsExpression(inner) => return expression(&inner.expression, depth + 1),
        ast::Expression::TSSatisfiesExpression(inner) => return expression(&inner.expression, depth + 1),
        ast::Expression::TSNonNullExpression(inner) => return expression(&inner.expression, depth + 1),
        ast::Expression::TSTypeAssertion(inner) => return expression(&inner.expression, depth + 1),
        ast::Expression::ConditionalExpression(_) => Kind::Computed("a conditional"),
        ast::Expression::LogicalExpression(_) => Kind::Computed("a logical expression"),
        ast::Expression::NewExpression(_) => Kind::Computed("a new object"),
        ast::Expression::AwaitExpression(_) => Kind::Computed("an awaited value"),
        ast::Expression::AssignmentExpression(_) => Kind::Computed("an assignment"),
        ast::Expression::ChainExpression(_) => Kind::Computed("an optional value"),
        _ => Kind::Computed("an expression"),
    };
    Expr { kind, span: at }
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
        _ => Kind::Join(parts),
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
    let (locals, body) = match &arrow.body {
        ast::ArrowFunctionBody::FunctionBody(body) => block(body, at, depth),
        other => (Vec::new(), plain(other.as_expression(), at, depth).expr),
    };
    function_expr(&arrow.params, locals, body, at)
}

fn function_of(function: &ast::Function<'_>, depth: usize) -> Expr {
    let at = span(function);
    match &function.body {
        Some(body) if !function.r#async && !function.generator => {
            let (locals, body) = block(body, at, depth);
            function_expr(&function.params, locals, body, at)
        }
        _ => Expr { kind: Kind::Computed("a function that does more than return"), span: at },
    }
}

fn function_expr(params: &ast::FormalParameters<'_>, locals: Vec<(String, Expr)>, body: Expr, at: Span) -> Expr {
    let plain = |one: &ast::FormalParameter<'_>| match (&one.pattern, &one.initializer) {
        (ast::BindingPattern::BindingIdentifier(name), None) => Some(name.name.to_string()),
        _ => None,
    };
    let parameters: Option<Vec<String>> = params.items.iter().map(plain).collect();
    let kind = match parameters.filter(|_| params.rest.is_none()) {
        Some(parameters) => Kind::Function(Box::new(Function { parameters, locals, body })),
        None => Kind::Computed("a function whose parameters are no plain names"),
    };
    Expr { kind, span: at }
}

/// The `const`s and the value of a body that does nothing else than return it.
fn block(body: &ast::FunctionBody<'_>, at: Span, depth: usize) -> (Vec<(String, Expr)>, Expr) {
    let mut locals = Vec::new();
    for statement in &body.statements {
        match statement {
            ast::Statement::VariableDeclaration(variables) if variables.kind.is_const() => {
                for one in &variables.declarations {
                    match (&one.id, &one.init) {
                        (ast::BindingPattern::BindingIdentifier(name), Some(init)) => {
                            locals.push((name.name.to_string(), expression(init, depth + 1)));
                        }
                        (pattern, _) => locals.extend(parts(pattern, "a part of a value", span(one))),
                    }
                }
            }
            ast::Statement::ReturnStatement(of) => {
                let value = plain(of.argument.as_ref(), span(&**of), depth).expr;
                return (locals, value);
            }
            other => {
                let computed = Kind::Computed("a function that does more than return");
                return (Vec::new(), Expr { kind: computed, span: span(other) });
            }
        }
    }
    (Vec::new(), Expr { kind: Kind::Computed("a function that returns nothing"), span: at })
}

// ---- what changes after its declaration

/// Methods that change a list or an object in place.
const CHANGING: [&str; 10] =
    ["push", "pop", "shift", "unshift", "splice", "sort", "reverse", "fill", "copyWithin", "assign"];

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
        walk::walk_assignment_expression(self, it);
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
