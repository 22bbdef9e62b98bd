//! Whatever comes in whatever order: windows hold, nothing hangs, and no effect is asked for twice where it might happen twice.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::call::Outstanding;
use domain::messages::{DispatchTask, Lane, PartnerMessage, PartnerStatus};
use domain::partner::{Completion, Partner};
use domain::{Call, CallResult, CallVerb, FailureClass, Message, RequestId, Worker};
use proptest::prelude::*;

use crate::Dispatch;
use crate::fixture::{
    Bench, COMMAND, DUE_BY, cancel, completed, failed, operation_id, partner, pending, route, send, work,
};
use crate::memory::{Breaker, Entry, Key, Phase};

const OPERATIONS: u8 = 24;
const PARTNERS: [&str; 4] = ["a", "b", "c", "d"];

/// One thing that may happen next.
#[derive(Clone, Debug)]
enum Happening {
    Arrival(u8),
    Answer(usize, CallResult),
    StaleAnswer(u8, u32),
    Callback(u8, PartnerStatus),
    Command(u8, DispatchTask),
    Time(u64),
}

/// A bench whose partners' effects are watched.
struct World {
    bench: Bench,
    /// Operations that may have taken effect, as far as anybody outside could know.
    maybe_done: BTreeSet<u8>,
    seen_calls: BTreeSet<(u8, u32)>,
}

fn world() -> World {
    let abilities = [(true, true), (true, false), (false, true), (false, false)];
    let completions = [Completion::Callback, Completion::Poll, Completion::Poll, Completion::Callback];
    let partners =
        PARTNERS.iter().zip(abilities).zip(completions).map(|((id, (deduplicates, status_query)), completion)| {
            Partner { deduplicates, status_query, ..partner(id, completion) }
        });
    World { bench: Bench::new(partners), maybe_done: BTreeSet::new(), seen_calls: BTreeSet::new() }
}

fn partner_of(number: u8) -> &'static str {
    PARTNERS[usize::from(number % 4)]
}

fn is_compensation(number: u8) -> bool {
    number % 5 == 4
}

fn classes() -> impl Strategy<Value = FailureClass> {
    prop::sample::select(FailureClass::ALL.to_vec())
}

fn results() -> impl Strategy<Value = CallResult> {
    prop_oneof![
        2 => Just(completed()),
        4 => (0..3_000_u64).prop_map(pending),
        6 => classes().prop_map(failed),
        1 => classes().prop_map(|class| CallResult::Refused { class, code: "some-code".into() }),
        2 => Just(CallResult::NotFound),
        1 => Just(CallResult::Cancelled),
        1 => Just(CallResult::CancelTooLate),
        1 => Just(CallResult::Compensated),
        1 => Just(CallResult::Lost),
    ]
}

fn commands() -> impl Strategy<Value = DispatchTask> {
    prop_oneof![
        Just(cancel()),
        Just(DispatchTask::HoldDispatch { command_id: COMMAND }),
        Just(DispatchTask::ReleaseDispatch { command_id: COMMAND }),
        any::<bool>().prop_map(|took_effect| DispatchTask::ResolveUnknown { command_id: COMMAND, took_effect }),
    ]
}

fn happenings() -> impl Strategy<Value = Happening> {
    let statuses = [PartnerStatus::Accepted, PartnerStatus::Completed, PartnerStatus::Failed, PartnerStatus::Cancelled];
    prop_oneof![
        4 => (0..OPERATIONS).prop_map(Happening::Arrival),
        8 => (any::<prop::sample::Index>(), results()).prop_map(|(index, result)| Happening::Answer(index.index(64), result)),
        1 => (0..OPERATIONS, 0..6_u32).prop_map(|(number, attempt)| Happening::StaleAnswer(number, attempt)),
        1 => (0..OPERATIONS, prop::sample::select(statuses.to_vec())).prop_map(|(number, status)| Happening::Callback(number, status)),
        2 => (0..OPERATIONS, commands()).prop_map(|(number, task)| Happening::Command(number, task)),
        4 => (0..6_000_u64).prop_map(Happening::Time),
        1 => (0..400_000_u64).prop_map(Happening::Time),
    ]
}

impl World {
    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Arrival(number) => {
                let task = if is_compensation(number) {
                    DispatchTask::Compensate { undoes: operation_id(200), reference: Some("ref-9".into()) }
                } else {
                    send()
                };
                self.work(number, task);
            }
            Happening::Command(number, task) => {
                let unresolved = matches!(self.phase(number), Some(Phase::Unresolved { .. }));
                if unresolved && matches!(task, DispatchTask::ResolveUnknown { took_effect: false, .. }) {
                    self.maybe_done.remove(&number);
                }
                self.work(number, task);
            }
            Happening::Answer(index, result) => {
                if !self.bench.calls.is_empty() {
                    let call = self.bench.calls.remove(index % self.bench.calls.len());
                    self.answer(&call, result);
                }
            }
            Happening::StaleAnswer(number, attempt) => {
                let current = |call: &&Call| call.operation_id == operation_id(number) && call.attempt == attempt;
                if let (None, Some(mut call)) =
                    (self.bench.calls.iter().find(current), self.bench.calls.first().cloned())
                {
                    (call.operation_id, call.attempt) = (operation_id(number), attempt);
                    self.bench.answer_call(&call, completed());
                }
            }
            Happening::Callback(number, status) => {
                // A partner calls back about what it has accepted, and about nothing else.
                if self.maybe_done.contains(&number) {
                    self.callback(number, status);
                }
            }
            Happening::Time(ms) => self.bench.until(self.bench.now + Duration::from_millis(ms)),
        }
        self.check();
    }

    fn work(&mut self, number: u8, task: DispatchTask) {
        let lane = Lane::ALL[usize::from(number) % 3];
        self.bench.work(work(number, route(partner_of(number)), lane, task));
    }

    fn callback(&mut self, number: u8, status: PartnerStatus) {
        let message = PartnerMessage {
            request_id: RequestId([number; 16]),
            route: route(partner_of(number)),
            operation_id: operation_id(number),
            message_id: "msg".into(),
            reference: "ref-1".into(),
            status,
            manifest: None,
            code: None,
            received_at: self.bench.now,
        };
        self.bench.message(Message::Partner(Box::new(message))).expect("decided");
    }

    fn answer(&mut self, call: &Call, result: CallResult) {
        let number = call.operation_id.0[0];
        let unknown = [FailureClass::Timeout, FailureClass::OutcomeUnknown, FailureClass::Schema];
        let harmless = match &result {
            CallResult::Failed { class, .. } => !unknown.contains(class),
            CallResult::Refused { .. } => true,
            CallResult::Completed { .. }
            | CallResult::Pending { .. }
            | CallResult::NotFound
            | CallResult::Cancelled
            | CallResult::CancelTooLate
            | CallResult::Compensated
            | CallResult::Lost => false,
        };
        if matches!(call.verb, CallVerb::Send { .. } | CallVerb::Compensate { .. }) && !harmless {
            self.maybe_done.insert(number);
        }
        if call.verb == CallVerb::Query && result == CallResult::NotFound {
            self.maybe_done.remove(&number);
        }
        self.bench.answer_call(call, result);
    }

    fn phase(&self, number: u8) -> Option<Phase> {
        let entry = self.bench.entry(number);
        if let Some(Entry::Underway { operation }) = entry { Some(operation.phase) } else { None }
    }

    fn check(&mut self) {
        for call in &self.bench.calls {
            let number = call.operation_id.0[0];
            if self.seen_calls.insert((number, call.attempt)) {
                let effective = matches!(call.verb, CallVerb::Send { .. } | CallVerb::Compensate { .. });
                let forgetful = matches!(partner_of(number), "c" | "d");
                assert!(!(effective && forgetful && self.maybe_done.contains(&number)), "asked twice: {call:?}");
                assert!(call.deadline <= DUE_BY);
            }
        }
        for id in PARTNERS {
            self.check_route(id);
        }
        for (key, entry) in self.bench.memory.iter() {
            if let (Key::Operation(id), Entry::Underway { operation }) = (key, entry) {
                let calls = || self.bench.calls.iter().filter(|call| call.operation_id == *id);
                let outstanding = Dispatch::outstanding(key, entry);
                let awaited = calls().map(|call| call.attempt).collect::<Vec<_>>();
                let attempt = |outstanding: &Outstanding| outstanding.attempt;
                assert_eq!(outstanding.as_ref().map(attempt).into_iter().collect::<Vec<_>>(), awaited);
                // Everything else has a time of its own, a person's answer included; a hold is the supervisor's to end.
                let waits = outstanding.is_some() || entry.due().is_some() || operation.phase == Phase::Held {};
                assert!(waits, "hangs: {operation:?}");
                assert!(self.bench.memory.get(&Key::Work(*id)).is_some());
            }
        }
    }

    fn check_route(&self, id: &str) {
        let load = self.bench.load(id);
        let calls = self.bench.calls.iter().filter(|call| call.route.partner.as_str() == id).count();
        assert_eq!(load.outstanding as usize, calls);
        assert!(calls <= 2, "the window holds");
        let (first, last) = Key::queue(&route(id));
        let queue: Vec<_> = self.bench.memory.iter().filter(|(key, _)| (&first..=&last).contains(key)).collect();
        for (key, entry) in &queue {
            let (Key::Queue { place, .. }, Entry::Queuing { operation_id }) = (key, entry) else { panic!("{key:?}") };
            assert!(
                matches!(self.phase(operation_id.0[0]), Some(Phase::Queued { place: there, .. }) if there == *place)
            );
        }
        let queued = (0..OPERATIONS).filter(|number| partner_of(*number) == id);
        let queued = queued.filter(|number| matches!(self.phase(*number), Some(Phase::Queued { .. }))).count();
        assert_eq!(queue.len(), queued);
        let blocked = !load.admits(2);
        assert!(queue.is_empty() || blocked, "a free slot is not left unused");
        assert!(!matches!(load.breaker, Breaker::Tripped { .. }) || self.bench.next_timer().is_some());
    }

    /// People do what is theirs alone to do. A question that was answered while its operation was on hold leaves it on hold.
    fn people_act(&mut self) {
        for number in 0..OPERATIONS {
            if let Some(Phase::Unresolved { .. }) = self.phase(number) {
                self.happen(settle(number));
            }
            if let Some(Phase::Held {}) = self.phase(number) {
                self.happen(release(number));
            }
        }
    }

    /// Everything is answered well from now on, and people do their part.
    fn wind_up(&mut self) {
        for _ in 0..1_000 {
            while !self.bench.calls.is_empty() {
                let call = self.bench.calls.remove(0);
                let result = match call.verb {
                    CallVerb::Send { .. } | CallVerb::Poll { .. } | CallVerb::Query => completed(),
                    CallVerb::Cancel { .. } => CallResult::Cancelled,
                    CallVerb::Compensate { .. } => CallResult::Compensated,
                };
                self.answer(&call, result);
                self.check();
            }
            self.people_act();
            if (0..OPERATIONS).all(|number| self.phase(number).is_none()) {
                break;
            }
            if self.bench.calls.is_empty() {
                self.bench.next();
            }
        }
        assert!((0..OPERATIONS).all(|number| self.phase(number).is_none()), "all have ended");
        self.bench.until(self.bench.now + Duration::from_secs(8 * 86_400));
        assert!(self.bench.memory.iter().all(|(key, _)| matches!(key, Key::Route(_))), "all is forgotten in the end");
    }
}

fn release(number: u8) -> Happening {
    Happening::Command(number, DispatchTask::ReleaseDispatch { command_id: COMMAND })
}

fn settle(number: u8) -> Happening {
    Happening::Command(number, DispatchTask::ResolveUnknown { command_id: COMMAND, took_effect: false })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2 * ProptestConfig::default().cases))]

    #[test]
    fn whatever_comes_nothing_hangs_and_nothing_is_doubled(history in prop::collection::vec(happenings(), 1..120)) {
        let mut world = world();
        for happening in history {
            world.happen(happening);
        }
        world.wind_up();
    }
}
