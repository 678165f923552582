//! Files of the command's campaigns.

#[path = "../../../dfs-bench/sweep/campaign.rs"]
pub mod campaign;
#[path = "../../../dfs-bench/sweep/journal.rs"]
pub mod journal;
#[path = "../../../dfs-bench/sweep/outcome.rs"]
pub mod outcome;
#[path = "../../../dfs-bench/sweep/slot.rs"]
pub mod slot;
