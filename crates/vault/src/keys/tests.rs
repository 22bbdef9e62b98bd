use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::*;

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

/// The key file's text after `change`, written beside it with mode 600.
fn changed(directory: &Path, change: impl Fn(&str) -> String) -> PathBuf {
    let whole = directory.join("whole.toml");
    if !whole.exists() {
        Keys::generate(&whole).expect("generated");
    }
    let path = directory.join("changed.toml");
    fs::write(&path, change(&fs::read_to_string(&whole).expect("text"))).expect("written");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("mode");
    path
}

#[test]
fn a_generated_file_is_private_and_loads_to_the_same_keys() {
    let directory = directory();
    let path = directory.path().join("new/keys.toml");
    let generated = Keys::generate(&path).expect("generated");
    assert_eq!(fs::metadata(&path).expect("metadata").permissions().mode() & 0o777, 0o600);
    let loaded = Keys::load(&path).expect("loaded");
    assert_eq!(loaded.active_id(), generated.active_id());
    let tokens = [&generated, &loaded].map(|keys| *keys.tokens.at("source", &[]).bytes());
    assert_eq!(tokens[0], tokens[1]);
    assert_ne!(loaded.tokens.at("x", &[]).bytes(), loaded.digests.at("x", &[]).bytes());
}

#[test]
fn an_existing_file_is_never_overwritten() {
    let directory = directory();
    let path = directory.path().join("keys.toml");
    Keys::generate(&path).expect("generated");
    let before = fs::read(&path).expect("bytes");
    assert!(matches!(Keys::generate(&path), Err(KeysError::Unwritable { .. })));
    assert_eq!(fs::read(&path).expect("bytes"), before);
}

#[test]
fn a_file_that_others_may_use_is_refused() {
    let directory = directory();
    let path = directory.path().join("keys.toml");
    Keys::generate(&path).expect("generated");
    for mode in [0o644, 0o640, 0o604, 0o620, 0o601] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("mode");
        let refused = Keys::load(&path).expect_err("exposed");
        assert!(matches!(refused, KeysError::Exposed { mode: found, .. } if found == mode), "{refused}");
        assert!(refused.to_string().contains("chmod 600"), "{refused}");
    }
    fs::set_permissions(&path, Permissions::from_mode(0o400)).expect("mode");
    Keys::load(&path).expect("stricter is fine");
}

#[test]
fn rotation_keeps_the_old_keys_and_seals_with_the_new_one() {
    let directory = directory();
    let path = directory.path().join("keys.toml");
    let before = Keys::generate(&path).expect("generated");
    let secret = Secret::new([9; 32]);
    let wrapped = before.active().wrap(b"x", &secret);
    let after = Keys::rotate(&path).expect("rotated");
    assert_eq!(after.ids().count(), 2);
    assert_ne!(after.active_id(), before.active_id());
    let reloaded = Keys::load(&path).expect("loaded");
    assert_eq!(reloaded.active_id(), after.active_id());
    let old = reloaded.wrapping(before.active_id()).expect("kept");
    assert_eq!(old.unwrap(b"x", &wrapped).expect("opens").bytes(), secret.bytes());
    assert_eq!(reloaded.active().unwrap(b"x", &wrapped).err(), Some(Forged));
    assert_eq!(before.tokens.at("x", &[]).bytes(), reloaded.tokens.at("x", &[]).bytes(), "tokens stay");
}

#[test]
fn what_is_no_key_file_is_refused_without_showing_any_of_it() {
    let directory = directory();
    let canary = "Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LWNhbmFyeQ==";
    let malformed: [&dyn Fn(&str) -> String; 6] = [
        &|_| String::new(),
        &|text| text.replace("token_key", "tokenkey"),
        &|text| format!("wrapping = \"{canary}\"\n{}", text.split("\n[[").next().expect("a head")),
        &|text| text.replace("digest_key = \"", &format!("digest_key = \"{canary}")),
        &|text| format!("{text}\n{canary}"),
        &|text| text.replace("created = ", "created = \"x\" #"),
    ];
    let shown = |refused: &KeysError| format!("{refused} {refused:?}").contains(canary);
    for (index, change) in malformed.iter().enumerate() {
        let path = changed(directory.path(), change);
        let refused = Keys::load(&path).expect_err("malformed");
        assert!(matches!(refused, KeysError::Malformed { .. }), "{index}: {refused}");
        assert!(!shown(&refused), "{index}");
    }
    let path = changed(directory.path(), |text| text.replace("active = \"", &format!("active = \"{canary}")));
    let refused = Keys::load(&path).expect_err("no such key");
    assert!(matches!(refused, KeysError::NoActive { .. }) && !shown(&refused), "{refused}");
    let path = changed(directory.path(), |text| {
        let entry = text.split_once("\n[[wrapping]]").expect("an entry").1;
        format!("{text}\n[[wrapping]]{entry}")
    });
    assert!(matches!(Keys::load(&path), Err(KeysError::Id { position: 2, .. })));
    let path = changed(directory.path(), |text| text.replace("id = \"", "id = \"Not Fit "));
    assert!(matches!(Keys::load(&path), Err(KeysError::Id { .. })));
    let missing = directory.path().join("missing.toml");
    assert!(matches!(Keys::load(&missing), Err(KeysError::Unreadable { .. })));
}

#[test]
fn seeded_keys_depend_on_the_seed_alone() {
    let token = |seed| *Keys::from_seed(seed).tokens.at("x", &[]).bytes();
    assert_eq!(token(1), token(1));
    assert_ne!(token(1), token(2));
}
