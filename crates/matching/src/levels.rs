//! Comparison levels: how far a field of a claim agrees with that of a member.

/// Declares the levels of a kind of field, the first being that one side says nothing.
macro_rules! levels {
    ($(#[$about:meta])* $kind:ident { $($(#[$meaning:meta])* $level:ident = $name:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum $kind { $($(#[$meaning])* $level,)* }

        impl $kind {
            /// The levels' names in their order.
            pub const NAMES: &'static [&'static str] = &[$($name),*];
        }
    };
}

levels!(
    /// How two names agree.
    NameLevel {
        /// One side says nothing.
        Missing = "missing",
        /// Letter by letter, diacritics, case and punctuation apart.
        Exact = "exact",
        /// As a nickname or a spelling of the same name.
        Variant = "variant",
        /// One part of a compound: `Garcia` and `Garcia-Lopez`.
        Part = "part",
        /// One edit apart.
        Near = "near",
        /// An initial.
        Initial = "initial",
        /// One begins with the other.
        Truncated = "truncated",
        /// Alike in spelling (Jaro-Winkler .88) or in sound.
        Similar = "similar",
        /// The claim's given name is the member's middle name, or the other way round.
        Middle = "middle",
        /// Given and family name have changed places.
        Swapped = "swapped",
        /// Only the first letter.
        FirstLetter = "first-letter",
        /// Not at all.
        Different = "different",
        /// Not at all, in the family name of somebody who is not male: the one who changes it at a marriage more often.
        Renamed = "different-not-male",
        /// Not at all, but the claim's mailbox is called as the member is.
        Mailbox = "as-in-mailbox",
        /// Not at all, but the claim's given name begins as the member's middle initial says.
        MiddleInitial = "middle-initial",
    }
);

levels!(
    /// How two middle names agree.
    MiddleLevel {
        /// One side says nothing.
        Missing = "missing",
        /// Letter by letter, or one edit apart.
        Exact = "exact",
        /// One is the initial of the other.
        Initial = "initial",
        /// Not at all.
        Different = "different",
    }
);

levels!(
    /// How two generations agree.
    SuffixLevel {
        /// Neither names one.
        Missing = "missing",
        /// The same.
        Same = "same",
        /// Only one side names one.
        OneSided = "one-sided",
        /// Father and son.
        Different = "different",
    }
);

levels!(
    /// How two birth dates agree.
    DateLevel {
        /// One side says nothing.
        Missing = "missing",
        /// To the day.
        Exact = "exact",
        /// Month and day have changed places.
        Swapped = "month-day-swapped",
        /// One of the eight digits differs, or two neighbours have changed places.
        OneDigit = "one-digit",
        /// The same month and day in another year.
        OtherYear = "other-year",
        /// The same year; one side has its first day, as systems fill in.
        FirstOfYear = "first-of-year",
        /// What one side knows agrees: the year, or year and month.
        Partial = "partial",
        /// Year and month, or year and day.
        Close = "close",
        /// The same year.
        SameYear = "same-year",
        /// Not at all.
        Different = "different",
    }
);

levels!(
    /// How two sexes agree.
    SexLevel {
        /// One side says nothing.
        Missing = "missing",
        /// The same.
        Same = "same",
        /// Another.
        Different = "different",
    }
);

levels!(
    /// How two addresses agree.
    AddressLevel {
        /// One side says nothing.
        Missing = "missing",
        /// Number, street and ZIP (or city), and no two units.
        Same = "same",
        /// The same building, two units.
        OtherUnit = "other-unit",
        /// As `same`, but for an edit in number, street or ZIP.
        Near = "near",
        /// Only the ZIP.
        Zip = "zip",
        /// Only city and state.
        City = "city",
        /// Only the state.
        State = "state",
        /// Not at all.
        Different = "different",
    }
);

levels!(
    /// How two phone numbers, or two identifiers that belong to one person, agree.
    NumberLevel {
        /// One side says nothing.
        Missing = "missing",
        /// Digit by digit.
        Same = "same",
        /// One digit differs, or two neighbours have changed places.
        Near = "near",
        /// The last four digits, which is all one side knows.
        LastFour = "last-four",
        /// The last four digits but for one, or for two that have changed places.
        NearLastFour = "near-last-four",
        /// Not at all.
        Different = "different",
    }
);

levels!(
    /// How two email addresses agree.
    EmailLevel {
        /// One side says nothing.
        Missing = "missing",
        /// The same.
        Same = "same",
        /// The same mailbox at another provider.
        Mailbox = "mailbox",
        /// Not at all.
        Different = "different",
    }
);

levels!(
    /// How the ids on two cards agree.
    CardLevel {
        /// One side says nothing.
        Missing = "missing",
        /// The member's own id.
        Member = "member",
        /// The member's own id but for one character, or for two that have changed places.
        NearMember = "near-member",
        /// Another member's id of the same contract.
        Contract = "contract",
        /// The contract; the claim names no member.
        Subscriber = "subscriber",
        /// Not at all.
        Different = "different",
    }
);

/// A field in which a claim and a member are compared.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Field {
    /// Given name.
    Given,
    /// Family name.
    Family,
    /// Middle name.
    Middle,
    /// Generation.
    Suffix,
    /// Birth date.
    BirthDate,
    /// Administrative sex.
    Sex,
    /// Address.
    Address,
    /// Phone number.
    Phone,
    /// Email address.
    Email,
    /// Social security number.
    Ssn,
    /// Medicare beneficiary identifier.
    Mbi,
    /// Member and subscriber id.
    Card,
    /// Group number.
    Group,
}

/// How many fields there are.
pub const FIELDS: usize = 13;

/// The most levels a field has.
pub const LEVELS_MAX: usize = NameLevel::NAMES.len();

/// The level of each field, as its number in [`Field::levels`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct Levels(pub [u8; FIELDS]);

// === impl Field ===

impl Field {
    /// All fields in their order.
    pub const ALL: [Self; FIELDS] = [
        Self::Given,
        Self::Family,
        Self::Middle,
        Self::Suffix,
        Self::BirthDate,
        Self::Sex,
        Self::Address,
        Self::Phone,
        Self::Email,
        Self::Ssn,
        Self::Mbi,
        Self::Card,
        Self::Group,
    ];

    /// Its name in policies and explanations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Family => "family",
            Self::Middle => "middle",
            Self::Suffix => "suffix",
            Self::BirthDate => "birth-date",
            Self::Sex => "sex",
            Self::Address => "address",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Ssn => "ssn",
            Self::Mbi => "mbi",
            Self::Card => "card",
            Self::Group => "group",
        }
    }

    /// The names of its levels.
    pub fn levels(self) -> &'static [&'static str] {
        match self {
            Self::Given | Self::Family => NameLevel::NAMES,
            Self::Middle => MiddleLevel::NAMES,
            Self::Suffix => SuffixLevel::NAMES,
            Self::BirthDate => DateLevel::NAMES,
            Self::Sex | Self::Group => SexLevel::NAMES,
            Self::Address => AddressLevel::NAMES,
            Self::Phone | Self::Ssn | Self::Mbi => NumberLevel::NAMES,
            Self::Email => EmailLevel::NAMES,
            Self::Card => CardLevel::NAMES,
        }
    }
}

// === impl Levels ===

impl Levels {
    /// The level of a field.
    pub fn of(&self, field: Field) -> u8 {
        self.0[field as usize]
    }

    /// The name of a field's level.
    pub fn name(&self, field: Field) -> &'static str {
        field.levels().get(usize::from(self.of(field))).copied().unwrap_or("missing")
    }
}
