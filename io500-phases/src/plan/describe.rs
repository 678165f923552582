//! The plan in words and figures, for `--dry-run` and for the check of free space.

use super::{IorPlan, MdtestPlan, Plan};
use crate::phase_id::PhaseId;
use crate::units::{bytes, count};
use std::fmt::Write as _;

/// What the phases that write may take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Need {
    /// Bytes, when every rank writes everything before the stonewall.
    pub bytes_at_most: u64,
    /// Files, likewise.
    pub files_at_most: u64,
}

impl Plan {
    /// The most that this run can leave in the store at one time.
    pub fn need(&self) -> Need {
        let mut need = Need::default();
        let ranks = self.ranks as u64;
        let mut add = |bytes_per_rank: u64, files: u64| {
            need.bytes_at_most = need.bytes_at_most.saturating_add(bytes_per_rank.saturating_mul(ranks));
            need.files_at_most = need.files_at_most.saturating_add(files);
        };
        for phase in &self.phases {
            match phase {
                PhaseId::IorEasyWrite => add(total(&self.ior_easy), files_of(&self.ior_easy, ranks)),
                PhaseId::IorHardWrite => add(total(&self.ior_hard), files_of(&self.ior_hard, ranks)),
                PhaseId::MdtestEasyWrite => add(0, self.mdtest_easy.files.saturating_mul(ranks)),
                PhaseId::MdtestHardWrite => add(
                    self.mdtest_hard.files.saturating_mul(self.mdtest_hard.file_size as u64),
                    self.mdtest_hard.files.saturating_mul(ranks),
                ),
                _ => {}
            }
        }
        need
    }
}

fn total(plan: &IorPlan) -> u64 {
    plan.transfers().saturating_mul(plan.transfer)
}

fn files_of(plan: &IorPlan, ranks: u64) -> u64 {
    if plan.file_per_process { ranks } else { 1 }
}

/// The plan as text: a line for each phase, and the space it may need.
pub fn describe(plan: &Plan) -> String {
    let mut text = String::new();
    let s = if plan.ranks == 1 { "" } else { "s" };
    let _ = writeln!(text, "{} rank{s}, stonewall {} s, timestamp {}\n", plan.ranks, plan.stonewall_s, plan.timestamp);
    for phase in plan.asked_for() {
        let off = plan.switched_off.contains(&phase);
        let words = if off { "nothing: it has run = FALSE, so its score is 0".into() } else { words(plan, phase) };
        let _ = writeln!(text, "{:>20}  {words}", phase.name());
    }
    let need = plan.need();
    if need != Need::default() {
        let _ = writeln!(
            text,
            "\nat most {} in {} file{}, if every rank finishes before the stonewall",
            bytes(need.bytes_at_most),
            count(need.files_at_most),
            if need.files_at_most == 1 { "" } else { "s" }
        );
        let _ = writeln!(
            text,
            "for each GiB/s that the store writes, {} s of stonewall leave about {} behind in each of the ior families",
            plan.stonewall_s,
            bytes(u64::from(plan.stonewall_s) << 30)
        );
    }
    text
}

fn words(plan: &Plan, phase: PhaseId) -> String {
    let ior = |plan: &IorPlan, verb: &str| {
        let files = if plan.file_per_process { "one file per rank" } else { "one shared file" };
        format!(
            "{verb} {} transfers of {} per rank, {files} ({})",
            count(plan.transfers()),
            bytes(plan.transfer),
            bytes(total(plan))
        )
    };
    let mdtest = |plan: &MdtestPlan, verb: &str| {
        let place = match (plan.dir_per_rank, plan.files_per_dir) {
            (true, _) => "one directory per rank".to_owned(),
            (_, None) => "in one shared directory".to_owned(),
            (_, Some(limit)) => {
                let dirs = count(plan.test_dirs(plan.files));
                format!("in {dirs} shared directories, one after the other, {} of each rank in one", count(limit))
            }
        };
        format!("{verb} {} files of {} per rank, {place}", count(plan.files), bytes(plan.file_size as u64))
    };
    match phase {
        PhaseId::IorEasyWrite => ior(&plan.ior_easy, "writes at most"),
        PhaseId::IorHardWrite => ior(&plan.ior_hard, "writes at most"),
        PhaseId::IorEasyRead => ior(&plan.ior_easy, "reads and verifies up to"),
        PhaseId::IorHardRead => ior(&plan.ior_hard, "reads and verifies up to"),
        PhaseId::MdtestEasyWrite => mdtest(&plan.mdtest_easy, "creates at most"),
        PhaseId::MdtestHardWrite if plan.mdtest_hard.files_per_dir.is_some() => {
            mdtest(&plan.mdtest_hard, "creates, without a stonewall,")
        }
        PhaseId::MdtestHardWrite => mdtest(&plan.mdtest_hard, "creates at most"),
        PhaseId::MdtestEasyStat => mdtest(&plan.mdtest_easy, "stats up to"),
        PhaseId::MdtestHardStat => mdtest(&plan.mdtest_hard, "stats up to"),
        PhaseId::MdtestHardRead => mdtest(&plan.mdtest_hard, "reads and verifies up to"),
        PhaseId::MdtestEasyDelete => mdtest(&plan.mdtest_easy, "removes up to"),
        PhaseId::MdtestHardDelete => mdtest(&plan.mdtest_hard, "removes up to"),
        PhaseId::Timestamp => "touches the timestamp file of the result directory".into(),
        PhaseId::Find => "walks the data directory for *01* of 3901 bytes, newer than the timestamp file".into(),
        PhaseId::FindEasy => "walks mdtest-easy for *01*".into(),
        PhaseId::FindHard => "walks mdtest-hard for *01* of 3901 bytes, newer than the timestamp file".into(),
        PhaseId::IorRnd4kEasyRead => "reads random 4 KiB of the ior-easy files until the stonewall".into(),
        PhaseId::MdworkbenchCreate | PhaseId::MdworkbenchBench | PhaseId::MdworkbenchDelete => {
            "small objects in 10 sets per rank: created, replaced one by one, removed".into()
        }
    }
}
