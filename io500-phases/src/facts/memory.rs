//! Memory: its size, hugepages, swap, and the kernel's habits with it.

use super::root::Root;
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A node's memory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Memory {
    /// All of it, bytes.
    pub total: Option<u64>,
    /// What can still be had, bytes.
    pub available: Option<u64>,
    /// Size of a hugepage where nothing else is said, bytes.
    pub hugepage_size: Option<u64>,
    /// Hugepages of that size.
    pub hugepages: Option<u64>,
    /// Transparent hugepages: `always`, `madvise`, `never`.
    pub transparent_hugepages: Option<String>,
    /// Swap in use, bytes; 0 where there is none.
    pub swap_used: Option<u64>,
}

impl Memory {
    pub(super) fn read(root: &Root) -> Memory {
        let meminfo = root.read("/proc/meminfo");
        let value = |name: &str| -> Option<u64> {
            let line = meminfo.as_ref()?.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            line.trim().trim_end_matches("kB").trim().parse().ok()
        };
        let bytes = |name: &str| value(name).map(|kib| kib.saturating_mul(1024));
        let chosen = root.read("/sys/kernel/mm/transparent_hugepage/enabled");
        let chosen = chosen.and_then(|text| Some(text.split_once('[')?.1.split_once(']')?.0.to_owned()));
        let swap = bytes("SwapTotal").zip(bytes("SwapFree"));
        Memory {
            total: bytes("MemTotal"),
            available: bytes("MemAvailable"),
            hugepage_size: bytes("Hugepagesize").filter(|&bytes| bytes > 0),
            hugepages: value("HugePages_Total"),
            transparent_hugepages: chosen,
            swap_used: swap.map(|(total, free)| total.saturating_sub(free)),
        }
    }
}
