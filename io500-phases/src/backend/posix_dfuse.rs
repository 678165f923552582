//! What a dfuse mount really is: the pool and container behind it, and whether it caches.
//!
//! The mount itself tells only which container it shows (an extended attribute of its directories). How it caches is a matter of
//! dfuse's own options, which are looked up in the process table; of a dfuse that runs elsewhere, or as somebody else, nothing is
//! known, and that is said.

use std::path::Path;

/// What is known of the caches between this process and the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caching {
    /// dfuse's default, for data and metadata.
    On,
    /// `--disable-wb-cache`: what is written goes out at once, the rest is cached.
    WriteThrough,
    /// `--disable-caching`.
    Off,
    /// No dfuse process for the mount point was seen.
    Unknown,
}

impl Caching {
    pub(super) fn words(self) -> &'static str {
        match self {
            Caching::On => "on",
            Caching::WriteThrough => "on, without write-back",
            Caching::Off => "off",
            Caching::Unknown => "unknown",
        }
    }

    /// Why a run over this mount is not a fair measurement of DAOS, if it is not.
    pub(super) fn doubt(self) -> Option<&'static str> {
        match self {
            Caching::On | Caching::WriteThrough => Some(
                "the dfuse mount caches data and metadata on this node: the figures may be those of the cache (mount it with --disable-caching)",
            ),
            Caching::Unknown => Some("it is unknown whether the dfuse mount caches"),
            Caching::Off => None,
        }
    }
}

/// Pool and container that a directory below a dfuse mount point belongs to, as UUIDs. The attribute is where a container begins: at
/// the mount point, or at a directory below it that links to another container.
pub(super) fn container(path: &Path, point: &Path) -> Option<(String, String)> {
    path.ancestors().take_while(|ancestor| ancestor.starts_with(point)).find_map(attribute)
}

fn attribute(path: &Path) -> Option<(String, String)> {
    let mut value = [0u8; 1024];
    let length = rustix::fs::getxattr(path, c"user.daos", &mut value[..]).ok()?;
    parse_attribute(std::str::from_utf8(&value[..length]).ok()?)
}

/// `DAOS.POSIX://<pool>/<container>`.
fn parse_attribute(text: &str) -> Option<(String, String)> {
    let (pool, container) = text.trim_end_matches('\0').strip_prefix("DAOS.POSIX://")?.split_once('/')?;
    let container = container.split('/').next()?;
    Some((pool.to_owned(), container.to_owned()))
}

/// How the dfuse of a mount point caches.
pub(super) fn caching(point: &Path) -> Caching {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = processes.filter_map(|process| {
        let path = process.path();
        let name = std::fs::read_to_string(path.join("comm")).ok()?;
        (name.trim() == "dfuse").then(|| std::fs::read(path.join("cmdline")).ok())?
    });
    let words = |line: Vec<u8>| {
        line.split(|&byte| byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect::<Vec<_>>()
    };
    lines.map(words).find_map(|words| parse_command(&words, point)).unwrap_or(Caching::Unknown)
}

/// Options of dfuse that take a value in the next word.
const WITH_VALUE: [&str; 21] = [
    "--mountpoint",
    "-m",
    "--thread-count",
    "-t",
    "--eq-count",
    "-e",
    "--options",
    "-o",
    "--sys-name",
    "-G",
    "--pool",
    "-p",
    "--container",
    "-c",
    "--path",
    "--dump-handles",
    "--read-handles",
    "--snap",
    "-s",
    "--snap-epoch",
    "-N",
];

/// How this dfuse caches, if it is the one of the mount point.
fn parse_command(words: &[String], point: &Path) -> Option<Caching> {
    let mut caching = Caching::On;
    let (mut at, mut named, mut first) = (1, None, None);
    while let Some(word) = words.get(at) {
        at += 1;
        match word.as_str() {
            "--disable-caching" => caching = Caching::Off,
            "--disable-wb-cache" if caching == Caching::On => caching = Caching::WriteThrough,
            "--mountpoint" | "-m" => named = words.get(at),
            word if word.starts_with('-') => {}
            _ => first = first.or(Some(word)),
        }
        if WITH_VALUE.contains(&word.as_str()) {
            at += 1;
        }
    }
    let inline = words.iter().find_map(|word| word.strip_prefix("--mountpoint=").or_else(|| word.strip_prefix("-m")));
    let mountpoint =
        named.map(String::as_str).or(inline.filter(|path| !path.is_empty())).or(first.map(String::as_str))?;
    (Path::new(mountpoint) == point).then_some(caching)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str, point: &str) -> Option<Caching> {
        parse_command(&line.split(' ').map(str::to_owned).collect::<Vec<_>>(), Path::new(point))
    }

    #[test]
    fn the_command_line_of_the_mount_point_tells_how_it_caches() {
        let full = "dfuse --foreground --mountpoint /mnt/d --pool tank --container bench --disable-caching";
        assert_eq!(of(full, "/mnt/d"), Some(Caching::Off));
        assert_eq!(of(full, "/mnt/e"), None);
        assert_eq!(of("dfuse /mnt/d tank bench", "/mnt/d"), Some(Caching::On));
        assert_eq!(of("dfuse -t 4 /mnt/d/ tank bench --disable-wb-cache", "/mnt/d"), Some(Caching::WriteThrough));
        assert_eq!(of("dfuse -m /mnt/d -e 2 tank bench", "/mnt/d"), Some(Caching::On));
        assert_eq!(of("dfuse --mountpoint=/mnt/d tank --disable-caching", "/mnt/d"), Some(Caching::Off));
    }

    #[test]
    fn only_a_mount_without_caches_is_beyond_doubt() {
        assert!(Caching::Off.doubt().is_none());
        assert!([Caching::On, Caching::WriteThrough, Caching::Unknown].iter().all(|caching| caching.doubt().is_some()));
    }

    #[test]
    fn the_attribute_names_pool_and_container() {
        let found = parse_attribute("DAOS.POSIX://38939382-eb75/63fe9800-842b\0").unwrap();
        assert_eq!(found, ("38939382-eb75".to_owned(), "63fe9800-842b".to_owned()));
        assert_eq!(parse_attribute("user"), None);
    }
}
