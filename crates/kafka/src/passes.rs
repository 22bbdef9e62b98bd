//! Proofs of membership. librdkafka has them as objects of its own, which a transaction must be given back; the port carries them as
//! bytes. So the bytes are a number, and the objects wait here for as long as somebody holds it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};

use bytes::Bytes;
use rdkafka::consumer::ConsumerGroupMetadata;

use crate::signal::locked;

/// The proofs of one bus.
#[derive(Default)]
pub(crate) struct Passes {
    issued: Mutex<Issued>,
}

#[derive(Default)]
struct Issued {
    count: u64,
    by_number: BTreeMap<[u8; 8], Arc<ConsumerGroupMetadata>>,
}

/// A number that is somebody's; with its last copy goes what it stands for.
struct Ticket {
    number: [u8; 8],
    passes: Weak<Passes>,
}

// === impl Passes ===

impl Passes {
    /// Keeps a proof for whoever holds the token.
    pub(crate) fn issue(self: &Arc<Self>, proof: ConsumerGroupMetadata) -> Bytes {
        let mut issued = locked(&self.issued);
        issued.count += 1;
        let number = issued.count.to_be_bytes();
        issued.by_number.insert(number, Arc::new(proof));
        Bytes::from_owner(Ticket { number, passes: Arc::downgrade(self) })
    }

    /// The proof a token stands for.
    pub(crate) fn proof(&self, token: &[u8]) -> Option<Arc<ConsumerGroupMetadata>> {
        locked(&self.issued).by_number.get(token).cloned()
    }
}

// === impl Ticket ===

impl AsRef<[u8]> for Ticket {
    fn as_ref(&self) -> &[u8] {
        &self.number
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(passes) = self.passes.upgrade() {
            locked(&passes.issued).by_number.remove(&self.number);
        }
    }
}
