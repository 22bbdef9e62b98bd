//! Whether each open request goes on: something happens to it within the longest time that any of its clocks gives, and it ends within
//! what its own time and people's last acts allow. Only time counts in which every process is there and the brokers are well.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::{EventBody, Lane, LifecycleEvent, RequestId};

/// How long requests have waited.
#[derive(Default)]
pub(crate) struct Patience {
    /// How much time has passed in which nothing was wrong.
    sound: Duration,
    requests: BTreeMap<RequestId, Waiting>,
}

/// An open request.
#[derive(Clone, Copy)]
struct Waiting {
    lane: Lane,
    is_held: bool,
    /// When something last happened to it, in sound time.
    since: Duration,
    /// When it was due, or a person last gave it more time, in milliseconds since the epoch.
    due_ms: i64,
}

const DAY: Duration = Duration::from_secs(86_400);
/// Clocks differ, a leap of time is up to six hours, and a stage that was down has to catch up.
const GRACE: Duration = Duration::from_secs(8 * 3_600);
/// `hold` in `deploy/policy/clocks.toml`.
const HOLD: Duration = Duration::from_secs(14 * 86_400);
/// From when a request is due or a person last acted until it must have ended: the longest clock of its state, three owners with two
/// days each, a day to settle, and what faults have cost.
const END_WITHIN: Duration = Duration::from_secs(14 * 86_400);

// === impl Patience ===

impl Patience {
    /// Sound time passes.
    pub(crate) fn passed(&mut self, span: Duration) {
        self.sound += span;
    }

    /// How much sound time has passed.
    pub(crate) fn sound(&self) -> Duration {
        self.sound
    }

    /// Something has happened to a request.
    pub(super) fn hear(&mut self, event: &LifecycleEvent, now_ms: i64) {
        if let EventBody::Received { lane, due_by, .. } = &event.body {
            let waiting = Waiting { lane: *lane, is_held: false, since: self.sound, due_ms: due_by.0 };
            self.requests.insert(event.request_id, waiting);
        }
        let Some(request) = self.requests.get_mut(&event.request_id) else { return };
        request.since = self.sound;
        match &event.body {
            EventBody::Diverted { to, .. } => request.lane = *to,
            EventBody::Held { .. } => request.is_held = true,
            EventBody::Closed { .. } => {
                self.requests.remove(&event.request_id);
                return;
            }
            _ => {}
        }
        let is_released = matches!(event.body, EventBody::Released { .. });
        request.is_held &= !is_released;
        let is_by_person = matches!(
            event.body,
            EventBody::ReviewDecided { .. } | EventBody::CancelRequested { .. } | EventBody::LetterReplayed { .. }
        );
        if is_released || is_by_person {
            request.due_ms = request.due_ms.max(now_ms);
        }
    }

    /// The requests of which nobody takes care any more.
    pub(super) fn judge(&self, now_ms: i64) -> Vec<String> {
        let mut found = Vec::new();
        for (id, request) in &self.requests {
            let silent = self.sound.saturating_sub(request.since);
            if request.silence_max() < silent {
                found.push(format!("{id} is open, and nothing has happened to it for {} s", silent.as_secs()));
            }
            let (held, end) = (if request.is_held { HOLD } else { Duration::ZERO }, END_WITHIN);
            let late = Duration::from_millis(u64::try_from(now_ms - request.due_ms).unwrap_or(0));
            if held + end < late {
                found.push(format!("{id} is open {} s after its time", late.as_secs()));
            }
        }
        found
    }
}

// === impl Waiting ===

impl Waiting {
    /// The longest clock of any state on its lane, by `deploy/policy/clocks.toml`; a cancel has a day whatever the lane.
    fn silence_max(&self) -> Duration {
        let clock = match self.lane {
            Lane::Urgent | Lane::Standard => DAY,
            Lane::Bulk => 3 * DAY,
        };
        GRACE + if self.is_held { HOLD } else { clock }
    }
}
