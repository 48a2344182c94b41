//! Text of `.policy` files to a lossless tree and errors, and back to text in one layout.
//! Always: parsing never fails, never panics and never loses a byte.
pub mod ast;
