//! A run as a batch job: the settings, the script, and what the programs of the batch system say. Pure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// In a run's directory: the exit code and the seconds that the run took, written by its job when it is over.
pub const EXIT: &str = "exit";
/// In a run's directory: the script of its job.
pub const SCRIPT: &str = "job.sh";

/// How runs become batch jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Batch {
    /// `sbatch` or `qsub`, or a path to one of them.
    pub submit: String,
    /// Lists the jobs that are not over, a job's number as the first word of a line; `squeue` or `qstat` where it is not given.
    pub queue: Option<String>,
    /// Lines of the script's head: `#SBATCH --partition=big`; with `{nodes}`, `{ranks-per-node}`, `{ranks}`, `{name}` and `{directory}`.
    pub directives: Vec<String>,
    /// Commands before the launcher: `module load openmpi`.
    pub commands: Vec<String>,
    /// Jobs in the queue at most. They depend on each other: one run disturbs the other.
    pub jobs: usize,
}

impl Default for Batch {
    fn default() -> Self {
        Batch { submit: "sbatch".into(), queue: None, directives: Vec::new(), commands: Vec::new(), jobs: 50 }
    }
}

/// What a job runs.
#[derive(Debug)]
pub struct Job<'a> {
    /// Its name.
    pub name: &'a str,
    /// The run's directory.
    pub directory: &'a Path,
    /// Where it is submitted.
    pub home: &'a Path,
    /// Nodes and ranks per node.
    pub nodes: u32,
    /// See `nodes`.
    pub ranks_per_node: u32,
    /// Environment.
    pub env: &'a [(&'a str, &'a str)],
    /// Commands before the run and after it.
    pub setup: &'a [&'a str],
    /// See `setup`.
    pub teardown: &'a [&'a str],
    /// The run's own words.
    pub words: &'a [String],
}

impl Batch {
    fn is_pbs(&self) -> bool {
        Path::new(&self.submit).file_name().is_some_and(|name| name == "qsub")
    }

    /// The script of a job.
    pub fn script(&self, job: &Job<'_>) -> String {
        let (nodes, per_node) = (job.nodes, job.ranks_per_node);
        let directory = job.directory.display().to_string();
        let output = job.directory.join("output.txt").display().to_string();
        let mut lines = vec!["#!/bin/sh".to_owned()];
        lines.extend(match self.is_pbs() {
            true => [
                format!("#PBS -N {}", job.name),
                format!("#PBS -l select={nodes}:mpiprocs={per_node}"),
                "#PBS -j oe".to_owned(),
                format!("#PBS -o {output}"),
            ],
            false => [
                format!("#SBATCH --job-name={}", job.name),
                format!("#SBATCH --nodes={nodes}"),
                format!("#SBATCH --ntasks-per-node={per_node}"),
                format!("#SBATCH --output={output}"),
            ],
        });
        lines.extend(self.directives.iter().map(|line| {
            line.replace("{nodes}", &nodes.to_string())
                .replace("{ranks-per-node}", &per_node.to_string())
                .replace("{ranks}", &(nodes * per_node).to_string())
                .replace("{name}", job.name)
                .replace("{directory}", &directory)
        }));
        let quoted = |text: &str| shlex::try_quote(text).map_or_else(|_| text.to_owned(), |text| text.into_owned());
        lines.push(format!("cd {} || exit 1", quoted(&job.home.display().to_string())));
        lines.extend(self.commands.iter().cloned());
        lines.extend(job.env.iter().map(|(name, value)| format!("export {name}={}", quoted(value))));
        let words: Vec<String> = job.words.iter().map(|word| quoted(word)).collect();
        // a value that cannot be set is a run that failed
        let run = job.setup.iter().map(|setup| format!("{{ {setup}\n}}")).chain([words.join(" ")]).collect::<Vec<_>>();
        lines.push("began=$(date +%s)".to_owned());
        lines.push(run.join(" && "));
        lines.push("code=$?".to_owned());
        lines.extend(job.teardown.iter().map(|&teardown| teardown.to_owned()));
        // by rename: who looks sees all of it or nothing
        let exit = quoted(&job.directory.join(EXIT).display().to_string());
        lines.push(format!("echo \"$code $(($(date +%s) - began))\" > {exit}.new && mv {exit}.new {exit}"));
        lines.join("\n") + "\n"
    }

    /// The words that submit a script, behind another job where there is one.
    pub fn submission(&self, script: &Path, after: Option<&str>) -> Vec<String> {
        let mut words = vec![self.submit.clone()];
        match (self.is_pbs(), after) {
            (true, Some(job)) => words.extend(["-W".into(), format!("depend=afterany:{job}")]),
            (true, None) => {}
            (false, after) => {
                words.push("--parsable".into());
                words.extend(after.map(|job| format!("--dependency=afterany:{job}")));
            }
        }
        words.push(script.display().to_string());
        words
    }

    /// The command that lists the jobs that are not over.
    pub fn listing(&self) -> String {
        match &self.queue {
            Some(command) => command.clone(),
            None if self.is_pbs() => "qstat".into(),
            None => "squeue --noheader --format='%i %T' --user=\"$(id -un)\"".into(),
        }
    }
}

/// The job's id of what `sbatch --parsable` or `qsub` said: `4711`, `4711;cluster`, `4711.server`.
pub fn job_id(said: &str) -> Option<String> {
    let word = said.lines().rev().find_map(|line| line.split_whitespace().last())?;
    let id = word.split(';').next()?;
    id.starts_with(|c: char| c.is_ascii_digit()).then(|| id.to_owned())
}

/// What a listing says of a job: its state in the batch system's word; none where it is not in it or over.
pub fn state_of(listing: &str, job: &str) -> Option<String> {
    let number = |id: &str| id.split(['.', '_']).next().map(str::to_owned);
    let line = listing.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let words = line.into_iter().find(|words| words.first().is_some_and(|first| number(first) == number(job)))?;
    // squeue: id state; qstat: id name user time state queue
    let state = if words.len() >= 6 { words[words.len() - 2] } else { words.get(1).copied().unwrap_or("queued") };
    (!["C", "F", "COMPLETED"].contains(&state)).then(|| state.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job<'a>(words: &'a [String]) -> Job<'a> {
        Job {
            name: "t-0001",
            directory: Path::new("/out/runs/0001-ab"),
            home: Path::new("/home/o'neill"),
            nodes: 2,
            ranks_per_node: 4,
            env: &[("D_LOG_MASK", "ERR,DBG all")],
            setup: &["./irq spread"],
            teardown: &["./irq off"],
            words,
        }
    }

    #[test]
    fn scripts_have_the_heads_of_their_batch_system() {
        let words = ["mpirun".to_owned(), "-np".to_owned(), "8".to_owned(), "a b".to_owned()];
        let slurm = Batch { directives: vec!["#SBATCH --mem={ranks}G".into()], ..Batch::default() };
        let text = slurm.script(&job(&words));
        for part in [
            "#SBATCH --nodes=2\n#SBATCH --ntasks-per-node=4\n",
            "#SBATCH --mem=8G\n",
            "export D_LOG_MASK='ERR,DBG all'\n",
            "{ ./irq spread\n} && mpirun -np 8 'a b'\ncode=$?\n./irq off\n",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let pbs = Batch { submit: "/opt/pbs/bin/qsub".into(), ..Batch::default() };
        assert!(pbs.script(&job(&words)).contains("#PBS -l select=2:mpiprocs=4\n"));
        let words = |batch: &Batch, after| batch.submission(Path::new("job.sh"), after).join(" ");
        assert_eq!(words(&slurm, Some("7")), "sbatch --parsable --dependency=afterany:7 job.sh");
        assert_eq!(words(&pbs, Some("7.s")), "/opt/pbs/bin/qsub -W depend=afterany:7.s job.sh");
        assert_eq!(words(&pbs, None), "/opt/pbs/bin/qsub job.sh");
    }

    #[test]
    fn what_the_programs_say_is_understood() {
        assert_eq!(job_id("4711\n").as_deref(), Some("4711"));
        assert_eq!(job_id("Submitted to debug\n4711;cluster\n").as_deref(), Some("4711"));
        assert_eq!(job_id("12.pbs01\n").as_deref(), Some("12.pbs01"));
        assert_eq!(job_id("error: no such partition\n"), None);
        assert_eq!(state_of("4711 PENDING\n4712 RUNNING\n", "4712").as_deref(), Some("RUNNING"));
        let qstat = "Job id  Name  User  Time Use S Queue\n------ ---- ---- ---- - -----\n12.pbs01 t-0001 me 00:00:01 R big\n13.pbs01 t me 0 C big\n";
        assert_eq!(state_of(qstat, "12.pbs01.site").as_deref(), Some("R"));
        assert_eq!(state_of(qstat, "13.pbs01"), None, "a completed job is over");
        assert_eq!(state_of(qstat, "14.pbs01"), None);
    }
}
