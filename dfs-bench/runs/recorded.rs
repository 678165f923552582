//! A run as its result directory records it: enough to go on with it, or to remove what it left.

use crate::exit::UsageError;
use crate::next_commands;
use io500_phases::config::{Config, ConfigBuilder, select_phases};
use io500_phases::phase_id::{Kind, PhaseId};
use io500_phases::results::{RunResult, RunState, phase_argument};
use io500_phases::text;
use std::path::{Component, Path, PathBuf};

/// The name under which the recorded configuration takes the place of flags that differ now.
const RESUMED: &str = "resume";

/// A run and where it was read.
pub struct RecordedRun {
    pub result: RunResult,
    /// The result directory, without symbolic links.
    pub directory: PathBuf,
    /// As it was given, for commands to copy.
    given: PathBuf,
    /// The text of its configuration file, if it had one.
    file: Option<Vec<u8>>,
}

impl RecordedRun {
    /// Reads the run in a result directory of this program.
    pub fn read(given: &Path) -> Result<RecordedRun, UsageError> {
        let wrong = |what: String| UsageError::new(format!("{}: {what}", given.display()));
        let directory = given.canonicalize().map_err(|error| wrong(error.to_string()))?;
        let text = match std::fs::read(directory.join("result.json")) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let why = if directory.join("result.txt").exists() {
                    "another program wrote this result: only runs of dfs-bench can be gone on with"
                } else {
                    "there is no result.json in it"
                };
                return Err(wrong(why.to_owned()).hint("`dfs-bench runs DIR` lists the runs below a directory"));
            }
            Err(error) => return Err(wrong(format!("result.json: {error}"))),
        };
        let result = serde_json::from_slice(&text).map_err(|error| wrong(format!("result.json: {error}")))?;
        let file = std::fs::read(directory.join("config-orig.ini")).ok().filter(|text| !text.is_empty());
        Ok(RecordedRun { result, directory, given: given.to_owned(), file })
    }

    /// The directory that relative paths of the run begin in; none where it has none to find it by.
    pub fn base(&self) -> Result<Option<PathBuf>, UsageError> {
        let recorded = &text::path(&self.result.provenance.resultdir);
        let moved = || {
            let (here, recorded) = (text::of(&self.directory), text::of(recorded));
            UsageError::new(format!("{here} was written as {recorded}: it was moved or copied"))
                .hint("move it back, or give the options of the run with --timestamp yourself")
        };
        if recorded.is_absolute() {
            let same = recorded.canonicalize().is_ok_and(|path| path == self.directory);
            return if same { Ok(None) } else { Err(moved()) };
        }
        if recorded.components().any(|part| part == Component::ParentDir) {
            let here = std::env::current_dir().map_err(|error| UsageError::new(error.to_string()))?;
            let same = here.join(recorded).canonicalize().is_ok_and(|path| path == self.directory);
            return if same { Ok(Some(here)) } else { Err(moved()) };
        }
        let plain: PathBuf = recorded.components().filter(|part| *part != Component::CurDir).collect();
        if !self.directory.ends_with(&plain) {
            return Err(moved());
        }
        Ok(self.directory.ancestors().nth(plain.components().count()).map(Path::to_owned))
    }

    /// The phases that its last invocation was asked for.
    fn asked_for(&self) -> Vec<PhaseId> {
        let about = &self.result.provenance;
        if !about.asked_for.is_empty() {
            return about.asked_for.clone();
        }
        // a result of an earlier version: as its command line says
        let list = phase_argument(&about.command_line).unwrap_or("all");
        select_phases(list, about.mode == "extended").unwrap_or_default()
    }

    /// Phases that it was asked for, done and left.
    pub fn phases(&self) -> (Vec<PhaseId>, Vec<PhaseId>) {
        let done = |phase: &PhaseId| self.result.own_phases().any(|result| result.phase == *phase);
        self.asked_for().into_iter().partition(done)
    }

    /// How many of its phases earlier invocations ran.
    pub fn earlier(&self) -> usize {
        self.result.phases.len() - self.result.own_phases().count()
    }

    /// Whether its end includes the removal of its files.
    pub fn cleans_up(&self) -> bool {
        let about = &self.result.provenance;
        about.cleans_up || (about.asked_for.is_empty() && phase_argument(&about.command_line).is_none())
    }

    /// A phase that removes and may have begun: what it had removed is missing when it runs again. To write it again would put another rate
    /// in the place of one that counts, and another tree under what has looked at this one.
    pub fn half_removed(&self) -> Option<PhaseId> {
        let first = self.phases().1.first().copied()?;
        let ended = self.result.state == RunState::Finished;
        (!ended && first.kind() == Kind::Delete).then_some(first)
    }

    /// Its configuration, layer by layer, with what another invocation of it needs.
    pub fn inputs(&self) -> Result<ConfigBuilder, UsageError> {
        let about = &self.result.provenance;
        let mut builder = Config::builder();
        if let Some(text) = &self.file {
            let named = about.settings.iter().find_map(|setting| setting.origin.rsplit_once(':'));
            builder = builder.file(named.map_or("config-orig.ini", |(name, _)| name), text);
        }
        for setting in about.settings.iter().filter(|setting| !setting.value.is_empty()) {
            let (section, option, value) = (&setting.section, &setting.option, &setting.value);
            builder = match setting.origin.as_str() {
                "--set" => builder.set(text::os(&format!("{section}.{option}={value}"))),
                flag if flag.starts_with("--") || flag == RESUMED => {
                    builder.flag(section, option, text::os(value), flag)
                }
                name if name.starts_with("DFS_BENCH_") => builder.env([(name.into(), text::os(value))]),
                _ => builder, // a default, or in the file
            };
        }
        let (config, _) = builder.clone().build().map_err(|error| self.unlike(&error.to_string()))?;
        for (setting, was) in config.settings().iter().zip(&about.settings) {
            let same = setting.section == was.section && setting.option == was.option;
            if !same || setting.value.as_deref().unwrap_or_default() != was.value {
                let now = setting.value.as_deref().unwrap_or("unset");
                return Err(self.unlike(&format!("[{}] {} is {now}", setting.section, setting.option)));
            }
        }
        builder = builder.flag("dfs-bench", "timestamp", &about.timestamp, RESUMED);
        if config.bench.repeat > 1 {
            builder = builder.flag("dfs-bench", "repeat", "1", RESUMED);
        }
        let global = &config.global;
        let dated = io500_phases::suite::dated(&global.resultdir, global.timestamp_resultdir, &about.timestamp);
        if dated != about.resultdir {
            builder = builder.flag("global", "resultdir", &about.resultdir, RESUMED).flag(
                "global",
                "timestamp-resultdir",
                "FALSE",
                RESUMED,
            );
        }
        Ok(builder)
    }

    fn unlike(&self, what: &str) -> UsageError {
        UsageError::new(format!("{}: its configuration cannot be restored: {what}", self.given.display()))
            .hint("config-orig.ini was changed after the run, or another version of this program wrote the result")
    }

    /// The commands that go on with it and that clean up after it.
    pub fn commands(&self) -> (String, String) {
        next_commands::of(&self.result, &self.given)
    }
}
