//! Answers about every request at once: who may do what, what a change gives and takes, whether invariants hold.
//! Always: exact, over the checked policy, which is equal to its table by the property tests. An answer is "holds",
//! "broken" by a request that the definition confirms, or "undecided"; what is cut is said.
//!
//! `deeds` and `objects` say as a `formula` when a request is allowed; `scene` which requests must be tried, with
//! `values`; `search` tries them. On that stand `invariants` (over `acts`), `report` (over `terms`) and `difference`.

mod acts;
mod behind;
mod deeds;
mod difference;
mod formula;
mod given;
mod invariants;
mod lift;
mod objects;
mod plain;
mod renames;
mod report;
mod scene;
mod search;
mod settled;
mod shapes;
mod steps;
mod terms;
mod values;
mod ways;
pub use behind::{Behind, RuleBehind};
pub use deeds::Arrival;
pub use difference::{Change, Difference};
pub use given::Given;
pub use invariants::{Answer, Broken, holds};
pub use renames::{Rename, Renamed};
pub use report::{Caller, Cell, Extent, Matrix, ON_MODELS, ON_PATHS, Resource, Settings, WayIn};
pub use search::BUDGET;
