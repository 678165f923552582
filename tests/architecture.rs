//! Architecture checks: no stage imports a later one, `unsafe` stays in its places, every file says what it is for, the
//! documentation names files and tests that exist, and private words do not come back.
//!
//! The checks read the sources as text. They know nothing of macros and conditional compilation, which is enough: a path that
//! leads to a later stage has to be written somewhere.

use std::fs;
use std::path::Path;

/// The stages of `io500-phases`, in the order in which they may import each other.
const STAGES: [&str; 10] =
    ["config", "plan", "facts", "backend", "comm", "engine", "phases", "results", "report", "suite"];

/// Where `unsafe` is allowed: the two crates around the C interface, the POSIX backend, the aligned buffers, and the import of a mount.
const UNSAFE_PLACES: [&str; 5] = [
    "daos-sys/",
    "dfs/",
    "io500-phases/src/backend/posix",
    "io500-phases/src/backend/dfs_connection.rs",
    "io500-phases/src/buffer.rs",
];

/// What the crates promise to the compiler, which holds them to it.
const PROMISES: [(&str, &str); 5] = [
    ("daos-sys/src/lib.rs", "#![deny(missing_docs)]"),
    ("dfs/src/lib.rs", "#![deny(missing_docs)]"),
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
    let dirs = ["", "docs", "daos-sys", "dfs", "io500-phases"].map(|dir| root.join(dir));
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

/// Paths in `io500-phases` that lead from a stage, or from the files before all stages, to a later stage.
fn back_edges(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let Some(inside) = source.path.strip_prefix("io500-phases/src/") else { continue };
        if inside == "lib.rs" {
            continue;
        }
        let module: Vec<&str> = inside.trim_end_matches(".rs").split('/').filter(|&part| part != "mod").collect();
        let place = |name: &str| STAGES.iter().position(|&stage| stage == name);
        // what is no stage comes before all of them
        let here = place(module[0]);
        for name in root_modules(&without_tests(&code(&source.text)), module.len()) {
            if place(&name) > here {
                found.push(format!("{}: {} comes before {name} and must not use it", source.path, module[0]));
            }
        }
    }
    found
}

/// The modules at the root of the crate that the code names, by `crate::` or by as many `super::` as the module is deep.
fn root_modules(code: &str, depth: usize) -> Vec<String> {
    let up = format!(" {}", "super::".repeat(depth));
    // a blank before every path makes the beginning of a path visible
    let spaced: String =
        code.chars().flat_map(|c| if is_word(c) || c == ':' { vec![c] } else { vec![c, ' '] }).collect();
    let mut found = Vec::new();
    for start in [" crate::", up.as_str()] {
        for (at, _) in format!(" {spaced}").match_indices(start) {
            let rest = &spaced[at + start.len() - 1..];
            match rest.trim_start().strip_prefix('{') {
                Some(group) => found.extend(first_words(group)),
                None => found.extend(first_word(rest)),
            }
        }
    }
    found
}

/// The first word of every branch of a `use` group whose opening brace is gone.
fn first_words(group: &str) -> Vec<String> {
    let (mut depth, mut begin, mut branches) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' => {
                branches.push(&group[begin..at]);
                break;
            }
            ',' if depth == 0 => {
                branches.push(&group[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    branches.into_iter().filter_map(first_word).collect()
}

fn first_word(text: &str) -> Option<String> {
    let word: String = text.trim_start().chars().take_while(|&c| is_word(c)).collect();
    (!word.is_empty()).then_some(word)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn unsafe_outside(sources: &[Source]) -> Vec<String> {
    let allowed = |path: &str| UNSAFE_PLACES.iter().any(|place| path.starts_with(place)) || path.contains("tests/");
    let has_unsafe = |text: &str| code(text).split(|c| !is_word(c)).any(|word| word == "unsafe");
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

/// The text without comments and without what stands in strings and characters.
fn code(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = comment(rest).or_else(|| raw_string(rest)).or_else(|| string(rest)).or_else(|| character(rest));
        // a word is taken whole, so that the r of `for "` or `var#` begins no raw string
        let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        match skipped {
            Some(length) => {
                code.push(' ');
                rest = &rest[length..];
            }
            None if word > 0 => {
                code.push_str(&rest[..word]);
                rest = &rest[word..];
            }
            None => {
                code.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    code
}

/// The length of the comment that the text begins with; block comments nest.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    let (mut depth, mut at) = (usize::from(text.starts_with("/*")), 2);
    while depth > 0 && at < text.len() {
        let bytes = &text.as_bytes()[at..];
        if bytes.starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if bytes.starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
        } else {
            at += 1;
        }
    }
    text.starts_with("/*").then_some(at)
}

/// The length of the raw string that the text begins with: `r"…"`, `br#"…"#`, `cr##"…"##`.
fn raw_string(text: &str) -> Option<usize> {
    let prefix = ["r", "br", "cr"].into_iter().find(|prefix| {
        let rest = text.strip_prefix(prefix).map(|rest| rest.trim_start_matches('#'));
        rest.is_some_and(|rest| rest.starts_with('"'))
    })?;
    let hashes = text[prefix.len()..].find('"')?;
    let begin = prefix.len() + hashes + 1;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(text[begin..].find(&end).map_or(text.len(), |at| begin + at + end.len()))
}

fn string(text: &str) -> Option<usize> {
    text.starts_with('"').then(|| quoted(text, b'"'))
}

/// The length of a character; a lifetime is none.
fn character(text: &str) -> Option<usize> {
    let mut chars = text.strip_prefix('\'')?.chars();
    let is_character = chars.next()? == '\\' || chars.next()? == '\'';
    is_character.then(|| quoted(text, b'\''))
}

fn quoted(text: &str, quote: u8) -> usize {
    let (bytes, mut at) = (text.as_bytes(), 1);
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// The code without its `#[cfg(test)]` modules, which may look at everything.
fn without_tests(code: &str) -> String {
    let Some(begin) = code.find("#[cfg(test)]\nmod ") else { return code.to_owned() };
    let (mut depth, mut end) = (0, code.len());
    for (at, c) in code[begin..].char_indices() {
        match c {
            ';' if depth == 0 => end = begin + at + 1,
            '{' => depth += 1,
            '}' if depth == 1 => end = begin + at + 1,
            '}' => depth -= 1,
            _ => continue,
        }
        if end < code.len() {
            break;
        }
    }
    format!("{}{}", &code[..begin], without_tests(&code[end..]))
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
            "use crate::suite::Suite;",
            "use crate::{error::Error, suite::Suite};",
            "use crate::{\n    plan::{Plan, RankLayout},\n    suite,\n};",
            "fn f() { crate::suite::run() }",
            "fn f(x: &crate::suite::Suite) {}",
            "use super::super::suite::Suite;",
            "use super::super::{plan, suite::Suite};",
            "let c = '\"'; use crate::suite::Suite; // \"",
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
            "use crate::backend::Backend; use crate::comm::Comm; use crate::units;",
            "impl crate::backend::select::Share for &dyn Comm {}",
            "// crate::suite\n/* crate::suite /* nested */ crate::suite */",
            "let x = \"crate::suite \\\" crate::suite\"; let y = r#\"crate::suite \" crate::suite\"#;",
            "use super::suite::of_the_own_module; use super::super::plan::Plan;",
            "use dfs::crate_suite; fn f<'a>(x: &'a str) {} use other::suite;",
            "#[cfg(test)]\nmod tests { use crate::suite::Suite; fn f() { {} } }",
        ] {
            assert_eq!(edges("comm/mpi.rs", text), 0, "{text}");
        }
        assert_eq!(back_edges(&one("dfs-bench/main.rs", "use crate::suite;")).len(), 0);
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
            ("dfs/src/queue.rs", 0),
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
        let broken = broken_promises(&one("dfs/src/lib.rs", "//! x\n// #![deny(missing_docs)]\n"));
        assert_eq!(broken.len(), PROMISES.len());
        let kept = broken_promises(&one("dfs/src/lib.rs", "//! x\n#![deny(missing_docs)]\n"));
        assert_eq!(kept.len(), PROMISES.len() - 1);
    }
}
