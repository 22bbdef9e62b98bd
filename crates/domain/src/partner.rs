//! The partner registry: the payers we exchange with, what each can do and how hard it may be pressed. Plain data, read from one
//! TOML file per partner by an edge and shared, read-only, by everyone who routes, admits or calls.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use crate::PartnerId;

/// One partner.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    /// The name in routes, keys and metrics: lower-case letters, digits and hyphens.
    pub id: PartnerId,
    /// The name people read.
    pub name: String,
    /// How to talk to it.
    pub adapter: Adapter,
    /// Where it is reached. Opaque to everyone but the adapter.
    pub base_url: String,
    /// Whether a repeated idempotency key repeats the answer and not the effect.
    pub deduplicates: bool,
    /// Whether it can be asked by idempotency key what became of an attempt.
    pub status_query: bool,
    /// How it lets us know that it is done.
    pub completion: Completion,
    /// Into how many routes its work is split; each has its share of the limits.
    #[serde(default = "one")]
    pub buckets: u32,
    /// How hard it may be pressed.
    pub limits: Limits,
    /// How failed calls are repeated.
    pub retry: Retry,
    /// How its callbacks are verified; none where it makes none.
    #[serde(default)]
    pub callback: Option<CallbackDoor>,
}

/// How to talk to a partner.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Adapter {
    /// The generic exchange protocol over HTTP.
    Rest,
}

/// How a partner finishes an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completion {
    /// The answer to the request brings the result.
    Immediate,
    /// It is asked until it is done.
    Poll,
    /// It calls back when it is done. Asking works as well, and is what remains when the callback is lost.
    Callback,
}

/// How hard a partner may be pressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The most calls under way at once, over all buckets.
    pub outstanding_max: u32,
    /// How long one call may take.
    pub timeout_ms: u64,
}

/// How failed calls are repeated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// The most failures without progress before an operation is given up.
    /// Failures that are nobody's fault but the partner's, as while it is away, are spared until there were a hundred.
    pub attempts_max: u32,
    /// The ceiling of the first pause; it doubles with each failure.
    pub backoff_ms: u64,
    /// The highest ceiling of a pause.
    pub backoff_ms_max: u64,
}

/// How a partner's callbacks are verified.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallbackDoor {
    /// The Standard Webhooks secret: `whsec_` and base64.
    pub secret: Secret,
}

/// A secret text; `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

/// All partners, each valid and registered once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Registry {
    partners: BTreeMap<PartnerId, Partner>,
}

/// Something wrong in the registration of a partner.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("partner `{partner}`: {field} {problem}")]
pub struct Mistake {
    /// The partner, as it names itself.
    pub partner: PartnerId,
    /// The field at fault.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
}

// === impl Partner ===

impl Partner {
    /// How many calls one of the buckets may have under way: its share of the partner's limit, never none.
    pub fn window(&self, bucket: u32) -> u32 {
        let buckets = self.buckets.max(1);
        let remainder = self.limits.outstanding_max % buckets;
        (self.limits.outstanding_max / buckets + u32::from(bucket < remainder)).max(1)
    }

    /// How long one call may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.limits.timeout_ms)
    }

    /// Everything wrong with this registration.
    pub fn mistakes(&self) -> Vec<Mistake> {
        let Limits { outstanding_max, timeout_ms } = self.limits;
        let Retry { attempts_max, backoff_ms, backoff_ms_max } = self.retry;
        let http = self.base_url.starts_with("https://") || self.base_url.starts_with("http://");
        let callback_missing = self.completion == Completion::Callback && self.callback.is_none();
        let secret_malformed = self.callback.as_ref().is_some_and(|door| !door.secret.expose().starts_with("whsec_"));
        [
            (is_slug(self.id.as_str()), "id", "must be 1 to 40 lower-case letters, digits and hyphens"),
            (!self.name.trim().is_empty(), "name", "is empty"),
            (http, "base_url", "must begin with https:// or http://"),
            ((1..=1024).contains(&self.buckets), "buckets", "must be 1 to 1024"),
            ((1..=100_000).contains(&outstanding_max), "limits.outstanding_max", "must be 1 to 100000"),
            (self.buckets <= outstanding_max.max(1), "buckets", "must not exceed limits.outstanding_max"),
            ((1..=3_600_000).contains(&timeout_ms), "limits.timeout_ms", "must be 1 to 3600000"),
            ((1..=1_000).contains(&attempts_max), "retry.attempts_max", "must be 1 to 1000"),
            ((1..=86_400_000).contains(&backoff_ms), "retry.backoff_ms", "must be 1 to 86400000"),
            (backoff_ms_max <= 86_400_000, "retry.backoff_ms_max", "must be at most 86400000"),
            (backoff_ms <= backoff_ms_max, "retry.backoff_ms_max", "must not be below retry.backoff_ms"),
            (!callback_missing, "callback", "is needed where completion is \"callback\""),
            (!secret_malformed, "callback.secret", "must begin with whsec_"),
        ]
        .into_iter()
        .filter(|(fine, ..)| !fine)
        .map(|(_, field, problem)| Mistake { partner: self.id.clone(), field, problem })
        .collect()
    }
}

fn is_slug(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn one() -> u32 {
    1
}

// === impl Secret ===

impl Secret {
    /// The text itself, for whoever verifies with it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

// === impl Registry ===

impl Registry {
    /// A registry of these partners, or every mistake in them at once.
    pub fn new(partners: impl IntoIterator<Item = Partner>) -> Result<Self, Vec<Mistake>> {
        let mut registry = Self::default();
        let mut mistakes = Vec::new();
        for partner in partners {
            mistakes.extend(partner.mistakes());
            let id = partner.id.clone();
            if registry.partners.insert(id.clone(), partner).is_some() {
                mistakes.push(Mistake { partner: id, field: "id", problem: "is registered twice" });
            }
        }
        if mistakes.is_empty() { Ok(registry) } else { Err(mistakes) }
    }

    /// The partner of this id.
    pub fn get(&self, id: &PartnerId) -> Option<&Partner> {
        self.partners.get(id)
    }

    /// All partners, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Partner> {
        self.partners.values()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn partner(id: &str) -> Partner {
        serde_json::from_value(json!({
            "id": id,
            "name": "Evergreen",
            "adapter": "rest",
            "base_url": "https://evergreen.example",
            "deduplicates": true,
            "status_query": true,
            "completion": "callback",
            "buckets": 3,
            "limits": {"outstanding_max": 8, "timeout_ms": 1_000},
            "retry": {"attempts_max": 5, "backoff_ms": 100, "backoff_ms_max": 5_000},
            "callback": {"secret": "whsec_c2VjcmV0"},
        }))
        .expect("a partner")
    }

    #[test]
    fn buckets_share_the_window_without_loss() {
        let partner = partner("evergreen");
        assert_eq!((0..3).map(|bucket| partner.window(bucket)).collect::<Vec<_>>(), [3, 3, 2]);
    }

    #[test]
    fn a_registry_names_every_mistake_at_once() {
        let broken = Partner {
            name: String::new(),
            base_url: "ftp://evergreen.example".into(),
            buckets: 9,
            callback: None,
            retry: Retry { attempts_max: 0, backoff_ms: 10, backoff_ms_max: 5 },
            ..partner("Ever Green")
        };
        let mistakes = Registry::new([partner("a"), broken, partner("a")]).expect_err("mistakes");
        let fields: Vec<_> = mistakes.iter().map(|mistake| mistake.field).collect();
        let wanted =
            ["id", "name", "base_url", "buckets", "retry.attempts_max", "retry.backoff_ms_max", "callback", "id"];
        assert_eq!(fields, wanted);
        assert_eq!(mistakes[7].to_string(), "partner `a`: id is registered twice");
    }

    #[test]
    fn secrets_stay_out_of_debug_output() {
        assert!(!format!("{:?}", partner("a")).contains("whsec_"));
    }
}
