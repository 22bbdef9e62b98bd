//! What the tests of this crate share: a bench on which one partition of dispatch is fed by hand.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::messages::{
    Ask, Context, DispatchTask, DispatchWork, Lane, Manifest, PartnerMessage, PartnerStatus, PayerRole, ReceivedData,
    Route, Workflow,
};
use domain::partner::{Adapter, CallbackDoor, Completion, Limits, Partner, Registry, Retry};
use domain::person::ConsentPolicy;
use domain::phi::Sealed;
use domain::{
    Answer, Call, CallResult, CommandId, EventBody, ExchangeId, FailureClass, Input, Memory, Message, Moment,
    OperationId, Overlay, PartnerId, Poison, Record, RecordId, RequestId, Timestamp, Token, Trace, View, Worker,
};

use crate::memory::{Entry, Key, Load, Operation, Phase};
use crate::{Dispatch, Options};

pub(crate) const COMMAND: CommandId = CommandId([0xc0; 16]);
pub(crate) const DUE_BY: Timestamp = Timestamp(3_600_000);

/// One partition of dispatch, fed by hand. Time moves by [`Bench::until`] alone.
pub(crate) struct Bench {
    pub(crate) dispatch: Dispatch,
    pub(crate) memory: Memory<Key, Entry>,
    pub(crate) now: Timestamp,
    /// What was said since the last look.
    pub(crate) events: Vec<EventBody>,
    /// The calls that were not answered yet.
    pub(crate) calls: Vec<Call>,
    inputs: u32,
}

/// A partner that deduplicates and can be queried; tests take abilities away from it.
pub(crate) fn partner(id: &str, completion: Completion) -> Partner {
    Partner {
        id: PartnerId::from(id),
        name: id.to_owned(),
        adapter: Adapter::Rest,
        base_url: "https://partner.example".into(),
        deduplicates: true,
        status_query: true,
        completion,
        buckets: 1,
        limits: Limits { outstanding_max: 2, timeout_ms: 2_000 },
        retry: Retry { attempts_max: 4, backoff_ms: 100, backoff_ms_max: 5_000 },
        callback: Some(CallbackDoor { secret: "whsec_c2VjcmV0".into() }),
    }
}

pub(crate) fn operation_id(number: u8) -> OperationId {
    OperationId([number; 16])
}

pub(crate) fn route(partner: &str) -> Route {
    Route { partner: partner.into(), bucket: 0 }
}

pub(crate) fn work(number: u8, route: Route, lane: Lane, task: DispatchTask) -> DispatchWork {
    let context = Context {
        request_id: RequestId([number; 16]),
        exchange_id: ExchangeId([number; 16]),
        parent_request_id: None,
        source: "enrolment".into(),
        workflow: Workflow::RequestData,
        role: PayerRole::Requester,
        lane,
        counterparty: route.partner.clone(),
        consent: ConsentPolicy::Regular,
        due_by: DUE_BY,
        consent_end: None,
        correlation_id: None,
    };
    DispatchWork { context, route, operation_id: operation_id(number), task }
}

pub(crate) fn send() -> DispatchTask {
    let dossier = Sealed::new("k1".into(), Bytes::from_static(b"wrapped"), Bytes::from_static(b"sealed"));
    DispatchTask::Send { dossier, ask: Ask::default(), member_token: Token([1; 16]) }
}

pub(crate) fn cancel() -> DispatchTask {
    DispatchTask::CancelDispatch { command_id: COMMAND }
}

pub(crate) fn completed() -> CallResult {
    let manifest = Manifest { records: 3, sha256: [3; 32] };
    let received = ReceivedData { records: 3, sha256: [3; 32], evidence: Some("evidence/1".into()) };
    CallResult::Completed { reference: "ref-1".into(), manifest, received }
}

pub(crate) fn pending(retry_after_ms: u64) -> CallResult {
    CallResult::Pending { reference: "ref-1".into(), retry_after: Some(Duration::from_millis(retry_after_ms)) }
}

pub(crate) fn failed(class: FailureClass) -> CallResult {
    CallResult::Failed { class, code: "some-code".into(), retry_after: None }
}

// === impl Bench ===

impl Bench {
    pub(crate) fn new(partners: impl IntoIterator<Item = Partner>) -> Self {
        let registry = Arc::new(Registry::new(partners).expect("valid partners"));
        Self {
            dispatch: Dispatch { registry, options: Options::STANDARD },
            memory: Memory::default(),
            now: Timestamp(0),
            events: Vec::new(),
            calls: Vec::new(),
            inputs: 0,
        }
    }

    /// Feeds one input, and does what was decided.
    pub(crate) fn feed(&mut self, input: Input<'_, Key>) -> Result<(), Poison> {
        self.inputs += 1;
        let id = RecordId(domain::ids::derive(&[&self.inputs.to_be_bytes()]));
        let moment = Moment { now: self.now, id, trace: Trace::root(id) };
        let overlay = Overlay::default();
        let decision = self.dispatch.decide(&View::new(&self.memory, &overlay), input, &moment)?;
        for change in decision.remember {
            self.memory.apply(change);
        }
        self.events.extend(decision.events.into_iter().map(|draft| draft.body));
        self.calls.extend(decision.calls);
        Ok(())
    }

    pub(crate) fn message(&mut self, message: Message) -> Result<(), Poison> {
        let trace = Trace::root(RecordId([9; 16]));
        let value = Bytes::new();
        let record = Record { message, lane: None, trace, signature: None, schema_id: 0, value, offset: 0 };
        self.feed(Input::Record(&record))
    }

    pub(crate) fn work(&mut self, work: DispatchWork) {
        self.message(Message::Dispatch(Box::new(work))).expect("work that can be decided");
    }

    /// Sends operation 1, or tells dispatch what people want of it.
    pub(crate) fn task(&mut self, task: DispatchTask) {
        self.work(work(1, route("a"), Lane::Standard, task));
    }

    pub(crate) fn callback(&mut self, status: PartnerStatus) {
        self.callback_of(RequestId([1; 16]), status);
    }

    /// A callback about operation 1 that names this request.
    pub(crate) fn callback_of(&mut self, request_id: RequestId, status: PartnerStatus) {
        let message = PartnerMessage {
            request_id,
            route: route("a"),
            operation_id: operation_id(1),
            message_id: "msg-1".into(),
            reference: "ref-1".into(),
            status,
            manifest: None,
            code: None,
            received_at: self.now,
        };
        self.message(Message::Partner(Box::new(message))).expect("a callback that can be decided");
    }

    /// Answers the oldest call.
    pub(crate) fn answer(&mut self, result: CallResult) {
        let call = self.calls.remove(0);
        self.answer_call(&call, result);
    }

    pub(crate) fn answer_call(&mut self, call: &Call, result: CallResult) {
        let answer = Answer { operation_id: call.operation_id, attempt: call.attempt, result };
        self.feed(Input::Answer(&answer)).expect("an answer that can be decided");
    }

    /// Lets time pass until then; timers fire when they are due.
    pub(crate) fn until(&mut self, then: Timestamp) {
        while let Some((due, key)) = self.next_timer().filter(|(due, _)| *due <= then) {
            self.now = self.now.max(due);
            self.feed(Input::Timer(&key)).expect("a timer that can be decided");
            assert!(
                self.memory.get(&key).and_then(Entry::due).is_none_or(|next| due < next),
                "a timer that stands still"
            );
        }
        self.now = self.now.max(then);
    }

    /// Lets time pass until the next timer fires.
    pub(crate) fn next(&mut self) {
        let (due, _) = self.next_timer().expect("a timer");
        self.until(due);
    }

    pub(crate) fn next_timer(&self) -> Option<(Timestamp, Key)> {
        let due = |(key, entry): (&Key, &Entry)| Dispatch::due(key, entry).map(|due| (due, key.clone()));
        self.memory.iter().filter_map(due).min()
    }

    /// What was said since the last look.
    pub(crate) fn said(&mut self) -> Vec<EventBody> {
        std::mem::take(&mut self.events)
    }

    pub(crate) fn entry(&self, number: u8) -> Option<&Entry> {
        self.memory.get(&Key::Operation(operation_id(number)))
    }

    pub(crate) fn operation(&self, number: u8) -> &Operation {
        let Some(Entry::Underway { operation }) = self.entry(number) else {
            panic!("operation {number} is not under way")
        };
        operation
    }

    /// Whether operation 1 waits for a person who finds out whether it took effect.
    pub(crate) fn is_unresolved(&self) -> bool {
        matches!(self.operation(1).phase, Phase::Unresolved { .. })
    }

    pub(crate) fn load(&self, partner: &str) -> Load {
        let found = self.memory.get(&Key::Route(route(partner)));
        if let Some(Entry::Loaded { load }) = found { *load } else { Load::NONE }
    }
}
