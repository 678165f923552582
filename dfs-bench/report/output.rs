//! Where a report goes: standard output, or a file that is not overwritten by accident.

use crate::exit::UsageError;
use anyhow::{Context, Result};
use std::io::{Read, Write};
use std::path::Path;

/// Marks an HTML file as ours, so that the next report may replace it.
pub const GENERATOR: &str = "<meta name=\"generator\" content=\"dfs-bench";

/// Fails early when `path` must not be written: it exists, is no report of ours, and `force` is not given.
pub fn check(path: &Path, force: bool) -> Result<()> {
    if force || path == Path::new("-") || !path.exists() {
        return Ok(());
    }
    let mut start = Vec::new();
    if let Ok(file) = std::fs::File::open(path) {
        let _ = file.take(1024).read_to_end(&mut start);
    }
    if String::from_utf8_lossy(&start).contains(GENERATOR) {
        return Ok(());
    }
    let message = format!("{} exists and is not an HTML report of this program", path.display());
    Err(UsageError::new(message).hint("--force overwrites it, -o names another file").into())
}

/// Writes `text` to the path, or to standard output for `-`.
pub fn write(path: &Path, text: &str) -> Result<()> {
    if path == Path::new("-") {
        // a closed pipe (`… | head`) is no failure of the report
        return match std::io::stdout().lock().write_all(text.as_bytes()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(error).context("cannot write to standard output")
            }
            _ => Ok(()),
        };
    }
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_html_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report.html");
        check(&path, false).unwrap();
        std::fs::write(&path, "<p>notes</p>").unwrap();
        assert!(check(&path, false).unwrap_err().to_string().contains("not an HTML report"));
        check(&path, true).unwrap();
        write(&path, &format!("<!doctype html>{GENERATOR} 1\">")).unwrap();
        check(&path, false).unwrap();
    }
}
