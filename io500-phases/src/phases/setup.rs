//! The data directory before the first phase: rank 0 checks it, then creates it. Data of others is never touched.

use super::context::failed;
use crate::backend::{Backend, list};
use crate::engine::{Failure, Team};
use crate::error::{Errno, OpResult, Result};
use crate::phase_id::{Family, Kind, PhaseId, unmet_need};
use crate::plan::{Hints, MdtestPlan, Plan};
use crate::text;
use std::ffi::{CStr, CString};

/// The directories that a run has directly below the data directory.
pub const FAMILIES: [Family; 5] =
    [Family::IorEasy, Family::IorHard, Family::MdtestEasy, Family::MdtestHard, Family::Mdworkbench];

/// Checks, without changing anything, whether the phases of this store can run in the data directory. What is left of a write phase must be
/// this run's `own`. For rank 0.
///
/// # Errors
/// What keeps a phase from running there, or what the store refused.
pub fn inspect<B: Backend>(
    backend: &B,
    datadir: &str,
    plan: &Plan,
    phases: &[PhaseId],
    own: bool,
) -> std::result::Result<(), Failure> {
    let root = match backend.open_path(datadir) {
        Ok(root) => Some(root),
        Err(Errno(libc::ENOENT)) => None,
        Err(errno) if is_of_the_path(errno) => {
            return Err(Failure::Config(format!("the data directory {datadir} cannot be opened: {errno}")));
        }
        Err(errno) => return Err(failed("open", datadir)(errno)),
    };
    let mut present = Vec::new();
    if let Some(root) = &root {
        let names = names(backend, root).map_err(failed("readdir", datadir))?;
        if let Some(unexpected) =
            names.iter().find(|name| !FAMILIES.iter().any(|family| family.name() == name.as_str()))
        {
            return Err(Failure::Config(format!(
                "the data directory {datadir} is not empty and holds entries that this benchmark did not write: {unexpected:?}"
            )));
        }
        present = names;
    }
    for &phase in phases {
        let family = phase.family();
        if let (Kind::Write, Some(root), true) = (phase.kind(), &root, present.iter().any(|name| name == family.name()))
        {
            check_left_over(backend, root, datadir, family, own)?;
        }
    }
    // the timestamp file is in the result directory
    let has_run = |phase, needed: PhaseId| {
        let is_here = phases.contains(&phase) && backend.keeps_data() && needed != PhaseId::Timestamp;
        !is_here || present.iter().any(|name| name == needed.family().name())
    };
    match unmet_need(&plan.phases, has_run) {
        None => Ok(()),
        Some((phase, write)) => Err(Failure::Config(format!(
            "{phase} needs the files of {write}, and {datadir}/{} does not exist: run {write} first",
            write.family().name()
        ))),
    }
}

/// The families of write phases in whose directories an earlier run left something that must go first. IOR's files are not among them:
/// writing replaces them. For rank 0, after [`inspect`].
///
/// # Errors
/// What the store refused.
pub fn left_over<B: Backend>(
    backend: &B,
    datadir: &str,
    phases: &[PhaseId],
) -> std::result::Result<Vec<Family>, Failure> {
    let root = match backend.open_path(datadir) {
        Err(Errno(libc::ENOENT)) => return Ok(Vec::new()),
        other => other.map_err(failed("open", datadir))?,
    };
    let mut left = Vec::new();
    for family in phases.iter().filter(|phase| phase.kind() == Kind::Write).map(|phase| phase.family()) {
        let replaces = matches!(family, Family::MdtestEasy | Family::MdtestHard | Family::Mdworkbench);
        let path = format!("{datadir}/{}", family.name());
        match backend.open_dir(&root, &c_name(family.name())) {
            Ok(dir) if replaces && !names(backend, &dir).map_err(failed("readdir", path))?.is_empty() => {
                left.push(family)
            }
            _ => {}
        }
    }
    left.dedup();
    Ok(left)
}

/// A write phase may find the files of an earlier ior run, which it replaces as IOR does, and what it left itself earlier in this run.
fn check_left_over<B: Backend>(
    backend: &B,
    root: &B::Dir,
    datadir: &str,
    family: Family,
    own: bool,
) -> std::result::Result<(), Failure> {
    let name = family.name();
    let path = format!("{datadir}/{name}");
    let dir = backend.open_dir(root, &c_name(name)).map_err(failed("open", &path))?;
    let left = names(backend, &dir).map_err(failed("readdir", &path))?;
    let replaceable = |entry: &str| match family {
        Family::IorEasy => entry.starts_with("ior_file_easy") || entry.parse::<u32>().is_ok(),
        Family::IorHard => entry == "file",
        Family::MdtestEasy | Family::MdtestHard => own && is_test_dir(entry),
        Family::Mdworkbench => own && is_numbers(entry, '_'),
        _ => false,
    };
    match left.iter().find(|entry| !replaceable(entry)) {
        None => Ok(()),
        Some(entry) => Err(Failure::Config(format!(
            "{path} holds {entry:?} of an earlier run: use another data directory, or remove it with --cleanup --phase {name}"
        ))),
    }
}

/// Makes the data directory with everything above it, and the directories of the families: what the C suite itself makes is placed as the
/// global API says, what mdtest and md-workbench make as theirs says. True if the data directory was not there.
///
/// # Errors
/// What the store refused.
pub fn make<B: Backend>(
    backend: &B,
    datadir: &str,
    plan: &Plan,
    families: &[Family],
) -> std::result::Result<bool, Failure> {
    let (root, created) =
        make_path(backend, datadir, plan.data_dirs).map_err(|(path, errno)| cannot_be_made(datadir, path, errno))?;
    for family in families {
        let hints = match family {
            Family::MdtestEasy => plan.mdtest_easy.hints,
            Family::MdtestHard => plan.mdtest_hard.hints,
            Family::Mdworkbench => plan.mdworkbench.hints,
            _ => plan.data_dirs,
        };
        match backend.mkdir_private(&root, &c_name(family.name()), hints) {
            Err(Errno(libc::EEXIST)) | Ok(()) => {}
            Err(errno) => return Err(failed("mkdir", format!("{datadir}/{}", family.name()))(errno)),
        }
    }
    Ok(created)
}

/// Every rank makes the directory of its own ior-easy file, where the configuration wants one.
///
/// # Errors
/// What the store refused, the same on all ranks.
pub fn make_unique_dirs<B: Backend>(backend: &B, team: &Team<'_>, datadir: &str, plan: &Plan) -> Result<()> {
    let Some(own) = plan.ior_easy.own_dir(team.comm().rank()) else { return Ok(()) };
    let path = format!("{datadir}/{}", Family::IorEasy.name());
    let made = backend.open_path(&path).map_err(failed("open", &path)).and_then(|dir| {
        match backend.mkdir(&dir, &c_name(&own), plan.ior_easy.hints) {
            Err(Errno(libc::EEXIST)) | Ok(()) => Ok(()),
            Err(errno) => Err(failed("mkdir", format!("{path}/{own}"))(errno)),
        }
    });
    team.barrier_with_status(made)
}

/// Why a data directory cannot be created.
fn cannot_be_made(datadir: &str, path: String, errno: Errno) -> Failure {
    match errno {
        Errno(libc::ENOENT) => Failure::Config(format!(
            "the data directory {datadir} cannot be created: mkdir {path}: {errno}, although its parent directory exists: this file \
             system does not create directories"
        )),
        Errno(libc::EEXIST) => Failure::Config(format!(
            "the data directory {datadir} cannot be created: {path} is a dangling symbolic link"
        )),
        errno if is_of_the_path(errno) => {
            Failure::Config(format!("the data directory {datadir} cannot be created: mkdir {path}: {errno}"))
        }
        errno => failed("mkdir", path)(errno),
    }
}

/// Opens a directory, made with everything above it where it is not there: whether it was made.
pub(super) fn make_path<B: Backend>(
    backend: &B,
    path: &str,
    hints: Hints,
) -> std::result::Result<(B::Dir, bool), (String, Errno)> {
    let at = |errno| (path.to_owned(), errno);
    match backend.open_path(path) {
        Ok(dir) => return Ok((dir, false)),
        Err(Errno(libc::ENOENT)) => {}
        Err(errno) => return Err(at(errno)),
    }
    let trimmed = path.trim_end_matches('/');
    let (parent, name) = match trimmed.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some((parent, name)) => (parent, name),
        None => (".", trimmed),
    };
    let (parent, _) = make_path(backend, parent, hints)?;
    let there = match backend.mkdir_private(&parent, &c_name(name), hints) {
        Ok(()) => false,
        Err(Errno(libc::EEXIST)) => true,
        Err(errno) => return Err(at(errno)),
    };
    match backend.open_path(path) {
        // it has the name and leads nowhere: a symbolic link to what is not there
        Err(Errno(libc::ENOENT)) if there => Err(at(Errno(libc::EEXIST))),
        opened => Ok((opened.map_err(at)?, true)),
    }
}

/// Whether a path was refused for what it is, and not because the store is in trouble.
fn is_of_the_path(errno: Errno) -> bool {
    let errnos = [
        libc::ENOTDIR,
        libc::EACCES,
        libc::EPERM,
        libc::EROFS,
        libc::ELOOP,
        libc::ENAMETOOLONG,
        libc::EINVAL,
        libc::EOPNOTSUPP,
    ];
    errnos.contains(&errno.0)
}

/// Whether the name is that of a test directory of mdtest.
pub(super) fn is_test_dir(name: &str) -> bool {
    name.strip_prefix(MdtestPlan::TEST_DIR).is_some_and(|number| is_numbers(number, '.'))
}

/// Whether the text is numbers with this character between them.
pub(super) fn is_numbers(text: &str, between: char) -> bool {
    text.split(between).all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The names in a directory, as [`crate::text`] writes them.
///
/// # Errors
/// What the store says.
pub fn names<B: Backend>(backend: &B, dir: &B::Dir) -> OpResult<Vec<String>> {
    let mut names = Vec::new();
    list(backend, dir, |name: &CStr, _| names.push(text::escape(name.to_bytes())))?;
    Ok(names)
}

pub(super) fn c_name(name: &str) -> CString {
    text::c_string(name).expect("names of the plan and of listings have no NUL")
}
