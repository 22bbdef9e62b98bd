//! What a consumer or reader sleeps on, and how librdkafka's threads stir it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Whoever has something new stirs it; the sleeper then looks for itself.
#[derive(Default)]
pub(crate) struct Signal {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Something changed since the last sleep.
    stirred: bool,
    /// The consumer's waker was used.
    woken: bool,
}

/// Whether a queue of librdkafka may hold something. Raised by its threads when the queue stops being empty, lowered by whoever
/// is about to empty it.
#[derive(Clone)]
pub(crate) struct Flag(Arc<AtomicBool>);

// === impl Signal ===

impl Signal {
    /// Something the sleeper may wait for has changed.
    pub(crate) fn stir(&self) {
        locked(&self.state).stirred = true;
        self.changed.notify_all();
    }

    /// Somebody wants the sleeper to get up whatever it waits for.
    pub(crate) fn wake(&self) {
        locked(&self.state).woken = true;
        self.changed.notify_all();
    }

    /// Whether [`Signal::wake`] was called since the last time this was asked.
    pub(crate) fn take_woken(&self) -> bool {
        std::mem::take(&mut locked(&self.state).woken)
    }

    /// Sleeps until stirred or woken, at most `timeout`. A stir since the last sleep counts, so that nothing is missed between
    /// looking and sleeping.
    pub(crate) fn sleep(&self, timeout: Duration) {
        let state = locked(&self.state);
        let asleep = |state: &mut State| !state.stirred && !state.woken;
        let (mut state, _) =
            self.changed.wait_timeout_while(state, timeout, asleep).unwrap_or_else(PoisonError::into_inner);
        state.stirred = false;
    }
}

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

/// Takes a mutex. Data under our mutexes is whole between any two statements, so a thread that panicked while holding one must
/// not take the others down with it.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
