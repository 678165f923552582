//! The live view as a file of metrics for node exporters, in the text format of OpenMetrics; replaced by renaming.

use super::view::View;
use crate::exit_code_file::replace;
use std::fmt::Write as _;
use std::path::Path;

/// Writes the file; the error says what the system said.
pub fn write(path: &Path, view: Option<&View>, timestamp: &str, running: bool) -> std::io::Result<()> {
    replace(path, &text(view, timestamp, running))
}

fn text(view: Option<&View>, timestamp: &str, running: bool) -> String {
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, labels: &str, value: Option<f64>| {
        let Some(value) = value else { return };
        let _ = writeln!(text, "# TYPE dfs_bench_{name} gauge\n# HELP dfs_bench_{name} {help}");
        let _ = writeln!(text, "dfs_bench_{name}{{{labels}}} {value}");
    };
    let run = format!("run=\"{}\"", escaped(timestamp));
    gauge("running", "Whether the run goes on.", &run, Some(f64::from(u8::from(running))));
    if let Some(view) = view {
        let phase = format!("{run},phase=\"{}\"", view.phase);
        let bytes = view.unit == "GiB/s";
        let rate = |rate: Option<f64>| rate.map(|rate| if bytes { rate * (1_u64 << 30) as f64 } else { rate * 1000.0 });
        let unit = if bytes { "bytes" } else { "operations" };
        let kind = format!("{phase},unit=\"{unit}\"");
        gauge("phase_index", "Place of the phase in the run, from 1.", &phase, Some(view.index as f64));
        gauge("phases", "Phases of the run.", &run, Some(view.phases as f64));
        gauge("phase_elapsed_seconds", "Since the phase began.", &phase, Some(view.elapsed_s));
        gauge("phase_target_seconds", "When the phase should be over.", &phase, view.target_s);
        gauge("rate_per_second", "Of all ranks, estimated, last seconds.", &kind, rate(view.rate_now));
        gauge("rate_average_per_second", "Of all ranks, estimated, whole phase.", &kind, rate(view.rate_average));
        let p99 = view.p99_ns.map(|ns| ns as f64 / 1e9);
        gauge("latency_p99_seconds", "99th percentile of rank 0, last seconds.", &phase, p99);
        gauge(
            "wear_out_left_operations",
            "What the slowest rank has to go.",
            &phase,
            view.wear_out_left.map(|n| n as f64),
        );
        let slowest = view.slowest_rank.map(|(rank, done)| (format!("{phase},rank=\"{rank}\""), done as f64));
        if let Some((labels, done)) = slowest {
            gauge("slowest_rank_operations", "Operations of the slowest rank.", &labels, Some(done));
        }
        gauge("rank0_operations", "Operations of rank 0.", &phase, Some(view.done as f64));
        let part = format!("{phase},part=\"{}\"", view.part);
        gauge("window_part", "The part of the window that rank 0 is in.", &part, Some(1.0));
        gauge("eta_seconds", "Until the run is over, estimated.", &run, view.eta_s);
    }
    text.push_str("# EOF\n");
    text
}

/// The value of a label.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::super::view::Tracker;
    use super::super::view::tests::{run, snapshot};
    use super::*;

    #[test]
    fn the_text_is_what_exporters_read() {
        let view = Tracker::new(4).look(&snapshot(), &run(), std::time::Instant::now());
        let text = text(view.as_ref(), "a\"b", true);
        assert!(text.ends_with("# EOF\n"), "{text}");
        assert!(text.contains("dfs_bench_running{run=\"a\\\"b\"} 1\n"), "{text}");
        let average = "dfs_bench_rate_average_per_second{run=\"a\\\"b\",phase=\"ior-easy-write\",unit=\"bytes\"} ";
        let value: f64 = text.split(average).nth(1).unwrap().lines().next().unwrap().parse().unwrap();
        assert!((value - 4000.0 / 12.0 * (1 << 20) as f64).abs() < 1.0, "{value}");
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (series, value) = line.rsplit_once(' ').unwrap();
            assert!(series.starts_with("dfs_bench_") && series.ends_with("\"}"), "{line}");
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }

    #[test]
    fn the_file_is_replaced_whole() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("io500.prom");
        write(&path, None, "t", true).unwrap();
        write(&path, None, "t", false).unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().contains("dfs_bench_running{run=\"t\"} 0\n"));
        assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 1);
    }
}
