//! The ini dialect of IO500: text to sections and assignments, each with line and column.
//!
//! A line is blank, a comment (`#` or `;` first), a section `[name]`, or `key = value`. A comment may follow a section or
//! a value after a blank; a value itself cannot contain `#` or `;`. There is no quoting and no continuation.

use super::error::{Place, Problem};

/// One `key = value`, trimmed on both sides. An empty value leaves the option as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The name of the section as written.
    pub section: &'a str,
    /// Column of the section's name in `section_line`.
    pub section_at: (usize, usize),
    /// The key as written.
    pub key: &'a str,
    /// The value as written, without the comment.
    pub value: &'a str,
    /// Line of the assignment, from 1.
    pub line: usize,
    /// Column of the key, from 1, in characters.
    pub key_column: usize,
    /// Column of the value, or where it would stand.
    pub value_column: usize,
}

/// A parsed text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ini<'a> {
    /// Section headers in the order of the text, repeated ones included: name, (line, column of the name).
    pub sections: Vec<(&'a str, (usize, usize))>,
    /// All assignments in the order of the text.
    pub entries: Vec<Entry<'a>>,
}

impl<'a> Ini<'a> {
    /// Parses `text`; `name` is the file in the problems' places. Lines that are no ini are problems, the rest still comes
    /// back, so that a reader of results can go on.
    pub fn parse(name: &str, text: &'a str) -> (Self, Vec<Problem>) {
        let mut ini = Ini::default();
        let mut problems = Vec::new();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (index, line) in text.split('\n').enumerate() {
            let number = index + 1;
            if let Err((at, message, hint)) = ini.line(number, line) {
                problems.push(Problem {
                    place: Some(Place { source: name.to_owned(), line_column: Some((number, column(line, at))) }),
                    message,
                    hint,
                });
            }
        }
        (ini, problems)
    }

    /// Takes one line; an error is the byte where it stands, what is wrong, and a hint.
    fn line(&mut self, number: usize, line: &'a str) -> Result<(), (usize, String, Option<String>)> {
        let body = line.trim();
        let at = |part: &str| part.as_ptr() as usize - line.as_ptr() as usize;
        if body.is_empty() || body.starts_with(['#', ';']) {
            return Ok(());
        }
        if let Some(control) = body.find(|c: char| c.is_control() && c != '\t') {
            return Err((at(&body[control..]), "a control character".to_owned(), None));
        }
        if let Some(rest) = body.strip_prefix('[') {
            let Some(end) = rest.find(']') else {
                return Err((at(body), format!("section without a closing bracket: {:?}", excerpt(body)), None));
            };
            let name = rest[..end].trim();
            if !is_name(name, "_-") {
                return Err((at(rest), format!("not a section name: {:?}", excerpt(&rest[..end])), None));
            }
            let after = &rest[end + 1..];
            let tail = after.trim_start();
            let is_comment = tail.starts_with(['#', ';']) && tail.len() < after.len();
            if !tail.is_empty() && !is_comment {
                return Err((at(tail), format!("unexpected text after the section: {:?}", excerpt(tail)), None));
            }
            self.sections.push((name, (number, column(line, at(name)))));
            return Ok(());
        }
        let Some((key, value)) = body.split_once('=') else {
            let hint = Some("a line is [section], key = value, or a comment".to_owned());
            return Err((at(body), format!("unexpected text: {:?}", excerpt(body)), hint));
        };
        let key = key.trim_end();
        if !is_name(key, "_.-") {
            return Err((at(body), format!("not an option name: {:?}", excerpt(key)), None));
        }
        let value = strip_comment(value).map_err(|offset| {
            let hint = Some("a comment needs a blank before it, a value cannot contain it".to_owned());
            (at(&value[offset..]), format!("{:?} inside the value of {key:?}", &value[offset..=offset]), hint)
        })?;
        let Some(&(section, section_at)) = self.sections.last() else {
            return Err((at(body), format!("{key:?} is set before the first section"), None));
        };
        let value_column = column(line, at(value));
        let key_column = column(line, at(key));
        self.entries.push(Entry { section, section_at, key, value, line: number, key_column, value_column });
        Ok(())
    }
}

/// As much of a text as a message can bear.
fn excerpt(text: &str) -> &str {
    text.char_indices().nth(60).map_or(text, |(end, _)| &text[..end])
}

/// The column, in characters from 1, of byte `at`.
fn column(line: &str, at: usize) -> usize {
    crate::text::width(&line[..at]) + 1
}

fn is_name(name: &str, punctuation: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || punctuation.contains(c))
}

/// The trimmed value before a comment; the byte of a `#` or `;` that no blank precedes is an error.
fn strip_comment(raw: &str) -> Result<&str, usize> {
    match raw.find(['#', ';']) {
        None => Ok(raw.trim()),
        Some(mark) if raw[..mark].ends_with([' ', '\t']) => Ok(raw[..mark].trim()),
        Some(mark) => Err(mark),
    }
}

/// Whether the dialect can carry `value`: what is written comes back the same.
pub(super) fn can_carry(value: &str) -> bool {
    value.trim() == value && !value.contains(['#', ';']) && !value.chars().any(|c| c.is_control() && c != '\t')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values(text: &str) -> Vec<(String, String, String)> {
        let (ini, problems) = Ini::parse("t.ini", text);
        assert!(problems.is_empty(), "{problems:?}");
        ini.entries.iter().map(|e| (e.section.into(), e.key.into(), e.value.into())).collect()
    }

    fn problem(text: &str) -> String {
        let (_, problems) = Ini::parse("t.ini", text);
        assert_eq!(problems.len(), 1, "{problems:?}");
        problems[0].to_string()
    }

    #[test]
    fn sections_values_and_comments() {
        let text =
            "# c\n; c\n\n [ global ] # c\r\n datadir=  /a b\t\r\n\tapi = DFS --dfs.pool=p ; c\n[x]\ny =\nz = #c\n";
        let expected =
            [("global", "datadir", "/a b"), ("global", "api", "DFS --dfs.pool=p"), ("x", "y", ""), ("x", "z", "")];
        assert_eq!(values(text), expected.map(|(s, k, v)| (s.to_owned(), k.to_owned(), v.to_owned())));
    }

    #[test]
    fn shell_commands_stay_as_they_are() {
        let command = "sudo -n bash -c \"echo 3 > /proc/sys/vm/drop_caches\"";
        assert_eq!(values(&format!("[global]\ndrop-caches-cmd = {command}"))[0].2, command);
    }

    #[test]
    fn places_are_line_and_column() {
        let (ini, _) = Ini::parse("t.ini", "\n[ior-easy]\n  öß\n\tn =  5\n");
        let entry = ini.entries[0];
        assert_eq!((entry.line, entry.key_column, entry.value_column, entry.section_at), (4, 2, 7, (2, 2)));
    }

    #[test]
    fn mistakes_say_where() {
        assert_eq!(problem("[a\n"), "t.ini:1:1: section without a closing bracket: \"[a\"");
        assert_eq!(problem("[a b]"), "t.ini:1:2: not a section name: \"a b\"");
        assert_eq!(problem("[a] x"), "t.ini:1:5: unexpected text after the section: \"x\"");
        assert!(problem("[a]\n  hello").starts_with("t.ini:2:3: unexpected text: \"hello\""));
        assert!(problem("[a]\nb = c#d").starts_with("t.ini:2:6: \"#\" inside the value of \"b\""));
        assert!(problem("b = c").starts_with("t.ini:1:1: \"b\" is set before the first section"));
        assert!(problem("[a]\nb = c\u{0}d").starts_with("t.ini:2:6: a control character"));
        assert!(problem("[a]\nä = 1").starts_with("t.ini:2:1: not an option name: \"ä\""));
    }

    proptest! {
        #[test]
        fn never_panics(text in "(?s).*") {
            let _ = Ini::parse("t.ini", &text);
        }

        #[test]
        fn never_panics_on_nearly_ini(text in "([\\[\\]=#; a\u{e4}\\t\\r\\n\"-]|\\[a\\]\\n|b = c\\n)*") {
            let _ = Ini::parse("t.ini", &text);
        }

        #[test]
        fn what_can_be_carried_comes_back(value in "(\\t|[^\\p{Cc}#;])*") {
            let value = value.trim();
            prop_assert!(can_carry(value));
            let text = format!("[a]\nb = {value}\n");
            prop_assert_eq!(&values(&text)[0].2, value);
        }
    }
}
