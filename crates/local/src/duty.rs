//! What a log on disk does by itself from time to time.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use fleet::bus::BusError;

use crate::sync::Signal;

/// A thread that does something again and again until this is dropped.
pub(crate) struct Duty {
    stop: Arc<Signal>,
    thread: Option<JoinHandle<()>>,
}

// === impl Duty ===

impl Duty {
    /// Does it each `interval`, and again at once whenever it says that there is more to do.
    pub(crate) fn each(
        interval: Duration,
        name: &'static str,
        mut run: impl FnMut() -> Result<bool, BusError> + Send + 'static,
    ) -> Result<Self, BusError> {
        let stop: Arc<Signal> = Arc::default();
        let stopped = stop.clone();
        let work = move || {
            let mut complained = None;
            let mut is_unfinished = false;
            loop {
                stopped.sleep(if is_unfinished { Duration::ZERO } else { interval });
                if stopped.take_woken() {
                    return;
                }
                let outcome = run();
                is_unfinished = outcome == Ok(true);
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
