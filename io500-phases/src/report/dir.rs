//! The result directory: every file appears whole, by renaming, so that a killed run leaves what it had.

use crate::error::{Error, Result};
use crate::phase_id::{Family, PhaseId, unmet_need};
use crate::text;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A directory that results are written to. On rank 0 only.
#[derive(Debug, Clone)]
pub struct ResultDir(PathBuf);

impl ResultDir {
    /// Makes the directory, with everything above it, and proves that it can be written to.
    ///
    /// # Errors
    /// [`Error::ResultFile`] with what the operating system said.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self> {
        let dir = ResultDir(path.into());
        fs::create_dir_all(&dir.0).map_err(|error| dir.error(&dir.0, error))?;
        dir.probe()?;
        Ok(dir)
    }

    /// Whether the directory can be made and written to; leaves nothing behind.
    ///
    /// # Errors
    /// [`Error::ResultFile`] with what the operating system said.
    pub fn probe(&self) -> Result<()> {
        let there = self.0.ancestors().find(|path| path.symlink_metadata().is_ok() || path.as_os_str().is_empty());
        let probe = there.unwrap_or(Path::new("/")).join(format!(".writable.{}", std::process::id()));
        // a directory, because there are file systems that have files and make no directories, and the other way round
        let probed = fs::create_dir(&probe).and_then(|()| fs::remove_dir(&probe));
        probed
            .and_then(|()| fs::write(&probe, b""))
            .and_then(|()| fs::remove_file(&probe))
            .map_err(|error| self.error(&self.0, error))
    }

    /// A directory that is there, or not: for looking only.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        ResultDir(path.into())
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file, or one in a folder of its own: beside it first, then renamed.
    ///
    /// # Errors
    /// [`Error::ResultFile`] with what the operating system said.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.0.join(name);
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(path.file_name().unwrap_or_default());
        hidden.push(format!(".{}", std::process::id()));
        let beside = path.with_file_name(hidden);
        let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
        let written = folder
            .and_then(|()| fs::File::create(&beside))
            .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_data()))
            .and_then(|()| fs::rename(&beside, &path));
        written.map_err(|error| {
            let _ = fs::remove_file(&beside);
            self.error(&path, error)
        })
    }

    /// The bytes of a file, if there is one.
    ///
    /// # Errors
    /// [`Error::ResultFile`] when it is there and cannot be read.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let path = self.0.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(self.error(&path, error)),
        }
    }

    /// Moves the files of a result into a directory of their own, `earlier-1` or what is free, and returns its path. What tells
    /// of the files in the data directory stays: later phases need it, whoever wrote it.
    ///
    /// # Errors
    /// [`Error::ResultFile`] with what the operating system said.
    pub fn set_aside(&self) -> Result<PathBuf> {
        let free = |number: &u32| !self.0.join(format!("earlier-{number}")).exists();
        let number = (1..).find(free).expect("some number is free");
        let aside = self.0.join(format!("earlier-{number}"));
        fs::create_dir(&aside).map_err(|error| self.error(&aside, error))?;
        let of_run = ["result_summary.txt", "result.txt", "result.json", "config.ini", "config-orig.ini", "latency"];
        let of_phases = PhaseId::ALL.iter().flat_map(|phase| ["txt", "csv"].map(|kind| format!("{phase}.{kind}")));
        for name in of_run.into_iter().map(str::to_owned).chain(of_phases) {
            match fs::rename(self.0.join(&name), aside.join(&name)) {
                Err(error) if !is_absent(&error) => return Err(self.error(&self.0.join(name), error)),
                _ => {}
            }
        }
        Ok(aside)
    }

    /// The number in a stonewall file, if there is one.
    ///
    /// # Errors
    /// [`Error::ResultFile`] when it is there and cannot be read or understood.
    pub fn stonewall(&self, family: Family) -> Result<Option<u64>> {
        let path = self.0.join(stonewall_name(family));
        match fs::read_to_string(&path) {
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(self.error(&path, error)),
            Ok(text) => text.trim().parse().map(Some).map_err(|_| Error::ResultFile {
                path: text::of(path),
                message: format!("{:?} is no number of operations", text.trim()),
                source: None,
            }),
        }
    }

    /// Whether earlier invocations left here what these phases need and do not make themselves.
    ///
    /// # Errors
    /// [`Error::Config`] that names what is missing, [`Error::ResultFile`] when it cannot be looked at.
    pub fn has_what_is_needed(&self, phases: &[PhaseId]) -> Result<()> {
        let timed = self.timestamp_seconds()?.is_some();
        if let Some((find, _)) = unmet_need(phases, |_, needed| needed != PhaseId::Timestamp || timed) {
            return Err(no_timestamp(find));
        }
        phases
            .iter()
            .copied()
            .filter_map(needs_stonewall)
            .filter(|write| !phases.contains(write))
            .try_for_each(|write| self.stonewall(write.family())?.map(drop).ok_or_else(|| no_stonewall(write.family())))
    }

    /// The first object of every set that mdworkbench has not replaced, if the file is there: `pos: 40`.
    ///
    /// # Errors
    /// [`Error::ResultFile`] when it is there and cannot be read or understood.
    pub fn mdworkbench_start(&self) -> Result<Option<u64>> {
        let path = self.0.join(MDWORKBENCH_STATUS);
        match fs::read_to_string(&path) {
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(self.error(&path, error)),
            Ok(text) => match text.trim().strip_prefix("pos:").and_then(|number| number.trim().parse().ok()) {
                Some(start) => Ok(Some(start)),
                None => Err(Error::ResultFile {
                    path: text::of(path),
                    message: format!("{:?} does not begin with `pos: ` and a number", text.trim()),
                    source: None,
                }),
            },
        }
    }

    /// The rate in kIOPS that sizes mdworkbench, as the C suite keeps it: one little-endian double.
    ///
    /// # Errors
    /// [`Error::ResultFile`] when it is there and cannot be read or understood.
    pub fn mdworkbench_rate(&self) -> Result<Option<f64>> {
        let path = self.0.join(MDWORKBENCH_SIZE);
        match fs::read(&path) {
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(self.error(&path, error)),
            Ok(bytes) => Ok(bytes.try_into().ok().map(f64::from_le_bytes).filter(|rate| rate.is_finite())),
        }
    }

    /// Removes the files that tell how far the write phases of these families came: what they tell of is gone.
    ///
    /// # Errors
    /// [`Error::ResultFile`] with what the operating system said.
    pub fn forget_files(&self, families: &[Family]) -> Result<()> {
        let names = families.iter().flat_map(|&family| match family {
            Family::Mdworkbench => vec![MDWORKBENCH_STATUS.to_owned()],
            Family::MdtestEasy => vec![stonewall_name(family), MDWORKBENCH_SIZE.to_owned()],
            family => vec![stonewall_name(family)],
        });
        for path in names.map(|name| self.0.join(name)) {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(self.error(&path, error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Makes the timestamp file anew: its change time is what find compares with.
    ///
    /// # Errors
    /// [`Error::ResultFile`] with what the operating system said.
    pub fn touch_timestamp(&self) -> Result<()> {
        self.write("timestampfile", b"")
    }

    /// Whole seconds of the timestamp file's modification time.
    ///
    /// # Errors
    /// [`Error::ResultFile`] when it is there and cannot be looked at.
    pub fn timestamp_seconds(&self) -> Result<Option<i64>> {
        use std::os::unix::fs::MetadataExt as _;
        let path = self.0.join("timestampfile");
        match fs::metadata(&path) {
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(self.error(&path, error)),
            Ok(metadata) => Ok(Some(metadata.mtime())),
        }
    }

    fn error(&self, path: &Path, error: std::io::Error) -> Error {
        Error::ResultFile { path: text::of(path), message: error.to_string(), source: Some(Arc::new(error)) }
    }
}

/// The write phase whose stonewall file tells a phase how much there is.
pub(crate) fn needs_stonewall(phase: PhaseId) -> Option<PhaseId> {
    // random reads stay within the file that they find
    let write = phase.made_by().filter(|_| phase != PhaseId::IorRnd4kEasyRead)?;
    write.has_stonewall().then_some(write)
}

pub(crate) fn no_stonewall(family: Family) -> Error {
    let family = family.name();
    Error::Config(format!(
        "{family}.stonewall, which says how much {family}-write wrote, is not in the result directory: run that first, with the same \
         result directory"
    ))
}

pub(crate) fn no_timestamp(find: PhaseId) -> Error {
    Error::Config(format!(
        "{find} looks for files that are newer than timestampfile, which is not in the result directory: run timestamp first, before \
         mdtest-hard-write and with the same result directory"
    ))
}

/// Whether there is no such file: no such name, or a file where one of its directories would have to be.
fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

const MDWORKBENCH_STATUS: &str = "mdworkbench.status";
const MDWORKBENCH_SIZE: &str = "mdworkbench-size";

/// The file that keeps the number of operations that every rank did: its name and bytes.
pub fn stonewall_file(family: Family, operations: u64) -> (String, Vec<u8>) {
    (stonewall_name(family), operations.to_string().into_bytes())
}

/// The file that keeps the first object that mdworkbench has not replaced.
pub fn mdworkbench_start_file(start: u64) -> (&'static str, Vec<u8>) {
    (MDWORKBENCH_STATUS, format!("pos: {start}\n").into_bytes())
}

/// The file that keeps the rate that sizes mdworkbench.
pub fn mdworkbench_rate_file(rate: f64) -> (&'static str, Vec<u8>) {
    (MDWORKBENCH_SIZE, rate.to_le_bytes().to_vec())
}

fn stonewall_name(family: Family) -> String {
    format!("{}.stonewall", family.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_appear_whole_and_nothing_else_stays() {
        let temp = tempfile::tempdir().unwrap();
        let dir = ResultDir::create(temp.path().join("a/b")).unwrap();
        dir.write("result.txt", b"one").unwrap();
        dir.write("result.txt", b"two").unwrap();
        assert_eq!(fs::read(dir.path().join("result.txt")).unwrap(), b"two");
        let (name, bytes) = stonewall_file(Family::IorEasy, 42);
        dir.write(&name, &bytes).unwrap();
        assert_eq!(dir.stonewall(Family::IorEasy).unwrap(), Some(42));
        assert_eq!(dir.stonewall(Family::IorHard).unwrap(), None);
        fs::write(dir.path().join("ior-hard.stonewall"), "12x").unwrap();
        assert!(dir.stonewall(Family::IorHard).unwrap_err().to_string().contains("\"12x\" is no number"));
        let mut names: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, ["ior-easy.stonewall", "ior-hard.stonewall", "result.txt"]);
    }

    #[test]
    fn a_path_that_cannot_be_a_directory_is_an_error_that_names_it() {
        let temp = tempfile::NamedTempFile::new().unwrap();
        let error = ResultDir::create(temp.path().join("x")).unwrap_err().to_string();
        assert!(error.starts_with(&temp.path().display().to_string()), "{error}");
    }
}
