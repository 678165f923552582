//! Lines of the Prometheus text format.
//!
//! The crate prometheus-parse takes the dialect of DAOS too, but keeps every sample of a text that is there as a whole, and passes over what
//! it does not understand; of an answer of megabytes a run keeps a few percent as it comes in, and has to say what it could not read.

use std::borrow::Cow;

/// A sample: `name{label="value",…} value`. A timestamp behind it is checked and dropped.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample<'a> {
    /// The metric.
    pub name: &'a str,
    /// Its labels in the order of the line.
    pub labels: Vec<(&'a str, Cow<'a, str>)>,
    /// The value; infinities and NaN are values, too.
    pub value: f64,
}

impl Sample<'_> {
    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| *label == name).map(|(_, value)| &**value)
    }
}

/// The line is not of this format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// More labels than any metric has.
const MOST_LABELS: usize = 32;

/// Reads a line; none for a comment or an empty line.
pub fn sample(line: &str) -> Result<Option<Sample<'_>>, Malformed> {
    let line = line.trim_matches([' ', '\t', '\r', '\n']);
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let (name, rest) = identifier(line, true)?;
    let rest = rest.trim_start_matches([' ', '\t']);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        // without labels a blank has to part name and value
        None if rest.len() + name.len() < line.len() => (Vec::new(), rest),
        None => return Err(Malformed),
    };
    let mut words = rest.split([' ', '\t']).filter(|word| !word.is_empty());
    let value = number(words.next().ok_or(Malformed)?)?;
    if let Some(timestamp) = words.next() {
        timestamp.parse::<i64>().map_err(|_| Malformed)?;
    }
    match words.next() {
        Some(_) => Err(Malformed),
        None => Ok(Some(Sample { name, labels, value })),
    }
}

/// A name of a metric, which may have colons, or of a label.
fn identifier(text: &str, colons: bool) -> Result<(&str, &str), Malformed> {
    let of_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || (colons && c == ':');
    let end = text.find(|c| !of_name(c)).unwrap_or(text.len());
    match text.chars().next() {
        Some(first) if end > 0 && !first.is_ascii_digit() => Ok(text.split_at(end)),
        _ => Err(Malformed),
    }
}

/// Labels and what follows the brace behind them.
#[allow(clippy::type_complexity)] // a pair of a list of pairs
fn labels(mut rest: &str) -> Result<(Vec<(&str, Cow<'_, str>)>, &str), Malformed> {
    let blanks = [' ', '\t'];
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches(blanks);
        if let Some(rest) = rest.strip_prefix('}') {
            return Ok((labels, rest));
        }
        let (name, after) = identifier(rest, false)?;
        let after = after.trim_start_matches(blanks).strip_prefix('=').ok_or(Malformed)?;
        let after = after.trim_start_matches(blanks).strip_prefix('"').ok_or(Malformed)?;
        let (value, after) = quoted(after)?;
        if labels.len() == MOST_LABELS {
            return Err(Malformed);
        }
        labels.push((name, value));
        let after = after.trim_start_matches(blanks);
        rest = match after.strip_prefix(',') {
            Some(after) => after,
            None if after.starts_with('}') => after,
            None => return Err(Malformed),
        };
    }
}

/// A label's value behind its first quotation mark, and what follows the last one.
fn quoted(text: &str) -> Result<(Cow<'_, str>, &str), Malformed> {
    let end = text.find(['"', '\\']).ok_or(Malformed)?;
    if text.as_bytes()[end] == b'"' {
        return Ok((Cow::Borrowed(&text[..end]), &text[end + 1..]));
    }
    let mut value = text[..end].to_owned();
    let mut chars = text[end..].char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((Cow::Owned(value), &text[end + at + 1..])),
            '\\' => value.push(match chars.next() {
                Some((_, 'n')) => '\n',
                Some((_, c @ ('"' | '\\'))) => c,
                _ => return Err(Malformed),
            }),
            c => value.push(c),
        }
    }
    Err(Malformed)
}

fn number(word: &str) -> Result<f64, Malformed> {
    match word {
        "+Inf" => Ok(f64::INFINITY),
        "-Inf" => Ok(f64::NEG_INFINITY),
        "NaN" => Ok(f64::NAN),
        // Rust would take words as well
        word if word.ends_with(|c: char| c.is_ascii_digit() || c == '.') => word.parse().map_err(|_| Malformed),
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn samples_are_read_with_labels_and_escapes() {
        let line = r#"engine_io{rank="0", path="a\\b\"c\nd",} 1.5e+09 1700000000000"#;
        let found = sample(line).unwrap().unwrap();
        assert_eq!((found.name, found.value), ("engine_io", 1.5e9));
        assert_eq!((found.label("rank"), found.label("path")), (Some("0"), Some("a\\b\"c\nd")));
        assert_eq!(sample("up 1").unwrap().unwrap().labels, []);
        assert_eq!(sample("go_x{} +Inf").unwrap().unwrap().value, f64::INFINITY);
        assert!(sample("x NaN\r").unwrap().unwrap().value.is_nan());
        assert_eq!(sample("# HELP x y").unwrap(), None);
        assert_eq!(sample("  ").unwrap(), None);
    }

    #[test]
    fn what_is_no_sample_is_refused() {
        for line in [
            "<html>",
            "x",
            "x{",
            "x{a} 1",
            "x{a=\"} 1",
            "x{a=\"b\"",
            "x{a=\"b\" c=\"d\"} 1",
            "1x 2",
            "x one",
            "x 1 2 3",
            "x 1 now",
            "x{,} 1",
            "x infinity",
            "{} 1",
            "x{a=\"\\t\"} 1",
            "x\u{e4} 1",
        ] {
            assert_eq!(sample(line), Err(Malformed), "{line}");
        }
        let many: String = (0..=MOST_LABELS).map(|i| format!("l{i}=\"v\",")).collect();
        assert_eq!(sample(&format!("x{{{many}}} 1")), Err(Malformed));
    }

    proptest! {
        #[test]
        fn any_line_is_read_or_refused(line in "\\PC*") {
            let _ = sample(&line);
        }

        #[test]
        fn lines_of_the_format_s_characters_do_no_harm(line in "[a-z{}=\",\\\\ 0-9.\t#]{0,60}") {
            let _ = sample(&line);
        }

        #[test]
        fn what_is_written_is_read(
            name in "[a-zA-Z_:][a-zA-Z0-9_:]{0,20}",
            labels in prop::collection::vec(("[a-zA-Z_][a-zA-Z0-9_]{0,8}", "[^\r\t ]{0,12}"), 0..5),
            value in prop::num::f64::NORMAL,
        ) {
            let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let list: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
            let line = format!("{name}{{{}}} {value:e}", list.join(","));
            let found = sample(&line).unwrap().unwrap();
            prop_assert_eq!((found.name, found.value), (name.as_str(), value));
            let read: Vec<(String, String)> = found.labels.iter().map(|(l, v)| (l.to_string(), v.to_string())).collect();
            prop_assert_eq!(read, labels);
        }
    }
}
