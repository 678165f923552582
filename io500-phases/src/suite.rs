//! The suite: configuration, ranks and stores in, result out. The only orchestrator.

mod builder;
mod claims;
mod collective;
mod directories;
mod earlier;
mod layout;
mod left_files;
mod machines;
mod observer;
mod options;
mod phase;
mod provenance;
mod result_writer;
mod run;
mod run_state;
mod store_visitors;

pub use builder::{SuiteBuilder, plan};
pub use left_files::{LeftFiles, left_files};
pub use observer::{NoopObserver, Observer};
pub use options::{Options, command_line};
pub use run::{Suite, dated};
