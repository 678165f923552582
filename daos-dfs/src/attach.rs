//! What the agent of this node tells clients of the system: its provider, and where its engines are.

use crate::error::Result;
#[cfg(daos_2_6)]
use crate::error::{Der, Error};
use crate::system::{System, built_version, runtime_version};
#[cfg(daos_2_6)]
use crate::text::{c_string, pointer};
#[cfg(daos_2_6)]
use std::ffi::{CStr, c_char};

/// What a client needs to talk to the engines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttachInfo {
    /// The name of the system.
    pub system: String,
    /// What its fabric speaks: `ofi+tcp`, `ofi+verbs;ofi_rxm`, `ucx+dc_x`.
    pub provider: String,
    /// The engines by rank, with the addresses that clients use.
    pub engines: Vec<(u32, String)>,
    /// The ranks of the engines whose servers answer for the system, at their access points.
    pub management: Vec<u32>,
}

/// The most engines that are believed.
#[cfg(daos_2_6)]
const MOST: u32 = 1 << 20;

impl System {
    /// What the agent tells of the system of this name, the default one if `None`; nothing where the library has no call for that, or is of
    /// another version than the one built for, so that its answer might be laid out otherwise.
    ///
    /// # Errors
    /// What libdaos says: `DER_AGENT_COMM` without an agent.
    #[doc(alias = "daos_mgmt_get_sys_info")]
    pub fn attach_info(&self, group: Option<&str>) -> Result<Option<AttachInfo>> {
        let (built, found) = (built_version(), runtime_version());
        if found.is_none_or(|found| (found.0, found.1) != (built.0, built.1)) {
            return Ok(None);
        }
        self.ask(group)
    }

    /// DAOS before 2.6 lays the answer out otherwise.
    #[cfg(not(daos_2_6))]
    fn ask(&self, _group: Option<&str>) -> Result<Option<AttachInfo>> {
        Ok(None)
    }

    #[cfg(daos_2_6)]
    fn ask(&self, group: Option<&str>) -> Result<Option<AttachInfo>> {
        let group = group.map(|group| c_string(group, "system")).transpose()?;
        let mut info = std::ptr::null_mut();
        // SAFETY: a NUL-terminated string or NULL, and a place for the pointer; the library is initialised while `self` lives.
        let rc = unsafe { daos_sys::daos_mgmt_get_sys_info(pointer(&group), &mut info) };
        if rc == libc::ENOSYS {
            return Ok(None);
        }
        Der::check(rc).map_err(Error::daos("daos_mgmt_get_sys_info"))?;
        // SAFETY: the call succeeded, so that this is NULL or a structure of the header's layout that stays until it is put back.
        let Some(raw) = (unsafe { info.as_ref() }) else { return Ok(None) };
        let engine = |at: usize| {
            // SAFETY: the array has the length that stands beside it.
            let engine = unsafe { &*raw.dsi_ranks.add(at) };
            // SAFETY: NULL or a NUL-terminated string.
            let uri = unsafe { engine.dru_uri.as_ref().map(|uri| CStr::from_ptr(uri)) };
            Some((engine.dru_rank, uri?.to_string_lossy().into_owned()))
        };
        let count = |length: u32, array: bool| if array { length.min(MOST) as usize } else { 0 };
        let answer = AttachInfo {
            system: text(&raw.dsi_system_name),
            provider: text(&raw.dsi_fabric_provider),
            engines: (0..count(raw.dsi_nr_ranks, !raw.dsi_ranks.is_null())).filter_map(engine).collect(),
            // SAFETY: as for the engines.
            management: (0..count(raw.dsi_nr_ms_ranks, !raw.dsi_ms_ranks.is_null()))
                .map(|at| unsafe { *raw.dsi_ms_ranks.add(at) })
                .collect(),
        };
        // SAFETY: it came from the call above and is not used any more.
        unsafe { daos_sys::daos_mgmt_put_sys_info(info) };
        Ok(Some(answer))
    }
}

/// The text in an array that a NUL ends.
#[cfg(daos_2_6)]
fn text(array: &[c_char]) -> String {
    let bytes: Vec<u8> = array.iter().map(|&c| c as u8).take_while(|&c| c != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
