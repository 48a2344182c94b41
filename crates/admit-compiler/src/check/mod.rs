//! Checks sources: every problem of every file in one run, and the policy if there is no error.
//! Always: one cause, one diagnostic; the same sources give the same diagnostics in the same order.
//!
//! Where to find what: `uses` joins the files, `lists` reads named lists, `auth` (with `claims` and `acting`) and `data`
//! the two blocks. `rules` reads one rule wherever it stands, `guards` what stands beside its who, `conditions` its
//! condition. `models`, `operations` and `storage` read the declarations that carry rules, `tests` and
//! `invariants` what must hold of them (`deeds` what both speak of). `lints` looks at the whole for warnings, `doubts` at conditions and denies, by what `reach` says that a condition can come to. `accept` takes out the warnings that
//! are accepted.

mod accept;
mod acting;
mod auth;
mod claims;
mod conditions;
mod data;
mod deeds;
mod doubts;
mod fields;
mod groups;
mod guards;
mod invariants;
mod lints;
mod lists;
mod models;
mod names;
mod operations;
mod proofs;
mod reach;
mod readers;
#[cfg(test)]
mod reading;
mod redundant;
mod rules;
mod storage;
mod telling;
mod tests;
mod uses;

use crate::codes;
use crate::diagnostic::{Accepted, Diagnostic, Severity};
use crate::group_roles::group_takes_away;
use crate::policy::{Place, Policy, Roles};
use admit_syntax::ast::{self, Item, Name, Span};
use admit_syntax::{Parsed, Unread};
use auth::Groups;
use claims::Claims;
use conditions::Typed;
use lists::Lists;
use std::collections::{HashMap, HashSet};

pub(crate) use auth::quote;
pub use conditions::MAX_TESTS;
pub use names::MAX_GROUP_NAME;
pub use uses::wanted;

/// The most groups of a user pool: Cognito's limit.
pub const MAX_GROUPS: usize = 10_000;

/// The most classes that a table numbers: groups that rules name, by claim and provider, and functions.
pub const MAX_CLASSES: usize = u16::MAX as usize;

/// The most classes of fields, by their rules, that a table numbers in one model.
pub const MAX_FIELD_CLASSES: usize = u16::MAX as usize;

/// One file of a policy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// Its name in diagnostics and decisions, `/`-separated.
    pub name: String,
    /// What it holds; more than [`admit_syntax::MAX_FILE`] bytes are an error.
    pub text: Vec<u8>,
}

/// What came of checking.
#[derive(Clone, PartialEq, Debug)]
pub struct Checked {
    /// Errors and warnings, by file and place.
    pub diagnostics: Vec<Diagnostic>,
    /// The warnings that are accepted, by file and place: `// admit: allow W0705 because …`.
    pub accepted: Vec<Accepted>,
    /// The policy, if there is no error.
    pub policy: Option<Policy>,
}

impl Checked {
    /// Whether some diagnostic is an error.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|one| one.severity == Severity::Error)
    }
}

/// Checks the files of a policy together. Files that they `use` must be among them: [`wanted`] says which those are.
///
/// ```
/// use admit_compiler::{Source, check};
/// let text = "auth { groups: [\"EDITORS\"] }\nmodel Article { allow.groups([\"EDITOR\"]) }";
/// let checked = check(&[Source { name: "a.policy".into(), text: text.into() }]);
/// assert_eq!(checked.diagnostics[0].message, "unknown group `EDITOR`");
/// assert_eq!(checked.diagnostics[0].help.as_deref(), Some("did you mean `EDITORS`?"));
/// assert!(checked.policy.is_none());
/// ```
///
/// # Panics
/// Never, for any sources.
pub fn check(sources: &[Source]) -> Checked {
    // Models are read when their turn comes: all of them at once take sixteen times the memory of their text. But what is
    // said of one depends on whether all can be read. Where one cannot, all are read, and checking begins anew.
    let parsed = parse(sources, true);
    let is_broken = parsed.iter().any(|parsed| parsed.file().is_broken);
    if let Some(checked) = (!is_broken).then(|| checked(sources, &parsed)).filter(|(_, is_whole)| *is_whole) {
        return checked.0;
    }
    drop(parsed);
    checked(sources, &parse(sources, false)).0
}

fn parse(sources: &[Source], outline: bool) -> Vec<Parsed<'_>> {
    sources.iter().map(|source| accept::parse(&source.text, outline)).collect()
}

/// What came of checking parsed sources, and whether every model could be read.
fn checked(sources: &[Source], parsed: &[Parsed<'_>]) -> (Checked, bool) {
    let mut checker = Checker::new(parsed);
    for (file, parsed) in parsed.iter().enumerate() {
        let errors = parsed.errors().iter().map(|error| Diagnostic::of_syntax(file, error));
        checker.diagnostics.extend(errors);
    }
    let policy = checker.policy(sources);
    let is_error = |one: &Diagnostic| one.severity == Severity::Error;
    if checker.is_whole && !checker.diagnostics.iter().any(is_error) {
        checker.diagnostics.extend(proofs::broken(&policy));
    }
    let (diagnostics, accepted) = accept::accept(parsed, sorted(checker.diagnostics));
    let errors = diagnostics.iter().any(|one| one.severity == Severity::Error);
    (Checked { diagnostics, accepted, policy: (!errors).then_some(policy) }, checker.is_whole)
}

/// By place; what is said twice of one place is said once.
fn sorted(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by(|a, b| {
        let key = |one: &Diagnostic| (one.label.file, one.label.span, one.code);
        key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message))
    });
    // A warning is silent where an error already speaks.
    let mut errors: Vec<(usize, u32)> = Vec::new();
    let at = |one: &Diagnostic| (one.label.file, one.label.span.start);
    errors.extend(diagnostics.iter().filter(|one| one.severity == Severity::Error).map(at));
    diagnostics.retain(|one| {
        let (file, span) = (one.label.file, one.label.span);
        let first = errors.partition_point(|error| *error < (file, span.start));
        let inside = errors.get(first).is_some_and(|error| error.0 == file && error.1 < span.end.max(span.start + 1));
        one.severity == Severity::Error || !inside
    });
    let mut seen = HashSet::new();
    // Several invariants may be broken by one rule.
    let about = |one: &Diagnostic| (one.code == codes::BROKEN_INVARIANT).then(|| one.message.clone());
    diagnostics.retain(|one| seen.insert((one.label.file, one.label.span, one.code, about(one))));
    diagnostics
}

/// A declaration and the file that holds it.
type Declared<'a, T> = (usize, &'a T);

/// A model as declared: read with its file, or only found, to be read when its turn comes.
#[derive(Clone, Copy)]
enum Found<'a> {
    Read(&'a ast::Model),
    Unread(&'a Unread),
}

impl<'a> Found<'a> {
    fn name(self) -> &'a Name {
        match self {
            Found::Read(model) => &model.name,
            Found::Unread(model) => &model.name,
        }
    }

    fn span(self) -> Span {
        match self {
            Found::Read(model) => model.span,
            Found::Unread(model) => model.span,
        }
    }
}

/// The sources' declarations by kind, and what is known while checking them.
struct Checker<'a> {
    parsed: &'a [Parsed<'a>],
    /// Where the lines of each file begin.
    lines: Vec<Vec<u32>>,
    diagnostics: Vec<Diagnostic>,
    /// Some declaration could not be read, so that a name that seems unknown may be its.
    is_broken: bool,
    /// Every model that was only found could be read.
    is_whole: bool,
    declared: Declarations<'a>,
    functions: HashMap<&'a str, (usize, Span)>,
    lists: Lists<'a>,
    groups: Groups,
    claims: Claims,
    /// The conditions that were read.
    typed: Vec<Typed>,
}

#[derive(Default)]
struct Declarations<'a> {
    auth: Vec<Declared<'a, ast::Auth>>,
    data: Vec<Declared<'a, ast::Data>>,
    models: Vec<(usize, Found<'a>)>,
    types: Vec<Declared<'a, ast::TypeDecl>>,
    enums: Vec<Declared<'a, ast::EnumDecl>>,
    operations: Vec<Declared<'a, ast::Operation>>,
    functions: Vec<Declared<'a, ast::FunctionDecl>>,
    storages: Vec<Declared<'a, ast::Storage>>,
    lets: Vec<Declared<'a, ast::Let>>,
    tests: Vec<Declared<'a, ast::Test>>,
    invariants: Vec<Declared<'a, ast::Invariant>>,
    groups: Vec<Declared<'a, ast::Group>>,
}

impl<'a> Checker<'a> {
    fn new(parsed: &'a [Parsed<'a>]) -> Checker<'a> {
        let mut declared = Declarations::default();
        for (file, item) in
            parsed.iter().enumerate().flat_map(|(file, of)| of.file().items.iter().map(move |i| (file, i)))
        {
            match item {
                // Joined by whoever reads files: see `uses`.
                Item::Use(_) => (),
                Item::Let(of) => declared.lets.push((file, of)),
                Item::Group(of) => declared.groups.push((file, of)),
                Item::Test(of) => declared.tests.push((file, of)),
                Item::Invariant(of) => declared.invariants.push((file, of)),
                Item::Auth(of) => declared.auth.push((file, of)),
                Item::Data(of) => declared.data.push((file, of)),
                Item::Model(of) => declared.models.push((file, Found::Read(of))),
                Item::Type(of) => declared.types.push((file, of)),
                Item::Enum(of) => declared.enums.push((file, of)),
                Item::Operation(of) => declared.operations.push((file, of)),
                Item::Function(of) => declared.functions.push((file, of)),
                Item::Storage(of) => declared.storages.push((file, of)),
            }
        }
        // A file has its models among its items, or all of them unread.
        let unread = parsed.iter().enumerate().flat_map(|(file, of)| of.unread().iter().map(move |of| (file, of)));
        declared.models.extend(unread.map(|(file, of)| (file, Found::Unread(of))));
        declared.models.sort_by_key(|(file, _)| *file);
        Checker {
            parsed,
            lines: parsed.iter().map(|parsed| line_starts(parsed.tree().text())).collect(),
            diagnostics: Vec::new(),
            is_broken: parsed.iter().any(|parsed| parsed.file().is_broken),
            is_whole: true,
            declared,
            functions: HashMap::new(),
            lists: Lists::default(),
            groups: Groups::default(),
            claims: Claims::default(),
            typed: Vec::new(),
        }
    }

    fn policy(&mut self, sources: &[Source]) -> Policy {
        self.read_uses(sources);
        self.read_lists();
        self.read_functions();
        self.read_names();
        self.read_auth();
        self.read_acting();
        self.read_group_blocks();
        let schema = self.read_data();
        let auth_functions = self.read_auth_rules();
        let models = self.read_models(&schema);
        let operations = self.read_operations(&schema);
        let buckets = self.read_storages();
        let known = deeds::Known { models: &models, operations: &operations, buckets: &buckets };
        let claims = self.claims.of_policy();
        let (tests, invariants) = (self.read_tests(known, &claims), self.read_invariants(known));
        // Of the groups, what follows asks the policy, and the checker only which act as others.
        let acting = self.groups.declared.iter().filter(|group| !group.acts_as.is_empty()).cloned().collect();
        let policy = Policy {
            exclusive: self.groups.exclusive.clone(),
            claims,
            files: sources.iter().map(|source| source.name.clone()).collect(),
            has_auth: self.groups.has_auth,
            groups: std::mem::replace(&mut self.groups.declared, acting),
            roles: self.groups.roles,
            group_claim: self.groups.group_claim.clone(),
            modes: self.modes(schema.modes.clone(), &models, &operations),
            default_mode: schema.default_mode,
            models,
            operations,
            functions: self.declared.functions.iter().map(|(_, of)| of.name.text.clone()).collect(),
            data_functions: schema.functions.clone(),
            auth_functions,
            buckets,
            tests,
            invariants,
        };
        self.check_limits(&policy);
        self.lint(&policy, &schema);
        if policy.roles == Roles::Preferred {
            self.diagnostics.extend(group_takes_away(&policy));
        }
        policy
    }

    /// Says something about a place; the caller refines it.
    fn say(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn place(&self, file: usize, span: Span) -> Place {
        let line = self.lines[file].partition_point(|start| *start <= span.start);
        Place { file: file as u32, span, line: line as u32 }
    }

    fn text(&self, file: usize, span: Span) -> &'a str {
        self.parsed[file].tree().text().get(span.range()).unwrap_or_default()
    }

    /// A member's bytes, with the comma behind it.
    fn followed_by_comma(&self, file: usize, span: Span) -> Span {
        let after = &self.parsed[file].tree().text()[span.end as usize..];
        let blanks = after.len() - after.trim_start_matches([' ', '\t']).len();
        let comma = if after[blanks..].starts_with(',') { blanks + 1 } else { 0 };
        Span { start: span.start, end: span.end + comma as u32 }
    }

    /// The bytes of a list's element, with the comma behind it, or else with the one before it.
    fn listed(&self, file: usize, span: Span) -> Span {
        let with_comma = self.followed_by_comma(file, span);
        if with_comma != span {
            return with_comma;
        }
        let before = self.parsed[file].tree().text()[..span.start as usize].trim_end();
        Span { start: if before.ends_with(',') { before.len() as u32 - 1 } else { span.start }, end: span.end }
    }

    /// Models, types, enums and operations share their names; functions and buckets have their own.
    fn read_names(&mut self) {
        let mut names: Vec<(usize, &'a Name)> = Vec::new();
        names.extend(self.declared.models.iter().map(|(file, of)| (*file, of.name())));
        names.extend(self.declared.types.iter().map(|(file, of)| (*file, &of.name)));
        names.extend(self.declared.enums.iter().map(|(file, of)| (*file, &of.name)));
        names.extend(self.declared.operations.iter().map(|(file, of)| (*file, &of.name)));
        names.sort_by_key(|(file, name)| (*file, name.span));
        for (file, name) in &names {
            if models::is_builtin(&name.text) {
                let message = format!("`{}` is a built-in type", name.text);
                self.say(
                    Diagnostic::new(codes::DECLARED_TWICE, *file, name.span, message)
                        .label("already the name of a type")
                        .help("choose another name"),
                );
            }
        }
        self.once("name", names);
        let buckets = self.declared.storages.iter().map(|(file, of)| (*file, &of.name)).collect();
        self.once("bucket", buckets);
        let auth = self.declared.auth.iter().map(|(file, of)| (*file, of.keyword)).collect();
        self.block_once("auth", auth);
        let data = self.declared.data.iter().map(|(file, of)| (*file, of.keyword)).collect();
        self.block_once("data", data);
    }

    fn read_functions(&mut self) {
        let names: Vec<(usize, &'a Name)> =
            self.declared.functions.iter().map(|(file, of)| (*file, &of.name)).collect();
        self.functions = names.iter().map(|(file, name)| (name.text.as_str(), (*file, name.span))).collect();
        self.once("function", names);
    }

    /// Reports names that are declared twice, and those that deceive the eye.
    fn once(&mut self, what: &str, names: Vec<(usize, &Name)>) {
        let mut first: HashMap<&str, (usize, Span)> = HashMap::new();
        for (file, name) in names {
            self.look_at(file, name.span, &name.text);
            match first.get(name.text.as_str()) {
                None => drop(first.insert(&name.text, (file, name.span))),
                Some((before, span)) => {
                    let message = format!("the {what} `{}` is declared twice", name.text);
                    self.diagnostics.push(
                        Diagnostic::new(codes::DECLARED_TWICE, file, name.span, message)
                            .label("declared again here")
                            .related(*before, *span, "declared here")
                            .help(match what {
                                "path" | "setting" => "put both into one",
                                _ => "rename one of them, or remove it",
                            }),
                    );
                }
            }
        }
    }

    fn block_once(&mut self, word: &str, blocks: Vec<(usize, Span)>) {
        if let [(first, at), rest @ ..] = blocks.as_slice() {
            for (file, span) in rest {
                let message = format!("`{word}` stands twice");
                self.diagnostics.push(
                    Diagnostic::new(codes::DECLARED_TWICE, *file, *span, message)
                        .label("again here")
                        .related(*first, *at, "the first is here")
                        .help(format!("a policy has at most one `{word}`: put both into one")),
                );
            }
        }
    }

    /// Warns of a name that deceives the eye.
    fn look_at(&mut self, file: usize, span: Span, name: &str) {
        if let Some(why) = names::deceit(name) {
            let message = format!("the name `{name}` deceives the eye: {why}");
            let help = "write it with the letters that it seems to have, if that is what is meant";
            self.say(Diagnostic::new(codes::DECEPTIVE_NAME, file, span, message).label("this name").help(help));
        }
    }

    /// What the table can number.
    fn check_limits(&mut self, policy: &Policy) {
        let mut classes: HashMap<(u32, &str, &str), Place> = HashMap::new();
        for (rule, who) in
            policy.rules().chain(policy.denies()).flat_map(|rule| rule.whos().map(move |who| (rule, who)))
        {
            if let crate::policy::Who::Groups { names, provider, claim } = who {
                for name in names {
                    classes.entry((*provider as u32, claim, name)).or_insert(rule.place);
                }
            }
        }
        let named = |group: &&crate::policy::Group| {
            !classes.contains_key(&(0, policy.group_claim.as_str(), group.name.as_str()))
        };
        let in_storage = policy.rules().chain(policy.denies()).filter_map(|rule| match &rule.who {
            crate::policy::Who::Function(name) => Some(name.as_str()),
            _ => None,
        });
        let in_data = policy.data_functions.iter().map(|rule| rule.function.as_str());
        let functions: HashSet<&str> = in_storage.chain(in_data).collect();
        let count = classes.len() + policy.groups.iter().filter(named).count() + functions.len();
        let place = classes.values().max().copied();
        let place = place.or_else(|| policy.groups.last().map(|group| group.place));
        let place = place.or_else(|| policy.data_functions.last().map(|rule| rule.place)).unwrap_or_default();
        if count > MAX_CLASSES {
            let message = format!("the policy names {count} groups and functions; the limit is {MAX_CLASSES}");
            let diagnostic = Diagnostic::new(codes::TABLE_LIMIT, place.file as usize, place.span, message);
            self.say(diagnostic.label("one of them").help("split the policy, or read groups from record fields"));
        }
        for model in policy.models.iter().filter(|model| model.fields.len() > MAX_FIELD_CLASSES) {
            let classes = crate::matrix::Matrix::of(model).classes.len();
            if classes > MAX_FIELD_CLASSES {
                let place = model.place;
                let message = format!(
                    "`{}` has {classes} fields with different rules; the limit is {MAX_FIELD_CLASSES}",
                    model.name
                );
                let error = Diagnostic::new(codes::TABLE_LIMIT, place.file as usize, place.span, message);
                self.say(error.label("this model").help("give fields the same rules, or split the model"));
            }
        }
    }
}

/// Where each line begins.
fn line_starts(text: &str) -> Vec<u32> {
    let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at as u32 + 1);
    std::iter::once(0).chain(ends).collect()
}

/// `a`, `b` or `c`, in backticks.
fn either<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
