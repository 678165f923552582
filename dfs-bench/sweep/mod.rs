//! `dfs-bench sweep`: a campaign of runs as one file and one command.
//!
//! The flow is that of the suite: text → [`Campaign`] → cells → schedule → runs → journal → figures → report. Only [`runner`]
//! starts processes, only [`journal`] writes state; design, schedule and analysis are pure.

#[cfg(test)]
mod adaptive_simulated;
mod analysis;
mod axis;
mod batch;
mod campaign;
mod charts;
mod cost;
mod data;
mod design;
mod found;
mod halving;
mod journal;
mod launch;
mod law;
mod model;
mod outcome;
mod over_time;
mod page;
mod paths;
mod report;
mod rungs;
mod runner;
mod scaling;
mod schedule;
mod scouting;
#[cfg(test)]
mod simulated;
mod slot;
mod submit;
mod tables;
#[cfg(test)]
mod testing;

pub use analysis::analyse;
pub use campaign::{Campaign, Design, EXAMPLE, schema};
pub use journal::{Journal, State};
pub use launch::{What, launch};
pub use outcome::Outcome;
pub use report::render;
pub use runner::{Runner, Stopped, duration};
pub use schedule::Schedule;
pub use submit::{Submitted, Waiting, submit, take_in};
