//! Calls of one partition: what waits for the lease, what is under way, and the answers that have come back.
//!
//! A call exists because memory says so: its entry was committed before it is made, and an answer is held and decided again until
//! its transaction commits. A call that memory knows and nobody performs (the process ended, the partition moved) is lost, and
//! comes back as an answer that says so, no earlier than its `lost_at`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use domain::call::Outstanding;
use domain::{Answer, Call, CallResult, OperationId, Timestamp, Trace};

use crate::bus::Waker;
use crate::caller::{Caller, Reply};

/// Answers on their way from the edge's threads to the slot's.
pub(crate) struct Inbox {
    answers: Mutex<Vec<(u32, Answer)>>,
    waker: Mutex<Waker>,
}

/// One call: an operation and its attempt.
pub(crate) type CallId = (OperationId, u32);

/// The calls of one partition.
#[derive(Default)]
pub(crate) struct Calls {
    /// Committed, not yet made.
    ready: VecDeque<Call>,
    /// Made, not yet answered; the trace is for the answer.
    under_way: BTreeMap<CallId, Trace>,
    /// Answered, not yet decided for good.
    held: VecDeque<(Answer, Trace)>,
    /// Known to memory, performed by nobody here.
    orphaned: BTreeSet<(Timestamp, CallId)>,
}

impl Inbox {
    /// An inbox that wakes its slot.
    pub(crate) fn new(waker: Waker) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::default(), waker: Mutex::new(waker) })
    }

    /// The slot has a new consumer to be woken by.
    pub(crate) fn rewire(&self, waker: Waker) {
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = waker;
    }

    /// Takes what has arrived.
    pub(crate) fn take(&self) -> Vec<(u32, Answer)> {
        std::mem::take(&mut *self.answers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, partition: u32, answer: Answer) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).push((partition, answer));
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).clone();
        waker();
    }

    /// The way back for one call. Dropped unused, it says the call was lost.
    fn reply(self: &Arc<Self>, partition: u32, call: &Call) -> Reply {
        let mut guard = Guard { inbox: self.clone(), partition, call: Some((call.operation_id, call.attempt)) };
        Box::new(move |answer| {
            guard.call = None;
            guard.inbox.put(guard.partition, answer);
        })
    }
}

/// Answers for a caller that forgets to.
struct Guard {
    inbox: Arc<Inbox>,
    partition: u32,
    call: Option<CallId>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some((operation_id, attempt)) = self.call {
            self.inbox.put(self.partition, Answer { operation_id, attempt, result: CallResult::Lost });
        }
    }
}

impl Calls {
    /// A committed call, to be made when the lease allows.
    pub(crate) fn add(&mut self, call: Call) {
        self.ready.push_back(call);
    }

    /// Makes what is ready.
    pub(crate) fn perform(&mut self, partition: u32, caller: &dyn Caller, inbox: &Arc<Inbox>) -> usize {
        let count = self.ready.len();
        for call in self.ready.drain(..) {
            self.under_way.insert((call.operation_id, call.attempt), call.trace);
            let reply = inbox.reply(partition, &call);
            caller.perform(call, reply);
        }
        count
    }

    /// Calls that were not made will not be made here any more; memory knows them, whoever restores it gives them up in time.
    pub(crate) fn drop_ready(&mut self) {
        self.ready.clear();
    }

    /// An answer has come; one that nobody waits for is dropped.
    pub(crate) fn hold(&mut self, answer: Answer) {
        if let Some(trace) = self.under_way.remove(&(answer.operation_id, answer.attempt)) {
            self.held.push_back((answer, trace));
        }
    }

    /// Turns calls that nobody performs and whose time has come into answers that say so.
    pub(crate) fn give_up(&mut self, now: Timestamp) {
        while let Some(&(lost_at, (operation_id, attempt))) = self.orphaned.first() {
            if now < lost_at {
                return;
            }
            self.orphaned.pop_first();
            self.held.push_back((Answer { operation_id, attempt, result: CallResult::Lost }, Trace::default()));
        }
    }

    /// Takes up to `limit` held answers for a turn; they come back through [`Calls::undecided`] if it aborts.
    pub(crate) fn answers(&mut self, limit: usize) -> Vec<(Answer, Trace)> {
        let count = self.held.len().min(limit);
        self.held.drain(..count).collect()
    }

    /// The turn was undone: its answers are held again, in their order.
    pub(crate) fn undecided(&mut self, answers: impl DoubleEndedIterator<Item = (Answer, Trace)>) {
        answers.rev().for_each(|answer| self.held.push_front(answer));
    }

    /// Memory has changed what it waits for, other than by this slot's own decision (restore).
    pub(crate) fn adopt(&mut self, outstanding: impl Iterator<Item = Outstanding>) {
        self.orphaned = outstanding
            .map(|call| (call.lost_at, (call.operation_id, call.attempt)))
            .filter(|(_, call)| !self.is_known(call))
            .collect();
    }

    /// When the next orphaned call may be given up.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.orphaned.first().map(|(lost_at, _)| *lost_at)
    }

    /// Whether there is something to do at once.
    pub(crate) fn has_answers(&self) -> bool {
        !self.held.is_empty()
    }

    /// Calls made and not answered.
    pub(crate) fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Calls committed and not made; they wait for the lease.
    pub(crate) fn ready(&self) -> usize {
        self.ready.len()
    }

    fn is_known(&self, call: &CallId) -> bool {
        self.under_way.contains_key(call)
            || self.ready.iter().any(|ready| (ready.operation_id, ready.attempt) == *call)
            || self.held.iter().any(|(answer, _)| (answer.operation_id, answer.attempt) == *call)
    }
}
