//! The job that ran the benchmark, as its launcher and scheduler describe it.

use crate::comm::Launcher;
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The job of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Job {
    /// What started the ranks: `srun --mpi=pmix`, `mpirun (Open MPI)`, `mpiexec (Hydra)`, …; none for a direct start.
    pub launcher: Option<String>,
    /// The scheduler: `slurm`, `pbs`, `lsf`, `flux`; none outside a job.
    pub scheduler: Option<String>,
    /// Its number of the job.
    pub id: Option<String>,
    /// Its number of the step.
    pub step: Option<String>,
    /// The number of this job in an array.
    pub array_index: Option<String>,
    /// How often the job had been started before.
    pub restarts: u32,
    /// The nodes, as the scheduler writes them.
    pub node_list: Option<String>,
    /// Nodes by the scheduler's names for them (`SLURMD_NODENAME`): several can be on one host.
    pub scheduler_nodes: Option<usize>,
    /// Variables of the scheduler, the launcher and MPI that place ranks or change how they talk.
    pub environment: Vec<(String, String)>,
}

/// A scheduler, and its variables for the job, the step, the array and the nodes.
struct Scheduler {
    name: &'static str,
    id: &'static str,
    step: &'static str,
    array: &'static str,
    nodes: &'static str,
}

const SCHEDULERS: [Scheduler; 4] = [
    Scheduler {
        name: "slurm",
        id: "SLURM_JOB_ID",
        step: "SLURM_STEP_ID",
        array: "SLURM_ARRAY_TASK_ID",
        nodes: "SLURM_JOB_NODELIST",
    },
    Scheduler { name: "pbs", id: "PBS_JOBID", step: "", array: "PBS_ARRAY_INDEX", nodes: "PBS_NODEFILE" },
    Scheduler { name: "lsf", id: "LSB_JOBID", step: "", array: "LSB_JOBINDEX", nodes: "LSB_MCPU_HOSTS" },
    Scheduler { name: "flux", id: "FLUX_JOB_ID", step: "", array: "FLUX_JOB_CC", nodes: "FLUX_JOB_NODELIST" },
];

/// What places ranks or changes how they talk; not the addresses and directories that a launcher tells its processes.
const RELEVANT: [&str; 24] = [
    "OMPI_MCA_btl",
    "OMPI_MCA_coll",
    "OMPI_MCA_hwloc_",
    "OMPI_MCA_mpi_",
    "OMPI_MCA_mtl",
    "OMPI_MCA_osc",
    "OMPI_MCA_pml",
    "OMPI_MCA_rmaps_",
    "PMIX_MCA_",
    "PMIX_VERSION",
    "PMIX_GDS_MODULE",
    "MPICH_",
    "MPIR_CVAR_",
    "UCX_",
    "PALS_",
    "SLURM_CLUSTER_NAME",
    "SLURM_CPU",
    "SLURM_DISTRIBUTION",
    "SLURM_JOB_PARTITION",
    "SLURM_MEM_BIND",
    "SLURM_MPI_TYPE",
    "SLURM_NTASKS",
    "SLURM_STEP_TASKS_PER_NODE",
    "SLURMD_NODENAME",
];

impl Job {
    /// From the variables that the process was started with: MPI adds some of mpirun's to its own process, whatever started it.
    pub fn new(variables: &[(String, String)]) -> Job {
        let get = |name: &str| variables.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let scheduler = SCHEDULERS.iter().find(|scheduler| get(scheduler.id).is_some());
        let of = |name: fn(&Scheduler) -> &'static str| get(name(scheduler?));
        let relevant = |(name, _): &&(String, String)| RELEVANT.iter().any(|prefix| name.starts_with(prefix));
        Job {
            launcher: launcher(get),
            scheduler: scheduler.map(|scheduler| scheduler.name.to_owned()),
            id: of(|scheduler| scheduler.id),
            step: of(|scheduler| scheduler.step),
            array_index: of(|scheduler| scheduler.array).filter(|index| index != "0" || get("LSB_JOBID").is_none()),
            restarts: get("SLURM_RESTART_COUNT").and_then(|count| count.parse().ok()).unwrap_or(0),
            node_list: of(|scheduler| scheduler.nodes)
                .map(|list| if scheduler.is_some_and(|s| s.name == "pbs") { nodes_of(&list) } else { list }),
            scheduler_nodes: None,
            environment: variables.iter().filter(relevant).cloned().collect(),
        }
    }
}

/// The variables that this process was started with, sorted.
pub fn initial_environment() -> Vec<(String, String)> {
    let bytes = std::fs::read("/proc/self/environ").unwrap_or_default();
    let text = |variable: &[u8]| {
        let text = String::from_utf8_lossy(variable);
        text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let mut variables: Vec<_> = bytes.split(|&byte| byte == 0).filter_map(text).collect();
    variables.sort();
    variables
}

fn launcher(get: impl Fn(&str) -> Option<String>) -> Option<String> {
    let found = Launcher::detect(&get)?;
    Some(match found.flavour {
        crate::comm::Flavour::Slurm => match get("SLURM_MPI_TYPE") {
            Some(kind) => format!("srun --mpi={kind}"),
            None => "srun".to_owned(),
        },
        crate::comm::Flavour::OpenMpi => "mpirun (Open MPI)".to_owned(),
        crate::comm::Flavour::Pmi if get("MPI_LOCALNRANKS").is_some() => "mpiexec (Hydra)".to_owned(),
        flavour => flavour.name().to_owned(),
    })
}

/// The nodes of a list with one node a line, each once.
fn nodes_of(path: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let mut nodes: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    nodes.dedup();
    nodes.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(variables: &[(&str, &str)]) -> Job {
        Job::new(&variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>())
    }

    #[test]
    fn a_direct_start_outside_a_job_has_nothing() {
        assert_eq!(job(&[("PATH", "/bin"), ("HOME", "/")]), Job::default());
    }

    #[test]
    fn a_step_of_slurm_is_told_with_its_interface_and_without_its_addresses() {
        let found = job(&[
            ("SLURM_JOB_ID", "17"),
            ("SLURM_STEP_ID", "2"),
            ("SLURM_ARRAY_TASK_ID", "3"),
            ("SLURM_JOB_NODELIST", "n[1-4]"),
            ("SLURM_RESTART_COUNT", "1"),
            ("SLURM_PROCID", "0"),
            ("SLURM_STEP_NUM_TASKS", "8"),
            ("SLURM_MPI_TYPE", "pmi2"),
            ("SLURM_SRUN_COMM_PORT", "41495"),
            ("PMI_RANK", "0"),
            ("PMI_SIZE", "8"),
        ]);
        assert_eq!(found.launcher.as_deref(), Some("srun --mpi=pmi2"));
        let of = |part: &Option<String>| part.clone().unwrap_or_default();
        let parts = [&found.scheduler, &found.id, &found.step, &found.array_index, &found.node_list].map(of);
        assert_eq!(parts, ["slurm", "17", "2", "3", "n[1-4]"]);
        assert_eq!(found.restarts, 1);
        assert_eq!(found.environment, [("SLURM_MPI_TYPE".to_owned(), "pmi2".to_owned())]);
    }

    #[test]
    fn mpirun_and_hydra_inside_an_allocation_are_what_they_are() {
        let slurm =
            [("SLURM_JOB_ID", "17"), ("SLURM_STEP_ID", "0"), ("SLURM_PROCID", "0"), ("SLURM_STEP_NUM_TASKS", "2")];
        let with = |more: &[(&str, &str)]| job(&[&slurm[..], more].concat()).launcher.unwrap();
        assert_eq!(with(&[("OMPI_COMM_WORLD_RANK", "0"), ("OMPI_COMM_WORLD_SIZE", "4")]), "mpirun (Open MPI)");
        assert_eq!(with(&[("PMI_RANK", "0"), ("PMI_SIZE", "4"), ("MPI_LOCALNRANKS", "4")]), "mpiexec (Hydra)");
    }

    #[test]
    fn the_nodes_of_pbs_are_read_from_its_file() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("nodes");
        std::fs::write(&file, "a\na\nb\nb\n").unwrap();
        let found = job(&[("PBS_JOBID", "4.server"), ("PBS_NODEFILE", file.to_str().unwrap()), ("PALS_RANKID", "0")]);
        assert_eq!((found.scheduler.as_deref(), found.node_list.as_deref()), (Some("pbs"), Some("a,b")));
        assert_eq!(found.launcher.as_deref(), Some("PALS (mpiexec)"));
    }
}
