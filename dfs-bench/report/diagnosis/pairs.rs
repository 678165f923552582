//! Rules about easy against hard.

use super::rule::{Diagnosed, RunRule};
use crate::report::figures::percent;
use crate::report::model::Run;
use io500_phases::phase_id::PhaseId;

/// From here on hard phases are as near to easy ones as they should be.
const NEAR: f64 = 0.5;

pub(super) static RULES: [RunRule; 2] =
    [RunRule { id: "pairs.bandwidth", look: bandwidth }, RunRule { id: "pairs.metadata", look: metadata }];

/// Hard phases as a share of easy ones, those below [`NEAR`] only.
fn behind(run: &Run, pairs: &[(&str, PhaseId, PhaseId)]) -> Vec<String> {
    let rate = |id| run.phase(id).map(|phase| phase.rate).filter(|rate| *rate > 0.0);
    pairs
        .iter()
        .filter_map(|&(what, hard, easy)| {
            let share = rate(hard)? / rate(easy)?;
            (share < NEAR).then(|| format!("{what} {}", percent(share)))
        })
        .collect()
}

fn on_dfs(run: &Run, id: PhaseId) -> bool {
    let storage = run.phase(id).into_iter().flat_map(|phase| &phase.storage);
    storage.into_iter().any(|fact| fact.name == "API" && fact.value.eq_ignore_ascii_case("DFS"))
}

fn bandwidth(run: &Run) -> Option<Diagnosed> {
    let found = behind(
        run,
        &[
            ("writing", PhaseId::IorHardWrite, PhaseId::IorEasyWrite),
            ("reading", PhaseId::IorHardRead, PhaseId::IorEasyRead),
        ],
    );
    let words = format!(
        "Transfers of 47,008 bytes into one shared file (ior-hard) against large ones (ior-easy): {}.",
        found.join(", ")
    );
    let next =
        "other chunk sizes and object classes for ior-hard: [ior-hard] API = DFS --dfs.chunk_size=… --dfs.oclass=…";
    let found = (!found.is_empty()).then(|| Diagnosed::new(words))?;
    Some(if on_dfs(run, PhaseId::IorHardWrite) { found.next(next) } else { found })
}

fn metadata(run: &Run) -> Option<Diagnosed> {
    let found = behind(
        run,
        &[
            ("creating", PhaseId::MdtestHardWrite, PhaseId::MdtestEasyWrite),
            ("stat", PhaseId::MdtestHardStat, PhaseId::MdtestEasyStat),
            ("removing", PhaseId::MdtestHardDelete, PhaseId::MdtestEasyDelete),
        ],
    );
    let words = format!(
        "Files of 3,901 bytes in one shared directory (mdtest-hard) against empty ones in own directories (mdtest-easy): {}.",
        found.join(", ")
    );
    let next = "a wide class for the shared directory: [mdtest-hard] API = DFS --dfs.dir_oclass=SX";
    let found = (!found.is_empty()).then(|| Diagnosed::new(words))?;
    let wide = run.phase(PhaseId::MdtestHardWrite).is_some_and(|phase| {
        phase.storage.iter().any(|fact| fact.name.starts_with("directory") && fact.value.ends_with('X'))
    });
    Some(if on_dfs(run, PhaseId::MdtestHardWrite) && !wide { found.next(next) } else { found })
}
