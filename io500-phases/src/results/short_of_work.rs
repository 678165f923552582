//! A write phase that had done everything before the stonewall: which option to raise, and to what.

use crate::phase_id::PhaseId;
use crate::units::parse_size;

/// Room above what the measured speed would need: the next run may be faster.
const ROOM: f64 = 1.25;
/// A phase that ends so close to the stonewall is no shorter than the clock can tell.
const CLOSE: f64 = 0.98;

/// A phase with too little work, and what mends it.
#[derive(Debug, Clone, PartialEq)]
pub struct ShortOfWork {
    /// Seconds after which every rank had done everything.
    pub lasted_s: f64,
    /// The stonewall setting.
    pub stonewall_s: f64,
    /// The section of the option.
    pub section: &'static str,
    /// The option.
    pub option: &'static str,
    /// Its value.
    pub from: String,
    /// The value that the measured speed needs.
    pub to: String,
}

/// Whether a phase that reached its stonewall's barrier after `lasted_s` seconds had too little work. `setting` gives values of the
/// configuration by section and option.
pub fn short_of_work(
    phase: PhaseId,
    lasted_s: f64,
    stonewall_s: f64,
    setting: impl Fn(&str, &str) -> Option<String>,
) -> Option<ShortOfWork> {
    if lasted_s <= 0.0 || lasted_s >= stonewall_s * CLOSE {
        return None;
    }
    let (section, option) = match phase {
        PhaseId::IorEasyWrite => ("ior-easy", "blockSize"),
        PhaseId::IorHardWrite => ("ior-hard", "segmentCount"),
        PhaseId::MdtestEasyWrite => ("mdtest-easy", "n"),
        // with files-per-dir it has no stonewall
        PhaseId::MdtestHardWrite if setting("mdtest-hard", "files-per-dir").is_none_or(|limit| limit == "0") => {
            ("mdtest-hard", "n")
        }
        _ => return None,
    };
    let from = setting(section, option)?;
    let factor = stonewall_s / lasted_s * ROOM;
    let to = match option {
        "blockSize" => {
            let transfer = setting(section, "transferSize").and_then(|text| parse_size(&text).ok()).unwrap_or(1);
            size(parse_size(&from).ok()? as f64 * factor, transfer.max(1))
        }
        _ => count(from.parse::<u64>().ok()? as f64 * factor),
    };
    Some(ShortOfWork { lasted_s, stonewall_s, section, option, from, to })
}

impl ShortOfWork {
    /// What happened.
    pub fn words(&self) -> String {
        let digits = if self.lasted_s < 10.0 { 2 } else { 0 };
        format!("It ran out of work after {:.digits$} s of the stonewall's {} s.", self.lasted_s, self.stonewall_s)
    }

    /// What mends it.
    pub fn next(&self) -> String {
        let ShortOfWork { section, option, from, to, .. } = self;
        format!("raise [{section}] {option} from {from} to at least {to}")
    }
}

/// A number with two significant digits, rounded up.
fn count(value: f64) -> String {
    let step = 10f64.powf((value.log10().floor() - 1.0).max(0.0));
    format!("{:.0}", (value / step).ceil() * step)
}

/// A size in a unit that leaves two digits or more, rounded up to whole transfers.
fn size(value: f64, transfer: u64) -> String {
    let units = [(1u64 << 40, "t"), (1 << 30, "g"), (1 << 20, "m"), (1 << 10, "k"), (1, "")];
    let fits = |unit: &u64| value >= 10.0 * *unit as f64 && unit.is_multiple_of(transfer);
    match units.iter().find(|(unit, _)| fits(unit)) {
        Some((unit, name)) => format!("{:.0}{name}", (value / *unit as f64).ceil()),
        None => {
            let bytes = (value / transfer as f64).ceil() as u64 * transfer;
            let (unit, name) = units.into_iter().find(|(unit, _)| bytes.is_multiple_of(*unit)).unwrap_or((1, ""));
            format!("{}{name}", bytes / unit)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(section: &str, option: &str) -> Option<String> {
        let value = match (section, option) {
            ("ior-easy", "blockSize") => "256m",
            ("ior-easy", "transferSize") => "2m",
            ("ior-hard", "segmentCount") => "100",
            ("mdtest-easy" | "mdtest-hard", "n") => "1000",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[test]
    fn the_option_and_its_value_fit_the_measured_speed() {
        let found = |phase, lasted| short_of_work(phase, lasted, 300.0, settings).map(|found| found.next());
        let easy = found(PhaseId::IorEasyWrite, 30.0).unwrap();
        assert_eq!(easy, "raise [ior-easy] blockSize from 256m to at least 3200m");
        let hard = found(PhaseId::IorHardWrite, 100.0).unwrap();
        assert_eq!(hard, "raise [ior-hard] segmentCount from 100 to at least 380");
        let files = found(PhaseId::MdtestHardWrite, 0.3).unwrap();
        assert_eq!(files, "raise [mdtest-hard] n from 1000 to at least 1300000");
        assert_eq!(found(PhaseId::MdtestEasyWrite, 299.0), None, "as long as the clock can tell");
        assert_eq!(found(PhaseId::MdtestEasyStat, 1.0), None);
        let words = short_of_work(PhaseId::MdtestHardWrite, 0.3, 300.0, settings).unwrap().words();
        assert_eq!(words, "It ran out of work after 0.30 s of the stonewall's 300 s.");
    }

    #[test]
    fn sizes_are_whole_transfers() {
        assert_eq!(size(3.1e9, 2 << 20), "2958m");
        assert_eq!(size(1_000_000.0, 47_008), "1034176");
        assert_eq!(size(300_000.0, 64 << 10), "320k");
    }
}
