//! A small plotting surface: axes, lines, bars and marks as SVG text. Colours come from the page's style sheet by class, so
//! that one picture serves light, dark and print.

use std::fmt::Write;

/// Width of every picture in its own units; the page scales it.
pub const WIDTH: f64 = 480.0;

/// How values become positions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scale {
    /// Equal distances for equal differences.
    Linear,
    /// Equal distances for equal ratios.
    Log,
    /// As `Log`, for ratios: both ends have a tick, and 1, 2, 5 between them.
    Ratio,
    /// As `Linear`, for things that are counted: only whole numbers have a tick.
    Whole,
    /// Percentiles 0 to 100: equal distances for equal ratios of what is above.
    Tail,
}

/// An axis: the range of values, what it shows, and how a tick is written.
pub struct Axis<'a> {
    /// Smallest value.
    pub low: f64,
    /// Largest value.
    pub high: f64,
    /// Its scale.
    pub scale: Scale,
    /// What it shows, with the unit.
    pub title: &'a str,
    /// How a tick is written.
    pub show: &'a dyn Fn(f64) -> String,
}

impl Axis<'_> {
    /// Where a value lies, 0 to 1, held inside.
    fn place(&self, value: f64) -> f64 {
        let map = |value: f64| match self.scale {
            Scale::Linear | Scale::Whole => value,
            Scale::Log | Scale::Ratio => value.max(f64::MIN_POSITIVE).ln(),
            Scale::Tail => -(1.0 - (value / 100.0).min(0.999_999_9)).ln(),
        };
        let (low, high) = (map(self.low), map(self.high));
        if high > low { ((map(value) - low) / (high - low)).clamp(0.0, 1.0) } else { 0.5 }
    }

    /// The values with a tick, rising.
    fn ticks(&self, wanted: usize) -> Vec<f64> {
        match self.scale {
            Scale::Linear => linear_ticks(self.low, self.high, wanted),
            Scale::Log => log_ticks(self.low, self.high, wanted),
            Scale::Ratio => ratio_ticks(self.low, self.high, wanted),
            Scale::Whole => {
                linear_ticks(self.low, self.high, wanted).into_iter().filter(|tick| tick.fract() == 0.0).collect()
            }
            Scale::Tail => {
                [0.0, 50.0, 90.0, 99.0, 99.9, 99.99, 99.999].into_iter().filter(|tick| *tick <= self.high).collect()
            }
        }
    }
}

/// A range that holds all values with a margin on both sides; none for no values.
pub fn padded(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if low > high {
        return None;
    }
    let margin = if high > low { (high - low) * 0.06 } else { high.abs().max(1e-9) * 0.05 };
    Some((low - margin, high + margin))
}

/// Ticks at 1, 2 or 5 times a power of ten.
pub fn linear_ticks(low: f64, high: f64, wanted: usize) -> Vec<f64> {
    let rough = (high - low) / wanted.max(1) as f64;
    if rough <= 0.0 || !rough.is_finite() {
        return vec![low];
    }
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|step| *step >= rough).unwrap_or(power * 10.0);
    let first = (low / step).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|index| index as f64 * step).collect()
}

/// Ticks at powers of ten, thinned out when there are many; at 1, 2, 5 when there are few.
pub fn log_ticks(low: f64, high: f64, wanted: usize) -> Vec<f64> {
    let (first, last) = (low.max(f64::MIN_POSITIVE).log10().floor() as i32, high.log10().ceil() as i32);
    let within = |ticks: Vec<f64>| -> Vec<f64> {
        ticks.into_iter().filter(|tick| *tick >= low * 0.999_999 && *tick <= high * 1.000_001).collect()
    };
    let decades = within((first..=last).map(|power| 10f64.powi(power)).collect());
    if decades.len() > wanted {
        let stride = decades.len().div_ceil(wanted);
        return decades.into_iter().step_by(stride).collect();
    }
    if decades.len() >= 3 {
        return decades;
    }
    let fine = within((first..=last).flat_map(|p| [1.0, 2.0, 5.0].map(|m| m * 10f64.powi(p))).collect());
    if fine.len() >= 2 { fine } else { within(linear_ticks(low, high, wanted)) }
}

/// Both ends, and between them 1, 2 and 5 times powers of ten; or round steps where the ends are close.
fn ratio_ticks(low: f64, high: f64, wanted: usize) -> Vec<f64> {
    let powers = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let between = match high / low {
        ratio if ratio < 2.5 => linear_ticks(low, high, wanted),
        ratio if ratio < 1e3 => powers.flat_map(|power| [1.0, 2.0, 5.0].map(|m| m * 10f64.powi(power))).collect(),
        _ => powers.map(|power| 10f64.powi(power)).collect(),
    };
    let inside = between.into_iter().filter(|tick| *tick > low * 1.000_001 && *tick < high / 1.000_001);
    std::iter::once(low).chain(inside).chain([high]).collect()
}

/// A range that holds these ratios and ends at round ones.
pub fn ratio_range(low: f64, high: f64) -> (f64, f64) {
    if high / low < 2.5 {
        return ((low * 20.0).floor() / 20.0, (high * 20.0).ceil() / 20.0);
    }
    const ROUND: [f64; 7] = [1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0];
    let power = |value: f64| 10f64.powi(value.log10().floor() as i32);
    let (below, above) = (power(low), power(high));
    let down = ROUND.into_iter().map(|m| m * below).rfind(|round| *round <= low * 1.000_001);
    let up = ROUND.into_iter().map(|m| m * above).find(|round| *round >= high / 1.000_001);
    (down.unwrap_or(low), up.unwrap_or(high))
}

/// About half the width of a label.
fn half_width(text: &str) -> f64 {
    text.chars().count() as f64 * 3.6
}

/// A picture with two axes.
pub struct Plot<'a> {
    svg: String,
    x: Axis<'a>,
    y: Axis<'a>,
    left: f64,
    top: f64,
    width: f64,
    height: f64,
    bottom: f64,
}

impl<'a> Plot<'a> {
    /// An empty plot of this height; `alt` says in words what it shows.
    pub fn new(alt: &str, height: f64, x: Axis<'a>, y: Axis<'a>) -> Self {
        let (left, right, top, bottom) = (62.0, 14.0, 40.0, 40.0);
        let mut plot = Plot {
            svg: open(alt, height),
            x,
            y,
            left,
            top,
            width: WIDTH - left - right,
            height: height - top - bottom,
            bottom: height,
        };
        plot.frame();
        plot
    }

    fn px(&self, value: f64) -> f64 {
        self.left + self.width * self.x.place(value)
    }

    fn py(&self, value: f64) -> f64 {
        self.top + self.height * (1.0 - self.y.place(value))
    }

    fn frame(&mut self) {
        let (left, right) = (self.left, self.left + self.width);
        let (top, floor) = (self.top, self.top + self.height);
        for tick in self.y.ticks(5) {
            let y = self.py(tick);
            let _ = write!(self.svg, r#"<path class="grid" d="M{left:.1} {y:.1}H{right:.1}"/>"#);
            label(&mut self.svg, left - 6.0, y + 4.0, "end", &(self.y.show)(tick));
        }
        let mut free = f64::NEG_INFINITY;
        for tick in self.x.ticks(6) {
            let (x, text) = (self.px(tick), (self.x.show)(tick));
            let _ = write!(self.svg, r#"<path class="grid" d="M{x:.1} {top:.1}V{floor:.1}"/>"#);
            // a label that would run into the one before is left out; its line stays
            let half = half_width(&text);
            let center = x.min(WIDTH - half - 4.0);
            if center - half > free {
                label(&mut self.svg, center, floor + 16.0, "middle", &text);
                free = center + half + 4.0;
            }
        }
        let _ = write!(self.svg, r#"<path class="axis" d="M{left:.1} {top:.1}V{floor:.1}H{right:.1}"/>"#);
        label(&mut self.svg, left + self.width / 2.0, self.bottom - 6.0, "middle", self.x.title);
        label(&mut self.svg, 4.0, 14.0, "start", self.y.title);
    }

    /// A line through the points; a gap where `y` is not finite.
    pub fn line(&mut self, class: &str, points: impl Iterator<Item = (f64, f64)>) {
        let mut path = String::new();
        let mut pen_up = true;
        for (x, y) in points {
            if !y.is_finite() {
                pen_up = true;
                continue;
            }
            let _ = write!(path, "{}{:.1} {:.1}", if pen_up { 'M' } else { 'L' }, self.px(x), self.py(y));
            pen_up = false;
        }
        if !path.is_empty() {
            let _ = write!(self.svg, r#"<path class="line {class}" d="{path}"/>"#);
        }
    }

    /// Upright strokes from one value to another: at least a dot where the two are the same.
    pub fn strokes(&mut self, class: &str, strokes: impl Iterator<Item = (f64, f64, f64)>) {
        let mut path = String::new();
        for (x, low, high) in strokes {
            let (a, b) = (self.py(low), self.py(high));
            let _ = write!(path, "M{:.1} {:.1}V{:.1}", self.px(x), a + 1.0, b - 1.0);
        }
        let _ = write!(self.svg, r#"<path class="stroke {class}" d="{path}"/>"#);
    }

    /// A ring around a point with its name above the plot.
    pub fn ring(&mut self, x: f64, y: f64, text: &str) {
        let (px, py) = (self.px(x), self.py(y));
        let _ = write!(self.svg, r#"<circle class="ring" cx="{px:.1}" cy="{py:.1}" r="5"/>"#);
        // above the plot, where no data is
        let anchor = if px > self.left + self.width * 0.9 {
            "end"
        } else if px < self.left + self.width * 0.3 {
            "start"
        } else {
            "middle"
        };
        label(&mut self.svg, px, self.top - 8.0, anchor, text);
    }

    /// A level across the plot with its name.
    pub fn level(&mut self, y: f64, text: &str) {
        let py = self.py(y);
        let (left, right) = (self.left, self.left + self.width);
        let _ = write!(self.svg, r#"<path class="mark" d="M{left:.1} {py:.1}H{right:.1}"/>"#);
        let _ = write!(self.svg, r#"<text class="note" x="{right:.1}" y="{:.1}" text-anchor="end">"#, py - 4.0);
        let _ = write!(self.svg, "{}</text>", escape(text));
    }

    /// A shaded span of the x axis.
    pub fn band(&mut self, from: f64, to: f64) {
        let (a, b) = (self.px(from), self.px(to));
        let (y, width, height) = (self.top, (b - a).max(1.0), self.height);
        let _ =
            write!(self.svg, r#"<rect class="band" x="{a:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}"/>"#);
    }

    /// A moment on the x axis with its name above the plot.
    pub fn moment(&mut self, x: f64, text: &str) {
        let px = self.px(x);
        let (top, floor) = (self.top, self.top + self.height);
        let _ = write!(self.svg, r#"<path class="mark" d="M{px:.1} {top:.1}V{floor:.1}"/>"#);
        let anchor = if px > self.left + self.width * 0.5 { "end" } else { "start" };
        label(&mut self.svg, px, top - 6.0, anchor, text);
    }

    /// The finished picture.
    pub fn finish(mut self) -> String {
        self.svg.push_str("</svg>");
        self.svg
    }
}

/// A picture with a named row per item and one value axis below.
pub struct Rows<'a> {
    svg: String,
    x: Axis<'a>,
    left: f64,
    width: f64,
    next: f64,
}

/// Height of a row.
const ROW: f64 = 24.0;

impl<'a> Rows<'a> {
    /// A picture for `count` rows; `right` is room for text behind the bars.
    pub fn new(alt: &str, count: usize, right: f64, x: Axis<'a>) -> Self {
        let (left, top) = (148.0, 6.0);
        let floor = top + ROW * count as f64;
        let mut rows = Rows { svg: open(alt, floor + 40.0), x, left, width: WIDTH - left - right, next: top };
        let ticks: Vec<(f64, String)> =
            rows.x.ticks(4).into_iter().map(|tick| (rows.px(tick), (rows.x.show)(tick))).collect();
        let ends_at = |(x, text): &(f64, String)| x - half_width(text) - 4.0;
        let last = ticks.last().map_or(f64::INFINITY, ends_at);
        let mut free = f64::NEG_INFINITY;
        for (index, tick) in ticks.iter().enumerate() {
            let (x, text) = tick;
            let _ = write!(rows.svg, r#"<path class="grid" d="M{x:.1} {top:.1}V{floor:.1}"/>"#);
            // the last one is always there; one that would run into a neighbour is left out, its line stays
            let reaches = x + half_width(text);
            if index + 1 == ticks.len() || (ends_at(tick) >= free && reaches < last) {
                label(&mut rows.svg, *x, floor + 16.0, "middle", text);
                free = reaches;
            }
        }
        let right = left + rows.width;
        let _ = write!(rows.svg, r#"<path class="axis" d="M{left:.1} {top:.1}V{floor:.1}H{right:.1}"/>"#);
        label(&mut rows.svg, left + rows.width / 2.0, floor + 34.0, "middle", rows.x.title);
        rows
    }

    fn px(&self, value: f64) -> f64 {
        self.left + self.width * self.x.place(value)
    }

    /// Begins a row; bars and dots that follow belong to it.
    pub fn row(&mut self, name: &str) {
        label(&mut self.svg, self.left - 8.0, self.next + ROW / 2.0 + 4.0, "end", name);
        self.next += ROW;
    }

    fn middle(&self) -> f64 {
        self.next - ROW / 2.0
    }

    /// A bar from one value to another.
    pub fn bar(&mut self, class: &str, from: f64, to: f64) {
        let (a, b) = (self.px(from), self.px(to));
        let (y, width) = (self.middle() - 7.0, (b - a).max(1.0));
        let _ = write!(self.svg, r#"<rect class="bar {class}" x="{a:.1}" y="{y:.1}" width="{width:.1}" height="14"/>"#);
    }

    /// A thin bar with ends: an interval.
    pub fn interval(&mut self, from: f64, to: f64) {
        let (a, b, y) = (self.px(from), self.px(to), self.middle());
        let (top, bottom) = (y - 5.0, y + 5.0);
        let _ = write!(
            self.svg,
            r#"<path class="interval" d="M{a:.1} {top:.1}V{bottom:.1}M{a:.1} {y:.1}H{b:.1}M{b:.1} {top:.1}V{bottom:.1}"/>"#
        );
    }

    /// A dot.
    pub fn dot(&mut self, class: &str, value: f64, radius: f64) {
        let (x, y) = (self.px(value), self.middle());
        let _ = write!(self.svg, r#"<circle class="dot {class}" cx="{x:.1}" cy="{y:.1}" r="{radius}"/>"#);
    }

    /// Text behind the value.
    pub fn text_at(&mut self, value: f64, text: &str) {
        let (x, y) = (self.px(value) + 6.0, self.middle() + 4.0);
        label(&mut self.svg, x, y, "start", text);
    }

    /// Text at the right edge of the picture.
    pub fn text_right(&mut self, text: &str) {
        let y = self.middle() + 4.0;
        label(&mut self.svg, WIDTH - 4.0, y, "end", text);
    }

    /// A line through all rows at a value.
    pub fn level(&mut self, value: f64, count: usize) {
        let (x, floor) = (self.px(value), 6.0 + ROW * count as f64);
        let _ = write!(self.svg, r#"<path class="mark" d="M{x:.1} 6V{floor:.1}"/>"#);
    }

    /// The finished picture.
    pub fn finish(mut self) -> String {
        self.svg.push_str("</svg>");
        self.svg
    }
}

/// The beginning of a picture; `alt` says in words what it shows.
pub fn open(alt: &str, height: f64) -> String {
    let alt = escape(alt);
    format!(r#"<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{alt}">"#)
}

/// Text at a place of the picture.
pub fn label(svg: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let _ = write!(svg, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{}</text>"#, escape(text));
}

/// Text for XML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(linear_ticks(0.0, 10.0, 5), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(log_ticks(0.5, 2000.0, 5), [1.0, 10.0, 100.0, 1000.0]);
        assert_eq!(log_ticks(0.8, 2.5, 5), [1.0, 2.0]);
        assert_eq!(ratio_ticks(0.3, 7.0, 4), [0.3, 0.5, 1.0, 2.0, 5.0, 7.0]);
        assert_eq!(ratio_ticks(0.5, 1.0, 4).len(), 4);
        let show = |value: f64| value.to_string();
        let ranks = |last: f64| Axis { low: -0.5, high: last + 0.5, scale: Scale::Whole, title: "", show: &show };
        assert_eq!(ranks(3.0).ticks(6), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(ranks(1.0).ticks(6), [0.0, 1.0]);
    }

    #[test]
    fn ratios_lie_between_round_ends() {
        let close = |(low, high): (f64, f64), ends: (f64, f64)| {
            assert!((low / ends.0 - 1.0).abs() < 1e-9 && (high / ends.1 - 1.0).abs() < 1e-9, "{low} {high}");
        };
        close(ratio_range(0.86, 1.155), (0.85, 1.2));
        close(ratio_range(0.31, 6.2), (0.3, 7.0));
        close(ratio_range(0.5, 10.0), (0.5, 10.0));
        close(ratio_range(0.95, 31.0), (0.7, 50.0));
    }

    proptest! {
        #[test]
        fn ticks_lie_inside_and_rise(low in -1e9..1e9f64, span in 1e-6..1e9f64, wanted in 2usize..9) {
            let ticks = linear_ticks(low, low + span, wanted);
            prop_assert!(ticks.len() <= wanted + 2);
            prop_assert!(ticks.is_sorted());
            prop_assert!(ticks.iter().all(|tick| *tick >= low - span * 1e-6 && *tick <= low + span * (1.0 + 1e-6)));
        }

        #[test]
        fn positions_stay_inside(low in 0.001..1e3f64, span in 0.001..1e6f64, value in -1e9..1e9f64) {
            for scale in [Scale::Linear, Scale::Log, Scale::Ratio, Scale::Whole, Scale::Tail] {
                let show = |value: f64| value.to_string();
                let axis = Axis { low, high: low + span, scale, title: "", show: &show };
                let place = axis.place(value);
                prop_assert!((0.0..=1.0).contains(&place), "{scale:?}: {place}");
            }
        }
    }
}
