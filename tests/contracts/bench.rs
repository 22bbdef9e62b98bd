//! What the contract needs to know about a kind of bus.

use std::sync::Arc;
use std::time::Duration;

use fleet::bus::Bus;

/// A bus under test.
pub(crate) trait Bench {
    /// The bus. Cases name their topics, groups and producers so that they do not meet on a shared one.
    fn bus(&self) -> Arc<dyn Bus>;

    /// The shortest session the bus grants that a busy machine still keeps up with.
    fn session_timeout(&self) -> Duration;

    /// How long a case waits for what must happen before it fails.
    fn patience(&self) -> Duration;

    /// Moves the bus to compact what it holds, unless it does so by itself soon enough.
    fn compact(&self);

    /// Ends the process that has the bus and starts it again, where that is a thing to do. Nobody holds the bus meanwhile.
    fn restart(&mut self);
}
