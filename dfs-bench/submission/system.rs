//! The system in the list's form, as far as result, facts and configuration tell; what nobody tells stays a marked blank.

use super::attributes::{self, is_blank};
use super::hardware;
use super::rules_production::client_bandwidth;
use super::subject::Subject;
use crate::doctor::roof::server_links;
use crate::doctor::rule::{JobFacts, View};
use io500_phases::facts::NodeFacts;
use io500_phases::phase_id::PhaseId;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// A value with its source.
pub type Known = (&'static str, Value, String);

/// A component with what is known of it.
pub struct Component {
    kind: &'static str,
    known: Vec<Known>,
    children: Vec<Component>,
}

impl Component {
    /// A component without others in it.
    pub fn new(kind: &'static str, known: Vec<Known>) -> Component {
        Component { kind, known, children: Vec::new() }
    }

    /// With these in it.
    pub fn with(self, children: Vec<Component>) -> Component {
        Component { children, ..self }
    }

    /// In the list's form: attributes in the order of the table, the wanted ones that are not known as blanks.
    fn document(&self) -> Value {
        let mut values = Map::new();
        for attribute in attributes::of(self.kind).unwrap_or_default() {
            match self.known.iter().find(|(name, ..)| *name == attribute.name) {
                Some((_, value, _)) => drop(values.insert(attribute.name.to_owned(), value.clone())),
                None if attribute.required => drop(values.insert(attribute.name.to_owned(), attribute.kind.blank())),
                None => {}
            }
        }
        let children: Vec<Value> = self.children.iter().map(Component::document).collect();
        json!({"type": self.kind, "att": values, "childs": children})
    }

    fn sources(&self, place: &str, sources: &mut Vec<(String, String)>) {
        let place = if place.is_empty() { self.kind.to_owned() } else { format!("{place}/{}", self.kind) };
        sources.extend(self.known.iter().map(|(name, _, source)| (format!("{place}: {name}"), source.clone())));
        self.children.iter().for_each(|child| child.sources(&place, sources));
    }
}

/// An attribute of a finished document.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// Where it stands: `Site/Supercomputer/Nodes: count`.
    pub attribute: String,
    /// Its value in words; none for a blank.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: String,
}

/// The document of a submission, and where each value comes from by the attribute's place.
pub fn describe(subject: &Subject) -> (Value, Vec<(String, String)>) {
    let site = Component::new("Site", Vec::new()).with(vec![
        Component::new("IO500", run(subject)),
        Component::new("StorageSystem", storage_system(subject)).with(storage(subject)),
        Component::new("Supercomputer", Vec::new())
            .with(vec![Component::new("Nodes", nodes(subject)).with(node(subject.given.client.as_ref(), "a client"))]),
    ]);
    let mut sources = Vec::new();
    site.sources("", &mut sources);
    let graph = json!({"Network": {"pos": [], "edges": []}, "Building": {"pos": [], "edges": []}});
    (json!({"DATA": site.document(), "GRAPH": graph}), sources)
}

/// Every attribute of a document, with the sources that are known; what a person wrote is theirs.
pub fn entries(document: &Value, sources: &[(String, String)]) -> Vec<Entry> {
    fn walk(node: &Value, place: &str, found: &mut Vec<(String, Value)>) {
        let kind = node["type"].as_str().unwrap_or("?");
        let place = if place.is_empty() { kind.to_owned() } else { format!("{place}/{kind}") };
        for (name, value) in node["att"].as_object().into_iter().flatten() {
            found.push((format!("{place}: {name}"), value.clone()));
        }
        node["childs"].as_array().into_iter().flatten().for_each(|child| walk(child, &place, found));
    }
    let mut found = Vec::new();
    walk(&document["DATA"], "", &mut found);
    let words = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().map(|part| part.as_str().map_or(part.to_string(), str::to_owned)).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    };
    found
        .into_iter()
        .map(|(attribute, value)| {
            let source = sources.iter().find(|(name, _)| *name == attribute).map(|(_, source)| source.clone());
            let value = (!is_blank(&value)).then(|| words(&value));
            let source = match (&value, source) {
                (None, _) => "to be filled in by you".to_owned(),
                (Some(_), source) => source.unwrap_or_else(|| "as it was written".to_owned()),
            };
            Entry { attribute, value, source }
        })
        .collect()
}

fn known(name: &'static str, value: impl Into<Value>, source: impl Into<String>) -> Known {
    (name, value.into(), source.into())
}

const TIB: f64 = (1_u64 << 40) as f64;
const MIB: f64 = (1_u64 << 20) as f64;

/// A figure with three decimals: a form is read by people.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn run(subject: &Subject) -> Vec<Known> {
    let mut found = Vec::new();
    if !subject.version().is_empty() {
        found.push(known("version", subject.version(), "result.txt"));
    }
    if let Some(nodes) = subject.run.nodes {
        found.push(known("number_clientNodes", nodes, "the result"));
        if let Some(ranks) = subject.run.ranks.filter(|ranks| nodes > 0 && ranks % nodes == 0) {
            found.push(known("procsPerNode", ranks / nodes, "ranks and nodes of the result"));
        }
        if let Some(bandwidth) = subject.given.client.as_ref().and_then(client_bandwidth) {
            let value = json!([rounded(bandwidth * nodes as f64 / MIB), "MiB/s"]);
            found.push(known("clients network bandwidth", value, "links of one client, times the nodes of the result"));
        }
    }
    if let Some(count) = server_count(subject) {
        found.push(known("number_serverNodes", count, "servers whose telemetry answered"));
        let of_one = subject.given.server.as_ref().zip(subject.given.server_config.as_ref());
        if let Some(bandwidth) = of_one.and_then(|(node, config)| server_bandwidth(node, config)) {
            let value = json!([rounded(bandwidth * count as f64 / MIB), "MiB/s"]);
            found.push(known("servers network bandwidth", value, "links of one server's engines, times the servers"));
        }
    }
    if let Some(kind) = media_of_engines(subject) {
        found.push(known("storage type", kind, "daos_server.yml"));
    }
    // a pool's space is before redundancy: what is left of it depends on the classes
    let is_net = !subject.is_dfs() || subject.store_fact("container redundancy factor") == Some("0");
    if let Some(space) = subject.stores().find_map(|store| store.space).filter(|_| is_net) {
        let source = if subject.is_dfs() { "the pool, without redundancy" } else { "the file system" };
        found.push(known("storage net capacity", json!([rounded(space.total as f64 / TIB), "TiB"]), source));
    }
    if let Some((kind, source)) = file_system(subject) {
        found.push(known("type of filesystem", kind, source));
    }
    found
}

fn storage_system(subject: &Subject) -> Vec<Known> {
    let mut found = Vec::new();
    if let Some((kind, source)) = file_system(subject) {
        found.push(known("software", kind, source));
    }
    if let Some(version) = daos_version(subject) {
        found.push(known("version", version, "libdaos at run time"));
    }
    let api = subject.storage(PhaseId::IorEasyWrite, "API");
    let interception = subject.store_fact("interception").filter(|library| *library != "none");
    let access = match api {
        _ if interception.is_some() => Some("syscall interception"),
        Some(api) if api.eq_ignore_ascii_case("dfs") => Some("library linked to IO500"),
        Some(api) if api.eq_ignore_ascii_case("posix") && subject.json.is_some() => Some("mount"),
        _ => None,
    };
    if let Some(access) = access {
        found.push(known("client storage access", access, "the interface of ior-easy-write"));
    }
    match subject.store_fact("mount options") {
        Some(options) => found.push(known("client mount options", options, "the mount of the data directory")),
        None if access == Some("library linked to IO500") => {
            found.push(known("client mount options", "none: no mount is used", "the interface of ior-easy-write"));
        }
        None => {}
    }
    if subject.is_dfs() {
        found.push(known("overlapping_metadata_dataServers", "yes", "an engine of DAOS has both"));
        found.push(known("type", "object storage", "DAOS"));
        let nvme = subject
            .given
            .server_config
            .as_ref()
            .is_some_and(|config| config.engines.iter().any(|e| e.nvme().next().is_some()));
        if nvme {
            found.push(known("frameworks", "SPDK", "daos_server.yml has NVMe, which DAOS drives with SPDK"));
        }
    }
    if let Some(count) = server_count(subject) {
        found.push(known("Servers", count, "servers whose telemetry answered"));
    }
    found
}

/// What stands below the storage system: its servers, where it is DAOS.
fn storage(subject: &Subject) -> Vec<Component> {
    if !subject.is_dfs() {
        return Vec::new();
    }
    let mut of_servers = Vec::new();
    if let Some(count) = server_count(subject) {
        of_servers.push(known("count", count, "servers whose telemetry answered"));
    }
    let server = subject.given.server.as_ref();
    of_servers.extend(server.map(system_of).unwrap_or_default());
    let mut parts = node(server, "a server");
    parts.push(Component::new("StorageMedia", media(subject)));
    let servers = Component::new("Servers", of_servers).with(parts);
    let major = daos_version(subject).and_then(|version| version.split('.').next()?.parse::<u64>().ok());
    let version = major.map(|major| known("Version", major, "libdaos at run time: the form takes a number only"));
    vec![Component::new("DAOS", version.into_iter().collect()).with(vec![servers])]
}

fn nodes(subject: &Subject) -> Vec<Known> {
    let count = subject.run.nodes.map(|nodes| known("count", nodes, "the result"));
    count.into_iter().chain(subject.given.client.iter().flat_map(system_of)).collect()
}

/// Operating system and maker of a node.
fn system_of(node: &NodeFacts) -> Vec<Known> {
    let mut found = Vec::new();
    if let Some((id, version)) = &node.distribution {
        found.push(known("distribution", hardware::distribution(id), "/etc/os-release"));
        found.push(known("distribution version", version.as_str(), "/etc/os-release"));
    }
    if let Some(kernel) = node.kernel.as_deref().filter(|kernel| kernel.starts_with(|c: char| ('2'..='9').contains(&c)))
    {
        found.push(known("kernel version", kernel, "the kernel"));
    }
    if let Some(product) = &node.product {
        let model = attributes::Form::Model.fitted(product);
        found.push(known("model", model, "firmware"));
    }
    found
}

/// Processor, memory and links of a node; blanks where there are no facts.
fn node(facts: Option<&NodeFacts>, whose: &str) -> Vec<Component> {
    let of = |part: fn(&NodeFacts) -> Vec<(&'static str, Value)>| -> Vec<Known> {
        let found = facts.map(part).unwrap_or_default();
        found.into_iter().map(|(name, value)| known(name, value, format!("facts of {whose}"))).collect()
    };
    vec![
        Component::new("Processor", of(hardware::processor)),
        Component::new("Memory", of(hardware::memory)),
        Component::new("Interconnect", of(hardware::interconnect)),
    ]
}

fn media(subject: &Subject) -> Vec<Known> {
    let Some(config) = &subject.given.server_config else { return Vec::new() };
    let devices: Vec<&str> = config.engines.iter().flat_map(|engine| engine.nvme()).collect();
    if devices.is_empty() {
        return Vec::new();
    }
    let mut found = vec![
        known("type", "SSD", "NVMe in daos_server.yml"),
        known("count", devices.len() as u64, "devices of the engines in daos_server.yml"),
        known("interface", "NVMe", "daos_server.yml"),
        known("file system", "none", "DAOS has the devices itself"),
    ];
    let sizes = |scan: &crate::doctor::server::StorageScan| {
        devices.iter().map(|device| scan.devices.get(*device).map(|device| device.bytes)).sum::<Option<u64>>()
    };
    if let Some(bytes) = subject.given.scan.as_ref().and_then(sizes).filter(|bytes| *bytes > 0) {
        let each = bytes as f64 / devices.len() as f64 / TIB;
        found.push(known("net capacity", json!([rounded(each), "TiB"]), "the scan of the storage, per device"));
    }
    found
}

/// Where an engine of DAOS keeps data.
fn media_of_engines(subject: &Subject) -> Option<&'static str> {
    let engines = &subject.given.server_config.as_ref()?.engines;
    let has = |class: &str| engines.iter().flat_map(|engine| &engine.storage).any(|tier| tier.class == class);
    match (has("nvme"), has("dcpm"), has("ram")) {
        (true, _, _) => Some("SSD"),
        (_, true, _) => Some("PMEM"),
        (_, _, true) => Some("Memory"),
        _ => None,
    }
}

/// The servers that telemetry names.
fn server_count(subject: &Subject) -> Option<u64> {
    let phases = subject.json.iter().flat_map(|result| &result.phases).filter_map(|phase| phase.servers.as_ref());
    let names: std::collections::BTreeSet<&str> =
        phases.flat_map(|servers| &servers.engines).map(|engine| engine.server.as_str()).collect();
    (!names.is_empty()).then_some(names.len() as u64)
}

fn server_bandwidth(node: &NodeFacts, config: &crate::doctor::server::ServerConfig) -> Option<f64> {
    let job = JobFacts::default();
    let view = View { node, ranks: &[], client: false, server: Some(config), scan: None, store: None, job: &job };
    server_links(&view)
}

fn daos_version(subject: &Subject) -> Option<String> {
    subject.store_fact("libdaos at run time").map(str::to_owned)
}

/// The kind of file system in the list's word, and who says so.
fn file_system(subject: &Subject) -> Option<(&'static str, &'static str)> {
    if subject.is_dfs() {
        return Some(("DAOS", "the interface of the phases"));
    }
    let kind = hardware::file_system(subject.store_fact("file system")?)?;
    Some((kind, "the type of the mount"))
}

#[cfg(test)]
mod tests {
    use super::super::subject::Given;
    use super::*;
    use io500_phases::facts::Root;

    /// The document of a published run, with this machine as its client.
    fn example() -> Option<(Value, Vec<(String, String)>)> {
        let path =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/full-runs/daos-hpe-dl320-1280-ranks");
        if !path.is_dir() {
            assert_ne!(std::env::var("DFS_BENCH_REQUIRE_DATA").as_deref(), Ok("1"), "{} is not there", path.display());
            eprintln!("skipped: {} is not there", path.display());
            return None;
        }
        let client = Some(NodeFacts::read(&Root::live(), "here"));
        let subject = Subject::load(&path, &[], Given { client, ..Given::default() }).unwrap();
        Some(describe(&subject))
    }

    #[test]
    fn a_document_keeps_the_form_and_guesses_nothing() {
        let Some((document, sources)) = example() else { return };
        assert_eq!(attributes::faults(&document), Vec::<String>::new());
        let entries = entries(&document, &sources);
        let value = |attribute: &str| {
            let entry = entries.iter().find(|entry| entry.attribute == attribute);
            entry.unwrap_or_else(|| panic!("no {attribute}")).value.clone()
        };
        assert_eq!(value("Site/IO500: number_clientNodes").as_deref(), Some("10"));
        assert_eq!(value("Site/IO500: procsPerNode").as_deref(), Some("128"));
        assert_eq!(value("Site/StorageSystem: software").as_deref(), Some("DAOS"));
        assert_eq!(value("Site/StorageSystem: client storage access").as_deref(), Some("library linked to IO500"));
        assert!(value("Site/Supercomputer/Nodes: kernel version").is_some());
        assert!(value("Site/Supercomputer/Nodes/Processor: cores per socket").is_some());
        for unknown in [
            "Site: institution",
            "Site/IO500: number_serverNodes",
            "Site/StorageSystem: version",
            "Site/Supercomputer: total nodes",
        ] {
            assert_eq!(value(unknown), None, "{unknown}");
        }
    }

    /// What the list's reader takes from the document by the names that its source has.
    #[test]
    fn the_attributes_that_the_list_reads_are_there() {
        let Some((document, _)) = example() else { return };
        let find = |kind: &str| -> Value {
            fn walk<'a>(node: &'a Value, kind: &str) -> Option<&'a Value> {
                if node["type"] == kind {
                    return Some(node);
                }
                node["childs"].as_array()?.iter().find_map(|child| walk(child, kind))
            }
            walk(&document["DATA"], kind).unwrap_or_else(|| panic!("no {kind}"))["att"].clone()
        };
        let nodes = find("Supercomputer");
        assert!(nodes.get("name").is_some());
        for (kind, names) in [
            ("IO500", ["number_clientNodes", "procsPerNode", "number_serverNodes"]),
            ("Nodes", ["distribution", "distribution version", "kernel version"]),
            ("Processor", ["architecture", "sockets", "cores per socket"]),
            ("Interconnect", ["type", "vendor", "links"]),
            ("StorageSystem", ["software", "name", "version"]),
        ] {
            let component = find(kind);
            names.iter().for_each(|name| assert!(component.get(name).is_some(), "{kind}: {name}"));
        }
        // the reader joins these pairs: a text would be an error there
        for (kind, name) in [("IO500", "storage net capacity"), ("Processor", "frequency"), ("Memory", "net capacity")]
        {
            assert!(find(kind)[name].is_array(), "{kind}: {name}");
        }
        assert!(find("Interconnect")["features"].is_string() && find("StorageSystem")["frameworks"].is_string());
    }
}
