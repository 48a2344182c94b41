//! Which changes
