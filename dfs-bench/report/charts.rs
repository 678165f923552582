//! The pictures of a run's report.

use super::figures::{self, latency_tick, span};
use super::model::{Phase, RankFigures, Run, Series};
use super::svg::{Axis, Plot, Rows, Scale, padded};
use serde::Serialize;

/// More ranks than this share a stroke with their neighbours.
const STROKES: usize = 200;

/// Fewer ranks than this are no picture.
const FEWEST_RANKS: usize = 4;

/// A picture with its caption.
#[derive(Debug, Serialize)]
pub struct Chart {
    /// What it shows.
    pub caption: String,
    /// The picture.
    pub svg: String,
}

/// The rates of all phases in one unit; log scale when they are far apart.
pub fn rates(run: &Run, unit: &str) -> Option<Chart> {
    let phases: Vec<&Phase> = run.phases.iter().filter(|phase| phase.unit == unit && phase.rate > 0.0).collect();
    let high = phases.iter().map(|phase| phase.rate).fold(0.0, f64::max);
    // one figure is a number: the table has it
    if phases.len() < 2 {
        return None;
    }
    let show = |value: f64| figures::tick(value);
    let alt = format!("Rates of {} phases in {unit}; the table of phases has the figures.", phases.len());
    let roofs = phases.iter().any(|phase| phase.roof.is_some());
    let right = if roofs { 118.0 } else { 66.0 };
    let mut rows =
        Rows::new(&alt, phases.len(), right, Axis { low: 0.0, high, scale: Scale::Linear, title: unit, show: &show });
    for phase in &phases {
        rows.row(phase.id.name());
        rows.bar(if phase.scored { "s0" } else { "s3" }, 0.0, phase.rate);
        let of_roof = phase.roof.as_ref().map(|roof| format!(" ({:.0} %)", roof.share * 100.0)).unwrap_or_default();
        rows.text_at(phase.rate, &format!("{}{of_roof}", figures::rate(phase.rate)));
    }
    let unscored = phases.iter().any(|phase| !phase.scored);
    let caption = format!(
        "Rates in {unit}{}{}",
        if roofs { ", in brackets as a share of what the job allows" } else { "" },
        if unscored { "; the lighter bars are not scored" } else { "" }
    );
    Some(Chart { caption, svg: rows.finish() })
}

/// When each phase ran, with the part after the stonewall set apart.
pub fn timeline(run: &Run) -> Option<Chart> {
    let spans: Vec<(&Phase, f64, f64)> =
        run.phases.iter().filter_map(|phase| Some((phase, phase.offset_seconds?, phase.wall_seconds?))).collect();
    let high = spans.iter().map(|(_, from, length)| from + length).fold(0.0, f64::max);
    if spans.len() < 2 || high <= 0.0 {
        return None;
    }
    let minutes = high > 600.0;
    let scale = if minutes { 60.0 } else { 1.0 };
    let title = if minutes { "minutes since the start" } else { "seconds since the start" };
    let show = |value: f64| figures::tick(value);
    let alt = format!("When the {} phases ran; the run took {}.", spans.len(), figures::duration(high));
    let axis = Axis { low: 0.0, high: high / scale, scale: Scale::Linear, title, show: &show };
    let mut rows = Rows::new(&alt, spans.len(), 92.0, axis);
    for (phase, from, length) in spans {
        rows.row(phase.id.name());
        let after = phase.stonewall.as_ref().and_then(|stonewall| stonewall.after_seconds).unwrap_or(0.0).min(length);
        rows.bar("s0", from / scale, (from + length - after) / scale);
        if after > 0.0 {
            rows.bar("s1", (from + length - after) / scale, (from + length) / scale);
        }
        rows.text_right(&figures::duration(length));
    }
    let caption = "Where the time went; orange: after the stonewall (wear-out, sync, close)".to_owned();
    Some(Chart { caption, svg: rows.finish() })
}

/// The time of every rank of a phase, with a ring around a straggler. A few ranks are a table, not a picture.
pub fn ranks(phase: &Phase) -> Option<Chart> {
    let found = phase.stragglers.as_ref().filter(|found| found.tellable)?;
    let known: Vec<(&RankFigures, f64)> = phase.ranks.iter().filter_map(|rank| Some((rank, rank.seconds?))).collect();
    if known.len() < FEWEST_RANKS {
        return None;
    }
    let (low, high) = padded(known.iter().map(|(_, seconds)| *seconds))?;
    let last = known.iter().map(|(rank, _)| rank.rank).max()? as f64;
    let show_rank = |rank: f64| format!("{rank:.0}");
    let show_time = |value: f64| figures::tick(value);
    let alt = format!("{}: time of each of {} ranks. {}", phase.id, known.len(), found.words);
    let x = Axis { low: -0.5, high: last + 0.5, scale: Scale::Whole, title: "rank", show: &show_rank };
    let title = if found.without_waiting { "seconds with waiting (not from 0)" } else { "seconds (not from 0)" };
    let y = Axis { low, high, scale: Scale::Linear, title, show: &show_time };
    let mut plot = Plot::new(&alt, 236.0, x, y);
    let stroke = known.chunks(known.len().div_ceil(STROKES)).map(|chunk| {
        let fold = |pick: fn(f64, f64) -> f64| chunk.iter().map(|(_, seconds)| *seconds).reduce(pick).unwrap_or(0.0);
        let middle = (chunk[0].0.rank + chunk[chunk.len() - 1].0.rank) as f64 / 2.0;
        (middle, fold(f64::min), fold(f64::max))
    });
    let class = if known.len() > 100 { "s0" } else { "s0 wide" };
    plot.strokes(class, stroke);
    plot.level(known.iter().map(|(_, seconds)| seconds).sum::<f64>() / known.len() as f64, "mean");
    let slow = found.slowest.first().filter(|_| found.stands_out);
    if let Some((rank, seconds)) = slow.and_then(|slow| known.iter().find(|(rank, _)| rank.rank == slow.rank)) {
        plot.ring(rank.rank as f64, *seconds, &format!("rank {}", rank.rank));
    }
    Some(Chart { caption: format!("{}: {}", phase.id, found.words), svg: plot.finish() })
}

/// The latency distribution of every kind of operation of a phase.
pub fn latencies(phase: &Phase) -> Option<Chart> {
    let kinds: Vec<_> = phase.latency.iter().filter(|kind| kind.percentiles.len() > 1).collect();
    let values = kinds.iter().flat_map(|kind| kind.percentiles.iter().map(|(_, ns)| *ns as f64));
    let (low, high) = values.fold((f64::INFINITY, 0.0f64), |(low, high), ns| (low.min(ns), high.max(ns)));
    if kinds.is_empty() || high <= 0.0 {
        return None;
    }
    let last = kinds.iter().flat_map(|kind| kind.percentiles.iter().map(|(percentile, _)| *percentile));
    let last = last.filter(|percentile| *percentile < 100.0).fold(99.0, f64::max);
    let show_tail = |percentile: f64| format!("{percentile}");
    let show_time = |ns: f64| latency_tick(ns);
    let alt = format!("{}: latency by percentile; the table of latencies has the figures.", phase.id);
    let x = Axis { low: 0.0, high: last, scale: Scale::Tail, title: "percentile", show: &show_tail };
    let y = Axis { low: low.max(1.0) / 1.2, high: high * 1.2, scale: Scale::Log, title: "latency", show: &show_time };
    let mut plot = Plot::new(&alt, 256.0, x, y);
    let mut names = Vec::new();
    for (index, kind) in kinds.iter().enumerate() {
        plot.line(&format!("s{}", index % 6), kind.percentiles.iter().map(|&(percentile, ns)| (percentile, ns as f64)));
        names.push((index % 6, kind.operation.as_str()));
    }
    let legend: Vec<String> = names.iter().map(|(class, name)| format!("{name} ({})", COLOUR_NAMES[*class])).collect();
    Some(Chart { caption: format!("{}: {}", phase.id, legend.join(", ")), svg: plot.finish() })
}

/// The names of the classes `s0` to `s5`, for captions.
const COLOUR_NAMES: [&str; 6] = ["blue", "orange", "green", "grey", "purple", "red"];

/// Rate over time.
pub fn series(phase: &Phase) -> Option<Chart> {
    let series = phase.series.as_ref().filter(|series| series.rate.iter().flatten().count() > 1)?;
    let length = series.end_seconds;
    let high = series.rate.iter().copied().flatten().fold(0.0, f64::max);
    let show_time = |value: f64| figures::tick(value);
    let show_rate = |value: f64| figures::tick(value);
    let alt = format!("{}: rate in {} over {}.", phase.id, phase.unit, span(length));
    let x = Axis { low: 0.0, high: length, scale: Scale::Linear, title: "seconds", show: &show_time };
    let y = Axis { low: 0.0, high: high * 1.06, scale: Scale::Linear, title: phase.unit, show: &show_rate };
    let mut plot = Plot::new(&alt, 216.0, x, y);
    plot.line("s0", steps(series, series.rate.iter().map(|rate| rate.unwrap_or(f64::NAN))));
    mark_stonewall(&mut plot, phase, series);
    Some(Chart { caption: format!("{}: rate{}", phase.id, shading(series)), svg: plot.finish() })
}

/// 99th percentile of the latency over time.
pub fn series_p99(phase: &Phase) -> Option<Chart> {
    let series = phase.series.as_ref().filter(|series| series.p99.iter().flatten().count() > 1)?;
    let known = series.p99.iter().flatten().map(|ns| *ns as f64);
    let (low, high) = known.fold((f64::INFINITY, 0.0f64), |(low, high), ns| (low.min(ns), high.max(ns)));
    if high <= 0.0 {
        return None;
    }
    let length = series.end_seconds;
    let show_time = |value: f64| figures::tick(value);
    let show_latency = |ns: f64| latency_tick(ns);
    let alt = format!("{}: 99th percentile of the latency over {}.", phase.id, span(length));
    let x = Axis { low: 0.0, high: length, scale: Scale::Linear, title: "seconds", show: &show_time };
    let y = Axis { low: low.max(1.0) / 1.2, high: high * 1.2, scale: Scale::Log, title: "p99", show: &show_latency };
    let mut plot = Plot::new(&alt, 216.0, x, y);
    let values = series.p99.iter().map(|ns| ns.map_or(f64::NAN, |ns| ns as f64));
    plot.line("s1", steps(series, values));
    mark_stonewall(&mut plot, phase, series);
    Some(Chart {
        caption: format!("{}: 99th percentile of the latency{}", phase.id, shading(series)),
        svg: plot.finish(),
    })
}

/// A value per interval as a line with steps, up to the end within the last interval.
fn steps(series: &Series, values: impl Iterator<Item = f64>) -> impl Iterator<Item = (f64, f64)> {
    let (interval, end) = (series.interval_seconds, series.end_seconds);
    values.enumerate().flat_map(move |(index, value)| {
        [(index as f64 * interval, value), (((index + 1) as f64 * interval).min(end), value)]
    })
}

fn mark_stonewall(plot: &mut Plot<'_>, phase: &Phase, series: &Series) {
    if let Some(met) = series.wear_out_seconds {
        plot.band(met, series.end_seconds);
    }
    if let Some(at) = series.stonewall_seconds {
        // ranks that have done everything before the stonewall stop too
        let setting = phase.stonewall.as_ref().and_then(|stonewall| stonewall.setting_seconds).unwrap_or(0.0);
        plot.moment(at, if at >= setting { "stonewall" } else { "first rank done" });
    }
}

fn shading(series: &Series) -> &'static str {
    if series.wear_out_seconds.is_some() { "; shaded: wear-out" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing;

    /// A run of this program names ranks by their own times, which the picture of times with waiting does not show.
    #[test]
    fn the_ring_is_around_a_point_of_the_picture() {
        let mut phase = testing::run("night").phases.swap_remove(0);
        let before = ranks(&phase).unwrap().svg;
        assert!(before.contains(r#"class="ring""#) && before.contains("seconds (not from 0)"));
        let found = phase.stragglers.as_mut().unwrap();
        found.slowest[0].seconds /= 3.0;
        found.seconds.mean /= 3.0;
        assert_eq!(ranks(&phase).unwrap().svg, before);
        phase.stragglers.as_mut().unwrap().without_waiting = true;
        assert!(ranks(&phase).unwrap().svg.contains("seconds with waiting (not from 0)"));
    }

    #[test]
    fn few_ranks_are_no_picture() {
        let mut phase = testing::run("night").phases.swap_remove(0);
        phase.ranks.truncate(3);
        assert!(ranks(&phase).is_none());
    }
}
