//! What a mounted file system is: type, mount point, device, DAOS pool and container behind a dfuse mount, interception.

use super::posix_dfuse;
use super::{Description, Space};
use crate::text;
use std::fs;
use std::path::{Path, PathBuf};

/// One line of `/proc/self/mountinfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mount {
    point: PathBuf,
    fs_type: String,
    source: String,
    options: String,
}

/// A table of the kernel. The paths in it are bytes: one that is not UTF-8 must not hide the others.
fn table(path: &str) -> String {
    text::escape(&fs::read(path).unwrap_or_default())
}

/// How the type of a dfuse mount begins.
const DFUSE: &str = "fuse.daos";

/// Whether a path lies on a dfuse mount, by its words and the table of mounts alone.
pub(super) fn on_dfuse(path: &str) -> bool {
    let mounts = table("/proc/self/mountinfo");
    let path = text::path(path);
    let path = std::path::absolute(&path).unwrap_or(path);
    mount_of(&mounts, &path).is_some_and(|mount| mount.fs_type == DFUSE)
}

/// Space of the file system that a path lies on. Asked of the kernel: libpil4dfs answers without the size of a fragment.
fn space(path: &Path) -> Option<Space> {
    let raw = rustix::fs::statvfs(path).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(raw.f_frsize);
    // a file system without blocks, like /proc, does not tell
    (raw.f_blocks > 0).then(|| Space { total: bytes(raw.f_blocks), free: bytes(raw.f_bavail) })
}

pub(super) fn describe(root: &str, direct: bool) -> Description {
    let path = nearest_existing(&text::path(root));
    let mounts = table("/proc/self/mountinfo");
    let mount = mount_of(&mounts, &path);
    let mut description =
        Description { api: "POSIX".into(), real: true, space: space(&path), ..Description::default() };
    let mut fact = |name: &str, value: String| description.facts.push((name.to_owned(), value));
    match &mount {
        Some(mount) => {
            fact("file system", mount.fs_type.clone());
            fact("mount point", text::of(&mount.point));
            fact("device", mount.source.clone());
            fact("mount options", mount.options.clone());
        }
        None => fact("file system", "unknown".into()),
    }
    let mut cached = String::new();
    if let Some(mount) = mount.as_ref().filter(|mount| mount.fs_type == DFUSE) {
        if let Some((pool, container)) = posix_dfuse::container(&path, &mount.point) {
            fact("pool uuid", pool);
            fact("container uuid", container);
        }
        let caching = posix_dfuse::caching(&mount.point);
        fact("caching", caching.words().to_owned());
        cached = format!(", caching {}", caching.words());
        description.doubts.extend(caching.doubt().map(str::to_owned));
    }
    fact("O_DIRECT", if direct { "on" } else { "off" }.into());
    let interception = loaded_interception();
    fact("interception", interception.clone().unwrap_or_else(|| "none".into()));
    let fs_type = mount.map_or_else(|| "unknown file system".to_owned(), |mount| mount.fs_type);
    description.provider = match interception {
        Some(library) => format!("{fs_type} with {library}{cached}"),
        None => fs_type + &cached,
    };
    description
}

fn nearest_existing(path: &Path) -> PathBuf {
    path.ancestors()
        .find_map(|ancestor| {
            fs::canonicalize(if ancestor.as_os_str().is_empty() { Path::new(".") } else { ancestor }).ok()
        })
        .unwrap_or_else(|| PathBuf::from("/"))
}

/// The DAOS interception library that is loaded into this process, if one is.
pub(super) fn loaded_interception() -> Option<String> {
    interception(&table("/proc/self/maps"))
}

fn interception(maps: &str) -> Option<String> {
    ["libpil4dfs", "libioil"].into_iter().find(|library| maps.contains(library)).map(str::to_owned)
}

/// The mount that `path` lies on: the longest mount point that is a prefix, the last one where several are stacked.
fn mount_of(mountinfo: &str, path: &Path) -> Option<Mount> {
    mountinfo
        .lines()
        .filter_map(parse_mount)
        .filter(|mount| path.starts_with(&mount.point))
        .max_by_key(|mount| mount.point.components().count())
}

fn parse_mount(line: &str) -> Option<Mount> {
    let (left, right) = line.split_once(" - ")?;
    let mut left = left.split(' ').skip(4);
    let mut right = right.split(' ');
    Some(Mount {
        point: text::path(&unescape(left.next()?)),
        options: left.next()?.to_owned(),
        fs_type: right.next()?.to_owned(),
        source: unescape(right.next()?),
    })
}

/// mountinfo writes blanks, tabs, newlines and backslashes as three octal digits.
fn unescape(text: &str) -> String {
    ["\\040", "\\011", "\\012", "\\134"]
        .into_iter()
        .zip([" ", "\t", "\n", "\\"])
        .fold(text.to_owned(), |text, (code, character)| text.replace(code, character))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:26 / /dev/shm rw,nosuid shared:4 - tmpfs tmpfs rw
60 22 0:50 / /mnt/d\\040fuse rw,nosuid - fuse.daos dfuse rw,user_id=0
";

    #[test]
    fn the_longest_mount_point_wins_and_blanks_are_decoded() {
        let of = |path: &str| mount_of(MOUNTS, Path::new(path)).unwrap();
        assert_eq!(of("/dev/shm/x").fs_type, "tmpfs");
        assert_eq!(of("/dev/shmx").fs_type, "ext4");
        let dfuse = of("/mnt/d fuse/data");
        assert_eq!((dfuse.fs_type.as_str(), dfuse.source.as_str()), ("fuse.daos", "dfuse"));
    }

    #[test]
    fn space_is_told_where_there_are_blocks() {
        let space = space(&std::env::temp_dir()).unwrap();
        assert!(space.total > 1 << 20 && space.free <= space.total, "{space:?}");
        assert!(super::space(Path::new("/proc")).is_none());
    }

    #[test]
    fn interception_is_seen_in_the_memory_map() {
        assert_eq!(interception("7f00 r-xp 0 0 1 /usr/lib64/libpil4dfs.so\n").as_deref(), Some("libpil4dfs"));
        assert_eq!(interception("7f00 r-xp 0 0 1 /usr/lib64/libc.so.6\n"), None);
    }

    #[test]
    fn a_path_that_does_not_exist_yet_is_described_by_what_is_above_it() {
        let description = describe("/proc/no/such/thing", false);
        assert_eq!(description.facts[0], ("file system".to_owned(), "proc".to_owned()));
    }
}
