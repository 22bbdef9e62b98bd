//! Calls of one partition: what waits for the lease, what is under way, and the answers that have come back.
//!
//! A call exists because memory says so: its entry was committed before it is made, and an answer is held and decided again until
//! its transaction commits. A call that memory knows and nobody performs (the process ended, the partition moved) is lost, and
//! comes back as an answer that says so, no earlier than its `lost_at`. A call that is known never to have been made comes back at
//! once as a failure before the partner saw it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::call::Outstanding;
use domain::{Answer, Call, CallResult, FailureClass, OperationId, Timestamp, Trace};

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
    /// Committed, not yet made; with the boot time of the decision.
    ready: VecDeque<(Call, Duration)>,
    /// Made, not yet answered; the trace is for the answer, the boot time that of the decision.
    under_way: BTreeMap<CallId, (Trace, Duration)>,
    /// Answered, not yet decided for good.
    held: VecDeque<(Answer, Trace)>,
    /// Known to memory, performed by nobody here.
    orphaned: BTreeSet<(Timestamp, CallId)>,
}

/// The code of a call that was never made.
const NOT_MADE: &str = "not-made";

// === impl Inbox ===

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

    /// Whether nothing has arrived.
    pub(crate) fn is_empty(&self) -> bool {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn put(&self, partition: u32, answer: Answer) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).push((partition, answer));
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).clone();
        waker();
    }

    /// The way back for one call. Dropped unused, it says the call was lost.
    fn reply(self: &Arc<Self>, partition: u32, call: &Call) -> Reply {
        let mut guard = Guard { inbox: Arc::clone(self), partition, call: Some((call.operation_id, call.attempt)) };
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

// === impl Calls ===

impl Calls {
    /// A committed call, decided at this boot time, to be made when the lease allows.
    pub(crate) fn add(&mut self, call: Call, decided_at: Duration) {
        self.ready.push_back((call, decided_at));
    }

    /// Makes the next ready call; answers whether it was made. One decided before `since` is not made any more: whoever takes
    /// over may count on its end by now. As it never began, that is its answer.
    pub(crate) fn perform(
        &mut self,
        since: Duration,
        caller: &dyn Caller,
        (inbox, partition): (&Arc<Inbox>, u32),
    ) -> bool {
        let Some((call, decided_at)) = self.ready.pop_front() else { return false };
        let id = (call.operation_id, call.attempt);
        if decided_at < since {
            self.held.push_back((not_made(id), call.trace));
            return false;
        }
        self.under_way.insert(id, (call.trace, decided_at));
        let reply = inbox.reply(partition, &call);
        caller.perform(call, reply);
        true
    }

    /// Calls that were not made will not be made here any more; memory knows them, whoever restores it gives them up in time.
    pub(crate) fn drop_ready(&mut self) -> impl Iterator<Item = CallId> {
        self.ready.drain(..).map(|(call, _)| (call.operation_id, call.attempt))
    }

    /// An answer has come; one that nobody waits for is dropped. A call given up for orphaned may still be answered by the one
    /// who made it.
    pub(crate) fn hold(&mut self, answer: Answer) {
        let id = (answer.operation_id, answer.attempt);
        if let Some((trace, _)) = self.under_way.remove(&id) {
            self.held.push_back((answer, trace));
        } else if self.disown(&id) {
            self.held.push_back((answer, Trace::default()));
        }
    }

    /// A call that memory knows was never made.
    pub(crate) fn never_made(&mut self, id: CallId) {
        self.disown(&id);
        if !self.is_known(&id) {
            self.held.push_back((not_made(id), Trace::default()));
        }
    }

    /// Turns calls that nobody performs and whose time has come into answers that say so.
    pub(crate) fn give_up(&mut self, now: Timestamp) {
        while let Some(&(lost_at, (operation_id, attempt))) = self.orphaned.first()
            && lost_at <= now
        {
            self.orphaned.pop_first();
            self.held.push_back((Answer { operation_id, attempt, result: CallResult::Lost }, Trace::default()));
        }
    }

    /// Takes up to `limit` held answers for a turn; they come back through [`Calls::undecided`] if it aborts.
    pub(crate) fn answers(&mut self, limit: usize) -> impl Iterator<Item = (Answer, Trace)> {
        let count = self.held.len().min(limit);
        self.held.drain(..count)
    }

    /// The turn was undone: its answer is held again, before those that came later.
    pub(crate) fn undecided(&mut self, answer: (Answer, Trace)) {
        self.held.push_front(answer);
    }

    /// Compares with what memory waits for, after a restore. What it waits for and nobody here performs is orphaned; what it
    /// does not wait for has been answered, here before an unknown commit or by another owner.
    pub(crate) fn adopt(&mut self, outstanding: impl Iterator<Item = Outstanding>) {
        let awaited: BTreeMap<CallId, Timestamp> =
            outstanding.map(|call| ((call.operation_id, call.attempt), call.lost_at)).collect();
        self.ready.retain(|(call, _)| awaited.contains_key(&(call.operation_id, call.attempt)));
        self.under_way.retain(|id, _| awaited.contains_key(id));
        self.held.retain(|(answer, _)| awaited.contains_key(&(answer.operation_id, answer.attempt)));
        let answered = self.held.iter().map(|(answer, _)| (answer.operation_id, answer.attempt));
        let known: BTreeSet<CallId> = answered.chain(self.ready_ids()).chain(self.under_way.keys().copied()).collect();
        let orphans = awaited.into_iter().filter(|(id, _)| !known.contains(id));
        self.orphaned = orphans.map(|(id, lost_at)| (lost_at, id)).collect();
    }

    /// When the next orphaned call may be given up.
    pub(crate) fn next_loss(&self) -> Option<Timestamp> {
        self.orphaned.first().map(|(lost_at, _)| *lost_at)
    }

    /// Whether answers wait to be decided.
    pub(crate) fn has_answers(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether calls wait to be made.
    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Calls committed whose answers are not on record, as far as this slot made them or is to make them.
    pub(crate) fn open(&self) -> usize {
        self.ready.len() + self.unsettled()
    }

    /// Calls made whose answers are not on record.
    pub(crate) fn unsettled(&self) -> usize {
        self.under_way.len() + self.held.len()
    }

    /// The boot time at which the oldest call was decided that is to be made or under way here.
    pub(crate) fn oldest(&self) -> Option<Duration> {
        let ready = self.ready.iter().map(|(_, decided_at)| *decided_at);
        ready.chain(self.under_way.values().map(|(_, decided_at)| *decided_at)).min()
    }

    /// Calls that nobody performs and that wait to be given up.
    pub(crate) fn orphaned(&self) -> usize {
        self.orphaned.len()
    }

    fn ready_ids(&self) -> impl Iterator<Item = CallId> {
        self.ready.iter().map(|(call, _)| (call.operation_id, call.attempt))
    }

    fn disown(&mut self, id: &CallId) -> bool {
        let orphan = self.orphaned.iter().find(|(_, orphan)| orphan == id).copied();
        orphan.is_some_and(|orphan| self.orphaned.remove(&orphan))
    }

    fn is_known(&self, id: &CallId) -> bool {
        self.under_way.contains_key(id)
            || self.ready_ids().any(|ready| ready == *id)
            || self.held.iter().any(|(answer, _)| (answer.operation_id, answer.attempt) == *id)
    }
}

fn not_made((operation_id, attempt): CallId) -> Answer {
    let result = CallResult::Failed { class: FailureClass::Transport, code: NOT_MADE.to_owned(), retry_after: None };
    Answer { operation_id, attempt, result }
}
