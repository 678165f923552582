//! What a run will do, as pure arithmetic: no I/O, no clock.

mod describe;
mod find;
mod glob;
mod ior;
mod mdtest;
mod mdworkbench;
mod whole;

pub use describe::{Need, describe};
pub use find::{FindPlan, MARK, Predicate, numbers_containing_mark, numbers_with_mark, one_tree};
pub use glob::{Glob, Matcher};
pub use ior::{IorPlan, Offsets, RandomReads};
pub use mdtest::{MdtestPlan, Step};
pub use mdworkbench::MdworkbenchPlan;
pub use whole::{Plan, RankLayout, digest};

/// Placement hints as DAOS has them; 0 means inherited or default. Stores without such things ignore them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hints {
    /// Object class of files.
    pub file_class: u32,
    /// Object class of directories.
    pub dir_class: u32,
    /// Chunk size in bytes.
    pub chunk: u64,
}
