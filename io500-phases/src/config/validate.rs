//! Whether a configuration can be run, before any storage is touched.

use super::api::Api;
use super::error::{ConfigError, Place, Problem};
use super::model::{Config, Find, Mode, Setting};
use super::schema::OWN_SECTION;
use crate::phase_id::{Family, PhaseId};
use std::path::{Component, Path};

impl Config {
    /// Checks what the phases of a run need to fit together; phases whose `run` is FALSE are not looked at. Everything found
    /// is reported at once, each with its place.
    ///
    /// # Errors
    /// Every setting that cannot be run, not the first only.
    pub fn validate(&self, phases: &[PhaseId]) -> Result<(), ConfigError> {
        let mut check = Check { config: self, problems: Vec::new() };
        check.always();
        let running: Vec<PhaseId> = phases.iter().copied().filter(|&phase| self.phase(phase).run).collect();
        let family = |wanted: Family| running.iter().any(|phase| phase.family() == wanted);
        if family(Family::IorEasy) || family(Family::IorRnd4kEasy) {
            check.ior_easy();
        }
        if family(Family::IorRnd4kEasy) && self.ior_easy.block_size < RANDOM_READ {
            let message =
                "ior-rnd4K-easy-read reads 4096 bytes of these files: make them larger, or leave that phase out";
            check.fail("ior-easy", "blockSize", message);
        }
        for (phase, find) in
            [(PhaseId::Find, &self.find), (PhaseId::FindEasy, &self.find_easy), (PhaseId::FindHard, &self.find_hard)]
        {
            if running.contains(&phase) {
                check.find(phase, find);
            }
        }
        if let (true, Some(limit)) = (family(Family::MdtestHard), self.mdtest_hard.files_per_dir)
            && !self.mdtest_hard.n.is_multiple_of(limit)
        {
            let message = format!("n must be a multiple of it, and is {}", self.mdtest_hard.n);
            check.fail("mdtest-hard", "files-per-dir", &message);
        }
        if family(Family::Mdworkbench) {
            check.mdworkbench();
        }
        for &phase in &running {
            check.api(phase);
        }
        check.datadir(&running);
        ConfigError::unless_empty(check.problems)
    }
}

impl Config {
    /// What these phases ask of the number of ranks, which is known when the ranks are: `[find] nproc`.
    pub fn validate_ranks(&self, phases: &[PhaseId], ranks: usize) -> Vec<Problem> {
        let finds =
            [(PhaseId::Find, &self.find), (PhaseId::FindEasy, &self.find_easy), (PhaseId::FindHard, &self.find_hard)];
        let mut check = Check { config: self, problems: Vec::new() };
        for (phase, find) in finds {
            // an external script runs by its own rules
            let runs = phases.contains(&phase) && self.phase(phase).run && find.external_script.is_none();
            if runs && find.nproc.is_some_and(|nproc| nproc as usize > ranks) {
                let has = if ranks == 1 { "one rank".to_owned() } else { format!("{ranks} ranks") };
                check.fail(phase.name(), "nproc", &format!("the run has {has}"));
            }
        }
        check.problems
    }
}

/// A setting that makes a run invalid, and why.
pub type Invalidating<'a> = (&'a Setting, String);

impl Config {
    /// The settings that make a run of this configuration invalid, or its score something else than the rules mean.
    pub fn invalidating(&self) -> Vec<Invalidating<'_>> {
        let required = self.required_stonewall();
        let reason = |setting: &Setting| match (setting.section.as_str(), setting.option.as_str()) {
            ("debug", "stonewall-time") if i64::from(self.debug.stonewall) != i64::from(required) => {
                Some(format!("the rules require {required} seconds"))
            }
            ("debug", "pause-dir") if self.debug.pause_dir.is_some() => {
                Some("a run that can be paused is invalid".into())
            }
            ("mdtest-hard", "files-per-dir") if self.mdtest_hard.files_per_dir.is_some() => {
                Some("mdtest-hard is one shared directory".into())
            }
            (section, "run") if setting.value.as_deref() == Some("FALSE") => self.switched_off(section),
            _ => None,
        };
        self.settings().iter().filter_map(|setting| Some((setting, reason(setting)?))).collect()
    }

    /// What becomes of a run without the phases that depend on the `run` of this section.
    fn switched_off(&self, section: &str) -> Option<String> {
        let depends = |phase: &&PhaseId| match phase.family() {
            family @ Family::Mdworkbench => family.name() == section,
            family => phase.name() == section || family.name() == section,
        };
        let phase = PhaseId::ALL.iter().filter(|&&phase| !self.phase(phase).run).find(depends)?;
        match (phase.in_standard(), self.bench.mode) {
            (true, _) => Some("a phase that does not run has the score 0".into()),
            (false, Mode::Extended) => Some("the extended score is invalid without it".into()),
            (false, Mode::Standard) => None,
        }
    }
}

/// Bytes of a read of ior-rnd4K.
const RANDOM_READ: u64 = 4096;

/// Bytes of a label at most.
#[doc(alias = "DAOS_PROP_LABEL_MAX_LEN")]
const LABEL_LENGTH: usize = 127;

struct Check<'a> {
    config: &'a Config,
    problems: Vec<Problem>,
}

impl Check<'_> {
    fn setting(&self, section: &str, option: &str) -> &Setting {
        self.config.setting(section, option).expect("the schema has the option")
    }

    fn fail(&mut self, section: &str, option: &str, message: &str) {
        let setting = self.setting(section, option);
        let value = setting.value.as_deref().unwrap_or("");
        let problem = Problem {
            place: setting.origin.place(),
            message: format!("[{section}] {option} = {value}: {message}"),
            hint: None,
        };
        self.problems.push(problem);
    }

    fn always(&mut self) {
        let config = self.config;
        if config.debug.stonewall <= 0 {
            self.fail("debug", "stonewall-time", "must be positive");
        }
        if config.global.io_buffers_on_gpu {
            self.fail("global", "io-buffers-on-gpu", "dfs-bench has no buffers in GPU memory");
        }
        if let Some(timestamp) = &config.bench.timestamp
            && (timestamp.contains('/') || timestamp == "." || timestamp == "..")
        {
            self.fail(OWN_SECTION, "timestamp", "names a directory, so it cannot contain a slash or be . or ..");
        }
    }

    /// A data directory that no run may have, or that libdfs cannot walk to.
    fn datadir(&mut self, phases: &[PhaseId]) {
        let config = self.config;
        let path = Path::new(&config.global.datadir);
        let uses = |api: Api| phases.iter().map(|&phase| config.phase(phase)).find(move |used| used.api.api == api);
        if uses(Api::Posix).is_some() && is_root(path) {
            self.fail("global", "datadir", "the root of the file system cannot be the data directory");
        }
        if let Some(used) = uses(Api::Dfs) {
            if goes_up(path) {
                self.fail("global", "datadir", "a path inside a container cannot go up with ..");
            }
            if used.api.prefix.as_deref().is_some_and(|prefix| goes_up(Path::new(prefix))) {
                let prefix = used.api.prefix.as_deref().unwrap_or_default();
                self.problems.push(Problem {
                    place: used.api_origin.place(),
                    message: format!("prefix {prefix}: a path inside a container cannot go up with .."),
                    hint: None,
                });
            }
        }
    }

    fn ior_easy(&mut self) {
        let (transfer, block) = (self.config.ior_easy.transfer_size, self.config.ior_easy.block_size);
        // IOR's data is made of 8-byte words; a transfer has at least one.
        if transfer < 8 {
            self.fail("ior-easy", "transferSize", "a transfer has at least 8 bytes");
        } else if block == 0 || !block.is_multiple_of(transfer) {
            let transfer = self.config.ior_easy.size_texts.0.clone();
            self.fail("ior-easy", "blockSize", &format!("must be a multiple of transferSize, which is {transfer}"));
        }
    }

    fn find(&mut self, phase: PhaseId, find: &Find) {
        let section = phase.name();
        if find.nproc == Some(0) {
            self.fail(section, "nproc", "at least one rank must take part");
        }
        if find.queue_length <= 0 {
            self.fail(section, "pfind-queue-length", "must be positive");
        }
        if let Some(script) = &find.external_script
            && let Err(message) = executable(script)
        {
            self.fail(section, "external-script", &message);
        }
    }

    fn mdworkbench(&mut self) {
        let workbench = &self.config.mdworkbench;
        match (workbench.precreate_per_set, workbench.files_per_proc) {
            (Some(_), None) => self.fail("mdworkbench", "precreatePerSet", "needs filesPerProc too"),
            (None, Some(_)) => self.fail("mdworkbench", "filesPerProc", "needs precreatePerSet too"),
            _ => {}
        }
        if workbench.waiting_time < 0.0 {
            self.fail("mdworkbench", "waitingTime", "cannot be negative");
        }
    }

    fn api(&mut self, phase: PhaseId) {
        let used = self.config.phase(phase);
        if used.api.api == Api::Dfs {
            let names = [("pool", &used.api.pool), ("cont", &used.api.cont), ("group", &used.api.group)];
            for (what, name) in names.into_iter().filter_map(|(what, name)| Some((what, name.as_ref()?))) {
                self.label(what, name, used.api_origin.place());
            }
        }
        let message = match (&used.api.api, used.api.unsupported.first()) {
            (Api::Other(name), _) => format!("the API {name} is not supported"),
            (_, Some(word)) => format!("{word} of the API {} is not supported", used.api.api),
            _ => return,
        };
        let hint = "dfs-bench has DFS, POSIX and NULL; the configuration can still be read, checked and hashed";
        self.once(Problem { place: used.api_origin.place(), message, hint: Some(hint.to_owned()) });
    }

    fn label(&mut self, what: &str, name: &str, place: Option<Place>) {
        if is_label(name) {
            return;
        }
        // a flag or variable of its own beats the API string
        let own = self.setting(OWN_SECTION, what);
        let place = if own.value.as_deref() == Some(name) { own.origin.place() } else { place };
        let hint = match name.contains('$') {
            true => "variables are not expanded in a configuration".to_owned(),
            false => format!("a label has up to {LABEL_LENGTH} letters, digits and . _ : -"),
        };
        self.once(Problem { place, message: format!("{what} {name:?}: not a DAOS label"), hint: Some(hint) });
    }

    /// Phases share their API strings; one word per string is enough.
    fn once(&mut self, problem: Problem) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}

/// DAOS's rule for labels, which UUIDs fit too.
fn is_label(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    (1..=LABEL_LENGTH).contains(&name.len()) && name.bytes().all(allowed)
}

fn goes_up(path: &Path) -> bool {
    path.components().any(|component| component == Component::ParentDir)
}

/// Whether a path is that of the root directory, as far as its text tells.
fn is_root(path: &Path) -> bool {
    let depth = path.components().fold(0_usize, |depth, component| match component {
        Component::Normal(_) => depth + 1,
        Component::ParentDir => depth.saturating_sub(1),
        _ => depth,
    });
    path.is_absolute() && depth == 0
}

/// Whether a program can be run.
fn executable(path: &str) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt as _;
    let about = std::fs::metadata(crate::text::path(path)).map_err(|error| error.to_string())?;
    if about.is_file() && about.permissions().mode() & 0o100 != 0 { Ok(()) } else { Err("is no program".into()) }
}
