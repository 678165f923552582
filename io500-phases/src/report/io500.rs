//! The C suite's own files: the summary (also on standard output) and `result.txt`.

use crate::phase_id::{Family, PhaseId, ScoreGroup};
use crate::results::{PhaseResult, Reason, RunResult, ScoreResult, Verdict};
use std::fmt::Write as _;

fn invalid_mark(valid: bool) -> &'static str {
    if valid { "" } else { " [INVALID]" }
}

/// The line of a finished phase: `[RESULT]       ior-easy-write        1.994481 GiB/s : time 0.003 seconds`.
pub fn phase_line(result: &PhaseResult) -> String {
    let mark = if result.phase.standard_group() == ScoreGroup::None && !is_find(result.phase) {
        "[      ]"
    } else {
        "[RESULT]"
    };
    format!(
        "{mark} {:>20} {:15.6} {} : time {:.3} seconds{}\n",
        result.phase.name(),
        result.rate,
        result.unit,
        result.phase_s,
        invalid_mark(result.valid)
    )
}

fn is_find(phase: PhaseId) -> bool {
    matches!(phase, PhaseId::FindEasy | PhaseId::FindHard | PhaseId::MdworkbenchBench)
}

/// The lines of the score, once there is one.
pub fn score_lines(score: &ScoreResult, official: &Verdict) -> String {
    let line = |tag: &str, bandwidth: f64, metadata: f64, total: f64, valid| {
        format!(
            "[{tag:<6}] Bandwidth {bandwidth:.6} GiB/s : IOPS {metadata:.6} kiops : TOTAL {total:.6}{}\n",
            invalid_mark(valid)
        )
    };
    let mut text = line("SCORE", score.bandwidth, score.metadata, score.total, official.valid);
    if let Some(extended) = &score.extended {
        text += &line("SCOREX", extended.bandwidth, extended.metadata, extended.total, extended.valid);
    }
    text
}

/// Whether the C suite says a reason while it looks at the output of IOR or of find, and not after the phase.
fn is_of_the_workload(reason: &Reason) -> bool {
    !reason.text.starts_with("Runtime ") && !reason.text.starts_with("Resulting score ")
}

/// The pairs that stand before the command line: the sizes of md-workbench, which are found first.
fn pairs_before_command(phase: &PhaseResult) -> usize {
    match phase.phase.family() {
        Family::Mdworkbench => phase.pairs.iter().take_while(|(key, _)| !key.starts_with("maxOpTime")).count(),
        _ => 0,
    }
}

/// What the C suite says where the two iterations of md-workbench are far apart; it invalidates nothing.
pub fn iterations_warning(phase: &PhaseResult) -> Option<&'static str> {
    if phase.phase != PhaseId::MdworkbenchBench || phase.rate <= 0.0 {
        return None;
    }
    let (_, first) = phase.pairs.iter().find(|(key, _)| key == "scoreIteration0")?;
    let (first, second): (f64, f64) = (first.parse().ok()?, phase.rate);
    (first < second * 0.5 || first * 0.5 > second).then_some("The results of both md-workbench differs by 2x.")
}

/// The reasons as the C suite puts them on standard output.
pub fn stdout_reasons<'a>(reasons: impl IntoIterator<Item = &'a Reason>) -> String {
    reasons.into_iter().fold(String::new(), |mut text, reason| {
        let place = reason.phase.map_or("run", PhaseId::name);
        let _ = writeln!(text, "ERROR INVALID ({place}) {}", reason.text);
        text
    })
}

/// The first line of the summary.
fn head(result: &RunResult) -> String {
    format!("IO500 version {} ({})\n", version(result), result.provenance.mode)
}

fn version(result: &RunResult) -> &str {
    &result.provenance.program
}

/// `result_summary.txt`.
pub fn summary(result: &RunResult) -> String {
    let mut text = head(result);
    result.phases.iter().for_each(|phase| text += &phase_line(phase));
    if let Some(score) = &result.score {
        text += &score_lines(score, &result.official);
    }
    text
}

/// `[global] verbosity`: 0 leaves times out, above 1 there are more pairs.
fn verbosity(result: &RunResult) -> u32 {
    let wanted = |(section, option): (&str, &str)| section == "global" && option == "verbosity";
    let mut settings = result.provenance.settings.iter();
    let setting = settings.find(|setting| wanted((&setting.section, &setting.option)));
    setting.and_then(|setting| setting.value.parse().ok()).unwrap_or(1)
}

/// The pairs that the C suite prints only when it is told to say more: where the workload's output is, and two of its figures.
fn verbose_pairs(result: &RunResult, phase: &PhaseResult) -> Vec<(&'static str, String)> {
    let family = phase.phase.family();
    let (ior, mdtest) = (
        matches!(family, Family::IorEasy | Family::IorHard | Family::IorRnd4kEasy),
        matches!(family, Family::MdtestEasy | Family::MdtestHard),
    );
    let mut pairs = Vec::new();
    if phase.phase == PhaseId::Timestamp {
        pairs.push(("timestamp-file", format!("{}/timestampfile", result.provenance.resultdir)));
    }
    if phase.operations == 0 {
        return pairs;
    }
    if ior || mdtest || family == Family::Mdworkbench {
        pairs.push(("result-file", format!("{}/{}.txt", result.provenance.resultdir, phase.phase.name())));
    }
    if mdtest {
        pairs.push(("time", format!("{:.6}", phase.window_s)));
    }
    if ior && phase.phase.has_stonewall() {
        pairs.push(("accessed-pairs", (phase.operations / result.provenance.ranks.max(1) as u64).to_string()));
    }
    pairs
}

/// `result.txt`.
pub fn result_txt(result: &RunResult) -> String {
    let level = verbosity(result);
    let mut text = String::from("[run]\n");
    let pair = |text: &mut String, key: &str, value: &str| {
        let _ = writeln!(text, "{key:<15} = {value}");
    };
    let about = &result.provenance;
    pair(&mut text, "procs", &about.ranks.to_string());
    pair(&mut text, "version", version(result));
    pair(&mut text, "config-hash", &about.config_hash);
    pair(&mut text, "result-dir", &about.resultdir);
    pair(&mut text, "mode", &about.mode);
    let of = |phase: Option<PhaseId>| result.official.reasons.iter().filter(move |reason| reason.phase == phase);
    let error = |text: &mut String, reason: &Reason| {
        let _ = writeln!(text, "; ERROR INVALID {}", reason.text);
    };
    // what makes the run invalid is said before it starts, what only warns after that
    of(None).filter(|reason| reason.invalidates).for_each(|reason| error(&mut text, reason));
    let began = result.earlier.first().map_or(&about.began, |invocation| &invocation.began);
    if level > 0 {
        let _ = writeln!(text, "; START {began}");
    }
    of(None).filter(|reason| !reason.invalidates).for_each(|reason| error(&mut text, reason));
    text.push('\n');
    for phase in &result.phases {
        let _ = writeln!(text, "\n[{}]", phase.phase.name());
        if let Some((file, since)) = &phase.pause {
            if level > 0 {
                pair(&mut text, "t_pause", since);
            }
            let _ = writeln!(text, "; Checking for pause file {file}");
        }
        if level > 0 {
            pair(&mut text, "t_start", &phase.begin);
        }
        let (ahead, behind) = phase.pairs.split_at(pairs_before_command(phase));
        ahead.iter().for_each(|(key, value)| pair(&mut text, key, value));
        if !phase.command.is_empty() {
            pair(&mut text, "exe", &phase.command);
        }
        let (nproc, behind) = behind.split_at(behind.iter().take_while(|(key, _)| key == "nproc").count());
        nproc.iter().for_each(|(key, value)| pair(&mut text, key, value));
        let more = if level > 1 { verbose_pairs(result, phase) } else { Vec::new() };
        // what IOR has accessed stands beside its throughput, the rest where the workload begins
        let (beside, more): (Vec<_>, Vec<_>) = more.into_iter().partition(|(key, _)| *key == "accessed-pairs");
        more.iter().for_each(|(key, value)| pair(&mut text, key, value));
        let (own, general): (Vec<_>, Vec<_>) = of(Some(phase.phase)).partition(|reason| is_of_the_workload(reason));
        // a script that failed is told of before its output, the rest before the first figure of IOR, find or md-workbench
        let (failed, own): (Vec<_>, Vec<_>) = own.into_iter().partition(|reason| reason.text.starts_with("Exit code "));
        failed.iter().for_each(|reason| error(&mut text, reason));
        let figure =
            |(key, _): &(String, String)| matches!(key.as_str(), "throughput-stonewall" | "found" | "maxOpTime");
        let (ahead, behind) = behind.split_at(behind.iter().position(figure).unwrap_or(behind.len()));
        ahead.iter().for_each(|(key, value)| pair(&mut text, key, value));
        own.iter().for_each(|reason| error(&mut text, reason));
        if let Some(warning) = iterations_warning(phase) {
            let _ = writeln!(text, "; WARNING {warning}");
        }
        beside.iter().for_each(|(key, value)| pair(&mut text, key, value));
        behind.iter().for_each(|(key, value)| pair(&mut text, key, value));
        general.iter().for_each(|reason| error(&mut text, reason));
        if phase.phase != PhaseId::Timestamp {
            pair(&mut text, "score", &format!("{:.6}", phase.rate));
        }
        if level > 0 {
            pair(&mut text, "t_delta", &format!("{:.4}", phase.phase_s));
            pair(&mut text, "t_end", &phase.end);
        }
    }
    if let Some(score) = &result.score {
        let mut section = |name: &str, md: f64, bw: f64, total: f64, hash: &str, valid| {
            let _ = writeln!(text, "\n[{name}]");
            pair(&mut text, "MD", &format!("{md:.6}"));
            pair(&mut text, "BW", &format!("{bw:.6}"));
            pair(&mut text, "SCORE", &format!("{total:.6}{}", invalid_mark(valid)));
            pair(&mut text, "hash", hash);
        };
        section("SCORE", score.metadata, score.bandwidth, score.total, &score.hash, result.official.valid);
        if let Some(x) = &score.extended {
            section("SCOREX", x.metadata, x.bandwidth, x.total, &x.hash, x.valid);
        }
        if level > 0 {
            let _ = writeln!(text, "; END {}", about.ended);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iterations_far_apart_are_told() {
        let told = |first: &str, rate: f64| {
            let mut phase = PhaseResult::new(PhaseId::MdworkbenchBench);
            phase.rate = rate;
            phase.pairs = vec![("scoreIteration0".to_owned(), first.to_owned())];
            iterations_warning(&phase).is_some()
        };
        assert_eq!(
            [("4.9", 10.0), ("21.0", 10.0), ("5.1", 10.0), ("19.9", 10.0)].map(|(first, rate)| told(first, rate)),
            [true, true, false, false]
        );
        assert!(!told("5.0", 0.0));
        assert_eq!(iterations_warning(&PhaseResult::new(PhaseId::MdworkbenchBench)), None);
    }
}
