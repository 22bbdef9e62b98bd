//! Turns a delivery into an HTTP response, faults of the wire included.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, UNIX_EPOCH};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use http_body::Frame;
use serde::Serialize;

use super::answer::{Answer, AnswerBody, Delivery, RetryAfter};

/// A body that ends in an error, upon which the server closes the connection. When the error comes first, nothing of
/// the answer has been sent yet, so the caller sees a connection closed without an answer.
struct BreakingBody {
    part: Option<Bytes>,
    /// Whether what was given so far has had time to go out.
    flushed: bool,
}

/// The response that the caller sees.
pub(super) fn render(delivery: Delivery) -> Response {
    match delivery {
        Delivery::Whole(answer) => response(answer, Body::from),
        Delivery::Malformed(answer) => response(answer, |content| Body::from(malformed(content))),
        Delivery::Truncated(answer) => response(answer, |content| Body::new(BreakingBody::halfway(content))),
        Delivery::Closed => Response::new(Body::new(BreakingBody { part: None, flushed: true })),
    }
}

/// Announces the whole content, whatever `body` makes of it.
fn response(answer: Answer, body: impl FnOnce(Vec<u8>) -> Body) -> Response {
    let (content_type, content) = match answer.body {
        AnswerBody::State(state) => ("application/json", json(&state)),
        AnswerBody::Problem(problem) => ("application/problem+json", json(&problem)),
        AnswerBody::Data(data) => ("application/fhir+ndjson", data.into_bytes()),
    };
    let length = content.len();
    let mut response = Response::new(body(content));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    if let Some(value) = answer.retry_after.and_then(|retry_after| retry_after_header(retry_after).try_into().ok()) {
        headers.insert(RETRY_AFTER, value);
    }
    response
}

/// Whole seconds as HTTP has them; a wait of less than one, which only a scaled sandbox gives, is a decimal fraction.
fn retry_after_header(retry_after: RetryAfter) -> String {
    match retry_after {
        RetryAfter::Wait { wait_ms } if wait_ms < 1000 => format!("0.{wait_ms:03}"),
        RetryAfter::Wait { wait_ms } => wait_ms.div_ceil(1000).to_string(),
        RetryAfter::Date { at_ms } => {
            let seconds = u64::try_from(at_ms).unwrap_or_default().div_ceil(1000);
            httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
        }
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("an answer is plain data")
}

/// What a broken serialiser makes of a body: as long as before, and not JSON.
fn malformed(mut body: Vec<u8>) -> Vec<u8> {
    if let Some(first) = body.first_mut() {
        *first = b'<';
    }
    body
}

// === impl BreakingBody ===

impl BreakingBody {
    fn halfway(mut content: Vec<u8>) -> Self {
        content.truncate(content.len() / 2);
        Self { part: Some(content.into()), flushed: false }
    }
}

impl HttpBody for BreakingBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(part) = self.part.take() {
            return Poll::Ready(Some(Ok(Frame::data(part))));
        }
        if !self.flushed {
            self.flushed = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::Error::other("broken off by the sandbox"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_has_both_forms() {
        assert_eq!(retry_after_header(RetryAfter::Wait { wait_ms: 2_000 }), "2");
        assert_eq!(retry_after_header(RetryAfter::Wait { wait_ms: 50 }), "0.050");
        assert_eq!(retry_after_header(RetryAfter::Date { at_ms: 784_111_776_001 }), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
