//! The claims of a run on its directories, on rank 0: taken before anything is made, given up when the run is over.

use super::run::Suite;
use super::store_visitors::{GiveUp, IsThere, TakeClaim};
use crate::backend::posix::Posix;
use crate::backend::select::Stores;
use crate::engine::{Failure, Team};
use crate::error::Result;
use crate::phase_id::PhaseId;
use crate::phases::claim::{self, Claim, IN_RESULTDIR, Owner, Respect, SHOWS};
use crate::report::ResultDir;
use crate::text;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};

/// What is claimed.
#[derive(Default)]
pub(super) struct Claims {
    data: Vec<(PhaseId, Claim)>,
    results: Option<ResultClaim>,
}

/// The claim of a result directory.
struct ResultClaim {
    claim: Option<Claim>,
    /// The directories that were made for it, the deepest first.
    made: Vec<PathBuf>,
    /// Keeps a thread going that shows that the run lives.
    _lives: Sender<()>,
}

impl Suite<'_> {
    /// Claims the data directories and the result directory. Collective.
    pub(super) fn claim<S: Stores>(&self, team: &Team<'_>, stores: &S, respect: Respect) -> Result<Claims> {
        let mut claims = Claims::default();
        let claimed = if team.comm().rank() == 0 { self.claim_all(stores, respect, &mut claims) } else { Ok(()) };
        match team.barrier_with_status(claimed) {
            Ok(()) => Ok(claims),
            Err(error) => {
                claims.release(stores);
                Err(error)
            }
        }
    }

    /// Whether the data directories are not there yet, where they must be this run's alone. For rank 0.
    pub(super) fn is_new<S: Stores>(&self, stores: &S) -> std::result::Result<(), Failure> {
        if !self.options.new_run || !self.config.global.timestamp_datadir {
            return Ok(());
        }
        let mut datadirs = self.by_store(stores).into_iter().map(|(lead, _)| (lead, stores.datadir(lead)));
        match datadirs.find(|&(lead, datadir)| stores.visit(lead, IsThere { datadir })) {
            Some((_, datadir)) => Err(there(datadir)),
            None => Ok(()),
        }
    }

    fn claim_all<S: Stores>(
        &self,
        stores: &S,
        respect: Respect,
        claims: &mut Claims,
    ) -> std::result::Result<(), Failure> {
        let global = &self.config.global;
        let resultdir = self.options.resultdir.as_deref();
        if let Some(path) = resultdir.filter(|_| respect == Respect::All) {
            ResultDir::at(path).probe().map_err(|error| Failure::Config(error.to_string()))?;
        }
        let owner = Owner::this(&self.plan.timestamp, resultdir);
        for (lead, _) in self.by_store(stores) {
            let datadir = stores.datadir(lead);
            let Some(place) = claim::beside(datadir) else { continue };
            let claim =
                stores.visit(lead, TakeClaim { place, datadir, hints: self.plan.data_dirs, owner: &owner, respect })?;
            claims.data.extend(claim.map(|claim| (lead, claim)));
        }
        self.is_new(stores)?;
        let Some(path) = resultdir else { return Ok(()) };
        if respect == Respect::Living && !path.exists() {
            return Ok(());
        }
        let absent = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
        let made: Vec<PathBuf> = path.ancestors().take_while(absent).map(Path::to_owned).collect();
        let new = self.options.new_run && global.timestamp_resultdir;
        let made_dir = match path.parent().filter(|_| new) {
            Some(parent) => fs::create_dir_all(parent).and_then(|()| fs::create_dir(path)),
            None => fs::create_dir_all(path),
        };
        made_dir.map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists if new => there(&text::of(path)),
            _ => Failure::Config(format!("{}: {error}", text::of(path))),
        })?;
        let (sender, over) = channel();
        let results = claims.results.insert(ResultClaim { claim: None, made, _lives: sender });
        let parent = text::of(path);
        let place = (parent.clone(), IN_RESULTDIR.to_owned());
        results.claim = claim::claim(&Posix::new(&parent, false), place, &parent, Default::default(), &owner, respect)?;
        if let Ok(file) = fs::File::open(path.join(IN_RESULTDIR).join("owner")) {
            std::thread::spawn(move || {
                while over.recv_timeout(SHOWS) == Err(RecvTimeoutError::Timeout) {
                    let _ = file.set_modified(std::time::SystemTime::now());
                }
            });
        }
        Ok(())
    }
}

fn there(path: &str) -> Failure {
    Failure::InUse { path: path.to_owned(), by: "another run, which made it".into() }
}

impl Claims {
    /// Gives all up, and removes the directories that were made for a run that did not begin.
    pub(super) fn release<S: Stores>(self, stores: &S) {
        // the claim of a run that has lost its store stays, as that of a killed one, and is taken over
        for (lead, claim) in self.data.iter().filter(|(lead, _)| stores.is_open(*lead)) {
            stores.visit(*lead, GiveUp { claim });
        }
        let Some(results) = self.results else { return };
        if let Some(claim) = &results.claim {
            claim.release(&Posix::new("", false));
        }
        for path in &results.made {
            let _ = fs::remove_dir(path);
        }
    }
}
