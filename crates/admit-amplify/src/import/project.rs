//! The modules of a project: read once, with every static import followed.
//! Always: a module is asked of the caller at most once; a name that something changes is known as changed.

use super::parse::parse;
use super::tree::{Export, Expr, Import, Kind, Module};
use admit_compiler::Source;
use std::collections::{BTreeMap, BTreeSet};

/// The most modules that are followed.
const MAX_MODULES: usize = 2_000;

/// Everything that was read.
pub struct Project {
    /// The modules, in the order in which they were met.
    pub modules: Vec<Module>,
    /// Their texts, by the same index.
    pub sources: Vec<Source>,
    by_path: BTreeMap<String, usize>,
    /// Names whose value is not what their declaration says.
    changed: BTreeSet<(usize, String)>,
}

/// What an imported name leads to.
pub enum Target<'p> {
    /// A declaration in a module of the project.
    Binding(usize, &'p str, &'p Expr),
    /// A module of the project.
    Module(usize),
    /// A name of a package.
    Package(&'p str, &'p str),
    /// Nothing that was read.
    Missing,
    /// Something in a module that cannot be parsed, which is reported for itself.
    Broken,
}

impl Project {
    /// Reads the modules and what they import. `read` gives the text of a path, if there is such a file.
    pub fn load(paths: &[String], read: &dyn Fn(&str) -> Option<Vec<u8>>) -> Project {
        let mut project =
            Project { modules: Vec::new(), sources: Vec::new(), by_path: BTreeMap::new(), changed: BTreeSet::new() };
        for path in paths {
            project.add(&normal(path), read);
        }
        let mut next = 0;
        while next < project.modules.len() {
            let wanted: Vec<String> = project.wanted(next).into_iter().collect();
            for specifier in wanted {
                for path in candidates(&project.sources[next].name, &specifier) {
                    if project.by_path.contains_key(&path) || project.add(&path, read) {
                        break;
                    }
                }
            }
            next += 1;
        }
        project.find_changed();
        project
    }

    fn add(&mut self, path: &str, read: &dyn Fn(&str) -> Option<Vec<u8>>) -> bool {
        if self.by_path.contains_key(path) || self.modules.len() >= MAX_MODULES {
            return false;
        }
        let Some(text) = read(path) else { return false };
        let module = match std::str::from_utf8(&text) {
            Ok(text) => parse(text),
            Err(_) => {
                let fault = (admit_syntax::ast::Span::default(), "this file is not UTF-8".to_owned());
                Module { faults: vec![fault], ..Module::default() }
            }
        };
        self.by_path.insert(path.to_owned(), self.modules.len());
        self.modules.push(module);
        self.sources.push(Source { name: path.to_owned(), text });
        true
    }

    /// The modules that a module takes names from, if they are files.
    fn wanted(&self, module: usize) -> BTreeSet<String> {
        let module = &self.modules[module];
        let imports = module.imports.values().chain(module.exports.values().filter_map(|export| match export {
            Export::From(import) => Some(import),
            Export::Local(_) => None,
        }));
        let sources = imports.map(|import| &import.source).chain(&module.stars);
        sources.filter(|source| source.starts_with('.')).cloned().collect()
    }

    fn module_of(&self, from: usize, specifier: &str) -> Option<usize> {
        candidates(&self.sources[from].name, specifier).iter().find_map(|path| self.by_path.get(path).copied())
    }

    /// What a name means in a module; none if nothing there is called so.
    pub fn lookup<'p>(&'p self, module: usize, name: &str) -> Option<Target<'p>> {
        if let Some((name, expr)) = self.modules[module].bindings.get_key_value(name) {
            return Some(Target::Binding(module, name, expr));
        }
        self.modules[module].imports.get(name).map(|import| self.follow(module, import, 0))
    }

    /// What a module exports under a name.
    pub fn export(&self, module: usize, name: &str) -> Target<'_> {
        self.exported(module, name, 0)
    }

    fn follow<'p>(&'p self, from: usize, import: &'p Import, depth: usize) -> Target<'p> {
        if !import.source.starts_with('.') {
            return Target::Package(&import.source, &import.name);
        }
        match self.module_of(from, &import.source) {
            Some(module) if import.name == "*" => Target::Module(module),
            Some(module) => self.exported(module, &import.name, depth + 1),
            None => Target::Missing,
        }
    }

    fn exported(&self, module: usize, name: &str, depth: usize) -> Target<'_> {
        let of = &self.modules[module];
        if !of.faults.is_empty() {
            return Target::Broken;
        }
        if depth > 32 {
            return Target::Missing;
        }
        match of.exports.get(name) {
            Some(Export::From(import)) => return self.follow(module, import, depth),
            Some(Export::Local(local)) => {
                return match (of.bindings.get_key_value(local), of.imports.get(local)) {
                    (Some((name, expr)), _) => Target::Binding(module, name, expr),
                    (None, Some(import)) => self.follow(module, import, depth),
                    (None, None) => Target::Missing,
                };
            }
            None => (),
        }
        let stars = of.stars.iter().filter(|source| source.starts_with('.'));
        let mut found = stars.filter_map(|source| self.module_of(module, source)).map(|next| {
            self.exported(next, name, depth + 8) // wide and deep at once would take long
        });
        found.find(|target| !matches!(target, Target::Missing)).unwrap_or(Target::Missing)
    }

    /// Whether a name's value may differ from what its declaration says.
    pub fn is_changed(&self, module: usize, name: &str) -> bool {
        self.changed.contains(&(module, name.to_owned()))
    }

    fn find_changed(&mut self) {
        let mut marks: Vec<(usize, String)> = Vec::new();
        for (number, module) in self.modules.iter().enumerate() {
            marks.extend(module.changed.iter().map(|name| (number, name.clone())));
            for (name, function) in &module.passed {
                let harmless = function.as_ref().is_some_and(|function| self.changes_nothing(number, function));
                marks.extend((!harmless).then(|| (number, name.clone())));
            }
        }
        // Where the name is declared, and what it is another name of.
        while let Some((module, name)) = marks.pop() {
            let (module, name, expr) = match self.lookup(module, &name) {
                Some(Target::Binding(module, name, expr)) => (module, name.to_owned(), expr),
                _ => continue,
            };
            let alias = alias_of(expr).map(str::to_owned);
            if self.changed.insert((module, name)) {
                marks.extend(alias.map(|alias| (module, alias)));
            }
        }
    }

    /// Whether a call of this name leaves its arguments as they are.
    fn changes_nothing(&self, module: usize, function: &str) -> bool {
        match self.lookup(module, function) {
            Some(Target::Binding(_, _, expr)) => !matches!(expr.kind, Kind::Computed(_)),
            Some(Target::Package(package, _)) => package.starts_with("@aws-amplify/"),
            Some(Target::Module(_)) => true,
            Some(Target::Missing | Target::Broken) => false,
            None => true, // a parameter, such as `allow`, or a global
        }
    }
}

/// The name that an expression is another name of.
fn alias_of(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        Kind::Name(name) => Some(name),
        Kind::Get(object, _) | Kind::At(object, _) => alias_of(object),
        _ => None,
    }
}

/// The paths that an import may mean, in the order in which TypeScript tries them.
fn candidates(from: &str, specifier: &str) -> Vec<String> {
    let path = match from.rsplit_once('/') {
        Some((folder, _)) => normal(&format!("{folder}/{specifier}")),
        None => normal(specifier),
    };
    let bare = [".js", ".mjs", ".ts", ".mts"].iter().find_map(|end| path.strip_suffix(end)).unwrap_or(&path);
    let ends = [".ts", ".mts", ".js", ".mjs", "/index.ts", "/index.js"];
    ends.iter().map(|end| format!("{bare}{end}")).chain([format!("{path}.ts")]).collect()
}

/// A path without `.`, and without `..` after a folder.
fn normal(path: &str) -> String {
    let root = if path.starts_with('/') { "/" } else { "" };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match (part, parts.last()) {
            ("" | ".", _) => (),
            ("..", Some(last)) if *last != ".." => drop(parts.pop()),
            ("..", None) if !root.is_empty() => (),
            _ => parts.push(part),
        }
    }
    format!("{root}{}", parts.join("/"))
}
