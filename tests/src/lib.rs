//! The end-to-end tests' own library: generated policies, and cases of the real Amplify stack.

pub mod cases;
pub mod compare;
pub mod counts;
pub mod generate;
pub mod large;
pub mod rows;
pub mod translate;
