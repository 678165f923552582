//! The rungs of an adaptive campaign: how many cells are run for how long before the finalists are run in full. Pure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The stonewall of the rules, for campaigns that name none.
pub const FULL_STONEWALL: u32 = 300;

/// How an adaptive campaign comes to its finalists: successive halving over short stonewalls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Adaptive {
    /// Seconds of the stonewall in the first rung; a thirtieth of `stonewall` where it is not given.
    pub scout_stonewall: Option<u32>,
    /// One of so many cells goes on to the next rung, whose stonewall is so many times as long, `stonewall` at most.
    pub keep_one_of: u32,
    /// Cells that are run in full with repeats, besides the baseline.
    pub finalists: u32,
    /// The most cells in the first rung, drawn by the seed; all of them where it is not given.
    pub scouts: Option<u32>,
}

impl Default for Adaptive {
    fn default() -> Self {
        Adaptive { scout_stonewall: None, keep_one_of: 3, finalists: 4, scouts: None }
    }
}

/// One rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rung {
    /// Cells that are run in it, the baseline apart.
    pub cells: usize,
    /// Cells that go on.
    pub kept: usize,
    /// Seconds of the stonewall.
    pub stonewall: u32,
}

impl Adaptive {
    /// The rungs for so many cells besides the baseline and this stonewall of the final.
    pub fn rungs(&self, cells: usize, full: u32) -> Vec<Rung> {
        let mut left = cells.min(self.scouts.map_or(usize::MAX, |most| most as usize));
        let mut stonewall = self.scout_stonewall.unwrap_or(full / 30).clamp(1, full);
        let mut rungs = Vec::new();
        while left > self.finalists as usize {
            let kept = left.div_ceil(self.keep_one_of as usize).max(self.finalists as usize);
            rungs.push(Rung { cells: left, kept, stonewall });
            left = kept;
            stonewall = stonewall.saturating_mul(self.keep_one_of).min(full);
        }
        rungs
    }

    /// What makes the settings unusable.
    pub fn mistake(&self, full: u32) -> Option<String> {
        if self.keep_one_of < 2 {
            return Some("[adaptive] keep-one-of must be at least 2: else no cell is ever left behind".into());
        }
        if self.finalists == 0 {
            return Some("[adaptive] finalists = 0: nothing would be run in full".into());
        }
        let scout = self.scout_stonewall?;
        (scout == 0 || scout > full).then(|| {
            format!("[adaptive] scout-stonewall = {scout}: it must lie between 1 s and the stonewall, {full} s")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_become_fewer_and_runs_longer() {
        let rungs = Adaptive::default().rungs(499, 300);
        let words: Vec<_> = rungs.iter().map(|rung| (rung.cells, rung.stonewall)).collect();
        assert_eq!(words, [(499, 10), (167, 30), (56, 90), (19, 270), (7, 300)]);
        assert_eq!(rungs.last().unwrap().kept, 4);
        assert_eq!(Adaptive { scouts: Some(20), ..Adaptive::default() }.rungs(499, 300)[0].cells, 20);
        assert_eq!(Adaptive::default().rungs(4, 300), []);
    }

    #[test]
    fn settings_that_lead_nowhere_are_told() {
        let of = |adaptive: Adaptive| adaptive.mistake(300).unwrap_or_default();
        assert!(of(Adaptive { keep_one_of: 1, ..Adaptive::default() }).contains("keep-one-of"));
        assert!(of(Adaptive { finalists: 0, ..Adaptive::default() }).contains("finalists"));
        assert!(of(Adaptive { scout_stonewall: Some(301), ..Adaptive::default() }).contains("scout-stonewall"));
        assert_eq!(Adaptive::default().mistake(300), None);
    }
}
