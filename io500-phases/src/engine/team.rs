//! A group of ranks that fails together: every barrier carries the status of the ranks.
//!
//! A rank that fails tells the others at once, so that they leave their loops instead of working on to the stonewall, and enters the next
//! barrier. If the others do not reach it, because one hangs in a storage call, the run is ended after a grace period.

use crate::comm::{Comm, ReduceOp};
use crate::error::{Errno, Error, Result};
use crate::phase_id::PhaseId;
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Why one rank cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Failure {
    /// A storage operation failed.
    Storage {
        /// The call.
        op: String,
        /// What it was about.
        path: String,
        /// The error number.
        errno: i32,
    },
    /// A panic and its message.
    Panic(String),
    /// A file on the POSIX side.
    ResultFile {
        /// Its path.
        path: String,
        /// What the system said.
        message: String,
    },
    /// The run cannot be as configured.
    Config(String),
    /// Another run uses the directory.
    InUse {
        /// The claim that says so.
        path: String,
        /// Who that is.
        by: String,
    },
    /// A stop was asked for.
    Interrupted,
    /// Not this rank: another one said that it failed.
    Elsewhere,
}

/// The ranks of a run, and what they tell each other when something goes wrong.
pub struct Team<'a> {
    comm: &'a dyn Comm,
    phase: Cell<Option<PhaseId>>,
    heard: Cell<bool>,
    grace: Duration,
    stuck: Arc<dyn Fn(&Error) + Send + Sync>,
}

/// First byte of a message that says that its sender failed.
pub const FAILED: u8 = 0xff;

impl<'a> Team<'a> {
    /// A team whose ranks wait `grace` for each other once one has failed; then `stuck` is called, from another thread, and the process is
    /// aborted where that does not end it.
    pub fn new(comm: &'a dyn Comm, grace: Duration, stuck: Arc<dyn Fn(&Error) + Send + Sync>) -> Self {
        Team { comm, phase: Cell::new(None), heard: Cell::new(false), grace, stuck }
    }

    /// The ranks.
    pub fn comm(&self) -> &'a dyn Comm {
        self.comm
    }

    /// Names the phase that failures from now on belong to.
    pub fn enter(&self, phase: Option<PhaseId>) {
        self.phase.set(phase);
    }

    /// Whether another rank said that it failed. Polls for messages; not for the hot loop.
    pub fn heard_of_failure(&self) -> bool {
        while !self.heard.get() {
            match self.comm.try_recv() {
                Some((_, message)) => self.read(&message),
                None => break,
            }
        }
        self.heard.get()
    }

    /// Takes a message that another part of the program received; it may say that a rank failed.
    pub fn read(&self, message: &[u8]) {
        if message.first() == Some(&FAILED) {
            self.spread();
        }
    }

    /// A barrier with status: returns when all ranks have entered. If all bring `Ok`, each keeps its own value; else all get the same
    /// error, that of the lowest rank that failed. Costs as much as a plain barrier.
    ///
    /// # Errors
    /// The same on all ranks: that of the lowest rank that has one.
    pub fn barrier_with_status<T>(&self, local: std::result::Result<T, Failure>) -> Result<T> {
        let own = match &local {
            Err(failure) if *failure != Failure::Elsewhere => {
                Some(self.error(self.comm.rank(), self.comm.host(), failure))
            }
            _ => None,
        };
        if own.is_some() {
            self.spread();
        }
        let watch = own.as_ref().map(|error| Watch::start(self.grace, error.clone(), self.stuck.clone()));
        let mut first = [if own.is_some() { self.comm.rank() as u64 } else { u64::MAX }, u64::from(local.is_ok())];
        self.comm.all_reduce_u64(ReduceOp::Min, &mut first);
        let [first, all_ok] = first;
        let local_failure = match local {
            Ok(value) if all_ok == 1 => return Ok(value),
            Ok(_) => None,
            Err(failure) => Some(failure),
        };
        if first == u64::MAX {
            return Err(Error::Comm("a rank reported a failure that no rank owns".into()));
        }
        let message = local_failure
            .filter(|_| first == self.comm.rank() as u64)
            .map(|failure| serde_json::to_vec(&(self.comm.host(), &failure)).expect("a failure has no maps"));
        let mut bytes = message.unwrap_or_default();
        self.comm.broadcast(first as usize, &mut bytes);
        drop(watch);
        while self.comm.try_recv().is_some() {} // messages that came too late
        let (host, failure): (String, Failure) = serde_json::from_slice(&bytes)
            .map_err(|error| Error::Comm(format!("rank {first} failed, its report is unreadable: {error}")))?;
        Err(self.error(first as usize, &host, &failure))
    }

    /// A barrier after something that cannot fail.
    ///
    /// # Errors
    /// The same on all ranks: that of the lowest rank that has one.
    pub fn barrier(&self) -> Result<()> {
        self.barrier_with_status(Ok(()))
    }

    /// Tells the ranks 1, 2, 4, 8 … further on, the first time there is something to tell. They do the same, so that all ranks
    /// know after log n steps, however many fail at once, and no rank sends more than log n messages.
    pub fn spread(&self) {
        if !self.heard.replace(true) {
            let (rank, ranks) = (self.comm.rank(), self.comm.size());
            let mut distance = 1;
            while distance < ranks {
                self.comm.send((rank + distance) % ranks, &[FAILED]);
                distance *= 2;
            }
        }
    }

    fn error(&self, rank: usize, host: &str, failure: &Failure) -> Error {
        match failure.clone() {
            Failure::Storage { op, path, errno } => {
                Error::Storage { rank, host: host.to_owned(), phase: self.phase.get(), op, path, errno: Errno(errno) }
            }
            Failure::Panic(message) => Error::Panic { rank, message },
            Failure::ResultFile { path, message } => Error::ResultFile { path, message, source: None },
            Failure::Config(message) => Error::Config(message),
            Failure::InUse { path, by } => Error::InUse { path, by },
            Failure::Interrupted | Failure::Elsewhere => Error::Interrupted,
        }
    }
}

/// A thread that gives up on the others after a while.
struct Watch(Arc<(Mutex<bool>, Condvar)>);

impl Watch {
    fn start(grace: Duration, error: Error, stuck: Arc<dyn Fn(&Error) + Send + Sync>) -> Self {
        let over = Arc::new((Mutex::new(false), Condvar::new()));
        let theirs = over.clone();
        std::thread::spawn(move || {
            let (over, woken) = &*theirs;
            let guard = over.lock().expect("no thread panics while holding this lock");
            let (guard, _) = woken
                .wait_timeout_while(guard, grace, |over| !*over)
                .expect("no thread panics while holding this lock");
            if !*guard {
                stuck(&error);
                // it has to end the process: the rank would wait for ever, with buffers and handles that others count on
                std::process::abort();
            }
        });
        Watch(over)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        *self.0.0.lock().expect("no thread panics while holding this lock") = true;
        self.0.1.notify_all();
    }
}

/// Turns a panic of `work` into a failure that the other ranks hear of.
///
/// # Errors
/// What `work` failed with, or its panic.
pub fn catch<T>(work: impl FnOnce() -> std::result::Result<T, Failure>) -> std::result::Result<T, Failure> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let message = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_owned());
        Err(Failure::Panic(message))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::threads;
    use std::os::unix::process::ExitStatusExt as _;

    /// Set in the process that ends itself.
    const HANGS: &str = "TEAM_TEST_HANGS";

    #[test]
    fn a_handler_that_returns_does_not_keep_the_process() {
        if std::env::var_os(HANGS).is_some() {
            threads::run(2, |comm: &dyn Comm| {
                let team = Team::new(comm, Duration::from_millis(10), Arc::new(|_| {}));
                match comm.rank() {
                    0 => drop(team.barrier_with_status::<()>(Err(Failure::Config("it fails".into())))),
                    _ => std::thread::sleep(Duration::from_secs(60)),
                }
            });
            return;
        }
        let this = "engine::team::tests::a_handler_that_returns_does_not_keep_the_process";
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        let ended = command.args(["--exact", this]).env(HANGS, "1").output().unwrap();
        assert_eq!(ended.status.signal(), Some(libc::SIGABRT), "{ended:?}");
    }
}
