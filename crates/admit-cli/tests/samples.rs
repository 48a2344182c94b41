//! The policies of `docs/examples`, tested in one run: every cell is covered, nearly every change noticed, at once.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

fn admit(arguments: &[&str]) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    Command::new(env!("CARGO_BIN_EXE_admit")).current_dir(root).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn the_examples_pass_and_cover_every_cell() {
    let output = admit(&["test", "docs/examples", "--coverage", "--fail-under", "100"]);
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("(100.0 %)"), "{said}");
}

#[test]
fn the_examples_notice_nearly_every_change() {
    let output = admit(&["test", "docs/examples", "--mutate", "--fail-under", "95"]);
    assert!(output.status.success(), "{}", said(&output));
}

/// The best of three, since other work may stand in the way; without optimizations ten times as long is enough.
#[test]
fn the_examples_are_tested_in_less_than_a_second() {
    let most = if cfg!(debug_assertions) { Duration::from_secs(10) } else { Duration::from_secs(1) };
    let time = || {
        let started = Instant::now();
        assert!(admit(&["test", "docs/examples"]).status.success());
        started.elapsed()
    };
    let best = (0..3).map(|_| time()).min().unwrap();
    assert!(best < most, "{best:?}");
}
