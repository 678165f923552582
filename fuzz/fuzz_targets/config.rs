//! The ini dialect: no file makes reading, checking or writing it fail otherwise than by an error.
#![no_main]

use io500_phases::config::Config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok((config, _)) = Config::builder().file("fuzz.ini", bytes).build() {
        // what is written reads as the same configuration
        let again = Config::builder().file("again.ini", config.to_ini().as_bytes()).build();
        assert_eq!(again.expect("a written configuration").0.hash(), config.hash());
    }
});
