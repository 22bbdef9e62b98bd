//! A roster as bytes: what takes a second to build is read back in a fraction of one.
//!
//! The bytes hold everything but what follows from the words (their sounds and groups), little-endian, behind a mark with the
//! version of the layout and a checksum. They are protected health information, and whoever keeps them seals them.

use bytes::{Buf, Bytes};

use super::{Accounts, Calendar, Places, Roster, Table};
use crate::lexicon::Lexicon;
use crate::normal::{Word, mix};
use crate::packed::{Lexicons, Packed};

/// Why bytes are no roster.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SnapshotError {
    /// They do not begin as a roster does.
    #[error("not a roster snapshot")]
    Foreign,
    /// They are of another version of Waybill.
    #[error("a roster snapshot of another layout; build the roster anew")]
    Layout,
    /// They are cut off or altered.
    #[error("a damaged roster snapshot; build the roster anew")]
    Damaged,
}

const MARK: &[u8; 8] = b"WBROSTER";
/// The version of the layout, raised whenever normalising, packing or hashing changes.
const LAYOUT: u32 = 3;
const HEADER: usize = 8 + 4 + 8;

/// Bytes being written.
pub(super) struct Writer(Vec<u8>);

/// Bytes being read; every read fails beyond the end.
pub(super) struct Reader(Bytes);

// === impl Writer ===

impl Writer {
    pub(super) fn number(&mut self, number: u32) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn numbers(&mut self, numbers: &[u32]) {
        self.number(numbers.len() as u32);
        self.0.reserve(numbers.len() * 4);
        numbers.iter().for_each(|number| self.number(*number));
    }

    pub(super) fn text(&mut self, text: &str) {
        self.number(text.len() as u32);
        self.0.extend_from_slice(text.as_bytes());
    }
}

// === impl Reader ===

impl Reader {
    pub(super) fn number(&mut self) -> Result<u32, SnapshotError> {
        self.0.try_get_u32_le().map_err(|_| SnapshotError::Damaged)
    }

    pub(super) fn numbers(&mut self) -> Result<Vec<u32>, SnapshotError> {
        let count = self.number()? as usize;
        let bytes = self.take(count.saturating_mul(4))?;
        let (numbers, _) = bytes.as_chunks::<4>();
        Ok(numbers.iter().map(|number| u32::from_le_bytes(*number)).collect())
    }

    pub(super) fn text(&mut self) -> Result<String, SnapshotError> {
        let count = self.number()? as usize;
        let bytes = self.take(count)?;
        String::from_utf8(bytes.into()).map_err(|_| SnapshotError::Damaged)
    }

    fn take(&mut self, count: usize) -> Result<Bytes, SnapshotError> {
        if self.0.remaining() < count {
            return Err(SnapshotError::Damaged);
        }
        Ok(self.0.split_to(count))
    }
}

// === impl Roster ===

impl Roster {
    /// The roster as bytes. It is settled first.
    pub fn to_snapshot(&mut self) -> Bytes {
        self.settle();
        let mut out = Writer(vec![0; HEADER]);
        self.lexicons.names.write(&mut out);
        self.lexicons.places.write(&mut out);
        out.number(self.records.len() as u32);
        out.0.reserve(self.records.len() * 64);
        self.records.iter().for_each(|record| out.0.extend_from_slice(&record.to_bytes()));
        self.accounts.write(&mut out);
        self.table.write(&mut out);
        let mut bytes = out.0;
        let checksum = checksum(&bytes[HEADER..]);
        bytes[..8].copy_from_slice(MARK);
        bytes[8..12].copy_from_slice(&LAYOUT.to_le_bytes());
        bytes[12..HEADER].copy_from_slice(&checksum.to_le_bytes());
        bytes.into()
    }

    /// The roster of these bytes.
    pub fn of_snapshot(bytes: &Bytes) -> Result<Self, SnapshotError> {
        let mut header = bytes.get(..HEADER).ok_or(SnapshotError::Foreign)?;
        if header.copy_to_bytes(8) != MARK.as_slice() {
            return Err(SnapshotError::Foreign);
        }
        if header.get_u32_le() != LAYOUT {
            return Err(SnapshotError::Layout);
        }
        let body = bytes.slice(HEADER..);
        if header.get_u64_le() != checksum(&body) {
            return Err(SnapshotError::Damaged);
        }
        let mut reader = Reader(body);
        let lexicons = Lexicons { names: Lexicon::read(&mut reader)?, places: Lexicon::read(&mut reader)? };
        let count = reader.number()? as usize;
        let bytes = reader.take(count.saturating_mul(64))?;
        let records: Vec<Packed> = bytes.as_chunks::<64>().0.iter().map(Packed::of_bytes).collect();
        let (accounts, table) = (Accounts::read(&mut reader)?, Table::read(&mut reader)?);
        let (mut calendar, mut places) = (Calendar::default(), Places::default());
        for record in &records {
            calendar.count(record.dob(), true);
            places.count(record, true);
        }
        let indexed = records.len() as u32;
        Ok(Self { records, lexicons, calendar, places, accounts, table, indexed, ..Self::default() })
    }
}

/// A checksum of all bytes, eight at a time.
fn checksum(bytes: &[u8]) -> u64 {
    let (eights, rest) = bytes.as_chunks::<8>();
    // Four lanes, since one would wait for each multiplication.
    let mut lanes = [bytes.len() as u64, 1, 2, 3];
    for (at, eight) in eights.iter().enumerate() {
        let lane = &mut lanes[at % 4];
        *lane = (*lane ^ u64::from_le_bytes(*eight)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }
    let rest = rest.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    lanes.into_iter().chain([rest]).fold(0, |sum, lane| mix(sum ^ lane))
}

// === impl Lexicon ===

impl Lexicon {
    fn write(&self, out: &mut Writer) {
        out.number(self.len() as u32);
        for entry in self.iter() {
            out.text(entry.word.as_str());
            entry.parts.into_iter().chain(entry.counts).for_each(|number| out.number(number));
        }
    }

    fn read(reader: &mut Reader) -> Result<Self, SnapshotError> {
        let mut lexicon = Self::default();
        for _ in 0..reader.number()? {
            let word = Word::of(&reader.text()?);
            let mut next = || reader.number();
            lexicon.restore(&word, [next()?, next()?], [next()?, next()?]);
        }
        lexicon.count_groups();
        lexicon.shrink_to_fit();
        Ok(lexicon)
    }
}
