//! Failpoints: a process that ends itself, as if killed, at a named point of a turn. For tests of what survives.
//!
//! `WAYBILL_FAILPOINT=<stage>:<point>:<calls>` ends the process with SIGKILL the first time `stage` reaches `point` with at least
//! `calls` calls outstanding, for example `dispatch:before-calls:100`.

use domain::messages::Stage;
use fleet::probe::{NoProbe, Point, Probe};
use std::sync::Arc;

/// The environment variable that sets one.
pub(crate) const VARIABLE: &str = "WAYBILL_FAILPOINT";

/// One failpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failpoint {
    stage: Stage,
    point: Point,
    calls_min: usize,
}

impl Failpoint {
    /// Reads the variable's text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        let (stage, point) = (parts.next()?, parts.next()?);
        Some(Self {
            stage: Stage::ALL.into_iter().find(|known| known.as_str() == stage)?,
            point: Point::ALL.into_iter().find(|known| known.as_str() == point)?,
            calls_min: parts.next().map_or(Some(0), |calls| calls.parse().ok())?,
        })
    }

    /// The probe that the environment asks for: none in production.
    pub(crate) fn from_environment() -> Arc<dyn Probe> {
        match std::env::var(VARIABLE).ok().as_deref().and_then(Self::parse) {
            Some(failpoint) => Arc::new(failpoint),
            None => Arc::new(NoProbe),
        }
    }
}

impl Probe for Failpoint {
    fn reached(&self, stage: Stage, point: Point, calls_outstanding: usize) {
        if (stage, point) == (self.stage, self.point) && self.calls_min <= calls_outstanding {
            end_at_once();
        }
    }
}

/// SIGKILL: no destructor runs, nothing is flushed.
fn end_at_once() {
    let killed = std::process::Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
    tracing::error!(?killed, "the failpoint could not kill the process");
    std::process::abort();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failpoint_reads_from_its_text() {
        let failpoint = Failpoint::parse("dispatch:before-calls:100").expect("a failpoint");
        assert_eq!((failpoint.stage, failpoint.point, failpoint.calls_min), (Stage::Dispatch, Point::BeforeCalls, 100));
        assert_eq!(Failpoint::parse("dispatch:nowhere"), None);
        assert_eq!(Failpoint::parse("nobody:before-calls"), None);
    }
}
