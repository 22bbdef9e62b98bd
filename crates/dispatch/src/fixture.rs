//! What the tests of this crate share.

use domain::PartnerId;
use domain::partner::{Adapter, Completion, Limits, Partner, Retry};

/// A partner that deduplicates and can be queried; tests take abilities away from it.
pub(crate) fn partner(id: &str, completion: Completion) -> Partner {
    Partner {
        id: PartnerId::from(id),
        name: id.to_owned(),
        adapter: Adapter::Rest,
        base_url: "https://partner.example".into(),
        deduplicates: true,
        status_query: true,
        completion,
        buckets: 1,
        limits: Limits { outstanding_max: 2, timeout_ms: 2_000 },
        retry: Retry { attempts_max: 4, backoff_ms: 100, backoff_ms_max: 5_000 },
        callback: None,
    }
}
