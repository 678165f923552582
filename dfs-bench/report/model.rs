//! One run as reports and comparisons see it, whoever measured it: dfs-bench or the official C suite.
//!
//! What a source does not record is `None` or empty, and named in [`Run::missing`]; nothing is guessed to fill a gap.

use io500_phases::phase_id::{PhaseId, ScoreGroup};
use io500_phases::results::score::Means;
use io500_phases::results::{Audit, ClientMetrics, Machine, NodesActivity, PartsResult, PhaseRoof, ServersResult};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Who wrote the result directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// `result.json` of this program.
    DfsBench,
    /// `result.txt` and its companions of the official C suite.
    CSuite,
}

impl Source {
    /// The name for readers.
    pub fn name(self) -> &'static str {
        match self {
            Source::DfsBench => "dfs-bench",
            Source::CSuite => "official C suite",
        }
    }
}

/// The name of the facts that tell of a departure from the rules.
pub const DEPARTURE: &str = "departure from the rules";

/// A path in JSON, where bytes that are not UTF-8 are escaped.
fn path_as_text<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&io500_phases::text::of(path))
}

/// A finished (or broken off) run.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
    /// How this report calls the run: the end of its path, as short as it stays unambiguous.
    pub label: String,
    /// The directory it was read from.
    #[serde(serialize_with = "path_as_text")]
    pub path: PathBuf,
    /// Who measured.
    pub source: Source,
    /// The version of the program that measured.
    pub version: Option<String>,
    /// `standard` or `extended`.
    pub mode: Option<String>,
    /// MPI ranks.
    pub ranks: Option<u64>,
    /// Client nodes.
    pub nodes: Option<u64>,
    /// Local time of the start, as the source wrote it.
    pub started: Option<String>,
    /// Local time of the end, as the source wrote it.
    pub ended: Option<String>,
    /// Why the run ended early, in words; none for a run that reached its end.
    pub ending: Option<String>,
    /// The score, when the run got that far.
    pub score: Option<Score>,
    /// The verdicts on the run as a whole: the official one, and the strict one where it was given.
    pub verdicts: Vec<Verdict>,
    /// The phases in the order of the run.
    pub phases: Vec<Phase>,
    /// What the numbers were measured with and on.
    pub provenance: Vec<Fact>,
    /// Every option with a value, and where the value came from.
    pub configuration: Vec<Setting>,
    /// Figures that do not follow from the others as they must, in sentences: the directory was changed after the run, or damaged.
    pub contradictions: Vec<String>,
    /// What the figures say of the run as a whole.
    pub diagnosis: Vec<Sentence>,
    /// What the source does not say, in sentences.
    pub missing: Vec<String>,
    /// What libdaos counted on the clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_metrics: Option<ClientMetrics>,
    /// The nodes, once for each kind of node; empty when not recorded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub machines: Vec<Machine>,
    /// What an audit found on them before the first phase; none when nobody looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<Audit>,
}

/// A sentence of the diagnosis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sentence {
    /// The rule that says it: `subject.what`.
    pub rule: String,
    /// What it says.
    pub words: String,
    /// What to try next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The score of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Score {
    /// As the source printed it.
    #[serde(flatten)]
    pub means: Means,
    /// The score hash.
    pub hash: Option<String>,
    /// The score of the extended mode, which takes in the optional phases.
    pub extended: Option<ExtendedScore>,
    /// What the score would have been without the wear-out; none where the source does not tell it from sync and close.
    pub without_wear_out: Option<Means>,
    /// What the score would have been with the rates at the stonewall: before wear-out, sync and close.
    pub at_stonewall: Option<Means>,
}

/// The score of the extended mode.
#[derive(Debug, Clone, Serialize)]
pub struct ExtendedScore {
    /// As the source printed it.
    #[serde(flatten)]
    pub means: Means,
    /// Its hash.
    pub hash: Option<String>,
    /// Whether the optional phases are valid too.
    pub valid: bool,
}

/// One verdict.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// `official` or `strict`.
    pub name: String,
    /// Whether the run (or phase) passed.
    pub valid: bool,
    /// Why not.
    pub reasons: Vec<String>,
}

/// One phase.
#[derive(Debug, Clone, Serialize)]
pub struct Phase {
    /// Which.
    pub id: PhaseId,
    /// The figure that is scored, in [`PhaseId::unit`].
    pub rate: f64,
    /// GiB/s or kIOPS.
    pub unit: &'static str,
    /// Whether the phase counts in the standard score.
    pub scored: bool,
    /// The time the rate was computed with.
    pub seconds: Option<f64>,
    /// Local time of the start.
    pub started: Option<String>,
    /// Seconds since the start of the run.
    pub offset_seconds: Option<f64>,
    /// Time the phase took, preparation included.
    pub wall_seconds: Option<f64>,
    /// Whether it passed the official rules.
    pub valid: bool,
    /// Why it did not, and doubts of the strict verdict.
    pub reasons: Vec<String>,
    /// What verification found wrong, in words; none also where nothing was verified.
    pub fault: Option<String>,
    /// What the time was made of, means over the ranks; none when not recorded.
    pub parts: Option<PartsResult>,
    /// What happened at the stonewall, in write phases.
    pub stonewall: Option<Stonewall>,
    /// Each rank's figures; empty when not recorded.
    pub ranks: Vec<RankFigures>,
    /// Who set the phase's time; none when the ranks' times are not recorded.
    pub stragglers: Option<super::spread::Stragglers>,
    /// Latency per kind of operation; empty when not recorded.
    pub latency: Vec<Latency>,
    /// What the figures say of the phase.
    pub diagnosis: Vec<Sentence>,
    /// What went on over time; none when not recorded.
    pub series: Option<Series>,
    /// Storage options in force: API, object classes, transfer size.
    pub storage: Vec<Fact>,
    /// Everything else the source tells: found files, wear-out counts, open and close times.
    pub facts: Vec<Fact>,
    /// What the servers told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub servers: Option<ServersResult>,
    /// What the phase could not exceed on its job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roof: Option<PhaseRoof>,
    /// What the nodes' own counters say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<NodesActivity>,
}

/// What the ranks had done when the stonewall was hit.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Stonewall {
    /// The configured time.
    pub setting_seconds: Option<f64>,
    /// When the ranks stopped counting, in seconds since the phase's start.
    pub seconds: Option<f64>,
    /// The rate at that moment, in the phase's unit.
    pub rate: Option<f64>,
    /// Fewest operations of a rank.
    pub min: Option<f64>,
    /// Mean operations of the ranks.
    pub mean: Option<f64>,
    /// Most operations of a rank: what every rank then had to reach.
    pub max: Option<f64>,
    /// How long the slowest rank then took to catch up; none where the source does not tell it from sync and close.
    pub wear_out_seconds: Option<f64>,
    /// The rate without the wear-out, likewise.
    pub rate_without_wear_out: Option<f64>,
    /// Time after the stonewall: wear-out, sync and close.
    pub after_seconds: Option<f64>,
    /// The same as a share of the phase's time, 0 to 1.
    pub after_share: Option<f64>,
    /// The part of the rate that went with it: `1 - rate / rate at the stonewall`.
    pub rate_lost: Option<f64>,
}

/// One rank in one phase.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RankFigures {
    /// Its number.
    pub rank: u64,
    /// Its host name, or `node k` where only the placement is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The time its part of the phase took, when recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Operations done, when recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operations: Option<f64>,
    /// Bytes moved, when recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<f64>,
    /// Operations done when the stonewall was hit, when recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_stonewall: Option<f64>,
}

/// The latency of one kind of operation in one phase, in nanoseconds.
#[derive(Debug, Clone, Serialize)]
pub struct Latency {
    /// `create`, `write`, `stat`, …
    pub operation: String,
    /// Operations measured.
    pub count: u64,
    /// Shortest.
    pub min: u64,
    /// Mean.
    pub mean: f64,
    /// Median.
    pub p50: u64,
    /// 90th percentile.
    pub p90: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p999: u64,
    /// 99.99th percentile.
    pub p9999: u64,
    /// Longest.
    pub max: u64,
    /// The distribution as points (percentile 0 to 100, nanoseconds), rising.
    pub percentiles: Vec<(f64, u64)>,
    /// The nodes, longest 99th percentile first; empty when not recorded.
    pub nodes: Vec<NodeLatency>,
}

/// The latency of one kind of operation on one node, in nanoseconds.
#[derive(Debug, Clone, Serialize)]
pub struct NodeLatency {
    /// Its name.
    pub host: String,
    /// Operations of its ranks.
    pub count: u64,
    /// Median.
    pub p50: u64,
    /// 99th percentile.
    pub p99: u64,
    /// Longest.
    pub max: u64,
}

/// A phase in equal intervals.
#[derive(Debug, Clone, Serialize)]
pub struct Series {
    /// Length of an interval.
    pub interval_seconds: f64,
    /// Rate per interval in the phase's unit; none for a last interval too short to have one.
    pub rate: Vec<Option<f64>>,
    /// 99th percentile of the latency per interval, nanoseconds; none where nothing completed.
    pub p99: Vec<Option<u64>>,
    /// When the first rank stopped for the stonewall.
    pub stonewall_seconds: Option<f64>,
    /// When all ranks had met there; wear-out goes from here to the end.
    pub wear_out_seconds: Option<f64>,
    /// When the last rank was done, within the last interval.
    pub end_seconds: f64,
    /// Stability in words and figures: drift, variation, longest stall, slowest window.
    pub stability: Vec<Fact>,
}

/// A name and a value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fact {
    /// What.
    pub name: String,
    /// Its value, unit included.
    pub value: String,
}

impl Fact {
    /// A fact.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Fact { name: name.into(), value: value.into() }
    }
}

/// One option of the configuration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Setting {
    /// Its section.
    pub section: String,
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Where the value came from.
    pub origin: String,
}

impl Run {
    /// `valid` or `INVALID`, and that the file only says so where its figures contradict each other.
    pub fn verdict_words(&self, verdict: &Verdict) -> String {
        let word = if verdict.valid { "valid" } else { "INVALID" };
        format!("{word}{}", if self.contradictions.is_empty() { "" } else { ", as printed" })
    }

    /// A warning where the figures contradict each other.
    pub fn warning(&self) -> Option<String> {
        let first = self.contradictions.first()?;
        let more = match self.contradictions.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        Some(format!("the figures contradict each other, so they are not what was measured: {first}{more}"))
    }

    /// The value of an option, where the configuration is known.
    pub fn setting(&self, section: &str, option: &str) -> Option<String> {
        let wanted = |setting: &&Setting| {
            setting.section.eq_ignore_ascii_case(section) && setting.name.eq_ignore_ascii_case(option)
        };
        self.configuration.iter().find(wanted).map(|setting| setting.value.clone())
    }

    /// The phase, if the run has it.
    pub fn phase(&self, id: PhaseId) -> Option<&Phase> {
        self.phases.iter().find(|phase| phase.id == id)
    }
}

impl Phase {
    /// An empty phase.
    pub fn new(id: PhaseId) -> Self {
        Phase {
            id,
            rate: 0.0,
            unit: id.unit(),
            scored: id.standard_group() != ScoreGroup::None,
            seconds: None,
            started: None,
            offset_seconds: None,
            wall_seconds: None,
            valid: true,
            reasons: Vec::new(),
            fault: None,
            parts: None,
            stonewall: None,
            ranks: Vec::new(),
            stragglers: None,
            latency: Vec::new(),
            diagnosis: Vec::new(),
            series: None,
            storage: Vec::new(),
            facts: Vec::new(),
            servers: None,
            roof: None,
            nodes: None,
        }
    }
}
