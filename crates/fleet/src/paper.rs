//! Paper: what the records of a turn are written on. Their bytes lie side by side in a few large pieces, each record with a view of
//! its own, since an allocation for each key, value and header would cost as much as writing them.

use bytes::{Bytes, BytesMut};

/// Room for bytes that are handed out as they are written.
#[derive(Debug, Default)]
pub(crate) struct Paper {
    /// Where a value is written until its size is known.
    draft: Vec<u8>,
    piece: BytesMut,
    /// How large the last piece was.
    piece_bytes: usize,
}

/// The first piece of paper, and the largest: pieces grow with what is written, so that one record costs little.
const PIECE_BYTES: usize = 1 << 10;
const PIECE_BYTES_MAX: usize = 64 << 10;

impl Paper {
    /// These bytes, copied.
    pub(crate) fn copy(&mut self, bytes: &[u8]) -> Bytes {
        self.concat([bytes, &[]])
    }

    /// These bytes one after the other, copied.
    pub(crate) fn concat(&mut self, parts: [&[u8]; 2]) -> Bytes {
        let length = parts.iter().map(|part| part.len()).sum();
        if self.piece.capacity() < length {
            self.piece_bytes = (self.piece_bytes * 2).clamp(PIECE_BYTES, PIECE_BYTES_MAX);
            self.piece = BytesMut::with_capacity(self.piece_bytes.max(length));
        }
        parts.iter().for_each(|part| self.piece.extend_from_slice(part));
        self.piece.split_to(length).freeze()
    }

    /// What somebody writes.
    pub(crate) fn written<E>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<Bytes, E> {
        let mut draft = std::mem::take(&mut self.draft);
        draft.clear();
        let written = write(&mut draft);
        let bytes = written.map(|()| self.copy(&draft));
        self.draft = draft;
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_stays_whatever_is_written_after_it() {
        let mut paper = Paper::default();
        let mut written = Vec::new();
        for length in (0..3_000).step_by(7).chain([PIECE_BYTES_MAX * 2, 1]) {
            let expected = vec![(length % 251) as u8; length];
            let copied = paper.concat([&expected[..length / 3], &expected[length / 3..]]);
            let fill = |out: &mut Vec<u8>| {
                out.extend_from_slice(&expected);
                Ok::<_, ()>(())
            };
            written.push((paper.written(fill).expect("written"), copied, expected));
            assert_eq!(paper.written(|_| Err(length)), Err(length));
        }
        assert!(written.iter().all(|(one, other, expected)| one == expected && other == expected));
    }
}
