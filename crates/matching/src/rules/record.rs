//! What a record says of a person, as it stands in the source. Everything may be missing, and may be there several times: the proposal
//! compares all values that are known, earlier ones too (core principle 10).

use serde::{Deserialize, Serialize};

/// A record of a person: of a roster, or of a claim. It holds PHI and so has no `Debug`.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Record {
    /// Names, earlier ones too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<Name>,
    /// Date of birth, `1980-02-29`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<String>,
    /// Addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Address>,
    /// Phone numbers of any kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<String>,
    /// Email addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<String>,
    /// Identifiers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub identifiers: Vec<Identifier>,
    /// That a clinical record calls the person somebody's child.
    #[serde(skip_serializing_if = "is_not")]
    pub child_of: bool,
    /// That a clinical record calls the person somebody's newborn.
    #[serde(skip_serializing_if = "is_not")]
    pub newborn_of: bool,
}

/// A name.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Name {
    /// First name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given: Option<String>,
    /// Middle names. Without a first name they are not read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub middle: Vec<String>,
    /// Last name; a suffix may stand behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// What stands behind the name: `Jr.`, `III`, `MD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
}

/// An address in the United States.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Address {
    /// Line 1: house number and street, perhaps the unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    /// Line 2: the unit, or the street where line 1 is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// State.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// ZIP code, five digits or nine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zip: Option<String>,
}

/// An identifier.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identifier {
    /// Of which kind.
    pub kind: Kind,
    /// In whose namespace it is unique: a payer, an authority, a system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The identifier.
    pub value: String,
}

/// The kinds of identifiers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Social security number, or its last four digits.
    Ssn,
    /// Taxpayer number, or its last four digits.
    Itin,
    /// Medicare beneficiary identifier.
    Mbi,
    /// Driving licence or similar; its system is who issued it.
    LegalId,
    /// Member id at a payer.
    MemberId,
    /// Subscriber id at a payer.
    SubscriberId,
    /// Anything else that is unique in its namespace: a medical record number, a FHIR id.
    Namespaced,
    /// The guardian's identity, as matched on its own.
    Guardian,
    /// The mother's identity, as matched on its own.
    Mother,
    /// The encounter in which the person was born.
    BirthEncounter,
}

fn is_not(flag: &bool) -> bool {
    !*flag
}
