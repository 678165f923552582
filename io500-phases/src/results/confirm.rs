//! Verification of a result: is the score what the phases give, and do the hashes fit?

use super::doubts;
use super::eras::{config_hashes, random_phase_is_scored};
use super::material::Material;
use super::official::{OfficialPhase, OfficialResult, OfficialScore, Summary};
use super::score::{geometric_mean, in_extended_hash};
use crate::config::key_value_hash;
use crate::phase_id::ScoreGroup;
use serde::Serialize;

/// What became of one claim of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// It is right.
    Confirmed,
    /// It is wrong.
    Refuted,
    /// The files do not tell.
    Absent,
}

/// One claim: what became of it and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Claim {
    /// What became of it.
    pub finding: Finding,
    /// Printed and computed values, or the reason.
    pub detail: String,
}

impl Claim {
    fn confirmed(detail: impl Into<String>) -> Self {
        Claim { finding: Finding::Confirmed, detail: detail.into() }
    }

    fn refuted(detail: impl Into<String>) -> Self {
        Claim { finding: Finding::Refuted, detail: detail.into() }
    }

    fn absent(detail: impl Into<String>) -> Self {
        Claim { finding: Finding::Absent, detail: detail.into() }
    }
}

/// Why a phase, or the run, is invalid according to the file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Invalid {
    /// The phase; none for the run.
    pub phase: Option<String>,
    /// The reasons.
    pub reasons: Vec<String>,
}

/// The whole verification.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Verification {
    /// The version that wrote the result.
    pub version: Option<String>,
    /// `standard` or `extended`, where printed.
    pub mode: Option<String>,
    /// Whether the file calls the run valid; none without a score.
    pub valid: Option<bool>,
    /// The means and the score follow from the phases.
    pub score: Claim,
    /// The hash under the score.
    pub score_hash: Claim,
    /// The means and the score of the extended mode.
    pub extended_score: Option<Claim>,
    /// The hash under the extended score.
    pub extended_hash: Option<Claim>,
    /// The hash of the configuration.
    pub config_hash: Claim,
    /// What the file itself says against the run.
    pub invalid: Vec<Invalid>,
    /// What the C suite does not check and the strict verdict does.
    pub doubts: Vec<String>,
}

impl Verification {
    /// No claim is wrong. Missing ones do not count.
    pub fn holds(&self) -> bool {
        let all = [Some(&self.score), Some(&self.score_hash), Some(&self.config_hash)];
        let extended = [self.extended_score.as_ref(), self.extended_hash.as_ref()];
        all.into_iter().chain(extended).flatten().all(|claim| claim.finding != Finding::Refuted)
    }
}

/// What a summary lacks.
const ONLY_SUMMARY: &str = "there is only a summary: no hashes, no number of ranks, no configuration, no reasons; that the score \
                            follows from the phases is all that can be confirmed";

/// Verifies a result.
#[doc(alias = "u_verify_result_files")]
pub fn verify(material: &Material) -> Verification {
    let result = OfficialResult::parse(&material.result);
    let summary = material.summary.as_deref().map(Summary::parse);
    let run_reasons = Invalid { phase: None, reasons: result.reasons.clone() };
    let of_phase = |phase: &OfficialPhase| Invalid { phase: Some(phase.name.clone()), reasons: phase.reasons.clone() };
    let invalid = std::iter::once(run_reasons).chain(result.phases.iter().map(of_phase));
    let half = if material.only_summary && result.version().is_none() { HALF_OF_SCRIPTS } else { HALF };
    let mut doubts = doubts::doubts(&result, summary.as_ref(), material);
    if material.only_summary {
        doubts.push(ONLY_SUMMARY.to_owned());
    }
    Verification {
        version: result.version().map(str::to_owned),
        mode: result.run.get("mode").cloned(),
        valid: result.score.as_ref().map(|score| !score.invalid),
        score: result.score.as_ref().map_or_else(no_score, |score| check_score(&result, score, false, half)),
        score_hash: result.score.as_ref().map_or_else(no_score, |score| check_hash(&result, score, summary.as_ref())),
        extended_score: result.extended.as_ref().map(|score| check_score(&result, score, true, half)),
        extended_hash: result.extended.as_ref().map(|score| check_extended_hash(&result, score)),
        config_hash: check_config(&result, material),
        invalid: invalid.filter(|invalid| !invalid.reasons.is_empty()).collect(),
        doubts,
    }
}

fn no_score() -> Claim {
    Claim::absent("result.txt has no [SCORE]: the run did not finish")
}

/// Half a unit of the last printed decimal.
const HALF: f64 = 0.500001e-6;

/// The same in the summaries of the suite of scripts, which has no version and prints three decimals.
const HALF_OF_SCRIPTS: f64 = 0.500001e-3;

/// The printed means and total lie where the printed scores of the phases, each rounded to six decimals, allow.
fn check_score(result: &OfficialResult, score: &OfficialScore, extended: bool, half: f64) -> Claim {
    let numbers = [&score.bw, &score.md, &score.total].map(|text| text.parse::<f64>().ok());
    let [Some(bw), Some(md), Some(total)] = numbers else {
        return Claim::refuted(format!("no numbers: BW {:?}, MD {:?}, SCORE {:?}", score.bw, score.md, score.total));
    };
    let group = |wanted: ScoreGroup| -> Vec<f64> {
        let of = |phase: &OfficialPhase| match phase.phase {
            Some(phase) if extended => phase.extended_group(),
            Some(phase) => phase.standard_group(),
            None if extended && random_phase_is_scored(result.version(), &phase.name) => ScoreGroup::Bandwidth,
            None => ScoreGroup::None,
        };
        let phases = result.phases.iter().filter(|phase| of(phase) == wanted);
        phases.filter_map(OfficialPhase::score).filter(|&score| score > 0.0).collect()
    };
    let mean = |values: &[f64], shift: f64| geometric_mean(values.iter().map(|value| value + shift));
    let mut wrong = Vec::new();
    for (name, values, printed) in [("BW", group(ScoreGroup::Bandwidth), bw), ("MD", group(ScoreGroup::Metadata), md)] {
        if printed + half < mean(&values, -half) || printed - half > mean(&values, half) {
            let exact = mean(&values, 0.0);
            wrong.push(format!("{name} is printed as {printed:.6}, the {} phases give {exact:.6}", values.len()));
        }
    }
    let at = |shift: f64| ((bw + shift).max(0.0) * (md + shift).max(0.0)).sqrt();
    if total + half < at(-half) || total - half > at(half) {
        wrong.push(format!("SCORE is printed as {total:.6}, BW and MD give {:.6}", at(0.0)));
    }
    match wrong.is_empty() {
        true => Claim::confirmed(format!("BW {} GiB/s, MD {} kIOPS, SCORE {}", score.bw, score.md, score.total)),
        false => Claim::refuted(wrong.join("; ")),
    }
}

/// The sets of values that versions of the suite hashed under the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fields {
    /// All phases with a score instead of the scored standard ones.
    every_phase: bool,
    /// The means besides the total.
    means: bool,
    how: &'static str,
}

const FIELDS: [Fields; 4] = [
    Fields { every_phase: false, means: true, how: "version, the scored phases, the means and the score" },
    Fields { every_phase: false, means: false, how: "without the means, as io500-isc21_v1 did" },
    Fields { every_phase: true, means: true, how: "with the phases that are not in the score" },
    Fields { every_phase: true, means: false, how: "with the phases that are not in the score and without the means" },
];

impl Fields {
    fn has(self, phase: &OfficialPhase) -> bool {
        self.every_phase || phase.phase.is_some_and(|phase| phase.standard_group() != ScoreGroup::None)
    }

    /// The hash for a valid run.
    fn hash(self, result: &OfficialResult, score: &OfficialScore) -> u32 {
        let version = key_value_hash("version", result.version().unwrap_or(""));
        let phases = result.phases.iter().filter(|phase| self.has(phase));
        let hash = phases
            .filter_map(|phase| Some(key_value_hash(&phase.name, phase.score_text()?)))
            .fold(version ^ key_value_hash("SCORE", &score.total), |hash, phase| hash ^ phase);
        let means = key_value_hash("MD", &score.md) ^ key_value_hash("BW", &score.bw);
        if self.means { hash ^ means } else { hash }
    }
}

fn invalid_hash() -> u32 {
    key_value_hash("valid", "NO")
}

fn printed_hash(text: Option<&str>) -> Result<u32, Claim> {
    let text = text.ok_or_else(|| Claim::absent("no hash is printed"))?;
    u32::from_str_radix(text, 16).map_err(|_| Claim::refuted(format!("{text:?} is not a hash")))
}

fn verdict(valid: bool) -> &'static str {
    if valid { "a valid run" } else { "an invalid run" }
}

fn check_hash(result: &OfficialResult, score: &OfficialScore, summary: Option<&Summary>) -> Claim {
    let printed = match printed_hash(score.hash.as_deref()) {
        Ok(printed) => printed,
        Err(claim) => return claim,
    };
    for fields in FIELDS {
        let hash = fields.hash(result, score);
        for (valid, hash) in [(true, hash), (false, hash ^ invalid_hash())] {
            if hash != printed {
                continue;
            }
            let says = !score.invalid;
            if valid != says {
                let (of, mark) = (verdict(valid), if says { "lacks" } else { "has" });
                return Claim::refuted(format!(
                    "{printed:X} is the hash of {of}, but the score {mark} the mark [INVALID]"
                ));
            }
            return Claim::confirmed(format!("{printed:X}, {}: {}", verdict(valid), fields.how));
        }
    }
    Claim::refuted(explain(result, score, summary, printed))
}

/// Looks for the one change that would explain a hash that does not fit.
fn explain(result: &OfficialResult, score: &OfficialScore, summary: Option<&Summary>, printed: u32) -> String {
    let fits = |hash: u32| hash == printed || hash ^ invalid_hash() == printed;
    for fields in FIELDS {
        let hash = fields.hash(result, score);
        let without_version = hash ^ key_value_hash("version", result.version().unwrap_or(""));
        if fits(without_version) || fits(without_version ^ key_value_hash("version", "")) {
            return format!("{printed:X} fits with an empty version: the version was changed after the run");
        }
        for phase in result.phases.iter().filter(|phase| fields.has(phase)) {
            let Some(text) = phase.score_text() else { continue };
            let without = hash ^ key_value_hash(&phase.name, text);
            if fits(without) {
                return format!("{printed:X} fits without {}: its section was added after the run", phase.name);
            }
            let zero = key_value_hash(&phase.name, "0.000000");
            if fits(without ^ zero) {
                return format!("{printed:X} fits with a score of 0 for {}: it was changed after the run", phase.name);
            }
            let summarised = summary.and_then(|summary| summary.phases.get(&phase.name));
            if let Some((other, _)) =
                summarised.filter(|(other, _)| other != text && fits(without ^ key_value_hash(&phase.name, other)))
            {
                let name = &phase.name;
                return format!(
                    "{printed:X} fits with result_summary.txt's score of {name}, {other}: {text} was changed after the run"
                );
            }
        }
    }
    let expected = FIELDS[0].hash(result, score) ^ if score.invalid { invalid_hash() } else { 0 };
    format!(
        "{printed:X} is printed, version, phases and means give {expected:X}: more than one value, or one that is printed \
         nowhere else, was changed after the run"
    )
}

fn check_extended_hash(result: &OfficialResult, score: &OfficialScore) -> Claim {
    let printed = match printed_hash(score.hash.as_deref()) {
        Ok(printed) => printed,
        Err(claim) => return claim,
    };
    let optional = |phase: &&OfficialPhase| match phase.phase {
        Some(phase) => in_extended_hash(phase),
        None => random_phase_is_scored(result.version(), &phase.name),
    };
    let total = key_value_hash("SCORE", &score.total);
    let phases = result.phases.iter().filter(optional);
    let hash = phases
        .filter_map(|phase| Some(key_value_hash(&phase.name, phase.score_text()?)))
        .fold(total, |hash, phase| hash ^ phase);
    let means = key_value_hash("MD", &score.md) ^ key_value_hash("BW", &score.bw);
    for (hash, how) in [(hash ^ means, "optional phases, means and score"), (hash, "without the means")] {
        for (valid, hash) in [(true, hash), (false, hash ^ invalid_hash())] {
            if hash == printed && valid != score.invalid {
                return Claim::confirmed(format!("{printed:X}, {}: {how}", verdict(valid)));
            }
        }
    }
    let expected = hash ^ means ^ if score.invalid { invalid_hash() } else { 0 };
    Claim::refuted(format!("{printed:X} is printed, the optional phases, means and score give {expected:X}"))
}

fn check_config(result: &OfficialResult, material: &Material) -> Claim {
    let printed = match printed_hash(result.run.get("config-hash").map(String::as_str)) {
        Ok(printed) => printed,
        Err(claim) => return claim,
    };
    for (name, text) in &material.configs {
        if let Some(candidate) = config_hashes(text).into_iter().find(|candidate| candidate.hash == printed) {
            return Claim::confirmed(format!("{printed:X}, {name}, {}", candidate.how));
        }
    }
    match material.configs.first() {
        None => Claim::absent(format!("{printed:X} is printed, but there is no configuration file")),
        Some((name, text)) => {
            let hash = config_hashes(text).first().map_or(0, |candidate| candidate.hash);
            Claim::refuted(format!(
                "{printed:X} is printed, {name} gives {hash:X}, and the defaults of no version explain the difference: it is \
                 not the configuration of this run"
            ))
        }
    }
}
