//! What a submission is made of: one result directory, its verification, and what the user gives besides.

use crate::doctor::server::{ServerConfig, StorageScan};
use crate::exit::UsageError;
use crate::report::model::{Run, Source};
use crate::report::{consistency, load};
use anyhow::Result;
use io500_phases::backend::Description;
use io500_phases::facts::NodeFacts;
use io500_phases::phase_id::PhaseId;
use io500_phases::results::official::{OfficialResult, Summary};
use io500_phases::results::{Material, RunResult, Verification, verify};
use std::path::{Path, PathBuf};

/// One result and what is known around it.
pub struct Subject {
    /// The result directory.
    pub directory: PathBuf,
    /// The run, whoever measured it.
    pub run: Run,
    /// Its `result.txt`.
    pub official: OfficialResult,
    /// The files that verification looks at.
    pub material: Material,
    /// Score, hashes and doubts.
    pub verification: Verification,
    /// `result.json`, of runs of this program.
    pub json: Option<RunResult>,
    /// Figures that contradict each other, one sentence each.
    pub contradictions: Vec<String>,
    /// Other runs of the same measurement: label and score.
    pub repeats: Vec<(String, f64)>,
    /// What the user gave.
    pub given: Given,
}

/// What the user gives besides the result.
#[derive(Default)]
pub struct Given {
    /// The script of the job.
    pub job_script: Option<PathBuf>,
    /// What the job printed.
    pub job_output: Option<PathBuf>,
    /// A client node.
    pub client: Option<NodeFacts>,
    /// The snapshot that its facts come from.
    pub snapshot: Option<PathBuf>,
    /// A server node.
    pub server: Option<NodeFacts>,
    /// Its configuration.
    pub server_config: Option<ServerConfig>,
    /// The scan of its storage.
    pub scan: Option<StorageScan>,
}

impl Subject {
    /// A client node as the run itself recorded it: of the kind that most nodes are.
    pub fn recorded_client(&self) -> Option<NodeFacts> {
        let machines = &self.json.as_ref()?.provenance.machines;
        machines.iter().max_by_key(|machine| machine.hosts.len()).map(|machine| machine.facts.clone())
    }

    /// Reads the run at `path`, which must hold exactly one, and the scores of those at `repeats`.
    ///
    /// # Errors
    /// When there is no run, or more than one.
    pub fn load(path: &Path, repeats: &[PathBuf], given: Given) -> Result<Subject> {
        let mut runs: Vec<Run> = load::groups(&[path.to_owned()])?.into_iter().flat_map(|group| group.runs).collect();
        if runs.len() != 1 {
            let message = format!("{} holds {} runs, and a submission is one", path.display(), runs.len());
            return Err(UsageError::new(message).hint("name one of them, and the others with --repeat").into());
        }
        let run = runs.remove(0);
        let material = Material::read(&run.path, None)?;
        let directory = if run.path.is_dir() {
            run.path.clone()
        } else {
            run.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
        };
        let json = material.json.as_deref().and_then(|text| serde_json::from_str::<RunResult>(text).ok());
        let mut contradictions = run.contradictions.clone();
        if let Some(result) = &json {
            contradictions.extend(consistency::of_all_files(&directory, result));
        }
        let others = if repeats.is_empty() { Vec::new() } else { load::groups(repeats)? };
        let others = others.into_iter().flat_map(|group| group.runs);
        let others = others.filter(|other| other.path.canonicalize().ok() != run.path.canonicalize().ok());
        let repeats = others.filter_map(|other| Some((other.label.clone(), other.score.as_ref()?.means.total)));
        Ok(Subject {
            official: OfficialResult::parse(&material.result),
            verification: verify(&material),
            repeats: repeats.collect(),
            directory,
            run,
            material,
            json,
            contradictions,
            given,
        })
    }

    /// Whether this program measured: the list takes results of the official program only.
    pub fn is_ours(&self) -> bool {
        self.run.source == Source::DfsBench || self.version().starts_with("dfs-bench")
    }

    /// The version that measured; empty where none is printed.
    pub fn version(&self) -> &str {
        self.verification.version.as_deref().unwrap_or_default()
    }

    /// An option of the configuration with a value.
    pub fn setting(&self, section: &str, option: &str) -> Option<&str> {
        let same = |setting: &&crate::report::model::Setting| {
            setting.section.eq_ignore_ascii_case(section) && setting.name.eq_ignore_ascii_case(option)
        };
        let setting = self.run.configuration.iter().find(same)?;
        Some(setting.value.as_str()).filter(|value| !value.is_empty())
    }

    /// A storage option of a phase, as its command line had it.
    pub fn storage(&self, phase: PhaseId, name: &str) -> Option<&str> {
        let phase = self.run.phases.iter().find(|result| result.id == phase)?;
        phase.storage.iter().find(|fact| fact.name == name).map(|fact| fact.value.as_str())
    }

    /// The stores of a run of this program.
    pub fn stores(&self) -> impl Iterator<Item = &Description> {
        self.json.iter().flat_map(|result| &result.provenance.stores).map(|(_, store)| store)
    }

    /// A fact that one of the stores tells.
    pub fn store_fact(&self, name: &str) -> Option<&str> {
        self.stores().flat_map(|store| &store.facts).find(|(fact, _)| fact == name).map(|(_, value)| value.as_str())
    }

    /// Whether the ior and mdtest phases call libdfs.
    pub fn is_dfs(&self) -> bool {
        self.stores().any(|store| store.api == "DFS")
            || self.storage(PhaseId::IorEasyWrite, "API").is_some_and(|api| api.eq_ignore_ascii_case("dfs"))
    }

    /// Seconds that a phase took, from `result.txt` or the summary.
    pub fn seconds(&self, phase: PhaseId) -> Option<f64> {
        let of_result = self.official.phase(phase).and_then(|phase| phase.number("t_delta"));
        of_result.or_else(|| {
            let text = self.material.summary.as_deref()?;
            Summary::parse(text).seconds.get(phase.name()).copied()
        })
    }

    /// The date and time that a run has as its name, at the end of a path or inside of a command line.
    pub fn timestamps(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut note = |place: String, text: &str| {
            if let Some(stamp) = timestamp_in(text) {
                found.push((place, stamp));
            }
        };
        if let Some(path) = self.official.run.get("result-dir") {
            note("result-dir of result.txt".into(), path);
        }
        for phase in &self.official.phases {
            if let Some(command) = phase.pairs.get("exe") {
                note(format!("the command of {}", phase.name), command);
            }
        }
        if let Some(result) = &self.json {
            note("timestamp of result.json".into(), &result.provenance.timestamp);
        }
        if let Some(name) = self.directory.file_name() {
            note("the name of the directory".into(), &name.to_string_lossy());
        }
        found
    }
}

/// The first `2026.01.02-03.04.05` in a text.
fn timestamp_in(text: &str) -> Option<String> {
    const FORM: &[u8] = b"0000.00.00-00.00.00";
    text.as_bytes()
        .windows(FORM.len())
        .find(|window| {
            let fits = |(byte, form): (&u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == form };
            window.iter().zip(FORM).all(fits)
        })
        .map(|window| String::from_utf8_lossy(window).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_found_wherever_it_stands() {
        assert_eq!(timestamp_in("-o /d/2023.11.07-03.43.32/ior-easy").as_deref(), Some("2023.11.07-03.43.32"));
        assert_eq!(timestamp_in("good-2023.03.22-18.10.33").as_deref(), Some("2023.03.22-18.10.33"));
        assert_eq!(timestamp_in("2023.11.07"), None);
        assert_eq!(timestamp_in("über 2023-11-07"), None);
    }
}
