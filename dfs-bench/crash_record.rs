//! The crash record of a job that ends while the suite cannot write: it goes into the result file, beside the finished phases.
//!
//! A rank that hangs in the store is not always rank 0, and the rank that ends the job takes rank 0 with it. Result directories
//! are usually seen by all nodes, so the rank that ends the job writes the record, and the first record stays.

use crate::next_commands;
use io500_phases::phase_id::PhaseId;
use io500_phases::report::ResultDir;
use io500_phases::results::{RunResult, RunState};
use io500_phases::text;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a process that must end at once tries to say so.
const AT_ONCE: Duration = Duration::from_secs(1);

/// The result file of the run that goes on.
pub struct CrashRecord {
    timestamp: String,
    datadir: String,
    phases: Vec<PhaseId>,
    root: bool,
    resultdir: Mutex<PathBuf>,
}

impl CrashRecord {
    /// For the run of a timestamp; only the root says where it lies.
    pub fn new(timestamp: &str, phases: &[PhaseId], root: bool, datadir: &str, resultdir: &str) -> CrashRecord {
        CrashRecord {
            timestamp: timestamp.to_owned(),
            datadir: datadir.to_owned(),
            phases: phases.to_vec(),
            root,
            resultdir: Mutex::new(text::path(resultdir)),
        }
    }

    /// The next run of the job has another result directory.
    pub fn set_result_directory(&self, resultdir: &str) {
        *self.resultdir.lock().expect("no thread panics while holding this lock") = text::path(resultdir);
    }

    /// Marks the run as ended, where its result file can be seen from here and still says that it goes on. True when the file tells
    /// that the run ended, by these words or by earlier ones.
    pub fn keep(&self, state: RunState, words: &str) -> bool {
        let dir = self.resultdir.lock().expect("no thread panics while holding this lock").clone();
        let Ok(text) = std::fs::read(dir.join("result.json")) else { return false };
        let Ok(mut result) = serde_json::from_slice::<RunResult>(&text) else { return false };
        if result.provenance.timestamp != self.timestamp {
            return false;
        }
        if result.state != RunState::Running {
            return true;
        }
        (result.state, result.failure) = (state, Some(words.to_owned()));
        let json = serde_json::to_vec_pretty(&result).expect("a result has string keys only");
        ResultDir::at(dir).write("result.json", &json).is_ok()
    }

    /// Keeps the words and says where the run lies, in the time that a process has which must end at once.
    pub fn hurry(self: Arc<Self>, words: String) {
        let (sender, done) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            self.keep(RunState::Interrupted, &words);
            let lines = if self.root { self.where_it_lies() } else { Vec::new() };
            lines.iter().for_each(|line| eprintln!("dfs-bench: {line}"));
            let _ = sender.send(());
        });
        let _ = done.recv_timeout(AT_ONCE);
    }

    /// Where the run lies, and how to go on or to clean up; nothing when it had not begun. For standard error.
    pub fn where_it_lies(&self) -> Vec<String> {
        let dir = self.resultdir.lock().expect("no thread panics while holding this lock").clone();
        let Ok(text) = std::fs::read(dir.join("result.json")) else { return Vec::new() };
        let Ok(result) = serde_json::from_slice::<RunResult>(&text) else { return Vec::new() };
        if result.provenance.timestamp != self.timestamp {
            return Vec::new();
        }
        let is_done = |phase: &PhaseId| result.own_phases().any(|done| done.phase == *phase);
        let left = self.phases.iter().filter(|phase| !is_done(phase)).count();
        // those of earlier invocations are of the same run
        let done: Vec<&str> = result.phases.iter().map(|phase| phase.phase.name()).collect();
        let names = if done.is_empty() { String::new() } else { format!(": {}", done.join(", ")) };
        let (resume, clean_up) = next_commands::of(&result, &dir);
        let mut lines = vec![
            format!("finished: {} of {} phases{names}", done.len(), done.len() + left),
            format!("results: {}; the benchmark's files: {}", text::of(&dir), self.datadir),
        ];
        if left > 0 {
            lines.push(format!("to continue: {resume}"));
        }
        lines.push(format!("to give it up and remove its files: {clean_up}"));
        lines
    }
}
