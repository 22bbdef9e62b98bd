//! How threads wait for each other: what consumers and readers of a bus sleep on, and how a mutex is taken.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a consumer or reader sleeps on. Whoever changes something it may wait for stirs it; the sleeper then looks for itself.
#[derive(Default)]
pub struct Signal {
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

// === impl Signal ===

impl Signal {
    /// Something the sleeper may wait for has changed.
    pub fn stir(&self) {
        let mut state = locked(&self.state);
        if !state.stirred {
            state.stirred = true;
            self.changed.notify_all();
        }
    }

    /// Somebody wants the sleeper to get up whatever it waits for.
    pub fn wake(&self) {
        locked(&self.state).woken = true;
        self.changed.notify_all();
    }

    /// Whether [`Signal::wake`] was called since the last time this was asked.
    pub fn take_woken(&self) -> bool {
        std::mem::take(&mut locked(&self.state).woken)
    }

    /// Sleeps until stirred or woken, at most `timeout`. A stir since the last sleep counts, so that nothing is missed between
    /// looking and sleeping.
    pub fn sleep(&self, timeout: Duration) {
        let state = locked(&self.state);
        let asleep = |state: &mut State| !state.stirred && !state.woken;
        let (mut state, _) =
            self.changed.wait_timeout_while(state, timeout, asleep).unwrap_or_else(PoisonError::into_inner);
        state.stirred = false;
    }
}

/// Takes a mutex. Data under our mutexes is whole between any two statements, so a thread that panicked while holding one must
/// not take the others down with it.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
