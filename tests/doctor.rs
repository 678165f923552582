//! `dfs-bench doctor` as a user meets it: real machines from elsewhere, this one, a job, snapshots, hostile input, exit codes.

mod common;

use common::{Outcome, SMALL, Scene, assert_code, assert_mistake, is_standin, run, shared};
use std::path::Path;
use std::process::Command;

/// What was found, as `rule device`, of the JSON on standard output, which follows the published schema.
#[track_caller]
fn found(outcome: &Outcome) -> Vec<String> {
    let report: serde_json::Value =
        serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {outcome:?}"));
    let schema = serde_json::from_str(include_str!("../docs/doctor.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&report), "{report:#}");
    let text = |finding: &serde_json::Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let findings = report["findings"].as_array().unwrap().iter();
    findings.map(|finding| format!("{} {}", text(finding, "rule"), text(finding, "device"))).collect()
}

/// An engine of boro-84: its only fabric interface and two of its NVMe devices are on NUMA node 0.
fn boro(node: u32, targets: u32) -> String {
    format!(
        "provider: ofi+tcp\nengines:\n- pinned_numa_node: {node}\n  targets: {targets}\n  nr_xs_helpers: 4\n  fabric_iface: ib0\n  \
         fabric_iface_port: 31416\n  storage:\n  - {{class: ram}}\n  - {{class: nvme, bdev_list: ['0000:5e:00.0', '0000:5f:00.0']}}\n"
    )
}

/// A working directory with boro-84's topology and scan; `hugepages` on each of its NUMA nodes.
fn boro_84(hugepages: u32) -> Option<Scene> {
    let scene = Scene::new();
    let topology = std::fs::read_to_string(shared("topology/hwloc/boro-84.xml")?).unwrap();
    let changed =
        topology.replace("size=\"2097152\" count=\"2048\"", &format!("size=\"2097152\" count=\"{hugepages}\""));
    scene.write("boro-84.xml", changed);
    scene.write("scan.json", std::fs::read(shared("topology/boro-84-storage-scan.json")?).unwrap());
    Some(scene)
}

const BORO: [&str; 7] =
    ["doctor", "--topology", "boro-84.xml", "--server-config", "daos_server.yml", "--storage-scan", "scan.json"];

#[test]
#[cfg(feature = "hwloc")]
fn a_good_configuration_of_a_real_server_has_no_finding() {
    let Some(scene) = boro_84(8192) else { return };
    scene.write("daos_server.yml", boro(0, 16));
    let outcome = run(scene.direct(), [&BORO[..], &["--format", "json", "--fail-on", "finding"]].concat());
    assert_eq!(found(&outcome), [""; 0]);
    assert_code(&outcome, 0);
}

#[test]
#[cfg(feature = "hwloc")]
fn a_broken_configuration_of_a_real_server_is_found_broken_where_it_is() {
    let Some(scene) = boro_84(2048) else { return };
    scene.write("daos_server.yml", boro(1, 15));
    let outcome = run(scene.direct(), [&BORO[..], &["--format", "json", "--fail-on", "finding"]].concat());
    assert_code(&outcome, 7);
    let expected = [
        "engine.targets engine 0",
        "memory.hugepages NUMA node 1",
        "numa.engine-nic engine 0",
        "numa.engine-nvme 0000:5e:00.0",
        "numa.engine-nvme 0000:5f:00.0",
    ];
    assert_eq!(found(&outcome), expected);
    assert_code(&run(scene.direct(), [&BORO[..], &["--fail-on", "error"]].concat()), 0);
    insta::assert_snapshot!("boro_84_broken", run(scene.direct(), BORO).stdout);
    let markdown = run(scene.direct(), [&BORO[..], &["--format", "markdown"]].concat());
    assert!(markdown.stdout.contains("| finding | engine.targets | engine 0 |"), "{}", markdown.stdout);
}

#[test]
fn a_real_client_is_audited_from_its_sysfs() {
    let Some(archive) = shared("topology/sysfs/40intel64-2g2n4c+pcilocality.tar.bz2") else { return };
    let scene = Scene::new();
    std::fs::copy(archive, scene.path("client.tar.bz2")).unwrap();
    insta::assert_snapshot!("client_40intel64", run(scene.direct(), ["doctor", "--topology", "client.tar.bz2"]).stdout);
}

#[test]
fn configurations_that_daos_ships_have_no_errors() {
    let Some(configurations) = shared("engine-config") else { return };
    let scene = Scene::new();
    for entry in std::fs::read_dir(configurations).unwrap() {
        let path = entry.unwrap().path();
        let arguments =
            ["doctor", "--topology", "empty", "--format", "json", "--server-config", path.to_str().unwrap()];
        // a machine of which as good as nothing is known
        scene.write("empty/proc/meminfo", "MemTotal: 1048576 kB\n");
        let outcome = run(scene.direct(), arguments);
        assert_code(&outcome, 0);
        assert_eq!(found(&outcome), [""; 0], "{}", path.display());
    }
}

#[test]
fn this_node_and_its_snapshot_say_the_same() {
    let scene = Scene::new();
    let live = run(scene.direct(), ["doctor", "--format", "json"]);
    assert_code(&live, 0);
    let written = run(scene.direct(), ["doctor", "--snapshot", "here.tar.zst"]);
    assert_code(&written, 0);
    assert_eq!(scene.entries(), ["here.tar.zst"]);
    let again = run(scene.direct(), ["doctor", "--topology", "here.tar.zst", "--format", "json"]);
    // ranks and the load belong to the running machine
    let of_node = |outcome: &Outcome| {
        let running =
            ["job.", "env.", "cpu.load", "cpu.isolated", "memory.memlock", "memory.numa-balancing", "cpu.steal"];
        let found = found(outcome).into_iter();
        found.filter(|finding| !running.iter().any(|rule| finding.starts_with(rule))).collect::<Vec<_>>()
    };
    assert_eq!(of_node(&again), of_node(&live));
    // a file that is there is never overwritten
    std::fs::write(scene.path("mine"), "mine").unwrap();
    let refused = run(scene.direct(), ["doctor", "--snapshot", "mine"]);
    assert_code(&refused, 2);
    assert_eq!(scene.read("mine"), "mine");
}

#[test]
fn a_job_is_one_report_of_all_its_ranks() {
    let scene = Scene::new();
    let Some(mut command) = scene.ranks(2) else { return };
    command.env("D_LOG_MASK", "DEBUG");
    let outcome = run(command, ["doctor", "--format", "json", "--fail-on", "finding"]);
    assert_code(&outcome, 7);
    let report: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(report["nodes"], 1);
    let logging =
        report["findings"].as_array().unwrap().iter().find(|finding| finding["rule"] == "env.logging").unwrap();
    assert_eq!(logging["found"], "DEBUG on 2 of 2 ranks");
    assert!(found(&outcome).contains(&"env.logging D_LOG_MASK".to_owned()));
    // the launcher's terminal is nobody's screen
    let mut command = scene.ranks(2).unwrap();
    command.env_remove("NO_COLOR").env("D_LOG_MASK", "DEBUG");
    let outcome = run(command, ["doctor"]);
    assert_code(&outcome, 0);
    assert!(outcome.stdout.contains("finding  env.logging") && !outcome.stdout.contains('\x1b'), "{outcome:?}");
}

#[test]
fn a_pool_is_looked_at_where_one_is_named() {
    if !is_standin() {
        return;
    }
    let scene = Scene::new();
    let gone = run(scene.direct(), ["doctor", "--pool", "nowhere", "--cont", "nothing"]);
    assert_code(&gone, 2);
    assert!(gone.stderr.contains("nowhere") && gone.stdout.is_empty(), "{gone:?}");
    // a run leaves a container behind
    scene.write("small.ini", SMALL);
    let dated = "global.timestamp-resultdir=FALSE";
    let before = ["small.ini", "--api", "dfs", "--phase", "ior-easy-write", "--resultdir", "results", "--set", dated];
    assert_code(&run(scene.direct(), before), 0);
    let names = scene.result("results")["provenance"]["stores"][0][1]["facts"].clone();
    let name = |index: usize| names[index][1].as_str().unwrap().to_owned();
    let (pool, container) = (name(0), name(1));
    let outcome = run(scene.direct(), ["doctor", "--pool", &pool, "--cont", &container, "--format", "json"]);
    assert_code(&outcome, 0);
    let with_pool = serde_json::from_str::<serde_json::Value>(&outcome.stdout).unwrap()["rules"].as_u64().unwrap();
    let without = run(scene.direct(), ["doctor", "--format", "json"]);
    let without = serde_json::from_str::<serde_json::Value>(&without.stdout).unwrap()["rules"].as_u64().unwrap();
    let list = run(scene.direct(), ["doctor", "--list"]).stdout;
    let of_store = list.lines().filter(|line| line.split_whitespace().nth(2) == Some("store")).count();
    assert!(of_store > 3 && with_pool == without + of_store as u64, "{with_pool} {without} {of_store}");
    assert!(found(&outcome).iter().all(|finding| !finding.starts_with("pool.re")), "{outcome:?}");
}

/// The pages and tables of every machine that there is data of.
#[test]
fn every_real_machine_is_audited_and_drawn() {
    let scene = Scene::new();
    let Some(dir) = shared("topology") else { return };
    let files = ["hwloc", "sysfs"].iter().flat_map(|kind| std::fs::read_dir(dir.join(kind)).unwrap());
    let mut seen = 0;
    for path in files.map(|entry| entry.unwrap().path()) {
        if cfg!(not(feature = "hwloc")) && path.extension().is_some_and(|extension| extension == "xml") {
            continue;
        }
        let path = path.to_str().unwrap();
        let outcome = run(scene.direct(), ["doctor", "--topology", path, "--format", "json"]);
        assert_code(&outcome, 0);
        // without ranks nothing is said of them, and what a file does not tell is no finding
        assert!(found(&outcome).iter().all(|found| !found.starts_with("job.") && !found.starts_with("env.")), "{path}");
        let page = run(scene.direct(), ["doctor", "--topology", path, "--format", "html"]).stdout;
        assert!(page.contains("<svg ") && page.contains("class=\"core") && !page.contains("<script"), "{path}");
        seen += 1;
    }
    assert!(seen >= 5, "{seen}");
}

/// A run keeps what its nodes are, counts and what was found on them; no roof is made up for a store that is no DAOS.
#[test]
fn a_run_records_its_nodes_their_counters_and_what_was_found() {
    let scene = Scene::new();
    scene.write("small.ini", SMALL);
    let Some(mut command) = scene.ranks(2) else { return };
    command.env("D_LOG_MASK", "DEBUG");
    let dated = "global.timestamp-resultdir=FALSE";
    let arguments = ["small.ini", "--api", "posix", "--phase", "ior-easy-write,ior-easy-read", "--set", dated];
    let outcome = run(command, [&arguments[..], &["--resultdir", "on", "--measure"]].concat());
    assert_code(&outcome, 0);
    assert!(outcome.stderr.contains("doctor: finding env.logging"), "{outcome:?}");
    let result = scene.result("on");
    let about = &result["provenance"];
    let machine = &about["machines"][0];
    assert_eq!((about["machines"].as_array().unwrap().len(), machine["hosts"].as_array().unwrap().len()), (1, 1));
    let ranks = machine["ranks"].as_array().unwrap().iter().map(|bound| bound["ranks"].as_u64().unwrap()).sum::<u64>();
    assert_eq!(ranks, 2);
    assert!(machine["facts"]["memory"]["total"].as_u64().unwrap() > 0 && machine["facts"]["host"] == "");
    let findings = about["audit"]["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["rule"] == "env.logging"), "{findings:#?}");
    assert!(about["audit"]["memory_copy"].as_f64().unwrap() > 1e6);
    for phase in result["phases"].as_array().unwrap() {
        assert!(phase["roof"].is_null(), "{phase:#}");
        let counters = phase["nodes"]["counters"].as_array().unwrap();
        let switches = counters.iter().find(|counter| counter["name"] == "context switches").unwrap();
        assert!(switches["total"].as_f64().unwrap() > 0.0);
    }
    let report = run(scene.direct(), ["report", "-f", "text", "on"]).stdout;
    assert!(report.contains("Audit of the nodes") && report.contains("env.logging"), "{report}");
    let mut command = scene.ranks(2).unwrap();
    command.env("D_LOG_MASK", "DEBUG");
    let outcome =
        run(command, [&arguments[..], &["--resultdir", "off", "--doctor", "off", "--datadir", "other"]].concat());
    assert_code(&outcome, 0);
    assert!(!outcome.stderr.contains("doctor:"), "{outcome:?}");
    let off = scene.result("off");
    assert!(
        off["provenance"]["audit"]["findings"].is_null()
            && off["provenance"]["machines"].as_array().unwrap().len() == 1
    );
}

#[test]
fn the_classes_of_a_configuration_are_held_against_pool_and_container() {
    if !is_standin() {
        return;
    }
    let scene = Scene::new();
    scene.write("small.ini", SMALL);
    let dated = "global.timestamp-resultdir=FALSE";
    let before = ["small.ini", "--api", "dfs", "--phase", "ior-easy-write", "--resultdir", "results", "--set", dated];
    assert_code(&run(scene.direct(), before), 0);
    scene.write(
        "classes.ini",
        "[global]\napi = DFS\n[mdtest-easy]\nAPI = DFS --dfs.oclass=SX\n[ior-hard]\nAPI = DFS --dfs.oclass=EC_16P3GX\n",
    );
    let mut few = scene.direct();
    few.env("DAOS_STANDIN_ENGINES", "8");
    let outcome = run(few, ["doctor", "--config", "classes.ini", "--format", "json", "--fail-on", "error"]);
    let found = found(&outcome);
    assert!(found.iter().any(|found| found == "class.small-files mdtest-easy-write"), "{found:?}");
    let mistake = run(scene.direct(), ["doctor", "--config", "nowhere.ini"]);
    assert_code(&mistake, 2);
    assert!(mistake.stderr.contains("nowhere.ini"), "{mistake:?}");
}

#[test]
fn rules_are_listed_and_explained() {
    let scene = Scene::new();
    let list = run(scene.direct(), ["doctor", "--list"]);
    assert_code(&list, 0);
    for id in list.stdout.lines().filter_map(|line| line.split(' ').next()) {
        let explained = run(scene.direct(), ["doctor", "--explain", id]);
        assert_code(&explained, 0);
        for word in ["why", "mend", "source"] {
            assert!(explained.stdout.contains(word), "{explained:?}");
        }
        if id == "cpu.governor" {
            break; // the later ones are made the same way
        }
    }
    assert_mistake(&scene, scene.direct(), &["doctor", "--explain", "cpu.magic"], &["cpu.magic", "--list"]);
}

#[test]
fn hostile_and_wrong_input_is_refused_with_its_name() {
    let scene = Scene::new();
    let mistake = |path: &str, says: &[&str]| {
        assert_mistake(&scene, scene.direct(), &["doctor", "--topology", path], &[&[path], says].concat());
    };
    mistake("gone", &["No such file"]);
    scene.write("empty.tar", "");
    mistake("empty.tar", &["empty"]);
    scene.write("x.xml", "<topology><object");
    mistake("x.xml", &[]);
    scene.write("nothing/etc/passwd", "x");
    mistake("nothing", &["neither sys nor proc"]);
    assert!(Command::new("mkfifo").arg(scene.path("fifo")).status().unwrap().success());
    mistake("fifo", &["no regular file"]);
    assert_mistake(&scene, scene.direct(), &["doctor", "--server-config", "fifo"], &["fifo", "no regular file"]);
    let (link, outside) = (scene.path("linked"), Path::new("/etc"));
    std::fs::create_dir_all(link.join("proc")).unwrap();
    std::fs::write(link.join("proc/meminfo"), "MemTotal: 1024 kB").unwrap();
    std::os::unix::fs::symlink(outside, link.join("sys")).unwrap();
    let outcome = run(scene.direct(), ["doctor", "--topology", "linked", "--format", "json"]);
    assert_code(&outcome, 0);
    assert_eq!(found(&outcome), [""; 0]);
    // inside a directory: a FIFO where a file is expected, a file of a terabyte without its blocks, links in a circle
    std::fs::create_dir_all(scene.path("odd/proc/sys/kernel")).unwrap();
    std::fs::create_dir_all(scene.path("odd/sys/class")).unwrap();
    std::fs::write(scene.path("odd/proc/meminfo"), "MemTotal: 1024 kB").unwrap();
    assert!(Command::new("mkfifo").arg(scene.path("odd/proc/loadavg")).status().unwrap().success());
    std::fs::File::create(scene.path("odd/proc/mounts")).unwrap().set_len(1 << 40).unwrap();
    std::os::unix::fs::symlink("net", scene.path("odd/sys/class/net")).unwrap();
    std::os::unix::fs::symlink("../../../../../../../etc/hostname", scene.path("odd/proc/sys/kernel/hostname"))
        .unwrap();
    let outcome = run(scene.direct(), ["doctor", "--topology", "odd", "--format", "json"]);
    assert_code(&outcome, 0);
    let report: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    let unread: Vec<String> = report["not_looked_at"]
        .as_array()
        .unwrap()
        .iter()
        .map(|unread| unread["what"].as_str().unwrap().to_owned())
        .collect();
    for refused in ["/proc/loadavg (refused: no regular file)", "/proc/mounts (refused: larger than 8 MiB)"] {
        assert!(unread.iter().any(|unread| unread == refused), "{refused}: {unread:?}");
    }
    assert!(unread.iter().any(|unread| unread.contains("out of the root")), "{unread:?}");
    // a snapshot is never written through a link
    std::fs::write(scene.path("target"), "mine").unwrap();
    std::os::unix::fs::symlink("target", scene.path("way.tar.zst")).unwrap();
    std::os::unix::fs::symlink("new", scene.path("dangling.tar.zst")).unwrap();
    for link in ["way.tar.zst", "dangling.tar.zst"] {
        assert_code(&run(scene.direct(), ["doctor", "--snapshot", link]), 2);
    }
    assert!(scene.read("target") == "mine" && !scene.path("new").exists());
    let other = ["doctor", "--pool", "tank", "--cont", "bench", "--topology", "linked"];
    assert_mistake(&scene, scene.direct(), &other, &["--topology"]);
    scene.write("daos_server.yml", "engines:\n- targets: many\n");
    assert_mistake(
        &scene,
        scene.direct(),
        &["doctor", "--server-config", "daos_server.yml"],
        &["daos_server.yml", "many"],
    );
    assert_mistake(&scene, scene.direct(), &["doctor", "--storage-scan", "scan.json"], &["--server-config"]);
}
