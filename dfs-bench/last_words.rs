//! The last words of a job that ends while the suite cannot write: they go into the result file, where the finished phases are.
//!
//! A rank that hangs in the store is not always rank 0, and the rank that ends the job takes rank 0 with it. Result directories
//! are seen by all nodes as a rule, so whoever ends the job keeps the words, and the first words stay.

use io500_phases::report::ResultDir;
use io500_phases::results::{RunResult, RunState};
use std::path::PathBuf;
use std::sync::Mutex;

/// The result file of the run that goes on.
pub struct LastWords {
    timestamp: String,
    resultdir: Mutex<PathBuf>,
}

impl LastWords {
    /// For the job of this timestamp.
    pub fn new(timestamp: &str, resultdir: &str) -> LastWords {
        LastWords { timestamp: timestamp.to_owned(), resultdir: Mutex::new(resultdir.into()) }
    }

    /// The next run of the job has another result directory.
    pub fn go_to(&self, resultdir: &str) {
        *self.resultdir.lock().expect("nobody panics with this lock") = resultdir.into();
    }

    /// Marks the run as ended, where its result file can be seen from here and still says that it goes on.
    pub fn keep(&self, state: RunState, words: &str) {
        let dir = self.resultdir.lock().expect("nobody panics with this lock").clone();
        let Ok(text) = std::fs::read(dir.join("result.json")) else { return };
        let Ok(mut result) = serde_json::from_slice::<RunResult>(&text) else { return };
        if result.state == RunState::Running && result.provenance.timestamp == self.timestamp {
            (result.state, result.failure) = (state, Some(words.to_owned()));
            let json = serde_json::to_vec_pretty(&result).expect("a result has string keys only");
            let _ = ResultDir::at(dir).write("result.json", &json);
        }
    }
}
