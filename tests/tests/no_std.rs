//! The runtime without std and without an allocator: a program that embeds a table, built outside the workspace, and
//! run. Where a target without std is installed, the runtime is built for it as well.

use admit_tests::compare::policy_of;
use std::path::{Path, PathBuf};
use std::process::Command;

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("no_std")
}

fn cargo(args: &[&str], table: &Path, target: &Path) -> std::process::Output {
    Command::new(env!("CARGO"))
        .args(args)
        .current_dir(here())
        .env("ADMIT_TABLE", table)
        .env("CARGO_TARGET_DIR", target)
        .output()
        .unwrap()
}

#[test]
fn a_program_without_std_decides() {
    let folder = std::env::temp_dir().join(format!("admit-no-std-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let table = folder.join("bulletin.table");
    let bytes = policy_of(include_str!("../../docs/examples/bulletin.policy")).unwrap();
    std::fs::write(&table, &bytes).unwrap();
    let built = cargo(&["build", "--release"], &table, &folder);
    let said = String::from_utf8_lossy(&built.stderr).into_owned();
    assert!(built.status.success(), "{said}");
    let status = Command::new(folder.join("release/no_std")).status().unwrap();
    assert_eq!(status.code(), Some(0), "it decides otherwise than with std");

    // A damaged table does not even compile.
    let mut damaged = bytes;
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    std::fs::write(&table, &damaged).unwrap();
    let refused = cargo(&["build", "--release"], &table, &folder);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("this table is damaged"), "{said}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn the_runtime_builds_for_targets_without_std() {
    for target in ["thumbv7em-none-eabi", "wasm32v1-none", "wasm32-unknown-unknown"] {
        let libdir = Command::new("rustc").args(["--print", "target-libdir", "--target", target]).output().unwrap();
        let libdir = PathBuf::from(String::from_utf8_lossy(&libdir.stdout).trim());
        if !libdir.is_dir() {
            continue; // never fetched here; a machine that has the target checks it
        }
        let folder = std::env::temp_dir().join(format!("admit-{target}-{}", std::process::id()));
        let args = ["build", "--manifest-path", "../../crates/admit-runtime/Cargo.toml", "--target", target];
        let built = cargo(&args, Path::new(""), &folder);
        let _ = std::fs::remove_dir_all(&folder);
        assert!(built.status.success(), "{target}: {}", String::from_utf8_lossy(&built.stderr));
    }
}
