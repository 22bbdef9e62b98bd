//! Whether a queue of librdkafka may hold something, as its threads tell.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fleet::sync::Signal;

/// Whether a queue of librdkafka may hold something. Raised by its threads when the queue stops being empty, lowered by whoever
/// is about to empty it.
#[derive(Clone)]
pub(crate) struct Flag(Arc<AtomicBool>);

// === impl Flag ===

impl Flag {
    /// A raised flag, since there may be something in the queue already, and what raises it. The latter is called with the queue
    /// locked, so it does nothing else.
    pub(crate) fn raised(signal: &Arc<Signal>) -> (Self, impl Fn() + Send + Sync + 'static) {
        let (flag, signal) = (Self(Arc::new(AtomicBool::new(true))), signal.clone());
        let raise = flag.0.clone();
        let raiser = move || {
            raise.store(true, Ordering::Release);
            signal.stir();
        };
        (flag, raiser)
    }

    /// Whether the queue may hold something.
    pub(crate) fn is_raised(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Raises it: the queue was not emptied.
    pub(crate) fn raise(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Lowers it before the queue is emptied; whether it was raised.
    pub(crate) fn lower(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}
