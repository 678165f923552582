//! What does not compile, and must not: each example below is a test.
//!
//! A directory does not outlive its mount:
//! ```compile_fail,E0505
//! fn broken(mount: daos_dfs::Mount) {
//!     let root = mount.root().unwrap();
//!     drop(mount);
//!     root.kind(c"name").unwrap();
//! }
//! ```
//! Neither does a file:
//! ```compile_fail,E0515
//! fn broken(mount: daos_dfs::Mount) -> daos_dfs::File<'static> {
//!     mount.root().unwrap().open(c"name", daos_dfs::AccessMode::Read).unwrap()
//! }
//! ```
//! Neither does a cursor:
//! ```compile_fail,E0505
//! fn broken(mount: daos_dfs::Mount) {
//!     let mut cursor = mount.root().unwrap().cursor(16).unwrap();
//!     drop(mount);
//!     cursor.next_batch().unwrap();
//! }
//! ```
//! Neither does a queue:
//! ```compile_fail,E0505
//! fn broken(mount: daos_dfs::Mount) {
//!     let mut queue = daos_dfs::Queue::new(&mount, 4, 4096).unwrap();
//!     drop(mount);
//!     queue.reap();
//! }
//! ```
//! The buffer of a slot does not outlive the queue, whose events and transfers it belongs to:
//! ```compile_fail,E0505
//! fn broken(mount: &daos_dfs::Mount) {
//!     let mut queue = daos_dfs::Queue::new(mount, 4, 4096).unwrap();
//!     let (_, buffer) = queue.slot().unwrap();
//!     drop(queue);
//!     buffer[0] = 1;
//! }
//! ```
//! Nobody holds the buffer of a slot while a transfer uses it:
//! ```compile_fail,E0499
//! fn broken(mount: &daos_dfs::Mount, file: &daos_dfs::File<'_>) {
//!     let mut queue = daos_dfs::Queue::new(mount, 4, 4096).unwrap();
//!     let (slot, buffer) = queue.slot().unwrap();
//!     queue.submit_write(slot, file, 0).unwrap();
//!     buffer[0] = 1;
//! }
//! ```
//! A name that was listed is gone with the next batch:
//! ```compile_fail,E0499
//! fn broken(mut cursor: daos_dfs::Cursor<'_>) {
//!     let first: Vec<&std::ffi::CStr> = cursor.next_batch().unwrap().collect();
//!     cursor.next_batch().unwrap();
//!     println!("{first:?}");
//! }
//! ```
//! Two threads do not use one open file at the same time:
//! ```compile_fail,E0277
//! fn broken(file: &daos_dfs::File<'_>) {
//!     std::thread::scope(|scope| {
//!         scope.spawn(|| file.size());
//!     });
//! }
//! ```
//! Nor is a directory changed while another thread uses it:
//! ```compile_fail,E0502
//! fn broken(mut dir: daos_dfs::Dir<'_>) {
//!     std::thread::scope(|scope| {
//!         scope.spawn(|| dir.kind(c"name"));
//!         dir.set_default_chunk(4096).unwrap();
//!     });
//! }
//! ```
//! But a thread may have a file of its own, and all of them share mount and directories:
//! ```no_run
//! fn works(mount: &daos_dfs::Mount, dir: &daos_dfs::Dir<'_>) {
//!     std::thread::scope(|scope| {
//!         scope.spawn(|| mount.root().unwrap().kind(c"name"));
//!         let file = dir.open(c"file", daos_dfs::AccessMode::Read).unwrap();
//!         scope.spawn(move || (dir.kind(c"file"), file.size()));
//!     });
//! }
//! ```
