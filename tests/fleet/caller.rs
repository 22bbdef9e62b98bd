//! A caller that keeps every call until the test answers it, drops it, or lets it hang.

use std::sync::{Mutex, MutexGuard};

use domain::{Answer, Call, CallResult};
use fleet::caller::{Caller, Reply};

/// Remembers all calls ever made, and those not answered with their way back.
#[derive(Default)]
pub(crate) struct ScriptedCaller {
    made: Mutex<Vec<Call>>,
    open: Mutex<Vec<(Call, Reply)>>,
}

impl ScriptedCaller {
    /// The attempts made so far, by the first byte of their operation, in order.
    pub(crate) fn made(&self) -> Vec<(u8, u32)> {
        locked(&self.made).iter().map(|call| (call.operation_id.0[0], call.attempt)).collect()
    }

    /// How many calls wait for an answer.
    pub(crate) fn open(&self) -> usize {
        locked(&self.open).len()
    }

    /// Answers all open calls.
    pub(crate) fn answer_all(&self) {
        self.answer(|_| true);
    }

    /// Answers the open calls about one operation.
    pub(crate) fn answer_about(&self, number: u8) {
        self.answer(|call| call.operation_id.0[0] == number);
    }

    fn answer(&self, is_meant: impl Fn(&Call) -> bool) {
        let meant: Vec<_> = locked(&self.open).extract_if(.., |(call, _)| is_meant(call)).collect();
        for (call, reply) in meant {
            reply(pending(&call));
        }
    }

    /// Forgets all open calls without a word.
    pub(crate) fn drop_all(&self) {
        locked(&self.open).clear();
    }
}

impl Caller for ScriptedCaller {
    fn perform(&self, call: Call, reply: Reply) {
        locked(&self.made).push(call.clone());
        locked(&self.open).push((call, reply));
    }
}

/// The answer that the partner has accepted.
fn pending(call: &Call) -> Answer {
    let result = CallResult::Pending { reference: "accepted".into(), retry_after: None };
    Answer { operation_id: call.operation_id, attempt: call.attempt, result }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no caller panics")
}
