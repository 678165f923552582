//! Files of the command that read result directories of the C suite.

#[path = "../../../../dfs-bench/report/c_suite/rank_csv.rs"]
pub mod rank_csv;
