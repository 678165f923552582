//! Figures for readers: a fixed number of digits per kind, thousands grouped. Machines get the unrounded values.

/// A rate in GiB/s or kIOPS: five significant digits at most, never an exponent.
pub fn rate(value: f64) -> String {
    significant(value, 5)
}

/// A time of a phase or rank.
pub fn seconds(value: f64) -> String {
    let decimals = match value.abs() {
        v if v >= 1000.0 => 0,
        v if v >= 100.0 => 1,
        v if v >= 1.0 => 2,
        v if v >= 0.01 => 4,
        _ if value == 0.0 => 0,
        _ => 6,
    };
    group(&format!("{value:.decimals$}"))
}

/// A time as people write it: `4.00 µs`, `12.5 ms`, `350.3 s`.
pub fn span(seconds: f64) -> String {
    if seconds != 0.0 && seconds.abs() < 1.0 { latency(seconds * 1e9) } else { format!("{} s", self::seconds(seconds)) }
}

/// A share as a percentage.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let decimals = if percent.abs() >= 10.0 || percent == 0.0 { 1 } else { 2 };
    with_minus(&format!("{percent:.decimals$} %"))
}

/// The minus of mathematics, which is as wide as the plus, in place of the hyphen.
fn with_minus(text: &str) -> String {
    text.replacen('-', "\u{2212}", 1)
}

/// A share as a percentage that always shows its sign.
pub fn signed_percent(share: f64) -> String {
    let text = percent(share);
    if share >= 0.0 { format!("+{text}") } else { text }
}

/// A ratio, as tuning reports write it.
pub fn times(ratio: f64) -> String {
    let decimals = if ratio >= 100.0 {
        0
    } else if ratio >= 10.0 {
        1
    } else if ratio >= 0.1 {
        2
    } else {
        4
    };
    format!("\u{d7}{ratio:.decimals$}")
}

/// A count.
pub fn count(value: f64) -> String {
    group(&format!("{value:.0}"))
}

/// A latency in nanoseconds with the unit that fits.
pub fn latency(nanoseconds: f64) -> String {
    let (value, unit) = scaled(nanoseconds);
    format!("{} {unit}", significant(value, 3))
}

/// A latency on an axis.
pub fn latency_tick(nanoseconds: f64) -> String {
    let (value, unit) = scaled(nanoseconds);
    format!("{} {unit}", tick(value))
}

fn scaled(nanoseconds: f64) -> (f64, &'static str) {
    match nanoseconds {
        v if v.abs() >= 1e9 => (v / 1e9, "s"),
        v if v.abs() >= 1e6 => (v / 1e6, "ms"),
        v if v.abs() >= 1e3 => (v / 1e3, "\u{b5}s"),
        v => (v, "ns"),
    }
}

/// A span of time for people: `1 h 04 min`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, _) => span(seconds),
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

/// A value with so many significant digits, without exponent, thousands grouped.
pub fn significant(value: f64, digits: i32) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let decimals = (digits - 1 - value.abs().log10().floor() as i32).clamp(0, 9) as usize;
    group(&format!("{value:.decimals$}"))
}

/// A value on an axis: as few digits as it takes.
pub fn tick(value: f64) -> String {
    let text = format!("{value:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    group(if text == "-0" { "0" } else { text })
}

/// Groups the digits before the point by a narrow space that does not break.
fn group(text: &str) -> String {
    let (whole, rest) = text.split_once('.').map_or((text, None), |(whole, rest)| (whole, Some(rest)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("\u{2212}", digits));
    let mut out = String::from(sign);
    for (index, digit) in digits.chars().enumerate() {
        // up to six digits read well without a gap, and stay easy to search for
        if digits.len() > 6 && index > 0 && (digits.len() - index) % 3 == 0 {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    if let Some(rest) = rest {
        out.push('.');
        out.push_str(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_people_write_them() {
        assert_eq!(rate(452.978235), "452.98");
        assert_eq!(rate(19398.391175), "19398");
        assert_eq!(rate(1.973288), "1.9733");
        assert_eq!(rate(0.0), "0");
        assert_eq!(seconds(4883.0997), "4883");
        assert_eq!(seconds(350.2806), "350.3");
        assert_eq!(seconds(0.0021), "0.002100");
        assert_eq!(percent(0.12345), "12.3 %");
        assert_eq!(signed_percent(-0.0123), "\u{2212}1.23 %");
        assert_eq!(signed_percent(0.5), "+50.0 %");
        assert_eq!(
            [span(0.000004), span(0.0125), span(350.2806), span(0.0)],
            ["4.00 \u{b5}s", "12.5 ms", "350.3 s", "0 s"]
        );
        assert_eq!([percent(-0.0123), rate(-2.5), tick(-3.0)], ["\u{2212}1.23 %", "\u{2212}2.5000", "\u{2212}3"]);
        assert_eq!(times(1.5934), "\u{d7}1.59");
        assert_eq!(latency(1534.0), "1.53 \u{b5}s");
        assert_eq!(duration(4883.0), "1 h 21 min");
        assert_eq!([tick(50.0), tick(0.1 + 0.2), tick(-0.0)], ["50", "0.3", "0"]);
        assert_eq!(duration(75.2), "1 min 15 s");
        assert_eq!(count(1825260801.0), "1\u{202f}825\u{202f}260\u{202f}801");
    }
}
