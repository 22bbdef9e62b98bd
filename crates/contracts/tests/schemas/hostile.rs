//! Bytes from anywhere: every value is read or refused, quickly, without a panic and without quoting what it holds.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use contracts::frame::FRAME_BYTES;
use contracts::{Codec, DecodeError, Subject, Topic};
use domain::{Code, Lane, Poison};
use proptest::prelude::*;

use crate::datum::{Shape, long};
use crate::subjects::{all, examples};

static CODEC: LazyLock<Codec> = LazyLock::new(Codec::bundled);

fn framed(subject: Subject, datum: &[u8]) -> Vec<u8> {
    [&[0][..], &CODEC.catalogue().id(subject).to_be_bytes(), datum].concat()
}

/// A change to some bytes.
#[derive(Clone, Debug)]
enum Damage {
    Set(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Insert(prop::sample::Index, Vec<u8>),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        any::<prop::sample::Index>().prop_map(Damage::Cut),
        (any::<prop::sample::Index>(), proptest::collection::vec(any::<u8>(), 1..12))
            .prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
    ]
}

impl Damage {
    fn apply(&self, value: &mut Vec<u8>) {
        match self {
            Self::Set(at, byte) if !value.is_empty() => {
                let at = at.index(value.len());
                value[at] = *byte;
            }
            Self::Set(..) => {}
            Self::Cut(at) => value.truncate(at.index(value.len() + 1)),
            Self::Insert(at, bytes) => {
                let at = at.index(value.len() + 1);
                value.splice(at..at, bytes.iter().copied());
            }
        }
    }
}

proptest! {
    /// What is read from damaged bytes can be written again.
    #[test]
    fn damaged_values_are_read_or_refused(
        entropy in proptest::collection::vec(any::<u8>(), 0..300),
        damages in proptest::collection::vec(damage(), 1..4),
    ) {
        for kind in all() {
            let mut datum = Shape::of(CODEC.catalogue(), kind.subject).datum(&entropy);
            damages.iter().for_each(|damage| damage.apply(&mut datum));
            let _ = (kind.reencode)(&CODEC, &framed(kind.subject, &datum));
        }
    }

    #[test]
    fn noise_is_read_or_refused(noise in proptest::collection::vec(any::<u8>(), 0..300)) {
        for kind in all() {
            let _ = (kind.reencode)(&CODEC, &framed(kind.subject, &noise));
            let _ = CODEC.decode(&Topic::Events, &noise);
        }
    }
}

#[test]
fn lengths_beyond_all_bounds_are_refused_at_once() {
    for length in [i64::MAX, i64::MIN, -1, 1 << 40] {
        let mut datum = Vec::new();
        long(length, &mut datum);
        datum.extend([0xff; 9]);
        for kind in all() {
            assert!((kind.reencode)(&CODEC, &framed(kind.subject, &datum)).is_err(), "{}", kind.subject);
        }
    }
    // The resource types asked for, claimed to be many: the last array of an otherwise sound work item.
    let (_, json) = examples(Subject::RosterMember).into_iter().find(|(name, _)| name == "merged").expect("an example");
    let sound = (all()[Subject::RosterMember as usize].encode)(&CODEC, json);
    for length in [i64::MAX, i64::MIN, 1 << 40] {
        for at in FRAME_BYTES..sound.len() {
            let mut value = sound[..at].to_vec();
            long(length, &mut value);
            value.extend(&sound[at + 1..]);
            let _ = (all()[Subject::RosterMember as usize].reencode)(&CODEC, &value);
        }
    }
}

#[test]
fn every_way_of_being_unreadable_has_its_code_and_place() {
    let topic = Topic::Identity(Lane::Standard);
    let (_, json) =
        examples(Subject::IdentityWork).into_iter().find(|(name, _)| name == "resolve").expect("an example");
    let sound = (all()[Subject::IdentityWork as usize].encode)(&CODEC, json);
    assert!(CODEC.decode(&topic, &sound).is_ok());
    let letter = |topic: &Topic, value: &[u8]| {
        let poison = Poison::from(CODEC.decode(topic, value).expect_err("unreadable"));
        (poison.code, poison.place)
    };
    assert_eq!(letter(&topic, b"{\"json\": true}"), (Code::NotFramed, "frame".into()));
    assert_eq!(letter(&topic, &[0, 0, 1]), (Code::NotFramed, "frame".into()));
    assert_eq!(letter(&topic, &[0, 0xff, 0, 0, 0, 1]), (Code::SchemaUnknown, "schema id".into()));
    assert_eq!(letter(&Topic::Events, &sound), (Code::SchemaUnexpected, "identity-work".into()));
    assert_eq!(letter(&topic, &[&sound[..], &[0]].concat()), (Code::Undecodable, "end".into()));
    assert_eq!(letter(&topic, &sound[..FRAME_BYTES + 20]), (Code::Undecodable, "context.exchange_id".into()));
    assert_eq!(
        letter(&topic, &sound[..sound.len() - 40]),
        (Code::Undecodable, "task.Resolve.ask.resource_types".into())
    );
}

/// What can't be read may be somebody's name: neither errors nor their places repeat it.
#[test]
fn errors_never_quote_what_they_complain_of() {
    let topic = Topic::Intake(Lane::Standard);
    let request = &all()[Subject::IntakeRequest as usize];
    let mut places = BTreeSet::new();
    for (_, mut json) in examples(Subject::IntakeRequest) {
        json["member"]["name"]["family"] = "CANARY".into();
        json["member"]["birth_date"] = "CANARY".into();
        json["member"]["phones"] = vec!["CANARY"; 3].into();
        let sound = (request.encode)(&CODEC, json);
        for at in FRAME_BYTES..sound.len() {
            for byte in [0, 1, 3, 0x7f, 0xff] {
                let mut value = sound.clone();
                value[at] = byte;
                let Err(error) = CODEC.decode(&topic, &value) else { continue };
                assert!(matches!(error, DecodeError::Undecodable { .. }));
                let said = format!("{error} {error:?} {:?}", Poison::from(error.clone()));
                assert!(!said.contains("CANARY") && !said.contains('['), "{said}");
                places.insert(error.place().to_owned());
            }
        }
    }
    assert!(10 < places.len(), "places are told apart: {places:?}");
}
