//! The suite: configuration, ranks and stores in, result out. The only orchestrator.

mod claims;
mod earlier;
mod layout;
mod phase;
mod provenance;
mod result_writer;
mod run;
mod run_state;
mod store_visitors;

pub use run::{NoopObserver, Observer, Options, Suite, command_line, dated};
