//! One turn: what was taken, what follows from it, and nothing of it true before the transaction commits.
//!
//! ```text
//!  poll → decode → decide → [ events + forward + changelog + offsets ] → calls → answers come back as inputs
//!  └── may be dropped and redone ──┘└────── one transaction ───────┘└─ never dropped: held, decided again ─┘
//! ```

use std::collections::BTreeMap;

use domain::{Answer, Call, Timestamp, Trace, Worker};

use crate::bus::{Delivered, Outgoing, TopicPartition};

/// The turn in progress.
pub(crate) struct Turn<W: Worker> {
    /// The moment of all its decisions.
    pub(crate) now: Timestamp,
    /// The records it writes, in order.
    pub(crate) outgoing: Vec<Outgoing>,
    /// What it has taken, by partition.
    pub(crate) taken: BTreeMap<TopicPartition, Span>,
    /// The answers it decides; held again if it aborts.
    pub(crate) answers: Vec<(u32, Answer, Trace)>,
    /// The calls it asks for.
    pub(crate) calls: Vec<(u32, Call)>,
    /// Timers whose decision failed: silent once their letters are committed.
    pub(crate) muted: Vec<(u32, W::Key)>,
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
    #[error("the record would have {bytes} bytes")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// It can't be sealed.
    #[error("the original can't be sealed or opened")]
    Sealing,
}

impl<W: Worker> Turn<W> {
    /// A turn at this moment.
    pub(crate) fn at(now: Timestamp) -> Self {
        Self {
            now,
            outgoing: Vec::new(),
            taken: BTreeMap::new(),
            answers: Vec::new(),
            calls: Vec::new(),
            muted: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// A record was taken: its offset moves with the transaction.
    pub(crate) fn took(&mut self, record: &Delivered) {
        let next = record.offset + 1;
        self.taken
            .entry(record.topic_partition())
            .and_modify(|span| span.next = next)
            .or_insert(Span { first: record.offset, next });
        self.tally.records += 1;
    }

    /// Whether there is nothing to commit.
    pub(crate) fn is_empty(&self) -> bool {
        self.outgoing.is_empty() && self.taken.is_empty() && self.answers.is_empty()
    }

    /// The inputs the turn has decided.
    pub(crate) fn inputs(&self) -> usize {
        self.tally.records + self.tally.timers + self.tally.answers
    }
}
