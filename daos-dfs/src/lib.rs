//! Safe Rust for DFS, the file system of DAOS: pools, containers, mounts, directories, files and event queues over libdfs.
//!
//! ```no_run
//! use daos_dfs::{AccessMode, Mount, MountOptions, Pool, System};
//!
//! let system = System::start()?;
//! let mount = Mount::connect(&system, &MountOptions::new("tank", "bench"))?;
//! let root = mount.root()?;
//! root.mkdir(c"dir", daos_dfs::ObjectClass::INHERIT)?;
//! let dir = root.open_dir(c"dir")?;
//! let file = dir.create(c"file", daos_dfs::ObjectClass::from_name("SX")?, 1 << 20)?;
//! file.write_at(0, b"hello")?;
//! assert_eq!(file.size()?, 5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What the types guarantee
//! - No handle outlives its mount: [`Dir`], [`File`], [`Queue`] and cursors borrow the [`Mount`], and the mount keeps the library
//!   initialised. `src/compile_fail.rs` holds examples that do not compile.
//! - No buffer moves or dies under a transfer: a [`Queue`] owns its buffers and events and keeps files open while in flight;
//!   dropping it waits.
//! - Handles of two mounts do not mix: a call with both returns `EXDEV`.
//! - A [`GlobalMount`] holds what libdfs itself has written: no safe function passes other bytes to a C function that follows
//!   lengths in them.
//! - What libdfs does not allow at the same time does not compile: files, queues and cursors can be sent to another thread but
//!   not shared. Mount and directories can be shared; metadata concurrency means threads.
//!
//! # What it costs
//! The calls that a program makes millions of – create, open, stat, remove, read, write, queue operations – are the C call and
//! nothing else: no allocation apart from the handle itself, no lock, no formatting; their error is a four-byte
//! [`DfsErrno`]. Other calls return [`Error`], which names the call that failed and what to check.
//!
//! # What it does not do
//! Extended attributes, snapshots, access control, and the key-value and array interfaces. Without an installed DAOS at build
//! time everything runs on `daos-sys`'s stand-in, and [`is_standin`] is true.
#![deny(missing_docs)]
#![warn(clippy::missing_errors_doc)]

mod access;
mod attach;
#[cfg(doctest)]
pub mod compile_fail;
mod container;
mod cursor;
mod dir;
mod entry;
mod error;
mod file;
mod filter;
mod global;
mod handle;
mod lookup;
mod mount;
mod oclass;
mod pool;
mod property;
mod queue;
mod system;
mod text;

pub use access::AccessMode;
pub use attach::AttachInfo;
pub use container::{ContainerAttributes, ContainerInfo};
pub use cursor::{Cursor, Entries};
pub use dir::Dir;
pub use entry::{EntryKind, Stat, Time};
pub use error::{Der, DfsErrno, Error, Result};
pub use file::{File, ObjectInfo};
pub use filter::{Filter, FilterSpec, FilteredCursor, FilteredEntry};
pub use global::{GlobalFile, GlobalMount};
pub use handle::ObjectId;
pub use lookup::Node;
pub use mount::{Mount, MountAttributes, MountOptions};
pub use oclass::ObjectClass;
pub use pool::{Pool, PoolInfo, Rebuild, RebuildState, Tier};
pub use property::Property;
pub use queue::Queue;
pub use system::{
    System, built_version, default_pool_and_container, is_standin, provider, runtime_version, standin_root,
};
