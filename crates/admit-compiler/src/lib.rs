//! Checks policies, says what they mean, and lowers them to decision tables.
//! Always: pure. No files, no terminal, no clock; the same sources give the same answer.

pub mod definition;
pub mod diagnostic;
mod lower;
mod matrix;
pub mod policy;

pub use lower::table;
