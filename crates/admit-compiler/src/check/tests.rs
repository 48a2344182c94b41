//! `test` blocks: their callers, what these act on, and what is asserted of it.
//! Always: the names of a test are put in; an assertion that comes out can be asked as it stands.

use super::auth::quote;
use super::deeds::{Known, Thing};
use super::{Checker, Declared};
use crate::codes;
use crate::condition::Kind;
use crate::definition::{Caller, Items, Record, Value as Given};
use crate::diagnostic::Diagnostic;
use crate::policy::{Assertion, Place, Target, Test};
use admit_runtime::{Mode, Operation, Provider};
use admit_syntax::ast::{self, Name, Setting, Span, Subject, TestMember, Value};
use admit_syntax::nearest;
use std::collections::{HashMap, HashSet};

/// The words for callers, and the mode in which each asks.
const CALLERS: [(&str, Mode); 6] = [
    ("guest", Mode::Guest),
    ("apiKey", Mode::ApiKey),
    ("lambda", Mode::Lambda),
    ("user", Mode::UserPool),
    ("oidcUser", Mode::Oidc),
    ("poolUser", Mode::IdentityPool),
];

/// What a name of a test stands for; nothing where it could not be read, which is reported there.
#[derive(Clone)]
enum Meant {
    Caller(Option<Caller>),
    Target(Option<Target>),
}

/// The names of one test: what each stands for, where it is declared, and which are used.
#[derive(Default)]
struct Names<'a> {
    meant: HashMap<&'a str, (Meant, Span)>,
    used: HashSet<&'a str>,
}

/// The claims that the policy declares.
pub(super) type Claims<'p> = &'p [(String, Kind, bool)];

impl<'a> Checker<'a> {
    pub(super) fn read_tests(&mut self, known: Known<'_>, claims: Claims<'_>) -> Vec<Test> {
        let tests = self.declared.tests.clone();
        self.named_once("test", tests.iter().map(|(file, test)| (*file, &test.name)).collect());
        tests.into_iter().map(|declared| self.test(declared, known, claims)).collect()
    }

    /// Names of tests and invariants are sentences: they must differ, and may be of any letters.
    pub(super) fn named_once(&mut self, what: &str, names: Vec<(usize, &ast::Text)>) {
        let mut first: HashMap<&str, (usize, Span)> = HashMap::new();
        for (file, name) in names {
            if let Some((of, before)) = first.get(name.value.as_str()) {
                let message = format!("the {what} `{}` is declared twice", name.value);
                let error =
                    Diagnostic::new(codes::DECLARED_TWICE, file, name.span, message).label("declared again here");
                self.say(error.related(*of, *before, "declared here").help("rename one of them, or remove it"));
            } else {
                first.insert(&name.value, (file, name.span));
            }
        }
    }

    /// Warns of a test or an invariant that holds whatever the rules say.
    pub(super) fn asserts_nothing(&mut self, what: &str, file: usize, name: &ast::Text) {
        let message = format!("the {what} `{}` asserts nothing", name.value);
        let warning = Diagnostic::new(codes::ASSERTS_NOTHING, file, name.span, message);
        let example = if what == "test" { "guest cannot [\"read\"] Post {}" } else { "no guest() can [\"read\"] Post" };
        self.say(warning.label("nothing in its braces").help(format!("write what must hold, such as `{example}`")));
    }

    fn test(&mut self, (file, test): Declared<'a, ast::Test>, known: Known<'_>, claims: Claims<'_>) -> Test {
        let mut names = Names::default();
        for member in &test.members {
            if let TestMember::Let(name, subject) = member {
                if !self.is_free(file, name, known) {
                    continue;
                }
                let meant = self.meant(file, subject, known, claims, &mut names);
                match names.meant.get(name.text.as_str()).map(|(_, before)| *before) {
                    None => drop(names.meant.insert(&name.text, (meant, name.span))),
                    Some(before) => {
                        let message = format!("the name `{}` is declared twice", name.text);
                        let error = Diagnostic::new(codes::DECLARED_TWICE, file, name.span, message);
                        let error = error.label("declared again here").related(file, before, "declared here");
                        self.say(error.help("rename one of them, or remove it"));
                    }
                }
            }
        }
        let mut assertions = Vec::new();
        let mut count = 0;
        for member in &test.members {
            if let TestMember::Assertion(assertion) = member {
                count += 1;
                assertions.extend(self.assertion(file, assertion, known, claims, &mut names));
            }
        }
        if count == 0 {
            self.asserts_nothing("test", file, &test.name);
        }
        self.unused_names(file, &names);
        self.repeated_assertions(&assertions);
        Test { name: test.name.value.clone(), assertions, place: self.place(file, test.name.span) }
    }

    /// A name that already says something else would be read in two ways.
    fn is_free(&mut self, file: usize, name: &Name, known: Known<'_>) -> bool {
        let caller = CALLERS.iter().any(|(word, _)| *word == name.text);
        if caller || known.names().any(|other| other == name.text) {
            let message = format!("`{}` already is the name of something", name.text);
            let error = Diagnostic::new(codes::DECLARED_TWICE, file, name.span, message);
            let what = if caller { "a word for callers" } else { "a model, an operation or a bucket" };
            self.say(error.label(what).help("choose another name"));
            return false;
        }
        true
    }

    fn unused_names(&mut self, file: usize, names: &Names<'_>) {
        let mut unused: Vec<(&&str, Span)> =
            names.meant.iter().filter(|(name, _)| !names.used.contains(*name)).map(|(name, of)| (name, of.1)).collect();
        unused.sort_by_key(|(_, span)| *span);
        for (name, span) in unused {
            let message = format!("nothing uses the name `{name}`");
            let warning = Diagnostic::new(codes::UNUSED_NAME, file, span, message).label("declared here");
            self.say(warning.help("remove it, or write the assertion that is missing"));
        }
    }

    // ---- assertions

    fn assertion(
        &mut self,
        file: usize,
        of: &'a ast::Assertion,
        known: Known<'_>,
        claims: Claims<'_>,
        names: &mut Names<'a>,
    ) -> Option<Assertion> {
        let caller = match self.meant(file, &of.caller, known, claims, names) {
            Meant::Caller(caller) => caller,
            Meant::Target(None) => None,
            Meant::Target(Some(_)) => {
                let name = self.text(file, of.caller.span);
                let message = format!("`{name}` cannot ask for anything");
                let error = Diagnostic::new(codes::CALLER, file, of.caller.span, message).label("not a caller");
                self.say(error.help(CALLER_FORMS));
                None
            }
        };
        let target = match self.meant(file, &of.target, known, claims, names) {
            Meant::Target(target) => target,
            Meant::Caller(_) => {
                let name = self.text(file, of.target.span);
                let message = format!("`{name}` is a caller");
                let help =
                    "name a record, such as `Post { … }`, an object, such as `articles \"a.md\"`, or an operation";
                self.subject_form(file, of.target.span, message, "nothing can be done to it", help.into());
                None
            }
        }?;
        let operations = self.asserted(file, of, &target, known)?;
        let input = match &of.input {
            None => None,
            Some(value) => Some(self.input(file, value, &target, &operations, known)?),
        };
        let place = self.place(file, of.span);
        let assertion = Assertion { caller: caller?, can: of.can, operations, target, input, place };
        self.creates_what_can_be_written(&assertion, file, of, known)?;
        Some(assertion)
    }

    /// The operations, if the target has them and says what they need.
    fn asserted(
        &mut self,
        file: usize,
        of: &ast::Assertion,
        target: &Target,
        known: Known<'_>,
    ) -> Option<Vec<Operation>> {
        let thing = match target {
            Target::Record { model, .. } => known.models.iter().find(|known| known.name == *model).map(Thing::Model),
            Target::Custom(kind, name) => {
                let named = |custom: &&crate::policy::CustomOperation| custom.kind == *kind && custom.name == *name;
                known.operations.iter().find(named).map(Thing::Custom)
            }
            Target::Object { bucket, .. } => {
                known.buckets.iter().find(|known| known.name == *bucket).map(Thing::Bucket)
            }
        }?;
        let field = matches!(target, Target::Record { field: Some(_), .. });
        let operations = self.deed_operations(file, of.operations.as_ref(), &of.target, thing, field)?;
        if let (Target::Record { record: None, model, .. }, true) =
            (target, operations.iter().any(|one| *one != Operation::Create))
        {
            let span = of.target.span;
            let error = Diagnostic::new(codes::SUBJECT_FORM, file, span, format!("which record of `{model}`?"));
            let error = error.label("a model, not a record");
            let braces = format!("{} {{}}", self.text(file, span));
            let help = format!("say what the record holds, such as `{braces}`; an invariant speaks of every record");
            self.say(error.help(help).edit(span, braces));
            return None;
        }
        Some(operations)
    }

    /// `with { … }`
    fn input(
        &mut self,
        file: usize,
        value: &Value,
        target: &Target,
        operations: &[Operation],
        known: Known<'_>,
    ) -> Option<Record> {
        let writes = operations.iter().any(|one| matches!(one, Operation::Create | Operation::Update));
        let fault = match target {
            Target::Record { field: Some(field), .. } => {
                Some(format!("`with` names the fields, so leave `.{field}` out"))
            }
            Target::Record { .. } if writes => None,
            _ => Some("only `create` and `update` propose values: leave `with` out".to_owned()),
        };
        if let Some(help) = fault {
            let error = Diagnostic::new(codes::INPUT_PLACE, file, value.span, "`with` has no place here");
            self.say(error.label("nothing is proposed").help(help));
            return None;
        }
        let Target::Record { model, .. } = target else { return None };
        let model = known.models.iter().find(|known| known.name == *model)?;
        let ast::ValueKind::Object(object) = &value.kind else { return None };
        self.record(file, model, object, true)
    }

    /// A create without `with` proposes the record itself, which then must be something that callers can propose. That
    /// nobody can is no reason to refuse a `cannot`: it speaks of what they can.
    fn creates_what_can_be_written(
        &mut self,
        assertion: &Assertion,
        file: usize,
        of: &ast::Assertion,
        known: Known<'_>,
    ) -> Option<()> {
        let Target::Record { model, record: Some(record), .. } = &assertion.target else { return Some(()) };
        let creates = assertion.can && assertion.operations.contains(&Operation::Create);
        if assertion.input.is_some() || !creates {
            return Some(());
        }
        let model = known.models.iter().find(|known| known.name == *model)?;
        let Some(name) = record.keys().find(|name| !model.is_writable(name)) else { return Some(()) };
        let message =
            format!("nobody can create a record with `{name}`: the model `{}` does not declare it", model.name);
        let error = Diagnostic::new(codes::RECORD_VALUE, file, of.target.span, message).label("what would be created");
        self.say(error.help(format!("name the input: `with {{ … }}`, or declare `{name}: string` in the model")));
        None
    }

    /// Assertions that say the same again, or the opposite.
    fn repeated_assertions(&mut self, assertions: &[Assertion]) {
        let mut first: HashMap<String, (bool, Place)> = HashMap::new();
        for assertion in assertions {
            let key = |operation: &Operation| {
                format!("{:?}", (operation, &assertion.caller, &assertion.target, &assertion.input))
            };
            let is_before = |of: &Operation| first.get(&key(of)).is_some_and(|(can, _)| *can == assertion.can);
            let says_nothing_new = assertion.operations.iter().all(is_before);
            for operation in &assertion.operations {
                let key = key(operation);
                let Some((can, before)) = first.get(&key) else {
                    first.insert(key, (assertion.can, assertion.place));
                    continue;
                };
                let place = assertion.place;
                let (file, span, word) = (place.file as usize, place.span, operation.name());
                let (code, message, label, help) = match *can == assertion.can {
                    true => (codes::REPEATED, format!("`{word}` is asserted twice"), "again here", "once is enough"),
                    false => (
                        codes::CONTRADICTION,
                        format!("`{word}` is asserted, and so is its opposite"),
                        "the opposite of the first",
                        "remove one of them",
                    ),
                };
                let said = Diagnostic::new(code, file, span, message).label(label);
                let said = said.related(before.file as usize, before.span, "the first is here").help(help);
                let removed = self.followed_by_comma(file, span);
                self.say(if says_nothing_new { said.edit(removed, "") } else { said });
            }
        }
    }

    // ---- subjects

    /// A caller or a target: a name of the test, a word for callers, or something of the policy.
    fn meant(
        &mut self,
        file: usize,
        subject: &Subject,
        known: Known<'_>,
        claims: Claims<'_>,
        names: &mut Names<'a>,
    ) -> Meant {
        let word = subject.name.text.as_str();
        if subject.is_function {
            return Meant::Caller(self.function_caller(file, &subject.name));
        }
        if let Some((name, (meant, _))) = names.meant.get_key_value(word) {
            let (name, meant) = (*name, meant.clone());
            names.used.insert(name);
            return self.of_name(file, subject, meant, known);
        }
        if let Some((_, mode)) = CALLERS.iter().find(|(caller, _)| *caller == word) {
            return Meant::Caller(self.caller(file, subject, *mode, claims));
        }
        match known.thing(subject) {
            Some(thing) => Meant::Target(self.target(file, subject, thing)),
            None => {
                let mut all: Vec<&str> = names.meant.keys().copied().collect();
                all.sort_unstable();
                all.extend(known.names());
                all.extend(CALLERS.map(|(caller, _)| caller));
                self.unknown_subject(file, &subject.name, &all);
                Meant::Target(None)
            }
        }
    }

    /// What a name of the test stands for, perhaps one field of it.
    fn of_name(&mut self, file: usize, subject: &Subject, meant: Meant, known: Known<'_>) -> Meant {
        let name = &subject.name.text;
        if subject.object.is_some() || subject.key.is_some() {
            let message = format!("`{name}` already says what it is");
            let help = format!("write `{name}` alone, or name another thing by another `let`");
            self.subject_form(file, subject.span, message, "with more behind it", help);
            return Meant::Target(None);
        }
        match (&subject.member, meant) {
            (None, meant) => meant,
            (Some(member), Meant::Target(Some(Target::Record { model, field: None, record }))) => {
                let of = known.models.iter().find(|known| known.name == model);
                let field = of.and_then(|of| self.field_of(file, of, member));
                Meant::Target(field.map(|field| Target::Record { model, field: Some(field), record }))
            }
            (Some(member), Meant::Target(Some(_)) | Meant::Caller(Some(_))) => {
                let message = format!("`{name}` has no fields");
                self.subject_form(file, member.span, message, "not here", format!("write `{name}`"));
                Meant::Target(None)
            }
            (Some(_), meant) => meant,
        }
    }

    fn target(&mut self, file: usize, subject: &Subject, thing: Thing<'_>) -> Option<Target> {
        self.only_parts(file, subject, thing)?;
        Some(match thing {
            Thing::Custom(custom) => Target::Custom(custom.kind, custom.name.clone()),
            Thing::Model(model) => {
                let field = match &subject.member {
                    Some(member) => Some(self.field_of(file, model, member)?),
                    None => None,
                };
                let record = match &subject.object {
                    Some(object) => Some(self.record(file, model, object, false)?),
                    None => None,
                };
                Target::Record { model: model.name.clone(), field, record }
            }
            Thing::Bucket(bucket) => {
                let Some(key) = &subject.key else {
                    let message = format!("which object of `{}`?", bucket.name);
                    let help = format!("write `{} \"a/key\"`; an invariant speaks of every key", bucket.name);
                    self.subject_form(file, subject.span, message, "a bucket, not an object", help);
                    return None;
                };
                if key.value.ends_with("/*") {
                    let message = "a test asks about one object".to_owned();
                    let help = "write one key; an invariant speaks of every key below a path".to_owned();
                    self.subject_form(file, key.span, message, "a path, not a key", help);
                    return None;
                }
                Target::Object { bucket: bucket.name.clone(), key: key.value.clone() }
            }
        })
    }

    // ---- callers

    fn function_caller(&mut self, file: usize, name: &Name) -> Option<Caller> {
        self.known_function(file, name.span, &name.text);
        let function = Some(name.text.clone());
        self.functions.contains_key(name.text.as_str()).then(|| Caller { function, ..Caller::new(Mode::Function) })
    }

    fn caller(&mut self, file: usize, subject: &Subject, mode: Mode, claims: Claims<'_>) -> Option<Caller> {
        let word = &subject.name.text;
        let takes = matches!(mode, Mode::UserPool | Mode::Oidc | Mode::IdentityPool);
        if subject.member.is_some() || subject.key.is_some() || subject.object.is_some() != takes {
            let error = match takes {
                true => Diagnostic::new(codes::CALLER, file, subject.span, format!("who is this `{word}`?"))
                    .label("nothing is known of them")
                    .help(format!("say what their token holds: `{word} {{ sub: \"1\", groups: [\"EDITORS\"] }}`")),
                false => Diagnostic::new(codes::CALLER, file, subject.span, format!("nothing is known of a `{word}`"))
                    .label("with more behind it")
                    .help(format!("write `{word}` alone"))
                    .edit(subject.span, word),
            };
            self.say(error);
            return None;
        }
        let mut caller = Caller::new(mode);
        let mut fine = true;
        let object = subject.object.as_deref().unwrap_or_default();
        self.once("claim", object.iter().map(|setting| (file, &setting.key)).collect());
        for setting in object {
            fine &= self.about_caller(file, setting, &mut caller, claims).is_some();
        }
        fine.then_some(caller)
    }

    /// `groups: ["EDITORS"]`, `identityId: "id"`, `sub: "1"`, `"custom:tenant": "acme"`
    fn about_caller(
        &mut self,
        file: usize,
        Setting { key, value }: &Setting,
        caller: &mut Caller,
        claims: Claims<'_>,
    ) -> Option<()> {
        let is_quoted = self.text(file, key.span) != key.text;
        match key.text.as_str() {
            "groups" if !is_quoted => {
                let (provider, claim) = match caller.mode {
                    Mode::Oidc => (Provider::Oidc, "cognito:groups".to_owned()),
                    _ => (Provider::UserPools, self.groups.group_claim.clone()),
                };
                let words = self.texts(file, value, "a list of groups, such as `[\"EDITORS\"]`")?;
                words.iter().for_each(|word| self.group_known(word, provider, &claim));
                let names = words.into_iter().map(|word| Given::Text(word.text)).collect();
                caller.claims.insert(claim, Given::List(Items(names)));
            }
            "identityId" if !is_quoted && caller.mode != Mode::Oidc => match &value.kind {
                ast::ValueKind::Text(text) => caller.identity_id = Some(text.clone()),
                _ => return self.wrong_claim(file, value, "identityId", "a text"),
            },
            name => {
                let given = self.free_value(file, value)?;
                let declared = claims.iter().find(|(known, ..)| known == name);
                if let Some(expected) = declared.and_then(|(_, kind, list)| mismatch(&given, *kind, *list)) {
                    return self.wrong_claim(file, value, name, expected);
                }
                self.near_claim(file, key, claims, caller.mode);
                caller.claims.insert(name.to_owned(), given);
            }
        }
        Some(())
    }

    fn wrong_claim(&mut self, file: usize, value: &Value, name: &str, expected: &str) -> Option<()> {
        let message = format!("`{name}` holds {expected}");
        let error = Diagnostic::new(codes::CALLER, file, value.span, message).label("this is something else");
        self.say(error.help(format!("write {expected}")));
        None
    }

    /// A claim that nearly is one that counts: its caller would be somebody else than meant.
    fn near_claim(&mut self, file: usize, key: &Name, claims: Claims<'_>, mode: Mode) {
        let own = ["groups", "identityId", "sub", "username", "cognito:username", "email", "cognito:groups"];
        let known: Vec<&str> = own.into_iter().chain(claims.iter().map(|(name, ..)| name.as_str())).collect();
        if known.contains(&key.text.as_str()) && (key.text != "identityId" || mode == Mode::Oidc) {
            return;
        }
        if let Some(near) = nearest(&key.text, known.iter().copied()).filter(|near| *near != key.text) {
            let message = format!("no rule reads a claim `{}`", key.text);
            let warning = Diagnostic::new(codes::NEAR_CLAIM, file, key.span, message).label("a claim of that name");
            let written = if near.contains(':') { quote(near) } else { near.to_owned() };
            self.say(warning.help(format!("did you mean `{written}`?")).edit(key.span, written));
        }
    }
}

const CALLER_FORMS: &str =
    "callers are `guest`, `apiKey`, `lambda`, `function NAME`, `user { … }`, `oidcUser { … }` and `poolUser { … }`";

/// What a declared claim holds, if the value is something else. A number or a boolean may come as its text.
fn mismatch(value: &Given, kind: Kind, list: bool) -> Option<&'static str> {
    let fits = |value: &Given| match kind {
        Kind::Text | Kind::Date | Kind::DateTime => matches!(value, Given::Null | Given::Text(_)),
        Kind::Integer | Kind::Float => matches!(value, Given::Null | Given::Number(_) | Given::Text(_)),
        Kind::Boolean => matches!(value, Given::Null | Given::Bool(_) | Given::Text(_)),
    };
    match (list, value) {
        (true, Given::Null) => None,
        (true, Given::List(items)) if items.0.iter().all(fits) => None,
        (true, _) => Some("a list"),
        (false, value) if fits(value) => None,
        (false, _) => Some(match kind {
            Kind::Text => "a text",
            Kind::Integer => "a whole number",
            Kind::Float => "a number",
            Kind::Boolean => "`true` or `false`",
            Kind::Date | Kind::DateTime => "the text of a date",
        }),
    }
}
