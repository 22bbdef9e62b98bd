//! How files look.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{crates, read, root, rust_files};

const LINES_MAX: usize = 400;

fn all_files() -> Vec<PathBuf> {
    let mut files = rust_files(&root().join("crates"));
    files.extend(rust_files(&root().join("tests")));
    files
}

#[test]
fn no_file_is_longer_than_a_reader_likes() {
    let long: Vec<String> = all_files()
        .iter()
        .map(|path| (path, read(path).lines().count()))
        .filter(|(_, lines)| LINES_MAX < *lines)
        .map(|(path, lines)| format!("{} has {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "longer than {LINES_MAX} lines: {long:#?}");
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<PathBuf> = all_files()
        .into_iter()
        .filter(|path| !path.ends_with("tests.rs") && !path.components().any(|part| part.as_os_str() == "tests"))
        .filter(|path| !read(path).starts_with("//!"))
        .collect();
    assert!(silent.is_empty(), "no opening line: {silent:#?}");
}

/// A file that no `mod` names is compiled by nobody.
#[test]
fn no_file_is_dead() {
    for name in crates() {
        let src = root().join("crates").join(&name).join("src");
        let mut alive = BTreeSet::new();
        for entry in ["lib.rs", "main.rs"] {
            if src.join(entry).exists() {
                reach(&src.join(entry), &src, &mut alive);
            }
        }
        for file in rust_files(&src) {
            assert!(alive.contains(&file), "{} is compiled by nobody", file.display());
        }
    }
}

/// Marks a file and everything its `mod` and `#[path]` lines name.
fn reach(file: &Path, folder: &Path, alive: &mut BTreeSet<PathBuf>) {
    alive.insert(file.to_path_buf());
    for line in read(file).lines() {
        let line = line.trim();
        if let Some(path) = line.strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]")) {
            alive.insert(folder.join(path));
        }
        let line = line.strip_prefix("pub(crate) ").or_else(|| line.strip_prefix("pub(super) ")).unwrap_or(line);
        let line = line.strip_prefix("pub ").unwrap_or(line);
        let Some(name) = line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) else { continue };
        for candidate in [folder.join(format!("{name}.rs")), folder.join(name).join("mod.rs")] {
            if candidate.exists() {
                reach(&candidate, &folder.join(name), alive);
            }
        }
    }
}

#[test]
fn workers_have_door_cards() {
    for worker in ["intake", "identity", "dispatch", "reconciliation", "triage"] {
        let src = root().join("crates").join(worker).join("src");
        let card = read(&src.join("lib.rs")).to_lowercase();
        for word in ["reads", "writes", "remembers", "may call", "never"] {
            assert!(card.contains(&format!("**{word}**")), "{worker}/src/lib.rs does not say what it {word}");
        }
        assert!(read(&src.join("decide.rs")).contains("pub fn decide"), "{worker} has no decide function");
    }
}

#[test]
fn nothing_is_left_open() {
    let marks = ["TODO", "FIXME", "XXX", "unimplemented!(", "#[ignore"];
    for path in all_files().iter().filter(|path| !path.ends_with("tidy/files.rs")) {
        let text = read(path);
        for mark in marks {
            assert!(!text.contains(mark), "{} holds {mark}", path.display());
        }
    }
}

#[test]
fn the_top_level_holds_only_what_belongs_there() {
    let known = [
        "Cargo.toml",
        "Cargo.lock",
        "LICENSE",
        "Makefile",
        "README.md",
        "crates",
        "deploy",
        "schemas",
        "scripts",
        "tests",
        "target",
    ];
    for entry in std::fs::read_dir(root()).expect("the root").filter_map(|entry| entry.ok()) {
        let name = entry.file_name().into_string().expect("ASCII names");
        assert!(name.starts_with('.') || known.contains(&name.as_str()), "{name} does not belong at the top level");
    }
}
