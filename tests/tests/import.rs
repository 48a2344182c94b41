//! `admit import`: the TypeScript of the recorded cases, whole projects, outputs, and text that is no project.

use admit_amplify::import::{Imported, import};
use admit_cli::requests::answer;
use admit_compiler::analysis::Difference;
use admit_compiler::diagnostic::{Diagnostic, Severity};
use admit_compiler::{Source, check, table};
use admit_runtime::Policy;
use admit_tests::cases::{self, Way};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

fn all_cases() -> Vec<Value> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(root().join("cases")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let files = files.into_iter().filter(|file| file.extension().is_some_and(|end| end == "json"));
    let cases = files.map(|file| serde_json::from_str::<Vec<Value>>(&std::fs::read_to_string(file).unwrap()).unwrap());
    cases.flatten().collect()
}

// ---- recorded cases

#[test]
fn every_case_passes_as_imported() {
    let report = cases::run_by(&root().join("cases"), Way::Imported).unwrap();
    assert!(report.passed(), "{report}");
    let left_out: usize =
        report.differences().iter().filter(|(name, _)| name.starts_with("left out")).map(|(_, count)| count).sum();
    assert_eq!(left_out, 1, "one case has a group of a reserved name, and no other loses anything: {report}");
}

#[test]
fn the_cases_of_auth_keep_groups_and_functions() {
    let cases: Vec<Value> = all_cases().into_iter().filter(|case| case["family"] == "auth").collect();
    assert_eq!(cases.len(), 8);
    for case in cases {
        let imported = cases::imported(&case);
        assert!(imported.diagnostics.is_empty(), "{:#?}", imported.diagnostics);
        let text = policy_text(&imported);
        let groups: Vec<String> = strings(&case["policy"]["auth"]["groups"]);
        let written = check(&[Source { name: "a.policy".into(), text: text.as_str().into() }]).policy.unwrap();
        let names: Vec<String> = written.groups.iter().map(|group| group.name.clone()).collect();
        assert_eq!(names, groups);
        for rule in case["policy"]["auth"]["access"].as_array().into_iter().flatten() {
            let name = rule["resource"].as_str().unwrap();
            let wanted = format!("allow.resource({name}).to({})", json!(rule["to"]).to_string().replace(',', ", "));
            assert!(text.contains(&wanted), "{wanted}\n{text}");
        }
    }
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect()
}

fn policy_text(imported: &Imported) -> String {
    imported.files.iter().map(|file| format!("// {}\n{}", file.name, file.text)).collect::<Vec<_>>().join("\n")
}

// ---- projects

/// Imports a folder of `tests/projects`, or a file of one.
fn project(name: &str) -> Imported {
    let folder = root().join("projects");
    let mut paths: Vec<String> = Vec::new();
    collect(&folder.join(name), &mut paths, false);
    let prefix = format!("{}/", folder.display());
    let paths: Vec<String> = paths.iter().map(|path| path.replace(&prefix, "")).collect();
    assert!(!paths.is_empty());
    import(&paths, &|path| std::fs::read(folder.join(path)).ok())
}

/// The files that define something, as the command finds them, or all.
fn collect(path: &Path, paths: &mut Vec<String>, all: bool) {
    if path.is_dir() {
        let mut inside: Vec<PathBuf> = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        inside.sort();
        inside.iter().for_each(|path| collect(path, paths, all));
    } else {
        let text = std::fs::read_to_string(path).unwrap();
        if all || path.ends_with("amplify_outputs.json") || (text.contains("@aws-amplify/") && text.contains("define"))
        {
            paths.push(path.to_string_lossy().into_owned());
        }
    }
}

/// One line a diagnostic: the place, the code, what is there, what it means.
fn lines(imported: &Imported) -> String {
    let place = |file: usize, at: u32| {
        let source = &imported.sources[file];
        let text = String::from_utf8_lossy(&source.text);
        let before = &text[..at as usize];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("{}:{line}:{column}", source.name)
    };
    let mut out = String::new();
    for Diagnostic { code, message, label, related, help, .. } in &imported.diagnostics {
        let at = place(label.file, label.span.start);
        let _ = writeln!(out, "{at}: {code} {message}");
        for other in related {
            let _ = writeln!(out, "    {}: {}", place(other.file, other.span.start), other.text);
        }
        let _ = writeln!(out, "    {}", help.as_deref().unwrap_or_default());
    }
    out
}

/// The policy's table, and what it answers.
fn answers(imported: &Imported, requests: &[(&str, Value)]) -> String {
    let sources: Vec<Source> =
        imported.files.iter().map(|file| Source { name: file.name.into(), text: file.text.as_str().into() }).collect();
    let policy = check(&sources).policy.expect("the policy compiles");
    let bytes = table(&policy, false).unwrap();
    let policy = Policy::from_bytes(&bytes).unwrap();
    let mut out = String::new();
    for (what, request) in requests {
        let answer = answer(&policy, &request.to_string());
        let mut said = answer["decision"].as_str().map_or_else(|| answer.to_string(), str::to_owned);
        for key in ["reason", "deniedFields", "filter", "set", "fields", "fieldFilters"] {
            if let Some(value) = answer.get(key) {
                let _ = write!(said, " {key} {value}");
            }
        }
        let _ = writeln!(out, "{what}: {said}");
    }
    out
}

fn user(sub: &str, groups: &[&str]) -> Value {
    json!({"mode": "userPool", "claims": {"sub": sub, "username": sub, "cognito:groups": groups}})
}

fn on_model(principal: Value, operation: &str, model: &str, record: Value) -> Value {
    json!({"principal": principal, "operation": operation, "model": model, "record": record})
}

fn on_key(principal: Value, operation: &str, bucket: &str, key: &str) -> Value {
    json!({"principal": principal, "operation": operation, "storage": bucket, "key": key})
}

fn snapshot(name: &str, imported: &Imported, answers: &str) {
    let text = format!("{}\n// ---- reports\n{}\n// ---- answers\n{answers}", policy_text(imported), lines(imported));
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(name, text) });
}

#[test]
fn a_blog() {
    let imported = project("blog");
    let post = json!({"title": "One", "owner": "eve::eve"});
    let key = json!({"mode": "apiKey"});
    let said = answers(
        &imported,
        &[
            ("the owner deletes a post", on_model(user("eve", &[]), "delete", "Post", post.clone())),
            ("somebody else deletes it", on_model(user("bob", &[]), "delete", "Post", post.clone())),
            ("an editor updates it", on_model(user("bob", &["EDITORS"]), "update", "Post", post.clone())),
            ("an editor deletes it", on_model(user("bob", &["EDITORS"]), "delete", "Post", post.clone())),
            ("the API key reads it", on_model(key.clone(), "get", "Post", post.clone())),
            (
                "the API key reads a tag, by the schema's rules",
                on_model(key.clone(), "get", "Tag", json!({"name": "a"})),
            ),
            ("the API key changes a tag", on_model(key, "update", "Tag", json!({"name": "a"}))),
            ("a user lists comments", json!({"principal": user("eve", &[]), "operation": "list", "model": "Comment"})),
            ("an editor publishes", json!({"principal": user("bob", &["EDITORS"]), "mutation": "publish"})),
            ("a user publishes", json!({"principal": user("eve", &[]), "mutation": "publish"})),
            (
                "the digest reads posts",
                on_model(json!({"mode": "function", "name": "digest"}), "get", "Post", post.clone()),
            ),
            (
                "the digest changes a post",
                on_model(json!({"mode": "function", "name": "digest"}), "update", "Post", post),
            ),
        ],
    );
    assert!(imported.diagnostics.is_empty(), "{}", lines(&imported));
    snapshot("blog", &imported, &said);
}

#[test]
fn a_service_with_tenants() {
    let imported = project("saas");
    let tenant = json!({"tenantGroup": "acme", "name": "Acme"});
    let task = json!({"tenantGroup": "acme", "key": "k", "title": "t", "assignees": ["eve::eve"]});
    let acme = || user("ann", &["acme"]);
    let admin = || user("root", &["PLATFORM_ADMINS"]);
    let auditor = json!({"mode": "oidc", "claims": {"sub": "x", "cognito:groups": ["Auditor"]}});
    let said = answers(
        &imported,
        &[
            ("a tenant's member reads its tenant", on_model(acme(), "get", "Tenant", tenant.clone())),
            ("another tenant's member reads it", on_model(user("bob", &["rival"]), "get", "Tenant", tenant.clone())),
            (
                "a member changes the plan",
                json!({"principal": acme(), "operation": "update", "model": "Tenant", "record": tenant,
                    "input": {"plan": "FREE"}}),
            ),
            (
                "a platform admin changes the plan",
                json!({"principal": admin(), "operation": "update", "model": "Tenant", "record": tenant,
                    "input": {"plan": "FREE"}}),
            ),
            ("an assignee updates a task", on_model(user("eve", &[]), "update", "Task", task.clone())),
            ("somebody else does", on_model(user("bob", &[]), "update", "Task", task.clone())),
            ("a signed-in user reads announcements", on_model(user("bob", &[]), "get", "Announcement", json!({}))),
            ("and lists tenants", json!({"principal": user("bob", &[]), "operation": "list", "model": "Tenant"})),
            ("an auditor asks for usage", json!({"principal": auditor, "query": "usage"})),
            ("an admin reads a report", on_key(admin(), "get", "saasDocuments", "documents/reports/may")),
            (
                "support reads a report",
                on_key(user("s", &["SUPPORT"]), "get", "saasDocuments", "documents/reports/may"),
            ),
            ("support reads a document", on_key(user("s", &["SUPPORT"]), "get", "saasDocuments", "documents/a")),
            (
                "the report function writes one",
                on_key(
                    json!({"mode": "function", "name": "usageReport"}),
                    "write",
                    "saasDocuments",
                    "documents/reports/j",
                ),
            ),
        ],
    );
    assert!(imported.diagnostics.is_empty(), "{}", lines(&imported));
    snapshot("saas", &imported, &said);
}

#[test]
fn a_photo_service() {
    let imported = project("photos");
    let album = json!({"title": "a", "owner": "eve::eve", "friends": ["bob::bob"]});
    let photo = json!({"key": "k", "owner": "eve::eve"});
    let at = |id: &str| json!({"mode": "identityPool", "identityId": id, "groups": []});
    let guest = json!({"mode": "guest"});
    let moderator = || user("mod", &["moderators", "photographers"]);
    let said = answers(
        &imported,
        &[
            ("a friend reads an album", on_model(user("bob", &[]), "get", "Album", album.clone())),
            ("a friend changes it", on_model(user("bob", &[]), "update", "Album", album.clone())),
            ("a stranger reads it", on_model(user("dan", &[]), "get", "Album", album)),
            ("a guest reads a photo", on_model(guest.clone(), "get", "Photo", photo.clone())),
            (
                "a guest asks where it was taken",
                json!({"principal": guest, "operation": "get", "model": "Photo", "record": photo,
                    "fields": ["location"]}),
            ),
            ("a moderator features a photo", json!({"principal": moderator(), "mutation": "feature"})),
            ("a photographer does", json!({"principal": user("p", &["photographers"]), "mutation": "feature"})),
            ("a user writes to the own folder", on_key(at("i1"), "write", "photos", "originals/i1/a.jpg")),
            ("and to somebody else's", on_key(at("i1"), "write", "photos", "originals/i2/a.jpg")),
            ("a user writes a public photo", on_key(at("i1"), "write", "photos", "public/a.jpg")),
            ("and a featured one", on_key(at("i1"), "write", "photos", "public/featured/a.jpg")),
            ("a moderator who photographs writes one", on_key(moderator(), "write", "photos", "public/a.jpg")),
            (
                "the thumbnailer reads an original",
                on_key(json!({"mode": "function", "name": "thumbnail"}), "get", "photos", "originals/i1/a.jpg"),
            ),
        ],
    );
    assert!(imported.diagnostics.is_empty(), "{}", lines(&imported));
    snapshot("photos", &imported, &said);
}

/// Everything that stands in the text is read, in whatever form: parts of values, methods of lists, choices, aliases.
#[test]
fn what_is_static_is_worked_out() {
    let imported = project("static");
    assert!(imported.diagnostics.is_empty(), "{}", lines(&imported));
    snapshot("static", &imported, "");
}

/// A schema of a SQL database with its rules from elsewhere, and answers of AI.
#[test]
fn a_database_and_answers_of_ai() {
    let imported = project("database");
    let event = json!({"id": 1, "name": "n", "budget": 2.5, "owner": "eve::eve"});
    let key = json!({"mode": "apiKey"});
    let said = answers(
        &imported,
        &[
            ("the API key reads an event", on_model(key.clone(), "get", "Event", event.clone())),
            (
                "and its budget",
                json!({"principal": key, "operation": "get", "model": "Event", "record": event, "fields": ["budget"]}),
            ),
            (
                "a user reads guests, by the schema's rules",
                on_model(user("bob", &[]), "get", "guest", json!({"id": 1})),
            ),
            ("and deletes one", on_model(user("bob", &[]), "delete", "guest", json!({"id": 1}))),
            ("a guest asks for events", json!({"principal": {"mode": "guest"}, "query": "eventsNear"})),
            ("a user asks for an invitation", json!({"principal": user("bob", &[]), "query": "invitation"})),
            ("and for a slogan, which is for organizers", json!({"principal": user("bob", &[]), "query": "slogan"})),
        ],
    );
    snapshot("database", &imported, &said);
}

/// Code of the CDK: what a policy says too is imported, what decides nothing is known, the rest is reported.
#[test]
fn code_beside_the_definitions() {
    let imported = project("hatches");
    let both = || user("a", &["EDITORS", "AUDITORS"]);
    let said = answers(
        &imported,
        &[
            ("an auditor who edits is an auditor, by precedence", on_key(both(), "write", "files", "reports/a")),
            ("and reads", on_key(both(), "get", "files", "reports/a")),
        ],
    );
    snapshot("hatches", &imported, &said);
}

/// Forms that a line can show, each with what becomes of it.
#[test]
fn forms_of_one_line() {
    let lines_of = std::fs::read_to_string(root().join("projects/forms.txt")).unwrap();
    let mut all = String::new();
    for line in lines_of.lines() {
        let text = format!(
            "import {{ a, defineAuth, defineData, defineStorage, defineFunction }} from \"@aws-amplify/backend\";
             export const auth = defineAuth({{ loginWith: {{ email: true }}, groups: [\"A\", \"B\"] }});\n{line}\n"
        );
        let imported = import(&["a.ts".into()], &|path| (path == "a.ts").then(|| text.clone().into()));
        let _ = writeln!(all, "// ---- {line}");
        for file in imported.files.iter().filter(|file| file.name != "auth.policy") {
            let rest = file.text.split_once("}\n\n").filter(|(first, _)| first.starts_with("data"));
            let _ = write!(all, "{}", rest.map_or(file.text.as_str(), |(_, rest)| rest));
        }
        let _ = writeln!(all, "{}", lines(&imported));
    }
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!("forms", all) });
}

#[test]
fn a_project_that_cannot_be_read_in_full() {
    let imported = project("messy");
    let said = answers(
        &imported,
        &[
            (
                "a model without a readable rule, by the schema's rules",
                on_model(user("eve", &[]), "get", "Computed", json!({"owner": "eve::eve"})),
            ),
            ("below a path that is left out", on_key(user("eve", &[]), "get", "media", "albums/private/a")),
            ("above it", on_key(user("eve", &[]), "get", "media", "albums/a")),
        ],
    );
    assert!(imported.has_errors());
    snapshot("messy", &imported, &said);
}

#[test]
fn outputs_of_a_deployed_project() {
    let imported = project("outputs");
    let post = json!({"title": "t", "owner": "eve::eve", "reviewers": ["bob::bob"]});
    let both = || user("a", &["EDITORS", "ADMINS"]);
    let said = answers(
        &imported,
        &[
            ("the owner updates a post", on_model(user("eve", &[]), "update", "Post", post.clone())),
            ("a reviewer reads it", on_model(user("bob", &[]), "get", "Post", post.clone())),
            ("a stranger reads it", on_model(user("dan", &[]), "get", "Post", post.clone())),
            ("events of posts", on_model(user("a", &["ADMINS"]), "listen", "Post", post)),
            ("an admin who edits writes a draft", on_key(both(), "write", "files", "drafts/a")),
            ("a guest writes", on_key(json!({"mode": "guest"}), "write", "files", "public/a")),
        ],
    );
    snapshot("outputs", &imported, &said);
}

#[test]
fn what_is_no_project_is_reported() {
    let read = |text: &'static str| move |_: &str| Some(text.as_bytes().to_vec());
    let said = |path: &str, text| {
        let imported = import(&[path.into()], &read(text));
        assert!(imported.files.is_empty());
        lines(&imported)
    };
    assert!(said("a.json", "[1, 2]").starts_with("a.json:1:1: E1201"));
    assert!(said("a.json", "").starts_with("a.json:1:1: E1201"));
    assert!(said("a.ts", "const = ;").starts_with("a.ts:1:7: E1201"));
    assert!(said("a.ts", "export const x = 1;").is_empty());
}

/// A name of the project can hold anything, and must not become a declaration.
#[test]
fn no_text_of_the_project_is_read_as_policy() {
    let evil = r#"x: string } model Open { y: string allow.publicApiKey() } //"#;
    let text = format!(
        r#"import {{ a, defineData, defineStorage, defineFunction }} from "@aws-amplify/backend";
        const f = defineFunction({{ name: {evil:?} }});
        const schema = a.schema({{
          {evil:?}: a.model({{ t: a.string() }}).authorization((allow) => [allow.publicApiKey()]),
          Kind: a.enum([{evil:?}]),
          Post: a.model({{ t: a.string(), u: a.ref({evil:?}), v: a.enum([{evil:?}]) }})
            .secondaryIndexes((index) => [index({evil:?})])
            .authorization((allow) => [allow.ownerDefinedIn({evil:?})]),
          Note: a.model({{ {evil:?}: a.string() }}).authorization((allow) => [allow.publicApiKey()]),
        }}).authorization((allow) => [allow.resource(f)]);
        export const data = defineData({{ schema }});
        export const storage = defineStorage({{ name: {evil:?}, access: (allow) => ({{ {evil:?}: [allow.resource(f).to(["read"])] }}) }});
        "#
    );
    let imported = import(&["a.ts".into()], &|_| Some(text.clone().into()));
    let models: Vec<String> = imported
        .files
        .iter()
        .flat_map(|file| {
            let parsed = admit_syntax::parse(&file.text);
            let names = parsed.file().items.iter().filter_map(|item| match item {
                admit_syntax::ast::Item::Model(model) => Some(model.name.text.clone()),
                _ => None,
            });
            names.collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(models, ["Post"], "{}", policy_text(&imported));
}

#[test]
fn depth_and_cycles_end() {
    let define = "import { defineAuth } from \"@aws-amplify/backend\";\n";
    // The deepest of each form that is read, and one that is too deep.
    let deep = |opening: &str, words: usize, closing: &str| {
        let text = |levels: usize| format!("{define}const x = {}1{}", opening.repeat(levels), closing.repeat(levels));
        [text(249_900 / words), text(600_000 / words)]
    };
    let forms = [
        deep("(", 1, ""),
        deep("(", 2, ")"),
        deep("[", 1, ""),
        deep("{a:", 4, "}"),
        deep("!", 1, ""),
        deep("a=>", 3, ""),
        deep("()=>{return ", 7, "}"),
        deep("1**", 3, ""),
        deep("new ", 1, ""),
        deep("f(", 3, ")"),
        deep("`${", 3, "}`"),
        deep("class{[", 9, "](){}}"),
        deep("a?b:", 4, ""),
        deep("", 2, " + 1"),
        deep("", 2, ".b"),
        deep("", 2, "()"),
        deep("1;if(a)", 6, ""),
        deep("1;if(a);else ", 7, ""),
        deep("1;{", 3, ""),
        deep("1 as A<", 4, ""),
    ];
    let data = "import { a, defineData } from \"@aws-amplify/backend\";\n";
    let of = |types: &str| {
        format!("export const data = defineData({{ schema: a.schema({types}) }});")
            .replace("{{", "{")
            .replace("}}", "}")
    };
    let texts = [
        format!("{define}const g = h; const h = g; export const auth = defineAuth({{ groups: g }});"),
        format!("{define}const g = [...g]; export const auth = defineAuth({{ groups: g }});"),
        format!("{define}const f = () => f(); export const auth = defineAuth(f());"),
        format!("{define}const f = (x) => [...f(x), ...f(x)]; export const auth = defineAuth({{ groups: f(1) }});"),
        format!("{data}const t = a.customType({{ x: t, y: t }}); {schema}", schema = of("{{ T: t }}")),
        format!("{data}const t = () => a.customType({{ x: t(), y: t() }}); {schema}", schema = of("{{ T: t() }}")),
        format!("{data}const s = a.combine([s, s]); export const data = defineData({{ schema: s }});"),
        format!("{data}const s = {{ ...s, T: s.T }}; {schema}", schema = of("s")),
        format!("{data}const r = (allow) => [...r(allow)]; {schema}", schema = of("{{}}).authorization(r")),
        format!("{define}const o = {{ ...o }}; export const auth = defineAuth(o);"),
    ];
    for text in forms.into_iter().flatten().chain(texts) {
        let shown: String = text.chars().take(100).collect();
        let imported = import(&["a.ts".into()], &|_| Some(text.clone().into_bytes()));
        let harmless = imported.files.iter().all(|file| !file.text.contains("groups:"));
        assert!(harmless, "{shown}");
    }
}

/// The example of the guide: its files, and the policy that it says they become.
#[test]
fn the_example_of_the_guide() {
    let guide = std::fs::read_to_string(root().join("../docs/aws.md")).unwrap();
    let blocks = |fence: &str| -> Vec<String> {
        let blocks = guide.split(fence).skip(1).filter_map(|rest| rest.split("```").next());
        blocks.map(str::to_owned).collect()
    };
    let files: Vec<(String, String)> = blocks("```ts\n")
        .into_iter()
        .filter_map(|text| Some((text.strip_prefix("// ")?.split('\n').next()?.to_owned(), text)))
        .collect();
    assert_eq!(files.len(), 3);
    let paths: Vec<String> = files.iter().map(|(path, _)| path.clone()).collect();
    let imported = import(&paths, &|path| {
        files.iter().find(|(known, _)| known == path).map(|(_, text)| text.clone().into_bytes())
    });
    assert!(imported.diagnostics.is_empty(), "{}", lines(&imported));
    let printed = imported.files.iter().map(|file| file.text.trim_end()).collect::<Vec<_>>().join("\n\n");
    assert_eq!(format!("{printed}\n"), blocks("```policy\n")[0]);
}

// ---- mangled text

/// The cases, and the projects as often as some of them.
static SOURCES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let mut sources = all_cases();
    let projects = ["blog", "saas", "photos", "static", "database", "hatches", "messy"].map(|name| {
        let mut paths = Vec::new();
        collect(&root().join("projects").join(name), &mut paths, true);
        let text = |path: &String| Some((path.clone(), std::fs::read_to_string(path).ok()?.into()));
        json!({"typescript": paths.iter().filter_map(text).collect::<serde_json::Map<String, Value>>()})
    });
    let share = sources.len() / projects.len() / 3;
    projects.iter().for_each(|project| sources.extend(std::iter::repeat_n(project.clone(), share)));
    sources
});

/// The places of a text where something static stands: texts, lists, objects, rules.
fn places(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut places = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let bytes = text.as_bytes();
    let mut at = text.find("export const").map_or(0, |at| at.min(text.find("const schema").unwrap_or(at)));
    while at < bytes.len() {
        match bytes[at] {
            b'/' if text[at..].starts_with("//") => at += text[at..].find('\n').unwrap_or(bytes.len() - at - 1),
            b'/' if text[at..].starts_with("/*") => at += text[at..].find("*/").unwrap_or(bytes.len() - at - 1),
            quote @ (b'"' | b'\'' | b'`') => {
                let end = text[at + 1..].find(quote as char).map_or(bytes.len(), |end| at + 2 + end);
                // A key of an object is no expression.
                if !text[end..].starts_with(':') {
                    places.push(at..end);
                }
                at = end;
                continue;
            }
            b'[' | b'{' | b'(' => open.push(at),
            b']' | b'}' | b')' => {
                if let Some(start) = open.pop() {
                    match bytes[start] {
                        b'(' => places.extend(chain_around(text, start, at + 1)),
                        _ => places.push(start..at + 1),
                    }
                }
            }
            _ => (),
        }
        at += 1;
    }
    places
}

/// Whether an expression stands at a place, and no block, pattern, key or index.
fn is_expression(text: &str, place: &std::ops::Range<usize>) -> bool {
    let (before, after) = (text[..place.start].trim_end(), text[place.end..].trim_start());
    let opens = before.ends_with(['(', ',', ':', '[', '=', '?', '|', '+']) || before.ends_with("&&");
    let is_body = before.ends_with("=>") && text[place.clone()].starts_with('{');
    (opens || before.ends_with("=>")) && !is_body && !after.starts_with(['=', ':', '.']) && !after.starts_with(") =>")
}

/// The chain that ends with a call: `allow.owner().to(…)`.
fn chain_around(text: &str, open: usize, end: usize) -> Option<std::ops::Range<usize>> {
    let start = ["allow.", "a."].iter().filter_map(|root| text[..open].rfind(root)).max()?;
    let between = &text[start..open];
    between.chars().all(|c| c.is_alphanumeric() || c == '.').then_some(start..end)
}

fn with(case: &Value, path: &str, text: String) -> Imported {
    let paths = case["typescript"].as_object().unwrap().keys().filter(|path| !path.ends_with(".json")).cloned();
    import(&paths.collect::<Vec<String>>(), &|asked| match asked == path {
        true => Some(text.clone().into_bytes()),
        false => Some(case["typescript"][asked].as_str()?.into()),
    })
}

fn bytes_of(imported: &Imported) -> Option<Vec<u8>> {
    let sources: Vec<Source> =
        imported.files.iter().map(|file| Source { name: file.name.into(), text: file.text.as_str().into() }).collect();
    table(&check(&sources).policy?, false).ok()
}

fn file_of(case: &Value, which: usize) -> (String, String) {
    let files: Vec<(&String, &Value)> = case["typescript"].as_object().unwrap().iter().collect();
    let (path, text) = files[which % files.len()];
    (path.clone(), text.as_str().unwrap().to_owned())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: admit_tests::cases(400), ..ProptestConfig::default() })]

    /// Whatever becomes of a project's text, importing it ends with a policy and reports.
    #[test]
    fn mangled_projects_do_no_harm(
        number in 0..10_000usize, which in 0..16usize, start in 0.0..1.0f64, length in 0..60usize,
        put in prop_oneof![
            Just(String::new()), "[ -~\n]{0,12}",
            prop::sample::select(vec!["...x", "`${y}`", "() =>", "})", "[[", "await ", "\u{0}", "é", "'", "/*", "//"])
                .prop_map(str::to_owned),
        ],
    ) {
        let case = &SOURCES[number % SOURCES.len()];
        let (path, mut text) = file_of(case, which);
        let boundary = |mut at: usize| { while !text.is_char_boundary(at) { at -= 1 } at };
        let from = boundary((start * text.len() as f64) as usize);
        let to = boundary((from + length).min(text.len()));
        text.replace_range(from..to, &put);
        let imported = with(case, &path, text);
        for one in &imported.diagnostics {
            let source = &imported.sources[one.label.file].text;
            prop_assert!(one.label.span.end as usize <= source.len() && one.label.span.start <= one.label.span.end);
        }
        prop_assert!(imported.has_errors() || imported.files.is_empty() || bytes_of(&imported).is_some());
    }

    /// Another way to write the same value gives the same policy.
    #[test]
    fn what_is_written_in_another_way_is_the_same(
        number in 0..10_000usize, which in 0..16usize, place in 0..10_000usize,
        way in prop::sample::select(vec![
            "(@)", "[@][0]", "[@].at(-1)", "({ k: @ }).k", "({ k: @ })[\"k\"]", "((x) => x)(@)", "((x = @) => x)()",
            "(({ k }) => k)({ k: @ })", "(true ? @ : compute())", "(null ?? @)", "(false || @)", "(!0 && @)",
            "Object.values({ k: @ })[0]", "Object.freeze(@)", "[@].map((x) => x)[0]", "[compute, @].slice()[1]",
            "[[1, @]].flat()[1]", "Object.fromEntries([[\"k\", @]]).k", "[1, 2].reduce((all, x) => all, @)",
            "(() => { const [a, { k }] = [1, { k: @ }]; return k; })()",
            "(() => { if (\"a\" === \"b\") return compute(); return @; })()",
        ]),
    ) {
        let case = &SOURCES[number % SOURCES.len()];
        let (path, text) = file_of(case, which);
        let places = places(&text);
        prop_assume!(!places.is_empty());
        let place = places[place % places.len()].clone();
        prop_assume!(!path.ends_with(".json") && is_expression(&text, &place));
        let mut other = text.clone();
        other.replace_range(place.clone(), &way.replace('@', &text[place]));
        let (one, two) = (with(case, &path, text), with(case, &path, other.clone()));
        let codes = |imported: &Imported| imported.diagnostics.iter().map(|one| one.code).collect::<Vec<_>>();
        prop_assert_eq!(policy_text(&one), policy_text(&two), "{}\n{}", other, lines(&two));
        prop_assert_eq!(codes(&one), codes(&two), "{}\n{}", other, lines(&two));
    }

    /// What cannot be read is never guessed wider: with any part of a project computed, nobody gains anything, and the
    /// loss is reported.
    #[test]
    fn what_is_computed_gives_nobody_anything(
        number in 0..10_000usize, which in 0..16usize, place in 0..10_000usize,
        put in prop::sample::select(vec!["compute()", "...compute()", "allow.everybody()", "A.B"]),
    ) {
        let case = &SOURCES[number % SOURCES.len()];
        let (path, text) = file_of(case, which);
        let places = places(&text);
        prop_assume!(!places.is_empty());
        let place = places[place % places.len()].clone();
        let whole = with(case, &path, text.clone());
        let mut computed = text.clone();
        computed.replace_range(place.clone(), put);
        let partial = with(case, &path, computed.clone());
        let (Some(before), Some(after)) = (bytes_of(&whole), bytes_of(&partial)) else { return Ok(()) };
        let (before, after) = (Policy::from_bytes(&before).unwrap(), Policy::from_bytes(&after).unwrap());
        let lifted = |table: &Policy<'_>| admit_compiler::policy::Policy::of_table(table).unwrap();
        let difference = Difference::of(&lifted(&before), &lifted(&after));
        // A bucket whose name cannot be read is called as its constant.
        let is_renamed = |resource: &str| {
            let bucket = resource.split(' ').next().unwrap_or_default();
            let is_in = |imported: &Imported| policy_text(imported).contains(&format!("storage {bucket} {{"));
            is_in(&partial) && !is_in(&whole) && !text.contains(&format!("\"{bucket}\""))
        };
        // Fewer readers can mean that all of them see a field, which then is not held back from half a token either (§6).
        let of_half_tokens = |change: &admit_compiler::analysis::Change| {
            change.when.as_ref().is_some_and(|when| when.ends_with("a part of the identity"))
        };
        let gained = difference.changes.iter().filter(|change| change.gained && !of_half_tokens(change));
        let gains: Vec<String> = gained.filter(|change| !is_renamed(&change.resource.to_string()))
            .map(|change| format!("{} {}: {:?} {:?}", change.resource, change.caller, change.operations, change.fields))
            .collect();
        prop_assert!(gains.is_empty(), "{gains:#?}\n{}\n{computed}\n{}", &text[place], policy_text(&partial));
        let lost = difference.changes.iter().any(|change| !change.gained);
        prop_assert!(!lost || partial.has_errors(), "nothing is reported\n{computed}\n{}", policy_text(&partial));
    }
}

/// `a/{entity_id}/*` means all of `a/*` for all but `entity`, so it would reach what cannot be read below `a/`.
#[test]
fn a_folder_of_ones_own_lies_above_its_neighbours() {
    let text = "import { defineStorage } from \"@aws-amplify/backend\";
        export const storage = defineStorage({ name: \"files\", access: (allow) => ({
          \"a/{entity_id}/*\": [allow.guest.to([\"write\"])], \"a/b/*\": [allow.guest.to([compute()])],
        }) });";
    let imported = import(&["a.ts".into()], &|_| Some(text.as_bytes().to_vec()));
    assert!(imported.has_errors() && !policy_text(&imported).contains("guest"), "{}", policy_text(&imported));
}

/// Holes that the property above found: the policy gave more than the project.
#[test]
fn what_was_once_guessed_wider() {
    let import = |schema: &str| {
        let text = format!(
            "import {{ a, defineAuth, defineData }} from \"@aws-amplify/backend\";
             export const auth = defineAuth({{ loginWith: {{ email: true }}, groups: [\"A\"] }});
             const schema = a.schema({{ {schema} }}).authorization((allow) => [allow.authenticated()]);
             export const data = defineData({{ schema }});"
        );
        let imported = import(&["a.ts".into()], &|_| Some(text.clone().into_bytes()));
        (imported.has_errors(), policy_text(&imported))
    };
    // In Amplify the last of two field rules for one role holds, and an unread one may be it.
    let field = |rules: &str| {
        import(&format!(
            "P: a.model({{ n: a.string().authorization((allow) => [{rules}]) }}).authorization((allow) => [allow.owner()])"
        ))
    };
    let (reported, text) = field("allow.owner(), compute()");
    assert!(reported && !text.contains("model P"), "{text}");
    let (reported, text) = field("allow.owner(), compute(), allow.group(\"A\").to([\"read\"])");
    assert!(reported && text.contains("n: string { allow.group(\"A\").to([\"read\"]) }"), "{text}");
    // And so may one that gives nothing.
    let (reported, text) = field("allow.owner(), allow.group(\"A\"), allow.owner().to([])");
    assert!(!reported && text.contains("n: string { allow.group(\"A\") }"), "{text}");
    // A parameter without an argument is not the constant of that name.
    let (reported, text) = import(
        "P: a.model({ n: a.string() }).authorization((allow) => [((allow, schema) => allow.groups(schema))(allow)])",
    );
    assert!(reported && !text.contains("model P"), "{text}");
    // Arguments that are spread are arguments.
    let (reported, text) = import("P: a.model({ n: a.string() }).disableOperations(...compute())");
    assert!(reported && !text.contains("model P"), "{text}");
}

/// The reports of importing are warnings or errors, and their places lie in the files that were read.
#[test]
fn errors_are_what_decides_access() {
    let imported = project("messy");
    let first = imported.diagnostics.iter().find(|one| one.severity == Severity::Warning).unwrap();
    assert!(first.code.starts_with('W'));
    assert!(imported.diagnostics.iter().all(|one| imported.sources[one.label.file].name.starts_with("messy/")));
}
