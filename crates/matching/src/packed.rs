//! A record in one cache line: 64 bytes of numbers that can be compared without looking anywhere else.

use crate::lexicon::{Lexicon, Role, WordId};
use crate::normal::date::Date;
use crate::normal::{Normal, Sex, Suffix};

/// A normalised record, its texts replaced by their numbers in the lexicons. Zeros say nothing.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
#[repr(C, align(64))]
pub(crate) struct Packed {
    /// Ten digits in the lower 34 bits, then 28 of the hashed MBI; [`VARIANT`](Self::VARIANT) and [`GONE`](Self::GONE) at the top.
    phone: u64,
    pub(crate) member: u64,
    pub(crate) given: WordId,
    pub(crate) family: WordId,
    pub(crate) middle: WordId,
    /// Birth date in the lower 21 bits, then two bits of sex, four of suffix; then [`FOLLOWED`](Self::FOLLOWED).
    person: u32,
    pub(crate) subscriber: u32,
    pub(crate) ssn: u32,
    pub(crate) street: WordId,
    pub(crate) number: u32,
    pub(crate) email: u32,
    /// ZIP in the lower 17 bits, then ten of the state.
    place: u32,
    pub(crate) unit: u16,
    pub(crate) mailbox: u16,
    pub(crate) city: u16,
    pub(crate) group: u16,
}

/// The two lexicons of a roster.
#[derive(Clone, Default)]
pub(crate) struct Lexicons {
    pub(crate) names: Lexicon,
    pub(crate) places: Lexicon,
}

// === impl Packed ===

impl Packed {
    /// The record stands for the same member as the one before it.
    const VARIANT: u64 = 1 << 63;
    /// The record was removed.
    const GONE: u64 = 1 << 62;
    const PHONE: u64 = (1 << 34) - 1;
    /// The next record is a variant of the same member.
    const FOLLOWED: u32 = 1 << 27;

    /// Packs a record, taking its texts into the lexicons.
    pub(crate) fn intern(normal: &Normal, lexicons: &mut Lexicons) -> Self {
        let Lexicons { names, places } = lexicons;
        Self {
            given: names.intern_name(&normal.given),
            family: names.intern_name(&normal.family),
            middle: names.intern(&normal.middle),
            street: places.intern(&normal.address.street),
            ..Self::numbers(normal)
        }
    }

    /// Asks memory for where the lexicons look for the texts of a claim.
    pub(crate) fn prefetch_places(normal: &Normal, lexicons: &Lexicons) {
        let words = [&normal.given.whole, &normal.family.whole, &normal.middle];
        words.into_iter().for_each(|word| lexicons.names.prefetch_place(word));
        lexicons.places.prefetch_place(&normal.address.street);
    }

    /// Asks memory for the words that stand there.
    pub(crate) fn prefetch_words(normal: &Normal, lexicons: &Lexicons) {
        let words = [&normal.given.whole, &normal.family.whole, &normal.middle];
        words.into_iter().for_each(|word| lexicons.names.prefetch_word(word));
        lexicons.places.prefetch_word(&normal.address.street);
    }

    /// Packs a claim, whose texts the lexicons may not hold.
    pub(crate) fn look_up(normal: &Normal, lexicons: &Lexicons) -> Self {
        let Lexicons { names, places } = lexicons;
        Self {
            given: names.find_name(&normal.given),
            family: names.find_name(&normal.family),
            middle: names.find(&normal.middle),
            street: places.find(&normal.address.street),
            ..Self::numbers(normal)
        }
    }

    fn numbers(normal: &Normal) -> Self {
        Self {
            phone: normal.phone & Self::PHONE | u64::from(normal.mbi >> 4) << 34,
            member: normal.member,
            person: normal.dob.0 | (normal.sex as u32) << 21 | (normal.suffix as u32) << 23,
            subscriber: normal.subscriber,
            ssn: normal.ssn,
            number: normal.address.number,
            email: normal.email.0,
            place: normal.address.zip | u32::from(normal.address.state) << 17,
            unit: normal.address.unit,
            mailbox: normal.email.1,
            city: if normal.address.city.is_empty() { 0 } else { (normal.address.city.hash() >> 48) as u16 | 1 },
            group: normal.group,
            ..Self::default()
        }
    }

    /// Counts the record's names in, or out again.
    pub(crate) fn count(&self, lexicons: &mut Lexicons, comes: bool) {
        lexicons.names.count(self.given, Role::Given, comes);
        lexicons.names.count(self.family, Role::Family, comes);
    }

    pub(crate) fn dob(&self) -> Date {
        Date(self.person & ((1 << 21) - 1))
    }

    pub(crate) fn sex(&self) -> Sex {
        Sex::ALL[(self.person >> 21 & 3) as usize]
    }

    pub(crate) fn suffix(&self) -> Suffix {
        Suffix::ALL.get((self.person >> 23 & 15) as usize).copied().unwrap_or_default()
    }

    pub(crate) fn zip(&self) -> u32 {
        self.place & ((1 << 17) - 1)
    }

    pub(crate) fn state(&self) -> u32 {
        self.place >> 17
    }

    pub(crate) fn phone(&self) -> u64 {
        self.phone & Self::PHONE
    }

    pub(crate) fn mbi(&self) -> u32 {
        (self.phone >> 34) as u32 & ((1 << 28) - 1)
    }

    pub(crate) fn is_variant(&self) -> bool {
        self.phone & Self::VARIANT != 0
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.phone & Self::GONE != 0
    }

    /// The same record as a variant of the member before it.
    pub(crate) fn as_variant(mut self) -> Self {
        self.phone |= Self::VARIANT;
        self
    }

    /// Whether the next record is a variant of the same member.
    #[inline]
    pub(crate) fn is_followed(&self) -> bool {
        self.person & Self::FOLLOWED != 0
    }

    /// The same record, as one that a variant follows.
    pub(crate) fn as_followed(mut self) -> Self {
        self.person |= Self::FOLLOWED;
        self
    }

    pub(crate) fn mark_gone(&mut self) {
        self.phone |= Self::GONE;
    }

    /// Its bytes, little-endian, for a snapshot.
    pub(crate) fn to_bytes(self) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes[..8].copy_from_slice(&self.phone.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.member.to_le_bytes());
        for (place, lane) in bytes[16..56].chunks_exact_mut(4).zip(self.halves()) {
            place.copy_from_slice(&lane.to_le_bytes());
        }
        for (place, lane) in bytes[56..].chunks_exact_mut(2).zip([self.unit, self.mailbox, self.city, self.group]) {
            place.copy_from_slice(&lane.to_le_bytes());
        }
        bytes
    }

    /// The record of these bytes.
    pub(crate) fn of_bytes(bytes: &[u8; 64]) -> Self {
        let long = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| bytes[at + byte]));
        let half = |at: usize| u32::from_le_bytes(std::array::from_fn(|byte| bytes[16 + at * 4 + byte]));
        let short = |at: usize| u16::from_le_bytes(std::array::from_fn(|byte| bytes[56 + at * 2 + byte]));
        Self {
            phone: long(0),
            member: long(8),
            given: half(0),
            family: half(1),
            middle: half(2),
            person: half(3),
            subscriber: half(4),
            ssn: half(5),
            street: half(6),
            number: half(7),
            email: half(8),
            place: half(9),
            unit: short(0),
            mailbox: short(1),
            city: short(2),
            group: short(3),
        }
    }

    fn halves(&self) -> [u32; 10] {
        let Self { given, family, middle, person, subscriber, ssn, street, number, email, place, .. } = *self;
        [given, family, middle, person, subscriber, ssn, street, number, email, place]
    }
}
