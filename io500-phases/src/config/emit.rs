//! The effective configuration as `config.ini`, byte for byte as the C suite prints it, and its hash.

use super::hash::ConfigHash;
use super::layers::Origin;
use super::model::{Config, Setting};
use super::schema::{self, OWN_SECTION};

impl Config {
    /// Every official option as an ini file; see [`crate::text`] for its bytes. What `[dfs-bench]` holds besides defaults follows as comments, so that the C
    /// suite can still read the file.
    pub fn to_ini(&self) -> String {
        let mut text = String::new();
        for (_, section) in schema::official() {
            text.push_str(&format!("[{}]\n", section.name));
            for setting in self.settings().iter().filter(|setting| setting.section == section.name) {
                text.push_str(&format!("{} = {}\n", setting.option, setting.value.as_deref().unwrap_or("")));
            }
            text.push('\n');
        }
        let ours = |setting: &&Setting| setting.section == OWN_SECTION && setting.origin != Origin::Default;
        let mut ours = self.settings().iter().filter(ours).peekable();
        if ours.peek().is_some() {
            text.push_str("# Settings that the C suite does not know:\n");
        }
        for setting in ours {
            let value = setting.value.as_deref().unwrap_or("");
            text.push_str(&format!("# [{OWN_SECTION}] {} = {value}\n", setting.option));
        }
        text
    }

    /// The hash that the C suite computes for the same values.
    pub fn hash(&self) -> ConfigHash {
        let official = self.settings().iter().filter(|setting| setting.section != OWN_SECTION);
        ConfigHash::of(official.map(|setting| (setting.option.as_str(), setting.value.as_deref())))
    }
}
