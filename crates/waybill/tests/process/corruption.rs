//! Files of the data directory that are not as they were written: named, with what to do, and nothing that lies elsewhere is touched.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use fleet::bus::Headers;

use crate::deployment::{Deployment, told};

/// The exit code of what can't be trusted on disk.
const DISK: i32 = 74;

/// A deployment that has accepted a request and keeps three dead letters, stopped.
fn used() -> (Deployment, String) {
    let mut deployment = Deployment::new();
    deployment.set("WAYBILL_LOG_DURABILITY", "every-commit");
    deployment.answer(&["status"]);
    deployment.log().append(&[b"rubbish", b"more rubbish", b"still more"], &Headers::default());
    let process = deployment.run();
    let id = deployment.accepted("the-first");
    deployment.until("three letters", || (letters(&deployment) == 3).then_some(()));
    assert_eq!(process.stop(), Some(0));
    (deployment, id)
}

fn letters(deployment: &Deployment) -> usize {
    deployment.answer(&["letters", "list"]).as_array().expect("a list").len()
}

/// Writes other bytes in place of a file's, sees what becomes of it, and puts the old ones back: then all is as it was.
fn altered(deployment: &Deployment, path: &Path, alter: impl FnOnce(&mut Vec<u8>), expected: &[&str]) {
    let whole = fs::read(path).expect("a file");
    let mut bytes = whole.clone();
    alter(&mut bytes);
    assert_ne!(bytes, whole);
    fs::write(path, &bytes).expect("room");
    for arguments in [&["run", "--all"][..], &["letters", "list"], &["submit", "one.jsonl"]] {
        let told = deployment.refusal(DISK, arguments);
        for part in expected {
            assert!(told.contains(part), "{part} is missing in {told}");
        }
    }
    let doctor = deployment.waybill(&["doctor"]);
    assert!(doctor.status.code() == Some(1) && told(&doctor).contains(expected[0]), "{}", told(&doctor));
    assert_eq!(fs::read(path).expect("a file"), bytes, "what is damaged is left as it is");
    fs::write(path, whole).expect("room");
    assert_eq!(letters(deployment), 3);
}

fn flip(bytes: &mut [u8], at: usize) {
    bytes[at..at + 8].iter_mut().for_each(|byte| *byte ^= 0x55);
}

#[test]
fn a_damaged_journal_or_keystore_is_named() {
    let (deployment, id) = used();
    let journal = deployment.path("log/store/0.jnl");
    // In a value: the engine takes a frame whose length or tag is damaged for the end that a crash left, and cuts it off.
    let in_the_middle = |bytes: &mut Vec<u8>| {
        let value = b"more rubbish";
        let at = bytes.windows(value.len()).position(|window| window == value).expect("what was appended");
        flip(bytes, at);
    };
    altered(
        &deployment,
        &journal,
        in_the_middle,
        &[".waybill/log/store", "journal", "restore the directory from a backup"],
    );
    let keystore = deployment.path("keystore/keys");
    let last = |bytes: &mut Vec<u8>| {
        let end = bytes.len();
        flip(bytes, end - 60);
    };
    altered(&deployment, &keystore, last, &[".waybill/keystore", "acknowledged after it are gone", "restore that"]);
    altered(&deployment, &keystore, |bytes| flip(bytes, 200), &[".waybill/keystore", "`keys`", "restore that file"]);
    let process = deployment.run();
    assert_eq!(deployment.answer(&["trace", &id])["request_id"], id.as_str());
    deployment.accepted("the-second");
    assert_eq!(process.stop(), Some(0));
}

#[test]
fn a_key_file_that_is_not_what_it_was_is_never_worked_with() {
    let (deployment, _) = used();
    let path = deployment.path("keys.toml");
    let name = ".waybill/keys.toml";
    let text = fs::read_to_string(&path).expect("text");
    let line = |key: &str| text.lines().find(|line| line.starts_with(key)).expect("the key's line").to_owned();
    let replaced = |from: String, to: String| {
        let changed = text.replace(&from, &to).into_bytes();
        move |bytes: &mut Vec<u8>| *bytes = changed
    };
    let token = line("token_key");
    let cut = format!("{}\"", &token[..24]);
    altered(&deployment, &path, replaced(token.clone(), cut), &[name, "at line", "restore it from its copy"]);
    let in_the_key = text.find(&token).expect("it is there") + 20;
    altered(&deployment, &path, |bytes| bytes[in_the_key] ^= 0x80, &[name, "at line", "restore it from its copy"]);
    for (key, named) in [("token_key", "token_key"), ("digest_key", "digest_key"), ("key", "wrapping/")] {
        let other = other_key(&line(key));
        altered(&deployment, &path, replaced(line(key), other), &[name, named, "put the right key file back"]);
    }

    fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("permissions");
    for arguments in [&["run", "--all"][..], &["letters", "list"]] {
        let told = deployment.refusal(DISK, arguments);
        assert!(told.contains(name) && told.contains("run chmod 600"), "{told}");
    }
    assert!(deployment.refusal(1, &["doctor"]).contains("run chmod 600"));
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("permissions");

    fs::rename(&path, deployment.path("moved")).expect("moved");
    for arguments in [&["run", "--all"][..], &["letters", "list"], &["submit", "one.jsonl"]] {
        let told = deployment.refusal(DISK, arguments);
        assert!(told.contains(name) && told.contains("is missing") && told.contains("put it back"), "{told}");
    }
    assert!(deployment.refusal(1, &["doctor"]).contains("is missing"));
    assert!(!path.exists(), "no new keys are made where the old ones are needed");
    fs::rename(deployment.path("moved"), &path).expect("moved");
    assert_eq!(letters(&deployment), 3);
}

/// The same line with another key in it, still 32 bytes in base64.
fn other_key(line: &str) -> String {
    let (name, key) = line.split_once("= \"").expect("a key");
    let first = if key.starts_with('A') { 'B' } else { 'A' };
    format!("{name}= \"{first}{}", &key[1..])
}

#[test]
fn damaged_projections_are_put_aside_and_made_anew_while_the_fleet_goes_on() {
    let (deployment, id) = used();
    let path = deployment.path("projections.sqlite");
    assert!(!deployment.path("projections.sqlite-wal").exists(), "a stopped process leaves all of it in one file");
    let mut bytes = fs::read(&path).expect("a database");
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 8192].fill(0x55);
    fs::write(&path, &bytes).expect("room");
    let told = deployment.refusal(1, &["doctor", "--verify"]);
    assert!(told.contains("projections.sqlite") && told.contains("puts it aside"), "{told}");

    let process = deployment.run();
    assert!(deployment.logged().contains("projections are made anew"), "{}", deployment.logged());
    assert_eq!(fs::read(deployment.path("projections.sqlite.aside-1")).expect("it was kept"), bytes);
    deployment.accepted("the-second");
    let rebuilt = deployment.until("the projections to have come far enough", || {
        let output = deployment.waybill(&["--json", "projections", "rebuild"]);
        assert!(output.status.success(), "{}", crate::deployment::told(&output));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        (!report["live"].is_null()).then_some(report)
    });
    assert_eq!(rebuilt["live"], rebuilt["rebuilt"]);
    assert_eq!(deployment.answer(&["trace", &id])["request_id"], id.as_str());
    assert_eq!((letters(&deployment), process.stop()), (3, Some(0)));
}
