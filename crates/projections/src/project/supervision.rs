//! What the supervisor's facts mean.

use domain::{Code, EventBody};

use super::Projected;
use crate::rows::{AlarmKind, AlarmRow};

impl Projected<'_> {
    /// It begins with its first owner, whoever had the one before in the end.
    pub(super) fn exception(&mut self, code: Code, owner: &str) {
        self.explain(code);
        self.request.tier = None;
        self.request.owner = Some(owner.to_owned());
    }

    pub(super) fn escalated(&mut self, tier: u32, owner: &str) {
        self.request.tier = Some(tier);
        self.request.owner = Some(owner.to_owned());
    }

    /// The supervisor signs for what it saw. Having seen as many events as stand here, it must have seen the same.
    pub(super) fn closed(&mut self) {
        let EventBody::Closed { code, events, chain, .. } = &self.fact.event.body else { return };
        if self.request.closed_at.is_none() {
            self.request.closed_at = Some(self.fact.event.at);
            self.request.code = *code;
        }
        if *events == self.before.events && *chain != self.before.chain {
            self.rows.alarms.push(AlarmRow {
                position: self.fact.position,
                kind: AlarmKind::ChainDiffers,
                request_id: self.request.request_id,
                at: self.fact.event.at,
            });
        }
    }
}
