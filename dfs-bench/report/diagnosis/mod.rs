//! A diagnosis of a run and of each phase, in sentences made of measured figures: where the time went, what limits, what to try next.
//!
//! A rule is a row and a small function, as in the audit of nodes; it is silent where nothing can be said.

mod derive;
mod limits;
mod pairs;
mod rule;
mod run;
#[cfg(test)]
mod tests;
mod time;

pub use derive::{derive, lines};
