//! A slot: 128 bytes for one name, with its wrapped key or the fact that it was erased.

use domain::{LetterId, RequestId};
use sha2::{Digest, Sha256};

use super::KeyName;
use crate::cipher::{NONCE_BYTES, Secret, TAG_BYTES};
use crate::keys::KEY_ID_BYTES;

/// The bytes of a slot; a power of two, so that no slot crosses a disk sector.
pub(super) const SLOT_BYTES: usize = 128;

/// A slot as it lies in the file.
pub(super) type Image = [u8; SLOT_BYTES];

/// One name's slot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) name: KeyName,
    pub(super) content: Content,
    /// The position of the first slot that was written together with this one. Everything before it was durable by then.
    pub(super) batch: u64,
}

/// What is left of a name's key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// The key, wrapped under a deployment key.
    Key { key_id: [u8; KEY_ID_BYTES], wrapped: [u8; WRAPPED_BYTES] },
    /// Nothing, for ever.
    Erased,
}

/// Why an image is no slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unreadable {
    /// It was not written to its end.
    Torn,
    /// It is whole, but of a form this version doesn't know.
    Foreign,
}

/// The bytes of a wrapped key: nonce, ciphertext, tag.
pub(super) const WRAPPED_BYTES: usize = NONCE_BYTES + Secret::BYTES + TAG_BYTES;

// The layout. What follows the batch is zero up to the checksum.
const VERSION_AT: usize = 0;
const CONTENT_AT: usize = 1;
const NAME_AT: usize = 2;
const ID_AT: usize = 3;
const KEY_ID_AT: usize = 19;
const WRAPPED_AT: usize = KEY_ID_AT + KEY_ID_BYTES;
const BATCH_AT: usize = WRAPPED_AT + WRAPPED_BYTES;
const CHECKSUM_AT: usize = SLOT_BYTES - 8;

const VERSION: u8 = 1;
const KEY: u8 = 1;
const ERASED: u8 = 2;
const REQUEST: u8 = 1;
const LETTER: u8 = 2;

/// The first eight bytes of the SHA-256. It finds torn writes; whether a key is genuine is known by unwrapping it.
pub(super) fn checksum(bytes: &[u8]) -> [u8; 8] {
    let mut sum = [0; 8];
    sum.copy_from_slice(&Sha256::digest(bytes)[..8]);
    sum
}

// === impl Slot ===

impl Slot {
    /// The same slot without its key.
    pub(super) fn erased(self) -> Self {
        Self { content: Content::Erased, ..self }
    }

    pub(super) fn image(&self) -> Image {
        let mut image = [0; SLOT_BYTES];
        image[VERSION_AT] = VERSION;
        let (kind, id) = match &self.name {
            KeyName::Request(request) => (REQUEST, &request.0),
            KeyName::Letter(letter) => (LETTER, &letter.0),
        };
        image[NAME_AT] = kind;
        image[ID_AT..KEY_ID_AT].copy_from_slice(id);
        match &self.content {
            Content::Key { key_id, wrapped } => {
                image[CONTENT_AT] = KEY;
                image[KEY_ID_AT..WRAPPED_AT].copy_from_slice(key_id);
                image[WRAPPED_AT..BATCH_AT].copy_from_slice(wrapped);
            }
            Content::Erased => image[CONTENT_AT] = ERASED,
        }
        image[BATCH_AT..BATCH_AT + 8].copy_from_slice(&self.batch.to_be_bytes());
        let sum = checksum(&image[..CHECKSUM_AT]);
        image[CHECKSUM_AT..].copy_from_slice(&sum);
        image
    }

    pub(super) fn read(image: &Image) -> Result<Self, Unreadable> {
        if checksum(&image[..CHECKSUM_AT]) != image[CHECKSUM_AT..] {
            return Err(Unreadable::Torn);
        }
        let id = bytes_at(image, ID_AT);
        let name = match image[NAME_AT] {
            REQUEST => KeyName::Request(RequestId(id)),
            LETTER => KeyName::Letter(LetterId(id)),
            _ => return Err(Unreadable::Foreign),
        };
        let content = match (image[VERSION_AT], image[CONTENT_AT]) {
            (VERSION, KEY) => Content::Key { key_id: bytes_at(image, KEY_ID_AT), wrapped: bytes_at(image, WRAPPED_AT) },
            (VERSION, ERASED) => Content::Erased,
            _ => return Err(Unreadable::Foreign),
        };
        Ok(Self { name, content, batch: u64::from_be_bytes(bytes_at(image, BATCH_AT)) })
    }
}

fn bytes_at<const N: usize>(image: &Image, at: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&image[at..at + N]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots() -> [Slot; 3] {
        let key = Content::Key { key_id: [7; KEY_ID_BYTES], wrapped: [8; WRAPPED_BYTES] };
        let request = KeyName::Request(RequestId([1; 16]));
        let letter = KeyName::Letter(LetterId([1; 16]));
        [
            Slot { name: request, content: key, batch: 3 },
            Slot { name: letter, content: key, batch: u64::MAX },
            Slot { name: letter, content: Content::Erased, batch: 0 },
        ]
    }

    #[test]
    fn a_slot_reads_back_and_any_altered_byte_is_found() {
        for slot in slots() {
            let image = slot.image();
            assert!(Slot::read(&image) == Ok(slot));
            for at in 0..SLOT_BYTES {
                let mut altered = image;
                altered[at] ^= 1;
                assert_eq!(Slot::read(&altered).err(), Some(Unreadable::Torn), "byte {at}");
            }
        }
    }

    #[test]
    fn an_erased_slot_keeps_nothing_of_the_key() {
        let [slot, ..] = slots();
        let image = slot.erased().image();
        assert!(image[KEY_ID_AT..BATCH_AT].iter().all(|byte| *byte == 0));
        assert!(Slot::read(&image).is_ok_and(|read| read.name == slot.name && read.content == Content::Erased));
    }

    #[test]
    fn a_whole_slot_of_a_later_version_is_not_taken_for_a_torn_one() {
        let mut image = slots()[0].image();
        image[VERSION_AT] = 2;
        let sum = checksum(&image[..CHECKSUM_AT]);
        image[CHECKSUM_AT..].copy_from_slice(&sum);
        assert_eq!(Slot::read(&image).err(), Some(Unreadable::Foreign));
    }
}
