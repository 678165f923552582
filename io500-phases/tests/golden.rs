//! Byte for byte: after the write phases the tree is that of the C suite, for every standard run of the reference.

mod common;

use io500_phases::config::Config;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The reference runs: tests/data/README.md.
const RUNS: [&str; 7] = [
    "timestamp-np3",
    "offset-np3",
    "incompressible-np3",
    "random-np3",
    "timestamp-np1",
    "shared-file-np4",
    "unique-dir-np3",
];

/// The facts of a reference run.
struct Reference {
    ranks: usize,
    timestamp: String,
    settings: Vec<String>,
    stonewalls: BTreeMap<String, String>,
    tree: Tree,
}

/// Path to `d`, or to size and SHA-256.
type Tree = BTreeMap<String, String>;

/// Reads the facts of a run.
fn reference(name: &str) -> Reference {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/reference").join(format!("{name}.txt"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (mut ranks, mut timestamp) = (0, String::new());
    let (mut settings, mut stonewalls, mut tree) = (Vec::new(), BTreeMap::new(), Tree::new());
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (kind, rest) = line.split_once(' ').unwrap();
        match (kind, rest.split_once(' ')) {
            ("ranks", _) => ranks = rest.parse().unwrap(),
            ("timestamp", _) => timestamp = rest.to_owned(),
            ("set", _) => settings.push(rest.to_owned()),
            ("stonewall", Some((family, count))) => drop(stonewalls.insert(family.to_owned(), count.to_owned())),
            ("dir", _) => drop(tree.insert(rest.to_owned(), "d".to_owned())),
            ("file", Some((path, what))) => drop(tree.insert(path.to_owned(), what.to_owned())),
            _ => panic!("{}: {line}", path.display()),
        }
    }
    assert!(ranks > 0 && stonewalls.len() == 4 && tree.len() > 20, "{name}");
    Reference { ranks, timestamp, settings, stonewalls, tree }
}

impl Reference {
    /// Its configuration with further settings.
    fn config(&self, more: &[&str]) -> Config {
        let settings: Vec<&str> = self.settings.iter().map(String::as_str).chain(more.iter().copied()).collect();
        common::config("", &settings)
    }

    /// The counts at the stonewall are those of the run.
    #[track_caller]
    fn assert_stonewalls(&self, results: &Path, name: &str) {
        for (family, count) in &self.stonewalls {
            let found = fs::read_to_string(results.join(format!("{family}.stonewall"))).unwrap();
            assert_eq!(found.trim(), count, "{name} {family}");
        }
    }
}

fn found(root: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut open = vec![root.to_owned()];
    while let Some(dir) = open.pop() {
        let below = dir.strip_prefix(root).unwrap().display().to_string();
        tree.insert(if below.is_empty() { ".".into() } else { below }, "d".into());
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let below = path.strip_prefix(root).unwrap().display().to_string();
                tree.insert(below, described(&fs::read(&path).unwrap()));
            }
        }
    }
    tree
}

fn described(data: &[u8]) -> String {
    let hash = Sha256::digest(data).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("{} {hash}", data.len())
}

fn first_difference(expected: &Tree, found: &Tree) -> Option<String> {
    let missing = expected.iter().find(|(path, what)| found.get(*path) != Some(what));
    let extra = found.keys().find(|path| !expected.contains_key(*path));
    missing
        .map(|(path, what)| format!("{path}: must be {what}, is {:?}", found.get(path)))
        .or_else(|| extra.map(|path| format!("{path}: must not be there")))
}

#[test]
fn the_tree_on_posix_is_that_of_the_c_suite() {
    for name in RUNS {
        let reference = reference(name);
        let temp = tempfile::tempdir().unwrap();
        let data = temp.path().join("data");
        let config = reference.config(&[&format!("global.datadir={}", data.display())]);
        let (results, expected) = (temp.path().join("results"), &reference.tree);
        common::run(&config, "write,timestamp", reference.ranks, &reference.timestamp, Some(&results)).unwrap();

        let found = found(&data);
        assert_eq!(first_difference(expected, &found), None, "{name}");
        reference.assert_stonewalls(&results, name);

        // and the comparison can fail: one bit, one name, one file too many
        let mut broken = found.clone();
        let file = broken.iter().find(|(path, _)| path.starts_with("ior-hard/")).map(|(path, _)| path.clone()).unwrap();
        let path = data.join(&file);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!(first_difference(expected, &self::found(&data)).unwrap().starts_with(&file));
        let gone = broken.pop_last().unwrap();
        assert!(first_difference(expected, &broken).unwrap().starts_with(&gone.0));
        broken.extend([gone, ("mdtest-hard/x".to_owned(), "d".to_owned())]);
        assert!(first_difference(expected, &broken).unwrap().starts_with("mdtest-hard/x: must not be there"));
    }
}

/// Writes a run of the reference with more settings, and reads its tree.
fn written(reference: &Reference, settings: &[&str]) -> Tree {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path().join("data");
    let datadir = format!("global.datadir={}", data.display());
    let config = reference.config(&[&[datadir.as_str()], settings].concat());
    let results = temp.path().join("results");
    common::run(&config, "write,timestamp", reference.ranks, &reference.timestamp, Some(&results)).unwrap();
    found(&data)
}

#[test]
fn a_shared_file_stays_one_with_unique_directories() {
    let reference = reference("shared-file-np4");
    let found = written(&reference, &["ior-easy.uniqueDir=TRUE"]);
    assert_eq!(first_difference(&reference.tree, &found), None);
}

#[test]
fn limited_directories_hold_the_first_files_again_and_again() {
    const LIMIT: u64 = 5;
    let reference = reference("timestamp-np3");
    let whole = reference.tree.clone();
    // mdtest fills test-dir.0-0, test-dir.0-1, … with the numbers from 0 in each; a file's data depends on its number and its rank
    let (hard, mut limited): (Tree, Tree) = whole.into_iter().partition(|(path, _)| path.starts_with("mdtest-hard/"));
    for dir in 0..4 {
        for (path, what) in &hard {
            let number = path.rsplit_once('.').and_then(|(_, number)| number.parse::<u64>().ok());
            if what == "d" || number.is_some_and(|number| number < LIMIT) {
                limited.insert(path.replace("test-dir.0-0", &format!("test-dir.0-{dir}")), what.clone());
            }
        }
    }
    let settings = ["mdtest-hard.n=20", &format!("mdtest-hard.files-per-dir={LIMIT}")];
    let found = written(&reference, &settings);
    assert_eq!(found.keys().filter(|path| path.contains("file.mdtest") && path.contains("hard")).count(), 60);
    assert_eq!(first_difference(&limited, &found), None);
}

#[cfg(feature = "dfs")]
mod over_dfs {
    use super::*;
    use io500_phases::backend::select::{Selected, Stores, Visit};
    use io500_phases::backend::{Access, Backend, FileKind, list};
    use io500_phases::comm::threads;
    use io500_phases::phase_id::PhaseId;
    use std::ffi::CString;

    /// Reads a store's tree as `found` reads a directory.
    struct ReadTree<'a> {
        datadir: &'a str,
    }

    impl Visit for ReadTree<'_> {
        type Out = Tree;

        fn visit<B: Backend + Sync>(self, backend: &B) -> Tree
        where
            B::Dir: Send + Sync,
        {
            let mut tree = Tree::new();
            let mut open = vec![(".".to_owned(), backend.open_path(self.datadir).unwrap())];
            while let Some((path, dir)) = open.pop() {
                let mut names: Vec<CString> = Vec::new();
                list(backend, &dir, |name, _| names.push(name.to_owned())).unwrap();
                for name in names {
                    let below = match path.as_str() {
                        "." => name.to_str().unwrap().to_owned(),
                        path => format!("{path}/{}", name.to_str().unwrap()),
                    };
                    let stat = backend.stat(&dir, &name).unwrap();
                    if stat.kind == FileKind::Directory {
                        open.push((below, backend.open_dir(&dir, &name).unwrap()));
                        continue;
                    }
                    let file = backend.open(&dir, &name, Access::Read).unwrap();
                    // one byte more than stat says: the file must end there
                    let mut data = vec![0; stat.size as usize + 1];
                    let got = backend.read_at(&file, 0, &mut data).unwrap();
                    backend.close(file).unwrap();
                    tree.insert(below, described(&data[..got]));
                }
                tree.insert(path, "d".into());
            }
            tree
        }
    }

    /// Writes a run of the reference into a container and reads it back; `None` where there is no pool.
    fn written_over_dfs(reference: &Reference, timestamp: &str, resultdir: &Path) -> Option<Tree> {
        let container = common::Container::new()?;
        let store = container.setting();
        let config = reference.config(&["global.datadir=/bench/data", &store]);
        common::run(&config, "write,timestamp", reference.ranks, timestamp, Some(resultdir)).unwrap();
        let trees = threads::run(1, |comm| {
            let stores = Selected::open(&config, &[PhaseId::IorEasyWrite], "/bench/data", comm).unwrap();
            stores.visit(PhaseId::IorEasyWrite, ReadTree { datadir: "/bench/data" })
        });
        trees.into_iter().next()
    }

    #[test]
    fn the_tree_over_dfs_is_that_of_the_c_suite() {
        for name in RUNS {
            let (reference, results) = (reference(name), tempfile::tempdir().unwrap());
            let (expected, timestamp) = (&reference.tree, reference.timestamp.as_str());
            let Some(found) = written_over_dfs(&reference, timestamp, results.path()) else { return };
            assert_eq!(first_difference(expected, &found), None, "{name}");
            reference.assert_stonewalls(results.path(), name);
            // a seed of another second makes other data, and the comparison sees it
            let later = format!("{}9", &timestamp[..timestamp.len() - 1]);
            let other = written_over_dfs(&reference, &later, results.path()).unwrap();
            assert!(first_difference(expected, &other).unwrap().starts_with("ior-easy/"), "{name}");
        }
    }
}
