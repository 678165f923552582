//! What a run does with a store outside its phases: looks, makes directories, cleans up.

use crate::backend::Backend;
use crate::backend::select::Visit;
use crate::engine::{Failure, Progress, Team};
use crate::error::Result;
use crate::phase_id::{Family, PhaseId};
use crate::phases::claim::{self, Claim, Owner, Respect};
use crate::phases::{cleanup, setup};
use crate::plan::{Hints, Plan};

/// Checks the data directory.
pub(super) struct InspectDatadir<'a> {
    pub datadir: &'a str,
    pub plan: &'a Plan,
    pub phases: &'a [PhaseId],
    /// Whether write phases may find what they left themselves.
    pub own: bool,
}

impl Visit for InspectDatadir<'_> {
    type Out = std::result::Result<(), Failure>;

    fn visit<B: Backend + Sync>(self, backend: &B) -> Self::Out
    where
        B::Dir: Send + Sync,
    {
        setup::inspect(backend, self.datadir, self.plan, self.phases, self.own)
    }
}

/// Creates the directories.
pub(super) struct MakeDirectories<'a> {
    pub datadir: &'a str,
    pub plan: &'a Plan,
    pub families: &'a [Family],
}

impl Visit for MakeDirectories<'_> {
    type Out = std::result::Result<(), Failure>;

    fn visit<B: Backend + Sync>(self, backend: &B) -> Self::Out
    where
        B::Dir: Send + Sync,
    {
        setup::make(backend, self.datadir, self.plan, self.families).map(|_| ())
    }
}

/// Creates a directory for every rank's file.
pub(super) struct MakeUniqueDirs<'a> {
    pub datadir: &'a str,
    pub plan: &'a Plan,
    pub team: &'a Team<'a>,
}

impl Visit for MakeUniqueDirs<'_> {
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

/// Finds what earlier runs of the write phases left.
pub(super) struct LeftOver<'a> {
    pub datadir: &'a str,
    pub phases: &'a [PhaseId],
}

impl Visit for LeftOver<'_> {
    type Out = std::result::Result<Vec<Family>, Failure>;

    fn visit<B: Backend + Sync>(self, backend: &B) -> Self::Out
    where
        B::Dir: Send + Sync,
    {
        setup::left_over(backend, self.datadir, self.phases)
    }
}

/// Claims a data directory.
pub(super) struct TakeClaim<'a> {
    pub place: (String, String),
    pub datadir: &'a str,
    pub hints: Hints,
    pub owner: &'a Owner,
    pub respect: Respect,
}

impl Visit for TakeClaim<'_> {
    type Out = std::result::Result<Option<Claim>, Failure>;

    fn visit<B: Backend + Sync>(self, backend: &B) -> Self::Out
    where
        B::Dir: Send + Sync,
    {
        claim::claim(backend, self.place, self.datadir, self.hints, self.owner, self.respect)
    }
}

/// Releases a claim.
pub(super) struct GiveUp<'a> {
    pub claim: &'a Claim,
}

impl Visit for GiveUp<'_> {
    type Out = ();

    fn visit<B: Backend + Sync>(self, backend: &B)
    where
        B::Dir: Send + Sync,
    {
        self.claim.release(backend);
    }
}

/// Whether a directory exists.
pub(super) struct IsThere<'a> {
    pub datadir: &'a str,
}

impl Visit for IsThere<'_> {
    type Out = bool;

    fn visit<B: Backend + Sync>(self, backend: &B) -> bool
    where
        B::Dir: Send + Sync,
    {
        backend.keeps_data() && backend.open_path(self.datadir).is_ok()
    }
}

/// Lists the runs that have a data directory below this one.
pub(super) struct Runs<'a> {
    pub datadir: &'a str,
}

impl Visit for Runs<'_> {
    type Out = std::result::Result<Vec<String>, Failure>;

    fn visit<B: Backend + Sync>(self, backend: &B) -> Self::Out
    where
        B::Dir: Send + Sync,
    {
        if backend.keeps_data() { claim::runs(backend, self.datadir) } else { Ok(Vec::new()) }
    }
}

/// Cleans up.
pub(super) struct CleanUp<'a> {
    pub datadir: &'a str,
    pub team: &'a Team<'a>,
    pub progress: &'a Progress,
    pub families: &'a [Family],
    /// Whether the data directory goes too, where it is empty then.
    pub remove_datadir: bool,
}

impl Visit for CleanUp<'_> {
    type Out = Result<cleanup::Removed>;

    fn visit<B: Backend + Sync>(self, backend: &B) -> Self::Out
    where
        B::Dir: Send + Sync,
    {
        cleanup::clean_up(backend, self.team, self.progress, self.datadir, self.families, self.remove_datadir)
    }
}

/// Removes a directory, and those above it, as long as they are empty.
pub(super) struct RemoveEmpty<'a> {
    pub path: &'a str,
    /// How many components at the end of the path.
    pub levels: usize,
}

impl Visit for RemoveEmpty<'_> {
    type Out = u64;

    fn visit<B: Backend + Sync>(self, backend: &B) -> u64
    where
        B::Dir: Send + Sync,
    {
        cleanup::remove_empty(backend, self.path, self.levels)
    }
}
