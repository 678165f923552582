//! `dfs-bench verify`: recomputes score, hashes and figures of a result, and says what speaks against it.

use crate::args::config::Format;
use crate::args::verify::VerifyArgs;
use crate::exit::{Exit, UsageError};
use crate::report::consistency;
use io500_phases::results::{Claim, Finding, Material, RunResult, Verification, verify};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Verifies a result. Exit code 5 when something is refuted or the score hash is not confirmed.
pub fn run(args: &VerifyArgs) -> anyhow::Result<Exit> {
    let (result, config) = match &args.config {
        Some(result) if !Material::is_result(&args.result) && Material::is_result(result) => {
            (result, Some(&args.result))
        }
        config => (&args.result, config.as_ref()),
    };
    let material = Material::read(result, config.map(PathBuf::as_path)).map_err(|error| {
        UsageError::new(error.to_string()).hint("give a result directory, or the path of a result.txt")
    })?;
    let report = Report::new(verify(&material), &material, result);
    match args.format {
        Format::Text => print!("{}", text(&report)),
        Format::Json => println!("{}", serde_json::to_string_pretty(&report)?),
    }
    let Report { verification, .. } = &report;
    Ok(match report.holds() && (material.only_summary || verification.score_hash.finding == Finding::Confirmed) {
        false => Exit::Verification,
        true if args.strict && (verification.valid != Some(true) || !verification.doubts.is_empty()) => Exit::Invalid,
        true => Exit::Finished,
    })
}

/// The findings: the verification of any result and, for results of this program, whether all figures are consistent.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    verification: Verification,
    /// The figures are consistent, in `result.json` and in the files beside it.
    figures: Claim,
    /// Those that are not, one sentence each.
    contradictions: Vec<String>,
}

impl Report {
    fn new(verification: Verification, material: &Material, path: &Path) -> Self {
        let directory = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new(".")) };
        let absent = |detail: &str| (Claim { finding: Finding::Absent, detail: detail.to_owned() }, Vec::new());
        let result = material.json.as_deref().map(serde_json::from_str::<RunResult>);
        let (figures, contradictions) = match result {
            None => absent("no result.json, which only dfs-bench writes"),
            Some(Err(error)) => {
                let detail = format!("result.json is there and cannot be read: {error}");
                (Claim { finding: Finding::Refuted, detail }, Vec::new())
            }
            Some(Ok(result)) => {
                let mut found = consistency::of_figures(&result);
                found.extend(consistency::with_result_txt(directory, &result));
                found.extend(consistency::of_all_files(directory, &result));
                let (finding, detail) = match found.len() {
                    0 => (Finding::Confirmed, format!("those of {} phases are consistent", result.phases.len())),
                    1 => (Finding::Refuted, "one contradicts the others:".to_owned()),
                    count => (Finding::Refuted, format!("{count} contradict the others:")),
                };
                (Claim { finding, detail }, found)
            }
        };
        Report { verification, figures, contradictions }
    }

    fn holds(&self) -> bool {
        self.verification.holds() && self.figures.finding != Finding::Refuted
    }
}

/// The finding as its JSON has it.
fn word(finding: Finding) -> &'static str {
    match finding {
        Finding::Confirmed => "confirmed",
        Finding::Refuted => "refuted",
        Finding::Absent => "absent",
    }
}

fn text(report: &Report) -> String {
    let Report { verification, figures, contradictions } = report;
    let mut text = String::new();
    let mut claim = |name: &str, claim: &Claim| {
        let _ = writeln!(text, "{name:<15} {:<14} {}", word(claim.finding), claim.detail);
    };
    claim("score", &verification.score);
    claim("score hash", &verification.score_hash);
    if let Some(score) = &verification.extended_score {
        claim("extended score", score);
    }
    if let Some(hash) = &verification.extended_hash {
        claim("extended hash", hash);
    }
    claim("config hash", &verification.config_hash);
    claim("figures", figures);
    for sentence in contradictions {
        let _ = writeln!(text, "  {sentence}");
    }
    let verdict = match verification.valid {
        Some(true) => "valid",
        Some(false) => "INVALID",
        None => "absent",
    };
    let version = verification.version.as_deref().filter(|version| !version.is_empty()).unwrap_or("an unnamed version");
    // of a result that is not what it was the verdict is but a word in a file
    let printed = if report.holds() { "" } else { "as printed, " };
    let _ = writeln!(text, "{:<15} {verdict:<14} {printed}according to {version}", "verdict");
    for invalid in &verification.invalid {
        for reason in &invalid.reasons {
            let _ = writeln!(text, "  {}: {reason}", invalid.phase.as_deref().unwrap_or("run"));
        }
    }
    let _ = match verification.doubts.len() {
        0 => writeln!(text, "{:<15} none", "strict doubts"),
        count => writeln!(text, "{:<15} {count}", "strict doubts"),
    };
    for doubt in &verification.doubts {
        let _ = writeln!(text, "  {doubt}");
    }
    text
}
