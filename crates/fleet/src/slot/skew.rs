//! Clocks that disagree. Deadlines are reckoned from times that other machines have written, so a clock that is wrong shifts them; it
//! shows where a record bears a time that is yet to come.

use std::time::Duration;

use domain::{Timestamp, Worker};

use super::Slot;
use crate::turn::Turn;

/// By how much clocks may disagree before it is said. Those that are kept by NTP differ by a hundredth of it.
const TOLERATED: Duration = Duration::from_secs(5);

impl<W: Worker> Slot<W> {
    /// How old the oldest record of a turn was when it was taken, and how far this clock is behind the newest; says so once,
    /// until they agree again.
    pub(super) fn compare_clocks(&mut self, turn: &Turn<W>) -> (Option<Duration>, Duration) {
        let Some((oldest, newest)) = turn.written_ms else { return (None, Duration::ZERO) };
        let behind = Timestamp(newest).since(turn.now);
        let is_behind = TOLERATED < behind;
        if is_behind && !std::mem::replace(&mut self.standing.is_behind, is_behind) {
            tracing::warn!(
                stage = W::STAGE.as_str(),
                behind_ms = u64::try_from(behind.as_millis()).unwrap_or(u64::MAX),
                "records bear times that are yet to come by this machine's clock: have it, and those of the writers, kept by NTP"
            );
        }
        self.standing.is_behind = is_behind;
        (Some(turn.now.since(Timestamp(oldest))), behind)
    }
}
