//! Addresses.

use super::number::is_one_place;
use crate::claim::Side;
use crate::distance::is_one_edit;
use crate::levels::AddressLevel;
use crate::lexicon::{Lexicon, Shape, Sketch, UNKNOWN};
use crate::normal::Word;
use crate::packed::Packed;

/// Compares two addresses.
pub(super) fn level(side: &Side, member: &Packed, places: &Lexicon) -> AddressLevel {
    let claim = &side.packed;
    let says_nothing =
        |packed: &Packed| packed.street == 0 && packed.zip() == 0 && packed.city == 0 && packed.state() == 0;
    if says_nothing(claim) || says_nothing(member) {
        return AddressLevel::Missing;
    }
    let same_zip = claim.zip() != 0 && claim.zip() == member.zip();
    let same_city = claim.city != 0 && claim.city == member.city;
    let same_state = claim.state() != 0 && claim.state() == member.state();
    let same_town = same_zip || same_city && (same_state || claim.state() == 0 || member.state() == 0);
    if claim.street != 0 && member.street != 0 && (same_town || claim.number == member.number) {
        let same_street = claim.street == member.street && claim.street != UNKNOWN;
        let same_number = claim.number == member.number && claim.number != 0;
        if same_street && same_number && same_town {
            let same_unit = claim.unit == member.unit || claim.unit == 0 || member.unit == 0;
            return if same_unit { AddressLevel::Same } else { AddressLevel::OtherUnit };
        }
        if (same_town || near_zip(claim, member)) && is_near(side, member, places) {
            return AddressLevel::Near;
        }
    }
    match (same_zip, same_town, same_state) {
        (true, _, _) => AddressLevel::Zip,
        (_, true, _) => AddressLevel::City,
        (_, _, true) => AddressLevel::State,
        _ => AddressLevel::Different,
    }
}

fn near_zip(claim: &Packed, member: &Packed) -> bool {
    let digits = |zip: u32| -> [u8; 5] {
        let number = zip.saturating_sub(1);
        [number / 10_000, number / 1000 % 10, number / 100 % 10, number / 10 % 10, number % 10].map(|digit| digit as u8)
    };
    claim.zip() != 0
        && member.zip() != 0
        && (claim.zip() == member.zip() || is_one_place(&digits(claim.zip()), &digits(member.zip())))
        || claim.zip() == 0
        || member.zip() == 0
}

/// One edit in the street's name, or in its number, but not both.
fn is_near(side: &Side, member: &Packed, places: &Lexicon) -> bool {
    let claim = &side.packed;
    let same_street = claim.street == member.street && claim.street != UNKNOWN;
    if claim.number == member.number {
        let claimed = &side.normal.address.street;
        return same_street
            || can_be_alike(claimed, side.street, &places.sketch(member.street))
                && places.get(member.street).is_some_and(|known| alike(claimed, &known.word));
    }
    same_street && near_number(claim.number, member.number)
}

/// Whether a sketch leaves it open that two streets are [`alike`].
fn can_be_alike(claimed: &Word, shape: Shape, known: &Sketch) -> bool {
    let same_first = claimed.first() == known.first;
    let front = if same_first { 4 } else { 0 };
    shape.can_be_one_edit(known.shape)
        || same_first && shape.can_be_front(known.shape)
        || shape.can_be_similar(known.shape, front)
}

fn alike(one: &Word, other: &Word) -> bool {
    let (one, other) = (one.bytes(), other.bytes());
    let shorter = one.len().min(other.len());
    is_one_edit(one, other)
        || 3 < shorter && one[..shorter] == other[..shorter]
        || 900 <= crate::distance::jaro_winkler(one, other)
}

/// House numbers of one length with one digit mistaken, or one digit left out.
fn near_number(one: u32, other: u32) -> bool {
    let text = |number: u32| {
        let mut digits = [0u8; 10];
        let mut rest = number;
        let mut count = 0;
        while rest != 0 {
            digits[count] = (rest % 10) as u8;
            rest /= 10;
            count += 1;
        }
        (digits, count)
    };
    let ((one, ones), (other, others)) = (text(one), text(other));
    2 < ones.max(others) && is_one_edit(&one[..ones], &other[..others])
}
