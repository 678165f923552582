//! Stamps into the program what it was built from, tells it where the libdfs it was built with lies, and checks that the MPI is the one
//! that is asked for.

use std::env;
use std::path::Path;
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
    if let Err(mistake) = check_mpi() {
        println!("cargo::error={mistake}");
    }
}

/// `MPICC` names the MPI. Its binding's crate takes another one where that does not exist, and is not built again when it changes.
fn check_mpi() -> Result<(), String> {
    let set = |name: &str| {
        println!("cargo::rerun-if-env-changed={name}");
        env::var(name).ok()
    };
    let mpicc = set("MPICC");
    // these say more, and go before it
    if [set("MPI_PKG_CONFIG"), set("CRAY_MPICH_DIR")].iter().any(Option::is_some) {
        return Ok(());
    }
    let (named, mpicc) = (mpicc.is_some(), mpicc.unwrap_or_else(|| "mpicc".to_owned()));
    let asked = match Command::new(&mpicc).arg("-show").output() {
        Err(_) if !named => return Ok(()),
        asked => asked.map_err(|error| format!("MPICC={mpicc} cannot be run: {error}"))?,
    };
    if !asked.status.success() {
        return Err(format!("MPICC={mpicc}: `{mpicc} -show` fails: it is no compiler wrapper of an MPI"));
    }
    let asked = libraries(String::from_utf8_lossy(&asked.stdout).split_whitespace().map(str::to_owned), "-l", "-L");
    let Some(built) = built_mpi() else { return Ok(()) };
    if asked == built {
        return Ok(());
    }
    Err(format!(
        "MPICC={mpicc} links {}, but the MPI binding was built before with {}: run `cargo clean -p mpi-sys` (with the same --target-dir, \
         --profile and --release) and build again, or use another --target-dir",
        asked.join(" "),
        built.join(" ")
    ))
}

/// What the binding's newest build links; none when it was not built yet.
fn built_mpi() -> Option<Vec<String>> {
    let out = env::var_os("OUT_DIR")?;
    let builds = Path::new(&out).ancestors().nth(2)?.read_dir().ok()?.flatten();
    let outputs = builds.filter(|build| build.file_name().to_string_lossy().starts_with("mpi-sys-"));
    let outputs = outputs.map(|build| build.path().join("output")).filter(|output| output.is_file());
    let newest = outputs.max_by_key(|output| output.metadata().and_then(|output| output.modified()).ok())?;
    let text = std::fs::read_to_string(newest).ok()?;
    let directives = text.lines().map(|line| line.trim_start_matches("cargo:").to_owned());
    Some(libraries(directives, "rustc-link-lib=", "rustc-link-search=native="))
}

/// Libraries and the directories they are looked for in, by their prefixes.
fn libraries(words: impl Iterator<Item = String>, library: &str, directory: &str) -> Vec<String> {
    let named = |word: String| {
        let directory = |word: &str| word.strip_prefix(directory).map(|name| format!("-L{name}"));
        word.strip_prefix(library).map(|name| format!("-l{name}")).or_else(|| directory(&word))
    };
    let mut found: Vec<String> = words.filter_map(named).collect();
    found.sort();
    // mpi-sys itself is linked too
    found.retain(|name| name != "-lstatic=rsmpi" && !name.contains("/mpi-sys-"));
    found.dedup();
    found
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
    for sources in ["Cargo.lock", "daos-sys", "daos-dfs", "io500-phases", "dfs-bench"] {
        println!("cargo::rerun-if-changed={sources}");
    }
    match git(&["status", "--porcelain", "--untracked-files=no"]) {
        Some(changes) if changes.is_empty() => commit,
        _ => format!("{commit}-changed"),
    }
}
