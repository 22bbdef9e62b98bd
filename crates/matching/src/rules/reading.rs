//! How records become comparable (sections V.A to V.D): case, diacritics, punctuation, nicknames, suffixes, USPS abbreviations, and
//! placeholders that count as missing. As the published reference reads them, but for the differences that `README.md` argues.

mod address;
mod date;
mod identifier;
mod name;
mod nickname;
mod pattern;
mod phone;
mod street;
mod suffix;
mod text;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use nickname::Nicknames;

pub(super) use date::day;

use self::street::StreetTypes;
use super::book::RuleBook;
use super::field::Field;
use super::record::Record;
use super::values::Values;

/// Reads records by a book's rules, as of a day.
pub struct Reader {
    book: Arc<RuleBook>,
    nicknames: Nicknames,
    street_types: StreetTypes,
    /// Days since 1970-01-01.
    today: i32,
}

// === impl Reader ===

impl Reader {
    /// Reads by a book and a table of nicknames; `today`, in days since 1970-01-01, bounds birth dates.
    pub fn new(book: &Arc<RuleBook>, nicknames: Nicknames, today: i32) -> Self {
        Self { book: book.clone(), nicknames, street_types: StreetTypes::new(), today }
    }

    /// What a record says.
    pub fn read(&self, record: &Record) -> Values {
        let mut values = Values::default();
        let (policy, placeholders) = (&self.book.reading, &self.book.placeholders);
        for name in &record.names {
            name::read(name, policy, placeholders, &self.nicknames, &mut values);
        }
        if let Some(date) =
            record.birth_date.as_deref().and_then(|text| date::read(text, policy, placeholders, self.today))
        {
            values.add(Field::BirthDate, date);
        }
        for address in &record.addresses {
            address::read(address, &self.street_types, placeholders, &mut values);
        }
        for phone in record.phones.iter().filter_map(|text| phone::read(text, placeholders)) {
            values.add(Field::Phone, phone);
        }
        for email in record.emails.iter().filter_map(|text| email(text, &placeholders.emails)) {
            values.add(Field::Email, email);
        }
        for identifier in &record.identifiers {
            identifier::read(identifier, placeholders, &mut values);
        }
        if record.child_of {
            values.add(Field::ChildOf, "clinical");
        }
        if record.newborn_of {
            values.add(Field::NewbornOf, "clinical");
        }
        values
    }
}

/// An address of the form `who@where`, in lower case.
fn email(text: &str, placeholders: &[String]) -> Option<String> {
    let email = text.trim().to_lowercase();
    let (who, place) = email.split_once('@')?;
    (!who.is_empty() && !place.is_empty() && !pattern::any(placeholders, &email)).then_some(email)
}
