//! A policy as large as they come: 10,000 groups, 2,000 models, 20,000 rules.
//! Always: the same text, so that measurements of different days can be compared.

use std::fmt::Write;

/// The policy's text: `models` models of ten rules each, over `groups` groups.
pub fn policy(groups: usize, models: usize) -> String {
    let mut out = String::from("auth {\n  loginWith: { email: true }\n  groups: [\n");
    for group in 0..groups {
        let _ = writeln!(out, "    \"GROUP_{group}\",");
    }
    out.push_str("  ]\n}\n");
    for model in 0..models {
        let _ = writeln!(out, "\nmodel Model{model} {{\n  title: string\n  body: string\n  author: string");
        // Eight rules for eight blocks of groups, no two models alike, and two rules about the record.
        for rule in 0..8 {
            let names: Vec<String> =
                (0..3).map(|at| format!("\"GROUP_{}\"", (model * 24 + rule * 3 + at) % groups.max(1))).collect();
            let to = [".to([\"read\"])", ".to([\"read\", \"update\"])", "", ".to([\"create\", \"get\"])"][rule % 4];
            let _ = writeln!(out, "  allow.groups([{}]){to}", names.join(", "));
        }
        out.push_str("  allow.ownerDefinedIn(\"author\")\n  allow.guest().to([\"read\"])\n}\n");
    }
    out
}
