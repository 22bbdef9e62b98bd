//! What `waybill doctor` says of where memory lies, before and while a process works there.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::deployment::{Deployment, told};

/// What it says of these: whether all is well, and what it found.
fn said(deployment: &Deployment, check: &str) -> (bool, String) {
    let output = deployment.waybill(&["--json", "doctor"]);
    let rows: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", told(&output)));
    let rows = rows.as_array().expect("rows");
    let row = rows.iter().find(|row| row["check"] == check).unwrap_or_else(|| panic!("no {check} in {rows:?}"));
    let is_well = row["ok"] == true;
    assert!(is_well || row["remedy"].is_string() && output.status.code() == Some(1), "{row}");
    (is_well, row["finding"].as_str().expect("a text").to_owned())
}

/// The one entry of a folder of shelves that bears the highest number.
fn newest(home: &Path) -> PathBuf {
    let numbers = fs::read_dir(home).expect("a folder").flatten().filter_map(|entry| {
        let number: u64 = entry.file_name().to_str()?.parse().ok()?;
        Some((number, entry.path()))
    });
    numbers.max().expect("a shelf").1
}

#[test]
fn the_folder_of_memory_is_looked_at_before_it_is_there_and_while_it_is_used() {
    let deployment = Deployment::new();
    let (is_well, folder) = said(&deployment, "memory folder");
    assert!(is_well && folder.contains(".waybill/memory will be made"), "{folder}");
    assert!(!deployment.path("").exists(), "nothing is made by looking");

    let process = deployment.run();
    deployment.accepted("key-1");
    let (is_well, folder) = said(&deployment, "memory folder");
    assert!(is_well && folder.contains("is writable"), "{folder}");
    let (_, room) = said(&deployment, "memory room");
    assert!(room.contains(" are free"), "{room}");
    let (is_well, holder) = said(&deployment, "memory holder");
    assert!(is_well && holder.starts_with("4 of 4 shelves held"), "{holder}");
    assert_eq!(process.stop(), Some(0));

    let (is_well, holder) = said(&deployment, "memory holder");
    assert!(is_well && holder == "nobody holds any of 4 shelves", "{holder}");
    let lock = File::open(newest(&deployment.path("memory/waybill.memory.intake/0")).join("lock")).expect("a lock");
    lock.lock().expect("nobody has it");
    let (is_well, holder) = said(&deployment, "memory holder");
    assert!(is_well && holder.starts_with("1 of 4 shelves are held, and no process"), "{holder}");
}

#[test]
fn a_folder_for_memory_that_can_be_none_is_told() {
    let mut deployment = Deployment::new();
    deployment.write("file", "");
    for dir in ["file", "file/memory"] {
        deployment.set("WAYBILL_MEMORY_DIR", dir);
        let (is_well, folder) = said(&deployment, "memory folder");
        assert!(!is_well && folder.contains(&format!("{dir} can't be written to")), "{folder}");
    }
    deployment.set("WAYBILL_MEMORY_LARGE", "ram");
    let (is_well, folder) = said(&deployment, "memory folder");
    assert!(is_well && folder.contains("RAM"), "{folder}");
}
