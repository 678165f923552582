//! Figures of published results as a table: the one that ships with the program, one that the user gives, and how it is made.

use super::hardware;
use super::subject::Subject;
use crate::exit::UsageError;
use crate::report::c_suite::phase_text;
use anyhow::{Context, Result};
use io500_phases::phase_id::{PhaseId, ScoreGroup};
use io500_phases::results::Material;
use io500_phases::results::official::OfficialResult;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The table that ships with the program. Its first lines say where it comes from.
const SHIPPED: &str = include_str!("published.csv");

/// A table of published results.
#[derive(Debug, Default)]
pub struct Published {
    /// Where it comes from and of when it is: the comment lines at its top.
    pub origin: String,
    /// The results.
    pub rows: Vec<Row>,
}

/// One published result.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    /// The number of the submission.
    pub submission: u32,
    /// The year of the list.
    pub year: u16,
    /// The kind of file system; `other` where the name does not tell.
    pub file_system: String,
    /// Client nodes.
    pub nodes: Option<u64>,
    /// Ranks.
    pub ranks: Option<u64>,
    /// The version that measured; empty for the suite of scripts.
    pub version: String,
    /// Whether the result is marked as invalid.
    pub valid: bool,
    /// Score, and the means of bandwidth and metadata.
    pub score: f64,
    /// GiB/s.
    pub bandwidth: f64,
    /// kIOPS.
    pub metadata: f64,
    /// The rates of the scored phases.
    pub phases: BTreeMap<PhaseId, f64>,
}

/// The phases that have columns.
pub fn scored() -> impl Iterator<Item = PhaseId> {
    PhaseId::ALL.into_iter().filter(|phase| phase.standard_group() != ScoreGroup::None)
}

impl Published {
    /// The table that ships with the program.
    ///
    /// # Errors
    /// None that a test did not find.
    pub fn shipped() -> Result<Published> {
        Published::parse(SHIPPED)
    }

    /// Reads a table by the names of its columns.
    ///
    /// # Errors
    /// When a column is missing or a cell is no number.
    pub fn parse(text: &str) -> Result<Published> {
        let comments = text.lines().map_while(|line| line.strip_prefix('#'));
        let origin = comments.map(str::trim).collect::<Vec<_>>().join(" ");
        let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
        let mut rows = Vec::new();
        for (index, record) in reader.deserialize::<BTreeMap<String, String>>().enumerate() {
            let cells = record.with_context(|| format!("result {}", index + 1))?;
            rows.push(row(&cells).with_context(|| format!("result {}", index + 1))?);
        }
        Ok(Published { origin, rows })
    }

    /// The valid results.
    pub fn valid(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.valid && row.score > 0.0)
    }

    /// As text that [`Published::parse`] reads.
    pub fn csv(&self) -> String {
        let mut text = String::new();
        for line in self.origin.lines() {
            let _ = writeln!(text, "# {line}");
        }
        text += "submission,year,file_system,nodes,ranks,version,valid,score,bandwidth,metadata";
        scored().for_each(|phase| text += &format!(",{phase}"));
        let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
        for row in &self.rows {
            let _ = write!(
                text,
                "\n{},{},{},{},{},{},{},{},{},{}",
                row.submission,
                row.year,
                row.file_system,
                number(row.nodes),
                number(row.ranks),
                row.version,
                if row.valid { "yes" } else { "no" },
                row.score,
                row.bandwidth,
                row.metadata
            );
            scored()
                .for_each(|phase| text += &row.phases.get(&phase).map_or(",".to_owned(), |rate| format!(",{rate}")));
        }
        text + "\n"
    }
}

fn row(cells: &BTreeMap<String, String>) -> Result<Row> {
    let text = |name: &str| cells.get(name).map(|cell| cell.trim()).with_context(|| format!("no column {name}"));
    let number = |name: &str| -> Result<f64> {
        let value: f64 = text(name)?.parse().with_context(|| format!("{name} is no number"))?;
        if value.is_finite() { Ok(value) } else { Err(UsageError::new(format!("{name} is no number")).into()) }
    };
    let count = |name: &str| -> Result<Option<u64>> {
        Some(text(name)?)
            .filter(|cell| !cell.is_empty())
            .map(|cell| cell.parse().with_context(|| format!("{name} is no count")))
            .transpose()
    };
    let mut phases = BTreeMap::new();
    for phase in scored() {
        if !text(phase.name())?.is_empty() {
            phases.insert(phase, number(phase.name())?);
        }
    }
    Ok(Row {
        submission: text("submission")?.parse().context("submission is no number")?,
        year: text("year")?.parse().context("year is no year")?,
        file_system: text("file_system")?.to_owned(),
        nodes: count("nodes")?,
        ranks: count("ranks")?,
        version: text("version")?.to_owned(),
        valid: text("valid")? == "yes",
        score: number("score")?,
        bandwidth: number("bandwidth")?,
        metadata: number("metadata")?,
        phases,
    })
}

/// Words in the name of a file system or its directory that tell its kind.
const KINDS: [(&str, &[&str]); 14] = [
    ("DAOS", &["daos"]),
    ("Lustre", &["lustre", "exascaler", "es400", "ai400x", "ddn ai400x"]),
    ("Spectrum Scale", &["spectrum", "storage scale", "storage_scale", "gpfs", "irisgpfs", "ess"]),
    ("BeeGFS", &["beegfs"]),
    ("WekaFS", &["weka"]),
    ("VAST", &["vast"]),
    ("CephFS", &["ceph"]),
    ("GekkoFS", &["gekko"]),
    ("PanFS", &["panfs"]),
    ("Quobyte", &["quobyte"]),
    ("Qumulo", &["qumulo"]),
    ("MadFS", &["madfs"]),
    ("IME", &["ime"]),
    ("NFS", &["nfs", "pnfs"]),
];

/// The kind of a file system by the name that it has in the path; `other` where that does not tell.
fn file_system(name: &str, api: Option<&str>) -> &'static str {
    if api.is_some_and(|api| api.eq_ignore_ascii_case("dfs")) {
        return "DAOS";
    }
    let name = name.to_lowercase();
    let begins = |word: &str| name.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| part.starts_with(word));
    let has = |words: &&(&str, &[&str])| {
        words.1.iter().any(|word| if word.contains([' ', '_']) { name.contains(word) } else { begins(word) })
    };
    KINDS.iter().find(has).map_or("other", |(kind, _)| kind)
}

/// The table's word for the file system of a run; none where the run does not tell.
pub fn kind_of(subject: &Subject) -> Option<&'static str> {
    if subject.is_dfs() {
        return Some("DAOS");
    }
    Some(match hardware::file_system(subject.store_fact("file system")?)? {
        "SpectrumScale" => "Spectrum Scale",
        "WekaIO" => "WekaFS",
        "Ceph" => "CephFS",
        "NAS" => "NFS",
        same => same,
    })
}

/// Makes a table of a directory whose paths are `INSTITUTION/SYSTEM/FILE SYSTEM/YEAR/submission-N/…`, as those of the repository
/// `IO500/submission-data` are.
///
/// # Errors
/// When there is no such path.
pub fn collect(directory: &Path, origin: &str) -> Result<Published> {
    let mut found = Vec::new();
    super::archive::walk(directory, &mut |path, _| {
        let name = path.file_name().unwrap_or_default();
        if name == "result.txt" || name == "result_summary.txt" {
            found.push(path.to_owned());
        }
    });
    found.sort();
    // of a directory with both files the one that tells more; of a submission with several runs the best
    let mut rows = BTreeMap::<u32, Row>::new();
    for path in &found {
        let Some(row) = read(path, directory) else { continue };
        let better = |old: &Row| {
            (row.score > 0.0, row.ranks.is_some(), row.score) > (old.score > 0.0, old.ranks.is_some(), old.score)
        };
        if rows.get(&row.submission).is_none_or(better) {
            rows.insert(row.submission, row);
        }
    }
    if rows.is_empty() {
        let message = format!("no result below {} lies in YEAR/submission-N", directory.display());
        return Err(UsageError::new(message).hint("give a checkout of github.com/IO500/submission-data").into());
    }
    Ok(Published { origin: origin.to_owned(), rows: rows.into_values().collect() })
}

fn read(path: &Path, top: &Path) -> Option<Row> {
    let below: Vec<String> =
        path.strip_prefix(top).ok()?.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    let at = below.iter().position(|part| part.starts_with("submission-"))?;
    let submission = below[at].strip_prefix("submission-")?.parse().ok()?;
    let (year, name) = (below[at.checked_sub(1)?].parse().ok()?, &below[at.checked_sub(2)?]);
    let material = Material::read(path, None).ok()?;
    let result = OfficialResult::parse(&material.result);
    let score = result.score.as_ref()?;
    let number = |text: &str| text.parse::<f64>().ok().filter(|value| value.is_finite()).unwrap_or(0.0);
    let rates = scored().filter_map(|phase| Some((phase, result.phase(phase)?.score().filter(|rate| *rate > 0.0)?)));
    let command = result.phases.iter().find_map(|phase| phase.pairs.get("exe"));
    let mut words = command.map(String::as_str).unwrap_or_default().split_whitespace();
    let api = words.find(|word| *word == "-a").and_then(|_| words.next());
    let (nodes, of_log) = launched(path.parent()?);
    Some(Row {
        submission,
        year,
        file_system: file_system(name, api).to_owned(),
        nodes,
        ranks: result.procs().or(of_log),
        version: result.version().unwrap_or_default().to_owned(),
        valid: !score.invalid,
        score: number(&score.total),
        bandwidth: number(&score.bw),
        metadata: number(&score.md),
        phases: rates.collect(),
    })
}

/// Nodes and ranks of mdtest's first line.
fn launched(directory: &Path) -> (Option<u64>, Option<u64>) {
    let names = ["mdtest-easy-write.txt", "mdtest_easy_write.txt"];
    let text = names.iter().find_map(|name| std::fs::read(directory.join(name)).ok()).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let ranks = text.lines().find_map(|line| {
        let (_, rest) = line.split_once(" was launched with ")?;
        rest.split_whitespace().next()?.parse().ok()
    });
    (phase_text::parse(&text).nodes, ranks)
}

/// Reads the user's table, or the one that ships.
///
/// # Errors
/// When the file cannot be read, or is no such table.
pub fn table(path: Option<&PathBuf>) -> Result<Published> {
    let Some(path) = path else { return Published::shipped() };
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Published::parse(&text).map_err(|error| {
        let message = format!("{} is no table of published results: {error:#}", path.display());
        UsageError::new(message).hint("--collect makes one").into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_that_ships_is_whole_and_says_where_it_comes_from() {
        let table = Published::shipped().unwrap();
        assert!(
            table.origin.contains("IO500/submission-data") && table.origin.contains("2026-02-18"),
            "{}",
            table.origin
        );
        assert!(table.valid().count() > 250, "{}", table.rows.len());
        let again = Published::parse(&table.csv()).unwrap();
        assert_eq!(again.rows, table.rows);
        let aurora = table.rows.iter().find(|row| row.submission == 688).unwrap();
        assert_eq!((aurora.file_system.as_str(), aurora.year, aurora.nodes), ("DAOS", 2023, Some(300)));
        assert_eq!(aurora.score, 32165.926368);
    }

    #[test]
    fn what_is_no_table_is_an_error_that_says_why() {
        let wrong = |text: &str| format!("{:#}", Published::parse(text).unwrap_err());
        assert!(wrong("a,b\n1,2\n").contains("no column"));
        let header = Published::default().csv();
        assert!(Published::parse(&header).unwrap().rows.is_empty());
        let line = format!("1,2020,DAOS,10,20,v,yes,many{}", ",1".repeat(14));
        assert!(wrong(&format!("{header}{line}\n")).contains("score is no number"));
        let line = format!("1,2020,DAOS,10,20,v,yes,NaN{}", ",1".repeat(14));
        assert!(wrong(&format!("{header}{line}\n")).contains("score is no number"));
    }

    #[test]
    fn a_directory_in_the_form_of_the_public_one_becomes_a_table() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("Institute/System/scratch/2024/submission-7/results");
        std::fs::create_dir_all(&at).unwrap();
        std::fs::write(
            at.join("result.txt"),
            "[run]\nprocs = 20\nversion = io500-x\n[ior-easy-write]\nexe = ./ior -a DFS --dfs.pool=p\nscore = 2.5\n[SCORE]\nMD = 3.0\nBW = 2.0\nSCORE = 2.4\n",
        )
        .unwrap();
        std::fs::write(
            at.join("mdtest-easy-write.txt"),
            "mdtest-4.1 was launched with 20 total task(s) on 10 node(s)\n",
        )
        .unwrap();
        let table = collect(dir.path(), "somewhere").unwrap();
        let row = &table.rows[0];
        assert_eq!((row.submission, row.year, row.file_system.as_str()), (7, 2024, "DAOS"));
        assert_eq!((row.nodes, row.ranks, row.score), (Some(10), Some(20), 2.4));
        assert_eq!(row.phases[&PhaseId::IorEasyWrite], 2.5);
        assert!(collect(&at, "somewhere").is_err());
    }
}
