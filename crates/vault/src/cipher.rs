//! What everything here is built from: a keyed pseudo-random function, a cipher, and the two together as a key that seals.
//!
//! AES-GCM breaks when one nonce meets two plaintexts under one key (RFC 5116 section 5.1.1). Nonces are therefore values of a
//! pseudo-random function, under a key of its own, of the associated data and the plaintext: the idea of RFC 5297 (SIV). A nonce
//! repeats only when everything repeats, and then the very same bytes come out. Two plaintexts collide with a probability of 2⁻⁹⁶ per
//! pair. A data key sees a handful of plaintexts; a wrapping key sees one per record sealed, which stays below 2⁻³² up to 2³²
//! records (NIST SP 800-38D section 8.3), after which it should have been rotated long ago.

use std::fmt;

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The bytes of a nonce, at the front of everything sealed.
pub(crate) const NONCE_BYTES: usize = 12;
/// The bytes of an authentication tag, at the end of everything sealed.
pub(crate) const TAG_BYTES: usize = 16;

/// 256 secret bits, wiped when dropped. `Debug` never shows them.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Secret([u8; 32]);

/// A keyed pseudo-random function, HMAC-SHA256 (RFC 2104), with its key schedule computed once.
pub(crate) struct Prf(Hmac<Sha256>);

/// AES-256-GCM under one key. The caller answers for the nonce.
pub(crate) struct Cipher(Aes256Gcm);

/// What must differ whenever the plaintext does.
pub(crate) type Nonce = [u8; NONCE_BYTES];

/// A cipher that makes its own nonces; both subkeys derive from one secret.
pub(crate) struct SealingKey {
    cipher: Cipher,
    nonces: Prf,
}

/// The bytes were altered, or belong to other associated data or another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Forged;

/// The parts as one text in which no two lists of parts look alike: each is prefixed by its length.
pub(crate) fn associated_data(parts: &[&[u8]]) -> Vec<u8> {
    let mut data = Vec::with_capacity(parts.iter().map(|part| 8 + part.len()).sum());
    for part in parts {
        data.extend_from_slice(&length_prefix(part));
        data.extend_from_slice(part);
    }
    data
}

// === impl Secret ===

impl Secret {
    pub(crate) const BYTES: usize = 32;

    pub(crate) fn new(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// Fresh bits from the operating system.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut secret = Self([0; Self::BYTES]);
        getrandom::fill(&mut secret.0)?;
        Ok(secret)
    }

    pub(crate) fn bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

// === impl Prf ===

impl Prf {
    pub(crate) fn new(key: &Secret) -> Self {
        Self(Hmac::new_from_slice(key.bytes()).expect("HMAC takes a key of any length"))
    }

    /// The function's value at a list of parts, for the purpose that the label names.
    pub(crate) fn at(&self, label: &str, parts: &[&[u8]]) -> Secret {
        let mut mac = self.0.clone();
        for part in [label.as_bytes()].iter().chain(parts) {
            mac.update(&length_prefix(part));
            mac.update(part);
        }
        Secret(mac.finalize().into_bytes().into())
    }

    /// A nonce that stands for a list of parts.
    pub(crate) fn nonce(&self, label: &str, parts: &[&[u8]]) -> Nonce {
        let mut nonce = [0; NONCE_BYTES];
        nonce.copy_from_slice(&self.at(label, parts).bytes()[..NONCE_BYTES]);
        nonce
    }
}

impl fmt::Debug for Prf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prf(hidden)")
    }
}

// === impl Cipher ===

impl Cipher {
    pub(crate) fn new(key: &Secret) -> Self {
        Self(Aes256Gcm::new(key.bytes().into()))
    }

    /// Seals to nonce, ciphertext and tag.
    pub(crate) fn seal(&self, nonce: Nonce, associated_data: &[u8], plaintext: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(NONCE_BYTES + plaintext.len() + TAG_BYTES);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        let tag = self
            .0
            .encrypt_inout_detached(&nonce.into(), associated_data, (&mut sealed[NONCE_BYTES..]).into())
            .expect("AES-GCM takes up to 64 GiB");
        sealed.extend_from_slice(&tag);
        sealed
    }

    /// Opens what was sealed under this key and this associated data.
    pub(crate) fn open(&self, associated_data: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Forged> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(Forged)?;
        let (ciphertext, tag) = rest.split_last_chunk::<TAG_BYTES>().ok_or(Forged)?;
        let mut content = ciphertext.to_vec();
        self.0
            .decrypt_inout_detached(nonce.into(), associated_data, content.as_mut_slice().into(), tag.into())
            .map_err(|_| Forged)?;
        Ok(content)
    }
}

// === impl SealingKey ===

impl SealingKey {
    pub(crate) fn new(secret: &Secret) -> Self {
        let subkeys = Prf::new(secret);
        Self {
            cipher: Cipher::new(&subkeys.at("waybill/content", &[])),
            nonces: Prf::new(&subkeys.at("waybill/nonces", &[])),
        }
    }

    /// Seals under a synthetic nonce: the same input gives the same bytes.
    pub(crate) fn seal(&self, associated_data: &[u8], plaintext: &[u8]) -> Vec<u8> {
        let nonce = self.nonces.nonce("waybill/nonce", &[associated_data, plaintext]);
        self.cipher.seal(nonce, associated_data, plaintext)
    }

    /// Seals under a nonce from the operating system, for data too large to be worth a second pass.
    pub(crate) fn seal_at_random(&self, associated_data: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, getrandom::Error> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce)?;
        Ok(self.cipher.seal(nonce, associated_data, plaintext))
    }

    /// Opens what either way of sealing made.
    pub(crate) fn open(&self, associated_data: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Forged> {
        self.cipher.open(associated_data, sealed)
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(hidden)")
    }
}

fn length_prefix(part: &[u8]) -> [u8; 8] {
    (part.len() as u64).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SealingKey {
        SealingKey::new(&Secret::new([byte; 32]))
    }

    #[test]
    fn the_function_is_hmac_sha256_over_length_prefixed_parts() {
        // Computed with Python's hmac module: key of 32 bytes 0x01, message = two parts "ab" and "c" with 8-byte lengths.
        let expected = "00f7da38a97bdafddab2519a3ee0272e086a448b0f5357cfdae24a596c194a12";
        let value = Prf::new(&Secret::new([1; 32])).at("ab", &[b"c"]);
        let hex: String = value.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected);
    }

    #[test]
    fn everything_that_holds_a_key_is_wiped_when_dropped() {
        fn wiped<T: ZeroizeOnDrop>() {}
        wiped::<Secret>();
        // An HMAC is two of these.
        wiped::<Sha256>();
        wiped::<Aes256Gcm>();
    }

    #[test]
    fn what_was_sealed_opens_and_seals_alike() {
        let sealed = key(1).seal(b"aad", b"content");
        assert_eq!(sealed.len(), NONCE_BYTES + 7 + TAG_BYTES);
        assert_eq!(sealed, key(1).seal(b"aad", b"content"));
        assert_eq!(key(1).open(b"aad", &sealed), Ok(b"content".to_vec()));
        let random = key(1).seal_at_random(b"aad", b"content").expect("randomness");
        assert_ne!(random, sealed);
        assert_eq!(key(1).open(b"aad", &random), Ok(b"content".to_vec()));
    }

    #[test]
    fn another_plaintext_or_associated_data_gets_another_nonce() {
        let nonce = |aad: &[u8], plaintext: &[u8]| key(1).seal(aad, plaintext)[..NONCE_BYTES].to_vec();
        assert_ne!(nonce(b"aad", b"content"), nonce(b"aad", b"contend"));
        assert_ne!(nonce(b"aad", b"content"), nonce(b"aa", b"dcontent"));
    }

    #[test]
    fn every_altered_bit_and_every_truncation_is_found() {
        let sealed = key(1).seal(b"aad", b"content");
        for at in 0..sealed.len() * 8 {
            let mut altered = sealed.clone();
            altered[at / 8] ^= 1 << (at % 8);
            assert_eq!(key(1).open(b"aad", &altered), Err(Forged), "bit {at}");
        }
        for length in 0..sealed.len() {
            assert_eq!(key(1).open(b"aad", &sealed[..length]), Err(Forged), "{length} bytes");
        }
        assert_eq!(key(1).open(b"bad", &sealed), Err(Forged));
        assert_eq!(key(2).open(b"aad", &sealed), Err(Forged));
    }
}
