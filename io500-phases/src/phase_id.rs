//! The phases of an IO500 run: their names, official order, kinds and families.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// One phase of the suite. The order of the variants is the official order of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)] // the names are the field's own
pub enum PhaseId {
    IorEasyWrite,
    MdtestEasyWrite,
    MdworkbenchCreate,
    Timestamp,
    FindEasy,
    IorHardWrite,
    MdtestHardWrite,
    Find,
    FindHard,
    MdworkbenchBench,
    IorEasyRead,
    MdtestEasyStat,
    IorHardRead,
    MdtestHardStat,
    MdworkbenchDelete,
    MdtestEasyDelete,
    MdtestHardRead,
    MdtestHardDelete,
    #[serde(rename = "ior-rnd4K-easy-read")]
    IorRnd4kEasyRead,
}

/// The workload a phase belongs to; also the name of the section its options are inherited from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Family {
    IorEasy,
    MdtestEasy,
    Mdworkbench,
    Timestamp,
    FindEasy,
    IorHard,
    MdtestHard,
    Find,
    FindHard,
    #[serde(rename = "ior-rnd4K-easy")]
    IorRnd4kEasy,
}

/// What a phase does to the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Kind {
    Write,
    Read,
    Stat,
    Delete,
    Find,
    Bench,
    Timestamp,
}

/// The part of the score that a phase counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ScoreGroup {
    /// GiB/s (2^30 bytes), geometric mean `BW`.
    Bandwidth,
    /// kIOPS (1000 operations per second), geometric mean `MD`.
    Metadata,
    /// Shown, never scored.
    None,
}

impl PhaseId {
    /// All phases in the official order, those of the extended mode included.
    pub const ALL: [PhaseId; 19] = [
        PhaseId::IorEasyWrite,
        PhaseId::MdtestEasyWrite,
        PhaseId::MdworkbenchCreate,
        PhaseId::Timestamp,
        PhaseId::FindEasy,
        PhaseId::IorHardWrite,
        PhaseId::MdtestHardWrite,
        PhaseId::Find,
        PhaseId::FindHard,
        PhaseId::MdworkbenchBench,
        PhaseId::IorEasyRead,
        PhaseId::MdtestEasyStat,
        PhaseId::IorHardRead,
        PhaseId::MdtestHardStat,
        PhaseId::MdworkbenchDelete,
        PhaseId::MdtestEasyDelete,
        PhaseId::MdtestHardRead,
        PhaseId::MdtestHardDelete,
        PhaseId::IorRnd4kEasyRead,
    ];

    /// The official name, as sections, files and result lines spell it.
    pub const fn name(self) -> &'static str {
        match self {
            PhaseId::IorEasyWrite => "ior-easy-write",
            PhaseId::MdtestEasyWrite => "mdtest-easy-write",
            PhaseId::MdworkbenchCreate => "mdworkbench-create",
            PhaseId::Timestamp => "timestamp",
            PhaseId::FindEasy => "find-easy",
            PhaseId::IorHardWrite => "ior-hard-write",
            PhaseId::MdtestHardWrite => "mdtest-hard-write",
            PhaseId::Find => "find",
            PhaseId::FindHard => "find-hard",
            PhaseId::MdworkbenchBench => "mdworkbench-bench",
            PhaseId::IorEasyRead => "ior-easy-read",
            PhaseId::MdtestEasyStat => "mdtest-easy-stat",
            PhaseId::IorHardRead => "ior-hard-read",
            PhaseId::MdtestHardStat => "mdtest-hard-stat",
            PhaseId::MdworkbenchDelete => "mdworkbench-delete",
            PhaseId::MdtestEasyDelete => "mdtest-easy-delete",
            PhaseId::MdtestHardRead => "mdtest-hard-read",
            PhaseId::MdtestHardDelete => "mdtest-hard-delete",
            PhaseId::IorRnd4kEasyRead => "ior-rnd4K-easy-read",
        }
    }

    /// The workload this phase belongs to.
    pub const fn family(self) -> Family {
        match self {
            PhaseId::IorEasyWrite | PhaseId::IorEasyRead => Family::IorEasy,
            PhaseId::IorHardWrite | PhaseId::IorHardRead => Family::IorHard,
            PhaseId::MdtestEasyWrite | PhaseId::MdtestEasyStat | PhaseId::MdtestEasyDelete => Family::MdtestEasy,
            PhaseId::MdtestHardWrite
            | PhaseId::MdtestHardStat
            | PhaseId::MdtestHardRead
            | PhaseId::MdtestHardDelete => Family::MdtestHard,
            PhaseId::MdworkbenchCreate | PhaseId::MdworkbenchBench | PhaseId::MdworkbenchDelete => Family::Mdworkbench,
            PhaseId::Timestamp => Family::Timestamp,
            PhaseId::FindEasy => Family::FindEasy,
            PhaseId::Find => Family::Find,
            PhaseId::FindHard => Family::FindHard,
            PhaseId::IorRnd4kEasyRead => Family::IorRnd4kEasy,
        }
    }

    /// What the phase does to the files.
    pub const fn kind(self) -> Kind {
        match self {
            PhaseId::IorEasyWrite
            | PhaseId::IorHardWrite
            | PhaseId::MdtestEasyWrite
            | PhaseId::MdtestHardWrite
            | PhaseId::MdworkbenchCreate => Kind::Write,
            PhaseId::IorEasyRead | PhaseId::IorHardRead | PhaseId::MdtestHardRead | PhaseId::IorRnd4kEasyRead => {
                Kind::Read
            }
            PhaseId::MdtestEasyStat | PhaseId::MdtestHardStat => Kind::Stat,
            PhaseId::MdtestEasyDelete | PhaseId::MdtestHardDelete | PhaseId::MdworkbenchDelete => Kind::Delete,
            PhaseId::Find | PhaseId::FindEasy | PhaseId::FindHard => Kind::Find,
            PhaseId::MdworkbenchBench => Kind::Bench,
            PhaseId::Timestamp => Kind::Timestamp,
        }
    }

    /// The write phase that makes the files that this phase works on.
    pub const fn made_by(self) -> Option<PhaseId> {
        match (self.kind(), self.family()) {
            (Kind::Write | Kind::Timestamp | Kind::Find, _) => None,
            (_, Family::IorEasy | Family::IorRnd4kEasy) => Some(PhaseId::IorEasyWrite),
            (_, Family::IorHard) => Some(PhaseId::IorHardWrite),
            (_, Family::MdtestEasy) => Some(PhaseId::MdtestEasyWrite),
            (_, Family::MdtestHard) => Some(PhaseId::MdtestHardWrite),
            (_, Family::Mdworkbench) => Some(PhaseId::MdworkbenchCreate),
            (_, Family::Timestamp | Family::Find | Family::FindEasy | Family::FindHard) => None,
        }
    }

    /// The phases that must have run before this one, in this run or in an earlier one of the same timestamp: the one that makes
    /// its files or the directory in which it begins, and the one that makes the file by whose time it searches.
    pub fn needs(self) -> impl Iterator<Item = PhaseId> {
        let (files, time) = match self {
            PhaseId::Find => (None, Some(PhaseId::Timestamp)),
            PhaseId::FindEasy => (Some(PhaseId::MdtestEasyWrite), None),
            PhaseId::FindHard => (Some(PhaseId::MdtestHardWrite), Some(PhaseId::Timestamp)),
            other => (other.made_by(), None),
        };
        files.into_iter().chain(time)
    }

    /// The unit the phase is measured in: GiB/s or kIOPS.
    pub const fn unit(self) -> &'static str {
        match self.family() {
            Family::IorEasy | Family::IorHard | Family::IorRnd4kEasy => "GiB/s",
            _ => "kIOPS",
        }
    }

    /// Whether the phase counts in the standard score, and in which mean.
    pub const fn standard_group(self) -> ScoreGroup {
        match self {
            PhaseId::IorEasyWrite | PhaseId::IorHardWrite | PhaseId::IorEasyRead | PhaseId::IorHardRead => {
                ScoreGroup::Bandwidth
            }
            PhaseId::MdtestEasyWrite
            | PhaseId::MdtestHardWrite
            | PhaseId::Find
            | PhaseId::MdtestEasyStat
            | PhaseId::MdtestHardStat
            | PhaseId::MdtestEasyDelete
            | PhaseId::MdtestHardRead
            | PhaseId::MdtestHardDelete => ScoreGroup::Metadata,
            _ => ScoreGroup::None,
        }
    }

    /// Whether the phase counts in the extended score, and in which mean. Creating and deleting mdworkbench's files is
    /// measured, but not scored.
    pub const fn extended_group(self) -> ScoreGroup {
        match self {
            PhaseId::MdworkbenchBench | PhaseId::FindEasy | PhaseId::FindHard => ScoreGroup::Metadata,
            other => other.standard_group(),
        }
    }

    /// Whether the phase runs in the standard mode.
    pub const fn in_standard(self) -> bool {
        !matches!(self.family(), Family::Mdworkbench | Family::FindEasy | Family::FindHard)
    }

    /// Whether the phase must last as long as the stonewall (the four scored write phases).
    pub const fn has_stonewall(self) -> bool {
        matches!(self.kind(), Kind::Write) && !matches!(self.family(), Family::Mdworkbench)
    }
}

/// The first of these phases that needs another which is not among them and has not run either, and that other one. `has_run` is
/// asked with both.
pub fn unmet_need(phases: &[PhaseId], has_run: impl Fn(PhaseId, PhaseId) -> bool) -> Option<(PhaseId, PhaseId)> {
    let needs = phases.iter().flat_map(|&phase| phase.needs().map(move |needed| (phase, needed)));
    needs.into_iter().find(|&(phase, needed)| !phases.contains(&needed) && !has_run(phase, needed))
}

impl fmt::Display for PhaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The text names no phase.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown phase {0:?}")]
pub struct UnknownPhase(pub String);

impl FromStr for PhaseId {
    type Err = UnknownPhase;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        PhaseId::ALL
            .into_iter()
            .find(|phase| phase.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownPhase(text.to_owned()))
    }
}

impl Family {
    /// The name that directories, sections and seeds use.
    pub const fn name(self) -> &'static str {
        match self {
            Family::IorEasy => "ior-easy",
            Family::MdtestEasy => "mdtest-easy",
            Family::Mdworkbench => "mdworkbench",
            Family::Timestamp => "timestamp",
            Family::FindEasy => "find-easy",
            Family::IorHard => "ior-hard",
            Family::MdtestHard => "mdtest-hard",
            Family::Find => "find",
            Family::FindHard => "find-hard",
            Family::IorRnd4kEasy => "ior-rnd4K-easy",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_variants_is_the_order_of_the_run() {
        assert!(PhaseId::ALL.is_sorted());
    }

    #[test]
    fn the_standard_mode_has_twelve_scored_phases_and_two_more() {
        let standard: Vec<_> = PhaseId::ALL.into_iter().filter(|p| p.in_standard()).collect();
        assert_eq!(standard.len(), 14);
        assert_eq!(standard.iter().filter(|p| p.standard_group() == ScoreGroup::Bandwidth).count(), 4);
        assert_eq!(standard.iter().filter(|p| p.standard_group() == ScoreGroup::Metadata).count(), 8);
    }

    #[test]
    fn the_extended_mode_scores_three_of_its_five_phases() {
        let extended: Vec<_> = PhaseId::ALL.into_iter().filter(|p| !p.in_standard()).collect();
        assert_eq!(extended.len(), 5);
        assert_eq!(extended.iter().filter(|p| p.extended_group() == ScoreGroup::Metadata).count(), 3);
    }

    #[test]
    fn names_parse_back() {
        for phase in PhaseId::ALL {
            assert_eq!(phase.name().parse(), Ok(phase));
        }
    }
}
