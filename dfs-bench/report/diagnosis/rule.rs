//! What a rule of the diagnosis is, and what it says.

use crate::report::model::{Phase, Run};

/// A rule about single phases.
pub(super) struct PhaseRule {
    /// Stable: `subject.what`.
    pub id: &'static str,
    /// Looks at a phase of a run.
    pub look: fn(&Run, &Phase) -> Option<Diagnosed>,
}

/// A rule about the run as a whole.
pub(super) struct RunRule {
    /// Stable: `subject.what`.
    pub id: &'static str,
    /// Looks at a run whose phases are diagnosed.
    pub look: fn(&Run) -> Option<Diagnosed>,
}

/// What a rule says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Diagnosed {
    /// One or two sentences.
    pub words: String,
    /// What to try next.
    pub next: Option<String>,
}

impl Diagnosed {
    pub fn new(words: impl Into<String>) -> Diagnosed {
        Diagnosed { words: words.into(), next: None }
    }

    pub fn next(self, next: impl Into<String>) -> Diagnosed {
        Diagnosed { next: Some(next.into()), ..self }
    }
}
