//! The figures that tuning reports quote: bandwidth ×, IOPS ×, score ×, best phase ×.

use super::model::{Headline, Line};
use crate::report::figures::times;

/// The headline of these lines; none when no scored phase is common.
pub fn of(lines: &[Line]) -> Option<Headline> {
    let ratio = |name: &str| lines.iter().find(|line| line.name == name).map(|line| line.ratio);
    let phases = || lines.iter().filter(|line| line.scored).filter_map(|line| Some((line.phase?, line.ratio)));
    Some(Headline {
        bandwidth: ratio("bandwidth"),
        metadata: ratio("metadata"),
        score: ratio("score"),
        best: phases().max_by(|(_, a), (_, b)| a.total_cmp(b))?,
        worst: phases().min_by(|(_, a), (_, b)| a.total_cmp(b))?,
    })
}

impl Headline {
    /// Name and value of each figure.
    pub fn figures(&self) -> Vec<(String, String)> {
        let means = [("bandwidth", self.bandwidth), ("IOPS", self.metadata), ("score", self.score)];
        let mut figures: Vec<(String, String)> =
            means.into_iter().filter_map(|(name, ratio)| Some((name.to_owned(), times(ratio?)))).collect();
        figures.push((format!("best phase ({})", self.best.0), times(self.best.1)));
        figures.push((format!("worst phase ({})", self.worst.0), times(self.worst.1)));
        figures
    }

    /// All figures in one line.
    pub fn words(&self) -> String {
        self.figures().iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
    }
}
