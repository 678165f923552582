//! The score: geometric means, and the hashes that `result.txt` prints under it.

use super::run::{ExtendedScore, ScoreResult};
use crate::config::key_value_hash;
use crate::phase_id::{PhaseId, ScoreGroup};
use crate::units::c_double;

/// The means of a run and the score made of them.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Means {
    /// Geometric mean of the bandwidth phases, GiB/s.
    pub bandwidth: f64,
    /// Geometric mean of the metadata phases, kIOPS.
    pub metadata: f64,
    /// Square root of their product.
    pub total: f64,
}

/// The n-th root of the product of the positive ones of `values`; 0 when there is none.
pub fn geometric_mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (product, count) = values
        .into_iter()
        .filter(|&value| value > 0.0)
        .fold((1.0, 0u32), |(product, count), value| (product * value, count + 1));
    if count == 0 { 0.0 } else { product.powf(1.0 / f64::from(count)) }
}

/// The means over the phases of the standard score, or of the extended one. Phases without a positive rate are left out.
#[doc(alias = "calc_score")]
pub fn means(rates: &[(PhaseId, f64)], extended: bool) -> Means {
    let group = |wanted: ScoreGroup| {
        let belongs = move |phase: PhaseId| {
            let group = if extended { phase.extended_group() } else { phase.standard_group() };
            group == wanted
        };
        geometric_mean(rates.iter().filter(move |(phase, _)| belongs(*phase)).map(|&(_, rate)| rate))
    };
    let (bandwidth, metadata) = (group(ScoreGroup::Bandwidth), group(ScoreGroup::Metadata));
    Means { bandwidth, metadata, total: (bandwidth * metadata).sqrt() }
}

/// The hash under the score: over the version, the rates of the scored standard phases, the means, the total, and whether
/// the run is invalid.
pub fn score_hash(version: &str, rates: &[(PhaseId, f64)], means: &Means, valid: bool) -> u32 {
    let scored = rates.iter().filter(|(phase, _)| phase.standard_group() != ScoreGroup::None);
    key_value_hash("version", version) ^ rates_hash(scored) ^ tail_hash(means, valid)
}

/// The hash under the extended score: over the rates of the optional scored phases, the means, the total, and whether the
/// run is invalid; without the version.
pub fn extended_hash(rates: &[(PhaseId, f64)], means: &Means, valid: bool) -> u32 {
    rates_hash(rates.iter().filter(|(phase, _)| in_extended_hash(*phase))) ^ tail_hash(means, valid)
}

/// Whether a phase counts only in the extended score, and enters its hash.
pub fn in_extended_hash(phase: PhaseId) -> bool {
    phase.extended_group() != phase.standard_group()
}

fn rates_hash<'a>(rates: impl Iterator<Item = &'a (PhaseId, f64)>) -> u32 {
    rates.fold(0, |hash, (phase, rate)| hash ^ key_value_hash(phase.name(), &c_double(*rate)))
}

fn tail_hash(means: &Means, valid: bool) -> u32 {
    key_value_hash("MD", &c_double(means.metadata))
        ^ key_value_hash("BW", &c_double(means.bandwidth))
        ^ key_value_hash("SCORE", &c_double(means.total))
        ^ if valid { 0 } else { key_value_hash("valid", "NO") }
}

/// The whole score of a run. `rates` are the phases that ran; `extended` is, in extended mode, whether every phase is
/// valid, the optional ones too.
pub fn score(version: &str, rates: &[(PhaseId, f64)], valid: bool, extended: Option<bool>) -> ScoreResult {
    let standard = means(rates, false);
    ScoreResult {
        bandwidth: standard.bandwidth,
        metadata: standard.metadata,
        total: standard.total,
        hash: format!("{:X}", score_hash(version, rates, &standard, valid)),
        extended: extended.map(|valid| {
            let means = means(rates, true);
            ExtendedScore {
                bandwidth: means.bandwidth,
                metadata: means.metadata,
                total: means.total,
                hash: format!("{:X}", extended_hash(rates, &means, valid)),
                valid,
            }
        }),
        without_wear_out: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rates whose means are whole numbers.
    fn rates() -> Vec<(PhaseId, f64)> {
        let rate = |phase: PhaseId| match phase.standard_group() {
            ScoreGroup::Bandwidth => 16.0,
            ScoreGroup::Metadata => 4.0,
            ScoreGroup::None => 1000.0,
        };
        PhaseId::ALL.into_iter().filter(|phase| phase.in_standard()).map(|phase| (phase, rate(phase))).collect()
    }

    #[test]
    fn means_are_geometric_and_the_score_is_their_mean() {
        assert_eq!(geometric_mean([2.0, 8.0]), 4.0);
        assert_eq!(means(&rates(), false), Means { bandwidth: 16.0, metadata: 4.0, total: 8.0 });
    }

    #[test]
    fn phases_without_a_rate_are_left_out() {
        let mut some = rates();
        some.iter_mut().filter(|(phase, _)| *phase == PhaseId::IorHardRead).for_each(|(_, rate)| *rate = 0.0);
        some.retain(|(phase, _)| *phase != PhaseId::Find);
        let found = means(&some, false);
        assert!((found.bandwidth - 16.0).abs() < 1e-9 && (found.metadata - 4.0).abs() < 1e-9, "{found:?}");
        some.retain(|(phase, _)| phase.standard_group() != ScoreGroup::Bandwidth);
        let found = means(&some, false);
        assert_eq!((found.bandwidth, found.total), (0.0, 0.0));
        assert_eq!(means(&[], true), Means { bandwidth: 0.0, metadata: 0.0, total: 0.0 });
    }

    #[test]
    fn optional_phases_count_in_the_extended_means_only() {
        let mut all = rates();
        all.push((PhaseId::FindHard, 4.0_f64.powi(10)));
        assert_eq!(means(&all, false).metadata, 4.0);
        // Eight fours and one 4^10: the ninth root of 4^18.
        assert!((means(&all, true).metadata - 16.0).abs() < 1e-9);
    }

    #[test]
    fn the_hash_depends_on_the_verdict_and_every_scored_rate_but_not_on_others() {
        let rates = rates();
        let hash = |rates: &[(PhaseId, f64)], valid| score("v", rates, valid, None).hash;
        let valid = hash(&rates, true);
        assert_ne!(valid, hash(&rates, false));
        for index in 0..rates.len() {
            let mut changed = rates.clone();
            changed[index].1 += 1.0;
            assert_eq!(hash(&changed, true) != valid, changed[index].0.standard_group() != ScoreGroup::None);
        }
    }
}
