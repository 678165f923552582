//! The job: the environment of its ranks, its logs, its mounts.

use super::super::rule::{Outcome, Rule, Severity, Side, View};
use std::collections::BTreeMap;

pub const RULES: &[Rule] = &[
    Rule {
        id: "env.logging",
        severity: Severity::Finding,
        side: Side::Client,
        why: "every operation writes lines of log: a rank that logs at INFO or DEBUG does a fraction of the operations it could",
        mend: "unset {device}, or for libdaos: export D_LOG_MASK=ERR",
        source: "DAOS, docs/admin/troubleshooting.md, Debugging System; libfabric, man/fabric.7.md, LOGGING INTERFACE: FI_LOG_LEVEL",
        look: logging,
    },
    Rule {
        id: "env.log-file",
        severity: Severity::Finding,
        side: Side::Client,
        why: "every rank appends to a log on a network file system: one line costs a round trip of it, a hundred times a local write",
        mend: "export D_LOG_FILE=/tmp/daos.log, on a local file system",
        source: "DAOS, docs/admin/troubleshooting.md, Log Files",
        look: log_file,
    },
    Rule {
        id: "env.ranks-differ",
        severity: Severity::Finding,
        side: Side::Client,
        why: "ranks of one node run with different settings of the store's network: the slower ones set the pace of every phase",
        mend: "export {device} in the job script, not in a shell of one node (mpirun -x {device}, srun --export=ALL)",
        source: "DAOS, docs/admin/env_variables.md, Server and Client environment variables",
        look: ranks_differ,
    },
    Rule {
        id: "env.library-differs",
        severity: Severity::Finding,
        side: Side::Client,
        why: "ranks of one node run different versions of libdfs: they differ in rate and in the protocol that they speak",
        mend: "the same modules and LD_LIBRARY_PATH for all ranks; `dfs-bench --version` on each node",
        source: "DAOS, docs/admin/troubleshooting.md, Incompatible Agent",
        look: library_differs,
    },
    Rule {
        id: "engine.log-mask",
        severity: Severity::Hint,
        side: Side::Server,
        why: "an engine that logs at DEBUG writes lines for every request, which costs a large part of its rate",
        mend: "daos_server.yml, {device}: log_mask: ERR; at once: dmg server set-logmasks -m ERR",
        source: "DAOS, utils/config/daos_server.yml on log_mask: \"default: ERR\"; docs/admin/troubleshooting.md, Debugging System",
        look: engine_log_mask,
    },
    Rule {
        id: "job.dfuse-mounts",
        severity: Severity::Hint,
        side: Side::Client,
        why: "each mount is a daemon with threads and a cache of its own: two of them share the cores with the ranks",
        mend: "fusermount3 -u {device} for those that this job does not need",
        source: "DAOS, docs/user/filesystem.md, DFuse",
        look: dfuse_mounts,
    },
];

fn logging(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let loud = |name: &str, value: &str| {
        let value = value.to_ascii_uppercase();
        let says = |words: &[&str]| words.iter().any(|word| value.contains(word));
        match name {
            "D_LOG_MASK" => says(&["DEBUG", "DBUG", "INFO", "NOTE", "TRACE"]),
            "FI_LOG_LEVEL" | "UCX_LOG_LEVEL" => says(&["INFO", "DEBUG", "TRACE", "DATA"]),
            "DD_MASK" => !value.is_empty(),
            _ => false,
        }
    };
    let mut found = BTreeMap::<(&str, &str), usize>::new();
    for (name, value) in view.ranks.iter().flat_map(|rank| &rank.environment) {
        if loud(name, value) {
            *found.entry((name, value)).or_default() += 1;
        }
    }
    for ((name, value), ranks) in found {
        outcome.found(name, format!("{value} on {ranks} of {} ranks", view.ranks.len()), "unset or errors only");
    }
    Some(())
}

fn log_file(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let file = view.ranks.iter().find_map(|rank| rank.variable("D_LOG_FILE"))?;
    outcome.known((!view.node.mounts.is_empty()).then_some(()), "/proc/mounts")?;
    let below = |place: &str| place == "/" || file == place || file.starts_with(&format!("{place}/"));
    let mounts = view.node.mounts.iter().filter(|(place, _)| below(place));
    let (place, kind) = mounts.max_by_key(|(place, _)| place.len())?;
    if ["nfs", "nfs4", "lustre", "gpfs", "beegfs", "ceph", "cifs", "smb3", "fuse.daos"].contains(&kind.as_str()) {
        outcome.found("D_LOG_FILE", format!("{file}, on {place} ({kind})"), "on a local file system");
    }
    Some(())
}

/// Counts what ranks have, and tells what fewer of them have.
fn differing<'a>(values: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut counts = BTreeMap::<&str, usize>::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, ranks)| std::cmp::Reverse(*ranks));
    let words: Vec<String> = counts.iter().map(|(value, ranks)| format!("{ranks} ranks {value}")).collect();
    (words.len() > 1).then(|| words.join(", "))
}

fn ranks_differ(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let matters = |name: &&str| {
        ["D_POLL_TIMEOUT", "D_PROVIDER", "D_LOG_MASK"].contains(name)
            || ["CRT_", "FI_", "UCX_"].iter().any(|prefix| name.starts_with(prefix))
    };
    let names = view.ranks.iter().flat_map(|rank| rank.environment.iter().map(|(name, _)| name.as_str()));
    let names: std::collections::BTreeSet<&str> = names.filter(matters).collect();
    for name in names {
        let values = view.ranks.iter().map(|rank| rank.variable(name).unwrap_or("unset"));
        if let Some(found) = differing(values) {
            outcome.found(name, found, "the same on all ranks");
        }
    }
    Some(())
}

fn library_differs(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let found = differing(view.ranks.iter().map(|rank| rank.libdfs.as_str()))?;
    outcome.found("libdfs", found, "one version");
    Some(())
}

fn engine_log_mask(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    for (number, engine) in view.server?.engines.iter().enumerate() {
        let mask = engine.log_mask.as_deref().unwrap_or("ERR");
        let first = mask.split(',').next().unwrap_or_default().to_ascii_uppercase();
        if ["DEBUG", "DBUG", "TRACE"].contains(&first.as_str()) {
            outcome.found(format!("engine {number}"), format!("log_mask: {mask}"), "ERR");
        }
    }
    Some(())
}

fn dfuse_mounts(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let mounts = view.node.mounts.iter().filter(|(_, kind)| kind == "fuse.daos");
    let places: Vec<&str> = mounts.map(|(place, _)| place.as_str()).collect();
    if places.len() > 1 {
        outcome.found(places.join(" "), format!("{} mounts of dfuse", places.len()), "one");
    }
    Some(())
}

#[cfg(test)]
pub mod tests {
    use super::super::super::testing::{Case, Machine};

    pub fn cases() -> Vec<Case> {
        vec![
            Case::job(
                "env.logging",
                |m| m.variable("D_LOG_MASK", "INFO,CLIENT=ERR"),
                |m| m.variable("D_LOG_MASK", "ERR"),
            ),
            Case {
                needs_no_node: false,
                ..Case::job(
                    "env.log-file",
                    |m| {
                        m.file("proc/mounts", "dev / ext4 rw 0 0\nhost:/home /home nfs4 rw 0 0");
                        m.variable("D_LOG_FILE", "/home/u/daos.log");
                    },
                    |m| {
                        m.file("proc/mounts", "dev / ext4 rw 0 0\nhost:/home /home nfs4 rw 0 0");
                        m.variable("D_LOG_FILE", "/homely/daos.log");
                    },
                )
            },
            Case::job(
                "env.ranks-differ",
                |m| m.ranks[1].environment.push(("CRT_TIMEOUT".into(), "5".into())),
                |m| m.variable("CRT_TIMEOUT", "5"),
            ),
            Case::job("env.library-differs", |m| m.ranks[1].libdfs = "2.6.4".into(), |_| {}),
            Case {
                machine: Machine::server,
                ..Case::job(
                    "engine.log-mask",
                    |m| m.engine(1).log_mask = Some("DEBUG".into()),
                    |m| {
                        m.engine(1).log_mask = Some("INFO".into());
                    },
                )
            },
            Case {
                needs_no_node: false,
                ..Case::job(
                    "job.dfuse-mounts",
                    |m| m.file("proc/mounts", "dfuse /a fuse.daos rw 0 0\ndfuse /b fuse.daos rw 0 0"),
                    |m| m.file("proc/mounts", "dfuse /a fuse.daos rw 0 0"),
                )
            },
        ]
    }
}
