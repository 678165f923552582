//! The suite: configuration, ranks and stores in, result out. The only orchestrator.

mod books;
mod claims;
mod earlier;
mod layout;
mod phase;
mod provenance;
mod run;
mod standing;
mod visits;

pub use run::{Observer, Options, Quiet, Suite, command_line, dated};
