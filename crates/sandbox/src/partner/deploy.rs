//! Writes the partner file that tells a dispatch worker how to reach a payer.

use serde::Serialize;

use super::payer::{Completion, Payer};

/// Calls that a dispatch worker may have outstanding with one payer.
const OUTSTANDING_MAX: u32 = 64;
/// Attempts per operation: more than the faulty ones, so that an operation can end.
const ATTEMPTS_MAX: u32 = 6;

#[derive(Serialize)]
struct PartnerFile<'a> {
    id: &'a str,
    name: &'a str,
    base_url: &'a str,
    adapter: &'a str,
    deduplicates: bool,
    status_query: bool,
    completion: Completion,
    buckets: u32,
    limits: Limits,
    retry: Retry,
    callback: CallbackSecret<'a>,
}

#[derive(Serialize)]
struct Limits {
    outstanding_max: u32,
    timeout_ms: u64,
}

#[derive(Serialize)]
struct Retry {
    attempts_max: u32,
    backoff_ms: u64,
    backoff_ms_max: u64,
}

#[derive(Serialize)]
struct CallbackSecret<'a> {
    secret: &'a str,
}

impl Payer {
    /// The text of `deploy/partners/<id>.toml` for this payer where it answers at `base_url`.
    pub fn partner_toml(&self, base_url: &str) -> String {
        let file = PartnerFile {
            id: &self.id,
            name: &self.name,
            base_url,
            adapter: "rest",
            deduplicates: self.deduplicates,
            status_query: self.status_query,
            completion: self.completion,
            buckets: 1,
            limits: Limits { outstanding_max: OUTSTANDING_MAX, timeout_ms: self.timeout_ms },
            retry: Retry {
                attempts_max: ATTEMPTS_MAX,
                backoff_ms: self.backoff_ms,
                backoff_ms_max: self.backoff_ms_max,
            },
            callback: CallbackSecret { secret: &self.callback_secret },
        };
        toml::to_string(&file).expect("a partner file is plain data")
    }
}

#[cfg(test)]
mod tests {
    use crate::partner::standard_payers;

    #[test]
    fn the_file_says_what_the_payer_is_like() {
        let payers = standard_payers(1);
        let payer = payers.iter().find(|payer| payer.id == "cedarfall").unwrap();
        let text = payer.partner_toml("http://127.0.0.1:4711/cedarfall");
        let file: toml::Table = text.parse().unwrap();
        assert_eq!(file["id"].as_str(), Some("cedarfall"));
        assert_eq!(file["base_url"].as_str(), Some("http://127.0.0.1:4711/cedarfall"));
        assert_eq!(file["deduplicates"].as_bool(), Some(false));
        assert_eq!(file["completion"].as_str(), Some("callback"));
        assert_eq!(file["limits"]["timeout_ms"].as_integer(), Some(2_000));
        assert_eq!(file["retry"]["attempts_max"].as_integer(), Some(6));
        assert!(file["callback"]["secret"].as_str().unwrap().starts_with("whsec_"));
    }
}
