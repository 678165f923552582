//! Files of the command's campaigns.

#[path = "../../../dfs-bench/sweep/axis.rs"]
pub mod axis;
#[path = "../../../dfs-bench/sweep/batch.rs"]
pub mod batch;
#[path = "../../../dfs-bench/sweep/campaign.rs"]
pub mod campaign;
#[path = "../../../dfs-bench/sweep/journal.rs"]
pub mod journal;
#[path = "../../../dfs-bench/sweep/outcome.rs"]
pub mod outcome;
#[path = "../../../dfs-bench/sweep/over_time.rs"]
pub mod over_time;
#[path = "../../../dfs-bench/sweep/rungs.rs"]
pub mod rungs;
#[path = "../../../dfs-bench/sweep/slot.rs"]
pub mod slot;
