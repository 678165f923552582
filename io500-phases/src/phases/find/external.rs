//! An external program that replaces the walk: rank 0 runs it, the others wait.

use crate::engine::{Failure, Progress, Team};
use crate::error::Result;
use crate::text;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How often a stop is looked for.
const BEAT: Duration = Duration::from_millis(50);

/// What an external script brought.
#[derive(Debug, Clone, PartialEq)]
pub struct External {
    /// The last line of its standard output.
    pub last_line: String,
    /// Matches: what the last line says, else the number of lines.
    pub found: u64,
    /// Entries seen, if the last line says it.
    pub total: Option<u64>,
    /// Its wait status: 0 for success, 256 times the exit code, or the signal that ended it.
    pub status: i32,
    /// Seconds from before it was started until it had ended.
    pub runtime_s: f64,
}

impl External {
    /// The entries that the rate is computed from.
    pub fn entries(&self) -> u64 {
        self.total.unwrap_or(self.found)
    }
}

/// Runs a command line with the shell on rank 0, which gets the result. All ranks call it. Its last line has to be
/// `MATCHED <found>/<total>`; without that word, lines are taken for matches.
///
/// # Errors
/// The command cannot be started or fails, the same on all ranks.
pub fn external(team: &Team<'_>, progress: &Progress, command: &str) -> Result<Option<External>> {
    team.barrier()?;
    let ran = if team.comm().rank() == 0 { run(progress, command).map(Some) } else { Ok(None) };
    team.barrier_with_status(ran)
}

fn run(progress: &Progress, command: &str) -> std::result::Result<External, Failure> {
    let cannot = |error: std::io::Error| Failure::Config(format!("external script: {command}: {error}"));
    let start = Instant::now();
    let mut child =
        Command::new("sh").arg("-c").arg(text::os(command)).stdout(Stdio::piped()).spawn().map_err(cannot)?;
    let output = child.stdout.take().expect("it is piped");
    // read by a thread of its own, which a stop leaves behind: programs that the script has started may hold the pipe open
    let (done, reads) = channel();
    std::thread::spawn(move || {
        let mut lines = 0;
        let mut last = Vec::new();
        for line in BufReader::new(output).split(b'\n') {
            let Ok(line) = line else { break };
            lines += 1;
            last = line;
        }
        // nobody listens any more after a stop
        let _ = done.send((lines, last));
    });
    let (lines, last) = loop {
        match reads.recv_timeout(BEAT) {
            Ok(read) => break read,
            Err(RecvTimeoutError::Timeout) if progress.stop_requested() => {
                // it may have ended already
                let _ = child.kill();
                let _ = child.wait();
                return Err(Failure::Interrupted);
            }
            Err(RecvTimeoutError::Timeout) => progress.beat(),
            Err(RecvTimeoutError::Disconnected) => break (0, Vec::new()),
        }
    };
    let status = child.wait().map_err(cannot)?.into_raw();
    let runtime_s = start.elapsed().as_secs_f64();
    let last_line = text::escape(&last);
    let (found, total) = match last_line.strip_prefix("MATCHED ") {
        None => (lines, None),
        Some(counts) => {
            let mut counts = counts.split('/').filter(|count| !count.is_empty());
            match (counts.next(), counts.next()) {
                (Some(found), Some(total)) => (leading_number(found), Some(leading_number(total))),
                // a find without matches is not valid, and the following phases are still worth running
                _ => {
                    log::warn!("external script: its last line is {last_line:?} and must be MATCHED <found>/<total>");
                    (0, None)
                }
            }
        }
    };
    Ok(External { last_line, found, total, status, runtime_s })
}

/// The number that a text begins with, as C's `atoll` reads it: what follows it is not looked at, and no number is 0.
fn leading_number(text: &str) -> u64 {
    let text = text.trim_start();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..digits].parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::{Comm, threads};
    use crate::error::Error;
    use std::sync::Arc;

    fn on_two_ranks(command: &str, progress: &Progress) -> Vec<Result<Option<External>>> {
        threads::run(2, |comm: &dyn Comm| {
            let team = Team::new(comm, Duration::from_secs(60), Arc::new(|error| panic!("stuck: {error}")));
            external(&team, progress, command)
        })
    }

    fn outcome(command: &str) -> External {
        let mut ranks = on_two_ranks(command, &Progress::default());
        assert!(matches!(ranks.pop(), Some(Ok(None))));
        ranks.pop().unwrap().unwrap().unwrap()
    }

    #[test]
    fn the_last_line_tells_the_counts() {
        let said = outcome("echo /data/file.101; echo 'MATCHED 12/3456'");
        assert_eq!((said.found, said.total, said.status, said.entries()), (12, Some(3456), 0, 3456));
        assert_eq!(said.last_line, "MATCHED 12/3456");
    }

    #[test]
    fn without_them_lines_are_matches() {
        let said = outcome("printf 'a\\nb\\nc'; exit 3");
        assert_eq!((said.found, said.total, said.status, said.entries()), (3, None, 3 << 8, 3));
        assert_eq!(said.last_line, "c");
        let silent = outcome("true");
        assert_eq!((silent.found, silent.last_line.as_str()), (0, ""));
    }

    #[test]
    fn what_follows_a_count_is_not_looked_at() {
        for (line, found, total) in [
            ("MATCHED 3/543 files", 3, 543),
            ("MATCHED  3 / 543/7", 3, 543),
            ("MATCHED a/b", 0, 0),
            ("MATCHED //3//4", 3, 4),
        ] {
            let said = outcome(&format!("echo '{line}'"));
            assert_eq!((said.found, said.total), (found, Some(total)), "{line}");
        }
    }

    #[test]
    fn half_a_count_is_a_find_that_found_nothing() {
        for line in ["MATCHED 12", "MATCHED /12", "MATCHED 1/", "MATCHED "] {
            let said = outcome(&format!("echo x; echo '{line}'"));
            assert_eq!((said.found, said.total, said.entries()), (0, None, 0), "{line}");
        }
    }

    #[test]
    fn a_stop_does_not_wait_for_the_script() {
        let progress = Progress::default();
        progress.request_stop();
        for rank in on_two_ranks("sleep 600", &progress) {
            assert!(matches!(rank, Err(Error::Interrupted)));
        }
    }
}
