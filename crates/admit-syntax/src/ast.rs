//! The typed view of a file: what the checker reads. Plain owned data, made from the tree.
//! Always: every node carries the bytes it came from, and nothing here judges meaning. A builder, an operation or
//! a modifier that does not exist is still a [`Call`] here; the checker says so.

/// A half-open range of bytes in one file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// A span of `start..end`.
    pub fn new(start: usize, end: usize) -> Span {
        Span { start: start as u32, end: end as u32 }
    }

    /// The smallest span that covers both.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// Whether a byte is in it.
    pub fn holds(self, at: u32) -> bool {
        self.start <= at && at < self.end
    }

    /// As a range, to slice the file's text with.
    pub fn range(self) -> core::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// An identifier as written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Name {
    /// The identifier.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// A string literal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Text {
    /// The value, escapes resolved.
    pub value: String,
    /// Where the literal stands, quotes included.
    pub span: Span,
}

/// A file: its declarations in source order. Broken declarations are left out (they are among the errors).
#[derive(Clone, PartialEq, Debug, Default)]
pub struct File {
    /// The declarations.
    pub items: Vec<Item>,
    /// Whether some declaration was left out, so that a name that seems unknown may be its.
    pub is_broken: bool,
}

/// One declaration.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub enum Item {
    Use(Use),
    Let(Let),
    Group(Group),
    Test(Test),
    Invariant(Invariant),
    Auth(Auth),
    Data(Data),
    Model(Model),
    Type(TypeDecl),
    Enum(EnumDecl),
    Operation(Operation),
    Function(FunctionDecl),
    Storage(Storage),
}

/// `name: value`, in `auth`, `data`, an operation or an object value.
#[derive(Clone, PartialEq, Debug)]
pub struct Setting {
    /// The key, written bare or quoted.
    pub key: Name,
    /// What it is set to.
    pub value: Value,
}

/// A value in a setting or in the arguments of a call.
#[derive(Clone, PartialEq, Debug)]
pub struct Value {
    /// Which value.
    pub kind: ValueKind,
    /// Where it stands.
    pub span: Span,
}

/// The forms of a [`Value`].
#[derive(Clone, PartialEq, Debug)]
pub enum ValueKind {
    /// `"text"`
    Text(String),
    /// `true`, `false`
    Bool(bool),
    /// `12`, `-1.5`: the digits as written
    Number(String),
    /// A bare word: `resizer`, `string`
    Name(String),
    /// A list type: `string[]`, the word without its brackets
    ListOf(String),
    /// `...STAFF`, in a list: the elements of a named list, here
    Spread(String),
    /// `[a, b]`
    List(Vec<Value>),
    /// `{ key: value }`
    Object(Vec<Setting>),
    /// `group("EDITORS")`, `Post.mutations(["create"])`: a word, called, then called upon
    Calls(Vec<Call>),
}

/// `use "common.policy"`
#[derive(Clone, PartialEq, Debug)]
pub struct Use {
    /// The file, relative to the one that this stands in.
    pub path: Text,
    /// The whole declaration.
    pub span: Span,
}

/// `let STAFF = ["ADMINS", "EDITORS"]`
#[derive(Clone, PartialEq, Debug)]
pub struct Let {
    /// The `///` lines before it.
    pub doc: Vec<String>,
    /// The list's name.
    pub name: Name,
    /// What is in it.
    pub list: Named,
    /// The whole declaration.
    pub span: Span,
    /// The whole declaration, with the `///` lines before it.
    pub described: Span,
}

/// What a named list holds.
#[derive(Clone, PartialEq, Debug)]
pub enum Named {
    /// Rules; a list of nothing but spreads is one too, though what it spreads may be texts.
    Rules(Rules),
    /// Texts: a list value.
    Texts(Value),
}

/// Rules, and names of lists of rules that are spread among them, each in source order.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Rules {
    /// The rules.
    pub rules: Vec<Rule>,
    /// The names behind `...`.
    pub spreads: Vec<Name>,
}

/// `group ADMINS { precedence: 0  actsAs: ["EDITORS"] }`
#[derive(Clone, PartialEq, Debug)]
pub struct Group {
    /// The `///` lines before it.
    pub doc: Vec<String>,
    /// The group's name, written bare or quoted.
    pub name: Name,
    /// The settings, in source order.
    pub settings: Vec<Setting>,
    /// `role: { allow.actions([…]).on([…]) }`: each such member, its key and its rules.
    pub roles: Vec<(Name, Vec<Rule>)>,
    /// The whole declaration.
    pub span: Span,
}

/// `test "editors touch drafts only" { … }`
#[derive(Clone, PartialEq, Debug)]
pub struct Test {
    /// What it is called.
    pub name: Text,
    /// The members, in source order.
    pub members: Vec<TestMember>,
    /// The whole declaration.
    pub span: Span,
}

/// A member of a test.
#[derive(Clone, PartialEq, Debug)]
pub enum TestMember {
    /// `let eve = user { groups: ["EDITORS"] }`
    Let(Name, Subject),
    /// `eve can ["read"] draft`
    Assertion(Box<Assertion>),
}

/// `eve cannot ["update"] draft with { title: "x" }`
#[derive(Clone, PartialEq, Debug)]
pub struct Assertion {
    /// Who.
    pub caller: Subject,
    /// `can` rather than `cannot`.
    pub can: bool,
    /// The word `can` or `cannot`.
    pub verb: Span,
    /// The operations, texts and spreads; none for custom operations.
    pub operations: Option<Value>,
    /// What it acts on.
    pub target: Subject,
    /// What is proposed.
    pub input: Option<Value>,
    /// The whole assertion.
    pub span: Span,
}

/// A caller, or what it acts on: `guest`, `user { sub: "1" }`, `function resizer`, `Post.notes`, `articles "a.md"`
#[derive(Clone, PartialEq, Debug)]
pub struct Subject {
    /// `function` stands before the name.
    pub is_function: bool,
    /// The word, bare or quoted.
    pub name: Name,
    /// A word behind a dot.
    pub member: Option<Name>,
    /// `{ sub: "1" }`
    pub object: Option<Vec<Setting>>,
    /// `"drafts/a.md"`
    pub key: Option<Text>,
    /// All of it.
    pub span: Span,
}

/// `invariant "only admins delete" { … }`
#[derive(Clone, PartialEq, Debug)]
pub struct Invariant {
    /// What it is called.
    pub name: Text,
    /// What it requires, in source order.
    pub requirements: Vec<Requirement>,
    /// The whole declaration.
    pub span: Span,
}

/// One thing that an invariant requires.
#[derive(Clone, PartialEq, Debug)]
pub struct Requirement {
    /// Which form.
    pub kind: RequirementKind,
    /// All of it.
    pub span: Span,
}

/// The forms of a [`Requirement`].
#[derive(Clone, PartialEq, Debug)]
pub enum RequirementKind {
    /// `only [group("ADMINS"), owner()] can ["delete"] Post`
    Only(Vec<Who>, Deed),
    /// `no guest() can ["read"] Post`
    No(Who, Deed),
    /// `whoever can ["update"] Post can ["get"] Post`
    Whoever(Deed, Deed),
    /// `no one can both ["create"] Payment and approvePayment`
    NoOne(Deed, Deed),
}

/// Whom a requirement names: `group("ADMINS")`, `owner().and(group("EDITORS")).when(record.state == "draft")`
#[derive(Clone, PartialEq, Debug)]
pub struct Who {
    /// The who and its modifiers, a value of calls; anything else is for the checker to reject.
    pub who: Value,
    /// The conditions: `.when(…)`, of which the checker takes one.
    pub conditions: Vec<When>,
}

/// Operations on something.
#[derive(Clone, PartialEq, Debug)]
pub struct Deed {
    /// The operations, texts and spreads; none for custom operations.
    pub operations: Option<Value>,
    /// What they are done to.
    pub target: Subject,
}

/// `auth { … }`
#[derive(Clone, PartialEq, Debug)]
pub struct Auth {
    /// The word `auth`.
    pub keyword: Span,
    /// The settings, in source order.
    pub settings: Vec<Setting>,
    /// The rules, in source order.
    pub rules: Rules,
    /// The whole declaration.
    pub span: Span,
}

/// `data { … }`
#[derive(Clone, PartialEq, Debug)]
pub struct Data {
    /// The word `data`.
    pub keyword: Span,
    /// The settings, in source order.
    pub settings: Vec<Setting>,
    /// The rules, in source order.
    pub rules: Rules,
    /// The whole declaration.
    pub span: Span,
}

/// `model Post { … }`
#[derive(Clone, PartialEq, Debug)]
pub struct Model {
    /// The `///` lines before it, without the slashes and one blank.
    pub doc: Vec<String>,
    /// The model's name.
    pub name: Name,
    /// The fields, in source order.
    pub fields: Vec<Field>,
    /// Members that are calls: `identifier(["team", "slug"])`.
    pub calls: Vec<Call>,
    /// The rules, in source order.
    pub rules: Rules,
    /// The whole declaration, without its description.
    pub span: Span,
}

/// `title: string! { rules }`
#[derive(Clone, PartialEq, Debug)]
pub struct Field {
    /// The `///` lines before it.
    pub doc: Vec<String>,
    /// The field's name.
    pub name: Name,
    /// Its type.
    pub ty: Type,
    /// `Some` if the field has braces, with the rules in them (perhaps none).
    pub rules: Option<Rules>,
    /// The braces, if there are any.
    pub braces: Option<Span>,
}

/// `string!`, `Photo[]`, `enum ["a", "b"]`, `string![]!`
#[derive(Clone, PartialEq, Debug)]
pub struct Type {
    /// What one element is.
    pub base: BaseType,
    /// `!` directly behind the base: an element is never null (without `[]`: the field is required).
    pub required: bool,
    /// `[]`
    pub list: bool,
    /// `!` behind `[]`: the list itself is required.
    pub list_required: bool,
    /// Where it stands.
    pub span: Span,
}

/// What one element of a field is.
#[derive(Clone, PartialEq, Debug)]
pub enum BaseType {
    /// A built-in type, an enum, a custom type or a model, by name.
    Named(Name),
    /// `enum ["draft", "published"]` (values may be bare words too).
    Enum(Vec<Text>),
}

/// `type Address { street: string }`
#[derive(Clone, PartialEq, Debug)]
pub struct TypeDecl {
    /// The `///` lines before it.
    pub doc: Vec<String>,
    /// The type's name.
    pub name: Name,
    /// The fields; rules on them or beside them are kept so that the checker can reject them.
    pub fields: Vec<Field>,
    /// Rules that stand here though a type carries none.
    pub rules: Rules,
    /// The whole declaration.
    pub span: Span,
}

/// `enum State { draft, published }`
#[derive(Clone, PartialEq, Debug)]
pub struct EnumDecl {
    /// The `///` lines before it.
    pub doc: Vec<String>,
    /// The enum's name.
    pub name: Name,
    /// The values, written bare or quoted.
    pub values: Vec<Text>,
    /// The whole declaration.
    pub span: Span,
}

/// Which custom operation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs)]
pub enum OperationKind {
    Query,
    Mutation,
    Subscription,
}

/// `query publish(id: id!): Post { rules }`; the argument list, the type and the braces may each be left out.
#[derive(Clone, PartialEq, Debug)]
pub struct Operation {
    /// The `///` lines before it.
    pub doc: Vec<String>,
    /// Query, mutation or subscription.
    pub kind: OperationKind,
    /// The operation's name.
    pub name: Name,
    /// The arguments, in source order.
    pub args: Vec<Argument>,
    /// What it returns.
    pub returns: Option<Type>,
    /// `handler: custom`, `for: publish`, …
    pub settings: Vec<Setting>,
    /// The rules, in source order.
    pub rules: Rules,
    /// The whole declaration.
    pub span: Span,
}

/// One argument of a custom operation.
#[derive(Clone, PartialEq, Debug)]
pub struct Argument {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: Type,
}

/// `function resizer`
#[derive(Clone, PartialEq, Debug)]
pub struct FunctionDecl {
    /// The `///` lines before it.
    pub doc: Vec<String>,
    /// The function's name.
    pub name: Name,
    /// The whole declaration.
    pub span: Span,
}

/// `storage articles { "drafts/*": [rules] }`
#[derive(Clone, PartialEq, Debug)]
pub struct Storage {
    /// The `///` lines before it.
    pub doc: Vec<String>,
    /// The bucket's name, written bare or quoted.
    pub name: Name,
    /// The paths, in source order.
    pub paths: Vec<Path>,
    /// The whole declaration.
    pub span: Span,
}

/// `"drafts/*": [rules]`
#[derive(Clone, PartialEq, Debug)]
pub struct Path {
    /// The `///` lines before it.
    pub doc: Vec<String>,
    /// The path as written.
    pub path: Text,
    /// The rules, in source order.
    pub rules: Rules,
    /// The whole member.
    pub span: Span,
}

/// `allow.groups(["EDITORS"]).to(["read"]).when(record.state == "draft")`
#[derive(Clone, PartialEq, Debug)]
pub struct Rule {
    /// The word before the first dot: `allow` or `deny`. Anything else is for the checker to reject.
    pub effect: Name,
    /// The WHO: `groups(["EDITORS"])`; `guest` may stand without parentheses.
    pub who: Call,
    /// What follows: `.to(["read"])`, `.withClaimIn("c")`, in source order.
    pub modifiers: Vec<Call>,
    /// The conditions: `.when(…)`, of which the checker takes one.
    pub conditions: Vec<When>,
    /// From the effect to the last parenthesis.
    pub span: Span,
}

/// A word with arguments: `groups(["EDITORS"])`, `identifier(["team"])`.
#[derive(Clone, PartialEq, Debug)]
pub struct Call {
    /// The word.
    pub name: Name,
    /// The arguments, or `None` without parentheses.
    pub args: Option<Vec<Value>>,
    /// The word and its parentheses.
    pub span: Span,
}

/// `.when(record.state == "draft")`
#[derive(Clone, PartialEq, Debug)]
pub struct When {
    /// What must be true.
    pub condition: Condition,
    /// From `when` to the parenthesis.
    pub span: Span,
}

/// Something that is true, false or unknown of a request.
#[derive(Clone, PartialEq, Debug)]
pub struct Condition {
    /// Which form.
    pub kind: ConditionKind,
    /// All of it.
    pub span: Span,
}

/// The forms of a [`Condition`].
#[derive(Clone, PartialEq, Debug)]
pub enum ConditionKind {
    /// `a || b`: two or more
    Or(Vec<Condition>),
    /// `a && b`: two or more
    And(Vec<Condition>),
    /// `!a`
    Not(Box<Condition>),
    /// `record.state == "draft"`
    Compare(Operand, Comparator, Operand),
    /// `record.locked`, `record.tags.contains("x")`, `true`
    Operand(Operand),
}

/// How two operands are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Comparator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
}

/// What a condition reads or compares with.
#[derive(Clone, PartialEq, Debug)]
pub struct Operand {
    /// Which form.
    pub kind: OperandKind,
    /// All of it.
    pub span: Span,
}

/// The forms of an [`Operand`].
#[derive(Clone, PartialEq, Debug)]
pub enum OperandKind {
    /// `"draft"`
    Text(String),
    /// `12`: the digits as written
    Number(String),
    /// `true`, `false`
    Bool(bool),
    /// `null`
    Null,
    /// `["draft", "review"]`
    List(Vec<Operand>),
    /// `record.state`: a word, and what is read of it
    Reading(Name, Vec<Read>),
}

/// One step of what is read of a word.
#[derive(Clone, PartialEq, Debug)]
pub enum Read {
    /// `.state`
    Member(Name),
    /// `["custom:tenant"]`
    Index(Text),
    /// `.contains("x")`
    Ask(Name, Box<Operand>),
}

impl Rules {
    /// Whether nothing stands here, neither rule nor spread.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.spreads.is_empty()
    }
}
