//! Where facts are read: this machine, a directory with a snapshot, or an archive in memory. Reading is bounded and stays inside.
//!
//! Symbolic links of a snapshot are followed by this file, not by the kernel, so that none leads out: an absolute one begins again at the
//! root, one that climbs above it is refused. Only regular files are opened, never a FIFO or a device, and never more than a bound.

use super::tree::{Entry, Tree};
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// The largest file that is read: `/proc/interrupts` of a machine with a thousand CPUs has half of that.
pub(super) const MAX_FILE: u64 = 8 << 20;
/// The most that is read under one root.
const MAX_TOTAL: u64 = 128 << 20;
/// The most names of one directory.
const MAX_NAMES: usize = 65_536;
/// Links on the way to one file, as the kernel has it.
const MAX_LINKS: usize = 40;

/// A file that is there and was not read, or that the reader had to refuse.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Unread {
    /// The path below the root.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// Where facts are read.
pub struct Root {
    source: Source,
    unread: RefCell<BTreeMap<String, String>>,
    taken: RefCell<Tree>,
    total: Cell<u64>,
}

enum Source {
    Live,
    Directory(PathBuf),
    Tree(Tree),
}

impl Root {
    /// This machine.
    pub fn live() -> Root {
        Root::new(Source::Live)
    }

    /// A snapshot in a directory: it has `sys` and `proc`, or one directory that has them.
    ///
    /// # Errors
    /// When the directory cannot be opened.
    pub fn directory(path: &Path) -> io::Result<Root> {
        let mut names: Vec<_> = fs::read_dir(path)?.take(MAX_NAMES).collect::<io::Result<_>>()?;
        let has = |name: &str| names.iter().any(|entry| entry.file_name() == name);
        if !has("sys") && !has("proc") && names.len() == 1 && names[0].file_type()?.is_dir() {
            return Ok(Root::new(Source::Directory(names.remove(0).path())));
        }
        Ok(Root::new(Source::Directory(path.to_owned())))
    }

    /// A tree in memory.
    pub fn tree(tree: Tree) -> Root {
        Root::new(Source::Tree(tree.below_single_top()))
    }

    fn new(source: Source) -> Root {
        Root { source, unread: RefCell::default(), taken: RefCell::default(), total: Cell::new(0) }
    }

    /// Whether this is the running machine.
    pub fn is_live(&self) -> bool {
        matches!(self.source, Source::Live)
    }

    /// The text of a file, trimmed; `None` when there is none, or none that may be read.
    pub fn read(&self, path: &str) -> Option<String> {
        self.read_only(path, str::to_owned)
    }

    /// The same, keeping only what `keep` makes of it: what else stands in the file gets into no snapshot.
    pub fn read_only(&self, path: &str, keep: impl FnOnce(&str) -> String) -> Option<String> {
        let bytes = self.bytes(path).unwrap_or_else(|reason| {
            self.unread.borrow_mut().insert(path.to_owned(), reason);
            None
        })?;
        let text = keep(String::from_utf8_lossy(&bytes).trim());
        self.taken.borrow_mut().file(path, format!("{text}\n"));
        Some(text)
    }

    /// The number that a file holds.
    pub fn number<T: std::str::FromStr>(&self, path: &str) -> Option<T> {
        self.read(path)?.parse().ok()
    }

    /// The names in a directory, sorted; none where it is not there.
    pub fn names(&self, path: &str) -> Vec<String> {
        let names = self.listed(path);
        if let Ok(names) = &names {
            let mut taken = self.taken.borrow_mut();
            taken.dir(path);
            for name in names {
                taken.dir(&format!("{path}/{name}"));
            }
        }
        names.unwrap_or_default()
    }

    /// Whether this is a directory.
    pub fn has_dir(&self, path: &str) -> bool {
        self.listed(path).is_ok()
    }

    /// What was there and was not read.
    pub fn unread(&self) -> Vec<Unread> {
        let unread = self.unread.borrow();
        unread.iter().map(|(path, reason)| Unread { path: path.clone(), reason: reason.clone() }).collect()
    }

    /// Everything that has been read: a snapshot of it reads the same.
    pub fn taken(&self) -> Tree {
        self.taken.borrow().clone()
    }

    fn bytes(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        let bytes = match &self.source {
            Source::Live => read_file(Path::new(path), 0)?,
            Source::Directory(root) => match self.resolve(path)? {
                Some((at, Entry::File(_))) => read_file(&root.join(at), libc::O_NOFOLLOW)?,
                Some((_, Entry::Other)) => return Err("refused: no regular file".into()),
                _ => None,
            },
            Source::Tree(tree) => match self.resolve(path)? {
                Some((at, Entry::File(_))) => match tree.get(&at) {
                    Some(Entry::File(bytes)) => Some(bytes.clone()),
                    _ => None,
                },
                Some((_, Entry::Other)) => return Err("refused: no regular file".into()),
                _ => None,
            },
        };
        let total = self.total.get() + bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
        self.total.set(total);
        if total > MAX_TOTAL { Err(format!("refused: more than {} MiB in all", MAX_TOTAL >> 20)) } else { Ok(bytes) }
    }

    fn listed(&self, path: &str) -> Result<Vec<String>, String> {
        let read = |dir: &Path| -> Result<Vec<String>, String> {
            let entries = fs::read_dir(dir).map_err(|error| error.to_string())?.take(MAX_NAMES);
            let mut names: Vec<String> =
                entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
            names.sort();
            Ok(names)
        };
        match &self.source {
            Source::Live => read(Path::new(path)),
            Source::Directory(root) => match self.resolve(path)? {
                Some((at, Entry::Dir)) => read(&root.join(at)),
                _ => Err("no directory".into()),
            },
            Source::Tree(tree) => match self.resolve(path)? {
                Some((at, Entry::Dir)) => Ok(tree.names(&at)),
                _ => Err("no directory".into()),
            },
        }
    }

    /// Follows a path and its links inside the root; the contents of a file are left out.
    fn resolve(&self, path: &str) -> Result<Option<(String, Entry)>, String> {
        let mut rest: Vec<String> = parts(path).rev().collect();
        let (mut at, mut kind, mut links) = (Vec::<String>::new(), Entry::Dir, 0);
        while let Some(part) = rest.pop() {
            if part == ".." {
                if at.pop().is_none() {
                    return Err("refused: a link leads out of the root".into());
                }
                kind = Entry::Dir;
                continue;
            }
            at.push(part);
            match self.entry(&at.join("/")) {
                None => return Ok(None),
                Some(Entry::Link(target)) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err("refused: its links lead in a circle".into());
                    }
                    at.pop();
                    if target.starts_with('/') {
                        at.clear();
                    }
                    rest.extend(parts(&target).rev());
                    kind = Entry::Dir;
                }
                Some(entry) => kind = entry,
            }
        }
        Ok(Some((at.join("/"), kind)))
    }

    fn entry(&self, path: &str) -> Option<Entry> {
        match &self.source {
            Source::Live => None,
            Source::Directory(root) => {
                let path = root.join(path);
                let kind = fs::symlink_metadata(&path).ok()?.file_type();
                Some(if kind.is_symlink() {
                    Entry::Link(fs::read_link(&path).ok()?.to_str()?.to_owned())
                } else if kind.is_dir() {
                    Entry::Dir
                } else if kind.is_file() {
                    Entry::File(Vec::new())
                } else {
                    Entry::Other
                })
            }
            Source::Tree(tree) => tree.get(path).map(|entry| match entry {
                Entry::File(_) => Entry::File(Vec::new()),
                other => other.clone(),
            }),
        }
    }
}

/// The parts of a path without what changes nothing.
fn parts(path: &str) -> impl DoubleEndedIterator<Item = String> + '_ {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").map(str::to_owned)
}

/// The bytes of a regular file up to a bound; `None` when it is not there or the kernel has nothing to say.
fn read_file(path: &Path, more: libc::c_int) -> Result<Option<Vec<u8>>, String> {
    // not blocking: what was a file a moment ago may be a FIFO now
    let opened = fs::File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY | more).open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err("needs root".into()),
        Err(_) => return Ok(None),
    };
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => {}
        Ok(metadata) if metadata.is_dir() => return Ok(None),
        _ => return Err("refused: no regular file".into()),
    }
    let mut bytes = Vec::new();
    match file.take(MAX_FILE + 1).read_to_end(&mut bytes) {
        Ok(length) if length as u64 > MAX_FILE => Err(format!("refused: larger than {} MiB", MAX_FILE >> 20)),
        Ok(_) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err("needs root".into()),
        // the speed of a link that is down is such a file: the kernel refuses the value
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree in memory and the same in a directory.
    fn both(build: impl Fn(&mut Tree)) -> (tempfile::TempDir, [Root; 2]) {
        let mut tree = Tree::default();
        tree.file("sys/there", "1\n");
        build(&mut tree);
        let dir = tempfile::tempdir().unwrap();
        for (path, entry) in tree.entries() {
            let path = dir.path().join(path);
            match entry {
                Entry::File(bytes) => fs::write(path, bytes).unwrap(),
                Entry::Dir => fs::create_dir(path).unwrap(),
                Entry::Link(target) => std::os::unix::fs::symlink(target, path).unwrap(),
                Entry::Other => {
                    let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
                    assert!(made.success());
                }
            }
        }
        let root = Root::directory(dir.path()).unwrap();
        (dir, [root, Root::tree(tree)])
    }

    fn refusal(root: &Root, path: &str) -> String {
        assert_eq!(root.read(path), None);
        root.unread().into_iter().find(|unread| unread.path == path).map(|unread| unread.reason).unwrap_or_default()
    }

    #[test]
    fn links_are_followed_inside_the_root_and_never_out_of_it() {
        let (_dir, roots) = both(|tree| {
            tree.file("sys/devices/a/value", " 7 \n");
            tree.link("sys/class/a", "../devices/a");
            tree.link("sys/absolute", "/sys/devices/a/value");
            tree.link("sys/out", "../../../../../../../../etc/passwd");
            tree.link("sys/passwd", "/etc/passwd");
            tree.link("sys/circle", "circle2");
            tree.link("sys/circle2", "circle");
            tree.link("sys/self", ".");
        });
        for root in roots {
            assert_eq!(root.number("/sys/class/a/value"), Some(7));
            assert_eq!(root.number("/sys/absolute"), Some(7), "an absolute link begins at the root");
            assert_eq!(root.number("/sys/self/self/there"), Some(1));
            assert_eq!(root.read("/sys/passwd"), None);
            assert!(refusal(&root, "/sys/out").contains("out of the root"));
            assert!(refusal(&root, "/sys/circle").contains("circle"));
            assert_eq!(root.names("/sys/class"), ["a"]);
            assert_eq!(root.names("/sys/out"), [""; 0]);
            assert_eq!(root.names("/sys/class/a"), ["value"]);
            // what was taken reads the same, and holds nothing else
            let again = Root::tree(root.taken());
            assert_eq!(again.number("/sys/class/a/value"), Some(7));
            assert_eq!(again.names("/sys/class"), ["a"]);
            assert!(root.taken().files().all(|(_, bytes)| bytes.len() < 4));
        }
    }

    #[test]
    fn fifos_and_huge_files_are_refused() {
        let (dir, roots) = both(|tree| tree.insert("sys/fifo", Entry::Other));
        for root in &roots {
            assert!(refusal(root, "/sys/fifo").contains("no regular file"));
        }
        // sparse: as large as a hostile one, without its blocks
        fs::File::create(dir.path().join("sys/huge")).unwrap().set_len(1 << 40).unwrap();
        assert!(refusal(&roots[0], "/sys/huge").contains("larger than 8 MiB"));
    }

    #[test]
    fn what_is_there_and_needs_root_is_said() {
        use std::os::unix::fs::PermissionsExt as _;
        let (dir, [root, _]) = both(|_| {});
        fs::set_permissions(dir.path().join("sys/there"), fs::Permissions::from_mode(0o0)).unwrap();
        match root.read("/sys/there") {
            None => assert_eq!(refusal(&root, "/sys/there"), "needs root"),
            Some(_) => {
                use std::os::unix::fs::MetadataExt as _;
                assert_eq!(fs::metadata("/proc/self").unwrap().uid(), 0, "root reads everything");
            }
        }
        assert_eq!(root.read("/sys/gone"), None);
        assert!(root.unread().iter().all(|unread| unread.path != "/sys/gone"));
    }

    #[test]
    fn filtered_files_keep_their_secrets() {
        let mut tree = Tree::default();
        tree.file("proc/cmdline", "quiet password=x nosmt");
        let root = Root::tree(tree);
        assert_eq!(root.read_only("/proc/cmdline", |_| "nosmt".into()).as_deref(), Some("nosmt"));
        assert_eq!(root.taken().files().next(), Some(("proc/cmdline", b"nosmt\n".as_slice())));
    }
}
