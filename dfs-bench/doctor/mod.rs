//! `dfs-bench doctor`: the facts of all nodes, held against rules, become findings.
//!
//! Facts come from [`io500_phases::facts`]; a rule is data and a small function in `rules`; every node judges itself, and rank 0 puts
//! together what they found and where they differ.

pub mod access_points;
pub mod audit;
pub mod gather;
pub mod html;
pub mod markdown;
pub mod report;
pub mod roof;
pub mod rule;
pub mod rules;
pub mod server;
pub mod table;
#[cfg(test)]
pub mod testing;
pub mod text;
