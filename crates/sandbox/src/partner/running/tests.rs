use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::*;
use crate::partner::fault::{Fault, FaultRates};
use crate::partner::payer::RefusalRates;
use crate::partner::webhook::signature;

/// Payers that refuse nothing and misbehave as told, fifty times as fast as in life.
async fn start(faults: FaultRates) -> RunningSandbox {
    let standard = SandboxOptions::standard(1);
    let refusals = RefusalRates { no_match: 0, multiple_matches: 0, consent: 0 };
    let payers = standard.payers.iter().map(|payer| Payer { faults, refusals, ..payer.clone() }).collect();
    Sandbox::start(SandboxOptions { payers, scale: 0.02, ..standard }).await.unwrap()
}

fn body(operation: Uuid, callback_url: Option<&str>) -> Value {
    json!({
        "operation_id": operation,
        "kind": "request",
        "requester": "new-payer",
        "member": {"family": "Sample", "given": ["Avery"], "birth_date": "1984-02-29"},
        "coverage_to_match": {"payer": "old-payer", "member_id": "M-1"},
        "consent": {"policy": "regular", "start": "2026-01-01", "end": "2027-01-01", "reference": "consent/1"},
        "attestation": {"by": "new-payer"},
        "ask": {"resource_types": ["Observation", "Condition"]},
        "callback_url": callback_url,
    })
}

async fn send(
    client: &Client,
    base_url: &str,
    operation: Uuid,
    callback_url: Option<&str>,
) -> reqwest::Result<Response> {
    client
        .post(format!("{base_url}/exchanges"))
        .header("idempotency-key", format!("\"{operation}\""))
        .json(&body(operation, callback_url))
        .send()
        .await
}

/// Serves one path that hands on every callback it gets.
async fn receiver() -> (String, mpsc::UnboundedReceiver<(HeaderMap, Bytes)>) {
    type Inbox = mpsc::UnboundedSender<(HeaderMap, Bytes)>;
    let (inbox, callbacks) = mpsc::unbounded_channel();
    let take = |State(inbox): State<Inbox>, headers: HeaderMap, body: Bytes| async move {
        inbox.send((headers, body)).unwrap();
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/callbacks", listener.local_addr().unwrap());
    let router = Router::new().route("/callbacks", post(take)).with_state(inbox);
    tokio::spawn(axum::serve(listener, router).into_future());
    (url, callbacks)
}

fn assert_fits(manifest: &Value, data: &str) {
    assert_eq!(manifest["records"], data.lines().count());
    assert_eq!(manifest["sha256"], hex::encode(Sha256::digest(data)));
}

#[tokio::test]
async fn an_exchange_over_http_is_answered_fetched_and_counted() {
    let sandbox = start(FaultRates::NONE).await;
    let (client, operation) = (Client::new(), Uuid::from_u128(1));
    let base_url = sandbox.base_url("evergreen");

    let first = send(&client, &base_url, operation, None).await.unwrap();
    assert_eq!(first.status(), StatusCode::OK);
    let first: Value = first.json().await.unwrap();
    assert_eq!(first["status"], "completed");
    let again: Value = send(&client, &base_url, operation, None).await.unwrap().json().await.unwrap();
    assert_eq!(first, again);

    let data = client.get(first["manifest"]["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(data.headers()["content-type"], "application/fhir+ndjson");
    assert_fits(&first["manifest"], &data.text().await.unwrap());

    let by_key = format!("{base_url}/exchanges?idempotency_key={operation}");
    assert_eq!(client.get(by_key).send().await.unwrap().json::<Value>().await.unwrap(), first);
    let cancel = format!("{base_url}/exchanges/{}", first["reference"].as_str().unwrap());
    let cancel = client.delete(cancel).send().await.unwrap();
    assert_eq!(
        (cancel.status(), &cancel.headers()["content-type"]),
        (StatusCode::CONFLICT, &"application/problem+json".parse().unwrap())
    );
    let problem: Value = cancel.json().await.unwrap();
    assert!(problem["type"].as_str().unwrap().ends_with("/already-completed"));

    let url = format!("http://{}/oracle", sandbox.address());
    let oracle: Value = client.get(url).send().await.unwrap().json().await.unwrap();
    assert_eq!(oracle, serde_json::to_value(sandbox.oracle()).unwrap());
    assert_eq!((&oracle["totals"]["performed"], &oracle["performed_twice"]), (&json!(1), &json!({})));
    assert_eq!(sandbox.effects()[&operation].sends, 2);
    sandbox.shutdown().await;
}

#[tokio::test]
async fn a_callback_is_signed_and_its_duplicate_has_the_same_id() {
    let sandbox = start(FaultRates { callback_duplicate: 1000, ..FaultRates::NONE }).await;
    let (url, mut callbacks) = receiver().await;
    let (client, operation) = (Client::new(), Uuid::from_u128(2));
    let accepted = send(&client, &sandbox.base_url("cedarfall"), operation, Some(&url)).await.unwrap();
    assert_eq!(accepted.status(), StatusCode::ACCEPTED);
    assert_eq!(accepted.headers()["retry-after"], "0.020");
    let accepted: Value = accepted.json().await.unwrap();

    let (headers, body) = callbacks.recv().await.unwrap();
    let text = |name: &str| headers[name].to_str().unwrap().to_owned();
    let secret = &sandbox.payers().find(|payer| payer.id == "cedarfall").unwrap().callback_secret;
    let expected = signature(secret, &text("webhook-id"), text("webhook-timestamp").parse().unwrap(), &body);
    assert_eq!(Some(text("webhook-signature")), expected);

    let message: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&message["operation_id"], &message["status"]), (&json!(operation), &json!("completed")));
    assert_eq!(message["reference"], accepted["reference"]);
    let data = client.get(message["manifest"]["url"].as_str().unwrap()).send().await.unwrap();
    assert_fits(&message["manifest"], &data.text().await.unwrap());

    let (duplicate, again) = callbacks.recv().await.unwrap();
    assert_eq!((&duplicate["webhook-id"], again), (&headers["webhook-id"], body));
}

#[tokio::test]
async fn faults_of_the_wire_reach_the_caller() {
    let one = |rates: FaultRates| FaultRates { attempts_faulty_max: 1, ..rates };
    let (client, operation) = (Client::new(), Uuid::from_u128(3));

    for (rates, fault, performed) in [
        (one(FaultRates { closed_before: 1000, ..FaultRates::NONE }), Fault::ClosedBefore, 0),
        (one(FaultRates { closed_after: 1000, ..FaultRates::NONE }), Fault::ClosedAfter, 1),
    ] {
        let sandbox = start(rates).await;
        let lost = send(&client, &sandbox.base_url("evergreen"), operation, None).await;
        assert!(lost.unwrap_err().is_request(), "no answer comes");
        assert_eq!((sandbox.oracle().totals.performed, sandbox.oracle().totals.faults_of(fault)), (performed, 1));
        let found = send(&client, &sandbox.base_url("evergreen"), operation, None).await.unwrap();
        assert_eq!((found.status(), sandbox.oracle().totals.performed), (StatusCode::OK, 1));
    }

    let sandbox = start(one(FaultRates { truncated: 1000, ..FaultRates::NONE })).await;
    let truncated = send(&client, &sandbox.base_url("evergreen"), operation, None).await.unwrap();
    assert_eq!(truncated.status(), StatusCode::OK);
    assert!(truncated.bytes().await.is_err(), "the body breaks off");

    let sandbox = start(one(FaultRates { malformed: 1000, ..FaultRates::NONE })).await;
    let malformed = send(&client, &sandbox.base_url("evergreen"), operation, None).await.unwrap();
    let malformed = malformed.bytes().await.unwrap();
    assert!(serde_json::from_slice::<Value>(&malformed).is_err(), "the body comes whole but is not JSON");
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused_with_a_reason() {
    let sandbox = start(FaultRates::NONE).await;
    let (client, operation) = (Client::new(), Uuid::from_u128(4));
    let exchanges = format!("{}/exchanges", sandbox.base_url("evergreen"));
    let key = format!("\"{operation}\"");
    let mut unconsented = body(operation, None);
    unconsented.as_object_mut().unwrap().shift_remove("consent");

    for (key, body, status, code) in [
        (Some(&*key), "not json".to_owned(), 400, "invalid-request"),
        (Some(&*key), unconsented.to_string(), 400, "invalid-request"),
        (Some("unquoted"), body(operation, None).to_string(), 400, "invalid-request"),
        (None, body(operation, None).to_string(), 400, "idempotency-key-missing"),
        (
            Some("\"00000000-0000-0000-0000-000000000009\""),
            body(operation, None).to_string(),
            400,
            "idempotency-key-mismatch",
        ),
    ] {
        let request = client.post(&exchanges).body(body);
        let request = key.into_iter().fold(request, |request, key| request.header("idempotency-key", key));
        let refused = request.send().await.unwrap();
        assert_eq!(refused.status(), status);
        let problem: Value = refused.json().await.unwrap();
        assert_eq!(problem["type"], format!("https://sandbox.example/problems/{code}"));
    }
    let nobody = send(&client, &sandbox.base_url("nobody"), operation, None).await.unwrap();
    assert_eq!(nobody.status(), StatusCode::NOT_FOUND);
    assert_eq!(sandbox.oracle().totals.operations, 0);
}
