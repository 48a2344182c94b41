//! The layout: each snapshot shows a text and what the formatter makes of it.
//! Always: formatting twice is formatting once, and nothing but layout changes.

use admit_syntax::{FormatError, format, parse};
use proptest::prelude::*;

fn show(text: &str) -> String {
    let once = format(text).expect("it has no syntax error");
    assert_eq!(format(&once).as_deref(), Ok(once.as_str()), "formatting twice changes the text again");
    format!("{text}\n---\n{once}")
}

macro_rules! formats {
    ($($name:ident: $text:expr;)*) => {
        $(#[test] fn $name() { insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(show($text)); }); })*
    };
}

formats! {
    everything: include_str!("everything.policy");
    constructs: include_str!("constructs.policy");
    one_line: "auth{loginWith:{email:true},groups:['ADMINS','EDITORS'],}model Post{title:string!,state:enum['draft','published']!,notes:string[]!{allow.owner()},body:string{allow.owner(),allow.guest()},identifier(['title']),allow.owner(),}function a function b storage files{'drafts/*':[allow.groups(['EDITORS']).to(['read','write']),allow.guest.to(['read'])],}";
    comments: "// first\n\n\n// second\nmodel Post { // on the brace\n  title: string // trails\n  // own line\n  body: string /* block */\n\n\n  /* before */ state: string\n  allow // odd\n    .owner() // end\n  // last\n}\n// after\n/* block */ function a // trailing\n";
    comments_in_lists: "auth { groups: [\n  \"A\", // first\n  // second is next\n  \"B\"\n  // no more\n] loginWith: { /* x */ email: true /* y */ } }\nmodel Post { allow.groups([/* a */ \"A\", /* b */ \"B\" /* c */, \"C\"]).to( /* d */ [\"read\"]) }";
    long_lists: "auth { groups: [\"AAAAAAAAAAAAAAAAAAAA\", \"BBBBBBBBBBBBBBBBBBBBBBBBBB\", \"CCCCCCCCCCCCCCCCCCCCCCCC\", \"DDDDDDDDDDDDD\"] }\nmodel Post { allow.groups([\"AAAAAAAAAAAAAAAAAAAA\", \"BBBBBBBBBBBBBBBBBBBBBBBBBB\", \"CCCCCCCCCCCCCCCCCCCCCCCC\", \"DDDDDDDDDDDDD\"]).to([\"read\", \"update\"]) }\nstorage files { \"drafts/*\": [allow.groups([\"AAAAAAAAAAAAAAAAAAAAAAAA\"]).to([\"read\", \"write\"]), allow.authenticated.to([\"read\"])] }";
    descriptions: "/// A post.\n///   Indented.\nmodel Post {\n\n  /// Its title.\n  title: string\n  allow.owner()\n}\n//// not a description\nenum State { a b, \"c d\" }";
    operations: "query a: string { allow.publicApiKey() } mutation publish(id: id!, note: string): Post { allow.group(\"A\") allow.group(\"B\") } subscription c { for: [publish, Post.mutations([\"create\"])] allow.guest() }\nquery d";
    values_called_like_declarations: "enum Kind { function, model, query x }";
    quotes: "auth { groups: ['A\"B', 'it\\'s', \"tab\\t\", 'ü\\u00fc'] }";
    lists: "let A=['X','Y']let B=[...A,'Z']let C=[allow.owner(),...D]model Post{...C allow.groups(A).to(B),}";
    conditions: "model Post { allow.owner().when(! record.a&&(record.b||! ( record.c ==null ))&&record.d in['x','y']) deny.guest().when(claims['custom:x'].startsWith('aaaaaaaaaaaaaaaaaaaaaaaaaaaa') && record.tags.contains(claims.sub) || record.n>=-1) }";
    tests_and_invariants: "test 'a b'{let e=user{groups:['A']},e can['read']Post{state:'x'}with{a:null},guest cannot articles 'a/b' function f can publish}invariant 'x'{only[group('A'),owner()]can['delete']Post no guest()can Post.notes,whoever can['get']Post can['list']Post no one can both a and b}";
    a_trailing_comment_in_a_condition: "model Post { allow.owner().when(record.a // why\n  && record.b) }";
    empty: "";
    only_a_comment: "\n\n// nothing else\n\n";
    empty_blocks: "model Post {\n}\ntype T { }\nstorage s { \"a/*\": [ ] }\nauth { groups: [\n] }";
}

#[test]
fn a_file_with_errors_is_refused() {
    assert!(matches!(format("model Post {"), Err(FormatError::Syntax(errors)) if errors.len() == 1));
}

/// Tokens in random order: mostly wrong files, some right ones.
fn scraps() -> impl Strategy<Value = String> {
    let scrap = prop::sample::select(vec![
        "model",
        "Post",
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        ":",
        ",",
        ".",
        "!",
        "allow",
        "owner",
        "to",
        "\"read\"",
        "'x'",
        "//",
        "\n",
        " ",
        "/*",
        "*/",
        "///",
        "auth",
        "groups",
        "storage",
        "\"a/*\"",
        "enum",
        "query",
        "12",
        "-",
        "é",
        "\\",
        "\"",
        "'",
        "\u{0}",
        "=",
        "...",
        "let",
        "use",
        "group",
        "test",
        "invariant",
        "when",
        "record",
        "&&",
        "||",
        "==",
        "in",
        "can",
        "cannot",
        "with",
        "only",
        "no",
        "one",
    ]);
    prop::collection::vec(scrap, 0..60).prop_map(|scraps| scraps.concat())
}

/// Right files, with blanks and comments anywhere between tokens.
fn spaced() -> impl Strategy<Value = String> {
    let gap = prop::sample::select(vec![
        " ",
        "\n",
        "\n\n\n",
        " // c\n",
        "/* c */",
        " /* c\nd */ ",
        "\n/// d\n",
        "\r\n",
        "\t",
    ]);
    prop::collection::vec(gap, 200).prop_map(|gaps| {
        let text = include_str!("constructs.policy");
        let parsed = parse(text);
        let solid = parsed.tree().tokens().iter().filter(|token| !token.kind.is_trivia());
        let pieces = solid.zip(gaps.iter().cycle()).map(|(token, gap)| format!("{gap}{}", &text[token.span.range()]));
        pieces.collect::<String>()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn parsing_never_fails_and_never_loses_a_byte(text in prop_oneof![scraps(), any::<String>()]) {
        let parsed = parse(&text);
        let tokens: String = parsed.tree().tokens().iter().map(|token| &text[token.span.range()]).collect();
        prop_assert_eq!(&tokens, &text);
        prop_assert!(parsed.errors().iter().all(|error| text.get(error.span.range()).is_some()));
        prop_assert!(parsed.errors().iter().all(|error| !error.message.contains("fault")));
    }

    #[test]
    fn formatting_keeps_all_but_layout(text in spaced()) {
        let parsed = parse(&text);
        prop_assert!(parsed.errors().is_empty(), "{:?}", parsed.errors());
        let once = format(&text);
        prop_assert!(once.is_ok(), "{:?}", once);
        let once = once.unwrap();
        let twice = format(&once).unwrap();
        prop_assert_eq!(&once, &twice);
    }
}

/// They were ordinary comments once, since the lexer's longest match won, and nobody's description came through.
#[test]
fn three_slashes_are_a_description() {
    let parsed = admit_syntax::parse(
        "/// A post.\n//// no more\n///   Indented.\nmodel Post {\n  /// Its title.\n  title: string\n}",
    );
    let model = parsed.file().model("Post").unwrap();
    assert_eq!(model.doc, ["A post.", "  Indented."]);
    assert_eq!(model.fields[0].doc, ["Its title."]);
}
