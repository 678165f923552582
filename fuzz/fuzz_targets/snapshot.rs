//! Snapshots of machines: archives of all kinds, and the facts that are read from them.
#![no_main]

use io500_phases::facts::{NodeFacts, Root, read_archive};
use libfuzzer_sys::fuzz_target;
use std::io::Write as _;

fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("written");
    if let Ok(tree) = read_archive(file.path()) {
        NodeFacts::read(&Root::tree(tree), "fuzz");
    }
});
