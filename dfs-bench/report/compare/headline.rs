//! The figures that tuning reports quote: bandwidth ×, IOPS ×, score ×, best phase ×.

use super::model::{Finding, Headline, Line};
use crate::report::figures::times;

/// The headline of these lines; none when no scored phase is common.
pub fn of(lines: &[Line]) -> Option<Headline> {
    let line = |name: &str| lines.iter().find(|line| line.name == name);
    let ratio = |name: &str| line(name).map(|line| line.ratio);
    let phases = || lines.iter().filter(|line| line.scored).filter_map(|line| Some((line.phase?, line.ratio)));
    let best = phases().max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    let worst = phases().min_by(|(_, a), (_, b)| a.total_cmp(b))?;
    let names = ["bandwidth", "metadata", "score", best.0.name(), worst.0.name()];
    let noise = |name: &&str| line(name).is_some_and(|line| line.finding == Finding::NoDifferenceSeen);
    Some(Headline {
        bandwidth: ratio("bandwidth"),
        metadata: ratio("metadata"),
        score: ratio("score"),
        best,
        worst,
        within_noise: names.into_iter().filter(noise).map(str::to_owned).collect(),
    })
}

/// A figure of the headline.
pub struct Figure {
    /// What it is.
    pub name: String,
    /// Its value.
    pub value: String,
    /// False where the difference is within run-to-run noise.
    pub certain: bool,
}

impl Headline {
    /// Its figures.
    pub fn figures(&self) -> Vec<Figure> {
        let certain = |name: &str| !self.within_noise.iter().any(|noise| noise == name);
        let means = [
            ("bandwidth", "bandwidth", self.bandwidth),
            ("IOPS", "metadata", self.metadata),
            ("score", "score", self.score),
        ];
        let figure =
            |shown: String, name: &str, ratio| Figure { name: shown, value: times(ratio), certain: certain(name) };
        let means = means.into_iter().filter_map(|(shown, name, ratio)| Some(figure(shown.to_owned(), name, ratio?)));
        let phases = [("best", self.best), ("worst", self.worst)];
        let phases = phases.map(|(which, (id, ratio))| figure(format!("{which} phase ({id})"), id.name(), ratio));
        means.chain(phases).collect()
    }

    /// All figures in one line; those within noise in brackets.
    pub fn words(&self) -> String {
        let shown = |figure: Figure| match figure.certain {
            true => format!("{} {}", figure.name, figure.value),
            false => format!("({} {}: no significant difference)", figure.name, figure.value),
        };
        self.figures().into_iter().map(shown).collect::<Vec<_>>().join(", ")
    }
}
