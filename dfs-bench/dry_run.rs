//! What a dry run says besides the plan: the store and the directory of each phase, why it is that one, and the free space.

use crate::quick::looking;
use crate::session::Session;
use io500_phases::backend::dfs::is_standin;
use io500_phases::backend::select::{Selected, Stores as _};
use io500_phases::config::{Api, Config, Origin, Setting};
use io500_phases::phase_id::{Kind, PhaseId};
use io500_phases::suite::dated;
use io500_phases::units::bytes;
use std::fmt::Write as _;

/// The stores of the session's phases, in words. Collective; text on rank 0.
pub fn stores(session: &Session) -> String {
    let (config, comm) = (&session.config, session.comm.as_ref());
    let global = &config.global;
    let datadir = dated(&global.datadir, global.timestamp_datadir, &session.timestamp);
    let mut text = String::from("\nstores\n");
    for (phases, words) in by_store(config, &session.phases) {
        let names: Vec<&str> = phases.iter().map(|phase| phase.name()).collect();
        let _ = writeln!(text, "  {words}\n    directory {datadir}\n    {}", names.join(", "));
    }
    let dfs = session.phases.iter().any(|&phase| config.phase(phase).api.api == Api::Dfs);
    if dfs && is_standin() {
        text += "  free space not asked for: the stand-in for libdfs makes its store when it is opened\n";
        return text;
    }
    // a look must not make a container
    let free = Selected::open(config, &looking(&session.phases), &datadir, comm).map(|stores| {
        let found = stores.describe();
        let _ = stores.close(comm);
        found
    });
    match free {
        Ok(stores) => {
            for (name, space) in stores.into_iter().filter_map(|(name, store)| Some((name, store.space?))) {
                let _ = writeln!(text, "  {name}: {} of {} free", bytes(space.free), bytes(space.total));
            }
        }
        Err(why) => {
            let _ = writeln!(text, "  free space unknown: {why}");
        }
    }
    text
}

/// The phases by API string and by why it is theirs, in the order of the run.
fn by_store(config: &Config, phases: &[PhaseId]) -> Vec<(Vec<PhaseId>, String)> {
    let mut groups: Vec<(Vec<PhaseId>, String)> = Vec::new();
    for &phase in phases.iter().filter(|phase| phase.kind() != Kind::Timestamp) {
        let used = config.phase(phase);
        let words = format!("{} ({})", used.api, why(config, phase, &used.api_origin));
        match groups.iter_mut().find(|(_, known)| *known == words) {
            Some((phases, _)) => phases.push(phase),
            None => groups.push((vec![phase], words)),
        }
    }
    groups
}

/// Where the API of a phase comes from, and what it beats.
fn why(config: &Config, phase: PhaseId, origin: &Origin) -> String {
    let sections = config.settings().iter().filter(|setting| {
        let own = setting.section == phase.name() || phase.name().starts_with(&format!("{}-", setting.section));
        own && setting.option == "API" && setting.value.is_some()
    });
    let beaten: Vec<&Setting> = sections.filter(|setting| setting.origin.strength() < origin.strength()).collect();
    let by = match origin {
        Origin::Default => "default".to_owned(),
        other => format!("by {other}"),
    };
    match beaten[..] {
        [] => by,
        [first, ..] => format!("{by}, which beats [{}] API of {}", first.section, first.origin),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_that_beats_a_section_is_named_with_it() {
        let file = b"[global]\napi = POSIX\n[ior-easy]\nAPI = POSIX --posix.odirect\n";
        let build = |flag: Option<&str>| {
            let builder = Config::builder().file("my.ini", file);
            let builder = match flag {
                Some(api) => builder.flag("global", "api", api, "--api"),
                None => builder,
            };
            builder.build().unwrap().0
        };
        let phases = [PhaseId::IorEasyWrite, PhaseId::IorHardWrite];
        let words = |config: &Config| by_store(config, &phases).into_iter().map(|(_, words)| words).collect::<Vec<_>>();
        assert_eq!(words(&build(None)), ["POSIX --posix.odirect (by my.ini:4)", "POSIX (by my.ini:2)"]);
        let forced = words(&build(Some("null")));
        assert!(forced[0].contains("(by --api, which beats [ior-easy] API of my.ini:4)"), "{forced:?}");
        assert!(forced[1].ends_with("(by --api)"), "{forced:?}");
    }
}
