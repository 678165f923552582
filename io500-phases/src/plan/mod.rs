//! What a run will do, as pure arithmetic: no I/O, no clock.

mod find;
mod ior;
mod mdtest;

pub use find::{FindPlan, MARK, Predicate, numbers_with_mark};
pub use ior::{IorPlan, Offsets, RandomReads};
pub use mdtest::{MdtestPlan, Step};
