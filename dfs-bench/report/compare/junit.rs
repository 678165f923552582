//! The gate as a JUnit file, which continuous integration shows as tests.

use super::gate::{Gate, Verdict};
use std::fmt::Write as _;

/// The file.
pub fn render(gate: &Gate) -> String {
    let failed = gate.cases.iter().filter(|case| case.verdict == Verdict::Failed).count();
    let total = gate.cases.len();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<testsuites tests=\"{total}\" failures=\"{failed}\">");
    let _ =
        writeln!(out, "  <testsuite name=\"dfs-bench compare\" tests=\"{total}\" failures=\"{failed}\" errors=\"0\">");
    for case in &gate.cases {
        let (group, name, words) = (escape(&case.group), escape(&case.name), escape(&case.words));
        let _ = write!(out, "    <testcase classname=\"{group}\" name=\"{name}\"");
        let _ = match case.verdict {
            Verdict::Failed => {
                writeln!(out, ">\n      <failure message=\"{words}\">{words}</failure>\n    </testcase>")
            }
            _ if words.is_empty() => writeln!(out, "/>"),
            _ => writeln!(out, ">\n      <system-out>{words}</system-out>\n    </testcase>"),
        };
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

/// Text as XML takes it: characters that it forbids are left out.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(' '),
            control if control.is_control() => {}
            plain => out.push(plain),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::compare::analyse::compare;
    use crate::report::compare::gate::{Limit, check};
    use crate::report::compare::testing::group;

    #[test]
    fn each_figure_is_a_test_and_a_fall_a_failure() {
        let (a, mut b) = (group("a<1>", &[100.0, 101.0, 99.0]), group("b", &[100.0, 101.0, 99.0]));
        b.runs.iter_mut().for_each(|run| run.phases[0].rate *= 0.5);
        let text = render(&check(Limit(0.05), &compare(&[a, b]).versus));
        assert!(text.contains("<testcase classname=\"b\" name=\"find\""), "{text}");
        assert!(
            text.contains("name=\"ior-easy-write\">\n      <failure message=\"\u{2212}50.0 % (significant"),
            "{text}"
        );
        assert_eq!(text.matches("<failure").count(), 3, "score, bandwidth and the phase: {text}");
        assert!(text.contains("tests=\"17\" failures=\"3\""), "{text}");
        assert_eq!(escape("a<b>&\"\u{1}\n"), "a&lt;b&gt;&amp;&quot; ");
    }
}
