//! What can happen to a request, and what it has come to.
//!
//! [`event`] lists the facts ([`grounds`] what they refer to, [`evidence`] why identity decided), [`state`] the states, [`fold`] joins them, [`workflow`] says which steps a workflow takes, and
//! [`deadline`] how long each may take.

pub mod deadline;
pub mod evidence;
pub mod grounds;
pub mod event;
pub mod fold;
pub mod state;
pub mod workflow;

pub use deadline::{Clocks, Deadline};
pub use event::{EventBody, LifecycleEvent};
pub use fold::{Anomaly, Lifecycle, Step};
pub use grounds::PolicyRef;
pub use state::{Progress, State, TerminalOutcome};
