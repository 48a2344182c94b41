//! TypeScript text to a [`Module`]. The one module that knows oxc.
//! Always: never panics and never overflows the stack; what it does not understand is computed, or a fault.

mod changes;
mod expressions;
mod functions;
mod patterns;

use super::tree::{Export, Expr, HIDDEN, Import, Kind, Member, Module};
use admit_syntax::ast::Span;
use changes::Changes;
use expressions::expression;
use functions::function_of;
use oxc_allocator::Allocator;
use oxc_ast::ast;
use oxc_ast_visit::Visit;
use oxc_parser::Parser;
use oxc_span::{GetSpan, SourceType};
use patterns::bind_variable;

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
