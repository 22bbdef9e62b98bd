//! Marks of protected health information (PHI): schema fields carry `"phi": "direct"` or `"phi": "quasi"`. The marks say what must
//! be sealed, and leak tests make a canary for each of them.

use std::fmt;

use serde_json::Value;

use crate::schema;

/// How far a field identifies a person.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PhiClass {
    /// By itself: a name, a member id, a phone number, free text that may hold one.
    Direct,
    /// Together with others: a birth date, a postal code, a group number.
    Quasi,
}

/// A field that holds PHI.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PhiField {
    /// Where it is, as in our JSON form: `member.addresses[].city`.
    pub path: String,
    /// How far it identifies.
    pub class: PhiClass,
    /// What it holds.
    pub holds: Holds,
}

/// What a PHI field holds, for whoever has to fill it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holds {
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// One of a few symbols.
    Symbol,
}

/// The marked fields of a schema, in the order of declaration.
pub(crate) fn marks(schema: &Value) -> Vec<PhiField> {
    schema::fields(schema)
        .into_iter()
        .filter_map(|field| {
            let class = match field.text("phi")? {
                "quasi" => PhiClass::Quasi,
                _ => PhiClass::Direct,
            };
            let holds = match schema::holds(field.kind())?.as_str() {
                Some("string") => Holds::Text,
                Some("bytes") => Holds::Bytes,
                Some(_) | None => Holds::Symbol,
            };
            // An array of texts is marked as a whole; each of its items is such a text.
            let repeated = field.kind().get("type").is_some_and(|kind| kind == "array");
            let path = if repeated { field.path + "[]" } else { field.path };
            Some(PhiField { path, class, holds })
        })
        .collect()
}

impl PhiClass {
    /// The mark as schemas write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Quasi => "quasi",
        }
    }
}

impl fmt::Display for PhiClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
