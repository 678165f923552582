//! Whether the figures of a result directory of this program are consistent: all that follow from others are derived again.

mod figures;
mod files;
mod findings;

pub use figures::contradictions as of_figures;
pub use files::{contradictions as of_all_files, with_result_txt};
