//! The one description of what is bound; the build script and `examples/abi_check.rs` both use it.

use std::path::Path;

/// The bindings of what `wrapper.h` includes from `include`.
pub fn builder(wrapper: &Path, include: &Path) -> bindgen::Builder {
    let mut builder = bindgen::Builder::default()
        .header(wrapper.to_string_lossy())
        .clang_arg(format!("-I{}", include.display()))
        .use_core()
        .default_enum_style(bindgen::EnumVariation::Consts)
        .prepend_enum_name(false)
        .derive_default(true)
        .derive_partialeq(true)
        .derive_eq(true)
        .generate_comments(false)
        .allowlist_recursively(true)
        // These are libc's, not DAOS's; the `libc` crate has them, and everybody else uses them from there.
        .blocklist_type("stat|dirent|timespec")
        .raw_line("use libc::{dirent, stat};");
    for name in FUNCTIONS {
        builder = builder.allowlist_function(name);
    }
    for pattern in CONSTANTS {
        builder = builder.allowlist_var(pattern);
    }
    for name in TYPES {
        builder = builder.allowlist_type(name);
    }
    builder
}

/// Every call that is bound. Those that a version of DAOS lacks are simply not generated for it.
pub const FUNCTIONS: &[&str] = &[
    "daos_init",
    "daos_fini",
    "daos_eq_create",
    "daos_eq_destroy",
    "daos_eq_poll",
    "daos_event_init",
    "daos_event_fini",
    "daos_oclass_name2id",
    "daos_oclass_names_list",
    "daos_pool_connect2",
    "daos_pool_disconnect",
    "daos_pool_query",
    "daos_cont_open2",
    "daos_cont_close",
    "daos_cont_destroy2",
    "daos_cont_query",
    "daos_mgmt_get_sys_info",
    "daos_mgmt_put_sys_info",
    "dfs_init",
    "dfs_fini",
    "dfs_connect",
    "dfs_disconnect",
    "dfs_destroy",
    "dfs_cont_create_with_label",
    "dfs_pool_get",
    "dfs_pool_put",
    "dfs_cont_get",
    "dfs_cont_put",
    "dfs_query",
    "dfs_local2global_all",
    "dfs_global2local_all",
    "dfs_lookup",
    "dfs_lookup_rel",
    "dfs_open",
    "dfs_dup",
    "dfs_obj_local2global",
    "dfs_obj_global2local",
    "dfs_release",
    "dfs_mkdir",
    "dfs_remove",
    "dfs_move",
    "dfs_stat",
    "dfs_ostat",
    "dfs_chmod",
    "dfs_get_mode",
    "dfs_get_symlink_value",
    "dfs_obj2id",
    "dfs_obj_get_info",
    "dfs_obj_set_oclass",
    "dfs_obj_set_chunk_size",
    "dfs_read",
    "dfs_write",
    "dfs_get_size",
    "dfs_punch",
    "dfs_sync",
    "dfs_readdir",
    "dfs_obj_anchor_split",
    "dfs_obj_anchor_set",
    "dfs_pipeline_create",
    "dfs_pipeline_destroy",
    "dfs_readdir_with_filter",
    "dfs_get_size_by_oid",
];

const CONSTANTS: &[&str] = &[
    "DAOS_EQ_DESTROY_FORCE",
    "DAOS_PROP_LABEL_MAX_LEN",
    "DAOS_PC_R[OW]",
    "DAOS_COO_R[OW]",
    "DAOS_CONT_HINT_MAX_LEN",
    "DFS_MAX_NAME",
    "DFS_MAX_PATH",
    "DFS_DEFAULT_CHUNK_SIZE",
    "DFS_RELAXED",
    "DFS_FILTER_.*",
    "DAOS_PROP_CO_LAYOUT_POSIX",
];

/// Types named by no bound call, and the enumerations whose values are wanted.
const TYPES: &[&str] = &[
    "daos_errno",
    "daos_anchor_type_t",
    "daos_cont_props",
    "daos_media_type_t",
    "daos_rebuild_state_t",
    "daos_pool_info_bit",
];
