//! Checks policies, says what they mean, and lowers them to decision tables.
//! Always: pure. No files, no terminal, no clock; the same sources give the same answer.

pub mod analysis;
mod check;
mod codes;
mod cognito;
pub mod condition;
pub mod definition;
pub mod diagnostic;
pub mod fix;
mod group_roles;
mod lower;
mod matrix;
pub mod policy;
pub mod testing;
pub mod words;

pub use admit_runtime::write::TooLarge;
pub use check::{
    Checked, MAX_CLASSES, MAX_FIELD_CLASSES, MAX_GROUP_NAME, MAX_GROUPS, MAX_TESTS, Source, check, wanted,
};
pub use codes::{NOT_ON_AWS, OUTPUT_LIMIT, OUTRANKED_DENY, WIDENS, codes, page};
pub use cognito::cognito_actions;
pub use group_roles::group_takes_away;
pub use lower::table;
