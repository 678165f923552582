//! What differs between the versions of the suite: the phases that they score or judge, and the hashes of configurations.
//!
//! The hash is over every option that has a value. A `config.ini` that the suite wrote lists them all; one that a person
//! wrote lacks those that were left at their defaults. The defaults never changed, but the options did, so a file of a
//! person is completed with the options of one version after the other.

use crate::config::{Ini, SECTIONS, ValueKind, key_value_hash};
use std::collections::BTreeMap;

/// Versions that brought or took options with a default. The names are those of their first releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Era {
    Isc20,
    Sc20V3,
    Isc21,
    Sc21,
    Isc25,
    Isc26,
}

const ERAS: [(Era, &str); 6] = [
    (Era::Isc26, "io500-isc26"),
    (Era::Isc25, "io500-isc25"),
    (Era::Sc21, "io500-sc21"),
    (Era::Isc21, "io500-isc21"),
    (Era::Sc20V3, "io500-sc20_v3"),
    (Era::Isc20, "io500-isc20"),
];

/// A hash that a version of the suite would compute, and how it comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The hash.
    pub hash: u32,
    /// In words, to follow "confirmed".
    pub how: String,
}

/// Every hash that some version of the suite would compute for this configuration file, the likeliest first.
pub fn config_hashes(text: &str) -> Vec<Candidate> {
    let given = given(text);
    let of_given =
        given.iter().fold(0, |hash, ((section, key), value)| hash ^ key_value_hash(canonical(section, key).0, value));
    let mut candidates =
        vec![Candidate { hash: of_given ^ printed_empty(text), how: "over the file as it stands".to_owned() }];
    for (era, name) in ERAS {
        let hash = defaults(era)
            .filter(|(section, key, _)| !given.contains_key(&(section.to_ascii_lowercase(), key.to_ascii_lowercase())))
            .fold(of_given, |hash, (_, key, value)| hash ^ key_value_hash(key, value));
        candidates.push(Candidate { hash, how: format!("with the defaults of {name} for what the file leaves out") });
    }
    candidates
}

/// The values of the file by section and option in lower case; the last one counts.
fn given(text: &str) -> BTreeMap<(String, String), String> {
    let (ini, _) = Ini::parse("", text);
    let mut given = BTreeMap::new();
    for entry in ini.entries.iter().filter(|entry| !entry.value.is_empty()) {
        let is_truth = canonical(entry.section, entry.key).1;
        let value = match entry.value.to_ascii_lowercase().as_str() {
            "true" | "1" if is_truth => "TRUE",
            "false" | "0" if is_truth => "FALSE",
            _ => entry.value,
        };
        given.insert((entry.section.to_ascii_lowercase(), entry.key.to_ascii_lowercase()), value.to_owned());
    }
    given
}

/// The spelling that enters the hash, and whether the option is a boolean.
fn canonical<'a>(section: &str, key: &'a str) -> (&'a str, bool) {
    if key.eq_ignore_ascii_case("api") {
        return (if section.eq_ignore_ascii_case("global") { "api" } else { "API" }, false);
    }
    let current =
        SECTIONS.iter().flat_map(|section| section.options).map(|option| (option.name, option.kind == ValueKind::Bool));
    let old = [("hintsFileName", false), ("posix.odirect", true), ("noRun", true), ("randomPrefill", false)];
    current.chain(old).find(|(name, _)| name.eq_ignore_ascii_case(key)).unwrap_or((key, false))
}

/// The options whose default is the empty text, which counts as a value.
const EMPTY_DEFAULTS: [&str; 2] = ["external-mpi-args", "external-extra-args"];

fn printed_empty(text: &str) -> u32 {
    let (ini, _) = Ini::parse("", text);
    let empty = ini.entries.iter().filter(|entry| entry.value.is_empty() && EMPTY_DEFAULTS.contains(&entry.key));
    empty.fold(0, |hash, entry| hash ^ key_value_hash(entry.key, ""))
}

/// The options of one version that have a default: section, option, default.
fn defaults(era: Era) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let current = SECTIONS
        .iter()
        .filter(|section| section.name != "dfs-bench")
        .flat_map(|section| section.options.iter().map(move |option| (section.name, option)))
        .filter(move |(section, option)| since(section, option.name) <= era)
        .filter_map(|(section, option)| match (section, option.name) {
            // Ours differs from the suite's.
            ("global", "api") => Some((section, option.name, "POSIX")),
            _ => option.default.map(|default| (section, option.name, default)),
        });
    current.chain(
        OLD.iter()
            .filter(move |old| old.0 <= era && era <= old.1)
            .map(|&(_, _, section, key, value)| (section, key, value)),
    )
}

/// The version that brought an option of today.
fn since(section: &str, option: &str) -> Era {
    match (section, option) {
        ("ior-rnd4K-easy-read", _) => Era::Isc25,
        ("ior-easy-write" | "ior-easy-read" | "ior-hard-write" | "ior-hard-read", "run") | (_, "dataPacketType") => {
            Era::Sc21
        }
        ("mdworkbench" | "mdworkbench-create" | "mdworkbench-bench" | "mdworkbench-delete", _)
        | ("find-easy" | "find-hard", _)
        | (_, "run" | "io-buffers-on-gpu") => Era::Isc21,
        (_, "scc") => Era::Sc20V3,
        _ => Era::Isc20,
    }
}

/// Options that are gone: first and last version, section, option, default.
#[rustfmt::skip]
const OLD: [(Era, Era, &str, &str, &str); 13] = [
    (Era::Isc21, Era::Isc21, "ior-rnd", "blockSize", "1073741824"),
    (Era::Isc21, Era::Isc21, "ior-rnd", "run", "TRUE"),
    (Era::Isc21, Era::Isc21, "ior-rnd", "randomPrefill", "0"),
    (Era::Sc21, Era::Isc25, "ior-rnd4K", "blockSize", "1073741824"),
    (Era::Sc21, Era::Isc25, "ior-rnd4K", "run", "TRUE"),
    (Era::Sc21, Era::Isc25, "ior-rnd4K", "randomPrefill", "0"),
    (Era::Sc21, Era::Isc25, "ior-rnd4K-write", "run", "TRUE"),
    (Era::Sc21, Era::Isc25, "ior-rnd4K-read", "run", "TRUE"),
    (Era::Sc21, Era::Isc25, "ior-rnd1MB", "blockSize", "1073741824"),
    (Era::Sc21, Era::Isc25, "ior-rnd1MB", "run", "TRUE"),
    (Era::Sc21, Era::Isc25, "ior-rnd1MB", "randomPrefill", "0"),
    (Era::Sc21, Era::Isc25, "ior-rnd1MB-write", "run", "TRUE"),
    (Era::Sc21, Era::Isc25, "ior-rnd1MB-read", "run", "TRUE"),
];

/// A release: year, and whether it is that of the autumn (`sc`).
type Release = (u32, bool);

/// The release that a version is of, or was built on: `io500-sc21-24`, `io500-isc25_v2`.
fn release(version: &str) -> Option<Release> {
    let name = version.strip_prefix("io500-")?;
    let (autumn, rest) = match name.strip_prefix("isc") {
        Some(rest) => (false, rest),
        None => (true, name.strip_prefix("sc")?),
    };
    Some((rest.get(..2)?.parse().ok()?, autumn))
}

/// Whether a version counts a phase, which the present one does not have, in the bandwidth of the extended score: from ISC21 one
/// pair of random phases, from SC21 two, which were left out after ISC26. Where the version is not told, whether any does.
pub fn random_phase_is_scored(version: Option<&str>, phase: &str) -> bool {
    let (first, last) = match phase {
        "ior-rnd-write" | "ior-rnd-read" => ((21, false), (21, false)),
        "ior-rnd4K-write" | "ior-rnd4K-read" | "ior-rnd1MB-write" | "ior-rnd1MB-read" => ((21, true), (26, false)),
        _ => return false,
    };
    let Some(version) = version.filter(|version| !version.is_empty()) else { return true };
    let Some(release) = release(version) else { return !is_own(version) };
    // a build behind a release may have what only the next one was to bring
    let between = version.matches('-').count() > 1;
    (first <= release || between) && release <= last
}

/// Whether a version has `ior-rnd4K-easy-read`, and judges it like the scored phases.
pub fn judges_random_read(version: Option<&str>) -> bool {
    version.is_some_and(|version| is_own(version) || release(version) >= Some((25, false)))
}

fn is_own(version: &str) -> bool {
    version.starts_with("dfs-bench")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn phases_belong_to_versions() {
        let scored = |version, phase| random_phase_is_scored(Some(version), phase);
        assert!(scored("io500-isc21_v1", "ior-rnd-write") && !scored("io500-isc21_v1", "ior-rnd4K-write"));
        assert!(scored("io500-sc21", "ior-rnd4K-read") && scored("io500-isc26_v2", "ior-rnd1MB-read"));
        assert!(scored("io500-isc21_v2-4-gaecc082e1315", "ior-rnd1MB-write"), "on the way to SC21");
        assert!(!scored("io500-sc21", "ior-rnd-read") && !scored("io500-sc27", "ior-rnd4K-read"));
        assert!(!scored("io500-isc26_v2", "ior-rnd4K-easy-read") && !scored("dfs-bench-0.1.0", "ior-rnd4K-write"));
        assert!(scored("", "ior-rnd4K-write") && random_phase_is_scored(None, "ior-rnd-read"));
        let judged = ["io500-isc25_v1", "io500-sc25-26", "dfs-bench-0.1.0"];
        assert!(judged.into_iter().all(|version| judges_random_read(Some(version))));
        let not = [Some("io500-sc24_v1"), Some("io500-isc20"), Some(""), Some("aramco-custom"), None];
        assert!(!not.into_iter().any(judges_random_read));
    }

    #[test]
    fn the_present_version_is_what_the_configuration_itself_computes() {
        let text =
            "[GLOBAL]\ntimestamp-datadir = false\n[ior-easy]\nTransferSize = 4m\n[find]\nexternal-extra-args = -q 5\n";
        let (config, _) = Config::builder().file("t.ini", text.as_bytes()).build().unwrap();
        let candidates = config_hashes(text);
        assert_eq!(candidates[1].hash, config.hash().0);
        // The emitted file holds everything.
        assert_eq!(config_hashes(&config.to_ini())[0].hash, config.hash().0);
    }

    #[test]
    fn versions_differ() {
        let mut hashes: Vec<u32> = config_hashes("").into_iter().map(|candidate| candidate.hash).collect();
        hashes.sort_unstable();
        hashes.dedup();
        // Of the two newest the hash is the same: the options that are gone came in pairs, which cancel.
        assert_eq!(hashes.len(), 1 + ERAS.len() - 1);
    }
}
