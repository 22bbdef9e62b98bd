//! The partner payers, without HTTP: the sandbox's models behind the caller port, in virtual time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::messages::{Manifest, PartnerMessage, PartnerStatus, ReceivedData, Route};
use domain::partner::Registry;
use domain::{Answer, Call, CallResult, CallVerb, FailureClass, OperationId, PartnerId, Timestamp};
use fleet::caller::{Caller, Reply};
use fleet::clock::Clock;
use sandbox::partner::{
    AnswerBody, Callback, Delivery, Effects, ExchangeState, ExchangeStatus, Kind, Order, PartnerModel, Payer, Request,
    ResourceSet, RetryAfter,
};

use crate::bus::ModelBus;
use crate::clock::VirtualClock;

/// What is said of a call that was made before the one before it is certainly over.
pub const UNDER_WAY: &str = "while the one before was under way";
/// After so long nobody waits for a connection any more.
const CONNECT_MS: u64 = 3_000;

/// All payers and the answers that are on their way.
pub struct Partners {
    clock: Arc<VirtualClock>,
    /// Whether our callback door is open: where it is not, payers are given no address to call.
    door_open: bool,
    state: Mutex<State>,
}

struct State {
    payers: BTreeMap<PartnerId, PartnerModel>,
    timeouts: BTreeMap<PartnerId, Duration>,
    buckets: BTreeMap<PartnerId, u32>,
    /// By arrival time and order of sending; with the line it was called over.
    under_way: BTreeMap<(i64, u64), (u64, Answer, Reply)>,
    /// How many lines there were.
    lines: u64,
    sent: u64,
    /// Who can't be reached, and until when.
    outages: BTreeMap<PartnerId, i64>,
    /// When the last attempt of each operation was made, and until when its answer may come.
    made: BTreeMap<OperationId, (u32, i64)>,
    /// How often each operation's dossier was sent.
    disclosed: BTreeMap<OperationId, u32>,
    /// How many calls were made about each operation.
    called: BTreeMap<OperationId, u32>,
    /// What must not be, of how calls were made.
    breaches: Vec<String>,
}

/// One process's way to the payers. It ends with the process: the answers to its calls find nobody then.
struct Line {
    partners: Arc<Partners>,
    process: Arc<str>,
    /// Others may run under the same name, before and after it.
    number: u64,
    /// The brokers and the group of which whoever calls has to be a member.
    lease: Option<(ModelBus, String)>,
}

impl Partners {
    /// These payers, registered as such.
    pub fn new(
        seed: u64,
        payers: Vec<Payer>,
        registry: &Registry,
        clock: Arc<VirtualClock>,
        door_open: bool,
    ) -> Arc<Self> {
        let timeouts = registry.iter().map(|partner| (partner.id.clone(), partner.timeout())).collect();
        let buckets = registry.iter().map(|partner| (partner.id.clone(), partner.buckets)).collect();
        let payers = payers
            .into_iter()
            .map(|payer| (PartnerId::from(payer.id.as_str()), PartnerModel::new(seed, payer, "sim:".to_owned())))
            .collect();
        let state = State {
            payers,
            timeouts,
            buckets,
            under_way: BTreeMap::new(),
            lines: 0,
            sent: 0,
            outages: BTreeMap::new(),
            made: BTreeMap::new(),
            disclosed: BTreeMap::new(),
            called: BTreeMap::new(),
            breaches: Vec::new(),
        };
        Arc::new(Self { clock, door_open, state: Mutex::new(state) })
    }

    /// Hands over the answers that have arrived; how many there were.
    pub fn deliver(&self) -> usize {
        let now = self.clock.now_ms();
        let mut arrived = Vec::new();
        {
            let mut state = self.state.lock().expect("one thread");
            while let Some(entry) = state.under_way.first_entry().filter(|entry| entry.key().0 <= now) {
                arrived.push(entry.remove());
            }
        }
        let count = arrived.len();
        for (_, answer, reply) in arrived {
            // Whoever has the answer need not wait any longer.
            let made = &mut self.state.lock().expect("one thread").made;
            if let Some((attempt, until)) = made.get_mut(&answer.operation_id).filter(|(of, _)| *of == answer.attempt) {
                (*attempt, *until) = (answer.attempt, i64::MIN);
            }
            reply(answer);
        }
        count
    }

    /// The way to the payers of one process, which has to be a member of its group where one is named.
    pub fn line(self: &Arc<Self>, process: &str, lease: Option<(ModelBus, String)>) -> Arc<dyn Caller> {
        let mut state = self.state.lock().expect("one thread");
        state.lines += 1;
        Arc::new(Line { partners: Arc::clone(self), process: process.into(), number: state.lines, lease })
    }

    /// What must not be, of how calls were made since this was last asked.
    pub fn breaches(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().expect("one thread").breaches)
    }

    /// Until when the answer to an attempt may come; none if it is not the last that was made.
    pub fn answers_until_ms(&self, operation: OperationId, attempt: u32) -> Option<i64> {
        let state = self.state.lock().expect("one thread");
        state.made.get(&operation).filter(|(made, _)| *made == attempt).map(|(_, until)| *until)
    }

    /// How often calls were made that send an operation's dossier to its partner.
    pub fn disclosed(&self, operation: OperationId) -> u32 {
        self.state.lock().expect("one thread").disclosed.get(&operation).copied().unwrap_or(0)
    }

    /// How many calls were made about an operation.
    pub fn called(&self, operation: OperationId) -> u32 {
        self.state.lock().expect("one thread").called.get(&operation).copied().unwrap_or(0)
    }

    /// A payer, by its place in the list, can't be reached until then; what it would call back with waits.
    pub fn cut_off(&self, place: usize, until_ms: i64) {
        let mut state = self.state.lock().expect("one thread");
        let partner = state.payers.keys().nth(place % state.payers.len()).cloned().expect("there are some");
        state.outages.insert(partner, until_ms);
    }

    /// How often the payers misbehaved, by kind.
    pub fn misbehaviour(&self) -> BTreeMap<String, u64> {
        let state = self.state.lock().expect("one thread");
        let mut counts = BTreeMap::new();
        for (fault, count) in state.payers.values().flat_map(|payer| payer.counts().faults.clone()) {
            *counts.entry(format!("{fault:?}")).or_default() += count;
        }
        counts
    }

    /// When the next answer arrives.
    pub fn next_ms(&self) -> Option<i64> {
        self.state.lock().expect("one thread").under_way.keys().next().map(|(at, _)| *at)
    }

    /// The callbacks that have come, as our door hands them on.
    pub fn callbacks(&self) -> Vec<PartnerMessage> {
        let now = self.clock.now_ms();
        let State { payers, buckets, outages, .. } = &mut *self.state.lock().expect("one thread");
        let mut come = Vec::new();
        for (partner, model) in payers {
            if outages.get(partner).is_some_and(|until| now < *until) {
                continue;
            }
            let callbacks = std::iter::from_fn(|| model.poll_callback(now));
            come.extend(callbacks.filter_map(|callback| message(partner, buckets[partner], &callback, now)));
        }
        come
    }

    /// When the next callback comes.
    pub fn next_callback_ms(&self) -> Option<i64> {
        let state = self.state.lock().expect("one thread");
        state.payers.values().filter_map(PartnerModel::next_callback_ms).min()
    }

    /// What the payers really did, by operation.
    pub fn effects(&self) -> Vec<(uuid::Uuid, Effects)> {
        let state = self.state.lock().expect("one thread");
        state.payers.values().flat_map(PartnerModel::effects).collect()
    }
}

impl Caller for Line {
    fn perform(&self, call: Call, reply: Reply) {
        let now = self.partners.clock.now_ms();
        let is_member = self.lease.as_ref().is_none_or(|(brokers, group)| brokers.is_member(group, &self.process));
        let mut state = self.partners.state.lock().expect("one thread");
        let timeout = state.timeouts[&call.route.partner];
        let until = now + i64::try_from(timeout.as_millis()).expect("a short wait");
        let before = state.made.insert(call.operation_id, (call.attempt, until));
        if before.is_some_and(|(attempt, _)| call.attempt <= attempt) {
            let (attempt, operation) = (call.attempt, call.operation_id);
            state.breaches.push(format!("attempt {attempt} of operation {operation} was made again, or too late"));
        }
        if before.is_some_and(|(_, until)| now < until) {
            let (attempt, operation) = (call.attempt, call.operation_id);
            state.breaches.push(format!("attempt {attempt} of operation {operation} was made {UNDER_WAY}"));
        }
        *state.called.entry(call.operation_id).or_default() += 1;
        if matches!(call.verb, CallVerb::Send { .. }) {
            *state.disclosed.entry(call.operation_id).or_default() += 1;
        }
        if !is_member {
            state.breaches.push(format!("{} made a call when the group had put it out", self.process));
        }
        let is_cut_off = state.outages.get(&call.route.partner).is_some_and(|until| now < *until);
        let (result, after_ms) = if is_cut_off {
            (failed(FailureClass::Transport, "unreachable", None), CONNECT_MS)
        } else {
            let model = state.payers.get_mut(&call.route.partner).expect("a registered partner");
            answer(model, now, &call, timeout, self.partners.door_open)
        };
        let answer = Answer { operation_id: call.operation_id, attempt: call.attempt, result };
        state.sent += 1;
        let key = (now + i64::try_from(after_ms).expect("a short wait"), state.sent);
        state.under_way.insert(key, (self.number, answer, reply));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let mut state = self.partners.state.lock().expect("one thread");
        let its: Vec<_> = state.under_way.extract_if(.., |_, call| call.0 == self.number).collect();
        drop(state);
        drop(its);
    }
}

/// What comes of one call, and when.
fn answer(model: &mut PartnerModel, now: i64, call: &Call, timeout: Duration, door_open: bool) -> (CallResult, u64) {
    let operation = uuid::Uuid::from_bytes(call.operation_id.0);
    let is_send = matches!(call.verb, CallVerb::Send { .. } | CallVerb::Compensate { .. });
    let Some(request) = request(call, operation, door_open) else { return (CallResult::NotFound, 1) };
    let reply = model.handle(now, request);
    let timeout_ms = u64::try_from(timeout.as_millis()).expect("short");
    if timeout_ms < reply.after_ms {
        let class = if is_send { FailureClass::Timeout } else { FailureClass::Transport };
        return (failed(class, "timeout", None), timeout_ms);
    }
    let result = match reply.delivery {
        Delivery::Closed | Delivery::Truncated(_) => {
            let class = if is_send { FailureClass::OutcomeUnknown } else { FailureClass::Transport };
            failed(class, "connection-closed", None)
        }
        Delivery::Malformed(_) => {
            failed(if is_send { FailureClass::Schema } else { FailureClass::Transport }, "malformed", None)
        }
        Delivery::Whole(answer) => understood(model, now, call, &answer, is_send),
    };
    (result, reply.after_ms)
}

fn request(call: &Call, operation: uuid::Uuid, door_open: bool) -> Option<Request> {
    Some(match &call.verb {
        CallVerb::Send { .. } => {
            let callback_url = door_open.then(|| format!("sim:/callbacks/{}", call.context.request_id));
            Request::Send { key: Some(operation), order: order(operation, callback_url) }
        }
        CallVerb::Poll { reference } => Request::Status { reference: reference.parse().ok()? },
        CallVerb::Query => Request::StatusByKey { key: operation },
        CallVerb::Cancel { reference } => Request::Cancel { reference: reference.as_ref()?.parse().ok()? },
        CallVerb::Compensate { reference, .. } => {
            Request::Compensate { reference: reference.as_ref()?.parse().ok()?, key: operation }
        }
    })
}

/// What the HTTP edge would have put into the body, as far as it decides the payer's work.
fn order(operation_id: uuid::Uuid, callback_url: Option<String>) -> Order {
    Order { operation_id, kind: Kind::Request, fingerprint: 1, resources: ResourceSet::ALL, callback_url }
}

/// A callback as the door reads it; none where the door would not let it in.
fn message(partner: &PartnerId, buckets: u32, callback: &Callback, now: i64) -> Option<PartnerMessage> {
    let request_id = callback.url.rsplit('/').next()?.parse().ok()?;
    let manifest = match &callback.message.manifest {
        Some(stated) => {
            let mut sha256 = [0; 32];
            hex::decode_to_slice(&stated.sha256, &mut sha256).ok()?;
            Some(Manifest { records: u64::from(stated.records), sha256 })
        }
        None => None,
    };
    Some(PartnerMessage {
        request_id,
        route: Route::of(partner, buckets, request_id),
        operation_id: OperationId(*callback.message.operation_id.as_bytes()),
        message_id: callback.webhook_id.clone(),
        reference: callback.message.reference.clone(),
        status: match callback.message.status {
            ExchangeStatus::Accepted => PartnerStatus::Accepted,
            ExchangeStatus::Completed => PartnerStatus::Completed,
            ExchangeStatus::Failed => PartnerStatus::Failed,
            ExchangeStatus::Cancelled => PartnerStatus::Cancelled,
        },
        manifest,
        code: callback.message.problem.as_ref().map(|problem| problem.kind.code().to_owned()),
        received_at: Timestamp(now),
    })
}

fn understood(
    model: &mut PartnerModel,
    now: i64,
    call: &Call,
    answer: &sandbox::partner::Answer,
    is_send: bool,
) -> CallResult {
    let retry_after = answer.retry_after.map(|wait| match wait {
        RetryAfter::Wait { wait_ms } => Duration::from_millis(wait_ms),
        RetryAfter::Date { at_ms } => Duration::from_millis(u64::try_from(at_ms - now).unwrap_or(0)),
    });
    match &answer.body {
        AnswerBody::State(state) => stands(model, now, call, state, retry_after),
        AnswerBody::Data(_) => failed(FailureClass::Schema, "unexpected-data", None),
        AnswerBody::Problem(problem) => {
            let code = problem.kind.code().to_owned();
            match answer.status {
                429 => failed(FailureClass::Throttled, &code, retry_after),
                409 if matches!(call.verb, CallVerb::Cancel { .. }) => CallResult::CancelTooLate,
                409 => failed(FailureClass::Throttled, &code, retry_after),
                404 => CallResult::NotFound,
                500..=599 if is_send && !model.payer().deduplicates => {
                    failed(FailureClass::OutcomeUnknown, &code, retry_after)
                }
                500..=599 => failed(FailureClass::Transport, &code, retry_after),
                _ => CallResult::Refused { class: FailureClass::BusinessRule, code },
            }
        }
    }
}

fn stands(
    model: &mut PartnerModel,
    now: i64,
    call: &Call,
    state: &ExchangeState,
    retry_after: Option<Duration>,
) -> CallResult {
    match state.status {
        ExchangeStatus::Accepted => CallResult::Pending { reference: state.reference.clone(), retry_after },
        ExchangeStatus::Cancelled => CallResult::Cancelled,
        ExchangeStatus::Failed => {
            let code = state.problem.as_ref().map_or("failed", |problem| problem.kind.code()).to_owned();
            CallResult::Refused { class: FailureClass::BusinessRule, code }
        }
        ExchangeStatus::Completed if matches!(call.verb, CallVerb::Compensate { .. }) => CallResult::Compensated,
        ExchangeStatus::Completed => fetch(model, now, state),
    }
}

/// Gets the data of a completed exchange and counts it, as the HTTP edge does: data that does not come is polled for later.
fn fetch(model: &mut PartnerModel, now: i64, state: &ExchangeState) -> CallResult {
    let Ok(reference) = state.reference.parse() else { return failed(FailureClass::Schema, "reference", None) };
    let Some(stated) = &state.manifest else { return failed(FailureClass::Schema, "manifest", None) };
    let reply = model.handle(now, Request::Data { reference });
    let Delivery::Whole(sandbox::partner::Answer { body: AnswerBody::Data(data), .. }) = reply.delivery else {
        return CallResult::Pending { reference: state.reference.clone(), retry_after: None };
    };
    let mut sha256 = [0; 32];
    let Ok(()) = hex::decode_to_slice(&stated.sha256, &mut sha256) else {
        return failed(FailureClass::Schema, "manifest", None);
    };
    let received = ReceivedData {
        records: u64::try_from(data.lines().count()).expect("few lines"),
        sha256: domain::lifecycle::fold::digest(data.as_bytes()),
        evidence: None,
    };
    let manifest = Manifest { records: u64::from(stated.records), sha256 };
    CallResult::Completed { reference: state.reference.clone(), manifest, received }
}

fn failed(class: FailureClass, code: &str, retry_after: Option<Duration>) -> CallResult {
    CallResult::Failed { class, code: code.to_owned(), retry_after }
}
