//! What a table is to the code that writes it, whatever the database.

use std::sync::Arc;

use domain::ids::{OperatorId, uuid_text};
use domain::{
    CommandId, ExchangeId, LetterId, OperationId, PartnerId, RecordId, RequestId, SourceId, SubmissionId, Timestamp,
    Token,
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
    Text(Option<Arc<str>>),
}

impl Value {
    /// The number, of a column of numbers.
    pub(crate) fn whole(&self) -> Option<i64> {
        if let Self::Whole(whole) = self { *whole } else { None }
    }

    /// The flag, of a column of flags.
    pub(crate) fn flag(&self) -> Option<bool> {
        if let Self::Flag(flag) = self { *flag } else { None }
    }

    /// The text, of a column of texts.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { text.as_deref() } else { None }
    }
}

/// What a column takes: a value of its type, or nothing of its type.
pub(crate) trait Column {
    /// Nothing.
    const NULL: Value;
    fn into_value(self) -> Value;
}

/// The value of a column.
pub(crate) fn value(column: impl Column) -> Value {
    column.into_value()
}

impl<T: Column> Column for Option<T> {
    const NULL: Value = T::NULL;

    fn into_value(self) -> Value {
        self.map_or(Self::NULL, T::into_value)
    }
}

macro_rules! wholes {
    ($($kind:ty)*) => {$(
        impl Column for $kind {
            const NULL: Value = Value::Whole(None);

            /// Numbers beyond the column's range stand at its end.
            fn into_value(self) -> Value {
                Value::Whole(Some(i64::try_from(self).unwrap_or(i64::MAX)))
            }
        }
    )*};
}

wholes! { i64 u32 u64 usize }

impl Column for Timestamp {
    const NULL: Value = Value::Whole(None);

    fn into_value(self) -> Value {
        Value::Whole(Some(self.0))
    }
}

impl Column for bool {
    const NULL: Value = Value::Flag(None);

    fn into_value(self) -> Value {
        Value::Flag(Some(self))
    }
}

macro_rules! texts {
    ($($kind:ty: $text:ident => $into:expr;)*) => {$(
        impl Column for $kind {
            const NULL: Value = Value::Text(None);

            fn into_value(self) -> Value {
                let $text = self;
                Value::Text(Some($into))
            }
        }
    )*};
}

texts! {
    &str: text => storable(text).unwrap_or_else(|| text.into());
    &String: text => storable(text).unwrap_or_else(|| text.as_str().into());
    &Arc<str>: text => storable(text).unwrap_or_else(|| Arc::clone(text));
    &SourceId: name => name.as_str().into();
    &PartnerId: name => name.as_str().into();
    &OperatorId: name => name.as_str().into();
    RequestId: id => uuid(&id.0);
    ExchangeId: id => uuid(&id.0);
    SubmissionId: id => uuid(&id.0);
    OperationId: id => uuid(&id.0);
    LetterId: id => uuid(&id.0);
    CommandId: id => uuid(&id.0);
    RecordId: id => uuid(&id.0);
    Token: id => uuid(&id.0);
    &[u8; 32]: digest => hex(digest);
}

/// A text that no database would take whole, as one that all take alike: Postgres refuses the character zero, which a partner may
/// have put into a reference, and SQLite's functions end at it.
fn storable(text: &str) -> Option<Arc<str>> {
    text.contains('\0').then(|| text.replace('\0', "\u{fffd}").into())
}

fn uuid(id: &[u8; 16]) -> Arc<str> {
    std::str::from_utf8(&uuid_text(id)).expect("a UUID is ASCII").into()
}

/// Hexadecimal, as digests are shown everywhere.
fn hex(digest: &[u8; 32]) -> Arc<str> {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let nibbles = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles.map(|nibble| char::from(HEX[usize::from(nibble)])).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_character_zero_is_replaced_and_nothing_else() {
        let texts = ["a\0b", "\u{1}\n\u{fffd}"].map(|text| value(text).text().map(str::to_owned));
        assert_eq!(texts, [Some("a\u{fffd}b".to_owned()), Some("\u{1}\n\u{fffd}".to_owned())]);
        assert_eq!(value(&"\0".to_owned()), value("\u{fffd}"));
    }
}
