//! Blocking keys: what a claim and a member must share for the member to be looked at.

use crate::claim::{Side, Spelling};
use crate::lexicon::{Lexicon, UNKNOWN};
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
    /// Birth date and state, of records that name neither phone nor email nor beneficiary identifier.
    BornState,
    /// How the given name sounds, and ZIP, of such records.
    GivenZip,
    /// ZIP and state of such records, where few live there.
    Zip,
    /// City and state of such records, where few live there.
    City,
}

/// How many kinds there are.
pub const KINDS: usize = 17;

/// The most members a block may have; larger ones tell too little to be worth the time. With a thousand, decisions on a million members
/// take twice as long and are right as often: whoever is found by such a block alone agrees in too little to be the member.
const BLOCK_MAX: u32 = 64;
/// The same where the place is all that is shared.
pub(super) const PLACE_MAX: u32 = 16;

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
        Self::BornState,
        Self::GivenZip,
        Self::Zip,
        Self::City,
    ];
}

impl Kind {
    /// The most members a block of this kind may have.
    #[inline]
    pub(crate) fn block_max(self) -> u32 {
        if self.is_place() { PLACE_MAX } else { BLOCK_MAX }
    }

    /// Whether it is a place alone, which is no key at all where many live.
    #[inline]
    pub(crate) fn is_place(self) -> bool {
        matches!(self, Self::Zip | Self::City)
    }
}

/// The two parts of a key, both zero where a record or claim says nothing.
type Parts = [u64; 2];

/// The key of a kind; zero where a part says nothing.
#[inline]
fn key(kind: Kind, [one, other]: Parts) -> u64 {
    if one == 0 || other == 0 {
        return 0;
    }
    let kind = (kind as u64 + 1).wrapping_mul(0xd6e8_feb8_6659_fd93);
    mix(one.wrapping_mul(0xa076_1d64_78bd_642f) ^ other.wrapping_mul(0xe703_7ed1_a0b4_28db).rotate_left(32) ^ kind) | 1
}

fn born(date: Date) -> u64 {
    if date.is_whole() { u64::from(date.0) } else { 0 }
}

/// Month and day; zero where they are not known, or filled in: whoever has no date writes the first of January.
fn day(date: Date) -> u64 {
    if date.is_whole() && (date.month(), date.day()) != (1, 1) { u64::from(date.month() << 5 | date.day()) } else { 0 }
}

fn ssn(number: u32, date: Date) -> Parts {
    let digits = u64::from(number & DIGITS) + 1;
    match number {
        0 => [0; 2],
        whole if whole & WHOLE != 0 => [digits, 1],
        _ => [digits, u64::from(date.year())],
    }
}

/// The keys under which a record of the roster is kept.
pub(crate) fn of_record(record: &Packed, lexicons: &Lexicons) -> Keys {
    Kind::ALL.map(|kind| of_kind(kind, record, lexicons))
}

/// The key of one kind under which a record is kept; zero where it has none.
#[inline]
pub(crate) fn of_kind(kind: Kind, record: &Packed, lexicons: &Lexicons) -> u64 {
    key(kind, parts(kind, record, &lexicons.names))
}

/// What the key of a kind is made of, under which a record is kept.
#[inline]
fn parts(kind: Kind, record: &Packed, names: &Lexicon) -> Parts {
    let given = || u64::from(names.sketch(record.given).lead);
    let family = || u64::from(names.sketch(record.family).own);
    match kind {
        Kind::Member => [record.member, 1],
        Kind::Contract => [u64::from(contract(record)), 1],
        Kind::Phone => [record.phone(), 1],
        Kind::Email => [u64::from(record.email), 1],
        Kind::Address => [u64::from(record.number), u64::from(record.zip())],
        Kind::Street => [u64::from(record.number), u64::from(record.street)],
        Kind::BornGiven => [born(record.dob()), given()],
        Kind::BornFamily => [born(record.dob()), family()],
        Kind::Names => [given(), family()],
        Kind::Ssn => ssn(record.ssn, record.dob()),
        Kind::FamilyZip => [family(), u64::from(record.zip())],
        Kind::DayFamily => [day(record.dob()), family()],
        Kind::Mbi => [u64::from(record.mbi()), 1],
        Kind::BornState | Kind::GivenZip | Kind::Zip | Kind::City if !is_sparse(record) => [0; 2],
        Kind::BornState => [born(record.dob()), u64::from(record.state())],
        Kind::GivenZip => [given(), u64::from(record.zip())],
        Kind::Zip => [u64::from(record.zip()), u64::from(record.state())],
        Kind::City => [u64::from(record.city), u64::from(record.state())],
    }
}

/// Whether a record names nothing by which one can be reached. Such a one is found by names, birth date and where it says
/// somebody lives; where two of the three are mistaken, it takes a key of each with the place to find it.
fn is_sparse(record: &Packed) -> bool {
    record.phone() == 0 && record.email == 0 && record.mbi() == 0
}

/// The contract a record belongs to.
pub(crate) fn contract(record: &Packed) -> u32 {
    use crate::normal::identifier::{digest, family_part};
    if record.subscriber == 0 { digest(family_part(record.member)) } else { record.subscriber }
}

/// Whether two records are two people whom one contract covers, be they called alike: it numbers them.
pub(crate) fn are_of_one_contract(one: &Packed, other: &Packed) -> bool {
    contract(one) != 0 && contract(one) == contract(other) && one.member != other.member
}

/// A key under which a claim looks.
#[derive(Clone, Copy)]
pub(crate) struct Probe {
    pub(crate) kind: Kind,
    pub(crate) key: u64,
    parts: Parts,
}

/// The keys under which a claim looks; none twice for one reading of it.
#[derive(Default)]
pub(crate) struct Probes {
    probes: Vec<Probe>,
    /// Where those of the reading at hand begin.
    from: usize,
}

// === impl Probe ===

impl Probe {
    /// Whether it matters how many share the value: of these, how common it is follows from that.
    #[inline]
    pub(crate) fn is_counted(&self) -> bool {
        match self.kind {
            Kind::Address | Kind::Phone | Kind::Email | Kind::Ssn | Kind::Mbi | Kind::Contract => true,
            Kind::Member
            | Kind::Street
            | Kind::BornGiven
            | Kind::BornFamily
            | Kind::Names
            | Kind::FamilyZip
            | Kind::DayFamily
            | Kind::BornState
            | Kind::GivenZip
            | Kind::Zip
            | Kind::City => false,
        }
    }

    /// Whether a record is kept under this key. The table lets strangers through now and then.
    #[inline]
    pub(crate) fn holds(&self, record: &Packed, names: &Lexicon) -> bool {
        parts(self.kind, record, names) == self.parts
    }
}

// === impl Probes ===

impl Probes {
    /// Forgets all keys, for those of another claim.
    pub(crate) fn clear(&mut self) {
        self.probes.clear();
    }

    /// Adds the keys of one reading of a claim.
    pub(crate) fn add_side(&mut self, side: &Side, names: &Lexicon) {
        self.from = self.probes.len();
        let (packed, normal) = (&side.packed, &side.normal);
        self.add(Kind::Member, [packed.member, 1]);
        self.add(Kind::Contract, [u64::from(packed.subscriber), 1]);
        self.add(Kind::Contract, [u64::from(normal.card_family), 1]);
        self.add(Kind::Phone, [packed.phone(), 1]);
        self.add(Kind::Email, [u64::from(packed.email), 1]);
        self.add(Kind::Address, [u64::from(packed.number), u64::from(packed.zip())]);
        if packed.street != UNKNOWN {
            self.add(Kind::Street, [u64::from(packed.number), u64::from(packed.street)]);
        }
        self.add(Kind::Ssn, ssn(packed.ssn, packed.dob()));
        self.add(Kind::Mbi, [u64::from(packed.mbi()), 1]);
        self.add_names(side, names);
    }

    fn add_names(&mut self, side: &Side, names: &Lexicon) {
        let packed = &side.packed;
        let born = born(packed.dob());
        let (given, families) = (given_sounds(&side.given), family_sounds(&side.family, names));
        // Given and family name may have changed places.
        let (turned_given, turned_family) = (given_sounds(&side.family), u64::from(side.given.sound));
        for sound in given.into_iter().chain([turned_given[0]]) {
            self.add(Kind::BornGiven, [born, sound]);
        }
        for sound in families.into_iter().chain([turned_family]) {
            self.add(Kind::BornFamily, [born, sound]);
        }
        self.add(Kind::DayFamily, [day(packed.dob()), families[0]]);
        for sound in given {
            self.add(Kind::Names, [sound, families[0]]);
        }
        for sound in &families[1..] {
            self.add(Kind::Names, [given[0], *sound]);
        }
        self.add(Kind::Names, [turned_given[0], turned_family]);
        self.add(Kind::FamilyZip, [families[0], u64::from(packed.zip())]);
        if is_sparse(packed) && packed.member == 0 && packed.subscriber == 0 {
            self.add(Kind::BornState, [born, u64::from(packed.state())]);
            for sound in [given[0], turned_given[0]] {
                self.add(Kind::GivenZip, [sound, u64::from(packed.zip())]);
            }
            self.add(Kind::Zip, [u64::from(packed.zip()), u64::from(packed.state())]);
            self.add(Kind::City, [u64::from(packed.city), u64::from(packed.state())]);
        }
    }

    /// The keys.
    #[inline]
    pub(crate) fn all(&self) -> &[Probe] {
        &self.probes
    }

    fn add(&mut self, kind: Kind, parts: Parts) {
        let is_new =
            || self.probes[self.from..].iter().rev().take_while(|one| one.kind == kind).all(|one| one.parts != parts);
        if parts[0] != 0 && parts[1] != 0 && is_new() {
            self.probes.push(Probe { kind, key: key(kind, parts), parts });
        }
    }
}

/// The sounds under which a given name may be kept: those of all its groups, or its own.
fn given_sounds(name: &Spelling) -> [u64; GROUPS_MAX] {
    if name.groups[0] == 0 {
        let mut sounds = [0; GROUPS_MAX];
        sounds[0] = u64::from(name.sound);
        return sounds;
    }
    name.groups.map(|group| nickname::canonical_sound(group).map_or(0, u64::from))
}

/// The sounds of a family name and of its parts.
fn family_sounds(name: &Spelling, names: &Lexicon) -> [u64; 3] {
    let part = |id| u64::from(names.sketch(id).own);
    [u64::from(name.sound), part(name.parts[0]), part(name.parts[1])]
}
