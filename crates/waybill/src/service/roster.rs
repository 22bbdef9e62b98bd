//! The roster as the log has it now, held as identity holds it. What is on it is sealed: it is shown only to somebody whose look at a
//! claim is on record.

use std::time::Instant;

use contracts::Topic;
use domain::Message;
use domain::person::RosterMember;
use fleet::bus::{Delivered, TopicPartition};
use fleet::partitioner::partition_of;
use identity::Roster;
use matching::survivorship::Survivorship;

use crate::compose::Plant;
use crate::exit::Failure;
use crate::log::{self, Tail};

/// The roster, kept from look to look: the first one reads all of it, the next ones what came since. Of the people only the index is
/// kept; whoever is looked at is read where their record lies.
pub(super) struct Register {
    /// Everybody, for matching.
    pub(super) roster: Roster,
    plant: Plant,
    tail: Option<Tail>,
}

/// Reads a roster's topic on, to its end, as identity does, and hands over each account's record as it stands by then; none where it is
/// gone, or does not open.
pub(super) fn read(
    plant: &Plant,
    tail: &mut Tail,
    roster: &mut Roster,
    mut each: impl FnMut(&str, Option<RosterMember>),
) -> Result<(), Failure> {
    tail.each(|(record, message)| {
        let Some(account) = account(&record) else { return };
        let sealed = match message {
            Some(Message::Member(sealed)) => Some(sealed),
            None if record.value.is_none() => None,
            // What is no row of a roster is passed over.
            _ => return,
        };
        each(account, roster.learn(&*plant.vault, (account, record.offset), sealed.as_deref()));
    })
}

fn account(record: &Delivered) -> Option<&str> {
    record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok())
}

// === impl Register ===

impl Register {
    /// A register that has read nothing yet.
    pub(super) fn of(plant: &Plant) -> Self {
        Self { roster: Roster::default(), plant: plant.clone(), tail: None }
    }

    /// Reads what has come since, and has the words of these sources stand.
    pub(super) fn catch_up(&mut self, survivorship: &Survivorship) -> Result<(), Failure> {
        let began = Instant::now();
        self.roster.abide_by(survivorship);
        let tail = match &mut self.tail {
            Some(tail) => tail,
            tail => tail.insert(Tail::of(&self.plant, Topic::Members)?),
        };
        let left = tail.left()?;
        read(&self.plant, tail, &mut self.roster, |_, _| ())?;
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(offsets = left, took_ms, accounts = self.roster.len(), "the roster was read for a look");
        Ok(())
    }

    /// The record of an account, all sources' words in it; none where it is not on the roster.
    pub(super) fn person(&self, account: &str) -> Result<Option<RosterMember>, Failure> {
        let plant = &self.plant;
        let Some(offset) = self.roster.offset(account) else { return Ok(None) };
        let partition = partition_of(account.as_bytes(), plant.topics.partitions(&Topic::Members));
        let at = TopicPartition::new(plant.topics.name(&Topic::Members), partition);
        let found = log::first_from(&*plant.bus, &at, offset)?;
        let is_it = |record: &Delivered| record.offset == offset && self::account(record) == Some(account);
        if let Some(record) = found.filter(is_it) {
            return Ok(self.opened(account, &record));
        }
        // It was changed this moment, or its producer partitions otherwise: then it lies anywhere.
        let mut latest = None;
        Tail::of(plant, Topic::Members)?.each(|(record, _)| {
            if self::account(&record) == Some(account) {
                latest = self.opened(account, &record);
            }
        })?;
        Ok(latest)
    }

    fn opened(&self, account: &str, record: &Delivered) -> Option<RosterMember> {
        let (_, message) = self.plant.codec.decode(&Topic::Members, record.value.as_deref()?).ok()?;
        let Message::Member(sealed) = message else { return None };
        identity::roster::open(&*self.plant.vault, account, &sealed)
    }
}
