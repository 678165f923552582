//! Sections and options of older versions of the suite: accepted, with a word, and without effect.

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
    ("hintsFileName", "it has no successor"),
    ("noRun", "write run = FALSE"),
    ("pfind-parallelize-single-dir-access-sequentially", "it has no successor"),
];

/// Whether an older version had this section.
pub fn is_section(name: &str) -> bool {
    SECTIONS.iter().any(|section| section.eq_ignore_ascii_case(name))
}

/// What replaced this option of older versions, if it is one.
pub fn option(name: &str) -> Option<&'static str> {
    OPTIONS.iter().find(|(option, _)| option.eq_ignore_ascii_case(name)).map(|&(_, successor)| successor)
}
