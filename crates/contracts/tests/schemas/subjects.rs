//! The Rust type behind every subject.

use std::path::{Path, PathBuf};

use contracts::json::{from_json, to_json_value};
use contracts::{Codec, DecodeError, Subject};
use domain::person::{Dossier, RosterMember};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A subject's type, seen through the codec.
pub(crate) struct Kind {
    /// The subject.
    pub(crate) subject: Subject,
    /// From our JSON form to a framed value.
    pub(crate) encode: fn(&Codec, Value) -> Vec<u8>,
    /// From a framed value to our JSON form, and framed again.
    pub(crate) reencode: fn(&Codec, &[u8]) -> Result<Again, DecodeError>,
}

/// What was read, in our JSON form, and written again.
pub(crate) type Again = (Value, Vec<u8>);

/// All subjects, in catalogue order.
pub(crate) fn all() -> Vec<Kind> {
    use domain::messages::{
        Command, DeadLetter, DispatchWork, IdentityWork, IntakeRequest, MemberRecord, Outcome, PartnerMessage,
        PolicyRecord,
    };
    vec![
        kind!(IntakeRequest, IntakeRequest),
        kind!(IdentityWork, IdentityWork),
        kind!(DispatchWork, DispatchWork),
        kind!(PartnerMessage, PartnerMessage),
        kind!(Command, Command),
        kind!(LifecycleEvent, domain::LifecycleEvent),
        kind!(Outcome, Outcome),
        kind!(DeadLetter, DeadLetter),
        kind!(MemberRecord, MemberRecord),
        kind!(Policy, PolicyRecord),
        kind!(Dossier, Dossier),
        kind!(RosterMember, RosterMember),
        kind!(MemoryIntake, intake::Entry),
        kind!(MemoryIdentity, identity::Entry),
        kind!(MemoryDispatch, dispatch::Entry),
        kind!(MemoryReconciliation, reconciliation::Entry),
        kind!(MemoryTriage, triage::Entry),
        kind!(MemoryFleet, fleet::FleetEntry),
        kind!(GuardVerdict, domain::messages::GuardVerdict),
    ]
}

/// The examples of a subject's current version: file stem and content.
pub(crate) fn examples(subject: Subject) -> Vec<(String, Value)> {
    let folder = folder(subject).join(format!("v{}.examples", subject.version()));
    let mut found: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|_| panic!("{} is missing", folder.display()))
        .map(|entry| {
            let path = entry.expect("a readable folder").path();
            let text = std::fs::read_to_string(&path).expect("a readable example");
            let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (path.file_stem().expect("a name").to_string_lossy().into_owned(), json)
        })
        .collect();
    // One order on every file system.
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found
}

/// The folder of a subject.
pub(crate) fn folder(subject: Subject) -> PathBuf {
    schemas().join(subject.as_str())
}

/// The folder of all schemas.
pub(crate) fn schemas() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas")
}

fn encode<T: Serialize + DeserializeOwned>(subject: Subject, codec: &Codec, json: Value) -> Vec<u8> {
    let value: T = from_json(json).unwrap_or_else(|error| panic!("{subject}: {error}"));
    write(subject, codec, &value)
}

fn again<T: Serialize>(subject: Subject, codec: &Codec, value: &T) -> Again {
    (to_json_value(value).expect("our own shapes are JSON"), write(subject, codec, value))
}

fn write<T: Serialize>(subject: Subject, codec: &Codec, value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    codec.encode_value(subject, value, &mut out).unwrap_or_else(|error| panic!("{error}"));
    out
}

macro_rules! kind {
    ($subject:ident, $shape:ty) => {
        Kind {
            subject: Subject::$subject,
            encode: |codec, json| encode::<$shape>(Subject::$subject, codec, json),
            reencode: |codec, framed| {
                let value: $shape = codec.decode_value(Subject::$subject, framed)?;
                Ok(again(Subject::$subject, codec, &value))
            },
        }
    };
}
use kind;
