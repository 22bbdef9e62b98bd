//! The worker as the fleet turns it.

use std::time::Duration;

use domain::messages::Stage;
use domain::{Decision, Input, Moment, Poison, Timestamp, View, Worker};

use crate::decide::decide;
use crate::{Entry, Key};

/// The keeper of dead letters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Triage {
    keep: Duration,
}

impl Triage {
    /// As long as the `dead-letters` topic keeps its records: 400 days.
    pub const KEEP: Duration = Duration::from_secs(400 * 86_400);

    /// A keeper that forgets a letter this long after it was given up.
    pub fn new(keep: Duration) -> Self {
        Self { keep }
    }

    /// How long a letter is kept.
    pub fn keep(&self) -> Duration {
        self.keep
    }
}

impl Default for Triage {
    fn default() -> Self {
        Self::new(Self::KEEP)
    }
}

impl Worker for Triage {
    const STAGE: Stage = Stage::Triage;
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
        Some(entry.forget_at())
    }
}
