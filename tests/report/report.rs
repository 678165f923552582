//! Reports of made-up runs, in every format.

use crate::fixture::{Run, dfs_bench, stdout};

fn one(run: &Run<'_>) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    run.write(&directory.path().join("night"));
    directory
}

/// Text without the path of the temporary directory.
fn settled(text: String, directory: &tempfile::TempDir) -> String {
    text.replace(&directory.path().display().to_string(), "DIR")
}

#[test]
fn text() {
    let directory = one(&Run { slow_rank: Some(2), ..Run::default() });
    insta::assert_snapshot!(settled(stdout(directory.path(), &["report", "-f", "text", "night"]), &directory));
}

#[test]
fn markdown() {
    let directory = one(&Run::default());
    insta::assert_snapshot!(settled(stdout(directory.path(), &["report", "-f", "markdown", "night"]), &directory));
}

#[test]
fn csv() {
    let directory = one(&Run::default());
    insta::assert_snapshot!(stdout(directory.path(), &["report", "-f", "csv", "night"]));
}

#[test]
fn the_slow_rank_is_named_first_with_its_node() {
    let directory = one(&Run { slow_rank: Some(2), ..Run::default() });
    let json = stdout(directory.path(), &["report", "--format", "json", "night"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let phases = json["runs"][0]["phases"].as_array().unwrap();
    assert_eq!(phases.len(), 13);
    for phase in phases.iter().filter(|phase| phase["id"] != "find") {
        let slowest = &phase["stragglers"]["slowest"][0];
        assert_eq!((slowest["rank"].as_u64(), slowest["host"].as_str()), (Some(2), Some("node 1")), "{phase}");
        assert_eq!(phase["stragglers"]["nodes"][0]["host"], "node 1");
    }
}

#[test]
fn html_goes_to_a_file_and_replaces_only_its_own() {
    let directory = one(&Run::default());
    let run = |arguments: &[&str]| dfs_bench(directory.path(), arguments).status.code();
    assert_eq!(run(&["report", "night"]), Some(0));
    let page = std::fs::read_to_string(directory.path().join("report.html")).unwrap();
    assert!(page.contains("<h1>IO500 run night</h1>"));
    assert_eq!(run(&["report", "night"]), Some(0));
    std::fs::write(directory.path().join("notes.md"), "mine").unwrap();
    assert_eq!(run(&["report", "-f", "markdown", "-o", "notes.md", "night"]), Some(2));
    assert_eq!(std::fs::read_to_string(directory.path().join("notes.md")).unwrap(), "mine");
    assert_eq!(run(&["report", "-f", "markdown", "-o", "notes.md", "--force", "night"]), Some(0));
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let directory = one(&Run::default());
    for format in ["html", "text", "json", "csv", "markdown"] {
        let arguments = ["report", "-f", format, "-o", "-", "night"];
        assert_eq!(stdout(directory.path(), &arguments), stdout(directory.path(), &arguments), "{format}");
    }
}

#[test]
fn what_is_missing_is_said() {
    let directory = one(&Run::default());
    std::fs::remove_file(directory.path().join("night/ior-hard-read.csv")).unwrap();
    std::fs::write(directory.path().join("night/mdtest-hard-stat.csv"), "rubbish\n").unwrap();
    let text = stdout(directory.path(), &["report", "-f", "text", "night"]);
    assert!(text.contains("- ior-hard-read.csv is missing: no per-rank figures of ior-hard-read."), "{text}");
    assert!(
        text.contains("- mdtest-hard-stat.csv cannot be read: the header is not that of a per-rank file"),
        "{text}"
    );
    assert!(text.contains("- The C suite does not measure the latency of single operations."));
}

#[test]
fn a_directory_without_a_run_is_a_usage_error() {
    let directory = tempfile::tempdir().unwrap();
    let output = dfs_bench(directory.path(), &["report", "."]);
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.starts_with("error: no run in .: none of result.json, result.txt and "), "{message}");
    assert!(!directory.path().join("report.html").exists());
}
