//! Delivers callbacks as Standard Webhooks: signed, repeated until the receiver takes them or the tries are used up.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use sha2::Sha256;
use tokio::task::JoinSet;

use super::callback::Callback;
use super::server::{Desk, epoch_ms};

const TRIES_MAX: u32 = 8;
const OUTSTANDING_MAX: usize = 64;
/// How long the sender rests when no callback is promised; a new promise wakes it.
const REST: Duration = Duration::from_secs(3600);

/// The `webhook-signature` of a message: HMAC-SHA256 over `id.timestamp.body`, in the scheme `v1`. The secret is
/// `whsec_` and base64; `None` when it is not.
pub(super) fn signature(secret: &str, webhook_id: &str, timestamp_s: i64, body: &[u8]) -> Option<String> {
    let key = STANDARD.decode(secret.strip_prefix("whsec_")?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{webhook_id}.{timestamp_s}.").as_bytes());
    mac.update(body);
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

/// Sends every callback of a payer when it comes due. Runs until it is aborted, and takes its deliveries with it.
pub(super) async fn send_callbacks(desk: Arc<Desk>, client: Client) {
    let mut deliveries = JoinSet::new();
    loop {
        while let Some(callback) = desk.poll_callback() {
            if deliveries.len() >= OUTSTANDING_MAX {
                deliveries.join_next().await;
            }
            deliveries.spawn(deliver(Arc::clone(&desk), client.clone(), callback));
        }
        let wait = desk
            .next_callback_ms()
            .map_or(REST, |due_ms| Duration::from_millis(u64::try_from(due_ms - epoch_ms()).unwrap_or_default()));
        tokio::select! {
            () = desk.promised() => {}
            () = tokio::time::sleep(wait) => {}
            Some(_) = deliveries.join_next() => {}
        }
    }
}

async fn deliver(desk: Arc<Desk>, client: Client, callback: Callback) {
    let payer = desk.payer();
    let body = serde_json::to_vec(&callback.message).expect("a callback message is plain data");
    let mut answered = String::new();
    for attempt in 0..TRIES_MAX {
        let timestamp_s = epoch_ms() / 1000;
        let signed = signature(&payer.callback_secret, &callback.webhook_id, timestamp_s, &body);
        let sent = client
            .post(&*callback.url)
            .timeout(Duration::from_millis(payer.timeout_ms))
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &callback.webhook_id)
            .header("webhook-timestamp", timestamp_s)
            .header("webhook-signature", signed.unwrap_or_default())
            .body(body.clone())
            .send()
            .await;
        answered = match sent {
            Ok(answer) if answer.status().is_success() => return,
            Ok(answer) => answer.status().to_string(),
            Err(error) => error.without_url().to_string(),
        };
        let wait_ms = (payer.backoff_ms << attempt).min(payer.backoff_ms_max);
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
    }
    tracing::warn!(payer = payer.id, callback.id = callback.webhook_id, answered, "callback given up");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks documentation.
    #[test]
    fn the_signature_is_the_one_of_the_standard() {
        let signed = signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signed.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }
}
