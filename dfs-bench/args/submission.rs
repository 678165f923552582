//! The arguments of `dfs-bench submission`.

use super::config::Format;
use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  dfs-bench submission results/2026.11.07-03.43.32
      what the list's reviewers would ask, and how the result compares with published ones
  dfs-bench submission results/2026.11.07-03.43.32 --job-script job.sh --job-output job.out --snapshot client.tar.zst --documents documents
      and system information, questionnaire and a page in the directory documents
  dfs-bench submission results/2026.11.07-03.43.32 --job-script job.sh --job-output job.out --output io500.tgz
      and everything in one archive
  dfs-bench submission --replay io500.tgz
      the commands that repeat the run, and how this node differs from that of the run

Exit codes:
  0         done
  2         there is no such result, or a file cannot be used
  3         with --strict: not ready for the research list
  5         with --replay: a file of the archive was changed";

/// Prepare a submission to the IO500 list, of a result of the official suite or (to see what it would be told) of this program
///
/// Reads only; nothing is sent anywhere. A run of this program is never called the official one.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SubmissionArgs {
    /// Result directory of one run
    #[arg(value_name = "RESULT", required_unless_present_any = ["replay", "collect"])]
    pub result: Option<PathBuf>,
    /// Other runs of the same measurement, for the question how far they lie apart; may be repeated
    #[arg(long, value_name = "DIR", requires = "result")]
    pub repeat: Vec<PathBuf>,
    /// The script that started the job
    #[arg(long, value_name = "FILE", requires = "result")]
    pub job_script: Option<PathBuf>,
    /// What the job printed
    #[arg(long, value_name = "FILE", requires = "result")]
    pub job_output: Option<PathBuf>,

    /// A client node as `dfs-bench doctor --snapshot` wrote it
    #[arg(long, value_name = "FILE", requires = "result", help_heading = "System")]
    pub snapshot: Option<PathBuf>,
    /// This node is one of the clients
    #[arg(long, requires = "result", conflicts_with = "snapshot", help_heading = "System")]
    pub here: bool,
    /// A server node, likewise
    #[arg(long, value_name = "FILE", requires = "result", help_heading = "System")]
    pub server_snapshot: Option<PathBuf>,
    /// The server's configuration, daos_server.yml
    #[arg(long, value_name = "FILE", requires = "result", help_heading = "System")]
    pub server_config: Option<PathBuf>,
    /// The output of `dmg storage scan --json`
    #[arg(long, value_name = "FILE", requires = "server_config", help_heading = "System")]
    pub storage_scan: Option<PathBuf>,
    /// A system-information.json that exists: its values stay, its blanks are filled
    #[arg(long, value_name = "FILE", requires = "result", help_heading = "System")]
    pub system_information: Option<PathBuf>,

    /// Write system information, questionnaire and a page into this directory; a system-information.json that is there is kept and filled
    #[arg(long, value_name = "DIR", requires = "result", help_heading = "Output")]
    pub documents: Option<PathBuf>,
    /// Write an archive with the result directory, the job's files, the documents and a manifest
    #[arg(long, short, value_name = "FILE.tgz", requires = "result", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Format of the report
    #[arg(long, short, value_enum, default_value_t = Format::Text, help_heading = "Output")]
    pub format: Format,
    /// Exit with 3 if the result is not ready for the research list
    #[arg(long, requires = "result", help_heading = "Output")]
    pub strict: bool,

    /// A table of published results instead of the one that ships with the program
    #[arg(long, value_name = "CSV", requires = "result", help_heading = "Published results")]
    pub published: Option<PathBuf>,
    /// The file system as that table names it, where the result does not tell: Lustre, BeeGFS, WekaFS, …
    #[arg(long, value_name = "NAME", requires = "result", help_heading = "Published results")]
    pub file_system: Option<String>,
    /// Make such a table of a checkout of github.com/IO500/submission-data, on standard output, and nothing else
    #[arg(long, value_name = "DIR", conflicts_with = "result", help_heading = "Published results")]
    pub collect: Option<PathBuf>,
    /// What the table says of its origin, with its date
    #[arg(long, value_name = "WORDS", requires = "collect", help_heading = "Published results")]
    pub origin: Option<String>,

    /// Read an archive again: print the commands that repeat the run, and how this node differs
    #[arg(long, value_name = "FILE.tgz", conflicts_with_all = ["result", "collect"])]
    pub replay: Option<PathBuf>,
}
