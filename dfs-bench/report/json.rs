//! A report as JSON: the whole model, unrounded, per-rank figures included.

use super::model::Run;
use serde_json::json;

/// Raised when a field changes its meaning or goes away; new fields do not raise it.
pub const VERSION: u32 = 2;

/// The report of these runs.
pub fn render(runs: &[&Run]) -> serde_json::Result<String> {
    let report = json!({ "format": "dfs-bench-report", "version": VERSION, "runs": runs });
    serde_json::to_string_pretty(&report).map(|text| text + "\n")
}
