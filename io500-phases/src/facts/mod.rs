//! What a node is and does: its processors, memory, links, devices, limits and settings, and the ranks on it.
//!
//! Everything is read under one [`Root`], so that a snapshot of another machine reads like the own one. A fact that cannot be read is
//! `None`, never a default. Nothing here judges, and nothing is written outside a snapshot.

mod addresses;
mod archive;
mod counters;
mod cpus;
#[cfg(feature = "hwloc")]
mod hwloc;
mod links;
mod memory;
mod network;
mod node;
mod pci;
mod process;
mod processor;
mod properties;
mod root;
mod topology;
mod tree;

pub use addresses::{host_of, local_addresses};
pub use archive::{ArchiveError, Bounds, read_archive, read_archive_within, write_snapshot};
pub use counters::{Counters, RankUse};
pub use cpus::CpuSet;
#[cfg(feature = "hwloc")]
pub use hwloc::{XmlError, from_xml};
pub use links::{Link, links, usable_links};
pub use memory::Memory;
pub use network::{InfinibandPort, Interface, Network};
pub use node::{NodeFacts, Origin};
pub use pci::{DeviceKind, Interrupt, PciDevice, PciLink};
pub use process::RankFacts;
pub use processor::{IdleState, Load, Processor};
pub use root::{Root, Unread};
pub use topology::{Core, NumaNode, Topology};
pub use tree::Tree;
