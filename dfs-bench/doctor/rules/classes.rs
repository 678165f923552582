//! The container against what the phases of a configuration ask for: redundancy, room for the shards, fitting widths.

use super::super::rule::{Outcome, PhaseClasses, Rule, Severity, Side, View};
use io500_phases::units::bytes;

pub const RULES: &[Rule] = &[
    Rule {
        id: "class.redundancy",
        severity: Severity::Error,
        side: Side::Store,
        why: "the container promises to survive more failures than objects of this class do: DAOS refuses to create a single one",
        mend: "a class with the redundancy of the container (RP_2…, EC_…P1… for rd_fac 1) for {device}; or a container of its own: daos container create --properties rd_fac:0",
        source: "DAOS, docs/user/container.md, Redundancy Factor: \"Attempts to open an object with a class that does not support data redundancy (e.g., SX) will fail\"",
        look: redundancy,
    },
    Rule {
        id: "class.engines",
        severity: Severity::Error,
        side: Side::Store,
        why: "each shard of a group lies on an engine of its own: with fewer engines than shards no object of this class can be made",
        mend: "a class of fewer shards for {device}, {expected} engines are needed; daos pool query shows how many there are",
        source: "DAOS, docs/user/container.md, Redundancy Factor: the error \"grp_size 5 > domain_nr 1\" of a class with more shards than domains",
        look: engines,
    },
    Rule {
        id: "class.small-files",
        severity: Severity::Hint,
        side: Side::Store,
        why: "a file of some kilobytes has its data in one place, and one of a wide class is looked for in all: a stat asks every target",
        mend: "for {device}: S1, or the smallest class with the container's redundancy (RP_2G1, EC_2P1G1)",
        source: "the tuning notes of this project (docs/DAOS.md on dfs.oclass); worth a look only",
        look: small_files,
    },
    Rule {
        id: "class.large-files",
        severity: Severity::Hint,
        side: Side::Store,
        why: "all ranks share few files here: a class with one group has all of their data behind the links and devices of one engine",
        mend: "for {device}: SX, or RP_2GX, EC_16P1GX and the like",
        source: "the tuning notes of this project (docs/DAOS.md on dfs.oclass); worth a look only",
        look: large_files,
    },
    Rule {
        id: "class.chunk",
        severity: Severity::Hint,
        side: Side::Store,
        why: "a transfer larger than a chunk is cut into requests to several targets, which is that many times the work for each transfer",
        mend: "for {device}: --dfs.chunk_size={expected}",
        source: "the tuning notes of this project (docs/DAOS.md on dfs.chunk_size); worth a look only",
        look: chunk,
    },
];

/// What the name of a class says: shards of a group, failures that it survives, groups (none for as many as there is room for).
#[derive(Debug, PartialEq, Eq)]
struct Class {
    shards: u64,
    survives: u64,
    groups: Option<u64>,
}

impl Class {
    /// `S1`, `SX`, `RP_3GX`, `EC_16P2G8`.
    fn of(name: &str) -> Option<Class> {
        let groups = |text: &str| if text == "X" { Some(None) } else { text.parse().ok().map(Some) };
        if let Some(rest) = name.strip_prefix("RP_") {
            let (copies, rest) = rest.split_once('G')?;
            let copies: u64 = copies.parse().ok()?;
            return Some(Class { shards: copies, survives: copies.checked_sub(1)?, groups: groups(rest)? });
        }
        if let Some(rest) = name.strip_prefix("EC_") {
            let (data, rest) = rest.split_once('P')?;
            let (parity, rest) = rest.split_once('G')?;
            let (data, parity): (u64, u64) = (data.parse().ok()?, parity.parse().ok()?);
            return Some(Class { shards: data.checked_add(parity)?, survives: parity, groups: groups(rest)? });
        }
        Some(Class { shards: 1, survives: 0, groups: groups(name.strip_prefix('S')?)? })
    }
}

/// The classes that phases ask for, with the names of the phases, each class once.
fn asked<'a>(view: &View<'a>, of: impl Fn(&'a PhaseClasses) -> Vec<&'a String>) -> Vec<(&'a String, String)> {
    let mut classes: Vec<(&String, String)> = Vec::new();
    for phase in view.store.map(|store| store.asked.as_slice()).unwrap_or_default() {
        for class in of(phase) {
            match classes.iter_mut().find(|(known, _)| *known == class) {
                Some((_, phases)) if phases.ends_with(phase.phase) => {}
                Some((_, phases)) => *phases += &format!(", {}", phase.phase),
                None => classes.push((class, phase.phase.to_owned())),
            }
        }
    }
    classes
}

fn all(phase: &PhaseClasses) -> Vec<&String> {
    phase.file.iter().chain(&phase.dir).collect()
}

fn redundancy(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let classes = asked(view, all);
    if classes.is_empty() {
        return None;
    }
    let fact = view.store?.described.facts.iter().find(|(name, _)| name == "container redundancy factor");
    let factor = fact.and_then(|(_, value)| value.parse::<u64>().ok());
    let factor = outcome.known(factor, "the redundancy factor of the container")?;
    for (name, phases) in classes {
        if let Some(class) = Class::of(name).filter(|class| class.survives < factor) {
            let found = format!("{name} survives {} failures", class.survives);
            outcome.found(phases, found, format!("{factor}, the container's rd_fac"));
        }
    }
    Some(())
}

fn engines(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let classes = asked(view, all);
    if classes.is_empty() {
        return None;
    }
    let pool = outcome.known(view.store?.described.pool.as_ref(), "health of the pool")?;
    for (name, phases) in classes {
        if let Some(class) = Class::of(name).filter(|class| class.shards > u64::from(pool.engines)) {
            let found = format!("{name} on {} engine{}", pool.engines, if pool.engines == 1 { "" } else { "s" });
            outcome.found(phases, found, class.shards.to_string());
        }
    }
    Some(())
}

fn small_files(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let of = |phase: &'static str| phase.starts_with("mdtest");
    for (name, phases) in asked(view, |phase| phase.file.iter().filter(|_| of(phase.phase)).collect()) {
        if Class::of(name).is_some_and(|class| class.groups.is_none_or(|groups| groups > 1)) {
            outcome.found(phases, format!("files of class {name}"), "one group");
        }
    }
    Some(())
}

fn large_files(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let pool = view.store?.described.pool.as_ref()?;
    // one engine has all of the data anyway
    if pool.engines < 2 {
        return None;
    }
    for (name, phases) in asked(view, |phase| phase.file.iter().filter(|_| phase.phase == "ior-hard-write").collect()) {
        if Class::of(name).is_some_and(|class| class.groups == Some(1)) {
            outcome.found(phases, format!("one shared file of class {name}"), "many groups");
        }
    }
    Some(())
}

fn chunk(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    for phase in view.store?.asked.iter().filter(|phase| phase.phase == "ior-easy-write") {
        if let Some((chunk, transfer)) = phase.chunk.zip(phase.transfer).filter(|(chunk, transfer)| chunk < transfer) {
            outcome.found(
                phase.phase,
                format!("chunks of {} for transfers of {}", bytes(chunk), bytes(transfer)),
                transfer.to_string(),
            );
        }
    }
    Some(())
}

#[cfg(test)]
pub mod tests {
    use super::super::super::testing::{Case, Machine};
    use super::*;

    fn factor_one(m: &mut Machine) {
        m.described().facts[2].1 = "1".into();
    }

    pub fn cases() -> Vec<Case> {
        vec![
            Case::store(
                "class.redundancy",
                |m| {
                    factor_one(m);
                    m.asks("mdtest-easy-write", "S1", "RP_2GX");
                },
                |m| {
                    factor_one(m);
                    m.asks("mdtest-easy-write", "RP_2G1", "RP_2GX");
                },
            ),
            Case::store(
                "class.engines",
                |m| m.asks("ior-easy-write", "EC_2P1GX", ""),
                |m| m.asks("ior-easy-write", "RP_2GX", ""),
            ),
            Case::store(
                "class.small-files",
                |m| m.asks("mdtest-hard-write", "SX", "SX"),
                |m| m.asks("mdtest-hard-write", "S1", "SX"),
            ),
            Case::store(
                "class.large-files",
                |m| m.asks("ior-hard-write", "S1", ""),
                |m| m.asks("ior-hard-write", "SX", ""),
            ),
            Case::store(
                "class.chunk",
                |m| {
                    m.asks("ior-easy-write", "SX", "");
                    let asked = &mut m.store.as_mut().unwrap().asked[0];
                    (asked.chunk, asked.transfer) = (Some(1 << 20), Some(2 << 20));
                },
                |m| {
                    m.asks("ior-easy-write", "SX", "");
                    let asked = &mut m.store.as_mut().unwrap().asked[0];
                    (asked.chunk, asked.transfer) = (Some(2 << 20), Some(2 << 20));
                },
            ),
        ]
    }

    #[test]
    fn names_of_classes_say_what_they_are() {
        let class = |shards, survives, groups| Some(Class { shards, survives, groups });
        for (name, expected) in [
            ("S1", class(1, 0, Some(1))),
            ("SX", class(1, 0, None)),
            ("RP_3G1", class(3, 2, Some(1))),
            ("EC_16P2GX", class(18, 2, None)),
            ("UNKNOWN", None),
            ("EC_4P", None),
            ("RP_0G1", None),
        ] {
            assert_eq!(Class::of(name), expected, "{name}");
        }
    }
}
