//! Coverage for editors, in the form of LCOV: a line that a rule begins on counts what the rule decided, and each of
//! its cells is a branch of it.

use admit_compiler::policy::Policy;
use admit_compiler::testing::coverage::{Coverage, Exercised};
use std::fmt::Write;

/// The records of each file that holds rules, in the order of the files.
pub fn text(policy: &Policy, coverage: &Coverage) -> String {
    let mut out = String::new();
    for (number, file) in policy.files.iter().enumerate() {
        let rules: Vec<&Exercised> = coverage.rules.iter().filter(|rule| rule.place.file as usize == number).collect();
        if rules.is_empty() {
            continue;
        }
        let mut lines: Vec<(u32, usize)> = Vec::new();
        let (mut branches, mut taken) = (0, 0);
        let _ = writeln!(out, "TN:\nSF:{file}");
        for (block, rule) in rules.iter().enumerate() {
            let line = rule.place.line;
            match lines.last_mut() {
                Some((last, hits)) if *last == line => *hits += rule.hits(),
                _ => lines.push((line, rule.hits())),
            }
            for (branch, cell) in rule.cells.iter().enumerate() {
                let _ = writeln!(out, "BRDA:{line},{block},{branch},{}", cell.hits);
                branches += 1;
                taken += usize::from(cell.hits > 0);
            }
        }
        let _ = writeln!(out, "BRF:{branches}\nBRH:{taken}");
        for (line, hits) in &lines {
            let _ = writeln!(out, "DA:{line},{hits}");
        }
        let hit = lines.iter().filter(|(_, hits)| *hits > 0).count();
        let _ = writeln!(out, "LF:{}\nLH:{hit}\nend_of_record", lines.len());
    }
    out
}
