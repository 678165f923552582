//! Files of the command's reports.

pub mod c_suite;
#[path = "../../../dfs-bench/report/change_points.rs"]
pub mod change_points;
#[path = "../../../dfs-bench/report/model.rs"]
pub mod model;
#[path = "../../../dfs-bench/report/spread.rs"]
pub mod spread;
