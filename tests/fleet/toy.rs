//! A toy worker: it counts what it is told per operation, calls, waits, and misbehaves on request. The wish of a record is the name
//! of its source; the counterparty is a tag that comes back in the facts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dispatch::memory::{Effect, Operation, Phase, Step};
use dispatch::{Entry, Key};
use domain::call::Outstanding;
use domain::messages::{DispatchWork, Stage};
use domain::worker::TimerRule;
use domain::{
    Answer, Call, CallResult, CallVerb, Code, Decision, EventBody, FailureClass, Input, Message, Moment, OperationId,
    Poison, RequestId, Timestamp, View, Worker,
};

/// How long the toy gives its calls before a successor may take them for lost.
pub(crate) const LOST_AFTER: Duration = Duration::from_secs(12);

/// The toy. While it is broken it fails on records that ask for it.
#[derive(Clone, Debug)]
pub(crate) struct Toy {
    pub(crate) is_broken: Arc<AtomicBool>,
}

/// The same, with timers that wait until its inputs were read.
#[derive(Clone, Debug)]
pub(crate) struct PatientToy(pub(crate) Toy);

type Decided = Result<Decision<Key, Entry>, Poison>;

impl Worker for Toy {
    const STAGE: Stage = Stage::Dispatch;
    type Key = Key;
    type Entry = Entry;

    fn decide(&self, view: &View<'_, Key, Entry>, input: Input<'_, Key>, moment: &Moment) -> Decided {
        match input {
            Input::Record(record) => match &record.message {
                Message::Dispatch(work) => self.told(view, work, moment),
                other => panic!("no toy for {other:?}"),
            },
            Input::Timer(key) => self.time_came(view, key),
            Input::Answer(answer) => self.answered(view, answer, moment),
        }
    }

    fn home<'m>(&self, message: &'m Message) -> Option<&'m [u8]> {
        let Message::Dispatch(work) = message else { return None };
        work.context.source.as_str().strip_prefix("home:").map(str::as_bytes)
    }

    fn due(_key: &Key, entry: &Entry) -> Option<Timestamp> {
        entry.due()
    }

    fn outstanding(key: &Key, entry: &Entry) -> Option<Outstanding> {
        entry.outstanding(key)
    }
}

impl Worker for PatientToy {
    const STAGE: Stage = Stage::Dispatch;
    const TIMERS: TimerRule = TimerRule::CaughtUp;
    type Key = Key;
    type Entry = Entry;

    fn decide(&self, view: &View<'_, Key, Entry>, input: Input<'_, Key>, moment: &Moment) -> Decided {
        self.0.decide(view, input, moment)
    }

    fn due(key: &Key, entry: &Entry) -> Option<Timestamp> {
        Toy::due(key, entry)
    }

    fn outstanding(key: &Key, entry: &Entry) -> Option<Outstanding> {
        Toy::outstanding(key, entry)
    }
}

impl Toy {
    fn told(&self, view: &View<'_, Key, Entry>, work: &DispatchWork, moment: &Moment) -> Decided {
        let mut operation = operation(view, work.operation_id);
        let (request, tag) = (work.context.request_id, work.context.counterparty.as_str());
        let (wish, argument) =
            work.context.source.as_str().split_once(':').unwrap_or((work.context.source.as_str(), ""));
        let broken = self.is_broken.load(Ordering::Relaxed);
        let mut decision = Decision::nothing();
        match wish {
            "count" | "home" | "huge" => {}
            "panic" if broken => panic!("as wished"),
            "poison" if broken => {
                let place = "toy".into();
                return Err(Poison { class: FailureClass::Defect, code: Code::Misdirected, place });
            }
            // One thing at a time: whoever awaits an answer is only counted.
            _ if matches!(operation.phase, Phase::Calling { .. }) => {}
            "call-off" => {
                operation.reference = Some(argument.to_owned());
                call(&mut decision, &mut operation, (work.operation_id, Some(work)), moment);
            }
            "call" => call(&mut decision, &mut operation, (work.operation_id, Some(work)), moment),
            "wait" | "stubborn" => {
                let span = Duration::from_millis(argument.parse().expect("milliseconds"));
                operation.phase = Phase::Waiting { until: moment.now + span };
                operation.reference = Some(wish.to_owned());
            }
            _ => {}
        }
        operation.failures += 1;
        decision.event(request, fact(work.operation_id, &format!("{tag}:{}", operation.failures)));
        if wish == "huge" {
            decision.event(request, fact(work.operation_id, &"x".repeat(2 << 20)));
        }
        keep(&mut decision, work.operation_id, operation);
        Ok(decision)
    }

    fn time_came(&self, view: &View<'_, Key, Entry>, key: &Key) -> Decided {
        let Key::Operation(id) = key else { panic!("only operations have timers") };
        let mut operation = operation(view, *id);
        let mut decision = Decision::nothing();
        match operation.reference.as_deref() {
            Some("wait") if self.is_broken.load(Ordering::Relaxed) => panic!("as wished"),
            Some("wait") => {}
            Some("stubborn") => return Ok(decision),
            other => panic!("no timer of {other:?}"),
        }
        operation.phase = Phase::Held {};
        decision.event(RequestId(id.0), fact(*id, "timer"));
        keep(&mut decision, *id, operation);
        Ok(decision)
    }

    /// An answer that nobody waits for is a fact too, so that tests see it.
    fn answered(&self, view: &View<'_, Key, Entry>, answer: &Answer, moment: &Moment) -> Decided {
        let mut operation = operation(view, answer.operation_id);
        let mut decision = Decision::nothing();
        let awaited = matches!(operation.phase, Phase::Calling { .. }) && operation.attempt == answer.attempt;
        let what = match &answer.result {
            CallResult::Lost => "lost",
            CallResult::Failed { code, .. } => code,
            CallResult::Pending { .. } if self.is_broken.load(Ordering::Relaxed) => panic!("as wished"),
            _ => "answered",
        };
        let request = RequestId(answer.operation_id.0);
        let told = if awaited { what.to_owned() } else { format!("stray {what}") };
        decision.event(request, fact(answer.operation_id, &told));
        if awaited {
            operation.phase = Phase::Held {};
            if let Some(other) = operation.reference.take().and_then(|other| other.parse().ok()) {
                put_off(&mut decision, view, other, moment);
            }
            if operation.nudged {
                operation.nudged = false;
                call(&mut decision, &mut operation, (answer.operation_id, None), moment);
            }
            keep(&mut decision, answer.operation_id, operation);
        }
        Ok(decision)
    }
}

fn operation(view: &View<'_, Key, Entry>, id: OperationId) -> Operation {
    match view.get(&Key::Operation(id)) {
        Some(Entry::Underway { operation }) => operation.clone(),
        Some(other) => panic!("no operation but {other:?}"),
        None => Operation { effect: Effect::None, ..Operation::new(Step::Send) },
    }
}

/// Whoever was told "call-off:2" has the timer of operation 2 wait for an hour more, once its call was answered.
fn put_off(decision: &mut Decision<Key, Entry>, view: &View<'_, Key, Entry>, number: u8, moment: &Moment) {
    let id = OperationId([number; 16]);
    let mut other = operation(view, id);
    other.phase = Phase::Waiting { until: moment.now + Duration::from_secs(3_600) };
    keep(decision, id, other);
}

fn keep(decision: &mut Decision<Key, Entry>, id: OperationId, operation: Operation) {
    decision.put(Key::Operation(id), Entry::Underway { operation });
}

fn call(
    decision: &mut Decision<Key, Entry>,
    operation: &mut Operation,
    (operation_id, work): (OperationId, Option<&DispatchWork>),
    moment: &Moment,
) {
    operation.attempt += 1;
    operation.phase = Phase::Calling { lost_at: moment.now + LOST_AFTER };
    // A second call follows the answer of one that was told "call:twice".
    operation.nudged = work.is_some_and(|work| work.context.source.as_str() == "call:twice");
    let number = operation_id.0[0];
    decision.calls.push(Call {
        operation_id,
        attempt: operation.attempt,
        route: crate::world::route(number),
        context: crate::world::context(number, "call", ""),
        verb: CallVerb::Query,
        deadline: moment.now + Duration::from_secs(2),
        trace: moment.trace,
    });
}

/// A fact that carries a text.
fn fact(operation_id: OperationId, text: &str) -> EventBody {
    EventBody::Acknowledged { operation_id, reference: text.to_owned() }
}
