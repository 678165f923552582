//! Options that are set without effect, or with less than their names promise: a warning for each.

use super::error::Warning;
use super::model::{Config, Find, Setting};
use super::schema;

/// The level of `[global] verbosity` above which `result.txt` says no more.
const MOST_VERBOSE: u32 = 2;

/// A warning for every such option.
pub(super) fn warnings(config: &Config) -> Vec<Warning> {
    let mut idle = Idle { config, warnings: Vec::new() };
    let easy = &config.ior_easy;
    if easy.unique_dir && !easy.file_per_proc {
        idle.warn("ior-easy", "uniqueDir", "a shared file (filePerProc = FALSE) has one directory");
    }
    if config.global.verbosity > MOST_VERBOSE {
        idle.warn(
            "global",
            "verbosity",
            "result.txt says no more than with 2; -v and DFS_BENCH_LOG raise the program's own verbosity",
        );
    }
    for (section, level) in [
        ("ior-easy", easy.verbosity),
        ("ior-hard", config.ior_hard.verbosity),
        ("mdworkbench", config.mdworkbench.verbosity),
    ] {
        if level > 0 {
            idle.warn(
                section,
                "verbosity",
                "only exe in result.txt shows it; -v and DFS_BENCH_LOG raise the program's own verbosity",
            );
        }
    }
    for (section, find) in [("find", &config.find), ("find-easy", &config.find_easy), ("find-hard", &config.find_hard)]
    {
        idle.find(section, find);
    }
    for setting in config.settings().iter().filter(|setting| setting.option.eq_ignore_ascii_case("api")) {
        if setting.value.as_deref().is_some_and(|value| value.to_ascii_lowercase().contains("--dfs.svcl")) {
            idle.warn(
                &setting.section,
                &setting.option,
                "--dfs.svcl has no effect: libdaos finds the pool's service by itself",
            );
        }
    }
    idle.warnings
}

struct Idle<'a> {
    config: &'a Config,
    warnings: Vec<Warning>,
}

impl Idle<'_> {
    fn setting(&self, section: &str, option: &str) -> &Setting {
        self.config.setting(section, option).expect("the schema has the option")
    }

    fn warn(&mut self, section: &str, option: &str, reason: &str) {
        let setting = self.setting(section, option);
        let value = setting.value.as_deref().unwrap_or_default();
        let message = format!("[{section}] {option} = {value}: {reason}");
        self.warnings.push(Warning { place: setting.origin.place(), message });
    }

    /// Options of the walk where a script stands in, and options of the script where none does.
    fn find(&mut self, section: &str, find: &Find) {
        const OF_SCRIPT: [&str; 2] = ["external-mpi-args", "external-extra-args"];
        const OF_WALK: [&str; 3] =
            ["pfind-queue-length", "pfind-steal-next", "pfind-parallelize-single-dir-access-using-hashing"];
        let (idle, reason): (&[&str], &str) = match &find.external_script {
            None => (&OF_SCRIPT, "no effect without external-script"),
            Some(_) => (&OF_WALK, "no effect on an external script"),
        };
        for &option in idle {
            if self.is_set(section, option) {
                self.warn(section, option, reason);
            }
        }
        if find.external_script.is_some() && find.nproc.is_some_and(|nproc| nproc != 1) {
            self.warn(
                section,
                "nproc",
                "an external script is started once, by rank 0; external-mpi-args starts it in parallel",
            );
        }
    }

    /// Whether an option says something else than by default.
    fn is_set(&self, section: &str, option: &str) -> bool {
        let default = schema::section(section).and_then(|(_, section)| section.option(option)?.1.default);
        let value = self.setting(section, option).value.as_deref();
        value.is_some_and(|value| !value.is_empty()) && value != default
    }
}
