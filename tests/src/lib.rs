//! What the end-to-end tests share: the runner of case files and the generator of policies.
//! Always: goes through the same public path as a user: text, checker, table, runtime.

pub mod generate;
