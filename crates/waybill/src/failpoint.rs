//! Failpoints: a process that ends itself, as if killed, or stands still, as if forgotten by its machine, at a named point of a turn.
//! For tests of what survives.
//!
//! `WAYBILL_FAILPOINT=<stage>:<point>[:<calls>[:stop]]` ends the process with SIGKILL the first time `stage` reaches `point` with at
//! least `calls` calls outstanding, for example `dispatch:before-calls:100`. With `stop` it is SIGSTOP, once: whoever sends SIGCONT
//! wakes a zombie. Several stand behind each other, separated by commas.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::messages::Stage;
use fleet::probe::{NoProbe, Point, Probe};

/// The environment variable that sets them.
pub(crate) const VARIABLE: &str = "WAYBILL_FAILPOINT";

/// The failpoints of a process.
pub(crate) struct Failpoints(Vec<Failpoint>);

/// One failpoint.
#[derive(Debug)]
struct Failpoint {
    stage: Stage,
    point: Point,
    calls_min: usize,
    signal: &'static str,
    is_spent: AtomicBool,
}

const KILL: &str = "KILL";
const STOP: &str = "STOP";

// === impl Failpoints ===

impl Failpoints {
    /// The probe that the environment asks for: none in production.
    pub(crate) fn from_environment() -> Arc<dyn Probe> {
        let text = std::env::var(VARIABLE).unwrap_or_default();
        let failpoints: Vec<Failpoint> = text.split(',').filter_map(Failpoint::parse).collect();
        if failpoints.is_empty() { Arc::new(NoProbe) } else { Arc::new(Self(failpoints)) }
    }
}

impl Probe for Failpoints {
    fn reached(&self, stage: Stage, point: Point, calls_outstanding: usize) {
        let here = |one: &&Failpoint| (one.stage, one.point) == (stage, point) && one.calls_min <= calls_outstanding;
        if let Some(failpoint) = self.0.iter().find(here)
            && !failpoint.is_spent.swap(true, Ordering::Relaxed)
        {
            send_to_myself(failpoint.signal);
        }
    }
}

// === impl Failpoint ===

impl Failpoint {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, ':');
        let (stage, point) = (parts.next()?, parts.next()?);
        Some(Self {
            stage: Stage::ALL.into_iter().find(|known| known.as_str() == stage)?,
            point: Point::ALL.into_iter().find(|known| known.as_str() == point)?,
            calls_min: parts.next().map_or(Some(0), |calls| calls.parse().ok())?,
            signal: parts.next().map_or(Some(KILL), |what| (what == "stop").then_some(STOP))?,
            is_spent: AtomicBool::new(false),
        })
    }
}

/// After SIGKILL no destructor runs and nothing is flushed; after SIGSTOP the process goes on from here when it is woken.
fn send_to_myself(signal: &str) {
    let sent =
        std::process::Command::new("kill").args([&format!("-{signal}"), &std::process::id().to_string()]).status();
    if !sent.as_ref().is_ok_and(|status| signal == STOP && status.success()) {
        tracing::error!(?sent, signal, "the failpoint could not signal its process");
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failpoint_reads_from_its_text() {
        let failpoint = Failpoint::parse("dispatch:before-calls:100").expect("a failpoint");
        assert_eq!((failpoint.stage, failpoint.point, failpoint.calls_min), (Stage::Dispatch, Point::BeforeCalls, 100));
        assert_eq!(failpoint.signal, KILL);
        assert_eq!(Failpoint::parse("intake:before-commit:0:stop").expect("a failpoint").signal, STOP);
        for wrong in
            ["dispatch:nowhere", "nobody:before-calls", "dispatch:before-calls:many", "intake:before-commit:0:go"]
        {
            assert!(Failpoint::parse(wrong).is_none(), "{wrong}");
        }
    }
}
