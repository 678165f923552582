//! Waits for a launcher that was started in a process group of its own, and ends the group when the user asks or time is up.

use anyhow::Result;
use rustix::process::{Pid, Signal, kill_process_group};
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How often a child is looked at.
pub const LOOK: Duration = Duration::from_millis(50);
/// Between the request to end and the end by force.
pub const GRACE: Duration = Duration::from_secs(15);

/// How a child ended.
#[derive(Debug)]
pub enum Ended {
    /// By itself.
    Itself(ExitStatus),
    /// It was ended, as its time was up.
    Late,
    /// It was ended, as `stop` was raised.
    Stopped,
}

/// Waits for the end; ends the child's process group when `stop` is raised or at the deadline.
pub fn wait(child: &mut Child, stop: &AtomicBool, deadline: Option<Instant>) -> Result<Ended> {
    loop {
        if let Some(status) = child.try_wait()? {
            // a launcher that the same Ctrl-C reached ends by itself
            return Ok(if stop.load(Relaxed) { Ended::Stopped } else { Ended::Itself(status) });
        }
        if stop.load(Relaxed) {
            end(child)?;
            return Ok(Ended::Stopped);
        }
        if deadline.is_some_and(|deadline| Instant::now() > deadline) {
            end(child)?;
            return Ok(Ended::Late);
        }
        std::thread::sleep(LOOK);
    }
}

/// Asks the launcher to end, and makes it after a while.
fn end(child: &mut Child) -> Result<()> {
    let group = Pid::from_child(child);
    let _ = kill_process_group(group, Signal::TERM);
    let asked = Instant::now();
    while asked.elapsed() < GRACE {
        if child.try_wait()?.is_some() {
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
    let _ = kill_process_group(group, Signal::KILL);
    child.wait()?;
    Ok(())
}
