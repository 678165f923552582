//! Properties of containers, in the spellings that `daos container create --properties` takes.

use crate::error::{Error, Result};
use daos_sys::daos_prop_entry;

/// A property of a container to be created, by the names of DAOS 2.4 to 2.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Property {
    /// `rd_fac`, of old `rf`: how many failures the container's data has to survive.
    RedundancyFactor(u64),
    /// `rd_lvl`, of old `rf_lvl`: what fails at once, 1 an engine, 2 a node.
    RedundancyLevel(u64),
    /// `cksum`: the checksum algorithm, by its number; 0 is off.
    Checksum(u64),
    /// `cksum_size`: bytes that one checksum is for.
    ChecksumSize(u64),
    /// `srv_cksum`: whether servers verify checksums.
    ServerChecksum(bool),
    /// `dedup`: how equal data is found, 1 by comparing it, 2 by its hash; 0 is off.
    Dedup(u64),
    /// `dedup_threshold`: bytes from which on equal data is looked for.
    DedupThreshold(u64),
    /// `compression`: the algorithm, by its number; 0 is off.
    Compression(u64),
    /// `encryption`: the algorithm, by its number; 0 is off.
    Encryption(u64),
    /// `ec_cell_sz`: bytes of one cell of erasure-coded objects.
    EcCellSize(u64),
    /// `ec_pda`: the affinity of erasure-coded objects to performance domains.
    EcAffinity(u64),
    /// `rp_pda`: the affinity of replicated objects to performance domains.
    ReplicaAffinity(u64),
    /// `perf_domain`: the level of the performance domain, 255 the root, 200 a group.
    PerformanceDomain(u64),
}

/// Words for the numbers of a property; a word's place is its number.
const CHECKSUMS: [&str; 8] = ["off", "crc16", "crc32", "crc64", "sha1", "sha256", "sha512", "adler32"];
const DEDUPS: [&str; 3] = ["off", "memcmp", "hash"];
const COMPRESSIONS: [&str; 7] = ["off", "lz4", "deflate", "deflate1", "deflate2", "deflate3", "deflate4"];
const ENCRYPTIONS: [&str; 8] =
    ["off", "aes-xts128", "aes-xts256", "aes-cbc128", "aes-cbc192", "aes-cbc256", "aes-gcm128", "aes-gcm256"];

/// The names, for those who have another one.
const NAMES: [&str; 13] = [
    "rd_fac",
    "rd_lvl",
    "cksum",
    "cksum_size",
    "srv_cksum",
    "dedup",
    "dedup_threshold",
    "compression",
    "encryption",
    "ec_cell_sz",
    "ec_pda",
    "rp_pda",
    "perf_domain",
];

/// Properties that only DAOS can set.
const READ_ONLY: [&str; 11] = [
    "layout_type",
    "layout_version",
    "max_snapshot",
    "alloc_oid",
    "owner",
    "group",
    "global_version",
    "obj_version",
    "acl",
    "root_oids",
    "scrub_disabled",
];

/// Bytes of a cell: between these, and a multiple of 32.
const CELL: (u64, u64) = (4 << 10, 1 << 20);

impl Property {
    /// Reads a list such as `rd_fac:1,ec_cell_sz:128KiB`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an unknown property or a value that it does not take.
    pub fn parse_list(text: &str) -> Result<Vec<Property>> {
        let items = text.split([',', ';']).map(str::trim).filter(|item| !item.is_empty());
        let mut list: Vec<Property> = Vec::new();
        for item in items {
            let Some(property) = Property::parse(item)? else { continue };
            let same = |other: &Property| std::mem::discriminant(other) == std::mem::discriminant(&property);
            if list.iter().any(same) {
                return Err(invalid(item, "it is set twice"));
            }
            list.push(property);
        }
        Ok(list)
    }

    /// None for a property that says nothing about a new container.
    fn parse(item: &str) -> Result<Option<Property>> {
        let (name, value) = item.split_once([':', '=']).ok_or_else(|| invalid(item, "expected name:value"))?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_ascii_lowercase());
        let number = |from: u64, to: u64| match value.parse::<u64>() {
            Ok(number) if (from..=to).contains(&number) => Ok(number),
            Ok(_) => Err(invalid(item, &format!("expected {from} to {to}"))),
            Err(_) => Err(invalid(item, "the value is not a number")),
        };
        let word = |known: &[&str]| match known.iter().position(|&known| known == value) {
            Some(at) => Ok(at as u64),
            None => Err(invalid(item, &format!("known are {}", known.join(", ")))),
        };
        let size = || size(&value).ok_or_else(|| invalid(item, "expected a size, such as 16384, 128KiB or 1MiB"));
        Ok(Some(match name.as_str() {
            "rd_fac" | "rf" => Property::RedundancyFactor(number(0, 4)?),
            "rd_lvl" | "rf_lvl" => Property::RedundancyLevel(match value.as_str() {
                "rank" => 1,
                "node" => 2,
                _ => number(1, 2)?,
            }),
            "cksum" => Property::Checksum(word(&CHECKSUMS)?),
            "cksum_size" => Property::ChecksumSize(size()?),
            "srv_cksum" => Property::ServerChecksum(word(&["off", "on"])? == 1),
            "dedup" => Property::Dedup(word(&DEDUPS)?),
            "dedup_threshold" => match size()? {
                bytes @ 4096..=0xFFFF_FFFF => Property::DedupThreshold(bytes),
                _ => return Err(invalid(item, "a threshold has 4KiB (4K is 4000) to less than 4GiB")),
            },
            "compression" => Property::Compression(word(&COMPRESSIONS)?),
            "encryption" => Property::Encryption(word(&ENCRYPTIONS)?),
            // as DAOS 2.0 had it
            "ec_cell_sz" | "ec_cell" => match size()? {
                bytes if (CELL.0..=CELL.1).contains(&bytes) && bytes.is_multiple_of(32) => Property::EcCellSize(bytes),
                _ => return Err(invalid(item, "a cell has 4KiB to 1MiB, a multiple of 32 bytes")),
            },
            "ec_pda" => Property::EcAffinity(number(1, u32::MAX.into())?),
            "rp_pda" => Property::ReplicaAffinity(number(1, u32::MAX.into())?),
            "perf_domain" => Property::PerformanceDomain(match value.as_str() {
                "root" => 255,
                "group" => 200,
                _ => return Err(invalid(item, "known are root, group")),
            }),
            // what every new container is
            "status" if value == "healthy" => return Ok(None),
            "label" => return Err(invalid(item, "the name of the container is its label: give it as the container")),
            name if READ_ONLY.contains(&name) => return Err(invalid(item, "only DAOS can set it")),
            _ => return Err(invalid(item, &format!("known are {}", NAMES.join(", ")))),
        }))
    }

    pub(crate) fn entry(self) -> daos_prop_entry {
        let (kind, value) = match self {
            Property::RedundancyFactor(n) => (daos_sys::DAOS_PROP_CO_REDUN_FAC, n),
            Property::RedundancyLevel(n) => (daos_sys::DAOS_PROP_CO_REDUN_LVL, n),
            Property::Checksum(n) => (daos_sys::DAOS_PROP_CO_CSUM, n),
            Property::ChecksumSize(n) => (daos_sys::DAOS_PROP_CO_CSUM_CHUNK_SIZE, n),
            Property::ServerChecksum(on) => (daos_sys::DAOS_PROP_CO_CSUM_SERVER_VERIFY, on.into()),
            Property::Dedup(n) => (daos_sys::DAOS_PROP_CO_DEDUP, n),
            Property::DedupThreshold(n) => (daos_sys::DAOS_PROP_CO_DEDUP_THRESHOLD, n),
            Property::Compression(n) => (daos_sys::DAOS_PROP_CO_COMPRESS, n),
            Property::Encryption(n) => (daos_sys::DAOS_PROP_CO_ENCRYPT, n),
            Property::EcCellSize(n) => (daos_sys::DAOS_PROP_CO_EC_CELL_SZ, n),
            Property::EcAffinity(n) => (daos_sys::DAOS_PROP_CO_EC_PDA, n),
            Property::ReplicaAffinity(n) => (daos_sys::DAOS_PROP_CO_RP_PDA, n),
            Property::PerformanceDomain(n) => (PERF_DOMAIN, n),
        };
        let mut entry = daos_prop_entry { dpe_type: kind, ..daos_prop_entry::default() };
        entry.__bindgen_anon_1.dpe_val = value;
        entry
    }
}

/// By its number: the headers of 2.4 do not have the name yet.
#[doc(alias = "DAOS_PROP_CO_PERF_DOMAIN")]
const PERF_DOMAIN: u32 = 0x101a;

fn invalid(item: &str, why: &str) -> Error {
    Error::Invalid(format!("container property {item:?}: {why}"))
}

/// Bytes as DAOS's tools read them: `16384`, `128KiB`, `1.5 MiB`; `KB` is 1000 and `KiB` 1024, and the `B` may be missing.
fn size(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim_start().strip_suffix('b').unwrap_or(unit.trim_start());
    let (prefix, base) = unit.strip_suffix('i').map_or((unit, 1000.0_f64), |prefix| (prefix, 1024.0));
    let power = ["", "k", "m", "g", "t", "p", "e"].iter().position(|&known| known == prefix)?;
    let bytes = number.parse::<f64>().ok()? * base.powi(power as i32);
    (bytes < u64::MAX as f64 && !(power == 0 && unit.ends_with('i'))).then_some(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_daos_reads_them() {
        use Property::*;
        let cases: [(&str, &[Property]); 9] = [
            ("rd_fac:0,ec_cell_sz:128KiB", &[RedundancyFactor(0), EcCellSize(131_072)]),
            ("cksum_size:16384", &[ChecksumSize(16_384)]),
            ("rf:1, rf_lvl:1;rd_lvl=node", &[]),
            ("rf:1, rf_lvl:1", &[RedundancyFactor(1), RedundancyLevel(1)]),
            ("RD_LVL = Node, status:healthy", &[RedundancyLevel(2)]),
            ("cksum:crc32,srv_cksum:on,cksum_size:32 KiB", &[Checksum(2), ServerChecksum(true), ChecksumSize(32_768)]),
            ("dedup:hash,dedup_threshold:4KiB", &[Dedup(2), DedupThreshold(4096)]),
            ("compression:lz4,encryption:aes-gcm256", &[Compression(1), Encryption(7)]),
            ("ec_pda:1,rp_pda:3,perf_domain:group", &[EcAffinity(1), ReplicaAffinity(3), PerformanceDomain(200)]),
        ];
        for (text, expected) in cases {
            match Property::parse_list(text) {
                Ok(parsed) => assert_eq!(parsed, expected, "{text}"),
                Err(error) => {
                    assert!(expected.is_empty() && error.to_string().contains("set twice"), "{text}: {error}")
                }
            }
        }
    }

    #[test]
    fn what_daos_refuses_is_refused_with_what_there_is() {
        for (wrong, says) in [
            ("rd_fac", "expected name:value"),
            ("rd_fac:x", "not a number"),
            ("rf:5", "0 to 4"),
            ("cksum:md5", "sha512"),
            ("cksum_size:lots", "128KiB"),
            ("ec_cell_sz:5001", "multiple of 32"),
            ("ec_cell_sz:2GiB", "1MiB"),
            ("rd_lvl:3", "1 to 2"),
            ("dedup_threshold:4K", "4K is 4000"),
            ("label:x", "name of the container"),
            ("owner:me", "only DAOS can set it"),
            ("status:unclean", "known are rd_fac"),
            ("rd_fact:1", "known are rd_fac"),
        ] {
            let error = Property::parse_list(wrong).unwrap_err().to_string();
            assert!(error.contains(wrong) && error.contains(says), "{wrong}: {error}");
        }
    }

    #[test]
    fn sizes_have_the_units_of_daos() {
        for (text, bytes) in [
            ("16384", 16_384),
            ("128kib", 131_072),
            ("128ki", 131_072),
            ("128kb", 128_000),
            ("1.5 mib", 1_572_864),
            ("1g", 1_000_000_000),
        ] {
            assert_eq!(size(text), Some(bytes), "{text}");
        }
        for wrong in ["", "kib", "1x", "1..5k", "-1", "1ib", "1i", "99999999999e"] {
            assert_eq!(size(wrong), None, "{wrong}");
        }
    }
}
