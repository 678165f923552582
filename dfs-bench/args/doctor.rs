//! The arguments of `dfs-bench doctor`.

use super::run::ContainerArgs;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  mpirun -np 1280 dfs-bench doctor
      every node of a job, its links, settings and ranks, and where nodes differ
  mpirun -np 1280 dfs-bench doctor --pool tank --cont bench
      and what libdfs says of the pool; with --config io500.ini, whether its object classes fit
  dfs-bench doctor
      this node; on a server its engines too, where /etc/daos/daos_server.yml can be read
  dfs-bench doctor --snapshot node7.tar.zst
      writes what the rules read of this node, for a ticket
  dfs-bench doctor --topology node7.tar.zst --server-config daos_server.yml --storage-scan scan.json
      a server, from elsewhere
  dfs-bench doctor --explain numa.engine-nic
      one rule, and who says so";

/// Find what slows a job down: nodes, fabric, engines, ranks, held against the known mistakes
///
/// Reads only, under /sys and /proc; as another user than root some facts cannot be read, and the report says which. Exit code 7 with --fail-on.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DoctorArgs {
    /// Another machine instead of this one: a topology file of lstopo, or a snapshot of its sysfs and procfs, a directory or an archive (tar,
    /// tar.zst, tar.bz2)
    #[arg(long, value_name = "PATH", help_heading = "What is looked at")]
    pub topology: Option<PathBuf>,
    /// The server's configuration, daos_server.yml
    #[arg(long, value_name = "FILE", help_heading = "What is looked at")]
    pub server_config: Option<PathBuf>,
    /// What a scan of the server's storage says: the output of `dmg storage scan --json`
    #[arg(long, value_name = "FILE", help_heading = "What is looked at", requires = "server_config")]
    pub storage_scan: Option<PathBuf>,
    #[command(flatten)]
    pub container: ContainerArgs,
    /// The configuration of a run, whose object classes are held against pool and container
    #[arg(long, value_name = "INI", help_heading = "What is looked at", conflicts_with_all = ["topology", "server_config"])]
    pub config: Option<PathBuf>,
    /// Write what the rules read of this node to a new tar.zst, and nothing else
    #[arg(long, value_name = "FILE", conflicts_with_all = ["topology", "server_config"])]
    pub snapshot: Option<PathBuf>,
    /// Copy in memory for 2 s with all ranks, for the roof
    #[arg(long, conflicts_with_all = ["topology", "server_config", "snapshot"])]
    pub measure: bool,
    /// Format of the report
    #[arg(long, short, value_enum, default_value_t = DoctorFormat::Text)]
    pub format: DoctorFormat,
    /// Exit with 7 when there is a finding or an error, or an error only
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<FailOn>,
    /// List the rules
    #[arg(long, exclusive = true)]
    pub list: bool,
    /// Say all about a rule
    #[arg(long, value_name = "RULE", exclusive = true)]
    pub explain: Option<String>,
}

/// The formats of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DoctorFormat {
    /// For a terminal
    Text,
    /// Everything; docs/doctor.schema.json describes it
    Json,
    /// For tickets and wikis
    Markdown,
    /// A page with a drawing of the node
    Html,
}

/// What makes the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Findings and errors
    Finding,
    /// Errors only
    Error,
}
