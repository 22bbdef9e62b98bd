//! Telemetry: the names of all metrics, in one place, and how logs are written.
//!
//! No label or log field carries PHI, a request id as a label, or anything else unbounded.

pub mod metrics;
pub mod logs;
pub mod panics;

pub use logs::{LogFormat, init};
pub use metrics::{Metric, Metrics};
