//! What an administrator writes and a server reports: `daos_server.yml`, and the JSON of `dmg storage scan`.

use io500_phases::facts::Topology;
use io500_phases::results::EnginePlace;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The largest configuration or scan that is read.
pub const MAX_BYTES: u64 = 8 << 20;

/// More targets or helpers than any engine can have.
const MOST_THREADS: u64 = 65_536;

/// More engines than any server can have.
const MOST_ENGINES: usize = 256;

/// The part of `daos_server.yml` that the rules look at.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct ServerConfig {
    pub provider: Option<String>,
    #[serde(default)]
    pub engines: Vec<Engine>,
    #[serde(default)]
    pub nr_hugepages: u64,
    #[serde(default)]
    pub disable_hugepages: bool,
    #[serde(default)]
    pub disable_vfio: bool,
    #[serde(default)]
    pub allow_thp: bool,
    #[serde(default)]
    pub allow_numa_imbalance: bool,
}

/// One engine.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Engine {
    #[serde(default)]
    pub targets: u64,
    #[serde(default)]
    pub nr_xs_helpers: u64,
    pub pinned_numa_node: Option<u32>,
    pub first_core: Option<u32>,
    pub fabric_iface: Option<String>,
    pub fabric_iface_port: Option<u64>,
    pub log_mask: Option<String>,
    #[serde(default)]
    pub storage: Vec<Tier>,
}

/// A tier of an engine's storage.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Tier {
    #[serde(default)]
    pub class: String,
    /// GiB.
    pub scm_size: Option<u64>,
    #[serde(default)]
    pub bdev_list: Vec<String>,
    #[serde(default)]
    pub bdev_roles: Vec<String>,
}

impl ServerConfig {
    /// Reads `daos_server.yml`; the mistake is told with its line.
    pub fn parse(text: &str) -> Result<ServerConfig, String> {
        if text.len() as u64 > MAX_BYTES {
            return Err(format!("larger than {} MiB", MAX_BYTES >> 20));
        }
        let config: ServerConfig = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        if config.engines.is_empty() {
            return Err("it has no engines".into());
        }
        // sums and products of what is left stay in range
        let largest = config.engines.iter().flat_map(|engine| [engine.targets, engine.nr_xs_helpers]).max();
        if largest.is_some_and(|threads| threads > MOST_THREADS) || config.engines.len() > MOST_ENGINES {
            return Err(format!(
                "more than {MOST_ENGINES} engines, or more than {MOST_THREADS} targets or helpers of one"
            ));
        }
        Ok(config)
    }
}

impl ServerConfig {
    /// The engines with what they are bound to, for a drawing; `numa` tells the NUMA node of a device.
    pub fn places(&self, topology: &Topology, numa: impl Fn(&str) -> Option<u32>) -> Vec<EnginePlace> {
        let place = |(number, engine): (usize, &Engine)| EnginePlace {
            name: format!("engine {number}"),
            numa: engine.numa(topology),
            interface: engine.fabric_iface.clone(),
            devices: engine.nvme().map(|address| (address.to_owned(), numa(address))).collect(),
            threads: engine.threads(),
        };
        self.engines.iter().enumerate().map(place).collect()
    }
}

impl Engine {
    /// The NVMe devices, by PCI address.
    pub fn nvme(&self) -> impl Iterator<Item = &str> {
        let tiers = self.storage.iter().filter(|tier| tier.class == "nvme");
        tiers.flat_map(|tier| tier.bdev_list.iter().map(String::as_str))
    }

    /// The devices that hold data: all, where no roles are given.
    pub fn data_addresses(&self) -> impl Iterator<Item = &str> {
        let holds_data = |tier: &&Tier| tier.bdev_roles.is_empty() || tier.bdev_roles.iter().any(|role| role == "data");
        let tiers = self.storage.iter().filter(|tier| tier.class == "nvme");
        tiers.filter(holds_data).flat_map(|tier| tier.bdev_list.iter().map(String::as_str))
    }

    /// How many they are.
    pub fn data_devices(&self) -> usize {
        self.data_addresses().count()
    }

    /// The NUMA node that it is bound to; `None` where the server chooses it, which it does by the interface.
    pub fn numa(&self, topology: &Topology) -> Option<u32> {
        let by_core = || topology.nodes_of(&topology.cores.get(self.first_core? as usize)?.cpus).first().copied();
        self.pinned_numa_node.or_else(by_core)
    }

    /// Threads that want a core each: targets, helpers, and two that serve the engine itself.
    pub fn threads(&self) -> u64 {
        self.targets + self.nr_xs_helpers + 2
    }
}

/// What a storage scan says of NVMe devices, by PCI address.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StorageScan {
    pub devices: BTreeMap<String, ScannedDevice>,
}

/// A scanned device.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScannedDevice {
    pub numa: Option<u32>,
    pub bytes: u64,
    /// What its health says is wrong.
    pub warnings: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawController {
    #[serde(alias = "pci_addr")]
    pci_addr: String,
    #[serde(rename = "SocketID", alias = "socket_id")]
    socket_id: Option<i64>,
    #[serde(alias = "health_stats")]
    health_stats: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(default, alias = "namespaces")]
    namespaces: Option<Vec<RawNamespace>>,
}

#[derive(Deserialize)]
struct RawNamespace {
    #[serde(rename = "Size", alias = "size")]
    size: Option<u64>,
}

impl StorageScan {
    /// Reads the JSON of a storage scan, of one host: the controllers wherever in it they stand.
    pub fn parse(text: &str) -> Result<StorageScan, String> {
        if text.len() as u64 > MAX_BYTES {
            return Err(format!("larger than {} MiB", MAX_BYTES >> 20));
        }
        let value: serde_json::Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let controllers = controllers(&value).ok_or("it names no controllers")?;
        let raw: Vec<RawController> = serde_json::from_value(controllers.clone()).map_err(|error| error.to_string())?;
        let devices = raw.into_iter().map(|raw| (raw.pci_addr.clone(), raw.into_device()));
        Ok(StorageScan { devices: devices.collect() })
    }
}

/// The first list of controllers: `Controllers` in the helper's answer, `ctrlrs` in the servers'.
fn controllers(value: &serde_json::Value) -> Option<&serde_json::Value> {
    match value {
        serde_json::Value::Object(map) => {
            let here = ["Controllers", "ctrlrs", "controllers"].iter().find_map(|key| map.get(*key));
            here.filter(|list| list.is_array()).or_else(|| map.values().find_map(controllers))
        }
        serde_json::Value::Array(list) => list.iter().find_map(controllers),
        _ => None,
    }
}

impl RawController {
    fn into_device(self) -> ScannedDevice {
        let health = self.health_stats.unwrap_or_default();
        let flags = [
            ("TempWarn", "temp_warn", "its temperature is above the threshold"),
            ("AvailSpareWarn", "avail_spare_warn", "its spare blocks run out"),
            ("ReliabilityWarn", "dev_reliability_warn", "its reliability is degraded"),
            ("ReadOnlyWarn", "read_only_warn", "it is read only"),
            ("VolatileWarn", "volatile_mem_warn", "the backup of its volatile memory failed"),
        ];
        let mut warnings: Vec<String> = Vec::new();
        for (old, new, words) in flags {
            let value = health.get(old).or_else(|| health.get(new));
            if value.and_then(serde_json::Value::as_bool) == Some(true) {
                warnings.push(words.to_owned());
            }
        }
        let errors = health.get("MediaErrors").or_else(|| health.get("media_errs"));
        if let Some(errors) = errors.and_then(serde_json::Value::as_u64).filter(|&errors| errors > 0) {
            warnings.push(format!("{errors} media errors"));
        }
        ScannedDevice {
            numa: self.socket_id.and_then(|socket| u32::try_from(socket).ok()),
            bytes: self
                .namespaces
                .unwrap_or_default()
                .iter()
                .filter_map(|namespace| namespace.size)
                .fold(0, u64::saturating_add),
            warnings,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_read_and_its_mistakes_are_told() {
        let text = "provider: ofi+tcp\nengines:\n- targets: 4\n  fabric_iface: ib0\n  storage:\n  - {class: ram, scm_size: 8}\n  - {class: nvme, bdev_list: ['0000:81:00.0'], bdev_roles: [wal]}\n  - {class: nvme, bdev_list: ['0000:82:00.0'], bdev_roles: [data]}\n";
        let config = ServerConfig::parse(text).unwrap();
        let engine = &config.engines[0];
        assert_eq!((engine.nvme().count(), engine.data_devices(), engine.threads()), (2, 1, 6));
        assert!(ServerConfig::parse("name: daos_server").unwrap_err().contains("no engines"));
        assert!(ServerConfig::parse("engines:\n- targets: many").unwrap_err().contains('2'), "the line is told");
        assert!(ServerConfig::parse("{").is_err());
        assert!(ServerConfig::parse("engines:\n- targets: 18446744073709551615").unwrap_err().contains("more than"));
        // a billion laughs
        let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for (name, above) in
            ["b", "c", "d", "e", "f", "g", "h", "i"].iter().zip(["a", "b", "c", "d", "e", "f", "g", "h"])
        {
            bomb += &format!("{name}: &{name} [{}]\n", vec![format!("*{above}"); 9].join(","));
        }
        assert!(ServerConfig::parse(&bomb).is_err());
    }

    #[test]
    fn scans_of_both_dialects_are_read() {
        let old = r#"{"Payload":{"Controllers":[{"PciAddr":"0000:5e:00.0","SocketID":0,"HealthStats":{"TempWarn":true,"MediaErrors":2},"Namespaces":[{"ID":1,"Size":10}]}]}}"#;
        let device = StorageScan::parse(old).unwrap().devices["0000:5e:00.0"].clone();
        assert_eq!((device.numa, device.bytes, device.warnings.len()), (Some(0), 10, 2));
        let new = r#"{"response":{"HostStorage":{"1":{"storage":{"nvme_devices":{"ctrlrs":[{"pci_addr":"0000:81:00.0","socket_id":1,"health_stats":{"media_errs":0},"namespaces":null}]}}}}}}"#;
        assert_eq!(StorageScan::parse(new).unwrap().devices["0000:81:00.0"].numa, Some(1));
        assert!(StorageScan::parse("{}").unwrap_err().contains("no controllers"));
        assert!(StorageScan::parse("{").is_err());
    }
}
