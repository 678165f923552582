//! Stamps into the program what it was built from, and tells it where the libdfs it was built with lies.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=DFS_BENCH_BUILD_COMMIT={}", commit());
    for (variable, metadata) in
        [("DFS_BENCH_BUILD_PROVIDER", "DEP_DAOS_PROVIDER"), ("DFS_BENCH_BUILD_DAOS", "DEP_DAOS_VERSION")]
    {
        let value = env::var(metadata).expect("daos-sys tells its provider and version");
        println!("cargo::rustc-env={variable}={value}");
    }
    if let Ok(lib) = env::var("DEP_DAOS_LIB_DIR") {
        // The libraries are found without an environment variable, wherever DAOS was installed.
        println!("cargo::rustc-link-arg=-Wl,-rpath,{lib}");
    }
}

/// The commit this is built from, with a mark when there are changes on top; `unknown` outside a repository.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else { return "unknown".into() };
    // Every commit writes to the log of HEAD; everything that is compiled may turn a clean tree into a changed one.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={log}");
    }
    for sources in ["Cargo.lock", "daos-sys", "dfs", "io500-phases", "dfs-bench"] {
        println!("cargo::rerun-if-changed={sources}");
    }
    match git(&["status", "--porcelain", "--untracked-files=no"]) {
        Some(changes) if changes.is_empty() => commit,
        _ => format!("{commit}-changed"),
    }
}
