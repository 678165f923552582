//! Sections and options of older versions of the suite: accepted with a warning, without effect.

/// Sections that this version no longer has.
pub const SECTIONS: [&str; 9] = [
    "ior-rnd4K",
    "ior-rnd4K-write",
    "ior-rnd4K-read",
    "ior-rnd1MB",
    "ior-rnd1MB-write",
    "ior-rnd1MB-read",
    "ior-rnd",
    "ior-rnd-write",
    "ior-rnd-read",
];

/// Options that the sections of this version no longer have, and what says the same today.
pub const OPTIONS: [(&str, &str); 4] = [
    ("posix.odirect", "write API = POSIX --posix.odirect"),
    ("hintsFileName", "put it into the API string: API = MPIIO --mpiio.hintsFileName=FILE"),
    ("noRun", "write run = FALSE"),
    ("pfind-parallelize-single-dir-access-sequentially", "it has no successor"),
];

/// Options that have another name today.
pub const RENAMED: [(&str, &str); 1] = [("external-args", "external-extra-args")];

/// Whether an older version had this section.
pub fn is_section(name: &str) -> bool {
    SECTIONS.iter().any(|section| section.eq_ignore_ascii_case(name))
}

/// What replaced this option of older versions, if it is one.
pub fn option(name: &str) -> Option<&'static str> {
    find(&OPTIONS, name)
}

/// Whether a run without this option, where it is set, would not be the one that is asked for.
pub fn changes_the_run(name: &str) -> bool {
    name.eq_ignore_ascii_case("noRun")
}

/// The name of today.
pub fn renamed(name: &str) -> Option<&'static str> {
    find(&RENAMED, name)
}

fn find(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    table.iter().find(|(option, _)| option.eq_ignore_ascii_case(name)).map(|&(_, word)| word)
}
