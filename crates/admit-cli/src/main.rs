//! The `admit` binary.

fn main() -> std::process::ExitCode {
    admit_cli::main()
}
