//! The typed view of a tree: what the checker reads.
//! Always: a declaration with an error of its own is left out, and the error says why.

use crate::ast::*;
use crate::error::{self, SyntaxError};
use crate::grammar::Kind;
use crate::lexer::TokenKind;
use crate::tree::{Node, Tree};

/// The typed view of one declaration.
pub fn item(tree: &Tree, node: &Node) -> Result<Item, Vec<SyntaxError>> {
    let mut view = View { tree, errors: Vec::new() };
    let item = view.item(node);
    if view.errors.is_empty() { Ok(item) } else { Err(view.errors) }
}

struct View<'t> {
    tree: &'t Tree,
    errors: Vec<SyntaxError>,
}

fn children(node: &Node, kind: Kind) -> impl Iterator<Item = &Node> {
    node.children.iter().filter(move |child| child.kind == kind)
}

fn child(node: &Node, kind: Kind) -> Option<&Node> {
    children(node, kind).next()
}

impl View<'_> {
    fn item(&mut self, node: &Node) -> Item {
        let doc = self.tree.description(node.tokens.start);
        let span = self.tree.span(node);
        let rules = self.rules(node);
        match node.kind {
            Kind::auth => Item::Auth(Auth { keyword: self.keyword(node), settings: self.settings(node), rules, span }),
            Kind::data => Item::Data(Data { keyword: self.keyword(node), settings: self.settings(node), rules, span }),
            Kind::model => {
                let calls = children(node, Kind::call_member).map(|call| self.call(call)).collect();
                Item::Model(Model { doc, name: self.name(node), fields: self.fields(node), calls, rules, span })
            }
            Kind::type_declaration => {
                Item::Type(TypeDecl { doc, name: self.name(node), fields: self.fields(node), rules, span })
            }
            Kind::enum_declaration => {
                Item::Enum(EnumDecl { doc, name: self.name(node), values: self.enum_values(node), span })
            }
            Kind::function => Item::Function(FunctionDecl { doc, name: self.name(node), span }),
            Kind::storage => {
                let paths = children(node, Kind::path).map(|path| self.path(path)).collect();
                Item::Storage(Storage { doc, name: self.key(node), paths, span })
            }
            _ => self.operation(node, doc, rules, span),
        }
    }

    fn operation(&mut self, node: &Node, doc: Vec<String>, rules: Vec<Rule>, span: Span) -> Item {
        let kind = match child(node, Kind::operation_kind).map(|kind| self.text(kind)) {
            Some("mutation") => OperationKind::Mutation,
            Some("subscription") => OperationKind::Subscription,
            _ => OperationKind::Query,
        };
        let parameters = child(node, Kind::parameters).map(|of| children(of, Kind::parameter).collect::<Vec<_>>());
        let args = parameters.unwrap_or_default().into_iter();
        let args = args.map(|of| Argument { name: self.name(of), ty: self.ty(of) }).collect();
        let returns = child(node, Kind::r#type).map(|_| self.ty(node));
        let settings = self.settings(node);
        Item::Operation(Operation { doc, kind, name: self.name(node), args, returns, settings, rules, span })
    }

    fn text(&self, node: &Node) -> &str {
        &self.tree.text[self.tree.span(node).range()]
    }

    fn keyword(&self, node: &Node) -> Span {
        self.tree.tokens[node.tokens.start].span
    }

    /// The node's own name.
    fn name(&self, node: &Node) -> Name {
        let named = child(node, Kind::name);
        let span = named.map_or(self.tree.span(node), |name| self.tree.span(name));
        Name { text: named.map_or("", |name| self.text(name)).to_owned(), span }
    }

    /// A name written bare or quoted.
    fn key(&mut self, node: &Node) -> Name {
        match child(node, Kind::key).or(Some(node)) {
            Some(key) => match child(key, Kind::string) {
                Some(string) => Name { text: self.string(string), span: self.tree.span(string) },
                None => self.name(key),
            },
            None => self.name(node),
        }
    }

    fn settings(&mut self, node: &Node) -> Vec<Setting> {
        children(node, Kind::setting).map(|setting| self.setting(setting)).collect()
    }

    fn setting(&mut self, node: &Node) -> Setting {
        let value = child(node, Kind::value).map(|value| self.value(value));
        let span = self.tree.span(node);
        Setting { key: self.key(node), value: value.unwrap_or(Value { kind: ValueKind::List(Vec::new()), span }) }
    }

    fn value(&mut self, node: &Node) -> Value {
        let span = self.tree.span(node);
        let kind = match node.children.first() {
            Some(of) if of.kind == Kind::list => {
                ValueKind::List(children(of, Kind::value).map(|value| self.value(value)).collect())
            }
            Some(of) if of.kind == Kind::object => ValueKind::Object(self.settings(of)),
            Some(of) if of.kind == Kind::string => ValueKind::Text(self.string(of)),
            Some(of) if of.kind == Kind::calls => self.calls(of),
            _ => ValueKind::Number(self.text(node).to_owned()),
        };
        Value { kind, span }
    }

    fn calls(&mut self, node: &Node) -> ValueKind {
        let mut calls: Vec<Call> = children(node, Kind::call).map(|call| self.call(call)).collect();
        match calls.as_mut_slice() {
            [Call { name, args: None, .. }] => match name.text.as_str() {
                "true" => ValueKind::Bool(true),
                "false" => ValueKind::Bool(false),
                _ => ValueKind::Name(std::mem::take(&mut name.text)),
            },
            _ => ValueKind::Calls(calls),
        }
    }

    fn call(&mut self, node: &Node) -> Call {
        let args = child(node, Kind::arguments);
        let args = args.map(|args| children(args, Kind::value).map(|value| self.value(value)).collect());
        Call { name: self.name(node), args, span: self.tree.span(node) }
    }

    fn rules(&mut self, node: &Node) -> Vec<Rule> {
        children(node, Kind::rule).map(|rule| self.rule(rule)).collect()
    }

    fn rule(&mut self, node: &Node) -> Rule {
        let span = self.tree.span(node);
        let mut calls = children(node, Kind::call).map(|call| self.call(call)).collect::<Vec<_>>().into_iter();
        let effect = self.name(node);
        let who = calls.next().unwrap_or(Call { name: effect.clone(), args: None, span });
        Rule { effect, who, modifiers: calls.collect(), span }
    }

    fn fields(&mut self, node: &Node) -> Vec<Field> {
        children(node, Kind::field).map(|field| self.field(field)).collect()
    }

    fn field(&mut self, node: &Node) -> Field {
        let braces = child(node, Kind::field_rules);
        Field {
            doc: self.tree.description(node.tokens.start),
            name: self.name(node),
            ty: self.ty(node),
            rules: braces.map(|braces| self.rules(braces)),
            braces: braces.map(|braces| self.tree.span(braces)),
        }
    }

    /// The type of a field, a parameter or an operation.
    fn ty(&mut self, node: &Node) -> Type {
        let Some(ty) = child(node, Kind::r#type) else { return self.no_type(node) };
        let base = match child(ty, Kind::enum_type) {
            Some(of) => BaseType::Enum(self.enum_values(of)),
            None => BaseType::Named(self.name(ty)),
        };
        let (mut list, mut required, mut list_required) = (false, false, false);
        for element in self.tree.elements(ty) {
            match element {
                crate::tree::Element::Node(node) if node.kind == Kind::brackets => list = true,
                crate::tree::Element::Token(at) if self.tree.tokens[at].kind == TokenKind::Bang => match list {
                    true => list_required = true,
                    false => required = true,
                },
                _ => (),
            }
        }
        Type { base, required, list, list_required, span: self.tree.span(ty) }
    }

    fn no_type(&self, node: &Node) -> Type {
        let base = BaseType::Enum(Vec::new());
        Type { base, required: false, list: false, list_required: false, span: self.tree.span(node) }
    }

    fn enum_values(&mut self, node: &Node) -> Vec<Text> {
        children(node, Kind::enum_value)
            .map(|value| {
                let Name { text: value, span } = self.key(value);
                Text { value, span }
            })
            .collect()
    }

    fn path(&mut self, node: &Node) -> Path {
        let string = child(node, Kind::string);
        let span = self.tree.span(string.unwrap_or(node));
        let value = string.map(|string| self.string(string)).unwrap_or_default();
        let rules = child(node, Kind::rules).map(|rules| self.rules(rules)).unwrap_or_default();
        let doc = self.tree.description(node.tokens.start);
        Path { doc, path: Text { value, span }, rules, span: self.tree.span(node) }
    }

    /// The value of a string literal.
    fn string(&mut self, node: &Node) -> String {
        let span = self.tree.span(node);
        match unescape(self.text(node)) {
            Ok(value) => value,
            Err(bad) => {
                let start = span.start as usize + bad.start;
                let at = Span::new(start, span.start as usize + bad.end);
                let text = &self.tree.text[at.range()];
                self.errors.push(
                    SyntaxError::new(error::BAD_ESCAPE, at, format!("`{text}` is no escape"))
                        .label("not an escape of JSON")
                        .help(r#"the escapes are \" \\ \/ \b \f \n \r \t and \u with four hex digits"#),
                );
                String::new()
            }
        }
    }
}

/// The value of a literal, quotes included; or which bytes of it are no escape.
pub fn unescape(literal: &str) -> Result<String, std::ops::Range<usize>> {
    let inner = literal.get(1..literal.len().saturating_sub(1)).unwrap_or_default();
    let mut value = String::with_capacity(inner.len());
    let mut chars = inner.char_indices().map(|(at, c)| (at + 1, c));
    while let Some((at, c)) = chars.next() {
        if c != '\\' {
            value.push(c);
            continue;
        }
        let Some((end, escape)) = chars.next() else { return Err(at..literal.len()) };
        match escape {
            '"' | '\\' | '/' | '\'' => value.push(escape),
            'b' => value.push('\u{8}'),
            'f' => value.push('\u{c}'),
            'n' => value.push('\n'),
            'r' => value.push('\r'),
            't' => value.push('\t'),
            'u' => {
                let first = hex(literal, end + 1).ok_or(at..end + 1)?;
                chars.by_ref().take(4).for_each(drop);
                let second = (0xd800..0xdc00).contains(&first).then(|| literal.get(end + 5..end + 7)).flatten();
                let code = match second.filter(|text| *text == "\\u").and_then(|_| hex(literal, end + 7)) {
                    Some(second) if (0xdc00..0xe000).contains(&second) => {
                        chars.by_ref().take(6).for_each(drop);
                        0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
                    }
                    _ => first,
                };
                value.push(char::from_u32(code).ok_or(at..end + 5)?);
            }
            _ => return Err(at..end + escape.len_utf8()),
        }
    }
    Ok(value)
}

fn hex(text: &str, at: usize) -> Option<u32> {
    let digits = text.get(at..at + 4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}
