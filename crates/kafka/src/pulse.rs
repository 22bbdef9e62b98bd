//! When the group's coordinator last heard of a member: the age of its lease.
//!
//! librdkafka sends heartbeats from a thread of its own and tells nobody of the answers, but its statistics count what was sent to
//! the coordinator and what still waits for an answer. If a snapshot shows that everything sent was answered, then the coordinator
//! has heard the last heartbeat counted in it, which was sent after the newest snapshot that did not count it yet. That earlier
//! snapshot's time is what is taken: the age is never less than the truth, and more by at most one heartbeat interval, two
//! statistics intervals (half a heartbeat each) and the time a look into the queue took. An answer that says "not the coordinator"
//! counts as heard, which is right: who takes a group over gives all its members a new session.

use std::time::Duration;

use rdkafka::Statistics;
use rustix::time::{ClockId, clock_gettime};

/// The requests by which a coordinator learns that a member lives.
const SIGNS_OF_LIFE: [&str; 3] = ["Heartbeat", "JoinGroup", "SyncGroup"];

/// What the statistics of a member tell.
#[derive(Debug)]
pub(crate) struct Pulse {
    /// How many signs of life were sent by the newest snapshot.
    sent: i64,
    /// The newest snapshot at which there were fewer.
    before: Moment,
    /// The newest snapshot of all.
    newest: Moment,
    /// The coordinator has heard the member then or later.
    heard: Moment,
    /// How long the machine had been suspended when the queue was last seen empty: no snapshot yet to come is older.
    suspended: Duration,
    /// Whether the coordinator has answered that the member leaves.
    has_left: bool,
}

/// A point in time on the monotonic clock, which is librdkafka's too, and how long the machine had been suspended by then or
/// earlier: together, a point on the boot-time clock that is never later than the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moment {
    awake: Duration,
    suspended: Duration,
}

// === impl Pulse ===

impl Pulse {
    /// The pulse of a member that is about to join.
    pub(crate) fn new() -> Self {
        let now = Moment { awake: monotonic(), suspended: suspended() };
        Self { sent: 0, before: now, newest: now, heard: now, suspended: now.suspended, has_left: false }
    }

    /// Takes in a snapshot.
    pub(crate) fn observe(&mut self, statistics: &Statistics) {
        let taken = Duration::from_micros(u64::try_from(statistics.ts).unwrap_or_default());
        let mut coordinators = statistics.brokers.values().filter(|broker| broker.source == "logical");
        let Some(coordinator) = coordinators.next() else { return };
        let count = |name: &str| coordinator.req.get(name).copied().unwrap_or_default();
        let is_answered = coordinator.state == "UP" && coordinator.waitresp_cnt == 0 && coordinator.outbuf_cnt == 0;
        self.note(taken, SIGNS_OF_LIFE.into_iter().map(count).sum(), is_answered);
        self.has_left |= is_answered && 0 < count("LeaveGroup");
    }

    /// The queue in which snapshots come is empty.
    pub(crate) fn seen_all(&mut self) {
        self.suspended = suspended();
    }

    /// How long ago the coordinator last heard of the member, at most.
    pub(crate) fn age(&self) -> Duration {
        monotonic().saturating_sub(self.heard.awake) + suspended().saturating_sub(self.heard.suspended)
    }

    /// Whether the coordinator has answered that the member leaves.
    pub(crate) fn has_left(&self) -> bool {
        self.has_left
    }

    fn note(&mut self, taken: Duration, sent: i64, is_answered: bool) {
        if self.sent < sent {
            (self.before, self.sent) = (self.newest, sent);
        }
        self.newest = Moment { awake: taken, suspended: self.suspended };
        if is_answered && self.heard.awake < self.before.awake {
            self.heard = self.before;
        }
    }
}

/// How long the machine has been up, suspended or not: what may be held against a broker's clock.
pub(crate) fn up() -> Duration {
    read(ClockId::Boottime)
}

fn monotonic() -> Duration {
    read(ClockId::Monotonic)
}

/// How long the machine was suspended since it started.
fn suspended() -> Duration {
    up().saturating_sub(monotonic())
}

fn read(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    let whole = Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or_default());
    whole + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use rdkafka::statistics::Broker;

    use super::*;

    /// A snapshot taken so long after the start: so many heartbeats were sent, and so many things wait for their answer.
    fn snapshot(taken: Duration, sent: i64, waiting: i64) -> Statistics {
        let (source, state, req) = ("logical".into(), "UP".into(), [("Heartbeat".to_owned(), sent)].into());
        let broker = Broker { source, state, req, waitresp_cnt: waiting, ..Broker::default() };
        let ts = i64::try_from(taken.as_micros()).unwrap();
        Statistics { ts, brokers: [("GroupCoordinator".to_owned(), broker)].into(), ..Statistics::default() }
    }

    #[test]
    fn a_heartbeat_that_waits_for_its_answer_is_no_sign_of_life() {
        let mut pulse = Pulse::new();
        let start = pulse.heard.awake;
        let at = |seconds| start + Duration::from_secs(seconds);
        for (seconds, sent, waiting) in [(1, 1, 0), (2, 2, 1), (3, 2, 1)] {
            pulse.observe(&snapshot(at(seconds), sent, waiting));
        }
        assert_eq!(pulse.heard.awake, start, "it joined some time after the start");
        pulse.observe(&snapshot(at(4), 2, 0));
        assert!(pulse.heard.awake.abs_diff(at(1)) < Duration::from_millis(1), "{pulse:?}");
    }

    #[test]
    fn a_heartbeat_counts_once_it_was_answered_and_as_of_before_it_was_sent() {
        let mut pulse = Pulse::new();
        let start = pulse.heard.awake;
        let at = |millis| start + Duration::from_millis(millis);
        pulse.note(at(100), 2, true);
        assert_eq!(pulse.heard.awake, start, "it joined some time after the start");
        pulse.note(at(200), 2, true);
        pulse.note(at(300), 3, false);
        assert_eq!(pulse.heard.awake, start, "nobody has answered yet");
        pulse.note(at(400), 3, true);
        assert_eq!(pulse.heard.awake, at(200));
        pulse.note(at(500), 3, true);
        assert_eq!(pulse.heard.awake, at(200), "no news is no sign of life");
    }
}
