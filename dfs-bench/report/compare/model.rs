//! What a comparison finds.

use super::differences::Change;
use super::stats::Basis;
use io500_phases::phase_id::PhaseId;
use serde::Serialize;

/// A whole comparison.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// Runs whose figures contradict each other, in sentences: what follows may weigh what nobody measured.
    pub warnings: Vec<String>,
    /// The first group, which the others are measured against.
    pub baseline: Side,
    /// Each other group against it.
    pub versus: Vec<Versus>,
    /// Outliers of each group.
    pub outliers: Vec<Outlier>,
    /// What was tested for outliers; none where no group has the three runs that it takes.
    pub outlier_test: Option<&'static str>,
}

/// A group of runs.
#[derive(Debug, Serialize)]
pub struct Side {
    /// Its name.
    pub label: String,
    /// The names of its runs.
    pub runs: Vec<String>,
}

/// One group against the baseline.
#[derive(Debug, Serialize)]
pub struct Versus {
    /// The group.
    pub side: Side,
    /// The figures people quote.
    pub headline: Option<Headline>,
    /// Score, means and phases.
    pub lines: Vec<Line>,
    /// Scored phases that every run of the baseline has a rate for, and not every run of this group.
    pub lost: Vec<PhaseId>,
    /// Verdicts that every run of the baseline passed, and not every run of this group, in sentences.
    pub newly_invalid: Vec<String>,
    /// Faults that verification found in this group, in sentences.
    pub faults: Vec<String>,
    /// Why the comparison is to be taken with care.
    pub concerns: Vec<Concern>,
    /// What differed besides the results.
    pub differences: Vec<Change>,
}

/// One figure on both sides.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// `score`, `bandwidth`, `metadata`, `extended score` or a phase.
    pub name: String,
    /// The phase, for a phase.
    pub phase: Option<PhaseId>,
    /// Its unit.
    pub unit: &'static str,
    /// Whether it is, or enters, the score.
    pub scored: bool,
    /// The baseline's values.
    pub a: Sample,
    /// The other group's.
    pub b: Sample,
    /// Geometric mean of `b` over that of `a`.
    pub ratio: f64,
    /// What the true ratio lies between at 95 %.
    pub interval: Option<(f64, f64)>,
    /// The probability of such a difference by chance.
    pub p: Option<f64>,
    /// The same, knowing what else was looked at: of a phase all phases of all groups, of a mean that mean of all groups.
    pub p_adjusted: Option<f64>,
    /// Where interval and probability come from.
    pub basis: Basis,
    /// The finding.
    pub finding: Finding,
    /// The finding in a sentence.
    pub words: String,
}

/// The values of a group.
#[derive(Debug, Clone, Serialize)]
pub struct Sample {
    /// Geometric mean.
    pub mean: f64,
    /// Coefficient of variation; none for a single run.
    pub variation: Option<f64>,
    /// The values, in the order of the runs.
    pub values: Vec<f64>,
}

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// Significantly faster.
    Faster,
    /// Significantly slower.
    Slower,
    /// Significantly faster by itself, but not after correcting for multiple comparisons.
    ProbablyFaster,
    /// Significantly slower by itself, but not after correcting for multiple comparisons.
    ProbablySlower,
    /// The groups differ by no more than run-to-run noise.
    NoDifferenceSeen,
    /// Nothing was repeated.
    Unknown,
}

impl Finding {
    /// For a table.
    pub fn words(self) -> &'static str {
        match self {
            Finding::Faster => "faster",
            Finding::Slower => "slower",
            Finding::ProbablyFaster => "probably faster",
            Finding::ProbablySlower => "probably slower",
            Finding::NoDifferenceSeen => "no significant difference",
            Finding::Unknown => "not repeated",
        }
    }
}

/// The quotable ratios of a comparison.
#[derive(Debug, Clone, Serialize)]
pub struct Headline {
    /// Ratio of the bandwidth means.
    pub bandwidth: Option<f64>,
    /// Ratio of the metadata means.
    pub metadata: Option<f64>,
    /// Ratio of the scores.
    pub score: Option<f64>,
    /// The scored phase with the highest ratio.
    pub best: (PhaseId, f64),
    /// The scored phase with the lowest ratio.
    pub worst: (PhaseId, f64),
    /// Those of these figures whose difference is within run-to-run noise, by name.
    pub within_noise: Vec<String>,
}

/// A caveat.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Concern {
    /// Whether the comparison is refused without `--force`.
    pub refuses: bool,
    /// In a sentence.
    pub words: String,
}

/// A run that is an outlier in one figure.
#[derive(Debug, Clone, Serialize)]
pub struct Outlier {
    /// Its group.
    pub group: String,
    /// The run.
    pub run: String,
    /// `score` or a phase.
    pub name: String,
    /// The phase; none for the score.
    pub phase: Option<PhaseId>,
    /// Its rate over the geometric mean of the other runs.
    pub ratio: f64,
    /// In a sentence.
    pub words: String,
}
