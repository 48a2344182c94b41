//! Answers about every request at once.
//! Always: exact. An answer is "holds", "broken" by a request that the definition confirms, or "undecided".

mod acts;
mod deeds;
mod formula;
mod invariants;
mod objects;
mod plain;
mod scene;
mod search;
mod settled;
pub mod tables;
mod values;
pub use deeds::Arrival;
pub use invariants::{Answer, Broken, holds};
pub use search::BUDGET;
pub use tables::*;
