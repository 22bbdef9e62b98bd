//! What a log on disk does by itself from time to time.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use fleet::bus::BusError;

use fleet::sync::Signal;

/// A thread that does something again and again until this is dropped.
pub(crate) struct Duty {
    stop: Arc<Signal>,
    thread: Option<JoinHandle<()>>,
}

// === impl Duty ===

impl Duty {
    /// Does it each `interval`. When it says that there is more to do, it goes on after a rest as long as its work was, so that
    /// it takes half a core at most.
    pub(crate) fn each(
        interval: Duration,
        name: &'static str,
        mut run: impl FnMut() -> Result<bool, BusError> + Send + 'static,
    ) -> Result<Self, BusError> {
        let stop: Arc<Signal> = Arc::default();
        let stopped = stop.clone();
        let work = move || {
            let mut complained = None;
            let mut rest = interval;
            loop {
                stopped.sleep(rest);
                if stopped.take_woken() {
                    return;
                }
                let begun = Instant::now();
                let outcome = run();
                rest = if outcome == Ok(true) { begun.elapsed() } else { interval };
                let error = outcome.err();
                if let Some(error) = error.as_ref().filter(|_| complained != error) {
                    tracing::error!(duty = name, %error, "the log's upkeep failed");
                }
                complained = error;
            }
        };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(work);
        let thread = thread.map_err(|error| BusError::Unavailable(format!("no thread for {name}: {error}")))?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Duty {
    fn drop(&mut self) {
        self.stop.wake();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported where it happened.
            let _ = thread.join();
        }
    }
}
