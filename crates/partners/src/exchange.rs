//! The conversations: what is asked of a partner for each verb, and what its answers come to.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use domain::lifecycle::workflow::{is_carried_out, steps};
use domain::messages::{Ask, Context, Manifest, ReceivedData};
use domain::partner::Completion;
use domain::person::Dossier;
use domain::phi::Sealed;
use domain::{Call, CallResult, CallVerb, FailureClass, OperationId};
use reqwest::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout_at};

use crate::caller::{Line, Lines};
use crate::classify::{
    Breakdown, Errand, breakdown, failed, not_asked, problem_code, refusal, retry_after, unreadable,
};
use crate::wire::{
    CompensateRequest, ExchangeRequest, ExchangeState, ExchangeStatus, Problem, WireManifest, is_reference,
};

/// One call's conversation with its partner.
pub(crate) struct Conversation<'a> {
    pub(crate) lines: &'a Lines,
    pub(crate) line: &'a Line,
    pub(crate) call: &'a Call,
    /// When it has ended, whatever was said.
    pub(crate) deadline: Instant,
}

/// How the conversation goes on, or what it came to already.
type Step<T> = Result<T, CallResult>;

/// Where an exchange stands, and how long the partner asks us to wait.
type Told = (ExchangeState, Option<Duration>);

/// Counts and digests data while it arrives.
#[derive(Default)]
struct Tally {
    hash: Sha256,
    records: u64,
    in_record: bool,
}

// === impl Conversation ===

impl Conversation<'_> {
    pub(crate) async fn hold(&self) -> CallResult {
        let ended = match &self.call.verb {
            CallVerb::Send { dossier, ask } => self.send(dossier, ask).await,
            CallVerb::Poll { reference } => self.poll(reference).await,
            CallVerb::Query => self.query().await,
            CallVerb::Cancel { reference } => self.cancel(reference.as_deref()).await,
            CallVerb::Compensate { undoes, reference } => self.compensate(*undoes, reference.as_deref()).await,
        };
        match ended {
            Ok(result) | Err(result) => result,
        }
    }

    async fn send(&self, dossier: &Sealed<Dossier>, ask: &Ask) -> Step<CallResult> {
        let body = self.request_body(dossier, ask).map_err(|code| failed(FailureClass::Defect, code))?;
        let told = self.post(Errand::Send, &["exchanges"], body).await?;
        self.conclude(Errand::Send, told).await
    }

    /// The dossier is open for as long as its request is being written. The error is a code: it failed on our side.
    fn request_body(&self, dossier: &Sealed<Dossier>, ask: &Ask) -> Result<Vec<u8>, &'static str> {
        let Context { request_id, workflow, .. } = self.call.context;
        if !is_carried_out(workflow) {
            // Whatever let it come so far: the partner would take it for a request for data.
            return Err("workflow-unavailable");
        }
        let opened = self.lines.ports.phi.open_dossier(request_id, dossier);
        let dossier = opened.map_err(|_| "seal-broken")?;
        let door = match self.line.partner.completion {
            Completion::Callback => self.lines.options.callback_base.as_deref(),
            Completion::Immediate | Completion::Poll => None,
        };
        let partner = &self.line.partner.id;
        let callback_url = door.map(|base| format!("{}/callbacks/{partner}/{request_id}", base.trim_end_matches('/')));
        let requester = &self.lines.options.requester;
        let request = ExchangeRequest::new(self.call.operation_id, workflow, requester, &dossier, ask, callback_url);
        serde_json::to_vec(&request).map_err(|_| "request-unmakable")
    }

    async fn poll(&self, reference: &str) -> Step<CallResult> {
        let told = self.status(reference).await?;
        self.conclude(Errand::Status, told).await
    }

    async fn status(&self, reference: &str) -> Step<Told> {
        let url = self.line.url(&["exchanges", reference]);
        let response = self.ask(Errand::Status, self.line.client.get(url)).await?;
        self.told(Errand::Status, response).await
    }

    async fn query(&self) -> Step<CallResult> {
        let told = self.status_by_key(self.call.operation_id).await?;
        self.conclude(Errand::Query, told).await
    }

    async fn status_by_key(&self, operation: OperationId) -> Step<Told> {
        let mut url = self.line.url(&["exchanges"]);
        url.query_pairs_mut().append_pair("idempotency_key", &operation.to_string());
        let response = self.ask(Errand::Query, self.line.client.get(url)).await?;
        self.told(Errand::Query, response).await
    }

    async fn cancel(&self, reference: Option<&str>) -> Step<CallResult> {
        let Some(reference) = reference else { return Err(failed(FailureClass::Defect, "reference-missing")) };
        let url = self.line.url(&["exchanges", reference]);
        let response = self.ask(Errand::Cancel, self.line.client.delete(url)).await?;
        // The status says it; a body is believed where it contradicts.
        let done = matches!(self.told(Errand::Cancel, response).await, Ok((state, _)) if state.status == ExchangeStatus::Completed);
        Ok(if done { CallResult::CancelTooLate } else { CallResult::Cancelled })
    }

    async fn compensate(&self, undoes: OperationId, reference: Option<&str>) -> Step<CallResult> {
        let found = match reference {
            Some(reference) => reference.to_owned(),
            None => self.reference_of(undoes).await?,
        };
        let request = CompensateRequest::new(self.call.operation_id, &self.lines.options.requester);
        let body = serde_json::to_vec(&request).map_err(|_| failed(FailureClass::Defect, "request-unmakable"))?;
        let (state, wait) = self.post(Errand::Compensate, &["exchanges", &found, "compensate"], body).await?;
        match state.status {
            ExchangeStatus::Completed => Ok(CallResult::Compensated),
            ExchangeStatus::Accepted | ExchangeStatus::Failed | ExchangeStatus::Cancelled => {
                self.conclude(Errand::Compensate, (state, wait)).await
            }
        }
    }

    /// The name of an operation that nobody remembers, where the partner can be asked for it.
    async fn reference_of(&self, operation: OperationId) -> Step<String> {
        if !self.line.partner.status_query {
            return Err(failed(FailureClass::Defect, "reference-missing"));
        }
        match self.status_by_key(operation).await {
            Ok((state, _)) => Ok(state.reference),
            Err(CallResult::NotFound) => {
                Err(CallResult::Refused { class: FailureClass::Permanent, code: "nothing-to-undo".into() })
            }
            Err(result) => Err(result),
        }
    }

    async fn post(&self, errand: Errand, path: &[&str], body: Vec<u8>) -> Step<Told> {
        let request = self
            .line
            .client
            .post(self.line.url(path))
            .header(CONTENT_TYPE, "application/json")
            .header("idempotency-key", format!("\"{}\"", self.call.operation_id))
            .body(body);
        let response = self.ask(errand, request).await?;
        self.told(errand, response).await
    }

    /// Sends a request and waits for the head of a successful answer.
    async fn ask(&self, errand: Errand, request: RequestBuilder) -> Step<Response> {
        let request = request.header("traceparent", self.call.trace.to_string());
        let response = match timeout_at(self.deadline, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(breakdown(errand, kind(&error))),
            Err(_) => return Err(breakdown(errand, Breakdown::Timeout)),
        };
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let wait = self.wait_asked(&response);
        let body = self.body(errand, response, self.lines.options.answer_bytes_max, |_| {}).await.ok();
        let problem = body.as_ref().and_then(|body| serde_json::from_slice::<Problem>(body).ok());
        if errand == Errand::Query && status == StatusCode::NOT_FOUND {
            // Sending again hangs on this answer, so it must be the partner's own: a page of somebody who stands in between, or
            // half an answer, proves nothing.
            let own = problem.is_some() || body.is_some_and(|body| body.is_empty());
            return Err(if own { CallResult::NotFound } else { unreadable("answer-malformed") });
        }
        let code = problem.and_then(|problem| problem_code(problem.kind.as_deref()?));
        Err(refusal(errand, status.as_u16(), code, wait))
    }

    async fn told(&self, errand: Errand, response: Response) -> Step<Told> {
        let wait = self.wait_asked(&response);
        let body = self.body(errand, response, self.lines.options.answer_bytes_max, |_| {}).await?;
        let state = serde_json::from_slice::<ExchangeState>(&body).map_err(|_| unreadable("answer-malformed"))?;
        if !is_reference(&state.reference) {
            return Err(unreadable("reference-malformed"));
        }
        Ok((state, wait))
    }

    /// What a state comes to. Data that can't be fetched now is fetched by a later poll: the effect itself is certain.
    async fn conclude(&self, errand: Errand, (state, wait): Told) -> Step<CallResult> {
        let reference = state.reference;
        match state.status {
            ExchangeStatus::Accepted => Ok(CallResult::Pending { reference, retry_after: wait }),
            ExchangeStatus::Cancelled => Ok(CallResult::Cancelled),
            ExchangeStatus::Failed => {
                let kind = state.problem.and_then(|problem| problem.kind);
                let code = kind.as_deref().and_then(problem_code).unwrap_or_else(|| "failed".to_owned());
                Ok(CallResult::Refused { class: FailureClass::BusinessRule, code })
            }
            ExchangeStatus::Completed => match self.fetch(state.manifest.as_ref()).await {
                Ok((manifest, received)) => Ok(CallResult::Completed { reference, manifest, received }),
                Err(failure) if errand == Errand::Status => Err(failure),
                Err(_) => Ok(CallResult::Pending { reference, retry_after: None }),
            },
        }
    }

    /// Fetches what the manifest promises and keeps it. Whether it is what was promised is judged elsewhere.
    async fn fetch(&self, manifest: Option<&WireManifest>) -> Step<(Manifest, ReceivedData)> {
        let Some(manifest) = manifest else {
            let expected = steps(self.call.context.workflow).data;
            return if expected { Err(unreadable("manifest-missing")) } else { Ok(Default::default()) };
        };
        let stated = manifest.read().ok_or_else(|| unreadable("manifest-malformed"))?;
        let url = self.line.own_url(&manifest.url).ok_or_else(|| unreadable("manifest-url-foreign"))?;
        let request = self.line.client.get(url).header(ACCEPT, "application/fhir+ndjson");
        let response = self.ask(Errand::Data, request).await?;
        let mut tally = Tally::default();
        let limit = self.lines.options.data_bytes_max;
        let data = self.body(Errand::Data, response, limit, |chunk| tally.add(chunk)).await?;
        let (records, sha256) = tally.sum();
        let evidence = if data.is_empty() { None } else { Some(self.keep(data).await?) };
        Ok((stated, ReceivedData { records, sha256, evidence }))
    }

    async fn keep(&self, data: Bytes) -> Step<String> {
        let (request, operation) = (self.call.context.request_id, self.call.operation_id);
        let kept = timeout_at(self.deadline, self.lines.ports.evidence.keep(request, operation, data)).await;
        match kept {
            Ok(Ok(reference)) => Ok(reference),
            Ok(Err(error)) => {
                tracing::warn!(%operation, error = %error, "evidence not kept");
                Err(not_asked("evidence-not-kept"))
            }
            Err(_) => Err(not_asked("evidence-not-kept")),
        }
    }

    /// Reads a body of at most `limit` bytes, showing each piece to `see` as it arrives.
    async fn body(
        &self,
        errand: Errand,
        mut response: Response,
        limit: usize,
        mut see: impl FnMut(&[u8]),
    ) -> Step<Bytes> {
        let mut body = BytesMut::new();
        loop {
            match timeout_at(self.deadline, response.chunk()).await {
                Ok(Ok(Some(chunk))) if chunk.len() <= limit - body.len() => {
                    see(&chunk);
                    body.extend_from_slice(&chunk);
                }
                Ok(Ok(Some(_))) => return Err(unreadable("answer-too-large")),
                Ok(Ok(None)) => return Ok(body.freeze()),
                Ok(Err(_)) => return Err(breakdown(errand, Breakdown::Broken)),
                Err(_) => return Err(breakdown(errand, Breakdown::Timeout)),
            }
        }
    }

    fn wait_asked(&self, response: &Response) -> Option<Duration> {
        retry_after(response.headers().get(RETRY_AFTER)?.to_str().ok()?, self.lines.now())
    }
}

/// The order matters: a connection that takes too long is no connection, and the partner has seen nothing.
fn kind(error: &reqwest::Error) -> Breakdown {
    if error.is_connect() {
        Breakdown::Connect
    } else if error.is_builder() {
        Breakdown::Unmakable
    } else if error.is_timeout() {
        Breakdown::Timeout
    } else {
        Breakdown::Broken
    }
}

// === impl Tally ===

impl Tally {
    fn add(&mut self, chunk: &[u8]) {
        self.hash.update(chunk);
        for byte in chunk {
            match byte {
                b'\n' => self.in_record = false,
                _ if self.in_record || byte.is_ascii_whitespace() => {}
                _ => {
                    self.in_record = true;
                    self.records += 1;
                }
            }
        }
    }

    /// How many lines had something on them, and the SHA-256 of all bytes.
    fn sum(self) -> (u64, [u8; 32]) {
        (self.records, self.hash.finalize().into())
    }
}

#[cfg(test)]
mod tests;
