//! The caller port: who performs the calls that decisions ask for.

use domain::{Answer, Call};

/// Where an answer goes. Called exactly once per call, from any thread; dropping it unanswered counts as lost.
pub type Reply = Box<dyn FnOnce(Answer) + Send>;

/// Performs calls outside the log. The `partners` edge implements it over HTTP; the simulation and benches model it.
pub trait Caller: Send + Sync {
    /// Begins a call and returns at once; the answer comes through `reply`.
    fn perform(&self, call: Call, reply: Reply);
}
