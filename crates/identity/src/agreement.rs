//! In which fields two profiles agree.

use serde::Deserialize;

use crate::Profile;

/// A field that a rule may ask to agree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// A member id on a coverage.
    MemberId,
    /// A subscriber id on a coverage.
    SubscriberId,
    /// A Medicare beneficiary identifier.
    Mbi,
    /// The birth date, to the day.
    BirthDate,
    /// A family name, current or earlier.
    Family,
    /// A first given name, current or earlier.
    Given,
    /// Street and postal code.
    Address,
    /// A phone number.
    Phone,
}

/// A set of fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Fields(u8);

/// What a comparison found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Agreement {
    /// The fields that agree.
    pub fields: Fields,
    /// Whether both name a generation, and not the same one: father and son.
    pub suffixes_conflict: bool,
}

// === impl Fields ===

impl Fields {
    /// Whether all of `others` are among these.
    pub fn contain(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Whether one of them is an identifier: of a person, or of a family.
    pub fn identify(self) -> bool {
        let identifiers: Self = [Field::MemberId, Field::SubscriberId, Field::Mbi].into_iter().collect();
        self.0 & identifiers.0 != 0
    }
}

impl FromIterator<Field> for Fields {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        Self(fields.into_iter().fold(0, |bits, field| bits | 1 << field as u8))
    }
}

// === impl Agreement ===

impl Agreement {
    /// Compares a claim with somebody on the roster. What either leaves out agrees with nothing.
    pub fn between(claim: &Profile, member: &Profile) -> Self {
        let fields = [
            (Field::MemberId, share(&claim.member_ids, &member.member_ids)),
            (Field::SubscriberId, share(&claim.subscriber_ids, &member.subscriber_ids)),
            (Field::Mbi, share(&claim.mbis, &member.mbis)),
            (Field::BirthDate, claim.born.is_some() && claim.born == member.born),
            (Field::Family, share(&claim.families, &member.families)),
            (Field::Given, share(&claim.givens, &member.givens)),
            (Field::Address, share(&claim.addresses, &member.addresses)),
            (Field::Phone, share(&claim.phones, &member.phones)),
        ];
        let suffixes = claim.suffix.zip(member.suffix);
        Self {
            fields: fields.into_iter().filter(|(_, agree)| *agree).map(|(field, _)| field).collect(),
            suffixes_conflict: suffixes.is_some_and(|(claimed, known)| claimed != known),
        }
    }
}

fn share<T: PartialEq>(some: &[T], others: &[T]) -> bool {
    some.iter().any(|one| others.contains(one))
}
