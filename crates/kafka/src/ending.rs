//! The end of what takes its time to end, or for ever.

use std::sync::{Arc, mpsc};
use std::time::Duration;

/// The last to hold something, which ends in a thread of its own. Before librdkafka lets the member of a group go it wants to be done
/// with the group, which may take for ever where the coordinator has gone.
pub(crate) struct End<T: Send + Sync + 'static> {
    held: Option<Arc<T>>,
    awaited_for: Duration,
}

/// How long the end of a group's member is waited for. As a rule it takes no longer than an answer of the coordinator.
const END_MAX: Duration = Duration::from_secs(2);

// === impl End ===

impl<T: Send + Sync + 'static> End<T> {
    /// The end of this, once nobody else holds it. Whoever brings it about waits for it, since others may wait for them.
    pub(crate) fn of(held: &Arc<T>) -> Self {
        Self { held: Some(Arc::clone(held)), awaited_for: END_MAX }
    }

    /// The same of what nobody waits for: any client takes a tenth of a second.
    pub(crate) fn unawaited(held: &Arc<T>) -> Self {
        Self { held: Some(Arc::clone(held)), awaited_for: Duration::ZERO }
    }
}

impl<T: Send + Sync + 'static> Drop for End<T> {
    fn drop(&mut self) {
        let Some(held) = self.held.take() else { return };
        let (over, is_over) = mpsc::channel::<()>();
        let end = move || {
            drop(held);
            drop(over);
        };
        // Where there is no thread to be had the closure ends it right here.
        let is_spawned = std::thread::Builder::new().name("kafka end".into()).spawn(end).is_ok();
        if is_spawned
            && !self.awaited_for.is_zero()
            && is_over.recv_timeout(self.awaited_for) == Err(mpsc::RecvTimeoutError::Timeout)
        {
            tracing::info!("a member of a group has not ended yet; nobody waits for it");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Ends when it is let go.
    struct Clinging(Mutex<mpsc::Receiver<()>>, mpsc::Sender<()>);

    impl Drop for Clinging {
        fn drop(&mut self) {
            let _ = self.0.get_mut().unwrap().recv();
            let _ = self.1.send(());
        }
    }

    #[test]
    fn what_does_not_end_is_left_to_itself() {
        let ((free, held), (tell, told)) = (mpsc::channel(), mpsc::channel());
        let clinging = Arc::new(Clinging(Mutex::new(held), tell));
        let end = End::of(&clinging);
        drop(clinging);
        drop(end);
        assert_eq!(told.try_recv(), Err(mpsc::TryRecvError::Empty), "it clings still");
        free.send(()).unwrap();
        told.recv().expect("and ends by itself");
    }
}
