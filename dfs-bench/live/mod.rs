//! The live view of a run: what rank 0 and the heartbeats tell, as a line, as JSON, and as a file of metrics.

mod json;
mod line;
mod metrics;
mod place;
mod run_progress;
mod thread;
mod view;

pub use run_progress::RunProgress;
pub use thread::{LiveView, Settings, Shown};
