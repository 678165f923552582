//! Whether the directories of a run can be used, found out before its first phase on every rank; leaves nothing behind.
//!
//! Only mounted file systems are looked at: a container of DAOS is the same on every node.

use io500_phases::backend::Backend as _;
use io500_phases::backend::posix::Posix;
use io500_phases::buffer::AlignedBuf;
use io500_phases::comm::Comm;
use io500_phases::config::{Api, Config};
use io500_phases::error::{Errno, Error};
use io500_phases::phase_id::{Family, Kind, PhaseId, unmet_need};
use io500_phases::report::ResultDir;
use io500_phases::suite::dated;
use io500_phases::text;
use std::ffi::CStr;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a directory that rank 0 has made may take to appear on another node: network file systems cache.
const APPEARS: Duration = Duration::from_secs(3);

/// Looks at the result directory on rank 0 and at the data directory on every rank. Collective; the error is the same on all
/// ranks.
pub fn check(comm: &dyn Comm, config: &Config, phases: &[PhaseId], timestamp: &str) -> Result<(), Error> {
    let global = &config.global;
    let mut answer = Vec::new();
    if comm.rank() == 0 {
        let resultdir = dated(&global.resultdir, global.timestamp_resultdir, timestamp);
        let resultdir = ResultDir::at(text::path(&resultdir));
        let probed = resultdir.probe().map_err(|error| error.to_string());
        let probed = probed.and_then(|()| files_are_there(config, phases, timestamp, &resultdir));
        let probed = probed.and_then(|()| Probe::make(config, phases));
        answer = serde_json::to_vec(&probed).map_err(|error| Error::Comm(error.to_string()))?;
    }
    comm.broadcast(0, &mut answer);
    let probe: Result<Option<String>, String> =
        serde_json::from_slice(&answer).map_err(|error| Error::Comm(format!("the answer of rank 0: {error}")))?;
    let Some(probe) = probe.map_err(Error::Config)? else { return Ok(()) };
    let used = use_it(&text::path(&probe), comm.rank());
    let refused = used.err().map(|why| format!("the data directory {}: {why}", global.datadir));
    let refused = comm.first_error(refused);
    if comm.rank() == 0 {
        let _ = fs::remove_dir(text::path(&probe));
    }
    refused.map_or(Ok(()), |why| Err(Error::Config(why)))
}

/// Phases that work on files which neither this run nor an earlier one wrote are told of, as far as it can be seen from here: a new run
/// has none, and of others a mounted file system shows the directories.
fn files_are_there(config: &Config, phases: &[PhaseId], timestamp: &str, resultdir: &ResultDir) -> Result<(), String> {
    let global = &config.global;
    let is_new = config.bench.timestamp.is_none() && global.timestamp_datadir;
    let datadir = text::path(&dated(&global.datadir, global.timestamp_datadir, timestamp));
    let has_run = |phase: PhaseId, needed: PhaseId| {
        let api = &config.phase(phase).api.api;
        let hidden = needed == PhaseId::Timestamp || config.has_script(phase) || *api == Api::Null;
        hidden || (!is_new && (*api != Api::Posix || datadir.join(needed.family().name()).exists()))
    };
    if let Some((phase, write)) = unmet_need(phases, has_run) {
        let off = if config.phase(write).run { "" } else { ", which has run = FALSE" };
        let earlier = if is_new { " or give the --timestamp of the run that wrote them" } else { "" };
        let place = text::of(datadir.join(write.family().name()));
        let there = if is_new { String::new() } else { format!(" ({place} does not exist)") };
        return Err(format!(
            "{phase} needs the files of {write}{off}, and nothing writes them{there}: run {write} first{earlier}"
        ));
    }
    resultdir.has_what_is_needed(phases).map_err(|error| error.to_string())
}

/// Every rank must find the directory that rank 0 has made, and be able to make something in it.
fn use_it(probe: &Path, rank: usize) -> Result<(), String> {
    let since = Instant::now();
    while !probe.is_dir() {
        if since.elapsed() > APPEARS {
            let nearest = text::of(probe.parent().unwrap_or(probe));
            return Err(format!(
                "{nearest} is a different directory here than on rank 0: all nodes must see the same one"
            ));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let own = probe.join(rank.to_string());
    fs::create_dir(&own).and_then(|()| fs::remove_dir(&own)).map_err(|error| format!("cannot be written to: {error}"))
}

/// A directory for looking, made by rank 0 where the data directory is or will be.
struct Probe<'a> {
    config: &'a Config,
    datadir: &'a str,
    path: PathBuf,
}

impl Probe<'_> {
    /// Makes it, if phases of this run write into a mounted file system; the reason if it cannot be.
    fn make(config: &Config, phases: &[PhaseId]) -> Result<Option<String>, String> {
        let writes = |phase: &&PhaseId| {
            let kind = phase.kind();
            config.phase(**phase).api.api == Api::Posix
                && (kind == Kind::Write || **phase == PhaseId::MdworkbenchCreate)
        };
        let writing: Vec<PhaseId> = phases.iter().filter(writes).copied().collect();
        if writing.is_empty() {
            return Ok(None);
        }
        let datadir = config.global.datadir.as_str();
        let refused = |what: String| format!("the data directory {datadir} {what}");
        let (there, missing) = nearest(&text::path(datadir)).map_err(refused)?;
        let moment = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        let path = there.join(format!(".dfs-bench-probe-{}-{moment:x}", std::process::id()));
        fs::create_dir(&path).map_err(|error| match missing {
            None => refused(format!("cannot be written to: {error}")),
            Some(missing) => {
                let whole = "although its parent directory exists: this file system does not create directories";
                let why =
                    if error.kind() == ErrorKind::NotFound { format!("{error}, {whole}") } else { error.to_string() };
                refused(format!("cannot be created: mkdir {}: {why}", text::of(missing)))
            }
        })?;
        let probe = Probe { config, datadir, path };
        if let Err(why) = probe.direct(&writing) {
            let _ = fs::remove_dir(&probe.path);
            return Err(why);
        }
        Ok(Some(text::of(&probe.path)))
    }

    /// Whether files opened with `O_DIRECT` take transfers of the phases' sizes. Where they do not, the first one would fail.
    fn direct(&self, writing: &[PhaseId]) -> Result<(), String> {
        for &phase in writing {
            let used = self.config.phase(phase);
            let Some(size) = transfer(self.config, phase).filter(|_| used.api.odirect) else { continue };
            let why = match self.transfer(size) {
                Ok(true) => continue,
                Ok(false) => {
                    format!("does not take transfers of {size} bytes, which are not a multiple of its block size")
                }
                Err(error) => format!("cannot open files with these options: {error}"),
            };
            let place = used.api_origin.place().map(|place| format!("{place}: ")).unwrap_or_default();
            let there = self.datadir;
            return Err(format!("{place}{phase}: {}: the file system of {there} {why}", used.api));
        }
        Ok(())
    }

    /// Whether a transfer that is aligned as those of this size are goes through.
    fn transfer(&self, size: u64) -> io::Result<bool> {
        const NAME: &CStr = c"direct";
        let step = 1_u64 << size.trailing_zeros().min(20);
        let to_io = |errno: Errno| io::Error::from_raw_os_error(errno.0);
        let posix = Posix::new(self.datadir, true);
        let dir = posix.open_path(&text::of(&self.path)).map_err(to_io)?;
        let file = posix.create(&dir, NAME, Default::default()).map_err(to_io);
        let written = file.map(|file| posix.write_at(&file, step, &AlignedBuf::new(step as usize)).map_err(to_io));
        let _ = posix.unlink(&dir, NAME);
        // whatever else goes wrong is told when it does
        Ok(!written?.is_err_and(|error| error.kind() == ErrorKind::InvalidInput))
    }
}

/// Bytes of a transfer of a phase that writes.
fn transfer(config: &Config, phase: PhaseId) -> Option<u64> {
    match phase.family() {
        Family::IorEasy => Some(config.ior_easy.transfer_size),
        Family::IorHard => Some(47_008),
        Family::MdtestHard | Family::Mdworkbench => Some(3_901),
        _ => None,
    }
}

/// The directory itself, or the nearest one above it that is there and then the first one that is missing.
fn nearest(datadir: &Path) -> Result<(PathBuf, Option<PathBuf>), String> {
    let mut missing = None;
    for path in datadir.ancestors() {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        match fs::metadata(path) {
            Ok(about) if about.is_dir() => return Ok((path.to_owned(), missing)),
            Ok(_) => return Err(format!("cannot be created: {} is not a directory: Not a directory", text::of(path))),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if path.is_symlink() {
                    let path = text::of(path);
                    return Err(format!("cannot be created: {path} is a dangling symbolic link"));
                }
                missing = Some(path.to_owned());
            }
            // of something above it
            Err(error) if error.kind() == ErrorKind::NotADirectory => missing = Some(path.to_owned()),
            Err(error) => return Err(format!("cannot be opened: {}: {error}", text::of(path))),
        }
    }
    Err("has no parent directory".to_owned())
}
