//! The files of a result directory that verification looks at.

use super::official::{OfficialResult, Summary};
use crate::text;
use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// What there is to verify. Everything but `result.txt` can be missing.
#[derive(Debug, Clone, Default)]
pub struct Material {
    /// `result.txt`, or what a summary says in that form.
    pub result: String,
    /// There is nothing but the lines of a `result_summary.txt`.
    pub only_summary: bool,
    /// `result_summary.txt`.
    pub summary: Option<String>,
    /// Configuration files with their names, the likeliest first.
    pub configs: Vec<(String, String)>,
    /// The counts of the `.stonewall` files by family: `ior-hard`, `mdtest-easy` …
    pub stonewalls: BTreeMap<String, u64>,
    /// The logs of the phases, `<phase>.txt`, by phase.
    pub logs: BTreeMap<String, String>,
    /// `result.json`, which only dfs-bench writes.
    pub json: Option<String>,
}

impl Material {
    /// Whether a path is that of a result: a directory, or a file that a result can be read from.
    pub fn is_result(path: &Path) -> bool {
        let says = |text: String| says_result(&text) || !Summary::parse(&text).phases.is_empty();
        path.is_dir() || text(path).is_ok_and(says)
    }

    /// Takes what is in a result directory, or in the directory of a `result.txt`. `config` replaces the configuration files
    /// found there. Where there is no `result.txt`, a `result_summary.txt` or a saved console output has to do.
    ///
    /// # Errors
    /// What cannot be read; not that optional files are absent.
    pub fn read(path: &Path, config: Option<&Path>) -> io::Result<Self> {
        let (dir, result) = match path.is_dir() {
            true => (path, file_of(path)),
            false => (path.parent().unwrap_or(Path::new(".")), path.to_owned()),
        };
        let mut material = Material { result: text(&result)?, ..Material::default() };
        if !says_result(&material.result) {
            let summary = Summary::parse(&material.result);
            if summary.phases.is_empty() {
                let message = format!("{}: not a result.txt: it has neither a run nor a phase", result.display());
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
            (material.result, material.only_summary) = (summary.to_result(), true);
        }
        let optional = |name: &str| text(&dir.join(name)).ok();
        material.summary = optional("result_summary.txt").filter(|_| !material.only_summary);
        // JSON is UTF-8, and escaped already
        let json = raw(&dir.join("result.json")).ok();
        material.json = json.map(|json| String::from_utf8_lossy(&json).into_owned());
        material.configs = match config {
            Some(path) => vec![(path.display().to_string(), text(path)?)],
            None => ["config.ini", "config-orig.ini"]
                .into_iter()
                .filter_map(|name| Some((name.to_owned(), optional(name)?)))
                .collect(),
        };
        for family in ["ior-easy", "ior-hard", "mdtest-easy", "mdtest-hard"] {
            let count = optional(&format!("{family}.stonewall")).and_then(|text| text.trim().parse().ok());
            material.stonewalls.extend(count.map(|count| (family.to_owned(), count)));
        }
        for phase in crate::phase_id::PhaseId::ALL {
            let log = optional(&format!("{phase}.txt"));
            material.logs.extend(log.map(|log| (phase.name().to_owned(), log)));
        }
        Ok(material)
    }
}

/// The file of a result directory that tells most.
fn file_of(dir: &Path) -> PathBuf {
    let names = ["result.txt", "result_summary.txt"].map(|name| dir.join(name));
    names.iter().find(|path| path.is_file()).unwrap_or(&names[0]).clone()
}

/// Whether a text is that of a `result.txt`: configurations have sections of the same names, but no scores.
fn says_result(text: &str) -> bool {
    let parsed = OfficialResult::parse(text);
    let names_run = ["procs", "version"].iter().any(|key| parsed.run.contains_key(*key));
    names_run || parsed.phases.iter().any(|phase| phase.pairs.contains_key("score"))
}

/// Bytes of a file that are looked at: no file of a result has more, and a device goes on for ever.
const LARGEST: u64 = 1 << 28;

/// A file as text. An error names the file.
fn text(path: &Path) -> io::Result<String> {
    raw(path).map(|bytes| text::escape(&bytes))
}

fn raw(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes));
    read.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", text::of(path))))?;
    Ok(bytes)
}
