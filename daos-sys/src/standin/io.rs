//! Reading and writing: blocking without an event, by the event's queue with one.

use super::arguments::{errno, out};
use super::event::{self, Job};
use super::inject::{self, Call, Plan};
use super::mount::{Mount, mount};
use super::object::{Object, object, set_size};
use super::stat::stat_object;
use super::sys::{Result, check, fstat};
use super::transfer::Transfer;
use crate::bindings::*;
use core::ffi::c_int;

unsafe fn length(sgl: &d_sg_list_t) -> usize {
    // SAFETY: the list has `sg_nr` vectors.
    (0..sgl.sg_nr as usize).map(|i| unsafe { (*sgl.sg_iovs.add(i)).iov_len }).sum()
}

/// Does a transfer now, or queues it with its event.
unsafe fn start(transfer: Transfer, ev: *mut daos_event_t, plan: Plan) -> Result<()> {
    // SAFETY: the caller's pointers, valid until completion; an event that was initialised.
    unsafe {
        if ev.is_null() {
            plan.wait()?;
            transfer.run()
        } else {
            event::launch(ev, Job::new(Some(transfer), plan))
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_read(
    dfs: *mut dfs_t,
    obj: *mut dfs_obj_t,
    sgl: *mut d_sg_list_t,
    offset: daos_off_t,
    read_size: *mut daos_size_t,
    ev: *mut daos_event_t,
) -> c_int {
    // SAFETY: a mount, an open file, a list of buffers, a place for the size, an event or NULL; valid until completion.
    errno((|| unsafe {
        let (mount, object) = (mount(dfs)?, open_file(obj)?);
        let (sgl, read_size) = (sgl.as_ref().ok_or(libc::EINVAL)?, out(read_size)?);
        if object.flags & libc::O_ACCMODE == libc::O_WRONLY {
            return Err(libc::EPERM);
        }
        if length(sgl) == 0 {
            *read_size = 0;
            return if ev.is_null() { Ok(()) } else { event::launch(ev, Job::new(None, Plan::default())) };
        }
        start(Transfer { mount, object, sgl, offset, read_size }, ev, inject::plan(Call::Read))
    })())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_write(
    dfs: *mut dfs_t,
    obj: *mut dfs_obj_t,
    sgl: *mut d_sg_list_t,
    offset: daos_off_t,
    ev: *mut daos_event_t,
) -> c_int {
    // SAFETY: a mount, an open file, a list of buffers, an event or NULL; valid until completion.
    errno((|| unsafe {
        let (mount, object) = (mount(dfs)?, open_for_writing(dfs, obj)?);
        match sgl.as_ref().filter(|sgl| length(sgl) > 0) {
            Some(sgl) => {
                let transfer = Transfer { mount, object, sgl, offset, read_size: std::ptr::null_mut() };
                start(transfer, ev, inject::plan(Call::Write))
            }
            None if ev.is_null() => Ok(()),
            None => event::launch(ev, Job::new(None, Plan::default())),
        }
    })())
}

unsafe fn open_file<'o>(obj: *mut dfs_obj_t) -> Result<&'o Object> {
    // SAFETY: an open object or NULL.
    unsafe { object(obj) }.filter(|o| o.kind() == libc::S_IFREG).ok_or(libc::EINVAL)
}

unsafe fn open_for_writing<'o>(dfs: *mut dfs_t, obj: *mut dfs_obj_t) -> Result<&'o Object> {
    // SAFETY: a mount and an open object, or NULL.
    let object = unsafe {
        mount(dfs)?.check_writable()?;
        open_file(obj)?
    };
    if object.flags & libc::O_ACCMODE == libc::O_RDONLY { Err(libc::EPERM) } else { Ok(object) }
}

fn size_of(mount: &Mount, object: &Object) -> Result<u64> {
    match object.data(mount, false)? {
        // SAFETY: the object keeps the descriptor open.
        Some(fd) => Ok(fstat(&unsafe { std::os::fd::BorrowedFd::borrow_raw(fd) })?.st_size as u64),
        None => Ok(0),
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_get_size(dfs: *mut dfs_t, obj: *mut dfs_obj_t, size: *mut daos_size_t) -> c_int {
    // SAFETY: a mount, an open file, and a place for the size.
    errno((|| unsafe {
        let (mount, object) = (mount(dfs)?, open_file(obj)?);
        inject::before(Call::GetSize)?;
        *out(size)? = size_of(mount, object)?;
        Ok(())
    })())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_get_size_by_oid(
    dfs: *mut dfs_t,
    oid: daos_obj_id_t,
    _chunk: daos_size_t,
    size: *mut daos_size_t,
) -> c_int {
    // SAFETY: a mount and a place for the size.
    errno((|| unsafe {
        let mount = mount(dfs)?;
        inject::before(Call::GetSize)?;
        *out(size)? = stat_object(mount, oid)?.map_or(0, |stat| stat.st_size as u64);
        Ok(())
    })())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_punch(
    dfs: *mut dfs_t,
    obj: *mut dfs_obj_t,
    offset: daos_off_t,
    length: daos_size_t,
) -> c_int {
    // SAFETY: a mount and an open file.
    errno((|| unsafe {
        let (mount, object) = (mount(dfs)?, open_for_writing(dfs, obj)?);
        inject::before(Call::Punch)?;
        if length == crate::DFS_MAX_FSIZE {
            return set_size(mount, object, offset);
        }
        let size = size_of(mount, object)?;
        if size <= offset {
            return Ok(());
        }
        if size <= offset.saturating_add(length) {
            return set_size(mount, object, offset);
        }
        let Some(fd) = object.data(mount, false)? else { return Ok(()) };
        let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
        check(libc::fallocate(fd, mode, offset as i64, length as i64)).map(drop)
    })())
}

/// Nothing is cached, so there is nothing to do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dfs_sync(dfs: *mut dfs_t) -> c_int {
    // SAFETY: a mount.
    errno(unsafe { mount(dfs) }.and_then(Mount::check_writable))
}
