//! The picture of a comparison: every ratio with its interval and the single runs, on one logarithmic axis.

use super::model::{Line, Versus};
use crate::report::charts::Chart;
use crate::report::figures::{tick, times};
use crate::report::svg::{Axis, Rows, Scale, ratio_range};

/// The ratios of a comparison; none without lines.
pub fn ratios(versus: &Versus, baseline: &str) -> Option<Chart> {
    let lines = &versus.lines;
    let repeated = |line: &Line| line.a.values.len() > 1 || line.b.values.len() > 1;
    let relative = |line: &Line, values: &[f64]| values.iter().map(|value| value / line.a.mean).collect::<Vec<f64>>();
    let mut low = 0.9f64;
    let mut high = 1.1f64;
    for line in lines {
        let (from, to) = line.interval.unwrap_or((line.ratio, line.ratio));
        // an interval from two runs can be absurdly wide; it is cut, not the picture stretched
        for value in
            [from.max(line.ratio / 4.0), to.min(line.ratio * 4.0)].into_iter().chain(relative(line, &line.b.values))
        {
            low = low.min(value / 1.05);
            high = high.max(value * 1.05);
        }
    }
    // one ratio is a number: the table has it
    if lines.len() < 2 {
        return None;
    }
    let (low, high) = ratio_range(low, high);
    let show = |value: f64| tick(value);
    let title = "ratio to the baseline (logarithmic)";
    let axis = Axis { low, high, scale: Scale::Ratio, title, show: &show };
    let alt = format!("Ratios of {} to {baseline}; the table of ratios has the figures.", versus.side.label);
    let mut rows = Rows::new(&alt, lines.len(), 62.0, axis);
    rows.level(1.0, lines.len());
    for line in lines {
        rows.row(&line.name);
        if repeated(line) {
            relative(line, &line.a.values).into_iter().for_each(|value| rows.dot("s3", value, 2.5));
            relative(line, &line.b.values).into_iter().for_each(|value| rows.dot("s1", value, 2.5));
        }
        if let Some((from, to)) = line.interval {
            rows.interval(from, to);
        }
        rows.dot(if line.phase.is_none() { "s1" } else { "s0" }, line.ratio, 5.0);
        rows.text_right(&times(line.ratio));
    }
    let single = "single runs are small dots: grey for the baseline, orange for the other; bars are 95 % intervals";
    let caption = if lines.iter().any(repeated) {
        format!("Ratio per phase, right of the dashed line is faster; {single}.")
    } else {
        "Ratio per phase, right of the dashed line is faster. One run each: no intervals.".to_owned()
    };
    Some(Chart { caption, svg: rows.finish() })
}
