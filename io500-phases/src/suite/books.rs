//! Rank 0's books of a run: the result as it grows, judged and written after every phase.

use super::earlier::carry_over;
use super::run::Observer;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::phase_id::{Family, PhaseId};
use crate::report::{LOG_NAME, LogEntry, ResultDir, hgrm, hgrm_name, histogram_log, phase_txt, result_txt, summary};
use crate::results::provenance::Provenance;
use crate::results::validity::{self, Rules};
use crate::results::{KindLatency, PhaseResult, RunResult, RunState, SCHEMA_VERSION, ScoreResult, Verdict, score};
use std::time::{Duration, SystemTime};

/// Phases of the standard mode, those without a score included.
const STANDARD_PHASES: usize = 14;

/// Rank 0's books.
pub(super) struct Books<'o> {
    pub result: RunResult,
    rules: Rules,
    pub dir: Option<ResultDir>,
    /// When the run began.
    since: SystemTime,
    /// The latencies of the phases so far, for the histogram log.
    latencies: Vec<(PhaseId, SystemTime, Duration, KindLatency)>,
    pub observer: &'o mut dyn Observer,
}

impl<'o> Books<'o> {
    /// The books of a run that begins.
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
        };
        Books { result, rules, dir, since: SystemTime::now(), latencies: Vec::new(), observer }
    }

    /// The directories are there: takes in what earlier invocations left, judges, writes and tells what is known before the
    /// first phase.
    pub fn begin(&mut self, config: &Config) -> Result<()> {
        if let Some(dir) = &self.dir {
            carry_over(dir, &mut self.result)?;
            dir.write("config.ini", config.to_ini().as_bytes())?;
            dir.write("config-orig.ini", config.inputs().file_text().unwrap_or_default().as_bytes())?;
        }
        self.judge();
        self.write()?;
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
        self.result.strict = validity::strict(&self.rules, &self.result);
        self.rules.expected = expected;
    }

    /// Writes the latencies of a phase as `.hgrm` files, and the log of all phases anew.
    pub fn keep_latencies(&mut self, phase: PhaseId, begin: SystemTime, latencies: Vec<KindLatency>) -> Result<()> {
        let length = begin.elapsed().unwrap_or_default();
        let Some(dir) = self.dir.as_ref().filter(|_| !latencies.is_empty()) else { return Ok(()) };
        for latency in latencies {
            let name = hgrm_name(phase, latency.result.kind);
            dir.write(&format!("latency/{name}"), hgrm(&latency.histogram).as_bytes())?;
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
        dir.write(&format!("latency/{name}"), &histogram_log(self.since, &entries))
    }

    /// A phase has `run = FALSE`. What an earlier invocation measured in it stays.
    pub fn switched_off(&mut self, mut result: PhaseResult) -> Result<()> {
        let phase = result.phase;
        if self.result.phase(phase).is_some_and(|earlier| !earlier.switched_off) {
            return Ok(());
        }
        result.invocation = self.result.provenance.invocation;
        self.result.enter(result);
        self.judge();
        self.write()?;
        self.observer.phase_over(&self.result, phase);
        Ok(())
    }

    /// A phase is over: books it and writes all files anew.
    pub fn phase_over(&mut self, mut result: PhaseResult, csv: &str, reached: Option<u64>) -> Result<()> {
        let (phase, rate) = (result.phase, result.rate);
        result.invocation = self.result.provenance.invocation;
        self.result.enter(result);
        self.judge();
        if let Some(dir) = &self.dir {
            match reached {
                Some(start) if phase.family() == Family::Mdworkbench => dir.set_mdworkbench_start(start)?,
                Some(count) => dir.set_stonewall(phase.family(), count)?,
                None => {}
            }
            if phase == PhaseId::MdtestEasyWrite && self.rules.expected.contains(&PhaseId::MdworkbenchCreate) {
                dir.set_mdworkbench_rate(rate)?;
            }
            if !csv.is_empty() {
                dir.write(&format!("{phase}.csv"), csv.as_bytes())?;
            }
            if let Some(result) = self.result.phase(phase) {
                dir.write(&format!("{phase}.txt"), phase_txt(result).as_bytes())?;
            }
        }
        self.write()?;
        self.observer.phase_over(&self.result, phase);
        Ok(())
    }

    /// The last phase is over.
    pub fn finish(&mut self) -> Result<()> {
        self.result.state = RunState::Finished;
        self.result.provenance.ended = now();
        self.judge();
        self.result.score = Some(self.score());
        self.write()?;
        self.observer.finished(&self.result);
        Ok(())
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
        if let Err(second) = self.write() {
            log::error!("the result directory could not be brought up to date: {second}");
        }
    }

    fn write(&self) -> Result<()> {
        let Some(dir) = &self.dir else { return Ok(()) };
        dir.write("result_summary.txt", summary(&self.result).as_bytes())?;
        dir.write("result.txt", result_txt(&self.result).as_bytes())?;
        let json = serde_json::to_vec_pretty(&self.result).expect("a result has string keys only");
        dir.write("result.json", &json)
    }
}

/// Local time as the result files have it.
pub(super) fn now() -> String {
    jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S").to_string()
}
