//! What dispatch remembers: one entry for where an operation stands, one for what it was asked, one for each route's load, and a
//! place in the route's queue for each operation that waits for a slot.
//!
//! An operation's work is written once and stays as it is; what changes with every step is the small [`Operation`] beside it.
//! Queues are ranges of keys: the first key of a route's queue is the most urgent operation that has waited longest.

use bytes::Bytes;
use domain::call::Outstanding;
use domain::messages::{DispatchWork, Lane, Route};
use domain::{CommandId, MemoryEntry, MemoryKey, OperationId, PartnerId, Timestamp, Trace};
use serde::{Deserialize, Serialize};

/// The keys of dispatch's memory.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Key {
    /// Where an operation stands: [`Entry::Underway`], [`Entry::Ended`] or [`Entry::Early`].
    Operation(OperationId),
    /// What an operation was asked: [`Entry::Asked`], for as long as it is under way.
    Work(OperationId),
    /// How much a route carries: [`Entry::Loaded`].
    Route(Route),
    /// A place in a route's queue: [`Entry::Queuing`]. Urgent places sort first, earlier ones before later ones.
    Queue {
        /// The route.
        route: Route,
        /// The lane of the operation's request.
        lane: Lane,
        /// The place, from the route's counter.
        place: u64,
    },
}

/// The entries of dispatch's memory.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Entry {
    /// What an operation was asked to do.
    Asked {
        /// The work as it came, its dossier sealed.
        work: Box<DispatchWork>,
        /// The trace it came with; everything said about the operation belongs to it.
        trace: Trace,
    },
    /// An operation that has not ended.
    Underway {
        /// Where it stands.
        operation: Operation,
    },
    /// An operation that has ended; remembered for as long as its work could be delivered again.
    Ended {
        /// How.
        finish: Finish,
        /// The partner's reference, for a compensation that comes without one.
        reference: Option<String>,
        /// When it may be forgotten.
        forget_at: Timestamp,
    },
    /// A command that overtook the operation it is about.
    Early {
        /// The cancel, if it was one.
        cancel: Option<CommandId>,
        /// Whether the operation is to be held when it arrives.
        held: bool,
        /// When it may be forgotten: nothing came.
        forget_at: Timestamp,
    },
    /// How much a route carries.
    Loaded {
        /// The load.
        load: Load,
    },
    /// An operation that waits for a slot of its route.
    Queuing {
        /// The operation.
        operation_id: OperationId,
    },
}

/// Where an operation stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Operation {
    /// What its next call does, or what the one under way is doing.
    pub step: Step,
    /// What it is waiting for.
    pub phase: Phase,
    /// How many calls were made for it; the last one's number is the only one whose answer counts.
    pub attempt: u32,
    /// Failures since the last progress: they lengthen the backoff and are limited.
    pub failures: u32,
    /// What is known of its effect at the partner.
    pub effect: Effect,
    /// The partner's reference, once known.
    pub reference: Option<String>,
    /// A cancel that has not been answered yet.
    pub cancel: Option<CommandId>,
    /// Whether new calls wait for a release.
    pub held: bool,
    /// The partner called back while a call was under way: look again at once.
    pub nudged: bool,
    /// A later end than its work's own, where the supervisor has given it more time.
    pub due_by: Option<Timestamp>,
}

/// What a call does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Asks for the effect. Not safe to repeat unless the partner deduplicates.
    Send,
    /// Asks how an accepted operation stands.
    Poll,
    /// Asks by idempotency key what became of an attempt.
    Query,
    /// Takes an accepted operation back.
    Cancel,
    /// Undoes another operation's effect. As safe to repeat as a send.
    Compensate,
}

/// What an operation is waiting for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Phase {
    /// A slot of its route.
    Queued {
        /// Its place.
        place: u64,
        /// When waiting has become pointless.
        due_by: Timestamp,
    },
    /// The answer to its call.
    Calling {
        /// The earliest time at which a successor may take the call for lost.
        lost_at: Timestamp,
    },
    /// A point in time: a retry, a poll, a query.
    Waiting {
        /// That time.
        until: Timestamp,
    },
    /// A release.
    Held {},
    /// A person who finds out whether it took effect.
    Unresolved {
        /// When nobody is waited for any more.
        give_up_at: Option<Timestamp>,
    },
}

/// What is known of an operation's effect at the partner.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// There is none.
    None,
    /// There may be one.
    Possible,
    /// The partner, or a person who asked it, has confirmed it.
    Accepted,
}

/// How an operation ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The partner delivered.
    Fulfilled,
    /// The partner refused.
    Refused,
    /// Taken back without an effect.
    Cancelled,
    /// All attempts were spent.
    Exhausted,
    /// The effect was undone.
    Compensated,
    /// The effect could not be undone.
    CompensationFailed,
}

/// How much a route carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Load {
    /// Calls under way.
    pub outstanding: u32,
    /// The next place in the queue.
    pub next_place: u64,
    /// Whether calls may be made at all.
    pub breaker: Breaker,
    /// How many places of the queue were given a slot so far: every few of them a lower lane goes first.
    #[serde(default)]
    pub released: u32,
}

/// Whether a route's calls flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Breaker {
    /// They do.
    Flowing {
        /// Failures in a row.
        failures: u32,
    },
    /// None are made for a while.
    Tripped {
        /// When one call may try again.
        until: Timestamp,
    },
    /// One call at a time, until one succeeds.
    Probing {},
}

// === impl Key ===

impl Key {
    /// The first and last key a route's queue can have.
    pub fn queue(route: &Route) -> (Self, Self) {
        (
            Self::Queue { route: route.clone(), lane: Lane::Urgent, place: 0 },
            Self::Queue { route: route.clone(), lane: Lane::Bulk, place: u64::MAX },
        )
    }

    /// The first and last key one lane of a route's queue can have.
    pub fn lane(route: &Route, lane: Lane) -> (Self, Self) {
        let at = |place| Self::Queue { route: route.clone(), lane, place };
        (at(0), at(u64::MAX))
    }
}

const OPERATION: u8 = 1;
const WORK: u8 = 2;
const ROUTE: u8 = 3;
const QUEUE: u8 = 4;

impl MemoryKey for Key {
    fn encode(&self) -> Bytes {
        let mut bytes = Vec::with_capacity(32);
        match self {
            Self::Operation(id) => {
                bytes.push(OPERATION);
                bytes.extend(id.0);
            }
            Self::Work(id) => {
                bytes.push(WORK);
                bytes.extend(id.0);
            }
            Self::Route(route) => {
                bytes.push(ROUTE);
                put_route(&mut bytes, route);
            }
            Self::Queue { route, lane, place } => {
                bytes.push(QUEUE);
                bytes.push(lane_number(*lane));
                bytes.extend(place.to_be_bytes());
                put_route(&mut bytes, route);
            }
        }
        bytes.into()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        match *kind {
            OPERATION => Some(Self::Operation(OperationId(rest.try_into().ok()?))),
            WORK => Some(Self::Work(OperationId(rest.try_into().ok()?))),
            ROUTE => Some(Self::Route(route(rest)?)),
            QUEUE => {
                let (lane, rest) = rest.split_first()?;
                let (place, rest) = rest.split_first_chunk()?;
                let lane = Lane::ALL.into_iter().find(|known| lane_number(*known) == *lane)?;
                Some(Self::Queue { route: route(rest)?, lane, place: u64::from_be_bytes(*place) })
            }
            _ => None,
        }
    }
}

fn put_route(bytes: &mut Vec<u8>, route: &Route) {
    bytes.extend(route.bucket.to_be_bytes());
    bytes.extend(route.partner.as_str().as_bytes());
}

fn route(bytes: &[u8]) -> Option<Route> {
    let (bucket, partner) = bytes.split_first_chunk()?;
    let partner = PartnerId::from(std::str::from_utf8(partner).ok()?);
    Some(Route { partner, bucket: u32::from_be_bytes(*bucket) })
}

fn lane_number(lane: Lane) -> u8 {
    match lane {
        Lane::Urgent => 0,
        Lane::Standard => 1,
        Lane::Bulk => 2,
    }
}

// === impl Entry ===

impl MemoryEntry for Entry {}

impl Entry {
    /// When the entry wants to be looked at again.
    pub fn due(&self) -> Option<Timestamp> {
        match self {
            Self::Underway { operation } => match operation.phase {
                Phase::Queued { due_by, .. } => Some(due_by),
                Phase::Waiting { until } => Some(until),
                Phase::Unresolved { give_up_at } => give_up_at,
                Phase::Calling { .. } | Phase::Held {} => None,
            },
            Self::Ended { forget_at, .. } | Self::Early { forget_at, .. } => Some(*forget_at),
            Self::Loaded { load } => match load.breaker {
                Breaker::Tripped { until } => Some(until),
                Breaker::Flowing { .. } | Breaker::Probing {} => None,
            },
            Self::Asked { .. } | Self::Queuing { .. } => None,
        }
    }

    /// The call the entry under `key` waits for.
    pub fn outstanding(&self, key: &Key) -> Option<Outstanding> {
        match (key, self) {
            (Key::Operation(operation_id), Self::Underway { operation }) => match operation.phase {
                Phase::Calling { lost_at } => {
                    Some(Outstanding { operation_id: *operation_id, attempt: operation.attempt, lost_at })
                }
                Phase::Queued { .. } | Phase::Waiting { .. } | Phase::Held {} | Phase::Unresolved { .. } => None,
            },
            (Key::Operation(_) | Key::Work(_) | Key::Route(_) | Key::Queue { .. }, _) => None,
        }
    }
}

// === impl Operation ===

impl Operation {
    /// An operation that has made no call yet.
    pub fn new(step: Step) -> Self {
        Self {
            step,
            phase: Phase::Held {},
            attempt: 0,
            failures: 0,
            effect: Effect::None,
            reference: None,
            cancel: None,
            held: false,
            nudged: false,
            due_by: None,
        }
    }
}

// === impl Step ===

impl Step {
    /// Whether a repetition might repeat an effect at a partner that does not deduplicate.
    pub fn is_unsafe(self) -> bool {
        match self {
            Self::Send | Self::Compensate => true,
            Self::Poll | Self::Query | Self::Cancel => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route() -> Route {
        Route { partner: "evergreen".into(), bucket: 3 }
    }

    #[test]
    fn keys_read_back_and_differ() {
        let id = OperationId([7; 16]);
        let mut keys = vec![Key::Operation(id), Key::Work(id), Key::Route(route())];
        keys.extend(Lane::ALL.map(|lane| Key::Queue { route: route(), lane, place: 258 }));
        for key in &keys {
            assert_eq!(Key::decode(&key.encode()).as_ref(), Some(key));
            assert_eq!(keys.iter().filter(|other| other.encode() == key.encode()).count(), 1);
        }
        for broken in [&[][..], &[9, 1], &[OPERATION, 1], &[QUEUE, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]] {
            assert_eq!(Key::decode(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn a_queue_sorts_by_urgency_then_by_place() {
        let at = |lane, place| Key::Queue { route: route(), lane, place };
        let sorted = [at(Lane::Urgent, 9), at(Lane::Standard, 1), at(Lane::Standard, 2), at(Lane::Bulk, 0)];
        assert!(sorted.is_sorted());
        let (first, last) = Key::queue(&route());
        assert!(first <= sorted[0] && sorted[3] <= last);
        let other = Route { partner: "evergreen".into(), bucket: 4 };
        assert!(last < Key::Queue { route: other, lane: Lane::Urgent, place: 0 });
    }
}
