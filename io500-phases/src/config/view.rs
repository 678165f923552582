//! The settings of one section, as values of the types that the schema has checked.

use super::model::Setting;
use crate::units::parse_size;
use std::str::FromStr;

/// The options of one section, all checked against the schema before.
pub(super) struct View<'a> {
    pub settings: &'a [Setting],
    pub section: &'static str,
}

impl<'a> View<'a> {
    pub fn setting(&self, option: &str) -> &'a Setting {
        let wanted = |setting: &&Setting| setting.section == self.section && setting.option == option;
        self.settings.iter().find(wanted).expect("the schema has the option")
    }

    pub fn text(&self, option: &str) -> Option<&'a str> {
        self.setting(option).value.as_deref().filter(|value| !value.is_empty())
    }

    pub fn owned(&self, option: &str) -> String {
        self.text(option).unwrap_or_default().to_owned()
    }

    pub fn maybe<T: FromStr>(&self, option: &str) -> Option<T> {
        self.text(option).map(|value| value.parse().ok().expect("the schema's type was checked"))
    }

    pub fn number<T: FromStr + Default>(&self, option: &str) -> T {
        self.maybe(option).unwrap_or_default()
    }

    pub fn is_true(&self, option: &str) -> bool {
        self.text(option) == Some("TRUE")
    }

    pub fn bytes(&self, option: &str) -> Option<u64> {
        self.text(option).map(|value| parse_size(value).expect("the schema's type was checked"))
    }
}
