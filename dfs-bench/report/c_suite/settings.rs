//! The configuration of a C run with origins: `config.ini` holds every option in force, `config-orig.ini` what was given.

use crate::report::model::Setting;
use io500_phases::config::Ini;
use std::collections::HashMap;

/// Merges the two files. An option that the given file sets comes `from config-orig.ini`, the others are defaults.
pub fn merge(in_force: Option<&str>, given: Option<&str>) -> Vec<Setting> {
    let given: Vec<(String, String, String)> = given.map(options).unwrap_or_default();
    let known: HashMap<(String, String), &str> = given
        .iter()
        .map(|(section, name, value)| ((section.to_lowercase(), name.to_lowercase()), value.as_str()))
        .collect();
    let setting = |section: &str, name: &str, value: &str, origin: &str| Setting {
        section: section.to_owned(),
        name: name.to_owned(),
        value: value.to_owned(),
        origin: origin.to_owned(),
    };
    match in_force {
        Some(text) => options(text)
            .iter()
            .map(|(section, name, value)| {
                let origin = match known.get(&(section.to_lowercase(), name.to_lowercase())) {
                    Some(_) => "config-orig.ini",
                    None => "default",
                };
                setting(section, name, value, origin)
            })
            .collect(),
        None => given.iter().map(|(section, name, value)| setting(section, name, value, "config-orig.ini")).collect(),
    }
}

/// Every option with a value. Lines that are no ini are passed over: a report shows what is there.
fn options(text: &str) -> Vec<(String, String, String)> {
    let (ini, _) = Ini::parse("config.ini", text);
    let set = ini.entries.iter().filter(|entry| !entry.value.is_empty());
    set.map(|entry| (entry.section.to_owned(), entry.key.to_owned(), entry.value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_tell_given_from_default() {
        let merged = merge(
            Some("[ior-easy]\n# help\ntransferSize = 4m\nverbosity = \nrun = TRUE\n"),
            Some("[IOR-easy]\ntransfersize=4m\n"),
        );
        assert_eq!(merged.len(), 2);
        assert_eq!((merged[0].name.as_str(), merged[0].origin.as_str()), ("transferSize", "config-orig.ini"));
        assert_eq!((merged[1].name.as_str(), merged[1].origin.as_str()), ("run", "default"));
    }
}
