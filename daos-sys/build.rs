//! Chooses the provider of libdfs – an installed DAOS or the stand-in – and generates the bindings for it.
//!
//! `DAOS_SYS_PROVIDER=auto` (the default) takes an installed DAOS where there is one and the stand-in otherwise; `system` fails
//! the build when there is none, `standin` does not look. It is an environment variable and never a cargo feature: features
//! add up over a dependency graph, and one crate could swap the storage under another one's benchmark.

#[path = "build/bindings.rs"]
mod bindings;
#[path = "build/probe.rs"]
mod probe;

use probe::{Installed, Version};
use std::env;
use std::fmt::Write;
use std::path::{Path, PathBuf};

fn main() {
    for name in probe::VARIABLES {
        println!("cargo::rerun-if-env-changed={name}");
    }
    for path in ["build", "wrapper.h", "standin/include"] {
        println!("cargo::rerun-if-changed={path}");
    }
    println!("cargo::rustc-check-cfg=cfg(daos_standin, daos_2_6)");

    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap());
    let out = PathBuf::from(env::var("OUT_DIR").unwrap());
    let installed = choose();
    let (include, version) = match &installed {
        Some(daos) => (daos.include.clone(), daos.version),
        None => {
            let include = root.join("standin/include");
            let version = Version::of_headers(&include).expect("the stand-in's headers declare their version");
            (include, version)
        }
    };

    bindings::builder(&root.join("wrapper.h"), &include)
        .parse_callbacks(Box::new(bindgen::CargoCallbacks::new()))
        .generate()
        .unwrap_or_else(|e| fail(&format!("bindgen cannot read the headers in {}: {e}", include.display())))
        .write_to_file(out.join("bindings.rs"))
        .unwrap();
    write_versions(&out, version, installed.as_ref());

    if version >= (Version { major: 2, minor: 6, fix: 0 }) {
        println!("cargo::rustc-cfg=daos_2_6");
    }
    println!("cargo::metadata=VERSION={version}");
    match installed {
        Some(daos) => {
            link(&daos, &out);
            println!("cargo::metadata=PROVIDER=system");
            println!("cargo::metadata=LIB_DIR={}", daos.lib.display());
        }
        None => {
            println!("cargo::rustc-cfg=daos_standin");
            println!("cargo::metadata=PROVIDER=standin");
        }
    }
}

/// The DAOS to link with, or `None` for the stand-in.
fn choose() -> Option<Installed> {
    let provider = env::var("DAOS_SYS_PROVIDER").unwrap_or_else(|_| "auto".into());
    let found = || probe::find(|name| env::var(name).ok().filter(|value| !value.is_empty()));
    match provider.as_str() {
        "standin" => None,
        "auto" | "" => found().ok(),
        "system" => Some(found().unwrap_or_else(|rejected| {
            let mut message = String::from("DAOS_SYS_PROVIDER=system, but no usable DAOS was found. Looked at:");
            for probe::Rejected { place, reason } in rejected {
                write!(message, "\n  {place}: {reason}").unwrap();
            }
            message.push_str(
                "\nSet DAOS_PREFIX (or DAOS_INCLUDE_DIR and DAOS_LIB_DIR), or build with DAOS_SYS_PROVIDER=standin.",
            );
            fail(&message)
        })),
        other => fail(&format!("DAOS_SYS_PROVIDER={other} is none of auto, system, standin")),
    }
}

fn link(daos: &Installed, out: &Path) {
    println!("cargo::rustc-link-search=native={}", daos.lib.display());
    println!("cargo::rustc-link-lib=dylib=dfs");
    println!("cargo::rustc-link-lib=dylib=daos");
    // Cargo puts search paths inside its target directory, and only those, on the loader's path of what it runs. Links
    // there let `cargo test` and `cargo run` of every crate above find the libraries; an installed program gets a run path
    // from its own build script by DEP_DAOS_LIB_DIR.
    let links = out.join("lib");
    let _ = std::fs::remove_dir_all(&links);
    std::fs::create_dir_all(&links).unwrap();
    for entry in std::fs::read_dir(&daos.lib).unwrap().flatten() {
        let name = entry.file_name();
        let text = name.to_string_lossy();
        if text.starts_with("libdfs.so") || text.starts_with("libdaos.so") {
            std::os::unix::fs::symlink(entry.path(), links.join(&name)).unwrap();
        }
    }
    println!("cargo::rustc-link-search=native={}", links.display());
}

fn write_versions(out: &Path, version: Version, installed: Option<&Installed>) {
    let Version { major, minor, fix } = version;
    let lib = installed.map(|daos| daos.lib.display().to_string());
    let text = format!(
        "/// Major, minor and fix number of the DAOS whose interface was built against.\n\
         pub const BUILT_VERSION: (u32, u32, u32) = ({major}, {minor}, {fix});\n\
         /// Where the libraries were found at build time; `None` with the stand-in.\n\
         pub const BUILT_LIB_DIR: Option<&str> = {lib:?};\n"
    );
    std::fs::write(out.join("version.rs"), text).unwrap();
}

/// Ends the build with a message that cargo shows whole and without a backtrace.
fn fail(message: &str) -> ! {
    for line in message.lines() {
        println!("cargo::error={line}");
    }
    std::process::exit(1);
}
