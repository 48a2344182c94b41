//! AWS Amplify and policies, in both directions.
//! Always: pure. Files come through the caller, and the same project gives the same text.

pub mod emit;
pub mod import;
