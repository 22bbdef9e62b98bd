//! What a record says once it is read: for each field all values that can be compared.

use super::field::{Field, FieldSet};

/// The comparable values of a record. They are PHI and so have no `Debug`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Values {
    /// Sorted, each once.
    entries: Vec<(Field, Box<str>)>,
    /// The generations that its suffixes name.
    pub generations: Generations,
}

/// A set of generations: Jr, Sr, and the first to the 39th.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Generations(u64);

// === impl Values ===

impl Values {
    /// Adds a value, as reading leaves it; an empty one is none.
    pub fn add(&mut self, field: Field, value: impl Into<Box<str>>) {
        let entry = (field, value.into());
        if let Err(at) = self.entries.binary_search(&entry)
            && !entry.1.is_empty()
        {
            self.entries.insert(at, entry);
        }
    }

    /// The values of a field, sorted.
    pub fn of(&self, field: Field) -> impl Iterator<Item = &str> {
        self.iter().filter(move |(other, _)| *other == field).map(|(_, value)| value)
    }

    /// Which fields have any.
    pub fn present(&self) -> FieldSet {
        self.entries.iter().map(|(field, _)| *field).collect()
    }

    /// All values, sorted by field and value.
    pub fn iter(&self) -> impl Iterator<Item = (Field, &str)> {
        self.entries.iter().map(|(field, value)| (*field, &**value))
    }
}

// === impl Generations ===

impl Generations {
    /// The highest that is told apart.
    pub const NUMBER_MAX: u32 = 39;
    /// Jr.
    pub const JUNIOR: Self = Self(1);
    /// Sr.
    pub const SENIOR: Self = Self(2);

    /// The first, the second and so on; none beyond [`Self::NUMBER_MAX`].
    pub fn number(number: u32) -> Option<Self> {
        (1..=Self::NUMBER_MAX).contains(&number).then(|| Self(1 << (number + 1)))
    }

    /// What is in either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether both name some and none in common (B.5).
    pub fn conflict(self, other: Self) -> bool {
        self.0 != 0 && other.0 != 0 && self.0 & other.0 == 0
    }
}
