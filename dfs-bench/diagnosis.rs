//! What to say when a storage call fails or does not return: what is known, what it means, what to look at.

use io500_phases::backend::posix::on_dfuse;
use io500_phases::backend::{dfs, dfs_connection};
use io500_phases::config::{Api, Config};
use io500_phases::engine::Snapshot;
use io500_phases::error::Error;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How much of libdaos's log is looked at.
const TAIL: u64 = 64 * 1024;

/// Who hangs, and since when.
#[derive(Debug, Clone)]
pub struct Place {
    pub rank: usize,
    pub host: String,
    /// Whether it uses a DAOS.
    pub daos: bool,
}

impl Place {
    /// `rank 3 (node7): ior-easy-write: no progress for 60 s`.
    pub fn stalled(&self, snapshot: &Snapshot, since: Duration) -> String {
        let phase = snapshot.phase.map_or("outside the phases", |phase| phase.name());
        format!("rank {} ({}): {phase}: no progress for {} s", self.rank, self.host, since.as_secs())
    }

    /// What is known besides: the last DAOS error in the log, and whether the agent answers.
    pub fn circumstances(&self) -> Vec<String> {
        if !self.daos {
            return Vec::new();
        }
        let mut lines: Vec<String> = log_says().into_iter().collect();
        lines.push(match dfs_connection::agent() {
            Ok(()) => format!("the agent of this node listens at {}", dfs_connection::agent_socket().display()),
            Err(error) => error.to_string(),
        });
        lines
    }

    /// What to look at.
    pub fn hint(&self) -> &'static str {
        if self.daos {
            "libdaos retries forever while an engine is stopped or cannot be reached (DER_TIMEDOUT, DER_HG, DER_UNREACH): \
             see `dmg system query`, `dmg pool query` and the network; --timeout sets how long to wait"
        } else {
            "the file system does not answer: is its server up? --timeout sets how long to wait"
        }
    }
}

/// Prints what is known of a storage call that failed: the DAOS error in the log, where `rank` is the one whose call it was, and
/// the DAOS errors that the errno can stand for.
pub fn explain(error: &Error, config: &Config, rank: usize) {
    let Error::Storage { rank: failed, phase, errno, .. } = error else { return };
    let api = phase.map_or(&config.global.api, |phase| &config.phase(phase).api);
    let daos = api.api == Api::Dfs || (api.api == Api::Posix && on_dfuse(&config.global.datadir));
    if !daos {
        return;
    }
    if let Some(line) = log_says().filter(|_| *failed == rank) {
        eprintln!("       {line}");
    }
    if let Some(hint) = dfs::hint(*errno) {
        eprintln!("hint: {hint}");
    }
}

/// The last DAOS error in the log of this process's libdaos.
fn log_says() -> Option<String> {
    let path = log_file()?;
    Some(format!("libdaos's log ({}) says {}", path.display(), last_error(&tail(&path)?)?))
}

/// Where libdaos logs to, if that is a file.
fn log_file() -> Option<PathBuf> {
    let path = std::env::var_os("D_LOG_FILE").filter(|path| !path.is_empty())?;
    let mut path = path;
    if std::env::var("D_LOG_FILE_APPEND_PID").is_ok_and(|value| value != "0") {
        path.push(format!(".{}", std::process::id()));
    }
    Some(path.into())
}

/// The end of a file.
fn tail(path: &Path) -> Option<String> {
    let mut file = std::fs::File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL))).ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The last DAOS error of this process in a log, from `DER_` on, as `DER_TIMEDOUT(-1011): 'Time out'`. That servers do not know
/// a request is no error here: find asks them to filter, which they need not be able to.
fn last_error(log: &str) -> Option<String> {
    let own = format!("DAOS[{}/", std::process::id());
    let error = |line: &&str| line.contains("DER_") && line.contains(&own) && !line.contains("DER_UNREG");
    let line = log.lines().rev().find(error)?;
    line.find("DER_").map(|at| line[at..].trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use io500_phases::engine::Progress;
    use io500_phases::phase_id::PhaseId;

    #[test]
    fn the_words_name_rank_phase_and_seconds() {
        let progress = Progress::default();
        progress.begin(PhaseId::IorEasyWrite, 1);
        let place = Place { rank: 3, host: "node7".into(), daos: false };
        assert_eq!(
            place.stalled(&progress.snapshot(), Duration::from_millis(60_200)),
            "rank 3 (node7): ior-easy-write: no progress for 60 s"
        );
        assert!(place.circumstances().is_empty());
    }

    #[test]
    fn the_last_error_of_this_process_is_found_in_the_log() {
        let own = std::process::id();
        let log = format!(
            "11/23 vm DAOS[{own}/9/0] object ERR cli_shard.c:790 dc_rw_cb() RPC failed: DER_TIMEDOUT(-1011): 'Time out'\n\
             11/23 vm DAOS[1/1/0] mgmt ERR DER_MISC(-1025): 'other process'\n\
             11/23 vm DAOS[{own}/9/0] dfs ERR daos_pipeline_run failed: DER_UNREG(-1021): 'not registered'\n\
             11/23 vm DAOS[{own}/9/0] crt ERR nothing\n"
        );
        assert_eq!(last_error(&log).unwrap(), "DER_TIMEDOUT(-1011): 'Time out'");
        assert_eq!(last_error("x\n"), None);
    }
}
