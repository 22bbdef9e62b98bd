//! The desk: one input's decision in the making, and the moves that every judgement is made of. All operations on a desk belong to
//! one route, so its load is read once and written once.

use std::time::Duration;

use domain::lifecycle::workflow::steps;
use domain::messages::{Context, DispatchTask, DispatchWork, Lane, Route};
use domain::partner::Partner;
use domain::{
    Call, CallVerb, CommandId, Decision, Draft, EventBody, FailureClass, Moment, OperationId, Timestamp, Trace, View,
};

use crate::Dispatch;
use crate::admission::precedence;
use crate::backoff::next_poll;
use crate::memory::{Entry, Finish, Key, Load, Operation, Phase, Step};

/// One input's decision in the making.
pub(super) struct Desk<'a> {
    pub(super) moment: &'a Moment,
    /// None when the partner was taken out of the registry: then nothing new is asked of it.
    pub(super) partner: Option<&'a Partner>,
    pub(super) load: Load,
    pub(super) decision: Decision<Key, Entry>,
    dispatch: &'a Dispatch,
    view: &'a View<'a, Key, Entry>,
    route: &'a Route,
    load_before: Load,
}

/// One operation on the desk.
pub(super) struct Case<'a> {
    pub(super) id: OperationId,
    pub(super) work: &'a DispatchWork,
    pub(super) trace: Trace,
    pub(super) operation: Operation,
}

// === impl Desk ===

impl<'a> Desk<'a> {
    pub(super) fn new(
        dispatch: &'a Dispatch,
        view: &'a View<'a, Key, Entry>,
        moment: &'a Moment,
        route: &'a Route,
    ) -> Self {
        let found = view.get(&Key::Route(route.clone()));
        let load = if let Some(Entry::Loaded { load }) = found { *load } else { Load::NONE };
        let partner = dispatch.registry.get(&route.partner);
        Self { moment, partner, load, decision: Decision::nothing(), dispatch, view, route, load_before: load }
    }

    /// What was decided.
    pub(super) fn close(mut self) -> Decision<Key, Entry> {
        if self.load != self.load_before {
            self.decision.put(Key::Route(self.route.clone()), Entry::Loaded { load: self.load });
        }
        self.decision
    }

    pub(super) fn now(&self) -> Timestamp {
        self.moment.now
    }

    pub(super) fn timeout(&self) -> Duration {
        self.partner.map_or(Duration::ZERO, Partner::timeout)
    }

    /// Takes on an operation that was not known before.
    pub(super) fn begin(&mut self, case: Case<'a>) {
        let asked = Entry::Asked { work: Box::new(case.work.clone()), trace: case.trace };
        self.decision.put(Key::Work(case.id), asked);
        self.go(case);
    }

    /// Takes on an operation that commands have overtaken. A compensation is not to be cancelled, only held.
    pub(super) fn begin_late(&mut self, mut case: Case<'a>, cancel: Option<CommandId>, held: bool) {
        case.operation.held = held;
        match cancel {
            Some(command_id) if !case.is_compensation() => self.cancelled(case, command_id),
            Some(_) | None => self.begin(case),
        }
    }

    /// States a fact about an operation, on the operation's own trace.
    pub(super) fn say(&mut self, case: &Case<'a>, body: EventBody) {
        let request_id = case.work.context.request_id;
        self.decision.events.push(Draft { request_id, body, trace: Some(case.trace) });
    }

    /// Remembers where the operation stands now.
    pub(super) fn keep(&mut self, case: Case<'a>) {
        self.decision.put(Key::Operation(case.id), Entry::Underway { operation: case.operation });
    }

    /// Makes the operation's next call, or lets it wait for a slot. Never while it is held, which suspends its clock; never when its
    /// time is over, and never what the consent no longer covers.
    pub(super) fn go(&mut self, mut case: Case<'a>) {
        if case.operation.held {
            case.operation.phase = Phase::Held {};
            return self.keep(case);
        }
        if case.lacks_consent(self.now()) {
            return self.exhaust(case, FailureClass::Authorisation);
        }
        let due_by = case.due_by();
        if due_by <= self.now() {
            return self.exhaust(case, FailureClass::Timeout);
        }
        let Some(partner) = self.partner else {
            return self.exhaust(case, FailureClass::Permanent);
        };
        if self.load.admits(partner.window(self.route.bucket)) {
            return self.call(case, partner);
        }
        let place = self.load.next_place;
        self.load.next_place += 1;
        self.decision.put(self.place(&case, place), Entry::Queuing { operation_id: case.id });
        case.operation.phase = Phase::Queued { place, due_by };
        self.keep(case);
    }

    fn call(&mut self, mut case: Case<'a>, partner: &Partner) {
        self.load.outstanding += 1;
        case.operation.attempt += 1;
        let due_by = case.due_by();
        let timeout = partner.timeout();
        case.operation.phase = Phase::Calling { lost_at: self.now() + self.dispatch.options.session_timeout + timeout };
        if case.operation.step == Step::Send && case.operation.attempt == 1 {
            let Route { partner, bucket } = self.route.clone();
            self.say(&case, EventBody::PartnerDispatched { operation_id: case.id, partner, bucket });
        }
        self.decision.calls.push(Call {
            operation_id: case.id,
            attempt: case.operation.attempt,
            route: self.route.clone(),
            context: Context { due_by, ..case.work.context.clone() },
            verb: self.verb(&case),
            deadline: due_by.min(self.now() + timeout),
            trace: case.trace,
        });
        self.keep(case);
    }

    fn verb(&self, case: &Case<'a>) -> CallVerb {
        let reference = case.operation.reference.clone();
        match (case.operation.step, &case.work.task, reference) {
            (Step::Send, DispatchTask::Send { dossier, ask, .. }, _) => {
                CallVerb::Send { dossier: dossier.clone(), ask: ask.clone() }
            }
            (Step::Compensate, DispatchTask::Compensate { undoes, reference }, _) => CallVerb::Compensate {
                undoes: *undoes,
                reference: reference.clone().or_else(|| self.reference_of_ended(*undoes)),
            },
            (Step::Poll, _, Some(reference)) => CallVerb::Poll { reference },
            (Step::Cancel, _, reference) => CallVerb::Cancel { reference },
            // A poll without a reference can only ask by key, like a query.
            (Step::Send | Step::Compensate | Step::Poll | Step::Query, _, _) => CallVerb::Query,
        }
    }

    /// Lets the operation rest until a point in time.
    pub(super) fn wait(&mut self, mut case: Case<'a>, until: Timestamp) {
        case.operation.phase = if case.operation.held { Phase::Held {} } else { Phase::Waiting { until } };
        self.keep(case);
    }

    /// Waits before the partner is asked again how an accepted operation stands.
    pub(super) fn wait_to_poll(&mut self, mut case: Case<'a>, retry_after: Option<Duration>) {
        case.operation.step = Step::Poll;
        let (now, due_by) = (self.now(), case.due_by());
        let until = self.partner.map_or(now, |partner| next_poll(partner, retry_after, now, due_by));
        self.wait(case, until);
    }

    /// Ends the operation.
    pub(super) fn finish(&mut self, case: Case<'a>, finish: Finish) {
        let forget_at = self.now() + self.dispatch.options.retention;
        self.decision.forget(Key::Work(case.id));
        self.decision
            .put(Key::Operation(case.id), Entry::Ended { finish, reference: case.operation.reference, forget_at });
    }

    /// Takes the operation out of the queue, where it stands in it.
    pub(super) fn unqueue(&mut self, case: &Case<'a>) {
        if let Phase::Queued { place, .. } = case.operation.phase {
            self.decision.forget(self.place(case, place));
        }
    }

    /// When nobody is waited for any more who could find out whether it took effect. Once the request is over that is when nothing
    /// about it can be delivered any more.
    pub(super) fn give_up_at(&self, case: &Case<'a>, request_is_over: bool) -> Timestamp {
        let options = &self.dispatch.options;
        let patience = case.due_by().max(self.now()) + options.unresolved;
        if request_is_over { patience.min(self.now() + options.retention) } else { patience }
    }

    /// Gives free slots to those who wait for one: by lane, with a share for each, and of a lane the longest waiting first.
    pub(super) fn release(&mut self) {
        let Some(partner) = self.partner else { return };
        let window = partner.window(self.route.bucket);
        let mut queues = Lane::ALL.map(|lane| {
            let (first, last) = Key::lane(self.route, lane);
            self.view.range(&first, &last).peekable()
        });
        while self.load.admits(window) {
            let lanes = precedence(self.load.released);
            let Some(lane) = lanes.into_iter().find(|lane| queues[*lane as usize].peek().is_some()) else { break };
            let Some((place, entry)) = queues[lane as usize].next() else { break };
            let Entry::Queuing { operation_id } = entry else { continue };
            self.load.released = self.load.released.wrapping_add(1);
            self.decision.forget(place.clone());
            if let Some(case) = Case::find(self.view, *operation_id) {
                self.go(case);
            }
        }
    }

    fn place(&self, case: &Case<'a>, place: u64) -> Key {
        Key::Queue { route: self.route.clone(), lane: case.work.context.lane, place }
    }

    fn reference_of_ended(&self, id: OperationId) -> Option<String> {
        match self.view.get(&Key::Operation(id))? {
            Entry::Ended { reference, .. } => reference.clone(),
            Entry::Underway { operation } => operation.reference.clone(),
            Entry::Asked { .. } | Entry::Early { .. } | Entry::Loaded { .. } | Entry::Queuing { .. } => None,
        }
    }
}

// === impl Case ===

impl<'a> Case<'a> {
    /// An operation that has not begun.
    pub(super) fn new(work: &'a DispatchWork, trace: Trace, step: Step) -> Self {
        Self { id: work.operation_id, work, trace, operation: Operation::new(step) }
    }

    /// An operation under way.
    pub(super) fn find(view: &'a View<'a, Key, Entry>, id: OperationId) -> Option<Self> {
        let Entry::Underway { operation } = view.get(&Key::Operation(id))? else { return None };
        let Entry::Asked { work, trace } = view.get(&Key::Work(id))? else { return None };
        Some(Self { id, work, trace: *trace, operation: operation.clone() })
    }

    /// When it must have ended.
    pub(super) fn due_by(&self) -> Timestamp {
        self.operation.due_by.unwrap_or(self.work.context.due_by)
    }

    /// Takes over the end that the supervisor gives it, where that is later: time is given, never taken away.
    pub(super) fn extend(&mut self, due_by: Timestamp) {
        if self.due_by() < due_by {
            self.operation.due_by = Some(due_by);
        }
    }

    /// Whether there is no time until then. A hold suspends the clock.
    pub(super) fn ends_before(&self, then: Timestamp) -> bool {
        !self.operation.held && self.due_by() <= then
    }

    /// Whether its next call would disclose what the member's consent no longer covers.
    pub(super) fn lacks_consent(&self, now: Timestamp) -> bool {
        let Context { workflow, consent_end, .. } = &self.work.context;
        let ended = consent_end.is_some_and(|end| end < now);
        ended && self.operation.step == Step::Send && steps(*workflow).consent
    }

    /// Whether it undoes another operation.
    pub(super) fn is_compensation(&self) -> bool {
        matches!(self.work.task, DispatchTask::Compensate { .. })
    }

    /// The step that has the effect.
    pub(super) fn effective_step(&self) -> Step {
        if self.is_compensation() { Step::Compensate } else { Step::Send }
    }
}
