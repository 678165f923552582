//! The attributes of the list's description of a system: what each kind of component has, as a table of ours.
//!
//! Origin: `webroot/model/schema-io500.json` of the repository `IO500/submission-system` as of commit 9ea7ff4 (10 December 2025): names,
//! kinds, units, choices. Components that no result can tell of (power, cost, buildings) are left out. A test compares this table with the
//! file itself where `DFS_BENCH_IO500_SCHEMA` names it.

use serde_json::Value;

/// What an attribute holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Words.
    Text(Form),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Some of these words, with semicolons between.
    Options(&'static [&'static str]),
    /// A count.
    Integer,
    /// A count of a unit; the second is the unit that the form offers first.
    Measure(&'static str),
}

/// What words must look like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Form {
    Any,
    /// Letters first, then letters, digits, blanks, `_`, `-`, `+`.
    Name,
    /// Letters, digits, blanks, `_`, `-`, `+`.
    Model,
    /// A version of a kernel.
    Kernel,
}

/// An attribute of a kind of component.
#[derive(Debug)]
pub struct Attribute {
    pub name: &'static str,
    pub kind: Kind,
    /// The form wants it.
    pub required: bool,
}

const fn must(name: &'static str, kind: Kind) -> Attribute {
    Attribute { name, kind, required: true }
}

const fn may(name: &'static str, kind: Kind) -> Attribute {
    Attribute { name, kind, required: false }
}

const ANY: Kind = Kind::Text(Form::Any);
const NAME: Kind = Kind::Text(Form::Name);
const MODEL: Kind = Kind::Text(Form::Model);
const KERNEL: Kind = Kind::Text(Form::Kernel);
const YES_NO: Kind = Kind::Choice(&["yes", "no"]);
pub const FILE_SYSTEMS: [&str; 8] = ["Lustre", "SpectrumScale", "BeeGFS", "NAS", "DAOS", "WekaIO", "Ceph", "IME"];
const DISTRIBUTIONS: [&str; 8] =
    ["RedHat", "SUSE Enterprise", "SUSE Community", "Ubuntu", "CentOS", "RockyLinux", "AlmaLinux", "other"];

/// Units of bytes that the form knows; rates have `/s` behind.
const BYTES: [&str; 13] = ["Byte", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "KB", "MB", "GB", "TB", "PB", "EB"];
/// Units of a clock, with the form's spelling.
const CLOCKS: [&str; 3] = ["kHZ", "MHz", "GHz"];

const SITE: [Attribute; 3] = [must("abbreviation", NAME), must("institution", ANY), must("nationality", ANY)];

const IO500: [Attribute; 12] = [
    must("exclusive_cluster_usage", YES_NO),
    may("version", ANY),
    may("nodeTypeName", ANY),
    must("number_clientNodes", Kind::Integer),
    must("procsPerNode", Kind::Integer),
    must("number_serverNodes", Kind::Integer),
    must("storage type", Kind::Choice(&["Memory", "PMEM", "Flash", "SSD", "HDD", "HDD/SSD", "Other"])),
    must("storage net capacity", Kind::Measure("TiB")),
    must("clients network bandwidth", Kind::Measure("MiB/s")),
    must("servers network bandwidth", Kind::Measure("MiB/s")),
    must("type of filesystem", Kind::Choice(&FILE_SYSTEMS)),
    may("note", ANY),
];

const STORAGE_SYSTEM: [Attribute; 14] = [
    must("name", ANY),
    must("model", MODEL),
    must("usage", Kind::Choice(&["production", "research/test"])),
    must("overlapping_compute_storage", YES_NO),
    must("overlapping_metadata_dataServers", YES_NO),
    must("vendor", ANY),
    must("type", Kind::Choice(&["file system", "burst buffer", "object storage", "tapeArchive", "MAID"])),
    must("software", ANY),
    must("frameworks", Kind::Options(&["SPDK", "DPDK"])),
    must("client storage access", Kind::Choice(&["mount", "syscall interception", "library linked to IO500", "other"])),
    must("client mount options", ANY),
    must("version", ANY),
    must("net capacity", Kind::Measure("PiB")),
    must("Servers", Kind::Integer),
];

const SUPERCOMPUTER: [Attribute; 4] = [
    must("name", NAME),
    must("total nodes", Kind::Integer),
    must("total cores", Kind::Integer),
    must("memory capacity", Kind::Measure("TB")),
];

const NODES: [Attribute; 7] = [
    may("name", ANY),
    may("model", MODEL),
    must("vendor", ANY),
    must("count", Kind::Integer),
    must("distribution", Kind::Choice(&DISTRIBUTIONS)),
    must("distribution version", ANY),
    must("kernel version", KERNEL),
];

const SERVERS: [Attribute; 7] = [
    may("name", ANY),
    may("model", MODEL),
    may("vendor", ANY),
    must("count", Kind::Integer),
    must("distribution", Kind::Choice(&DISTRIBUTIONS)),
    must("distribution version", ANY),
    must("kernel version", KERNEL),
];

const PROCESSOR: [Attribute; 8] = [
    must("sockets", Kind::Integer),
    must("model", MODEL),
    must(
        "architecture",
        Kind::Choice(&[
            "x86_64",
            "RISC-V",
            "ARM",
            "ARM64",
            "Power",
            "Alpha",
            "Motorola 6800",
            "Z80",
            "MIPS",
            "SPARC",
            "other",
        ]),
    ),
    may("vendor", Kind::Choice(&["AMD", "ARM", "Fujitsu", "Intel", "other"])),
    must("microarchitecture", Kind::Choice(&MICROARCHITECTURES)),
    must("cores per socket", Kind::Integer),
    must("threads per core", Kind::Integer),
    must("frequency", Kind::Measure("MHz")),
];

#[rustfmt::skip]
const MICROARCHITECTURES: [&str; 30] = [
    "Granite Rapids", "Emerald Rapids", "Sapphire Rapids", "Ice Lake", "Silvermont", "Haswell", "Broadwell", "Airmont", "Skylake",
    "Goldmont", "Kaby Lake", "Coffee Lake", "Goldmont Plus", "Cannon Lake", "Whiskey Lake", "Amber Lake", "Cascade Lake", "Comet Lake",
    "Sunny Cove", "Tremont", "Cooper Lake", "Willow Cove", "Rocket Lake", "Bulldozer", "Zen", "Zen2", "Zen3", "Zen4", "Zen5", "other",
];

const MEMORY: [Attribute; 1] = [must("net capacity", Kind::Measure("GB"))];

#[rustfmt::skip]
const INTERCONNECT: [Attribute; 7] = [
    must("model", MODEL),
    must("type", Kind::Choice(&["Slingshot", "Infiniband", "Ethernet", "Omni-Path", "Sunway", "Aries", "Gemini", "BXI", "BXI2"])),
    must("speed", Kind::Choice(&[
        "100 Mbit", "1 Gbit", "4 Gbit", "10 Gbit", "25 Gbit", "32 Gbit", "50 Gbit", "100 Gbit", "200 Gbit", "400 Gbit", "800 Gbit",
    ])),
    must("features", Kind::Options(&["RDMA"])),
    must("vendor", ANY),
    may("peak throughput", Kind::Measure("MiB/s")),
    must("links", Kind::Integer),
];

#[rustfmt::skip]
const STORAGE_MEDIA: [Attribute; 7] = [
    may("model", MODEL),
    must("type", Kind::Choice(&["Memory", "SSD", "Flash", "HDD", "PMEM", "Other"])),
    must("count", Kind::Integer),
    must("interface", Kind::Choice(&[
        "USB2", "USB3", "SATA", "SATA2", "SATA3", "SAS1", "SAS2", "SAS3", "SAS4", "SAS5", "NVMe", "NVMeOF", "NVDIMM", "PCIe2x", "PCIe3x",
        "PCIe4x", "PCIe5x",
    ])),
    must("file system", Kind::Choice(&["none", "EXT4", "XFS", "ZFS", "LDISKFS", "BlueStore", "Btrfs", "tmpfs", "other"])),
    must("vendor", ANY),
    must("net capacity", Kind::Measure("TiB")),
];

const DAOS: [Attribute; 1] = [may("Version", Kind::Integer)];

/// The kinds of components that this program writes, with their attributes.
pub const COMPONENTS: [(&str, &[Attribute]); 11] = [
    ("Site", &SITE),
    ("IO500", &IO500),
    ("StorageSystem", &STORAGE_SYSTEM),
    ("DAOS", &DAOS),
    ("Servers", &SERVERS),
    ("Supercomputer", &SUPERCOMPUTER),
    ("Nodes", &NODES),
    ("Processor", &PROCESSOR),
    ("Memory", &MEMORY),
    ("Interconnect", &INTERCONNECT),
    ("StorageMedia", &STORAGE_MEDIA),
];

/// The attributes of a kind of component.
pub fn of(component: &str) -> Option<&'static [Attribute]> {
    COMPONENTS.iter().find(|(name, _)| *name == component).map(|(_, attributes)| *attributes)
}

impl Kind {
    /// What stands where the value is not known: the list's reader wants measures as a pair, even of nothing.
    pub fn blank(self) -> Value {
        match self {
            Kind::Measure(unit) => serde_json::json!(["", unit]),
            _ => Value::String(String::new()),
        }
    }

    /// What is wrong with a value; nothing for a good one and for a blank.
    pub fn fault(self, value: &Value) -> Option<String> {
        if is_blank(value) {
            return None;
        }
        let text = value.as_str();
        match self {
            Kind::Text(form) => match text {
                Some(text) => form.fault(text),
                None => Some(format!("{value} is no text")),
            },
            Kind::Choice(words) => {
                // the form has a field of its own behind "other"
                let fits = text.is_some_and(|text| words.contains(&text) || words.contains(&"other"));
                (!fits).then(|| format!("{value} is none of {}", words.join(", ")))
            }
            Kind::Options(words) => {
                let fits = text.is_some_and(|text| text.split(';').all(|word| words.contains(&word)));
                (!fits).then(|| format!("{value} is none of {}", words.join(", ")))
            }
            Kind::Integer => {
                let number = value.as_u64().or_else(|| text?.trim().parse().ok());
                number.is_none().then(|| format!("{value} is no whole number"))
            }
            Kind::Measure(unit) => {
                let pair = value.as_array().filter(|pair| pair.len() == 2);
                let amount = pair.and_then(|pair| pair[0].as_f64().or_else(|| pair[0].as_str()?.trim().parse().ok()));
                let fits = pair.and_then(|pair| pair[1].as_str()).is_some_and(|found| is_unit_like(found, unit));
                (amount.is_none() || !fits).then(|| format!("{value} is no pair of a number and a unit such as {unit}"))
            }
        }
    }
}

/// Whether a value says nothing.
pub fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(pair) => pair.first().is_none_or(is_blank),
        _ => false,
    }
}

/// Whether both units measure the same.
fn is_unit_like(found: &str, like: &str) -> bool {
    let is_clock = CLOCKS.contains(&like);
    match like.strip_suffix("/s") {
        _ if is_clock => CLOCKS.contains(&found),
        Some(_) => found.strip_suffix("/s").is_some_and(|bytes| BYTES.contains(&bytes)),
        None => BYTES.contains(&found),
    }
}

impl Form {
    fn fault(self, text: &str) -> Option<String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_ -+".contains(c);
        let fits = match self {
            Form::Any => true,
            Form::Name => {
                text.len() > 1 && text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(plain)
            }
            Form::Model => text.chars().all(plain),
            Form::Kernel => text.starts_with(|c: char| ('2'..='9').contains(&c)),
        };
        (!fits).then(|| format!("{text:?} has characters that the form refuses"))
    }

    /// A text made to fit: what the form refuses becomes a blank.
    pub fn fitted(self, text: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || "_ -+".contains(c) { c } else { ' ' };
        match self {
            Form::Any | Form::Kernel => text.to_owned(),
            Form::Name | Form::Model => {
                let plain: String = text.chars().map(plain).collect();
                plain.split_whitespace().collect::<Vec<_>>().join(" ")
            }
        }
    }
}

/// What is wrong with a description of a system, one sentence each.
pub fn faults(document: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    match document.get("DATA") {
        Some(site) if site.get("type").and_then(Value::as_str) == Some("Site") => component(site, "Site", &mut faults),
        _ => faults.push("it has no DATA with the type Site".to_owned()),
    }
    faults
}

fn component(node: &Value, place: &str, faults: &mut Vec<String>) {
    let name = node.get("type").and_then(Value::as_str).unwrap_or_default();
    let empty = serde_json::Map::new();
    let values = node.get("att").and_then(Value::as_object).unwrap_or(&empty);
    // kinds of components that are not in the table are somebody's own
    for attribute in of(name).unwrap_or_default() {
        match values.get(attribute.name) {
            Some(value) => {
                faults.extend(attribute.kind.fault(value).map(|fault| format!("{place}: {}: {fault}", attribute.name)))
            }
            None if attribute.required => faults.push(format!("{place}: {} is missing", attribute.name)),
            None => {}
        }
    }
    for child in node.get("childs").and_then(Value::as_array).unwrap_or(&Vec::new()) {
        let name = child.get("type").and_then(Value::as_str).unwrap_or("a component without type");
        component(child, &format!("{place}/{name}"), faults);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_held_against_their_kinds() {
        assert_eq!(Kind::Integer.fault(&json!(10)), None);
        assert!(Kind::Integer.fault(&json!("ten")).is_some());
        let measure = Kind::Measure("TiB");
        assert_eq!(measure.fault(&json!([1.5, "PB"])), None);
        assert_eq!(measure.fault(&measure.blank()), None);
        for wrong in [json!("1.5 TiB"), json!([1.5, "MHz"]), json!([1.5]), json!(["much", "TiB"])] {
            assert!(measure.fault(&wrong).is_some(), "{wrong}");
        }
        assert_eq!(Kind::Measure("MiB/s").fault(&json!([3, "GB/s"])), None);
        assert!(Kind::Measure("MiB/s").fault(&json!([3, "GB"])).is_some());
        assert!(Kind::Options(&["SPDK", "DPDK"]).fault(&json!("SPDK;XDP")).is_some());
        assert!(YES_NO.fault(&json!("perhaps")).is_some());
        assert_eq!(MODEL.fault(&json!(Form::Model.fitted("Intel(R) Xeon(R) Gold 6448H"))), None);
        assert!(MODEL.fault(&json!("Intel(R) Xeon(R)")).is_some());
        assert!(KERNEL.fault(&json!("Linux 5")).is_some());
    }

    /// The file itself is not ours to keep: it is compared where somebody names it.
    #[test]
    fn the_table_is_that_of_the_published_schema() {
        let Some(path) = std::env::var_os("DFS_BENCH_IO500_SCHEMA") else {
            eprintln!("skipped: DFS_BENCH_IO500_SCHEMA names no schema-io500.json");
            return;
        };
        let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for (component, attributes) in COMPONENTS {
            let site = &schema["SYSTEM"]["Site"];
            let published = [&schema["SCHEMES"][component], &site[component], site];
            let published = published.into_iter().find(|published| published.is_object()).unwrap();
            for attribute in attributes {
                let found = &published[attribute.name];
                let place = format!("{component}: {}", attribute.name);
                let kind = found["dtype"].as_str().unwrap_or_else(|| panic!("{place} is not in the schema"));
                let words = |words: &[&str]| {
                    let of_schema: Vec<_> =
                        found["choice"].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect();
                    assert_eq!(of_schema, words, "{place}");
                };
                match attribute.kind {
                    Kind::Text(_) => assert!(["string", "text", "choice"].contains(&kind), "{place}: {kind}"),
                    Kind::Choice(choice) => words(choice),
                    Kind::Options(choice) => words(choice),
                    Kind::Integer => assert_eq!(kind, "integer", "{place}"),
                    Kind::Measure(unit) => assert_eq!(found["default-unit"], unit, "{place}"),
                }
                assert_eq!(found["required"] == true, attribute.required, "{place}");
            }
            let required = published.as_object().unwrap().iter().filter(|(_, value)| value["required"] == true);
            for (name, _) in required {
                assert!(
                    attributes.iter().any(|attribute| attribute.name == name),
                    "{component}: {name} is missing here"
                );
            }
        }
    }
}
