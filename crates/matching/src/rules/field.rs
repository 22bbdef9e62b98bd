//! What records are compared by, and sets of it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A field of the proposal's tables 2 and 3, by the name that policies use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// First name: what a person is called, their nicknames, and by the policy's choice their middle names.
    Given,
    /// Last name, earlier ones too.
    Family,
    /// Date of birth.
    BirthDate,
    /// Address line 1 with the first five digits of the ZIP code: `12 main st|02139`. The ZIP is never fuzzy.
    Street,
    /// The first five digits of the ZIP code.
    Zip,
    /// City. No published rule asks for it.
    City,
    /// State. No published rule asks for it.
    State,
    /// Phone number, of any kind.
    Phone,
    /// Email address.
    Email,
    /// Last four digits of the social security number.
    Ssn4,
    /// Last four digits of the taxpayer number.
    Itin4,
    /// Driving licence or similar, with who issued it.
    LegalId,
    /// Medicare beneficiary identifier.
    Mbi,
    /// Member id, with the payer it is of.
    MemberId,
    /// Subscriber id, with the payer it is of; a family shares it.
    SubscriberId,
    /// Any other identifier that is unique in its namespace.
    NamespacedId,
    /// A clinical record says that the person is somebody's child.
    ChildOf,
    /// A clinical record says that the person is somebody's newborn.
    NewbornOf,
    /// The guardian, as matched on their own.
    Guardian,
    /// The mother, as matched on her own.
    Mother,
    /// The encounter in which the person was born.
    BirthEncounter,
    /// Middle name. It has no u-value and stands in no rule; it tells twins apart.
    Middle,
}

/// A set of fields.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct FieldSet(u32);

// === impl Field ===

impl Field {
    /// All fields, in the order in which they are told.
    pub const ALL: [Self; 22] = [
        Self::Given,
        Self::Family,
        Self::BirthDate,
        Self::Street,
        Self::Zip,
        Self::City,
        Self::State,
        Self::Phone,
        Self::Email,
        Self::Ssn4,
        Self::Itin4,
        Self::LegalId,
        Self::Mbi,
        Self::MemberId,
        Self::SubscriberId,
        Self::NamespacedId,
        Self::ChildOf,
        Self::NewbornOf,
        Self::Guardian,
        Self::Mother,
        Self::BirthEncounter,
        Self::Middle,
    ];

    /// Its name in policies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Family => "family",
            Self::BirthDate => "birth_date",
            Self::Street => "street",
            Self::Zip => "zip",
            Self::City => "city",
            Self::State => "state",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Ssn4 => "ssn4",
            Self::Itin4 => "itin4",
            Self::LegalId => "legal_id",
            Self::Mbi => "mbi",
            Self::MemberId => "member_id",
            Self::SubscriberId => "subscriber_id",
            Self::NamespacedId => "namespaced_id",
            Self::ChildOf => "child_of",
            Self::NewbornOf => "newborn_of",
            Self::Guardian => "guardian",
            Self::Mother => "mother",
            Self::BirthEncounter => "birth_encounter",
            Self::Middle => "middle",
        }
    }

    /// Its name in a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Given => "first name",
            Self::Family => "last name",
            Self::BirthDate => "birth date",
            Self::Street => "street",
            Self::Zip => "ZIP code",
            Self::City => "city",
            Self::State => "state",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Ssn4 => "last four of the SSN",
            Self::Itin4 => "last four of the ITIN",
            Self::LegalId => "legal id",
            Self::Mbi => "MBI",
            Self::MemberId => "member id",
            Self::SubscriberId => "subscriber id",
            Self::NamespacedId => "namespaced id",
            Self::ChildOf => "child-of record",
            Self::NewbornOf => "newborn-of record",
            Self::Guardian => "guardian",
            Self::Mother => "mother",
            Self::BirthEncounter => "birth encounter",
            Self::Middle => "middle name",
        }
    }

    /// The field of a name in policies.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }

    /// Whether the proposal knows a fuzzy comparison for it (section V.E): names and streets by edits, birth dates by days.
    pub fn may_be_fuzzy(self) -> bool {
        matches!(self, Self::Given | Self::Family | Self::BirthDate | Self::Street)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

// === impl FieldSet ===

impl FieldSet {
    /// With a field added.
    #[must_use]
    pub fn with(self, field: Field) -> Self {
        Self(self.0 | 1 << field as u32)
    }

    /// Whether a field is in it.
    pub fn has(self, field: Field) -> bool {
        self.0 & 1 << field as u32 != 0
    }

    /// What is in either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in it and not in the other.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of it is in the other.
    pub fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether it holds nothing.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many it holds.
    pub fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Its fields, in the order of [`Field::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Field> {
        Field::ALL.into_iter().filter(move |field| self.has(*field))
    }
}

impl FromIterator<Field> for FieldSet {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        fields.into_iter().fold(Self::default(), Self::with)
    }
}
