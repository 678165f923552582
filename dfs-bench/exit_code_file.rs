//! `--exit-code-file`: the exit code as a file, for who starts jobs by a launcher that reports another one.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Where the exit code is written to, for who is told another one by the launcher.
static CODE_FILE: OnceLock<PathBuf> = OnceLock::new();

/// From now on the exit code goes into this file too. A code that an earlier job left there is removed.
pub fn keep_in(path: &Path) -> Result<(), String> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !directory.is_dir() {
        let (path, directory) = (path.display(), directory.display());
        return Err(format!("--exit-code-file {path}: {directory} is not a directory"));
    }
    // a device, a pipe or what a link leads to is written to, and not replaced
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let special = std::fs::metadata(path).is_ok_and(|about| !about.is_file());
    let removed = if special { Ok(()) } else { std::fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("--exit-code-file {}: {error}", path.display()))
        }
        _ => {
            // a job may change its directory
            let _ = CODE_FILE.set(std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
            Ok(())
        }
    }
}

/// Writes the code into its file, whole or not at all. Any rank that ends the job may do it: all have the same code.
pub fn write(code: u8) {
    let Some(path) = CODE_FILE.get() else { return };
    if let Err(error) = replace(path, &format!("{code}\n")) {
        eprintln!("warning: the exit code {code} could not be written to {}: {error}", path.display());
    }
}

/// Writes a file, whole or not at all; what is there and no regular file is written to as it is.
pub fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    if std::fs::metadata(path).is_ok_and(|about| !about.is_file()) {
        return std::fs::OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes());
    }
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut part = path.clone().into_os_string();
    part.push(format!(".{}", std::process::id()));
    std::fs::write(&part, text)?;
    std::fs::rename(&part, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_and_links_stay_what_they_are() {
        let temp = tempfile::tempdir().unwrap();
        let (link, target) = (temp.path().join("link"), temp.path().join("target"));
        std::os::unix::fs::symlink(&target, &link).unwrap();
        std::fs::write(&target, "old").unwrap();
        replace(&link, "4\n").unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "4\n");
        let null = temp.path().join("null");
        std::os::unix::fs::symlink("/dev/null", &null).unwrap();
        replace(&null, "4\n").unwrap();
        assert!(!std::fs::metadata(&null).unwrap().is_file());
    }
}
