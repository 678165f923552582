//! The servers' and libdaos's own side of a run: metrics text -> samples -> figures of each phase.
//!
//! `exposition`, `metrics`, `snapshot`, `figures`, `client` and `background` are pure; `poll` asks servers, `client_files` reads files.

mod background;
mod client;
mod client_files;
mod exposition;
mod figures;
mod metrics;
mod poll;
mod snapshot;
#[cfg(test)]
mod testing;

pub use client_files::{ClientFiles, keep_client_metrics};
pub use poll::{Servers, addresses};
