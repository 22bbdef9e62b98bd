//! Who holds which transactional id on this connection.
//!
//! The broker fences: whatever an earlier holder writes, commits or aborts is refused there. But a transaction in which nothing
//! was sent and nothing consumed never reaches the broker, and its holder would not learn. If its successor came by the same
//! connection, it is known here; of others it learns with the first transaction that has something in it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use fleet::bus::BusError;

use fleet::sync::locked;

/// The transactional ids of one connection.
#[derive(Default)]
pub(crate) struct Holders(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

/// A producer's place in the succession of its id.
pub(crate) struct Holder {
    number: u64,
    newest: Arc<AtomicU64>,
}

// === impl Holders ===

impl Holders {
    /// The newest holder of an id, from now on. The broker has fenced the earlier ones.
    pub(crate) fn succeed(&self, transactional_id: &str) -> Holder {
        let newest = locked(&self.0).entry(transactional_id.to_owned()).or_default().clone();
        Holder { number: newest.fetch_add(1, Ordering::AcqRel) + 1, newest }
    }
}

// === impl Holder ===

impl Holder {
    /// [`BusError::Fenced`], if there is a newer one.
    pub(crate) fn check(&self) -> Result<(), BusError> {
        if self.number == self.newest.load(Ordering::Acquire) { Ok(()) } else { Err(BusError::Fenced) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_succeeded_is_told_though_it_has_nothing_to_send() {
        let holders = Holders::default();
        let (earlier, other) = (holders.succeed("slot"), holders.succeed("another slot"));
        assert_eq!(earlier.check(), Ok(()));
        let newest = holders.succeed("slot");
        assert_eq!([&earlier, &other, &newest].map(Holder::check), [Err(BusError::Fenced), Ok(()), Ok(())]);
    }
}
