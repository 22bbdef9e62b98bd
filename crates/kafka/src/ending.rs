//! The end of what may take for ever to end.

use std::sync::{Arc, mpsc};
use std::time::Duration;

/// The last to hold something. Before librdkafka lets the member of a group go it wants to be done with the group, which may take for
/// ever where the coordinator has gone; nothing waits for that but a thread of its own.
pub(crate) struct End<T: Send + Sync + 'static>(Option<Arc<T>>);

/// How long an end is waited for. As a rule it takes no longer than an answer of the coordinator.
const END_MAX: Duration = Duration::from_secs(2);

// === impl End ===

impl<T: Send + Sync + 'static> End<T> {
    /// The end of this, once nobody else holds it.
    pub(crate) fn of(held: &Arc<T>) -> Self {
        Self(Some(Arc::clone(held)))
    }
}

impl<T: Send + Sync + 'static> Drop for End<T> {
    fn drop(&mut self) {
        let Some(held) = self.0.take() else { return };
        let (over, is_over) = mpsc::channel::<()>();
        let end = move || {
            drop(held);
            drop(over);
        };
        // Where there is no thread to be had the closure ends it right here.
        if std::thread::Builder::new().name("kafka end".into()).spawn(end).is_ok()
            && is_over.recv_timeout(END_MAX) == Err(mpsc::RecvTimeoutError::Timeout)
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
