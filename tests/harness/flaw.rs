//! Workers with a flaw: for a while their judgement fails for some requests, as that of a version with a defect does. What they can't
//! decide becomes a letter; people send it back once a version without the defect is there.

use std::sync::Arc;

use domain::call::Outstanding;
use domain::worker::{Table, TimerRule};
use domain::{
    Code, Decision, EventBody, FailureClass, Input, Memory, Message, Moment, Poison, RequestId, Timestamp, View, Worker,
};
use fleet::clock::Clock;

use crate::clock::VirtualClock;
use crate::faults::Faults;

/// A worker that fails where the plan says so.
#[derive(Clone)]
pub(crate) struct Flawed<W> {
    pub(crate) worker: W,
    pub(crate) faults: Arc<Faults>,
    pub(crate) time: Arc<VirtualClock>,
}

/// Of so many requests one meets the flaw.
const ONE_OF: u8 = 4;

impl<W: Worker> Worker for Flawed<W> {
    const STAGE: domain::Stage = W::STAGE;
    const TIMERS: TimerRule = W::TIMERS;
    type Key = W::Key;
    type Entry = W::Entry;

    fn decide(
        &self,
        view: &View<'_, W::Key, W::Entry>,
        input: Input<'_, W::Key>,
        moment: &Moment,
    ) -> Result<Decision<W::Key, W::Entry>, Poison> {
        if let Input::Record(record) = &input
            && is_about_a_request(&record.message)
            && record.message.request_id().is_some_and(meets_it)
            && self.faults.is_flawed(W::STAGE, self.time.since_boot())
        {
            return Err(Poison { class: FailureClass::Defect, code: Code::DecidePanicked, place: "flaw".into() });
        }
        self.worker.decide(view, input, moment)
    }

    fn home<'m>(&self, message: &'m Message) -> Option<&'m [u8]> {
        self.worker.home(message)
    }

    fn due(key: &W::Key, entry: &W::Entry) -> Option<Timestamp> {
        W::due(key, entry)
    }

    fn outstanding(key: &W::Key, entry: &W::Entry) -> Option<Outstanding> {
        W::outstanding(key, entry)
    }

    fn learn(&mut self, row: (Table, &[u8]), message: Option<&Message>, offset: u64) {
        self.worker.learn(row, message, offset);
    }

    fn stirred(&self, row: Option<(Table, &[u8])>, memory: &Memory<W::Key, W::Entry>) -> Vec<W::Key> {
        self.worker.stirred(row, memory)
    }
}

/// What people want may be about anything, and so may be the facts about that.
fn is_about_a_request(message: &Message) -> bool {
    match message {
        Message::Event(event) => !matches!(
            event.body,
            EventBody::CommandRefused { .. } | EventBody::Refused { .. } | EventBody::DeadLettered { .. }
        ),
        message => !matches!(message, Message::Command(_)),
    }
}

fn meets_it(request: RequestId) -> bool {
    request.0[15].is_multiple_of(ONE_OF)
}
