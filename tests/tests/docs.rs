//! The documentation: its policies check, its picture shows what the command says, its links lead somewhere.

use admit_compiler::diagnostic::Severity;
use admit_compiler::{Source, check};
use std::fmt::Write;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// README and the pages of `docs`, without those of single diagnostics (`pages.rs` has them).
fn pages() -> Vec<(PathBuf, String)> {
    let docs = std::fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<PathBuf> = docs.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    pages.push(root().join("README.md"));
    pages.sort();
    pages.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn policies_in_the_documentation_check() {
    let mut programs = 0;
    for (path, text) in pages() {
        for block in text.split("```policy\n").skip(1).filter_map(|rest| rest.split("```").next()) {
            let checked = check(&admit_tests::sources(block, "page.policy"));
            let errors: Vec<_> = checked.diagnostics.iter().filter(|one| one.severity == Severity::Error).collect();
            assert!(errors.is_empty(), "{}: {errors:#?}\n{block}", path.display());
            programs += 1;
        }
    }
    assert!(programs > 5, "only {programs} programs");
}

#[test]
fn the_reference_names_every_warning_and_the_command_page_every_verb() {
    let language = std::fs::read_to_string(root().join("docs/language.md")).unwrap();
    let warnings = admit_compiler::codes().into_iter().filter(|code| code.starts_with('W'));
    let unnamed: Vec<&str> = warnings.filter(|code| !language.contains(code)).collect();
    assert!(unnamed.is_empty(), "docs/language.md does not name {unnamed:?}");
    let page = std::fs::read_to_string(root().join("docs/cli.md")).unwrap();
    for verb in [
        "check", "build", "decide", "inspect", "matrix", "who-can", "what-can", "diff", "test", "explain", "fmt",
        "emit", "import",
    ] {
        assert!(page.contains(&format!("`admit {verb} ")), "docs/cli.md does not name {verb}");
    }
}

#[test]
fn examples_have_no_problem() {
    for (name, sources) in admit_tests::examples() {
        let checked = check(&sources);
        assert!(checked.diagnostics.is_empty(), "{name}: {:#?}", checked.diagnostics);
        for source in sources {
            let text = String::from_utf8(source.text).unwrap();
            assert_eq!(admit_syntax::format(&text).unwrap(), text, "{}: run `admit fmt`", source.name);
        }
    }
}

#[test]
fn links_lead_somewhere() {
    for (path, text) in pages() {
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") || file.contains(' ') {
                continue;
            }
            assert!(path.parent().unwrap().join(file).exists(), "{}: {link}", path.display());
        }
    }
}

const PICTURED: &str = "auth {
  groups: [\"ADMINS\", \"EDITORS\"]
}

model Article {
  title: string
  allow.groups([\"EDITOR\"]).to([\"read\", \"update\"])
  allow.groups([\"ADMINS\"])
}
";

/// The picture of README.md: what the command says of a misspelt group, as an image.
fn picture() -> String {
    let source = Source { name: "article.policy".into(), text: PICTURED.into() };
    let checked = check(std::slice::from_ref(&source));
    let said = admit_cli::rendered(&[source], &checked.diagnostics);
    let lines: Vec<String> =
        ["$ admit check article.policy"].into_iter().chain(said.lines()).map(str::to_owned).collect();
    let height = 24 + 20 * lines.len();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"640\" height=\"{height}\" font-family=\"monospace\" \
         font-size=\"14\">\n<rect width=\"640\" height=\"{height}\" rx=\"6\" fill=\"#1e1e2e\"/>\n"
    );
    for (number, line) in lines.iter().enumerate() {
        let colour = match line.trim_start() {
            text if text.starts_with('$') => "#a6e3a1",
            text if text.starts_with('×') || text.starts_with('E') || text.starts_with('·') => "#f38ba8",
            text if text.starts_with("help") => "#89b4fa",
            _ => "#cdd6f4",
        };
        let text = line.replace('&', "&amp;").replace('<', "&lt;");
        let y = 28 + 20 * number;
        let _ = writeln!(svg, "<text x=\"16\" y=\"{y}\" fill=\"{colour}\" xml:space=\"preserve\">{text}</text>");
    }
    svg + "</svg>\n"
}

#[test]
fn the_picture_shows_what_the_command_says() {
    let path = root().join("docs/check.svg");
    if std::env::var_os("ADMIT_BLESS").is_some() {
        std::fs::write(&path, picture()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), picture(), "ADMIT_BLESS=1 draws it anew");
}

/// `docs/table-format.md` shows a table byte by byte: it is the one that the compiler writes.
#[test]
fn the_table_byte_by_byte_is_the_tables() {
    let page = std::fs::read_to_string(root().join("docs/table-format.md")).unwrap();
    let (_, example) = page.split_once("\n## A table, byte by byte\n").unwrap();
    let block = |of: &str| example.split_once(of).unwrap().1.split_once("```").unwrap().0.to_owned();
    let shown: Vec<(usize, Vec<u8>)> = block("```text\n").lines().filter_map(shown_bytes).collect();
    let source = Source { name: "notes.policy".into(), text: block("```policy\n").into() };
    let bytes = admit_compiler::table(&check(&[source]).policy.unwrap(), false).unwrap();
    let mut next = 0;
    for (at, shown) in &shown {
        assert_eq!(*at, next, "the page leaves out bytes or shows them twice");
        next += shown.len();
        assert_eq!(bytes.get(*at..next), Some(shown.as_slice()), "at {at:04x}");
    }
    assert_eq!(next, bytes.len(), "the page does not show the end");
}

/// An offset and the bytes there, if it is a line of bytes.
fn shown_bytes(line: &str) -> Option<(usize, Vec<u8>)> {
    let (at, rest) = line.split_once("  ")?;
    let bytes = rest.get(..47.min(rest.len()))?.split_ascii_whitespace();
    let bytes: Result<Vec<u8>, _> = bytes.map(|byte| u8::from_str_radix(byte, 16)).collect();
    Some((usize::from_str_radix(at, 16).ok()?, bytes.ok()?))
}
