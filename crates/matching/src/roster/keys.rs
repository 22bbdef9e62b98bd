//! Blocking keys: what a claim and a member must share for the member to be looked at.

use crate::claim::{Side, Spelling};
use crate::lexicon::Lexicon;
use crate::normal::date::Date;
use crate::normal::identifier::{DIGITS, WHOLE};
use crate::normal::mix;
use crate::normal::nickname::{self, GROUPS_MAX};
use crate::packed::{Lexicons, Packed};

/// A kind of blocking key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// The member id.
    Member,
    /// The contract: the subscriber id, or the member id without its last two characters.
    Contract,
    /// The phone number.
    Phone,
    /// The email address.
    Email,
    /// House number and ZIP.
    Address,
    /// House number and street, whatever the ZIP.
    Street,
    /// Birth date, and how the given name sounds.
    BornGiven,
    /// Birth date, and how the family name sounds.
    BornFamily,
    /// How given and family name sound.
    Names,
    /// The social security number: all of it, or the last four digits and the year of birth.
    Ssn,
    /// How the family name sounds, and ZIP.
    FamilyZip,
    /// Month and day of birth, and how the family name sounds: whatever the year and the given name.
    DayFamily,
    /// The Medicare beneficiary identifier.
    Mbi,
}

/// How many kinds there are.
pub const KINDS: usize = 13;

/// The most keys of one kind that a claim looks under.
pub(crate) const PROBES: usize = 6;

/// One key of each kind; zero where a record has none.
pub(crate) type Keys = [u64; KINDS];

impl Kind {
    /// All kinds in their order.
    pub const ALL: [Self; KINDS] = [
        Self::Member,
        Self::Contract,
        Self::Phone,
        Self::Email,
        Self::Address,
        Self::Street,
        Self::BornGiven,
        Self::BornFamily,
        Self::Names,
        Self::Ssn,
        Self::FamilyZip,
        Self::DayFamily,
        Self::Mbi,
    ];
}

/// The key of a kind; zero where a part says nothing.
fn key(kind: Kind, parts: [u64; 3]) -> u64 {
    if parts.contains(&0) {
        return 0;
    }
    mix(mix(mix(parts[0] ^ (kind as u64 + 1) << 58) ^ parts[1]) ^ parts[2]) | 1
}

fn born(date: Date) -> u64 {
    if date.is_whole() { u64::from(date.0) } else { 0 }
}

/// Month and day; zero where they are not known, or filled in: whoever has no date writes the first of January.
fn day(date: Date) -> u64 {
    if date.is_whole() && (date.month(), date.day()) != (1, 1) { u64::from(date.month() << 5 | date.day()) } else { 0 }
}

fn ssn(number: u32, date: Date) -> [u64; 3] {
    let digits = u64::from(number & DIGITS) + 1;
    match number {
        0 => [0; 3],
        whole if whole & WHOLE != 0 => [digits, 1, 1],
        _ => [digits, u64::from(date.year()), 2],
    }
}

/// The keys under which a record of the roster is kept.
pub(crate) fn of_record(record: &Packed, lexicons: &Lexicons) -> Keys {
    Kind::ALL.map(|kind| of_kind(kind, record, lexicons))
}

/// The key of one kind under which a record is kept; zero where it has none.
#[inline]
pub(crate) fn of_kind(kind: Kind, record: &Packed, lexicons: &Lexicons) -> u64 {
    let Lexicons { names, places } = lexicons;
    let given = || names.get(record.given).map_or(0, |entry| lead_sound(&entry.groups, entry.sound));
    let family = || names.get(record.family).map_or(0, |entry| u64::from(entry.sound));
    let parts = match kind {
        Kind::Member => [record.member, 1, 1],
        Kind::Contract => [u64::from(contract(record)), 1, 1],
        Kind::Phone => [record.phone(), 1, 1],
        Kind::Email => [u64::from(record.email), 1, 1],
        Kind::Address => [u64::from(record.number), u64::from(record.zip()), 1],
        Kind::Street => {
            let street = places.get(record.street).map_or(0, |entry| entry.word.hash());
            [u64::from(record.number), street, 1]
        }
        Kind::BornGiven => [born(record.dob()), given(), 1],
        Kind::BornFamily => [born(record.dob()), family(), 1],
        Kind::Names => [given(), family(), 1],
        Kind::Ssn => ssn(record.ssn, record.dob()),
        Kind::FamilyZip => [family(), u64::from(record.zip()), 1],
        Kind::DayFamily => [day(record.dob()), family(), 1],
        Kind::Mbi => [u64::from(record.mbi()), 1, 1],
    };
    key(kind, parts)
}

/// The contract a record belongs to.
pub(crate) fn contract(record: &Packed) -> u32 {
    use crate::normal::identifier::{digest, family_part};
    if record.subscriber == 0 { digest(family_part(record.member)) } else { record.subscriber }
}

/// The sound under which a given name is kept: that of the name its first group is named after, so that nicknames meet.
fn lead_sound(groups: &[u16; GROUPS_MAX], own: u32) -> u64 {
    nickname::canonical_sound(groups[0]).unwrap_or(own).into()
}

/// The keys under which a claim looks, each with its kind; none twice.
#[derive(Clone, Copy)]
pub(crate) struct Probes {
    keys: [(Kind, u64); KINDS * PROBES],
    count: usize,
}

// === impl Probes ===

impl Probes {
    /// The keys of one reading of a claim.
    pub(crate) fn of(side: &Side, names: &Lexicon) -> Self {
        let mut probes = Self { keys: [(Kind::Member, 0); KINDS * PROBES], count: 0 };
        let (packed, normal) = (&side.packed, &side.normal);
        probes.add(Kind::Member, [packed.member, 1, 1]);
        probes.add(Kind::Contract, [u64::from(packed.subscriber), 1, 1]);
        probes.add(Kind::Contract, [u64::from(normal.card_family), 1, 1]);
        probes.add(Kind::Phone, [packed.phone(), 1, 1]);
        probes.add(Kind::Email, [u64::from(packed.email), 1, 1]);
        probes.add(Kind::Address, [u64::from(packed.number), u64::from(packed.zip()), 1]);
        if packed.street != 0 {
            probes.add(Kind::Street, [u64::from(packed.number), normal.address.street.hash(), 1]);
        }
        let born = born(packed.dob());
        let (given, families) = (given_sounds(&side.given), family_sounds(&side.family, names));
        // Given and family name may have changed places.
        let (turned_given, turned_family) = (given_sounds(&side.family), u64::from(side.given.sound));
        for sound in given.into_iter().chain([turned_given[0]]) {
            probes.add(Kind::BornGiven, [born, sound, 1]);
        }
        for sound in families.into_iter().chain([turned_family]) {
            probes.add(Kind::BornFamily, [born, sound, 1]);
        }
        probes.add(Kind::DayFamily, [day(packed.dob()), families[0], 1]);
        for sound in given {
            probes.add(Kind::Names, [sound, families[0], 1]);
        }
        for sound in &families[1..] {
            probes.add(Kind::Names, [given[0], *sound, 1]);
        }
        probes.add(Kind::Names, [turned_given[0], turned_family, 1]);
        probes.add(Kind::Ssn, ssn(packed.ssn, packed.dob()));
        probes.add(Kind::FamilyZip, [families[0], u64::from(packed.zip()), 1]);
        probes.add(Kind::Mbi, [u64::from(packed.mbi()), 1, 1]);
        probes
    }

    /// The keys with their kinds.
    pub(crate) fn keys(&self) -> &[(Kind, u64)] {
        &self.keys[..self.count]
    }

    fn add(&mut self, kind: Kind, parts: [u64; 3]) {
        let key = key(kind, parts);
        if key != 0 && self.count < self.keys.len() && !self.keys[..self.count].contains(&(kind, key)) {
            self.keys[self.count] = (kind, key);
            self.count += 1;
        }
    }
}

/// The sounds under which a given name may be kept: those of all its groups, or its own.
fn given_sounds(name: &Spelling) -> [u64; GROUPS_MAX] {
    let mut sounds = [0; GROUPS_MAX];
    for (sound, group) in sounds.iter_mut().zip(name.groups) {
        *sound = nickname::canonical_sound(group).map_or(0, u64::from);
    }
    if sounds[0] == 0 {
        sounds[0] = u64::from(name.sound);
    }
    sounds
}

/// The sounds of a family name and of its parts.
fn family_sounds(name: &Spelling, names: &Lexicon) -> [u64; 3] {
    let part = |id| names.get(id).map_or(0, |entry| u64::from(entry.sound));
    [u64::from(name.sound), part(name.parts[0]), part(name.parts[1])]
}
