//! Whether the figures of a result directory of this program agree with each other: all that can be derived from others is derived again.

mod figures;
mod files;
mod findings;

pub use figures::contradictions as of_figures;
pub use files::{contradictions as of_all_files, refuted_claims, with_result_txt};
