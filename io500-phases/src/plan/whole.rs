//! The plan of a whole run.

use super::{FindPlan, Glob, Hints, IorPlan, MARK, MdtestPlan, MdworkbenchPlan, Predicate};
use crate::config::{ApiSpec, Config, Mdtest, seed};
use crate::pattern::Signature;
use crate::phase_id::{Family, PhaseId};

/// What every rank must know to run any phase. Pure: the same configuration, ranks and timestamp give the same plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The phases to run, in the official order.
    pub phases: Vec<PhaseId>,
    /// The phases that were asked for and have `run = FALSE`: they do nothing and have the score 0.
    pub switched_off: Vec<PhaseId>,
    /// Ranks.
    pub ranks: usize,
    /// The run's timestamp.
    pub timestamp: String,
    /// Seconds after which write phases wear out.
    pub stonewall_s: u32,
    /// Placement of the data directory and of the ior directories: the global API's, whatever the phases use.
    pub data_dirs: Hints,
    /// ior-easy.
    pub ior_easy: IorPlan,
    /// ior-hard.
    pub ior_hard: IorPlan,
    /// mdtest-easy.
    pub mdtest_easy: MdtestPlan,
    /// mdtest-hard.
    pub mdtest_hard: MdtestPlan,
    /// mdworkbench.
    pub mdworkbench: MdworkbenchPlan,
}

/// What the plan needs to know of the ranks and of the store's placement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RankLayout {
    /// Ranks.
    pub ranks: usize,
    /// The shift of mdtest's steps.
    pub mdtest_shift: usize,
}

/// Bytes of a transfer and of a block of ior-hard.
const IOR_HARD_TRANSFER: u64 = 47_008;

impl Plan {
    /// The plan of these phases, those with `run = FALSE` set apart. `hints` gives the placement that an API string asks for.
    pub fn new(
        config: &Config,
        phases: Vec<PhaseId>,
        layout: RankLayout,
        timestamp: &str,
        hints: impl Fn(&ApiSpec) -> Hints,
    ) -> Plan {
        let signature = |family: &str| Signature { kind: config.global.packet, seed: seed(family, timestamp) };
        let written_by = |phase| hints(&config.phase(phase).api);
        let mdtest = |family: Family, section: &Mdtest, write| MdtestPlan {
            family,
            files: section.n,
            files_per_dir: section.files_per_dir,
            file_size: if family == Family::MdtestHard { MdtestPlan::HARD_FILE_SIZE } else { 0 },
            dir_per_rank: family == Family::MdtestEasy,
            shift: layout.mdtest_shift,
            signature: signature(family.name()),
            hints: written_by(write),
        };
        let (phases, switched_off) = phases.into_iter().partition(|&phase| config.phase(phase).run);
        Plan {
            phases,
            switched_off,
            ranks: layout.ranks,
            timestamp: timestamp.to_owned(),
            stonewall_s: config.debug.stonewall.max(0) as u32,
            data_dirs: hints(&config.global.api),
            ior_easy: IorPlan {
                family: Family::IorEasy,
                file_per_process: config.ior_easy.file_per_proc,
                // IOR makes a directory for each file of a rank only
                unique_dir: config.ior_easy.unique_dir && config.ior_easy.file_per_proc,
                collective: false,
                transfer: config.ior_easy.transfer_size,
                block: config.ior_easy.block_size,
                segments: 1,
                signature: signature("ior-easy"),
                hints: written_by(PhaseId::IorEasyWrite),
            },
            ior_hard: IorPlan {
                family: Family::IorHard,
                file_per_process: false,
                unique_dir: false,
                collective: config.phase(PhaseId::IorHardWrite).collective,
                transfer: IOR_HARD_TRANSFER,
                block: IOR_HARD_TRANSFER,
                segments: config.ior_hard.segment_count,
                signature: signature("ior-hard"),
                hints: written_by(PhaseId::IorHardWrite),
            },
            mdtest_easy: mdtest(Family::MdtestEasy, &config.mdtest_easy, PhaseId::MdtestEasyWrite),
            mdtest_hard: mdtest(Family::MdtestHard, &config.mdtest_hard, PhaseId::MdtestHardWrite),
            mdworkbench: MdworkbenchPlan {
                precreate: config.mdworkbench.precreate_per_set,
                replace: config.mdworkbench.files_per_proc,
                waiting: config.mdworkbench.waiting_time,
                // the seed's family is spelled with a hyphen, unlike everything else
                signature: signature("md-workbench"),
                hints: written_by(PhaseId::MdworkbenchCreate),
            },
        }
    }

    /// The find phase of this name.
    pub fn find(&self, phase: PhaseId) -> FindPlan {
        let name = Some(Glob::containing(MARK));
        let size = Some(MdtestPlan::HARD_FILE_SIZE as u64);
        let (below, size, newer_than_timestamp) = match phase {
            PhaseId::FindEasy => ("mdtest-easy", None, false),
            PhaseId::FindHard => ("mdtest-hard", size, true),
            _ => ("", size, true),
        };
        let predicate = Predicate { name, size, not_before: None };
        FindPlan { below: below.to_owned(), predicate, newer_than_timestamp }
    }

    /// A digest that must be equal on all ranks before they touch storage.
    pub fn digest(&self) -> u64 {
        digest(&format!("{self:?}"))
    }

    /// What invocations that run different phases of one plan have in common. The placement is left out, because a plan
    /// knows that of its own phases only.
    pub fn without_phases(&self) -> Plan {
        let mut plan = Plan { phases: Vec::new(), switched_off: Vec::new(), ..self.clone() };
        for hints in [
            &mut plan.data_dirs,
            &mut plan.mdworkbench.hints,
            &mut plan.ior_easy.hints,
            &mut plan.ior_hard.hints,
            &mut plan.mdtest_easy.hints,
            &mut plan.mdtest_hard.hints,
        ] {
            *hints = Hints::default();
        }
        plan
    }

    /// The phases that were asked for, in the official order, those that are switched off too.
    pub fn asked_for(&self) -> impl Iterator<Item = PhaseId> + '_ {
        PhaseId::ALL.into_iter().filter(|phase| self.phases.contains(phase) || self.switched_off.contains(phase))
    }

    /// The families whose directories this run makes.
    pub fn write_families(&self) -> Vec<Family> {
        let mut families: Vec<Family> =
            self.phases.iter().filter(|phase| phase.has_stonewall()).map(|phase| phase.family()).collect();
        families.dedup();
        families
    }
}

/// FNV-1a over the debug text of something: every field counts, and who compares runs the same program.
pub fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
