//! `dfs-bench history`: all runs under a directory in time order, and the answer to "why is the throughput lower today?".
//!
//! [`mod@collect`] reads, [`trend`] and [`limits`] are pure, [`found`] puts both together, [`report`] and [`page`] show it.

mod charts;
mod collect;
mod found;
mod gate;
mod limits;
mod page;
mod render;
mod report;
mod trend;

pub use collect::collect;
pub use found::find;
pub use gate::check;
pub use render::render;
