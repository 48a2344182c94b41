//! cov
