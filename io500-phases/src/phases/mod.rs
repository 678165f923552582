//! The phases themselves: the only place that times.

mod context;
mod ior;
mod mdtest;
mod tally;
mod transfers;

pub use context::{Cx, Pace};
pub use ior::{random_read, read as ior_read, write as ior_write};
pub use mdtest::{create as mdtest_create, delete as mdtest_delete, read as mdtest_read, stat as mdtest_stat};
pub use tally::{Check, RankTally};
