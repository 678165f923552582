//! The command lines of the official programs, `io500` and `io500-verify`, so that job scripts run with the name exchanged.

use crate::cli::Cli;
use clap::CommandFactory as _;
use std::ffi::OsString;

/// The words of a command line as clap knows them, whoever's they are.
pub fn translate(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let words: Vec<OsString> = arguments.into_iter().collect();
    let is_ours = |word: &OsString| Cli::command().get_subcommands().any(|known| word == known.get_name());
    let words = if words.get(1).is_some_and(is_ours) { words } else { of_io500(words) };
    with_two_dashes(words)
}

/// Gives find's options their second dash: clap knows only such.
fn with_two_dashes(mut args: Vec<OsString>) -> Vec<OsString> {
    if args.get(1).is_some_and(|command| command == "find") {
        for arg in &mut args[2..] {
            if let Some(option) = ["-newer", "-size", "-name"].into_iter().find(|option| arg == option) {
                *arg = format!("-{option}").into();
            }
        }
    }
    args
}

/// What are options there and subcommands here, wherever they stand.
fn of_io500(words: Vec<OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.into_iter().flat_map(verbosity).collect();
    let mut take = |names: &[&str]| {
        let before = words.len();
        words.retain(|word| !names.iter().any(|name| word == name));
        words.len() != before
    };
    let (mandatory, list) = (take(&["--list-mandatory", "-lm"]), take(&["--list", "-l"]));
    let (hash, verify) = (take(&["--config-hash"]), take(&["--verify"]));
    let given = |names: &[&str]| words.iter().any(|word| names.iter().any(|name| word == name));
    if given(&["--help", "-h"]) {
        return words;
    }
    // its lists are of the defaults, whatever configuration is named with them
    let (subcommand, rest): (&[&str], _) = match (mandatory, list, hash, verify) {
        (true, ..) => (&["config", "list", "--mandatory"], Vec::new()),
        (_, true, ..) => (&["config", "list"], Vec::new()),
        (_, _, _, true) => (&["verify"], files(words.drain(1..))),
        (_, _, true, _) => (&["config", "hash"], words.drain(1..).collect()),
        _ => return words,
    };
    words.truncate(1);
    words.into_iter().chain(subcommand.iter().map(OsString::from)).chain(rest).collect()
}

/// `--verbose=N` is N times `-v`.
fn verbosity(word: OsString) -> Vec<OsString> {
    match word.to_str().and_then(|word| word.strip_prefix("--verbose=")?.parse::<usize>().ok()) {
        Some(level) => vec!["-v".into(); level.min(10)],
        None => vec![word],
    }
}

/// The files among the words of `--verify`, which looks at no option of a run.
fn files(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut files = Vec::new();
    let mut words = words.peekable();
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("--timestamp" | "--mode") => drop(words.next()),
            Some("-v" | "--verbose" | "--dry-run" | "--cleanup" | "--config" | "-c") => {}
            Some(option) if option.starts_with("--timestamp=") || option.starts_with("--mode=") => {}
            _ => files.push(word),
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').filter(|word| !word.is_empty()).map(OsString::from).collect()
    }

    #[test]
    fn options_of_find_get_their_second_dash() {
        let given = |line: &str| with_two_dashes(words(line));
        assert_eq!(
            given("dfs-bench find /data -newer f -size 3901c -name *01*"),
            words("dfs-bench find /data --newer f --size 3901c --name *01*")
        );
        assert_eq!(given("dfs-bench report -name"), words("dfs-bench report -name"));
    }

    fn permutations(words: &[&str]) -> Vec<String> {
        match words {
            [] => vec![String::new()],
            _ => (0..words.len())
                .flat_map(|first| {
                    let mut rest = words.to_vec();
                    let word = rest.remove(first);
                    permutations(&rest).into_iter().map(move |rest| format!("{word} {rest}"))
                })
                .collect(),
        }
    }

    #[test]
    fn every_spelling_of_the_official_help_works_in_any_order() {
        let spellings: [(&[&str], &str); 14] = [
            (&["c.ini"], "c.ini"),
            (&["--list"], "config list"),
            (&["-l", "c.ini"], "config list"),
            (&["c.ini", "--list", "--mode=extended"], "config list"),
            (&["-lm"], "config list --mandatory"),
            (&["c.ini", "--list-mandatory"], "config list --mandatory"),
            (&["c.ini", "--config-hash"], "config hash c.ini"),
            (&["c.ini", "--config-hash", "-v", "--verbose=1"], "config hash c.ini -v -v"),
            (&["c.ini", "--cleanup", "--timestamp=t"], "c.ini --cleanup --timestamp=t"),
            (&["c.ini", "--dry-run", "--mode=standard"], "c.ini --dry-run --mode=standard"),
            (&["c.ini", "--verbose=3"], "c.ini -v -v -v"),
            (&["c.ini", "--verbose=0", "-v"], "c.ini -v"),
            (&["c.ini", "--mode=extended", "-v", "--verify"], "verify c.ini"),
            (&["c.ini", "--verify", "--timestamp t"], "verify c.ini"),
        ];
        for (theirs, ours) in spellings {
            let sorted = |words: Vec<OsString>| {
                let mut words = words;
                words.sort();
                words
            };
            for line in permutations(theirs) {
                let translated = translate(words(&format!("io500 {line}")));
                assert_eq!(sorted(translated.clone()), sorted(words(&format!("io500 {ours}"))), "{line}");
                Cli::try_parse_from(translated).unwrap_or_else(|error| panic!("{line}: {error}"));
            }
        }
        for line in permutations(&["c.ini", "--help", "--list"]) {
            let error = Cli::try_parse_from(translate(words(&format!("io500 {line}")))).unwrap_err();
            assert_eq!(error.kind(), clap::error::ErrorKind::DisplayHelp, "{line}");
        }
        // `verify` finds out itself which of the two is the result
        for line in ["c.ini --verify r/result.txt", "--verify c.ini r", "c.ini r --verify", "verify c.ini r 3"] {
            Cli::try_parse_from(translate(words(&format!("io500 {line}"))))
                .unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn what_they_do_not_have_stays_as_it_is() {
        for line in ["io500 c.ini --timestamp t --mode extended", "io500 --verbose=many", "io500 report -l x", "io500"]
        {
            assert_eq!(translate(words(line)), words(line));
        }
        assert!(Cli::try_parse_from(translate(words("io500 --verbose=many"))).is_err());
    }
}
