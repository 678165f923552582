//! The cluster that `tests/cluster/up` starts, and the launchers on it.

use crate::common::{Scene, signal, wait_for};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A cluster that ends with this value: its nodes n1 … n4, each with its own host name, mounts and network link.
pub struct Cluster {
    pub scene: Scene,
    dir: PathBuf,
    up: Child,
}

/// A way to start ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Launcher {
    /// srun with Open MPI.
    SlurmPmix,
    /// srun with MPICH.
    SlurmPmi2,
    /// Open MPI's own.
    Mpirun,
    /// MPICH's own.
    Hydra,
}

impl Launcher {
    /// The program for this launcher; none, with a line that says so, where it was not built.
    pub fn program(self) -> Option<PathBuf> {
        if matches!(self, Launcher::SlurmPmix | Launcher::Mpirun) {
            return Some(env!("CARGO_BIN_EXE_dfs-bench").into());
        }
        let program = std::env::var_os("DFS_BENCH_TEST_MPICH").map(PathBuf::from).filter(|path| path.exists());
        if program.is_none() {
            eprintln!("skipped: DFS_BENCH_TEST_MPICH names no dfs-bench that was built with MPICH");
        }
        program
    }
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster").join(name)
}

impl Cluster {
    /// Starts the daemons; none, with a line that says why, where this machine does not allow it.
    pub fn start() -> Option<Cluster> {
        for program in ["slurmctld", "slurmd", "srun", "munged", "ip", "unshare", "nsenter"] {
            let there =
                ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].iter().any(|dir| Path::new(dir).join(program).exists());
            if !there {
                eprintln!("skipped: {program} is not installed");
                return None;
            }
        }
        let namespaces =
            ["--pid", "--fork", "--mount", "--uts", "--net", "--mount-proc", "ip", "link", "add", "type", "bridge"];
        let allowed = Command::new("unshare").args(namespaces).output().is_ok_and(|output| output.status.success());
        if !allowed {
            eprintln!("skipped: no namespaces and bridges for this user");
            return None;
        }
        let scene = Scene::new();
        // what the cluster is made of lies beside the working directory
        let dir = scene.store().with_file_name("cluster");
        fs::create_dir(&dir).unwrap();
        let mut command = Command::new(script("up"));
        let up = command.arg(&dir).stdin(Stdio::piped()).spawn().unwrap();
        let cluster = Cluster { scene, dir, up };
        let ready =
            wait_for(|| (cluster.dir.join("ready").exists() && cluster.dir.join("init.pid").exists()).then_some(()));
        assert!(ready.is_some(), "the cluster does not start");
        let nodes = fs::read_to_string(cluster.dir.join("nodes")).unwrap();
        assert_eq!(nodes.matches(" idle").count(), 4, "{nodes}");
        Some(cluster)
    }

    /// Ends every process of the cluster.
    pub fn stop(&mut self) {
        drop(self.up.stdin.take());
        let _ = self.up.wait();
    }

    /// A command on a node or on `ctl`, in the working directory of the scene.
    pub fn on(&self, node: &str) -> Command {
        let mut command = self.scene.environment(Command::new(script("on")));
        command.arg(&self.dir).arg(node).env("CLUSTER_DIR", &self.dir);
        command
    }

    /// What a command on `ctl` says.
    pub fn ask(&self, arguments: &[&str]) -> String {
        let output = self.on("ctl").args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// dfs-bench with so many ranks, one per node or in equal blocks.
    pub fn ranks(&self, launcher: Launcher, nodes: usize, ranks: usize) -> Option<Command> {
        let program = launcher.program()?;
        let mut command = self.on("ctl");
        let hosts = |each: &dyn Fn(usize) -> String| (1..=nodes).map(each).collect::<Vec<_>>().join(",");
        let per_node = ranks.div_ceil(nodes);
        let numbers = (nodes.to_string(), ranks.to_string(), per_node.to_string());
        match launcher {
            Launcher::SlurmPmix | Launcher::SlurmPmi2 => {
                let mpi = if launcher == Launcher::SlurmPmix { "--mpi=pmix" } else { "--mpi=pmi2" };
                command.args(["srun", mpi, "-N", &numbers.0, "-n", &numbers.1, "--ntasks-per-node", &numbers.2]);
                // more ranks than cores must not poll
                command.env("OMPI_MCA_mpi_yield_when_idle", "1");
            }
            Launcher::Mpirun => {
                let hosts = hosts(&|node| format!("n{node}:{per_node}"));
                command.args(["mpirun", "--allow-run-as-root", "--oversubscribe", "--mca", "mpi_yield_when_idle", "1"]);
                command.args(["--mca", "plm_rsh_agent", script("rsh").to_str().unwrap()]);
                command.args(["--host", &hosts, "-np", &numbers.1]);
                // ranks on other hosts know only what is passed on
                command.args(["-x", "DAOS_STANDIN_ROOT", "-x", "NO_COLOR"]);
            }
            Launcher::Hydra => {
                command.args(["mpiexec.hydra", "-launcher", "rsh", "-launcher-exec", script("rsh").to_str().unwrap()]);
                // otherwise it kills all ranks within milliseconds of the first one's death, and nobody is left to name it
                command.arg("-disable-auto-cleanup");
                command.args(["-hosts", &hosts(&|node| format!("n{node}")), "-ppn", &numbers.2, "-np", &numbers.1]);
            }
        }
        command.arg(program);
        Some(command)
    }

    /// The processes of dfs-bench that run now, by rank.
    pub fn rank_pids(&self) -> Vec<(usize, u32)> {
        let store = format!("DAOS_STANDIN_ROOT={}", self.scene.store().display());
        let mut pids: Vec<(usize, u32)> = processes().filter_map(|pid| Some((rank_of(pid, &store)?, pid))).collect();
        pids.sort_unstable();
        pids
    }

    /// Cuts a node's link.
    pub fn cut(&self, node: &str) {
        let status = self.on(node).args(["ip", "link", "set", "eth0", "down"]).status().unwrap();
        assert!(status.success(), "{status}");
    }

    /// Kills every process of a node, after its link was cut: no connection is closed.
    pub fn lose(&self, node: &str) {
        // the first process of the node is known by its number inside the cluster
        let inside = fs::read_to_string(self.dir.join(format!("{node}.pid"))).unwrap();
        let of_node = namespace(self.outer(inside.trim()), "uts").expect("the node runs");
        self.cut(node);
        processes().filter(|&pid| namespace(pid, "uts").as_ref() == Some(&of_node)).for_each(|pid| signal(pid, "KILL"));
    }

    /// The number outside of a process that the cluster knows by a number of its own.
    fn outer(&self, inside: &str) -> u32 {
        let init = fs::read_to_string(self.dir.join("init.pid")).unwrap().trim().parse().unwrap();
        let own = namespace(init, "pid").expect("the cluster runs");
        let is = |pid: &u32| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or_default();
            numbers.split_whitespace().last() == Some(inside) && namespace(*pid, "pid").as_ref() == Some(&own)
        };
        processes().find(is).expect("the process runs")
    }

    /// Submits a batch script.
    pub fn submit(&self, arguments: &[&str], script: &str) -> String {
        let name = format!("job-{}.sh", fs::read_dir(self.scene.path("")).unwrap().count());
        let path = self.scene.write(&name, script);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        self.ask(&[&["sbatch", "--parsable"], arguments, &[name.as_str()]].concat())
    }

    /// Waits until no job is left; whether that happened in time.
    pub fn wait_for_jobs(&self, patience: Duration) -> bool {
        let begin = Instant::now();
        while begin.elapsed() < patience {
            if self.ask(&["squeue", "--noheader"]).is_empty() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        eprintln!("{}", self.ask(&["squeue"]));
        false
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}

fn processes() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// The rank of a process that is a dfs-bench with this variable.
fn rank_of(pid: u32, variable: &str) -> Option<usize> {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    let environment = fs::read(format!("/proc/{pid}/environ")).ok().filter(|_| name.trim() == "dfs-bench")?;
    let variables: Vec<&str> =
        environment.split(|&byte| byte == 0).filter_map(|text| std::str::from_utf8(text).ok()).collect();
    variables.iter().find(|text| **text == variable)?;
    let names = ["OMPI_COMM_WORLD_RANK=", "PMI_RANK=", "SLURM_PROCID="];
    names.iter().find_map(|name| variables.iter().find_map(|text| text.strip_prefix(name)?.parse().ok()))
}

/// A namespace of a process.
fn namespace(pid: u32, kind: &str) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/ns/{kind}")).ok()
}
