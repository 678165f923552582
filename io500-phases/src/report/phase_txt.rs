//! `<phase>.txt`: one phase in words and figures, where the C suite keeps the output of IOR, mdtest and pfind.

use super::latency::latency_table;
use crate::results::PhaseResult;
use crate::units::{bytes, count};
use std::fmt::Write as _;

/// The phase for a reader.
pub fn phase_txt(result: &PhaseResult) -> String {
    let mut text = format!("{}\n\n", result.phase);
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<24} {value}");
    };
    line("began", result.begin.clone());
    line("ended", result.end.clone());
    if !result.command.is_empty() {
        line("equivalent command", result.command.clone());
    }
    line("rate", format!("{:.6} {}", result.rate, result.unit));
    if let Some(rate) = result.rate_wall_clock {
        line("by wall clocks", format!("{rate:.6} {}", result.unit));
    }
    line("window", format!("{:.6} s", result.window_s));
    if let Some(parts) = &result.parts {
        for (name, seconds) in parts.named() {
            line(&format!("  {name}, mean"), format!("{seconds:.6} s"));
        }
    }
    line("whole phase", format!("{:.6} s", result.phase_s));
    line("operations", count(result.operations));
    line("bytes", format!("{} ({})", result.bytes, bytes(result.bytes)));
    if let Some(layout) = &result.layout {
        line("object class, chunk", format!("{}, {}", layout.object_class, bytes(layout.chunk_size)));
    }
    if let Some(stonewall) = &result.stonewall {
        line("stonewall setting", format!("{} s", stonewall.setting_s));
        line("barrier reached after", format!("{:.6} s", stonewall.met_s));
        line("operations by then", format!("{} to {} per rank", count(stonewall.least), count(stonewall.most)));
        line("rate by then", format!("{:.6} {}", stonewall.rate, result.unit));
        line("wear-out, slowest rank", format!("{:.6} s", stonewall.wear_out_s));
        if let Some(rate) = stonewall.rate_without_wear_out {
            line("rate without wear-out", format!("{rate:.6} {}", result.unit));
        }
    }
    if let Some(check) = &result.check {
        line("checked", count(check.checked));
        line("faults", check.describe().unwrap_or_else(|| "none".into()));
    }
    if let Some(find) = &result.find {
        let expected =
            |number: Option<u64>| number.map(|number| format!(" (expected {})", count(number))).unwrap_or_default();
        line("found", format!("{}{}", count(find.found), expected(find.expected_found)));
        line("files seen", format!("{}{}", count(find.total), expected(find.expected_total)));
        line("errors", count(find.errors));
        line("names filtered by", find.method.clone());
        line("ranks, lookups in flight", format!("{}, {}", find.ranks, find.threads));
        line("steals", count(find.steals));
    }
    if let Some(spread) = &result.spread {
        line(
            "own time of a rank",
            format!("{:.6} to {:.6} s, mean {:.6} s", spread.min_s, spread.max_s, spread.mean_s),
        );
        for rank in spread.slowest.iter().take(3) {
            line("slow", format!("rank {} on {}: {:.6} s", rank.rank, rank.host, rank.own_s));
        }
    }
    let latencies = latency_table(std::slice::from_ref(result));
    if !latencies.is_empty() {
        let _ = write!(text, "\n{latencies}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phase_id::PhaseId;

    #[test]
    fn it_says_what_is_known_and_nothing_else() {
        let text = phase_txt(&PhaseResult { rate: 1.5, bytes: 3 << 20, ..PhaseResult::new(PhaseId::IorEasyRead) });
        assert!(text.starts_with("ior-easy-read\n"));
        assert!(text.contains("rate                     1.500000 GiB/s\n"));
        assert!(text.contains("(3 MiB)"));
        assert!(!text.contains("stonewall") && !text.contains("latency"));
    }
}
