//! What a node is and does: its processors, memory, links, devices, limits and settings, and the ranks on it.
//!
//! Everything is read under one [`Root`], so that a snapshot of another machine reads like the own one. A fact that cannot be read is
//! `None`, never a default. Nothing here judges, and nothing is written outside a snapshot.

mod archive;
mod cpus;
#[cfg(feature = "hwloc")]
mod hwloc;
mod memory;
mod network;
mod node;
mod pci;
mod process;
mod processor;
mod root;
mod topology;
mod tree;

pub use archive::{ArchiveError, Bounds, read_archive, read_archive_within, write_snapshot};
pub use cpus::CpuSet;
#[cfg(feature = "hwloc")]
pub use hwloc::{XmlError, from_xml};
pub use memory::Memory;
pub use network::{InfinibandPort, Interface, Network};
pub use node::{NodeFacts, Origin};
pub use pci::{DeviceKind, Interrupt, PciDevice, PciLink};
pub use process::RankFacts;
pub use processor::{IdleState, Load, Processor};
pub use root::{Root, Unread};
pub use topology::{Core, NumaNode, Topology};
pub use tree::Tree;
