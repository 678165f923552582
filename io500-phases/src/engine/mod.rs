//! The hot loop: one rank's operations under a stonewall, with wear-out, latencies and a way to fail together.

mod control;
pub mod histograms;
mod latencies;
mod progress;
mod recorder;
pub mod series;
mod team;
mod threads;
mod ticker;
mod watched;

pub use control::{BEAT_NS, Control, During, OpError, Stop};
pub use latencies::Latencies;
pub use progress::{Progress, Snapshot, WearOut, WindowPart};
pub use recorder::{Off, OpKind, Recorder};
pub use series::Series;
pub use team::{FAILED, Failure, Team, catch};
pub use threads::{Thread, run_threads};
pub use ticker::Ticker;
pub use watched::Watched;
