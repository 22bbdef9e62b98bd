//! The caller port over HTTP: one task per call, one answer per task.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use domain::partner::{Partner, Registry};
use domain::phi::Phi;
use domain::{Answer, Call, CallResult, CallVerb, FailureClass, PartnerId};
use fleet::caller::{Caller, Reply};
use fleet::clock::Clock;
use fleet::evidence::Evidence;
use reqwest::{Client, Url, redirect};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::classify::{Errand, failed, not_asked};
use crate::exchange::Conversation;

/// Talks to all partners.
pub struct Partners {
    lines: Arc<Lines>,
    runtime: Handle,
}

/// The ports a conversation needs.
#[derive(Clone)]
pub struct Ports {
    /// Opens dossiers.
    pub phi: Arc<dyn Phi>,
    /// Keeps what comes back.
    pub evidence: Arc<dyn Evidence>,
    /// Tells the time of deadlines and of `Retry-After` dates.
    pub clock: Arc<dyn Clock>,
}

/// The edge's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Our own name, as partners know us.
    pub requester: String,
    /// Where partners reach our callback door, without the path; none where there is no door.
    pub callback_base: Option<String>,
    /// The most calls under way over all partners; each partner's own window is dispatch's business.
    pub calls_max: usize,
    /// The largest answer that is read.
    pub answer_bytes_max: usize,
    /// The most data that is taken in by one call.
    pub data_bytes_max: usize,
}

/// Why the edge can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A partner's address can't be used.
    #[error("partner `{partner}`: base_url is no http address")]
    Address {
        /// The partner.
        partner: PartnerId,
    },
    /// A partner's HTTP client can't be made.
    #[error("partner `{partner}`: the http client can't be made")]
    Client {
        /// The partner.
        partner: PartnerId,
        /// Why.
        source: reqwest::Error,
    },
    /// A partner's callback secret can't be used.
    #[error("partner `{partner}`: callback.secret is not whsec_ and base64")]
    Secret {
        /// The partner.
        partner: PartnerId,
    },
}

/// What the tasks share.
pub(crate) struct Lines {
    pub(crate) ports: Ports,
    pub(crate) options: Options,
    lines: BTreeMap<PartnerId, Line>,
    slots: Semaphore,
}

/// The way to one partner, with a connection pool of its own.
pub(crate) struct Line {
    pub(crate) partner: Partner,
    pub(crate) client: Client,
    base: Url,
}

// === impl Options ===

impl Options {
    /// The settings that hold where the configuration says nothing else.
    pub fn new(requester: impl Into<String>) -> Self {
        Self {
            requester: requester.into(),
            callback_base: None,
            calls_max: 1024,
            answer_bytes_max: 256 * 1024,
            data_bytes_max: 64 * 1024 * 1024,
        }
    }
}

// === impl Partners ===

impl Partners {
    /// Opens a line to every partner of the registry; nothing is sent yet. Calls run on `runtime`.
    ///
    /// # Errors
    /// A partner whose address or client settings can't be used.
    pub fn new(registry: &Registry, ports: Ports, runtime: Handle, options: Options) -> Result<Self, SetupError> {
        let lines = registry.iter().map(|partner| Ok((partner.id.clone(), Line::new(partner)?)));
        let lines = lines.collect::<Result<_, SetupError>>()?;
        let slots = Semaphore::new(options.calls_max.min(Semaphore::MAX_PERMITS));
        Ok(Self { lines: Arc::new(Lines { ports, options, lines, slots }), runtime })
    }
}

impl Caller for Partners {
    fn perform(&self, call: Call, reply: Reply) {
        let lines = Arc::clone(&self.lines);
        self.runtime.spawn(async move {
            let started = Instant::now();
            let result = lines.converse(&call, started).await;
            tell(&call, &result, started.elapsed());
            reply(Answer { operation_id: call.operation_id, attempt: call.attempt, result });
        });
    }
}

/// One line for the log: ids, names and codes, nothing else.
fn tell(call: &Call, result: &CallResult, elapsed: Duration) {
    let (outcome, class, code) = match result {
        CallResult::Completed { .. } => ("completed", None, ""),
        CallResult::Pending { .. } => ("pending", None, ""),
        CallResult::Refused { class, code } => ("refused", Some(class.as_str()), code.as_str()),
        CallResult::Failed { class, code, .. } => ("failed", Some(class.as_str()), code.as_str()),
        CallResult::NotFound => ("not_found", None, ""),
        CallResult::Cancelled => ("cancelled", None, ""),
        CallResult::CancelTooLate => ("cancel_too_late", None, ""),
        CallResult::Compensated => ("compensated", None, ""),
        CallResult::Lost => ("lost", None, ""),
    };
    tracing::debug!(
        partner = %call.route.partner,
        operation_id = %call.operation_id,
        attempt = call.attempt,
        errand = errand(call).as_str(),
        outcome,
        class,
        code,
        elapsed_ms = elapsed.as_millis() as u64,
        "partner called"
    );
}

fn errand(call: &Call) -> Errand {
    match call.verb {
        CallVerb::Send { .. } => Errand::Send,
        CallVerb::Poll { .. } => Errand::Status,
        CallVerb::Query => Errand::Query,
        CallVerb::Cancel { .. } => Errand::Cancel,
        CallVerb::Compensate { .. } => Errand::Compensate,
    }
}

// === impl Lines ===

impl Lines {
    /// Holds one conversation. It ends in time, whatever the partner does: the call's successor relies on it.
    async fn converse(&self, call: &Call, started: Instant) -> CallResult {
        let Some(line) = self.lines.get(&call.route.partner) else {
            return failed(FailureClass::Defect, "partner-unknown");
        };
        let left = i64::saturating_sub(call.deadline.0, self.ports.clock.now_ms());
        let left = Duration::from_millis(u64::try_from(left).unwrap_or(0)).min(line.partner.timeout());
        if left.is_zero() {
            return not_asked("deadline-passed");
        }
        let deadline = started + left;
        let Ok(Ok(_slot)) = timeout_at(deadline, self.slots.acquire()).await else {
            return not_asked("call-slots-taken");
        };
        Conversation { lines: self, line, call, deadline }.hold().await
    }

    pub(crate) fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(u64::try_from(self.ports.clock.now_ms()).unwrap_or(0))
    }
}

// === impl Line ===

impl Line {
    fn new(partner: &Partner) -> Result<Self, SetupError> {
        let address = |()| SetupError::Address { partner: partner.id.clone() };
        let mut base = Url::parse(&partner.base_url).map_err(drop).map_err(address)?;
        base.path_segments_mut().map_err(address)?.pop_if_empty();
        // A connection that the partner closes just when it is used again looks like a lost answer. Where that would cost a
        // review, every call gets a connection of its own.
        let idle_max = if partner.deduplicates || partner.status_query { usize::MAX } else { 0 };
        let client = Client::builder()
            .http1_only()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(partner.timeout() / 2)
            .pool_idle_timeout(Duration::from_secs(15))
            .pool_max_idle_per_host(idle_max)
            .build()
            .map_err(|source| SetupError::Client { partner: partner.id.clone(), source })?;
        Ok(Self { partner: partner.clone(), client, base })
    }

    /// The address below the partner's own that these segments name.
    pub(crate) fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(segments);
        }
        url
    }

    /// An address the partner gave us, if it is the partner's own: what it says must not send us elsewhere.
    pub(crate) fn own_url(&self, text: &str) -> Option<Url> {
        let url = self.base.join(text).ok()?;
        (url.origin() == self.base.origin()).then_some(url)
    }
}
