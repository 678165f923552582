//! Lets libdaos count on the clients, and reads what it wrote.
//!
//! libdaos looks at its environment when it is initialised, and only a process without threads may change its own: so the command starts
//! itself anew with the variables set, in the same process, before anything else.

use super::client::Counts;
use anyhow::Context as _;
use io500_phases::comm::{Comm, host_name};
use io500_phases::error::Error;
use io500_phases::report::ResultDir;
use io500_phases::results::RunResult;
use io500_phases::text;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};

const ENABLE: &str = "D_CLIENT_METRICS_ENABLE";
const DIRECTORY: &str = "D_CLIENT_METRICS_DUMP_DIR";
/// More than libdaos writes.
const LARGEST: u64 = 64 << 20;

/// This process's directory for the metrics of libdaos. Removed when it is dropped.
#[derive(Debug)]
pub struct ClientFiles(PathBuf);

impl ClientFiles {
    /// Starts this process anew with the variables set, and returns in the new start. What the user set is replaced: a directory that others
    /// write to does not tell whose files it holds.
    pub fn begin() -> anyhow::Result<ClientFiles> {
        // the temporary directory may be that of several nodes
        let name = format!("dfs-bench-client-metrics-{}-{}", host_name(), std::process::id());
        let directory = std::env::temp_dir().join(name);
        // only the new start of this very process finds its own number there
        if std::env::var_os(DIRECTORY).is_some_and(|named| named == directory) && directory.is_dir() {
            return Ok(ClientFiles(directory));
        }
        // one that a process of this number left behind is removed only if it is one of ours; a link is no directory
        if fs::symlink_metadata(&directory).is_ok_and(|found| found.is_dir()) {
            fs::remove_dir_all(&directory).with_context(|| format!("cannot remove {}", directory.display()))?;
        }
        let made = fs::DirBuilder::new().mode(0o700).create(&directory);
        made.with_context(|| format!("cannot make {} for --client-metrics", directory.display()))?;
        let program = std::env::current_exe().context("cannot tell the path of this program for --client-metrics")?;
        let mut words = std::env::args_os();
        let mut command = std::process::Command::new(program);
        if let Some(name) = words.next() {
            command.arg0(name);
        }
        let error = command.args(words).env(ENABLE, "1").env(DIRECTORY, &directory).exec();
        let _ = fs::remove_dir(&directory);
        Err(error).context("cannot start this program anew for --client-metrics")
    }

    /// Reads what libdaos wrote when it was shut down; none where it wrote nothing.
    fn counts(&self) -> Option<Counts> {
        let mut all: Option<Counts> = None;
        for entry in fs::read_dir(&self.0).ok()?.flatten().take(16) {
            let text = read(&entry.path()).ok()?;
            // a process writes one file: another would be its own once more
            all = all.or(Counts::read(&text));
        }
        all
    }

    /// The counts of all ranks on rank 0, after every rank has closed its stores. Collective.
    pub fn sum(&self, comm: &dyn Comm) -> Option<Counts> {
        let own = self.counts().map(|counts| serde_json::to_vec(&counts).expect("plain values")).unwrap_or_default();
        let mut sum = Counts::default();
        for counts in comm.gather(&own)?.iter().filter_map(|bytes| serde_json::from_slice::<Counts>(bytes).ok()) {
            sum.add(&counts);
        }
        Some(sum)
    }
}

impl Drop for ClientFiles {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Puts the counts of all ranks into the results of the runs that they are about, and writes these anew. Collective, after the stores are
/// closed; the results are rank 0's.
pub fn keep_client_metrics(files: &ClientFiles, comm: &dyn Comm, results: &mut [RunResult]) -> Result<(), Error> {
    let Some(counts) = files.sum(comm) else { return Ok(()) };
    let measured = results.iter().flat_map(|result| result.own_phases().filter(|phase| phase.operations > 0));
    let (phases, operations): (Vec<_>, Vec<_>) = measured.map(|phase| (phase.phase, phase.operations)).unzip();
    let mut metrics = counts.result(comm.size() as u64, operations.iter().sum());
    if metrics.ranks_without > 0 {
        eprintln!(
            "warning: --client-metrics: libdaos wrote no metrics on {} of {} ranks",
            metrics.ranks_without,
            comm.size()
        );
    }
    metrics.runs = results.len() as u32;
    metrics.phase = phases.first().copied().filter(|first| phases.iter().all(|phase| phase == first));
    for result in results {
        result.client_metrics = Some(metrics.clone());
        let json = serde_json::to_vec_pretty(&result).expect("a result has string keys only");
        ResultDir::at(text::path(&result.provenance.resultdir)).write("result.json", &json)?;
    }
    Ok(())
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.take(LARGEST).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use io500_phases::comm::Solo;

    #[test]
    fn files_are_read_and_removed() {
        let temp = tempfile::tempdir().unwrap();
        let directory = temp.path().join("metrics");
        fs::create_dir(&directory).unwrap();
        let files = ClientFiles(directory.clone());
        assert_eq!(files.sum(&Solo::new()).unwrap().result(1, 1).ranks_without, 1);
        let text = "name,value,min,max,mean,sample_size,sum,std_dev\n7/net/ofi+tcp/hg/req_sent/ctx_0,10\n";
        fs::write(directory.join("host-7.csv"), text).unwrap();
        assert_eq!(files.sum(&Solo::new()).unwrap().result(1, 4).rpcs_per_operation, Some(2.5));
        drop(files);
        assert!(!directory.exists());
    }
}
