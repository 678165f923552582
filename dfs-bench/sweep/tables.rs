//! The tables of a campaign's findings, as cells of text: text, markdown and HTML show the same ones.

use super::found::{Analysis, CellResult, Factor, PathEffect};
use super::law::Coefficient;
use super::scaling::Scaling;
use super::scouting::Scouting;
use crate::report::figures;
use crate::report::tables::{Table, UNKNOWN};

/// Cells that the tables for readers show at most; the best ones.
pub const SHOWN: usize = 20;

/// The tables of the findings, the most important first; empty ones are left out.
pub fn all(found: &Analysis) -> Vec<Table> {
    let mut tables = vec![effects(found), steps(found)];
    tables.extend(found.scouting.iter().map(rungs));
    tables.push(cells(found, SHOWN));
    tables.extend([
        per_figure(found),
        paths(found),
        trade_off(found),
        scaling(found),
        sizes(found),
        over_time(found),
        runs(found),
    ]);
    tables.retain(|table| !table.rows.is_empty());
    tables
}

/// From the baseline to the best cell.
pub fn steps(found: &Analysis) -> Table {
    let caption = "From the baseline to the best cell, the largest step first";
    let mut table = Table::new("steps", caption, &["Setting", "#Factor", "From"]);
    for step in &found.steps {
        let from = if step.measured { "both cells were run" } else { "estimated from the effects" };
        table.rows.push(vec![step.setting.clone(), figures::times(step.ratio), from.into()]);
    }
    if let Some(left) = found.to_the_roof {
        let (left, from) = (figures::times(left), "the roof of this job, as the results have it");
        table.rows.push(vec!["what remains to the roof".into(), left, from.into()]);
    }
    table
}

/// The best cell for each figure.
pub fn per_figure(found: &Analysis) -> Table {
    let mut per_figure = Table::new(
        "figures",
        "The best cell for each figure; .p99 is the 99th percentile of the latency in microseconds",
        &["Figure", "#Best", "#Baseline", "#Ratio", "Cell"],
    );
    for (name, &index) in &found.best_per_figure {
        let (best, base) = (found.cells[index].figures[name], found.cells[0].figures.get(name));
        per_figure.rows.push(vec![
            name.clone(),
            figures::rate(best),
            base.map_or(UNKNOWN.into(), |base| figures::rate(*base)),
            base.map_or(UNKNOWN.into(), |base| figures::times(best / base)),
            found.cells[index].words.clone(),
        ]);
    }
    per_figure
}

/// The paths to the store against each other.
pub fn paths(found: &Analysis) -> Table {
    let columns = ["Figure", "Path", "Against", "#Factor", "95 % interval", "Finding"];
    let mut table = Table::new("paths", "The paths to the store against each other, over all cells", &columns);
    for PathEffect { figure, baseline, path, factor } in &found.paths {
        let (ratio, interval, finding) = told(factor, true);
        table.rows.push(vec![figure.clone(), path.clone(), baseline.clone(), ratio, interval, finding]);
    }
    table
}

/// A factor, its interval, and what is found by it.
fn told(factor: &Factor, more_is_better: bool) -> (String, String, String) {
    let interval = match (factor.low, factor.high) {
        (Some(low), Some(high)) => format!("{} to {}", figures::times(low), figures::times(high)),
        _ => UNKNOWN.into(),
    };
    let finding = match (factor.p, factor.is_significant()) {
        (None, _) => "not repeated",
        (_, false) => "no difference beyond noise",
        (_, true) if factor.is_gain(more_is_better) => "better",
        (_, true) => "worse",
    };
    (figures::times(factor.ratio), interval, finding.into())
}

/// Cells that no other beats in both means.
pub fn trade_off(found: &Analysis) -> Table {
    let caption = "No cell beats these in both bandwidth and metadata";
    let mut both = Table::new("trade-off", caption, &["Cell", "#Bandwidth, GiB/s", "#Metadata, kIOPS"]);
    for &index in found.trade_off.iter().filter(|_| found.trade_off.len() > 1) {
        let cell = &found.cells[index];
        both.rows.push(vec![
            cell.words.clone(),
            figures::rate(cell.figures["bandwidth"]),
            figures::rate(cell.figures["metadata"]),
        ]);
    }
    both
}

/// What each value does.
pub fn effects(found: &Analysis) -> Table {
    let from = if found.scouting.is_some() { "; from the runs of the first rung" } else { "" };
    let caption =
        format!("What each value does to the {}, the other settings being what they are{from}", found.objective);
    let mut table = Table::new("effects", caption, &["Setting", "Against", "#Factor", "95 % interval", "Finding"]);
    for effect in &found.effects {
        for (value, factor) in &effect.values {
            let (ratio, interval, finding) = told(factor, found.more_is_better);
            let setting = format!("{}={value}", effect.axis);
            table.rows.push(vec![setting, effect.baseline.clone(), ratio, interval, finding]);
        }
    }
    table
}

/// The best cells, so many at most.
pub fn cells(found: &Analysis, shown: usize) -> Table {
    let objective = |cell: &CellResult| cell.figures.get(&found.objective).copied();
    let sign = if found.more_is_better { -1.0 } else { 1.0 };
    let mut order: Vec<&CellResult> = found.cells.iter().collect();
    order.sort_by(|a, b| {
        let key = |cell: &CellResult| objective(cell).map_or(f64::INFINITY, |value| sign * value);
        key(a).total_cmp(&key(b))
    });
    let more = found.cells.len().saturating_sub(shown);
    let rest = if more > 0 { format!(" ({more} further cells: --format csv or json)") } else { String::new() };
    let caption = format!("The cells by {}{rest}", found.objective);
    let mut table = Table::new("cells", caption, &["Cell", "#Mean", "#Runs", "#Failed", "Against the baseline"]);
    for cell in order.into_iter().take(shown) {
        table.rows.push(vec![
            cell.words.clone(),
            objective(cell).map_or(UNKNOWN.into(), figures::rate),
            cell.runs.to_string(),
            cell.failed.to_string(),
            match &cell.against_baseline {
                Some(factor) => with_interval(factor),
                None if cell.runs > 0 => "the baseline".into(),
                None => "not run".into(),
            },
        ]);
    }
    table
}

/// How each figure scales, and the law that it follows.
pub fn scaling(found: &Analysis) -> Table {
    let columns = ["Figure", "Over", "The others", "#Efficiency at the most", "#Contention", "#Coherency", "#Residual"];
    let caption = "Scaling; the law is X(N) = aN / (1 + contention(N-1) + coherency N(N-1))";
    let mut table = Table::new("scaling", caption, &[&columns[..], &["Bends", "Largest at"]].concat());
    let coefficient = |c: Coefficient| match (c.low, c.high) {
        (Some(low), Some(high)) => {
            let [value, low, high] = [c.value, low, high].map(|value| figures::significant(value, 2));
            format!("{value} ({low} to {high})")
        }
        _ => figures::significant(c.value, 2),
    };
    for one in &found.scaling {
        let most = one.points.last().expect("two sizes at least");
        let mut row = vec![one.figure.clone(), one.axis.clone(), one.held.clone(), figures::percent(most.efficiency)];
        match &one.law {
            Some(law) => {
                let far = |n: f64| match n {
                    n if n > 10.0 * most.n => "far beyond what was run".to_owned(),
                    n if n > most.n => format!("about {n:.0}, beyond what was run"),
                    n => format!("about {n:.0}"),
                };
                let bend = law.bends_at.filter(|_| one.bends);
                row.extend([coefficient(law.contention), coefficient(law.coherency), figures::percent(law.residual)]);
                row.push(bend.map_or("not beyond chance".into(), far));
                row.push(law.peak_at.filter(|_| one.bends).map_or(UNKNOWN.into(), far));
            }
            None => row.extend(["two sizes are no law"; 1].iter().chain(&[UNKNOWN; 4]).map(|&words| words.to_owned())),
        }
        table.rows.push(row);
    }
    table
}

/// The sizes of the means and the objective.
pub fn sizes(found: &Analysis) -> Table {
    let columns =
        ["Figure", "Over", "The others", "#N", "#Runs", "#Mean", "#Speed-up", "#Efficiency", "#Against the law"];
    let mut table = Table::new("sizes", "Speed-up and efficiency against the smallest size", &columns);
    let shown =
        |one: &&Scaling| ["score", "bandwidth", "metadata", found.objective.as_str()].contains(&one.figure.as_str());
    for one in found.scaling.iter().filter(shown) {
        for point in &one.points {
            table.rows.push(vec![
                one.figure.clone(),
                one.axis.clone(),
                one.held.clone(),
                figures::tick(point.n),
                point.runs.to_string(),
                figures::rate(point.mean),
                figures::times(point.speed_up),
                figures::percent(point.efficiency),
                point.against_fitted.map_or(UNKNOWN.into(), figures::times),
            ]);
        }
    }
    table
}

/// Long phases over time.
pub fn over_time(found: &Analysis) -> Table {
    let columns =
        ["#Run", "Phase", "#Length", "#Drift", "#Variation", "Slowest interval", "Longest stall", "Changes of level"];
    let mut table = Table::new("over-time", "Long phases over time", &columns);
    for (run, phase) in &found.over_time {
        let at = |seconds: f64| figures::duration(seconds);
        let slowest = phase
            .slowest
            .map(|(from, to, part)| format!("{} of the mean, {} to {}", figures::percent(part), at(from), at(to)));
        let stall =
            phase.stall.as_ref().map(|(from, length, who)| format!("{}, {who}, after {}", at(*length), at(*from)));
        let changes: Vec<String> = phase
            .changes
            .iter()
            .map(|(when, ratio)| format!("{} after {}", figures::times(*ratio), at(*when)))
            .collect();
        table.rows.push(vec![
            run.to_string(),
            phase.phase.clone(),
            at(phase.seconds),
            phase.drift.map_or(UNKNOWN.into(), figures::signed_percent),
            phase.variation.map_or(UNKNOWN.into(), figures::percent),
            slowest.unwrap_or_else(|| UNKNOWN.into()),
            stall.unwrap_or_else(|| UNKNOWN.into()),
            if changes.is_empty() { "none beyond chance".into() } else { changes.join("; ") },
        ]);
    }
    table
}

/// Runs that failed, stand apart or are doubted: none of them is averaged away silently.
pub fn runs(found: &Analysis) -> Table {
    let caption = "Runs that failed, stand apart or are doubted";
    let mut table = Table::new("runs", caption, &["#Run", "Cell", "What", "Why"]);
    let told = |what: &str, runs: &[(u64, String, String)]| -> Vec<(u64, Vec<String>)> {
        let row = |(run, cell, why): &(u64, String, String)| {
            (*run, vec![run.to_string(), cell.clone(), what.into(), why.clone()])
        };
        runs.iter().map(row).collect()
    };
    let mut rows = told("failed", &found.failures);
    rows.extend(told("doubted", &found.doubts));
    rows.extend(found.outliers.iter().map(|outlier| {
        let why = format!("{} of the other runs of its cell; it is counted", figures::times(outlier.ratio));
        (outlier.run, vec![outlier.run.to_string(), outlier.cell.clone(), "stands apart".into(), why])
    }));
    rows.sort_by_key(|(run, _)| *run);
    table.rows = rows.into_iter().map(|(_, row)| row).collect();
    table
}

/// The rungs of an adaptive campaign.
pub fn rungs(scouting: &Scouting) -> Table {
    let columns = ["#Rung", "#Stonewall (s)", "#Cells", "#With a figure", "#Went on", "#Best", "#Last that went on"];
    let caption = "The rungs; figures against the baseline of the same rung, and the scatter of a single run";
    let mut table = Table::new("rungs", caption, &[&columns[..], &["#Scatter", "#Missed"]].concat());
    let times = |ratio: Option<f64>| ratio.map_or(UNKNOWN.into(), figures::times);
    let percent = |share: Option<f64>| share.map_or(UNKNOWN.into(), figures::percent);
    for (number, rung) in (1..).zip(&scouting.rungs) {
        let counts =
            [number, rung.stonewall as usize, rung.cells, rung.measured, rung.kept].map(|count| count.to_string());
        let rest = [times(rung.best), times(rung.cut), percent(rung.scatter), percent(rung.missed)];
        table.rows.push(counts.into_iter().chain(rest).collect());
    }
    table
}

/// `×1.31 (×1.25 to ×1.37)`.
pub fn with_interval(factor: &Factor) -> String {
    match (factor.low, factor.high) {
        (Some(low), Some(high)) => {
            format!("{} ({} to {})", figures::times(factor.ratio), figures::times(low), figures::times(high))
        }
        _ => format!("{} (not repeated: no interval)", figures::times(factor.ratio)),
    }
}
