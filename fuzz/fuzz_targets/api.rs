//! API strings with options in the spelling of IOR.
#![no_main]

use io500_phases::config::Config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|api: &str| {
    if let Ok((config, _)) = Config::builder().flag("global", "api", api.to_owned(), "--api").build() {
        let _ = config.global.api.to_string();
    }
});
