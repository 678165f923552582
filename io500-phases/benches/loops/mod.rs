//! The loops of the phases as one rank runs them on the null store: what is left is the cost of the harness.

use io500_phases::backend::null::Null;
use io500_phases::comm::{ClockSync, Solo};
use io500_phases::engine::{Progress, Recorder, Team, Ticker};
use io500_phases::pattern::{PacketType, Signature};
use io500_phases::phase_id::{Family, PhaseId};
use io500_phases::phases::{self, Pace, PhaseContext};
use io500_phases::plan::{IorPlan, MdtestPlan};
use std::sync::Arc;
use std::time::Duration;

/// A loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loop {
    /// mdtest-easy-write: create and close.
    Create,
    /// mdtest-easy-stat.
    Stat,
    /// mdtest-easy-delete.
    Delete,
    /// mdtest-hard-write: create, write 3901 bytes, close.
    HardCreate,
    /// mdtest-hard-read: open, read 3901 bytes, close, compare.
    HardRead,
    /// ior-easy-write: 2 MiB.
    EasyTransfer,
    /// ior-hard-write: 47008 bytes.
    HardTransfer,
    /// ior-easy-read with every byte compared.
    EasyVerify,
    /// ior-hard-read with every byte compared.
    HardVerify,
    /// The same with eight reads in flight.
    QueuedVerify,
}

impl Loop {
    pub const ALL: [Loop; 10] = [
        Loop::Create,
        Loop::Stat,
        Loop::Delete,
        Loop::HardCreate,
        Loop::HardRead,
        Loop::EasyTransfer,
        Loop::HardTransfer,
        Loop::EasyVerify,
        Loop::HardVerify,
        Loop::QueuedVerify,
    ];

    pub fn phase(self) -> PhaseId {
        match self {
            Loop::Create => PhaseId::MdtestEasyWrite,
            Loop::Stat => PhaseId::MdtestEasyStat,
            Loop::Delete => PhaseId::MdtestEasyDelete,
            Loop::HardCreate => PhaseId::MdtestHardWrite,
            Loop::HardRead => PhaseId::MdtestHardRead,
            Loop::EasyTransfer => PhaseId::IorEasyWrite,
            Loop::HardTransfer => PhaseId::IorHardWrite,
            Loop::EasyVerify => PhaseId::IorEasyRead,
            Loop::HardVerify | Loop::QueuedVerify => PhaseId::IorHardRead,
        }
    }

    /// Bytes that an operation compares.
    #[allow(dead_code)] // not every program with this module asks
    pub fn bytes(self) -> u64 {
        match self {
            Loop::HardRead => MdtestPlan::HARD_FILE_SIZE as u64,
            Loop::EasyVerify => 2 << 20,
            Loop::HardVerify | Loop::QueuedVerify => 47008,
            _ => 0,
        }
    }

    /// Does so many operations with everything a real run uses: stonewall, progress, messages of the team.
    pub fn run<R: Recorder + Send>(self, operations: u64, ticker: &Ticker, recorder: &mut R) {
        let (comm, progress) = (Solo::new(), Progress::default());
        let team = Team::new(&comm, Duration::from_secs(1), Arc::new(|_| {}));
        let context = PhaseContext {
            backend: &Null,
            root: &(),
            team: &team,
            ticker,
            progress: &progress,
            clock: &ClockSync::default(),
            pace: Pace {
                stonewall_s: Some(36_000),
                queue_depth: if self == Loop::QueuedVerify { 8 } else { 1 },
                threads: 1,
            },
        };
        let signature = Signature { kind: PacketType::Timestamp, seed: 0x1234_5678 };
        let mdtest = |hard: bool| MdtestPlan {
            family: if hard { Family::MdtestHard } else { Family::MdtestEasy },
            files: operations,
            files_per_dir: None,
            file_size: if hard { MdtestPlan::HARD_FILE_SIZE } else { 0 },
            dir_per_rank: !hard,
            shift: 1,
            signature,
            hints: Default::default(),
        };
        let ior = |hard: bool| {
            let transfer = if hard { 47008 } else { 2 << 20 };
            IorPlan {
                family: if hard { Family::IorHard } else { Family::IorEasy },
                file_per_process: !hard,
                unique_dir: false,
                collective: false,
                transfer,
                block: if hard { transfer } else { transfer * operations },
                segments: if hard { operations } else { 1 },
                signature,
                hints: Default::default(),
            }
        };
        let done = match self {
            Loop::Create => phases::mdtest_create(&context, &mdtest(false), recorder).map(|(tally, _)| tally),
            Loop::Stat => phases::mdtest_stat(&context, &mdtest(false), operations, recorder),
            Loop::Delete => phases::mdtest_delete(&context, &mdtest(false), operations, recorder),
            Loop::HardCreate => phases::mdtest_create(&context, &mdtest(true), recorder).map(|(tally, _)| tally),
            Loop::HardRead => phases::mdtest_read(&context, &mdtest(true), operations, recorder),
            Loop::EasyTransfer => phases::ior_write(&context, &ior(false), recorder).map(|(tally, _)| tally),
            Loop::HardTransfer => phases::ior_write(&context, &ior(true), recorder).map(|(tally, _)| tally),
            Loop::EasyVerify => phases::ior_read(&context, &ior(false), 0, operations, recorder),
            Loop::HardVerify | Loop::QueuedVerify => phases::ior_read(&context, &ior(true), 0, operations, recorder),
        };
        let tally = done.expect("the null store refuses nothing");
        assert_eq!((tally.operations, tally.check.faults()), (operations, 0), "{self:?}");
    }
}
