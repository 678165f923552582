//! The commands that go on with a run, or clean up after it, as a shell takes them.

use io500_phases::results::RunResult;
use io500_phases::text;
use std::path::Path;

/// The commands that go on with a run and that clean up after it.
pub fn of(result: &RunResult, directory: &Path) -> (String, String) {
    let about = &result.provenance;
    let program = about.command_line.first().map_or("dfs-bench", String::as_str);
    let (program, directory) = (quoted(program), quoted(&text::of(directory)));
    let launcher = if about.ranks > 1 { format!("mpirun -np {} ", about.ranks) } else { String::new() };
    (format!("{launcher}{program} resume {directory}"), format!("{program} cleanup {directory}"))
}

/// A word, as [`text`] writes it, as a shell takes it.
fn quoted(word: &str) -> String {
    let bytes = text::bytes(word);
    let Ok(word) = std::str::from_utf8(&bytes) else {
        let mut quoted = "$'".to_owned();
        for chunk in bytes.utf8_chunks() {
            quoted.push_str(&chunk.valid().replace('\\', r"\\").replace('\'', r"\'"));
            chunk.invalid().iter().for_each(|byte| quoted.push_str(&format!("\\x{byte:02x}")));
        }
        return quoted + "'";
    };
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        assert_eq!(quoted("results/2026.01.02-03.04.05"), "results/2026.01.02-03.04.05");
        assert_eq!(quoted("my results"), "'my results'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(&text::escape(b"caf\xe9 it's")), r"$'caf\xe9 it\'s'");
    }
}
