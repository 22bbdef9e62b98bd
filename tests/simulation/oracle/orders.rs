//! What dispatch was told, and whether it keeps to it: once it has taken in that a request is to stop, the dossier is not sent any more;
//! while it is to stand still, nobody is called for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::messages::{DispatchTask, DispatchWork, Stage};
use domain::{CommandId, OperationId, RequestId};
use fleet::bus::{Delivered, TopicPartition};
use tests::World;
use tests::hiring::group;

/// The orders that matter now.
#[derive(Default)]
pub(super) struct Orders {
    /// Given, and not taken in yet.
    given: Vec<Order>,
    /// How often the dossier may have been sent since dispatch took in that it is to stop, and whether that is final.
    stopped: BTreeMap<RequestId, (u32, bool)>,
    /// Requests that partners are asked for: what was decided before an order may still be called.
    begun: BTreeSet<RequestId>,
    /// How many calls had been made when dispatch took in that it is to stand still.
    held: BTreeMap<RequestId, u32>,
}

struct Order {
    request_id: RequestId,
    is_stop: bool,
    /// No person gave it: the request is over, or its match was withdrawn.
    is_final: bool,
    at: TopicPartition,
    offset: u64,
}

// === impl Orders ===

impl Orders {
    /// Takes in a record of dispatch's work.
    pub(super) fn given(&mut self, record: &Delivered, work: &DispatchWork) {
        let request_id = work.context.request_id;
        let is_of_send = work.operation_id == OperationId::of_send(request_id);
        let is_stop = match work.task {
            DispatchTask::CancelDispatch { .. } if is_of_send => true,
            DispatchTask::HoldDispatch { .. } if is_of_send => false,
            DispatchTask::Send { .. }
            | DispatchTask::Compensate { .. }
            | DispatchTask::CancelDispatch { .. }
            | DispatchTask::HoldDispatch { .. } => return,
            DispatchTask::ReleaseDispatch { .. } | DispatchTask::ResolveUnknown { .. } => {
                return self.lifted(request_id);
            }
        };
        let is_final = matches!(work.task, DispatchTask::CancelDispatch { command_id } if command_id == CommandId::of_stop(request_id));
        if is_stop {
            self.lifted(request_id);
        }
        let at = TopicPartition { topic: Arc::clone(&record.topic), partition: record.partition };
        self.given.push(Order { request_id, is_stop, is_final, at, offset: record.offset });
    }

    /// A request may go on, or ends: it need not stand still any more.
    pub(super) fn lifted(&mut self, request_id: RequestId) {
        self.given.retain(|order| order.is_final || order.request_id != request_id);
        self.held.remove(&request_id);
        self.stopped.retain(|id, (_, is_final)| *is_final || *id != request_id);
    }

    /// A partner is asked for it.
    pub(super) fn begun(&mut self, request_id: RequestId) {
        self.begun.insert(request_id);
    }

    /// Nothing more is said of what a request was told: its orders wait behind a letter, or nobody knows what its last attempt came to
    /// and asking once more is how that is found out.
    pub(super) fn excuse(&mut self, request_id: RequestId) {
        self.given.retain(|order| order.request_id != request_id);
        self.stopped.insert(request_id, (u32::MAX, true));
        self.held.remove(&request_id);
    }

    /// Looks at what was taken in and what was called since; what is wrong with it.
    pub(super) fn look(&mut self, world: &World) -> Vec<String> {
        let group = group(Stage::Dispatch);
        let mut taken = Vec::new();
        // What is not to be read yet may tell that the partner was asked before, or has to be asked once more.
        if world.brokers().is_some_and(|brokers| brokers.pinned() != 0) {
            return Vec::new();
        }
        self.given.retain(|order| {
            let next = world.bus.committed(&group, &order.at).ok().flatten();
            let is_taken = next.is_some_and(|next| order.offset < next);
            taken.extend(is_taken.then_some((order.request_id, order.is_stop, order.is_final)));
            !is_taken
        });
        for (request_id, is_stop, is_final) in taken {
            let operation = OperationId::of_send(request_id);
            if is_stop {
                let decided = u32::from(self.begun.contains(&request_id));
                let sent = world.partners.disclosed(operation) + decided;
                self.stopped.entry(request_id).or_insert((sent, is_final)).1 |= is_final;
            } else if !self.stopped.contains_key(&request_id) {
                // What is being taken back is not held. What was decided before may still be made.
                self.held.entry(request_id).or_insert_with(|| world.partners.called(operation) + 1);
            }
        }
        let sent = self
            .stopped
            .iter()
            .filter(|(id, (before, _))| *before < world.partners.disclosed(OperationId::of_send(**id)));
        let mut wrong: Vec<String> =
            sent.map(|(id, _)| format!("{id}: its dossier was sent after it was to stop")).collect();
        let called =
            self.held.iter().filter(|(id, before)| **before < world.partners.called(OperationId::of_send(**id)));
        wrong.extend(called.map(|(id, _)| format!("{id}: its partner was called while it was held")));
        wrong
    }
}
