//! Topology files as `lstopo` writes them, read by hwloc, which knows all versions of its format.

use super::cpus::CpuSet;
use super::network::{InfinibandPort, Interface};
use super::node::{NodeFacts, Origin};
use super::pci::{DeviceKind, PciDevice};
use super::topology::{Core, NumaNode, Topology};
use hwlocality::object::TopologyObject;
use hwlocality::object::attributes::ObjectAttributes;
use hwlocality::object::types::{OSDeviceType, ObjectType};
use hwlocality::topology::builder::TypeFilter;

/// The largest topology file that is given to hwloc: one of a machine with 256 CPUs has a tenth of that.
const MAX_XML: usize = 8 << 20;

/// Why a topology file was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum XmlError {
    /// It is too large to be one.
    #[error("refused: larger than {} MiB", MAX_XML >> 20)]
    TooLarge,
    /// It defines entities, which no topology needs and which can unfold without end.
    #[error("refused: it defines entities")]
    Entities,
    /// hwloc refused it.
    #[error("hwloc cannot read it: {0}")]
    Hwloc(String),
}

/// The facts that a topology file holds: processors, memory and devices, their names and places.
///
/// # Errors
/// When the text is no topology that hwloc reads.
pub fn from_xml(xml: &str) -> Result<NodeFacts, XmlError> {
    if xml.len() > MAX_XML {
        return Err(XmlError::TooLarge);
    }
    if xml.contains("<!ENTITY") {
        return Err(XmlError::Entities);
    }
    let refused = |error: &dyn std::fmt::Display| XmlError::Hwloc(error.to_string());
    let builder = hwlocality::Topology::builder().from_xml(xml).map_err(|error| refused(&error))?;
    let builder = builder.with_io_type_filter(TypeFilter::KeepAll).map_err(|error| refused(&error))?;
    let topology = builder.build().map_err(|error| refused(&error))?;
    let machine = topology.objects().find(|object| object.object_type() == ObjectType::Machine);
    let info = |name: &str| Some(machine?.info(name)?.to_str().ok()?.to_owned()).filter(|value| !value.is_empty());
    let mut facts = NodeFacts {
        host: info("HostName").unwrap_or_default(),
        origin: Origin::Topology,
        kernel: info("OSRelease"),
        product: match (info("DMISysVendor"), info("DMIProductName")) {
            (Some(maker), Some(name)) => Some(format!("{maker} {name}")),
            (one, other) => one.or(other),
        },
        firmware: info("DMIBIOSVersion"),
        ..NodeFacts::default()
    };
    facts.topology = Topology { cores: cores(&topology), numa: numa(&topology) };
    facts.processor.model =
        topology.objects().find_map(|object| Some(object.info("CPUModel")?.to_str().ok()?.to_owned()));
    for object in topology.io_objects() {
        match object.attributes() {
            Some(ObjectAttributes::PCIDevice(_)) => facts.pci.extend(pci(object)),
            Some(ObjectAttributes::OSDevice(device)) => {
                let name = object.name().and_then(|name| name.to_str().ok()).unwrap_or_default().to_owned();
                let behind = object.ancestors().find(|above| above.object_type() == ObjectType::PCIDevice);
                let numa = place(object);
                match device.device_type() {
                    OSDeviceType::Network => {
                        let pci = behind.and_then(address);
                        facts.network.interfaces.push(Interface {
                            name,
                            physical: true,
                            pci,
                            numa,
                            ..Interface::default()
                        });
                    }
                    OSDeviceType::OpenFabrics => {
                        let port = InfinibandPort { device: name, port: 1, numa, ..InfinibandPort::default() };
                        facts.network.infiniband.push(port);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    facts.pci.sort_by(|a, b| a.address.cmp(&b.address));
    facts.network.interfaces.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(facts)
}

/// The CPUs of an object.
fn cpus(object: &TopologyObject) -> CpuSet {
    let set = object.cpuset();
    set.map(|set| set.iter_set().take(65_536).map(|cpu| usize::from(cpu) as u32).collect()).unwrap_or_default()
}

fn cores(topology: &hwlocality::Topology) -> Vec<Core> {
    let objects = topology.objects().filter(|object| object.object_type() == ObjectType::Core);
    let package = |object: &TopologyObject| {
        let package = object.ancestors().find(|above| above.object_type() == ObjectType::Package);
        package.and_then(|package| u32::try_from(package.os_index()?).ok()).unwrap_or(0)
    };
    let mut cores: Vec<Core> = objects.map(|object| Core { package: package(object), cpus: cpus(object) }).collect();
    cores.sort_by_key(|core| core.cpus.iter().next());
    cores
}

fn numa(topology: &hwlocality::Topology) -> Vec<NumaNode> {
    let nodes = topology.objects().filter_map(|object| {
        let Some(ObjectAttributes::NUMANode(node)) = object.attributes() else { return None };
        let pages = node.page_types().iter();
        // the first kind is the ordinary page
        let huge = pages.filter(|page| page.size().get() > 1 << 20).map(|page| (page.size().get() >> 10, page.count()));
        Some(NumaNode {
            id: u32::try_from(object.os_index()?).ok()?,
            cpus: cpus(object),
            memory: node.local_memory().map(std::num::NonZeroU64::get),
            hugepages: huge.collect(),
        })
    });
    let mut nodes: Vec<NumaNode> = nodes.collect();
    nodes.sort_by_key(|node| node.id);
    nodes
}

fn address(object: &TopologyObject) -> Option<String> {
    let Some(ObjectAttributes::PCIDevice(pci)) = object.attributes() else { return None };
    Some(format!("{:04x}:{:02x}:{:02x}.{:x}", pci.domain(), pci.bus_id(), pci.bus_device(), pci.function()))
}

/// The NUMA node that an I/O object hangs at, where it is one.
fn place(object: &TopologyObject) -> Option<u32> {
    let nodes = object.first_non_io_ancestor()?.nodeset()?;
    let mut nodes = nodes.iter_set();
    let first = nodes.next().map(usize::from);
    first.filter(|_| nodes.next().is_none()).and_then(|node| u32::try_from(node).ok())
}

fn pci(object: &TopologyObject) -> Option<PciDevice> {
    let Some(ObjectAttributes::PCIDevice(pci)) = object.attributes() else { return None };
    Some(PciDevice {
        address: address(object)?,
        kind: DeviceKind::of_class(u32::from(pci.class_id()))?,
        numa: place(object),
        driver: None,
        link: None,
        link_max: None,
        isolated: None,
        block_size: None,
        interrupts: Vec::new(),
    })
}
