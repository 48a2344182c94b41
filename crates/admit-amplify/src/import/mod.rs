//! An Amplify project as a policy: its TypeScript, or its `amplify_outputs.json`.
//! Always: what cannot be read is reported with its place and left out, so that it is denied; nothing is guessed wider.
//!
//! ```
//! use admit_amplify::import::import;
//! let text = r#"
//!   import { a, defineData } from "@aws-amplify/backend";
//!   const schema = a.schema({ Note: a.model({ text: a.string() }).authorization((allow) => [allow.publicApiKey()]) });
//!   export const data = defineData({ schema });
//! "#;
//! let imported = import(&["resource.ts".into()], &|_| Some(text.into()));
//! assert!(imported.files[0].text.contains("model Note {"));
//! assert!(imported.diagnostics.is_empty());
//! ```

mod amend;
mod auth;
mod backend;
mod fields;
mod hatches;
mod json;
mod operations;
mod outputs;
mod parse;
mod paths;
mod policy;
mod project;
mod report;
mod rules;
mod schema;
mod settle;
mod storage;
mod tree;
mod value;
mod write;

use admit_compiler::Source;
use admit_compiler::diagnostic::{Diagnostic, Severity};
use admit_syntax::ast::Span;
use policy::{Data, Policy};
use project::Project;
use report::{COMPUTED, LeftOut, NOT_SAID, Read, Report, SYNTAX, UNKNOWN_WORD, WITHOUT_EFFECT};
use rules::plain;
use std::collections::{BTreeMap, BTreeSet};
use tree::{DEFINITIONS, Expr};
use value::{At, Property, Scope, Value, Values};

/// What importing gives.
pub struct Imported {
    /// The policy, as files that together are one.
    pub files: Vec<File>,
    /// The texts that diagnostics speak of: those that were read, then the policy's.
    pub sources: Vec<Source>,
    /// What was left out or written in another way, and what the checker says is wrong with the policy.
    pub diagnostics: Vec<Diagnostic>,
}

impl Imported {
    /// Whether something that decides access was left out, or the policy does not compile.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|one| one.severity == Severity::Error)
    }
}

/// A policy file.
pub struct File {
    /// `auth.policy`, `data.policy` or `storage.policy`.
    pub name: &'static str,
    /// Its text, formatted.
    pub text: String,
}

/// Imports a project from its files, or from the one file that is given: TypeScript, or JSON as in
/// `amplify_outputs.json`. `read` gives the bytes of a path, if there is such a file; imports are asked of it too.
///
/// # Panics
/// Never, whatever the files hold.
pub fn import(paths: &[String], read: &dyn Fn(&str) -> Option<Vec<u8>>) -> Imported {
    let ReadAll { policy, mut sources, mut report, may_lack_auth } = read_all(paths, read);
    let files = write::files(&policy);
    let written: Vec<Source> =
        files.iter().map(|file| Source { name: file.name.into(), text: file.text.as_str().into() }).collect();
    let mut checked = admit_compiler::check(&written).diagnostics;
    checked.retain(|one| one.severity == Severity::Error);
    if may_lack_auth && checked.iter().any(|one| NO_AUTH.contains(&one.code)) {
        // One cause, one diagnostic.
        checked.retain(|one| !NO_AUTH.contains(&one.code));
        let at = At { file: 0, span: Span::default() };
        let means = "rules for users and guests need it: import the whole project, or add `auth { … }` to the policy";
        report.say(NOT_SAID, at, "there is no `defineAuth` in what was read", means);
    }
    let mut diagnostics = report.diagnostics;
    diagnostics.sort_by_key(|one| (one.label.file, one.label.span));
    diagnostics.extend(checked.into_iter().map(|one| moved(one, sources.len())));
    sources.extend(written);
    Imported { files, sources, diagnostics }
}

/// What the checker says where users are meant and there is no `auth`.
const NO_AUTH: [&str; 5] = ["E0203", "E0502", "E0504", "E0505", "E0604"];

/// What was read.
struct ReadAll {
    policy: Policy,
    sources: Vec<Source>,
    report: Report,
    /// Whether there is no `defineAuth`, and nothing says that the project has none.
    may_lack_auth: bool,
}

/// A diagnostic of the policy, with its files counted after those of the project.
fn moved(mut diagnostic: Diagnostic, by: usize) -> Diagnostic {
    diagnostic.label.file += by;
    diagnostic.related.iter_mut().for_each(|label| label.file += by);
    diagnostic.fix = None; // the file may not be written
    diagnostic
}

fn read_all(paths: &[String], read: &dyn Fn(&str) -> Option<Vec<u8>>) -> ReadAll {
    let outputs = match paths {
        [path] if path.ends_with(".json") => Some(Source { name: path.clone(), text: read(path).unwrap_or_default() }),
        _ => None,
    };
    let project = Project::load(if outputs.is_some() { &[] } else { paths }, read);
    let mut reader = Reader {
        project: &project,
        values: Values::new(&project),
        report: Report::default(),
        policy: Policy::default(),
        is_precedence_known: true,
        are_groups_known: true,
        has_backend: false,
        schemas: Vec::new(),
        nesting: 0,
        declared: declared(&project),
        named: BTreeMap::new(),
        used: BTreeSet::new(),
        read_precedences: BTreeSet::new(),
    };
    match &outputs {
        Some(outputs) => outputs::read(&mut reader, &outputs.text),
        None => reader.project(),
    }
    reader.settle();
    let Reader { policy, report, has_backend, .. } = reader;
    let may_lack_auth = policy.auth.is_none() && !has_backend;
    ReadAll { policy, sources: outputs.map_or(project.sources, |outputs| vec![outputs]), report, may_lack_auth }
}

/// The names of what is declared, by the place of its value.
fn declared(project: &Project) -> BTreeMap<At, String> {
    let mut declared = BTreeMap::new();
    for (file, module) in project.modules.iter().enumerate() {
        for (name, expr) in
            module.bindings.iter().filter(|(name, _)| *name != "default" && !name.starts_with(tree::HIDDEN))
        {
            declared.insert(At { file, span: expr.span }, name.clone());
        }
    }
    declared
}

/// Reads a project.
struct Reader<'p> {
    project: &'p Project,
    values: Values<'p>,
    report: Report,
    policy: Policy,
    /// Whether the order of the groups is their precedence.
    is_precedence_known: bool,
    /// Whether the groups are all that there are.
    are_groups_known: bool,
    /// Whether a `defineBackend` says what there is.
    has_backend: bool,
    schemas: Vec<schema::Schema>,
    /// How many types and schemas are being read, each in the one before.
    nesting: usize,
    declared: BTreeMap<At, String>,
    /// The names of functions, by the place of their definition.
    named: BTreeMap<At, String>,
    /// The definitions that were read.
    used: BTreeSet<At>,
    /// Where code sets a precedence that was read.
    read_precedences: BTreeSet<At>,
}

impl<'p> Reader<'p> {
    fn faults(&mut self) {
        for (file, module) in self.project.modules.iter().enumerate() {
            for (span, message) in &module.faults {
                let means = "the file is left out, and everything that comes from it is denied";
                self.report.say(SYNTAX, At { file, span: *span }, plain(message), means);
            }
            // It may set the precedence of groups, which is then not the order of the list.
            let text = &self.project.sources[file].text;
            if !module.faults.is_empty() && text.windows(10).any(|part| part == b"precedence") {
                self.is_precedence_known = false;
            }
        }
    }

    /// Reads what `defineBackend` names, or without one every definition.
    fn project(&mut self) {
        self.faults();
        let all = self.expressions();
        let backends: Vec<Value<'p>> = all
            .iter()
            .filter(|value| self.defines(value).is_some_and(|(word, ..)| word == "defineBackend"))
            .cloned()
            .collect();
        self.has_backend = !backends.is_empty();
        // What is left out is reported there.
        for value in if self.has_backend { &backends } else { &all } {
            let _ = if self.has_backend { self.backend(value) } else { self.define(value) };
        }
        self.unreached();
        self.statements();
    }

    /// Definitions that nothing static leads to.
    fn unreached(&mut self) {
        for (file, module) in self.project.modules.iter().enumerate() {
            for (span, word) in &module.definitions {
                let at = At { file, span: *span };
                let (code, message) = match self.has_backend {
                    _ if self.used.contains(&at) => continue,
                    true => (WITHOUT_EFFECT, format!("this `{word}` is not part of `defineBackend`")),
                    false => (COMPUTED, format!("nothing static leads to this `{word}`")),
                };
                self.report.say(code, at, message, "it is left out: what it gives is denied");
            }
        }
    }

    /// Every value that a module binds or runs, in order.
    fn expressions(&self) -> Vec<Value<'p>> {
        let mut all = Vec::new();
        for (file, module) in self.project.modules.iter().enumerate() {
            let mut here: Vec<&'p Expr> = module.bindings.values().chain(&module.statements).collect();
            here.sort_by_key(|expr| expr.span);
            all.extend(here.into_iter().map(|expr| Value::Expr(expr, Scope::Module(file))));
        }
        all
    }

    /// The definition that a value is: its word, its argument, its place.
    fn defines(&self, value: &Value<'p>) -> Option<(&'p str, Option<Value<'p>>, At)> {
        let chain = self.values.chain(value).ok()?;
        let (word, argument) = chain.definition()?;
        (chain.links.len() == 1).then(|| (word, argument.cloned(), chain.links[0].at))
    }

    fn define(&mut self, value: &Value<'p>) -> Read<()> {
        let Some((word, argument, at)) = self.defines(value) else { return Ok(()) };
        if !DEFINITIONS.contains(&word) || !self.used.insert(at) {
            return Ok(());
        }
        match word {
            "defineAuth" => self.auth(argument.as_ref(), at, false),
            "referenceAuth" => self.auth(argument.as_ref(), at, true),
            "defineData" => self.data(argument.as_ref(), at),
            _ => self.storage(argument.as_ref(), at),
        }
    }

    /// The properties of a definition's argument, if all of them can be read.
    fn properties(&mut self, value: Option<&Value<'p>>, at: At, lost: &str) -> Read<Vec<Property<'p>>> {
        let Some(value) = value else {
            return Err(self.report.say(NOT_SAID, at, "a definition without an argument", lost));
        };
        let (properties, problems) =
            self.values.object(value).map_err(|problem| self.report.problem(&problem, lost))?;
        self.report.problems(&problems, lost);
        if problems.is_empty() { Ok(properties) } else { Err(LeftOut) }
    }

    fn data(&mut self, value: Option<&Value<'p>>, at: At) -> Read<()> {
        if self.policy.data.is_some() {
            let means = "the second one is left out: a policy has one `data`";
            return Err(self.report.say(NOT_SAID, at, "a second `defineData`", means));
        }
        let lost = "the data is left out: every request for it is denied";
        let properties = self.properties(value, at, lost)?;
        let mut data = Data::default();
        let mut modes = None;
        for property in &properties {
            match property.name.as_str() {
                "schema" => self.schemas = self.schemas(&property.value),
                "authorizationModes" => modes = Some(property),
                "name" => (),
                name @ ("functions" | "logging" | "migratedAmplifyGen1DynamoDbTableMappings") => {
                    data.notes.push(name.to_owned())
                }
                name => {
                    let message = format!("unknown setting `{}` of `defineData`", plain(name));
                    self.report.say(UNKNOWN_WORD, property.at, message, "it is left out");
                }
            }
        }
        match modes {
            // Without a list the policy takes the modes that its rules need.
            Some(property) => self.modes(property, &mut data).unwrap_or_default(),
            None => data.modes = Some(Vec::new()), // those that `auth` brings, which is read later
        }
        data.default = data.default.or_else(|| modes.is_none().then(|| "".into()));
        self.policy.data = Some(data);
        Ok(())
    }

    /// The modes beside those of `auth`.
    fn modes(&mut self, property: &Property<'p>, data: &mut Data) -> Read<()> {
        let lost = "the policy does not list the modes, and takes those that its rules need";
        let settings = self.properties(Some(&property.value), property.at, lost)?;
        let mut modes = Vec::new();
        for setting in &settings {
            match setting.name.as_str() {
                "defaultAuthorizationMode" => match self.values.text(&setting.value) {
                    Ok(mode) => data.default = Some(mode),
                    Err(problem) => return Err(self.report.problem(&problem, lost)),
                },
                "apiKeyAuthorizationMode" => modes.push("apiKey"),
                "oidcAuthorizationMode" => modes.push("oidc"),
                "lambdaAuthorizationMode" => modes.push("lambda"),
                name => {
                    let message = format!("unknown authorization mode `{}`", plain(name));
                    self.report.say(UNKNOWN_WORD, setting.at, message, "it is left out");
                }
            }
        }
        if data.default.as_deref() == Some("apiKey") && !modes.contains(&"apiKey") {
            modes.push("apiKey");
        }
        modes.sort_unstable_by_key(|mode| ["apiKey", "oidc", "lambda"].iter().position(|one| one == mode));
        data.modes = Some(modes);
        Ok(())
    }

    /// The name of a function in the policy, by the place of its definition.
    fn function_name(&mut self, call: At, own: Option<String>) -> String {
        if let Some(name) = self.named.get(&call) {
            return name.clone();
        }
        let declared = self.declared.get(&call).cloned().or_else(|| own.clone());
        let wanted: String = declared.unwrap_or_else(|| "function".into());
        let wanted: String = wanted.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '_' }).collect();
        let wanted = if schema::is_identifier(&wanted) { wanted } else { format!("f{wanted}") };
        let taken = |name: &String| self.named.values().any(|known| known == name);
        let mut name = wanted.clone();
        for number in 2.. {
            if !taken(&name) {
                break;
            }
            name = format!("{wanted}{number}");
        }
        self.named.insert(call, name.clone());
        self.policy.functions.insert(name.clone(), own.filter(|own| *own != name));
        name
    }
}
