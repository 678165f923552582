//! Result directories in the C suite's format, made up.

use io500_phases::results::{ScoreResult, score};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Output;

/// The phases of a standard run with a rate that has their unit's size.
const PHASES: [(&str, f64); 13] = [
    ("ior-easy-write", 20.0),
    ("mdtest-easy-write", 900.0),
    ("ior-hard-write", 4.0),
    ("mdtest-hard-write", 300.0),
    ("find", 2000.0),
    ("ior-easy-read", 25.0),
    ("mdtest-easy-stat", 1500.0),
    ("ior-hard-read", 6.0),
    ("mdtest-hard-stat", 1400.0),
    ("mdtest-easy-delete", 700.0),
    ("mdtest-hard-read", 800.0),
    ("mdtest-hard-delete", 500.0),
    ("ior-rnd4K-easy-read", 1.0),
];

/// The version that made it.
const VERSION: &str = "io500-test";

/// Ranks of a made-up run; the first half is on the first node.
pub const RANKS: usize = 4;

/// A made-up run.
pub struct Run<'a> {
    /// All rates are multiplied by this.
    pub speed: f64,
    /// These phases by this on top.
    pub phase: Option<(&'a str, f64)>,
    /// `--dfs.oclass`.
    pub object_class: &'a str,
    /// The rank whose time is half as long again.
    pub slow_rank: Option<usize>,
    /// Whether it ran in extended mode.
    pub extended: bool,
}

impl Default for Run<'_> {
    fn default() -> Self {
        Run { speed: 1.0, phase: None, object_class: "SX", slow_rank: None, extended: false }
    }
}

impl Run<'_> {
    /// Writes the result directory.
    pub fn write(&self, directory: &Path) -> PathBuf {
        std::fs::create_dir_all(directory).unwrap();
        let put = |name: &str, text: String| std::fs::write(directory.join(name), text).unwrap();
        let mut text = format!(
            "[run]\nprocs           = {RANKS}\nversion         = {VERSION}\nmode            = {}\n",
            if self.extended { "extended" } else { "standard" }
        );
        let mut rates = Vec::new();
        for (index, (phase, rate)) in PHASES.into_iter().enumerate() {
            let factor = self.phase.filter(|(name, _)| *name == phase).map_or(1.0, |(_, factor)| factor);
            let rate = rate * self.speed * factor;
            let ior = phase.starts_with("ior-");
            rates.push((phase.parse().unwrap(), rate));
            let start = index * 5;
            let api = format!("-a DFS --dfs.pool=p --dfs.cont=c --dfs.oclass={}", self.object_class);
            let tool = if ior { "./ior -t 2m -D 300" } else { "./mdtest -W 300" };
            let _ = write!(text, "\n[{phase}]\nt_start = 2026-01-02 03:{start:02}:00\nexe = {tool} {api}\n");
            if phase.ends_with("write") {
                let name = if ior { "throughput-stonewall" } else { "rate-stonewall" };
                let _ = writeln!(text, "{name} = {:.6}", rate * 1.1);
            }
            let _ = write!(text, "score = {rate:.6}\nt_delta = 301.5\nt_end = 2026-01-02 03:{:02}:01\n", start + 5);
            if ior {
                put(&format!("{phase}.csv"), self.ior_csv(rate));
            } else if phase != "find" {
                put(&format!("{phase}.csv"), self.mdtest_csv(phase, rate));
            }
        }
        put(
            "find.csv",
            "runtime: 300.0 rate: 1.0\nrank, errors, unknown, found, total, checked\n0, 0, 0, 1, 9, 9\n".into(),
        );
        put("mdtest-easy-write.txt", "mdtest-4 was launched with 4 total task(s) on 2 node(s)\nNodemap: 1100\n".into());
        let ScoreResult { metadata: md, bandwidth: bw, total, hash, .. } = score::score(VERSION, &rates, true, None);
        let _ = write!(text, "\n[SCORE]\nMD = {md:.6}\nBW = {bw:.6}\nSCORE = {total:.6}\nhash = {hash}\n");
        if self.extended {
            let _ = write!(
                text,
                "\n[SCOREX]\nMD = {md:.6}\nBW = 5.0\nSCORE = {:.6} [INVALID]\nhash = 2\n",
                55.5 * self.speed
            );
        }
        put("result.txt", text);
        put("config.ini", "[global]\ndatadir = /d\nscc = FALSE\n[ior-easy]\ntransferSize = 2m\n".into());
        put("config-orig.ini", "[ior-easy]\ntransferSize = 2m\n".into());
        directory.to_owned()
    }

    fn seconds(&self, rank: usize) -> f64 {
        300.0 + rank as f64 / 8.0 + if self.slow_rank == Some(rank) { 150.0 } else { 0.0 }
    }

    fn longest(&self) -> f64 {
        (0..RANKS).map(|rank| self.seconds(rank)).fold(0.0, f64::max)
    }

    fn ior_csv(&self, rate: f64) -> String {
        let mut text = "access,rank,runtime-with-openclose,runtime,throughput-withopenclose,throughput\n".to_owned();
        let each = rate * (1u64 << 30) as f64 / RANKS as f64;
        for rank in 0..RANKS {
            let _ = writeln!(text, "x,{rank},{:.10e},{:.10e},{each:.10e},0", self.longest(), self.seconds(rank));
        }
        text
    }

    fn mdtest_csv(&self, phase: &str, rate: f64) -> String {
        let column = match phase.rsplit('-').next() {
            Some("write") => "File creation",
            Some("stat") => "File stat",
            Some("read") => "File read",
            _ => "File removal",
        };
        let items = rate * 1000.0 * self.longest() / RANKS as f64;
        let mut text = format!("rank,items,rate-{column},time-{column}\nall,{items},0,{:.10e}\n", self.longest());
        for rank in 0..RANKS {
            let _ = writeln!(text, "{rank},,0,{:.10e}", self.seconds(rank));
        }
        text
    }
}

/// Runs the command in `directory`.
pub fn dfs_bench(directory: &Path, arguments: &[&str]) -> Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_dfs-bench")).args(arguments).current_dir(directory).output().unwrap()
}

/// Standard output of a command that has to succeed.
pub fn stdout(directory: &Path, arguments: &[&str]) -> String {
    let output = dfs_bench(directory, arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The directory of real results, if it is there.
pub fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(name);
    if !path.is_dir() {
        assert_ne!(std::env::var("DFS_BENCH_REQUIRE_DATA").as_deref(), Ok("1"), "{} is not there", path.display());
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}
