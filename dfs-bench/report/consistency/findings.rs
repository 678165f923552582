//! Collects inconsistencies, one sentence each.

use std::fmt::Display;

/// The contradictions of one result.
#[derive(Debug, Default)]
pub struct Findings {
    sentences: Vec<String>,
}

impl Findings {
    /// A figure as it stands there and as others give it, equal to `tolerance`, a share of it.
    pub fn equal(&mut self, place: impl Display, what: &str, found: f64, derived: f64, tolerance: f64) {
        // the absolute part is for figures that are 0 but for rounding; what is not a number equals nothing
        let equal = (found - derived).abs() <= tolerance * derived.abs().max(found.abs()) + 1e-9;
        self.holds(equal, || format!("{place}: {what} is {found}, and the other figures give {derived}"));
    }

    /// A count likewise.
    pub fn same(&mut self, place: impl Display, what: &str, found: u64, derived: u64) {
        self.holds(found == derived, || format!("{place}: {what} is {found}, and the other figures give {derived}"));
    }

    /// Something that has to hold; `sentence` says what is wrong if it does not.
    pub fn holds(&mut self, condition: bool, sentence: impl FnOnce() -> String) {
        if !condition {
            self.sentences.push(sentence());
        }
    }

    /// What was found.
    pub fn sentences(self) -> Vec<String> {
        self.sentences
    }
}
