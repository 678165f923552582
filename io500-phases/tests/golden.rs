//! Byte for byte: after the write phases the tree is that of the C suite, for every standard run of the reference.

mod common;

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Reference run, ranks, timestamp.
const RUNS: [(&str, usize, &str); 7] = [
    ("timestamp-np3", 3, "2026.01.02-03.04.05"),
    ("offset-np3", 3, "2026.01.02-03.04.05"),
    ("incompressible-np3", 3, "2026.01.02-03.04.05"),
    ("random-np3", 3, "2026.01.02-03.04.05"),
    ("timestamp-np1", 1, "2026.02.03-04.05.06"),
    ("shared-file-np4", 4, "2026.05.05-05.05.05"),
    ("unique-dir-np3", 3, "2026.06.06-06.06.06"),
];

/// Path to `d`, or to size and SHA-256.
type Tree = BTreeMap<String, String>;

fn expected(text: &str) -> Tree {
    text.lines()
        .map(|line| {
            let mut words = line.split(' ');
            let kind = words.next().unwrap();
            let path = words.next().unwrap().to_owned();
            (path, if kind == "d" { "d".to_owned() } else { words.collect::<Vec<_>>().join(" ") })
        })
        .collect()
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
    let Some(reference) = common::shared("reference") else { return };
    for (name, ranks, timestamp) in RUNS {
        let temp = tempfile::tempdir().unwrap();
        let data = temp.path().join("data");
        let text = fs::read_to_string(reference.join(name).join("results/config.ini")).unwrap();
        let settings = [format!("global.datadir={}", data.display()), "debug.pause-dir=".to_owned()];
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let config = common::config(&text, &settings);
        common::run(&config, "write,timestamp", ranks, timestamp, Some(&temp.path().join("results"))).unwrap();

        let expected = expected(&fs::read_to_string(reference.join(name).join("tree.txt")).unwrap());
        let found = found(&data);
        assert_eq!(first_difference(&expected, &found), None, "{name}");
        for family in ["ior-easy", "ior-hard", "mdtest-easy", "mdtest-hard"] {
            let file = format!("{family}.stonewall");
            let theirs = fs::read_to_string(reference.join(name).join(&file)).unwrap();
            assert_eq!(fs::read_to_string(temp.path().join("results").join(&file)).unwrap(), theirs, "{name} {file}");
        }

        // and the comparison can fail: one bit, one name, one file too many
        let mut broken = found.clone();
        let file = broken.iter().find(|(path, _)| path.starts_with("ior-hard/")).map(|(path, _)| path.clone()).unwrap();
        let path = data.join(&file);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!(first_difference(&expected, &self::found(&data)).unwrap().starts_with(&file));
        let gone = broken.pop_last().unwrap();
        assert!(first_difference(&expected, &broken).unwrap().starts_with(&gone.0));
        broken.extend([gone, ("mdtest-hard/x".to_owned(), "d".to_owned())]);
        assert!(first_difference(&expected, &broken).unwrap().starts_with("mdtest-hard/x: must not be there"));
    }
}

/// Writes a run of the reference with more settings, and reads its tree.
fn written(reference: &Path, name: &str, ranks: usize, timestamp: &str, settings: &[&str]) -> Tree {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path().join("data");
    let text = fs::read_to_string(reference.join(name).join("results/config.ini")).unwrap();
    let datadir = format!("global.datadir={}", data.display());
    let config = common::config(&text, &[&[datadir.as_str(), "debug.pause-dir="], settings].concat());
    common::run(&config, "write,timestamp", ranks, timestamp, Some(&temp.path().join("results"))).unwrap();
    found(&data)
}

#[test]
fn a_shared_file_stays_one_with_unique_directories() {
    let Some(reference) = common::shared("reference") else { return };
    let name = "shared-file-np4";
    let expected = expected(&fs::read_to_string(reference.join(name).join("tree.txt")).unwrap());
    let found = written(&reference, name, 4, "2026.05.05-05.05.05", &["ior-easy.uniqueDir=TRUE"]);
    assert_eq!(first_difference(&expected, &found), None);
}

#[test]
fn limited_directories_hold_the_first_files_again_and_again() {
    const LIMIT: u64 = 5;
    let Some(reference) = common::shared("reference") else { return };
    let name = "timestamp-np3";
    let whole = expected(&fs::read_to_string(reference.join(name).join("tree.txt")).unwrap());
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
    let found = written(&reference, name, 3, "2026.01.02-03.04.05", &settings);
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
    fn written_over_dfs(text: &str, ranks: usize, timestamp: &str, resultdir: &Path) -> Option<Tree> {
        let container = common::Container::new()?;
        let store = container.setting();
        let config = common::config(text, &["global.datadir=/bench/data", "debug.pause-dir=", &store]);
        common::run(&config, "write,timestamp", ranks, timestamp, Some(resultdir)).unwrap();
        let trees = threads::run(1, |comm| {
            let stores = Selected::open(&config, &[PhaseId::IorEasyWrite], "/bench/data", comm).unwrap();
            stores.visit(PhaseId::IorEasyWrite, ReadTree { datadir: "/bench/data" })
        });
        trees.into_iter().next()
    }

    #[test]
    fn the_tree_over_dfs_is_that_of_the_c_suite() {
        let Some(reference) = common::shared("reference") else { return };
        for (name, ranks, timestamp) in RUNS {
            let results = tempfile::tempdir().unwrap();
            let text = fs::read_to_string(reference.join(name).join("results/config.ini")).unwrap();
            let Some(found) = written_over_dfs(&text, ranks, timestamp, results.path()) else { return };
            let expected = expected(&fs::read_to_string(reference.join(name).join("tree.txt")).unwrap());
            assert_eq!(first_difference(&expected, &found), None, "{name}");
            for family in ["ior-easy", "ior-hard", "mdtest-easy", "mdtest-hard"] {
                let file = format!("{family}.stonewall");
                let theirs = fs::read_to_string(reference.join(name).join(&file)).unwrap();
                assert_eq!(fs::read_to_string(results.path().join(&file)).unwrap(), theirs, "{name} {file}");
            }
            // a seed of another second makes other data, and the comparison sees it
            let later = format!("{}9", &timestamp[..timestamp.len() - 1]);
            let other = written_over_dfs(&text, ranks, &later, results.path()).unwrap();
            assert!(first_difference(&expected, &other).unwrap().starts_with("ior-easy/"), "{name}");
        }
    }
}
