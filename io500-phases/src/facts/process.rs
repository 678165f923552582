//! What one rank is allowed and told: its CPUs, limits and environment.

use super::cpus::CpuSet;
use super::root::Root;
use serde::{Deserialize, Serialize};

/// A rank on its node.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RankFacts {
    /// Its number.
    pub rank: usize,
    /// The number of its node.
    pub node: usize,
    /// The CPUs that it may run on.
    pub cpus: Option<CpuSet>,
    /// Bytes that it may lock in memory; `u64::MAX` for no limit.
    pub memlock: Option<u64>,
    /// Variables that change how the store and its network behave.
    pub environment: Vec<(String, String)>,
    /// The library that speaks to the store, with its version.
    pub libdfs: String,
}

impl RankFacts {
    /// The calling process, as rank 0 of node 0.
    pub fn own(environment: Vec<(String, String)>, libdfs: String) -> RankFacts {
        let root = Root::live();
        let status = root.read("/proc/self/status").unwrap_or_default();
        let cpus = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).and_then(CpuSet::parse);
        RankFacts { cpus, memlock: memlock(&root), environment, libdfs, ..RankFacts::default() }
    }

    /// The value of a variable.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn memlock(root: &Root) -> Option<u64> {
    let limits = root.read("/proc/self/limits")?;
    let soft = limits.lines().find_map(|line| line.strip_prefix("Max locked memory"))?.split_whitespace().next()?;
    if soft == "unlimited" { Some(u64::MAX) } else { soft.parse().ok() }
}
