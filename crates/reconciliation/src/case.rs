//! One request under judgement: what is remembered of it, and what this decision makes of it.
//!
//! Two lifecycles are kept. `lifecycle` is what the log says, as far as it was read: it alone carries the running hash. While facts
//! of the supervisor's own are on their way to the log and back, `ahead` is the lifecycle with those facts folded in. Judgement looks at the
//! one that is ahead ([`Case::shown`]), so nothing is done twice; what was written is only counted off when it is read back.

use domain::lifecycle::fold::digest;
use domain::lifecycle::{Progress, Step};
use domain::messages::{Context, Lane, Stage};
use domain::person::ConsentPolicy;
use domain::{
    Code, Decision, Draft, EventBody, Lifecycle, LifecycleEvent, Moment, RequestId, State, TerminalOutcome, Timestamp,
    Trace,
};

use crate::memory::{Ahead, EndedRequest, Undo, WatchedRequest};
use crate::{Entry, Key, Policy, Reconciliation};

/// One request under judgement.
pub(crate) struct Case<'a> {
    pub(crate) judge: &'a Reconciliation,
    pub(crate) now: Timestamp,
    pub(crate) request: Box<WatchedRequest>,
    pub(crate) decision: Decision<Key, Entry>,
}

impl<'a> Case<'a> {
    /// A request that is watched already.
    pub(crate) fn of(judge: &'a Reconciliation, request: Box<WatchedRequest>, moment: &Moment) -> Self {
        let is_urgent = request.context.lane == Lane::Urgent;
        let decision = Decision { is_urgent, ..Decision::nothing() };
        Self { judge, now: moment.now, request, decision }
    }

    /// A request that begins with this event; none where the event begins nothing.
    pub(crate) fn begin(
        judge: &'a Reconciliation,
        event: &LifecycleEvent,
        trace: Trace,
        moment: &Moment,
    ) -> Option<Self> {
        let context = context_of(event)?;
        let request = WatchedRequest {
            context,
            lifecycle: Lifecycle::default(),
            ahead: None,
            trace,
            route: None,
            reference: None,
            blocked_by: None,
            held_since: None,
            unresolved: false,
            unknown: None,
            overdue: false,
            withdrawn: false,
            tier: 0,
            code: None,
            ended: None,
            undo: Undo::None,
            settled_at: event.at,
            told: None,
            commands: Vec::new(),
            wake: event.at,
        };
        Some(Self::of(judge, Box::new(request), moment))
    }

    /// The request.
    pub(crate) fn id(&self) -> RequestId {
        self.request.context.request_id
    }

    /// The policy in force.
    pub(crate) fn policy(&self) -> &'a Policy {
        self.judge.policy()
    }

    /// Whether its match was taken back. Memory that an earlier version wrote says so by the code alone.
    pub(crate) fn is_withdrawn(&self) -> bool {
        self.request.withdrawn || self.request.code == Some(Code::MatchWithdrawn)
    }

    /// What the request has come to, the facts that were written and not yet read back included.
    pub(crate) fn shown(&self) -> &Lifecycle {
        self.request.ahead.as_ref().map_or(&self.request.lifecycle, |ahead| &ahead.lifecycle)
    }

    /// Folds an event that was read; `value` is its bytes on the log.
    pub(crate) fn read(&mut self, event: &LifecycleEvent, value: &[u8]) -> Step {
        let request = &mut *self.request;
        let step = request.lifecycle.fold(&event.body, event.at, &digest(value));
        if let Some(ahead) = &mut request.ahead {
            if is_own(event) {
                ahead.unread = ahead.unread.saturating_sub(1);
            } else {
                ahead.lifecycle.fold(&event.body, event.at, &[0; 32]);
            }
            if ahead.unread == 0 {
                request.ahead = None;
            }
        }
        step
    }

    /// Writes a fact.
    pub(crate) fn write(&mut self, body: EventBody) {
        let lifecycle = self.request.lifecycle;
        let ahead = self.request.ahead.get_or_insert_with(|| Box::new(Ahead { lifecycle, unread: 0 }));
        ahead.lifecycle.fold(&body, self.now, &[0; 32]);
        ahead.unread += 1;
        let trace = Some(self.request.trace);
        self.decision.events.push(Draft { request_id: self.request.context.request_id, body, trace });
    }

    /// Tells the source where its request stands, remembers what was learnt, and hands over the decision.
    pub(crate) fn finish(mut self) -> Decision<Key, Entry> {
        self.report_progress();
        self.request.wake = self.wait().due();
        let key = Key::Request(self.id());
        let entry = if self.is_over() { self.epitaph() } else { Entry::WatchedRequest(self.request) };
        self.decision.put(key, entry);
        self.decision
    }

    /// Whether the request is closed and no effect of it can come to light any more.
    fn is_over(&self) -> bool {
        let WatchedRequest { lifecycle, undo, ended, unresolved, .. } = &*self.request;
        let may_take_effect = match undo {
            Undo::Running => true,
            Undo::Done => false,
            Undo::Failed => *unresolved,
            Undo::None => {
                let left_identity = lifecycle.progress >= Progress::IdentityMatched;
                lifecycle.progress < Progress::Fulfilled
                    && (left_identity || *ended == Some(TerminalOutcome::Escalated))
            }
        };
        lifecycle.state == State::Closed && !may_take_effect
    }

    fn epitaph(&mut self) -> Entry {
        let request = &mut *self.request;
        Entry::EndedRequest(Box::new(EndedRequest {
            source: request.context.source.clone(),
            workflow: request.context.workflow,
            outcome: request.ended.or(request.lifecycle.outcome).unwrap_or(TerminalOutcome::Escalated),
            code: request.code,
            due_by: request.context.due_by,
            at: request.settled_at,
            forget_at: request.settled_at + self.judge.policy().clocks.remember_closed,
            commands: std::mem::take(&mut request.commands),
            correlation_id: request.context.correlation_id.clone(),
        }))
    }
}

/// Whether an event is one that [`Case::write`] wrote. A letter of a record that failed here is the fleet's.
pub(crate) fn is_own(event: &LifecycleEvent) -> bool {
    event.by == Stage::Reconciliation && !matches!(event.body, EventBody::DeadLettered { .. })
}

fn context_of(event: &LifecycleEvent) -> Option<Context> {
    let EventBody::Received {
        exchange_id,
        parent_request_id,
        source,
        workflow,
        role,
        lane,
        counterparty,
        due_by,
        correlation_id,
        ..
    } = &event.body
    else {
        return None;
    };
    Some(Context {
        request_id: event.request_id,
        exchange_id: *exchange_id,
        parent_request_id: *parent_request_id,
        source: source.clone(),
        workflow: *workflow,
        role: *role,
        lane: *lane,
        counterparty: counterparty.clone(),
        // Until validation says more.
        consent: ConsentPolicy::Regular,
        consent_end: None,
        due_by: *due_by,
        correlation_id: correlation_id.clone(),
    })
}
