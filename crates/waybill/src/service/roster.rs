//! The roster and the matching policies as the log has them now, held as identity holds them. What is on the roster is sealed:
//! it is read here only for somebody whose look at a claim is on record.

use std::collections::BTreeMap;

use contracts::Topic;
use domain::Message;
use domain::person::RosterMember;
use domain::phi::Phi as _;
use identity::{Rollout, Roster};

use crate::compose::Plant;
use crate::exit::Failure;
use crate::log::Tail;

/// The roster, and the records of those who are looked at.
pub(super) struct Register {
    /// Everybody, for matching.
    pub(super) roster: Roster,
    people: BTreeMap<String, RosterMember>,
}

/// The matching policies, those that people have activated included.
pub(super) fn rollout(plant: &Plant) -> Result<Rollout, Failure> {
    let mut rollout = plant.tables.identity.clone();
    Tail::of(plant, Topic::Policies)?.each(|(record, message)| {
        let name = record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok());
        match (name, message, record.value) {
            (Some(name), Some(Message::Policy(policy)), _) => rollout.learn(name, Some(&policy)),
            (Some(name), None, None) => rollout.learn(name, None),
            _ => {}
        }
    })?;
    Ok(rollout)
}

// === impl Register ===

impl Register {
    /// Reads the roster to its end. The records of these accounts are kept, and of those that were merged into one of them.
    pub(super) fn read(plant: &Plant, wanted: &[&str]) -> Result<Self, Failure> {
        let (mut roster, mut people) = (Roster::default(), BTreeMap::new());
        Tail::of(plant, Topic::Members)?.each(|(record, message)| {
            let Some(account) = record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok()) else { return };
            // What does not open is on nobody's roster: as identity has it.
            let member = match message {
                Some(Message::Member(sealed)) => plant.vault.open_member(account, &sealed.member).ok(),
                None if record.value.is_none() => None,
                _ => return,
            };
            people.remove(account);
            let Some(member) = member else { return roster.remove(account) };
            roster.put(account, &member, record.offset);
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
