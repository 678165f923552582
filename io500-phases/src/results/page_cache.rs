//! Reads that the page cache of a node may answer: a doubt of the strict verdict, because the rules want reads from the store.

use super::run::RunResult;
use crate::phase_id::Kind;

/// The doubt about each store that ranks read through the cache of the node that wrote, with what to do about it.
pub fn doubts(result: &RunResult) -> Vec<String> {
    let about = &result.provenance;
    let readers = about.own_node_readers;
    let setting = |option: &str| about.settings.iter().find(|setting| setting.option.eq_ignore_ascii_case(option));
    let drops = setting("drop-caches").is_some_and(|setting| setting.value.eq_ignore_ascii_case("true"));
    let reads = result.phases.iter().any(|phase| phase.phase.kind() == Kind::Read);
    if readers == 0 || drops || !reads {
        return Vec::new();
    }
    let cached = about.stores.iter().filter(|(_, store)| {
        let fact = |name: &str| store.facts.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        // a dfuse mount tells itself how it caches; what is intercepted does not pass the kernel
        store.api == "POSIX"
            && fact("O_DIRECT") == Some("off")
            && fact("caching").is_none()
            && fact("interception") == Some("none")
    });
    let who = match about.ranks {
        1 => "the one rank reads what it wrote".to_owned(),
        ranks => format!("{readers} of {ranks} ranks read what their own node wrote"),
    };
    cached
        .map(|(name, _)| {
            format!(
                "{name}: reads may come from the page cache: {who}. --api 'POSIX --posix.odirect' or \
                 --set global.drop-caches=TRUE bypasses it; on more nodes ranks read what another node wrote"
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::empty_run;
    use super::*;
    use crate::backend::Description;
    use crate::phase_id::PhaseId;
    use crate::results::PhaseResult;
    use crate::results::provenance::{Provenance, SettingOrigin};

    fn run(facts: &[(&str, &str)], own_node_readers: usize, drop_caches: &str) -> RunResult {
        let facts = facts.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let store = Description { api: "POSIX".into(), facts, ..Description::default() };
        let drop_caches = SettingOrigin {
            section: "global".into(),
            option: "drop-caches".into(),
            value: drop_caches.into(),
            origin: "default".into(),
        };
        RunResult {
            provenance: Provenance {
                ranks: 4,
                own_node_readers,
                stores: vec![("POSIX".into(), store)],
                settings: vec![drop_caches],
                ..Provenance::default()
            },
            phases: vec![PhaseResult::new(PhaseId::IorEasyRead)],
            ..empty_run()
        }
    }

    const CACHED: [(&str, &str); 2] = [("O_DIRECT", "off"), ("interception", "none")];

    #[test]
    fn reading_at_home_through_the_cache_is_doubted() {
        let found = doubts(&run(&CACHED, 4, "FALSE"));
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("4 of 4 ranks read what their own node wrote"), "{found:?}");
        assert!(found[0].contains("--posix.odirect") && found[0].contains("drop-caches"), "{found:?}");
    }

    #[test]
    fn what_cannot_come_from_the_cache_is_not() {
        assert_eq!(doubts(&run(&CACHED, 0, "FALSE")), [""; 0], "others read");
        assert_eq!(doubts(&run(&CACHED, 4, "TRUE")), [""; 0], "caches are dropped");
        for (name, value) in [("O_DIRECT", "on"), ("interception", "libpil4dfs"), ("caching", "off")] {
            let mut facts = vec![(name, value)];
            facts.extend(CACHED.into_iter().filter(|(known, _)| *known != name));
            assert_eq!(doubts(&run(&facts, 4, "FALSE")), [""; 0], "{name}");
        }
        let mut writes = run(&CACHED, 4, "FALSE");
        writes.phases = vec![PhaseResult::new(PhaseId::IorEasyWrite)];
        assert_eq!(doubts(&writes), [""; 0], "nothing was read");
    }
}
