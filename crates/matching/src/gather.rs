//! Gathering: the members that share a blocking key with a claim.

use std::hint::black_box;

use crate::claim::Claim;
use crate::normal::mix;
use crate::roster::keys::{Kind, PROBES_MAX, Probe, Probes};
use crate::roster::table::Span;
use crate::roster::{KINDS, Roster};

/// What was gathered for a claim. It is kept from claim to claim, for its room.
#[derive(Default)]
pub(crate) struct Gathered {
    /// The first record of every member found, each once, in no particular order.
    pub(crate) heads: Vec<u32>,
    /// How many records share the claim's value, by kind of key.
    pub(crate) shared: [u32; KINDS],
    /// Blocks that were too large to be looked at.
    pub(crate) blocks_skipped: u32,
    /// Records of the buckets looked into, each with the number of its probe.
    hits: Vec<(u32, u32)>,
    heads_seen: Heads,
}

/// The heads seen, open-addressed; an entry of an earlier claim counts as free.
#[derive(Default)]
struct Heads {
    /// The claim's number above, the head below.
    slots: Vec<u64>,
    claim: u32,
}

/// For so many heads there is room from the beginning.
const HEADS: usize = 512;

// === impl Gathered ===

impl Gathered {
    /// Finds the candidates of a claim.
    pub(crate) fn gather(&mut self, claim: &Claim, roster: &Roster) {
        self.heads.clear();
        self.heads_seen.clear();
        self.shared = [0; KINDS];
        self.blocks_skipped = 0;
        for side in claim.sides() {
            let probes = Probes::of(side, &roster.lexicons.names);
            self.look_up(probes.all(), roster);
        }
    }

    /// Where all buckets lie, then all that is in them, then all records: so that the waits for each overlap.
    fn look_up(&mut self, probes: &[Probe], roster: &Roster) {
        let mut spans = [Span::default(); PROBES_MAX];
        for (span, probe) in spans.iter_mut().zip(probes) {
            *span = roster.span(probe.key);
        }
        black_box(spans.iter().fold(0, |read, span| read ^ roster.touch(*span)));
        self.hits.clear();
        for (number, (probe, span)) in probes.iter().zip(spans).enumerate() {
            let before = self.hits.len();
            self.hits.extend(roster.block_at(probe.key, span).map(|record| (record, number as u32)));
            if probe.block_max() < self.hits.len() - before {
                self.thin_out(before, probe, roster);
            }
        }
        black_box(self.hits.iter().fold(0, |read, (record, _)| read ^ roster.records[*record as usize].member));
        let mut counts = [0u32; PROBES_MAX];
        for (record, number) in &self.hits {
            let packed = &roster.records[*record as usize];
            // Who else is in a bucket depends on the size of the table, which must not decide.
            if packed.is_gone() || !probes[*number as usize].holds(packed, &roster.lexicons.names) {
                continue;
            }
            counts[*number as usize] += 1;
            let head = if packed.is_variant() { roster.head(*record) } else { *record };
            if self.heads_seen.is_new(head, self.heads.len()) {
                self.heads.push(head);
            }
        }
        for (count, probe) in counts.iter().zip(probes) {
            self.share(probe.kind, *count);
        }
    }

    /// Drops a block that is too large, which only checking its records tells.
    #[cold]
    fn thin_out(&mut self, before: usize, probe: &Probe, roster: &Roster) {
        let stands = |(record, _): &&(u32, u32)| {
            let packed = &roster.records[*record as usize];
            !packed.is_gone() && probe.holds(packed, &roster.lexicons.names)
        };
        let count = self.hits[before..].iter().filter(stands).count();
        if probe.block_max() < count {
            self.hits.truncate(before);
            self.blocks_skipped += u32::from(!probe.is_place());
            self.share(probe.kind, count as u32);
        }
    }

    fn share(&mut self, kind: Kind, count: u32) {
        let shared = &mut self.shared[kind as usize];
        *shared = (*shared).max(count);
    }
}

// === impl Heads ===

impl Heads {
    fn clear(&mut self) {
        if self.claim == u32::MAX || self.slots.is_empty() {
            self.slots = vec![0; self.slots.len().max(HEADS * 2)];
            self.claim = 0;
        }
        self.claim += 1;
    }

    /// Whether a head was not yet seen for this claim, of which there are `count` so far.
    #[inline]
    fn is_new(&mut self, head: u32, count: usize) -> bool {
        if self.slots.len() / 2 <= count {
            self.grow();
        }
        let (mask, entry) = (self.slots.len() - 1, u64::from(self.claim) << 32 | u64::from(head));
        let mut place = mix(u64::from(head)) as usize & mask;
        loop {
            let slot = &mut self.slots[place];
            if *slot == entry {
                return false;
            }
            if (*slot >> 32) as u32 != self.claim {
                *slot = entry;
                return true;
            }
            place = (place + 1) & mask;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let claim = self.claim;
        let seen: Vec<u64> = self.slots.iter().copied().filter(|slot| (*slot >> 32) as u32 == claim).collect();
        self.slots = vec![0; self.slots.len() * 2];
        for (count, slot) in seen.into_iter().enumerate() {
            self.is_new(slot as u32, count);
        }
    }
}
