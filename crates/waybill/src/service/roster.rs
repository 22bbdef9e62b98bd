//! The roster as the log has it now, held as identity holds it. What is on it is sealed: it is shown only to somebody whose look at a
//! claim is on record.

use std::collections::BTreeMap;

use contracts::Topic;
use domain::Message;
use domain::person::RosterMember;
use identity::Roster;

use crate::compose::Plant;
use crate::exit::Failure;
use crate::log::Tail;

/// The roster, and the records of those who are looked at.
pub(super) struct Register {
    /// Everybody, for matching.
    pub(super) roster: Roster,
    people: BTreeMap<String, RosterMember>,
}

/// Reads the roster to its end as identity does, and hands over each account's record as it stands by then; none where it is gone, or
/// does not open.
pub(super) fn read(
    plant: &Plant,
    tail: &mut Tail,
    mut each: impl FnMut(&str, Option<RosterMember>),
) -> Result<Roster, Failure> {
    let mut roster = Roster::default();
    tail.each(|(record, message)| {
        let Some(account) = record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok()) else { return };
        let sealed = match message {
            Some(Message::Member(sealed)) => Some(sealed),
            None if record.value.is_none() => None,
            // What is no row of a roster is passed over.
            _ => return,
        };
        each(account, roster.learn(&*plant.vault, (account, record.offset), sealed.as_deref()));
    })?;
    Ok(roster)
}

// === impl Register ===

impl Register {
    /// Reads the roster to its end. The records of these accounts are kept, and of those that were merged into one of them.
    pub(super) fn read(plant: &Plant, wanted: &[&str]) -> Result<Self, Failure> {
        let mut people = BTreeMap::new();
        let roster = read(plant, &mut Tail::of(plant, Topic::Members)?, |account, member| {
            people.remove(account);
            let Some(member) = member else { return };
            if wanted.contains(&account) || member.merged_into.as_deref().is_some_and(|into| wanted.contains(&into)) {
                people.insert(account.to_owned(), member);
            }
        })?;
        Ok(Self { roster, people })
    }

    /// The record of an account that was wanted.
    pub(super) fn person(&self, account: &str) -> Option<&RosterMember> {
        self.people.get(account)
    }
}
