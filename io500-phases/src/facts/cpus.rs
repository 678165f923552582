//! Sets of CPUs as the kernel writes them: `0-3,8`.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// The largest number of a CPU that is believed: a hostile list of `0-4294967295` must not fill the memory.
const MOST: u32 = 65_535;

/// A set of CPUs, by the operating system's numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(into = "String", try_from = "String")]
#[cfg_attr(feature = "schema", schemars(with = "String"))]
pub struct CpuSet(BTreeSet<u32>);

impl CpuSet {
    /// Reads a list such as `0-3,8`; `None` when it is none. An empty text is the empty set.
    pub fn parse(list: &str) -> Option<CpuSet> {
        let mut set = BTreeSet::new();
        for part in list.trim().split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
            if first > last || last > MOST {
                return None;
            }
            set.extend(first..=last);
        }
        Some(CpuSet(set))
    }

    /// The CPUs, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().copied()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this CPU is one of them.
    pub fn contains(&self, cpu: u32) -> bool {
        self.0.contains(&cpu)
    }

    /// Whether all of these are in `other`.
    pub fn within(&self, other: &CpuSet) -> bool {
        self.0.is_subset(&other.0)
    }

    /// Whether the two have a CPU in common.
    pub fn meets(&self, other: &CpuSet) -> bool {
        !self.0.is_disjoint(&other.0)
    }

    /// Adds the CPUs of another set.
    pub fn extend(&mut self, other: &CpuSet) {
        self.0.extend(&other.0);
    }
}

impl FromIterator<u32> for CpuSet {
    fn from_iter<T: IntoIterator<Item = u32>>(cpus: T) -> Self {
        CpuSet(cpus.into_iter().collect())
    }
}

impl fmt::Display for CpuSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cpus = self.0.iter().copied().peekable();
        let mut separator = "";
        while let Some(first) = cpus.next() {
            let mut last = first;
            while cpus.next_if_eq(&(last + 1)).is_some() {
                last += 1;
            }
            match last {
                last if last == first => write!(f, "{separator}{first}")?,
                last => write!(f, "{separator}{first}-{last}")?,
            }
            separator = ",";
        }
        Ok(())
    }
}

impl From<CpuSet> for String {
    fn from(set: CpuSet) -> String {
        set.to_string()
    }
}

impl TryFrom<String> for CpuSet {
    type Error = String;

    fn try_from(list: String) -> Result<Self, String> {
        CpuSet::parse(&list).ok_or_else(|| format!("{list:?} is no list of CPUs"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_the_kernel_writes_them_and_nothing_else() {
        for list in ["", "0", "0-3", "0-3,8,10-11"] {
            assert_eq!(CpuSet::parse(list).unwrap().to_string(), list);
        }
        assert_eq!(CpuSet::parse("3,1,2\n").unwrap().to_string(), "1-3");
        for list in ["x", "3-1", "0-4294967295", "0-70000", "-1"] {
            assert_eq!(CpuSet::parse(list), None, "{list}");
        }
        let (small, large) = (CpuSet::parse("1-2").unwrap(), CpuSet::parse("0-3").unwrap());
        assert!(small.within(&large) && !large.within(&small) && small.meets(&large) && large.contains(3));
    }
}
