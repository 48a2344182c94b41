//! The modules of a project: read once, with every static import followed.
//! Always: a module is asked of the caller at most once; a name that something changes is known as changed.

use super::parse::parse;
use super::paths::{Aliases, candidates, normal};
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
    /// What imports by alias lead to, by importing module and specifier; none if there is no such file.
    by_alias: BTreeMap<(usize, String), Option<usize>>,
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
        let mut project = Project {
            modules: Vec::new(),
            sources: Vec::new(),
            by_path: BTreeMap::new(),
            by_alias: BTreeMap::new(),
            changed: BTreeSet::new(),
        };
        let mut aliases = Aliases::default();
        for path in paths {
            project.add(&normal(path), read);
        }
        let mut next = 0;
        while next < project.modules.len() {
            let wanted: Vec<String> = project.wanted(next).into_iter().collect();
            for specifier in wanted {
                let from = project.sources[next].name.clone();
                if specifier.starts_with('.') {
                    project.first_of(candidates(&from, &specifier), read);
                } else if let Some(paths) = aliases.paths(&from, &specifier, read) {
                    let found = project.first_of(paths, read);
                    project.by_alias.insert((next, specifier), found);
                }
            }
            next += 1;
        }
        project.find_changed();
        project
    }

    /// The first of these files that there is.
    fn first_of(&mut self, paths: Vec<String>, read: &dyn Fn(&str) -> Option<Vec<u8>>) -> Option<usize> {
        paths.iter().find_map(|path| {
            self.add(path, read);
            self.by_path.get(path).copied()
        })
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

    /// The modules that a module takes names from, as written.
    fn wanted(&self, module: usize) -> BTreeSet<String> {
        let module = &self.modules[module];
        let imports = module.imports.values().chain(module.exports.values().filter_map(|export| match export {
            Export::From(import) => Some(import),
            Export::Local(_) => None,
        }));
        let sources = imports.map(|import| &import.source).chain(&module.stars);
        sources.cloned().collect()
    }

    /// Whether a specifier means a file of the project, and not a package.
    fn is_file(&self, from: usize, specifier: &str) -> bool {
        specifier.starts_with('.') || self.by_alias.contains_key(&(from, specifier.to_owned()))
    }

    fn module_of(&self, from: usize, specifier: &str) -> Option<usize> {
        if !specifier.starts_with('.') {
            return *self.by_alias.get(&(from, specifier.to_owned()))?;
        }
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
        if !self.is_file(from, &import.source) {
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
        // `export *` leaves the default out.
        let stars = of.stars.iter().filter(|source| self.is_file(module, source) && name != "default");
        let mut found = stars.filter_map(|source| self.module_of(module, source)).map(|next| {
            self.exported(next, name, depth + 8) // wide and deep at once would take long
        });
        found.find(|target| !matches!(target, Target::Missing)).unwrap_or(Target::Missing)
    }

    /// Every name that a module exports, sorted; none if that is not known.
    pub fn export_names(&self, module: usize) -> Option<BTreeSet<&str>> {
        let mut names = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut next = vec![module];
        while let Some(number) = next.pop() {
            let of = &self.modules[number];
            if !of.faults.is_empty() {
                return None;
            }
            if seen.insert(number) {
                // `export *` leaves the default out.
                let here = of.exports.keys().filter(|name| number == module || *name != "default");
                names.extend(here.map(String::as_str));
                for source in &of.stars {
                    next.push(self.module_of(number, source)?);
                }
            }
        }
        Some(names)
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
