//! One run at a time: a run claims its data directory and its result directory before it makes anything.
//!
//! A claim is a directory, because making one is exclusive on every store and across nodes (`mkdir`, `dfs_mkdir`), with a file in it that
//! says whose it is. That of a data directory lies beside it, where no find phase counts it. A run that was killed leaves its claim;
//! the next one recognises it and takes it over, which is exclusive for the same reason.

use super::context::failed;
use super::setup::{c_name, make_path, names};
use crate::backend::{Access, Backend, list};
use crate::comm::host_name;
use crate::engine::Failure;
use crate::error::Errno;
use crate::plan::Hints;
use crate::text;
use serde::{Deserialize, Serialize};
use std::ffi::CStr;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// The claim of a result directory, in it.
pub const IN_RESULTDIR: &str = ".claim";
const OWNER: &CStr = c"owner";
/// The owner's file has a fixed size, so that another owner replaces it with one write.
const OWNER_SIZE: usize = 8192;
/// How often a run shows in its result directory that it lives, and how long that counts: clocks of nodes may differ.
pub const SHOWS: Duration = Duration::from_secs(20);
const COUNTS: Duration = Duration::from_secs(180);

/// Whose a claim is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The host of its rank 0.
    pub host: String,
    /// The process there, and when it was started, in the kernel's ticks: numbers of processes come again.
    pub pid: u32,
    /// See `pid`.
    pub started: u64,
    /// The job of the scheduler, where there is one.
    pub job: Option<String>,
    /// How often the scheduler had started the job before.
    #[serde(default)]
    pub restarts: u32,
    /// The timestamp of the run.
    pub timestamp: String,
    /// Its result directory, absolute, as [`crate::text`] writes it.
    pub resultdir: Option<String>,
}

impl Owner {
    /// This process.
    pub fn this(timestamp: &str, resultdir: Option<&Path>) -> Owner {
        let pid = std::process::id();
        Owner {
            host: host_name(),
            pid,
            started: started(pid).unwrap_or(0),
            job: ["SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID"].into_iter().find_map(|name| std::env::var(name).ok()),
            restarts: std::env::var("SLURM_RESTART_COUNT").ok().and_then(|count| count.parse().ok()).unwrap_or(0),
            timestamp: timestamp.to_owned(),
            resultdir: resultdir.and_then(|path| std::path::absolute(path).ok()).map(text::of),
        }
    }

    /// Whether its run goes on; none where that cannot be seen by `other`.
    pub fn lives(&self, other: &Owner) -> Option<bool> {
        // a scheduler starts a job again only when it has ended the earlier start
        if self.job.is_some() && self.job == other.job && self.restarts < other.restarts {
            return Some(false);
        }
        if self.host == host_name() {
            return Some(started(self.pid).is_some_and(|started| started == self.started));
        }
        let shown =
            text::path(self.resultdir.as_ref()?).join(IN_RESULTDIR).join("owner").metadata().ok()?.modified().ok()?;
        Some(SystemTime::now().duration_since(shown).unwrap_or_default() < COUNTS)
    }
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let job = self.job.as_ref().map(|job| format!(", job {job}")).unwrap_or_default();
        write!(f, "the run {} (process {} on {}{job})", self.timestamp, self.pid, self.host)
    }
}

/// The owner of a result directory that is claimed.
pub fn owner_of(resultdir: &Path) -> Option<Owner> {
    let text = std::fs::read(resultdir.join(IN_RESULTDIR).join("owner")).ok()?;
    // it ends with the bytes that give it its fixed size
    serde_json::Deserializer::from_slice(&text).into_iter().next()?.ok()
}

/// When a process was started; none where there is no such process, or only what is left of it until its parent has looked.
fn started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let ended = matches!(fields.next()?, "Z" | "X");
    fields.nth(18).filter(|_| !ended)?.parse().ok()
}

/// How much a claim respects those of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Respect {
    /// Whose run may go on.
    All,
    /// Whose run goes on for sure: for the clean-up, which is the way out where nothing can be known.
    Living,
}

/// A claim that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    parent: String,
    name: String,
}

/// The directory beside a data directory that claims it, as its parent and its name; none for a root, which has nothing beside it.
pub fn beside(datadir: &str) -> Option<(String, String)> {
    let trimmed = datadir.trim_end_matches('/');
    let (parent, name) = match trimmed.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some((parent, name)) => (parent, name),
        None => (".", trimmed),
    };
    (!name.is_empty() && name != "." && name != "..").then(|| (parent.to_owned(), format!(".{name}.claim")))
}

/// Claims a directory by making `name` below `parent`. None where the store does not let us: a run may own its data directory and not
/// the one above it, which is told. Directories above it that are made take `hints`, as the data directory does. Where the directory cannot be created either, making it will say why.
///
/// # Errors
/// [`Failure::InUse`] when another run has it, or what the store refused.
pub fn claim<B: Backend>(
    backend: &B,
    (parent, name): (String, String),
    directory: &str,
    hints: Hints,
    owner: &Owner,
    respect: Respect,
) -> Result<Option<Claim>, Failure> {
    if !backend.keeps_data() {
        return Ok(None);
    }
    let path = format!("{}/{name}", parent.trim_end_matches('/'));
    let above = match respect {
        Respect::All => make_path(backend, &parent, hints).map(|(above, _)| above).ok(),
        Respect::Living => backend.open_path(&parent).ok(),
    };
    let Some(above) = above else { return Ok(None) };
    match backend.mkdir_private(&above, &c_name(&name), Default::default()) {
        Ok(()) => {}
        Err(Errno(libc::EEXIST)) => take_over(backend, &above, &name, &path, owner, respect)?,
        Err(errno) => {
            if backend.open_path(directory).is_ok() {
                log::warn!(
                    "{path} cannot be created ({errno}): nothing keeps another run from using {directory} at the same time"
                );
            }
            return Ok(None);
        }
    }
    let dir = backend.open_dir(&above, &c_name(&name)).map_err(failed("open", &path))?;
    let mut text = serde_json::to_vec(owner).expect("plain values");
    text.resize(OWNER_SIZE.max(text.len()), b' ');
    let written = backend.create(&dir, OWNER, Default::default()).and_then(|file| {
        let written = backend.write_at(&file, 0, &text);
        backend.close(file).and(written)
    });
    let claim = Claim { parent, name };
    if let Err(errno) = written {
        claim.release(backend);
        return Err(failed("write", format!("{path}/owner"))(errno));
    }
    Ok(Some(claim))
}

/// Makes the claim of a run that is gone this run's.
fn take_over<B: Backend>(
    backend: &B,
    above: &B::Dir,
    name: &str,
    path: &str,
    owner: &Owner,
    respect: Respect,
) -> Result<(), Failure> {
    let in_use = |by: String| Failure::InUse { path: path.to_owned(), by };
    let dir = match backend.open_dir(above, &c_name(name)) {
        Ok(dir) => dir,
        // it has just been given up
        Err(Errno(libc::ENOENT)) => return Err(in_use("a run that is ending".into())),
        Err(errno) => return Err(failed("open", path)(errno)),
    };
    let Some(other) = read_owner(backend, &dir) else {
        return if respect == Respect::Living {
            Ok(())
        } else {
            Err(in_use("a run that has not identified itself".into()))
        };
    };
    match other.lives(owner) {
        Some(false) => {}
        None if respect == Respect::Living => {}
        _ => return Err(in_use(other.to_string())),
    }
    // of several that see it dead one makes this directory
    let taken = format!("taken-{}-{}-{}", other.host.replace('/', "_"), other.pid, other.started);
    match backend.mkdir_private(&dir, &c_name(&taken), Default::default()) {
        Ok(()) => {}
        Err(Errno(libc::EEXIST)) if respect == Respect::Living => {}
        Err(Errno(libc::EEXIST)) => return Err(in_use("another run that has just taken it over".into())),
        Err(errno) => return Err(failed("mkdir", format!("{path}/{taken}"))(errno)),
    }
    log::warn!("{path} was left by {other}, which is gone: taken over");
    Ok(())
}

fn read_owner<B: Backend>(backend: &B, dir: &B::Dir) -> Option<Owner> {
    let mut text = vec![0; OWNER_SIZE];
    let file = backend.open(dir, OWNER, Access::Read).ok()?;
    let length = backend.read_at(&file, 0, &mut text);
    let _ = backend.close(file);
    serde_json::from_slice(&text[..length.ok()?]).ok()
}

impl Claim {
    /// Gives the claim up. What cannot be removed stays, and is recognised by the next run.
    pub fn release<B: Backend>(&self, backend: &B) {
        let Ok(above) = backend.open_path(&self.parent) else { return };
        let name = c_name(&self.name);
        if let Ok(dir) = backend.open_dir(&above, &name) {
            let _ = backend.unlink(&dir, OWNER);
            for taken in names(backend, &dir).unwrap_or_default() {
                let _ = backend.rmdir(&dir, &c_name(&taken));
            }
        }
        let _ = backend.rmdir(&above, &name);
    }
}

/// The timestamps of the runs that have a data directory below this one, oldest first.
///
/// # Errors
/// What the store refused.
pub fn runs<B: Backend>(backend: &B, datadir: &str) -> Result<Vec<String>, Failure> {
    let dir = match backend.open_path(datadir) {
        Err(Errno(libc::ENOENT)) => return Ok(Vec::new()),
        other => other.map_err(failed("open", datadir))?,
    };
    let mut runs = Vec::new();
    let listed = list(backend, &dir, |name, _| {
        let name = text::escape(name.to_bytes());
        if jiff::civil::DateTime::strptime("%Y.%m.%d-%H.%M.%S", &name).is_ok() {
            runs.push(name);
        }
    });
    listed.map_err(failed("readdir", datadir))?;
    runs.sort();
    Ok(runs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::posix::Posix;

    fn owner(pid: u32) -> Owner {
        Owner { pid, ..Owner::this("2026.01.02-03.04.05", None) }
    }

    fn claimed(datadir: &str, owner: &Owner, respect: Respect) -> Result<Option<Claim>, Failure> {
        claim(&Posix::new(datadir, false), beside(datadir).unwrap(), datadir, Hints::default(), owner, respect)
    }

    #[test]
    fn of_many_runs_at_once_one_gets_the_directory() {
        let temp = tempfile::tempdir().unwrap();
        let datadir = format!("{}/not/there/yet", temp.path().display());
        // the same process with other start times: all of them live as little as the first, and none is taken over while it is written
        let own = Owner::this("t", None);
        let got: Vec<bool> = std::thread::scope(|scope| {
            let runs: Vec<_> = (0..8)
                .map(|i| {
                    let (datadir, owner) = (&datadir, Owner { timestamp: i.to_string(), ..own.clone() });
                    scope.spawn(move || claimed(datadir, &owner, Respect::All).is_ok())
                })
                .collect();
            runs.into_iter().map(|run| run.join().unwrap()).collect()
        });
        assert_eq!(got.iter().filter(|got| **got).count(), 1, "{got:?}");
    }

    #[test]
    fn the_claim_of_a_dead_run_is_taken_over_and_leaves_nothing() {
        let temp = tempfile::tempdir().unwrap();
        let datadir = format!("{}/data", temp.path().display());
        // no process has this number
        assert!(claimed(&datadir, &owner(u32::MAX), Respect::All).unwrap().is_some());
        let claim = claimed(&datadir, &owner(std::process::id()), Respect::All).unwrap().unwrap();
        let other = Owner { timestamp: "other".into(), ..owner(std::process::id()) };
        let refused = claimed(&datadir, &other, Respect::Living).unwrap_err();
        assert!(matches!(&refused, Failure::InUse { by, .. } if by.contains("2026.01.02-03.04.05")), "{refused:?}");
        claim.release(&Posix::new(&datadir, false));
        assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_run_on_another_host_lives_while_its_result_directory_shows_it() {
        let temp = tempfile::tempdir().unwrap();
        let there = |resultdir| Owner { host: "another".into(), resultdir, ..owner(1) };
        let own = owner(std::process::id());
        assert_eq!(there(None).lives(&own), None);
        let file = temp.path().join(IN_RESULTDIR).join("owner");
        std::fs::create_dir(file.parent().unwrap()).unwrap();
        let shown = std::fs::File::create(file).unwrap();
        let of_job = || Some(text::of(temp.path()));
        assert_eq!(there(of_job()).lives(&own), Some(true));
        shown.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
        assert_eq!(there(of_job()).lives(&own), Some(false));
        let datadir = format!("{}/data", temp.path().display());
        claimed(&datadir, &there(None), Respect::All).unwrap();
        assert!(claimed(&datadir, &owner(std::process::id()), Respect::All).is_err());
        assert!(claimed(&datadir, &owner(std::process::id()), Respect::Living).is_ok(), "the clean-up is the way out");
    }

    #[test]
    fn a_process_that_ended_and_was_not_waited_for_is_gone() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        assert!(started(child.id()).is_some());
        child.kill().unwrap();
        let begin = std::time::Instant::now();
        while started(child.id()).is_some() && begin.elapsed() < Duration::from_secs(10) {
            std::thread::yield_now();
        }
        assert_eq!(started(child.id()), None);
        child.wait().unwrap();
    }

    #[test]
    fn an_earlier_start_of_the_same_job_is_over() {
        let start = |restarts, job: &str| Owner {
            host: format!("node{restarts}"),
            job: Some(job.into()),
            restarts,
            ..Owner::this("t", None)
        };
        assert_eq!(start(0, "7").lives(&start(1, "7")), Some(false));
        assert_eq!(start(1, "7").lives(&start(1, "7")), None);
        assert_eq!(start(0, "7").lives(&start(1, "8")), None);
    }

    #[test]
    fn a_claim_lies_beside_the_directory() {
        let beside = |path| super::beside(path).map(|(parent, name)| format!("{parent} {name}"));
        assert_eq!(beside("/a/b/").unwrap(), "/a .b.claim");
        assert_eq!(beside("/b").unwrap(), "/ .b.claim");
        assert_eq!(beside("b").unwrap(), ". .b.claim");
        assert_eq!((beside("/"), beside("..")), (None, None));
    }
}
