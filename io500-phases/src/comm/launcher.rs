//! Which launcher started this process, told from its environment before MPI is touched, and whether the MPI library
//! in this binary belongs to it.
//!
//! Under a launcher of another MPI flavour every process believes it is rank 0 of 1. A benchmark would then run N
//! times over itself on the same storage: [`start`] refuses that before anything else happens.

use super::pmi::Pmi;
use super::{Comm, Solo};

/// The kind of launcher, by the environment it leaves to its processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// Open MPI's mpirun, and what is built on it.
    OpenMpi,
    /// Hydra, the mpiexec of MPICH, Intel MPI and MVAPICH, or another launcher that speaks PMI.
    Pmi,
    /// HPE's PALS, the mpiexec of Aurora and its like.
    Pals,
    /// Cray's aprun.
    Alps,
    /// flux run.
    Flux,
    /// Slurm's srun.
    Slurm,
    /// A launcher that speaks PMIx and says no more.
    Pmix,
}

/// A launcher that started this process as one of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Launcher {
    /// Which one.
    pub flavour: Flavour,
    /// This process's number, from 0.
    pub rank: usize,
    /// The number of processes, where the launcher tells.
    pub size: Option<usize>,
}

/// The launcher and the MPI library do not belong together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LauncherMismatch {
    reports: bool,
    message: String,
    fix: String,
}

impl LauncherMismatch {
    /// What the user can do about it.
    pub fn hint(&self) -> &str {
        &self.fix
    }

    /// Whether this process is the one to tell the user: all of them find the mismatch, and cannot talk to each other.
    pub fn reports(&self) -> bool {
        self.reports
    }
}

/// Why the ranks could not be joined to a group.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
#[non_exhaustive]
pub enum StartError {
    #[error(transparent)]
    Mismatch(#[from] LauncherMismatch),
    #[cfg(feature = "mpi")]
    #[error(transparent)]
    Mpi(#[from] super::MpiUnavailable),
}

/// Joins the job this process was launched in: MPI under a launcher, else [`Solo`] without starting MPI.
///
/// Returns an error on every process, and before anything but MPI was touched, when the launcher is of another MPI
/// flavour than the library in this binary.
///
/// # Errors
/// The launcher is of another MPI, or MPI cannot be started.
pub fn start() -> Result<Box<dyn Comm>, StartError> {
    match Launcher::detect(|name| std::env::var(name).ok()) {
        None => Ok(Box::new(Solo::new())),
        Some(launcher) => join(launcher),
    }
}

#[cfg(feature = "mpi")]
fn join(launcher: Launcher) -> Result<Box<dyn Comm>, StartError> {
    launcher.check_interface(std::env::var("SLURM_MPI_TYPE").ok().as_deref(), mpi_library().as_deref())?;
    let ranks = super::Mpi::init()?;
    launcher.check(ranks.size(), mpi_library().as_deref())?;
    Ok(Box::new(ranks))
}

#[cfg(not(feature = "mpi"))]
fn join(launcher: Launcher) -> Result<Box<dyn Comm>, StartError> {
    launcher.check(1, None)?;
    Ok(Box::new(Solo::new()))
}

/// The first line of the version text of the MPI library in this binary; `None` when it was built without MPI.
/// Callable whether or not MPI runs.
pub fn mpi_library() -> Option<String> {
    #[cfg(feature = "mpi")]
    return Some(super::mpi::library_line());
    #[cfg(not(feature = "mpi"))]
    return None;
}

/// Variables that name a process's rank and the number of processes. The first pair whose rank is set counts: a
/// launcher that was itself started by another one (mpirun inside a Slurm step) stands before it.
const VARIABLES: [(Flavour, &str, &[&str]); 8] = [
    (Flavour::OpenMpi, "OMPI_COMM_WORLD_RANK", &["OMPI_COMM_WORLD_SIZE"]),
    (Flavour::Pals, "PALS_RANKID", &["PMI_SIZE"]),
    (Flavour::Alps, "ALPS_APP_PE", &["PMI_SIZE"]),
    (Flavour::Flux, "FLUX_TASK_RANK", &["FLUX_JOB_SIZE"]),
    (Flavour::Pmi, "PMI_RANK", &["PMI_SIZE"]),
    (Flavour::Pmi, "MV2_COMM_WORLD_RANK", &["MV2_COMM_WORLD_SIZE"]),
    (Flavour::Slurm, "SLURM_PROCID", &["SLURM_STEP_NUM_TASKS"]),
    (Flavour::Pmix, "PMIX_RANK", &[]),
];

impl Launcher {
    /// The launcher that started this process, by its environment; `None` for a direct start.
    pub fn detect(env: impl Fn(&str) -> Option<String>) -> Option<Launcher> {
        let number = |name: &str| env(name)?.trim().parse::<usize>().ok();
        VARIABLES.iter().find_map(|&(flavour, rank, sizes)| {
            let rank = number(rank)?;
            // srun speaks PMI too; Hydra also says how many processes are on the node.
            if flavour == Flavour::Pmi && is_srun_step(&env) && env("MPI_LOCALNRANKS").is_none() {
                return None;
            }
            // A batch script and an interactive shell have a rank too, but only a step started by srun has several.
            if flavour == Flavour::Slurm && !is_srun_step(&env) {
                return None;
            }
            Some(Launcher { flavour, rank, size: sizes.iter().find_map(|name| number(name)) })
        })
    }

    /// Compares with what MPI says: the size of its world and its library's version line ([`mpi_library`]).
    ///
    /// # Errors
    /// In words, what does not fit.
    pub fn check(&self, world_size: usize, library: Option<&str>) -> Result<(), LauncherMismatch> {
        let alone_of_many = match self.size {
            Some(size) => size != world_size,
            None => self.rank >= world_size,
        };
        // With one process nothing goes wrong yet; it is the same mistake and would with two.
        let foreign = match (self.flavour, library.map(Family::of)) {
            (Flavour::OpenMpi, Some(Family::Mpich)) | (Flavour::Pmi, Some(Family::OpenMpi)) => world_size == 1,
            _ => false,
        };
        if !alone_of_many && !foreign {
            return Ok(());
        }
        let world = format!("sees {world_size} rank{}", if world_size == 1 { "" } else { "s" });
        let consequence = format!("{world}: each process of this launcher would run the whole benchmark alone");
        Err(self.mismatch(self.flavour.name(), library, &consequence))
    }

    /// Compares srun's interface (`SLURM_MPI_TYPE`) with the MPI library before it starts: Open MPI ends the process where it does not speak it.
    ///
    /// # Errors
    /// As for [`Launcher::check`].
    pub fn check_interface(&self, interface: Option<&str>, library: Option<&str>) -> Result<(), LauncherMismatch> {
        let open_mpi = library.is_some_and(|library| Family::of(library) == Family::OpenMpi);
        let Some(interface) = interface.filter(|_| open_mpi && self.flavour == Flavour::Slurm) else { return Ok(()) };
        if !["none", "pmi2"].contains(&interface) || Pmi::of_this_process(true).has(interface) {
            return Ok(());
        }
        let launcher = format!("srun --mpi={interface}");
        Err(self.mismatch(&launcher, library, "does not speak that"))
    }

    fn mismatch(&self, launcher: &str, library: Option<&str>, consequence: &str) -> LauncherMismatch {
        let process = match self.size {
            Some(size) => format!("process {} of {size}", self.rank),
            None => format!("process {}", self.rank),
        };
        let library_words = match library {
            Some(library) => format!("linked with {}", library.split(',').next().unwrap_or(library)),
            None => "built without MPI".to_owned(),
        };
        LauncherMismatch {
            // Without a known size rank 0 sees nothing wrong.
            reports: self.rank == 0 || self.size.is_none(),
            message: format!(
                "started as {process} by {launcher}, but this binary is {library_words} and {consequence}"
            ),
            fix: self.fix(library),
        }
    }

    fn fix(&self, library: Option<&str>) -> String {
        let Some(family) = library.map(Family::of) else {
            return "build with the feature `mpi`, or start it directly, without a launcher".to_owned();
        };
        let own = match family {
            Family::OpenMpi => "use the mpirun of Open MPI",
            Family::Mpich => "use the mpiexec of that MPICH",
            Family::Other => "use the launcher of that MPI library",
        };
        let srun = match (self.flavour, family) {
            (Flavour::Slurm, Family::OpenMpi | Family::Mpich) => {
                let speaks = Pmi::of_this_process(family == Family::OpenMpi);
                format!("use {speaks} (srun --mpi=list tells what this Slurm has), or ")
            }
            _ => String::new(),
        };
        format!(
            "{srun}{own}, or build with the MPI of this launcher: MPICC=its-mpicc cargo build --release --target-dir target/other-mpi"
        )
    }
}

impl Flavour {
    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Flavour::OpenMpi => "Open MPI's mpirun",
            Flavour::Pmi => "a launcher of the MPICH family",
            Flavour::Pals => "PALS (mpiexec)",
            Flavour::Alps => "aprun",
            Flavour::Flux => "flux run",
            Flavour::Slurm => "srun",
            Flavour::Pmix => "a PMIx launcher",
        }
    }
}

/// MPI libraries by what their launchers speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    OpenMpi,
    Mpich,
    Other,
}

impl Family {
    fn of(library: &str) -> Family {
        let library = library.to_ascii_lowercase();
        let is_any = |names: &[&str]| names.iter().any(|name| library.contains(name));
        if is_any(&["open mpi", "spectrum mpi", "fujitsu mpi"]) {
            Family::OpenMpi
        } else if is_any(&["mpich", "mvapich", "intel(r) mpi", "parastation"]) {
            Family::Mpich
        } else {
            Family::Other
        }
    }
}

/// Slurm numbers its own kinds of steps (batch script, interactive shell, extern) from the top of 32 bits.
fn is_srun_step(env: impl Fn(&str) -> Option<String>) -> bool {
    let step = env("SLURM_STEP_ID").or_else(|| env("SLURM_STEPID"));
    step.and_then(|step| step.trim().parse::<u32>().ok()).is_some_and(|step| step < 0xffff_fff0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN_MPI: Option<&str> = Some("Open MPI v4.1.4, package: Debian OpenMPI, ident: 4.1.4");
    const MPICH: Option<&str> = Some("MPICH Version:      4.0.2");

    fn detect(variables: &[(&str, &str)]) -> Option<Launcher> {
        Launcher::detect(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    fn launcher(flavour: Flavour, rank: usize, size: usize) -> Launcher {
        Launcher { flavour, rank, size: Some(size) }
    }

    #[test]
    fn a_direct_start_has_no_launcher() {
        assert_eq!(detect(&[]), None);
        assert_eq!(detect(&[("PATH", "/bin"), ("OMPI_MCA_btl", "self")]), None);
        assert_eq!(detect(&[("PMI_RANK", "")]), None);
    }

    #[test]
    fn launchers_are_told_by_their_variables() {
        let found = |variables: &[(&str, &str)]| detect(variables).unwrap();
        let open_mpi = [("OMPI_COMM_WORLD_RANK", "3"), ("OMPI_COMM_WORLD_SIZE", "8"), ("PMIX_RANK", "3")];
        assert_eq!(found(&open_mpi), launcher(Flavour::OpenMpi, 3, 8));
        let hydra = [("PMI_RANK", "1"), ("PMI_SIZE", "4"), ("MPI_LOCALNRANKS", "4")];
        assert_eq!(found(&hydra), launcher(Flavour::Pmi, 1, 4));
        let pals = [("PALS_RANKID", "17"), ("PMI_RANK", "17"), ("PMI_SIZE", "1280")];
        assert_eq!(found(&pals), launcher(Flavour::Pals, 17, 1280));
        assert_eq!(found(&[("FLUX_TASK_RANK", "2"), ("FLUX_JOB_SIZE", "3")]), launcher(Flavour::Flux, 2, 3));
        assert_eq!(found(&[("PMIX_RANK", "2")]), Launcher { flavour: Flavour::Pmix, rank: 2, size: None });
        let srun = [("SLURM_PROCID", "5"), ("SLURM_STEP_NUM_TASKS", "6"), ("SLURM_STEP_ID", "0")];
        assert_eq!(found(&srun), launcher(Flavour::Slurm, 5, 6));
        let pmi2 = [&srun[..], &[("PMI_RANK", "5"), ("PMI_SIZE", "6")]].concat();
        assert_eq!(found(&pmi2), launcher(Flavour::Slurm, 5, 6));
        let hydra_in_slurm = [&srun[..], &[("PMI_RANK", "1"), ("PMI_SIZE", "2"), ("MPI_LOCALNRANKS", "2")]].concat();
        assert_eq!(found(&hydra_in_slurm), launcher(Flavour::Pmi, 1, 2));
    }

    #[test]
    fn a_batch_script_and_an_interactive_shell_are_direct_starts() {
        assert_eq!(detect(&[("SLURM_PROCID", "0"), ("SLURM_NTASKS", "64"), ("SLURM_JOB_ID", "1")]), None);
        let shell = [("SLURM_PROCID", "0"), ("SLURM_STEP_NUM_TASKS", "1"), ("SLURM_STEP_ID", "4294967290")];
        assert_eq!(detect(&shell), None);
    }

    #[test]
    fn mpirun_inside_a_slurm_step_is_mpirun() {
        let nested = [
            ("SLURM_PROCID", "0"),
            ("SLURM_STEP_NUM_TASKS", "2"),
            ("SLURM_STEP_ID", "0"),
            ("OMPI_COMM_WORLD_RANK", "9"),
            ("OMPI_COMM_WORLD_SIZE", "16"),
        ];
        assert_eq!(detect(&nested), Some(launcher(Flavour::OpenMpi, 9, 16)));
    }

    #[test]
    fn a_fitting_launcher_passes() {
        assert_eq!(launcher(Flavour::OpenMpi, 3, 8).check(8, OPEN_MPI), Ok(()));
        assert_eq!(launcher(Flavour::OpenMpi, 0, 1).check(1, OPEN_MPI), Ok(()));
        assert_eq!(launcher(Flavour::Pmi, 0, 1).check(1, MPICH), Ok(()));
        assert_eq!(launcher(Flavour::Slurm, 1, 4).check(4, OPEN_MPI), Ok(()));
        assert_eq!(launcher(Flavour::Slurm, 0, 1).check(1, MPICH), Ok(()));
        assert_eq!(Launcher { flavour: Flavour::Pmix, rank: 2, size: None }.check(3, OPEN_MPI), Ok(()));
        // An Open MPI built with PMI: the launcher is another family's, the world is right.
        assert_eq!(launcher(Flavour::Pmi, 0, 4).check(4, OPEN_MPI), Ok(()));
        assert_eq!(launcher(Flavour::Slurm, 0, 1).check(1, None), Ok(()));
    }

    #[test]
    fn a_launcher_of_another_flavour_is_refused() {
        let mismatch = launcher(Flavour::Pmi, 2, 4).check(1, OPEN_MPI).unwrap_err();
        assert_eq!(
            mismatch.to_string(),
            "started as process 2 of 4 by a launcher of the MPICH family, but this binary is linked with Open MPI \
             v4.1.4 and sees 1 rank: each process of this launcher would run the whole benchmark alone"
        );
        assert!(
            mismatch.hint().starts_with("use the mpirun of Open MPI, or build with the MPI of this launcher: MPICC=")
        );
        let srun = launcher(Flavour::Slurm, 0, 4).check(1, OPEN_MPI).unwrap_err();
        assert!(srun.hint().starts_with("use srun --mpi=pmix"), "{}", srun.hint());
        let none = launcher(Flavour::Slurm, 0, 2).check_interface(Some("none"), OPEN_MPI).unwrap_err().to_string();
        let words = "started as process 0 of 2 by srun --mpi=none, but this binary is linked with Open MPI v4.1.4 and does not speak that";
        assert_eq!(none, words);
        for fits in [(Some("pmix_v4"), OPEN_MPI), (None, OPEN_MPI), (Some("none"), MPICH)] {
            assert_eq!(launcher(Flavour::Slurm, 0, 2).check_interface(fits.0, fits.1), Ok(()));
        }
        assert!(launcher(Flavour::OpenMpi, 0, 4).check(1, MPICH).unwrap_err().hint().contains("mpiexec of that MPICH"));
        assert!(!mismatch.reports());
        assert!(launcher(Flavour::Slurm, 0, 4).check(1, OPEN_MPI).unwrap_err().reports());
        assert!(launcher(Flavour::OpenMpi, 0, 4).check(1, None).unwrap_err().hint().contains("feature `mpi`"));
    }

    #[test]
    fn a_single_process_of_another_flavour_is_refused_too() {
        assert!(launcher(Flavour::Pmi, 0, 1).check(1, OPEN_MPI).is_err());
        for mpich in ["MPICH Version: 3.4", "Intel(R) MPI Library 2021.9", "CRAY MPICH version 8.1.28", "MVAPICH2 2.3"]
        {
            assert!(launcher(Flavour::OpenMpi, 0, 1).check(1, Some(mpich)).is_err(), "{mpich}");
        }
    }

    #[test]
    fn a_rank_beyond_the_world_is_refused_when_the_size_is_unknown() {
        assert!(Launcher { flavour: Flavour::Pmix, rank: 2, size: None }.check(1, MPICH).unwrap_err().reports());
    }
}
