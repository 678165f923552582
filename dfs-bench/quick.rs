//! `--quick`: a test run whose sizes fit a stonewall of seconds and the free space.

use crate::session::Session;
use io500_phases::backend::select::{Selected, Stores as _};
use io500_phases::comm::ReduceOp;
use io500_phases::config::{Config, Origin};
use io500_phases::phase_id::{Kind, PhaseId};
use io500_phases::suite::dated;

/// Seconds of the stonewall where nothing else is said.
const STONEWALL_S: u32 = 2;
/// Bytes of ior-hard's transfers and of mdtest-hard's files.
const HARD_TRANSFER: u64 = 47_008;
const HARD_FILE: u64 = 3_901;
/// Where the free space is not known.
const CAREFUL: u64 = 64 << 30;

const FLAG: &str = "--quick";

/// Fits the configuration of a session. Collective.
pub fn fit(session: &mut Session) -> anyhow::Result<()> {
    let free = free_space(session);
    let settings = fitted(&session.config, session.comm.size() as u64, free);
    let fold = |inputs: io500_phases::config::ConfigBuilder, (section, option, value): (&str, &str, String)| {
        inputs.flag(section, option, value, FLAG)
    };
    session.config = settings.into_iter().fold(session.config.inputs().clone(), fold).build()?.0;
    Ok(())
}

/// The least free space of the stores, the same on all ranks; none where nobody tells.
pub fn free_space(session: &Session) -> Option<u64> {
    let comm = session.comm.as_ref();
    let global = &session.config.global;
    let datadir = dated(&global.datadir, global.timestamp_datadir, &session.timestamp);
    let mut least = [u64::MAX];
    // as for phases that only read: a container that is not there is not made for a look
    let looked = looking(&session.phases);
    if let Ok(stores) = Selected::open(&session.config, &looked, &datadir, comm) {
        if session.is_root() {
            let spaces = stores.describe().into_iter().filter_map(|(_, store)| Some(store.space?.free));
            least = [spaces.min().unwrap_or(u64::MAX)];
        }
        let _ = stores.close(comm);
    }
    comm.all_reduce_u64(ReduceOp::Min, &mut least);
    Some(least[0]).filter(|&free| free != u64::MAX)
}

/// Phases that read what these write.
pub fn looking(phases: &[PhaseId]) -> Vec<PhaseId> {
    let reads = |phase: PhaseId| match phase {
        PhaseId::IorEasyWrite => PhaseId::IorEasyRead,
        PhaseId::IorHardWrite => PhaseId::IorHardRead,
        PhaseId::MdtestEasyWrite => PhaseId::MdtestEasyStat,
        PhaseId::MdtestHardWrite => PhaseId::MdtestHardStat,
        PhaseId::MdworkbenchCreate => PhaseId::MdworkbenchBench,
        other => other,
    };
    let mut looking: Vec<PhaseId> = phases.iter().map(|&phase| reads(phase)).collect();
    looking.retain(|phase| phase.kind() != Kind::Timestamp);
    looking.sort();
    looking.dedup();
    looking
}

/// Section, option and value of what is changed: defaults and values of a file, never what the command line or the environment says.
fn fitted(config: &Config, ranks: u64, free: Option<u64>) -> Vec<(&'static str, &'static str, String)> {
    let weak = |section: &str, option: &str| {
        config
            .setting(section, option)
            .is_none_or(|setting| setting.origin.strength() < Origin::Env(String::new()).strength())
    };
    let free = free.unwrap_or(CAREFUL);
    // a quarter for each kind of data, and room for the metadata of the files
    let share = |parts: u64| (free / parts / ranks).max(1);
    let transfer = config.ior_easy.transfer_size.max(1);
    let block = (share(4) / transfer).max(1) * transfer;
    let segments = (share(8) / HARD_TRANSFER).max(1);
    let files = (share(16) / HARD_FILE).max(1);
    let mut settings = Vec::new();
    let mut set = |section, option, value: String, smaller: bool| {
        if smaller && weak(section, option) {
            settings.push((section, option, value));
        }
    };
    set("debug", "stonewall-time", STONEWALL_S.to_string(), config.debug.stonewall > STONEWALL_S as i32);
    set("ior-easy", "blockSize", block.to_string(), block < config.ior_easy.block_size);
    set("ior-hard", "segmentCount", segments.to_string(), segments < config.ior_hard.segment_count);
    set("mdtest-easy", "n", files.to_string(), files < config.mdtest_easy.n);
    set("mdtest-hard", "n", files.to_string(), files < config.mdtest_hard.n);
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(config: &Config, free: Option<u64>) -> Vec<String> {
        let plain = |(section, option, value): (&str, &str, String)| format!("{section}.{option}={value}");
        fitted(config, 4, free).into_iter().map(plain).collect()
    }

    #[test]
    fn sizes_fit_the_free_space_and_what_was_said_stays() {
        let defaults = Config::builder().build().unwrap().0;
        assert_eq!(
            of(&defaults, Some(1 << 30)),
            [
                "debug.stonewall-time=2",
                // 64 MiB in transfers of 2 MiB
                "ior-easy.blockSize=67108864",
                "ior-hard.segmentCount=713",
                "mdtest-easy.n=4300",
                "mdtest-hard.n=4300",
            ]
        );
        let said = Config::builder()
            .file("f.ini", b"[ior-hard]\nsegmentCount = 95000\n[mdtest-easy]\nn = 10\n")
            .set("ior-easy.blockSize=1g")
            .flag("debug", "stonewall-time", "9", "--stonewall")
            .build()
            .unwrap()
            .0;
        assert_eq!(of(&said, Some(1 << 30)), ["ior-hard.segmentCount=713", "mdtest-hard.n=4300"]);
        // a store that is full gets the least there is
        assert!(of(&defaults, Some(0)).contains(&"ior-easy.blockSize=2097152".to_owned()));
        // where the space is not known it is thought of as not large
        assert!(of(&defaults, None).contains(&"ior-easy.blockSize=4294967296".to_owned()));
    }

    #[test]
    fn a_look_is_one_of_reading_phases() {
        let phases = [PhaseId::IorEasyWrite, PhaseId::Timestamp, PhaseId::IorEasyRead, PhaseId::Find];
        assert_eq!(looking(&phases), [PhaseId::Find, PhaseId::IorEasyRead]);
    }
}
