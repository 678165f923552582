//! The command line.

use crate::args::ab::AbArgs;
use crate::args::compare::CompareArgs;
use crate::args::config::ConfigArgs;
use crate::args::doctor::DoctorArgs;
use crate::args::find::FindArgs;
use crate::args::history::HistoryArgs;
use crate::args::report::ReportArgs;
use crate::args::resume::{CleanupArgs, ResumeArgs};
pub use crate::args::run::RunArgs;
use crate::args::runs::RunsArgs;
use crate::args::shell::CompletionsArgs;
use crate::args::submission::SubmissionArgs;
use crate::args::sweep::SweepArgs;
use crate::args::verify::VerifyArgs;
use clap::{Parser, Subcommand};

const EXAMPLES: &str = "\
Examples:
  mpirun -np 2 dfs-bench --quick
      a test run of the whole suite that fits the free space; not comparable
  mpirun -np 1280 dfs-bench --pool tank --cont bench --config io500.ini
      the whole suite over DFS
  mpirun -np 2 dfs-bench --api posix --datadir /mnt/fs/dir
      over a mounted file system
  dfs-bench --phase ior-easy,mdtest-hard --dry-run
      what these phases would do, and the space they need

Exit codes:
  0         finished (a short test run too)
  2         command line or configuration, or a pool that does not exist
  3         with --strict: the strict verdict is invalid
  4         the store, the network, a lost rank, entries that find cannot examine
  5         wrong or missing data
  6         below the limit of compare or history --fail-below
  7         findings of doctor --fail-on
  70        a panic or another error of this program
  130, 143  interrupted

Every option of the configuration file can be given as --set section.option=value or as DFS_BENCH_SECTION_OPTION; flags beat --set, \
that beats the environment, that beats the file, that beats the defaults.";

/// A native IO500 for DAOS: every rank calls libdfs itself, by the rules of the official suite.
///
/// Without a subcommand it runs the benchmark. It is not the official binary: a submission to the list needs that one.
#[derive(Debug, Parser)]
#[command(name = "dfs-bench", version = version(), after_help = EXAMPLES, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub run: RunArgs,
}

/// What there is besides running.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the options; show, check or hash a configuration
    Config(ConfigArgs),
    /// Recompute the score and the hashes of a result, of this program's or the C suite's
    Verify(VerifyArgs),
    Report(ReportArgs),
    Compare(CompareArgs),
    Ab(AbArgs),
    Find(FindArgs),
    Resume(ResumeArgs),
    Cleanup(CleanupArgs),
    Runs(RunsArgs),
    Sweep(SweepArgs),
    History(HistoryArgs),
    Doctor(DoctorArgs),
    Submission(SubmissionArgs),
    Completions(CompletionsArgs),
    /// Print the manual page, for `man -l -`
    Man,
}

impl Command {
    /// Whether the processes of a job do it together; else one of them is enough.
    pub fn is_collective(&self) -> bool {
        matches!(self, Command::Find(_) | Command::Doctor(_) | Command::Resume(_) | Command::Cleanup(_))
    }
}

/// `0.1.0 (libdfs: …; MPI: …)`, without starting either.
fn version() -> &'static str {
    static VERSION: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    VERSION.get_or_init(|| {
        let mpi = io500_phases::comm::mpi_library().unwrap_or_else(|| "none".into());
        format!("{}\nlibdfs: {}\nMPI: {mpi}", env!("CARGO_PKG_VERSION"), io500_phases::backend::dfs::provider())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_is_an_option_of_the_configuration() {
        let cli = Cli::parse_from([
            "dfs-bench",
            "--api",
            "dfs",
            "--datadir",
            "/d",
            "--resultdir",
            "/r",
            "--stonewall",
            "5",
            "--pool",
            "p",
            "--cont",
            "c",
            "--group",
            "g",
            "--prefix",
            "/x",
            "--oclass",
            "SX",
            "--dir-oclass",
            "S1",
            "--chunk-size",
            "1m",
            "--cont-properties",
            "rd_fac:0",
            "--destroy",
            "--mode",
            "extended",
            "--timestamp",
            "t",
            "--strict",
            "--timeout",
            "9",
            "--telemetry",
            "http://server:9191/metrics",
            "--queue-depth",
            "2",
            "--threads-per-rank",
            "2",
            "--find-threads",
            "2",
            "--latency",
            "off",
        ]);
        let builder = cli
            .run
            .settings()
            .into_iter()
            .fold(io500_phases::config::Config::builder(), |builder, (section, option, value, flag)| {
                builder.flag(section, option, value, flag)
            });
        let (config, warnings) = builder.build().unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        assert_eq!(config.bench.queue_depth, 2);
        assert_eq!(config.global.api.pool.as_deref(), Some("p"));
        assert!(!config.bench.latency);
    }
}
