//! A whole record, normalised.

use super::address::Address;
use super::contact;
use super::date::Date;
use super::identifier;
use super::name::Name;
use super::name::Names;
pub use super::name::Suffix;
use super::word::Word;
use crate::Person;
use crate::levels::Field;

/// What a record says, in the form in which it is compared. Zeros and empty words say nothing.
#[derive(Clone, Copy, Default)]
pub struct Normal {
    pub(crate) given: Name,
    pub(crate) middle: Word,
    pub(crate) family: Name,
    pub(crate) suffix: Suffix,
    pub(crate) dob: Date,
    pub(crate) sex: Sex,
    pub(crate) address: Address,
    pub(crate) phone: u64,
    /// Hashes of the whole address and of its mailbox.
    pub(crate) email: (u32, u16),
    /// What the mailbox is called.
    pub(crate) mailbox: Word,
    pub(crate) ssn: u32,
    pub(crate) mbi: u32,
    pub(crate) member: u64,
    pub(crate) subscriber: u32,
    /// What the subscriber id would be, were the last two characters of the member id the person's number in the family.
    pub(crate) card_family: u32,
    pub(crate) group: u16,
}

/// Administrative sex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub enum Sex {
    /// Not said.
    #[default]
    Unknown,
    /// Female.
    Female,
    /// Male.
    Male,
    /// Neither of the two.
    Other,
}

// === impl Normal ===

impl Normal {
    /// Normalises what a record itself says, without what is [also](Person::also) known.
    pub fn of(person: &Person<'_>) -> Self {
        let Names { given, middle, family, suffix } =
            Names::of(person.given, person.middle, person.family, person.suffix);
        let member = identifier::pack(person.member_id);
        let (whole, box_hash, mailbox) = contact::email(person.email);
        Self {
            given,
            middle,
            family,
            suffix,
            dob: Date::of(person.dob),
            sex: Sex::of(person.sex),
            address: Address::of(person.street, person.city, person.state, person.zip),
            phone: contact::phone(person.phone),
            email: (whole, box_hash),
            mailbox,
            ssn: identifier::ssn(person.ssn),
            mbi: identifier::digest(identifier::pack(person.mbi)),
            member,
            subscriber: identifier::digest(identifier::pack(person.subscriber_id)),
            card_family: identifier::digest(identifier::family_part(member)),
            group: (identifier::digest(identifier::pack(person.group)) >> 16) as u16,
        }
    }
}

impl Normal {
    /// Whether it says something in a field; a placeholder says nothing.
    pub fn says(&self, field: Field) -> bool {
        let word = |word: &Word| !word.is_empty();
        match field {
            Field::Given => word(&self.given.whole),
            Field::Family => word(&self.family.whole),
            Field::Middle => word(&self.middle),
            Field::Suffix => self.suffix != Suffix::None,
            Field::BirthDate => self.dob != Date::default(),
            Field::Sex => self.sex != Sex::Unknown,
            Field::Address => self.address != Address::default(),
            Field::Phone => self.phone != 0,
            Field::Email => self.email.0 != 0,
            Field::Ssn => self.ssn != 0,
            Field::Mbi => self.mbi != 0,
            Field::Card => self.member != 0 || self.subscriber != 0,
            Field::Group => self.group != 0,
        }
    }
}

impl std::fmt::Debug for Normal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Normal(secret)")
    }
}

// === impl Sex ===

impl Sex {
    pub(crate) const ALL: [Self; 4] = [Self::Unknown, Self::Female, Self::Male, Self::Other];

    fn of(text: &str) -> Self {
        let plain = text.bytes().next().filter(u8::is_ascii_alphanumeric);
        match plain.or_else(|| text.trim().bytes().next()).map(|letter| letter.to_ascii_lowercase()) {
            Some(b'f' | b'w') => Self::Female,
            Some(b'm') => Self::Male,
            Some(b'o' | b'x' | b'n') => Self::Other,
            _ => Self::Unknown,
        }
    }
}
