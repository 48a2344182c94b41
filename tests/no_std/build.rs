//! Links the C runtime's start-up code, which a program without std must ask for.
fn main() {
    println!("cargo:rustc-link-lib=c");
    println!("cargo:rerun-if-env-changed=ADMIT_TABLE");
}
