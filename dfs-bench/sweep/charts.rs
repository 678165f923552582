//! The pictures of a campaign's report.

use super::found::{Analysis, CellResult, Factor};
use crate::report::charts::Chart;
use crate::report::figures::{tick, times};
use crate::report::heat_map::{self, short};
use crate::report::svg::{Axis, Plot, Rows, Scale, padded, ratio_range};

/// Pairs of axes that get a map, and phases that get a picture, at most.
const MAPS: usize = 6;
const PHASES: usize = 24;

/// Every value's factor with its interval.
pub fn effects(found: &Analysis) -> Option<Chart> {
    let all: Vec<(String, Factor)> = found
        .effects
        .iter()
        .flat_map(|effect| effect.values.iter().map(|(value, factor)| (format!("{}={value}", effect.axis), *factor)))
        .collect();
    let mut ends = Vec::new();
    for (_, factor) in &all {
        // an interval from two runs can be absurdly wide; it is cut, not the picture stretched
        ends.extend([factor.low.unwrap_or(factor.ratio).max(factor.ratio / 4.0), factor.ratio]);
        ends.push(factor.high.unwrap_or(factor.ratio).min(factor.ratio * 4.0));
    }
    if all.is_empty() {
        return None;
    }
    let (low, high) = ratio_range(ends.iter().copied().fold(0.95, f64::min), ends.iter().copied().fold(1.05, f64::max));
    let show = |value: f64| tick(value);
    let axis = Axis { low, high, scale: Scale::Ratio, title: "factor (logarithmic)", show: &show };
    let alt = format!("Factors of {} values; the table of effects has the figures.", all.len());
    let mut rows = Rows::new(&alt, all.len(), 62.0, axis);
    rows.level(1.0, all.len());
    for (name, factor) in &all {
        rows.row(&short(name, 19));
        if let (Some(from), Some(to)) = (factor.low, factor.high) {
            rows.interval(from, to);
        }
        rows.dot(if factor.is_significant() { "s0" } else { "s3" }, factor.ratio, 5.0);
        rows.text_right(&times(factor.ratio));
    }
    let caption = format!(
        "What each value does to the {} against its axis's baseline; bars are 95 % intervals, grey dots are not beyond chance.",
        found.objective
    );
    Some(Chart { caption, svg: rows.finish() })
}

/// From the baseline to the best cell, and what remains to the roof.
pub fn waterfall(found: &Analysis) -> Option<Chart> {
    if found.steps.is_empty() {
        return None;
    }
    let mut bars = vec![("baseline".to_owned(), None, 1.0)];
    let mut at = 1.0;
    for step in &found.steps {
        bars.push((step.setting.clone(), Some(at), at * step.ratio));
        at *= step.ratio;
    }
    bars.push(("tuned".to_owned(), None, at));
    bars.extend(found.to_the_roof.map(|left| ("to the roof".to_owned(), Some(at), at * left)));
    let high = bars.iter().flat_map(|(_, from, to)| [from.unwrap_or(0.0), *to]).fold(1.0, f64::max);
    let show = |value: f64| tick(value);
    let title = "of the baseline";
    let alt = format!(
        "From the baseline to the best cell in {} steps; the table of steps has the figures.",
        found.steps.len()
    );
    let mut rows = Rows::new(&alt, bars.len(), 66.0, Axis { low: 0.0, high, scale: Scale::Linear, title, show: &show });
    for (name, from, to) in &bars {
        rows.row(&short(name, 19));
        let gain = from.is_none_or(|from| (*to >= from) == found.more_is_better);
        let class = if from.is_none() {
            "s0"
        } else if name == "to the roof" {
            "s3"
        } else if gain {
            "s2"
        } else {
            "s5"
        };
        let (left, right) = (from.unwrap_or(0.0).min(*to), from.unwrap_or(0.0).max(*to));
        rows.bar(class, left, right);
        rows.text_right(&times(from.map_or(*to, |from| to / from)));
    }
    let caption =
        "From the baseline to the best cell, setting by setting: green gains, red costs; each row has its own factor."
            .to_owned();
    Some(Chart { caption, svg: rows.finish() })
}

/// Geometric mean of a figure over cells that fulfil something.
fn mean(found: &Analysis, figure: &str, of: impl Fn(&CellResult) -> bool) -> Option<f64> {
    let logs: Vec<f64> =
        found.cells.iter().filter(|cell| of(cell)).filter_map(|cell| Some(cell.figures.get(figure)?.ln())).collect();
    (!logs.is_empty()).then(|| (logs.iter().sum::<f64>() / logs.len() as f64).exp())
}

/// How much an axis moves the objective: the largest factor between two of its values.
fn reach(found: &Analysis, axis: usize) -> f64 {
    let logs =
        found.effects.get(axis).into_iter().flat_map(|effect| &effect.values).map(|(_, factor)| factor.ratio.ln());
    let (low, high) = logs.fold((0.0f64, 0.0f64), |(low, high), log| (low.min(log), high.max(log)));
    high - low
}

/// Axes with more than one value, the one that moves most first.
fn axes(found: &Analysis) -> Vec<usize> {
    let mut axes: Vec<usize> = (0..found.axes.len()).filter(|&axis| found.axes[axis].1.len() > 1).collect();
    axes.sort_by(|&a, &b| reach(found, b).total_cmp(&reach(found, a)));
    axes
}

/// Maps of pairs of axes: those that depend on each other first.
pub fn maps(found: &Analysis) -> Vec<Chart> {
    let axes = axes(found);
    let mut pairs: Vec<(usize, usize)> =
        axes.iter().enumerate().flat_map(|(place, &a)| axes[place + 1..].iter().map(move |&b| (a, b))).collect();
    let depend = |&(a, b): &(usize, usize)| {
        let names = [&found.axes[a].0, &found.axes[b].0];
        found.interactions.iter().any(|i| names.contains(&&i.axes.0) && names.contains(&&i.axes.1))
    };
    pairs.sort_by_key(|pair| !depend(pair));
    let base = &found.cells[0].levels;
    let mut charts = Vec::new();
    for (a, b) in pairs.into_iter().take(MAPS) {
        let of = |x: usize, y: usize| mean(found, &found.objective, |cell| cell.levels[a] == x && cell.levels[b] == y);
        let Some(against) = of(base[a], base[b]) else { continue };
        let ((rows, row_values), (columns, column_values)) = (&found.axes[a], &found.axes[b]);
        let alt = format!("Mean {} over {rows} and {columns}.", found.objective);
        let svg =
            heat_map::draw(&alt, row_values, column_values, found.more_is_better, |x, y| Some(of(x, y)? / against));
        let more = if depend(&(a, b)) { "; the two depend on each other" } else { "" };
        charts.push(Chart {
            caption: format!(
                "{rows} (down) and {columns} (across): mean {} of the cells against {}={} with {}={}{more}",
                found.objective, rows, row_values[base[a]], columns, column_values[base[b]]
            ),
            svg,
        });
    }
    charts
}

/// A small picture per figure over the values of the axis that moves most.
pub fn phases(found: &Analysis) -> Vec<Chart> {
    let Some(&axis) = axes(found).first() else { return Vec::new() };
    let (name, values) = &found.axes[axis];
    let mut charts = Vec::new();
    let figures = found.best_per_figure.keys().filter(|figure| !figure.ends_with(super::campaign::TAIL));
    for figure in figures.take(PHASES) {
        let points: Vec<(f64, f64)> = (0..values.len())
            .filter_map(|level| Some((level as f64, mean(found, figure, |cell| cell.levels[axis] == level)?)))
            .collect();
        if points.len() < 2 {
            continue;
        }
        let show_x = |at: f64| short(values.get(at as usize).map_or("", String::as_str), 10);
        charts.extend(over(figure, name, &points, values.len(), &show_x));
    }
    charts
}

fn over(
    figure: &str,
    axis: &str,
    points: &[(f64, f64)],
    count: usize,
    show_x: &dyn Fn(f64) -> String,
) -> Option<Chart> {
    let (_, high) = padded(points.iter().map(|(_, value)| *value))?;
    let show = |value: f64| tick(value);
    let alt = format!("{figure} over {axis}.");
    let x = Axis { low: -0.4, high: count as f64 - 0.6, scale: Scale::Whole, title: axis, show: show_x };
    let y = Axis { low: 0.0, high, scale: Scale::Linear, title: figure, show: &show };
    let mut plot = Plot::new(&alt, 190.0, x, y);
    plot.line("s0", points.iter().copied());
    plot.strokes("s0 wide", points.iter().map(|&(x, value)| (x, value, value)));
    Some(Chart { caption: format!("{figure}: mean of the cells by {axis}"), svg: plot.finish() })
}

/// Curves of the objective over each axis whose values are amounts: the other settings as in the baseline, and as in the best cell.
pub fn curves(found: &Analysis) -> Vec<Chart> {
    let amount = |text: &String| {
        text.parse().ok().or_else(|| io500_phases::units::parse_size(text).ok().map(|bytes| bytes as f64))
    };
    let mut charts = Vec::new();
    for (axis, (name, values)) in found.axes.iter().enumerate() {
        let Some(amounts) = values.iter().map(amount).collect::<Option<Vec<f64>>>() else { continue };
        if amounts.len() < 3 {
            continue;
        }
        let doubling = amounts.windows(2).all(|pair| pair[1] == 2.0 * pair[0]);
        let slice = |like: &CellResult| -> Vec<(f64, f64)> {
            let same = |cell: &CellResult| {
                cell.levels.iter().zip(&like.levels).enumerate().all(|(other, (a, b))| other == axis || a == b)
            };
            let point = |cell: &CellResult| Some((amounts[cell.levels[axis]], *cell.figures.get(&found.objective)?));
            let mut points: Vec<_> = found.cells.iter().filter(|cell| same(cell)).filter_map(point).collect();
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            points
        };
        let of_base = slice(&found.cells[0]);
        let of_best = found.best.as_ref().map_or_else(Vec::new, |best| slice(&found.cells[best.cell]));
        let lines = [("s0", of_base), ("s1", of_best)].into_iter().filter(|(_, points)| points.len() > 2);
        let lines: Vec<(&str, Vec<(f64, f64)>)> = lines.collect();
        let all = || lines.iter().flat_map(|(_, points)| points);
        let Some((_, high)) = padded(all().map(|(_, value)| *value)) else { continue };
        let (low_x, high_x) = all().fold((f64::INFINITY, 0.0f64), |(low, high), (x, _)| (low.min(*x), high.max(*x)));
        // values that double keep the same distance; a tick is then shown as the file spells the value
        let place =
            |x: f64| if doubling { amounts.iter().position(|amount| *amount == x).unwrap_or(0) as f64 } else { x };
        let (low_x, high_x) = if doubling { (-0.2, values.len() as f64 - 0.8) } else { (low_x, high_x) };
        let scale = if doubling { Scale::Whole } else { Scale::Linear };
        let show_x = |x: f64| match doubling {
            true => values.get(x.max(0.0) as usize).map_or_else(String::new, |value| short(value, 10)),
            false => tick(x),
        };
        let show = |value: f64| tick(value);
        let alt = format!("{} over {name}.", found.objective);
        let x = Axis { low: low_x, high: high_x, scale, title: name, show: &show_x };
        let y = Axis { low: 0.0, high, scale: Scale::Linear, title: &found.objective, show: &show };
        let mut plot = Plot::new(&alt, 216.0, x, y);
        for (class, points) in &lines {
            plot.line(class, points.iter().map(|&(x, value)| (place(x), value)));
            plot.strokes(&format!("{class} wide"), points.iter().map(|&(x, value)| (place(x), value, value)));
        }
        let caption = format!(
            "{} over {name}; blue: the other settings as in the baseline, orange: as in the best cell",
            found.objective
        );
        charts.push(Chart { caption, svg: plot.finish() });
    }
    charts
}

/// Speed-up over nodes or ranks with the fitted law, a picture per figure.
pub fn scaling(found: &Analysis) -> Vec<Chart> {
    let mut charts = Vec::new();
    for one in found.scaling.iter().filter(|one| one.points.len() > 2) {
        let (Some(first), Some(last)) = (one.points.first(), one.points.last()) else { continue };
        let high = one.points.iter().map(|point| point.speed_up).fold(1.0, f64::max).max(last.n / first.n);
        let show = |value: f64| tick(value);
        let alt = format!("Speed-up of {} over {}.", one.figure, one.axis);
        let x = Axis { low: first.n, high: last.n, scale: Scale::Linear, title: &one.axis, show: &show };
        let y = Axis { low: 0.0, high: high * 1.04, scale: Scale::Linear, title: "speed-up", show: &show };
        let mut plot = Plot::new(&alt, 216.0, x, y);
        plot.line("s3", [(first.n, 1.0), (last.n, last.n / first.n)].into_iter());
        if let Some(law) = &one.law {
            let step = (last.n - first.n) / 60.0;
            plot.line("s1", (0..=60).map(|at| first.n + f64::from(at) * step).map(|n| (n, law.at(n) / first.mean)));
            if let Some(at) = law.bends_at.filter(|at| one.bends && *at < last.n) {
                plot.moment(at, "bends");
            }
        }
        plot.strokes("s0 wide", one.points.iter().map(|point| (point.n, point.speed_up, point.speed_up)));
        let held = if one.held.is_empty() { String::new() } else { format!(", {}", one.held) };
        let caption = format!("{}{held}: measured (blue), in proportion (grey), fitted law (orange)", one.figure);
        charts.push(Chart { caption, svg: plot.finish() });
    }
    charts
}

/// Bandwidth against metadata, a dot per cell, those that no other beats in orange.
pub fn trade_off(found: &Analysis) -> Option<Chart> {
    let both = |cell: &CellResult| Some((*cell.figures.get("bandwidth")?, *cell.figures.get("metadata")?));
    let points: Vec<(f64, f64)> = found.cells.iter().filter_map(both).collect();
    if points.len() < 3 {
        return None;
    }
    let (low_x, high_x) = padded(points.iter().map(|(x, _)| *x))?;
    let (low_y, high_y) = padded(points.iter().map(|(_, y)| *y))?;
    let show = |value: f64| tick(value);
    let alt = format!("Bandwidth and metadata of {} cells; the table of the trade-off has the figures.", points.len());
    let x = Axis { low: low_x.max(0.0), high: high_x, scale: Scale::Linear, title: "bandwidth, GiB/s", show: &show };
    let y = Axis { low: low_y.max(0.0), high: high_y, scale: Scale::Linear, title: "metadata, kIOPS", show: &show };
    let mut plot = Plot::new(&alt, 256.0, x, y);
    plot.strokes("s0 wide", points.iter().map(|&(x, y)| (x, y, y)));
    let front = found.trade_off.iter().filter_map(|&index| both(&found.cells[index]));
    plot.strokes("s1 wide", front.map(|(x, y)| (x, y, y)));
    let caption = "Bandwidth against metadata, a dot per cell; orange: no other cell beats it in both".to_owned();
    Some(Chart { caption, svg: plot.finish() })
}
