//! Originals of dead letters: a record as it was, sealed under a key that exists only in the keystore.
//!
//! The key is named after the letter and bound to it. Sealing the same record for the same letter again gives the same bytes.
//! A ciphertext too large to travel in a letter goes to the claim-check store, under `letters/<first two hex digits>/<letter>`.

use bytes::{Buf, BufMut, Bytes};
use domain::messages::SealedOriginal;
use domain::phi::{Phi, PhiError, Purpose};
use domain::{LetterId, Timestamp, Token};
use fleet::bus::{HeaderName, Headers};
use fleet::evidence::EvidenceError;
use fleet::originals::{Original, Originals};

use crate::cipher::{Forged, associated_data};
use crate::keystore::{KeyName, KeystoreError};
use crate::vault::Vault;

/// The most bytes of ciphertext a letter carries itself; a record may have four times as many.
const CARRIED_BYTES_MAX: usize = 256 * 1024;

impl Originals for Vault {
    fn attest(&self, parts: &[&[u8]]) -> Token {
        Phi::token(self, Purpose::Mark, parts)
    }

    fn seal(&self, letter: LetterId, original: &Original) -> Result<SealedOriginal, PhiError> {
        let name = KeyName::Letter(letter);
        let key = self.keystore.key_for(name).map_err(KeystoreError::into_phi)?;
        let ciphertext = Bytes::from(key.seal(&bound_to(letter), &encode(original)));
        let key_id = name.to_string();
        if ciphertext.len() <= CARRIED_BYTES_MAX {
            return Ok(SealedOriginal { key_id, ciphertext, claim_check: None });
        }
        let path = path(letter);
        self.claim_check.put_now(&path, ciphertext).map_err(|error| store_failed(&error))?;
        Ok(SealedOriginal { key_id, ciphertext: Bytes::new(), claim_check: Some(path) })
    }

    fn open(&self, letter: LetterId, sealed: &SealedOriginal) -> Result<Original, PhiError> {
        let name = KeyName::Letter(letter);
        if sealed.key_id.parse() != Ok(name) {
            return Err(PhiError::Forged);
        }
        let key = self.keystore.find(name).map_err(KeystoreError::into_phi)?;
        let ciphertext = match &sealed.claim_check {
            None => sealed.ciphertext.clone(),
            Some(reference) if *reference == path(letter) => {
                self.claim_check.get_now(reference).map_err(|error| store_failed(&error))?
            }
            Some(_) => return Err(PhiError::Forged),
        };
        let plaintext = key.open(&bound_to(letter), &ciphertext).map_err(|Forged| PhiError::Forged)?;
        decode(plaintext.into()).ok_or(PhiError::Undecodable)
    }
}

fn path(letter: LetterId) -> String {
    let letter = letter.to_string();
    format!("letters/{}/{letter}", &letter[..2])
}

fn bound_to(letter: LetterId) -> Vec<u8> {
    associated_data(&[b"waybill/original", &letter.0])
}

/// What the port says of a store's failure, told to the log here, as the port's error has no room for causes.
fn store_failed(error: &EvidenceError) -> PhiError {
    match error {
        EvidenceError::Erased => PhiError::Erased,
        EvidenceError::Forged => PhiError::Forged,
        EvidenceError::Missing | EvidenceError::Store(_) => {
            tracing::error!(%error, "the claim-check store failed for a letter");
            PhiError::Unavailable
        }
    }
}

/// The version of the encoding below, its first byte.
const VERSION: u8 = 1;
/// The length that says a key or value is absent, which an empty one is not.
const ABSENT: u32 = u32::MAX;

/// Version, timestamp, key, value, number of headers, then names and values in order; all big-endian, texts with their length.
fn encode(original: &Original) -> Vec<u8> {
    let field = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
    let headers = &original.headers;
    let size = 21 + field(&original.key) + field(&original.value) + headers.size_bytes() + 8 * headers.0.len();
    let mut out = Vec::with_capacity(size);
    out.put_u8(VERSION);
    out.put_i64(original.at.0);
    put(&mut out, original.key.as_deref());
    put(&mut out, original.value.as_deref());
    out.put_u32(length(headers.0.len()));
    for (name, value) in &headers.0 {
        put(&mut out, Some(name.as_bytes()));
        put(&mut out, Some(value));
    }
    out
}

fn decode(mut bytes: Bytes) -> Option<Original> {
    if bytes.try_get_u8().ok()? != VERSION {
        return None;
    }
    let at = Timestamp(bytes.try_get_i64().ok()?);
    let key = take(&mut bytes)?;
    let value = take(&mut bytes)?;
    let mut headers = Headers::default();
    for _ in 0..bytes.try_get_u32().ok()? {
        let name = take(&mut bytes)??;
        let name = HeaderName::Owned(std::str::from_utf8(&name).ok()?.to_owned());
        headers.push(name, take(&mut bytes)??);
    }
    bytes.is_empty().then_some(Original { key, value, headers, at })
}

fn put(out: &mut Vec<u8>, field: Option<&[u8]>) {
    out.put_u32(field.map_or(ABSENT, |bytes| length(bytes.len())));
    out.put_slice(field.unwrap_or_default());
}

/// The next field: none if the bytes end too soon, none inside if it is absent.
fn take(bytes: &mut Bytes) -> Option<Option<Bytes>> {
    match bytes.try_get_u32().ok()? {
        ABSENT => Some(None),
        length => {
            let length = usize::try_from(length).ok()?;
            (length <= bytes.len()).then(|| Some(bytes.split_to(length)))
        }
    }
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a record has less than 4 GiB")
}

#[cfg(test)]
mod tests;
