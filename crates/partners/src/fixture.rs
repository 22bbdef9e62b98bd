//! What the tests of this crate share: ports that keep things in memory, and a partner that answers from a script.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use domain::messages::{Ask, Context, Lane, PayerRole, Route, Workflow};
use domain::partner::{Adapter, CallbackDoor, Completion, Limits, Partner, Retry};
use domain::person::{ConsentPolicy, Dossier, MemberClaim, PersonName, RosterMember};
use domain::phi::{Phi, PhiError, Purpose, Sealed};
use domain::{Call, CallVerb, ExchangeId, OperationId, RecordId, RequestId, Timestamp, Token, Trace};
use fleet::clock::Clock;
use fleet::evidence::{BoxFuture, Evidence, EvidenceError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000);
pub(crate) const REQUEST: RequestId = RequestId([5; 16]);
pub(crate) const OPERATION: OperationId = OperationId([7; 16]);
pub(crate) const OPERATION_TEXT: &str = "07070707-0707-0707-0707-070707070707";

/// A clock that stands still: deadlines are kept by the runtime's.
pub(crate) struct Standing;

/// Opens what was sealed under `k1`, to a member called Canary.
pub(crate) struct Opener;

/// Keeps evidence in memory; breaks on demand.
#[derive(Default)]
pub(crate) struct Shelf {
    pub(crate) kept: Mutex<Vec<Bytes>>,
    pub(crate) broken: bool,
}

/// What the scripted partner does with one connection.
#[derive(Clone)]
pub(crate) enum Turn {
    /// Answers with these bytes and closes.
    Say(String),
    /// Closes without a word.
    Close,
    /// Says nothing for as long as the test lasts.
    Hang,
}

/// A request as the scripted partner has seen it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// A partner that answers one connection after the other from a script.
pub(crate) struct Scripted {
    pub(crate) base_url: String,
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
}

/// An answer in HTTP. `{base}` in the body becomes the partner's address.
pub(crate) fn http(status: u16, headers: &[&str], body: &str) -> Turn {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    Turn::Say(format!("HTTP/1.1 {status} Status\r\nconnection: close\r\n{headers}\r\n{body}"))
}

/// The same with a body as long as it says; truncated ones come from [`http`] with a header of their own.
pub(crate) fn state(status: u16, body: &str) -> Turn {
    http(status, &["content-type: application/json", "retry-after: 0.25"], body)
}

pub(crate) fn problem(status: u16, kind: &str) -> Turn {
    let body = format!(r#"{{"type":"https://partner.example/problems/{kind}","title":"No","detail":"Canary"}}"#);
    http(status, &["content-type: application/problem+json"], &body)
}

pub(crate) fn partner(base_url: &str) -> Partner {
    Partner {
        id: "evergreen".into(),
        name: "Evergreen".into(),
        adapter: Adapter::Rest,
        base_url: base_url.to_owned(),
        deduplicates: true,
        status_query: true,
        completion: Completion::Immediate,
        buckets: 1,
        limits: Limits { outstanding_max: 8, timeout_ms: 20_000 },
        retry: Retry { attempts_max: 4, backoff_ms: 100, backoff_ms_max: 1_000 },
        callback: Some(CallbackDoor { secret: "whsec_c2VjcmV0".into() }),
    }
}

pub(crate) fn call(verb: CallVerb) -> Call {
    let context = Context {
        request_id: REQUEST,
        exchange_id: ExchangeId([6; 16]),
        parent_request_id: None,
        source: "enrolment".into(),
        workflow: Workflow::RequestData,
        role: PayerRole::Requester,
        lane: Lane::Standard,
        counterparty: "evergreen".into(),
        consent: ConsentPolicy::Regular,
        due_by: NOW + Duration::from_secs(3_600),
        consent_end: None,
        correlation_id: None,
    };
    Call {
        operation_id: OPERATION,
        attempt: 3,
        route: Route { partner: "evergreen".into(), bucket: 0 },
        context,
        verb,
        deadline: NOW + Duration::from_secs(20),
        trace: Trace::root(RecordId([8; 16])),
    }
}

pub(crate) fn send() -> CallVerb {
    CallVerb::Send { dossier: sealed("k1"), ask: Ask::default() }
}

pub(crate) fn sealed(key_id: &str) -> Sealed<Dossier> {
    Sealed::new(key_id.into(), Bytes::new(), Bytes::new())
}

pub(crate) fn poll() -> CallVerb {
    CallVerb::Poll { reference: "ref-1".into() }
}

// === impl Scripted ===

impl Scripted {
    pub(crate) async fn start(script: Vec<Turn>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base_url = format!("http://{}/evergreen", listener.local_addr().expect("an address"));
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let (base, log) = (base_url.clone(), Arc::clone(&seen));
        tokio::spawn(async move {
            let mut hanging = Vec::new();
            for turn in script {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let request = read(&mut stream).await;
                log.lock().expect("the log").push(request);
                match turn {
                    Turn::Say(answer) => {
                        stream.write_all(answer.replace("{base}", &base).as_bytes()).await.expect("written");
                    }
                    Turn::Close => {}
                    Turn::Hang => hanging.push(stream),
                }
            }
            std::future::pending::<()>().await;
        });
        Self { base_url, seen }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("the log").clone()
    }
}

async fn read(stream: &mut TcpStream) -> Seen {
    let mut text = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let length = stream.read(&mut chunk).await.expect("a request");
        text.extend_from_slice(&chunk[..length]);
        let seen = parse(&String::from_utf8(text.clone()).expect("text"));
        match seen {
            Some(seen) => return seen,
            None => assert_ne!(length, 0, "half a request"),
        }
    }
}

/// The request, once all of it is there.
fn parse(text: &str) -> Option<Seen> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let line = lines.next()?.to_owned();
    let headers: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().expect("a length"));
    (length <= body.len()).then(|| Seen { line, headers, body: body.to_owned() })
}

// === impl ports ===

impl Clock for Standing {
    fn now_ms(&self) -> i64 {
        NOW.0
    }

    fn since_boot(&self) -> Duration {
        Duration::ZERO
    }
}

impl Phi for Opener {
    fn seal_dossier(&self, _: RequestId, _: RecordId, _: &Dossier) -> Result<Sealed<Dossier>, PhiError> {
        Err(PhiError::UnknownKey)
    }

    fn open_dossier(&self, request: RequestId, sealed: &Sealed<Dossier>) -> Result<Dossier, PhiError> {
        if request != REQUEST || sealed.key_id != "k1" {
            return Err(PhiError::Erased);
        }
        let name = PersonName { family: "Canary".into(), given: vec!["Jane".into()], ..PersonName::default() };
        Ok(Dossier { member: MemberClaim { name, ..MemberClaim::default() }, ..Dossier::default() })
    }

    fn seal_member(&self, _: &str, _: &RosterMember) -> Result<Sealed<RosterMember>, PhiError> {
        Err(PhiError::UnknownKey)
    }

    fn open_member(&self, _: &str, _: &Sealed<RosterMember>) -> Result<RosterMember, PhiError> {
        Err(PhiError::UnknownKey)
    }

    fn token(&self, _: Purpose, _: &[&[u8]]) -> Token {
        Token::default()
    }
}

impl Evidence for Shelf {
    fn keep<'a>(
        &'a self,
        request: RequestId,
        operation: OperationId,
        data: Bytes,
    ) -> BoxFuture<'a, Result<String, EvidenceError>> {
        Box::pin(async move {
            if self.broken {
                return Err(EvidenceError::Store("the disk is full".into()));
            }
            assert_eq!((request, operation), (REQUEST, OPERATION));
            self.kept.lock().expect("the shelf").push(data);
            Ok("evidence/1".into())
        })
    }

    fn fetch<'a>(&'a self, _: RequestId, _: &'a str) -> BoxFuture<'a, Result<Bytes, EvidenceError>> {
        Box::pin(async { Err(EvidenceError::Missing) })
    }
}
