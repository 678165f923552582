//! The result of the checks for people and for programs: text, JSON, and a page with the comparison.

use super::check::{Check, Outcome};
use super::lists::Readiness;
use super::ranking::Ranking;
use super::subject::Subject;
use super::system::Entry;
use crate::report::html;
use crate::report::tables::Table;
use anyhow::Result;
use minijinja::context;
use serde::Serialize;
use std::fmt::Write as _;

/// Everything that is told of a submission.
#[derive(Serialize)]
pub struct Told {
    /// The result directory.
    pub result: String,
    /// Who measured.
    pub measured_by: &'static str,
    /// This program measured: the list takes no such result.
    pub is_ours: bool,
    /// The lists.
    pub lists: Vec<Readiness>,
    /// The checks.
    pub checks: Vec<Check>,
    /// The attributes of the system.
    pub system: Vec<Entry>,
    /// The comparison with published results; none without a score.
    pub ranking: Option<Ranking>,
}

impl Told {
    /// Whether nothing speaks against the research list.
    pub fn is_ready(&self) -> bool {
        self.lists.first().is_some_and(|list| list.ready)
    }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "FAILED",
        Outcome::Open => "open",
    }
}

/// For a terminal.
pub fn text(told: &Told) -> String {
    let mut text = format!("{}: measured by the {}\n", told.result, told.measured_by);
    if told.is_ours {
        text += "A run of dfs-bench cannot be submitted; the checks say what the official run would be told.\n";
    }
    for list in &told.lists {
        let words = match (list.failed.len(), list.open.len()) {
            (0, 0) => "ready".to_owned(),
            (0, open) => format!("ready but for {open} questions that only you can answer"),
            _ => format!("not ready: {}", list.failed.join(", ")),
        };
        let _ = writeln!(text, "  {:<20} {words}", list.list);
    }
    for wanted in [Outcome::Failed, Outcome::Open, Outcome::Passed] {
        for check in told.checks.iter().filter(|check| check.outcome == wanted) {
            let mut reasons = check.reasons.iter();
            let first = reasons.next().map(String::as_str).unwrap_or_default();
            let _ = write!(text, "\n{:<7} {:<18} {first}", word(check.outcome), check.id);
            for reason in reasons {
                let _ = write!(text, "\n{:<26} {reason}", "");
            }
            if let Some(action) = check.action {
                let _ = write!(text, "\n{:<26} -> {action}", "");
            }
        }
    }
    let blanks = told.system.iter().filter(|entry| entry.value.is_none()).count();
    let _ = write!(
        text,
        "\n\nSystem information: {} attributes are known, {blanks} are left to you.\n",
        told.system.len() - blanks
    );
    if let Some(ranking) = &told.ranking {
        let _ = writeln!(text, "Among published results ({}):", ranking.origin);
        for rank in &ranking.score {
            let _ = writeln!(text, "  {:<20} above {:.0} % of {}", rank.among, rank.percentile, rank.results);
        }
    }
    text
}

/// The attributes with their values and sources, as Markdown.
pub fn system(entries: &[Entry]) -> String {
    let mut text = String::from(
        "# System information\n\nThe same as `system-information.json`, which the list's form reads. Bold: to be filled in by you.\n\n\
         | attribute | value | from |\n|---|---|---|\n",
    );
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
    for entry in entries {
        let value = entry.value.as_deref().map_or("**blank**".to_owned(), cell);
        let _ = writeln!(text, "| {} | {value} | {} |", cell(&entry.attribute), cell(&entry.source));
    }
    text
}

/// A page: readiness, checks, and where the result would stand.
pub fn page(told: &Told, subject: &Subject) -> Result<String> {
    let mut lists = Table::new("lists", "Ready for which list", &["List", "Ready", "Failed", "To be answered by you"]);
    for list in &told.lists {
        let ready = if list.ready { "yes" } else { "NO" };
        lists.rows.push(vec![list.list.to_owned(), ready.to_owned(), list.failed.join(", "), list.open.join(", ")]);
    }
    let mut checks =
        Table::new("checks", "What the rules ask for", &["Check", "Outcome", "Why", "What to do", "Who asks"]);
    for check in &told.checks {
        checks.rows.push(vec![
            check.id.to_owned(),
            word(check.outcome).to_owned(),
            check.reasons.join("; "),
            check.action.unwrap_or_default().to_owned(),
            check.source.to_owned(),
        ]);
    }
    let mut words = Vec::new();
    if told.is_ours {
        words.push(
            "A run of dfs-bench cannot be submitted; the checks say what the official run would be told.".to_owned(),
        );
    }
    let tables: Vec<Table> = told.ranking.iter().flat_map(Ranking::tables).collect();
    html::fill(
        "submission.html",
        context! {
            title => format!("Submission of {}", subject.run.label),
            measured => crate::report::text::measured(&subject.run),
            words,
            lists,
            checks,
            tables,
            origin => told.ranking.as_ref().map(|ranking| ranking.origin.clone()),
        },
    )
}
