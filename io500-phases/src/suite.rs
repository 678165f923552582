//! The suite: configuration, ranks and stores in, result out. The only orchestrator.

mod layout;
mod phase;
mod run;

pub use run::{Observer, Options, Quiet, Suite, dated};
