//! The door over real HTTP: who gets in, and what comes of it.

use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::*;
use crate::fixture::{NOW, OPERATION, REQUEST, Standing, partner};

const BODY: &str = r#"{"operation_id":"07070707-0707-0707-0707-070707070707","reference":"ref-1","status":"failed",
    "problem":{"type":"https://partner.example/problems/no-match"}}"#;
const PATH: &str = "/callbacks/evergreen/05050505-0505-0505-0505-050505050505";
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Keeps what it is given; full on demand.
#[derive(Default)]
struct Tray {
    taken: Mutex<Vec<(PartnerMessage, Option<Trace>)>>,
    full: bool,
}

impl Sink for Tray {
    fn take(&self, message: PartnerMessage, trace: Option<Trace>) -> BoxFuture<'_, Result<(), SinkError>> {
        Box::pin(async move {
            if self.full {
                return Err(SinkError("no space left".into()));
            }
            self.taken.lock().unwrap().push((message, trace));
            Ok(())
        })
    }
}

/// Opens the door to one delivery. `key` is what the partner signs with.
async fn deliver(tray: &Arc<Tray>, key: &[u8], path: &str, body: &str) -> u16 {
    let mut registered = partner("http://127.0.0.1:1");
    registered.buckets = 4;
    let registry = Registry::new([registered]).unwrap();
    let router = router(&registry, Arc::clone(tray) as _, Arc::new(Standing), TOLERANCE).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let timestamp = (NOW.0 / 1000).to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(format!("msg-1.{timestamp}.{body}").as_bytes());
    let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    let answer = reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .post(format!("http://{address}{path}"))
        .header("webhook-id", "msg-1")
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", signature)
        .header("traceparent", TRACEPARENT)
        .body(body.to_owned())
        .send()
        .await
        .unwrap();
    server.abort();
    answer.status().as_u16()
}

#[tokio::test]
async fn a_signed_callback_becomes_a_message() {
    let tray = Arc::default();
    assert_eq!(deliver(&tray, b"secret", PATH, BODY).await, 204);
    let wanted = PartnerMessage {
        request_id: REQUEST,
        route: Route { partner: "evergreen".into(), bucket: 1 },
        operation_id: OPERATION,
        message_id: "msg-1".into(),
        reference: "ref-1".into(),
        status: PartnerStatus::Failed,
        manifest: None,
        code: Some("no-match".into()),
        received_at: NOW,
    };
    assert_eq!(*tray.taken.lock().unwrap(), [(wanted, Trace::parse(TRACEPARENT))]);
}

#[tokio::test]
async fn a_manifest_comes_with_it() {
    let manifest = format!(r#"{{"records":3,"sha256":"{}","url":"https://x"}}"#, "0a".repeat(32));
    let body = format!(
        r#"{{"operation_id":"07070707-0707-0707-0707-070707070707","reference":"r","status":"completed","manifest":{manifest}}}"#
    );
    let tray = Arc::default();
    assert_eq!(deliver(&tray, b"secret", PATH, &body).await, 204);
    let manifest = tray.taken.lock().unwrap()[0].0.manifest.unwrap();
    assert_eq!((manifest.records, manifest.sha256), (3, [10; 32]));
    assert_eq!(deliver(&tray, b"secret", PATH, &body.replace("0a0a", "zz")).await, 400);
}

#[tokio::test]
async fn whoever_does_not_belong_stays_outside() {
    let tray = Arc::default();
    let request = "05050505-0505-0505-0505-050505050505";
    assert_eq!(deliver(&tray, b"another", PATH, BODY).await, 401);
    assert_eq!(deliver(&tray, b"secret", &format!("/callbacks/nobody/{request}"), BODY).await, 404);
    assert_eq!(deliver(&tray, b"secret", "/callbacks/evergreen/5", BODY).await, 400);
    assert_eq!(deliver(&tray, b"secret", PATH, "{}").await, 400);
    assert_eq!(deliver(&tray, b"secret", PATH, &BODY.replace("0707-", "")).await, 400);
    assert_eq!(deliver(&tray, b"secret", PATH, &BODY.replace("ref-1", "a b")).await, 400);
    assert_eq!(deliver(&tray, b"secret", PATH, &format!("{BODY}{}", " ".repeat(BODY_BYTES_MAX))).await, 413);
    assert!(tray.taken.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_message_that_can_not_be_written_is_asked_for_again() {
    let tray = Arc::new(Tray { full: true, ..Tray::default() });
    assert_eq!(deliver(&tray, b"secret", PATH, BODY).await, 503);
}

#[test]
fn a_secret_that_is_none_is_named_at_the_start() {
    let mut registered = partner("http://127.0.0.1:1");
    registered.callback = Some(domain::partner::CallbackDoor { secret: "whsec_no base64".into() });
    let registry = Registry::new([registered]).unwrap();
    let error = router(&registry, Arc::<Tray>::default(), Arc::new(Standing), TOLERANCE).unwrap_err();
    assert_eq!(error.to_string(), "partner `evergreen`: callback.secret is not whsec_ and base64");
}
