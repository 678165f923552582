//! Sizes that the interface is known to have: a header that disagrees stops the build, not the run.
//!
//! bindgen asserts that Rust's layout equals the header's; these assert that the header is the one we think it is.

use crate::bindings::*;
use crate::version::BUILT_VERSION;
use core::mem::size_of;

const fn since(minor: u32, fix: u32) -> bool {
    let (built_major, built_minor, built_fix) = BUILT_VERSION;
    built_major > 2 || built_minor > minor || (built_minor == minor && built_fix >= fix)
}

const _: () = {
    assert!(size_of::<daos_handle_t>() == 8);
    assert!(size_of::<d_iov_t>() == 24);
    assert!(size_of::<d_sg_list_t>() == 16);
    assert!(size_of::<daos_anchor_t>() == 120);
    assert!(size_of::<daos_obj_id_t>() == 16);
    assert!(size_of::<daos_pool_info_t>() == 192);
    assert!(size_of::<daos_event_t>() == 176);
    assert!(size_of::<dfs_attr_t>() == 176);
    assert!(
        size_of::<dfs_obj_info_t>()
            == if since(6, 1) {
                40
            } else if since(6, 0) {
                24
            } else {
                16
            }
    );
};
