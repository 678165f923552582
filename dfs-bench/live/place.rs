//! Where a live line can be drawn in place: a terminal of our own, or that of the launcher, which passes our output on.

use std::fs::File;
use std::io::IsTerminal as _;
use std::path::PathBuf;

/// Columns of the terminal that standard error leads to; none where it leads to none.
pub fn columns() -> Option<usize> {
    let size = if std::io::stderr().is_terminal() {
        rustix::termios::tcgetwinsize(std::io::stderr()).ok()
    } else {
        rustix::termios::tcgetwinsize(File::open(launchers_terminal()?).ok()?).ok()
    };
    Some(size.map(|size| usize::from(size.ws_col)).filter(|&columns| columns > 0).unwrap_or(80))
}

/// The terminal that the launcher's standard error is, where a launcher on this node started this process.
fn launchers_terminal() -> Option<PathBuf> {
    io500_phases::comm::Launcher::detect(|name| std::env::var(name).ok())?;
    let parent = rustix::process::getppid()?.as_raw_nonzero();
    let terminal = std::fs::read_link(format!("/proc/{parent}/fd/2")).ok()?;
    let name = terminal.to_str()?;
    (name.starts_with("/dev/pts/") || name.starts_with("/dev/tty")).then_some(terminal)
}
