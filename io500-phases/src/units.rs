//! Sizes with suffixes, and the number formats that IO500's files use.

use std::fmt;

/// The text is not a size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// Not a whole number with an optional suffix.
    #[error("{0:?} is not a size: expected a whole number, optionally followed by k, m, g or t (powers of 1024)")]
    Malformed(String),
    /// More than 2^64 - 1 bytes.
    #[error("{0:?} is more than 2^64 - 1 bytes")]
    TooLarge(String),
}

/// The number of bytes that `text` stands for: `4096`, `256k`, `2m`, `4MiB`, `1g`, `1t`.
///
/// All suffixes are powers of 1024, as IOR has them: only the first letter counts, so `4MB` is `4MiB` is `4m`. As IOR does, it
/// passes over blanks before the suffix.
///
/// # Errors
/// The text is no size, or one beyond 64 bits.
pub fn parse_size(text: &str) -> Result<u64, SizeError> {
    let malformed = || SizeError::Malformed(text.to_owned());
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, suffix) = text.split_at(digits);
    if number.is_empty() {
        return Err(malformed());
    }
    let shift = match suffix.trim_start_matches([' ', '\t']).to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return Err(malformed()),
    };
    let too_large = || SizeError::TooLarge(text.to_owned());
    let number: u64 = number.parse().map_err(|_| too_large())?;
    number.checked_mul(1 << shift).ok_or_else(too_large)
}

/// Bytes in readable form: the largest unit that leaves a number of at least one, exact when it can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        let unit = (self.0.max(1).ilog2() / 10) as usize;
        let size = 1u64 << (10 * unit);
        let text = if self.0.is_multiple_of(size) {
            format!("{} {}", self.0 / size, UNITS[unit])
        } else {
            format!("{:.2} {}", self.0 as f64 / size as f64, UNITS[unit])
        };
        f.pad(&text)
    }
}

/// Bytes in readable form: `512 B`, `3.8 KiB`, `9.5 TiB`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut value = bytes as f64;
    let mut unit = None;
    for next in UNITS {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = Some(next);
    }
    match unit {
        None => format!("{bytes} B"),
        Some(unit) if value.fract() == 0.0 => format!("{value:.0} {unit}"),
        Some(unit) => format!("{value:.1} {unit}"),
    }
}

/// A count in readable form: digits in threes.
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number as C's `%f` prints it: six decimals, `inf` and `nan` in lower case.
pub fn c_double(value: f64) -> String {
    if value.is_nan() {
        return if value.is_sign_negative() { "-nan" } else { "nan" }.to_owned();
    }
    format!("{value:.6}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_and_counts_are_readable() {
        let cases = [(0, "0 B"), (1023, "1023 B"), (3901, "3.8 KiB"), (2 << 20, "2 MiB"), (u64::MAX, "16 EiB")];
        for (value, text) in cases {
            assert_eq!(bytes(value), text);
        }
        for (value, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(value), text);
        }
    }

    #[test]
    fn suffixes_are_powers_of_1024() {
        for (text, bytes) in [
            ("0", 0),
            ("47008", 47008),
            ("256k", 256 << 10),
            ("2m", 2 << 20),
            ("9920000m", 9_920_000 << 20),
            ("4MiB", 4 << 20),
            ("4MB", 4 << 20),
            ("128KiB", 128 << 10),
            ("256g", 256 << 30),
            ("1T", 1 << 40),
            ("16 m", 16 << 20),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn everything_else_is_an_error() {
        for text in ["", "m", "-1", "1.5m", "2 m m", "2mm", "0x10", "２m", "2q"] {
            assert!(matches!(parse_size(text), Err(SizeError::Malformed(_))), "{text}");
        }
        for text in ["18446744073709551616", "16777216t"] {
            assert!(matches!(parse_size(text), Err(SizeError::TooLarge(_))), "{text}");
        }
    }

    #[test]
    fn bytes_for_people() {
        assert_eq!(Bytes(0).to_string(), "0 B");
        assert_eq!(Bytes(47008).to_string(), "45.91 KiB");
        assert_eq!(Bytes(2 << 20).to_string(), "2 MiB");
        assert_eq!(Bytes(u64::MAX).to_string(), "16.00 EiB");
    }

    #[test]
    fn doubles_look_like_percent_f() {
        assert_eq!(c_double(4.154158), "4.154158");
        assert_eq!(c_double(0.0), "0.000000");
        assert_eq!(c_double(0.5e-6), "0.000000"); // 0.5e-6 lies just below the middle
        assert_eq!(c_double(f64::INFINITY), "inf");
        assert_eq!(c_double(f64::NAN), "nan");
    }

    proptest! {
        #[test]
        fn never_panics(text in ".*") {
            let _ = parse_size(&text);
        }
    }
}
