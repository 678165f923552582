//! `dfs-bench verify`: recomputes score and hashes of a result, and says what speaks against it.

use super::config::Format;
use crate::exit::{Exit, UsageError};
use clap::Args;
use io500_phases::results::{Claim, Finding, Material, Verification, verify};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Result directory, a result.txt, or a result_summary.txt or saved console output where there is nothing else
    #[arg(value_name = "RESULT")]
    result: PathBuf,
    /// Configuration of the run; otherwise config.ini or config-orig.ini beside the result. May come first, as in io500-verify
    #[arg(value_name = "INI")]
    config: Option<PathBuf>,
    /// io500-verify's level of verbosity
    #[arg(hide = true)]
    level: Option<u32>,
    /// A doubt is exit code 3
    #[arg(long)]
    strict: bool,
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// Verifies a result. Exit code 5 when the score or a hash is not confirmed.
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
    let verification = verify(&material);
    match args.format {
        Format::Text => print!("{}", text(&verification)),
        Format::Json => println!("{}", serde_json::to_string_pretty(&verification)?),
    }
    Ok(match verification.holds() && (material.only_summary || verification.score_hash.finding == Finding::Confirmed) {
        false => Exit::Verification,
        true if args.strict && (verification.valid != Some(true) || !verification.doubts.is_empty()) => Exit::Invalid,
        true => Exit::Finished,
    })
}

fn text(verification: &Verification) -> String {
    let mut text = String::new();
    let mut claim = |name: &str, claim: &Claim| {
        let finding = match claim.finding {
            Finding::Confirmed => "confirmed",
            Finding::Refuted => "NOT CONFIRMED",
            Finding::Absent => "not there",
        };
        let _ = writeln!(text, "{name:<15} {finding:<14} {}", claim.detail);
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
    let verdict = match verification.valid {
        Some(true) => "valid",
        Some(false) => "INVALID",
        None => "not there",
    };
    let version = verification.version.as_deref().filter(|version| !version.is_empty()).unwrap_or("an unnamed version");
    let _ = writeln!(text, "{:<15} {verdict:<14} according to {version}", "verdict");
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
