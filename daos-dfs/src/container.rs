//! Containers: what they are created with, and what they are.

use crate::error::{Error, Result};
use crate::oclass::ObjectClass;
use crate::property::Property;
use daos_sys::{DAOS_CONT_HINT_MAX_LEN, daos_prop_entry, daos_prop_t, dfs_attr_t};

/// What a container is to be created with; the default leaves everything to DAOS.
#[derive(Debug, Clone, Default)]
pub struct ContainerAttributes {
    /// Chunk size of files, in bytes; 0 is DAOS's default.
    pub chunk_size: u64,
    /// Class of everything that says nothing else.
    pub object_class: ObjectClass,
    /// Class of directories.
    pub dir_class: ObjectClass,
    /// Class of files.
    pub file_class: ObjectClass,
    /// Hints such as `file:max,dir:single`.
    pub hints: String,
    /// Container properties.
    pub properties: Vec<Property>,
}

impl ContainerAttributes {
    /// Gives the attributes in C's form to `call`; they live as long as it runs.
    pub(crate) fn with_raw<R>(&self, call: impl FnOnce(*mut dfs_attr_t) -> R) -> Result<R> {
        let mut entries: Vec<_> = self.properties.iter().map(|property| property.entry()).collect();
        let mut list = daos_prop_t { dpp_nr: entries.len() as u32, dpp_reserv: 0, dpp_entries: entries.as_mut_ptr() };
        let mut raw = dfs_attr_t {
            da_chunk_size: self.chunk_size,
            da_oclass_id: self.object_class.id(),
            da_dir_oclass_id: self.dir_class.id(),
            da_file_oclass_id: self.file_class.id(),
            da_props: if entries.is_empty() { std::ptr::null_mut() } else { &mut list },
            ..dfs_attr_t::default()
        };
        if self.hints.len() >= DAOS_CONT_HINT_MAX_LEN as usize || self.hints.contains('\0') {
            return Err(Error::Invalid(format!("container hints of {} bytes are too long", self.hints.len())));
        }
        for (to, from) in raw.da_hints.iter_mut().zip(self.hints.bytes()) {
            *to = from as std::ffi::c_char;
        }
        Ok(call(&mut raw))
    }
}

/// What a container is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContainerInfo {
    /// Its UUID.
    pub uuid: [u8; 16],
    /// How many handles are open, this one included.
    pub handles: u32,
    /// How many snapshots it has.
    pub snapshots: u32,
    /// How many failures its data survives.
    pub redundancy_factor: u64,
    /// Whether DAOS says that its data may be damaged: more failures than it survives.
    pub unclean: bool,
}

impl ContainerInfo {
    /// Queries an open container.
    pub(crate) fn query(handle: daos_sys::daos_handle_t) -> Result<ContainerInfo> {
        let mut info = daos_sys::daos_cont_info_t::default();
        let property = |kind| daos_prop_entry { dpe_type: kind, ..daos_prop_entry::default() };
        let mut entries = [property(daos_sys::DAOS_PROP_CO_REDUN_FAC), property(daos_sys::DAOS_PROP_CO_STATUS)];
        let mut list = daos_prop_t { dpp_nr: entries.len() as u32, dpp_reserv: 0, dpp_entries: entries.as_mut_ptr() };
        // SAFETY: an open container, writable results, and no event, so that the call blocks.
        let rc = unsafe { daos_sys::daos_cont_query(handle, &mut info, &mut list, std::ptr::null_mut()) };
        crate::Der::check(rc).map_err(Error::daos("daos_cont_query"))?;
        // SAFETY: both properties are numbers, which the call has filled in.
        let (factor, status) = unsafe { (entries[0].__bindgen_anon_1.dpe_val, entries[1].__bindgen_anon_1.dpe_val) };
        // Of the status, bits 32 to 47 are the state, 0 for healthy.
        Ok(ContainerInfo {
            uuid: info.ci_uuid,
            handles: info.ci_nhandles,
            snapshots: info.ci_nsnapshots,
            redundancy_factor: factor,
            unclean: status >> 32 & 0xffff != 0,
        })
    }
}
