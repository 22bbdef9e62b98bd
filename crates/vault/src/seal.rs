//! Sealing of work records: an envelope of AES-256-GCM, as a pure function.
//!
//! The data key derives from the wrapping key, what the record is bound to and the record's id; it travels with the record, wrapped.
//! Both layers authenticate the binding and the wrapping key's id, so a record opens for no other request and under no other key.
//! The same input seals to the same bytes, which a redelivered record needs. It tells an onlooker only that two records with the
//! same id and binding are equal, which their ids say already; for roster records, that a member's record did not change.

use contracts::Subject;
use domain::person::{Dossier, RosterMember};
use domain::phi::{Binding, Phi, PhiError, Purpose, Sealed};
use domain::{RecordId, RequestId, Token};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cipher::{Cipher, Forged, associated_data};
use crate::vault::Vault;

impl Phi for Vault {
    fn seal_dossier(
        &self,
        request: RequestId,
        record: RecordId,
        dossier: &Dossier,
    ) -> Result<Sealed<Dossier>, PhiError> {
        let plaintext = self.encode(Subject::Dossier, dossier)?;
        Ok(self.seal_bytes(Binding::Request(request), &record.0, &plaintext))
    }

    fn open_dossier(&self, request: RequestId, sealed: &Sealed<Dossier>) -> Result<Dossier, PhiError> {
        self.decode(Subject::Dossier, &self.open_bytes(Binding::Request(request), sealed)?)
    }

    fn seal_member(&self, member_key: &str, member: &RosterMember) -> Result<Sealed<RosterMember>, PhiError> {
        let plaintext = self.encode(Subject::RosterMember, member)?;
        Ok(self.seal_bytes(Binding::Member(member_key), &[], &plaintext))
    }

    fn open_member(&self, member_key: &str, sealed: &Sealed<RosterMember>) -> Result<RosterMember, PhiError> {
        self.decode(Subject::RosterMember, &self.open_bytes(Binding::Member(member_key), sealed)?)
    }

    fn token(&self, purpose: Purpose, parts: &[&[u8]]) -> Token {
        let (key, label) = match purpose {
            Purpose::Request => (&self.keys.tokens, "waybill/request"),
            Purpose::IdempotencyKey => (&self.keys.tokens, "waybill/idempotency-key"),
            Purpose::PayloadDigest => (&self.keys.digests, "waybill/payload-digest"),
            Purpose::Member => (&self.keys.tokens, "waybill/member"),
            Purpose::Exchange => (&self.keys.tokens, "waybill/exchange"),
            Purpose::Claim => (&self.keys.digests, "waybill/claim"),
            Purpose::Guard => (&self.keys.tokens, "waybill/guard"),
            Purpose::Ground => (&self.keys.digests, "waybill/ground"),
            Purpose::Mark => (&self.keys.tokens, "waybill/mark"),
        };
        let value = key.at(label, parts);
        let mut id = [0; 16];
        id.copy_from_slice(&value.bytes()[..16]);
        Token(domain::ids::stamp_version(id))
    }
}

impl Vault {
    fn seal_bytes<T>(&self, binding: Binding<'_>, record: &[u8], plaintext: &[u8]) -> Sealed<T> {
        let wrapping = self.keys.active();
        let bound_to = bound_to(&binding, wrapping.id());
        let data_key = wrapping.data_key(&[&bound_to, record]);
        let ciphertext = Cipher::new(&data_key).seal(wrapping.nonce(&bound_to, plaintext), &bound_to, plaintext);
        let wrapped_key = wrapping.wrap(&bound_to, &data_key);
        Sealed::new(wrapping.id().to_owned(), wrapped_key.into(), ciphertext.into())
    }

    fn open_bytes<T>(&self, binding: Binding<'_>, sealed: &Sealed<T>) -> Result<Vec<u8>, PhiError> {
        let wrapping = self.keys.wrapping(&sealed.key_id).ok_or(PhiError::UnknownKey)?;
        let bound_to = bound_to(&binding, wrapping.id());
        let opened = wrapping
            .unwrap(&bound_to, &sealed.wrapped_key)
            .and_then(|data_key| Cipher::new(&data_key).open(&bound_to, &sealed.ciphertext));
        opened.map_err(|Forged| PhiError::Forged)
    }

    fn encode<T: Serialize>(&self, subject: Subject, content: &T) -> Result<Vec<u8>, PhiError> {
        let mut plaintext = Vec::with_capacity(1024);
        self.codec.encode_value(subject, content, &mut plaintext).map_err(|_| PhiError::Undecodable)?;
        Ok(plaintext)
    }

    fn decode<T: DeserializeOwned>(&self, subject: Subject, plaintext: &[u8]) -> Result<T, PhiError> {
        self.codec.decode_value(subject, plaintext).map_err(|_| PhiError::Undecodable)
    }
}

/// The associated data of both layers.
fn bound_to(binding: &Binding<'_>, key_id: &str) -> Vec<u8> {
    let (kind, subject): (&[u8], &[u8]) = match binding {
        Binding::Request(request) => (b"request", &request.0),
        Binding::Member(member_key) => (b"member", member_key.as_bytes()),
    };
    associated_data(&[kind, subject, key_id.as_bytes()])
}

#[cfg(test)]
mod tests;
