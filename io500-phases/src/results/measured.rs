//! What a phase's recorder has measured, of all ranks together.

use super::latency::{KindLatency, merge as merge_latencies};
use super::run::PhaseResult;
use super::series::{SeriesResult, Stability, merge as merge_series};
use crate::comm::Comm;
use crate::engine::series::Series;
use crate::engine::{Latencies, Recorder};

/// What was measured of single operations in one phase.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The latencies by kind of operation; empty when they were not recorded.
    pub latency: Vec<KindLatency>,
    /// The phase over time.
    pub series: SeriesResult,
    /// How steady it was.
    pub stability: Stability,
}

/// A recorder whose ranks can be put together.
pub trait Reduce: Recorder + Sized {
    /// Puts the ranks together after a phase. Collective; the result is on rank 0, the others get nothing. `bytes_each` is what
    /// an operation of the phase moves.
    fn reduce(self, comm: &dyn Comm, bytes_each: u64) -> Option<Measured>;
}

impl Reduce for Latencies {
    fn reduce(self, comm: &dyn Comm, bytes_each: u64) -> Option<Measured> {
        let latency = merge_latencies(comm, &self);
        let leading = self.leading();
        let (series, stability) = merge_series(comm, self.into_series(), leading, bytes_each)?;
        Some(Measured { latency: latency?, series, stability })
    }
}

impl Reduce for Series {
    fn reduce(self, comm: &dyn Comm, bytes_each: u64) -> Option<Measured> {
        let (series, stability) = merge_series(comm, self, None, bytes_each)?;
        Some(Measured { latency: Vec::new(), series, stability })
    }
}

impl Measured {
    /// Writes the figures into the result of the phase. The histograms stay here, for the files.
    pub fn enter(&self, result: &mut PhaseResult) {
        result.latency = self.latency.iter().map(|kind| kind.result.clone()).collect();
        result.series = Some(self.series.clone());
        result.stability = Some(self.stability.clone());
    }
}
