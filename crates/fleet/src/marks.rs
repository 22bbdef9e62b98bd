//! Marks: what our own headers say of a record that travels more than once.
//!
//! Anybody may write to `intake`, `commands` and `members`, so there a mark counts only with a token that nobody else can make: a
//! stranger must not lift the block of a letter, nor choose the id a submission is known by. On topics that only workers write
//! to, marks stand for themselves.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use domain::{LetterId, RecordId};

use crate::bus::Headers;
use crate::originals::Originals;

/// What the names of all of them begin with.
const OURS: &str = "waybill-";
/// The identity of a foreign record that was forwarded to its home partition or kept in a letter.
const RECORD_ID: &str = "waybill-record-id";
/// The letter that a record replays, or whose block it lifts.
const LETTER: &str = "waybill-letter";
/// How often the record of a letter was tried before its replay.
const ATTEMPTS: &str = "waybill-attempts";
/// Where a record stands that comes back over another topic.
const ORIGIN: &str = "waybill-origin";
/// The token over the others and the value.
const TOKEN: &str = "waybill-mark";

/// What our headers say of a record.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Marks {
    /// Its identity, where it is foreign.
    pub(crate) id: Option<RecordId>,
    /// The letter it replays, or whose block it lifts.
    pub(crate) letter: Option<LetterId>,
    /// How often it was tried before that replay.
    pub(crate) tried: Option<u32>,
    /// Where it stands, if it comes back over another topic.
    pub(crate) origin: Option<Origin>,
}

/// A place on a log that keeps its records for ever: they are not written to it again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Origin {
    /// The topic's full name.
    pub(crate) topic: String,
    /// The offset in the partition of the same number.
    pub(crate) offset: u64,
}

impl Marks {
    /// What these headers say, whoever wrote them.
    pub(crate) fn read(headers: &Headers) -> Self {
        // Hardly any record has marks, so they are not looked for one by one.
        if !headers.0.iter().any(|(name, _)| name.starts_with(OURS)) {
            return Self::default();
        }
        Self {
            id: parsed(headers, RECORD_ID),
            letter: parsed(headers, LETTER),
            tried: parsed(headers, ATTEMPTS),
            origin: parsed(headers, ORIGIN),
        }
    }

    /// What the headers of a foreign record say, if it was us who wrote them.
    pub(crate) fn verified(headers: &Headers, value: Option<&Bytes>, originals: &dyn Originals) -> Self {
        let marks = Self::read(headers);
        if marks == Self::default() || headers.text(TOKEN) == Some(&marks.token(value, originals)) {
            return marks;
        }
        Self::default()
    }

    /// Puts these marks in place of those that headers hold.
    pub(crate) fn write(&self, headers: &mut Headers, value: Option<&Bytes>, originals: &dyn Originals) {
        Self::strip(headers);
        let Self { id, letter, tried, origin } = self;
        let all = [
            (RECORD_ID, id.map(|id| id.to_string())),
            (LETTER, letter.map(|letter| letter.to_string())),
            (ATTEMPTS, tried.map(|tried| tried.to_string())),
            (ORIGIN, origin.as_ref().map(Origin::to_string)),
            (TOKEN, Some(self.token(value, originals))),
        ];
        all.into_iter()
            .filter_map(|(name, text)| Some((name, text?)))
            .for_each(|(name, text)| headers.push(name, text));
    }

    /// Takes off what a record needed to come back, once it has.
    pub(crate) fn forget_origin(headers: &mut Headers) {
        headers.0.retain(|(name, _)| *name != ORIGIN && *name != TOKEN);
    }

    /// How often a replayed record was tried before; once at least where it does not say.
    pub(crate) fn attempts(&self) -> u32 {
        self.letter.map_or(0, |_| self.tried.unwrap_or(1))
    }

    fn strip(headers: &mut Headers) {
        headers.0.retain(|(name, _)| ![RECORD_ID, LETTER, ATTEMPTS, ORIGIN, TOKEN].contains(&&**name));
    }

    fn token(&self, value: Option<&Bytes>, originals: &dyn Originals) -> String {
        let Self { id, letter, tried, origin } = self;
        let [id, letter, tried, origin] = [
            id.map_or_else(String::new, |id| id.to_string()),
            letter.map_or_else(String::new, |letter| letter.to_string()),
            tried.map_or_else(String::new, |tried| tried.to_string()),
            origin.as_ref().map_or_else(String::new, Origin::to_string),
        ];
        let value = value.map_or(&[][..], |value| value);
        originals.attest(&[id.as_bytes(), letter.as_bytes(), tried.as_bytes(), origin.as_bytes(), value]).to_string()
    }
}

fn parsed<T: FromStr>(headers: &Headers, name: &str) -> Option<T> {
    headers.text(name)?.parse().ok()
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.topic, self.offset)
    }
}

impl FromStr for Origin {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (topic, offset) = text.rsplit_once('@').ok_or(())?;
        Ok(Self { topic: topic.to_owned(), offset: offset.parse().map_err(|_| ())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::originals::tests::Secret;

    fn marks() -> Marks {
        let origin = Origin { topic: "waybill.events".into(), offset: 7 };
        Marks { id: Some(RecordId([1; 16])), letter: Some(LetterId([2; 16])), tried: Some(3), origin: Some(origin) }
    }

    #[test]
    fn marks_read_back_and_replace_earlier_ones() {
        let value = Bytes::from_static(b"value");
        let mut headers = Headers::default();
        headers.push("ce_id", "x");
        Marks { id: Some(RecordId([9; 16])), ..marks() }.write(&mut headers, Some(&value), &Secret(1));
        marks().write(&mut headers, Some(&value), &Secret(1));
        assert_eq!(Marks::verified(&headers, Some(&value), &Secret(1)), marks());
        assert_eq!(headers.0.len(), 6);
        Marks::strip(&mut headers);
        assert_eq!((Marks::read(&headers), headers.0.len()), (Marks::default(), 1));
    }

    #[test]
    fn marks_of_a_stranger_count_for_nothing() {
        let value = Bytes::from_static(b"value");
        let mut headers = Headers::default();
        marks().write(&mut headers, Some(&value), &Secret(1));
        assert_eq!(Marks::verified(&headers, Some(&value), &Secret(2)), Marks::default(), "another deployment's");
        assert_eq!(Marks::verified(&headers, None, &Secret(1)), Marks::default(), "of another value");
        let mut forged = headers.clone();
        forged.0.retain(|(name, _)| name != LETTER);
        forged.push(LETTER, LetterId([3; 16]).to_string());
        assert_eq!(Marks::verified(&forged, Some(&value), &Secret(1)), Marks::default(), "another letter");
        forged.0.retain(|(name, _)| name != TOKEN);
        assert_eq!(Marks::verified(&forged, Some(&value), &Secret(1)), Marks::default(), "no token");
    }
}
