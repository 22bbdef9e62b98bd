//! The groups of a running log: the state machine of `groups`, the clock, and the threads that sleep for news.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fleet::bus::{GroupMetadata, Membership};
use fleet::clock::Clock;

use crate::groups::{Groups, News, Seat, Subscription};
use fleet::sync::{Signal, locked};

/// All groups of a log.
pub(crate) struct Coordinator {
    clock: Arc<dyn Clock>,
    shared: Mutex<Shared>,
}

#[derive(Default)]
struct Shared {
    groups: Groups,
    sleepers: Vec<Arc<Signal>>,
}

// === impl Coordinator ===

impl Coordinator {
    /// No groups yet.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, shared: Mutex::default() }
    }

    /// The time on which sessions are measured.
    pub(crate) fn now(&self) -> Duration {
        self.clock.since_boot()
    }

    /// Has this signal stirred whenever a group changes.
    pub(crate) fn watch(&self, signal: &Arc<Signal>) {
        locked(&self.shared).sleepers.push(signal.clone());
    }

    /// Has it stirred no more.
    pub(crate) fn unwatch(&self, signal: &Arc<Signal>) {
        locked(&self.shared).sleepers.retain(|sleeper| !Arc::ptr_eq(sleeper, signal));
    }

    /// A consumer joins its group.
    pub(crate) fn join(&self, membership: &Membership, subscriptions: Vec<Subscription>) -> Seat {
        let name = (membership.group.as_str(), membership.instance.as_str());
        self.change(|groups, now| groups.join(name, subscriptions, membership.session_timeout, now))
    }

    /// What is new for a member.
    pub(crate) fn ask(&self, seat: &Seat) -> News {
        self.change(|groups, now| groups.ask(seat, now))
    }

    /// A member shows that it lives; false if the group thinks otherwise by now.
    pub(crate) fn touch(&self, seat: &Seat) -> bool {
        self.change(|groups, now| groups.touch(seat, now))
    }

    /// A member falls asleep; the answer is how long until somebody else may have expired.
    pub(crate) fn sleep(&self, seat: &Seat) -> Option<Duration> {
        self.change(|groups, now| groups.sleep(seat).map(|expires| expires.saturating_sub(now)))
    }

    /// A member releases what it was told to.
    pub(crate) fn release(&self, seat: &Seat) {
        self.change(|groups, now| groups.release(seat, now));
    }

    /// A member goes.
    pub(crate) fn leave(&self, seat: &Seat) {
        self.change(|groups, _| groups.leave(seat));
    }

    /// Ends the sessions of members that were silent for too long.
    pub(crate) fn expire(&self) {
        self.change(|groups, now| groups.expire(now));
    }

    /// Whether a commit under this membership is good.
    pub(crate) fn is_current(&self, group: &GroupMetadata) -> bool {
        self.change(|groups, now| groups.is_current(&group.group, &group.member, group.generation, now))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Groups, Duration) -> T) -> T {
        let mut shared = locked(&self.shared);
        let before = shared.groups.changes();
        let done = change(&mut shared.groups, self.clock.since_boot());
        if before < shared.groups.changes() {
            shared.sleepers.iter().for_each(|sleeper| sleeper.stir());
        }
        done
    }
}
