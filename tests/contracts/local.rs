//! The benches of the two forms of `local`.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fleet::bus::Bus;
use fleet::clock::Clock;
use local::{Local, Options};
use tempfile::TempDir;

use crate::bench::Bench;

/// The log in memory.
pub(crate) struct InMemory {
    log: Local,
}

/// The log in a directory of its own.
pub(crate) struct OnDisk {
    log: Option<Local>,
    directory: TempDir,
}

/// The machine's time.
struct SystemClock(Instant);

// === impl InMemory ===

impl InMemory {
    pub(crate) fn new() -> Self {
        Self { log: Local::in_memory(options()).unwrap() }
    }
}

impl Bench for InMemory {
    fn bus(&self) -> Arc<dyn Bus> {
        Arc::new(self.log.clone())
    }

    fn session_timeout(&self) -> Duration {
        SESSION_TIMEOUT
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }

    fn compact(&self) {
        while self.log.maintain().unwrap().is_unfinished {}
    }

    /// Its process cannot end without it.
    fn restart(&mut self) {}
}

// === impl OnDisk ===

impl OnDisk {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log = Some(Local::open(directory.path(), options()).unwrap());
        Self { log, directory }
    }

    fn log(&self) -> &Local {
        self.log.as_ref().expect("it is open except during a restart")
    }
}

impl Bench for OnDisk {
    fn bus(&self) -> Arc<dyn Bus> {
        Arc::new(self.log().clone())
    }

    fn session_timeout(&self) -> Duration {
        SESSION_TIMEOUT
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }

    fn compact(&self) {
        while self.log().maintain().unwrap().is_unfinished {}
    }

    fn restart(&mut self) {
        drop(self.log.take());
        self.log = Some(Local::open(self.directory.path(), options()).unwrap());
    }
}

// === impl SystemClock ===

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        i64::try_from(now.as_millis()).unwrap()
    }

    fn since_boot(&self) -> Duration {
        self.0.elapsed()
    }
}

const SESSION_TIMEOUT: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(30);

/// A small cache, so that both ways of reading are walked; compaction for whatever is dirty.
fn options() -> Options {
    Options {
        tail_cache_bytes: 4 << 10,
        free_space_bytes_min: 0,
        dirty_records_min: 1,
        maintenance_interval: None,
        ..Options::new(Arc::new(SystemClock(Instant::now())))
    }
}
