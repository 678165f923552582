//! The directories of a run: looked at, made, and cleaned up, in every store.

use super::collective::{as_failure, from_root};
use super::observer::Observer;
use super::run::{GRACE, Suite};
use super::store_visitors::{CleanUp, InspectDatadir, LeftOver, MakeDirectories, MakeUniqueDirs, RemoveEmpty, Runs};
use crate::backend::select::Stores;
use crate::comm::Comm;
use crate::engine::{Failure, Team};
use crate::error::{Error, Result};
use crate::phase_id::{Family, Kind, PhaseId};
use crate::phases::claim::Respect;
use crate::phases::cleanup::Removed;
use crate::report::ResultDir;
use crate::results::RunResult;

impl Suite<'_> {
    /// Checks whether the phases can run in their directories. Changes nothing.
    pub(super) fn look<S: Stores>(&self, team: &Team<'_>, stores: &S) -> Result<()> {
        let problems = self.config.validate_ranks(&self.plan.phases, self.plan.ranks);
        let looked = if let Some(problem) = problems.first() {
            Err(Failure::Config(problem.to_string()))
        } else if team.comm().rank() == 0 {
            let own = self.is_continued();
            let look = |(lead, phases): &(PhaseId, Vec<PhaseId>)| {
                // what a script needs is the script's affair
                let phases: Vec<_> = phases.iter().copied().filter(|&phase| !self.config.has_script(phase)).collect();
                let phases = &phases[..];
                stores.visit(*lead, InspectDatadir { datadir: stores.datadir(*lead), plan: self.plan, phases, own })
            };
            self.is_new(stores).and_then(|()| self.by_store(stores).iter().try_for_each(look))
        } else {
            Ok(())
        };
        team.barrier_with_status(looked)
    }

    /// Whether the result directory is that of this run, which an earlier invocation began.
    fn is_continued(&self) -> bool {
        let json = self.options.resultdir.as_ref().and_then(|path| ResultDir::at(path).read("result.json").ok()?);
        let earlier = json.and_then(|json| serde_json::from_slice::<RunResult>(&json).ok());
        earlier.is_some_and(|earlier| earlier.provenance.timestamp == self.plan.timestamp)
    }

    /// A write phase that is run again replaces what it left before, with what tells of it in the result directory. Collective.
    pub(super) fn replace_left_over<S: Stores>(&self, team: &Team<'_>, stores: &S) -> Result<()> {
        let groups = self.by_store(stores);
        let look = |(lead, phases): &(PhaseId, Vec<PhaseId>)| {
            let left = stores.visit(*lead, LeftOver { datadir: stores.datadir(*lead), phases })?;
            Ok((*lead, left))
        };
        let found = if team.comm().rank() == 0 {
            groups.iter().map(look).collect::<std::result::Result<Vec<_>, Failure>>()
        } else {
            Ok(Vec::new())
        };
        let found = from_root(team.comm(), team.barrier_with_status(found)?);
        for (lead, families) in found.iter().filter(|(_, families)| !families.is_empty()) {
            let removed = self.remove_files(team, stores, *lead, families, false)?;
            let (root, names) =
                (team.comm().rank() == 0, families.iter().map(|family| family.name()).collect::<Vec<_>>());
            let forgotten = match &self.options.resultdir {
                Some(path) if root => ResultDir::at(path).forget_files(families),
                _ => Ok(()),
            };
            team.barrier_with_status(forgotten.map_err(as_failure))?;
            let unexpected = (root && removed.unexpected > 0).then(|| removed.examples.join(", "));
            team.barrier_with_status(unexpected.map_or(Ok(()), |entries| {
                Err(Failure::Config(format!(
                    "{} holds entries that this benchmark did not write: {entries}",
                    stores.datadir(*lead)
                )))
            }))?;
            if root {
                log::warn!("{} files that earlier runs left in {} are replaced", removed.files, names.join(", "));
            }
        }
        Ok(())
    }

    pub(super) fn remove_files<S: Stores>(
        &self,
        team: &Team<'_>,
        stores: &S,
        lead: PhaseId,
        families: &[Family],
        remove_datadir: bool,
    ) -> Result<Removed> {
        let (datadir, progress) = (stores.datadir(lead), &*self.options.progress);
        stores.visit(lead, CleanUp { datadir, team, progress, families, remove_datadir })
    }

    /// The timestamps of the runs that have a data directory below the configured one. Collective.
    ///
    /// # Errors
    /// What a store refused, the same on all ranks.
    pub fn runs<S: Stores>(&self, comm: &dyn Comm, stores: &S) -> Result<Vec<String>> {
        let team = Team::new(comm, GRACE, self.options.stuck.clone());
        let list = |(lead, _): &(PhaseId, Vec<PhaseId>)| {
            let dated = format!("/{}", self.plan.timestamp);
            let datadir = stores.datadir(*lead);
            stores.visit(*lead, Runs { datadir: datadir.strip_suffix(&dated).unwrap_or(datadir) })
        };
        let lists = if comm.rank() == 0 {
            self.by_store(stores).iter().map(list).collect::<std::result::Result<Vec<_>, Failure>>()
        } else {
            Ok(Vec::new())
        };
        let mut runs = team.barrier_with_status(lists)?.concat();
        runs.sort();
        runs.dedup();
        Ok(from_root(comm, runs))
    }

    /// Makes the result directory, the data directory and those of the families. The result directory is rank 0's.
    pub(super) fn make<S: Stores>(&self, team: &Team<'_>, stores: &S) -> Result<Option<ResultDir>> {
        let root = team.comm().rank() == 0;
        let refused = |error: Error| Failure::Config(error.to_string());
        // where either directory cannot be created, neither is
        let resultdir = self.options.resultdir.as_ref().filter(|_| root);
        team.barrier_with_status(resultdir.map_or(Ok(()), |path| ResultDir::at(path).probe()).map_err(refused))?;
        let made = if root {
            self.by_store(stores).iter().try_for_each(|(lead, phases)| {
                let mut families: Vec<Family> =
                    phases.iter().filter(|phase| phase.kind() == Kind::Write).map(|phase| phase.family()).collect();
                families.dedup();
                stores.visit(
                    *lead,
                    MakeDirectories { datadir: stores.datadir(*lead), plan: self.plan, families: &families },
                )
            })
        } else {
            Ok(())
        };
        team.barrier_with_status(made)?;
        let dir = team.barrier_with_status(resultdir.map(ResultDir::create).transpose().map_err(refused))?;
        if self.plan.phases.contains(&PhaseId::IorEasyWrite) && self.plan.ior_easy.unique_dir {
            let datadir = stores.datadir(PhaseId::IorEasyWrite);
            stores.visit(PhaseId::IorEasyWrite, MakeUniqueDirs { datadir, plan: self.plan, team })?;
        }
        Ok(dir)
    }

    /// The phases that need a store, by store, each group with one phase that leads to it.
    pub(super) fn by_store<S: Stores>(&self, stores: &S) -> Vec<(PhaseId, Vec<PhaseId>)> {
        let mut groups: Vec<(PhaseId, Vec<PhaseId>)> = Vec::new();
        for &phase in self.plan.phases.iter().filter(|phase| phase.kind() != Kind::Timestamp) {
            match groups.iter_mut().find(|(lead, _)| stores.index(*lead) == stores.index(phase)) {
                Some((_, phases)) => phases.push(phase),
                None => groups.push((phase, vec![phase])),
            }
        }
        groups
    }

    /// Removes what runs have left of these families in the data directories, the stonewall files that tell of it, and the claims of runs
    /// that are gone. Collective; repeatable.
    ///
    /// # Errors
    /// The same on all ranks, see [`Error`].
    pub fn clean_up<S: Stores>(
        &self,
        comm: &dyn Comm,
        stores: &S,
        families: &[Family],
        observer: &mut dyn Observer,
    ) -> Result<()> {
        let team = Team::new(comm, GRACE, self.options.stuck.clone());
        let claims = self.claim(&team, stores, Respect::Living)?;
        let cleaned = self.clean_up_claimed(&team, stores, families, observer);
        claims.release(stores);
        if cleaned.is_ok() {
            self.remove_parents(comm, stores);
        }
        cleaned
    }

    fn clean_up_claimed<S: Stores>(
        &self,
        team: &Team<'_>,
        stores: &S,
        families: &[Family],
        observer: &mut dyn Observer,
    ) -> Result<()> {
        let root = team.comm().rank() == 0;
        for (lead, _) in self.by_store(stores) {
            // a directory that carries the timestamp was made by this benchmark
            let removed = self.remove_files(team, stores, lead, families, self.own_levels() > 0)?;
            if root {
                observer.cleaned(&removed);
            }
        }
        let forgotten = match &self.options.resultdir {
            Some(path) if root => ResultDir::at(path).forget_files(families),
            _ => Ok(()),
        };
        team.barrier_with_status(forgotten.map_err(as_failure))
    }

    /// How much of the data directory's path this program made: the timestamp, and what the caller added.
    pub(super) fn own_levels(&self) -> usize {
        usize::from(self.config.global.timestamp_datadir) + self.options.own_datadir_levels
    }

    /// Removes the empty directories above the data directory that this program made; the claim lies in them until the very end.
    pub(super) fn remove_parents<S: Stores>(&self, comm: &dyn Comm, stores: &S) {
        let levels = self.own_levels().saturating_sub(1);
        for (lead, _) in self.by_store(stores).iter().filter(|_| comm.rank() == 0 && levels > 0) {
            let datadir = stores.datadir(*lead).trim_end_matches('/');
            let parent = datadir.rsplit_once('/').map_or("", |(parent, _)| parent);
            stores.visit(*lead, RemoveEmpty { path: parent, levels });
        }
    }
}
