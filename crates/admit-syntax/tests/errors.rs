//! What a wrong text is told. Each snapshot shows the text, the place and the words.

use admit_syntax::parse;
use std::fmt::Write;

/// Each error as `line:column code message`, with its label, help and other places.
fn report(text: &str) -> String {
    let parsed = parse(text);
    let place = |at: u32| {
        let before = &text[..at as usize];
        let line = before.matches('\n').count() + 1;
        format!("{line}:{}", before.chars().rev().take_while(|c| *c != '\n').count() + 1)
    };
    let mut out = format!("{text}\n---\n");
    for error in parsed.errors() {
        let _ = writeln!(out, "{} {} {}", place(error.span.start), error.code, error.message);
        let _ = writeln!(out, "    label: {} {:?}", error.label, &text[error.span.range()]);
        error.related.iter().for_each(|(span, text)| {
            let _ = writeln!(out, "    {}: {text}", place(span.start));
        });
        if let Some(help) = &error.help {
            let _ = writeln!(out, "    help: {help}");
        }
    }
    let _ = writeln!(out, "read: {}", parsed.file().items.len());
    out
}

macro_rules! errors {
    ($($name:ident: $text:expr;)*) => {
        $(#[test] fn $name() { insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(report($text)); }); })*
    };
}

errors! {
    a_bracket_is_missing: "model Post { allow.group(\"ADMINS\" }\nmodel Note { allow.owner() }";
    a_brace_is_missing: "model Post {\n  title: string\n\nmodel Note { allow.owner() }";
    the_last_brace_is_missing: "model Post {\n  title: string {\n    allow.owner()\n";
    a_closer_too_many: "model Post { allow.owner()) }";
    a_comma_is_missing: "model Post { allow.owner().to([\"read\" \"update\"]) }";
    an_operation_is_missing: "model Post { allow.owner().to([,]) }";
    a_group_is_missing: "model Post { allow.groups([:]) }";
    no_colon: "model Post { title string }";
    no_type: "model Post { title: }";
    no_name: "model { allow.owner() }";
    no_who: "model Post { allow. }";
    equals: "data { defaultAuthorizationMode = \"apiKey\" }";
    a_keyword_is_misspelt: "modle Post { allow.owner() }\nmodel Note { allow.owner() }";
    a_rule_outside: "allow.owner()";
    not_a_declaration: "{ }\n\"x\"";
    a_condition_is_missing: "model Post { allow.owner().when() }";
    half_a_comparison: "model Post { allow.owner().when(record.state ==) }";
    one_equals_sign: "model Post { allow.owner().when(record.state = \"draft\") }";
    words_for_operators: "model Post { allow.owner().when(record.a and record.b) }";
    a_list_that_is_no_list: "let STAFF = \"ADMINS\"\nmodel Note { allow.owner() }";
    a_let_without_a_name: "let = [\"A\"]\nmodel Note { allow.owner() }";
    a_brace_is_missing_in_a_test: "test \"x\" {\n  let draft = Post { state: \"draft\" }\n  guest can [\"read\"] draft\n\nmodel Note { allow.owner() }";
    an_assertion_without_a_verb: "test \"x\" {\n  guest may [\"read\"] Post\n}";
    an_assertion_without_a_target: "test \"x\" {\n  guest can [\"read\"]\n}";
    a_requirement_that_is_none: "invariant \"x\" {\n  every group(\"A\") can [\"read\"] Post\n}";
    an_invariant_without_a_name: "invariant {\n  no guest() can [\"read\"] Post\n}";
    a_quote_is_missing: "auth {\n  groups: [\"ADMINS, \"EDITORS\"]\n}\nmodel Note { allow.owner() }";
    a_comment_is_open: "model Post { allow.owner() }\n/* and so on";
    a_semicolon: "model Post { allow.owner(); }";
    smart_quotes: "model Post { allow.group(“ADMINS”) }";
    a_zero_byte: "model Post { title: \"a\0b\" }";
    a_bad_escape: "auth { groups: [\"A\\B\"] }";
    a_storage_path_without_quotes: "storage files { drafts: [allow.guest.to([\"read\"])] }";
    a_rule_list_without_commas: "storage files { \"a/*\": [allow.guest.to([\"read\"]) allow.authenticated.to([\"read\"])] }";
    a_function_with_braces: "function resizer { }\nfunction other";
    an_operation_without_name: "query (id: id): string";
}

#[test]
fn nesting_has_a_limit() {
    let text = format!("auth {{ groups: {} }}\nmodel Note {{ allow.owner() }}", "[".repeat(100_000));
    let parsed = parse(&text);
    assert_eq!(parsed.errors()[0].message, "brackets nest deeper than 64");
    let deep = format!("auth {{ groups: {}{} }}", "[".repeat(63), "]".repeat(63));
    assert!(parse(&deep).errors().is_empty(), "64 brackets are allowed");
}

#[test]
fn size_has_a_limit() {
    let text = " ".repeat(8 * 1024 * 1024 + 1);
    let parsed = parse(&text);
    assert_eq!(parsed.errors()[0].code, "E0901");
    assert!(parse(&" ".repeat(1000)).errors().is_empty());
}

#[test]
fn bytes_that_are_not_utf8_are_named() {
    let parsed = admit_syntax::parse_bytes(b"model \xff");
    assert_eq!(parsed.errors()[0].label, "byte 6 begins no character");
}

#[test]
fn line_ends_marks_and_both_quotes_are_accepted() {
    let parsed = parse("\u{feff}auth {\r\n  groups: ['ADMINS'],\r\n}\r\n");
    assert_eq!(parsed.errors(), []);
}

#[test]
fn keywords_are_fields_where_a_field_stands() {
    let text = "model Post {\n  model: string\n  auth: data\n  allow: boolean\n  storage: string { allow.owner() }\n  query: string\n  allow.owner()\n}";
    let parsed = parse(text);
    assert_eq!(parsed.errors(), []);
    let fields: Vec<&str> =
        parsed.file().model("Post").unwrap().fields.iter().map(|field| field.name.text.as_str()).collect();
    assert_eq!(fields, ["model", "auth", "allow", "storage", "query"]);
}
