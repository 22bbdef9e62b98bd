//! Identity as the fleet sees it.

use std::sync::Arc;

use domain::lifecycle::Clocks;
use domain::messages::Stage;
use domain::partner::Registry;
use domain::phi::Phi;
use domain::{Decision, Input, Message, Moment, Poison, View, Worker};

use crate::{Entry, Key, Policy, Profile, Roster, decide};

/// The worker, with the tables it judges by.
pub struct Identity {
    /// The policy in force.
    pub policy: Policy,
    /// How long a reviewer has.
    pub clocks: Clocks,
    /// The payers we exchange with, for the route of what goes on to dispatch.
    pub partners: Arc<Registry>,
    /// Opens dossiers and roster records.
    pub phi: Arc<dyn Phi>,
    /// The roster as far as it was read; empty at first.
    pub roster: Roster,
}

// === impl Identity ===

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

    /// Takes in a roster record. One that does not open (its key was erased, or it was altered) takes the person off the roster:
    /// nobody is matched on what can't be read.
    fn learn(&mut self, key: &[u8], message: Option<&Message>, offset: u64) {
        let Ok(member_key) = std::str::from_utf8(key) else { return };
        let Some(Message::Member(record)) = message else { return self.roster.remove(member_key) };
        match self.phi.open_member(member_key, &record.member) {
            Ok(member) => {
                let profile = Profile::of_member(&member);
                self.roster.put(member_key, profile, member.merged_into.as_deref(), offset);
            }
            Err(_) => self.roster.remove(member_key),
        }
    }
}
