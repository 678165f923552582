//! Starts dfs-bench as a user does: directly or by mpirun, with a store and directories of its own.
#![allow(dead_code)] // every test file takes what it needs

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// After this a command hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A whole suite that takes as good as no time but the second of random reads.
pub const SMALL: &str = "[debug]\nstonewall-time = 1\n[ior-easy]\ntransferSize = 64k\nblockSize = 256k\n[ior-hard]\nsegmentCount = 4\n\
                         [mdtest-easy]\nn = 6\n[mdtest-hard]\nn = 12\n";

/// An empty working directory, and a store of the stand-in that nobody else uses.
pub struct Scene {
    temp: tempfile::TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub struct Outcome {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Scene {
    pub fn new() -> Scene {
        let temp = tempfile::tempdir().unwrap();
        std::fs::create_dir(temp.path().join("work")).unwrap();
        Scene { temp }
    }

    /// A path in the working directory.
    pub fn path(&self, below: &str) -> PathBuf {
        self.temp.path().join("work").join(below)
    }

    /// Writes a file of the working directory.
    pub fn write(&self, below: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(below);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn read(&self, below: &str) -> String {
        let path = self.path(below);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// `result.json` of a result directory, which follows the published schema, whatever became of the run.
    #[track_caller]
    pub fn result(&self, resultdir: &str) -> serde_json::Value {
        let result = serde_json::from_str(&self.read(&format!("{resultdir}/result.json"))).unwrap();
        let schema = serde_json::from_str(include_str!("../../docs/result.schema.json")).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let faults: Vec<String> =
            validator.iter_errors(&result).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(faults.is_empty(), "{resultdir}/result.json: {}", faults.join("\n"));
        result
    }

    /// What lies in the working directory and whether the stand-in has a store.
    pub fn entries(&self) -> Vec<String> {
        let mut entries: Vec<String> = walk(&self.path(""));
        if self.store().exists() {
            entries.push("a store of the stand-in".into());
        }
        entries.sort();
        entries
    }

    pub fn store(&self) -> PathBuf {
        self.temp.path().join("store")
    }

    /// dfs-bench without a launcher.
    pub fn direct(&self) -> Command {
        self.environment(Command::new(env!("CARGO_BIN_EXE_dfs-bench")))
    }

    /// dfs-bench on so many ranks; none, with a line that says so, where there is no mpirun.
    pub fn ranks(&self, ranks: usize) -> Option<Command> {
        let mut command = self.environment(Command::new("mpirun"));
        if is_open_mpi()? {
            command.args(["--oversubscribe", "--allow-run-as-root", "--mca", "mpi_yield_when_idle", "1"]);
        }
        command.args(["-np", &ranks.to_string(), env!("CARGO_BIN_EXE_dfs-bench")]);
        Some(command)
    }

    pub fn environment(&self, mut command: Command) -> Command {
        let foreign = ["DFS_BENCH_", "DAOS_STANDIN_", "OMPI_", "PMI", "PALS_", "SLURM_", "FLUX_", "ALPS_", "MV2_"];
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| foreign.iter().any(|prefix| name.starts_with(prefix))) {
                command.env_remove(name);
            }
        }
        command.current_dir(self.path("")).env("DAOS_STANDIN_ROOT", self.store()).env("NO_COLOR", "1");
        command.stdin(Stdio::null());
        command
    }
}

/// Paths below a directory, without those of directories that hold something.
pub fn walk(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && std::fs::read_dir(&path).unwrap().next().is_some() {
                open.push(path);
            } else {
                found.push(path.strip_prefix(root).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}

/// Runs a command to its end.
pub fn run(mut command: Command, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Outcome {
    let output = assert_cmd::Command::from_std({
        command.args(arguments);
        command
    })
    .timeout(PATIENCE)
    .output()
    .unwrap();
    outcome(output)
}

/// What a command left.
pub fn outcome(output: Output) -> Outcome {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Outcome { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Starts a command that goes on for long; what it says is kept for [`finish`].
pub fn start(mut command: Command, arguments: &[&str]) -> Child {
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for a command that should end by itself now.
pub fn finish(mut child: Child) -> Outcome {
    let ended = wait_for(|| child.try_wait().unwrap());
    if ended.is_none() {
        child.kill().unwrap();
    }
    let outcome = outcome(child.wait_with_output().unwrap());
    assert!(ended.is_some(), "it hangs: {outcome:?}");
    outcome
}

/// What `look` finds, as soon as it finds something; none when it takes too long.
pub fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        if let Some(found) = look() {
            return Some(found);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    None
}

/// Sends a signal.
pub fn signal(pid: u32, signal: &str) {
    let status = Command::new("kill").args([&format!("-{signal}"), &pid.to_string()]).status().unwrap();
    assert!(status.success(), "kill -{signal} {pid}: {status}");
}

/// The processes of dfs-bench that a launcher started, by rank.
pub fn rank_pids(launcher: u32) -> Vec<u32> {
    let mut pids: Vec<(usize, u32)> = Vec::new();
    let mut open = vec![launcher];
    while let Some(pid) = open.pop() {
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        open.extend(children.split_whitespace().map(|pid| pid.parse::<u32>().unwrap()));
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let of_rank = environment.split(|&byte| byte == 0).find_map(|variable| {
            let text = std::str::from_utf8(variable).ok()?;
            let names = ["OMPI_COMM_WORLD_RANK=", "PMI_RANK="];
            names.iter().find_map(|name| text.strip_prefix(name)?.parse().ok())
        });
        let program = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
        if let (Some(rank), true) = (of_rank, program == Path::new(env!("CARGO_BIN_EXE_dfs-bench"))) {
            pids.push((rank, pid));
        }
    }
    pids.sort_unstable();
    pids.into_iter().map(|(_, pid)| pid).collect()
}

/// Whether mpirun is Open MPI's; none, with a line that says so, where there is none.
pub fn is_open_mpi() -> Option<bool> {
    match Command::new("mpirun").arg("--version").output() {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).contains("Open MPI")),
        Err(_) => {
            eprintln!("skipped: no mpirun found");
            None
        }
    }
}

/// Whether this build runs on the stand-in; says so where it does not.
pub fn is_standin() -> bool {
    let standin = run(Scene::new().direct(), ["--version"]).stdout.contains("stand-in");
    if !standin {
        eprintln!("skipped: this build has a real DAOS");
    }
    standin
}

/// `../shared` beside the workspace; none, with a line that says so, where it is absent.
pub fn shared(below: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(below);
    if path.exists() {
        return path.canonicalize().ok();
    }
    assert_ne!(std::env::var("DFS_BENCH_REQUIRE_DATA").as_deref(), Ok("1"), "{} is not there", path.display());
    eprintln!("skipped: {} is not there", path.display());
    None
}

pub const POSIX: [&str; 5] = ["small.ini", "--api", "posix", "--datadir", "data"];

/// Runs the small suite, or a part of it, on POSIX below `data` with the results in `results`.
pub fn small(scene: &Scene, more: &[&str]) -> Outcome {
    scene.write("small.ini", SMALL);
    let dated = ["--set", "global.timestamp-datadir=FALSE", "--set", "global.timestamp-resultdir=FALSE"];
    let unless_given = |flag, value| if more.contains(&flag) { vec![] } else { vec![flag, value] };
    let (results, timestamp) = (unless_given("--resultdir", "results"), unless_given("--timestamp", "t"));
    run(scene.direct(), [&POSIX[..], &dated, &results, &timestamp, more].concat())
}

#[track_caller]
pub fn assert_code(outcome: &Outcome, code: i32) {
    assert_eq!(outcome.code, Some(code), "{outcome:?}");
}

/// What the launcher of an MPI that is not ours leaves in the environment of rank 0 of 4.
pub fn foreign_launcher() -> [(&'static str, &'static str); 2] {
    match is_open_mpi() {
        Some(true) => [("PMI_RANK", "0"), ("PMI_SIZE", "4")],
        _ => [("OMPI_COMM_WORLD_RANK", "0"), ("OMPI_COMM_WORLD_SIZE", "4")],
    }
}

/// A mistake: arguments, environment, and what the one error must say.
#[track_caller]
pub fn assert_mistake(scene: &Scene, command: Command, arguments: &[&str], says: &[&str]) {
    let before = scene.entries();
    let outcome = run(command, arguments);
    assert_eq!(outcome.code, Some(2), "{arguments:?}: {outcome:?}");
    assert_eq!(outcome.stdout, "", "{arguments:?}");
    let errors = outcome.stderr.lines().filter(|line| line.starts_with("error:")).count();
    assert_eq!(errors, 1, "{arguments:?}: {}", outcome.stderr);
    for text in says {
        assert!(outcome.stderr.contains(text), "{arguments:?}: {text:?} is not in {}", outcome.stderr);
    }
    assert_eq!(scene.entries(), before, "{arguments:?}");
}

/// The names of the phases in a result, each with the number of its invocation.
pub fn carried(result: &serde_json::Value) -> Vec<(String, u64)> {
    let phases = result["phases"].as_array().unwrap().iter();
    phases.map(|phase| (phase["phase"].as_str().unwrap().into(), phase["invocation"].as_u64().unwrap())).collect()
}
