//! Runs on disk as what can be gone on with, cleaned up after and listed.

pub mod listing;
pub mod recorded;
