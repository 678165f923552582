//! By which process management interfaces the MPI library in this binary can be started by srun: PMIx, PMI-2 or both.

use std::fmt;
use std::path::Path;

/// The interfaces of an MPI library, the best one first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pmi(Vec<&'static str>);

impl Pmi {
    /// Those of the library that this process runs with.
    pub fn of_this_process(open_mpi: bool) -> Pmi {
        if !open_mpi {
            return Pmi::of_mpich(&full_version());
        }
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
        let library = maps.lines().filter_map(|line| line.split_whitespace().nth(5)).map(Path::new);
        let is_mpi =
            |path: &&Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("libmpi.so"));
        Pmi::of_open_mpi(library.filter_map(|path| Some(path).filter(is_mpi)?.parent()).next())
    }

    /// Whether it speaks this one.
    pub fn has(&self, interface: &str) -> bool {
        self.0.contains(&interface)
    }

    /// Open MPI always speaks PMIx, and PMI-2 when a component of that name lies beside its library.
    fn of_open_mpi(beside: Option<&Path>) -> Pmi {
        let has = |dir: &str| beside.is_some_and(|beside| beside.join(dir).join("mca_pmix_s2.so").exists());
        let pmi2 = ["openmpi", "openmpi3"].into_iter().any(has);
        Pmi(if pmi2 { vec!["pmix", "pmi2"] } else { vec!["pmix"] })
    }

    /// MPICH and its relatives speak PMI-2, and PMIx when they were configured with it.
    fn of_mpich(version: &str) -> Pmi {
        let pmix = version.contains("with-pmix") || version.contains("with-pmi=pmix");
        Pmi(if pmix { vec!["pmi2", "pmix"] } else { vec!["pmi2"] })
    }
}

/// `srun --mpi=pmix or --mpi=pmi2`
impl fmt::Display for Pmi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "srun --mpi={}", self.0.join(" or --mpi="))
    }
}

#[cfg(feature = "mpi")]
fn full_version() -> String {
    ::mpi::environment::library_version().unwrap_or_default()
}

#[cfg(not(feature = "mpi"))]
fn full_version() -> String {
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_mpi_speaks_pmi2_when_it_has_the_component() {
        let temp = tempfile::tempdir().unwrap();
        assert_eq!(Pmi::of_open_mpi(Some(temp.path())).to_string(), "srun --mpi=pmix");
        std::fs::create_dir(temp.path().join("openmpi3")).unwrap();
        std::fs::write(temp.path().join("openmpi3/mca_pmix_s2.so"), "").unwrap();
        assert_eq!(Pmi::of_open_mpi(Some(temp.path())).to_string(), "srun --mpi=pmix or --mpi=pmi2");
        assert_eq!(Pmi::of_open_mpi(None).to_string(), "srun --mpi=pmix");
    }

    #[test]
    fn mpich_speaks_pmix_when_it_was_configured_so() {
        assert_eq!(Pmi::of_mpich("MPICH configure: --with-pm=hydra").to_string(), "srun --mpi=pmi2");
        assert_eq!(Pmi::of_mpich("MPICH configure: --with-pmix=/usr").to_string(), "srun --mpi=pmi2 or --mpi=pmix");
    }
}
