//! Architecture checks: no stage imports a later one, no two files import each other, `unsafe` stays in its places, every file
//! says what it is for, the documentation names files and tests that exist, and private words do not come back.

#[path = "architecture/imports.rs"]
mod imports;

use imports::Crate;
use std::fs;
use std::path::Path;

/// The stages of `io500-phases`, in the order in which they may import each other.
const STAGES: [&str; 10] =
    ["config", "plan", "facts", "comm", "backend", "engine", "phases", "results", "report", "suite"];

/// Where `unsafe` is allowed: the two crates around the C interface, the POSIX backend, the aligned buffers, and the import of a mount.
const UNSAFE_PLACES: [&str; 5] = [
    "daos-sys/",
    "daos-dfs/",
    "io500-phases/src/backend/posix",
    "io500-phases/src/backend/dfs_connection.rs",
    "io500-phases/src/buffer.rs",
];

/// What the crates promise to the compiler, which holds them to it.
const PROMISES: [(&str, &str); 5] = [
    ("daos-sys/src/lib.rs", "#![deny(missing_docs)]"),
    ("daos-dfs/src/lib.rs", "#![deny(missing_docs)]"),
    ("io500-phases/src/lib.rs", "#![deny(missing_docs)]"),
    ("io500-phases/src/lib.rs", "#![deny(unsafe_code)]"),
    ("dfs-bench/main.rs", "#![forbid(unsafe_code)]"),
];

/// Private words that this project once used where the field has a term, with that term; the words stand alone, in identifiers too.
const PRIVATE_WORDS: [(&str, &str); 25] = [
    ("meeting", "barrier"),
    ("meetings", "barriers"),
    ("meeting point", "barrier"),
    ("stranger", "unexpected entry"),
    ("strangers", "unexpected entries"),
    ("books", "result writer"),
    ("booked", "counted"),
    ("crew", "workers"),
    ("hands", "workers"),
    ("lane", "I/O buffer"),
    ("lanes", "I/O buffers"),
    ("mail", "messages"),
    ("news", "message"),
    ("bad news", "failure"),
    ("house", "workspace"),
    ("rooms", "places"),
    ("bark", "watchdog event"),
    ("hungry", "steal request"),
    ("visits", "rounds"),
    ("last words", "crash record"),
    ("sign of life", "heartbeat"),
    ("signs of life", "heartbeats"),
    ("let go of", "release"),
    ("lets go of", "releases"),
    ("only a wish", "requested"),
];

/// Files in which such a word has its usual meaning.
const USUAL_MEANING: [(&str, &[&str]); 4] = [
    ("io500-phases/src/buffer.rs", &["lane", "lanes"]),
    ("io500-phases/src/facts/pci.rs", &["lane", "lanes"]),
    ("dfs-bench/doctor/rules/network.rs", &["lanes"]),
    ("io500-phases/src/backend/select.rs", &["visits"]),
];

/// A source file: its path below the workspace, and its text.
struct Source {
    path: String,
    text: String,
}

#[test]
fn no_stage_imports_a_later_one() {
    assert_clean(back_edges(&sources()));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    assert_clean(import_circles(&sources()));
}

#[test]
fn unsafe_stays_in_its_places() {
    assert_clean(unsafe_outside(&sources()));
}

#[test]
fn every_file_says_what_it_is_for() {
    assert_clean(without_purpose(&sources()));
}

#[test]
fn the_crates_demand_documentation_and_forbid_unsafe() {
    assert_clean(broken_promises(&sources()));
}

#[test]
fn the_documentation_names_what_exists() {
    assert_clean(dead_references(&documents(), &sources()));
}

#[test]
fn links_between_documents_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert_clean(dead_links(&documents(), |path| root.join(path).exists()));
}

#[test]
fn the_program_in_the_readme_is_the_example_that_compiles() {
    let read = |path: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let readme = read("README.md");
    let program = readme.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a program");
    assert!(read("examples/embed_one_phase.rs").contains(program), "README.md shows another program:\n{program}");
}

#[test]
fn private_words_do_not_come_back() {
    let (mut texts, documents) = (sources(), documents());
    // the list itself
    texts.retain(|source| source.path != "tests/architecture.rs");
    assert_clean(private_words(texts.iter().chain(&documents)));
}

fn assert_clean(found: Vec<String>) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// Every Rust file of the workspace.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    collect(root, root, &mut sources);
    assert!(sources.len() > 50, "only {} files found below {}", sources.len(), root.display());
    sources
}

fn collect(root: &Path, dir: &Path, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        if entry.file_type().unwrap().is_dir() {
            if name != "target" && !name.starts_with('.') {
                collect(root, &path, sources);
            }
        } else if name.ends_with(".rs") {
            let path_in_root = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            sources.push(Source { path: path_in_root, text: fs::read_to_string(&path).unwrap() });
        }
    }
}

/// The documentation in Markdown, of all crates.
fn documents() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dirs = ["", "docs", "daos-sys", "daos-dfs", "io500-phases"].map(|dir| root.join(dir));
    let files = dirs.iter().flat_map(|dir| fs::read_dir(dir).unwrap()).map(|entry| entry.unwrap().path());
    let markdown = files.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    markdown
        .map(|path| Source {
            path: path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(),
            text: fs::read_to_string(&path).unwrap(),
        })
        .collect()
}

/// The lines of code, messages, comments and documents that use one of [`PRIVATE_WORDS`].
fn private_words<'a>(texts: impl Iterator<Item = &'a Source>) -> Vec<String> {
    let mut found = Vec::new();
    for source in texts {
        let usual = USUAL_MEANING.iter().find(|(path, _)| *path == source.path).map_or(&[][..], |(_, words)| words);
        for (number, line) in source.text.lines().enumerate() {
            let spaced = format!(" {} ", words_of(line).join(" "));
            let used = PRIVATE_WORDS.iter().filter(|(word, _)| spaced.contains(&format!(" {word} ")));
            for (word, term) in used.filter(|(word, _)| !usual.contains(word)) {
                found.push(format!("{}:{}: `{word}` is a private word, the term is `{term}`", source.path, number + 1));
            }
        }
    }
    found
}

/// The words of a line in lower case; identifiers are divided at underscores and capitals.
fn words_of(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in line.chars() {
        if !c.is_alphanumeric() || (before.is_lowercase() && c.is_uppercase()) {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_alphanumeric(), words.last_mut()) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// What documents name as `path/file.rs` or `path/file.rs::function`, below the workspace, and is not there.
fn dead_references(documents: &[Source], sources: &[Source]) -> Vec<String> {
    let mut dead = Vec::new();
    for document in documents {
        for name in document.text.split('`').skip(1).step_by(2) {
            let (path, function) = name.split_once("::").unwrap_or((name, ""));
            if !path.ends_with(".rs") || path.contains(|c: char| c.is_whitespace() || "{*<".contains(c)) {
                continue;
            }
            let holds = |source: &Source| function.is_empty() || source.text.contains(&format!("fn {function}("));
            if !sources.iter().any(|source| source.path == path && holds(source)) {
                dead.push(format!("{}: there is no {name}", document.path));
            }
        }
    }
    dead
}

/// Links of documents to paths that are not there, each relative to its document. Links to the web are not followed.
fn dead_links(documents: &[Source], exists: impl Fn(&Path) -> bool) -> Vec<String> {
    let mut dead = Vec::new();
    for document in documents {
        let dir = Path::new(&document.path).parent().unwrap_or(Path::new(""));
        for rest in document.text.split("](").skip(1) {
            let link = rest.split(')').next().unwrap_or_default();
            let path = link.split('#').next().unwrap_or_default();
            if !path.is_empty() && !link.contains("://") && !exists(&dir.join(path)) {
                dead.push(format!("{}: {link} leads nowhere", document.path));
            }
        }
    }
    dead
}

/// The crates: their names and the directories of their sources.
const CRATES: [(&str, &str); 4] = [
    ("daos-sys", "daos-sys/src/"),
    ("daos-dfs", "daos-dfs/src/"),
    ("io500-phases", "io500-phases/src/"),
    ("dfs-bench", "dfs-bench/"),
];

/// The files of a crate whose sources lie in a directory; its other targets are left out.
fn read_crate(sources: &[Source], dir: &str) -> Crate {
    Crate::parse(sources.iter().filter_map(|source| Some((source.path.strip_prefix(dir)?, source.text.as_str()))))
}

/// Paths in `io500-phases` that lead from a stage, or from the files before all stages, to a later stage.
fn back_edges(sources: &[Source]) -> Vec<String> {
    let place = |name: &str| STAGES.iter().position(|&stage| stage == name);
    let mut found = Vec::new();
    for (file, path) in read_crate(sources, "io500-phases/src/").paths() {
        let here = file.split('/').next().unwrap_or_default().trim_end_matches(".rs");
        let Some(to) = path.first().filter(|to| here != "lib" && place(to) > place(here)) else { continue };
        found.push(format!("io500-phases/src/{file}: {here} comes before {to} and must not use it"));
    }
    found
}

/// Files, and modules beside each other, that import each other in a circle.
fn import_circles(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, dir) in CRATES {
        let files = read_crate(sources, dir).edges();
        for edges in [&imports::between_siblings(&files), &files] {
            for circle in imports::circles(edges) {
                let edges = circle.iter().map(|edge| format!("{} -> {}", edge.from.join("/"), edge.to.join("/")));
                found.push(format!("{name}: a circle: {}", edges.collect::<Vec<_>>().join(", ")));
            }
        }
    }
    found
}

fn unsafe_outside(sources: &[Source]) -> Vec<String> {
    let allowed = |path: &str| UNSAFE_PLACES.iter().any(|place| path.starts_with(place)) || path.contains("tests/");
    let has_unsafe = |text: &str| imports::words(text).iter().any(|word| word == "unsafe");
    let outside = sources.iter().filter(|source| !allowed(&source.path) && has_unsafe(&source.text));
    outside.map(|source| format!("{}: unsafe outside its places", source.path)).collect()
}

fn without_purpose(sources: &[Source]) -> Vec<String> {
    let says = |text: &str| text.lines().next().is_some_and(|line| line.starts_with("//! ") && line.len() > 10);
    let silent = sources.iter().filter(|source| !says(&source.text));
    silent.map(|source| format!("{}: the first line does not say what the file is for", source.path)).collect()
}

fn broken_promises(sources: &[Source]) -> Vec<String> {
    let kept = |(path, promise): &(&str, &str)| {
        sources.iter().any(|source| source.path == *path && source.text.lines().any(|line| line == *promise))
    };
    let broken = PROMISES.iter().filter(|promise| !kept(promise));
    broken.map(|(path, promise)| format!("{path}: {promise} is missing")).collect()
}

mod of_the_checks {
    //! The checks themselves, on made-up text: what they must find and what they must let pass.

    use super::*;

    fn one(path: &str, text: &str) -> Vec<Source> {
        vec![Source { path: path.into(), text: text.into() }]
    }

    fn edges(path: &str, text: &str) -> usize {
        back_edges(&one(&format!("io500-phases/src/{path}"), text)).len()
    }

    #[test]
    fn back_edges_are_found_however_they_are_written() {
        for text in [
            "use crate::backend::Backend;",
            "use crate::suite::Suite;",
            "use crate::{error::Error, suite::Suite};",
            "use crate::{\n    plan::{Plan, RankLayout},\n    suite,\n};",
            "fn f() { crate::suite::run() }",
            "fn f(x: &crate::suite::Suite) {}",
            "use super::super::suite::Suite;",
            "use super::super::{plan, suite::Suite};",
            "fn f() { let c = '\"'; } use crate::suite::Suite; // \"",
            "fn f() { println!(\"{}\", crate::suite::dated()) }",
            "#[cfg(test)]\nmod tests { fn f() {} }\nuse crate::suite::Suite;",
        ] {
            assert_eq!(edges("comm/mpi.rs", text), 1, "{text}");
        }
        assert_eq!(edges("plan/mod.rs", "use super::backend::Backend;"), 1);
        assert_eq!(edges("plan.rs", "use super::backend::Backend;"), 1);
        assert_eq!(edges("phases/find/run.rs", "use super::super::super::report::dir;"), 1);
        assert_eq!(edges("units.rs", "use crate::config::Config;"), 1, "what is no stage comes first");
    }

    #[test]
    fn forward_uses_and_words_are_let_pass() {
        for text in [
            "use crate::config::Config; use crate::comm::Comm; use crate::units;",
            "impl crate::plan::Glob for &dyn Comm {}",
            "// crate::suite\n/* crate::suite /* nested */ crate::suite */",
            "const X: &str = \"crate::suite \\\" crate::suite\"; const Y: &str = r#\"crate::suite \" crate::suite\"#;",
            "use super::suite::of_the_own_module; use super::super::plan::Plan;",
            "use dfs::crate_suite; fn f<'a>(x: &'a str) {} use other::suite;",
            "#[cfg(test)]\nmod tests { use crate::suite::Suite; fn f() { {} } }",
        ] {
            assert_eq!(edges("comm/mpi.rs", text), 0, "{text}");
        }
        assert_eq!(back_edges(&one("dfs-bench/main.rs", "use crate::suite;")).len(), 0);
    }

    fn circles(files: &[(&str, &str)]) -> usize {
        let source = |&(path, text): &(&str, &str)| Source { path: format!("dfs-bench/{path}"), text: text.into() };
        import_circles(&files.iter().map(source).collect::<Vec<_>>()).len()
    }

    #[test]
    fn circles_of_files_are_found_however_they_are_written() {
        for (a, b) in [
            ("use super::b::B; struct A;", "use super::a::A; struct B;"),
            ("use crate::dir::b; struct A; fn f() { b::g() }", "fn g() -> super::a::A {}"),
            ("struct A; fn f() { println!(\"{}\", super::b::B) }", "use super::A; struct B;"),
            ("struct A; impl super::b::T for A {}", "use crate::dir::a as other; trait T { fn f(x: other::A); }"),
        ] {
            let files = [("dir/mod.rs", "mod a; mod b; pub use a::A;"), ("dir/a.rs", a), ("dir/b.rs", b)];
            // once as files, once as modules beside each other
            assert_eq!(circles(&files), 2, "{a} {b}");
        }
        let parent = [("dir/mod.rs", "mod a; use a::A; struct M;"), ("dir/a.rs", "use super::M; struct A;")];
        assert_eq!(circles(&parent), 1);
        let through_dirs = [
            ("x/mod.rs", "mod a; mod d;"),
            ("y/mod.rs", "mod b; mod c;"),
            ("x/a.rs", "use crate::y::b::B;"),
            ("y/b.rs", "struct B;"),
            ("y/c.rs", "use crate::x::d::D;"),
            ("x/d.rs", "struct D;"),
        ];
        assert_eq!(circles(&through_dirs), 1, "no files, but modules");
    }

    #[test]
    fn what_goes_one_way_is_no_circle() {
        let re_export = [
            ("dir/mod.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
            ("dir/a.rs", "use super::B; struct A;"),
            ("dir/b.rs", "struct B;"),
        ];
        assert_eq!(circles(&re_export), 0);
        let tests = [
            ("a.rs", "use crate::b::B;"),
            ("b.rs", "struct B; #[cfg(test)] mod tests { use crate::a; } #[test] fn f() { crate::a::x() }"),
        ];
        assert_eq!(circles(&tests), 0);
        let words = [("a.rs", "use crate::b::B;"), ("b.rs", "struct B; // crate::a\nconst X: &str = \"crate::a\";")];
        assert_eq!(circles(&words), 0);
    }

    #[test]
    fn private_words_are_found_in_identifiers_and_sentences_and_let_pass_where_they_are_usual() {
        let found = |path: &str, text: &str| private_words(one(path, text).iter()).len();
        for text in ["// at the next meeting", "struct RankLanes;", "let last_words = 1;", "\"Lets go of it\"", "CREW"]
        {
            assert_eq!(found("io500-phases/src/suite/run.rs", text), 1, "{text}");
        }
        assert_eq!(found("io500-phases/src/buffer.rs", "const LANES: usize = 16; // a lane"), 0);
        assert_eq!(found("io500-phases/src/buffer.rs", "// the crew"), 1);
        assert_eq!(found("docs/X.md", "planes, mailbox, warehouse, newsworthy, bookshop"), 0);
    }

    #[test]
    fn unsafe_is_found_outside_its_places_only() {
        let text = "fn f() { unsafe { g() } }";
        for (path, found) in [
            ("io500-phases/src/plan/ior.rs", 1),
            ("dfs-bench/main.rs", 1),
            ("examples/probe.rs", 1),
            ("io500-phases/src/backend/posix_queue.rs", 0),
            ("io500-phases/src/buffer.rs", 0),
            ("daos-dfs/src/queue.rs", 0),
            ("tests/mpi.rs", 0),
        ] {
            assert_eq!(unsafe_outside(&one(path, text)).len(), found, "{path}");
        }
        let harmless = "#![deny(unsafe_code)] // unsafe\nconst X: &str = \"unsafe\"; fn not_unsafe() {}";
        assert_eq!(unsafe_outside(&one("dfs-bench/main.rs", harmless)).len(), 0);
    }

    #[test]
    fn a_file_without_a_purpose_is_found() {
        assert_eq!(without_purpose(&one("a.rs", "use std::fs;\n//! Late words.")).len(), 1);
        assert_eq!(without_purpose(&one("a.rs", "")).len(), 1);
        assert_eq!(without_purpose(&one("a.rs", "//!\n")).len(), 1);
        assert_eq!(without_purpose(&one("a.rs", "//! Reads directories.\n")).len(), 0);
    }

    #[test]
    fn a_dead_reference_is_found() {
        let there = one("io500-phases/src/plan/ior.rs", "fn offsets_are_the_formula() {}");
        let dead = |text: &str| dead_references(&one("docs/X.md", text), &there).len();
        assert_eq!(
            dead("`io500-phases/src/plan/ior.rs` and `io500-phases/src/plan/ior.rs::offsets_are_the_formula`"),
            0
        );
        assert_eq!(dead("`io500-phases/src/plan/gone.rs`"), 1);
        assert_eq!(dead("`io500-phases/src/plan/ior.rs::offsets_are`"), 1);
        assert_eq!(dead("`examples/*.rs`, `cargo run x.rs`, words"), 0);
    }

    #[test]
    fn a_dead_link_is_found() {
        let text = "[a](docs/A.md), [b](docs/B.md#part), [c](https://example.org/c), [d](#here)";
        let dead = |path: &str| dead_links(&one(path, text), |path| path == Path::new("docs/A.md")).len();
        assert_eq!(dead("README.md"), 1);
        assert_eq!(dead("docs/X.md"), 2, "links are relative to their document");
    }

    #[test]
    fn a_broken_promise_is_found() {
        let broken = broken_promises(&one("daos-dfs/src/lib.rs", "//! x\n// #![deny(missing_docs)]\n"));
        assert_eq!(broken.len(), PROMISES.len());
        let kept = broken_promises(&one("daos-dfs/src/lib.rs", "//! x\n#![deny(missing_docs)]\n"));
        assert_eq!(kept.len(), PROMISES.len() - 1);
    }
}
