//! Carrying a group's offsets into transactions.
//!
//! librdkafka has one call for that. It goes to the group's coordinator, and where that broker has just left the cluster it may never
//! return, whatever time it was given (librdkafka issues 5456 and 5511). So a thread of its own makes the call, and is left behind
//! with the client if it does not come back: whoever takes the transactional id next ends what is open.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use fleet::bus::BusError;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::KafkaResult;
use rdkafka::producer::{BaseProducer, Producer as _};

use crate::context::Context;

/// The thread that a producer has for its calls.
pub(crate) struct Courier {
    errands: Option<Sender<Errand>>,
    answers: Receiver<KafkaResult<()>>,
    thread: Option<JoinHandle<()>>,
    is_lost: bool,
}

/// One call.
struct Errand {
    offsets: TopicPartitionList,
    proof: Arc<ConsumerGroupMetadata>,
    timeout: Duration,
}

/// How much later than it should a call may return.
const GRACE: Duration = Duration::from_millis(500);

// === impl Courier ===

impl Courier {
    /// A courier of this client.
    pub(crate) fn of(client: &Arc<BaseProducer<Context>>) -> Result<Self, BusError> {
        let ((errands, orders), (tell, answers), client) = (channel::<Errand>(), channel(), Arc::clone(client));
        let run = move || {
            while let Ok(Errand { offsets, proof, timeout }) = orders.recv() {
                if tell.send(client.send_offsets_to_transaction(&offsets, &proof, timeout)).is_err() {
                    break;
                }
            }
        };
        let thread = std::thread::Builder::new().name("kafka offsets".into()).spawn(run);
        let thread = thread.map_err(|error| BusError::Unavailable(format!("the system gives no thread: {error}")))?;
        Ok(Self { errands: Some(errands), answers, thread: Some(thread), is_lost: false })
    }

    /// Takes offsets to the coordinator of the group whose member the proof is of. An error, if there is no answer in this time.
    pub(crate) fn carry(
        &mut self,
        offsets: TopicPartitionList,
        proof: Arc<ConsumerGroupMetadata>,
        timeout: Duration,
    ) -> Result<KafkaResult<()>, BusError> {
        let sent = self.errands.as_ref().map(|errands| errands.send(Errand { offsets, proof, timeout }));
        self.is_lost |= !matches!(sent, Some(Ok(())));
        let answer = if self.is_lost { None } else { self.answers.recv_timeout(timeout + GRACE).ok() };
        self.is_lost |= answer.is_none();
        answer.ok_or_else(|| BusError::Unavailable("the group's coordinator does not answer".into()))
    }

    /// Whether a call has not come back: nothing else can be asked of the client then.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.errands = None;
        if let Some(thread) = self.thread.take().filter(|_| !self.is_lost) {
            // It waits for nothing but errands.
            let _ = thread.join();
        }
    }
}
