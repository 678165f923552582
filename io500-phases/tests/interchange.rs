//! Files that the C suite wrote pass our read, stat and delete phases. What it wrote is made anew here, from `tree.txt` and the rules of
//! its data, independently of the code that is tested; a SHA-256 for every file says that it is the same. (The other way round, that our
//! files are the C suite's, is what the golden tests show.)

mod common;

use io500_phases::phases::Check;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;

/// Reference run, ranks, timestamp.
const RUNS: [(&str, usize, &str); 3] = [
    ("timestamp-np3", 3, "2026.01.02-03.04.05"),
    ("shared-file-np4", 4, "2026.05.05-05.05.05"),
    ("unique-dir-np3", 3, "2026.06.06-06.06.06"),
];

/// The seed of a family's data: the hash of its name and the timestamp.
fn seed(family: &str, timestamp: &str) -> i32 {
    let step = |hash: u32, byte: u8| hash.rotate_left(2).wrapping_add(byte as i8 as u32);
    let hash = family.bytes().chain(timestamp.bytes()).fold(0, step);
    (if hash == 0 || hash == u32::MAX { 4711 } else { hash }) as i32
}

/// One transfer of the packet type `timestamp`.
fn transfer(seed: i32, writer: u64, length: usize) -> Vec<u8> {
    let words =
        (0..(length / 8) as u64).flat_map(|i| (writer << 32 | (i64::from(seed) as u64).wrapping_add(i)).to_le_bytes());
    words.chain((length - length % 8..length).map(|at| at as u8)).collect()
}

/// The content of a file, from its path and size alone.
fn content(path: &str, size: usize, ranks: usize, timestamp: &str, easy: (usize, usize)) -> Vec<u8> {
    let family = path.split('/').next().unwrap();
    let seed = seed(family, timestamp);
    let name = path.rsplit('/').next().unwrap();
    let number = |at: usize| name.split('.').nth(at).and_then(|text| text.parse::<u64>().ok());
    match family {
        "ior-hard" => (0..size / 47_008).flat_map(|i| transfer(seed, (i % ranks) as u64, 47_008)).collect(),
        "ior-easy" => {
            let (transfer_size, block) = easy;
            let writer = |at: usize| number(1).unwrap_or((at * transfer_size / block) as u64);
            (0..size / transfer_size).flat_map(|at| transfer(seed, writer(at), transfer_size)).collect()
        }
        // file.mdtest.<owner>.<i>
        _ => transfer(seed, number(2).unwrap(), size),
    }
}

fn write_tree(tree: &str, datadir: &Path, ranks: usize, timestamp: &str, easy: (usize, usize)) {
    fs::create_dir(datadir).unwrap();
    for line in tree.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["d", "."] => {}
            ["d", path] => fs::create_dir_all(datadir.join(path)).unwrap(),
            ["f", path, size, hash] => {
                let data = content(path, size.parse().unwrap(), ranks, timestamp, easy);
                let found = Sha256::digest(&data).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
                assert_eq!(found, hash, "{path}: the generator does not make what the C suite wrote");
                fs::write(datadir.join(path), data).unwrap();
            }
            _ => panic!("{line:?}"),
        }
    }
}

#[test]
fn what_the_c_suite_wrote_passes_our_phases() {
    let Some(reference) = common::shared("reference") else { return };
    for (name, ranks, timestamp) in RUNS {
        let reference = reference.join(name);
        let temp = tempfile::tempdir().unwrap();
        let (data, results) = (temp.path().join("data"), temp.path().join("results"));
        let text = fs::read_to_string(reference.join("results/config.ini")).unwrap();
        let settings = [format!("global.datadir={}", data.display()), "debug.pause-dir=".to_owned()];
        let config = common::config(&text, &settings.each_ref().map(String::as_str));
        fs::create_dir(&results).unwrap();
        fs::File::create(results.join("timestampfile")).unwrap();
        let easy = (config.ior_easy.transfer_size as usize, config.ior_easy.block_size as usize);
        write_tree(&fs::read_to_string(reference.join("tree.txt")).unwrap(), &data, ranks, timestamp, easy);
        for family in ["ior-easy", "ior-hard", "mdtest-easy", "mdtest-hard"] {
            let file = format!("{family}.stonewall");
            fs::copy(reference.join(&file), results.join(&file)).unwrap();
        }

        let phases = "find,ior-easy-read,ior-hard-read,stat,mdtest-hard-read,delete";
        let result = common::run(&config, phases, ranks, timestamp, Some(&results)).unwrap();
        assert_eq!(result.phases.len(), 8);
        for phase in &result.phases {
            let check = phase.check.clone().unwrap_or_default();
            assert!(check.is_clean(), "{name}: {}: {check:?}", phase.phase);
            assert!(phase.operations > 0, "{name}: {}", phase.phase);
            if let Some(find) = &phase.find {
                assert_eq!((Some(find.found), Some(find.total)), (find.expected_found, find.expected_total), "{name}");
            }
        }
        // the delete phases leave nothing but ior's files
        let left = |family: &str| fs::read_dir(data.join(family)).unwrap().count();
        assert_eq!((left("mdtest-easy"), left("mdtest-hard"), left("ior-hard")), (0, 0, 1), "{name}");
        let checks: Vec<&Check> = result.phases.iter().filter_map(|phase| phase.check.as_ref()).collect();
        assert!(checks.iter().map(|check| check.checked).sum::<u64>() > 100, "{name}");
    }
}

#[test]
fn data_of_another_run_does_not_pass() {
    let Some(reference) = common::shared("reference") else { return };
    let (name, ranks, timestamp) = RUNS[0];
    let temp = tempfile::tempdir().unwrap();
    let (data, results) = (temp.path().join("data"), temp.path().join("results"));
    let text = fs::read_to_string(reference.join(name).join("results/config.ini")).unwrap();
    let settings = [format!("global.datadir={}", data.display()), "debug.pause-dir=".to_owned()];
    let config = common::config(&text, &settings.each_ref().map(String::as_str));
    fs::create_dir(&results).unwrap();
    write_tree(
        &fs::read_to_string(reference.join(name).join("tree.txt")).unwrap(),
        &data,
        ranks,
        timestamp,
        (262_144, 1 << 20),
    );
    fs::copy(reference.join(name).join("ior-easy.stonewall"), results.join("ior-easy.stonewall")).unwrap();
    let result = common::run(&config, "ior-easy-read", ranks, "2026.01.02-03.04.06", Some(&results)).unwrap();
    let check = result.phases[0].check.as_ref().unwrap();
    assert_eq!(check.wrong, check.checked);
    assert!(check.wrong > 0);
}
