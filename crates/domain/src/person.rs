//! What a request says about a member, their coverage and their consent. All of it is protected health information: these types
//! travel in plaintext on the intake topics only, and everywhere else inside a [`Sealed`](crate::phi::Sealed) dossier. None of
//! them implements `Display`, and `Debug` shows the shape without the values.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// What a record claims about who somebody is.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MemberClaim {
    /// The name in use.
    pub name: PersonName,
    /// Earlier or other names.
    pub other_names: Vec<PersonName>,
    /// `YYYY-MM-DD`. Identity compares to the day, so a partial date would agree with nobody: intake refuses it, and on a roster it
    /// says nothing.
    pub birth_date: Option<String>,
    /// Administrative sex.
    pub sex: Option<Sex>,
    /// Postal addresses, the current one first.
    pub addresses: Vec<Address>,
    /// Telephone numbers as given.
    pub phones: Vec<String>,
    /// Email addresses as given.
    pub emails: Vec<String>,
    /// Identifiers with their system (MBI, SSN, driver's licence, member id at some payer).
    pub identifiers: Vec<Identifier>,
}

/// A person's name in parts.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PersonName {
    /// Family name with particles and hyphens as written.
    pub family: String,
    /// Given names, the first one first.
    pub given: Vec<String>,
    /// Title and the like.
    pub prefix: Option<String>,
    /// Jr, Sr, III.
    pub suffix: Option<String>,
}

/// Administrative sex as in FHIR `administrative-gender`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sex {
    /// Female.
    Female,
    /// Male.
    Male,
    /// Neither of the two.
    Other,
    /// Not known.
    Unknown,
}

/// A postal address.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Address {
    /// Street lines, with units.
    pub lines: Vec<String>,
    /// City.
    pub city: Option<String>,
    /// State, two letters in the US.
    pub state: Option<String>,
    /// ZIP or ZIP+4.
    pub postal_code: Option<String>,
    /// ISO 3166 country.
    pub country: Option<String>,
}

/// An identifier within a system.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identifier {
    /// The naming system's URI.
    pub system: String,
    /// The kind, as in HL7 v2 table 0203 (`MB`, `MC`, `SS`, `DL`).
    pub kind: String,
    /// The identifier itself.
    pub value: String,
}

/// One insurance coverage.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Coverage {
    /// The payer who issues it.
    pub payer: String,
    /// The member's id on the card.
    pub member_id: Option<String>,
    /// The subscriber's id, shared by a family.
    pub subscriber_id: Option<String>,
    /// Group number.
    pub group: Option<String>,
    /// Plan.
    pub plan: Option<String>,
    /// First day, `YYYY-MM-DD`.
    pub start: Option<String>,
    /// Last day, `YYYY-MM-DD`.
    pub end: Option<String>,
    /// The member's relationship to the subscriber (self, spouse, child, ...).
    pub relationship: Option<String>,
}

/// The member's consent to the exchange (HRex Consent: regular covers non-sensitive data only, sensitive covers all).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// How much may be disclosed.
    pub policy: ConsentPolicy,
    /// First day of validity, `YYYY-MM-DD`.
    pub start: String,
    /// Last day of validity, `YYYY-MM-DD`.
    pub end: String,
    /// Where the signed consent lies (HRex `sourceReference`).
    pub reference: String,
    /// Who consented: the member or a representative.
    pub performer: String,
    /// Payers who may receive the data.
    pub recipients: Vec<String>,
    /// When the member opted in.
    pub opted_in_at: Timestamp,
}

/// HRex consent policies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentPolicy {
    /// Non-sensitive data only.
    Regular,
    /// Everything.
    Sensitive,
}

/// The requesting payer's attestation that the member is enrolled and has opted in (42 CFR 422.121(b)).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    /// Who attests.
    pub attester: String,
    /// When.
    pub attested_at: Timestamp,
    /// What is attested, in words.
    pub statement: String,
}

/// An original payload in a foreign format, kept beside the canonical fields.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// Media type of the bytes.
    pub format: String,
    /// The bytes as they came.
    pub body: Bytes,
}

/// Everything secret about one request, as it travels sealed from intake on.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Dossier {
    /// Who it is about.
    pub member: MemberClaim,
    /// The coverage under which the other payer knows the member.
    pub coverage_to_match: Option<Coverage>,
    /// The coverage under which the requesting payer knows the member.
    pub coverage_to_link: Option<Coverage>,
    /// The consent.
    pub consent: Option<Consent>,
    /// The attestation.
    pub attestation: Option<Attestation>,
    /// The original payload, if it came with one.
    pub payload: Option<Payload>,
}

/// One person on a payer's roster, as the enrolment system publishes it.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RosterMember {
    /// Who they are.
    pub member: MemberClaim,
    /// Their coverages.
    pub coverages: Vec<Coverage>,
    /// Set when this account was merged into another: that account's member key.
    pub merged_into: Option<String>,
    /// The system whose word `member` and `coverages` are; the enrolment system, if none.
    #[serde(default)]
    pub source: Option<String>,
    /// When that system said so; when the row was changed, if none.
    #[serde(default)]
    pub as_of: Option<Timestamp>,
    /// What other systems say of the same person.
    #[serde(default)]
    pub others: Vec<SourceRecord>,
}

/// What one system says of a person on the roster.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SourceRecord {
    /// The system.
    pub source: String,
    /// When it said so.
    pub as_of: Timestamp,
    /// Who they are.
    pub member: MemberClaim,
    /// Their coverages.
    pub coverages: Vec<Coverage>,
}

impl ConsentPolicy {
    /// The name used in events and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Regular => "regular",
            Self::Sensitive => "sensitive",
        }
    }
}

macro_rules! secret_debug {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(secret)"))
            }
        }
    )*};
}

secret_debug!(
    MemberClaim,
    PersonName,
    Address,
    Identifier,
    Coverage,
    Consent,
    Attestation,
    Payload,
    Dossier,
    RosterMember,
    SourceRecord
);
