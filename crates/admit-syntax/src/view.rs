//! The typed view of a tree: what the checker reads.
//! Always: a declaration with an error of its own is left out, and the error says why.

use crate::ast::*;
use crate::error::{self, SyntaxError};
use crate::grammar::Kind;
use crate::lexer::TokenKind;
use crate::tree::{Node, Tree};

/// The typed view of one declaration.
pub fn item(tree: &Tree<'_>, node: &Node) -> Result<Item, Vec<SyntaxError>> {
    let mut view = View { tree, errors: Vec::new() };
    let item = view.item(node);
    if view.errors.is_empty() { Ok(item) } else { Err(view.errors) }
}

struct View<'t> {
    tree: &'t Tree<'t>,
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
            Kind::use_declaration => Item::Use(Use { path: self.literal(node), span }),
            Kind::let_declaration => {
                let described = self.tree.described(node);
                Item::Let(Let { doc, name: self.name(node), list: self.named(node), span, described })
            }
            Kind::group => {
                let roles =
                    children(node, Kind::role_rules).map(|role| (self.key(role), self.rules(role).rules)).collect();
                Item::Group(Group { doc, name: self.key(node), settings: self.settings(node), roles, span })
            }
            Kind::test => {
                let members = node.children.iter().filter_map(|child| self.test_member(child)).collect();
                Item::Test(Test { name: self.literal(node), members, span })
            }
            Kind::invariant => {
                let requirements =
                    children(node, Kind::requirement).filter_map(|child| self.requirement(child)).collect();
                Item::Invariant(Invariant { name: self.literal(node), requirements, span })
            }
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

    fn operation(&mut self, node: &Node, doc: Vec<String>, rules: Rules, span: Span) -> Item {
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
            Some(of) if of.kind == Kind::list => ValueKind::List(self.elements(of)),
            Some(of) if of.kind == Kind::object => ValueKind::Object(self.settings(of)),
            Some(of) if of.kind == Kind::string => ValueKind::Text(self.string(of)),
            Some(of) if of.kind == Kind::calls => self.calls(of),
            _ => ValueKind::Number(self.text(node).to_owned()),
        };
        Value { kind, span }
    }

    /// The elements of a list: values, texts and spreads.
    fn elements(&mut self, node: &Node) -> Vec<Value> {
        let element = |child: &Node| match child.kind {
            Kind::spread => Value { kind: ValueKind::Spread(self.name(child).text), span: self.tree.span(child) },
            Kind::string => Value { kind: ValueKind::Text(self.string(child)), span: self.tree.span(child) },
            _ => self.value(child),
        };
        node.children.iter().map(element).collect()
    }

    fn calls(&mut self, node: &Node) -> ValueKind {
        let mut calls: Vec<Call> = children(node, Kind::call).map(|call| self.call(call)).collect();
        let is_list = child(node, Kind::brackets).is_some();
        match calls.as_mut_slice() {
            [Call { name, args: None, .. }] if is_list => ValueKind::ListOf(std::mem::take(&mut name.text)),
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

    fn rules(&mut self, node: &Node) -> Rules {
        let rules = children(node, Kind::rule).map(|rule| self.rule(rule)).collect();
        Rules { rules, spreads: children(node, Kind::spread).map(|spread| self.name(spread)).collect() }
    }

    fn rule(&mut self, node: &Node) -> Rule {
        let span = self.tree.span(node);
        let mut calls = children(node, Kind::call).map(|call| self.call(call)).collect::<Vec<_>>().into_iter();
        let effect = self.name(node);
        let conditions = children(node, Kind::when).filter_map(|when| self.when(when)).collect();
        let who = calls.next().unwrap_or(Call { name: effect.clone(), args: None, span });
        Rule { effect, who, modifiers: calls.collect(), conditions, span }
    }

    // ---- conditions

    fn when(&mut self, node: &Node) -> Option<When> {
        let condition = self.condition(child(node, Kind::condition)?)?;
        Some(When { condition, span: self.tree.span(node) })
    }

    /// A condition of any form; one part alone is that part.
    fn condition(&mut self, node: &Node) -> Option<Condition> {
        let mut parts = node.children.iter().filter_map(|part| self.part(part)).collect::<Vec<_>>();
        let kind = match (node.kind, parts.len()) {
            (_, 1) => return parts.pop(),
            (Kind::condition, _) => ConditionKind::Or(parts),
            _ => ConditionKind::And(parts),
        };
        Some(Condition { kind, span: self.tree.span(node) })
    }

    fn part(&mut self, node: &Node) -> Option<Condition> {
        let span = self.tree.span(node);
        match node.kind {
            Kind::negation if self.tree.tokens[node.tokens.start].kind == TokenKind::Bang => {
                let of = self.part(child(node, Kind::negation)?)?;
                Some(Condition { kind: ConditionKind::Not(Box::new(of)), span })
            }
            Kind::negation | Kind::parenthesized => self.part(node.children.first()?),
            Kind::comparison => self.comparison(node),
            _ => self.condition(node),
        }
    }

    fn comparison(&mut self, node: &Node) -> Option<Condition> {
        let mut operands =
            children(node, Kind::operand).map(|operand| self.operand(operand)).collect::<Vec<_>>().into_iter();
        let left = operands.next()?;
        let comparator = child(node, Kind::comparator).map(|comparator| match self.text(comparator) {
            "==" => Comparator::Equal,
            "!=" => Comparator::NotEqual,
            "<" => Comparator::Less,
            "<=" => Comparator::LessOrEqual,
            ">" => Comparator::Greater,
            ">=" => Comparator::GreaterOrEqual,
            _ => Comparator::In,
        });
        let kind = match (comparator, operands.next()) {
            (Some(comparator), Some(right)) => ConditionKind::Compare(left, comparator, right),
            _ => ConditionKind::Operand(left),
        };
        Some(Condition { kind, span: self.tree.span(node) })
    }

    fn operand(&mut self, node: &Node) -> Operand {
        let kind = match node.children.first() {
            Some(of) if of.kind == Kind::string => OperandKind::Text(self.string(of)),
            Some(of) if of.kind == Kind::operands => {
                OperandKind::List(children(of, Kind::operand).map(|operand| self.operand(operand)).collect())
            }
            Some(of) if of.kind == Kind::reading => self.reading(of),
            _ => OperandKind::Number(self.text(node).to_owned()),
        };
        Operand { kind, span: self.tree.span(node) }
    }

    fn reading(&mut self, node: &Node) -> OperandKind {
        let root = self.name(node);
        let steps: Vec<Read> = node.children.iter().skip(1).filter_map(|step| self.read(step)).collect();
        match (root.text.as_str(), steps.is_empty()) {
            ("true", true) => OperandKind::Bool(true),
            ("false", true) => OperandKind::Bool(false),
            ("null", true) => OperandKind::Null,
            _ => OperandKind::Reading(root, steps),
        }
    }

    fn read(&mut self, node: &Node) -> Option<Read> {
        Some(match node.kind {
            Kind::index => Read::Index(self.literal(node)),
            Kind::asking => Read::Ask(self.name(node), Box::new(self.operand(child(node, Kind::operand)?))),
            _ => Read::Member(Name { text: self.text(node).to_owned(), span: self.tree.span(node) }),
        })
    }

    // ---- named lists, tests and invariants

    fn named(&mut self, node: &Node) -> Named {
        match (child(node, Kind::rules), child(node, Kind::list)) {
            (None, Some(list)) => {
                Named::Texts(Value { kind: ValueKind::List(self.elements(list)), span: self.tree.span(list) })
            }
            (rules, _) => Named::Rules(self.rules(rules.unwrap_or(node))),
        }
    }

    fn test_member(&mut self, node: &Node) -> Option<TestMember> {
        match node.kind {
            Kind::test_let => Some(TestMember::Let(self.name(node), self.subject(child(node, Kind::subject)?))),
            Kind::assertion => self.assertion(node).map(Box::new).map(TestMember::Assertion),
            _ => None,
        }
    }

    fn assertion(&mut self, node: &Node) -> Option<Assertion> {
        let (caller, rest) = (child(node, Kind::subject)?, self.deeds(node));
        let verb = self.tree.tokens[caller.tokens.end..].iter().find(|token| !token.kind.is_trivia())?.span;
        let Deed { operations, target } = rest.into_iter().next()?;
        let input = child(node, Kind::with).and_then(|with| child(with, Kind::object));
        Some(Assertion {
            caller: self.subject(caller),
            can: self.tree.text[verb.range()] == *"can",
            verb,
            operations,
            target,
            input: input.map(|of| Value { kind: ValueKind::Object(self.settings(of)), span: self.tree.span(of) }),
            span: self.tree.span(node),
        })
    }

    /// The operations and targets of an assertion or a requirement, behind a caller if one comes first.
    fn deeds(&mut self, node: &Node) -> Vec<Deed> {
        let skipped = usize::from(node.kind == Kind::assertion);
        let mut deeds = Vec::new();
        let mut operations = None;
        let mut parts = node.children.iter().filter(|part| matches!(part.kind, Kind::subject | Kind::operations));
        for part in parts.by_ref().skip(skipped) {
            match part.kind {
                Kind::operations => {
                    operations = Some(Value { kind: ValueKind::List(self.elements(part)), span: self.tree.span(part) });
                }
                _ => deeds.push(Deed { operations: operations.take(), target: self.subject(part) }),
            }
        }
        deeds
    }

    fn subject(&mut self, node: &Node) -> Subject {
        let is_function = child(node, Kind::key).is_none();
        let mut names = children(node, Kind::name);
        let member = if is_function { None } else { names.next() };
        Subject {
            is_function,
            name: self.key(node),
            member: member.map(|name| Name { text: self.text(name).to_owned(), span: self.tree.span(name) }),
            object: child(node, Kind::object).map(|object| self.settings(object)),
            key: child(node, Kind::string)
                .map(|string| Text { value: self.string(string), span: self.tree.span(string) }),
            span: self.tree.span(node),
        }
    }

    fn requirement(&mut self, node: &Node) -> Option<Requirement> {
        let of = node.children.first()?;
        let mut deeds = self.deeds(of).into_iter();
        let first = deeds.next()?;
        let kind = match of.kind {
            Kind::only => {
                let whos = child(of, Kind::whos)?;
                RequirementKind::Only(whos.children.iter().filter_map(|who| self.whom(who)).collect(), first)
            }
            Kind::no => {
                let who = self.whom(child(of, Kind::who)?)?;
                RequirementKind::No(who, first)
            }
            Kind::whoever => RequirementKind::Whoever(first, deeds.next()?),
            _ => RequirementKind::NoOne(first, deeds.next()?),
        };
        Some(Requirement { kind, span: self.tree.span(of) })
    }

    /// Whom a requirement names, or what stands in its place.
    fn whom(&mut self, node: &Node) -> Option<Who> {
        if node.kind == Kind::value {
            return Some(Who { who: self.value(node), conditions: Vec::new() });
        }
        let calls = children(node, Kind::call).map(|call| self.call(call)).collect();
        let conditions = children(node, Kind::when).filter_map(|when| self.when(when)).collect();
        (node.kind == Kind::who)
            .then(|| Who { who: Value { kind: ValueKind::Calls(calls), span: self.tree.span(node) }, conditions })
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
        let path = self.literal(node);
        let rules = child(node, Kind::rules).map(|rules| self.rules(rules)).unwrap_or_default();
        let doc = self.tree.description(node.tokens.start);
        Path { doc, path, rules, span: self.tree.span(node) }
    }

    /// The node's own string literal.
    fn literal(&mut self, node: &Node) -> Text {
        let string = child(node, Kind::string);
        let value = string.map(|string| self.string(string)).unwrap_or_default();
        Text { value, span: self.tree.span(string.unwrap_or(node)) }
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
