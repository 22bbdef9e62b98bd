//! Submissions of those who are not who they say, or whom nobody knows.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use contracts::headers::{KEY_ID, SIGNATURE};
use domain::Code;
use domain::messages::IntakeRequest;
use domain::worker::Signature;
use ed25519_dalek::{Signer, SigningKey};
use fleet::bus::Outgoing;

use crate::bench::{Answer, Bench};

const SIGNER: &str = "signer";

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// The registration of a source that must sign.
pub(crate) fn registration() -> String {
    let public = STANDARD.encode(key().verifying_key().as_bytes());
    format!(
        "id = '{SIGNER}'\nlane = 'urgent'\nworkflows = ['request_data']\nkeys = [{{ id = 'k1', public = '{public}' }}]"
    )
}

fn signed(mut record: Outgoing, key_id: &str, signature: Bytes) -> Outgoing {
    record.headers.push(SIGNATURE, signature);
    record.headers.push(KEY_ID, key_id.to_owned());
    record
}

fn signature(record: &Outgoing, key_id: &str) -> Bytes {
    let value = record.value.as_deref().expect("a value");
    key().sign(&Signature::covered(key_id, value)).to_bytes().to_vec().into()
}

#[test]
fn a_source_that_signs_is_believed_by_its_signature_alone() {
    let mut bench = Bench::new();
    let refused = |code| [Answer::refused(SIGNER, code, &["signature"])];
    let mut record = || {
        let request = IntakeRequest { source: SIGNER.into(), ..bench.request() };
        bench.record(&request)
    };
    let (sound, other) = (record(), record());
    let cases = [
        (sound.clone(), refused(Code::SignatureMissing)),
        (signed(sound.clone(), "k1", signature(&other, "k1")), refused(Code::SignatureWrong)),
        (signed(sound.clone(), "k1", Bytes::from_static(b"short")), refused(Code::SignatureWrong)),
        (signed(sound.clone(), "k1", signature(&sound, "k2")), refused(Code::SignatureWrong)),
        (signed(sound.clone(), "k2", signature(&sound, "k2")), refused(Code::SignatureKeyUnknown)),
        (signed(sound.clone(), "", signature(&sound, "k1")), refused(Code::SignatureKeyUnknown)),
        (signed(sound.clone(), "k1", signature(&sound, "k1")), [Answer::Accepted]),
    ];
    for (record, answers) in cases {
        assert_eq!(bench.answers(record), answers);
    }
}

#[test]
fn a_stranger_is_refused_unread_and_told_where_strangers_are_told() {
    let mut bench = Bench::new();
    for stranger in ["stranger", "Not A Name", "", "unregistered"] {
        let mut request = IntakeRequest { source: stranger.into(), ..bench.request() };
        request.member.birth_date = None;
        let answers = bench.answers(bench.record(&request));
        assert_eq!(answers, [Answer::refused("unregistered", Code::SourceUnregistered, &["source"])], "{stranger}");
    }
}
