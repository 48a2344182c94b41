//! From what an import says to the files that it may mean: relative paths, and the aliases of `tsconfig.json`.
//! Always: a path is asked of the caller only where TypeScript would look.

use super::parse::parse;
use super::tree::{Expr, Kind, Member};
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many configurations may extend each other.
const MAX_EXTENDS: usize = 8;
/// How many folders above a relative path are looked into.
const MAX_ABOVE: usize = 4;

type Read<'r> = &'r dyn Fn(&str) -> Option<Vec<u8>>;

/// The paths that a relative import may mean, in the order in which TypeScript tries them.
pub fn candidates(from: &str, specifier: &str) -> Vec<String> {
    files(&normal(&format!("{}/{specifier}", folder(from))))
}

/// The files that a path without an end may mean.
fn files(path: &str) -> Vec<String> {
    let bare = [".js", ".mjs", ".ts", ".mts"].iter().find_map(|end| path.strip_suffix(end)).unwrap_or(path);
    let ends = [".ts", ".mts", ".js", ".mjs", "/index.ts", "/index.js"];
    ends.iter().map(|end| format!("{bare}{end}")).chain([format!("{path}.ts")]).collect()
}

/// The folder of a file; `.` for one without.
fn folder(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((folder, _)) => folder,
        None => ".",
    }
}

/// A path without `.`, and without `..` after a folder.
pub fn normal(path: &str) -> String {
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

/// The aliases of a project, read where they are needed.
#[derive(Default)]
pub struct Aliases {
    by_folder: BTreeMap<String, Option<Rc<Config>>>,
}

/// What a `tsconfig.json` says about imports.
#[derive(Clone, Default)]
struct Config {
    /// Patterns with at most one `*`, and what they stand for, from the root.
    paths: Vec<(String, Vec<String>)>,
    /// Where other names may lie.
    base: Option<String>,
}

impl Aliases {
    /// The files that a specifier may mean by an alias, for a file that imports it; none if it is a package's.
    pub fn paths(&mut self, from: &str, specifier: &str, read: Read<'_>) -> Option<Vec<String>> {
        if specifier.starts_with("@aws-amplify/") || specifier.starts_with("node:") {
            return None;
        }
        let mut at = folder(from).to_owned();
        let mut above = 0;
        loop {
            if let Some(config) = self.config(&at, read) {
                if let Some(paths) = config.aliased(specifier) {
                    return Some(paths);
                }
                let by_base = config.base.iter().flat_map(|base| files(&normal(&format!("{base}/{specifier}"))));
                let by_base: Vec<String> = by_base.filter(|path| read(path).is_some()).collect();
                if !by_base.is_empty() {
                    return Some(by_base);
                }
            }
            let is_top = matches!(at.as_str(), "." | "" | "/") || at.ends_with("..");
            above += usize::from(is_top);
            if at == "/" || above > MAX_ABOVE {
                return None;
            }
            at = if is_top { normal(&format!("{at}/..")) } else { folder(&at).to_owned() };
        }
    }

    fn config(&mut self, folder: &str, read: Read<'_>) -> Option<Rc<Config>> {
        let known = self.by_folder.entry(folder.to_owned());
        let read_here = || config(&normal(&format!("{folder}/tsconfig.json")), read, 0).map(Rc::new);
        known.or_insert_with(read_here).clone()
    }
}

impl Config {
    /// What the best pattern makes of a specifier: the exact one, else that with the longest beginning.
    fn aliased(&self, specifier: &str) -> Option<Vec<String>> {
        let fits = |pattern: &str| -> Option<(usize, String)> {
            match pattern.split_once('*') {
                None => (pattern == specifier).then(|| (usize::MAX, String::new())),
                Some((start, end)) => {
                    let middle = specifier.strip_prefix(start)?.strip_suffix(end)?;
                    Some((start.len(), middle.to_owned()))
                }
            }
        };
        let fitting = self.paths.iter().filter_map(|(pattern, targets)| Some((fits(pattern)?, targets)));
        let ((_, middle), targets) = fitting.max_by_key(|((length, _), _)| *length)?;
        Some(targets.iter().flat_map(|target| files(&normal(&target.replacen('*', &middle, 1)))).collect())
    }
}

/// Reads a configuration and what it extends.
fn config(path: &str, read: Read<'_>, depth: usize) -> Option<Config> {
    let text = read(path)?;
    let text = std::str::from_utf8(&text).ok()?;
    // JSON with comments and trailing commas is an expression of TypeScript.
    let module = parse(&format!("({})", text.trim_start_matches('\u{feff}')));
    let object = module.statements.first()?;
    let here = folder(path);
    let mut config = Config::default();
    if depth < MAX_EXTENDS {
        let extended = member(object, "extends");
        for base in extended.into_iter().flat_map(texts).filter(|base| base.starts_with('.')) {
            let base = normal(&format!("{here}/{base}"));
            let base = if base.ends_with(".json") { base } else { format!("{base}.json") };
            let inherited = self::config(&base, read, depth + 1).unwrap_or_default();
            config.base = inherited.base.or(config.base);
            config.paths = if inherited.paths.is_empty() { config.paths } else { inherited.paths };
        }
    }
    let Some(options) = member(object, "compilerOptions") else { return Some(config) };
    if let Some(base) = member(options, "baseUrl").and_then(text_of) {
        config.base = Some(normal(&format!("{here}/{base}")));
    }
    if let Some(Expr { kind: Kind::Object(members), .. }) = member(options, "paths") {
        let from = config.base.clone().unwrap_or_else(|| here.to_owned());
        let one = |member: &Member| match member {
            Member::Named(pattern, _, targets) => {
                let targets = texts(targets).into_iter().map(|target| match target.starts_with('/') {
                    true => target,
                    false => format!("{from}/{target}"),
                });
                Some((pattern.clone(), targets.collect()))
            }
            _ => None,
        };
        config.paths = members.iter().filter_map(one).collect();
    }
    Some(config)
}

fn member<'e>(object: &'e Expr, wanted: &str) -> Option<&'e Expr> {
    let Kind::Object(members) = &object.kind else { return None };
    members.iter().rev().find_map(|member| match member {
        Member::Named(name, _, value) if name == wanted => Some(value),
        _ => None,
    })
}

fn text_of(of: &Expr) -> Option<String> {
    match &of.kind {
        Kind::Text(text) => Some(text.clone()),
        _ => None,
    }
}

/// One text, or those of a list.
fn texts(of: &Expr) -> Vec<String> {
    match &of.kind {
        Kind::List(elements) => elements.iter().filter_map(|one| text_of(&one.expr)).collect(),
        _ => text_of(of).into_iter().collect(),
    }
}
