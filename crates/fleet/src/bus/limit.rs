//! How much one take may return, and what is left of it while it is taken.

/// How much one [`Consumer::take`](super::Consumer::take) may return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The most records.
    pub records: usize,
    /// The most bytes of keys, values and headers; one record may exceed it.
    pub bytes: usize,
}

/// What is left of a limit, for whoever implements a take.
#[derive(Debug)]
pub struct Allowance {
    left: Limit,
    is_untouched: bool,
}

impl Limit {
    /// What is left after so much was taken.
    #[must_use]
    pub fn without(self, taken: Self) -> Self {
        Self { records: self.records.saturating_sub(taken.records), bytes: self.bytes.saturating_sub(taken.bytes) }
    }
}

impl Allowance {
    /// All of a limit.
    pub fn new(limit: Limit) -> Self {
        Self { left: limit, is_untouched: true }
    }

    /// Whether nothing more may be taken.
    pub fn is_used_up(&self) -> bool {
        self.left.records == 0 || self.left.bytes == 0
    }

    /// Whether a record of this size may be taken, in which case it counts. The first may be larger than the limit.
    pub fn admits(&mut self, bytes: usize) -> bool {
        let admits = self.is_untouched || bytes <= self.left.bytes;
        if admits {
            self.left.records -= 1;
            self.left.bytes = self.left.bytes.saturating_sub(bytes);
            self.is_untouched = false;
        }
        admits
    }
}
