//! `result.txt` of any version of the suite, its summary and its configuration: verified without a panic.
#![no_main]

use io500_phases::results::{Material, verify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|files: (String, String, String)| {
    let (result, summary, config) = files;
    let configs = vec![("config.ini".to_owned(), config)];
    verify(&Material { result, summary: Some(summary), configs, ..Material::default() });
});
