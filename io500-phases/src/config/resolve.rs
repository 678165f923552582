//! The API of each phase: which string counts, completed by the connection and placement of `[dfs-bench]`.

use super::api::{Api, ApiSpec};
use super::error::{Problem, Warning};
use super::layers::Origin;
use super::model::Setting;
use super::schema::{OWN_SECTION, SECTIONS};
use super::view::View;
use crate::phase_id::{Family, PhaseId};
use std::collections::BTreeMap;

/// The section that a phase shares with others of its workload.
pub(super) fn parent(phase: PhaseId) -> Option<&'static str> {
    match phase.family() {
        Family::IorEasy | Family::IorRnd4kEasy => Some("ior-easy"),
        Family::IorHard => Some("ior-hard"),
        Family::MdtestEasy => Some("mdtest-easy"),
        Family::MdtestHard => Some("mdtest-hard"),
        Family::Mdworkbench => Some("mdworkbench"),
        Family::Timestamp | Family::Find | Family::FindEasy | Family::FindHard => None,
    }
}

/// The API strings of all sections, parsed and completed.
pub(super) struct Apis {
    pub global: (ApiSpec, Origin),
    /// By section; only those that are set.
    sections: BTreeMap<&'static str, (ApiSpec, Origin)>,
}

impl Apis {
    pub fn new(settings: &[Setting], problems: &mut Vec<Problem>, warnings: &mut Vec<Warning>) -> Self {
        let own = View { settings, section: OWN_SECTION };
        let mut parse = |setting: &Setting| {
            let text = setting.value.as_deref()?;
            match ApiSpec::parse(text) {
                Ok(spec) => Some((spec, setting.origin.clone())),
                Err(error) => {
                    let mut place = setting.origin.place();
                    if let Some((_, column)) = place.as_mut().and_then(|place| place.line_column.as_mut()) {
                        *column += text[..error.offset].chars().count();
                    }
                    let message = format!("[{}] {}: {}", setting.section, setting.option, error.message);
                    problems.push(Problem { place, message, hint: error.hint });
                    None
                }
            }
        };
        let global = View { settings, section: "global" }.setting("api");
        let mut global = parse(global).unwrap_or((ApiSpec::new(Api::Dfs), Origin::Default));
        complete(&mut global, &own, None, "[global]", warnings);
        let mut sections = BTreeMap::new();
        for section in &SECTIONS {
            if section.option("API").is_none() || section.name == "global" {
                continue;
            }
            if let Some(mut api) = parse(View { settings, section: section.name }.setting("API")) {
                // A global API from a stronger layer replaces this one anyway.
                if api.1.strength() >= global.1.strength() {
                    complete(&mut api, &own, Some(&global.0), &format!("[{}]", section.name), warnings);
                }
                sections.insert(section.name, api);
            }
        }
        Apis { global, sections }
    }

    /// The API of a phase: its own section's, its parent's, the global one; but a stronger layer beats a weaker one first, so
    /// that `--api posix` means what it says.
    pub fn of(&self, phase: PhaseId) -> (ApiSpec, Origin) {
        let candidates = [
            Some(&self.global),
            parent(phase).and_then(|parent| self.sections.get(parent)),
            self.sections.get(phase.name()),
        ];
        // Of equally strong ones `max_by_key` takes the last, the most specific.
        let chosen = candidates.into_iter().flatten().max_by_key(|(_, origin)| origin.strength());
        chosen.cloned().expect("the global API is always there")
    }
}

/// Completes a DFS string: connection options of `[dfs-bench]` beat it when they come from a stronger layer and fill its
/// gaps otherwise; so does the global connection. Placement of `[dfs-bench]` only fills gaps, because the classes that suit
/// ior and mdtest differ.
fn complete(
    (api, origin): &mut (ApiSpec, Origin),
    own: &View<'_>,
    global: Option<&ApiSpec>,
    place: &str,
    warnings: &mut Vec<Warning>,
) {
    if api.api != Api::Dfs {
        return;
    }
    let global = global.filter(|global| global.api == api.api);
    let connect = |option: &str, slot: &mut Option<String>, inherited: Option<&Option<String>>| {
        let setting = own.setting(option);
        if setting.value.is_some() && setting.origin.strength() > origin.strength() {
            slot.clone_from(&setting.value);
        } else if slot.is_none() {
            *slot = inherited.cloned().flatten().or_else(|| setting.value.clone());
        }
    };
    connect("pool", &mut api.pool, global.map(|global| &global.pool));
    connect("cont", &mut api.cont, global.map(|global| &global.cont));
    connect("group", &mut api.group, global.map(|global| &global.group));
    connect("prefix", &mut api.prefix, global.map(|global| &global.prefix));
    let mut place_hint = |option: &str, filled: bool| {
        let setting = own.setting(option);
        if filled && setting.value.is_some() && setting.origin.strength() > origin.strength() {
            let message = format!("{option} has no effect on {place}: its API string ({origin}) names its own");
            warnings.push(Warning { place: setting.origin.place(), message });
        }
        !filled
    };
    if place_hint("oclass", api.oclass.is_some()) {
        api.oclass = own.text("oclass").map(str::to_owned);
    }
    if place_hint("dir-oclass", api.dir_oclass.is_some()) {
        api.dir_oclass = own.text("dir-oclass").map(str::to_owned);
    }
    if place_hint("chunk-size", api.chunk_size.is_some()) {
        api.chunk_size = own.bytes("chunk-size");
    }
}
