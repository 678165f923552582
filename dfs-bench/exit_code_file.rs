//! `--exit-code-file`: the exit code as a file, for who starts jobs by a launcher that reports another one.

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
    match std::fs::remove_file(path) {
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
    let mut part = path.clone().into_os_string();
    part.push(format!(".{}", std::process::id()));
    if let Err(error) = std::fs::write(&part, format!("{code}\n")).and_then(|()| std::fs::rename(&part, path)) {
        eprintln!("warning: the exit code {code} could not be written to {}: {error}", path.display());
    }
}
