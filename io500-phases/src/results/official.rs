//! Reads what the C suite, or this program in its format, wrote: `result.txt` and `result_summary.txt`.
//!
//! Nothing here fails: what a file lacks is `None`. Numbers stay text beside their values, because the hashes are over
//! the text.

use crate::phase_id::PhaseId;
use serde::Serialize;
use std::collections::BTreeMap;

/// A `result.txt`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct OfficialResult {
    /// The pairs of the run, before the first phase: `procs`, `version`, `config-hash`, `result-dir`, `mode`.
    pub run: BTreeMap<String, String>,
    /// What made the run invalid, outside of a phase.
    pub reasons: Vec<String>,
    /// The phases in the order of the file.
    pub phases: Vec<OfficialPhase>,
    /// `[SCORE]`.
    pub score: Option<OfficialScore>,
    /// `[SCOREX]`.
    pub extended: Option<OfficialScore>,
}

/// A phase's section.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfficialPhase {
    /// As the file spells it; older versions had phases that this one does not know.
    pub name: String,
    /// The phase, where this version has it.
    pub phase: Option<PhaseId>,
    /// All pairs: `score`, `t_delta`, `exe` …
    pub pairs: BTreeMap<String, String>,
    /// What made it invalid.
    pub reasons: Vec<String>,
}

/// A score with its means, as printed.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct OfficialScore {
    /// Mean of the metadata phases.
    pub md: String,
    /// Mean of the bandwidth phases.
    pub bw: String,
    /// The score, without a mark.
    pub total: String,
    /// ` [INVALID]` follows the score.
    pub invalid: bool,
    /// The hash.
    pub hash: Option<String>,
}

impl OfficialPhase {
    /// The score as printed.
    pub fn score_text(&self) -> Option<&str> {
        self.pairs.get("score").map(String::as_str)
    }

    /// The score as a number.
    pub fn score(&self) -> Option<f64> {
        self.number("score")
    }

    /// One of its numbers.
    pub fn number(&self, key: &str) -> Option<f64> {
        self.pairs.get(key)?.parse().ok()
    }
}

impl OfficialResult {
    /// Reads a `result.txt`.
    pub fn parse(text: &str) -> Self {
        let mut result = OfficialResult::default();
        let mut place = Place::Run;
        for line in text.lines().map(str::trim) {
            if let Some(name) = section(line) {
                place = match name {
                    "run" => Place::Run,
                    "SCORE" => Place::Score,
                    "SCOREX" => Place::Extended,
                    _ => Place::Phase(result.push_phase(name)),
                };
            } else if let Some(comment) = line.strip_prefix(';') {
                if let Some(reason) = comment.trim_start().strip_prefix("ERROR INVALID ") {
                    match place {
                        Place::Phase(index) => result.phases[index].reasons.push(reason.to_owned()),
                        _ => result.reasons.push(reason.to_owned()),
                    }
                }
            } else if let Some((key, value)) = line.split_once('=') {
                let (key, value) = (key.trim(), value.trim().to_owned());
                match place {
                    Place::Run => drop(result.run.insert(key.to_owned(), value)),
                    Place::Phase(index) => drop(result.phases[index].pairs.insert(key.to_owned(), value)),
                    Place::Score => result.score.get_or_insert_default().pair(key, value),
                    Place::Extended => result.extended.get_or_insert_default().pair(key, value),
                }
            }
        }
        result
    }

    fn push_phase(&mut self, name: &str) -> usize {
        let (pairs, reasons) = (BTreeMap::new(), Vec::new());
        self.phases.push(OfficialPhase { name: name.to_owned(), phase: name.parse().ok(), pairs, reasons });
        self.phases.len() - 1
    }

    /// A phase of this version.
    pub fn phase(&self, phase: PhaseId) -> Option<&OfficialPhase> {
        self.phases.iter().find(|result| result.phase == Some(phase))
    }

    /// The version that wrote the file; some builds left it empty.
    pub fn version(&self) -> Option<&str> {
        self.run.get("version").map(String::as_str)
    }

    /// The number of ranks, where the version printed it.
    pub fn procs(&self) -> Option<u64> {
        self.run.get("procs")?.parse().ok()
    }
}

/// Where a line belongs.
#[derive(Clone, Copy)]
enum Place {
    Run,
    Phase(usize),
    Score,
    Extended,
}

fn section(line: &str) -> Option<&str> {
    line.strip_prefix('[')?.strip_suffix(']').map(str::trim)
}

impl OfficialScore {
    fn pair(&mut self, key: &str, value: String) {
        match key {
            "MD" => self.md = value,
            "BW" => self.bw = value,
            "SCORE" => {
                self.invalid = value.contains("[INVALID]");
                self.total = value.split_whitespace().next().unwrap_or("").to_owned();
            }
            "hash" => self.hash = Some(value),
            _ => {}
        }
    }
}

/// The scores of the phases and of the run, as the lines of a `result_summary.txt` print them.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    /// By name of the phase: the printed score, and whether the line says ` [INVALID]`.
    pub phases: BTreeMap<String, (String, bool)>,
    /// The total of `[SCORE ]`.
    pub total: Option<String>,
    /// The whole `[SCORE ]`.
    pub score: Option<OfficialScore>,
    /// `[SCOREX]`.
    pub extended: Option<OfficialScore>,
    /// By name of the phase: its seconds.
    pub seconds: BTreeMap<String, f64>,
    /// What follows `IO500 version`; the suite of scripts, up to 2019, has no such line.
    pub version: Option<String>,
    /// The mode behind the version.
    pub mode: Option<String>,
}

impl Summary {
    /// Reads the summary, or the same lines in a console's output, whatever a launcher has put before them; other lines are
    /// skipped. The suite of scripts wrote `[RESULT] BW   phase 1   ior_easy_write   8.581 GB/s : time  58.27 seconds`.
    pub fn parse(text: &str) -> Self {
        let mut summary = Summary::default();
        for line in text.lines() {
            if let Some((_, version)) = line.split_once("IO500 version ") {
                let (version, mode) = version.trim().split_once(" (").unwrap_or((version.trim(), ""));
                let (version, mode) = (Some(version.to_owned()), mode.strip_suffix(')').map(str::to_owned));
                // a console may have seen several runs: the last one counts, whole
                summary = Summary { version, mode, ..Summary::default() };
            }
            let marks = ["[RESULT", "[SCORE", "[      ]"];
            let Some(at) = marks.iter().filter_map(|mark| line.find(mark)).min() else { continue };
            let Some((mark, rest)) = line[at + 1..].split_once(']') else { continue };
            let invalid = rest.contains("[INVALID]") || mark.ends_with("-invalid");
            let mut words: Vec<&str> = rest.split_whitespace().collect();
            let after = |words: &[&str], name: &str| {
                words
                    .iter()
                    .position(|&word| word == name)
                    .and_then(|at| words.get(at + 1))
                    .map(|&word| word.to_owned())
            };
            match mark.trim().trim_end_matches("-invalid") {
                mark @ ("SCORE" | "SCOREX") => {
                    let [bw, md, total] = ["Bandwidth", "IOPS", "TOTAL"].map(|name| after(&words, name));
                    let score = OfficialScore {
                        md: md.unwrap_or_default(),
                        bw: bw.unwrap_or_default(),
                        total: total.clone().unwrap_or_default(),
                        invalid,
                        hash: None,
                    };
                    match mark {
                        "SCORE" => (summary.total, summary.score) = (total, Some(score)),
                        _ => summary.extended = Some(score),
                    }
                }
                "RESULT" | "" => {
                    if matches!(words.first(), Some(&("BW" | "IOPS"))) {
                        words.remove(0);
                    }
                    if words.first() == Some(&"phase") {
                        words.drain(..words.len().min(2));
                    }
                    let [name, score, ..] = words.as_slice() else { continue };
                    let name = name.replace('_', "-");
                    let seconds = after(&words, "time").and_then(|text| text.parse().ok());
                    summary.seconds.extend(seconds.map(|seconds: f64| (name.clone(), seconds)));
                    summary.phases.insert(name, ((*score).to_owned(), invalid));
                }
                _ => {}
            }
        }
        summary
    }

    /// A `result.txt` of what the summary has: neither hashes nor reasons, and no more decimals than it prints.
    pub fn to_result(&self) -> String {
        let mut text = String::from("[run]\n");
        for (key, value) in [("version", &self.version), ("mode", &self.mode)] {
            text.extend(value.iter().map(|value| format!("{key} = {value}\n")));
        }
        for (name, (score, _)) in &self.phases {
            text.push_str(&format!("[{name}]\nscore = {score}\n"));
        }
        for (section, score) in [("SCORE", &self.score), ("SCOREX", &self.extended)] {
            if let Some(OfficialScore { md, bw, total, invalid, .. }) = score {
                let mark = if *invalid { " [INVALID]" } else { "" };
                text.push_str(&format!("[{section}]\nMD = {md}\nBW = {bw}\nSCORE = {total}{mark}\n"));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = "[run]\nprocs           = 3\nversion         = io500-x\n; ERROR INVALID PAUSING\n; START t\n\n\
        [ior-easy-write]\nexe             = ./ior -o a=b ; c\n; ERROR INVALID too short\nscore           = 1.994481\n\n\
        [ior-rnd4K-write]\nscore = 2.0\n[SCORE]\nMD              = 92.263109\nBW = 1.973288\n\
        SCORE           = 13.493022 [INVALID]\nhash            = 2B18B538\n; END t\n";

    #[test]
    fn sections_pairs_and_reasons() {
        let result = OfficialResult::parse(TEXT);
        assert_eq!((result.version(), result.procs()), (Some("io500-x"), Some(3)));
        assert_eq!(result.reasons, ["PAUSING"]);
        let phase = result.phase(PhaseId::IorEasyWrite).unwrap();
        assert_eq!((phase.score(), phase.score_text()), (Some(1.994481), Some("1.994481")));
        assert_eq!(phase.reasons, ["too short"]);
        assert_eq!(phase.pairs["exe"], "./ior -o a=b ; c");
        assert_eq!((result.phases[1].name.as_str(), result.phases[1].phase), ("ior-rnd4K-write", None));
        let score = result.score.unwrap();
        assert!(score.invalid);
        assert_eq!(
            (score.md.as_str(), score.bw.as_str(), score.total.as_str()),
            ("92.263109", "1.973288", "13.493022")
        );
        assert_eq!(score.hash.as_deref(), Some("2B18B538"));
        assert_eq!(result.extended, None);
    }

    #[test]
    fn versions_without_a_run_section_begin_at_once() {
        let result = OfficialResult::parse("version         = \nconfig-hash     = C44128B6\n[find]\nfound = 3\n");
        assert_eq!((result.version(), result.procs()), (Some(""), None));
        assert_eq!(result.phase(PhaseId::Find).unwrap().number("found"), Some(3.0));
    }

    #[test]
    fn summaries_of_all_ages() {
        let text = "IO500 version x (standard)\n[RESULT]       ior-easy-write        4.15 GiB/s : time 0.002 seconds [INVALID]\n\
            [      ]            timestamp        0.000000 kIOPS : time 0.000 seconds\n[RESULT] find 25.240802 kIOPS : time 1\n\
            [SCORE ] Bandwidth 3.2 GiB/s : IOPS 170.9 kiops : TOTAL 23.7 [INVALID]\n[SCOREX] Bandwidth 1 : TOTAL 2\n";
        let summary = Summary::parse(text);
        assert_eq!(summary.phases["ior-easy-write"], ("4.15".to_owned(), true));
        assert_eq!(summary.phases["find"], ("25.240802".to_owned(), false));
        assert_eq!(summary.total.as_deref(), Some("23.7"));
        assert_eq!(
            Summary::parse("[SCORE] Bandwidth 1 GB/s : IOPS 2 kiops : TOTAL 483.5").total.as_deref(),
            Some("483.5")
        );
        let two = format!("{text}IO500 version y (extended)\n[RESULT] ior-hard-write 1.5 GiB/s : time 2.000 seconds\n");
        let last = Summary::parse(&two);
        assert_eq!((last.phases.len(), last.score, last.mode.as_deref()), (1, None, Some("extended")));
        let scripts = "[RESULT] BW   phase 1            ior_easy_write                8.581 GB/s : time  58.27 seconds\n\
            0: [RESULT-invalid] IOPS phase 3                      find              305.930 kiops : time  24.64 seconds\n\
            [SCORE] Bandwidth 1.61423 GB/s : IOPS 19.0405 kiops : TOTAL 5.54397\n";
        let summary = Summary::parse(scripts);
        assert_eq!(summary.phases["ior-easy-write"], ("8.581".to_owned(), false));
        assert_eq!((&summary.phases["find"], summary.seconds["find"]), (&("305.930".to_owned(), true), 24.64));
        let result = OfficialResult::parse(&summary.to_result());
        assert_eq!(result.phase(PhaseId::Find).unwrap().score(), Some(305.93));
        assert_eq!(result.score.unwrap().bw, "1.61423");
    }

    proptest! {
        #[test]
        fn never_panic(text in "(?s).*") {
            let _ = (OfficialResult::parse(&text), Summary::parse(&text));
        }

        #[test]
        fn never_panic_on_nearly_right(text in "(\\[|\\]|SCORE|=|run|;|ERROR INVALID | |\\n|find|TOTAL|[0-9.])*") {
            let _ = (OfficialResult::parse(&text), Summary::parse(&text));
        }
    }
}
