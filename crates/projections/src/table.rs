//! What a table is to the code that writes it, whatever the database.

use std::sync::Arc;

use domain::ids::uuid_text;
use domain::{
    CommandId, ExchangeId, LetterId, OperationId, PartnerId, RecordId, RequestId, SourceId, SubmissionId, Timestamp,
    Token, ids::OperatorId,
};

/// A table: its name, its columns in the order rows give them, and what happens to a row that is there already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// The key's columns come first.
    pub(crate) columns: &'static [&'static str],
    /// How many columns make the key.
    pub(crate) key: usize,
    pub(crate) conflict: Conflict,
}

/// What happens when a row of the same key is there already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Conflict {
    /// Rows are written once; another one is an error.
    Refuse,
    /// The first one stays.
    Keep,
    /// The new one takes its place, but for the first so many columns, which never change.
    Replace {
        /// How many columns never change.
        fixed: usize,
    },
    /// What the new one knows takes the place of what the old one says.
    Complete,
    /// The new one's numbers are added.
    Add,
}

/// A row of a table.
pub(crate) trait Row {
    /// Its table.
    const TABLE: Table;
    /// Appends its values, in the order of the table's columns.
    fn values(&self, out: &mut Vec<Value>);
}

/// A value of a column. Nothing is a null of the column's own type, which some databases insist on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    Whole(Option<i64>),
    Flag(Option<bool>),
    Text(Option<Text>),
}

/// Text from wherever it comes cheapest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Text {
    Fixed(&'static str),
    Shared(Arc<str>),
    Owned(String),
}

/// A whole number or nothing. Numbers beyond the column's range stand at its end.
pub(crate) fn whole<T: Whole>(value: impl Into<Option<T>>) -> Value {
    Value::Whole(value.into().map(Whole::into_i64))
}

/// Text or nothing.
pub(crate) fn text<T: Into<Text>>(value: impl Into<Option<T>>) -> Value {
    Value::Text(value.into().map(Into::into))
}

/// What fits a column of whole numbers.
pub(crate) trait Whole {
    fn into_i64(self) -> i64;
}

macro_rules! wholes {
    ($($kind:ty)*) => {$(
        impl Whole for $kind {
            fn into_i64(self) -> i64 {
                i64::try_from(self).unwrap_or(i64::MAX)
            }
        }
    )*};
}

wholes! { i64 u32 u64 usize }

impl Whole for Timestamp {
    fn into_i64(self) -> i64 {
        self.0
    }
}

macro_rules! ids {
    ($($kind:ty)*) => {$(
        impl From<$kind> for Text {
            fn from(id: $kind) -> Self {
                Self::Owned(uuid_text(&id.0).iter().map(|byte| char::from(*byte)).collect())
            }
        }
    )*};
}

ids! { RequestId ExchangeId SubmissionId OperationId LetterId CommandId RecordId Token }

macro_rules! names {
    ($($kind:ty)*) => {$(
        impl From<&$kind> for Text {
            fn from(name: &$kind) -> Self {
                Self::Owned(name.as_str().to_owned())
            }
        }
    )*};
}

names! { SourceId PartnerId OperatorId }

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Self::Fixed(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::Owned(text)
    }
}

impl From<Arc<str>> for Text {
    fn from(text: Arc<str>) -> Self {
        Self::Shared(text)
    }
}
