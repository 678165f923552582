//! `dfs-bench sweep`: a campaign of runs as one file and one command.
//!
//! The flow is that of the suite: text → [`Campaign`] → cells → schedule → runs → journal → figures → report. Only [`runner`]
//! starts processes, only [`journal`] writes state; design, schedule and analysis are pure.

mod analysis;
mod campaign;
mod design;
mod journal;
mod launch;
mod model;
mod outcome;
mod report;
mod runner;
mod schedule;
#[cfg(test)]
mod simulated;
mod slot;
#[cfg(test)]
mod testing;

pub use analysis::analyse;
pub use campaign::{Campaign, EXAMPLE, schema};
pub use journal::{Journal, State};
pub use launch::launch;
pub use report::render;
pub use runner::{Runner, Stopped, duration, left};
pub use schedule::Schedule;
