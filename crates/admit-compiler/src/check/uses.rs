//! `use "common.policy"`: which files belong together. Whoever calls reads the files; here is only said which.
//! Always: pure. A path is joined and shortened as a text, and one that leads out of the project names no file.
//!
//! The project root is the folder that names are relative to. Of files whose names lie outside of it (`/etc/a.policy`,
//! `../a.policy`), it is the closest folder that holds all of them.

use super::{Checker, Source};
use crate::codes;
use crate::diagnostic::Diagnostic;
use admit_syntax::ast::{Item, Use};
use admit_syntax::{Parsed, nearest, parse_bytes};
use std::collections::BTreeSet;

/// The files that `use` names and that are not among the sources, by name, each once. To be asked again when they are
/// read, for they may use others. A path that leads out of the project is not among them; [`super::check`] reports it.
///
/// ```
/// use admit_compiler::{Source, wanted};
/// let text = "use \"../common/groups.policy\"";
/// let sources = [Source { name: "app/main.policy".into(), text: text.into() }];
/// assert_eq!(wanted(&sources), ["common/groups.policy"]);
/// ```
///
/// # Panics
/// Never, for any sources.
pub fn wanted(sources: &[Source]) -> Vec<String> {
    let root = Root::of(sources);
    let known: BTreeSet<String> = sources.iter().map(|source| shortened(&source.name)).collect();
    let mut wanted = BTreeSet::new();
    for source in sources {
        // Most files use none: those need no second reading.
        if !source.text.windows(3).any(|word| word == b"use") {
            continue;
        }
        let parsed = parse_bytes(&source.text);
        let names = uses(&parsed).filter_map(|of| root.target(&source.name, &of.path.value).ok());
        wanted.extend(names.filter(|name| !known.contains(name)));
    }
    wanted.into_iter().collect()
}

/// What is wrong with the path of a `use`.
enum Fault {
    Leaves,
    Form,
}

/// Where names may lie.
struct Root {
    /// The folder of the sources that lie outside of the one that names are relative to.
    outside: Option<String>,
}

impl Root {
    fn of(sources: &[Source]) -> Root {
        let names = sources.iter().map(|source| shortened(&source.name)).filter(|name| !is_inside(name));
        Root { outside: names.map(|name| folder(&name).to_owned()).reduce(|one, other| common(&one, &other)) }
    }

    /// The file that a `use` in another means.
    fn target(&self, of: &str, path: &str) -> Result<String, Fault> {
        if path.is_empty() || path.contains(['\\', '\0']) || path.ends_with('/') {
            return Err(Fault::Form);
        }
        if path.starts_with('/') || path.split('/').next().is_some_and(|first| first.contains(':')) {
            return Err(Fault::Leaves);
        }
        let name = shortened(&format!("{}{path}", folder(&shortened(of))));
        let holds = |folder: &String| !folder.is_empty() && name.starts_with(folder.as_str());
        match is_inside(&name) || self.outside.as_ref().is_some_and(holds) {
            true => Ok(name),
            false => Err(Fault::Leaves),
        }
    }
}

fn uses<'p>(parsed: &'p Parsed<'_>) -> impl Iterator<Item = &'p Use> {
    parsed.file().items.iter().filter_map(|item| match item {
        Item::Use(of) => Some(of),
        _ => None,
    })
}

/// A name without `.` and, as far as may be, without `..`.
fn shortened(name: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => (),
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if name.starts_with('/') && parts.is_empty() => (),
            part => parts.push(part),
        }
    }
    let start = if name.starts_with('/') { "/" } else { "" };
    format!("{start}{}", parts.join("/"))
}

fn is_inside(name: &str) -> bool {
    let has_drive = name.split('/').next().is_some_and(|first| first.contains(':'));
    !name.starts_with('/') && name != ".." && !name.starts_with("../") && !has_drive
}

/// The folder of a file, `/` at its end; empty for the root.
fn folder(name: &str) -> &str {
    name.rfind('/').map_or("", |at| &name[..=at])
}

/// The longest folder that holds both; empty if there is none.
fn common(one: &str, other: &str) -> String {
    let parts = one.split_inclusive('/').zip(other.split_inclusive('/'));
    parts.take_while(|(a, b)| a == b).map(|(part, _)| part).collect()
}

impl Checker<'_> {
    /// Reports uses of files that are not there, that lie outside, or that use each other.
    pub(super) fn read_uses(&mut self, sources: &[Source]) {
        let root = Root::of(sources);
        let names: Vec<String> = sources.iter().map(|source| shortened(&source.name)).collect();
        let mut edges: Vec<Vec<(usize, &Use)>> = Vec::new();
        for (file, parsed) in self.parsed.iter().enumerate() {
            let mut of_file: Vec<(usize, &Use)> = Vec::new();
            for of in uses(parsed) {
                let target = match root.target(&names[file], &of.path.value) {
                    Ok(name) => name,
                    Err(fault) => {
                        self.faulty_use(file, of, &fault);
                        continue;
                    }
                };
                match names.iter().position(|name| *name == target) {
                    None => self.missing_use(file, of, &target, &names),
                    Some(to) => match of_file.iter().find(|(known, _)| *known == to) {
                        Some((_, first)) => {
                            let message = format!("`{}` is used twice", of.path.value);
                            let warning =
                                Diagnostic::new(codes::NAMED_TWICE, file, of.span, message).label("again here");
                            let warning = warning.related(file, first.span, "used here");
                            self.say(warning.help("once is enough").edit(of.span, ""));
                        }
                        None => of_file.push((to, of)),
                    },
                }
            }
            edges.push(of_file);
        }
        self.use_cycles(&edges, sources);
    }

    fn faulty_use(&mut self, file: usize, of: &Use, fault: &Fault) {
        self.is_broken = true;
        let path = &of.path.value;
        let error = match fault {
            Fault::Leaves => {
                let message = format!("`{path}` leads out of the project");
                let error = Diagnostic::new(codes::USE_LEAVES, file, of.path.span, message);
                error.label("not below the folder that names are relative to").help(
                    "use files of the project, by a path relative to this file; or give `admit` the other file as well",
                )
            }
            Fault::Form => {
                let message = format!("`{path}` names no file");
                let error = Diagnostic::new(codes::USE_MISSING, file, of.path.span, message);
                error.label("not a path").help("write a path with `/`, such as `\"common/groups.policy\"`")
            }
        };
        self.say(error);
    }

    fn missing_use(&mut self, file: usize, of: &Use, target: &str, names: &[String]) {
        // What it declares is not known, so that what seems unknown may be there.
        self.is_broken = true;
        let message = format!("there is no file `{target}`");
        let error = Diagnostic::new(codes::USE_MISSING, file, of.path.span, message);
        let error = error.label(format!("relative to the folder of `{}`", names[file]));
        let near = nearest(target, names.iter().map(String::as_str).filter(|name| *name != names[file]));
        self.say(match near {
            Some(near) => error.help(format!("did you mean the file `{near}`?")),
            None => error.help("write the path from this file's folder to the other file, with its `.policy`"),
        });
    }

    /// A cycle is reported once, at the first of its files.
    fn use_cycles(&mut self, edges: &[Vec<(usize, &Use)>], sources: &[Source]) {
        for start in 0..edges.len() {
            let mut seen = BTreeSet::new();
            let mut ways: Vec<Vec<(usize, usize, &Use)>> = vec![Vec::new()];
            while let Some(way) = ways.pop() {
                let at = way.last().map_or(start, |(_, to, _)| *to);
                for (to, of) in &edges[at] {
                    let further: Vec<(usize, usize, &Use)> = way.iter().copied().chain([(at, *to, *of)]).collect();
                    if *to == start {
                        self.use_cycle(&further, sources);
                        return self.use_cycles_after(start, edges, sources);
                    }
                    if *to > start && seen.insert(*to) {
                        ways.push(further);
                    }
                }
            }
        }
    }

    /// Goes on behind a file that was reported: a file of a cycle is told once.
    fn use_cycles_after(&mut self, start: usize, edges: &[Vec<(usize, &Use)>], sources: &[Source]) {
        let rest: Vec<Vec<(usize, &Use)>> = edges
            .iter()
            .enumerate()
            .map(|(at, of)| match at <= start {
                true => Vec::new(),
                false => of.iter().filter(|(to, _)| *to > start).copied().collect(),
            })
            .collect();
        self.use_cycles(&rest, sources);
    }

    fn use_cycle(&mut self, way: &[(usize, usize, &Use)], sources: &[Source]) {
        let Some((file, _, of)) = way.first() else { return };
        let name = |file: usize| sources[file].name.as_str();
        let names: Vec<&str> = [name(*file)].into_iter().chain(way.iter().map(|(_, to, _)| name(*to))).collect();
        let message = format!("`{}` uses itself", name(*file));
        let error = Diagnostic::new(codes::USE_CYCLE, *file, of.span, message).label(names.join(" → "));
        let error = way[1..]
            .iter()
            .fold(error, |error, (file, to, of)| error.related(*file, of.span, format!("uses `{}`", name(*to))));
        self.say(error.help("leave one of these out; all files of a policy are one, so nothing is lost by it"));
    }
}
