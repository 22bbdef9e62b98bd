//! Identifiers: member and subscriber ids, group numbers, social security numbers, Medicare beneficiary identifiers.

use super::placeholder::is_filler;
use super::word::{Word, mix};

/// An id of letters and digits in one number that can be taken apart again: its characters in base 37, the first at the top, where
/// it has at most twelve; else a hash with the highest bit set. Zero says nothing.
pub(crate) fn pack(text: &str) -> u64 {
    if text.is_empty() {
        return 0;
    }
    let word = Word::of(text);
    let bytes = word.bytes();
    if bytes.len() < 3 || is_filler(bytes) {
        return 0;
    }
    if PLACES < bytes.len() {
        return word.hash() | HASHED;
    }
    bytes.iter().fold(0, |number, byte| number * BASE + u64::from(value(*byte)))
}

/// The base in which ids are packed: letters, digits, and nothing.
pub(crate) const BASE: u64 = 37;
/// 37^12 is below 2^63.
const PLACES: usize = 12;
const HASHED: u64 = 1 << 63;

fn value(byte: u8) -> u8 {
    if byte.is_ascii_digit() { byte - b'0' + 1 } else { byte - b'a' + 11 }
}

/// The characters of a packed id, right-aligned, as values of base 37; `None` for a hash.
pub(crate) fn spell(packed: u64) -> Option<[u8; PLACES]> {
    let mut rest = packed;
    let mut places = [0; PLACES];
    for place in places.iter_mut().rev() {
        *place = (rest % BASE) as u8;
        rest /= BASE;
    }
    (packed & HASHED == 0).then_some(places)
}

/// A packed id as text; `#` and a number for one too long to be kept.
pub(crate) fn text(packed: u64) -> String {
    let letter = |value: u8| char::from(if value < 11 { b'0' + value - 1 } else { b'A' + value - 11 });
    match spell(packed) {
        Some(places) => places.iter().filter(|value| **value != 0).map(|value| letter(*value)).collect(),
        None => format!("#{packed:x}"),
    }
}

/// A hash of an id that is only ever compared whole; zero says nothing.
pub(crate) fn digest(packed: u64) -> u32 {
    if packed == 0 { 0 } else { (mix(packed) >> 32) as u32 | 1 }
}

/// The packed id without its last two characters: what payers write on the cards of a whole family.
pub(crate) fn family_part(packed: u64) -> u64 {
    if packed & HASHED != 0 || packed < BASE.pow(6) { 0 } else { packed / (BASE * BASE) }
}

/// A social security number: `digits | kind << 30`, where the kind is 1 for the last four digits and 2 for more. Zero says nothing:
/// so do the numbers that are never issued (SSA: groups of zeros), since they were typed to fill the field.
pub(crate) fn ssn(text: &str) -> u32 {
    let mut digits = [0u8; 9];
    let mut count = 0;
    for digit in text.bytes().filter(u8::is_ascii_digit) {
        if count == digits.len() {
            return 0;
        }
        digits[count] = digit;
        count += 1;
    }
    let digits = &digits[..count];
    let number = digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
    match count {
        4 if number != 0 => number | LAST_FOUR,
        7..=9 if !is_filler(digits) => {
            let is_unissued =
                count == 9 && (number % 10_000 == 0 || number / 1_000_000 == 0 || number / 1_000_000 == 666);
            if is_unissued { 0 } else { number | WHOLE }
        }
        _ => 0,
    }
}

/// Marks the last four digits of a social security number.
pub(crate) const LAST_FOUR: u32 = 1 << 30;
/// Marks a whole one.
pub(crate) const WHOLE: u32 = 2 << 30;
/// The digits of one.
pub(crate) const DIGITS: u32 = LAST_FOUR - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_lose_their_dress_and_can_be_spelt() {
        assert_eq!(pack("w120-187313 02"), pack("W12018731302"));
        assert_eq!(text(pack("w12018731302")), "W12018731302");
        assert_eq!(text(family_part(pack("W12018731302"))), "W120187313");
        assert_eq!([pack(""), pack("n/a"), pack("0000"), pack("123456789")], [0, 0x0, 0, 0].map(|none| none));
        assert!(text(pack("1EG4TE5MK73XX9")).starts_with('#'));
    }

    #[test]
    fn social_security_numbers_that_were_never_issued_are_none() {
        assert_eq!(ssn("987-65-4320"), 987_654_320 | WHOLE);
        assert_eq!(ssn("4320"), 4320 | LAST_FOUR);
        for text in ["999-99-9999", "000-12-3456", "123456789", "123-45-0000", "0000", "12"] {
            assert_eq!(ssn(text), 0, "{text}");
        }
    }
}
