//! `admit import`: the TypeScript of the recorded cases, whole projects, and text that is no project.

use admit_tests::cases::{self, Way};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")
}

#[test]
fn every_case_passes_as_imported() {
    let report = cases::run_by(&folder(), Way::Imported).unwrap();
    assert!(report.passed(), "{report}");
}
