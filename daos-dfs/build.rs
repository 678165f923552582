//! Passes on what `daos-sys` found: which calls there are, and where the loader finds the libraries for this crate's own tests.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(daos_2_6)");
    let version = std::env::var("DEP_DAOS_VERSION").expect("daos-sys tells its version");
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().expect("a version is numbers"));
    if (numbers.next(), numbers.next()) >= (Some(2), Some(6)) {
        println!("cargo::rustc-cfg=daos_2_6");
    }
    if let Ok(lib) = std::env::var("DEP_DAOS_LIB_DIR") {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{lib}");
    }
}
