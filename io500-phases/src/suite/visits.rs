//! What a run does with a store outside its phases: looks, makes directories, cleans up.

use crate::backend::Backend;
use crate::backend::select::Visit;
use crate::config::Config;
use crate::engine::{Failure, Progress, Team};
use crate::error::Result;
use crate::phase_id::{Family, PhaseId};
use crate::phases::{cleanup, setup};
use crate::plan::Plan;

/// Looks at the data directory.
pub(super) struct Look<'a> {
    pub datadir: &'a str,
    pub plan: &'a Plan,
    pub phases: &'a [PhaseId],
}

impl Visit for Look<'_> {
    type Out = std::result::Result<(), Failure>;

    fn visit<B: Backend + Sync>(self, backend: &B) -> Self::Out
    where
        B::Dir: Send + Sync,
    {
        setup::inspect(backend, self.datadir, self.plan, self.phases)
    }
}

/// Makes the directories.
pub(super) struct Make<'a> {
    pub datadir: &'a str,
    pub plan: &'a Plan,
    pub families: &'a [Family],
}

impl Visit for Make<'_> {
    type Out = std::result::Result<(), Failure>;

    fn visit<B: Backend + Sync>(self, backend: &B) -> Self::Out
    where
        B::Dir: Send + Sync,
    {
        setup::make(backend, self.datadir, self.plan, self.families).map(|_| ())
    }
}

/// Makes a directory for every rank's file.
pub(super) struct UniqueDirs<'a> {
    pub datadir: &'a str,
    pub plan: &'a Plan,
    pub team: &'a Team<'a>,
}

impl Visit for UniqueDirs<'_> {
    type Out = Result<()>;

    fn visit<B: Backend + Sync>(self, backend: &B) -> Self::Out
    where
        B::Dir: Send + Sync,
    {
        setup::make_unique_dirs(backend, self.team, self.datadir, self.plan)
    }
}

/// Asks why a store does not overlap transfers.
pub(super) struct SerialQueue;

impl Visit for SerialQueue {
    type Out = Option<String>;

    fn visit<B: Backend + Sync>(self, backend: &B) -> Self::Out
    where
        B::Dir: Send + Sync,
    {
        backend.serial_queue()
    }
}

/// Cleans up.
pub(super) struct Sweep<'a> {
    pub datadir: &'a str,
    pub team: &'a Team<'a>,
    pub config: &'a Config,
    pub progress: &'a Progress,
}

impl Visit for Sweep<'_> {
    type Out = Result<cleanup::Removed>;

    fn visit<B: Backend + Sync>(self, backend: &B) -> Self::Out
    where
        B::Dir: Send + Sync,
    {
        // a directory that carries the timestamp was made by this run
        cleanup::sweep(backend, self.team, self.progress, self.datadir, self.config.global.timestamp_datadir)
    }
}
