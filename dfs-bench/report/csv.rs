//! A report as CSV: a row per run and phase, unrounded; what is not known is empty.

use super::model::{Phase, Run};

const HEADER: [&str; 21] = [
    "run",
    "source",
    "version",
    "ranks",
    "nodes",
    "phase",
    "unit",
    "rate",
    "scored",
    "valid",
    "seconds",
    "wall_seconds",
    "stonewall_rate",
    "stonewall_seconds",
    "wear_out_seconds",
    "rank_seconds_min",
    "rank_seconds_mean",
    "rank_seconds_max",
    "slowest_rank",
    "slowest_host",
    "latency_p99_ns",
];

/// The report of these runs.
pub fn render(runs: &[&Run]) -> String {
    let mut out = line(HEADER.map(str::to_owned).to_vec());
    for run in runs {
        for phase in &run.phases {
            out.push_str(&line(row(run, phase)));
        }
    }
    out
}

fn row(run: &Run, phase: &Phase) -> Vec<String> {
    fn show<T: ToString>(value: Option<T>) -> String {
        value.map(|value| value.to_string()).unwrap_or_default()
    }
    let stonewall = phase.stonewall.as_ref();
    let found = phase.stragglers.as_ref();
    let slowest = found.and_then(|found| found.slowest.first());
    let main_latency = phase.latency.iter().max_by_key(|kind| kind.count);
    vec![
        run.label.clone(),
        run.source.name().to_owned(),
        show(run.version.as_ref()),
        show(run.ranks),
        show(run.nodes),
        phase.id.to_string(),
        phase.unit.to_owned(),
        phase.rate.to_string(),
        phase.scored.to_string(),
        phase.valid.to_string(),
        show(phase.seconds),
        show(phase.wall_seconds),
        show(stonewall.and_then(|stonewall| stonewall.rate)),
        show(stonewall.and_then(|stonewall| stonewall.seconds)),
        show(stonewall.and_then(|stonewall| stonewall.wear_out_seconds)),
        show(found.map(|found| found.seconds.min)),
        show(found.map(|found| found.seconds.mean)),
        show(found.map(|found| found.seconds.max)),
        show(slowest.map(|slow| slow.rank)),
        show(slowest.and_then(|slow| slow.host.clone())),
        show(main_latency.map(|kind| kind.p99)),
    ]
}

/// One line; cells with a comma, quote or line break are quoted.
fn line(cells: Vec<String>) -> String {
    let quoted = cells.into_iter().map(|cell| {
        if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
    });
    quoted.collect::<Vec<_>>().join(",") + "\n"
}

#[cfg(test)]
mod tests {
    #[test]
    fn cells_with_commas_are_quoted() {
        assert_eq!(super::line(vec!["a,b".into(), "c\"d".into(), "e".into()]), "\"a,b\",\"c\"\"d\",e\n");
    }
}
