//! The signals that ask a process for an end in good order.

use tokio::signal::unix::{self, Signal, SignalKind};

use crate::exit::Failure;

/// SIGTERM and SIGINT. They are heeded from the moment this exists, so it is made before the work starts: none that comes between the
/// start and the wait ends the process where it stands.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

// === impl Signals ===

impl Signals {
    /// Heeds them. Runs within a Tokio runtime.
    pub(crate) fn heed() -> Result<Signals, Failure> {
        let listen = |kind| unix::signal(kind).map_err(|error| Failure::Other(error.into()));
        Ok(Signals { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Waits for one of them.
    pub(crate) async fn come(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
