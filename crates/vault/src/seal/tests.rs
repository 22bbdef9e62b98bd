use bytes::Bytes;
use std::path::Path;

use domain::person::{Consent, ConsentPolicy, Coverage, MemberClaim, Payload, PersonName};
use domain::{ExchangeId, Timestamp};

use super::*;
use crate::keys::Keys;
use crate::vault::VaultOptions;

const REQUEST: RequestId = RequestId([1; 16]);
const RECORD: RecordId = RecordId([2; 16]);

fn dossier() -> Dossier {
    let name = PersonName { family: "Quillfeather".into(), given: vec!["Ambrosia".into()], ..PersonName::default() };
    Dossier {
        member: MemberClaim { name, birth_date: Some("1957-03-09".into()), ..MemberClaim::default() },
        coverage_to_match: Some(Coverage { member_id: Some("M-77120".into()), ..Coverage::default() }),
        consent: Some(Consent {
            policy: ConsentPolicy::Sensitive,
            start: "2026-01-01".into(),
            end: "2027-01-01".into(),
            reference: "urn:consent:9".into(),
            performer: "member".into(),
            recipients: vec!["payer".into()],
            opted_in_at: Timestamp(1),
        }),
        payload: Some(Payload { format: "text/plain".into(), body: Bytes::from_static(b"original") }),
        ..Dossier::default()
    }
}

fn member() -> RosterMember {
    RosterMember { member: dossier().member, merged_into: Some("E-2".into()), ..RosterMember::default() }
}

fn sealed(vault: &Vault) -> Sealed<Dossier> {
    vault.seal_dossier(REQUEST, RECORD, &dossier()).expect("sealed")
}

#[test]
fn a_dossier_and_a_member_open_to_what_was_sealed() {
    let vault = Vault::in_memory(1);
    assert!(vault.open_dossier(REQUEST, &sealed(&vault)) == Ok(dossier()));
    let record = vault.seal_member("E-1", &member()).expect("sealed");
    assert!(vault.open_member("E-1", &record) == Ok(member()));
}

#[test]
fn sealing_is_a_pure_function() {
    let sealed = sealed(&Vault::in_memory(1));
    assert_eq!(sealed, self::sealed(&Vault::in_memory(1)));
    let vault = Vault::in_memory(1);
    let other_record = vault.seal_dossier(REQUEST, RecordId([3; 16]), &dossier()).expect("sealed");
    let other_request = vault.seal_dossier(RequestId([3; 16]), RECORD, &dossier()).expect("sealed");
    let other_content = vault.seal_dossier(REQUEST, RECORD, &Dossier::default()).expect("sealed");
    for other in [other_record, other_request] {
        assert_ne!(other.wrapped_key, sealed.wrapped_key, "another data key");
        assert_ne!(other.ciphertext, sealed.ciphertext);
    }
    assert_eq!(other_content.wrapped_key, sealed.wrapped_key, "the same data key");
    assert_ne!(other_content.ciphertext[..12], sealed.ciphertext[..12], "so it needs another nonce");
}

#[test]
fn it_opens_for_its_own_subject_only() {
    let vault = Vault::in_memory(1);
    let sealed = sealed(&vault);
    assert_eq!(vault.open_dossier(RequestId([9; 16]), &sealed).err(), Some(PhiError::Forged));
    let record = vault.seal_member("E-1", &member()).expect("sealed");
    assert_eq!(vault.open_member("E-2", &record).err(), Some(PhiError::Forged));
    let as_member = Sealed::new(sealed.key_id, sealed.wrapped_key, sealed.ciphertext);
    let same_bytes = std::str::from_utf8(&REQUEST.0).expect("ascii");
    assert_eq!(vault.open_member(same_bytes, &as_member).err(), Some(PhiError::Forged));
}

#[test]
fn every_altered_byte_is_found() {
    let vault = Vault::in_memory(1);
    let sealed = sealed(&vault);
    let altered = |bytes: &Bytes, at: usize| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 0x20;
        Bytes::from(bytes)
    };
    for at in 0..sealed.ciphertext.len() {
        let mut forged = sealed.clone();
        forged.ciphertext = altered(&forged.ciphertext, at);
        assert_eq!(vault.open_dossier(REQUEST, &forged).err(), Some(PhiError::Forged), "ciphertext, byte {at}");
    }
    for at in 0..sealed.wrapped_key.len() {
        let mut forged = sealed.clone();
        forged.wrapped_key = altered(&forged.wrapped_key, at);
        assert_eq!(vault.open_dossier(REQUEST, &forged).err(), Some(PhiError::Forged), "wrapped key, byte {at}");
    }
    let other = vault.seal_dossier(REQUEST, RecordId([3; 16]), &dossier()).expect("sealed");
    let mixed = Sealed::new(sealed.key_id, other.wrapped_key, sealed.ciphertext);
    assert_eq!(vault.open_dossier(REQUEST, &mixed).err(), Some(PhiError::Forged), "the key of another record");
}

#[test]
fn content_that_is_no_dossier_is_undecodable() {
    let vault = Vault::in_memory(1);
    let sealed = vault.seal_bytes(Binding::Request(REQUEST), &RECORD.0, b"no Avro");
    assert_eq!(vault.open_dossier(REQUEST, &sealed).err(), Some(PhiError::Undecodable));
}

#[test]
fn after_a_rotation_the_old_opens_and_the_new_is_sealed_under_the_new_key() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = options(directory.path());
    Keys::generate(&options.key_file).expect("keys");
    let open = || Vault::open(&options, contracts::Codec::bundled()).expect("a vault");
    let before = open();
    let old = sealed(&before);
    Keys::rotate(&options.key_file).expect("rotated");
    let after = open();
    assert!(after.open_dossier(REQUEST, &old) == Ok(dossier()));
    let new = sealed(&after);
    assert_ne!(new.key_id, old.key_id);
    assert!(after.open_dossier(REQUEST, &new) == Ok(dossier()));
    assert_eq!(before.open_dossier(REQUEST, &new).err(), Some(PhiError::UnknownKey));
    let relabelled = Sealed::new(new.key_id, old.wrapped_key, old.ciphertext);
    assert_eq!(after.open_dossier(REQUEST, &relabelled).err(), Some(PhiError::Forged));
    assert_eq!(before.token(Purpose::Request, &[b"x"]), after.token(Purpose::Request, &[b"x"]), "ids stay");
}

#[test]
fn tokens_differ_by_purpose_parts_and_deployment() {
    let vault = Vault::in_memory(1);
    let purposes = [
        Purpose::Request,
        Purpose::IdempotencyKey,
        Purpose::PayloadDigest,
        Purpose::Member,
        Purpose::Exchange,
        Purpose::Claim,
        Purpose::Guard,
        Purpose::Ground,
        Purpose::Mark,
    ];
    let lists: [&[&[u8]]; 5] = [&[], &[b""], &[b"ab", b"c"], &[b"a", b"bc"], &[b"abc"]];
    let mut tokens = std::collections::BTreeSet::new();
    for purpose in purposes {
        for parts in lists {
            let token = vault.token(purpose, parts);
            assert_eq!(token, vault.token(purpose, parts));
            assert_ne!(token, Vault::in_memory(2).token(purpose, parts));
            assert_eq!(ExchangeId(token.0).to_string().as_bytes()[14], b'8', "a UUID of version 8");
            tokens.insert(token);
        }
    }
    assert_eq!(tokens.len(), purposes.len() * lists.len());
}

fn options(directory: &Path) -> VaultOptions {
    VaultOptions {
        key_file: directory.join("keys.toml"),
        keystore_directory: directory.join("keystore"),
        claim_check_directory: directory.join("objects"),
        sync_objects: false,
    }
}
