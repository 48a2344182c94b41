use admit_compiler::analysis::Matrix;
use admit_tests::generate::{self, Forms};
use proptest::strategy::{Strategy, ValueTree};
fn main() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for n in 0..60 {
        let policy = generate::policy(Forms::All).new_tree(&mut runner).unwrap().current();
        let start = std::time::Instant::now();
        let matrix = Matrix::of(&policy);
        let ms = start.elapsed().as_millis();
        if ms > 300 { println!("{n}: {ms} ms, {} rows, cut {:?}", matrix.rows.len(), matrix.cut); }
    }
}
