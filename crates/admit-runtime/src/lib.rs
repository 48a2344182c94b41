//! Loads a decision table and answers requests.
//! Always: no allocation, no panic, no unsafe; whatever is unknown, missing or malformed is denied.
#![no_std]
#![forbid(unsafe_code)]

mod words;
pub use words::{Mode, Operation, Operations, Provider};
