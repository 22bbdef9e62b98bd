//! Standard Webhooks signatures: HMAC-SHA256 over `id.timestamp.body`, compared in constant time. Pure.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::Timestamp;
use domain::partner::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The headers of a webhook.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    /// `webhook-id`: the sender's id of the message, the same for every delivery of it.
    pub id: &'a str,
    /// `webhook-timestamp`: when this delivery was sent, in seconds since the epoch.
    pub timestamp: &'a str,
    /// `webhook-signature`: `v1,` and base64, any number of them with spaces between (a sender that rotates keys signs with both).
    pub signature: &'a str,
}

/// The key of a secret: `whsec_` and base64.
pub fn key(secret: &Secret) -> Option<Vec<u8>> {
    let key = STANDARD.decode(secret.expose().strip_prefix("whsec_")?).ok()?;
    (!key.is_empty()).then_some(key)
}

/// Whether a message was signed with this key, and not longer ago, or further ahead, than `tolerance`.
pub fn verify(key: &[u8], headers: Headers<'_>, body: &[u8], now: Timestamp, tolerance: Duration) -> bool {
    let Ok(seconds) = headers.timestamp.parse::<i64>() else { return false };
    let sent = Timestamp(seconds.saturating_mul(1000));
    if tolerance < now.since(sent).max(sent.since(now)) {
        return false;
    }
    let signatures = headers.signature.split(' ').filter_map(|signature| signature.strip_prefix("v1,"));
    signatures.filter_map(|signature| STANDARD.decode(signature).ok()).any(|signature| {
        Hmac::<Sha256>::new_from_slice(key).is_ok_and(|mut mac| {
            mac.update(headers.id.as_bytes());
            mac.update(b".");
            mac.update(headers.timestamp.as_bytes());
            mac.update(b".");
            mac.update(body);
            mac.verify_slice(&signature).is_ok()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SENT: Timestamp = Timestamp(1_614_265_330_000);
    const TOLERANCE: Duration = Duration::from_secs(300);

    /// The example of the Standard Webhooks documentation.
    fn headers() -> Headers<'static> {
        Headers {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            timestamp: "1614265330",
            signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        }
    }

    fn documented_key() -> Vec<u8> {
        key(&"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into()).unwrap()
    }

    #[test]
    fn the_documented_example_verifies_while_it_is_fresh() {
        let verified = |now| verify(&documented_key(), headers(), BODY, now, TOLERANCE);
        assert!(verified(SENT) && verified(SENT + TOLERANCE) && verified(SENT - TOLERANCE));
        let more = TOLERANCE + Duration::from_millis(1);
        assert!(!verified(SENT + more) && !verified(SENT - more));
    }

    #[test]
    fn one_of_several_signatures_suffices() {
        let signature = "v1a,xyz v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert!(verify(&documented_key(), Headers { signature, ..headers() }, BODY, SENT, TOLERANCE));
    }

    #[test]
    fn whatever_is_altered_does_not_verify() {
        let broken = [
            Headers { id: "msg_other", ..headers() },
            Headers { timestamp: "1614265331", ..headers() },
            Headers { timestamp: "soon", ..headers() },
            Headers { signature: "", ..headers() },
            Headers { signature: "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", ..headers() },
            Headers { signature: "v1,not base64", ..headers() },
        ];
        for headers in broken {
            assert!(!verify(&documented_key(), headers, BODY, SENT, TOLERANCE), "{headers:?}");
        }
        assert!(!verify(&documented_key(), headers(), b"{}", SENT, TOLERANCE));
        assert!(!verify(b"another key", headers(), BODY, SENT, TOLERANCE));
    }

    #[test]
    fn secrets_are_whsec_and_base64() {
        for text in ["", "whsec_", "c2VjcmV0", "whsec_no base64"] {
            assert_eq!(key(&text.into()), None, "{text}");
        }
    }
}
