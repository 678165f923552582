//! Two settings against each other, run in turns: the order, and when enough was run.

pub mod decision;
pub mod runner;
