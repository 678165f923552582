//! The rules that ask for the storage system itself: persistence, reduction, the loss of a part, the roof, production use.

use super::check::Found;
use super::subject::Subject;
use crate::doctor::roof::Limit;
use io500_phases::facts::{NodeFacts, usable_links};
use io500_phases::phase_id::PhaseId;

/// How many losses objects of a class survive, by its name; `None` for a name that is none.
pub fn survives(class: &str) -> Option<u32> {
    let number = |text: &str| {
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u32>().ok()
    };
    if let Some(rest) = class.strip_prefix("RP_") {
        return number(rest)?.checked_sub(1);
    }
    if let Some(rest) = class.strip_prefix("EC_") {
        return number(rest.split_once('P')?.1);
    }
    let rest = class.strip_prefix('S')?;
    (rest.starts_with('X') || number(rest).is_some()).then_some(0)
}

/// Phases with the classes that their files and directories were made with.
fn classes(subject: &Subject) -> Vec<(PhaseId, String)> {
    let names = ["object class", "directory object class", "real object class"];
    let of_phase = |phase: &crate::report::model::Phase| {
        let classes = phase.storage.iter().filter(|fact| names.contains(&fact.name.as_str()));
        classes.map(|fact| (phase.id, fact.value.clone())).collect::<Vec<_>>()
    };
    subject.run.phases.iter().flat_map(of_phase).collect()
}

pub fn no_single_failure(subject: &Subject) -> Found {
    if !subject.is_dfs() {
        return Found::open("what a file system other than DAOS survives, its files do not tell");
    }
    let classes = classes(subject);
    let mut weak: Vec<String> =
        classes.iter().filter(|(_, c)| survives(c) == Some(0)).map(|(_, c)| c.clone()).collect();
    weak.sort();
    weak.dedup();
    if !weak.is_empty() {
        return Found::failed(format!("objects of {} are lost with one target", weak.join(", ")));
    }
    match subject.store_fact("container redundancy factor") {
        Some("0") if classes.is_empty() => {
            Found::failed("the container's redundancy factor is 0, and no class is named")
        }
        Some(factor) => Found::open(format!("redundancy factor {factor}; network and power are yours to describe")),
        None if classes.is_empty() => Found::open("no phase names an object class: the container's default was used"),
        None => {
            let least = classes.iter().filter_map(|(_, class)| survives(class)).min().unwrap_or(0);
            let losses = if least == 1 { "one loss".to_owned() } else { format!("{least} losses") };
            Found::open(format!("all classes survive {losses}; network and power are yours to describe"))
        }
    }
}

pub fn production_use(_: &Subject) -> Found {
    Found::open("no file tells who works on the system, and whether everybody can get its software")
}

/// The properties of a container that make data smaller.
const REDUCTIONS: [&str; 2] = ["compression", "dedup"];

pub fn no_reduction(subject: &Subject) -> Found {
    let properties = subject.setting("dfs-bench", "cont-properties").unwrap_or_default();
    let facts = subject.stores().flat_map(|store| &store.facts).map(|(name, value)| (name.clone(), value.clone()));
    let given = properties.split([',', ';']).filter_map(|pair| pair.split_once(':'));
    let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let on = given.chain(facts).filter(|(name, value)| {
        REDUCTIONS.contains(&name.trim().trim_start_matches("container ")) && !["off", ""].contains(&value.trim())
    });
    let on: Vec<String> = on.map(|(name, value)| format!("{name} = {value}")).collect();
    if !on.is_empty() {
        return Found::failed(on.join(", "));
    }
    match subject.json.is_some() && subject.is_dfs() && !properties.is_empty() {
        true => Found::passed("the container's properties name neither compression nor deduplication"),
        false => Found::open("the files do not tell whether the store compresses or deduplicates"),
    }
}

pub fn persistent(subject: &Subject) -> Found {
    if let Some(store) = subject.stores().find(|store| !store.real) {
        return Found::failed(format!("{} stores nothing", store.provider));
    }
    let Some(server) = &subject.given.server_config else {
        return Found::open("the files do not tell when data is on persistent media");
    };
    let loses = |engine: &&crate::doctor::server::Engine| {
        let has = |class: &str| engine.storage.iter().any(|tier| tier.class == class);
        let keeps_log = engine.storage.iter().flat_map(|tier| &tier.bdev_roles).any(|role| role == "wal");
        has("ram") && !keeps_log
    };
    match server.engines.iter().filter(loses).count() {
        0 => Found::passed("every engine has persistent memory, or a log on NVMe"),
        count => Found::failed(format!("{count} engines keep metadata in memory without a log on NVMe")),
    }
}

/// The most that ior phases can do, bytes per second, by the links of a client that was looked at.
pub fn roof(subject: &Subject) -> Option<Limit> {
    let links = client_bandwidth(subject.given.client.as_ref()?)? * subject.run.nodes? as f64;
    Some(Limit { rate: links, by: "the clients' links, if all nodes are as the one that was looked at" })
}

/// What the links of one node carry, bytes per second.
pub fn client_bandwidth(node: &NodeFacts) -> Option<f64> {
    usable_links(node, 0, std::iter::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_names_tell_what_they_survive() {
        let told: Vec<Option<u32>> =
            ["SX", "S1", "RP_2G1", "RP_3GX", "EC_16P2GX", "EC_8P1G8", "RP_", "Sometimes", ""].map(survives).to_vec();
        assert_eq!(told, [Some(0), Some(0), Some(1), Some(2), Some(2), Some(1), None, None, None]);
    }
}
