//! A log, a memory and a clock around the supervisor. Its own facts go to the log and come back in order, as in the fleet; its
//! timers fire only when the log was read to its end.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::lifecycle::fold::digest;
use domain::messages::{
    AttemptRef, Command, CommandAction, CommandTarget, DispatchTask, IdentityTask, Outcome, OutcomeStatus,
    PolicyRecord, Stage, Verdict,
};
use domain::partner::{Adapter, Completion, Limits, Partner, Registry, Retry};
use domain::{
    Change, Code, CommandId, Decision, Destination, EventBody, Input, LetterId, Lifecycle, LifecycleEvent, Memory,
    Message, Moment, Overlay, Poison, Record, RecordId, RequestId, State, Timestamp, Trace, View, Worker,
};

pub(super) use super::facts::*;
use crate::case::is_own;
use crate::memory::{EndedRequest, WatchedRequest};
use crate::{Entry, Key, Policy, Reconciliation};

pub(super) const REQUEST: RequestId = RequestId([9; 16]);
pub(super) const LETTER: LetterId = LetterId([4; 16]);
pub(super) const START: Timestamp = Timestamp(1_700_000_000_000);
pub(super) const DAY: Duration = Duration::from_secs(86_400);
pub(super) const TRACE: Trace = Trace { trace_id: [1; 16], span_id: [2; 8], sampled: true };

/// The supervisor's whole world.
pub(super) struct World {
    pub(super) memory: Memory<Key, Entry>,
    pub(super) log: Vec<LifecycleEvent>,
    pub(super) read: usize,
    pub(super) sent: Vec<(Destination, Message)>,
    pub(super) now: Timestamp,
    /// What was refused about no request: it stands under the command's id.
    pub(super) about_nothing: Vec<EventBody>,
    /// The attempt that answers about unknown outcomes speak of.
    pub(super) about: Option<AttemptRef>,
    judge: Reconciliation,
    commands: u8,
}

impl World {
    pub(super) fn new() -> Self {
        let clocks = include_str!("../../../../../deploy/policy/clocks.toml");
        let escalation = include_str!("../../../../../deploy/policy/escalation.toml");
        let policy = Policy::parse(clocks, escalation).expect("the deployed policy");
        Self {
            memory: Memory::default(),
            log: Vec::new(),
            read: 0,
            sent: Vec::new(),
            now: START,
            about_nothing: Vec::new(),
            about: Some(AttemptRef { operation_id: operation(), attempt: 1 }),
            judge: Reconciliation::new(policy, Arc::new(Registry::new([partner()]).expect("a valid partner"))),
            commands: 0,
        }
    }

    /// A world in which these facts are on the log and were read.
    pub(super) fn given(facts: impl IntoIterator<Item = (Stage, EventBody)>) -> Self {
        let mut world = Self::new();
        world.when(facts);
        world.sent.clear();
        world
    }

    /// Other workers write these facts; all is read.
    pub(super) fn when(&mut self, facts: impl IntoIterator<Item = (Stage, EventBody)>) {
        facts.into_iter().for_each(|(by, body)| self.append(by, body));
        self.catch_up();
    }

    pub(super) fn append(&mut self, by: Stage, body: EventBody) {
        let cause = RecordId::default();
        let version = "1.0.0".into();
        self.log.push(LifecycleEvent { request_id: REQUEST, at: self.now, by, version, cause, body });
    }

    pub(super) fn catch_up(&mut self) {
        while self.read_one().is_some() {}
    }

    /// Reads the next event of the log.
    pub(super) fn read_one(&mut self) -> Option<Decision<Key, Entry>> {
        let event = self.log.get(self.read)?.clone();
        self.read += 1;
        let value = value_of(&event);
        Some(self.take_record(Message::Event(Box::new(event)), value))
    }

    /// A person gives a command; returns the code if it is refused.
    pub(super) fn command(&mut self, action: CommandAction) -> Option<Code> {
        self.command_with(action, None, None)
    }

    pub(super) fn command_with(
        &mut self,
        action: CommandAction,
        verdict: Option<Verdict>,
        expected_state: Option<State>,
    ) -> Option<Code> {
        self.commands += 1;
        self.give(self.commands, action, verdict, expected_state)
    }

    /// The same under a number of its own; all is read before it can be refused.
    pub(super) fn give(
        &mut self,
        number: u8,
        action: CommandAction,
        verdict: Option<Verdict>,
        expected_state: Option<State>,
    ) -> Option<Code> {
        if let Some(refused) = self.hand_in(number, action, verdict, expected_state) {
            return Some(refused);
        }
        self.memory.get(&Key::Early(REQUEST))?;
        self.catch_up();
        let decision = self.take(Input::Timer(&Key::Early(REQUEST)));
        decision.events.iter().find_map(|draft| refusal(&draft.body))
    }

    /// Gives a command to a supervisor that has read as much as it has.
    pub(super) fn hand_in(
        &mut self,
        number: u8,
        action: CommandAction,
        verdict: Option<Verdict>,
        expected_state: Option<State>,
    ) -> Option<Code> {
        let command = Command {
            command_id: CommandId([number; 16]),
            target: CommandTarget::RequestTarget { request_id: REQUEST },
            action,
            operator: "jo".into(),
            reason: "asked".into(),
            issued_at: self.now,
            verdict,
            expected_state,
            about: self.about.filter(|_| action == CommandAction::ResolveUnknown),
        };
        let decision = self.take_record(Message::Command(Box::new(command)), Bytes::new());
        decision.events.iter().find_map(|draft| refusal(&draft.body))
    }

    /// Time passes; whatever comes due fires in its time.
    pub(super) fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        self.catch_up();
        while let Some((due, key)) = self.next_timer().filter(|(due, _)| *due <= end) {
            self.now = self.now.max(due);
            self.take(Input::Timer(&key));
            self.catch_up();
        }
        self.now = end;
    }

    pub(super) fn decide(&self, input: Input<'_, Key>) -> Result<Decision<Key, Entry>, Poison> {
        let overlay = Overlay::default();
        let moment = Moment { now: self.now, id: RecordId::default(), trace: Trace::default() };
        self.judge.decide(&View::new(&self.memory, &overlay), input, &moment)
    }

    /// Decides, and makes the decision true.
    pub(super) fn take(&mut self, input: Input<'_, Key>) -> Decision<Key, Entry> {
        let decision = self.decide(input).expect("a decision");
        decision.remember.iter().cloned().for_each(|change: Change<Key, Entry>| {
            self.memory.apply(change);
        });
        for draft in &decision.events {
            if refusal(&draft.body) == Some(Code::TargetUnknown) {
                self.about_nothing.push(draft.body.clone());
                continue;
            }
            assert_eq!(draft.request_id, REQUEST);
            self.append(Stage::Reconciliation, draft.body.clone());
        }
        self.sent.extend(decision.forward.iter().map(|forward| (forward.to.clone(), forward.message.clone())));
        decision
    }

    /// A person activates a policy.
    pub(super) fn activate(&mut self, name: &str, text: &str) {
        let policy = PolicyRecord {
            name: name.to_owned(),
            version: 2,
            text: text.to_owned(),
            digest: [0; 32],
            activated_by: "jo".into(),
            activated_at: self.now,
        };
        self.judge.learn(
            (domain::worker::Table::Policies, name.as_bytes()),
            Some(&Message::Policy(Box::new(policy))),
            0,
        );
    }

    fn take_record(&mut self, message: Message, value: Bytes) -> Decision<Key, Entry> {
        self.take(Input::Record(&record(message, value)))
    }

    fn next_timer(&self) -> Option<(Timestamp, Key)> {
        self.memory.iter().filter_map(|(key, entry)| Some((Reconciliation::due(key, entry)?, *key))).min()
    }

    // --- what can be seen ---

    /// The log as anybody folds it.
    pub(super) fn folded(&self) -> Lifecycle {
        self.log.iter().fold(Lifecycle::default(), |mut lifecycle, event| {
            lifecycle.fold(&event.body, event.at, &digest(&value_of(event)));
            lifecycle
        })
    }

    pub(super) fn state(&self) -> State {
        self.folded().state
    }

    pub(super) fn watched(&self) -> &WatchedRequest {
        match self.memory.get(&Key::Request(REQUEST)) {
            Some(Entry::WatchedRequest(watched)) => watched,
            other => panic!("not watched but {other:?}"),
        }
    }

    pub(super) fn ended(&self) -> &EndedRequest {
        match self.memory.get(&Key::Request(REQUEST)) {
            Some(Entry::EndedRequest(ended)) => ended,
            other => panic!("not ended but {other:?}"),
        }
    }

    /// The supervisor's own facts, in order.
    pub(super) fn own(&self) -> Vec<EventBody> {
        self.log.iter().filter(|event| is_own(event)).map(|event| event.body.clone()).collect()
    }

    /// The codes of the exceptions raised, in order.
    pub(super) fn exceptions(&self) -> Vec<Code> {
        self.own()
            .iter()
            .filter_map(|body| {
                let EventBody::ExceptionRaised { code, .. } = body else { return None };
                Some(*code)
            })
            .collect()
    }

    pub(super) fn closings(&self) -> usize {
        self.own().iter().filter(|body| matches!(body, EventBody::Closed { .. })).count()
    }

    pub(super) fn outcomes(&self) -> Vec<&Outcome> {
        self.sent
            .iter()
            .filter_map(|(_, message)| {
                let Message::Outcome(outcome) = message else { return None };
                Some(&**outcome)
            })
            .collect()
    }

    /// The ends the source was told of, in order.
    pub(super) fn ends_told(&self) -> Vec<&Outcome> {
        self.outcomes().into_iter().filter(|outcome| outcome.status == OutcomeStatus::Final).collect()
    }

    pub(super) fn identity_tasks(&self) -> Vec<&IdentityTask> {
        self.sent
            .iter()
            .filter_map(|(_, message)| {
                let Message::Identity(work) = message else { return None };
                Some(&work.task)
            })
            .collect()
    }

    pub(super) fn dispatch_tasks(&self) -> Vec<&DispatchTask> {
        self.sent
            .iter()
            .filter_map(|(_, message)| {
                let Message::Dispatch(work) = message else { return None };
                Some(&work.task)
            })
            .collect()
    }
}

/// The partner of the request, with so many buckets that the request's is the one that [`dispatched`] names.
fn partner() -> Partner {
    Partner {
        id: "evergreen".into(),
        name: "Evergreen".to_owned(),
        adapter: Adapter::Rest,
        base_url: "https://evergreen.example".into(),
        deduplicates: true,
        status_query: true,
        completion: Completion::Poll,
        buckets: 7,
        limits: Limits { outstanding_max: 7, timeout_ms: 2_000 },
        retry: Retry { attempts_max: 6, backoff_ms: 100, backoff_ms_max: 5_000 },
        callback: None,
    }
}

pub(super) fn record(message: Message, value: Bytes) -> Record {
    Record { message, lane: None, trace: TRACE, signature: None, schema_id: 1, value, offset: 0 }
}

pub(super) fn value_of(event: &LifecycleEvent) -> Bytes {
    format!("{event:?}").into()
}

pub(super) fn refusal(body: &EventBody) -> Option<Code> {
    let EventBody::CommandRefused { code, .. } = body else { return None };
    Some(*code)
}
