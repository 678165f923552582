//! Finds runs on disk and reads them, whoever wrote them; a directory of several runs is a group.

use super::model::Run;
use super::{c_suite, own};
use crate::exit::UsageError;
use anyhow::{Context, Result};
use io500_phases::text;
use std::collections::HashSet;
use std::fs::DirEntry;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

/// How deep below the given directory runs are looked for: `system/group/run/results` at most.
const DEPTH: usize = 4;

/// The same for a tree of everything that was ever run: `site/system/year/month/campaign/runs/run/results`.
const TREE_DEPTH: usize = 8;

/// What carries a run, the one that tells most first.
const CARRIERS: [&str; 3] = ["result.json", "result.txt", "result_summary.txt"];

/// Runs that belong together: repeats of one measurement, or a single run.
#[derive(Debug)]
pub struct RunGroup {
    /// What the report calls it.
    pub label: String,
    /// The directory.
    pub path: PathBuf,
    /// Its runs, in the order of their directories' names. Never empty.
    pub runs: Vec<Run>,
}

/// Reads the groups at `paths`, and gives every group and run a name that no other has.
pub fn groups(paths: &[PathBuf]) -> Result<Vec<RunGroup>> {
    let mut groups = paths.iter().map(|path| group(path)).collect::<Result<Vec<_>>>()?;
    let labels = labels(&groups.iter().map(|group| group.path.as_path()).collect::<Vec<_>>());
    for (group, label) in groups.iter_mut().zip(labels) {
        group.label = label;
    }
    let run_paths: Vec<PathBuf> = groups.iter().flat_map(|group| &group.runs).map(|run| run.path.clone()).collect();
    let labels = self::labels(&run_paths.iter().map(PathBuf::as_path).collect::<Vec<_>>());
    for (run, label) in groups.iter_mut().flat_map(|group| &mut group.runs).zip(labels) {
        run.label = label;
    }
    // the only run of a group needs no name of its own
    for group in &mut groups {
        if let [run] = group.runs.as_mut_slice() {
            run.label.clone_from(&group.label);
        }
    }
    Ok(groups)
}

/// Directories whose run cannot be read, with why.
pub type Unreadable = Vec<(PathBuf, String)>;

/// Every run below a directory with a name that no other has, and the directories whose run cannot be read, with why.
pub fn tree(path: &Path) -> Result<(Vec<Run>, Unreadable)> {
    let mut directories = Vec::new();
    collect(path, path, TREE_DEPTH, &mut directories)
        .with_context(|| format!("cannot look through {}", path.display()))?;
    let directories = unique(directories);
    let (mut runs, mut unreadable) = (Vec::new(), Vec::new());
    for directory in directories {
        match run(&directory) {
            Ok(run) => runs.push(run),
            Err(error) => unreadable.push((directory, format!("{error:#}"))),
        }
    }
    let labels = labels(&runs.iter().map(|run| run.path.as_path()).collect::<Vec<_>>());
    for (run, label) in runs.iter_mut().zip(labels) {
        run.label = label;
    }
    if runs.is_empty() && unreadable.is_empty() {
        let [json, text, summary] = CARRIERS;
        let none = format!("no run below {}: there is no {json}, {text} or {summary}", path.display());
        return Err(UsageError::new(none).into());
    }
    Ok((runs, unreadable))
}

/// Without the second names of a directory: a link such as `latest` is no second run.
fn unique(mut directories: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut seen = HashSet::new();
    directories.retain(|path| path.canonicalize().map_or(true, |path| seen.insert(path)));
    directories
}

fn group(path: &Path) -> Result<RunGroup> {
    let directories = run_directories(path)?;
    if directories.is_empty() {
        let [json, text, summary] = CARRIERS;
        let none = format!(
            "none of {json}, {text} and {summary} is there, nor in the directories below it, down to {DEPTH} levels"
        );
        return Err(UsageError::new(format!("no run in {}: {none}", text::of(path))).into());
    }
    let runs = directories.iter().map(|directory| run(directory)).collect::<Result<Vec<_>>>()?;
    Ok(RunGroup { label: String::new(), path: path.to_owned(), runs })
}

/// The run in this directory, or what a summary tells of one.
fn run(path: &Path) -> Result<Run> {
    let has = |name: &str| path.join(name).is_file();
    let run = match CARRIERS.into_iter().find(|name| has(name)) {
        Some("result.json") => own::load(path),
        Some("result.txt") => c_suite::load(path),
        Some(summary) => c_suite::load_summary(&path.join(summary)),
        None => c_suite::load_summary(path),
    };
    run.with_context(|| format!("cannot read the run in {}", text::of(path)))
}

/// The result directories at or below a path.
pub fn run_directories(path: &Path) -> Result<Vec<PathBuf>> {
    let kind = std::fs::metadata(path).with_context(|| format!("cannot open {}", text::of(path)))?;
    if !kind.is_dir() {
        // the result file itself stands for its directory
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| CARRIERS.contains(&name)) {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            return Ok(vec![parent.to_owned()]);
        }
        // a saved console output, for which nobody has a name
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    collect(path, path, DEPTH, &mut found)?;
    Ok(unique(found))
}

fn collect(top: &Path, path: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<()> {
    if CARRIERS.iter().any(|name| path.join(name).is_file()) {
        found.push(path.to_owned());
        return Ok(());
    }
    if depth == 0 {
        return Ok(());
    }
    let entries = match std::fs::read_dir(path) {
        // somebody else's directory in between hides no run of ours
        Err(error) if path != top && error.kind() == ErrorKind::PermissionDenied => return Ok(()),
        entries => entries.with_context(|| format!("cannot list {}", text::of(path)))?,
    };
    // a data directory in between may hold a million files: none of them is asked for
    let directory = |entry: std::io::Result<DirEntry>| {
        let entry = entry.ok()?;
        let kind = entry.file_type().ok()?;
        (kind.is_dir() || (kind.is_symlink() && entry.path().is_dir())).then(|| entry.path())
    };
    let mut below: Vec<PathBuf> = entries.filter_map(directory).collect();
    below.sort();
    below.iter().try_for_each(|path| collect(top, path, depth - 1, found))
}

/// The shortest ends of the paths that differ from each other; equal paths get a number.
fn labels(paths: &[&Path]) -> Vec<String> {
    let parts: Vec<Vec<String>> = paths.iter().map(|path| parts(path)).collect();
    let end = |index: usize, length: usize| {
        let parts = &parts[index];
        parts[parts.len().saturating_sub(length)..].join("/")
    };
    let longest = parts.iter().map(Vec::len).max().unwrap_or(0);
    (0..paths.len())
        .map(|index| {
            let others =
                |length: usize| (0..paths.len()).filter(move |&other| other != index).map(move |o| end(o, length));
            // a directory called only "results" says nothing: take its parent along
            let first = if parts[index].last().is_some_and(|name| name == "results") { 2 } else { 1 };
            let length = (first..=longest).find(|&length| others(length).all(|other| other != end(index, length)));
            match length {
                Some(length) => end(index, length),
                None => format!("{} ({})", end(index, longest), index + 1),
            }
        })
        .collect()
}

fn parts(path: &Path) -> Vec<String> {
    let full = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut parts = Vec::new();
    for component in full.components() {
        match component {
            Component::Normal(name) => parts.push(text::of(name)),
            Component::ParentDir => drop(parts.pop()),
            _ => {}
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels_of(paths: &[&str]) -> Vec<String> {
        labels(&paths.iter().map(Path::new).collect::<Vec<_>>())
    }

    #[test]
    fn labels_are_short_and_tell_runs_apart() {
        assert_eq!(labels_of(&["/a/x", "/a/y"]), ["x", "y"]);
        assert_eq!(labels_of(&["/a/one/results", "/a/two/results"]), ["one/results", "two/results"]);
        assert_eq!(labels_of(&["/a/p/1", "/a/q/1"]), ["p/1", "q/1"]);
        assert_eq!(labels_of(&["/a/x", "/a/x/"]), ["a/x (1)", "a/x (2)"]);
    }

    #[test]
    fn runs_are_looked_for_as_deep_as_is_said() {
        let temp = tempfile::tempdir().unwrap();
        for (below, found) in [("a/b/c/d", 1), ("a/b/c/e/f", 1)] {
            let directory = temp.path().join(below);
            std::fs::create_dir_all(&directory).unwrap();
            std::fs::write(directory.join(CARRIERS[0]), "").unwrap();
            assert_eq!(run_directories(temp.path()).unwrap().len(), found, "{below}");
        }
    }

    #[test]
    fn a_directory_without_runs_is_an_error_that_says_what_was_looked_for() {
        let empty = tempfile::tempdir().unwrap();
        let error = groups(&[empty.path().to_owned()]).unwrap_err().to_string();
        assert!(error.contains("none of result.json, result.txt"), "{error}");
    }
}
