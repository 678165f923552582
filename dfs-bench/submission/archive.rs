//! The archive of a submission: result directory, job files, documents, and a manifest with what is needed to repeat the run.

use super::subject::Subject;
use crate::exit::UsageError;
use crate::report::model::Source;
use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};
use io500_phases::facts::{Bounds, NodeFacts};
use io500_phases::results::provenance::relevant_environment;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};

/// What an archive may hold: as much is written as can be read again.
pub const BOUNDS: Bounds = Bounds { file: 64 << 20, total: 512 << 20 };
/// The directory that everything lies in.
pub const TOP: &str = "io500";
/// The manifest.
pub const MANIFEST: &str = "io500/reproduce/manifest.json";
/// The version of the manifest's form.
pub const FORMAT: u32 = 1;
/// The most directories below each other that are walked.
const DEPTH: usize = 16;

/// What is needed to repeat a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this form.
    pub format: u32,
    /// The program that wrote it.
    pub written_by: String,
    /// The program that measured.
    pub measured_by: String,
    /// The timestamp of the run, which seeds its data.
    pub timestamp: Option<String>,
    /// Ranks.
    pub ranks: Option<u64>,
    /// Client nodes.
    pub nodes: Option<u64>,
    /// How the ranks were started.
    pub launcher: Option<String>,
    /// The command line of a rank; empty where the suite did not record it.
    pub command: Vec<String>,
    /// The configuration's place in the archive.
    pub configuration: Option<String>,
    /// The job script's.
    pub job_script: Option<String>,
    /// Environment variables that change how the store behaves.
    pub environment: Vec<(String, String)>,
    /// Whether those are of the run, and not of the shell that made the archive.
    pub environment_of_run: bool,
    /// Software of the store on the clients.
    pub libraries: Vec<String>,
    /// A client node.
    pub client: Option<NodeFacts>,
    /// All other files of the archive.
    pub files: Vec<FileSum>,
}

/// A file with its checksum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSum {
    /// Its place in the archive.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Calls `each` for the regular files below a directory, in the order of their names; links are not followed.
pub fn walk(directory: &Path, each: &mut dyn FnMut(&Path, &Metadata)) {
    fn below(directory: &Path, depth: usize, each: &mut dyn FnMut(&Path, &Metadata)) {
        let Ok(entries) = std::fs::read_dir(directory) else { return };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let Ok(metadata) = std::fs::symlink_metadata(&path) else { continue };
            if metadata.is_dir() && depth > 0 {
                below(&path, depth - 1, each);
            } else if metadata.is_file() {
                each(&path, &metadata);
            }
        }
    }
    below(directory, DEPTH, each);
}

/// Writes the archive of a submission with its documents, name and text.
///
/// # Errors
/// When a file cannot be read, the archive would be too large to be read again, or the file exists.
pub fn write(path: &Path, subject: &Subject, documents: &[(&str, String)]) -> Result<Manifest> {
    let mut files = collect(subject)?;
    for (name, text) in documents {
        files.push((format!("{TOP}/{name}"), text.clone().into_bytes()));
    }
    files.sort_by(|(a, _), (b, _)| a.cmp(b));
    let total: u64 = files.iter().map(|(_, bytes)| bytes.len() as u64).sum();
    if total > BOUNDS.total {
        let message = format!("the archive would hold {} MiB, and {} is the most", total >> 20, BOUNDS.total >> 20);
        return Err(UsageError::new(message).into());
    }
    let mut manifest = manifest(subject, &files);
    manifest.files = files
        .iter()
        .map(|(path, bytes)| FileSum { path: path.clone(), bytes: bytes.len() as u64, sha256: sha256(bytes) })
        .collect();
    let file = File::options().write(true).create_new(true).open(path).map_err(|error| {
        UsageError::new(format!("cannot write {}: {error}", path.display())).hint("give the name of a new file")
    })?;
    // the same files make the same bytes
    let packer = GzBuilder::new().mtime(0).write(file, Compression::default());
    let mut archive = tar::Builder::new(packer);
    let text = serde_json::to_string_pretty(&manifest)? + "\n";
    for (name, bytes) in
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).chain([(MANIFEST, text.as_bytes())])
    {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(bytes.len() as u64);
        archive.append_data(&mut header, name, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    archive.into_inner()?.finish()?.sync_all()?;
    Ok(manifest)
}

/// The files of the result directory and those that the user gave, with their places.
fn collect(subject: &Subject) -> Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    walk(&subject.directory, &mut |path, _| found.push(path.to_owned()));
    let mut files = Vec::new();
    for path in found {
        let below = path.strip_prefix(&subject.directory).unwrap_or(&path);
        // a path that is no UTF-8 has no place in a manifest
        let Some(below) = below.to_str() else { continue };
        files.push((format!("{TOP}/results/{below}"), read(&path)?));
    }
    let given = [
        ("job", &subject.given.job_script),
        ("job", &subject.given.job_output),
        ("reproduce", &subject.given.snapshot),
    ];
    for (place, path) in given {
        let Some(path) = path.as_deref().filter(|path| path.is_file()) else { continue };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        files.push((format!("{TOP}/{place}/{name}"), read(path)?));
    }
    Ok(files)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let size = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.len();
    if size > BOUNDS.file {
        let message = format!("{} has {} MiB, and {} is the most", path.display(), size >> 20, BOUNDS.file >> 20);
        return Err(UsageError::new(message).hint("pack it by hand, beside the archive").into());
    }
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn manifest(subject: &Subject, files: &[(String, Vec<u8>)]) -> Manifest {
    let place = |name: &str| {
        let path = format!("{TOP}/results/{name}");
        files.iter().any(|(found, _)| *found == path).then_some(path)
    };
    let provenance = subject.json.as_ref().map(|result| &result.provenance);
    let own = provenance.map(|provenance| provenance.environment.clone());
    let script = subject.given.job_script.as_ref().and_then(|path| path.file_name());
    Manifest {
        format: FORMAT,
        written_by: format!("dfs-bench-{}", env!("CARGO_PKG_VERSION")),
        measured_by: match subject.run.source {
            Source::DfsBench => provenance.map(|provenance| provenance.program.clone()).unwrap_or_default(),
            Source::CSuite => subject.version().to_owned(),
        },
        timestamp: subject.timestamps().into_iter().map(|(_, stamp)| stamp).next(),
        ranks: subject.run.ranks,
        nodes: subject.run.nodes,
        launcher: provenance.map(|provenance| provenance.launcher.clone()),
        command: provenance.map(|provenance| provenance.command_line.clone()).unwrap_or_default(),
        configuration: place("config-orig.ini").or_else(|| place("config.ini")),
        job_script: script.map(|name| format!("{TOP}/job/{}", name.to_string_lossy())),
        environment_of_run: own.is_some(),
        environment: own.unwrap_or_else(relevant_environment),
        libraries: subject.stores().map(|store| store.provider.clone()).collect(),
        client: subject.given.client.clone(),
        files: Vec::new(),
    }
}
