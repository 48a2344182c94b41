//! Loads a decision table and answers requests.
//! Always: no allocation, no panic, no unsafe; whatever is unknown, missing or malformed is denied.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use admit_runtime::{Policy, Request, Value};
//!
//! let bytes = std::fs::read("app.table")?;
//! let policy = Policy::from_bytes(&bytes)?;                        // once: checks every byte
//! let update = policy.action("Article", "update")?;                // once a name
//! let groups = ["EDITORS"];
//! let claims = [("sub", Value::Text("1")), ("cognito:groups", Value::List(&groups))];
//! let eve = policy.user(&claims)?;                                 // once a token
//! let decision = policy.decide(&eve, update, &Request::new());     // every request
//! println!("{}", if decision.is_allowed() { "go ahead" } else { "no" });
//! # Ok(()) }
//! ```
#![no_std]
#![forbid(unsafe_code)]

#[cfg(any(feature = "write", feature = "serde_json"))]
extern crate alloc;

mod access;
mod asker;
mod cells;
mod claim;
mod decide;
mod decision;
mod error;
mod explain;
mod filter;
pub mod format;
mod guarded;
mod inspect;
mod load;
mod model;
mod names;
mod places;
mod principal;
mod program;
mod request;
mod special;
mod value;
mod words;
#[cfg(feature = "write")]
pub mod write;

pub use access::{Access, ModelAccess, PathAccess, Who};
pub use claim::{MAX_CLAIM, MAX_LIST, MAX_NAME};
pub use decide::is_plain_key;
pub use decision::{Decision, Effect, Reason, Shown};
pub use error::{LoadError, PrincipalError, Unknown};
pub use explain::{Rule, Scope, Verdict};
pub use filter::{Condition, Filter, Identity};
pub use guarded::{GuardedPath, GuardedRule, GuardedWho, Operand, Step, Steps, Term, Test};
pub use load::{Policy, check_envelope};
pub use principal::{Authorizer, Caller, MAX_HELD, Principal};
pub use request::{Action, CustomKind, Request, Stored};
pub use value::{Fields, List, Value};
pub use words::{Mode, Operation, Operations, Provider};

/// The bytes of a table file, checked when the program is compiled: a damaged table does not compile.
///
/// ```ignore
/// static TABLE: &[u8] = admit_runtime::include_table!("../bulletin.table");
/// let policy = admit_runtime::Policy::from_bytes(TABLE)?;
/// ```
#[macro_export]
macro_rules! include_table {
    ($path:expr) => {{
        const BYTES: &[u8] = include_bytes!($path);
        const _: () = assert!($crate::check_envelope(BYTES).is_ok(), "this table is damaged or of another version");
        BYTES
    }};
}
