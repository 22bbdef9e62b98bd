//! One turn: what was taken, what follows from it, and nothing of it true before the transaction commits.
//!
//! ```text
//!  poll → decode → decide → [ events + forward + changelog + offsets ] → calls → answers come back as inputs
//!  └── may be dropped and redone ──┘└────── one transaction ───────┘└─ never dropped: held, decided again ─┘
//! ```

use std::collections::{BTreeMap, BTreeSet};

use domain::{Answer, Call, RecordId, Timestamp, Trace, Worker};

use crate::bus::{Delivered, Outgoing, RECORD_LIMIT_BYTES, TopicPartition};
use crate::pace::APPETITE_MIN;
use crate::paper::Paper;
use crate::partition::Settled;

/// The turn in progress.
pub(crate) struct Turn<W: Worker> {
    /// The moment of all its decisions.
    pub(crate) now: Timestamp,
    /// The records it writes, in order.
    pub(crate) outgoing: Vec<Outgoing>,
    /// What they are written on.
    pub(crate) paper: Paper,
    /// What it has taken, by partition.
    pub(crate) taken: BTreeMap<TopicPartition, Span>,
    /// The answers it decides; held again if it aborts.
    pub(crate) answers: Vec<(u32, Answer, Trace)>,
    /// The calls it asks for.
    pub(crate) calls: Vec<(u32, Call)>,
    /// Timers that will not fire again at once, with their due time and the time they are put off to; none for silence.
    pub(crate) displaced: Vec<(u32, W::Key, Timestamp, Option<Timestamp>)>,
    /// Partitions with an answer that could not be decided: its call is to be given up.
    pub(crate) unanswered: BTreeSet<u32>,
    /// The partitions whose inputs it has decided.
    pub(crate) touched: BTreeSet<u32>,
    /// The times of the oldest and the newest record it has taken, as their writers' clocks had them.
    pub(crate) written_ms: Option<(i64, i64)>,
    /// How many of its inputs are urgent: by the lane they were taken from, or as their decision says.
    pub(crate) urgent: usize,
    /// What it wrote of the memory of partitions with a shelf, and how far their changelog was known to go before.
    pub(crate) shelved: BTreeMap<u32, Settled>,
    /// The first of its inputs.
    pub(crate) first: Option<RecordId>,
    /// What it did, in numbers.
    pub(crate) tally: Tally,
}

/// A run of offsets taken from one partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Span {
    /// The first, to rewind to.
    pub(crate) first: u64,
    /// The offset to go on from.
    pub(crate) next: u64,
}

/// What a turn did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records taken.
    pub records: usize,
    /// Timers fired.
    pub timers: usize,
    /// Answers decided.
    pub answers: usize,
    /// Facts written.
    pub events: usize,
    /// Messages forwarded to other topics.
    pub forwarded: usize,
    /// Records written in all, changelog included.
    pub written: usize,
    /// Calls asked for.
    pub calls: usize,
    /// Dead letters written.
    pub letters: usize,
    /// Records parked behind a letter.
    pub parked: usize,
    /// Records forwarded to their home partition.
    pub redirected: usize,
}

/// Why a record can't be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// It does not fit its schema: a defect.
    #[error("the message does not fit its schema")]
    Encoding,
    /// No bus takes it.
    #[error("the record would have {bytes} bytes, the limit is {RECORD_LIMIT_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// It can't be sealed.
    #[error("the original can't be sealed or opened")]
    Sealing,
    /// It has no place on this bus.
    #[error("there is no such topic or partition")]
    Nowhere,
}

impl<W: Worker> Turn<W> {
    /// A turn at this moment.
    pub(crate) fn at(now: Timestamp) -> Self {
        Self {
            now,
            outgoing: Vec::new(),
            paper: Paper::default(),
            taken: BTreeMap::new(),
            answers: Vec::new(),
            calls: Vec::new(),
            displaced: Vec::new(),
            unanswered: BTreeSet::new(),
            touched: BTreeSet::new(),
            written_ms: None,
            urgent: 0,
            shelved: BTreeMap::new(),
            first: None,
            tally: Tally::default(),
        }
    }

    /// Records were taken: their offsets move with the transaction.
    pub(crate) fn took(&mut self, records: &[Delivered]) {
        for run in records.chunk_by(|one, next| one.partition == next.partition && one.topic == next.topic) {
            if let (Some(first), Some(last)) = (run.first(), run.last()) {
                let span = self.taken.entry(first.topic_partition());
                span.or_insert(Span { first: first.offset, next: 0 }).next = last.offset + 1;
            }
        }
        for time in records.iter().map(|record| record.timestamp_ms) {
            let (oldest, newest) = self.written_ms.get_or_insert((time, time));
            (*oldest, *newest) = (time.min(*oldest), time.max(*newest));
        }
        self.tally.records += records.len();
    }

    /// An input of a partition is being decided.
    pub(crate) fn begin(&mut self, partition: u32, input: RecordId) {
        self.first.get_or_insert(input);
        self.touched.insert(partition);
    }

    /// The inputs the turn has taken.
    pub(crate) fn inputs(&self) -> usize {
        self.tally.records + self.tally.timers + self.tally.answers
    }

    /// Whether somebody urgent passed, among others or in a trickle.
    pub(crate) fn is_urgent(&self) -> bool {
        is_among_others(self.urgent, self.inputs()) || 0 < self.urgent && self.inputs() < APPETITE_MIN
    }

    /// Whether it has anything to commit.
    pub(crate) fn is_void(&self) -> bool {
        self.outgoing.is_empty() && self.taken.is_empty()
    }
}

/// Whether some of these are urgent, and most are not: where most are, they are a backlog of their own.
pub(crate) fn is_among_others(urgent: usize, all: usize) -> bool {
    0 < urgent && 2 * urgent <= all
}
