//! The partner edge opens dossiers and talks to strangers. Whatever a partner says, even if it repeats all it was sent, neither the
//! answers nor the logs nor the evidence on disk show any of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::ids::derive;
use domain::messages::{Ask, Context, PayerRole, Route, Workflow};
use domain::partner::{Partner, Registry};
use domain::person::{ConsentPolicy, Dossier};
use domain::phi::Phi;
use domain::{
    Answer, Call, CallResult, CallVerb, ExchangeId, Lane, OperationId, RecordId, RequestId, Timestamp, Trace,
};
use fleet::caller::Caller;
use partners::{Options, Partners, Ports};
use serde_json::json;
use sha2::{Digest, Sha256};
use tests::clock::{START_MS, VirtualClock};
use tests::leak::places::files;
use tests::leak::{Searcher, canaries};
use tests::{PAYER, SOURCE, Setup};
use tokio::net::TcpListener;
use vault::Vault;

use crate::fates::{good_requests, vault};
use crate::writings::capture_logs;

/// How a partner repeats what it was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Echo {
    /// As the words of a problem.
    Problem(u16),
    /// As a body that is no JSON, in headers too.
    Noise(u16),
    /// As fields that should hold something else.
    Misplaced,
    /// As the address to look at instead.
    Redirect,
    /// As the address of the data.
    Address,
    /// As the data itself.
    Data,
}

const ECHOES: [Echo; 9] = [
    Echo::Problem(400),
    Echo::Problem(422),
    Echo::Problem(500),
    Echo::Noise(200),
    Echo::Noise(503),
    Echo::Misplaced,
    Echo::Redirect,
    Echo::Address,
    Echo::Data,
];

/// The partner: how it repeats, and what it was sent.
#[derive(Clone)]
struct Parrot {
    echo: Echo,
    heard: Arc<Mutex<String>>,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_that_repeats_what_it_hears_is_not_quoted() {
    let logged = capture_logs();
    let directory = tempfile::tempdir().expect("a directory");
    let vault = Arc::new(vault(directory.path()));
    let (request, canaries) = canaries::request("edge", &good_requests()[0]);
    let dossier = Dossier {
        member: request.member,
        coverage_to_match: request.coverage_to_match,
        coverage_to_link: request.coverage_to_link,
        consent: request.consent,
        attestation: request.attestation,
        payload: request.payload,
    };
    let searcher = Searcher::of(&canaries);
    let mut hits = Vec::new();
    for echo in ECHOES {
        let (answer, heard) = ask(&vault, &dossier, echo).await;
        assert!(!searcher.search(heard.as_bytes()).is_empty(), "{echo:?}: the partner was to hear of the member");
        let is_done = matches!(answer.result, CallResult::Completed { .. });
        assert_eq!(is_done, echo == Echo::Data, "{echo:?}: {answer:?}");
        hits.extend(
            searcher.search(format!("{answer:?}").as_bytes()).into_iter().map(|hit| format!("{echo:?}: {hit}")),
        );
    }
    let mut look = |place: &str, bytes: &[u8]| {
        hits.extend(searcher.search(bytes).into_iter().map(|hit| format!("{place}: {hit}")));
    };
    look("the logs", &logged.so_far());
    files(directory.path(), &mut look);
    assert!(directory.path().join("evidence").join("evidence").is_dir(), "the data was kept");
    assert!(hits.is_empty(), "{hits:#?}");
}

/// One send to a partner that repeats; its answer, and what it was sent.
async fn ask(vault: &Arc<Vault>, dossier: &Dossier, echo: Echo) -> (Answer, String) {
    let parrot = Parrot { echo, heard: Arc::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = Router::new().fallback(repeat).with_state(parrot.clone());
    let server = tokio::spawn(async move { axum::serve(listener, router).await });

    let payer = Setup::calm(1).payers.remove(0);
    let partner: Partner = toml::from_str(&payer.partner_toml(&format!("http://{address}"))).expect("a partner");
    let registry = Registry::new([partner]).expect("a registry");
    let clock = Arc::<VirtualClock>::default();
    let ports = Ports { phi: vault.clone(), evidence: vault.claim_check(), clock };
    let runtime = tokio::runtime::Handle::current();
    let partners = Partners::new(&registry, ports, runtime, Options::new(PAYER)).expect("an edge");
    let (reply, answer) = tokio::sync::oneshot::channel();
    let call = call(vault, dossier, &payer.id, echo);
    partners.perform(call, Box::new(|answer| drop(reply.send(answer))));
    let answer = answer.await.expect("an answer");
    server.abort();
    let heard = parrot.heard.lock().expect("nobody panics here").clone();
    (answer, heard)
}

fn call(vault: &Vault, dossier: &Dossier, partner: &str, echo: Echo) -> Call {
    let request_id = RequestId(derive(&[format!("{echo:?}").as_bytes()]));
    let sealed = vault.seal_dossier(request_id, RecordId([1; 16]), dossier).expect("sealed");
    let due_by = Timestamp(START_MS) + Duration::from_secs(3600);
    Call {
        operation_id: OperationId::of_send(request_id),
        attempt: 1,
        route: Route { partner: partner.into(), bucket: 0 },
        context: Context {
            request_id,
            exchange_id: ExchangeId([2; 16]),
            parent_request_id: None,
            source: SOURCE.into(),
            workflow: Workflow::RequestData,
            role: PayerRole::Requester,
            lane: Lane::Urgent,
            counterparty: partner.into(),
            consent: ConsentPolicy::Regular,
            due_by,
            consent_end: None,
            correlation_id: None,
        },
        verb: CallVerb::Send { dossier: sealed, ask: Ask::default() },
        deadline: due_by,
        trace: Trace::default(),
    }
}

/// What the partner answers to anything.
async fn repeat(State(parrot): State<Parrot>, method: Method, headers: HeaderMap, body: String) -> Response {
    let mut heard = parrot.heard.lock().expect("nobody panics here");
    if method == Method::GET {
        return heard.clone().into_response();
    }
    heard.clone_from(&body);
    let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    let word: String = body.chars().filter(char::is_ascii_alphanumeric).collect();
    let state = |url: String| {
        let manifest = json!({ "records": 1, "sha256": hex::encode(Sha256::digest(&body)), "url": url });
        json!({ "status": "completed", "reference": "ref-1", "manifest": manifest }).to_string()
    };
    let (status, location, answer) = match parrot.echo {
        Echo::Problem(status) => {
            let problem = json!({ "type": "about:blank", "title": body, "detail": body, "instance": body, "x": body });
            (status, String::new(), problem.to_string())
        }
        Echo::Noise(status) => (status, word, body.clone()),
        Echo::Misplaced => (200, word, json!({ "status": body, "reference": body, "manifest": body }).to_string()),
        Echo::Redirect => (307, format!("http://{host}/{word}"), String::new()),
        Echo::Address => (200, String::new(), state(format!("http://elsewhere.invalid/{word}"))),
        Echo::Data => (200, String::new(), state(format!("http://{host}/data"))),
    };
    let status = StatusCode::from_u16(status).expect("a status");
    (status, [("content-type", "application/json".to_owned()), ("location", location)], answer).into_response()
}
