//! Proofs of membership. librdkafka has them as objects of its own, which a transaction must be given back; the port carries them as
//! bytes. So the bytes are a number, and the objects wait here for as long as somebody holds it. The number begins with some that
//! chance has given to this bus, so that none of another is taken for one of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};

use bytes::Bytes;
use fleet::bus::BusError;
use rdkafka::consumer::ConsumerGroupMetadata;

use fleet::sync::locked;

/// The proofs of one bus.
pub(crate) struct Passes {
    bus: u64,
    issued: Mutex<Issued>,
}

#[derive(Default)]
struct Issued {
    count: u64,
    by_number: BTreeMap<Number, Arc<ConsumerGroupMetadata>>,
}

type Number = [u8; 16];

/// A number that is somebody's; with its last copy goes what it stands for.
struct Ticket {
    number: Number,
    passes: Weak<Passes>,
}

// === impl Passes ===

impl Passes {
    /// No proofs yet.
    pub(crate) fn new() -> Result<Self, BusError> {
        let bus = getrandom::u64()
            .map_err(|error| BusError::Fatal(format!("the system gives no random numbers: {error}")))?;
        Ok(Self { bus, issued: Mutex::default() })
    }

    /// Keeps a proof for whoever holds the token.
    pub(crate) fn issue(self: &Arc<Self>, proof: ConsumerGroupMetadata) -> Bytes {
        let mut issued = locked(&self.issued);
        issued.count += 1;
        let number = (u128::from(self.bus) << 64 | u128::from(issued.count)).to_be_bytes();
        issued.by_number.insert(number, Arc::new(proof));
        Bytes::from_owner(Ticket { number, passes: Arc::downgrade(self) })
    }

    /// The proof a token stands for. Who has never been a member has none, which is as good as one that is stale.
    pub(crate) fn proof(&self, token: &[u8]) -> Result<Arc<ConsumerGroupMetadata>, BusError> {
        if token.is_empty() {
            return Err(BusError::StaleGeneration);
        }
        let proof = locked(&self.issued).by_number.get(token).cloned();
        proof.ok_or_else(|| {
            BusError::Refused("the membership is of another connection: take both from the same bus".into())
        })
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
