//! `cargo run --release -p admit-tests -- cases DIR`: compares Admit with recorded decisions of the real Amplify
//! stack. Exits 0 if all hold, 1 if one fails, 2 if the folder cannot be read.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [verb, folder] = args.as_slice() else { return usage() };
    if verb != "cases" {
        return usage();
    }
    match admit_tests::cases::run(Path::new(folder)) {
        Ok(report) => {
            print!("{report}");
            if report.passed() { ExitCode::SUCCESS } else { ExitCode::from(1) }
        }
        Err(error) => {
            eprintln!("admit-tests: {folder}: {error}");
            ExitCode::from(2)
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: admit-tests cases DIR");
    ExitCode::from(2)
}
