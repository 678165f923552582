//! Settings that are accepted with a warning: they work here and not elsewhere, or differently than they look.

use super::error::Warning;
use super::model::{Config, Setting};
use crate::config::Api;
use crate::phase_id::PhaseId;

/// pfind ends the whole run below this.
const SHORTEST_QUEUE: i32 = 10;

/// Options that are paths.
const PATHS: [(&str, &str); 6] = [
    ("global", "datadir"),
    ("global", "resultdir"),
    ("debug", "pause-dir"),
    ("find", "external-script"),
    ("find-easy", "external-script"),
    ("find-hard", "external-script"),
];

impl Config {
    /// The warnings of a run of these phases, besides those of reading the configuration.
    pub fn accepted(&self, phases: &[PhaseId]) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut warn = |setting: &Setting, what: &str| {
            let value = setting.value.as_deref().unwrap_or_default();
            let message = format!("[{}] {} = {value}: {what}", setting.section, setting.option);
            warnings.push(Warning { place: setting.origin.place(), message });
        };
        let setting = |section: &str, option: &str| self.setting(section, option).expect("the schema has the option");
        for path in PATHS.map(|(section, option)| setting(section, option)) {
            if let Some(what) = path.value.as_deref().and_then(literal) {
                warn(path, what);
            }
        }
        let finds =
            [(PhaseId::Find, &self.find), (PhaseId::FindEasy, &self.find_easy), (PhaseId::FindHard, &self.find_hard)];
        for (phase, find) in finds {
            let used = self.phase(phase);
            if !phases.contains(&phase) || !used.run || find.external_script.is_some() {
                continue;
            }
            if find.hashing && used.api.api == Api::Posix {
                let what = "has no effect on POSIX, where no rank can start in the middle of a directory; all ranks \
                            still look up the names found in one";
                warn(setting(phase.name(), "pfind-parallelize-single-dir-access-using-hashing"), what);
            }
            if find.queue_length < SHORTEST_QUEUE {
                warn(setting(phase.name(), "pfind-queue-length"), "the C suite's pfind does not run with less than 10");
            }
        }
        warnings
    }
}

/// What a path has in it that a shell would have taken care of.
fn literal(path: &str) -> Option<&'static str> {
    match path {
        _ if path.contains('$') => Some("used literally: variables are not expanded"),
        _ if path.starts_with('~') => Some("used literally: ~ is not expanded"),
        _ if path.starts_with(['"', '\'']) => Some("used literally: the quotation marks are part of the name"),
        _ => None,
    }
}
