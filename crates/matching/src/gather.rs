//! Gathering: the members that share a blocking key with a claim.

use crate::claim::Claim;
use crate::normal::mix;
use crate::roster::keys::{Kind, Probe, Probes};
use crate::roster::table::Span;
use crate::roster::{KINDS, Roster};

/// What was gathered for a claim. It is kept from claim to claim, for its room.
///
/// Gathering takes five steps, of which each asks memory for what the next one reads. Between them other claims take theirs, so that
/// the waits overlap.
#[derive(Default)]
pub(crate) struct Gathered {
    /// The first record of every member found, each once, in no particular order.
    pub(crate) heads: Vec<u32>,
    /// How many records share the claim's value, by kind of key.
    pub(crate) shared: [u32; KINDS],
    /// Blocks that were too large to be looked at.
    pub(crate) blocks_skipped: u32,
    probes: Probes,
    /// Where the bucket of each probe lies.
    spans: Vec<Span>,
    /// Records of the buckets looked into, probe by probe.
    hits: Vec<u32>,
    /// Where those of each probe end.
    ends: Vec<usize>,
}

/// The heads seen, open-addressed; an entry of an earlier claim counts as free.
#[derive(Default)]
pub(crate) struct Heads {
    /// The claim's number above, the head below.
    slots: Vec<u64>,
    claim: u32,
}

/// For so many heads there is room from the beginning.
const HEADS: usize = 128;

// === impl Gathered ===

impl Gathered {
    /// Finds the candidates of a claim.
    pub(crate) fn gather(&mut self, claim: &Claim, roster: &Roster, seen: &mut Heads) {
        self.aim(claim, roster);
        self.locate(roster);
        self.collect(roster);
        self.approach(roster);
        self.sift(roster, seen);
    }

    /// The first step: under which keys the claim is looked for.
    pub(crate) fn aim(&mut self, claim: &Claim, roster: &Roster) {
        self.probes.clear();
        claim.sides().for_each(|side| self.probes.add_side(side, &roster.lexicons.names));
        self.probes.all().iter().for_each(|probe| roster.prefetch_span(probe.key));
    }

    /// The second: where their buckets lie.
    pub(crate) fn locate(&mut self, roster: &Roster) {
        self.spans.clear();
        self.spans.extend(self.probes.all().iter().map(|probe| roster.span(probe.key)));
        self.spans.iter().for_each(|span| roster.prefetch_block(*span));
    }

    /// The third: which records are in them.
    pub(crate) fn collect(&mut self, roster: &Roster) {
        self.hits.clear();
        self.ends.clear();
        self.shared = [0; KINDS];
        self.blocks_skipped = 0;
        for number in 0..self.spans.len() {
            let (probe, span, before) = (self.probes.all()[number], self.spans[number], self.hits.len());
            match roster.crowd(probe.key, span) {
                Some(count) if probe.kind.block_max() < count => self.leave_out(probe.kind, count),
                Some(_) | None => roster.add_block(probe.key, span, &mut self.hits),
            }
            if (probe.kind.block_max() as usize) < self.hits.len() - before {
                self.thin_out(before, &probe, roster);
            }
            self.ends.push(self.hits.len());
        }
        self.hits.iter().for_each(|record| roster.prefetch_record(*record));
    }

    /// The fourth: how their names sound.
    pub(crate) fn approach(&self, roster: &Roster) {
        self.hits.iter().for_each(|record| roster.prefetch_names(*record));
    }

    /// The last: who of them shares the key indeed, each once. Who else is in a bucket depends on the size of the table, which must
    /// not decide.
    pub(crate) fn sift(&mut self, roster: &Roster, seen: &mut Heads) {
        self.heads.clear();
        seen.clear();
        let mut from = 0;
        for number in 0..self.ends.len() {
            let (probe, to) = (self.probes.all()[number], self.ends[number]);
            let mut count = 0;
            for record in &self.hits[from..to] {
                let packed = &roster.records[*record as usize];
                let head = if packed.is_variant() { roster.head(*record) } else { *record };
                // Where nobody asks how many share the value, whoever was found already need not be found again.
                if !probe.is_counted() && seen.holds(head)
                    || packed.is_gone()
                    || !probe.holds(packed, &roster.lexicons.names)
                {
                    continue;
                }
                count += 1;
                if seen.is_new(head, self.heads.len()) {
                    self.heads.push(head);
                }
            }
            self.share(probe.kind, count);
            from = to;
        }
    }

    /// Drops a block that is too large, which only checking its records tells.
    #[cold]
    fn thin_out(&mut self, before: usize, probe: &Probe, roster: &Roster) {
        let stands = |record: &&u32| {
            let packed = &roster.records[**record as usize];
            !packed.is_gone() && probe.holds(packed, &roster.lexicons.names)
        };
        let count = self.hits[before..].iter().filter(stands).count() as u32;
        if probe.kind.block_max() < count {
            self.hits.truncate(before);
            self.leave_out(probe.kind, count);
        }
    }

    /// Notes a block that is too large.
    fn leave_out(&mut self, kind: Kind, count: u32) {
        self.blocks_skipped += u32::from(!kind.is_place());
        self.share(kind, count);
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

    /// Whether a head was seen for this claim.
    #[inline]
    fn holds(&self, head: u32) -> bool {
        let (mask, entry) = (self.slots.len() - 1, u64::from(self.claim) << 32 | u64::from(head));
        let mut place = mix(u64::from(head)) as usize & mask;
        while (self.slots[place] >> 32) as u32 == self.claim {
            if self.slots[place] == entry {
                return true;
            }
            place = (place + 1) & mask;
        }
        false
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
