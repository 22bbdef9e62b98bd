//! Comparing a claim with a member: the level of every field, and how common a value is in which they agree.

mod name;
mod words;
mod date;
mod address;
mod number;

pub(crate) use name::can_be_named_alike;
use words::Afresh;
pub(crate) use words::{Remembered, Words};

use crate::claim::Side;
use crate::levels::{CardLevel, DateLevel, EmailLevel, Field, Levels, MiddleLevel, NameLevel, SexLevel, SuffixLevel};
use crate::normal::{Sex, Suffix};
use crate::packed::{Lexicons, Packed};

/// What a comparison found.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Comparison {
    pub(crate) levels: Levels,
    /// How many records of the roster bear the given and the family name in which the two agree.
    pub(crate) bearers: [u32; 2],
}

/// Compares one reading of a claim with one record of a member.
pub(crate) fn compare(side: &Side, member: &Packed, lexicons: &Lexicons) -> Comparison {
    compare_with(&mut Afresh, side, member, lexicons)
}

/// As [`compare`], the words being compared by `words`.
#[inline]
pub(crate) fn compare_with(words: &mut impl Words, side: &Side, member: &Packed, lexicons: &Lexicons) -> Comparison {
    let levels = numbers(side, member, lexicons);
    with_names(levels, words, side, member, lexicons)
}

/// Adds the names to what [`numbers`] found.
#[inline]
pub(crate) fn with_names(
    levels: Levels,
    words: &mut impl Words,
    side: &Side,
    member: &Packed,
    lexicons: &Lexicons,
) -> Comparison {
    let Comparison { levels: names, bearers } = name::names(side, member, words, &lexicons.names);
    let mut found = Comparison { levels, bearers };
    for field in [Field::Given, Field::Family, Field::Middle] {
        found.levels.0[field as usize] = names.0[field as usize];
    }
    found
}

/// Compares all but the names: what stands in the records themselves.
#[inline]
pub(crate) fn numbers(side: &Side, member: &Packed, lexicons: &Lexicons) -> Levels {
    let (claim, normal) = (&side.packed, &side.normal);
    let mut levels = Levels::default();
    let mut set = |field: Field, level: u8| levels.0[field as usize] = level;
    set(Field::Suffix, suffix(claim.suffix(), member.suffix()) as u8);
    set(Field::BirthDate, date::level(claim.dob(), member.dob()) as u8);
    set(Field::Sex, sex(claim.sex(), member.sex()) as u8);
    set(Field::Address, address::level(side, member, &lexicons.places) as u8);
    set(Field::Phone, number::phone(claim.phone(), member.phone()) as u8);
    set(Field::Email, email(claim, member) as u8);
    set(Field::Ssn, number::ssn(claim.ssn, member.ssn) as u8);
    set(Field::Mbi, number::whole(claim.mbi(), member.mbi()) as u8);
    set(Field::Card, number::card(normal, member) as u8);
    set(Field::Group, group(claim.group, member.group) as u8);
    levels
}

fn suffix(claimed: Suffix, known: Suffix) -> SuffixLevel {
    match (claimed, known) {
        (Suffix::None, Suffix::None) => SuffixLevel::Missing,
        (Suffix::None, _) | (_, Suffix::None) => SuffixLevel::OneSided,
        (claimed, known) if claimed == known => SuffixLevel::Same,
        _ => SuffixLevel::Different,
    }
}

fn sex(claimed: Sex, known: Sex) -> SexLevel {
    match (claimed, known) {
        (Sex::Unknown, _) | (_, Sex::Unknown) => SexLevel::Missing,
        (claimed, known) if claimed == known => SexLevel::Same,
        _ => SexLevel::Different,
    }
}

fn group(claimed: u16, known: u16) -> SexLevel {
    match (claimed, known) {
        (0, _) | (_, 0) => SexLevel::Missing,
        (claimed, known) if claimed == known => SexLevel::Same,
        _ => SexLevel::Different,
    }
}

fn email(claim: &Packed, member: &Packed) -> EmailLevel {
    match (claim.email, member.email) {
        (0, _) | (_, 0) => EmailLevel::Missing,
        (claimed, known) if claimed == known => EmailLevel::Same,
        _ if claim.mailbox == member.mailbox => EmailLevel::Mailbox,
        _ => EmailLevel::Different,
    }
}
