//! What a run needs besides configuration and plan.

use crate::engine::{Progress, Ticker};
use crate::error::Error;
use crate::results::Audit;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// The options of a run besides configuration and plan: begin with the default, and set fields.
#[derive(Clone)]
#[non_exhaustive]
pub struct Options {
    /// Where result files go, with the timestamp; none writes nothing (embedding).
    pub resultdir: Option<PathBuf>,
    /// Remove the benchmark's files after the last phase.
    pub clean_up: bool,
    /// Components at the end of the configured data directory that the caller made up: the clean-up removes them where they are empty.
    pub own_datadir_levels: usize,
    /// Whether the timestamp was chosen just now: an existing directory with it belongs to another run.
    pub new_run: bool,
    /// For provenance.
    pub command_line: Vec<String>,
    /// When the process began.
    pub process_start: Instant,
    /// The progress of the rank, and the request to stop.
    pub progress: Arc<Progress>,
    /// The clock of the loops.
    pub ticker: Ticker,
    /// Called from another thread when a rank failed and the others do not reach the next barrier. It should end the process; if it
    /// returns, the process is aborted, because the waiting rank would wait forever.
    pub stuck: Arc<dyn Fn(&Error) + Send + Sync>,
    /// What is known of the nodes beforehand; rank 0's counts.
    pub audit: Audit,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            resultdir: None,
            clean_up: false,
            own_datadir_levels: 0,
            new_run: false,
            command_line: command_line(),
            process_start: Instant::now(),
            progress: Arc::default(),
            ticker: Ticker::real(),
            stuck: Arc::new(|error| log::error!("the other ranks do not answer; aborting the process after: {error}")),
            audit: Audit::default(),
        }
    }
}

/// The words of this process's command line, as [`crate::text`] writes them.
pub fn command_line() -> Vec<String> {
    std::env::args_os().map(crate::text::of).collect()
}
