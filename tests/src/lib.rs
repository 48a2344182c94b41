//! The end-to-end tests' own library: generated policies, and cases of the real Amplify stack.

pub mod aws;
pub mod cases;
pub mod compare;
pub mod generate;
pub mod iam;
pub mod large;
pub mod rows;
pub mod speed;
pub mod translate;
