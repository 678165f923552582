//! Comparisons of runs and groups of repeated runs: what changed, how sure that is, and what else differed.

pub mod analyse;
pub mod charts;
pub mod common;
pub mod concerns;
pub mod differences;
pub mod gate;
pub mod headline;
pub mod junit;
pub mod model;
pub mod outliers;
pub mod render;
pub mod repeats;
pub mod stats;
#[cfg(test)]
mod testing;
pub mod trust;
