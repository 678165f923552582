//! The shared directory: pools, containers and their properties.

use super::entry::Entry;
use super::oclass::{self, Kind};
use super::sys::{Errno, Name, Result, check, last_errno, mkdir_at, open_at, rename_at, unlink_at};
use crate::bindings::{DFS_DEFAULT_CHUNK_SIZE, daos_obj_id_t, daos_oclass_id_t};
use core::ffi::CStr;
use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The pool that the stand-in makes by itself.
pub const DEFAULT_POOL: &str = "standin-pool";
/// The container that the stand-in makes by itself, in that pool.
pub const DEFAULT_CONTAINER: &str = "standin-cont";

const DIRECTORY: i32 = libc::O_RDONLY | libc::O_DIRECTORY;

/// The path of the store's directory.
pub fn root_path() -> PathBuf {
    match std::env::var_os("DAOS_STANDIN_ROOT") {
        Some(path) => PathBuf::from(path),
        None => {
            let shared_memory = PathBuf::from("/dev/shm");
            let base = if shared_memory.is_dir() { shared_memory } else { std::env::temp_dir() };
            // SAFETY: the call has no preconditions.
            base.join(format!("daos-standin-{}", unsafe { libc::geteuid() }))
        }
    }
}

/// The directory of the store, made when it is not there.
fn root() -> Result<OwnedFd> {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    let path = PATH.get_or_init(root_path);
    std::fs::create_dir_all(path).map_err(|e| e.raw_os_error().unwrap_or(libc::EIO))?;
    open_at(libc::AT_FDCWD, &CString::new(path.as_os_str().as_bytes()).map_err(|_| libc::EINVAL)?, DIRECTORY)
}

/// An open pool.
pub struct Pool {
    pub label: CString,
    pub dir: OwnedFd,
}

impl Pool {
    /// Opens a pool by label or UUID; `ENOENT` when there is none.
    pub fn open(name: &CStr) -> Result<Pool> {
        let root = root()?;
        if name.to_bytes() == DEFAULT_POOL.as_bytes() {
            make_default(&root)?;
        }
        let label = match check_label(name) {
            Ok(()) => name.to_owned(),
            Err(errno) => find_by_uuid(&root, name, |label| Ok(uuid_of(label.to_bytes())))?.ok_or(errno)?,
        };
        let dir = open_at(root.as_raw_fd(), &label, DIRECTORY)?;
        Ok(Pool { label, dir })
    }

    pub fn uuid(&self) -> [u8; 16] {
        uuid_of(self.label.to_bytes())
    }

    /// The label of a container given by label or UUID.
    pub fn resolve(&self, name: &CStr) -> Result<CString> {
        match check_label(name) {
            Ok(()) => Ok(name.to_owned()),
            Err(errno) => find_by_uuid(&self.dir, name, |label| {
                Ok(Properties::read(&open_at(self.dir.as_raw_fd(), label, DIRECTORY)?)?.uuid)
            })?
            .ok_or(errno),
        }
    }

    /// Makes a container; `EEXIST` when the label is taken. It appears whole or not at all.
    pub fn create_container(&self, label: &CStr, properties: &Properties) -> Result<()> {
        check_label(label)?;
        let hidden = CString::new(format!(".{:032x}", u128::from_le_bytes(random()))).expect("hexadecimal");
        mkdir_at(self.dir.as_raw_fd(), &hidden)?;
        let made = populate(&open_at(self.dir.as_raw_fd(), &hidden, DIRECTORY)?, properties).and_then(|()| {
            let dir = self.dir.as_raw_fd();
            // SAFETY: both names are NUL-terminated.
            check(unsafe { libc::renameat2(dir, hidden.as_ptr(), dir, label.as_ptr(), libc::RENAME_NOREPLACE) })
                .map(drop)
        });
        if made.is_err() {
            remove_tree(&self.dir, &hidden)?;
        }
        made
    }

    /// Destroys a container; `EBUSY` while it is open elsewhere, unless forced.
    pub fn destroy_container(&self, name: &CStr, force: bool) -> Result<()> {
        let label = self.resolve(name)?;
        let container = open_at(self.dir.as_raw_fd(), &label, DIRECTORY)?;
        let properties = open_at(container.as_raw_fd(), c"cont", libc::O_RDONLY)?;
        if !force && flock(&properties, libc::LOCK_EX | libc::LOCK_NB).is_err() {
            return Err(libc::EBUSY);
        }
        // Gone for everybody at once; taking it apart may take long.
        let hidden = CString::new(format!(".{:032x}", u128::from_le_bytes(random()))).expect("hexadecimal");
        rename_at(self.dir.as_raw_fd(), &label, self.dir.as_raw_fd(), &hidden)?;
        remove_tree(&self.dir, &hidden)
    }
}

/// What a container was created with.
#[derive(Clone, Default, Debug, PartialEq)]
pub struct Properties {
    pub uuid: [u8; 16],
    pub id: u64,
    pub chunk: u64,
    pub oclass: daos_oclass_id_t,
    pub dir_oclass: daos_oclass_id_t,
    pub file_oclass: daos_oclass_id_t,
    pub redundancy_factor: u64,
    pub hints: String,
}

impl Properties {
    /// Those of a container made without saying anything.
    pub fn plain() -> Properties {
        Properties { uuid: random(), chunk: DFS_DEFAULT_CHUNK_SIZE.into(), ..Properties::default() }
    }

    fn to_text(&self) -> String {
        format!(
            "uuid {:032x}\nid {}\nchunk {}\noclass {}\ndir_oclass {}\nfile_oclass {}\nrd_fac {}\nhints {}\n",
            u128::from_be_bytes(self.uuid),
            self.id,
            self.chunk,
            self.oclass,
            self.dir_oclass,
            self.file_oclass,
            self.redundancy_factor,
            self.hints
        )
    }

    fn from_text(text: &str) -> Option<Properties> {
        let field = |name: &str| {
            text.lines().find_map(|line| line.split_once(' ').filter(|(key, _)| *key == name)).map(|(_, value)| value)
        };
        Some(Properties {
            uuid: u128::from_str_radix(field("uuid")?, 16).ok()?.to_be_bytes(),
            id: field("id")?.parse().ok()?,
            chunk: field("chunk")?.parse().ok()?,
            oclass: field("oclass")?.parse().ok()?,
            dir_oclass: field("dir_oclass")?.parse().ok()?,
            file_oclass: field("file_oclass")?.parse().ok()?,
            redundancy_factor: field("rd_fac")?.parse().ok()?,
            hints: field("hints")?.to_owned(),
        })
    }

    fn read(container: &OwnedFd) -> Result<Properties> {
        let file = open_at(container.as_raw_fd(), c"cont", libc::O_RDONLY)?;
        let text = std::io::read_to_string(std::fs::File::from(file)).map_err(|_| libc::EIO)?;
        Properties::from_text(&text).ok_or(libc::EIO)
    }

    /// The class of a new object: asked for, else the parent's default, else the container's, else DAOS's.
    pub fn class_for(&self, kind: Kind, asked: u32, parent: u32) -> Result<daos_oclass_id_t> {
        let own = if kind == Kind::File { self.file_oclass } else { self.dir_oclass };
        let inherited = match parent {
            // Directories are never erasure-coded, whatever their parent says.
            class if class == 0 || (kind == Kind::Directory && oclass::is_erasure_coded(class)) => own,
            class => class,
        };
        let mut class = if asked == 0 { inherited } else { asked };
        if class == 0 && !self.hints.is_empty() {
            let (file, directory) = oclass::of_hints(&self.hints, self.redundancy_factor)?;
            class = if kind == Kind::File { file } else { directory };
        }
        oclass::resolve(class, self.redundancy_factor, kind)
    }
}

/// An open container.
pub struct Container {
    pub label: CString,
    pub properties: Properties,
    dir: OwnedFd,
    /// Directory objects.
    pub dirs: OwnedFd,
    /// File objects.
    pub objects: OwnedFd,
    /// Holds the shared lock that says the container is open.
    _lock: OwnedFd,
    ids: Ids,
}

impl Container {
    /// Opens a container by label or UUID; `ENOENT` when there is none.
    pub fn open(pool: &Pool, name: &CStr) -> Result<Container> {
        let label = pool.resolve(name)?;
        let dir = open_at(pool.dir.as_raw_fd(), &label, DIRECTORY)?;
        let lock = open_at(dir.as_raw_fd(), c"cont", libc::O_RDONLY)?;
        flock(&lock, libc::LOCK_SH)?;
        Ok(Container {
            properties: Properties::read(&dir)?,
            dirs: open_at(dir.as_raw_fd(), c"dir", DIRECTORY)?,
            objects: open_at(dir.as_raw_fd(), c"obj", DIRECTORY)?,
            ids: Ids::map(&open_at(dir.as_raw_fd(), c"ids", libc::O_RDWR)?)?,
            _lock: lock,
            label,
            dir,
        })
    }

    /// The entry of the root directory.
    pub fn root(&self) -> Result<Entry> {
        Entry::fetch(self.dir.as_raw_fd(), c"root")
    }

    /// Replaces the entry of the root directory.
    pub fn set_root(&self, entry: &Entry) -> Result<()> {
        self.replace(self.dir.as_raw_fd(), c"root", entry, &[])
    }

    /// Puts another entry in the place of one, at once for everybody.
    pub fn replace(&self, dir: RawFd, name: &CStr, entry: &Entry, value: &[u8]) -> Result<()> {
        // Made where no listing looks, then moved over the old one.
        let mut hidden = Name::new();
        hidden.push(b".").push_hex(u64::from_le_bytes(random()), 16);
        entry.insert(self.dirs.as_raw_fd(), hidden.as_c_str(), value)?;
        rename_at(self.dirs.as_raw_fd(), hidden.as_c_str(), dir, name)
    }

    /// An object id that no other object of the container has; without class.
    pub fn next_oid(&self) -> daos_obj_id_t {
        // Skips what the root directory uses.
        let number = self.ids.next() + 1;
        daos_obj_id_t { lo: number, hi: number >> 32 & 0xffff_ffff }
    }
}

/// A counter that all processes with the container open share by mapping one file.
struct Ids(*const AtomicU64);

// SAFETY: the pointer is to a mapping that lives as long as the value, and what it points to is atomic.
unsafe impl Send for Ids {}
// SAFETY: as above.
unsafe impl Sync for Ids {}

impl Ids {
    fn map(file: &OwnedFd) -> Result<Ids> {
        // SAFETY: a new shared mapping of a file that holds eight bytes; nothing else is affected.
        let address = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                8,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        if address == libc::MAP_FAILED { Err(last_errno()) } else { Ok(Ids(address.cast())) }
    }

    fn next(&self) -> u64 {
        // SAFETY: the mapping is page-aligned, eight bytes long, and lives as long as `self`.
        unsafe { &*self.0 }.fetch_add(1, Ordering::Relaxed)
    }
}

impl Drop for Ids {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `map` with this length, and nobody holds a reference into it.
        unsafe { libc::munmap(self.0.cast_mut().cast(), 8) };
    }
}

/// `EINVAL` unless the text can be a label: 1 to 127 of letters, digits and `:._-`, and not of the form of a UUID. A dot in front
/// is for what is half made.
pub fn check_label(label: &CStr) -> Result<()> {
    let bytes = label.to_bytes();
    let allowed = |&c: &u8| c.is_ascii_alphanumeric() || b":._-".contains(&c);
    let plain = !bytes.starts_with(b".") && parse_uuid(bytes).is_none();
    let valid = plain && (1..=127).contains(&bytes.len()) && bytes.iter().all(allowed);
    if valid { Ok(()) } else { Err(libc::EINVAL) }
}

fn parse_uuid(text: &[u8]) -> Option<[u8; 16]> {
    let dashes = [8, 13, 18, 23];
    if text.len() != 36 || dashes.iter().any(|&at| text[at] != b'-') {
        return None;
    }
    let digits: String = text.iter().filter(|&&c| c != b'-').map(|&c| c as char).collect();
    (digits.len() == 32).then(|| u128::from_str_radix(&digits, 16).ok().map(u128::to_be_bytes))?
}

/// The label below `dir` whose UUID is `name`; `Ok(None)` when `name` is no UUID.
fn find_by_uuid(dir: &OwnedFd, name: &CStr, uuid: impl Fn(&CStr) -> Result<[u8; 16]>) -> Result<Option<CString>> {
    let Some(wanted) = parse_uuid(name.to_bytes()) else { return Ok(None) };
    let entries = std::fs::read_dir(format!("/proc/self/fd/{}", dir.as_raw_fd())).map_err(|_| libc::EIO)?;
    for entry in entries.flatten() {
        let Ok(label) = CString::new(entry.file_name().as_bytes()) else { continue };
        if check_label(&label).is_ok() && uuid(&label) == Ok(wanted) {
            return Ok(Some(label));
        }
    }
    Err(libc::ENOENT)
}

/// A UUID made from a name: pools keep no file of their own.
fn uuid_of(name: &[u8]) -> [u8; 16] {
    let fnv = |seed: u64| name.iter().fold(seed, |hash, &c| (hash ^ u64::from(c)).wrapping_mul(0x0000_0100_0000_01b3));
    let number = u128::from(fnv(0xcbf2_9ce4_8422_2325)) << 64 | u128::from(fnv(0x6c62_272e_07bb_0142));
    number.to_be_bytes()
}

fn make_default(root: &OwnedFd) -> Result<()> {
    let label = CString::new(DEFAULT_POOL).expect("no NUL");
    ignore(mkdir_at(root.as_raw_fd(), &label), libc::EEXIST)?;
    let pool = Pool { dir: open_at(root.as_raw_fd(), &label, DIRECTORY)?, label };
    let container = CString::new(DEFAULT_CONTAINER).expect("no NUL");
    match open_at(pool.dir.as_raw_fd(), &container, DIRECTORY) {
        Err(libc::ENOENT) => ignore(pool.create_container(&container, &Properties::plain()), libc::EEXIST),
        other => other.map(drop),
    }
}

fn populate(dir: &OwnedFd, properties: &Properties) -> Result<()> {
    use std::io::Write;
    let fd = dir.as_raw_fd();
    let write = |name: &CStr, bytes: &[u8]| {
        let mut file = std::fs::File::from(open_at(fd, name, libc::O_WRONLY | libc::O_CREAT)?);
        file.write_all(bytes).map_err(|e| e.raw_os_error().unwrap_or(libc::EIO))
    };
    write(c"cont", properties.to_text().as_bytes())?;
    write(c"ids", &[0; 8])?;
    mkdir_at(fd, c"dir")?;
    mkdir_at(fd, c"obj")?;
    let objects = open_at(fd, c"obj", DIRECTORY)?;
    for low_byte in 0..256u64 {
        mkdir_at(objects.as_raw_fd(), Name::new().push_hex(low_byte, 2).as_c_str())?;
    }
    let class = properties.class_for(Kind::Directory, 0, 0)?;
    let oid = oclass::stamp(daos_obj_id_t { lo: 0, hi: 1 }, class, Kind::Directory);
    mkdir_at(open_at(fd, c"dir", DIRECTORY)?.as_raw_fd(), directory_name(oid).as_c_str())?;
    let now = super::sys::now();
    // SAFETY: the calls have no preconditions.
    let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
    let root = Entry { mode: libc::S_IFDIR | 0o755, oid, chunk: 0, oclass: 0, uid, gid, ctime: now, mtime: now };
    root.insert(fd, c"root", &[])
}

/// The name of a directory object among its like.
pub fn directory_name(oid: daos_obj_id_t) -> Name {
    let mut name = Name::new();
    name.push_hex(oid.hi, 16).push_hex(oid.lo, 16);
    name
}

/// The name of a file object among its like.
pub fn object_name(oid: daos_obj_id_t) -> Name {
    let mut name = Name::new();
    name.push_hex(oid.lo & 0xff, 2).push(b"/").push_hex(oid.hi, 16).push_hex(oid.lo, 16);
    name
}

/// A result in which one error counts as success.
pub fn ignore(result: Result<()>, errno: Errno) -> Result<()> {
    if result == Err(errno) { Ok(()) } else { result }
}

fn flock(fd: &OwnedFd, operation: i32) -> Result<()> {
    // SAFETY: the descriptor is open.
    check(unsafe { libc::flock(fd.as_raw_fd(), operation) }).map(drop)
}

/// Removes a directory and everything below; what disappears meanwhile is no error.
pub fn remove_tree(parent: &OwnedFd, name: &CStr) -> Result<()> {
    match std::fs::remove_dir_all(
        PathBuf::from(format!("/proc/self/fd/{}", parent.as_raw_fd()))
            .join(std::ffi::OsStr::from_bytes(name.to_bytes())),
    ) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e.raw_os_error().unwrap_or(libc::EIO)),
        _ => ignore(unlink_at(parent.as_raw_fd(), name, libc::AT_REMOVEDIR), libc::ENOENT),
    }
}

/// Bytes that nobody else has.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // SAFETY: the buffer has the length given; so few bytes come whole.
    unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), N, 0) };
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_survive_the_round_trip() {
        let properties = Properties {
            chunk: 470_080,
            file_oclass: 0x0100_ffff,
            redundancy_factor: 2,
            hints: "file:max".into(),
            ..Properties::plain()
        };
        assert_eq!(Properties::from_text(&properties.to_text()), Some(properties));
    }

    #[test]
    fn a_label_is_not_a_path_nor_a_uuid() {
        for (label, valid) in [
            (c"tank", true),
            (c"a.b_c:d-1", true),
            (c"", false),
            (c"a/b", false),
            (c"12345678-1234-1234-1234-123456789abc", false),
        ] {
            assert_eq!(check_label(label).is_ok(), valid, "{label:?}");
        }
    }
}
