//! What the result of a phase says of its roof.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a phase cannot exceed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct PhaseRoof {
    /// The rate, in the phase's unit.
    pub rate: f64,
    /// What sets it: the lowest of `limits`.
    pub by: Limit,
    /// The phase's rate as a share of it: 1 is all.
    pub share: f64,
    /// All limits that are known, in the phase's unit.
    pub limits: Vec<(Limit, f64)>,
    /// What the reader needs to know, one sentence.
    pub words: String,
}

/// What limits a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// The links of the clients' nodes that the ranks can use.
    ClientLinks,
    /// Operations in flight, each as fast as the fastest of the phase.
    RoundTrips,
    /// What the ranks copy in memory, where the engines are on a node of the clients.
    ClientMemory,
}

impl Limit {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Limit::ClientLinks => "the clients' links",
            Limit::RoundTrips => "round trips",
            Limit::ClientMemory => "the clients' memory",
        }
    }

    /// Whether nothing can exceed it. Copies from a cache can be faster than those through memory.
    pub fn is_hard(self) -> bool {
        self != Limit::ClientMemory
    }
}
