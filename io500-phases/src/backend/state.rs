//! Health and space of a store, as numbers that can be compared before and after a run.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the agent of a node tells clients of a DAOS system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct AttachState {
    /// The name of the system.
    pub system: String,
    /// What its fabric speaks: `ofi+tcp`, `ofi+verbs;ofi_rxm`, `ucx+dc_x`.
    pub provider: String,
    /// Its engines.
    pub engines: Vec<EngineAddress>,
    /// The ranks of engines whose servers are access points.
    pub management: Vec<u32>,
}

/// An engine, and where clients reach it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct EngineAddress {
    /// Its rank.
    pub rank: u32,
    /// `ofi+tcp://10.8.1.11:31416`.
    pub uri: String,
}

/// Health of a DAOS pool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct PoolState {
    /// Engines that it spans.
    pub engines: u32,
    /// Targets of all engines.
    pub targets: u32,
    /// Disabled targets.
    pub disabled_targets: u32,
    /// Version of the pool map: changes with every engine or target that leaves or joins.
    pub map_version: u32,
    /// `idle`, `busy` or `done`.
    pub rebuild: String,
    /// The version of the pool map that the last rebuild was for; 0 where none ran.
    pub rebuild_version: u32,
}

impl PoolState {
    /// Whether a rebuild is running.
    pub fn rebuilds(&self) -> bool {
        self.rebuild == "busy"
    }

    /// What happened between this state and a later one, a sentence each.
    pub fn changes(&self, later: &PoolState) -> Vec<String> {
        let mut changes = Vec::new();
        if self.map_version != later.map_version {
            changes.push(format!(
                "the pool map went from version {} to {}: an engine or a target left or joined during the run",
                self.map_version, later.map_version
            ));
        }
        if self.disabled_targets != later.disabled_targets {
            changes.push(format!(
                "disabled targets: {} before the run, {} after it",
                self.disabled_targets, later.disabled_targets
            ));
        }
        if later.rebuilds() {
            changes.push("a rebuild was running when the run ended".to_owned());
        } else if self.rebuild_version != later.rebuild_version {
            changes.push(format!("a rebuild (for pool map {}) ran during the run", later.rebuild_version));
        }
        changes
    }
}

/// Space of a store, bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Space {
    /// The total.
    pub total: u64,
    /// What is free.
    pub free: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rebuild_between_two_looks_is_seen() {
        let before = PoolState { map_version: 1, rebuild: "idle".into(), ..PoolState::default() };
        assert_eq!(before.changes(&before), Vec::<String>::new());
        let busy = PoolState { map_version: 3, disabled_targets: 16, rebuild: "busy".into(), ..PoolState::default() };
        let changes = before.changes(&busy);
        assert_eq!(changes.len(), 3, "{changes:?}");
        assert!(changes[0].contains("version 1 to 3") && changes[2].contains("running when the run ended"));
        let over = PoolState { rebuild: "done".into(), rebuild_version: 3, ..before.clone() };
        assert_eq!(before.changes(&over), ["a rebuild (for pool map 3) ran during the run"]);
    }
}
