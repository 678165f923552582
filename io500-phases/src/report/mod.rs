//! Results as bytes: the files of the result directory. The same result gives the same bytes.

mod command;
mod csv;
mod dir;
mod find_csv;
mod io500;
mod latency;
mod phase_txt;

pub use command::equivalent_command;
pub use csv::{ior_csv, mdtest_csv};
pub use dir::{ResultDir, mdworkbench_rate_file, mdworkbench_start_file, stonewall_file};
pub(crate) use dir::{needs_stonewall, no_stonewall, no_timestamp};
pub use find_csv::find_csv;
pub use io500::{iterations_warning, phase_line, result_txt, score_lines, stdout_reasons, summary};
pub use latency::{LOG_NAME, LogEntry, hgrm, hgrm_name, histogram_log, latency_table};
pub use phase_txt::phase_txt;
