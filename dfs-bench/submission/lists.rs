//! The lists of IO500, and whether a submission is ready for each.

use super::check::{Check, Outcome, Scope};
use serde::Serialize;

/// A list, and which rules hold there.
const LISTS: [(&str, &[Scope]); 4] = [
    ("research", &[Scope::Every]),
    ("production", &[Scope::Every, Scope::Production]),
    ("10-node research", &[Scope::Every, Scope::TenNodes]),
    ("10-node production", &[Scope::Every, Scope::TenNodes, Scope::Production]),
];

/// Whether a submission is ready for a list.
#[derive(Debug, Serialize)]
pub struct Readiness {
    /// The list.
    pub list: &'static str,
    /// Nothing speaks against it; open questions are the submitter's to answer.
    pub ready: bool,
    /// The checks that failed.
    pub failed: Vec<&'static str>,
    /// The checks that the submitter has to answer.
    pub open: Vec<&'static str>,
}

/// The readiness for each list.
pub fn of(checks: &[Check]) -> Vec<Readiness> {
    let list = |(list, scopes): &(&'static str, &[Scope])| {
        let of = |outcome| {
            let ours = checks.iter().filter(|check| scopes.contains(&check.scope) && check.outcome == outcome);
            ours.map(|check| check.id).collect::<Vec<_>>()
        };
        let failed = of(Outcome::Failed);
        Readiness { list, ready: failed.is_empty(), failed, open: of(Outcome::Open) }
    };
    LISTS.iter().map(list).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: &'static str, scope: Scope, outcome: Outcome) -> Check {
        Check { id, scope, outcome, reasons: vec!["x".into()], action: None, source: "x" }
    }

    #[test]
    fn a_rule_counts_for_its_lists_only() {
        let checks = [
            check("valid", Scope::Every, Outcome::Passed),
            check("ten-nodes", Scope::TenNodes, Outcome::Failed),
            check("production-use", Scope::Production, Outcome::Open),
        ];
        let ready: Vec<bool> = of(&checks).iter().map(|list| list.ready).collect();
        assert_eq!(ready, [true, true, false, false]);
        assert_eq!(of(&checks)[1].open, ["production-use"]);
        let failed = [check("valid", Scope::Every, Outcome::Failed)];
        assert!(of(&failed).iter().all(|list| !list.ready));
    }
}
