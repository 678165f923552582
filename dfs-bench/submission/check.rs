//! A check of a submission: the rule, the function that looks, and what it found.

use super::subject::Subject;
use serde::Serialize;

/// The lists that a rule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Every list.
    Every,
    /// The awards: at least ten client nodes.
    Awards,
    /// The lists of exactly ten client nodes.
    TenNodes,
    /// The production lists.
    Production,
}

/// What became of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The rule is kept.
    Passed,
    /// It is not.
    Failed,
    /// The files do not tell: the submitter has to.
    Open,
}

/// A rule and the function that looks.
pub struct Rule {
    /// Its name here.
    pub id: &'static str,
    /// Where it holds.
    pub scope: Scope,
    /// Who says so.
    pub source: &'static str,
    /// What to do when it is not kept, or not known to be.
    pub action: &'static str,
    /// Looks.
    pub look: fn(&Subject) -> Found,
}

/// What a look found.
#[derive(Debug, PartialEq)]
pub struct Found {
    pub outcome: Outcome,
    pub reasons: Vec<String>,
}

impl Found {
    /// The rule is kept, as these words show.
    pub fn passed(reason: impl Into<String>) -> Found {
        Found { outcome: Outcome::Passed, reasons: vec![reason.into()] }
    }

    /// The rule is not kept.
    pub fn failed(reason: impl Into<String>) -> Found {
        Found { outcome: Outcome::Failed, reasons: vec![reason.into()] }
    }

    /// Nobody can tell.
    pub fn open(reason: impl Into<String>) -> Found {
        Found { outcome: Outcome::Open, reasons: vec![reason.into()] }
    }

    /// Kept where nothing speaks against it.
    pub fn unless(against: Vec<String>, passed: impl FnOnce() -> String) -> Found {
        match against.is_empty() {
            true => Found::passed(passed()),
            false => Found { outcome: Outcome::Failed, reasons: against },
        }
    }
}

/// One check of one submission.
#[derive(Debug, Serialize)]
pub struct Check {
    /// The rule's name.
    pub id: &'static str,
    /// The lists that it is for.
    pub scope: Scope,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, one sentence each.
    pub reasons: Vec<String>,
    /// What to do; none where the rule is kept.
    pub action: Option<&'static str>,
    /// Who asks for it.
    pub source: &'static str,
}
