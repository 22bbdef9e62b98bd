//! Seeded defects change the sources as text: each has to find its place, once.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::root;

#[derive(Deserialize)]
struct Defect {
    edits: Vec<Edit>,
}

#[derive(Deserialize)]
struct Edit {
    r#in: String,
    find: String,
}

#[test]
fn every_seeded_defect_finds_its_place() {
    let listed = std::fs::read_to_string(root().join("tests/simulation/mutants.toml")).expect("the list");
    let defects: BTreeMap<String, Defect> = toml::from_str(&listed).expect("a list of defects");
    for (name, Defect { edits }) in defects {
        for Edit { r#in, find } in edits {
            let source = std::fs::read_to_string(root().join(&r#in)).expect("a source");
            let places = source.matches(find.trim_matches('\n')).count();
            assert_eq!(places, 1, "{name}: {find:?} in {}", r#in);
        }
    }
}
