//! Identity as the fleet sees it.

use std::sync::Arc;

use domain::lifecycle::Clocks;
use domain::messages::{PolicyRecord, Stage};
use domain::partner::Registry;
use domain::phi::Phi;
use domain::worker::Table;
use domain::{Decision, Input, Memory, Message, Moment, Poison, Timestamp, View, Worker};

use crate::guard::Verdicts;
use crate::{Entry, Key, Rollout, Roster, decide, ground};

/// The worker, with the tables it judges by.
pub struct Identity {
    /// The policies: how it goes about its work, and who is a match.
    pub rollout: Rollout,
    /// How long a reviewer has.
    pub clocks: Clocks,
    /// The payers we exchange with, for the route of what goes on to dispatch.
    pub partners: Arc<Registry>,
    /// Opens dossiers and roster records.
    pub phi: Arc<dyn Phi>,
    /// The roster as far as it was read; empty at first.
    pub roster: Roster,
    /// Who is known to guess; nobody at first.
    pub verdicts: Verdicts,
}

// === impl Identity ===

impl Identity {
    /// The worker before it has read any table.
    pub fn new(rollout: Rollout, clocks: Clocks, partners: Arc<Registry>, phi: Arc<dyn Phi>) -> Self {
        let roster = Roster::of(&rollout.acting().policy().survivorship);
        Self { rollout, clocks, partners, phi, roster, verdicts: Verdicts::default() }
    }

    /// Takes in a policy. There is one roster, so whose word stands is said by the policy in force alone, not by one that is rehearsed
    /// or acts on a share.
    fn hear(&mut self, name: &str, record: Option<&PolicyRecord>) {
        self.rollout.learn(name, record);
        self.roster.abide_by(&self.rollout.acting().policy().survivorship);
    }
}

impl Worker for Identity {
    const STAGE: Stage = Stage::Identity;
    type Key = Key;
    type Entry = Entry;

    fn decide(
        &self,
        view: &View<'_, Key, Entry>,
        input: Input<'_, Key>,
        moment: &Moment,
    ) -> Result<Decision<Key, Entry>, Poison> {
        decide(self, view, input, moment)
    }

    fn due(_key: &Key, entry: &Entry) -> Option<Timestamp> {
        entry.due()
    }

    fn learn(&mut self, (table, key): (Table, &[u8]), message: Option<&Message>, offset: u64) {
        let Ok(name) = std::str::from_utf8(key) else { return };
        match (table, message) {
            (Table::Members, Some(Message::Member(record))) => {
                self.roster.learn(&*self.phi, (name, offset), Some(record));
            }
            (Table::Members, None) => self.roster.remove(name),
            (Table::Policies, Some(Message::Policy(record))) => self.hear(name, Some(record)),
            (Table::Policies, None) => self.hear(name, None),
            (Table::Guard, Some(Message::Guard(verdict))) => self.verdicts.learn(verdict),
            // What a verdict is about runs out by itself; a table holds nothing of another.
            (Table::Guard, None) | (_, Some(_)) => {}
        }
    }

    fn stirred(&self, row: Option<(Table, &[u8])>, memory: &Memory<Key, Entry>) -> Vec<Key> {
        match row {
            Some((Table::Members, account)) => {
                std::str::from_utf8(account).map(|account| ground::shaken_by(self, account, memory)).unwrap_or_default()
            }
            Some((Table::Policies | Table::Guard, _)) => Vec::new(),
            None => ground::shaken(self, memory),
        }
    }
}
