//! A record as it is given: by a roster or by a claim.

/// What a record says about a person. An empty field says nothing; so does a placeholder, which normalising finds.
///
/// `Debug` shows the shape without the values: all of it is protected health information.
#[derive(Clone, Copy, Default)]
pub struct Person<'a> {
    /// The id on the member's card, with or without the digits that tell who in the family.
    pub member_id: &'a str,
    /// The id of the contract, shared by a family.
    pub subscriber_id: &'a str,
    /// The employer's or plan's group number.
    pub group: &'a str,
    /// Given name or names.
    pub given: &'a str,
    /// Middle name or initial.
    pub middle: &'a str,
    /// Family name, with particles and hyphens as written; a generation may stand behind it.
    pub family: &'a str,
    /// Jr, Sr, III.
    pub suffix: &'a str,
    /// Birth date: `YYYY-MM-DD`, `MM/DD/YYYY`, `YYYYMMDD`, or a part of one.
    pub dob: &'a str,
    /// Administrative sex: a letter or a word.
    pub sex: &'a str,
    /// Street line or lines, unit included.
    pub street: &'a str,
    /// City.
    pub city: &'a str,
    /// State, two letters or a name.
    pub state: &'a str,
    /// ZIP, ZIP+4, or another postal code.
    pub zip: &'a str,
    /// Telephone number.
    pub phone: &'a str,
    /// Email address.
    pub email: &'a str,
    /// Social security number: all of it, or the last four digits.
    pub ssn: &'a str,
    /// Medicare beneficiary identifier.
    pub mbi: &'a str,
    /// What else is known of the same person: other names, addresses, phones, coverages. Each entry fills only what differs, one
    /// of each kind.
    pub also: &'a [Person<'a>],
}

// === impl Person ===

impl std::fmt::Debug for Person<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person(secret)")
    }
}
