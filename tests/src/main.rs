//! `cargo run --release -p admit-tests -- cases DIR`: compares Admit with recorded decisions of the real Amplify
//! stack. Exits 0 if all hold, 1 if one fails, 2 if the folder cannot be read. With `--imported` the policies come from
//! the cases' TypeScript, by `admit import`.
//! `cargo run --release -p admit-tests -- large`: how long the largest policy takes, and how much memory; with `--text`
//! it is written to standard output, so that every command can be tried on it.
//! `cargo run --release -p admit-tests -- counts [--update]`: how many instructions decisions take, as valgrind counts
//! them; exits 1 if it is over 5 % more than `tests/counts.txt` says.

use admit_tests::cases::Way;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["cases", folder] => cases(folder, Way::Translated),
        ["cases", folder, "--imported"] => cases(folder, Way::Imported),
        ["large"] => report(admit_tests::large::measure()),
        ["large", "--text"] => report(Ok(admit_tests::large::policy(10_000, 2_000))),
        ["counts"] => report(admit_tests::counts::measure(false)),
        ["counts", "--update"] => report(admit_tests::counts::measure(true)),
        ["count", case, table] => report(admit_tests::counts::run(case, table)),
        _ => usage(),
    }
}

fn report(report: Result<String, String>) -> ExitCode {
    match report {
        Ok(report) => {
            print!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("admit-tests: {error}");
            ExitCode::from(1)
        }
    }
}

fn cases(folder: &str, way: Way) -> ExitCode {
    match admit_tests::cases::run_by(Path::new(folder), way) {
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
    eprintln!("usage: admit-tests cases DIR [--imported] | large [--text] | counts [--update]");
    ExitCode::from(2)
}
