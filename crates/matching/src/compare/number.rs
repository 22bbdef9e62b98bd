//! Numbers and identifiers, digit by digit.

use super::CardLevel;
use crate::levels::NumberLevel;
use crate::normal::identifier::{self, DIGITS, LAST_FOUR, WHOLE};
use crate::normal::{Normal, spell};
use crate::packed::Packed;

/// Whether two strings of one length differ in one place, or by two neighbours that have changed places.
pub(super) fn is_one_place(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let same = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    match (&one[same..], &other[same..]) {
        ([], []) => false,
        ([a, b, rest @ ..], [c, d, others @ ..]) if a == d && b == c => rest == others,
        (rest, others) => rest[1..] == others[1..],
    }
}

/// Whether two different numbers can differ in one place of base `base`, or by two neighbours that have changed places: they then
/// lie a digit apart, or `base - 1` times one, times a power of the base. Most numbers don't, and need not be spelt out.
#[inline]
pub(super) fn can_be_one_place(one: u64, other: u64, base: u64) -> bool {
    let mut apart = one.abs_diff(other);
    while apart != 0 && apart.is_multiple_of(base) {
        apart /= base;
    }
    apart < base || apart <= (base - 1) * (base - 1) && apart.is_multiple_of(base - 1)
}

fn are_one_place<const N: usize>(one: u64, other: u64) -> bool {
    can_be_one_place(one, other, 10) && is_one_place(&digits::<N>(one), &digits::<N>(other))
}

fn digits<const N: usize>(number: u64) -> [u8; N] {
    let mut rest = number;
    let mut digits = [0; N];
    for digit in digits.iter_mut().rev() {
        *digit = (rest % 10) as u8;
        rest /= 10;
    }
    digits
}

pub(super) fn phone(claimed: u64, known: u64) -> NumberLevel {
    match (claimed, known) {
        (0, _) | (_, 0) => NumberLevel::Missing,
        (claimed, known) if claimed == known => NumberLevel::Same,
        (claimed, known) if are_one_place::<10>(claimed, known) => NumberLevel::Near,
        _ => NumberLevel::Different,
    }
}

pub(super) fn ssn(claimed: u32, known: u32) -> NumberLevel {
    match (claimed, known) {
        (0, _) | (_, 0) => return NumberLevel::Missing,
        (claimed, known) if claimed == known && claimed & WHOLE != 0 => return NumberLevel::Same,
        _ => {}
    }
    let (one, other) = (u64::from(claimed & DIGITS), u64::from(known & DIGITS));
    if (claimed | known) & LAST_FOUR == 0 {
        let is_near = are_one_place::<9>(one, other);
        return if is_near { NumberLevel::Near } else { NumberLevel::Different };
    }
    let (one, other) = (one % 10_000, other % 10_000);
    if one == other {
        NumberLevel::LastFour
    } else if are_one_place::<4>(one, other) {
        NumberLevel::NearLastFour
    } else {
        NumberLevel::Different
    }
}

/// Identifiers of which only a hash is kept.
pub(super) fn whole(claimed: u32, known: u32) -> NumberLevel {
    match (claimed, known) {
        (0, _) | (_, 0) => NumberLevel::Missing,
        (claimed, known) if claimed == known => NumberLevel::Same,
        _ => NumberLevel::Different,
    }
}

/// The ids on a card. A claim that names a member of the same contract quotes a relative's card, or its own with another number.
pub(super) fn card(claim: &Normal, member: &Packed) -> CardLevel {
    if claim.member == 0 && claim.subscriber == 0 || member.member == 0 && member.subscriber == 0 {
        return CardLevel::Missing;
    }
    if claim.member != 0 && member.member != 0 {
        if claim.member == member.member {
            return CardLevel::Member;
        }
        if shares_contract(claim, member) {
            return CardLevel::Contract;
        }
        let is_near = can_be_one_place(claim.member, member.member, identifier::BASE)
            && spell(claim.member).zip(spell(member.member)).is_some_and(|(one, other)| is_one_place(&one, &other));
        return if is_near { CardLevel::NearMember } else { CardLevel::Different };
    }
    if shares_contract(claim, member) { CardLevel::Subscriber } else { CardLevel::Different }
}

fn shares_contract(claim: &Normal, member: &Packed) -> bool {
    let known = if member.subscriber == 0 {
        identifier::digest(identifier::family_part(member.member))
    } else {
        member.subscriber
    };
    known != 0 && (claim.subscriber == known || claim.card_family == known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_slip_of_the_pen_is_ruled_out() {
        for start in [0u64, 7, 90, 1_234_567_890, 9_999_999_999, 8_080_008_018, 5_552_017_788] {
            let digits = digits::<10>(start);
            let number = |digits: [u8; 10]| digits.into_iter().fold(0, |number, digit| number * 10 + u64::from(digit));
            for place in 0..10 {
                for digit in 0..10 {
                    let mut other = digits;
                    other[place] = digit;
                    assert!(can_be_one_place(start, number(other), 10), "{start} {other:?}");
                }
                let mut other = digits;
                other.swap(place, (place + 1) % 10);
                assert!(place == 9 || can_be_one_place(start, number(other), 10), "{start} {other:?}");
            }
        }
        assert!(!can_be_one_place(5_552_017_788, 5_552_017_722, 10), "two places");
    }
}
