//! Answers of servers of our own making, for tests, and the real ones where they are.

use std::path::Path;

/// An answer of a server with engine `engine` and two targets, after `n` units of work; target 1 does thrice as much as target 0.
pub fn answer(engine: u32, n: u64) -> String {
    let mut text = String::from("# HELP engine_started_at Start time\n# TYPE engine_started_at gauge\n");
    text += &format!("engine_started_at{{rank=\"{engine}\"}} 1.7e+09\n");
    text += &format!("engine_net_hg_req_recv{{context=\"0\",provider=\"ofi+tcp\",rank=\"{engine}\"}} {}\n", 5 * n);
    text += &format!("engine_net_waitq_depth{{context=\"0\",provider=\"ofi+tcp\",rank=\"{engine}\"}} {n}\n");
    text += &format!("engine_sched_total_time{{rank=\"{engine}\",xstream=\"2\"}} {}\n", 1000 * n);
    text += &format!("engine_sched_relax_time{{rank=\"{engine}\",xstream=\"2\"}} {}\n", 250 * n);
    for target in 0..2u64 {
        let (labels, work) = (format!("rank=\"{engine}\",target=\"{target}\""), n * (1 + 2 * target));
        let pool = "pool=\"584a4b2c-0000-0000-0000-000000000000\"";
        for (name, value) in [
            ("pool_ops_update", work),
            ("pool_ops_fetch", 0),
            ("pool_xferred_update", work << 20),
            ("pool_vos_gc_obj_del", 2 * n),
            ("pool_vos_aggregation_merged_recs", 0),
        ] {
            text += &format!("engine_{name}{{{pool},{labels}}} {value}\n");
        }
        for (name, mean) in [("update", 100), ("vos_update", 10), ("bio_update", 20), ("bulk_update", 50)] {
            text += &format!("engine_io_latency_{name}_samples{{{labels},size=\"1MB\"}} {work}\n");
            text += &format!("engine_io_latency_{name}_sum{{{labels},size=\"1MB\"}} {}\n", work * mean);
        }
        text += &format!("engine_io_ops_update_active{{{labels}}} {}\n", n % 7);
    }
    text
}

/// A file of a real run; none, with a line that says so, where it is absent.
pub fn real(name: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/telemetry").join(name);
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        assert_ne!(std::env::var("DFS_BENCH_REQUIRE_DATA").as_deref(), Ok("1"), "{} is not there", path.display());
        eprintln!("skipped: {} is not there", path.display());
    }
    text
}
