//! The phases themselves: the only place that times.

pub mod claim;
pub mod cleanup;
mod context;
pub mod find;
mod ior;
mod mdtest;
pub mod mdworkbench;
pub mod setup;
mod tally;
mod transfers;
mod workers;

pub use context::{Pace, PhaseContext, StonewallBarrier, Window};
pub use ior::{random_read, read as ior_read, write as ior_write};
pub use mdtest::{create as mdtest_create, delete as mdtest_delete, read as mdtest_read, stat as mdtest_stat};
pub use tally::{Check, RankTally, WindowParts};
