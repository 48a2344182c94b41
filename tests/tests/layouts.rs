//! How a table lays out cells: grids where there are few classes, runs of cells where there are many.
//! Always: both say the same, reasons included.

use admit_runtime::{Policy, Reason, Request, Value};

/// A policy in which one group may only delete; in many groups, if there are more.
fn table(more: usize) -> Vec<u8> {
    let crowd: String = (0..more).map(|number| format!(", \"G{number}\"")).collect();
    let text = format!(
        "auth {{\n  loginWith: {{ email: true }}\n  groups: [\"CLEANERS\", \"EDITORS\"{crowd}]\n}}\n\
         model Post {{\n  text: string\n  allow.groups([\"CLEANERS\"]).to([\"delete\"])\n  \
         allow.groups([\"EDITORS\"]).to([\"read\", \"update\"])\n}}\n"
    );
    let source = admit_compiler::Source { name: "layouts.policy".into(), text: text.into() };
    let checked = admit_compiler::check(&[source]);
    admit_compiler::table(&checked.policy.unwrap_or_else(|| panic!("{:?}", checked.diagnostics)), true).expect("small")
}

/// Who may delete every field may set each to null, and so comes as far as the fields of an update.
#[test]
fn an_update_without_input_is_denied_for_its_fields() {
    let groups = ["CLEANERS"];
    let claims = [("cognito:groups", Value::List(&groups))];
    for more in [0, 100] {
        let bytes = table(more);
        let policy = Policy::from_bytes(&bytes).expect("sound");
        let user = policy.user(&claims).expect("one group");
        let update = policy.action("Post", "update").expect("there is such a model");
        let record = [("text", Value::Text("old"))];
        let decision = policy.decide(&user, update, &Request::on(&record));
        assert_eq!(decision.reason(), Some(Reason::Fields), "{more} more groups");
        let mut denied = Vec::new();
        decision.each_denied_field(&mut |name| denied.push(name.to_owned()));
        assert_eq!(denied, ["text"]);
    }
}
