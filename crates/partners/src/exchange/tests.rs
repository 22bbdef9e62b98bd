//! Conversations with a scripted partner: what goes over the wire, and what each outcome comes to.

use std::sync::Arc;

use domain::messages::{Route, Workflow};
use domain::partner::{Limits, Partner, Registry};
use domain::{Answer, FailureClass};
use fleet::caller::Caller;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::*;
use crate::caller::{Options, Partners, Ports};
use crate::fixture::{
    OPERATION_TEXT, Opener, Scripted, Seen, Shelf, Standing, Turn, call, http, partner, poll, problem, sealed, send,
    state,
};

const DATA: &str = "{\"resourceType\":\"Patient\"}\n{\"resourceType\":\"Condition\"}\n\n{\"resourceType\":\"Claim\"}";
const ACCEPTED: &str = r#"{"status":"accepted","reference":"ref-1"}"#;

/// A partner, its script, and the settings of our side.
struct Scene {
    script: Vec<Turn>,
    adjust: fn(&mut Partner),
    options: Options,
    shelf: Shelf,
}

impl Scene {
    fn new(script: impl IntoIterator<Item = Turn>) -> Self {
        let (script, shelf) = (script.into_iter().collect(), Shelf::default());
        Self { script, adjust: |_| {}, options: Options::new("new-payer"), shelf }
    }

    async fn play(self, call: Call) -> (CallResult, Vec<Seen>, Arc<Shelf>) {
        let scripted = Scripted::start(self.script).await;
        let mut partner = partner(&scripted.base_url);
        (self.adjust)(&mut partner);
        let registry = Registry::new([partner]).expect("a registry");
        let shelf = Arc::new(self.shelf);
        let ports = Ports { phi: Arc::new(Opener), evidence: Arc::clone(&shelf) as _, clock: Arc::new(Standing) };
        let partners = Partners::new(&registry, ports, Handle::current(), self.options).expect("partners");
        let (told, answer) = oneshot::channel();
        let attempt = call.attempt;
        partners.perform(call, Box::new(move |answer| told.send(answer).expect("somebody listens")));
        let answer: Answer = answer.await.expect("exactly one answer");
        assert_eq!(answer.attempt, attempt);
        (answer.result, scripted.seen(), shelf)
    }
}

async fn result(script: impl IntoIterator<Item = Turn>, verb: CallVerb) -> CallResult {
    Scene::new(script).play(call(verb)).await.0
}

fn completed(records: u64, digest: [u8; 32], url: &str) -> Turn {
    let sha256 = hex::encode(digest);
    let manifest = format!(r#"{{"records":{records},"sha256":"{sha256}","url":"{url}"}}"#);
    state(200, &format!(r#"{{"status":"completed","reference":"ref-1","manifest":{manifest}}}"#))
}

fn completed_well() -> Turn {
    completed(3, Sha256::digest(DATA).into(), "{base}/exchanges/ref-1/data")
}

fn data() -> Turn {
    http(200, &["content-type: application/fhir+ndjson"], DATA)
}

fn pending() -> CallResult {
    CallResult::Pending { reference: "ref-1".into(), retry_after: Some(Duration::from_millis(250)) }
}

/// Accepted after all, though its data can't be fetched yet.
fn pending_data() -> CallResult {
    CallResult::Pending { reference: "ref-1".into(), retry_after: None }
}

fn failure(class: FailureClass, code: &'static str) -> CallResult {
    failed(class, code)
}

fn refused(class: FailureClass, code: &str) -> CallResult {
    CallResult::Refused { class, code: code.into() }
}

fn query() -> CallVerb {
    CallVerb::Query
}

fn cancel() -> CallVerb {
    CallVerb::Cancel { reference: Some("ref-1".into()) }
}

fn compensate(reference: Option<&str>) -> CallVerb {
    CallVerb::Compensate { undoes: OperationId([9; 16]), reference: reference.map(Into::into) }
}

#[tokio::test]
async fn a_request_is_sent_and_its_data_fetched_counted_and_kept() {
    let (result, seen, shelf) = Scene::new([completed_well(), data()]).play(call(send())).await;
    let sha256 = Sha256::digest(DATA).into();
    let received = ReceivedData { records: 3, sha256, evidence: Some("evidence/1".into()) };
    let manifest = Manifest { records: 3, sha256 };
    assert_eq!(result, CallResult::Completed { reference: "ref-1".into(), manifest, received });
    assert_eq!(*shelf.kept.lock().unwrap(), [DATA]);

    assert_eq!(seen[0].line, "POST /evergreen/exchanges HTTP/1.1");
    assert_eq!(seen[0].headers["idempotency-key"], format!("\"{OPERATION_TEXT}\""));
    assert_eq!(seen[0].headers["content-type"], "application/json");
    assert_eq!(seen[0].headers["traceparent"], call(send()).trace.to_string());
    let body: serde_json::Value = serde_json::from_str(&seen[0].body).unwrap();
    assert_eq!(body["operation_id"], OPERATION_TEXT);
    assert_eq!(body["member"]["family"], "Canary");
    assert_eq!(body.get("callback_url"), None);
    assert_eq!(seen[1].line, "GET /evergreen/exchanges/ref-1/data HTTP/1.1");
    assert_eq!(seen[1].headers["accept"], "application/fhir+ndjson");
}

#[tokio::test]
async fn data_that_differs_from_its_manifest_is_handed_on_as_it_is() {
    let lying = completed(4, [1; 32], "{base}/exchanges/ref-1/data");
    let CallResult::Completed { manifest, received, .. } = result([lying, data()], send()).await else {
        panic!("not completed")
    };
    assert_eq!((manifest.records, manifest.sha256, received.records), (4, [1; 32], 3));
}

#[tokio::test]
async fn an_accepted_request_is_pending_and_says_where_to_call_back() {
    let mut scene = Scene::new([state(202, ACCEPTED)]);
    scene.adjust = |partner| partner.completion = Completion::Callback;
    scene.options.callback_base = Some("https://waybill.example/".into());
    let (result, seen, _) = scene.play(call(send())).await;
    assert_eq!(result, pending());
    let body: serde_json::Value = serde_json::from_str(&seen[0].body).unwrap();
    let wanted = "https://waybill.example/callbacks/evergreen/05050505-0505-0505-0505-050505050505";
    assert_eq!(body["callback_url"], wanted);
}

#[tokio::test]
async fn a_partner_that_says_no_is_understood() {
    let rows = [
        (problem(422, "no-match"), refused(FailureClass::BusinessRule, "no-match")),
        (problem(401, "token-expired"), failure(FailureClass::Authentication, "token-expired")),
        (problem(403, "scope"), failure(FailureClass::Authorisation, "scope")),
        (problem(400, "invalid-request"), refused(FailureClass::Permanent, "invalid-request")),
        (http(404, &[], "<html>"), refused(FailureClass::Permanent, "http-404")),
        (problem(409, "in-flight"), failure(FailureClass::Throttled, "in-flight")),
        (problem(500, "internal"), failure(FailureClass::OutcomeUnknown, "internal")),
        (http(503, &[], ""), failure(FailureClass::OutcomeUnknown, "http-503")),
        (http(302, &["location: http://127.0.0.1:1/"], ""), refused(FailureClass::Permanent, "http-302")),
    ];
    for (turn, wanted) in rows {
        assert_eq!(result([turn], send()).await, wanted);
    }
    for status in [429, 503] {
        let busy = http(status, &["retry-after: 2"], "");
        let retry_after = Some(Duration::from_secs(2));
        let wanted = CallResult::Failed { class: FailureClass::Throttled, code: format!("http-{status}"), retry_after };
        assert_eq!(result([busy], send()).await, wanted);
    }
}

#[tokio::test]
async fn a_send_without_a_readable_answer_is_an_unknown_outcome() {
    let truncated = http(200, &["content-length: 500"], ACCEPTED);
    let broken = failure(FailureClass::OutcomeUnknown, "connection-broken");
    assert_eq!(result([Turn::Close], send()).await, broken);
    assert_eq!(result([truncated], send()).await, broken);
    let schema = |code| failure(FailureClass::Schema, code);
    assert_eq!(result([state(200, "done!")], send()).await, schema("answer-malformed"));
    assert_eq!(
        result([state(202, r#"{"status":"parked","reference":"r"}"#)], send()).await,
        schema("answer-malformed")
    );
    let reference = state(202, r#"{"status":"accepted","reference":"a b"}"#);
    assert_eq!(result([reference], send()).await, schema("reference-malformed"));
    let mut scene = Scene::new([state(202, &format!("{ACCEPTED}{}", " ".repeat(100)))]);
    scene.options.answer_bytes_max = 100;
    assert_eq!(scene.play(call(send())).await.0, schema("answer-too-large"));
}

#[tokio::test]
async fn a_partner_that_hangs_ends_the_call_in_time() {
    let mut scene = Scene::new([Turn::Hang]);
    scene.adjust = |partner| partner.limits = Limits { timeout_ms: 200, ..partner.limits };
    let late = failure(FailureClass::Timeout, "no-answer-in-time");
    assert_eq!(scene.play(call(send())).await.0, late);

    let mut soon = call(poll());
    soon.deadline = crate::fixture::NOW + Duration::from_millis(200);
    assert_eq!(Scene::new([Turn::Hang]).play(soon).await.0, late, "the call's own deadline counts too");
}

#[tokio::test]
async fn a_partner_that_is_not_there_has_seen_nothing() {
    let mut scene = Scene::new([]);
    scene.adjust = |partner| partner.base_url = "http://127.0.0.1:1/evergreen".into();
    assert_eq!(scene.play(call(send())).await.0, failure(FailureClass::Transport, "not-connected"));
}

#[tokio::test]
async fn what_fails_on_our_side_asks_nothing_of_the_partner() {
    let mut full = Scene::new([]);
    full.options.calls_max = 0;
    full.adjust = |partner| partner.limits = Limits { timeout_ms: 50, ..partner.limits };
    let mut late = call(send());
    late.deadline = crate::fixture::NOW;
    let unsealable = CallVerb::Send { dossier: sealed("k2"), ask: Ask::default() };
    let mut stranger = call(send());
    stranger.route = Route { partner: "nobody".into(), bucket: 0 };
    let rows = [
        (full, call(send()), failure(FailureClass::Throttled, "call-slots-taken")),
        (Scene::new([]), late, failure(FailureClass::Throttled, "deadline-passed")),
        (Scene::new([]), call(unsealable), failure(FailureClass::Defect, "seal-broken")),
        (Scene::new([]), stranger, failure(FailureClass::Defect, "partner-unknown")),
    ];
    for (scene, call, wanted) in rows {
        let (result, seen, _) = scene.play(call).await;
        assert_eq!((result, seen.len()), (wanted, 0));
    }
}

#[tokio::test]
async fn a_poll_tells_how_it_stands() {
    let (result, seen, _) = Scene::new([state(200, ACCEPTED)]).play(call(poll())).await;
    assert_eq!((result, seen[0].line.as_str()), (pending(), "GET /evergreen/exchanges/ref-1 HTTP/1.1"));
    let kind = r#"{"type":"https://partner.example/problems/consent-expired"}"#;
    let rejected = format!(r#"{{"status":"failed","reference":"ref-1","problem":{kind}}}"#);
    let rows = [
        (vec![state(200, &rejected)], refused(FailureClass::BusinessRule, "consent-expired")),
        (vec![state(200, r#"{"status":"failed","reference":"r"}"#)], refused(FailureClass::BusinessRule, "failed")),
        (vec![state(200, r#"{"status":"cancelled","reference":"r"}"#)], CallResult::Cancelled),
        (vec![problem(404, "unknown")], refused(FailureClass::Permanent, "unknown")),
        (vec![problem(500, "internal")], failure(FailureClass::Transport, "internal")),
        (vec![Turn::Close], failure(FailureClass::Transport, "connection-broken")),
        (vec![completed_well(), Turn::Close], failure(FailureClass::Transport, "connection-broken")),
        (vec![completed_well(), problem(404, "gone")], failure(FailureClass::Transport, "gone")),
        (vec![completed(3, [0; 32], "http://127.0.0.2:1/data")], failure(FailureClass::Schema, "manifest-url-foreign")),
        (
            vec![state(200, r#"{"status":"completed","reference":"r"}"#)],
            failure(FailureClass::Schema, "manifest-missing"),
        ),
    ];
    for (script, wanted) in rows {
        assert_eq!(self::result(script, poll()).await, wanted);
    }
    assert!(matches!(self::result([completed_well(), data()], poll()).await, CallResult::Completed { .. }));
}

#[tokio::test]
async fn data_that_can_not_be_had_yet_is_left_to_a_poll() {
    let truncated = http(200, &["content-length: 5000"], DATA);
    for turn in [Turn::Close, problem(500, "internal"), truncated] {
        assert_eq!(result([completed_well(), turn], send()).await, pending_data());
    }
    let mut full = Scene::new([completed_well(), data()]);
    full.shelf.broken = true;
    assert_eq!(full.play(call(send())).await.0, pending_data());
    let mut broken = Scene::new([completed_well(), data()]);
    broken.shelf.broken = true;
    assert_eq!(broken.play(call(poll())).await.0, failure(FailureClass::Throttled, "evidence-not-kept"));
    let mut small = Scene::new([completed_well(), data()]);
    small.options.data_bytes_max = DATA.len() - 1;
    assert_eq!(small.play(call(poll())).await.0, failure(FailureClass::Schema, "answer-too-large"));
}

#[tokio::test]
async fn where_no_data_is_expected_none_is_missed() {
    let mut reversal = call(poll());
    reversal.context.workflow = Workflow::Reversal;
    let (result, ..) = Scene::new([state(200, r#"{"status":"completed","reference":"r"}"#)]).play(reversal).await;
    let (manifest, received) = (Manifest::default(), ReceivedData::default());
    assert_eq!(result, CallResult::Completed { reference: "r".into(), manifest, received });
}

#[tokio::test]
async fn a_workflow_that_is_not_carried_out_is_never_posted_as_a_request_for_data() {
    for workflow in [Workflow::Revocation, Workflow::Reversal, Workflow::Deliver, Workflow::AnswerExport] {
        let mut stray = call(send());
        stray.context.workflow = workflow;
        let (result, seen, _) = Scene::new([]).play(stray).await;
        assert_eq!(result, failure(FailureClass::Defect, "workflow-unavailable"));
        assert!(seen.is_empty());
    }
}

#[tokio::test]
async fn a_query_finds_what_became_of_it_or_nothing() {
    let (result, seen, _) = Scene::new([state(200, ACCEPTED)]).play(call(query())).await;
    let line = format!("GET /evergreen/exchanges?idempotency_key={OPERATION_TEXT} HTTP/1.1");
    assert_eq!((result, seen[0].line.as_str()), (pending(), line.as_str()));
    let rows = [
        (problem(404, "unknown"), CallResult::NotFound),
        (http(404, &[], ""), CallResult::NotFound),
        (http(404, &[], "<html>no such page</html>"), failure(FailureClass::Schema, "answer-malformed")),
        (http(404, &["content-length: 50"], ""), failure(FailureClass::Schema, "answer-malformed")),
        (problem(400, "unsupported"), failure(FailureClass::Permanent, "unsupported")),
        (Turn::Close, failure(FailureClass::Transport, "connection-broken")),
    ];
    for (turn, wanted) in rows {
        assert_eq!(self::result([turn], query()).await, wanted);
    }
    assert_eq!(self::result([completed_well(), Turn::Close], query()).await, pending_data());
}

#[tokio::test]
async fn a_cancel_succeeds_or_comes_too_late() {
    let cancelled = state(202, r#"{"status":"cancelled","reference":"ref-1"}"#);
    let (result, seen, _) = Scene::new([cancelled]).play(call(cancel())).await;
    assert_eq!((result, seen[0].line.as_str()), (CallResult::Cancelled, "DELETE /evergreen/exchanges/ref-1 HTTP/1.1"));
    let rows = [
        (http(202, &[], ""), CallResult::Cancelled),
        (problem(409, "already-completed"), CallResult::CancelTooLate),
        (state(200, r#"{"status":"completed","reference":"r"}"#), CallResult::CancelTooLate),
        (problem(404, "unsupported"), refused(FailureClass::Permanent, "unsupported")),
        (Turn::Close, failure(FailureClass::Transport, "connection-broken")),
    ];
    for (turn, wanted) in rows {
        assert_eq!(self::result([turn], cancel()).await, wanted);
    }
}

#[tokio::test]
async fn an_effect_is_undone_under_its_own_key() {
    let done = || state(200, r#"{"status":"completed","reference":"ref-2"}"#);
    let (result, seen, _) = Scene::new([done()]).play(call(compensate(Some("ref-1")))).await;
    assert_eq!(result, CallResult::Compensated);
    assert_eq!(seen[0].line, "POST /evergreen/exchanges/ref-1/compensate HTTP/1.1");
    assert_eq!(seen[0].headers["idempotency-key"], format!("\"{OPERATION_TEXT}\""));

    let (result, seen, _) = Scene::new([state(200, ACCEPTED), done()]).play(call(compensate(None))).await;
    assert_eq!(result, CallResult::Compensated);
    let line = "GET /evergreen/exchanges?idempotency_key=09090909-0909-0909-0909-090909090909 HTTP/1.1";
    assert_eq!(seen[0].line, line, "the reference is looked up by the key of what is undone");
    assert_eq!(seen[1].line, "POST /evergreen/exchanges/ref-1/compensate HTTP/1.1");

    let rows = [
        (state(202, ACCEPTED), pending()),
        (problem(422, "not-reversible"), refused(FailureClass::BusinessRule, "not-reversible")),
        (Turn::Close, failure(FailureClass::OutcomeUnknown, "connection-broken")),
    ];
    for (turn, wanted) in rows {
        assert_eq!(self::result([turn], compensate(Some("ref-1"))).await, wanted);
    }
    let nothing = refused(FailureClass::Permanent, "nothing-to-undo");
    assert_eq!(self::result([problem(404, "unknown")], compensate(None)).await, nothing);
    let mut mute = Scene::new([]);
    mute.adjust = |partner| partner.status_query = false;
    assert_eq!(mute.play(call(compensate(None))).await.0, failure(FailureClass::Defect, "reference-missing"));
}

#[test]
fn records_are_lines_with_something_on_them_however_they_arrive() {
    for size in 1..DATA.len() {
        let mut tally = Tally::default();
        DATA.as_bytes().chunks(size).for_each(|chunk| tally.add(chunk));
        assert_eq!(tally.sum(), (3, Sha256::digest(DATA).into()), "in pieces of {size}");
    }
    assert_eq!(Tally::default().sum().0, 0);
}
