//! Rank 0's writer of a run: the result as it grows, judged and written after every phase.

use super::earlier::carry_over;
use super::observer::Observer;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::phase_id::{Family, PhaseId};
use crate::report::{
    LOG_NAME, LogEntry, ResultDir, hgrm, hgrm_name, histogram_log, mdworkbench_rate_file, mdworkbench_start_file,
    phase_txt, result_txt, stonewall_file, summary,
};
use crate::results::provenance::Provenance;
use crate::results::strict::strict;
use crate::results::validity::{self, Rules};
use crate::results::{KindLatency, PhaseResult, RunResult, RunState, SCHEMA_VERSION, ScoreResult, Verdict, score};
use crate::text;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// Phases of the standard mode, those without a score included.
const STANDARD_PHASES: usize = 14;

/// Rank 0's writer.
pub(super) struct ResultWriter<'o> {
    pub result: RunResult,
    rules: Rules,
    pub dir: Option<ResultDir>,
    /// When the run began.
    since: SystemTime,
    /// The latencies of the phases so far, for the histogram log.
    latencies: Vec<(PhaseId, SystemTime, Duration, KindLatency)>,
    /// Files that could not be written when their time came, and why the first could not: a full disk is no reason to lose the run.
    unwritten: BTreeMap<String, Vec<u8>>,
    trouble: Option<Error>,
    pub observer: &'o mut dyn Observer,
}

impl<'o> ResultWriter<'o> {
    /// The writer of a run that begins.
    pub fn open(provenance: Provenance, rules: Rules, dir: Option<ResultDir>, observer: &'o mut dyn Observer) -> Self {
        let valid = || Verdict { valid: true, reasons: Vec::new() };
        let result = RunResult {
            schema_version: SCHEMA_VERSION.into(),
            state: RunState::Running,
            provenance,
            phases: Vec::new(),
            earlier: Vec::new(),
            score: None,
            official: valid(),
            strict: valid(),
            failure: None,
            client_metrics: None,
        };
        ResultWriter {
            result,
            rules,
            dir,
            since: SystemTime::now(),
            latencies: Vec::new(),
            unwritten: BTreeMap::new(),
            trouble: None,
            observer,
        }
    }

    /// The directories are there: takes in what earlier invocations left, judges, writes and tells what is known before the
    /// first phase.
    pub fn begin(&mut self, config: &Config) -> Result<()> {
        if let Some(dir) = &self.dir {
            carry_over(dir, &mut self.result)?;
            dir.write("config.ini", &text::bytes(&config.to_ini()))?;
            dir.write("config-orig.ini", &text::bytes(config.inputs().file_text().unwrap_or_default()))?;
        }
        self.judge();
        // nothing is lost yet: a directory that takes no result is an error now
        self.files()
            .iter()
            .try_for_each(|(name, bytes)| self.dir.as_ref().map_or(Ok(()), |dir| dir.write(name, bytes)))?;
        self.observer.started(&self.result);
        Ok(())
    }

    fn judge(&mut self) {
        for phase in &mut self.result.phases {
            phase.valid = validity::official_of_phase(&self.rules, phase).valid;
        }
        let expected = std::mem::take(&mut self.rules.expected);
        // while the run goes on, what has not come yet is no reason
        if self.result.state != RunState::Running {
            self.rules.expected.clone_from(&expected);
        }
        self.result.official = validity::official(&self.rules, &self.result);
        self.result.strict = strict(&self.rules, &self.result);
        self.rules.expected = expected;
    }

    /// Writes the latencies of a phase as `.hgrm` files, and the log of all phases anew.
    pub fn keep_latencies(&mut self, phase: PhaseId, begin: SystemTime, latencies: Vec<KindLatency>) {
        let length = begin.elapsed().unwrap_or_default();
        if self.dir.is_none() || latencies.is_empty() {
            return;
        }
        for latency in latencies {
            let name = hgrm_name(phase, latency.result.kind);
            self.keep(&format!("latency/{name}"), hgrm(&latency.histogram).as_bytes());
            self.latencies.push((phase, begin, length, latency));
        }
        let entries: Vec<LogEntry<'_>> = self
            .latencies
            .iter()
            .map(|(phase, begin, length, latency)| LogEntry {
                phase: *phase,
                kind: latency.result.kind,
                begin: *begin,
                length: *length,
                histogram: &latency.histogram,
            })
            .collect();
        // a log has one beginning: each invocation has its own
        let name = match self.result.provenance.invocation {
            1 => LOG_NAME.to_owned(),
            number => LOG_NAME.replace('.', &format!("-{number}.")),
        };
        let log = histogram_log(self.since, &entries);
        self.keep(&format!("latency/{name}"), &log);
    }

    /// Writes a file now, or with the next ones where that is not possible.
    fn keep(&mut self, name: &str, bytes: &[u8]) {
        let Some(dir) = &self.dir else { return };
        match dir.write(name, bytes) {
            Ok(()) => drop(self.unwritten.remove(name)),
            Err(error) => {
                if self.trouble.is_none() {
                    log::error!("{error}: the run continues, and the files are written again after the next phase");
                }
                self.trouble.get_or_insert(error);
                self.unwritten.insert(name.to_owned(), bytes.to_vec());
            }
        }
    }

    /// A phase has `run = FALSE`. What an earlier invocation measured in it stays.
    pub fn switched_off(&mut self, mut result: PhaseResult) {
        let phase = result.phase;
        if self.result.phase(phase).is_some_and(|earlier| !earlier.switched_off) {
            return;
        }
        result.invocation = self.result.provenance.invocation;
        self.result.enter(result);
        self.judge();
        self.write();
        self.observer.phase_over(&self.result, phase);
    }

    /// A phase is over: adds it and writes all files again.
    pub fn phase_over(&mut self, mut result: PhaseResult, csv: &str, reached: Option<u64>) {
        let (phase, rate) = (result.phase, result.rate);
        result.invocation = self.result.provenance.invocation;
        self.result.enter(result);
        self.judge();
        for (name, bytes) in std::mem::take(&mut self.unwritten) {
            self.keep(&name, &bytes);
        }
        match reached {
            Some(start) if phase.family() == Family::Mdworkbench => {
                let (name, bytes) = mdworkbench_start_file(start);
                self.keep(name, &bytes);
            }
            Some(count) => {
                let (name, bytes) = stonewall_file(phase.family(), count);
                self.keep(&name, &bytes);
            }
            None => {}
        }
        if phase == PhaseId::MdtestEasyWrite && self.rules.expected.contains(&PhaseId::MdworkbenchCreate) {
            let (name, bytes) = mdworkbench_rate_file(rate);
            self.keep(name, &bytes);
        }
        if !csv.is_empty() {
            self.keep(&format!("{phase}.csv"), &text::bytes(csv));
        }
        if let Some(txt) = self.result.phase(phase).map(phase_txt) {
            self.keep(&format!("{phase}.txt"), &text::bytes(&txt));
        }
        self.write();
        self.observer.phase_over(&self.result, phase);
    }

    /// The last phase is over. An error when files of the result are missing: everything else was done and told by then.
    pub fn finish(&mut self) -> Result<()> {
        self.result.state = RunState::Finished;
        self.result.provenance.ended = now();
        self.judge();
        self.result.score = Some(self.score());
        for (name, bytes) in std::mem::take(&mut self.unwritten) {
            self.keep(&name, &bytes);
        }
        self.write();
        self.observer.finished(&self.result);
        let missing: Vec<&str> = self.unwritten.keys().map(String::as_str).collect();
        match self.trouble.take() {
            Some(Error::ResultFile { message, source, .. }) if !missing.is_empty() => Err(Error::ResultFile {
                source,
                path: self.result.provenance.resultdir.clone(),
                message: format!(
                    "{message}: these files of the finished run are missing or outdated: {}",
                    missing.join(", ")
                ),
            }),
            _ => Ok(()),
        }
    }

    fn score(&self) -> ScoreResult {
        let rates: Vec<(PhaseId, f64)> = self.result.phases.iter().map(|phase| (phase.phase, phase.rate)).collect();
        let extended = self.rules.expected.len() > STANDARD_PHASES;
        let all_valid = validity::extended_valid(&self.result.official);
        let version = &self.result.provenance.program;
        let score = score::score(version, &rates, self.result.official.valid, extended.then_some(all_valid));
        // phases that an earlier version measured do not tell
        let rates: Option<Vec<(PhaseId, f64)>> =
            self.result.phases.iter().map(|phase| Some((phase.phase, phase.rate_without_wear_out()?))).collect();
        ScoreResult { without_wear_out: rates.map(|rates| score::means(&rates, false).total), ..score }
    }

    /// The run ends with an error; what it had is kept.
    pub fn fail(&mut self, error: &Error) {
        self.result.state = if matches!(error, Error::Interrupted) { RunState::Interrupted } else { RunState::Failed };
        self.result.failure = Some(error.to_string());
        self.result.provenance.ended = now();
        self.judge();
        self.write();
        if !self.unwritten.is_empty() {
            let missing: Vec<&str> = self.unwritten.keys().map(String::as_str).collect();
            log::error!("the result directory could not be updated: {}", missing.join(", "));
        }
    }

    fn write(&mut self) {
        if self.dir.is_some() {
            self.files().iter().for_each(|(name, bytes)| self.keep(name, bytes));
        }
    }

    /// The files that grow with the run, the one that holds everything first.
    fn files(&self) -> [(&'static str, Vec<u8>); 3] {
        let json = serde_json::to_vec_pretty(&self.result).expect("a result has string keys only");
        let (summary, txt) = (summary(&self.result), result_txt(&self.result));
        // as the C suite writes it: paths are bytes
        let txt = text::bytes(&txt).into_owned();
        [("result.json", json), ("result_summary.txt", summary.into_bytes()), ("result.txt", txt)]
    }
}

/// Local time as the result files have it.
pub(super) fn now() -> String {
    jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S").to_string()
}
