//! Facts of real machines: hwloc's snapshots of sysfs, the topology files of DAOS's test machines, and this machine through a snapshot.

use io500_phases::facts::{CpuSet, DeviceKind, NodeFacts, Root, Topology, read_archive, write_snapshot};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Reference data beside the project; a test that needs it says so and passes where it is not.
fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/topology").join(path);
    if !path.exists() {
        assert_ne!(std::env::var("DFS_BENCH_REQUIRE_DATA").as_deref(), Ok("1"), "{} is not there", path.display());
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

fn snapshot(name: &str) -> Option<NodeFacts> {
    let path = shared(&format!("sysfs/{name}.tar.bz2"))?;
    Some(NodeFacts::read(&Root::tree(read_archive(&path).unwrap()), name))
}

fn nodes(topology: &Topology) -> Vec<(u32, String)> {
    topology.numa.iter().map(|node| (node.id, node.cpus.to_string())).collect()
}

#[test]
fn a_machine_with_infiniband_is_read_from_its_snapshot() {
    let Some(facts) = snapshot("40intel64-2g2n4c+pcilocality") else { return };
    assert_eq!((facts.topology.cores.len(), facts.topology.packages(), facts.topology.numa.len()), (40, 4, 4));
    assert!(facts.topology.numa.iter().all(|node| node.cpus.len() == 10 && node.memory.unwrap() > 1 << 30));
    let ib0 = facts.network.interface("ib0").unwrap();
    let device = facts.device("0000:43:00.0").unwrap();
    assert_eq!((ib0.pci.as_deref(), ib0.numa), (Some("0000:43:00.0"), device.numa));
    assert_eq!(device.kind, DeviceKind::Network);
    assert_eq!(facts.network.infiniband[0].device, "qib0");
    assert!(facts.network.infiniband[0].rate_gbps.unwrap() > 1.0);
    assert_eq!(facts.processor.clock_source, None, "what a snapshot does not hold is not known");
}

#[test]
fn a_machine_with_nvme_is_read_from_its_snapshot() {
    let Some(facts) = snapshot("32em64t-2n8c+dax+nvme+mic+dimms") else { return };
    assert_eq!((facts.topology.cores.len(), facts.topology.numa.len()), (16, 2));
    assert_eq!(facts.pci.iter().filter(|device| device.kind == DeviceKind::Nvme).count(), 1);
    let port = facts.network.infiniband.iter().find(|port| port.device == "mlx4_0").unwrap();
    assert_eq!((port.numa, port.rate_gbps.is_some()), (facts.network.interface("ib0").unwrap().numa, true));
    assert!(!facts.processor.governors.is_empty());
}

/// hwloc is told of the same root and writes what it sees as a topology file; both must see the same machine.
#[test]
#[cfg(feature = "hwloc")]
fn hwloc_sees_the_same_processors_under_the_same_root() {
    let have = Command::new("lstopo-no-graphics").arg("--version").output().is_ok();
    let Some(dir) = shared("sysfs").filter(|_| have) else {
        return eprintln!("SKIPPED: no lstopo-no-graphics, or no data");
    };
    for name in ["40intel64-2g2n4c+pcilocality", "32em64t-2n8c+dax+nvme+mic+dimms", "64amd64-4s2n4ca2co"] {
        let unpacked = tempfile::tempdir().unwrap();
        let archive = dir.join(format!("{name}.tar.bz2"));
        assert!(
            Command::new("tar").arg("xjf").arg(&archive).arg("-C").arg(unpacked.path()).status().unwrap().success()
        );
        let top = std::fs::read_dir(unpacked.path()).unwrap().next().unwrap().unwrap().path();
        let lstopo = Command::new("lstopo-no-graphics")
            .args(["--of", "xml", "-"])
            .env("HWLOC_FSROOT", &top)
            .env("HWLOC_THISSYSTEM", "0")
            .env("HWLOC_COMPONENTS", "linux,-linuxio,stop")
            .output()
            .unwrap();
        let theirs = io500_phases::facts::from_xml(&String::from_utf8(lstopo.stdout).unwrap()).unwrap();
        let ours = NodeFacts::read(&Root::directory(unpacked.path()).unwrap(), name);
        let from_archive = NodeFacts::read(&Root::tree(read_archive(&archive).unwrap()), name);
        assert_eq!(ours, from_archive, "{name}: a directory reads like its archive");
        assert_eq!(nodes(&ours.topology), nodes(&theirs.topology), "{name}");
        assert_eq!(ours.topology.cpus(), theirs.topology.cpus(), "{name}");
        assert_eq!(ours.topology.packages(), theirs.topology.packages(), "{name}");
        // a compute unit of that AMD is one core for the kernel and two for hwloc
        let pairs = if name.starts_with("64amd64") { 2 } else { 1 };
        assert_eq!(pairs * ours.topology.cores.len(), theirs.topology.cores.len(), "{name}");
    }
}

#[test]
#[cfg(feature = "hwloc")]
fn the_topology_files_of_daos_are_read() {
    let read = |name: &str| Some(std::fs::read_to_string(shared(&format!("hwloc/{name}.xml"))?).unwrap());
    let Some(text) = read("boro-84") else { return };
    let facts = io500_phases::facts::from_xml(&text).unwrap();
    assert_eq!(facts.host, "boro-84.boro.hpdd.intel.com");
    assert_eq!((facts.topology.cores.len(), facts.topology.packages()), (48, 2));
    assert_eq!(facts.topology.node(0).unwrap().hugepages[&2048], 2048);
    let ib0 = facts.network.interface("ib0").unwrap();
    assert_eq!((ib0.numa, ib0.pci.as_deref()), (Some(0), Some("0000:18:00.0")));
    let facts = io500_phases::facts::from_xml(&read("wolf-133").unwrap()).unwrap();
    assert_eq!(facts.pci.iter().filter(|device| device.kind == DeviceKind::Nvme).count(), 2);
    assert_eq!(facts.network.interface("ib1").unwrap().numa, Some(1));
    let facts = io500_phases::facts::from_xml(&read("multiport_hfi_topology").unwrap()).unwrap();
    assert_eq!(facts.network.interface("ib2").unwrap().numa, Some(1));
    let facts = io500_phases::facts::from_xml(&read("no-numa-nodes").unwrap()).unwrap();
    assert_eq!(facts.network.interface("ib0").unwrap().numa, Some(0), "there is one node");
    assert!(io500_phases::facts::from_xml("<topology>").is_err());
    let bomb = text.replace("SYSTEM \"hwloc.dtd\"", "[<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]");
    assert!(io500_phases::facts::from_xml(&bomb).unwrap_err().to_string().contains("entities"));
    assert!(io500_phases::facts::from_xml(&" ".repeat(9 << 20)).unwrap_err().to_string().contains("larger"));
}

#[test]
fn this_machine_reads_the_same_from_its_own_snapshot() {
    let root = Root::live();
    let live = NodeFacts::read(&root, "here");
    assert!(!live.topology.cores.is_empty() && live.memory.total.unwrap() > 1 << 20, "{live:?}");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("here.tar.zst");
    write_snapshot(&root.taken(), &path).unwrap();
    assert!(std::fs::metadata(&path).unwrap().len() < 1 << 20);
    let again = NodeFacts::read(&Root::tree(read_archive(&path).unwrap()), "here");
    let mut expected = live.clone();
    expected.origin = again.origin;
    expected.unread.clear();
    // an absent IOMMU is a fact of the running machine only
    for (device, again) in expected.pci.iter_mut().zip(&again.pci) {
        device.isolated = again.isolated;
    }
    assert_eq!(again, expected);
    assert!(CpuSet::default().within(&again.topology.cpus()));
}
